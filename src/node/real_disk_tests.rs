use std::os::unix::fs::symlink;

use super::*;

fn disk() -> (tempfile::TempDir, RealDisk) {
    let dir = tempfile::tempdir().unwrap();
    let disk = RealDisk::new(dir.path());
    (dir, disk)
}

#[test]
fn a_file_is_filled_with_zeros_from_its_end_on_and_keeps_what_it_held() {
    let (_dir, disk) = disk();
    let file = disk.create(Path::new("f")).unwrap();
    file.pwrite(0, b"abc").unwrap();
    let whole = 2 * ZEROS_BYTES as u64 + 5;
    file.preallocate(whole).unwrap();
    file.fdatasync().unwrap();
    let mut bytes = vec![1; 2 * ZEROS_BYTES + 6];
    let read = file.read(0, &mut bytes).unwrap();
    let zeros = bytes[3..read].iter().filter(|byte| **byte == 0).count();
    assert_eq!(
        (file.len().unwrap(), read, &bytes[..3], zeros),
        (whole, 2 * ZEROS_BYTES + 5, b"abc".as_slice(), read - 3)
    );
}

#[test]
fn a_list_has_plain_files_only_in_order() {
    let (dir, disk) = disk();
    for name in ["b", "a", "c"] {
        disk.create(Path::new(name)).unwrap();
    }
    disk.create_dir(Path::new("d")).unwrap();
    symlink(dir.path().join("a"), dir.path().join("e")).unwrap();
    assert_eq!(disk.list(Path::new("")).unwrap(), ["a", "b", "c"]);
}

#[test]
fn creating_refuses_what_is_there_but_a_directory_may_be_there() {
    let (_dir, disk) = disk();
    disk.create(Path::new("f")).unwrap();
    disk.create_dir(Path::new("d")).unwrap();
    let kinds = (
        disk.create(Path::new("f")).unwrap_err().kind(),
        disk.create_dir(Path::new("d")).is_ok(),
        disk.create_dir(Path::new("f")).unwrap_err().kind(),
        disk.open(Path::new("g"), Access::Read).unwrap_err().kind(),
        disk.list(Path::new("g")).unwrap_err().kind(),
    );
    assert_eq!(
        kinds,
        (
            io::ErrorKind::AlreadyExists,
            true,
            io::ErrorKind::NotADirectory,
            io::ErrorKind::NotFound,
            io::ErrorKind::NotFound
        )
    );
}

#[test]
fn a_directory_is_synced_through_the_handle_kept_from_its_making() {
    let (dir, disk) = disk();
    disk.create_dir(Path::new("d")).unwrap();
    fs::rename(dir.path().join("d"), dir.path().join("moved")).unwrap();
    assert!(disk.sync_dir(Path::new("d")).is_ok());
}

#[test]
fn the_root_is_made_with_all_directories_above_it() {
    let dir = tempfile::tempdir().unwrap();
    let disk = RealDisk::new(&dir.path().join("a/b/c"));
    disk.create_root().unwrap();
    disk.create_root().unwrap();
    assert_eq!(disk.list(Path::new("")).unwrap(), Vec::<String>::new());
}

#[test]
fn a_second_taker_learns_who_holds_the_lock_and_gets_it_afterwards() {
    let (dir, first) = disk();
    let second = RealDisk::new(dir.path());
    let lock = Path::new("LOCK");
    let nobody = second.lock_holder(lock).unwrap();
    let LockOutcome::Taken(guard) = first.lock(lock, "pid 1, a rather long line\n").unwrap() else {
        panic!("the lock is free");
    };
    let LockOutcome::Held(refused) = second.lock(lock, "pid 2\n").unwrap() else {
        panic!("the lock is held");
    };
    let seen = second.lock_holder(lock).unwrap();
    drop(guard);
    let free = second.lock_holder(lock).unwrap();
    let taken = second.lock(lock, "pid 2\n").unwrap();
    let then = first.lock_holder(lock).unwrap();
    drop(taken);
    let held = |contents: &str| Held {
        contents: contents.to_owned(),
    };
    let one = held("pid 1, a rather long line\n");
    assert_eq!(
        (nobody, refused, seen, free, then),
        (None, one.clone(), Some(one), None, Some(held("pid 2\n")))
    );
}

#[test]
fn looking_all_the_time_never_makes_a_start_fail() {
    let (dir, disk) = disk();
    let lock = Path::new("LOCK");
    drop(disk.lock(lock, "made\n").unwrap());
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let refused = std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let looker = RealDisk::new(dir.path());
                while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                    looker.lock_holder(lock).unwrap();
                }
            });
        }
        let refused = (0..2000)
            .filter(|_| matches!(disk.lock(lock, "start\n").unwrap(), LockOutcome::Held(_)))
            .count();
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        refused
    });
    assert_eq!(refused, 0);
}

#[test]
fn a_lock_given_back_is_free_although_a_child_is_being_started() {
    let (_dir, disk) = disk();
    let lock = Path::new("LOCK");
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let refused = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                // A working directory of its own makes the child be forked, with all files open.
                let mut child = std::process::Command::new("true");
                child.current_dir("/").status().unwrap();
            }
        });
        let refused = (0..2000)
            .filter(|_| matches!(disk.lock(lock, "start\n").unwrap(), LockOutcome::Held(_)))
            .count();
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        refused
    });
    assert_eq!(refused, 0);
}
