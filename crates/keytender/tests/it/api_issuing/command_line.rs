//! The command line of issuing: it prints the same here and at a server, and a secret once, alone.

use keytender_core::token::Token;

use super::changes;
use crate::api_keys::printed;
use crate::databases::new_databases;
use crate::inventory::run;
use crate::secrets::{bytes_below, contains, rows};
use crate::served::Served;
use crate::{Home, Ran};

/// Lines that need no id.
const LINES: [&str; 33] = [
    "apis list",
    "apis add Acme",
    "apis add acme --title Acme --key-life 365d --overlap 2d",
    "apis add acme",
    "api add other --brand acme",
    "api add stripe",
    "apis list",
    "apis list --json",
    "apis show acme",
    "apis show nowhere",
    "apis set acme --title none --key-life never --overlap default",
    "apis set acme --key-life soon",
    "apis set acme",
    "apis show acme --json",
    "accounts list --api acme",
    "accounts add acme globex --contact dev@globex.example --external-id c-7",
    "accounts add acme globex",
    "accounts add acme initech --external-id c-7",
    "accounts add acme initech --credential env:X",
    "accounts add stripe initech --external-id c-7",
    "accounts list --api acme",
    "accounts list --api acme --json",
    "accounts list --api nowhere",
    "accounts suspend acme/globex --because unpaid",
    "accounts resume acme/globex",
    "accounts suspend nobody",
    "apps list acme",
    "apps add acme/nobody shop",
    "apps add acme/globex shop --rate 100",
    "apps add acme/globex shop --quota 100/year",
    "apps add acme/globex shop --burst 5",
    "apps show app_0000000000000",
    "keys create --app app_0000000000000",
];

/// The id that a command printed, or that stands first in what it said.
fn id_in(text: &str, kind: &str) -> String {
    let is_id = |one: char| one.is_ascii_alphanumeric() || one == '_';
    let mut words = text.split(|one| !is_id(one));
    words.find(|word| word.len() == 17 && word.starts_with(kind)).unwrap().to_owned()
}

/// What a run came to; a new secret is replaced by what stands in clear before its id.
fn told(ran: &Ran) -> String {
    let secret = ran.stdout.trim();
    let stdout = match Token::parse(secret) {
        Ok(token) => format!("{}_{} …", token.brand().as_str(), token.environment().as_str()),
        Err(_) => ran.stdout.clone(),
    };
    let stdout = stdout.split(' ').filter(|word| !is_public_id(word)).collect::<Vec<_>>().join(" ");
    without_moments(&printed(&Ran { code: ran.code, stdout, stderr: ran.stderr.clone() }))
}

/// The text without moments: an overlap ends some days after the moment of the story.
fn without_moments(text: &str) -> String {
    let is_part = |one: char| one.is_ascii_alphanumeric() || ".:-".contains(one);
    let mut words = Vec::new();
    for word in text.split_inclusive(|one| !is_part(one)) {
        let bare = word.trim_matches(|one| !is_part(one)).trim_end_matches(['.', ',']);
        let is_moment = bare.starts_with("20") && bare.contains('T') && bare.ends_with('Z');
        words.push(if is_moment { "" } else { word });
    }
    words.concat()
}

/// Whether this is what stands in a key in clear, which differs from key to key.
fn is_public_id(word: &str) -> bool {
    let word = word.trim_end_matches([',', '\n']);
    word.len() == 12 && word.chars().all(|one| one.is_ascii_alphanumeric())
}

