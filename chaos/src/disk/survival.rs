//! What becomes of that which was not synced, when power is lost: one draw for all of it.
//!
//! | Way | What survives | Which mistakes show |
//! |---|---|---|
//! | nothing | what was synced | no sync at all, or too late |
//! | everything | all of it, as at a kill | none; so that those are not hidden which need it |
//! | up to a moment | what came before it; the piece at the moment is torn | a torn tail |
//! | any | each piece and name on its own: kept, lost or torn | an order that only the page cache kept |
//! | names | names, and no data | a rename before the sync of the file |
//! | data | data, and no names | no sync of the directory |

use tocsin::sys::Entropy;

/// A disk writes a sector as a whole, or not at all.
const SECTOR_BYTES: u64 = 512;

/// A way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Survival {
    Nothing,
    Everything,
    /// Changes before that number.
    UpTo(u64),
    Any,
    Names,
    Data,
}

/// What becomes of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    Kept,
    Lost,
    /// These stand on the disk afterwards, each at an offset of the file. What else was written did not
    /// reach it.
    Torn(Vec<(u64, Vec<u8>)>),
}

impl Survival {
    /// Draws one. `numbers` are those of all changes that are not synced, in order.
    pub(super) fn draw(entropy: &dyn Entropy, numbers: &[u64]) -> Self {
        match entropy.below(8) {
            0 | 1 => Self::Nothing,
            2 => Self::Everything,
            3 | 4 => match numbers.len() as u64 {
                0 => Self::Nothing,
                count => Self::UpTo(numbers[entropy.below(count) as usize]),
            },
            5 => Self::Names,
            6 => Self::Data,
            _ => Self::Any,
        }
    }

    /// Whether a change of names is kept.
    pub(super) fn keeps_name(self, number: u64, entropy: &dyn Entropy) -> bool {
        match self {
            Self::Nothing | Self::Data => false,
            Self::Everything | Self::Names => true,
            Self::UpTo(end) => number < end,
            Self::Any => entropy.below(2) == 0,
        }
    }

    /// Whether a change of length is kept.
    pub(super) fn keeps_data(self, number: u64, entropy: &dyn Entropy) -> bool {
        match self {
            Self::Nothing | Self::Names => false,
            Self::Everything | Self::Data => true,
            Self::UpTo(end) => number < end,
            Self::Any => entropy.below(2) == 0,
        }
    }

    /// What becomes of bytes that were written there.
    pub(super) fn fate(
        self,
        number: u64,
        offset: u64,
        bytes: &[u8],
        entropy: &dyn Entropy,
    ) -> Fate {
        match self {
            Self::Nothing | Self::Names => Fate::Lost,
            Self::Everything | Self::Data => Fate::Kept,
            Self::UpTo(end) => match number.cmp(&end) {
                std::cmp::Ordering::Less => Fate::Kept,
                std::cmp::Ordering::Equal => torn(offset, bytes, entropy),
                std::cmp::Ordering::Greater => Fate::Lost,
            },
            Self::Any => match entropy.below(3) {
                0 => Fate::Kept,
                1 => Fate::Lost,
                _ => torn(offset, bytes, entropy),
            },
        }
    }
}

/// What stands where a sector did not reach the disk.
#[derive(Debug, Clone, Copy)]
enum Rest {
    /// What was there before.
    Old,
    Zeros,
    Garbage,
}

/// Some sectors of it, or those up to one.
fn torn(offset: u64, bytes: &[u8], entropy: &dyn Entropy) -> Fate {
    let rest = match entropy.below(4) {
        0 => Rest::Zeros,
        1 => Rest::Garbage,
        _ => Rest::Old,
    };
    let end = offset + bytes.len() as u64;
    let first = offset / SECTOR_BYTES;
    let sectors = end.div_ceil(SECTOR_BYTES) - first;
    let cut = entropy.below(sectors + 1);
    let is_cut = entropy.below(2) == 0;
    let mut pieces = Vec::new();
    for sector in 0..sectors {
        let from = ((first + sector) * SECTOR_BYTES).max(offset);
        let to = ((first + sector + 1) * SECTOR_BYTES).min(end);
        let is_kept = match is_cut {
            true => sector < cut,
            false => entropy.below(2) == 0,
        };
        let len = (to - from) as usize;
        let piece = match (is_kept, rest) {
            (true, _) => bytes[(from - offset) as usize..][..len].to_vec(),
            (false, Rest::Old) => continue,
            (false, Rest::Zeros) => vec![0; len],
            (false, Rest::Garbage) => (0..len).map(|_| entropy.next_u64() as u8).collect(),
        };
        pieces.push((from, piece));
    }
    Fate::Torn(pieces)
}
