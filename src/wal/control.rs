//! The records that the log writes for itself. Fixed layouts, little endian, schema version 1.
//!
//! ```text
//! BatchStart      durable LSN u64 · wall time i64 (ns)
//! Heartbeat       wall time i64 (ns) · monotonic u64 (ns) · durable LSN u64
//! Boot            wall time i64 (ns) · process id u32 · clean u8 (0 | 1) · n u8 · n bytes of UTF-8: version
//! Shutdown        wall time i64 (ns) · durable LSN u64
//! CheckpointDone  checkpoint LSN u64 · file length u64 · file CRC-32 u32
//! Lost            first LSN u64 · last LSN u64; the frame's own LSN is the last
//! ```
//!
//! A *durable LSN* in a record is a claim: everything up to it had been synced when the record was
//! written. Claims are what tells a torn tail from damage (see [`super::scan`]).

use super::frame::{u32_at, u64_at};
use super::ids::{Lsn, RecordType};
use crate::sys::WallTime;

/// The schema version of all control records.
pub const CONTROL_SCHEMA: u8 = 1;

/// Longer version texts are cut.
const VERSION_BYTES_MAX: usize = 200;

/// A record that the log writes for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// Opens every batch.
    BatchStart {
        /// Everything up to here had been synced.
        durable: Lsn,
        /// When the batch was written.
        wall: WallTime,
    },
    /// A sign of life.
    Heartbeat {
        /// When.
        wall: WallTime,
        /// Time since the process's fixed instant, in nanoseconds.
        monotonic_ns: u64,
        /// Everything up to here had been synced.
        durable: Lsn,
    },
    /// A process opened the log.
    Boot {
        /// When.
        wall: WallTime,
        /// Its process id.
        pid: u32,
        /// Whether the log before it ended with a `Shutdown`.
        previous_clean: bool,
        /// The program's version.
        version: String,
    },
    /// A process closed the log in order.
    Shutdown {
        /// When.
        wall: WallTime,
        /// Everything up to here had been synced.
        durable: Lsn,
    },
    /// A checkpoint is durable and was verified.
    CheckpointDone {
        /// The last record it contains.
        checkpoint: Lsn,
        /// The file's length in bytes.
        file_bytes: u64,
        /// The checksum over the file.
        crc: u32,
    },
    /// Records that a salvage had to give up.
    Lost {
        /// The first.
        from: Lsn,
        /// The last.
        to: Lsn,
    },
}

impl Control {
    /// The record type it is written as.
    #[must_use]
    pub fn record_type(&self) -> RecordType {
        match self {
            Self::BatchStart { .. } => RecordType::BATCH_START,
            Self::Heartbeat { .. } => RecordType::HEARTBEAT,
            Self::Boot { .. } => RecordType::BOOT,
            Self::Shutdown { .. } => RecordType::SHUTDOWN,
            Self::CheckpointDone { .. } => RecordType::CHECKPOINT_DONE,
            Self::Lost { .. } => RecordType::LOST,
        }
    }

