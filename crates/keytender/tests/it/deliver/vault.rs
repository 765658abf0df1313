//! Vault's key-value engine, as its API documentation says (developer.hashicorp.com/vault/api-docs,
//! "KV secrets engine - version 2" and "/sys/capabilities-self"): a wrong number of the version, a
//! wrong token and a wrong namespace are refused.

use std::collections::BTreeMap;

use keytender::deliver::{Destination, Held, Parts, Written};
use keytender::error::Kind;
use keytender_core::secret::Secret;
use serde_json::{Value, json};

use super::api::{Api, Asked, Said};
use super::{both, destination, home, new_key, refusal};
use crate::databases::block_on;

const TOKEN: &str = "hvs.t0ken";
const PATH: [&str; 5] = ["v1", "kv", "data", "shop", "pay ment"];

/// The secrets by their paths, each with its versions; a version that was deleted is null.
struct Engine {
    secrets: BTreeMap<String, Vec<Value>>,
    namespace: &'static str,
    may: Vec<&'static str>,
}

fn answer(engine: &mut Engine, asked: &Asked) -> Said {
    let errors = |code: u16, errors: &[&str]| Said::new(code, &json!({"errors": errors}));
    match asked.header("x-vault-token") {
        "" => return errors(400, &["missing client token"]),
        TOKEN if asked.header("x-vault-namespace") == engine.namespace => {}
        _ => return errors(403, &["permission denied"]),
    }
    if asked.is("POST", &["v1", "sys", "capabilities-self"]) {
        assert_eq!(asked.json(), json!({"paths": ["kv/data/shop/pay ment"]}));
        let may = json!(engine.may);
        return Said::new(200, &json!({"capabilities": may, "kv/data/shop/pay ment": may}));
    }
    if asked.steps() != PATH {
        return errors(404, &[]);
    }
    let versions = engine.secrets.entry(PATH[3..].join("/")).or_default();
    let metadata = |version: usize, deleted: &str| {
        json!({"created_time": "2026-11-24T00:00:00.1Z", "custom_metadata": null,
               "deletion_time": deleted, "destroyed": false, "version": version})
    };
    match asked.method.as_str() {
        "GET" => match versions.last() {
            None => errors(404, &[]),
            Some(Value::Null) => {
                let metadata = metadata(versions.len(), "2026-11-24T00:00:01.2Z");
                Said::new(404, &json!({"data": {"data": null, "metadata": metadata}}))
            }
            Some(data) => {
                let data = json!({"data": data, "metadata": metadata(versions.len(), "")});
                Said::new(200, &json!({"request_id": "1", "lease_duration": 0, "data": data}))
            }
        },
        "POST" if !engine.may.iter().any(|may| ["create", "update"].contains(may)) => {
            errors(403, &["1 error occurred:\n\t* permission denied\n\n"])
        }
        "POST" => match asked.json()["options"]["cas"].as_u64() {
            // As an engine with cas_required.
            None => errors(400, &["check-and-set parameter required for this call"]),
            Some(cas) if usize::try_from(cas).unwrap() != versions.len() => {
                errors(400, &["check-and-set parameter did not match the current version"])
            }
            Some(_) => {
                versions.push(asked.json()["data"].clone());
                Said::new(200, &json!({"data": metadata(versions.len(), "")}))
            }
        },
        method => panic!("{method}"),
    }
}

fn engine(versions: Vec<Value>) -> Engine {
    let secrets = BTreeMap::from([(PATH[3..].join("/"), versions)]);
    Engine { secrets, namespace: "", may: vec!["read", "create", "update"] }
}

fn start(versions: Vec<Value>) -> (crate::Home, Api<Engine>, Value) {
    at(Api::start(engine(versions), answer))
}

fn at(api: Api<Engine>) -> (crate::Home, Api<Engine>, Value) {
    let (home, token) = home(TOKEN);
    let said = json!({"kind": "vault", "url": api.url, "mount": "kv", "path": "shop/pay ment",
                      "secret": "key", "id": "id", "token": token, "allow_private": true});
    (home, api, said)
}

