//! A store in memory, and the places in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tocsin::sys::{Disk, Image, SeededEntropy, SimDisk, VirtualClock, WallTime};
use tocsin::wal::scan::{Behind, Scanned, inspect};
use tocsin::wal::{
    AppendError, Class, Completion, Environment, Lane, Log, LogOptions, Lsn, NewRecord, OpenError,
    RecordType, Replay, ScanReport, StartReport, ThreadOptions, View, Writer, open,
};

/// Small, so that rotations are cheap to provoke.
pub const SEGMENT_BYTES: u64 = 16 * 1024;

pub const FRAMES_OFFSET: usize = 4096;

/// A disk, a clock, and the habit of opening the store on it.
#[derive(Debug, Clone)]
pub struct World {
    pub disk: SimDisk,
    pub clock: Arc<VirtualClock>,
    pub options: LogOptions,
}

/// What a start gave back.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Texts(pub Vec<String>);

impl Replay for Texts {
    fn checkpoint_section(
        &mut self,
        _kind: u32,
        bytes: &[u8],
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.0.push(String::from_utf8(bytes.to_vec())?);
        Ok(())
    }

    fn record(
        &mut self,
        record: &Scanned<'_>,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        if record.record_type == RecordType(1) {
            self.0.push(String::from_utf8(record.payload.to_vec())?);
        }
        Ok(())
    }
}

pub fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

pub fn text_record(text: &str) -> NewRecord {
    NewRecord {
        record_type: RecordType(1),
        schema: 1,
        payload: text.as_bytes().to_vec().into(),
    }
}

/// Appends the texts as one batch.
pub fn post(writer: &mut Writer, texts: &[&str]) {
    let records: Vec<_> = texts.iter().map(|text| text_record(text)).collect();
    let records: Vec<_> = records.iter().collect();
    writer.append(Lane::Normal, &records).unwrap();
}

/// A store whose process was killed after these batches of one record each, all in one segment.
pub fn killed_after(batches: &[&str]) -> World {
    let world = World::new();
    let mut writer = world.open();
    batches.iter().for_each(|text| post(&mut writer, &[text]));
    world
}

/// As [`killed_after`], with a heartbeat at the end, which proves the last batch.
pub fn proven(batches: &[&str]) -> World {
    let world = World::new();
    let mut writer = world.open();
    batches.iter().for_each(|text| post(&mut writer, &[text]));
    writer.heartbeat().unwrap();
    world
}

/// As [`killed_after`], each in a segment of its own, and still open.
pub fn segment_each(batches: &[&str]) -> (World, Writer) {
    let world = World::new();
    let mut writer = world.open();
    for (at, text) in batches.iter().enumerate() {
        if at > 0 {
            writer.rotate().unwrap();
        }
        post(&mut writer, &[text]);
    }
    (world, writer)
}

/// A running log without heartbeats, whose records go nowhere.
pub fn start(writer: Writer) -> Log {
    Log::start(writer, without_heartbeats(), Box::new(|_| ())).unwrap()
}

pub fn without_heartbeats() -> ThreadOptions {
    ThreadOptions {
        heartbeat_every: None,
        ..ThreadOptions::default()
    }
}

/// Appends through the running log; the LSN, or why not.
pub fn post_through(log: &Log, lane: Lane, text: &str) -> Result<Lsn, AppendError> {
    log.append_and_wait(lane, vec![text_record(text)])
        .map(|appended| appended.last)
}

/// For requests whose answers do not matter.
pub fn no_answer() -> Completion {
    Box::new(|_| ())
}

/// A checkpoint of those texts at the present end of the log.
pub fn checkpoint(writer: &mut Writer, texts: &[&str]) {
    let lsn = writer.durable();
    writer
        .checkpoint(lsn, 0, |sections| {
            texts
                .iter()
                .try_for_each(|text| sections.section(1, text.as_bytes()))
        })
        .unwrap();
}

impl World {
    pub fn new() -> Self {
        Self::on(&Image::default())
    }

    pub fn on(image: &Image) -> Self {
        Self {
            disk: SimDisk::new(image),
            clock: Arc::new(VirtualClock::at(WallTime(1_767_225_600_000_000_000))),
            options: LogOptions {
                segment_bytes: SEGMENT_BYTES,
                drops_torn_tail: true,
                version: "test".to_owned(),
                pid: 1,
            },
        }
    }

    pub fn environment(&self, seed: u64) -> Environment {
        self.environment_over(Arc::new(self.disk.clone()), seed)
    }

    pub fn environment_over(&self, disk: Arc<dyn Disk>, seed: u64) -> Environment {
        let clock = Arc::<VirtualClock>::clone(&self.clock);
        Environment {
            disk,
            clock,
            entropy: Arc::new(SeededEntropy::new(seed)),
        }
    }

    pub fn try_open(&self) -> Result<(Writer, StartReport, Vec<String>), OpenError> {
        self.try_open_with_seed(7 + self.disk.calls(tocsin::sys::Call::Create))
    }

    pub fn try_open_with_seed(
        &self,
        seed: u64,
    ) -> Result<(Writer, StartReport, Vec<String>), OpenError> {
        let mut replayed = Texts::default();
        let (writer, report) = open(&self.environment(seed), &self.options, &mut replayed)?;
        Ok((writer, report, replayed.0))
    }

