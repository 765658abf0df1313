//! How keys of our APIs are managed: a descriptor (AKM 0.1) for whoever holds such keys. A customer's own token can
//! do all that it names.
//!
//! Several APIs are several kinds of keys in one document: whoever knows an address and has a token needs nothing
//! else, and what a token does not reach is not there for it. What is said of the document as a whole, such as
//! notices, is what holds for each of its APIs; the document of one API alone says all that holds for it.

use keytender_core::notice::DAYS_BEFORE;
use keytender_core::time::Span;
use keytender_core::token::{self, Brand};
use serde_json::{Map, Value, json};

use super::{API_KEYS, APIS_JSON, GUIDES, MAX_APIS, ONBOARDING, PORTAL, Site, Told, members};
use crate::app::issued::{DEFAULT_OVERLAP, MAX_OVERLAP};
use crate::app::node::LEASE;
use crate::app::notify::of_customer::{AGE_DAYS, UNUSED_DAYS};
use crate::notify::webhook::EventKind;
use crate::store::apis::Api;

/// How late a use can be seen: verifiers elsewhere tell theirs within it.
const USE_LAG_SECONDS: u32 = 60;
/// How the checksum of a key is made, by its word in AKM.
const CHECKSUM: &str = "crc32-base62";

/// The descriptor of some APIs, which is published at `path` below its place.
pub(super) fn document(site: &Site<'_>, told: &[Told], path: &str) -> Value {
    let described = told.get(..MAX_APIS).unwrap_or(told);
    let only = if let [one] = told { Some(one) } else { None };
    let id = only.map_or_else(|| site.host.replace('.', "-"), |one| one.api.name.clone());
    let name = only.map_or_else(|| site.host.clone(), Told::title);
    let home = only.and_then(Told::docs).map_or_else(|| site.base.to_owned(), str::to_owned);
    let mut whole = members([
        ("akm", Some(json!("0.1"))),
        (
            "provider",
            Some(json!({"id": id.to_lowercase(), "name": name, "url": home,
                                 "apisJsonUrl": site.at(APIS_JSON)})),
        ),
        ("onboarding", Some(json!(site.at(&format!("{ONBOARDING}{path}"))))),
        ("openapi", Some(json!(site.at("/openapi.json")))),
        (
            "sources",
            Some(json!([{
                "name": "this server's own configuration", "url": site.at(&format!("{API_KEYS}{path}")),
                "supports": "all of it: the document is made of what is configured",
            }])),
        ),
        ("authentication", Some(authentication(site))),
        ("resources", Some(described.iter().flat_map(resources).collect())),
        ("keyTypes", Some(described.iter().map(kind).collect())),
        ("links", Some(links(site, only, path))),
        ("events", events(site, told)),
        ("notices", notices(told)),
        ("gaps", Some(gaps(site, told))),
    ]);
    whole.append(&mut server(site));
    Value::Object(whole)
}

/// Where calls go. A host alone can be said; another port is a gap, and whoever fetched the document knows it.
fn server(site: &Site<'_>) -> Map<String, Value> {
    if site.is_plain {
        return members([("server", Some(json!(site.base)))]);
    }
    let is_name =
        site.host.chars().any(|one| one.is_ascii_alphabetic()) && !site.host.contains(':');
    let default = is_name.then(|| json!(site.host));
    let host = members([
        ("help", Some(json!(format!("the host; this server is reached at {}", site.base)))),
        ("isHost", Some(json!(true))),
        ("default", default),
    ]);
    members([
        ("server", Some(json!("https://{var.host}"))),
        ("variables", Some(json!({ "host": host }))),
    ])
}

fn authentication(site: &Site<'_>) -> Value {
    let mut token = members([
        ("id", Some(json!("token"))),
        ("scheme", Some(json!("bearer"))),
        ("env", Some(json!(["KEYTENDER_TOKEN"]))),
        (
            "permissions",
            Some(json!({
                "list": ["accounts:read", "apps:read", "keys:read"],
                "get": ["keys:read"],
                "create": ["keys:issue", "apps:write", "notices:write"],
                "update": ["keys:write"],
                "suspend": ["keys:act"],
                "resume": ["keys:act"],
                "rotate": ["keys:issue"],
                "delete": ["keys:issue", "apps:write", "notices:write"],
                "report": ["reports:read"],
                "audit": ["keys:read"],
            })),
        ),
        (
            "bootstrap",
            Some(json!(
                "Whoever runs the API gives each customer a token of its own, which manages that customer's keys alone."
            )),
        ),
    ]);
    token.insert("docs".to_owned(), json!(site.at("/docs")));
    json!({"methods": [token, {"id": "nobody", "scheme": "none"}]})
}

