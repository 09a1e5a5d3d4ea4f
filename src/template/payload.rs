//! Structured payloads: values of the configuration in which every string is a template.
//!
//! Alertmanager 0.34 (webhook `payload`, Jira `fields`, PagerDuty `details`): every string and
//! every key is rendered as text. What a string renders to is then read as YAML, and if that is
//! anything but a string (a number, a list, null, nothing at all) the payload gets that value, else
//! the text itself. What came out of YAML is not rendered again.

use serde_json::{Map, Value};

use super::{Data, RenderError, Templates};

/// How deep a payload may nest. Its values come out of a configuration file, whose reader has a
/// bound of its own; this one keeps the recursion here from depending on it.
const MAX_DEPTH: usize = 100;

/// Reads a text as YAML 1.1: the value, if it is one and not just a string. Entries whose key is
/// no string are left out.
pub type ReadYaml<'a> = &'a dyn Fn(&str) -> Option<Value>;

impl Templates {
    /// Renders a structured payload.
    ///
    /// ```
    /// use serde_json::json;
    /// use tocsin::template::{Data, Options, Templates};
    /// let templates = Templates::new(&Options::default())?;
    /// let data = Data { status: "firing".to_owned(), ..Data::default() };
    /// let payload = json!({ "{{ .Status }}": ["{{ len .Alerts }}", 7, "is {{ .Status }}"] });
    /// let numbers = |text: &str| text.parse::<i64>().ok().map(Into::into);
    /// let rendered = templates.render_payload(&payload, &data, &numbers)?;
    /// assert_eq!(rendered, json!({ "firing": [0, 7, "is firing"] }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If one of the strings is no template or fails.
    pub fn render_payload(
        &self,
        payload: &Value,
        data: &Data,
        read_yaml: ReadYaml<'_>,
    ) -> Result<Value, RenderError> {
        self.payload(payload, data, read_yaml, 0)
    }

    fn payload(
        &self,
        payload: &Value,
        data: &Data,
        read_yaml: ReadYaml<'_>,
        depth: usize,
    ) -> Result<Value, RenderError> {
        if depth > MAX_DEPTH {
            return Ok(Value::Null);
        }
        let text = |template: &str| {
            let rendered = self.render_text(template, data)?;
            Ok(String::from_utf8_lossy(&rendered).into_owned())
        };
        Ok(match payload {
            Value::String(template) => {
                let text = text(template)?;
                match read_yaml(&text) {
                    Some(value) if !value.is_string() => value,
                    _ => Value::String(text),
                }
            }
            Value::Array(items) => items
                .iter()
                .map(|item| self.payload(item, data, read_yaml, depth + 1))
                .collect::<Result<_, _>>()?,
            Value::Object(entries) => {
                let mut rendered = Map::new();
                for (key, value) in entries {
                    let value = self.payload(value, data, read_yaml, depth + 1)?;
                    rendered.insert(text(key)?, value);
                }
                Value::Object(rendered)
            }
            other => other.clone(),
        })
    }
}
