//! What those who run APIs publish of their keys, looked for at their own addresses: when somebody asks for it, and
//! not before.

use futures_util::future::try_join_all;
use keytender_core::apis_json::{Lead, SeenPlace};
use reqwest::Url;
use serde_json::json;

use super::entry::is_document;
use super::matching::domain;
use super::{import, is_shared, known, nobody};
use crate::app::discover::{Address, discover_with};
use crate::app::inventory::{Done, Inventory, cannot_write, commit};
use crate::app::view::{CatalogDetailView, CatalogDiscoveryRequest};
use crate::error::{Error, Kind};
use crate::net::site;
use crate::store::catalog::{CatalogApi, CatalogLook, Link};

/// At how many addresses of one of them is looked.
const MAX_ORIGINS: usize = 4;

/// An address, and the documents that an index says are there.
struct Place {
    origin: Url,
    leads: Vec<(Lead, Url)>,
}

/// Looks at the addresses of one of those who run APIs, and keeps what was seen.
///
/// # Errors
/// When there is none of this name, nothing says where it is, or whoever asks may not.
pub async fn discover(
    inventory: &Inventory,
    word: &str,
    request: &CatalogDiscoveryRequest,
) -> Result<CatalogDetailView, Error> {
    import::refuse_narrow(inventory)?;
    let before = known(inventory).await?;
    let entry = before.entries.one(word)?.ok_or_else(|| nobody(word))?;
    let places = places(&entry.apis);
    if places.is_empty() {
        return Err(Error::new(format!("nothing says at which address `{word}` is"))
            .kind(Kind::Refused)
            .hint("an index says it as the `baseURL` or the `humanURL` of an API"));
    }
    let looks = places.iter().map(|place| look(inventory, place, request.allow_private));
    let looks = try_join_all(looks).await?;
    let mut tx = inventory.begin().await?;
    for look in &looks {
        tx.put_catalog_look(look).await.map_err(cannot_write)?;
    }
    let origins: Vec<&str> = looks.iter().map(|look| look.origin.as_str()).collect();
    let act = Done {
        verb: "catalog.discover",
        target_kind: "catalog-entry",
        target_id: entry.id.clone(),
        why: None,
        details: json!({"origins": origins}),
    };
    inventory.log(&mut tx, act).await?;
    commit(tx).await?;
    Ok(entry.with(looks).detail())
}

async fn look(
    inventory: &Inventory,
    place: &Place,
    allow_private: bool,
) -> Result<CatalogLook, Error> {
    let address = Address::parse(place.origin.as_str())?;
    let found = discover_with(&address, &place.leads, allow_private).await?;
    let is_reached = found.is_reached;
    let mut places = found.view.places;
    let own = found.view.pages.into_iter().flat_map(|(kind, urls)| {
        let lead = Lead::of(&kind);
        urls.into_iter().map(move |url| SeenPlace {
            url,
            lead,
            is_found: true,
            what: "a page, as it says itself".to_owned(),
        })
    });
    places.extend(own);
    let origin = name(&place.origin);
    Ok(CatalogLook { origin, looked_at: inventory.now, is_reached, places })
}

/// An origin as it is kept.
fn name(origin: &Url) -> String {
    origin.as_str().trim_end_matches('/').to_owned()
}

/// At which addresses is looked for whoever runs these APIs, by name.
pub(super) fn origins(apis: &[CatalogApi]) -> Vec<String> {
    places(apis).iter().map(|place| name(&place.origin)).collect()
}

/// At which addresses is looked: where calls go, where home pages are, at the domains of these, and where documents
/// are said to be.
fn places(apis: &[CatalogApi]) -> Vec<Place> {
    let documents = || apis.iter().flat_map(|api| &api.links).filter(|link| is_document(link));
    let own = apis.iter().flat_map(|api| [&api.base_url, &api.human_url]);
    let named = own.chain(documents().map(|link| &link.url));
    let mut places: Vec<Place> = Vec::new();
    for origin in named.flat_map(|url| [origin(url), of_domain(url)]).flatten() {
        if places.len() < MAX_ORIGINS && places.iter().all(|place| place.origin != origin) {
            places.push(Place { origin, leads: Vec::new() });
        }
    }
    for Link { lead, url, .. } in documents() {
        let Ok(url) = Url::parse(url) else { continue };
        let url = secret(url);
        let is_there = |place: &&mut Place| {
            let hosts = (place.origin.host_str(), url.host_str());
            matches!(hosts, (Some(here), Some(there)) if site::is_same(here, there))
        };
        if let Some(place) = places.iter_mut().find(is_there) {
            let lead = (*lead, url);
            if !place.leads.contains(&lead) {
                place.leads.push(lead);
            }
        }
    }
    places
}

