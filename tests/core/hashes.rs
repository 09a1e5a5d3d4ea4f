//! Identities are Alertmanager's, to the bit.

use tocsin::core::{idempotency, notification_hash};
use tocsin::model::LabelSet;

#[test]
fn hashes_of_the_notification_log_are_those_of_alertmanager() {
    let sets = [
        LabelSet::new([("foo", "bar")]),
        LabelSet::new([("alertname", "foo"), ("node", "bar")]),
        LabelSet::new([
            ("alertname", "InstanceDown"),
            ("instance", "localhost:9090"),
            ("job", "prometheus"),
        ]),
        LabelSet::new([("alertname", "A1"), ("x", "y")]),
    ];
    assert_eq!(
        sets.map(|set| notification_hash(&set)),
        [
            652_657_311_551_584_548,
            11_332_729_002_249_449_581,
            9_478_316_276_563_410_952,
            0x1afe_e5b8_f600_e445,
        ]
    );
}

#[test]
fn group_ids_are_the_sha_256_of_group_keys() {
    assert_eq!(
        idempotency::group_id(r#"{}:{alertname="InstanceDown"}"#),
        "6deb6322f8f3d0527aa4eb1bc3139fdeea97e69c8a998b5c88b7e6f2756de185"
    );
}

#[test]
fn idempotency_keys_differ_in_every_part_that_can_differ() {
    let key = |receiver: &str, index, flush, reason, firing: &[u64], resolved: &[u64]| {
        let place = tocsin::record::NotificationKeyV1 {
            tenant: String::new(),
            group_key: "{}:{}".to_owned(),
            receiver: receiver.to_owned(),
            integration: "webhook".to_owned(),
            index,
        };
        let content = idempotency::Content {
            reason,
            firing,
            resolved,
        };
        idempotency::key(&[7; 16], &place, flush, &content)
    };
    let keys = [
        key("a", 0, 0, "x", &[1], &[]),
        key("b", 0, 0, "x", &[1], &[]),
        key("a", 1, 0, "x", &[1], &[]),
        key("a", 0, 1, "x", &[1], &[]),
        key("a", 0, 0, "y", &[1], &[]),
        key("a", 0, 0, "x", &[2], &[]),
        key("a", 0, 0, "x", &[], &[1]),
        key("a", 0, 0, "x", &[1], &[]),
    ];
    let different: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!((different.len(), keys[0] == keys[7]), (7, true));
}
