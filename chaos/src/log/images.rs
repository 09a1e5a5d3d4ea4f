//! Every state that a power loss could leave.
//!
//! | dimension        | values                                                                         |
//! |------------------|--------------------------------------------------------------------------------|
//! | point            | after every operation of the disk                                              |
//! | unsynced pages   | all subsets of up to 2^10; beyond that prefixes, suffixes, single losses, random |
//! | tear             | each page cut at every 512 bytes, and at every byte of the first and last 64   |
//! | torn-off part    | the old bytes, zeros, ones, garbage                                            |
//! | names            | all subsets of unsynced creations, renames, removals                           |
//! | length           | an extension kept without its bytes, or lost with them                         |

use tocsin::sys::{CrashModel, Entropy, Fate, Fill, Image, SeededEntropy};

const SECTOR_BYTES: usize = 512;
const EDGE_BYTES: u64 = 64;

/// How much is tried at each point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// Up to this many pending pieces of data, all subsets are tried.
    pub pieces_exhaustive_max: usize,
    /// Up to this many pending names, all subsets are tried.
    pub names_exhaustive_max: usize,
    /// Random subsets beyond that.
    pub random_subsets: u64,
    /// Whether pieces are torn as well.
    pub tears: bool,
}

impl Depth {
    /// Everything: for short workloads.
    pub const FULL: Depth = Depth {
        pieces_exhaustive_max: 10,
        names_exhaustive_max: 6,
        random_subsets: 256,
        tears: true,
    };

    /// Subsets only: for crashes within recovery, of which there are many more.
    pub const SUBSETS: Depth = Depth {
        tears: false,
        ..Depth::FULL
    };

    /// For long workloads, in which what failed syncs left in doubt piles up.
    pub const LONG: Depth = Depth {
        pieces_exhaustive_max: 4,
        names_exhaustive_max: 3,
        random_subsets: 12,
        tears: true,
    };
}

/// Calls `visit` with every image of the model's present moment, until it fails.
pub fn each_image<E>(
    model: &CrashModel,
    depth: Depth,
    seed: u64,
    visit: &mut dyn FnMut(&Image) -> Result<(), E>,
) -> Result<u64, E> {
    let mut count = 0;
    let mut try_image = |image: &Image| {
        count += 1;
        visit(image)
    };
    let entropy = SeededEntropy::new(seed);
    let names = subsets(
        model.pending_names().len(),
        depth.names_exhaustive_max,
        depth.random_subsets,
        &entropy,
    );
    let pieces = subsets(
        model.pending_writes().len(),
        depth.pieces_exhaustive_max,
        depth.random_subsets,
        &entropy,
    );
    let all_names = |_: usize| true;
    for kept in &pieces {
        let fate = |at: usize| if kept[at] { Fate::Kept } else { Fate::Lost };
        for named in &names {
            try_image(&model.materialise(|at| named[at], fate))?;
        }
    }
    if !depth.tears {
        return Ok(count);
    }
    for (torn, piece) in model.pending_writes().iter().enumerate() {
        let len = piece.len();
        if piece.is_clean() {
            // It was torn at the point at which its sync failed.
            continue;
        }
        if piece.is_zero_fill() {
            // A part of the filling, and the length without the bytes, which are zeros anyway.
            for keep_to in [len / 3, len / 2] {
                let fate = tear(torn, 0, keep_to, Fill::Zeros);
                try_image(&model.materialise(all_names, fate))?;
            }
            continue;
        }
        let garbage = entropy.next_u64();
        for fill in [Fill::Old, Fill::Zeros, Fill::Ones, Fill::Garbage(garbage)] {
            for cut in (0..=len).step_by(SECTOR_BYTES) {
                try_image(&model.materialise(all_names, tear(torn, 0, cut, fill)))?;
                try_image(&model.materialise(all_names, tear(torn, cut, len, fill)))?;
            }
        }
        let edges = (1..EDGE_BYTES.min(len)).chain(len.saturating_sub(EDGE_BYTES).max(1)..len);
        for cut in edges {
            try_image(&model.materialise(all_names, tear(torn, 0, cut, Fill::Old)))?;
            try_image(&model.materialise(all_names, tear(torn, cut, len, Fill::Garbage(garbage))))?;
        }
    }
    Ok(count)
}

/// One piece torn, the pieces before it kept, those behind it too.
fn tear(torn: usize, keep_from: u64, keep_to: u64, fill: Fill) -> impl FnMut(usize) -> Fate {
    move |at| {
        if at == torn {
            Fate::Torn {
                keep_from,
                keep_to,
                fill,
            }
        } else {
            Fate::Kept
        }
    }
}

/// Subsets of `len` things: all of them, or a selection when there are too many.
fn subsets(
    len: usize,
    exhaustive_max: usize,
    random: u64,
    entropy: &dyn Entropy,
) -> Vec<Vec<bool>> {
    if len <= exhaustive_max {
        return (0..1_u64 << len)
            .map(|bits| (0..len).map(|at| bits >> at & 1 == 1).collect())
            .collect();
    }
    let mut chosen = Vec::new();
    for cut in 0..=len {
        chosen.push((0..len).map(|at| at < cut).collect());
        chosen.push((0..len).map(|at| at >= cut).collect());
    }
    for lost in 0..len {
        chosen.push((0..len).map(|at| at != lost).collect());
    }
    for _ in 0..random {
        chosen.push((0..len).map(|_| entropy.below(2) == 1).collect());
    }
    chosen
}
