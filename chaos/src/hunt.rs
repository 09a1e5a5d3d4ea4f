//! Planted bugs in the real server, found by those who kill it.
//!
//! The zoo finds each bug by whatever is cheapest, which is seldom a real process: so some are planted in
//! the server itself, one at a time, and `kill` or `syscalls` has to find them. These are bugs that show
//! although a killed process loses nothing that it has written; what only loss of power shows is for the
//! layers that lose it.
//!
//! The server is `tocsin-chaos-server`, which reads from its environment which bug is on, and each hunt is a
//! process of its own that hands it on.

#![expect(
    clippy::disallowed_methods,
    reason = "the harness starts real processes on real files"
)]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use anyhow::{Context, Result, bail};
use tocsin::bugs::{Bug, VARIABLE};
use tocsin::sys::Clock;

use crate::table::Part;
use crate::zoo::seconds;
use crate::{disk, kill, syscalls};

/// Who hunts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    Kill,
    Syscalls,
    Disk,
}

impl Layer {
    fn word(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Syscalls => "syscalls",
            Self::Disk => "disk",
        }
    }
}

/// Which bugs, and who has to find them.
const HUNTS: &[(Bug, Layer)] = &[
    (Bug::TimersReset, Layer::Kill),
    (Bug::OverdueNotFrozen, Layer::Kill),
    (Bug::EndsNotExtended, Layer::Kill),
    (Bug::EntryNotLogged, Layer::Kill),
    (Bug::IntentMissing, Layer::Kill),
    (Bug::KeyChanges, Layer::Kill),
    (Bug::DoubtIsDelivery, Layer::Kill),
    (Bug::FirstIntegrationOnly, Layer::Kill),
    (Bug::KeyWithoutContent, Layer::Kill),
    (Bug::WaitIgnored, Layer::Kill),
    (Bug::TouchLost, Layer::Kill),
    (Bug::ResultBeforeSend, Layer::Kill),
    (Bug::FailureIsDelivery, Layer::Kill),
    (Bug::SentAgain, Layer::Kill),
    (Bug::AlertsAckedEarly, Layer::Syscalls),
    (Bug::SilenceAckedEarly, Layer::Syscalls),
    (Bug::FailureIgnored, Layer::Syscalls),
];

/// Bugs that show when power is lost, and not at a kill, which keeps what was written.
const ON_A_LYING_DISK: [(Bug, Layer); 6] = [
    (Bug::AckBeforeFsync, Layer::Disk),
    (Bug::AckAfterWriteOnly, Layer::Disk),
    (Bug::NoDirSyncAfterCreate, Layer::Disk),
    (Bug::SyncErrorSwallowed, Layer::Disk),
    (Bug::OldSegmentDeletedEarly, Layer::Disk),
    (Bug::WriteErrorSwallowed, Layer::Disk),
];

/// SIGKILLs of one attempt: some twenty seconds' worth.
const KILLS: u32 = 40;

/// Attempts, each with another seed: half of the runs leave a kind of fault out that a bug may need.
const ATTEMPTS_MAX: u64 = 6;

/// Hunts at a time; they mostly wait.
const LANES: usize = 4;

/// Every so many calls are met in a hunt, until one shows something.
const EVERY: &str = "2";

/// What a hunt came to.
struct Hunted {
    bug: Bug,
    layer: Layer,
    found: Option<String>,
    after: String,
}

