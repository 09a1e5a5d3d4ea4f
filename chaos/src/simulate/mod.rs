//! The deterministic simulator: months of alerts, kills and failing disks in a second.
//!
//! ```text
//!   senders ─► [ backend ─ journal ─ wal ─ engine ─ core ─ delivery ] ─► receivers
//!                the server itself, in steps │                              │
//!                          simulated disk ◄──┘        oracle ◄── all that either side sees
//! ```
//!
//! What runs is the server (`tocsin::node::serve::stepped`): the real API backend, journal, log, core,
//! recovery, dispatch and delivery with its tasks, on a disk that loses power, a clock that is simulated,
//! and receivers that fail. Not simulated are HTTP, threads (the log's writer has a suite of its own) and
//! real receivers; `tocsin-chaos kill` has those.
//!
//! **Invariants**
//! * One 64-bit seed decides everything: the same seed gives the same events, which is tested.
//! * The oracle ([`oracle`]) knows the contract and not the implementation.

pub mod command;
mod event;
mod life;
mod oracle;
mod run;
mod setting;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use tocsin::sys::Image;
use tokio::runtime::{Builder, Runtime};

use event::Event;
use life::{Ending, live};
use run::{Blueprints, Run};
use setting::Ms;

/// Lives of one run: more than any has, unless it is killed again and again without end.
const LIVES_MAX: u32 = 5_000;

/// What came of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The first thing that must not have happened.
    pub violation: Option<String>,
    /// Of all that happened.
    pub hash: u64,
    /// Things that happened.
    pub events: u64,
    /// Simulated time.
    pub ms: u64,
    /// How often the process was killed, in recovery or later.
    pub kills: u64,
    /// How often it came up.
    pub lives: u64,
    /// Changes of alerts and silences that were acknowledged.
    pub acknowledged: u64,
    /// Messages that receivers got.
    pub messages: u64,
    /// Messages that said again what the one before had said, because of a kill.
    pub duplicates: u64,
    /// Lines of JSON, if they were asked for.
    pub lines: Vec<String>,
    /// The run, as JSON, if lines were asked for.
    pub setting: String,
    /// What was on the disk at the end, if lines were asked for.
    pub disk: Image,
}

/// Runs seeds on one thread.
#[derive(Debug, Default)]
pub struct Simulator {
    blueprints: Blueprints,
}

impl Simulator {
    /// One run.
    #[must_use]
    pub fn run(&mut self, seed: u64, keeps_lines: bool) -> Outcome {
        let blueprints = &mut self.blueprints;
        let run = catch_unwind(AssertUnwindSafe(|| one(seed, keeps_lines, blueprints)));
        match run {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(fault)) => broken(fault),
            Err(panic) => broken(format!("panic: {}", text_of(panic.as_ref()))),
        }
    }
}

fn broken(what: String) -> Outcome {
    Outcome {
        violation: Some(what),
        ..Outcome::default()
    }
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|it| (*it).to_owned()));
    text.unwrap_or_default()
}

fn one(seed: u64, keeps_lines: bool, blueprints: &mut Blueprints) -> Result<Outcome, String> {
    let mut run = Run::new(seed, keeps_lines, blueprints)?;
    let mut down_at = None;
    while !run.is_over && run.oracle.violation().is_none() {
        if run.lives >= LIVES_MAX {
            run.oracle.refute(|| "it never stays up".to_owned());
            break;
        }
        let ending = one_life(&mut run, down_at)?;
        if ending == Ending::Over {
            break;
        }
        if ending != Ending::Stillborn {
            down_at = Some(run.world.now());
        }
    }
    let tally = run.oracle.tally;
    Ok(Outcome {
        violation: run.oracle.violation().map(str::to_owned),
        hash: run.log.hash(),
        events: run.log.count(),
        ms: run.world.now().unsigned_abs(),
        kills: run.kills,
        lives: u64::from(run.lives),
        acknowledged: tally.acknowledged,
        messages: tally.messages,
        duplicates: tally.duplicates,
        disk: match keeps_lines {
            true => run.disk.inner().image(),
            false => Image::default(),
        },
        setting: match keeps_lines {
            true => serde_json::to_string(&run.setting).unwrap_or_default(),
            false => String::new(),
        },
        lines: run.log.into_lines(),
    })
}

/// A life, and the downtime after it.
fn one_life(run: &mut Run, down_at: Option<Ms>) -> Result<Ending, String> {
    let runtime: Runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .map_err(|fault| format!("cannot make a runtime: {fault}"))?;
    let (ending, now) = runtime.block_on(async {
        let ending = live(run, down_at).await;
        (ending, run.world.now())
    });
    run.world.clock.end_life(now);
    // Everything that was under way ends here, wherever it was.
    drop(runtime);
    run.look_around();
    run.world.end_life();
    (run.kill_at, run.stops) = (None, false);
    if ending == Ending::Over {
        return Ok(ending);
    }
    if matches!(ending, Ending::Killed | Ending::Stillborn) {
        run.kills += 1;
    }
    if ending != Ending::Stillborn {
        run.oracle.down(now, run.is_disk_faulty);
    }
    run.forget_requests();
    let (image, power) = run.image();
    let how = format!("{ending:?}");
    run.note(&Event::Down { how, power });
    run.put_disk(&image);
    let up_at = now + run.draw_downtime();
    while let Some((at, what)) = run.take_due(up_at) {
        run.world.clock.end_life(at.max(now));
        run.act(what, None);
    }
    run.world.clock.end_life(up_at);
    Ok(ending)
}
