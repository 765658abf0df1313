//! Providers: the only modules that call them; and others who prove something: where people sign in, who scans for
//! our keys.

#[cfg(feature = "aws")]
pub mod aws;
pub mod descriptor;
pub mod openid;
pub mod scanning;
pub mod shelf;
