//! Go's regular expressions on top of the `regex` crate.
//!
//! Both are descendants of RE2 and match alike, but their syntax differs in many small ways: Go's
//! classes are ASCII, it quotes with `\Q…\E`, takes `{` for itself where no count follows, and
//! refuses `a**`. The pattern is read by Go's rules here, with Go's errors, and written anew by
//! those of the crate.

mod translate;

use regex::Regex;

/// Why a text is no regular expression, in the words of Go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {code}: `{fragment}`")]
pub struct RegexError {
    code: &'static str,
    fragment: String,
}

/// Compiles a pattern, and lists the names of its groups: empty for those without one; the first is
/// the whole match.
///
/// # Errors
/// If Go would not compile it, or the result is too large.
pub fn compile(pattern: &[u8]) -> Result<(Regex, Vec<String>), RegexError> {
    let text = std::str::from_utf8(pattern).map_err(|_| RegexError {
        code: "invalid UTF-8",
        fragment: String::from_utf8_lossy(pattern).into_owned(),
    })?;
    let translation = translate::translate(text).map_err(|problem| RegexError {
        code: problem.code,
        fragment: problem.fragment,
    })?;
    let regex = Regex::new(&translation.pattern).map_err(|_| RegexError {
        code: "expression too large",
        fragment: text.to_owned(),
    })?;
    Ok((regex, translation.names))
}

/// A pattern that has to match the whole of a text.
///
/// Alertmanager 0.34 puts `^(?:` before it and `)$` behind, as texts: `a)|(?:b` is a pattern.
#[derive(Debug, Clone)]
pub struct AnchoredRegex {
    text: Box<str>,
    regex: Regex,
}

impl AnchoredRegex {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// If Go would not compile it, or the result is too large.
    pub fn new(pattern: &str) -> Result<Self, RegexError> {
        let (regex, _) = compile(format!("^(?:{pattern})$").as_bytes())?;
        Ok(Self {
            text: pattern.into(),
            regex,
        })
    }

    /// The pattern as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole text matches.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// The texts that match, if the pattern is but a list of them.
    #[must_use]
    pub fn literals(&self) -> Option<Vec<&str>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