fn versions(api: &Api<Engine>) -> Vec<Value> {
    api.with(|engine| engine.secrets[&PATH[3..].join("/")].clone())
}

#[test]
fn only_the_fields_of_the_key_change_and_each_write_follows_what_was_read() {
    let old = json!({"id": "AKIAOLD", "key": "0ld", "n": 12_345_678_901_234_567_890_u64,
                     "list": [1, {"a": null}], "key2": "kept"});
    let (_home, api, said) = start(vec![json!({"key": "older"}), old.clone()]);
    let at = destination(said);
    block_on(at.check()).unwrap();
    assert!(block_on(at.read()).unwrap().unwrap().is_same(&both("AKIAOLD", "0ld")));
    let write = |expected: Option<Held>| block_on(at.write(expected.as_ref(), &new_key()));
    assert_eq!(write(Some(both("AKIAOLD", "other"))).unwrap(), Written::Foreign);
    assert_eq!(write(None).unwrap(), Written::Foreign);
    assert_eq!(versions(&api).len(), 2);
    assert_eq!(write(Some(both("AKIAOLD", "0ld"))).unwrap(), Written::Now);
    assert_eq!(write(Some(both("AKIAOLD", "0ld"))).unwrap(), Written::Already);
    let mut wanted = old;
    wanted["id"] = "AKIANEW".into();
    wanted["key"] = "n3w/key\"+%=".into();
    assert_eq!(versions(&api)[2], wanted);
    assert_eq!(versions(&api).len(), 3);
    assert!(api.asked(&["0ld", "n3w"]).len() > 5);
}

#[test]
fn a_secret_that_others_change_at_the_same_moment_loses_nothing() {
    let (_home, api, said) = start(vec![json!({"id": "AKIAOLD", "key": "0ld"})]);
    let at = destination(said);
    // Another field: ours is written after it.
    api.before("POST", |engine| {
        engine
            .secrets
            .values_mut()
            .next()
            .unwrap()
            .push(json!({"id": "AKIAOLD", "key": "0ld", "b": 1}));
    });
    let expected = both("AKIAOLD", "0ld");
    assert_eq!(block_on(at.write(Some(&expected), &new_key())).unwrap(), Written::Now);
    assert_eq!(versions(&api)[2]["b"], 1);
    // The same field: theirs stays.
    let newer = Parts { id: Some("AKIANEWER".to_owned()), secret: Secret::new("n3wer") };
    api.before("POST", |engine| {
        engine.secrets.values_mut().next().unwrap().push(json!({"id": "AKIAOLD", "key": "th3irs"}));
    });
    let expected = at.wanted(&new_key()).unwrap();
    assert_eq!(block_on(at.write(Some(&expected), &newer)).unwrap(), Written::Foreign);
    assert_eq!(versions(&api).last().unwrap()["key"], "th3irs");
    // An answer that is lost: the second attempt finds what the first one wrote.
    let expected = both("AKIAOLD", "th3irs");
    api.lose("POST");
    let lost = block_on(at.write(Some(&expected), &newer)).unwrap_err();
    assert_eq!(lost.of_kind(), Kind::Provider);
    assert!(!lost.report().contains("n3wer"), "{}", lost.report());
    assert_eq!(block_on(at.write(Some(&expected), &newer)).unwrap(), Written::Already);
    let count = versions(&api).len();
    // Others who never stop.
    for _ in 0..9 {
        api.before("POST", |engine| {
            let versions = engine.secrets.values_mut().next().unwrap();
            versions.push(versions.last().unwrap().clone());
        });
    }
    let expected = at.wanted(&newer).unwrap();
    let busy = block_on(at.write(Some(&expected), &new_key())).unwrap_err();
    assert_eq!(busy.of_kind(), Kind::Conflict);
    assert!(versions(&api).iter().skip(count).all(|version| version["key"] == "n3wer"));
}

