//! What is done to keys: each as its operation says, once, and a secret is handed over or missed.

use std::collections::{BTreeMap, BTreeSet};

use keytender::connect::descriptor::{Acted, Failure, Placement, Target};
use keytender_core::akm::{Given, OperationName, ResourceKind, fingerprint};
use keytender_core::time::Time;
use serde_json::{Value, json};

use super::provider::{Came, Provider, Reply, good, json_of};
use super::{acme, key, kind, parse, session, shown};
use crate::notify::run;

const CREATE: &str = "      create:
        request: {method: POST, url: /keys, json: {name: '{arg.name}', ends: '{arg.ends}', scopes: '{arg.scopes}'}}
        args:
          name: {required: true, help: what people call it}
          ends: {as: date}
          scopes: {default: [read]}
        outputs: {secret: /token, id: /key/id, expiresAt: {at: /key/until, as: unix}}
        success: [201]
        idempotencyHeader: Idempotency-Key";

fn act(
    operations: &str,
    name: OperationName,
    target: &Target,
    args: &[(&str, Given)],
    desk: impl Fn(&Came) -> Reply + Send + Sync + 'static,
) -> (Result<Acted, Failure>, Vec<Came>) {
    let provider = Provider::start(desk);
    let session = session(&acme(operations), &provider);
    let args = args.iter().map(|(name, given)| ((*name).to_owned(), given.clone())).collect();
    let acted = run(super::is_send(session.act(&kind(&session), name, target, args)));
    (acted, provider.came())
}

fn value(value: Value) -> Given {
    Given::Value(value)
}

#[test]
fn a_new_key_comes_with_its_secret() {
    let made = |_: &Came| {
        json_of(201, &json!({"token": "s3cr3t", "key": {"id": 9, "until": 1_800_000_000}}))
    };
    let ends = Given::Time(Time::parse("2027-01-15").unwrap());
    let args = [("name", value(json!("deploy"))), ("ends", ends)];
    let (acted, came) = act(CREATE, OperationName::Create, &Target::default(), &args, made);
    let acted = acted.unwrap();
    assert_eq!(acted.secret.as_ref().unwrap().expose(), "s3cr3t");
    assert_eq!(acted.id.as_deref(), Some("9"));
    assert_eq!(acted.expires_at, Some(Time::from_unix_seconds(1_800_000_000)));
    assert!(!format!("{acted:?}").contains("s3cr3t"));
    assert_eq!(came[0].json(), json!({"name": "deploy", "ends": "2027-01-15", "scopes": ["read"]}));
    assert_eq!(came[0].headers["idempotency-key"].as_str().unwrap().len(), 24);
}

#[test]
fn a_repeated_request_is_known_and_another_is_another() {
    let args = [("name", value(json!("a")))];
    let ids = |came: Vec<Came>| -> Vec<String> {
        came.iter().map(|came| came.headers["idempotency-key"].to_string()).collect()
    };
    let target = Target::default();
    let (acted, came) = act(CREATE, OperationName::Create, &target, &args, |_| Reply::Close);
    assert!(acted.unwrap_err().is_undecided());
    let first = ids(came);
    assert_eq!((first.len(), first.iter().collect::<BTreeSet<_>>().len()), (5, 1));
    let (_, came) = act(CREATE, OperationName::Create, &target, &args, |_| good(json!({})));
    assert_ne!(ids(came)[0], first[0]);
}

#[test]
fn a_secret_that_cannot_be_read_is_told_as_lost() {
    let args = [("name", value(json!("a")))];
    for reply in [
        || json_of(201, &json!({"key": {"id": 9}})),
        || json_of(201, &json!({"token": "", "key": {"id": 9}})),
        || Reply::Whole(201, Vec::new(), "{\"token\": \"s3cr3t\"".to_owned()),
        || Reply::Whole(201, Vec::new(), String::new()),
        || Reply::Half,
        || Reply::Long,
    ] {
        let operation = CREATE.replace("idempotencyHeader: Idempotency-Key", "retry: never");
        let target = Target::default();
        let (acted, came) =
            act(&operation, OperationName::Create, &target, &args, move |_| reply());
        let failure = acted.unwrap_err();
        assert!(failure.is_undecided(), "{failure}");
        assert!(!shown(&failure).contains("s3cr3t"), "{failure:?}");
        assert_eq!(came.len(), 1);
    }
}

