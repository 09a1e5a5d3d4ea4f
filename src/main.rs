//! The program.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use tocsin::{cli, node};

/// What a command prints goes out in pieces of this size.
const OUTPUT_BYTES: usize = 64 * 1024;

fn main() -> ExitCode {
    // Neither is locked: the server's threads write their log lines to standard error.
    let mut err = io::stderr();
    let world = match node::world() {
        Ok(world) => world,
        Err(error) => {
            // Standard error may be closed; then the exit code has to do.
            let _ = writeln!(err, "tocsin: error: {error}");
            return ExitCode::from(cli::exit::INPUT_OUTPUT.code());
        }
    };
    let mut out = BufWriter::with_capacity(OUTPUT_BYTES, io::stdout());
    let exit = cli::run(std::env::args_os(), &world, &mut out, &mut err);
    ExitCode::from(exit.code())
}
