//! Text → [`Config`].

use std::io;
use std::path::Path;

use super::block::{Block, Show};
use super::error::LoadError;
use super::event_recorder::EventRecorder;
use super::global::Global;
use super::hash::hash;
use super::inhibit::InhibitRule;
use super::interval::{NamedInterval, NamedMuteInterval};
use super::paths::Directory;
use super::receivers::Receiver;
use super::route::Route;
use super::sections::Sections;
use super::tracing::Tracing;
use super::yaml::{self, Decoder, Document, MatcherWarning, Place, Problem, Step};
use crate::model::{Mode, RouteTree};
use crate::sys::Files;

/// How a configuration is read.
#[derive(Debug, Clone)]
pub struct Options {
    /// How matchers are read.
    pub mode: Mode,
    /// The zone that `Local` means.
    pub local_zone: jiff::tz::TimeZone,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            local_zone: jiff::tz::TimeZone::UTC,
        }
    }
}

/// A configuration that has been checked. Paths in it are resolved.
#[derive(Debug, Clone)]
pub struct Config {
    global: Box<Global>,
    route: Route,
    /// Without the two above.
    sections: Sections,
    hash: u64,
}

/// A configuration, with what it was read from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Matchers that the two parsers read differently, to be logged.
    pub warnings: Vec<MatcherWarning>,
    document: Document,
}

impl Loaded {
    /// Where that place of the configuration is written.
    #[must_use]
    pub fn place(&self, path: &[Step]) -> Option<Place> {
        self.document.find(path)
    }
}

/// Reads a configuration from a text. Paths stay as they are.
///
/// # Errors
/// What is wrong with it.
pub fn load(text: &[u8], options: &Options) -> Result<Loaded, yaml::Error> {
    read(yaml::parse(text)?, text, options).map_err(|(error, _)| error)
}

/// As [`load`], but an error brings the document with it, if there is one, for a
/// [`picture`](super::picture).
///
/// # Errors
/// What is wrong with it.
pub fn load_with_document(
    text: &[u8],
    options: &Options,
) -> Result<Loaded, (yaml::Error, Option<Box<Document>>)> {
    let document = yaml::parse(text).map_err(|fatal| (fatal.into(), None))?;
    read(document, text, options).map_err(|(error, document)| (error, Some(document)))
}

fn read(
    document: Document,
    text: &[u8],
    options: &Options,
) -> Result<Loaded, (yaml::Error, Box<Document>)> {
    match read_sections(&document, options) {
        Ok((global, route, sections, warnings)) => Ok(Loaded {
            config: Config {
                global,
                route,
                sections,
                hash: hash(text),
            },
            warnings,
            document,
        }),
        Err(error) => Err((error, Box::new(document))),
    }
}

type Read = (Box<Global>, Route, Sections, Vec<MatcherWarning>);

fn read_sections(document: &Document, options: &Options) -> Result<Read, yaml::Error> {
    let mut sections = Sections::default();
    let mut decoder = Decoder::new(document, options.mode, options.local_zone.clone());
    decoder.read_document(&mut sections)?;
    let warnings = std::mem::take(&mut decoder.warnings);
    // Nothing was checked if there was nothing.
    let Some(route) = sections.route.take() else {
        return Err(Box::new(Problem::new("no route provided in config")).into());
    };
    if route.continues {
        let path = [Step::Key("route"), Step::Key("continue")];
        let problem = Problem::new("cannot have continue in root route");
        return Err(Box::new(match document.find(&path) {
            Some(place) => problem.at(place),
            None => problem,
        })
        .into());
    }
    let global = sections.global.take();
    let global = global.unwrap_or_else(|| Box::new(Global::with_defaults()));
    Ok((global, route, sections, warnings))
}

/// Reads a configuration file. Relative paths in it are joined to its directory.
///
/// # Errors
/// That it cannot be read, or what is wrong with it.
pub fn load_file(files: &dyn Files, path: &Path, options: &Options) -> Result<Loaded, LoadError> {
    let read = |source: io::Error| LoadError::Read {
        path: path.to_owned(),
        source,
    };
    let text = files.read(path, yaml::TEXT_BYTES_MAX).map_err(read)?;
    let mut loaded = load(&text, options)?;
    loaded.config.resolve(&path.to_string_lossy());
    Ok(loaded)
}

impl Config {
    /// Joins relative paths to the directory of that file.
    pub fn resolve(&mut self, file: &str) {
        let directory = Directory::of(file);
        // The global block is on loan to the receivers already, so that each is resolved once.
        self.sections.resolve(&directory);
        if let Some(http) = &mut self.global.http_config {
            http.resolve(&directory);
        }
    }

    /// What receivers have taken over.
    #[must_use]
    pub fn global(&self) -> &Global {
        &self.global
    }

    /// The root of the routes, as it is written.
    #[must_use]
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// The routes with everything inherited.
    #[must_use]
    pub fn route_tree(&self) -> RouteTree {
        RouteTree::new(self.route.spec())
    }

    /// The rules of inhibition in their order.
    #[must_use]
    pub fn inhibit_rules(&self) -> &[InhibitRule] {
        &self.sections.inhibit_rules
    }

    /// The receivers in their order. A name may be empty if an element was `null`.
    #[must_use]
    pub fn receivers(&self) -> &[Receiver] {
        &self.sections.receivers
    }

    /// Patterns of template files.
    #[must_use]
    pub fn templates(&self) -> &[String] {
        &self.sections.templates
    }

    /// Names for times, in the list that is deprecated.
    #[must_use]
    pub fn mute_time_intervals(&self) -> &[NamedMuteInterval] {
        &self.sections.mute_time_intervals
    }

    /// Names for times.
    #[must_use]
    pub fn time_intervals(&self) -> &[NamedInterval] {
        &self.sections.time_intervals
    }

    /// Where traces go; nowhere without an endpoint.
    #[must_use]
    pub fn tracing(&self) -> Option<&Tracing> {
        Some(&self.sections.tracing).filter(|tracing| !tracing.is_zero())
    }

    /// Where events go.
    #[must_use]
    pub fn event_recorder(&self) -> &EventRecorder {
        &self.sections.event_recorder
    }

    /// `alertmanager_config_hash`: of the text, comments and all.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The configuration with everything filled in, as the status API shows it. Secrets are hidden.
    #[must_use]
    pub fn rendered(&self) -> String {
        let mut item = self.sections.item();
        if let yaml::Item::Map(entries) = &mut item {
            let head = [
                ("global".into(), self.global.item()),
                ("route".into(), self.route.item()),
            ];
            entries.splice(0..0, head);
        }
        yaml::to_text(&item)
    }
}
