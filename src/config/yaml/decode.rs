//! Nodes → values by their types, strictly.
//!
//! A type says by [`Decode`] how it reads a node. Blocks of fields get that from the macro `block!`
//! (see `config::block`), which is a table of fields; scalars, lists and maps are read here.
//!
//! The rules are those of the Go library: a value is read *into* what is there, so a merge or a second
//! mention adds to it; a type with checks of its own ([`Decode::IS_CUSTOM`]) is passed by for `null`,
//! `~` and nothing; and a block with an error of type inside is not checked.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::DEPTH_MAX;
use super::error::{Error, Fatal, Problem};
use super::node::{Document, Kind, Node, NodeId, Place, Step};
use super::resolve::{Resolved, resolve};
use crate::model::Mode;
use crate::model::matcher::Warning;

/// A scalar that may be a secret is shown if it is no longer than this: a secret is long.
const SHOWN_BYTES_MAX: usize = 8;

/// Whether a value was read; `false` after an error of type, which has been noted.
pub type Decoded = Result<bool, Fatal>;

/// A type that can be read. Its `Default` is Go's zero value, which is not what stands there if the
/// key is absent.
pub trait Decode: Default {
    /// Whether the type has a reader of its own, which `null` passes by.
    const IS_CUSTOM: bool = false;

    /// The type as Go prints it.
    fn go_type() -> Cow<'static, str>;

    /// Reads a node that is no alias.
    ///
    /// # Errors
    /// What ends the decoding.
    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded;

    /// Takes a `null` or `~` in quotes, which passes a reader by as well; only texts can.
    fn take_quoted_null(&mut self, _text: &str) -> bool {
        false
    }
}

/// A matcher text that the two parsers read differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatcherWarning {
    /// The text.
    pub input: String,
    /// Where it stands.
    pub place: Place,
    /// What is to be said about it.
    pub warning: Warning,
}

/// Reads a document.
#[derive(Debug)]
pub struct Decoder<'d> {
    document: &'d Document,
    /// How matchers are read.
    pub mode: Mode,
    /// The zone that `Local` means.
    pub local_zone: jiff::tz::TimeZone,
    /// What is to be logged.
    pub warnings: Vec<MatcherWarning>,
    problems: Vec<Problem>,
    reads: usize,
    reads_of_aliases: usize,
    alias_depth: usize,
    depth: usize,
    open_aliases: HashSet<NodeId>,
}

impl<'d> Decoder<'d> {
    /// A decoder of that document.
    #[must_use]
    pub fn new(document: &'d Document, mode: Mode, local_zone: jiff::tz::TimeZone) -> Self {
        Self {
            document,
            mode,
            local_zone,
            warnings: Vec::new(),
            problems: Vec::new(),
            reads: 0,
            reads_of_aliases: 0,
            alias_depth: 0,
            depth: 0,
            open_aliases: HashSet::new(),
        }
    }

    /// A decoder of a document that is no configuration.
    #[must_use]
    pub fn plain(document: &'d Document) -> Self {
        Self::new(document, Mode::default(), jiff::tz::TimeZone::UTC)
    }

    /// Reads the whole document. Gives `false` if there is none.
    ///
    /// # Errors
    /// The first error that ends the decoding, or all errors of type.
    pub fn read_document<T: Decode>(&mut self, out: &mut T) -> Result<bool, Error> {
        let Some(root) = self.document.root else {
            return Ok(false);
        };
        let is_null = self.is_null(root);
        self.read(root, out)?;
        match self.problems.is_empty() {
            true => Ok(!is_null),
            false => Err(Error::Types(std::mem::take(&mut self.problems))),
        }
    }

    /// Reads a node into a value.
    ///
    /// # Errors
    /// What ends the decoding.
    pub fn read<T: Decode>(&mut self, at: NodeId, out: &mut T) -> Decoded {
        self.follow(at, |decoder, at| decoder.read_own(at, out))
    }

