//! A text in JSON or YAML as a tree in which each value knows its place; within limits, and as far as it can be
//! understood.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Marker, Parser, ScalarStyle};
use serde_json::Value;

use super::{MAX_BYTES, MAX_DEPTH, MAX_NODES};
use crate::akm::{Fault, Place};

/// The most bytes of text in a tree: what aliases repeat counts each time.
const MAX_TEXT: usize = 2 * MAX_BYTES;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Content,
}

/// What stands there.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    Null,
    Bool,
    Number(String),
    Text(String),
    List(Vec<Node>),
    /// In the order of the text; the last of one name counts.
    Map(Vec<Entry>),
}

/// A name and what it stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) node: Node,
}

/// What a text holds, and what kept the rest of it from being read.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) root: Node,
    pub(super) broken: Option<Fault>,
}

impl Node {
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let Content::Map(entries) = &self.value else { return None };
        entries.iter().rev().find(|entry| entry.name == name).map(|entry| &entry.node)
    }

    /// What kind of value it is, in JSON's words.
    pub(super) const fn kind(&self) -> &'static str {
        match self.value {
            Content::Null => "null",
            Content::Bool => "a truth value",
            Content::Number(_) => "a number",
            Content::Text(_) => "a text",
            Content::List(_) => "a list",
            Content::Map(_) => "an object",
        }
    }

    /// How many values it has, and how many bytes of text.
    fn weight(&self) -> Weight {
        let mut weight = Weight { nodes: 1, bytes: 0 };
        match &self.value {
            Content::Text(text) | Content::Number(text) => weight.bytes += text.len(),
            Content::List(list) => list.iter().for_each(|node| weight.add(node.weight())),
            Content::Map(entries) => {
                for entry in entries {
                    weight.add(Weight { nodes: 1, bytes: entry.name.len() });
                    weight.add(entry.node.weight());
                }
            }
            Content::Null | Content::Bool => {}
        }
        weight
    }

    /// How many levels it has.
    fn height(&self) -> usize {
        let within = match &self.value {
            Content::List(list) => list.iter().map(Self::height).max(),
            Content::Map(entries) => entries.iter().map(|entry| entry.node.height()).max(),
            _ => return 0,
        };
        1 + within.unwrap_or(0)
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Weight {
    nodes: usize,
    bytes: usize,
}

impl Weight {
    const fn add(&mut self, more: Self) {
        self.nodes = self.nodes.saturating_add(more.nodes);
        self.bytes = self.bytes.saturating_add(more.bytes);
    }

    const fn is_too_much(self) -> bool {
        self.nodes > MAX_NODES || self.bytes > MAX_TEXT
    }
}

/// Reads a text. Where it stops being JSON or YAML, what stood before is kept.
///
/// # Errors
/// When it is beyond a limit, or nothing of it can be read.
pub(super) fn parse(text: &str) -> Result<Tree, Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > MAX_BYTES {
        let message = format!("it has {} bytes, of which at most {MAX_BYTES} are read", text.len());
        return Err(Fault::new(Place::default(), message));
    }
    let mut builder = Builder::default();
    let broken = builder.read(text)?;
    let is_json = text.trim_ascii_start().starts_with(['{', '[']);
    if let Some(broken) = &broken
        && is_json
        && let Ok(value) = serde_json::from_str::<Value>(text)
    {
        // JSON writes some letters as two halves, which YAML does not know. Places are lost.
        let mut left = MAX_NODES;
        let root = of_json(value, MAX_DEPTH, &mut left).ok_or_else(|| too_much(broken.place))?;
        return Ok(Tree { root, broken: None });
    }
    if let Some(broken) = &broken
        && is_json
        && let Some(part) = closed(text, broken.place)
    {
        // Of brackets nothing is told before the last is closed.
        builder = Builder::default();
        builder.read(&part)?;
    }
    match (builder.finish(), broken) {
        (Some(root), broken) => Ok(Tree { root, broken }),
        (None, Some(broken)) => Err(broken),
        (None, None) => Err(Fault::new(Place::default(), "it is empty")),
    }
}

