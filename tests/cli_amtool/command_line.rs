//! The command line: mistakes in the words of kingpin.

use super::{amtool, run};

#[test]
fn mistakes_are_told_as_alertmanagers_tool_tells_them() {
    let told = |args: &[&str]| amtool(&[], args, None);
    assert_eq!(
        [
            told(&["foo"]),
            told(&["--nosuch"]),
            told(&["check-config", "-x"]),
            told(&["template"]),
            told(&["--timeout"]),
            told(&["--timeout=1s", "config", "--timeout=2s"]),
            told(&["-o", "xml", "config"]),
            told(&["config"]),
            told(&["config", "show"]),
            told(&["config", "show", "--alertmanager.url=http://127.0.0.1:1"]),
            told(&["silence", "add", "--comment=x", "a=b"]),
        ],
        [
            run("", "amtool: error: expected command but got \"foo\"\n\n", 1),
            run("", "amtool: error: unknown long flag '--nosuch'\n\n", 1),
            run("", "amtool: error: unknown short flag '-x'\n\n", 1),
            run(
                "",
                "amtool: error: must select a subcommand of 'template'\n\n",
                1
            ),
            run(
                "",
                "amtool: error: expected argument for flag '--timeout'\n\n",
                1
            ),
            run(
                "",
                "amtool: error: flag 'timeout' cannot be repeated\n\n",
                1
            ),
            run(
                "",
                "amtool: error: enum value must be one of simple,extended,json, got 'xml'\n\n",
                1
            ),
            run(
                "",
                "amtool: error: required flag --alertmanager.url not provided\n",
                1
            ),
            run(
                "",
                "amtool: error: required flag --alertmanager.url not provided\n",
                1
            ),
            run(
                "",
                "amtool: error: Get \"http://127.0.0.1:1/api/v2/status\": dial tcp 127.0.0.1:1: connect: connection refused\n\n",
                1
            ),
            run(
                "",
                "amtool: error: required flag --alertmanager.url not provided\n",
                1
            ),
        ]
    );
}

#[test]
fn help_and_version_go_to_standard_output() {
    let first = |args: &[&str]| {
        let (out, err, code) = amtool(&[], args, None);
        (
            out.split([' ', ',']).next().unwrap_or_default().to_owned(),
            err,
            code,
        )
    };
    assert_eq!(
        [
            first(&["--version"]),
            first(&[]),
            first(&["--help"]),
            first(&["--help-long"])
        ],
        [
            run("amtool", "", 0),
            run("View", "", 0),
            run("View", "", 0),
            run("View", "", 0)
        ]
    );
}

#[test]
fn arguments_may_come_from_a_file() {
    let files = [
        ("args", "# what to do\ncheck-config\nam.yml\n"),
        ("am.yml", "route: {receiver: r}\nreceivers: [{name: r}]\n"),
    ];
    let (_, err, code) = amtool(&files, &["@args"], None);
    assert_eq!((err.as_str(), code), ("", 0));
}

#[test]
fn the_users_file_gives_flags_that_the_command_line_does_not() {
    let files = [
        (
            ".config/amtool/config.yml",
            "enable-feature: utf8-strict-mode\noutput: extended\nunknown: x\n",
        ),
        (
            "am.yml",
            "route: {receiver: r, routes: [{matchers: ['foo=bar baz']}]}\nreceivers: [{name: r}]\n",
        ),
    ];
    let code = |args: &[&str]| amtool(&files, args, None).2;
    assert_eq!(
        [
            code(&["check-config", "am.yml"]),
            code(&["check-config", "am.yml", "--enable-feature=classic-mode"]),
        ],
        [1, 0]
    );
}
