//! How long to wait before the next attempt.
//!
//! Alertmanager 0.34: 500 ms, then half as much again each time up to 60 s, each varied by half of it
//! either way, without end. The wait counts from the **start** of an attempt, so that one which takes
//! longer than the wait is followed by the next at once.

use std::time::Duration;

use crate::sys::Entropy;

/// The first wait, before it is varied.
const INITIAL: Duration = Duration::from_millis(500);
/// No wait is longer than this, before it is varied.
const CAP: Duration = Duration::from_secs(60);
/// By how much the next is longer.
const FACTOR: f64 = 1.5;
/// How much of a wait may be added to it or taken from it.
const VARIATION: f64 = 0.5;

/// The waits of one notification.
#[derive(Debug, Clone)]
pub struct Backoff {
    interval: Duration,
}

impl Backoff {
    /// From the beginning.
    #[must_use]
    pub fn new() -> Self {
        Self { interval: INITIAL }
    }

    /// The next wait.
    pub fn next(&mut self, entropy: &dyn Entropy) -> Duration {
        let current = self.interval;
        self.interval = match current < CAP.div_f64(FACTOR) {
            true => current.mul_f64(FACTOR),
            false => CAP,
        };
        let spread = 1.0 - VARIATION + 2.0 * VARIATION * fraction(entropy);
        current.mul_f64(spread)
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

/// A number in `0.0..1.0`.
fn fraction(entropy: &dyn Entropy) -> f64 {
    const BITS: u32 = 32;
    let high = u32::try_from(entropy.next_u64() >> BITS).unwrap_or(u32::MAX);
    f64::from(high) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Always the same bits.
    #[derive(Debug)]
    struct Fixed(u64);

    impl Entropy for Fixed {
        fn next_u64(&self) -> u64 {
            self.0
        }
    }

    fn waits_ms(bits: u64) -> Vec<u128> {
        let mut backoff = Backoff::new();
        let waits = (0..15).map(|_| backoff.next(&Fixed(bits)).as_millis());
        waits.collect()
    }

    #[test]
    fn waits_grow_by_half_up_to_a_minute_and_vary_by_half() {
        let middle = [
            500, 750, 1125, 1687, 2531, 3796, 5695, 8542, 12814, 19221, 28832, 43248, 60000, 60000,
            60000,
        ];
        let expected = [
            middle.map(|ms| ms / 2).to_vec(),
            middle.to_vec(),
            // The largest draw, to the nanosecond.
            [
                750, 1125, 1687, 2531, 3796, 5695, 8542, 12814, 19221, 28832, 43248, 64873, 89999,
                89999, 89999,
            ]
            .to_vec(),
        ];
        assert_eq!(
            [waits_ms(0), waits_ms(1 << 63), waits_ms(u64::MAX)],
            expected
        );
    }
}
