//! One run: what is to happen when, and what is done about it.
//!
//! A run is a list of lives of the process, with downtimes in between, and a list of things that are going
//! to happen. See [`super::life`] for what happens inside a life.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use tocsin::api::Backend;
use tocsin::api::backend::{NewAlert, NewAlerts, NewSilence};
use tocsin::model::{LabelSet, Mode};
use tocsin::node::serve::stepped::{Blueprint, Server};
use tocsin::record::Record;
use tocsin::sys::{Call, Clock, Entropy, Errno, Fault, FaultKind, Image, SeededEntropy, SimDisk};
use tocsin::wal::{Environment, LogOptions, Lsn};

use super::event::{Event, EventLog};
use super::oracle::{Claim, Oracle};
use super::setting::{GROUPS, Ms, Setting, about, between, one_in};
use super::world::{Answer, AtMessage, Health, MortalDisk, Seen, World, group_of, wall};

/// How often a sender goes on to tell that an alert is over.
const TELLS_OVER: i64 = 8;

/// Group intervals after the faults have ended: until then everything must have been told.
const HEALED_UNITS: i64 = 4;

/// What is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// A series begins or ceases to fire.
    Flip(usize),
    /// A sender sends what it has.
    Send(usize),
    /// So does one that could not for some time.
    Resend,
    Silence,
    Expire(usize),
    Break(usize),
    Mend(usize),
    /// The process is to be killed, somewhere.
    Kill,
    /// It is killed, if it lives still.
    KillNow(u32),
    Stop,
    Checkpoint,
    Reload,
    Fill,
    Empty,
    FailSync,
    SetClock,
    Heal,
    /// Times mean something again, for a run in which the clock was set.
    TrustTimes,
    End,
}

/// Where the process is killed next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KillAt {
    Now,
    /// Records are durable and not applied.
    Committed,
    /// The core has decided, and nothing is written yet.
    Decided,
}

#[derive(Debug, Clone)]
struct Series {
    labels: LabelSet,
    fires: bool,
    /// When it began, or was over.
    since: Ms,
    starts: Ms,
    /// Its senders are gone.
    is_lost: bool,
    /// It is sent without an end.
    is_endless: bool,
}

enum Request {
    Alerts(Vec<(usize, Claim)>),
    Silence(usize),
    Expire(usize),
}

/// Configurations, with what reads them: they cost a millisecond each, and there are few.
#[derive(Debug, Default)]
pub(super) struct Blueprints {
    known: BTreeMap<String, Blueprint>,
}

impl Blueprints {
    pub(super) fn get(&mut self, config: &str) -> Result<Blueprint, String> {
        if let Some(known) = self.known.get(config) {
            return Ok(known.clone());
        }
        let clock: Arc<dyn Clock> = Arc::new(super::world::SimClock::default());
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(0));
        let read = Blueprint::read(config, clock, entropy, super::world::stand_in)?;
        self.known.insert(config.to_owned(), read.clone());
        Ok(read)
    }
}

/// See the module.
pub(super) struct Run {
    pub(super) setting: Setting,
    pub(super) world: Arc<World>,
    pub(super) oracle: Oracle,
    pub(super) log: EventLog,
    pub(super) entropy: SeededEntropy,
    pub(super) disk: MortalDisk,
    /// What salts are made of.
    salts: Arc<SeededEntropy>,
    blueprints: [Blueprint; 2],
    variant: usize,
    queue: BinaryHeap<Reverse<(Ms, u64, What)>>,
    queued: u64,
    series: Vec<Series>,
    requests: BTreeMap<u64, Request>,
    next_request: u64,
    pub(super) lives: u32,
    pub(super) kills: u64,
    pub(super) kill_at: Option<KillAt>,
    pub(super) stops: bool,
    pub(super) is_healed: bool,
    pub(super) is_over: bool,
    /// Whether what was replayed has to be what lived: not while another configuration has been in force
    /// since the last checkpoint.
    pub(super) is_comparable: bool,
    wants_checkpoint: bool,
    is_disk_full: bool,
    /// The disk becomes full when a receiver has got the next message.
    fills_at_message: bool,
    /// Something was wrong with this disk.
    pub(super) is_disk_faulty: bool,
}

