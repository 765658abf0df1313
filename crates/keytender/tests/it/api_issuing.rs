//! Our own APIs over HTTP: customers, apps and the keys that are made for them; what is refused.

use keytender::app::inventory::{Inventory, Sight};
use keytender::store::Store;
use keytender::store::acts::Actor;
use keytender::store::changes::{Change, Subject};
use keytender::store::db::Location;
use keytender_core::token::{Environment, Token};
use reqwest::Method;
use serde_json::{Value, json};

use crate::Home;
use crate::databases::{Database, block_on, new_databases};
use crate::served::{Answer, Served};

mod command_line;
mod endings;
mod reports;
mod rotations;

/// An API `acme` with a customer and an app of theirs, at a server.
struct Shop {
    server: Served,
    database: Database,
    customer: String,
    app: String,
    _home: Home,
}

impl Shop {
    fn open(database: Database) -> Self {
        let home = Home::new().with("KEYTENDER_DATABASE", &database.text);
        let server = Served::start(&home);
        server.post("/v1/apis", &json!({"name": "acme"})).expect(201);
        let new = json!({"name": "globex", "contact": "dev@globex.example", "external_id": "c-7"});
        let customer = id(&server.post("/v1/apis/acme/accounts", &new), "id");
        let new = json!({"name": "web-shop", "scopes": ["orders:read", "orders:write"],
                         "labels": {"tier": "gold"}});
        let app = id(&server.post(&format!("/v1/accounts/{customer}/apps"), &new), "id");
        Self { server, database, customer, app, _home: home }
    }

    /// A new key: its id and its text.
    fn key(&self, asked: &Value) -> (String, String) {
        let mut body = json!({"label": "checkout"});
        body.as_object_mut().unwrap().extend(asked.as_object().unwrap().clone());
        made(&self.server.post(&format!("/v1/apps/{}/keys", self.app), &body))
    }

    fn put(&self, path: &str, body: &Value) -> Answer {
        self.server.ask_with(&self.server.token, &Method::PUT, path, Some(body), &[])
    }

    /// What is known of a key.
    #[track_caller]
    fn seen(&self, key: &str) -> Value {
        self.server.get(&format!("/v1/keys/{key}")).expect(200)
    }

    /// What the database has numbered by now.
    fn changes(&self) -> Vec<Change> {
        changes(&self.database.text)
    }

    /// Does `act`, and gives what was numbered by it.
    fn changed(&self, act: impl FnOnce()) -> Vec<Subject> {
        let before = self.changes().len();
        act();
        let now = self.changes();
        let numbers: Vec<i64> = now.iter().map(|one| one.seq).collect();
        assert!(numbers.iter().copied().eq(1..=i64::try_from(now.len()).unwrap()), "{numbers:?}");
        now.iter().skip(before).map(|one| one.subject).collect()
    }

    /// The inventory beside the server.
    fn beside<T>(&self, act: impl AsyncFnOnce(&mut Inventory) -> T) -> T {
        beside(&self.database.text, act)
    }
}

/// The inventory of a database, at this moment.
pub(crate) fn beside<T>(database: &str, act: impl AsyncFnOnce(&mut Inventory) -> T) -> T {
    block_on(async {
        let location = Location::parse(database);
        let store = Store::open(&location).await.unwrap();
        let actor = Actor { name: "test".to_owned(), origin: "test".to_owned() };
        let now = keytender::clock::now();
        let mut inventory = Inventory { store, location, actor, now, sight: Sight::default() };
        let done = act(&mut inventory).await;
        inventory.store.close().await;
        done
    })
}

fn changes(database: &str) -> Vec<Change> {
    block_on(async {
        let store = Store::open(&Location::parse(database)).await.unwrap();
        let head = store.change_head().await.unwrap();
        let all = store.changes_after(0, 10_000).await.unwrap();
        assert_eq!(head, all.last().map_or(0, |last| last.seq));
        store.close().await;
        all
    })
}

#[track_caller]
fn id(answer: &Answer, name: &str) -> String {
    answer.expect(201)[name].as_str().unwrap().to_owned()
}

