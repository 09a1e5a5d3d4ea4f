//! Templates all through a value of the configuration.
//!
//! Alertmanager 0.34: a text is rendered, and what comes out is read as YAML; if that is anything but
//! a text it takes the text's place (`{{ len .Alerts }}` becomes a number, an empty text nothing at
//! all). Keys of mappings are rendered, too, but stay texts; keys that are no texts are dropped. What
//! came out of YAML is not rendered again.

use jiff::tz::TimeZone;

use crate::config::yaml::{Any, Decoder, parse};
use crate::model::Mode;
use crate::template::{Data, RenderError, Templates};

/// The value with its templates rendered.
///
/// # Errors
/// The first template that fails.
pub(super) fn render(value: &Any, templates: &Templates, data: &Data) -> Result<Any, RenderError> {
    match value {
        Any::Text(text) => Ok(as_yaml(text_of(text, templates, data)?)),
        Any::List(values) => {
            let rendered = values.iter().map(|value| render(value, templates, data));
            rendered.collect::<Result<_, _>>().map(Any::List)
        }
        Any::Map(entries) => {
            let mut rendered: Vec<(Any, Any)> = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                let Any::Text(key) = key else { continue };
                let key = Any::Text(text_of(key, templates, data)?);
                let value = render(value, templates, data)?;
                rendered.retain(|(known, _)| *known != key);
                rendered.push((key, value));
            }
            Ok(Any::Map(rendered))
        }
        Any::Null | Any::Bool(_) | Any::Int(_) | Any::Uint(_) | Any::Float(_) => Ok(value.clone()),
    }
}

fn text_of(text: &str, templates: &Templates, data: &Data) -> Result<String, RenderError> {
    let rendered = templates.render_text(text, data)?;
    Ok(String::from_utf8_lossy(&rendered).into_owned())
}

/// What a text is in YAML, unless that is a text or nothing that YAML knows.
fn as_yaml(text: String) -> Any {
    let Ok(document) = parse(text.as_bytes()) else {
        return Any::Text(text);
    };
    let mut value = Any::Null;
    let mut decoder = Decoder::new(&document, Mode::default(), TimeZone::UTC);
    match decoder.read_document(&mut value) {
        Ok(_) if !matches!(value, Any::Text(_)) => value,
        _ => Any::Text(text),
    }
}
