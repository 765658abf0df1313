//! Holds what is read from answers against the description: items, fields, states, pages.

use std::collections::BTreeMap;

use keytender_core::akm::{
    Field, FieldName, Operation, OperationName, Paging, Pointer, StateRule, TimeFormat,
};
use serde_json::Value;

use super::description::{Endpoint, json};
use super::operation::is_time_of;
use super::schema::{Found, Schemas, Shape};

/// The schemas of an answer, or of a part of it.
#[derive(Clone)]
pub(super) struct Answer<'d> {
    pub schemas: Schemas<'d>,
    pub found: Found<'d>,
}

/// Reads pointers, and counts them.
#[derive(Default)]
pub(super) struct Reading {
    pub pointers: usize,
    pub open: Vec<String>,
    pub faults: Vec<String>,
}

/// What must stand where a pointer leads.
#[derive(Clone, Copy)]
pub(super) enum Wanted {
    Anything,
    List,
    Scalar,
    Id,
    Text,
    Number,
    Bool,
    Scopes,
    Time(TimeFormat),
}

impl<'d> Answer<'d> {
    /// The answer to a success, and what is wrong about the codes.
    pub(super) fn of(endpoint: &Endpoint<'d>, operation: &Operation) -> (Self, Vec<String>) {
        let mut faults = Vec::new();
        let known = endpoint.success();
        let codes = if operation.success.is_empty() { &known } else { &operation.success };
        if codes.is_empty() {
            faults.push("the description names no success".to_owned());
        }
        let (there, absent): (Vec<u16>, Vec<u16>) =
            codes.iter().partition(|code| endpoint.response(**code).is_some());
        faults.extend(absent.iter().map(|code| format!("success {code} is not among {known:?}")));
        // Where no code is right, what is read is held against those that would be.
        let codes = if there.is_empty() { known } else { there };
        let mut bodies = Vec::new();
        let mut is_open = false;
        for code in codes {
            let Some(response) = endpoint.response(code) else { continue };
            match json(response) {
                Some(schema) => bodies.push(schema),
                None => is_open |= code != 204 && response.get("content").is_none(),
            }
        }
        let found = match (bodies.is_empty(), is_open) {
            (false, _) => Found::Known(bodies),
            (true, true) => Found::Open,
            (true, false) => Found::Missing,
        };
        (Self { schemas: endpoint.schemas, found }, faults)
    }

    pub(super) fn at(&self, pointer: &Pointer) -> Self {
        self.behind(pointer.names())
    }

    pub(super) fn behind(&self, names: impl Iterator<Item = String>) -> Self {
        let found = match &self.found {
            Found::Known(base) => self.schemas.find(base, names),
            other => other.clone(),
        };
        Self { schemas: self.schemas, found }
    }

    pub(super) fn shape(&self) -> Shape {
        match &self.found {
            Found::Known(schemas) => self.schemas.shape(schemas),
            Found::Open | Found::Missing => Shape::default(),
        }
    }
}

