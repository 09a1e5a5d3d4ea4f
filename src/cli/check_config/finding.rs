//! What was found, and how it is told.

use std::fmt;
use std::io;

use serde::Serialize;

use crate::cli::Context;
use crate::config::yaml::Place;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    /// The server will not start with it, or notifications will be lost.
    Error,
    /// It cannot be what was meant.
    Warning,
    /// It may be what was meant.
    Note,
}

impl Severity {
    fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    /// The name of the check, for scripts.
    pub(super) check: &'static str,
    /// From 1, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<usize>,
    /// What it is about: a route, a receiver, a rule.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) subject: String,
    pub(super) message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) suggestion: Option<String>,
}

impl Finding {
    pub(super) fn new(severity: Severity, check: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity,
            check,
            line: None,
            subject: String::new(),
            message: message.into(),
            suggestion: None,
        }
    }

    pub(super) fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = subject.into();
        self
    }

    pub(super) fn at(mut self, place: Option<Place>) -> Self {
        self.line = place.map(|place| place.line).filter(|line| *line > 0);
        self
    }

    pub(super) fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }
}

/// All that was found in a file.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) file: String,
    pub(super) errors: usize,
    pub(super) warnings: usize,
    pub(super) notes: usize,
    pub(super) findings: Vec<Finding>,
}

impl Report {
    /// Findings by their lines; those without a line come first.
    pub(super) fn new(file: String, mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.line);
        let count = |severity| {
            let found = findings
                .iter()
                .filter(|finding| finding.severity == severity);
            found.count()
        };
        Self {
            file,
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            notes: count(Severity::Note),
            findings,
        }
    }

    pub(super) fn print(&self, context: &mut Context<'_>) -> io::Result<()> {
        write!(context.out, "{self}")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = &self.file;
        for finding in &self.findings {
            let line = finding
                .line
                .map_or_else(String::new, |line| format!("{line}:"));
            write!(out, "{file}:{line} {}: ", finding.severity.name())?;
            if !finding.subject.is_empty() {
                write!(out, "{}: ", finding.subject)?;
            }
            writeln!(out, "{} [{}]", finding.message, finding.check)?;
            if let Some(suggestion) = &finding.suggestion {
                writeln!(out, "    {suggestion}")?;
            }
        }
        writeln!(
            out,
            "{file}: errors: {}, warnings: {}, notes: {}",
            self.errors, self.warnings, self.notes
        )
    }
}
