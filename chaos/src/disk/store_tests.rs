use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tocsin::sys::{CrashModel, DiskOp, Fate as ModelFate, FileId, Image, SeededEntropy};

use super::*;

/// Every file, by path.
fn files(store: &Store) -> BTreeMap<PathBuf, Vec<u8>> {
    fn gather(store: &Store, dir: Ino, path: &Path, into: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for (name, about) in store.list(dir).unwrap() {
            let path = path.join(name);
            match about.is_dir {
                true => gather(store, about.ino, &path, into),
                false => {
                    into.insert(path, store.read(about.ino, 0, u64::MAX).unwrap());
                }
            }
        }
    }
    let mut all = BTreeMap::new();
    gather(store, ROOT, Path::new(""), &mut all);
    all
}

fn file(store: &mut Store, name: &str) -> Ino {
    store
        .create(ROOT, OsStr::new(name), 0o600, false)
        .unwrap()
        .ino
}

fn left(store: &Store, way: Survival) -> Vec<(String, String)> {
    let (store, _) = store.survivors(way, &SeededEntropy::new(1));
    let text = |(path, bytes): (PathBuf, Vec<u8>)| {
        let bytes = String::from_utf8_lossy(&bytes).into_owned();
        (path.display().to_string(), bytes)
    };
    files(&store).into_iter().map(text).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, bytes): &(&str, &str)| ((*name).to_owned(), (*bytes).to_owned());
    pairs.iter().map(owned).collect()
}

#[test]
fn what_was_synced_outlives_a_power_loss_and_what_was_only_written_does_not() {
    let mut store = Store::default();
    let (synced, written) = (file(&mut store, "synced"), file(&mut store, "written"));
    store.sync_dir(ROOT).unwrap();
    store.write(synced, 0, b"kept").unwrap();
    store.sync(synced).unwrap();
    store.write(synced, 4, b", and not").unwrap();
    store.write(written, 0, b"lost").unwrap();
    assert_eq!(
        left(&store, Survival::Nothing),
        pairs(&[("synced", "kept"), ("written", "")])
    );
}

#[test]
fn a_name_is_lost_unless_its_directory_was_synced() {
    let mut store = Store::default();
    let named = file(&mut store, "named");
    store.sync_dir(ROOT).unwrap();
    let nameless = file(&mut store, "nameless");
    for ino in [named, nameless] {
        store.write(ino, 0, b"synced").unwrap();
        store.sync(ino).unwrap();
    }
    assert_eq!(
        left(&store, Survival::Nothing),
        pairs(&[("named", "synced")])
    );
}

#[test]
fn a_rename_before_the_sync_of_the_file_may_leave_an_empty_file_in_place_of_the_old() {
    let mut store = Store::default();
    let old = file(&mut store, "snapshot");
    store.write(old, 0, b"old").unwrap();
    store.sync(old).unwrap();
    store.sync_dir(ROOT).unwrap();
    let new = file(&mut store, "snapshot.tmp");
    store.write(new, 0, b"new").unwrap();
    let names = [OsStr::new("snapshot.tmp"), OsStr::new("snapshot")];
    store.rename((ROOT, names[0]), (ROOT, names[1])).unwrap();
    assert_eq!(
        [Survival::Names, Survival::Data].map(|way| left(&store, way)),
        [pairs(&[("snapshot", "")]), pairs(&[("snapshot", "old")])]
    );
}

#[test]
fn pages_of_a_failed_sync_are_not_made_durable_by_a_later_one() {
    let mut store = Store::default();
    let ino = file(&mut store, "log");
    store.sync_dir(ROOT).unwrap();
    store.write(ino, 0, b"first ").unwrap();
    store.fail_sync(ino).unwrap();
    store.write(ino, 6, b"second").unwrap();
    store.sync(ino).unwrap();
    assert_eq!(
        (files(&store), left(&store, Survival::Nothing)),
        (
            BTreeMap::from([(PathBuf::from("log"), b"first second".to_vec())]),
            pairs(&[("log", "\0\0\0\0\0\0second")])
        )
    );
}

#[test]
fn a_torn_write_leaves_whole_sectors_and_harms_nothing_beside_them() {
    let mut store = Store::default();
    let ino = file(&mut store, "log");
    store.write(ino, 0, &[b'o'; 8192]).unwrap();
    store.sync(ino).unwrap();
    store.sync_dir(ROOT).unwrap();
    store.write(ino, 100, &[b'n'; 3000]).unwrap();
    let mut torn = 0;
    for seed in 0..200 {
        let entropy = SeededEntropy::new(seed);
        let (after, toll) = store.survivors(Survival::Any, &entropy);
        torn += toll.torn;
        let bytes = files(&after).remove(Path::new("log")).unwrap();
        let is_beside = |at: &usize| *at < 100 || *at >= 3100;
        let harmed = (0..8192).filter(is_beside).find(|at| bytes[*at] != b'o');
        let halves = bytes[100..3100].chunk_by(|one, other| one == other);
        // Where only old and new bytes stand, they change at the edge of a sector.
        let is_garbage = bytes[100..3100].iter().any(|it| !b"on".contains(it));
        let mut at = 100;
        let mut edges = Vec::new();
        for half in halves {
            at += half.len();
            edges.push(at);
        }
        let odd = edges.iter().find(|at| **at != 3100 && *at % 512 != 0);
        assert_eq!(
            (harmed, odd.filter(|_| !is_garbage)),
            (None, None),
            "seed {seed}"
        );
    }
    assert!(torn > 20, "only {torn} of 200 were torn");
}

