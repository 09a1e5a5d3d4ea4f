//! What delivery is asked, and what it answers.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::receivers::{Content, Failure, ReceiverData};
use crate::record::{FlushIntentV1, Record};
use crate::sys::WallTime;

/// One notification by one integration.
#[derive(Debug, Clone)]
pub struct Order {
    /// What is recorded before it is sent: whom to tell, why, and which alerts. Its `attempt` is the
    /// number of the first attempt of this life of the process.
    pub intent: FlushIntentV1,
    /// What there is to tell.
    pub content: Arc<Content>,
    /// What the integration kept at the last notification.
    pub receiver_data: ReceiverData,
    /// How long to go on trying. Alertmanager 0.34: the group interval, but 10 s at least, and the
    /// wait for other members of the cluster.
    pub timeout: Duration,
    /// Whether an earlier life of this process may have sent it.
    pub is_recovered: bool,
    /// How often the process was killed while this was under way; 0 if it was sent again since.
    pub crashes: u32,
    /// How it is remembered once it was delivered.
    pub entry: Arc<dyn Entry>,
}

/// What became of an order.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The order's.
    pub flush_id: u64,
    /// How often it was tried.
    pub attempts: u32,
    /// How it ended.
    pub ending: Ending,
    /// Whether a result record is durable.
    pub is_recorded: bool,
}

/// How an order ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// The receiver has it.
    Delivered,
    /// The integration does not tell of resolved alerts, and no other were left. This counts as
    /// delivered.
    NothingToSend,
    /// It failed for good, or until the deadline.
    Failed(Failure),
    /// It was not sent, or not again, because the integration is broken.
    Quarantined(String),
    /// The program ended before there was a result. There is no record of it.
    Abandoned,
    /// The intent could not be made durable, so nothing was sent.
    NotRecorded(String),
}

/// An order that was not taken.
#[derive(Debug)]
pub struct Refused {
    /// The order.
    pub order: Order,
    /// Why.
    pub refusal: Refusal,
}

/// Why an order is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such integration.
    Unknown,
    /// Too many orders wait for it.
    Full,
    /// The program ends.
    Stopping,
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.order.intent.key;
        let why = match self.refusal {
            Refusal::Unknown => "there is no such integration",
            Refusal::Full => "too many notifications are waiting for it",
            Refusal::Stopping => "the server is stopping",
        };
        write!(
            out,
            "{}/{}[{}]: {why}",
            key.receiver, key.integration, key.index
        )
    }
}

impl std::error::Error for Refused {}

/// The log, as far as delivery knows it.
pub trait Journal: Send + Sync + fmt::Debug {
    /// Appends records. They are durable when the future ends.
    fn append(&self, records: Vec<Record>) -> Durable;
}

/// Waits until records are durable.
pub type Durable = Pin<Box<dyn Future<Output = Result<(), JournalError>> + Send>>;

/// Records could not be made durable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JournalError(pub String);

/// How an entry of the notification log is made: the core's business.
pub trait Entry: Send + Sync + fmt::Debug {
    /// The entry, as Alertmanager's `MeshEntry` protobuf message, once the order was delivered.
    fn encoded(&self, kept: &ReceiverData, finished_at: WallTime) -> Vec<u8>;
}
