//! What a domain says of its keys, looked for in the places that standards name, in this order: `/.well-known/api-keys`,
//! its APIs.json, `/.well-known/api-onboarding`, its catalog (RFC 9727), OAuth's metadata (RFC 9728, RFC 8414), and
//! pages for people.
//!
//! Everything that is read is a stranger's. It is fetched without a credential, within limits of time, size and
//! number, and no document is fetched from another site than that of the address: what it says of others is shown, and
//! nothing is done with it.

use std::collections::BTreeSet;
use std::time::Duration;

use keytender_core::akm::{Descriptor, MAX_BYTES, Read};
use keytender_core::apis_json::{Lead, SeenPlace};
use keytender_core::text::{count, printable};
use reqwest::Url;
use serde_json::Value;

use super::described;
use super::ticket::digest_of;
use super::view::{DescriptorFoundView, DiscoveryView, OnboardingFoundView, ProviderView};
use crate::error::{Error, Kind};
use crate::net::fetch::{Fetched, Fetcher, NotFetched, Wanted};
use crate::net::outbound::BadTarget;
use crate::net::site;
use crate::store::accounts::Access;

mod difference;
mod index;

use index::{Links, Purpose};

/// The place of a descriptor.
const API_KEYS: &str = "/.well-known/api-keys";
const ONBOARDING: &str = "/.well-known/api-onboarding";
const CATALOG: &str = "/.well-known/api-catalog";
/// Metadata of OAuth: of a resource (RFC 9728, section 3) and of a server (RFC 8414, section 3).
const METADATA: [&str; 2] =
    ["/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server"];
/// The largest index or catalog, in bytes: the largest that we know of has 500 KB.
const MAX_INDEX: usize = 2 * 1024 * 1024;
/// The most documents that are fetched from one address.
const MAX_FETCHES: usize = 16;
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

/// What a look has found so far.
struct Look<'a> {
    address: &'a Address,
    fetcher: Fetcher,
    fetched: BTreeSet<String>,
    descriptor: Option<FoundDescriptor>,
    /// Why nothing more is asked there.
    left: Option<NotFetched>,
    view: DiscoveryView,
}

impl<'a> Look<'a> {
    fn new(address: &'a Address, allow_private: bool) -> Result<Self, Error> {
        let origin = address.origin.as_str().trim_end_matches('/').to_owned();
        Ok(Self {
            address,
            fetcher: Fetcher::new(allow_private)?,
            fetched: BTreeSet::new(),
            descriptor: None,
            left: None,
            view: DiscoveryView { origin, ..DiscoveryView::default() },
        })
    }

    async fn all(&mut self, leads: &[(Lead, Url)]) {
        if let Some(document) = self.address.document.clone() {
            // Whoever names a document means that one.
            self.descriptor_at(&document).await;
            return;
        }
        let at = |path: &str| {
            let mut url = self.address.origin.clone();
            url.set_path(path);
            url
        };
        let [keys, json, yaml, onboarding, catalog] =
            [API_KEYS, "/apis.json", "/apis.yml", ONBOARDING, CATALOG].map(at);
        let metadata = METADATA.map(at);
        self.descriptor_at(&keys).await;
        if !self.index_at(&json, Wanted::Json).await {
            self.index_at(&yaml, Wanted::Yaml).await;
        }
        self.onboarding_at(&onboarding).await;
        self.catalog_at(&catalog).await;
        for url in metadata {
            self.metadata_at(&url).await;
        }
        for (lead, url) in leads {
            match lead {
                Lead::ApiKeys => self.descriptor_at(url).await,
                Lead::ApiOnboarding => self.onboarding_at(url).await,
                Lead::ApiCatalog => self.catalog_at(url).await,
                Lead::OAuth => self.metadata_at(url).await,
                // Pages are people's.
                _ => {}
            }
        }
    }

