//! How the outside is reached: settings that every connector shares.

#[cfg(feature = "aws")]
pub mod aws;
