//! What the engine tells, held against what the provider made.

use std::collections::BTreeMap;

use keytender::connect::descriptor::{Found, Placement, Target};
use keytender_core::akm::{ListedKey, ListedUse};
use keytender_core::time::Time;
use serde_json::json;

use super::drive::Driver;
use super::estate::{Estate, Place, Shown};
use super::model::Deed;
use super::record::{Fact, Record, plain};
use super::{LIVE, tree};
use crate::notify::run;

impl<'p> Driver<'_, 'p> {
    /// Asks who the credential is, once for each kind of key that it may be: the kinds before it refuse it.
    pub(super) fn whoami(&mut self) {
        let kinds = self.model.paper.kinds().iter();
        let deeds: Vec<_> = kinds.filter_map(|kind| Deed::find(kind, "whoami")).collect();
        let deeds: Vec<_> = deeds.into_iter().filter(|deed| self.is_ours(*deed)).collect();
        for (number, deed) in deeds.iter().enumerate() {
            self.whoami_as(*deed, &deeds[..number]);
        }
    }

    fn whoami_as(&mut self, deed: Deed<'p>, refusing: &[Deed<'p>]) {
        let paper = self.model.paper;
        let what = deed.label();
        self.ran.done.insert(what.clone());
        let estate = Estate::new(self.model, deed.kind);
        let mut exchange = self.model.exchange(deed, &paper.names());
        let view = self.model.view(deed, &exchange);
        let mut answer = self.model.blank(deed, view.as_ref());
        let outputs = deed.outputs();
        let is_key = outputs.is_empty() || outputs.contains_key("id");
        let mut record = estate.keys[1].1.clone();
        // What an answer cannot show tells no state.
        let rule = record.rule.and_then(|rule| deed.kind["state"][rule]["at"].as_str());
        if rule.is_some_and(|at| view.as_ref().is_some_and(|view| !view.knows(at))) {
            record.rule = None;
        }
        let record = &record;
        let mut shown = None;
        if is_key {
            let (entry, filled) =
                self.model.entry(deed.kind, view.as_ref(), &answer, record, |_| true);
            tree::put(&mut answer, deed.pointer("item"), entry.clone());
            shown = Some(Shown { entry, filled, told: Vec::new() });
        }
        let mut facts = BTreeMap::new();
        for (name, (at, _)) in outputs {
            let told = answer.pointer(at).filter(|_| shown.is_some()).map(plain);
            let text = told.unwrap_or_else(|| format!("{name} of the credential"));
            tree::put(&mut answer, at, json!(text));
            facts.insert(name, text);
        }
        self.model.hold(&what, view.as_ref(), &answer);
        exchange.answer = answer;
        let mut exchanges = vec![exchange];
        // Where kinds ask the same, the first of them is answered: another is asked for itself.
        let is_same = |other: &&Deed<'p>| other.operation["request"] == deed.operation["request"];
        let is_answered_before = refusing.iter().any(|other| is_same(&other));
        for other in refusing.iter().filter(|_| !is_answered_before) {
            let mut refusal = self.model.exchange(*other, &paper.names());
            (refusal.code, refusal.answer) = (403, json!({"error": LIVE}));
            exchanges.push(refusal);
        }
        self.expect(exchanges);
        let kind = self.session.descriptor().key_type(deed.kind["id"].as_str().unwrap()).cloned();
        let who = match kind.filter(|_| is_answered_before) {
            Some(kind) => run(self.session.whoami_as(&kind)),
            None => run(self.session.whoami()),
        };
        self.end(&what);
        let who = match who {
            Ok(Some(who)) => who,
            Ok(None) => return self.fault(format!("{what}: it is not asked")),
            Err(failure) => return self.failed(&what, &failure),
        };
        self.unseen(&format!("{who:?}"), &what);
        if who.account != facts.get("account").cloned() {
            self.fault(format!("{what}: the account is {:?}", who.account));
        }
        if let Some(name) = facts.get("name")
            && who.name.as_ref() != Some(name)
        {
            self.fault(format!("{what}: the name is {:?}", who.name));
        }
        match (&who.key, shown) {
            (Some(key), Some(shown)) => self.compare_key(&what, &estate, record, &shown, key),
            (None, None) => {}
            (Some(_), None) => self.fault(format!("{what}: it is taken for a key")),
            (None, Some(_)) => self.fault(format!("{what}: the key is not seen")),
        }
    }

    /// Holds a key that was found against the one that there is.
    pub(super) fn compare(
        &mut self,
        what: &str,
        estate: &Estate<'p>,
        (place, record): (usize, &Record),
        shown: &Shown,
        found: &Found,
    ) {
        self.compare_key(what, estate, record, shown, &found.key);
        let within: Vec<_> = found
            .within
            .iter()
            .map(|place| (place.resource.clone(), place.id.clone(), place.name.clone()))
            .collect();
        if within != estate.places[place].spots {
            self.fault(format!("{what}: it stands in {within:?}"));
        }
    }

    fn compare_key(
        &mut self,
        what: &str,
        estate: &Estate<'p>,
        record: &Record,
        shown: &Shown,
        key: &ListedKey,
    ) {
        let told = estate.state(record, shown);
        let mut wrong = Vec::new();
        let fact = |name: &str| record.field(name, &shown.filled, &shown.told);
        let text = |name: &str| match fact(name) {
            Fact::Text(text) => Some(text),
            _ => None,
        };
        let moment = |name: &str| match fact(name) {
            Fact::Moment(at, off) => Some((at, off)),
            _ => None,
        };
        let mut check = |name: &str, is_right: bool| {
            if !is_right {
                wrong.push(name.to_owned());
            }
        };
        check("id", key.id == estate.id(record));
        check("name", key.name == text("name"));
        check("hint", key.hint == text("hint"));
        check("owner", key.owner == text("owner"));
        let scopes = match fact("scopes") {
            Fact::List(words) => words,
            // At the place of another field.
            Fact::Text(words) => words.split(' ').map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        check("scopes", key.scopes == scopes);
        check("state", key.state.as_str() == told.state);
        check("word of its state", key.provider_state == told.word);
        let created = moment("createdAt").max(moment("rotatedAt"));
        check("createdAt", is_moment(key.created_at, created));
        check("expiresAt", is_moment(key.expires_at, moment("expiresAt")));
        check("exposedAt", is_moment(key.exposed_at, moment("exposedAt")));
        let records = &estate.kind["lastUsed"];
        let since = records["since"].as_str().map(|day| Time::parse(day).unwrap());
        check("since when uses are recorded", key.recorded_since == since);
        let is_used = match (&key.last_use, moment("lastUsedAt")) {
            (ListedUse::Used(used), Some(at)) => {
                let region = used.region.as_deref() == text("lastUsedRegion").as_deref();
                let service = used.service.as_deref() == text("lastUsedService").as_deref();
                is_moment(Some(used.at), Some(at)) && region && service
            }
            (ListedUse::Never, None) => {
                records["available"] == true && records["absent"] != "unknown"
            }
            (ListedUse::Unknown(_), None) => {
                records["available"] != true || records["absent"] == "unknown"
            }
            _ => false,
        };
        check("last use", is_used);
        if !wrong.is_empty() {
            let number = record.number;
            self.fault(format!("{what}: key {number} is read wrongly: {}", wrong.join(", ")));
        }
    }
}