    /// The text at a place; a place is looked at once.
    async fn fetch(
        &mut self,
        lead: Option<Lead>,
        url: &Url,
        wanted: Wanted,
        most: usize,
    ) -> Option<Fetched> {
        if self.left.is_some() || !self.fetched.insert(one_name(url)) {
            return None;
        }
        if self.fetched.len() > MAX_FETCHES {
            let what = format!("it is not asked for: {MAX_FETCHES} documents are enough");
            self.note(lead, url, false, what);
            return None;
        }
        if !site::is_same(self.address.host(), url.host_str().unwrap_or_default()) {
            self.note(lead, url, false, "it is at another site: name it yourself if you trust it");
            return None;
        }
        match self.fetcher.get(url, wanted, most).await {
            Ok(fetched) => Some(fetched),
            Err(error) => {
                self.note(lead, url, false, error.to_string());
                // Whoever does not answer, or may not be asked, is not asked again.
                if matches!(error, NotFetched::Unreachable(_) | NotFetched::Target(_)) {
                    self.left.get_or_insert(error);
                }
                None
            }
        }
    }

    fn note(&mut self, lead: Option<Lead>, url: &Url, is_found: bool, what: impl Into<String>) {
        let what = shown(&what.into());
        self.view.places.push(SeenPlace { url: url.to_string(), lead, is_found, what });
    }

    async fn descriptor_at(&mut self, url: &Url) {
        // One byte more shows the reader that it is too large.
        let Some(fetched) = self.fetch(Some(Lead::ApiKeys), url, Wanted::Json, MAX_BYTES).await
        else {
            return;
        };
        match Descriptor::parse(&fetched.text) {
            Ok(read) => {
                let name = &read.descriptor.provider.name;
                let kinds = count(read.descriptor.key_types.len(), "kind");
                self.note(
                    Some(Lead::ApiKeys),
                    url,
                    true,
                    format!("a descriptor (AKM) of {name} with {kinds} of keys"),
                );
                let found = FoundDescriptor { url: url.clone(), text: fetched.text, read };
                match self.descriptor {
                    Some(_) => self.view.more_descriptors.push(url.to_string()),
                    None => self.descriptor = Some(found),
                }
            }
            Err(_) if index::of_apis_json(&fetched.text).is_ok() => {
                self.note(None, url, true, "an APIs.json");
            }
            Err(faults) => {
                let first = faults.first().map(ToString::to_string).unwrap_or_default();
                let more = faults.len().saturating_sub(1);
                let more = if more > 0 { format!("; {more} more") } else { String::new() };
                self.note(
                    Some(Lead::ApiKeys),
                    url,
                    false,
                    format!("it is no descriptor: {first}{more}"),
                );
            }
        }
    }

    /// Reads an APIs.json, and what it leads to; whether there is one.
    async fn index_at(&mut self, url: &Url, wanted: Wanted) -> bool {
        let Some(fetched) = self.fetch(None, url, wanted, MAX_INDEX).await else { return false };
        match index::of_apis_json(&fetched.text) {
            Ok(links) => {
                let apis = count(links.apis, "API");
                let about = count(links.all.len(), "link");
                self.note(
                    None,
                    url,
                    true,
                    format!("an APIs.json with {apis} and {about} about keys"),
                );
                self.follow(url, links).await;
            }
            Err(why) => {
                self.note(None, url, false, why);
                return false;
            }
        }
        true
    }

    /// Follows links of an index: descriptors are read where they stand on this site.
    async fn follow(&mut self, base: &Url, links: Links) {
        for (purpose, text) in links.all {
            let Ok(url) = base.join(&text) else { continue };
            if !matches!(url.scheme(), "https" | "http") {
                continue;
            }
            match purpose {
                Purpose::Keys => self.descriptor_at(&url).await,
                Purpose::Onboarding => self.onboarding_at(&url).await,
                Purpose::OpenApi => {
                    if !self.view.openapi.contains(&url.to_string()) {
                        self.view.openapi.push(shown(url.as_str()));
                    }
                }
                Purpose::Page(kind) => {
                    let pages = self.view.pages.entry(kind.to_owned()).or_default();
                    let page = shown(url.as_str());
                    if !pages.contains(&page) {
                        pages.push(page);
                    }
                }
            }
        }
    }

