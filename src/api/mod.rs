//! The HTTP surface: Alertmanager's API v2, its pages for operators, and tocsin's own.
//!
//! ```text
//!   serve      connections: how many, how slow, how they end
//!   service    a request's way to its answer: routes, limits, CORS, metrics
//!   v2         API v2: decode (bodies), lists (queries), encode (answers)
//!   tocsin     tocsin's own API: history
//!   backend    what is asked of the rest of the program
//! ```
//!
//! **Invariants**
//! * The API keeps no state of alerts: it reads snapshots of [`backend::Backend`] and hands it input.
//! * No success status before the backend says that the input is durable; of a batch with some invalid
//!   alerts the valid ones are durable before the 400 is sent.
//! * Requests of any shape get an answer and cost a bounded amount of memory and time.
//!
//! Texts, statuses and orders are those of Alertmanager 0.34; what differs on purpose is listed in
//! `docs/differences.md`.

mod answer;
pub mod backend;
pub mod body;
mod cors;
pub mod intake;
pub mod metrics;
mod routes;
pub mod serve;
pub mod service;
mod tocsin;
pub mod v2;

pub use answer::Answer;
pub use backend::Backend;
pub use service::{Api, Options};
