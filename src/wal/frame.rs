//! One record on disk.
//!
//! ```text
//! offset size
//!      0    4  header CRC-32   over salt ‖ bytes 4..28
//!      4    4  payload CRC-32  over salt ‖ bytes 8..28 ‖ payload
//!      8    4  payload length in bytes, 1 ..= PAYLOAD_BYTES_MAX (0: never written)
//!     12    4  link: payload CRC-32 of the record before (0: there is none)
//!     16    8  LSN
//!     24    1  record type
//!     25    1  payload schema version
//!     26    1  flags: 1 = last record of its batch; other bits zero
//!     27    1  zero
//!     28    n  payload
//!          ..  zeros up to a multiple of 8
//! ```
//!
//! Little endian; frames start at multiples of 8. The order of the fields makes both checksums run
//! over one contiguous range each.
//!
//! **Invariants**
//! * The length is believed only after the header CRC: no allocation follows a flipped bit.
//! * A frame can be verified on its own (the link is in it), so what lies behind a damaged place can
//!   still be read; and it is chained: its CRC covers the link, so that a record can be neither
//!   dropped, repeated, swapped nor left over from a batch that was given up.
//! * The salt binds a frame to this file.

use crc32fast::Hasher;

use super::ids::{Lsn, RecordType, Salt};
use crate::bugs::{Bug, planted};

/// Bytes before the payload.
pub const FRAME_HEADER_BYTES: usize = 28;

/// Frames start at multiples of this.
pub const FRAME_ALIGN: usize = 8;

/// The longest payload. A request body is limited to less; recovery holds at most one in memory.
pub const PAYLOAD_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Marks the last record of a batch.
pub const FLAG_LAST_OF_BATCH: u8 = 1;

const _: () = assert!(FRAME_ALIGN.is_power_of_two());
const _: () = assert!(PAYLOAD_BYTES_MAX < u32::MAX as usize);

/// The payload CRC of a record: the next record's link.
pub type Link = u32;

/// The fields of a frame header that passed its CRC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// CRC over header fields and payload.
    pub payload_crc: u32,
    /// Payload length in bytes.
    pub payload_bytes: usize,
    /// The payload CRC of the record before.
    pub link: Link,
    /// The record's place in the log.
    pub lsn: Lsn,
    /// What kind of record it is.
    pub record_type: RecordType,
    /// The version of the payload's layout.
    pub schema: u8,
    /// [`FLAG_LAST_OF_BATCH`] or 0.
    pub flags: u8,
}

impl FrameHeader {
    /// The whole frame's length, padding included.
    #[must_use]
    pub fn frame_bytes(&self) -> usize {
        frame_bytes(self.payload_bytes)
    }
}

/// The length of a frame with that payload, padding included.
#[must_use]
pub const fn frame_bytes(payload_bytes: usize) -> usize {
    (FRAME_HEADER_BYTES + payload_bytes).next_multiple_of(FRAME_ALIGN)
}

/// Writes and checks frames of one segment.
#[derive(Debug, Clone)]
pub struct FrameCodec {
    /// A hasher that has already taken the salt.
    salted: Hasher,
}

/// What a frame says, before it has checksums.
#[derive(Debug, Clone, Copy)]
pub struct FrameDraft<'a> {
    /// The payload CRC of the record before.
    pub link: Link,
    /// The record's place in the log.
    pub lsn: Lsn,
    /// What kind of record it is.
    pub record_type: RecordType,
    /// The version of the payload's layout.
    pub schema: u8,
    /// [`FLAG_LAST_OF_BATCH`] or 0.
    pub flags: u8,
    /// The payload.
    pub payload: &'a [u8],
}

impl FrameCodec {
    /// A codec for the segment with that salt.
    #[must_use]
    pub fn new(salt: Salt) -> Self {
        let mut salted = Hasher::new();
        if !planted(Bug::NoSalt) {
            salted.update(&salt.0.to_le_bytes());
        }
        Self { salted }
    }

    /// Appends the frame to `out` and returns its payload CRC, the link of the next one.
    ///
    /// The caller has checked the payload's length against [`PAYLOAD_BYTES_MAX`].
    pub fn append(&self, out: &mut Vec<u8>, draft: &FrameDraft<'_>) -> Link {
        debug_assert!(!draft.payload.is_empty() && draft.payload.len() <= PAYLOAD_BYTES_MAX);
        debug_assert_eq!(out.len() % FRAME_ALIGN, 0);
        let start = out.len();
        let payload_bytes = u32::try_from(draft.payload.len()).unwrap_or(u32::MAX);
        let link = if planted(Bug::NoChain) { 0 } else { draft.link };
        let mut header = [0; FRAME_HEADER_BYTES];
        header[8..12].copy_from_slice(&payload_bytes.to_le_bytes());
        header[12..16].copy_from_slice(&link.to_le_bytes());
        header[16..24].copy_from_slice(&draft.lsn.0.to_le_bytes());
        header[24..28].copy_from_slice(&[draft.record_type.0, draft.schema, draft.flags, 0]);
        out.extend_from_slice(&header);
        out.extend_from_slice(draft.payload);
        let payload_crc = self.seal(&mut out[start..]);
        out.resize(start + frame_bytes(draft.payload.len()), 0);
        payload_crc
    }

