//! The log as its callers see it, with threads: who is answered when, and what a crash keeps of it.

use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};

use tocsin::sys::{Call, Disk, Errno, Fault, FaultKind, Image, SimDisk, VirtualClock, WallTime};
use tocsin::wal::{AppendError, Lane, Log, QueueLimits, ThreadOptions, open};

use super::model::{Recovered, record};
use super::workload::{Violation, environment, options, recover};

const START: WallTime = WallTime(1_767_225_600_000_000_000);

/// Requests that each sender makes.
const REQUESTS: u64 = 40;

/// Senders at the same time.
const SENDERS: u64 = 4;

/// Several senders, a sync that fails somewhere, a power loss; then: everything answered with
/// success is there, and nothing was answered with success after the failure.
///
/// # Errors
/// What must not have happened.
pub fn senders_and_a_failing_sync(seed: u64) -> Result<(), Violation> {
    let disk = SimDisk::new(&Image::default());
    let clock = Arc::new(VirtualClock::at(START));
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let world = environment(shared, Arc::<VirtualClock>::clone(&clock), seed);
    let (writer, _) =
        open(&world, &options(), &mut Recovered::default()).map_err(Violation::new)?;
    let thread_options = ThreadOptions {
        // Half of the runs encode ahead whatever they can, the others next to nothing.
        limits: QueueLimits {
            ahead_bytes_min: if seed.is_multiple_of(2) {
                1
            } else {
                usize::MAX
            },
            ..QueueLimits::default()
        },
        heartbeat_every: None,
    };
    let log = Log::start(writer, thread_options, Box::new(|_| ())).map_err(Violation::new)?;
    disk.plan(Fault::once(Call::Fdatasync, 3 + seed % 20, FaultKind::Error(Errno::Eio)).on(".wal"));
    let acked = Mutex::new(Vec::new());
    let after_poison = Mutex::new(0_u64);
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (log, acked, after_poison) = (&log, &acked, &after_poison);
            scope.spawn(move || {
                let mut is_poisoned = false;
                for request in 0..REQUESTS {
                    let number = 1 + sender * REQUESTS + request;
                    let lane = if request % 3 == 0 {
                        Lane::Priority
                    } else {
                        Lane::Normal
                    };
                    match log.append_and_wait(lane, vec![record(number, 100)]) {
                        Ok(_) if is_poisoned => *lock(after_poison) += 1,
                        Ok(_) => lock(acked).push(number),
                        Err(AppendError::Poisoned { .. }) => is_poisoned = true,
                        Err(_) => {}
                    }
                }
            });
        }
    });
    drop(log);
    if *lock(&after_poison) > 0 {
        return Err(Violation::new(
            "requests were acknowledged after a failed sync",
        ));
    }
    let (_, numbers) = recover(Arc::new(SimDisk::new(&disk.power_loss())), clock, seed + 1)?;
    let lost = lock(&acked)
        .iter()
        .filter(|number| !numbers.contains(number))
        .count();
    if lost > 0 {
        return Err(Violation::new(format!(
            "{lost} acknowledged records are lost"
        )));
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Requests gather while the log is busy with a first one; each is answered truly.
///
/// # Errors
/// What must not have happened.
pub fn gathered_batch(seed: u64) -> Result<(), Violation> {
    let disk = SimDisk::new(&Image::default());
    let clock = Arc::new(VirtualClock::at(START));
    let world = environment(
        Arc::new(disk.clone()),
        Arc::<VirtualClock>::clone(&clock),
        seed,
    );
    let (writer, _) =
        open(&world, &options(), &mut Recovered::default()).map_err(Violation::new)?;
    let thread_options = ThreadOptions {
        limits: QueueLimits {
            requests_max: 64,
            ..QueueLimits::default()
        },
        heartbeat_every: None,
    };
    // The sink runs on the writer thread: while it waits here, requests gather in the queue.
    let (entered, has_entered) = mpsc::channel::<()>();
    let (release, released) = mpsc::channel::<()>();
    let mut is_first = true;
    let sink = move |_| {
        if is_first {
            is_first = false;
            // The other ends are held until the end of this function.
            let _ = entered.send(());
            let _ = released.recv();
        }
    };
    let log = Log::start(writer, thread_options, Box::new(sink)).map_err(Violation::new)?;
    let (answers, answered) = mpsc::channel();
    let send = |number: u64, lane: Lane| {
        let answers = answers.clone();
        let done = Box::new(move |result: Result<_, AppendError>| {
            let _ = answers.send((number, result.is_ok()));
        });
        log.append(lane, vec![record(number, 64)], done)
    };
    send(1, Lane::Normal).map_err(Violation::new)?;
    let _ = has_entered.recv();
    let mut taken = 1;
    for number in 2..200 {
        taken += u64::from(send(number, Lane::Normal).is_ok());
    }
    let result = send(1000, Lane::Priority);
    let _ = release.send(());
    if taken > 65 {
        return Err(Violation::new(format!(
            "{taken} requests wait in a queue for 64"
        )));
    }
    result.map_err(|error| Violation::new(format!("a result found no room: {error}")))?;
    log.close().map_err(Violation::new)?;
    drop(answers);
    let acked: Vec<u64> = answered
        .iter()
        .filter(|(_, is_ok)| *is_ok)
        .map(|(number, _)| number)
        .collect();
    let (_, numbers) = recover(Arc::new(SimDisk::new(&disk.power_loss())), clock, seed + 1)?;
    if let Some(lost) = acked.iter().find(|number| !numbers.contains(number)) {
        return Err(Violation::new(format!(
            "record {lost} was acknowledged and is lost"
        )));
    }
    match numbers.iter().position(|number| *number == 1000) {
        Some(1) => Ok(()),
        place => Err(Violation::new(format!(
            "a result came at place {place:?} and not first"
        ))),
    }
}
