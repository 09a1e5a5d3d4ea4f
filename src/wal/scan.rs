//! The recovery scan: reads every record that counts, in order, and tells the torn tail of a batch
//! that nobody was told about from damage to records that somebody relies on.
//!
//! Let *x* be the first LSN that cannot be read, and *D* the highest LSN that is *proven* to have
//! been durable: claimed by any sound control record anywhere, also behind *x*; by the header of a
//! segment (its predecessor's last LSN); or by a whole checkpoint.
//!
//! ```text
//!  S  the next segment begins at or before x: the rest of this one was replaced and is not read
//!  E  last segment, D < x, zeros from there on          the normal end
//!  T  last segment, D < x, not only zeros               a batch torn while being written: dropped
//!  C  D >= x, but a checkpoint has the effect of every record up to the next readable one
//!  M  D >= x otherwise                                  acknowledged records are gone
//! ```
//!
//! Why *D* decides: a batch is written only after the batch before it was synced, and says so. So a
//! sound claim of an LSN >= x proves that x was once on disk, and its absence is damage; while a
//! crash in mid-write leaves no such claim. The one thing that cannot be told apart is damage to the
//! last synced batch with nothing written after it; heartbeats bound that to seconds.
//!
//! Memory is constant: one window of the file, one record, the positions of one batch.

use std::path::PathBuf;

use super::control::{CONTROL_SCHEMA, Control};
use super::error::OpenError;
use super::frame::{Broken, FRAME_ALIGN, FRAME_HEADER_BYTES, FrameCodec, FrameHeader, Link};
use super::ids::{Lsn, RecordType, Salt};
use super::report::{Cause, Class, Damage, ScanReport, SegmentSummary, TornTail};
use super::segment::FRAMES_OFFSET;
use super::view::{Segment, View};
use super::window::Window;
use crate::bugs::{Bug, planted};
use crate::sys::WallTime;

/// What to do behind damage that no checkpoint covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behind {
    /// Hand on nothing more: the start will be refused.
    Stop,
    /// Hand on every record that is sound: a salvage, or a look.
    HandOn,
}

/// A record as the scan hands it on.
#[derive(Debug)]
pub struct Scanned<'a> {
    /// Its place in the log.
    pub lsn: Lsn,
    /// Its kind.
    pub record_type: RecordType,
    /// The version of its payload's layout.
    pub schema: u8,
    /// Flags of its frame.
    pub flags: u8,
    /// Its payload.
    pub payload: &'a [u8],
    /// What it says, if it is one of the log's own.
    pub control: Option<Control>,
    /// The segment it is in.
    pub segment: &'a Segment,
    /// Where its frame begins in that file.
    pub offset: u64,
}

/// Receives what a scan finds, as it finds it.
pub trait Visitor {
    /// A record that counts. Records come in LSN order.
    ///
    /// # Errors
    /// Ends the scan.
    fn record(&mut self, record: &Scanned<'_>) -> Result<(), OpenError>;

    /// So many bytes of segments are behind us.
    fn progress(&mut self, _bytes: u64) {}
}

impl<F: FnMut(&Scanned<'_>) -> Result<(), OpenError>> Visitor for F {
    fn record(&mut self, record: &Scanned<'_>) -> Result<(), OpenError> {
        self(record)
    }
}

/// Where the log goes on, for the one who continues it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Continuation {
    /// Where the first record above the proven LSN begins in the last segment, if there is one.
    pub(crate) suspect_from: Option<u64>,
    /// Where the last readable record ends in the last segment.
    pub(crate) end_offset: u64,
    /// The payload CRC of the record at the proven LSN, if it was read.
    pub(crate) durable_link: Option<Link>,
}

/// A scan's result.
#[derive(Debug, Clone)]
pub(crate) struct Scan {
    pub(crate) report: ScanReport,
    pub(crate) continuation: Continuation,
}

/// Looks at a log without continuing it.
///
/// # Errors
/// The visitor's. Whatever is wrong with the log is in the report.
pub fn inspect(
    view: &View,
    behind: Behind,
    visitor: &mut dyn Visitor,
) -> Result<ScanReport, OpenError> {
    scan(view, behind, visitor).map(|scan| scan.report)
}

/// Reads the whole log.
///
/// # Errors
/// The visitor's. Whatever is wrong with the log is in the report.
pub(crate) fn scan(
    view: &View,
    behind: Behind,
    visitor: &mut dyn Visitor,
) -> Result<Scan, OpenError> {
    let mut scanner = Scanner::new(view, behind, visitor);
    let mut buffer = Vec::new();
    for at in 0..view.segments.len() {
        buffer = scanner.segment(at, buffer)?;
    }
    Ok(scanner.finish())
}

