//! How keys of our APIs end or stop: revoked, compromised, suspended, with their app or their customer.

use keytender::store::changes::Subject;
use serde_json::{Value, json};

use super::{Shop, app_subject, beside, key_subject, shops};

/// The rules that a key breaks.
fn rules(seen: &Value) -> Vec<&str> {
    let findings = seen["findings"].as_array().unwrap();
    findings.iter().map(|one| one["rule"].as_str().unwrap()).collect()
}

fn revoke(shop: &Shop, key: &str, body: &Value) -> Value {
    shop.server.post(&format!("/v1/keys/{key}/revocation"), body).expect(200)
}

#[test]
fn a_revoked_key_has_ended_for_good() {
    for shop in shops() {
        let (key, _) = shop.key(&json!({}));
        let subjects = shop.changed(|| {
            let done = revoke(&shop, &key, &json!({"because": "not needed"}));
            assert_eq!(done["key"], *key);
        });
        assert_eq!(subjects, [key_subject(&key)]);
        let seen = shop.seen(&key);
        assert_eq!(seen["state"], "deactivated");
        assert_eq!(seen["issued"]["revoked_why"], "not needed");
        assert!(seen["issued"]["revoked_at"].is_string());
        assert_eq!((&seen["due"], rules(&seen).len()), (&json!(false), 0));
        // Again: it stays as it is, and nobody has to hear of it.
        let subjects = shop.changed(|| {
            revoke(&shop, &key, &json!({"because": "another"}));
        });
        assert!(subjects.is_empty(), "{subjects:?}");
        assert_eq!(shop.seen(&key), seen);
        // It cannot come back by another way.
        let suspension = format!("/v1/keys/{key}/suspension");
        assert_eq!(shop.put(&suspension, &json!({})).status, 409);
        assert_eq!(shop.server.delete(&suspension).status, 409);
        let rotated = shop.server.post(&format!("/v1/keys/{key}/rotations"), &json!({}));
        assert_eq!(rotated.status, 409, "{rotated:?}");
        assert_eq!(shop.seen(&key)["state"], "deactivated");
        // It can be forgotten at once: whoever revoked it knows that nobody needs it.
        shop.server.delete(&format!("/v1/keys/{key}")).expect(204);
        assert_eq!(shop.seen(&key)["state"], "destroyed");
    }
}

#[test]
fn a_compromised_key_is_called_so_and_one_that_leaked_and_works_is_due() {
    for shop in shops() {
        let (leaked, _) = shop.key(&json!({"label": "leaked"}));
        let exposed = json!({"exposed": true});
        let seen = shop.server.patch(&format!("/v1/keys/{leaked}"), &exposed).expect(200);
        assert_eq!((&seen["due"], rules(&seen)), (&json!(true), vec!["key-exposed"]));
        assert_eq!((&seen["action"], &seen["severity"]), (&json!("rotate"), &json!("critical")));
        revoke(&shop, &leaked, &json!({"compromised": true, "because": "in a public repository"}));
        let seen = shop.seen(&leaked);
        assert_eq!((&seen["state"], &seen["exposed"]), (&json!("compromised"), &json!(true)));
        assert_eq!((&seen["due"], rules(&seen).len()), (&json!(false), 0), "it is dealt with");
        // One that was revoked may turn out to have leaked; the first reason and moment stay known.
        let (key, _) = shop.key(&json!({"label": "second"}));
        revoke(&shop, &key, &json!({"because": "old"}));
        let ended = shop.seen(&key)["issued"]["revoked_at"].clone();
        let subjects = shop.changed(|| {
            revoke(&shop, &key, &json!({"compromised": true}));
        });
        assert_eq!(subjects, [key_subject(&key)]);
        let seen = shop.seen(&key);
        assert_eq!((&seen["state"], &seen["exposed"]), (&json!("compromised"), &json!(true)));
        assert_eq!(seen["issued"]["revoked_at"], ended);
        assert_eq!(seen["issued"]["revoked_why"], "old");
    }
}

#[test]
fn a_key_that_is_old_or_unused_is_a_hint_and_one_that_ends_soon_is_due() {
    for shop in shops() {
        let soon = keytender::clock::now().plus(keytender_core::time::Span::days(10));
        let (key, _) = shop.key(&json!({"expires_at": soon}));
        let seen = shop.seen(&key);
        assert_eq!((&seen["due"], rules(&seen)), (&json!(true), vec!["key-expiring"]));
        let (old, _) = shop.key(&json!({"label": "old"}));
        shop.beside(async |inventory| {
            let mut tx = inventory.store.db().begin().await.unwrap();
            let then = inventory.now.minus(keytender_core::time::Span::days(400)).as_micros();
            let sql = format!(
                "UPDATE keys SET created_at = {then}, use_at = {then}, first_seen_at = {then}, \
                 evaluate_at = 0 WHERE label = 'old'"
            );
            tx.execute(&sql, Vec::new()).await.unwrap();
            tx.commit().await.unwrap();
        });
        let seen = shop.seen(&old);
        assert_eq!(rules(&seen), ["key-over-a-year", "key-unused"], "{seen}");
        assert_eq!((&seen["due"], &seen["action"]), (&json!(false), &json!("review")));
    }
}

