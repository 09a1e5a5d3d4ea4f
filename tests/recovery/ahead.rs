//! Batches that are encoded while the disk takes the one before.

use std::sync::atomic::Ordering;
use std::sync::mpsc;

use tocsin::sys::{Call, Errno, Fault, FaultKind};
use tocsin::wal::{AppendError, DurableBatch, Lane, Log, NewRecord, QueueLimits, ThreadOptions};

use crate::gate::{GatedDisk, open_gated};
use crate::support::{World, text_record, texts};

/// What became of the requests, by their text.
type Answers = Vec<(&'static str, &'static str)>;

/// A log whose disk can be held up, and which encodes everything ahead that it can.
struct Running {
    world: World,
    gated: GatedDisk,
    log: Log,
    sender: mpsc::Sender<(&'static str, &'static str)>,
    answers: mpsc::Receiver<(&'static str, &'static str)>,
}

impl Running {
    fn start(sink: impl FnMut(DurableBatch) + Send + 'static) -> Self {
        let world = World::new();
        let (gated, writer) = open_gated(&world);
        let options = ThreadOptions {
            limits: QueueLimits {
                ahead_bytes_min: 1,
                ..QueueLimits::default()
            },
            heartbeat_every: None,
        };
        let log = Log::start(writer, options, Box::new(sink)).unwrap();
        let (sender, answers) = mpsc::channel();
        Self {
            world,
            gated,
            log,
            sender,
            answers,
        }
    }

    fn send_bytes(&self, lane: Lane, text: &'static str, bytes: usize) {
        let sender = self.sender.clone();
        let done = Box::new(move |result: Result<_, AppendError>| {
            let answer = match result {
                Ok(_) => "durable",
                Err(AppendError::Poisoned { .. }) => "poisoned",
                Err(AppendError::Full { .. }) => "full",
                Err(_) => "other",
            };
            sender.send((text, answer)).unwrap();
        });
        let mut payload = text.as_bytes().to_vec();
        payload.resize(text.len().max(bytes), b'.');
        let record = NewRecord {
            payload: payload.into(),
            ..text_record(text)
        };
        self.log.append(lane, vec![record], done).unwrap();
    }

    fn send(&self, lane: Lane, text: &'static str) {
        self.send_bytes(lane, text, 0);
    }

    /// Sends a first request, and two more that are encoded while it is held up in `call`.
    fn hold_up(&self, call: Call, first_bytes: usize) {
        self.gated.close(call);
        self.send_bytes(Lane::Normal, "first", first_bytes);
        self.gated.wait_until_blocked();
        self.send(Lane::Normal, "second");
        self.wait_until_encoded(1);
        self.send(Lane::Priority, "third");
        self.wait_until_encoded(2);
    }

    fn wait_until_encoded(&self, requests: u64) {
        while self.log.counters().encoded_ahead.load(Ordering::Relaxed) < requests {
            std::thread::yield_now();
        }
    }

    /// All answers, and what a start gives back after a power loss.
    fn end(self) -> (Answers, Vec<String>) {
        drop(self.log);
        drop(self.sender);
        let mut answers: Answers = self.answers.iter().collect();
        answers.sort_unstable();
        self.world.disk.heal();
        let after = World::on(&self.world.disk.power_loss());
        (answers, after.recover())
    }
}

#[test]
fn requests_that_gather_during_a_sync_are_encoded_ahead_and_go_to_disk_as_one_batch() {
    let (sender, batches) = mpsc::channel();
    let running = Running::start(move |batch: DurableBatch| {
        sender.send(batch.records.len()).unwrap();
    });
    running.hold_up(Call::Fdatasync, 0);
    running.gated.open();
    let (answers, recovered) = running.end();
    let durable = |text| (text, "durable");
    assert_eq!(
        (answers, recovered, batches.iter().collect::<Vec<_>>()),
        (
            vec![durable("first"), durable("second"), durable("third")],
            texts(&["first", "second", "third"]),
            vec![1, 2]
        )
    );
}

#[test]
fn failed_sync_refuses_what_was_encoded_ahead_and_writes_none_of_it() {
    let running = Running::start(|_| ());
    running.hold_up(Call::Fdatasync, 0);
    let eio = Fault::once(Call::Fdatasync, 1, FaultKind::Error(Errno::Eio));
    running.world.disk.plan(eio.on(".wal"));
    let writes = running.world.disk.calls(Call::Pwrite);
    let disk = running.world.disk.clone();
    running.gated.open();
    let (answers, _) = running.end();
    let poisoned = |text| (text, "poisoned");
    assert_eq!(
        (answers, disk.calls(Call::Pwrite) - writes),
        (
            vec![poisoned("first"), poisoned("second"), poisoned("third")],
            0
        )
    );
}

#[test]
fn what_was_encoded_ahead_takes_the_place_of_a_batch_that_found_no_room() {
    let running = Running::start(|_| ());
    running.hold_up(Call::Pwrite, 0);
    let full = Fault::once(Call::Pwrite, 1, FaultKind::Error(Errno::Enospc));
    running.world.disk.plan(full);
    running.gated.open();
    let (answers, recovered) = running.end();
    assert_eq!(
        (answers, recovered),
        (
            vec![
                ("first", "full"),
                ("second", "durable"),
                ("third", "durable")
            ],
            texts(&["second", "third"])
        )
    );
}

#[test]
fn what_was_encoded_ahead_goes_into_the_next_segment_when_this_one_is_full() {
    let running = Running::start(|_| ());
    // Together with the two batches of its start, this leaves less than the reserve of a segment.
    running.send_bytes(Lane::Normal, "filler", 5700);
    assert_eq!(running.answers.recv(), Ok(("filler", "durable")));
    running.hold_up(Call::Fdatasync, 5500);
    running.gated.open();
    let disk = running.world.disk.clone();
    let (answers, recovered) = running.end();
    let durable = |text| (text, "durable");
    let names: Vec<&str> = recovered
        .iter()
        .map(|text| text.trim_end_matches('.'))
        .collect();
    assert_eq!(
        (answers, names, World::on(&disk.image()).segments().len()),
        (
            vec![durable("first"), durable("second"), durable("third")],
            vec!["filler", "first", "second", "third"],
            2
        )
    );
}

#[test]
fn panic_of_the_sink_answers_those_that_were_encoded_ahead() {
    let running = Running::start(|_| panic!("planned"));
    running.hold_up(Call::Fdatasync, 0);
    running.gated.open();
    let (answers, recovered) = running.end();
    assert_eq!(
        (answers, recovered),
        (
            vec![("second", "poisoned"), ("third", "poisoned")],
            texts(&["first"])
        )
    );
}
