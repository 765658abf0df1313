//! How calls are allowed: the headers that a way of authentication makes of the credential, and the
//! tokens that some ways get for it first.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::byte_serialize;
use keytender_core::akm::{
    Call, CallBody, Descriptor, HttpMethod, Method, Name, NoCall, Place, Pointer, Scheme, Template,
    TimeFormat, Values, headers,
};
use keytender_core::secret::Secret;
use keytender_core::time::{Span, Time};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use super::assertion;
use super::credential::whole_text;
use super::failure::{Doing, Failure, Reason, SIGN_IN};
use super::wire::{Manner, Outgoing, Patience, Wire};
use crate::clock;

/// How long a token is kept whose provider does not say how long it is good.
const UNSAID_LIFE: Span = Span::from_micros(300 * 1_000_000);
/// So long before its end a token is not used any more, for calls that take their time; a token that
/// lives only twice as long or less is used for half its life.
const MARGIN: Span = Span::from_micros(60 * 1_000_000);
/// How long an assertion is good: GitHub takes at most 10 minutes.
const ASSERTION_LIFE: Span = Span::from_micros(540 * 1_000_000);
/// So long before now an assertion begins, for clocks that are late.
const ASSERTION_BACK: Span = Span::from_micros(60 * 1_000_000);
/// The kind of grant that an assertion is (RFC 7523, section 2.1).
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Headers that allow a call.
pub(super) type Signed = Vec<(HeaderName, HeaderValue)>;

/// One way of authentication with the account's credential in its parts.
pub(super) struct Way {
    descriptor: Arc<Descriptor>,
    method: Method,
    /// Variables, and the parts of the credential; or why it has none.
    values: Result<Values, String>,
    kept: Mutex<Option<Kept>>,
}

/// A token that was got, as the headers that it makes.
#[derive(Clone)]
struct Kept {
    signed: Signed,
    until: Time,
}

impl Way {
    pub(super) fn new(
        descriptor: Arc<Descriptor>,
        method: Method,
        values: Result<Values, String>,
    ) -> Self {
        Self { descriptor, method, values, kept: Mutex::new(None) }
    }

    /// Its name in the descriptor.
    pub(super) fn id(&self) -> &str {
        &self.method.id.value
    }

    /// Why it cannot be used with this credential.
    pub(super) fn fault(&self) -> Option<String> {
        match (&self.method.scheme.value, &self.values) {
            (Scheme::None, _) => None,
            (Scheme::Query { name }, _) => Some(format!(
                "the secret would stand in the URL, as `{name}`, where others read it: such calls are \
                 not made"
            )),
            (Scheme::RequestSigning { name }, _) => {
                Some(format!("calls signed by {name} are not made from a descriptor"))
            }
            (_, Err(why)) => Some(why.clone()),
            // Else what belongs to another way, such as a private key, would be sent as it is.
            (Scheme::Bearer | Scheme::Headers(_), Ok(values)) if !is_single(values) => Some(
                "the credential has parts or lines, and this way takes a single text".to_owned(),
            ),
            (_, Ok(_)) => None,
        }
    }

    /// Whether it gets tokens, so that another may be better than a refused one.
    pub(super) const fn has_tokens(&self) -> bool {
        matches!(
            self.method.scheme.value,
            Scheme::Oauth2ClientCredentials { .. }
                | Scheme::JwtBearer { .. }
                | Scheme::GithubApp { .. }
                | Scheme::Login { .. }
        )
    }

    /// The headers of a call; those of a token that was refused are got anew.
    pub(super) async fn sign(
        &self,
        wire: &Wire,
        doing: &Doing,
        refused: Option<&Signed>,
    ) -> Result<Signed, Failure> {
        let doing = Doing { operation: SIGN_IN, about: self.id().to_owned(), ..doing.clone() };
        let doing = &doing;
        if let Some(why) = self.fault() {
            return Err(doing.failed(Reason::Credential(why)));
        }
        if !self.has_tokens() {
            return self.plain().map_err(|reason| doing.failed(reason));
        }
        let mut kept = self.kept.lock().await;
        let is_good = |kept: &&Kept| kept.until > clock::now() && refused != Some(&kept.signed);
        if let Some(kept) = kept.as_ref().filter(is_good) {
            return Ok(kept.signed.clone());
        }
        *kept = None;
        let fresh = self.token(wire, doing).await?;
        *kept = Some(fresh.clone());
        Ok(fresh.signed)
    }

