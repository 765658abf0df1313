//! Pages of a list: MaxItems, Marker and IsTruncated.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::account::Account;
use super::request::Call;
use super::xml::{Failure, Xml};

/// Items of a page where MaxItems does not say: AWS's own number.
const PAGE_SIZE: usize = 100;
/// The largest MaxItems that AWS takes.
const PAGE_SIZE_MAX: usize = 1000;

/// The items that the call asks for, and the marker of the page after them.
pub(super) fn page<'a, T>(
    account: &Account,
    call: &Call,
    scope: &str,
    items: &'a [T],
) -> Result<(&'a [T], Option<String>), Failure> {
    let wanted = match call.find("MaxItems").map(str::parse) {
        None => PAGE_SIZE,
        Some(Ok(count)) if (1..=PAGE_SIZE_MAX).contains(&count) => count,
        Some(_) => {
            return Err(Failure::validation("Value at 'maxItems' must be from 1 to 1000"));
        }
    };
    let size = account.behaviour.page_size.map_or(wanted, |most| wanted.min(most.max(1)));
    let start = match call.find("Marker") {
        None => 0,
        Some(marker) => start_of(marker, scope)
            .ok_or_else(|| Failure::new(400, "ValidationError", "Invalid Marker."))?,
    };
    let rest = items.get(start..).unwrap_or_default();
    let page = rest.get(..size).unwrap_or(rest);
    let next = (rest.len() > size).then(|| STANDARD.encode(format!("{scope}\n{}", start + size)));
    Ok((page, next))
}

/// Where the page of a marker begins; none if the marker is not of this list.
fn start_of(marker: &str, scope: &str) -> Option<usize> {
    let text = String::from_utf8(STANDARD.decode(marker).ok()?).ok()?;
    let (list, start) = text.split_once('\n')?;
    (list == scope).then(|| start.parse().ok())?
}

/// A list with the marker of its next page.
pub(super) fn paged(list: Xml, next: Option<String>) -> Xml {
    list.text("IsTruncated", next.is_some()).optional("Marker", next)
}
