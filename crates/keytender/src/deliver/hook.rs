//! Hooks: whoever uses a destination is told to read it again. No secret is given to any.

use std::str::FromStr;

use reqwest::Url;
use reqwest::header::CONTENT_LENGTH;
use serde::{Deserialize, Serialize};

use super::kubernetes::{Cluster, Rollout, Workload};
use super::{Destination, command};
use crate::clock;
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
    /// A workload of Kubernetes, whose pods are replaced.
    Rollout(Rollout),
}

impl Hook {
    /// Tells them. Places of web hooks are reached as `settings` says, within its time; programs have
    /// a minute, and a cluster half of one.
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
            Self::Rollout(rollout) => rollout.run(clock::now()).await,
        }
    }

    /// As [`Destination::uses_this_machine`].
    pub const fn uses_this_machine(&self) -> bool {
        !matches!(self, Self::Webhook { .. })
    }

    /// The same, for a destination: a workload is in the cluster that its secret is in.
    #[must_use]
    pub fn beside(self, destination: &Destination) -> Self {
        match (self, destination) {
            (Self::Rollout(rollout), Destination::Kubernetes(secret)) => {
                Self::Rollout(Rollout { cluster: secret.cluster(), ..rollout })
            }
            (hook, _) => hook,
        }
    }
}

/// As people write one: `systemd:UNIT`, `command:PROGRAM ARGUMENT…`, `https://…` or
/// `rollout:NAMESPACE/deployment/NAME`.
impl FromStr for Hook {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let known = match text.split_once(':') {
            Some(("systemd", unit)) if !unit.is_empty() => {
                Some(Self::Systemd { unit: unit.to_owned() })
            }
            Some(("command", line)) => {
                let words = shlex::split(line).filter(|words| !words.is_empty());
                words.map(|run| Self::Command { run })
            }
            // To this machine alone; that is seen when it is called.
            Some(("https" | "http", _)) => Some(Self::Webhook { url: text.to_owned() }),
            Some(("rollout", place)) => rollout(place).map(Self::Rollout),
            _ => None,
        };
        known.ok_or_else(|| {
            Error::new("this is no hook").hint(
                "systemd:UNIT, command:PROGRAM with its arguments, https://… or \
                 rollout:NAMESPACE/deployment/NAME (or statefulset, daemonset)",
            )
        })
    }
}

fn rollout(place: &str) -> Option<Rollout> {
    let mut steps = place.split('/');
    let (namespace, kind, name) = (steps.next()?, steps.next()?, steps.next()?);
    let workload = match kind {
        "deployment" => Workload::Deployment,
        "statefulset" => Workload::Statefulset,
        "daemonset" => Workload::Daemonset,
        _ => return None,
    };
    let is_whole = steps.next().is_none() && !namespace.is_empty() && !name.is_empty();
    is_whole.then(|| Rollout {
        namespace: namespace.to_owned(),
        workload,
        name: name.to_owned(),
        cluster: Cluster::default(),
    })
}

async fn start(words: &[String]) -> Result<(), Error> {
    command::run(words, None, command::TIMEOUT).await?.output(words).map(|_| ())
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