/// One sound frame.
struct Frame {
    header: FrameHeader,
    control: Option<Control>,
}

/// What lies behind a place that cannot be read.
struct Beyond {
    /// The first sound frame with a higher LSN than the missing one: where, and which.
    next: Option<(u64, Lsn)>,
    /// The end of the last eight bytes that are not zero.
    nonzero_end: u64,
    /// Whether the device failed on any of it.
    is_unreadable: bool,
}

struct Scanner<'a> {
    view: &'a View,
    behind: Behind,
    visitor: &'a mut dyn Visitor,
    report: ScanReport,
    /// The payload CRC of the last record read; `None` after damage.
    link: Option<Link>,
    /// Set by the first damage that is not covered.
    is_refused: bool,
    /// LSN, offset and CRC of the records of the last segment above the proven LSN.
    suspects: Vec<(Lsn, u64, Link)>,
    durable_link: Option<Link>,
    /// When the batch was begun of which no other record has been read yet.
    batch_at: Option<WallTime>,
    end_offset: u64,
}

impl<'a> Scanner<'a> {
    fn new(view: &'a View, behind: Behind, visitor: &'a mut dyn Visitor) -> Self {
        let base = view.base();
        let report = ScanReport {
            store: view.identity.id,
            class: Class::CleanEnd,
            base,
            durable: base,
            next: view
                .segments
                .first()
                .map_or(base.next(), |segment| segment.first.min(base.next())),
            records: 0,
            record_bytes: 0,
            segments: Vec::with_capacity(view.segments.len()),
            void: view
                .void
                .iter()
                .map(|segment| segment.path.clone())
                .collect(),
            damage: Vec::new(),
            torn: None,
            given_up: Vec::new(),
            checkpoints: view.checkpoints.clone(),
            last_type: None,
            last_alive: None,
        };
        Self {
            view,
            behind,
            visitor,
            report,
            link: None,
            is_refused: false,
            suspects: Vec::new(),
            durable_link: None,
            batch_at: None,
            end_offset: FRAMES_OFFSET,
        }
    }

    fn finish(mut self) -> Scan {
        if self.view.segments.is_empty() {
            let first = self.report.base.next();
            let path = super::layout::wal_dir().to_path_buf();
            self.damage(path, 0, None, first, None, Cause::SegmentMissing);
        }
        // The checkpoint may prove more than the claims in the log did while it was read.
        self.prove(Lsn::ZERO);
        self.report.next = self.report.next.max(self.report.durable.next());
        let continuation = Continuation {
            suspect_from: self.suspects.first().map(|(_, offset, _)| *offset),
            end_offset: self.end_offset,
            durable_link: self.durable_link,
        };
        Scan {
            report: self.report,
            continuation,
        }
    }

    fn segment(&mut self, at: usize, buffer: Vec<u8>) -> Result<Vec<u8>, OpenError> {
        let view = self.view;
        let segment = &view.segments[at];
        let limit = view.segments.get(at + 1).map(|next| next.first.previous());
        self.suspects.clear();
        self.durable_link = None;
        self.end_offset = FRAMES_OFFSET;
        self.check_continuity(at, segment);
        self.report.segments.push(SegmentSummary {
            path: segment.path.clone(),
            seq: segment.seq,
            first: segment.first,
            last: segment.first.previous(),
            records: 0,
            end_offset: FRAMES_OFFSET,
            file_bytes: segment.file_bytes,
            salt: segment.header.ok().map(|header| header.salt),
            leftover_bytes: 0,
            is_damaged: false,
        });
        // A segment is made only when everything before it is durable.
        self.prove(segment.first.previous());
        self.prove(limit.unwrap_or(Lsn::ZERO));
        let header = match segment.header {
            Ok(header) => header,
            Err(cause) => {
                self.damage(segment.path.clone(), 0, None, segment.first, limit, cause);
                self.link = None;
                self.report.next = limit.map_or(self.report.next, Lsn::next);
                return Ok(buffer);
            }
        };
        self.durable_link = Some(header.previous_link);
        self.link = Some(header.previous_link);
        let mut window = Window::new(segment.file.as_ref(), segment.file_bytes, buffer);
        let codec = FrameCodec::new(header.salt);
        self.frames(segment, &codec, limit, header.file_bytes, &mut window)?;
        self.visitor.progress(segment.file_bytes);
        Ok(window.into_buffer())
    }

