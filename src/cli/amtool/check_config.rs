//! `amtool check-config`: whether configuration files can be loaded.

use std::path::PathBuf;

use clap::Args;

/// `amtool check-config [FILE…]`
#[derive(Debug, Args)]
pub(in crate::cli) struct CheckConfigArgs {
    /// Files to be validated; standard input if none is named
    #[arg(value_name = "check-files")]
    pub(super) files: Vec<PathBuf>,
}
