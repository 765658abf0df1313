//! What an entry of an answer tells of a key: its id, names, times, state.

use std::collections::BTreeMap;

use serde_json::Value;

use super::description::{Description, Shape};
use super::word::{escaped, flat};
use super::yaml::{Map, Node};

const IDS: [&str; 11] = [
    "id",
    "uid",
    "uuid",
    "guid",
    "sid",
    "keyid",
    "tokenid",
    "apikeyid",
    "credentialid",
    "publicid",
    "clientid",
];
/// Members that may be all there is of an id, and are the secret then.
const SECRET_IDS: [&str; 4] = ["value", "key", "token", "secret"];
const NAMES: [&str; 10] = [
    "name",
    "label",
    "title",
    "displayname",
    "keyname",
    "tokenname",
    "friendlyname",
    "nickname",
    "note",
    "description",
];
const HINTS: [&str; 15] = [
    "last4",
    "lastfour",
    "lasteight",
    "tokenlasteight",
    "prefix",
    "keyprefix",
    "tokenprefix",
    "hint",
    "keyhint",
    "redactedvalue",
    "maskedkey",
    "maskedtoken",
    "preview",
    "partialkey",
    "start",
];
const OWNERS: [&str; 8] =
    ["ownerid", "owner", "userid", "user", "username", "memberid", "createdby", "createdbyid"];
const SCOPES: [&str; 8] =
    ["scopes", "scope", "permissions", "roles", "abilities", "acl", "capabilities", "actions"];
const CREATED: [&str; 12] = [
    "createdat",
    "created",
    "createdon",
    "createddate",
    "createddatetime",
    "creationdate",
    "createtime",
    "creationtime",
    "datecreated",
    "dateadded",
    "insertedat",
    "issuedat",
];
const ROTATED: [&str; 4] = ["rotatedat", "lastrotatedat", "lastrotated", "regeneratedat"];
const EXPIRES: [&str; 16] = [
    "expiresat",
    "expires",
    "expireson",
    "expiry",
    "expirydate",
    "expirationdate",
    "expiration",
    "expirationtime",
    "expiretime",
    "expireat",
    "expiredat",
    "validto",
    "validuntil",
    "notafter",
    "validbeforetime",
    "expirytime",
];
const USED: [&str; 12] = [
    "lastusedat",
    "lastused",
    "lastusedon",
    "lastuseddate",
    "lastusedtime",
    "lastuse",
    "lastusage",
    "lastaccessedat",
    "lastaccessed",
    "lastaccess",
    "lastseenat",
    "tokenlastusedat",
];
const USED_FROM: [&str; 3] = ["lastusedip", "lastip", "lastusedfrom"];
/// Objects in an entry that hold what is said of it.
const AROUND: [&str; 7] =
    ["attributes", "metadata", "meta", "properties", "details", "info", "spec"];
const IS_ON: [&str; 4] = ["enabled", "active", "isenabled", "isactive"];
const IS_OFF: [&str; 6] =
    ["disabled", "isdisabled", "suspended", "blocked", "inactive", "isblocked"];
const IS_OVER: [&str; 4] = ["revoked", "isrevoked", "expired", "isexpired"];
const STATES: [&str; 4] = ["status", "state", "keystatus", "tokenstatus"];
/// Members by which a new key shows its secret, the surest first.
const SECRETS: [&str; 15] = [
    "secret",
    "secretkey",
    "clientsecret",
    "secrettoken",
    "plaintext",
    "plaintoken",
    "accesstoken",
    "apikey",
    "apitoken",
    "keystring",
    "privatekey",
    "privatekeydata",
    "token",
    "key",
    "value",
];

/// The words that providers have for states, and ours.
const STATE_WORDS: [(&str, &[&str]); 5] = [
    ("active", &["active", "enabled", "valid", "ok", "live"]),
    ("suspended", &["disabled", "suspended", "inactive", "blocked", "paused"]),
    ("deactivated", &["revoked", "expired", "deactivated"]),
    ("destroyed", &["deleted", "removed", "destroyed"]),
    ("pre-activation", &["pending"]),
];

