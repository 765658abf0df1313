//! Who gets in at the server, and what each may do and see.

use keytender::store::Store;
use keytender::store::db::Location;
use keytender_core::access::{Role, Scope};
use keytender_core::time::Span;
use reqwest::Method;
use serde_json::{Value, json};

use crate::Home;
use crate::databases::{block_on, new_databases};
use crate::inventory::run;
use crate::served::{Answer, Served};
use crate::server::served;

/// Every operation of the document that needs a token: method, path with made-up parts, scopes, and
/// a body that has its form.
pub(crate) fn operations() -> Vec<(Method, String, Vec<Scope>)> {
    let document: Value = serde_json::from_str(&keytender::http::openapi()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(scopes) = operation["security"][0]["token"].as_array() else { continue };
            let scopes = scopes.iter().map(|word| Scope::parse(word.as_str().unwrap()).unwrap());
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            operations.push((method, path.clone(), scopes.collect()));
        }
    }
    assert!(operations.len() > 15, "{}", operations.len());
    operations
}

fn made_up(path: &str) -> String {
    let mut made_up = String::new();
    for part in path.split('/').skip(1) {
        made_up.push('/');
        made_up.push_str(if part.starts_with('{') { "nobody" } else { part });
    }
    made_up
}

#[test]
fn every_operation_is_refused_to_whoever_may_not() {
    let home = Home::new().with("KEYTENDER_ACTOR", "mia");
    let served = Served::start_with(&home, &["--trusted-proxy", "127.0.0.0/8"]);
    served.post("/v1/owners", &json!({"name": "team", "address": "team@example.com"})).expect(201);
    let roles: Vec<(Role, String)> = Role::ALL
        .into_iter()
        .map(|role| {
            let facts = match role {
                Role::Owner => json!({"owner": "team"}),
                Role::Administrator => json!({"name": "second"}),
                _ => json!({}),
            };
            (role, served.token_of(role.as_str(), &facts, None))
        })
        .collect();
    let without: Vec<(Scope, String)> = Scope::ALL
        .into_iter()
        .map(|scope| {
            let others: Vec<&str> =
                Scope::ALL.into_iter().filter(|other| *other != scope).map(Scope::as_str).collect();
            (scope, served.token_of("administrator", &json!({"name": "third"}), Some(&others)))
        })
        .collect();
    for (number, (method, path, scopes)) in operations().into_iter().enumerate() {
        // From elsewhere each time: one address may not show what is no token so often.
        let from = [("x-forwarded-for", format!("203.0.113.{}", number % 256))];
        let from = from.each_ref().map(|(name, value)| (*name, value.as_str()));
        let ask = |token: &str| served.ask_with(token, &method, &made_up(&path), None, &from);
        let anonymous = ask("");
        assert_eq!(anonymous.status, 401, "{method} {path}");
        assert_eq!(anonymous.header("www-authenticate"), "Bearer realm=\"keytender\"");
        for wrong in ["x", "keytender_live_aaaaaaaaaaaa_", &served.token.replace("live", "test")] {
            assert_eq!(ask(wrong).status, 401, "{method} {path} {wrong}");
        }
        for (role, token) in &roles {
            let may = scopes.iter().all(|scope| role.scopes().contains(*scope));
            let status = ask(token).status;
            assert_eq!(status == 403, !may, "{method} {path} as {role:?}: {status}");
            assert_ne!(status, 401, "{method} {path} as {role:?}");
        }
        for (scope, token) in &without {
            let may = !scopes.contains(scope);
            let status = ask(token).status;
            assert_eq!(status == 403, !may, "{method} {path} without {scope:?}: {status}");
        }
    }
}

#[test]
fn a_token_that_ended_is_told_nothing_more_than_a_made_up_one() {
    let (_home, served) = served();
    let made_up = served.ask_with("nonsense", &Method::GET, "/v1/me", None, &[]);
    let token = served.token_of("auditor", &json!({}), None);
    assert_eq!(served.ask_with(&token, &Method::GET, "/v1/me", None, &[]).status, 200);
    served.patch("/v1/users/auditor", &json!({"suspended": true})).expect(200);
    let suspended = served.ask_with(&token, &Method::GET, "/v1/me", None, &[]);
    assert_eq!((suspended.status, &suspended.text), (401, &made_up.text));
    served.patch("/v1/users/auditor", &json!({"suspended": false})).expect(200);
    assert_eq!(served.ask_with(&token, &Method::GET, "/v1/me", None, &[]).status, 200);
    served.delete("/v1/users/auditor").expect(204);
    let removed = served.ask_with(&token, &Method::GET, "/v1/me", None, &[]);
    assert_eq!((removed.status, &removed.text), (401, &made_up.text));
}

