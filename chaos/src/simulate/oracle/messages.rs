//! What a receiver may be told, and when.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::super::setting::Ms;
use super::super::world::{Health, Message};
use super::truth::State;
use super::{Oracle, SLACK_MS};

/// The last message of a group that a receiver got.
#[derive(Debug, Clone)]
pub(super) struct Last {
    message: Message,
    life: u32,
    /// It was answered that it was taken.
    is_taken: bool,
    /// That is in the log.
    pub(super) is_durable: bool,
    /// The process was killed before it was.
    pub(super) killed_under_way: bool,
    /// Something else was to be sent since, whether or not it got here.
    is_overtaken: bool,
    intended: Option<Intended>,
}

/// What the log says is to be told: why, and the hashes of what fires and of what has ended.
pub(in super::super) type Intended = (String, Vec<u64>, Vec<u64>);

/// What a key stands for: which alerts fire, and which have ended.
fn content(message: &Message) -> u64 {
    let mut hash = DefaultHasher::new();
    let said = message
        .alerts
        .iter()
        .map(|(series, _, over)| (series, over));
    said.collect::<Vec<_>>().hash(&mut hash);
    hash.finish()
}

/// A first attempt of what was not under way at a kill: it was decided just now.
fn is_fresh(message: &Message) -> bool {
    message.attempt == 1 && !message.is_recovered
}

impl Oracle {
    /// A receiver has got a message.
    pub(in super::super) fn message(&mut self, message: Message) {
        self.tally.messages += 1;
        for truth in &mut self.series {
            truth.pass(message.at);
        }
        if let Some(fault) = self.fault_of(&message) {
            let (target, at) = (self.listeners[message.target].target, message.at);
            let (group, flush) = (message.group, message.flush);
            self.refute(|| {
                format!(
                    "{fault} (to {}/{} at {at}, group {group}, flush {flush})",
                    target.receiver, target.index
                )
            });
        }
        self.remember(message);
    }

    /// A receiver has answered that it took a message.
    pub(in super::super) fn taken(&mut self, target: usize, flush: u64) {
        let last = self.listeners[target].last.values_mut();
        for last in last.filter(|it| it.message.flush == flush) {
            last.is_taken = true;
        }
    }

    /// The result of a notification is in the log.
    pub(in super::super) fn durable(
        &mut self,
        receiver: &str,
        index: u32,
        group: usize,
        flush: u64,
    ) {
        for listener in &mut self.listeners {
            let is_it = listener.target.receiver == receiver && listener.target.index == index;
            if is_it
                && let Some(last) = listener.last.get_mut(&group)
                && last.message.flush == flush
            {
                last.is_durable = true;
            }
        }
    }

    /// It is not known whether a notification was taken, and another one, or none, takes its place.
    pub(in super::super) fn superseded(&mut self, receiver: &str, index: u32, group: usize) {
        for listener in &mut self.listeners {
            let is_it = listener.target.receiver == receiver && listener.target.index == index;
            if is_it && let Some(last) = listener.last.get_mut(&group) {
                last.is_overtaken = true;
            }
        }
    }

    /// Another notification of a group is intended.
    pub(in super::super) fn intended(
        &mut self,
        receiver: &str,
        index: u32,
        group: usize,
        intended: &Intended,
    ) {
        for listener in &mut self.listeners {
            let is_it = listener.target.receiver == receiver && listener.target.index == index;
            if !is_it {
                continue;
            }
            if let Some(last) = listener.last.get_mut(&group) {
                last.is_overtaken |= last.intended.as_ref() != Some(intended);
            }
            listener.intended.insert(group, intended.clone());
        }
    }

    /// A start found that the sending of something that fires is in doubt.
    pub(super) fn doubted(&mut self, receiver: &str, index: u32, group: usize) {
        for listener in &mut self.listeners {
            if listener.target.receiver == receiver && listener.target.index == index {
                listener.doubted.insert(group);
            }
        }
    }

    /// The process has ended so often while a notification was being sent that it was left out. What it was to
    /// tell is told at the next flush if it is still so then, and not owed any more if it is not.
    pub(in super::super) fn left_out(&mut self, receiver: &str, index: u32, group: usize) {
        let groups = self.groups;
        for listener in &mut self.listeners {
            if listener.target.receiver == receiver && listener.target.index == index {
                let of_group = listener.owed.iter_mut().skip(group).step_by(groups);
                of_group.for_each(|owed| *owed = false);
            }
        }
    }

