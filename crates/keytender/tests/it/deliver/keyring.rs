//! A keyring of GNOME's on a D-Bus of its own, beside `secret-tool`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use keytender::deliver::{Destination, Written};
use serde_json::{Value, json};

use super::{both, destination, held, new_key, parts, read, write};
use crate::databases::block_on;
use crate::{Home, partner};

/// Tells the test program, started once more, that a keyring is there.
const CHILD: &str = "KEYTENDER_TEST_DELIVER_KEYRING";
/// A keyring with a password in a session of its own, and then the program; both end with it.
const SESSION: &str = "printf pass | gnome-keyring-daemon --unlock --components=secrets >/dev/null \
                       && exec \"$@\"";

/// Whether the test runs beside a keyring; starts it so if not.
fn is_within(test: &str) -> bool {
    if std::env::var_os(CHILD).is_some() {
        return true;
    }
    let Some(session) = partner("KEYTENDER_TEST_KEYRING") else { return false };
    let home = Home::new();
    let ran = Command::new(session)
        .args(["--", "sh", "-c", SESSION, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("deliver::keyring::{test}")])
        .env(CHILD, "1")
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path())
        .env("XDG_DATA_HOME", home.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&ran.stdout);
    assert!(
        ran.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    false
}

fn keyring(more: &Value) -> Destination {
    let mut said = json!({"kind": "keyring", "service": "shop", "secret": "stripe"});
    said.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    destination(said)
}

/// What `secret-tool` does, given something or nothing.
fn tool(words: &[&str], input: &str) -> String {
    let mut child = Command::new("secret-tool")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    // A search tells attributes apart from the rest.
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

fn store(name: &str, more: &[&str], value: &str) {
    let words = ["store", "--label=mine", "service", "shop", "username", name];
    tool(&[&words, more].concat(), value);
}

fn lookup(name: &str) -> String {
    tool(&["lookup", "service", "shop", "username", name], "")
}

#[test]
fn an_item_of_the_keyring_keeps_its_label_and_attributes() {
    if !is_within("an_item_of_the_keyring_keeps_its_label_and_attributes") {
        return;
    }
    store("stripe", &["team", "pay"], "0ld");
    store("other", &[], "0ther");
    let at = keyring(&json!({}));
    block_on(at.check()).unwrap();
    assert_eq!(read(&at).as_deref(), Some("0ld"));
    assert_eq!(write(&at, Some("other"), "n3w").unwrap(), Written::Foreign);
    assert_eq!(write(&at, None, "n3w").unwrap(), Written::Foreign);
    assert_eq!(lookup("stripe"), "0ld");
    assert_eq!(write(&at, Some("0ld"), "n3w/key\"").unwrap(), Written::Now);
    assert_eq!(write(&at, Some("0ld"), "n3w/key\"").unwrap(), Written::Already);
    assert_eq!((lookup("stripe"), lookup("other")), ("n3w/key\"".into(), "0ther".into()));
    let shown = tool(&["search", "--all", "service", "shop", "username", "stripe"], "");
    assert!(shown.contains("label = mine") && shown.contains("attribute.team = pay"), "{shown}");
    // Two of one name: which of them counts is in doubt.
    store("stripe", &["team", "other"], "an0ther");
    let error = write(&at, Some("n3w/key\""), "n3wer").unwrap_err().report();
    assert!(error.contains("has `shop/stripe` twice") && !error.contains("n3w"), "{error}");
}

#[test]
fn both_parts_of_a_key_are_items_and_are_made_where_they_are_not_there() {
    if !is_within("both_parts_of_a_key_are_items_and_are_made_where_they_are_not_there") {
        return;
    }
    let at = keyring(&json!({"id": "stripe-id"}));
    block_on(at.check()).unwrap();
    assert!(block_on(at.read()).unwrap().is_none());
    assert_eq!(block_on(at.write(Some(&held("0ld")), &parts("n3w"))).unwrap(), Written::Foreign);
    assert_eq!(block_on(at.write(None, &new_key())).unwrap(), Written::Now);
    assert_eq!((lookup("stripe-id"), lookup("stripe")), ("AKIANEW".into(), "n3w/key\"+%=".into()));
    // One of the two was written before the program ended.
    store("stripe", &["xdg:schema", "org.freedesktop.Secret.Generic"], "0ld");
    let old = both("AKIAOLD", "0ld");
    assert_eq!(block_on(at.write(Some(&old), &new_key())).unwrap(), Written::Now);
    assert_eq!(lookup("stripe"), "n3w/key\"+%=");
}

#[test]
fn where_there_is_no_keyring_it_is_said() {
    if std::env::var_os(CHILD).is_some() {
        let error = block_on(keyring(&json!({})).check()).unwrap_err().report();
        assert!(error.contains("there is no keyring that answers"), "{error}");
        assert!(error.contains("DBUS_SESSION_BUS_ADDRESS"), "{error}");
        return;
    }
    let ran = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "deliver::keyring::where_there_is_no_keyring_it_is_said"])
        .env(CHILD, "1")
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
}
