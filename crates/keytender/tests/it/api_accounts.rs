//! Accounts over HTTP; and the command line, which prints the same at a server as on a file.

use reqwest::Method;
use serde_json::{Value, json};

use crate::databases::{Database, new_databases};
use crate::fake_iam::{AUDITOR_KEY_ID, AUDITOR_SECRET, FakeIam};
use crate::inventory::{account, home, without_ids};
use crate::organization::{DEV, ROLE, SHOP, member};
use crate::served::Served;
use crate::server_ends::until;
use crate::{Home, Ran};

/// Where a story happens: on a database here, or at a server.
pub(crate) struct Place<'p> {
    /// Whose commands the story is about.
    pub(crate) home: &'p Home,
    /// The machine of the inventory.
    pub(crate) machine: &'p Home,
    pub(crate) fake: &'p FakeIam,
}

impl Place<'_> {
    /// Lets an account that was just added be seen once in vain: a server looks at it by itself, and
    /// after a failure leaves it alone for longer than a story takes.
    fn rest(&self, account: &str) {
        if self.home.variables.iter().any(|(name, _)| name == "KEYTENDER_SERVER") {
            until(|| {
                let list = self.home.run(&["accounts", "list", "--json"]).json();
                let all = list["accounts"].as_array().unwrap().clone();
                let found = all.into_iter().find(|one| one["name"] == account).unwrap();
                found["last_sync"]["error"].is_string()
            });
        } else {
            assert_eq!(self.home.run(&["sync", account]).code, 1);
        }
    }
}

fn fail(fake: &FakeIam, fails: bool) {
    fake.with_account(|account| {
        account.behaviour.fail_everything = fails.then(|| (500, "ServiceFailure".to_owned()));
    });
}

