//! Rotations at every provider of the shelf whose keys are made and deleted, or changed, by calls: what the
//! provider of a rotation says that it can do, and what it asks the provider itself, which is made here.

use keytender::app::rotate::provider::{Failed, Minted, Principal};
use keytender::connect::descriptor::hosts;
use keytender::store::accounts::{Access, Account};
use keytender_core::akm::{Descriptor, Given};
use keytender_core::key::Key;
use keytender_core::rotation::{Fault, SeenKey, Standing, UseSeen, Way};
use keytender_core::time::Time;
use serde_json::{Value, json};

use super::acts::{Giving, Outcome};
use super::compare::target;
use super::deeds::active;
use super::estate::Estate;
use super::model::{Deed, Model, fields};
use super::paper::Paper;
use super::record::{Fact, Record};
use super::script::{Desk, Exchange};
use super::sign::{CREDENTIAL, Credential};
use super::state::{state_of, ways};
use super::{LIVE, PROVIDERS, Provider, stamp, tree};
use crate::notify::run;
use crate::rotate_providers::{account, fault, held, open};

const MARKER: &str = "keytender-0123456789abcdef";
const DAY: i64 = 86_400_000_000;

/// What came of a provider.
#[derive(Default)]
struct Tour {
    faults: Vec<String>,
    /// The kinds that can be rotated, by provider and name, and how.
    rotated: Vec<(String, Way)>,
    /// Those that cannot, and why.
    refused: Vec<(String, String)>,
    /// How many were tried by themselves.
    tried: usize,
}

/// One kind of key at one provider, and a key of it that is replaced.
struct Story<'d, 'p> {
    model: &'p Model<'p>,
    desk: &'d Desk,
    estate: Estate<'p>,
    keys: Principal,
    /// The place of the old key.
    place: usize,
    old: Record,
    what: String,
    faults: Vec<String>,
}

fn tour(provider: &Provider) -> Tour {
    let mut tour = Tour::default();
    let paper = Paper::read(&provider.text);
    let descriptor = Descriptor::parse(&provider.text).unwrap().descriptor;
    let desk = Desk::open(provider.description.clone());
    let credential = Credential::new(&paper, None);
    let model = Model {
        paper: &paper,
        description: provider.description.as_deref(),
        credential: &credential,
        now: keytender::clock::now().as_micros(),
        faults: Vec::new().into(),
    };
    let variables = paper.variables();
    let access = Access {
        endpoint: Some(desk.provider.url.to_string()),
        allow_private: true,
        hosts: hosts(&descriptor, &variables),
        variables,
        // One that was made over to be signed is not that of the shelf.
        descriptor: Some(provider.text.clone()),
        allow_writes: true,
        ..Access::default()
    };
    let account = account(provider.id, access, &credential.given());
    for kind in paper.kinds() {
        let what = format!("{} {}", provider.id, kind["id"].as_str().unwrap());
        if Deed::find(kind, "list").is_none() {
            continue;
        }
        let story = Story::open(&model, &desk, kind, &account, what.clone());
        match story {
            Ok(mut story) => {
                tour.rotated.push((what, story.keys.terms().way));
                tour.tried += usize::from(story.tell(&account));
                tour.faults.extend(story.faults);
                tour.faults.extend(model.faults.take());
            }
            Err(why) => {
                tour.refused.push((what, why));
                // What cannot be asked with this credential.
                model.faults.take();
            }
        }
    }
    tour
}

impl<'d, 'p> Story<'d, 'p> {
    fn open(
        model: &'p Model<'p>,
        desk: &'d Desk,
        kind: &'p Value,
        account: &Account,
        what: String,
    ) -> Result<Self, String> {
        let estate = Estate::new(model, kind);
        let is_active = |(_, key): &&(usize, Record)| {
            estate.state(key, &estate.complete(key, estate.listed(key))).state == "active"
        };
        let (place, old) = estate.keys.iter().find(is_active).cloned().unwrap();
        let aim = target(&estate, place, &old);
        let key = held(Key {
            id: Some(aim.id.into()),
            key_type: Some(estate.label().to_owned().into()),
            within: aim.within.into_iter().map(|place| place.id).collect(),
            label: aim.name.map(Into::into),
            principal: aim.owner.map(Into::into),
            ..Key::new(account.provider.clone())
        });
        let keys = open(account, &key).map_err(|error| error.report())?;
        Ok(Self { model, desk, estate, keys, place, old, what, faults: Vec::new() })
    }

