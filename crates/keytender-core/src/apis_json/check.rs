//! The rules of version 0.23, each fault with its place and what to do.
//!
//! Verdicts are those of the schema that the specification publishes. Where that lets through what cannot be
//! meant, such as an address that is none, this is told as a note and no fault.

use std::collections::HashSet;

use serde::de::IgnoredAny;

use super::node::{Content, Node, Tree, parse, twice};
use super::read::join;
use super::words::{is_type, meant};
use super::{Remark, VERSION};
use crate::akm::{Fault, Place};

/// How many remarks of a kind are told of one text.
const MAX_REMARKS: usize = 1_000;
/// The most letters of a text that a remark repeats.
const MAX_SHOWN: usize = 60;

/// What is to be said of a text.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// What keeps it from being valid, at most 1,000, in the order of the text.
    pub faults: Vec<Remark>,
    /// What the rules allow and cannot be meant.
    pub notes: Vec<Remark>,
    /// How many faults and notes there are beyond these.
    pub more: usize,
}

impl Checked {
    /// Whether the text is a valid index of version 0.23.
    pub const fn is_valid(&self) -> bool {
        self.faults.is_empty()
    }
}

/// What a member may be.
#[derive(Clone, Copy)]
enum Shape {
    /// A text of at least and at most so many letters.
    Text(usize, usize),
    /// The address of a page.
    Web,
    /// A day.
    Day,
    /// A mail address.
    Mail,
    /// One of these words.
    Word(&'static [&'static str]),
    /// The type of a property.
    Type,
    /// A list of texts.
    Texts,
    /// A list of anything.
    Any,
    /// An object or a list.
    Data,
    /// A list of objects.
    List(&'static Object),
}

/// What an object may be.
struct Object {
    /// What it is called.
    noun: &'static str,
    needed: &'static [&'static str],
    members: &'static [(&'static str, Shape)],
    others: Others,
}

/// What other members an object may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    /// Objects whose name begins with `X-`.
    Extensions,
    /// Any; those that begin with `X-` are texts.
    Texts,
    /// Any.
    Any,
    /// Any; and either `url` or `data` must be there.
    OneOfTwo,
}

const TEXT: Shape = Shape::Text(0, usize::MAX);
const SOME: Shape = Shape::Text(1, usize::MAX);

