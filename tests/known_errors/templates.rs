//! Errors found in the templates by fuzzing and by comparison with Go 1.26; what stands here was
//! printed by Go.

use tocsin::template::{Data, Options, Templates};

fn text(template: &str) -> String {
    shown(|templates, data| templates.render_text(template, data))
}

fn html(template: &str) -> Vec<u8> {
    let templates = Templates::new(&Options::default()).unwrap();
    match templates.render_html(template, &Data::default()) {
        Ok(out) => out,
        Err(error) => error.to_string().into_bytes(),
    }
}

fn shown(
    render: impl Fn(&Templates, &Data) -> Result<Vec<u8>, tocsin::template::RenderError>,
) -> String {
    let templates = Templates::new(&Options::default()).unwrap();
    match render(&templates, &Data::default()) {
        Ok(out) => out.escape_ascii().to_string(),
        Err(error) => error.to_string(),
    }
}

/// Found by `template_execute`: Rust's own formatting panics where the precision is above 65,535.
#[test]
fn huge_precision_of_a_float_is_zeros_and_no_panic() {
    let seen = [
        text(r#"{{ len (printf "%.04444444src4444f%%" 99.95) }}"#),
        text(
            r#"{{ len (printf "%.300000f" 1.5) }} {{ len (printf "%.300000e" 1.5) }} {{ printf "%.300000g" 1.5 }}"#,
        ),
    ];
    assert_eq!(seen, ["70", "300002 300006 1.5"]);
}

#[test]
fn malformed_bytes_are_counted_one_by_one() {
    let seen = [
        text(r#"{{ "\xe2\x82a" | toUpper }}"#),
        text(r#"{{ "\xe2\x82a\xffb" | title }}"#),
        text(r#"{{ date "\xff2006" (toDate "2006" "2024") }}"#),
    ];
    assert_eq!(
        seen,
        [r"\xef\xbf\xbd\xef\xbf\xbdA", r"\xe2\x82A\xffB", r"\xff2024"]
    );
}

#[test]
fn malformed_bytes_in_an_unquoted_attribute_are_references() {
    assert_eq!(html(r#"<p x={{ "a\xffb" }}>"#), b"<p x=a&#xfffd;b>");
}

#[test]
fn two_digits_of_a_year_before_christ_have_no_sign() {
    let seen = text(r#"{{ (toDate "2006" "0000").AddDate -502 0 0 | date "06 2006" }}"#);
    assert_eq!(seen, "02 -0502");
}

#[test]
fn fractions_have_no_more_than_nine_digits() {
    let seen = text(r#"{{ (toDate "2006" "2024").Format ".0000000000" }}"#);
    assert_eq!(seen, ".000000000");
}

#[test]
fn summer_time_goes_on_after_the_year_9999() {
    let far = r#"(toDate "2006-01-02" "2024-07-01").AddDate 8660 0 0"#;
    let seen = text(&format!(
        r#"{{{{ {far} | tz "America/New_York" | date "-0700 MST" }}}}"#
    ));
    assert_eq!(seen, "-0400 EDT");
}

#[test]
fn characters_younger_than_unicode_15_have_no_case_and_do_not_print() {
    let seen = html(
        "{{ `\u{19b}` | toUpper | printf `%+q` | safeHtml }} {{ `\u{1c8a}x` | title | printf `%+q` | safeHtml }} {{ printf `%q` `\u{1c89}` | safeHtml }}",
    );
    let seen = String::from_utf8_lossy(&seen);
    assert_eq!(seen, r#""\u019b" "\u1c8aX" "\u1c89""#);
}

#[test]
fn the_error_of_a_malformed_complex_constant_names_its_part() {
    let seen = ["{{ 6-27ei }}", "{{ -+7i }}", "{{ 9+i }}", "{{ 7ei }}"].map(text);
    assert_eq!(
        seen,
        [
            r#"template: :1: strconv.ParseFloat: parsing "-27e": invalid syntax"#,
            r#"template: :1: strconv.ParseFloat: parsing "-": invalid syntax"#,
            "template: :1: syntax error scanning complex number",
            r#"template: :1: illegal number syntax: "7ei""#,
        ]
    );
}

#[test]
fn an_error_gathers_the_loops_of_both_attempts_to_escape_a_template() {
    let ambiguous = r#"<a href="{{ if .Status }}?{{ end }}{{ .Status }}">"#;
    let seen = [
        html(&format!(
            "{ambiguous}{{{{ range .Alerts }}}}{{{{ break }}}}{{{{ end }}}}"
        )),
        html(r#"{{ range .Alerts }}{{ template "t2" }}{{ break }}{{ end }}"#),
    ]
    .map(|error| String::from_utf8_lossy(&error).into_owned());
    assert_eq!(
        seen,
        [
            "html/template::1:38: at range loop break: at range loop break: {{.Status}} appears in an ambiguous context within a URL",
            r#"html/template::1:31: at range loop break: no such template "t2""#,
        ]
    );
}

#[test]
fn types_behind_pointers_are_named_without_the_pointer() {
    let seen = text(r#"{{ len (toDate "2006" "2024").Location }}"#);
    assert_eq!(
        seen,
        r#"template: :1:3: executing "" at <len (toDate "2006" "2024").Location>: error calling len: len of type time.Location"#
    );
}

/// The limits counted nodes and the length of one string: a list of long strings had none.
#[test]
fn a_list_of_long_strings_is_bounded() {
    let seen = text(
        r#"{{ $l := list }}{{ range 100000 }}{{ $l = append $l (printf "%1000000d" 1) }}{{ end }}"#,
    );
    assert!(seen.ends_with("memory limit exceeded"), "{seen}");
}
