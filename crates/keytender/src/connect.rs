//! Providers: the only modules that call them.

#[cfg(feature = "aws")]
pub mod aws;
pub mod descriptor;
pub mod openid;
pub mod shelf;
