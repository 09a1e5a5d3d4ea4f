//! Where in a document a piece of a template stands.
//!
//! The names are those that error texts show.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use crate::error::EscapeError;

/// A kind of place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Text,
    Tag,
    AttrName,
    AfterName,
    BeforeValue,
    HtmlComment,
    Rcdata,
    Attr,
    Url,
    Srcset,
    Js,
    JsDqStr,
    JsSqStr,
    JsTmplLit,
    JsRegexp,
    JsBlockComment,
    JsLineComment,
    JsHtmlOpenComment,
    JsHtmlCloseComment,
    Css,
    CssDqStr,
    CssSqStr,
    CssDqUrl,
    CssSqUrl,
    CssUrl,
    CssBlockComment,
    CssLineComment,
    Error,
    MetaContent,
    MetaContentUrl,
    /// Behind a `break` or `continue`.
    Dead,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Text => "stateText",
            Self::Tag => "stateTag",
            Self::AttrName => "stateAttrName",
            Self::AfterName => "stateAfterName",
            Self::BeforeValue => "stateBeforeValue",
            Self::HtmlComment => "stateHTMLCmt",
            Self::Rcdata => "stateRCDATA",
            Self::Attr => "stateAttr",
            Self::Url => "stateURL",
            Self::Srcset => "stateSrcset",
            Self::Js => "stateJS",
            Self::JsDqStr => "stateJSDqStr",
            Self::JsSqStr => "stateJSSqStr",
            Self::JsTmplLit => "stateJSTmplLit",
            Self::JsRegexp => "stateJSRegexp",
            Self::JsBlockComment => "stateJSBlockCmt",
            Self::JsLineComment => "stateJSLineCmt",
            Self::JsHtmlOpenComment => "stateJSHTMLOpenCmt",
            Self::JsHtmlCloseComment => "stateJSHTMLCloseCmt",
            Self::Css => "stateCSS",
            Self::CssDqStr => "stateCSSDqStr",
            Self::CssSqStr => "stateCSSSqStr",
            Self::CssDqUrl => "stateCSSDqURL",
            Self::CssSqUrl => "stateCSSSqURL",
            Self::CssUrl => "stateCSSURL",
            Self::CssBlockComment => "stateCSSBlockCmt",
            Self::CssLineComment => "stateCSSLineCmt",
            Self::Error => "stateError",
            Self::MetaContent => "stateMetaContent",
            Self::MetaContentUrl => "stateMetaContentURL",
            Self::Dead => "stateDead",
        }
    }

    pub(super) fn is_comment(self) -> bool {
        matches!(
            self,
            Self::HtmlComment
                | Self::JsBlockComment
                | Self::JsLineComment
                | Self::JsHtmlOpenComment
                | Self::JsHtmlCloseComment
                | Self::CssBlockComment
                | Self::CssLineComment
        )
    }

    /// Whether this is a literal within a script, where `</script>` must not end the element.
    pub(super) fn is_script_literal(self) -> bool {
        matches!(
            self,
            Self::JsDqStr | Self::JsSqStr | Self::JsTmplLit | Self::JsRegexp
        )
    }
}

/// What ends an attribute's value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Delim {
    #[default]
    None,
    DoubleQuote,
    SingleQuote,
    SpaceOrTagEnd,
}

impl Delim {
    fn name(self) -> &'static str {
        match self {
            Self::None => "delimNone",
            Self::DoubleQuote => "delimDoubleQuote",
            Self::SingleQuote => "delimSingleQuote",
            Self::SpaceOrTagEnd => "delimSpaceOrTagEnd",
        }
    }
}

/// How far a URL has got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum UrlPart {
    #[default]
    None,
    PreQuery,
    QueryOrFrag,
    /// Different after different branches.
    Unknown,
}

impl UrlPart {
    fn name(self) -> &'static str {
        match self {
            Self::None => "urlPartNone",
            Self::PreQuery => "urlPartPreQuery",
            Self::QueryOrFrag => "urlPartQueryOrFrag",
            Self::Unknown => "urlPartUnknown",
        }
    }
}

/// What a slash begins in a script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum JsCtx {
    #[default]
    Regexp,
    DivOp,
    Unknown,
}

impl JsCtx {
    fn name(self) -> &'static str {
        match self {
            Self::Regexp => "jsCtxRegexp",
            Self::DivOp => "jsCtxDivOp",
            Self::Unknown => "jsCtxUnknown",
        }
    }
}

/// The language of an attribute whose value has not begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Attr {
    #[default]
    None,
    Script,
    ScriptType,
    Style,
    Url,
    Srcset,
    MetaContent,
}

impl Attr {
    fn name(self) -> &'static str {
        match self {
            Self::None => "attrNone",
            Self::Script => "attrScript",
            Self::ScriptType => "attrScriptType",
            Self::Style => "attrStyle",
            Self::Url => "attrURL",
            Self::Srcset => "attrSrcset",
            Self::MetaContent => "attrMetaContent",
        }
    }

    /// The state in which its value begins.
    pub(super) fn value_state(self) -> State {
        match self {
            Self::None | Self::ScriptType => State::Attr,
            Self::Script => State::Js,
            Self::Style => State::Css,
            Self::Url => State::Url,
            Self::Srcset => State::Srcset,
            Self::MetaContent => State::MetaContent,
        }
    }
}

