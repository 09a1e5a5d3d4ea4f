//! The kinds of value that fields have: secrets, URLs, durations, addresses.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use gotemplate::strconv::quote;
use gotemplate::{Environment, TextSet};

use super::block::Show;
use super::url::{Exposure, Url, UrlError};
use super::yaml::{Decode, Decoded, Decoder, Item, NodeId, Problem, Resolved, read_map};
use crate::model;

/// What is shown in place of a secret, and taken for one that is not told.
pub const MASK: &str = "<secret>";

/// A password, a token, a key. It cannot be printed, logged or written: [`Secret::expose`] is the
/// only way to it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one who is to be shown it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.0.is_empty() { "none" } else { MASK })
    }
}

impl Decode for Secret {
    const IS_CUSTOM: bool = true;

    fn go_type() -> Cow<'static, str> {
        "config.Secret".into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        if decoder.scalar(at)?.is_none() {
            return decoder.wrong_kind(at, "config.plain");
        }
        self.0.decode(at, decoder)
    }

    fn take_quoted_null(&mut self, text: &str) -> bool {
        text.clone_into(&mut self.0);
        true
    }
}

impl Show for Secret {
    fn item(&self) -> Item {
        match self.is_empty() {
            true => Item::Null,
            false => MASK.into(),
        }
    }

    fn is_zero(&self) -> bool {
        self.is_empty()
    }
}

/// Reads a scalar as a text.
fn read_text(at: NodeId, decoder: &mut Decoder<'_>) -> Result<Option<String>, super::yaml::Fatal> {
    let mut text = String::new();
    Ok(decoder.read(at, &mut text)?.then_some(text))
}

/// Refuses a value where it stands.
fn refuse(error: impl fmt::Display, at: NodeId, decoder: &Decoder<'_>) -> Decoded {
    Err(Box::new(
        Problem::new(error.to_string()).at(decoder.place(at)),
    ))
}

/// A URL of HTTP that may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HttpUrl(pub Url);

impl HttpUrl {
    /// A URL that is part of the program; `None` if it is none.
    pub(super) fn built_in(text: &str) -> Option<Self> {
        Url::parse_http(text, Exposure::Open).ok().map(Self)
    }
}

impl Decode for HttpUrl {
    const IS_CUSTOM: bool = true;

    fn go_type() -> Cow<'static, str> {
        "config.URL".into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        let Some(text) = read_text(at, decoder)? else {
            return Ok(false);
        };
        match Url::parse_http(&text, Exposure::Open) {
            Ok(url) => self.0 = url,
            Err(error) => return refuse(error, at, decoder),
        }
        Ok(true)
    }
}

impl Show for HttpUrl {
    fn item(&self) -> Item {
        Item::Text(self.0.exposed())
    }

    fn is_zero(&self) -> bool {
        false
    }
}

/// A URL of HTTP that is a secret, as those of webhooks are.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SecretUrl(Url);

impl SecretUrl {
    /// Hides a URL.
    #[must_use]
    pub fn new(url: Url) -> Self {
        Self(url)
    }

    /// The URL, for the one who is to call it. Empty if the file said [`MASK`].
    #[must_use]
    pub fn expose(&self) -> &Url {
        &self.0
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(MASK)
    }
}

impl Decode for SecretUrl {
    const IS_CUSTOM: bool = true;

    fn go_type() -> Cow<'static, str> {
        "config.SecretURL".into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        let Some(text) = read_text(at, decoder)? else {
            return Ok(false);
        };
        if text == MASK {
            self.0 = Url::default();
            return Ok(true);
        }
        match Url::parse_http(&text, Exposure::Secret) {
            Ok(url) => self.0 = url,
            Err(error) => return refuse(error, at, decoder),
        }
        Ok(true)
    }
}

impl Show for SecretUrl {
    fn item(&self) -> Item {
        MASK.into()
    }

    fn is_zero(&self) -> bool {
        false
    }
}

