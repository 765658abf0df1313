//! The server: who may ask what over HTTP, and in which words it is answered.
//!
//! - `serve`: listens, and ends without losing a request
//! - `router`: the one table of routes, and what stands around each request
//! - `openapi`: the document of the API, made from the handlers, and its readable page
//! - `published`: what the server says of itself for programs; `guides`: the same for people, of keys of your APIs
//! - `auth`: who asks; which scope an operation needs is in its own line of the document
//! - `problem`: refusals as RFC 9457 has them
//! - `extract`: what comes in, strictly; `etag`, `page`, `idempotency`: how it is answered
//! - `observe`: numbers, logs and headers of every request; `limit`: how often one may ask
//! - `api`: one file a resource; `console`: the pages for people; `door`: where anybody tells of keys that leaked
//!
//! Nothing here decides what may happen to a key: that is `app`. No answer but that of creating
//! shows a secret, and no log line holds a query, a body or a token.

mod address;
mod api;
mod auth;
mod base;
mod console;
mod door;
mod etag;
mod extract;
mod guides;
mod health;
mod idempotency;
mod limit;
mod nul;
mod observe;
mod openapi;
mod page;
mod problem;
mod published;
mod router;
pub mod serve;
mod state;
mod verify;

pub use openapi::text as openapi;