/// The customers of an API, and their apps.
fn resources(told: &Told) -> [Value; 2] {
    let api = &told.api.name;
    let list = |path: String, items: &str, query: Value| {
        json!({
            "request": {"method": "GET", "url": path, "query": query},
            "success": [200],
            // Another API's customer finds none.
            "gone": [404],
            "items": items,
            "paging": paging(),
        })
    };
    let app = format!("/v1/apps/{{{api}-app.id}}");
    let stop = |is_stopped: bool| {
        json!({
            "request": {"method": "PATCH", "url": app, "json": {"suspended": is_stopped}},
            "success": [200], "propagationSeconds": seconds(LEASE),
        })
    };
    let create = told.api.settings.own_apps.as_ref().map(|_| {
        json!({
            "request": {"method": "POST", "url": format!("/v1/accounts/{{{api}-customer.id}}/apps"),
                        "json": {"name": "{arg.name}", "scopes": "{arg.scopes}"}},
            "args": {
                "name": {"help": "what the app is called", "required": true, "maxLetters": 200},
                "scopes": {"help": "what its keys may do at most"},
            },
            "success": [201], "outputs": {"id": "/id"},
            "retry": "never", "idempotencyHeader": "Idempotency-Key",
        })
    });
    let operations = members([
        (
            "list",
            Some(list(
                format!("/v1/apis/{api}/apps"),
                "/apps",
                json!({"account": format!("{{{api}-customer.id}}")}),
            )),
        ),
        ("create", create),
        ("suspend", Some(stop(true))),
        ("resume", Some(stop(false))),
        (
            "delete",
            Some(json!({
                "request": {"method": "DELETE", "url": app},
                "success": [204], "gone": [404], "propagationSeconds": seconds(LEASE),
            })),
        ),
    ]);
    [
        json!({
            "id": format!("{api}-customer"), "noun": format!("customer of {api}"), "kind": "account",
            "fields": {"id": "/id", "name": "/name"},
            "operations": {"list": list(format!("/v1/apis/{api}/accounts"), "/accounts", json!({}))},
        }),
        json!({
            "id": format!("{api}-app"), "noun": format!("app of {api}"), "kind": "app",
            "within": format!("{api}-customer"),
            "fields": {"id": "/id", "name": "/name"},
            "operations": operations,
        }),
    ]
}

fn paging() -> Value {
    json!({"cursor": {"param": "after", "next": "/next", "size": {"param": "limit", "max": 1000}}})
}

/// The keys of an API.
fn kind(told: &Told) -> Value {
    let api = &told.api;
    let overlap = api.settings.overlap.unwrap_or(DEFAULT_OVERLAP);
    json!({
        "id": api.name,
        "noun": format!("key of {}", api.name),
        "type": "api-key",
        "owner": "app",
        "within": format!("{}-app", api.name),
        "presentation": {"in": "header", "name": "Authorization", "scheme": "Bearer"},
        "format": format(api),
        "display": "once",
        "lifetime": lifetime(api.settings.key_life),
        "fields": {
            "id": "/key", "name": "/label", "scopes": "/issued/scopes", "createdAt": "/created_at",
            "expiresAt": "/expires_at", "lastUsedAt": "/last_used/at", "lastUsedRegion": "/last_used/region",
            "lastUsedService": "/last_used/service", "lastUsedIp": "/last_used/address",
        },
        "state": [{"at": "/state", "words": {
            "pre-activation": "pre-activation", "active": "active", "suspended": "suspended",
            "deactivated": "deactivated", "compromised": "compromised", "destroyed": "destroyed",
        }}],
        "lastUsed": {"available": true, "granularitySeconds": 1, "lagSeconds": USE_LAG_SECONDS},
        "rotation": {"mode": "create-then-delete", "keepsId": false,
                     "overlapSeconds": seconds(overlap), "maxOverlapSeconds": seconds(MAX_OVERLAP)},
        "operations": operations(&api.name),
    })
}

