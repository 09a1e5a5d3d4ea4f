//! A process in the hands of a tracer that counts its calls on the data directory, and does something to
//! one of them.
//!
//! ```text
//!  sh waits ─► traced ─► exec of the program ─► every call of every thread: stop at entry ─► stop at exit
//!                                                                             │                  │
//!                                                  Before: SIGKILL here, the call is not made    │
//!                                                  Fail: another call is made, which does not exist,
//!                                                        and its result is replaced ─────────────┤
//!                                                  After: SIGKILL here, before the process learns of it
//! ```
//!
//! **Rules**
//! * One thread starts the process, waits for it and makes all requests to it: the system takes them from
//!   no other. The process ends with that thread.
//! * The shell waits for a line until it is traced, so that the program is from its first call on.
//! * Children of the process are traced with it, and end with it.
//! * It waits for its own children only, so that several may be traced at a time.
//! * Which call is which is told by numbers of x86-64; on other machines [`Supervised::start`] says so.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use rustix::process::Signal;

use super::calls::{Boundary, Kind};
use super::life::Deed;
use crate::kill::nemesis::send;

/// What is said just before something is done to a call, so that it is noted before it has an effect.
pub(super) type OnHit = Box<dyn Fn() + Send>;

/// What is said, with the id of the process, just before it begins.
pub(super) type OnStart = Box<dyn FnOnce(u32) + Send>;

/// What is done to which call.
pub(super) struct Target {
    pub(super) boundary: Boundary,
    pub(super) deed: Deed,
    pub(super) on_hit: OnHit,
}

/// What was seen so far.
#[derive(Debug, Default)]
struct Seen {
    /// Calls of each kind.
    calls: BTreeMap<Kind, u32>,
    is_hit: bool,
    /// How the process ended, if it did: its code, if no signal ended it.
    ended: Option<Option<i32>>,
    failed: Option<anyhow::Error>,
}

/// The process. It does not outlive this.
#[derive(Debug)]
pub(super) struct Supervised {
    pid: u32,
    seen: Arc<Mutex<Seen>>,
    thread: Option<JoinHandle<()>>,
}

impl Supervised {
    /// Starts it; what it prints is added to that file.
    ///
    /// # Errors
    /// That there is no shell, or that the system does not let it be traced.
    pub(super) fn start(
        words: Vec<String>,
        log: &Path,
        data: &Path,
        on_start: OnStart,
        target: Option<Target>,
    ) -> Result<Self> {
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let (told, started) = mpsc::sync_channel(1);
        let (log, data) = (log.to_owned(), data.to_owned());
        let shared = Arc::clone(&seen);
        let work = move || {
            let tracer = tracer::Tracer::start(&words, &log, data, target, Arc::clone(&shared));
            let begun = tracer.and_then(|mut tracer| {
                on_start(tracer.id());
                tracer.begin()?;
                Ok(tracer)
            });
            let mut tracer = match begun {
                Ok(tracer) => tracer,
                Err(error) => {
                    // Whoever started this waits for it.
                    let _ = told.send(Err(error));
                    return;
                }
            };
            let _ = told.send(Ok(tracer.id()));
            let ended = tracer.run();
            let mut seen = lock(&shared);
            match ended {
                Ok(code) => seen.ended = Some(code),
                Err(error) => {
                    seen.ended = Some(None);
                    seen.failed = Some(error);
                }
            }
        };
        let thread = std::thread::Builder::new().name("supervisor".to_owned());
        let thread = thread.spawn(work).context("cannot start a thread")?;
        let pid = started.recv().context("the supervisor panicked")??;
        Ok(Self {
            pid,
            seen,
            thread: Some(thread),
        })
    }

    /// Its id.
    pub(super) fn id(&self) -> u32 {
        self.pid
    }

    /// Whether something was done to the call that was aimed at.
    pub(super) fn is_hit(&self) -> bool {
        lock(&self.seen).is_hit
    }

    /// How it ended, if it did.
    ///
    /// # Errors
    /// That it could not be traced to its end.
    pub(super) fn ended(&self) -> Result<Option<Option<i32>>> {
        let mut seen = lock(&self.seen);
        match seen.failed.take() {
            Some(error) => Err(error),
            None => Ok(seen.ended),
        }
    }

