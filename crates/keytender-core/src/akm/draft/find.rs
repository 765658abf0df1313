//! Which operations of a description are about keys, and what each does with them.

use std::collections::BTreeMap;

use super::description::{Description, Endpoint};
use super::word::{flat, words};
use crate::akm::operation::{HttpMethod, OperationName};

/// What a path that is about keys ends in.
const KEYS: [&str; 6] = ["key", "token", "credential", "secret", "pat", "apikey"];
/// Words before these that make something else of them.
const OTHER: [&str; 17] = [
    "ssh",
    "gpg",
    "pgp",
    "public",
    "host",
    "encryption",
    "idempotency",
    "refresh",
    "session",
    "device",
    "push",
    "oauth",
    "oauth2",
    "jwk",
    "jwks",
    "primary",
    "registry",
];
const ROTATE: [&str; 9] =
    ["rotate", "regenerate", "reset", "roll", "reroll", "renew", "rotatesecret", "value", "regen"];
const SUSPEND: [&str; 5] = ["disable", "deactivate", "suspend", "block", "pause"];
const RESUME: [&str; 7] =
    ["enable", "activate", "resume", "unblock", "reactivate", "unsuspend", "unpause"];
const REVOKE: [&str; 2] = ["revoke", "delete"];
const WHOAMI: [&str; 6] = ["self", "me", "whoami", "verify", "current", "introspect"];
/// What a POST to a collection does that makes no key.
const NOT_CREATE: [&str; 7] =
    ["revoke", "delete", "disable", "update", "review", "approve", "reset"];

/// A kind of key: the operations at one collection of a description.
pub(super) struct Found<'d> {
    /// The path of the collection.
    pub collection: String,
    /// The words of its last segment.
    pub words: Vec<String>,
    pub acts: BTreeMap<OperationName, Endpoint<'d>>,
    /// PATCH, PUT or POST of one key, which may change its name or its state.
    pub change: Option<Endpoint<'d>>,
    /// Operations at it of which nobody knows what they are for.
    pub other: Vec<Endpoint<'d>>,
}

/// Where a path stands to its collection of keys.
struct Role {
    collection: String,
    words: Vec<String>,
    below: Below,
}

enum Below {
    Collection,
    Item,
    Verb { word: String, of_item: bool },
    Else,
}

/// The kinds of keys of a description: what can be listed first.
pub(super) fn find<'d>(description: Description<'d>) -> (Vec<Found<'d>>, Vec<Endpoint<'d>>) {
    let mut kinds = BTreeMap::<String, Found<'d>>::new();
    for endpoint in description.endpoints() {
        let Some(role) = role(endpoint.path) else { continue };
        let kind = kinds.entry(flat_path(&role.collection)).or_insert_with(|| Found {
            collection: role.collection.clone(),
            words: role.words.clone(),
            acts: BTreeMap::new(),
            change: None,
            other: Vec::new(),
        });
        kind.add(&role, endpoint);
    }
    let kinds = join(kinds.into_values().collect());
    let (mut kept, lone): (Vec<_>, Vec<_>) = kinds.into_iter().partition(Found::is_kind);
    kept.sort_by_key(|kind| !kind.acts.contains_key(&OperationName::List));
    let unused = kept.iter().flat_map(|kind| kind.other.clone());
    let lone = lone.into_iter().flat_map(|kind| {
        kind.acts.into_values().chain(kind.change).chain(kind.other).collect::<Vec<_>>()
    });
    let unused = unused.chain(lone).collect();
    (kept, unused)
}

impl<'d> Found<'d> {
    fn add(&mut self, role: &Role, endpoint: Endpoint<'d>) {
        let name = match (&role.below, endpoint.method) {
            (Below::Collection, HttpMethod::Get) => Some(OperationName::List),
            (Below::Collection, HttpMethod::Post) if makes(&endpoint) => {
                Some(OperationName::Create)
            }
            (Below::Item, HttpMethod::Get) => Some(OperationName::Get),
            (Below::Item, HttpMethod::Delete) => Some(OperationName::Delete),
            (Below::Item, HttpMethod::Patch) => {
                self.other.extend(self.change.replace(endpoint));
                return;
            }
            (Below::Item, HttpMethod::Put | HttpMethod::Post) if self.change.is_none() => {
                self.change = Some(endpoint);
                return;
            }
            (Below::Verb { word, of_item }, method) => verb(word, *of_item, method),
            _ => None,
        };
        match name {
            Some(name) if !self.acts.contains_key(&name) => {
                self.acts.insert(name, endpoint);
            }
            _ => self.other.push(endpoint),
        }
    }

    /// Whether enough can be done for it to be a kind of keys, rather than one odd path.
    fn is_kind(&self) -> bool {
        let has = |name| self.acts.contains_key(&name);
        has(OperationName::List) || (has(OperationName::Create) && self.acts.len() > 1)
    }
}