/// An element whose content is not ordinary text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Element {
    #[default]
    None,
    Script,
    Style,
    Textarea,
    Title,
    Meta,
}

impl Element {
    fn name(self) -> &'static str {
        match self {
            Self::None => "elementNone",
            Self::Script => "elementScript",
            Self::Style => "elementStyle",
            Self::Textarea => "elementTextarea",
            Self::Title => "elementTitle",
            Self::Meta => "elementMeta",
        }
    }

    pub(super) fn from_tag(name: &[u8]) -> Self {
        match name.to_ascii_lowercase().as_slice() {
            b"script" => Self::Script,
            b"style" => Self::Style,
            b"textarea" => Self::Textarea,
            b"title" => Self::Title,
            b"meta" => Self::Meta,
            _ => Self::None,
        }
    }

    /// The tag that ends its content. That of `meta`, which has none, is empty: Go then takes
    /// `</>` for it.
    pub(super) fn end_tag(self) -> &'static [u8] {
        match self {
            Self::Script => b"script",
            Self::Style => b"style",
            Self::Textarea => b"textarea",
            Self::Title => b"title",
            Self::Meta | Self::None => b"",
        }
    }

    /// The state of its content.
    pub(super) fn content_state(self) -> State {
        match self {
            Self::None | Self::Meta => State::Text,
            Self::Script => State::Js,
            Self::Style => State::Css,
            Self::Textarea | Self::Title => State::Rcdata,
        }
    }
}

/// A place in a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Context {
    pub(super) state: State,
    pub(super) delim: Delim,
    pub(super) url_part: UrlPart,
    pub(super) js_ctx: JsCtx,
    /// For each `${` that is open in template literals, how many braces are open in it. Once there
    /// were any, an empty list is kept: it shows in the names of derived templates.
    pub(super) js_braces: Option<Vec<u32>>,
    pub(super) attr: Attr,
    pub(super) element: Element,
    /// Shared by all contexts the error has spread to, so that what a loop adds to its text shows in
    /// all of them.
    pub(super) error: Option<Rc<RefCell<EscapeError>>>,
}

impl Context {
    pub(super) fn of(state: State) -> Self {
        Self {
            state,
            ..Self::default()
        }
    }

    pub(super) fn with(mut self, state: State) -> Self {
        self.state = state;
        self
    }

    /// An error of the text, which has no place of its own.
    pub(super) fn failed(message: String) -> Self {
        Self::failed_at(None, message)
    }

    pub(super) fn failed_at(location: Option<String>, message: String) -> Self {
        let error = Some(Rc::new(RefCell::new(EscapeError { location, message })));
        Self {
            state: State::Error,
            error,
            ..Self::default()
        }
    }

    pub(super) fn is_error(&self) -> bool {
        self.state == State::Error
    }

    /// Equal but for how an error would read.
    fn same_as(&self, other: &Self) -> bool {
        self.js_braces.as_deref().unwrap_or_default()
            == other.js_braces.as_deref().unwrap_or_default()
            && Self {
                js_braces: None,
                ..self.clone()
            } == Self {
                js_braces: None,
                ..other.clone()
            }
    }

    pub(super) fn eq(&self, other: &Self) -> bool {
        self.same_as(other)
    }

    /// The name of a template as it is when called from here.
    pub(super) fn derived_name(&self, name: &str) -> String {
        if self.state == State::Text {
            return name.to_owned();
        }
        let mut out = format!("{name}$htmltemplate_{}", self.state.name());
        let mut part = |differs: bool, name: &str| {
            if differs {
                out.push('_');
                out.push_str(name);
            }
        };
        part(self.delim != Delim::None, self.delim.name());
        part(self.url_part != UrlPart::None, self.url_part.name());
        part(self.js_ctx != JsCtx::Regexp, self.js_ctx.name());
        if let Some(braces) = &self.js_braces {
            part(true, &format!("jsBraceDepth({})", shown_braces(braces)));
        }
        part(self.attr != Attr::None, self.attr.name());
        part(self.element != Element::None, self.element.name());
        out
    }

    /// The context in which an action's value begins: a value makes a tag's space the name of an
    /// attribute, and an equals sign the beginning of an unquoted value.
    pub(super) fn nudged(&self) -> Self {
        let mut next = self.clone();
        match self.state {
            State::Tag => next.state = State::AttrName,
            State::BeforeValue => {
                next.state = self.attr.value_state();
                next.delim = Delim::SpaceOrTagEnd;
                next.attr = Attr::None;
            }
            State::AfterName => {
                next.state = State::AttrName;
                next.attr = Attr::None;
            }
            _ => {}
        }
        next
    }
}

fn shown_braces(braces: &[u32]) -> String {
    let shown: Vec<String> = braces.iter().map(u32::to_string).collect();
    format!("[{}]", shown.join(" "))
}

impl fmt::Display for Context {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{{{} {} {} {} {} {} {} <nil>}}",
            self.state.name(),
            self.delim.name(),
            self.url_part.name(),
            self.js_ctx.name(),
            shown_braces(self.js_braces.as_deref().unwrap_or_default()),
            self.attr.name(),
            self.element.name(),
        )
    }
}
