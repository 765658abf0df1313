//! The console's list of keys, and the page of a key: the same keys as the API shows, and acts that are
//! really done.

use std::path::Path;
use std::process::Command;

use keytender::app::ticket;
use keytender::store::sessions::Session;
use keytender_core::id::SessionId;
use keytender_core::time::Span;
use reqwest::Method;
use serde_json::{Value, json};

use crate::console_sign_in::{change, inventory};
use crate::databases::{Database, block_on, new_databases};
use crate::fake_iam::{FakeIam, at};
use crate::inventory::{BACKUP, DEPLOY, account, home, run};
use crate::served::Served;
use crate::visitor::{Visitor, form};
use crate::{Home, partner};

/// The ids of the keys on a page of the list, in their order.
fn listed(page: &str) -> Vec<String> {
    let rows = page.split("<th scope=\"row\">").skip(1);
    rows.map(|row| row.split("/keys/").nth(1).unwrap().split('"').next().unwrap().to_owned())
        .collect()
}

/// An inventory with keys of all kinds, served, and its administrator's browser.
fn served() -> (Home, Served, Visitor) {
    let home = Home::new();
    let database = home.path().join("inventory.db").display().to_string();
    let home = home.with("KEYTENDER_ACTOR", "mia").with("KEYTENDER_DATABASE", database);
    let served = Served::start(&home);
    for owner in ["shop", "data"] {
        let address = format!("{owner}@example.com");
        served.post("/v1/owners", &json!({"name": owner, "address": address})).expect(201);
    }
    for number in 0..130 {
        let day = keytender::clock::now().minus(Span::days(number * 7 + 1));
        let mut key = json!({"provider": "stripe", "name": format!("key {number}"),
                             "account": if number % 3 == 0 { "shop" } else { "data" },
                             "created_at": day, "expires_at": null});
        if number % 2 == 0 {
            key["owner"] = "shop".into();
            key["last_used_at"] = json!(day.plus(Span::days(1)));
        }
        served.post("/v1/keys", &key).expect(201);
    }
    let browser = Visitor::of(&served, "administrator");
    (home, served, browser)
}

/// The same with an AWS account of the strict fake of IAM, synced.
fn served_at(fake: &FakeIam) -> (Database, Served, Visitor) {
    let database = new_databases().swap_remove(0);
    let home = home(fake, &database);
    run(&home, &["accounts", "add", "aws", "prod"]);
    run(&home, &["sync"]);
    let served = Served::start(&home);
    let browser = Visitor::of(&served, "administrator");
    (database, served, browser)
}

/// A browser in which an owner is who followed a mailed link.
fn owner(served: &Served, home: &Home, owner: &str) -> Visitor {
    let held = ticket::make().unwrap();
    block_on(async {
        let inventory = inventory(home).await;
        let owner = keytender::app::owners::get(&inventory, owner).await.unwrap();
        let now = inventory.now;
        let session = Session {
            id: SessionId::from_random(7_777),
            digest: ticket::digest_of(held.expose()),
            previous: None,
            turned_at: now,
            user_id: None,
            owner_id: Some(owner.id),
            how: "link".to_owned(),
            address: "127.0.0.1".to_owned(),
            agent: "test".to_owned(),
            created_at: now,
            used_at: now,
            ends_at: now.plus(Span::days(1)),
        };
        let mut tx = inventory.begin().await.unwrap();
        tx.insert_session(&session).await.unwrap();
        tx.commit().await.unwrap();
        inventory.store.close().await;
    });
    let visitor = Visitor::new(served);
    visitor.cookies.borrow_mut().insert("keytender".to_owned(), held.expose().to_owned());
    visitor
}

fn key(served: &Served, word: &str) -> Value {
    served.get(&format!("/v1/keys/{word}")).expect(200)
}

fn id(served: &Served, word: &str) -> String {
    key(served, word)["key"].as_str().unwrap().to_owned()
}

