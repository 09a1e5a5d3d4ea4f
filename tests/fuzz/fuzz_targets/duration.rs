//! Durations in both grammars: no text makes them panic, and what is printed is read again.
#![no_main]

use tocsin::model::Duration;

const MILLISECOND: i64 = 1_000_000;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(duration) = Duration::parse(text) {
        assert!(0 <= duration.as_nanos());
        assert_eq!(Duration::parse(&duration.to_string()), Ok(duration));
    }
    if let Ok(duration) = Duration::parse_go(text) {
        assert_eq!(Duration::parse_go(&duration.go()), Ok(duration));
        let whole = duration.as_nanos() / MILLISECOND * MILLISECOND;
        if 0 <= whole {
            let printed = duration.to_string();
            assert_eq!(Duration::parse(&printed), Ok(Duration::from_nanos(whole)));
        }
    }
});
