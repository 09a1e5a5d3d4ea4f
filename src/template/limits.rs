//! What one rendering of the server may use.
//!
//! Alertmanager has no such limits: there a template that loops for ever takes a core until the
//! process is killed, and one that doubles a string at every turn takes the memory. The numbers
//! are far above what notifications need (a default mail of 10,000 alerts, which no mail server
//! would take, stays below half of the steps and of what may be made) and low enough that the worst
//! template ends in seconds and does not endanger the alerts of others.

use gotemplate::Limits;

/// 64 MiB of output. A default mail takes some 3 kB an alert, so this is a mail of 20,000 alerts;
/// mail servers stop at 25 to 50 MB and every chat service far below.
pub const MAX_OUTPUT_BYTES: usize = 64 << 20;

/// 256 MiB of strings, lists and maps made on the way, together. The default mail makes about as
/// many bytes on the way as it writes.
pub const MAX_MADE_BYTES: usize = 256 << 20;

/// 20 million steps: the endless loop ends after a second or two. A default mail of 10,000 alerts
/// takes less than half of that.
pub const MAX_STEPS: u64 = 20_000_000;

/// Nested calls of templates: Go's own number, which its error text names.
pub const MAX_TEMPLATE_DEPTH: usize = 100_000;

/// What one rendering may use on a server.
pub const SERVER: Limits = Limits {
    max_output_bytes: MAX_OUTPUT_BYTES,
    max_made_bytes: MAX_MADE_BYTES,
    max_steps: MAX_STEPS,
    max_template_depth: MAX_TEMPLATE_DEPTH,
};
