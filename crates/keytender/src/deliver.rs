//! Destinations: where held secrets are used, and how a new one is put in the place of an old one.
//!
//! A destination is read, compared, written as a whole or not at all, and read again. What stands
//! there that nobody expected is never overwritten, and nothing beside the value is changed. No
//! secret is ever in an error, in debug output, in the arguments of a program or in its environment.
//!
//! | kind | where the secret is |
//! |---|---|
//! | `env` | variables of a file: `.env`, systemd's `EnvironmentFile`, `export NAME=…` of a shell |
//! | `aws-credentials` | a profile of a file of AWS credentials |
//! | `file` | the whole of a file |
//! | `json`, `yaml`, `toml` | a text in a document, named by a pointer (RFC 6901) |
//! | `keyring` | items of the keyring of the system |
//! | `vault` | fields of a secret at HashiCorp Vault or OpenBao |
//! | `kubernetes` | fields of a Secret |
//! | `aws-secretsmanager` | a secret of AWS Secrets Manager, or texts in the JSON that it is |
//! | `aws-ssm` | parameters of AWS Systems Manager |
//! | `github-actions` | secrets of a repository, an environment or an organization |
//! | `gitlab-variable` | variables of a project or a group |
//! | `command` | what a program takes, and gives back |
//! | `by-hand` | where a person puts it |

use std::time::Duration;

use aws_lc_rs::{constant_time, hmac};
use keytender_core::secret::Secret;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind};

#[cfg(feature = "aws")]
mod aws;
mod command;
mod env;
mod file;
mod github;
mod gitlab;
mod hook;
mod json;
#[cfg(feature = "keyring")]
mod keyring;
mod keytender;
mod kubernetes;
mod layout;
mod place;
mod pointer;
mod profile;
mod service;
mod toml;
mod vault;
mod words;
mod yaml;

#[cfg(feature = "aws")]
pub use aws::{ManagedSecret, Parameter};
pub use command::Program;
pub use env::{Name, Variables};
pub use file::FilePath;
pub use github::GithubActions;
pub use gitlab::GitlabVariable;
pub use hook::Hook;
#[cfg(feature = "keyring")]
pub use keyring::Keyring;
pub use keytender::Keytender;
pub use kubernetes::{Cluster, Kubernetes, Rollout, Workload};
pub use pointer::{Field, Pointer};
pub use profile::Profile;
pub use service::Address;
pub use vault::Vault;

use place::Place;

/// How long others of us may hold a file before we give up.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// Where a secret is used: stored as JSON, without the secret.
///
/// ```
/// use keytender::deliver::Destination;
/// let text = r#"{"kind":"env","path":"/srv/shop/.env","secret":"STRIPE_KEY"}"#;
/// let destination: Destination = serde_json::from_str(text).unwrap();
/// assert_eq!(serde_json::to_string(&destination).unwrap(), text);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Destination {
    /// Variables of a file.
    Env(Variables),
    /// A profile of a file of AWS credentials.
    AwsCredentials(Profile),
    /// The whole of a file; a line end after the secret is kept as it is.
    File(Whole),
    /// A text in JSON.
    Json(Field),
    /// A text in YAML.
    Yaml(Field),
    /// A text in TOML.
    Toml(Field),
    /// Items of the keyring of the system.
    #[cfg(feature = "keyring")]
    Keyring(Keyring),
    /// Fields of a secret at HashiCorp Vault or OpenBao.
    Vault(Vault),
    /// Fields of a Secret of Kubernetes.
    Kubernetes(Kubernetes),
    /// A secret of AWS Secrets Manager.
    #[cfg(feature = "aws")]
    AwsSecretsmanager(ManagedSecret),
    /// Parameters of AWS Systems Manager.
    #[cfg(feature = "aws")]
    AwsSsm(Parameter),
    /// Secrets of GitHub Actions, which are never given back.
    GithubActions(GithubActions),
    /// CI/CD variables of GitLab.
    GitlabVariable(GitlabVariable),
    /// The credential of an account at another Keytender, which is never given back.
    Keytender(Keytender),
    /// Programs that take the secret and give it back.
    Command(Program),
    /// A person puts it there.
    ByHand(ByHand),
}

/// A file that holds nothing but the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whole {
    /// The file.
    pub path: FilePath,
}

/// What a person does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByHand {
    /// Where they put it, in a sentence.
    pub note: String,
}

/// A key that is to be put somewhere.
#[derive(Clone, Debug)]
pub struct Parts {
    /// What is public of it, such as `AKIA…`, if anything is.
    pub id: Option<String>,
    /// What is not.
    pub secret: Secret,
}

