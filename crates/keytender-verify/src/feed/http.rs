//! The feed of a server of Keytender, over HTTP.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use keytender_core::id::ApiId;
use keytender_core::secret::Secret;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use ureq::http::{Response, StatusCode, Uri};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

use super::{Application, Batch, Changes, Feed, FeedError, Grant, Receipt, Snapshot};

/// The whole of a call. Shorter than a lease, so that a second try can still renew it.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The whole of a call for a page of a snapshot.
const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(60);
/// A page of a snapshot has at most some ten thousand keys of less than 1 KiB.
const MAX_ANSWER_BYTES: u64 = 64 * 1024 * 1024;

/// The feed of one API, at a server.
#[derive(Debug)]
pub struct HttpFeed {
    agent: Agent,
    /// All that is asked begins with it.
    base: String,
    token: Secret,
}

/// The address of a server cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "not the address of a server: write `https://HOST`, or `http://` and an address of this machine"
)]
pub struct BadServer;

impl HttpFeed {
    /// The feed of `api` at `server` (`https://keys.example.com`), for the holder of a token that may read it.
    ///
    /// # Errors
    /// [`BadServer`] unless it is an `https` URL, or `http` to this machine.
    pub fn new(server: &str, api: ApiId, token: Secret) -> Result<Self, BadServer> {
        let uri: Uri = server.parse().map_err(|_| BadServer)?;
        let is_plain = uri.query().is_none()
            && !uri.authority().is_some_and(|part| part.as_str().contains('@'));
        if !is_plain || !(uri.scheme_str() == Some("https") || is_local(&uri)) {
            return Err(BadServer);
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let config =
            Agent::config_builder().tls_config(tls).max_redirects(0).http_status_as_error(false);
        let base = format!("{}/v1/apis/{api}/feed", server.trim_end_matches('/'));
        Ok(Self { agent: config.build().into(), base, token })
    }

    fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        timeout: Duration,
    ) -> Result<T, FeedError> {
        let request =
            self.agent.get(format!("{}/{path}", self.base)).query_pairs(query.iter().copied());
        let request = request.header("Authorization", format!("Bearer {}", self.token.expose()));
        read(request.config().timeout_global(Some(timeout)).build().call())
    }

    fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, FeedError> {
        let body = serde_json::to_vec(body).map_err(|error| FeedError::Unreadable(error.into()))?;
        let request =
            self.agent.post(format!("{}/{path}", self.base)).content_type("application/json");
        let request = request.header("Authorization", format!("Bearer {}", self.token.expose()));
        read(request.config().timeout_global(Some(TIMEOUT)).build().send(&body))
    }
}

impl Feed for HttpFeed {
    fn snapshot(&self, page: Option<&str>) -> Result<Snapshot, FeedError> {
        let query: Vec<_> = page.map(|page| ("page", page)).into_iter().collect();
        self.get("snapshot", &query, SNAPSHOT_TIMEOUT)
    }

    fn changes(&self, after: u64) -> Result<Changes, FeedError> {
        self.get("changes", &[("after", &after.to_string())], TIMEOUT)
    }

    fn lease(&self, application: &Application) -> Result<Grant, FeedError> {
        self.post("leases", application)
    }

    fn usage(&self, batch: &Batch) -> Result<Receipt, FeedError> {
        self.post("usage", batch)
    }

    fn leave(&self, node: &str) -> Result<(), FeedError> {
        let request = self.agent.delete(format!("{}/leases", self.base)).query("node", node);
        let request = request.header("Authorization", format!("Bearer {}", self.token.expose()));
        good(request.config().timeout_global(Some(TIMEOUT)).build().call()).map(drop)
    }
}

fn is_local(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let address = host.parse::<std::net::IpAddr>();
    uri.scheme_str() == Some("http")
        && (host == "localhost" || address.is_ok_and(|address| address.is_loopback()))
}

fn good(answer: Result<Response<Body>, ureq::Error>) -> Result<Response<Body>, FeedError> {
    let answer = answer.map_err(|error| FeedError::Unreachable(error.into()))?;
    match answer.status() {
        status if status.is_success() => Ok(answer),
        StatusCode::GONE => Err(FeedError::Forgotten),
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            Err(FeedError::Failed(status.as_u16()))
        }
        status => Err(FeedError::Refused(status.as_u16())),
    }
}

fn read<T: DeserializeOwned>(answer: Result<Response<Body>, ureq::Error>) -> Result<T, FeedError> {
    let answer = good(answer)?;
    let mut bytes = Vec::new();
    let mut body = answer.into_body().into_reader().take(MAX_ANSWER_BYTES);
    body.read_to_end(&mut bytes).map_err(|error| FeedError::Unreachable(error.into()))?;
    serde_json::from_slice(&bytes).map_err(|error| FeedError::Unreadable(error.into()))
}