    /// Checks that the segment begins where the one before it ends, and says so itself.
    fn check_continuity(&mut self, at: usize, segment: &Segment) {
        if segment.first > self.report.next && !planted(Bug::GapIgnored) {
            let (first, last) = (self.report.next, segment.first.previous());
            self.damage(
                segment.path.clone(),
                0,
                None,
                first,
                Some(last),
                Cause::SegmentMissing,
            );
        }
        self.report.next = segment.first;
        let Some(previous) = at.checked_sub(1).and_then(|at| self.view.segments.get(at)) else {
            return;
        };
        let (Ok(header), Ok(before)) = (segment.header, previous.header) else {
            return;
        };
        // After damage the link is not known, and a seal over damage says so by naming no salt.
        let Some(link) = self.link else { return };
        if header.previous_salt == Salt::NONE || planted(Bug::SealNotChecked) {
            return;
        }
        if (header.previous_salt, header.previous_link) != (before.salt, link) {
            let last = segment.first.previous();
            self.damage(segment.path.clone(), 0, None, last, Some(last), Cause::Seal);
        }
    }

    fn frames(
        &mut self,
        segment: &Segment,
        codec: &FrameCodec,
        limit: Option<Lsn>,
        made_bytes: u64,
        window: &mut Window<'_>,
    ) -> Result<(), OpenError> {
        let mut offset = FRAMES_OFFSET;
        let mut knows_claims_beyond = false;
        let is_wanted = |next: Lsn| limit.is_none_or(|limit| next <= limit);
        while is_wanted(self.report.next) || planted(Bug::CutWithoutSeal) {
            let broken = match self.frame(codec, window, offset) {
                Ok(frame) => {
                    offset = self.accept(segment, window, offset, frame)?;
                    continue;
                }
                Err(Broken::Unwritten) if !is_wanted(self.report.next) => break,
                Err(broken) => broken,
            };
            let beyond = self.look_beyond(codec, window, offset, limit, knows_claims_beyond);
            knows_claims_beyond = true;
            match self.judge(segment, offset, broken, &beyond, limit, made_bytes) {
                Some(resume) => offset = resume,
                None => return Ok(()),
            }
        }
        let leftover_bytes = nonzero_bytes(window, offset);
        if leftover_bytes > 0 && limit.is_some() {
            self.report.class = self.report.class.max(Class::Sealed);
        }
        let summary = self.report.segments.last_mut();
        summary
            .into_iter()
            .for_each(|it| it.leftover_bytes = leftover_bytes);
        Ok(())
    }

    /// The frame at `offset`, if it is the one that has to stand there.
    fn frame(
        &self,
        codec: &FrameCodec,
        window: &mut Window<'_>,
        offset: u64,
    ) -> Result<Frame, Broken> {
        let frame = sound_frame(codec, window, offset)?;
        let header = frame.header;
        let first = match frame.control {
            Some(Control::Lost { from, to }) if from <= to && to == header.lsn => from,
            Some(Control::Lost { .. }) => return Err(Broken::Control),
            _ => header.lsn,
        };
        if first != self.report.next {
            return Err(Broken::Sequence);
        }
        let is_chained = self.link.is_none_or(|link| link == header.link);
        if !is_chained && !planted(Bug::NoChain) {
            return Err(Broken::Chain);
        }
        Ok(frame)
    }

    /// Takes a record into account, hands it on, and returns where the next one begins.
    fn accept(
        &mut self,
        segment: &Segment,
        window: &Window<'_>,
        offset: u64,
        frame: Frame,
    ) -> Result<u64, OpenError> {
        let Frame { header, control } = frame;
        let end = offset + header.frame_bytes() as u64;
        self.suspects.push((header.lsn, offset, header.payload_crc));
        self.link = Some(header.payload_crc);
        self.report.next = header.lsn.next();
        self.report.records += 1;
        self.report.record_bytes += header.frame_bytes() as u64;
        self.report.last_type = Some(header.record_type);
        self.end_offset = end;
        if let Some(summary) = self.report.segments.last_mut() {
            summary.last = header.lsn;
            summary.records += 1;
            summary.end_offset = end;
        }
        self.note_life(control.as_ref());
        if let Some(control) = &control {
            self.take_note(control);
        }
        if self.is_refused && self.behind == Behind::Stop {
            return Ok(end);
        }
        let bytes = window.held(offset, header.frame_bytes());
        self.visitor.record(&Scanned {
            lsn: header.lsn,
            record_type: header.record_type,
            schema: header.schema,
            flags: header.flags,
            payload: &bytes[FRAME_HEADER_BYTES..FRAME_HEADER_BYTES + header.payload_bytes],
            control,
            segment,
            offset,
        })?;
        Ok(end)
    }