    /// How many calls of each kind it made.
    pub(super) fn calls(&self) -> BTreeMap<Kind, u32> {
        lock(&self.seen).calls.clone()
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        if lock(&self.seen).ended.is_none() {
            // It may have ended in this moment; then there is nothing to be killed.
            let _ = send(self.pid, Signal::KILL);
        }
        if let Some(thread) = self.thread.take() {
            // If it panicked, the process has ended with it.
            let _ = thread.join();
        }
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")))]
mod tracer {
    //! There is none.

    use std::path::{Path, PathBuf};
    use std::sync::{Arc, Mutex};

    use anyhow::{Result, bail};

    use super::{Seen, Target};

    pub(super) enum Tracer {}

    impl Tracer {
        pub(super) fn start(
            _words: &[String],
            _log: &Path,
            _data: PathBuf,
            _target: Option<Target>,
            _seen: Arc<Mutex<Seen>>,
        ) -> Result<Self> {
            bail!("system calls can be aimed at on Linux on x86-64 only")
        }

        pub(super) fn id(&self) -> u32 {
            match *self {}
        }

        pub(super) fn begin(&mut self) -> Result<()> {
            match *self {}
        }

        pub(super) fn run(&mut self) -> Result<Option<i32>> {
            match *self {}
        }
    }
}

#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
mod tracer {
    //! The thread that does it.

    #![expect(
        clippy::disallowed_types,
        reason = "the memory of a process and what it prints are real files"
    )]

    use std::fs::{File, OpenOptions};
    use std::io::Write;
    use std::os::unix::fs::FileExt;
    use std::path::{Path, PathBuf};
    use std::process::{ChildStdin, Command, Stdio};
    use std::sync::{Arc, Mutex};

    use anyhow::{Context, Result};
    use nix::errno::Errno;
    use nix::libc;
    use nix::sys::ptrace::{self, Options};
    use nix::sys::signal::{Signal, kill};
    use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
    use nix::unistd::Pid;

    use super::super::calls::{Boundary, Kind};
    use super::super::life::{Deed, Fault};
    use super::{Seen, Target, lock};

    /// Longer paths are not those of the data directory.
    const PATH_BYTES_MAX: usize = 4096;

    /// How a call names its file, by the places of its arguments.
    #[derive(Debug, Clone, Copy)]
    enum Names {
        /// An open file.
        Open,
        /// A path.
        Path,
        /// A path from a directory on: first that, then the path.
        Below,
    }

    /// Calls that change what is on disk, or lead to it.
    const CALLS: [(libc::c_long, &str, Names); 21] = [
        (libc::SYS_write, "write", Names::Open),
        (libc::SYS_writev, "writev", Names::Open),
        (libc::SYS_pwrite64, "pwrite64", Names::Open),
        (libc::SYS_pwritev, "pwritev", Names::Open),
        (libc::SYS_pwritev2, "pwritev2", Names::Open),
        (libc::SYS_fdatasync, "fdatasync", Names::Open),
        (libc::SYS_fsync, "fsync", Names::Open),
        (libc::SYS_sync_file_range, "sync_file_range", Names::Open),
        (libc::SYS_ftruncate, "ftruncate", Names::Open),
        (libc::SYS_fallocate, "fallocate", Names::Open),
        (libc::SYS_open, "open", Names::Path),
        (libc::SYS_openat, "openat", Names::Below),
        (libc::SYS_rename, "rename", Names::Path),
        (libc::SYS_renameat, "renameat", Names::Below),
        (libc::SYS_renameat2, "renameat2", Names::Below),
        (libc::SYS_unlink, "unlink", Names::Path),
        (libc::SYS_unlinkat, "unlinkat", Names::Below),
        (libc::SYS_rmdir, "rmdir", Names::Path),
        (libc::SYS_mkdir, "mkdir", Names::Path),
        (libc::SYS_mkdirat, "mkdirat", Names::Below),
        (libc::SYS_truncate, "truncate", Names::Path),
    ];

    /// The number of no call.
    const NO_CALL: u64 = u64::MAX;

    pub(in super::super) struct Tracer {
        pid: Pid,
        /// For the line that the shell waits for.
        line: Option<ChildStdin>,
        data: PathBuf,
        target: Option<Target>,
        seen: Arc<Mutex<Seen>>,
        /// Whether the shell has become the program.
        is_program: bool,
        /// The thread that is in the call that was aimed at.
        aimed: Option<Pid>,
    }

