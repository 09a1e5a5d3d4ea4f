//! The names of everything in a data directory. Each name is made and read here and nowhere else.
//!
//! ```text
//! LOCK                                   held by the running process
//! STORE                                  identity of the store; the last thing made at creation
//! wal/<seq:016x>-<first lsn:016x>.wal    segments
//! checkpoint/<lsn:016x>.ckpt             the two newest
//! quarantine/<time>/                     damaged files and reports; never read
//! *.tmp                                  unfinished; removed at start
//! ```

use std::path::{Path, PathBuf};

use super::ids::{Lsn, SegmentSeq};
use crate::sys::WallTime;

/// Unfinished files end in this.
pub const TMP_SUFFIX: &str = ".tmp";

/// The lock file.
#[must_use]
pub fn lock_path() -> &'static Path {
    Path::new("LOCK")
}

/// The identity file.
#[must_use]
pub fn store_path() -> &'static Path {
    Path::new("STORE")
}

/// The directory above all others.
#[must_use]
pub fn root_dir() -> &'static Path {
    Path::new("")
}

/// Where segments are.
#[must_use]
pub fn wal_dir() -> &'static Path {
    Path::new("wal")
}

/// Where checkpoints are.
#[must_use]
pub fn checkpoint_dir() -> &'static Path {
    Path::new("checkpoint")
}

/// Where damaged files are put.
#[must_use]
pub fn quarantine_dir() -> &'static Path {
    Path::new("quarantine")
}

/// Where files that were damaged at that time are put.
#[must_use]
pub fn quarantine_for(wall: WallTime) -> PathBuf {
    let name: String = wall
        .to_string()
        .chars()
        .filter(|c| !matches!(c, '-' | ':'))
        .collect();
    quarantine_dir().join(name)
}

/// The name under which a file is made before it gets its own.
#[must_use]
pub fn tmp_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(TMP_SUFFIX);
    PathBuf::from(name)
}

/// The name of a spare segment, made ahead of need.
#[must_use]
pub fn spare_path(number: u64) -> PathBuf {
    tmp_path(&wal_dir().join(format!("spare-{number:016x}")))
}

/// The name of a segment.
#[must_use]
pub fn segment_path(seq: SegmentSeq, first: Lsn) -> PathBuf {
    wal_dir().join(format!("{:016x}-{:016x}.wal", seq.0, first.0))
}

/// Reads a segment's file name.
#[must_use]
pub fn parse_segment_name(name: &str) -> Option<(SegmentSeq, Lsn)> {
    let (seq, first) = name.strip_suffix(".wal")?.split_once('-')?;
    Some((SegmentSeq(parse_hex(seq)?), Lsn(parse_hex(first)?)))
}

/// The name of a checkpoint.
#[must_use]
pub fn checkpoint_path(lsn: Lsn) -> PathBuf {
    checkpoint_dir().join(format!("{:016x}.ckpt", lsn.0))
}

/// Reads a checkpoint's file name.
#[must_use]
pub fn parse_checkpoint_name(name: &str) -> Option<Lsn> {
    Some(Lsn(parse_hex(name.strip_suffix(".ckpt")?)?))
}

fn parse_hex(digits: &str) -> Option<u64> {
    let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if digits.len() != 16 || !digits.bytes().all(lower) {
        return None;
    }
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_as_they_were_made() {
        let segment = segment_path(SegmentSeq(0xab), Lsn(u64::MAX));
        let checkpoint = checkpoint_path(Lsn(77));
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(
            (
                parse_segment_name(&name(&segment)),
                parse_checkpoint_name(&name(&checkpoint))
            ),
            (Some((SegmentSeq(0xab), Lsn(u64::MAX))), Some(Lsn(77)))
        );
    }

    #[test]
    fn names_of_others_are_not_read() {
        let names = [
            "0000000000000001-0000000000000001.wal.tmp",
            "1-1.wal",
            "0000000000000001.wal",
            "000000000000000A-0000000000000001.wal",
            "+000000000000001-0000000000000001.wal",
            "0000000000000001.ckpt.tmp",
            "0000000000000001.ckpt~",
            "",
        ];
        let read = |name: &&str| {
            parse_segment_name(name).is_some() || parse_checkpoint_name(name).is_some()
        };
        assert_eq!(names.iter().filter(|name| read(name)).count(), 0);
    }
}
