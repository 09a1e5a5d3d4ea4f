//! One record of every kind, with nothing at its default: each field has a value of its own, and
//! integers of every width occur. Golden files are made of these; they are frozen with the format.

use tocsin::record::{
    AlertBatchV1, AlertForgottenV1, AlertTouchV1, AlertV1, AttemptV1, AttemptsV1, CollectedV1,
    ConfigAppliedV1, DecisionsV1, EndsAtExtendedV1, FlushIntentV1, FlushV1, GroupTimerV1, GroupV1,
    InhibitedV1, LimitedV1, MergeV1, MutedV1, NotificationKeyV1, NotifyResultV1, Pairs, PlacedV1,
    ReceiptsV1, Record, RecoveredV1, SilenceExpireV1, SilenceSetV1, SilencedV1, TenantV1, ToldV1,
    TouchV1,
};
use tocsin::sys::WallTime;
use tocsin::wal::Lsn;
use tocsin::wal::control::Control;

/// 2026-11-22T03:00:00Z.
pub(crate) const NIGHT: WallTime = WallTime(1_795_316_400_000_000_000);

const SECOND: i64 = 1_000_000_000;

fn pairs(pairs: &[(&str, &str)]) -> Pairs {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn key() -> NotificationKeyV1 {
    NotificationKeyV1 {
        tenant: "acme".to_owned(),
        group_key: "{}/{severity=\"page\"}:{job=\"node\"}".to_owned(),
        receiver: "team-infra".to_owned(),
        integration: "webhook".to_owned(),
        index: 300,
    }
}

/// The record of the worked example.
pub(crate) fn small_alert() -> Record {
    Record::AlertBatch(AlertBatchV1 {
        tenant: "acme".to_owned(),
        received_at_ns: NIGHT.0 + SECOND,
        alerts: vec![AlertV1 {
            labels: pairs(&[("alertname", "DiskFull"), ("job", "node")]),
            annotations: pairs(&[]),
            starts_at_ns: NIGHT.0,
            ends_at_ns: NIGHT.0 + 300 * SECOND,
            is_timeout: true,
            generator_url: String::new(),
        }],
    })
}

fn alert_batch() -> Record {
    Record::AlertBatch(AlertBatchV1 {
        tenant: "acme".to_owned(),
        received_at_ns: NIGHT.0 + SECOND,
        alerts: vec![
            AlertV1 {
                labels: pairs(&[("alertname", "DiskFull"), ("job", "node"), ("room", "café")]),
                annotations: pairs(&[("summary", "it burns"), ("text", &"x".repeat(260))]),
                starts_at_ns: NIGHT.0 - 7,
                ends_at_ns: NIGHT.0 + 300 * SECOND,
                is_timeout: true,
                generator_url: "http://prometheus/graph?g0.expr=up%3D%3D0".to_owned(),
            },
            AlertV1 {
                labels: pairs(&[("alertname", "Old")]),
                annotations: pairs(&[]),
                starts_at_ns: -62_135_596_800,
                ends_at_ns: 70_000,
                is_timeout: false,
                generator_url: String::new(),
            },
        ],
    })
}

/// Of all types. New ones are added to [`explanations`] or a list after it: the golden stores hold one of
/// each of [`records`].
pub(crate) fn all_records() -> Vec<Record> {
    [records(), explanations()].concat()
}

/// Those that explain, which came after the golden stores.
pub(crate) fn explanations() -> Vec<Record> {
    let at_ns = NIGHT.0 + 3 * SECOND;
    let names = [
        "team-infra",
        "webhook",
        "{}/{severity=\"page\"}/0",
        "nights",
    ];
    let silence = "2f6c0c9e-7d7e-4c39-9c9e-0f5b7a0d3e11";
    vec![
        Record::Decisions(DecisionsV1 {
            tenant: "acme".to_owned(),
            at_ns,
            names: names
                .iter()
                .chain([&silence, &""])
                .map(|it| (*it).to_owned())
                .collect(),
            groups: vec![GroupV1 {
                group: 0xfeed_face_cafe_beef,
                key: key().group_key,
                ordinal: 1,
                route: 2,
                receiver: 0,
                due_at_ns: at_ns + 30 * SECOND,
                before_ms: 999,
            }],
            placed: vec![PlacedV1 {
                alert: 7,
                group: 0xfeed_face_cafe_beef,
                before_ms: 998,
            }],
            limited: vec![LimitedV1 {
                alert: 8,
                key: 2,
                before_ms: 70_000,
            }],
            flushes: vec![FlushV1 {
                group: 0xfeed_face_cafe_beef,
                receiver: 0,
                occasion: 1,
                late_ms: 12,
                next_ms: 300_000,
                firing: 3,
                resolved: 260,
                inhibited: vec![InhibitedV1 {
                    alert: 9,
                    source: u64::MAX,
                    rule: 2,
                    rule_name: 5,
                }],
                silenced: vec![SilencedV1 {
                    alert: 10,
                    silences: vec![4],
                }],
                muted: vec![MutedV1 {
                    cause: 1,
                    intervals: vec![3, 3],
                    alerts: 11,
                }],
                told: vec![ToldV1 {
                    integration: 1,
                    index: 300,
                    verdict: 1,
                    reason: 2,
                    flush_id: 0x0102_0304_0506_0708,
                    attempt: 2,
                    added: vec![251],
                    ended: vec![65_536, 3],
                }],
            }],
        }),
        Record::Attempts(AttemptsV1 {
            flush_id: 0x0102_0304_0506_0708,
            key: key(),
            idempotency_key: std::array::from_fn(|at| u8::try_from(at * 7).unwrap()),
            started_at_ns: at_ns,
            count: 2,
            attempts: vec![
                AttemptV1 {
                    number: 1,
                    after_ms: 0,
                    duration_us: 70_001,
                    status: 503,
                    error: "serverError".to_owned(),
                    detail: "unexpected status code 503".to_owned(),
                },
                AttemptV1 {
                    number: 2,
                    after_ms: 512,
                    duration_us: 80,
                    status: 0,
                    error: String::new(),
                    detail: String::new(),
                },
            ],
        }),
        Record::Receipts(ReceiptsV1 {
            tenant: "acme".to_owned(),
            at_ns,
            senders: vec!["10.0.0.3 Prometheus/3.5.0".to_owned(), "::1".to_owned()],
            requests: vec![(70_000, 0), (2, 1), (1, 0)],
        }),
    ]
}

/// In the order of the record types' numbers.
pub(crate) fn records() -> Vec<Record> {
    let tenant = || "acme".to_owned();
    let at_ns = NIGHT.0 + 2 * SECOND;
    vec![
        alert_batch(),
        Record::SilenceSet(SilenceSetV1 {
            tenant: tenant(),
            received_at_ns: at_ns,
            silence: vec![10, 4, 0, 255, 128, 7],
        }),
        Record::SilenceExpire(SilenceExpireV1 {
            tenant: tenant(),
            received_at_ns: at_ns,
            silence_id: "2f6c0c9e-7d7e-4c39-9c9e-0f5b7a0d3e11".to_owned(),
        }),
        Record::FlushIntent(FlushIntentV1 {
            flush_id: 0x0102_0304_0506_0708,
            key: key(),
            attempt: 2,
            reason: "group_wait".to_owned(),
            firing: vec![1, 250, 251, 65_535, 65_536, u64::from(u32::MAX), u64::MAX],
            resolved: vec![4_294_967_296],
            idempotency_key: std::array::from_fn(|at| u8::try_from(at * 8).unwrap()),
            decided_at_ns: at_ns,
        }),
        Record::NotifyResult(NotifyResultV1 {
            flush_id: 0x0102_0304_0506_0708,
            key: key(),
            outcome: "failed".to_owned(),
            detail: "503 Service Unavailable".to_owned(),
            entry: vec![8, 150, 1],
            finished_at_ns: at_ns + 1,
        }),
        Record::NflogMerge(MergeV1 {
            tenant: tenant(),
            received_at_ns: at_ns,
            entries: vec![vec![1, 2, 3], vec![], vec![255; 3]],
        }),
        Record::GroupTimer(GroupTimerV1 {
            tenant: tenant(),
            group_key: key().group_key,
            ordinal: 2,
            created_at_ns: at_ns - 30 * SECOND,
            next_flush_at_ns: at_ns + 300 * SECOND,
            flush_index: 70_000,
        }),
        Record::AlertForgotten(AlertForgottenV1 {
            tenant: tenant(),
            group_key: key().group_key,
            ordinal: 1,
            alerts: vec![(0xfeed_face_cafe_beef, 12), (7, 70_000)],
        }),
        Record::ConfigApplied(ConfigAppliedV1 {
            tenant: tenant(),
            applied_at_ns: at_ns,
            hash: 0xdead_beef,
            text: "route:\n  receiver: team-infra\n".to_owned(),
        }),
        Record::EndsAtExtended(EndsAtExtendedV1 {
            tenant: tenant(),
            decided_at_ns: at_ns,
            alerts: vec![(0xfeed_face_cafe_beef, at_ns + 60 * SECOND), (7, -1)],
        }),
        Record::TenantCreated(TenantV1 {
            tenant: "beta".to_owned(),
            at_ns,
        }),
        Record::AlertTouch(AlertTouchV1 {
            tenant: tenant(),
            received_at_ns: at_ns,
            touches: vec![
                TouchV1 {
                    fingerprint: 0xfeed_face_cafe_beef,
                    ends_at_ns: at_ns + 240 * SECOND,
                    is_timeout: false,
                },
                TouchV1 {
                    fingerprint: 12,
                    ends_at_ns: 0,
                    is_timeout: true,
                },
            ],
        }),
        Record::SilenceMerge(MergeV1 {
            tenant: tenant(),
            received_at_ns: at_ns,
            entries: vec![vec![10, 0]],
        }),
        Record::TenantDeleted(TenantV1 {
            tenant: "beta".to_owned(),
            at_ns: at_ns + SECOND,
        }),
        Record::Collected(CollectedV1 {
            tenant: tenant(),
            at_ns: at_ns + 900 * SECOND,
        }),
        Record::Recovered(RecoveredV1 {
            tenant: tenant(),
            at_ns: at_ns + 901 * SECOND,
            groups: vec![(key().group_key, 1), ("{}:{}".to_owned(), 0)],
        }),
    ]
}

/// One of each of the log's own, by rising type number.
pub(crate) fn controls() -> Vec<Control> {
    vec![
        Control::Heartbeat {
            wall: NIGHT,
            monotonic_ns: 5_000_000_001,
            durable: Lsn(0x0102_0304_0506_0708),
        },
        Control::Boot {
            wall: WallTime(NIGHT.0 + 1),
            pid: 0x0a0b_0c0d,
            previous_clean: true,
            version: "0.1.0-ü".to_owned(),
        },
        Control::Shutdown {
            wall: WallTime(-1),
            durable: Lsn(77),
        },
        Control::CheckpointDone {
            checkpoint: Lsn(300),
            file_bytes: 70_000,
            crc: 0xcafe_beef,
        },
        Control::BatchStart {
            durable: Lsn(299),
            wall: WallTime(NIGHT.0 + 2),
        },
        Control::Lost {
            from: Lsn(5),
            to: Lsn(9),
        },
    ]
}
