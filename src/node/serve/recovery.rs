//! From what is on disk to a core that knows where it stopped.
//!
//! ```text
//!  checkpoint ─► records behind it ─► core ─► ends and timers after the downtime, durable ─► resume
//! ```
//!
//! Nothing is sent and nobody is listened to before this is done. A crash at any step leaves a log from
//! which the same is rebuilt: what is appended here is computed from what was there and counts as a sign
//! of life (see `core::recovery`).

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tracing::{error, info, warn};

use super::crashes::{CrashCount, Crashes};
use crate::core::{Core, Policy, RecoveryReport, Restore, Tenant};
use crate::record::{ConfigAppliedV1, Record};
use crate::sys::WallTime;
use crate::wal::control::Control;
use crate::wal::scan::Scanned;
use crate::wal::{
    AppendError, DurableSink, Environment, Lane, Log, LogOptions, Lsn, NewRecord, OpenError,
    QueueLimits, Replay, StartReport, StoreIdentity, ThreadOptions, Writer, open,
};

/// Records of that length surely fit into a batch of the log.
const ONE_BATCH_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Rebuilds the core from checkpoint and records.
struct Rebuild {
    stage: Stage,
    policy: Arc<Policy>,
    now: WallTime,
    store: [u8; 16],
    records: u64,
    sections: u64,
    lost: u64,
    crashes: CrashCount,
}

enum Stage {
    Checkpoint(Box<Restore>),
    Records(Box<Core>),
    /// In between.
    Empty,
}

impl Rebuild {
    fn new(store: [u8; 16], policy: Arc<Policy>, now: WallTime) -> Self {
        let core = Core::new(store, Arc::clone(&policy));
        Self {
            stage: Stage::Checkpoint(Box::new(Restore::new(core, now))),
            policy,
            now,
            store,
            records: 0,
            sections: 0,
            lost: 0,
            crashes: CrashCount::default(),
        }
    }

    fn core(&mut self) -> &mut Core {
        let stage = std::mem::replace(&mut self.stage, Stage::Empty);
        let core = match stage {
            Stage::Checkpoint(restore) => Box::new(restore.finish().0),
            Stage::Records(core) => core,
            Stage::Empty => Box::new(Core::new(self.store, Arc::clone(&self.policy))),
        };
        self.stage = Stage::Records(core);
        match &mut self.stage {
            Stage::Records(core) => core,
            Stage::Checkpoint(_) | Stage::Empty => unreachable!("it was set above"),
        }
    }

    fn finish(mut self) -> Core {
        self.core();
        match self.stage {
            Stage::Records(core) => *core,
            Stage::Checkpoint(_) | Stage::Empty => Core::new(self.store, self.policy),
        }
    }
}

impl Replay for Rebuild {
    fn checkpoint_section(
        &mut self,
        kind: u32,
        bytes: &[u8],
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        if self.sections == 0 {
            // An older checkpoint may have been begun before.
            let core = Core::new(self.store, Arc::clone(&self.policy));
            self.stage = Stage::Checkpoint(Box::new(Restore::new(core, self.now)));
        }
        self.sections += 1;
        if let Stage::Checkpoint(restore) = &mut self.stage {
            restore.section(kind, bytes)?;
        }
        Ok(())
    }

    fn record(&mut self, scanned: &Scanned<'_>) -> Result<(), Box<dyn Error + Send + Sync>> {
        match &scanned.control {
            Some(Control::Lost { from, to }) => self.lost += to.0 + 1 - from.0,
            Some(Control::Boot { previous_clean, .. }) => self.crashes.ended(*previous_clean),
            _ => {}
        }
        if scanned.record_type.is_control() {
            return Ok(());
        }
        let record = Record::decode(scanned.record_type, scanned.schema, scanned.payload)?;
        self.records += 1;
        self.crashes.record(&record);
        self.core().apply(scanned.lsn, record);
        Ok(())
    }
}

/// What recovery gave.
pub(super) struct Recovered {
    pub(super) core: Core,
    pub(super) log: Log,
    /// The last record that the core has applied.
    pub(super) applied: Lsn,
    /// How often which notification was under way when the process was killed.
    pub(super) crashes: Crashes,
    pub(super) report: Report,
}

/// What recovery found and did: for the log and for `GET /api/tocsin/v1/recovery`.
#[derive(Debug)]
pub(super) struct Report {
    started_at: WallTime,
    taken: Duration,
    start: StartReport,
    records: u64,
    lost: u64,
    last_alive: Option<WallTime>,
    extended: usize,
    has_other_configuration: bool,
    core: RecoveryReport,
}