    /// Reads what a node stands for, itself or what it is an alias of.
    ///
    /// # Errors
    /// What ends the decoding.
    pub fn follow(
        &mut self,
        at: NodeId,
        read: impl FnOnce(&mut Self, NodeId) -> Decoded,
    ) -> Decoded {
        self.count(at)?;
        if self.depth > DEPTH_MAX {
            let text = format!("exceeded max depth of {DEPTH_MAX}");
            return Err(Problem::yaml(text, self.place(at)));
        }
        self.depth += 1;
        let document = self.document;
        let decoded = match &document.node(at).kind {
            Kind::Alias(name, target) => {
                if !self.open_aliases.insert(at) {
                    let text = format!("anchor '{name}' value contains itself");
                    return Err(Problem::yaml(text, self.place(at)));
                }
                self.alias_depth += 1;
                self.count(at)?;
                let decoded = read(self, *target);
                self.alias_depth -= 1;
                self.open_aliases.remove(&at);
                decoded
            }
            _ => read(self, at),
        };
        self.depth -= 1;
        decoded
    }

    fn read_own<T: Decode>(&mut self, at: NodeId, out: &mut T) -> Decoded {
        let document = self.document;
        let node = document.node(at);
        if T::IS_CUSTOM && is_null_word(node) {
            if !node.is_plain && node.tag.is_none() {
                let Kind::Scalar(text) = &node.kind else {
                    return Ok(false);
                };
                return Ok(out.take_quoted_null(text) || self.mismatch(at, "!!str", &T::go_type()));
            }
            if self
                .scalar(at)?
                .is_some_and(|(value, _)| value == Resolved::Null)
            {
                *out = T::default();
                return Ok(true);
            }
        }
        out.decode(at, self)
    }

    /// The library's guard against documents that are small only as long as their aliases are not
    /// followed.
    fn count(&mut self, at: NodeId) -> Result<(), Fatal> {
        const SMALL: f64 = 400_000.0;
        const LARGE: f64 = 4_000_000.0;
        self.reads += 1;
        if self.alias_depth == 0 {
            return Ok(());
        }
        self.reads_of_aliases += 1;
        if self.reads_of_aliases <= 100 || self.reads <= 1000 {
            return Ok(());
        }
        #[expect(clippy::cast_precision_loss, reason = "a share does not need 53 bits")]
        let (reads, reads_of_aliases) = (self.reads as f64, self.reads_of_aliases as f64);
        let excess = ((reads - SMALL) / (LARGE - SMALL)).clamp(0.0, 1.0);
        if reads_of_aliases / reads > 0.99 - 0.89 * excess {
            let text = "document contains excessive aliasing";
            return Err(Problem::yaml(text, self.place(at)));
        }
        Ok(())
    }

    /// Where a node stands.
    #[must_use]
    pub fn place(&self, at: NodeId) -> Place {
        self.document.node(at).place
    }

    /// Where the end of a path from a node stands, as far as there is one.
    #[must_use]
    pub fn find(&self, at: NodeId, path: &[Step]) -> Place {
        self.document.find_from(at, path)
    }

    /// Whether that node is the `null` that passes readers by.
    #[must_use]
    pub fn is_null(&self, at: NodeId) -> bool {
        let node = self.document.node(at);
        is_null_word(node) && (node.is_plain || node.tag.is_some())
    }

    /// The keys and values of a mapping.
    #[must_use]
    pub fn entries(&self, at: NodeId) -> Option<&'d [(NodeId, NodeId)]> {
        match &self.document.node(at).kind {
            Kind::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The elements of a list.
    #[must_use]
    pub fn elements(&self, at: NodeId) -> Option<&'d [NodeId]> {
        match &self.document.node(at).kind {
            Kind::Sequence(elements) => Some(elements),
            _ => None,
        }
    }

