//! Errors of history.

use std::sync::Arc;
use std::time::Duration;

use tocsin::history::Timeline;
use tocsin::history::index::{Index, Limits, MemoryStorage, Past, add_record};
use tocsin::record::Lsn;
use tocsin::sys::WallTime;

use super::records::{MINUTE_NS, fingerprint, received, touched};

/// That it still fires is all that is said of it; its labels were said once, and went with what was as old.
#[test]
fn an_alert_that_fires_for_longer_than_anything_is_kept_has_its_labels_all_the_time() {
    let storage = Arc::new(MemoryStorage::default());
    let open = || {
        let limits = Limits {
            retention: Duration::from_secs(10 * 24 * 3600),
            bytes_max: u64::MAX,
        };
        Arc::new(Index::open(Arc::clone(&storage) as _, [7; 16], limits).unwrap())
    };
    let index = open();
    let add = |lsn, record| add_record(&index, Lsn(lsn), &record, WallTime(0)).unwrap();
    add(1, received("Fires", 0));
    add(2, received("Ended", 0));
    let mut found = Vec::new();
    for hour in 1..40 * 24u64 {
        let at_ns = hour.cast_signed() * 60 * MINUTE_NS;
        add(2 + hour, touched("Fires", at_ns));
        index.retain(WallTime(at_ns)).unwrap();
        let past = Past::new(Arc::clone(&index), "");
        let is_known = |name| past.alert(fingerprint(name)).unwrap().is_some();
        found.push((is_known("Fires"), is_known("Ended")));
    }
    let always = found.iter().all(|(fires, _)| *fires);
    let ended = found.iter().filter(|(_, ended)| *ended).count();
    assert_eq!(
        (always, (240..250).contains(&ended), open().contents()),
        (true, true, index.contents()),
        "the labels of the other one were there for {ended} hours"
    );
}
