//! Keys of other tools, made by the tools themselves, exported and imported by the commands of the guide.

use std::process::Command;

use serde_json::{Value, json};

use super::super::until;
use super::{Gate, is_good};
use crate::databases::new_databases;
use crate::{Home, partner};

const GUIDE: &str = include_str!("../../../../../../docs/guide/migrate.md");

/// Makes keys with the application of the tool itself: each way in which it has kept keys.
const DJANGO: &str = r#"
import json
from django.conf import settings
settings.configure(
    SECRET_KEY="test", USE_TZ=True,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "rest_framework_api_key"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "keys.db"}},
)
import django
django.setup()
from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password
from django.core.management import call_command, execute_from_command_line
from rest_framework_api_key.models import APIKey
import sys

class Quick(PBKDF2PasswordHasher):
    iterations = 1000

if sys.argv[1] == "make":
    call_command("migrate", verbosity=0)
    keys = {}
    for name in ["sha512", "pbkdf2", "expired", "revoked"]:
        key, keys[name] = APIKey.objects.create_key(name=name)
        if name == "pbkdf2":
            # As the versions before 2.0 kept them.
            key.hashed_key = make_password(keys[name], hasher=Quick())
        if name == "expired":
            key.expiry_date = "2020-01-01T00:00:00Z"
        key.revoked = name == "revoked"
        key.save()
    print(json.dumps(keys))
else:
    execute_from_command_line(sys.argv)
"#;

/// The same for better-auth.
const BETTER_AUTH: &str = r#"
import { apiKey } from "@better-auth/api-key";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import pg from "pg";

const database = new pg.Pool({ connectionString: process.env.DATABASE_URL });
const options = {
  database, secret: "the secret of a test and of nothing else", baseURL: "http://127.0.0.1:1",
  emailAndPassword: { enabled: true }, telemetry: { enabled: false }, plugins: [apiKey()],
};
const auth = betterAuth(options);
await (await getMigrations(options)).runMigrations();
const body = { email: "one@example.com", password: "a password of a test", name: "one" };
const { user } = await auth.api.signUpEmail({ body });
const keys = {};
const make = async (name, more) => {
  const made = await auth.api.createApiKey({ body: { userId: user.id, name, ...more } });
  keys[name] = made.key;
  return made;
};
await make("plain", {});
await make("prefixed", { prefix: "shop_" });
await make("permitted", { permissions: { orders: ["read", "write"] } });
const off = await make("off", {});
await auth.api.updateApiKey({ body: { keyId: off.id, userId: user.id, enabled: false } });
for (const [name, key] of Object.entries(keys)) {
  const { valid } = await auth.api.verifyApiKey({ body: { key } });
  if (valid !== (name !== "off")) throw new Error(`${name} is not what it should be`);
}
console.log(JSON.stringify({ user: user.id, keys }));
await database.end();
"#;

/// The commands of the guide for one tool: the indented lines of a section, up to the next.
fn commands(section: &str) -> String {
    let begin = format!("## {section}\n");
    let text = GUIDE.split(&begin).nth(1).unwrap_or_else(|| panic!("{section}"));
    let text = text.split("\n## ").next().unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix("    "));
    lines.collect::<Vec<_>>().join("\n")
}

/// Runs the commands of a section in a folder, with our program on the path.
fn run(section: &str, home: &Home, variables: &[(&str, &str)]) -> String {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_keytender")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let path = variables
        .iter()
        .find(|(name, _)| *name == "PATH")
        .map_or(path.clone(), |(_, first)| format!("{first}:{path}"));
    let ran = Command::new("sh")
        .args(["-euc", &commands(section)])
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        .envs(home.variables.iter().map(|(name, value)| (name, value)))
        .envs(variables.iter().copied())
        .env("PATH", path)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&ran.stdout), text(&ran.stderr));
    assert!(ran.status.success(), "{out}{err}");
    out
}

/// The keys that a program has made.
fn made(ran: std::process::Output) -> Value {
    let text = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success(), "{text}");
    serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{text}"))
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} of {value}"))
}

/// Shows a key twice, and sees that it is kept as ours in between.
fn use_twice(gate: &Gate, label: &str, key: &str) {
    assert_ne!(gate.kept(label), "native", "{label}");
    assert!(is_good(gate, 0, "forward-auth", key), "{label}");
    until(|| gate.kept(label) == "native");
    assert!(is_good(gate, 0, "forward-auth", key), "{label}");
    assert!(!is_good(gate, 0, "forward-auth", &format!("{key}x")), "{label}");
}

