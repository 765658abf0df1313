//! Keytender's program: everything that touches the world.
//!
//! Modules may use only those to their left:
//! `clock, error ← config ← net ← store, connect, deliver, notify ← app ← task ← http, client ← cli ← main`; `keytender_core` is
//! left of all.
//!
//! - `clock`: the one place that reads the time
//! - `error`: what could not be done, and what to do now
//! - `config`: what the surroundings say
//! - `net`: how the outside is reached
//! - `store`: the inventory, in SQLite or PostgreSQL
//! - `connect`: providers
//! - `deliver`: where held secrets are used, and put there
//! - `notify`: notices by mail, web hooks and chats
//! - `app`: the use cases, one file each
//! - `task`: what a server does by itself, again and again
//! - `http`: the server; `client`: its other end
//! - `cli`: the command line

pub mod app;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod connect;
pub mod deliver;
pub mod error;
pub mod http;
pub mod net;
pub mod notify;
pub mod store;
pub mod task;