/// A secret URL, or a template that becomes one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SecretTemplateUrl(pub Secret);

impl SecretTemplateUrl {
    fn check(text: &str) -> Result<(), String> {
        if text.is_empty() || text == MASK {
            return Ok(());
        }
        if text.contains("{{") {
            return check_template(text)
                .map_err(|error| format!("invalid template syntax: {error}"));
        }
        Url::parse_http(text, Exposure::Secret)
            .map(drop)
            .map_err(|error: UrlError| format!("invalid URL: {error}"))
    }
}

/// Whether a text is a template that needs only Go's own functions.
pub(super) fn check_template(text: &str) -> Result<(), String> {
    TextSet::new(Environment::default())
        .parse("", text)
        .map(drop)
        .map_err(|error| error.to_string())
}

impl Decode for SecretTemplateUrl {
    const IS_CUSTOM: bool = true;

    fn go_type() -> Cow<'static, str> {
        "common.SecretTemplateURL".into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        if decoder.scalar(at)?.is_none() {
            return decoder.wrong_kind(at, "common.plain");
        }
        self.0.decode(at, decoder)?;
        match Self::check(self.0.expose()) {
            Ok(()) => Ok(true),
            Err(error) => refuse(error, at, decoder),
        }
    }

    fn take_quoted_null(&mut self, text: &str) -> bool {
        self.0.take_quoted_null(text)
    }
}

impl Show for SecretTemplateUrl {
    fn item(&self) -> Item {
        self.0.item()
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }
}

/// The URL of a proxy, which may be of any kind; the empty one counts as given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProxyUrl(pub Url);

impl Decode for ProxyUrl {
    const IS_CUSTOM: bool = true;

    fn go_type() -> Cow<'static, str> {
        "config.URL".into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        let Some(text) = read_text(at, decoder)? else {
            return Ok(false);
        };
        match Url::parse(&text, Exposure::Secret) {
            Ok(url) => self.0 = url,
            Err(error) => return refuse(error, at, decoder),
        }
        Ok(true)
    }
}

impl Show for ProxyUrl {
    fn item(&self) -> Item {
        Item::Text(self.0.redacted())
    }

    fn is_zero(&self) -> bool {
        false
    }
}

/// A duration as Prometheus writes it.
impl Decode for model::Duration {
    const IS_CUSTOM: bool = true;

    fn go_type() -> Cow<'static, str> {
        "model.Duration".into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        let Some(text) = read_text(at, decoder)? else {
            return Ok(false);
        };
        match Self::parse(&text) {
            Ok(duration) => *self = duration,
            Err(error) => return refuse(error, at, decoder),
        }
        Ok(true)
    }
}

impl Show for model::Duration {
    fn item(&self) -> Item {
        Item::Text(self.to_string())
    }

    fn is_zero(&self) -> bool {
        Self::is_zero(*self)
    }
}

/// A duration as Go writes it. Bare numbers are nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GoDuration(pub model::Duration);

impl Decode for GoDuration {
    fn go_type() -> Cow<'static, str> {
        "time.Duration".into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        if let Some((Resolved::Str, text)) = decoder.scalar(at)? {
            return match model::Duration::parse_go(&text) {
                Ok(duration) => {
                    self.0 = duration;
                    Ok(true)
                }
                Err(_) => decoder.wrong_kind(at, "time.Duration"),
            };
        }
        let is_number = matches!(
            decoder.scalar(at)?,
            Some((Resolved::Null | Resolved::Int(_) | Resolved::Float(_), _))
        );
        let mut nanos = 0_i64;
        let problems_before = decoder.problem_count();
        if !is_number {
            return decoder.wrong_kind(at, "time.Duration");
        }
        nanos.decode(at, decoder)?;
        if decoder.problem_count() > problems_before {
            return Ok(false);
        }
        self.0 = model::Duration::from_nanos(nanos);
        Ok(true)
    }
}