#[test]
fn a_directory_that_was_moved_to_another_keeps_one_name_at_most_and_what_is_in_it() {
    let mut store = Store::default();
    let dir = |store: &mut Store, name: &str| {
        let made = store.create(ROOT, OsStr::new(name), 0o700, true);
        made.unwrap().ino
    };
    let (one, other) = (dir(&mut store, "one"), dir(&mut store, "other"));
    let moved = store.create(one, OsStr::new("d"), 0o700, true).unwrap().ino;
    let inner = store
        .create(moved, OsStr::new("f"), 0o600, false)
        .unwrap()
        .ino;
    store.write(inner, 0, b"x").unwrap();
    store.sync(inner).unwrap();
    for ino in [ROOT, one, other, moved] {
        store.sync_dir(ino).unwrap();
    }
    let d = OsStr::new("d");
    store.rename((one, d), (other, d)).unwrap();
    for seed in 0..50 {
        let entropy = SeededEntropy::new(seed);
        let (after, _) = store.survivors(Survival::Any, &entropy);
        let kept = files(&after);
        assert!(kept.len() <= 1, "seed {seed}: {kept:?}");
    }
}

/// What is done to one of a few files.
#[derive(Debug, Clone)]
enum Step {
    Create(u8),
    Write(u8, u16, u16),
    Sync(u8),
    FailSync(u8),
    Rename(u8, u8),
    Unlink(u8),
    SyncDir,
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0..4_u8;
    prop_oneof![
        2 => name.clone().prop_map(Step::Create),
        4 => (name.clone(), 0..9_000_u16, 1..6_000_u16).prop_map(|(name, at, len)| Step::Write(name, at, len)),
        2 => name.clone().prop_map(Step::Sync),
        1 => name.clone().prop_map(Step::FailSync),
        1 => (name.clone(), name.clone()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => name.prop_map(Step::Unlink),
        1 => Just(Step::SyncDir),
    ]
}

proptest! {
    /// Nothing and everything are the two ways that both models can be asked for alike.
    #[test]
    fn it_leaves_what_the_crash_model_of_the_log_leaves(steps in prop::collection::vec(step(), 0..60)) {
        let mut model = CrashModel::new(&Image::default());
        let mut store = Store::default();
        // Which file of the model has which number here.
        let mut handles: BTreeMap<Ino, FileId> = BTreeMap::new();
        for (count, step) in steps.iter().enumerate() {
            let name = |number: &u8| format!("f{number}");
            let found = |store: &Store, number: &u8| {
                let about = store.lookup(ROOT, OsStr::new(&name(number)));
                about.ok().map(|about| about.ino)
            };
            match step {
                Step::Create(number) if found(&store, number).is_none() => {
                    let ino = file(&mut store, &name(number));
                    let id = FileId(count as u32);
                    handles.insert(ino, id);
                    model.apply(&DiskOp::Create { file: id, path: name(number).into() });
                }
                Step::Write(number, at, len) => if let Some(ino) = found(&store, number) {
                    let bytes: Arc<[u8]> = vec![count as u8 + 1; usize::from(*len)].into();
                    store.write(ino, u64::from(*at), &bytes).unwrap();
                    model.apply(&DiskOp::Write { file: handles[&ino], offset: u64::from(*at), bytes });
                },
                Step::Sync(number) => if let Some(ino) = found(&store, number) {
                    store.sync(ino).unwrap();
                    model.apply(&DiskOp::SyncData { file: handles[&ino] });
                },
                Step::FailSync(number) => if let Some(ino) = found(&store, number) {
                    store.fail_sync(ino).unwrap();
                    model.apply(&DiskOp::SyncFailed { file: handles[&ino] });
                },
                Step::Rename(from, to) if from != to && found(&store, from).is_some() => {
                    let (from, to) = (name(from), name(to));
                    store.rename((ROOT, OsStr::new(&from)), (ROOT, OsStr::new(&to))).unwrap();
                    model.apply(&DiskOp::Rename { from: from.into(), to: to.into() });
                }
                Step::Unlink(number) if found(&store, number).is_some() => {
                    store.remove(ROOT, OsStr::new(&name(number)), false).unwrap();
                    model.apply(&DiskOp::Unlink { path: name(number).into() });
                }
                Step::SyncDir => {
                    store.sync_dir(ROOT).unwrap();
                    model.apply(&DiskOp::SyncDir { path: PathBuf::new() });
                }
                _ => {}
            }
        }
        let entropy = SeededEntropy::new(1);
        let of_store = |way| files(&store.survivors(way, &entropy).0);
        let of_model = |image: Image| -> BTreeMap<PathBuf, Vec<u8>> {
            image.files.into_iter().map(|(path, bytes)| (path, bytes.to_vec())).collect()
        };
        prop_assert_eq!(files(&store), of_model(model.live_image()));
        prop_assert_eq!(
            of_store(Survival::Nothing),
            of_model(model.materialise(|_| false, |_| ModelFate::Lost))
        );
        prop_assert_eq!(
            of_store(Survival::Everything),
            of_model(model.materialise(|_| true, |_| ModelFate::Kept))
        );
    }
}
