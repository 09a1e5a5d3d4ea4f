//! One life of the server. It ends with the test at the latest.

use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};

use serde_json::{Value, json};

use super::client::{Answer, Request, request};
use super::log::{Log, field};
use super::until;

/// A process.
pub(crate) struct Server {
    child: Child,
    address: Option<SocketAddr>,
    log: Log,
}

/// How a process ended, and what it wrote.
#[derive(Debug)]
pub(crate) struct Ended {
    /// None if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) log: String,
}

impl Server {
    pub(crate) fn spawn(words: &[String], environment: &[(&str, &str)]) -> Self {
        let (program, words) = words.split_first().unwrap();
        let mut child = Command::new(program)
            .args(words)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Log::read(child.stderr.take().unwrap());
        Self {
            child,
            address: None,
            log,
        }
    }

    /// Waits until it says where it listens, and until it answers that it is ready.
    pub(crate) fn wait_until_ready(&mut self) {
        let line = self.wait_for_line("msg=\"Listening on\"");
        let address = field(&line, "address").unwrap();
        let address: SocketAddr = address.parse().unwrap();
        self.address = Some(address);
        until("readiness", || {
            let ready = request(address, &Request::get("/-/ready")).ok()?;
            (ready.status == 200).then_some(())
        });
    }

    /// Waits for a line with that text in it.
    pub(crate) fn wait_for_line(&self, text: &str) -> String {
        until(text, || {
            let has_ended = self.log.has_ended();
            let line = self.log.line(text);
            assert!(
                line.is_some() || !has_ended,
                "the server ended without {text}:\n{}",
                self.log.text()
            );
            line
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address.unwrap()
    }

    pub(crate) fn log(&self) -> String {
        self.log.text()
    }

    /// Asks; there must be an answer.
    pub(crate) fn ask(&self, asked: &Request) -> Answer {
        request(self.address(), asked).unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask(&Request::get(path))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask(&Request::post(path, body.to_string()))
    }

    /// Alerts that begin now, in one request: `A job=node` is an alertname and other labels. Returns the
    /// status.
    pub(crate) fn fire(&self, alerts: &[&str]) -> u16 {
        let alerts: Vec<Value> = alerts.iter().map(|it| firing(it)).collect();
        self.post("/api/v2/alerts", &Value::from(alerts)).status
    }

    /// Alerts that end now.
    pub(crate) fn resolve(&self, alerts: &[&str]) -> u16 {
        let alerts: Vec<Value> = alerts.iter().map(|it| ending(it)).collect();
        self.post("/api/v2/alerts", &Value::from(alerts)).status
    }

    /// A silence from now on for an hour; its id.
    pub(crate) fn silence(&self, alertname: &str) -> String {
        let now = jiff::Timestamp::now();
        let body = json!({
            "matchers": [{"name": "alertname", "value": alertname, "isRegex": false}],
            "startsAt": now.to_string(),
            "endsAt": (now + jiff::Span::new().hours(1)).to_string(),
            "createdBy": "test", "comment": "",
        });
        let answer = self.post("/api/v2/silences", &body);
        answer.json()["silenceID"].as_str().unwrap().to_owned()
    }

    /// The alerts that fire, by name, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let alerts = self.get("/api/v2/alerts").json();
        let name = |it: &Value| it["labels"]["alertname"].as_str().unwrap().to_owned();
        let mut names: Vec<String> = alerts.as_array().unwrap().iter().map(name).collect();
        names.sort();
        names
    }

    pub(crate) fn recovery(&self) -> Value {
        self.get("/api/tocsin/v1/recovery").json()
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.pid().to_string()])
            .status()
            .unwrap();
        assert!(status.success(), "kill -s {name}: {status}");
    }

    /// Leaves the rest of its log unread.
    pub(crate) fn stop_reading_its_log(&self) {
        self.log.pause();
    }

    /// Waits for its end; its exit code.
    pub(crate) fn wait_without_its_log(mut self) -> Option<i32> {
        until("the end of the process", || self.child.try_wait().unwrap()).code()
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) -> Ended {
        self.child.kill().unwrap();
        self.wait()
    }

    /// SIGTERM.
    pub(crate) fn stop(self) -> Ended {
        self.signal("TERM");
        self.wait()
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Ended {
        let status: ExitStatus = until("the end of the process", || self.child.try_wait().unwrap());
        until("the end of its log", || self.log.has_ended().then_some(()));
        Ended {
            code: status.code(),
            log: self.log.text(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            #[expect(clippy::print_stderr, reason = "it is shown if the test fails")]
            {
                eprintln!("--- log of the server:\n{}", self.log.text());
            }
        }
    }
}

/// The labels of `A job=node`.
fn labels(text: &str) -> Value {
    let mut words = text.split(' ');
    let mut labels = serde_json::Map::new();
    labels.insert("alertname".to_owned(), words.next().unwrap().into());
    for word in words {
        let (name, value) = word.split_once('=').unwrap();
        labels.insert(name.to_owned(), value.into());
    }
    labels.into()
}

/// An alert that begins now and ends when it has not been heard of for the resolve timeout.
pub(crate) fn firing(text: &str) -> Value {
    json!({"labels": labels(text)})
}

/// An alert that ends now.
pub(crate) fn ending(text: &str) -> Value {
    json!({"labels": labels(text), "endsAt": jiff::Timestamp::now().to_string()})
}
