//! Keys that AWS made and that the database did not hear of in time.

use super::cloud::{At, Cloud, Hang};
use super::journey::{Shop, script};
use crate::verifying::until;

/// Calls may take more than 6 seconds: long enough to change the database meanwhile.
const LEASE: &str = "16";
const REFUSE: &str = "CREATE TRIGGER refused BEFORE UPDATE ON rotations \
                      BEGIN SELECT RAISE(ABORT, 'refused'); END";
const TAKE_AGAIN: &str = "DROP TRIGGER refused";
/// Another node has the rotation, and dies.
const STEAL: &str = "UPDATE leases SET holder = 'somebody else', epoch = epoch + 1, until = 0 \
                     WHERE name LIKE 'rotate:%'";

/// A shop whose rotation hangs while AWS makes the key.
fn making<'c>(cloud: &'c Cloud, name: &str) -> (Shop<'c>, String) {
    let mut shop = Shop::open(cloud, name);
    let at = At::Action("CreateAccessKey");
    shop.door.hang(Hang { at, after: true, is_answered: true });
    shop.serve_with(LEASE);
    let rotation = shop.begin();
    until(|| shop.door.is_hanging());
    assert_eq!((cloud.keys(name).len(), shop.held()), (2, shop.old.clone()));
    (shop, rotation)
}

/// Goes on to the end: one key is there, and works.
fn ends(shop: &mut Shop<'_>, rotation: &str) {
    shop.check("overlap");
    shop.let_go(rotation);
    shop.age(rotation, 31);
    until(|| shop.view(rotation)["stage"] == "done");
    let new = shop.held();
    assert!(new != shop.old && !shop.leaks(&new.1) && !shop.leaks(&shop.old.1));
    assert_eq!(shop.cloud.keys(&shop.name), [(new.0, "Active".to_owned())]);
    shop.kill();
}

#[test]
fn a_key_that_the_database_does_not_take_is_kept_beside_it_sealed_and_used() {
    let Some(cloud) = Cloud::open() else { return };
    let (mut shop, rotation) = making(&cloud, "spooled");
    script(&shop.home, REFUSE);
    shop.door.release();
    let spool = shop.home.path().join(format!("{rotation}.sealed"));
    until(|| spool.exists());
    // Whoever starts after a crash finds it there.
    shop.kill();
    let secret = shop.door.made().remove(0).1;
    assert!(!shop.leaks(&secret));
    script(&shop.home, TAKE_AGAIN);
    shop.serve();
    until(|| shop.view(&rotation)["stage"] == "overlap");
    assert_eq!(shop.held().1, secret);
    assert!(!spool.exists());
    assert_eq!(shop.door.count("CreateAccessKey"), 1);
    ends(&mut shop, &rotation);
}

#[test]
fn a_key_that_was_made_for_a_rotation_that_another_has_is_known_and_swept() {
    let Some(cloud) = Cloud::open() else { return };
    let (mut shop, rotation) = making(&cloud, "stray");
    script(&shop.home, STEAL);
    shop.door.release();
    until(|| {
        let view = shop.view(&rotation);
        // What AWS shows may lag, for which it waits longer than a test does.
        if view["stage"] == "create-intent" && view["waits_for"] == "time" {
            shop.hurry(&rotation);
        }
        view["stage"] == "overlap"
    });
    let stray = shop.door.made().remove(0).0;
    assert_eq!(shop.door.count("CreateAccessKey"), 2);
    let listed = cloud.keys("stray");
    assert!(listed.len() == 2 && listed.iter().all(|(id, _)| *id != stray), "{stray}: {listed:?}");
    ends(&mut shop, &rotation);
}
