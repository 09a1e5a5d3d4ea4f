//! Each error: one line that names the thing and the way out, and an exit code of its own.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::store::{Ran, Store, program};

/// Every command that looks.
const LOOKS: [&[&str]; 5] = [
    &["check"],
    &["dump"],
    &["grep", "x"],
    &["stats"],
    &["checkpoint", "show"],
];

fn all(store: &Store) -> Vec<Ran> {
    let mut ran: Vec<Ran> = LOOKS.iter().map(|words| store.wal(words)).collect();
    ran.dedup();
    ran
}

#[test]
fn a_missing_directory_is_named() {
    let store = Store::none();
    let expected = Ran::with(
        6,
        "",
        "tocsin: error: cannot open the data directory DATA: No such file or directory (os error 2); name the data directory with --data\n",
    );
    assert_eq!(all(&store), [expected]);
}

#[test]
fn a_file_in_place_of_the_directory_is_named() {
    let store = Store::none();
    std::fs::write(store.root(), "x").unwrap();
    let expected = Ran::with(
        6,
        "",
        "tocsin: error: cannot open the data directory DATA: Not a directory (os error 20); name the data directory with --data\n",
    );
    assert_eq!(all(&store), [expected]);
}

#[test]
fn a_directory_of_something_else_is_not_a_store() {
    let store = Store::none();
    std::fs::create_dir(store.root()).unwrap();
    std::fs::write(store.root().join("nflog"), "x").unwrap();
    let expected = Ran::with(
        6,
        "",
        "tocsin: error: DATA is not a tocsin data directory: it has no STORE file and no wal directory; name the data directory with --data\n",
    );
    assert_eq!(all(&store), [expected]);
}

#[test]
fn a_lost_identity_is_damage_with_a_way_out() {
    let store = Store::closed();
    std::fs::remove_file(store.root().join("STORE")).unwrap();
    let expected = Ran::with(
        3,
        "",
        "tocsin: error: DATA/STORE is missing, but there are segments with records or checkpoints beside it; was the directory copied in part? `tocsin wal repair salvage` makes it anew from the segments\n",
    );
    assert_eq!(all(&store), [expected]);
}

#[test]
fn a_newer_format_is_refused_with_both_versions() {
    let store = Store::closed();
    let path = &store.segments()[0];
    let mut bytes = std::fs::read(path).unwrap();
    for copy in [0, 2048] {
        bytes[copy + 8] = 9;
        let crc = crc32fast::hash(&bytes[copy..copy + 92]);
        bytes[copy + 92..copy + 96].copy_from_slice(&crc.to_le_bytes());
    }
    std::fs::write(path, bytes).unwrap();
    let expected = Ran::with(
        5,
        "",
        "tocsin: error: DATA/wal/0000000000000002-0000000000000001.wal has format version 9; this program reads up to version 1. Use the version of tocsin that wrote it, or a later one\n",
    );
    assert_eq!(all(&store), [expected]);
}

#[test]
fn a_newer_identity_is_refused_with_both_versions() {
    let store = Store::closed();
    let path = store.root().join("STORE");
    let text = std::fs::read_to_string(&path).unwrap();
    let body = text
        .split_once("crc ")
        .unwrap()
        .0
        .replace("format 1", "format 2");
    let crc = crc32fast::hash(body.as_bytes());
    std::fs::write(&path, format!("{body}crc {crc:08x}\n")).unwrap();
    let expected = Ran::with(
        5,
        "",
        "tocsin: error: DATA/STORE has format version 2; this program reads up to version 1. Use the version of tocsin that wrote it, or a later one\n",
    );
    assert_eq!(all(&store), [expected]);
}

#[test]
fn a_damaged_identity_is_named_with_what_is_wrong() {
    let store = Store::closed();
    let path = store.root().join("STORE");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("2026", "2025")).unwrap();
    let expected = Ran::with(
        3,
        "",
        "tocsin: error: DATA/STORE is damaged: its checksum does not match; `tocsin wal repair salvage` makes it anew from the segments\n",
    );
    assert_eq!(all(&store), [expected]);
}

#[test]
fn a_segment_of_another_store_is_refused_with_both_identities() {
    let store = Store::closed();
    let other = Store::none();
    // Another draw of the same source: another identity.
    other.environment().entropy.next_16_bytes();
    // Each start gives the one segment another number; this one is not yet taken here.
    for _ in 0..3 {
        drop(other.open());
    }
    let foreign = "0000000000000004-0000000000000001.wal";
    std::fs::copy(&other.segments()[0], store.root().join("wal").join(foreign)).unwrap();
    let ran = store.wal(&["check"]);
    let is_named = ran.err.starts_with(&format!(
        "tocsin: error: DATA/wal/{foreign} belongs to store "
    )) && ran
        .err
        .ends_with("not to this store d70d3259-e4e1-4b63-9c66-3cf4d73c4c04; was it copied from another data directory? Move it away\n");
    assert_eq!((ran.code, ran.out.as_str(), is_named), (Some(5), "", true));
}

