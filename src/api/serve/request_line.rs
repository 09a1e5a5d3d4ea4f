//! The first line of a request, made fit for a stricter reader.
//!
//! People write `curl 'http://…/api/v2/alerts?filter=alertname="X"'`. Such quotes have no place in a
//! URL, but Go takes them, and so they work with Alertmanager; the `http` crate refuses the request.
//! Before it sees the line, the three characters that the two disagree about are escaped.
//!
//! This happens where a request begins, which is where a connection that is at work on none is read. (A
//! client that sends the next request before it has read an answer gets the stricter reading.)

/// A byte becomes three at most.
pub const GROWTH_MAX: usize = 3;

/// Escapes `"`, `<` and `>` up to the end of the line, and tells whether that has come.
pub fn escape(bytes: &[u8], mut put: impl FnMut(&[u8])) -> bool {
    let line_len = bytes.iter().position(|&byte| byte == b'\n');
    let (line, rest) = bytes.split_at(line_len.unwrap_or(bytes.len()));
    for part in line.split_inclusive(|byte| matches!(byte, b'"' | b'<' | b'>')) {
        let (escaped, plain): (&[u8], _) = match part.split_last() {
            Some((b'"', plain)) => (b"%22", plain),
            Some((b'<', plain)) => (b"%3C", plain),
            Some((b'>', plain)) => (b"%3E", plain),
            _ => (b"", part),
        };
        put(plain);
        put(escaped);
    }
    put(rest);
    line_len.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_line_is_escaped() {
        let escape = |text: &str| {
            let mut out = Vec::new();
            let has_ended = escape(text.as_bytes(), |part| out.extend_from_slice(part));
            (String::from_utf8(out).unwrap(), has_ended)
        };
        assert_eq!(
            [
                escape("GET /?a=\"<x>\" HTTP/1.1\r\nA: \"<>\r\n"),
                escape("\"GET"),
                escape("")
            ],
            [
                (
                    "GET /?a=%22%3Cx%3E%22 HTTP/1.1\r\nA: \"<>\r\n".to_owned(),
                    true
                ),
                ("%22GET".to_owned(), false),
                (String::new(), false),
            ]
        );
    }
}
