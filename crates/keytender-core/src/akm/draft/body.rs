//! The body of an act: what the description wants, by the arguments that people know.

use std::collections::BTreeMap;

use serde_json::Value;

use super::description::{Description, Endpoint};
use super::fact::{Meaning, meaning, time_of};
use super::word::camel;
use super::yaml::{Map, Node};

/// How deep objects may stand in a body.
const MAX_DEPTH: usize = 4;
/// The most members of a body.
const MAX_MEMBERS: usize = 40;

/// What an act sends beside its path, and who decides it.
pub(super) struct Body<'d> {
    description: Description<'d>,
    /// The members of what `get` shows, from which a successor is copied.
    shown: BTreeMap<&'d str, Vec<&'d Value>>,
    pub args: Map,
    /// Members that may be sent, and are not.
    pub left: Vec<String>,
}

impl<'d> Body<'d> {
    pub(super) fn new(
        description: Description<'d>,
        shown: BTreeMap<&'d str, Vec<&'d Value>>,
    ) -> Self {
        Self { description, shown, args: Map::default(), left: Vec::new() }
    }

    /// Adds the body of an operation to its request. `only` are the meanings that it is for; what must
    /// be sent is sent too.
    pub(super) fn add(&mut self, request: &mut Map, endpoint: &Endpoint<'d>, only: &[Meaning]) {
        let Some((schema, is_form)) = self.description.body(endpoint) else { return };
        let members = self.object(schema, only, 0, is_form);
        if !members.is_empty() || self.description.needs_body(endpoint) {
            request.put(if is_form { "form" } else { "json" }, members);
        }
    }

    fn object(&mut self, schema: &'d Value, only: &[Meaning], depth: usize, is_flat: bool) -> Map {
        let required = self.description.required(schema);
        let mut map = Map::default();
        for (name, schemas) in self.description.members(&[schema]).into_iter().take(MAX_MEMBERS) {
            if self.description.is_read_only(&schemas) {
                continue;
            }
            let must = required.contains(name);
            let known = meaning(name).filter(|meaning| only.contains(meaning));
            match (known, must) {
                (Some(meaning), _) if self.fits(meaning, &schemas) => {
                    map.text(name, &self.arg(meaning, name, &schemas, must, depth));
                }
                (_, true) if depth < MAX_DEPTH && !is_flat && self.is_object(&schemas) => {
                    let inner =
                        schemas.first().map(|first| self.object(first, only, depth + 1, false));
                    map.put(name, inner.unwrap_or_default());
                }
                (_, true) => {
                    let value = self.wanted(name, &schemas);
                    map.put(name, value);
                }
                (_, false) => self.left.push(name.to_owned()),
            }
        }
        map
    }

    fn is_object(&self, schemas: &[&'d Value]) -> bool {
        self.description.shape(schemas).is("object")
            && !self.description.members(schemas).is_empty()
    }

    /// Whether what people give for a meaning can stand there.
    fn fits(&self, meaning: Meaning, schemas: &[&'d Value]) -> bool {
        let shape = self.description.shape(schemas);
        match meaning {
            Meaning::Name | Meaning::Description => shape.may_be(&["string"]),
            Meaning::Expires => shape.may_be(&["string", "integer", "number"]),
            Meaning::Seconds | Meaning::Days => shape.may_be(&["integer", "number"]),
            Meaning::Scopes => true,
        }
    }

    fn arg(
        &mut self,
        meaning: Meaning,
        name: &'d str,
        schemas: &[&'d Value],
        must: bool,
        depth: usize,
    ) -> String {
        let shape = self.description.shape(schemas);
        let (wanted, help, format) = match meaning {
            Meaning::Name => ("name", "its name", None),
            Meaning::Description => ("description", "what it is for", None),
            Meaning::Expires => ("expires", "when it ends", Some(time_of(&shape))),
            Meaning::Seconds => ("expires", "when it ends", Some("seconds")),
            Meaning::Days => ("expires", "when it ends", Some("days")),
            Meaning::Scopes => ("scopes", "what it may do", None),
        };
        let wanted = if self.args.has(wanted) { camel(name) } else { wanted.to_owned() };
        if self.args.has(&wanted) {
            return format!("{{arg.{wanted}}}");
        }
        let mut arg = Map::default();
        arg.text("help", help);
        if must {
            arg.put("required", Node::Plain("true".to_owned()));
        }
        if let Some(format) = format {
            arg.text("as", format);
        } else if depth == 0 && self.shown.contains_key(name) {
            arg.text("copy", &format!("/{}", super::word::escaped(name)));
        }
        self.args.put(&wanted, arg);
        format!("{{arg.{wanted}}}")
    }

    /// What must be sent, and we do not know what it is.
    fn wanted(&mut self, name: &'d str, schemas: &[&'d Value]) -> Node {
        let only = self.description.default(schemas);
        if let Some(value) = only.filter(|value| !value.to_string().contains(['{', '}'])) {
            return Node::value(value);
        }
        let wanted = camel(name);
        if !self.args.has(&wanted) {
            let shape = self.description.shape(schemas);
            let about = super::yaml::clean(&shape.about);
            let mut arg = Map::default();
            arg.text("help", if about.is_empty() { name } else { &about });
            arg.put("required", Node::Plain("true".to_owned()));
            self.args.put(&wanted, arg).doubt("what is this, and is there a usual value?");
        }
        Node::text(&format!("{{arg.{wanted}}}"))
    }
}
