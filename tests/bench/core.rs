//! The core with 100,000 alerts in 10,000 groups: a batch of 64 touches, a tick of one group, of all
//! groups, and a look at the clock when nothing is due.
//!
//! ```text
//! cargo bench --bench core
//! ```

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion};

use tocsin::core::{Core, Integration, NewAlert, OnInDoubt, Policy};
use tocsin::model::RouteTree;
use tocsin::model::route::{GroupBy, RouteSpec};
use tocsin::record::{AlertBatchV1, AlertV1, Lsn, Record};
use tocsin::sys::WallTime;

const ALERTS: usize = 100_000;
const GROUPS: usize = 10_000;
const TOUCHED: usize = 64;
const SECOND_NS: i64 = 1_000_000_000;

fn alert(number: usize) -> AlertV1 {
    let pair = |name: &str, value: String| (name.to_owned(), value);
    AlertV1 {
        labels: vec![
            pair("alertname", "KubePodCrashLooping".to_owned()),
            pair("cluster", "prod-eu-1".to_owned()),
            pair("container", "main".to_owned()),
            pair(
                "instance",
                format!("10.0.{}.{}:9100", number / 250 % 250, number % 250),
            ),
            pair("job", format!("job-{}", number % GROUPS)),
            pair("namespace", "payments".to_owned()),
            pair("pod", format!("checkout-7d9f-{number:06}")),
            pair("severity", "warning".to_owned()),
        ],
        annotations: vec![
            pair(
                "description",
                format!("Pod payments/checkout-{number:06} is restarting."),
            ),
            pair("summary", "Pod is crash looping.".to_owned()),
        ],
        starts_at_ns: 0,
        ends_at_ns: 240 * SECOND_NS,
        is_timeout: false,
        generator_url: "http://prometheus.example.org/graph".to_owned(),
    }
}

fn filled() -> Core {
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
    let policy = Policy::new(
        RouteTree::new(root),
        [(Arc::from("r"), vec![webhook])].into(),
    );
    let mut core = Core::new([0; 16], Arc::new(policy));
    for (lsn, start) in (1..).zip((0..ALERTS).step_by(1_000)) {
        let batch = Record::AlertBatch(AlertBatchV1 {
            tenant: String::new(),
            received_at_ns: 1,
            alerts: (start..start + 1_000).map(alert).collect(),
        });
        core.apply(Lsn(lsn), batch);
    }
    core
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    let mut core = filled();
    let mut round = 0;
    let touches: Vec<Record> = (0..ALERTS / TOUCHED)
        .map(|place| {
            let alerts = (0..TOUCHED).map(|it| alert((place + it * (ALERTS / TOUCHED)) % ALERTS));
            let alerts: Vec<NewAlert> = alerts.map(NewAlert::from).collect();
            let admission = core.tenant_entry("").admit(WallTime(2), &alerts);
            admission.records[0].clone()
        })
        .collect();
    criterion.bench_function("apply of a batch of 64 touches", |bench| {
        bench.iter_batched(
            || {
                round += 1;
                (
                    Lsn(1_000_000 + round as u64),
                    touches[round % touches.len()].clone(),
                )
            },
            |(lsn, record)| core.apply(lsn, record),
            BatchSize::SmallInput,
        );
    });
    criterion.bench_function("admission of a batch of 64 that are touches", |bench| {
        bench.iter_batched(
            || {
                let alerts = (0..TOUCHED).map(|it| alert(it * 1_500));
                alerts.map(NewAlert::from).collect::<Vec<_>>()
            },
            |alerts| core.tenant_entry("").admit(WallTime(2), &alerts),
            BatchSize::SmallInput,
        );
    });
    criterion.bench_function("decide when nothing is due", |bench| {
        bench.iter(|| core.decide(black_box(WallTime(3))));
    });
    criterion.bench_function("decide when all 10,000 groups are due", |bench| {
        bench.iter_batched(
            || core.clone(),
            |mut core| {
                let actions = core.decide(WallTime(31 * SECOND_NS));
                (core, actions)
            },
            BatchSize::PerIteration,
        );
    });
    criterion.bench_function("counts of 100,000 alerts by state", |bench| {
        bench.iter(|| {
            let tenant = core.tenant("");
            tenant.map(|tenant| tenant.alert_counts(black_box(WallTime(3))))
        });
    });
    criterion.bench_function(
        "plan and record of a recovery when all groups are due",
        |bench| {
            bench.iter_batched(
                || core.clone(),
                |mut core| {
                    let now = WallTime(100 * SECOND_NS);
                    for record in core.plan_recovery(WallTime(3), now) {
                        core.apply(Lsn(2_000_000), record);
                    }
                    let report = core.resume(now, now);
                    (core, report)
                },
                BatchSize::PerIteration,
            );
        },
    );
    criterion.bench_function("state hash of all", |bench| {
        bench.iter(|| core.state_hash());
    });
    criterion.final_summary();
}
