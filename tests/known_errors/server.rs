//! Errors of the parts together. The server is driven in steps.

use std::sync::Arc;
use std::time::Duration;

use tocsin::api::Backend;
use tocsin::api::backend::{NewAlert, NewAlerts, Refusal};
use tocsin::delivery::LaneId;
use tocsin::model::LabelSet;
use tocsin::node::serve::stepped::{Blueprint, Server, Start};
use tocsin::receivers::{Attempt, Integration, Notification, Outcome, ReceiverData};
use tocsin::sys::{
    Call, Clock, Errno, Fault, FaultKind, SeededEntropy, SimDisk, VirtualClock, WallTime,
};
use tocsin::wal::{Environment, LogOptions};

#[derive(Debug)]
struct Willing;

impl Integration for Willing {
    fn attempt<'a>(&'a self, _: &'a Notification) -> Attempt<'a> {
        Box::pin(async { Outcome::Delivered(ReceiverData::new()) })
    }
}

fn willing(_: &LaneId) -> Arc<dyn Integration> {
    Arc::new(Willing)
}

const CONFIG: &str = "
route: {receiver: r, group_wait: 10s}
receivers: [{name: r, webhook_configs: [{url: 'http://r.invalid'}]}]
";

fn opened(environment: &Environment) -> Server {
    let (clock, entropy) = (&environment.clock, &environment.entropy);
    let blueprint = Blueprint::read(CONFIG, Arc::clone(clock), Arc::clone(entropy), willing);
    Server::open(Start {
        environment,
        log: LogOptions {
            segment_bytes: 64 * 1024,
            ..LogOptions::default()
        },
        blueprint: &blueprint.unwrap(),
        runtime: tokio::runtime::Handle::current(),
    })
    .unwrap()
}

/// An alert, and what was answered.
async fn posted(server: &mut Server, now: WallTime) -> Result<(), Refusal> {
    let batch = NewAlerts {
        received_at: now,
        sender: None,
        alerts: vec![NewAlert {
            labels: LabelSet::new([("alertname", "A")]),
            annotations: LabelSet::default(),
            starts_at: now,
            ends_at: WallTime(now.0 + 3_600_000_000_000),
            is_timeout: false,
            generator_url: Box::default(),
        }],
    };
    let backend = server.backend();
    let posted = tokio::spawn(async move { backend.submit_alerts(batch).await });
    while !posted.is_finished() {
        tokio::task::yield_now().await;
        while server.commit() {}
        server.work(|_, _| {});
    }
    posted.await.unwrap()
}

/// The core handed in what a full disk had refused as soon as it was told so, as fast as it could.
#[tokio::test(start_paused = true)]
async fn what_a_full_disk_refuses_is_not_handed_in_again_at_once() {
    let clock = Arc::new(VirtualClock::at(WallTime(1_767_225_600_000_000_000)));
    let disk = SimDisk::default();
    let environment = Environment {
        disk: Arc::new(disk.clone()),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        entropy: Arc::new(SeededEntropy::new(1)),
    };
    let mut server = opened(&environment);
    posted(&mut server, clock.wall()).await.unwrap();
    let full = FaultKind::Error(Errno::Enospc);
    disk.plan(Fault::from(Call::Pwrite, 1, full));
    disk.plan(Fault::from(Call::Preallocate, 1, full));
    let tried = |disk: &SimDisk| disk.calls(Call::Pwrite) + disk.calls(Call::Preallocate);
    let before = tried(&disk);
    let steps = |server: &mut Server| {
        for _ in 0..100 {
            server.work(|_, _| {});
            while server.commit() {}
        }
    };
    // The group is due, and a tenth of a second passes once: two attempts, each of a few calls.
    let mut counts = Vec::new();
    for passed_ms in [11_000, 100] {
        clock.advance(Duration::from_millis(passed_ms));
        steps(&mut server);
        counts.push(tried(&disk) - before);
    }
    let (first, both) = (counts[0], counts[1]);
    assert_eq!(
        (0 < first && first < 10, first < both && both < 20),
        (true, true),
        "calls of the disk: {counts:?}"
    );
}

/// Each start behind a torn tail began another segment, and nothing asked for a checkpoint before the log
/// had 16 MiB of records: a hundred losses of power took a gigabyte.
#[tokio::test(start_paused = true)]
async fn losses_of_power_with_a_torn_tail_do_not_fill_the_disk() {
    /// What two checkpoints may hold on to, the segment that is written, and the next.
    const SEGMENTS_MAX: usize = 12;
    let clock = Arc::new(VirtualClock::at(WallTime(1_767_225_600_000_000_000)));
    let mut disk = SimDisk::default();
    let mut most = 0;
    for _ in 0..60 {
        clock.advance(Duration::from_secs(1));
        let environment = Environment {
            disk: Arc::new(disk.clone()),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            entropy: Arc::new(SeededEntropy::new(1)),
        };
        let mut server = opened(&environment);
        if server.takes_checkpoint() {
            server.checkpoint().unwrap();
        }
        posted(&mut server, clock.wall()).await.unwrap();
        let torn = FaultKind::PartThenError(60, Errno::Eio);
        disk.plan(Fault::from(Call::Pwrite, 1, torn));
        assert!(posted(&mut server, clock.wall()).await.is_err());
        let image = disk.image();
        let is_segment =
            |path: &&std::path::PathBuf| path.extension().is_some_and(|it| it == "wal");
        most = most.max(image.files.keys().filter(is_segment).count());
        disk = SimDisk::new(&image);
    }
    assert!(most <= SEGMENTS_MAX, "{most} segments");
}