#[test]
fn arguments_are_those_that_there_are() {
    for (args, why) in [
        (vec![], "`name` is missing: what people call it"),
        (vec![("nam", value(json!("a")))], "there is no argument `nam`"),
    ] {
        let (acted, came) =
            act(CREATE, OperationName::Create, &Target::default(), &args, |_| good(json!({})));
        assert!(acted.unwrap_err().to_string().ends_with(why));
        assert!(came.is_empty());
    }
}

const ONE: &str = "      get: {request: {method: GET, url: '/keys/{key.id}'}, item: /key, gone: [404]}
      suspend: {request: {method: PUT, url: '/keys/{key.id}', json: {on: false, owner: {note: ours}}, over: get}}
      rotate:
        request: {method: POST, url: '/keys/{key.id}/rotate', json: {scopes: '{arg.scopes}'}}
        args: {scopes: {copy: /scopes}}
        outputs: {secret: /token}
        retry: never
      delete: {request: {method: DELETE, url: '/keys/{key.id}'}, success: [204], gone: [404]}";

fn desk(came: &Came) -> Reply {
    match came.line.as_str() {
        "GET /v1/keys/a" => good(json!({"key": {
            "id": "a", "on": true, "owner": {"id": 1, "note": ""}, "scopes": ["read", "write"]
        }})),
        "POST /v1/keys/a/rotate" => good(json!({"token": "s3cr3t", "id": "b"})),
        "DELETE /v1/keys/a" => json_of(204, &json!({})),
        "PUT /v1/keys/a" => Reply::Whole(200, Vec::new(), "<html>done</html>".to_owned()),
        _ => json_of(404, &json!({})),
    }
}

#[test]
fn a_body_is_laid_over_what_the_key_shows() {
    let (acted, came) = act(ONE, OperationName::Suspend, &key("a"), &[], desk);
    assert_eq!(acted.unwrap().id.as_deref(), Some("a"));
    assert_eq!(
        came[1].json(),
        json!({"id": "a", "on": false, "owner": {"id": 1, "note": "ours"}, "scopes": ["read", "write"]})
    );
    let (acted, came) = act(ONE, OperationName::Suspend, &key("z"), &[], desk);
    let failure = acted.unwrap_err();
    assert!(failure.is_gone() && !failure.is_undecided(), "{failure}");
    assert_eq!(came.len(), 1);
}

#[test]
fn a_successor_has_what_the_key_had() {
    let (acted, came) = act(ONE, OperationName::Rotate, &key("a"), &[], desk);
    let acted = acted.unwrap();
    assert_eq!((acted.id.as_deref(), acted.secret.unwrap().expose()), (Some("b"), "s3cr3t"));
    assert_eq!(came[1].json(), json!({"scopes": ["read", "write"]}));
    // What is given is not asked for.
    let given = [("scopes", value(json!(["read"])))];
    let (_, came) = act(ONE, OperationName::Rotate, &key("a"), &given, desk);
    assert_eq!((came.len(), came[0].json()), (1, json!({"scopes": ["read"]})));
}

#[test]
fn what_must_be_there_is_missed_where_nothing_can_be_copied() {
    let operation = ONE.replace(
        "args: {scopes: {copy: /scopes}}",
        "args: {scopes: {copy: /scopes, required: true}}",
    );
    let create = format!(
        "{operation}\n      create: {{request: {{method: POST, url: /keys, json: {{scopes: '{{arg.scopes}}'}}}}, \
         args: {{scopes: {{copy: /scopes, required: true}}}}, outputs: {{secret: /token}}}}"
    );
    // A new key that follows none has nothing to copy from, and nothing is asked.
    let none = Target::default();
    let (acted, came) = act(&create, OperationName::Create, &none, &[], desk);
    assert!(acted.unwrap_err().to_string().ends_with("`scopes` is missing"));
    assert!(came.is_empty());
    // One that follows another has what that shows, if it shows it.
    let (acted, came) = act(&operation, OperationName::Rotate, &key("a"), &[], desk);
    acted.unwrap();
    assert_eq!(came[1].json(), json!({"scopes": ["read", "write"]}));
    let bare = |came: &Came| match came.line.as_str() {
        "GET /v1/keys/a" => good(json!({"key": {"id": "a", "scopes": null}})),
        _ => desk(came),
    };
    let (acted, came) = act(&operation, OperationName::Rotate, &key("a"), &[], bare);
    let failure = acted.unwrap_err();
    assert!(failure.to_string().ends_with("`scopes` is missing") && !failure.is_undecided());
    assert_eq!(came.len(), 1);
}

