//! Bit rot: every bit of a log and of its checkpoints flipped, every page zeroed or exchanged, every
//! file cut at every byte; the verdict compared with what an oracle expects that knows only where
//! the frames are and what the rules of `wal-format.md` say.
//!
//! The oracle does not share code with the scan: it reads lengths, LSNs and types from the healthy
//! files without looking at a checksum, and reasons about which frames a change touches.

use std::path::PathBuf;
use std::sync::Arc;

use tocsin::sys::{Disk, Image, SimDisk, VirtualClock, WallTime};
use tocsin::wal::frame::Broken;
use tocsin::wal::scan::{Behind, Scanned, inspect};
use tocsin::wal::{Cause, Class, Lane, LogOptions, Lsn, OpenError, ScanReport, View, open};

use super::model::{Recovered, record, write_sections};
use super::workload::{Violation, environment};

/// Six segments of this size and two checkpoints: some 1.2 million bits.
const SEGMENT_BYTES: u64 = 16 * 1024;

/// Makes the checkpoints about as large as the state of a small installation.
const CHECKPOINT_FILLER_BYTES: usize = 32 * 1024;

const FRAMES_OFFSET: u64 = 4096;
const FRAME_HEADER: u64 = 28;
const PAGE: u64 = 4096;

/// A frame, as the oracle sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Frame {
    start: u64,
    /// Where the payload ends; padding follows.
    payload_end: u64,
    lsn: u64,
    /// What it claims to be durable; zero for nothing.
    claim: u64,
    /// The number in it, for the records of the workload.
    number: Option<u64>,
}

#[derive(Debug, Clone)]
struct SegmentLayout {
    path: PathBuf,
    first: u64,
    /// The last LSN before the next segment; `None` for the last segment.
    limit: Option<u64>,
    frames: Vec<Frame>,
}

/// The healthy store.
#[derive(Debug)]
pub struct Specimen {
    image: Image,
    segments: Vec<SegmentLayout>,
    checkpoints: Vec<(u64, PathBuf)>,
}

/// What the oracle expects.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Expected {
    class: Class,
    /// First and last LSN of the only damage, if there is to be one.
    damage: Option<(u64, Option<u64>)>,
    /// The LSN from which on records are dropped, if a tail is.
    cut: Option<u64>,
    /// Why reading stops there, where the oracle can know.
    broken: Option<Broken>,
}

impl Expected {
    fn sound(class: Class) -> Self {
        Self {
            class,
            damage: None,
            cut: None,
            broken: None,
        }
    }
}

/// Makes the specimen: several batches, rotations, two checkpoints, no crash.
pub fn specimen(seed: u64) -> Result<Specimen, Violation> {
    let disk = SimDisk::without_power_loss(&Image::default());
    let clock = Arc::new(VirtualClock::at(WallTime(1_767_225_600_000_000_000)));
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let environment = environment(shared, clock, seed);
    let options = LogOptions {
        segment_bytes: SEGMENT_BYTES,
        version: "rot".to_owned(),
        ..LogOptions::default()
    };
    let fail = |error: &dyn std::fmt::Display| Violation::new(format!("no specimen: {error}"));
    let (mut writer, _) =
        open(&environment, &options, &mut Recovered::default()).map_err(|error| fail(&error))?;
    let mut numbers = Vec::new();
    let mut checkpoints = Vec::new();
    for batch in 0..30_u64 {
        let records: Vec<_> = (0..1 + batch % 5)
            .map(|at| record(batch * 10 + at + 1, 100 + 37 * ((batch + at) as usize % 17)))
            .collect();
        let refs: Vec<_> = records.iter().collect();
        writer
            .append(Lane::Normal, &refs)
            .map_err(|error| fail(&error))?;
        numbers.extend((0..1 + batch % 5).map(|at| batch * 10 + at + 1));
        if batch % 5 == 4 && batch < 25 {
            writer.rotate().map_err(|error| fail(&error))?;
        }
        if batch == 11 || batch == 21 {
            let lsn = writer.durable();
            let filler = vec![0x5a; CHECKPOINT_FILLER_BYTES];
            writer
                .checkpoint(lsn, 0, |sections| {
                    write_sections(sections, &numbers)?;
                    sections.section(super::model::FILLER_KIND, &filler)
                })
                .map_err(|error| fail(&error))?;
            checkpoints.push((
                lsn.0,
                PathBuf::from(format!("checkpoint/{:016x}.ckpt", lsn.0)),
            ));
        }
    }
    drop(writer);
    let image = disk.image();
    let segments = layouts(&image);
    Ok(Specimen {
        image,
        segments,
        checkpoints,
    })
}