#[test]
fn keys_of_django_rest_framework_api_key_work_on() {
    let Some(python) = partner("KEYTENDER_TEST_DJANGO") else { return };
    for database in new_databases() {
        let gate = Gate::open(database);
        let home = gate.first().home();
        home.write("manage.py", DJANGO);
        let keys =
            Command::new(&python).args(["manage.py", "make"]).current_dir(home.path()).output();
        let keys = made(keys.unwrap());
        let folder = std::path::Path::new(&python).parent().unwrap().display().to_string();
        let said = run("Django REST framework API keys", &home, &[("PATH", &folder)]);
        assert!(said.contains("imported 3 keys into acme"), "{said}");
        gate.settle();
        for name in ["sha512", "pbkdf2"] {
            use_twice(&gate, name, text(&keys, name));
        }
        let shown = format!("Api-Key {}", text(&keys, "sha512"));
        let headers = [("keytender-token", gate.token.as_str()), ("authorization", &shown)];
        let path = "/v1/forward-auth?api=acme";
        let asked = gate.first().ask_with("", &reqwest::Method::GET, path, None, &headers);
        assert_eq!(asked.status, 200, "as clients of the app send it: {asked:?}");
        let begins = gate.labelled("pbkdf2")["issued"]["imported"]["begins"].clone();
        assert_eq!(begins.as_str(), text(&keys, "pbkdf2").split('.').next());
        assert_eq!(gate.ask(0, text(&keys, "expired")).problem(), "key-expired");
        assert_eq!(gate.ask(0, text(&keys, "revoked")).problem(), "key-unknown", "left out");
    }
}

#[test]
fn keys_of_better_auth_work_on() {
    let Some(modules) = partner("KEYTENDER_TEST_BETTER_AUTH") else { return };
    for (database, theirs) in new_databases().into_iter().zip(new_databases().into_iter().rev()) {
        // better-auth keeps its keys in PostgreSQL, whatever ours are in.
        if !theirs.text.starts_with("postgres") {
            continue;
        }
        let gate = Gate::open(database);
        let home = gate.first().home();
        std::os::unix::fs::symlink(&modules, home.path().join("node_modules")).unwrap();
        home.write("make.mjs", BETTER_AUTH);
        let mut node = Command::new("node");
        node.arg("make.mjs").current_dir(home.path()).env("DATABASE_URL", &theirs.text);
        let said = made(node.output().unwrap());
        let out = run("better-auth", &home, &[("DATABASE_URL", &theirs.text)]);
        assert!(out.contains("imported 4 keys into acme"), "{out}");
        gate.settle();
        for name in ["plain", "prefixed", "permitted"] {
            use_twice(&gate, name, text(&said["keys"], name));
        }
        assert_eq!(gate.ask(0, text(&said["keys"], "off")).problem(), "key-suspended");
        let seen = gate.labelled("permitted");
        assert_eq!(seen["account_name"], format!("acme/{}", text(&said, "user")));
        let mut scopes: Vec<&str> =
            seen["issued"]["scopes"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        scopes.sort_unstable();
        assert_eq!(scopes, ["orders:read", "orders:write"]);
        let begins = gate.labelled("prefixed")["issued"]["imported"]["begins"].clone();
        assert!(text(&said["keys"], "prefixed").starts_with(begins.as_str().unwrap()), "{begins}");
    }
}

/// Unkey cannot be run here: its rows are made by its published rule, the base64 of the SHA-256 of the whole key.
#[test]
fn keys_of_unkey_work_on() {
    let gate = Gate::open(new_databases().remove(0));
    let key = "prod_3ZKxVYmBGvsXhTnR4jKjWhYn";
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.as_bytes());
    let rows = json!([{"account": "user_1", "label": "web", "hash": super::base64(digest.as_ref()),
        "algorithm": "sha256", "start": "prod_3ZK", "created": 1_714_521_600_000_i64,
        "expires": null, "enabled": 1, "scopes": "orders.read orders.write"}]);
    let home = gate.first().home();
    home.write("keys.json", rows.to_string());
    let import = commands("Unkey");
    let import = import.lines().rfind(|line| line.starts_with("keytender ")).unwrap();
    let words: Vec<&str> = import.split_whitespace().skip(1).collect();
    let ran = home.run(&words);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    gate.settle();
    use_twice(&gate, "web", key);
    assert_eq!(gate.labelled("web")["created_at"], "2024-05-01T00:00:00Z");
}

/// A table of one's own, in SQLite: `prefix_secret`, of which the part behind the `_` was hashed with bcrypt.
#[test]
fn keys_of_a_table_of_ones_own_work_on() {
    let gate = Gate::open(new_databases().remove(0));
    let home = gate.first().home();
    let keys = ["k1_Zq81bnVw4tTd", "k2_0p9Lm3xYcRue"];
    let mut rows = vec!["account,label,locator,hash".to_owned()];
    for key in keys {
        let (prefix, secret) = key.split_once('_').unwrap();
        rows.push(format!("globex,{prefix},{prefix},{}", super::kept_by("bcrypt", secret)));
    }
    home.write("keys.csv", rows.join("\n"));
    let import = commands("A table of your own");
    let import = import.lines().rfind(|line| line.contains("--hashed")).unwrap();
    let words: Vec<&str> = import.split_whitespace().skip(1).collect();
    let ran = home.run(&words);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    gate.settle();
    for key in keys {
        use_twice(&gate, key.split('_').next().unwrap(), key);
    }
}
