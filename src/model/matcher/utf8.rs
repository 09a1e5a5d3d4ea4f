//! The UTF-8 grammar.
//!
//! ```text
//!  input    = ["{"] [matcher {"," matcher} [","]] ["}"]     both braces or none
//!  matcher  = text operator text
//!  text     = characters that mean nothing here | a string as Go quotes it
//! ```
//!
//! Places in errors are `start:end` in characters from 0, `end` excluded.

use super::lexer::{Kind, Lexer, Token};
use super::{Matcher, MatcherError, Matchers};

const EXPECTED_NAME: &str = "expected label name";
const EXPECTED_OPERATOR: &str = "expected an operator such as '=', '!=', '=~' or '!~'";
const EXPECTED_VALUE: &str = "expected label value";
const EXPECTED_END_OF_MATCHER: &str = "expected a comma or close brace";
const EXPECTED_AFTER_COMMA: &str = "expected a matcher or close brace after comma";
const EXPECTED_END: &str = "expected end of input";

/// Exactly one matcher.
pub(super) fn matcher(input: &str) -> Result<Matcher, MatcherError> {
    let found = matchers(input)?.into_vec();
    let count = found.len();
    let mut found = found.into_iter();
    match (found.next(), count) {
        (Some(matcher), 1) => Ok(matcher),
        (None, _) => Err(MatcherError("no matchers".to_owned())),
        _ => Err(MatcherError(format!("expected 1 matcher, found {count}"))),
    }
}

/// Any number of matchers.
pub(super) fn matchers(input: &str) -> Result<Matchers, MatcherError> {
    let mut lexer = Lexer::new(input);
    parse(&mut lexer).map(Matchers::new).map_err(MatcherError)
}

fn parse(lexer: &mut Lexer<'_>) -> Result<Vec<Matcher>, String> {
    let mut found = Vec::new();
    let is_kind = |token: &Option<Token<'_>>, kind| token.is_some_and(|token| token.kind == kind);
    let first = lexer.peek()?;
    if first.is_none() {
        return Ok(found);
    }
    let has_brace = is_kind(&first, Kind::OpenBrace);
    if has_brace {
        lexer.next()?;
    }
    let mut next = lexer.peek()?;
    while next.is_some() && !is_kind(&next, Kind::CloseBrace) {
        found.push(one(lexer)?);
        let is_end = |kind| matches!(kind, Kind::Comma | Kind::CloseBrace);
        next = peek(lexer, is_end, EXPECTED_END_OF_MATCHER)?;
        if is_kind(&next, Kind::Comma) {
            lexer.next()?;
            let may_follow =
                |kind| matches!(kind, Kind::CloseBrace | Kind::Unquoted | Kind::Quoted);
            next = peek(lexer, may_follow, EXPECTED_AFTER_COMMA)?;
        }
    }
    if next.is_some() {
        lexer.next()?;
    }
    match (has_brace, next.is_some()) {
        (true, false) => {
            let end = lexer.column;
            return Err(format!("0:{end}: end of input: expected close brace"));
        }
        (false, true) => {
            let end = lexer.column;
            return Err(format!("0:{end}: }}: expected opening brace"));
        }
        _ => {}
    }
    match lexer
        .next()
        .map_err(|error| format!("{error}: {EXPECTED_END}"))?
    {
        None => Ok(found),
        Some(Token {
            text, start, end, ..
        }) => Err(format!("{start}:{end}: {text}: {EXPECTED_END}")),
    }
}

/// The next token, which is to be of those kinds unless the input ends.
fn peek<'i>(
    lexer: &Lexer<'i>,
    is_expected: impl Fn(Kind) -> bool,
    expected: &str,
) -> Result<Option<Token<'i>>, String> {
    match lexer.peek() {
        Ok(Some(token)) if !is_expected(token.kind) => {
            let Token {
                text, start, end, ..
            } = token;
            Err(format!("{start}:{end}: unexpected {text}: {expected}"))
        }
        Ok(token) => Ok(token),
        Err(error) => Err(format!("{error}: {expected}")),
    }
}

/// The next token, which is to be of those kinds.
fn expect<'i>(
    lexer: &mut Lexer<'i>,
    is_expected: impl Fn(Kind) -> bool,
    expected: &str,
) -> Result<Token<'i>, String> {
    let token = peek(lexer, is_expected, expected)?;
    lexer.next()?;
    token.ok_or_else(|| format!("end of input: {expected}"))
}

fn one(lexer: &mut Lexer<'_>) -> Result<Matcher, String> {
    let is_text = |kind| matches!(kind, Kind::Quoted | Kind::Unquoted);
    let name = text(expect(lexer, is_text, EXPECTED_NAME)?)?;
    let is_operator = |kind| matches!(kind, Kind::Operator(_));
    let operator = expect(lexer, is_operator, EXPECTED_OPERATOR)?;
    let Kind::Operator(operator) = operator.kind else {
        return Err(EXPECTED_OPERATOR.to_owned());
    };
    let value = text(expect(lexer, is_text, EXPECTED_VALUE)?)?;
    Matcher::new(name, operator, value)
        .map_err(|error| format!("failed to create matcher: {error}"))
}

/// What a token stands for.
fn text(token: Token<'_>) -> Result<String, String> {
    if token.kind == Kind::Unquoted {
        return Ok(token.text.to_owned());
    }
    let Token {
        text, start, end, ..
    } = token;
    gotemplate::strconv::unquote(text.as_bytes())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| format!("{start}:{end}: {text}: invalid input"))
}