impl Run {
    pub(super) fn new(
        seed: u64,
        keeps_lines: bool,
        blueprints: &mut Blueprints,
    ) -> Result<Self, String> {
        let setting = Setting::draw(seed);
        let world = World::begin(seed, setting.targets());
        let entropy = SeededEntropy::new(seed ^ 0x7363_6865_6475_6c65);
        let series = (0..setting.series).map(|number| {
            let (name, group) = (format!("A{number}"), (number % GROUPS).to_string());
            Series {
                labels: LabelSet::new([("alertname", name.as_str()), ("g", group.as_str())]),
                fires: false,
                since: Ms::MIN / 2,
                starts: 0,
                is_lost: false,
                is_endless: one_in(&entropy, 4),
            }
        });
        let series = series.collect();
        let mut run = Self {
            oracle: Oracle::new(&setting, GROUPS),
            log: EventLog::new(keeps_lines),
            disk: MortalDisk::new(SimDisk::new(&Image::default())),
            salts: Arc::new(SeededEntropy::new(seed ^ 0x0073_616c_7473)),
            blueprints: [
                blueprints.get(&setting.config(0))?,
                blueprints.get(&setting.config(1))?,
            ],
            variant: 0,
            queue: BinaryHeap::new(),
            queued: 0,
            series,
            requests: BTreeMap::new(),
            next_request: 1,
            lives: 0,
            kills: 0,
            kill_at: None,
            stops: false,
            is_healed: false,
            is_over: false,
            is_comparable: true,
            wants_checkpoint: false,
            is_disk_full: false,
            fills_at_message: false,
            is_disk_faulty: false,
            setting,
            world,
            entropy,
        };
        run.plan_all();
        Ok(run)
    }

    fn plan_all(&mut self) {
        let unit = self.setting.unit_ms;
        let classes = self.setting.classes;
        for series in 0..self.setting.series {
            let at = about(&self.entropy, self.setting.episode_ms);
            self.plan(at, What::Flip(series));
        }
        self.plan(1_000, What::Send(0));
        if classes.two_senders {
            self.plan(1_000 + self.setting.resend_ms / 3, What::Send(1));
        }
        let planned = [
            (classes.silences, What::Silence, 4),
            (classes.kills, What::Kill, 3),
            (classes.stops, What::Stop, 20),
            (true, What::Checkpoint, 9),
            (classes.reloads, What::Reload, 15),
            (classes.full_disks, What::Fill, 20),
            (classes.failed_syncs, What::FailSync, 25),
            (classes.clock, What::SetClock, 20),
        ];
        for (_, what, units) in planned.into_iter().filter(|it| it.0) {
            let at = about(&self.entropy, unit * units);
            self.plan(at, what);
        }
        if classes.receivers {
            for target in 0..self.setting.targets().len() {
                let at = about(&self.entropy, unit * 6);
                self.plan(at, What::Break(target));
            }
        }
        self.oracle.set_times_hold(!classes.clock);
        self.plan(self.setting.length_ms, What::Heal);
    }

    pub(super) fn plan(&mut self, at: Ms, what: What) {
        self.queued += 1;
        self.queue.push(Reverse((at, self.queued, what)));
    }

    fn plan_in(&mut self, average: Ms, what: What) {
        let at = self.world.now() + about(&self.entropy, average);
        self.plan(at, what);
    }

    /// When something happens next.
    pub(super) fn next_at(&self) -> Ms {
        self.queue.peek().map_or(Ms::MAX, |it| it.0.0)
    }

