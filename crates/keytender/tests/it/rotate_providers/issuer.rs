//! A second Keytender as the provider of keys: a real one, reached by its descriptor on the shelf.

use keytender::app::accounts;
use keytender::app::keys;
use keytender::app::rotate::provider::Principal;
use keytender::store::accounts::Account;
use keytender::store::keys::HeldKey;
use keytender_core::rotation::{Fault, SeenKey, Standing, UseSeen, Way};
use keytender_core::secret::Secret;
use serde_json::{Value, json};

use super::{fault, made, open};
use crate::Home;
use crate::api_issuing::beside;
use crate::databases::{Database, new_databases};
use crate::notify::run;
use crate::served::Served;
use crate::verifying::until;

const MARKER: &str = "keytender-0123456789abcdef";

/// Another Keytender with an app of a customer, and an inventory that watches it.
struct Pair {
    other: Served,
    app: String,
    watcher: Home,
    database: Database,
    _home: Home,
}

impl Pair {
    fn open() -> Self {
        let home = Home::new();
        let other = Served::start(&home);
        other.post("/v1/apis", &json!({"name": "acme"})).expect(201);
        let customer = other.post("/v1/apis/acme/accounts", &json!({"name": "globex"})).expect(201);
        let apps = format!("/v1/accounts/{}/apps", customer["id"].as_str().unwrap());
        let new = json!({"name": "web-shop", "scopes": ["orders:read", "orders:write"]});
        let app = other.post(&apps, &new).expect(201)["id"].as_str().unwrap().to_owned();
        let database = new_databases().swap_remove(0);
        let watcher =
            Home::new().with("KEYTENDER_DATABASE", &database.text).with("THE_TOKEN", &other.token);
        let words = ["accounts", "add", "keytender", "other", "--credential", "env:THE_TOKEN"];
        let reach = ["--set", "host=keys.example.com", "--endpoint", &other.url, "--allow-private"];
        let added = watcher.run(&[&words[..], &reach].concat());
        assert_eq!(added.code, 0, "{}", added.stderr);
        Self { other, app, watcher, database, _home: home }
    }

    /// A key of the app: its id and its text.
    fn key(&self) -> (String, String) {
        let asked = json!({"label": "checkout", "scopes": ["orders:read"], "networks": ["127.0.0.0/8"],
                           "environment": "test", "expires_at": "2099-01-01T00:00:00Z"});
        let made = self.other.post(&format!("/v1/apps/{}/keys", self.app), &asked).expect(201);
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        (text("key"), text("secret"))
    }

    /// What the inventory knows of a key once it has looked, and the account that it is in.
    fn held(&self, id: &str) -> (Account, HeldKey) {
        let synced = self.watcher.run(&["sync"]);
        assert_eq!(synced.code, 0, "{}{}", synced.stdout, synced.stderr);
        beside(&self.database.text, async |inventory| {
            let mut account = accounts::get(inventory, "other").await.unwrap();
            account.secret = Some(Secret::new(&self.other.token));
            (account, keys::get(inventory, id).await.unwrap())
        })
    }

    fn principal(&self, id: &str) -> Principal {
        let (account, key) = self.held(id);
        open(&account, &key).unwrap()
    }

    fn seen(&self, id: &str) -> Value {
        self.other.get(&format!("/v1/keys/{id}")).expect(200)
    }

    /// Whether the API's verifier lets a key pass, here from a place.
    fn passes(&self, key: &str) -> bool {
        let one =
            json!({"key": key, "address": "127.0.0.1", "region": "eu-west-1", "service": "orders"});
        let body = json!({"api": "acme", "verifications": [one]});
        let said = self.other.post("/v1/key-verifications", &body).expect(200);
        said["verifications"][0]["valid"] == true
    }
}

fn one<'s>(seen: &'s [SeenKey], id: &str) -> Option<&'s SeenKey> {
    seen.iter().find(|key| key.id == id)
}

#[test]
fn a_second_keytender_rotates_by_its_descriptor() {
    let pair = Pair::open();
    let (old, old_text) = pair.key();
    let keys = pair.principal(&old);
    let terms = keys.terms();
    assert_eq!((terms.way, keys.old_id()), (Way::CreateThenDelete, old.as_str()));
    let able = &terms.able;
    assert!(able.list && able.label && able.disable && able.try_new && able.last_use.is_some());
    let new = made(run(keys.create(MARKER)));
    let seen = run(keys.list()).unwrap();
    assert_eq!(seen.len(), 2);
    let fresh = one(&seen, &new.id).unwrap();
    assert_eq!(fresh.label.as_deref(), Some("checkout-keytender-0123456789abcdef"));
    assert_eq!((fresh.standing, &fresh.last_use), (Standing::Active, &UseSeen::Never));
    let (before, after) = (pair.seen(&old), pair.seen(&new.id));
    for name in ["scopes", "networks", "environment", "app"] {
        assert_eq!(after["issued"][name], before["issued"][name], "{name}");
    }
    // It lives as long as the old one did, from now on.
    let ends = after["expires_at"].as_str().unwrap();
    assert!(ends.starts_with("2098-12-31") || ends.starts_with("2099-01-01"), "{ends}");
    assert!(run(keys.is_taken(&new.id, &new.secret)).unwrap());
    assert!(!run(keys.is_taken(&new.id, &Secret::new("acme_test_nobody_nothing"))).unwrap());
    assert_eq!(
        fault(run(keys.is_taken(&new.id, &Secret::new(&old_text))), &[&old_text]),
        Fault::Refused
    );
    assert!(pair.passes(new.secret.expose()) && pair.passes(&old_text));
    // A use is seen with its place.
    until(|| {
        let seen = run(keys.list()).unwrap();
        let last_use = one(&seen, &new.id).unwrap().last_use.clone();
        matches!(last_use, UseSeen::At { place: Some(place), .. } if place == "orders in eu-west-1")
    });
    assert!(!run(keys.asks_by(keys.old_id())).unwrap());
}

