//! What the files of the server stand on: a plain directory, unless somebody puts something else there.

use std::sync::Arc;

use anyhow::Result;

use super::nemesis::Nemesis;
use super::recorder::Recorder;

/// What is told to whoever provides the data directory of a run.
pub(crate) trait Ground: Send + Sync {
    /// Nothing is started yet.
    fn begin(&self, recorder: &Arc<Recorder>, nemesis: &Arc<Nemesis>) -> Result<()>;

    /// The server is ready, and will be killed: faults may come.
    fn up(&self);

    /// The server is being started, and is to be killed before it is ready. Whether the ground does that: then
    /// it does so at [`Moment::Starting`](super::nemesis::Moment::Starting).
    fn strikes_at_a_start(&self) -> bool;

    /// The server is gone, and another will be started at once.
    fn between_lives(&self) -> Result<()>;

    /// The run is over, and no server is left.
    fn end(&self) -> Result<()>;
}

/// A plain directory, to which nothing happens.
#[derive(Debug)]
pub(crate) struct Plain;

impl Ground for Plain {
    fn begin(&self, _: &Arc<Recorder>, _: &Arc<Nemesis>) -> Result<()> {
        Ok(())
    }

    fn up(&self) {}

    fn strikes_at_a_start(&self) -> bool {
        false
    }

    fn between_lives(&self) -> Result<()> {
        Ok(())
    }

    fn end(&self) -> Result<()> {
        Ok(())
    }
}
