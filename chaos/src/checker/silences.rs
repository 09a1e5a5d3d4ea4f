//! I9: an acknowledged silence silences.
//!
//! That alerts are told of again when it is over is part of I1: what is owed waits for the end of every
//! silence that may be in force, and no longer.

use super::verdict::{Invariant, Kind, Verdict};
use super::world::{World, has};

pub(super) fn check(world: &World, verdict: &mut Verdict) {
    for message in &world.messages {
        let from = world.decided_from(message);
        for alert in message.alerts.keys() {
            let silence = world.silences.iter().find(|it| {
                has(&world.labels[*alert], &it.matchers)
                    && it.certain.from <= from
                    && message.at < it.certain.to
            });
            let Some(silence) = silence else { continue };
            let (name, to) = (
                world.name(*alert),
                world.integration_name(message.integration),
            );
            let what = format!(
                "{to} was told of {name}, which was silenced by {} from {} on",
                silence.name, silence.certain.from
            );
            verdict.add(Invariant::I9, Kind::Other, message.at, what);
        }
    }
}
