//! The APIs that are used, in JSON.

use keytender_core::apis_json::{Lead, Remark, SeenPlace};
use keytender_core::text::count;
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::catalog::{CatalogIndex, Warning};

/// How the keys of an API are managed, as far as its index, the shelf and its own addresses say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HowView {
    /// By Keytender, which knows how to ask the provider for them.
    Shelf,
    /// By a descriptor that the provider publishes.
    Akm,
    /// A document says how a first key is got.
    Onboarding,
    /// The provider publishes a catalog of its APIs (RFC 9727).
    ApiCatalog,
    /// By OAuth, whose metadata is published.
    #[serde(rename = "oauth")]
    OAuth,
    /// By people, on a page.
    Page,
    /// Nothing says.
    Unknown,
}

impl HowView {
    /// In a few words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Shelf => "Keytender can list them",
            Self::Akm => "its own descriptor",
            Self::Onboarding => "onboarding document",
            Self::ApiCatalog => "API catalog",
            Self::OAuth => "OAuth metadata",
            Self::Page => "by hand on a page",
            Self::Unknown => "nothing says",
        }
    }
}

/// By what an API was found to be a provider's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MatchedView {
    /// Its calls go to the provider's domain.
    Host,
    /// Its home page is at the provider's domain.
    Page,
    /// It is called so.
    Name,
}

/// Something that leads to keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeadView {
    /// To what.
    pub lead: Lead,
    /// Its address, as somebody else's index says.
    pub url: String,
}

/// An API that is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CatalogApiView {
    /// What it is called.
    pub name: String,
    /// What it does.
    pub description: String,
    /// What its calls begin with; null if nothing says.
    pub base_url: Option<String>,
    /// Its home page; null if nothing says.
    pub human_url: Option<String>,
    /// What it is about.
    pub tags: Vec<String>,
    /// The name of the index that tells of it.
    pub index: String,
    /// How its keys are managed.
    pub how: HowView,
    /// What leads to its keys.
    pub leads: Vec<LeadView>,
}

/// An account whose keys open these APIs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CatalogAccountView {
    /// The id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many keys it has that are not destroyed.
    pub keys: u64,
    /// How many of them are due.
    pub due: u64,
}

/// Whoever runs some of the APIs that are used, beside the keys that are held there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CatalogEntryView {
    /// By what it is asked for: the provider's id, else the domain, else a name.
    #[schema(example = "stripe")]
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The provider, if it is one that the shelf or the inventory knows.
    pub provider: Option<String>,
    /// By what that was found.
    pub matched_by: Option<MatchedView>,
    /// The domain at which its calls or its pages are; null if there is none or several.
    pub domain: Option<String>,
    /// How many APIs of it are used.
    pub apis: u64,
    /// How many keys are held there that are not destroyed.
    pub keys: u64,
    /// How many of them are due.
    pub due: u64,
    /// How its keys are managed: the best of its APIs, and of what was seen at its addresses.
    pub how: HowView,
    /// Since when all that is known of its addresses is so; null if nobody looked.
    pub looked_at: Option<Time>,
    /// The page on which people manage its keys; null if nothing says.
    pub keys_at: Option<String>,
    /// The same in a sentence.
    pub sentence: String,
}

/// What follows of all APIs together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CatalogSummaryView {
    /// How many APIs are used.
    pub apis: u64,
    /// How many run them.
    pub entries: u64,
    /// How many of these have no key recorded.
    pub without_keys: u64,
    /// How many keys are held at the others.
    pub keys: u64,
    /// The same in a sentence.
    pub sentence: String,
}

/// A page of those who run the APIs that are used.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CatalogList {
    /// What follows of all of them, on every page.
    pub summary: CatalogSummaryView,
    /// They, by name.
    pub entries: Vec<CatalogEntryView>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One of them, with its APIs and the accounts at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CatalogDetailView {
    /// What is known of it as a whole.
    pub entry: CatalogEntryView,
    /// Its APIs, by name.
    pub apis: Vec<CatalogApiView>,
    /// The accounts at it.
    pub accounts: Vec<CatalogAccountView>,
    /// What was seen at its addresses.
    pub looks: Vec<CatalogLookView>,
}

/// What was seen at an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CatalogLookView {
    /// The address: scheme, host and port.
    #[schema(example = "https://api.example.com")]
    pub origin: String,
    /// When.
    pub looked_at: Time,
    /// Each place that was looked at, and the pages to which its own index leads.
    pub places: Vec<SeenPlace>,
}

impl CatalogLookView {
    /// What is there.
    pub fn found(&self) -> impl Iterator<Item = &SeenPlace> {
        self.places.iter().filter(|place| place.is_found)
    }

    /// The command by which an account is added, where a descriptor was found.
    pub fn command(&self) -> Option<String> {
        let is_descriptor = |place: &SeenPlace| place.lead == Some(Lead::ApiKeys);
        let found = self.found().any(is_descriptor);
        found.then(|| format!("keytender accounts add {} NAME --credential PLACE", self.origin))
    }

