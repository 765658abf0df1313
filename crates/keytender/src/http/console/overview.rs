//! The overview: how many keys there are, how many are due, and which matter most.

use axum::response::Response;
use maud::html;

use super::layout;
use super::visit::Visit;
use crate::http::problem::Refusal;

/// The overview.
pub(super) async fn page(visit: Visit) -> Result<Response, Refusal> {
    let content = html! { h1 { "Overview" } };
    Ok(layout::page(&visit, "/", "Overview", &content))
}
