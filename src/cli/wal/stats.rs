//! `tocsin wal stats`: what takes up the room.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::args::{Format, LookArgs};
use super::dump::warn;
use super::facts::{CheckpointFacts, SegmentFacts, StoreFacts};
use super::line::type_name;
use super::look;
use crate::cli::exit::Exit;
use crate::cli::table::{Side, Table, write_pairs};
use crate::cli::{Context, Problem};
use crate::wal::frame::frame_bytes;
use crate::wal::scan::Scanned;

/// Runs the command.
pub(super) fn run(args: &LookArgs, context: &mut Context<'_>) -> Result<Exit, Problem> {
    let mut by_type: BTreeMap<u8, (u64, u64)> = BTreeMap::new();
    let mut count = |record: &Scanned<'_>| {
        let (records, bytes) = by_type.entry(record.record_type.0).or_default();
        *records += 1;
        *bytes += frame_bytes(record.payload.len()) as u64;
        Ok(())
    };
    let look = look::visit(context.world, args.data.root(), true, &mut count)?;
    let checkpoints: Vec<CheckpointFacts> = look
        .report
        .checkpoints
        .iter()
        .map(|checkpoint| CheckpointFacts::of(look.disk.as_ref(), checkpoint))
        .collect();
    let segments = SegmentFacts::all(&look);
    let types: Vec<TypeFacts> = by_type
        .into_iter()
        .map(|(number, (records, bytes))| TypeFacts {
            type_name: type_name(crate::wal::RecordType(number)),
            records,
            bytes,
        })
        .collect();
    let stats = Stats {
        store: StoreFacts::of(&look),
        records: types.iter().map(|facts| facts.records).sum(),
        record_bytes: types.iter().map(|facts| facts.bytes).sum(),
        segment_bytes: segments.iter().map(|segment| segment.file_bytes).sum(),
        checkpoint_bytes: checkpoints.iter().filter_map(|facts| facts.bytes).sum(),
        oldest_needed_lsn: look.report.oldest_needed().0,
        next_lsn: look.report.next.0,
        types,
        segments,
        checkpoints,
    };
    match args.format {
        Format::Text => stats.write(context.out)?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut *context.out, &stats).map_err(io::Error::from)?;
            writeln!(context.out)?;
        }
    }
    context.out.flush()?;
    warn(&look, context.err)?;
    Ok(Exit::of_shown(look.report.class))
}

/// Records of one type.
#[derive(Debug, Serialize)]
struct TypeFacts {
    #[serde(rename = "type")]
    type_name: String,
    records: u64,
    /// In frames, padding included.
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct Stats {
    store: StoreFacts,
    records: u64,
    record_bytes: u64,
    segment_bytes: u64,
    checkpoint_bytes: u64,
    oldest_needed_lsn: u64,
    next_lsn: u64,
    types: Vec<TypeFacts>,
    segments: Vec<SegmentFacts>,
    checkpoints: Vec<CheckpointFacts>,
}

impl Stats {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        self.type_table().write(out)?;
        writeln!(out)?;
        self.segment_table().write(out)?;
        writeln!(out)?;
        if !self.checkpoints.is_empty() {
            self.checkpoint_table().write(out)?;
            writeln!(out)?;
        }
        write_pairs(
            out,
            &[
                ("store", self.store.path.clone()),
                ("oldest needed LSN", self.oldest_needed_lsn.to_string()),
                ("next LSN", self.next_lsn.to_string()),
                (
                    "on disk",
                    format!(
                        "{} bytes in segments, {} in checkpoints",
                        self.segment_bytes, self.checkpoint_bytes
                    ),
                ),
            ],
        )
    }

    fn type_table(&self) -> Table {
        let mut table = Table::new(&[
            ("type", Side::Left),
            ("records", Side::Right),
            ("bytes", Side::Right),
        ]);
        for facts in &self.types {
            table.row(vec![
                facts.type_name.clone(),
                facts.records.to_string(),
                facts.bytes.to_string(),
            ]);
        }
        table.row(vec![
            "total".to_owned(),
            self.records.to_string(),
            self.record_bytes.to_string(),
        ]);
        table
    }

    fn segment_table(&self) -> Table {
        let mut table = Table::new(&[
            ("segment", Side::Left),
            ("first LSN", Side::Right),
            ("last LSN", Side::Right),
            ("records", Side::Right),
            ("used", Side::Right),
            ("size", Side::Right),
            ("state", Side::Left),
        ]);
        for facts in &self.segments {
            table.row(vec![
                file_name(&facts.file),
                facts.first_lsn.to_string(),
                facts.last_lsn.map_or("-".to_owned(), |lsn| lsn.to_string()),
                facts.records.to_string(),
                facts.used_bytes.to_string(),
                facts.file_bytes.to_string(),
                facts.state.to_owned(),
            ]);
        }
        table
    }

    fn checkpoint_table(&self) -> Table {
        let mut table = Table::new(&[
            ("checkpoint", Side::Left),
            ("LSN", Side::Right),
            ("bytes", Side::Right),
            ("state", Side::Left),
        ]);
        for facts in &self.checkpoints {
            table.row(vec![
                file_name(&facts.file),
                facts.lsn.to_string(),
                facts
                    .bytes
                    .map_or("-".to_owned(), |bytes| bytes.to_string()),
                facts.fault.clone().unwrap_or_else(|| "whole".to_owned()),
            ]);
        }
        table
    }
}

fn file_name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_owned()
}
