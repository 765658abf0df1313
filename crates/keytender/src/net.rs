//! How the outside is reached: settings that every connector shares, the guarded client for places
//! that people or documents name, and documents of strangers.

#[cfg(feature = "aws")]
pub mod aws;
pub mod fetch;
pub mod outbound;
pub mod site;