/// Runs the program as somebody who may not read the store. Root may read everything, so root
/// becomes somebody else.
fn as_nobody(store: &Store, words: &[&str]) -> Ran {
    const NOBODY: u32 = 65534;
    let root = store.root();
    let dir = root.parent().unwrap();
    // The program may lie where nobody else may look.
    let copy = dir.join("tocsin");
    if !copy.exists() {
        std::fs::copy(program().get_program(), &copy).unwrap();
    }
    set_mode(dir, 0o755);
    set_mode(&copy, 0o755);
    let mut command = Command::new(&copy);
    command.arg("wal").args(words).arg("--data").arg(&root);
    // Measured for coverage, the program would complain that it may not write where the tests do.
    command.env("LLVM_PROFILE_FILE", "/dev/null");
    if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.uid(NOBODY).gid(NOBODY);
    }
    store.run(&mut command)
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_directory_that_may_not_be_read_is_named_with_who_may() {
    let store = Store::closed();
    set_mode(&store.root(), 0o000);
    let mut ran: Vec<Ran> = LOOKS.iter().map(|words| as_nobody(&store, words)).collect();
    ran.dedup();
    set_mode(&store.root(), 0o700);
    let expected = Ran::with(
        13,
        "",
        "tocsin: error: cannot open the data directory DATA: Permission denied (os error 13); run this as the user that the server runs as, or as root\n",
    );
    assert_eq!(ran, [expected]);
}

#[test]
fn a_segment_that_may_not_be_read_is_no_damage() {
    let store = Store::closed();
    for dir in ["", "wal", "checkpoint"] {
        set_mode(&store.root().join(dir), 0o755);
    }
    for file in ["LOCK", "STORE"] {
        set_mode(&store.root().join(file), 0o644);
    }
    set_mode(&store.segments()[0], 0o000);
    let expected = Ran::with(
        13,
        "",
        "tocsin: error: cannot open DATA/wal/0000000000000002-0000000000000001.wal: Permission denied (os error 13); run this as the user that the server runs as, or as root\n",
    );
    assert_eq!(as_nobody(&store, &["check"]), expected);
}

#[test]
fn a_store_that_may_be_read_but_not_written_can_be_looked_at() {
    let store = Store::closed();
    for dir in ["", "wal", "checkpoint"] {
        set_mode(&store.root().join(dir), 0o555);
    }
    for file in [
        store.root().join("LOCK"),
        store.root().join("STORE"),
        store.segments()[0].clone(),
    ] {
        set_mode(&file, 0o444);
    }
    let ran = as_nobody(&store, &["check"]);
    for dir in ["", "wal", "checkpoint"] {
        set_mode(&store.root().join(dir), 0o755);
    }
    assert_eq!(
        (ran.code, ran.out.lines().next(), ran.err.as_str()),
        (Some(0), Some("E: the log is sound"), "")
    );
}

#[test]
fn an_output_that_takes_nothing_is_an_input_output_error() {
    let store = Store::closed();
    // The shell opens the device, so that this file needs no handle of its own.
    let output = Command::new("sh")
        .args(["-c", "exec \"$0\" wal dump \"$1\" > /dev/full"])
        .arg(program().get_program())
        .arg(store.root())
        .output()
        .unwrap();
    assert_eq!(
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap()
        ),
        (
            Some(74),
            "tocsin: error: cannot write the output: No space left on device (os error 28)\n"
                .to_owned()
        )
    );
}

#[test]
fn mistakes_on_the_command_line_end_with_2_and_say_what_there_is() {
    let store = Store::closed();
    let words: [&[&str]; 6] = [
        &["dump", "--type", "alarm"],
        &["dump", "--matcher", "job"],
        &["dump", "--since", "yesterday"],
        &["grep", "("],
        &["repair"],
        &["checkpoint", "show", "first"],
    ];
    let told = [
        "there are: alert_batch, silence_set,",
        "it has none of the operators =, !=, =~, !~",
        "it is neither a time such as 2026-11-22T03:00:00Z",
        "unclosed group",
        "unexpected argument '--data'",
        "`first` is no LSN",
    ];
    let got: Vec<(Option<i32>, bool)> = words
        .iter()
        .zip(told)
        .map(|(words, told)| {
            let ran = store.wal(words);
            (ran.code, ran.err.contains(told))
        })
        .collect();
    assert_eq!(got, [(Some(2), true); 6]);
}

#[test]
fn help_lists_the_exit_codes() {
    let store = Store::closed();
    let help = store.run(program().args(["wal", "check", "--help"]));
    let codes: Vec<&str> = help
        .out
        .lines()
        .skip_while(|line| *line != "Exit codes:")
        .skip(1)
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(
        (help.code, codes),
        (Some(0), vec!["0", "1", "2", "3", "4", "5", "6", "13", "74"])
    );
}