#[test]
fn another_tenants_things_are_not_there() {
    for database in new_databases() {
        let home = Home::new().with("KEYTENDER_DATABASE", &database.text);
        let served = Served::start(&home);
        let theirs = served
            .post("/v1/owners", &json!({"name": "theirs", "address": "t@example.com"}))
            .expect(201);
        let token = administrator_of_tenant_two(&database.text);
        let ask = |method: Method, path: &str| served.ask_with(&token, &method, path, None, &[]);
        assert_eq!(ask(Method::GET, "/v1/owners").expect(200), json!({"owners": []}));
        let path = format!("/v1/owners/{}", theirs["id"].as_str().unwrap());
        assert_eq!(ask(Method::GET, &path).status, 404);
        assert_eq!(ask(Method::DELETE, &path).status, 404);
        let users = ask(Method::GET, "/v1/users").expect(200);
        assert_eq!(users["users"].as_array().unwrap().len(), 1, "{users}");
        let acts = ask(Method::GET, "/v1/acts").expect(200);
        assert!(!acts.to_string().contains("theirs"), "{acts}");
        served.get(&path).expect(200);
    }
}

#[test]
fn an_administrators_token_of_a_year_ago_is_due_and_its_user_is_told() {
    let (home, served) = served();
    served.patch("/v1/users/administrator", &json!({"address": "boss@example.com"})).expect(200);
    let asked = json!({"label": "old", "expires_at": null});
    let key = served.post("/v1/users/administrator/tokens", &asked).expect(201);
    let key = key["key"].as_str().unwrap().to_owned();
    let path = home.path().join(".local/share/keytender/inventory.db").display().to_string();
    block_on(async {
        let store = Store::open(&Location::parse(&path)).await.unwrap();
        let mut tx = store.db().begin().await.unwrap();
        let old = keytender::clock::now().minus(Span::days(400)).as_micros();
        let sql =
            format!("UPDATE keys SET created_at = {old}, evaluate_at = 0 WHERE label = 'old'");
        tx.execute(&sql, Vec::new()).await.unwrap();
        tx.commit().await.unwrap();
        store.close().await;
    });
    let listed = run(&home, &["keys", "list", "--due"]).stdout;
    assert!(listed.contains("Over a year old") && listed.contains("administrator"), "{listed}");
    run(
        &home,
        &[
            "channels",
            "add",
            "mail",
            "--host",
            "localhost",
            "--from",
            "k@example.com",
            "--tls",
            "none",
        ],
    );
    let told = run(&home, &["notify", "--dry-run"]).stdout;
    assert!(told.contains("boss@example.com") && told.contains("old"), "{key}: {told}");
}

#[test]
fn the_first_token_is_written_where_only_its_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let (home, served) = served();
    let path = home.path().join(".local/share/keytender/administrator.token");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    drop(served);
    // A second start makes none, and the first still works.
    let served = Served::start(&home);
    assert_eq!(served.get("/v1/me").expect(200)["role"], "administrator");
    let users = served.get("/v1/users").expect(200);
    assert_eq!(users["users"].as_array().unwrap().len(), 1);
}

#[test]
fn the_last_administrator_stays() {
    let (_home, served) = served();
    for answer in [
        served.delete("/v1/users/administrator"),
        served.patch("/v1/users/administrator", &json!({"role": "auditor"})),
        served.patch("/v1/users/administrator", &json!({"suspended": true})),
    ] {
        assert_eq!(answer.status, 409, "{answer:?}");
    }
    assert_eq!(served.get("/v1/me").status, 200);
}

