//! The log.
pub mod checkpoint;
pub mod control;
mod draft;
mod error;
mod fileops;
pub mod frame;
mod ids;
pub mod layout;
mod log;
mod queue;
mod recover;
mod repair;
mod report;
mod retained;
pub mod scan;
pub mod segment;
mod spare;
mod store;
mod view;
mod window;
mod writer;
pub use error::{AppendError, OpenError};
pub use ids::{Lsn, RecordType, Salt, SegmentSeq, StoreId};
pub use log::{Counters, DurableBatch, DurableSink, HEARTBEAT_EVERY, Log, ThreadOptions};
pub use queue::{Completion, QueueLimits};
pub use recover::{IgnoreReplay, LogOptions, Replay, StartReport, open};
pub use repair::{
    LostRange, RepairReport, repair_tail, repair_tail_dry_run, salvage, salvage_dry_run,
};
pub use report::{Cause, Class, Damage, ScanReport, SegmentSummary, TornTail};
pub use store::StoreIdentity;
pub use view::{Segment, View};
pub use writer::{Appended, Environment, Lane, NewRecord, RESERVE_BYTES_MAX, Writer};