/// The members of an entry, each with the place where it stands.
pub(super) struct Entry<'d> {
    description: Description<'d>,
    members: Vec<Member<'d>>,
}

struct Member<'d> {
    flat: String,
    at: String,
    schemas: Vec<&'d Value>,
}

/// How a time is written, and why that is not sure.
struct Time {
    format: &'static str,
    doubt: Option<&'static str>,
}

/// What an entry tells.
pub(super) struct Facts {
    pub fields: Map,
    pub state: Vec<Node>,
    pub times: &'static str,
    pub has_secret_id: bool,
    pub has_last_use: bool,
    pub has_end: bool,
    pub has_creation: bool,
}

impl<'d> Entry<'d> {
    /// The members of schemas, and of what stands around them in an entry.
    pub(super) fn new(description: Description<'d>, schemas: &[&'d Value]) -> Self {
        let mut members = Vec::new();
        let mut around = Vec::new();
        for (name, schemas) in description.members(schemas) {
            let at = format!("/{}", escaped(name));
            if AROUND.contains(&flat(name).as_str()) && description.shape(&schemas).is("object") {
                around.push((at.clone(), schemas.clone()));
            }
            members.push(Member { flat: flat(name), at, schemas });
        }
        for (above, schemas) in around {
            for (name, schemas) in description.members(&schemas) {
                let at = format!("{above}/{}", escaped(name));
                members.push(Member { flat: flat(name), at, schemas });
            }
        }
        Self { description, members }
    }

    fn find(&self, names: &[&str], types: &[&str]) -> Option<(&Member<'d>, Shape)> {
        names.iter().find_map(|name| {
            self.members.iter().filter(|member| member.flat == *name).find_map(|member| {
                let shape = self.description.shape(&member.schemas);
                shape.may_be(types).then_some((member, shape))
            })
        })
    }

    /// The place of its id; `also` is what the path calls it.
    pub(super) fn id(&self, also: &str) -> Option<&str> {
        let also = flat(also);
        let names: Vec<&str> = std::iter::once("id").chain([also.as_str()]).chain(IDS).collect();
        let (member, _) = self.find(&names, &["string", "integer"])?;
        (!SECRET_IDS.contains(&member.flat.as_str())).then_some(member.at.as_str())
    }

    /// The place of a member of this name.
    pub(super) fn at(&self, name: &str) -> Option<&str> {
        let name = flat(name);
        self.find(&[&name], &["string", "integer"]).map(|(member, _)| member.at.as_str())
    }

    /// The place of a name that people gave it.
    pub(super) fn name(&self) -> Option<&str> {
        self.find(&NAMES, &["string"]).map(|(member, _)| member.at.as_str())
    }

    /// The place of the secret of a new key, which a listed one does not show.
    pub(super) fn secret(&self, listed: Option<&Entry<'_>>) -> Option<&str> {
        let is_listed = |at: &str| {
            listed.is_some_and(|listed| listed.members.iter().any(|member| member.at == at))
        };
        let texts = |names: &[&str], is_new: bool| {
            names.iter().find_map(|name| {
                let (member, shape) = self.find(&[name], &["string"])?;
                (shape.is("string") && !(is_new && is_listed(&member.at))).then_some(member)
            })
        };
        let found = texts(&SECRETS, true).or_else(|| {
            self.members.iter().find(|member| {
                let is_word =
                    ["secret", "token", "key"].iter().any(|one| member.flat.ends_with(one));
                is_word && !is_listed(&member.at) && self.is_text(member)
            })
        });
        found.or_else(|| texts(&SECRETS, false)).map(|member| member.at.as_str())
    }

    fn is_text(&self, member: &Member<'_>) -> bool {
        self.description.shape(&member.schemas).is("string")
    }

    /// How many of its members look like facts of a key.
    pub(super) fn known(&self) -> usize {
        let names: [&[&str]; 7] = [&IDS, &SECRET_IDS, &NAMES, &CREATED, &EXPIRES, &SCOPES, &OWNERS];
        let is_known =
            |member: &&Member<'d>| names.iter().any(|all| all.contains(&member.flat.as_str()));
        self.members.iter().filter(is_known).count()
    }

    /// All that it tells of a key; `also` is what the path calls its id.
    pub(super) fn facts(&self, also: &str) -> Facts {
        const SCALAR: [&str; 4] = ["string", "integer", "number", "boolean"];
        const TIME: [&str; 3] = ["string", "integer", "number"];
        let mut fields = Map::default();
        let has_secret_id = self.put_id(&mut fields, also);
        let end = self.find(&EXPIRES, &TIME);
        let times = end.as_ref().map_or("date-time", |(_, shape)| time(shape).format);
        for (name, names, types) in [
            ("name", &NAMES[..], &["string"][..]),
            ("hint", &HINTS, &["string"]),
            ("owner", &OWNERS, &SCALAR),
            ("scopes", &SCOPES, &["array", "string"]),
        ] {
            // What nothing is said of may be an object, which is no fact.
            let Some((member, shape)) = self.find(names, types) else { continue };
            if name == "scopes" && !self.is_list_of_texts(member, &shape) {
                continue;
            }
            fields.text(name, &member.at);
            if name == "owner" && member.flat.starts_with("created") {
                fields.doubt("this is who made the key; is it who it acts for?");
            }
        }
        for (name, names) in [
            ("createdAt", &CREATED[..]),
            ("rotatedAt", &ROTATED),
            ("expiresAt", &EXPIRES),
            ("lastUsedAt", &USED),
        ] {
            if let Some((member, shape)) = self.find(names, &TIME) {
                put_time(&mut fields, name, &member.at, &time(&shape), times);
            }
        }
        if let Some((member, _)) = self.find(&USED_FROM, &["string"]) {
            fields.text("lastUsedIp", &member.at);
        }
        Facts {
            has_secret_id,
            has_last_use: fields.has("lastUsedAt"),
            has_end: end.is_some(),
            has_creation: fields.has("createdAt"),
            state: self.state(end.as_ref().map(|(member, _)| member.at.as_str())),
            fields,
            times,
        }
    }

    fn is_list_of_texts(&self, member: &Member<'d>, shape: &Shape) -> bool {
        let entries = self.description.entries(&member.schemas);
        !shape.is("array") || self.description.shape(&entries).may_be(&["string"])
    }

    /// Says where the id stands, and whether it is the secret itself.
    fn put_id(&self, fields: &mut Map, also: &str) -> bool {
        if let Some(at) = self.id(also) {
            fields.text("id", at);
            return false;
        }
        if let Some((member, _)) = self.find(&SECRET_IDS, &["string"]) {
            let mut id = Map::default();
            id.text("at", &member.at).put("isSecret", Node::Plain("true".to_owned()));
            fields
                .put("id", id)
                .doubt("is this the secret? Then it stays; else write the place alone");
            return true;
        }
        match self.name() {
            Some(at) => {
                fields.text("id", at).doubt("nothing looks like an id; does this tell keys apart?")
            }
            None => {
                fields.text("id", "/id").doubt("the description shows no id; where does it stand?")
            }
        };
        false
    }

    fn state(&self, end: Option<&str>) -> Vec<Node> {
        let mut rules = Vec::new();
        let mut rule = |at: &str, is: Option<bool>, then: &str| {
            let mut map = Map::default();
            map.text("at", at);
            match is {
                Some(is) => map.put("is", Node::Plain(is.to_string())),
                None => map.put("past", Node::Plain("true".to_owned())),
            };
            map.text("then", then);
            rules.push(Node::Map(map));
        };
        for (names, is, then) in [
            (&IS_OVER[..], true, "deactivated"),
            (&IS_OFF, true, "suspended"),
            (&IS_ON, false, "suspended"),
        ] {
            if let Some((member, _)) =
                self.find(names, &["boolean"]).filter(|(_, shape)| shape.is("boolean"))
            {
                rule(&member.at, Some(is), then);
            }
        }
        if let Some(end) = end {
            rule(end, None, "deactivated");
        }
        let words = self.find(&STATES, &["string"]).and_then(|(member, shape)| {
            let known: BTreeMap<_, _> = shape
                .words
                .iter()
                .filter_map(|word| Some((word.as_str()?, state_of(word)?)))
                .collect();
            let mut words = Map::default();
            known.iter().for_each(|(word, state)| {
                words.text(word, state);
            });
            let missing = shape.words.len() != known.len() || known.is_empty();
            let mut map = Map::default();
            map.text("at", &member.at).some("words", words);
            if missing {
                let all: Vec<_> = shape.words.iter().map(Value::to_string).collect();
                map.doubt(&format!(
                    "what does each word mean? The description has: {}",
                    all.join(", ")
                ));
            }
            (!known.is_empty()).then_some(Node::Map(map))
        });
        rules.extend(words);
        if !rules.is_empty() {
            let mut otherwise = Map::default();
            otherwise.text("then", "active");
            rules.push(Node::Map(otherwise));
        }
        rules
    }
}

