//! A world for delivery: a journal in memory, integrations that follow a script, collected logs.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tocsin::delivery::{
    Delivery, Durable, Ending, Entry, Installation, Intents, Journal, JournalError, LaneId, Order,
    Report, World,
};
use tocsin::receivers::{
    Attempt, Content, Failure, Integration, IntegrationId, Notification, Outcome, Reason,
    ReceiverData,
};
use tocsin::record::{FlushIntentV1, NotificationKeyV1, Record};
use tocsin::sys::{Entropy, VirtualClock, WallTime};
use tocsin::template::Alert;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, sleep_until};

/// Always the middle, so that waits are not varied.
#[derive(Debug)]
pub struct Middle;

impl Entropy for Middle {
    fn next_u64(&self) -> u64 {
        1 << 63
    }
}

/// What happened, with the milliseconds since the test began.
#[derive(Debug, Clone)]
pub struct Events {
    start: Instant,
    seen: Arc<Mutex<Vec<(u128, String)>>>,
}

impl Events {
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
            seen: Arc::default(),
        }
    }

    pub fn note(&self, what: impl Into<String>) {
        let at = self.start.elapsed().as_millis();
        self.seen.lock().unwrap().push((at, what.into()));
    }

    pub fn take(&self) -> Vec<(u128, String)> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    /// Times only, of events that begin so.
    pub fn times(&self, what: &str) -> Vec<u128> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .filter(|(_, event)| event.starts_with(what))
            .map(|(at, _)| *at)
            .collect()
    }
}

/// A journal in memory that takes its time.
#[derive(Debug, Clone)]
pub struct MemoryJournal {
    events: Events,
    takes: Duration,
    pub is_poisoned: Arc<AtomicBool>,
    pub records: Arc<Mutex<Vec<Record>>>,
    /// How notifications were tried.
    pub attempts: Arc<Mutex<Vec<Record>>>,
}

impl Journal for MemoryJournal {
    fn append(&self, records: Vec<Record>) -> Durable {
        let journal = self.clone();
        Box::pin(async move {
            if !journal.takes.is_zero() {
                sleep(journal.takes).await;
            }
            if journal.is_poisoned.load(Ordering::SeqCst) {
                return Err(JournalError("the log is poisoned".to_owned()));
            }
            for record in &records {
                match record {
                    Record::FlushIntent(_) => journal.events.note("intent durable"),
                    Record::NotifyResult(result) => {
                        journal.events.note(format!("{} durable", result.outcome));
                    }
                    Record::Attempts(_) => {}
                    _ => journal.events.note("another record"),
                }
            }
            for record in records {
                let kept = match &record {
                    Record::Attempts(_) => &journal.attempts,
                    _ => &journal.records,
                };
                kept.lock().unwrap().push(record);
            }
            Ok(())
        })
    }
}

/// An entry that says what it was made of.
#[derive(Debug)]
struct TextEntry(Vec<u64>);

impl Entry for TextEntry {
    fn encoded(&self, kept: &ReceiverData, finished_at: WallTime) -> Vec<u8> {
        format!("{:?} {kept:?} {}", self.0, finished_at.0).into_bytes()
    }
}

/// What an integration does at an attempt.
#[derive(Debug, Clone)]
pub enum Step {
    /// Ends so after a while.
    End(Duration, Outcome),
    /// Waits for the deadline, as one that gets no answer.
    NoAnswer,
    /// Goes on for ever.
    Hang,
    /// Panics.
    Panic,
}

pub fn delivered() -> Step {
    Step::End(Duration::ZERO, Outcome::Delivered(ReceiverData::new()))
}

pub fn retryable(reason: Reason, text: &str) -> Step {
    Step::End(
        Duration::ZERO,
        Outcome::Retryable(Failure::new(reason, text)),
    )
}

pub fn permanent(reason: Reason, text: &str) -> Step {
    Step::End(
        Duration::ZERO,
        Outcome::Permanent(Failure::new(reason, text)),
    )
}

/// An integration that follows a script; its last step is repeated.
pub struct Scripted {
    name: &'static str,
    events: Events,
    steps: Mutex<VecDeque<Step>>,
    running: AtomicUsize,
    pub running_max: AtomicUsize,
}

impl fmt::Debug for Scripted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name)
    }
}

impl Scripted {
    pub fn new(name: &'static str, events: &Events, steps: &[Step]) -> Arc<Self> {
        Arc::new(Self {
            name,
            events: events.clone(),
            steps: Mutex::new(steps.iter().cloned().collect()),
            running: AtomicUsize::new(0),
            running_max: AtomicUsize::new(0),
        })
    }

    fn next(&self) -> Step {
        let mut steps = self.steps.lock().unwrap();
        match steps.len() {
            0 => delivered(),
            1 => steps[0].clone(),
            _ => steps.pop_front().unwrap(),
        }
    }
}

