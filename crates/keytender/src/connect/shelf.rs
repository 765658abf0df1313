//! The shelf: the descriptors of providers that come with the program.

use std::sync::Arc;

use keytender_core::akm::{Descriptor, Fault};

/// Each provider's name and the text of its descriptor, by name.
const SHELF: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/shelf.rs"));

/// The names of the providers on the shelf.
pub fn names() -> impl Iterator<Item = &'static str> {
    SHELF.iter().map(|(name, _)| *name)
}

/// The text of a provider's descriptor.
pub fn text(provider: &str) -> Option<&'static str> {
    SHELF.iter().find(|(name, _)| *name == provider).map(|(_, text)| *text)
}

/// A provider's descriptor; `None` where there is none of this name.
///
/// # Errors
/// Everything that is wrong with it: a test keeps the shelf right.
pub fn find(provider: &str) -> Result<Option<Arc<Descriptor>>, Vec<Fault>> {
    let Some(text) = text(provider) else { return Ok(None) };
    Descriptor::parse(text).map(|read| Some(Arc::new(read.descriptor)))
}
