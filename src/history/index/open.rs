//! The open chunk: what came last, still in memory, where the same said again becomes one entry.
//!
//! It is written every minute or so, and stays open for hours: so a hundred thousand alerts that are sent
//! again every minute are a hundred thousand entries in six hours, and not a hundred million.
//!
//! **Touches.** Nearly all that a busy server is told is that an alert still fires. What that changes of the
//! last entry of the alert, its [`Course`], is kept beside the entries, and the entry is brought up to it
//! when somebody looks ([`Open::current`], [`Open::settle`]): a touch decodes and encodes nothing.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use smallvec::smallvec;

use super::chunk::{CHUNK_BYTES_MAX, CHUNK_SUBJECTS_MAX, Draft, Item, Subjects};
use super::storage::Fault;
use crate::history::{Course, Entry, Touch};
use crate::record::{decode_part, encode_part_into};
use crate::sys::WallTime;

/// Entries that are kept in memory: some 250 bytes of it each, 32 MB at most, and one for each of a hundred thousand
/// alerts.
const ITEMS_MAX: usize = 128 * 1024;

/// Bytes of encoded entries that are kept in memory.
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// How long it is filled: also what goes on and on gets an entry of its own from time to time.
const AGE_MAX_NS: i64 = 6 * 60 * 60 * 1_000_000_000;

/// See the module header.
#[derive(Debug)]
pub struct Open {
    items: Vec<Item>,
    /// How each of them goes on.
    courses: Vec<Ongoing>,
    /// First subjects and places of items, in the order of subjects and then positions; without the latest
    /// items until the next [`Self::settle`].
    order: Vec<(u64, usize)>,
    /// The place of the last entry of each first subject. Subjects are hashes: another one of the simplest kind
    /// is enough.
    last: HashMap<u64, usize, RandomState>,
    /// Where the entries of one record's touches are; kept for its memory.
    places: Vec<Option<usize>>,
    /// An entry that is being encoded; kept for its memory.
    buffer: Vec<u8>,
    bytes: usize,
    /// The earliest time, and the latest until which an entry lasts.
    times: Option<(i64, i64)>,
}

/// How an entry goes on, while it is the last one of its subject.
#[derive(Debug, Clone, Copy)]
struct Ongoing {
    /// If it is about the end of an alert.
    course: Option<Course>,
    /// Whether the item does not know that yet.
    is_ahead: bool,
}

impl Ongoing {
    fn of(entry: &Entry) -> Self {
        Self {
            course: Course::of(entry),
            is_ahead: false,
        }
    }

    /// Brings the item up to the course; `bytes` is the sum that its size is in.
    fn settle(
        &mut self,
        item: &mut Item,
        bytes: &mut usize,
        buffer: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        if self.is_ahead {
            go_on(&item.entry, self.course, buffer)?;
            replace(item, buffer, bytes);
            self.is_ahead = false;
        }
        Ok(())
    }
}

/// Gives an item another entry; `bytes` is the sum that its size is in. One of the same length, which it nearly
/// always is, takes its place: a hundred thousand small pieces of memory freed and taken again at each writing would
/// leave holes between those of the requests that come meanwhile.
fn replace(item: &mut Item, entry: &[u8], bytes: &mut usize) {
    *bytes = (*bytes + entry.len()).saturating_sub(item.entry.len());
    if item.entry.len() == entry.len() {
        item.entry.copy_from_slice(entry);
    } else {
        item.entry = entry.into();
    }
}

/// An encoded entry with another course, in the buffer.
fn go_on(encoded: &[u8], course: Option<Course>, buffer: &mut Vec<u8>) -> Result<(), Fault> {
    let mut entry = decode(encoded)?;
    if let Some(course) = course {
        course.put(&mut entry);
    }
    encode_into(buffer, &entry)
}

/// Encodes an entry in the place of what is in the buffer.
fn encode_into(buffer: &mut Vec<u8>, entry: &Entry) -> Result<(), Fault> {
    buffer.clear();
    encode_part_into(buffer, entry).map_err(|error| Fault::Reported(error.to_string()))
}

/// Reads an entry.
///
/// # Errors
/// That it is none.
pub fn decode(bytes: &[u8]) -> Result<Entry, Fault> {
    decode_part("entry", bytes).map_err(|error| Fault::Lied(error.to_string()))
}

impl Default for Open {
    /// Room for all that comes is taken at once, which costs nothing before it is used: what grows by doubling leaves
    /// holes of half its size.
    fn default() -> Self {
        Self {
            items: Vec::with_capacity(ITEMS_MAX),
            courses: Vec::with_capacity(ITEMS_MAX),
            order: Vec::with_capacity(ITEMS_MAX),
            last: HashMap::default(),
            places: Vec::new(),
            buffer: Vec::new(),
            bytes: 0,
            times: None,
        }
    }
}

impl Open {
    /// Nothing is in it any more; its memory is kept.
    pub fn clear(&mut self) {
        self.items.clear();
        self.courses.clear();
        self.order.clear();
        self.last.clear();
        (self.bytes, self.times) = (0, None);
    }

