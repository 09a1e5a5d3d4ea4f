//! That the disk lies, seen by a process. Where none can be mounted these tests say so, and show nothing.

#![expect(
    clippy::disallowed_types,
    reason = "a mount is seen by real files only"
)]

use std::fs;
use std::io::Write as _;
use std::path::Path;

use tempfile::TempDir;
use tocsin::sys::SeededEntropy;

use super::super::faults::{Room, Trap};
use super::super::survival::Survival;
use super::*;

/// A mounted disk.
struct Disk {
    // The mount goes before its directory.
    mount: Option<Mount>,
    shared: Arc<Shared>,
    dir: TempDir,
}

#[expect(clippy::print_stderr, reason = "a test that shows nothing says so")]
fn disk() -> Option<Disk> {
    if let Err(missing) = try_it() {
        eprintln!("skipped: {missing}");
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    Some(mounted(Store::default(), dir))
}

fn mounted(store: Store, dir: TempDir) -> Disk {
    let shared = Arc::new(Shared::new(store, Faults::none(1), Box::new(|_, _| {})));
    Disk {
        mount: Some(Mount::new(dir.path(), Arc::clone(&shared)).unwrap()),
        shared,
        dir,
    }
}

impl Disk {
    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Power is lost, and is back; in that way, with what was not synced.
    fn after(mut self, way: Survival) -> Self {
        self.mount = None;
        let store = &self.shared.state().store;
        let (left, _) = store.survivors(way, &SeededEntropy::new(1));
        mounted(left, self.dir)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> fs::File {
        let mut file = fs::File::create_new(self.path().join(name)).unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn sync_names(&self) {
        fs::File::open(self.path()).unwrap().sync_all().unwrap();
    }

    /// Names and contents, in order.
    fn files(&self) -> Vec<(String, String)> {
        let entries = fs::read_dir(self.path()).unwrap();
        let mut files: Vec<(String, String)> = entries
            .map(|entry| {
                let entry = entry.unwrap();
                let name = entry.file_name().to_string_lossy().into_owned();
                (name, fs::read_to_string(entry.path()).unwrap())
            })
            .collect();
        files.sort();
        files
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, bytes): &(&str, &str)| ((*name).to_owned(), (*bytes).to_owned());
    pairs.iter().map(owned).collect()
}

#[test]
fn a_file_keeps_its_data_over_a_power_loss_if_it_was_synced_and_loses_it_if_not() {
    let Some(disk) = disk() else { return };
    disk.file("fdatasync", b"kept").sync_data().unwrap();
    disk.file("fsync", b"kept").sync_all().unwrap();
    disk.file("closed", b"lost");
    disk.sync_names();
    let before = disk.files();
    let after = disk.after(Survival::Nothing);
    assert_eq!(
        (before, after.files()),
        (
            pairs(&[("closed", "lost"), ("fdatasync", "kept"), ("fsync", "kept")]),
            pairs(&[("closed", ""), ("fdatasync", "kept"), ("fsync", "kept")])
        )
    );
}

#[test]
fn names_vanish_at_a_power_loss_if_their_directory_was_not_synced() {
    let Some(disk) = disk() else { return };
    disk.file("old", b"1").sync_all().unwrap();
    disk.file("gone", b"2").sync_all().unwrap();
    disk.sync_names();
    disk.file("new", b"3").sync_all().unwrap();
    fs::rename(disk.path().join("old"), disk.path().join("renamed")).unwrap();
    fs::remove_file(disk.path().join("gone")).unwrap();
    let before = disk.files();
    let after = disk.after(Survival::Nothing);
    assert_eq!(
        (before, after.files()),
        (
            pairs(&[("new", "3"), ("renamed", "1")]),
            pairs(&[("gone", "2"), ("old", "1")])
        )
    );
}

#[test]
fn a_file_that_is_renamed_before_it_is_synced_may_be_empty() {
    let Some(disk) = disk() else { return };
    disk.file("snapshot", b"old").sync_all().unwrap();
    disk.sync_names();
    disk.file("snapshot.tmp", b"new");
    fs::rename(
        disk.path().join("snapshot.tmp"),
        disk.path().join("snapshot"),
    )
    .unwrap();
    let after = disk.after(Survival::Names);
    assert_eq!(after.files(), pairs(&[("snapshot", "")]));
}

#[test]
fn a_kill_alone_loses_nothing() {
    let Some(disk) = disk() else { return };
    disk.file("written", b"and not synced");
    let after = disk.after(Survival::Everything);
    assert_eq!(after.files(), pairs(&[("written", "and not synced")]));
}

#[test]
fn the_process_gets_the_errors_of_a_full_disk_and_of_a_broken_one() {
    let Some(disk) = disk() else { return };
    let mut file = disk.file("log", b"12345678");
    let kinds = |disk: &Disk, file: &mut fs::File| {
        let over = std::os::unix::fs::FileExt::write_at(file, b"x", 0);
        let end = file.write(b"x").map(|_| ());
        let new = fs::File::create_new(disk.path().join("new")).map(|_| ());
        [over.map(|_| ()), end, new, file.sync_data()]
            .map(|done| done.map_err(|error| error.raw_os_error()))
    };
    let with = |disk: &Disk, room, trap| {
        let faults = &mut disk.shared.state().faults;
        (faults.room, faults.trap) = (room, trap);
    };
    let trap = Some(Trap {
        call: Call::Sync,
        after: 1,
        stays: false,
    });
    with(&disk, Room::NoMore, trap);
    let no_more = kinds(&disk, &mut file);
    with(&disk, Room::None, trap);
    disk.shared.state().faults.meets(Call::Sync);
    let none = kinds(&disk, &mut file);
    with(&disk, Room::Plenty, None);
    let well = kinds(&disk, &mut file);
    let (eio, enospc) = (Err(Some(5)), Err(Some(28)));
    assert_eq!(
        [no_more, none, well],
        [
            [Ok(()), enospc, enospc, Ok(())],
            [enospc, enospc, enospc, eio],
            [Ok(()); 4]
        ]
    );
}

#[test]
fn many_files_can_be_listed_while_they_are_removed() {
    let Some(disk) = disk() else { return };
    let dir = disk.path().join("index");
    fs::create_dir(&dir).unwrap();
    for number in 0..2_000 {
        fs::File::create_new(dir.join(format!("a file with a long name {number}"))).unwrap();
    }
    let count = fs::read_dir(&dir).unwrap().count();
    fs::remove_dir_all(&dir).unwrap();
    assert_eq!((count, disk.files()), (2_000, Vec::new()));
}

#[test]
fn a_file_that_has_lost_its_name_is_there_as_long_as_it_is_open() {
    let Some(disk) = disk() else { return };
    let file = disk.file("log", b"12345678");
    fs::remove_file(disk.path().join("log")).unwrap();
    let mut bytes = [0; 8];
    std::os::unix::fs::FileExt::read_exact_at(&file, &mut bytes, 0).unwrap();
    assert_eq!((&bytes, disk.files()), (b"12345678", Vec::new()));
}
