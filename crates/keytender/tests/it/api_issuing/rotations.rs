//! Rotations of keys of our APIs: pending, overlapping, done; cancelled and finished.

use keytender::app::issued::{self, NewIssued, NewRotation};
use keytender_core::time::Span;
use keytender_core::token::Environment;
use serde_json::{Value, json};

use super::{Shop, beside, key_subject, made, shops};

/// Gives a key a successor; its id.
#[track_caller]
fn rotate(shop: &Shop, key: &str, body: &Value) -> String {
    made(&shop.server.post(&format!("/v1/keys/{key}/rotations"), body)).0
}

#[track_caller]
fn rotation(shop: &Shop, key: &str) -> Value {
    shop.server.get(&format!("/v1/keys/{key}/rotations")).expect(200)
}

/// The first use of a key, as a verifier tells it.
fn use_first(shop: &Shop, key: &str) -> bool {
    shop.beside(async |inventory| {
        issued::activate(inventory, key.parse().unwrap(), inventory.now).await.unwrap()
    })
}

/// What the sweep does so long from now.
fn retire_after(shop: &Shop, span: Span) -> u64 {
    shop.beside(async |inventory| {
        inventory.now = inventory.now.plus(span);
        issued::retire(inventory).await.unwrap()
    })
}

#[test]
fn a_successor_waits_for_its_first_use_and_the_old_key_works_on() {
    for shop in shops() {
        let asked = json!({"scopes": ["orders:read"], "networks": ["203.0.113.0/24"],
                           "environment": "test"});
        let (old, old_secret) = shop.key(&asked);
        let before = shop.changes().len();
        let body = json!({"overlap": "2d", "because": "yearly"});
        let answer = shop.server.post(&format!("/v1/keys/{old}/rotations"), &body);
        let (new, secret) = made(&answer);
        assert!(secret.starts_with("acme_test_") && secret != old_secret);
        assert_eq!(shop.changes().len(), before + 2, "both keys");
        let seen = shop.seen(&new);
        assert_eq!(
            (&seen["state"], &seen["label"]),
            (&json!("pre-activation"), &json!("checkout"))
        );
        for name in ["scopes", "networks", "environment", "app"] {
            assert_eq!(seen["issued"][name], shop.seen(&old)["issued"][name], "{name}");
        }
        assert_eq!(
            (&seen["issued"]["replaces"], &seen["issued"]["overlap"]),
            (&json!(old), &json!("2d"))
        );
        let stands = rotation(&shop, &old);
        assert_eq!(stands, rotation(&shop, &new), "whichever of the two is named");
        assert_eq!(
            (&stands["stage"], &stands["before"], &stands["after"]),
            (&json!("pending"), &json!(old), &json!(new))
        );
        assert!(stands["overlap_ends_at"].is_null());
        // Until it is used nothing ends, however long that takes.
        assert_eq!(retire_after(&shop, Span::days(300)), 0);
        let finished =
            shop.server.post(&format!("/v1/keys/{old}/rotations/completion"), &json!({}));
        assert_eq!(finished.status, 409, "nothing would work: {finished:?}");
        // Nobody lets it work by another way.
        let suspension = format!("/v1/keys/{new}/suspension");
        assert_eq!(shop.server.delete(&suspension).status, 409);
        assert_eq!(shop.put(&suspension, &json!({})).status, 409);
    }
}

#[test]
fn a_first_use_begins_the_overlap_after_which_the_old_key_stops() {
    for shop in shops() {
        let (old, _) = shop.key(&json!({}));
        let new = rotate(&shop, &old, &json!({"overlap": "2d"}));
        let subjects = shop.changed(|| {
            assert!(use_first(&shop, &new));
            assert!(!use_first(&shop, &new), "once");
            assert!(!use_first(&shop, &old), "it works already");
        });
        assert_eq!(subjects, [key_subject(&new), key_subject(&old)]);
        assert_eq!(shop.seen(&new)["state"], "active");
        let stands = rotation(&shop, &new);
        assert_eq!(stands["stage"], "overlap");
        assert_eq!(stands["overlap_ends_at"], shop.seen(&old)["issued"]["retires_at"]);
        // Both work until then; afterwards the old one is put away, once.
        assert_eq!(retire_after(&shop, Span::days(1)), 0);
        let subjects = shop.changed(|| {
            assert_eq!(retire_after(&shop, Span::days(3)), 1);
            assert_eq!(retire_after(&shop, Span::days(3)), 0);
        });
        assert_eq!(subjects, [key_subject(&old)]);
        let seen = shop.seen(&old);
        assert_eq!(seen["state"], "deactivated");
        assert_eq!(seen["issued"]["revoked_why"], format!("replaced by {new}"));
        assert_eq!(rotation(&shop, &old)["stage"], "done");
        let timeline = shop.server.get(&format!("/v1/keys/{new}/timeline")).expect(200);
        assert!(timeline.to_string().contains("first-used"), "{timeline}");
    }
}

