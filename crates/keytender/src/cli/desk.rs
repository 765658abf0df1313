//! Where a command is done: on the inventory here, or by a server.
//!
//! Each method is one use case. Here it is done by `app`, there by the operation of the API that does
//! the same; what comes back is the same view, so that a command prints the same.

use crate::app::inventory::Inventory;
use crate::client::Client;

mod accounts;
mod apis;
mod apps;
mod catalog;
mod channels;
mod issued;
mod keys;
mod log;
mod notices;
mod owners;
mod policy;
mod report;
mod rotations;
mod scan;
mod tasks;
mod users;

pub(super) use channels::NewChannel;
pub(super) use report::WhichReport;
pub(super) use rotations::WhichRotations;
pub(super) use users::UserChange;

/// Where a command is done.
#[derive(Debug)]
pub(super) enum Desk<'d> {
    /// On the inventory here.
    Here(&'d Inventory),
    /// By a server.
    There(&'d Client),
}
