//! What can be asked, one file a resource.

pub(super) mod accounts;
pub(super) mod acts;
pub(super) mod apis;
pub(super) mod apps;
pub(super) mod catalog;
pub(super) mod channels;
pub(super) mod destinations;
pub(super) mod exposures;
pub(super) mod findings;
pub(super) mod imports;
pub(super) mod issued;
pub(super) mod key_imports;
pub(super) mod keys;
pub(super) mod log;
pub(super) mod me;
pub(super) mod notices;
pub(super) mod owners;
pub(super) mod policy;
pub(super) mod principals;
pub(super) mod providers;
pub(super) mod reports;
pub(super) mod rotations;
pub(super) mod suggestions;
pub(super) mod tasks;
pub(super) mod tokens;
pub(super) mod users;
