//! Rotations of held keys, and where their secrets are used.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::Desk;
use crate::app::inventory::Inventory;
use crate::app::rotate::{self, places};
use crate::app::view::{
    DestinationList, DestinationView, HeldRotationList, HeldRotationView, NewDestinationRequest,
    NewRotationRequest, NewSecretView, OutlineView, SayRequest, TrialView,
};
use crate::client::part;
use crate::error::{Error, Kind};
use crate::task::Tasks;

/// Where rotations are.
const ROTATIONS: &str = "/v1/rotations";
/// How often a server is asked how a rotation stands.
const POLL: Duration = Duration::from_millis(300);

/// Which rotations.
#[derive(Debug, Default)]
pub(in crate::cli) struct WhichRotations<'w> {
    pub(in crate::cli) key: Option<&'w str>,
    pub(in crate::cli) live: Option<bool>,
    pub(in crate::cli) waiting: bool,
    pub(in crate::cli) limit: u32,
}

fn place(rotation: &str) -> String {
    format!("{ROTATIONS}/{}", part(rotation))
}

impl Desk<'_> {
    /// What a rotation would do.
    pub(in crate::cli) async fn plan_rotation(
        &self,
        asked: &NewRotationRequest,
    ) -> Result<OutlineView, Error> {
        match self {
            Self::Here(inventory) => rotate::preview(inventory, asked).await,
            Self::There(server) => server.ask(Method::POST, "/v1/rotation-plans", asked).await,
        }
    }

    /// Begins a rotation.
    pub(in crate::cli) async fn start_rotation(
        &self,
        asked: &NewRotationRequest,
    ) -> Result<HeldRotationView, Error> {
        match self {
            Self::Here(inventory) => rotate::start(inventory, asked).await,
            Self::There(server) => server.ask(Method::POST, ROTATIONS, asked).await,
        }
    }

    /// Takes a rotation as far as it goes now: here, or by the server; `told` sees it after each step.
    pub(in crate::cli) async fn advance_rotation(
        &self,
        rotation: &str,
        mut told: impl FnMut(&HeldRotationView),
    ) -> Result<HeldRotationView, Error> {
        let run = async {
            match self {
                Self::Here(inventory) => Box::pin(run_here(inventory, rotation)).await,
                // The server runs it, and nobody here knows when it is done.
                Self::There(_) => std::future::pending().await,
            }
        };
        let mut run = std::pin::pin!(run);
        let mut is_run = false;
        loop {
            tokio::select! {
                done = &mut run, if !is_run => {
                    done?;
                    is_run = true;
                }
                () = tokio::time::sleep(POLL) => {}
            }
            let view = self.get_rotation(rotation).await?;
            told(&view);
            let rests = view.waits_for != "call" && !is_soon(&view);
            if is_run || (rests && matches!(self, Self::There(_))) {
                return Ok(view);
            }
        }
    }

    /// A rotation, with all that happened in it.
    pub(in crate::cli) async fn get_rotation(&self, word: &str) -> Result<HeldRotationView, Error> {
        match self {
            Self::Here(inventory) => rotate::view(inventory, word).await,
            Self::There(server) => server.get(&place(word), &()).await,
        }
    }

    /// Rotations, the newest first.
    pub(in crate::cli) async fn list_rotations(
        &self,
        which: &WhichRotations<'_>,
    ) -> Result<Vec<HeldRotationView>, Error> {
        let WhichRotations { key, live, waiting, limit } = *which;
        match self {
            Self::Here(inventory) => rotate::list(inventory, key, live, waiting, limit).await,
            Self::There(server) => {
                let (live, waiting) = (live.map(|live| live.to_string()), waiting.to_string());
                let query = [
                    ("key", key),
                    ("live", live.as_deref()),
                    ("waiting", Some(waiting.as_str())),
                    ("limit", Some(&limit.to_string())),
                ];
                let list: HeldRotationList = server.get(ROTATIONS, &query).await?;
                Ok(list.rotations)
            }
        }
    }

    /// Tells a rotation what somebody says.
    pub(in crate::cli) async fn say(
        &self,
        rotation: &str,
        said: &SayRequest,
    ) -> Result<HeldRotationView, Error> {
        match self {
            Self::Here(inventory) => {
                rotate::say(inventory, rotation, &said.say()?, said.because.as_deref()).await
            }
            Self::There(server) => {
                server.ask(Method::POST, &format!("{}/words", place(rotation)), said).await
            }
        }
    }

    /// What the policy rotates by itself, or would.
    pub(in crate::cli) async fn rotation_trial(&self) -> Result<TrialView, Error> {
        match self {
            Self::Here(inventory) => rotate::automatic::trial(inventory).await,
            Self::There(server) => server.get("/v1/rotation-trial", &()).await,
        }
    }

    /// The new key of a rotation, for whoever puts it where it is used by hand.
    pub(in crate::cli) async fn reveal(&self, rotation: &str) -> Result<NewSecretView, Error> {
        match self {
            Self::Here(inventory) => rotate::reveal(inventory, rotation).await,
            Self::There(server) => {
                server.ask(Method::POST, &format!("{}/secret", place(rotation)), &json!({})).await
            }
        }
    }

    /// The destinations of a key, or of all.
    pub(in crate::cli) async fn list_destinations(
        &self,
        key: Option<&str>,
    ) -> Result<Vec<DestinationView>, Error> {
        match self {
            Self::Here(inventory) => places::list(inventory, key).await,
            Self::There(server) => {
                let list: DestinationList = server.get("/v1/destinations", &[("key", key)]).await?;
                Ok(list.destinations)
            }
        }
    }

    /// Adds a destination to a key.
    pub(in crate::cli) async fn add_destination(
        &self,
        key: &str,
        new: &NewDestinationRequest,
    ) -> Result<DestinationView, Error> {
        match self {
            Self::Here(inventory) => places::add(inventory, key, new, true).await,
            Self::There(server) => {
                server.ask(Method::POST, &format!("/v1/keys/{}/destinations", part(key)), new).await
            }
        }
    }

    /// Takes a destination from a key.
    pub(in crate::cli) async fn remove_destination(
        &self,
        key: &str,
        name: &str,
    ) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => places::remove(inventory, key, name).await,
            Self::There(server) => {
                let place = format!("/v1/keys/{}/destinations/{}", part(key), part(name));
                server.tell(Method::DELETE, &place, &()).await
            }
        }
    }

    /// Proves that destinations could be written.
    pub(in crate::cli) async fn check_destinations(
        &self,
        key: Option<&str>,
    ) -> Result<Vec<DestinationView>, Error> {
        match self {
            Self::Here(inventory) => places::check(inventory, key).await,
            Self::There(server) => {
                let place = match key {
                    Some(key) => format!("/v1/destination-checks?key={}", part(key)),
                    None => "/v1/destination-checks".to_owned(),
                };
                let list: DestinationList = server.ask(Method::POST, &place, &json!({})).await?;
                Ok(list.destinations)
            }
        }
    }
}

/// Whether it goes on within moments, so that it is worth waiting.
fn is_soon(view: &HeldRotationView) -> bool {
    let soon = keytender_core::time::Span::from_micros(60_000_000);
    let at = view.next_at.filter(|_| view.waits_for == "time");
    at.is_some_and(|at| at.since(crate::clock::now()) < soon)
}

/// Runs a rotation in this process, under its lease, until it rests for longer than moments.
async fn run_here(inventory: &Inventory, rotation: &str) -> Result<(), Error> {
    let view = rotate::view(inventory, rotation).await?;
    let id = view.rotation.parse();
    let id = id.map_err(|error| Error::new("no id").source(error).kind(Kind::Internal))?;
    let tasks = Tasks::of_person(inventory)?;
    loop {
        tasks.rotate(id).await?;
        let view = rotate::view(inventory, rotation).await?;
        match view.next_at.filter(|_| is_soon(&view)) {
            Some(at) => {
                let micros = u64::try_from(at.since(crate::clock::now()).as_micros()).unwrap_or(0);
                tokio::time::sleep(Duration::from_micros(micros).max(POLL)).await;
                rotate::wake(inventory, id).await?;
            }
            None => return Ok(()),
        }
    }
}
