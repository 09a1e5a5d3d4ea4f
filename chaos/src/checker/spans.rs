//! Spans of time, and what is left of a window beside them.

use crate::history::At;

/// From the first moment on, until just before the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub(super) from: At,
    pub(super) to: At,
}

impl Span {
    pub(super) fn new(from: At, to: At) -> Self {
        Self { from, to }
    }

    pub(super) fn contains(self, at: At) -> bool {
        self.from <= at && at < self.to
    }

    pub(super) fn meets(self, other: Self) -> bool {
        self.from < other.to && other.from < self.to
    }

    fn ms(self) -> u64 {
        self.to.ms_since(self.from)
    }
}

/// The parts of the window that no span covers, in order.
pub(super) fn free(window: Span, spans: &[Span]) -> Vec<Span> {
    let mut spans = spans.to_vec();
    spans.sort_unstable();
    let mut parts = Vec::new();
    let mut from = window.from;
    for span in spans {
        if span.from > from {
            parts.push(Span::new(from, span.from.min(window.to)));
        }
        from = from.max(span.to);
        if from >= window.to {
            break;
        }
    }
    parts.push(Span::new(from, window.to));
    parts.retain(|part| part.from < part.to);
    parts
}

/// The length of the longest such part, in milliseconds.
pub(super) fn longest_free_ms(window: Span, spans: &[Span]) -> u64 {
    let parts = free(window, spans);
    parts.into_iter().map(Span::ms).max().unwrap_or(0)
}

/// The length of all such parts.
pub(super) fn free_ms(window: Span, spans: &[Span]) -> u64 {
    free(window, spans).into_iter().map(Span::ms).sum()
}
