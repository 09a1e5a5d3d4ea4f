//! Answers, written to the byte as Alertmanager 0.34 writes them.
//!
//! Large ones are written in chunks while the client reads, out of views that share their parts with
//! the store: neither the whole text nor a copy of the alerts is ever in memory.
//!
//! Upstream's models of alerts and silences write themselves, and so with `<`, `>` and `&` escaped;
//! what stands around them is written by an encoder that leaves those alone (seen in a running 0.25).

mod alerts;
mod json;
mod silences;
mod status;

pub use alerts::{AlertList, GroupList, Member, ShownGroup};
pub use json::{Escape, instant, string};
pub use silences::{SilenceState, silence, silences};
pub use status::{receivers, status};
