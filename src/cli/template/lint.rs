//! `tocsin template lint`: what would fail, with its place.
//!
//! Each finding is a line `FILE:LINE:COLUMN: error: …`, which editors understand, the line of the
//! file with the place underlined, and what to write instead, if that is known.

use super::args::{Format, LintArgs};
use super::sample;
use crate::cli::exit::{self, Exit};
use crate::cli::{Context, Problem};
use crate::template::lint::{Finding, LintFile, LintOptions, Severity, lint};

/// A line of a file is shown up to this many characters before and behind the place.
const SHOWN_CHARS: usize = 60;

/// Runs the command.
///
/// # Errors
/// If a file cannot be read, or the output not be written.
pub(super) fn run(args: &LintArgs, context: &mut Context<'_>) -> Result<Exit, Problem> {
    let mut files = Vec::with_capacity(args.files.len());
    for path in &args.files {
        files.push(LintFile {
            name: path.display().to_string(),
            text: sample::read(context, path)?,
        });
    }
    let config = match &args.config {
        Some(path) => Some(LintFile {
            name: path.display().to_string(),
            text: sample::read(context, path)?,
        }),
        None => None,
    };
    let data = match &args.data {
        Some(path) => {
            let json = sample::read(context, path)?;
            let data = sample::of_json(&json, &["alertname".to_owned()])
                .map_err(|why| Problem::Usage(format!("{}: {why}", path.display())))?;
            Some(data)
        }
        None => None,
    };
    let findings = lint(&files, &LintOptions { config, data })
        .map_err(|error| Problem::Usage(error.to_string()))?;
    match args.format {
        Format::Text => print(&files, &findings, context)?,
        Format::Json => print_json(&files, &findings, context)?,
    }
    Ok(if findings.is_empty() {
        exit::SOUND
    } else {
        exit::FAULTY
    })
}

/// A place in a file, as people count.
struct Place<'f> {
    file: &'f str,
    line: usize,
    /// In characters, from one.
    column: usize,
    /// The text of the line before, at, and behind the place.
    parts: [String; 3],
}

impl<'f> Place<'f> {
    fn of(files: &'f [LintFile], finding: &Finding) -> Option<Self> {
        let file = files.get(finding.file)?;
        let offset = finding.offset.min(file.text.len());
        let (before, behind) = file.text.split_at(offset);
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        let start = before
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |newline| newline + 1);
        let end = behind
            .iter()
            .position(|&byte| byte == b'\n')
            .unwrap_or(behind.len());
        let len = finding.len.min(end);
        let text = |bytes: &[u8]| {
            String::from_utf8_lossy(bytes)
                .replace('\t', " ")
                .replace('\r', "")
        };
        let before = text(before.get(start..).unwrap_or_default());
        Some(Self {
            file: &file.name,
            line,
            column: 1 + before.chars().count(),
            parts: [
                before,
                text(behind.get(..len).unwrap_or_default()),
                text(behind.get(len..end).unwrap_or_default()),
            ],
        })
    }

    /// The line with the place underlined, both shortened alike.
    fn underlined(&self) -> [String; 2] {
        let [before, at, behind] = &self.parts;
        let skipped = before.chars().count().saturating_sub(SHOWN_CHARS);
        let mark = if skipped > 0 { "…" } else { "" };
        let before: String = before.chars().skip(skipped).collect();
        let at: String = at.chars().take(SHOWN_CHARS).collect();
        let behind: String = behind.chars().take(SHOWN_CHARS).collect();
        let indent = " ".repeat(mark.chars().count() + before.chars().count());
        let line = "^".repeat(at.chars().count().max(1));
        [format!("{mark}{before}{at}{behind}"), indent + &line]
    }
}

fn print(
    files: &[LintFile],
    findings: &[Finding],
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    for finding in findings {
        let Some(place) = Place::of(files, finding) else {
            continue;
        };
        let Place {
            file, line, column, ..
        } = &place;
        let (severity, message) = (finding.severity.name(), &finding.message);
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        let [text, underline] = place.underlined();
        writeln!(context.out, "{file}:{line}:{column}: {severity}: {message}")?;
        writeln!(context.out, "  {number} | {}", text.trim_end())?;
        writeln!(context.out, "  {margin} | {underline}")?;
        if let Some(help) = &finding.help {
            writeln!(context.out, "  {margin} = {help}")?;
        }
        writeln!(context.out)?;
    }
    let count = |severity| {
        let of = findings
            .iter()
            .filter(|finding| finding.severity == severity);
        of.count()
    };
    let plural = |count: usize, word: &str| match count {
        1 => format!("1 {word}"),
        count => format!("{count} {word}s"),
    };
    let files = plural(files.len(), "file");
    match (count(Severity::Error), count(Severity::Warning)) {
        (0, 0) => writeln!(context.out, "{files}: nothing found")?,
        (errors, warnings) => writeln!(
            context.out,
            "{files}: {}, {}",
            plural(errors, "error"),
            plural(warnings, "warning")
        )?,
    }
    Ok(())
}

fn print_json(
    files: &[LintFile],
    findings: &[Finding],
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    let findings: Vec<serde_json::Value> = findings
        .iter()
        .filter_map(|finding| {
            let place = Place::of(files, finding)?;
            Some(serde_json::json!({
                "file": place.file,
                "line": place.line,
                "column": place.column,
                "length": place.parts.get(1).map_or(0, |at| at.chars().count()),
                "severity": finding.severity.name(),
                "code": finding.code,
                "message": finding.message,
                "help": finding.help,
            }))
        })
        .collect();
    writeln!(context.out, "{}", serde_json::Value::from(findings))?;
    Ok(())
}