/// Where a URL leads, if that is no place of many.
fn origin(url: &str) -> Option<Url> {
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    // A part of it may be left open: then only its domain is known.
    let host = url.host_str().filter(|host| !host.contains(['{', '}']))?;
    if site::domain(host).is_some_and(is_shared) {
        return None;
    }
    let mut origin = secret(url);
    origin.set_path("/");
    origin.set_query(None);
    origin.set_fragment(None);
    // Neither can fail for a URL with a host.
    _ = origin.set_username("");
    _ = origin.set_password(None);
    Some(origin)
}

fn of_domain(url: &str) -> Option<Url> {
    let domain = domain(url).filter(|domain| !is_shared(domain))?;
    Url::parse(&format!("https://{domain}/")).ok()
}

/// The same by https, but for this machine.
fn secret(mut url: Url) -> Url {
    if !url.host_str().is_some_and(site::is_here) {
        _ = url.set_scheme("https");
    }
    url
}

#[cfg(test)]
mod tests {
    use keytender_core::id::CatalogIndexId;

    use super::*;

    fn api(base_url: &str, human_url: &str, documents: &[&str]) -> CatalogApi {
        let link = |url: &&str| Link {
            lead: Lead::ApiKeys,
            url: (*url).to_owned(),
            media_type: Some("application/json".to_owned()),
        };
        CatalogApi {
            index: CatalogIndexId::from_i64(1),
            aid: None,
            name: "an API".to_owned(),
            description: String::new(),
            base_url: base_url.to_owned(),
            human_url: human_url.to_owned(),
            tags: Vec::new(),
            links: documents.iter().map(link).collect(),
        }
    }

    #[test]
    fn one_looks_where_calls_go_and_where_the_pages_are_and_nowhere_else() {
        for (apis, expected) in [
            (
                vec![api(
                    "http://api.parcels.example:8443/v1?a=b",
                    "https://parcels.example/x",
                    &[],
                )],
                &["https://api.parcels.example:8443", "https://parcels.example"][..],
            ),
            (vec![api("https://{region}.parcels.example", "", &[])], &["https://parcels.example"]),
            (vec![api("", "https://github.com/somebody/weather", &[])], &[]),
            (vec![api("ftp://a.example", "mailto:a@a.example", &[])], &[]),
            (
                vec![api("https://me:secret@a.example", "", &["https://b.example/keys.json"])],
                &["https://a.example", "https://b.example"],
            ),
            (
                (0..9).map(|at| api(&format!("https://{at}.a.example"), "", &[])).collect(),
                &[
                    "https://0.a.example",
                    "https://a.example",
                    "https://1.a.example",
                    "https://2.a.example",
                ],
            ),
            (vec![api("http://127.0.0.1:8080/v1", "", &[])], &["http://127.0.0.1:8080"]),
        ] {
            assert_eq!(origins(&apis), expected, "{apis:?}");
        }
    }

    #[test]
    fn documents_are_asked_for_with_the_address_that_they_belong_to() {
        let urls = ["http://docs.a.example/keys.json", "https://b.example/keys.json"];
        let places = places(&[api("https://api.a.example", "", &urls)]);
        let of =
            |place: &Place| place.leads.iter().map(|(_, url)| url.to_string()).collect::<Vec<_>>();
        let leads: Vec<_> = places.iter().map(of).collect();
        assert_eq!(leads[0], ["https://docs.a.example/keys.json"]);
        assert_eq!(places[3].origin.as_str(), "https://b.example/");
        assert_eq!(leads[3], ["https://b.example/keys.json"]);
    }
}
