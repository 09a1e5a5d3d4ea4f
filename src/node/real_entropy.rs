//! The system's random numbers.

use std::io;

use crate::sys::{Entropy, SeededEntropy};

/// Random numbers from the operating system.
///
/// [`Entropy`] cannot fail, so whether the system gives random numbers at all is found out when the
/// source is made. A system that gave them once gives them always; should one call fail all the
/// same, the numbers go on from a seed that the system gave at the beginning.
#[derive(Debug)]
pub struct RealEntropy {
    reserve: SeededEntropy,
}

impl RealEntropy {
    /// A source that is known to work.
    ///
    /// # Errors
    /// That the operating system gives no random numbers.
    pub fn new() -> io::Result<Self> {
        let seed = getrandom::u64().map_err(|error| {
            io::Error::other(format!(
                "the operating system gives no random numbers: {error}"
            ))
        })?;
        Ok(Self {
            reserve: SeededEntropy::new(seed),
        })
    }
}

impl Entropy for RealEntropy {
    fn next_u64(&self) -> u64 {
        getrandom::u64().unwrap_or_else(|_| self.reserve.next_u64())
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "the real source is what is tested"
)]
mod tests {
    use super::*;

    #[test]
    fn two_numbers_of_two_sources_differ() {
        let numbers =
            [RealEntropy::new(), RealEntropy::new()].map(|source| source.unwrap().next_u64());
        assert_ne!(numbers[0], numbers[1]);
    }
}
