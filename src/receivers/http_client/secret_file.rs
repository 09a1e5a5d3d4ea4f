//! Secrets in files.

use std::path::PathBuf;
use std::sync::Arc;

use super::error::describe;
use crate::sys::Files;

/// The most that a file with a secret, a URL, a key or certificates may hold. The certificates of a
/// whole system are some 250 kB.
pub const SECRET_BYTES_MAX: u64 = 4 << 20;

/// Reads a file on a thread that may wait: a file system may hang where a socket cannot.
///
/// # Errors
/// Go's text.
pub(super) async fn read(files: &Arc<dyn Files>, path: &str) -> Result<Vec<u8>, String> {
    let (files, owned) = (files.clone(), PathBuf::from(path));
    let reading = tokio::task::spawn_blocking(move || files.read(&owned, SECRET_BYTES_MAX));
    match reading.await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => Err(format!("open {path}: {}", describe(&error))),
        Err(_) => Err(format!("open {path}: it could not be read")),
    }
}

/// Reads a secret, without the white space around it.
///
/// # Errors
/// Go's text, or that it is no text.
pub async fn read_secret(files: &Arc<dyn Files>, path: &str) -> Result<String, String> {
    let bytes = read(files, path).await?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(_) => Err(format!("read {path}: it is no UTF-8 text")),
    }
}
