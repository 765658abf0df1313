//! The recipe by which anybody tells keys from look-alikes, and the rules for scanners, in the hands of scanners.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::databases::new_databases;
use crate::verifying::{Gate, checksum, forged};
use crate::{Home, partner};

const FORMATS: [(&str, &str); 6] = [
    ("recipe", "application/json"),
    ("gitleaks", "application/toml"),
    ("trufflehog", "application/yaml"),
    ("kingfisher", "application/yaml"),
    ("detect-secrets", "text/x-python"),
    ("github", "application/json"),
];

/// A home with an API `acme-pay` whose keys begin with `acme`, and a key of it.
fn home() -> (Home, String) {
    let home = Home::new();
    let run = |words: &[&str]| {
        let ran = home.run(words);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout.trim().to_owned()
    };
    run(&["apis", "add", "acme-pay", "--brand", "acme"]);
    run(&["accounts", "add", "acme-pay", "globex"]);
    let app = run(&["apps", "add", "acme-pay/globex", "web-shop"]);
    let key = run(&["keys", "create", "--app", &app, "--name", "checkout"]);
    (home, key)
}

fn rules(home: &Home, format: &str) -> String {
    let ran = home.run(&["apis", "leak-rules", "acme-pay", "--format", format]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.stdout
}

/// A folder with keys in several surroundings, and what only looks like one: how many keys there are.
fn plant(home: &Home, key: &str) -> usize {
    let wrong = {
        let (before, last) = key.split_at(key.len() - 6);
        let other = if last.starts_with('0') { "1" } else { "0" };
        format!("{before}{other}{}", last.split_at(1).1)
    };
    let text = format!(
        "key = \"{key}\"\nurl = https://api.example/?k%3D{key}&x=1\n{{\"authorization\":\"Bearer {key}\"}}\n"
    );
    home.write("planted/keys.txt", text);
    let short = key.split_at(key.len() - 1).0;
    let like = format!(
        "a = \"{wrong}\"\nb = \"{}\"\nc = \"{short}\"\nd = \"{}\"\n",
        key.replace("_live_", "_prod_"),
        key.replacen("acme", "Acme", 1)
    );
    home.write("planted/look-alikes.txt", like);
    3
}

#[test]
fn rules_are_the_same_at_the_command_line_beside_a_server_and_over_http() {
    let gate = Gate::open(new_databases().remove(0));
    let home = gate.first().home();
    for (format, media_type) in FORMATS {
        let said = gate.first().get(&format!("/v1/apis/acme/leak-rules?format={format}"));
        assert!(
            said.status == 200 && said.header("content-type").starts_with(media_type),
            "{said:?}"
        );
        assert!(said.text.contains("[0-9A-Za-z]"), "{}", said.text);
        for home in [&home, &gate.home] {
            let ran = home.run(&["apis", "leak-rules", "acme", "--format", format]);
            assert_eq!((ran.code, &ran.stdout), (0, &said.text), "{}", ran.stderr);
        }
    }
    let whole = gate.first().get("/v1/apis/acme/leak-rules").expect(200);
    assert_eq!(whole["begins_with"], json!(["acme_live_", "acme_test_"]));
    assert_eq!(gate.first().get("/v1/apis/acme/leak-rules?format=x").status, 400);
    assert_eq!(gate.first().get("/v1/apis/nobody/leak-rules").status, 404);
    let set = home.run(&["apis", "set", "acme", "--on-leak", "revoke"]);
    assert_eq!(set.code, 0, "{}", set.stderr);
    assert!(home.run(&["apis", "show", "acme"]).stdout.contains("on a leak    revoke"));
    assert_eq!(home.run(&["apis", "show", "acme", "--json"]).json()["on_leak"], "revoke");
}

#[test]
fn the_recipe_of_the_guide_finds_keys_and_refuses_what_only_looks_like_one() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/leaks.md");
    let page = std::fs::read_to_string(page).unwrap();
    let script = page.split_once("```python\n").unwrap().1.split_once("```").unwrap().0;
    let (home, key) = home();
    let recipe: Value = serde_json::from_str(&rules(&home, "recipe")).unwrap();
    let examples = &recipe["examples"];
    let script = format!(
        "{script}\nimport json, re, sys\npattern, good, bad = json.loads(sys.argv[1])\n\
         for key in good: assert is_key(key) and re.fullmatch(pattern, key), key\n\
         for key in bad: assert not is_key(key), key\nprint('read')\n"
    );
    let good = [json!(key), examples["good"][0].clone()];
    let bad =
        [examples["wrong_checksum"][0].clone(), json!(format!("{key}0")), json!("acme_live_")];
    let asked = json!([recipe["pattern"], good, bad]).to_string();
    let ran = Command::new(&python).args(["-c", &script, &asked]).output().unwrap();
    assert_eq!(
        String::from_utf8(ran.stdout).unwrap(),
        "read\n",
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    // The table of the guide, computed anew by the script that stands above it.
    let rows = page.split_once("| before the checksum |").unwrap().1.lines().skip(2);
    let rows: Vec<Vec<&str>> = rows
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').map(|cell| cell.trim().trim_matches('`')).collect())
        .collect();
    assert_eq!(rows.len(), 4);
    for row in rows {
        let [_, before, crc, written, _] = row.try_into().unwrap();
        assert_eq!(checksum(before), written);
        let script = script.split_once("\nimport json").unwrap().0;
        let script = format!("{script}\nprint(zlib.crc32(b'{before}'), checksum('{before}'))");
        let ran = Command::new(&python).args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(ran.stdout).unwrap(), format!("{crc} {written}\n"));
    }
    // The same by our own hands.
    let before = key.split_at(key.len() - 6);
    assert_eq!(checksum(before.0), before.1);
    assert!(page.contains(&forged("7Hk2mQ9xTz4B", 'A')), "the guide has this example");
}

/// What a scanner says, which may end as it likes when it found something.
fn said(command: &mut Command, home: &Home) -> String {
    let output = command
        .current_dir(home.path())
        .env("HOME", home.path())
        .env("XDG_CACHE_HOME", home.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn kingfisher_finds_planted_keys_and_no_look_alike_by_the_rule() {
    let Some(programs) = partner("KEYTENDER_TEST_SCANNERS") else { return };
    let (home, key) = home();
    let planted = plant(&home, &key);
    home.write("rules.yml", rules(&home, "kingfisher"));
    let mut command = Command::new(Path::new(&programs).join("kingfisher"));
    command.args(["scan", "planted", "--rules-path", "rules.yml", "--load-builtins=false"]);
    command.args(["--no-validate", "--no-dedup", "--no-update-check", "--format", "json"]);
    let text = said(&mut command, &home);
    let report: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), planted, "{text}");
    for finding in findings {
        assert_eq!(finding["finding"]["snippet"], json!(key), "{finding}");
        assert_eq!(finding["rule"]["description"], "API key of acme-pay");
    }
}

#[test]
fn detect_secrets_finds_planted_keys_and_no_look_alike_by_the_plug_in() {
    let Some(programs) = partner("KEYTENDER_TEST_SCANNERS") else { return };
    let (home, key) = home();
    plant(&home, &key);
    home.write("plugin.py", rules(&home, "detect-secrets"));
    let mut command = Command::new(Path::new(&programs).join("detect-secrets"));
    command.args(["scan", "--all-files", "--plugin", "plugin.py", "planted"]);
    let report: Value = serde_json::from_str(&said(&mut command, &home)).unwrap();
    let results = report["results"].as_object().unwrap();
    let ours = |file: &str| {
        let found = results.get(file).and_then(Value::as_array).cloned().unwrap_or_default();
        let lines = found.iter().filter(|one| one["type"] == "API key of acme-pay");
        lines.map(|one| one["line_number"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    // It tells a secret once a file.
    assert_eq!(ours("planted/keys.txt").len(), 1, "{report}");
    assert_eq!(ours("planted/look-alikes.txt"), Vec::<u64>::new(), "{report}");
}

/// The others cannot be had here: what they read is read as they read it, and the pattern is theirs.
#[test]
fn the_other_rules_are_well_formed_and_hold_the_pattern() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    let (home, _) = home();
    let recipe: Value = serde_json::from_str(&rules(&home, "recipe")).unwrap();
    let pattern = recipe["pattern"].as_str().unwrap();
    home.write("gitleaks.toml", rules(&home, "gitleaks"));
    let script =
        "import json, tomllib; print(json.dumps(tomllib.load(open('gitleaks.toml', 'rb'))))";
    let read = said(Command::new(python).args(["-c", script]), &home);
    let gitleaks: Value = serde_json::from_str(&read).unwrap();
    let rule = &gitleaks["rules"][0];
    assert_eq!((&rule["regex"], &rule["keywords"]), (&json!(pattern), &recipe["begins_with"]));
    let trufflehog: Value = serde_saphyr::from_str(&rules(&home, "trufflehog")).unwrap();
    let detector = &trufflehog["detectors"][0];
    assert_eq!(detector["regex"]["key"], pattern);
    assert_eq!(detector["keywords"], recipe["begins_with"]);
    let github: Value = serde_json::from_str(&rules(&home, "github")).unwrap();
    assert_eq!(
        (&github["secret_format"], &github["secret_type"]),
        (&json!(pattern), &json!("acme_pay_api_key"))
    );
    assert_eq!(github["test_string"], recipe["examples"]["good"][0]);
}
