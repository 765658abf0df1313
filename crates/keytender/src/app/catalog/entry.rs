//! Those who run the APIs that are used, each with its APIs and what is held there.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use keytender_core::apis_json::{Lead, SeenPlace};
use keytender_core::id::CatalogIndexId;
use keytender_core::text::count;

use super::look::origins;
use super::matching::{Provider, Providers, plain};
use crate::app::view::{
    AccountView, CatalogAccountView, CatalogApiView, CatalogDetailView, CatalogEntryView,
    CatalogLookView, HowView, LeadView, MatchedView,
};
use crate::error::{Error, Kind};
use crate::store::catalog::{CatalogApi, CatalogIndex, CatalogLook, Link};

/// The position of whoever uses the APIs of an index and makes none of them.
const CONSUMING: &str = "Consuming";
/// The id of what has no letter in its name.
const UNNAMED: &str = "unnamed";
/// In which order one looks for the page on which keys are managed.
const PAGES: [Lead; 6] =
    [Lead::ApiKeys, Lead::Console, Lead::Login, Lead::Portal, Lead::SignUp, Lead::Authentication];

/// All of them.
#[derive(Debug)]
pub(super) struct Entries {
    all: Vec<Entry>,
    others: BTreeSet<String>,
    strays: Vec<String>,
}

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) id: String,
    name: String,
    pub(super) provider: Option<(Provider, MatchedView)>,
    domain: Option<String>,
    pub(super) apis: Vec<CatalogApi>,
    /// The names of the indexes that tell of these.
    indexes: Vec<String>,
    pub(super) accounts: Vec<AccountView>,
    /// What was seen at its addresses.
    looks: Vec<CatalogLook>,
}

impl Entries {
    /// The APIs by who runs them, beside the accounts at these and what was seen there.
    pub(super) fn of(
        indexes: &[CatalogIndex],
        apis: Vec<CatalogApi>,
        accounts: Vec<AccountView>,
        looks: Vec<CatalogLook>,
    ) -> Self {
        let indexes: HashMap<_, _> = indexes.iter().map(|one| (one.id, one)).collect();
        let providers = Providers::with(accounts.iter().map(|account| account.provider.as_str()));
        let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
        let mut others = BTreeSet::new();
        for api in apis {
            // Both are read in turn: an index may have come in between.
            let Some(said) = indexes.get(&api.index) else { continue };
            let index = said.name.as_str();
            let matched = providers.of(&api, index);
            let (id, name) = match (&matched.provider, &matched.domain) {
                (Some((provider, _)), _) => (provider.id.clone(), provider.name.clone()),
                (None, Some(domain)) => (domain.clone(), domain.clone()),
                // Who uses APIs lists those of many.
                (None, None) if said.position.as_deref() == Some(CONSUMING) => {
                    (plain(&api.name), api.name.clone())
                }
                (None, None) => (plain(index), index.to_owned()),
            };
            let id = if id.is_empty() { UNNAMED.to_owned() } else { id };
            let entry = entries.entry(id.clone()).or_insert_with(|| Entry {
                id,
                name,
                provider: matched.provider.map(|(provider, by)| (provider.clone(), by)),
                domain: matched.domain.clone(),
                apis: Vec::new(),
                indexes: Vec::new(),
                accounts: Vec::new(),
                looks: Vec::new(),
            });
            if entry.domain != matched.domain {
                entry.domain = None;
            }
            entry.apis.push(api);
            entry.indexes.push(index.to_owned());
        }
        for account in accounts {
            match entries.get_mut(providers.known_as(&account.provider)) {
                Some(entry) => entry.accounts.push(account),
                None if account.keys > 0 => _ = others.insert(account.provider),
                None => {}
            }
        }
        let mut looks: BTreeMap<_, _> =
            looks.into_iter().map(|look| (look.origin.clone(), look)).collect();
        let mut seen = BTreeSet::new();
        if !looks.is_empty() {
            for entry in entries.values_mut() {
                for origin in origins(&entry.apis) {
                    entry.looks.extend(looks.get(&origin).cloned());
                    seen.insert(origin);
                }
            }
        }
        looks.retain(|origin, _| !seen.contains(origin));
        let strays = looks.into_keys().collect();
        let mut all: Vec<_> = entries.into_values().map(Entry::named).collect();
        all.sort_by_cached_key(|entry| (entry.name.to_lowercase(), entry.id.clone()));
        Self { all, others, strays }
    }

