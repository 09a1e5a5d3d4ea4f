//! What must not happen (`durability.md` §5.2).
//!
//! The oracle sees what senders and receivers see, and which results were durable. It knows nothing of
//! groups, timers or the notification log of the server: only the contract.
//!
//! ```text
//!  I1, I2  what fires (or has ended) is told within a bound once nothing is broken   Oracle::look
//!  I3      what was owed when the server came up is told firing, whatever comes      Oracle::ready
//!  I4      nothing is told that was never true; nothing that fires is called over    messages
//!  I5      nothing is told twice, but what was under way at a kill, with its key     messages
//!  I6      two different messages of a group are a group interval apart              messages
//!  I7      an end is told of what was told to fire                                   messages
//!  I8      first after group_wait; then in the group's phase, over kills             messages
//!  I9      a silence holds from its acknowledgement on, and so does its end          messages, look
//!  I10     what is in the store is what was acknowledged                             Oracle::ready
//! ```
//!
//! I2 (replay gives the live state) and I12 (recovery is idempotent) are compared by the run itself.

mod messages;
mod truth;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tocsin::core::{Core, SilenceState, Tenant};
use tocsin::sys::WallTime;

use super::setting::{Ms, Setting, Target};
use super::world::{Health, group_of};
use messages::{Intended, Last};
pub(super) use truth::Claim;
use truth::{State, Truth};

/// What the server may take beyond what timers say: the disk, latencies of receivers, a retry.
const SLACK_MS: Ms = 5_000;

/// An attempt that hangs is given up that long after its deadline.
const HANG_GRACE_MS: Ms = 5_000;

/// However short the interval of the group, retries go on for so long.
const FLUSH_TIME_MIN_MS: Ms = 10_000;

/// A silence, as its author knows it.
#[derive(Debug, Clone)]
struct Silence {
    series: Vec<usize>,
    id: Option<String>,
    /// When its creation was acknowledged.
    active_since: Option<Ms>,
    ends: Ms,
    /// Whether it was asked to end.
    is_expiring: bool,
    /// When that was acknowledged.
    expired_at: Option<Ms>,
}

/// What a receiver last accepted of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Belief {
    fires: Option<bool>,
    /// Something that it had, and did not accept, said that it fires.
    may_fire: bool,
}

/// Somebody who is told.
#[derive(Debug)]
struct Listener {
    target: Target,
    beliefs: Vec<Belief>,
    health: Health,
    /// From when on it can be expected to have heard everything that is due.
    calm_since: Ms,
    last: BTreeMap<usize, Last>,
    intended: BTreeMap<usize, Intended>,
    /// What each key stood for.
    keys: HashMap<[u8; 32], (usize, u64)>,
    /// Series that it must be told of as firing, for they were owed when the server came up.
    owed: Vec<bool>,
    /// Groups of which a kill left the sending of something that fires in doubt: a receiver that hung may
    /// have it, though it has said nothing.
    doubted: BTreeSet<usize>,
}

