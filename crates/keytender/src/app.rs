//! The use cases, one file each.

pub mod audit;
