//! How the outside is reached: settings that every connector shares, and the guarded client for places
//! that people or documents name.

#[cfg(feature = "aws")]
pub mod aws;
pub mod outbound;