/// The story of an app and its keys; everything that was printed.
fn story(home: &Home) -> Vec<Ran> {
    let mut ran: Vec<Ran> =
        LINES.iter().map(|line| home.run(&line.split(' ').collect::<Vec<_>>())).collect();
    let shop = ["--scopes", "orders:read orders:write", "--rate", "100/60s", "--burst", "20"];
    let more = ["--quota", "10000/day", "--label", "tier=gold"];
    let added = run(home, &[&["apps", "add", "acme/globex", "shop"][..], &shop, &more].concat());
    let app = id_in(&added.stdout, "app_");
    assert_eq!(added.stdout.trim(), app, "the id alone");
    ran.push(added);
    let mut go = |words: &[&str]| {
        ran.push(home.run(words));
        let last = ran.last().unwrap();
        (last.stdout.clone(), last.stderr.clone())
    };
    go(&["apps", "list", "acme", "--account", "acme/globex"]);
    go(&["apps", "list", "acme", "--json"]);
    go(&["apps", "show", &app]);
    go(&["apps", "set", &app]);
    go(&["apps", "set", &app, "--rate", "none", "--quota", "5/month", "--scopes", "orders:read"]);
    go(&["apps", "set", &app, "--rate", "5/1m", "--label", "tier=silver", "--label", "team=x"]);
    go(&["apps", "show", &app]);
    go(&["apps", "show", &app, "--json"]);
    go(&["apps", "suspend", &app, "--because", "unpaid"]);
    go(&["apps", "list", "acme"]);
    go(&["apps", "resume", &app]);
    let create = ["keys", "create", "--app", &app, "--name"];
    let ends = ["--expires", "2099-01-01", "--network", "203.0.113.0/24", "--test"];
    let (secret, said) = go(&[&create[..], &["checkout"], &ends].concat());
    assert!(secret.starts_with("acme_test_") && secret.lines().count() == 1, "{said}");
    assert!(!said.contains(secret.trim()), "the talk repeats no secret");
    let key = id_in(&said, "key_");
    go(&[&create[..], &["x", "--expires", "2020-01-01"]].concat());
    go(&[&create[..], &["x", "--expires", "soon"]].concat());
    go(&[&create[..], &["x", "--network", "10.0.0.0/99"]].concat());
    go(&[&create[..], &["x", "--scopes", "orders:write"]].concat());
    go(&["keys", "show", &key]);
    go(&["keys", "list", "--app", &app]);
    go(&["keys", "list", "--app", "app_0000000000000"]);
    go(&["keys", "rotation", "show", &key]);
    let (_, said) = go(&["keys", "rotate", &key, "--overlap", "7d", "--because", "yearly"]);
    let next = id_in(&said, "key_");
    go(&["keys", "show", &key]);
    go(&["keys", "rotation", "show", &next]);
    go(&["keys", "rotation", "finish", &next]);
    go(&["keys", "rotation", "cancel", &next, "--because", "early"]);
    let (_, said) = go(&["keys", "rotate", &key, "--at-once", "--expires", "never"]);
    let next = id_in(&said, "key_");
    go(&["keys", "rotation", "show", &key, "--json"]);
    go(&["keys", "rotation", "finish", &key]);
    go(&["keys", "rotate", &key]);
    go(&["keys", "revoke", &next]);
    go(&["keys", "revoke", &next, "--compromised", "--because", "leaked", "--yes"]);
    go(&["keys", "show", &next]);
    go(&["keys", "revoke", "nothing", "--yes"]);
    go(&["apis", "remove", "acme", "--yes"]);
    go(&["accounts", "remove", "acme/globex"]);
    go(&["accounts", "remove", "acme/globex", "--yes"]);
    go(&["apis", "remove", "acme", "--yes"]);
    go(&["apis", "list"]);
    ran
}

#[test]
fn the_command_line_issues_the_same_here_and_at_a_server() {
    for (here, there) in new_databases().into_iter().zip(new_databases()) {
        let home =
            Home::new().with("KEYTENDER_DATABASE", &here.text).with("KEYTENDER_ACTOR", "mia");
        // A server makes its first user: so does this one.
        drop(Served::start(&home));
        let machine = Home::new().with("KEYTENDER_DATABASE", &there.text);
        let server = Served::start(&machine);
        let (one, other) = (story(&home), story(&server.home()));
        assert_eq!(one.len(), other.len());
        for (one, other) in one.iter().zip(&other) {
            assert_eq!(told(one), told(other));
        }
        for code in [0, 1, 2] {
            assert!(one.iter().any(|ran| ran.code == code), "{code}");
        }
        let subjects = |text: &str| changes(text).len();
        assert_eq!(subjects(&here.text), subjects(&there.text));
        assert_eq!(run(&home, &["log", "verify"]).code, 0);
    }
}

