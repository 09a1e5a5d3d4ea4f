//! Data out of what the command line says.

use std::path::Path;

use gotemplate::time::{Time, Zone};
use serde_json::Value;

use super::args::SampleArgs;
use crate::cli::{Context, Problem};
use crate::template::load::MAX_FILE_BYTES;
use crate::template::{Alert, Data, Labels};

/// How long the alerts of a preview have been there.
const AGE_SECONDS: i64 = 300;

/// Where the alerts of a preview are said to come from.
const GENERATOR_URL: &str = "http://prometheus.example.com/graph?g0.expr=up&g0.tab=1";

/// Reads a file that was named on the command line; `-` is standard input.
pub(super) fn read(context: &Context<'_>, path: &Path) -> Result<Vec<u8>, Problem> {
    let contents = if path == Path::new("-") {
        (context.world.stdin)(MAX_FILE_BYTES)
    } else {
        context.world.files.read(path, MAX_FILE_BYTES)
    };
    contents.map_err(|error| {
        let path = path.display().to_string();
        let hint = match path.contains('=') {
            true => "; the labels of one alert go into one argument: --alert 'alertname=A severity=page'",
            false => "",
        };
        Problem::Usage(format!("cannot read {path}: {error}{hint}"))
    })
}

/// The data that the flags ask for; without any, one alert that shows what there is.
pub(super) fn data(args: &SampleArgs, context: &Context<'_>) -> Result<Data, Problem> {
    if let Some(path) = &args.data {
        let json = read(context, path)?;
        return of_json(&json, &args.group_by)
            .map_err(|why| Problem::Usage(format!("{}: {why}", path.display())));
    }
    let now = now(context);
    let mut annotations = Labels::new();
    for text in &args.annotations {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            Problem::Usage(format!(
                "--annotation {text:?} is not of the form name=value"
            ))
        })?;
        annotations.insert(name.to_owned(), value.to_owned());
    }
    let default = ["alertname=ExampleAlert severity=critical instance=web-1:9090".to_owned()];
    let texts: &[String] = if args.alerts.is_empty() {
        annotations.insert("summary".to_owned(), "What is wrong".to_owned());
        &default
    } else {
        &args.alerts
    };
    let mut alerts = Vec::with_capacity(texts.len());
    for (at, text) in texts.iter().enumerate() {
        let labels =
            labels(text).map_err(|why| Problem::Usage(format!("--alert {text:?}: {why}")))?;
        alerts.push(Alert {
            status: if args.resolved { "resolved" } else { "firing" }.to_owned(),
            labels,
            annotations: annotations.clone(),
            starts_at: Time::from_unix(now.unix() - AGE_SECONDS, 0, Zone::utc()),
            ends_at: if args.resolved {
                now.clone()
            } else {
                Time::ZERO
            },
            generator_url: GENERATOR_URL.to_owned(),
            fingerprint: format!("{:016x}", at + 1),
        });
    }
    Ok(Data::of_alerts(alerts, &args.group_by))
}

/// The time, in UTC.
pub(super) fn now(context: &Context<'_>) -> Time {
    let nanos = context.world.clock.wall().0;
    let (seconds, rest) = (
        nanos.div_euclid(1_000_000_000),
        nanos.rem_euclid(1_000_000_000),
    );
    Time::from_unix(
        seconds,
        u32::try_from(rest).unwrap_or_default(),
        Zone::utc(),
    )
}