#[test]
fn a_successor_can_work_at_once() {
    for shop in shops() {
        let (old, _) = shop.key(&json!({}));
        let new = rotate(&shop, &old, &json!({"activation": "immediately"}));
        assert_eq!(shop.seen(&new)["state"], "active");
        let stands = rotation(&shop, &old);
        assert_eq!((&stands["stage"], &stands["overlap"]), (&json!("overlap"), &json!("8d")));
        // It has a successor that works: that one is rotated.
        let again = shop.server.post(&format!("/v1/keys/{old}/rotations"), &json!({}));
        assert_eq!(again.status, 409);
        assert!(again.text.contains(&new), "{again:?}");
        let third = rotate(&shop, &new, &json!({}));
        assert_eq!(rotation(&shop, &new)["after"], third);
        assert_eq!(rotation(&shop, &old)["after"], new);
        let subjects = shop.changed(|| {
            let path = format!("/v1/keys/{old}/rotations/completion");
            let done = shop.server.post(&path, &json!({"because": "all moved"})).expect(200);
            assert_eq!(done["stage"], "done");
        });
        assert_eq!(subjects, [key_subject(&old)]);
        assert_eq!(shop.seen(&old)["state"], "deactivated");
        assert_eq!(shop.seen(&new)["state"], "active");
        // The name is the one that has not ended; while both stand by, it has to be said which.
        assert_eq!(shop.server.get("/v1/keys/checkout").status, 409);
        shop.server.delete(&format!("/v1/keys/{new}/rotations")).expect(204);
        assert_eq!(shop.seen("checkout")["key"], *new);
    }
}

#[test]
fn the_overlap_is_as_the_api_says_and_none_is_none() {
    for shop in shops() {
        shop.server.patch("/v1/apis/acme", &json!({"overlap": "36h"})).expect(200);
        let (old, _) = shop.key(&json!({}));
        let new = rotate(&shop, &old, &json!({}));
        assert_eq!(rotation(&shop, &new)["overlap"], "36h");
        let (key, _) = shop.key(&json!({"label": "second"}));
        let path = format!("/v1/keys/{key}/rotations");
        assert_eq!(shop.server.post(&path, &json!({"overlap": "367d"})).status, 422);
        assert_eq!(
            shop.server.post(&path, &json!({"expires_at": "2020-01-01T00:00:00Z"})).status,
            422
        );
        rotate(&shop, &key, &json!({"overlap": "0s", "activation": "immediately"}));
        assert_eq!(rotation(&shop, &key)["stage"], "done", "verifiers refuse it from here on");
        assert_eq!(retire_after(&shop, Span::default()), 1);
        assert_eq!(shop.seen(&key)["state"], "deactivated");
    }
}

#[test]
fn a_rotation_is_cancelled_before_and_after_the_activation() {
    for shop in shops() {
        for is_used in [false, true] {
            let (old, _) = shop.key(&json!({"label": format!("key {is_used}")}));
            let new = rotate(&shop, &old, &json!({}));
            if is_used {
                use_first(&shop, &new);
            }
            let path = format!("/v1/keys/{new}/rotations");
            let subjects = shop.changed(|| {
                shop.server.delete(&format!("{path}?because=too%20soon")).expect(204);
            });
            assert_eq!(subjects, [key_subject(&old), key_subject(&new)]);
            let (before, after) = (shop.seen(&old), shop.seen(&new));
            assert_eq!(
                (&before["state"], &after["state"]),
                (&json!("active"), &json!("deactivated"))
            );
            assert!(before["issued"]["replaced_by"].is_null());
            assert!(before["issued"]["retires_at"].is_null(), "it works on without an end");
            assert_eq!(after["issued"]["revoked_why"], "too soon");
            assert_eq!(retire_after(&shop, Span::days(30)), 0);
            for key in [&old, &new] {
                shop.server.get(&format!("/v1/keys/{key}/rotations")).expect(404);
                shop.server.delete(&format!("/v1/keys/{key}/rotations")).expect(404);
            }
            assert!(!use_first(&shop, &new), "it has ended");
            rotate(&shop, &old, &json!({}));
        }
        // One whose old key has ended cannot be taken back.
        let (old, _) = shop.key(&json!({"label": "last"}));
        let new = rotate(&shop, &old, &json!({"activation": "immediately"}));
        shop.server.post(&format!("/v1/keys/{old}/revocation"), &json!({})).expect(200);
        assert_eq!(shop.server.delete(&format!("/v1/keys/{new}/rotations")).status, 409);
        assert_eq!(shop.seen(&new)["state"], "active");
    }
}

