//! The key by which Keytender itself asks the account.

use std::sync::Arc;

use serde_json::json;

use super::cloud::Cloud;
use super::journey::{Client, Shop, script};
use crate::verifying::until;

/// A shop by whose profile Keytender asks.
fn open(cloud: &Cloud) -> Shop<'_> {
    let door = Arc::new(cloud.door());
    let home = cloud.bare_home(&door);
    let file = home.path().join("credentials").display().to_string();
    let home = home.with("AWS_SHARED_CREDENTIALS_FILE", file);
    Shop::open_in(cloud, "self", door, home, &["--profile", "shop"])
}

#[test]
fn the_key_by_which_the_account_is_asked_gives_way_to_the_one_that_takes_its_place() {
    let Some(cloud) = Cloud::start() else { return };
    let mut shop = open(&cloud);
    shop.serve();
    let (file, door) = (shop.file.clone(), Arc::clone(&shop.door));
    let good = Client::beside(&cloud, &door, &file, |client| {
        let rotation = shop.begin();
        until(|| shop.view(&rotation)["stage"] == "overlap");
        client.comes_again();
        shop.let_go(&rotation);
        shop.age(&rotation, 31);
        until(|| shop.view(&rotation)["stage"] == "done");
    });
    assert!(good > 1, "{good}");
    let new = shop.held();
    assert_ne!(new, shop.old);
    assert_eq!(cloud.keys("self"), [(new.0, "Active".to_owned())]);
    // What asks from now on is the new one.
    shop.run(&["sync"]);
    shop.kill();
}

#[test]
fn while_the_account_is_still_asked_by_it_a_key_is_not_disabled() {
    let Some(cloud) = Cloud::start() else { return };
    let mut shop = open(&cloud);
    // The new key is put elsewhere.
    let other = shop.home.write("elsewhere", std::fs::read(&shop.file).unwrap());
    shop.run(&["destinations", "remove", &shop.old.0, "file"]);
    let path = format!("path={}", other.display());
    let words = ["destinations", "add", &shop.old.0, "other", "aws-credentials"];
    shop.run(&[&words[..], &[&path, "profile=shop"]].concat());
    shop.serve();
    let rotation = shop.begin();
    until(|| shop.view(&rotation)["is_blocked"] == true);
    let view = shop.view(&rotation);
    let says = view["says"].as_str().unwrap();
    assert!(view["stage"] == "overlap" && says.contains("still asks the account by"), "{view:#}");
    // Whoever puts it there too lets it go on.
    let old = std::fs::read(&shop.file).unwrap();
    std::fs::copy(&other, &shop.file).unwrap();
    shop.say(&rotation, &json!({"say": "resume"}));
    until(|| shop.view(&rotation)["is_blocked"] == false);
    shop.let_go(&rotation);
    // Back again: the new one does not go while it is the one that asks.
    shop.say(&rotation, &json!({"say": "rollback"}));
    until(|| shop.view(&rotation)["stage"] == "overlap");
    let keys = cloud.keys("self");
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert!(keys.contains(&(shop.old.0.clone(), "Active".to_owned())), "{keys:?}");
    std::fs::write(&shop.file, old).unwrap();
    shop.kill();
}

#[test]
fn a_credential_that_is_kept_here_is_replaced_at_the_server_itself() {
    let Some(cloud) = Cloud::start() else { return };
    let mut shop = Shop::open(&cloud, "kept");
    cloud.allow("kept");
    let credential = format!("{} {}\n", shop.old.0, shop.old.1);
    let words = ["accounts", "set", "prod", "--credential", "-"];
    assert_eq!(shop.home.run_with_input(&words, &credential).code, 0);
    shop.serve();
    let url = format!("url={}", shop.url());
    let token = format!("token=file:{}", shop.home.path().join("administrator.token").display());
    let words = ["destinations", "add", &shop.old.0, "itself", "keytender", "account=prod"];
    shop.run(&[&words[..], &["with_id=true", "allow_private=true", &url, &token]].concat());
    shop.run(&["destinations", "check", &shop.old.0]);
    let rotation = shop.begin();
    until(|| shop.view(&rotation)["stage"] == "overlap");
    shop.let_go(&rotation);
    shop.age(&rotation, 31);
    until(|| shop.view(&rotation)["stage"] == "done");
    let new = shop.held();
    assert_eq!(cloud.keys("kept"), [(new.0, "Active".to_owned())]);
    assert!(!shop.leaks(&new.1) && !shop.leaks(&shop.old.1));
    shop.run(&["sync"]);
    let log = shop.run(&["log"]);
    assert!(log.contains("account.credential"), "{log}");
    shop.kill();
}

#[test]
fn without_a_way_to_the_account_a_rotation_waits_and_says_why() {
    let Some(cloud) = Cloud::start() else { return };
    let mut shop = open(&cloud);
    shop.serve();
    let rotation = shop.begin();
    until(|| {
        let view = shop.view(&rotation);
        view["stage"] == "overlap" && view["waits_for"] == "time"
    });
    // Its profile is gone for a while.
    script(
        &shop.home,
        "UPDATE accounts SET access = replace(access, 'shop', 'gone') WHERE name = 'prod'",
    );
    shop.age(&rotation, 0);
    until(|| {
        let view = shop.view(&rotation);
        let mut events = view["events"].as_array().unwrap().iter();
        events.any(|event| event["kind"] == "failed")
    });
    assert_eq!(shop.view(&rotation)["is_blocked"], false);
    script(
        &shop.home,
        "UPDATE accounts SET access = replace(access, 'gone', 'shop') WHERE name = 'prod'",
    );
    // Somebody made it an account that is told by hand.
    script(&shop.home, "UPDATE accounts SET kind = 'manual' WHERE name = 'prod'");
    shop.age(&rotation, 0);
    until(|| shop.view(&rotation)["is_blocked"] == true);
    let view = shop.view(&rotation);
    let says = view["says"].as_str().unwrap();
    assert!(says.contains("is told by hand") && says.contains("then resume"), "{view:#}");
    script(&shop.home, "UPDATE accounts SET kind = 'live' WHERE name = 'prod'");
    shop.say(&rotation, &json!({"say": "resume"}));
    assert_eq!(shop.task(&rotation)["failures"], 0);
    shop.let_go(&rotation);
    assert_eq!(shop.door.count("CreateAccessKey"), 1);
    shop.kill();
}
