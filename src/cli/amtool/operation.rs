//! Calls of the API, with the answers that its specification documents for them.
//!
//! Alertmanager 0.34's tool prints a documented refusal as `[METHOD /path][status] nameOfIt "payload"`,
//! and of any other only its status.

use http::Method;

use crate::cli::http::HttpAnswer;

/// A documented refusal: its status, what it is called, and whether what was said is shown.
type Documented = (u16, &'static str, bool);

const BAD_REQUEST: Documented = (400, "BadRequest", true);
const NOT_FOUND: Documented = (404, "NotFound", false);
const NOT_FOUND_WITH_TEXT: Documented = (404, "NotFound", true);
const INTERNAL: Documented = (500, "InternalServerError", true);

/// A call of the API.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) method: Method,
    /// As the specification has it, parameters in braces.
    pub(super) path: &'static str,
    name: &'static str,
    refusals: &'static [Documented],
}

pub(super) const GET_STATUS: Operation = Operation {
    method: Method::GET,
    path: "/status",
    name: "getStatus",
    refusals: &[],
};

pub(super) const GET_ALERTS: Operation = Operation {
    method: Method::GET,
    path: "/alerts",
    name: "getAlerts",
    refusals: &[BAD_REQUEST, INTERNAL],
};

pub(super) const POST_ALERTS: Operation = Operation {
    method: Method::POST,
    path: "/alerts",
    name: "postAlerts",
    refusals: &[BAD_REQUEST, INTERNAL],
};

pub(super) const GET_SILENCES: Operation = Operation {
    method: Method::GET,
    path: "/silences",
    name: "getSilences",
    refusals: &[BAD_REQUEST, INTERNAL],
};

pub(super) const POST_SILENCES: Operation = Operation {
    method: Method::POST,
    path: "/silences",
    name: "postSilences",
    refusals: &[BAD_REQUEST, NOT_FOUND_WITH_TEXT],
};

pub(super) const GET_SILENCE: Operation = Operation {
    method: Method::GET,
    path: "/silence/{silenceID}",
    name: "getSilence",
    refusals: &[NOT_FOUND, INTERNAL],
};

pub(super) const DELETE_SILENCE: Operation = Operation {
    method: Method::DELETE,
    path: "/silence/{silenceID}",
    name: "deleteSilence",
    refusals: &[NOT_FOUND, INTERNAL],
};

impl Operation {
    /// A refusal in the words of Alertmanager's tool.
    pub(super) fn refusal(&self, answer: &HttpAnswer) -> String {
        let status = answer.status;
        let documented = self.refusals.iter().find(|(known, ..)| *known == status);
        let Some((_, word, is_text_shown)) = documented else {
            return format!(
                "response status code does not match any response statuses defined for this endpoint in the swagger spec (status {status}): {{}}"
            );
        };
        let text = match is_text_shown {
            true => format!(" {}", String::from_utf8_lossy(&answer.body).trim_end()),
            false => String::new(),
        };
        let Self {
            method, path, name, ..
        } = self;
        format!("[{method} {path}][{status}] {name}{word}{text}")
    }
}
