//! What the data directory must hold besides the records: the promises about files.
//!
//! * After *n* checkpoints the two newest stand, and the log reaches back to the older of them (with
//!   one only, to the first record), so that a damaged newest one costs no record.
//! * A start on a last segment that is less than a quarter full replaces it, so that starts without
//!   traffic leave one segment and not one each.
//!
//! Only names and bytes that are not zero are looked at: no code is shared with the log.

use std::path::Path;

use tocsin::sys::Image;

const FRAMES_OFFSET: usize = 4096;

/// The last record of a segment may end in zeros, so its end is known to this many bytes only.
const END_BLUR_BYTES: usize = 64;

/// A segment, as a listing and a look for zeros show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SegmentFile {
    seq: u64,
    first: u64,
    /// Whether less than a quarter of its room for records is in use.
    is_little_used: bool,
}

/// The files of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// By number.
    segments: Vec<SegmentFile>,
    /// Newest first.
    checkpoints: Vec<u64>,
}

impl Listing {
    /// Of a data directory.
    pub fn of(image: &Image) -> Self {
        let mut segments: Vec<SegmentFile> = image
            .files
            .iter()
            .filter_map(|(path, bytes)| segment(path, bytes))
            .collect();
        segments.sort_by_key(|segment| segment.seq);
        let mut checkpoints: Vec<u64> = image
            .files
            .keys()
            .filter_map(|path| hex(stem(path, "checkpoint", "ckpt")?))
            .collect();
        checkpoints.sort_by_key(|lsn| std::cmp::Reverse(*lsn));
        Self {
            segments,
            checkpoints,
        }
    }

    /// Right after the `made`-th checkpoint, which was made at `lsn`.
    ///
    /// # Errors
    /// Which promise is broken.
    pub fn after_checkpoint(&self, lsn: u64, made: usize) -> Result<(), String> {
        if self.checkpoints.first() != Some(&lsn) {
            return Err(format!("the checkpoint at {lsn} was made and is not there"));
        }
        let standing = self.checkpoints.len();
        if standing < made.min(2) {
            return Err(format!(
                "after {made} checkpoints {standing} stands: the two newest have to"
            ));
        }
        let older = self.checkpoints.get(1).copied().unwrap_or(0);
        let first = self.segments.iter().map(|segment| segment.first).min();
        match first {
            Some(first) if first <= older + 1 => Ok(()),
            Some(first) if standing == 1 => Err(format!(
                "the log begins at record {first} with only one checkpoint to stand in for what was removed"
            )),
            Some(first) => Err(format!(
                "the log begins at record {first} and does not reach back to the older checkpoint at {older}"
            )),
            None => Err("no segment is there".to_owned()),
        }
    }

    /// Right after a start on a healthy disk that held `before`.
    ///
    /// # Errors
    /// Which promise is broken.
    pub fn after_start(&self, before: &Listing) -> Result<(), String> {
        let is_little_used = before
            .segments
            .last()
            .is_none_or(|last| last.is_little_used);
        let (segments_before, segments) = (before.segments.len(), self.segments.len());
        if is_little_used && segments > segments_before.max(1) {
            return Err(format!(
                "{segments} segments after a start that found {segments_before}, the last nearly empty: starts without traffic pile up"
            ));
        }
        Ok(())
    }
}

fn segment(path: &Path, bytes: &[u8]) -> Option<SegmentFile> {
    let (seq, first) = stem(path, "wal", "wal")?.split_once('-')?;
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0);
    let room = bytes.len().saturating_sub(FRAMES_OFFSET);
    Some(SegmentFile {
        seq: hex(seq)?,
        first: hex(first)?,
        is_little_used: used + END_BLUR_BYTES <= FRAMES_OFFSET + room / 4,
    })
}

fn stem<'a>(path: &'a Path, dir: &str, extension: &str) -> Option<&'a str> {
    let is_it = path.starts_with(dir) && path.extension()? == extension;
    path.file_stem()?.to_str().filter(|_| is_it)
}

fn hex(digits: &str) -> Option<u64> {
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Segments as first LSN and bytes in use, and checkpoints.
    fn listing(segments: &[(u64, usize)], checkpoints: &[u64]) -> Listing {
        let mut image = Image::default();
        for (at, (first, used)) in segments.iter().enumerate() {
            let mut bytes = vec![1; FRAMES_OFFSET + used];
            bytes.resize(FRAMES_OFFSET + 8192, 0);
            let path = format!("wal/{:016x}-{first:016x}.wal", at + 1);
            image.files.insert(path.into(), Arc::new(bytes));
        }
        for lsn in checkpoints {
            let path = format!("checkpoint/{lsn:016x}.ckpt");
            image.files.insert(path.into(), Arc::default());
        }
        Listing::of(&image)
    }

    #[test]
    fn log_that_does_not_reach_back_to_the_older_of_two_checkpoints_is_told() {
        let verdicts = [
            listing(&[(1, 0)], &[9]).after_checkpoint(9, 1),
            listing(&[(8, 0)], &[9]).after_checkpoint(9, 1),
            listing(&[(8, 0)], &[7, 9]).after_checkpoint(9, 2),
            listing(&[(9, 0)], &[7, 9]).after_checkpoint(9, 2),
            listing(&[(8, 0)], &[9]).after_checkpoint(9, 3),
            listing(&[(8, 0)], &[7, 9]).after_checkpoint(11, 3),
        ];
        let told = |text: &str| Err(text.to_owned());
        assert_eq!(
            verdicts,
            [
                Ok(()),
                told(
                    "the log begins at record 8 with only one checkpoint to stand in for what was removed"
                ),
                Ok(()),
                told(
                    "the log begins at record 9 and does not reach back to the older checkpoint at 7"
                ),
                told("after 3 checkpoints 1 stands: the two newest have to"),
                told("the checkpoint at 11 was made and is not there"),
            ]
        );
    }

    #[test]
    fn start_that_leaves_a_nearly_empty_segment_behind_is_told() {
        let none = listing(&[], &[]);
        let little = listing(&[(1, 100)], &[]);
        let much = listing(&[(1, 4000)], &[]);
        let two = listing(&[(1, 4000), (9, 100)], &[]);
        let verdicts = [
            little.after_start(&none),
            little.after_start(&little),
            two.after_start(&much),
            two.after_start(&little),
            two.after_start(&none),
        ];
        let told = |before: usize| {
            Err(format!(
                "2 segments after a start that found {before}, the last nearly empty: starts without traffic pile up"
            ))
        };
        assert_eq!(verdicts, [Ok(()), Ok(()), Ok(()), told(1), told(0)]);
    }
}
