//! The Unix socket.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::wire::Wire;
use super::{Gate, socket_words};
use crate::Home;
use crate::databases::{Database, new_databases};

/// A gate with a socket.
pub(super) fn open(database: Database) -> Gate {
    // The words need the folder, which the gate makes: a name within its working folder does.
    let words = socket_words(std::path::Path::new(""));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Gate::open_with(database, 1, &words)
}

#[test]
fn whoever_may_open_the_socket_asks_without_a_token_and_nothing_else() {
    let gate = open(new_databases().remove(0));
    let key = gate.key(&json!({"scopes": ["orders:read"]}));
    let socket = gate.socket();
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let mut wire = Wire::at(&socket);
    let shown = format!("Authorization: Bearer {}", key.text);
    let good = wire.get("/v1/forward-auth?api=acme&scope=orders:read", &[&shown]).unwrap();
    assert_eq!((good.status, good.header("keytender-app")), (200, gate.app.as_str()));
    let body = json!({"api": "acme", "verifications": [{"key": key.text}]}).to_string();
    let length = body.len();
    let head =
        "POST /v1/key-verifications HTTP/1.1\r\nHost: test\r\nContent-Type: application/json";
    let asked = format!("{head}\r\nContent-Length: {length}\r\n\r\n{body}");
    let said = wire.send(asked.as_bytes()).unwrap();
    assert!(said.status == 200 && said.body.contains("\"valid\":true"), "{said:?}");
    for path in ["/v1/keys", "/v1/apis/acme/feed/snapshot", "/", "/metrics"] {
        let shown = format!("Authorization: Bearer {}", gate.first().token);
        assert_eq!(Wire::at(&socket).get(path, &[&shown]).unwrap().status, 404, "{path}");
    }
}

#[test]
fn a_socket_that_is_in_use_or_is_another_file_stays() {
    let gate = open(new_databases().remove(0));
    let socket = gate.socket().display().to_string();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--log", "none", "--verify-socket"];
    let ran = gate.home.run(&[&serve[..], &[&socket]].concat());
    assert!(ran.code != 0 && ran.stderr.contains("another program listens"), "{}", ran.stderr);
    let home = Home::new();
    let file = home.write("notes.txt", "mine").display().to_string();
    let ran = home.run(&[&serve[..], &[&file]].concat());
    assert!(ran.code != 0 && ran.stderr.contains("no socket"), "{}", ran.stderr);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}
