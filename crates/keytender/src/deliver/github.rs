//! Secrets of GitHub Actions: of a repository, of one of its environments, or of an organization.
//!
//! GitHub gives no value back. A value is sealed with a public key of the place (libsodium's sealed
//! box), put there, and GitHub says when that was: more is not to be known. So nothing is compared
//! before it is written, and a write whose answer was lost is made again. API:
//! docs.github.com/rest/actions/secrets, and rest/guides/encrypting-secrets-for-the-rest-api.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_box::PublicKey;
use keytender_core::secret::Secret;
use keytender_core::time::Time;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::file::FilePath;
use super::service::{Address, Body, Service, quoted, resolve};
use super::{Held, Name, Written, words};
use crate::config::credential::Reference;
use crate::error::{Error, Kind};
use crate::net::outbound::Roots;

const URL: &str = "https://api.github.com";
/// The version of the API that this was written for.
const VERSION: &str = "2022-11-28";
/// GitHub tells times in whole seconds, so a second write in the same one looks like the first.
const PAUSE: Duration = Duration::from_millis(1_100);
/// How often we look for what was written: a copy of GitHub's may lag.
const LOOKS: usize = 3;
/// The largest page of a list.
const PAGE: usize = 100;
/// The most repositories that an organization's secret is told apart for.
const MAX_PAGES: usize = 100;

/// Secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GithubActions {
    /// Where the API is; `https://api.github.com` if nothing is said.
    #[serde(default = "url")]
    pub url: Address,
    /// The repository: `acme/shop`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// An environment of it, if the secret is of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The organization, in place of a repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The name of the secret part of the key.
    pub secret: Name,
    /// The name of its id, if that is kept as a secret too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Name>,
    /// A token that may write secrets, by a reference: `env:NAME`, `file:PATH` …
    pub token: Reference,
    /// A file of certificates in PEM to trust beside those of the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<FilePath>,
    /// Whether GitHub may be at a private address.
    #[serde(default, skip_serializing_if = "words::is_false", deserialize_with = "words::truth")]
    pub allow_private: bool,
}

fn url() -> Address {
    Address::known(URL)
}

/// The public key of a place.
#[derive(Deserialize)]
struct PlaceKey {
    key_id: String,
    key: String,
}

/// What is told of a secret.
#[derive(Clone, Deserialize)]
struct Known {
    updated_at: String,
    /// Who sees an organization's.
    visibility: Option<String>,
}

#[derive(Deserialize)]
struct Repositories {
    repositories: Vec<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    id: u64,
}

impl GithubActions {
    /// Puts the new there, and waits until GitHub says that it is.
    pub(super) async fn write(&self, wanted: &Held) -> Result<Written, Error> {
        let service = self.service().await?;
        let key = self.key(&service).await?;
        if let (Some(name), Some(id)) = (&self.id, &wanted.id) {
            self.put(&service, &key, name, id).await?;
        }
        if let Some(secret) = &wanted.secret {
            self.put(&service, &key, &self.secret, secret).await?;
        }
        Ok(Written::Now)
    }

    /// What can be known without a write: whether the place is there and its secrets can be seen; and
    /// of a token that tells its scopes, whether they suffice.
    pub(super) async fn check(&self) -> Result<(), Error> {
        let service = self.service().await?;
        let answer = service.call(Method::GET, self.place(&service, "public-key")?, None).await?;
        let answer = answer.done("give the public key")?;
        let key: PlaceKey = answer.owned()?;
        _ = key.seal(&Secret::new("keytender"))?;
        let needed = if self.organization.is_some() { "admin:org" } else { "repo" };
        let scopes = answer.headers.get("x-oauth-scopes").and_then(|scopes| scopes.to_str().ok());
        // Fine-grained tokens have none.
        let scopes = scopes.filter(|scopes| !scopes.is_empty());
        let is_enough = scopes.is_none_or(|scopes| {
            scopes
                .split(", ")
                .any(|scope| scope == needed || (scope == "public_repo" && needed == "repo"))
        });
        if !is_enough {
            return Err(Error::new("our token may not write secrets")
                .hint(format!("make one with the scope `{needed}`")));
        }
        for name in [Some(&self.secret), self.id.as_ref()].into_iter().flatten() {
            let known = self.known(&service, name).await?;
            _ = self.seen_by(&service, name, known.as_ref()).await?;
        }
        Ok(())
    }

    async fn service(&self) -> Result<Service, Error> {
        let roots = self.ca.clone().map(|path| Roots::File(path.into()));
        Service::new(&self.url, roots, self.allow_private)?
            .with("authorization", &format!("Bearer {}", resolve(&self.token).await?.expose()))?
            .with("accept", "application/vnd.github+json")?
            .with("x-github-api-version", VERSION)
    }

