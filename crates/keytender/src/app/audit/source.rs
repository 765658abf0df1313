//! What can be audited, as people name it.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use crate::app::described;
use crate::error::Error;
use crate::store::accounts::Access;

/// Where keys are read from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A report on standard input: `-`.
    Stdin,
    /// A report in a file.
    File(PathBuf),
    /// A live AWS account: `aws`, or `aws:PROFILE`.
    Aws {
        /// The profile in AWS's own configuration.
        profile: Option<String>,
    },
    /// A live account of a provider that is described: `gitlab`, or `github:ORG`.
    Described {
        /// The provider.
        provider: String,
        /// How the account is reached.
        access: Box<Access>,
    },
}

impl Source {
    /// Understands what a person typed. What exists as a file is a file, `./aws` too. Accounts of
    /// described providers are reached by `access`.
    ///
    /// # Errors
    /// [`Error`] if it is neither a file nor a provider that can be asked.
    pub fn parse(name: OsString, access: &Access) -> Result<Self, Error> {
        let Some(text) = name.to_str() else {
            return Ok(Self::File(name.into()));
        };
        match text.split_once(':') {
            _ if text == "-" => return Ok(Self::Stdin),
            _ if text == "aws" => return Ok(Self::Aws { profile: None }),
            Some(("aws", profile)) if !profile.is_empty() => {
                return Ok(Self::Aws { profile: Some(profile.to_owned()) });
            }
            _ => {}
        }
        let path = PathBuf::from(&name);
        if path.exists() {
            return Ok(Self::File(path));
        }
        let (provider, place) = text.split_once(':').unwrap_or((text, ""));
        if let Some(access) = described::access(provider, place, access)? {
            return Ok(Self::Described { provider: provider.to_owned(), access: Box::new(access) });
        }
        let hint = "name a credential report or a CSV file, `-` for standard input, `aws`, \
                    `aws:PROFILE`, or one of keytender providers list";
        Err(Error::new(format!("there is no file `{}`", path.display())).hint(hint))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("-"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Aws { profile: None } => f.write_str("aws"),
            Self::Aws { profile: Some(profile) } => write!(f, "aws:{profile}"),
            Self::Described { provider, access } => {
                f.write_str(provider)?;
                access.variables.values().try_for_each(|value| write!(f, ":{value}"))
            }
        }
    }
}
