//! How a first key of our APIs is got: an API Onboarding Descriptor 0.1 (API Commons).

use keytender_core::text::printable;
use keytender_core::time::Span;
use serde_json::{Value, json};

use super::{API_KEYS, APIS_JSON, Site, Told, members};
use crate::app::issued::DEFAULT_OVERLAP;

/// The descriptor of some APIs, whose management is described at `path` below its place.
pub(super) fn document(site: &Site<'_>, told: &[Told], path: &str) -> Value {
    let only = if let [one] = told { Some(one) } else { None };
    let name = only.map_or_else(|| site.host.clone(), Told::title);
    let home = only.and_then(Told::docs).map_or_else(|| site.base.to_owned(), str::to_owned);
    let page = only.and_then(|one| one.standing.voice.keys_page.as_ref());
    let provider = members([
        ("name", Some(json!(name))),
        ("url", Some(json!(home))),
        ("portalUrl", page.map(|page| json!(page))),
        ("apisJsonUrl", Some(json!(site.at(APIS_JSON)))),
    ]);
    json!({
        "aod": "0.1",
        "provider": provider,
        "maturity": "bootstrap-token",
        "account": {
            "required": true,
            "agentPolicy": "unspecified",
            "prerequisites": [
                "whoever runs the API has added you as a customer",
                "an app, added by them, or by you where the API lets its customers",
                "a token of yours, which they give you once",
            ],
        },
        "verification": [],
        "registration": {
            "applicationNoun": "app",
            "owner": "organization",
            "mechanisms": [{
                "type": "management-api",
                "description": "Keys are made, rotated and ended by calls; which ones, the descriptor at \
                                /.well-known/api-keys says.",
                "baseUrl": site.base,
                "docsUrls": [site.at("/docs"), site.at(&format!("{API_KEYS}{path}"))],
                "auth": "token",
            }],
        },
        "authentication": {"methods": [{
            "id": "token",
            "type": "bearer-env",
            "env": ["KEYTENDER_TOKEN"],
            "tokenPrefix": "keytender_live_",
            "bootstrap": "Whoever runs the API makes a token for the customer and hands it over.",
        }]},
        "credentials": told.iter().map(credential).collect::<Vec<_>>(),
        "scopes": {
            "model": "scope-strings",
            "notes": "A key has scopes of those that its app has, in the API's own words.",
        },
        "flow": flow(site),
        "gaps": [
            "Customers and their first tokens are added by whoever runs the API; there is no public sign-up.",
        ],
    })
}

fn credential(told: &Told) -> Value {
    let api = &told.api;
    let overlap = api.settings.overlap.unwrap_or(DEFAULT_OVERLAP);
    let life = api
        .settings
        .key_life
        .map_or_else(|| "none, unless one is asked for".to_owned(), Span::in_words);
    json!({
        "type": "api-key",
        "fields": {"api_key": format!("key of {}", printable(&api.name))},
        "ttl": life,
        "rotation": format!("by a call: both keys work for {} unless another time is asked for", overlap.in_words()),
        "oneTimeDisplay": true,
    })
}

/// From a token to a key.
fn flow(site: &Site<'_>) -> Value {
    json!({
        "args": [
            {"name": "app", "description": "the id of the app, as the list of apps shows it", "required": true},
            {"name": "name", "description": "what the key is for", "required": true},
        ],
        "steps": [{
            "id": "create_key",
            "description": "Makes a key; its secret is in this answer and nowhere else.",
            "auth": "token",
            "request": {
                "method": "POST",
                "url": site.at("/v1/apps/{arg.app}/keys"),
                "body": {"label": "{arg.name}"},
            },
        }],
        "outputs": {"api_key": "{steps.create_key.secret}", "key_id": "{steps.create_key.key}"},
    })
}
