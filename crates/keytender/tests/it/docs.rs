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

/// Every command with its parts, such as `keys list`, and its help.
fn commands(home: &Home) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest: Vec<Vec<String>> = vec![Vec::new()];
    while let Some(words) = rest.pop() {
        let help = home.run(&[words.clone(), vec!["--help".to_owned()]].concat()).stdout;
        let listed = help.split("Commands:\n").nth(1).unwrap_or_default();
        let listed = listed.split("\n\n").next().unwrap();
        let mut names: Vec<&str> =
            listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
        if words.is_empty() {
            let groups = help.split("Options:").next().unwrap();
            let lines = groups.lines().filter_map(|line| line.strip_prefix("  "));
            let named = lines.filter_map(|line| line.split("  ").next());
            names = named.flat_map(|names| names.split(", ")).collect();
        }
        rest.extend(names.iter().map(|name| [words.clone(), vec![(*name).to_owned()]].concat()));
        found.push((words.join(" "), help));
    }
    assert!(found.len() > 30, "{}", found.len());
    found
}

#[test]
fn every_command_line_of_a_document_exists_with_its_options() {
    let commands = commands(&Home::new());
    for (path, text) in documents() {
        for line in text.lines().filter(|line| line.contains("keytender ")) {
            for command in line.split("keytender ").skip(1) {
                let command = command.split(['`', '|', '>', '(']).next().unwrap();
                let meant = commands
                    .iter()
                    .filter(|(name, _)| {
                        !name.is_empty() && format!("{command} ").starts_with(&format!("{name} "))
                    })
                    .max_by_key(|(name, _)| name.len());
                let Some((_, help)) = meant else { continue };
                let known = options(help);
                for option in options(command) {
                    assert!(known.contains(option), "{}: {line}: {option}", path.display());
                }
            }
        }
    }
}

#[test]
fn the_guide_names_every_command_and_option() {
    let guide: String = documents().into_iter().map(|(_, text)| text).collect();
    let named = options(&guide);
    for (command, help) in commands(&Home::new()) {
        let last = command.split(' ').next_back().unwrap();
        assert!(guide.contains(last), "`{command}` is in no document");
        for option in options(&help) {
            let is_everywhere = ["--help", "--version", "--quiet"].contains(&option);
            assert!(
                is_everywhere || named.contains(option),
                "{command} {option} is in no document"
            );
        }
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