    /// The payload.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(32);
        match self {
            Self::BatchStart { durable, wall } => {
                out.extend_from_slice(&durable.0.to_le_bytes());
                out.extend_from_slice(&wall.0.to_le_bytes());
            }
            Self::Heartbeat {
                wall,
                monotonic_ns,
                durable,
            } => {
                out.extend_from_slice(&wall.0.to_le_bytes());
                out.extend_from_slice(&monotonic_ns.to_le_bytes());
                out.extend_from_slice(&durable.0.to_le_bytes());
            }
            Self::Boot {
                wall,
                pid,
                previous_clean,
                version,
            } => {
                let end = version.floor_char_boundary(VERSION_BYTES_MAX);
                out.extend_from_slice(&wall.0.to_le_bytes());
                out.extend_from_slice(&pid.to_le_bytes());
                out.push(u8::from(*previous_clean));
                out.push(u8::try_from(end).unwrap_or(0));
                out.extend_from_slice(&version.as_bytes()[..end]);
            }
            Self::Shutdown { wall, durable } => {
                out.extend_from_slice(&wall.0.to_le_bytes());
                out.extend_from_slice(&durable.0.to_le_bytes());
            }
            Self::CheckpointDone {
                checkpoint,
                file_bytes,
                crc,
            } => {
                out.extend_from_slice(&checkpoint.0.to_le_bytes());
                out.extend_from_slice(&file_bytes.to_le_bytes());
                out.extend_from_slice(&crc.to_le_bytes());
            }
            Self::Lost { from, to } => {
                out.extend_from_slice(&from.0.to_le_bytes());
                out.extend_from_slice(&to.0.to_le_bytes());
            }
        }
        out
    }

    /// Reads a control record; `None` when the type is not one of the log's own, or the payload is
    /// not one that [`Control::encode`] writes.
    #[must_use]
    pub fn decode(record_type: RecordType, payload: &[u8]) -> Option<Self> {
        let length_holds = match record_type {
            RecordType::BATCH_START | RecordType::SHUTDOWN | RecordType::LOST => {
                payload.len() == 16
            }
            RecordType::HEARTBEAT => payload.len() == 24,
            RecordType::CHECKPOINT_DONE => payload.len() == 20,
            RecordType::BOOT => boot_holds(payload),
            _ => false,
        };
        if !length_holds {
            return None;
        }
        Some(match record_type {
            RecordType::BATCH_START => Self::BatchStart {
                durable: lsn_at(payload, 0),
                wall: wall_at(payload, 8),
            },
            RecordType::HEARTBEAT => Self::Heartbeat {
                wall: wall_at(payload, 0),
                monotonic_ns: u64_at(payload, 8),
                durable: lsn_at(payload, 16),
            },
            RecordType::BOOT => Self::Boot {
                wall: wall_at(payload, 0),
                pid: u32_at(payload, 8),
                previous_clean: payload[12] != 0,
                version: String::from_utf8_lossy(&payload[14..]).into_owned(),
            },
            RecordType::SHUTDOWN => Self::Shutdown {
                wall: wall_at(payload, 0),
                durable: lsn_at(payload, 8),
            },
            RecordType::CHECKPOINT_DONE => Self::CheckpointDone {
                checkpoint: lsn_at(payload, 0),
                file_bytes: u64_at(payload, 8),
                crc: u32_at(payload, 16),
            },
            _ => Self::Lost {
                from: lsn_at(payload, 0),
                to: lsn_at(payload, 8),
            },
        })
    }

    /// The claim that the record makes: everything up to this LSN had been synced.
    #[must_use]
    pub fn durable_claim(&self) -> Option<Lsn> {
        match self {
            Self::BatchStart { durable, .. }
            | Self::Heartbeat { durable, .. }
            | Self::Shutdown { durable, .. } => Some(*durable),
            Self::CheckpointDone { checkpoint, .. } => Some(*checkpoint),
            Self::Boot { .. } | Self::Lost { .. } => None,
        }
    }

    /// When the record was written, if it says so.
    #[must_use]
    pub fn wall(&self) -> Option<WallTime> {
        match self {
            Self::BatchStart { wall, .. }
            | Self::Heartbeat { wall, .. }
            | Self::Boot { wall, .. }
            | Self::Shutdown { wall, .. } => Some(*wall),
            Self::CheckpointDone { .. } | Self::Lost { .. } => None,
        }
    }
}

/// The length fits the version's length, the flag is one, and the version is text.
fn boot_holds(payload: &[u8]) -> bool {
    payload.len() >= 14
        && payload.len() == 14 + usize::from(payload[13])
        && payload[12] <= 1
        && std::str::from_utf8(&payload[14..]).is_ok()
}

fn lsn_at(payload: &[u8], at: usize) -> Lsn {
    Lsn(u64_at(payload, at))
}

fn wall_at(payload: &[u8], at: usize) -> WallTime {
    WallTime(u64_at(payload, at).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_log_itself_never_writes_is_not_read() {
        let version_too_long = [[0; 13].as_slice(), &[2, b'v']].concat();
        let flag_of_two = [[0; 12].as_slice(), &[2, 0]].concat();
        let not_text = [[0; 13].as_slice(), &[1, 0xff]].concat();
        let payloads: [(RecordType, &[u8]); 7] = [
            (RecordType(1), &[0; 16]),
            (RecordType::BATCH_START, &[0; 15]),
            (RecordType::HEARTBEAT, &[0; 25]),
            (RecordType::BOOT, &[0; 13]),
            (RecordType::BOOT, &version_too_long),
            (RecordType::BOOT, &flag_of_two),
            (RecordType::BOOT, &not_text),
        ];
        let read = payloads.map(|(record_type, payload)| Control::decode(record_type, payload));
        assert_eq!(read, [const { None }; 7]);
    }
}