/// The id and the text of a key that was just made.
#[track_caller]
fn made(answer: &Answer) -> (String, String) {
    (id(answer, "key"), id(answer, "secret"))
}

fn app_subject(app: &str) -> Subject {
    Subject::App(app.parse().unwrap())
}

fn key_subject(key: &str) -> Subject {
    Subject::Key(key.parse().unwrap())
}

fn shops() -> impl Iterator<Item = Shop> {
    new_databases().into_iter().map(Shop::open)
}

#[test]
fn a_customer_comes_to_a_key_in_three_requests() {
    for database in new_databases() {
        let home = Home::new().with("KEYTENDER_DATABASE", &database.text);
        let server = Served::start(&home);
        let api = server.post("/v1/apis", &json!({"name": "acme-pay", "key_life": "365d"}));
        assert_eq!(api.expect(201)["brand"], "acmepay");
        assert_eq!(api.expect(201)["overlap"], "8d");

        let customer = server.post("/v1/apis/acme-pay/accounts", &json!({"name": "globex"}));
        let account = id(&customer, "id");
        let app = server.post(
            &format!("/v1/accounts/{account}/apps"),
            &json!({"name": "web-shop", "scopes": ["orders:read"],
                    "rate": {"requests": 100, "seconds": 60}, "labels": {"tier": "gold"},
                    "quota": {"requests": 10000, "per": "day"}}),
        );
        let app = id(&app, "id");
        let key = server.post(
            &format!("/v1/apps/{app}/keys"),
            &json!({"label": "checkout", "networks": ["203.0.113.7/24", "2001:db8::1"]}),
        );
        assert!(key.header("location").starts_with("/v1/keys/key_"), "{key:?}");
        let (key, secret) = made(&key);

        let token = Token::parse(&secret).unwrap();
        assert_eq!((token.brand().as_str(), token.environment()), ("acmepay", Environment::Live));
        let seen = server.get(&format!("/v1/keys/{key}")).expect(200);
        let known = json!({"provider": "acme-pay", "account_name": "acme-pay/globex",
            "principal": "web-shop", "principal_kind": "app", "id": token.id().to_string(),
            "label": "checkout", "state": "active", "side": "issued", "due": false,
            "tags": {"tier": "gold"}});
        for (name, value) in known.as_object().unwrap() {
            assert_eq!(&seen[name], value, "{name}: {seen}");
        }
        assert_eq!(seen["last_used"]["status"], "never");
        assert!(seen["expires_at"].is_string(), "the API's life of a key");
        let issued = &seen["issued"];
        assert_eq!(issued["app"], app);
        assert_eq!(issued["environment"], "live");
        assert_eq!(issued["scopes"], json!(["orders:read"]));
        assert_eq!(issued["networks"], json!(["203.0.113.0/24", "2001:db8::1/128"]));
        assert!(issued["activated_at"].is_string() && issued["revoked_at"].is_null());
        // It is found by what stands in it, and by its app.
        let public = token.id().to_string();
        assert_eq!(server.get(&format!("/v1/keys?named={public}")).expect(200)["total"], 1);
        assert_eq!(server.get(&format!("/v1/keys?app={app}")).expect(200)["keys"][0]["key"], *key);
        server.get("/v1/keys?app=app_0000000000000").expect(400);
        // The digest of its secret is kept, and proves it.
        let kept = block_on(async {
            let store = Store::open(&Location::parse(&database.text)).await.unwrap();
            let found = store.find_issued(&[key.parse().unwrap()]).await.unwrap();
            store.close().await;
            found[0].digest.clone()
        });
        assert_eq!(kept, token.digest().to_hex());
    }
}

