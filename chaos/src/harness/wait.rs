//! Waiting for something to become so.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep};

/// How often it is looked. Short against everything that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Looks until there is something, at most that long.
///
/// # Errors
/// That it did not come in time.
pub(crate) async fn until<T>(
    what: &str,
    patience: Duration,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> Result<T> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look().await {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            bail!("waited {} s in vain for {what}", patience.as_secs());
        }
        sleep(LOOK_EVERY).await;
    }
}