/// What stands before a mistake in JSON, up to the last bracket that was closed, with all others closed.
fn closed(text: &str, mistake: Place) -> Option<String> {
    let (mut open, mut is_quoted, mut is_escaped) = (Vec::new(), false, false);
    let mut last: Option<(usize, Vec<char>)> = None;
    let (mut line, mut column) = (1, 0);
    for (offset, one) in text.char_indices() {
        (line, column) = if one == '\n' { (line + 1, 0) } else { (line, column + 1) };
        if (line, column) > (mistake.line, mistake.column) {
            break;
        }
        match one {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '{' => open.push('}'),
            '[' => open.push(']'),
            '}' | ']' if open.last() == Some(&one) => {
                open.pop();
                if open.len() < MAX_DEPTH {
                    last = Some((offset + 1, open.clone()));
                }
            }
            '}' | ']' => break,
            _ => {}
        }
    }
    let (end, open) = last?;
    let mut part = text.get(..end)?.to_owned();
    part.extend(open.iter().rev());
    Some(part)
}

fn too_much(place: Place) -> Fault {
    let message = format!(
        "it holds more than {MAX_NODES} values, {MAX_TEXT} bytes of text, or {MAX_DEPTH} levels"
    );
    Fault::new(place, message)
}

fn of_json(value: Value, depth: usize, left: &mut usize) -> Option<Node> {
    *left = left.checked_sub(1)?;
    let depth = depth.checked_sub(1)?;
    let value = match value {
        Value::Null => Content::Null,
        Value::Bool(_) => Content::Bool,
        Value::Number(number) => Content::Number(number.to_string()),
        Value::String(text) => Content::Text(text),
        Value::Array(list) => {
            let nodes: Option<_> = list.into_iter().map(|one| of_json(one, depth, left)).collect();
            Content::List(nodes?)
        }
        Value::Object(map) => {
            let entry = |(name, value)| {
                let node = of_json(value, depth, left)?;
                Some(Entry { name, place: Place::default(), node })
            };
            let entries: Option<_> = map.into_iter().map(entry).collect();
            Content::Map(entries?)
        }
    };
    Some(Node { place: Place::default(), value })
}

/// A list or an object that is open.
#[derive(Debug)]
struct Frame {
    node: Node,
    anchor: usize,
    /// The name whose value comes next.
    name: Option<(String, Place)>,
}

/// Makes a tree of events.
#[derive(Debug, Default)]
struct Builder {
    frames: Vec<Frame>,
    root: Option<Node>,
    anchored: HashMap<usize, Node>,
    weight: Weight,
}

