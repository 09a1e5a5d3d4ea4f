//! In which shape the page of metrics is sent: what Go's library offers, as it chooses.
//!
//! The format is the text format whatever is asked for (of what the library offers besides, protobuf is
//! not built); the `escaping` that is asked for is named, and changes nothing, since all names are
//! plain. gzip is sent if it is liked better than no compression.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::HeaderMap;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, HeaderName};

/// The schemes by which names can be escaped; the first is the default.
const ESCAPINGS: [&str; 4] = ["underscores", "allow-utf-8", "dots", "values"];

/// The media type of the page for a client that asks with those headers.
#[must_use]
pub fn media_type(headers: &HeaderMap) -> String {
    let asked = values(headers, &ACCEPT)
        .flat_map(|value| value.split([',', ';']))
        .filter_map(|parameter| parameter.trim().strip_prefix("escaping="))
        .find_map(|asked| ESCAPINGS.into_iter().find(|known| *known == asked));
    let escaping = asked.unwrap_or(ESCAPINGS[0]);
    format!("text/plain; version=0.0.4; charset=utf-8; escaping={escaping}")
}

/// Whether the client would rather have the page compressed.
#[must_use]
pub fn likes_gzip(headers: &HeaderMap) -> bool {
    let quality = |name: &str| {
        values(headers, &ACCEPT_ENCODING)
            .flat_map(|value| value.split(','))
            .map(|coding| coding.split_once(';').unwrap_or((coding, "")))
            .find(|(coding, _)| coding.trim() == name)
            .map(|(_, parameter)| match parameter.trim().strip_prefix("q=") {
                Some(quality) => quality.parse().unwrap_or(0.0),
                None => 1.0,
            })
    };
    let any: f32 = quality("*").unwrap_or(0.0);
    quality("gzip").unwrap_or(any) > quality("identity").unwrap_or(any)
}

fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter();
    values.filter_map(|value| value.to_str().ok())
}

/// The page, compressed. It is some ten kilobytes: a fraction of a millisecond.
///
/// # Errors
/// None that memory could make.
pub fn gzip(page: &str) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(page.len() / 4), Compression::fast());
    encoder.write_all(page.as_bytes())?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    /// The right column is what promhttp (client_golang 1.24) sent.
    #[test]
    fn the_escaping_that_is_asked_for_is_named() {
        let cases = [
            ("", "underscores"),
            ("*/*", "underscores"),
            ("application/json", "underscores"),
            (
                "text/plain;version=1.0.0;escaping=allow-utf-8",
                "allow-utf-8",
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                "allow-utf-8",
            ),
            ("text/plain;version=0.0.4;escaping=values;q=0.5", "values"),
            ("text/plain;escaping=dots", "dots"),
            ("text/plain;escaping=foo", "underscores"),
        ];
        assert_eq!(
            cases.map(|(accept, _)| media_type(&asking(ACCEPT, accept))),
            cases.map(|(_, escaping)| format!(
                "text/plain; version=0.0.4; charset=utf-8; escaping={escaping}"
            ))
        );
    }

    #[test]
    fn gzip_is_sent_where_go_sends_it() {
        let cases = [
            ("gzip", true),
            ("deflate, gzip;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip;q=x", false),
            ("*", false),
            ("identity", false),
            ("identity;q=1, gzip;q=0.5", false),
            ("gzip, identity", false),
            ("GZIP", false),
            ("br", false),
            ("", false),
        ];
        assert_eq!(
            cases.map(|(accept, _)| likes_gzip(&asking(ACCEPT_ENCODING, accept))),
            cases.map(|(_, expected)| expected)
        );
    }
}
