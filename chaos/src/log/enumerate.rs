//! Runs a workload, enumerates what power losses could leave of it, recovers each state and
//! compares it with what was acknowledged.

use std::sync::Arc;

use tocsin::sys::{CrashModel, Disk, Image, RecordingDisk, SimDisk, VirtualClock, WallTime};
use tocsin::wal::Lane;

use super::images::{Depth, each_image};
use super::model::{Ledger, record};
use super::workload::{Op, Run, Violation, recover};

/// After the workload's last moment.
const LATER: WallTime = WallTime(1_767_229_200_000_000_000);

/// The number of the record that is appended to see whether a recovered log goes on.
const PROBE: u64 = u64::MAX;

/// Recordings of a recovery number their files from here on.
const RECOVERY_FILES: u32 = 1 << 20;

/// Which crash points are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Points {
    /// Those within the last step: the others belong to a shorter workload.
    LastStep,
    /// All of them.
    All,
}

/// Counts of one enumeration.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Enumerated {
    /// Images recovered and compared.
    pub images: u64,
    /// Of those, images of crashes during recovery.
    pub nested: u64,
}

/// How deep an enumeration goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Which crash points.
    pub points: Points,
    /// Whether recovery itself is crashed: after a kill at every point, and after every n-th image.
    pub nested_every: Option<u64>,
    /// Decides garbage, salts and random subsets.
    pub seed: u64,
}

/// Runs the workload and checks every image.
pub fn enumerate(ops: &[Op], plan: Plan) -> Result<Enumerated, Violation> {
    let mut run = Run::begin(plan.seed)?;
    let mut from = 0;
    for op in ops {
        from = run.done();
        run.step(*op)?;
    }
    if plan.points == Points::All || ops.is_empty() {
        from = 0;
    }
    let disk_ops = run.disk_ops();
    let mut model = CrashModel::new(&Image::default());
    let mut counts = Enumerated::default();
    for (at, op) in disk_ops.iter().enumerate() {
        model.apply(op);
        let done = at + 1;
        if done <= from {
            continue;
        }
        check_point(&model, &run.ledger, done, plan, &mut counts).map_err(|violation| {
            Violation::new(format!("after disk operation {done}: {violation}"))
        })?;
    }
    Ok(counts)
}

fn check_point(
    model: &CrashModel,
    ledger: &Ledger,
    done: usize,
    plan: Plan,
    counts: &mut Enumerated,
) -> Result<(), Violation> {
    let seed = plan.seed ^ done as u64;
    let depth = match plan.points {
        Points::LastStep => Depth::FULL,
        Points::All => Depth::LONG,
    };
    let mut at = 0_u64;
    let mut nested = 0;
    counts.images += each_image(model, depth, seed, &mut |image| {
        at += 1;
        check_image(image, ledger, done, seed)
            .map_err(|violation| Violation::new(format!("image {at}: {violation}")))?;
        if plan
            .nested_every
            .is_some_and(|every| at.is_multiple_of(every))
        {
            let crashed = CrashModel::new(image);
            nested += check_recovery(&crashed, image, ledger, done, seed)
                .map_err(|violation| Violation::new(format!("image {at}: {violation}")))?;
        }
        Ok(())
    })?;
    if plan.nested_every.is_some() {
        // A kill, a start, and then a power loss: what the start read may exist in memory only.
        nested += check_recovery(model, &model.live_image(), ledger, done, seed)
            .map_err(|violation| Violation::new(format!("after a kill: {violation}")))?;
    }
    counts.images += nested;
    counts.nested += nested;
    Ok(())
}

/// Recovers an image, compares, appends a probe, and recovers again.
fn check_image(image: &Image, ledger: &Ledger, done: usize, seed: u64) -> Result<(), Violation> {
    let disk = SimDisk::without_power_loss(image);
    let clock = Arc::new(VirtualClock::at(LATER));
    let again = Arc::<VirtualClock>::clone(&clock);
    let (mut writer, first) = recover(Arc::new(disk.clone()), clock, seed)?;
    ledger.judge(done, &first).map_err(Violation::new)?;
    writer
        .append(Lane::Normal, &[&record(PROBE, 64)])
        .map_err(|error| Violation::new(format!("the recovered log does not go on: {error}")))?;
    drop(writer);
    let (_, mut second) = recover(Arc::new(disk), again, seed + 1)
        .map_err(|violation| Violation::new(format!("second start: {violation}")))?;
    if second.pop() != Some(PROBE) || second != first {
        return Err(Violation::new(
            "a second start gives other records than the first",
        ));
    }
    Ok(())
}

/// Records a recovery and crashes it after each of its operations.
fn check_recovery(
    crashed: &CrashModel,
    live: &Image,
    ledger: &Ledger,
    done: usize,
    seed: u64,
) -> Result<u64, Violation> {
    let disk = Arc::new(RecordingDisk::numbered_from(
        SimDisk::new(live),
        RECOVERY_FILES,
    ));
    let shared: Arc<dyn Disk> = Arc::<RecordingDisk<SimDisk>>::clone(&disk);
    let clock = Arc::new(VirtualClock::at(LATER));
    let (writer, first) = recover(shared, clock, seed)?;
    drop(writer);
    let mut model = crashed.clone();
    let mut count = 0;
    let disk_ops = disk.ops();
    for (at, op) in disk_ops.iter().enumerate() {
        model.apply(op);
        let is_complete = at + 1 == disk_ops.len();
        count += each_image(&model, Depth::SUBSETS, seed, &mut |image| {
            let disk = SimDisk::without_power_loss(image);
            let clock = Arc::new(VirtualClock::at(LATER));
            let (_, second) = recover(Arc::new(disk), clock, seed + 2)?;
            ledger.judge(done, &second).map_err(Violation::new)?;
            if is_complete && second != first {
                return Err(Violation::new(
                    "a crash after a start gives other records than the start",
                ));
            }
            Ok(())
        })
        .map_err(|violation: Violation| {
            Violation::new(format!(
                "crash in recovery after its operation {}: {violation}",
                at + 1
            ))
        })?;
    }
    Ok(count)
}
