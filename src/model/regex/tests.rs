use super::compile;

#[test]
fn wrong_patterns_fail_with_the_text_of_go() {
    let cases = [
        ("(?i", "invalid or unsupported Perl syntax: `(?i`"),
        ("(?P<n", "invalid named capture: `(?P<n`"),
        ("(?x)a", "invalid or unsupported Perl syntax: `(?x`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("(a{100}){100}", "invalid repeat count: `{100}`"),
        ("a{2,1}", "invalid repeat count: `{2,1}`"),
        ("[a", "missing closing ]: `[a`"),
        ("[z-a]", "invalid character class range: `z-a`"),
        ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
        (r"\p{Foo}", r"invalid character class range: `\p{Foo}`"),
        ("\\", "trailing backslash at end of expression: ``"),
        (r"\8", r"invalid escape sequence: `\8`"),
        ("a)", "unexpected ): `a)`"),
        ("a|*", "missing argument to repetition operator: `*`"),
        ("a*?+", "invalid nested repetition operator: `*?+`"),
        ("x{2}{3}", "invalid nested repetition operator: `{2}{3}`"),
        (r"\x{110000}", r"invalid escape sequence: `\x{110000`"),
        ("(?i-)", "invalid or unsupported Perl syntax: `(?i-)`"),
        ("(?<=a)", "invalid named capture: `(?<=a)`"),
        (r"[a-\d]", r"invalid escape sequence: `\d`"),
        ("[^]", "missing closing ]: `[^]`"),
        ("(?:", "missing closing ): `(?:`"),
        (r"\x1", r"invalid escape sequence: `\x1`"),
        ("(?P<é>a)", "invalid named capture: `(?P<é>`"),
    ];
    let seen: Vec<_> = cases
        .iter()
        .map(|(pattern, _)| {
            compile(pattern.as_bytes())
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default()
        })
        .collect();
    let expected: Vec<_> = cases
        .iter()
        .map(|(_, error)| format!("error parsing regexp: {error}"))
        .collect();
    assert_eq!(seen, expected);
}

#[test]
fn what_only_go_reads_so_is_translated() {
    let cases = [
        (r"\Qa+\E*", "a++", true),
        ("a{,2}", "a{,2}", true),
        ("[a[b]", "[", true),
        ("[a&&b]", "&", true),
        (r"\<", "<", true),
        (r"\141", "a", true),
        (r"[\d-z]", "-", true),
        ("[]a]", "]", true),
        ("(?i)(?s)A.b", "a\nB", true),
        (r"^\w$", "é", false),
        ("(?P<n>a)(?P<n>b)", "ab", true),
    ];
    let seen = cases.map(|(pattern, text, _)| {
        compile(pattern.as_bytes()).map(|(regex, _)| regex.is_match(text))
    });
    assert_eq!(seen, cases.map(|(_, _, matches)| Ok(matches)));
}
