//! Lists are answered in pages; a cursor says from where on.

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::nul;
use super::problem::{Problem, Refusal};
use crate::app::paging;
use crate::error::Error;

/// How many things a page has of which nobody says how many.
const DEFAULT_LIMIT: u32 = 100;
/// The most that a page has.
pub(super) const MAX_LIMIT: u32 = 1_000;
/// The longest cursor, in bytes: of keys, four names and a number.
const MAX_CURSOR: usize = 4_096;

/// How many things the page has that is asked for.
///
/// # Errors
/// When it is none, or more than there are on a page.
pub(super) fn limit(asked: Option<u32>) -> Result<u32, Refusal> {
    match asked.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MAX_LIMIT => Ok(limit),
        _ => Err(Problem::bad_request(format!("`limit` is from 1 to {MAX_LIMIT}")).into()),
    }
}

/// A cursor, as callers get it: they need not know what is in it.
///
/// # Errors
/// Never, of what is written here.
pub(super) fn cursor(place: &impl Serialize) -> Result<String, Refusal> {
    let text = serde_json::to_vec(place);
    text.map(|text| URL_SAFE_NO_PAD.encode(text))
        .map_err(|error| Refusal::Failed(format!("a cursor cannot be written: {error}")))
}

/// The place that a cursor of ours says.
///
/// # Errors
/// When it is none of ours.
pub(super) fn place<T: DeserializeOwned>(cursor: &str) -> Result<T, Refusal> {
    let bytes = Some(cursor).filter(|text| text.len() <= MAX_CURSOR);
    let bytes = bytes.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    let bytes = bytes.filter(|bytes| !nul::is_in_json(bytes));
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(bad_cursor)
}

/// The refusal of a cursor that is none, or one of another list.
pub(super) fn bad_cursor() -> Refusal {
    Problem::new(StatusCode::BAD_REQUEST, "`after` is no cursor of this list")
        .hint("take `next` of the page before, and keep filters and order as they were")
        .into()
}

/// The page of a list that is read from a place on; `read` gets how many things to read, which is one
/// more than the page has, so that its end is known.
///
/// # Errors
/// When it cannot be read.
pub(super) async fn keyset<T, P: Serialize>(
    limit: u32,
    place: impl Fn(&T) -> P,
    read: impl AsyncFnOnce(u32) -> Result<Vec<T>, Error>,
) -> Result<(Vec<T>, Option<String>), Refusal> {
    let mut things = read(limit.saturating_add(1)).await?;
    let next = paging::cut(&mut things, limit, |last| cursor(&place(last))).transpose()?;
    Ok((things, next))
}

/// The page of a list that is small enough to be read at once, by a name of each thing that says
/// where it stands.
///
/// # Errors
/// When the limit or the cursor is wrong.
pub(super) fn slice<T>(
    mut all: Vec<T>,
    asked: Option<u32>,
    after: Option<&str>,
    name: impl Fn(&T) -> String,
) -> Result<(Vec<T>, Option<String>), Refusal> {
    let limit = limit(asked)?;
    all.sort_by_cached_key(&name);
    if let Some(cursor) = after {
        let last: String = place(cursor)?;
        all.retain(|thing| name(thing) > last);
    }
    let next = paging::cut(&mut all, limit, |last| cursor(&name(last))).transpose()?;
    Ok((all, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(limit: u32) -> Vec<Vec<String>> {
        let mut after: Option<String> = None;
        let mut pages = Vec::new();
        loop {
            let all = ["c", "a", "d", "b"].map(str::to_owned).to_vec();
            let (page, next) = slice(all, Some(limit), after.as_deref(), String::clone).unwrap();
            pages.push(page);
            after = next;
            if after.is_none() {
                return pages;
            }
        }
    }

    #[test]
    fn every_thing_is_on_one_page() {
        assert_eq!(pages(2), [["a", "b"], ["c", "d"]]);
        assert_eq!(pages(3), [vec!["a", "b", "c"], vec!["d"]]);
        assert_eq!(pages(4).len(), 1);
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for cursor in ["", "x", "bm90IGpzb24", "MTIz", &"A".repeat(MAX_CURSOR + 1)] {
            assert!(slice(vec!["a".to_owned()], None, Some(cursor), String::clone).is_err());
        }
        assert!(limit(Some(0)).is_err() && limit(Some(MAX_LIMIT + 1)).is_err());
    }
}