#[test]
fn every_filter_and_page_shows_the_keys_that_the_api_lists() {
    let (_home, served, browser) = served();
    for query in [
        "side=held",
        "due=true&side=held",
        "owner=none&side=held&sort=age",
        "owner=shop&sort=name",
        "account=data&older_than=90d",
        "last_used=never",
        "last_used=unknown&sort=last-used",
        "unused_for=90d&action=remove",
        "rule=key-over-a-year",
        "text=KEY+12",
        "provider=stripe&sort=expires",
        "kept=true",
        "state=suspended",
    ] {
        let mut api: Vec<String> = Vec::new();
        let mut path = format!("/v1/keys?limit=1000&{query}");
        let list = served.get(&path).expect(200);
        api.extend(
            list["keys"]
                .as_array()
                .unwrap()
                .iter()
                .map(|key| key["key"].as_str().unwrap().to_owned()),
        );
        let mut console = Vec::new();
        path = format!("/keys?{query}&text_that_is_not_known=1&rule=");
        loop {
            let page = browser.open(&path).text;
            console.extend(listed(&page));
            let Some((before, _)) = page.split_once("\" rel=\"next\"") else { break };
            path = before.rsplit("href=\"").next().unwrap().replace("&amp;", "&");
        }
        assert_eq!(console, api, "{query}");
        let csv = browser.open(&format!("/keys.csv?{query}")).text;
        assert_eq!(csv.lines().skip(1).count(), api.len(), "{query}");
        let first_cells = csv.lines().skip(1).map(|line| line.split(',').next().unwrap());
        assert_eq!(first_cells.collect::<Vec<_>>(), api, "{query}");
        let json = browser.open(&format!("/keys.json?{query}")).json();
        assert_eq!(json["keys"], list["keys"], "{query}");
    }
}

#[test]
fn what_cannot_be_asked_is_said_and_nothing_typed_is_lost() {
    let (_home, _served, browser) = served();
    let page = browser.open("/keys?owner=nobody-knows&text=key");
    assert_eq!(page.status, 400);
    assert!(page.text.contains("nobody-knows") && page.text.contains("value=\"key\""));
    let page = browser.open("/keys?unused_for=soon");
    assert_eq!(page.status, 400);
    assert!(page.text.contains("not a length of time"), "{}", page.text);
    assert_eq!(browser.open("/keys?after=nonsense").status, 400);
    let empty = browser.open("/keys?text=no+such+key");
    assert_eq!(empty.status, 200);
    assert!(empty.text.contains("No key is like that"));
}

#[test]
fn an_empty_inventory_says_how_to_begin() {
    let home = Home::new();
    let served = Served::start(&home);
    served.post("/v1/owners", &json!({"name": "own", "address": "own@example.com"})).expect(201);
    let olga = json!({"name": "olga", "role": "owner", "owner": "own"});
    served.post("/v1/users", &olga).expect(201);
    // The administrator's own token is a key of the inventory.
    let page = Visitor::of(&served, "administrator").open("/keys").text;
    assert_eq!(listed(&page).len(), 1, "{page}");
    let page = Visitor::of(&served, "olga").open("/keys").text;
    assert!(page.contains("You answer for no key"), "{page}");
}

#[test]
fn a_key_is_disabled_at_aws_after_a_page_that_says_what_it_may_break() {
    let fake = FakeIam::start(account(keytender::clock::now()));
    let (_database, served, browser) = served_at(&fake);
    let backup = id(&served, BACKUP);
    let page = browser.open(&format!("/keys/{backup}"));
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.text.contains("s3 in eu-west-1"), "{}", page.text);
    let path = format!("/keys/{backup}/acts/disable");
    let plan = browser.open(&path);
    assert!(plan.text.contains("it is in use: whatever used it"), "{}", plan.text);
    assert!(fake.with_account(|account| account.key_mut(BACKUP).active), "a look changes nothing");
    let done = browser.send(&path, &[("because", "moved to a role")]);
    assert_eq!(done.status, 200);
    assert!(done.text.contains("It is disabled."), "{}", done.text);
    assert!(done.text.contains("moved to a role"), "the story says why: {}", done.text);
    assert!(!fake.with_account(|account| account.key_mut(BACKUP).active));
    let acts = served.get(&format!("/v1/acts?target={backup}")).expect(200);
    let act = &acts["acts"][0];
    assert_eq!((&act["verb"], &act["stage"]), (&"key.disable".into(), &"done".into()));
    assert_eq!(act["actor"], "administrator");
    assert!(act["origin"].as_str().unwrap().starts_with("console from"), "{act}");
    // It is so already; and it can be undone.
    assert!(browser.open(&path).text.contains("It is so already"));
    browser.open(&format!("/keys/{backup}/acts/enable"));
    let enabled = browser.send(&format!("/keys/{backup}/acts/enable"), &[]);
    assert!(enabled.text.contains("It works again"), "{}", enabled.text);
    assert!(fake.with_account(|account| account.key_mut(BACKUP).active));
}

