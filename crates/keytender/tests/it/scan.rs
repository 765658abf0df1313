//! Keys in files: all that were planted are found, nothing that only looks like one is, and no secret is shown.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::{Home, Ran};

mod beside;
mod commits;
mod planted;
mod there;

use planted::{Seeded, keys, look_alikes, surrounded};

const SEED: u64 = 20_261_130;

/// A home with every planted key in a file of its own, in turn surrounded as files of each kind are.
fn plant() -> (Home, Vec<(planted::Planted, String)>) {
    let home = Home::new();
    let mut seeded = Seeded(SEED);
    let mut files = Vec::new();
    for (place, key) in keys(&mut seeded).into_iter().enumerate() {
        let (end, text) = match key.provider {
            "aws" => ("ini", format!("[shop]\naws_access_key_id = {}\n", key.text)),
            _ => surrounded(place, &key.text),
        };
        let name = format!("tree/{place}.{end}");
        home.write(&name, text);
        files.push((key, name));
    }
    (home, files)
}

fn findings(ran: &Ran) -> Vec<Value> {
    ran.json()["findings"].as_array().unwrap().clone()
}

#[test]
fn every_planted_key_is_found_in_every_surrounding_and_none_is_shown() {
    let (home, files) = plant();
    let providers: BTreeSet<&str> = files.iter().map(|(key, _)| key.provider).collect();
    assert!(providers.len() >= 40, "{}", providers.len());
    let json = home.run(&["scan", "tree", "--format", "json"]);
    let found = findings(&json);
    let missed: Vec<_> = files
        .iter()
        .filter(|(key, name)| {
            !found.iter().any(|one| one["path"] == *name && one["provider"] == key.provider)
        })
        .map(|(key, name)| format!("{name}: {}", key.provider))
        .collect();
    assert_eq!(missed, Vec::<String>::new());
    assert_eq!(found.len(), files.len(), "each is found once");
    let table = home.run(&["scan", "tree"]);
    let sarif = home.run(&["scan", "tree", "--format", "sarif"]);
    assert_eq!((table.code, sarif.code), (0, 0), "{}{}", table.stderr, sarif.stderr);
    for ran in [&json, &table, &sarif] {
        for (key, name) in &files {
            assert!(
                !ran.stdout.contains(&key.secret) && !ran.stderr.contains(&key.secret),
                "{name}"
            );
            // Nor a large part of it.
            let (_, end) = key.secret.split_at(key.secret.len() - 12);
            assert!(!ran.stdout.contains(end), "{name}");
        }
    }
    assert_eq!(home.run(&["scan", "tree", "--fail-on", "high"]).code, 3);
    assert_eq!(home.run(&["scan", "tree", "--fail-on", "critical"]).code, 0);
}