    /// What is there not, in a sentence.
    pub fn missing(&self) -> Option<String> {
        let missing = self.places.iter().filter(|place| !place.is_found);
        let first = missing.clone().next()?;
        let why = &first.what;
        Some(match (self.found().next(), missing.count()) {
            (None, 1) => format!("Nothing is there: {why}."),
            (None, number) => format!("Nothing is at {number} places; at the first: {why}."),
            (Some(_), number) => format!("Nothing is at {}.", count(number, "other place")),
        })
    }
}

/// How is looked at the addresses of those who run APIs.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogDiscoveryRequest {
    /// Whether an address may be looked at that is not public.
    #[serde(default)]
    pub allow_private: bool,
}

/// Something that is said of an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RemarkView {
    /// The index that it is about, if it is one that was included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// The line, from 1; 0 if it is not known.
    pub line: u64,
    /// The letter in that line, from 1.
    pub column: u64,
    /// The member that it is about, such as `apis[2].baseURL`; empty for all of it.
    pub member: String,
    /// What is wrong or odd.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// How often the same was found; the place is that of the first.
    pub times: u64,
}

impl RemarkView {
    /// The view of a warning that is kept.
    pub fn of(warning: &Warning) -> Self {
        let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        Self {
            index: warning.index.clone(),
            line: number(warning.line),
            column: number(warning.column),
            member: warning.member.clone(),
            message: warning.message.clone(),
            hint: warning.hint.clone(),
            times: number(warning.times),
        }
    }

    /// On one line: the place, what is so, how often.
    pub fn line(&self) -> String {
        let mut line = String::new();
        if let Some(index) = &self.index {
            line.push_str(&format!("{index}: "));
        }
        if self.line > 0 {
            line.push_str(&format!("line {}, column {}: ", self.line, self.column));
        }
        if !self.member.is_empty() {
            line.push_str(&format!("{}: ", self.member));
        }
        line.push_str(&self.message);
        if self.times > 1 {
            line.push_str(&format!(" ({} times)", self.times));
        }
        line
    }
}

/// An index that was imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CatalogIndexView {
    /// The id.
    #[schema(example = "cat_0dj2c8xk3v9q4")]
    pub id: String,
    /// From where it is: a URL, or the name of a file.
    pub source: String,
    /// What it is called.
    pub name: String,
    /// What it is of.
    pub description: String,
    /// Of which version of APIs.json it says that it is.
    pub version: Option<String>,
    /// Whether its keeper makes these APIs (`Producing`) or uses them (`Consuming`).
    pub position: Option<String>,
    /// The SHA-256 of its text, in hexadecimal.
    pub sha256: String,
    /// How many APIs it tells of, with those that it includes.
    pub apis: u64,
    /// Where the indexes are that it includes.
    pub included: Vec<String>,
    /// What was odd.
    pub warnings: Vec<RemarkView>,
    /// When it came in.
    pub imported_at: Time,
}

impl CatalogIndexView {
    /// The view of an index with so many APIs.
    pub fn of(index: &CatalogIndex, apis: u64) -> Self {
        Self {
            id: index.id.to_string(),
            source: index.source.clone(),
            name: index.name.clone(),
            description: index.description.clone(),
            version: index.version.clone(),
            position: index.position.clone(),
            sha256: index.digest.clone(),
            apis,
            included: index.included.clone(),
            warnings: index.warnings.iter().map(RemarkView::of).collect(),
            imported_at: index.imported_at,
        }
    }
}

/// A page of indexes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CatalogIndexList {
    /// The indexes, by name.
    pub indexes: Vec<CatalogIndexView>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// An index to import: its text, or where it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogImportRequest {
    /// Where it is; the server asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its text, in JSON or YAML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// What it is called by whoever sends its text, such as the name of a file: the same again takes its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "apis.yml")]
    pub source: Option<String>,
    /// Whether the indexes that it includes are left out.
    #[serde(default)]
    pub no_include: bool,
    /// Whether `url` may lead to an address that is not public.
    #[serde(default)]
    pub allow_private: bool,
}

/// What an import came to.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CatalogImportView {
    /// The index, as it is kept now.
    pub index: CatalogIndexView,
    /// Whether it took the place of one that was there.
    pub replaced: bool,
    /// Those who run its APIs, beside the keys that are held there.
    pub entries: Vec<CatalogEntryView>,
    /// What follows for this index.
    pub summary: CatalogSummaryView,
}

/// A text to hold against the rules of APIs.json.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogCheckRequest {
    /// The text, in JSON or YAML.
    pub document: String,
}

/// What the rules of APIs.json 0.23 say of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CatalogCheckView {
    /// Whether it is valid.
    pub valid: bool,
    /// What keeps it from being valid.
    pub faults: Vec<RemarkView>,
    /// What the rules allow and cannot be meant.
    pub notes: Vec<RemarkView>,
    /// How many faults and notes there are beyond these.
    pub more: u64,
}

/// What is kept of a remark.
pub(in crate::app) fn warning(index: Option<&str>, remark: Remark) -> Warning {
    Warning {
        index: index.map(str::to_owned),
        line: remark.place.line,
        column: remark.place.column,
        member: remark.member,
        message: remark.message,
        hint: remark.hint,
        times: remark.times,
    }
}
