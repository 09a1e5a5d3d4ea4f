//! What the tests ask, and how.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{PROGRAM, Place, Server, until};

/// Runs `tocsin` with these words: its exit code, what it printed, and what it complained about.
pub(crate) fn tocsin(words: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(PROGRAM)
        .args(words)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// The JSON that a command prints about a running server.
pub(crate) fn online(server: &Server, words: &[&str]) -> Value {
    let url = format!("http://{}", server.address());
    let (code, out, err) = tocsin(&[words, &["--url", &url, "--format", "json"]].concat());
    assert_eq!(code, Some(0), "{err}");
    serde_json::from_str(&out).unwrap()
}

/// The JSON that a command prints about a data directory.
pub(crate) fn offline(data: &Path, words: &[&str]) -> Value {
    let data = data.to_str().unwrap();
    let (code, out, err) = tocsin(&[words, &["--data", data, "--format", "json"]].concat());
    assert_eq!(code, Some(0), "{err}");
    serde_json::from_str(&out).unwrap()
}

/// A copy of a data directory as it is, without the index.
pub(crate) fn copied(place: &Place, name: &str) -> std::path::PathBuf {
    let to = place.path(name);
    let status = Command::new("cp")
        .arg("-r")
        .arg(place.data())
        .arg(&to)
        .status();
    assert!(status.unwrap().success());
    let _ = std::fs::remove_dir_all(to.join("index"));
    to
}

/// The value of a metric.
pub(crate) fn metric(server: &Server, name: &str) -> f64 {
    let page = server.get("/metrics").body;
    let line = page.lines().find_map(|line| {
        let rest = line.strip_prefix(name)?;
        rest.strip_prefix(' ')
    });
    line.unwrap_or_else(|| panic!("there is no {name}"))
        .parse()
        .unwrap()
}

/// Waits until the index has everything.
pub(crate) fn complete(server: &Server) {
    until("a complete index", || {
        let has_said_so = server.log().contains("The index of history is complete");
        (has_said_so && metric(server, "tocsin_history_lag_records") == 0.0).then_some(())
    });
}

/// The kinds and alerts of the entries of a list, oldest first.
pub(crate) fn kinds(page: &Value) -> Vec<String> {
    let entries = page["entries"].as_array().unwrap().iter().rev();
    entries
        .map(|it| it["kind"].as_str().unwrap().to_owned())
        .collect()
}

/// How a server's notifications ended: receiver, reason, status; oldest first.
pub(crate) fn ends(page: &Value) -> Vec<String> {
    let rows = page["notifications"].as_array().unwrap().iter().rev();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    rows.map(|row| {
        let (receiver, reason) = (text(row, "receiver"), text(row, "reason"));
        format!("{receiver}: {reason}: {}", text(row, "status"))
    })
    .collect()
}
