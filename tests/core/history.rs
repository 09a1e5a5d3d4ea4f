//! Random histories: what happens to a server, and what has to be true at the end of each.

use std::collections::BTreeMap;

use proptest::prelude::*;

use tocsin::core::{Action, InhibitRule, Integration, Policy};
use tocsin::model::TimeInterval;
use tocsin::model::route::RouteSpec;
use tocsin::model::time_interval::TimeRange;

use crate::support::{
    Health, World, alert, at, integration, matchers, policy, restored, route, seconds, sections,
};

/// Something that happens.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Fire(u8),
    /// As Prometheus sends it: it ends by itself if it is not sent again.
    Touch(u8),
    /// As a sender without an end does: the end is this server's guess.
    Guess(u8),
    Resolve(u8),
    Wait(u16),
    Silence(u8, u16),
    /// One of the silences so far ends early.
    Expire(u8),
    /// Of the webhook, or of the e-mail.
    Health(bool, Health),
    Crash(u16),
    /// Again before it has caught up.
    CrashTwice(u16, u8, u16),
    /// While it decides: so many of the records are durable, and nothing is sent.
    Torn(u8, u16),
    /// The clock jumps, and someone notices.
    Clock(i16),
    Reload(u8),
    /// With a checkpoint right after it, as the server takes one; or a crash comes first, so many seconds
    /// later.
    Regroup(u8, Option<u8>),
    /// The configuration changes while the process is down.
    CrashInto(u8, u16),
    Checkpoint,
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let health = prop_oneof![
        3 => Just(Health::Up),
        1 => Just(Health::Down),
        1 => Just(Health::Stuck),
        1 => Just(Health::Silent),
    ];
    prop_oneof![
        6 => (0u8..9).prop_map(Step::Fire),
        4 => (0u8..9).prop_map(Step::Touch),
        1 => (0u8..9).prop_map(Step::Guess),
        4 => (0u8..9).prop_map(Step::Resolve),
        8 => (1u16..700).prop_map(Step::Wait),
        2 => (0u8..9, 1u16..2_000).prop_map(|(which, time)| Step::Silence(which, time)),
        1 => any::<u8>().prop_map(Step::Expire),
        2 => (any::<bool>(), health).prop_map(|(which, health)| Step::Health(which, health)),
        2 => (0u16..2_000).prop_map(Step::Crash),
        1 => (0u16..2_000, 0u8..40, 0u16..2_000)
            .prop_map(|(first, between, second)| Step::CrashTwice(first, between, second)),
        1 => (0u8..6, 0u16..700).prop_map(|(kept, time)| Step::Torn(kept, time)),
        1 => (-4_000i16..4_000).prop_map(Step::Clock),
        1 => (0u8..2).prop_map(Step::Reload),
        1 => Just(Step::Checkpoint),
    ]
}

/// Steps with receivers that are up, and nothing that keeps alerts back.
pub(crate) fn plain_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u8..9).prop_map(Step::Fire),
        2 => (0u8..9).prop_map(Step::Touch),
        4 => (0u8..9).prop_map(Step::Resolve),
        3 => (1u16..700).prop_map(Step::Wait),
        4 => (0u16..1_000).prop_map(Step::Crash),
        1 => Just(Step::Checkpoint),
    ]
}

/// Steps with configurations that group and route otherwise.
pub(crate) fn regroup_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => step().prop_map(|step| match step {
            Step::Reload(variant) => Step::Regroup(variant, None),
            step => step,
        }),
        1 => (3u8..8, prop::option::of(0u8..40))
            .prop_map(|(variant, crash)| Step::Regroup(variant, crash)),
        1 => (3u8..8, 0u16..2_000).prop_map(|(variant, time)| Step::CrashInto(variant, time)),
    ]
}

/// Alerts 0 to 8 in three groups; three alerts of each.
pub(crate) fn text(which: u8) -> String {
    format!("A{which} n={}", which % 3)
}

/// Ten minutes of each hour.
fn some_minutes() -> Vec<TimeInterval> {
    let times = (0..24)
        .map(|hour| TimeRange::parse(&format!("{hour:02}:10"), &format!("{hour:02}:20")).unwrap());
    vec![TimeInterval {
        times: Some(times.collect()),
        ..TimeInterval::default()
    }]
}