#[test]
fn what_the_provider_refuses_is_said_on_the_page_and_the_reason_stays() {
    let fake = FakeIam::start(account(keytender::clock::now()));
    let (_database, served, browser) = served_at(&fake);
    fake.with_account(|account| {
        _ = account.behaviour.deny.insert("UpdateAccessKey".to_owned());
    });
    let path = format!("/keys/{}/acts/disable", id(&served, DEPLOY));
    browser.open(&path);
    let refused = browser.send(&path, &[("because", "nobody needs it")]);
    assert_eq!(refused.status, 502);
    assert!(refused.text.contains("iam:UpdateAccessKey"), "{}", refused.text);
    assert!(refused.text.contains("value=\"nobody needs it\""), "{}", refused.text);
    assert_eq!(key(&served, DEPLOY)["state"], "active");
}

#[test]
fn a_key_is_deleted_only_after_its_hold_or_with_a_reason() {
    let fake = FakeIam::start(account(keytender::clock::now()));
    let (_database, served, browser) = served_at(&fake);
    let deploy = id(&served, DEPLOY);
    let disable = format!("/keys/{deploy}/acts/disable");
    browser.open(&disable);
    browser.send(&disable, &[]);
    let path = format!("/keys/{deploy}/acts/delete");
    let plan = browser.open(&path);
    assert!(plan.text.contains("was first seen disabled"), "{}", plan.text);
    assert_eq!(browser.send(&path, &[("because", "leaked")]).status, 422);
    assert_eq!(browser.send(&path, &[("really", "yes")]).status, 422);
    assert!(fake.with_account(|account| !account.user_mut("deploy").keys.is_empty()));
    let done = browser.send(&path, &[("really", "yes"), ("because", "leaked")]);
    assert!(done.text.contains("It is deleted"), "{}", done.text);
    assert!(fake.with_account(|account| account.user_mut("deploy").keys.is_empty()));
    assert!(done.text.contains("This key is gone"), "{}", done.text);
}

#[test]
fn several_keys_are_disabled_and_those_that_failed_are_named() {
    let fake = FakeIam::start(account(keytender::clock::now()));
    let (_database, served, browser) = served_at(&fake);
    let (deploy, backup, root) =
        (id(&served, DEPLOY), id(&served, BACKUP), id(&served, "root%2F1"));
    browser.open("/keys");
    let none = browser.send("/keys/chosen", &[("what", "disable")]);
    assert_eq!(none.status, 422);
    browser.open("/keys");
    let chosen = [("key", deploy.as_str()), ("key", &backup), ("key", &root), ("what", "disable")];
    let asked = browser.send("/keys/chosen", &chosen);
    assert_eq!(asked.status, 200);
    assert!(asked.text.contains("It is in use"), "{}", asked.text);
    assert!(fake.with_account(|account| account.key_mut(DEPLOY).active), "nothing happened yet");
    let agreed = [&chosen[..], &[("agreed", "yes"), ("because", "tidying")]].concat();
    let told = browser.send("/keys/chosen", &agreed);
    assert!(
        told.text.contains("2 keys done") && told.text.contains("1 key not done"),
        "{}",
        told.text
    );
    assert!(told.text.contains("by root alone"), "{}", told.text);
    assert!(!fake.with_account(|account| account.key_mut(DEPLOY).active));
    assert!(!fake.with_account(|account| account.key_mut(BACKUP).active));
    let acts = served.get("/v1/acts").expect(200).to_string();
    assert!(acts.contains("tidying"), "{acts}");
}

