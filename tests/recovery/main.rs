//! Recovery of the log, scenario by scenario. The names begin with the number in the catalogue; what
//! is missing here is listed in `docs/decisions/0003-scenarios-of-later-layers.md`.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that cannot go on has failed, and its stores are small"
)]

mod ahead;
mod checkpoints;
mod damage;
mod faults;
mod gate;
mod hands;
mod lifecycle;
mod queue;
mod replay;
mod stepped;
mod strange;
mod support;
mod sweep;
mod wording;
