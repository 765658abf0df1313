//! Refusals for people: what happened, and what to do now, as a page.

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use maud::html;

use super::layout;
use crate::http::problem::Problem;

/// The paths of programs: what is refused there is told to programs.
const FOR_PROGRAMS: [&str; 4] = ["/v1/", "/openapi.json", "/healthz", "/readyz"];

/// Tells a browser as a page what a program is told as JSON.
pub(in crate::http) async fn as_page(request: Request, next: Next) -> Response {
    let accepts = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let is_browser = accepts.is_some_and(|text| text.contains("text/html"));
    let path = request.uri().path().to_owned();
    let is_page = is_browser && !FOR_PROGRAMS.iter().any(|start| path.starts_with(start));
    let mut response = next.run(request).await;
    match response.extensions_mut().remove::<Problem>() {
        Some(problem) if is_page => page(&problem, response),
        _ => response,
    }
}

fn page(problem: &Problem, refused: Response) -> Response {
    let content = html! {
        h1 { (problem.title()) }
        @if let Some(detail) = problem.detail() { p { (detail) } }
        @if let Some(hint) = problem.advice() { p.dim { (hint) } }
        @if let Some(id) = problem.request_id() { p.dim { "The server's log knows it as " code { (id) } "." } }
        p { a href="/" { "To the overview" } }
    };
    let mut response = layout::bare(problem.title(), &content).into_response();
    *response.status_mut() = refused.status();
    let kept = [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_SECURITY_POLICY];
    for (name, value) in refused.headers() {
        if !kept.contains(name) {
            response.headers_mut().append(name, value.clone());
        }
    }
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}
