//! A look at a store that moves: at each single call of the look to the disk, the process that has
//! the store open appends, goes on in a new segment, checkpoints and removes files; and each read sees
//! one half of the file from before that and the other half from after it.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::sys::{
    Call, DiskFile, Errno, Fault, FaultKind, Image, LockOutcome, MemoryFiles, SeededEntropy,
    SimDisk, VirtualClock, WallTime,
};
use crate::wal::scan::Scanned;
use crate::wal::{Environment, IgnoreReplay, Lane, LogOptions, NewRecord, RecordType, Writer};

const SEGMENT_BYTES: u64 = 8192;

type Disturb = Box<dyn FnMut() + Send>;

/// A disk that calls `disturb` at certain of its calls.
#[derive(Clone)]
struct Moving {
    inner: SimDisk,
    calls: Arc<AtomicU64>,
    when: fn(u64, u64) -> bool,
    parameter: u64,
    disturb: Arc<Mutex<Disturb>>,
}

impl std::fmt::Debug for Moving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Moving")
    }
}

impl Moving {
    fn tick(&self) {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        if (self.when)(call, self.parameter) {
            (self.disturb.lock().unwrap())();
        }
    }
}

#[derive(Debug)]
struct MovingFile {
    disk: Moving,
    inner: Arc<dyn DiskFile>,
}

impl DiskFile for MovingFile {
    fn pwrite(&self, _offset: u64, _bytes: &[u8]) -> io::Result<usize> {
        panic!("a look writes nothing")
    }

    fn fdatasync(&self) -> io::Result<()> {
        panic!("a look syncs nothing")
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let middle = buffer.len() / 2;
        let first = self.inner.read(offset, &mut buffer[..middle])?;
        self.disk.tick();
        if first < middle {
            return Ok(first);
        }
        let second = self
            .inner
            .read(offset + middle as u64, &mut buffer[middle..])?;
        Ok(first + second)
    }

    fn len(&self) -> io::Result<u64> {
        self.disk.tick();
        self.inner.len()
    }

    fn preallocate(&self, _len_bytes: u64) -> io::Result<()> {
        panic!("a look writes nothing")
    }
}

impl Disk for Moving {
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        assert_eq!(access, Access::Read);
        self.tick();
        Ok(Arc::new(MovingFile {
            disk: self.clone(),
            inner: self.inner.open(path, access)?,
        }))
    }

    fn create(&self, _path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        panic!("a look makes nothing")
    }

    fn create_dir(&self, _path: &Path) -> io::Result<()> {
        panic!("a look makes nothing")
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let names = self.inner.list(dir);
        self.tick();
        names
    }

    fn rename(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        panic!("a look renames nothing")
    }

    fn unlink(&self, _path: &Path) -> io::Result<()> {
        panic!("a look removes nothing")
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        panic!("a look syncs nothing")
    }

    fn lock(&self, _path: &Path, _contents: &str) -> io::Result<LockOutcome> {
        panic!("a look takes no lock")
    }

    fn lock_holder(&self, path: &Path) -> io::Result<Option<Held>> {
        self.tick();
        self.inner.lock_holder(path)
    }

    fn display(&self, path: &Path) -> PathBuf {
        self.inner.display(path)
    }
}

fn environment(disk: &SimDisk) -> Environment {
    Environment {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(VirtualClock::at(WallTime(0))),
        entropy: Arc::new(SeededEntropy::new(1)),
    }
}

fn open_writer(disk: &SimDisk) -> Writer {
    let options = LogOptions {
        segment_bytes: SEGMENT_BYTES,
        ..LogOptions::default()
    };
    crate::wal::open(&environment(disk), &options, &mut IgnoreReplay)
        .unwrap()
        .0
}

/// A batch of 300 bytes: some twelve fill a segment.
fn append(writer: &mut Writer) -> Lsn {
    let record = NewRecord {
        record_type: RecordType(1),
        schema: 1,
        payload: vec![7; 220].into(),
    };
    writer.append(Lane::Normal, &[&record]).unwrap().last
}