#[test]
fn a_secret_that_is_not_there_or_was_deleted_is_made() {
    for before in [vec![], vec![json!({"key": "0ld"}), Value::Null]] {
        let count = before.len();
        let (_home, api, said) = start(before);
        let at = destination(said);
        assert!(block_on(at.read()).unwrap().is_none());
        block_on(at.check()).unwrap();
        let expected = both("AKIAOLD", "0ld");
        assert_eq!(block_on(at.write(Some(&expected), &new_key())).unwrap(), Written::Foreign);
        assert_eq!(block_on(at.write(None, &new_key())).unwrap(), Written::Now);
        assert_eq!(versions(&api).len(), count + 1);
    }
}

#[test]
fn what_keeps_vault_from_being_written_is_told_without_any_secret() {
    let (home, api, said) = start(vec![json!({"id": "AKIAOLD", "key": ["0ld"]})]);
    let told = |change: &dyn Fn(&mut Value)| refusal(&said, change);
    assert_eq!(told(&|_| ()), "`key` of `kv/shop/pay ment` is no text");
    api.with(|engine| engine.secrets.values_mut().next().unwrap().push(json!({"key": "0ld"})));
    api.with(|engine| engine.may = vec!["read", "list"]);
    let error = told(&|_| ());
    assert!(error.contains("our token may not update"), "{error}");
    assert!(error.contains("`update` on `kv/data/shop/pay ment`"), "{error}");
    api.with(|engine| engine.namespace = "team-a");
    let error = told(&|_| ());
    assert!(
        error.contains("127.0.0.1 did not give `kv/shop/pay ment`: it answered 403"),
        "{error}"
    );
    api.with(|engine| engine.may = vec!["root"]);
    let mut within = said.clone();
    within["namespace"] = "team-a".into();
    block_on(destination(within).check()).unwrap();
    let error = told(&|said| said["allow_private"] = false.into());
    assert!(error.contains("private address") && error.contains("allow_private=true"), "{error}");
    let no_certificates = home.write("ca.pem", "t0ken");
    let error = told(&|said| said["ca"] = json!(no_certificates));
    assert!(error.contains("could not read the certificates of"), "{error}");
    let error = told(&|said| said["token"] = "env:KEYTENDER_NO_SUCH".into());
    assert!(error.contains("the environment variable"), "{error}");
    let error = told(&|said| said["path"] = "shop/../x".into());
    assert!(error.contains("can be named `..`"), "{error}");
    let mut bad = said;
    bad["token"] = TOKEN.into();
    let error = serde_json::from_value::<Destination>(bad).unwrap_err().to_string();
    assert!(error.contains("env:NAME, file:PATH") && !error.contains(TOKEN), "{error}");
}

#[test]
fn an_authority_of_ones_own_is_trusted_where_it_is_named() {
    let (api, authority) = Api::start_private(engine(vec![json!({"key": "0ld"})]), answer);
    let (home, api, mut said) = at(api);
    said.as_object_mut().unwrap().remove("id");
    let error = refusal(&said, &|_| ());
    assert!(error.contains("its certificate is not trusted for this name"), "{error}");
    assert!(error.contains("ca=FILE"), "{error}");
    let (_, another) = Api::start_private(engine(vec![]), answer);
    let another = home.write("another.pem", another);
    let error = refusal(&said, &|said| said["ca"] = json!(another));
    assert!(error.contains("its certificate is not trusted for this name"), "{error}");
    let elsewhere = api.url.replace("127.0.0.1", "localhost");
    said["ca"] = json!(home.write("ca.pem", authority));
    let error = refusal(&said, &|said| said["url"] = json!(elsewhere));
    assert!(error.contains("its certificate is not trusted for this name"), "{error}");
    assert!(api.asked(&[]).is_empty(), "whom it does not trust it tells nothing");
    let at = destination(said);
    block_on(at.check()).unwrap();
    let old = super::held("0ld");
    assert_eq!(block_on(at.write(Some(&old), &new_key())).unwrap(), Written::Now);
    assert_eq!(versions(&api)[1], json!({"key": "n3w/key\"+%="}));
}