    fn fault_of(&self, message: &Message) -> Option<String> {
        self.untrue(message)
            .or_else(|| self.silenced(message))
            .or_else(|| self.wrong_key(message))
            .or_else(|| self.told_twice(message))
            .or_else(|| self.out_of_time(message))
            .or_else(|| self.end_of_nothing(message))
    }

    /// I4, and the false all-clear.
    fn untrue(&self, message: &Message) -> Option<String> {
        let listener = &self.listeners[message.target];
        for &(series, starts, is_over) in &message.alerts {
            let Some(truth) = self.series.get(series) else {
                return Some(format!("I4: A{series} was never sent"));
            };
            if !truth.starts.contains(&starts) {
                return Some(format!("I4: A{series} never began at {starts}"));
            }
            if series % self.groups != message.group {
                return Some(format!("I4: A{series} is of another group"));
            }
            if is_over && !listener.target.sends_resolved {
                return Some(format!("I4: the end of A{series} is not to be told here"));
            }
            if !self.times_hold || !is_fresh(message) {
                continue;
            }
            let decided = message.at - SLACK_MS;
            match truth.state {
                // What had ended when the server came up is told so, too, before what came since.
                State::Firing { since }
                    if is_over && since < decided && !self.is_after_start(since) =>
                {
                    return Some(format!(
                        "I4: false all-clear of A{series}, which fires since {since}"
                    ));
                }
                // What fired when the server came up is told so, whatever came since.
                State::Over { since }
                    if !is_over
                        && since < decided
                        && self.up_since < Some(since - SLACK_MS)
                        && self.sound_since.is_some_and(|it| it < since)
                        && listener.calm_since < since =>
                {
                    return Some(format!(
                        "I4: A{series} is said to fire and is over since {since}"
                    ));
                }
                _ => {}
            }
        }
        None
    }

    /// Whether that was before everything that was frozen when the server came up can have been told.
    fn is_after_start(&self, at: Ms) -> bool {
        let told = self.up_since.max(self.sound_since);
        told.is_none_or(|told| at < told + SLACK_MS) && self.up_since <= Some(at)
    }

    /// The first half of I9.
    fn silenced(&self, message: &Message) -> Option<String> {
        if !self.times_hold || !is_fresh(message) {
            return None;
        }
        let decided = message.at - SLACK_MS;
        let mut series = message.alerts.iter().map(|it| it.0);
        let told = series.find(|it| self.is_silenced_since(*it, decided, message.at))?;
        Some(format!("I9: A{told} is silenced"))
    }

    /// Same key, same content.
    fn wrong_key(&self, message: &Message) -> Option<String> {
        let known = self.listeners[message.target].keys.get(&message.key)?;
        let is_same = *known == (message.group, content(message));
        (!is_same).then(|| "I5: two contents have the same idempotency key".to_owned())
    }

    /// I5.
    fn told_twice(&self, message: &Message) -> Option<String> {
        let last = self.listeners[message.target].last.get(&message.group)?;
        // One that has ended and fires again is something new.
        if last.message.alerts != message.alerts {
            return None;
        }
        // What was told of others while some were silenced has taken the place of what was told of these.
        if !self.is_group_free(message.group, last.message.at, message.at)
            || !self.is_unchanged_since(message, last.message.at)
        {
            return None;
        }
        let is_retry = last.message.flush == message.flush && last.life == self.life;
        let is_early = message.at - last.message.at < self.repeat_min - SLACK_MS;
        if last.is_durable && is_early && self.times_hold {
            return Some(format!(
                "I5: told the same at {} already, and that is in the log",
                last.message.at
            ));
        }
        if last.is_taken && last.life == self.life && (is_retry || is_early) && self.times_hold {
            return Some(format!(
                "I5: told the same at {} already, and it was taken",
                last.message.at
            ));
        }
        let is_again = is_retry || (!last.is_durable && is_early);
        let has_same_reason = last.message.reason == message.reason;
        // Where the clock was set, what fires may have ended for the server, and begun anew.
        let is_same = has_same_reason && self.times_hold;
        (is_again && !last.is_overtaken && is_same && last.message.key != message.key)
            .then(|| "I5: the same again, with another idempotency key".to_owned())
    }

    /// Whether no alert of a group can have been silenced since then.
    fn is_group_free(&self, group: usize, since: Ms, at: Ms) -> bool {
        let mut of_group = (group..self.series.len()).step_by(self.groups);
        of_group.all(|it| self.free_since(it, at).is_some_and(|free| free < since))
    }

