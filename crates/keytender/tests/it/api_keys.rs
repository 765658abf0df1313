//! Keys over HTTP: by the command line, which prints the same as beside the inventory; and by programs.

use keytender_core::time::{Span, Time};
use reqwest::Method;
use serde_json::{Value, json};

use crate::databases::{Database, new_databases};
use crate::fake_iam::FakeIam;
use crate::inventory::{BACKUP, DEPLOY, ROOT, account, home, run, without_ids};
use crate::served::Served;
use crate::{Home, Ran};

/// A synced inventory, with a server of its own.
pub(crate) struct Office {
    pub(crate) fake: FakeIam,
    pub(crate) home: Home,
    pub(crate) server: Served,
    _database: Database,
}

impl Office {
    fn open(database: Database, now: Time) -> Self {
        let fake = FakeIam::start(account(now));
        let home = home(&fake, &database);
        run(&home, &["accounts", "add", "aws", "prod"]);
        run(&home, &["sync"]);
        let server = Served::start(&home);
        // The server's own token is nobody's concern here.
        run(&home, &["owners", "add", "it", "--address", "it@example.com"]);
        run(&home, &["owners", "claim", "it", "--provider", "keytender"]);
        Self { fake, home, server, _database: database }
    }

    fn put(&self, path: &str, body: &Value) -> crate::served::Answer {
        self.server.ask_with(&self.server.token, &Method::PUT, path, Some(body), &[])
    }
}

/// One office on each kind of database.
fn offices() -> Vec<Office> {
    offices_at(keytender::clock::now())
}

/// The same, with accounts as they are at this moment.
pub(crate) fn offices_at(now: Time) -> Vec<Office> {
    new_databases().into_iter().map(|database| Office::open(database, now)).collect()
}

/// What a run printed, whoever was asked.
pub(crate) fn printed(ran: &Ran) -> String {
    let text = format!("{}\n{}\n{}", ran.code, ran.stdout, ran.stderr);
    without_ids(&text.replace("administrator", "mia"))
}

const EXPORT: &str = r#"{"accounts":[{"items":[{"title":"Mail","credentials":[{"type":"api-key"},
    {"type":"basic-auth"}]}]}]}"#;
const LIST: &str = "provider,name,created,expires,last_used,owner\n\
                    stripe,live,2026-01-02,,2026-11-01,platform\ngithub,bot,2025-01-02,,,nobody\n";

fn words() -> Vec<Vec<String>> {
    let soon = keytender::clock::now().plus(Span::days(30)).date();
    let ago = keytender::clock::now().minus(Span::days(400)).date();
    let held = "keys list --side held";
    let lines = [
        format!("{held} --json"),
        held.to_owned(),
        format!("{held} --due --sort age --limit 1"),
        format!("{held} --limit 2 --offset 1 --sort name"),
        format!("{held} --rule key-over-a-year --older-than 365d --unused-for 90d"),
        format!("{held} --text nothing-like-it"),
        "keys list --account nowhere".to_owned(),
        "keys list --owner nobody".to_owned(),
        format!("keys show {DEPLOY}"),
        format!("keys show {BACKUP} --json"),
        format!("keys show {ROOT}"),
        "keys show no-such-key".to_owned(),
        "owners check".to_owned(),
        "owners suggest".to_owned(),
        "owners add platform --address platform@example.com".to_owned(),
        format!("keys add stripe shop --created {ago} --where .env --id sk_1 --owner platform"),
        format!("keys add stripe shop --created {ago}"),
        "keys add stripe other --created 2026-01-02 --expires 2026-01-01".to_owned(),
        "keys add stripe other --owner nobody".to_owned(),
        "keys add aws more --account prod".to_owned(),
        format!("keys set shop --name shop-live --expires {soon} --used {ago}"),
        format!("keys set {DEPLOY} --name mine"),
        format!("keys set {DEPLOY} --keep-until {ago} --because late"),
        format!("keys set {DEPLOY} --keep-until {soon} --because moves"),
        format!("keys set {DEPLOY} --owner platform --exposed yes --where shop"),
        format!("keys show {DEPLOY}"),
        format!("keys set {DEPLOY} --keep-until none --because moved --exposed no"),
        "keys import list.csv".to_owned(),
        "keys import list.csv".to_owned(),
        "keys import export.json --account vault".to_owned(),
        "keys import broken.json".to_owned(),
        "keys import missing.csv".to_owned(),
        "keys import report.csv --account old --as-of 2026-11-01".to_owned(),
        "owners suggest --accept".to_owned(),
        "owners check".to_owned(),
        "owners list".to_owned(),
        format!("keys disable {BACKUP} --because moved --dry-run"),
        format!("keys disable {BACKUP} {BACKUP}"),
        format!("keys disable {BACKUP} --because moved"),
        format!("keys disable {BACKUP} --because moved --yes"),
        format!("keys disable {BACKUP} --yes"),
        format!("keys show {BACKUP}"),
        format!("keys enable {BACKUP} --because needed --yes"),
        format!("keys disable {ROOT} --yes"),
        format!("keys delete {DEPLOY} --yes"),
        format!("keys delete {DEPLOY} --really --because leaked --yes"),
        format!("keys delete {DEPLOY} --really --because leaked --yes"),
        format!("keys show {DEPLOY}"),
        "keys disable shop-live --yes".to_owned(),
        "keys show shop-live".to_owned(),
        format!("{held} --limit 1500"),
        format!("{held} --state destroyed --json"),
    ];
    lines.iter().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
}