    /// The addresses at which something was seen and which no index names.
    pub(super) fn strays(&self) -> &[String] {
        &self.strays
    }

    /// The providers of keys that are held and of which no index tells.
    pub(super) fn others(&self) -> impl Iterator<Item = &str> {
        self.others.iter().map(String::as_str)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.all.iter()
    }

    /// How many APIs an index tells of.
    pub(super) fn apis_of(&self, index: CatalogIndexId) -> u64 {
        let apis = self.all.iter().flat_map(|entry| &entry.apis);
        u64::try_from(apis.filter(|api| api.index == index).count()).unwrap_or(u64::MAX)
    }

    pub(super) fn views(&self) -> Vec<CatalogEntryView> {
        self.all.iter().map(Entry::view).collect()
    }

    /// Those of them that an index tells of.
    pub(super) fn views_of(&self, index: CatalogIndexId) -> Vec<CatalogEntryView> {
        let is_in = |entry: &&Entry| entry.apis.iter().any(|api| api.index == index);
        self.all.iter().filter(is_in).map(Entry::view).collect()
    }

    /// The one of this id, else of this name or domain.
    ///
    /// # Errors
    /// When several are called so.
    pub(super) fn one(&self, word: &str) -> Result<Option<&Entry>, Error> {
        if let Some(entry) = self.all.iter().find(|entry| entry.id == word) {
            return Ok(Some(entry));
        }
        let is_it = |entry: &&Entry| {
            plain(&entry.name) == plain(word) || entry.domain.as_deref() == Some(word)
        };
        let found: Vec<_> = self.all.iter().filter(is_it).collect();
        match found.as_slice() {
            [] => Ok(None),
            [entry] => Ok(Some(entry)),
            [one, ..] => Err(Error::new(format!("several are called `{word}`"))
                .kind(Kind::Conflict)
                .hint(format!("name one by its id, such as {}", one.id))),
        }
    }
}

impl Entry {
    /// The same, called as its one API where nobody knows who runs it.
    fn named(mut self) -> Self {
        if let ([api], None) = (self.apis.as_slice(), &self.provider) {
            self.name.clone_from(&api.name);
        }
        self
    }

    /// The same, once this was seen at its addresses.
    pub(super) fn with(&self, looks: Vec<CatalogLook>) -> Self {
        Self { looks, ..self.clone() }
    }

    pub(super) fn view(&self) -> CatalogEntryView {
        let keys = self.accounts.iter().map(|account| account.keys).sum();
        let due = self.accounts.iter().map(|account| account.due).sum();
        let keys_at = self.keys_at();
        CatalogEntryView {
            id: self.id.clone(),
            name: self.name.clone(),
            provider: self.provider.as_ref().map(|(provider, _)| provider.id.clone()),
            matched_by: self.provider.as_ref().map(|(_, by)| *by),
            domain: self.domain.clone(),
            apis: u64::try_from(self.apis.len()).unwrap_or(u64::MAX),
            keys,
            due,
            how: self.how(),
            looked_at: self.looks.iter().map(|look| look.looked_at).min(),
            sentence: sentence(keys, due, keys_at.as_deref(), self.how()),
            keys_at,
        }
    }

    fn how(&self) -> HowView {
        let said = self.apis.iter().map(|api| self.said(api));
        let found = self.seen().filter(|place| place.is_found).filter_map(|place| place.lead);
        let is_described = self.provider.as_ref().is_some_and(|(one, _)| one.is_known);
        let best = said.chain(found.map(|lead| how(lead, true))).min();
        if is_described { HowView::Shelf } else { best.unwrap_or(HowView::Unknown) }
    }

