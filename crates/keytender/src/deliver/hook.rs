//! Hooks: whoever uses a destination is told to read it again. No secret is given to any.

use reqwest::Url;
use reqwest::header::CONTENT_LENGTH;
use serde::{Deserialize, Serialize};

use super::command;
use crate::error::{Error, Kind};
use crate::net::outbound::{self, Cause, Settings};

/// Runs after a destination was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Hook {
    /// A program with its arguments.
    Command {
        /// The program, and then its arguments.
        run: Vec<String>,
    },
    /// A POST without a body, answered by any 2xx.
    Webhook {
        /// Where to. It is stored as it is, so it holds no secret.
        url: String,
    },
    /// A unit of systemd, reloaded or, where it cannot be, restarted.
    Systemd {
        /// Its name, `shop.service`.
        unit: String,
    },
}

impl Hook {
    /// Tells them. Places of web hooks are reached as `settings` says, within its time; programs have
    /// a minute.
    ///
    /// # Errors
    /// When it cannot be done, or was answered by a failure.
    pub async fn run(&self, settings: &Settings) -> Result<(), Error> {
        match self {
            Self::Command { run } => start(run).await,
            Self::Systemd { unit } => {
                let words = ["systemctl", "reload-or-restart", "--", unit.as_str()];
                start(&words.map(str::to_owned)).await
            }
            Self::Webhook { url } => post(url, settings).await,
        }
    }
}

async fn start(words: &[String]) -> Result<(), Error> {
    command::run(words, None).await?.output(words).map(|_| ())
}

async fn post(url: &str, settings: &Settings) -> Result<(), Error> {
    let refuse = |why: outbound::BadTarget| {
        Error::new("the web hook is not called").source(why).hint("see the URL of the hook")
    };
    let url = Url::parse(url).map_err(|_| refuse(outbound::BadTarget::NotAUrl))?;
    outbound::check(&url, settings.allow_private).map_err(refuse)?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let failed = || Error::new(format!("the web hook at {host} failed")).kind(Kind::Provider);
    let sent =
        outbound::client(settings, "web hooks")?.post(url).header(CONTENT_LENGTH, 0).send().await;
    let answer = sent.map_err(|error| failed().source(Cause::of(&error)))?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        status => Err(failed().source(format!("it answered {}", status.as_u16()))),
    }
}
