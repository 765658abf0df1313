//! Our own estate as an index: which APIs we use, and where their keys are managed. Nothing of the keys
//! themselves, of accounts or of owners is in it.

use keytender_core::akm::{Descriptor, Placed};
use keytender_core::apis_json::{Api, Contact, Index, Lead, Property};
use reqwest::Url;

use super::entry::Entry;
use super::{known, reach};
use crate::app::inventory::Inventory;
use crate::connect::shelf;
use crate::error::Error;
use crate::store::catalog::{CatalogApi, Link};

/// How an index of ours is called of which nothing is said.
const NAME: &str = "APIs that we use";
/// Where such an index is.
const PLACE: &str = "https://localhost/apis.json";
/// Who keeps it.
const KEEPER: &str = "Whoever keeps this inventory";

/// What whoever exports says of the index.
#[derive(Clone, Copy, Debug, Default)]
pub struct Export<'e> {
    /// What it is called.
    pub name: Option<&'e str>,
    /// Where it will be.
    pub url: Option<&'e str>,
    /// Who keeps it.
    pub maintainer: Option<&'e str>,
}

/// The APIs that are used, and the providers of held keys, as an index of APIs.json 0.23.
///
/// # Errors
/// When the database does not answer, or `url` is no address.
pub async fn export(inventory: &Inventory, given: Export<'_>) -> Result<String, Error> {
    let url = given.url.map_or_else(|| Url::parse(PLACE).ok(), |url| reach::parse(url).ok());
    let Some(url) = url else {
        return Err(Error::new("the index can be at no such address")
            .hint("such as https://example.com/apis.json"));
    };
    let known = known(inventory).await?;
    let mut index = Index::new(
        given.name.unwrap_or(NAME),
        "The APIs that we use, and where the keys of each are managed.",
        url.as_str(),
    );
    index.kind = Some("Index".to_owned());
    index.position = Some("Consuming".to_owned());
    index.access = Some("3rd-Party".to_owned());
    let day: String = inventory.now.to_string().chars().take("2026-01-31".len()).collect();
    index.modified = Some(day);
    let name = given.maintainer.unwrap_or(KEEPER).to_owned();
    index.maintainers = vec![Contact { name, ..Contact::default() }];
    for entry in known.entries.iter() {
        index.apis.extend(entry.apis.iter().map(|api| of_catalog(api, entry)));
    }
    for provider in known.entries.others() {
        index.apis.push(of_account(provider)?);
    }
    Ok(index.to_json())
}

/// An API that somebody's index tells of.
fn of_catalog(api: &CatalogApi, entry: &Entry) -> Api {
    let mut properties = Vec::new();
    if let Some(page) = entry.keys_at() {
        properties.push(Property::new("Console", &page));
    }
    for Link { lead, url, media_type } in &api.links {
        let property =
            Property { media_type: media_type.clone(), ..Property::new(word(*lead), url) };
        if properties.iter().all(|one: &Property| one.url != property.url) {
            properties.push(property);
        }
    }
    Api {
        aid: api.aid.clone(),
        name: api.name.clone(),
        description: api.description.clone(),
        base_url: api.base_url.clone(),
        human_url: api.human_url.clone(),
        tags: api.tags.clone(),
        properties,
        ..Api::default()
    }
}

/// The API of a provider at which keys are held, and of which no index tells.
fn of_account(provider: &str) -> Result<Api, Error> {
    let described = shelf::find(provider).ok().flatten();
    let Some(descriptor) = described else {
        let name = provider.to_owned();
        let description = "An API that we hold keys for.".to_owned();
        return Ok(Api { name, description, ..Api::default() });
    };
    Ok(of_shelf(provider, &descriptor))
}

fn of_shelf(provider: &str, descriptor: &Descriptor) -> Api {
    let page = |page: &Option<Placed<String>>| page.as_ref().map(|page| page.value.clone());
    let pages = [
        ("Console", page(&descriptor.links.console)),
        ("Documentation", page(&descriptor.links.docs)),
        ("APIOnboarding", descriptor.onboarding.clone()),
    ];
    let properties =
        pages.iter().filter_map(|(kind, url)| Some(Property::new(kind, url.as_deref()?)));
    let home = descriptor.provider.url.value.clone();
    let server = descriptor.server.as_ref().map(|server| server.to_string().replace("{var.", "{"));
    Api {
        aid: Some(provider.to_owned()),
        name: descriptor.provider.name.clone(),
        description: "An API that we hold keys for.".to_owned(),
        base_url: server.unwrap_or_else(|| home.clone()),
        human_url: home,
        properties: properties.collect(),
        ..Api::default()
    }
}

/// The word of APIs.json for what leads to keys.
const fn word(lead: Lead) -> &'static str {
    match lead {
        Lead::ApiKeys => "APIKeys",
        Lead::ApiOnboarding => "APIOnboarding",
        Lead::ApiCatalog => "APICatalog",
        Lead::OAuth => "OpenIDConnect",
        Lead::Authentication => "Authentication",
        Lead::Console => "Console",
        Lead::Login => "Login",
        Lead::SignUp => "SignUp",
        Lead::Portal => "DeveloperPortal",
    }
}
