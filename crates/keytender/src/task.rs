//! The tasks of a server: what it does by itself, again and again, on a signal and a timer.
//!
//! A task takes no input and looks at what is to be done; run twice, it does nothing the second
//! time. It does not try again inside: a run that failed is over, and the next one waits longer.
//! Any number of nodes run the same tasks on one database. Each run is under a lease, so that no two
//! nodes do one thing at a time; accounts are leased one by one, so that nodes share them.
//!
//! - `runner`: which tasks are to run now
//! - `run`: one run, from its lease to its end
//! - `keeper`: lets the lease of a long run last
//! - `work`: what each task does
//! - `event`: what is told of it to whoever collects events

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use keytender_core::id::{AccountId, RotationId};
use keytender_core::time::{Span, Time};
use tokio::sync::{Notify, watch};

use crate::app::inventory::{Inventory, Sight, cannot_read, cannot_write};
use crate::error::Error;
use crate::store::acts::Actor;
use crate::store::db::Location;
use crate::store::rotations::{TASK, task_of};
use crate::store::tasks::{Due, Task, sync_of};
use crate::store::{self, Store};

mod event;
mod keeper;
mod run;
mod runner;
mod work;

/// Who acts in the log when nobody asked for it.
const ACTOR: &str = "keytender";

/// A task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaskName {
    /// Asks accounts for their keys.
    Sync,
    /// Holds keys against the policy.
    Evaluate,
    /// Tells owners what is due.
    Notify,
    /// Seals the log of acts.
    Seal,
    /// Begins rotations as the policy says.
    Rotations,
    /// Takes rotations further.
    Rotate,
    /// Makes the credential report that is due.
    Report,
    /// Forgets what is old.
    Sweep,
}

impl TaskName {
    /// Every task.
    pub const ALL: [Self; 8] = [
        Self::Sync,
        Self::Evaluate,
        Self::Notify,
        Self::Seal,
        Self::Rotations,
        Self::Rotate,
        Self::Report,
        Self::Sweep,
    ];

    /// The word in the database and on the wire; of [`TaskName::Sync`] the one before the account, of
    /// [`TaskName::Rotate`] the one before the rotation.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Evaluate => "evaluate",
            Self::Notify => "notify",
            Self::Seal => "seal",
            Self::Rotations => "rotations",
            Self::Rotate => "rotate",
            Self::Report => "report",
            Self::Sweep => "sweep",
        }
    }

    /// The task of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|task| task.as_str() == word)
    }

    /// What the names of its rows in the database are like.
    const fn pattern(self) -> &'static str {
        match self {
            Self::Sync => "sync:%",
            Self::Rotate => "rotate:%",
            other => other.as_str(),
        }
    }
}

/// What one row of the database is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    /// One account.
    Sync(AccountId),
    Evaluate,
    Notify,
    Seal,
    Rotations,
    /// One rotation.
    Rotate(RotationId),
    Report,
    Sweep,
}

impl Job {
    /// `None` for a job that a newer program has.
    fn parse(name: &str) -> Option<Self> {
        if let Some(account) = name.strip_prefix("sync:") {
            return account.parse().ok().map(Self::Sync);
        }
        if let Some(rotation) = name.strip_prefix(TASK) {
            return rotation.parse().ok().map(Self::Rotate);
        }
        match TaskName::parse(name)? {
            TaskName::Sync | TaskName::Rotate => None,
            TaskName::Evaluate => Some(Self::Evaluate),
            TaskName::Notify => Some(Self::Notify),
            TaskName::Seal => Some(Self::Seal),
            TaskName::Rotations => Some(Self::Rotations),
            TaskName::Report => Some(Self::Report),
            TaskName::Sweep => Some(Self::Sweep),
        }
    }

    const fn task(self) -> TaskName {
        match self {
            Self::Sync(_) => TaskName::Sync,
            Self::Evaluate => TaskName::Evaluate,
            Self::Notify => TaskName::Notify,
            Self::Seal => TaskName::Seal,
            Self::Rotations => TaskName::Rotations,
            Self::Rotate(_) => TaskName::Rotate,
            Self::Report => TaskName::Report,
            Self::Sweep => TaskName::Sweep,
        }
    }
}

