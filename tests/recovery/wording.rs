//! The words of every refusal, as an operator reads them, and what goes with them.

use std::path::PathBuf;

use tocsin::sys::Errno;
use tocsin::wal::{AppendError, Lsn, OpenError, StoreId};

fn refused(source: Errno) -> OpenError {
    OpenError::Io {
        operation: "open",
        path: PathBuf::from("wal"),
        source: source.error(),
    }
}

#[test]
fn refusals_of_a_start_have_an_exit_code_for_each_way_out() {
    let path = || PathBuf::from("DATA");
    let missing = OpenError::Io {
        operation: "open the data directory",
        path: path(),
        source: std::io::ErrorKind::NotFound.into(),
    };
    let replay = OpenError::Replay {
        lsn: Lsn(7),
        source: "no such alert".into(),
    };
    let checkpoint = OpenError::ReplayCheckpoint {
        path: path(),
        source: "no such section".into(),
    };
    let foreign = OpenError::Foreign {
        path: path(),
        found: StoreId(uuid::Uuid::from_u128(1)),
        expected: StoreId(uuid::Uuid::from_u128(2)),
    };
    let errors = [
        refused(Errno::Eacces),
        refused(Errno::Eio),
        missing,
        OpenError::InUse {
            path: path(),
            holder: "pid 7, since noon".to_owned(),
        },
        OpenError::NotAStore { path: path() },
        replay,
        checkpoint,
        foreign,
        OpenError::Append(AppendError::Closed),
    ];
    let told = errors.map(|error| (error.exit_code(), error.to_string()));
    let expected = [
        (13, "cannot open wal: Permission denied (os error 13)"),
        (74, "cannot open wal: Input/output error (os error 5)"),
        (6, "cannot open the data directory DATA: entity not found"),
        (4, "DATA is in use by another process (pid 7, since noon)"),
        (
            6,
            "DATA is not a tocsin data directory: it has no STORE file and no wal directory",
        ),
        (3, "record 7 cannot be applied: no such alert"),
        (3, "the checkpoint DATA cannot be applied: no such section"),
        (
            5,
            "DATA belongs to store 00000000-0000-0000-0000-000000000001, not to this store 00000000-0000-0000-0000-000000000002; was it copied from another data directory? Move it away",
        ),
        (
            74,
            "the log could be read but not continued: the log is closed",
        ),
    ];
    assert_eq!(told, expected.map(|(code, text)| (code, text.to_owned())));
}

#[test]
fn refusals_of_an_append_say_whether_to_try_again() {
    let cause = || "cannot sync wal/x: Input/output error (os error 5)".to_owned();
    let errors = [
        AppendError::Poisoned { cause: cause() },
        AppendError::Full { cause: cause() },
        AppendError::Overloaded {
            reason: "too many requests wait",
        },
        AppendError::Closed,
        AppendError::TooLarge {
            bytes: 9000,
            bytes_max: 6000,
        },
        AppendError::Empty,
    ];
    let told = errors.map(|error| (error.is_retryable(), error.to_string()));
    let expected = [
        (
            false,
            "the log is poisoned: cannot sync wal/x: Input/output error (os error 5); restart to recover",
        ),
        (
            true,
            "the log has no room: cannot sync wal/x: Input/output error (os error 5)",
        ),
        (true, "the log is overloaded: too many requests wait"),
        (false, "the log is closed"),
        (
            false,
            "9000 bytes of records do not fit into one batch of at most 6000 bytes",
        ),
        (
            false,
            "a record needs a payload, and a request at least one record",
        ),
    ];
    assert_eq!(told, expected.map(|(again, text)| (again, text.to_owned())));
}