#[test]
fn what_a_key_is_stands_in_its_story() {
    let home = Home::new();
    run(&home, &["apis", "add", "acme"]);
    run(&home, &["accounts", "add", "acme", "globex"]);
    let app = run(&home, &["apps", "add", "acme/globex", "shop", "--scopes", "orders:read"]).stdout;
    let app = app.trim();
    let made = run(&home, &["keys", "create", "--app", app, "--network", "203.0.113.9"]);
    let key = id_in(&made.stderr, "key_");
    let next = run(&home, &["keys", "rotate", &key]);
    let shown = run(&home, &["keys", "show", &key]).stdout;
    let next = id_in(&next.stderr, "key_");
    for part in [app, "orders:read", "203.0.113.9/32", "live", &format!("replaced by {next}")] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let listed = run(&home, &["keys", "list", "--app", app, "--json"]).json();
    assert_eq!(listed["total"], 2);
    // Customers are no accounts that are looked at.
    assert!(!run(&home, &["accounts", "list"]).stdout.contains("globex"));
    run(&home, &["accounts", "set", "acme/globex", "--contact", "dev@globex.example"]);
    let customers = run(&home, &["accounts", "list", "--api", "acme"]).stdout;
    assert!(customers.contains("dev@globex.example"), "{customers}");
    let asked = home.run(&["keys", "revoke", &key]);
    assert!(asked.code == 1 && asked.stderr.contains("--yes"), "{}", asked.stderr);
    let removed = run(&home, &["accounts", "remove", "acme/globex", "--yes"]);
    assert!(removed.stderr.contains("2 keys: they stop"), "{}", removed.stderr);
    assert_eq!(run(&home, &["keys", "list", "--json"]).json()["total"], 0);
}

#[test]
fn the_secret_of_a_key_is_in_no_file_no_row_no_log_and_no_error() {
    use keytender::store::db::Location;
    use serde_json::json;
    for database in new_databases() {
        let home = Home::new()
            .with("KEYTENDER_DATABASE", &database.text)
            .with("RUST_LOG", "trace")
            .with("KEYTENDER_ACTOR", "mia");
        let mut server = Served::start_with(&home, &["--log", "json"]);
        let app = {
            server.post("/v1/apis", &json!({"name": "acme"})).expect(201);
            server.post("/v1/apis/acme/accounts", &json!({"name": "globex"})).expect(201);
            let app = server.post("/v1/accounts/acme%2Fglobex/apps", &json!({"name": "shop"}));
            super::id(&app, "id")
        };
        let keys = format!("/v1/apps/{app}/keys");
        let ask = |body: serde_json::Value| {
            let headers = [("Idempotency-Key", "one")];
            let method = reqwest::Method::POST;
            super::made(&server.ask_with(&server.token, &method, &keys, Some(&body), &headers))
        };
        let (key, first) = ask(json!({"label": "x"}));
        let (_, second) =
            super::made(&server.post(&format!("/v1/keys/{key}/rotations"), &json!({})));
        let third = run(&home, &["keys", "create", "--app", &app]);
        let secrets = [first, second, third.stdout.trim().to_owned()];
        // Whoever names a key by its secret is told that there is none, and not what was typed.
        let mut said = third.stderr.into_bytes();
        for secret in &secrets {
            for words in [&["keys", "show", secret][..], &["keys", "revoke", secret, "--yes"]] {
                let refused = home.run(words);
                assert_eq!(refused.code, 1);
                assert!(refused.stderr.contains("a whole key"), "{}", refused.stderr);
                said.extend(refused.stderr.into_bytes());
            }
            let answer = server.post(&format!("/v1/keys/{key}/revocation"), &json!({"x": secret}));
            said.extend(answer.text.into_bytes());
            let answer = server.get(&format!("/v1/keys/{secret}"));
            assert_eq!(answer.status, 422);
            said.extend(answer.text.into_bytes());
        }
        for words in [&["log", "--json"][..], &["keys", "list", "--json"], &["keys", "show", &key]]
        {
            said.extend(run(&home, words).stdout.into_bytes());
        }
        server.end();
        said.extend(server.talk().join("\n").into_bytes());
        said.extend(bytes_below(home.path()));
        match Location::parse(&database.text) {
            Location::File(path) => said.extend(bytes_below(path.parent().unwrap())),
            Location::Postgres(_) => said.extend(rows(&database.text).into_bytes()),
        }
        assert!(contains(&said, "key.create") && contains(&said, &key), "everything was read");
        for secret in &secrets {
            let hidden = secret.rsplit('_').next().unwrap();
            assert!(!contains(&said, hidden), "in clear");
        }
    }
}