#[test]
fn what_cannot_be_is_refused_and_says_why() {
    let Some(shop) = shops().next() else { return };
    let accounts = "/v1/apis/acme/accounts".to_owned();
    let apps = format!("/v1/accounts/{}/apps", shop.customer);
    let keys = format!("/v1/apps/{}/keys", shop.app);
    let apis = "/v1/apis".to_owned();
    shop.server
        .post("/v1/accounts", &json!({"provider": "other-saas", "name": "held"}))
        .expect(201);
    let many: Vec<String> = (0..65).map(|number| format!("s{number}")).collect();
    let past = "2020-01-01T00:00:00Z";
    let cases = [
        (&apis, json!({"name": "Acme"}), 422, "small letters"),
        (&apis, json!({"name": "x"}), 422, "small letters"),
        (&apis, json!({"name": "stripe"}), 422, "is a provider"),
        (&apis, json!({"name": "aws"}), 422, "is a provider"),
        (&apis, json!({"name": "keytender"}), 422, "is a provider"),
        (&apis, json!({"name": "other-saas"}), 409, "held in the account `held`"),
        (&apis, json!({"name": "acme"}), 409, "already"),
        (&apis, json!({"name": "other", "brand": "acme"}), 409, "already"),
        (&apis, json!({"name": "other", "brand": "Ac_me"}), 422, "begin a key"),
        (&apis, json!({"name": "other", "brand": "keytender"}), 422, "tokens of this program"),
        (&apis, json!({"name": "other", "key_life": "1s"}), 422, "from a minute"),
        (&apis, json!({"name": "other", "overlap": "9999d"}), 422, "at most 366 days"),
        (&apis, json!({"name": "other", "key_life": "soon"}), 422, ""),
        (&apis, json!({"name": "other", "colour": "red"}), 422, "colour"),
        (&accounts, json!({"name": "a b"}), 422, "letters, digits"),
        (&accounts, json!({"name": "x", "contact": "nowhere"}), 422, "no mail address"),
        (&accounts, json!({"name": "globex"}), 409, "already"),
        (&accounts, json!({"name": "other", "external_id": "c-7"}), 409, "already"),
        (&apps, json!({"name": " "}), 422, "a short line"),
        (&apps, json!({"name": "web-shop"}), 409, "already"),
        (&apps, json!({"name": "x", "scopes": ["a b"]}), 422, "a scope has"),
        (&apps, json!({"name": "x", "scopes": many}), 422, "at most 64"),
        (&apps, json!({"name": "x", "rate": {"requests": 0, "seconds": 1}}), 422, "a rate counts"),
        (&apps, json!({"name": "x", "rate": {"requests": 1, "seconds": 90_000}}), 422, "a rate is"),
        (&apps, json!({"name": "x", "quota": {"requests": 0, "per": "day"}}), 422, "at least one"),
        (&apps, json!({"name": "x", "quota": {"requests": 1, "per": "year"}}), 422, ""),
        (&apps, json!({"name": "x", "labels": {"": "v"}}), 422, "labels"),
        (&keys, json!({"label": "x", "scopes": ["orders:delete"]}), 422, "has no scope"),
        (&keys, json!({"label": "x", "networks": ["10.0.0.0/33"]}), 422, "CIDR"),
        (&keys, json!({"label": "x", "networks": ["everywhere"]}), 422, "CIDR"),
        (&keys, json!({"label": "x", "expires_at": past}), 422, "ended already"),
        (&keys, json!({"label": ""}), 422, "needs a name"),
        (&keys, json!({"label": "x", "environment": "prod"}), 422, ""),
    ];
    let before = shop.changes().len();
    for (path, body, status, why) in &cases {
        let answer = shop.server.post(path, body);
        assert_eq!(answer.status, *status, "{body}: {answer:?}");
        let said = format!("{} {}", answer.json()["detail"], answer.json()["hint"]);
        assert!(said.contains(why), "{body}: {said}");
    }
    assert_eq!(shop.changes().len(), before);
    for path in ["/v1/apis/nowhere/accounts", "/v1/accounts/acme%2Fnobody/apps"] {
        shop.server.post(path, &json!({"name": "x"})).expect(404);
    }
    shop.server.post("/v1/apps/app_0000000000000/keys", &json!({"label": "x"})).expect(404);
    // Beside each refusal: names of another API, another customer are free.
    shop.server.post("/v1/apis", &json!({"name": "other", "brand": "oth"})).expect(201);
    shop.server.post("/v1/apis/other/accounts", &json!({"name": "globex"})).expect(201);
    shop.server.post(&apps, &json!({"name": "x", "scopes": ["a:*", "b/c.d_e"]})).expect(201);
    let without_end = shop.key(&json!({"expires_at": null, "scopes": ["orders:read"]}));
    assert!(shop.seen(&without_end.0)["expires_at"].is_null());
}

