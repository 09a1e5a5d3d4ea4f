//! `tocsin-chaos-server`: the server with the planted bugs in it, for those who kill it. Which one is on is
//! told by its environment; see [`tocsin::bugs`].

use std::io;
use std::process::ExitCode;

use tocsin::{cli, node};

fn main() -> ExitCode {
    let world = match node::world() {
        Ok(world) => world,
        Err(error) => {
            eprintln!("tocsin-chaos-server: {error}");
            return ExitCode::FAILURE;
        }
    };
    let exit = cli::run(
        std::env::args_os(),
        &world,
        &mut io::stdout(),
        &mut io::stderr(),
    );
    ExitCode::from(exit.code())
}
