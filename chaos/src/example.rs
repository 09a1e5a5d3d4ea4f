//! A small store to try the log tools on: a day of a disk that fills up.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tocsin::record::{
    AlertBatchV1, AlertV1, FlushIntentV1, NotificationKeyV1, NotifyResultV1, Pairs, Record,
};
use tocsin::sys::{Clock, Disk, SeededEntropy, VirtualClock, WallTime};
use tocsin::wal::{Environment, IgnoreReplay, Lane, LogOptions, NewRecord, Writer, open};

const SEGMENT_BYTES: u64 = 1024 * 1024;

/// Makes the store in `disk`, ending at `now`; `root` is where that is, for messages.
///
/// # Errors
/// That there is something already, or whatever the disk reports.
pub fn make(disk: Arc<dyn Disk>, now: WallTime, root: &Path) -> Result<()> {
    let is_taken = disk
        .list(Path::new(""))
        .is_ok_and(|names| !names.is_empty());
    if is_taken {
        bail!("{} is not empty; name another directory", root.display());
    }
    let start = WallTime(now.0 - 86_400_000_000_000);
    let clock = Arc::new(VirtualClock::at(start));
    let shared: Arc<dyn Clock> = Arc::<VirtualClock>::clone(&clock);
    let seed = now.0.unsigned_abs();
    let environment = Environment {
        disk,
        clock: shared,
        entropy: Arc::new(SeededEntropy::new(seed)),
    };
    let options = LogOptions {
        segment_bytes: SEGMENT_BYTES,
        ..LogOptions::default()
    };
    let (mut writer, _) =
        open(&environment, &options, &mut IgnoreReplay).context("cannot make the store")?;
    for hour in 0..24 {
        for host in 0..4 {
            let is_firing = (hour + host) % 6 < 4;
            put(&mut writer, &[alert(clock.as_ref(), host, is_firing)])?;
        }
        let flush_id = hour + 1;
        put(&mut writer, &[intent(clock.as_ref(), flush_id)])?;
        clock.advance(Duration::from_millis(180));
        put(
            &mut writer,
            &[result(clock.as_ref(), flush_id, hour % 9 != 7)],
        )?;
        if hour % 8 == 7 {
            let lsn = writer.durable();
            writer.checkpoint(lsn, hour, |sections| sections.section(1, b"an example"))?;
        }
        clock.advance(Duration::from_secs(3600));
    }
    writer.shutdown()?;
    Ok(())
}

fn put(writer: &mut Writer, records: &[Record]) -> Result<()> {
    let records = records
        .iter()
        .map(Record::encoded)
        .collect::<Result<Vec<_>, _>>()?;
    let records: Vec<&NewRecord> = records.iter().collect();
    writer.append(Lane::Normal, &records)?;
    Ok(())
}

fn pairs(pairs: &[(&str, &str)]) -> Pairs {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn alert(clock: &dyn Clock, host: u64, is_firing: bool) -> Record {
    let now = clock.wall().0;
    let instance = format!("db{host}:9100");
    Record::AlertBatch(AlertBatchV1 {
        tenant: String::new(),
        received_at_ns: now,
        alerts: vec![AlertV1 {
            labels: pairs(&[
                ("alertname", "DiskFull"),
                ("instance", &instance),
                ("severity", "page"),
                ("team", "storage"),
            ]),
            annotations: pairs(&[("summary", &format!("{instance} has less than 5 % left"))]),
            starts_at_ns: now,
            ends_at_ns: if is_firing {
                now + 240_000_000_000
            } else {
                now
            },
            is_timeout: false,
            generator_url: "http://prometheus.example:9090/graph".to_owned(),
        }],
    })
}

fn key() -> NotificationKeyV1 {
    NotificationKeyV1 {
        tenant: String::new(),
        group_key: "{}:{alertname=\"DiskFull\"}".to_owned(),
        receiver: "storage-team".to_owned(),
        integration: "webhook".to_owned(),
        index: 0,
    }
}

fn intent(clock: &dyn Clock, flush_id: u64) -> Record {
    Record::FlushIntent(FlushIntentV1 {
        flush_id,
        key: key(),
        attempt: 1,
        reason: "new alerts".to_owned(),
        firing: vec![0x1f2e, 0x3d4c],
        resolved: vec![],
        idempotency_key: [flush_id.to_le_bytes()[0]; 32],
        decided_at_ns: clock.wall().0,
    })
}

fn result(clock: &dyn Clock, flush_id: u64, is_delivered: bool) -> Record {
    let (outcome, detail) = if is_delivered {
        ("delivered", "")
    } else {
        ("failed", "503 Service Unavailable")
    };
    Record::NotifyResult(NotifyResultV1 {
        flush_id,
        key: key(),
        outcome: outcome.to_owned(),
        detail: detail.to_owned(),
        entry: vec![],
        finished_at_ns: clock.wall().0,
    })
}
