//! Workloads: short programs over the log, run on a recording disk.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tocsin::sys::{
    Call, Clock, Disk, DiskOp, Entropy, Errno, Fault, FaultKind, Image, RecordingDisk,
    SeededEntropy, SimDisk, VirtualClock, WallTime,
};
use tocsin::wal::{AppendError, Environment, Lane, LogOptions, Lsn, Writer, open};

use super::listing::Listing;
use super::model::{Ledger, Recovered, Submission, record, write_sections};

/// Small, so that images are cheap; large enough for batches over several pages.
pub const SEGMENT_BYTES: u64 = 32 * 1024;

/// When every workload begins: 2026-01-01.
const START: WallTime = WallTime(1_767_225_600_000_000_000);

/// One step of a workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// Several alerts in one batch, over more than a page.
    Post,
    /// One silence, on the priority lane.
    Silence,
    /// One flush intent.
    Flush,
    /// One notification result, on the priority lane.
    NotifyResult,
    /// A checkpoint of the present state.
    Checkpoint,
    /// A new segment.
    Rotate,
    /// An orderly stop and a start.
    Stop,
    /// A kill and a start.
    Boot,
    /// A batch during which the disk becomes full.
    PostOnFullDisk,
    /// A batch whose sync fails, and a restart.
    PostAndFailedSync,
    /// A batch whose write fails in the middle, and a restart.
    PostAndFailedWrite,
    /// A batch that the disk takes in two parts.
    PostInTwoWrites,
    /// A checkpoint during which the disk becomes full.
    CheckpointOnFullDisk,
    /// A new segment for which there is no room.
    RotateOnFullDisk,
    /// The wall clock is set back by an hour.
    ClockBack,
}

impl Op {
    /// The steps of a healthy machine.
    pub const HEALTHY: [Op; 8] = [
        Op::Post,
        Op::Silence,
        Op::Flush,
        Op::NotifyResult,
        Op::Checkpoint,
        Op::Rotate,
        Op::Stop,
        Op::Boot,
    ];

    /// Those and the steps of a failing one.
    pub const ALL: [Op; 15] = [
        Op::Post,
        Op::Silence,
        Op::Flush,
        Op::NotifyResult,
        Op::Checkpoint,
        Op::Rotate,
        Op::Stop,
        Op::Boot,
        Op::PostOnFullDisk,
        Op::PostAndFailedSync,
        Op::PostAndFailedWrite,
        Op::PostInTwoWrites,
        Op::CheckpointOnFullDisk,
        Op::RotateOnFullDisk,
        Op::ClockBack,
    ];
}

/// A run in progress.
pub struct Run {
    disk: Arc<RecordingDisk<SimDisk>>,
    clock: Arc<VirtualClock>,
    environment: Environment,
    writer: Option<Writer>,
    /// What the log must hold, in order.
    state: Vec<u64>,
    /// What was submitted.
    pub ledger: Ledger,
    next_number: u64,
    /// Checkpoints that succeeded.
    checkpoints_made: usize,
}

/// Something that must not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What happened.
    pub what: String,
}