fn format(api: &Api) -> Value {
    let brand = &api.brand;
    let pattern = Brand::parse(brand).ok().map(token::pattern);
    Value::Object(members([
        ("prefix", Some(json!(format!("{brand}_")))),
        ("pattern", pattern.map(|pattern| json!(pattern))),
        ("checksum", Some(json!(CHECKSUM))),
        ("hasId", Some(json!(true))),
        ("secretScanningType", api.settings.scanning_type.as_ref().map(|word| json!(word))),
    ]))
}

/// How long keys live: as long as the API says at most, or for as long as is asked for.
fn lifetime(life: Option<Span>) -> Value {
    let days = life.map(Span::whole_days).filter(|days| *days > 0);
    Value::Object(members([
        ("expires", Some(json!(if life.is_some() { "always" } else { "optional" }))),
        ("defaultDays", days.map(|days| json!(days))),
        ("maxDays", days.map(|days| json!(days))),
    ]))
}

fn seconds(span: Span) -> i64 {
    span.as_micros() / 1_000_000
}

/// What can be done with keys of an API.
fn operations(api: &str) -> Value {
    let mut all = asking(api);
    if let (Value::Object(all), Value::Object(acting)) = (&mut all, acting(api)) {
        all.extend(acting);
    }
    all
}

/// What can be asked of keys of an API, and told of one.
fn asking(api: &str) -> Value {
    json!({
        "list": {
            "request": {"method": "GET", "url": "/v1/keys",
                        "query": {"side": "issued", "app": format!("{{{api}-app.id}}")}},
            "success": [200], "items": "/keys", "paging": paging(),
        },
        "get": {
            "request": {"method": "GET", "url": "/v1/keys/{key.id}"},
            "success": [200], "gone": [404],
        },
        "whoami": {
            "request": {"method": "GET", "url": "/v1/keys/self"},
            "success": [200],
        },
        "use": {
            "request": {"method": "POST", "url": "/v1/keys/self/uses"},
            "success": [200],
        },
        "report": {
            "request": {"method": "GET", "url": "/v1/credential-report",
                        "query": {"format": "json", "account": format!("{{{api}-customer.id}}")}},
            "success": [200],
        },
        "audit": {
            "request": {"method": "GET", "url": "/v1/keys/{key.id}/timeline"},
            "success": [200], "gone": [404], "items": "/events",
            "outputs": {"act": "/what", "actedAt": "/at", "actor": "/by"},
        },
        "revokeExposed": {
            "request": {"method": "POST", "url": "/v1/exposures", "json": {"credentials": ["{arg.secret}"]}},
            "auth": "nobody",
            "args": {"secret": {"help": "the key that somebody found", "required": true}},
            "success": [202],
        },
    })
}