fn state_of(word: &Value) -> Option<&'static str> {
    let word = flat(word.as_str()?);
    STATE_WORDS.iter().find(|(_, words)| words.contains(&word.as_str())).map(|(state, _)| *state)
}

fn put_time(fields: &mut Map, name: &str, at: &str, time: &Time, times: &str) {
    if time.format == times {
        fields.text(name, at);
    } else {
        let mut field = Map::default();
        field.text("at", at).text("as", time.format);
        fields.put(name, field);
    }
    if let Some(doubt) = time.doubt {
        fields.doubt(doubt);
    }
}

/// How a time is written.
fn time(shape: &Shape) -> Time {
    let is_text = shape.may_be(&["string"]);
    match (is_text, shape.format.as_deref()) {
        (true, Some("date")) => Time { format: "date", doubt: None },
        (true, Some("date-time-rfc-2822")) => Time { format: "rfc2822", doubt: None },
        (true, Some("date-time" | "google-datetime")) => Time { format: "date-time", doubt: None },
        (true, _) => Time {
            format: "date-time",
            doubt: Some("the description does not say how this time is written"),
        },
        (false, _) if shape.about.to_ascii_lowercase().contains("millisecond") => {
            Time { format: "unix-ms", doubt: None }
        }
        (false, _) => Time { format: "unix", doubt: Some("a number: unix or unix-ms?") },
    }
}

