//! The index of history: what it holds, what is answered from it, and that nothing suffers when it does.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "these tests are about a real process on a real disk, in real time"
)]
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test fail as the test does"
)]

#[allow(
    dead_code,
    unused_imports,
    reason = "the server's tests and these ones use different parts of it"
)]
#[path = "../server/support/mod.rs"]
mod support;

mod answers;
mod bad_input;
mod checkpoint;
mod damage;
mod full;
mod index;
mod keeper;
mod kills;
mod past;
mod records;