    /// Sets flags in the frame at the start of `frame` and returns its new payload CRC.
    pub(crate) fn mark(&self, frame: &mut [u8], payload_bytes: usize, flags: u8) -> Link {
        frame[26] |= flags;
        self.seal(&mut frame[..FRAME_HEADER_BYTES + payload_bytes])
    }

    /// Sets both checksums, in place, so that each runs once over one range.
    fn seal(&self, frame: &mut [u8]) -> Link {
        let mut hasher = self.salted.clone();
        hasher.update(&frame[8..]);
        let payload_crc = hasher.finalize();
        frame[4..8].copy_from_slice(&payload_crc.to_le_bytes());
        let header_crc = self.header_crc(&frame[..FRAME_HEADER_BYTES]);
        frame[0..4].copy_from_slice(&header_crc.to_le_bytes());
        payload_crc
    }

    fn header_crc(&self, header: &[u8]) -> u32 {
        let mut hasher = self.salted.clone();
        #[cfg(feature = "bug-hooks")]
        if planted(Bug::LengthNotInCrc) {
            hasher.update(&header[4..8]);
            hasher.update(&header[12..FRAME_HEADER_BYTES]);
            return hasher.finalize();
        }
        hasher.update(&header[4..FRAME_HEADER_BYTES]);
        hasher.finalize()
    }

    /// The header at the start of `bytes`, or what is wrong with it.
    ///
    /// # Errors
    /// The reason why these bytes are no frame header of this segment.
    pub fn header(&self, bytes: &[u8]) -> Result<FrameHeader, Broken> {
        let Some(header) = bytes.first_chunk::<FRAME_HEADER_BYTES>() else {
            return Err(Broken::PastEnd);
        };
        if header.iter().all(|byte| *byte == 0) {
            return Err(Broken::Unwritten);
        }
        let payload_bytes = u32_at(header, 8) as usize;
        // Cheap refusals first: a scan over garbage asks this for every eighth byte.
        if header[27] != 0 || header[26] & !FLAG_LAST_OF_BATCH != 0 {
            return Err(Broken::Header);
        }
        if payload_bytes == 0 || payload_bytes > PAYLOAD_BYTES_MAX {
            #[cfg(feature = "bug-hooks")]
            if planted(Bug::ZeroIsEnd) && payload_bytes == 0 {
                return Err(Broken::Unwritten);
            }
            return Err(Broken::Header);
        }
        if self.header_crc(header) != u32_at(header, 0) {
            return Err(Broken::Header);
        }
        Ok(FrameHeader {
            payload_crc: u32_at(header, 4),
            payload_bytes,
            link: u32_at(header, 12),
            lsn: Lsn(u64_at(header, 16)),
            record_type: RecordType(header[24]),
            schema: header[25],
            flags: header[26],
        })
    }

    /// Whether the payload of the frame at the start of `frame` is what its header says.
    /// `frame` must hold the whole frame.
    #[must_use]
    pub fn payload_holds(&self, header: &FrameHeader, frame: &[u8]) -> bool {
        let mut hasher = self.salted.clone();
        // One contiguous range: the header from the length on, and the payload behind it.
        hasher.update(&frame[8..FRAME_HEADER_BYTES + header.payload_bytes]);
        hasher.finalize() == header.payload_crc
    }
}

/// Why bytes are not the frame that was expected there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Broken {
    /// Nothing was ever written there: all zero.
    Unwritten,
    /// The header's checksum, length, flags or reserved byte are wrong.
    Header,
    /// The payload's checksum is wrong.
    Payload,
    /// A sound frame, but with another LSN than its place demands.
    Sequence,
    /// A sound frame that does not continue the one before it.
    Chain,
    /// The frame would reach past the end of the file.
    PastEnd,
    /// The record says something that the log itself never writes.
    Control,
    /// The device reported a read error there.
    Unreadable,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unwritten => "zeros where a record was written",
            Self::Header => "the record's header does not match its checksum",
            Self::Payload => "the record's payload does not match its checksum",
            Self::Sequence => "a record of another place stands here",
            Self::Chain => "the record does not continue the one before it",
            Self::PastEnd => "the file ends inside the record",
            Self::Control => "the record's contents are impossible",
            Self::Unreadable => "the device cannot read this place",
        })
    }
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut field = [0; 4];
    field.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(field)
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut field = [0; 8];
    field.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(field)
}
