//! The files of this machine, for reading.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use crate::sys::{Entry, Files};

/// The files of this machine.
#[derive(Debug, Default)]
pub struct RealFiles;

impl Files for RealFiles {
    #[expect(
        clippy::disallowed_types,
        reason = "this is where the real files are read"
    )]
    fn read(&self, path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
        let mut contents = Vec::new();
        // One byte more than allowed tells a file of the allowed length from a longer one; lengths
        // that the file system reports are not to be trusted (pipes, `/proc`).
        fs::File::open(path)?
            .take(bytes_max.saturating_add(1))
            .read_to_end(&mut contents)?;
        if contents.len() as u64 > bytes_max {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        Ok(contents)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is where the real files are read"
    )]
    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            // A name that is not UTF-8 cannot stand in a configuration.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let is_dir = fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_dir());
            entries.push(Entry { name, is_dir });
        }
        entries.sort();
        Ok(entries)
    }
}
