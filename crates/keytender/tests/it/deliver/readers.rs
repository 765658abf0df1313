//! What others read of what was written: shells, Python, the AWS command line.

use std::fs;
use std::process::Command;

use keytender::deliver::{Held, Parts, Written};
use keytender_core::secret::Secret;
use serde_json::{Value, json};

use super::{destination, env, file, parts, write};
use crate::databases::block_on;
use crate::partner;

/// Values that shells and readers of `.env` like to change.
fn nasty() -> Vec<String> {
    let mut values: Vec<String> = [
        "plain",
        "a b",
        "it's",
        "say \"x\"",
        "a#b",
        "a #b",
        "#a",
        "pa$$word",
        "$HOME",
        "`id`",
        "a\\nb",
        "a\\b",
        "~/x",
        "a;b",
        "a&b|c",
        "*",
        "a=b==",
        "a!b",
        "é ü",
        "-----BEGIN-----\nAA+/\n-----END-----",
        "it's \\ \"x\"",
        "%s",
        "{x}",
        "a\tb",
        " a ",
    ]
    .map(str::to_owned)
    .into();
    values.extend((33_u8..127).map(|byte| format!("a{0}b{0}", char::from(byte))));
    values
}

#[test]
fn shells_and_python_read_back_what_was_written() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    let mut wanted = Vec::new();
    for quotes in ["KEY=old", "export KEY='old' # why", "KEY=\"old\""] {
        for value in nasty() {
            let (folder, path) = file(quotes);
            assert_eq!(write(&env(&path), Some("old"), &value).unwrap(), Written::Now, "{value}");
            let shell = Command::new("sh")
                .args(["-c", ". \"$1\"; printf %s \"$KEY\"", "sh"])
                .arg(&path)
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(shell.stdout).unwrap(), value);
            wanted.push((folder, path, value));
        }
    }
    let script = "import sys, json; from dotenv import dotenv_values\n\
                  print(json.dumps([dotenv_values(path)['KEY'] for path in sys.argv[1:]]))";
    let paths = wanted.iter().map(|(_, path, _)| path);
    let ran = Command::new(python).args(["-c", script]).args(paths).output().unwrap();
    let read: Vec<String> = serde_json::from_slice(&ran.stdout).unwrap();
    let values: Vec<String> = wanted.iter().map(|(_, _, value)| value.clone()).collect();
    assert_eq!(read, values);
}

#[test]
fn a_value_that_readers_would_disagree_on_is_not_written() {
    for value in ["${HOME}", "it's $HOME", "a\rb", "a\u{7}b"] {
        let (_folder, path) = file("KEY='x'\n");
        let said = write(&env(&path), Some("x"), value).unwrap_err().report();
        assert!(said.contains("cannot be written so that") && !said.contains(value), "{said}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "KEY='x'\n");
    }
}

#[test]
fn the_aws_command_line_reads_what_was_written() {
    let Some(aws) = partner("KEYTENDER_TEST_AWS_CLI") else { return };
    let text = "# mine\r\n[default]\r\naws_access_key_id=AKIA1\r\naws_secret_access_key = s1\r\n\r\n[prod]\r\nregion = eu-west-1\r\n";
    let (_folder, path) = file(text);
    let at = |profile: &str| {
        destination(json!({"kind": "aws-credentials", "path": path, "profile": profile}))
    };
    let old = Held { id: Some(Secret::new("AKIA1")), secret: Some(Secret::new("s1")) };
    for (profile, expected) in [("default", Some(&old)), ("prod", None), ("new", None)] {
        block_on(at(profile).check()).unwrap();
        let new = parts("new/+secret==");
        assert_eq!(block_on(at(profile).write(expected, &new)).unwrap(), Written::Now);
        assert_eq!(block_on(at(profile).write(expected, &new)).unwrap(), Written::Already);
        for (name, value) in
            [("aws_access_key_id", "AKIANEW"), ("aws_secret_access_key", "new/+secret==")]
        {
            let ran = Command::new(&aws)
                .args(["configure", "get", name, "--profile", profile])
                .env("AWS_SHARED_CREDENTIALS_FILE", &path)
                .env("AWS_CONFIG_FILE", "/dev/null")
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(ran.stdout).unwrap().trim(), value, "{profile}");
        }
    }
    let kept = "# mine\r\n[default]\r\naws_access_key_id=AKIANEW\r\naws_secret_access_key = new/+secret==\r\n\r\n[prod]\r\nregion = eu-west-1\r\n";
    assert!(fs::read_to_string(&path).unwrap().starts_with(kept));
    fs::write(&path, "[default]\naws_session_token = t0ken\n").unwrap();
    let said = block_on(at("default").read()).unwrap_err().report();
    assert!(said.contains("line 2") && !said.contains("t0ken"), "{said}");
}