/// The blocks of lines to be typed on a page of the guide.
fn blocks(page: &str) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in page.lines() {
        match (line.strip_prefix("    "), blocks.last_mut()) {
            (Some(typed), Some(block)) => *block += &format!("{typed}\n"),
            (None, Some(block)) if !block.is_empty() => blocks.push(String::new()),
            _ => {}
        }
    }
    blocks
}

/// Runs a block of the guide as people do, in a shell.
fn typed(home: &Home, server: &Served, block: &str, app: &str) -> Ran {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_keytender"));
    let folder = program.parent().unwrap().display();
    let run = std::process::Command::new("sh")
        .args(["-ec", &block.replace("http://127.0.0.1:7979", &server.url)])
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", format!("{folder}:/usr/bin:/bin"))
        .env("KEYTENDER_DATABASE", home.variable("KEYTENDER_DATABASE"))
        .env("TOKEN", &server.token)
        .env("APP", app)
        .output()
        .unwrap();
    Ran {
        code: run.status.code().unwrap(),
        stdout: String::from_utf8(run.stdout).unwrap(),
        stderr: String::from_utf8(run.stderr).unwrap(),
    }
}

#[test]
fn what_the_guide_types_does_what_it_says() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/issuing.md");
    let mut blocks = blocks(&std::fs::read_to_string(page).unwrap());
    // What that one prints is typed in another test.
    blocks.retain(|block| !block.starts_with("keytender api create"));
    let database = new_databases().remove(0);
    let home = Home::new().with("KEYTENDER_DATABASE", &database.text);
    let server = Served::start(&home);
    let first = typed(&home, &server, &format!("{}\necho $app", blocks[0]), "");
    assert_eq!(first.code, 0, "{}", first.stderr);
    let app = first.stdout.trim();
    assert!(app.starts_with("app_"), "{app}");
    if !std::path::Path::new("/usr/bin/curl").exists() {
        eprintln!("skipped: there is no curl");
        return;
    }
    // Another customer: the first block has added the one of the page.
    let curl = blocks[1].replace("globex", "initech").replace("web-shop", "shop");
    assert!(curl.matches("curl").count() == 3, "{curl}");
    let second = typed(&home, &server, &curl.replace("curl ", "curl -sf "), app);
    assert_eq!(second.code, 0, "{}{}", second.stdout, second.stderr);
    let (_, key) = second.stdout.rsplit_once("\"key\":\"").unwrap();
    let key = key.split('"').next().unwrap();
    // The rest of the page, with the key of the second block for its own.
    let shown = run(&home, &["keys", "show", key, "--json"]).json();
    let public = shown["keys"][0]["id"].as_str().unwrap();
    let of_keys = |block: &&String| block.contains("7Hk2mQ9xTz4B") || block.contains("--app $APP");
    let mut ran = 0;
    for block in blocks.iter().skip(2).filter(of_keys) {
        for line in block.replace("\\\n", " ").lines() {
            // A rotation that is pending is not finished, and not there after it was cancelled.
            let code = i32::from(line.contains("rotation finish"));
            let line = line.replace("7Hk2mQ9xTz4B", public).replace("revoke", "revoke --yes");
            let done = typed(&home, &server, &line.replace("curl ", "curl -sf "), app);
            assert_eq!(done.code, code, "{line}: {}{}", done.stdout, done.stderr);
            ran += 1;
        }
    }
    assert!(ran > 10, "{ran}");
}
