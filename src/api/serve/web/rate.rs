//! A limit of requests: a bucket of tokens, one more in each interval.

use std::time::Duration;

use crate::config::web::RateLimitConfig;

/// A bucket.
#[derive(Debug)]
pub(super) struct Rate {
    burst: i64,
    interval: Duration,
    /// Tokens, and when they were counted.
    tokens: f64,
    at: Duration,
}

impl Rate {
    /// A full bucket; none if there is no limit.
    pub(super) fn new(config: &RateLimitConfig, now: Duration) -> Option<Self> {
        let interval = config.interval.0.to_std();
        if interval.is_zero() {
            return None;
        }
        Some(Self {
            burst: config.burst.0,
            interval,
            tokens: size(config.burst.0),
            at: now,
        })
    }

    /// Takes a token, if there is one.
    pub(super) fn allows(&mut self, now: Duration) -> bool {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        let more = passed / self.interval.as_secs_f64();
        self.tokens = (self.tokens + more).min(size(self.burst));
        self.at = now;
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }

    /// For the log.
    pub(super) fn settings(&self) -> (i64, String) {
        let nanos = i64::try_from(self.interval.as_nanos()).unwrap_or(i64::MAX);
        (self.burst, gotemplate::time::format_duration(nanos))
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "nobody lets more requests through than 53 bits count"
)]
fn size(burst: i64) -> f64 {
    burst.max(0) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::values::GoDuration;
    use crate::config::yaml::Int;
    use crate::model;

    #[test]
    fn after_a_burst_one_passes_in_each_interval() {
        let config = |burst, seconds| RateLimitConfig {
            burst: Int(burst),
            interval: GoDuration(model::Duration::from_secs(seconds)),
        };
        let mut rate = Rate::new(&config(2, 10), Duration::ZERO).unwrap();
        let allowed =
            [0, 1, 2, 9, 10, 11, 20, 100, 100, 100].map(|at| rate.allows(Duration::from_secs(at)));
        let mut none = Rate::new(&config(0, 1), Duration::ZERO).unwrap();
        assert_eq!(
            (
                allowed,
                none.allows(Duration::from_secs(9)),
                Rate::new(&config(5, 0), Duration::ZERO).is_none()
            ),
            (
                [
                    true, true, false, false, true, false, true, true, true, false
                ],
                false,
                true
            )
        );
    }
}
