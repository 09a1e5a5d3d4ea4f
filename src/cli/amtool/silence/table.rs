//! How silences are shown.

use std::io;

use crate::cli::Context;
use crate::cli::amtool::args::{Global, Output};
use crate::cli::amtool::failure::Failure;
use crate::cli::amtool::format::{columns, date, in_order, json_line};
use crate::cli::amtool::object::Silence;

/// Prints silences: those that end first, first, unless it is JSON, which keeps their order.
pub(super) fn print(
    silences: Vec<Silence>,
    global: &Global,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    if global.output == Output::Json {
        writeln!(context.out, "{}", json_line(&silences)?)?;
        return Ok(());
    }
    let silences = in_order(silences, |silence| &silence.content.ends_at)?;
    let layout = &global.date_format;
    let is_extended = global.output == Output::Extended;
    let mut text = match is_extended {
        true => "ID\tMatchers\tStarts At\tEnds At\tUpdated At\tCreated By\tComment\t\n",
        false => "ID\tMatchers\tEnds At\tCreated By\tComment\t\n",
    }
    .to_owned();
    for silence in &silences {
        let content = &silence.content;
        let ends_at = date(&content.ends_at, layout)?;
        let mut cells = vec![silence.id.clone(), matchers(silence, is_extended)?];
        match is_extended {
            true => cells.extend([
                date(&content.starts_at, layout)?,
                ends_at,
                date(&silence.updated_at, layout)?,
            ]),
            false => cells.push(ends_at),
        }
        cells.extend([content.created_by.clone(), content.comment.clone()]);
        text.push_str(&cells.join("\t"));
        text.push_str("\t\n");
    }
    write!(context.out, "{}", columns(&text))?;
    Ok(())
}

fn matchers(silence: &Silence, is_extended: bool) -> Result<String, Failure> {
    let mut texts = Vec::with_capacity(silence.content.matchers.len());
    for matcher in &silence.content.matchers {
        texts.push(matcher.read()?.to_string());
    }
    Ok(match is_extended {
        true => format!("{{{}}}", texts.join(",")),
        false => texts.join(" "),
    })
}

/// Prints IDs, one a line.
pub(super) fn print_ids<'s>(
    ids: impl Iterator<Item = &'s str>,
    context: &mut Context<'_>,
) -> io::Result<()> {
    for id in ids {
        writeln!(context.out, "{id}")?;
    }
    Ok(())
}
