//! What a record says, as entries by subject. Pure: it knows the record and nothing before it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::entry::{
    Attempt, End, Entry, Flush, GroupHash, Inhibited, Integration, Muted, Position, Silenced,
    Subject, Told, Touch, What, content_hash,
};
use crate::core::Silence;
use crate::model::{Fingerprint, LabelSet};
use crate::record::{
    AlertTouchV1, AlertV1, AlertView, AttemptsV1, DecisionsV1, FlushIntentV1, FlushOccasion,
    FlushV1, Lsn, MutedBy, NotificationKeyV1, ReceiptsV1, Record, ToldReason, ToldVerdict,
    group_hash,
};
use crate::sys::WallTime;

/// An entry, and the subjects that it stands under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    /// At least one.
    pub subjects: Vec<Subject>,
    /// What happened.
    pub entry: Entry,
}

/// What a group is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupFacts {
    /// `<route key>:<group labels>`.
    pub key: String,
    /// Which of the routes with the same key.
    pub ordinal: u32,
    /// The path of its route; empty if only its key is known.
    pub route: String,
    /// Its receiver; empty if only its key is known.
    pub receiver: String,
}

impl GroupFacts {
    /// This, and what was known before of what this does not say.
    #[must_use]
    pub fn or(self, known: &Self) -> Self {
        let or = |new: String, old: &String| match new.is_empty() {
            true => old.clone(),
            false => new,
        };
        Self {
            route: or(self.route, &known.route),
            receiver: or(self.receiver, &known.receiver),
            ..self
        }
    }
}

/// Everything that a record says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// What happened, in the order of its positions' places.
    pub entries: Vec<Noted>,
    /// Alerts by their labels; mostly known already.
    pub alerts: Vec<(Fingerprint, LabelSet)>,
    /// Groups by their keys; mostly known already. To be joined with what is known: [`GroupFacts::or`].
    pub groups: Vec<(GroupHash, GroupFacts)>,
}

/// What a record says. Whose it is: [`Record::tenant`].
#[must_use]
pub fn read(lsn: Lsn, record: &Record) -> Facts {
    let mut reader = Reader {
        lsn,
        at: record.at().unwrap_or_default(),
        facts: Facts::default(),
    };
    reader.read(record);
    reader.facts
}

/// What a record of touches says: the same as [`read`], without anything that takes time.
pub fn touches(lsn: Lsn, record: &AlertTouchV1) -> impl Iterator<Item = Touch> + Clone {
    let at = WallTime(record.received_at_ns);
    (0..).zip(&record.touches).map(move |(place, touch)| Touch {
        alert: Fingerprint(touch.fingerprint),
        end: End {
            at: WallTime(touch.ends_at_ns),
            is_guess: touch.is_timeout,
        },
        position: Position { at, lsn, place },
    })
}

struct Reader {
    lsn: Lsn,
    at: WallTime,
    facts: Facts,
}

impl Reader {
    fn note(&mut self, subjects: Vec<Subject>, what: What) {
        self.note_at(self.at, subjects, what);
    }

    fn note_at(&mut self, at: WallTime, subjects: Vec<Subject>, what: What) {
        let position = Position {
            at,
            lsn: self.lsn,
            place: u32::try_from(self.facts.entries.len()).unwrap_or(u32::MAX),
        };
        let entry = Entry::new(position, what);
        self.facts.entries.push(Noted { subjects, entry });
    }

    fn note_of_alert(&mut self, alert: u64, what: What) {
        self.note(vec![Subject::Alert(Fingerprint(alert))], what);
    }

    fn note_place(&mut self, alert: u64, before_ms: u64, what: What) {
        let subjects = of_place(Fingerprint(alert)).to_vec();
        self.note_at(before(self.at, before_ms), subjects, what);
    }

