//! Any descriptor is run against a provider on loopback, a good one or a hostile one.

mod acts;
mod attacks;
mod keys;
mod limits;
mod pages;
pub(crate) mod provider;
pub(crate) mod sign_in;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use keytender::connect::descriptor::{
    Binding, Engine, Failure, Listing, Session, Settings, Target, Trust, hosts,
};
use keytender_core::akm::{Descriptor, KeyType};
use keytender_core::secret::Secret;

use crate::notify::{PATIENT, run};
use provider::Provider;

/// A credential that must be seen nowhere but in a header.
const SECRET: &str = "hunter2";

/// A descriptor of a kind of key, whose operations are given; a bearer and a server are there.
fn acme(operations: &str) -> Arc<Descriptor> {
    parse(&format!(
        r"
authentication: {{methods: [{{id: token, scheme: bearer}}]}}
keyTypes:
  - id: key
    noun: API key
    type: api-key
    fields: {{id: /id, name: /name, createdAt: /created_at, expiresAt: /expires_at}}
    operations:
{operations}
"
    ))
}

/// A descriptor with a head.
fn parse(rest: &str) -> Arc<Descriptor> {
    let text = format!(
        "akm: \"0.1\"\nprovider: {{id: acme, name: Acme, url: https://acme.example}}\n\
         server: https://api.acme.example/v1\n{rest}"
    );
    match Descriptor::parse(&text) {
        Ok(read) => Arc::new(read.descriptor),
        Err(faults) => panic!("{faults:?}\n{text}"),
    }
}

fn engine() -> Engine {
    Engine::new(&Settings { timeout: PATIENT, roots: None, allow_private: true }).unwrap()
}

fn binding(descriptor: &Arc<Descriptor>, provider: &Provider) -> Binding {
    Binding {
        descriptor: Arc::clone(descriptor),
        variables: BTreeMap::new(),
        method: None,
        endpoint: Some(provider.url.clone()),
        hosts: hosts(descriptor, &BTreeMap::new()),
        secret: Some(Secret::new(SECRET)),
        trust: Trust::Shelf,
    }
}

fn session(descriptor: &Arc<Descriptor>, provider: &Provider) -> Session {
    engine().open(binding(descriptor, provider)).unwrap()
}

fn kind(session: &Session) -> KeyType {
    session.descriptor().key_types[0].clone()
}

/// Lists the keys of the first kind.
fn list(session: &Session) -> Result<Listing, Failure> {
    let kind = kind(session);
    run(is_send(session.list(&kind)))
}

/// Tasks of a server move between threads.
fn is_send<T: Send>(future: T) -> T {
    future
}

/// The ids of the keys that were listed.
fn ids(listing: &Listing) -> Vec<&str> {
    listing.keys.iter().map(|found| found.key.id.as_str()).collect()
}

/// The key of this id, which stands in nothing.
fn key(id: &str) -> Target {
    Target { id: id.to_owned(), ..Target::default() }
}

/// What a failure shows, in every way that it can be shown.
fn shown(failure: &Failure) -> String {
    format!("{failure}\n{failure:?}\n{:?}", failure.hint())
}

#[test]
fn hosts_are_what_would_be_reached() {
    let descriptor = parse(
        r#"
variables:
  host: {help: the host, default: eu.acme.example, isHost: true}
  org: {help: the organization}
authentication:
  methods:
    - {id: token, scheme: {oauth2-client-credentials: {tokenUrl: "https://login.acme.example/{var.org}/token", clientId: a, clientSecret: b}}}
keyTypes:
  - id: key
    type: api-key
    fields: {id: /id}
    operations:
      list: {request: {method: GET, url: "https://{var.host}/keys"}, items: ""}
      get: {request: {method: GET, url: "/keys/{key.id}"}}
"#,
    );
    let with = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        hosts(&descriptor, &pairs.collect())
    };
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let others = ["api.acme.example", "login.acme.example"];
    assert_eq!(with(&[]), set(&[&others[..], &["eu.acme.example"]].concat()));
    assert_eq!(
        with(&[("host", "US.acme.example")]),
        set(&[&others[..], &["us.acme.example"]].concat())
    );
    assert_eq!(with(&[("host", "a@evil.example")]), set(&others));
    assert_eq!(with(&[("host", "evil.example:444")]), set(&others));
}

#[test]
fn what_is_missing_is_named() {
    let descriptor = parse(
        r#"
variables: {org: {help: the name of the organization}}
authentication: {methods: [{id: pair, scheme: {basic: {username: "{secret.user}", password: "{secret.word}"}}, parts: [user, word]}]}
keyTypes:
  - {id: key, type: api-key, fields: {id: /id}, operations: {list: {request: {method: GET, url: "/{var.org}/keys"}, items: ""}}}
"#,
    );
    let provider = Provider::start(|_| provider::good(serde_json::json!([])));
    let bare = binding(&descriptor, &provider);
    let open = |binding: Binding| engine().open(binding).map(|_| ()).unwrap_err().to_string();
    let variables = BTreeMap::from([("org".to_owned(), "a".to_owned())]);
    let named = Binding { variables: variables.clone(), ..bare.clone() };
    assert!(open(named.clone()).contains("2 parts, `user`, `word`"), "{}", open(named.clone()));
    let without = Binding { secret: None, ..named.clone() };
    assert!(open(without).ends_with("there is no credential"));
    let unknown = BTreeMap::from([("organisation".to_owned(), "a".to_owned())]);
    let unknown = Binding { variables: unknown, ..bare };
    assert!(open(unknown).ends_with("there is no variable `organisation`"));
    let good = Binding { secret: Some(Secret::new("ann\nhunter2")), ..named };
    // What a kind of key does not need, nobody must say; this one needs it.
    let lacking = Binding { variables: BTreeMap::new(), ..good.clone() };
    let failure = list(&engine().open(lacking).unwrap()).unwrap_err();
    assert!(failure.is_lacking() && failure.to_string().contains("{var.org}"), "{failure}");
    let session = engine().open(good).unwrap();
    list(&session).unwrap();
    assert_eq!(provider.came()[0].authorization(), "Basic YW5uOmh1bnRlcjI=");
    assert_eq!(provider.lines(), ["GET /v1/a/keys"]);
}