    /// A process that begins to come up is no sign of life, nor is the batch that says so: if it is killed
    /// before it has recorded what the downtime changes, the downtime goes on. Where the clock was set
    /// back, the last sign of life is not the latest.
    fn note_life(&mut self, control: Option<&Control>) {
        let known = self.report.last_alive;
        self.report.last_alive = match control {
            Some(Control::BatchStart { wall, .. }) => {
                self.batch_at = Some(*wall);
                known
            }
            Some(Control::Boot { wall, .. }) if !planted(Bug::BootIsAlive) => {
                self.batch_at = None;
                known.or(Some(*wall))
            }
            other => {
                let begun = self.batch_at.take();
                let at = other.and_then(Control::wall).or(begun);
                #[cfg(feature = "bug-hooks")]
                if planted(Bug::LatestIsAlive) {
                    self.report.last_alive = at.max(known);
                    return;
                }
                at.or(known)
            }
        };
    }

    fn take_note(&mut self, control: &Control) {
        if let Some(claim) = control.durable_claim() {
            self.prove(claim);
        }
        if let Control::Lost { from, to } = control {
            self.report.given_up.push((*from, *to));
        }
    }

    fn prove(&mut self, claim: Lsn) {
        self.report.durable = self.report.durable.max(claim);
        let durable = self.report.durable;
        let proven = self.suspects.partition_point(|(lsn, ..)| *lsn <= durable);
        if proven > 0 {
            let (lsn, _, link) = self.suspects[proven - 1];
            self.durable_link = (lsn == durable).then_some(link);
            self.suspects.drain(..proven);
        } else if self.report.next <= durable {
            // The record at the proven LSN was not read.
            self.durable_link = None;
        }
    }

    /// Searches the rest of the segment for sound frames, each on its own, and for claims in them.
    fn look_beyond(
        &mut self,
        codec: &FrameCodec,
        window: &mut Window<'_>,
        hole: u64,
        limit: Option<Lsn>,
        first_is_enough: bool,
    ) -> Beyond {
        let end = window.file_bytes();
        let missing = self.report.next;
        let is_expected = |lsn: Lsn| lsn > missing && limit.is_none_or(|limit| lsn <= limit);
        let mut beyond = Beyond {
            next: None,
            nonzero_end: hole,
            is_unreadable: false,
        };
        let mut offset = hole;
        let mut claim = Lsn::ZERO;
        while offset < end {
            let head = window.get(offset, FRAME_ALIGN);
            if head.iter().all(|byte| *byte == 0) {
                offset += FRAME_ALIGN as u64;
                continue;
            }
            beyond.nonzero_end = end.min(offset + FRAME_ALIGN as u64);
            match sound_frame(codec, window, offset) {
                Ok(frame) => {
                    let first = first_lsn(&frame);
                    if beyond.next.is_none() && is_expected(first) {
                        beyond.next = Some((offset, first));
                    }
                    claim = claim.max(
                        frame
                            .control
                            .and_then(|c| c.durable_claim())
                            .unwrap_or_default(),
                    );
                    offset += frame.header.frame_bytes() as u64;
                    beyond.nonzero_end = end.min(offset);
                }
                Err(_) => offset += FRAME_ALIGN as u64,
            }
            if first_is_enough && beyond.next.is_some() {
                break;
            }
        }
        let searched_to = beyond.next.map_or(end, |(offset, _)| offset);
        beyond.is_unreadable = window.is_unreadable(hole..searched_to);
        if !planted(Bug::ClaimsBeyondHoleIgnored) {
            self.prove(claim);
        }
        beyond
    }

    /// Decides what a place that cannot be read means. Returns where reading goes on, if it does.
    fn judge(
        &mut self,
        segment: &Segment,
        offset: u64,
        broken: Broken,
        beyond: &Beyond,
        limit: Option<Lsn>,
        made_bytes: u64,
    ) -> Option<u64> {
        let missing = self.report.next;
        let is_short = segment.file_bytes < made_bytes && !planted(Bug::LengthMismatchIgnored);
        let is_end = limit.is_none() && self.report.durable < missing;
        let is_lost = beyond.is_unreadable || is_short && beyond.next.is_none();
        if is_end && !is_lost {
            self.end(segment, offset, broken, beyond);
            return None;
        }
        let resumed = beyond.next.filter(|_| !(is_end && is_short));
        let cause = match (limit, resumed) {
            _ if beyond.is_unreadable => Cause::Frame(Broken::Unreadable),
            (None, None) if is_short => Cause::ShortFile,
            (Some(_), None) if broken == Broken::Unwritten && self.names_another(segment) => {
                Cause::SegmentMissing
            }
            _ => Cause::Frame(broken),
        };
        let last = match resumed {
            Some((_, next)) => Some(next.previous()),
            None if is_end || is_short && limit.is_none() => None,
            None => Some(limit.unwrap_or(self.report.durable)),
        };
        let offset_end = resumed.map(|(offset, _)| offset);
        self.damage(
            segment.path.clone(),
            offset,
            offset_end,
            missing,
            last,
            cause,
        );
        self.link = None;
        if let Some((resume, next)) = resumed {
            self.report.next = next;
            return Some(resume);
        }
        self.report.next = last.map_or(missing, Lsn::next);
        None
    }