    fn values(&self) -> Result<&Values, Reason> {
        self.values.as_ref().map_err(|why| Reason::Credential(why.clone()))
    }

    /// The headers of ways that need no token.
    fn plain(&self) -> Result<Signed, Reason> {
        match &self.method.scheme.value {
            Scheme::Bearer => {
                // The credential, or the only part of it.
                let part = self.method.parts.first().map_or("", |part| part.value.as_str());
                let secret = Name::new("secret", part);
                let secret = self.values()?.get(&secret).and_then(whole_text).unwrap_or_default();
                bearer(&secret)
            }
            Scheme::Headers(named) => signed(headers(named, self.values()?).map_err(Reason::Call)?),
            Scheme::Basic { username, password } => {
                let (username, password) = (self.fill(username)?, self.fill(password)?);
                basic(&username, &password)
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The text of a template of authentication.
    fn fill(&self, template: &Template) -> Result<String, Reason> {
        let values = self.values()?;
        template
            .fill(|name| {
                let text = values.get(name).and_then(whole_text);
                text.ok_or_else(|| NoCall::Missing(name.clone()))
            })
            .map_err(Reason::Call)
    }

    fn fill_some(&self, template: Option<&Template>) -> Result<Option<String>, Reason> {
        template.map(|template| self.fill(template)).transpose()
    }

    async fn token(&self, wire: &Wire, doing: &Doing) -> Result<Kept, Failure> {
        let failed = |reason| doing.failed(reason);
        let (call, signed_call, places) = self.request().map_err(failed)?;
        let url = wire.place(doing, &call.url)?;
        let mut outgoing =
            Outgoing { method: call.method, url, headers: call.headers, body: call.body };
        if !call.query.is_empty() {
            outgoing.url.query_pairs_mut().extend_pairs(call.query);
        }
        let manner =
            Manner { doing, patience: Patience::Safe, codes: &[], reads: true, changes: false };
        let answer = wire.send(&outgoing, &signed_call, &manner).await?;
        if !(200..300).contains(&answer.code) {
            return Err(failed(Reason::Answer { code: answer.code }));
        }
        let unread = |what: &str| failed(Reason::Unread(what.to_owned()));
        let told: Value =
            serde_json::from_slice(&answer.body).map_err(|_| unread("it is no JSON"))?;
        let token = places.token.find(&told).and_then(whole_text);
        let token = token.filter(|token| !token.is_empty());
        let token = Secret::new(token.ok_or_else(|| unread("it has no token"))?);
        let now = clock::now();
        let end =
            places.end.and_then(|(name, format)| format.read(told.get(name)?, now).ok().flatten());
        let until = end.map_or_else(
            || now.plus(UNSAID_LIFE),
            |end| {
                let half = Span::from_micros(end.since(now).as_micros() / 2);
                end.minus(MARGIN).max(now.plus(half))
            },
        );
        let signed = self.with_token(&token).map_err(failed)?;
        Ok(Kept { signed, until })
    }

    /// The call that gets a token, what allows it, and where the token stands in the answer.
    fn request(&self) -> Result<(Call, Signed, Places), Reason> {
        let mut form = Vec::new();
        let mut pair = |name: &str, value: String| form.push((name.to_owned(), value));
        match &self.method.scheme.value {
            Scheme::Oauth2ClientCredentials {
                token_url,
                client_id,
                client_secret,
                scope,
                form: more,
            } => {
                pair("grant_type", "client_credentials".to_owned());
                if let Some(scope) = self.fill_some(scope.as_ref())? {
                    pair("scope", scope);
                }
                for (name, template) in more {
                    pair(name, self.fill(template)?);
                }
                // Where a descriptor writes the secret into the form, it stands there alone.
                let signed = if more.contains_key("client_secret") {
                    Vec::new()
                } else {
                    let text = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                    let (id, secret) = (self.fill(client_id)?, self.fill(client_secret)?);
                    basic(&text(&id), &text(&secret))?
                };
                Ok((self.post(token_url, CallBody::Form(form))?, signed, Places::oauth()?))
            }
            Scheme::JwtBearer { token_url, issuer, private_key, key_id, scope } => {
                let audience = self.descriptor.url(token_url, self.values()?);
                let audience = audience.map_err(Reason::Call)?;
                let mut claims = claims(&self.fill(issuer)?);
                claims.insert("aud".to_owned(), audience.into());
                if let Some(scope) = self.fill_some(scope.as_ref())? {
                    claims.insert("scope".to_owned(), scope.into());
                }
                let assertion = self.assertion(private_key, key_id.as_ref(), &claims)?;
                pair("grant_type", JWT_BEARER.to_owned());
                pair("assertion", assertion.expose().to_owned());
                Ok((self.post(token_url, CallBody::Form(form))?, Vec::new(), Places::oauth()?))
            }
            Scheme::GithubApp { app_id, token_url, private_key } => {
                let claims = claims(&self.fill(app_id)?);
                let assertion = self.assertion(private_key, None, &claims)?;
                let call = self.post(token_url, CallBody::None)?;
                Ok((call, bearer(assertion.expose())?, Places::github()?))
            }
            Scheme::Login { request, token, .. } => {
                let call = self.descriptor.call(request, self.values()?, None);
                Ok((
                    call.map_err(Reason::Call)?,
                    Vec::new(),
                    Places { token: token.clone(), end: None },
                ))
            }
            _ => Err(Reason::Credential("this way of authentication gets no token".to_owned())),
        }
    }

    fn post(&self, url: &Template, body: CallBody) -> Result<Call, Reason> {
        let url = self.descriptor.url(url, self.values()?).map_err(Reason::Call)?;
        let (query, headers) = (Vec::new(), Vec::new());
        Ok(Call { method: HttpMethod::Post, url, query, headers, body })
    }

    fn assertion(
        &self,
        private_key: &Template,
        key_id: Option<&Template>,
        claims: &Map<String, Value>,
    ) -> Result<Secret, Reason> {
        let pem = Secret::new(self.fill(private_key)?);
        let key_id = self.fill_some(key_id)?;
        assertion::sign(pem.expose(), key_id.as_deref(), claims)
            .map_err(|why| Reason::Credential(why.to_owned()))
    }

    /// The headers that a token makes.
    fn with_token(&self, token: &Secret) -> Result<Signed, Reason> {
        match &self.method.scheme.value {
            Scheme::Login { headers: named, .. } => {
                let mut values = self.values()?.clone();
                values.set("login", "token", token.expose());
                signed(headers(named, &values).map_err(Reason::Call)?)
            }
            _ => bearer(token.expose()),
        }
    }
}

/// Where a token stands in an answer, and its end, if that is known.
struct Places {
    token: Pointer,
    end: Option<(&'static str, TimeFormat)>,
}

impl Places {
    fn new(token: &str, end: &'static str, format: TimeFormat) -> Result<Self, Reason> {
        let token = Pointer::parse(token, Place::default()).map_err(Reason::Unread)?;
        Ok(Self { token, end: Some((end, format)) })
    }

    /// RFC 6749, section 5.1.
    fn oauth() -> Result<Self, Reason> {
        Self::new("/access_token", "expires_in", TimeFormat::Seconds)
    }

    /// GitHub's "Create an installation access token for an app".
    fn github() -> Result<Self, Reason> {
        Self::new("/token", "expires_at", TimeFormat::DateTime)
    }
}

/// Who signs, from a moment ago until shortly after now.
fn claims(issuer: &str) -> Map<String, Value> {
    let now = clock::now();
    let at = |time: Time| TimeFormat::Unix.write(time, now);
    let claims = [
        ("iss", json!(issuer)),
        ("iat", at(now.minus(ASSERTION_BACK))),
        ("exp", at(now.plus(ASSERTION_LIFE))),
    ];
    claims.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
}

/// Whether a credential, where it is not in parts, is one text as headers have them.
fn is_single(values: &Values) -> bool {
    let whole = values.get(&Name::new("secret", "")).and_then(whole_text);
    whole.is_none_or(|text| !text.starts_with('{') && !text.contains(char::is_control))
}

fn bearer(token: &str) -> Result<Signed, Reason> {
    signed(vec![(AUTHORIZATION.as_str().to_owned(), format!("Bearer {token}"))])
}

fn basic(username: &str, password: &str) -> Result<Signed, Reason> {
    let pair = STANDARD.encode(format!("{username}:{password}"));
    signed(vec![(AUTHORIZATION.as_str().to_owned(), format!("Basic {pair}"))])
}

/// Headers whose values no debug output shows.
fn signed(pairs: Vec<(String, String)>) -> Result<Signed, Reason> {
    let header = |(name, value): (String, String)| {
        let name = HeaderName::try_from(name).ok()?;
        let mut value = HeaderValue::try_from(value).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    };
    let all: Option<Signed> = pairs.into_iter().map(header).collect();
    all.ok_or_else(|| {
        Reason::Credential(
            "the credential cannot stand in a header: it is more than one line".into(),
        )
    })
}
