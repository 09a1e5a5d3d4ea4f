//! What stands in the lines that are expected is what slog of Go 1.26 wrote with the options of
//! prometheus/common 0.70 for the same attributes; times and sources are put in.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex};

use super::*;
use crate::sys::{VirtualClock, WallTime};

/// 2026-11-22T11:14:46.9657104Z: slog shows a time without the zeros at its end in JSON.
const NOW: WallTime = WallTime(1_795_346_086_965_710_400);

/// Keeps what is written. While it is shut, writes wait, as on a pipe that is full.
#[derive(Clone, Default)]
struct Sink(Arc<(Mutex<Written>, Condvar)>);

#[derive(Default)]
struct Written {
    text: Vec<u8>,
    is_shut: bool,
    /// Whether somebody waits.
    is_stuck: bool,
}

impl Sink {
    fn set_shut(&self, is_shut: bool) {
        self.0.0.lock().unwrap().is_shut = is_shut;
        self.0.1.notify_all();
    }

    fn wait_until_stuck(&self) {
        let is_free = |written: &mut Written| !written.is_stuck;
        let written = self.0.0.lock().unwrap();
        drop(self.0.1.wait_while(written, is_free).unwrap());
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.0.lock().unwrap().text.clone()).unwrap()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.0.0.lock().unwrap();
        written.is_stuck = written.is_shut;
        self.0.1.notify_all();
        let mut written = self
            .0
            .1
            .wait_while(written, |written| written.is_shut)
            .unwrap();
        written.is_stuck = false;
        written.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is written when `log` logs.
fn logged(level: LogLevel, format: LogFormat, log: impl FnOnce()) -> String {
    let sink = Sink::default();
    let clock = Arc::new(VirtualClock::at(NOW));
    let options = Options { level, format };
    let (subscriber, logging) = start(options, clock, Box::new(sink.clone())).unwrap();
    tracing::subscriber::with_default(subscriber, log);
    drop(logging);
    sink.text()
}

/// Logs attributes of all kinds, and tells the line of the source where it does.
fn log_all_kinds() -> u32 {
    let error = io::Error::other("x y");
    let source = line!() + 1;
    tracing::warn!(
        component = "api",
        version = "v1",
        n = 5,
        f = 1.5,
        f2 = 1e21,
        f3 = 123_456_789.0,
        b = true,
        err = %error,
        "w"
    );
    source
}

#[test]
fn lines_have_the_shape_of_slog_in_logfmt() {
    let mut source = 0;
    let text = logged(LogLevel::Info, LogFormat::Logfmt, || {
        source = log_all_kinds();
    });
    assert_eq!(
        text,
        format!(
            "time=2026-11-22T11:14:46.965Z level=WARN source=tests.rs:{source} msg=w component=api version=v1 n=5 f=1.5 f2=1e+21 f3=1.23456789e+08 b=true err=\"x y\"\n"
        )
    );
}

#[test]
fn lines_have_the_shape_of_slog_in_json() {
    let mut source = 0;
    let text = logged(LogLevel::Info, LogFormat::Json, || source = log_all_kinds());
    assert_eq!(
        text,
        format!(
            "{{\"time\":\"2026-11-22T11:14:46.9657104Z\",\"level\":\"WARN\",\"source\":\"tests.rs:{source}\",\"msg\":\"w\",\"component\":\"api\",\"version\":\"v1\",\"n\":5,\"f\":1.5,\"f2\":1e+21,\"f3\":123456789,\"b\":true,\"err\":\"x y\"}}\n"
        )
    );
}

/// The line of a message with attributes, behind its message.
fn attributes(format: LogFormat, attributes: &[(&str, &str)]) -> String {
    let clock = VirtualClock::at(NOW);
    let mut line = Line::new(format, &clock, tracing::Level::INFO, ("a/main.go", 24), "v");
    for (key, value) in attributes {
        line.attribute(key, &Value::Text((*value).to_owned()));
    }
    let text = line.end();
    let (_, behind) = text.split_at(text.find('v').unwrap_or(0));
    let behind = behind.find("msg").map_or(behind, |at| &behind[at..]);
    behind.trim_end().to_owned()
}

#[test]
fn values_are_quoted_where_slog_quotes_them() {
    let cases = [
        ("", "k=\"\""),
        ("a", "k=a"),
        ("a b", "k=\"a b\""),
        ("a=b", "k=\"a=b\""),
        ("a\"b", "k=\"a\\\"b\""),
        ("a\\b", "k=a\\b"),
        ("a\nb", "k=\"a\\nb\""),
        ("a\tb", "k=\"a\\tb\""),
        ("é", "k=é"),
        ("\u{a0}", "k=\"\\u00a0\""),
        ("\u{200b}", "k=\"\\u200b\""),
        ("日本", "k=日本"),
        ("\x7f", "k=\x7f"),
        ("'", "k='"),
        ("{}", "k={}"),
        ("\u{2028}", "k=\"\\u2028\""),
        ("😀", "k=😀"),
        ("<a>&", "k=<a>&"),
        ("\u{fffd}", "k=\"\u{fffd}\""),
        ("`", "k=`"),
        ("a,b:c/d", "k=a,b:c/d"),
        ("\x1b[0m", "k=\"\\x1b[0m\""),
    ];
    let seen = cases.map(|(value, _)| attributes(LogFormat::Logfmt, &[("k", value)]));
    assert_eq!(seen, cases.map(|(_, expected)| format!("msg=v {expected}")));
}

#[test]
fn attributes_that_are_called_like_those_of_every_line_are_renamed() {
    let clash = [
        ("time", "t"),
        ("level", "l"),
        ("source", "s"),
        ("msg", "m"),
        ("a b", "k"),
        ("", "empty"),
        ("q\"q", "1"),
    ];
    assert_eq!(
        [
            attributes(LogFormat::Logfmt, &clash),
            attributes(LogFormat::Json, &clash)
        ],
        [
            "msg=v logged_time=t logged_level=l logged_source=s msg=m \"a b\"=k \"\"=empty \"q\\\"q\"=1",
            "msg\":\"v\",\"logged_time\":\"t\",\"logged_level\":\"l\",\"logged_source\":\"s\",\"msg\":\"m\",\"a b\":\"k\",\"\":\"empty\",\"q\\\"q\":\"1\"}",
        ]
    );
}

#[test]
fn attributes_of_spans_stand_before_those_of_the_event() {
    let text = logged(LogLevel::Info, LogFormat::Logfmt, || {
        let outer = tracing::info_span!("o", component = "dispatcher").entered();
        let inner =
            tracing::info_span!("i", receiver = "a b", late = tracing::field::Empty).entered();
        inner.record("late", 7);
        tracing::info!(attempts = 2, "Notify success");
        drop((inner, outer));
    });
    let behind = text.split_once("msg=").unwrap().1;
    assert_eq!(
        behind,
        "\"Notify success\" component=dispatcher receiver=\"a b\" late=7 attempts=2\n"
    );
}

#[test]
fn a_level_logs_itself_and_what_is_worse_and_of_libraries_only_warnings() {
    let log = || {
        tracing::debug!("1");
        tracing::info!("2");
        tracing::warn!("3");
        tracing::error!("4");
        tracing::debug!(target: "h2::codec", "5");
        tracing::warn!(target: "h2::codec", "6");
    };
    let seen = [
        LogLevel::Debug,
        LogLevel::Info,
        LogLevel::Warn,
        LogLevel::Error,
    ]
    .map(|level| {
        let text = logged(level, LogFormat::Logfmt, log);
        let messages = text.lines().filter_map(|line| line.split_once("msg="));
        messages.map(|(_, message)| message).collect::<String>()
    });
    assert_eq!(seen, ["12346", "2346", "346", "4"]);
}

#[test]
fn who_logs_into_a_full_pipe_goes_on_and_the_count_of_dropped_lines_is_told() {
    let sink = Sink::default();
    sink.set_shut(true);
    let queue = Arc::new(Queue::new(12));
    let writer = std::thread::spawn({
        let (queue, sink) = (Arc::clone(&queue), sink.clone());
        move || {
            queue::write_all(&queue, Box::new(sink), |dropped| {
                format!("dropped {dropped}\n")
            });
        }
    });
    queue.push("first\n".to_owned());
    sink.wait_until_stuck();
    // Two of six bytes fit; the writer holds the first.
    for line in ["line2\n", "line3\n", "line4\n", "line5\n"] {
        queue.push(line.to_owned());
    }
    let was_flushed = queue.flush(Duration::ZERO);
    sink.set_shut(false);
    let is_flushed = queue.flush(FLUSH_WAIT);
    queue.close();
    writer.join().unwrap();
    assert_eq!(
        (was_flushed, is_flushed, queue.dropped(), sink.text()),
        (
            false,
            true,
            2,
            "first\nline2\nline3\ndropped 2\n".to_owned()
        )
    );
}

#[test]
fn what_is_too_long_is_cut_and_the_line_stays_one() {
    let long = "é".repeat(VALUE_BYTES_MAX);
    let kept = "é".repeat(VALUE_BYTES_MAX / 2) + "…";
    let control = "\n".repeat(LINE_BYTES_MAX);
    assert_eq!(
        [
            attributes(LogFormat::Logfmt, &[("k", &long)]),
            attributes(LogFormat::Logfmt, &[("a", "b"), ("k", &control)]),
            attributes(LogFormat::Json, &[("a", "b"), ("k", &control)]),
        ],
        [
            format!("msg=v k={kept}"),
            "msg=v a=b cut=true".to_owned(),
            "msg\":\"v\",\"a\":\"b\",\"cut\":true}".to_owned(),
        ]
    );
}
