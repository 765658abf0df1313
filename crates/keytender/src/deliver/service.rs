//! Calls to services that keep secrets: by the guarded client, once each, with an answer of a bounded
//! size. Nothing that a service answers is ever repeated: it may hold secrets, of others too.

use std::time::Duration;

use keytender_core::secret::Secret;
use keytender_core::text::printable;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::config::credential::Reference;
use crate::error::{Error, Kind};
use crate::net::outbound::{self, BadTarget, Cause, Roots, Settings, Unread};

/// How long one call may take: AWS and GitHub end theirs before.
const TIMEOUT: Duration = Duration::from_secs(30);
/// No answer about one secret is larger: etcd, under Kubernetes, holds 1.5 MiB, and that in base64.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// Where a service is: https, or http to this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(Url);

impl TryFrom<String> for Address {
    type Error = String;

    /// A text that is no address is not repeated: there may be a password in it.
    fn try_from(text: String) -> Result<Self, String> {
        let refuse = |bad: BadTarget| format!("this is no address of a service: {bad}");
        let url = Url::parse(&text).map_err(|_| refuse(BadTarget::NotAUrl))?;
        outbound::check(&url, true).map_err(refuse)?;
        match url.query().is_none() && url.fragment().is_none() {
            true => Ok(Self(url)),
            false => Err("the address of a service ends before `?` and `#`".to_owned()),
        }
    }
}

impl Address {
    /// One of ours, which is good.
    #[expect(clippy::expect_used, reason = "the text is a constant of this program")]
    pub(super) fn known(text: &'static str) -> Self {
        Self(Url::parse(text).expect("a URL"))
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.0.into()
    }
}

/// A service at which we sign in.
pub(super) struct Service {
    client: Client,
    base: Url,
    headers: HeaderMap,
}

/// A body and its media type.
pub(super) struct Body {
    media_type: &'static str,
    text: Zeroizing<String>,
}

impl Body {
    pub(super) fn new(media_type: &'static str, text: impl Into<String>) -> Self {
        Self { media_type, text: Zeroizing::new(text.into()) }
    }

    /// A value as JSON.
    pub(super) fn json(value: &impl Serialize) -> Result<Self, Error> {
        Self::of("application/json", value)
    }

    /// A value as JSON under another media type, such as that of a kind of patch.
    pub(super) fn of(media_type: &'static str, value: &impl Serialize) -> Result<Self, Error> {
        let text = serde_json::to_string(value);
        let text = text.map_err(|_| Error::new("this cannot be said in JSON"))?;
        Ok(Self::new(media_type, text))
    }

    /// What is sent.
    pub(super) fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

impl Service {
    /// The service at an address; reaches for nobody.
    pub(super) fn new(
        address: &Address,
        roots: Option<Roots>,
        allow_private: bool,
    ) -> Result<Self, Error> {
        let base = address.0.clone();
        let host = base.host_str().unwrap_or_default().to_owned();
        outbound::check(&base, allow_private).map_err(|bad| {
            Error::new(format!("{host} is not called"))
                .source(bad)
                .hint("say allow_private=true of the destination if that is right")
        })?;
        let settings = Settings { timeout: TIMEOUT, roots, allow_private };
        let client = outbound::client(&settings, &host)?;
        Ok(Self { client, base, headers: HeaderMap::new() })
    }

    /// The same with a header on every call.
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Result<Self, Error> {
        let bad = || Error::new(format!("`{name}` cannot be sent: it has a line end or the like"));
        let mut value = HeaderValue::from_str(value).map_err(|_| bad())?;
        value.set_sensitive(true);
        _ = self.headers.insert(HeaderName::from_static(name), value);
        Ok(self)
    }

