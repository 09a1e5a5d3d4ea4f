//! Histories made by hand.

use tocsin_chaos::checker::{Invariant, Kind, Verdict, check};
use tocsin_chaos::history::{
    At, Entry, Event, FORMAT, How, Integration, Labels, Outcome, Policy, Posted, Route, Status,
    Then, Told, Wall,
};

use Status::{Firing, Resolved};

/// A story: events at milliseconds, in any order.
#[derive(Clone)]
pub(crate) struct Story {
    pub(crate) entries: Vec<Entry>,
    pub(crate) requests: u64,
    pub(crate) messages: u64,
}

pub(crate) fn labels(name: &str) -> Labels {
    [
        ("alertname".to_owned(), "A".to_owned()),
        ("seq".to_owned(), name.to_owned()),
    ]
    .into()
}

pub(crate) const GROUP: &str = "{}:{alertname=\"A\"}";

impl Story {
    /// A server that is up from 0 to 20 s, and healed at 10 s. One integration, one group.
    pub(crate) fn new() -> Self {
        let mut story = Self {
            entries: Vec::new(),
            requests: 0,
            messages: 0,
        };
        let policy = Policy {
            group_by: vec!["alertname".to_owned()],
            group_wait_ms: 200,
            group_interval_ms: 500,
            repeat_interval_ms: 3_600_000,
            bound_ms: 5_000,
            tolerance_ms: 1_000,
            routes: vec![Route {
                when: Labels::new(),
                integrations: vec![Integration {
                    name: "hook".to_owned(),
                    send_resolved: true,
                }],
            }],
        };
        story.at(
            0,
            Event::Run {
                format: FORMAT,
                target: "story".to_owned(),
                seed: 0,
                policy,
            },
        );
        story.at(0, Event::Boot { pid: 1 });
        story.at(0, Event::Ready);
        story.at(10_000, Event::Heal);
        story.at(20_000, Event::End);
        story
    }

    pub(crate) fn at(&mut self, ms: u64, event: Event) {
        self.entries.push(Entry {
            at: At(ms * 1_000_000),
            wall: Wall(1_000_000_000_000_000_000 + ms.cast_signed() * 1_000_000),
            event,
        });
    }

    pub(crate) fn request(
        mut self,
        ms: u64,
        outcome: Outcome,
        event: impl FnOnce(u64) -> Event,
    ) -> Self {
        self.requests += 1;
        let request = self.requests;
        self.at(ms, event(request));
        self.at(ms + 10, Event::PostEnd { request, outcome });
        self
    }

    pub(crate) fn post_as(
        self,
        ms: u64,
        alerts: &[(&str, Status)],
        outcome: Outcome,
        is_valid: bool,
    ) -> Self {
        let alerts = alerts.iter().map(|(name, status)| Posted {
            labels: labels(name),
            status: *status,
            ends_at: match status {
                Firing => Wall(2_000_000_000_000_000_000),
                Resolved => Wall(1_000_000_000_000_000_000 + ms.cast_signed() * 1_000_000),
            },
            is_valid,
        });
        let alerts: Vec<Posted> = alerts.collect();
        self.request(ms, outcome, |request| Event::PostBegin {
            request,
            sender: "once".to_owned(),
            alerts,
            tenant: String::new(),
        })
    }

    /// Posted, and answered 200 after 10 ms.
    pub(crate) fn post(self, ms: u64, alerts: &[(&str, Status)]) -> Self {
        self.post_as(ms, alerts, Outcome::Status(200), true)
    }

    pub(crate) fn told_as(
        self,
        ms: u64,
        alerts: &[(&str, Status)],
        key: Option<&str>,
        then: Then,
    ) -> Self {
        self.told_to("hook", ms, alerts, key, then)
    }

