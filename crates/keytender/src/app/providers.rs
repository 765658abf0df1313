//! Providers that Keytender knows, and descriptors of others.

use keytender_core::akm::draft::{self, Draft, Given, NoDraft};
use keytender_core::akm::{Descriptor, Fault};
use keytender_core::text::printable;

use super::view::ProviderView;
use crate::connect::shelf;
use crate::error::{Error, Kind};

/// Every provider on the shelf, by name.
///
/// # Errors
/// When one is not understood, which a test keeps from happening.
pub fn list() -> Result<Vec<ProviderView>, Error> {
    shelf::names().map(get).collect()
}

/// A provider on the shelf.
///
/// # Errors
/// When there is none of this name.
pub fn get(id: &str) -> Result<ProviderView, Error> {
    let found = shelf::find(id).map_err(|faults| broken(id, &faults))?;
    let descriptor = found.ok_or_else(|| missing(id))?;
    Ok(ProviderView::of(&descriptor))
}

/// What a descriptor says, and what is odd about it.
///
/// # Errors
/// Everything that is wrong with it, a line each.
pub fn check(name: &str, text: &str) -> Result<(ProviderView, Vec<String>), Error> {
    match Descriptor::parse(text) {
        Ok(read) => {
            let line = |fault: &Fault| format!("{name}: {fault}");
            let warnings = read.warnings.iter().map(line).collect();
            Ok((ProviderView::of(&read.descriptor), warnings))
        }
        Err(faults) => Err(broken(name, &faults)),
    }
}

/// A first descriptor, from a provider's description `name`.
///
/// # Errors
/// When it is no description, or what was given is not of its form.
pub fn draft(name: &str, text: &str, given: Given<'_>) -> Result<Draft, Error> {
    draft::draft(text, given).map_err(|why| {
        let hint = match why {
            NoDraft::Id => Some("--id my-provider"),
            NoDraft::Server => Some("--server https://api.example.com/v1"),
            NoDraft::NoDescription | NoDraft::NoPaths => {
                Some("where a provider publishes none, begin with a copy of one on the shelf")
            }
            NoDraft::TooLong | NoDraft::Unreadable(_) | NoDraft::Old => None,
        };
        let message = match why {
            NoDraft::Id | NoDraft::Server => why.to_string(),
            _ => format!("nothing can be drafted from {name}: {}", printable(&why.to_string())),
        };
        match hint {
            Some(hint) => Error::new(message).hint(hint),
            None => Error::new(message),
        }
    })
}

pub(super) fn broken(name: &str, faults: &[Fault]) -> Error {
    let lines: Vec<String> =
        faults.iter().map(|fault| printable(&fault.to_string()).into_owned()).collect();
    Error::new(format!("{name} is no descriptor:\n  {}", lines.join("\n  ")))
}

/// The refusal of a name that no descriptor has.
pub(super) fn missing(id: &str) -> Error {
    let near = shelf::names()
        .max_by(|one, other| strsim::jaro(one, id).total_cmp(&strsim::jaro(other, id)));
    let error = Error::new(format!("there is no provider `{id}`")).kind(Kind::NotFound);
    match near.filter(|near| strsim::jaro(near, id) > 0.8) {
        Some(near) => error.hint(format!("did you mean {near}? keytender providers list")),
        None => error.hint("keytender providers list shows all; others' keys are told by hand"),
    }
}
