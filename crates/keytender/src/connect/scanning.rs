//! A partner that scans what is public for our keys: the list of public keys with which it signs what it tells
//! (GitHub: "Secret scanning partner program", the signatures of its messages).
//!
//! Only the list's own URL is asked, by the guarded client. A signature counts only by a key that the list calls
//! current. What a partner says is never believed before that.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keytender_core::time::{Span, Time};
use reqwest::{Client, Url};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::error::{Error, Kind};
use crate::net::outbound::{self, Settings, Unread};

/// The partner of which only the name has to be said, and where its list is.
const GITHUB: (&str, &str) = ("github", "https://api.github.com/meta/public_keys/secret_scanning");
/// How long one call may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest list, in bytes: GitHub's has a few keys of 200.
const MAX_LIST: usize = 64 * 1024;
/// The most keys of a list.
const MAX_KEYS: usize = 100;
/// How long a list is believed.
const MEMORY: Span = Span::from_micros(3_600 * 1_000_000);
/// A key that is not there, or a list that did not come, is asked for at most so often.
const PAUSE: Span = Span::from_micros(60 * 1_000_000);
/// How long a list is believed while no newer one can be had.
const AT_MOST: Span = Span::days(1);

/// A partner.
#[derive(Debug)]
pub struct Partner {
    name: String,
    url: Url,
    client: Client,
    allow_private: bool,
    known: Mutex<Known>,
}

/// What the partner's list said, and when it was asked for.
#[derive(Debug, Default)]
struct Known {
    keys: Vec<Listed>,
    read_at: Option<Time>,
    asked_at: Option<Time>,
}

/// A public key of a partner that is current.
#[derive(Clone, Debug)]
pub struct PublicKey(Arc<[u8]>);

#[derive(Clone, Debug)]
struct Listed {
    id: String,
    key: PublicKey,
}

/// The list as it is written.
#[derive(Debug, Deserialize)]
struct List {
    public_keys: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    key_identifier: String,
    key: String,
    is_current: bool,
}

impl Partner {
    /// The partner of this name, or the one whose list of keys is at this URL: https, or http to this machine.
    ///
    /// # Errors
    /// When the word is neither, or TLS cannot be prepared.
    pub fn new(word: &str) -> Result<Self, Error> {
        let (name, text, allow_private) = match word == GITHUB.0 {
            true => (Some(GITHUB.0), GITHUB.1, false),
            // Whoever starts the server knows where that is.
            false => (None, word, true),
        };
        let bad = |why: String| {
            Error::new(format!("`{word}` is no scanning partner: {why}"))
                .hint("--scanning-partner github, or the URL of a list of public keys")
        };
        let url = Url::parse(text).map_err(|error| bad(error.to_string()))?;
        outbound::check(&url, allow_private).map_err(|error| bad(error.to_string()))?;
        let settings = Settings { timeout: TIMEOUT, roots: None, allow_private };
        let client = outbound::client(&settings, "a scanning partner")?;
        let name = name.or(url.host_str()).unwrap_or_default().to_owned();
        Ok(Self { name, url, client, allow_private, known: Mutex::default() })
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key of this identifier, if the partner's list has it and calls it current. The list is asked for where it
    /// is old or does not have the key, once a minute at most.
    ///
    /// # Errors
    /// When no list can be had that is not older than a day.
    pub async fn key(&self, id: &str, now: Time) -> Result<Option<PublicKey>, Error> {
        let mut known = self.known.lock().await;
        let is_older = |at: Option<Time>, than: Span| at.is_none_or(|at| now.since(at) >= than);
        let is_wanted = is_older(known.read_at, MEMORY) || known.find(id).is_none();
        if is_wanted && is_older(known.asked_at, PAUSE) {
            known.asked_at = Some(now);
            match self.read().await {
                Ok(keys) => (known.keys, known.read_at) = (keys, Some(now)),
                Err(error) if is_older(known.read_at, AT_MOST) => return Err(error),
                Err(error) => tracing::warn!(
                    cause = %error.report(),
                    "the scanning partner's keys are those of an older list"
                ),
            }
        }
        match is_older(known.read_at, AT_MOST) {
            true => Err(self.cannot("it was asked a moment ago")),
            false => Ok(known.find(id)),
        }
    }

    fn cannot(&self, why: impl Into<String>) -> Error {
        Error::new(format!("the keys of the scanning partner {} cannot be had", self.name))
            .kind(Kind::Provider)
            .source(why.into())
    }

    async fn read(&self) -> Result<Vec<Listed>, Error> {
        // The address behind the name is looked at by the client.
        outbound::check(&self.url, self.allow_private)
            .map_err(|bad| self.cannot(bad.to_string()))?;
        let asked = self.client.get(self.url.clone()).header("Accept", "application/json");
        let failed = |error: reqwest::Error| self.cannot(outbound::Cause::of(&error).to_string());
        let response = asked.send().await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(self.cannot(format!("it answered {}", response.status())));
        }
        let mut bytes = Vec::new();
        outbound::read(response, MAX_LIST, &mut bytes).await.map_err(|unread| match unread {
            Unread::TooLong => self.cannot(format!("its list is longer than {MAX_LIST} bytes")),
            Unread::Lost(error) => failed(error),
        })?;
        let list: List = serde_json::from_slice(&bytes)
            .map_err(|error| self.cannot(format!("its list is not understood: {error}")))?;
        let current = list.public_keys.into_iter().filter(|entry| entry.is_current);
        let keys: Vec<Listed> = current.take(MAX_KEYS).filter_map(Listed::of).collect();
        match keys.is_empty() {
            true => Err(self.cannot("its list has no current key")),
            false => Ok(keys),
        }
    }
}

impl Known {
    fn find(&self, id: &str) -> Option<PublicKey> {
        self.keys.iter().find(|listed| listed.id == id).map(|listed| listed.key.clone())
    }
}

impl Listed {
    /// `None` if the entry holds no public key in PEM (RFC 7468, section 13).
    fn of(entry: Entry) -> Option<Self> {
        let rest = entry.key.split_once("-----BEGIN PUBLIC KEY-----")?.1;
        let body = rest.split_once("-----END PUBLIC KEY-----")?.0;
        let letters: String = body.split_ascii_whitespace().collect();
        let key = PublicKey(STANDARD.decode(letters).ok()?.into());
        Some(Self { id: entry.key_identifier, key })
    }
}

impl PublicKey {
    /// Whether `signature`, in base64, is one of `body` by this key (ECDSA P-256, SHA-256, DER).
    pub fn has_signed(&self, body: &[u8], signature: &str) -> bool {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.0);
        STANDARD.decode(signature).is_ok_and(|signature| key.verify(body, &signature).is_ok())
    }
}
