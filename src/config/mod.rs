//! The configuration: YAML text → a validated [`Config`].
//!
//! ```text
//! text ─► yaml ─► blocks (block!, one file each) ─► inherit ─► checks of the whole ─► Config
//!                                                                                     ├─ rendered()
//!                                                                                     └─ hash()
//! ```
//!
//! **Invariants**
//! * A file that Alertmanager 0.34 takes is taken and means the same; one that it refuses is refused
//!   with the same first lines.
//! * Nothing is opened but the file itself: what it names is looked at by those who use it.
//! * Loading never panics and takes time and memory in proportion to the text (and to what its aliases
//!   stand for, which is bounded).
//! * A secret is a [`values::Secret`] or a [`values::SecretUrl`] from the moment it is read: it is in
//!   no error, no debug output and no rendering.
//!
//! Where Alertmanager 0.34 crashes, there is an error that names the field.

pub mod block;
mod error;
mod event_recorder;
mod global;
mod hash;
mod header;
pub mod http;
mod inherit;
mod inhibit;
mod interval;
mod load;
mod matchers;
mod paths;
pub mod picture;
pub mod receivers;
mod route;
mod sections;
pub mod tls;
mod tracing;
pub mod url;
pub mod values;
pub mod web;
pub mod yaml;

pub use error::LoadError;
pub(crate) use error::go_words;
pub use event_recorder::{EventRecorder, FileOutput, KafkaOutput, StdoutOutput, WebhookOutput};
pub use global::Global;
pub use hash::hash;
pub use inhibit::InhibitRule;
pub use interval::{Interval, NamedInterval, NamedMuteInterval};
pub use load::{Config, Loaded, Options, load, load_file, load_with_document};
pub use matchers::{MatchRegexps, MatcherList, Pattern};
pub use receivers::Receiver;
pub use route::{ListOrNone, Route, Routes};
pub use tracing::{ClientType, Tracing};
