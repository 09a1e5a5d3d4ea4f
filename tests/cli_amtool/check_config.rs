//! `amtool check-config`.

use super::{amtool, run};

const GOOD: &str = "route: {receiver: r}\nreceivers: [{name: r}]\n";

#[test]
fn a_sound_file_is_counted_and_its_templates_are_parsed() {
    let text = "
route: {receiver: r}
receivers:
- name: r
- name: s
inhibit_rules:
- equal: [a]
templates: ['t/*.tmpl', 'none/*.tmpl']
";
    let files = [
        ("am.yml", text),
        ("t/x.tmpl", "{{ define \"x\" }}y{{ end }}"),
    ];
    assert_eq!(
        amtool(&files, &["check-config", "am.yml"], None),
        run(
            "Checking 'am.yml'  SUCCESS\nFound:\n - global config\n - route\n - 1 inhibit rules\n - 2 receivers\n - 2 templates\n  SUCCESS\n\n",
            "",
            0
        )
    );
}

#[test]
fn without_a_file_standard_input_is_checked() {
    assert_eq!(
        amtool(&[], &["check-config"], Some(GOOD)),
        run(
            "Checking '/dev/stdin'  SUCCESS\nFound:\n - global config\n - route\n - 0 inhibit rules\n - 1 receivers\n - 0 templates\n\n",
            "",
            0
        )
    );
}

#[test]
fn misspelt_fields_are_shown_where_they_stand_with_what_was_meant() {
    let text =
        "route:\n  receiver: r\n  group_intervall: 5m\nreceivers: [{name: r, slak_configs: []}]\n";
    assert_eq!(
        amtool(&[("bad.yml", text)], &["check-config", "bad.yml"], None),
        run(
            "Checking 'bad.yml'  FAILED: yaml: unmarshal errors:
  line 3: field group_intervall not found in type config.plain
  line 4: field slak_configs not found in type config.plain
   --> bad.yml:3:3
    |
  3 |   group_intervall: 5m
    |   ^^^^^^^^^^^^^^^ did you mean `group_interval`?
   --> bad.yml:4:23
    |
  4 | receivers: [{name: r, slak_configs: []}]
    |                       ^^^^^^^^^^^^ did you mean `slack_configs`?

",
            "amtool: error: failed to validate 1 file(s)\n\n",
            1
        )
    );
}

#[test]
fn a_refused_value_is_shown_where_it_stands_deep_in_the_file() {
    let text = "route:\n  receiver: r\n  routes:\n  - receiver: r\n  - routes:\n    - receiver: nobody\nreceivers: [{name: r}]\n";
    assert_eq!(
        amtool(&[("bad.yml", text)], &["check-config", "bad.yml"], None).0,
        "Checking 'bad.yml'  FAILED: undefined receiver \"nobody\" used in route
   --> bad.yml:6:7
    |
  6 |     - receiver: nobody
    |       ^^^^^^^^

"
    );
}

#[test]
fn a_text_that_is_no_yaml_is_shown_where_it_breaks() {
    let text = "route:\n\treceiver: r\n";
    assert_eq!(
        amtool(&[("bad.yml", text)], &["check-config", "bad.yml"], None).0,
        "Checking 'bad.yml'  FAILED: yaml: line 2: found character that cannot start any token
   --> bad.yml:2:1
    |
  2 |  receiver: r
    | ^

"
    );
}

#[test]
fn the_value_of_a_secret_is_not_in_the_picture() {
    let text = "global: {smtp_auth_password: hunter2, smtp_auth_password_file: f}\nroute: {receiver: r}\nreceivers: [{name: r}]\n";
    assert_eq!(
        amtool(&[("bad.yml", text)], &["check-config", "bad.yml"], None).0,
        "Checking 'bad.yml'  FAILED: at most one of smtp_auth_password & smtp_auth_password_file must be configured
   --> bad.yml:1:30
    |
  1 | global: {smtp_auth_password: ...
    |                              ^^^

"
    );
}

#[test]
fn every_file_is_checked_and_failures_are_counted() {
    let broken_template = "route: {receiver: r}\nreceivers: [{name: r}]\ntemplates: [x.tmpl]\n";
    let files = [
        ("good.yml", GOOD),
        ("bad.yml", "route: {receiver: x}\n"),
        ("tmpl.yml", broken_template),
        ("x.tmpl", "{{ nope }}"),
    ];
    let (out, err, code) = amtool(
        &files,
        &["check-config", "good.yml", "bad.yml", "tmpl.yml"],
        None,
    );
    let verdicts: Vec<&str> = out
        .lines()
        .filter(|line| line.contains("SUCCESS") || line.contains("FAILED"))
        .collect();
    assert_eq!(
        (verdicts, err.as_str(), code),
        (
            vec![
                "Checking 'good.yml'  SUCCESS",
                "Checking 'bad.yml'  FAILED: undefined receiver \"x\" used in route",
                "Checking 'tmpl.yml'  SUCCESS",
                "  FAILED: template: x.tmpl:1: function \"nope\" not defined",
            ],
            "amtool: error: failed to validate 2 file(s)\n\n",
            1
        )
    );
}

#[test]
fn a_file_that_does_not_exist_is_a_mistake_of_the_command_line() {
    assert_eq!(
        amtool(
            &[("good.yml", GOOD)],
            &["check-config", "good.yml", "no.yml"],
            None
        ),
        run("", "amtool: error: path 'no.yml' does not exist\n\n", 1)
    );
}

#[test]
fn features_choose_how_matchers_are_read() {
    let text =
        "route: {receiver: r, routes: [{matchers: ['foo=bar baz']}]}\nreceivers: [{name: r}]\n";
    let files = [("am.yml", text)];
    let verdict = |features: &str| {
        let flag = format!("--enable-feature={features}");
        let (out, err, code) = amtool(&files, &["check-config", &flag, "am.yml"], None);
        let line = out
            .lines()
            .find(|line| line.contains("SUCCESS") || line.contains("FAILED"));
        (line.unwrap_or_default().to_owned(), err, code)
    };
    let failed = "amtool: error: failed to validate 1 file(s)\n\n";
    assert_eq!(
        [
            verdict("classic-mode"),
            verdict("utf8-strict-mode"),
            verdict("classic-mode,utf8-strict-mode"),
            verdict("foo"),
        ],
        [
            run("Checking 'am.yml'  SUCCESS", "", 0),
            run(
                "Checking 'am.yml'  FAILED: 8:11: unexpected baz: expected a comma or close brace",
                failed,
                1
            ),
            run(
                "",
                "amtool: error: error parsing the feature flag list: cannot have both classic and UTF-8 modes enabled\n",
                1
            ),
            run(
                "",
                "amtool: error: error parsing the feature flag list: unknown option 'foo' for --enable-feature\n",
                1
            ),
        ]
    );
}

#[test]
fn matchers_that_the_parsers_read_differently_are_warned_of_in_the_middle_of_the_line() {
    let text =
        "route: {receiver: r, routes: [{matchers: ['foo=bar baz']}]}\nreceivers: [{name: r}]\n";
    let (out, _, code) = amtool(&[("am.yml", text)], &["check-config", "am.yml"], None);
    let first = out.lines().next().unwrap_or_default();
    assert!(
        code == 0
            && first.starts_with("Checking 'am.yml'time=")
            && first.contains(" level=WARN msg=\"Alertmanager is moving to a new parser")
            && first.ends_with(
                "input=\"foo=bar baz\" origin=config err=\"8:11: unexpected baz: expected a comma or close brace\" suggestion=\"foo=\\\"bar baz\\\"\""
            ),
        "{out}"
    );
}