#[test]
fn keys_of_an_api_are_not_told_by_hand_and_held_keys_are_not_issued() {
    for shop in shops() {
        let server = &shop.server;
        let held = json!({"provider": "acme", "name": "x"});
        let refused = server.post("/v1/accounts", &held);
        assert_eq!(refused.status, 409, "{refused:?}");
        assert!(refused.text.contains("keytender accounts add acme"), "{refused:?}");
        assert_eq!(server.post("/v1/keys", &held).status, 409);
        let into = json!({"provider": "acme", "name": "x", "account": "acme/globex"});
        assert!(server.post("/v1/keys", &into).text.contains("keys create --app"));
        let stripe = server.post("/v1/keys", &json!({"provider": "stripe", "name": "live"}));
        let stripe = id(&stripe, "key");
        for (path, body) in [
            ("rotations", json!({})),
            ("revocation", json!({})),
            ("rotations/completion", json!({})),
        ] {
            let answer = server.post(&format!("/v1/keys/{stripe}/{path}"), &body);
            assert_eq!(answer.status, 409, "{path}: {answer:?}");
            assert!(answer.text.contains("no key of an API of yours"), "{answer:?}");
        }
        server.post("/v1/accounts/stripe/apps", &json!({"name": "x"})).expect(422);
        assert_eq!(shop.put("/v1/accounts/stripe/suspension", &json!({})).status, 422);
        // Nobody tells when a key of ours was made or used; its name and its end are people's to say.
        let (key, _) = shop.key(&json!({}));
        let path = format!("/v1/keys/{key}");
        let told = json!({"last_used_at": "2026-01-01T00:00:00Z"});
        assert_eq!(server.patch(&path, &told).status, 422);
        let end = "2099-01-01T00:00:00Z";
        let subjects = shop.changed(|| {
            let said =
                server.patch(&path, &json!({"expires_at": end, "label": "till"})).expect(200);
            assert_eq!((&said["expires_at"], &said["label"]), (&json!(end), &json!("till")));
        });
        assert_eq!(subjects, [key_subject(&key)], "verifiers hear of the new end");
    }
}

#[test]
fn a_change_is_made_to_the_version_that_was_meant() {
    for shop in shops() {
        let patch = |path: &str, body: Value, tag: &str| {
            let headers = [("If-Match", tag)];
            shop.server.ask_with(&shop.server.token, &Method::PATCH, path, Some(&body), &headers)
        };
        let app = format!("/v1/apps/{}", shop.app);
        for (path, change, other) in [
            ("/v1/apis/acme", json!({"title": "Acme"}), json!({"overlap": "1d"})),
            (&app, json!({"scopes": []}), json!({"rate": {"requests": 5, "seconds": 1}})),
        ] {
            let tag = shop.server.get(path).header("etag").to_owned();
            let changed = patch(path, change.clone(), &tag);
            changed.expect(200);
            assert_ne!(changed.header("etag"), tag);
            assert_eq!(patch(path, other.clone(), &tag).status, 412, "{path}");
            let now = shop.server.get(path).header("etag").to_owned();
            assert_eq!(now, changed.header("etag"));
            patch(path, other, &now).expect(200);
        }
        // Labels are replaced, and claimed anew at once.
        let (key, _) = shop.key(&json!({}));
        let owner = json!({"name": "gold", "address": "gold@example.com"});
        shop.server.post("/v1/owners", &owner).expect(201);
        let claim = json!({"by": "tag", "tag": "team", "pattern": "gold"});
        shop.server.post("/v1/owners/gold/claims", &claim).expect(201);
        assert!(shop.seen(&key)["owner"].is_null());
        let labels = json!({"team": "gold"});
        let changed = shop.server.patch(&app, &json!({"labels": labels})).expect(200);
        assert_eq!(changed["labels"], labels);
        assert_eq!(shop.server.get(&app).expect(200)["labels"], labels);
        let seen = shop.seen(&key);
        assert_eq!((&seen["tags"], &seen["owner"]), (&labels, &json!("gold")));
        // What is null is taken away; what is said again changes nothing.
        let kept = shop.server.patch("/v1/apis/acme", &json!({"overlap": null})).expect(200);
        assert_eq!((&kept["overlap"], &kept["title"]), (&json!("8d"), &json!("Acme")));
        let free = json!({"rate": null});
        let subjects = shop.changed(|| {
            assert!(shop.server.patch(&app, &free).expect(200)["rate"].is_null());
            shop.server.patch(&app, &free).expect(200);
        });
        assert_eq!(subjects, [Subject::App(shop.app.parse().unwrap())]);
    }
}

