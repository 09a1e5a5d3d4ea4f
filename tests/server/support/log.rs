//! What a process writes to standard error.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex};

/// Lines so far, and whether there will be more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<String>,
    has_ended: bool,
    is_paused: bool,
}

impl Log {
    /// Reads to the end, on a thread of its own.
    pub(crate) fn read(source: impl Read + Send + 'static) -> Self {
        let log = Self::default();
        let writing = log.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(source).split(b'\n') {
                let Ok(line) = line else { break };
                let line = String::from_utf8_lossy(&line).into_owned();
                writing.state.lock().unwrap().lines.push(line);
                while writing.state.lock().unwrap().is_paused {
                    std::thread::park();
                }
            }
            writing.state.lock().unwrap().has_ended = true;
        });
        log
    }

    pub(crate) fn text(&self) -> String {
        self.state.lock().unwrap().lines.join("\n")
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.state.lock().unwrap().has_ended
    }

    /// Leaves the rest unread, for ever.
    pub(crate) fn pause(&self) {
        self.state.lock().unwrap().is_paused = true;
    }

    /// The first line with that text in it.
    pub(crate) fn line(&self, text: &str) -> Option<String> {
        let state = self.state.lock().unwrap();
        state.lines.iter().find(|it| it.contains(text)).cloned()
    }
}

/// The value of a field of a line: `key=value` or `key="value"`.
pub(crate) fn field(line: &str, key: &str) -> Option<String> {
    let (_, rest) = line.split_once(&format!(" {key}="))?;
    let value = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => rest.split(' ').next()?,
    };
    Some(value.to_owned())
}
