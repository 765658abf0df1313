//! Everything that can be done to keys, and what must come of it, now and when they are looked at again.

use keytender::connect::descriptor::{Acted, Failure, Target};
use keytender_core::akm::{KeyType, OperationName};
use keytender_core::secret::Secret;
use serde_json::{Value, json};

use super::LIVE;
use super::acts::{Giving, Outcome};
use super::compare::{is_moment, spots, target};
use super::drive::Driver;
use super::estate::Estate;
use super::model::Deed;
use super::record::Record;
use super::state::{Way, state_of, ways};
use crate::notify::run;

/// What is done to a key, in this order, beside making one.
pub(super) const ACTS: [(&str, OperationName); 6] = [
    ("update", OperationName::Update),
    ("suspend", OperationName::Suspend),
    ("resume", OperationName::Resume),
    ("rotate", OperationName::Rotate),
    ("revokeExposed", OperationName::RevokeExposed),
    ("delete", OperationName::Delete),
];

impl<'p> Driver<'_, 'p> {
    /// Makes a successor of a key, and a key from nothing; and refuses to make one that lacks something.
    pub(super) fn create(&mut self, estate: &mut Estate<'p>, kind: &KeyType) {
        let Some(deed) = Deed::find(estate.kind, "create").filter(|deed| self.is_ours(*deed))
        else {
            return;
        };
        let what = deed.label();
        self.ran.done.insert(what.clone());
        let (place, old) = estate.keys[1].clone();
        for giving in [Giving::Needed, Giving::All] {
            let subject = (giving == Giving::Needed).then_some((place, &old));
            let arguments = estate.arguments(deed, subject, giving);
            let new = estate.record(&active(estate.kind));
            let (exchanges, outcome) = estate.act(deed, subject, &arguments, Some(&new));
            self.expect(exchanges);
            let target = match subject {
                Some((place, old)) => target(estate, place, old),
                None => Target { within: spots(&estate.places[0], estate), ..Target::default() },
            };
            let acted =
                run(self.session.act(kind, OperationName::Create, &target, arguments.given));
            self.end(&what);
            self.outcome(&what, acted, &outcome);
            estate.keys.push((if giving == Giving::Needed { place } else { 0 }, new));
        }
        self.lacking(estate, kind, deed);
    }

    /// What must be said, and can be copied from no key, is asked for before anything is called.
    fn lacking(&mut self, estate: &Estate<'p>, kind: &KeyType, deed: Deed<'p>) {
        let args = deed.operation["args"].as_object().into_iter().flatten();
        let needed = args.filter(|(_, arg)| arg["required"] == true);
        for (name, _) in needed {
            let what = format!("{} without {name}", deed.label());
            let mut arguments = estate.arguments(deed, None, Giving::All);
            arguments.given.remove(name);
            self.expect(Vec::new());
            let within = spots(&estate.places[0], estate);
            let target = Target { within, ..Target::default() };
            let acted =
                run(self.session.act(kind, OperationName::Create, &target, arguments.given));
            self.end(&what);
            match acted {
                Ok(_) => self.fault(format!("{what}: it was done")),
                Err(failure) if failure.to_string().contains(&format!("`{name}` is missing")) => {}
                Err(failure) => self.fault(format!("{what}: {failure}")),
            }
        }
    }

    fn outcome(&mut self, what: &str, acted: Result<Acted, Failure>, wanted: &Outcome) {
        let acted = match acted {
            Ok(acted) => acted,
            Err(failure) => return self.failed(what, &failure),
        };
        self.unseen(&format!("{acted:?}"), what);
        if acted.id != wanted.id {
            self.fault(format!("{what}: the id is {:?} instead of {:?}", acted.id, wanted.id));
        }
        if acted.secret.as_ref().map(Secret::expose) != wanted.secret.as_deref() {
            self.fault(format!("{what}: the secret is another one"));
        }
        if !is_moment(acted.expires_at, wanted.expires) {
            self.fault(format!(
                "{what}: it ends at {:?} instead of {:?}",
                acted.expires_at, wanted.expires
            ));
        }
        if acted.was_gone {
            self.fault(format!("{what}: it was gone"));
        }
    }

    /// Does one thing to a key.
    pub(super) fn act(
        &mut self,
        estate: &mut Estate<'p>,
        kind: &KeyType,
        deed: Deed<'p>,
        name: OperationName,
    ) {
        let what = deed.label();
        self.ran.done.insert(what.clone());
        let number = estate.keys.iter().position(|(_, key)| key.number == 1).unwrap();
        let (place, record) = estate.keys[number].clone();
        let subject = (name != OperationName::RevokeExposed).then_some((place, &record));
        let keeps = estate.kind["rotation"]["keepsId"] == true;
        let new = match name {
            OperationName::Rotate if keeps => Some(record.clone()),
            OperationName::Rotate => Some(estate.record(&active(estate.kind))),
            _ => None,
        };
        let arguments = estate.arguments(deed, subject, Giving::Needed);
        let (exchanges, outcome) = estate.act(deed, subject, &arguments, new.as_ref());
        self.expect(exchanges);
        let target =
            subject.map_or_else(Target::default, |(place, record)| target(estate, place, record));
        let acted = run(self.session.act(kind, name, &target, arguments.given));
        self.end(&what);
        self.outcome(&what, acted, &outcome);
        match name {
            OperationName::Suspend => self.turn(estate, kind, number, "suspended"),
            OperationName::Resume => self.turn(estate, kind, number, "active"),
            OperationName::Delete => {
                estate.keys.remove(number);
                self.delete_again(estate, kind, deed, (place, &record));
            }
            OperationName::Rotate => {
                if let Some(mut new) = new {
                    new.number = 1;
                    estate.keys[number].1 = new;
                }
            }
            _ => {}
        }
    }

    /// A key is in another state from now on, and is seen so.
    fn turn(&mut self, estate: &mut Estate<'p>, kind: &KeyType, number: usize, state: &str) {
        let all = ways(estate.kind);
        let Some(way) = all.iter().find(|way| state_of(estate.kind, way) == state) else {
            let what = estate.label();
            return self.fault(format!("{what}: no rule tells that a key is {state}"));
        };
        let place = estate.keys[number].0;
        let was = estate.keys[number].1.number;
        let record = self.model.record(estate.kind, &estate.views, way, was);
        estate.keys[number].1 = record.clone();
        let has_list = Deed::find(estate.kind, "list").is_some();
        if has_list || Deed::find(estate.kind, "get").is_some() {
            self.find(estate, kind, (place, &record));
        }
    }

    /// What is not there any more counts as deleted where the descriptor says how that is answered.
    fn delete_again(
        &mut self,
        estate: &Estate<'p>,
        kind: &KeyType,
        deed: Deed<'p>,
        (place, record): (usize, &Record),
    ) {
        let what = format!("{} again", deed.label());
        if estate.is_secret() || !deed.operation["request"]["over"].is_null() {
            return;
        }
        let gone = deed.operation["gone"][0].as_u64();
        let arguments = estate.arguments(deed, Some((place, record)), Giving::Needed);
        let (mut exchanges, _) = estate.act(deed, Some((place, record)), &arguments, None);
        let last = exchanges.last_mut().unwrap();
        last.code = u16::try_from(gone.unwrap_or(404)).unwrap();
        last.answer = json!({"error": LIVE});
        self.expect(exchanges);
        let target = target(estate, place, record);
        let acted = run(self.session.act(kind, OperationName::Delete, &target, arguments.given));
        self.end(&what);
        match (acted, gone) {
            (Ok(acted), Some(_)) if acted.was_gone => {}
            (Err(failure), None) if failure.is_gone() => {
                self.unseen(&format!("{failure} {failure:?}"), &what);
            }
            (Ok(_), _) => self.fault(format!("{what}: it seems to be done")),
            (Err(failure), _) => self.failed(&what, &failure),
        }
    }
}

/// A way in which a key is told to be active.
pub(super) fn active(kind: &Value) -> Way {
    let all = ways(kind);
    let is_active = |way: &&Way| state_of(kind, way) == "active";
    all.iter().find(is_active).unwrap_or(&all[0]).clone()
}
