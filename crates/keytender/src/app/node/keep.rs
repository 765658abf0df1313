//! Keeps a verifier current: follows changes, renews its lease, until it is told to stop.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::Node;
use crate::error::Error;

/// How often changes are looked for of which nobody told: those of other nodes and of the command line.
const LOOK: Duration = Duration::from_millis(100);
/// The same where the database tells of them: what it told may be lost.
const LOOK_BESIDE: Duration = Duration::from_secs(1);
/// Changes that come so soon after each other are taken at once.
const BREATH: Duration = Duration::from_millis(10);
/// How often the lease is renewed: several times before it ends.
const RENEW: Duration = Duration::from_secs(1);
/// How long the database may take for either.
const PATIENCE: Duration = Duration::from_secs(4);

/// Whether the database answers, told once each time that changes.
#[derive(Debug, Default)]
struct Reach {
    is_lost: bool,
}

impl Reach {
    fn note(&mut self, done: Result<(), Error>) {
        match done {
            Ok(()) if self.is_lost => {
                tracing::info!("the verifier hears from the database again");
                self.is_lost = false;
            }
            Err(error) if !self.is_lost => {
                tracing::error!(cause = %error.report(), "the verifier does not hear from the database");
                self.is_lost = true;
            }
            Ok(()) | Err(_) => {}
        }
    }
}

impl Node {
    /// Follows changes; and where that is due, renews the lease and tells uses.
    async fn turn(&self, renewed: &mut Option<Duration>) -> Result<(), Error> {
        let before = self.applied();
        let is_new = patient(self.follow()).await? > before;
        let now = self.now().monotonic;
        // Whoever made a change may be waiting to hear that it is enforced here.
        if is_new || self.is_urgent() || renewed.is_none_or(|at| now.saturating_sub(at) >= RENEW) {
            *renewed = Some(now);
            patient(self.renew()).await?;
            patient(self.tell(self.now().time)).await?;
        }
        patient(self.write_native()).await?;
        Ok(())
    }

    /// Tells the last uses, and that nobody need wait for this node.
    async fn finish(&self) {
        let all = async {
            while !self.tell(self.now().time).await? {}
            self.write_native().await
        };
        if let Err(error) = patient(all).await {
            tracing::warn!(cause = %error.report(), "the last uses are told at the next start");
        }
        if let Err(error) = patient(self.leave()).await {
            tracing::warn!(cause = %error.report(), "the verifier's lease runs out by itself");
        }
    }
}

/// Keeps `node` current until `stopping` says so, or nobody is left who could.
pub async fn keep(node: &Node, mut stopping: watch::Receiver<bool>) {
    let mut reach = Reach::default();
    let mut looks = interval(if node.is_told() { LOOK_BESIDE } else { LOOK });
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut renewed = None;
    let mut heard = std::pin::pin!(hear(node));
    loop {
        tokio::select! {
            _ = stopping.wait_for(|is_told| *is_told) => break,
            _ = looks.tick() => {}
            () = node.woken() => sleep(BREATH).await,
            () = &mut heard => {}
        }
        reach.note(node.turn(&mut renewed).await);
    }
    node.finish().await;
}

/// Wakes the node whenever the database tells of a change. It never ends.
async fn hear(node: &Node) {
    loop {
        match node.store.listen_to_changes().await {
            Ok(Some(mut listener)) => {
                while listener.heard().await.is_ok() {
                    node.wake();
                }
            }
            Ok(None) => return std::future::pending().await,
            Err(_) => {}
        }
        sleep(LOOK_BESIDE).await;
    }
}

async fn patient<T>(done: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let answered = timeout(PATIENCE, done).await;
    answered.unwrap_or_else(|_| Err(Error::new("the database did not answer in time")))
}