    /// Where the secrets are, and `last` of them.
    fn place(&self, service: &Service, last: &str) -> Result<reqwest::Url, Error> {
        let refuse = || {
            Error::new(
                "a secret is of a repository, of one of its environments, or of an \
                        organization",
            )
            .hint(
                "say repository=OWNER/NAME, with environment=NAME or without, or organization=NAME",
            )
        };
        let mut steps = match (&self.repository, &self.environment, &self.organization) {
            (Some(repository), environment, None) => {
                let (owner, name) = repository.split_once('/').ok_or_else(refuse)?;
                match environment {
                    Some(environment) => {
                        vec!["repos", owner, name, "environments", environment, "secrets"]
                    }
                    None => vec!["repos", owner, name, "actions", "secrets"],
                }
            }
            (None, None, Some(organization)) => vec!["orgs", organization, "actions", "secrets"],
            _ => return Err(refuse()),
        };
        steps.push(last);
        service.url(&steps, &[])
    }

    async fn key(&self, service: &Service) -> Result<PlaceKey, Error> {
        let answer = service.call(Method::GET, self.place(service, "public-key")?, None).await?;
        answer.done("give the public key")?.owned()
    }

    async fn known(&self, service: &Service, name: &Name) -> Result<Option<Known>, Error> {
        let answer = service.call(Method::GET, self.place(service, name.as_str())?, None).await?;
        if answer.code == 404 {
            return Ok(None);
        }
        let doing = format!("tell of the secret {}", quoted(name.as_str()));
        answer.done(&doing)?.owned().map(Some)
    }

    async fn put(
        &self,
        service: &Service,
        key: &PlaceKey,
        name: &Name,
        value: &Secret,
    ) -> Result<(), Error> {
        let before = self.known(service, name).await?;
        let mut body = self.seen_by(service, name, before.as_ref()).await?;
        if let Some(members) = body.as_object_mut() {
            _ = members.insert("encrypted_value".to_owned(), key.seal(value)?.into());
            _ = members.insert("key_id".to_owned(), key.key_id.as_str().into());
        }
        let body = Body::json(&body)?;
        let place = self.place(service, name.as_str())?;
        let doing = format!("take the secret {}", quoted(name.as_str()));
        let mut answers = Vec::new();
        // Put a second time only where the first one fell into the second of the write before.
        for _ in 0..2 {
            let answer = service.call(Method::PUT, place.clone(), Some(&body)).await?;
            answers.push(answer.done(&doing)?.code);
            for _ in 0..LOOKS {
                let now = self.known(service, name).await?;
                if is_later(now.as_ref(), before.as_ref()) {
                    return Ok(());
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        Err(Error::new(format!(
            "{} took the secret {} ({}), and tells no new time of it",
            service.host(),
            quoted(name.as_str()),
            answers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        ))
        .kind(Kind::Provider)
        .hint("see its page at GitHub, and try again"))
    }

    /// Who may see the secret, as it was: an organization's is told that with each value.
    async fn seen_by(
        &self,
        service: &Service,
        name: &Name,
        known: Option<&Known>,
    ) -> Result<Value, Error> {
        if self.organization.is_none() {
            return Ok(json!({}));
        }
        let visibility = known.and_then(|known| known.visibility.as_deref());
        let Some(visibility) = visibility else {
            return Err(Error::new(format!(
                "the organization has no secret {}",
                quoted(name.as_str())
            ))
            .hint("make it at GitHub once, with any value, and choose who may see it"));
        };
        if visibility != "selected" {
            return Ok(json!({"visibility": visibility}));
        }
        let mut ids = Vec::new();
        for page in 1..=MAX_PAGES {
            let mut url = self.place(service, name.as_str())?;
            if let Ok(mut steps) = url.path_segments_mut() {
                steps.push("repositories");
            }
            url.query_pairs_mut()
                .append_pair("per_page", &PAGE.to_string())
                .append_pair("page", &page.to_string());
            let answer = service.call(Method::GET, url, None).await?;
            let found: Repositories =
                answer.done("list the repositories that see the secret")?.owned()?;
            let is_last = found.repositories.len() < PAGE;
            ids.extend(found.repositories.into_iter().map(|one| one.id));
            if is_last {
                return Ok(json!({"visibility": visibility, "selected_repository_ids": ids}));
            }
        }
        Err(Error::new(format!("too many repositories see {}", quoted(name.as_str()))))
    }
}

/// Whether it was written after it was as `before`.
fn is_later(now: Option<&Known>, before: Option<&Known>) -> bool {
    let time = |known: &Known| Time::parse(&known.updated_at).ok();
    match (now.map(time), before.map(time)) {
        (Some(now), Some(before)) => now > before,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

impl PlaceKey {
    /// A value that only the place can open, in base64.
    fn seal(&self, value: &Secret) -> Result<String, Error> {
        let bad =
            || Error::new("the public key of the place is not understood").kind(Kind::Provider);
        let bytes = STANDARD.decode(&self.key).map_err(|_| bad())?;
        let key = PublicKey::from_slice(&bytes).map_err(|_| bad())?;
        let sealed = key.seal(&mut crypto_box::aead::OsRng, value.expose().as_bytes());
        sealed.map(|sealed| STANDARD.encode(sealed)).map_err(|_| bad())
    }
}
