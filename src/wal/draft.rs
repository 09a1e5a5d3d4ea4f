//! A batch in the form it has on disk, encoded for one place in the log.
//!
//! ```text
//! begin(position) ─► BatchStart ─► push, push, … ─► end: the last frame is marked ─► written
//! ```
//!
//! Encoding needs nothing of the disk, so that the next batch can be encoded while this one is being
//! synced: for the position that the log will have *if* this one succeeds. Nothing of a draft is
//! written before its position has come true; if it never does (the batch before was refused, or the
//! segment has changed), the records are encoded again.
//!
//! **Invariant:** the claim in a draft's `BatchStart` is that of its position, and is therefore true
//! when the draft is written.

use super::control::Control;
use super::frame::{FLAG_LAST_OF_BATCH, FrameCodec, FrameDraft, Link, frame_bytes};
use super::ids::{Lsn, Salt};
use super::writer::NewRecord;
use crate::sys::WallTime;

/// The frame of a `BatchStart`: two numbers of 8 bytes.
pub(crate) const BATCH_START_BYTES: usize = frame_bytes(16);

/// Where the next batch goes, and what it continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// The salt of the segment.
    pub(crate) salt: Salt,
    /// The LSN of the batch's first frame.
    pub(crate) next: Lsn,
    /// The payload CRC of the record before.
    pub(crate) link: Link,
    /// Everything up to this LSN is durable.
    pub(crate) durable: Lsn,
}

/// A batch of frames.
#[derive(Debug)]
pub(crate) struct Draft {
    at: Position,
    codec: FrameCodec,
    frames: Vec<u8>,
    next: Lsn,
    link: Link,
    /// Where the last frame begins, and how many bytes it has without padding.
    last_frame: (usize, usize),
}

impl Draft {
    /// A batch without records yet, to be written at that position; the room of `frames` is used.
    pub(crate) fn begin(mut frames: Vec<u8>, at: Position, wall: WallTime) -> Self {
        frames.clear();
        let mut draft = Self {
            at,
            codec: FrameCodec::new(at.salt),
            frames,
            next: at.next,
            link: at.link,
            last_frame: (0, 0),
        };
        draft.push(&NewRecord::of(&Control::BatchStart {
            durable: at.durable,
            wall,
        }));
        debug_assert_eq!(draft.frames.len(), BATCH_START_BYTES);
        draft
    }

    /// Adds a record.
    pub(crate) fn push(&mut self, record: &NewRecord) {
        let begin = self.frames.len();
        let frame = FrameDraft {
            link: self.link,
            lsn: self.next,
            record_type: record.record_type,
            schema: record.schema,
            flags: 0,
            payload: &record.payload,
        };
        self.link = self.codec.append(&mut self.frames, &frame);
        self.next = self.next.next();
        self.last_frame = (begin, record.payload.len());
    }

    /// Marks the last record as the last of the batch.
    pub(crate) fn end(&mut self) {
        let (begin, payload_bytes) = self.last_frame;
        let frame = &mut self.frames[begin..];
        self.link = self.codec.mark(frame, payload_bytes, FLAG_LAST_OF_BATCH);
    }

    /// The position it was encoded for.
    pub(crate) fn at(&self) -> Position {
        self.at
    }

    /// The LSN of the last record.
    pub(crate) fn last(&self) -> Lsn {
        self.next.previous()
    }

    /// The position behind it, once it is durable. Right only after [`Draft::end`].
    pub(crate) fn after(&self) -> Position {
        Position {
            salt: self.at.salt,
            next: self.next,
            link: self.link,
            durable: self.last(),
        }
    }

    /// The frames.
    pub(crate) fn frames(&self) -> &[u8] {
        &self.frames
    }

    /// Gives the room back.
    pub(crate) fn into_frames(self) -> Vec<u8> {
        self.frames
    }
}