impl Violation {
    /// Says what happened.
    pub fn new(what: impl fmt::Display) -> Self {
        Self {
            what: what.to_string(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// The settings of all logs here.
#[must_use]
pub fn options() -> LogOptions {
    LogOptions {
        segment_bytes: SEGMENT_BYTES,
        drops_torn_tail: true,
        version: "chaos".to_owned(),
        pid: 1,
    }
}

/// The handles for a log on `disk`.
pub fn environment(disk: Arc<dyn Disk>, clock: Arc<dyn Clock>, seed: u64) -> Environment {
    Environment {
        disk,
        clock,
        entropy: Arc::new(SeededEntropy::new(seed)),
    }
}

/// Opens the log on that disk and gives back what it holds.
///
/// # Errors
/// That the start was refused.
pub fn recover(
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    seed: u64,
) -> Result<(Writer, Vec<u64>), Violation> {
    let mut recovered = Recovered::default();
    let environment = environment(disk, clock, seed);
    match open(&environment, &options(), &mut recovered) {
        Ok((writer, _)) => Ok((writer, recovered.numbers)),
        Err(error) => Err(Violation::new(format!("the start was refused: {error}"))),
    }
}

impl Run {
    /// Opens a new store on an empty disk.
    ///
    /// # Errors
    /// What must not have happened.
    pub fn begin(seed: u64) -> Result<Self, Violation> {
        let disk = Arc::new(RecordingDisk::new(SimDisk::new(&Image::default())));
        let clock = Arc::new(VirtualClock::at(START));
        let shared: Arc<dyn Disk> = Arc::<RecordingDisk<SimDisk>>::clone(&disk);
        let environment = environment(shared, Arc::<VirtualClock>::clone(&clock), seed);
        let mut run = Self {
            disk,
            clock,
            environment,
            writer: None,
            state: Vec::new(),
            ledger: Ledger::default(),
            next_number: 1,
            checkpoints_made: 0,
        };
        run.start()?;
        Ok(run)
    }

    /// Loses power: what was not synced is kept, lost or torn as `entropy` decides; then starts
    /// again on what is left.
    ///
    /// # Errors
    /// What must not have happened.
    pub fn lose_power(&mut self, entropy: &dyn Entropy) -> Result<(), Violation> {
        self.writer = None;
        let image = self.disk.inner().random_power_loss(entropy);
        self.disk = Arc::new(RecordingDisk::new(SimDisk::new(&image)));
        let shared: Arc<dyn Disk> = Arc::<RecordingDisk<SimDisk>>::clone(&self.disk);
        self.environment.disk = shared;
        // The new recording begins at zero; what was promised stays promised from the beginning.
        for submission in &mut self.ledger.submissions {
            submission.submitted_at = 0;
            submission.acked_at = submission.acked_at.map(|_| 0);
            submission.dead_at = submission.dead_at.map(|_| 0);
        }
        self.start()
    }

    /// Operations of the disk so far.
    pub fn done(&self) -> usize {
        self.disk.len()
    }

    /// The operations of the disk.
    pub fn disk_ops(&self) -> Vec<DiskOp> {
        self.disk.ops()
    }

    fn listing(&self) -> Listing {
        Listing::of(&self.disk.inner().image())
    }

    fn start(&mut self) -> Result<(), Violation> {
        let before = self.listing();
        let mut recovered = Recovered::default();
        let (writer, _) = open(&self.environment, &options(), &mut recovered)
            .map_err(|error| Violation::new(format!("the start was refused: {error}")))?;
        let done = self.done();
        self.ledger
            .judge(done, &recovered.numbers)
            .map_err(Violation::new)?;
        for submission in &mut self.ledger.submissions {
            if recovered.numbers.contains(&submission.number) {
                // Its effect counts from now on, so it must never be lost again.
                submission.acked_at.get_or_insert(done);
            } else {
                submission.dead_at.get_or_insert(done);
            }
        }
        self.state = recovered.numbers;
        self.writer = Some(writer);
        self.listing().after_start(&before).map_err(Violation::new)
    }

    /// Does one step.
    ///
    /// # Errors
    /// What must not have happened.
    pub fn step(&mut self, op: Op) -> Result<(), Violation> {
        self.clock.advance(Duration::from_millis(250));
        match op {
            Op::Post => self.append(Lane::Normal, &[1700, 600, 1700, 600, 300]),
            Op::Silence => self.append(Lane::Priority, &[90]),
            Op::Flush => self.append(Lane::Normal, &[150]),
            Op::NotifyResult => self.append(Lane::Priority, &[40]),
            Op::Checkpoint => self.checkpoint(),
            Op::Rotate => self.rotate(),
            Op::Stop => {
                self.stop()?;
                self.start()
            }
            Op::Boot => {
                self.writer = None;
                self.start()
            }
            Op::PostOnFullDisk => {
                let partly = FaultKind::PartThenError(700, Errno::Enospc);
                self.with_fault(
                    Fault::once(Call::Pwrite, 1, FaultKind::Short(2600)),
                    |run| {
                        run.disk.inner().plan(Fault::once(Call::Pwrite, 2, partly));
                        run.append(Lane::Normal, &[1700, 600, 1700, 600, 300])
                    },
                )
            }
            Op::PostAndFailedSync => self
                .with_fault(
                    Fault::once(Call::Fdatasync, 1, FaultKind::Error(Errno::Eio)),
                    |run| {
                        run.append(Lane::Normal, &[1700, 600, 1700, 600, 300])?;
                        run.append(Lane::Normal, &[300])
                    },
                )
                .and_then(|()| self.restart_if_poisoned()),
            Op::PostAndFailedWrite => self
                .with_fault(
                    Fault::once(Call::Pwrite, 1, FaultKind::PartThenError(900, Errno::Eio)),
                    |run| run.append(Lane::Normal, &[1700, 600]),
                )
                .and_then(|()| self.restart_if_poisoned()),
            Op::PostInTwoWrites => self.with_fault(
                Fault::once(Call::Pwrite, 1, FaultKind::Short(1000)),
                |run| run.append(Lane::Normal, &[1700, 600]),
            ),
            Op::CheckpointOnFullDisk => self.with_fault(
                Fault::once(Call::Pwrite, 1, FaultKind::PartThenError(30, Errno::Enospc))
                    .on("checkpoint"),
                Self::checkpoint,
            ),
            Op::RotateOnFullDisk => self.with_fault(
                Fault::once(
                    Call::Preallocate,
                    1,
                    FaultKind::PartThenError(5000, Errno::Enospc),
                ),
                Self::rotate,
            ),
            Op::ClockBack => {
                let wall = self.clock.wall();
                self.clock.set_wall(WallTime(wall.0 - 3_600_000_000_000));
                Ok(())
            }
        }
    }

    fn with_fault(
        &mut self,
        fault: Fault,
        act: impl FnOnce(&mut Self) -> Result<(), Violation>,
    ) -> Result<(), Violation> {
        self.disk.inner().plan(fault);
        let result = act(self);
        self.disk.inner().heal();
        result
    }

    fn restart_if_poisoned(&mut self) -> Result<(), Violation> {
        let is_poisoned = self
            .writer
            .as_ref()
            .is_none_or(|writer| writer.poison().is_some());
        if !is_poisoned {
            return Ok(());
        }
        self.writer = None;
        self.start()
    }

    fn writer(&mut self) -> Result<&mut Writer, Violation> {
        self.writer
            .as_mut()
            .ok_or_else(|| Violation::new("no log is open"))
    }

    fn append(&mut self, lane: Lane, payloads: &[usize]) -> Result<(), Violation> {
        let submitted_at = self.done();
        let mut numbers = Vec::new();
        let mut records = Vec::new();
        for payload_bytes in payloads {
            records.push(record(self.next_number, *payload_bytes));
            numbers.push(self.next_number);
            let number = self.next_number;
            let submission = Submission {
                number,
                lane,
                submitted_at,
                acked_at: None,
                dead_at: None,
            };
            self.ledger.submissions.push(submission);
            self.next_number += 1;
        }
        let records: Vec<_> = records.iter().collect();
        let result = self.writer()?.append(lane, &records);
        let done = self.done();
        let from = self.ledger.submissions.len() - numbers.len();
        match result {
            Ok(_) => {
                // Whatever a full disk refused before is gone for good now.
                for earlier in &mut self.ledger.submissions[..from] {
                    if earlier.acked_at.is_none() {
                        earlier.dead_at.get_or_insert(done);
                    }
                }
                for submission in &mut self.ledger.submissions[from..] {
                    submission.acked_at = Some(done);
                }
                self.state.extend(numbers);
                Ok(())
            }
            Err(AppendError::Full { .. } | AppendError::Poisoned { .. }) => Ok(()),
            Err(error) => Err(Violation::new(format!("an append was refused: {error}"))),
        }
    }

    fn checkpoint(&mut self) -> Result<(), Violation> {
        let state = self.state.clone();
        let writer = self.writer()?;
        let lsn: Lsn = writer.durable();
        let made = writer.checkpoint(lsn, state.len() as u64, |sections| {
            write_sections(sections, &state)
        });
        if made.is_err() {
            // It costs nothing: the ones before it and the log are still there.
            return Ok(());
        }
        self.checkpoints_made += 1;
        self.listing()
            .after_checkpoint(lsn.0, self.checkpoints_made)
            .map_err(Violation::new)
    }

    fn rotate(&mut self) -> Result<(), Violation> {
        match self.writer()?.rotate() {
            Ok(()) | Err(AppendError::Full { .. } | AppendError::Poisoned { .. }) => Ok(()),
            Err(error) => Err(Violation::new(format!("a rotation was refused: {error}"))),
        }
    }

    fn stop(&mut self) -> Result<(), Violation> {
        let Some(writer) = self.writer.take() else {
            return Ok(());
        };
        match writer.shutdown() {
            Ok(_) | Err(AppendError::Full { .. } | AppendError::Poisoned { .. }) => Ok(()),
            Err(error) => Err(Violation::new(format!("the stop was refused: {error}"))),
        }
    }
}
