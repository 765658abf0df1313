//! An OpenID provider: where people prove elsewhere who they are (OpenID Connect Core 1.0, Discovery 1.0).
//!
//! Every answer is bounded in time and size, and no redirect is followed. What a provider says is not
//! believed before its signature, issuer, audience, end and nonce were checked.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::byte_serialize;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use keytender_core::secret::Secret;
use keytender_core::time::{Span, Time};
use reqwest::{Client, RequestBuilder, Url, redirect};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Kind};
use crate::net::outbound::{self, Unread};

/// How long one call may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may take to reach the provider.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest answer, in bytes: the largest set of keys that we met has 20 KB.
const MAX_ANSWER: usize = 256 * 1024;
/// How long what a provider says of itself is believed.
const MEMORY: Span = Span::from_micros(3_600 * 1_000_000);
/// A key that is not known is asked for at most so often.
const KEY_PAUSE: Span = Span::from_micros(60 * 1_000_000);
/// What is asked of the provider: who it is, and their mail address.
const SCOPE: &str = "openid email";
/// The longest word of a provider that is repeated.
const MAX_WORD: usize = 40;
/// Signatures that anybody can check and only the provider can make.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// A provider, and who we are there.
#[derive(Debug)]
pub struct Provider {
    issuer: String,
    host: String,
    client_id: String,
    client_secret: Secret,
    client: Client,
    known: Mutex<Option<Arc<Known>>>,
}

/// What a provider says of itself, and when it did.
#[derive(Debug)]
struct Known {
    metadata: Metadata,
    keys: JwkSet,
    at: Time,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<BTreeSet<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: Option<String>,
    access_token: Option<String>,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
}

/// What somebody is asked to prove.
#[derive(Debug)]
pub struct Question<'a> {
    /// By what the answer is known.
    pub state: &'a str,
    /// By what the token is known.
    pub nonce: &'a str,
    /// The SHA-256 of what we show for the code (RFC 7636).
    pub challenge: &'a str,
    /// Where the answer goes.
    pub back: &'a str,
}

/// Who somebody is, as the provider says.
#[derive(Debug, Deserialize)]
pub struct Person {
    /// Which of its accounts, for good.
    pub sub: String,
    email: Option<String>,
    email_verified: Option<serde_json::Value>,
    #[serde(default)]
    nonce: Option<String>,
    #[serde(default)]
    azp: Option<String>,
    #[serde(default)]
    aud: Option<serde_json::Value>,
}

impl Person {
    /// The mail address, if the provider says that it is theirs.
    pub fn address(&self) -> Option<&str> {
        let said = self.email_verified.as_ref()?;
        // Some providers say it as a text.
        let is_verified = said.as_bool() == Some(true) || said.as_str() == Some("true");
        self.email.as_deref().filter(|address| is_verified && !address.is_empty())
    }
}

impl Provider {
    /// Prepares to ask a provider; reaches for nobody.
    ///
    /// # Errors
    /// When the issuer is no URL by https, or on this machine.
    pub fn new(issuer: &str, client_id: &str, client_secret: Secret) -> Result<Self, Error> {
        let url = place(issuer).ok_or_else(|| {
            Error::new(format!("`{issuer}` is no issuer"))
                .hint("an issuer is a URL that begins with https://, without ? and #")
        })?;
        let client = Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .user_agent(concat!("Keytender/", env!("CARGO_PKG_VERSION")));
        let client = client.build().map_err(|error| {
            Error::new("could not prepare TLS for the OpenID provider").source(error.without_url())
        })?;
        Ok(Self {
            issuer: issuer.to_owned(),
            host: url.host_str().unwrap_or_default().to_owned(),
            client_id: client_id.to_owned(),
            client_secret,
            client,
            known: Mutex::new(None),
        })
    }

