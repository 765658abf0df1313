//! The shelf of providers: what is said of it is so.

use std::path::Path;

use serde_json::Value;

use crate::Home;

const GUIDE: &str = "../../docs/guide/providers.md";
const BEGIN: &str = "<!-- matrix: made from the descriptors -->\n";
const END: &str = "<!-- matrix ends -->";

fn providers() -> Vec<Value> {
    let ran = Home::new().run(&["providers", "list", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let mut list: Value = serde_json::from_str(&ran.stdout).unwrap();
    let Value::Array(providers) = list["providers"].take() else { panic!("{list}") };
    providers
}

/// The table of the guide.
fn matrix() -> String {
    let head = ["provider", "keys", "list", "last use", "create", "disable", "rotate", "delete"];
    let mut table = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for provider in providers() {
        for (place, kind) in provider["key_types"].as_array().unwrap().iter().enumerate() {
            let name = if place == 0 { provider["id"].as_str().unwrap() } else { "" };
            let how = |name: &str| match kind["operations"][name].as_str() {
                Some("call") => "yes",
                Some("page") => "page",
                Some("unsure") => "unsure",
                Some("described") => "described",
                _ => "–",
            };
            let used = if kind["last_used"] == true { "yes" } else { "–" };
            let cells = [
                name,
                kind["noun"].as_str().unwrap(),
                how("list"),
                used,
                how("create"),
                how("suspend"),
                how("rotate"),
                how("delete"),
            ];
            table.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
    }
    table
}

#[test]
fn the_matrix_of_the_guide_is_made_from_the_descriptors() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(GUIDE);
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    let made = matrix();
    if std::env::var_os("KEYTENDER_TEST_ACCEPT").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{made}{END}{after}")).unwrap();
        return;
    }
    assert!(made == written, "the matrix in {GUIDE} is another; KEYTENDER_TEST_ACCEPT=1 writes it");
}

#[test]
fn there_are_at_least_fifty_providers_with_sources_and_honest_gaps() {
    let providers = providers();
    assert!(providers.len() >= 50, "{}", providers.len());
    for provider in &providers {
        let name = &provider["id"];
        assert!(!provider["sources"].as_array().unwrap().is_empty(), "{name} names no source");
        assert!(!provider["links"].as_object().unwrap().is_empty(), "{name} links to no page");
        for kind in provider["key_types"].as_array().unwrap() {
            let operations = kind["operations"].as_object().unwrap();
            assert!(!operations.is_empty(), "{name}: nothing can be done with {}", kind["id"]);
            // Whoever cannot watch says so.
            let is_watched = operations.get("list").is_some_and(|list| list == "call");
            let says = !provider["gaps"].as_array().unwrap().is_empty();
            assert!(is_watched || says, "{name} has no list and no gap");
        }
    }
}

#[test]
fn a_name_that_is_nearly_one_is_understood_to_be_meant() {
    let ran = Home::new().run(&["providers", "show", "gitlub"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("did you mean gitlab?"), "{}", ran.stderr);
}
