//! Where a probe stands, and what each of its steps does: makes a key, asks whether one works, waits.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use keytender_core::akm::{
    Descriptor, Given, KeyType, Operation, OperationName, Paging, Placed, Resource, Scheme,
};
use keytender_core::conform::{Outcome, PROBE, Subject};
use keytender_core::key::State;
use keytender_core::secret::Secret;
use keytender_core::time::{Span, Time};
use reqwest::Url;
use serde_json::Value;

use super::made::Made;
use super::{Asked, Why, broken, untried};
use crate::clock;
use crate::connect::descriptor::{
    Binding, Deed, Engine, Failure, Found, Listing, Placement, Reason, Session, Target,
};

/// How often something is looked at that is to happen soon.
const PAUSE: Duration = Duration::from_millis(200);
/// How long something may take of which the document does not say how long: longer than any that says it.
const UNSAID_SECONDS: u32 = 60;
/// What calls themselves take, beside what is stated.
const MARGIN: Span = Span::from_micros(1_500_000);
/// A key that nobody takes away ends by itself after this.
pub(super) const LIFE: Span = Span::days(1);
/// The longest name where the document does not say: what the shortest fields of providers take.
const MAX_LETTERS: usize = 63;
/// The most places beside its own that a probe looks into.
const MAX_BESIDE: usize = 20;
/// The parts of a list that a probe asks for, to see more than one.
const SMALL_PART: u32 = 2;

/// A key of the probe's.
#[derive(Clone, Debug)]
pub(super) struct ProbeKey {
    pub(super) target: Target,
    pub(super) secret: Secret,
    /// Between which moments it was made.
    pub(super) made: (Time, Time),
}

/// Where a probe stands.
pub(super) struct Ground {
    pub(super) asked: Asked,
    pub(super) kind: KeyType,
    engine: &'static Engine,
    binding: Binding,
    /// By the credential that manages keys.
    pub(super) session: Session,
    /// The same kind of key, with its list in small parts.
    small: KeyType,
    /// What tells this probe from all others.
    pub(super) run: String,
    /// What keys are made in, the outermost first.
    pub(super) place: Vec<Placement>,
    /// How many of these were there before.
    pub(super) given: usize,
    /// What must be taken away.
    pub(super) made: Vec<Made>,
    /// The keys, by their letter.
    pub(super) keys: BTreeMap<char, ProbeKey>,
    /// What was done to each key, by its id.
    pub(super) acts: BTreeMap<String, Vec<OperationName>>,
    pub(super) outcomes: BTreeMap<&'static str, Outcome>,
    /// What kept everything else from being tried.
    pub(super) obstacle: Option<Why>,
    pub(super) events: Option<super::listener::Listener>,
}

impl Ground {
    pub(super) fn new(
        asked: Asked,
        kind: KeyType,
        engine: &'static Engine,
        binding: Binding,
        run: String,
    ) -> Result<Self, Failure> {
        let session = engine.open(binding.clone())?;
        let small = in_small_parts(&kind);
        Ok(Self {
            kind,
            engine,
            binding,
            session,
            small,
            run,
            place: Vec::new(),
            given: 0,
            made: Vec::new(),
            keys: BTreeMap::new(),
            acts: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            obstacle: None,
            events: None,
            asked,
        })
    }

    pub(super) fn descriptor(&self) -> &Descriptor {
        &self.asked.descriptor
    }

