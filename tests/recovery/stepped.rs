//! The log without threads, whose work is done when it is asked for.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use tocsin::sys::{Call, Errno, Fault, FaultKind};
use tocsin::wal::{AppendError, Completion, DurableBatch, Lane, Log, Lsn, QueueLimits};

use crate::support::{World, no_answer, text_record, texts};

fn stepped(world: &World) -> Log {
    let sink = Box::new(|_: DurableBatch| ());
    Log::stepped(world.open(), QueueLimits::default(), sink)
}

#[test]
fn stepped_log_works_when_asked_and_says_when_there_is_work() {
    let world = World::new();
    let log = stepped(&world);
    let (woken, woken_in_vain) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    for counter in [&woken, &woken_in_vain] {
        let counter = Arc::clone(counter);
        log.wake_with(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        });
    }
    let (sender, answers) = mpsc::channel();
    let done: Completion = Box::new(move |answer| sender.send(answer.is_ok()).unwrap());
    let before = log.step();
    log.append(Lane::Normal, vec![text_record("a")], done)
        .unwrap();
    let unanswered = answers.try_recv().is_err();
    let steps = (log.step(), log.step());
    let answered = answers.try_recv();
    let waited = log.append_and_wait(Lane::Normal, vec![text_record("b")]);
    let is_durable = log.durable() == waited.unwrap().last;
    log.append(Lane::Normal, vec![text_record("c")], no_answer())
        .unwrap();
    log.close().unwrap();
    assert_eq!(
        (before, unanswered, steps, answered, is_durable),
        (false, true, (true, false), Ok(true), true)
    );
    assert_eq!(
        (
            woken.load(Ordering::Relaxed),
            woken_in_vain.load(Ordering::Relaxed),
            world.recover()
        ),
        (3, 0, texts(&["a", "b", "c"]))
    );
}

#[test]
fn stepped_log_that_is_abandoned_writes_no_more_and_answers_nobody() {
    let world = World::new();
    let log = stepped(&world);
    let (sender, answers) = mpsc::channel::<()>();
    let done: Completion = Box::new(move |_| sender.send(()).unwrap());
    log.append(Lane::Normal, vec![text_record("a")], done)
        .unwrap();
    log.abandon();
    let answer = answers.recv();
    assert_eq!((answer, world.recover()), (Err(mpsc::RecvError), vec![]));
}

#[test]
fn stepped_log_gives_a_sign_of_life_and_ends_when_it_cannot() {
    let world = World::new();
    let log = stepped(&world);
    let before = log.durable();
    log.beat();
    let after = log.durable();
    let beats = world.inspect().last_alive.is_some();
    world.disk.plan(Fault::from(
        Call::Fdatasync,
        1,
        FaultKind::Error(Errno::Eio),
    ));
    log.beat();
    let refused = log.append(Lane::Normal, vec![text_record("a")], no_answer());
    let is_poisoned = matches!(refused, Err(AppendError::Poisoned { .. }));
    let closed = log.close().is_err();
    assert_eq!(
        (after > before, beats, is_poisoned, closed),
        (true, true, true, true)
    );
}

#[test]
fn log_with_threads_has_nothing_to_be_asked_for() {
    let world = World::new();
    let log = crate::support::start(world.open());
    log.wake_with(|| ());
    log.beat();
    let first = log.append_and_wait(Lane::Normal, vec![text_record("a")]);
    let has_stepped = log.step();
    log.abandon();
    assert_eq!(
        (
            first.map(|it| it.first > Lsn(0)),
            has_stepped,
            world.recover()
        ),
        (Ok(true), false, texts(&["a"]))
    );
}
