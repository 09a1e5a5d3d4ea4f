//! Names of headers in the spelling of Go.

/// Whether a header may be called that: the characters of a token.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// `message-ID` → `Message-Id`. A name that is no name of a header stays as it is.
#[must_use]
pub(super) fn canonical(name: &str) -> String {
    if name.is_empty() || !name.bytes().all(is_token) {
        return name.to_owned();
    }
    let mut begins_word = true;
    name.chars()
        .map(|c| {
            let c = match begins_word {
                true => c.to_ascii_uppercase(),
                false => c.to_ascii_lowercase(),
            };
            begins_word = c == '-';
            c
        })
        .collect()
}