    pub(super) fn subject(&self) -> Subject<'_> {
        Subject::new(&self.asked.descriptor, &self.kind)
    }

    pub(super) fn hosts(&self) -> BTreeSet<String> {
        match &self.binding.endpoint {
            Some(endpoint) => endpoint.host_str().map(str::to_owned).into_iter().collect(),
            None => self.binding.hosts.clone(),
        }
    }

    /// The URL of the provider's own place, where another stands for it.
    pub(super) fn at_endpoint(&self, url: &Url) -> Url {
        let is_own = url.host_str().is_some_and(|host| self.binding.hosts.contains(host));
        match self.binding.endpoint.as_ref().filter(|_| is_own) {
            Some(endpoint) => {
                let mut moved = endpoint.clone();
                moved.set_path(url.path());
                moved.set_query(url.query());
                moved
            }
            None => url.clone(),
        }
    }

    pub(super) fn operation(&self, name: OperationName) -> Option<&Operation> {
        self.subject().call(name).ok()
    }

    /// Whether the probe can make an entry of a resource.
    pub(super) fn can_make(&self, resource: &Resource) -> bool {
        let is_call = |name| {
            resource
                .operations
                .get(&name)
                .is_some_and(|one| one.request.is_some() && one.unsure.is_none())
        };
        let ends = is_call(OperationName::Delete) || is_call(OperationName::Suspend);
        let outer = resource.within.as_ref().and_then(|id| self.descriptor().resource(&id.value));
        is_call(OperationName::Create) && (ends || outer.is_some_and(|outer| self.can_make(outer)))
    }

    /// Finds or makes what keys stand in.
    pub(super) async fn settle(&mut self) -> Result<(), Why> {
        let chain: Vec<Resource> = self.subject().within().into_iter().cloned().collect();
        for resource in chain {
            let id = &resource.id.value;
            let given = self.asked.within.get(id).cloned();
            let makes = given.is_none() && self.can_make(&resource);
            let placement = match given {
                Some(given) => {
                    Placement { resource: id.clone(), kind: resource.kind, id: given, name: None }
                }
                None if makes => self.make_entry(&resource).await?,
                None => {
                    let mut entries = self.session.entries(&resource, &self.place).await?;
                    match (entries.pop(), entries.is_empty()) {
                        (Some(only), true) => only,
                        (None, _) => return untried(format!("there is no {}", resource.noun)),
                        (Some(_), false) => {
                            let noun = &resource.noun;
                            return untried(format!(
                                "there are several of {noun}: say which by --within {id}=ID"
                            ));
                        }
                    }
                }
            };
            self.place.push(placement);
            match makes {
                true => self.made.push(Made::Entry(self.place.clone())),
                false => self.given = self.place.len(),
            }
        }
        Ok(())
    }

    async fn make_entry(&mut self, resource: &Resource) -> Result<Placement, Why> {
        let Some(create) = resource.operations.get(&OperationName::Create) else {
            return untried(format!("no call makes a {}", resource.noun));
        };
        let name = self.name("");
        let args = self.args(create, &name, None);
        let named = Made::NamedEntry(resource.id.value.clone(), self.place.clone(), name.clone());
        self.made.push(named);
        let made = self.session.make_entry(resource, create, &self.place, &args, &name).await;
        if !made.as_ref().is_err_and(Failure::is_undecided) {
            self.made.pop();
        }
        Ok(made?)
    }

    /// The part of the place that something stands in.
    pub(super) fn part(&self, resource: Option<&Placed<String>>) -> Vec<Placement> {
        let Some(resource) = resource else { return Vec::new() };
        let end = self.place.iter().position(|place| place.resource == resource.value);
        let end = end.map_or(0, |end| end + 1);
        self.place.iter().take(end).cloned().collect()
    }

    /// A name by which everybody knows whose it is.
    pub(super) fn name(&self, letter: &str) -> String {
        let mark = if letter.is_empty() { String::new() } else { format!("-{letter}") };
        format!("{PROBE}{}{mark}", self.run)
    }

    /// What is said of something new: of what it takes, what is known.
    fn args(
        &self,
        operation: &Operation,
        name: &str,
        ends: Option<Time>,
    ) -> BTreeMap<String, Given> {
        let mut args = BTreeMap::new();
        for (word, arg) in &operation.args {
            let most = arg.max_letters.and_then(|most| usize::try_from(most).ok());
            let given = self.asked.args.get(word).cloned().map(Value::from).map(Given::Value);
            let known = match word.as_str() {
                "name" => {
                    let name: String = name.chars().take(most.unwrap_or(MAX_LETTERS)).collect();
                    Some(Given::Value(Value::from(name)))
                }
                "scopes" if !self.asked.scopes.is_empty() => {
                    Some(Given::Value(Value::from(self.asked.scopes.clone())))
                }
                "expires" => ends.filter(|_| arg.format.is_some()).map(Given::Time),
                _ => None,
            };
            args.extend(given.or(known).map(|given| (word.clone(), given)));
        }
        args
    }

    /// What is said of a new key of this name.
    pub(super) fn args_of_create(&self, name: &str) -> BTreeMap<String, Given> {
        let create = self.operation(OperationName::Create);
        let ends = clock::now().plus(LIFE);
        create.map(|create| self.args(create, name, Some(ends))).unwrap_or_default()
    }

    /// Makes a key, as the successor of another where one is given.
    pub(super) async fn make(
        &mut self,
        letter: char,
        old: Option<&Target>,
    ) -> Result<ProbeKey, Why> {
        let name = self.name(&letter.to_string());
        let Some(create) = self.operation(OperationName::Create) else {
            return untried("no call makes keys");
        };
        let before = clock::now();
        let mut args = self.args(create, &name, Some(before.plus(LIFE)));
        if old.is_some() {
            // What the old one may do is copied of it.
            args.remove("scopes");
            if create.args.get("scopes").is_none_or(|arg| arg.copy.is_none()) {
                args.extend(self.args(create, &name, None).remove_entry("scopes"));
            }
        }
        let target = Target {
            id: old.map(|old| old.id.clone()).unwrap_or_default(),
            within: self.place.clone(),
            ..Target::default()
        };
        self.made.push(Made::Named(name.clone()));
        let acted = self.session.act_once(&self.kind, OperationName::Create, &target, args).await;
        let acted = match acted {
            Ok(acted) => acted,
            Err(failure) => {
                if !failure.is_undecided() {
                    self.made.pop();
                }
                return Err(failure.into());
            }
        };
        self.made.pop();
        let Some(id) = acted.id.filter(|id| !id.is_empty()) else {
            self.made.push(Made::Named(name));
            return broken("the answer does not say which key was made");
        };
        let target = Target { id: id.clone(), name: Some(name), ..target };
        self.made.push(Made::Key(target.clone()));
        let Some(secret) = acted.secret else { return broken("the answer gives no secret") };
        self.session.watch(&secret);
        self.did(&id, OperationName::Create);
        let key = ProbeKey { target, secret, made: (before, clock::now()) };
        self.keys.insert(letter, key.clone());
        Ok(key)
    }

    /// Remembers what was done to a key.
    pub(super) fn did(&mut self, id: &str, name: OperationName) {
        self.acts.entry(id.to_owned()).or_default().push(name);
    }

    /// Does something to a key.
    pub(super) async fn act(&mut self, key: &ProbeKey, name: OperationName) -> Result<(), Why> {
        self.session.act(&self.kind, name, &key.target, BTreeMap::new()).await?;
        self.did(&key.target.id, name);
        if name == OperationName::Delete {
            self.forget(&key.target.id);
        }
        Ok(())
    }

    /// A key of the probe's.
    pub(super) fn key(&self, letter: char) -> Result<ProbeKey, Why> {
        match self.keys.get(&letter) {
            Some(key) => Ok(key.clone()),
            None => untried("no key could be made for it"),
        }
    }

    /// Whether there is room for one more key.
    pub(super) fn has_room(&self) -> bool {
        let live = self.made.iter().filter(|made| matches!(made, Made::Key(_))).count();
        u32::try_from(live).unwrap_or(u32::MAX) < self.room()
    }

    /// How many keys there is room for at once.
    fn room(&self) -> u32 {
        let limits = self.kind.limits.as_ref();
        let of_owner = limits.and_then(|limits| limits.max_per_owner).unwrap_or(u32::MAX);
        let of_account = limits.and_then(|limits| limits.max_per_account).unwrap_or(u32::MAX);
        of_owner.min(of_account)
    }

    /// The keys in the place.
    pub(super) async fn listing(&self) -> Result<Listing, Why> {
        self.listed(&self.kind).await
    }

    /// The same, asked for in small parts.
    pub(super) async fn listing_in_parts(&self) -> Result<Listing, Why> {
        self.listed(&self.small).await
    }

    async fn listed(&self, kind: &KeyType) -> Result<Listing, Why> {
        let listing = self.session.list_in(kind, &self.place).await?;
        match listing.unseen.first() {
            Some((_, failure)) => Err(failure.clone().into()),
            None => Ok(listing),
        }
    }

    /// Whether a key that was listed is one that the probe made.
    pub(super) fn is_own(&self, found: &Found) -> bool {
        let has_id = |made: &Made| matches!(made, Made::Key(target) if target.id == found.key.id);
        let begin = self.name("");
        self.acts.contains_key(&found.key.id)
            || self.made.iter().any(has_id)
            || found.key.name.as_ref().is_some_and(|name| name.starts_with(&begin))
    }

    /// What others keep their keys in, beside what the probe's stand in.
    pub(super) async fn beside(&self) -> Result<Vec<Vec<Placement>>, Why> {
        let Some((own, outer)) = self.place.split_last() else { return Ok(Vec::new()) };
        let Some(resource) = self.descriptor().resource(&own.resource) else {
            return Ok(Vec::new());
        };
        let entries = self.session.entries(resource, outer).await?.into_iter();
        let others = entries.filter(|entry| entry.id != own.id).take(MAX_BESIDE);
        Ok(others.map(|entry| [outer, &[entry]].concat()).collect())
    }

    /// A key as it is now.
    pub(super) async fn look(&self, key: &ProbeKey) -> Result<Option<Found>, Why> {
        Ok(self.session.find(&self.kind, &key.target).await?)
    }

    /// The account, with a key as its credential.
    fn as_key(&self, secret: &Secret) -> Result<Session, Failure> {
        let binding = Binding { secret: Some(secret.clone()), ..self.binding.clone() };
        self.engine.open(binding)
    }

    /// Whether such a key, as it is given, is what a call is allowed by.
    fn takes_itself(&self, operation: &Operation) -> bool {
        self.subject().method(operation).is_some_and(|method| {
            let scheme = &method.scheme.value;
            let is_plain =
                matches!(scheme, Scheme::Bearer | Scheme::Headers(_) | Scheme::Basic { .. });
            is_plain && method.parts.len() <= 1
        })
    }

    /// Whether the provider takes a key.
    pub(super) async fn is_taken(&self, secret: &Secret) -> Result<bool, Why> {
        let whoami = self.operation(OperationName::Whoami);
        if whoami.is_some_and(|whoami| self.takes_itself(whoami)) {
            let session = self.as_key(secret)?;
            return match session.whoami_as(&self.kind).await {
                Ok(who) => {
                    let key = who.and_then(|who| who.key);
                    Ok(key.is_none_or(|key| key.state == State::Active))
                }
                Err(failure) if failure.is_denied() => Ok(false),
                Err(failure) => Err(failure.into()),
            };
        }
        if self.operation(OperationName::Use).is_none() {
            return untried("no call tells whether a key works: neither `whoami` nor `use`");
        }
        match self.use_key(secret).await {
            Ok(()) => Ok(true),
            Err(failure) if failure.is_denied() => Ok(false),
            Err(failure) if matches!(failure.reason(), Reason::Refused { .. }) => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Uses a key.
    pub(super) async fn use_key(&self, secret: &Secret) -> Result<(), Failure> {
        let Some(operation) = self.operation(OperationName::Use) else {
            let session = self.as_key(secret)?;
            return session.whoami_as(&self.kind).await.map(drop);
        };
        let mut deed = Deed::new(OperationName::Use, operation, self.subject().noun(), &self.place);
        deed.auth = self.kind.auth.as_ref();
        match operation.args.contains_key("secret") {
            true => {
                let secret = Given::Value(Value::from(secret.expose()));
                let args = BTreeMap::from([("secret".to_owned(), secret)]);
                self.session.perform(deed, &args, None, false).await.map(drop)
            }
            false => {
                let session = self.as_key(secret)?;
                session.perform(deed, &BTreeMap::new(), None, false).await.map(drop)
            }
        }
    }

    /// How long something may take.
    pub(super) fn limit(&self, stated: Option<u32>) -> Result<Span, Why> {
        let seconds = i64::from(stated.unwrap_or(UNSAID_SECONDS));
        let wait = i64::try_from(self.asked.wait.as_secs()).unwrap_or(i64::MAX);
        match seconds <= wait {
            true => Ok(Span::from_micros(seconds.saturating_mul(1_000_000)).plus(MARGIN)),
            false => untried(format!("it may take {seconds} s, and --wait is {wait} s")),
        }
    }

    /// Waits until a key is taken, or is not any more; how long that took, in milliseconds.
    pub(super) async fn until_taken(
        &self,
        secret: &Secret,
        is_taken: bool,
        stated: Option<u32>,
    ) -> Result<i64, Why> {
        let limit = self.limit(stated)?;
        let begun = clock::now();
        loop {
            let now = self.is_taken(secret).await?;
            let took = clock::now().since(begun);
            if now == is_taken {
                return Ok(took.as_micros() / 1_000);
            }
            if took > limit {
                let word = if is_taken { "it is still refused" } else { "it still works" };
                return broken(format!("{word} after {} s", took.as_micros() / 1_000_000));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits a moment, if there is still time since `begun`.
    pub(super) async fn again(&self, begun: Time, limit: Span) -> bool {
        if clock::now().since(begun) > limit {
            return false;
        }
        tokio::time::sleep(PAUSE).await;
        true
    }

    /// How long an operation may take to hold everywhere, as is stated.
    pub(super) fn stated(&self, name: OperationName) -> Option<u32> {
        self.operation(name).and_then(|operation| operation.propagation_seconds)
    }
}

/// The same kind of key, whose list is asked for in small parts.
fn in_small_parts(kind: &KeyType) -> KeyType {
    let mut small = kind.clone();
    let list = small.operations.get_mut(&OperationName::List);
    let size = list.and_then(|list| match &mut list.paging {
        Paging::None => None,
        Paging::Page { size, .. }
        | Paging::Offset { size, .. }
        | Paging::Cursor { size, .. }
        | Paging::NextUrl { size, .. }
        | Paging::LinkHeader { size } => size.as_mut(),
    });
    if let Some(size) = size {
        size.max = size.max.min(SMALL_PART);
    }
    small
}
