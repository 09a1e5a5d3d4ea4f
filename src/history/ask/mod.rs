//! Questions as they are asked: parameters in, a page out. The same for `GET /api/tocsin/v1/…` and for the
//! commands, with a server or with a copied data directory.
//!
//! ```text
//!   why            filter=… | fingerprint=…   receiver=  at=                       format=json|text
//!   history        filter=… fingerprint= group= receiver= silence= kind= reason=
//!                  from= to= order= limit= cursor=                                 format=json|jsonl|text
//!   notifications  filter=… fingerprint= group= receiver= status= reason=
//!                  from= to= order= limit= cursor=                                 format=json|jsonl|text
//! ```
//!
//! **Rules**
//! * A parameter that is not known, or given twice where one is meant, is a mistake: a misspelt filter must
//!   not show everything.
//! * A mistake names the parameter, what is wrong with it, and an example of the right form.
//! * Pages are bounded ([`LIMIT_MAX`]); a cursor is the place of the last entry shown, so that it stays right
//!   while more happens.

mod events;
mod list;
mod notifications;
mod page;
mod parameters;

pub use page::{Media, Said};
pub use parameters::{Mistake, Parameters};

use crate::core::Policy;
use crate::history::index::Past;
use crate::history::why::{Asked, Context, Question, WhyError, why};
use crate::model::Mode;
use crate::sys::WallTime;

/// Entries of one page, if nothing is said.
pub const LIMIT: usize = 100;

/// Entries of one page at most.
pub const LIMIT_MAX: usize = 1000;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Why somebody was told, or not.
    Why,
    /// What happened.
    History,
    /// What was sent.
    Notifications,
}

impl Route {
    /// Its path below `/api/tocsin/v1/`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Why => "why",
            Self::History => "history",
            Self::Notifications => "notifications",
        }
    }
}

/// What an answer needs beside history and the question.
#[derive(Debug, Clone)]
pub struct Surroundings<'a> {
    /// The time of asking.
    pub now: WallTime,
    /// How matchers are read.
    pub mode: Mode,
    /// The configuration in force, if there is one.
    pub policy: Option<&'a Policy>,
    /// The name of this machine, for exported events.
    pub instance: &'a str,
}

/// Answers.
///
/// # Errors
/// What is wrong with the question, or that history cannot be read.
pub fn answer(
    route: Route,
    past: &Past,
    parameters: &Parameters,
    around: &Surroundings<'_>,
) -> Result<Said, Mistake> {
    match route {
        Route::Why => answer_why(past, parameters, around),
        Route::History => list::answer(past, parameters, around),
        Route::Notifications => notifications::answer(past, parameters, around),
    }
}

const WHY: &[&str] = &["filter", "fingerprint", "receiver", "at", "format"];

fn answer_why(
    past: &Past,
    parameters: &Parameters,
    around: &Surroundings<'_>,
) -> Result<Said, Mistake> {
    parameters.check(WHY)?;
    let matchers = parameters.matchers(around.mode)?;
    let alert = match (parameters.fingerprint()?, matchers) {
        (Some(_), Some(_)) => {
            return Err(Mistake::bad("fingerprint and filter exclude each other"));
        }
        (Some(fingerprint), None) => Asked::Fingerprint(fingerprint),
        (None, Some(matchers)) => Asked::Matchers(matchers),
        (None, None) => {
            return Err(Mistake::bad(
                "which alert? Give matchers, as in filter=alertname=\"DiskFull\", or fingerprint=3a1f…",
            ));
        }
    };
    let question = Question {
        alert,
        receiver: parameters.one("receiver")?.map(str::to_owned),
        at: parameters.time("at", around.now)?,
    };
    let media = parameters.media(&[Media::Json, Media::Text])?;
    let context = Context {
        now: around.now,
        policy: around.policy,
    };
    let answer = why(past, &question, &context).map_err(|error| match error {
        WhyError::Timeline(error) => Mistake::Broken(error.to_string()),
        WhyError::Future { .. } => Mistake::Bad(format!(
            "bad parameter at: {error}; example: at=2026-11-22T03:12:00Z"
        )),
        WhyError::UnknownReceiver { .. } => Mistake::Bad(format!(
            "bad parameter receiver: {error}; example: receiver=team-x"
        )),
    })?;
    Ok(match media {
        Media::Text => Said::text(answer.to_string()),
        _ => Said::json(&answer),
    })
}
