//! Why somebody was told or not: scripted histories on a virtual clock with the real core, what it decided
//! as records, and the answer to one question about each. Every question is also asked of the program.

#![expect(
    clippy::disallowed_methods,
    reason = "the same questions are asked of a real process on a real disk, in real time"
)]
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its world is small"
)]

mod attempts;
mod costs;
mod edges;
mod entries;
mod memory;
mod negatives;
#[allow(
    dead_code,
    unused_imports,
    reason = "the server's tests and these ones use different parts of it"
)]
#[path = "../server/support/mod.rs"]
mod process;
mod program;
#[expect(
    dead_code,
    reason = "the world of the tests of the core has more in it"
)]
#[path = "../core/support.rs"]
mod support;
mod verdicts;

use tocsin::history::why::{Answer, Asked, Context, Question, WhyError, why};
use tocsin::sys::WallTime;

use memory::Memory;
use support::{World, at, matchers};

/// Asks about alerts that match, at a time, and now.
pub(crate) fn try_ask(
    world: &World,
    text: &str,
    receiver: Option<&str>,
    when: i64,
) -> Result<Answer, WhyError> {
    let memory = Memory::of(&world.log);
    let question = Question {
        alert: Asked::Matchers(matchers(text)),
        receiver: receiver.map(str::to_owned),
        at: Some(at(when)),
    };
    let context = Context {
        now: at(world.now.max(when)),
        policy: Some(&world.policy),
    };
    let answer = why(&memory, &question, &context);
    if answer.is_ok() {
        program::is_asked(world, text, receiver, when);
    }
    answer
}

pub(crate) fn ask(world: &World, text: &str, when: i64) -> Answer {
    try_ask(world, text, None, when).unwrap()
}

/// What a person reads first: the sentence, its kind, and what it rests on.
pub(crate) fn said(answer: &Answer) -> Vec<String> {
    let sentence = format!("{:?}: {}", answer.because, answer.sentence);
    let evidence = answer.evidence.0.iter();
    let evidence = evidence.map(|(name, value)| format!("{name}: {value}"));
    std::iter::once(sentence).chain(evidence).collect()
}

/// The line that begins a timeline's text.
pub(crate) fn lines(answer: &Answer) -> Vec<String> {
    let line = |line: &tocsin::history::why::Line| {
        let WallTime(at_ns) = line.at;
        let seconds = (at_ns - support::START_NS) / support::SECOND_NS;
        format!("{seconds} {}", line.text)
    };
    answer.timeline.iter().map(line).collect()
}

/// The sentence and its kind.
pub(crate) fn sentence(world: &World, text: &str, when: i64) -> String {
    said(&ask(world, text, when)).swap_remove(0)
}

/// What the answer says first, what it rests on, and its timeline.
pub(crate) fn all(answer: &Answer) -> Vec<String> {
    [said(answer), lines(answer)].concat()
}

/// One piece of evidence.
pub(crate) fn evidence(answer: &Answer, name: &str) -> Vec<String> {
    let found = answer.evidence.0.iter().filter(|(it, _)| *it == name);
    found.map(|(_, value)| value.clone()).collect()
}
