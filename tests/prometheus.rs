//! A real Prometheus sends, the server is killed in the middle, and nothing that was acknowledged is lost.
//!
//! Prometheus is on the `PATH`, or where `scripts/test-deps` put it; without one the test fails.
#![expect(
    clippy::disallowed_methods,
    reason = "this test is about real processes in real time"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tocsin::node::RealClock;
use tocsin_chaos::demo::ledger::Faults;
use tocsin_chaos::demo::{Options, find_prometheus, kills_in_turn, run};

/// The whole run. It takes some twenty seconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// One kill at each moment that there is.
const KILLS: usize = 3;

/// Requests that Prometheus loses each time.
const REFUSED_MIN: usize = 2;

#[test]
fn what_prometheus_was_answered_is_told_although_the_server_is_killed_three_times() {
    // The directory of the build, beside that of the tests.
    let target_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let prometheus = find_prometheus(target_dir).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = Options {
        target: Path::new(env!("CARGO_BIN_EXE_tocsin")),
        prometheus: &prometheus,
        dir: dir.path(),
        kills: &kills_in_turn(KILLS, REFUSED_MIN),
        clock: Arc::new(RealClock::new()),
    };
    let mut progress = Vec::new();
    let report = runtime.block_on(async {
        let running = run(&options, &mut progress);
        tokio::time::timeout(PATIENCE, running).await.unwrap()
    });
    let mut table = progress;
    let report = report.unwrap_or_else(|error| {
        panic!("{error:?}\n{}", String::from_utf8_lossy(&table));
    });
    report.print(&mut table).unwrap();
    assert_eq!(
        (
            report.kills.len(),
            report.dropped.counted,
            report.judged.faults
        ),
        (KILLS, report.dropped.refused, Faults::default()),
        "\n{}",
        String::from_utf8_lossy(&table)
    );
}