#[test]
fn whoever_disables_several_keys_sees_before_how_their_providers_show_them_now() {
    let now = keytender::clock::now();
    let fake = FakeIam::start(account(now));
    let (_database, served, browser) = served_at(&fake);
    let (deploy, backup) = (id(&served, DEPLOY), id(&served, BACKUP));
    let by_hand = json!({"provider": "stripe", "name": "by hand"});
    let by_hand = served.post("/v1/keys", &by_hand).expect(201)["key"].clone();
    // Since the sync one was used, and somebody disabled the other.
    fake.with_account(|account| {
        let two_days_ago = at(&now.minus(Span::days(2)).to_string());
        let key = account.key_mut(DEPLOY);
        *key = key.clone().used(two_days_ago, "eu-west-3", "sqs");
        account.key_mut(BACKUP).active = false;
    });
    browser.open("/keys");
    let chosen = [("key", deploy.as_str()), ("key", &backup), ("key", by_hand.as_str().unwrap())];
    let disable = [&chosen[..], &[("what", "disable")]].concat();
    let plan = browser.send("/keys/chosen", &disable);
    let rows: Vec<&str> = plan.text.split("<th scope=\"row\">").skip(1).collect();
    assert!(rows[0].contains("sqs") && rows[0].contains("It is in use"), "{}", rows[0]);
    assert!(rows[0].contains("as its provider shows it now"), "{}", rows[0]);
    assert!(rows[1].contains("already") && rows[1].contains("shows it now"), "{}", rows[1]);
    assert!(rows[2].contains("only recorded"), "{}", rows[2]);
    // What was only asked is not written.
    assert_eq!(key(&served, &backup)["state"], "active");
    // A provider that does not answer is told at its keys, and holds nothing up.
    fake.with_account(|account| _ = account.behaviour.deny.insert("ListAccessKeys".to_owned()));
    browser.open("/keys");
    let plan = browser.send("/keys/chosen", &disable);
    let rows: Vec<&str> = plan.text.split("<th scope=\"row\">").skip(1).collect();
    assert_eq!(plan.status, 200);
    assert!(rows[0].contains("did not say how it stands"), "{}", rows[0]);
}

#[test]
fn a_failure_midway_is_told_with_what_was_done_and_what_was_not_tried() {
    let (home, served, browser) = served();
    let ids = ["key%201", "key%202", "key%203"].map(|name| id(&served, name));
    // The database takes everything but what is told of the second key.
    let trigger = "CREATE TRIGGER broken BEFORE INSERT ON acts WHEN NEW.target_id = ";
    change(&home, &format!("{trigger}'{}' BEGIN SELECT RAISE(ABORT, 'broken'); END", ids[1]));
    browser.open("/keys");
    let keys: Vec<(&str, &str)> = ids.iter().map(|id| ("key", id.as_str())).collect();
    let agreed = [&keys[..], &[("what", "disable"), ("agreed", "yes")]].concat();
    let told = browser.send("/keys/chosen", &agreed);
    assert_eq!(told.status, 207, "{}", told.text);
    assert!(told.text.contains("1 key done") && told.text.contains("2 keys not done"));
    let rows: Vec<&str> = told.text.split("<a class=\"key\"").skip(1).collect();
    for (row, said) in rows.iter().zip(["done: ", "failed: ", "not tried: "]) {
        assert!(row.contains(said), "{said}: {row}");
    }
    assert!(!told.text.contains("broken"), "the cause is for the log: {}", told.text);
    let states = ids.each_ref().map(|id| key(&served, id)["state"].clone());
    assert_eq!(states, ["suspended", "active", "active"]);
}

