//! Runs a workload, enumerates what power losses could leave of it, recovers each state and
//! compares it with what was acknowledged.

use std::sync::Arc;

use tocsin::sys::{CrashModel, Disk, Image, RecordingDisk, SimDisk, VirtualClock, WallTime};
use tocsin::wal::Lane;

use super::images::{Depth, each_image};
use super::model::{Ledger, record};
use super::progress::Progress;
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

/// Runs the workload and checks every image; each is a step of `progress`.
pub fn enumerate(ops: &[Op], plan: Plan, progress: &Progress) -> Result<Enumerated, Violation> {
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
        let checker = Checker {
            ledger: &run.ledger,
            done,
            plan,
            progress,
        };
        checker.point(&model, &mut counts).map_err(|violation| {
            Violation::new(format!("after disk operation {done}: {violation}"))
        })?;
    }
    Ok(counts)
}

/// What the images of one crash point are compared with.
struct Checker<'a> {
    ledger: &'a Ledger,
    /// Operations of the disk before the crash.
    done: usize,
    plan: Plan,
    progress: &'a Progress,
}

impl Checker<'_> {
    fn seed(&self) -> u64 {
        self.plan.seed ^ self.done as u64
    }

    /// Checks every image of the point.
    fn point(&self, model: &CrashModel, counts: &mut Enumerated) -> Result<(), Violation> {
        let depth = match self.plan.points {
            Points::LastStep => Depth::FULL,
            Points::All => Depth::LONG,
        };
        let mut at = 0_u64;
        let mut nested = 0;
        counts.images += each_image(model, depth, self.seed(), &mut |image| {
            at += 1;
            self.image(image)
                .map_err(|violation| Violation::new(format!("image {at}: {violation}")))?;
            if self
                .plan
                .nested_every
                .is_some_and(|every| at.is_multiple_of(every))
            {
                let crashed = CrashModel::new(image);
                nested += self
                    .recovery(&crashed, image)
                    .map_err(|violation| Violation::new(format!("image {at}: {violation}")))?;
            }
            Ok(())
        })?;
        if self.plan.nested_every.is_some() {
            // A kill, a start, and then a power loss: what the start read may exist in memory only.
            nested += self
                .recovery(model, &model.live_image())
                .map_err(|violation| Violation::new(format!("after a kill: {violation}")))?;
        }
        counts.images += nested;
        counts.nested += nested;
        Ok(())
    }

    /// Recovers an image, compares, appends a probe, and recovers again.
    fn image(&self, image: &Image) -> Result<(), Violation> {
        let seed = self.seed();
        let disk = SimDisk::without_power_loss(image);
        let clock = Arc::new(VirtualClock::at(LATER));
        let again = Arc::<VirtualClock>::clone(&clock);
        let (mut writer, first) = recover(Arc::new(disk.clone()), clock, seed)?;
        self.judge(&first)?;
        writer
            .append(Lane::Normal, &[&record(PROBE, 64)])
            .map_err(|error| {
                Violation::new(format!("the recovered log does not go on: {error}"))
            })?;
        drop(writer);
        let (_, mut second) = recover(Arc::new(disk), again, seed + 1)
            .map_err(|violation| Violation::new(format!("second start: {violation}")))?;
        if second.pop() != Some(PROBE) || second != first {
            return Err(Violation::new(
                "a second start gives other records than the first",
            ));
        }
        self.progress.step();
        Ok(())
    }

    /// Records a recovery and crashes it after each of its operations.
    fn recovery(&self, crashed: &CrashModel, live: &Image) -> Result<u64, Violation> {
        let seed = self.seed();
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
                self.judge(&second)?;
                if is_complete && second != first {
                    return Err(Violation::new(
                        "a crash after a start gives other records than the start",
                    ));
                }
                self.progress.step();
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

    fn judge(&self, recovered: &[u64]) -> Result<(), Violation> {
        self.ledger
            .judge(self.done, recovered)
            .map_err(Violation::new)
    }
}