fn field(bytes: &[u8], at: u64, length: usize) -> u64 {
    let at = at as usize;
    let mut value = [0; 8];
    value[..length].copy_from_slice(&bytes[at..at + length]);
    u64::from_le_bytes(value)
}

fn layouts(image: &Image) -> Vec<SegmentLayout> {
    let mut segments: Vec<SegmentLayout> = image
        .files
        .iter()
        .filter(|(path, _)| path.starts_with("wal"))
        .map(|(path, bytes)| SegmentLayout {
            path: path.clone(),
            first: field(bytes, 40, 8),
            limit: None,
            frames: frames(bytes),
        })
        .collect();
    for at in 1..segments.len() {
        segments[at - 1].limit = Some(segments[at].first - 1);
    }
    segments
}

fn frames(bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut start = FRAMES_OFFSET;
    while start + FRAME_HEADER <= bytes.len() as u64 {
        let length = field(bytes, start + 8, 4);
        if length == 0 {
            break;
        }
        let payload = start + FRAME_HEADER;
        let claim = match bytes[start as usize + 24] {
            16 | 13 => field(bytes, payload, 8),
            12 => field(bytes, payload + 8, 8),
            10 => field(bytes, payload + 16, 8),
            _ => 0,
        };
        let is_numbered = bytes[start as usize + 24] == 1;
        frames.push(Frame {
            start,
            payload_end: payload + length,
            lsn: field(bytes, start + 16, 8),
            claim,
            number: is_numbered.then(|| field(bytes, payload, 8)),
        });
        start = (payload + length).next_multiple_of(8);
    }
    frames
}

impl Specimen {
    fn newest_checkpoint(&self) -> u64 {
        self.checkpoints.last().map_or(0, |(lsn, _)| *lsn)
    }

    /// What is proven durable without the frames that `is_hit` says are unreadable.
    fn proven(&self, hit_segment: usize, is_hit: &dyn Fn(&Frame) -> bool) -> u64 {
        let mut proven = self.newest_checkpoint();
        for (at, segment) in self.segments.iter().enumerate() {
            proven = proven.max(segment.first - 1);
            for frame in &segment.frames {
                if at != hit_segment || !is_hit(frame) {
                    proven = proven.max(frame.claim);
                }
            }
        }
        proven
    }

    /// The verdict when a contiguous run of frames of one segment is unreadable, and whether bytes
    /// other than zeros are left from the first of them on.
    fn without_frames(
        &self,
        at: usize,
        is_hit: &dyn Fn(&Frame) -> bool,
        leaves_traces: bool,
    ) -> Expected {
        let segment = &self.segments[at];
        let hit: Vec<&Frame> = segment
            .frames
            .iter()
            .filter(|frame| is_hit(frame))
            .collect();
        let (Some(first), Some(last)) = (hit.first(), hit.last()) else {
            return Expected::sound(Class::CleanEnd);
        };
        let proven = self.proven(at, is_hit);
        if segment.limit.is_none() && proven < first.lsn {
            let class = if leaves_traces {
                Class::TornTail
            } else {
                Class::CleanEnd
            };
            return Expected {
                class,
                damage: None,
                cut: Some(first.lsn),
                broken: None,
            };
        }
        let is_last_frame = segment
            .frames
            .last()
            .is_some_and(|frame| frame.lsn == last.lsn);
        let end = if is_last_frame {
            segment.limit.unwrap_or(proven)
        } else {
            last.lsn
        };
        self.damaged(first.lsn, Some(end))
    }

    fn damaged(&self, first: u64, last: Option<u64>) -> Expected {
        let is_covered = last.is_some_and(|last| last <= self.newest_checkpoint());
        let class = if is_covered {
            Class::Covered
        } else {
            Class::Damaged
        };
        Expected {
            class,
            damage: Some((first, last)),
            cut: None,
            broken: None,
        }
    }

