//! The use cases, one file each.

pub mod accounts;
pub mod audit;
#[cfg(feature = "aws")]
mod aws;
pub mod evaluate;
pub mod inventory;
pub mod keys;
pub mod owners;
pub mod sync;
mod warnings;