    fn read(&mut self, record: &Record) {
        match record {
            Record::AlertBatch(batch) => batch.alerts.iter().for_each(|it| self.received(it)),
            Record::AlertTouch(record) => {
                for touch in touches(self.lsn, record) {
                    let subjects = vec![Subject::Alert(touch.alert)];
                    let entry = touch.entry();
                    self.facts.entries.push(Noted { subjects, entry });
                }
            }
            Record::EndsAtExtended(extended) => {
                for (alert, ends_at_ns) in &extended.alerts {
                    let ends_at = WallTime(*ends_at_ns);
                    let alert = *alert;
                    self.note_of_alert(alert, What::EndMoved { alert, ends_at });
                }
            }
            Record::SilenceSet(set) => self.silence(&set.silence),
            Record::SilenceMerge(merge) => {
                merge.entries.iter().for_each(|entry| self.silence(entry));
            }
            Record::SilenceExpire(expire) => {
                let id = expire.silence_id.clone();
                let subjects = vec![Subject::Silence(id.as_str().into()), Subject::Tenant];
                self.note(subjects, What::SilenceExpired { id });
            }
            Record::FlushIntent(intent) => self.intended(intent),
            Record::NotifyResult(result) => self.note(
                of_notification(&result.key),
                What::Ended {
                    flush_id: result.flush_id,
                    group_key: result.key.group_key.clone(),
                    to: integration(&result.key),
                    outcome: result.outcome.clone(),
                    detail: result.detail.clone(),
                },
            ),
            Record::Attempts(attempts) => self.attempted(attempts),
            Record::Decisions(decisions) => self.decided(decisions),
            Record::Receipts(receipts) => self.sent(receipts),
            Record::GroupTimer(timer) => self.group(&timer.group_key, timer.ordinal),
            Record::AlertForgotten(forgotten) => {
                self.group(&forgotten.group_key, forgotten.ordinal);
                let group = GroupHash(group_hash(&forgotten.group_key, forgotten.ordinal));
                for (alert, _) in &forgotten.alerts {
                    let alert = *alert;
                    self.note_place(alert, 0, What::Forgotten { alert, group });
                }
            }
            Record::ConfigApplied(applied) => {
                let hash = applied.hash;
                self.note(vec![Subject::Tenant], What::ConfigApplied { hash });
            }
            Record::Recovered(recovered) => {
                let groups = count(recovered.groups.len());
                self.note(vec![Subject::Tenant], What::Recovered { groups });
            }
            Record::TenantCreated(_) => self.note(vec![Subject::Tenant], What::TenantCreated),
            Record::TenantDeleted(_) => self.note(vec![Subject::Tenant], What::TenantDeleted),
            Record::NflogMerge(_) | Record::Collected(_) => {}
        }
    }

    fn received(&mut self, alert: &AlertV1) {
        let labels: LabelSet = alert
            .labels
            .iter()
            .map(|(name, value)| (name, value))
            .collect();
        let fingerprint = labels.fingerprint();
        let what = received(fingerprint, &alert.into());
        self.note(of_receipt(fingerprint).to_vec(), what);
        self.facts.alerts.push((fingerprint, labels));
    }

    fn intended(&mut self, intent: &FlushIntentV1) {
        let mut subjects = of_notification(&intent.key);
        let group = group_hash(&intent.key.group_key, 0);
        subjects.push(Subject::Intents(GroupHash(group)));
        let what = What::Intended {
            flush_id: intent.flush_id,
            group_key: intent.key.group_key.clone(),
            to: integration(&intent.key),
            attempt: intent.attempt,
            reason: intent.reason.clone(),
            firing: intent.firing.clone(),
            resolved: intent.resolved.clone(),
            idempotency_key: intent.idempotency_key,
        };
        self.note(subjects, what);
    }

    fn silence(&mut self, encoded: &[u8]) {
        // One that cannot be read has no effect either; the core says so.
        let Ok(silence) = Silence::read(encoded) else {
            return;
        };
        let id = silence.id.to_string();
        let subjects = vec![Subject::Silence(id.as_str().into()), Subject::Tenant];
        let sets = silence.matcher_sets.iter();
        let what = What::SilenceSet {
            id,
            matchers: sets.map(ToString::to_string).collect(),
            starts_at: silence.starts_at,
            ends_at: silence.ends_at,
            created_by: silence.created_by,
            comment: silence.comment,
        };
        self.note(subjects, what);
    }

    fn group(&mut self, key: &str, ordinal: u32) {
        let facts = GroupFacts {
            key: key.to_owned(),
            ordinal,
            route: String::new(),
            receiver: String::new(),
        };
        let group = GroupHash(group_hash(key, ordinal));
        self.facts.groups.push((group, facts));
    }

    fn attempted(&mut self, record: &AttemptsV1) {
        let attempts = record.attempts.iter().map(|it| Attempt {
            number: it.number,
            started_at: shifted(record.started_at_ns, it.after_ms, 1),
            duration_us: it.duration_us,
            status: it.status,
            error: it.error.clone(),
            detail: it.detail.clone(),
        });
        self.note(
            of_notification(&record.key),
            What::Attempted {
                flush_id: record.flush_id,
                group_key: record.key.group_key.clone(),
                to: integration(&record.key),
                idempotency_key: record.idempotency_key,
                count: record.count,
                attempts: attempts.collect(),
            },
        );
    }

    fn sent(&mut self, receipts: &ReceiptsV1) {
        let mut first = 0u64;
        let requests = receipts.requests.iter().map(|(step, sender)| {
            first = first.saturating_add(*step);
            (first, *sender)
        });
        let what = What::Senders {
            requests: requests.collect(),
            senders: receipts.senders.clone(),
        };
        self.note(vec![Subject::Senders], what);
    }