static INDEX: Object = Object {
    noun: "an index",
    needed: &["name", "description", "url", "apis", "maintainers", "tags"],
    members: &[
        ("aid", TEXT),
        ("visibility", Shape::Word(&["Public", "Private", "Partner"])),
        ("rating", Shape::Word(&["A", "B", "C", "D", "F"])),
        ("type", Shape::Word(&KINDS)),
        ("kind", TEXT),
        ("position", Shape::Word(&["Producing", "Consuming"])),
        ("access", Shape::Word(&["Internal", "1st-Party", "3rd-Party"])),
        ("name", Shape::Text(3, 50)),
        ("description", Shape::Text(5, 1_000)),
        ("url", Shape::Web),
        ("image", TEXT),
        ("created", Shape::Day),
        ("modified", Shape::Day),
        ("specificationVersion", TEXT),
        ("apis", Shape::List(&API)),
        ("maintainers", Shape::List(&CONTACT)),
        ("tags", Shape::Any),
        ("include", Shape::List(&INCLUDE)),
        ("common", Shape::List(&PROPERTY)),
        ("prompts", Shape::List(&PROPERTY)),
        ("rules", Shape::List(&PROPERTY)),
        ("workflows", Shape::List(&PROPERTY)),
        ("overlays", Shape::List(&OVERLAY)),
        ("network", Shape::List(&INCLUDE)),
    ],
    others: Others::Extensions,
};
const KINDS: [&str; 10] = [
    "Index",
    "Template",
    "Example",
    "Collection",
    "Sandbox",
    "Knowledgebase",
    "Blueprint",
    "Contract",
    "Search",
    "Network",
];
static API: Object = Object {
    noun: "an API",
    needed: &["name", "description", "image", "baseURL", "humanURL", "properties"],
    members: &[
        ("aid", TEXT),
        ("name", Shape::Text(2, usize::MAX)),
        ("description", Shape::Text(5, usize::MAX)),
        ("image", TEXT),
        ("created", Shape::Day),
        ("modified", Shape::Day),
        ("baseURL", Shape::Web),
        ("humanURL", Shape::Web),
        ("tags", Shape::Texts),
        ("properties", Shape::List(&PROPERTY)),
        ("prompts", Shape::List(&PROPERTY)),
        ("rules", Shape::List(&PROPERTY)),
        ("workflows", Shape::List(&PROPERTY)),
        ("contact", Shape::List(&CONTACT)),
        ("meta", Shape::List(&META)),
    ],
    others: Others::Any,
};
static PROPERTY: Object = Object {
    noun: "a property",
    needed: &["type"],
    members: &[
        ("name", TEXT),
        ("description", Shape::Text(5, usize::MAX)),
        ("type", Shape::Type),
        ("mediaType", TEXT),
        ("url", TEXT),
        ("data", Shape::Data),
        ("tags", Shape::Texts),
    ],
    others: Others::OneOfTwo,
};
static CONTACT: Object = Object {
    noun: "a contact",
    needed: &["FN"],
    members: &[
        ("FN", SOME),
        ("email", Shape::Mail),
        ("organizationName", SOME),
        ("adr", TEXT),
        ("tel", SOME),
        ("photo", Shape::Web),
        ("vCard", Shape::Web),
        ("url", Shape::Web),
    ],
    others: Others::Texts,
};
static INCLUDE: Object = Object {
    noun: "an included index",
    needed: &["name", "url"],
    members: &[("name", SOME), ("url", TEXT)],
    others: Others::Any,
};
static OVERLAY: Object = Object {
    noun: "an overlay",
    needed: &["url"],
    members: &[("name", SOME), ("url", TEXT)],
    others: Others::Any,
};
static META: Object = Object {
    noun: "a piece of metadata",
    needed: &["key", "value"],
    members: &[("key", TEXT), ("value", TEXT)],
    others: Others::Any,
};

/// Holds a text in JSON or YAML against the rules of version 0.23.
///
/// # Errors
/// When it is beyond the limits of this module.
pub fn check(text: &str) -> Result<Checked, Fault> {
    let mut checker = Checker::default();
    let Tree { root, broken } = parse(text)?;
    if let Some(fault) = broken {
        let hint = "see whether quotes, brackets and indents are closed and even there";
        checker.fault(fault.place, "", &fault.message, hint);
        return Ok(checker.done);
    }
    if text.trim_start_matches('\u{feff}').trim_ascii_start().starts_with('{')
        && let Err(error) = serde_json::from_str::<IgnoredAny>(text)
    {
        let place = Place { line: error.line(), column: error.column() };
        let message = "it looks like JSON and is only YAML: readers of JSON refuse it";
        checker.note(place, "", message, "look for a comma too much, or a missing quote");
    }
    let mut doubled = Vec::new();
    twice(&root, &mut doubled);
    for (name, place) in doubled {
        let message = "it stands twice in one object; readers differ in which counts";
        checker.note(place, &name, message, "remove one");
    }
    if matches!(root.value, Content::Map(_)) {
        checker.object(&root, "", &INDEX);
    } else {
        let message = format!("an index is an object, and this is {}", root.kind());
        checker.fault(root.place, "", &message, "begin with `name`, `description`, `url`");
    }
    checker.version(&root);
    checker.done.faults.sort();
    checker.done.notes.sort();
    Ok(checker.done)
}

/// Whether an index has such a member.
pub(super) fn is_member(name: &str) -> bool {
    INDEX.members.iter().any(|(member, _)| *member == name)
}

#[derive(Default)]
struct Checker {
    done: Checked,
}

impl Checker {
    fn fault(&mut self, place: Place, member: &str, message: &str, hint: &str) {
        let remark = Remark::new(place, member, message, hint);
        if self.done.faults.len() < MAX_REMARKS {
            self.done.faults.push(remark);
        } else {
            self.done.more += 1;
        }
    }