    fn fault(&mut self, fault: impl std::fmt::Display) {
        self.faults.push(format!("{}: {fault}", self.what));
    }

    fn expect(&self, mut exchanges: Vec<Exchange>) {
        exchanges.extend(self.model.credential.sign_in());
        self.desk.expect(exchanges);
    }

    fn end(&mut self, about: &str) {
        for fault in self.desk.end() {
            self.fault(format!("{about}: {fault}"));
        }
    }

    fn deed(&self, name: &'p str) -> Option<Deed<'p>> {
        Deed::find(self.estate.kind, name)
    }

    /// The whole of it; whether the new key could be tried.
    fn tell(&mut self, account: &Account) -> bool {
        let terms = self.keys.terms();
        self.list("at first");
        let name = if terms.way == Way::InPlace { "rotate" } else { "create" };
        self.unmade(name);
        let Some((minted, new)) = self.make(name) else { return false };
        self.list("with the new key");
        let is_tried = terms.able.try_new;
        if is_tried {
            self.try_it(account, &minted);
        }
        if terms.way == Way::InPlace {
            return is_tried;
        }
        if terms.able.label {
            self.is_marked(&new);
        }
        if terms.able.disable {
            for (act, deed, state) in
                [("disable", "suspend", "suspended"), ("enable", "resume", "active")]
            {
                self.turn(act, deed, state);
            }
        }
        self.delete(&new);
        self.delete(&self.old.clone());
        self.list("without both");
        is_tried
    }

    /// The keys of one place, as they stand.
    fn list(&mut self, when: &str) {
        let place = self.place;
        let mut exchanges = self.estate.list_in(place);
        let here: Vec<Record> = self.here();
        for record in &here {
            exchanges.extend(self.estate.ask_beside(place, record, &self.estate.listed(record)));
        }
        self.expect(exchanges);
        let seen = run(self.keys.list());
        self.end(when);
        let seen = match seen {
            Ok(seen) => seen,
            Err(failed) => return self.fault(format!("{when}: {}", failed.1)),
        };
        let ids: Vec<_> = seen.iter().map(|key| key.id.clone()).collect();
        let wanted: Vec<_> = here.iter().map(|record| self.estate.id(record)).collect();
        if ids != wanted {
            return self.fault(format!("{when}: the keys are {ids:?} instead of {wanted:?}"));
        }
        for (record, key) in here.iter().zip(&seen) {
            self.compare(when, record, key);
        }
    }

    fn here(&self) -> Vec<Record> {
        let here = self.estate.keys.iter().filter(|(place, _)| *place == self.place);
        here.map(|(_, record)| record.clone()).collect()
    }

    fn compare(&mut self, when: &str, record: &Record, key: &SeenKey) {
        let shown = self.estate.complete(record, self.estate.listed(record));
        let state = self.estate.state(record, &shown).state;
        let wanted = match state.as_str() {
            "active" => Standing::Active,
            "suspended" | "pre-activation" => Standing::Suspended,
            _ => Standing::Ended,
        };
        if key.standing != wanted {
            self.fault(format!("{when}: {} is {:?} and not {state}", key.id, key.standing));
        }
        let text = |name: &str| match record.field(name, &shown.filled, &shown.told) {
            Fact::Text(text) => Some(text),
            _ => None,
        };
        if key.label != text("name") {
            self.fault(format!("{when}: it is called {:?}, not {:?}", key.label, text("name")));
        }
        let tells = self.estate.kind["lastUsed"]["available"] == true;
        let used = record.field("lastUsedAt", &shown.filled, &shown.told);
        let is_right = match (&key.last_use, &used) {
            (UseSeen::At { at, .. }, Fact::Moment(moment, off)) => {
                (at.as_micros() - moment).abs() <= *off
            }
            (UseSeen::Never, Fact::Nothing) => {
                tells && self.estate.kind["lastUsed"]["absent"] != "unknown"
            }
            (UseSeen::Unknown(_), _) => !tells || used == Fact::Nothing,
            _ => false,
        };
        if !is_right {
            self.fault(format!("{when}: the last use is {:?}, not {used:?}", key.last_use));
        }
    }

    /// What must be asked to give the old key a successor, what must come of it, and what that is called.
    fn making(&self, name: &'p str, new: &Record) -> (Vec<Exchange>, Outcome, Option<String>) {
        let deed = self.deed(name).unwrap();
        let subject = Some((self.place, &self.old));
        let mut arguments = self.estate.arguments(deed, subject, Giving::Needed);
        let args = &deed.operation["args"];
        let (mut exchanges, shown) = self.estate.find(self.place, &self.old);
        exchanges.extend(self.estate.ask_beside(self.place, &self.old, &shown));
        let shown = self.estate.complete(&self.old, shown);
        let fact = |name| self.old.field(name, &shown.filled, &shown.told);
        let mut give = |arg: &str, given: Given, value: Value| {
            arguments.names.insert(format!("arg.{arg}"), value);
            arguments.given.insert(arg.to_owned(), given);
        };
        let mut called = None;
        if !args["name"].is_null() {
            let old = match fact("name") {
                Fact::Text(old) => old,
                _ => String::new(),
            };
            let text = if name == "create" { labelled(&old, &args["name"]) } else { old };
            give("name", Given::Value(json!(text)), json!(text));
            called = Some(text);
        }
        let is_open = args["expires"]["defaultDays"].is_null();
        if let (Some(format), true, Some(ends)) =
            (args["expires"]["as"].as_str(), is_open, moment(&fact("expiresAt")))
        {
            let days = |name: &str| Some(self.estate.kind["lifetime"][name].as_i64()? * DAY);
            let made = moment(&fact("createdAt")).max(moment(&fact("rotatedAt")));
            let lived = made.filter(|made| *made < ends).map(|made| ends - made);
            let life = lived.unwrap_or_else(|| days("defaultDays").unwrap_or(90 * DAY));
            let at = self.model.now + days("maxDays").map_or(life, |most| life.min(most));
            give("expires", Given::Time(Time::from_micros(at)), stamp::about(format, at));
        }
        let (acts, outcome) = self.estate.act(deed, subject, &arguments, Some(new));
        exchanges.extend(acts);
        (exchanges, outcome, called)
    }

    /// The successor, as the provider keeps it: under the name that it was asked for.
    fn successor(&self, name: &'p str) -> Record {
        let keeps = name == "rotate" && self.estate.kind["rotation"]["keepsId"] == true;
        if keeps { self.old.clone() } else { self.estate.record(&active(self.estate.kind)) }
    }

    fn mint(&self, name: &str) -> Result<Minted, Failed> {
        match name {
            "rotate" => run(self.keys.rotate()),
            _ => run(self.keys.create(MARKER)),
        }
    }

    fn make(&mut self, name: &'p str) -> Option<(Minted, Record)> {
        let mut new = self.successor(name);
        let (exchanges, outcome, named) = self.making(name, &new);
        self.expect(exchanges);
        let minted = self.mint(name);
        self.end(name);
        let minted = match minted {
            Ok(minted) => minted,
            Err(failed) => {
                self.fault(format!("{name}: {}", failed.1));
                return None;
            }
        };
        if format!("{minted:?}").contains(minted.secret.expose()) {
            self.fault("the secret can be printed");
        }
        if Some(&minted.id) != outcome.id.as_ref() {
            self.fault(format!("{name}: the id is {} instead of {:?}", minted.id, outcome.id));
        }
        if Some(minted.secret.expose()) != outcome.secret.as_deref() {
            self.fault(format!("{name}: the secret is another one"));
        }
        if let (Some(named), "create") = (named, name) {
            self.rename(&mut new, &named);
        }
        let keeps = self.estate.kind["rotation"]["keepsId"] == true;
        match name {
            "rotate" if keeps => {}
            "rotate" => {
                let number = self.old.number;
                let slot = self.estate.keys.iter_mut().find(|(_, key)| key.number == number);
                slot.unwrap().1 = new.clone();
                self.old = new.clone();
            }
            _ => self.estate.keys.push((self.place, new.clone())),
        }
        Some((minted, new))
    }

    fn rename(&self, record: &mut Record, name: &str) {
        let all = fields(&self.estate.kind["fields"]);
        let Some((at, _)) = all.get("name") else { return };
        // Where the name is the id, that is what the answer tells.
        if all.get("id").is_some_and(|(id, _)| id == at) {
            return;
        }
        record.facts.insert((*at).to_owned(), Some(json!(name)));
        record.read.insert("name".to_owned(), ((*at).to_owned(), Fact::Text(name.to_owned())));
    }

    /// Refused, throttled, broken, lost: each is told apart, and asked once.
    fn unmade(&mut self, name: &'p str) {
        let new = self.successor(name);
        let (exchanges, ..) = self.making(name, &new);
        // A good code without anything of a key behind it.
        let good = exchanges.last().unwrap().code;
        for (code, wanted) in [
            (429, Fault::Later),
            (500, Fault::Lost),
            (502, Fault::Lost),
            (403, Fault::Refused),
            (422, Fault::Refused),
            (good, Fault::Lost),
        ] {
            let mut exchanges = exchanges.clone();
            let last = exchanges.last_mut().unwrap();
            (last.code, last.answer) = (code, json!({"error": LIVE}));
            self.expect(exchanges);
            let got = fault(self.mint(name), &[LIVE, CREDENTIAL]);
            if got != wanted {
                self.fault(format!("{name} answered {code} is {got:?} and not {wanted:?}"));
            }
            self.end(&format!("{name} answered {code}"));
        }
    }

    /// The new key asks who it is; a key that is refused is not taken.
    fn try_it(&mut self, account: &Account, minted: &Minted) {
        let deed = self.deed("whoami").unwrap();
        let record = self.estate.keys.iter().rev();
        let mut record = record.map(|(_, key)| key).filter(|key| self.estate.id(key) == minted.id);
        let record = record.next().unwrap_or(&self.old).clone();
        let mut exchange = self.model.exchange(deed, &self.model.paper.names());
        let view = self.model.view(deed, &exchange);
        let mut answer = self.model.blank(deed, view.as_ref());
        let (entry, _) = self.model.entry(deed.kind, view.as_ref(), &answer, &record, |_| true);
        tree::put(&mut answer, deed.pointer("item"), entry);
        for (name, (at, _)) in deed.outputs() {
            let value = if name == "id" { record.raw_id(deed.kind) } else { format!("a {name}") };
            tree::put(&mut answer, at, json!(value));
        }
        exchange.answer = answer;
        let known = account.secret.as_ref().unwrap().expose().to_owned();
        for value in exchange.headers.values_mut() {
            *value = value.replace(&known, minted.secret.expose());
        }
        for (code, wanted) in [(exchange.code, true), (401, false)] {
            let mut one = exchange.clone();
            one.code = code;
            self.expect(vec![one]);
            match run(self.keys.is_taken(&minted.id, &minted.secret)) {
                Ok(is_taken) if is_taken == wanted => {}
                other => self.fault(format!("whoami answered {code}: {other:?}")),
            }
            self.end("whoami of the new key");
        }
    }

    fn is_marked(&mut self, new: &Record) {
        let shown = self.estate.listed(new);
        let name = new.field("name", &shown.filled, &shown.told);
        if !matches!(&name, Fact::Text(name) if name.contains(MARKER)) {
            self.fault(format!("the new key is called {name:?}"));
        }
    }

    /// Stops the old key, or lets it work again.
    fn turn(&mut self, act: &str, name: &'p str, state: &str) {
        let deed = self.deed(name).unwrap();
        let subject = Some((self.place, &self.old));
        let arguments = self.estate.arguments(deed, subject, Giving::Needed);
        // What must be said again of a key and does not stand in it nobody can say: it is refused after a look, and
        // another look tells that it was not done all the same.
        let lacking = arguments.given.keys().next().cloned();
        let exchanges = match lacking {
            Some(_) => [0, 1].map(|_| self.estate.find(self.place, &self.old).0).concat(),
            None => self.estate.act(deed, subject, &arguments, None).0,
        };
        self.expect(exchanges);
        let id = self.estate.id(&self.old);
        let done = match act {
            "disable" => run(self.keys.disable(&id)),
            _ => run(self.keys.enable(&id)),
        };
        self.end(act);
        if let Some(name) = lacking {
            match done {
                Err(Failed(Fault::Refused, why)) if why.contains(&format!("`{name}`")) => {}
                other => self.fault(format!("{act} without `{name}`: {other:?}")),
            }
            return;
        }
        if let Err(failed) = done {
            return self.fault(format!("{act}: {}", failed.1));
        }
        let kind = self.estate.kind;
        let all = ways(kind);
        let way = all.iter().find(|way| state_of(kind, way) == state).unwrap();
        let number = self.old.number;
        let record = self.model.record(kind, &self.estate.views, way, number);
        let slot = self.estate.keys.iter_mut().find(|(_, key)| key.number == number);
        slot.unwrap().1 = record.clone();
        self.old = record;
        self.list(act);
    }

    fn delete(&mut self, record: &Record) {
        let deed = self.deed("delete").unwrap();
        let subject = Some((self.place, record));
        let arguments = self.estate.arguments(deed, subject, Giving::Needed);
        let (exchanges, _) = self.estate.act(deed, subject, &arguments, None);
        self.expect(exchanges);
        let id = self.estate.id(record);
        let done = run(self.keys.delete(&id));
        self.end("delete");
        if let Err(failed) = done {
            self.fault(format!("delete: {}", failed.1));
        }
        self.estate.keys.retain(|(_, key)| key.number != record.number);
    }
}

fn moment(fact: &Fact) -> Option<i64> {
    match fact {
        Fact::Moment(at, _) => Some(*at),
        _ => None,
    }
}

/// The name that must be asked for.
fn labelled(old: &str, arg: &Value) -> String {
    let most = arg["maxLetters"].as_u64().map_or(63, |most| usize::try_from(most).unwrap());
    let room = most - MARKER.len() - 1;
    let kept: String = old.chars().take(room).collect();
    match kept.trim_end_matches(['-', ' ']) {
        "" => MARKER.to_owned(),
        kept => format!("{kept}-{MARKER}"),
    }
}

#[test]
fn every_provider_rotates_as_its_descriptor_says() {
    let mut all = Tour::default();
    for provider in &*PROVIDERS {
        let tour = tour(provider);
        all.faults.extend(tour.faults);
        all.rotated.extend(tour.rotated);
        all.refused.extend(tour.refused);
        all.tried += tour.tried;
    }
    let in_place = all.rotated.iter().filter(|(_, way)| *way == Way::InPlace).count();
    eprintln!(
        "{} kinds of keys rotated, {in_place} of them in place; {} tried by themselves; {} refused:",
        all.rotated.len(),
        all.tried,
        all.refused.len()
    );
    for (what, why) in &all.refused {
        eprintln!("  {what}: {}", why.replace('\n', "; "));
    }
    assert!(all.faults.is_empty(), "{} faults:\n{}", all.faults.len(), all.faults.join("\n"));
    for (what, way) in [
        ("gitlab personal", Way::InPlace),
        ("cloudflare user-token", Way::CreateThenDelete),
        ("cloudflare account-token", Way::CreateThenDelete),
        // The provider ends the former secret by itself.
        ("cloudflare service-token", Way::InPlace),
        ("datadog api-key", Way::CreateThenDelete),
        ("datadog service-account-key", Way::CreateThenDelete),
        ("openai admin-key", Way::CreateThenDelete),
        ("openai project-key", Way::CreateThenDelete),
        ("sendgrid api-key", Way::CreateThenDelete),
        ("grafana token", Way::CreateThenDelete),
        ("keytender key", Way::CreateThenDelete),
        ("keytender token", Way::CreateThenDelete),
    ] {
        assert!(all.rotated.contains(&(what.to_owned(), way)), "{what}: {way:?}");
    }
    for (what, why) in [
        ("anthropic api-key", "by hand alone"),
        ("anthropic api-key", "people do it at https://"),
        ("datadog application-key", "by hand alone"),
        ("unleash api-token", "people do it at https://"),
        ("databricks token", "needs `application`"),
        ("auth0 client-credential", "needs `public_key`"),
        ("dynatrace access-token", "no source supports"),
        ("elasticsearch api-key", "the credential has 2 parts"),
    ] {
        let is_so = |(refused, said): &(String, String)| refused == what && said.contains(why);
        assert!(all.refused.iter().any(is_so), "{what}: {why}");
    }
    assert!(all.rotated.len() >= 60 && in_place >= 10 && all.tried >= 5);
}