#[test]
fn a_second_rotation_cancels_one_that_is_pending() {
    for shop in shops() {
        let (old, _) = shop.key(&json!({}));
        let first = rotate(&shop, &old, &json!({}));
        let mut second = String::new();
        let mut subjects = shop.changed(|| second = rotate(&shop, &old, &json!({})));
        subjects.sort_unstable();
        let mut all = [&old, &first, &second].map(|key| key_subject(key));
        all.sort_unstable();
        assert_eq!(subjects, all);
        assert_eq!(shop.seen(&first)["state"], "deactivated");
        assert_eq!(shop.seen(&first)["issued"]["revoked_why"], "another rotation took its place");
        assert_eq!(rotation(&shop, &old)["after"], second);
        shop.server.get(&format!("/v1/keys/{first}/rotations")).expect(404);
        // A pending successor that is revoked leaves the old key as it was.
        let subjects = shop.changed(|| {
            shop.server.post(&format!("/v1/keys/{second}/revocation"), &json!({})).expect(200);
        });
        assert_eq!(subjects, [key_subject(&second), key_subject(&old)]);
        assert!(shop.seen(&old)["issued"]["replaced_by"].is_null());
        assert_eq!(shop.seen(&old)["state"], "active");
    }
}

#[test]
fn only_a_key_that_works_is_rotated() {
    for shop in shops() {
        let (pending, _) = shop.key(&json!({"label": "a"}));
        let pending = rotate(&shop, &pending, &json!({}));
        let (revoked, _) = shop.key(&json!({"label": "b"}));
        shop.server.post(&format!("/v1/keys/{revoked}/revocation"), &json!({})).expect(200);
        let (expired, _) = shop.key(&json!({"label": "c"}));
        shop.beside(async |inventory| {
            let mut tx = inventory.store.db().begin().await.unwrap();
            let then = inventory.now.minus(Span::days(1)).as_micros();
            let sql = format!("UPDATE keys SET expires_at = {then} WHERE label = 'c'");
            tx.execute(&sql, Vec::new()).await.unwrap();
            tx.commit().await.unwrap();
        });
        let before = shop.changes();
        for (key, why) in
            [(pending, "pre-activation"), (revoked, "deactivated"), (expired, "expired")]
        {
            let refused = shop.server.post(&format!("/v1/keys/{key}/rotations"), &json!({}));
            assert_eq!(refused.status, 409, "{refused:?}");
            assert!(refused.text.contains(why), "{refused:?}");
        }
        assert_eq!(shop.changes(), before);
    }
}

#[test]
fn keys_that_were_ended_during_their_overlap_are_retired_no_more() {
    for shop in shops() {
        let overlapping = |label: &str| {
            let (old, _) = shop.key(&json!({"label": label}));
            rotate(&shop, &old, &json!({"activation": "immediately", "overlap": "1d"}));
            old
        };
        let (revoked, deleted, suspended) = (overlapping("a"), overlapping("b"), overlapping("c"));
        shop.server.post(&format!("/v1/keys/{revoked}/revocation"), &json!({})).expect(200);
        let why = "?really=true&because=x";
        shop.server.delete(&format!("/v1/keys/{deleted}{why}")).expect(204);
        shop.put(&format!("/v1/keys/{suspended}/suspension"), &json!({})).expect(200);
        // The deleted one is put away too, so that nobody looks at it again.
        assert_eq!(retire_after(&shop, Span::days(2)), 2);
        assert_eq!(retire_after(&shop, Span::days(2)), 0);
        assert_eq!(shop.seen(&suspended)["state"], "deactivated");
        assert_eq!(shop.seen(&deleted)["state"], "destroyed");
    }
}

#[test]
fn numbers_grow_in_the_order_of_the_commits_when_many_write_at_once() {
    for shop in shops() {
        let (key, _) = shop.key(&json!({}));
        let before = shop.changes().len();
        let (database, app, key) = (&shop.database.text, &shop.app, &key);
        std::thread::scope(|scope| {
            for number in 0..4 {
                scope.spawn(move || {
                    for round in 0..4 {
                        let new = NewIssued {
                            label: format!("{number} {round}"),
                            environment: Environment::Live,
                            scopes: Vec::new(),
                            networks: Vec::new(),
                            expires_at: None,
                        };
                        beside(database, async |inventory| {
                            issued::create(inventory, app, new).await.unwrap();
                            // Whichever comes first: each but one meets a pending one and cancels it.
                            let rotation = NewRotation::default();
                            issued::rotate(inventory, key, rotation).await.unwrap();
                        });
                    }
                });
            }
        });
        let subjects = shop.changed(|| {});
        assert!(subjects.is_empty());
        // 16 new keys; 16 rotations of two keys each, 15 of which end the one before.
        assert_eq!(shop.changes().len() - before, 16 + 32 + 15);
        let states = ["pre-activation", "deactivated"];
        let [pending, ended] = states.map(|state| {
            shop.server.get(&format!("/v1/keys?state={state}")).expect(200)["total"].clone()
        });
        assert_eq!((pending, ended), (json!(1), json!(15)));
    }
}
