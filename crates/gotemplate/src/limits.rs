//! Limits that Go does not have: how much a template may write, do and nest.
//!
//! All are off by default except that of nested template calls, which is Go's own. A host that
//! runs other people's templates sets them, and a template that loops for ever or doubles a string
//! at every turn then ends in an error instead of the process.

use std::cell::Cell;
use std::fmt;

/// What an execution may use.
///
/// ```
/// let limits = gotemplate::Limits { max_steps: 1_000_000, ..gotemplate::Limits::default() };
/// assert_eq!(limits.max_template_depth, 100_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of output, and of any one string made on the way to it.
    pub max_output_bytes: usize,
    /// Bytes of all strings, lists and maps that functions make on the way, together, whether they
    /// are kept or not: what bounds the memory of an execution beside its output.
    pub max_made_bytes: usize,
    /// Nodes executed, iterations of `range`, operands evaluated, and what functions cost beyond
    /// that: a step for each [`BYTES_PER_STEP`] of the strings they are given and of what they
    /// make, and what they ask for themselves ([`crate::Call::spend`]).
    pub max_steps: u64,
    /// Nested `template` calls. Go's number is the default.
    pub max_template_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_output_bytes: usize::MAX,
            max_made_bytes: usize::MAX,
            max_steps: u64::MAX,
            max_template_depth: 100_000,
        }
    }
}

/// The limit that ended an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// [`Limits::max_output_bytes`]
    Output,
    /// [`Limits::max_made_bytes`]
    Made,
    /// [`Limits::max_steps`]
    Steps,
    /// A value contains itself, or lists in lists beyond [`MAX_VALUE_DEPTH`].
    Depth,
}

impl fmt::Display for Stop {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Output => "output limit exceeded",
            Self::Made => "memory limit exceeded",
            Self::Steps => "step limit exceeded",
            Self::Depth => "value nests too deeply",
        })
    }
}

/// How deep a value may nest and still be printed or compared. Go would run out of stack on a list
/// that contains itself; this bound keeps the recursion far from that.
pub const MAX_VALUE_DEPTH: usize = 200;

/// How deep parentheses and control structures may nest in a template. Go allows 10,000
/// parentheses and any number of blocks, on stacks that grow; ours do not, and no one nests as
/// deep as this.
pub const MAX_PARSE_DEPTH: usize = 200;

/// How many bytes a function may read or make for one step. Copying and escaping that much takes
/// about as long as executing a node.
pub const BYTES_PER_STEP: usize = 64;

/// What an execution has used of its limits.
#[derive(Debug)]
pub(crate) struct Budget {
    limits: Limits,
    steps: Cell<u64>,
    made: Cell<usize>,
}

impl Budget {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            steps: Cell::new(0),
            made: Cell::new(0),
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn spend(&self, steps: u64) -> Result<(), Stop> {
        let spent = self.steps.get().saturating_add(steps);
        self.steps.set(spent);
        if spent > self.limits.max_steps {
            return Err(Stop::Steps);
        }
        Ok(())
    }

    /// The steps for working through that many bytes.
    pub(crate) fn read(&self, bytes: usize) -> Result<(), Stop> {
        self.spend(u64::try_from(bytes / BYTES_PER_STEP).unwrap_or(u64::MAX))
    }

    pub(crate) fn make(&self, bytes: usize) -> Result<(), Stop> {
        let made = self.made.get().saturating_add(bytes);
        self.made.set(made);
        if made > self.limits.max_made_bytes {
            return Err(Stop::Made);
        }
        self.read(bytes)
    }
}
