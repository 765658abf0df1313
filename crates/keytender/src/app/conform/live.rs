//! A provider that is tried: what its document says of keys, seen on keys that the probe makes and ends.
//!
//! Nothing is asked before the plan was accepted. Everything that is made is written down before its answer is
//! read, bears a name by which it is known, ends by itself within a day where the provider can do that, and is taken
//! away at the end, whatever happened in between; what could not be taken away is named.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use keytender_core::akm::{Descriptor, FieldName, KeyType, OperationName};
use keytender_core::conform::{self, CHECKS, How, Outcome, PROBE, Subject, Verdict};
use keytender_core::secret::Secret;
use keytender_core::text::printable;

use crate::app::described::{endpoint_of, engine};
use crate::app::view::ConformView;
use crate::connect::descriptor::{Binding, Failure, Trust, hosts};
use crate::error::{Error, Kind};

mod control;
mod ground;
mod inventory;
mod listener;
mod made;
mod observe;
mod respond;
mod rotation;
mod uses;

use ground::Ground;

/// How many random bytes tell one probe from all others.
const RUN_BYTES: usize = 4;
/// How long taking everything away may take after a probe was stopped.
const CLEAN_TIME: Duration = Duration::from_secs(120);

/// What is asked of a probe.
#[derive(Debug)]
pub struct Asked {
    /// The document.
    pub descriptor: Arc<Descriptor>,
    /// The kind of key; the first that can be made by a call where nothing is said.
    pub kind: Option<String>,
    /// What the account says of itself.
    pub variables: BTreeMap<String, String>,
    /// What stands for the provider's hosts: a URL.
    pub endpoint: Option<String>,
    /// The hosts that may be reached; all that the document names where nothing is said.
    pub hosts: Option<BTreeSet<String>>,
    /// Whether addresses that are not public may be reached.
    pub allow_private: bool,
    /// The credential that manages keys.
    pub secret: Secret,
    /// The entry of each resource in which keys are made, where the probe does not make one.
    pub within: BTreeMap<String, String>,
    /// What keys that are made may do.
    pub scopes: Vec<String>,
    /// What else must be said of a new key.
    pub args: BTreeMap<String, String>,
    /// The longest that one check waits.
    pub wait: Duration,
    /// Where events are listened for.
    pub listen: SocketAddr,
    /// Under which URL that place is reached, where that is another.
    pub events_url: Option<String>,
}

/// A probe that is ready.
pub struct Probe {
    ground: Ground,
}

/// What a probe found.
pub struct Probed {
    /// The grade.
    pub view: ConformView,
    /// What could not be taken away, and why.
    pub left: Vec<String>,
    /// Whether it was stopped before its end.
    pub is_stopped: bool,
}

/// What came of trying something.
type Trial = Result<String, Why>;

/// Why something does not hold, or was not tried.
#[derive(Clone, Debug)]
enum Why {
    Broken(String),
    Untried(String),
}

impl From<Failure> for Why {
    fn from(failure: Failure) -> Self {
        match failure.is_lacking() {
            true => Self::Untried(failure.to_string()),
            false => Self::Broken(failure.to_string()),
        }
    }
}

fn broken<T>(why: impl Into<String>) -> Result<T, Why> {
    Err(Why::Broken(why.into()))
}

fn untried<T>(why: impl Into<String>) -> Result<T, Why> {
    Err(Why::Untried(why.into()))
}

impl Probe {
    /// Prepares a probe; asks nobody.
    ///
    /// # Errors
    /// When there is no such kind of key, or the credential or a variable does not fit.
    pub fn new(asked: Asked) -> Result<Self, Error> {
        let kind = kind_of(&asked.descriptor, asked.kind.as_deref())?;
        let engine = engine(asked.allow_private)?;
        let named = hosts(&asked.descriptor, &asked.variables);
        let binding = Binding {
            descriptor: Arc::clone(&asked.descriptor),
            variables: asked.variables.clone(),
            method: None,
            endpoint: asked.endpoint.as_deref().map(endpoint_of).transpose()?,
            hosts: asked.hosts.clone().unwrap_or(named),
            secret: Some(asked.secret.clone()),
            trust: Trust::Shelf,
        };
        let mut bytes = [0; RUN_BYTES];
        getrandom::fill(&mut bytes)
            .map_err(|_| Error::new("the system gives no random bytes").kind(Kind::Internal))?;
        let run: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let ground = Ground::new(asked, kind, engine, binding, run).map_err(|failure| {
            let hint = failure.hint();
            let error = Error::new("cannot probe").source(failure);
            match hint {
                Some(hint) => error.hint(hint),
                None => error,
            }
        })?;
        Ok(Self { ground })
    }