/// An inventory with one thing of each kind, and the parts of paths that mean them.
fn furnished(served: &Served) -> Vec<(&'static str, String)> {
    let id = |answer: Answer, name: &str| answer.expect(201)[name].as_str().unwrap().to_owned();
    let owner = json!({"name": "theirs", "address": "theirs@example.com"});
    let owner = id(served.post("/v1/owners", &owner), "id");
    let key = json!({"provider": "stripe", "name": "live", "created_at": "2020-01-01T00:00:00Z",
                     "owner": "theirs"});
    let key = id(served.post("/v1/keys", &key), "key");
    let user = id(served.post("/v1/users", &json!({"name": "eve", "role": "auditor"})), "id");
    let mail = json!({"kind": "mail", "name": "mail", "host": "127.0.0.1", "port": 9,
                      "tls": "none", "from": "k@example.com", "timeout_seconds": 1});
    let channel = id(served.post("/v1/channels", &mail), "id");
    let api = id(served.post("/v1/apis", &json!({"name": "acme"})), "id");
    let customer = id(served.post("/v1/apis/acme/accounts", &json!({"name": "globex"})), "id");
    let app = json!({"name": "shop"});
    let app = id(served.post(&format!("/v1/accounts/{customer}/apps"), &app), "id");
    let used = json!({"document": crate::catalog::USED, "source": "apis.yml"});
    let used = served.post("/v1/catalog-imports", &used).expect(200);
    served.post("/v1/notice-previews", &json!(null)).expect(200);
    served.patch("/v1/notice-settings", &json!({"started": true})).expect(200);
    served.post("/v1/notice-runs", &json!({"now": true})).expect(200);
    let first = |path: &str, list: &str| -> String {
        let things = served.get(path).expect(200);
        things[list][0]["id"].as_str().unwrap_or_else(|| panic!("{path}: {things}")).to_owned()
    };
    vec![
        ("{key}", key),
        ("{api}", api),
        ("{app}", app),
        ("{owner}", owner),
        ("{user}", user),
        ("{channel}", channel),
        ("{account}", first("/v1/accounts", "accounts")),
        ("{principal}", first("/v1/principals", "principals")),
        ("{notice}", first("/v1/notices", "notices")),
        ("{task}", "sync:nobody".to_owned()),
        ("{entry}", used["entries"][0]["id"].as_str().unwrap().to_owned()),
        ("{index}", used["index"]["id"].as_str().unwrap().to_owned()),
    ]
}

/// A body that an operation takes, and what stands behind its path.
pub(crate) fn fitting(method: &Method, path: &str) -> (Option<Value>, &'static str) {
    let body = match (method.as_str(), path) {
        ("PATCH", "/v1/keys/{key}") => json!({"where_used": "x"}),
        ("POST", "/v1/keys/{key}/plans") => json!({"act": "disable"}),
        ("POST", "/v1/keys/{key}/destinations") => {
            json!({"name": "x", "spec": {"kind": "file", "path": "/run/x"}})
        }
        ("POST", "/v1/rotations/{rotation}/words") => json!({"say": "resume"}),
        ("PUT", "/v1/keys/{key}/suspension") => json!({}),
        ("PATCH", "/v1/apis/{api}") => json!({"title": "x"}),
        ("POST", "/v1/apis/{api}/accounts") => json!({"name": "x"}),
        ("POST", "/v1/catalog/{entry}/discoveries") => json!({}),
        ("POST", "/v1/accounts/{account}/apps") => json!({"name": "x"}),
        ("POST", "/v1/apis/{api}/imports") => json!({"content": "account,key\n"}),
        ("PUT", "/v1/accounts/{account}/suspension") => json!({}),
        ("PATCH", "/v1/apps/{app}") => json!({"suspended": true}),
        ("PATCH", "/v1/accounts/{account}/notice-settings") => json!({"contact": null}),
        ("POST", "/v1/apps/{app}/keys") => json!({"label": "x"}),
        ("POST", "/v1/keys/{key}/rotations") => json!({}),
        ("POST", "/v1/keys/{key}/rotations/completion") => json!({}),
        ("POST", "/v1/keys/{key}/revocation") => json!({}),
        ("GET", "/v1/apis/{api}/feed/changes") => return (None, "?after=0"),
        ("DELETE", "/v1/apis/{api}/feed/leases") => return (None, "?node=n"),
        ("POST", "/v1/apis/{api}/feed/leases") => {
            json!({"version": 1, "node": "n", "applied_seq": 0, "on_partition": "serve"})
        }
        ("POST", "/v1/apis/{api}/feed/usage") => {
            json!({"version": 1, "node": "n", "epoch": 1, "sequence": 1, "rows": []})
        }
        ("PATCH", "/v1/accounts/{account}") => json!({"contact": null}),
        ("POST", "/v1/accounts/{account}/credential-comparisons") => json!({"secret": "x"}),
        ("PATCH", "/v1/owners/{owner}") => json!({"address": "x@example.com"}),
        ("POST", "/v1/channels/{channel}/rotation") => json!({}),
        ("PATCH", "/v1/channels/{channel}") => json!({"events": []}),
        ("PATCH", "/v1/apis/{api}/notice-settings") => json!({"reply_to": null}),
        ("POST", "/v1/owners/{owner}/claims") => json!({"by": "principal", "pattern": "x"}),
        ("PATCH", "/v1/users/{user}") => json!({"suspended": true}),
        ("POST", "/v1/accounts/{account}/tokens") => json!({"label": "x"}),
        ("POST", "/v1/accounts/{account}/portal-links") => json!({}),
        ("POST", "/v1/users/{user}/tokens") => json!({"label": "x"}),
        ("DELETE", "/v1/owners/{owner}/claims") => return (None, "?by=principal&pattern=x"),
        _ => return (None, ""),
    };
    (Some(body), "")
}

