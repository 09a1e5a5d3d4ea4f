//! The identity of a store: the file `STORE`.
//!
//! A short text, so that `cat` tells an operator what the directory is:
//!
//! ```text
//! tocsin store
//! format 1
//! id 2f6c0c9e-7d7e-4c39-9c9e-0f5b7a0d3e11
//! created 2026-11-22T04:38:00Z
//! crc 1a2b3c4d
//! ```
//!
//! The last line is the CRC-32 of everything before it. The file is written once, as the last step
//! of the creation of a store: from then on there is always at least one segment.

use super::error::OpenError;
use super::fileops::{read_small, replace};
use super::ids::StoreId;
use super::layout::store_path;
use super::segment::FORMAT_VERSION;
use crate::sys::{Disk, WallTime};

/// A whole identity file is a third of this.
const STORE_BYTES_MAX: usize = 512;

const FIRST_LINE: &str = "tocsin store";

/// What `STORE` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreIdentity {
    /// Which store.
    pub id: StoreId,
    /// When it was made.
    pub created: WallTime,
}

impl StoreIdentity {
    pub(crate) fn write(&self, disk: &dyn Disk) -> Result<(), OpenError> {
        replace(disk, store_path(), self.encode().as_bytes())
    }

    fn encode(&self) -> String {
        let body = format!(
            "{FIRST_LINE}\nformat {FORMAT_VERSION}\nid {}\ncreated {}\n",
            self.id, self.created
        );
        let crc = crc32fast::hash(body.as_bytes());
        format!("{body}crc {crc:08x}\n")
    }

    /// Reads the identity; `None` when there is no such file.
    ///
    /// # Errors
    /// That the file cannot be read, is damaged, or was written by a later version.
    pub fn read(disk: &dyn Disk) -> Result<Option<Self>, OpenError> {
        let Some(bytes) = read_small(disk, store_path(), STORE_BYTES_MAX)? else {
            return Ok(None);
        };
        let path = || disk.display(store_path());
        let damaged = |reason: &str| OpenError::IdentityDamaged {
            path: disk.display(store_path()),
            reason: reason.to_owned(),
        };
        if bytes.len() > STORE_BYTES_MAX {
            return Err(damaged("it is longer than it can be"));
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| damaged("it is not text"))?;
        let (body, crc) = text
            .rsplit_once("crc ")
            .ok_or_else(|| damaged("it has no checksum"))?;
        let crc = crc.strip_suffix('\n').unwrap_or(crc);
        if crc != format!("{:08x}", crc32fast::hash(body.as_bytes())) {
            return Err(damaged("its checksum does not match"));
        }
        let mut lines = body.lines();
        let mut field = |name: &str| {
            let line = lines.next().unwrap_or_default();
            line.strip_prefix(name)
                .map(str::trim)
                .ok_or_else(|| damaged("a line is missing"))
        };
        field(FIRST_LINE)?;
        let format: u16 = field("format ")?
            .parse()
            .map_err(|_| damaged("no format version"))?;
        if format != FORMAT_VERSION {
            return Err(OpenError::NewerFormat {
                path: path(),
                found: format,
                supported: FORMAT_VERSION,
            });
        }
        let id = field("id ")?
            .parse()
            .map_err(|_| damaged("the id is not a UUID"))?;
        let created: jiff::Timestamp = field("created ")?
            .parse()
            .map_err(|_| damaged("the time is not RFC 3339"))?;
        let created = WallTime(i64::try_from(created.as_nanosecond()).unwrap_or(0));
        Ok(Some(Self {
            id: StoreId(id),
            created,
        }))
    }
}
