//! `tocsin template preview`: what a notification would look like.
//!
//! Shown are subject, text and HTML, and the templates that are asked for; if none are, those that the
//! files define.

use std::sync::Arc;

use super::args::{Format, PreviewArgs};
use super::sample;
use crate::cli::exit::{self, Exit};
use crate::cli::{Context, Problem};
use crate::template::{Data, Mode, Options, Templates};

/// One rendered template.
struct Part {
    title: String,
    result: Result<String, String>,
}

/// Runs the command.
///
/// # Errors
/// If a file cannot be read, or the output not be written.
pub(super) fn run(args: &PreviewArgs, context: &mut Context<'_>) -> Result<Exit, Problem> {
    let data = sample::data(&args.sample, context)?;
    let now = sample::now(context);
    let options = Options {
        now: Arc::new(move || now.clone()),
        ..Options::default()
    };
    let mut templates =
        Templates::new(&options).map_err(|error| Problem::Usage(error.to_string()))?;
    let mut known = templates.names();
    for path in &args.files {
        let text = sample::read(context, path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        known.insert(name.to_string());
        if let Err(error) = templates.add(&name, text) {
            context.out.flush()?;
            writeln!(context.err, "tocsin: error: {}: {error}", path.display())?;
            writeln!(
                context.err,
                "`tocsin template lint {}` shows the place",
                path.display()
            )?;
            return Ok(exit::FAULTY);
        }
    }
    let shown = match args.show.as_slice() {
        [] => templates.names().difference(&known).cloned().collect(),
        names => names.to_vec(),
    };
    let parts = parts(args, &shown, &templates, &data);
    match args.format {
        Format::Text => print(&parts, context)?,
        Format::Json => print_json(&parts, context)?,
    }
    Ok(if parts.iter().all(|part| part.result.is_ok()) {
        exit::SOUND
    } else {
        exit::FAULTY
    })
}

fn parts(args: &PreviewArgs, shown: &[String], templates: &Templates, data: &Data) -> Vec<Part> {
    let part = |title: &str, mode, template: &str| Part {
        title: title.to_owned(),
        result: templates
            .render(mode, template, &data.to_pointer(), data)
            .map(|out| String::from_utf8_lossy(&out).into_owned())
            .map_err(|error| error.to_string()),
    };
    let mut parts = vec![
        part("Subject", Mode::Text, &args.subject),
        part("Text", Mode::Text, &args.text),
        part("HTML", Mode::Html, &args.html),
    ];
    for name in shown {
        let mode = if name.to_lowercase().contains("html") {
            Mode::Html
        } else {
            Mode::Text
        };
        let template = format!("{{{{ template {name:?} . }}}}");
        parts.push(part(name, mode, &template));
    }
    parts
}

fn print(parts: &[Part], context: &mut Context<'_>) -> Result<(), Problem> {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            writeln!(context.out)?;
        }
        writeln!(context.out, "── {} ──", part.title)?;
        match &part.result {
            Ok(text) => writeln!(context.out, "{}", text.trim_end_matches('\n'))?,
            Err(error) => writeln!(context.out, "FAILED: {error}")?,
        }
    }
    Ok(())
}

fn print_json(parts: &[Part], context: &mut Context<'_>) -> Result<(), Problem> {
    let parts: Vec<serde_json::Value> = parts
        .iter()
        .map(|part| match &part.result {
            Ok(text) => serde_json::json!({ "name": part.title, "output": text }),
            Err(error) => serde_json::json!({ "name": part.title, "error": error }),
        })
        .collect();
    writeln!(context.out, "{}", serde_json::Value::from(parts))?;
    Ok(())
}
