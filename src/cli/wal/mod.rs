//! `tocsin wal`: looking into the log of a data directory, and repairing it.
//!
//! ```text
//! args ─► look ─────────► check, stats, checkpoint     what there is and whether it is sound
//!           └─► visit ──► dump, grep                   record by record
//!         repair                                       the only one that changes anything
//! ```
//!
//! **Invariants**
//! * Everything but `repair` opens files for reading only and takes no lock that a running process
//!   could feel. On a live store no command calls a batch in flight damage (see [`look`]).
//! * `repair` needs the store to itself.

mod args;
mod check;
mod checkpoint;
mod dump;
mod explained;
mod facts;
mod filter;
mod line;
mod look;
mod matcher;
mod progress;
mod repair;
mod stats;
mod when;

pub use args::WalArgs;

use super::exit::Exit;
use super::{Context, Problem};
use args::WalCommand;

/// Runs the command.
///
/// # Errors
/// Why it could not be done.
pub(super) fn run(args: &WalArgs, context: &mut Context<'_>) -> Result<Exit, Problem> {
    match &args.command {
        WalCommand::Check(args) => check::run(args, context),
        WalCommand::Dump(args) => dump::run(args, None, context),
        WalCommand::Grep(args) => dump::run(&args.dump, Some(&args.pattern), context),
        WalCommand::Stats(args) => stats::run(args, context),
        WalCommand::Repair(args) => repair::run(args, context),
        WalCommand::Checkpoint(args) => checkpoint::run(args, context),
    }
}
