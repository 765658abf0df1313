//! The documents: what they name exists, and what exists they name.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::Home;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every Markdown file of the repository's first level, of `docs` and of the guide.
fn documents() -> Vec<(PathBuf, String)> {
    let mut documents = Vec::new();
    for folder in ["", "docs", "docs/guide"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "md") {
                let text = std::fs::read_to_string(&path).unwrap();
                documents.push((path, text));
            }
        }
    }
    assert!(documents.len() > 8, "{}", documents.len());
    documents
}

/// The words of `text` that begin with two hyphens.
fn options(text: &str) -> BTreeSet<&str> {
    let is_option = |one: char| one.is_ascii_lowercase() || one == '-';
    text.split(|one: char| !is_option(one))
        .filter(|word| word.len() > 3 && word.starts_with("--") && !word.ends_with('-'))
        .collect()
}

#[test]
fn every_option_that_a_document_gives_keytender_exists() {
    let home = Home::new();
    let help = [vec!["--help"], vec!["audit", "--help"], vec!["policy", "--help"]]
        .map(|words| home.run(&words).stdout)
        .concat();
    let known = options(&help);
    for (path, text) in documents() {
        for line in text.lines().filter(|line| line.contains("keytender audit")) {
            let command = line.split("keytender ").last().unwrap();
            for option in options(command) {
                assert!(known.contains(option), "{}: {option}", path.display());
            }
        }
    }
}

#[test]
fn the_guide_names_every_option_of_the_audit() {
    let help = Home::new().run(&["audit", "--help"]).stdout;
    let guide: String = documents().into_iter().map(|(_, text)| text).collect();
    for option in options(&help) {
        assert!(guide.contains(option), "{option} is in no document");
    }
}

#[test]
fn the_guide_names_every_condition_and_every_rule() {
    let page = std::fs::read_to_string(root().join("docs/guide/policy.md")).unwrap();
    let home = Home::new();
    home.write("x.toml", "[[rule]]\nid = \"x\"\nwhen = { zzzzzzzz = 1 }\n");
    let refusal = home.run(&["policy", "check", "x.toml"]).stderr;
    let conditions = refusal.split("known are ").nth(1).unwrap().lines().next().unwrap();
    assert!(conditions.split(", ").count() > 20, "{conditions}");
    let policy = home.run(&["policy", "show"]).stdout;
    let rules = policy.lines().filter_map(|line| line.strip_prefix("id = \"")?.strip_suffix('"'));
    for name in conditions.split(", ").chain(rules) {
        assert!(page.contains(&format!("`{name}")), "{name}");
    }
}

#[test]
fn every_link_within_the_repository_leads_somewhere() {
    for (path, text) in documents() {
        for rest in text.split("](").skip(1) {
            let link = rest.split([')', '#']).next().unwrap();
            if !link.is_empty() && !link.contains("://") {
                let target = path.parent().unwrap().join(link);
                assert!(target.exists(), "{}: {link}", path.display());
            }
        }
    }
}
