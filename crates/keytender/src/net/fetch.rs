//! Documents of strangers, fetched without a credential: bounded in time and size, of the types that were asked for,
//! without following a redirect, by the guarded client.

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use reqwest::{Client, Url};
use thiserror::Error;

use super::outbound::{self, BadTarget, Cause, Settings, Unread};
use crate::error::Error as Refusal;

/// How long one document may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// What is asked for.
const WANTED: &str =
    "application/json, application/linkset+json, application/yaml;q=0.9, */*;q=0.1";

/// A document as it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Where it is.
    pub url: Url,
    /// Its text.
    pub text: String,
}

/// Of what type a document must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// JSON, or a type that is written in it.
    Json,
    /// YAML, which servers call by many names.
    Yaml,
}

/// Why there is no document.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotFetched {
    /// The place is not called.
    #[error("it is not called: {0}")]
    Target(#[from] BadTarget),
    /// Nobody answered.
    #[error("it cannot be reached: {0}")]
    Unreachable(Cause),
    /// There is none.
    #[error("there is none (the answer was {0})")]
    Absent(u16),
    /// It answered something else.
    #[error("the answer was {0}")]
    Answer(u16),
    /// It is elsewhere.
    #[error("it redirects{}, and no redirect is followed", to(.0.as_deref()))]
    Redirect(Option<String>),
    /// It is too large.
    #[error("it is larger than {0} bytes")]
    TooLarge(usize),
    /// It is of another type.
    #[error("it is no document: its type is `{0}`")]
    Type(String),
    /// It is no text.
    #[error("it is not UTF-8")]
    NotText,
}

fn to(place: Option<&str>) -> String {
    place.map(|place| format!(" to {place}")).unwrap_or_default()
}

impl NotFetched {
    /// Whether simply nothing is there.
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent(_))
    }
}

/// Fetches documents.
#[derive(Clone, Debug)]
pub struct Fetcher {
    client: Client,
    allow_private: bool,
}

impl Fetcher {
    /// Prepares the client; reaches for nobody. `allow_private` lets it reach addresses that are not public.
    ///
    /// # Errors
    /// When TLS cannot be prepared.
    pub fn new(allow_private: bool) -> Result<Self, Refusal> {
        let settings = Settings { timeout: TIMEOUT, roots: None, allow_private };
        Ok(Self { client: outbound::client(&settings, "documents")?, allow_private })
    }

    /// The document at `url`, of at most `most` bytes.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn get(&self, url: &Url, wanted: Wanted, most: usize) -> Result<Fetched, NotFetched> {
        outbound::check(url, self.allow_private)?;
        let unreachable = |error: reqwest::Error| NotFetched::Unreachable(Cause::of(&error));
        let asked = self.client.get(url.clone()).header(ACCEPT, WANTED).send().await;
        let response = asked.map_err(unreachable)?;
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        match response.status().as_u16() {
            200 => {}
            300..=399 => {
                let place = header(LOCATION).and_then(|place| url.join(place).ok());
                let host = place.as_ref().and_then(Url::host_str).map(str::to_owned);
                return Err(NotFetched::Redirect(host));
            }
            code @ (404 | 410) => return Err(NotFetched::Absent(code)),
            code => return Err(NotFetched::Answer(code)),
        }
        let kind = header(CONTENT_TYPE).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if !wanted.fits(&kind) {
            return Err(NotFetched::Type(
                kind.chars().filter(char::is_ascii_graphic).take(60).collect(),
            ));
        }
        let mut bytes = Vec::new();
        outbound::read(response, most, &mut bytes).await.map_err(|unread| match unread {
            Unread::TooLong => NotFetched::TooLarge(most),
            Unread::Lost(error) => unreachable(error),
        })?;
        let text = String::from_utf8(bytes).map_err(|_| NotFetched::NotText)?;
        Ok(Fetched { url: url.clone(), text })
    }
}

impl Wanted {
    fn fits(self, kind: &str) -> bool {
        let is_json = kind == "application/json" || kind.ends_with("+json");
        match self {
            Self::Json => is_json,
            Self::Yaml => {
                let plain = ["text/plain", "application/octet-stream"].contains(&kind);
                is_json || plain || kind.ends_with("yaml")
            }
        }
    }
}