    fn note(&mut self, place: Place, member: &str, message: &str, hint: &str) {
        let remark = Remark::new(place, member, message, hint);
        if self.done.notes.len() < MAX_REMARKS {
            self.done.notes.push(remark);
        } else {
            self.done.more += 1;
        }
    }

    fn version(&mut self, root: &Node) {
        let found = root.get("specificationVersion");
        let Some(Content::Text(version)) = found.map(|node| &node.value) else { return };
        if version != VERSION {
            let place = found.map_or(root.place, |node| node.place);
            let message = format!("it says that it is of version {}", shown(version));
            let hint = format!("write \"{VERSION}\" once it keeps to that");
            self.note(place, "specificationVersion", &message, &hint);
        }
    }

    fn object(&mut self, node: &Node, at: &str, object: &'static Object) {
        let Content::Map(entries) = &node.value else {
            let message = format!("{} is an object, and this is {}", object.noun, node.kind());
            // A property that is no object has both its `url` and its `data`, to a schema.
            if object.others == Others::OneOfTwo {
                return self.fault(node.place, at, &message, "write an object, or remove it");
            }
            return self.note(node.place, at, &message, "write an object, or remove it");
        };
        for member in object.needed {
            if node.get(member).is_none() {
                let message = format!("{} needs it, and it is not there", object.noun);
                self.fault(node.place, &join(at, member), &message, needed_hint(member));
            }
        }
        if object.others == Others::OneOfTwo {
            self.one_of_two(node, at);
        }
        // The last of one name counts.
        let mut seen = HashSet::new();
        for entry in entries.iter().rev().filter(|entry| seen.insert(entry.name.as_str())) {
            self.member(&entry.node, entry.place, &entry.name, at, object);
        }
    }

    fn one_of_two(&mut self, node: &Node, at: &str) {
        match (node.get("url"), node.get("data")) {
            (None, None) => {
                let message = "a property has a `url` or its `data`, and this has neither";
                self.fault(node.place, at, message, "add `url`");
            }
            (Some(_), Some(data)) => {
                let message = "a property has a `url` or its `data`, and this has both";
                self.fault(data.place, at, message, "remove one of them");
            }
            _ => {}
        }
    }

    fn member(&mut self, node: &Node, place: Place, name: &str, at: &str, object: &Object) {
        let at = join(at, &name.chars().take(MAX_SHOWN).collect::<String>());
        if let Some((_, shape)) = object.members.iter().find(|(member, _)| *member == name) {
            return self.value(node, &at, *shape);
        }
        match object.others {
            Others::Extensions if !name.starts_with("X-") => {
                let hint = other_hint(name, object);
                self.fault(place, &at, &format!("{} has no such member", object.noun), &hint);
            }
            Others::Extensions if !matches!(node.value, Content::Map(_)) => {
                let message = format!("an extension is an object, and this is {}", node.kind());
                self.fault(node.place, &at, &message, "put it into an object");
            }
            Others::Texts if name.starts_with("X-") => self.value(node, &at, TEXT),
            _ => {}
        }
    }

    fn value(&mut self, node: &Node, at: &str, shape: Shape) {
        match shape {
            Shape::List(object) => {
                for (place, one) in self.items(node, at).iter().enumerate() {
                    self.object(one, &format!("{at}[{place}]"), object);
                }
            }
            Shape::Texts => {
                for (place, one) in self.items(node, at).iter().enumerate() {
                    self.value(one, &format!("{at}[{place}]"), SOME);
                }
            }
            Shape::Any => _ = self.items(node, at),
            Shape::Data => {
                if !matches!(node.value, Content::Map(_) | Content::List(_)) {
                    let message =
                        format!("data is an object or a list, and this is {}", node.kind());
                    self.fault(node.place, at, &message, "link to it by `url` instead");
                }
            }
            _ => self.text(node, at, shape),
        }
    }