    fn decided(&mut self, decisions: &DecisionsV1) {
        let name = |place: u32| -> String {
            let name = decisions.names.get(place as usize);
            name.cloned().unwrap_or_default()
        };
        for group in &decisions.groups {
            let facts = GroupFacts {
                key: group.key.clone(),
                ordinal: group.ordinal,
                route: name(group.route),
                receiver: name(group.receiver),
            };
            let hash = GroupHash(group.group);
            let what = What::GroupCreated {
                group: hash,
                route: facts.route.clone(),
                receiver: facts.receiver.clone(),
                due_at: WallTime(group.due_at_ns),
            };
            self.facts.groups.push((hash, facts));
            self.note_at(
                before(self.at, group.before_ms),
                vec![Subject::Group(hash)],
                what,
            );
        }
        for placed in &decisions.placed {
            let what = What::Placed {
                alert: placed.alert,
                group: GroupHash(placed.group),
            };
            self.note_place(placed.alert, placed.before_ms, what);
        }
        for limited in &decisions.limited {
            let what = What::Limited {
                alert: limited.alert,
                key: name(limited.key),
            };
            let mut subjects = of_place(Fingerprint(limited.alert)).to_vec();
            subjects.push(Subject::Tenant);
            self.note_at(before(self.at, limited.before_ms), subjects, what);
        }
        for flush in &decisions.flushes {
            self.flushed(flush, &name);
        }
    }

    fn flushed(&mut self, flush: &FlushV1, name: &dyn Fn(u32) -> String) {
        let group = GroupHash(flush.group);
        let due_at = before(self.at, flush.late_ms);
        let next_at = match flush.next_ms {
            0 => due_at,
            next_ms => shifted(self.at.0, next_ms, 1),
        };
        let mut silences: BTreeMap<u32, u32> = BTreeMap::new();
        for id in flush.silenced.iter().flat_map(|it| &it.silences) {
            *silences.entry(*id).or_default() += 1;
        }
        let flush = Flush {
            group,
            receiver: name(flush.receiver),
            occasion: FlushOccasion::read(flush.occasion),
            due_at,
            next_at,
            firing: flush.firing,
            resolved: flush.resolved,
            inhibited: flush
                .inhibited
                .iter()
                .map(|it| Inhibited {
                    alert: it.alert,
                    source: it.source,
                    rule: it.rule,
                    rule_name: name(it.rule_name),
                })
                .collect(),
            silenced: flush
                .silenced
                .iter()
                .map(|it| Silenced {
                    alert: it.alert,
                    silences: it.silences.iter().copied().map(name).collect(),
                })
                .collect(),
            muted: flush
                .muted
                .iter()
                .map(|it| Muted {
                    by: MutedBy::read(it.cause),
                    intervals: it.intervals.iter().copied().map(name).collect(),
                    alerts: it.alerts,
                })
                .collect(),
            told: flush
                .told
                .iter()
                .map(|it| Told {
                    integration: name(it.integration),
                    index: it.index,
                    verdict: ToldVerdict::read(it.verdict),
                    reason: ToldReason::read(it.reason),
                    flush_id: it.flush_id,
                    attempt: it.attempt,
                    added: it.added.clone(),
                    ended: it.ended.clone(),
                })
                .collect(),
        };
        let mut subjects = vec![Subject::Group(group)];
        if !flush.is_uneventful() {
            subjects.push(Subject::Receiver(flush.receiver.as_str().into()));
        }
        self.note(subjects, What::Flushed(flush));
        for (id, alerts) in silences {
            let id = name(id);
            let subjects = vec![Subject::Silence(id.as_str().into())];
            self.note(subjects, What::SilenceUsed { id, group, alerts });
        }
    }
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

fn before(at: WallTime, ms: u64) -> WallTime {
    shifted(at.0, ms, -1)
}

/// So many milliseconds later, or earlier.
fn shifted(at_ns: i64, ms: u64, sign: i64) -> WallTime {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    WallTime(at_ns.saturating_add(ms.saturating_mul(1_000_000).saturating_mul(sign)))
}

fn integration(key: &NotificationKeyV1) -> Integration {
    Integration {
        receiver: key.receiver.clone(),
        integration: key.integration.clone(),
        index: key.index,
    }
}

/// That an alert was received in full.
pub(crate) fn received(alert: Fingerprint, as_sent: &AlertView<'_>) -> What {
    What::Received {
        alert: alert.0,
        starts_at: WallTime(as_sent.starts_at_ns),
        ends_at: WallTime(as_sent.ends_at_ns),
        is_timeout: as_sent.is_timeout,
        annotations: content_hash(&as_sent.annotations),
        generator_url: content_hash(&[(as_sent.generator_url, "")]),
    }
}

/// Where that stands.
pub(crate) fn of_receipt(alert: Fingerprint) -> [Subject; 2] {
    [Subject::Alert(alert), Subject::Receipts(alert)]
}

/// The timelines that tell where an alert is.
pub(crate) fn of_place(alert: Fingerprint) -> [Subject; 2] {
    [Subject::Alert(alert), Subject::Places(alert)]
}

/// Notifications name a group by its key alone; the first route with that key stands for all.
fn of_notification(key: &NotificationKeyV1) -> Vec<Subject> {
    vec![
        Subject::Group(GroupHash(group_hash(&key.group_key, 0))),
        Subject::Receiver(key.receiver.as_str().into()),
    ]
}
