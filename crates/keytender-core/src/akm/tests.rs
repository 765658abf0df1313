use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::key::{LastUse, State};
use crate::time::Time;

const GITLAB: &str = include_str!("../../../../providers/gitlab/akm.yaml");

fn gitlab() -> Descriptor {
    Descriptor::parse(GITLAB).unwrap().descriptor
}

fn now() -> Time {
    Time::parse("2026-11-24T00:00:00Z").unwrap()
}

fn values() -> Values {
    let mut values = Values::default();
    values.set("var", "host", "gitlab.example.org");
    values.set("key", "id", "42");
    values
}

fn request(descriptor: &Descriptor, name: OperationName) -> &Operation {
    &descriptor.key_types[0].operations[&name]
}

#[test]
fn a_call_has_what_is_given_and_what_is_so_by_default() {
    let descriptor = gitlab();
    let rotate = request(&descriptor, OperationName::Rotate);
    let mut values = values();
    values.set_args(&rotate.args, &BTreeMap::new(), None, now());
    let call = descriptor.call(rotate.request.as_ref().unwrap(), &values, None).unwrap();
    assert_eq!(call.method, HttpMethod::Post);
    assert_eq!(call.url, "https://gitlab.example.org/api/v4/personal_access_tokens/42/rotate");
    assert_eq!(call.body, CallBody::Json(json!({"expires_at": "2027-02-22"})));
    let given = Given::Time(Time::parse("2027-01-01").unwrap());
    values.set_args(&rotate.args, &BTreeMap::from([("expires".to_owned(), given)]), None, now());
    let call = descriptor.call(rotate.request.as_ref().unwrap(), &values, None).unwrap();
    assert_eq!(call.body, CallBody::Json(json!({"expires_at": "2027-01-01"})));
}

#[test]
fn null_is_sent_where_it_is_the_default_and_in_json_alone() {
    let text = "
akm: '0.1'
provider: {id: acme, name: Acme, url: https://acme.example}
server: https://api.acme.example
keyTypes:
  - id: key
    type: api-key
    operations:
      create:
        request:
          method: POST
          url: /keys
          query: {until: '{arg.until}'}
          json: {ends: '{arg.until}', note: '{arg.note}', about: 'until {arg.until}'}
        args: {until: {as: date, default: null, copy: /until}, note: {}}
";
    let descriptor = Descriptor::parse(text).unwrap().descriptor;
    let create = request(&descriptor, OperationName::Create);
    let call = |shown: Option<serde_json::Value>| {
        let mut values = Values::default();
        values.set_args(&create.args, &BTreeMap::new(), shown.as_ref(), now());
        let call = descriptor.call(create.request.as_ref().unwrap(), &values, None).unwrap();
        (call.query, call.body)
    };
    let null = CallBody::Json(json!({"ends": null}));
    assert_eq!(call(None), (vec![], null.clone()));
    assert_eq!(call(Some(json!({"until": null}))), (vec![], null));
    let (query, body) = call(Some(json!({"until": "2027-01-01"})));
    assert_eq!(query, [("until".to_owned(), "2027-01-01".to_owned())]);
    assert_eq!(body, CallBody::Json(json!({"ends": "2027-01-01", "about": "until 2027-01-01"})));
}

#[test]
fn what_is_filled_in_leads_nowhere_else() {
    let descriptor = gitlab();
    let get = request(&descriptor, OperationName::Get).request.as_ref().unwrap();
    let url = |id: &str, host: &str| {
        let mut values = values();
        values.set("key", "id", id);
        values.set("var", "host", host);
        descriptor.call(get, &values, None).map(|call| call.url)
    };
    let base = "https://gitlab.com/api/v4/personal_access_tokens/";
    for (id, segment) in [
        ("a/../b", "a%2F..%2Fb"),
        ("a?b#c", "a%3Fb%23c"),
        ("%2e%2e", "%252e%252e"),
        ("ä\n", "%C3%A4%0A"),
    ] {
        assert_eq!(url(id, "gitlab.com").unwrap(), format!("{base}{segment}"));
    }
    for id in ["", ".", ".."] {
        assert!(url(id, "gitlab.com").is_err(), "{id}");
    }
    for host in ["evil.example/x", "a@evil.example", "gitlab.com:80", "", "a..b", "-a.com", "a#b"] {
        assert!(url("1", host).is_err(), "{host}");
    }
}

#[test]
fn a_listed_key_is_read_and_nothing_else_of_it() {
    let descriptor = gitlab();
    let entry = Entry::new(json!({
        "id": 42, "name": "deploy", "user_id": 7, "scopes": ["api", "read_user"], "revoked": false,
        "active": true, "created_at": "2025-01-15T08:00:00.000Z", "expires_at": "2026-12-24",
        "last_used_at": null, "token": "glpat-secret"
    }));
    let (key, odd) = descriptor.key_types[0].read(&entry, now()).unwrap();
    assert_eq!(odd, []);
    assert_eq!(key.id, "42");
    assert_eq!(key.owner.as_deref(), Some("7"));
    assert_eq!(key.scopes, ["api", "read_user"]);
    assert_eq!((key.state, key.provider_state.as_deref()), (State::Active, Some("active")));
    assert_eq!(key.expires_at, Some(Time::parse("2026-12-24").unwrap()));
    let since = Time::parse("2025-01-15T08:00:00Z").unwrap();
    assert_eq!(key.last_use(now()), LastUse::Never { since });
    assert!(!format!("{key:?}").contains("glpat"));
}

#[test]
fn what_is_not_understood_is_said_and_makes_nothing_never() {
    let descriptor = gitlab();
    let entry = Entry::new(
        json!({"id": "a", "revoked": true, "last_used_at": "yesterday", "created_at": {}}),
    );
    let (key, odd) = descriptor.key_types[0].read(&entry, now()).unwrap();
    let what: Vec<_> = odd.iter().map(|odd| (odd.what, odd.found.as_str())).collect();
    assert_eq!(
        what,
        [("the time of its creation", "an object"), ("the time of the last use", "yesterday")]
    );
    assert_eq!((key.state, key.provider_state.as_deref()), (State::Deactivated, Some("revoked")));
    assert!(matches!(key.last_use, ListedUse::Unknown(_)));
    let nobody = descriptor.key_types[0].read(&Entry::new(json!({"name": "a"})), now());
    assert_eq!(nobody.unwrap_err().what, "its id");
}

#[test]
fn bombs_are_refused() {
    let nested = format!("akm: {}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(Descriptor::parse(&nested).is_err());
    let aliases = "a: &a [x]\nb: [*a, *a]\n";
    assert!(Descriptor::parse(aliases).is_err());
    let long = format!("{GITLAB}\n# {}", "x".repeat(MAX_BYTES));
    assert!(Descriptor::parse(&long).unwrap_err()[0].message.contains("262144 bytes"));
}