/// What changes keys of an API.
fn acting(api: &str) -> Value {
    let because = "by the descriptor of this API";
    json!({
        "create": {
            "request": {"method": "POST", "url": format!("/v1/apps/{{{api}-app.id}}/keys"), "json": {
                "label": "{arg.name}", "scopes": "{arg.scopes}", "networks": "{arg.networks}",
                "environment": "{arg.environment}", "expires_at": "{arg.expires}",
            }},
            "args": {
                "name": {"help": "what people call it", "required": true, "copy": "/label", "maxLetters": 200},
                "scopes": {"help": "what it may do, of what its app may", "copy": "/issued/scopes"},
                "networks": {"help": "from where it may be used, in CIDR notation", "copy": "/issued/networks"},
                "environment": {"help": "live or test", "copy": "/issued/environment"},
                "expires": {"help": "when it ends; as its API says where nothing is said", "as": "date-time"},
            },
            "success": [201], "outputs": {"secret": "/secret", "id": "/key"},
            "retry": "never", "idempotencyHeader": "Idempotency-Key", "propagationSeconds": seconds(LEASE),
        },
        "update": {
            "request": {"method": "PATCH", "url": "/v1/keys/{key.id}", "json": {"label": "{arg.name}"}},
            "args": {"name": {"help": "what people call it", "required": true, "maxLetters": 200}},
            "success": [200], "gone": [404],
        },
        "suspend": {
            "request": {"method": "PUT", "url": "/v1/keys/{key.id}/suspension", "json": {"because": because}},
            "success": [200], "propagationSeconds": seconds(LEASE),
        },
        "resume": {
            "request": {"method": "DELETE", "url": "/v1/keys/{key.id}/suspension"},
            "success": [200], "propagationSeconds": seconds(LEASE),
        },
        "rotate": {
            "request": {"method": "POST", "url": "/v1/keys/{key.id}/rotations", "json": {
                "overlap": "{arg.overlap}", "activation": "{arg.activation}", "expires_at": "{arg.expires}",
            }},
            "args": {
                "overlap": {"help": "how long both work, such as 7d; as its API says where nothing is said"},
                "activation": {"help": "what makes the new one work: on_first_use or immediately",
                               "default": "immediately"},
                "expires": {"help": "when the new one ends; as its API says where nothing is said",
                            "as": "date-time"},
            },
            "success": [201], "outputs": {"secret": "/secret", "id": "/key"},
            "retry": "never", "idempotencyHeader": "Idempotency-Key", "propagationSeconds": seconds(LEASE),
        },
        "delete": {
            "request": {"method": "POST", "url": "/v1/keys/{key.id}/revocation", "json": {"because": because}},
            "success": [200], "gone": [404], "propagationSeconds": seconds(LEASE),
        },
    })
}

/// Pages for people, of those that there are.
fn links(site: &Site<'_>, only: Option<&Told>, path: &str) -> Value {
    let page = |text: Option<&String>| {
        text.filter(|text| text.starts_with("https://")).map(|text| json!(text))
    };
    let keys_page = page(only.and_then(|one| one.standing.voice.keys_page.as_ref()));
    let guide = page(only.and_then(|one| one.api.settings.portal.guide.as_ref()));
    let guide = |part: &str| {
        Some(guide.clone().unwrap_or_else(|| json!(site.at(&format!("{GUIDES}{path}#{part}")))))
    };
    Value::Object(members([
        // Without a page of the API's own they are on the key page here, which the API opens for each customer.
        ("console", keys_page.or_else(|| Some(json!(site.at(PORTAL))))),
        ("rotateGuide", guide("replace")),
        ("bestPractices", guide("keep")),
        ("docs", Some(json!(site.at("/docs")))),
        ("support", page(only.and_then(|one| one.api.settings.portal.support.as_ref()))),
    ]))
}

/// What webhooks are told, where those of every API are; they are ordered for customers of one API.
fn events(site: &Site<'_>, told: &[Told]) -> Option<Value> {
    if !told.iter().all(|one| one.standing.started_at.is_some()) {
        return None;
    }
    let kinds = EventKind::told(true).map(EventKind::as_str);
    let types: Map<String, Value> = kinds.map(|kind| (kind.to_owned(), json!(kind))).collect();
    let mut events = members([
        ("scheme", Some(json!(["standard-webhooks"]))),
        ("subscribeUrl", Some(json!(site.at("/docs#channels")))),
        ("types", Some(Value::Object(types))),
    ]);
    if let [one] = told {
        let customer = format!("{}-customer", one.api.name);
        events.insert("subscribe".to_owned(), json!({
            "request": {"method": "POST", "url": "/v1/channels", "json": {
                "kind": "webhook", "name": "{arg.name}", "url": "{arg.url}", "events": "{arg.events}",
                "allow_private": "{arg.private}", "account": format!("{{{customer}.id}}"),
            }},
            "args": {
                "name": {"help": "what the webhook is called", "required": true, "maxLetters": 60},
                "url": {"help": "where events are posted, by https", "required": true},
                "events": {"help": "which events; all where nothing is said"},
                "private": {"help": "whether that is in a private network; not for a customer's own token"},
            },
            "success": [201], "outputs": {"id": "/id", "secret": "/signing_secret"}, "retry": "never",
        }));
        events.insert(
            "unsubscribe".to_owned(),
            json!({
                "request": {"method": "DELETE", "url": "/v1/channels/{subscription.id}"},
                "success": [204], "gone": [404],
            }),
        );
        events.insert("within".to_owned(), json!(customer));
    }
    Some(Value::Object(events))
}

