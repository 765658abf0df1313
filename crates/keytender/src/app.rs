//! The use cases, one file each.

pub mod accounts;
pub mod acts;
pub mod audit;
#[cfg(feature = "aws")]
mod aws;
pub mod channels;
pub mod codes;
pub(crate) mod csv_row;
pub mod evaluate;
pub mod findings;
pub mod import;
pub mod inventory;
pub mod keys;
pub mod links;
pub mod log;
pub mod mailed;
pub mod notify;
pub mod owners;
pub mod paging;
mod passwords;
pub mod policy;
pub mod principals;
pub mod report;
mod rows;
pub mod secrets;
pub mod sessions;
pub mod sign_in;
pub mod sweep;
pub mod sync;
pub mod tasks;
pub mod ticket;
pub mod tokens;
pub mod turn;
pub mod users;
pub mod view;
mod warnings;
pub mod who;
