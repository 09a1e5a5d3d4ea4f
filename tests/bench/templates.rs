//! Rendering the default templates: the title and text of a Slack message and the HTML mail, for a
//! group of 1, 50 and 1,000 alerts with 8 labels and 2 annotations each.
//!
//! * `…/prepared`: parsed and escaped once, rendered many times, as the server does it.
//! * `…/whole`: parsed, escaped and rendered each time, as Alertmanager does it.
//!
//! Each includes making the template's values out of the data. How much memory one rendering takes
//! is printed before; the counting allocator stays in place for the timings, which it makes a few
//! per cent longer.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has nothing to tell"
)]
#![expect(
    clippy::print_stdout,
    reason = "the counts of allocations are results, and criterion has no place for them"
)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use gotemplate::time::{Time, Zone};
use tocsin::template::{Alert, Data, Labels, Mode, Options, Templates};

const GROUPS: [usize; 3] = [1, 50, 1000];

const TEMPLATES: [(&str, Mode, &str); 4] = [
    (
        "slack-title",
        Mode::Text,
        r#"{{ template "slack.default.title" . }}"#,
    ),
    (
        "slack-text",
        Mode::Text,
        r#"{{ template "slack.default.text" . }}"#,
    ),
    // The default text of Slack is empty; this is what most others have.
    (
        "message",
        Mode::Text,
        r#"{{ template "pushover.default.message" . }}"#,
    ),
    (
        "mail-html",
        Mode::Html,
        r#"{{ template "email.default.html" . }}"#,
    ),
];

fn data(count: usize) -> Data {
    let labels = |at: usize| -> Labels {
        let own = [
            ("alertname", "HighRequestLatency".to_owned()),
            ("cluster", "eu-west-1".to_owned()),
            ("namespace", "shop".to_owned()),
            ("service", "checkout".to_owned()),
            ("severity", "critical".to_owned()),
            ("team", "payments".to_owned()),
            ("instance", format!("checkout-{at}.example.org:9090")),
            ("pod", format!("checkout-7d9f{at:05}-x2x4z")),
        ];
        own.into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    };
    let alerts = (0..count).map(|at| Alert {
        status: "firing".to_owned(),
        labels: labels(at),
        annotations: [
            ("summary", "Requests take longer than a second"),
            (
                "description",
                "The 99th percentile of <checkout> has been above 1s for 10 minutes & more.",
            ),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect(),
        starts_at: Time::from_unix(1_750_000_000, 0, Zone::utc()),
        generator_url: "http://prometheus.example.org/graph?g0.expr=up+%3E+0&g0.tab=1".to_owned(),
        fingerprint: format!("{at:016x}"),
        ..Alert::default()
    });
    Data::of_alerts(
        alerts.collect(),
        &["alertname".to_owned(), "team".to_owned()],
    )
}

fn render(bench: &mut Criterion) {
    let templates = Templates::new(&Options::default()).unwrap();
    println!(
        "| rendered once prepared | alerts | output | allocations | bytes allocated | at most at a time |"
    );
    println!("|---|---|---|---|---|---|");
    for (name, mode, template) in TEMPLATES {
        let prepared = templates.prepare(mode, template).unwrap();
        for count in GROUPS {
            let data = data(count);
            let mut output = 0;
            let used = allocation_counter::measure(|| {
                output = prepared.render(&data).unwrap().len();
            });
            println!(
                "| {name} | {count} | {output} B | {} | {} | {} B |",
                used.count_total, used.bytes_total, used.bytes_max
            );
        }
    }
    for (name, mode, template) in TEMPLATES {
        let prepared = templates.prepare(mode, template).unwrap();
        let mut group = bench.benchmark_group(format!("templates/{name}"));
        for count in GROUPS {
            let data = data(count);
            group.bench_function(BenchmarkId::new("prepared", count), |bencher| {
                bencher.iter(|| prepared.render(black_box(&data)).unwrap());
            });
            group.bench_function(BenchmarkId::new("whole", count), |bencher| {
                bencher.iter(|| {
                    let value = data.to_pointer();
                    templates
                        .render(mode, black_box(template), &value, &data)
                        .unwrap()
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, render);
criterion_main!(benches);
