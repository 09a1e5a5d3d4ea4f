//! Label matchers in Alertmanager's way of writing: `name="value"` with `=`, `!=`, `=~`, `!~`.

use regex::Regex;

/// A condition on one label.
#[derive(Debug, Clone)]
pub(super) struct Matcher {
    name: String,
    condition: Condition,
}

#[derive(Debug, Clone)]
enum Condition {
    Is(String),
    IsNot(String),
    Like(Regex),
    NotLike(Regex),
}

impl Matcher {
    /// Reads a matcher; quotes around the value may be left out.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let at = text
            .find(['=', '!'])
            .ok_or("it has none of the operators =, !=, =~, !~")?;
        let name = text[..at].trim();
        if name.is_empty() {
            return Err("it names no label".to_owned());
        }
        let rest = &text[at..];
        let operator = ["=~", "!~", "!=", "="]
            .into_iter()
            .find(|operator| rest.starts_with(operator))
            .ok_or("`!` is no operator; there are =, !=, =~, !~")?;
        let value = unquote(rest[operator.len()..].trim())?;
        let condition = match operator {
            "=" => Condition::Is(value),
            "!=" => Condition::IsNot(value),
            "=~" => Condition::Like(anchored(&value)?),
            _ => Condition::NotLike(anchored(&value)?),
        };
        Ok(Self {
            name: name.to_owned(),
            condition,
        })
    }

    /// Whether it holds for these labels; a label that is not there is empty.
    pub(super) fn holds(&self, labels: &[(String, String)]) -> bool {
        let value = labels
            .iter()
            .find(|(name, _)| *name == self.name)
            .map_or("", |(_, value)| value.as_str());
        match &self.condition {
            Condition::Is(wanted) => value == wanted,
            Condition::IsNot(unwanted) => value != unwanted,
            Condition::Like(pattern) => pattern.is_match(value),
            Condition::NotLike(pattern) => !pattern.is_match(value),
        }
    }
}

fn anchored(pattern: &str) -> Result<Regex, String> {
    Regex::new(&format!("^(?:{pattern})$")).map_err(|error| error.to_string())
}

fn unquote(value: &str) -> Result<String, String> {
    let Some(rest) = value.strip_prefix('"') else {
        return Ok(value.to_owned());
    };
    let inner = rest
        .strip_suffix('"')
        .ok_or("the value begins with a quote and does not end with one")?;
    let mut out = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some(escaped @ ('"' | '\\')) => out.push(escaped),
                // Expressions keep their own escapes.
                Some(other) => out.extend(['\\', other]),
                None => return Err("the value ends in the middle of an escape".to_owned()),
            },
            '"' => return Err("there is a quote inside the value".to_owned()),
            _ => out.push(c),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operator_sees_whole_values_and_takes_a_missing_label_for_empty() {
        let labels = [
            ("job".to_owned(), "node".to_owned()),
            ("path".to_owned(), "a=\"b\\".to_owned()),
        ];
        let cases = [
            ("job=node", true),
            ("job = \"node\"", true),
            ("job=nod", false),
            ("job!=node", false),
            ("job!=other", true),
            ("job=~no.*", true),
            ("job=~od", false),
            ("job=~\"a|node\"", true),
            ("job!~no.*", false),
            ("job!~od", true),
            ("absent=", true),
            ("absent!=\"\"", false),
            ("absent=~.*", true),
            (r#"path="a=\"b\\""#, true),
            (r#"job=~"\w+""#, true),
        ];
        let got = cases.map(|(text, _)| (text, Matcher::parse(text).unwrap().holds(&labels)));
        assert_eq!(got, cases);
    }

    #[test]
    fn what_is_no_matcher_is_refused_with_the_reason() {
        let texts = [
            "job",
            "=x",
            "job!x",
            "job=~(",
            "job=\"x",
            "job=\"x\"y\"",
            "job=\"\\\"",
        ];
        let refused = texts.map(|text| Matcher::parse(text).is_err());
        assert_eq!(refused, [true; 7]);
    }
}
