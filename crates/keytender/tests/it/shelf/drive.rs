//! Drives the engine through everything that a descriptor can do, and holds what it tells against what the
//! provider made.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use keytender::connect::descriptor::{Binding, Engine, Failure, Session, Settings, Trust, hosts};
use keytender_core::akm::{Descriptor, KeyType};
use keytender_core::secret::Secret;
use serde_json::{Value, json};

use super::LIVE;
use super::compare::target;
use super::deeds::ACTS;
use super::estate::Estate;
use super::model::{Deed, Model};
use super::openapi::Description;
use super::paper::Paper;
use super::record::Record;
use super::script::{Desk, Exchange};
use super::sign::{CREDENTIAL, Credential};
use super::state::ways;
use crate::notify::{PATIENT, run};

/// One client for all providers.
static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let settings = Settings { timeout: PATIENT, roots: None, allow_private: true };
    Engine::new(&settings).unwrap()
});

/// What came of a run.
#[derive(Default)]
pub(super) struct Ran {
    pub faults: Vec<String>,
    /// Which operations were done, by kind and name.
    pub done: BTreeSet<String>,
    /// Requests; those that were held against the description; those that it was cut off from.
    pub requests: (usize, usize, usize),
}

/// Whether it goes on after a fault.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Until {
    End,
    FirstFault,
}

/// Runs the engine by one text of a descriptor against a provider that is made of another.
pub(super) fn drive(
    provider: &str,
    engine: &str,
    description: Option<&Arc<Description>>,
    until: Until,
) -> Ran {
    let paper = Paper::read(provider);
    let descriptor = Arc::new(Descriptor::parse(engine).unwrap().descriptor);
    let desk = Desk::open(description.cloned());
    let mut ran = Ran::default();
    let methods = paper.root()["authentication"]["methods"].as_array();
    let mut ids: Vec<_> = methods.into_iter().flatten().map(|one| one["id"].as_str()).collect();
    if ids.is_empty() {
        ids.push(None);
    }
    for id in ids {
        let credential = Credential::new(&paper, id);
        let model = Model {
            paper: &paper,
            description: description.map(|one| &**one),
            credential: &credential,
            now: keytender::clock::now().as_micros(),
            faults: Vec::new().into(),
        };
        let binding = Binding {
            descriptor: Arc::clone(&descriptor),
            variables: paper.variables(),
            method: credential.id().map(str::to_owned),
            endpoint: Some(desk.provider.url.clone()),
            hosts: hosts(&descriptor, &paper.variables()),
            secret: Some(Secret::new(credential.given())),
            trust: Trust::All,
        };
        let reached = hosts(&descriptor, &paper.variables());
        if reached != paper.hosts() {
            ran.faults.push(format!("the hosts are {reached:?} instead of {:?}", paper.hosts()));
        }
        let shown = format!("{binding:?}");
        match ENGINE.open(binding) {
            Ok(session) => {
                let mut driver =
                    Driver { model: &model, desk: &desk, session, ran: &mut ran, until };
                driver.unseen(&format!("{shown} {:?}", driver.session), "session");
                driver.all();
            }
            Err(failure) => ran.faults.push(format!("open: {failure}")),
        }
        ran.faults.extend(model.faults.into_inner());
    }
    ran.requests = desk.counts();
    ran
}

/// The engine at one provider with one credential.
pub(super) struct Driver<'d, 'p> {
    pub model: &'p Model<'p>,
    pub desk: &'d Desk,
    pub session: Session,
    pub ran: &'d mut Ran,
    until: Until,
}

