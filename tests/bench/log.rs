//! The log beside a bare loop of the same writes and syncs, on the same disk in the same run.
//!
//! * `append/bare`: the same writes and syncs into files filled with zeros before, and nothing else.
//! * `append/writer`: the same bytes as records through [`Writer::append`].
//! * `append/bare beside filling`: the bare loop while a second thread fills the next file.
//! * `append/log, n under way`: the same records through the queue and the threads, with so many
//!   requests waiting for their answer at a time: one as of a single sender, four as under load.
//! * `append/log, sharing`: the same with the log's own limits: what waits shares a write and a sync.
//! * `append/log-8-senders`: eight senders with one record each, as eight connections would.
//! * `of bare`: the same once more, in turns of a fraction of a second, so that a disk that is faster now
//!   and slower then is so to all; a table of the middle ratio to the bare loop of the same turn.
//! * `cpu`: [`Writer::append`] on a disk that does nothing.
//! * `scan`: a recovery scan of one gigabyte, beside reading the same files with one checksum.
//!
//! The records have 336 bytes: an alert with 8 labels and 2 annotations.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has nothing to tell"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark measures the real world"
)]

use std::hint::black_box;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tocsin::node::{RealClock, RealDisk};
use tocsin::sys::{
    Access, Disk, DiskFile, Held, Image, LockGuard, LockOutcome, SeededEntropy, SimDisk,
};
use tocsin::wal::frame::frame_bytes;
use tocsin::wal::scan::{Behind, Scanned, inspect};
use tocsin::wal::segment::FRAMES_OFFSET;
use tocsin::wal::{
    AppendError, Appended, DurableBatch, Environment, IgnoreReplay, Lane, Log, LogOptions,
    NewRecord, QueueLimits, RecordType, ThreadOptions, View, Writer, open,
};

const PAYLOAD_BYTES: usize = 336;
const BATCHES: [usize; 3] = [1, 64, 1024];
const SEGMENT_BYTES: u64 = 16 * 1024 * 1024;
const SCAN_BYTES: u64 = 1024 * 1024 * 1024;

fn record(at: usize) -> NewRecord {
    let payload: Vec<u8> = (0..PAYLOAD_BYTES)
        .map(|byte| (at + byte).to_le_bytes()[0])
        .collect();
    NewRecord {
        record_type: RecordType(1),
        schema: 1,
        payload: payload.into(),
    }
}

fn environment(disk: Arc<dyn Disk>) -> Environment {
    Environment {
        disk,
        clock: Arc::new(RealClock::new()),
        entropy: Arc::new(SeededEntropy::new(1)),
    }
}

/// Beside the build, so that it is the disk of the project and not a memory file system.
fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn writer_in(dir: &Path) -> Writer {
    let disk = Arc::new(RealDisk::new(dir));
    open(
        &environment(disk),
        &LogOptions::default(),
        &mut IgnoreReplay,
    )
    .unwrap()
    .0
}

/// How many batches are appended, and how many before them that are not measured: the file of the next
/// segment is filled as soon as a store is opened, which for small batches is work that the running log
/// does once in many seconds.
#[derive(Debug, Clone, Copy)]
struct Run {
    settling: u64,
    batches: u64,
}

impl Run {
    fn of(batches: u64) -> Self {
        Self {
            settling: 0,
            batches,
        }
    }

    fn all(self) -> u64 {
        self.settling + self.batches
    }
}

/// The bytes that a batch of so many records takes in the log.
fn batch_bytes(records: usize) -> usize {
    frame_bytes(16) + records * frame_bytes(PAYLOAD_BYTES)
}

/// A file as long as a segment, filled with zeros and durable.
fn blank(disk: &RealDisk, number: u64) -> (PathBuf, Arc<dyn DiskFile>) {
    let path = PathBuf::from(format!("bare-{number}.tmp"));
    let file = disk.create(&path).unwrap();
    file.preallocate(SEGMENT_BYTES).unwrap();
    file.fdatasync().unwrap();
    (path, file)
}

