//! The index of history in this process: where it is on disk, and how it is probed.
//!
//! ```text
//!   <data directory>/index/               sled's files; nothing else needs them
//!   <data directory>/index.discarded/     on its way out
//! ```
//!
//! The probe is this program once more (`tocsin history-probe`), for a few milliseconds: it opens the index
//! and reads all of it. If it dies of that, or does not end, the index is no good.

use std::fs;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use hyper::StatusCode;
use uuid::Uuid;

use super::shared::Shared;
use crate::api::backend::Refusal;
use crate::cli::World;
use crate::cli::serve::flags::{HistoryMode, ServeOptions};
use crate::history::ask::{Mistake, Parameters, Route, Said, Surroundings, answer};
use crate::history::index::feed::Feed;
use crate::history::index::keeper::{HANG, Keeper, Place, Setup, Source};
use crate::history::index::{Fault, Limits, Past, SledStorage, Storage, UNFINISHED, probe};
use crate::model::Mode;
use crate::wal::{Log, Lsn, OpenError, StoreIdentity, layout};

/// Bytes of index for which a probe gets another second.
const PROBED_BYTES_A_SECOND: u64 = 16 * 1024 * 1024;

/// What a probe says is a line.
const ANSWER_BYTES_MAX: u64 = 4096;

/// How much the threads of the index give way to all others: they get a tenth of what another thread gets
/// when both want the processor.
const NICENESS: i32 = 10;

/// A probe that is under way, and how long it may take.
pub(super) type Probing = Result<(Child, Duration), Fault>;

/// What a file system has in it from the beginning; an index may have one of its own.
const LOST_AND_FOUND: &str = "lost+found";

/// Starts the probe of the index, if there is one. This comes before the log is opened: whoever kills this
/// process in the middle of a `fork` must not leave a child behind that holds the lock of the store.
pub(super) fn begin(options: &ServeOptions, world: &World) -> Option<Probing> {
    let disk = (world.open_disk)(&options.data_dir);
    let is_held = !matches!(disk.lock_holder(layout::lock_path()), Ok(None));
    let identity = StoreIdentity::read(disk.as_ref()).ok().flatten();
    if is_held || options.history != HistoryMode::Sled {
        return None;
    }
    start_probe(&options.data_dir, identity?.id.0).transpose()
}

#[expect(
    clippy::disallowed_methods,
    reason = "sled has files of its own, which no disk handle knows"
)]
fn start_probe(data_dir: &Path, store: Uuid) -> Result<Option<(Child, Duration)>, Fault> {
    let directory = data_dir.join(probe::DIRECTORY);
    let files = files_in(&directory)?;
    if files.is_empty() {
        return Ok(None);
    }
    let mut bytes = 0;
    for file in files {
        if file.to_string_lossy().ends_with(UNFINISHED) {
            // sled 0.34 takes it for a snapshot, and fails for ever.
            fs::remove_file(&file).map_err(reported("remove", &file))?;
            continue;
        }
        bytes += fs::metadata(&file).map_or(0, |it| it.len());
    }
    let limit = HANG + Duration::from_secs(bytes / PROBED_BYTES_A_SECOND);
    let program = std::env::current_exe().map_err(reported("find", Path::new("tocsin")))?;
    let child = Command::new(program)
        .arg(probe::COMMAND)
        .arg(data_dir)
        .arg(store.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(reported("start a probe of", &directory))?;
    Ok(Some((child, limit)))
}

/// What is in the directory of an index: nothing if it is not there, or if it is a file system of its own
/// that is empty.
#[expect(
    clippy::disallowed_methods,
    reason = "sled has files of its own, which no disk handle knows"
)]
fn files_in(directory: &Path) -> Result<Vec<PathBuf>, Fault> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(reported("list", directory))?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(reported("list", directory))?;
        if entry.file_name() != LOST_AND_FOUND {
            files.push(entry.path());
        }
    }
    Ok(files)
}

/// Starts the index, unless it is switched off. Without one the server is the same.
///
/// # Errors
/// That the store's identity cannot be read, or that there is no thread.
pub(super) fn start(
    options: &ServeOptions,
    world: &World,
    shared: &Arc<Shared>,
    feed: &Arc<Feed>,
    probing: Option<Probing>,
) -> Result<Option<Keeper>, OpenError> {
    let disk = (world.open_disk)(&options.data_dir);
    let Some(identity) = StoreIdentity::read(disk.as_ref())? else {
        return Ok(None);
    };
    let store = identity.id.0.into_bytes();
    let place = match options.history {
        HistoryMode::Off => return Ok(None),
        HistoryMode::Memory => None,
        HistoryMode::Sled => Some(Arc::new(OnDisk {
            data_dir: options.data_dir.clone(),
            probing: Mutex::new(probing),
        }) as Arc<dyn Place>),
    };
    let (of_durable, of_handed_on) = (Arc::clone(shared), Arc::clone(shared));
    let of_checkpoint = Arc::clone(shared);
    let keeper = Keeper::start(Setup {
        place,
        limits: Limits {
            retention: options.history_retention.to_std(),
            bytes_max: options.history_bytes_max,
        },
        store,
        clock: Arc::clone(&world.clock),
        source: Source {
            disk,
            durable: Box::new(move || {
                let journal = &of_durable.journal;
                let durable = journal.with_log(Log::durable);
                // The log is closed: what it writes for itself then, nobody asks for.
                durable.unwrap_or_else(|| journal.handed_on())
            }),
            handed_on: Box::new(move || of_handed_on.journal.handed_on()),
            checkpoint: Box::new(move || {
                let newest = of_checkpoint.journal.with_log(Log::newest_checkpoint);
                newest.unwrap_or(Lsn::ZERO)
            }),
            give_way,
        },
        feed: Arc::clone(feed),
    });
    let keeper = keeper.map_err(|source| OpenError::Io {
        operation: "start the threads of the history of",
        path: options.data_dir.clone(),
        source,
    })?;
    Ok(Some(keeper))
}

