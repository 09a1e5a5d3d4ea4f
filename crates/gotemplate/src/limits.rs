//! Limits that Go does not have: how much a template may write, do and nest.
//!
//! All are off by default except that of nested template calls, which is Go's own. A host that
//! runs other people's templates sets them, and a template that loops for ever or doubles a string
//! at every turn then ends in an error instead of the process.

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
    /// Nodes executed and iterations of `range`.
    pub max_steps: u64,
    /// Nested `template` calls. Go's number is the default.
    pub max_template_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_output_bytes: usize::MAX,
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
    /// [`Limits::max_steps`]
    Steps,
    /// A value contains itself, or lists in lists beyond [`MAX_VALUE_DEPTH`].
    Depth,
}

impl fmt::Display for Stop {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Output => "output limit exceeded",
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
