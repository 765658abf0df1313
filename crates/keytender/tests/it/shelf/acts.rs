//! What is done to a key: which calls that takes, what the provider answers, and what must come of it.

use std::collections::{BTreeMap, BTreeSet};

use keytender_core::akm::Given;
use keytender_core::time::Time;
use serde_json::{Value, json};

use super::estate::Estate;
use super::fact::typed;
use super::model::{Deed, View, fields};
use super::paper::Names;
use super::record::{Fact, Record};
use super::script::Exchange;
use super::{LIVE, stamp, tree};

/// The key that something is done to, in its place.
pub(super) type Subject<'e> = (usize, &'e Record);

/// Which arguments are given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Giving {
    /// Those alone without which nothing can be done.
    Needed,
    /// Each.
    All,
}

/// What is given to the engine, and what names of arguments stand for then.
#[derive(Default)]
pub(super) struct Arguments {
    pub given: BTreeMap<String, Given>,
    pub names: Names,
}

/// What must come of an act.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub id: Option<String>,
    pub secret: Option<String>,
    pub expires: Option<(i64, i64)>,
}

impl<'p> Estate<'p> {
    /// The arguments of an act on a key, or on none.
    pub(super) fn arguments(
        &self,
        deed: Deed<'p>,
        subject: Option<Subject<'_>>,
        giving: Giving,
    ) -> Arguments {
        let mut arguments = Arguments::default();
        for (name, arg) in deed.operation["args"].as_object().into_iter().flatten() {
            let format = arg["as"].as_str().unwrap_or("date-time");
            let is_time = !arg["as"].is_null() || !arg["defaultDays"].is_null();
            let copied = subject.and_then(|(_, record)| record.at(arg["copy"].as_str()?));
            let is_needed = arg["required"] == true && copied.is_none();
            let value = if giving == Giving::All || is_needed {
                if is_time {
                    let moment = stamp::days_from(self.model.now, 100);
                    let given = Given::Time(Time::from_micros(moment));
                    arguments.given.insert(name.clone(), given);
                    match format {
                        "seconds" | "days" => stamp::about(format, moment),
                        _ => stamp::write(format, moment, self.model.now, 0),
                    }
                } else {
                    let value = self.model.sample(deed, name, false);
                    let value = value.unwrap_or_else(|| json!(format!("given {name}")));
                    arguments.given.insert(name.clone(), Given::Value(value.clone()));
                    value
                }
            } else if let Some(copied) = copied {
                copied.clone()
            } else if let Some(default) = arg.get("default") {
                default.clone()
            } else if let Some(days) = arg["defaultDays"].as_i64() {
                stamp::about(format, self.model.now + days * 86_400_000_000)
            } else {
                continue;
            };
            arguments.names.insert(format!("arg.{name}"), value);
        }
        arguments
    }

    /// The calls of an act on a key that there is, and what must come of it.
    pub(super) fn act(
        &self,
        deed: Deed<'p>,
        subject: Option<Subject<'_>>,
        arguments: &Arguments,
        new: Option<&Record>,
    ) -> (Vec<Exchange>, Outcome) {
        let place = subject.map_or(0, |(place, _)| place);
        let mut names = self.places[place].names.clone();
        let mut exchanges = Vec::new();
        let mut under = None;
        if let Some((place, record)) = subject {
            let listed = self.complete(record, self.listed(record));
            names.extend(self.names(place, &listed));
            names.insert("key.id".to_owned(), record.raw_id(self.kind).into());
            let args = deed.operation["args"].as_object();
            let copies = args
                .into_iter()
                .flatten()
                .any(|(name, arg)| !arg["copy"].is_null() && !arguments.given.contains_key(name));
            let is_over = !deed.operation["request"]["over"].is_null();
            if copies || is_over || self.is_secret() {
                let (looked, shown) = self.find(place, record);
                exchanges.extend(looked);
                under = is_over.then_some(shown.entry);
            }
        }
        names.extend(arguments.names.clone());
        let mut exchange = self.model.exchange(deed, &names);
        if let (Some(under), super::script::Body::Json(body)) = (under, &mut exchange.body) {
            *body = tree::lay(&under, body);
            exchange.under = Some(under);
        }
        let outcome = self.reply(deed, subject, new, &mut exchange);
        exchanges.push(exchange);
        (exchanges, outcome)
    }

