//! `/v1/key-matches` and `/v1/key-places`: keys that stand in files of some machine, by what stands for them.

use axum::Json;
use keytender_core::akm::is_fingerprint;

use crate::app::inventory::Inventory;
use crate::app::scan::known;
use crate::app::view::{
    KeyInFile, KeyMatchRequest, KeyMatchView, KeyPlaceView, KeyPlacesRequest, KeyPlacesView,
};
use crate::error::Error;
use crate::http::extract::Body;
use crate::http::problem::Refusal;

/// How many keys and places a request has at most.
const MAX_KEYS: usize = 10_000;
/// How many bytes a path has at most, and any other text: a machine's name has at most 253.
const MAX_PATH: usize = 4_096;
const MAX_TEXT: usize = 512;

/// Match keys
///
/// Tells which keys of the inventory those are that somebody found in files, by their ids and by fingerprints of their
/// secrets. No secret is sent, and nothing is kept.
#[utoipa::path(post, path = "/v1/key-matches", tag = "keys", request_body = KeyMatchRequest,
    responses((status = 200, body = KeyMatchView, description = "The key of the inventory that each is")),
    security(("token" = ["keys:read"])))]
pub(in crate::http) async fn matches(
    inventory: Inventory,
    Body(asked): Body<KeyMatchRequest>,
) -> Result<Json<KeyMatchView>, Refusal> {
    inventory.sight.refuse_customer()?;
    check(&asked.keys)?;
    Ok(Json(KeyMatchView { keys: known::matches(&inventory, &asked.keys).await? }))
}

/// Keep where keys stand
///
/// Keeps in which files of a machine keys of the inventory stand (`found_in` of a key), and forgets where they stand no
/// more. Keys that it does not know are added if that is asked for. No secret is sent.
#[utoipa::path(post, path = "/v1/key-places", tag = "keys", request_body = KeyPlacesRequest,
    responses((status = 200, body = KeyPlacesView, description = "What is kept")),
    security(("token" = ["keys:write"])))]
pub(in crate::http) async fn keep(
    inventory: Inventory,
    Body(told): Body<KeyPlacesRequest>,
) -> Result<Json<KeyPlacesView>, Refusal> {
    check(&told.keys)?;
    text("host", &told.host, MAX_TEXT)?;
    few(told.looked_at.len())?;
    few(told.gone.len())?;
    told.looked_at.iter().try_for_each(|path| text("looked_at", path, MAX_PATH))?;
    told.gone.iter().try_for_each(|KeyPlaceView { path, .. }| text("gone", path, MAX_PATH))?;
    Ok(Json(known::keep(&inventory, &told).await?))
}

fn check(keys: &[KeyInFile]) -> Result<(), Error> {
    few(keys.len())?;
    for key in keys {
        let named =
            [("provider", &key.provider), ("noun", &key.noun), ("fingerprint", &key.fingerprint)];
        named.into_iter().try_for_each(|(name, one)| text(name, one, MAX_TEXT))?;
        let some = [("key_type", &key.key_type), ("id", &key.id), ("told_id", &key.told_id)];
        let mut some = some.into_iter().filter_map(|(name, one)| Some((name, one.as_ref()?)));
        some.try_for_each(|(name, one)| text(name, one, MAX_TEXT))?;
        text("path", &key.path, MAX_PATH)?;
        if !is_fingerprint(&key.fingerprint) {
            return Err(Error::new("`fingerprint` is no fingerprint").hint(
                "`sha256-` and the first 24 hexadecimal digits of the SHA-256 of the secret",
            ));
        }
    }
    Ok(())
}

fn few(number: usize) -> Result<(), Error> {
    match number {
        0..=MAX_KEYS => Ok(()),
        _ => Err(Error::new(format!("these are {number}, and {MAX_KEYS} are told at once"))
            .hint("look at fewer files at once")),
    }
}

/// Whether a text is short, and can be shown.
fn text(name: &str, text: &str, most: usize) -> Result<(), Error> {
    let is_fit = (1..=most).contains(&text.len()) && !text.chars().any(char::is_control);
    match is_fit {
        true => Ok(()),
        false => Err(Error::new(format!("`{name}` has 1 to {most} bytes and no control letter"))),
    }
}
