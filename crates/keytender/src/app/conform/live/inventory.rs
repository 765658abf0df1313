//! K0 and K1: the pages that a document links to, and every key in the list, as it was made.

use std::cell::RefCell;
use std::collections::BTreeSet;

use keytender_core::akm::{FieldName, Given, OperationName};
use keytender_core::conform::Outcome;
use keytender_core::key::State;
use keytender_core::text::printable;
use keytender_core::time::Span;
use reqwest::Url;

use super::ground::{Ground, ProbeKey};
use super::{Trial, Why, broken, untried};
use crate::connect::descriptor::{Listing, Settings};
use crate::net::outbound;

/// How long one page may take.
const PAGE_TIME: std::time::Duration = std::time::Duration::from_secs(15);
/// By how much the provider's clock, or a time in whole seconds, may differ from ours.
const CLOCKS: Span = Span::from_micros(120 * 1_000_000);

impl Ground {
    pub(super) async fn links(&mut self, say: &dyn Fn(&Outcome)) {
        if self.claims("links-resolve") {
            let trial = self.pages().await;
            self.note(say, "links-resolve", trial);
        }
    }

    async fn pages(&self) -> Trial {
        let allow_private = self.asked.allow_private;
        let settings = Settings { timeout: PAGE_TIME, roots: None, allow_private };
        let client = match outbound::client(&settings, "pages") {
            Ok(client) => client,
            Err(error) => return untried(error.explanation()),
        };
        let pages: Vec<String> = self.subject().pages().into_iter().map(str::to_owned).collect();
        for page in &pages {
            let Ok(url) = Url::parse(page) else { return broken(format!("{page} is no URL")) };
            let url = self.at_endpoint(&url);
            if let Err(bad) = outbound::check(&url, allow_private) {
                return untried(format!("{page}: {bad}"));
            }
            let code = match client.get(url).send().await {
                Ok(answer) => answer.status().as_u16(),
                Err(error) => {
                    return untried(format!("{page}: {}", outbound::Cause::of(&error)));
                }
            };
            // Whoever must sign in first, or goes on elsewhere, is at a page.
            if !matches!(code, 200..=399 | 401 | 403) {
                return broken(format!("{page}: the answer was {code}"));
            }
        }
        Ok(format!("each of {} is there", pages.len()))
    }

    pub(super) async fn inventory(&mut self, say: &dyn Fn(&Outcome)) {
        if !self.claims("lists") {
            return;
        }
        let (whole, parts) = (self.listing().await, self.listing_in_parts().await);
        let again = self.listing().await;
        let (whole, parts, again) = match (whole, parts, again) {
            (Ok(whole), Ok(parts), Ok(again)) => (whole, parts, again),
            (Err(why), ..) | (_, Err(why), _) | (.., Err(why)) => {
                self.note(say, "lists", Err(why));
                return;
            }
        };
        let keys: Vec<ProbeKey> = self.keys.values().cloned().collect();
        self.note(say, "lists", lists(&keys, &whole, &parts));
        self.note(say, "stable-ids", stable(&keys, &whole, &again));
        let names = each(&keys, &whole, |key, found| {
            let name = found.key.name.as_ref();
            match name.is_some() && name == key.target.name.as_ref() {
                true => Ok(()),
                false => Err("its name is not shown".to_owned()),
            }
        });
        if self.claims("names") {
            self.note(say, "names", names);
        }
        let created = each(&keys, &whole, |key, found| {
            let (from, to) = (key.made.0.minus(CLOCKS), key.made.1.plus(CLOCKS));
            match found.key.created_at {
                Some(at) if (from..=to).contains(&at) => Ok(()),
                Some(_) => Err("it shows another time than that of its making".to_owned()),
                None => Err("it does not show when it was made".to_owned()),
            }
        });
        if self.claims("created") {
            self.note(say, "created", created);
        }
        let is_odd = whole.odd.iter().any(|odd| odd.what.contains("state"));
        // The first was suspended, and works again only if that can be done.
        let others = self.keys.iter().filter(|(letter, _)| **letter != 'a');
        let others: Vec<ProbeKey> = others.map(|(_, key)| key.clone()).collect();
        let untouched = if others.is_empty() { &keys } else { &others };
        let states = each(untouched, &whole, |_, found| match found.key.state {
            State::Active if !is_odd => Ok(()),
            State::Active => Err("its state is a word that is not described".to_owned()),
            _ => Err("it works, and is shown as if it did not".to_owned()),
        });
        if self.claims("states") {
            self.note(say, "states", states);
        }
        if self.claims("scopes") {
            let trial = self.shown_scopes(&keys, &whole);
            self.note(say, "scopes", trial);
        }
        if self.claims("owners") {
            let trial = self.owners(&keys, &whole).await;
            self.note(say, "owners", trial);
        }
        if self.claims("gets") {
            let trial = self.gets().await;
            self.note(say, "gets", trial);
        }
    }

    fn shown_scopes(&self, keys: &[ProbeKey], whole: &Listing) -> Trial {
        if self.asked.scopes.is_empty() {
            return untried("no scopes were given: --scopes");
        }
        let wanted: BTreeSet<&String> = self.asked.scopes.iter().collect();
        each(keys, whole, |_, found| {
            match found.key.scopes.iter().collect::<BTreeSet<_>>() == wanted {
                true => Ok(()),
                false => Err("it shows other scopes than it was given".to_owned()),
            }
        })
    }