impl Reading {
    /// Follows a pointer in an answer.
    pub(super) fn follow<'d>(
        &mut self,
        what: &str,
        pointer: &Pointer,
        answer: &Answer<'d>,
        wanted: Wanted,
    ) -> Answer<'d> {
        self.pointers += 1;
        let there = answer.at(pointer);
        match there.found {
            Found::Open => self.open.push(format!("{what} {pointer}")),
            Found::Missing => self.faults.push(format!("{what}: nothing stands at `{pointer}`")),
            Found::Known(_) => {
                let shape = there.shape();
                if !wanted.fits(&shape) {
                    self.faults.push(format!("{what} at `{pointer}` is {shape}"));
                }
            }
        }
        there
    }

    /// Facts that stand in an answer.
    pub(super) fn outputs(
        &mut self,
        outputs: &BTreeMap<FieldName, Field>,
        times: TimeFormat,
        answer: &Answer<'_>,
    ) {
        for (name, field) in outputs {
            self.follow(
                &format!("outputs.{name:?}"),
                field.at(),
                answer,
                wanted(*name, field, times),
            );
        }
    }

    /// Facts of entries: each stands in the list, or in what completes it.
    pub(super) fn fields(
        &mut self,
        fields: &BTreeMap<FieldName, Field>,
        times: TimeFormat,
        entries: &[Answer<'_>],
    ) {
        for (name, field) in fields {
            let Some(entry) = entry(field.at(), entries) else { continue };
            self.follow(
                &format!("fields.{name:?}"),
                field.at(),
                entry,
                wanted(*name, field, times),
            );
        }
    }

    pub(super) fn states(
        &mut self,
        rules: &[StateRule],
        times: TimeFormat,
        entries: &[Answer<'_>],
    ) {
        for rule in rules {
            let Some(at) = &rule.at else { continue };
            let Some(entry) = entry(at, entries) else { continue };
            let kind = if rule.past { Wanted::Time(times) } else { Wanted::Anything };
            let shape = self.follow("state", at, entry, kind).shape();
            for word in rule.words.keys() {
                if !shape.takes_text(word) || !shape.has(&["string", "integer", "number"]) {
                    self.faults.push(format!("state: `{word}` at `{at}` is not {shape}"));
                }
            }
            if let Some(is) = &rule.is
                && !shape.takes(is)
            {
                self.faults.push(format!("state: {is} at `{at}` is not {shape}"));
            }
        }
    }

    /// How the next part of a list is got.
    pub(super) fn paging(&mut self, paging: &Paging, answer: &Answer<'_>, item: &Answer<'_>) {
        let mut read = |what: &str, at: &Option<Pointer>, base: &Answer<'_>, kind: Wanted| {
            if let Some(at) = at {
                self.follow(&format!("paging {what}"), at, base, kind);
            }
        };
        match paging {
            Paging::None | Paging::LinkHeader { .. } => {}
            Paging::Page { pages, more, .. } => {
                read("pages", pages, answer, Wanted::Number);
                read("more", more, answer, Wanted::Bool);
            }
            Paging::Offset { total, .. } => read("total", total, answer, Wanted::Number),
            Paging::Cursor { next, last, more, .. } => {
                read("next", next, answer, Wanted::Scalar);
                read("last", last, item, Wanted::Scalar);
                read("more", more, answer, Wanted::Bool);
            }
            Paging::NextUrl { next, .. } => read("next", &Some(next.clone()), answer, Wanted::Text),
        }
    }

    pub(super) fn refusals(&mut self, operation: &Operation, answer: &Answer<'_>) {
        for refusal in &operation.refusals {
            let shape = self.follow("refusal", &refusal.at, answer, Wanted::Anything).shape();
            if let Some(is) = &refusal.is
                && !shape.takes(is)
            {
                self.faults.push(format!("refusal: {is} at `{}` is not {shape}", refusal.at));
            }
        }
    }
}

/// The entry in which something stands, or else the first.
fn entry<'e, 'd>(at: &Pointer, entries: &'e [Answer<'d>]) -> Option<&'e Answer<'d>> {
    let is_known = |entry: &&Answer<'_>| matches!(entry.at(at).found, Found::Known(_));
    let is_open = |entry: &&Answer<'_>| entry.at(at).found == Found::Open;
    let found = entries.iter().find(is_known).or_else(|| entries.iter().find(is_open));
    found.or_else(|| entries.first())
}

fn wanted(name: FieldName, field: &Field, times: TimeFormat) -> Wanted {
    match name {
        name if name.is_time() => Wanted::Time(field.format().unwrap_or(times)),
        FieldName::Id => Wanted::Id,
        FieldName::Secret => Wanted::Text,
        FieldName::Scopes => Wanted::Scopes,
        _ => Wanted::Scalar,
    }
}

impl Wanted {
    fn fits(self, shape: &Shape) -> bool {
        match self {
            Self::Anything => true,
            Self::List => shape.has(&["array"]),
            Self::Scalar => shape.is_scalar(),
            Self::Id => shape.has(&["string", "integer"]),
            Self::Text => shape.has(&["string"]),
            Self::Number => shape.has(&["integer", "number"]),
            Self::Bool => shape.has(&["boolean"]),
            Self::Scopes => shape.has(&["array", "string"]),
            Self::Time(format) => is_time_of(format, shape),
        }
    }
}

/// What an operation has to be read for: the items of a list, the item of everything else.
pub(super) fn item<'d>(
    name: OperationName,
    operation: &Operation,
    answer: &Answer<'d>,
    reading: &mut Reading,
) -> Answer<'d> {
    if name == OperationName::List {
        let items = operation.items.clone().unwrap_or_default();
        let list = reading.follow("items", &items, answer, Wanted::List);
        return list.behind(std::iter::once("0".to_owned()));
    }
    if operation.item.as_str().is_empty() {
        return answer.clone();
    }
    reading.follow("item", &operation.item, answer, Wanted::Anything)
}

/// Whether a schema was found, so that it may be read on.
pub(super) fn is_there(answer: &Answer<'_>) -> bool {
    answer.found != Found::Missing
}

/// The schemas of an answer, for a body that is laid over it.
pub(super) fn known<'d>(answer: &Answer<'d>) -> Option<Vec<&'d Value>> {
    match &answer.found {
        Found::Known(schemas) => Some(schemas.clone()),
        Found::Open | Found::Missing => None,
    }
}
