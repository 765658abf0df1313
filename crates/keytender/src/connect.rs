//! Providers: the only modules that call them; and others who prove something: where people sign in, who scans for
//! our keys; and indexes of APIs.

#[cfg(feature = "aws")]
pub mod aws;
pub mod descriptor;
pub mod index;
pub mod openid;
pub mod scanning;
pub mod shelf;
