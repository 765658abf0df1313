//! What the program is told by its surroundings: where the inventory is, who acts, where secrets
//! are.

pub mod actor;
pub mod checkpoint;
mod command;
pub mod credential;
mod file;
pub mod location;
pub mod master;
pub mod token;