/// Some providers list keys below what they stand in, and have one path for each key elsewhere.
fn join(mut kinds: Vec<Found<'_>>) -> Vec<Found<'_>> {
    let has_items = |kind: &Found<'_>| {
        kind.acts.contains_key(&OperationName::Get)
            || kind.acts.contains_key(&OperationName::Delete)
    };
    let is_half =
        |kind: &Found<'_>| !kind.acts.contains_key(&OperationName::List) && has_items(kind);
    let (halves, mut whole): (Vec<_>, Vec<_>) = kinds.drain(..).partition(is_half);
    for half in halves {
        let fits = |kind: &&mut Found<'_>| kind.words == half.words && !has_items(kind);
        let mut fitting: Vec<_> = whole.iter_mut().filter(fits).collect();
        match fitting.as_mut_slice() {
            [one] => {
                for (name, endpoint) in half.acts {
                    one.acts.entry(name).or_insert(endpoint);
                }
                one.change = one.change.or(half.change);
                one.other.extend(half.other);
            }
            _ => whole.push(half),
        }
    }
    whole
}

fn makes(endpoint: &Endpoint<'_>) -> bool {
    let says = |name: &str| words(endpoint.operation[name].as_str().unwrap_or_default());
    let said: Vec<_> = [says("operationId"), says("summary")].concat();
    !said.iter().any(|word| NOT_CREATE.contains(&word.as_str()))
}

fn verb(word: &str, of_item: bool, method: HttpMethod) -> Option<OperationName> {
    if method == HttpMethod::Get {
        return (!of_item && WHOAMI.contains(&word)).then_some(OperationName::Whoami);
    }
    let is_act = of_item && method != HttpMethod::Delete;
    match word {
        word if is_act && ROTATE.contains(&word) => Some(OperationName::Rotate),
        word if is_act && SUSPEND.contains(&word) => Some(OperationName::Suspend),
        word if is_act && RESUME.contains(&word) => Some(OperationName::Resume),
        word if is_act && REVOKE.contains(&word) => Some(OperationName::Delete),
        _ => None,
    }
}

/// The last segment that is about keys, and what stands behind it.
fn role(path: &str) -> Option<Role> {
    let segments: Vec<&str> = path.split('/').collect();
    let is_hole = |segment: &&str| segment.contains('{');
    let at = segments.iter().rposition(|segment| !is_hole(segment) && is_keys(segment))?;
    let (before, behind) = segments.split_at(at);
    let (key, behind) = behind.split_first()?;
    if before.last().is_some_and(|one| flat(one).starts_with("oauth")) {
        return None;
    }
    let (key, verb) = split_verb(key);
    let mut behind: Vec<&str> = behind.iter().copied().filter(|one| !one.is_empty()).collect();
    let mut last_verb = verb;
    if let Some(last) = behind.last_mut() {
        let (segment, verb) = split_verb(last);
        *last = segment;
        last_verb = last_verb.or(verb);
    }
    behind.extend(last_verb);
    let below = match behind.as_slice() {
        [] => Below::Collection,
        [one] if is_hole(one) => Below::Item,
        [one] => Below::Verb { word: flat(one), of_item: false },
        [item, rest @ .., last] if is_hole(item) && !rest.iter().any(is_hole) && !is_hole(last) => {
            Below::Verb { word: flat(last), of_item: true }
        }
        _ => Below::Else,
    };
    let name = key.strip_suffix(".json").unwrap_or(key);
    let mut collection = before.join("/");
    collection.push('/');
    collection.push_str(name);
    Some(Role { collection, words: words(name), below })
}

/// `keys/{id}:disable` is `keys/{id}` and `disable`.
fn split_verb(segment: &str) -> (&str, Option<&str>) {
    let end = segment.rfind('}').unwrap_or_default();
    let behind = segment.get(end..).unwrap_or_default();
    match behind.find(':').and_then(|at| segment.split_at_checked(end + at)) {
        Some((segment, verb)) if !segment.is_empty() => (segment, verb.get(1..)),
        _ => (segment, None),
    }
}

fn is_keys(segment: &str) -> bool {
    let (segment, _) = split_verb(segment);
    let words = words(segment.strip_suffix(".json").unwrap_or(segment));
    let ends = words.last().is_some_and(|last| KEYS.contains(&last.as_str()));
    ends && !words.iter().any(|word| OTHER.contains(&word.as_str()))
}

/// A path, whatever its parameters are called.
fn flat_path(path: &str) -> String {
    let mut out = String::new();
    let mut depth = 0_usize;
    for letter in path.chars() {
        match letter {
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                out.push('*');
            }
            letter if depth == 0 => out.push(letter),
            _ => {}
        }
    }
    out
}