    impl Tracer {
        pub(in super::super) fn start(
            words: &[String],
            log: &Path,
            data: PathBuf,
            target: Option<Target>,
            seen: Arc<Mutex<Seen>>,
        ) -> Result<Self> {
            let open = || {
                let file = OpenOptions::new().create(true).append(true).open(log);
                file.with_context(|| format!("cannot open {}", log.display()))
            };
            let mut child = Command::new("sh")
                .args(["-c", "read -r line && exec \"$0\" \"$@\" </dev/null"])
                .args(words)
                .stdin(Stdio::piped())
                .stdout(open()?)
                .stderr(open()?)
                .spawn()
                .context("cannot start sh")?;
            let pid = Pid::from_raw(i32::try_from(child.id()).context("a process id")?);
            let options = Options::PTRACE_O_TRACESYSGOOD
                | Options::PTRACE_O_TRACECLONE
                | Options::PTRACE_O_TRACEFORK
                | Options::PTRACE_O_TRACEVFORK
                | Options::PTRACE_O_TRACEEXEC
                | Options::PTRACE_O_EXITKILL;
            if let Err(error) = ptrace::seize(pid, options) {
                // It is not traced, and would wait for ever.
                let _ = child.kill();
                let _ = child.wait();
                return Err(error)
                    .context("cannot trace a process of ours; does this machine allow ptrace?");
            }
            Ok(Self {
                pid,
                line: child.stdin.take(),
                data,
                target,
                seen,
                is_program: false,
                aimed: None,
            })
        }

        /// Lets the shell become the program.
        pub(in super::super) fn begin(&mut self) -> Result<()> {
            let mut line = self.line.take().context("a shell without an input")?;
            line.write_all(b"\n")
                .context("cannot tell the shell to go on")
        }

        pub(in super::super) fn id(&self) -> u32 {
            self.pid.as_raw().unsigned_abs()
        }

        /// Until the process has ended. Its code, if no signal ended it.
        pub(in super::super) fn run(&mut self) -> Result<Option<i32>> {
            // Threads of the process, and nobody else's children.
            let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
            loop {
                let status = match waitpid(None, Some(flags)) {
                    Err(Errno::EINTR) => continue,
                    status => status.context("cannot wait for the process")?,
                };
                let (thread, signal) = match status {
                    WaitStatus::Exited(pid, code) if pid == self.pid => return Ok(Some(code)),
                    WaitStatus::Signaled(pid, ..) if pid == self.pid => return Ok(None),
                    WaitStatus::PtraceSyscall(thread) => match self.at_call(thread) {
                        // It was killed in this moment.
                        Ok(()) | Err(Errno::ESRCH) => (thread, None),
                        Err(error) => return Err(error).context("cannot look at a call"),
                    },
                    WaitStatus::PtraceEvent(thread, _, libc::PTRACE_EVENT_EXEC) => {
                        self.is_program = true;
                        (thread, None)
                    }
                    WaitStatus::PtraceEvent(thread, ..) => (thread, None),
                    WaitStatus::Stopped(thread, signal) => (thread, Some(signal)),
                    _ => continue,
                };
                // Until it is the program, nothing is counted.
                let resumed = match self.is_program {
                    true => ptrace::syscall(thread, signal),
                    false => ptrace::cont(thread, signal),
                };
                match resumed {
                    Ok(()) | Err(Errno::ESRCH) => {}
                    Err(error) => return Err(error).context("cannot let the process go on"),
                }
            }
        }

        fn at_call(&mut self, thread: Pid) -> Result<(), Errno> {
            match ptrace::syscall_info(thread)?.op {
                libc::PTRACE_SYSCALL_INFO_ENTRY => self.at_entry(thread),
                libc::PTRACE_SYSCALL_INFO_EXIT if self.aimed == Some(thread) => {
                    self.at_exit(thread)
                }
                _ => Ok(()),
            }
        }

        fn at_entry(&mut self, thread: Pid) -> Result<(), Errno> {
            let mut registers = ptrace::getregs(thread)?;
            let number = registers.orig_rax.cast_signed();
            let Some((_, call, names)) = CALLS.iter().find(|it| it.0 == number) else {
                return Ok(());
            };
            let arguments = (registers.rdi, registers.rsi);
            let path = match names {
                Names::Open => Self::open_file(thread, arguments.0),
                Names::Path => Self::path(thread, libc::AT_FDCWD, arguments.0),
                // The system looks at the lower half of it only.
                Names::Below => Self::path(thread, arguments.0 as i32, arguments.1),
            };
            let kind = path.and_then(|path| Kind::of(call, &path, &self.data));
            let Some(kind) = kind else { return Ok(()) };
            let ordinal = {
                let mut seen = lock(&self.seen);
                let count = seen.calls.entry(kind.clone()).or_default();
                *count += 1;
                *count
            };
            let boundary = Boundary { kind, ordinal };
            let Some(target) = self.target.as_ref().filter(|it| it.boundary == boundary) else {
                return Ok(());
            };
            match target.deed {
                Deed::Before => self.kill(thread),
                Deed::After => {
                    self.aimed = Some(thread);
                    Ok(())
                }
                Deed::Fail(_) => {
                    (target.on_hit)();
                    lock(&self.seen).is_hit = true;
                    self.aimed = Some(thread);
                    registers.orig_rax = NO_CALL;
                    ptrace::setregs(thread, registers)
                }
            }
        }