/// How long each task rests after a run that did not fail.
#[derive(Clone, Copy, Debug)]
pub struct Intervals {
    /// Between two looks at one account. AWS makes a credential report every four hours; an hour
    /// shows a key that is new or gone soon, in a few calls.
    pub sync: Duration,
    /// Between two evaluations of which no sync, person or known moment is the cause.
    pub evaluate: Duration,
    /// Between two looks for what is to be told: the minute in which a webhook hears of it.
    pub notify: Duration,
    /// Between two looks for acts that are not sealed: whoever changes them must be this quick.
    pub seal: Duration,
    /// Between two looks for keys that the policy lets rotate by themselves.
    pub rotations: Duration,
    /// Between two looks at a rotation that failed to run.
    pub rotate: Duration,
    /// Between two looks whether a credential report is due, at most.
    pub report: Duration,
    /// Between two looks for what is old, which is counted in days.
    pub sweep: Duration,
}

impl Default for Intervals {
    fn default() -> Self {
        Self {
            sync: Duration::from_secs(3_600),
            evaluate: Duration::from_secs(300),
            notify: Duration::from_secs(60),
            seal: Duration::from_secs(10),
            rotations: Duration::from_secs(60),
            rotate: Duration::from_secs(24 * 3_600),
            report: Duration::from_secs(600),
            sweep: Duration::from_secs(3_600),
        }
    }
}

impl Intervals {
    const fn of(&self, task: TaskName) -> Duration {
        match task {
            TaskName::Sync => self.sync,
            TaskName::Evaluate => self.evaluate,
            TaskName::Notify => self.notify,
            TaskName::Seal => self.seal,
            TaskName::Rotations => self.rotations,
            TaskName::Rotate => self.rotate,
            TaskName::Report => self.report,
            TaskName::Sweep => self.sweep,
        }
    }
}

/// How a node holds its leases and waits.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// How long a lease lasts: after so long others take over what a dead node did.
    pub lease: Duration,
    /// How often it is renewed: two renewals may be lost.
    pub renewal: Duration,
    /// How often the database is asked what is to be done: so soon a signal reaches another node.
    pub poll: Duration,
    /// The pause after a first failure; each further one is twice as long.
    pub first_pause: Duration,
    /// The longest pause: what was set right is noticed within it.
    pub longest_pause: Duration,
    /// How long a run may take to its next safe point when it is to end: longer than one mail, and
    /// shorter than what supervisors wait before they kill (systemd: 90 s).
    pub stop: Duration,
}

impl Timing {
    /// The usual timing with another length of leases, which are renewed three times within it.
    pub fn with_lease(lease: Duration) -> Self {
        Self { lease, renewal: lease / 3, ..Self::default() }
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(60),
            renewal: Duration::from_secs(20),
            poll: Duration::from_secs(1),
            first_pause: Duration::from_secs(10),
            longest_pause: Duration::from_secs(3_600),
            stop: Duration::from_secs(30),
        }
    }
}

impl Timing {
    /// How long a call of a rotation may take: under half a lease, so that whoever takes the rotation over
    /// waits for less than another lease until the call is over.
    fn call(&self) -> Duration {
        self.lease.mul_f64(5.0 / 12.0)
    }

    /// How long a task waits after so many failures.
    fn pause(&self, failures: u32) -> Duration {
        let factor = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first_pause.saturating_mul(factor).min(self.longest_pause)
    }
}

/// The tasks of one node. Clones are the same node.
#[derive(Clone, Debug)]
pub struct Tasks {
    node: Arc<Node>,
}

/// A node, and how it goes about its tasks.
#[derive(Debug)]
struct Node {
    store: Store,
    location: Location,
    actor: Actor,
    holder: String,
    intervals: Intervals,
    timing: Timing,
    /// Somebody asked for a run in this process.
    woken: Notify,
}