/// How a time that is sent is written.
pub(super) fn time_of(shape: &Shape) -> &'static str {
    time(shape).format
}

/// What a member of a body means to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Name,
    Description,
    Expires,
    /// How long it lives, in seconds.
    Seconds,
    /// How long it lives, in days.
    Days,
    Scopes,
}

/// What a member of a body means to us, by its name.
pub(super) fn meaning(name: &str) -> Option<Meaning> {
    const SECONDS: [&str; 6] =
        ["ttl", "expiresin", "secondstolive", "lifetime", "lifetimeseconds", "ttlseconds"];
    const DAYS: [&str; 4] = ["expiresindays", "expirydays", "daystolive", "lifetimedays"];
    let flat = flat(name);
    let flat = flat.as_str();
    match flat {
        "description" | "note" | "comment" => Some(Meaning::Description),
        _ if NAMES.contains(&flat) => Some(Meaning::Name),
        _ if EXPIRES.contains(&flat) => Some(Meaning::Expires),
        _ if SECONDS.contains(&flat) => Some(Meaning::Seconds),
        _ if DAYS.contains(&flat) => Some(Meaning::Days),
        _ if SCOPES.contains(&flat) => Some(Meaning::Scopes),
        _ => None,
    }
}

/// Whether a truth value of a body says that a key works, or that it does not.
pub(super) fn switch(name: &str) -> Option<bool> {
    let flat = flat(name);
    if IS_ON.contains(&flat.as_str()) {
        return Some(true);
    }
    IS_OFF.contains(&flat.as_str()).then_some(false)
}