    fn expect_flip(&self, at: usize, byte: u64) -> Expected {
        let segment = &self.segments[at];
        if byte < FRAMES_OFFSET {
            // One of two copies, or bytes that mean nothing.
            return Expected::sound(Class::CleanEnd);
        }
        let inside = |frame: &Frame| (frame.start..frame.payload_end).contains(&byte);
        if segment.frames.iter().any(inside) {
            let is_header = segment
                .frames
                .iter()
                .any(|frame| inside(frame) && byte < frame.start + FRAME_HEADER);
            // A header is believed as a whole or not at all, its length first of all.
            let broken = if is_header {
                Broken::Header
            } else {
                Broken::Payload
            };
            return Expected {
                broken: Some(broken),
                ..self.without_frames(at, &inside, true)
            };
        }
        let end = segment
            .frames
            .last()
            .map_or(FRAMES_OFFSET, |frame| frame.payload_end);
        if byte < end.next_multiple_of(8) {
            // Padding.
            return Expected::sound(Class::CleanEnd);
        }
        match segment.limit {
            Some(_) => Expected::sound(Class::Sealed),
            None => {
                let next = segment
                    .frames
                    .last()
                    .map_or(segment.first, |frame| frame.lsn + 1);
                Expected {
                    class: Class::TornTail,
                    damage: None,
                    cut: Some(next),
                    broken: None,
                }
            }
        }
    }

    fn expect_zeroed_page(&self, at: usize, page: u64) -> Expected {
        let segment = &self.segments[at];
        if page == 0 {
            return self.damaged(segment.first, segment.limit);
        }
        let range = page * PAGE..(page + 1) * PAGE;
        let bytes = &self.image.files[&segment.path];
        // A frame is hit when a byte of it that is not zero lies in the page.
        let is_hit = |frame: &Frame| {
            let from = frame.start.max(range.start);
            let to = frame.payload_end.min(range.end);
            from < to
                && bytes[from as usize..to as usize]
                    .iter()
                    .any(|byte| *byte != 0)
        };
        let first = segment
            .frames
            .iter()
            .find(|frame| is_hit(frame))
            .map(|frame| frame.start);
        let traces = |offset: u64| !range.contains(&offset) && bytes[offset as usize] != 0;
        let leaves_traces = first.is_some_and(|first| (first..bytes.len() as u64).any(traces));
        self.without_frames(at, &is_hit, leaves_traces)
    }

    fn expect_cut(&self, at: usize, length: u64) -> Expected {
        let segment = &self.segments[at];
        if length < 96 {
            return self.damaged(segment.first, segment.limit);
        }
        let lost = segment
            .frames
            .iter()
            .find(|frame| frame.payload_end > length);
        match (lost, segment.limit) {
            (Some(lost), limit) => self.damaged(lost.lsn, limit),
            (None, Some(_)) => Expected::sound(Class::CleanEnd),
            (None, None) => {
                let next = segment
                    .frames
                    .last()
                    .map_or(segment.first, |frame| frame.lsn + 1);
                self.damaged(next, None)
            }
        }
    }

    /// The numbers that a start must give back: all, but those cut.
    fn numbers(&self, cut: Option<u64>) -> Vec<u64> {
        let frames = self.segments.iter().flat_map(|segment| &segment.frames);
        let kept = frames.filter(|frame| cut.is_none_or(|cut| frame.lsn < cut));
        kept.filter_map(|frame| frame.number).collect()
    }

    fn with(&self, path: &PathBuf, change: impl FnOnce(&mut Vec<u8>)) -> Image {
        let mut image = self.image.clone();
        if let Some(bytes) = image.files.get_mut(path) {
            change(Arc::make_mut(bytes));
        }
        image
    }

    fn look(&self, image: &Image) -> Result<(ScanReport, Vec<u64>), OpenError> {
        let disk = SimDisk::without_power_loss(image);
        let view = View::load(&disk)?;
        let base = view.base().0;
        // Up to the checkpoint, its own list counts, which the specimen knows.
        let mut numbers: Vec<u64> = self
            .segments
            .iter()
            .flat_map(|segment| &segment.frames)
            .filter(|frame| frame.lsn <= base)
            .filter_map(|frame| frame.number)
            .collect();
        let report = inspect(&view, Behind::Stop, &mut |record: &Scanned<'_>| {
            if record.lsn > Lsn(base) && record.record_type.0 == 1 {
                numbers.push(field(record.payload, 0, 8));
            }
            Ok(())
        })?;
        Ok((report, numbers))
    }

    fn check(
        &self,
        what: &dyn Fn() -> String,
        image: &Image,
        expected: &Expected,
    ) -> Result<(), Violation> {
        let violation = |text: String| Violation::new(format!("{}: {text}", what()));
        let (report, numbers) = self
            .look(image)
            .map_err(|error| violation(format!("refused: {error}")))?;
        let found = Expected {
            class: report.class,
            damage: report
                .damage
                .first()
                .map(|one| (one.first.0, one.last.map(|lsn| lsn.0))),
            cut: expected.cut.filter(|cut| report.next == Lsn(*cut)),
            broken: expected.broken.filter(|broken| {
                let torn = report.torn.as_ref().map(|torn| torn.broken);
                let damage = report.damage.first().map(|damage| damage.cause);
                torn == Some(*broken) || damage == Some(Cause::Frame(*broken))
            }),
        };
        if &found != expected || report.damage.len() > 1 {
            return Err(violation(format!(
                "expected {expected:?}, the scan says {found:?}"
            )));
        }
        if report.class < Class::Damaged && numbers != self.numbers(expected.cut) {
            return Err(violation(
                "records were lost or altered without a word".to_owned(),
            ));
        }
        Ok(())
    }
}

