//! `tocsin why`, `tocsin history` and `tocsin notifications`: questions about the past, to a running server
//! or about a copied data directory.
//!
//! ```text
//!   flags ─► parameters ─┬─► GET /api/tocsin/v1/…            with --url, or nothing
//!                        └─► checkpoint and log, read here    with --data
//! ```
//!
//! Both ways give the same answers: see [`crate::history::ask`]. A data directory may be in use; nothing in
//! it is changed, and the index of history in it is not looked at.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::exit::{self, Exit};
use super::http::HttpCall;
use super::{Context, Problem};
use crate::config::block::Block;
use crate::config::http::HttpConfig;
use crate::history::ask::{Media, Mistake, Parameters, Route, Said, Surroundings, answer};
use crate::history::index::follow::{EVERYTHING, FollowError, follow};
use crate::history::index::{Index, Limits, MemoryStorage, Past};
use crate::model::Mode;

/// Where the server is if nothing is said.
const URL: &str = "http://localhost:9093";

/// How long a server may take: it answers in milliseconds, or gives up after ten seconds.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Whom to ask, and in which form to answer.
#[derive(Debug, Args)]
struct Where {
    /// The server to ask [default: http://localhost:9093]
    #[arg(long, value_name = "URL", conflicts_with = "data")]
    url: Option<String>,
    /// Ask nobody: read the log of this data directory, or of a copy of it
    #[arg(long, alias = "storage.path", value_name = "DIR")]
    data: Option<PathBuf>,
}

/// The form of an answer about one alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
enum Form {
    /// For people
    #[default]
    Text,
    /// One JSON value
    Json,
}

/// The form of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
enum ListForm {
    /// For people
    #[default]
    Text,
    /// One JSON value: a page
    Json,
    /// An event a line, for export; all of them, unless there is a --limit
    Jsonl,
}

/// Flags of `tocsin why`.
#[derive(Debug, Args)]
pub(super) struct WhyArgs {
    /// Which alert: matchers such as `alertname=DiskFull`
    #[arg(value_name = "MATCHER")]
    matchers: Vec<String>,
    /// Which alert: its fingerprint, as the API shows it
    #[arg(long, value_name = "HASH", conflicts_with = "matchers")]
    fingerprint: Option<String>,
    /// Why this receiver was told or not; by default the one that was to be told last
    #[arg(long, value_name = "NAME")]
    receiver: Option<String>,
    /// Why at that time: 2026-11-22T03:12:00Z, or how long ago: 2h [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    #[command(flatten)]
    place: Where,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// Flags that both lists have.
#[derive(Debug, Args)]
struct ListArgs {
    /// Only about these alerts: matchers such as `alertname=DiskFull`
    #[arg(value_name = "MATCHER")]
    matchers: Vec<String>,
    /// Only about the alert with this fingerprint
    #[arg(long, value_name = "HASH", conflicts_with = "matchers")]
    fingerprint: Option<String>,
    /// Only about this group: its hash, as the lists show it
    #[arg(long, value_name = "HASH")]
    group: Option<String>,
    /// Only about this receiver
    #[arg(long, value_name = "NAME")]
    receiver: Option<String>,
    /// Only for this reason, such as `silenced` or `nothing_changed`; may be given several times
    #[arg(long, value_name = "REASON")]
    reason: Vec<String>,
    /// Only from this time on: 2026-11-22T03:12:00Z, or how long ago: 2h
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only up to this time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// What comes first: newest or oldest [default: newest]
    #[arg(long, value_name = "ORDER")]
    order: Option<String>,
    /// How many at most, up to 1000 [default: 100]
    #[arg(long, value_name = "N")]
    limit: Option<String>,
    /// Go on behind the page before: its `nextCursor`
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    #[command(flatten)]
    place: Where,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: ListForm,
}

/// Flags of `tocsin history`.
#[derive(Debug, Args)]
pub(super) struct HistoryArgs {
    #[command(flatten)]
    list: ListArgs,
    /// Only about this silence
    #[arg(long, value_name = "ID")]
    silence: Option<String>,
    /// Only of this kind, such as `flushed`; may be given several times
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
}

/// Flags of `tocsin notifications`.
#[derive(Debug, Args)]
pub(super) struct NotificationsArgs {
    #[command(flatten)]
    list: ListArgs,
    /// Only those that ended so, such as `failed`; may be given several times
    #[arg(long, value_name = "STATUS")]
    status: Vec<String>,
}

fn add(parameters: &mut Parameters, name: &str, value: Option<&String>) {
    if let Some(value) = value {
        parameters.add(name, value);
    }
}

fn add_all(parameters: &mut Parameters, name: &str, values: &[String]) {
    for value in values {
        parameters.add(name, value);
    }
}

impl ListArgs {
    fn parameters(&self) -> Parameters {
        let mut parameters = Parameters::default();
        add_all(&mut parameters, "filter", &self.matchers);
        add_all(&mut parameters, "reason", &self.reason);
        for (name, value) in [
            ("fingerprint", &self.fingerprint),
            ("group", &self.group),
            ("receiver", &self.receiver),
            ("from", &self.from),
            ("to", &self.to),
            ("order", &self.order),
            ("limit", &self.limit),
            ("cursor", &self.cursor),
        ] {
            add(&mut parameters, name, value.as_ref());
        }
        let media = match self.format {
            ListForm::Text => Media::Text,
            ListForm::Json => Media::Json,
            ListForm::Jsonl => Media::JsonLines,
        };
        parameters.add("format", media.name());
        parameters
    }

