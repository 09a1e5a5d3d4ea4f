//! File operations made of several calls, each in the one order that survives a crash.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::error::OpenError;
use super::layout;
use crate::bugs::{Bug, planted};
use crate::sys::{Access, Disk, DiskFile};

/// Writes all of `bytes`, over short writes and interruptions.
///
/// # Errors
/// The first error of the disk; part of the bytes may then be written.
pub(crate) fn write_all(file: &dyn DiskFile, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.pwrite(offset, bytes) {
            Ok(0) => {
                return Err(io::Error::new(
                    io::ErrorKind::WriteZero,
                    "the disk takes no more bytes",
                ));
            }
            Ok(written) if written == bytes.len() || planted(Bug::ShortWriteIgnored) => {
                return Ok(());
            }
            Ok(written) => {
                offset += written as u64;
                bytes = &bytes[written..];
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads until `buffer` is full or the file ends, and returns how many bytes were read.
///
/// # Errors
/// The first error of the disk.
pub(crate) fn read_full(file: &dyn DiskFile, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(offset + filled as u64, &mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Whether the error says that there is no room, or no file handle: it may pass by itself.
pub(crate) fn is_no_room(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    ) || matches!(error.raw_os_error(), Some(ENFILE | EMFILE))
}

/// Attaches the operation and the path to an error of the disk.
pub(crate) fn at<'a>(
    disk: &'a dyn Disk,
    operation: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> OpenError + 'a {
    move |source| OpenError::Io {
        operation,
        path: disk.display(path),
        source,
    }
}

/// Opens a file for reading, or `None` when there is none.
///
/// # Errors
/// Whatever else the disk reports.
pub(crate) fn open_existing(
    disk: &dyn Disk,
    path: &Path,
) -> Result<Option<Arc<dyn DiskFile>>, OpenError> {
    match disk.open(path, Access::Read) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(disk, "open", path)(error)),
    }
}

/// Reads a file that is known to be small; of one that is larger than `bytes_max`, one byte more
/// than that, which tells.
///
/// # Errors
/// Whatever the disk reports.
pub(crate) fn read_small(
    disk: &dyn Disk,
    path: &Path,
    bytes_max: usize,
) -> Result<Option<Vec<u8>>, OpenError> {
    let Some(file) = open_existing(disk, path)? else {
        return Ok(None);
    };
    let mut bytes = vec![0; bytes_max + 1];
    let read = read_full(file.as_ref(), 0, &mut bytes).map_err(at(disk, "read", path))?;
    bytes.truncate(read);
    Ok(Some(bytes))
}

/// Gives a small file its contents, so that after a crash it has the old ones or the new ones: write
/// beside it, sync, rename, sync the directory.
///
/// # Errors
/// Whatever the disk reports; the old contents are then still in place, or the new ones are.
pub(crate) fn replace(disk: &dyn Disk, path: &Path, contents: &[u8]) -> Result<(), OpenError> {
    let tmp = layout::tmp_path(path);
    remove_if_there(disk, &tmp)?;
    let file = disk.create(&tmp).map_err(at(disk, "create", &tmp))?;
    write_all(file.as_ref(), 0, contents).map_err(at(disk, "write", &tmp))?;
    file.fdatasync().map_err(at(disk, "sync", &tmp))?;
    disk.rename(&tmp, path).map_err(at(disk, "rename", &tmp))?;
    sync_parent(disk, path)
}

/// Removes a file; one that is not there is no error.
///
/// # Errors
/// Whatever else the disk reports.
pub(crate) fn remove_if_there(disk: &dyn Disk, path: &Path) -> Result<(), OpenError> {
    match disk.unlink(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(at(disk, "remove", path)(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Makes the names beside `path` durable.
///
/// # Errors
/// Whatever the disk reports.
pub(crate) fn sync_parent(disk: &dyn Disk, path: &Path) -> Result<(), OpenError> {
    let dir = path.parent().unwrap_or(layout::root_dir());
    disk.sync_dir(dir)
        .map_err(at(disk, "sync the directory", dir))
}