    /// What a scalar is, and its text.
    ///
    /// # Errors
    /// If it is not what its tag says.
    pub fn scalar(&self, at: NodeId) -> Result<Option<(Resolved, Cow<'d, str>)>, Fatal> {
        let node = self.document.node(at);
        let Kind::Scalar(text) = &node.kind else {
            return Ok(None);
        };
        let own = Cow::Borrowed(text.as_str());
        let tag = match node.tag.as_deref() {
            None if node.is_plain => return Ok(Some((resolve(text, true), own))),
            None => return Ok(Some((Resolved::Str, own))),
            Some(tag) => tag,
        };
        let is_date = tag == "!!timestamp";
        let value = match (tag, resolve(text, is_date)) {
            ("!!binary", _) => return from_base_64(text, node.place).map(Some),
            ("!!bool" | "!!int" | "!!float" | "!!null" | "!!timestamp", value)
                if value.tag().name() == tag =>
            {
                value
            }
            ("!!float", Resolved::Int(number)) =>
            {
                #[expect(clippy::cast_precision_loss, reason = "the tag asks for it")]
                Resolved::Float(number as f64)
            }
            ("!!bool" | "!!int" | "!!float" | "!!null" | "!!timestamp", value) => {
                let found = value.tag().name();
                // Which type it is for, and so whether it is a secret, is not known here.
                let shown = if text.len() > SHOWN_BYTES_MAX {
                    "..."
                } else {
                    text
                };
                let text = format!("cannot decode {found} `{shown}` as a {tag}");
                return Err(Problem::yaml(text, node.place));
            }
            _ => Resolved::Str,
        };
        Ok(Some((value, own)))
    }

    /// Notes that a node has the wrong kind for a type.
    pub fn wrong_kind(&mut self, at: NodeId, go_type: &str) -> Decoded {
        let tag = match &self.document.node(at).kind {
            Kind::Sequence(_) => "!!seq",
            Kind::Mapping(_) | Kind::Alias(..) => "!!map",
            Kind::Scalar(_) => match self.scalar(at)? {
                Some((value, _)) => value.tag().name(),
                None => "!!str",
            },
        };
        Ok(self.mismatch(at, tag, go_type))
    }

    fn mismatch(&mut self, at: NodeId, tag: &str, go_type: &str) -> bool {
        let node = self.document.node(at);
        let tag = node.tag.as_deref().unwrap_or(tag);
        // Types whose values are secrets, or hold some.
        let is_secret = ["config.Secret", "config.Header", "config.ProxyHeader"]
            .iter()
            .any(|secret| go_type.contains(secret));
        let value = match &node.kind {
            Kind::Scalar(text) if is_secret && text.len() > SHOWN_BYTES_MAX => {
                " `<secret>`".to_owned()
            }
            Kind::Scalar(text) if text.len() > 10 => {
                // The library cuts bytes, wherever a character may end.
                let head = String::from_utf8_lossy(&text.as_bytes()[..7]);
                format!(" `{head}...`")
            }
            Kind::Scalar(text) => format!(" `{text}`"),
            _ => String::new(),
        };
        let text = format!("cannot unmarshal {tag}{value} into {go_type}");
        self.note(at, &text, None);
        false
    }

    /// Notes an error of type at a node.
    pub fn note(&mut self, at: NodeId, text: &str, suggestion: Option<String>) {
        let place = self.place(at);
        self.problems.push(Problem {
            text: format!("line {}: {text}", place.line),
            place: Some(place),
            suggestion,
        });
    }

    /// How many errors of type there have been.
    #[must_use]
    pub fn problem_count(&self) -> usize {
        self.problems.len()
    }

    /// The name of a key, if it is a scalar.
    ///
    /// # Errors
    /// What ends the decoding.
    pub fn key(&mut self, at: NodeId) -> Result<Option<String>, Fatal> {
        let mut name = String::new();
        Ok(self.read(at, &mut name)?.then_some(name))
    }

    /// Whether that key is the sign of a merge.
    #[must_use]
    pub fn is_merge(&self, at: NodeId) -> bool {
        let node = self.document.node(at);
        let is_sign = matches!(&node.kind, Kind::Scalar(text) if text == "<<");
        is_sign && (node.is_plain || node.tag.as_deref() == Some("!!merge"))
    }