/// One receiver with a webhook and an e-mail, which is not told of ends; A0 inhibits others; alerts of one
/// group are muted now and then. In variant 2 nothing is kept back.
pub(crate) fn the_policy(variant: u8) -> Policy {
    let mut root = route("r", &["n"]);
    if variant == 1 {
        root.repeat_interval = seconds(1_200);
    }
    if variant == 2 {
        return policy(root, &["r"]);
    }
    root.routes = vec![RouteSpec {
        matchers: matchers("n=2"),
        mute_time_intervals: vec!["minutes".to_owned()],
        ..RouteSpec::default()
    }];
    let mut policy = policy(root, &[]);
    let email = Integration {
        send_resolved: false,
        ..integration("email", 0)
    };
    policy
        .receivers
        .insert("r".into(), vec![integration("webhook", 0), email]);
    policy.inhibit_rules = vec![InhibitRule {
        source: matchers("alertname=A0"),
        target: matchers("alertname=~\"A1|A3\""),
        ..InhibitRule::default()
    }];
    policy
        .time_intervals
        .insert("minutes".to_owned(), some_minutes());
    policy.hash = u64::from(variant);
    policy
}

/// Policies in which alerts of other groups go to the same receiver. What was told in one of them and told
/// otherwise in another is told again after `repeat_interval` at the latest, as Alertmanager does it.
pub(crate) fn grouped(variant: u8) -> Policy {
    let repeat = RouteSpec {
        repeat_interval: seconds(1_200),
        ..route("r", &["n"])
    };
    let root = match variant {
        3 => repeat,
        4 => RouteSpec {
            repeat_interval: seconds(1_200),
            ..route("r", &[])
        },
        5 => RouteSpec {
            routes: vec![RouteSpec {
                matchers: matchers("n=1"),
                ..route("r", &["alertname"])
            }],
            ..repeat
        },
        // Two routes with one key.
        6 => RouteSpec {
            routes: vec![
                RouteSpec {
                    continues: true,
                    ..route("s", &["n"])
                },
                route("r", &["n"]),
            ],
            ..repeat
        },
        _ => RouteSpec {
            routes: vec![RouteSpec {
                matchers: matchers("alertname=~\"A1|A2|A6\""),
                ..route("r", &[])
            }],
            ..repeat
        },
    };
    let (mut policy, other) = (policy(root, &["s"]), the_policy(0));
    policy
        .receivers
        .insert("r".into(), other.receivers["r"].clone());
    policy.hash = u64::from(variant);
    policy
}

/// What the steps have to know of each other.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    silences: u32,
    /// The latest time that it ever was.
    latest: i64,
}

impl History {
    /// Does a step. Whether the receivers have all answers again is up to the steps.
    pub(crate) fn act(&mut self, world: &mut World, step: &Step) {
        let now = world.now;
        match step {
            Step::Fire(which) => {
                drop(world.post_alerts(vec![alert(&text(*which), now, 10_000_000)]));
            }
            Step::Touch(which) => drop(world.post_alerts(vec![alert(&text(*which), 0, now + 240)])),
            Step::Guess(which) => {
                let mut guessed = alert(&text(*which), now, now + 300);
                guessed.is_timeout = true;
                world.post_alerts(vec![guessed]);
            }
            Step::Resolve(which) => drop(world.post_alerts(vec![alert(&text(*which), 0, now)])),
            Step::Wait(time) => world.run(now + i64::from(*time)),
            Step::Silence(which, time) => {
                self.silences += 1;
                let until = now + i64::from(*time);
                let id = self.silences.to_string();
                world.silence(&id, &format!("alertname=A{which}"), until);
            }
            Step::Expire(which) => {
                let id = u32::from(*which) % (self.silences + 1);
                if world
                    .core
                    .tenant("")
                    .is_some_and(|it| it.silences().get(&id.to_string()).is_some())
                {
                    world.expire(&id.to_string());
                }
            }
            Step::Health(is_webhook, health) => {
                let which = match is_webhook {
                    true => "r/webhook",
                    false => "r/email",
                };
                world.health.insert(which.to_owned(), *health);
            }
            Step::Crash(time) => world.crash(now + i64::from(*time)),
            Step::CrashTwice(first, between, second) => {
                world.crash(now + i64::from(*first));
                world.run(world.now + i64::from(*between));
                world.crash(world.now + i64::from(*second));
            }
            Step::Torn(kept, time) => {
                let actions = world.core.decide(at(now));
                let records = actions.into_iter().filter_map(|action| match action {
                    Action::Append(record) => Some(record),
                    _ => None,
                });
                let durable: Vec<_> = records.take(usize::from(*kept)).collect();
                durable.into_iter().for_each(|record| world.append(record));
                world.crash(now + i64::from(*time));
            }
            Step::Clock(jump) => {
                world.heartbeat();
                world.restart(now + i64::from(*jump));
            }
            Step::Reload(variant) => {
                // The log knows nothing of reloads: replay is compared under the last policy only, so all
                // that differs is a time that no group is made of.
                world.reload(the_policy(*variant));
            }
            Step::Checkpoint => {
                let parts = sections(&world.core);
                let core = restored(&parts, &world.policy, now);
                assert_eq!(sections(&core), parts);
                world.checkpoint();
            }
            Step::Regroup(variant, crash) => {
                world.reload(grouped(*variant));
                if let Some(time) = crash {
                    world.run(now + i64::from(*time));
                    world.crash(world.now);
                }
                world.checkpoint();
            }
            Step::CrashInto(variant, time) => {
                world.crash_into(grouped(*variant), now + i64::from(*time));
                world.checkpoint();
            }
        }
        self.latest = self.latest.max(world.now);
    }