impl Integration for Scripted {
    fn attempt<'a>(&'a self, notification: &'a Notification) -> Attempt<'a> {
        Box::pin(async move {
            let (name, attempt) = (self.name, notification.attempt);
            let alerts: Vec<_> = notification
                .content
                .alerts
                .iter()
                .map(|alert| alert.fingerprint.as_str())
                .collect();
            self.events
                .note(format!("{name} attempt {attempt} of {}", alerts.join(" ")));
            let running = 1 + self.running.fetch_add(1, Ordering::SeqCst);
            self.running_max.fetch_max(running, Ordering::SeqCst);
            let outcome = match self.next() {
                Step::End(after, outcome) => {
                    if !after.is_zero() {
                        sleep(after).await;
                    }
                    outcome
                }
                Step::NoAnswer => {
                    sleep_until(notification.deadline).await;
                    Outcome::Retryable(Failure::other(
                        "Post \"<redacted>\": context deadline exceeded",
                    ))
                }
                Step::Hang => std::future::pending().await,
                Step::Panic => panic!("a panic that the test wants"),
            };
            self.running.fetch_sub(1, Ordering::SeqCst);
            outcome
        })
    }
}

/// Delivery with its surroundings.
pub struct Bench {
    pub events: Events,
    pub journal: MemoryJournal,
    pub delivery: Delivery,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(Intents::Durable, Duration::ZERO)
    }

    pub fn with(intents: Intents, append_takes: Duration) -> Self {
        let events = Events::new();
        let journal = MemoryJournal {
            events: events.clone(),
            takes: append_takes,
            is_poisoned: Arc::default(),
            records: Arc::default(),
            attempts: Arc::default(),
        };
        let delivery = Delivery::new(World {
            runtime: Handle::current(),
            journal: Arc::new(journal.clone()),
            clock: Arc::new(VirtualClock::at(WallTime(7))),
            entropy: Arc::new(Middle),
            intents,
        });
        Self {
            events,
            journal,
            delivery,
        }
    }

    /// Installs these, all telling of resolved alerts.
    pub fn install(&self, integrations: &[Arc<Scripted>]) {
        let all = integrations.iter().map(|integration| Installation {
            lane: lane(integration.name),
            integration: integration.clone(),
            send_resolved: true,
        });
        self.delivery.install(all.collect());
    }

    /// One integration that follows these steps.
    pub fn script(&self, steps: &[Step]) -> Arc<Scripted> {
        let integration = Scripted::new("a", &self.events, steps);
        self.install(std::slice::from_ref(&integration));
        integration
    }

    /// Sends an order and waits for what becomes of it.
    pub async fn run(&self, order: Order) -> Report {
        self.delivery
            .submit(order)
            .expect("it is taken")
            .await
            .expect("it is answered")
    }

    pub fn outcomes(&self) -> Vec<String> {
        let records = self.journal.records.lock().unwrap();
        records
            .iter()
            .map(|record| match record {
                Record::FlushIntent(_) => "intent".to_owned(),
                Record::NotifyResult(result) => result.outcome.clone(),
                _ => "another".to_owned(),
            })
            .collect()
    }
}

pub fn lane(receiver: &str) -> LaneId {
    LaneId {
        tenant: String::new(),
        receiver: receiver.to_owned(),
        integration: IntegrationId {
            kind: "webhook".to_owned(),
            index: 0,
        },
    }
}

pub fn alert(name: &str, status: &str) -> Alert {
    Alert {
        status: status.to_owned(),
        labels: BTreeMap::from([("alertname".to_owned(), name.to_owned())]),
        fingerprint: name.to_owned(),
        ..Alert::default()
    }
}

pub fn intent(receiver: &str) -> FlushIntentV1 {
    FlushIntentV1 {
        flush_id: 42,
        key: NotificationKeyV1 {
            tenant: String::new(),
            group_key: "{}:{}".to_owned(),
            receiver: receiver.to_owned(),
            integration: "webhook".to_owned(),
            index: 0,
        },
        attempt: 1,
        reason: "first notification".to_owned(),
        firing: vec![5],
        resolved: vec![6],
        idempotency_key: [0xab; 32],
        decided_at_ns: 3,
    }
}

/// An order for integration `webhook[0]` of the receiver: `f` fires, `r` is resolved, ten seconds.
pub fn order(receiver: &str) -> Order {
    Order {
        intent: intent(receiver),
        content: Arc::new(Content {
            alerts: vec![alert("f", "firing"), alert("r", "resolved")],
            reason: "first notification".to_owned(),
            ..Content::default()
        }),
        receiver_data: ReceiverData::new(),
        timeout: Duration::from_secs(10),
        is_recovered: false,
        crashes: 0,
        entry: Arc::new(TextEntry(vec![5])),
    }
}

pub fn failed(reason: Reason, text: &str) -> Ending {
    Ending::Failed(Failure::new(reason, text))
}

pub fn owned(events: &[(u128, &str)]) -> Vec<(u128, String)> {
    events
        .iter()
        .map(|&(at, what)| (at, what.to_owned()))
        .collect()
}
