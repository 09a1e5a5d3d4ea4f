//! The body of `POST /api/v2/silences`.

use super::BodyError;
use super::date_time::DateTime;
use super::json::{Kind, Reader, SyntaxError};
use super::object::{Faults, Text, field, labels, own_text, string, wrong_value};

/// A silence as it stands in the body. `None` is a field that is missing or `null`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PostedSilence<'a> {
    /// Which silence is changed; empty for a new one.
    pub id: Text<'a>,
    /// What its author says about it.
    pub comment: Option<Text<'a>>,
    /// Its author.
    pub created_by: Option<Text<'a>>,
    /// When it ends.
    pub ends_at: Option<DateTime>,
    /// When it begins.
    pub starts_at: Option<DateTime>,
    /// What it silences. An element is `None` for a `null`.
    pub matchers: Option<Vec<Option<PostedMatcher<'a>>>>,
    /// Its annotations, also repeated ones.
    pub annotations: Vec<(Text<'a>, Text<'a>)>,
}

/// A matcher as it stands in the body. `None` is a field that is missing or `null`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PostedMatcher<'a> {
    /// The name of the label.
    pub name: Option<Text<'a>>,
    /// With what it is compared.
    pub value: Option<Text<'a>>,
    /// Whether that is a pattern.
    pub is_regex: Option<bool>,
    /// Whether what is like it matches; true if missing.
    pub is_equal: Option<bool>,
}

/// Go's name of what is read here: it stands in error texts.
const SILENCE: &str = r#"struct { ID string "json:\"id,omitempty\"" }"#;

#[derive(Clone, Copy)]
enum Field {
    Annotations,
    Comment,
    CreatedBy,
    EndsAt,
    Id,
    Matchers,
    StartsAt,
}

const FIELDS: [(&str, Field); 7] = [
    ("id", Field::Id),
    ("comment", Field::Comment),
    ("createdBy", Field::CreatedBy),
    ("endsAt", Field::EndsAt),
    ("matchers", Field::Matchers),
    ("startsAt", Field::StartsAt),
    ("annotations", Field::Annotations),
];

/// Reads the body of `POST /api/v2/silences`.
///
/// # Errors
/// If Go would not read it.
pub fn decode_silence(body: &[u8]) -> Result<PostedSilence<'_>, BodyError> {
    let mut reader = Reader::new(body);
    let mut silence = PostedSilence::default();
    let fault = match reader.first()? {
        Kind::Object => object(&mut reader, &mut silence)?,
        kind => {
            reader.skip()?;
            (kind != Kind::Null).then(|| wrong_value(kind, SILENCE))
        }
    };
    match fault {
        Some(text) => Err(BodyError::Malformed(text)),
        None => Ok(silence),
    }
}

fn object<'a>(
    reader: &mut Reader<'a>,
    silence: &mut PostedSilence<'a>,
) -> Result<Option<String>, SyntaxError> {
    // Alertmanager reads a silence twice, each time into some of its fields.
    let (mut own, mut common) = (Faults::default(), Faults::default());
    let mut has_more = reader.enter_object()?;
    while has_more {
        let key = reader.key()?;
        match field(&key, &FIELDS) {
            Some(Field::Id) => {
                if let Some(id) = string(reader, &mut own, ".id")? {
                    silence.id = id;
                }
            }
            Some(Field::Comment) => {
                silence.comment = string(reader, &mut common, "Silence.comment")?;
            }
            Some(Field::CreatedBy) => {
                silence.created_by = string(reader, &mut common, "Silence.createdBy")?;
            }
            Some(Field::StartsAt) => {
                silence.starts_at = date(reader, &mut common, "Silence.startsAt")?;
            }
            Some(Field::EndsAt) => {
                silence.ends_at = date(reader, &mut common, "Silence.endsAt")?;
            }
            Some(Field::Annotations) => {
                let pairs = &mut silence.annotations;
                if !labels(reader, pairs, &mut common, "Silence.annotations")? {
                    pairs.clear();
                }
            }
            Some(Field::Matchers) => matchers(reader, &mut silence.matchers, &mut common)?,
            None => reader.skip()?,
        }
        has_more = reader.next_field()?;
    }
    Ok(own.into_text().or_else(|| common.into_text()))
}

fn date(
    reader: &mut Reader<'_>,
    faults: &mut Faults,
    place: &str,
) -> Result<Option<DateTime>, SyntaxError> {
    let Some(text) = own_text(reader, faults, place)? else {
        return Ok(None);
    };
    let date = DateTime::parse(&text);
    Ok(date.map_err(|text| faults.fatal(text)).ok())
}

/// A list that comes again is written over element by element, as Go does it.
fn matchers<'a>(
    reader: &mut Reader<'a>,
    list: &mut Option<Vec<Option<PostedMatcher<'a>>>>,
    faults: &mut Faults,
) -> Result<(), SyntaxError> {
    match reader.kind()? {
        Kind::Array => {}
        kind => {
            match kind {
                Kind::Null => *list = None,
                _ => faults.wrong_kind(kind, "Silence.matchers", "models.Matchers"),
            }
            return reader.skip();
        }
    }
    let matchers = list.get_or_insert_default();
    let mut count = 0;
    let mut has_more = reader.enter_array()?;
    while has_more {
        if count == matchers.len() {
            matchers.push(None);
        }
        if let Some(place) = matchers.get_mut(count) {
            matcher(reader, place, faults)?;
        }
        count += 1;
        has_more = reader.next_element()?;
    }
    matchers.truncate(count);
    Ok(())
}

#[derive(Clone, Copy)]
enum MatcherField {
    IsEqual,
    IsRegex,
    Name,
    Value,
}

const MATCHER_FIELDS: [(&str, MatcherField); 4] = [
    ("name", MatcherField::Name),
    ("value", MatcherField::Value),
    ("isRegex", MatcherField::IsRegex),
    ("isEqual", MatcherField::IsEqual),
];

fn matcher<'a>(
    reader: &mut Reader<'a>,
    place: &mut Option<PostedMatcher<'a>>,
    faults: &mut Faults,
) -> Result<(), SyntaxError> {
    match reader.kind()? {
        Kind::Object => {}
        kind => {
            match kind {
                Kind::Null => *place = None,
                _ => faults.wrong_kind(kind, "Silence.matchers", "models.Matcher"),
            }
            return reader.skip();
        }
    }
    let matcher = place.get_or_insert_default();
    let mut has_more = reader.enter_object()?;
    while has_more {
        let key = reader.key()?;
        match field(&key, &MATCHER_FIELDS) {
            Some(MatcherField::Name) => {
                matcher.name = string(reader, faults, "Matcher.matchers.name")?;
            }
            Some(MatcherField::Value) => {
                matcher.value = string(reader, faults, "Matcher.matchers.value")?;
            }
            Some(MatcherField::IsRegex) => {
                matcher.is_regex = flag(reader, faults, "Matcher.matchers.isRegex")?;
            }
            Some(MatcherField::IsEqual) => {
                matcher.is_equal = flag(reader, faults, "Matcher.matchers.isEqual")?;
            }
            None => reader.skip()?,
        }
        has_more = reader.next_field()?;
    }
    Ok(())
}

fn flag(
    reader: &mut Reader<'_>,
    faults: &mut Faults,
    place: &str,
) -> Result<Option<bool>, SyntaxError> {
    match reader.kind()? {
        Kind::Bool => return reader.bool().map(Some),
        Kind::Null => {}
        kind => faults.wrong_kind(kind, place, "bool"),
    }
    reader.skip()?;
    Ok(None)
}