fn live_store() -> (SimDisk, Writer) {
    let disk = SimDisk::without_power_loss(&Image::default());
    let mut writer = open_writer(&disk);
    for _ in 0..40 {
        append(&mut writer);
    }
    (disk, writer)
}

fn world(disk: Moving) -> World {
    World {
        open_disk: Box::new(move |_| Arc::new(disk.clone())),
        clock: Arc::new(VirtualClock::at(WallTime(0))),
        entropy: Arc::new(SeededEntropy::new(2)),
        files: Arc::new(MemoryFiles::default()),
        stdin: Box::new(|_| Ok(Vec::new())),
        stdin_is_terminal: true,
        home: None,
        user: None,
        shows_progress: false,
        prints_to_terminal: false,
        serve: |_, _| unreachable!("no test of commands runs the server"),
        request: |_, _, _| unreachable!("no test of commands has a network"),
    }
}

fn moving(inner: SimDisk, when: fn(u64, u64) -> bool, parameter: u64, disturb: Disturb) -> Moving {
    Moving {
        inner,
        calls: Arc::new(AtomicU64::new(0)),
        when,
        parameter,
        disturb: Arc::new(Mutex::new(disturb)),
    }
}

/// Appends `batches`, then makes a checkpoint if the counter says so.
fn busy(mut writer: Writer, batches: u32) -> Disturb {
    let mut times = 0;
    Box::new(move || {
        let last = (0..batches).map(|_| append(&mut writer)).last();
        times += 1;
        if times % 2 == 0 {
            let lsn = last.unwrap_or(Lsn::FIRST);
            writer.checkpoint(lsn, 0, |_| Ok(())).unwrap();
        }
    })
}

/// The class, and the LSNs that were handed on: whether they are without a gap.
fn visit_class(world: &World) -> Result<(Class, bool), Problem> {
    let mut lsns = Vec::new();
    let look = visit(world, Path::new(""), false, &mut |record: &Scanned<'_>| {
        lsns.push(record.lsn.0);
        Ok(())
    })?;
    let is_gapless = lsns.windows(2).all(|pair| pair[1] == pair[0] + 1);
    Ok((look.report.class, is_gapless))
}

#[test]
fn a_store_that_moves_once_at_any_call_is_sound_and_without_gaps() {
    let mut verdicts = std::collections::BTreeSet::new();
    for batches in [1, 5, 30] {
        for call in 0..80 {
            let (disk, writer) = live_store();
            let disk = moving(disk, |n, at| n == at, call, busy(writer, batches));
            let class = look(&world(disk.clone()), Path::new(""))
                .unwrap()
                .report
                .class;
            disk.calls.store(0, Ordering::SeqCst);
            let (visited, is_gapless) = visit_class(&world(disk)).unwrap();
            verdicts.insert((class, visited, is_gapless));
        }
    }
    let sound = (Class::CleanEnd, Class::CleanEnd, true);
    assert_eq!(verdicts.into_iter().collect::<Vec<_>>(), [sound]);
}

#[test]
fn a_store_that_moves_at_every_few_calls_is_never_called_damaged() {
    let mut unsound = Vec::new();
    for batches in [1, 3, 30] {
        for every in 1..12 {
            let (disk, writer) = live_store();
            let disk = moving(
                disk,
                |n, every| n % every == 0,
                every,
                busy(writer, batches),
            );
            match look(&world(disk), Path::new("")) {
                Ok(look) if look.report.class <= Class::Sealed => {}
                // A file was gone each of the five times: said so, and no verdict.
                Err(Problem::Store(OpenError::Io { source, .. }))
                    if source.kind() == io::ErrorKind::NotFound => {}
                Ok(look) => unsound.push((batches, every, format!("{:?}", look.report.damage))),
                Err(problem) => unsound.push((batches, every, problem.to_string())),
            }
        }
    }
    assert_eq!(unsound, []);
}

