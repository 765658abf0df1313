//! The use cases, one file each.

pub mod accounts;
pub mod acts;
pub mod audit;
#[cfg(feature = "aws")]
mod aws;
pub mod channels;
pub mod evaluate;
pub mod import;
pub mod inventory;
pub mod keys;
pub mod log;
pub mod notify;
pub mod owners;
pub mod report;
mod rows;
pub mod secrets;
pub mod sweep;
pub mod sync;
pub mod turn;
mod warnings;