/// Hunts them, prints a line for each, and tells what it came to.
///
/// # Errors
/// That there is no such server, or that a hunt cannot be carried out.
pub fn all(
    server: &Path,
    seed: u64,
    only: Option<&str>,
    dir: &Path,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> Result<Part> {
    if !server.is_file() {
        bail!("there is no program {}", server.display());
    }
    let missing = disk::try_it().err();
    let hunts: Vec<(Bug, Layer)> = HUNTS
        .iter()
        .copied()
        .chain(ON_A_LYING_DISK)
        .filter(|(_, layer)| *layer != Layer::Disk || missing.is_none())
        .filter(|(bug, _)| only.is_none_or(|only| bug.feature() == only))
        .collect();
    if hunts.is_empty() {
        bail!("no such bug is hunted by kills of the real server");
    }
    let began = clock.monotonic();
    let next = AtomicUsize::new(0);
    let (told, ended) = mpsc::channel();
    let hunted = std::thread::scope(|scope| -> Result<Vec<Hunted>> {
        for _ in 0..LANES {
            let (told, next, hunts) = (told.clone(), &next, &hunts);
            scope.spawn(move || {
                while let Some((bug, layer)) = hunts.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let dir = dir.join(bug.feature());
                    let hunted = hunt(server, *bug, *layer, seed, &dir, clock);
                    if told.send(hunted).is_err() {
                        // Another one could not be carried out.
                        break;
                    }
                }
            });
        }
        drop(told);
        let mut all = Vec::new();
        for hunted in ended {
            let hunted = hunted?;
            let what = match &hunted.found {
                Some(what) => what.chars().take(140).collect(),
                None => format!("NOT FOUND: {}", hunted.bug.about()),
            };
            let (name, layer) = (hunted.bug.feature(), hunted.layer.word());
            writeln!(out, "{name:<34} {layer:<10} {:>8}  {what}", hunted.after)?;
            out.flush()?;
            all.push(hunted);
        }
        Ok(all)
    })?;
    let found = hunted.iter().filter(|it| it.found.is_some()).count();
    let mut rows = vec![(
        "planted bugs found".to_owned(),
        format!("{found} of {}", hunted.len()),
    )];
    for it in &hunted {
        let verdict = match it.found {
            Some(_) => it.after.clone(),
            None => "NOT FOUND".to_owned(),
        };
        rows.push((
            format!("  {}, by {}", it.bug.feature(), it.layer.word()),
            verdict,
        ));
    }
    if let Some(missing) = missing {
        rows.push((
            "  on a disk that loses power, not run".to_owned(),
            missing.to_string(),
        ));
    }
    let took = clock.monotonic().saturating_sub(began);
    rows.push(("time".to_owned(), format!("{:.0} s", took.as_secs_f64())));
    Ok(Part {
        title: "planted bugs in the real server".to_owned(),
        is_well: found == hunted.len(),
        rows,
    })
}

/// Hunts one, with other seeds until it is found.
fn hunt(
    server: &Path,
    bug: Bug,
    layer: Layer,
    seed: u64,
    dir: &Path,
    clock: &dyn Clock,
) -> Result<Hunted> {
    let began = clock.monotonic();
    let mut found = None;
    let attempts = match layer {
        Layer::Kill | Layer::Disk => ATTEMPTS_MAX,
        // Nothing is drawn.
        Layer::Syscalls => 1,
    };
    for attempt in 0..attempts {
        found = shown(server, bug, layer, seed.wrapping_add(attempt), dir)?;
        if found.is_some() {
            break;
        }
    }
    // What a run leaves that shows a bug that was planted is of no use.
    let _ = std::fs::remove_dir_all(dir);
    Ok(Hunted {
        bug,
        layer,
        found,
        after: seconds(clock.monotonic().saturating_sub(began)),
    })
}

/// The first violation that the layer shows.
fn shown(server: &Path, bug: Bug, layer: Layer, seed: u64, dir: &Path) -> Result<Option<String>> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let mut command = Command::new(program);
    command
        .arg(layer.word())
        .args(["--format", "json", "--target"]);
    command.arg(server).arg("--dir").arg(dir);
    match layer {
        Layer::Disk => {
            let (losses, seed) = (KILLS.to_string(), seed.to_string());
            command.args(["--jobs", "1", "--losses", &losses, "--seed", &seed])
        }
        Layer::Kill => {
            let (kills, seed) = (KILLS.to_string(), seed.to_string());
            command.args(["--jobs", "1", "--kills", &kills, "--seed", &seed])
        }
        Layer::Syscalls => command.args(["--jobs", "6", "--first", "--every", EVERY]),
    };
    let output = command
        .env(VARIABLE, bug.feature())
        .stderr(Stdio::null())
        .output()
        .context("cannot start a hunt")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let unreadable = || format!("the hunt for {} ended without a result", bug.feature());
    Ok(match layer {
        Layer::Kill => {
            let outcome: kill::Outcome = serde_json::from_str(&text).with_context(unreadable)?;
            // A server that does not get up shows as well that something is wrong.
            outcome.examples.into_iter().chain(outcome.broken).next()
        }
        Layer::Disk => {
            let outcome: disk::Outcome = serde_json::from_str(&text).with_context(unreadable)?;
            let run = outcome.run;
            run.examples.into_iter().chain(run.broken).next()
        }
        Layer::Syscalls => {
            let outcome: syscalls::Outcome =
                serde_json::from_str(&text).with_context(unreadable)?;
            outcome.violations.into_iter().chain(outcome.broken).next()
        }
    })
}
