//! Which subjects a chunk may have something about: a Bloom filter, so that a question about one alert
//! reads the few chunks that know it and not thirty days.

use serde::{Deserialize, Serialize};

/// Bits for each subject: about one in ten thousand chunks is read in vain. A month of ten thousand alerts has
/// more than ten thousand chunks, of which a question needs some dozens; with one in a hundred, most of those
/// read were in vain.
const BITS_PER_SUBJECT: u64 = 20;

/// Probes for each subject; the best number for that many bits is 14, of which the last few change little.
const PROBES: u64 = 10;

/// The filter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    words: Vec<u64>,
}

impl Filter {
    /// A filter with these subjects in it.
    #[must_use]
    pub fn of(subjects: &[u64]) -> Self {
        let words = (subjects.len() as u64 * BITS_PER_SUBJECT)
            .div_ceil(64)
            .max(1);
        let mut filter = Self {
            words: vec![0; usize::try_from(words).unwrap_or(1)],
        };
        for subject in subjects {
            for bit in filter.bits(*subject) {
                if let Some(word) = filter.words.get_mut(place(bit)) {
                    *word |= 1 << (bit % 64);
                }
            }
        }
        filter
    }

    /// Whether the subject may be in it; never `false` for one that is.
    #[must_use]
    pub fn may_have(&self, subject: u64) -> bool {
        self.bits(subject).all(|bit| {
            let word = self.words.get(place(bit));
            word.is_some_and(|word| word & (1 << (bit % 64)) != 0)
        })
    }

    /// Bytes in memory.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.words.len() * 8
    }

    /// Two halves of the subject's hash step through the bits.
    fn bits(&self, subject: u64) -> impl Iterator<Item = u64> + use<> {
        let count = self.words.len() as u64 * 64;
        let step = subject.rotate_left(32) | 1;
        (0..PROBES).map(move |probe| subject.wrapping_add(probe.wrapping_mul(step)) % count)
    }
}

fn place(bit: u64) -> usize {
    usize::try_from(bit / 64).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_it_is_always_found_and_what_is_not_rarely() {
        let hash = |number: u64| twox_hash::XxHash64::oneshot(0, &number.to_le_bytes());
        let inside: Vec<u64> = (0..1000).map(hash).collect();
        let filter = Filter::of(&inside);
        let missed = inside.iter().filter(|it| !filter.may_have(**it)).count();
        let false_hits = (1000..11_000)
            .filter(|it| filter.may_have(hash(*it)))
            .count();
        assert_eq!(
            (missed, false_hits < 20),
            (0, true),
            "{false_hits} false hits"
        );
    }
}
