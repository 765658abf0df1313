//! A descriptor as plain data, and what its texts become: read by none of the code that runs it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::habits::Habits;

/// What names in braces stand for: `key.id`, `var.org`, `secret`.
pub(super) type Names = BTreeMap<String, Value>;

/// A descriptor.
pub(super) struct Paper(Value);

/// Where a request goes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Address {
    pub host: String,
    /// The segments of the path, as they are meant.
    pub segments: Vec<String>,
    /// The path with `{}` for names.
    pub shape: String,
}

impl Paper {
    pub(super) fn read(text: &str) -> Self {
        Self(serde_saphyr::from_str(text).unwrap())
    }

    pub(super) fn root(&self) -> &Value {
        &self.0
    }

    pub(super) fn habits(&self) -> Habits<'_> {
        Habits(self.0["provider"]["id"].as_str().unwrap())
    }

    pub(super) fn kinds(&self) -> &[Value] {
        self.0["keyTypes"].as_array().unwrap()
    }

    /// What keys of a kind stand in, the outermost first.
    pub(super) fn chain(&self, kind: &Value) -> Vec<&Value> {
        let mut chain = Vec::new();
        let mut next = kind["within"].as_str();
        while let Some(id) = next {
            let all = self.0["resources"].as_array().unwrap();
            let resource = all.iter().find(|one| one["id"] == id).unwrap();
            chain.insert(0, resource);
            next = resource["within"].as_str();
        }
        chain
    }

    /// A way of authentication; the first where none is named.
    pub(super) fn method(&self, id: Option<&str>) -> Option<&Value> {
        let all = self.0["authentication"]["methods"].as_array()?;
        match id {
            Some(id) => all.iter().find(|method| method["id"] == id),
            None => all.first(),
        }
    }

    /// What an account says of itself.
    pub(super) fn variables(&self) -> BTreeMap<String, String> {
        let all = self.0["variables"].as_object().into_iter().flatten();
        let value = |(name, variable): (&String, &Value)| {
            let given = match (variable["default"].as_str(), variable["isHost"] == true) {
                (Some(default), _) => default.to_owned(),
                // A whole host, or the first part of one.
                (None, true) if self.is_behind_more(name) => "acme".to_owned(),
                (None, true) => "keys.acme.example".to_owned(),
                (None, false) => format!("our-{name}"),
            };
            (name.clone(), given)
        };
        all.map(value).collect()
    }

    fn is_behind_more(&self, name: &str) -> bool {
        let server = self.0["server"].as_str().unwrap_or_default();
        server.contains(&format!("{{var.{name}}}."))
    }

    /// The variables as names.
    pub(super) fn names(&self) -> Names {
        let all = self.variables().into_iter();
        all.map(|(name, value)| (format!("var.{name}"), value.into())).collect()
    }

    /// The hosts of all its URLs.
    pub(super) fn hosts(&self) -> BTreeSet<String> {
        let mut urls = Vec::new();
        let mut rest = vec![&self.0["authentication"], &self.0["keyTypes"], &self.0["resources"]];
        while let Some(value) = rest.pop() {
            match value {
                Value::Array(all) => rest.extend(all),
                Value::Object(all) => {
                    let is_url = |name: &str| {
                        name == "tokenUrl" || (name == "url" && all.contains_key("method"))
                    };
                    urls.extend(all.iter().filter(|(name, _)| is_url(name)).map(|(_, url)| url));
                    rest.extend(all.values());
                }
                _ => {}
            }
        }
        let server = &self.0["server"];
        let whole = urls
            .iter()
            .map(|url| if url.as_str().unwrap().starts_with('/') { server } else { url });
        let host = |url: &Value| {
            let (_, behind) = url.as_str().unwrap().split_once("://").unwrap();
            fill(behind.split('/').next().unwrap(), &self.names()).unwrap()
        };
        whole.map(host).collect()
    }

    /// Where a URL leads; a path stands behind the server.
    pub(super) fn address(&self, url: &str, names: &Names) -> Result<Address, String> {
        let server = self.0["server"].as_str().unwrap_or_default();
        let whole = match url.starts_with('/') {
            true => format!("{}{url}", server.trim_end_matches('/')),
            false => url.to_owned(),
        };
        let (_, behind) = whole.split_once("://").unwrap();
        let (host, path) = behind.split_once('/').unwrap_or((behind, ""));
        let segments: Result<_, _> = path.split('/').map(|part| fill(part, names)).collect();
        let shape: Vec<_> = path.split('/').map(holes).collect();
        Ok(Address {
            host: fill(host, names)?,
            segments: segments?,
            shape: format!("/{}", shape.join("/")),
        })
    }
}

/// A text with what its names stand for; or the name that stands for nothing.
pub(super) fn fill(text: &str, names: &Names) -> Result<String, String> {
    let mut filled = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Plain(plain) => filled.push_str(&plain),
            Piece::Name(name) => match names.get(&name).filter(|value| !value.is_null()) {
                Some(value) => filled.push_str(&plain_text(value)),
                None => return Err(name),
            },
        }
    }
    Ok(filled)
}

/// The text of a body or of a template, with values in it; `None` where it is left out.
pub(super) fn fill_body(body: &Value, names: &Names) -> Option<Value> {
    Some(match body {
        Value::String(text) => match only_name(text) {
            Some(name) => names.get(&name).cloned()?,
            None => fill(text, names).ok()?.into(),
        },
        Value::Array(list) => list.iter().filter_map(|one| fill_body(one, names)).collect(),
        Value::Object(members) => {
            let filled = members.iter();
            let filled =
                filled.filter_map(|(name, one)| Some((name.clone(), fill_body(one, names)?)));
            Value::Object(filled.collect::<Map<_, _>>())
        }
        plain => plain.clone(),
    })
}

/// Texts by name, of which those that lack something are left out.
pub(super) fn fill_all(all: &Value, names: &Names) -> BTreeMap<String, String> {
    let all = all.as_object().into_iter().flatten();
    let filled = |(name, text): (&String, &Value)| {
        Some((name.clone(), fill(text.as_str().unwrap(), names).ok()?))
    };
    all.filter_map(filled).collect()
}

/// The name that a text consists of.
pub(super) fn only_name(text: &str) -> Option<String> {
    match pieces(text).as_slice() {
        [Piece::Name(name)] => Some(name.clone()),
        _ => None,
    }
}

/// A value as it stands in a URL or in a header.
fn plain_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(plain_text).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

fn holes(text: &str) -> String {
    let pieces = pieces(text).into_iter();
    pieces
        .map(|piece| match piece {
            Piece::Plain(plain) => plain,
            Piece::Name(_) => "{}".to_owned(),
        })
        .collect()
}

enum Piece {
    Plain(String),
    Name(String),
}

/// Braces hold names, and two of them stand for one.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        let (brace, behind) = from.split_at(1);
        if let Some(behind) = behind.strip_prefix(brace) {
            plain.push_str(brace);
            rest = behind;
            continue;
        }
        let (name, behind) = behind.split_once('}').unwrap();
        pieces.push(Piece::Plain(std::mem::take(&mut plain)));
        pieces.push(Piece::Name(name.to_owned()));
        rest = behind;
    }
    plain.push_str(rest);
    pieces.push(Piece::Plain(plain));
    pieces.retain(|piece| !matches!(piece, Piece::Plain(plain) if plain.is_empty()));
    pieces
}
