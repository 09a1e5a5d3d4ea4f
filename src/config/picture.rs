//! A picture of the place where something is wrong.