    /// The faults end: nothing is in flight, receivers are up, silences and inhibition are over. Then
    /// time goes on until everything must have been told.
    pub(crate) fn heal(&mut self, world: &mut World) {
        world.health.clear();
        world.crash(self.latest.max(world.now) + 3_000);
        for id in 1..=self.silences {
            let id = id.to_string();
            if world
                .core
                .tenant("")
                .is_some_and(|it| it.silences().get(&id).is_some())
            {
                world.expire(&id);
            }
        }
        world.post_alerts(vec![alert(&text(0), 0, world.now)]);
        world.run(world.now + 3_000);
    }
}

/// Which alerts fire, of those that are known.
pub(crate) fn fires(world: &World) -> BTreeMap<String, bool> {
    let now = at(world.now);
    let alerts = world
        .core
        .tenant("")
        .into_iter()
        .flat_map(tocsin::core::Tenant::alerts);
    alerts
        .map(|alert| {
            let name = alert.labels.value("alertname").to_owned();
            (name, !alert.is_resolved_at(now))
        })
        .collect()
}

/// What an integration believes to fire, from everything that it got.
pub(crate) fn believed(world: &World, integration: &str) -> BTreeMap<String, bool> {
    let mut firing = BTreeMap::new();
    let got = world.got.iter();
    let is_of = |key: &tocsin::record::NotificationKeyV1| {
        key.receiver == "r" && key.integration == integration
    };
    for notification in got.filter(|it| is_of(&it.key)) {
        for told in notification.sent() {
            let name = told.alert.labels.value("alertname").to_owned();
            firing.insert(name, !told.is_resolved);
        }
    }
    firing
}

/// The alerts that fire and of which an integration does not know it, and those that ended of which it
/// does not know that.
pub(crate) fn lost(world: &World) -> Vec<String> {
    let fires = fires(world);
    let (webhook, email) = (believed(world, "webhook"), believed(world, "email"));
    let says = |of: &BTreeMap<String, bool>, name: &str| of.get(name).copied().unwrap_or(false);
    let mut lost = vec![];
    for name in (0..9).map(|which| format!("A{which}")) {
        let is_firing = says(&fires, &name);
        if says(&webhook, &name) != is_firing {
            lost.push(format!("webhook: {name} fires: {is_firing}"));
        }
        if is_firing && !says(&email, &name) {
            lost.push(format!("email: {name} fires"));
        }
    }
    for (group, alerts) in world.groups() {
        let ended = alerts.iter().filter(|name| !says(&fires, name));
        lost.extend(ended.map(|name| format!("{group} has {name} still")));
    }
    lost
}

/// The alerts that fire in groups that were due when the process came up.
pub(crate) fn due_and_firing(world: &World) -> Vec<String> {
    let now = at(world.now);
    let tenant = world.core.tenant("");
    let groups = tenant.into_iter().flat_map(|tenant| {
        let due = tenant.groups().filter(|group| group.next_flush_at <= now);
        due.flat_map(|group| tenant.alerts_of(group))
    });
    groups
        .filter(|alert| !alert.is_resolved_at(now))
        .map(|alert| alert.labels.value("alertname").to_owned())
        .collect()
}

/// Whether the receiver knew that an alert fires when it had got so many notifications, or was told later.
pub(crate) fn was_told_firing(world: &World, name: &str, since: usize) -> bool {
    let of_alert = |got: &[tocsin::core::Notification]| -> Vec<bool> {
        let told = got.iter().flat_map(tocsin::core::Notification::sent);
        told.filter(|it| it.alert.labels.value("alertname") == name)
            .map(|it| !it.is_resolved)
            .collect()
    };
    let (before, after) = world.got.split_at(since);
    of_alert(before).last() == Some(&true) || of_alert(after).contains(&true)
}