    /// Puts the answer into an exchange.
    fn reply(
        &self,
        deed: Deed<'p>,
        subject: Option<Subject<'_>>,
        new: Option<&Record>,
        exchange: &mut Exchange,
    ) -> Outcome {
        let view = self.model.view(deed, exchange);
        let mut answer = self.model.blank(deed, view.as_ref());
        let shown = new.or(subject.map(|(_, record)| record));
        let mut filled = None;
        let shows_key = view.is_none() || !deed.pointer("item").is_empty() || new.is_some();
        if let (Some(record), true) = (shown, shows_key) {
            // Some answers show a fact in another way than the list; it is not read there.
            let fits = |at: &str| match (&view, record.at(at)) {
                (Some(view), Some(value)) => view.takes(at, value),
                _ => true,
            };
            let (entry, places) = self.model.entry(self.kind, view.as_ref(), &answer, record, fits);
            if entry.is_object() {
                tree::put(&mut answer, deed.pointer("item"), entry);
                filled = Some(places);
            }
        }
        let mut outcome =
            Outcome { id: subject.map(|(_, record)| self.id(record)), ..Outcome::default() };
        if let Some(record) = new {
            let root = view.as_ref().map(View::root);
            outcome =
                self.made(deed, record, subject, &mut answer, (root.as_ref(), filled.as_ref()));
        }
        self.model.hold(&exchange.label, view.as_ref(), &answer);
        exchange.answer = answer;
        outcome
    }

    /// Puts what is told of a new key into an answer.
    fn made(
        &self,
        deed: Deed<'p>,
        record: &Record,
        subject: Option<Subject<'_>>,
        answer: &mut Value,
        (root, filled): (Option<&View<'p>>, Option<&BTreeSet<String>>),
    ) -> Outcome {
        let mut outcome = Outcome::default();
        let keeps = self.kind["rotation"]["keepsId"] == true;
        let times = self.kind["times"].as_str().unwrap_or("date-time");
        let id_at = fields(&self.kind["fields"]).get("id").map(|(at, _)| (*at).to_owned());
        if id_at.is_some_and(|at| filled.is_some_and(|filled| filled.contains(&at))) {
            outcome.id = Some(self.id(record));
        }
        if let Some((at, _)) = fields(&self.kind["fields"]).get("expiresAt")
            && filled.is_some_and(|filled| filled.contains(*at))
            && let Fact::Moment(moment, off) = record.field("expiresAt", filled.unwrap(), &[])
        {
            outcome.expires = Some((moment, off));
        }
        for (name, (at, format)) in deed.outputs() {
            let value = match name {
                "secret" => {
                    let secret = format!("{LIVE}-new-{}", record.number);
                    outcome.secret = Some(secret.clone());
                    json!(secret)
                }
                "id" => {
                    outcome.id = Some(self.id(record));
                    typed(root, at, json!(record.raw_id(self.kind)))
                }
                "expiresAt" => {
                    let format = format.unwrap_or(times);
                    let moment = stamp::days_from(self.model.now, 50);
                    outcome.expires = Some(stamp::read_back(format, moment));
                    typed(root, at, stamp::write(format, moment, self.model.now, 0))
                }
                _ => json!(format!("{name} of a new key")),
            };
            if root.is_some_and(|root| !root.knows(at)) {
                self.model.fault(format!("{}: nothing stands at {at} ({name})", deed.label()));
            }
            // An id that is the secret is told as the secret.
            match (name, self.is_secret()) {
                ("secret", true) if same_place(deed, at) => {
                    outcome.secret = Some(record.raw_id(self.kind))
                }
                _ => tree::put(answer, at, value),
            }
        }
        outcome.id =
            outcome.id.or_else(|| subject.filter(|_| keeps).map(|(_, record)| self.id(record)));
        outcome
    }

    /// The id as it is listed: a digest, where it is the secret.
    pub(super) fn id(&self, record: &Record) -> String {
        let raw = record.raw_id(self.kind);
        if self.is_secret() { digest(&raw) } else { raw }
    }
}

/// Whether the id is told at the same place as the secret.
fn same_place(deed: Deed<'_>, at: &str) -> bool {
    deed.outputs().get("id").is_some_and(|(id, _)| *id == at)
}

/// What stands for a secret: the first twelve bytes of its SHA-256.
pub(super) fn digest(secret: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.as_bytes());
    let hex: String = digest.as_ref().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("sha256-{hex}")
}
