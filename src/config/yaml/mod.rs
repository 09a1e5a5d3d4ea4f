//! YAML as Alertmanager's library (gopkg.in/yaml.v2 2.4, strict) reads and writes it.
//!
//! ```text
//! text ─► parse ─► Document ─► decode (resolve, any) ─► values
//!         libyaml  nodes with   by their types, type
//!         events   places       errors collected
//! values ─► emit ─► text
//! ```
//!
//! **Rules** (observable, and so kept)
//! * Only the first document counts; what follows it is not even parsed.
//! * Scalars are those of YAML 1.1: `yes` is a bool, `010` is eight, `1:30` is a string.
//! * Errors of types are collected over the whole document; the first other error ends the decoding
//!   and stands alone.
//! * A merge (`<<`) takes effect where it stands.
//! * `null` zeroes: it takes a default away, and no check of the value's own is made.
//!
//! **Bounds**: text ([`TEXT_BYTES_MAX`]), nesting ([`DEPTH_MAX`]), expansion of aliases (the
//! library's own ratio, see `decode`).

mod any;
mod decode;
mod emit;
mod error;
mod node;
mod parse;
mod resolve;

pub use any::Any;
pub use decode::{Decode, Decoded, Decoder, Int, MatcherWarning, read_map};
pub use emit::{Item, to_text};
pub use error::{Error, Fatal, Problem};
pub use node::{Document, NodeId, Place, Step};
pub use parse::parse;
pub use resolve::Resolved;

/// A longer text is refused: a configuration of 5,000 routes and 2,000 receivers has about 1 MB.
pub const TEXT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Deeper nesting is refused, so that no stack overflows. Routes nest two levels each, and nobody
/// has read a tree of routes that is deeper than a dozen.
pub const DEPTH_MAX: usize = 400;
