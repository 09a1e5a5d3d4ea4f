//! What receivers are told to use: templates, files, URLs.
//!
//! The values are those that the status page shows, so no secret is among them.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use super::finding::{Finding, Severity};
use crate::config::Loaded;
use crate::config::block::Show;
use crate::config::url::{Exposure, Url};
use crate::config::yaml::{Item, Step};
use crate::model::Duration;
use crate::sys::Files;
use crate::template::{Data, RenderError, Templates};

/// A certificate, a key or a password is not longer.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
const MASK: &str = "<secret>";
const PEM: &[u8] = b"-----BEGIN ";

/// The longest time-out of each receiver that has one.
pub(super) fn timeouts(loaded: &Loaded) -> HashMap<String, Duration> {
    let of = |item: &Item| {
        let mut longest = None;
        each_text(item, "", &mut |path, text| {
            if path.ends_with("timeout") {
                longest = longest.max(Duration::parse_go(text).ok());
            }
        });
        longest
    };
    let receivers = loaded.config.receivers().iter();
    receivers
        .filter_map(|receiver| Some((receiver.name.clone(), of(&receiver.item())?)))
        .collect()
}

/// All checks of values.
pub(super) fn check(
    loaded: &Loaded,
    templates: Option<&Templates>,
    files: &dyn Files,
    findings: &mut Vec<Finding>,
) {
    let global = (
        vec![Step::Key("global")],
        "global".to_owned(),
        loaded.config.global().item(),
    );
    let receivers = loaded
        .config
        .receivers()
        .iter()
        .enumerate()
        .map(|(index, receiver)| {
            let path = vec![Step::Key("receivers"), Step::Index(index)];
            (path, format!("receiver {}", receiver.name), receiver.item())
        });
    // Receivers have taken over what is global, and a file is complained of once.
    let mut known: HashMap<String, ()> = HashMap::new();
    for (path, subject, item) in std::iter::once(global).chain(receivers) {
        each_text(&item, "", &mut |key, text| {
            if text.is_empty() || text == MASK {
                return;
            }
            let found = of_value(key, text, templates, files);
            if let Some(finding) = found
                && known
                    .insert(format!("{} {text}", finding.check), ())
                    .is_none()
            {
                let subject = format!("{subject}: {key}");
                findings.push(finding.about(subject).at(loaded.place(&path)));
            }
        });
    }
}

fn of_value(
    key: &str,
    text: &str,
    templates: Option<&Templates>,
    files: &dyn Files,
) -> Option<Finding> {
    let name = key.rsplit('.').next().unwrap_or(key);
    if name.ends_with("_file") {
        return of_file(name, text, files);
    }
    if text.contains("{{") {
        return of_template(text, templates?);
    }
    let is_url = name == "url" || name.ends_with("_url");
    let error = Url::parse_http(text, Exposure::Open).err()?;
    is_url.then(|| Finding::new(Severity::Warning, "url", format!("{text}: {error}")))
}

fn of_file(name: &str, path: &str, files: &dyn Files) -> Option<Finding> {
    let contents = match files.read(Path::new(path), FILE_BYTES_MAX) {
        Ok(contents) => contents,
        Err(error) => {
            let why = match error.kind() {
                io::ErrorKind::NotFound => "there is no such file".to_owned(),
                io::ErrorKind::PermissionDenied => "no permission to read it".to_owned(),
                io::ErrorKind::FileTooLarge => format!("it is longer than {FILE_BYTES_MAX} bytes"),
                _ => error.to_string(),
            };
            let finding = Finding::new(Severity::Error, "file", format!("{path}: {why}"));
            return Some(finding.suggest("run this as the user and on the machine of the server"));
        }
    };
    let is_pem = matches!(name, "ca_file" | "cert_file" | "key_file");
    if is_pem && !contents.windows(PEM.len()).any(|window| window == PEM) {
        let message = format!("{path}: there is no PEM block in it");
        return Some(Finding::new(Severity::Error, "file", message));
    }
    contents.is_empty().then(|| {
        Finding::new(
            Severity::Warning,
            "file",
            format!("{path}: the file is empty"),
        )
    })
}

/// Parses a template, and runs it to see whether all templates that it calls exist.
fn of_template(text: &str, templates: &Templates) -> Option<Finding> {
    let message = match templates.render_text(text, &Data::default()) {
        Err(RenderError::Parse(error)) => error.to_string(),
        Err(RenderError::Run(error)) => Some(error.to_string())
            // Whatever else fails may fail for want of alerts.
            .filter(|error| error.contains("not defined") || error.contains("no template"))?,
        Ok(_) => return None,
    };
    let finding = Finding::new(Severity::Error, "template", message);
    Some(finding.suggest("`tocsin template preview` shows what a template makes of alerts"))
}

/// Every text with the keys that lead to it.
fn each_text(item: &Item, path: &str, tell: &mut dyn FnMut(&str, &str)) {
    match item {
        Item::Text(text) => tell(path, text),
        Item::List(items) | Item::Flow(items) => {
            for item in items {
                each_text(item, path, tell);
            }
        }
        Item::Map(entries) => {
            for (key, value) in entries {
                let Item::Text(key) = key else { continue };
                let path = match path {
                    "" => key.clone(),
                    _ => format!("{path}.{key}"),
                };
                each_text(value, &path, tell);
            }
        }
        Item::Null | Item::Bool(_) | Item::Int(_) | Item::Uint(_) | Item::Float(_) => {}
    }
}
