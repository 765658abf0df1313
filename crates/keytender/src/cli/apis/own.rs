//! Which apps the customers of an API may add themselves.

use std::io::{self, Write};

use super::NOTHING;
use crate::cli::Stop;
use crate::cli::apps::{amount, pace, quota, rate, words};
use crate::error::Error;
use crate::store::apis::OwnApps;
use crate::store::apps::{Quota, Rate};

#[derive(Debug, clap::Args)]
pub(super) struct Own {
    /// How many apps a customer may have that it adds itself; `none`: it adds none
    #[arg(long, value_name = "COUNT")]
    own_apps: Option<String>,
    /// What the keys of such an app may do at most
    #[arg(long, value_name = "WORDS", requires = "own_apps")]
    own_scopes: Option<String>,
    /// How fast the keys of such an app may ask together, such as 100/60s
    #[arg(long, value_name = "COUNT/SPAN", value_parser = rate, requires = "own_apps")]
    own_rate: Option<Rate>,
    /// How much the keys of such an app may ask together, such as 10000/day
    #[arg(long, value_name = "COUNT/PERIOD", value_parser = quota, requires = "own_apps")]
    own_quota: Option<Quota>,
}

impl Own {
    /// What is to change, if anything.
    pub(super) fn change(&self) -> Result<Option<Option<OwnApps>>, Stop> {
        let Some(text) = self.own_apps.as_deref() else { return Ok(None) };
        if text == NOTHING {
            return Ok(Some(None));
        }
        let most = text.parse().map_err(|_| {
            Stop::wrong_usage(Error::new(format!("--own-apps is a number, or `{NOTHING}`")))
        })?;
        let scopes = self.own_scopes.as_deref().map(words).unwrap_or_default();
        Ok(Some(Some(OwnApps { most, scopes, rate: self.own_rate, quota: self.own_quota })))
    }
}

/// Says which apps they may add.
pub(super) fn write(out: &mut impl Write, own: Option<&OwnApps>) -> io::Result<()> {
    let Some(own) = own else { return Ok(()) };
    let parts = [own.scopes.join(" "), pace(own.rate), amount(own.quota)];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let limits = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    writeln!(out, "  own apps     {} a customer{limits}", own.most)
}
