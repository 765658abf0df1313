//! A second Keytender that is given the address of the first, and a customer's token.

use super::*;
use crate::Ran;
use crate::customers_own::Customer;

/// The first, with two customers of one API and one of another; the second, which knows its address alone.
pub(super) struct Pair {
    pub(super) first: Served,
    pub(super) globex: Customer,
    pub(super) others: Vec<Customer>,
    pub(super) second: Home,
    _home: Home,
}

impl Pair {
    pub(super) fn open() -> Self {
        let home = Home::new();
        let first = Served::start(&home);
        for api in ["acme", "birch"] {
            first.post("/v1/apis", &json!({"name": api, "key_life": "365d"})).expect(201);
        }
        let globex = Customer::new(&first, "acme", "globex");
        let others = [("acme", "initech"), ("birch", "hooli")]
            .map(|(api, name)| Customer::new(&first, api, name));
        let second = Home::new().with("THE_TOKEN", &globex.token);
        let database = second.path().join("second.db").display().to_string();
        let second = second.with("KEYTENDER_DATABASE", database);
        once(&first, KEYS, |document| kinds(document) == 2);
        Self { first, globex, others: others.into(), second, _home: home }
    }

    #[track_caller]
    pub(super) fn run(&self, words: &[&str]) -> Ran {
        let ran = self.second.run(words);
        assert_eq!(ran.code, 0, "{words:?}: {}{}", ran.stdout, ran.stderr);
        ran
    }

    /// Takes the first in hand by its address.
    pub(super) fn add(&self, words: &[&str]) -> Ran {
        let common = ["accounts", "add", &self.first.url, "other", "--credential", "env:THE_TOKEN"];
        self.run(&[&common[..], &["--allow-private", "--yes"], words].concat())
    }

    pub(super) fn keys(&self) -> Vec<Value> {
        let listed = self.run(&["keys", "list", "--json"]).json();
        listed["keys"].as_array().unwrap().clone()
    }
}

#[test]
fn an_address_tells_what_there_is_and_where() {
    let pair = Pair::open();
    let looked =
        pair.run(&["providers", "discover", &pair.first.url, "--allow-private", "--json"]).json();
    let found = |url: &str| {
        let places = looked["places"].as_array().unwrap().iter();
        let place = places.into_iter().find(|one| one["url"].as_str().unwrap().ends_with(url));
        place.unwrap_or_else(|| panic!("{url}: {looked}"))["is_found"] == true
    };
    for url in [KEYS, ONBOARDING, CATALOG, INDEX, "/.well-known/api-keys/birch"] {
        assert!(found(url), "{url}");
    }
    assert!(!found("/.well-known/oauth-protected-resource"));
    assert_eq!(looked["descriptor"]["url"], format!("{}{KEYS}", pair.first.url));
    assert_eq!(looked["descriptor"]["foreign_hosts"], json!([]));
    assert_eq!(looked["onboarding"]["maturity"], "bootstrap-token");
    let text = pair.run(&["providers", "discover", &pair.first.url, "--allow-private"]).stdout;
    assert!(text.contains(&format!("keytender accounts add {} NAME", pair.first.url)), "{text}");
    // This machine is a private network: nobody asks there who was not told to.
    let closed = pair.second.run(&["providers", "discover", &pair.first.url]);
    assert!(closed.code == 1 && closed.stdout.contains("--allow-private"), "{}", closed.stdout);
}

#[test]
fn a_second_keytender_lists_the_keys_of_the_first_by_its_address_alone() {
    let pair = Pair::open();
    // Nobody is trusted unasked.
    let words = [
        "accounts",
        "add",
        &pair.first.url,
        "other",
        "--credential",
        "env:THE_TOKEN",
        "--allow-private",
    ];
    let unasked = pair.second.run(&words);
    assert!(unasked.code == 1 && unasked.stderr.contains("add --yes"), "{}", unasked.stderr);
    let added = pair.add(&[]);
    assert!(added.stderr.contains("SHA-256: "), "{}", added.stderr);
    let synced = pair.run(&["sync"]);
    assert!(synced.stdout.contains("other: 3 keys; 3 found"), "{}{}", synced.stdout, synced.stderr);
    assert_eq!(synced.stderr, "");
    let keys = pair.keys();
    let ids: BTreeSet<&str> = keys.iter().map(|key| key["id"].as_str().unwrap()).collect();
    assert_eq!(ids, pair.globex.keys.iter().map(String::as_str).collect());
    for key in &keys {
        assert_eq!(
            (&key["provider"], &key["principal"]),
            (&json!("127.0.0.1"), &json!("globex-shop"))
        );
        assert_eq!(key["last_used"]["status"], "never");
    }
    let report = pair.run(&["report", "--format", "json"]).stdout;
    assert!(pair.globex.keys.iter().all(|key| report.contains(key)), "{report}");
    let hidden = pair.others.iter().flat_map(|one| one.keys.iter());
    assert!(!hidden.into_iter().any(|key| report.contains(key.as_str())), "{report}");
    let again = pair.run(&["sync"]);
    assert!(again.stdout.contains("other: 3 keys"), "{}", again.stdout);
    // A stranger's document reads, until somebody lets it do more.
    let key = &pair.globex.keys[1];
    let refused = pair.second.run(&["keys", "disable", key, "--yes"]);
    assert!(refused.code == 1 && refused.stderr.contains("trusted to read"), "{}", refused.stderr);
    assert_eq!(pair.first.get(&format!("/v1/keys/{key}")).expect(200)["state"], "active");
    // All that is kept of the customer's token is where it is.
    let token = pair.globex.token.as_bytes();
    let database = std::fs::read(pair.second.path().join("second.db")).unwrap();
    assert!(!database.windows(token.len()).any(|part| part == token));
}

