//! `tocsin template` and `amtool template render`, as their users meet them: each test is one
//! scenario on files in memory and ends in one comparison of all that is printed.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::ffi::OsString;
use std::sync::Arc;

use tocsin::cli::{self, World};
use tocsin::sys::{Disk, Image, MemoryFiles, SeededEntropy, SimDisk, VirtualClock, WallTime};

/// 2026-11-22T03:00:00Z.
const NIGHT: WallTime = WallTime(1_795_316_400_000_000_000);

/// What a run printed and how it ended.
#[derive(Debug, PartialEq, Eq)]
struct Ran {
    exit: u8,
    out: String,
    err: String,
}

fn ran(exit: u8, out: &str, err: &str) -> Ran {
    Ran {
        exit,
        out: out.to_owned(),
        err: err.to_owned(),
    }
}

fn run(files: &[(&str, &str)], stdin: &str, words: &[&str]) -> Ran {
    let stdin = stdin.as_bytes().to_vec();
    let world = World {
        open_disk: Box::new(|_| Arc::new(SimDisk::new(&Image::default())) as Arc<dyn Disk>),
        clock: Arc::new(VirtualClock::at(NIGHT)),
        entropy: Arc::new(SeededEntropy::new(1)),
        files: Arc::new(MemoryFiles::new(files.iter().copied())),
        stdin: Box::new(move |_| Ok(stdin.clone())),
        stdin_is_terminal: false,
        home: None,
        user: None,
        shows_progress: false,
        prints_to_terminal: false,
        serve: |_, _| unreachable!("no test of commands runs the server"),
        request: |_, _, _| unreachable!("no test of commands has a network"),
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let words = words.iter().map(OsString::from);
    let exit = cli::run(words, &world, &mut out, &mut err).code();
    Ran {
        exit,
        out: String::from_utf8(out).unwrap(),
        err: String::from_utf8(err).unwrap(),
    }
}

fn lint(text: &str, more: &[&str]) -> Ran {
    let words = ["tocsin", "template", "lint", "a.tmpl"];
    let files = [
        ("a.tmpl", text),
        (
            "am.yml",
            r#"text: "{{ range .Alerts }}{{ template \"line\" . }}{{ end }}""#,
        ),
        (
            "data.json",
            r#"{"alerts":[{"labels":{"alertname":"A","severity":"critical"}}]}"#,
        ),
    ];
    run(&files, "", &[&words, more].concat())
}

#[test]
fn lint_shows_each_fault_with_its_place_and_what_to_write() {
    let text = "{{ define \"t\" }}{{ .Labels.x | upper }}\n{{ range .Alerts }}{{ .Annotation.y }}{{ template \"u\" }}{{ end }}{{ end }}\n";
    let expected = "a.tmpl:1:20: error: there is no `.Labels` in the data of a notification (`template.Data`)
  1 | {{ define \"t\" }}{{ .Labels.x | upper }}
    |                    ^^^^^^^
    = labels belong to alerts: `.CommonLabels` has those that all alerts share, and within `range .Alerts` each has `.Labels`

a.tmpl:1:32: error: there is no function `upper`
  1 | {{ define \"t\" }}{{ .Labels.x | upper }}
    |                                ^^^^^
    = write `toUpper`

a.tmpl:2:23: error: there is no `.Annotation` in an alert (`template.Alert`)
  2 | {{ range .Alerts }}{{ .Annotation.y }}{{ template \"u\" }}{{ end }}{{ end }}
    |                       ^^^^^^^^^^^
    = did you mean `.Annotations`?

a.tmpl:2:51: error: there is no template \"u\"
  2 | {{ range .Alerts }}{{ .Annotation.y }}{{ template \"u\" }}{{ end }}{{ end }}
    |                                                   ^^^

1 file: 4 errors, 0 warnings
";
    assert_eq!(lint(text, &[]), ran(1, expected, ""));
}

#[test]
fn lint_shows_where_the_block_or_action_began_that_is_not_closed() {
    let seen = [
        "x\n{{ if .Status }}\ny",
        "x\n{{ .Status\n",
        "{{ end }}",
        "{{ $labels.x }}",
        "{{ .CommonLabels.my-label }}",
    ]
    .map(|text| {
        let Ran { out, .. } = lint(text, &[]);
        out.lines().next().unwrap_or_default().to_owned()
    });
    assert_eq!(
        seen,
        [
            "a.tmpl:2:1: error: unexpected EOF",
            "a.tmpl:2:1: error: unclosed action started at a.tmpl:2",
            "a.tmpl:1:8: error: unexpected {{end}}",
            "a.tmpl:1:4: error: there is no variable `$labels`",
            "a.tmpl:1:17: error: bad character U+002D '-'",
        ]
    );
}

#[test]
fn lint_with_the_configuration_knows_what_is_used_and_with_what() {
    let text = r#"{{ define "line" }}{{ .Labels.severty }}{{ end }}{{ define "other" }}{{ end }}{{ define "__subject" }} {{ end }}"#;
    let without = lint(text, &[]);
    let with = lint(
        text,
        &[
            "--config",
            "am.yml",
            "--data",
            "data.json",
            "--format",
            "json",
        ],
    );
    let blank = "a.tmpl:1:79: warning: a blank definition does not replace \"__subject\"";
    let first_lines = |ran: &Ran| {
        let lines = ran.out.lines();
        lines
            .filter(|line| line.starts_with("a.tmpl"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let codes: serde_json::Value = serde_json::from_str(&with.out).unwrap();
    let codes: Vec<(&str, u64)> = codes
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            (
                finding["code"].as_str().unwrap(),
                finding["column"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        (first_lines(&without), codes),
        (
            vec![
                "a.tmpl:1:23: warning: there is no `.Labels` in the data of a notification (`template.Data`)".to_owned(),
                blank.to_owned()
            ],
            vec![
                ("missing-key", 30),
                ("unused-definition", 50),
                ("blank-definition", 79)
            ]
        )
    );
}

#[test]
fn lint_of_sound_files_and_of_the_defaults_finds_nothing() {
    let [text, mail] = tocsin::template::default_sources();
    let files = [
        ("text.tmpl", text.as_str()),
        ("mail.tmpl", mail.as_str()),
        (
            "own.tmpl",
            r#"{{ define "slack.default.title" }}{{ .Status | toUpper }}{{ range .CommonLabels.SortedPairs }}{{ .Name }}{{ end }}{{ with index .Alerts 0 }}{{ .StartsAt.Format "15:04" }}{{ end }}{{ range $k, $v := .CommonLabels }}{{ $k }}{{ $v }}{{ end }}{{ end }}"#,
        ),
    ];
    let words = ["tocsin", "template", "lint", "mail.tmpl", "own.tmpl"];
    assert_eq!(
        run(&files, "", &words),
        ran(0, "2 files: nothing found\n", "")
    );
}

#[test]
fn preview_shows_subject_text_and_html_of_alerts_given_by_labels() {
    let files = [(
        "own.tmpl",
        r#"{{ define "__subject" }}{{ .CommonLabels.alertname }} {{ len .Alerts }}{{ end }}{{ define "own.html" }}<b>{{ .CommonAnnotations.summary }}</b>{{ end }}"#,
    )];
    let words = [
        "tocsin",
        "template",
        "preview",
        "own.tmpl",
        "--alert",
        "alertname=A job=x",
        "--alert",
        "alertname=A job=y",
        "--annotation",
        "summary=1 < 2",
        "--text",
        "{{ .CommonLabels }}",
        "--html",
        "",
        "--show",
        "own.html",
        "--show",
        "nope",
    ];
    let expected = "── Subject ──
A 2

── Text ──
alertname=A

── HTML ──


── own.html ──
<b>1 &lt; 2</b>

── nope ──
FAILED: template: :1:12: executing \"\" at <{{template \"nope\" .}}>: template \"nope\" not defined
";
    assert_eq!(run(&files, "", &words), ran(1, expected, ""));
}

#[test]
fn preview_shows_what_the_files_define_if_nothing_is_asked_for() {
    let files = [(
        "own.tmpl",
        r#"{{ define "b" }}{{ .Status }}{{ end }}{{ define "a.html" }}<i>{{ .Status }}</i>{{ end }}"#,
    )];
    let words = [
        "tocsin",
        "template",
        "preview",
        "own.tmpl",
        "--subject",
        "s",
        "--text",
        "t",
        "--html",
        "h",
        "--format",
        "json",
    ];
    let expected = r#"[{"name":"Subject","output":"s"},{"name":"Text","output":"t"},{"name":"HTML","output":"h"},{"name":"a.html","output":"<i>firing</i>"},{"name":"b","output":"firing"}]"#;
    assert_eq!(
        run(&files, "", &words),
        ran(0, &format!("{expected}\n"), "")
    );
}

#[test]
fn preview_takes_alerts_of_the_api_from_standard_input() {
    let alerts = r#"[{"labels":{"alertname":"A"},"annotations":{},"status":{"state":"active"},"startsAt":"2026-11-22T02:00:00Z"}]"#;
    let words = [
        "tocsin",
        "template",
        "preview",
        "--data",
        "-",
        "--text",
        "{{ since (index .Alerts 0).StartsAt }}",
        "--html",
        "x",
        "--format",
        "json",
    ];
    let expected = r#"[{"name":"Subject","output":"[FIRING:1] A "},{"name":"Text","output":"1h0m0s"},{"name":"HTML","output":"x"}]"#;
    assert_eq!(
        run(&[], alerts, &words),
        ran(0, &format!("{expected}\n"), "")
    );
}

#[test]
fn first_errors_of_a_new_user_name_the_way_out() {
    let files = [("a.tmpl", "{{ nope }}")];
    let seen = [
        &["tocsin", "template", "preview", "none.tmpl"][..],
        &["tocsin", "template", "preview", "a.tmpl"],
        &["tocsin", "template", "preview", "--alert", "HighLoad"],
        &[
            "tocsin",
            "template",
            "preview",
            "--alert",
            "a=b",
            "--annotation",
            "x",
        ],
        &["tocsin", "template", "lint", "a.tmpl", "--data", "a.tmpl"],
        &["tocsin", "template", "preview", "--alert", "a=b", "c=d"],
    ]
    .map(|words| run(&files, "", words));
    assert_eq!(
        seen,
        [
            ran(
                2,
                "",
                "tocsin: error: cannot read none.tmpl: entity not found\n"
            ),
            ran(
                1,
                "",
                "tocsin: error: a.tmpl: template: a.tmpl:1: function \"nope\" not defined\n`tocsin template lint a.tmpl` shows the place\n"
            ),
            ran(
                2,
                "",
                "tocsin: error: --alert \"HighLoad\": `HighLoad` is not of the form name=value\n"
            ),
            ran(
                2,
                "",
                "tocsin: error: --annotation \"x\" is not of the form name=value\n"
            ),
            ran(
                2,
                "",
                "tocsin: error: a.tmpl: no JSON: key must be a string at line 1 column 2\n"
            ),
            ran(
                2,
                "",
                "tocsin: error: cannot read c=d: entity not found; the labels of one alert go into one argument: --alert 'alertname=A severity=page'\n"
            ),
        ]
    );
}

fn render(words: &[&str]) -> Ran {
    let files = [
        ("t/x.tmpl", r#"{{ define "x" }}X{{ .Status }}{{ end }}"#),
        ("bad.tmpl", "{{ end }}"),
        (
            "data.json",
            r#"{"status":"firing","alerts":null,"groupLabels":{"a":"<b>"},"unknown":1}"#,
        ),
        ("not.json", "x"),
    ];
    let start = ["amtool", "template", "render"];
    run(&files, "", &[&start, words].concat())
}

#[test]
fn amtool_renders_the_sample_or_data_of_a_file_without_a_newline() {
    let text = "--template.text";
    let glob = ["--template.glob", "t/*.tmpl"];
    let seen = [
        render(
            &[
                &glob[..],
                &[
                    text,
                    r#"{{ template "x" . }} {{ len .Alerts }} {{ (index .Alerts 1).StartsAt }}"#,
                ],
            ]
            .concat(),
        ),
        render(
            &[
                &glob[..],
                &[
                    text,
                    "{{ .GroupLabels.a }} {{ len .Alerts }}",
                    "--template.data",
                    "data.json",
                ],
            ]
            .concat(),
        ),
        render(
            &[
                &glob[..],
                &[
                    text,
                    "{{ .GroupLabels.a }}",
                    "--template.data=data.json",
                    "--template.type=html",
                ],
            ]
            .concat(),
        ),
        render(&[
            "--template.glob=none/*",
            "--template.glob",
            "t/x.tmpl",
            text,
            r#"{{ template "x" . }}"#,
        ]),
    ];
    assert_eq!(
        seen,
        [
            ran(0, "Xalertstatus 2 2026-11-22 02:50:00 +0000 UTC", ""),
            ran(0, "<b> 0", ""),
            ran(0, "&lt;b&gt;", ""),
            ran(0, "Xalertstatus", ""),
        ]
    );
}

#[test]
fn amtool_fails_with_the_texts_of_alertmanager() {
    let text = ["--template.text", "x"];
    let glob = ["--template.glob", "t/*"];
    let seen = [
        render(&text),
        render(&glob),
        render(&[&glob[..], &["--template.text", "{{ .Foo }}"]].concat()),
        render(
            &[
                &glob[..],
                &["--template.text", r#"{{ template "nope" . }}"#],
            ]
            .concat(),
        ),
        render(&[&["--template.glob", "["], &text[..]].concat()),
        render(&[&["--template.glob", "bad.tmpl"], &text[..]].concat()),
        render(&[&glob[..], &text[..], &["--template.data", "none.json"]].concat()),
        render(&[&glob[..], &text[..], &["--template.type", "pdf"]].concat()),
    ];
    let failed = |text: &str| ran(1, "", &format!("amtool: error: {text}\n\n"));
    assert_eq!(
        seen,
        [
            failed("required flag --template.glob not provided"),
            failed("required flag --template.text not provided"),
            failed(
                r#"template: :1:3: executing "" at <.Foo>: can't evaluate field Foo in type template.Data"#
            ),
            failed(
                r#"template: :1:12: executing "" at <{{template "nope" .}}>: template "nope" not defined"#
            ),
            failed("syntax error in pattern"),
            failed("template: bad.tmpl:1: unexpected {{end}}"),
            failed("open none.json: no such file or directory"),
            failed("enum value must be one of text,html, got 'pdf'"),
        ]
    );
}