    fn items<'n>(&mut self, node: &'n Node, at: &str) -> &'n [Node] {
        let Content::List(list) = &node.value else {
            let message = format!("it is a list, and this is {}", node.kind());
            self.fault(node.place, at, &message, "write a list, `[]` if there is nothing");
            return &[];
        };
        list
    }

    fn text(&mut self, node: &Node, at: &str, shape: Shape) {
        let Content::Text(text) = &node.value else {
            let message = format!("it is a text, and this is {}", node.kind());
            let hint = match node.value {
                Content::Number(_) | Content::Bool => "put it in quotes",
                Content::Null => "write a text, or leave the member out",
                _ => "write a text",
            };
            return self.fault(node.place, at, &message, hint);
        };
        let text = text.as_str();
        let place = node.place;
        match shape {
            Shape::Text(least, most) => self.length(text, place, at, least, most),
            Shape::Web => self.web(text, place, at),
            Shape::Day if !is_day(text) => {
                let message = format!("{} is no day", shown(text));
                self.note(place, at, &message, "write it like 2026-01-31");
            }
            Shape::Mail if !is_mail(text) => {
                self.note(place, at, "it is no mail address", "write one, or leave it out");
            }
            Shape::Word(words) if !words.contains(&text) => {
                let message = format!("{} is none of its words", shown(text));
                self.fault(place, at, &message, &format!("write one of {}", words.join(", ")));
            }
            Shape::Type if !is_type(text) => {
                let message = format!("{} is no type of {VERSION}", shown(text));
                self.fault(place, at, &message, &format!("write `{}`", meant(text)));
            }
            _ => {}
        }
    }

    fn length(&mut self, text: &str, place: Place, at: &str, least: usize, most: usize) {
        let letters = text.chars().count();
        let has = format!("it has {letters} letters");
        if letters < least {
            let message = format!("{has}, and needs {least}");
            self.fault(place, at, &message, "say a little more");
        }
        if letters > most {
            let message = format!("{has}, of which {most} are allowed");
            self.fault(place, at, &message, "shorten it");
        }
    }

    fn web(&mut self, text: &str, place: Place, at: &str) {
        let is_address = ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
        let hint = "write an address that begins with https://";
        if !takes_web(text) {
            self.fault(place, at, &format!("{} is no address of the web", shown(text)), hint);
        } else if !is_address {
            self.note(place, at, &format!("{} is no address of the web", shown(text)), hint);
        }
    }
}

/// What the schema takes for an address: its pattern is not anchored as it looks.
pub(super) fn takes_web(text: &str) -> bool {
    let after = text.split_once("https://").map(|(_, rest)| rest);
    let ends = |rest: &str| !rest.strip_suffix('\n').unwrap_or(rest).contains('\n');
    let last = text.rsplit_once("https://").map(|(_, rest)| rest);
    text.starts_with("http") || after.is_some_and(ends) || last.is_some_and(ends)
}

/// Whether a text is a day as RFC 3339 writes it.
fn is_day(text: &str) -> bool {
    text.parse::<jiff::civil::Date>().is_ok() && text.len() == "2026-01-31".len()
}

fn is_mail(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
}

/// A text in a remark.
fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(MAX_SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("`{short}`")
}

fn needed_hint(member: &str) -> &'static str {
    match member {
        "image" => "add the address of a picture; an empty text is taken too",
        "baseURL" => "add what its calls begin with, such as https://api.example.com",
        "humanURL" => "add its home page",
        "properties" | "apis" | "maintainers" | "tags" => "add the list, `[]` if there is nothing",
        "description" => "say in a sentence what it is",
        "FN" => "add the name of a person or an organization",
        "type" => "say what it is, such as `Documentation`",
        "url" => "say where it is",
        _ => "add it",
    }
}

/// What to do about a member that is none.
fn other_hint(name: &str, object: &Object) -> String {
    let bare = name.strip_prefix("x-").unwrap_or(name);
    let near = |member: &&str| strsim::jaro_winkler(member, bare) > 0.88;
    if let Some((member, _)) = object.members.iter().find(|(member, _)| near(member)) {
        return format!("call it `{member}`");
    }
    let name: String = bare.chars().take(MAX_SHOWN).collect();
    format!("remove it, or put it into an object called `X-{name}`")
}