/// How the log is opened.
#[derive(Debug)]
pub(super) struct Opening<'a> {
    pub(super) environment: &'a Environment,
    pub(super) options: LogOptions,
    /// Those of the log; without them whoever opens it works through [`Log::step`].
    pub(super) threads: Option<ThreadOptions>,
    pub(super) policy: Arc<Policy>,
    /// Nothing is flushed before that long after the start.
    pub(super) start_delay: Duration,
}

/// Opens the log and rebuilds what is in it.
fn read(
    environment: &Environment,
    options: &LogOptions,
    policy: Arc<Policy>,
    now: WallTime,
) -> Result<(Writer, StartReport, Rebuild), OpenError> {
    // A store that is still to be made has no records that could be replayed.
    let store = StoreIdentity::read(environment.disk.as_ref())?;
    let store = store.map(|identity| identity.id.0.into_bytes());
    let mut rebuild = Rebuild::new(store.unwrap_or_default(), policy, now);
    let (writer, start) = open(environment, options, &mut rebuild)?;
    if store.is_none() {
        rebuild.store = writer.store().0.into_bytes();
        rebuild.stage = Stage::Empty;
    }
    Ok((writer, start, rebuild))
}

/// The core as the log has it, without what a start would change.
///
/// # Errors
/// Why the store cannot be opened.
pub(super) fn replay(
    environment: &Environment,
    options: &LogOptions,
    policy: Arc<Policy>,
) -> Result<Core, OpenError> {
    let (_, _, rebuild) = read(environment, options, policy, environment.clock.wall())?;
    Ok(rebuild.finish())
}

/// Opens the log, rebuilds the core, and makes what the downtime changed durable. `sink` receives what
/// becomes durable from now on.
///
/// # Errors
/// Why the store cannot be opened or continued.
pub(super) fn recover(
    opening: Opening<'_>,
    sink: Box<dyn DurableSink>,
) -> Result<Recovered, OpenError> {
    let Opening {
        environment,
        options,
        threads,
        policy,
        start_delay,
    } = opening;
    let clock = Arc::clone(&environment.clock);
    let (started_at, started) = (clock.wall(), clock.monotonic());
    let config_hash = policy.hash;
    let (writer, start, mut rebuild) = read(environment, &options, policy, started_at)?;
    let (records, lost) = (rebuild.records, rebuild.lost);
    let mut crashes = std::mem::take(&mut rebuild.crashes);
    crashes.ended(start.scan.ended_clean());
    let mut core = rebuild.finish();
    let last_alive = start.scan.last_alive;
    let now = clock.wall();
    let mut changes = core.plan_recovery(last_alive.unwrap_or(now), now);
    let extended = changes.len();
    let known_hash = core.tenant(super::TENANT).map(Tenant::config_hash);
    let has_other_configuration = known_hash != Some(config_hash);
    if has_other_configuration {
        changes.push(Record::ConfigApplied(ConfigAppliedV1 {
            tenant: super::TENANT.to_owned(),
            applied_at_ns: now.0,
            hash: config_hash,
            text: String::new(),
        }));
    }
    let (log, applied) = continue_log(writer, (threads, sink), &mut core, changes)?;
    let not_before = i64::try_from(start_delay.as_nanos()).unwrap_or(i64::MAX);
    let report = core.resume(now, WallTime(now.0.saturating_add(not_before)));
    Ok(Recovered {
        core,
        log,
        applied,
        crashes: crashes.finish(),
        report: Report {
            started_at,
            taken: clock.monotonic().saturating_sub(started),
            start,
            records,
            lost,
            last_alive,
            extended,
            has_other_configuration,
            core: report,
        },
    })
}

/// Starts the threads of the log, and appends and applies these records.
fn continue_log(
    writer: Writer,
    (threads, sink): (Option<ThreadOptions>, Box<dyn DurableSink>),
    core: &mut Core,
    records: Vec<Record>,
) -> Result<(Log, Lsn), OpenError> {
    let durable = writer.durable();
    let log = match threads {
        Some(threads) => Log::start(writer, threads, sink).map_err(|source| OpenError::Io {
            operation: "start the threads of the log in",
            path: ".".into(),
            source,
        })?,
        None => Log::stepped(writer, QueueLimits::default(), sink),
    };
    if records.is_empty() {
        return Ok((log, durable));
    }
    let encoded = records.iter().map(|record| {
        record.encoded().map_err(|fault| AppendError::Poisoned {
            cause: fault.to_string(),
        })
    });
    let encoded: Vec<NewRecord> = encoded.collect::<Result<_, AppendError>>()?;
    // In one batch, so that a crash leaves all of them or none; unless they are more than one may be.
    let mut pieces = match encoded.iter().map(|it| it.payload.len()).sum::<usize>() {
        0..=ONE_BATCH_BYTES_MAX => vec![encoded],
        _ => encoded.into_iter().map(|it| vec![it]).collect(),
    };
    let mut records = records.into_iter();
    let mut applied = durable;
    for piece in pieces.drain(..) {
        let count = piece.len();
        let appended = log.append_and_wait(Lane::Priority, piece)?;
        let mut lsn = appended.first;
        for record in records.by_ref().take(count) {
            core.apply(lsn, record);
            applied = lsn;
            lsn = lsn.next();
        }
    }
    Ok((log, applied))
}