    /// What happens by then.
    pub(super) fn take_due(&mut self, by: Ms) -> Option<(Ms, What)> {
        if self.next_at() > by {
            return None;
        }
        self.queue.pop().map(|it| (it.0.0, it.0.2))
    }

    pub(super) fn note(&mut self, event: &Event) {
        let now = self.world.now();
        self.log.push(now, event);
    }

    pub(super) fn environment(&self, disk: MortalDisk) -> Environment {
        Environment {
            disk: Arc::new(disk),
            clock: Arc::clone(&self.world.clock) as Arc<dyn Clock>,
            entropy: Arc::clone(&self.salts) as Arc<dyn Entropy>,
        }
    }

    pub(super) fn log_options(&self) -> LogOptions {
        LogOptions {
            segment_bytes: self.setting.segment_bytes,
            drops_torn_tail: true,
            version: "simulation".to_owned(),
            pid: 1,
        }
    }

    pub(super) fn blueprint(&self) -> &Blueprint {
        &self.blueprints[self.variant]
    }

    /// Does what is to happen, to a server if there is one.
    pub(super) fn act(&mut self, what: What, server: Option<&Server>) {
        let unit = self.setting.unit_ms;
        match what {
            What::Flip(series) => self.flip(series),
            What::Send(sender) => {
                let next = self.world.now() + self.setting.resend_ms;
                self.plan(next, What::Send(sender));
                self.send(server);
            }
            What::Resend => self.send(server),
            What::Silence => self.silence(server),
            What::Expire(number) => self.expire(number, server),
            What::Break(target) => self.break_receiver(target),
            What::Mend(target) => {
                self.set_health(target, Health::Up);
                self.plan_in(unit * 6, What::Break(target));
            }
            What::Kill => self.aim(server.is_some()),
            What::KillNow(life) if life == self.lives && server.is_some() => {
                self.kill_at = Some(KillAt::Now);
            }
            What::KillNow(_) => {}
            What::Stop => {
                self.stops = server.is_some() && !self.is_healed;
                self.plan_in(unit * 20, What::Stop);
            }
            What::Checkpoint => {
                self.wants_checkpoint = server.is_some();
                self.plan_in(unit * 9, What::Checkpoint);
            }
            What::Reload => {
                if !self.is_healed {
                    self.reload(server);
                    self.plan_in(unit * 15, What::Reload);
                }
            }
            What::Fill if !self.fills_at_message && one_in(&self.entropy, 2) => {
                self.fills_at_message = true;
                // If there is none for long.
                self.plan_in(unit * 2, What::Fill);
            }
            What::Fill | What::Empty => self.fill(what == What::Fill),
            What::FailSync => {
                if !self.is_healed {
                    let nth = 1 + self.entropy.below(4);
                    let fault = Fault::once(Call::Fdatasync, nth, FaultKind::Error(Errno::Eio));
                    self.disk.inner().plan(fault.on(".wal"));
                    self.is_disk_faulty = true;
                    let what = "a sync will fail".to_owned();
                    self.note(&Event::Disk { what });
                    self.plan_in(unit * 25, What::FailSync);
                }
            }
            What::SetClock => {
                if !self.is_healed {
                    let by = between(&self.entropy, -unit * 3, unit * 3);
                    self.world.clock.set_ahead(by);
                    self.note(&Event::Clock { by });
                    self.plan_in(unit * 20, What::SetClock);
                }
            }
            What::Heal => self.heal(server),
            // Until then it has to have been up with a clock that is right, and to have been told all.
            What::TrustTimes if !self.oracle.is_up_for(self.settle_ms(), self.world.now()) => {
                self.plan(self.world.now() + unit, What::TrustTimes);
            }
            What::TrustTimes => {
                let now = self.world.now();
                self.oracle.set_times_hold(true);
                self.oracle.sound(true, now);
                self.oracle.reloaded(now);
            }
            What::End if self.setting.classes.clock && !self.oracle.do_times_hold() => {
                self.plan(self.world.now() + 8 * unit, What::End);
            }
            What::End => self.is_over = true,
        }
    }