/// Part `part` of `parts` of all bit flips; returns how many were classified.
pub fn flip_bits(specimen: &Specimen, part: u64, parts: u64, every: u64) -> Result<u64, Violation> {
    let mut count = 0;
    let mut index = 0_u64;
    let mut is_mine = || {
        index += 1;
        index.is_multiple_of(every) && (index / every) % parts == part
    };
    for (at, segment) in specimen.segments.iter().enumerate() {
        let bytes = specimen.image.files[&segment.path].len() as u64;
        for bit in 0..bytes * 8 {
            if !is_mine() {
                continue;
            }
            let image = specimen.with(&segment.path, |bytes| {
                bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
            });
            let what = || format!("bit {bit} of {} flipped", segment.path.display());
            specimen.check(&what, &image, &specimen.expect_flip(at, bit / 8))?;
            count += 1;
        }
    }
    for (lsn, path) in &specimen.checkpoints {
        let bytes = specimen.image.files[path].len() as u64;
        for bit in 0..bytes * 8 {
            if !is_mine() {
                continue;
            }
            let image = specimen.with(path, |bytes| bytes[(bit / 8) as usize] ^= 1 << (bit % 8));
            let what = || format!("bit {bit} of {} flipped", path.display());
            specimen.check(&what, &image, &Expected::sound(Class::CleanEnd))?;
            let damaged = specimen.look(&image).map(|(report, _)| {
                let file = report.checkpoints.iter().find(|file| file.lsn.0 == *lsn);
                file.is_none_or(|file| file.whole().is_none())
            });
            if damaged.ok() != Some(true) {
                return Err(Violation::new(format!("{}: not noticed", what())));
            }
            count += 1;
        }
    }
    Ok(count)
}

/// Every page zeroed, every two pages of a file exchanged, every segment cut at every byte.
pub fn mangle(specimen: &Specimen, every: u64) -> Result<u64, Violation> {
    let mut count = 0;
    for (at, segment) in specimen.segments.iter().enumerate() {
        let length = specimen.image.files[&segment.path].len() as u64;
        for page in 0..length / PAGE {
            let image = specimen.with(&segment.path, |bytes| {
                bytes[(page * PAGE) as usize..((page + 1) * PAGE) as usize].fill(0);
            });
            let what = || format!("page {page} of {} zeroed", segment.path.display());
            specimen.check(&what, &image, &specimen.expect_zeroed_page(at, page))?;
            count += 1;
        }
        for one in 0..length / PAGE {
            for other in one + 1..length / PAGE {
                exchange(specimen, segment, one, other)?;
                count += 1;
            }
        }
        for cut in (0..length).step_by(every as usize) {
            let image = specimen.with(&segment.path, |bytes| bytes.truncate(cut as usize));
            let what = || format!("{} cut to {cut} bytes", segment.path.display());
            specimen.check(&what, &image, &specimen.expect_cut(at, cut))?;
            count += 1;
        }
    }
    Ok(count)
}

/// Pages of one file exchanged: whatever the verdict, no record may be missing without a word.
fn exchange(
    specimen: &Specimen,
    segment: &SegmentLayout,
    one: u64,
    other: u64,
) -> Result<(), Violation> {
    let image = specimen.with(&segment.path, |bytes| {
        for at in 0..PAGE {
            bytes.swap((one * PAGE + at) as usize, (other * PAGE + at) as usize);
        }
    });
    let what = format!(
        "pages {one} and {other} of {} exchanged",
        segment.path.display()
    );
    let (report, numbers) = specimen
        .look(&image)
        .map_err(|error| Violation::new(format!("{what}: refused: {error}")))?;
    let is_same = image == specimen.image;
    let lost = numbers.len() < specimen.numbers(None).len();
    let is_prefix = specimen.numbers(None).starts_with(&numbers);
    if report.class <= Class::Sealed && lost && !is_same
        || report.class < Class::Damaged && !is_prefix
    {
        return Err(Violation::new(format!(
            "{what}: {:?}, and records are missing",
            report.class
        )));
    }
    Ok(())
}
