//! The index of history: what it holds, what is answered from it, and that nothing suffers when it does.

#[allow(
    dead_code,
    unused_imports,
    reason = "the server's tests and these ones use different parts of it"
)]
#[path = "../server/support/mod.rs"]
mod support;

mod answers;
mod bad_input;
mod damage;
mod index;
mod keeper;
mod kills;
mod past;