    // Senders.

    fn flip(&mut self, number: usize) {
        let now = self.world.now();
        let may_be_lost = self.setting.classes.lost_senders && one_in(&self.entropy, 4);
        let series = &mut self.series[number];
        if series.is_lost {
            // It is back; as something new, once the old has ended.
            series.is_lost = false;
        } else if series.fires && may_be_lost && !self.is_healed {
            series.is_lost = true;
            series.fires = false;
            series.since = Ms::MIN / 2;
        } else {
            series.fires = !series.fires;
            series.since = now;
            if series.fires {
                series.starts = now;
            }
        }
        if !self.is_healed {
            self.plan_in(self.setting.episode_ms, What::Flip(number));
        }
    }

    fn send(&mut self, server: Option<&Server>) {
        let now = self.world.now();
        let resend = self.setting.resend_ms;
        let Some(server) = server else {
            return;
        };
        let mut claims: Vec<(usize, Claim)> = Vec::new();
        for (number, series) in self.series.iter().enumerate() {
            let starts = series.starts;
            if series.fires {
                let ends = match series.is_endless {
                    true => now + self.setting.resolve_timeout_ms,
                    false => now + 4 * resend,
                };
                claims.push((number, Claim::Fires { starts, ends }));
            } else if now - series.since <= TELLS_OVER * resend {
                let ends = series.since;
                claims.push((number, Claim::Over { starts, ends }));
            }
        }
        // In one request, or in two at the same time.
        let cut = match one_in(&self.entropy, 4) {
            true => self.entropy.below(claims.len() as u64 + 1) as usize,
            false => claims.len(),
        };
        let rest = claims.split_off(cut);
        for claims in [claims, rest] {
            if !claims.is_empty() {
                self.post(claims, server);
            }
        }
    }

    fn new_request(&mut self, request: Request) -> u64 {
        let number = self.next_request;
        self.next_request += 1;
        self.requests.insert(number, request);
        number
    }

    fn post(&mut self, claims: Vec<(usize, Claim)>, server: &Server) {
        let now = self.world.now();
        let request = self.new_request(Request::Alerts(claims.clone()));
        let mut alerts = Vec::with_capacity(claims.len());
        let mut noted = Vec::with_capacity(claims.len());
        for (number, claim) in claims {
            self.oracle.sent(request, number, claim, now);
            let series = &self.series[number];
            let (fires, starts, ends) = match claim {
                Claim::Fires { starts, ends } => (true, starts, ends),
                Claim::Over { starts, ends } => (false, starts, ends),
            };
            noted.push((number, fires, starts, ends));
            alerts.push(NewAlert {
                labels: series.labels.clone(),
                annotations: LabelSet::default(),
                starts_at: wall(starts),
                ends_at: wall(ends),
                is_timeout: fires && series.is_endless,
                generator_url: Box::default(),
            });
        }
        self.note(&Event::Post {
            request,
            alerts: noted,
        });
        let batch = NewAlerts {
            received_at: self.world.clock.wall(),
            alerts,
            sender: None,
        };
        let (backend, world) = (server.backend(), Arc::clone(&self.world));
        tokio::spawn(async move {
            let result = backend.submit_alerts(batch).await;
            world.answer(Answer {
                request,
                is_ok: result.is_ok(),
                id: None,
            });
        });
    }