/// Segments that a start may find before it asks for a checkpoint. A start behind a torn tail begins a new
/// one, of 16 MiB, however little is in the last: without this a machine that loses power again and again
/// would fill its disk long before the log has as many bytes as a checkpoint waits for.
const SEGMENTS_MAX: usize = 4;

impl Report {
    /// How long the process was down, as far as the log shows it.
    fn downtime(&self) -> Option<Duration> {
        let last = self.last_alive?;
        let down = self.started_at.0.saturating_sub(last.0);
        u64::try_from(down).ok().map(Duration::from_nanos)
    }

    /// Whether the state was made under another configuration than the one in force: then a checkpoint
    /// is due, so that what the change did is never done again under a third one.
    pub(super) fn has_other_configuration(&self) -> bool {
        self.has_other_configuration
    }

    /// Whether a checkpoint is due as soon as the server runs.
    pub(super) fn wants_checkpoint(&self) -> bool {
        self.has_other_configuration || self.start.scan.segments.len() > SEGMENTS_MAX
    }

    /// Bytes of records that the next start would read again.
    pub(super) fn log_bytes(&self) -> u64 {
        self.start.scan.record_bytes
    }

    /// For the log.
    pub(super) fn log(&self) {
        let scan = &self.start.scan;
        if self.start.is_new {
            info!(component = "wal", store = %scan.store, "A new store was made");
            return;
        }
        if let Some(torn) = &scan.torn {
            warn!(
                component = "wal",
                file = %torn.path.display(),
                offset = torn.offset,
                bytes = torn.bytes,
                "A torn tail was cut off; nothing in it had been acknowledged"
            );
        }
        for path in &self.start.quarantined {
            warn!(component = "wal", file = %path.display(), "A damaged file that a checkpoint covers was put into quarantine");
        }
        if let Some(last) = self.last_alive.filter(|last| *last > self.started_at) {
            warn!(
                component = "wal",
                clock = %self.started_at,
                last_alive = %last,
                "The clock is behind the last sign of life in the log: was it set back, or is it not set yet? Timers go on with what they had left."
            );
        }
        if self.lost > 0 {
            error!(
                component = "wal",
                records = self.lost,
                "An earlier repair had to give up records"
            );
        }
        info!(
            component = "wal",
            class = %scan.class.letter(),
            was_orderly = scan.ended_clean(),
            downtime = ?self.downtime().unwrap_or_default(),
            checkpoint = scan.base.0,
            records = self.records,
            alerts = self.core.alerts,
            groups = self.core.groups,
            overdue_groups = self.core.overdue_groups,
            in_doubt = self.core.in_doubt,
            duration = ?self.taken,
            "Recovery completed"
        );
    }

    /// For the API.
    pub(super) fn json(&self) -> Value {
        let scan = &self.start.scan;
        json!({
            "store": scan.store.to_string(),
            "isNew": self.start.is_new,
            "startedAt": self.started_at.to_string(),
            "durationSeconds": self.taken.as_secs_f64(),
            "lastAlive": self.last_alive.map(|it| it.to_string()),
            "downtimeSeconds": self.downtime().map(|it| it.as_secs_f64()),
            "endedInOrder": scan.ended_clean(),
            "class": scan.class.letter().to_string(),
            "checkpointLSN": scan.base.0,
            "durableLSN": scan.durable.0,
            "records": self.records,
            "recordsLost": self.lost,
            "bytesCut": scan.torn.as_ref().map_or(0, |torn| torn.bytes),
            "quarantined": self.start.quarantined.iter().map(|it| it.display().to_string()).collect::<Vec<_>>(),
            "changes": self.extended,
            "alerts": self.core.alerts,
            "groups": self.core.groups,
            "overdueGroups": self.core.overdue_groups,
            "inDoubt": self.core.in_doubt,
        })
    }
}
