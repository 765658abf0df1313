//! The domain of Keytender: what a key is, when it was last used, what is wrong with it and what
//! to do about it.
//!
//! Nothing here touches the world: no files, no network, no environment, no async and no clock
//! (`now` is a parameter everywhere). That is what lets an audit, a server and a test agree.
//!
//! - [`akm`]: descriptors, which say how a provider's keys are managed
//! - [`apis_json`]: indexes of APIs, read as they are found, checked and written
//! - [`time`]: moments and lengths of time
//! - [`id`]: ids of what Keytender keeps
//! - [`inventory`]: what is remembered of keys, and what a new listing changes in it
//! - [`owner`]: who answers for a key
//! - [`key`]: accounts, principals, keys, states and last use
//! - [`report`]: credential reports and plain CSV files, read record by record
//! - [`policy`]: rules, exceptions and what a key breaks
//! - [`rotation`]: one key replaced by another, step by step
//! - [`steps`]: what to do about a key, in words and command lines
//! - [`notice`]: who is told of a key, when, and in which words
//! - [`text`]: other people's text, made safe to print
//! - [`secret`]: texts that must not be seen
//! - [`token`]: tokens, made and read; what is kept of them
//! - [`access`]: who may do what
//! - [`imported`]: keys that others issued, and what is kept of them

pub mod access;
pub mod akm;
pub mod apis_json;
pub mod colour;
pub mod conform;
pub mod id;
pub mod imported;
pub mod inventory;
pub mod key;
pub mod notice;
pub mod owner;
pub mod policy;
pub mod report;
pub mod rotation;
pub mod secret;
pub mod steps;
pub mod text;
pub mod time;
pub mod token;