    pub fn open(&self) -> Writer {
        self.try_open().unwrap().0
    }

    /// What a start gives back now.
    pub fn recover(&self) -> Vec<String> {
        self.try_open().unwrap().2
    }

    /// The refusal of a start.
    pub fn refusal(&self) -> OpenError {
        self.try_open().map(|(_, report, _)| report).unwrap_err()
    }

    pub fn inspect(&self) -> ScanReport {
        let view = View::load(&self.disk).unwrap();
        inspect(&view, Behind::Stop, &mut |_: &Scanned<'_>| Ok(())).unwrap()
    }

    pub fn class(&self) -> Class {
        self.inspect().class
    }

    /// The same store after a change to the bytes of one file.
    pub fn with(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut image = self.disk.image();
        change(Arc::make_mut(image.files.get_mut(path).unwrap()));
        Self::on(&image)
    }

    /// The same store after a change to its files.
    pub fn with_files(&self, change: impl FnOnce(&mut Image)) -> Self {
        let mut image = self.disk.image();
        change(&mut image);
        Self::on(&image)
    }

    pub fn files(&self, dir: &str) -> Vec<PathBuf> {
        let dir = Path::new(dir);
        self.disk
            .list(dir)
            .unwrap_or_default()
            .iter()
            .map(|name| dir.join(name))
            .collect()
    }

    /// The same store with a flipped bit in the payload of the record with that text, and where the
    /// damage is: file, offset, LSNs, as [`damage_of`] gives it back.
    pub fn with_flipped(&self, text: &str) -> (Self, (PathBuf, u64, Lsn, Option<Lsn>)) {
        let (path, place) = self.find(text);
        let broken = self.with(&path, |bytes| bytes[place.start + 28] ^= 1);
        (broken, place.of(&path))
    }

    /// The same store with so many bytes behind its last record that are none: what a crash in
    /// mid-write leaves. Where they begin, too.
    pub fn torn(&self, count: usize) -> (Self, PathBuf, usize) {
        let path = self.segments().pop().unwrap();
        let end = end(&self.bytes(&path));
        let torn = self.with(&path, |bytes| bytes[end..end + count].fill(0xab));
        (torn, path, end)
    }

    /// The segment and the place of the record with that text.
    pub fn find(&self, text: &str) -> (PathBuf, Place) {
        let mut segments = self.segments().into_iter();
        segments
            .find_map(|path| Some((path.clone(), find(&self.bytes(&path), text)?)))
            .unwrap()
    }

    /// The first segment.
    pub fn first_segment(&self) -> PathBuf {
        self.segments().swap_remove(0)
    }

    pub fn segments(&self) -> Vec<PathBuf> {
        self.files("wal")
            .into_iter()
            .filter(|path| path.extension().unwrap() == "wal")
            .collect()
    }

    pub fn bytes(&self, path: &Path) -> Vec<u8> {
        self.disk.image().files[path].to_vec()
    }
}

/// Where a frame stands in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub start: usize,
    pub end: usize,
    pub lsn: u64,
    pub record_type: u8,
}

impl Place {
    /// As [`damage_of`] gives damage to this one record back.
    pub fn of(&self, path: &Path) -> (PathBuf, u64, Lsn, Option<Lsn>) {
        let lsn = Lsn(self.lsn);
        (path.to_path_buf(), self.start as u64, lsn, Some(lsn))
    }
}

/// The frames of a segment, read without looking at checksums.
pub fn places(bytes: &[u8]) -> Vec<Place> {
    let mut places = Vec::new();
    let mut start = FRAMES_OFFSET;
    while start + 28 <= bytes.len() {
        let length = u32::from_le_bytes(bytes[start + 8..start + 12].try_into().unwrap()) as usize;
        if length == 0 {
            break;
        }
        let end = (start + 28 + length).next_multiple_of(8);
        let lsn = u64::from_le_bytes(bytes[start + 16..start + 24].try_into().unwrap());
        places.push(Place {
            start,
            end,
            lsn,
            record_type: bytes[start + 24],
        });
        start = end;
    }
    places
}

/// The place of the record with that text.
pub fn place_of(bytes: &[u8], text: &str) -> Place {
    find(bytes, text).unwrap()
}

fn find(bytes: &[u8], text: &str) -> Option<Place> {
    let is_it = |place: &Place| bytes[place.start + 28..place.end].starts_with(text.as_bytes());
    places(bytes).into_iter().find(is_it)
}

/// Where the records of a segment end.
pub fn end(bytes: &[u8]) -> usize {
    places(bytes).last().unwrap().end
}

/// What a refusal says about the damage: file, offset, LSNs.
pub fn damage_of(error: &OpenError) -> Vec<(PathBuf, u64, Lsn, Option<Lsn>)> {
    match error {
        OpenError::Damaged(report) => report
            .uncovered()
            .map(|damage| {
                (
                    damage.path.clone(),
                    damage.offset,
                    damage.first,
                    damage.last,
                )
            })
            .collect(),
        other => panic!("another refusal: {other}"),
    }
}
