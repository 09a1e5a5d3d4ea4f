//! `amtool config show`: the running configuration of a server.
//!
//! Alertmanager 0.34 prints the YAML text. `extended` adds the version, of which Alertmanager's tool
//! shows the addresses of the texts in its own memory; here they are shown themselves.

use serde_json::Value;

use super::args::{Global, Output};
use super::client::Client;
use super::failure::Failure;
use super::format::json_line;
use super::operation::GET_STATUS;
use crate::cli::Context;

/// What `extended` shows of the version, in the order of Alertmanager's tool.
const VERSION_FIELDS: [&str; 6] = [
    "buildUser",
    "goVersion",
    "revision",
    "version",
    "branch",
    "buildDate",
];

/// Runs the command.
///
/// # Errors
/// What Alertmanager's tool says.
pub(super) fn run(global: &Global, context: &mut Context<'_>) -> Result<(), Failure> {
    let client = Client::new(global, context)?;
    let status: Value = client.get(&GET_STATUS, "/status")?;
    let text = |pointer: &str| {
        let text = status.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let original = text("/config/original");
    match global.output {
        Output::Simple => writeln!(context.out, "{original}")?,
        Output::Extended => {
            writeln!(context.out, "{original}")?;
            for field in VERSION_FIELDS {
                let value = text(&format!("/versionInfo/{field}"));
                writeln!(context.out, "{field} {value}")?;
            }
            writeln!(context.out, "uptime {}", text("/uptime"))?;
        }
        Output::Json => writeln!(context.out, "{}", json_line(&status)?)?,
    }
    Ok(())
}
