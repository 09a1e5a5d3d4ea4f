//! What a body costs to read, and an answer to write: without network, log and core.
//!
//! `cargo bench --bench api`. An alert has 8 labels and 2 annotations, as in `docs/performance.md`. The
//! last lines tell what memory an answer of 100,000 alerts takes beside the alerts themselves.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark tells what it measured, and reads its own memory from the system"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput};
use http_body_util::BodyExt;
use tocsin::api::backend::{ListedAlert, NewAlert, Quiet, Receiver, Settings, StoredAlert};
use tocsin::api::body::Body;
use tocsin::api::v2::decode::decode_alerts;
use tocsin::api::v2::encode::{AlertList, GroupList, ShownGroup};
use tocsin::api::v2::post_alerts::receive;
use tocsin::model::{Fingerprint, LabelSet, Mode};
use tocsin::sys::WallTime;

const ALERTS: usize = 100_000;
const NOW: WallTime = WallTime(1_795_318_796_666_000_000);
const SETTINGS: Settings = Settings {
    resolve_timeout: Duration::from_secs(300),
    mode: Mode::Fallback,
};

/// An alert as Prometheus sends it.
fn posted(number: usize) -> String {
    format!(
        r#"{{"annotations":{{"summary":"Instance node-{number}.example.org:9100 of job node is down","runbook_url":"https://runbooks.example.org/InstanceDown"}},"endsAt":"2026-11-22T03:43:54.509Z","startsAt":"2026-11-22T03:39:54.509Z","generatorURL":"http://prometheus.example.org:9090/graph?g0.expr=up+%3D%3D+0\u0026g0.tab=1","labels":{{"alertname":"InstanceDown","cluster":"eu-west-1","instance":"node-{number}.example.org:9100","job":"node","namespace":"monitoring","pod":"node-exporter-{number}","severity":"critical","team":"infrastructure"}}}}"#
    )
}

fn body(alerts: usize) -> String {
    let alerts: Vec<String> = (0..alerts).map(posted).collect();
    format!("[{}]", alerts.join(","))
}

#[derive(Debug, Clone)]
struct Shared(Arc<NewAlert>, Fingerprint);

impl StoredAlert for Shared {
    fn labels(&self) -> &LabelSet {
        &self.0.labels
    }
    fn annotations(&self) -> &LabelSet {
        &self.0.annotations
    }
    fn generator_url(&self) -> &str {
        &self.0.generator_url
    }
    fn fingerprint(&self) -> Fingerprint {
        self.1
    }
    fn starts_at(&self) -> WallTime {
        self.0.starts_at
    }
    fn ends_at(&self) -> WallTime {
        self.0.ends_at
    }
    fn updated_at(&self) -> WallTime {
        NOW
    }
}

fn stored() -> Vec<Shared> {
    let received = receive(body(ALERTS).as_bytes(), SETTINGS, NOW).expect("the body is good");
    let alerts = received.valid.alerts.into_iter();
    let shared = alerts.map(|alert| {
        let fingerprint = alert.labels.fingerprint();
        Shared(Arc::new(alert), fingerprint)
    });
    shared.collect()
}

fn snapshot(alerts: &[Shared]) -> Vec<ListedAlert<Shared>> {
    let receiver = Receiver {
        name: "team-infrastructure".into(),
        labels: LabelSet::default(),
    };
    let receivers: Arc<[Receiver]> = Arc::from([receiver]);
    let listed = alerts.iter().map(|alert| ListedAlert {
        alert: alert.clone(),
        quiet: Quiet::default(),
        receivers: Arc::clone(&receivers),
    });
    listed.collect()
}

/// One group of all alerts, the worst case for what is held at once.
fn group(alerts: &[Shared]) -> Vec<ShownGroup<Shared>> {
    let receiver = Receiver {
        name: "team-infrastructure".into(),
        labels: LabelSet::default(),
    };
    let receivers: Arc<[Arc<str>]> = Arc::from([Arc::clone(&receiver.name)]);
    let alerts = alerts
        .iter()
        .map(|alert| (alert.clone(), Quiet::default(), Arc::clone(&receivers)));
    vec![ShownGroup {
        labels: LabelSet::new([("alertname", "InstanceDown")]),
        receiver,
        route_labels: LabelSet::default(),
        muted_by: Arc::default(),
        alerts: alerts.collect(),
    }]
}

fn drain(runtime: &tokio::runtime::Runtime, mut body: Body) -> usize {
    runtime.block_on(async {
        let mut bytes = 0;
        while let Some(frame) = body.frame().await {
            let data = frame.expect("bodies do not fail").into_data();
            bytes += black_box(data.expect("data")).len();
        }
        bytes
    })
}

/// A number of kB that the system tells of this process.
fn memory_kb(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|line| line.trim_start_matches(':').trim().split(' ').next());
    number
        .and_then(|number| number.parse().ok())
        .unwrap_or_default()
}

/// What some work holds at most, in kB, beside what was held before.
fn peak_kb(work: impl FnOnce() -> usize) -> (usize, u64) {
    // Linux: the peak is counted anew from here.
    let is_reset = std::fs::write("/proc/self/clear_refs", "5").is_ok();
    let before_kb = memory_kb("VmRSS");
    let bytes = work();
    let peak_kb = memory_kb("VmHWM").saturating_sub(before_kb);
    (bytes, if is_reset { peak_kb } else { 0 })
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    for alerts in [1, 256] {
        let body = body(alerts);
        let mut group = criterion.benchmark_group(format!("POST of {alerts}"));
        group.throughput(Throughput::Elements(alerts as u64));
        group.bench_function("decode", |bench| {
            bench.iter(|| decode_alerts(black_box(body.as_bytes())).map(drop));
        });
        group.bench_function("decode, validate, pack", |bench| {
            bench.iter(|| receive(black_box(body.as_bytes()), SETTINGS, NOW).map(drop));
        });
    }
    let alerts = stored();
    let (bytes, list_kb) =
        peak_kb(|| drain(&runtime, Body::chunks(AlertList::new(snapshot(&alerts)))));
    let (group_bytes, group_kb) =
        peak_kb(|| drain(&runtime, Body::chunks(GroupList::new(group(&alerts)))));
    let mut answers = criterion.benchmark_group(format!("GET of {ALERTS}"));
    answers.sample_size(10);
    answers.bench_function("alerts", |bench| {
        let make = || Body::chunks(AlertList::new(snapshot(&alerts)));
        bench.iter_batched(make, |body| drain(&runtime, body), BatchSize::PerIteration);
    });
    answers.bench_function("one group", |bench| {
        let make = || Body::chunks(GroupList::new(group(&alerts)));
        bench.iter_batched(make, |body| drain(&runtime, body), BatchSize::PerIteration);
    });
    drop(answers);
    println!("GET of {ALERTS}: {bytes} bytes with {list_kb} kB beside the alerts");
    println!(
        "GET of one group of {ALERTS}: {group_bytes} bytes with {group_kb} kB beside the alerts"
    );
    criterion.final_summary();
}