/// Two inventories alike on each database: one of which a story is told here, and one at a server.
/// What is printed is the same.
pub(crate) fn here_and_there(story: impl Fn(&Place<'_>) -> Vec<Ran>) {
    for (here, there) in new_databases().into_iter().zip(new_databases()) {
        let printed = |database: &Database, is_here: bool| {
            let fake = FakeIam::start(account(keytender::clock::now()));
            let home = home(&fake, database);
            // A server makes its first user: so does this one, and both inventories are alike.
            let served = Served::start(&home);
            let ran = match is_here {
                true => {
                    drop(served);
                    story(&Place { home: &home, machine: &home, fake: &fake })
                }
                false => story(&Place { home: &served.home(), machine: &home, fake: &fake }),
            };
            let told = ran
                .iter()
                .map(|ran| without_ids(&format!("{}\n{}\n{}", ran.code, ran.stdout, ran.stderr)));
            told.collect::<Vec<_>>()
        };
        let (here_printed, there_printed) = (printed(&here, true), printed(&there, false));
        for (one, other) in here_printed.iter().zip(&there_printed) {
            assert_eq!(one, other, "{}", here.text);
        }
    }
}

/// A server whose inventory has an account of the fake.
fn served(database: &Database) -> (FakeIam, Home, Served) {
    let fake = FakeIam::start(account(keytender::clock::now()));
    let home = home(&fake, database);
    let served = Served::start(&home);
    fail(&fake, true);
    served.post("/v1/accounts", &json!({"provider": "aws", "name": "prod"})).expect(201);
    until(|| served.get("/v1/accounts/prod").json()["last_sync"].is_object());
    fail(&fake, false);
    (fake, home, served)
}

#[test]
fn accounts_are_the_same_here_and_at_a_server() {
    here_and_there(|place| {
        let run = |words: &[&str]| place.home.run(words);
        fail(place.fake, true);
        let added = run(&["accounts", "add", "aws", "prod"]);
        place.rest("prod");
        fail(place.fake, false);
        let mut ran = vec![
            added,
            run(&["sync"]),
            run(&["accounts", "add", "stripe", "shop", "--contact", "shop@example.com"]),
            run(&["accounts", "add", "stripe", "shop"]),
            run(&["accounts", "add", "stripe", "other", "--profile", "p"]),
            run(&["accounts", "add", "aws", "two words"]),
            run(&["accounts", "add", "aws", "corp", "--organization"]),
            run(&["accounts", "set", "shop", "--contact", "nobody"]),
            run(&["accounts", "set", "nowhere", "--contact", "none"]),
            run(&["accounts", "set", "shop", "--contact", "team@example.com"]),
            run(&["accounts", "check", "prod"]),
            run(&["accounts", "check", "shop"]),
            run(&["accounts", "check", "nowhere"]),
            run(&["sync", "nowhere"]),
            run(&["sync", "prod", "shop"]),
            run(&["accounts", "list"]),
            run(&["accounts", "list", "--json"]),
        ];
        assert!(ran[1].stdout.contains("prod: 3 keys; 3 found"), "{}", ran[1].stderr);
        let listed = ran[16].json();
        assert_eq!(listed["accounts"][2]["contact"], "team@example.com");
        assert_eq!(listed["accounts"][0]["side"], "issued");
        fail(place.fake, true);
        ran.push(run(&["sync"]));
        assert_eq!(ran[17].code, 1);
        assert!(ran[17].stderr.contains("cannot sync `prod`"), "{}", ran[17].stderr);
        ran.push(run(&["accounts", "check", "prod"]));
        ran.push(run(&["accounts", "list"]));
        ran.push(run(&["accounts", "set", "shop", "--contact", "none"]));
        ran.push(run(&["accounts", "remove", "prod"]));
        ran.push(run(&["accounts", "remove", "prod", "--yes"]));
        ran.push(run(&["accounts", "remove", "prod", "--yes"]));
        ran.push(run(&["accounts", "remove", "keytender", "--yes"]));
        ran.push(run(&["accounts", "list"]));
        ran
    });
}

#[test]
fn a_server_keeps_the_secret_of_an_account_and_takes_no_place_of_one() {
    for database in new_databases() {
        let (fake, _home, served) = served(&database);
        let home = served.home().with("PROD_KEY", format!("{AUDITOR_KEY_ID} {AUDITOR_SECRET}"));
        let words = ["accounts", "add", "aws", "second", "--credential"];
        let refused = home.run(&[&words[..], &["env:PROD_KEY"]].concat());
        assert_eq!(refused.code, 1);
        assert!(refused.stderr.contains("takes no place of a secret"), "{}", refused.stderr);
        assert!(refused.stderr.contains("hint: write `-`"), "{}", refused.stderr);
        let place = json!({"provider": "aws", "name": "x", "credential": "command:id"});
        served.post("/v1/accounts", &place).expect(422);
        let access = json!({"provider": "aws", "name": "x", "access": {"credential": "env:HOME"}});
        served.post("/v1/accounts", &access).expect(422);
        let place = json!({"provider": "aws", "name": "x", "secret": "env:PROD_KEY"});
        served.post("/v1/accounts", &place).expect(422);
        fake.with_account(|account| account.id = "210987654321".to_owned());
        let key = format!("{AUDITOR_KEY_ID} {AUDITOR_SECRET}\n");
        let added = home.run_with_input(&[&words[..], &["-"]].concat(), &key);
        assert_eq!(added.code, 0, "{}", added.stderr);
        let synced = home.run(&["sync", "second"]);
        assert!(synced.stdout.contains("3 keys"), "{}", synced.stderr);
        let all = served.get("/v1/accounts").text + &home.run(&["log", "--json"]).stdout;
        assert!(all.contains("second") && !all.contains(AUDITOR_SECRET), "{all}");
    }
}

#[test]
fn what_cannot_be_an_account_is_refused_and_says_why() {
    for database in new_databases() {
        let (_fake, _home, served) = served(&database);
        for (body, status) in [
            (json!({"provider": "aws", "name": "prod"}), 409),
            (json!({"provider": "aws", "name": "a b"}), 422),
            (json!({"provider": "aws"}), 422),
            (json!({"provider": "aws", "name": "x", "unknown": 1}), 422),
            (json!({"provider": "github", "name": "x", "profile": "p"}), 422),
            (json!({"provider": "github", "name": "x", "organization": true}), 422),
            (json!({"provider": "aws", "name": "x", "organization": true}), 422),
            (json!({"provider": "aws", "name": "x", "role": "no ARN"}), 422),
            (json!({"provider": "aws", "name": "x", "external_id": "e"}), 422),
            (json!({"provider": "aws", "name": "x", "profile": "p\u{7}"}), 422),
            (json!({"provider": "aws", "name": "x", "profile": "p", "secret": "a b"}), 422),
            (json!({"provider": "aws", "name": "x", "secret": "one"}), 422),
            (json!({"provider": "aws", "name": "x", "contact": "nobody"}), 422),
        ] {
            let answer = served.post("/v1/accounts", &body);
            assert_eq!(answer.status, status, "{body}: {answer:?}");
            assert!(answer.json()["detail"].is_string(), "{answer:?}");
        }
        for path in ["/v1/accounts/nowhere", "/v1/accounts/acc_0000000000000", "/v1/accounts/%00"] {
            served.get(path).expect(404);
            served.get(&format!("{path}/syncs")).expect(404);
            served.post(&format!("{path}/syncs"), &json!(null)).expect(404);
            served.delete(path).expect(404);
        }
        served.get("/v1/accounts/prod/syncs?after=x").expect(400);
        served.get("/v1/accounts/prod/syncs?limit=0").expect(400);
        served.get("/v1/accounts/prod/syncs?by=x").expect(400);
        served.delete("/v1/accounts/keytender").expect(409);
        served.post("/v1/accounts", &json!({"provider": "stripe", "name": "shop"})).expect(201);
        let told = served.post("/v1/accounts/shop/syncs", &json!(null)).expect(422);
        assert!(told["detail"].as_str().unwrap().contains("not asked"), "{told}");
    }
}

#[test]
fn a_look_that_fails_is_answered_and_remembered() {
    for database in new_databases() {
        let (fake, _home, served) = served(&database);
        let good = served.post("/v1/accounts/prod/syncs", &json!(null)).expect(200);
        assert_eq!((&good["keys"], &good["events"]), (&json!(3), &json!({"found": 3})));
        assert_eq!(good.get("error"), None);
        let checked = served.post("/v1/accounts/prod/checks", &json!(null)).expect(200);
        assert_eq!(checked["abilities"][0]["permission"], "iam:ListUsers");
        fail(&fake, true);
        let failed = served.post("/v1/accounts/prod/syncs", &json!(null)).expect(200);
        assert!(failed["error"].as_str().unwrap().contains("cannot sync `prod`"), "{failed}");
        let refused = served.post("/v1/accounts/prod/checks", &json!(null)).expect(502);
        assert!(refused["detail"].as_str().unwrap().contains("cannot check `prod`"), "{refused}");
        let first = served.get("/v1/accounts/prod/syncs?limit=1").expect(200);
        assert!(
            first["syncs"][0]["error"].is_string() && first["syncs"].as_array().unwrap().len() == 1
        );
        let next = first["next"].as_str().unwrap();
        let second =
            served.get(&format!("/v1/accounts/prod/syncs?limit=1&after={next}")).expect(200);
        assert_eq!((&second["syncs"][0]["keys"], second["next"].is_string()), (&json!(3), true));
        let all = served.get("/v1/accounts/prod/syncs").expect(200);
        assert!(all["syncs"].as_array().unwrap().len() >= 3, "with the server's own");
    }
}

#[test]
fn an_organization_is_looked_at_with_its_members() {
    for database in new_databases() {
        let fake = FakeIam::start(account(keytender::clock::now()));
        let members = vec![member(DEV, "dev"), member(SHOP, "shop")];
        fake.with_account(|account| account.members = Some(members));
        let home = home(&fake, &database);
        let served = Served::start(&home);
        let at_server = served.home();
        let words = ["accounts", "add", "aws", "corp", "--organization", "--role", ROLE];
        crate::inventory::run(&at_server, &words);
        let look = served.post("/v1/accounts/corp/syncs", &json!(null)).expect(200);
        assert_eq!((&look["account"], &look["keys"]), (&json!("corp"), &json!(3)));
        let members = look["members"].as_array().unwrap();
        let names: Vec<_> = members.iter().map(|one| one["account"].clone()).collect();
        assert_eq!(names, ["dev", "shop"]);
        let synced = crate::inventory::run(&at_server, &["sync"]);
        let lines: Vec<&str> = synced.stdout.lines().collect();
        assert_eq!(lines.len(), 3, "each once: {}", synced.stdout);
        assert!(lines[0].starts_with("corp: 3 keys") && lines[1].starts_with("dev: 1 key"));
        let list = crate::inventory::run(&at_server, &["accounts", "list"]).stdout;
        assert!(list.contains("2 members") && list.contains("  dev"), "{list}");
        let corp = served.get("/v1/accounts/corp").expect(200);
        let dev = served.get("/v1/accounts/dev").expect(200);
        assert_eq!((&dev["parent"], &dev["organization"]), (&corp["id"], &json!("corp")));
        let removed = crate::inventory::run(&at_server, &["accounts", "remove", "corp", "--yes"]);
        assert!(removed.stderr.contains("its 2 members and 5 keys"), "{}", removed.stderr);
        served.get("/v1/accounts/dev").expect(404);
    }
}

#[test]
fn an_account_is_changed_in_the_version_that_was_read() {
    for database in new_databases() {
        let (_fake, _home, served) = served(&database);
        // Nobody looks at one that is told by hand: it changes when somebody changes it.
        served.post("/v1/accounts", &json!({"provider": "stripe", "name": "shop"})).expect(201);
        let read = served.get("/v1/accounts/shop");
        let id = read.json()["id"].as_str().unwrap().to_owned();
        let tag = read.header("etag").to_owned();
        let ask = |method: Method, tag: &str, body: Option<Value>| {
            let headers = [("if-match", tag)];
            let path = format!("/v1/accounts/{id}");
            served.ask_with(&served.token, &method, &path, body.as_ref(), &headers)
        };
        let contact = || Some(json!({"contact": "a@example.com"}));
        let changed = ask(Method::PATCH, &tag, contact());
        assert_eq!(changed.expect(200)["contact"], "a@example.com");
        ask(Method::PATCH, &tag, contact()).expect(412);
        ask(Method::PATCH, &tag, Some(json!({}))).expect(412);
        ask(Method::DELETE, &tag, None).expect(412);
        served.patch("/v1/accounts/shop", &json!({"contact": "nobody"})).expect(422);
        served.patch("/v1/accounts/shop", &json!({"name": "other"})).expect(422);
        let taken = served.patch("/v1/accounts/shop", &json!({"contact": null})).expect(200);
        assert_eq!(taken["contact"], Value::Null);
        ask(Method::DELETE, changed.header("etag"), None).expect(412);
        let now = served.get("/v1/accounts/shop").header("etag").to_owned();
        ask(Method::DELETE, &now, None).expect(204);
        served.get("/v1/accounts/shop").expect(404);
    }
}

#[test]
fn accounts_are_seen_and_changed_by_whom_they_are_for() {
    for database in new_databases() {
        let (_fake, _home, served) = served(&database);
        let ask = |token: &str, method: Method, path: &str| {
            let body = (method == Method::POST).then(|| json!({"provider": "x", "name": "y"}));
            served.ask_with(token, &method, path, body.as_ref(), &[]).status
        };
        let auditor = served.token_of("auditor", &json!({}), None);
        assert_eq!(ask(&auditor, Method::GET, "/v1/accounts"), 200);
        assert_eq!(ask(&auditor, Method::POST, "/v1/accounts"), 403);
        assert_eq!(ask(&auditor, Method::POST, "/v1/accounts/prod/syncs"), 403);
        assert_eq!(ask(&auditor, Method::DELETE, "/v1/accounts/prod"), 403);
        served.post("/v1/owners", &json!({"name": "own", "address": "o@example.com"})).expect(201);
        let owner = served.token_of("owner", &json!({"owner": "own"}), None);
        assert_eq!(ask(&owner, Method::GET, "/v1/accounts"), 403);
        assert_eq!(ask("", Method::GET, "/v1/accounts"), 401);
        for (side, name, other) in [("held", "prod", "keytender"), ("issued", "keytender", "prod")]
        {
            let asked = json!({"label": "one side", "side": side});
            let made = served.post("/v1/users/administrator/tokens", &asked).expect(201);
            let token = made["token"].as_str().unwrap();
            let list = served.ask_with(token, &Method::GET, "/v1/accounts", None, &[]).expect(200);
            let names: Vec<_> = list["accounts"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["name"].clone())
                .collect();
            assert_eq!(names, [name]);
            assert_eq!(ask(token, Method::GET, &format!("/v1/accounts/{other}")), 404);
            assert_eq!(ask(token, Method::DELETE, &format!("/v1/accounts/{other}")), 404);
            assert_eq!(ask(token, Method::GET, &format!("/v1/accounts/{name}/syncs")), 200);
        }
    }
}