#[test]
fn what_is_anothers_is_not_there_for_any_operation() {
    for database in new_databases() {
        let home = Home::new().with("KEYTENDER_DATABASE", &database.text);
        let served = Served::start(&home);
        let parts = furnished(&served);
        let stranger = administrator_of_tenant_two(&database.text);
        served
            .post("/v1/owners", &json!({"name": "own", "address": "own@example.com"}))
            .expect(201);
        let owner = served.token_of("owner", &json!({"name": "olga", "owner": "own"}), None);
        let all = || {
            let lists = [
                "accounts",
                "keys",
                "owners",
                "users",
                "channels",
                "principals",
                "apis",
                "apis/acme/accounts",
                "apis/acme/apps",
                "catalog",
                "catalog-indexes",
            ];
            lists.map(|list| {
                let text = served.get(&format!("/v1/{list}")).text;
                // Of keys the moment of the list and the last use of our own token change.
                text.replace(|one: char| one.is_ascii_digit() || one == '.', "")
            })
        };
        // That a token is used first is noted too.
        served.ask_with(&owner, &Method::GET, "/v1/keys", None, &[]).expect(200);
        let before = all();
        let mut tried = 0;
        for (method, path, _) in operations().into_iter().filter(|(_, path, _)| path.contains('{'))
        {
            let (body, query) = fitting(&method, &path);
            let real = parts.iter().fold(path.clone(), |path, (part, id)| path.replace(part, id));
            let real = format!("{real}{query}");
            let ask = |token: &str| served.ask_with(token, &method, &real, body.as_ref(), &[]);
            let theirs = ask(&stranger);
            assert_eq!(theirs.status, 404, "{method} {path} by another tenant: {theirs:?}");
            let others = ask(&owner);
            assert!([403, 404].contains(&others.status), "{method} {path} by an owner: {others:?}");
            tried += 1;
        }
        assert!(tried > 25, "{tried}");
        assert_eq!(all(), before, "nothing was changed");
    }
}

/// A token of an administrator of another tenant in the same database.
fn administrator_of_tenant_two(database: &str) -> String {
    use keytender::app::inventory::{Inventory, Sight};
    block_on(async {
        let location = Location::parse(database);
        let store = Store::open(&location).await.unwrap().of_tenant(2);
        let actor =
            keytender::store::acts::Actor { name: "test".to_owned(), origin: "test".to_owned() };
        let now = keytender::clock::now();
        let inventory = Inventory { store, location, actor, now, sight: Sight::default() };
        let created = keytender::app::users::first(&inventory).await.unwrap().unwrap();
        inventory.store.close().await;
        created.text.expose().to_owned()
    })
}
