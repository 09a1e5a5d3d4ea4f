//! Notification templates: Alertmanager's data, functions and default templates on top of
//! `gotemplate`.
//!
//! [`Templates`] holds a text and an HTML set that are loaded alike. Loading order decides which of
//! two definitions of a name counts: defaults first, then the files in the order of the
//! configuration; a later one replaces an earlier one unless it is blank. A string of the
//! configuration is rendered in a copy of the set, where it may define templates of its own.
//!
//! Nothing here knows a clock or the file system: the caller passes what tells the time and where
//! files are read ([`load`]). [`glob`] says which files an entry of the configuration means.
//!
//! Rules: the functions, the data and the quirks of loading are those of Alertmanager 0.34; the
//! conformance cases in `tests/conformance/templates` were obtained by running it.

mod data;
mod default_email;
mod default_text;
mod functions;
pub mod glob;
mod go_url;
pub mod limits;
pub mod lint;
mod lint_help;
pub mod load;
mod mimir;
mod payload;
mod regexp;
mod route_labels;
mod sample;
mod text;
mod title;
mod types;

use std::fmt;
use std::sync::Arc;

use gotemplate::time::{Time, Zone};
use gotemplate::{
    Environment, Error, Escaped, FuncMap, HtmlSet, Limits, MissingKey, ParseError, Stop, TextSet,
    Tree, Value,
};

pub use data::{Alert, Data, Labels};
pub use functions::Now;
pub use types::{ALERT, ALERT_SLICE, ALERTS, DATA, DATA_POINTER, KV, PAIR, PAIRS, STRINGS};

use route_labels::RouteLabels;

/// The sources of the default templates, in the order in which they are loaded: those of text
/// notifications and those of mails.
#[must_use]
pub fn default_sources() -> [String; 2] {
    [default_text::source(), default_email::source()]
}

/// The names of the default templates.
fn default_names() -> std::collections::BTreeSet<String> {
    Templates::new(&Options::default())
        .map(|templates| templates.sets.text.names().map(str::to_owned).collect())
        .unwrap_or_default()
}

/// What templates are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Text, printed as it is.
    Text,
    /// HTML, with what actions print escaped.
    Html,
}

/// A template that could not be rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RenderError {
    /// The string is no template.
    Parse(ParseError),
    /// It cannot be escaped or failed while it ran.
    Run(Error),
}

impl RenderError {
    /// The limit that ended the rendering, if one did.
    #[must_use]
    pub fn stop(&self) -> Option<Stop> {
        match self {
            Self::Run(Error::Exec(error)) => error.stop,
            _ => None,
        }
    }
}

impl fmt::Display for RenderError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parse(error) => error.fmt(out),
            Self::Run(error) => error.fmt(out),
        }
    }
}

impl std::error::Error for RenderError {}

/// How templates run.
#[derive(Clone)]
pub struct Options {
    /// What tells the functions the time.
    pub now: Now,
    /// The server's own zone.
    pub local_zone: Zone,
    /// What one rendering may use.
    pub limits: Limits,
}

