//! `tocsin-chaos`: tries to refute what the log promises, and says how to do it again.

use std::process::ExitCode;

fn main() -> ExitCode {
    tocsin_chaos::program::main()
}