    /// The mappings that a merge brings in, in the order in which they take effect.
    ///
    /// # Errors
    /// If the value is no mapping, and no list of them.
    pub fn merged(&self, at: NodeId) -> Result<Vec<NodeId>, Fatal> {
        let document = self.document;
        let is_mapping = |id: NodeId| match &document.node(id).kind {
            Kind::Mapping(_) => true,
            Kind::Alias(_, target) => matches!(document.node(*target).kind, Kind::Mapping(_)),
            _ => false,
        };
        let nodes = match &document.node(at).kind {
            Kind::Sequence(elements) => elements.iter().rev().copied().collect(),
            _ => vec![at],
        };
        match nodes.iter().find(|id| !is_mapping(**id)) {
            None => Ok(nodes),
            Some(wrong) => Err(Problem::yaml(
                "map merge requires map or sequence of maps as the value",
                self.place(*wrong),
            )),
        }
    }
}

/// What the library takes for `null` before it looks for a reader: also words in quotes.
fn is_null_word(node: &Node) -> bool {
    match (&node.kind, node.tag.as_deref()) {
        (_, Some(tag)) => tag == "!!null",
        (Kind::Scalar(text), None) => {
            text == "null" || text == "~" || text.is_empty() && node.is_plain
        }
        _ => false,
    }
}

fn from_base_64(text: &str, place: Place) -> Result<(Resolved, Cow<'_, str>), Fatal> {
    const LAX: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
    );
    let text = text.replace(['\n', '\r'], "");
    let bytes = LAX
        .decode(text)
        .map_err(|_| Problem::yaml("!!binary value contains invalid base64 data", place))?;
    // A Go string may hold any bytes, which no text of a configuration has a use for.
    let text = String::from_utf8(bytes)
        .map_err(|_| Problem::yaml("!!binary value is not UTF-8", place))?;
    Ok((Resolved::Str, Cow::Owned(text)))
}

impl Decode for String {
    fn go_type() -> Cow<'static, str> {
        "string".into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        match decoder.scalar(at)? {
            None => decoder.wrong_kind(at, "string"),
            Some((Resolved::Null, _)) => {
                self.clear();
                Ok(true)
            }
            Some((_, text)) => {
                *self = text.into_owned();
                Ok(true)
            }
        }
    }
}

/// Types that a scalar's value either fits or does not.
macro_rules! scalar {
    ($($type:ty, $go:literal: $convert:expr;)*) => {$(
        impl Decode for $type {
            fn go_type() -> Cow<'static, str> {
                $go.into()
            }

            fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
                let convert: fn(&Resolved) -> Option<$type> = $convert;
                let value = decoder.scalar(at)?.and_then(|(value, _)| match value {
                    Resolved::Null => Some(Self::default()),
                    value => convert(&value),
                });
                match value {
                    Some(value) => {
                        *self = value;
                        Ok(true)
                    }
                    None => decoder.wrong_kind(at, $go),
                }
            }
        }
    )*};
}

scalar! {
    bool, "bool": |value| match value {
        Resolved::Bool(value) => Some(*value),
        _ => None,
    };
    i64, "int64": whole;
    u64, "uint64": |value| match value {
        Resolved::Int(value) => u64::try_from(*value).ok(),
        Resolved::Uint(value) => Some(*value),
        Resolved::Float(value) => truncated(*value, 0.0, 18_446_744_073_709_551_615.0)
            .and_then(|value| u64::try_from(value).ok()),
        _ => None,
    };
    f64, "float64": |value| match value {
        #[expect(clippy::cast_precision_loss, reason = "Go converts in the same way")]
        Resolved::Int(value) => Some(*value as f64),
        #[expect(clippy::cast_precision_loss, reason = "Go converts in the same way")]
        Resolved::Uint(value) => Some(*value as f64),
        Resolved::Float(value) => Some(*value),
        _ => None,
    };
}

