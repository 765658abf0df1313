//! Fields of a secret in the key-value engine, version 2, of HashiCorp Vault or OpenBao.
//!
//! Such a secret is a JSON object of which each write makes a new version. We read it, change our
//! fields, and write the whole back with the number of the version that was read: if there is another
//! one by then, the server refuses (check-and-set). API: developer.hashicorp.com/vault/api-docs,
//! "KV secrets engine - version 2" and "/sys/capabilities-self"; OpenBao's is the same.

use std::collections::BTreeMap;

use keytender_core::secret::Secret;
use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use super::file::FilePath;
use super::place::{Place, Put};
use super::service::{Address, Answer, Body, Service, quoted, resolve};
use super::{Held, words};
use crate::config::credential::Reference;
use crate::error::Error;
use crate::net::outbound::Roots;

/// Where the engine is in a new server.
const MOUNT: &str = "secret";
/// How a write is refused whose number is not that of the newest version.
const OTHER_VERSION: &str = "check-and-set parameter did not match";

/// Fields of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vault {
    /// Where the server is: `https://vault.example.com:8200`.
    pub url: Address,
    /// Where the engine is mounted; `secret` if nothing is said.
    #[serde(default = "mount")]
    pub mount: String,
    /// Which secret: `shop/stripe`.
    pub path: String,
    /// The field that holds the secret part of the key.
    pub secret: String,
    /// The field that holds its id, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The token that we sign in with, by a reference: `env:NAME`, `file:PATH` …
    pub token: Reference,
    /// The namespace, where the server has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// A file of certificates in PEM to trust beside those of the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<FilePath>,
    /// Whether the server may be at a private address.
    #[serde(default, skip_serializing_if = "words::is_false", deserialize_with = "words::truth")]
    pub allow_private: bool,
}

fn mount() -> String {
    MOUNT.to_owned()
}

/// A version of a secret.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Option<Version<'a>>,
}

#[derive(Deserialize)]
struct Version<'a> {
    /// Null once it was deleted.
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    version: u64,
}

#[derive(Deserialize)]
struct Capabilities {
    capabilities: Vec<String>,
}

#[derive(Serialize)]
struct Write<'a> {
    options: Options,
    data: &'a Members,
}

#[derive(Serialize)]
struct Options {
    /// The version that is to be followed by this one.
    cas: u64,
}

/// What was read: the number of the version, zero if there is none, and its object.
pub(super) struct Seen {
    version: u64,
    object: Option<Secret>,
}

/// The members of an object as they are written: numbers keep all their digits.
type Members = BTreeMap<String, Box<RawValue>>;

impl Place for Vault {
    type Seen = Seen;

    async fn look(&self) -> Result<(Option<Held>, Seen), Error> {
        let service = self.service().await?;
        let answer = service.call(Method::GET, self.place(&service)?, None).await?;
        let seen = self.seen(answer)?;
        let held = seen.object.as_ref().map(|object| self.held(object)).transpose()?.flatten();
        Ok((held, seen))
    }

    async fn put(&self, seen: Seen, wanted: &Held) -> Result<Put, Error> {
        let service = self.service().await?;
        let mut members = self.members(seen.object.as_ref())?;
        for (name, part) in [(self.id.as_ref(), &wanted.id), (Some(&self.secret), &wanted.secret)] {
            if let (Some(name), Some(part)) = (name, part) {
                let written = serde_json::value::to_raw_value(part.expose());
                let written = written.map_err(|_| Error::new("this cannot be said in JSON"))?;
                _ = members.insert(name.clone(), written);
            }
        }
        let options = Options { cas: seen.version };
        let body = Body::json(&Write { options, data: &members })?;
        let answer = service.call(Method::POST, self.place(&service)?, Some(&body)).await?;
        if answer.code == 400 && answer.says(OTHER_VERSION) {
            return Ok(Put::Changed);
        }
        answer.done(&format!("write {}", self.name())).map(|_| Put::Done)
    }

    fn name(&self) -> String {
        quoted(&format!("{}/{}", self.mount, self.path))
    }
}

impl Vault {
    /// Whether our token may write there, as the server says.
    pub(super) async fn check(&self) -> Result<(), Error> {
        let (_, seen) = self.look().await?;
        let service = self.service().await?;
        let path = format!("{}/data/{}", self.mount.trim_matches('/'), self.path.trim_matches('/'));
        let url = service.url(&["v1", "sys", "capabilities-self"], &[])?;
        let body = Body::json(&json!({"paths": [path]}))?;
        let answer = service.call(Method::POST, url, Some(&body)).await?;
        let answer = answer.done("say what our token may do")?;
        let known: Capabilities = answer.owned()?;
        let needed = if seen.version == 0 { "create" } else { "update" };
        match known.capabilities.iter().any(|one| one == needed || one == "root") {
            true => Ok(()),
            false => Err(Error::new(format!("our token may not {needed} {}", self.name()))
                .hint(format!("a policy must give it `{needed}` on `{path}`"))),
        }
    }

    async fn service(&self) -> Result<Service, Error> {
        let roots = self.ca.clone().map(|path| Roots::File(path.into()));
        let service = Service::new(&self.url, roots, self.allow_private)?
            .with("x-vault-token", resolve(&self.token).await?.expose())?
            .with("x-vault-request", "true")?;
        match &self.namespace {
            Some(namespace) => service.with("x-vault-namespace", namespace),
            None => Ok(service),
        }
    }

    fn place(&self, service: &Service) -> Result<Url, Error> {
        let mut steps = vec!["v1"];
        steps.extend(self.mount.trim_matches('/').split('/'));
        steps.push("data");
        steps.extend(self.path.trim_matches('/').split('/'));
        service.url(&steps, &[])
    }

    fn seen(&self, answer: Answer) -> Result<Seen, Error> {
        if answer.code == 404 {
            // The newest version of a deleted secret is told in a 404, one that never was is not.
            let version = answer.json::<Envelope<'_>>().ok().and_then(|found| found.data);
            let version = version.map_or(0, |found| found.metadata.version);
            return Ok(Seen { version, object: None });
        }
        let answer = answer.done(&format!("give {}", self.name()))?;
        let found: Envelope<'_> = answer.json()?;
        let found = found.data.ok_or_else(|| answer.refusal(&format!("give {}", self.name())))?;
        let object = found.data.filter(|data| data.get() != "null");
        let object = object.map(|data| Secret::new(data.get()));
        Ok(Seen { version: found.metadata.version, object })
    }

    fn held(&self, object: &Secret) -> Result<Option<Held>, Error> {
        let members = self.members(Some(object))?;
        let part = |name: &String| -> Result<Option<Secret>, Error> {
            let Some(value) = members.get(name).filter(|value| value.get() != "null") else {
                return Ok(None);
            };
            let text = serde_json::from_str::<String>(value.get()).map(Secret::new);
            let text = text.map_err(|_| {
                Error::new(format!("{} of {} is no text", quoted(name), self.name()))
            })?;
            Ok(Some(text).filter(|text| !text.is_empty()))
        };
        let id = self.id.as_ref().map(part).transpose()?.flatten();
        Ok(Held::of(id, part(&self.secret)?))
    }

    fn members(&self, object: Option<&Secret>) -> Result<Members, Error> {
        let Some(object) = object else { return Ok(Members::new()) };
        let members = serde_json::from_str(object.expose());
        members.map_err(|_| Error::new(format!("what {} holds is not understood", self.name())))
    }
}