#[test]
fn keep_owner_and_place_are_written_to_the_version_that_was_looked_at() {
    let (_home, served, browser) = served();
    let id = id(&served, "key%207");
    let path = format!("/keys/{id}");
    let until = keytender::clock::now().plus(Span::days(20)).date();
    browser.open(&path);
    let version = browser.value("version").unwrap();
    let keep = |version: &str| {
        let fields =
            [("version", version), ("until", until.as_str()), ("because", "a release in spring")];
        browser.send(&format!("{path}/keep"), &fields)
    };
    let kept = keep(&version);
    assert!(kept.text.contains("It is kept as it is until then."), "{}", kept.text);
    let now = key(&served, &id);
    assert_eq!(now["keep_reason"], "a release in spring");
    assert!(now["keep_until"].as_str().unwrap().starts_with(&until));
    // Somebody with an older page is told, and loses nothing.
    let stale = keep(&version);
    assert_eq!(stale.status, 412);
    assert!(stale.text.contains("has changed since you opened this page"), "{}", stale.text);
    assert!(stale.text.contains("value=\"a release in spring\""), "{}", stale.text);
    let say = |part: &str, fields: &[(&str, &str)]| {
        browser.open(&path);
        let version = browser.value("version").unwrap();
        let fields = [&[("version", version.as_str())], fields].concat();
        browser.send(&format!("{path}/{part}"), &fields)
    };
    say("owner", &[("owner", "data"), ("because", "asked them")]);
    say("place", &[("place", "the .env of shop")]);
    say("name", &[("name", "spring")]);
    let now = key(&served, &id);
    assert_eq!((&now["owner"], &now["label"]), (&"data".into(), &"spring".into()));
    assert_eq!(now["where_used"], "the .env of shop");
    assert_eq!(say("owner", &[("owner", "nobody-knows")]).status, 404);
    let past = say("keep", &[("until", "2020-01-01"), ("because", "x")]);
    assert_eq!(past.status, 422);
    assert!(past.text.contains("2020-01-01 is past"), "{}", past.text);
    say("keep", &[("back", "yes")]);
    assert_eq!(key(&served, &id)["keep_until"], Value::Null);
    let acts = served.get(&format!("/v1/acts?target={id}")).expect(200).to_string();
    assert!(acts.contains("asked them"), "{acts}");
}

#[test]
fn several_keys_get_an_owner_and_are_kept() {
    let (_home, served, browser) = served();
    let ids: Vec<String> = (1..4).map(|number| id(&served, &format!("key%20{number}"))).collect();
    let keys: Vec<(&str, &str)> = ids.iter().map(|id| ("key", id.as_str())).collect();
    browser.open("/keys");
    let owner = [&keys[..], &[("what", "owner"), ("agreed", "yes"), ("owner", "data")]].concat();
    assert!(browser.send("/keys/chosen", &owner).text.contains("3 keys done"));
    browser.open("/keys");
    let keep = [&keys[..], &[("what", "keep"), ("agreed", "yes"), ("because", "later")]].concat();
    let missing = browser.send("/keys/chosen", &keep);
    assert_eq!(missing.status, 422);
    assert!(missing.text.contains("until which day") && missing.text.contains("value=\"later\""));
    let until = keytender::clock::now().plus(Span::days(9)).date();
    let keep = [&keep[..], &[("until", until.as_str())]].concat();
    assert!(browser.send("/keys/chosen", &keep).text.contains("3 keys done"));
    for id in &ids {
        let key = key(&served, id);
        assert_eq!((&key["owner"], &key["keep_reason"]), (&"data".into(), &"later".into()));
    }
}

