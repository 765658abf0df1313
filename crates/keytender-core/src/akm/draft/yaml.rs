//! YAML as people write it: short things on one line, and a comment above what is to be decided.

use std::fmt::Write;

use serde_json::Value;

/// How wide a line may be that holds several things.
const WIDTH: usize = 96;
/// The most letters of a text that a description gives.
const MAX_LETTERS: usize = 300;
/// Words that YAML reads as something else than a text.
const WORDS: [&str; 10] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "~"];

/// Something that is written.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// A text, number or truth value, as it is written.
    Plain(String),
    /// A list.
    List(Vec<Self>),
    /// Names and what they stand for.
    Map(Map),
}

/// Names and what they stand for, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Map {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    name: String,
    doubts: Vec<String>,
    node: Node,
}

/// A text of a description that people and terminals can be shown: one line, nothing hidden.
pub(super) fn clean(text: &str) -> String {
    let is_hidden = |one: char| {
        one.is_control()
            || matches!(one, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
            || matches!(one, '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    let shown = text.replace(is_hidden, " ");
    let words: Vec<_> = shown.split_whitespace().collect();
    words.join(" ").chars().take(MAX_LETTERS).collect()
}

impl Node {
    /// A text.
    pub(super) fn text(text: &str) -> Self {
        let text = clean(text);
        let is_letter = |one: char| one.is_ascii_alphanumeric() || " _./-".contains(one);
        let begins = text.starts_with(|one: char| one.is_ascii_alphabetic() || one == '/');
        let is_word = WORDS.contains(&text.to_ascii_lowercase().as_str());
        if begins && !is_word && text.replacen("://", "", 1).chars().all(is_letter) {
            return Self::Plain(text);
        }
        Self::Plain(Value::from(text).to_string())
    }

    /// A text, number or truth value of a description.
    pub(super) fn value(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::text(text),
            other => Self::Plain(other.to_string()),
        }
    }

    /// A list of texts.
    pub(super) fn texts<T: AsRef<str>>(texts: &[T]) -> Self {
        Self::List(texts.iter().map(|text| Self::text(text.as_ref())).collect())
    }

    fn is_plain(&self) -> bool {
        matches!(self, Self::Plain(_))
    }

    /// On one line, if nothing in it is to be decided.
    fn line(&self) -> Option<String> {
        match self {
            Self::Plain(text) => Some(text.clone()),
            Self::List(list) => {
                let list: Option<Vec<_>> = list.iter().map(Self::line).collect();
                Some(format!("[{}]", list?.join(", ")))
            }
            Self::Map(map) => {
                let line = |entry: &Entry| {
                    let text = entry.node.line().filter(|_| entry.doubts.is_empty())?;
                    Some(format!("{}: {text}", entry.name))
                };
                let entries: Option<Vec<_>> = map.entries.iter().map(line).collect();
                Some(format!("{{{}}}", entries?.join(", ")))
            }
        }
    }

    fn write(&self, out: &mut String, indent: usize, used: usize) {
        let line = self.line().filter(|line| self.is_plain() || used + line.len() <= WIDTH);
        match (line, self) {
            (Some(line), _) => {
                let _ = writeln!(out, " {line}");
            }
            (None, Self::List(list)) => {
                out.push('\n');
                for node in list {
                    let _ = write!(out, "{:indent$}-", "");
                    node.write_listed(out, indent);
                }
            }
            (None, Self::Map(map)) => {
                out.push('\n');
                map.write(out, indent);
            }
            (None, Self::Plain(_)) => {}
        }
    }

    /// Behind the `-` of a list.
    fn write_listed(&self, out: &mut String, indent: usize) {
        let Self::Map(map) = self else { return self.write(out, indent + 2, indent + 2) };
        if let Some(line) = self.line().filter(|line| indent + line.len() + 2 <= WIDTH) {
            let _ = writeln!(out, " {line}");
            return;
        }
        let mut inner = String::new();
        map.write(&mut inner, indent + 2);
        // The first name stands on the line of the dash, unless a comment is above it.
        match inner.get(indent + 1..).filter(|rest| !rest.starts_with(" #")) {
            Some(rest) => out.push_str(rest),
            None => {
                out.push('\n');
                out.push_str(&inner);
            }
        }
    }
}

impl From<Map> for Node {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl Map {
    /// Adds a name and what it stands for.
    pub(super) fn put(&mut self, name: &str, node: impl Into<Node>) -> &mut Self {
        let Node::Plain(name) = Node::text(name) else { return self };
        self.entries.push(Entry { name, doubts: Vec::new(), node: node.into() });
        self
    }

    /// Adds a name and a text.
    pub(super) fn text(&mut self, name: &str, text: &str) -> &mut Self {
        self.put(name, Node::text(text))
    }

    /// Says what is to be decided about the entry that was added last.
    pub(super) fn doubt(&mut self, doubt: &str) -> &mut Self {
        if let Some(last) = self.entries.last_mut() {
            last.doubts.push(clean(doubt));
        }
        self
    }

    /// Adds a map, unless it is empty.
    pub(super) fn some(&mut self, name: &str, map: Self) -> &mut Self {
        if map.is_empty() { self } else { self.put(name, map) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What a name stands for.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.entries.iter().find(|entry| entry.name == name).map(|entry| &entry.node)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.name == name)
    }

    /// Writes it, each name on a line of its own.
    pub(super) fn write(&self, out: &mut String, indent: usize) {
        for entry in &self.entries {
            for doubt in &entry.doubts {
                let _ = writeln!(out, "{:indent$}# decide: {doubt}", "");
            }
            let _ = write!(out, "{:indent$}{}:", "", entry.name);
            entry.node.write(out, indent + 2, indent + entry.name.len() + 2);
        }
    }
}