    /// Who it is, for good.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Its host, for people.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Where somebody proves who they are.
    ///
    /// # Errors
    /// When the provider does not say.
    pub async fn ask(&self, question: &Question<'_>, now: Time) -> Result<String, Error> {
        let known = self.known(now, None).await?;
        let mut url = self.endpoint(&known.metadata.authorization_endpoint)?;
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", question.back),
            ("scope", SCOPE),
            ("state", question.state),
            ("nonce", question.nonce),
            ("code_challenge", question.challenge),
            ("code_challenge_method", "S256"),
        ]);
        Ok(url.into())
    }

    /// Checks by whom an answer says it is (RFC 9207).
    ///
    /// # Errors
    /// When it is another provider's.
    pub async fn check_issuer(&self, said: Option<&str>, now: Time) -> Result<(), Error> {
        let known = self.known(now, None).await?;
        let must_say = known.metadata.authorization_response_iss_parameter_supported;
        match said {
            Some(said) if said == self.issuer => Ok(()),
            None if !must_say => Ok(()),
            _ => Err(self.refused("the answer is of another provider")),
        }
    }

    /// Who somebody is that came back with a code. `verifier` is what the challenge was made of.
    ///
    /// # Errors
    /// When the provider does not take the code, or its token is not what it must be.
    pub async fn person(
        &self,
        code: &Secret,
        verifier: &Secret,
        nonce: &str,
        back: &str,
        now: Time,
    ) -> Result<Person, Error> {
        let known = self.known(now, None).await?;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", back),
            ("code_verifier", verifier.expose()),
        ];
        let request = self.client.post(self.endpoint(&known.metadata.token_endpoint)?);
        let tokens: Tokens = self.answer(self.signed(request, &known.metadata, &fields)).await?;
        let token = tokens.id_token.ok_or_else(|| self.refused("it gave no token"))?;
        let mut person = self.read(&token, nonce, now).await?;
        // Many providers tell the address only to whoever asks for it.
        if let (None, Some(place), Some(access)) =
            (&person.email, &known.metadata.userinfo_endpoint, tokens.access_token)
        {
            let request = self.client.get(self.endpoint(place)?).bearer_auth(access);
            let told: Person = self.answer(request).await?;
            if told.sub != person.sub {
                return Err(self.refused("it speaks of two people"));
            }
            (person.email, person.email_verified) = (told.email, told.email_verified);
        }
        Ok(person)
    }

    /// The request with who we are, in the way that the provider takes (RFC 6749, section 2.3.1).
    fn signed(
        &self,
        request: RequestBuilder,
        metadata: &Metadata,
        fields: &[(&str, &str)],
    ) -> RequestBuilder {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let methods = metadata.token_endpoint_auth_methods_supported.as_ref();
        let is_basic = methods.is_none_or(|all| all.contains("client_secret_basic"));
        let request = if is_basic {
            let text = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let pair = format!("{}:{}", text(&self.client_id), text(self.client_secret.expose()));
            request.header("authorization", format!("Basic {}", STANDARD.encode(pair)))
        } else {
            form.append_pair("client_id", &self.client_id);
            form.append_pair("client_secret", self.client_secret.expose());
            request
        };
        request.header("content-type", "application/x-www-form-urlencoded").body(form.finish())
    }

    /// The person of a token, if it is what it must be (OpenID Connect Core, section 3.1.3.7).
    async fn read(&self, token: &str, nonce: &str, now: Time) -> Result<Person, Error> {
        let header = decode_header(token).map_err(|_| self.refused("its token is none"))?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(self.refused("its token is signed in a way that we do not take"));
        }
        let kid = header.kid.as_deref();
        let known = self.known(now, Some(kid)).await?;
        let key =
            key(&known.keys, kid).ok_or_else(|| self.refused("its token has no known key"))?;
        let key = DecodingKey::from_jwk(key).map_err(|_| self.refused("its key cannot be used"))?;
        let mut must = Validation::new(header.alg);
        must.set_issuer(&[&self.issuer]);
        must.set_audience(&[&self.client_id]);
        must.set_required_spec_claims(&["iss", "aud", "exp", "sub"]);
        must.validate_nbf = true;
        let read = decode::<Person>(token, &key, &must);
        let person = read.map_err(|error| self.refused(wrong(error.kind())))?.claims;
        let is_for_many =
            person.aud.as_ref().and_then(|aud| aud.as_array()).is_some_and(|all| all.len() > 1);
        let is_ours = match &person.azp {
            Some(azp) => *azp == self.client_id,
            None => !is_for_many,
        };
        if !is_ours {
            return Err(self.refused("its token is for somebody else"));
        }
        if person.nonce.as_deref() != Some(nonce) {
            return Err(self.refused("its token is of another sign-in"));
        }
        Ok(person)
    }

    /// What is known of the provider; asked for again when it is old, or a key is missing.
    async fn known(&self, now: Time, kid: Option<Option<&str>>) -> Result<Arc<Known>, Error> {
        let kept = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(kept) = kept {
            let age = now.since(kept.at);
            let has_key = kid.is_none_or(|kid| key(&kept.keys, kid).is_some());
            if age < MEMORY && (has_key || age < KEY_PAUSE) {
                return Ok(kept);
            }
        }
        let issuer = self.issuer.trim_end_matches('/');
        let place = self.endpoint(&format!("{issuer}/.well-known/openid-configuration"))?;
        let metadata: Metadata = self.answer(self.client.get(place)).await?;
        if metadata.issuer != self.issuer {
            return Err(self.refused("it calls itself something else"));
        }
        let keys = self.endpoint(&metadata.jwks_uri)?;
        let keys: JwkSet = self.answer(self.client.get(keys)).await?;
        let known = Arc::new(Known { metadata, keys, at: now });
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&known));
        Ok(known)
    }

    /// A place that the provider names: secret on its way, or on this machine.
    fn endpoint(&self, text: &str) -> Result<Url, Error> {
        place(text).ok_or_else(|| self.refused("it names a place that is not https"))
    }

    /// What the provider answers, as JSON.
    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Error> {
        let unreachable = |error: reqwest::Error| {
            let why = match (error.is_timeout(), error.is_connect()) {
                (true, _) => "it did not answer in time",
                (_, true) => "it cannot be reached",
                _ => "its answer broke off",
            };
            self.refused(why)
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let mut bytes = Vec::new();
        outbound::read(response, MAX_ANSWER, &mut bytes).await.map_err(|unread| match unread {
            Unread::TooLong => self.refused("its answer is too large"),
            Unread::Lost(error) => unreachable(error),
        })?;
        if !status.is_success() {
            let word = serde_json::from_slice::<Refused>(&bytes).ok();
            let word = word.and_then(|refused| plain(&refused.error).map(str::to_owned));
            let word = word.map(|word| format!(" ({word})")).unwrap_or_default();
            return Err(self.refused(&format!("it answered {}{word}", status.as_u16())));
        }
        serde_json::from_slice(&bytes).map_err(|_| self.refused("its answer is not understood"))
    }

    /// Why somebody cannot sign in there now.
    pub fn refused(&self, why: &str) -> Error {
        Error::new(format!("{} did not sign you in: {why}", self.host))
            .kind(Kind::Provider)
            .hint("try again; if it stays, whoever runs this server finds it in its settings there")
    }
}