impl Show for GoDuration {
    fn item(&self) -> Item {
        Item::Text(self.0.go())
    }

    fn is_zero(&self) -> bool {
        self.0.is_zero()
    }
}

/// A duration as Go writes it, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GoDurationText(pub model::Duration);

impl Decode for GoDurationText {
    fn go_type() -> Cow<'static, str> {
        "common.Duration".into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        let Some((value, text)) = decoder.scalar(at)? else {
            return decoder.wrong_kind(at, "pushover.duration");
        };
        if value == Resolved::Null {
            *self = Self::default();
            return Ok(true);
        }
        match model::Duration::parse_go(&text) {
            Ok(duration) => self.0 = duration,
            Err(error) => return refuse(error, at, decoder),
        }
        Ok(true)
    }
}

impl Show for GoDurationText {
    fn item(&self) -> Item {
        Item::Text(self.0.go())
    }

    fn is_zero(&self) -> bool {
        self.0.is_zero()
    }
}

/// `host:port`, neither of which need be anything in particular.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostPort {
    /// Without brackets.
    pub host: String,
    /// A number, usually.
    pub port: String,
}

impl HostPort {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let wrong = |what: &str| format!("address {text}: {what}");
        let colon = text
            .rfind(':')
            .ok_or_else(|| wrong("missing port in address"))?;
        let (host, before_host, after_host) = match text.strip_prefix('[') {
            Some(_) => {
                let end = text
                    .find(']')
                    .ok_or_else(|| wrong("missing ']' in address"))?;
                if end + 1 == text.len() {
                    return Err(wrong("missing port in address"));
                }
                if end + 1 != colon {
                    let too_many = text[end + 1..].starts_with(':');
                    return Err(wrong(match too_many {
                        true => "too many colons in address",
                        false => "missing port in address",
                    }));
                }
                (&text[1..end], 1, end + 1)
            }
            None => {
                let host = &text[..colon];
                if host.contains(':') {
                    return Err(wrong("too many colons in address"));
                }
                (host, 0, 0)
            }
        };
        if text[before_host..].contains('[') {
            return Err(wrong("unexpected '[' in address"));
        }
        if text[after_host..].contains(']') {
            return Err(wrong("unexpected ']' in address"));
        }
        if colon + 1 == text.len() {
            let shown = quote(text.as_bytes());
            return Err(format!("address {shown}: port cannot be empty"));
        }
        Ok(Self {
            host: host.to_owned(),
            port: text[colon + 1..].to_owned(),
        })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { host, port } if host.is_empty() && port.is_empty() => Ok(()),
            Self { host, port } if host.contains(':') => write!(out, "[{host}]:{port}"),
            Self { host, port } => write!(out, "{host}:{port}"),
        }
    }
}

impl Decode for HostPort {
    const IS_CUSTOM: bool = true;

    fn go_type() -> Cow<'static, str> {
        "config.HostPort".into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        let Some(text) = read_text(at, decoder)? else {
            return Ok(false);
        };
        match Self::parse(&text) {
            Ok(address) => *self = address,
            Err(error) => return refuse(error, at, decoder),
        }
        Ok(true)
    }
}

impl Show for HostPort {
    fn item(&self) -> Item {
        Item::Text(self.to_string())
    }

    fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

/// Labels of a route, whose names have to be names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labels(pub BTreeMap<String, String>);

impl Decode for Labels {
    fn go_type() -> Cow<'static, str> {
        "model.LabelSet".into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        for (key, _) in decoder.entries(at).unwrap_or_default() {
            if decoder.is_merge(*key) || decoder.is_null(*key) {
                continue;
            }
            if decoder
                .scalar(*key)?
                .is_some_and(|(_, name)| name.is_empty())
            {
                return refuse("\"\" is not a valid label name", *key, decoder);
            }
        }
        read_map(&mut self.0, at, decoder, "model.LabelSet")
    }
}

impl Show for Labels {
    fn item(&self) -> Item {
        self.0.item()
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }
}
