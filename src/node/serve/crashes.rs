//! How often the process was killed while a notification was under way, as the log shows it.
//!
//! A notification that was under way at several crashes may be what crashes the process, so delivery
//! leaves it out of the first flush after a start: until the group's next flush there is a server. It is
//! never given up, because a process that was killed while a receiver was slow leaves the same log.
//!
//! Attempts do not count this: they grow with every failure. An orderly end is no crash. Records that a
//! checkpoint covers are not seen, so that there may have been more crashes than are counted.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::record::Record;

/// What makes two notifications the same.
type IdempotencyKey = [u8; 32];

/// Counts while the log is replayed. Bounded by the notifications that are not delivered.
#[derive(Debug, Default)]
pub(super) struct CrashCount {
    /// By flush id.
    under_way: HashMap<u64, IdempotencyKey>,
    crashes: HashMap<IdempotencyKey, u32>,
}

impl CrashCount {
    /// A record of a life of the process.
    pub(super) fn record(&mut self, record: &Record) {
        match record {
            Record::FlushIntent(intent) => {
                self.under_way
                    .insert(intent.flush_id, intent.idempotency_key);
            }
            Record::NotifyResult(result) => {
                let key = self.under_way.remove(&result.flush_id);
                let is_over = !matches!(result.outcome.as_str(), "failed" | "quarantined");
                if let Some(key) = key.filter(|_| is_over) {
                    self.crashes.remove(&key);
                }
            }
            _ => {}
        }
    }

    /// That life is over.
    pub(super) fn ended(&mut self, in_order: bool) {
        for (_, key) in self.under_way.drain() {
            if !in_order {
                let count = self.crashes.entry(key).or_default();
                *count = count.saturating_add(1);
            }
        }
    }

    /// The counts, for the life that begins.
    pub(super) fn finish(self) -> Crashes {
        Crashes(Mutex::new(self.crashes))
    }
}

/// What was counted, each notification until it is asked for.
#[derive(Debug, Default)]
pub(super) struct Crashes(Mutex<HashMap<IdempotencyKey, u32>>);

impl Crashes {
    /// The crashes of that notification, which are of no account any more when it is sent again in this
    /// life.
    pub(super) fn take(&self, key: &IdempotencyKey) -> u32 {
        let mut crashes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        crashes.remove(key).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{FlushIntentV1, NotificationKeyV1, NotifyResultV1};

    fn key() -> NotificationKeyV1 {
        NotificationKeyV1 {
            tenant: String::new(),
            group_key: "{}:{}".to_owned(),
            receiver: "r".to_owned(),
            integration: "webhook".to_owned(),
            index: 0,
        }
    }

    fn intent(flush_id: u64, idempotency_key: u8) -> Record {
        Record::FlushIntent(FlushIntentV1 {
            flush_id,
            key: key(),
            attempt: 1,
            reason: "first notification".to_owned(),
            firing: vec![],
            resolved: vec![],
            idempotency_key: [idempotency_key; 32],
            decided_at_ns: 0,
        })
    }

    fn result(flush_id: u64, outcome: &str) -> Record {
        Record::NotifyResult(NotifyResultV1 {
            flush_id,
            key: key(),
            outcome: outcome.to_owned(),
            detail: String::new(),
            entry: vec![],
            finished_at_ns: 0,
        })
    }

    #[test]
    fn crashes_are_counted_and_neither_failures_nor_orderly_ends() {
        let mut count = CrashCount::default();
        // 1 fails twice and is killed twice, 2 is killed and delivered then, 3 is cut off by a stop.
        for record in [
            intent(1, 1),
            result(1, "failed"),
            intent(2, 1),
            intent(3, 2),
        ] {
            count.record(&record);
        }
        count.ended(false);
        let second = [
            intent(4, 1),
            result(4, "failed"),
            intent(5, 2),
            intent(6, 1),
        ];
        for record in second {
            count.record(&record);
        }
        count.record(&result(5, "delivered"));
        count.ended(false);
        count.record(&intent(7, 3));
        count.ended(true);
        let crashes = count.finish();
        let taken = [1, 1, 2, 3].map(|key| crashes.take(&[key; 32]));
        assert_eq!(taken, [2, 0, 0, 0]);
    }
}