/// What stands at a destination: one part of it at least. The id is kept as closely as the secret,
/// for nobody knows what stands in its place.
#[derive(Clone, Debug)]
pub struct Held {
    /// What stands where the id belongs; `None` too where the destination has no place for it.
    pub id: Option<Secret>,
    /// What stands where the secret belongs.
    pub secret: Option<Secret>,
}

impl Held {
    /// What stands at a destination, if either part does.
    fn of(id: Option<Secret>, secret: Option<Secret>) -> Option<Self> {
        (id.is_some() || secret.is_some()).then_some(Self { id, secret })
    }

    /// Whether both are the same, compared in a time that tells nothing but lengths.
    pub fn is_same(&self, other: &Self) -> bool {
        let is_same = |one: &Option<Secret>, other: &Option<Secret>| match (one, other) {
            (Some(one), Some(other)) => constant_time::verify_slices_are_equal(
                one.expose().as_bytes(),
                other.expose().as_bytes(),
            )
            .is_ok(),
            (None, None) => true,
            _ => false,
        };
        is_same(&self.id, &other.id) & is_same(&self.secret, &other.secret)
    }
}

/// What came of a write that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The new secret was put there, and read back.
    Now,
    /// It stood there already.
    Already,
    /// Something else stands there than was expected; it was left alone.
    Foreign,
}

/// What stands at a destination, beside what should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    /// The new.
    Wanted,
    /// The old; or, where the id and the secret are written one after the other, one of them is old
    /// and one is new.
    Expected,
    /// Something else.
    Foreign,
}

impl Stands {
    fn of(held: Option<&Held>, expected: Option<&Held>, wanted: &Held) -> Self {
        let nothing = Held { id: None, secret: None };
        let held = held.unwrap_or(&nothing);
        let expected = expected.unwrap_or(&nothing);
        if held.is_same(wanted) {
            return Self::Wanted;
        }
        let with =
            |id: &Held, secret: &Held| Held { id: id.id.clone(), secret: secret.secret.clone() };
        let between = [with(expected, expected), with(wanted, expected), with(expected, wanted)];
        match between.iter().any(|one| held.is_same(one)) {
            true => Self::Expected,
            false => Self::Foreign,
        }
    }
}

