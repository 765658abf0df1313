//! A key that was just made, shown this once: on the page that answers the form, and nowhere else.

use axum::response::Response;
use maud::{Markup, html};

use super::layout;
use super::visit::Visit;
use crate::app::inventory::Inventory;
use crate::app::issued::Created;
use crate::app::once;
use crate::error::{Error, Kind};
use crate::http::problem::Refusal;

/// The member of a form by which it is known again.
const ONCE: &str = "once";

/// The member of a form that makes a key: sent twice, as by loading the answer again, it makes one.
///
/// # Errors
/// When the system gives no random numbers.
pub(super) fn once_member() -> Result<Markup, Refusal> {
    let word = once::word()?;
    Ok(html! { input type="hidden" name=(ONCE) value=(word); })
}

/// Refuses a form that was sent before.
///
/// # Errors
/// When it was, or the database refuses.
pub(super) async fn refuse_again(inventory: &Inventory, word: Option<&str>) -> Result<(), Error> {
    let word = word.ok_or_else(|| {
        Error::new("this form is not whole").hint("load the page again, and send it from there")
    })?;
    match once::is_first(inventory, word).await? {
        true => Ok(()),
        false => Err(Error::new("this form was sent before, and what it made is not shown again")
            .kind(Kind::Conflict)
            .hint("whoever has lost the secret makes another key, and revokes the first")),
    }
}

/// The page that shows a new key; `about` says what it is for and what comes next.
pub(super) fn page(visit: &Visit, created: &Created, title: &str, about: &Markup) -> Response {
    let content = html! {
        h1 { (title) }
        p { "Give it to whoever uses it now: " b { "it is shown this once" }
            ", and nobody can read it here again, because only its digest is kept." }
        (secret(created.text.expose()))
        p { "As a header: " code { "Authorization: Bearer …" } }
        (about)
        p { a.button.quiet href={ "/keys/" (created.key_id) } { "To the key" } }
    };
    layout::page(visit, super::apis::PATH, title, &content)
}

/// A secret as it is shown, to be copied.
pub(super) fn secret(text: &str) -> Markup {
    html! { p { code.secret data-copy { (text) } } }
}
