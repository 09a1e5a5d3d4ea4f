//! Errors, with the texts Go gives them.

use std::fmt;

use crate::limits::Stop;

/// A text that is no template.
///
/// ```
/// let mut set = gotemplate::TextSet::default();
/// let error = set.parse("a.tmpl", "\n{{ nope }}").unwrap_err();
/// assert_eq!(error.to_string(), r#"template: a.tmpl:2: function "nope" not defined"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The name the text was parsed under.
    pub name: String,
    /// The line, from one.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// Where it is, for tools: the byte offset of the token that was read last, of the action that
    /// is not closed, or of the first thing in the block that is not.
    pub offset: usize,
}

impl fmt::Display for ParseError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "template: {}:{}: {}",
            self.name, self.line, self.message
        )
    }
}

impl std::error::Error for ParseError {}

/// A template that failed while it ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecError {
    /// Where it was: `NAME:LINE:COLUMN`, the template and the node; nowhere if it never began.
    pub place: Option<Box<Place>>,
    /// What is wrong.
    pub message: String,
    /// The limit that ended it, if one did.
    pub stop: Option<Stop>,
    /// What had been written before.
    pub partial: Vec<u8>,
}

/// Where an execution failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `NAME:LINE:COLUMN`; the line counts from one and the column, in bytes, from zero.
    pub location: String,
    /// The template that was executing.
    pub template: String,
    /// The node, as source.
    pub node: String,
}

impl fmt::Display for ExecError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = &self.message;
        match self.place.as_deref() {
            None => write!(out, "template: {message}"),
            Some(place) => {
                let Place {
                    location,
                    template,
                    node,
                } = place;
                let template = crate::quote::quote(template.as_bytes());
                write!(
                    out,
                    "template: {location}: executing {template} at <{node}>: {message}"
                )
            }
        }
    }
}

impl std::error::Error for ExecError {}

/// A template whose actions cannot be escaped for HTML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EscapeError {
    /// `NAME:LINE:COLUMN` of the node, or the template's name; nothing for a template without one.
    pub location: Option<String>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for EscapeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(location) => write!(out, "html/template:{location}: {}", self.message),
            None => write!(out, "html/template: {}", self.message),
        }
    }
}

impl std::error::Error for EscapeError {}

/// A template that could not be rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The HTML around an action gives it no clear meaning.
    Escape(EscapeError),
    /// It failed while it ran.
    Exec(ExecError),
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Escape(error) => error.fmt(out),
            Self::Exec(error) => error.fmt(out),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(match self {
            Self::Escape(error) => error,
            Self::Exec(error) => error,
        })
    }
}

impl From<EscapeError> for Error {
    fn from(error: EscapeError) -> Self {
        Self::Escape(error)
    }
}

impl From<ExecError> for Error {
    fn from(error: ExecError) -> Self {
        Self::Exec(error)
    }
}