    fn run(
        &self,
        route: Route,
        parameters: &Parameters,
        context: &mut Context<'_>,
    ) -> Result<Exit, Problem> {
        let asked = Asking::new(&self.place, context)?;
        let exports_all =
            self.format == ListForm::Jsonl && self.limit.is_none() && self.cursor.is_none();
        if !exports_all {
            let said = asked.ask(route, parameters, context)?;
            context.out.write_all(said.as_bytes())?;
            return Ok(exit::SOUND);
        }
        let mut next: Option<String> = None;
        loop {
            let mut parameters = parameters.clone();
            parameters.add("limit", "1000");
            add(&mut parameters, "cursor", next.as_ref());
            let said = asked.ask(route, &parameters, context)?;
            let (events, cursor) = split_cursor(&said);
            context.out.write_all(events.as_bytes())?;
            next = cursor;
            if next.is_none() {
                return Ok(exit::SOUND);
            }
        }
    }
}

/// The events of an export, and where to go on if its last line says so.
fn split_cursor(said: &str) -> (&str, Option<String>) {
    let lines = said.trim_end_matches('\n');
    let begin = lines.rfind('\n').map_or(0, |at| at + 1);
    let last: Option<serde_json::Value> = lines
        .get(begin..)
        .and_then(|line| serde_json::from_str(line).ok());
    let cursor = last
        .as_ref()
        .and_then(|line| line.get("nextCursor")?.as_str());
    match cursor {
        Some(cursor) => (
            said.get(..begin).unwrap_or_default(),
            Some(cursor.to_owned()),
        ),
        None => (said, None),
    }
}

/// Runs `tocsin why`.
///
/// # Errors
/// Why there is no answer.
pub(super) fn why(args: &WhyArgs, context: &mut Context<'_>) -> Result<Exit, Problem> {
    let mut parameters = Parameters::default();
    add_all(&mut parameters, "filter", &args.matchers);
    add(&mut parameters, "fingerprint", args.fingerprint.as_ref());
    add(&mut parameters, "receiver", args.receiver.as_ref());
    add(&mut parameters, "at", args.at.as_ref());
    let media = match args.format {
        Form::Text => Media::Text,
        Form::Json => Media::Json,
    };
    parameters.add("format", media.name());
    let said = Asking::new(&args.place, context)?.ask(Route::Why, &parameters, context)?;
    context.out.write_all(said.as_bytes())?;
    Ok(exit::SOUND)
}

/// Runs `tocsin history`.
///
/// # Errors
/// Why there is no answer.
pub(super) fn history(args: &HistoryArgs, context: &mut Context<'_>) -> Result<Exit, Problem> {
    let mut parameters = args.list.parameters();
    add(&mut parameters, "silence", args.silence.as_ref());
    add_all(&mut parameters, "kind", &args.kind);
    args.list.run(Route::History, &parameters, context)
}

/// Runs `tocsin notifications`.
///
/// # Errors
/// Why there is no answer.
pub(super) fn notifications(
    args: &NotificationsArgs,
    context: &mut Context<'_>,
) -> Result<Exit, Problem> {
    let mut parameters = args.list.parameters();
    add_all(&mut parameters, "status", &args.status);
    args.list.run(Route::Notifications, &parameters, context)
}

/// Whoever answers.
enum Asking {
    Server(String),
    Log(Box<Past>),
}

impl Asking {
    fn new(place: &Where, context: &Context<'_>) -> Result<Self, Problem> {
        match &place.data {
            Some(root) => Ok(Self::Log(Box::new(read(root, context)?))),
            None => Ok(Self::Server(
                place
                    .url
                    .as_deref()
                    .unwrap_or(URL)
                    .trim_end_matches('/')
                    .to_owned(),
            )),
        }
    }

