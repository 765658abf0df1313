//! Destinations: nothing beside the value changes, nobody else's change is lost, no secret either.

mod another;
mod api;
mod aws;
mod github;
mod gitlab;
mod keyring;
mod kubernetes;
mod programs;
mod races;
mod readers;
mod texts;
mod vault;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use keytender::deliver::{Destination, Held, Parts, Written, print};
use keytender::error::Error;
use keytender_core::secret::Secret;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Home;
use crate::databases::block_on;

fn destination(said: Value) -> Destination {
    serde_json::from_value(said).unwrap()
}

fn env(path: &Path) -> Destination {
    destination(json!({"kind": "env", "path": path, "secret": "KEY"}))
}

fn field(kind: &str, path: &Path) -> Destination {
    destination(json!({"kind": kind, "path": path, "secret": "/app/key"}))
}

fn parts(secret: &str) -> Parts {
    Parts { id: Some("AKIANEW".to_owned()), secret: Secret::new(secret) }
}

fn held(secret: &str) -> Held {
    Held { id: None, secret: Some(Secret::new(secret)) }
}

/// What a place that has one for the id too holds.
fn both(id: &str, secret: &str) -> Held {
    Held { id: Some(Secret::new(id)), secret: Some(Secret::new(secret)) }
}

/// A key with letters that JSON and addresses escape.
fn new_key() -> Parts {
    Parts { id: Some("AKIANEW".to_owned()), secret: Secret::new("n3w/key\"+%=") }
}

/// A home in which a file holds a token, and the reference to it.
fn home(token: &str) -> (Home, Value) {
    let home = Home::new();
    let path = home.write("token", token);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    (home, json!(format!("file:{}", path.display())))
}

/// What a check says of a destination with this change. No secret of these tests is in it.
fn refusal(said: &Value, change: &dyn Fn(&mut Value)) -> String {
    let mut said = said.clone();
    change(&mut said);
    let error = block_on(destination(said).check()).unwrap_err().report();
    assert!(!error.contains("0ld") && !error.contains("t0ken"), "{error}");
    error
}

fn read(at: &Destination) -> Option<String> {
    let held = block_on(at.read()).unwrap()?;
    Some(held.secret.unwrap().expose().to_owned())
}

fn write(at: &Destination, old: Option<&str>, new: &str) -> Result<Written, Error> {
    block_on(at.write(old.map(held).as_ref(), &parts(new)))
}

/// A file with this text in a folder of its own.
fn file(text: &str) -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap().join("settings");
    fs::write(&path, text).unwrap();
    (folder, path)
}

/// The names in a folder.
fn names(folder: &TempDir) -> Vec<String> {
    let names = fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> =
        names.map(|one| one.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn prints_and_debug_output_tell_no_secret() {
    let key = [7; 32];
    let one = held("s3cr3t");
    assert_eq!(print(&key, &one), print(&key, &held("s3cr3t")));
    assert_eq!(print(&key, &one).len(), 64);
    assert_ne!(print(&key, &one), print(&[8; 32], &one));
    let split = Held { id: Some(Secret::new("s3")), secret: Some(Secret::new("cr3t")) };
    assert_ne!(print(&key, &one), print(&key, &split));
    assert!(!format!("{split:?} {:?}", parts("s3cr3t")).contains("cr3t"));
}

#[test]
fn what_is_no_destination_is_refused() {
    for said in [
        json!({"kind": "env", "path": ".env", "secret": "KEY"}),
        json!({"kind": "env", "path": "/x/.env", "secret": "A KEY"}),
        json!({"kind": "env", "path": "/x/.env", "secret": "KEY", "value": "x"}),
        json!({"kind": "json", "path": "/x", "secret": "app"}),
        json!({"kind": "json", "path": "/x", "secret": "/a~2"}),
        json!({"kind": "vault", "path": "/x"}),
        json!({"kind": "gitlab-variable", "project": "a/b", "secret": "KEY", "token": "glpat-x"}),
        json!({"kind": "gitlab-variable", "url": "http://gitlab.example", "project": "a/b",
               "secret": "KEY", "token": "env:TOKEN"}),
    ] {
        assert!(serde_json::from_value::<Destination>(said.clone()).is_err(), "{said}");
    }
}

/// What stands after `expected one of`, or `expected`, in serde's refusal of a word that none has.
fn expected(said: &Value) -> Vec<String> {
    let error = serde_json::from_value::<Destination>(said.clone()).unwrap_err().to_string();
    error.split('`').skip(1).step_by(2).skip(1).map(str::to_owned).collect()
}

#[test]
fn the_guide_names_every_kind_with_its_fields() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/destinations.md");
    let page = fs::read_to_string(path).unwrap();
    let kinds = expected(&json!({"kind": "no-such"}));
    assert!(kinds.len() > 14, "{kinds:?}");
    for kind in kinds {
        assert!(page.contains(&format!("`{kind}`")), "{kind}");
        let fields = expected(&json!({"kind": kind, "no_such": 1}));
        assert!(!fields.is_empty(), "{kind}");
        for field in fields {
            assert!(page.contains(&format!("`{field}`")), "{kind}: {field}");
        }
    }
}