    /// Takes in what was read from storage.
    ///
    /// # Errors
    /// That an entry is none.
    pub fn restore(&mut self, mut items: Vec<Item>) -> Result<(), Fault> {
        items.sort_by_key(Item::position);
        for item in items {
            let entry = decode(&item.entry)?;
            self.push(item, &entry);
        }
        Ok(())
    }

    fn push(&mut self, item: Item, entry: &Entry) {
        let (from, to) = self.times.unwrap_or((item.at.0, entry.until.0));
        self.times = Some((from.min(item.at.0), to.max(entry.until.0)));
        self.bytes += item.size_bytes();
        if let Some(subject) = item.subjects.first() {
            self.last.insert(*subject, self.items.len());
        }
        self.items.push(item);
        self.courses.push(Ongoing::of(entry));
    }

    /// Adds an entry, unless the last one of its first subject takes it in: one that is found wherever this
    /// one would be.
    ///
    /// # Errors
    /// That it cannot be encoded.
    pub fn add(&mut self, subjects: Subjects, entry: &Entry) -> Result<(), Fault> {
        let last = subjects.first().and_then(|it| self.last.get(it).copied());
        if let Some(place) = last
            && let Some(item) = self.items.get_mut(place)
            && let Some(ongoing) = self.courses.get_mut(place)
        {
            // Whatever comes next, it will not be the last one with a course of its own any more.
            ongoing.settle(item, &mut self.bytes, &mut self.buffer)?;
            let mut before = decode(&item.entry)?;
            let is_found_there = subjects.iter().all(|it| item.subjects.contains(it));
            if is_found_there && before.absorb(entry) {
                encode_into(&mut self.buffer, &before)?;
                replace(item, &self.buffer, &mut self.bytes);
                *ongoing = Ongoing::of(&before);
                self.lasts_until(before.until);
                return Ok(());
            }
        }
        encode_into(&mut self.buffer, entry)?;
        let item = Item {
            lsn: entry.position.lsn,
            place: entry.position.place,
            at: entry.position.at,
            subjects,
            entry: self.buffer.as_slice().into(),
        };
        self.push(item, entry);
        Ok(())
    }

    /// Adds touches, each with the hash of its alert, as [`Self::add`] their entries. Whatever has an alert as its
    /// first subject stands under the tenant too: so the last entry is found wherever this one would be.
    ///
    /// # Errors
    /// That one cannot be encoded.
    pub fn touch(
        &mut self,
        tenant: u64,
        touches: impl Iterator<Item = (u64, Touch)> + Clone,
    ) -> Result<(), Fault> {
        // What is looked up here is seldom in a cache. With nothing else in between, the processor waits for
        // several at a time: that takes two thirds of looking each up when it is its turn.
        let mut places = std::mem::take(&mut self.places);
        places.clear();
        let alerts = touches.clone().map(|(alert, _)| alert);
        places.extend(alerts.map(|it| self.last.get(&it).copied()));
        let mut has_added = false;
        for ((alert, touch), place) in touches.zip(places.iter().copied()) {
            // What was added since may be its last entry.
            let place = match has_added {
                true => self.last.get(&alert).copied(),
                false => place,
            };
            if !place.is_some_and(|place| self.absorb(place, &touch)) {
                self.add(smallvec![alert, tenant], &touch.entry())?;
                has_added = true;
            }
        }
        self.places = places;
        Ok(())
    }

    /// Whether an entry goes on with a touch.
    fn absorb(&mut self, place: usize, touch: &Touch) -> bool {
        if let Some(ongoing) = self.courses.get_mut(place)
            && let Some(course) = &mut ongoing.course
            && course.absorb(touch)
        {
            ongoing.is_ahead = true;
            let until = course.until;
            self.lasts_until(until);
            return true;
        }
        false
    }

    fn lasts_until(&mut self, until: WallTime) {
        if let Some((_, to)) = &mut self.times {
            *to = until.0.max(*to);
        }
    }