    /// What it is called.
    pub(super) fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    /// The URL of a call; each step is one, whatever is in it.
    pub(super) fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Url, Error> {
        let mut url = self.base.clone();
        if let Some(step) = path.iter().find(|step| ["", ".", ".."].contains(step)) {
            return Err(Error::new(format!("nothing at {} can be named `{step}`", self.host())));
        }
        if let Ok(mut steps) = url.path_segments_mut() {
            steps.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// One call.
    ///
    /// # Errors
    /// Where no whole answer came: whether it was done is not known then.
    pub(super) async fn call(
        &self,
        method: Method,
        url: Url,
        body: Option<&Body>,
    ) -> Result<Answer, Error> {
        self.call_with(method, url, body, HeaderMap::new()).await
    }

    /// One call with further headers.
    pub(super) async fn call_with(
        &self,
        method: Method,
        url: Url,
        body: Option<&Body>,
        further: HeaderMap,
    ) -> Result<Answer, Error> {
        let failed = |cause: Cause| {
            let error = Error::new(format!("{} gave no answer", self.host()))
                .kind(Kind::Provider)
                .source(cause);
            match cause {
                Cause::NoAddress => error.hint(
                    "see its name; if its address is a private one, say allow_private=true of \
                     the destination",
                ),
                Cause::Certificate => error.hint("name the certificates of its issuer: ca=FILE"),
                _ => error,
            }
        };
        let mut request = self.client.request(method, url).headers(self.headers.clone());
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, body.media_type).body(body.bytes().to_vec());
        }
        let sent = request.headers(further).send().await;
        let response = sent.map_err(|error| failed(Cause::of(&error)))?;
        let (code, headers) = (response.status(), response.headers().clone());
        let mut body = Zeroizing::new(Vec::new());
        outbound::read(response, MAX_ANSWER_BYTES, &mut body).await.map_err(
            |unread| match unread {
                Unread::TooLong => {
                    Error::new(format!("{} answered too much", self.host())).kind(Kind::Provider)
                }
                Unread::Lost(error) => failed(Cause::of(&error)),
            },
        )?;
        Ok(Answer { code, headers, body, host: self.host().to_owned() })
    }
}

/// What a service answered.
pub(super) struct Answer {
    pub(super) code: StatusCode,
    pub(super) headers: HeaderMap,
    body: Zeroizing<Vec<u8>>,
    host: String,
}

impl Answer {
    /// The answer, if it is a success; `doing` says what was asked: `read \`x\``.
    pub(super) fn done(self, doing: &str) -> Result<Self, Error> {
        match self.code.is_success() {
            true => Ok(self),
            false => Err(self.refusal(doing)),
        }
    }

    /// Its text.
    pub(super) fn text(&self) -> Result<&str, Error> {
        std::str::from_utf8(&self.body).map_err(|_| self.unread())
    }

    /// What it says in JSON.
    pub(super) fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        // What serde says of it may repeat it.
        serde_json::from_slice(&self.body).map_err(|_| self.unread())
    }

    /// As [`Answer::json`], where nothing borrows from the answer.
    pub(super) fn owned<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.json()
    }

    /// Whether its text has a word: how some services name a refusal.
    pub(super) fn says(&self, word: &str) -> bool {
        self.text().is_ok_and(|text| text.contains(word))
    }

    /// The error that a refusal is.
    pub(super) fn refusal(&self, doing: &str) -> Error {
        let code = self.code.as_u16();
        let error = Error::new(format!("{} did not {doing}", self.host))
            .kind(Kind::Provider)
            .source(format!("it answered {code}"));
        match code {
            300..=399 => error.hint("redirects are not followed: name the address it leads to"),
            401 | 403 => error.hint("see whether we sign in with what may do this"),
            404 => error.hint("see the names in the destination, and what we may see there"),
            429 | 503 => error.hint("try again later"),
            _ => error,
        }
    }

    fn unread(&self) -> Error {
        Error::new(format!("what {} answered is not understood", self.host))
            .kind(Kind::Provider)
            .hint("see whether the address is that of such a service")
    }
}

/// The secret that a reference leads to: asked for where waiting harms nobody.
pub(super) async fn resolve(reference: &Reference) -> Result<Secret, Error> {
    let reference = reference.clone();
    super::file::blocking(move || reference.resolve()).await
}

/// A name of the other side's in our sentences.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", printable(name))
}
