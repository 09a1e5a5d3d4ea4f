//! Reading what an operator wrote: configuration, templates, secrets in files.
//!
//! Nothing is ever written through this door; the data directory has its own, [`super::Disk`].
//! Paths are as the operator gave them, absolute or relative to the working directory.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name, without the directory.
    pub name: String,
    /// Whether it is a directory (or a link to one).
    pub is_dir: bool,
}

/// Files to be read, in any place of the file system.
pub trait Files: Send + Sync + fmt::Debug {
    /// The contents of a file.
    ///
    /// # Errors
    /// `FileTooLarge` when it holds more than `bytes_max`; else whatever the file system reports.
    fn read(&self, path: &Path, bytes_max: u64) -> io::Result<Vec<u8>>;

    /// The entries of a directory, sorted by name.
    ///
    /// # Errors
    /// Whatever the file system reports.
    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>>;
}

/// Files in memory, for tests. Directories are those that the paths of the files imply.
#[derive(Debug, Clone, Default)]
pub struct MemoryFiles {
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl MemoryFiles {
    /// These files.
    pub fn new<P: Into<PathBuf>, B: Into<Vec<u8>>>(
        files: impl IntoIterator<Item = (P, B)>,
    ) -> Self {
        Self {
            files: files
                .into_iter()
                .map(|(path, contents)| (path.into(), contents.into()))
                .collect(),
        }
    }
}

impl Files for MemoryFiles {
    fn read(&self, path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
        let contents = self
            .files
            .get(path)
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        if contents.len() as u64 > bytes_max {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        Ok(contents.clone())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let mut entries: Vec<Entry> = self
            .files
            .keys()
            .filter_map(|path| {
                let mut rest = path.strip_prefix(dir).ok()?.components();
                let name = rest.next()?.as_os_str().to_str()?.to_owned();
                let is_dir = rest.next().is_some();
                Some(Entry { name, is_dir })
            })
            .collect();
        entries.sort();
        entries.dedup();
        if entries.is_empty() {
            return Err(io::Error::from(io::ErrorKind::NotFound));
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_lists_its_files_and_the_directories_below_it() {
        let files = MemoryFiles::new([("/a/x.tmpl", "1"), ("/a/b/y.tmpl", "2"), ("/c", "3")]);
        let entry = |name: &str, is_dir| Entry {
            name: name.to_owned(),
            is_dir,
        };
        assert_eq!(
            files.list(Path::new("/a")).unwrap(),
            [entry("b", true), entry("x.tmpl", false)]
        );
    }
}