/// What was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Changes of alerts and silences that were acknowledged.
    pub(super) acknowledged: u64,
    pub(super) messages: u64,
    /// Messages with the content of the one before, sent because of a kill.
    pub(super) duplicates: u64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Oracle {
    unit: Ms,
    wait: Ms,
    repeat_min: Ms,
    grace: Ms,
    beat: Ms,
    series: Vec<Truth>,
    silences: Vec<Silence>,
    listeners: Vec<Listener>,
    /// When the server came up; `None` while it is down.
    up_since: Option<Ms>,
    life: u32,
    /// The last moment that is certainly in the log.
    alive_at: Ms,
    /// Since when disk and configuration are in order; `None` while they are not.
    sound_since: Option<Ms>,
    /// Set once the clock was: then times mean nothing until the faults are over.
    times_hold: bool,
    /// What each group is known by: series.
    groups: usize,
    phases: BTreeMap<(&'static str, usize), Ms>,
    pub(super) tally: Tally,
    violation: Option<String>,
}

impl Oracle {
    pub(super) fn new(setting: &Setting, groups: usize) -> Self {
        let listener = |target: &Target| Listener {
            target: *target,
            beliefs: vec![Belief::default(); setting.series],
            health: Health::Up,
            calm_since: 0,
            last: BTreeMap::new(),
            intended: BTreeMap::new(),
            keys: HashMap::new(),
            owed: vec![false; setting.series],
            doubted: BTreeSet::new(),
        };
        Self {
            unit: setting.unit_ms,
            wait: setting.wait_ms,
            repeat_min: setting.repeat_min_ms(),
            grace: setting.resolve_timeout_ms,
            beat: setting.beat_ms,
            series: vec![Truth::new(); setting.series],
            silences: Vec::new(),
            listeners: setting.targets().iter().map(listener).collect(),
            up_since: None,
            life: 0,
            alive_at: 0,
            sound_since: Some(0),
            times_hold: true,
            groups,
            phases: BTreeMap::new(),
            tally: Tally::default(),
            violation: None,
        }
    }

    /// The first thing that must not have happened.
    pub(super) fn violation(&self) -> Option<&str> {
        self.violation.as_deref()
    }

    pub(super) fn refute(&mut self, what: impl FnOnce() -> String) {
        if self.violation.is_none() {
            self.violation = Some(what());
        }
    }

    // Senders.

    pub(super) fn sent(&mut self, request: u64, series: usize, claim: Claim, at: Ms) {
        self.series[series].sent(request, claim, at);
    }

    pub(super) fn acknowledged(&mut self, request: u64, series: usize, claim: Claim, at: Ms) {
        self.tally.acknowledged += 1;
        self.alive_at = self.alive_at.max(at - SLACK_MS);
        self.series[series].acknowledged(request, claim, at);
    }

    pub(super) fn silence_sent(&mut self, series: Vec<usize>, ends: Ms) -> usize {
        self.silences.push(Silence {
            series,
            id: None,
            active_since: None,
            ends,
            is_expiring: false,
            expired_at: None,
        });
        self.silences.len() - 1
    }

    pub(super) fn silence_acknowledged(&mut self, number: usize, id: String, at: Ms) {
        self.tally.acknowledged += 1;
        let silence = &mut self.silences[number];
        (silence.id, silence.active_since) = (Some(id), Some(at));
    }

    /// The id of a silence that can be expired, if it was acknowledged and is not to end already.
    pub(super) fn id_to_expire(&self, number: usize, at: Ms) -> Option<String> {
        let silence = &self.silences[number];
        let is_active = !silence.is_expiring && at < silence.ends;
        silence.id.clone().filter(|_| is_active)
    }

    pub(super) fn expire_sent(&mut self, number: usize) {
        self.silences[number].is_expiring = true;
    }

    pub(super) fn expire_acknowledged(&mut self, number: usize, at: Ms) {
        self.tally.acknowledged += 1;
        self.silences[number].expired_at.get_or_insert(at);
    }

    /// Since when nothing has kept a series back; `None` if something may.
    fn free_since(&self, series: usize, at: Ms) -> Option<Ms> {
        let mut since = 0;
        for silence in self
            .silences
            .iter()
            .filter(|it| it.series.contains(&series))
        {
            let over = silence.expired_at.unwrap_or(silence.ends).min(silence.ends);
            if at <= over {
                return None;
            }
            since = since.max(over);
        }
        Some(since)
    }

    /// Whether a silence has certainly kept a series back since then.
    fn is_silenced_since(&self, series: usize, since: Ms, at: Ms) -> bool {
        let of_series = |it: &&Silence| it.series.contains(&series) && !it.is_expiring;
        self.silences.iter().filter(of_series).any(|silence| {
            silence.active_since.is_some_and(|from| from < since) && at < silence.ends
        })
    }

    // The world.

    /// A receiver changes.
    pub(super) fn receiver(&mut self, target: usize, health: Health, at: Ms) {
        let receiver = self.listeners[target].target.receiver;
        let was_hanging = self.listeners[target].health != Health::Up;
        self.listeners[target].health = health;
        // A group waits for all integrations of its receiver.
        let flush = self.unit.max(FLUSH_TIME_MIN_MS) + HANG_GRACE_MS;
        let of_same = self.listeners.iter_mut();
        for listener in of_same.filter(|it| it.target.receiver == receiver) {
            let until = if was_hanging { at + flush } else { at };
            listener.calm_since = listener.calm_since.max(until);
        }
    }

    /// The disk, or something else that everything depends on, is out of order, or in order again.
    pub(super) fn sound(&mut self, is_sound: bool, at: Ms) {
        self.sound_since = is_sound.then_some(at + SLACK_MS);
    }

    /// Another configuration is in force. Its groups are the same.
    pub(super) fn reloaded(&mut self, at: Ms) {
        for listener in &mut self.listeners {
            listener.calm_since = listener.calm_since.max(at);
        }
        self.phases.clear();
    }

    /// Whether the server has been up for so long.
    pub(super) fn is_up_for(&self, time: Ms, at: Ms) -> bool {
        self.up_since.is_some_and(|since| at - since >= time)
    }

    /// Whether times mean something.
    pub(super) fn do_times_hold(&self) -> bool {
        self.times_hold
    }

    /// Whether times still mean something.
    pub(super) fn set_times_hold(&mut self, times_hold: bool) {
        self.times_hold = times_hold;
    }

    /// The server is gone. If its disk was faulty, it may not have been able to write for some time.
    pub(super) fn down(&mut self, at: Ms, is_disk_faulty: bool) {
        for truth in &mut self.series {
            truth.pass(at);
        }
        self.up_since = None;
        if !is_disk_faulty {
            self.alive_at = self.alive_at.max(at - self.beat - SLACK_MS);
        }
        for listener in &mut self.listeners {
            for (group, last) in &mut listener.last {
                if !last.is_durable {
                    last.killed_under_way = true;
                    // What was in doubt is sent at once, whatever the timers say.
                    self.phases.remove(&(listener.target.receiver, *group));
                }
            }
        }
    }

    /// The server is up again, and this is its state.
    pub(super) fn ready(&mut self, at: Ms, down_at: Option<Ms>, now: WallTime, core: &Core) {
        self.life += 1;
        self.up_since = Some(at);
        if let Some(down_at) = down_at {
            let alive = (self.alive_at, down_at);
            let grace = self.grace;
            for truth in &mut self.series {
                truth.came_up(alive, at, grace);
                truth.pass(at);
            }
        }
        self.alive_at = at;
        // What was intended and durable when it was killed, seen by nobody.
        let open = core.tenant("").into_iter().flat_map(Tenant::open_intents);
        for (key, intent) in open {
            let group = group_of(&key.group_key);
            let intent = intent.clone();
            let intended = (intent.reason, intent.firing, intent.resolved);
            self.intended(&key.receiver, key.index, group, &intended);
            if !intended.1.is_empty() {
                self.doubted(&key.receiver, key.index, group);
            }
        }
        if self.times_hold {
            self.compare(at, now, core);
            self.note_owed(at);
        }
    }

    /// I10.
    fn compare(&mut self, at: Ms, now: WallTime, core: &Core) {
        let Some(tenant) = core.tenant("") else {
            let has_any = self
                .series
                .iter()
                .any(|it| matches!(it.state, State::Firing { .. }));
            if has_any {
                self.refute(|| "I10: the store is empty".to_owned());
            }
            return;
        };
        let mut fires: BTreeMap<String, bool> = BTreeMap::new();
        for alert in tenant.alerts() {
            let name = alert.labels.value("alertname").to_owned();
            fires.insert(name, !alert.is_resolved_at(now));
        }
        for (number, truth) in self.series.iter().enumerate() {
            let known = fires.get(&format!("A{number}")).copied();
            let fault = match truth.state {
                State::Firing { .. } if known != Some(true) => "fires, and",
                State::Over { .. } if known == Some(true) => "is over, and",
                State::Never if known.is_some() => "was never sent, and",
                _ => continue,
            };
            let text = format!("I10: A{number} {fault} in the store it is {known:?} at {at}");
            self.refute(|| text);
            return;
        }
        for silence in &self.silences {
            let Some(id) = &silence.id else { continue };
            let known = tenant.silences().get(id).map(|it| it.state_at(now));
            let is_active = known == Some(SilenceState::Active);
            let must = at < silence.ends && !silence.is_expiring;
            let must_not = at > silence.ends || silence.expired_at.is_some();
            if (must && !is_active) || (must_not && is_active) {
                let text = format!("I10: silence {id} is {known:?} in the store at {at}");
                self.refute(|| text);
                return;
            }
        }
    }

    /// I3: what fires, was not told, and was due while the server was down.
    fn note_owed(&mut self, at: Ms) {
        let longest = self.wait.max(self.unit);
        for series in 0..self.series.len() {
            let State::Firing { since } = self.series[series].state else {
                continue;
            };
            let Some(free) = self.free_since(series, at) else {
                continue;
            };
            for place in 0..self.listeners.len() {
                let listener = &self.listeners[place];
                let is_quiet = listener.health == Health::Up
                    && listener.calm_since <= since
                    && self.sound_since.is_some_and(|it| it <= since);
                let is_told = listener.beliefs[series].fires == Some(true);
                let due = since.max(free) + longest + SLACK_MS;
                if is_quiet && !is_told && due <= at {
                    self.listeners[place].owed[series] = true;
                }
            }
        }
    }

    /// From when on everything that is due can be expected to have been told.
    fn calm(&self, listener: &Listener) -> Option<Ms> {
        let is_up = listener.health == Health::Up && self.times_hold;
        let since = self.up_since.filter(|_| is_up)?;
        Some(since.max(self.sound_since?).max(listener.calm_since))
    }

    /// By when something has to have been told that is to be told since then.
    fn deadline(&self, calm: Ms, since: Ms) -> Ms {
        (since + self.wait.max(self.unit)).max(calm + self.unit) + SLACK_MS
    }

    /// I1, I2, and the second half of I9: looks for what should have been told by now.
    pub(super) fn look(&mut self, at: Ms) {
        for truth in &mut self.series {
            truth.pass(at);
        }
        let mut late = None;
        for listener in &self.listeners {
            let Some(calm) = self.calm(listener) else {
                continue;
            };
            for (series, truth) in self.series.iter().enumerate() {
                let belief = listener.beliefs[series];
                let (since, what) = match truth.state {
                    State::Firing { since } if belief.fires != Some(true) => (since, "fires"),
                    State::Over { since }
                        if belief.fires == Some(true) && listener.target.sends_resolved =>
                    {
                        (since, "is over")
                    }
                    _ if listener.owed[series] => (calm, "was owed"),
                    _ => continue,
                };
                let Some(free) = self.free_since(series, at) else {
                    continue;
                };
                let deadline = self.deadline(calm, since.max(free));
                if deadline < at {
                    late = Some(format!(
                        "I1/I2/I3: A{series} {what} since {since}, and {}/{} was not told by {deadline} (now {at}, calm since {calm})",
                        listener.target.receiver, listener.target.index
                    ));
                }
            }
        }
        if let Some(late) = late {
            self.refute(|| late);
        }
    }

    /// When [`Self::look`] may find something next.
    pub(super) fn look_every(&self) -> Ms {
        self.unit / 4
    }

    /// Whether a group has certainly had an alert from then on.
    fn has_group_since(&self, group: usize, since: Ms) -> bool {
        let of_group = self.series.iter().skip(group).step_by(self.groups);
        of_group.into_iter().any(|it| match it.state {
            State::Firing { since: from } => from < since,
            _ => false,
        })
    }
}
