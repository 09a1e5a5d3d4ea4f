//! What `strace -f -Y -y -ttt` writes: calls, with their thread, in the order in which they began.

use std::collections::BTreeMap;

/// The calls that change what is on disk, or lead to it.
pub(super) const CALLS: [&str; 10] = [
    "write",
    "pwrite64",
    "fdatasync",
    "fsync",
    "rename",
    "unlink",
    "openat",
    "ftruncate",
    "fallocate",
    "mkdir",
];

/// A call.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    /// The id of the thread.
    pub(super) thread: u32,
    /// Its name.
    pub(super) name: String,
    /// Seconds since 1970.
    pub(super) at: f64,
    pub(super) call: &'static str,
    /// Which of this thread's calls of this kind it is, from 1 on.
    pub(super) ordinal: u32,
    /// Whether it is about a file of the data directory.
    pub(super) is_data: bool,
}

/// The calls of a trace. Lines that are none are left out: ends of interrupted calls, signals, exits.
pub(super) fn calls(trace: &str, data: &str) -> Vec<Call> {
    let mut seen: BTreeMap<(u32, &'static str), u32> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((thread, name, at, rest)) = head(line) else {
            continue;
        };
        let call = CALLS.into_iter().find(|call| {
            rest.strip_prefix(call)
                .is_some_and(|rest| rest.starts_with('('))
        });
        let Some(call) = call else { continue };
        let ordinal = seen.entry((thread, call)).or_default();
        *ordinal += 1;
        calls.push(Call {
            thread,
            name: name.to_owned(),
            at,
            call,
            ordinal: *ordinal,
            is_data: rest.contains(data),
        });
    }
    calls
}

/// `17717<tocsin> 1795360989.925520 fdatasync(…`: thread, its name, time, and the rest.
fn head(line: &str) -> Option<(u32, &str, f64, &str)> {
    let (thread, rest) = line.split_once('<')?;
    let (name, rest) = rest.split_once('>')?;
    let (at, rest) = rest.trim_start().split_once(' ')?;
    Some((thread.parse().ok()?, name, at.parse().ok()?, rest))
}

/// Whether a call was made to wait at its end, and waits still or has ended.
pub(super) fn is_delayed(trace: &str) -> bool {
    trace.contains("(DELAYED)")
}

/// Whether a call was made to fail.
pub(super) fn is_injected(trace: &str) -> bool {
    trace.contains("(INJECTED)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_thread_and_kind_and_other_lines_are_none() {
        let trace = "\
7<tocsin> 10.5 openat(AT_FDCWD</x>, \"/etc/x\", O_RDONLY) = 3</etc/x>
7<tocsin> 11.0 pwrite64(15</d/data/STORE.tmp>, \"a\", 1, 0 <unfinished ...>
8<wal-writer> 11.5 pwrite64(16</d/data/wal/1.wal>, \"b\", 1, 0) = 1
7<tocsin> 11.6 <... pwrite64 resumed>) = 1
7<tocsin> 12.0 pwrite64(15</d/data/STORE.tmp>, \"c\", 1, 1) = ?
8<wal-writer> 12.1 +++ killed by SIGKILL +++
";
        let found: Vec<_> = calls(trace, "/d/data")
            .into_iter()
            .map(|it| (it.thread, it.name, it.call, it.ordinal, it.is_data))
            .collect();
        assert_eq!(
            found,
            [
                (7, "tocsin".to_owned(), "openat", 1, false),
                (7, "tocsin".to_owned(), "pwrite64", 1, true),
                (8, "wal-writer".to_owned(), "pwrite64", 1, true),
                (7, "tocsin".to_owned(), "pwrite64", 2, true),
            ]
        );
    }
}
