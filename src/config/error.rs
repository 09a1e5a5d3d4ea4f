//! Why there is no configuration.

use std::io;
use std::path::PathBuf;

use super::yaml;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("open {}: {}", path.display(), go_words(source))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is wrong.
    #[error(transparent)]
    Invalid(#[from] yaml::Error),
}

/// An error of the operating system in the words of Go.
pub(crate) fn go_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "is a directory".to_owned(),
        _ => error.to_string(),
    }
}
