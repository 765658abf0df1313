//! A customer's own token: what it does with what is that customer's, and that it reaches nothing else.

use std::collections::BTreeSet;

use keytender_core::access::{OF_CUSTOMERS, Scope, Scopes};
use keytender_core::id::{AccountId, AppId, ChannelId, KeyId};
use reqwest::Method;
use serde_json::{Value, json};

use crate::Home;
use crate::databases::new_databases;
use crate::inventory::run;
use crate::served::{Answer, Served};
use crate::server_access::{fitting, operations};

mod offboarding;
mod own;

/// A customer with an app and keys.
pub(crate) struct Customer {
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) app: String,
    /// Two keys of a rotation, and one that may be known to others.
    pub(crate) keys: [String; 3],
    /// The texts of the first and the last.
    pub(crate) secrets: [String; 2],
    /// A webhook.
    pub(crate) hook: String,
    pub(crate) token: String,
}

impl Customer {
    /// A new customer of the API `api`.
    pub(crate) fn new(server: &Served, api: &str, name: &str) -> Self {
        let word =
            |answer: Answer, member: &str| answer.expect(201)[member].as_str().unwrap().to_owned();
        let contact = format!("dev@{name}.example");
        let new = json!({"name": name, "external_id": format!("{name}-77"), "contact": contact});
        let account = word(server.post(&format!("/v1/apis/{api}/accounts"), &new), "id");
        let new = json!({"name": format!("{name}-shop"), "scopes": ["orders:read"],
                         "labels": {"risk": format!("{name}-pays-late")}});
        let app = word(server.post(&format!("/v1/accounts/{account}/apps"), &new), "id");
        let place = format!("/v1/apps/{app}/keys");
        let make = |label: &str| {
            let made =
                server.post(&place, &json!({"label": format!("{name}-{label}")})).expect(201);
            ["key", "secret"].map(|member| made[member].as_str().unwrap().to_owned())
        };
        let [first, text] = make("first");
        let [leaked, other] = make("leaked");
        let asked = json!({"exposed": true, "because": "found by our crawler"});
        server.patch(&format!("/v1/keys/{leaked}"), &asked).expect(200);
        let asked = json!({"overlap": "3d", "activation": "immediately"});
        let next = word(server.post(&format!("/v1/keys/{first}/rotations"), &asked), "key");
        let token = word(
            server.post(&format!("/v1/accounts/{account}/tokens"), &json!({"label": "own"})),
            "token",
        );
        let new = json!({"name": "hook", "kind": "webhook", "account": account,
                         "url": format!("https://{name}.example/keys")});
        let hook = word(server.post("/v1/channels", &new), "id");
        Self {
            name: format!("{api}/{name}"),
            account,
            app,
            keys: [first, next, leaked],
            secrets: [text, other],
            hook,
            token,
        }
    }
}

/// Two customers of one API, one of another, and a key that is held.
struct Street {
    server: Served,
    globex: Customer,
    others: Vec<Customer>,
    held: [String; 2],
    _home: Home,
}

impl Street {
    fn open(database: &str) -> Self {
        let home = Home::new().with("KEYTENDER_DATABASE", database);
        let server = Served::start_with(&home, &["--trusted-proxy", "127.0.0.0/8"]);
        for api in ["acme", "birch"] {
            server.post("/v1/apis", &json!({"name": api, "key_life": "365d"})).expect(201);
        }
        let owner = json!({"name": "billing-team", "address": "billing@provider.example"});
        server.post("/v1/owners", &owner).expect(201);
        let key = json!({"provider": "stripe", "name": "stripe-live", "account": "stripe-main",
                         "created_at": "2020-01-01T00:00:00Z", "owner": "billing-team"});
        let key = server.post("/v1/keys", &key).expect(201)["key"].as_str().unwrap().to_owned();
        let account = server.get("/v1/accounts").expect(200);
        let account = account["accounts"].as_array().unwrap();
        let account = account.iter().find(|one| one["name"] == "stripe-main").unwrap();
        let account = account["id"].as_str().unwrap().to_owned();
        let globex = Customer::new(&server, "acme", "globex");
        let others = [("acme", "initech"), ("birch", "hooli")]
            .map(|(api, name)| Customer::new(&server, api, name))
            .into();
        Self { server, globex, others, held: [key, account], _home: home }
    }

    fn ask(&self, method: &Method, path: &str, body: Option<&Value>) -> Answer {
        self.server.ask_with(&self.globex.token, method, path, body, &[])
    }

    fn get(&self, path: &str) -> Answer {
        self.ask(&Method::GET, path, None)
    }

    /// What nobody of Globex may read anywhere.
    fn hidden(&self) -> BTreeSet<String> {
        let mut hidden: BTreeSet<String> =
            ["initech", "hooli", "birch", "stripe", "billing", "pays-late", "crawler"]
                .map(str::to_owned)
                .into();
        hidden.extend(self.held.iter().cloned());
        for one in &self.others {
            hidden.extend([one.account.clone(), one.app.clone(), one.hook.clone()]);
            hidden.extend(one.keys.iter().cloned());
            hidden.extend(one.secrets.iter().map(|text| public(text)));
        }
        hidden
    }

