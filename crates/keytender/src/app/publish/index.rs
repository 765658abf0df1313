//! Where everything that is published stands: as APIs.json 0.23, and as a catalog (RFC 9727).

use serde_json::{Value, json};

use super::{API_CATALOG, API_KEYS, APIS_JSON, ONBOARDING, Site, Told};

/// The longest name that APIs.json takes, in letters.
const MAX_NAME: usize = 50;
/// The shortest.
const MIN_NAME: usize = 3;

/// The index.
pub(super) fn apis_json(site: &Site<'_>, told: &[Told]) -> Value {
    let mut apis = vec![management(site)];
    apis.extend(told.iter().map(|one| api(site, one)));
    let mut common = Vec::new();
    if !told.is_empty() {
        common.push(property("APIKeys", &site.at(API_KEYS), "application/json"));
        common.push(property("APIOnboarding", &site.at(ONBOARDING), "application/json"));
    }
    common.push(property("APICatalog", &site.at(API_CATALOG), "application/linkset+json"));
    common.push(property("OpenAPI", &site.at("/openapi.json"), "application/json"));
    common.push(property("Documentation", &site.at("/docs"), "text/html"));
    json!({
        "aid": site.host,
        "name": name(&site.host),
        "description": "The APIs whose keys are issued here, and how these keys are managed.",
        "url": site.at(APIS_JSON),
        "type": "Index",
        "position": "Producing",
        "access": "3rd-Party",
        "specificationVersion": "0.23",
        "tags": ["api keys"],
        "apis": apis,
        "common": common,
        "maintainers": [{"FN": site.host, "url": site.base}],
    })
}

fn name(text: &str) -> String {
    let text: String = text.chars().take(MAX_NAME).collect();
    if text.chars().count() < MIN_NAME { format!("keys of {text}") } else { text }
}

fn property(kind: &str, url: &str, media_type: &str) -> Value {
    json!({"type": kind, "url": url, "mediaType": media_type})
}

/// The API by which keys are managed.
fn management(site: &Site<'_>) -> Value {
    json!({
        "aid": format!("{}:keys", site.host),
        "name": "Management of API keys",
        "description": "Lists, makes, rotates, suspends and ends keys, and tells when they were used.",
        "image": site.at("/favicon.svg"),
        "baseURL": site.base,
        "humanURL": site.at("/docs"),
        "tags": ["api keys"],
        "properties": [
            property("OpenAPI", &site.at("/openapi.json"), "application/json"),
            property("Documentation", &site.at("/docs"), "text/html"),
        ],
    })
}

/// An API whose keys are issued here: where it is itself, nobody said; its keys are here.
fn api(site: &Site<'_>, told: &Told) -> Value {
    let name = &told.api.name;
    let mut properties = vec![
        property("APIKeys", &site.at(&format!("{API_KEYS}/{name}")), "application/json"),
        property("APIOnboarding", &site.at(&format!("{ONBOARDING}/{name}")), "application/json"),
    ];
    if let Some(docs) = told.docs() {
        properties.push(property("Documentation", docs, "text/html"));
    }
    let page = told.standing.voice.keys_page.as_ref();
    properties.extend(page.map(|page| property("Console", page, "text/html")));
    json!({
        "aid": format!("{}:{name}", site.host),
        "name": told.title(),
        "description": format!("Keys of {name}: how they are managed."),
        "image": site.at("/favicon.svg"),
        "baseURL": site.base,
        "humanURL": told.docs().map_or_else(|| site.at("/docs"), str::to_owned),
        "tags": [name],
        "properties": properties,
    })
}

/// The catalog: a set of links (RFC 9264) with the relations that RFC 9727 and RFC 8631 name.
pub(super) fn catalog(site: &Site<'_>, told: &[Told]) -> Value {
    let link = |path: &str, media_type: &str, title: &str| json!({"href": site.at(path), "type": media_type, "title": title});
    let mut meta = Vec::new();
    if !told.is_empty() {
        meta.push(link(API_KEYS, "application/json", "how keys are managed (AKM 0.1)"));
        meta.push(link(ONBOARDING, "application/json", "how a first key is got"));
    }
    meta.push(link(APIS_JSON, "application/json", "the index (APIs.json 0.23)"));
    let base = site.at("/v1");
    json!({"linkset": [
        {"anchor": site.at(API_CATALOG), "item": [{"href": base}]},
        {
            "anchor": base,
            "service-desc": [link("/openapi.json", "application/json", "OpenAPI 3.1")],
            "service-doc": [link("/docs", "text/html", "the API on a page")],
            "service-meta": meta,
            "status": [link("/readyz", "application/json", "whether the server can work")],
        },
    ]})
}
