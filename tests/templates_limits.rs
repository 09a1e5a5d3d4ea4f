//! Templates that would never end, or would fill the memory, are stopped by the limits of the
//! server, and the largest notification that makes sense is far from them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use gotemplate::{Limits, Stop};
use tocsin::template::limits::{MAX_TEMPLATE_DEPTH, SERVER};
use tocsin::template::{Alert, Data, Options, Templates};

/// How a template ends under the limits of the server.
fn end(template: &str) -> Result<usize, Result<Stop, String>> {
    let templates = Templates::new(&Options::default()).unwrap();
    let data = Data {
        status: "firing".to_owned(),
        ..Data::default()
    };
    match templates.render_text(template, &data) {
        Ok(output) => Ok(output.len()),
        Err(error) => Err(error.stop().ok_or_else(|| error.to_string())),
    }
}

#[test]
fn endless_templates_are_stopped() {
    let kilobyte = "x".repeat(1024);
    let seen = [
        "{{ range 9223372036854775807 }}{{ end }}".to_owned(),
        "{{ range 9223372036854775807 }}{{ range 9223372036854775807 }}{{ break }}{{ end }}{{ end }}".to_owned(),
        "{{ range 9223372036854775807 }}endless {{ end }}".to_owned(),
        r#"{{ range 9223372036854775807 }}{{ $x := reReplaceAll "(a|b)*" "$1" "abababab" }}{{ end }}"#.to_owned(),
        r#"{{ $x := "x" }}{{ range 100 }}{{ $x = print $x $x }}{{ end }}"#.to_owned(),
        r#"{{ $l := list }}{{ range 9223372036854775807 }}{{ $l = append $l (printf "%100000d" 1) }}{{ end }}"#.to_owned(),
        r#"{{ $l := list 1 }}{{ range 9223372036854775807 }}{{ $l = list $l $l $l $l }}{{ end }}"#.to_owned(),
        "{{ $l := list 1 }}{{ range 60 }}{{ $l = list $l $l }}{{ end }}{{ toJson $l }}".to_owned(),
        format!(r#"{{{{ $s := "{kilobyte}" }}}}{{{{ range 9223372036854775807 }}}}{{{{ $x := toUpper $s }}}}{{{{ end }}}}"#),
    ]
    .map(|template| end(&template));
    let expected = [
        Stop::Steps,
        Stop::Steps,
        Stop::Output,
        Stop::Steps,
        Stop::Output,
        Stop::Made,
        Stop::Made,
        Stop::Output,
        Stop::Made,
    ]
    .map(|stop| Err(Ok(stop)));
    assert_eq!(seen, expected);
}

/// Found by `template_execute`: patterns that take milliseconds to compile, each a new one.
#[test]
fn compiling_patterns_is_bounded() {
    let template = r#"{{ range $i := 9223372036854775807 }}{{ $x := match (printf `(?i)[\pL\pN]{9}%d` $i) "a" }}{{ end }}"#;
    assert_eq!(end(template), Err(Ok(Stop::Steps)));
}

#[test]
fn templates_that_call_themselves_end_with_the_text_of_go() {
    let seen = [
        r#"{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}"#,
        r#"{{ template "" . }}"#,
    ]
    .map(end);
    let error = |place: &str, name: &str, node: &str| {
        Err(Err(format!(
            "template: :1:{place}: executing {name:?} at <{node}>: exceeded maximum template depth ({MAX_TEMPLATE_DEPTH})"
        )))
    };
    assert_eq!(
        seen,
        [
            error("28", "a", "{{template \"a\"}}"),
            error("12", "", "{{template \"\" .}}"),
        ]
    );
}

#[test]
fn a_mail_of_ten_thousand_alerts_is_far_from_the_limits() {
    let alerts = (0..10_000).map(|at| Alert {
        status: "firing".to_owned(),
        labels: (0..10)
            .map(|label| (format!("label_{label}"), format!("value of {at}")))
            .collect(),
        annotations: (0..3)
            .map(|note| (format!("note_{note}"), "n".repeat(100)))
            .collect(),
        ..Alert::default()
    });
    let data = Data::of_alerts(alerts.collect(), &[]);
    let options = Options {
        limits: Limits {
            max_made_bytes: SERVER.max_made_bytes / 2,
            max_steps: SERVER.max_steps / 2,
            ..SERVER
        },
        ..Options::default()
    };
    let templates = Templates::new(&options).unwrap();
    let mail = templates.render_html(r#"{{ template "email.default.html" . }}"#, &data);
    assert_eq!(mail.map(|_| ()), Ok(()));
}