    /// What of others a path may name, each with a word of the same form that names nothing.
    fn named(&self) -> Vec<[(&'static str, String); 2]> {
        let nobody = |part| match part {
            "{key}" => KeyId::from_i64(77).to_string(),
            "{app}" => AppId::from_i64(77).to_string(),
            "{channel}" => ChannelId::from_i64(77).to_string(),
            _ => AccountId::from_i64(77).to_string(),
        };
        let id = |part: &'static str, real: &String| [(part, real.clone()), (part, nobody(part))];
        let word = |part, real: String, made_up: &str| [(part, real), (part, made_up.to_owned())];
        let mut named = vec![
            id("{key}", &self.held[0]),
            word("{key}", "stripe-live".to_owned(), "stripe-fake"),
            id("{account}", &self.held[1]),
            word("{account}", "stripe-main".to_owned(), "stripe-fake"),
            word("{api}", "birch".to_owned(), "larch"),
        ];
        for one in &self.others {
            named.extend(one.keys.iter().map(|key| id("{key}", key)));
            named.push(word("{key}", public(&one.secrets[0]), "aaaaaaaaaaaa"));
            let label = one.name.split('/').next_back().unwrap();
            named.push(word("{key}", format!("{label}-first"), "nobody-first"));
            named.push(id("{account}", &one.account));
            named.push(word("{account}", one.name.replace('/', "%2F"), "acme%2Fnobody"));
            named.push(id("{app}", &one.app));
            named.push(id("{channel}", &one.hook));
            named.push(word(
                "{channel}",
                format!("{}%2Fhook", one.name.replace('/', "%2F")),
                "acme%2Fnobody%2Fhook",
            ));
        }
        named
    }

    /// All that there is, as the administrator sees it; numbers change by themselves.
    fn all(&self) -> Vec<String> {
        let lists = [
            "accounts",
            "keys?limit=1000",
            "owners",
            "users",
            "channels",
            "principals",
            "apis",
            "apis/acme/accounts",
            "apis/birch/accounts",
            "apis/acme/apps",
            "apis/birch/apps",
            "tokens",
        ];
        let text = |list: &&str| self.server.get(&format!("/v1/{list}")).text;
        let plain = |text: String| text.replace(|one: char| one.is_ascii_digit() || one == '.', "");
        lists.iter().map(text).map(plain).collect()
    }
}

/// The letters of a key that are no secret.
fn public(text: &str) -> String {
    text.split('_').nth(2).unwrap().to_owned()
}

/// Whether the document says that customers' own tokens reach an operation.
fn is_for_customers(method: &Method, path: &str) -> bool {
    let document: Value = serde_json::from_str(&keytender::http::openapi()).unwrap();
    let operation = &document["paths"][path][method.as_str().to_lowercase()];
    let ways = operation["security"].as_array().unwrap();
    ways.iter().any(|way| way.get("customer_token").is_some())
}

#[test]
fn what_is_anothers_is_for_a_customer_as_if_it_were_not_there_by_every_operation() {
    for database in new_databases() {
        let street = Street::open(&database.text);
        // That a token is used first is noted too.
        street.get("/v1/keys").expect(200);
        let before = street.all();
        let (mut reached, mut closed) = (0, 0);
        for (method, path, _) in operations() {
            let is_open = is_for_customers(&method, &path);
            let (body, query) = fitting(&method, &path);
            for [real, made_up] in street.named() {
                if !path.contains(real.0) {
                    continue;
                }
                let ask = |(part, word): &(&str, String)| {
                    let place = path.replace(part, word);
                    let place = place.replace("{destination}", "dst_0000000000001");
                    let answer = street.ask(&method, &format!("{place}{query}"), body.as_ref());
                    let plain = word.replace("%2F", "/");
                    (answer.status, answer.text.replace(&plain, "…"))
                };
                let (theirs, nobodys) = (ask(&real), ask(&made_up));
                assert_eq!(theirs, nobodys, "{method} {path}: {real:?}");
                let expected = if is_open { 404 } else { 403 };
                assert_eq!(theirs.0, expected, "{method} {path}: {real:?} {theirs:?}");
                reached += 1;
            }
            if !is_open {
                let nobody = path.split('/').map(|part| match part.starts_with('{') {
                    true => "nobody",
                    false => part,
                });
                let place = nobody.collect::<Vec<_>>().join("/");
                let answer = street.ask(&method, &format!("{place}{query}"), body.as_ref());
                assert_eq!(answer.status, 403, "{method} {path}: {answer:?}");
                closed += 1;
            }
        }
        assert!(reached > 150 && closed > 60, "{reached} {closed}");
        assert_eq!(street.all(), before, "nothing was changed");
    }
}

/// What a customer reads at a path, if nothing of another's is in it.
#[track_caller]
fn own(street: &Street, path: &str) -> Answer {
    let answer = street.get(path);
    let hidden = street.hidden();
    let shown = hidden.iter().find(|word| answer.text.contains(word.as_str()));
    assert_eq!(shown, None, "{path}: {}", answer.text);
    answer
}

#[test]
fn nothing_that_a_customer_reads_shows_what_is_anothers() {
    for database in new_databases() {
        let street = Street::open(&database.text);
        let [first, next, leaked] = &street.globex.keys;
        let is_read =
            |method: &Method, path: &str| *method == Method::GET && is_for_customers(method, path);
        let mut read = 0;
        for (_, path, _) in
            operations().into_iter().filter(|(method, path, _)| is_read(method, path))
        {
            let place = path
                .replace("{key}", next)
                .replace("{app}", &street.globex.app)
                .replace("{channel}", &street.globex.hook)
                .replace("{account}", &street.globex.account)
                .replace("{api}", "acme");
            assert_eq!(own(&street, &place).status, 200, "{path}");
            read += 1;
        }
        assert!(read >= 12, "{read}");
        for key in [first, leaked] {
            own(&street, &format!("/v1/keys/{key}"));
            own(&street, &format!("/v1/keys/{key}/timeline"));
        }
        own(&street, "/v1/credential-report?format=json");
        own(&street, "/v1/credential-report?format=aws");
        assert_eq!(own(&street, "/v1/keys?limit=1000").expect(200)["total"], 3);
        // A cursor that an administrator got goes on with what is the customer's own.
        for list in ["keys", "exposures", "findings", "apis/acme/apps"] {
            let mut cursor =
                street.server.get(&format!("/v1/{list}?limit=1")).expect(200)["next"].clone();
            assert!(cursor.is_string(), "{list} has pages");
            while let Some(after) = cursor.as_str() {
                let place = format!("/v1/{list}?limit=1&after={after}");
                assert_eq!(own(&street, &place).status, 200, "{place}");
                cursor = street.server.get(&place).expect(200)["next"].clone();
            }
        }
    }
}

#[test]
fn a_filter_that_names_what_is_anothers_is_answered_as_one_that_names_nothing() {
    for database in new_databases() {
        let street = Street::open(&database.text);
        let others = &street.others[0];
        let nobody = "key_0000000000001";
        for (list, filter, theirs, nobodys) in [
            ("keys", "account", others.name.as_str(), "acme/nobody"),
            ("keys", "account", "stripe-main", "stripe-fake"),
            ("keys", "app", others.app.as_str(), "app_0000000000001"),
            ("keys", "owner", "billing-team", "made-up-team"),
            ("findings", "key", others.keys[2].as_str(), nobody),
            ("credential-report", "account", others.name.as_str(), "acme/nobody"),
            ("apis/acme/apps", "account", others.name.as_str(), "acme/nobody"),
            ("channels", "account", others.name.as_str(), "acme/nobody"),
            ("channels", "api", "birch", "larch"),
        ] {
            let ask = |word: &str| {
                let answer = street.get(&format!("/v1/{list}?{filter}={word}"));
                (answer.status, answer.text.replace(word, "…"))
            };
            assert_eq!(ask(theirs), ask(nobodys), "{list} {filter}");
            assert!(ask(theirs).0 >= 400, "{list} {filter}");
        }
        for (filter, word) in [
            ("provider", "stripe"),
            ("provider", "birch"),
            ("text", "initech"),
            ("named", "initech-first"),
            ("named", others.keys[0].as_str()),
            ("side", "held"),
        ] {
            let found = street.get(&format!("/v1/keys?{filter}={word}")).expect(200);
            assert_eq!((&found["total"], &found["keys"]), (&json!(0), &json!([])), "{filter}");
        }
    }
}

#[test]
fn an_idempotency_key_is_a_tokens_own() {
    let database = new_databases().remove(0);
    let street = Street::open(&database.text);
    let make = |customer: &Customer| {
        let path = format!("/v1/apps/{}/keys", customer.app);
        let headers = [("idempotency-key", "sign-up-1")];
        let body = json!({"label": "again"});
        let token = &customer.token;
        street.server.ask_with(token, &Method::POST, &path, Some(&body), &headers)
    };
    let own = make(&street.globex);
    let theirs = make(&street.others[0]);
    assert_ne!(own.expect(201)["key"], theirs.expect(201)["key"]);
    assert_eq!(theirs.header("idempotency-replayed"), "");
    let again = make(&street.globex);
    assert_eq!((again.header("idempotency-replayed"), &again.text), ("true", &own.text));
    // The same key and the path of another customer: neither done nor told.
    let path = format!("/v1/apps/{}/keys", street.others[0].app);
    let headers = [("idempotency-key", "sign-up-2")];
    let body = json!({"label": "again"});
    let stolen =
        street.server.ask_with(&street.globex.token, &Method::POST, &path, Some(&body), &headers);
    assert_eq!(stolen.status, 404, "{stolen:?}");
    let later = street.server.ask_with(
        &street.others[0].token,
        &Method::POST,
        &path,
        Some(&body),
        &headers,
    );
    later.expect(201);
    assert_eq!(later.header("idempotency-replayed"), "");
}
