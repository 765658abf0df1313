//! How well a provider lets the holders of its keys manage them, K0 to K5: graded by its document.

use keytender_core::akm::Descriptor;
use keytender_core::conform::{Level, Outcome, Subject, document, grade, is_claimed, missing};
use keytender_core::text::printable;

use super::providers::{broken, missing as no_provider};
use super::view::{ConformKindView, ConformView};
use crate::connect::shelf;
use crate::error::{Error, Kind};

/// The grades of the document `name`, by what it says.
///
/// # Errors
/// When it is no descriptor, with everything that is wrong with it.
pub fn of_text(name: &str, text: &str) -> Result<ConformView, Error> {
    match Descriptor::parse(text) {
        Ok(read) => Ok(of_descriptor(&read.descriptor)),
        Err(faults) => Err(broken(name, &faults)
            .hint("a document that cannot be read is below K0; keytender providers check FILE")),
    }
}

/// The grades of a provider on the shelf.
///
/// # Errors
/// When there is none of this name.
pub fn of_provider(id: &str) -> Result<ConformView, Error> {
    let found = shelf::find(id).map_err(|faults| broken(id, &faults))?;
    found.map(|descriptor| of_descriptor(&descriptor)).ok_or_else(|| no_provider(id))
}

/// The grades of every provider on the shelf, by name.
///
/// # Errors
/// When one is not understood, which a test keeps from happening.
pub fn shelf() -> Result<Vec<ConformView>, Error> {
    shelf::names().map(of_provider).collect()
}

fn of_descriptor(descriptor: &Descriptor) -> ConformView {
    let kinds = document(descriptor).into_iter();
    let kinds = kinds.map(|(subject, outcomes)| kind_view(&subject, &outcomes)).collect();
    ConformView::new(descriptor, false, kinds)
}

/// The grade of one kind of key.
fn kind_view(subject: &Subject<'_>, outcomes: &[Outcome]) -> ConformKindView {
    let level = grade(outcomes);
    ConformKindView {
        id: subject.kind.id.value.clone(),
        noun: printable(subject.noun()).into_owned(),
        level: level.map(Level::number),
        is_claimed: is_claimed(outcomes, level),
        missing: missing(outcomes).into_iter().map(Into::into).collect(),
        checks: outcomes.iter().map(Into::into).collect(),
    }
}

/// Only the kind of key that is named.
///
/// # Errors
/// When there is none of this name.
pub fn only(mut view: ConformView, kind: &str) -> Result<ConformView, Error> {
    let known: Vec<String> = view.kinds.iter().map(|one| one.id.clone()).collect();
    view.kinds.retain(|one| one.id == kind);
    if view.kinds.is_empty() {
        let message = format!("there is no kind of key `{}`", printable(kind));
        return Err(Error::new(message)
            .kind(Kind::NotFound)
            .hint(format!("there are: {}", known.join(", "))));
    }
    Ok(view.graded())
}