/// Both parts of a key in a document, by the library that reads it in Python.
#[test]
fn python_reads_both_parts_of_a_key_in_any_document() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    let mut asked = Vec::new();
    let mut folders = Vec::new();
    for (kind, text) in [
        ("env", "ID='old'\nB=1\nKEY='old'\n"),
        ("json", "{\"id\":\"old\",\"b\":1,\"app\":{\"key\":\"old\"}}"),
        ("yaml", "id: old\nb: 1\napp:\n  key: old\n"),
        ("yaml", "id: 'old'\nb: 1\napp: {key: 'old'}\n"),
        ("yaml", "id: \"old\"\nb: 1\napp: {key: \"old\"}\n"),
        ("toml", "id = \"old\"\nb = 1\napp.key = \"old\"\n"),
        ("toml", "id = 'old'\nb = 1\n[app]\nkey = 'old'\n"),
    ] {
        for value in nasty() {
            let (folder, path) = file(text);
            folders.push(folder);
            let names = if kind == "env" { ["ID", "KEY"] } else { ["/id", "/app/key"] };
            let at = destination(
                json!({"kind": kind, "path": path, "id": names[0], "secret": names[1]}),
            );
            let part = |text: &str| Some(Secret::new(text));
            let old = Held { id: part("old"), secret: part("old") };
            let new = Parts { id: Some(format!("i{value}")), secret: Secret::new(value.as_str()) };
            assert_eq!(block_on(at.write(Some(&old), &new)).unwrap(), Written::Now, "{value}");
            let held = block_on(at.read()).unwrap().unwrap();
            assert!(held.is_same(&at.wanted(&new).unwrap()), "{kind}: {value}");
            asked.push(json!([kind, path, format!("i{value}"), value]));
        }
    }
    let script = "\
import json, sys, tomllib, yaml
from dotenv import dotenv_values
def read(kind, path):
    if kind == 'env':
        return dotenv_values(path)
    with open(path, 'rb') as file:
        load = {'json': json.load, 'yaml': yaml.safe_load, 'toml': tomllib.load}[kind]
        return load(file)
answers = []
for kind, path, _, _ in json.load(open(sys.argv[1])):
    data = read(kind, path)
    names = ('ID', 'KEY', 'B') if kind == 'env' else ('id', 'key', 'b')
    inner = data if kind == 'env' else data['app']
    answers.append([kind, path, data[names[0]], inner[names[1]]])
    assert str(data[names[2]]) == '1'
print(json.dumps(answers))
";
    let (_folder, list) = file(&json!(asked).to_string());
    let ran = Command::new(python).args(["-c", script]).arg(list).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let answers: Vec<Value> = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(answers, asked);
}

#[test]
fn a_place_for_an_id_needs_one() {
    let (_folder, path) = file("ID=old\nKEY=old\n");
    let at = destination(json!({"kind": "env", "path": path, "id": "ID", "secret": "KEY"}));
    let new = Parts { id: None, secret: Secret::new("y") };
    let said = block_on(at.write(None, &new)).unwrap_err().report();
    assert!(said.contains("takes an id, and the key has none"), "{said}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "ID=old\nKEY=old\n");
}
