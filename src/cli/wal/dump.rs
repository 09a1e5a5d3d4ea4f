//! `tocsin wal dump` and `grep`: records as lines of JSON.

use std::io::{self, Write};

use regex::Regex;

use super::args::DumpArgs;
use super::filter::Filter;
use super::line::{Content, Line};
use super::look::{self, Look};
use crate::cli::exit::{self, Exit};
use crate::cli::{Context, Problem};
use crate::sys::WallTime;
use crate::wal::OpenError;
use crate::wal::control::Control;
use crate::wal::scan::{Scanned, Visitor};

/// Runs `dump`, or `grep` if there is a pattern.
pub(super) fn run(
    args: &DumpArgs,
    pattern: Option<&Regex>,
    context: &mut Context<'_>,
) -> Result<Exit, Problem> {
    let mut printer = Printer {
        filter: Filter::new(&args.filter, context.world.clock.wall()),
        pattern,
        left: args.filter.limit.unwrap_or(u64::MAX),
        written_at: None,
        out: context.out,
        stop: None,
    };
    // Lines and a bar on one terminal would tear each other apart.
    let shows_progress = !context.world.prints_to_terminal;
    let looked = look::visit(
        context.world,
        args.data.root(),
        shows_progress,
        &mut printer,
    );
    match printer.stop {
        Some(Stop::Enough) => Ok(exit::SOUND),
        Some(Stop::Output(error)) => Err(error.into()),
        None => {
            let look = looked?;
            context.out.flush()?;
            warn(&look, context.err)?;
            Ok(Exit::of_shown(look.report.class))
        }
    }
}

/// Says which records could not be shown.
pub(super) fn warn(look: &Look, err: &mut dyn Write) -> io::Result<()> {
    for damage in &look.report.damage {
        let mut shown = damage.clone();
        shown.path = look.disk.display(&damage.path);
        writeln!(err, "tocsin: warning: {shown}")?;
    }
    Ok(())
}

/// Why a scan was ended early.
enum Stop {
    /// Nothing more is wanted.
    Enough,
    /// What was to be printed cannot be.
    Output(io::Error),
}

struct Printer<'a> {
    filter: Filter<'a>,
    pattern: Option<&'a Regex>,
    /// How many records may still be printed.
    left: u64,
    /// When the batch was written that is being read.
    written_at: Option<WallTime>,
    out: &'a mut dyn Write,
    stop: Option<Stop>,
}

impl Printer<'_> {
    fn print(&mut self, record: &Scanned<'_>) -> Result<(), Stop> {
        if self.left == 0 || self.filter.is_past(record) {
            return Err(Stop::Enough);
        }
        let own_time = record.control.as_ref().and_then(Control::wall);
        self.written_at = own_time.or(self.written_at);
        if !self.filter.wants(record, self.written_at) {
            return Ok(());
        }
        let content = Content::of(record);
        if !self.filter.wants_content(&content) {
            return Ok(());
        }
        let line = Line::new(record, &content, self.written_at);
        let text =
            serde_json::to_string(&line).map_err(|error| Stop::Output(io::Error::other(error)))?;
        if self.pattern.is_some_and(|pattern| !pattern.is_match(&text)) {
            return Ok(());
        }
        self.left -= 1;
        writeln!(self.out, "{text}").map_err(Stop::Output)
    }
}

impl Visitor for Printer<'_> {
    fn record(&mut self, record: &Scanned<'_>) -> Result<(), OpenError> {
        self.print(record).map_err(|stop| {
            self.stop = Some(stop);
            // Only ends the scan; `run` looks at the reason first.
            OpenError::Io {
                operation: "go on after",
                path: record.segment.path.clone(),
                source: io::ErrorKind::Interrupted.into(),
            }
        })
    }
}
