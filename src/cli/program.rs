//! Which program is meant: one file serves under several names.

use std::ffi::OsString;
use std::path::Path;

/// A program in this file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    /// The server and its tools.
    Tocsin,
    /// The server under Alertmanager's name.
    Alertmanager,
    /// Alertmanager's tool.
    Amtool,
}

impl Program {
    /// The program that goes by the name that it was called by. Any other name (a copy called
    /// `tocsin-old`, say) means tocsin itself.
    pub(super) fn of(called: Option<&OsString>) -> Self {
        let name = called.and_then(|called| Path::new(called).file_name());
        match name.and_then(|name| name.to_str()) {
            Some("alertmanager") => Self::Alertmanager,
            Some("amtool") => Self::Amtool,
            _ => Self::Tocsin,
        }
    }
}

/// The version of Alertmanager whose behaviour this is: what clients compare.
pub(super) const ALERTMANAGER_VERSION: &str = "0.34.0";

/// What a program says of itself, in Alertmanager's layout: scripts read the first line.
pub(super) fn version_text(program: &str) -> String {
    format!(
        "{program}, version {} (branch: unknown, revision: unknown)\n  platform:         {}/{}\n  tags:             tocsin\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_without_its_directory_decides() {
        let of = |called: &str| Program::of(Some(&OsString::from(called)));
        assert_eq!(
            [
                of("/usr/bin/alertmanager"),
                of("amtool"),
                of("./tocsin"),
                of("tocsin-0.1"),
                of(""),
                Program::of(None)
            ],
            [
                Program::Alertmanager,
                Program::Amtool,
                Program::Tocsin,
                Program::Tocsin,
                Program::Tocsin,
                Program::Tocsin
            ]
        );
    }
}