/// Labels as people write them: `name=value`, separated by blanks or commas, with or without
/// quotes and braces.
fn labels(text: &str) -> Result<Labels, String> {
    let mut labels = Labels::new();
    let mut rest = text
        .trim()
        .trim_start_matches('{')
        .trim_end_matches('}')
        .trim();
    while !rest.is_empty() {
        let (name, behind) = rest
            .split_once('=')
            .ok_or_else(|| format!("`{rest}` is not of the form name=value"))?;
        let name = name.trim().trim_matches('"');
        if name.is_empty() {
            return Err("a label has no name".to_owned());
        }
        let (value, next) = match behind.strip_prefix('"') {
            Some(quoted) => quoted
                .split_once('"')
                .ok_or_else(|| format!("the value of `{name}` has no closing quote"))?,
            None => {
                let end = behind.find([' ', ',']).unwrap_or(behind.len());
                behind.split_at(end)
            }
        };
        labels.insert(name.to_owned(), value.to_owned());
        rest = next.trim_start_matches([' ', ',']);
    }
    if labels.is_empty() {
        return Err("an alert needs a label, such as alertname=Example".to_owned());
    }
    Ok(labels)
}

/// Data of a notification, or alerts as the API gives them.
pub(super) fn of_json(json: &[u8], group_by: &[String]) -> Result<Data, String> {
    let value: Value = serde_json::from_slice(json).map_err(|error| format!("no JSON: {error}"))?;
    let alerts = match value {
        Value::Array(alerts) => alerts,
        Value::Object(ref entries) if entries.contains_key("alerts") => {
            return serde_json::from_value(value)
                .map_err(|error| format!("not the data of a notification: {error}"));
        }
        Value::Object(ref entries) if entries.contains_key("labels") => vec![value],
        _ => {
            return Err(
                "neither the data of a notification (an object with `alerts`) nor alerts (objects with `labels`)"
                    .to_owned(),
            );
        }
    };
    let mut read = Vec::with_capacity(alerts.len());
    for (at, mut alert) in alerts.into_iter().enumerate() {
        // The API has an object for the status, `active`, `suppressed` or `unprocessed`: all fire.
        if let Some(status) = alert.get_mut("status")
            && !matches!(status.as_str(), Some("firing" | "resolved"))
        {
            *status = Value::from("firing");
        }
        let mut alert: Alert =
            serde_json::from_value(alert).map_err(|error| format!("alert {}: {error}", at + 1))?;
        if alert.status.is_empty() {
            "firing".clone_into(&mut alert.status);
        }
        read.push(alert);
    }
    Ok(Data::of_alerts(read, group_by))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match labels(text) {
            Ok(labels) => labels
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
                .join("|"),
            Err(why) => why,
        }
    }

    #[test]
    fn labels_are_read_as_people_write_them() {
        let seen = [
            "alertname=A severity=critical",
            r#"{alertname="High load", job="a,b"}"#,
            "a=1,b=,c=x=y",
            "HighLoad",
            r#"a="b"#,
            "  ",
        ]
        .map(shown);
        assert_eq!(
            seen,
            [
                "alertname=A|severity=critical",
                "alertname=High load|job=a,b",
                "a=1|b=|c=x=y",
                "`HighLoad` is not of the form name=value",
                "the value of `a` has no closing quote",
                "an alert needs a label, such as alertname=Example",
            ]
        );
    }

    #[test]
    fn json_is_the_data_of_a_notification_or_alerts() {
        let by = ["alertname".to_owned()];
        let seen = [
            r#"{"status":"resolved","alerts":[],"version":"4"}"#,
            r#"[{"labels":{"alertname":"A"},"status":{"state":"active"}}]"#,
            r#"{"labels":{"alertname":"A"},"startsAt":"2026-01-01T00:00:00Z"}"#,
            "{}",
            "[1]",
            "x",
        ]
        .map(|json| match of_json(json.as_bytes(), &by) {
            Ok(data) => format!("{} {}", data.status, data.group_labels.len()),
            Err(why) => why,
        });
        assert_eq!(
            seen,
            [
                "resolved 0",
                "firing 1",
                "firing 1",
                "neither the data of a notification (an object with `alerts`) nor alerts (objects with `labels`)",
                "alert 1: invalid type: integer `1`, expected struct Alert",
                "no JSON: expected value at line 1 column 1",
            ]
        );
    }
}
