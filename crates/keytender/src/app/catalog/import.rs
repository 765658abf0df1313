//! Brings an index in: what it tells of APIs, and what was odd.

use std::borrow::Cow;

use keytender_core::apis_json::{self, Api, Index, Lead, MAX_WARNINGS, Property, Read};
use keytender_core::id::CatalogIndexId;
use keytender_core::text::printable;
use reqwest::Url;
use serde_json::json;

use super::reach::{self, Gathered, Part};
use super::{forget, known, summary};
use crate::app::inventory::{Done, Inventory, cannot_write, commit};
use crate::app::keys;
use crate::app::ticket::digest_of;
use crate::app::view::catalog::warning;
use crate::app::view::{CatalogImportRequest, CatalogImportView, CatalogIndexView};
use crate::connect::index::Indexes;
use crate::error::{Error, Kind};
use crate::store::catalog::{CatalogApi, CatalogIndex, Link, Warning};
use crate::store::random;

/// How many APIs come with one index: the largest that we know of tells of 159.
const MAX_APIS: usize = 5_000;
/// How many APIs there are together.
const MAX_ALL_APIS: u64 = 20_000;
/// How many things that lead to keys are kept of one API, of each kind.
const MAX_LINKS: usize = 3;
/// The most letters of a name, of a description, and of an address.
const MAX_NAME: usize = 200;
const MAX_DESCRIPTION: usize = 1_000;
const MAX_ADDRESS: usize = 2_000;
/// How many words an API is about.
const MAX_TAGS: usize = 12;
/// What a text is called of which nothing is said.
const UNNAMED: &str = "the document";

/// Imports an index, and those that it includes; what is there from the same source makes place.
///
/// # Errors
/// When it cannot be had, is beyond a limit, or nothing of it can be read; or whoever asks may not.
pub async fn run(
    inventory: &Inventory,
    request: &CatalogImportRequest,
) -> Result<CatalogImportView, Error> {
    refuse_narrow(inventory)?;
    let (source, url, text) = match (&request.url, &request.document) {
        (Some(address), None) => {
            let asked = reach::parse(address)?;
            let indexes = Indexes::new(request.allow_private.then_some(&asked))?;
            let fetched = indexes.fetch(&asked, apis_json::MAX_BYTES).await;
            let (at, text) = fetched.map_err(|why| reach::cannot(&asked, &why))?;
            (reach::shown(&asked), Some(at), text)
        }
        (None, Some(document)) => {
            let source = request.source.as_deref().unwrap_or(UNNAMED);
            (clean(source, MAX_NAME), None, document.clone())
        }
        _ => {
            return Err(Error::new("an index is imported from its `url` or as its `document`")
                .hint("give one of the two"));
        }
    };
    let read = apis_json::read(&text).map_err(|fault| cannot(&source, &fault.to_string()))?;
    let gathered = gather(request, Part { url, read }, text.len()).await?;
    keep(inventory, source, &text, gathered).await
}

/// Refuses whoever sees only some keys.
pub(super) fn refuse_narrow(inventory: &Inventory) -> Result<(), Error> {
    keys::refuse_narrow(&inventory.sight, "say which APIs are used")
}

fn cannot(source: &str, why: &str) -> Error {
    Error::new(format!("`{source}` cannot be imported")).source(why.to_owned())
}

async fn gather(
    request: &CatalogImportRequest,
    root: Part,
    bytes: usize,
) -> Result<Gathered, Error> {
    if request.no_include || root.read.index.include.is_empty() {
        return Ok(Gathered { parts: vec![root], warnings: Vec::new() });
    }
    let private = root.url.clone().filter(|_| request.allow_private);
    Ok(reach::gather(&Indexes::new(private.as_ref())?, root, bytes).await)
}

async fn keep(
    inventory: &Inventory,
    source: String,
    text: &str,
    gathered: Gathered,
) -> Result<CatalogImportView, Error> {
    let Some(root) = gathered.parts.first() else {
        return Err(cannot(&source, "it is empty").kind(Kind::Internal));
    };
    let said = &root.read.index;
    let mut index = CatalogIndex {
        id: CatalogIndexId::from_random(random().map_err(cannot_write)?),
        name: Some(clean(&said.name, MAX_NAME))
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| source.clone()),
        source,
        description: clean(&said.description, MAX_DESCRIPTION),
        version: said.specification_version.as_ref().map(|version| clean(version, MAX_NAME)),
        position: said.position.as_ref().map(|position| clean(position, MAX_NAME)),
        digest: digest_of(text),
        included: gathered.parts.iter().skip(1).filter_map(place).collect(),
        warnings: warnings(&gathered),
        imported_at: inventory.now,
    };
    let mut tx = inventory.begin().await?;
    let (there, others) = tx.catalog_from(&index.source).await.map_err(cannot_write)?;
    index.id = there.unwrap_or(index.id);
    let apis = apis(index.id, &gathered.parts);
    let number = u64::try_from(apis.len()).unwrap_or(u64::MAX);
    if apis.len() > MAX_APIS || others.saturating_add(number) > MAX_ALL_APIS {
        let why = format!(
            "with it there would be {} APIs; an index has at most {MAX_APIS}, and all together {MAX_ALL_APIS}",
            others.saturating_add(number)
        );
        return Err(cannot(&index.source, &why));
    }
    tx.put_catalog_index(&index, &apis).await.map_err(cannot_write)?;
    let act = Done {
        verb: "catalog.import",
        target_kind: "catalog-index",
        target_id: index.id.to_string(),
        why: None,
        details: json!({"source": index.source, "apis": number, "digest": index.digest}),
    };
    inventory.log(&mut tx, act).await?;
    commit(tx).await?;
    let known = known(inventory).await?;
    forget(inventory, &known.entries).await?;
    let entries = known.entries.views_of(index.id);
    let view = CatalogIndexView::of(&index, number);
    let summary = summary(&entries);
    Ok(CatalogImportView { index: view, replaced: there.is_some(), entries, summary })
}

