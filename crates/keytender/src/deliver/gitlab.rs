//! CI/CD variables of a project or a group at GitLab.
//!
//! A variable is written by its name and its environment scope, and only its value is sent: GitLab
//! keeps what a call does not name, such as whether it is masked. There is no check-and-set, so what
//! somebody writes in the moment between our reading and our writing is replaced. API:
//! docs.gitlab.com/api/project_level_variables, group_level_variables and personal_access_tokens.

use keytender_core::secret::Secret;
use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::file::FilePath;
use super::place::{Place, Put};
use super::service::{Address, Answer, Body, Service, quoted, resolve};
use super::{Held, Name, words};
use crate::config::credential::Reference;
use crate::error::{Error, Kind};
use crate::net::outbound::Roots;

const URL: &str = "https://gitlab.com";
/// The scope of a variable for all environments.
const EVERYWHERE: &str = "*";

/// Variables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitlabVariable {
    /// Where GitLab is; `https://gitlab.com` if nothing is said.
    #[serde(default = "url")]
    pub url: Address,
    /// The project, by its path or number: `acme/shop`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The group, by its path or number, in place of a project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The variable that holds the secret part of the key.
    pub secret: Name,
    /// The variable that holds its id, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Name>,
    /// Of which environments, as the variable says it; `*` if nothing is said.
    #[serde(default = "everywhere")]
    pub environment_scope: String,
    /// A token of the scope `api`, by a reference: `env:NAME`, `file:PATH` …
    pub token: Reference,
    /// A file of certificates in PEM to trust beside those of the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<FilePath>,
    /// Whether GitLab may be at a private address.
    #[serde(default, skip_serializing_if = "words::is_false", deserialize_with = "words::truth")]
    pub allow_private: bool,
}

fn url() -> Address {
    Address::known(URL)
}

fn everywhere() -> String {
    EVERYWHERE.to_owned()
}

/// A variable as it is read.
#[derive(Deserialize)]
struct Variable {
    /// Null where it is hidden.
    value: Option<String>,
    #[serde(default)]
    hidden: bool,
    /// Whether `$` stands for itself.
    #[serde(default)]
    raw: bool,
}

/// What a token may do.
#[derive(Deserialize)]
struct Token {
    scopes: Vec<String>,
}

/// A variable that is there; it may be expanded.
#[derive(Clone, Copy)]
pub(super) struct Known {
    is_raw: bool,
}

/// What was read of the variables of id and secret.
pub(super) struct Seen {
    id: Option<Known>,
    secret: Option<Known>,
}

impl Place for GitlabVariable {
    type Seen = Seen;

    async fn look(&self) -> Result<(Option<Held>, Seen), Error> {
        let service = self.service().await?;
        let (id, seen_id) = match &self.id {
            Some(name) => self.read(&service, name).await?,
            None => (None, None),
        };
        let (secret, seen_secret) = self.read(&service, &self.secret).await?;
        Ok((Held::of(id, secret), Seen { id: seen_id, secret: seen_secret }))
    }

    async fn put(&self, seen: Seen, wanted: &Held) -> Result<Put, Error> {
        let service = self.service().await?;
        if let (Some(name), Some(id)) = (&self.id, &wanted.id) {
            self.write(&service, name, seen.id, id).await?;
        }
        if let Some(secret) = &wanted.secret {
            self.write(&service, &self.secret, seen.secret, secret).await?;
        }
        Ok(Put::Done)
    }

    fn name(&self) -> String {
        quoted(self.secret.as_str())
    }
}

impl GitlabVariable {
    /// Whether our token may write: whoever may read variables may write them, with the scope `api`.
    pub(super) async fn check(&self) -> Result<(), Error> {
        _ = self.look().await?;
        let service = self.service().await?;
        let url = service.url(&["api", "v4", "personal_access_tokens", "self"], &[])?;
        let answer = service.call(Method::GET, url, None).await?;
        let token: Token = answer.done("say what our token may do")?.owned()?;
        match token.scopes.iter().any(|scope| scope == "api") {
            true => Ok(()),
            false => Err(Error::new("our token may not write variables")
                .hint("make one with the scope `api`")),
        }
    }

    async fn service(&self) -> Result<Service, Error> {
        let roots = self.ca.clone().map(|path| Roots::File(path.into()));
        Service::new(&self.url, roots, self.allow_private)?
            .with("private-token", resolve(&self.token).await?.expose())
    }

    /// Where variables are, and one of them if it is named.
    fn place(&self, service: &Service, name: Option<&Name>) -> Result<Url, Error> {
        let (kind, of) = match (&self.project, &self.group) {
            (Some(project), None) => ("projects", project),
            (None, Some(group)) => ("groups", group),
            _ => {
                return Err(Error::new("a variable is of a project or of a group")
                    .hint("say project=PATH or group=PATH, one of them"));
            }
        };
        let mut steps = vec!["api", "v4", kind, of, "variables"];
        steps.extend(name.map(Name::as_str));
        let scope = [("filter[environment_scope]", self.environment_scope.as_str())];
        service.url(&steps, if name.is_some() { &scope } else { &[] })
    }

    async fn read(
        &self,
        service: &Service,
        name: &Name,
    ) -> Result<(Option<Secret>, Option<Known>), Error> {
        let answer = service.call(Method::GET, self.place(service, Some(name))?, None).await?;
        if answer.code == 404 {
            // The same answer tells that there is no such project.
            self.find(service).await?;
            return Ok((None, None));
        }
        let doing = format!("give the variable {}", quoted(name.as_str()));
        let found: Variable = answer.done(&doing)?.owned()?;
        if found.hidden {
            return Err(Error::new(format!("{} is hidden", quoted(name.as_str()))).hint(
                "GitLab gives no hidden variable back; make one that is masked and visible",
            ));
        }
        let value = found.value.map(Secret::new).filter(|value| !value.is_empty());
        Ok((value, Some(Known { is_raw: found.raw })))
    }

    /// Whether there is such a project or group, with variables that we may see.
    async fn find(&self, service: &Service) -> Result<(), Error> {
        let mut url = self.place(service, None)?;
        url.query_pairs_mut().append_pair("per_page", "1");
        let answer = service.call(Method::GET, url, None).await?;
        answer.done("list the variables").map(|_| ())
    }

    async fn write(
        &self,
        service: &Service,
        name: &Name,
        known: Option<Known>,
        value: &Secret,
    ) -> Result<(), Error> {
        let value = value.expose();
        let answer = match known {
            Some(known) if !known.is_raw && value.contains('$') => {
                return Err(Error::new(format!(
                    "the new secret has a `$`, and {} is expanded",
                    quoted(name.as_str())
                ))
                .hint("turn off \"Expand variable reference\" of the variable"));
            }
            Some(_) => {
                let body = Body::json(&json!({"value": value}))?;
                service.call(Method::PUT, self.place(service, Some(name))?, Some(&body)).await?
            }
            None => {
                let body = Body::json(&json!({
                    "key": name.as_str(), "value": value, "masked": true, "raw": true,
                    "environment_scope": self.environment_scope,
                }))?;
                service.call(Method::POST, self.place(service, None)?, Some(&body)).await?
            }
        };
        self.written(name, answer)
    }

    fn written(&self, name: &Name, answer: Answer) -> Result<(), Error> {
        let doing = format!("write the variable {}", quoted(name.as_str()));
        if answer.code == 400 {
            return Err(answer
                .refusal(&doing)
                .kind(Kind::Refused)
                .hint("a masked variable takes no spaces, and eight characters at least"));
        }
        answer.done(&doing).map(|_| ())
    }
}