    fn silence(&mut self, server: Option<&Server>) {
        let unit = self.setting.unit_ms;
        if self.is_healed {
            return;
        }
        self.plan_in(unit * 4, What::Silence);
        let Some(server) = server else {
            return;
        };
        let now = self.world.now();
        let ends = now + about(&self.entropy, unit * 3);
        let chosen = self.entropy.below(self.series.len() as u64) as usize;
        let (series, matcher): (Vec<usize>, String) = match one_in(&self.entropy, 3) {
            true => {
                let group = chosen % GROUPS;
                let of_group = (group..self.series.len()).step_by(GROUPS);
                (of_group.collect(), format!("g=\"{group}\""))
            }
            false => (vec![chosen], format!("alertname=\"A{chosen}\"")),
        };
        let Ok(matchers) = Mode::default().parse_matchers(&matcher) else {
            return;
        };
        let number = self.oracle.silence_sent(series.clone(), ends);
        let request = self.new_request(Request::Silence(number));
        self.note(&Event::Silence {
            request,
            number,
            series,
            ends,
        });
        let silence = NewSilence {
            id: String::new(),
            matchers: matchers.value.into_iter().collect(),
            starts_at: wall(now),
            ends_at: wall(ends),
            created_by: "ana".to_owned(),
            comment: "simulated".to_owned(),
            annotations: LabelSet::default(),
            received_at: self.world.clock.wall(),
        };
        let (backend, world) = (server.backend(), Arc::clone(&self.world));
        tokio::spawn(async move {
            let result = backend.set_silence(silence).await;
            world.answer(Answer {
                request,
                is_ok: result.is_ok(),
                id: result.ok(),
            });
        });
        if one_in(&self.entropy, 2) {
            self.plan_in(unit, What::Expire(number));
        }
    }

    fn expire(&mut self, number: usize, server: Option<&Server>) {
        let Some(server) = server else {
            return self.plan_in(self.setting.unit_ms, What::Expire(number));
        };
        let Some(id) = self.oracle.id_to_expire(number, self.world.now()) else {
            return;
        };
        self.oracle.expire_sent(number);
        let request = self.new_request(Request::Expire(number));
        self.note(&Event::Expire { request, number });
        let (backend, world) = (server.backend(), Arc::clone(&self.world));
        tokio::spawn(async move {
            let result = backend.expire_silence(&id).await;
            world.answer(Answer {
                request,
                is_ok: result.is_ok(),
                id: None,
            });
        });
    }

    /// Tells the oracle what clients and receivers have seen.
    pub(super) fn look_around(&mut self) {
        for seen in self.world.take_seen() {
            match seen {
                Seen::Message(message) => {
                    let (head, _) = message.key.split_at(8);
                    let key = head.iter().fold(0, |key, byte| key << 8 | u64::from(*byte));
                    let event = Event::Message {
                        target: message.target,
                        group: message.group,
                        flush: message.flush,
                        attempt: message.attempt,
                        recovered: message.is_recovered,
                        key,
                        reason: message.reason.clone(),
                        alerts: message.alerts.clone(),
                        then: format!("{:?}", message.health),
                    };
                    self.log.push(message.at, &event);
                    self.oracle.message(message);
                    if self.fills_at_message {
                        self.fill(true);
                    }
                }
                Seen::Taken { at, target, flush } => {
                    self.log.push(at, &Event::Taken { target, flush });
                    self.oracle.taken(target, flush);
                }
            }
        }
        let now = self.world.now();
        for answer in self.world.take_answers() {
            let (request, ok) = (answer.request, answer.is_ok);
            self.note(&Event::Answer { request, ok });
            let Some(asked) = self.requests.remove(&request) else {
                continue;
            };
            match (asked, ok, answer.id) {
                (Request::Alerts(claims), true, _) => {
                    for (series, claim) in claims {
                        self.oracle.acknowledged(request, series, claim, now);
                    }
                }
                (Request::Silence(number), true, Some(id)) => {
                    self.oracle.silence_acknowledged(number, id, now);
                }
                (Request::Expire(number), true, _) => {
                    self.oracle.expire_acknowledged(number, now);
                }
                _ => {}
            }
        }
    }

