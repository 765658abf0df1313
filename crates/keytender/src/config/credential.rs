//! References to secrets: where one is, rather than what it is.
//!
//! | reference | the secret |
//! |---|---|
//! | `env:NAME` | in an environment variable |
//! | `file:PATH` | in a file that nobody else may read |
//! | `keyring:SERVICE/USER` | in the keyring of the system |
//! | `command:PROGRAM …` | what a program writes |

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use keytender_core::secret::Secret;
use serde::{Deserialize, Serialize};

use super::{command, file};
use crate::error::Error;

/// Where a secret is; in JSON its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Reference {
    /// In an environment variable.
    Env(String),
    /// In a file.
    File(PathBuf),
    /// In the system's keyring.
    Keyring {
        /// Under which service.
        service: String,
        /// Whose.
        user: String,
    },
    /// What a program writes to its standard output.
    Command(String),
}

impl FromStr for Reference {
    type Err = Error;

    /// A text that is no reference is not repeated: it may be the secret itself.
    fn from_str(text: &str) -> Result<Self, Error> {
        let known = match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Some(Self::Env(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Some(Self::File(PathBuf::from(path))),
            Some(("command", line)) if !line.trim().is_empty() => {
                Some(Self::Command(line.to_owned()))
            }
            Some(("keyring", place)) => place.split_once('/').map(|(service, user)| {
                Self::Keyring { service: service.to_owned(), user: user.to_owned() }
            }),
            _ => None,
        };
        known.ok_or_else(|| {
            Error::new("this says no place of a secret").hint(
                "env:NAME, file:PATH, keyring:SERVICE/USER or command:PROGRAM; never the secret \
                 itself, which others would see in the list of processes",
            )
        })
    }
}

impl TryFrom<String> for Reference {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map_err(|error: Error| error.report().replace("\nhint: ", "; write "))
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        reference.to_string()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Keyring { service, user } => write!(f, "keyring:{service}/{user}"),
            Self::Command(line) => write!(f, "command:{line}"),
        }
    }
}

impl Reference {
    /// The secret.
    ///
    /// # Errors
    /// When it is not there. What was read is never repeated.
    pub fn resolve(&self) -> Result<Secret, Error> {
        match self {
            Self::Env(name) => {
                let value = std::env::var(name).ok().filter(|value| !value.is_empty());
                value.map(Secret::new).ok_or_else(|| {
                    Error::new(format!("the environment variable `{name}` holds no secret"))
                        .hint(format!("set it for this program: {name}=…"))
                })
            }
            Self::File(path) => read(path),
            Self::Keyring { service, user } => keyring(service, user),
            Self::Command(line) => command::ask(line),
        }
    }
}

fn read(path: &Path) -> Result<Secret, Error> {
    let bytes = file::read_private(path, command::MAX_BYTES)?;
    command::secret(&bytes)
        .map_err(|why| Error::new(format!("`{}` holds no secret", path.display())).source(why))
}

/// The keyring is asked through the program that the system has for it.
fn keyring(service: &str, user: &str) -> Result<Secret, Error> {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let (program, arguments) = if cfg!(target_os = "macos") {
        ("security", words(&["find-generic-password", "-s", service, "-a", user, "-w"]))
    } else {
        ("secret-tool", words(&["lookup", "service", service, "username", user]))
    };
    command::run(program, &arguments).map_err(|error| {
        Error::new(format!("the keyring gives no secret for {service}/{user}"))
            .source(error)
            .hint(format!("it is asked by `{program}`: see whether that is installed and knows it"))
    })
}
