//! What programs are told of a key of an API of ours: the same members in every event.

use keytender_core::inventory::KeyRecord;
use keytender_core::key::LastUse;
use serde_json::{Map, Value, json};

use crate::notify::webhook::EventKind;
use crate::store::accounts::Account;
use crate::store::apis::Api;
use crate::store::issued::Issued;

/// What may be shown of a key: all but its secret.
pub(super) fn token(api: &Api, issued: &Issued) -> String {
    format!("{}_{}_{}", api.brand, issued.environment, issued.token_id)
}

/// What an event is called in the log of what was told.
pub(super) fn subject(kind: EventKind, token: &str, account: &str) -> String {
    format!("{}: {token}… of {account}", kind.as_str())
}

/// What is known of a key: of which API and customer it is, and how it stands.
pub(super) fn data(
    api: &Api,
    account: &Account,
    record: &KeyRecord,
    issued: &Issued,
) -> Map<String, Value> {
    let key = &record.key;
    let last_used = match &key.last_used {
        LastUse::Used(used) => {
            json!({"at": used.at, "region": used.region, "service": used.service})
        }
        LastUse::Never { .. } | LastUse::Unknown { .. } => Value::Null,
    };
    let account = json!({"id": account.id.to_string(), "name": account.name, "external_id": account.external_id});
    let key = json!({
        "id": record.id.to_string(),
        "token": token(api, issued),
        "name": key.label,
        "environment": issued.environment,
        "state": key.state.as_str(),
        "scopes": issued.scopes,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used": last_used,
        "replaces": issued.replaces.map(|id| id.to_string()),
        "replaced_by": issued.replaced_by.map(|id| id.to_string()),
        "retires_at": issued.retires_at,
    });
    let app = json!({"id": issued.app_id.to_string(), "name": record.key.principal});
    [("api", json!(api.name)), ("account", account), ("app", app), ("key", key)]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