#[test]
fn real_damage_in_a_store_that_moves_is_reported_with_its_place() {
    let mut found = std::collections::BTreeSet::new();
    for call in 0..80 {
        let disk = SimDisk::without_power_loss(&Image::default());
        let mut writer = open_writer(&disk);
        append(&mut writer);
        disk.plan(Fault::once(Call::Pwrite, 1, FaultKind::FlipBit(8 * 120)));
        append(&mut writer);
        for _ in 0..3 {
            append(&mut writer);
        }
        let mut writer = writer;
        let disturb: Disturb = Box::new(move || {
            append(&mut writer);
        });
        let disk = moving(disk, |n, at| n == at, call, disturb);
        let look = look(&world(disk), Path::new("")).unwrap();
        let places: Vec<_> = look
            .report
            .damage
            .iter()
            .map(|damage| (damage.offset, damage.first.0, damage.last.map(|lsn| lsn.0)))
            .collect();
        found.insert((look.report.class, places));
    }
    let expected = (Class::Damaged, vec![(4536, 6, Some(6))]);
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [expected]);
}

#[test]
fn a_store_that_stands_still_is_read_once() {
    let (disk, writer) = live_store();
    drop(writer);
    let disk = moving(disk, |_, _| false, 0, Box::new(|| {}));
    let look = look(&world(disk), Path::new("")).unwrap();
    assert_eq!(
        (look.report.class, look.scans, look.holder, look.is_moving),
        (Class::CleanEnd, 1, None, false)
    );
}

#[test]
fn a_start_during_the_look_is_no_damage() {
    let mut unsound = Vec::new();
    for call in 0..80 {
        let (disk, writer) = live_store();
        drop(writer);
        let stopped = disk.clone();
        let mut running = Vec::new();
        let disturb: Disturb = Box::new(move || running.push(open_writer(&stopped)));
        let disk = moving(disk, |n, at| n == at, call, disturb);
        let (class, is_gapless) = visit_class(&world(disk)).unwrap();
        // Sealed: the start copied the last batch, and its original lies behind the seal.
        if class > Class::Sealed || !is_gapless {
            unsound.push((call, class, is_gapless));
        }
    }
    assert_eq!(unsound, []);
}

#[test]
fn no_permission_is_an_error_of_its_own_and_not_damage() {
    let mut codes = std::collections::BTreeSet::new();
    for call in [Call::List, Call::Open] {
        let (disk, writer) = live_store();
        drop(writer);
        disk.plan(Fault::from(call, 1, FaultKind::Error(Errno::Eacces)));
        let disk = moving(disk, |_, _| false, 0, Box::new(|| {}));
        let problem = look(&world(disk), Path::new("")).unwrap_err();
        codes.insert(problem.exit().code());
    }
    assert_eq!(codes.into_iter().collect::<Vec<_>>(), [13]);
}

#[test]
fn a_store_that_is_being_made_is_in_use_and_not_damaged() {
    let disk = SimDisk::without_power_loss(&Image::default());
    let _lock = disk
        .lock(layout::lock_path(), "pid 7, since then\n")
        .unwrap();
    let unfinished = moving(disk.clone(), |_, _| false, 0, Box::new(|| {}));
    let problem = look(&world(unfinished), Path::new("")).unwrap_err();
    assert_eq!(
        (problem.exit().code(), problem.to_string()),
        (
            4,
            " is being made by another process (pid 7, since then); try again in a moment"
                .to_owned()
        )
    );
}

#[test]
fn a_place_that_the_device_cannot_read_is_named_as_such() {
    let (disk, writer) = live_store();
    drop(writer);
    let segment = "0000000000000003-";
    // The header (in two halves) can be read, the frames cannot.
    disk.plan(Fault::from(Call::Read, 3, FaultKind::Error(Errno::Eio)).on(segment));
    let disk = moving(disk, |_, _| false, 0, Box::new(|| {}));
    let look = look(&world(disk), Path::new("")).unwrap();
    let found: Vec<_> = look
        .report
        .damage
        .iter()
        .map(|damage| (damage.offset, damage.cause.to_string()))
        .collect();
    assert_eq!(
        (look.report.class, found),
        (
            Class::Damaged,
            vec![(4096, "the device cannot read this place".to_owned())]
        )
    );
}