impl Builder {
    /// Reads as far as the text can be understood; what stopped it, if anything did.
    fn read(&mut self, text: &str) -> Result<Option<Fault>, Fault> {
        for event in Parser::new_from_str(text) {
            let (event, span) = match event {
                Ok(found) => found,
                Err(error) => {
                    let place = place(error.marker());
                    return Ok(Some(Fault::new(place, "this is neither JSON nor YAML")));
                }
            };
            let place = place(&span.start);
            match event {
                Event::Scalar(text, style, anchor, tag) => {
                    let is_plain = style == ScalarStyle::Plain && tag.is_none();
                    let value =
                        if is_plain { resolve(&text) } else { Content::Text(text.into_owned()) };
                    let node = Node { place, value };
                    self.count(node.weight(), place)?;
                    self.put(node, anchor)?;
                }
                Event::SequenceStart(_, anchor, _) => {
                    self.open(Content::List(Vec::new()), anchor, place)?;
                }
                Event::MappingStart(_, anchor, _) => {
                    self.open(Content::Map(Vec::new()), anchor, place)?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.close()?,
                Event::Alias(anchor) => self.repeat(anchor, place)?,
                Event::DocumentEnd => return Ok(None),
                _ => {}
            }
        }
        Ok(None)
    }

    fn count(&mut self, more: Weight, place: Place) -> Result<(), Fault> {
        self.weight.add(more);
        if self.weight.is_too_much() { Err(too_much(place)) } else { Ok(()) }
    }

    fn open(&mut self, value: Content, anchor: usize, place: Place) -> Result<(), Fault> {
        self.count(Weight { nodes: 1, bytes: 0 }, place)?;
        if self.frames.len() >= MAX_DEPTH {
            return Err(too_much(place));
        }
        self.frames.push(Frame { node: Node { place, value }, anchor, name: None });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fault> {
        match self.frames.pop() {
            Some(frame) => self.put(frame.node, frame.anchor),
            None => Ok(()),
        }
    }

    /// What stands at an anchor, once more: counted before it is copied.
    fn repeat(&mut self, anchor: usize, place: Place) -> Result<(), Fault> {
        // An alias within what it names has no end.
        let Some(weight) = self.anchored.get(&anchor).map(Node::weight) else {
            return self.put(Node { place, value: Content::Null }, 0);
        };
        self.count(weight, place)?;
        let Some(mut node) = self.anchored.get(&anchor).cloned() else { return Ok(()) };
        if self.frames.len() + node.height() > MAX_DEPTH {
            return Err(too_much(place));
        }
        node.place = place;
        self.put(node, 0)
    }

    fn put(&mut self, node: Node, anchor: usize) -> Result<(), Fault> {
        if anchor != 0 {
            // What is kept for aliases counts like what is there.
            self.count(node.weight(), node.place)?;
            self.anchored.insert(anchor, node.clone());
        }
        let Some(frame) = self.frames.last_mut() else {
            self.root.get_or_insert(node);
            return Ok(());
        };
        match &mut frame.node.value {
            Content::List(list) => list.push(node),
            Content::Map(entries) => match frame.name.take() {
                Some((name, place)) => entries.push(Entry { name, place, node }),
                None => frame.name = Some((name_of(&node), node.place)),
            },
            _ => {}
        }
        Ok(())
    }

    /// The tree, with what is still open closed.
    fn finish(mut self) -> Option<Node> {
        while !self.frames.is_empty() {
            if self.close().is_err() {
                return None;
            }
        }
        self.root
    }
}

/// A place as people count: both numbers from 1.
fn place(at: &Marker) -> Place {
    Place { line: at.line().max(1), column: at.col() + 1 }
}

/// A name, whatever is written in its place.
fn name_of(node: &Node) -> String {
    match &node.value {
        Content::Text(text) | Content::Number(text) => text.clone(),
        _ => String::new(),
    }
}

/// What a text without quotes is (the core schema of YAML 1.2.2, section 10.3.2).
fn resolve(text: &str) -> Content {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Content::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Content::Bool,
        _ if is_number(text) => Content::Number(text.to_owned()),
        _ => Content::Text(text.to_owned()),
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+']);
    let signs = text.len() - digits.len();
    let has_digit = |text: &str| text.contains(|one: char| one.is_ascii_digit());
    let is_radix = |prefix: &str, radix: u32| {
        digits
            .strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|one| one.is_digit(radix)))
    };
    if signs == 0 && (is_radix("0x", 16) || is_radix("0o", 8)) {
        return true;
    }
    if signs <= 1 && matches!(digits, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let is_plain = digits.starts_with(|one: char| one.is_ascii_digit() || one == '.');
    signs <= 1 && is_plain && has_digit(digits) && digits.parse::<f64>().is_ok()
}

/// The names that stand twice in one object, and where they do so again.
pub(super) fn twice(node: &Node, found: &mut Vec<(String, Place)>) {
    match &node.value {
        Content::List(list) => list.iter().for_each(|node| twice(node, found)),
        Content::Map(entries) => {
            let mut names = HashSet::new();
            for entry in entries {
                if !names.insert(entry.name.as_str()) {
                    found.push((entry.name.clone(), entry.place));
                }
                twice(&entry.node, found);
            }
        }
        _ => {}
    }
}
