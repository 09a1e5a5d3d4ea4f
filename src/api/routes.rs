//! Where requests go, by method and path.
//!
//! Upstream stacks two routers: Go's `ServeMux`, which cleans paths and knows `<prefix>/api/v2/`, and
//! httprouter, which knows the rest and tells a path with a wrong method from one that is nowhere. API
//! v2 has a third of its own. All of their ways are kept: who answers decides in which dialect.

use hyper::{Method, StatusCode};
use matchit::Router;

use crate::history::ask::Route;

/// What a path stands for, outside API v2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// `/`: the user interface.
    Index,
    /// `/favicon.ico`
    Icon,
    /// `/assets/*path`
    Asset,
    /// `/metrics`
    Metrics,
    /// `/-/reload`
    Reload,
    /// `/-/healthy`
    Healthy,
    /// `/-/ready`
    Ready,
    /// `/debug/*subpath`: profiles of a Go program.
    Debug,
    /// What is left of API v1.
    Removed,
    /// `/api/tocsin/v1/recovery`
    Recovery,
    /// `/api/tocsin/v1/why`, `/history`, `/notifications`
    Past(Route),
}

/// What a path of API v2 stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `/alerts`
    Alerts,
    /// `/alerts/groups`
    Groups,
    /// `/silences`
    Silences,
    /// `/silence/{silenceID}`
    Silence,
    /// `/receivers`
    Receivers,
    /// `/status`
    Status,
}

impl Endpoint {
    /// The path, as metrics name it.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Alerts => "/api/v2/alerts",
            Self::Groups => "/api/v2/alerts/groups",
            Self::Silences => "/api/v2/silences",
            Self::Silence => "/api/v2/silence/{silenceID}",
            Self::Receivers => "/api/v2/receivers",
            Self::Status => "/api/v2/status",
        }
    }

    /// Its methods, sorted. (Upstream lists them in an order that changes from call to call.)
    #[must_use]
    pub fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Alerts | Self::Silences => &["GET", "POST"],
            Self::Silence => &["DELETE", "GET"],
            Self::Groups | Self::Receivers | Self::Status => &["GET"],
        }
    }
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place<'a> {
    /// To API v2: the endpoint if there is one, the silence's id if that is in the path, and the path
    /// without the prefix.
    V2(Option<(Endpoint, Option<&'a str>)>, &'a str),
    /// To a page. The label of its metrics.
    Page(Page, &'static str),
    /// Elsewhere.
    Redirect(StatusCode, String),
    /// `OPTIONS` of a page, or a wrong method: the methods that it has.
    Methods(String),
    /// Nowhere.
    Nowhere,
}

struct Entry {
    page: Page,
    methods: &'static [&'static str],
    /// As in the router, without the prefix.
    pattern: &'static str,
    label: &'static str,
}

const GET: &[&str] = &["GET"];
const GET_HEAD: &[&str] = &["GET", "HEAD"];
const GET_POST: &[&str] = &["GET", "POST"];

/// Pages: patterns, what they are called in metrics, methods.
const PAGES: [(Page, &[&str], &str, &str); 19] = [
    (Page::Index, GET, "/", "/"),
    (Page::Icon, GET, "/favicon.ico", "/favicon.ico"),
    (Page::Asset, GET, "/assets/", "/assets/*path"),
    (Page::Asset, GET, "/assets/{*path}", "/assets/*path"),
    (Page::Metrics, GET, "/metrics", "/metrics"),
    (Page::Reload, &["POST"], "/-/reload", "/-/reload"),
    (Page::Healthy, GET_HEAD, "/-/healthy", "/-/healthy"),
    (Page::Ready, GET_HEAD, "/-/ready", "/-/ready"),
    (Page::Debug, GET_POST, "/debug/", "/debug/*subpath"),
    (
        Page::Debug,
        GET_POST,
        "/debug/{*subpath}",
        "/debug/*subpath",
    ),
    (Page::Removed, GET, "/api/v1/status", "/status"),
    (Page::Removed, GET, "/api/v1/receivers", "/receivers"),
    (Page::Removed, GET_POST, "/api/v1/alerts", "/alerts"),
    (Page::Removed, GET_POST, "/api/v1/silences", "/silences"),
    (
        Page::Removed,
        &["DELETE", "GET"],
        "/api/v1/silence/{sid}",
        "/silence/:sid",
    ),
    (
        Page::Recovery,
        GET,
        "/api/tocsin/v1/recovery",
        "/api/tocsin/v1/recovery",
    ),
    (
        Page::Past(Route::Why),
        GET,
        "/api/tocsin/v1/why",
        "/api/tocsin/v1/why",
    ),
    (
        Page::Past(Route::History),
        GET,
        "/api/tocsin/v1/history",
        "/api/tocsin/v1/history",
    ),
    (
        Page::Past(Route::Notifications),
        GET,
        "/api/tocsin/v1/notifications",
        "/api/tocsin/v1/notifications",
    ),
];

const ENDPOINTS: [(Endpoint, &str); 6] = [
    (Endpoint::Alerts, "/api/v2/alerts"),
    (Endpoint::Groups, "/api/v2/alerts/groups"),
    (Endpoint::Silences, "/api/v2/silences"),
    (Endpoint::Silence, "/api/v2/silence/{id}"),
    (Endpoint::Receivers, "/api/v2/receivers"),
    (Endpoint::Status, "/api/v2/status"),
];