    /// A record is applied.
    pub(super) fn applied(&mut self, lsn: Lsn, record: &Record) {
        self.note(&Event::Record {
            lsn: lsn.0,
            kind: u16::from(record.record_type().0),
        });
        if let Record::FlushIntent(intent) = record {
            let intent = intent.clone();
            let key = &intent.key;
            let group = group_of(&key.group_key);
            let intended = (intent.reason, intent.firing, intent.resolved);
            self.oracle
                .intended(&key.receiver, key.index, group, &intended);
        }
        if let Record::NotifyResult(result) = record {
            let (receiver, index) = (&result.key.receiver, result.key.index);
            let group = group_of(&result.key.group_key);
            match result.outcome.as_str() {
                "delivered" => self.oracle.durable(receiver, index, group, result.flush_id),
                "superseded" => self.oracle.superseded(receiver, index, group),
                "failed" if result.detail.contains("the process ended") => {
                    self.oracle.left_out(receiver, index, group);
                }
                _ => {}
            }
        }
    }

    // The world.

    fn set_health(&mut self, target: usize, health: Health) {
        self.world.set_health(target, health);
        self.note(&Event::Receiver {
            target,
            health: format!("{health:?}"),
        });
        self.oracle.receiver(target, health, self.world.now());
    }

    fn break_receiver(&mut self, target: usize) {
        if self.is_healed {
            return;
        }
        let faults = Health::FAULTS;
        let fault = faults[self.entropy.below(faults.len() as u64) as usize];
        self.set_health(target, fault);
        self.plan_in(self.setting.unit_ms * 2, What::Mend(target));
    }

    fn fill(&mut self, is_full: bool) {
        if self.is_healed {
            return;
        }
        self.fills_at_message = false;
        if is_full && self.is_disk_full {
            return;
        }
        if is_full {
            let full = FaultKind::Error(Errno::Enospc);
            for call in [Call::Pwrite, Call::Preallocate] {
                self.disk.inner().plan(Fault::from(call, 1, full));
            }
            (self.is_disk_full, self.is_disk_faulty) = (true, true);
            // The server tries again ten times a second.
            let until = self.world.now() + between(&self.entropy, 100, 20_000);
            self.plan(until, What::Empty);
        } else {
            self.empty();
            self.plan_in(self.setting.unit_ms * 20, What::Fill);
        }
        let what = if is_full { "full" } else { "not full" }.to_owned();
        self.note(&Event::Disk { what });
        self.oracle.sound(!is_full, self.world.now());
    }

    fn empty(&mut self) {
        self.disk.inner().heal();
        self.is_disk_full = false;
    }

    pub(super) fn checkpoint(&mut self, server: &Server) {
        let ok = server.checkpoint().is_ok();
        self.is_comparable |= ok;
        self.note(&Event::Checkpoint { ok });
    }

    /// A checkpoint, if one is due, once in so many times that this is asked.
    pub(super) fn checkpoint_if_planned(&mut self, server: &Server, times: u64) {
        if self.wants_checkpoint && one_in(&self.entropy, times) {
            self.wants_checkpoint = false;
            self.checkpoint(server);
        }
    }

    /// Whoever could not send while the server was down may do so now.
    pub(super) fn plan_resend(&mut self) {
        if one_in(&self.entropy, 2) {
            let at = self.world.now() + between(&self.entropy, 0, 6);
            self.plan(at, What::Resend);
        }
    }

    fn reload(&mut self, server: Option<&Server>) {
        self.variant = 1 - self.variant;
        let variant = self.variant;
        if let Some(server) = server {
            server.reload(self.blueprint());
        }
        self.is_comparable = false;
        self.note(&Event::Reload { variant });
        self.oracle.reloaded(self.world.now());
    }