/// The bare loop: what the log asks of the disk, and nothing else. That is a write and a sync for
/// each batch, and, where the log begins a new segment, the write of a page, a sync, a rename and a
/// sync of the directory. The files stay, as those of the log do: blocks that the device knows
/// already are faster to write again.
///
/// `next_blank` gives the files; what it takes is measured if `is_fill_measured`.
fn bare_over(
    disk: &RealDisk,
    run: Run,
    bytes: usize,
    is_fill_measured: bool,
    mut next_blank: impl FnMut() -> (PathBuf, Arc<dyn DiskFile>),
) -> Duration {
    let batches = run.all();
    let per_file = (SEGMENT_BYTES - FRAMES_OFFSET) / bytes as u64;
    let buffer = vec![0x5a; bytes];
    let page = vec![0x5a; usize::try_from(FRAMES_OFFSET).unwrap()];
    let mut total = Duration::ZERO;
    let mut left = batches;
    while left > 0 {
        let waiting = Instant::now();
        let (path, file) = next_blank();
        let mut start = if is_fill_measured && left < batches {
            waiting
        } else {
            Instant::now()
        };
        if left < batches {
            file.pwrite(0, &page).unwrap();
            file.fdatasync().unwrap();
            disk.rename(&path, &path.with_extension("wal")).unwrap();
            disk.sync_dir(Path::new("")).unwrap();
        }
        let now = left.min(per_file);
        for batch in 0..now {
            if batches - left + batch == run.settling {
                (total, start) = (Duration::ZERO, Instant::now());
            }
            let offset = FRAMES_OFFSET + batch * bytes as u64;
            assert_eq!(file.pwrite(offset, &buffer).unwrap(), bytes);
            file.fdatasync().unwrap();
        }
        total += start.elapsed();
        left -= now;
    }
    total
}

fn bare(run: Run, bytes: usize) -> Duration {
    let dir = directory();
    let disk = RealDisk::new(dir.path());
    let mut number = 0;
    bare_over(&disk, run, bytes, false, || {
        number += 1;
        blank(&disk, number)
    })
}

/// As [`bare`], but the next file is filled by a second thread meanwhile, as the running log does.
fn bare_beside_filling(run: Run, bytes: usize) -> Duration {
    let dir = directory();
    let disk = RealDisk::new(dir.path());
    std::thread::scope(|scope| {
        // A rendezvous: one file is ready or being filled, and no more.
        let (sender, blanks) = mpsc::sync_channel(0);
        scope.spawn(|| {
            let sender = sender;
            let mut number = 0;
            while sender.send(blank(&disk, number)).is_ok() {
                number += 1;
            }
        });
        let total = bare_over(&disk, run, bytes, true, || blanks.recv().unwrap());
        drop(blanks);
        total
    })
}

fn through_writer(run: Run, records: usize) -> Duration {
    let dir = directory();
    let mut writer = writer_in(dir.path());
    let records: Vec<NewRecord> = (0..records).map(record).collect();
    let refs: Vec<&NewRecord> = records.iter().collect();
    let mut total = Duration::ZERO;
    for batch in 0..run.all() {
        if batch == run.settling {
            total = Duration::ZERO;
        }
        // The spare is made by another thread in the running log.
        writer.prepare_spare().unwrap();
        let start = Instant::now();
        writer.append(Lane::Normal, &refs).unwrap();
        total += start.elapsed();
    }
    total
}

/// Requests of so many records through queue and threads, so many of them under way at a time; each
/// is a batch and a sync of its own, so that there are as many as in the bare loop.
fn through_log(run: Run, records: usize, under_way: u64) -> Duration {
    let limits = QueueLimits {
        batch_requests_max: 1,
        ..QueueLimits::default()
    };
    through_log_within(run, records, under_way, limits)
}

fn through_log_within(run: Run, records: usize, under_way: u64, limits: QueueLimits) -> Duration {
    let dir = directory();
    let options = ThreadOptions {
        limits,
        ..ThreadOptions::default()
    };
    // As in the server: the writer's thread hands on what is durable, and another one lets go of it.
    let spent: Arc<Mutex<Vec<DurableBatch>>> = Arc::default();
    let sink = {
        let spent = Arc::clone(&spent);
        Box::new(move |batch| spent.lock().unwrap().push(batch))
    };
    let log = Log::start(writer_in(dir.path()), options, sink).unwrap();
    let records: Vec<NewRecord> = (0..records).map(record).collect();
    let (sender, answers) = mpsc::channel();
    let mut start = Instant::now();
    for batch in 0..run.all() {
        if batch >= under_way {
            answers.recv().unwrap();
            drop(std::mem::take(&mut *spent.lock().unwrap()));
        }
        if batch == run.settling {
            start = Instant::now();
        }
        let sender = sender.clone();
        let done = Box::new(move |result: Result<Appended, AppendError>| {
            sender.send(result.unwrap()).unwrap();
        });
        log.append(Lane::Normal, records.clone(), done).unwrap();
    }
    for _ in 0..run.all().min(under_way) {
        answers.recv().unwrap();
    }
    start.elapsed()
}

