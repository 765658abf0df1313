//! How well a provider lets the holders of its keys manage them, K0 to K5: graded by its document, or by trying.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use keytender_core::akm::Descriptor;
use keytender_core::conform::{Level, Outcome, Subject, document, grade, is_claimed, missing};
use keytender_core::text::printable;

use super::discover::{self, Address};
use super::providers::{broken, missing as no_provider};
use super::view::{ConformKindView, ConformView};
use crate::connect::shelf;
use crate::error::{Error, Kind};
use crate::store::accounts::Access;

pub mod live;

/// A document, and how its provider is reached.
#[derive(Clone, Debug)]
pub struct Found {
    /// The document.
    pub descriptor: Arc<Descriptor>,
    /// What stands for its hosts, where it was found at an address that is no https at the usual port.
    pub endpoint: Option<String>,
    /// The hosts that may be reached by it, where it was found at an address; all that it names elsewhere.
    pub hosts: Option<BTreeSet<String>>,
}

impl Found {
    const fn new(descriptor: Arc<Descriptor>) -> Self {
        Self { descriptor, endpoint: None, hosts: None }
    }
}

/// The document `name`.
///
/// # Errors
/// When it is no descriptor, with everything that is wrong with it.
pub fn read(name: &str, text: &str) -> Result<Found, Error> {
    match Descriptor::parse(text) {
        Ok(read) => Ok(Found::new(Arc::new(read.descriptor))),
        Err(faults) => Err(broken(name, &faults)
            .hint("a document that cannot be read is below K0; keytender providers check FILE")),
    }
}

/// The document of a provider on the shelf.
///
/// # Errors
/// When there is none of this name.
pub fn on_shelf(id: &str) -> Result<Found, Error> {
    let found = shelf::find(id).map_err(|faults| broken(id, &faults))?;
    found.map(Found::new).ok_or_else(|| no_provider(id))
}

/// The document that is published at an address: a domain, or the URL of the document itself. Only hosts of the
/// same site may be reached by it; where the address is no https at the usual port, all calls go there.
///
/// # Errors
/// When there is none, with what there is instead.
pub async fn at_address(
    address: &str,
    variables: &BTreeMap<String, String>,
    allow_private: bool,
) -> Result<Found, Error> {
    let address = Address::parse(address)?;
    let found = discover::descriptor(&address, allow_private).await?;
    let Found { descriptor, .. } = read(found.url.as_str(), &found.text)?;
    let access = Access { variables: variables.clone(), ..Access::default() };
    let [own, foreign] = found.hosts(&access);
    let endpoint = address.endpoint();
    // What goes to the address itself goes to no host that the document names.
    let hosts = if endpoint.is_some() { own.union(&foreign).cloned().collect() } else { own };
    Ok(Found { descriptor, endpoint, hosts: Some(hosts) })
}

/// The grades of every provider on the shelf, by name.
///
/// # Errors
/// When one is not understood, which a test keeps from happening.
pub fn shelf() -> Result<Vec<ConformView>, Error> {
    shelf::names().map(|id| on_shelf(id).map(|found| graded(&found.descriptor))).collect()
}

/// The grades of a document, by what it says.
pub fn graded(descriptor: &Descriptor) -> ConformView {
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
