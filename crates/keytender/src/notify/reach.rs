//! Reaching web hooks: one client for all of them, guarded as `net::outbound` says, because their URLs
//! come from people.

use keytender_core::secret::Secret;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, StatusCode, Url};

use super::{Accepted, Failed, Step, Verdict, Why, network_cause};
use crate::error::Error;
use crate::net::outbound::{self, BadTarget, Settings};

/// The largest body that is sent: Teams takes 28 KB, Standard Webhooks recommends 20 KB.
pub(super) const MAX_BODY_BYTES: usize = 28_000;
/// How long a server may ask to be left alone, before we stop to believe it.
const MAX_RETRY_AFTER_SECONDS: u32 = 86_400;

/// A URL that may be reached. It has no debug output: many hold a secret.
#[derive(Clone)]
pub struct Target(Url);

impl Target {
    /// Checks a URL, as [`outbound::check`] does.
    ///
    /// # Errors
    /// [`BadTarget`] says what is wrong, without the URL.
    pub fn parse(url: &Secret, allow_private: bool) -> Result<Self, BadTarget> {
        let url = Url::parse(url.expose()).map_err(|_| BadTarget::NotAUrl)?;
        outbound::check(&url, allow_private)?;
        Ok(Self(url))
    }
}

/// The client of all web hooks and chats.
pub struct Hooks {
    client: Client,
    allow_private: bool,
}

impl Hooks {
    /// Prepares the client; reaches for nobody.
    ///
    /// # Errors
    /// When the file of certificates cannot be read.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let client = outbound::client(settings, "web hooks")?;
        Ok(Self { client, allow_private: settings.allow_private })
    }

    /// A URL that this client may reach.
    ///
    /// # Errors
    /// [`BadTarget`] says what is wrong, without the URL.
    pub fn target(&self, url: &Secret) -> Result<Target, BadTarget> {
        Target::parse(url, self.allow_private)
    }

    /// Makes one attempt to post `body`, which is JSON.
    pub(super) async fn post(
        &self,
        target: &Target,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Accepted, Failed> {
        if body.len() > MAX_BODY_BYTES {
            return Err(Failed::new(Verdict::Permanent, Step::Message, Why::TooLarge));
        }
        // A target checked by laxer rules is checked again.
        if outbound::check(&target.0, self.allow_private).is_err() {
            return Err(Failed::new(Verdict::Permanent, Step::Connect, Why::NoAddress));
        }
        let request = self
            .client
            .post(target.0.clone())
            .headers(headers)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body);
        // The body of the answer is not read: its size is for the server to choose.
        match request.send().await {
            Ok(response) => answered(response.status(), response.headers()),
            Err(error) => Err(failed(&error)),
        }
    }
}

fn answered(status: StatusCode, headers: &HeaderMap) -> Result<Accepted, Failed> {
    let code = status.as_u16();
    if status.is_success() {
        return Ok(Accepted { code });
    }
    // Not found and conflict pass while a server is replaced. The others of the 400s do not, nor do
    // redirects, which are not followed: they would carry the notice elsewhere.
    let passes = status.is_server_error() || matches!(code, 404 | 408 | 409 | 425 | 429);
    let verdict = if passes { Verdict::Temporary } else { Verdict::Permanent };
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let retry_after_seconds =
        seconds.map(|seconds: u32| seconds.min(MAX_RETRY_AFTER_SECONDS)).filter(|_| passes);
    let why = Why::Answer { code, enhanced: None };
    Err(Failed { retry_after_seconds, ..Failed::new(verdict, Step::Content, why) })
}

fn failed(error: &reqwest::Error) -> Failed {
    let why = if error.is_timeout() { Why::TimedOut } else { network_cause(error) };
    if error.is_connect() {
        return Failed::new(Verdict::Temporary, Step::Connect, why);
    }
    Failed::new(Verdict::Undecided, Step::Content, why)
}
