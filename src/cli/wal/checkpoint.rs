//! `tocsin wal checkpoint show`: what is in the checkpoints.

use std::io::{self, Write};

use serde::Serialize;

use super::args::{CheckpointArgs, CheckpointCommand, Format, ShowArgs};
use super::facts::CheckpointFacts;
use super::look;
use crate::cli::exit::{self, Exit};
use crate::cli::table::write_pairs;
use crate::cli::{Context, Problem};
use crate::sys::Disk;
use crate::wal::checkpoint::{CheckpointFile, read_checkpoint};
use crate::wal::{OpenError, StoreId, layout};

/// Runs the command.
pub(super) fn run(args: &CheckpointArgs, context: &mut Context<'_>) -> Result<Exit, Problem> {
    match &args.command {
        CheckpointCommand::Show(args) => show(args, context),
    }
}

fn show(args: &ShowArgs, context: &mut Context<'_>) -> Result<Exit, Problem> {
    let (lsn, root) = args.target()?;
    let (disk, view) = look::files(context.world, root)?;
    let mut shown = Vec::new();
    for checkpoint in &view.checkpoints {
        if lsn.is_none_or(|lsn| lsn == checkpoint.lsn.0) {
            shown.extend(read(disk.as_ref(), view.identity.id, checkpoint)?);
        }
    }
    if let (Some(lsn), true) = (lsn, shown.is_empty()) {
        let path = disk.display(layout::root_dir());
        return Err(Problem::NoSuchCheckpoint { path, lsn });
    }
    match args.format {
        Format::Text if shown.is_empty() => writeln!(context.out, "there is no checkpoint yet")?,
        Format::Text => {
            for checkpoint in &shown {
                checkpoint.write(context.out)?;
            }
        }
        Format::Json => {
            serde_json::to_writer_pretty(&mut *context.out, &shown).map_err(io::Error::from)?;
            writeln!(context.out)?;
        }
    }
    let is_damaged = shown
        .iter()
        .any(|checkpoint| checkpoint.facts.fault.is_some());
    Ok(if is_damaged {
        exit::MENDS_ITSELF
    } else {
        exit::SOUND
    })
}

/// A checkpoint with what is in it.
#[derive(Debug, Serialize)]
struct Contents {
    #[serde(flatten)]
    facts: CheckpointFacts,
    /// As far as the file can be read.
    sections: Vec<SectionFacts>,
}

#[derive(Debug, Serialize)]
struct SectionFacts {
    kind: u32,
    bytes: u64,
}

/// Reads a checkpoint; `None` when a running process has removed it meanwhile.
fn read(
    disk: &dyn Disk,
    store: StoreId,
    checkpoint: &CheckpointFile,
) -> Result<Option<Contents>, OpenError> {
    let mut sections = Vec::new();
    let mut note = |kind: u32, bytes: &[u8]| {
        sections.push(SectionFacts {
            kind,
            bytes: bytes.len() as u64,
        });
        Ok(())
    };
    match read_checkpoint(disk, checkpoint.lsn, store, &mut note) {
        Ok(_) => Ok(Some(Contents {
            facts: CheckpointFacts::of(disk, checkpoint),
            sections,
        })),
        Err(OpenError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Contents {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let facts = &self.facts;
        let unknown = || "not known".to_owned();
        let state = match &facts.fault {
            None => "whole".to_owned(),
            Some(fault) => format!("cannot be used: {fault}"),
        };
        writeln!(out, "checkpoint {}: {state}", facts.lsn)?;
        write_pairs(
            out,
            &[
                ("  file", facts.file.clone()),
                (
                    "  bytes",
                    facts.bytes.map_or_else(unknown, |bytes| bytes.to_string()),
                ),
                ("  CRC-32", facts.crc.clone().unwrap_or_else(unknown)),
                (
                    "  state hash",
                    facts.state_hash.clone().unwrap_or_else(unknown),
                ),
            ],
        )?;
        for section in &self.sections {
            writeln!(
                out,
                "  section kind {}: {} bytes",
                section.kind, section.bytes
            )?;
        }
        Ok(())
    }
}
