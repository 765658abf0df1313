//! Keys in what git keeps: a history, and what the next commit would add.

use std::process::Command;

use serde_json::{Value, json};

use super::planted::{Seeded, aws};
use super::{findings, seeded_key};
use crate::Home;

fn git(home: &Home, words: &[&str]) {
    let output = Command::new("git")
        .args(["-C", "r", "-c", "user.name=mia", "-c", "user.email=mia@example.org"])
        .args(words)
        .current_dir(home.path())
        .env("HOME", home.path())
        .env("GIT_AUTHOR_DATE", "2024-03-01T12:00:00Z")
        .env("GIT_COMMITTER_DATE", "2024-03-01T12:00:00Z")
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?} {}", String::from_utf8_lossy(&output.stderr));
}

fn repository() -> Home {
    let home = Home::new();
    home.write("r/README.md", "one\n");
    git(&home, &["init", "--quiet", "-b", "main"]);
    git(&home, &["add", "."]);
    git(&home, &["commit", "--quiet", "-m", "one"]);
    home
}

#[test]
fn a_key_that_was_taken_out_again_is_told_once_at_its_first_commit() {
    let home = repository();
    let key = seeded_key(&mut Seeded(30));
    let pair = aws(&mut Seeded(31));
    let commit = |message: &str| {
        git(&home, &["add", "-A"]);
        git(&home, &["commit", "--quiet", "-m", message]);
    };
    home.write("r/src/größe.txt", format!("a\nb\n{key}\n+++ b/no-file\n"));
    home.write("r/aws.ini", format!("id = {}\n", pair.text));
    commit("two");
    home.write("r/src/größe.txt", "a\nb\n");
    home.write("r/other.txt", format!("{key}\n"));
    commit("three");
    std::fs::remove_file(home.path().join("r/other.txt")).unwrap();
    commit("four");

    assert_eq!(findings(&home.run(&["scan", "r/src", "--format", "json"])), Vec::<Value>::new());
    let ran = home.run(&["scan", "r", "--history", "--format", "json"]);
    let found = findings(&ran);
    let [one, two] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((&one["path"], &one["provider"]), (&json!("aws.ini"), &json!("aws")));
    assert_eq!(
        (&two["path"], &two["line"], &two["column"]),
        (&json!("src/größe.txt"), &json!(3), &json!(5))
    );
    assert_eq!((&two["commit"], &two["severity"]), (&one["commit"], &json!("critical")));
    assert_eq!(two["stood_at"], "2024-03-01T12:00:00Z");
    assert!(!ran.stdout.contains(&pair.secret));
    let table = home.run(&["scan", "r", "--history"]).stdout;
    assert!(table.contains("since commit ") && table.contains("2 keys in "), "{table}");
    assert_eq!(home.run(&["scan", "r", "--history", "--fail-on", "critical"]).code, 3);
    let none = home.run(&["scan", "--history", home.path().to_str().unwrap()]);
    assert_eq!(none.code, 1);
    assert!(none.stderr.contains("name a folder within a git repository"), "{}", none.stderr);
}

#[test]
fn a_hook_sees_what_the_next_commit_would_add_and_nothing_else() {
    let home = repository();
    home.write("r/old.txt", seeded_key(&mut Seeded(32)));
    git(&home, &["add", "-A"]);
    git(&home, &["commit", "--quiet", "-m", "two"]);
    home.write("r/not-staged.txt", seeded_key(&mut Seeded(33)));
    let hook = ["scan", "--staged", "r", "--fail-on", "low"];
    let ran = home.run(&hook);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "No keys in 0 files.\n"), "{}", ran.stderr);
    home.write("r/old.txt", format!("{}# more\n", seeded_key(&mut Seeded(32))));
    home.write("r/new.txt", format!("x\n{}", seeded_key(&mut Seeded(34))));
    git(&home, &["add", "old.txt", "new.txt"]);
    let ran = home.run(&hook);
    assert_eq!(ran.code, 3, "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout.contains("new.txt:2:5") && !ran.stdout.contains("old.txt"),
        "{}",
        ran.stdout
    );
}

#[test]
fn the_hook_of_the_repository_runs_the_program_with_options_that_it_has() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.pre-commit-hooks.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let hooks: Value = serde_saphyr::from_str(&text).unwrap();
    let entry: Vec<&str> = hooks[0]["entry"].as_str().unwrap().split(' ').collect();
    assert_eq!((entry[0], &hooks[0]["pass_filenames"]), ("keytender", &json!(false)));
    let home = repository();
    home.write("r/new.txt", seeded_key(&mut Seeded(35)));
    git(&home, &["add", "-A"]);
    let words: Vec<&str> = entry[1..].iter().copied().chain(["r"]).collect();
    assert_eq!(home.run(&words).code, 3);
}

#[test]
fn a_repository_runs_no_program_of_its_own() {
    let home = repository();
    let mark = home.path().join("ran");
    let script = home.write(
        "program.sh",
        format!("#!/bin/sh\ntouch {}\ncat \"$1\" 2>/dev/null\n", mark.display()),
    );
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let program = script.display().to_string();
    home.write("r/.gitattributes", "* diff=own\n");
    home.write("r/new.txt", seeded_key(&mut Seeded(36)));
    git(&home, &["add", "-A"]);
    git(&home, &["commit", "--quiet", "-m", "two"]);
    for name in [
        "diff.external",
        "diff.own.textconv",
        "diff.own.command",
        "core.fsmonitor",
        "core.pager",
        "gpg.program",
    ] {
        git(&home, &["config", name, &program]);
    }
    git(&home, &["config", "log.showSignature", "true"]);
    let found = findings(&home.run(&["scan", "r", "--history", "--format", "json"]));
    assert_eq!(found.len(), 1);
    home.write("r/more.txt", seeded_key(&mut Seeded(37)));
    assert_eq!(home.run(&["scan", "r", "--staged"]).code, 0);
    assert!(!mark.exists(), "a program that the repository names was run");
}

#[test]
fn paths_come_from_a_list() {
    let home = Home::new();
    let names = ["t/a.txt", "t/b c.txt"];
    for (place, name) in names.iter().enumerate() {
        home.write(name, seeded_key(&mut Seeded(40 + u64::try_from(place).unwrap())));
    }
    home.write("t/other.txt", seeded_key(&mut Seeded(42)));
    for list in ["t/a.txt\nt/b c.txt\n", "t/a.txt\0t/b c.txt\0"] {
        let ran = home.run_with_input(&["scan", "--files-from", "-", "--format", "json"], list);
        let found = findings(&ran);
        assert_eq!(found.iter().map(|one| &one["path"]).collect::<Vec<_>>(), names);
    }
    assert_eq!(home.run(&["scan"]).code, 2);
}
