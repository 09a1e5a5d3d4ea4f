//! What the log is compared with: a list of numbers.
//!
//! Every record of a workload carries a number and bytes derived from it. The state is the list of
//! numbers in the order of the log; a checkpoint is that list. Recovery must give back every number
//! that was acknowledged, none that was never submitted, and all in the order of submission.

use tocsin::wal::{Lane, NewRecord, RecordType, Replay, scan::Scanned};

type Refusal = Box<dyn std::error::Error + Send + Sync>;

/// The kind of the numbered records; the log does not look at it.
const NUMBERED: RecordType = RecordType(1);

/// The kind of a checkpoint section with numbers in it.
const SECTION_KIND: u32 = 7;

/// The kind of a checkpoint section that means nothing.
pub const FILLER_KIND: u32 = 9;

/// Numbers per checkpoint section: few, so that small workloads write several.
const SECTION_NUMBERS: usize = 3;

/// Makes the record with that number and payload length (at least 8 bytes).
pub fn record(number: u64, payload_bytes: usize) -> NewRecord {
    let mut payload = number.to_le_bytes().to_vec();
    payload.extend((8..payload_bytes).map(|at| pattern(number, at)));
    NewRecord {
        record_type: NUMBERED,
        schema: 1,
        payload: payload.into(),
    }
}

fn pattern(number: u64, at: usize) -> u8 {
    let mixed = (number.wrapping_mul(0x9e37_79b9) ^ at as u64).wrapping_mul(0x85eb_ca6b);
    // Not zero: a payload must not look like the unwritten part of a segment.
    mixed.to_le_bytes()[2] | 1
}

/// Writes the list as checkpoint sections.
pub fn write_sections(
    writer: &mut tocsin::wal::checkpoint::CheckpointWriter,
    numbers: &[u64],
) -> std::io::Result<()> {
    for part in numbers.chunks(SECTION_NUMBERS) {
        let bytes: Vec<u8> = part
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        writer.section(SECTION_KIND, &bytes)?;
    }
    Ok(())
}

/// The list, as recovery gives it back.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The numbers, in order.
    pub numbers: Vec<u64>,
}

fn number_at(bytes: &[u8]) -> Option<u64> {
    bytes
        .first_chunk::<8>()
        .map(|chunk| u64::from_le_bytes(*chunk))
}

impl Replay for Recovered {
    fn checkpoint_section(&mut self, kind: u32, bytes: &[u8]) -> Result<(), Refusal> {
        if kind == FILLER_KIND {
            return Ok(());
        }
        if kind != SECTION_KIND || !bytes.len().is_multiple_of(8) {
            return Err(format!("a section of kind {kind} with {} bytes", bytes.len()).into());
        }
        self.numbers.extend(bytes.chunks(8).filter_map(number_at));
        Ok(())
    }

    fn record(&mut self, record: &Scanned<'_>) -> Result<(), Refusal> {
        if record.record_type != NUMBERED {
            return Ok(());
        }
        let number = number_at(record.payload).ok_or("a record without a number")?;
        let holds = |(at, byte): (usize, &u8)| at < 8 || *byte == pattern(number, at);
        if !record.payload.iter().enumerate().all(holds) {
            return Err(format!("record {number} came back altered").into());
        }
        self.numbers.push(number);
        Ok(())
    }
}

/// One record that a workload submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// Its number.
    pub number: u64,
    /// Which lane it took.
    pub lane: Lane,
    /// Operations of the disk that were done when it was submitted.
    pub submitted_at: usize,
    /// … when it was acknowledged (or recovered, which is as good), if it was.
    pub acked_at: Option<usize>,
    /// … from which on it must not come back: refused for good, or not recovered by a start.
    pub dead_at: Option<usize>,
}

/// Everything a workload submitted, in order.
#[derive(Debug, Default, Clone)]
pub struct Ledger {
    /// The submissions.
    pub submissions: Vec<Submission>,
}

impl Ledger {
    /// Compares what a recovery gave back with what the disk had promised after `done` operations.
    pub fn judge(&self, done: usize, recovered: &[u64]) -> Result<(), String> {
        let mut back = recovered.iter().peekable();
        for submission in self
            .submissions
            .iter()
            .filter(|one| one.submitted_at <= done)
        {
            let is_back = back.next_if_eq(&&submission.number).is_some();
            let is_acked = submission.acked_at.is_some_and(|at| at <= done);
            let is_dead = submission.dead_at.is_some_and(|at| at <= done);
            if is_acked && !is_back {
                return Err(format!(
                    "record {} was acknowledged and is lost",
                    submission.number
                ));
            }
            if is_dead && is_back {
                return Err(format!(
                    "record {} was given up and came back",
                    submission.number
                ));
            }
        }
        match back.next() {
            Some(number) => Err(format!(
                "record {number} is out of order, doubled or was never sent"
            )),
            None => Ok(()),
        }
    }
}