        /// Of the call that was aimed at.
        fn at_exit(&mut self, thread: Pid) -> Result<(), Errno> {
            self.aimed = None;
            match self.target.as_ref().map(|it| it.deed) {
                Some(Deed::After) => self.kill(thread),
                Some(Deed::Fail(fault)) => {
                    let mut registers = ptrace::getregs(thread)?;
                    let number = match fault {
                        Fault::Eio => libc::EIO,
                        Fault::Enospc => libc::ENOSPC,
                    };
                    registers.rax = i64::from(-number).cast_unsigned();
                    ptrace::setregs(thread, registers)
                }
                Some(Deed::Before) | None => Ok(()),
            }
        }

        fn kill(&self, thread: Pid) -> Result<(), Errno> {
            if let Some(target) = &self.target {
                (target.on_hit)();
            }
            lock(&self.seen).is_hit = true;
            kill(self.pid, Signal::SIGKILL)?;
            // It may be one of a child.
            kill(thread, Signal::SIGKILL)
        }

        fn open_file(thread: Pid, number: u64) -> Option<PathBuf> {
            // The system looks at the lower half of it only.
            let number = number as i32;
            std::fs::read_link(format!("/proc/{thread}/fd/{number}")).ok()
        }

        /// The path at an address, from a directory on.
        fn path(thread: Pid, directory: i32, address: u64) -> Option<PathBuf> {
            let mut bytes = vec![0; PATH_BYTES_MAX];
            let memory = File::open(format!("/proc/{thread}/mem")).ok()?;
            let length = memory.read_at(&mut bytes, address).ok()?;
            let end = bytes[..length].iter().position(|it| *it == 0)?;
            let path = PathBuf::from(String::from_utf8(bytes[..end].to_vec()).ok()?);
            if path.is_absolute() {
                return Some(path);
            }
            let base = match directory {
                libc::AT_FDCWD => std::fs::read_link(format!("/proc/{thread}/cwd")).ok()?,
                open => Self::open_file(thread, i64::from(open).cast_unsigned())?,
            };
            Some(base.join(path))
        }
    }
}

#[cfg(test)]
#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
mod tests {
    use std::time::Duration;

    use super::super::life::Fault;
    use super::*;

    /// What becomes of a file that a program renames, and of the program.
    fn renamed(deed: Option<Deed>) -> (bool, bool, Option<i32>, bool, Vec<(String, u32)>) {
        let dir = tempfile::tempdir().expect("a directory");
        let (old, new) = (dir.path().join("old"), dir.path().join("new-17"));
        let script = format!(
            "printf a >{0} && exec mv {0} {1}",
            old.display(),
            new.display()
        );
        let kind = |call: &str, path: &Path| Kind::of(call, path, dir.path()).expect("a kind");
        let target = deed.map(|deed| Target {
            boundary: Boundary {
                kind: kind("renameat2", &old),
                ordinal: 1,
            },
            deed,
            on_hit: Box::new(|| ()),
        });
        let words = ["sh", "-c", &script].map(str::to_owned).to_vec();
        let log = tempfile::NamedTempFile::new().expect("a file");
        let supervised = Supervised::start(words, log.path(), dir.path(), Box::new(|_| ()), target);
        let supervised = supervised.expect("a process");
        let code = loop {
            if let Some(code) = supervised.ended().expect("a trace") {
                break code;
            }
            std::thread::park_timeout(Duration::from_millis(1));
        };
        let calls = supervised.calls().into_iter();
        let calls = calls.map(|(kind, count)| (format!("{} {}", kind.call, kind.file), count));
        (
            old.exists(),
            new.exists(),
            code,
            supervised.is_hit(),
            calls.filter(|it| !it.0.starts_with("openat")).collect(),
        )
    }

    #[test]
    fn a_call_is_not_made_or_made_and_not_known_of_or_fails() {
        let calls = || vec![("renameat2 old".to_owned(), 1), ("write old".to_owned(), 1)];
        assert_eq!(
            [
                None,
                Some(Deed::Before),
                Some(Deed::After),
                Some(Deed::Fail(Fault::Eio)),
            ]
            .map(renamed),
            [
                (false, true, Some(0), false, calls()),
                (true, false, None, true, calls()),
                (false, true, None, true, calls()),
                (true, false, Some(1), true, calls()),
            ]
        );
    }
}
