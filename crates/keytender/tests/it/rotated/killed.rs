//! A rotation whose server is killed at each of its calls, before AWS has done it or after, goes on to its end,
//! and whoever uses the key never notices.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use super::cloud::{At, Cloud, Hang};
use super::journey::Shop;
use crate::verifying::pause;

/// How many rotations are killed beside each other: most of their time they wait for leases to end.
const AT_ONCE: usize = 10;
/// Twice the calls up to the one that makes a key.
const BOTH_WAYS: usize = 8;
/// At how many calls: after so many a key is held, and what comes then is the same again.
const MANY: usize = 26;

/// Takes a rotation to its end, killed at the call of this number; false if it made fewer.
fn ends_though_killed(cloud: &Cloud, number: usize, after: bool) -> bool {
    let when = if after { "after" } else { "before" };
    let mut shop = Shop::open(cloud, &format!("killed-{number}-{when}"));
    // Its sync and its first look count from here on.
    let at = At::Number(shop.door.calls() + number);
    let hang = Hang { at, after, is_answered: false };
    shop.door.hang(hang);
    shop.serve();
    let rotation = shop.begin();
    let mut was_killed = false;
    for (stage, word) in [("overlap", Some("approve")), ("disabled", None), ("done", None)] {
        let mut patience = 0;
        loop {
            if shop.door.is_hanging() {
                shop.kill();
                shop.door.release();
                was_killed = true;
                shop.check(&format!("{hang:?}"));
                shop.serve();
            }
            let view = shop.view(&rotation);
            if view["stage"] == stage && view["waits_for"] != "call" {
                break;
            }
            let is_asking = view["stage"].as_str().unwrap().ends_with("-intent");
            if is_asking && view["waits_for"] == "time" {
                shop.hurry(&rotation);
            }
            if view["is_blocked"] == true {
                unblock(&shop, &rotation, hang);
            }
            patience += 1;
            assert!(patience < 600, "{hang:?}: {view:#}");
            pause(Duration::from_millis(100));
        }
        shop.check(&format!("{hang:?} {stage}"));
        match word {
            Some(_) => shop.say(&rotation, &json!({"say": "approve", "gate": "disable"})),
            None if stage == "disabled" => shop.age(&rotation, 31),
            None => {}
        }
    }
    let new = shop.held();
    assert_eq!(cloud.keys(&shop.name), [(new.0.clone(), "Active".to_owned())], "{hang:?}");
    assert!(!shop.leaks(&new.1) && !shop.leaks(&shop.old.1), "{hang:?}");
    shop.kill();
    was_killed
}

/// AWS keeps no label: of a key that appeared while the answer was lost nobody can say whose it is. Whoever
/// knows deletes it, and the rotation goes on.
fn unblock(shop: &Shop<'_>, rotation: &str, hang: Hang) {
    let view = shop.view(rotation);
    let says = view["says"].as_str().unwrap();
    let keys = shop.cloud.keys(&shop.name);
    let other = keys.iter().find(|(id, _)| *id != shop.old.0).map(|(id, _)| id.as_str());
    let other = other.unwrap_or_else(|| panic!("{hang:?}: {says}"));
    assert!(says.contains(other) && says.contains("Nothing was touched"), "{hang:?}: {says}");
    shop.cloud.delete_key(&shop.name, other);
    shop.say(rotation, &json!({"say": "resume"}));
}

#[test]
fn a_rotation_that_is_killed_at_any_of_its_calls_ends_and_nobody_notices() {
    let Some(cloud) = Cloud::open() else { return };
    let next = AtomicUsize::new(0);
    let is_over = AtomicBool::new(false);
    let killed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while !is_over.load(Ordering::SeqCst) {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    // Up to the making of the key both ways, and then by turns.
                    let at = if number < BOTH_WAYS { number / 2 } else { number - BOTH_WAYS / 2 };
                    if at >= MANY {
                        return;
                    }
                    match ends_though_killed(&cloud, at + 1, number % 2 == 1) {
                        true => _ = killed.fetch_add(1, Ordering::SeqCst),
                        false => is_over.store(true, Ordering::SeqCst),
                    }
                }
            });
        }
    });
    let killed = killed.load(Ordering::SeqCst);
    assert!(killed > 15, "{killed}");
}
