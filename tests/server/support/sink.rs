//! A webhook on the loopback, in this process: it notes what it is sent, and answers as it is told to.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::{PATIENCE, until};

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    /// That status.
    Say(u16),
    /// Nothing, until the client gives up.
    Nothing,
    /// 200, after so long.
    Late(Duration),
    /// A reset of the connection, when everything has come.
    Reset,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Reason-free summary: who ends and who fires, sorted.
    pub(crate) fn told(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap();
        let alerts = body["alerts"].as_array().unwrap().iter();
        let mut alerts: Vec<String> = alerts
            .map(|alert| {
                let name = alert["labels"]["alertname"].as_str().unwrap();
                format!("{name} {}", alert["status"].as_str().unwrap())
            })
            .collect();
        alerts.sort();
        alerts.join(", ")
    }

    /// Key, attempt, and whether it may be a repetition.
    pub(crate) fn marks(&self) -> (String, String, String) {
        let header = |name: &str| self.header(name).to_owned();
        (
            header("idempotency-key"),
            header("x-tocsin-attempt"),
            header("x-tocsin-recovered"),
        )
    }
}

/// The summaries of what was told.
pub(crate) fn told(got: &[Got]) -> Vec<String> {
    got.iter().map(Got::told).collect()
}

/// The webhook. It outlives servers; its threads end with the process.
#[derive(Debug, Clone)]
pub(crate) struct Sink {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    got: Vec<Got>,
    /// By path; the empty one is for all others.
    replies: BTreeMap<String, Reply>,
}

impl Sink {
    /// One that answers 200.
    pub(crate) fn start() -> Self {
        Self::replying(Reply::Say(200))
    }

    pub(crate) fn replying(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let sink = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::new(Mutex::new(State {
                got: Vec::new(),
                replies: BTreeMap::from([(String::new(), reply)]),
            })),
        };
        let accepting = sink.clone();
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let sink = accepting.clone();
                // A client that is killed in the middle is what these tests are about.
                std::thread::spawn(move || drop(sink.serve(&stream)));
            }
        });
        sink
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on.
    pub(crate) fn reply(&self, reply: Reply) {
        self.reply_at("", reply);
    }

    /// From now on, at that path.
    pub(crate) fn reply_at(&self, path: &str, reply: Reply) {
        let mut state = self.state.lock().unwrap();
        state.replies.insert(path.to_owned(), reply);
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.state.lock().unwrap().got.clone()
    }

    /// Waits until so many requests have come, and returns all there are.
    pub(crate) fn wait_for(&self, count: usize) -> Vec<Got> {
        until(&format!("notification {count}"), || {
            let got = self.got();
            (got.len() >= count).then_some(got)
        })
    }

    /// Waits until it has been told that, once more than `before` times.
    pub(crate) fn wait_to_be_told(&self, what: &str) -> Vec<Got> {
        until(&format!("a notification of {what}"), || {
            let got = self.got();
            got.iter().any(|it| it.told() == what).then_some(got)
        })
    }

    fn serve(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        // Nothing is read ahead: what is left unread makes the end of the connection a reset.
        let mut reader = BufReader::with_capacity(1, stream);
        let (path, headers) = read_head(&mut reader)?;
        let length = headers.get("content-length");
        let length: usize = length.and_then(|it| it.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        if let Some((last, most)) = body.split_last_mut() {
            reader.read_exact(most)?;
            stream.peek(std::slice::from_mut(last))?;
        }
        let reply = {
            let mut state = self.state.lock().unwrap();
            state.got.push(Got {
                path: path.clone(),
                headers,
                body: String::from_utf8_lossy(&body).into_owned(),
            });
            let reply = state.replies.get(&path).or_else(|| state.replies.get(""));
            reply.copied().unwrap_or(Reply::Say(200))
        };
        let mut out = stream;
        if reply == Reply::Reset {
            return Ok(());
        }
        reader.read_exact(body.split_at_mut(length.saturating_sub(1)).1)?;
        match reply {
            Reply::Say(status) => say(stream, status),
            Reply::Late(time) => {
                // Or until the client is gone.
                stream.set_read_timeout(Some(time))?;
                let _ = out.read(&mut [0; 1]);
                say(stream, 200)
            }
            Reply::Nothing => {
                // Until the client is gone.
                stream.set_read_timeout(Some(Duration::from_secs(600)))?;
                let _ = out.read(&mut [0; 1])?;
                Ok(())
            }
            Reply::Reset => Ok(()),
        }
    }
}

fn read_head(reader: &mut impl BufRead) -> io::Result<(String, BTreeMap<String, String>)> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            return Ok((path, headers));
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
}

fn say(mut stream: &TcpStream, status: u16) -> io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
}