impl Tasks {
    /// The tasks of a node on the inventory `store`, which is at `location`. `holder` is what people
    /// call the node; leases get random letters beside it, so that no two processes are the same.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn new(
        store: Store,
        location: Location,
        holder: &str,
        intervals: Intervals,
        timing: Timing,
    ) -> Result<Self, Error> {
        let actor = Actor { name: ACTOR.to_owned(), origin: format!("serve on {holder}") };
        Self::of(store, location, actor, holder, intervals, timing)
    }

    /// The tasks of a person at the command line, who acts in their own name.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn of_person(inventory: &Inventory) -> Result<Self, Error> {
        let (store, location) = (inventory.store.clone(), inventory.location.clone());
        let actor = inventory.actor.clone();
        let holder = actor.origin.clone();
        Self::of(store, location, actor, &holder, Intervals::default(), Timing::default())
    }

    fn of(
        store: Store,
        location: Location,
        actor: Actor,
        holder: &str,
        intervals: Intervals,
        timing: Timing,
    ) -> Result<Self, Error> {
        let number = store::random().map_err(cannot_write)?;
        let node = Node {
            store,
            location,
            actor,
            holder: format!("{holder}/{number:016x}"),
            intervals,
            timing,
            woken: Notify::new(),
        };
        Ok(Self { node: Arc::new(node) })
    }

    /// Runs the tasks until `shutdown` is ready; then lets runs end at their next safe point, within
    /// [`Timing::stop`], and gives their leases back. When it is dropped it stops at once, as if the
    /// node had died: its leases end by themselves.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        runner::run(&self.node, shutdown).await;
    }

    /// Takes one rotation as far as it goes now, here, unless somebody else does.
    ///
    /// # Errors
    /// When it does not go on, and why.
    pub async fn rotate(&self, rotation: RotationId) -> Result<(), Error> {
        let (_stop, stopped) = watch::channel(false);
        let due = Due { name: task_of(rotation), is_asked: true };
        run::attempt(Arc::clone(&self.node), due, stopped).await;
        let tasks = self.list().await?;
        let failed = tasks.into_iter().find(|task| task.name == task_of(rotation));
        match failed.and_then(|task| task.error) {
            Some(why) => Err(Error::new(format!("{rotation} does not go on: {why}"))),
            None => Ok(()),
        }
    }

    /// Asks for a run of `task` as soon as can be, on this node or another: of [`TaskName::Sync`]
    /// for every account. A run that is under way is followed by another.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn ask(&self, task: TaskName) -> Result<(), Error> {
        self.node.ask(task.pattern()).await
    }

    /// Asks for a look at one account as soon as can be. One that is told by hand is not asked.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn ask_account(&self, account: AccountId) -> Result<(), Error> {
        self.node.ask(&sync_of(account)).await
    }

    /// How every task stands, by name: `evaluate`, `notify`, `seal`, `sweep`, and `sync:` with the
    /// account's id. A `next_at` in the past means that it runs as soon as there is something to do.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list(&self) -> Result<Vec<Task>, Error> {
        self.node.store.list_tasks().await.map_err(cannot_read)
    }
}

impl Node {
    async fn ask(&self, pattern: &str) -> Result<(), Error> {
        self.store.ask_for_runs(pattern).await.map_err(cannot_write)?;
        self.woken.notify_one();
        Ok(())
    }

    /// The inventory as a run sees it that began at `now`.
    fn inventory(&self, now: Time) -> Inventory {
        Inventory {
            store: self.store.clone(),
            location: self.location.clone(),
            actor: self.actor.clone(),
            now,
            sight: Sight::default(),
        }
    }
}

/// The same length in the words of the database.
fn span(length: Duration) -> Span {
    Span::from_micros(i64::try_from(length.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let timing = Timing::default();
        let pauses: Vec<u64> = [1, 2, 3, 9, 10, 99, u32::MAX]
            .map(|failures| timing.pause(failures).as_secs())
            .to_vec();
        assert_eq!(pauses, [10, 20, 40, 2_560, 3_600, 3_600, 3_600]);
    }

    #[test]
    fn every_task_is_found_by_its_word() {
        for task in TaskName::ALL {
            assert_eq!(TaskName::parse(task.as_str()), Some(task));
        }
        let account = AccountId::from_i64(7);
        assert_eq!(Job::parse(&sync_of(account)), Some(Job::Sync(account)));
        assert_eq!(Job::parse("sync"), None);
        assert_eq!(Job::parse("sync:elsewhere"), None);
        assert_eq!(Job::parse("rotate"), None);
    }
}