fn eight_senders(requests: u64) -> Duration {
    const SENDERS: u64 = 8;
    let dir = directory();
    let log = Log::start(
        writer_in(dir.path()),
        ThreadOptions::default(),
        Box::new(|_| ()),
    )
    .unwrap();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            let log = &log;
            let mine = requests / SENDERS + u64::from(sender < requests % SENDERS);
            scope.spawn(move || {
                for _ in 0..mine {
                    log.append_and_wait(Lane::Normal, vec![record(1)]).unwrap();
                }
            });
        }
    });
    start.elapsed()
}

fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(4));
    for records in BATCHES {
        let bytes = batch_bytes(records);
        group.throughput(Throughput::ElementsAndBytes {
            elements: records as u64,
            bytes: bytes as u64,
        });
        group.bench_function(BenchmarkId::new("bare", records), |bencher| {
            bencher.iter_custom(|batches| bare(Run::of(batches), bytes));
        });
        group.bench_function(
            BenchmarkId::new("bare beside filling", records),
            |bencher| {
                bencher.iter_custom(|batches| bare_beside_filling(Run::of(batches), bytes));
            },
        );
        group.bench_function(BenchmarkId::new("writer", records), |bencher| {
            bencher.iter_custom(|batches| through_writer(Run::of(batches), records));
        });
        for under_way in [1, 4] {
            let name = format!("log, {under_way} under way");
            group.bench_function(BenchmarkId::new(name, records), |bencher| {
                bencher.iter_custom(|batches| through_log(Run::of(batches), records, under_way));
            });
        }
    }
    group.throughput(Throughput::Elements(1));
    group.bench_function("log-8-senders", |bencher| {
        bencher.iter_custom(eight_senders);
    });
    group.finish();
}

/// Turns of the comparison in turns.
const TURNS: usize = 9;

/// Loops of a turn.
const LOOPS: usize = 6;

/// Batches of a turn, by the records of each: some tenth of a second.
const TURN_BATCHES: [u64; 3] = [600, 500, 200];

/// The loops of a turn; the log alone is beside its own thread that fills the next file, so that its
/// bare loop has one too.
const BARE: usize = 0;
const BARE_BESIDE_FILLING: usize = 2;