#[test]
fn a_second_keytender_rotates_a_key_of_the_first_where_it_is_used() {
    let pair = Pair::open();
    pair.add(&["--allow-writes"]);
    pair.run(&["sync"]);
    // The key that has a successor already is not the one.
    let place = format!("/v1/apps/{}/keys", pair.globex.app);
    let token = pair.globex.token.as_str();
    let new = json!({"label": "checkout"});
    let made = pair.first.ask_with(token, &Method::POST, &place, Some(&new), &[]).expect(201);
    let [old, secret] = ["key", "secret"].map(|name| made[name].as_str().unwrap().to_owned());
    let file = pair.second.write(".env", format!("# of the shop\nPORT=80\nACME_KEY={secret}\n"));
    pair.run(&["sync"]);
    let path = format!("path={}", file.display());
    pair.run(&["destinations", "add", &old, "shop", "env", &path, "secret=ACME_KEY"]);
    pair.run(&["destinations", "check", &old]);
    let used = || {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("# of the shop\nPORT=80\n"), "{text}");
        let line = text.lines().find_map(|line| line.strip_prefix("ACME_KEY=")).unwrap();
        line.to_owned()
    };
    // Whoever uses the file is let in at each moment.
    let check = |when: &str| {
        let body = json!({"api": "acme", "verifications": [{"key": used()}]});
        let said = pair.first.post("/v1/key-verifications", &body).expect(200);
        assert_eq!(said["verifications"][0]["valid"], true, "{when}: {said}");
    };
    check("before");
    let begun = pair.run(&["rotate", &old, "--yes", "--json"]);
    check("begun");
    let begun: Value = serde_json::from_str(&begun.stdout).unwrap();
    let rotation = begun["rotation"].as_str().unwrap().to_owned();
    let view = || pair.run(&["rotations", "show", &rotation, "--json"]).json();
    until(|| {
        pair.run(&["rotations", "run", &rotation]);
        check("on the way");
        view()["stage"] == "overlap"
    });
    let new = used();
    assert_ne!(new, secret);
    pair.run(&["rotations", "approve", &rotation, "disable"]);
    until(|| {
        pair.run(&["rotations", "run", &rotation]);
        check("leaving");
        view()["stage"] == "disabled"
    });
    let seen = pair.first.get(&format!("/v1/keys/{old}")).expect(200);
    assert_eq!(seen["state"], "suspended");
    pair.run(&["sync"]);
    assert_eq!(pair.keys().len(), 5);
    let log = pair.first.get("/v1/acts?actor=acme/globex").expect(200).to_string();
    assert!(log.contains("key.create") && log.contains("key.disable"), "{log}");
}

#[test]
fn an_administrators_token_lists_the_keys_of_every_customer() {
    let pair = Pair::open();
    let second = Home::new().with("THE_TOKEN", &pair.first.token);
    let common = [
        "accounts",
        "add",
        &pair.first.url,
        "--credential",
        "env:THE_TOKEN",
        "--allow-private",
        "--yes",
    ];
    let added = second.run(&common);
    assert_eq!(added.code, 0, "{}", added.stderr);
    let synced = second.run(&["sync"]);
    assert!(
        synced.stdout.contains("127.0.0.1: 9 keys; 9 found"),
        "{}{}",
        synced.stdout,
        synced.stderr
    );
}

#[test]
fn a_document_that_changed_is_noticed_and_asked_about_again() {
    let pair = Pair::open();
    pair.add(&[]);
    pair.run(&["sync"]);
    let same = pair.run(&["accounts", "approve", "other"]);
    assert!(same.stderr.contains("is the one that was approved"), "{}", same.stderr);
    pair.first.patch("/v1/apis/acme", &json!({"overlap": "2d"})).expect(200);
    once(&pair.first, KEYS, |document| {
        document["keyTypes"][0]["rotation"]["overlapSeconds"] == 2 * 86_400
    });
    // The keys are known by what was approved, and somebody is told.
    let synced = pair.run(&["sync"]);
    assert!(synced.stderr.contains("keytender accounts approve other"), "{}", synced.stderr);
    assert_eq!(pair.keys().len(), 3);
    let asked = pair.second.run(&["accounts", "approve", "other"]);
    assert!(
        asked.code == 1 && asked.stderr.contains("calls and hosts are the same"),
        "{}",
        asked.stderr
    );
    pair.run(&["accounts", "approve", "other", "--yes"]);
    let log = pair.run(&["log"]).stdout;
    assert!(log.contains("account.approve"), "{log}");
    assert_eq!(pair.run(&["sync"]).stderr, "");
    // An API less is a kind of key less.
    for one in &pair.others[1..] {
        pair.first.delete(&format!("/v1/accounts/{}", one.account)).expect(204);
    }
    pair.first.delete("/v1/apis/birch").expect(204);
    once(&pair.first, KEYS, |document| kinds(document) == 1);
    let asked = pair.second.run(&["accounts", "approve", "other"]);
    assert!(asked.stderr.contains("birch, list is gone"), "{}", asked.stderr);
    // One that is not there any more is said too, and nothing is forgotten for that.
    let mut pair = pair;
    pair.first.kill();
    let lost = pair.second.run(&["sync"]);
    assert_eq!(lost.code, 1, "{}", lost.stdout);
    assert_eq!(pair.keys().len(), 3);
}