#[test]
fn whoever_may_not_act_sees_no_button_and_is_refused() {
    let (_home, served, administrator) = served();
    served.token_of("auditor", &json!({}), None);
    let auditor = Visitor::of(&served, "auditor");
    let id = id(&served, "key%205");
    let page = auditor.open(&format!("/keys/{id}")).text;
    assert!(!page.contains("Disable…") && !page.contains("Keep it"), "{page}");
    assert!(!auditor.open("/keys").text.contains("type=\"checkbox\" name=\"key\""));
    administrator.open(&format!("/keys/{id}"));
    auditor.open("/keys");
    for path in [format!("/keys/{id}/acts/disable"), format!("/keys/{id}/keep")] {
        assert_eq!(auditor.send(&path, &[("because", "x")]).status, 403, "{path}");
    }
    let bulk = [("key", id.as_str()), ("what", "disable"), ("agreed", "yes")];
    auditor.open("/me");
    assert_eq!(auditor.send("/keys/chosen", &bulk).status, 403);
    assert_eq!(key(&served, &id)["state"], "active");
}

#[test]
fn an_owner_sees_and_changes_their_own_keys_alone() {
    let (_home, served, _) = served();
    let olga = json!({"name": "olga", "role": "owner", "owner": "shop"});
    served.post("/v1/users", &olga).expect(201);
    let olga = Visitor::of(&served, "olga");
    let (theirs, others) = (id(&served, "key%202"), id(&served, "key%201"));
    let page = olga.open("/keys?sort=name").text;
    assert_eq!(listed(&page).len(), 65);
    assert_eq!(olga.open(&format!("/keys/{others}")).status, 404);
    assert_eq!(olga.open(&format!("/keys/{others}/acts/disable")).status, 404);
    olga.open("/me");
    assert_eq!(olga.send(&format!("/keys/{others}/disown"), &[]).status, 404);
    let bulk = [("key", others.as_str()), ("what", "disable"), ("agreed", "yes")];
    olga.open("/me");
    assert_eq!(olga.send("/keys/chosen", &bulk).status, 404);
    assert_eq!(olga.open(&format!("/keys/{theirs}")).status, 200);
}

#[test]
fn a_mailed_link_lets_an_owner_disable_keep_and_say_that_a_key_is_not_theirs() {
    let (home, served, administrator) = served();
    let claim = json!({"by": "account", "pattern": "shop"});
    served.post("/v1/owners/data/claims", &claim).expect(201);
    let claimed = id(&served, "key%203");
    assert_eq!(key(&served, &claimed)["owner"], "data");
    let browser = owner(&served, &home, "data");
    let path = format!("/keys/{claimed}");
    let page = browser.open(&path).text;
    for offered in ["Disable…", "Keep it", "It is not mine"] {
        assert!(page.contains(offered), "{offered}: {page}");
    }
    for hidden in ["Delete…", "Write the owner", "Where it is used</label>"] {
        assert!(!page.contains(hidden), "{hidden}: {page}");
    }
    browser.open(&format!("{path}/acts/disable"));
    assert_eq!(browser.send(&format!("{path}/acts/disable"), &[]).status, 200);
    assert_eq!(key(&served, &claimed)["state"], "suspended");
    assert_eq!(browser.open(&format!("{path}/acts/delete")).status, 403);
    browser.open(&path);
    let said = browser.send(&format!("{path}/disown"), &[("because", "ask the shop")]);
    assert!(said.text.contains("not among your keys any more"), "{}", said.text);
    assert_eq!(browser.open(&path).status, 404);
    assert_eq!(key(&served, &claimed)["owner"], Value::Null, "a claim does not give it back");
    assert!(administrator.open(&path).text.contains("Said not to be theirs"));
    // Whoever tends the inventory gives it to somebody; and may take that back.
    served.patch(&format!("/v1{path}"), &json!({"owner": "shop"})).expect(200);
    assert_eq!(key(&served, &claimed)["owner"], "shop");
    served.patch(&format!("/v1{path}"), &json!({"owner": null})).expect(200);
    assert_eq!(key(&served, &claimed)["owner"], "data");
    administrator.open(&path);
    assert_eq!(administrator.send(&format!("{path}/disown"), &[]).status, 403);
}

