//! Which system calls are boundaries: those that change what is on disk, or lead to it, on a file below the
//! data directory.
//!
//! A boundary is known by its call, its file and a number: the third `pwrite64` on a segment. It is counted
//! over all threads of the process. What a thread does on another file in between, or how many times, does
//! not change what is meant. Numbers in names of files are left out, so that all segments are one kind of
//! file, and the count goes on from one to the next.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A call, and the kind of file that it is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Kind {
    /// Such as `pwrite64`.
    pub(super) call: String,
    /// Below the data directory, such as `wal/#-#.wal`.
    pub(super) file: String,
}

/// The n-th call of a kind, from 1 on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Boundary {
    #[serde(flatten)]
    pub(super) kind: Kind,
    pub(super) ordinal: u32,
}

impl fmt::Display for Boundary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (call, file) = (&self.kind.call, &self.kind.file);
        write!(out, "{call} {} on {file}", self.ordinal)
    }
}

impl Kind {
    /// The kind of a call on that file; none if it is not below the data directory.
    pub(super) fn of(call: &str, path: &Path, data: &Path) -> Option<Self> {
        let file = path.strip_prefix(data).ok()?;
        Some(Self {
            call: call.to_owned(),
            file: match file.as_os_str().is_empty() {
                true => ".".to_owned(),
                false => without_numbers(&file.to_string_lossy()),
            },
        })
    }
}

/// Numbers, decimal or hexadecimal, become `#`. A run of hexadecimal digits is one if it has a decimal one.
fn without_numbers(name: &str) -> String {
    let mut kept = String::new();
    let mut rest = name;
    while !rest.is_empty() {
        let run = rest
            .find(|it: char| !it.is_ascii_hexdigit())
            .unwrap_or(rest.len());
        let (digits, others) = rest.split_at(run);
        match digits.contains(|it: char| it.is_ascii_digit()) {
            true => kept.push('#'),
            false => kept.push_str(digits),
        }
        let next = others
            .find(|it: char| it.is_ascii_hexdigit())
            .unwrap_or(others.len());
        let (between, after) = others.split_at(next);
        kept.push_str(between);
        rest = after;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_below_the_data_directory_are_kinds_without_their_numbers() {
        let kind = |path: &str| {
            let kind = Kind::of("pwrite64", Path::new(path), Path::new("/d/data"));
            kind.map(|it| it.file)
        };
        assert_eq!(
            [
                "/d/data/wal/000000000000006c-0000000000000001.wal",
                "/d/data/index/1/db",
                "/d/data/LOCK",
                "/d/data",
                "/d/data2/LOCK",
                "/etc/passwd",
            ]
            .map(kind),
            [
                Some("wal/#-#.wal".to_owned()),
                Some("index/#/db".to_owned()),
                Some("LOCK".to_owned()),
                Some(".".to_owned()),
                None,
                None,
            ]
        );
    }
}
