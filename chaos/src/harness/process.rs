//! Processes that do not outlive their handles.

#![expect(
    clippy::disallowed_types,
    reason = "what a child prints goes into a real file"
)]

use std::fs::OpenOptions;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// How much of a log is shown with an error.
const TAIL_LINES: usize = 15;

/// A process of ours.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts it; what it prints is added to that file.
    pub(crate) fn spawn(command: &mut Command, log: &Path) -> Result<Self> {
        let open = || {
            let file = OpenOptions::new().create(true).append(true).open(log);
            file.with_context(|| format!("cannot open {}", log.display()))
        };
        let child = command
            .stdin(Stdio::null())
            .stdout(open()?)
            .stderr(open()?)
            .spawn();
        let program = command.get_program().to_string_lossy().into_owned();
        let child = child.with_context(|| format!("cannot start {program}"))?;
        Ok(Self { child })
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Its id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has: its code, if no signal ended it.
    pub(crate) fn ended(&mut self) -> Option<Option<i32>> {
        let status = self.child.try_wait().ok()??;
        Some(status.code())
    }

    /// SIGKILL, at once. The system may take a while until the process is gone: dropping this waits for it.
    pub(crate) fn begin_kill(&mut self) {
        // It may have ended by itself; then there is nothing to be killed.
        let _ = self.child.kill();
    }

    /// SIGKILL, at once; returns when the process is gone.
    pub(crate) fn kill(&mut self) {
        self.begin_kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The last lines of a log.
pub(crate) fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