#[test]
fn every_surrounding_shows_every_kind_of_key() {
    let home = Home::new();
    let mut seeded = Seeded(SEED + 1);
    let mut count = 0;
    for round in 0..10 {
        for (place, key) in keys(&mut seeded).into_iter().enumerate() {
            if key.provider == "aws" {
                continue;
            }
            let (end, text) = surrounded(round, &key.text);
            home.write(&format!("tree/{round}-{place}-{}.{end}", key.provider), text);
            count += 1;
        }
    }
    let found = findings(&home.run(&["scan", "tree", "--format", "json"]));
    let right = |one: &&Value| {
        let (path, provider) = (one["path"].as_str().unwrap(), one["provider"].as_str().unwrap());
        path.contains(&format!("-{provider}."))
    };
    let wrong: Vec<_> = found.iter().filter(|one| !right(one)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(found.len(), count);
}

#[test]
fn ten_thousand_look_alikes_are_no_keys() {
    let home = Home::new();
    let lines = look_alikes(&mut Seeded(SEED + 2), 10_000);
    assert_eq!(lines.len(), 10_000);
    for (place, lines) in lines.chunks(100).enumerate() {
        home.write(&format!("tree/{place}.txt"), lines.join("\n"));
    }
    let ran = home.run(&["scan", "tree", "--format", "json", "--fail-on", "low"]);
    let said: Value = serde_json::from_str(&ran.stdout).unwrap();
    let wrong: Vec<String> = said["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let text = fs::read_to_string(home.path().join(one["path"].as_str().unwrap())).unwrap();
            let line = usize::try_from(one["line"].as_u64().unwrap()).unwrap();
            format!("{}: {}", one["provider"], text.lines().nth(line - 1).unwrap())
        })
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn a_place_is_the_line_and_the_letter_at_which_a_key_begins() {
    let home = Home::new();
    let key = keys(&mut Seeded(3)).into_iter().find(|key| key.provider == "stripe").unwrap().text;
    home.write("a/.env", format!("# größe\nONE=1\n  KEY={key}\n"));
    let found = findings(&home.run(&["scan", "a", "--format", "json"]));
    let [one] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(
        (&one["path"], &one["line"], &one["column"]),
        (&"a/.env".into(), &3.into(), &7.into())
    );
    assert_eq!(one["evidence"], "pattern");
    let table = home.run(&["scan", "a"]).stdout;
    assert!(table.contains("a/.env:3:7") && table.contains("1 key in 1 file."), "{table}");
}

#[test]
fn ignore_files_count_but_not_for_files_that_are_for_credentials() {
    let home = Home::new();
    let mut seeded = Seeded(4);
    let mut key = || seeded_key(&mut seeded);
    home.write("t/.gitignore", "build/\n.env\nnotes.txt\n");
    home.write("t/.env", key());
    home.write("t/notes.txt", key());
    home.write("t/build/out.js", key());
    home.write("t/build/.env", key());
    home.write("t/src/app.js", key());
    let paths = |words: &[&str]| {
        let found = findings(&home.run(&[&["scan", "--format", "json"], words].concat()));
        found.iter().map(|one| one["path"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(paths(&["t"]), ["t/.env", "t/src/app.js"]);
    let all = ["t/.env", "t/build/.env", "t/build/out.js", "t/notes.txt", "t/src/app.js"];
    assert_eq!(paths(&["t", "--no-ignore"]), all);
    assert_eq!(paths(&["t/notes.txt"]), ["t/notes.txt"], "who names a file wants it");
}

fn seeded_key(seeded: &mut Seeded) -> String {
    format!(
        "KEY=sk_live_{}\n",
        seeded.of("0123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", 40)
    )
}

#[test]
fn what_is_no_text_is_too_large_or_lies_outside_is_not_read() {
    let home = Home::new();
    let mut seeded = Seeded(5);
    home.write("t/image.bin", [b"\0\0".as_slice(), seeded_key(&mut seeded).as_bytes()].concat());
    let large = " ".repeat(1024 * 1024) + &seeded_key(&mut seeded);
    home.write("t/large.txt", large);
    home.write("outside/key.txt", seeded_key(&mut seeded));
    std::os::unix::fs::symlink("../outside", home.path().join("t/folder")).unwrap();
    std::os::unix::fs::symlink("../outside/key.txt", home.path().join("t/file.txt")).unwrap();
    std::os::unix::fs::symlink("../t", home.path().join("t/loop")).unwrap();
    let ran = home.run(&["scan", "t", "--format", "json", "--max-size", "1"]);
    let said = ran.json();
    assert_eq!(said["findings"], serde_json::json!([]), "{}", ran.stdout);
    assert_eq!((&said["looked"]["too_large"], &said["looked"]["no_text"]), (&1.into(), &1.into()));
    assert_eq!(findings(&home.run(&["scan", "t", "--format", "json"])).len(), 1);
    assert_eq!(findings(&home.run(&["scan", "t/file.txt", "--format", "json"])).len(), 1);
    let ran = home.run(&["scan", "nowhere"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("cannot look at `nowhere`"), "{}", ran.stderr);
}

#[test]
fn files_for_credentials_tell_whose_their_secrets_are() {
    let home = Home::new();
    let mut seeded = Seeded(6);
    let mut secret = |count: usize| {
        seeded.of("0123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", count - 2) + "a7"
    };
    let docker = {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(format!("shop:{}", secret(40)))
    };
    let files = [
        (".npmrc", format!("//npm.example.org/:_authToken={}\n", secret(40)), "npm.example.org"),
        (
            ".netrc",
            format!("machine api.heroku.com\n  login me@example.org\n  password {}\n", secret(36)),
            "heroku",
        ),
        (
            ".docker/config.json",
            format!("{{\"auths\":{{\"https://index.docker.io/v1/\":{{\"auth\":\"{docker}\"}}}}}}"),
            "docker-hub",
        ),
        (".pypirc", format!("[shop]\nusername: me\npassword: {}\n", secret(40)), "pypi"),
        (
            ".config/pip/pip.conf",
            format!("[global]\nindex-url = https://me:{}@pypi.example.org/simple\n", secret(30)),
            "pypi.example.org",
        ),
        (
            ".config/gh/hosts.yml",
            format!("github.com:\n    user: me\n    oauth_token: {}\n", secret(40)),
            "github",
        ),
        (
            ".kube/config",
            format!("users:\n- name: me\n  user:\n    token: {}\n", secret(60)),
            "kubernetes",
        ),
        (".git-credentials", format!("https://me:{}@gitlab.com\n", secret(30)), "gitlab"),
        (
            "ci.yml",
            format!("env:\n  DD_API_KEY: {}\n", "9f86d081884c7d659a2feaa0c55ad015"),
            "datadog",
        ),
        (
            "task.json",
            format!("[{{\"name\": \"VULTR_API_KEY\", \"value\": \"{}\"}}]", secret(36)),
            "vultr",
        ),
        (".bashrc", format!("export LINODE_TOKEN={}\n", secret(64)), "linode"),
        ("key.json", google(&mut Seeded(7)), "google-cloud"),
    ];
    for (name, text, _) in &files {
        home.write(&format!("home/{name}"), text);
    }
    let found = findings(&home.run(&["scan", "home", "--format", "json"]));
    for (name, _, provider) in &files {
        let path = format!("home/{name}");
        let here: Vec<_> = found.iter().filter(|one| one["path"] == *path).collect();
        assert_eq!(here.len(), 1, "{name}: {here:?}");
        assert_eq!(here[0]["provider"], *provider, "{name}");
    }
    let google = found.iter().find(|one| one["provider"] == "google-cloud").unwrap();
    assert_eq!(google["id"].as_str().unwrap().len(), 40);
}

/// The key file of a service account.
fn google(seeded: &mut Seeded) -> String {
    let line = |seeded: &mut Seeded| {
        seeded.of("0123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz+/", 64)
    };
    let body: Vec<String> = (0..26).map(|_| line(seeded)).collect();
    let key =
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", body.join("\n"));
    serde_json::to_string_pretty(&serde_json::json!({
        "type": "service_account",
        "private_key_id": seeded.of("0123456789abcdef", 40),
        "private_key": key,
    }))
    .unwrap()
}

#[test]
fn a_line_that_allows_its_key_is_left_out() {
    let home = Home::new();
    let key = seeded_key(&mut Seeded(8));
    home.write(
        "t/a.txt",
        format!("{} # keytender:allow\n{}", key.trim(), seeded_key(&mut Seeded(9))),
    );
    let found = findings(&home.run(&["scan", "t", "--format", "json"]));
    assert_eq!((found.len(), &found[0]["line"]), (1, &2.into()));
}

#[test]
fn a_scan_makes_no_inventory() {
    let home = Home::new();
    home.write("t/a.txt", seeded_key(&mut Seeded(10)));
    assert_eq!(home.run(&["scan", "t"]).code, 0);
    let left: Vec<_> =
        fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["t"]);
}

#[test]
fn a_line_of_ten_thousand_keys_has_ten_thousand_places() {
    let home = Home::new();
    let mut seeded = Seeded(11);
    let keys: Vec<String> =
        (0..10_000).map(|_| seeded_key(&mut seeded).trim().to_owned()).collect();
    home.write("t/one.txt", keys.join(" ö "));
    let said = home.run(&["scan", "t", "--format", "json"]).json();
    assert_eq!(said["summary"]["keys"], 10_000);
    let last = said["findings"].as_array().unwrap().last().unwrap();
    // 52 letters and 3 between two.
    assert_eq!((&last["line"], &last["column"]), (&1.into(), &(9_999 * 55 + 5).into()));
}
