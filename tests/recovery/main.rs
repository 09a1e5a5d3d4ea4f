//! Recovery of the log, scenario by scenario. The names begin with the number in the catalogue; what
//! is missing here is listed in `docs/decisions/0003-scenarios-of-later-layers.md`.

mod checkpoints;
mod damage;
mod faults;
mod gate;
mod lifecycle;
mod support;
