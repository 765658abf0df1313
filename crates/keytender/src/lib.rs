//! Keytender's program: everything that touches the world.
//!
//! Modules may use only those to their left:
//! `clock, error ← net ← store, connect, notify ← app ← cli ← main`; `keytender_core` is left of all.
//!
//! - `clock`: the one place that reads the time
//! - `error`: what could not be done, and what to do now
//! - `net`: how the outside is reached
//! - `store`: the inventory, in SQLite or PostgreSQL
//! - `connect`: providers
//! - `notify`: notices by mail, web hooks and chats
//! - `app`: the use cases, one file each
//! - `cli`: the command line

pub mod app;
pub mod cli;
pub mod clock;
pub mod connect;
pub mod error;
pub mod net;
pub mod notify;
pub mod store;