    fn end(&mut self, segment: &Segment, offset: u64, broken: Broken, beyond: &Beyond) {
        let is_clean = broken == Broken::Unwritten
            && (beyond.nonzero_end == offset || planted(Bug::ZeroIsEnd));
        if is_clean {
            return;
        }
        self.report.class = self.report.class.max(Class::TornTail);
        self.report.torn = Some(TornTail {
            path: segment.path.clone(),
            offset,
            lsn: self.report.next,
            bytes: beyond.nonzero_end - offset,
            broken,
        });
    }

    /// Whether the next segment names another predecessor than this one.
    fn names_another(&self, segment: &Segment) -> bool {
        let at = self.report.segments.len();
        let next = self.view.segments.get(at).and_then(|next| next.header.ok());
        match (segment.header, next) {
            (Ok(header), Some(next)) => next.previous_salt != header.salt,
            _ => false,
        }
    }

    fn damage(
        &mut self,
        path: PathBuf,
        offset: u64,
        offset_end: Option<u64>,
        first: Lsn,
        last: Option<Lsn>,
        cause: Cause,
    ) {
        let is_covered = last.is_some_and(|last| last <= self.report.base);
        let class = if is_covered {
            Class::Covered
        } else {
            Class::Damaged
        };
        self.report.class = self.report.class.max(class);
        self.is_refused |= !is_covered;
        if let Some(summary) = self
            .report
            .segments
            .last_mut()
            .filter(|summary| summary.path == path)
        {
            summary.is_damaged = true;
        }
        self.report.damage.push(Damage {
            path,
            offset,
            offset_end,
            first,
            last,
            cause,
            is_covered,
        });
    }
}

/// The first LSN that a frame stands for.
fn first_lsn(frame: &Frame) -> Lsn {
    match frame.control {
        Some(Control::Lost { from, .. }) => from,
        _ => frame.header.lsn,
    }
}

/// The frame at `offset` if all its checksums hold, whatever its place in the log.
fn sound_frame(codec: &FrameCodec, window: &mut Window<'_>, offset: u64) -> Result<Frame, Broken> {
    window.load(offset, FRAME_HEADER_BYTES);
    let header = match codec.header(window.held(offset, FRAME_HEADER_BYTES)) {
        Ok(header) => header,
        Err(broken) => {
            let end = offset + FRAME_HEADER_BYTES as u64;
            return Err(if window.is_unreadable(offset..end) {
                Broken::Unreadable
            } else {
                broken
            });
        }
    };
    window.load(offset, header.frame_bytes());
    let bytes = window.held(offset, header.frame_bytes());
    if bytes.len() < FRAME_HEADER_BYTES + header.payload_bytes {
        return Err(Broken::PastEnd);
    }
    if !codec.payload_holds(&header, bytes) {
        let end = offset + header.frame_bytes() as u64;
        return Err(if window.is_unreadable(offset..end) {
            Broken::Unreadable
        } else {
            Broken::Payload
        });
    }
    if !header.record_type.is_control() {
        return Ok(Frame {
            header,
            control: None,
        });
    }
    let payload = &bytes[FRAME_HEADER_BYTES..FRAME_HEADER_BYTES + header.payload_bytes];
    let control = Control::decode(header.record_type, payload);
    if header.schema != CONTROL_SCHEMA || control.is_none() {
        return Err(Broken::Control);
    }
    Ok(Frame { header, control })
}

/// Bytes from `from` to the end that are not zero.
fn nonzero_bytes(window: &mut Window<'_>, from: u64) -> u64 {
    const STEP: usize = 4096;
    let (mut offset, mut count) = (from, 0);
    while offset < window.file_bytes() {
        let bytes = window.get(offset, STEP);
        if bytes.iter().any(|byte| *byte != 0) {
            count += bytes.iter().filter(|byte| **byte != 0).count() as u64;
        }
        offset += bytes.len() as u64;
    }
    count
}
