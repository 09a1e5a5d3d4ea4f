//! Records that explain, as JSON: names and what was chosen from a few as texts, times as times.

use serde_json::{Value, json};

use super::line::{hash, hashes, hex, key, time};
use crate::record::{
    AttemptsV1, DecisionsV1, FlushOccasion, FlushV1, MutedBy, ReceiptsV1, ToldReason, ToldVerdict,
};

/// Why groups were flushed as they were.
pub(super) fn decisions(body: &DecisionsV1) -> Value {
    let name = |place: u32| body.names.get(place as usize).map(String::as_str);
    let before = |ms: u64| shifted(body.at_ns, ms, -1);
    json!({
        "tenant": body.tenant,
        "at": time(body.at_ns),
        "groups": body.groups.iter().map(|it| json!({
            "group": hash(it.group), "group_key": it.key, "ordinal": it.ordinal,
            "route": name(it.route), "receiver": name(it.receiver),
            "due_at": time(it.due_at_ns), "created_at": before(it.before_ms),
        })).collect::<Vec<_>>(),
        "placed": body.placed.iter().map(|it| json!({
            "alert": hash(it.alert), "group": hash(it.group), "at": before(it.before_ms),
        })).collect::<Vec<_>>(),
        "limited": body.limited.iter().map(|it| json!({
            "alert": hash(it.alert), "group_key": name(it.key), "at": before(it.before_ms),
        })).collect::<Vec<_>>(),
        "flushes": body.flushes.iter().map(|it| flush(it, body.at_ns, &name)).collect::<Vec<_>>(),
    })
}

fn flush<'a>(flush: &FlushV1, at_ns: i64, name: &dyn Fn(u32) -> Option<&'a str>) -> Value {
    let names = |places: &[u32]| places.iter().map(|place| name(*place)).collect::<Vec<_>>();
    json!({
        "group": hash(flush.group),
        "receiver": name(flush.receiver),
        "occasion": FlushOccasion::read(flush.occasion).as_str(),
        "due_at": shifted(at_ns, flush.late_ms, -1),
        "next_at": (flush.next_ms > 0).then(|| shifted(at_ns, flush.next_ms, 1)),
        "firing": flush.firing,
        "resolved": flush.resolved,
        "inhibited": flush.inhibited.iter().map(|it| json!({
            "alert": hash(it.alert), "source": hash(it.source),
            "rule": it.rule, "rule_name": name(it.rule_name),
        })).collect::<Vec<_>>(),
        "silenced": flush.silenced.iter().map(|it| json!({
            "alert": hash(it.alert), "silences": names(&it.silences),
        })).collect::<Vec<_>>(),
        "muted": flush.muted.iter().map(|it| json!({
            "by": MutedBy::read(it.cause).as_str(),
            "intervals": names(&it.intervals), "alerts": it.alerts,
        })).collect::<Vec<_>>(),
        "told": flush.told.iter().map(|it| json!({
            "integration": name(it.integration), "index": it.index,
            "verdict": ToldVerdict::read(it.verdict).as_str(),
            "reason": ToldReason::read(it.reason).as_str(),
            "flush_id": hash(it.flush_id), "attempt": it.attempt,
            "added": hashes(&it.added), "ended": hashes(&it.ended),
        })).collect::<Vec<_>>(),
    })
}

/// How a notification was tried.
pub(super) fn attempts(body: &AttemptsV1) -> Value {
    json!({
        "flush_id": hash(body.flush_id),
        "key": key(&body.key),
        "idempotency_key": hex(&body.idempotency_key),
        "started_at": time(body.started_at_ns),
        "count": body.count,
        "attempts": body.attempts.iter().map(|it| json!({
            "number": it.number,
            "started_at": shifted(body.started_at_ns, it.after_ms, 1),
            "duration_us": it.duration_us,
            "status": (it.status > 0).then_some(it.status),
            "error": it.error,
            "detail": it.detail,
        })).collect::<Vec<_>>(),
    })
}

/// Who sent alerts.
pub(super) fn receipts(body: &ReceiptsV1) -> Value {
    let mut first = 0u64;
    let requests = body.requests.iter().map(|(step, sender)| {
        first = first.saturating_add(*step);
        json!({ "first_lsn": first, "sender": body.senders.get(*sender as usize) })
    });
    json!({
        "tenant": body.tenant,
        "at": time(body.at_ns),
        "requests": requests.collect::<Vec<_>>(),
    })
}

fn shifted(at_ns: i64, ms: u64, sign: i64) -> String {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    time(at_ns.saturating_add(ms.saturating_mul(1_000_000).saturating_mul(sign)))
}