#[test]
fn a_key_of_a_second_keytender_is_stopped_let_work_again_and_ended() {
    let pair = Pair::open();
    let (old, text) = pair.key();
    let keys = pair.principal(&old);
    let standing = || one(&run(keys.list()).unwrap(), &old).map(|key| key.standing);
    // Done twice it is as once.
    for _ in 0..2 {
        run(keys.disable(&old)).unwrap();
        assert_eq!(standing(), Some(Standing::Suspended));
    }
    assert!(!pair.passes(&text));
    for _ in 0..2 {
        run(keys.enable(&old)).unwrap();
        assert_eq!(standing(), Some(Standing::Active));
    }
    assert!(pair.passes(&text));
    run(keys.disable(&old)).unwrap();
    for _ in 0..2 {
        run(keys.delete(&old)).unwrap();
        assert_eq!(standing(), Some(Standing::Ended));
    }
    assert!(!pair.passes(&text));
    // What never was there is as wanted.
    run(keys.delete("key_0000000000000")).unwrap();
}

#[test]
fn a_rotated_key_of_a_second_keytender_has_one_mark() {
    let pair = Pair::open();
    let (old, _) = pair.key();
    let first = made(run(pair.principal(&old).create(MARKER)));
    let second = made(run(pair.principal(&first.id).create("keytender-fedcba9876543210")));
    assert_eq!(pair.seen(&second.id)["label"], "checkout-keytender-fedcba9876543210");
    // The other way is described too, and makes a successor there, which works at once.
    let keys = pair.principal(&old);
    let third = made(run(keys.rotate()));
    let seen = pair.seen(&third.id);
    assert_eq!((&seen["issued"]["replaces"], &seen["state"]), (&json!(old), &json!("active")));
    until(|| pair.passes(third.secret.expose()));
}

#[test]
fn the_token_by_which_a_second_keytender_is_reached_is_known_as_ones_own() {
    let pair = Pair::open();
    let tokens = pair.other.get("/v1/tokens").expect(200);
    let own = tokens["tokens"][0]["key"].as_str().unwrap().to_owned();
    let user = tokens["tokens"][0]["user"].as_str().unwrap().to_owned();
    let made_there =
        pair.other.post(&format!("/v1/users/{user}/tokens"), &json!({"label": "spare"}));
    let spare = made_there.expect(201)["key"].as_str().unwrap().to_owned();
    let keys = pair.principal(&own);
    assert!(run(keys.asks_by(keys.old_id())).unwrap());
    assert!(!run(keys.asks_by(&spare)).unwrap());
    // It makes its own successor, which takes over before it goes.
    let new = made(run(keys.create(MARKER)));
    assert!(run(keys.is_taken(&new.id, &new.secret)).unwrap());
    let (account, held) = pair.held(&own);
    let account = Account { secret: Some(new.secret.clone()), ..account };
    let keys = open(&account, &held).unwrap();
    assert!(!run(keys.asks_by(keys.old_id())).unwrap());
    run(keys.disable(&own)).unwrap();
    let seen = run(keys.list()).unwrap();
    assert_eq!(one(&seen, &own).unwrap().standing, Standing::Suspended);
    assert!(one(&seen, &new.id).unwrap().label.as_deref().unwrap().ends_with(MARKER));
    run(keys.delete(&own)).unwrap();
    assert!(
        one(&run(keys.list()).unwrap(), &own).is_none_or(|key| key.standing == Standing::Ended)
    );
    assert_eq!(pair.other.get("/v1/tokens").status, 401);
}

#[test]
fn a_token_that_may_not_make_keys_is_refused_and_one_that_is_not_heard_is_not_lost() {
    let pair = Pair::open();
    let (old, _) = pair.key();
    let (account, held) = pair.held(&old);
    let reader = pair.other.token_of("reader", &json!({"role": "auditor"}), None);
    let account = Account { secret: Some(Secret::new(&reader)), ..account };
    let keys = open(&account, &held).unwrap();
    assert_eq!(run(keys.list()).unwrap().len(), 1);
    assert_eq!(fault(run(keys.create(MARKER)), &[&reader]), Fault::Refused);
    assert_eq!(fault(run(keys.disable(&old)), &[&reader]), Fault::Refused);
    let mut pair = pair;
    pair.other.kill();
    assert_eq!(fault(run(keys.create(MARKER)), &[&reader]), Fault::Later);
    assert_eq!(fault(run(keys.list()), &[&reader]), Fault::Later);
}
