//! The credential by which another Keytender reaches an account, or by which this one does, at its server.
//!
//! A credential that is kept is not given back: whether it is the one that was written is asked by a comparison.
//! Nothing is compared before it is written, and a write whose answer was lost is made again.

use keytender_core::secret::Secret;
use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::file::FilePath;
use super::service::{Address, Body, Service, quoted, resolve};
use super::{Held, Written, words};
use crate::config::credential::Reference;
use crate::error::{Error, Kind};
use crate::net::outbound::Roots;

/// What a token needs.
const SCOPE: &str = "accounts:write";

/// An account of another Keytender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keytender {
    /// Where its server is.
    pub url: Address,
    /// The account, by its name or id there.
    pub account: String,
    /// Whether the credential is the id and the secret of the key, with a space between them, as accounts of AWS
    /// take it; if not, it is the secret alone.
    #[serde(default, skip_serializing_if = "words::is_false", deserialize_with = "words::truth")]
    pub with_id: bool,
    /// A token of the scope `accounts:write`, by a reference: `env:NAME`, `file:PATH` …
    pub token: Reference,
    /// A file of certificates in PEM to trust beside those of the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<FilePath>,
    /// Whether the server may be at a private address.
    #[serde(default, skip_serializing_if = "words::is_false", deserialize_with = "words::truth")]
    pub allow_private: bool,
}

/// An account, as far as it matters.
#[derive(Deserialize)]
struct Account {
    access: Access,
}

#[derive(Deserialize)]
struct Access {
    secret_kept: bool,
}

/// Who a token is of.
#[derive(Deserialize)]
struct Me {
    scopes: Vec<String>,
}

#[derive(Deserialize)]
struct Comparison {
    is_same: bool,
}

impl Keytender {
    /// Puts the new there, and asks whether it stands there.
    pub(super) async fn write(&self, wanted: &Held) -> Result<Written, Error> {
        let service = self.service().await?;
        let credential = self.credential(wanted)?;
        let body = Body::json(&json!({"secret": credential.expose()}))?;
        if self.is_same(&service, &body).await? {
            return Ok(Written::Already);
        }
        let answer = service.call(Method::PATCH, self.place(&service, None)?, Some(&body)).await?;
        let doing = format!("take another credential of {}", self.name());
        _ = answer.done(&doing)?;
        match self.is_same(&service, &body).await? {
            true => Ok(Written::Now),
            false => Err(Error::new(format!("{} has another credential again", self.name()))
                .kind(Kind::Conflict)
                .hint("see whether something else writes it")),
        }
    }

    /// Whether the account is there with a credential that is kept, and our token may replace that.
    pub(super) async fn check(&self) -> Result<(), Error> {
        let service = self.service().await?;
        let answer = service.call(Method::GET, self.place(&service, None)?, None).await?;
        let account: Account = answer.done(&format!("tell of {}", self.name()))?.owned()?;
        if !account.access.secret_kept {
            return Err(Error::new(format!("no credential of {} is kept there", self.name()))
                .hint("have one kept there: keytender accounts set NAME --credential -"));
        }
        let answer = service.call(Method::GET, service.url(&["v1", "me"], &[])?, None).await?;
        let me: Me = answer.done("say what our token may do")?.owned()?;
        match me.scopes.iter().any(|scope| scope == SCOPE) {
            true => Ok(()),
            false => Err(Error::new("our token may not change accounts")
                .hint(format!("make one with the scope `{SCOPE}`"))),
        }
    }

    /// What the account takes.
    fn credential(&self, wanted: &Held) -> Result<Secret, Error> {
        let secret = wanted.secret.as_ref().map_or("", |secret| secret.expose());
        match (self.with_id, &wanted.id) {
            (false, _) => Ok(Secret::new(secret)),
            (true, Some(id)) => Ok(Secret::new(format!("{} {secret}", id.expose()))),
            (true, None) => Err(Error::new("the credential takes an id, and the key has none")),
        }
    }

    async fn is_same(&self, service: &Service, body: &Body) -> Result<bool, Error> {
        let place = self.place(service, Some("credential-comparisons"))?;
        let answer = service.call(Method::POST, place, Some(body)).await?;
        let answer = answer.done(&format!("compare the credential of {}", self.name()))?;
        Ok(answer.owned::<Comparison>()?.is_same)
    }

    async fn service(&self) -> Result<Service, Error> {
        let roots = self.ca.clone().map(|path| Roots::File(path.into()));
        Service::new(&self.url, roots, self.allow_private)?
            .with("authorization", &format!("Bearer {}", resolve(&self.token).await?.expose()))
    }

    fn place(&self, service: &Service, last: Option<&str>) -> Result<Url, Error> {
        let mut steps = vec!["v1", "accounts", self.account.as_str()];
        steps.extend(last);
        service.url(&steps, &[])
    }

    fn name(&self) -> String {
        quoted(&self.account)
    }
}