    /// Whether everything in a message has certainly been so since then.
    fn is_unchanged_since(&self, message: &Message, since: Ms) -> bool {
        let mut alerts = message.alerts.iter();
        alerts.all(
            |(series, _, is_over)| match self.series.get(*series).map(|it| it.state) {
                Some(State::Firing { since: from }) => !is_over && from < since,
                Some(State::Over { since: from }) => *is_over && from < since,
                _ => false,
            },
        )
    }

    /// I6 and I8.
    fn out_of_time(&self, message: &Message) -> Option<String> {
        if !self.times_hold || !is_fresh(message) {
            return None;
        }
        let listener = &self.listeners[message.target];
        let receiver = listener.target.receiver;
        let of_group = self.series.iter().skip(message.group).step_by(self.groups);
        let began = of_group.filter_map(|it| it.starts.first()).min();
        if began.is_some_and(|began| message.at < began + self.wait - 1) {
            return Some("I8: told before group_wait was over".to_owned());
        }
        let last = *self.phases.get(&(receiver, message.group))?;
        let gap = message.at - last;
        // A group waits for all integrations of its receiver.
        let mut of_same = self.listeners.iter();
        let is_settled = listener.calm_since < last
            && self.sound_since? < last
            && of_same.all(|it| it.target.receiver != receiver || it.health == Health::Up);
        if gap < SLACK_MS || !is_settled || !self.has_group_since(message.group, last) {
            return None;
        }
        if gap < self.unit - SLACK_MS {
            return Some(format!("I6: the message before was only {gap} ms earlier"));
        }
        let off = gap % self.unit;
        let is_late = off > SLACK_MS && off < self.unit - SLACK_MS;
        let is_catching_up = message.at - self.up_since? < SLACK_MS;
        (is_late && !is_catching_up)
            .then(|| format!("I8: the phase is lost, the message before was {gap} ms earlier"))
    }

    /// I7.
    fn end_of_nothing(&self, message: &Message) -> Option<String> {
        if message.alerts.iter().any(|it| !it.2) {
            return None;
        }
        // Of several that were told to fire, those that are over now may be silenced.
        let last = self.listeners[message.target].last.get(&message.group)?;
        if !self.is_group_free(message.group, last.message.at, message.at) {
            return None;
        }
        let beliefs = &self.listeners[message.target].beliefs;
        let was_told = |series: usize| {
            let belief = beliefs[series];
            belief.fires.is_some() || belief.may_fire
        };
        let is_in_doubt = self.listeners[message.target]
            .doubted
            .contains(&message.group);
        let knows_any = is_in_doubt || message.alerts.iter().any(|it| was_told(it.0));
        (!knows_any).then(|| "I7: the end of alerts that it was never told of".to_owned())
    }

    fn remember(&mut self, message: Message) {
        let life = self.life;
        let up_since = self.up_since.unwrap_or(Ms::MAX);
        let listener = &mut self.listeners[message.target];
        let is_accepted = message.health == Health::Up;
        for &(series, _, is_over) in &message.alerts {
            let Some(belief) = listener.beliefs.get_mut(series) else {
                continue;
            };
            belief.may_fire |= !is_over;
            if is_accepted {
                belief.fires = Some(!is_over);
                if !is_over {
                    listener.owed[series] = false;
                }
            }
        }
        if is_accepted {
            listener.doubted.remove(&message.group);
        }
        let said = (message.group, content(&message));
        listener.keys.insert(message.key, said);
        let place = (listener.target.receiver, message.group);
        if let Some(last) = listener.last.get(&message.group)
            && last.killed_under_way
            && last.message.alerts == message.alerts
            && last.life < life
        {
            self.tally.duplicates += 1;
        }
        // What was in doubt when the server came up is sent at once, and the timers go on.
        let is_out_of_phase = !is_fresh(&message) || message.at - up_since < SLACK_MS;
        match is_out_of_phase {
            true => self.phases.remove(&place),
            false => self.phases.insert(place, message.at),
        };
        let last = Last {
            life,
            is_taken: false,
            is_durable: false,
            killed_under_way: false,
            is_overtaken: false,
            intended: self.listeners[message.target]
                .intended
                .get(&message.group)
                .cloned(),
            message,
        };
        self.listeners[last.message.target]
            .last
            .insert(last.message.group, last);
    }
}
