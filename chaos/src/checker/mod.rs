//! Judges a history: it reads what happened, and knows no server and no clock.
//!
//! | Invariant | Shown by a history of a real process | What is compared |
//! |---|---|---|
//! | I1, I2, I3 | yes | what was acknowledged, with what was told ([`delivery`]) |
//! | I4, I7 | yes | what was told, with what was said ([`truth`]) |
//! | I5, I6, I8 | yes | notifications of one group with each other ([`repeats`]) |
//! | I9 | yes | notifications with silences ([`silences`]) |
//! | I10, I11, I14, I15 | yes | what the server shows and takes up, with the rest ([`process`]) |
//! | I12, I13 | of a simulator, which can recover one store twice and has tenants | as reported ([`process`]) |
//!
//! **Rules**
//! * Only what was certain counts: a request without an answer excuses whatever depends on it.
//! * A receiver that was not well, and a process that was held, excuse what was late, not what was lost.
//!   A kill excuses one duplicate of what was under way. Nothing excuses a false all-clear.

mod changes;
mod delivery;
mod process;
mod repeats;
mod silences;
mod spans;
mod truth;
mod verdict;
mod world;

pub(crate) use world::ANY_TIME;

pub use verdict::{Counts, Invariant, Kind, Verdict, Violation};

use crate::history::{Entry, Event};
use world::{Class, World};

/// Judges a history that [`read`](crate::history::read) has accepted. An empty one shows nothing.
#[must_use]
pub fn check(entries: &[Entry]) -> Verdict {
    let mut verdict = Verdict::default();
    let Some(world) = World::new(entries) else {
        return verdict;
    };
    let counts = &mut verdict.counts;
    counts.starts = world.lives.len() as u64;
    counts.kills = world.lives.iter().filter(|it| it.is_killed).count() as u64;
    counts.kills_at_random = world.lives.iter().filter(|it| it.is_random).count() as u64;
    let killed = world
        .lives
        .iter()
        .filter(|it| it.is_killed && it.ready.is_none());
    counts.starts_killed = killed.count() as u64;
    for (_, class, _) in &world.requests {
        match class {
            Class::Must => counts.requests_acknowledged += 1,
            Class::May => counts.requests_unknown += 1,
            Class::Never => counts.requests_refused += 1,
        }
    }
    let stalls = entries.iter().filter_map(|entry| match entry.event {
        Event::Stall { ms } => Some(ms),
        _ => None,
    });
    counts.stalled_ms = stalls.max().unwrap_or_default();
    delivery::check(&world, &mut verdict);
    truth::check(&world, &mut verdict);
    repeats::check(&world, &mut verdict);
    silences::check(&world, &mut verdict);
    process::check(&world, entries, &mut verdict);
    verdict.violations.sort_by_key(|it| it.at);
    verdict
}