pub(super) fn is_moment(read: Option<Time>, wanted: Option<(i64, i64)>) -> bool {
    match (read, wanted) {
        (Some(read), Some((at, off))) => (read.as_micros() - at).abs() <= off,
        (None, None) => true,
        _ => false,
    }
}

/// A key as whoever listed it names it.
pub(super) fn target(estate: &Estate<'_>, place: usize, record: &Record) -> Target {
    let shown = estate.complete(record, estate.listed(record));
    let text = |name: &str| match record.field(name, &shown.filled, &shown.told) {
        Fact::Text(text) => Some(text),
        _ => None,
    };
    Target {
        id: estate.id(record),
        name: text("name"),
        owner: text("owner"),
        within: spots(&estate.places[place], estate),
    }
}

/// What a key stands in, as the engine names it.
pub(super) fn spots(place: &Place, estate: &Estate<'_>) -> Vec<Placement> {
    let chain = estate.model.paper.chain(estate.kind);
    let kinds =
        chain.into_iter().map(|resource| serde_json::from_value(resource["kind"].clone()).unwrap());
    place
        .spots
        .iter()
        .zip(kinds)
        .map(|((resource, id, name), kind)| Placement {
            resource: resource.clone(),
            kind,
            id: id.clone(),
            name: name.clone(),
        })
        .collect()
}
