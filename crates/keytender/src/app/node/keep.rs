//! Keeps a verifier current: follows changes, renews its lease, until it is told to stop.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::Node;
use crate::error::Error;

/// How often changes are looked for of which nobody told: those of other nodes and of the command line.
const LOOK: Duration = Duration::from_millis(100);
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

/// Keeps `node` current until `stopping` says so, or nobody is left who could.
pub async fn keep(node: &Node, mut stopping: watch::Receiver<bool>) {
    let mut reach = Reach::default();
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut renewed: Option<Instant> = None;
    loop {
        tokio::select! {
            _ = stopping.wait_for(|is_told| *is_told) => break,
            _ = looks.tick() => {}
            () = node.woken() => {}
        }
        let done = patient(async { node.follow().await.map(drop) }).await;
        let is_due = renewed.is_none_or(|at| at.elapsed() >= RENEW);
        let done = match done {
            Ok(()) if is_due || node.is_urgent() => {
                renewed = Some(Instant::now());
                patient(async {
                    node.renew().await?;
                    node.tell(node.now().time).await
                })
                .await
            }
            done => done,
        };
        reach.note(done);
    }
    if let Err(error) = patient(node.tell(node.now().time)).await {
        tracing::warn!(cause = %error.report(), "the last uses are told at the next start");
    }
    // Whoever revokes a key need not wait for this node.
    if let Err(error) = patient(node.leave()).await {
        tracing::warn!(cause = %error.report(), "the verifier's lease runs out by itself");
    }
}

async fn patient<T>(done: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let answered = timeout(PATIENCE, done).await;
    answered.unwrap_or_else(|_| Err(Error::new("the database did not answer in time")))
}
