//! `amtool`: the real program under that name, with its output and its exit codes.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test fail as the test does"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "these tests are about real files"
)]

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

#[path = "cli_amtool/check_config.rs"]
mod check_config;
#[path = "cli_amtool/command_line.rs"]
mod command_line;
#[path = "cli_amtool/server.rs"]
mod server;

/// What a run came to: standard output, standard error, exit code.
type Run = (String, String, i32);

/// Runs `amtool` in a directory with these files.
fn amtool(files: &[(&str, &str)], args: &[&str], stdin: Option<&str>) -> Run {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::create_dir_all(dir.path().join(name).parent().unwrap()).unwrap();
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_tocsin"))
        .arg0("amtool")
        .args(args)
        .current_dir(dir.path())
        .env("HOME", dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(stdin.unwrap_or_default().as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
        output.status.code().unwrap(),
    )
}

fn run(out: &str, err: &str, code: i32) -> Run {
    (out.to_owned(), err.to_owned(), code)
}
