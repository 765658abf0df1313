//! The thread that takes the turns.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::{FollowError, Turns};
use crate::feed::Feed;
use crate::verifier::Verifier;

/// From turn to turn. A use is told within it, and a lease of 5 s is renewed four times.
const EVERY: Duration = Duration::from_secs(1);
/// How often an urgent use is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// From try to try, when nothing succeeds.
const AT_MOST: Duration = Duration::from_secs(10);

/// A thread that keeps a verifier current until this is dropped; then it tells what was used once more
/// and signs off, and the verifier verifies nothing any more. Drop it after the last request.
#[derive(Debug)]
pub struct Follower {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_ended: bool,
    /// Turns that failed since one succeeded.
    failures: u32,
    error: Option<Arc<FollowError>>,
}

impl Follower {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub fn start<F: Feed + 'static>(turns: Turns<F>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let body = move || own.run(&turns);
        let thread = thread::Builder::new().name("keytender-follower".into()).spawn(body)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Why the last turn failed, if it did. For logs and health checks: the verifier goes on as its lease says.
    pub fn error(&self) -> Option<Arc<FollowError>> {
        self.shared.lock().error.clone()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.shared.lock().is_ended = true;
        self.shared.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed; there is nothing to add.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn run<F: Feed>(&self, turns: &Turns<F>) {
        loop {
            let wait = self.note(turns.take());
            if self.wait(wait, &turns.verifier) {
                // The server may be gone, too; then it is told after the next start.
                let _ = turns.leave();
                return;
            }
        }
    }

    /// Notes how a turn went, and says how long to wait for the next.
    fn note(&self, result: Result<(), FollowError>) -> Duration {
        let mut state = self.lock();
        match result {
            Ok(()) => {
                (state.failures, state.error) = (0, None);
                EVERY
            }
            Err(error) => {
                state.failures = state.failures.saturating_add(1);
                state.error = Some(Arc::new(error));
                back_off(state.failures)
            }
        }
    }

    /// Waits, but not long when a use is urgent; whether the end has come.
    fn wait(&self, whole: Duration, verifier: &Verifier) -> bool {
        let is_urgent = || verifier.usage().is_some_and(|usage| usage.is_urgent());
        let mut state = self.lock();
        let mut waited = Duration::ZERO;
        while !state.is_ended && waited < whole {
            let next = self.wake.wait_timeout(state, LOOK_EVERY);
            (state, _) = next.unwrap_or_else(PoisonError::into_inner);
            waited += LOOK_EVERY;
            // While the server fails, it is not asked more often.
            if state.failures == 0 && is_urgent() {
                break;
            }
        }
        state.is_ended
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Half to all of a time that doubles with each failure, so that many verifiers do not come back at once.
fn back_off(failures: u32) -> Duration {
    let whole = EVERY.saturating_mul(1 << failures.saturating_sub(1).min(4)).min(AT_MOST);
    let chance = RandomState::new().hash_one(failures) % 1_000;
    let part = u32::try_from(chance).unwrap_or(0);
    whole / 2 + whole / 2 * part / 1_000
}
