//! Grades of providers, as the command line tells them.

mod faults;
mod in_place;
mod live;

use serde_json::Value;

use crate::Home;

/// A document that claims everything.
const COMPLETE: &str = include_str!("../../../keytender-core/tests/akm/valid/responsive.yaml");

fn graded(home: &Home, words: &[&str]) -> Value {
    let ran = home.run(&[&["conform", "--format", "json"], words].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn a_document_is_graded_and_what_is_missing_is_named_with_what_it_would_give() {
    let home = Home::new();
    home.write("complete.yaml", COMPLETE);
    let view = graded(&home, &["complete.yaml"]);
    assert_eq!((&view["level"], &view["is_claimed"]), (&5.into(), &true.into()));
    assert_eq!((view["basis"].as_str(), view["kind"].as_str()), (Some("document"), Some("key")));
    assert_eq!(view["kinds"][0]["missing"], serde_json::json!([]));

    home.write("stuck.yaml", COMPLETE.replace("      suspend:\n", "      lastUsed:\n"));
    let view = graded(&home, &["stuck.yaml"]);
    assert_eq!(view["level"], 1);
    let missing = &view["kinds"][0]["missing"][0];
    assert_eq!(
        (missing["block"].as_str(), missing["check"].as_str()),
        (Some("A4"), Some("suspends"))
    );
    assert_eq!((&missing["level"], &missing["need"]), (&2.into(), &"must".into()));
    let ran = home.run(&["conform", "stuck.yaml"]);
    let gives = missing["gives"].as_str().unwrap();
    assert!(ran.stdout.starts_with("Responsive (responsive), API key: K1 inventory (claimed)\n"));
    assert!(ran.stdout.contains("A4 Suspend (K2, must)") && ran.stdout.contains(gives));
    assert!(ran.stdout.contains("failed     suspends"), "{}", ran.stdout);
}

#[test]
fn a_document_that_cannot_be_read_is_below_everything_and_says_why() {
    let home = Home::new();
    home.write("broken.yaml", "akm: '0.1'\n");
    let ran = home.run(&["conform", "broken.yaml"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("missing field `provider`"), "{}", ran.stderr);
    let ran = home.run(&["conform", "gitlub"]);
    assert!(ran.stderr.contains("did you mean gitlab?"), "{}", ran.stderr);
    let ran = home.run(&["conform", "gitlab", "--kind", "other"]);
    assert!(ran.stderr.contains("there are: "), "{}", ran.stderr);
    assert_eq!(ran.code, 1);
}

#[test]
fn the_whole_shelf_is_graded_and_claims_no_more_than_is_known() {
    let home = Home::new();
    let shelf = graded(&home, &["--all"]);
    let shelf = shelf.as_array().unwrap();
    assert!(shelf.len() >= 78, "{}", shelf.len());
    for provider in shelf {
        for kind in provider["kinds"].as_array().unwrap() {
            let of = |verdict: &str| {
                let checks = kind["checks"].as_array().unwrap().iter();
                checks.filter(|check| check["verdict"] == verdict).count()
            };
            assert_eq!(of("not tried"), 0);
            // Nobody was asked, so nothing that only trying shows is taken for shown.
            let checks = kind["checks"].as_array().unwrap().iter();
            let mut tried = checks.filter(|check| check["how"] == "live");
            assert!(tried.all(|check| check["verdict"] != "passed"), "{provider}");
        }
    }
    let table = home.run(&["conform", "--all"]).stdout;
    for provider in shelf {
        let id = provider["provider"].as_str().unwrap();
        assert!(table.lines().any(|line| line.split_whitespace().next() == Some(id)), "{id}");
    }
}

#[test]
fn a_badge_names_the_level_and_needs_nothing_from_elsewhere() {
    let home = Home::new();
    home.write("complete.yaml", COMPLETE);
    let ran = home.run(&["conform", "complete.yaml", "--badge", "keys.svg"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let svg = std::fs::read_to_string(home.path().join("keys.svg")).unwrap();
    assert!(svg.contains("K5 responsive, claimed"), "{svg}");
    let outside = svg.matches("http").count();
    assert_eq!(outside, 1, "the name space alone: {svg}");
}
