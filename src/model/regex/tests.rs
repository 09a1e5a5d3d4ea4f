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

#[test]
fn a_repetition_behind_flags_is_of_what_stands_before_them() {
    let found = |pattern: &str, text: &str| {
        let (regex, _) = compile(pattern.as_bytes()).unwrap();
        regex.find(text).map(|found| found.as_str().to_owned())
    };
    let seen = [
        found("a*(?i)?b", "aab"),
        found("x(?U)*", "xx"),
        found("x(?U)*?", "xx"),
        found("(?U)x*(?-U)y+", "xyy"),
        found("a+(?i){2}", "a"),
    ];
    let expected = [Some("aab"), Some(""), Some("xx"), Some("xyy"), None];
    assert_eq!(seen, expected.map(|text| text.map(str::to_owned)));
}

#[test]
fn patterns_are_as_deep_and_as_long_as_go_allows() {
    let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    let bare = |depth: usize| format!("{}a{}", "(?:".repeat(depth), ")".repeat(depth));
    let repeated = |times: usize| format!("(?:a{{{times}}}){{10}}");
    let seen = [
        nested(999),
        nested(1000),
        bare(1000),
        repeated(100),
        repeated(101),
    ]
    .map(|pattern| {
        compile(pattern.as_bytes())
            .map(|_| ())
            .map_err(|error| error.code)
    });
    let expected = [
        Ok(()),
        Err("expression nests too deeply"),
        Ok(()),
        Ok(()),
        Err("invalid repeat count"),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn code_points_that_no_text_contains_can_be_written() {
    let cases = [
        (r"^\x{D800}$", "a", false),
        (r"^[\x{D800}a]$", "a", true),
        (r"^[^\x{D800}]$", "a", true),
        (r"^[\x{D7FF}-\x{E000}]$", "\u{E000}", true),
        (r"^\p{Cs}$", "a", false),
        (r"^\P{Cs}$", "a", true),
    ];
    let seen = cases.map(|(pattern, text, _)| {
        compile(pattern.as_bytes()).map(|(regex, _)| regex.is_match(text))
    });
    assert_eq!(seen, cases.map(|(_, _, matches)| Ok(matches)));
}
