//! A secret of AWS Secrets Manager: all of its text, or texts in the JSON that it is.
//!
//! A write makes a new version, and the one before stays as AWSPREVIOUS. The new version's id is made
//! of the old one's: a write whose answer was lost makes no second version when it is done again, and
//! of two of ours that follow the same version only one is done. API:
//! docs.aws.amazon.com/secretsmanager/latest/apireference, GetSecretValue and PutSecretValue.

use std::fmt::Write as _;

use aws_lc_rs::digest;
use keytender_core::secret::Secret;
use serde::{Deserialize, Serialize};

use super::super::Held;
use super::super::layout::{Fault, Layout};
use super::super::place::{Place, Put};
use super::super::pointer::{Pointer, Pointers};
use super::super::service::quoted;
use super::{Caller, Desk, refused, word, words};
use crate::error::Error;

const SERVICE: &str = "secretsmanager";
const PREFIX: &str = "secretsmanager";
const READ: &str = "secretsmanager:GetSecretValue";
const WRITE: &str = "secretsmanager:PutSecretValue";
/// The label of the version that is given to whoever asks for none.
const CURRENT: &str = "AWSCURRENT";
/// How often a version is followed anew, after people have gone back to it.
const MAX_FOLLOWED: usize = 20;

/// A secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManagedSecret {
    /// Its name or ARN.
    pub name: String,
    /// Where the secret part of the key stands, if the text is JSON: `/password`. All of the text, if
    /// nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Pointer>,
    /// Where its id stands in that JSON, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Pointer>,
    /// The region; that of AWS's own configuration, if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// A profile of AWS's configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The ARN of a role to assume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// What the owner of the role asks for beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Whether the service may be at a private address, such as an endpoint of a VPC.
    #[serde(default, skip_serializing_if = "words::is_false", deserialize_with = "words::truth")]
    pub allow_private: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    version_id: String,
    /// None where bytes are kept rather than text.
    secret_string: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Get<'a> {
    secret_id: &'a str,
    version_stage: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct New<'a> {
    secret_id: &'a str,
    client_request_token: &'a str,
    secret_string: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Made {
    #[serde(default)]
    version_stages: Vec<String>,
}

/// A version and its text; none where nothing was ever written.
pub(in super::super) struct Seen {
    version: Option<String>,
    text: Secret,
}

/// A secret with the credentials for it.
pub(in super::super) struct Open<'a> {
    at: &'a ManagedSecret,
    desk: Desk,
}

impl ManagedSecret {
    pub(in super::super) async fn open(&self) -> Result<Open<'_>, Error> {
        if self.id.is_some() && self.secret.is_none() {
            return Err(Error::new("an id stands beside a secret in JSON")
                .hint("say where the secret stands too: secret=/NAME"));
        }
        let caller = Caller {
            region: self.region.as_deref(),
            profile: self.profile.as_deref(),
            role: self.role.as_deref(),
            external_id: self.external_id.as_deref(),
            allow_private: self.allow_private,
        };
        Ok(Open { at: self, desk: Desk::open(caller, SERVICE, PREFIX).await? })
    }

    fn layout(&self) -> Layout {
        match &self.secret {
            Some(secret) => Layout::Json(Pointers { secret: secret.clone(), id: self.id.clone() }),
            None => Layout::Whole,
        }
    }

    fn unread(&self, fault: Fault) -> Error {
        fault.of(&quoted(&self.name))
    }
}

impl Place for Open<'_> {
    type Seen = Seen;

    async fn look(&self) -> Result<(Option<Held>, Seen), Error> {
        let asked = Get { secret_id: &self.at.name, version_stage: CURRENT };
        let answer = self.desk.call("GetSecretValue", &asked).await?;
        // Said too of one to which nothing was written yet; whether it is there, a write tells.
        if word(&answer).as_deref() == Some("ResourceNotFoundException") {
            return Ok((None, Seen { version: None, text: Secret::new("") }));
        }
        if !answer.code.is_success() {
            return Err(refused(&answer, &format!("give {}", self.name()), READ));
        }
        let found: Found = answer.owned()?;
        let text = found
            .secret_string
            .map(Secret::new)
            .ok_or_else(|| Error::new(format!("{} holds bytes, and no text", self.name())))?;
        let held = self.at.layout().held(text.expose()).map_err(|fault| self.at.unread(fault))?;
        Ok((held, Seen { version: Some(found.version_id), text }))
    }

    async fn put(&self, seen: Seen, wanted: &Held) -> Result<Put, Error> {
        let text = self.at.layout().with(seen.text.expose(), wanted);
        let text = text.map_err(|fault| self.at.unread(fault))?;
        for turn in 0..MAX_FOLLOWED {
            let token = follower(&self.at.name, seen.version.as_deref(), turn);
            let answer = self.new_version(&token, &text).await?;
            let doing = format!("write {}", self.name());
            let is_taken = match word(&answer).as_deref() {
                _ if answer.code.is_success() => {
                    let made: Made = answer.owned()?;
                    !made.version_stages.iter().any(|stage| stage == CURRENT)
                }
                Some("ResourceExistsException") => true,
                Some("ResourceNotFoundException") => {
                    return Err(refused(&answer, &doing, WRITE)
                        .hint("make it once: `aws secretsmanager create-secret`"));
                }
                _ => return Err(refused(&answer, &doing, WRITE)),
            };
            if !is_taken {
                return Ok(Put::Done);
            }
            // Another of us was first; or the one that followed is there, and was gone back from.
            if self.look().await?.1.version != seen.version {
                return Ok(Put::Changed);
            }
        }
        Ok(Put::Changed)
    }

    fn name(&self) -> String {
        quoted(&self.at.name)
    }
}

impl Open<'_> {
    /// Writes the version that is there once more, which AWS lets pass and ignores: a version has one
    /// text, and this is it.
    pub(in super::super) async fn check(&self) -> Result<(), Error> {
        let (_, seen) = self.look().await?;
        let probe = || Some(Secret::new("keytender"));
        let trial = Held { id: self.at.id.as_ref().and_then(|_| probe()), secret: probe() };
        let trial = self.at.layout().with(seen.text.expose(), &trial);
        _ = trial.map_err(|fault| self.at.unread(fault))?;
        let Some(version) = seen.version else { return Ok(()) };
        let answer = self.new_version(&version, &seen.text).await?;
        match answer.code.is_success() {
            true => Ok(()),
            false => Err(refused(&answer, &format!("write {}", self.name()), WRITE)),
        }
    }

    async fn new_version(
        &self,
        token: &str,
        text: &Secret,
    ) -> Result<super::super::service::Answer, Error> {
        let new = New {
            secret_id: &self.at.name,
            client_request_token: token,
            secret_string: text.expose(),
        };
        self.desk.call("PutSecretValue", &new).await
    }
}

/// The id of the version that follows another: 64 characters, as many as AWS takes. Nothing of the
/// secret goes into it.
fn follower(name: &str, version: Option<&str>, turn: usize) -> String {
    let seed = format!("keytender version v1\n{name}\n{}\n{turn}", version.unwrap_or_default());
    let mut token = String::with_capacity(64);
    for byte in digest::digest(&digest::SHA256, seed.as_bytes()).as_ref() {
        // A text takes every letter.
        _ = write!(token, "{byte:02x}");
    }
    token
}
