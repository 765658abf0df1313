//! API Key Management (AKM): the document that says how one provider's keys are listed, made,
//! suspended, rotated and deleted, and when they were last used.
//!
//! A descriptor is data, and may come from a stranger: it has no code, what it may fill in where is
//! checked when it is read, and it never names the secret that it is used with. Here it is read and
//! turned into calls, and answers into keys; calls are made elsewhere.

mod call;
mod check;
mod checksum;
mod document;
pub mod draft;
mod key_type;
mod needs;
mod operation;
mod place;
mod pointer;
mod read;
#[cfg(feature = "schema")]
mod schema;
mod stamp;
mod template;

pub use call::{Call, CallBody, Given, NoCall, Values, headers, is_host};
pub use checksum::Checksum;
pub use document::{
    Asserted, Authentication, Conformance, Descriptor, EventScheme, Events, Links, Method, Notices,
    Provider, Resource, ResourceKind, Scheme, Source, Variable, Version,
};
pub use key_type::{
    Absent, Display, Expires, Format, KeyKind, KeyType, LastUsed, Lifetime, Limits, OwnerKind,
    Presentation, PresentedIn, Rotation, RotationMode,
};
pub use operation::{
    Arg, Body, Effect, FieldName, HttpMethod, Operation, OperationName, Paging, Refusal, Request,
    Retry, Sent, Size,
};
pub use place::{Fault, Place, Placed};
pub use pointer::Pointer;
pub use read::{
    Entry, Field, ListedKey, ListedUse, Odd, StateRule, fingerprint, is_fingerprint, text,
};
#[cfg(feature = "schema")]
pub use schema::schema;
pub use stamp::TimeFormat;
pub use template::{Name, Part, Template};

/// The longest descriptor, in bytes: the longest that we know of has 30,000.
pub const MAX_BYTES: usize = 262_144;

/// A descriptor that was read and checked.
#[derive(Clone, Debug)]
pub struct Read {
    /// What it says.
    pub descriptor: Descriptor,
    /// What is odd about it, and can be lived with.
    pub warnings: Vec<Fault>,
}

impl Descriptor {
    /// Reads a descriptor in YAML or JSON, and checks all of it.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the text; one thing where the text is not
    /// even of the shape.
    pub fn parse(text: &str) -> Result<Read, Vec<Fault>> {
        if text.len() > MAX_BYTES {
            let message = format!("a descriptor has at most {MAX_BYTES} bytes");
            return Err(vec![Fault::new(Place::default(), message)]);
        }
        let options = serde_saphyr::options! {
            strict_booleans: true,
            // A text that looks like a number stands in quotes: every reader of YAML then reads the same.
            no_schema: true,
            with_snippet: false,
            budget: serde_saphyr::budget! {
                max_depth: 40,
                max_nodes: 20_000,
                max_aliases: 0,
                max_anchors: 0,
                max_documents: 1,
            },
        };
        let descriptor: Self =
            serde_saphyr::from_str_with_options(text, options).map_err(|error| {
                let place = error.location().map(Place::from).unwrap_or_default();
                let message = error.without_snippet().to_string();
                // The place stands in the fault; the library writes it behind the message too.
                let said = format!(" at line {}, column {}", place.line, place.column);
                let message = message.strip_suffix(&said).unwrap_or(&message);
                vec![Fault::new(place, message)]
            })?;
        let warnings = check::check(&descriptor)?;
        Ok(Read { descriptor, warnings })
    }
}

#[cfg(test)]
mod tests;
