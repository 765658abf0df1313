//! What indexes of strangers lead to, of that which is about keys: APIs.json, catalogs of links, onboarding.

use std::collections::BTreeSet;

use keytender_core::apis_json::{self, Lead, Property};
use serde_json::Value;

/// The most links that are followed or shown of one document.
const MAX_LINKS: usize = 200;

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    /// A descriptor of keys.
    Keys,
    /// A descriptor of onboarding.
    Onboarding,
    /// An OpenAPI description.
    OpenApi,
    /// A page for people, by the word of APIs.json.
    Page(&'static str),
}

/// What an index leads to.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// How many APIs it has.
    pub(super) apis: usize,
    /// Each once, in their order.
    pub(super) all: Vec<(Purpose, String)>,
}

impl Links {
    fn add(&mut self, seen: &mut BTreeSet<(Purpose, String)>, purpose: Purpose, url: &str) {
        let link = (purpose, url.to_owned());
        if self.all.len() < MAX_LINKS && seen.insert(link.clone()) {
            self.all.push(link);
        }
    }
}

/// What a property of APIs.json is for, if it is about keys.
fn purpose(property: &Property) -> Option<Purpose> {
    let is_openapi = matches!(property.kind.to_ascii_lowercase().as_str(), "openapi" | "swagger");
    Some(match property.lead() {
        Some(Lead::ApiKeys) => Purpose::Keys,
        Some(Lead::ApiOnboarding) => Purpose::Onboarding,
        Some(Lead::Authentication) => Purpose::Page("Authentication"),
        Some(Lead::Login) => Purpose::Page("Login"),
        Some(Lead::Console) => Purpose::Page("Console"),
        Some(Lead::SignUp) => Purpose::Page("SignUp"),
        None if is_openapi => Purpose::OpenApi,
        _ => return None,
    })
}

/// What an APIs.json leads to, in JSON or YAML.
///
/// # Errors
/// What it is instead.
pub(super) fn of_apis_json(text: &str) -> Result<Links, String> {
    let read = apis_json::read(text).map_err(|fault| format!("it is no APIs.json: {fault}"))?;
    let index = read.index;
    if index.apis.is_empty() && index.common.is_empty() {
        return Err("it is no APIs.json: it has no `apis`".to_owned());
    }
    let own = index.apis.iter().flat_map(|api| &api.properties);
    let mut links = Links { apis: index.apis.len(), all: Vec::new() };
    let mut seen = BTreeSet::new();
    for property in index.common.iter().chain(own) {
        if let Some(purpose) = purpose(property) {
            links.add(&mut seen, purpose, &property.url);
        }
    }
    Ok(links)
}

/// What a set of links (RFC 9264) leads to: metadata of services may be a descriptor of keys.
///
/// # Errors
/// What it is instead.
pub(super) fn of_catalog(text: &str) -> Result<Links, String> {
    let document: Value = serde_json::from_str(text).map_err(|_| "it is no JSON".to_owned())?;
    let contexts = document.get("linkset").and_then(Value::as_array);
    let contexts = contexts.ok_or_else(|| "it is no catalog: it has no `linkset`".to_owned())?;
    let mut links = Links { apis: contexts.len(), all: Vec::new() };
    let mut seen = BTreeSet::new();
    for context in contexts {
        for (relation, purpose) in
            [("service-meta", Purpose::Keys), ("service-desc", Purpose::OpenApi)]
        {
            let targets = context.get(relation).and_then(Value::as_array);
            for target in targets.into_iter().flatten() {
                let is_json = target.get("type").and_then(Value::as_str).is_none_or(is_json);
                if let (true, Some(href)) = (is_json, target.get("href").and_then(Value::as_str)) {
                    links.add(&mut seen, purpose, href);
                }
            }
        }
    }
    Ok(links)
}

fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind == "application/json" || kind.ends_with("+json")
}

/// How far programs get by themselves, and what one walks away with, as a description of onboarding says.
pub(super) fn of_onboarding(text: &str) -> Option<(String, Vec<String>)> {
    let document: Value = serde_json::from_str(text).ok()?;
    document.get("aod")?.as_str()?;
    let maturity = document.get("maturity")?.as_str()?.to_owned();
    let credentials = document.get("credentials")?.as_array()?.iter();
    let kinds = credentials.filter_map(|one| one.get("type")?.as_str().map(str::to_owned));
    Some((maturity, kinds.take(MAX_LINKS).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_leads_to_what_is_about_keys_once_each() {
        let text = r#"{"apis": [{"properties": [{"type": "API Keys", "url": "/keys"}, {"type": "Blog", "url": "/b"},
            {"type": "Console", "url": "https://example.com/console"}, {"url": 7}, 7]}, "odd"],
            "common": [{"type": "APIKeys", "url": "/keys"}, {"type": "Sign Up", "url": "/join"}]}"#;
        let links = of_apis_json(text).unwrap();
        assert_eq!(links.apis, 1);
        let expected = [
            (Purpose::Keys, "/keys"),
            (Purpose::Page("SignUp"), "/join"),
            (Purpose::Page("Console"), "https://example.com/console"),
        ];
        assert_eq!(links.all, expected.map(|(purpose, url)| (purpose, url.to_owned())));
        for text in ["", "[]", "{}", "null", "{\"apis\": 7}"] {
            assert!(of_apis_json(text).is_err(), "{text}");
            assert!(of_catalog(text).is_err(), "{text}");
            assert!(of_onboarding(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_catalog_leads_to_metadata_and_descriptions_in_json() {
        let text = r#"{"linkset": [{"anchor": "https://example.com/v1",
            "service-meta": [{"href": "/meta", "type": "application/json; a=b"}, {"href": "/page", "type": "text/html"},
                             {"href": "/untyped"}],
            "service-desc": [{"href": "/openapi.json", "type": "application/vnd.oai.openapi+json"}]}]}"#;
        let all = of_catalog(text).unwrap().all;
        let urls: Vec<&str> = all.iter().map(|(_, url)| url.as_str()).collect();
        assert_eq!(urls, ["/meta", "/untyped", "/openapi.json"]);
    }

    #[test]
    fn an_endless_index_is_cut() {
        let many: Vec<Value> = (0..10_000)
            .map(|at| serde_json::json!({"type": "APIKeys", "url": format!("/{at}")}))
            .collect();
        let text = serde_json::json!({"apis": [], "common": many}).to_string();
        assert_eq!(of_apis_json(&text).unwrap().all.len(), MAX_LINKS);
    }
}
