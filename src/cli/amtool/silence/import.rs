//! `amtool silence import`: post silences out of a file, as `silence query -o json` prints them.
//!
//! Alertmanager 0.34: a silence whose ID the server does not know is posted again without it. What cannot
//! be imported is told on standard error, and the rest goes on. Alertmanager's tool posts eight at a time
//! (`--worker`); here they are posted one after the other, so that what is printed has their order.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::Context;
use crate::cli::amtool::args::Global;
use crate::cli::amtool::client::{Client, decode};
use crate::cli::amtool::failure::Failure;
use crate::cli::amtool::object::{NewSilence, Silence, SilenceId};
use crate::cli::amtool::operation::POST_SILENCES;

/// A hundred thousand silences of a kilobyte each.
const INPUT_BYTES_MAX: u64 = 100 * 1024 * 1024;

/// `amtool silence import`
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// Force adding new silences even if it already exists
    #[arg(short, long)]
    force: bool,
    /// Number of concurrent workers to use for import; taken, and of no effect
    #[arg(short, long, value_name = "COUNT", default_value_t = 8)]
    worker: u32,
    /// JSON file with silences
    #[arg(value_name = "input-file")]
    file: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// What Alertmanager's tool says.
pub(super) fn run(
    args: &ImportArgs,
    global: &Global,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let text = read(args.file.as_deref(), context)?;
    let silences = parse(&text)?;
    let client = Client::new(global, context)?;
    let mut failed = 0_usize;
    for silence in &silences {
        let id = if args.force { "" } else { &silence.id };
        match post(&client, id, silence) {
            Ok(id) => writeln!(context.out, "{id}")?,
            Err(failure) => {
                failed += 1;
                let text = failure.text();
                writeln!(
                    context.err,
                    "Error adding silence id='{}': {text}",
                    silence.id
                )?;
            }
        }
    }
    match failed {
        0 => Ok(()),
        _ => Err(Failure::Command(format!(
            "couldn't import {failed} out of {} silences",
            silences.len()
        ))),
    }
}

fn read(file: Option<&Path>, context: &Context<'_>) -> Result<Vec<u8>, Failure> {
    let (read, name) = match file {
        Some(file) => (
            context.world.files.read(file, INPUT_BYTES_MAX),
            file.display().to_string(),
        ),
        None => ((context.world.stdin)(INPUT_BYTES_MAX), "stdin".to_owned()),
    };
    read.map_err(|error| Failure::Command(format!("open {name}: {error}")))
}

/// Alertmanager's tool takes the first token whatever it is: of what is no list it imports nothing.
fn parse(text: &[u8]) -> Result<Vec<Silence>, Failure> {
    let refused = |error: serde_json::Error| {
        Failure::Command(format!(
            "couldn't unmarshal input data, is it JSON?: {error}"
        ))
    };
    let value: serde_json::Value = serde_json::from_slice(text).map_err(refused)?;
    match value {
        serde_json::Value::Array(_) => serde_json::from_value(value).map_err(refused),
        _ => Ok(Vec::new()),
    }
}

fn post(client: &Client<'_>, id: &str, silence: &Silence) -> Result<String, Failure> {
    let content = &silence.content;
    let answer = match client.post(&POST_SILENCES, &NewSilence { id, content }) {
        Err(refused) if refused.status == Some(404) => {
            let anew = NewSilence { id: "", content };
            client.post(&POST_SILENCES, &anew)
        }
        answer => answer,
    };
    let answer = answer.map_err(|refused| refused.failure)?;
    let SilenceId { id } = decode(&answer)?;
    Ok(id)
}
