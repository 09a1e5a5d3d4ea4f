//! The suites: what is run, in how many parts, and what came out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tocsin::sys::{Clock, Entropy, SeededEntropy};

use super::enumerate::{Plan, Points, enumerate};
use super::progress::{HANG_AFTER, Progress, Watchdog};
use super::rot::{flip_bits, mangle, specimen};
use super::threads::{gathered_batch, senders_and_a_failing_sync};
use super::workload::{Op, Run, Violation};

/// Nested enumeration after every so many images: each costs some fifty images itself.
const NESTED_EVERY: u64 = 97;

/// What the suites found so far.
#[derive(Debug, Default)]
pub struct Tally {
    /// Crash images recovered and compared.
    pub images: AtomicU64,
    /// Of those, images of crashes during recovery.
    pub nested: AtomicU64,
    /// Bit flips classified.
    pub flips: AtomicU64,
    /// Pages zeroed or exchanged, and files cut.
    pub mangled: AtomicU64,
    /// Random histories.
    pub histories: AtomicU64,
    /// Runs of the writer thread.
    pub threads: AtomicU64,
    /// Panics.
    pub panics: AtomicU64,
    /// Set when a part made no progress.
    pub hangs: AtomicU64,
    progress: Progress,
    violations: Mutex<Vec<String>>,
    stop_at_first: AtomicBool,
}

impl Tally {
    /// A tally for a hunt: the first violation ends it.
    #[must_use]
    pub fn for_hunt() -> Self {
        let tally = Self::default();
        tally.stop_at_first.store(true, Ordering::Relaxed);
        tally
    }

    /// What must not have happened, with the command that reproduces it.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.violations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn is_over(&self) -> bool {
        self.stop_at_first.load(Ordering::Relaxed) && !self.violations().is_empty()
    }

    /// Runs one case behind a panic barrier.
    fn case(&self, reproduce: &dyn Fn() -> String, act: impl FnOnce() -> Result<(), Violation>) {
        if self.is_over() {
            return;
        }
        let what = match catch_unwind(AssertUnwindSafe(act)) {
            Ok(Ok(())) => None,
            Ok(Err(violation)) => Some(violation.to_string()),
            Err(_) => {
                self.panics.fetch_add(1, Ordering::Relaxed);
                Some("panic".to_owned())
            }
        };
        self.progress.step();
        if let Some(what) = what {
            let text = format!("{what}\n    reproduce: {}", reproduce());
            self.violations
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(text);
        }
    }
}

/// Runs `work` on as many threads as there are cores, each with its number, beside a watchdog.
pub fn in_parallel(tally: &Tally, clock: &dyn Clock, work: &(dyn Fn(u64, u64) + Sync)) {
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let running = AtomicU64::new(threads);
    std::thread::scope(|scope| {
        for part in 0..threads {
            let running = &running;
            scope.spawn(move || {
                work(part, threads);
                running.fetch_sub(1, Ordering::SeqCst);
            });
        }
        watch(tally, clock, &running);
    });
}

fn watch(tally: &Tally, clock: &dyn Clock, running: &AtomicU64) {
    let mut watchdog = Watchdog::new(tally.progress.steps(), clock.monotonic());
    while running.load(Ordering::SeqCst) > 0 {
        std::thread::park_timeout(Duration::from_millis(20));
        if watchdog.is_hang(tally.progress.steps(), clock.monotonic()) {
            tally.hangs.fetch_add(1, Ordering::Relaxed);
            let text = format!(
                "no progress for {} s: something hangs",
                HANG_AFTER.as_secs()
            );
            tally
                .violations
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(text);
            return;
        }
    }
}

/// All workloads of exactly `length` operations of the alphabet.
pub fn bounded(tally: &Tally, alphabet: &[Op], length: u32, seed: u64, part: u64, parts: u64) {
    let base = alphabet.len() as u64;
    for index in (part..base.pow(length)).step_by(parts as usize) {
        let mut rest = index;
        let ops: Vec<Op> = (0..length)
            .map(|_| {
                let op = alphabet[(rest % base) as usize];
                rest /= base;
                op
            })
            .collect();
        let nested_every = (length <= 2 || index % 64 == 0).then_some(NESTED_EVERY);
        workload(
            tally,
            &ops,
            Plan {
                points: Points::LastStep,
                nested_every,
                seed,
            },
        );
    }
}

