//! What a server publishes of itself, for whoever holds or wants keys of the APIs that it issues: how keys are
//! managed (AKM), how a first one is got (API Onboarding), and where all of this is (APIs.json, RFC 9727).
//!
//! All of it is made of what is configured at the moment. Nothing in it is secret or about a customer, nothing is
//! claimed that is not issued, and nothing changes by time alone, so that a document stays the same until
//! something that it says does.

use std::collections::BTreeMap;

use reqwest::Url;
use serde_json::{Map, Value};

use super::inventory::cannot_read;
use crate::error::{Error, Kind};
use crate::store::Store;
use crate::store::apis::{Api, Standing};

pub use guide::{Guide, OfApi};

mod api_keys;
mod guide;
mod index;
mod onboarding;

/// Where how keys are managed is said, of all APIs; that of one API stands a segment below.
pub const API_KEYS: &str = "/.well-known/api-keys";
/// Where how a first key is got is said, of all APIs; that of one API stands a segment below.
pub const ONBOARDING: &str = "/.well-known/api-onboarding";
/// Where people read how a key is replaced and kept well; that of one API stands a segment below.
pub const GUIDES: &str = "/guides";
/// Where customers see their keys, once the API has opened that for them.
pub const PORTAL: &str = "/portal";
/// The index of what is published (APIs.json).
pub const APIS_JSON: &str = "/apis.json";
/// The same as RFC 9727 has it.
pub const API_CATALOG: &str = "/.well-known/api-catalog";
/// The most APIs that one descriptor describes, each a kind of key: what readers of descriptors take.
const MAX_APIS: usize = 40;

/// An API, and whether its customers are told of their keys.
struct Told {
    api: Api,
    standing: Standing,
}

impl Told {
    /// Its page of documentation, where that can be a link of a document.
    fn docs(&self) -> Option<&str> {
        self.api.settings.portal.docs.as_deref().filter(|docs| docs.starts_with("https://"))
    }

    /// What people call it, in letters that are all shown.
    fn title(&self) -> String {
        let is_shown = |one: char| !one.is_control() && !is_turning(one);
        let title: String = self.api.called().chars().filter(|one| is_shown(*one)).collect();
        if title.trim().is_empty() { self.api.name.clone() } else { title }
    }
}

/// Whether a letter turns the direction of what is shown behind it (Unicode Standard Annex 9).
fn is_turning(one: char) -> bool {
    matches!(one, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Where the server is reached.
struct Site<'s> {
    /// Its URL, without a slash at its end.
    base: &'s str,
    /// Its host.
    host: String,
    /// Whether paths can stand behind it in a descriptor: https, a name, the usual port.
    is_plain: bool,
}

impl<'s> Site<'s> {
    fn new(base: &'s str) -> Self {
        let url = Url::parse(base).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned();
        let is_plain = url.as_ref().is_some_and(|url| {
            url.scheme() == "https" && url.port().is_none() && url.domain().is_some()
        });
        Self { base, is_plain: is_plain && host.contains('.'), host }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

/// What is published.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    /// How keys are managed, and how a first one is got; nothing where no API is issued for.
    pub all: Option<Pair>,
    /// The same of each API alone, by its name.
    pub of_api: BTreeMap<String, Pair>,
    /// What people are told of keys of all APIs; nothing where no API is issued for.
    pub guide: Option<Guide>,
    /// The same of each API alone, by its name.
    pub guide_of_api: BTreeMap<String, Guide>,
    /// The index.
    pub apis_json: String,
    /// The catalog.
    pub api_catalog: String,
}

/// What is said of some APIs.
#[derive(Clone, Debug)]
pub struct Pair {
    /// How keys are managed (AKM 0.1).
    pub api_keys: String,
    /// How a first key is got (API Onboarding Descriptor 0.1).
    pub onboarding: String,
}

/// Everything that a server at `base` publishes now.
///
/// # Errors
/// When the database does not answer.
pub async fn documents(store: &Store, base: &str) -> Result<Documents, Error> {
    let mut told = Vec::new();
    for api in store.list_apis().await.map_err(cannot_read)? {
        let standing = store.api_notices(api.id).await.map_err(cannot_read)?;
        told.push(Told { api, standing });
    }
    let site = Site::new(base);
    let (mut of_api, mut guide_of_api) = (BTreeMap::new(), BTreeMap::new());
    for one in &told {
        guide_of_api.insert(one.api.name.clone(), Guide::of(&site, one));
        let path = format!("/{}", one.api.name);
        of_api.insert(one.api.name.clone(), pair(&site, std::slice::from_ref(one), &path)?);
    }
    let all = if told.is_empty() { None } else { Some(pair(&site, &told, "")?) };
    Ok(Documents {
        guide: (!told.is_empty()).then(|| Guide::of_all(&site, &told)),
        guide_of_api,
        all,
        of_api,
        apis_json: written(&index::apis_json(&site, &told))?,
        api_catalog: written(&index::catalog(&site, &told))?,
    })
}

/// What is said of some APIs at `path` below where it is said of all.
fn pair(site: &Site<'_>, told: &[Told], path: &str) -> Result<Pair, Error> {
    Ok(Pair {
        api_keys: written(&api_keys::document(site, told, path))?,
        onboarding: written(&onboarding::document(site, told, path))?,
    })
}

fn written(document: &Value) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(document);
    text.map(|text| text + "\n")
        .map_err(|error| Error::new("cannot write JSON").kind(Kind::Internal).source(error))
}

/// An object of the members that are there.
fn members<const N: usize>(all: [(&str, Option<Value>); N]) -> Map<String, Value> {
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