#[test]
fn hostile_names_are_text_and_never_more() {
    let home = Home::new();
    let served = Served::start(&home);
    let long = "ß".repeat(250);
    let names = [
        "<script>alert(1)</script>",
        "\" onmouseover=\"alert(2)",
        "אבג \u{202e}gnp.exe",
        "🔑🔑 emoji",
        "=cmd|' /C calc'!A0",
        &long,
    ];
    for name in names {
        let key = json!({"provider": "stripe", "name": name, "where_used": name});
        let made = served.post("/v1/keys", &key).expect(201);
        let browser = Visitor::of(&served, "administrator");
        let id = made["key"].as_str().unwrap();
        for path in [format!("/keys/{id}"), "/keys".to_owned(), format!("/keys/{id}/acts/disable")]
        {
            let page = browser.open(&path);
            assert_eq!(page.status, 200, "{path}: {}", page.text);
            // What can be changed stands in its field as it is.
            let shown = page.text.split(" value=\"");
            let page: String =
                shown.map(|part| part.split_once('"').map_or(part, |(_, rest)| rest)).collect();
            for raw in ["<script>alert", " onmouseover=\"", "\u{202e}"] {
                assert!(!page.contains(raw), "{path} of {name}: {raw}");
            }
        }
        let found = browser.open(&format!("/keys?text={}", urlencoded(name)));
        assert_eq!(listed(&found.text), [id], "{name}");
        assert!(!found.text.contains("<script>alert") && !found.text.contains("\" onmouse"));
    }
    let browser = Visitor::of(&served, "administrator");
    let csv = browser.open("/keys.csv").text;
    assert!(csv.contains("'=cmd|") && !csv.contains(",=cmd"), "{csv}");
}

fn urlencoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[test]
fn a_form_from_elsewhere_changes_nothing() {
    let (_home, served, browser) = served();
    let id = id(&served, "key%209");
    let path = format!("/keys/{id}/acts/disable");
    browser.open(&path);
    let proof = browser.value("proof").unwrap();
    let post = |fields: &[(&str, &str)], headers: &[(&str, &str)]| {
        browser.ask(&Method::POST, &path, Some(form(fields)), headers).status
    };
    assert_eq!(post(&[("because", "x")], &[]), 403, "without a proof");
    assert_eq!(post(&[("proof", "made up")], &[]), 403);
    let good = [("proof", proof.as_str())];
    assert_eq!(post(&good, &[("sec-fetch-site", "cross-site")]), 403);
    assert_eq!(post(&good, &[("origin", "https://evil.example")]), 403);
    assert_eq!(key(&served, &id)["state"], "active");
    assert_eq!(post(&good, &[("sec-fetch-site", "same-origin")]), 303);
    assert_eq!(key(&served, &id)["state"], "suspended");
    let stranger = Visitor::new(&served);
    assert_eq!(stranger.ask(&Method::GET, "/keys", None, &[]).status, 303);
}

#[test]
fn the_pages_are_whole_in_every_width_and_scheme_and_by_keyboard() {
    if partner("KEYTENDER_TEST_NODE_MODULES").is_none() {
        return;
    }
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    let Some(chromium) = partner("KEYTENDER_TEST_CHROMIUM") else { return };
    let (home, served, browser) = served();
    for name in ["<script>alert(1)</script>", "אבג מפתח", &"a-very-long-name".repeat(31), "🔑"]
    {
        let key = json!({"provider": "github", "name": name, "created_at": "2022-02-01",
                         "where_used": name});
        served.post("/v1/keys", &key).expect(201);
    }
    run(&home, &["keys", "import", &report()]);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("console");
    std::fs::create_dir_all(&folder).unwrap();
    let (deploy, shop) = (id(&served, "deploy%2F1"), id(&served, "key%2060"));
    let look = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/keys.py"))
        .args([&chromium, &served.url, &browser.cookie_line(), &folder.display().to_string()])
        .args(["keys=/keys?owner=none", "none=/keys?text=nothing-like-it"])
        .args([format!("key=/keys/{deploy}"), format!("used=/keys/{shop}")])
        .arg(format!("disable=/keys/{shop}/acts/disable"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&look.stderr);
    assert!(look.status.success(), "{said}");
    eprintln!("pictures: {}", folder.display());
}

/// The example report of the repository.
fn report() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/credential-report.csv");
    path.display().to_string()
}