    async fn onboarding_at(&mut self, url: &Url) {
        let Some(fetched) =
            self.fetch(Some(Lead::ApiOnboarding), url, Wanted::Json, MAX_BYTES).await
        else {
            return;
        };
        match index::of_onboarding(&fetched.text) {
            Some((maturity, credentials)) => {
                self.note(
                    Some(Lead::ApiOnboarding),
                    url,
                    true,
                    format!("how a first key is got: {maturity}"),
                );
                if self.view.onboarding.is_none() {
                    let credentials = credentials.iter().map(|one| shown(one)).collect();
                    self.view.onboarding = Some(OnboardingFoundView {
                        url: url.to_string(),
                        maturity: shown(&maturity),
                        credentials,
                    });
                }
            }
            None => self.note(
                Some(Lead::ApiOnboarding),
                url,
                false,
                "it is no API Onboarding Descriptor",
            ),
        }
    }

    async fn catalog_at(&mut self, url: &Url) {
        let Some(fetched) = self.fetch(Some(Lead::ApiCatalog), url, Wanted::Json, MAX_INDEX).await
        else {
            return;
        };
        match index::of_catalog(&fetched.text) {
            Ok(links) => {
                let about = count(links.all.len(), "link");
                self.note(
                    Some(Lead::ApiCatalog),
                    url,
                    true,
                    format!("a catalog with {about} about keys"),
                );
                self.follow(url, links).await;
            }
            Err(why) => self.note(Some(Lead::ApiCatalog), url, false, why),
        }
    }

    async fn metadata_at(&mut self, url: &Url) {
        let Some(fetched) = self.fetch(Some(Lead::OAuth), url, Wanted::Json, MAX_BYTES).await
        else {
            return;
        };
        let document: Option<Value> = serde_json::from_str(&fetched.text).ok();
        let text = |name: &str| document.as_ref()?.get(name)?.as_str().map(str::to_owned);
        let what = match (text("resource"), text("issuer"), text("registration_endpoint")) {
            (Some(resource), ..) => {
                Some(format!("metadata of a resource behind OAuth (RFC 9728): {resource}"))
            }
            (None, Some(issuer), None) => {
                Some(format!("an authorization server (RFC 8414): {issuer}"))
            }
            (None, Some(issuer), Some(register)) => Some(format!(
                "an authorization server (RFC 8414): {issuer}; clients register at {register} (RFC 7591)"
            )),
            (None, None, _) => None,
        };
        let is_found = what.is_some();
        let what = what.unwrap_or_else(|| "it is no metadata of OAuth".to_owned());
        self.note(Some(Lead::OAuth), url, is_found, what);
    }

    fn finish(mut self) -> Discovery {
        let host = printable(self.address.host()).into_owned();
        let mut means = Vec::new();
        let view = &mut self.view;
        if let Some(found) = &self.descriptor {
            let found = found.view(&Access::default());
            means.push(format!(
                "Its keys can be watched: keytender accounts add {} NAME --credential PLACE",
                view.origin
            ));
            if !found.foreign_hosts.is_empty() {
                let hosts = found.foreign_hosts.join(", ");
                means.push(format!(
                    "It names hosts of other sites, to which no call goes: {hosts}."
                ));
            }
            view.descriptor = Some(found);
        } else if !view.openapi.is_empty() {
            means.push(
                "It publishes no descriptor; one can be drafted of its OpenAPI description: keytender providers draft FILE"
                    .to_owned(),
            );
        } else if !view.pages.is_empty() {
            means.push("People manage its keys on its pages; tell Keytender of them by hand: keytender keys add".to_owned());
        } else {
            means.push(match &self.left {
                Some(NotFetched::Target(BadTarget::Private)) => {
                    format!("{host} is in a private network: --allow-private asks it all the same.")
                }
                Some(NotFetched::Target(bad)) => format!("{host} is not asked like this: {bad}."),
                Some(_) => format!("{host} does not answer."),
                None => format!("{host} says nothing of its keys."),
            });
        }
        view.means.extend(means);
        Discovery { view: self.view, descriptor: self.descriptor, is_reached: self.left.is_none() }
    }
}

/// A URL by which a place is known: this machine has many names.
fn one_name(url: &Url) -> String {
    let mut url = url.clone();
    if url.host_str().is_some_and(site::is_here) {
        // A host always takes the place of another.
        _ = url.set_host(Some("localhost"));
    }
    url.to_string()
}

/// A stranger's text as it may be shown.
fn shown(text: &str) -> String {
    printable(&text.chars().take(MAX_SHOWN).collect::<String>()).into_owned()
}