    fn ask(
        &self,
        route: Route,
        parameters: &Parameters,
        context: &Context<'_>,
    ) -> Result<String, Problem> {
        match self {
            Self::Server(url) => ask_server(url, route, parameters, context),
            Self::Log(past) => {
                let around = Surroundings {
                    now: context.world.clock.wall(),
                    mode: Mode::default(),
                    policy: None,
                    instance: "",
                };
                match answer(route, past, parameters, &around) {
                    Ok(Said { body, .. }) => Ok(body),
                    Err(Mistake::Bad(message)) => Err(Problem::Usage(message)),
                    Err(Mistake::Broken(message)) => Err(Problem::Unanswered(message)),
                }
            }
        }
    }
}

/// Reads the checkpoint and the log of a data directory.
fn read(root: &Path, context: &Context<'_>) -> Result<Past, Problem> {
    let everything = Limits {
        retention: Duration::MAX,
        bytes_max: u64::MAX,
    };
    let failed = |error: FollowError| match error {
        FollowError::Log(error) => Problem::Store(error),
        other => Problem::Unanswered(other.to_string()),
    };
    let disk = (context.world.open_disk)(root);
    let index = Index::open(Arc::new(MemoryStorage::default()), [0; 16], everything);
    let index = index.map_err(|fault| failed(fault.into()))?;
    follow(&disk, &index, EVERYTHING, &|| false).map_err(failed)?;
    Ok(Past::new(Arc::new(index), ""))
}

fn ask_server(
    url: &str,
    route: Route,
    parameters: &Parameters,
    context: &Context<'_>,
) -> Result<String, Problem> {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs = parameters.0.iter();
    let pairs: Vec<String> = pairs
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    let url = match url.contains("://") {
        true => url.to_owned(),
        false => format!("http://{url}"),
    };
    let call = HttpCall {
        method: Method::GET,
        url: &format!("{url}/api/tocsin/v1/{}?{}", route.name(), pairs.join("&")),
        body: None,
        timeout: TIMEOUT,
    };
    let world = context.world;
    let answer = (world.request)(&HttpConfig::with_defaults(), &call, world);
    let answer = answer.map_err(|fault| {
        let why = fault.to_string();
        let why = why.strip_prefix("Get \"<redacted>\": ").unwrap_or(&why);
        Problem::Unanswered(format!(
            "the server at {} does not answer: {why}; name it with --url, or a data directory with --data",
            without_credentials(&url)
        ))
    })?;
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    // What is wrong is a text in JSON, or, if something else answers there, whatever.
    let said = serde_json::from_str(&body).unwrap_or_else(|_| body.trim().to_owned());
    match answer.status {
        200 => Ok(body),
        400 => Err(Problem::Usage(said)),
        status => Err(Problem::Unanswered(format!(
            "the server answers with status {status}: {said}"
        ))),
    }
}

/// The address of a server, without a user's name and password.
fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::{split_cursor, without_credentials};

    #[test]
    fn an_address_is_shown_without_its_password() {
        let shown = [
            "http://localhost:9093",
            "https://user:secret@host/path@x",
            "http://a@b:c@host?q=@",
        ]
        .map(without_credentials);
        assert_eq!(
            shown,
            [
                "http://localhost:9093",
                "https://host/path@x",
                "http://host?q=@"
            ]
        );
    }

    #[test]
    fn the_last_line_of_an_export_may_say_where_to_go_on() {
        let more = "{\"a\":1}\n{\"nextCursor\":\"x\"}\n";
        let only = "{\"nextCursor\":\"x\"}\n";
        let end = "{\"a\":1}\n{\"b\":2}\n";
        let cursor = || Some("x".to_owned());
        assert_eq!(
            [
                split_cursor(more),
                split_cursor(only),
                split_cursor(end),
                split_cursor("")
            ],
            [
                ("{\"a\":1}\n", cursor()),
                ("", cursor()),
                (end, None),
                ("", None)
            ]
        );
    }
}
