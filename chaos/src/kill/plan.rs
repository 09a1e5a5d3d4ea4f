//! What one seed decides: how long, how much, and which faults.
//!
//! Each run draws its own mix and leaves whole kinds of faults out: a fault that is always there hides
//! what only shows without it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tocsin::sys::{Entropy, SeededEntropy};

use crate::history::{Integration, Labels, Policy, Route};

/// The bound *B*.
const BOUND_MS: u64 = 5_000;

/// What a machine with two cores, and several servers and senders on it, may add to any one step.
const TOLERANCE_MS: u64 = 1_000;

/// Which faults there are, and how much of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Decides all that follows.
    pub(crate) seed: u64,
    /// SIGKILLs.
    pub(crate) kills: u32,
    /// Longest time from readiness to the next kill.
    pub(crate) up_ms_max: u64,
    /// Longest pause between two requests of a sender.
    pub(crate) pause_ms_max: u64,
    /// Whether receivers fail now and then.
    pub(crate) sick_receivers: bool,
    /// Whether there are silences.
    pub(crate) silences: bool,
    /// Whether the configuration is read again now and then.
    pub(crate) reloads: bool,
    /// Whether the process is held now and then.
    pub(crate) holds: bool,
    /// Whether it is killed before it is ready, now and then.
    pub(crate) early_kills: bool,
    /// Whether it stays down for longer, now and then.
    pub(crate) downtimes: bool,
    /// Whether there is a bad alert in a batch now and then.
    pub(crate) bad_alerts: bool,
}

impl Plan {
    /// The plan of a seed.
    pub(crate) fn draw(seed: u64, kills: u32) -> Self {
        let entropy = stream(seed, "plan");
        let half = || entropy.below(2) == 0;
        Self {
            seed,
            kills,
            up_ms_max: [150, 300, 700][entropy.below(3) as usize],
            pause_ms_max: [10, 40, 120][entropy.below(3) as usize],
            sick_receivers: half(),
            silences: half(),
            reloads: half(),
            holds: half(),
            early_kills: half(),
            downtimes: half(),
            bad_alerts: half(),
        }
    }
}

/// Randomness for one part of the harness. What one part draws does not change what another does.
pub(crate) fn stream(seed: u64, part: &str) -> SeededEntropy {
    let mixed = part.bytes().fold(seed, |mixed, byte| {
        (mixed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    SeededEntropy::new(mixed)
}

/// What is promised: short intervals, so that something happens; two receivers that are told everything,
/// one of pages only, and one that is told of no ends.
pub(crate) fn policy() -> Policy {
    let integration = |name: &str, send_resolved| Integration {
        name: name.to_owned(),
        send_resolved,
    };
    let only = |name: &str, value: &str| Labels::from([(name.to_owned(), value.to_owned())]);
    Policy {
        group_by: vec!["alertname".to_owned(), "sender".to_owned()],
        group_wait_ms: 200,
        group_interval_ms: 500,
        repeat_interval_ms: 3_600_000,
        bound_ms: BOUND_MS,
        tolerance_ms: TOLERANCE_MS,
        routes: vec![
            Route {
                when: Labels::new(),
                integrations: vec![integration("all-1", true), integration("all-2", true)],
            },
            Route {
                when: only("severity", "page"),
                integrations: vec![integration("page", true)],
            },
            Route {
                when: only("severity", "note"),
                integrations: vec![integration("note", false)],
            },
        ],
    }
}

/// The configuration that makes that promise, with webhooks at `http://ADDRESS/NAME`.
pub(crate) fn configuration(policy: &Policy, address: &str) -> String {
    let mut text = String::new();
    let list = policy.group_by.join(", ");
    // Nothing here can fail: it is written into a string.
    let _ = writeln!(
        text,
        "route:\n  receiver: nobody\n  group_by: [{list}]\n  group_wait: {}ms\n  group_interval: {}ms\n  \
         repeat_interval: {}ms\n  routes:",
        policy.group_wait_ms, policy.group_interval_ms, policy.repeat_interval_ms
    );
    for (index, route) in policy.routes.iter().enumerate() {
        let _ = writeln!(text, "  - receiver: route-{index}\n    continue: true");
        if !route.when.is_empty() {
            let matchers: Vec<String> = route
                .when
                .iter()
                .map(|(name, value)| format!("'{name}={value:?}'"))
                .collect();
            let _ = writeln!(text, "    matchers: [{}]", matchers.join(", "));
        }
    }
    let _ = writeln!(text, "receivers:\n- name: nobody");
    for (index, route) in policy.routes.iter().enumerate() {
        let _ = writeln!(text, "- name: route-{index}\n  webhook_configs:");
        for integration in &route.integrations {
            let _ = writeln!(
                text,
                "  - url: http://{address}/{}\n    send_resolved: {}",
                integration.name, integration.send_resolved
            );
        }
    }
    text
}

/// Labels out of pairs.
pub(crate) fn labels(pairs: &[(&str, &str)]) -> Labels {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect::<BTreeMap<_, _>>()
}
