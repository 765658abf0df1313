//! A server of Keytender, as the command line asks it: the other end of `http`.
//!
//! By https alone, except on this machine; without redirects, which could carry the token elsewhere.

use std::time::Duration;

use keytender_core::secret::Secret;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::config::token::SERVER;
use crate::error::{Error, Kind};
use crate::net::outbound::{self, Unread};
use crate::net::site;

/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer may take: longer than the server gives itself.
const TIMEOUT: Duration = Duration::from_secs(620);
/// The longest answer, in bytes: a credential report of a million keys.
const MAX_ANSWER: usize = 1024 * 1024 * 1024;
/// The longest refusal, in bytes.
const MAX_PROBLEM: usize = 64 * 1024;
/// What stays as it is in a part of a path (RFC 3986, unreserved).
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// How many pages of a list are read: a million things.
const MAX_PAGES: usize = 1_000;

/// A server, and the token for it.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: Secret,
}

/// What the server refused.
#[derive(Deserialize)]
struct Problem {
    title: String,
    detail: Option<String>,
    hint: Option<String>,
    request_id: Option<String>,
}

/// A part of a path, whatever letters it has.
pub fn part(text: &str) -> String {
    utf8_percent_encode(text, PART).to_string()
}

impl Client {
    /// The server at `address`.
    ///
    /// # Errors
    /// When the address is none, or would send the token in clear over a network.
    pub fn new(address: &str, token: Secret) -> Result<Self, Error> {
        let bad = |why: &str| {
            Error::new(format!("{SERVER} is no address of a server: {why}"))
                .hint("such as https://keys.example.com, or http://127.0.0.1:7979 on this machine")
        };
        let base = Url::parse(address).map_err(|error| bad(&error.to_string()))?;
        if !base.username().is_empty() || base.password().is_some() {
            return Err(bad("it holds a user or a password"));
        }
        if base.query().is_some() || base.fragment().is_some() || base.cannot_be_a_base() {
            return Err(bad("it is more than a place"));
        }
        match base.scheme() {
            "https" => {}
            "http" if base.host_str().is_some_and(site::is_here) => {}
            "http" => return Err(bad("http would send the token in clear; use https")),
            _ => return Err(bad("it does not begin with https://")),
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .redirect(Policy::none())
            .user_agent(concat!("keytender/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::new("cannot ask servers").source(error))?;
        Ok(Self { http, base, token })
    }

    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, Error> {
        let mut url = self.base.clone();
        // A `?` in a name is written `%3F`: see `part`.
        let (path, query) =
            path.split_once('?').map_or((path, None), |(path, rest)| (path, Some(rest)));
        let whole = format!("{}{path}", self.base.path().trim_end_matches('/'));
        url.set_path(&whole);
        url.set_query(query);
        Ok(self.http.request(method, url).bearer_auth(self.token.expose()))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Error> {
        let host = self.base.host_str().unwrap_or_default();
        let response = request.send().await.map_err(|error| {
            Error::new(format!("the server at {host} does not answer"))
                .kind(Kind::Provider)
                .source(error.without_url())
                .hint(format!("see whether it runs, and what {SERVER} says"))
        })?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(refused(host, response).await)
    }

    /// What is at `path`, with these parameters.
    ///
    /// # Errors
    /// What the server refuses, or that it does not answer.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
    ) -> Result<T, Error> {
        let request = self.request(Method::GET, path)?.query(query);
        read(self.send(request).await?).await
    }

    /// The bytes at `path`, as they are.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn bytes(&self, path: &str, query: &impl Serialize) -> Result<Vec<u8>, Error> {
        let request = self.request(Method::GET, path)?.query(query);
        body(self.send(request).await?, MAX_ANSWER).await
    }

    /// Does `method` at `path` with a body, and reads the answer.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        let request = self.request(method, path)?.json(body);
        read(self.send(request).await?).await
    }

    /// Does `method` at `path` with a body; no answer is awaited but that it was done.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn order(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<(), Error> {
        let request = self.request(method, path)?.json(body);
        self.send(request).await.map(drop)
    }

    /// Does `method` at `path` with parameters; no answer is awaited but that it was done.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn tell(
        &self,
        method: Method,
        path: &str,
        query: &impl Serialize,
    ) -> Result<(), Error> {
        let request = self.request(method, path)?.query(query);
        self.send(request).await.map(drop)
    }

    /// Everything of a list, page by page. `things` takes the things and the next cursor out of a
    /// page.
    ///
    /// # Errors
    /// As [`Client::get`]; or when the list has no end.
    pub async fn all<L: DeserializeOwned, T>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        things: impl Fn(L) -> (Vec<T>, Option<String>),
    ) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut query = query.to_vec();
            query.push(("limit", "1000"));
            if let Some(cursor) = &after {
                query.push(("after", cursor));
            }
            let (mut more, next) = things(self.get(path, &query).await?);
            all.append(&mut more);
            after = next;
            if after.is_none() {
                return Ok(all);
            }
        }
        Err(Error::new("the server's list has no end").kind(Kind::Provider))
    }
}

async fn body(response: Response, max: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let cannot = || Error::new("the server's answer cannot be read").kind(Kind::Provider);
    outbound::read(response, max, &mut bytes).await.map_err(|unread| match unread {
        Unread::TooLong => cannot().source(format!("it is longer than {max} bytes")),
        Unread::Lost(error) => cannot().source(error.without_url()),
    })?;
    Ok(bytes)
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T, Error> {
    let bytes = body(response, MAX_ANSWER).await?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Error::new("the server's answer is not understood")
            .kind(Kind::Provider)
            .source(format!("at byte {} of {}", error.column(), bytes.len()))
            .hint("it may be of another version than this program")
    })
}

/// The server's refusal, in its own words.
async fn refused(host: &str, response: Response) -> Error {
    let status = response.status();
    let kind = match status {
        StatusCode::NOT_FOUND => Kind::NotFound,
        StatusCode::FORBIDDEN => Kind::Forbidden,
        StatusCode::CONFLICT => Kind::Conflict,
        StatusCode::PRECONDITION_FAILED => Kind::Stale,
        StatusCode::BAD_GATEWAY => Kind::Provider,
        _ => Kind::Refused,
    };
    let bytes = body(response, MAX_PROBLEM).await.unwrap_or_default();
    let Ok(problem) = serde_json::from_slice::<Problem>(&bytes) else {
        return Error::new(format!("{host} answered {status}, and not as Keytender does"))
            .kind(Kind::Provider);
    };
    let message = match (status, problem.detail, problem.request_id) {
        (StatusCode::UNAUTHORIZED, ..) => format!("{host} does not know this token"),
        (StatusCode::FORBIDDEN, Some(detail), _) => format!("{host} does not allow it: {detail}"),
        (_, Some(detail), _) => detail,
        (_, None, Some(id)) => format!("it failed at {host}; its log has the causes under {id}"),
        (_, None, None) => format!("{host}: {}", problem.title),
    };
    let error = Error::new(message).kind(kind);
    match problem.hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