    /// Chooses where the process is killed.
    fn aim(&mut self, is_up: bool) {
        if self.is_healed {
            return;
        }
        self.plan_in(self.setting.up_time_ms, What::Kill);
        if !is_up {
            return;
        }
        match self.entropy.below(8) {
            0 | 1 => self.kill_at = Some(KillAt::Now),
            2 => self.kill_at = Some(KillAt::Committed),
            3 => self.kill_at = Some(KillAt::Decided),
            4 => self.world.kill_at_message(AtMessage::Before),
            5 => self.world.kill_at_message(AtMessage::After),
            6 => self.world.kill_at_message(AtMessage::Answered),
            _ => self.disk.die_after(self.entropy.below(12)),
        }
        let latest = self.world.now() + self.setting.unit_ms;
        self.plan(latest, What::KillNow(self.lives));
    }

    fn heal(&mut self, server: Option<&Server>) {
        let now = self.world.now();
        let unit = self.setting.unit_ms;
        self.note(&Event::Healed);
        self.empty();
        for target in 0..self.setting.targets().len() {
            self.set_health(target, Health::Up);
        }
        self.world.clock.set_ahead(0);
        self.oracle.sound(true, now);
        let settle = match self.setting.classes.clock {
            true => self.settle_ms(),
            false => 0,
        };
        if self.setting.classes.clock {
            self.plan(now + settle, What::TrustTimes);
        }
        if server.is_some() {
            self.kill_at = Some(KillAt::Now);
        }
        self.is_healed = true;
        // Series whose senders are gone take their time to end.
        let slowest = self
            .setting
            .resolve_timeout_ms
            .max(4 * self.setting.resend_ms);
        let end = now + settle + slowest + unit * HEALED_UNITS + 60_000;
        self.plan(end, What::End);
    }

    /// When the clock has been right for so long, nothing is left of what it said before.
    fn settle_ms(&self) -> Ms {
        let slowest = self
            .setting
            .resolve_timeout_ms
            .max(4 * self.setting.resend_ms);
        4 * self.setting.unit_ms + slowest
    }

    /// What a kill leaves of the disk.
    pub(super) fn image(&mut self) -> (Image, bool) {
        let inner = self.disk.inner();
        let loses_power = self.setting.classes.power_losses && one_in(&self.entropy, 2);
        match loses_power {
            true if one_in(&self.entropy, 4) => (inner.power_loss(), true),
            true => (inner.random_power_loss(&self.entropy), true),
            false => (inner.image(), false),
        }
    }

    /// The next life gets this disk. What was wrong with the old one is still wrong, but for a sync.
    pub(super) fn put_disk(&mut self, image: &Image) {
        self.disk = MortalDisk::new(SimDisk::new(image));
        self.is_disk_faulty = false;
        if self.is_disk_full {
            // Nobody could start; somebody has made room.
            self.is_disk_full = false;
            self.oracle.sound(true, self.world.now());
        }
    }

    /// How long the process is down.
    pub(super) fn draw_downtime(&mut self) -> Ms {
        let unit = self.setting.unit_ms;
        match self.entropy.below(6) {
            _ if self.is_healed => between(&self.entropy, 1, 2_000),
            0 | 1 => between(&self.entropy, 1, 2_000),
            2 | 3 => between(&self.entropy, 2_000, 30_000),
            4 => between(&self.entropy, unit / 4, unit * 2),
            _ => between(&self.entropy, unit, unit * 8),
        }
    }

    /// Whether it is killed while it comes up, and after how many operations of the disk.
    pub(super) fn draw_kill_in_recovery(&mut self) -> Option<u64> {
        let is_on = self.setting.classes.kills_in_recovery && !self.is_healed;
        (is_on && one_in(&self.entropy, 3)).then(|| self.entropy.below(40))
    }

    /// Everything that was asked of the process that is gone will never be answered.
    pub(super) fn forget_requests(&mut self) {
        self.requests.clear();
    }

    /// How long requests gather before the disk takes them.
    pub(super) fn draw_disk_latency(&mut self) -> Ms {
        match self.setting.classes.slow_disk {
            true if one_in(&self.entropy, 16) => between(&self.entropy, 20, 800),
            true => between(&self.entropy, 0, 5),
            false => 0,
        }
    }
}
