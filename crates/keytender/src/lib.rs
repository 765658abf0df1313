//! Keytender's program: everything that touches the world.
//!
//! Modules may use only those to their left:
//! `clock, error ← net ← connect ← app ← cli ← main`; `keytender_core` is left of all.
//!
//! - `clock`: the one place that reads the time
//! - `error`: what could not be done, and what to do now
//! - `net`: how the outside is reached
//! - `connect`: providers
//! - `app`: the use cases, one file each
//! - `cli`: the command line

pub mod app;
pub mod cli;
pub mod clock;
pub mod connect;
pub mod error;
pub mod net;