    /// How the keys of an API are managed, as its index says: but for documents that are not there.
    fn said(&self, api: &CatalogApi) -> HowView {
        let reached = || self.looks.iter().filter(|look| look.is_reached);
        let is_missing = |link: &Link| {
            let mut places = reached().flat_map(|look| &look.places);
            places.any(|place| !place.is_found && place.url == link.url)
        };
        let links = api.links.iter().filter(|link| !is_missing(link));
        links.map(|link| how(link.lead, is_document(link))).min().unwrap_or(HowView::Unknown)
    }

    /// What was looked at.
    fn seen(&self) -> impl Iterator<Item = &SeenPlace> {
        self.looks.iter().flat_map(|look| &look.places)
    }

    /// The page on which people manage its keys: what the shelf says, then the provider itself, then an index.
    pub(super) fn keys_at(&self) -> Option<String> {
        let of_shelf = self.provider.as_ref().and_then(|(provider, _)| provider.console.clone());
        let own = |lead: &Lead| {
            let is_it = |place: &&SeenPlace| place.is_found && place.lead == Some(*lead);
            // What is found of keys themselves is a descriptor, and no page.
            self.seen().filter(|_| *lead != Lead::ApiKeys).find(is_it).map(|place| &place.url)
        };
        let links = || self.apis.iter().flat_map(|api| &api.links);
        let said = |lead: &Lead| {
            let is_it = |link: &&Link| link.lead == *lead && !is_document(link);
            links().find(is_it).map(|link| &link.url)
        };
        let page = PAGES.iter().find_map(own).or_else(|| PAGES.iter().find_map(said));
        of_shelf.or_else(|| page.cloned())
    }

    pub(super) fn detail(&self) -> CatalogDetailView {
        let named = self.apis.iter().zip(&self.indexes);
        let mut apis: Vec<_> = named.map(|(api, index)| view(api, index, self.said(api))).collect();
        apis.sort_by_cached_key(|api| api.name.to_lowercase());
        let account = |account: &AccountView| CatalogAccountView {
            id: account.id.clone(),
            name: account.name.clone(),
            keys: account.keys,
            due: account.due,
        };
        let accounts = self.accounts.iter().map(account).collect();
        let looks = self.looks.iter().map(|look| CatalogLookView {
            origin: look.origin.clone(),
            looked_at: look.looked_at,
            places: look.places.clone(),
        });
        CatalogDetailView { entry: self.view(), apis, accounts, looks: looks.collect() }
    }
}

fn view(api: &CatalogApi, index: &str, how: HowView) -> CatalogApiView {
    let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let lead = |link: &Link| LeadView { lead: link.lead, url: link.url.clone() };
    CatalogApiView {
        name: api.name.clone(),
        description: api.description.clone(),
        base_url: some(&api.base_url),
        human_url: some(&api.human_url),
        tags: api.tags.clone(),
        index: index.to_owned(),
        how,
        leads: api.links.iter().map(lead).collect(),
    }
}

fn sentence(keys: u64, due: u64, keys_at: Option<&str>, how: HowView) -> String {
    let due = match due {
        0 => String::new(),
        due => format!(", {due} of them due"),
    };
    match (keys, keys_at) {
        (1.., _) => format!("You hold {} here{due}.", count(keys, "key")),
        (0, Some(page)) => format!("No key is recorded here; look at {page}."),
        (0, None) if how < HowView::Page => {
            "No key is recorded here; how its keys are managed is published.".to_owned()
        }
        (0, None) => "No key is recorded here, and nothing says where its keys are.".to_owned(),
    }
}

/// How keys are managed where there is this.
const fn how(lead: Lead, is_document: bool) -> HowView {
    match lead {
        Lead::ApiKeys if is_document => HowView::Akm,
        Lead::ApiOnboarding => HowView::Onboarding,
        Lead::ApiCatalog => HowView::ApiCatalog,
        Lead::OAuth => HowView::OAuth,
        _ => HowView::Page,
    }
}

/// Whether a link is to something that programs read.
pub(super) fn is_document(link: &Link) -> bool {
    let is_type = |kind: &str| kind.contains("json") || kind.contains("yaml");
    let path = link.url.split(['?', '#']).next().unwrap_or_default();
    link.media_type.as_deref().is_some_and(is_type)
        || path.contains("/.well-known/")
        || [".json", ".yaml", ".yml"].iter().any(|ending| path.ends_with(ending))
}
