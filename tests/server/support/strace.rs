//! System calls of a running server that are made to fail it. Needs `strace`, and to be allowed to trace;
//! where that is not so, the tests that want it say so aloud and show nothing.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::Server;

/// The tracer. It ends with the test at the latest.
pub(crate) struct Strace {
    child: Child,
}

impl Strace {
    /// Does this to calls of all threads of the server from now on: `fdatasync:signal=SIGKILL`. None
    /// if nobody can be traced here.
    pub(crate) fn attach(server: &Server, inject: &str) -> Option<Self> {
        let calls = inject.split(':').next().unwrap();
        let child = Command::new("strace")
            .args(["-f", "-p", &server.pid().to_string(), "-o", "/dev/null"])
            .args(["-e", &format!("trace={calls}")])
            .args(["-e", &format!("inject={inject}")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut child) = child else {
            return skip("strace is not there");
        };
        let said = child.stderr.take().unwrap();
        let strace = Self { child };
        // One line for each thread, or for all of them, or why not.
        let mut lines = BufReader::new(said).lines();
        let line = lines.next().and_then(Result::ok).unwrap_or_default();
        if !line.contains("attached") {
            return skip(&line);
        }
        // It says more when the server ends, and must not wait for anybody who reads it.
        std::thread::spawn(move || lines.count());
        Some(strace)
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        // It ends with the server.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::print_stderr, reason = "a test that shows nothing says so")]
fn skip<T>(why: &str) -> Option<T> {
    eprintln!("SKIPPED: system calls cannot be traced here: {why}");
    None
}