    /// Who a key acts for: what the list says of each, or else what the key stands in.
    async fn owners(&self, keys: &[ProbeKey], whole: &Listing) -> Trial {
        if self.kind.fields.contains_key(&FieldName::Owner) {
            let owners = RefCell::new(BTreeSet::new());
            let trial = each(keys, whole, |_, found| match found.key.owner.as_deref() {
                Some(owner) if !owner.trim().is_empty() => {
                    owners.borrow_mut().insert(owner.to_owned());
                    Ok(())
                }
                _ => Err("who it acts for is not shown".to_owned()),
            })?;
            return match owners.borrow().len() {
                0 | 1 => Ok(trial),
                count => broken(format!("keys that were made alike show {count} owners")),
            };
        }
        let Some(place) = self.place.last() else { return untried("keys stand in nothing") };
        let noun = self.descriptor().resource(&place.resource).map_or("place", |one| &one.noun);
        if self.is_made(&self.place) {
            // It was empty before: what else is in its list is another's.
            return match whole.keys.iter().find(|found| !self.is_own(found)) {
                Some(other) => broken(format!(
                    "{} is in the list of the {noun} that was made, and was not made in it",
                    printable(&other.key.id)
                )),
                None => Ok(format!("the list of the {noun} that was made has these keys alone")),
            };
        }
        let beside = self.beside().await?;
        for place in &beside {
            let listing = self.session.list_in(&self.kind, place).await?;
            if let Some(found) = listing.keys.iter().find(|found| self.is_own(found)) {
                let id = printable(&found.key.id);
                return broken(format!("{id} is in the list of another {noun} too"));
            }
        }
        match beside.len() {
            0 => untried(format!("there is one {noun} alone, and it was there before")),
            _ => Ok(format!("no other {noun} has these keys in its list")),
        }
    }

    async fn gets(&self) -> Trial {
        let key = self.key('a')?;
        let Some(get) = self.operation(OperationName::Get) else {
            return untried("no call reads one");
        };
        let mut deed = crate::connect::descriptor::Deed::new(
            OperationName::Get,
            get,
            self.subject().noun(),
            &self.place,
        );
        deed.auth = self.kind.auth.as_ref();
        deed.target = Some(&key.target);
        let none = std::collections::BTreeMap::<String, Given>::new();
        let told = self.session.perform(deed, &none, None, true).await?;
        let id = self.kind.fields.get(&FieldName::Id);
        let item = get.item.find(&told);
        let shown = id.and_then(|id| id.at().find(item?)).and_then(keytender_core::akm::text);
        match shown {
            Some(id) if id == key.target.id => Ok("it shows the key that was asked for".to_owned()),
            Some(_) => broken("it shows another key"),
            None => Ok("it answers, and shows no id".to_owned()),
        }
    }

    /// Whether an answer showed a secret, once everything was looked at.
    pub(super) fn secrets(&mut self, say: &dyn Fn(&Outcome)) {
        if !self.claims("no-secret-shown") {
            return;
        }
        let names = self.session.shown();
        let trial = match (self.acts.is_empty(), names.is_empty()) {
            (true, _) => untried("no key could be made"),
            (false, true) => Ok("no answer showed one".to_owned()),
            (false, false) => broken(format!("it stands in the answer to: {}", names.join(", "))),
        };
        self.note(say, "no-secret-shown", trial);
    }
}

/// Holds what is shown of each key of the probe's against what is known of it.
fn each(
    keys: &[ProbeKey],
    listing: &Listing,
    holds: impl Fn(&ProbeKey, &crate::connect::descriptor::Found) -> Result<(), String>,
) -> Trial {
    let mut count = 0;
    for key in keys {
        let found = listing.keys.iter().find(|found| found.key.id == key.target.id);
        let Some(found) = found else { continue };
        if let Err(why) = holds(key, found) {
            return broken(format!("{}: {why}", key.target.id));
        }
        count += 1;
    }
    match count {
        0 => untried("no key of the probe's is in the list"),
        1 => Ok("so it is with 1 key".to_owned()),
        count => Ok(format!("so it is with {count} keys")),
    }
}

/// The list in small parts is the same as the list, and has all that was made.
fn lists(keys: &[ProbeKey], whole: &Listing, parts: &Listing) -> Trial {
    let ids = |listing: &Listing| -> BTreeSet<String> {
        listing.keys.iter().map(|found| found.key.id.clone()).collect()
    };
    let (all, small) = (ids(whole), ids(parts));
    for key in keys {
        if !all.contains(&key.target.id) {
            return broken(format!("{} is not in the list", key.target.id));
        }
        if !small.contains(&key.target.id) {
            return broken(format!("{} is not in the list in parts of two", key.target.id));
        }
    }
    match all == small {
        true => Ok(format!("{} keys, in one part and in parts of two", all.len())),
        false => broken("in parts of two the list is another one"),
    }
}

/// What was made has the id by which it was made, at each look.
fn stable(keys: &[ProbeKey], one: &Listing, other: &Listing) -> Trial {
    if keys.is_empty() {
        return Err(Why::Untried("no key could be made".to_owned()));
    }
    let has = |listing: &Listing, key: &ProbeKey| {
        listing.keys.iter().filter(|found| found.key.id == key.target.id).count()
    };
    match keys.iter().find(|key| has(one, key) != 1 || has(other, key) != 1) {
        Some(key) => broken(format!("{} was made, and has another id in the list", key.target.id)),
        None => Ok("each has the id by which it was made, at each look".to_owned()),
    }
}