    pub(crate) fn told_to(
        mut self,
        integration: &str,
        ms: u64,
        alerts: &[(&str, Status)],
        key: Option<&str>,
        then: Then,
    ) -> Self {
        self.messages += 1;
        let message = self.messages;
        let fires = alerts.iter().any(|(_, status)| *status == Firing);
        let event = Event::SinkRecv {
            message,
            integration: integration.to_owned(),
            key: key.map(str::to_owned),
            attempt: None,
            group: GROUP.to_owned(),
            status: if fires { Firing } else { Resolved },
            alerts: alerts
                .iter()
                .map(|(name, status)| Told {
                    labels: labels(name),
                    status: *status,
                    ends_at: Wall(0),
                })
                .collect(),
            then,
            tenant: String::new(),
        };
        self.at(ms, event);
        self.at(ms + 5, Event::SinkEnd { message });
        self
    }

    /// Told, under a key of its own, and answered after 5 ms.
    pub(crate) fn told(self, ms: u64, alerts: &[(&str, Status)]) -> Self {
        let key = ms.to_string();
        self.told_as(ms, alerts, Some(&key), Then::Ok)
    }

    /// Killed, and up again.
    pub(crate) fn down(mut self, from_ms: u64, to_ms: u64) -> Self {
        let kill = Event::Kill {
            how: How::Kill,
            point: String::new(),
        };
        self.at(from_ms, kill);
        self.at(to_ms - 10, Event::Boot { pid: 2 });
        self.at(to_ms, Event::Ready);
        self
    }

    /// With an integration beside the first, `sibling`, on the same route.
    pub(crate) fn with_a_sibling(mut self) -> Self {
        for entry in &mut self.entries {
            if let Event::Run { policy, .. } = &mut entry.event {
                policy.routes[0].integrations.push(Integration {
                    name: "sibling".to_owned(),
                    send_resolved: true,
                });
            }
        }
        self
    }

    /// Stopped with SIGSTOP for that time.
    pub(crate) fn held(self, from_ms: u64, to_ms: u64) -> Self {
        self.with(from_ms, Event::Held { is_held: true })
            .with(to_ms, Event::Held { is_held: false })
    }

    pub(crate) fn silence(self, ms: u64, name: &str, until_ms: i64) -> Self {
        let wall = |ms: i64| Wall(1_000_000_000_000_000_000 + ms * 1_000_000);
        self.request(ms, Outcome::Status(200), |request| Event::SilenceBegin {
            request,
            silence: "s".to_owned(),
            matchers: labels(name),
            starts_at: wall(ms.cast_signed()),
            ends_at: wall(until_ms),
        })
    }

    pub(crate) fn expire(self, ms: u64) -> Self {
        self.request(ms, Outcome::Status(200), |request| Event::ExpireBegin {
            request,
            silence: "s".to_owned(),
        })
    }

    pub(crate) fn with(mut self, ms: u64, event: Event) -> Self {
        self.at(ms, event);
        self
    }

    pub(crate) fn view(self, ms: u64, alerts: &[&str], silences: &[&str]) -> Self {
        let alerts: Vec<Labels> = alerts.iter().map(|name| labels(name)).collect();
        let silences = silences.iter().map(|name| (*name).to_owned()).collect();
        self.with(
            ms,
            Event::View {
                grouped: alerts.clone(),
                alerts,
                silences,
            },
        )
    }

    pub(crate) fn verdict(&self) -> Verdict {
        let mut entries = self.entries.clone();
        entries.sort_by_key(|entry| entry.at);
        check(&entries)
    }

    /// Which invariants it names, and as what.
    pub(crate) fn named(&self) -> Vec<(Invariant, Kind)> {
        let violations = self.verdict().violations;
        let mut named: Vec<(Invariant, Kind)> = violations
            .iter()
            .map(|it| (it.invariant, it.kind))
            .collect();
        named.dedup();
        named
    }
}

/// An alert that fires at 1 s and is over at 4 s, both told in time.
pub(crate) fn sound() -> Story {
    Story::new()
        .post(1_000, &[("1", Firing)])
        .told(1_210, &[("1", Firing)])
        .post(4_000, &[("1", Resolved)])
        .told(4_210, &[("1", Resolved)])
}
