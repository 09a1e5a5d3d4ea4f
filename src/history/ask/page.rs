//! What is answered: bytes of a form.

use serde::Serialize;

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// One JSON value.
    Json,
    /// A JSON value a line, for export.
    JsonLines,
    /// For people.
    Text,
}

impl Media {
    /// The value of `format`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::JsonLines => "jsonl",
            Self::Text => "text",
        }
    }

    /// The media type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::JsonLines => "application/x-ndjson",
            Self::Text => "text/plain; charset=utf-8",
        }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its form.
    pub media: Media,
    /// What it says.
    pub body: String,
}

impl Said {
    /// For people.
    #[must_use]
    pub fn text(body: String) -> Self {
        Self {
            media: Media::Text,
            body,
        }
    }

    /// A JSON value, and a line end.
    #[must_use]
    pub fn json(value: &impl Serialize) -> Self {
        Self {
            media: Media::Json,
            body: line(value),
        }
    }

    /// JSON values, each with a line end.
    #[must_use]
    pub fn lines(values: &[impl Serialize]) -> Self {
        Self {
            media: Media::JsonLines,
            body: values.iter().map(line).collect(),
        }
    }
}

fn line(value: &impl Serialize) -> String {
    // Only maps with keys that are no texts cannot be written, and there are none.
    let mut line = serde_json::to_string(value).unwrap_or_default();
    line.push('\n');
    line
}