#[test]
fn the_command_line_prints_the_same_here_and_at_a_server() {
    let now = keytender::clock::now();
    for (here, there) in offices_at(now).into_iter().zip(offices_at(now)) {
        let client = there.server.home();
        for home in [&here.home, &client] {
            home.write("list.csv", LIST);
            home.write("export.json", EXPORT);
            home.write("broken.json", "{\"accounts\": 1}");
            home.write("report.csv", crate::example());
        }
        let mut codes = Vec::new();
        for words in words() {
            let (one, other) = (here.home.run(&words), client.run(&words));
            assert_eq!(printed(&one), printed(&other), "{words:?}");
            codes.push(one.code);
        }
        assert!(codes.contains(&0) && codes.contains(&1) && codes.contains(&3), "{codes:?}");
        for office in [&here, &there] {
            let deploy = office.fake.with_account(|account| account.user_mut("deploy").keys.len());
            assert_eq!(deploy, 0);
            assert!(office.fake.with_account(|account| account.key_mut(BACKUP).active));
        }
    }
}

/// Every key of a list, page by page; each page says how many there are in all.
fn every(server: &Served, query: &str, limit: u32, total: u32) -> Vec<Value> {
    let mut keys = Vec::new();
    let mut after = String::new();
    loop {
        let page = server.get(&format!("/v1/keys?limit={limit}&{query}{after}")).expect(200);
        assert_eq!(page["total"], total);
        keys.extend(page["keys"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { return keys };
        after = format!("&after={next}");
    }
}

#[test]
fn every_key_is_on_one_page_in_every_order() {
    for office in offices() {
        for name in ["a", "B", "c", "ä"] {
            run(&office.home, &["keys", "add", "stripe", name]);
        }
        let server = &office.server;
        for sort in ["severity", "age", "last-used", "expires", "name"] {
            for (which, count) in [("", 8), ("&text=e", 7), ("&state=active", 8), ("&rule=x", 0)] {
                let query = format!("sort={sort}{which}");
                let all = server.get(&format!("/v1/keys?{query}")).expect(200);
                assert_eq!(all["total"], count, "{query}");
                for limit in [1, 3, 8] {
                    let paged = every(server, &query, limit, count);
                    let ids = |keys: &[Value]| -> Vec<Value> {
                        keys.iter().map(|key| key["key"].clone()).collect()
                    };
                    let all = ids(all["keys"].as_array().unwrap());
                    assert_eq!(ids(&paged), all, "{query} by {limit}");
                }
                let beyond = server.get(&format!("/v1/keys?{query}&offset=100")).expect(200);
                assert_eq!((&beyond["total"], &beyond["keys"]), (&json!(count), &json!([])));
            }
        }
        let named = server.get("/v1/keys?named=root%2F1").expect(200);
        assert_eq!(
            (&named["total"], &named["keys"][0]["principal_kind"]),
            (&json!(1), &json!("root"))
        );
        let issued = server.get("/v1/keys?side=issued").expect(200);
        assert_eq!((&issued["total"], &issued["keys"][0]["owner"]), (&json!(1), &json!("it")));
        assert_eq!(server.get("/v1/keys/deploy%2F1").expect(200)["id"], DEPLOY);
    }
}

#[test]
fn a_bad_question_is_told_so() {
    for office in offices() {
        let server = &office.server;
        let next = server.get("/v1/keys?limit=1&sort=age").expect(200)["next"].clone();
        let next = next.as_str().unwrap();
        for query in [
            "limit=0",
            "limit=1001",
            "limit=x",
            "offset=1000001",
            "offset=-1",
            "after=x",
            "after=bnVsbA",
            &format!("after={next}"),
            &format!("after={next}&sort=age&offset=1"),
            "sort=colour",
            "state=lost",
            "side=both",
            "due=maybe",
            "older_than=1y",
            "owner=nobody",
            "account=nowhere",
            "colour=red",
            "text=a%00b",
            "named=%00",
        ] {
            let answer = server.get(&format!("/v1/keys?{query}"));
            assert_eq!(answer.status, 400, "{query}: {}", answer.text);
            assert_eq!(answer.header("content-type"), "application/problem+json");
        }
        server.get(&format!("/v1/keys?sort=age&after={next}")).expect(200);
        for path in [
            "/v1/findings?open=2",
            "/v1/findings?key=none",
            "/v1/findings?after=W10",
            "/v1/principals?account=nowhere",
            "/v1/principals?after=W10",
            "/v1/findings?rule=%00",
        ] {
            server.get(path).expect(400);
        }
        for path in [
            "/v1/keys/no-such-key",
            "/v1/keys/%00",
            "/v1/keys/x/timeline",
            "/v1/principals/pri_0000000000000",
            "/v1/principals/x",
        ] {
            server.get(path).expect(404);
        }
        for (path, body, status) in [
            ("/v1/keys", json!({"provider": "stripe", "name": ""}), 422),
            ("/v1/keys", json!({"provider": "stripe", "name": "a\u{0}b"}), 422),
            ("/v1/keys", json!({"provider": "stripe", "name": "a".repeat(501)}), 422),
            ("/v1/keys", json!({"provider": "stripe", "name": "a", "id": "i".repeat(501)}), 422),
            ("/v1/keys", json!({"provider": "a b", "name": "a"}), 422),
            ("/v1/keys", json!({"provider": "stripe", "name": "a", "owner": "nobody"}), 422),
            ("/v1/keys", json!({"provider": "stripe", "name": "a", "secret": "x"}), 422),
            ("/v1/keys", json!({"provider": "stripe"}), 422),
            ("/v1/keys", json!({"provider": "stripe", "name": "a", "created_at": "soon"}), 422),
            ("/v1/keys", json!({"provider": "aws", "name": "a", "account": "prod"}), 422),
            ("/v1/keys/no-such-key/plans", json!({"act": "disable"}), 404),
            ("/v1/imports", json!({"content": ""}), 422),
            ("/v1/imports", json!({"content": LIST, "as_of": "2999-01-01"}), 422),
            ("/v1/imports", json!({"file": "/etc/passwd"}), 422),
            ("/v1/owner-suggestions", json!({"only": "some"}), 422),
        ] {
            let answer = server.post(path, &body);
            assert_eq!(answer.status, status, "{path} {body}: {}", answer.text);
        }
    }
}

#[test]
fn a_key_is_added_changed_and_acted_on() {
    for office in offices() {
        let server = &office.server;
        let new = json!({"provider": "stripe", "name": "live", "created_at": "2025-01-01",
                         "where_used": "shop", "owner": "it"});
        let made = server.post("/v1/keys", &new);
        let key = made.expect(201);
        let path = made.header("location").to_owned();
        assert_eq!(path, format!("/v1/keys/{}", key["key"].as_str().unwrap()));
        assert_eq!((&key["owner"], &key["side"]), (&json!("it"), &json!("held")));
        server.post("/v1/keys", &new).expect(409);
        let read = server.get(&path);
        assert_eq!(read.expect(200), key);
        let tag = read.header("etag").to_owned();
        let set = |body: Value, tag: &str| {
            let headers = [("if-match", tag)];
            server.ask_with(&server.token, &Method::PATCH, &path, Some(&body), &headers)
        };
        let keep = json!({"keep": {"until": "2999-01-01", "reason": "moves"}, "owner": null});
        let kept = set(keep, &tag).expect(200);
        assert_eq!((&kept["due"], &kept["keep_by"]), (&json!(false), &json!("administrator")));
        assert_eq!(kept["owner"], Value::Null);
        let label = json!({"label": "other", "expires_at": "2030-01-01", "where_used": null});
        set(label.clone(), &tag).expect(412);
        assert_eq!(server.get(&path).expect(200)["label"], "live");
        let changed = set(label, "*").expect(200);
        assert_eq!((&changed["label"], &changed["where_used"]), (&json!("other"), &Value::Null));
        for refused in [
            json!({}),
            json!({"because": "x"}),
            json!({"label": " "}),
            json!({"keep": {"until": "2020-01-01", "reason": "x"}}),
            json!({"keep": {"until": "2999-01-01", "reason": " "}}),
            json!({"expires_at": "2024-01-01"}),
            json!({"state": "destroyed"}),
        ] {
            assert_eq!(server.patch(&path, &refused).status, 422, "{refused}");
        }
        assert_eq!(server.patch(&path, &json!({"keep": null})).expect(200)["due"], true);
        let deploy = format!("/v1/keys/{DEPLOY}");
        server.patch(&deploy, &json!({"label": "mine"})).expect(422);

        let plan = server.post(&format!("{deploy}/plans"), &json!({"act": "disable"})).expect(200);
        assert_eq!((&plan["is_done"], &plan["key"]["id"]), (&json!(false), &json!(DEPLOY)));
        assert!(office.fake.with_account(|account| account.key_mut(DEPLOY).active), "only planned");
        let suspension = format!("{deploy}/suspension");
        for _ in 0..2 {
            let state =
                office.put(&suspension, &json!({"because": "old"})).expect(200)["state"].clone();
            assert_eq!(state, "suspended", "asked for twice, done once");
        }
        let events = server.get(&format!("{deploy}/timeline")).expect(200)["events"].clone();
        let events = events.as_array().unwrap().clone();
        let acts: Vec<&Value> = events.iter().filter(|one| one["what"] == "key.disable").collect();
        assert_eq!(acts.len(), 2, "intent and deed, once: {events:?}");
        assert_eq!((&acts[0]["stage"], &acts[1]["why"]), (&json!("intent"), &json!("old")));
        assert!(
            events.iter().any(|one| one["what"] == "breaks" && one["rule"] == "key-over-a-year")
        );
        server.delete(&deploy).expect(422);
        server.delete(&format!("{suspension}?because=needed")).expect(200);
        office.fake.with_account(|account| {
            _ = account.behaviour.deny.insert("UpdateAccessKey".to_owned());
        });
        office.put(&suspension, &json!({})).expect(502);
        server.delete(&format!("{deploy}?really=true")).expect(422);
        server.delete(&format!("{deploy}?really=true&because=leaked")).expect(204);
        assert_eq!(server.get(&deploy).expect(200)["state"], "destroyed");
        server.delete(&format!("{deploy}?really=true&because=leaked")).expect(409);
    }
}

#[test]
fn an_import_says_what_came_in() {
    for office in offices() {
        let server = &office.server;
        let import = json!({"content": LIST, "name": "list.csv"});
        let imported = server.post("/v1/imports", &import).expect(200);
        assert_eq!((&imported["added"], &imported["known"]), (&json!(2), &json!(0)));
        assert_eq!(imported["accounts"], json!(["github", "stripe"]));
        assert_eq!(imported["warnings"].as_array().unwrap().len(), 2, "{imported}");
        assert_eq!(server.post("/v1/imports", &import).expect(200)["known"], 2);
        let secret = "sk_live_thisMustNotBeSeen";
        let export = json!({"accounts": [{"items": [{"title": "Kept", "credentials": [
            {"type": "api-key", "key": {"value": secret}}]}]}]});
        let import =
            json!({"content": export.to_string(), "account": "vault", "keep_secrets": true});
        server.post("/v1/imports", &import).expect(200);
        let kept = server.get("/v1/keys/Kept");
        assert_eq!(kept.expect(200)["secret_kept"], true);
        assert!(!kept.text.contains(secret));
        let broken = server.post("/v1/imports", &json!({"content": format!("{{\"{secret}\": ")}));
        broken.expect(422);
        assert!(!broken.text.contains(secret), "{}", broken.text);
    }
}

#[test]
fn principals_and_findings_are_listed_page_by_page() {
    for office in offices() {
        let server = &office.server;
        let all = server.get("/v1/principals?account=prod").expect(200)["principals"].clone();
        let all = all.as_array().unwrap().clone();
        let names: Vec<&str> = all.iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names.len(), 3, "{names:?}");
        let deploy = all.iter().find(|one| one["name"] == "deploy").unwrap();
        assert_eq!((&deploy["keys"], &deploy["kind"]), (&json!(1), &json!("user")));
        let id = deploy["id"].as_str().unwrap();
        assert_eq!(server.get(&format!("/v1/principals/{id}")).expect(200), *deploy);
        let backup = server.get("/v1/principals?text=BACKUP").expect(200)["principals"][0].clone();
        assert!(backup["last_active"].is_string(), "{backup}");
        let pages = |path: &str, name: &str| {
            let mut things = Vec::new();
            let mut after = String::new();
            loop {
                let page = server.get(&format!("{path}limit=1{after}")).expect(200);
                things.extend(page[name].as_array().unwrap().clone());
                let Some(next) = page["next"].as_str() else { return things };
                after = format!("&after={next}");
            }
        };
        assert_eq!(pages("/v1/principals?account=prod&", "principals"), all);
        let open = server.get("/v1/findings?open=true").expect(200)["findings"].clone();
        assert!(open.as_array().unwrap().len() >= 4, "{open}");
        assert_eq!(Value::from(pages("/v1/findings?open=true&", "findings")), open);
        let key = server.get(&format!("/v1/keys/{DEPLOY}")).expect(200)["key"].clone();
        let of_deploy = |query: &str| {
            let path = format!("/v1/findings?key={DEPLOY}{query}");
            server.get(&path).expect(200)["findings"].as_array().unwrap().clone()
        };
        let old = of_deploy("&rule=key-over-a-year");
        assert_eq!((&old[0]["key"], &old[0]["severity"]), (&key, &json!("high")));
        assert!(of_deploy("&since=2999-01-01").is_empty() && of_deploy("&open=false").is_empty());
        run(&office.home, &["keys", "set", DEPLOY, "--owner", "it"]);
        let over = of_deploy("&open=false");
        assert_eq!(over[0]["rule"], "key-without-owner");
        assert!(over[0]["resolved_at"].is_string());
    }
}

#[test]
fn an_owner_sees_and_tends_their_own_keys_alone() {
    for office in offices() {
        let server = &office.server;
        run(&office.home, &["owners", "add", "platform", "--address", "platform@example.com"]);
        run(&office.home, &["owners", "claim", "platform", "--principal", "deploy"]);
        let token = server.token_of("owner", &json!({"name": "pia", "owner": "platform"}), None);
        let ask = |method: Method, path: &str, body: Option<Value>| {
            server.ask_with(&token, &method, path, body.as_ref(), &[])
        };
        let get = |path: &str| ask(Method::GET, path, None);
        let listed = get("/v1/keys?side=held").expect(200);
        assert_eq!((&listed["total"], &listed["keys"][0]["id"]), (&json!(1), &json!(DEPLOY)));
        for query in [
            "owner=none",
            "owner=it",
            "owner=nobody",
            "account=nowhere",
            "side=issued&provider=aws",
            &format!("named={BACKUP}"),
        ] {
            assert_eq!(get(&format!("/v1/keys?{query}")).expect(200)["total"], 0, "{query}");
        }
        let backup = format!("/v1/keys/{BACKUP}");
        get(&backup).expect(404);
        get(&format!("{backup}/timeline")).expect(404);
        ask(Method::PATCH, &backup, Some(json!({"exposed": true}))).expect(404);
        ask(Method::POST, &format!("{backup}/plans"), Some(json!({"act": "disable"}))).expect(404);
        ask(Method::PUT, &format!("{backup}/suspension"), Some(json!({}))).expect(404);
        ask(Method::DELETE, &format!("{backup}?really=true&because=x"), None).expect(404);
        get(&format!("/v1/findings?key={BACKUP}")).expect(400);
        let principals = get("/v1/principals?account=prod").expect(200)["principals"].clone();
        assert_eq!(principals.as_array().unwrap().len(), 1);
        assert_eq!(principals[0]["name"], "deploy");
        assert!(get("/v1/principals?account=nowhere").expect(200)["principals"][0].is_null());
        let backups = server.get("/v1/principals?text=backup").expect(200)["principals"][0].clone();
        get(&format!("/v1/principals/{}", backups["id"].as_str().unwrap())).expect(404);
        let findings = get("/v1/findings").expect(200)["findings"].clone();
        // Their own token is the other key that they see.
        assert_eq!(get("/v1/keys?side=issued").expect(200)["total"], 1);
        assert_eq!(get("/v1/principals").expect(200)["principals"].as_array().unwrap().len(), 2);
        let own = listed["keys"][0]["key"].clone();
        let findings = findings.as_array().unwrap();
        assert!(!findings.is_empty() && findings.iter().all(|one| one["key"] == own));
        assert!(get("/v1/owner-suggestions").expect(200)["suggestions"][0].is_null());

        let deploy = format!("/v1/keys/{DEPLOY}");
        let said = ask(Method::PATCH, &deploy, Some(json!({"where_used": "ci"}))).expect(200);
        assert_eq!(said["where_used"], "ci");
        ask(Method::PATCH, &deploy, Some(json!({"owner": "it"}))).expect(403);
        ask(Method::PATCH, &deploy, Some(json!({"owner": null}))).expect(403);
        let new = json!({"provider": "stripe", "name": "mine"});
        ask(Method::POST, "/v1/keys", Some(new.clone())).expect(403);
        ask(Method::POST, "/v1/imports", Some(json!({"content": LIST}))).expect(403);
        ask(Method::POST, "/v1/owner-suggestions", Some(json!({}))).expect(403);
        let suspended = ask(Method::PUT, &format!("{deploy}/suspension"), Some(json!({})));
        assert_eq!(suspended.expect(200)["state"], "suspended");

        let auditor = server.token_of("auditor", &json!({}), None);
        let read = server.ask_with(&auditor, &Method::GET, "/v1/keys", None, &[]);
        assert!(read.expect(200)["total"].as_u64().unwrap() > 3);
        let wrote = server.ask_with(&auditor, &Method::POST, "/v1/keys", Some(&new), &[]);
        wrote.expect(403);
        let asked = json!({"label": "issued only", "side": "issued"});
        let issued = server.post("/v1/users/administrator/tokens", &asked).expect(201);
        let issued = issued["token"].as_str().unwrap().to_owned();
        let read = server.ask_with(&issued, &Method::GET, "/v1/keys?side=held", None, &[]);
        assert_eq!(read.expect(200)["total"], 0);
        server.ask_with(&issued, &Method::GET, &deploy, None, &[]).expect(404);
        server.ask_with(&issued, &Method::POST, "/v1/keys", Some(&new), &[]).expect(403);
    }
}

#[test]
fn what_uses_the_servers_machine_is_no_destination_from_elsewhere() {
    let home = Home::new();
    run(&home, &["keys", "add", "stripe", "shop", "--created", "2026-01-01"]);
    let served = Served::start(&home);
    let file = json!({"kind": "file", "path": "/srv/shop/key"});
    let reads = json!({"kind": "command", "write": ["/bin/tee", "/tmp/x"], "read": ["/bin/cat", "/etc/shadow"]});
    let signs_in = json!({"kind": "vault", "url": "https://vault.example.com", "mount": "secret",
                          "path": "shop", "secret": "key", "token": "file:/etc/keytender/token"});
    let other = json!({"kind": "keytender", "url": "https://keys.example.com", "account": "prod",
                       "token": "env:TOKEN"});
    let add = |name: &str, spec: &Value, reload: Value| {
        let new = json!({"name": name, "spec": spec, "reload": reload});
        served.post("/v1/keys/shop/destinations", &new)
    };
    for spec in [&reads, &signs_in, &other] {
        let refused = add("there", spec, Value::Null).expect(403);
        let words = refused["detail"].as_str().unwrap();
        assert!(words.contains("is not added from elsewhere"), "{spec}: {refused}");
    }
    let runs = json!({"kind": "command", "run": ["/bin/true"]});
    add("there", &file, runs).expect(403);
    add("there", &file, Value::Null).expect(201);
    // Whoever is at the machine may.
    let words = ["destinations", "add", "shop", "by-program", "command"];
    let more = ["write=[\"/usr/bin/tee\"]", "read=[\"/bin/cat\"]"];
    run(&home, &[&words[..], &more].concat());
}