/// One workload.
pub fn workload(tally: &Tally, ops: &[Op], plan: Plan) {
    let reproduce = || {
        let names: Vec<String> = ops.iter().map(|op| format!("{op:?}")).collect();
        format!(
            "tocsin-chaos workload --seed {} {}",
            plan.seed,
            names.join(" ")
        )
    };
    tally.case(&reproduce, || {
        let counts = enumerate(ops, plan, &tally.progress)?;
        tally.images.fetch_add(counts.images, Ordering::Relaxed);
        tally.nested.fetch_add(counts.nested, Ordering::Relaxed);
        Ok(())
    });
}

/// Long workloads drawn from the seed; every crash point of each.
pub fn reference(tally: &Tally, length: usize, count: u64, seed: u64, part: u64, parts: u64) {
    for index in (part..count).step_by(parts as usize) {
        let ops = draw(length, seed + index);
        workload(
            tally,
            &ops,
            Plan {
                points: Points::All,
                nested_every: None,
                seed: seed + index,
            },
        );
    }
}

fn draw(length: usize, seed: u64) -> Vec<Op> {
    let entropy = SeededEntropy::new(seed);
    (0..length)
        .map(|_| Op::ALL[entropy.below(Op::ALL.len() as u64) as usize])
        .collect()
}

/// Random histories with kills and power losses in between.
pub fn histories(tally: &Tally, count: u64, seed: u64, part: u64, parts: u64) {
    for index in (part..count).step_by(parts as usize) {
        let seed = seed.wrapping_add(index);
        let reproduce = || format!("tocsin-chaos history --seed {seed}");
        tally.case(&reproduce, || history(seed));
        tally.histories.fetch_add(1, Ordering::Relaxed);
    }
}

/// One random history: some sixty steps, and a power loss after every fourth on average.
///
/// # Errors
/// What must not have happened.
pub fn history(seed: u64) -> Result<(), Violation> {
    let entropy = SeededEntropy::new(seed);
    let mut run = Run::begin(seed)?;
    for step in 0..60 {
        let result = match entropy.below(4) {
            0 => run.lose_power(&entropy),
            _ => run.step(Op::ALL[entropy.below(Op::ALL.len() as u64) as usize]),
        };
        result.map_err(|violation| Violation::new(format!("step {step}: {violation}")))?;
    }
    Ok(())
}

/// The writer thread under several senders.
pub fn threads(tally: &Tally, count: u64, seed: u64, part: u64, parts: u64) {
    for index in (part..count).step_by(parts as usize) {
        let seed = seed.wrapping_add(index);
        let reproduce = || format!("tocsin-chaos threads --seed {seed}");
        tally.case(&reproduce, || {
            senders_and_a_failing_sync(seed)?;
            gathered_batch(seed)
        });
        tally.threads.fetch_add(1, Ordering::Relaxed);
    }
}

/// Every `every`-th bit flip, and every `every`-th cut.
pub fn rot(tally: &Tally, every: u64, seed: u64, part: u64, parts: u64) {
    let reproduce = || format!("tocsin-chaos rot --seed {seed}");
    tally.case(&reproduce, || {
        let specimen = specimen(seed)?;
        if part == 0 {
            tally
                .mangled
                .fetch_add(mangle(&specimen, every)?, Ordering::Relaxed);
        }
        // In slices, so that the watchdog sees progress.
        const SLICES: u64 = 64;
        for slice in 0..SLICES {
            if tally.is_over() {
                break;
            }
            let flips = flip_bits(&specimen, part + parts * slice, parts * SLICES, every)?;
            tally.flips.fetch_add(flips, Ordering::Relaxed);
            tally.progress.step();
        }
        Ok(())
    });
}
