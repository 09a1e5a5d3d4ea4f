//! What an active alert costs in memory: counted by the allocator, so in a process of its own.

use std::alloc::System;
use std::sync::Arc;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use tocsin::core::{Core, Integration, OnInDoubt, Policy};
use tocsin::model::RouteTree;
use tocsin::model::route::{GroupBy, RouteSpec};
use tocsin::record::{AlertBatchV1, AlertV1, Lsn, Record};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const ALERTS: usize = 100_000;
const GROUPS: usize = 10_000;
/// The target of the design, in bytes.
const BYTES_PER_ALERT_MAX: usize = 600;

/// Eight labels and two annotations, as an alert of Kubernetes has them.
fn alert(number: usize) -> AlertV1 {
    let labels = [
        ("alertname", "KubePodCrashLooping".to_owned()),
        ("cluster", "prod-eu-1".to_owned()),
        ("container", "main".to_owned()),
        (
            "instance",
            format!("10.0.{}.{}:9100", number / 250 % 250, number % 250),
        ),
        ("job", format!("job-{}", number % GROUPS)),
        ("namespace", "payments".to_owned()),
        ("pod", format!("checkout-7d9f-{number:06}")),
        ("severity", "warning".to_owned()),
    ];
    let annotations = [
        (
            "description",
            format!("Pod payments/checkout-{number:06} is restarting."),
        ),
        ("summary", "Pod is crash looping.".to_owned()),
    ];
    let owned = |pairs: &[(&str, String)]| {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect()
    };
    AlertV1 {
        labels: owned(&labels),
        annotations: owned(&annotations),
        starts_at_ns: 0,
        ends_at_ns: i64::MAX,
        is_timeout: false,
        generator_url: "http://prometheus.example.org/graph?g0.expr=rate%28x%5B5m%5D%29".to_owned(),
    }
}

#[test]
fn an_active_alert_of_eight_labels_costs_no_more_than_the_design_allows() {
    let root = RouteSpec {
        receiver: Some("r".to_owned()),
        group_by: Some(GroupBy::Labels(["job".to_owned()].into())),
        ..RouteSpec::default()
    };
    let webhook = Integration {
        name: "webhook".into(),
        index: 0,
        send_resolved: true,
        on_in_doubt: OnInDoubt::Resend,
    };
    let receivers = [(Arc::from("r"), vec![webhook])];
    let policy = Policy::new(RouteTree::new(root), receivers.into());
    let mut core = Core::new([0; 16], Arc::new(policy));
    let region = Region::new(COUNTING);
    for (lsn, start) in (1..).zip((0..ALERTS).step_by(1_000)) {
        let batch = Record::AlertBatch(AlertBatchV1 {
            tenant: String::new(),
            received_at_ns: 1,
            alerts: (start..start + 1_000).map(alert).collect(),
        });
        core.apply(Lsn(lsn), batch);
    }
    let change = region.change();
    let held = change.bytes_allocated - change.bytes_deallocated;
    let tenant = core.tenants().next();
    let counts = tenant.map(|tenant| (tenant.alerts().len(), tenant.groups().count()));
    assert_eq!(
        (counts, held / ALERTS <= BYTES_PER_ALERT_MAX),
        (Some((ALERTS, GROUPS)), true),
        "{} bytes per alert",
        held / ALERTS
    );
}
