//! The Credential Exchange Format of the FIDO Alliance (CXF 1.0), which password managers export:
//! its items of type `api-key`. Secrets are not read unless they are to be kept.

use keytender_core::secret::Secret;
use keytender_core::time::Time;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::Told;
use crate::app::keys::NewKey;

/// What keys without a page to tell their provider by are put under.
const UNKNOWN_PROVIDER: &str = "unknown";
/// The type of the items that are keys.
const API_KEY: &str = "api-key";

/// The whole export; other members are passed over.
#[derive(Deserialize)]
struct Export<'a> {
    #[serde(borrow)]
    accounts: Vec<Account<'a>>,
}

#[derive(Deserialize)]
struct Account<'a> {
    #[serde(borrow, default)]
    items: Vec<Item<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    /// In seconds since 1970.
    #[serde(default)]
    creation_at: Option<i64>,
    #[serde(default)]
    title: String,
    #[serde(default)]
    scope: Option<Scope>,
    #[serde(borrow, default)]
    credentials: Vec<Credential<'a>>,
}

#[derive(Deserialize)]
struct Scope {
    #[serde(default)]
    urls: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential<'a> {
    #[serde(rename = "type")]
    kind: String,
    /// The secret itself: left where it stands unless it is to be kept.
    #[serde(borrow, default)]
    key: Option<&'a RawValue>,
    #[serde(default)]
    username: Option<Field>,
    #[serde(default)]
    url: Option<Field>,
    #[serde(default)]
    valid_from: Option<Field>,
    #[serde(default)]
    expiry_date: Option<Field>,
}

/// An editable field, or its bare value as early exporters wrote it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Field {
    Editable { value: String },
    Bare(String),
    Other(IgnoredAny),
}

impl Field {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Editable { value } | Self::Bare(value) => Some(value.as_str()),
            Self::Other(_) => None,
        }
        .filter(|text| !text.is_empty())
    }
}

/// The keys of an export.
pub(super) struct Found {
    pub(super) keys: Vec<Told>,
    pub(super) warnings: Vec<String>,
}

/// Reads an export. The error of the parser is told by its place alone: its words may repeat a
/// secret.
pub(super) fn read(content: &[u8], keeps_secrets: bool) -> Result<Found, String> {
    let export: Export<'_> = serde_json::from_slice(content).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("no CXF export (JSON with `accounts`): line {line}, column {column}")
    })?;
    let mut found = Found { keys: Vec::new(), warnings: Vec::new() };
    let mut others = 0_u64;
    for item in export.accounts.iter().flat_map(|account| &account.items) {
        for credential in &item.credentials {
            if credential.kind == API_KEY {
                found.keys.push(told(item, credential, keeps_secrets));
            } else {
                others += 1;
            }
        }
    }
    if others > 0 {
        found.warnings.push(format!("{others} credentials are no API keys and were passed over"));
    }
    Ok(found)
}

fn told(item: &Item<'_>, credential: &Credential<'_>, keeps_secrets: bool) -> Told {
    let text = |field: &Option<Field>| field.as_ref().and_then(Field::text).map(str::to_owned);
    let time = |field: &Option<Field>| text(field).and_then(|text| Time::parse(&text).ok());
    let urls = item.scope.iter().flat_map(|scope| scope.urls.clone());
    let provider = text(&credential.url).into_iter().chain(urls).find_map(|url| provider(&url));
    let username = text(&credential.username);
    let label = match (&username, item.title.as_str()) {
        (Some(name), "") => name.clone(),
        (None, "") => "API key".to_owned(),
        (_, title) => title.to_owned(),
    };
    Told {
        provider: provider.unwrap_or_else(|| UNKNOWN_PROVIDER.to_owned()),
        owner: None,
        key: NewKey {
            label,
            id: None,
            created_at: time(&credential.valid_from)
                .or_else(|| item.creation_at.map(Time::from_unix_seconds)),
            expires_at: time(&credential.expiry_date),
            last_used: None,
            where_used: None,
            owner: None,
            secret: credential.key.filter(|_| keeps_secrets).and_then(secret),
            key_type: None,
            known_since: None,
        },
    }
}

/// The secret of a key.
fn secret(raw: &RawValue) -> Option<Secret> {
    let field: Field = serde_json::from_str(raw.get()).ok()?;
    field.text().map(Secret::new)
}

/// The name of whoever runs the host of `url`: `stripe` of `https://dashboard.stripe.com/keys`.
fn provider(url: &str) -> Option<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next()?.rsplit('@').next()?.split(':').next()?;
    let labels: Vec<&str> = host.split('.').filter(|label| !label.is_empty()).collect();
    // Below suffixes of two parts, such as co.uk, the name is one further to the left.
    let has_long_suffix =
        labels.len() > 2 && labels.iter().rev().take(2).all(|label| label.len() <= 3);
    let place = labels.len().checked_sub(if has_long_suffix { 3 } else { 2 })?;
    let name = labels.get(place)?.to_ascii_lowercase();
    name.chars().all(|one| one.is_ascii_alphanumeric() || one == '-').then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_before_the_suffix_is_the_provider() {
        for (url, name) in [
            ("https://dashboard.stripe.com/keys", Some("stripe")),
            ("api.github.com", Some("github")),
            ("https://keys.example.co.uk:8443/", Some("example")),
            ("localhost", None),
        ] {
            assert_eq!(provider(url).as_deref(), name, "{url}");
        }
    }
}