impl Default for Options {
    /// The limits of the server, UTC, and a clock that stands at the year 1970: for previews and
    /// tests, which must not depend on when they run.
    fn default() -> Self {
        Self {
            now: Arc::new(|| Time::from_unix(0, 0, Zone::utc())),
            local_zone: Zone::utc(),
            limits: limits::SERVER,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Options")
            .field("local_zone", &self.local_zone)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// The templates of a configuration.
#[derive(Clone, Debug)]
pub struct Templates {
    sets: Arc<Sets>,
}

#[derive(Clone, Debug)]
pub(crate) struct Sets {
    text: TextSet,
    html: HtmlSet,
}

impl Templates {
    /// The default templates.
    ///
    /// # Errors
    /// Never, unless a default template is broken.
    pub fn new(options: &Options) -> Result<Self, ParseError> {
        Self::with_functions(options, functions::table(&options.now))
    }

    /// The default templates for a tenant of Mimir, whose templates may call `tenantID`,
    /// `queryFromGeneratorURL` and `grafanaExploreURL` too.
    ///
    /// # Errors
    /// Never, unless a default template is broken.
    pub fn for_tenant(options: &Options, tenant: &str) -> Result<Self, ParseError> {
        let mut table = functions::table(&options.now);
        mimir::add(&mut table, tenant);
        Self::with_functions(options, table)
    }

    fn with_functions(options: &Options, functions: FuncMap) -> Result<Self, ParseError> {
        let environment = Environment {
            functions,
            missing_key: MissingKey::Zero,
            limits: options.limits,
            local_zone: options.local_zone.clone(),
        };
        let sets = Sets {
            text: TextSet::new(environment.clone()),
            html: HtmlSet::new(environment),
        };
        let mut templates = Self {
            sets: Arc::new(sets),
        };
        for source in default_sources() {
            templates.add("", source)?;
        }
        Ok(templates)
    }

    /// Adds a template file under its base name, to both sets.
    ///
    /// # Errors
    /// If the file is no template.
    pub fn add(&mut self, name: &str, text: impl AsRef<[u8]>) -> Result<(), ParseError> {
        let sets = Arc::make_mut(&mut self.sets);
        sets.text.parse(name, text.as_ref())?;
        sets.html.parse(name, text.as_ref())?;
        Ok(())
    }

    /// The names of all templates, sorted.
    #[must_use]
    pub fn names(&self) -> std::collections::BTreeSet<String> {
        self.sets.text.names().map(str::to_owned).collect()
    }

    /// The sets, for a look at what is in them.
    fn sets(&self) -> (TextSet, HtmlSet) {
        (self.sets.text.clone(), self.sets.html.clone())
    }

    /// Renders a string of the configuration as text.
    ///
    /// # Errors
    /// If the string is no template or fails.
    pub fn render_text(&self, template: &str, data: &Data) -> Result<Vec<u8>, RenderError> {
        self.render(Mode::Text, template, &data.to_pointer(), data)
    }

    /// Renders a string of the configuration as HTML.
    ///
    /// # Errors
    /// If the string is no template, cannot be escaped, or fails.
    pub fn render_html(&self, template: &str, data: &Data) -> Result<Vec<u8>, RenderError> {
        self.render(Mode::Html, template, &data.to_pointer(), data)
    }

    /// Renders with the data as they are given to the template: a pointer to them, or, as `amtool`
    /// does, the data themselves.
    ///
    /// # Errors
    /// If the string is no template, cannot be escaped, or fails.
    pub fn render(
        &self,
        mode: Mode,
        template: &str,
        value: &Value,
        data: &Data,
    ) -> Result<Vec<u8>, RenderError> {
        self.prepare(mode, template)?.render_value(value, data)
    }

    /// Parses a string of the configuration, and finds its escaping, once for any number of
    /// notifications.
    ///
    /// ```
    /// use tocsin::template::{Data, Mode, Options, Templates};
    /// let templates = Templates::new(&Options::default())?;
    /// let title = templates.prepare(Mode::Text, r#"{{ template "slack.default.title" . }}"#)?;
    /// let data = Data { status: "firing".to_owned(), ..Data::default() };
    /// assert_eq!(title.render(&data)?, b"[FIRING:0]  ");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the string is no template, or cannot be escaped.
    pub fn prepare(&self, mode: Mode, template: &str) -> Result<Prepared, RenderError> {
        Ok(Prepared {
            sets: Arc::clone(&self.sets),
            mode,
            body: self.sets.prepare(mode, template)?,
        })
    }
}

/// A string of the configuration that is ready to be rendered.
#[derive(Clone, Debug)]
pub struct Prepared {
    sets: Arc<Sets>,
    mode: Mode,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    /// The empty string, which is no template at all.
    Empty,
    Text(Box<TextSet>, Arc<Tree>),
    Html(Box<Escaped>),
}

impl Prepared {
    /// Renders it for a notification.
    ///
    /// # Errors
    /// If it fails.
    pub fn render(&self, data: &Data) -> Result<Vec<u8>, RenderError> {
        self.render_value(&data.to_pointer(), data)
    }

    /// Renders it with the data as they are given to the template. Many strings of one notification
    /// can share the value.
    ///
    /// # Errors
    /// If it fails.
    pub fn render_value(&self, value: &Value, data: &Data) -> Result<Vec<u8>, RenderError> {
        let labels = RouteLabels::new(&self.sets, self.mode, value, data);
        self.body.render(value, &labels)
    }
}

impl Body {
    fn render(&self, value: &Value, labels: &RouteLabels) -> Result<Vec<u8>, RenderError> {
        let with_labels = |environment: &Environment| {
            let mut environment = environment.clone();
            environment
                .functions
                .insert("routeLabels", labels.function());
            environment
        };
        let rendered = match self {
            Self::Empty => return Ok(Vec::new()),
            Self::Text(set, tree) => {
                set.execute_tree_in(&with_labels(set.environment()), tree, value)
            }
            Self::Html(escaped) => escaped.execute_in(&with_labels(escaped.environment()), value),
        };
        rendered.map_err(|error| RenderError::Run(error.into()))
    }
}

impl Sets {
    fn render(
        &self,
        mode: Mode,
        template: &str,
        value: &Value,
        labels: &RouteLabels,
    ) -> Result<Vec<u8>, RenderError> {
        self.prepare(mode, template)?.render(value, labels)
    }

    fn prepare(&self, mode: Mode, template: &str) -> Result<Body, RenderError> {
        if template.is_empty() {
            return Ok(Body::Empty);
        }
        Ok(match mode {
            Mode::Text => {
                let mut set = self.text.clone();
                let tree = set.parse("", template).map_err(RenderError::Parse)?;
                Body::Text(Box::new(set), tree)
            }
            Mode::Html => {
                let mut set = self.html.clone();
                set.parse("", template).map_err(RenderError::Parse)?;
                let escaped = set
                    .escape("")
                    .map_err(|error| RenderError::Run(error.into()))?;
                Body::Html(Box::new(escaped))
            }
        })
    }
}