/// A keyed digest of what stands at a destination, in hexadecimal; never the secret.
pub fn print(key: &[u8; 32], held: &Held) -> String {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    context.update(b"keytender print v1");
    for part in [&held.id, &held.secret] {
        match part {
            // The length first, so that no two pairs are the same bytes.
            Some(part) => {
                context.update(&[1]);
                context.update(&part.expose().len().to_be_bytes());
                context.update(part.expose().as_bytes());
            }
            None => context.update(&[0]),
        }
    }
    context.sign().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Destination {
    /// Whether it runs programs of this machine, or signs in somewhere by what this machine keeps: a
    /// variable, a file, a profile. Only people at this machine may name those; somebody elsewhere
    /// could have a secret of ours sent to a place of theirs.
    pub const fn uses_this_machine(&self) -> bool {
        !matches!(
            self,
            Self::Env(_)
                | Self::AwsCredentials(_)
                | Self::File(_)
                | Self::Json(_)
                | Self::Yaml(_)
                | Self::Toml(_)
                | Self::ByHand(_)
        )
    }

    /// Whether it gives back what stands there. Where it does not, [`Destination::read`] knows nothing,
    /// and [`Destination::write`] compares nothing: it may be done again, whatever stands there.
    pub const fn can_read(&self) -> bool {
        !matches!(self, Self::GithubActions(_) | Self::Keytender(_) | Self::ByHand(_))
    }

    /// What stands here now; `None` if nothing does: no file, no such variable, an empty value. Of
    /// what is not given back ([`Destination::can_read`]) nothing is known.
    ///
    /// # Errors
    /// When it cannot be read, or cannot be understood without doubt.
    pub async fn read(&self) -> Result<Option<Held>, Error> {
        match self {
            #[cfg(feature = "keyring")]
            Self::Keyring(at) => Ok(at.open().await?.look().await?.0),
            Self::Vault(at) => Ok(at.look().await?.0),
            Self::Kubernetes(at) => Ok(at.look().await?.0),
            #[cfg(feature = "aws")]
            Self::AwsSecretsmanager(at) => Ok(at.open().await?.look().await?.0),
            #[cfg(feature = "aws")]
            Self::AwsSsm(at) => Ok(at.open().await?.look().await?.0),
            Self::GitlabVariable(at) => Ok(at.look().await?.0),
            Self::Command(program) => Ok(program.look().await?.0),
            _ => match self.layout() {
                Some((path, layout)) => file::read(path.clone(), layout).await,
                None => Ok(None),
            },
        }
    }

    /// Puts `new` here if `expected` stands here (`None`: nothing does), and reads it back. Where the
    /// id and the secret are written one after the other, one of the two may be new already.
    ///
    /// Whatever happens, either the old stands here afterwards or the new.
    ///
    /// # Errors
    /// When it cannot be read or written, or does not give back what was written. Of kind
    /// [`Kind::Conflict`] where others kept changing it.
    pub async fn write(&self, expected: Option<&Held>, new: &Parts) -> Result<Written, Error> {
        let wanted = self.wanted(new)?;
        match self {
            #[cfg(feature = "keyring")]
            Self::Keyring(at) => place::write(&at.open().await?, expected, &wanted).await,
            Self::Vault(at) => place::write(at, expected, &wanted).await,
            Self::Kubernetes(at) => place::write(at, expected, &wanted).await,
            #[cfg(feature = "aws")]
            Self::AwsSecretsmanager(at) => place::write(&at.open().await?, expected, &wanted).await,
            #[cfg(feature = "aws")]
            Self::AwsSsm(at) => place::write(&at.open().await?, expected, &wanted).await,
            Self::GitlabVariable(at) => place::write(at, expected, &wanted).await,
            Self::GithubActions(at) => at.write(&wanted).await,
            Self::Keytender(at) => at.write(&wanted).await,
            Self::Command(program) => place::write(program, expected, &wanted).await,
            _ => match self.layout() {
                Some((path, layout)) => {
                    file::write(path.clone(), layout, expected.cloned(), wanted).await
                }
                None => Err(Error::new("a person puts the secret there").kind(Kind::Conflict)),
            },
        }
    }

    /// Proves that it could be written, without changing it; where that cannot be proved without a
    /// write, as much of it as can be.
    ///
    /// # Errors
    /// What stands in the way, and what to do about it.
    pub async fn check(&self) -> Result<(), Error> {
        match self {
            #[cfg(feature = "keyring")]
            Self::Keyring(at) => at.open().await?.check().await,
            Self::Vault(at) => at.check().await,
            Self::Kubernetes(at) => at.check().await,
            #[cfg(feature = "aws")]
            Self::AwsSecretsmanager(at) => at.open().await?.check().await,
            #[cfg(feature = "aws")]
            Self::AwsSsm(at) => at.open().await?.check().await,
            Self::GithubActions(at) => at.check().await,
            Self::Keytender(at) => at.check().await,
            Self::GitlabVariable(at) => at.check().await,
            Self::Command(program) => program.check().await,
            _ => match self.layout() {
                Some((path, layout)) => file::check(path.clone(), layout).await,
                None => Ok(()),
            },
        }
    }

    /// What will stand here once `new` was written.
    ///
    /// # Errors
    /// When the destination has a place for the id, and there is none.
    pub fn wanted(&self, new: &Parts) -> Result<Held, Error> {
        let secret = Some(new.secret.clone());
        if new.secret.is_empty() {
            return Err(Error::new("the new secret is empty"));
        }
        if !self.has_id() {
            return Ok(Held { id: None, secret });
        }
        match &new.id {
            Some(id) if !id.is_empty() => Ok(Held { id: Some(Secret::new(id.as_str())), secret }),
            _ => Err(Error::new("this destination takes an id, and the key has none")
                .hint("take `id` out of the destination")),
        }
    }

    /// Whether it has a place for what is public of a key.
    fn has_id(&self) -> bool {
        match self {
            #[cfg(feature = "keyring")]
            Self::Keyring(at) => at.id.is_some(),
            Self::Vault(at) => at.id.is_some(),
            Self::Kubernetes(at) => at.id.is_some(),
            #[cfg(feature = "aws")]
            Self::AwsSecretsmanager(at) => at.id.is_some(),
            #[cfg(feature = "aws")]
            Self::AwsSsm(at) => at.id.is_some(),
            Self::GithubActions(at) => at.id.is_some(),
            Self::Keytender(at) => at.with_id,
            Self::GitlabVariable(at) => at.id.is_some(),
            Self::Command(program) => program.with_id,
            _ => self.layout().is_some_and(|(_, layout)| layout.has_id()),
        }
    }

    /// Its file and how that is written, if it is one.
    fn layout(&self) -> Option<(&FilePath, layout::Layout)> {
        use layout::Layout;
        match self {
            Self::Env(variables) => Some((&variables.path, Layout::Env(variables.clone()))),
            Self::AwsCredentials(profile) => {
                Some((&profile.path, Layout::Profile(profile.clone())))
            }
            Self::File(whole) => Some((&whole.path, Layout::Whole)),
            Self::Json(field) => Some((&field.path, Layout::Json(field.pointers()))),
            Self::Yaml(field) => Some((&field.path, Layout::Yaml(field.pointers()))),
            Self::Toml(field) => Some((&field.path, Layout::Toml(field.pointers()))),
            _ => None,
        }
    }
}