/// A whole number of 64 bits; a fraction is cut off.
fn whole(value: &Resolved) -> Option<i64> {
    match value {
        Resolved::Int(value) => Some(*value),
        Resolved::Float(value) => truncated(
            *value,
            -9_223_372_036_854_775_808.0,
            9_223_372_036_854_775_807.0,
        )
        .and_then(|value| i64::try_from(value).ok()),
        _ => None,
    }
}

fn truncated(value: f64, least: f64, greatest: f64) -> Option<i128> {
    if !(least..=greatest).contains(&value) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "cutting is the rule, and it is in range"
    )]
    let whole = value.trunc() as i128;
    Some(whole)
}

/// Go's `int`, which differs from `int64` in nothing but its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Int(pub i64);

impl Decode for Int {
    fn go_type() -> Cow<'static, str> {
        "int".into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        let value = decoder.scalar(at)?.and_then(|(value, _)| match value {
            Resolved::Null => Some(0),
            value => whole(&value),
        });
        match value {
            Some(value) => {
                self.0 = value;
                Ok(true)
            }
            None => decoder.wrong_kind(at, "int"),
        }
    }
}

impl<T: Decode> Decode for Option<T> {
    fn go_type() -> Cow<'static, str> {
        format!("*{}", T::go_type()).into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        if decoder.is_null(at) {
            // A tag may claim to be `null` and not be it.
            decoder.scalar(at)?;
            *self = None;
            return Ok(true);
        }
        if is_null_word(decoder.document.node(at)) {
            return decoder.wrong_kind(at, &Self::go_type());
        }
        decoder.read_own(at, self.get_or_insert_default())
    }
}

impl<T: Decode> Decode for Box<T> {
    const IS_CUSTOM: bool = T::IS_CUSTOM;

    fn go_type() -> Cow<'static, str> {
        T::go_type()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        self.as_mut().decode(at, decoder)
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn go_type() -> Cow<'static, str> {
        format!("[]{}", T::go_type()).into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        let Some(elements) = decoder.elements(at) else {
            if matches!(decoder.scalar(at)?, Some((Resolved::Null, _))) {
                self.clear();
                return Ok(true);
            }
            return decoder.wrong_kind(at, &Self::go_type());
        };
        let mut read = Vec::new();
        for element in elements {
            let mut value = T::default();
            if decoder.read(*element, &mut value)? {
                read.push(value);
            }
        }
        *self = read;
        Ok(true)
    }
}

impl<T: Decode> Decode for BTreeMap<String, T> {
    fn go_type() -> Cow<'static, str> {
        format!("map[string]{}", T::go_type()).into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        read_map(self, at, decoder, &Self::go_type())
    }
}

/// Reads a mapping of texts into what is there.
///
/// # Errors
/// What ends the decoding.
pub fn read_map<T: Decode>(
    map: &mut BTreeMap<String, T>,
    at: NodeId,
    decoder: &mut Decoder<'_>,
    go_type: &str,
) -> Decoded {
    let Some(entries) = decoder.entries(at) else {
        if matches!(decoder.scalar(at)?, Some((Resolved::Null, _))) {
            map.clear();
            return Ok(true);
        }
        return decoder.wrong_kind(at, go_type);
    };
    for (key, value) in entries {
        if decoder.is_merge(*key) {
            for mapping in decoder.merged(*value)? {
                decoder.follow(mapping, |decoder, at| read_map(map, at, decoder, go_type))?;
            }
            continue;
        }
        let Some(name) = decoder.key(*key)? else {
            continue;
        };
        let mut read = T::default();
        if !decoder.read(*value, &mut read)? {
            continue;
        }
        if map.contains_key(&name) {
            let quoted = gotemplate::strconv::quote(name.as_bytes());
            decoder.note(*value, &format!("key {quoted} already set in map"), None);
            continue;
        }
        map.insert(name, read);
    }
    Ok(true)
}