impl<'p> Driver<'_, 'p> {
    pub(super) fn fault(&mut self, fault: String) {
        self.ran.faults.push(fault);
    }

    /// Whether nothing more is to be done.
    fn is_over(&self) -> bool {
        let is_sound = self.ran.faults.is_empty() && self.model.faults.borrow().is_empty();
        self.until == Until::FirstFault && !is_sound
    }

    /// Whether an operation is done with this credential.
    pub(super) fn is_ours(&self, deed: Deed<'_>) -> bool {
        let named = deed.operation["auth"].as_str().or_else(|| deed.kind["auth"].as_str());
        let first = self.model.paper.method(None).and_then(|method| method["id"].as_str());
        match named.or(first) {
            Some(id) => {
                let is_open =
                    self.model.paper.method(Some(id)).is_some_and(|one| one["scheme"] == "none");
                self.model.credential.id() == if is_open { first } else { Some(id) }
            }
            None => true,
        }
    }

    fn all(&mut self) {
        let paper = self.model.paper;
        for kind in paper.kinds() {
            let id = kind["id"].as_str().unwrap();
            let descriptor = Arc::clone(self.session.descriptor());
            let Some(key_type) = descriptor.key_type(id) else {
                self.fault(format!("{id}: there is no such kind"));
                continue;
            };
            let operations = kind["operations"].as_object().unwrap().keys();
            // Who the credential is, is asked of all kinds together.
            let operations = operations.filter(|name| *name != "whoami");
            let deeds = operations.filter_map(|name| Deed::find(kind, name));
            if deeds.filter(|deed| self.is_ours(*deed)).count() > 0 {
                self.kind(kind, key_type);
            }
        }
        self.whoami();
    }

    fn kind(&mut self, kind: &'p Value, key_type: &KeyType) {
        let model = self.model;
        let mut estate = Estate::new(model, kind);
        let is_listed = Deed::find(kind, "list").filter(|deed| self.is_ours(*deed)).is_some();
        if is_listed {
            self.list(&estate, key_type);
            if self.is_over() {
                return;
            }
            self.refused(&estate, key_type);
        }
        self.find_some(&estate, key_type);
        let first = self.ran.done.len();
        self.create(&mut estate, key_type);
        for (name, operation) in ACTS {
            let Some(deed) = Deed::find(kind, name) else { continue };
            if self.is_ours(deed) && !self.is_over() {
                self.act(&mut estate, key_type, deed, operation);
            }
        }
        // What was done is seen.
        if is_listed && self.ran.done.len() > first && !self.is_over() {
            self.list(&estate, key_type);
        }
    }

    /// Sets what must come, with the sign-in where there is one.
    pub(super) fn expect(&self, mut exchanges: Vec<Exchange>) {
        exchanges.extend(self.model.credential.sign_in());
        if let Some(one) = exchanges.iter().find(|one| one.is_foreign) {
            self.model.fault(format!("{}: another credential is needed", one.label));
        }
        self.desk.expect(exchanges);
    }

    /// What went wrong at the desk.
    pub(super) fn end(&mut self, what: &str) {
        let faults = self.desk.end();
        self.ran.faults.extend(faults.into_iter().map(|fault| format!("{what}: {fault}")));
    }

    /// No secret stands in what people could see.
    pub(super) fn unseen(&mut self, shown: &str, what: &str) {
        for secret in [LIVE, CREDENTIAL] {
            if shown.contains(secret) {
                self.fault(format!("{what}: a secret is shown"));
            }
        }
    }

    pub(super) fn failed(&mut self, what: &str, failure: &Failure) {
        self.unseen(&format!("{failure} {failure:?} {:?}", failure.hint()), what);
        self.fault(format!("{what}: {failure}"));
    }

    /// Lists all keys of a kind.
    fn list(&mut self, estate: &Estate<'p>, kind: &KeyType) {
        let what = format!("{}.list", estate.label());
        self.expect(estate.list());
        let listing = run(self.session.list(kind));
        self.end(&what);
        self.ran.done.insert(what.clone());
        let beside = estate.beside().into_iter().map(|name| format!("{}.{name}", estate.label()));
        self.ran.done.extend(beside);
        let listing = match listing {
            Ok(listing) => listing,
            Err(failure) => return self.failed(&what, &failure),
        };
        self.unseen(&format!("{listing:?}"), &what);
        for (place, failure) in &listing.unseen {
            self.fault(format!("{what}: nobody could look into {place:?}: {failure}"));
        }
        for odd in &listing.odd {
            self.fault(format!("{what}: {} was not understood", odd.what));
        }
        let ids: Vec<_> = listing.keys.iter().map(|found| found.key.id.clone()).collect();
        // Place by place, and in each those that were made last behind the others.
        let mut keys: Vec<_> = estate.keys.iter().collect();
        keys.sort_by_key(|(place, _)| *place);
        let wanted: Vec<_> = keys.iter().map(|(_, record)| estate.id(record)).collect();
        if ids != wanted {
            return self.fault(format!("{what}: the keys are {ids:?} instead of {wanted:?}"));
        }
        for ((place, record), found) in keys.into_iter().zip(&listing.keys) {
            let shown = estate.complete(record, estate.listed(record));
            self.compare(&what, estate, (*place, record), &shown, found);
        }
    }

    /// A refusal and an answer that is no JSON repeat no secret.
    fn refused(&mut self, estate: &Estate<'p>, kind: &KeyType) {
        let what = format!("{}.list (refused)", estate.label());
        for code in [403, 200] {
            let mut exchanges = estate.list();
            for exchange in &mut exchanges {
                exchange.is_free = true;
                exchange.code = code;
                exchange.answer = json!(LIVE);
                exchange.answer_headers.clear();
            }
            self.expect(exchanges);
            match run(self.session.list(kind)) {
                Ok(_) => self.fault(format!("{what}: it was taken for a list")),
                Err(failure) => {
                    self.unseen(&format!("{failure} {failure:?}"), &what);
                    if failure.is_denied() != (code == 403) {
                        self.fault(format!("{what}: {failure}"));
                    }
                }
            }
            self.end(&what);
        }
    }

    /// Finds a key of each place, and the first ones, and one that is not there.
    fn find_some(&mut self, estate: &Estate<'p>, kind: &KeyType) {
        let has = |name| Deed::find(estate.kind, name).filter(|deed| self.is_ours(*deed)).is_some();
        if !has("get") && !has("list") {
            return;
        }
        let last = estate.keys.len() - 1;
        for number in [0, 1, 4.min(last), last] {
            let (place, record) = &estate.keys[number];
            self.find(estate, kind, (*place, record));
        }
        self.find_nothing(estate, kind);
    }

    /// Finds one key.
    pub(super) fn find(
        &mut self,
        estate: &Estate<'p>,
        kind: &KeyType,
        (place, record): (usize, &Record),
    ) {
        let what = format!("{} (find)", estate.label());
        let (mut exchanges, shown) = estate.find(place, record);
        exchanges.extend(estate.ask_beside(place, record, &shown));
        self.expect(exchanges);
        let found = run(self.session.find(kind, &target(estate, place, record)));
        self.end(&what);
        match found {
            Ok(Some(found)) => {
                self.unseen(&format!("{found:?}"), &what);
                let shown = estate.complete(record, shown);
                self.compare(&what, estate, (place, record), &shown, &found);
            }
            Ok(None) => self.fault(format!("{what}: {} is not found", estate.id(record))),
            Err(failure) => self.failed(&what, &failure),
        }
        if let Some(name) = Deed::find(estate.kind, "get") {
            self.ran.done.insert(name.label());
        }
    }

    fn find_nothing(&mut self, estate: &Estate<'p>, kind: &KeyType) {
        let what = format!("{} (find nothing)", estate.label());
        let nobody = estate.record(&ways(estate.kind)[0]);
        let target = target(estate, 0, &nobody);
        let get = Deed::find(estate.kind, "get").filter(|_| !estate.is_secret());
        let mut exchanges = Vec::new();
        let mut is_sure = false;
        if let Some(get) = get {
            let gone = get.operation["gone"][0].as_u64();
            is_sure = gone.is_some();
            let listed = estate.listed(&nobody);
            let mut exchange = estate.ask("get", 0, &nobody, &listed).unwrap();
            exchange.code = u16::try_from(gone.unwrap_or(404)).unwrap();
            exchange.answer = json!({"error": LIVE});
            exchanges.push(exchange);
        }
        let has_list = Deed::find(estate.kind, "list").is_some();
        if !is_sure {
            exchanges.extend(estate.list_in(0));
        }
        self.expect(exchanges);
        let found = run(self.session.find(kind, &target));
        self.end(&what);
        match found {
            Ok(None) if is_sure || has_list => {}
            Ok(found) => self.fault(format!("{what}: {}", found.is_some())),
            Err(failure) if !is_sure && !has_list => {
                self.unseen(&format!("{failure} {failure:?}"), &what);
            }
            Err(failure) => self.failed(&what, &failure),
        }
    }
}