/// When customers are written to, where those of every API are; they are set for customers of one API.
fn notices(told: &[Told]) -> Option<Value> {
    if !told.iter().all(|one| one.standing.started_at.is_some()) {
        return None;
    }
    let mut notices = members([
        ("ageDays", Some(json!([AGE_DAYS]))),
        ("expiryDays", Some(json!(DAYS_BEFORE))),
        ("unusedDays", Some(json!([UNUSED_DAYS]))),
    ]);
    if let [one] = told {
        let customer = format!("{}-customer", one.api.name);
        let place = format!("/v1/accounts/{{{customer}.id}}/notice-settings");
        notices.insert(
            "settings".to_owned(),
            json!({"request": {"method": "GET", "url": place}, "success": [200]}),
        );
        notices.insert(
            "set".to_owned(),
            json!({
                "request": {"method": "PATCH", "url": place, "json": {"contact": "{arg.email}"}},
                "args": {"email": {"help": "the mail address that is written to", "required": true,
                                   "copy": "/contact"}},
                "success": [200],
            }),
        );
        notices.insert("within".to_owned(), json!(customer));
    }
    Some(Value::Object(notices))
}

fn gaps(site: &Site<'_>, told: &[Told]) -> Value {
    let mut gaps = vec![
        "Tokens by which these calls are made are given out and ended by whoever runs the API."
            .to_owned(),
    ];
    if !site.is_plain {
        let at = site.base;
        gaps.push(format!(
            "Calls go to {at}, which cannot be said in `server`: it is no https at the usual port."
        ));
    }
    let silent: Vec<&str> = told
        .iter()
        .filter(|one| one.standing.started_at.is_none())
        .map(|one| one.api.name.as_str())
        .collect();
    if !silent.is_empty() {
        gaps.push(format!("Nobody is told of keys by mail or webhook of: {}.", silent.join(", ")));
    }
    let closed: Vec<&str> = told
        .iter()
        .filter(|one| one.api.settings.own_apps.is_none())
        .map(|one| one.api.name.as_str())
        .collect();
    if !closed.is_empty() {
        gaps.push(format!(
            "Apps are added by whoever runs the API alone, of: {}.",
            closed.join(", ")
        ));
    }
    if let [_, _, ..] = told {
        gaps.push(
            "Events and notices are ordered and set by the documents of single APIs.".to_owned(),
        );
    }
    if let Some(rest) = told.get(MAX_APIS..).filter(|rest| !rest.is_empty()) {
        let names: Vec<&str> = rest.iter().map(|one| one.api.name.as_str()).collect();
        gaps.push(format!("Described by documents of their own alone: {}.", names.join(", ")));
    }
    json!(gaps)
}

#[cfg(test)]
mod tests {
    use keytender_core::key::{Key, LastUse, State, Use};
    use keytender_core::policy::{Assessment, ISSUED, Policy};
    use keytender_core::time::Time;

    use super::*;

    #[test]
    fn customers_are_told_at_the_ages_that_are_published() {
        let policy = Policy::parse(ISSUED).unwrap();
        let now = Time::from_unix_seconds(1_800_000_000);
        let rules = |age: u32, idle: u32| {
            let mut key = Key::new("acme");
            key.state = State::Active;
            key.created_at = Some(now.minus(Span::days(age)));
            let at = now.minus(Span::days(idle));
            key.last_used = LastUse::Used(Use { at, region: None, service: None });
            let mut assessment = Assessment::default();
            policy.assess(&key, now, &mut assessment);
            policy.findings(&assessment).map(|found| found.rule.id.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(rules(AGE_DAYS, 1), Vec::<String>::new());
        assert_eq!(rules(AGE_DAYS + 1, 1), ["key-over-a-year"]);
        assert_eq!(rules(UNUSED_DAYS + 9, UNUSED_DAYS), Vec::<String>::new());
        assert_eq!(rules(UNUSED_DAYS + 9, UNUSED_DAYS + 1), ["key-unused"]);
    }
}