#[expect(
    clippy::print_stdout,
    reason = "the table belongs beside criterion's own figures"
)]
fn in_turns(_: &mut Criterion) {
    type Loop = (&'static str, usize, fn(Run, usize) -> Duration);
    let loops: [Loop; LOOPS] = [
        ("bare loop", BARE, |run, records| {
            bare(run, batch_bytes(records))
        }),
        ("Writer::append", BARE, through_writer),
        (
            "bare loop beside filling",
            BARE_BESIDE_FILLING,
            |run, records| bare_beside_filling(run, batch_bytes(records)),
        ),
        ("log, one under way", BARE_BESIDE_FILLING, |run, records| {
            through_log(run, records, 1)
        }),
        (
            "log, four under way",
            BARE_BESIDE_FILLING,
            |run, records| through_log(run, records, 4),
        ),
        (
            "log, four under way, sharing",
            BARE_BESIDE_FILLING,
            |run, records| through_log_within(run, records, 4, QueueLimits::default()),
        ),
    ];
    println!(
        "of bare: records a batch | loop | middle time of a batch | of its bare loop: middle, quarters"
    );
    for (records, batches) in BATCHES.into_iter().zip(TURN_BATCHES) {
        let mut turns = Vec::new();
        let run = Run {
            settling: batches,
            batches,
        };
        for turn in 0..TURNS {
            let mut took = [Duration::ZERO; LOOPS];
            for place in 0..loops.len() {
                // Nobody always comes after the same other.
                let which = (turn + place) % loops.len();
                took[which] = (loops[which].2)(run, records);
            }
            turns.push(took);
        }
        for (which, (name, base, _)) in loops.iter().enumerate() {
            let mut times: Vec<f64> = turns
                .iter()
                .map(|took| took[which].as_secs_f64() * 1e6 / batches as f64)
                .collect();
            let mut ratios: Vec<f64> = turns
                .iter()
                .map(|took| took[*base].as_secs_f64() / took[which].as_secs_f64())
                .collect();
            times.sort_by(f64::total_cmp);
            ratios.sort_by(f64::total_cmp);
            println!(
                "of bare: {records} | {name} | {:.1} µs | {:.2} ({:.2} to {:.2})",
                times[TURNS / 2],
                ratios[TURNS / 2],
                ratios[TURNS / 4],
                ratios[TURNS * 3 / 4],
            );
        }
    }
}

/// A disk that takes everything and keeps nothing but what the opening of a store needs.
#[derive(Debug)]
struct NullDisk(SimDisk);

#[derive(Debug)]
struct NullFile;

impl DiskFile for NullFile {
    fn pwrite(&self, _offset: u64, bytes: &[u8]) -> io::Result<usize> {
        Ok(black_box(bytes).len())
    }

    fn fdatasync(&self) -> io::Result<()> {
        Ok(())
    }

    fn read(&self, _offset: u64, _buffer: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(0)
    }

    fn preallocate(&self, _len_bytes: u64) -> io::Result<()> {
        Ok(())
    }
}

impl Disk for NullDisk {
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        self.0.open(path, access)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        // Only what is made while the store is running is swallowed.
        if path.to_string_lossy().contains("spare") {
            self.0.create(path)?;
            return Ok(Arc::new(NullFile));
        }
        self.0.create(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.0.create_dir(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.0.list(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.0.unlink(path)
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, _path: &Path, _contents: &str) -> io::Result<LockOutcome> {
        Ok(LockOutcome::Taken(Box::new(NullLock)))
    }

    fn lock_holder(&self, _path: &Path) -> io::Result<Option<Held>> {
        Ok(None)
    }

    fn display(&self, path: &Path) -> PathBuf {
        path.to_path_buf()
    }
}

#[derive(Debug)]
struct NullLock;

impl LockGuard for NullLock {}

fn cpu(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cpu");
    for records in BATCHES {
        let disk = NullDisk(SimDisk::without_power_loss(&Image::default()));
        let options = LogOptions::default();
        let (mut writer, _) =
            open(&environment(Arc::new(disk)), &options, &mut IgnoreReplay).unwrap();
        // The first segment is one of the simulated disk's; the next is not.
        writer.rotate().unwrap();
        let records: Vec<NewRecord> = (0..records).map(record).collect();
        let refs: Vec<&NewRecord> = records.iter().collect();
        group.throughput(Throughput::Elements(refs.len() as u64));
        group.bench_function(BenchmarkId::new("append", refs.len()), |bencher| {
            bencher.iter(|| writer.append(Lane::Normal, &refs).unwrap());
        });
    }
    group.finish();
}

/// Fills a store with a gigabyte of records.
fn gigabyte(dir: &Path) {
    let mut writer = writer_in(dir);
    let records: Vec<NewRecord> = (0..1024).map(record).collect();
    let refs: Vec<&NewRecord> = records.iter().collect();
    let mut written = 0;
    while written < SCAN_BYTES {
        written += writer.append(Lane::Normal, &refs).unwrap().bytes as u64;
    }
}

fn read_with_checksum(disk: &RealDisk) -> u32 {
    let mut buffer = vec![0; 512 * 1024];
    let mut crc = crc32fast::Hasher::new();
    let dir = Path::new("wal");
    for name in disk.list(dir).unwrap() {
        let file = disk.open(&dir.join(name), Access::Read).unwrap();
        let mut offset = 0;
        loop {
            let read = file.read(offset, &mut buffer).unwrap();
            if read == 0 {
                break;
            }
            crc.update(&buffer[..read]);
            offset += read as u64;
        }
    }
    crc.finalize()
}

fn peak_memory() -> String {
    let disk = RealDisk::new(Path::new("/proc/self"));
    let file = disk.open(Path::new("status"), Access::Read).unwrap();
    let mut buffer = vec![0; 8192];
    let read = file.read(0, &mut buffer).unwrap();
    let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
    text.lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap_or("VmHWM unknown")
        .to_owned()
}

fn scan(criterion: &mut Criterion) {
    let dir = directory();
    gigabyte(dir.path());
    let disk = RealDisk::new(dir.path());
    let view = View::load(&disk).unwrap();
    let bytes = view.segment_bytes();
    let mut group = criterion.benchmark_group("scan");
    group.sample_size(10).throughput(Throughput::Bytes(bytes));
    group.bench_function("read with one checksum", |bencher| {
        bencher.iter(|| black_box(read_with_checksum(&disk)));
    });
    let before = peak_memory();
    group.bench_function("recovery scan", |bencher| {
        bencher.iter(|| {
            let mut records = 0_u64;
            let report = inspect(&view, Behind::Stop, &mut |_: &Scanned<'_>| {
                records += 1;
                Ok(())
            });
            assert_eq!(report.unwrap().records, black_box(records));
        });
    });
    group.finish();
    report_memory(&before, bytes);
}

#[expect(
    clippy::print_stdout,
    reason = "the figure belongs beside the benchmark's own"
)]
fn report_memory(before: &str, bytes: u64) {
    println!(
        "peak memory before the scans: {before}; after scans of {bytes} bytes: {}",
        peak_memory()
    );
}

criterion_group!(benches, in_turns, cpu, append, scan);
criterion_main!(benches);