/// Answers a question about the past, on a thread that may block.
///
/// # Errors
/// With the status to answer: 400 for a question that is wrong.
pub(super) fn ask(
    keeper: &Keeper,
    shared: &Shared,
    route: Route,
    parameters: &Parameters,
    mode: Mode,
) -> Result<Said, Refusal> {
    let refused = |status, message: String| Refusal { status, message };
    let Some(index) = keeper.index() else {
        let message = "the index of history is not there yet; try again in a moment".to_owned();
        return Err(refused(StatusCode::SERVICE_UNAVAILABLE, message));
    };
    let plan = shared.plan();
    let around = Surroundings {
        now: shared.clock.wall(),
        mode,
        policy: Some(&plan.policy),
        instance: &crate::node::host_name(),
    };
    let past = Past::new(index, super::TENANT);
    answer(route, &past, parameters, &around).map_err(|mistake| match mistake {
        Mistake::Bad(message) => refused(StatusCode::BAD_REQUEST, message),
        Mistake::Broken(message) => refused(StatusCode::SERVICE_UNAVAILABLE, message),
    })
}

/// Who waits for an answer, or for an alert to be stored, comes first.
fn give_way() {
    // Where it is not allowed everything works as well, a little slower.
    let _ = rustix::process::nice(NICENESS);
}

/// The index on disk.
#[derive(Debug)]
struct OnDisk {
    data_dir: PathBuf,
    /// The probe, until somebody has waited for it. What is made after it needs none.
    probing: Mutex<Option<Probing>>,
}

impl OnDisk {
    fn directory(&self) -> PathBuf {
        self.data_dir.join(probe::DIRECTORY)
    }
}

fn reported(operation: &str, path: &Path) -> impl FnOnce(io::Error) -> Fault {
    let what = format!("{operation} {}", path.display());
    move |error| Fault::Reported(format!("cannot {what}: {error}"))
}

impl Place for OnDisk {
    fn probe(&self) -> Result<(), Fault> {
        let probing = self
            .probing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match probing {
            Some(Ok((child, limit))) => probe::understand(&answer_within(child, limit)?),
            Some(Err(fault)) => Err(fault),
            None if files_in(&self.directory())?.is_empty() => Ok(()),
            None => Err(Fault::Lied("it was not probed".to_owned())),
        }
    }

    fn open(&self) -> Result<Box<dyn Storage>, Fault> {
        Ok(Box::new(SledStorage::open(&self.directory())?))
    }

    fn discard(&self) -> Result<(), Fault> {
        let (directory, discarded) = (self.directory(), self.data_dir.join("index.discarded"));
        remove(&discarded)?;
        put_aside(&directory, &discarded)?;
        remove(&discarded)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "sled has files of its own, which no disk handle knows"
)]
fn put_aside(directory: &Path, discarded: &Path) -> Result<(), Fault> {
    match fs::rename(directory, discarded) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        // A file system of its own stays where it is.
        Err(error) if error.kind() == ErrorKind::ResourceBusy => {
            files_in(directory)?.iter().try_for_each(|it| remove(it))
        }
        other => other.map_err(reported("put aside", directory)),
    }
}

/// Removes a file, or a directory with all that is in it.
#[expect(
    clippy::disallowed_methods,
    reason = "sled has files of its own, which no disk handle knows"
)]
fn remove(path: &Path) -> Result<(), Fault> {
    let removed = match path.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    };
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other.map_err(reported("remove", path)),
    }
}

/// What a child says before it ends. One that does not end is killed.
fn answer_within(mut child: Child, limit: Duration) -> Result<String, Fault> {
    let (sender, receiver) = mpsc::channel();
    let stdout = child.stdout.take();
    std::thread::Builder::new()
        .name("history-probe".to_owned())
        .spawn(move || {
            let mut said = String::new();
            let stdout = stdout.map(|it| it.take(ANSWER_BYTES_MAX));
            let read = stdout.map(|mut it| it.read_to_string(&mut said));
            // Whoever waits may have given up.
            let _ = sender.send(read.map(|_| said));
        })
        .map_err(|error| Fault::Reported(format!("there is no thread for a probe: {error}")))?;
    let said = receiver.recv_timeout(limit);
    // It has ended, or has to.
    let _ = child.kill();
    let _ = child.wait();
    match said {
        Ok(said) => Ok(said.unwrap_or_default()),
        Err(_) => Err(Fault::Hung(limit.as_secs())),
    }
}
