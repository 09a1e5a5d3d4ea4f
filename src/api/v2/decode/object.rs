//! What all objects of the API have in common: names of fields in any case, errors of type, labels.

use std::borrow::Cow;

use super::json::{Kind, Reader, SyntaxError};

/// A name or a value, borrowed from the body where it has no escapes.
pub type Text<'a> = Cow<'a, str>;

/// What went wrong with the types of one Go struct's fields. A field that reads itself (a date, an
/// address) ends the reading there and then; of the other fields only the first fault is kept.
#[derive(Debug, Default)]
pub struct Faults {
    first: Option<String>,
    fatal: Option<String>,
}

impl Faults {
    /// That a field has a value of the wrong kind.
    pub fn wrong_kind(&mut self, kind: Kind, place: &str, go_type: &str) {
        let text = || wrong_field(kind, place, go_type);
        self.first.get_or_insert_with(text);
    }

    /// That a field which reads itself could not.
    pub fn fatal(&mut self, text: String) {
        self.fatal.get_or_insert(text);
    }

    /// What Go would report.
    pub fn into_text(self) -> Option<String> {
        self.fatal.or(self.first)
    }
}

/// Go's text about a field of the wrong kind.
pub fn wrong_field(kind: Kind, place: &str, go_type: &str) -> String {
    let kind = kind.name();
    format!("json: cannot unmarshal {kind} into Go struct field {place} of type {go_type}")
}

/// Go's text about a value of the wrong kind that is no field.
pub fn wrong_value(kind: Kind, go_type: &str) -> String {
    let kind = kind.name();
    format!("json: cannot unmarshal {kind} into Go value of type {go_type}")
}

/// Which of these names, all ASCII, a key means: an equal one, or else one that differs in case. Go
/// folds by Unicode, in which the long s and the sign of the Kelvin are letters of ASCII.
pub fn field<F: Copy>(key: &str, names: &[(&str, F)]) -> Option<F> {
    let exact = names.iter().find(|(name, _)| *name == key);
    let found = exact.or_else(|| names.iter().find(|(name, _)| folds_to(key, name)))?;
    Some(found.1)
}

fn folds_to(key: &str, name: &str) -> bool {
    if key.is_ascii() {
        return key.eq_ignore_ascii_case(name);
    }
    let fold = |c: char| match c {
        '\u{17F}' => 's',
        '\u{212A}' => 'k',
        _ => c.to_ascii_lowercase(),
    };
    key.chars().map(fold).eq(name.chars().map(fold))
}

/// A string; `None` and a fault for any other value but `null`, which changes nothing.
pub fn string<'a>(
    reader: &mut Reader<'a>,
    faults: &mut Faults,
    place: &str,
) -> Result<Option<Text<'a>>, SyntaxError> {
    match reader.kind()? {
        Kind::String => return reader.string().map(Some),
        Kind::Null => {}
        kind => faults.wrong_kind(kind, place, "string"),
    }
    reader.skip()?;
    Ok(None)
}

/// Reads a `map[string]string`, appending to what is there. False for `null`: the map is none then.
pub fn labels<'a>(
    reader: &mut Reader<'a>,
    pairs: &mut Vec<(Text<'a>, Text<'a>)>,
    faults: &mut Faults,
    place: &str,
) -> Result<bool, SyntaxError> {
    match reader.kind()? {
        Kind::Object => {}
        kind => {
            if kind != Kind::Null {
                faults.wrong_kind(kind, place, "models.LabelSet");
            }
            reader.skip()?;
            return Ok(kind != Kind::Null);
        }
    }
    let mut has_more = reader.enter_object()?;
    while has_more {
        let name = reader.key()?;
        let value = string(reader, faults, place)?;
        pairs.push((name, value.unwrap_or_default()));
        has_more = reader.next_field()?;
    }
    Ok(true)
}

/// A text that a field reads itself, as dates and addresses do: `None` for `null`.
pub fn own_text<'a>(
    reader: &mut Reader<'a>,
    faults: &mut Faults,
    place: &str,
) -> Result<Option<Text<'a>>, SyntaxError> {
    match reader.kind()? {
        Kind::String => return reader.string().map(Some),
        Kind::Null => {}
        kind => faults.fatal(wrong_field(kind, place, "string")),
    }
    reader.skip()?;
    Ok(None)
}
