//! Where the API is: the server of a description, and what an account has to say for it.

use serde_json::Value;

use super::description::Description;
use super::word::camel;
use super::yaml::{Map, Node, clean};
use crate::akm::call::is_host;

/// The server of a draft.
pub(super) struct Server {
    /// `https://{var.host}/v1`.
    pub url: String,
    /// The host, where it has no variables.
    pub host: Option<String>,
    pub doubts: Vec<String>,
}

/// What an account says beside its credential.
#[derive(Default)]
pub(super) struct Variables {
    map: Map,
}

impl Variables {
    /// Adds a variable, once.
    pub(super) fn add(&mut self, name: &str, help: &str, default: Option<&str>, is_host: bool) {
        if self.map.has(name) {
            return;
        }
        let mut variable = Map::default();
        variable.text("help", help);
        if let Some(default) = default {
            variable.text("default", default);
        }
        if is_host {
            variable.put("isHost", Node::Plain("true".to_owned()));
        }
        self.map.put(name, variable);
    }

    pub(super) fn map(self) -> Map {
        self.map
    }
}

/// The server: `given`, or the first of the description.
pub(super) fn server(
    description: Description<'_>,
    given: Option<&str>,
    variables: &mut Variables,
) -> Server {
    let servers = description.at("servers").as_array().map(Vec::as_slice).unwrap_or_default();
    let first = servers.first().unwrap_or(&Value::Null);
    let mut doubts = Vec::new();
    let url = given.or_else(|| first["url"].as_str()).unwrap_or_default();
    let (scheme, behind) = url.split_once("://").unwrap_or(("", url));
    if scheme == "http" {
        doubts.push("the description says http; calls are made by https alone".to_owned());
    }
    let (host, path) = match (scheme, behind.find('/').and_then(|at| behind.split_at_checked(at))) {
        ("", _) => ("", behind),
        (_, Some(parts)) => parts,
        (_, None) => (behind, ""),
    };
    if servers.len() > 1 && given.is_none() {
        let others = servers.iter().skip(1).take(8).filter_map(|one| one["url"].as_str());
        let others: Vec<_> = others.map(clean).collect();
        doubts.push(format!("there are other servers too: {}", others.join(", ")));
    }
    let known = if given.is_none() { &first["variables"] } else { &Value::Null };
    let host = host_of(host, known, variables, &mut doubts);
    let path = fill(path, known, variables, false);
    let is_path = path.chars().all(|one| one.is_ascii_graphic() && !"?#\\%".contains(one));
    let path = if is_path { path.trim_end_matches('/') } else { "" };
    let slash = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
    let url = format!("https://{host}{slash}{path}");
    Server { url, host: is_host(&host).then_some(host), doubts }
}

/// A host that may stand in a server, with variables for what an account says.
fn host_of(
    host: &str,
    known: &Value,
    variables: &mut Variables,
    doubts: &mut Vec<String>,
) -> String {
    let bare = host.split(':').next().unwrap_or_default();
    let plain = plain(bare);
    let is_own_machine =
        bare == "localhost" || plain.chars().all(|one| one.is_ascii_digit() || one == '.');
    let is_one_name = plain == "x" && bare != "x";
    if is_host(&plain) && !is_own_machine && (plain.contains('.') || is_one_name) {
        return fill(bare, known, variables, true);
    }
    doubts.push("the description does not say at which host the API is".to_owned());
    variables.add("host", "The host of the API", None, true);
    "{var.host}".to_owned()
}

/// A text with `x` for each `{parameter}`.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for (place, part) in text.split('{').enumerate() {
        match part.split_once('}') {
            Some((_, behind)) if place > 0 => {
                out.push('x');
                out.push_str(behind);
            }
            _ => out.push_str(part),
        }
    }
    out
}

/// A text of `servers`, with our names for its variables.
fn fill(text: &str, known: &Value, variables: &mut Variables, in_host: bool) -> String {
    let mut out = String::new();
    for (place, part) in text.split('{').enumerate() {
        let Some((name, behind)) = part.split_once('}').filter(|_| place > 0) else {
            out.push_str(part);
            continue;
        };
        let about = &known[name];
        let default = about["default"].as_str().map(clean).filter(|default| !default.is_empty());
        let fits = |default: &String| !in_host || (is_host(default) && !is_number(default));
        let help = about["description"].as_str().map(clean).filter(|help| !help.is_empty());
        let name = camel(name);
        let help = help.unwrap_or_else(|| format!("The {name} of the API's address"));
        variables.add(&name, &help, default.filter(fits).as_deref(), in_host);
        out.push_str(&format!("{{var.{name}}}"));
        out.push_str(behind);
    }
    out
}

fn is_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    last.chars().all(|one| one.is_ascii_digit()) || last.starts_with("0x") || last.starts_with("0X")
}