/// A word of a provider that may be repeated: none of its sentences.
pub fn plain(word: &str) -> Option<&str> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    Some(word).filter(|word| word.len() <= MAX_WORD && word.bytes().all(is_plain))
}

/// A URL by https, or by http on this machine, without a query or a user.
fn place(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let host = url.host_str()?;
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    let is_here = host == "localhost" || address.is_some_and(|address| address.is_loopback());
    let is_secret = url.scheme() == "https" || url.scheme() == "http" && is_here;
    let is_plain =
        url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    Some(url).filter(|_| is_secret && is_plain)
}

/// The key of a token: the one that it names, or the only one there is.
fn key<'k>(keys: &'k JwkSet, kid: Option<&str>) -> Option<&'k Jwk> {
    let is_for_signing = |key: &&Jwk| {
        key.common.public_key_use.as_ref().is_none_or(|one| *one == PublicKeyUse::Signature)
    };
    let mut all = keys.keys.iter().filter(is_for_signing);
    match kid {
        Some(kid) => all.find(|key| key.common.key_id.as_deref() == Some(kid)),
        None => all.next().filter(|_| all.next().is_none()),
    }
}

fn wrong(kind: &jsonwebtoken::errors::ErrorKind) -> &'static str {
    use jsonwebtoken::errors::ErrorKind;
    match kind {
        ErrorKind::InvalidSignature => "its token is not signed by it",
        ErrorKind::ExpiredSignature => "its token is too old",
        ErrorKind::ImmatureSignature => {
            "its token is not good yet: see whether both clocks are right"
        }
        ErrorKind::InvalidIssuer => "its token is of another provider",
        ErrorKind::InvalidAudience => "its token is for somebody else",
        _ => "its token is not what it must be",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_reached_by_https_or_on_this_machine() {
        for good in [
            "https://id.example.com",
            "https://id.example.com/realms/a",
            "http://localhost:1",
            "http://127.0.0.1:1/x",
            "http://[::1]:1",
        ] {
            assert!(place(good).is_some(), "{good}");
        }
        for bad in [
            "http://id.example.com",
            "ftp://localhost",
            "https://a:b@id.example.com",
            "https://id.example.com/#x",
            "id.example.com",
            "http://localhost.example.com",
            "",
        ] {
            assert!(place(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn only_a_verified_address_counts() {
        let person = |text: &str| serde_json::from_str::<Person>(text).unwrap();
        for (text, address) in [
            (r#"{"sub":"1","email":"a@b.c","email_verified":true}"#, Some("a@b.c")),
            (r#"{"sub":"1","email":"a@b.c","email_verified":"true"}"#, Some("a@b.c")),
            (r#"{"sub":"1","email":"a@b.c","email_verified":false}"#, None),
            (r#"{"sub":"1","email":"a@b.c"}"#, None),
            (r#"{"sub":"1","email_verified":true}"#, None),
        ] {
            assert_eq!(person(text).address(), address, "{text}");
        }
    }

    #[test]
    fn no_sentence_of_a_provider_is_repeated() {
        assert_eq!(plain("access_denied"), Some("access_denied"));
        for other in ["Call 555-0100 now", "<b>", "Access", &"x".repeat(50)] {
            assert_eq!(plain(other), None, "{other}");
        }
    }
}