#[test]
fn what_is_gone_is_deleted() {
    for (id, was_gone) in [("a", false), ("z", true)] {
        let (acted, _) = act(ONE, OperationName::Delete, &key(id), &[], desk);
        assert_eq!(acted.unwrap().was_gone, was_gone);
    }
    // Where the descriptor does not say what not found means, nobody knows.
    let unsaid = ONE.replace("success: [204], gone: [404]", "success: [204]");
    let (acted, _) = act(&unsaid, OperationName::Delete, &key("z"), &[], desk);
    assert!(acted.unwrap_err().is_gone());
    // A code that is none of those that mean success is none.
    let (acted, _) = act(&unsaid, OperationName::Delete, &key("z"), &[], |_| good(json!({})));
    assert!(acted.unwrap_err().to_string().ends_with("it answered 200"));
}

#[test]
fn a_good_answer_may_be_a_refusal() {
    let operation = "      delete: {request: {method: POST, url: /delete, form: {id: '{key.id}'}}, refusals: [{at: /ok, is: false}, {at: /errors/0}]}";
    for (body, is_done) in [
        (json!({"ok": true, "errors": []}), true),
        (json!({"ok": false}), false),
        (json!({"ok": true, "errors": ["s3cr3t"]}), false),
    ] {
        let (acted, came) =
            act(operation, OperationName::Delete, &key("a&b"), &[], move |_| good(body.clone()));
        assert_eq!(came[0].form(), json!({"id": "a&b"}));
        match acted {
            Ok(_) => assert!(is_done),
            Err(failure) => {
                assert!(!is_done && failure.to_string().contains("it was refused"), "{failure}");
                assert!(!failure.to_string().contains("s3cr3t"));
            }
        }
    }
}

#[test]
fn a_key_whose_id_is_its_secret_is_named_in_a_body_alone() {
    let descriptor = parse(
        "
authentication: {methods: [{id: token, scheme: bearer}]}
resources:
  - {id: app, noun: app, kind: app, fields: {id: /id}, operations: {list: {request: {method: GET, url: /apps}, items: ''}}}
keyTypes:
  - id: key
    type: api-key
    within: app
    fields: {id: {at: /key, isSecret: true}}
    operations:
      list: {request: {method: GET, url: '/apps/{app.id}/keys'}, items: ''}
      delete: {request: {method: POST, url: '/apps/{app.id}/revoke', json: {key: '{key.id}'}}}
      rotate: {request: {method: POST, url: '/apps/{app.id}/rotate', json: {key: '{key.id}'}}, outputs: {secret: /key, id: /key}}
",
    );
    let provider = Provider::start(|came| match came.line.as_str() {
        "GET /v1/apps/1/keys" => good(json!([{"key": "other"}, {"key": "hunter2"}])),
        "POST /v1/apps/1/rotate" => good(json!({"key": "s3cr3t"})),
        _ => good(json!({})),
    });
    let session = session(&descriptor, &provider);
    let kind = kind(&session);
    let app = Placement {
        resource: "app".to_owned(),
        kind: ResourceKind::App,
        id: "1".to_owned(),
        name: None,
    };
    let target = |id: &str| Target { within: vec![app.clone()], ..key(id) };
    let act = |name, id: &str| run(session.act(&kind, name, &target(id), BTreeMap::new()));
    act(OperationName::Delete, &fingerprint("hunter2")).unwrap();
    assert_eq!(provider.lines(), ["GET /v1/apps/1/keys", "POST /v1/apps/1/revoke"]);
    assert_eq!(provider.came()[1].json(), json!({"key": "hunter2"}));
    let acted = act(OperationName::Rotate, &fingerprint("hunter2")).unwrap();
    assert_eq!(acted.id, Some(fingerprint("s3cr3t")));
    // One that is not listed any more is gone, and nothing is sent.
    let count = provider.came().len();
    assert!(act(OperationName::Delete, &fingerprint("ended")).unwrap().was_gone);
    assert!(act(OperationName::Rotate, &fingerprint("ended")).unwrap_err().is_gone());
    assert_eq!(provider.came().len(), count + 2);
}
