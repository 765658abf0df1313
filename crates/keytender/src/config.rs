//! What the program is told by its surroundings: where the inventory is, and who acts.

pub mod actor;
pub mod location;