/// All places below a prefix.
pub struct Routes {
    /// Empty, or `/` and more, without a `/` at the end.
    prefix: String,
    pages: Router<Entry>,
    endpoints: Router<Endpoint>,
}

impl Routes {
    /// The places below a route prefix, which may have slashes at its ends.
    ///
    /// # Errors
    /// Never, unless the table above is wrong.
    pub fn new(prefix: &str) -> Result<Self, matchit::InsertError> {
        let prefix = prefix.trim_matches('/');
        let mut pages = Router::new();
        for (page, methods, pattern, label) in PAGES {
            pages.insert(
                pattern,
                Entry {
                    page,
                    methods,
                    pattern,
                    label,
                },
            )?;
        }
        let mut endpoints = Router::new();
        for (endpoint, pattern) in ENDPOINTS {
            endpoints.insert(pattern, endpoint)?;
        }
        Ok(Self {
            prefix: match prefix {
                "" => String::new(),
                _ => format!("/{prefix}"),
            },
            pages,
            endpoints,
        })
    }

    /// The route prefix: empty, or `/` and more, without a `/` at the end.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Where a request goes. `query` is what stands behind `?`, if anything does.
    #[must_use]
    pub fn find<'a>(&self, method: &Method, path: &'a str, query: Option<&str>) -> Place<'a> {
        let to = |status, path: &str| {
            let query = query.map(|query| format!("?{query}")).unwrap_or_default();
            Place::Redirect(status, format!("{path}{query}"))
        };
        // Go 1.26: 307, older ones 301, which makes a GET of a POST.
        if let Some(cleaned) = cleaned(path).filter(|_| method != Method::CONNECT) {
            return to(StatusCode::TEMPORARY_REDIRECT, &cleaned);
        }
        let below = path.strip_prefix(&self.prefix);
        if below == Some("/api/v2") {
            return to(StatusCode::TEMPORARY_REDIRECT, &format!("{path}/"));
        }
        if let Some(below) = below.filter(|below| below.starts_with("/api/v2/")) {
            return self.endpoint(below);
        }
        let moved = match *method {
            Method::GET => StatusCode::MOVED_PERMANENTLY,
            _ => StatusCode::TEMPORARY_REDIRECT,
        };
        if !self.prefix.is_empty() && path == "/" {
            return match *method {
                Method::GET => to(StatusCode::FOUND, &self.prefix),
                _ => Place::Methods(listed(GET)),
            };
        }
        let Some(below) = below.filter(|below| below.is_empty() || below.starts_with('/')) else {
            return Place::Nowhere;
        };
        let exact = self.pages.at(below).ok();
        if let Some(found) = exact.as_ref().filter(|it| has(it.value, method)) {
            return Place::Page(found.value.page, found.value.label);
        }
        if let Some(other) = self.elsewhere(method, below) {
            return to(moved, &format!("{}{other}", self.prefix));
        }
        match exact {
            Some(found) => Place::Methods(listed(found.value.methods)),
            None => Place::Nowhere,
        }
    }

    fn endpoint<'a>(&self, path: &'a str) -> Place<'a> {
        // go-openapi cleans the path once more, which takes a slash from its end.
        let cleaned = path.strip_suffix('/').unwrap_or(path);
        let found = self.endpoints.at(cleaned).ok();
        Place::V2(found.map(|it| (*it.value, it.params.get("id"))), path)
    }

    /// The path of the same page without or with a slash at its end, or in another case.
    fn elsewhere(&self, method: &Method, path: &str) -> Option<String> {
        let toggled = match path.strip_suffix('/') {
            Some(path) if !path.is_empty() => path.to_owned(),
            Some(_) => return None,
            None => format!("{path}/"),
        };
        let page = |path: &str| {
            let lower = path.to_ascii_lowercase();
            let found = self
                .pages
                .at(&lower)
                .ok()
                .filter(|it| has(it.value, method))?;
            let fixed = found.value.pattern.split('{').next().unwrap_or_default();
            let rest = path.get(fixed.len()..).unwrap_or_default();
            Some(format!("{fixed}{rest}"))
        };
        let with_case = |path: &str| page(path).filter(|found| found == path);
        with_case(&toggled)
            .or_else(|| page(path))
            .or_else(|| page(&toggled))
    }
}

impl std::fmt::Debug for Routes {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Routes(below {:?})", self.prefix)
    }
}

fn has(entry: &Entry, method: &Method) -> bool {
    entry.methods.contains(&method.as_str())
}

/// As httprouter lists methods: sorted, with `OPTIONS`.
fn listed(methods: &[&str]) -> String {
    let mut methods = methods.to_vec();
    methods.push("OPTIONS");
    methods.sort_unstable();
    methods.join(", ")
}

/// The path without `//`, `.` and `..`, if it has any.
fn cleaned(path: &str) -> Option<String> {
    let inner = path.strip_prefix('/')?;
    let is_dirty = |part: &str| part == "." || part == "..";
    let parts = inner.strip_suffix('/').unwrap_or(inner).split('/');
    if path == "/" || !parts.clone().any(|part| part.is_empty() || is_dirty(part)) {
        return None;
    }
    let mut kept = Vec::new();
    for part in parts {
        match part {
            "" | "." => {}
            ".." => drop(kept.pop()),
            _ => kept.push(part),
        }
    }
    let end = if path.ends_with('/') && !kept.is_empty() {
        "/"
    } else {
        ""
    };
    Some(format!("/{}{end}", kept.join("/")))
}
