//! `tocsin-chaos-zoo`: the same program with the planted bugs in it, under a name of its own so that
//! both can be built side by side.

use std::process::ExitCode;

fn main() -> ExitCode {
    tocsin_chaos::program::main()
}