#[test]
fn a_key_is_suspended_and_resumed_alone() {
    for shop in shops() {
        let (key, _) = shop.key(&json!({}));
        let path = format!("/v1/keys/{key}/suspension");
        let subjects = shop.changed(|| {
            assert_eq!(shop.put(&path, &json!({})).expect(200)["state"], "suspended");
        });
        assert_eq!(subjects, [key_subject(&key)]);
        let rotated = shop.server.post(&format!("/v1/keys/{key}/rotations"), &json!({}));
        assert_eq!(rotated.status, 409, "{rotated:?}");
        let subjects = shop.changed(|| {
            assert_eq!(shop.server.delete(&path).expect(200)["state"], "active");
        });
        assert_eq!(subjects, [key_subject(&key)]);
    }
}

#[test]
fn an_app_and_a_customer_are_suspended_and_resumed_once() {
    for shop in shops() {
        let app = format!("/v1/apps/{}", shop.app);
        let app_subject = Subject::App(shop.app.parse().unwrap());
        for is_suspended in [true, false] {
            let body = json!({"suspended": is_suspended, "because": "unpaid"});
            let subjects = shop.changed(|| {
                let first = shop.server.patch(&app, &body).expect(200);
                assert_eq!(first["suspended_at"].is_string(), is_suspended, "{first}");
                assert_eq!(shop.server.patch(&app, &body).expect(200), first);
            });
            assert_eq!(subjects, [app_subject]);
        }
        let suspension = "/v1/accounts/acme%2Fglobex/suspension";
        let account_subject = Subject::Account(shop.customer.parse().unwrap());
        let subjects = shop.changed(|| {
            let first = shop.put(suspension, &json!({"because": "unpaid"})).expect(200);
            assert!(first["suspended_at"].is_string(), "{first}");
            assert_eq!(shop.put(suspension, &json!({})).expect(200), first);
        });
        assert_eq!(subjects, [account_subject]);
        let listed = shop.server.get("/v1/apis/acme/accounts").expect(200);
        assert!(listed["accounts"][0]["suspended_at"].is_string(), "{listed}");
        let subjects = shop.changed(|| {
            let resumed = shop.server.delete(suspension).expect(200);
            assert!(resumed["suspended_at"].is_null(), "{resumed}");
            shop.server.delete(suspension).expect(200);
        });
        assert_eq!(subjects, [account_subject]);
        let acts = shop.server.get("/v1/acts").expect(200).to_string();
        for verb in ["app.suspend", "app.resume", "account.suspend", "account.resume"] {
            assert_eq!(acts.matches(&format!("\"{verb}\"")).count(), 1, "{verb}: {acts}");
        }
    }
}

#[test]
fn a_customer_that_is_removed_takes_its_keys_along() {
    for shop in shops() {
        let (first, _) = shop.key(&json!({"label": "one"}));
        let (second, _) = shop.key(&json!({"label": "two"}));
        shop.server.post(&format!("/v1/keys/{first}/rotations"), &json!({})).expect(201);
        let refused = shop.server.delete("/v1/apis/acme");
        assert_eq!(refused.status, 409);
        assert!(refused.text.contains("acme/globex"), "{refused:?}");
        let subjects = shop.changed(|| {
            shop.server.delete(&format!("/v1/accounts/{}", shop.customer)).expect(204);
        });
        // An app that is gone takes its keys along.
        assert_eq!(subjects, [app_subject(&shop.app)]);
        for key in [&first, &second] {
            assert_eq!(shop.server.get(&format!("/v1/keys/{key}")).status, 404);
        }
        shop.server.get(&format!("/v1/apps/{}", shop.app)).expect(404);
        // An API without customers goes, and verifiers still hear of the keys that went before.
        let before = shop.changes();
        shop.server.delete("/v1/apis/acme").expect(204);
        assert_eq!(shop.changes(), before);
        shop.server.get("/v1/apis/acme").expect(404);
        // Both names are free again.
        shop.server.post("/v1/apis", &json!({"name": "acme"})).expect(201);
        let again = json!({"name": "globex", "external_id": "c-7"});
        shop.server.post("/v1/apis/acme/accounts", &again).expect(201);
    }
}

#[test]
fn a_key_that_is_suspended_while_another_revokes_it_stays_revoked() {
    use keytender::app::acts::{self, Act, Asked};
    use keytender::app::issued;
    for shop in shops() {
        for number in 0..8 {
            let (key, _) = shop.key(&json!({"label": format!("key {number}")}));
            let (database, key) = (&shop.database.text, &key);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    beside(database, async |inventory| {
                        let asked = Asked { act: Act::Disable, why: None, really: false };
                        // It comes first, or too late.
                        _ = acts::run(inventory, key, &asked).await;
                    });
                });
                scope.spawn(|| {
                    beside(database, async |inventory| {
                        issued::revoke(inventory, key, false, None).await.unwrap();
                    });
                });
            });
            assert_eq!(shop.seen(key)["state"], "deactivated");
        }
    }
}
