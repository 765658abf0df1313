//! What agents may do, and with which keys: as whoever started the server said.

use std::str::FromStr;

use clap::ValueEnum;
use keytender_core::rotation::Gate;

use crate::app::view::KeyQuery;
use crate::error::{Error, Kind};

/// What agents may do beside looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Allow {
    /// Try whether destinations can be written, without changing them
    Check,
    /// Begin rotations, let them go on, take them back
    Rotate,
    /// Approve steps that wait for somebody, vouch for destinations
    Approve,
}

impl Allow {
    /// The word on the command line.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Rotate => "rotate",
            Self::Approve => "approve",
        }
    }
}

/// What all keys must have in common that agents see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Only {
    /// Who answers for them.
    Owner(String),
    /// Where they are held.
    Account(String),
    /// Who issued them.
    Provider(String),
}

impl FromStr for Only {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (what, name) = text.split_once('=').unwrap_or_default();
        let name = name.trim().to_owned();
        match (what.trim(), name.is_empty()) {
            ("owner", false) => Ok(Self::Owner(name)),
            ("account", false) => Ok(Self::Account(name)),
            ("provider", false) => Ok(Self::Provider(name)),
            _ => Err("such as owner=payments, account=aws-prod or provider=gitlab".to_owned()),
        }
    }
}

/// What agents may do.
#[derive(Debug)]
pub(super) struct Allowed {
    allow: Vec<Allow>,
    owner: Option<String>,
    account: Option<String>,
    provider: Option<String>,
    ask: Vec<Gate>,
}

impl Allowed {
    /// What was said on the command line.
    ///
    /// # Errors
    /// When it says two things of which a key can only be one.
    pub(super) fn new(allow: Vec<Allow>, only: Vec<Only>, ask: Vec<Gate>) -> Result<Self, Error> {
        let mut allowed = Self { allow, owner: None, account: None, provider: None, ask };
        for one in only {
            let (place, name) = match one {
                Only::Owner(name) => (&mut allowed.owner, name),
                Only::Account(name) => (&mut allowed.account, name),
                Only::Provider(name) => (&mut allowed.provider, name),
            };
            if place.as_ref().is_some_and(|known| *known != name) {
                let error =
                    Error::new(format!("--keys names two of a kind, so no key is both: {name}"));
                return Err(error.hint("one server for each: clients can start several"));
            }
            *place = Some(name);
        }
        Ok(allowed)
    }

    /// Whether agents may do so.
    pub(super) fn may(&self, what: Allow) -> bool {
        self.allow.contains(&what)
    }

    /// The steps before which somebody is asked, whatever the agent says.
    pub(super) fn ask(&self) -> &[Gate] {
        &self.ask
    }

    /// The same question of the keys that there are for agents.
    ///
    /// # Errors
    /// When it asks for others.
    pub(super) fn narrow(&self, mut query: KeyQuery) -> Result<KeyQuery, Error> {
        let fields = [
            ("owner", &self.owner, &mut query.owner),
            ("account", &self.account, &mut query.account),
            ("provider", &self.provider, &mut query.provider),
        ];
        for (what, only, asked) in fields {
            let Some(only) = only else { continue };
            if asked.as_ref().is_some_and(|asked| asked != only) {
                let message = format!("only keys of the {what} `{only}` are to be seen here");
                return Err(Error::new(message)
                    .kind(Kind::Forbidden)
                    .hint("the user's configuration says so"));
            }
            *asked = Some(only.clone());
        }
        Ok(query)
    }
}