    /// Whether it is time for a new one.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let is_old = |(from, to): (i64, i64)| to.saturating_sub(from) > AGE_MAX_NS;
        self.items.len() >= ITEMS_MAX || self.bytes >= BYTES_MAX || self.times.is_some_and(is_old)
    }

    /// How many entries there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.items.len()
    }

    /// Entries as they are now.
    ///
    /// # Errors
    /// That one cannot be read, which it can.
    pub fn current(&self, is_wanted: impl Fn(&Item) -> bool) -> Result<Vec<Item>, Fault> {
        let (mut found, mut buffer) = (Vec::new(), Vec::new());
        for (place, item) in self.items.iter().enumerate() {
            if !is_wanted(item) {
                continue;
            }
            let mut item = item.clone();
            if let Some(ongoing) = self.courses.get(place).filter(|it| it.is_ahead) {
                go_on(&item.entry, ongoing.course, &mut buffer)?;
                item.entry = buffer.as_slice().into();
            }
            found.push(item);
        }
        Ok(found)
    }

    /// Brings all entries up to their courses, and into order.
    ///
    /// # Errors
    /// That one cannot be encoded.
    pub fn settle(&mut self) -> Result<(), Fault> {
        for (item, ongoing) in self.items.iter_mut().zip(&mut self.courses) {
            ongoing.settle(item, &mut self.bytes, &mut self.buffer)?;
        }
        let known = self.order.len();
        let latest = self.items.iter().enumerate().skip(known);
        let latest = latest.map(|(place, item)| (item.subjects.first().copied(), place));
        let latest = latest.map(|(subject, place)| (subject.unwrap_or_default(), place));
        self.order.extend(latest);
        let items = &self.items;
        let position = |place: usize| items.get(place).map(Item::position);
        // Nearly all of it is in order already, which this kind of sorting makes use of.
        self.order.sort_by(|one, other| {
            let by_subject = one.0.cmp(&other.0);
            by_subject.then_with(|| position(one.1).cmp(&position(other.1)))
        });
        Ok(())
    }

    /// As chunks, one after another; [`Self::settle`] comes first.
    pub fn drafts(&self, generation: u64) -> impl Iterator<Item = Draft> {
        let mut items = self.order.iter().filter_map(|it| self.items.get(it.1));
        let mut leaves = 0..u16::MAX;
        let mut next = items.next();
        std::iter::from_fn(move || {
            let first = next.take()?;
            let (mut bytes, mut subjects) = (first.size_bytes(), first.subjects.len());
            let mut chunk = vec![first];
            for item in items.by_ref() {
                bytes += item.size_bytes();
                subjects += item.subjects.len();
                if bytes > CHUNK_BYTES_MAX || subjects > CHUNK_SUBJECTS_MAX {
                    next = Some(item);
                    break;
                }
                chunk.push(item);
            }
            let leaf = leaves.next().unwrap_or(u16::MAX);
            Some(Draft::new(generation, leaf, &chunk))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{End, Position, What};
    use crate::model::Fingerprint;
    use crate::wal::Lsn;

    const ALERT: u64 = 7;
    const TENANT: u64 = 9;

    fn touch(lsn: u64, at: i64, ends_at: i64, is_guess: bool) -> Touch {
        Touch {
            alert: Fingerprint(ALERT),
            end: End {
                at: WallTime(ends_at),
                is_guess,
            },
            position: Position {
                at: WallTime(at),
                lsn: Lsn(lsn),
                place: 0,
            },
        }
    }

    fn received(lsn: u64, at: i64, ends_at: i64) -> Entry {
        let what = What::Received {
            alert: ALERT,
            starts_at: WallTime(1),
            ends_at: WallTime(ends_at),
            is_timeout: true,
            annotations: 1,
            generator_url: 2,
        };
        Entry::new(touch(lsn, at, ends_at, true).position, what)
    }

    /// Everything that sends an alert again can look like: later and earlier, known and new, firing and
    /// ended, with a guessed end and without; now and then in full.
    #[test]
    fn touches_make_the_same_entries_as_what_they_stand_for() {
        let mut random = 1u64;
        let mut draw = |below: u64| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (random >> 33) % below
        };
        let (mut quick, mut slow) = (Open::default(), Open::default());
        let mut looked = Vec::new();
        for step in 1..5_000u64 {
            let lsn = (step + draw(3)).saturating_sub(draw(2) * 2);
            let at = i64::try_from(step * 10 + draw(30)).unwrap();
            let ends_at = at + i64::try_from(draw(40)).unwrap() - 5;
            if draw(20) == 0 {
                let entry = received(lsn, at, ends_at);
                let subjects: Subjects = smallvec![ALERT, 8, TENANT];
                quick.add(subjects.clone(), &entry).unwrap();
                slow.add(subjects, &entry).unwrap();
            } else {
                // Now and then one record has two of the same alert.
                let touches: Vec<(u64, Touch)> = (0..1 + u32::from(draw(9) == 0))
                    .map(|place| {
                        let ends_at = ends_at + i64::try_from(draw(2) * 20).unwrap();
                        let mut touch = touch(lsn, at, ends_at, draw(4) != 0);
                        touch.position.place = place;
                        (ALERT, touch)
                    })
                    .collect();
                quick.touch(TENANT, touches.iter().copied()).unwrap();
                for (_, touch) in &touches {
                    slow.add(smallvec![ALERT, TENANT], &touch.entry()).unwrap();
                }
            }
            match draw(50) {
                0 => quick.settle().unwrap(),
                1 => looked.push((
                    quick.current(|_| true).unwrap(),
                    slow.current(|_| true).unwrap(),
                )),
                _ => {}
            }
        }
        quick.settle().unwrap();
        let is_mixed = slow.count() > 500 && slow.count() < 4_500;
        let differs = looked.iter().find(|(quick, slow)| quick != slow);
        let items = quick
            .items
            .iter()
            .zip(&slow.items)
            .find(|(quick, slow)| quick != slow);
        assert_eq!(
            (
                quick.count(),
                quick.bytes,
                quick.times,
                items,
                differs,
                true
            ),
            (slow.count(), slow.bytes, slow.times, None, None, is_mixed)
        );
    }
}