    /// What will be done, a line each, for whoever agrees to it.
    pub fn plan(&self) -> Vec<String> {
        let ground = &self.ground;
        let subject = ground.subject();
        let hosts: Vec<_> = ground.hosts().into_iter().collect();
        let mut plan = vec![format!(
            "ask {} at {}",
            printable(&ground.descriptor().provider.name),
            hosts.join(", ")
        )];
        let name = format!("{PROBE}{}", ground.run);
        let noun = printable(subject.noun()).into_owned();
        for resource in subject.within() {
            let line =
                match (ground.asked.within.get(&resource.id.value), ground.can_make(resource)) {
                    (Some(id), _) => format!("work in the {} {}", resource.noun, printable(id)),
                    (None, true) => format!("make one {}, named {name}", resource.noun),
                    (None, false) => format!("work in the only {} that there is", resource.noun),
                };
            plan.push(line);
        }
        if ground.claims("creates") {
            plan.push(format!("make up to 9 keys ({noun}) whose names begin with {name}"));
            let can = |name: &OperationName| subject.call(*name).is_ok();
            let acts = [
                OperationName::Update,
                OperationName::Suspend,
                OperationName::Resume,
                OperationName::Rotate,
                OperationName::Use,
                OperationName::RevokeExposed,
                OperationName::Delete,
            ];
            let acts: Vec<_> = acts.iter().filter(|act| can(act)).map(|act| act.as_str()).collect();
            plan.push(format!("do to these alone: {}", acts.join(", ")));
        }
        if self.looks_beside() {
            plan.push("look at keys that are there already, and change none of them".to_owned());
        }
        if ground.claims("notices-set") {
            plan.push("change to whom notices go, and set it back".to_owned());
        }
        if ground.claims("events-signed") {
            let url = ground.events_url();
            plan.push(format!("order events to {url}, and end the order"));
        }
        plan.push("fetch the pages that the document links to".to_owned());
        plan.push("take away everything that was made, also after an error or Ctrl-C".to_owned());
        plan
    }

    /// Whether it may look at keys that others made: where they were used, and what they stand in.
    fn looks_beside(&self) -> bool {
        let ground = &self.ground;
        let by_place =
            ground.claims("owners") && !ground.kind.fields.contains_key(&FieldName::Owner);
        ground.claims("lists")
            && (by_place || ground.claims("use-region") || ground.claims("use-service"))
    }

    /// Tries everything that the document claims; `say` is told of each check. It ends early when `stop` is ready.
    pub async fn run(mut self, say: &dyn Fn(&Outcome), stop: impl Future<Output = ()>) -> Probed {
        let is_stopped = tokio::select! {
            () = self.ground.all(say) => false,
            () = stop => true,
        };
        let cleaning = tokio::time::timeout(CLEAN_TIME, self.ground.clean()).await;
        let left = cleaning.unwrap_or_else(|_| self.ground.names_of_made());
        let view = self.ground.view();
        Probed { view, left, is_stopped }
    }
}

/// The kind of key that is meant.
fn kind_of(descriptor: &Descriptor, id: Option<&str>) -> Result<KeyType, Error> {
    let kinds = &descriptor.key_types;
    let can_make =
        |kind: &&KeyType| Subject::new(descriptor, kind).call(OperationName::Create).is_ok();
    let found = match id {
        Some(id) => descriptor.key_type(id),
        None => kinds.iter().find(can_make).or(kinds.first()),
    };
    let known: Vec<_> = kinds.iter().map(|kind| kind.id.value.as_str()).collect();
    found.cloned().ok_or_else(|| {
        Error::not_found("there is no such kind of key")
            .hint(format!("there are: {}", known.join(", ")))
    })
}

impl Ground {
    /// Whether the document claims what a check asks for.
    fn claims(&self, check: &str) -> bool {
        let found = CHECKS.iter().find(|one| one.id == check);
        found.is_some_and(|check| (check.says)(&self.subject()).is_ok())
    }

    /// Writes down what came of a check.
    fn note(&mut self, say: &dyn Fn(&Outcome), id: &str, trial: Trial) {
        let Some(check) = CHECKS.iter().find(|check| check.id == id) else { return };
        let (verdict, reason) = match trial {
            Ok(reason) => (Verdict::Passed, reason),
            Err(Why::Broken(reason)) => (Verdict::Failed, reason),
            Err(Why::Untried(reason)) => (Verdict::NotTried, reason),
        };
        let outcome = Outcome { check, verdict, reason };
        say(&outcome);
        self.outcomes.insert(check.id, outcome);
    }

    /// Everything, in an order in which each step has what it needs.
    async fn all(&mut self, say: &dyn Fn(&Outcome)) {
        self.links(say).await;
        if let Err(why) = self.settle().await {
            self.obstacle = Some(why);
            return;
        }
        self.order_events(say).await;
        self.control(say).await;
        self.inventory(say).await;
        self.observe(say).await;
        self.ending(say).await;
        self.rotation(say).await;
        self.logged(say).await;
        self.respond(say).await;
    }

    /// The grade: what the document shows, and what was tried; what it claims and could not be tried does not count.
    fn view(&self) -> ConformView {
        let subject = self.subject();
        let obstacle = match &self.obstacle {
            Some(Why::Broken(why) | Why::Untried(why)) => why.clone(),
            None => "what it needs was not there".to_owned(),
        };
        let outcomes: Vec<Outcome> = conform::of_document(&subject)
            .into_iter()
            .map(|said| match (said.check.how, said.verdict) {
                (How::Live, Verdict::Claimed) => {
                    let tried = self.outcomes.get(said.check.id).cloned();
                    tried.unwrap_or_else(|| Outcome {
                        verdict: Verdict::NotTried,
                        reason: obstacle.clone(),
                        ..said
                    })
                }
                _ => said,
            })
            .collect();
        ConformView::new(self.descriptor(), true, vec![super::kind_view(&subject, &outcomes)])
    }
}
