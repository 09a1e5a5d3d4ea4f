//! `amtool config show`: the running configuration of a server.

use super::args::Global;
use super::failure::Failure;

/// Runs the command.
///
/// # Errors
/// As yet always: there is nothing that could talk to a server.
pub(super) fn run(global: &Global) -> Result<(), Failure> {
    if global.alertmanager_url.is_none() {
        return Err(Failure::Fatal(
            "required flag --alertmanager.url not provided".to_owned(),
        ));
    }
    Err(Failure::not_yet("asking a server for its configuration"))
}
