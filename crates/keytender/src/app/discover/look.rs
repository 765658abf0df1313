//! A look around at an address: one place after the other, each once, within limits.

use std::collections::BTreeSet;

use keytender_core::akm::{Descriptor, MAX_BYTES};
use keytender_core::apis_json::{Lead, SeenPlace};
use keytender_core::text::{count, printable};
use reqwest::Url;
use serde_json::Value;

use super::index::{self, Links, Purpose};
use super::{Address, Discovery, FoundDescriptor, shown};
use crate::app::view::{DiscoveryView, OnboardingFoundView};
use crate::error::Error;
use crate::net::fetch::{Fetched, Fetcher, NotFetched, Wanted};
use crate::net::outbound::BadTarget;
use crate::net::site;
use crate::store::accounts::Access;

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

/// What a look has found so far.
pub(super) struct Look<'a> {
    address: &'a Address,
    fetcher: Fetcher,
    fetched: BTreeSet<String>,
    pub(super) descriptor: Option<FoundDescriptor>,
    /// Why nothing more is asked there.
    left: Option<NotFetched>,
    pub(super) view: DiscoveryView,
}

impl<'a> Look<'a> {
    pub(super) fn new(address: &'a Address, allow_private: bool) -> Result<Self, Error> {
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

    pub(super) async fn all(&mut self, leads: &[(Lead, Url)]) {
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

    pub(super) async fn descriptor_at(&mut self, url: &Url) {
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

    pub(super) fn finish(mut self) -> Discovery {
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