/// What was odd: in the index, in those that came with it, and why others did not come.
fn warnings(gathered: &Gathered) -> Vec<Warning> {
    let mut all = Vec::new();
    for (number, part) in gathered.parts.iter().enumerate() {
        let at = place(part).filter(|_| number > 0);
        let Read { warnings, more_warnings, .. } = &part.read;
        all.extend(warnings.iter().map(|remark| cleaned(warning(at.as_deref(), remark.clone()))));
        if *more_warnings > 0 {
            all.push(Warning {
                index: at,
                line: 0,
                column: 0,
                member: String::new(),
                message: format!("{more_warnings} more oddities are not told"),
                hint: "keytender catalog check tells all".to_owned(),
                times: 1,
            });
        }
    }
    all.extend(gathered.warnings.iter().cloned().map(cleaned));
    // The index itself and why others did not come matter more than what is odd in the fiftieth of these.
    all.truncate(2 * MAX_WARNINGS + gathered.warnings.len());
    all
}

fn cleaned(mut warning: Warning) -> Warning {
    warning.member = clean(&warning.member, MAX_NAME);
    warning.message = clean(&warning.message, MAX_DESCRIPTION);
    warning.hint = clean(&warning.hint, MAX_DESCRIPTION);
    warning
}

fn place(part: &Part) -> Option<String> {
    part.url.as_ref().map(reach::shown)
}

fn apis(id: CatalogIndexId, parts: &[Part]) -> Vec<CatalogApi> {
    let of_part = |part: &Part| -> Vec<CatalogApi> {
        let index = &part.read.index;
        let base = part.url.clone().or_else(|| Url::parse(&index.url).ok());
        index.apis.iter().map(|one| api(id, one, index, base.as_ref())).collect()
    };
    parts.iter().flat_map(of_part).collect()
}

fn api(id: CatalogIndexId, api: &Api, index: &Index, base: Option<&Url>) -> CatalogApi {
    let tags = api.tags.iter().take(MAX_TAGS).map(|tag| clean(tag, MAX_NAME));
    CatalogApi {
        index: id,
        aid: api.aid.as_ref().or(index.aid.as_ref()).map(|aid| clean(aid, MAX_NAME)),
        name: Some(clean(&api.name, MAX_NAME))
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| clean(&index.name, MAX_NAME)),
        description: clean(&api.description, MAX_DESCRIPTION),
        base_url: clean(&api.base_url, MAX_ADDRESS),
        human_url: clean(&api.human_url, MAX_ADDRESS),
        tags: tags.filter(|tag| !tag.is_empty()).collect(),
        links: links(&api.properties, &index.common, base),
    }
}

/// What leads to keys: of the API itself before what holds for all of its index.
fn links(own: &[Property], common: &[Property], base: Option<&Url>) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    for property in own.iter().chain(common) {
        let Some(url) = address(&property.url, base) else { continue };
        let Some(lead) = property.lead().or_else(|| lead_of(&url)) else { continue };
        let alike = links.iter().filter(|link| link.lead == lead);
        if alike.clone().count() >= MAX_LINKS || alike.clone().any(|link| link.url == url.as_str())
        {
            continue;
        }
        let media_type = property.media_type.as_ref().map(|kind| clean(kind, MAX_NAME));
        links.push(Link { lead, url: url.into(), media_type });
    }
    links.sort_by_key(|link| link.lead);
    links
}

/// What is at a place that standards name, whatever an index calls it.
fn lead_of(url: &Url) -> Option<Lead> {
    let well_known = url.path().split_once("/.well-known/")?.1;
    match well_known {
        "api-keys" => Some(Lead::ApiKeys),
        "api-onboarding" => Some(Lead::ApiOnboarding),
        "api-catalog" => Some(Lead::ApiCatalog),
        "openid-configuration" => Some(Lead::OAuth),
        other if other.starts_with("oauth-") => Some(Lead::OAuth),
        _ => None,
    }
}

/// An address that people can be sent to; a relative one is beside the index.
fn address(text: &str, base: Option<&Url>) -> Option<Url> {
    let url = match (Url::parse(text), base) {
        (Ok(url), _) => url,
        (Err(_), Some(base)) => base.join(text).ok()?,
        (Err(_), None) => return None,
    };
    let is_fit = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.as_str().len() <= MAX_ADDRESS;
    is_fit.then_some(url)
}

/// Other people's text on one line, without letters that hide something.
fn clean(text: &str, most: usize) -> String {
    let is_hidden = |one: char| matches!(printable(one.encode_utf8(&mut [0; 4])), Cow::Owned(_));
    let text: String = text.chars().map(|one| if is_hidden(one) { ' ' } else { one }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(most).collect()
}
