//! The body of `POST /api/v2/alerts`.

use std::ops::Range;

use super::BodyError;
use super::date_time::DateTime;
use super::json::{Kind, Reader, SyntaxError};
use super::object::{Faults, Text, field, labels, own_text, wrong_value};

/// A label or annotation.
pub type Pair<'a> = (Text<'a>, Text<'a>);

/// An alert as it stands in the body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PostedAlert<'a> {
    labels: Option<Range<usize>>,
    annotations: Option<Range<usize>>,
    /// When it began; `None` also for Go's zero time.
    pub starts_at: Option<DateTime>,
    /// When it ended or will; `None` also for Go's zero time.
    pub ends_at: Option<DateTime>,
    /// The link back to its sender; empty for none.
    pub generator_url: Text<'a>,
}

/// All alerts of a body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PostedAlerts<'a> {
    /// Labels and annotations of all of them.
    pairs: Vec<Pair<'a>>,
    /// `None` for a `null`.
    pub alerts: Vec<Option<PostedAlert<'a>>>,
}

impl<'a> PostedAlerts<'a> {
    /// An alert's labels as they stand there, also repeated ones; `None` if it has no such field.
    #[must_use]
    pub fn labels(&self, alert: &PostedAlert<'a>) -> Option<&[Pair<'a>]> {
        self.pairs.get(alert.labels.clone()?)
    }

    /// An alert's annotations as they stand there, also repeated ones.
    #[must_use]
    pub fn annotations(&self, alert: &PostedAlert<'a>) -> &[Pair<'a>] {
        let range = alert.annotations.clone().unwrap_or_default();
        self.pairs.get(range).unwrap_or_default()
    }
}

/// Go's names of what is read here: they stand in error texts.
const LIST: &str = "models.PostableAlerts";
const ALERT: &str = r#"struct { Annotations models.LabelSet "json:\"annotations,omitempty\""; EndsAt strfmt.DateTime "json:\"endsAt,omitempty\""; StartsAt strfmt.DateTime "json:\"startsAt,omitempty\"" }"#;

#[derive(Clone, Copy)]
enum Field {
    Annotations,
    EndsAt,
    GeneratorUrl,
    Labels,
    StartsAt,
}

const FIELDS: [(&str, Field); 5] = [
    ("labels", Field::Labels),
    ("annotations", Field::Annotations),
    ("startsAt", Field::StartsAt),
    ("endsAt", Field::EndsAt),
    ("generatorURL", Field::GeneratorUrl),
];

/// Reads the body of `POST /api/v2/alerts`.
///
/// # Errors
/// If Go would not read it.
pub fn decode_alerts(body: &[u8]) -> Result<PostedAlerts<'_>, BodyError> {
    let mut reader = Reader::new(body);
    let mut posted = PostedAlerts::default();
    let mut fault = None;
    match reader.first()? {
        Kind::Array => {
            let mut has_more = reader.enter_array()?;
            while has_more {
                let alert = alert(&mut reader, &mut posted.pairs, &mut fault)?;
                posted.alerts.push(alert);
                has_more = reader.next_element()?;
            }
        }
        kind => {
            reader.skip()?;
            if kind != Kind::Null {
                fault = Some(wrong_value(kind, LIST));
            }
        }
    }
    match fault {
        Some(text) => Err(BodyError::Malformed(text)),
        None => Ok(posted),
    }
}

fn alert<'a>(
    reader: &mut Reader<'a>,
    pairs: &mut Vec<Pair<'a>>,
    fault: &mut Option<String>,
) -> Result<Option<PostedAlert<'a>>, SyntaxError> {
    match reader.kind()? {
        Kind::Object => {}
        kind => {
            if kind != Kind::Null {
                fault.get_or_insert_with(|| wrong_value(kind, ALERT));
            }
            reader.skip()?;
            return Ok(None);
        }
    }
    let mut alert = PostedAlert::default();
    // Alertmanager reads an alert twice, each time into some of its fields.
    let (mut own, mut common) = (Faults::default(), Faults::default());
    let mut has_more = reader.enter_object()?;
    while has_more {
        let key = reader.key()?;
        match field(&key, &FIELDS) {
            Some(Field::Labels) => {
                let labels = &mut alert.labels;
                object(reader, pairs, labels, &mut common, "Alert.labels")?;
            }
            Some(Field::Annotations) => {
                let annotations = &mut alert.annotations;
                object(reader, pairs, annotations, &mut own, ".annotations")?;
            }
            Some(Field::StartsAt) => {
                date(reader, &mut alert.starts_at, &mut own, ".startsAt")?;
            }
            Some(Field::EndsAt) => date(reader, &mut alert.ends_at, &mut own, ".endsAt")?,
            Some(Field::GeneratorUrl) => {
                if let Some(url) = own_text(reader, &mut common, "Alert.generatorURL")? {
                    alert.generator_url = url;
                }
            }
            None => reader.skip()?,
        }
        has_more = reader.next_field()?;
    }
    if fault.is_none() {
        *fault = own.into_text().or_else(|| common.into_text());
    }
    Ok(Some(alert))
}

/// Reads labels to the end of `pairs`. If the field has been there before, they join those.
fn object<'a>(
    reader: &mut Reader<'a>,
    pairs: &mut Vec<Pair<'a>>,
    range: &mut Option<Range<usize>>,
    faults: &mut Faults,
    place: &str,
) -> Result<(), SyntaxError> {
    let start = pairs.len();
    if let Some(earlier) = range.take() {
        pairs.extend_from_within(earlier);
    }
    *range = match labels(reader, pairs, faults, place)? {
        true => Some(start..pairs.len()),
        false => None,
    };
    Ok(())
}

fn date(
    reader: &mut Reader<'_>,
    date: &mut Option<DateTime>,
    faults: &mut Faults,
    place: &str,
) -> Result<(), SyntaxError> {
    if let Some(text) = own_text(reader, faults, place)? {
        match DateTime::parse(&text) {
            Ok(read) => *date = Some(read).filter(|date| !date.is_zero()),
            Err(text) => faults.fatal(text),
        }
    }
    Ok(())
}
