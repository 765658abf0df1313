//! What a domain says of its keys, looked for in the places that standards name, in this order: `/.well-known/api-keys`,
//! its APIs.json, `/.well-known/api-onboarding`, its catalog (RFC 9727), OAuth's metadata (RFC 9728, RFC 8414), and
//! pages for people.
//!
//! Everything that is read is a stranger's. It is fetched without a credential, within limits of time, size and
//! number, and no document is fetched from another site than that of the address: what it says of others is shown, and
//! nothing is done with it.

use std::collections::BTreeSet;
use std::time::Duration;

use keytender_core::akm::{Descriptor, Read};
use keytender_core::apis_json::Lead;
use keytender_core::text::printable;
use reqwest::Url;

use super::described;
use super::ticket::digest_of;
use super::view::{DescriptorFoundView, DiscoveryView, ProviderView};
use crate::error::{Error, Kind};
use crate::net::site;
use crate::store::accounts::Access;

mod difference;
mod index;
mod look;

use look::Look;

/// How long all of it may take.
const MAX_TIME: Duration = Duration::from_secs(60);
/// The longest that is repeated of a document.
const MAX_SHOWN: usize = 500;

/// Where a person says that a provider is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Its origin.
    pub origin: Url,
    /// The document that was named, rather than a domain.
    document: Option<Url>,
}

impl Address {
    /// A domain, a URL of one, or the URL of a document. What is written without a scheme is https.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let bad = || {
            Error::new(format!("`{}` is no address", printable(text)))
                .hint("such as example.com, or https://example.com/.well-known/api-keys")
        };
        let url = Url::parse(&whole).map_err(|_| bad())?;
        let is_plain =
            url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        if !is_plain || url.host_str().is_none() || !matches!(url.scheme(), "https" | "http") {
            return Err(bad());
        }
        let mut origin = url.clone();
        origin.set_path("/");
        origin.set_query(None);
        let document = (url.path() != "/").then_some(url);
        Ok(Self { origin, document })
    }

    /// The host that answers for what is found there.
    pub fn host(&self) -> &str {
        self.origin.host_str().unwrap_or_default()
    }

    /// What an account must say where calls go elsewhere than to https at the usual port.
    pub fn endpoint(&self) -> Option<String> {
        let is_usual = self.origin.scheme() == "https" && self.origin.port().is_none();
        (!is_usual).then(|| self.origin.as_str().trim_end_matches('/').to_owned())
    }
}

/// A descriptor that was found, as an account is bound to it.
#[derive(Clone, Debug)]
pub struct FoundDescriptor {
    /// Where.
    pub url: Url,
    /// Its text.
    pub text: String,
    read: Read,
}

impl FoundDescriptor {
    /// The SHA-256 of its text.
    pub fn digest(&self) -> String {
        digest_of(&self.text)
    }

    /// The hosts that it names, with what an account says of itself: those of the site where it was found, and others.
    pub fn hosts(&self, access: &Access) -> [BTreeSet<String>; 2] {
        let all = described::hosts_of(&self.read.descriptor, access);
        let anchor = self.url.host_str().unwrap_or_default();
        let (own, foreign) = all.into_iter().partition(|host| site::is_same(anchor, host));
        [own, foreign]
    }

    /// What is new in it beside another, a line each.
    pub(super) fn differences(&self, before: &Descriptor, access: &Access) -> Vec<String> {
        let lines = difference::lines(before, &self.read.descriptor, access);
        lines.iter().map(|line| shown(line)).collect()
    }

    /// What it says, for people.
    pub fn view(&self, access: &Access) -> DescriptorFoundView {
        let [hosts, foreign] = self.hosts(access).map(|hosts| hosts.into_iter().collect());
        DescriptorFoundView {
            url: self.url.to_string(),
            digest: self.digest(),
            provider: ProviderView::of(&self.read.descriptor),
            hosts,
            foreign_hosts: foreign,
            warnings: self.read.warnings.iter().map(ToString::to_string).collect(),
        }
    }
}

/// What was found.
#[derive(Debug)]
pub struct Discovery {
    /// For people.
    pub view: DiscoveryView,
    /// The descriptor that an account would be run by.
    pub descriptor: Option<FoundDescriptor>,
    /// Whether the address answered each time that it was asked.
    pub is_reached: bool,
}

/// Looks around at an address.
///
/// # Errors
/// When nothing can be asked at all.
pub async fn discover(address: &Address, allow_private: bool) -> Result<Discovery, Error> {
    discover_with(address, &[], allow_private).await
}

/// Looks around at an address, and at what somebody else's index says that it publishes.
///
/// # Errors
/// When nothing can be asked at all.
pub async fn discover_with(
    address: &Address,
    leads: &[(Lead, Url)],
    allow_private: bool,
) -> Result<Discovery, Error> {
    let mut look = Look::new(address, allow_private)?;
    let looked = tokio::time::timeout(MAX_TIME, look.all(leads)).await;
    if looked.is_err() {
        look.view
            .means
            .push(format!("It took longer than {} s: not all was looked at.", MAX_TIME.as_secs()));
    }
    Ok(look.finish())
}

/// The descriptor at an address.
///
/// # Errors
/// When there is none, with what there is instead.
pub async fn descriptor(address: &Address, allow_private: bool) -> Result<FoundDescriptor, Error> {
    let found = discover(address, allow_private).await?;
    found.descriptor.ok_or_else(|| {
        let why: Vec<String> = found
            .view
            .places
            .iter()
            .map(|place| format!("{}: {}", place.url, place.what))
            .collect();
        let host = address.host();
        Error::new(format!(
            "{} publishes no descriptor of its keys:\n  {}",
            printable(host),
            why.join("\n  ")
        ))
        .kind(Kind::Provider)
        .hint(format!("keytender providers discover {} says what there is", printable(host)))
    })
}

/// The document of an account as it is now.
///
/// # Errors
/// Why there is none.
pub async fn again(source: &str, allow_private: bool) -> Result<FoundDescriptor, Error> {
    let address = Address::parse(source)?;
    let mut look = Look::new(&address, allow_private)?;
    let url = Url::parse(source).map_err(|error| Error::new("no URL").source(error))?;
    look.descriptor_at(&url).await;
    let why = look.view.places.pop().map(|place| place.what).unwrap_or_default();
    look.descriptor
        .ok_or_else(|| Error::new(format!("{}: {why}", printable(source))).kind(Kind::Provider))
}

/// A stranger's text as it may be shown.
fn shown(text: &str) -> String {
    printable(&text.chars().take(MAX_SHOWN).collect::<String>()).into_owned()
}
