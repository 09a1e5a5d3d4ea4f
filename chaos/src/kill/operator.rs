//! The person at the keyboard: silences, ends of silences, and reloads.

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use serde::Deserialize;
use serde_json::json;
use tocsin::sys::Entropy;
use tokio::time::sleep;

use super::nemesis::Moment;
use super::plan::{Plan, labels, stream};
use super::sender::{Surroundings, text};
use crate::history::{Event, Labels, Outcome, Wall};

/// Who is silenced now and then: one group of each of these senders.
const SILENCED: [(&str, &str); 2] = [("Alert1", "once-1"), ("Alert2", "again-1")];

/// What the server answers to a silence.
#[derive(Debug, Deserialize)]
struct Made {
    #[serde(rename = "silenceID")]
    id: String,
}

/// Makes silences and ends some of them, until all is healed.
pub(crate) async fn silence(plan: Plan, around: Surroundings) -> Result<()> {
    let entropy = stream(plan.seed, "silences");
    for number in 0_u64.. {
        sleep(Duration::from_millis(500 + entropy.below(3_000))).await;
        if around.signals.is_healed.load(Ordering::SeqCst) {
            break;
        }
        let (alertname, sender) = SILENCED[entropy.below(2) as usize];
        let matchers = labels(&[("alertname", alertname), ("sender", sender)]);
        let name = format!("silence-{number}");
        let lasts_ms = 1_500 + entropy.below(3_000);
        let is_ended = entropy.below(2) == 0;
        let Some(id) = make(&around, &name, &matchers, lasts_ms).await? else {
            continue;
        };
        if is_ended {
            sleep(Duration::from_millis(300 + entropy.below(lasts_ms / 2))).await;
            end(&around, &name, &id).await?;
        }
    }
    Ok(())
}

/// Its id, if it was acknowledged.
async fn make(
    around: &Surroundings,
    name: &str,
    matchers: &Labels,
    lasts_ms: u64,
) -> Result<Option<String>> {
    let starts_at = around.recorder.wall();
    let ends_at = Wall(starts_at.0 + i64::try_from(lasts_ms * 1_000_000).unwrap_or(i64::MAX));
    let list: Vec<_> = matchers
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value, "isRegex": false}))
        .collect();
    let body = json!({
        "matchers": list,
        "startsAt": text(starts_at)?,
        "endsAt": text(ends_at)?,
        "createdBy": "tocsin-chaos",
        // By this it is known again.
        "comment": name,
    });
    let request = around.recorder.number();
    let made = Request::post(format!("{}/api/v2/silences", around.url))
        .header("Content-Type", "application/json")
        .body(Full::from(body.to_string()))?;
    let begin = Event::SilenceBegin {
        request,
        silence: name.to_owned(),
        matchers: matchers.clone(),
        starts_at,
        ends_at,
    };
    let (outcome, body) = around.ask(request, begin, made).await;
    if outcome != Outcome::Status(200) {
        return Ok(None);
    }
    around.nemesis.sees(Moment::Silenced);
    let made: Made = serde_json::from_slice(&body)?;
    Ok(Some(made.id))
}

/// Ends it, and tries until that is acknowledged or it would be over anyway.
async fn end(around: &Surroundings, name: &str, id: &str) -> Result<()> {
    const TRIES_MAX: u32 = 200;
    for _ in 0..TRIES_MAX {
        let request = around.recorder.number();
        let made = Request::delete(format!("{}/api/v2/silence/{id}", around.url))
            .body(Full::<Bytes>::default())?;
        let begin = Event::ExpireBegin {
            request,
            silence: name.to_owned(),
        };
        match around.ask(request, begin, made).await.0 {
            Outcome::Status(200) => {
                around.nemesis.sees(Moment::Silenced);
                return Ok(());
            }
            // It was over, or it is not known: the target may have forgotten it.
            Outcome::Status(400..=599) => return Ok(()),
            _ => sleep(Duration::from_millis(10)).await,
        }
    }
    Ok(())
}

/// Has the configuration read again, until all is healed.
pub(crate) async fn reload(plan: Plan, around: Surroundings) -> Result<()> {
    let entropy = stream(plan.seed, "reloads");
    loop {
        sleep(Duration::from_millis(1_000 + entropy.below(4_000))).await;
        if around.signals.is_healed.load(Ordering::SeqCst) {
            return Ok(());
        }
        let request = around.recorder.number();
        let made =
            Request::post(format!("{}/-/reload", around.url)).body(Full::<Bytes>::default())?;
        around
            .ask(request, Event::ReloadBegin { request }, made)
            .await;
    }
}