#[test]
fn a_request_that_is_sent_again_shows_the_same_secret_and_makes_no_second_key() {
    for shop in shops() {
        let path = format!("/v1/apps/{}/keys", shop.app);
        let ask = |path: &str, word: &str, body: &Value| {
            let headers = [("Idempotency-Key", word)];
            shop.server.ask_with(&shop.server.token, &Method::POST, path, Some(body), &headers)
        };
        let first = made(&ask(&path, "one", &json!({"label": "x"})));
        let again = ask(&path, "one", &json!({"label": "x"}));
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(made(&again), first);
        assert_ne!(made(&ask(&path, "two", &json!({"label": "y"}))), first);
        assert_eq!(shop.server.get(&format!("/v1/keys?app={}", shop.app)).expect(200)["total"], 2);
        let rotations = format!("/v1/keys/{}/rotations", first.0);
        let next = made(&ask(&rotations, "three", &json!({})));
        assert_eq!(made(&ask(&rotations, "three", &json!({}))), next);
        assert_eq!(shop.server.get(&format!("/v1/keys?app={}", shop.app)).expect(200)["total"], 3);
    }
}

#[test]
fn whoever_sees_only_some_keys_issues_none() {
    for shop in shops() {
        let server = &shop.server;
        let (key, _) = shop.key(&json!({}));
        server.post("/v1/owners", &json!({"name": "it", "address": "it@example.com"})).expect(201);
        let owner = server.token_of("owner", &json!({"name": "olga", "owner": "it"}), None);
        let side = |side: &str| {
            let asked = json!({"label": side, "side": side});
            id(&server.post("/v1/users/administrator/tokens", &asked), "token")
        };
        let (held, issued) = (side("held"), side("issued"));
        let reads = ["/v1/apis", "/v1/apis/acme", "/v1/apis/acme/apps", "/v1/apis/acme/accounts"];
        let get = |token: &str, path: &str| server.ask_with(token, &Method::GET, path, None, &[]);
        for path in reads.into_iter().chain([format!("/v1/apps/{}", shop.app).as_str()]) {
            assert_eq!(get(&owner, path).status, 403, "{path}");
            assert_eq!(get(&held, path).status, 403, "{path}");
            get(&issued, path).expect(200);
        }
        let paths = [
            ("/v1/apis".to_owned(), json!({"name": "other"})),
            ("/v1/apis/acme/accounts".to_owned(), json!({"name": "other"})),
            (format!("/v1/accounts/{}/apps", shop.customer), json!({"name": "other"})),
            (format!("/v1/apps/{}/keys", shop.app), json!({"label": "other"})),
            (format!("/v1/keys/{key}/rotations"), json!({})),
            (format!("/v1/keys/{key}/revocation"), json!({})),
        ];
        let before = shop.changes();
        for (path, body) in &paths {
            for token in [&owner, &held] {
                let answer = server.ask_with(token, &Method::POST, path, Some(body), &[]);
                assert!([403, 404].contains(&answer.status), "{path}: {answer:?}");
            }
        }
        assert_eq!(shop.changes(), before);
        get(&held, &format!("/v1/keys/{key}")).expect(404);
        assert_eq!(get(&held, &format!("/v1/keys?app={}", shop.app)).status, 400);
        for (path, body) in &paths {
            let answer = server.ask_with(&issued, &Method::POST, path, Some(body), &[]);
            assert!([200, 201].contains(&answer.status), "{path}: {answer:?}");
        }
        assert!(shop.changes().len() > before.len());
    }
}
