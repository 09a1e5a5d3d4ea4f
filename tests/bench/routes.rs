//! A large configuration: 5,000 routes and 2,000 receivers.
//!
//! * `load/…`: from the text to the tree of routes, everything checked.
//! * `route/…`: the routes that take an alert with 8 labels.
//!
//! Three shapes. `teams`: 1,000 teams with four routes each below them, the alert's severity and
//! service deciding. `wide`: 5,000 routes side by side, each for one service and severity. `patterns`:
//! the same, every fourth with a regular expression that must be run, as `=~"service-17-.*"`.

#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot go on has nothing to tell"
)]

use std::fmt::Write;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use tocsin::config::{Options, load};
use tocsin::model::LabelSet;

const ROUTES: usize = 5_000;
const RECEIVERS: usize = 2_000;
const ALERTS: usize = 1_000;

/// The text of a configuration with these routes below the root.
fn text(routes: &str) -> String {
    let mut text = format!(
        "route:\n  receiver: r0\n  group_by: [alertname, cluster]\n  routes:\n{routes}receivers:\n"
    );
    for receiver in 0..RECEIVERS {
        writeln!(
            text,
            "- name: r{receiver}\n  webhook_configs:\n  - url: http://receiver-{receiver}.example.com:8080/alerts\n    send_resolved: true"
        )
        .expect("a string takes anything");
    }
    text
}

fn teams() -> String {
    let mut routes = String::new();
    for team in 0..ROUTES / 5 {
        let receiver = 2 * team % RECEIVERS;
        write!(
            routes,
            "  - matchers: ['team=\"team-{team}\"']\n    receiver: r{receiver}\n    routes:\n    - matchers: [severity=critical, 'env!=\"test\"']\n      receiver: r{}\n      continue: true\n    - matchers: [severity=warning]\n      group_wait: 1m\n    - matchers: ['service=~\"api|db|web\"']\n      group_by: [service]\n    - matchers: ['service=~\"cron-.*\"']\n      repeat_interval: 12h\n",
            receiver + 1
        )
        .expect("a string takes anything");
    }
    routes
}

fn wide(patterns: bool) -> String {
    let mut routes = String::new();
    for route in 0..ROUTES - 1 {
        let receiver = route % RECEIVERS;
        let service = if patterns && route % 4 == 0 {
            format!("service=~\"service-{route}-.*\"")
        } else {
            format!("service=\"service-{route}-x\"")
        };
        writeln!(
            routes,
            "  - matchers: ['{service}', severity=critical]\n    receiver: r{receiver}"
        )
        .expect("a string takes anything");
    }
    routes
}

fn alerts(service: impl Fn(usize) -> String) -> Vec<LabelSet> {
    let one = |at: usize| {
        LabelSet::new([
            ("alertname", "InstanceDown".to_owned()),
            ("cluster", format!("cluster-{}", at % 10)),
            ("env", "production".to_owned()),
            ("instance", format!("10.0.{}.{}:9100", at / 250, at % 250)),
            ("job", "node".to_owned()),
            ("service", service(at)),
            (
                "severity",
                ["critical", "warning", "info"][at % 3].to_owned(),
            ),
            ("team", format!("team-{}", at * 7 % 1_100)),
        ])
    };
    (0..ALERTS).map(one).collect()
}

fn routes(criterion: &mut Criterion) {
    let of_team = |at: usize| ["api", "db", "cron-backup", "other"][at % 4].to_owned();
    let of_service = |at: usize| format!("service-{}-x", at * 3 % 5_500);
    let shapes = [
        ("teams", text(&teams()), alerts(of_team)),
        ("wide", text(&wide(false)), alerts(of_service)),
        ("patterns", text(&wide(true)), alerts(of_service)),
    ];
    let options = Options::default();
    let mut group = criterion.benchmark_group("load");
    group.sample_size(10);
    for (shape, text, _) in &shapes {
        group.bench_with_input(BenchmarkId::from_parameter(shape), text, |bencher, text| {
            bencher.iter(|| {
                let loaded = load(text.as_bytes(), &options).expect("the configuration is valid");
                loaded.config.route_tree()
            });
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group("route");
    for (shape, text, alerts) in &shapes {
        let loaded = load(text.as_bytes(), &options).expect("the configuration is valid");
        let tree = loaded.config.route_tree();
        assert!(ROUTES <= tree.routes().len() + 1, "{}", tree.routes().len());
        let mut next = alerts.iter().cycle();
        group.bench_function(BenchmarkId::from_parameter(shape), |bencher| {
            bencher.iter(|| next.next().map(|alert| black_box(tree.matching(alert))));
        });
    }
    group.finish();
}

criterion_group!(benches, routes);
criterion_main!(benches);
