//! The status page and the receivers.

use super::json::{Escape, comma, instant, labels, string};
use crate::api::backend::{Cluster, Receiver, Status};

/// A list of receivers.
pub fn receivers<'a>(list: impl Iterator<Item = &'a Receiver>) -> Vec<u8> {
    let mut out = vec![b'['];
    for (index, receiver) in list.enumerate() {
        comma(&mut out, index);
        out.push(b'{');
        if !receiver.labels.is_empty() {
            out.extend_from_slice(b"\"labels\":");
            labels(&mut out, &receiver.labels, Escape::Plain);
            out.push(b',');
        }
        field(&mut out, "name", &receiver.name);
        out.push(b'}');
    }
    out.extend_from_slice(b"]\n");
    out
}

/// The status page.
#[must_use]
pub fn status(status: &Status) -> Vec<u8> {
    let mut out = b"{\"cluster\":{".to_vec();
    let none = Vec::new();
    let (peers, word) = match &status.cluster {
        Cluster::Disabled => (&none, "disabled"),
        Cluster::Member {
            name,
            is_settling,
            peers,
        } => {
            field(&mut out, "name", name);
            out.push(b',');
            (peers, if *is_settling { "settling" } else { "ready" })
        }
    };
    out.extend_from_slice(b"\"peers\":[");
    for (index, (name, address)) in peers.iter().enumerate() {
        comma(&mut out, index);
        out.push(b'{');
        field(&mut out, "address", address);
        out.push(b',');
        field(&mut out, "name", name);
        out.push(b'}');
    }
    out.extend_from_slice(b"],");
    field(&mut out, "status", word);
    out.extend_from_slice(b"},\"config\":{");
    field(&mut out, "original", &status.config);
    out.extend_from_slice(b"},\"uptime\":");
    instant(&mut out, status.started_at);
    out.extend_from_slice(b",\"versionInfo\":{");
    let version = &status.version;
    let fields = [
        ("branch", &version.branch),
        ("buildDate", &version.build_date),
        ("buildUser", &version.build_user),
        ("goVersion", &version.compiler),
        ("revision", &version.revision),
        ("version", &version.version),
    ];
    for (index, (name, value)) in fields.into_iter().enumerate() {
        comma(&mut out, index);
        field(&mut out, name, value);
    }
    out.extend_from_slice(b"}}\n");
    out
}

fn field(out: &mut Vec<u8>, name: &str, value: &str) {
    string(out, name, Escape::Plain);
    out.push(b':');
    string(out, value, Escape::Plain);
}
