//! Hostile indexes: whatever they name and however large they are, what they cost is bounded.

use std::process::Command;

use serde_json::{Value, json};

use super::went_well;
use crate::descriptor::provider::{Came, Provider, Reply};
use crate::{Home, partner};

/// The index of a name, with one API and what it includes.
fn index(name: &str, include: &[String]) -> String {
    let include: Vec<_> = include.iter().map(|url| json!({"name": "x", "url": url})).collect();
    json!({
        "name": name, "description": "An index", "url": "https://x.example/apis.json",
        "specificationVersion": "0.23", "tags": [], "maintainers": [{"FN": "Ann"}], "include": include,
        "apis": [{"name": format!("API of {name}"), "baseURL": format!("https://{name}.example")}],
    })
    .to_string()
}

fn whole(text: String) -> Reply {
    Reply::Whole(200, vec![("content-type", "application/json".to_owned())], text)
}

fn path(came: &Came) -> String {
    let path = came.line.trim_start_matches("GET ");
    path.split('?').next().unwrap().to_owned()
}

/// Imports what is at the root of a provider, with all that it includes.
fn import(home: &Home, provider: &Provider) -> Value {
    let url = format!("{}apis.json", provider.url);
    let ran = home.run(&["catalog", "import", &url, "--allow-private", "--json"]);
    went_well(&ran);
    ran.json()
}

fn warnings(imported: &Value) -> String {
    let list = imported["index"]["warnings"].as_array().unwrap();
    list.iter().map(|one| format!("{} {}\n", one["index"], one["message"])).collect()
}

#[test]
fn indexes_that_include_each_other_are_each_read_once() {
    let home = Home::new();
    let links = |names: &[&str]| names.iter().map(|name| format!("/{name}")).collect::<Vec<_>>();
    let provider = Provider::start(move |came| match path(came).as_str() {
        "/apis.json" => whole(index("one", &links(&["two", "two#again", "apis.json", "moved"]))),
        "/two" => whole(index("two", &links(&["apis.json", "two", "three"]))),
        "/three" => whole(index("three", &links(&["two"]))),
        "/moved" => Reply::Whole(302, vec![("location", "/two".to_owned())], String::new()),
        _ => Reply::Whole(404, Vec::new(), String::new()),
    });
    let imported = import(&home, &provider);
    assert_eq!(imported["index"]["apis"], 3, "{imported}");
    assert_eq!(imported["index"]["included"].as_array().unwrap().len(), 2);
    let two = provider.lines().iter().filter(|line| line.ends_with("/two")).count();
    assert!(two <= 2, "{:?}", provider.lines());
    provider.end();
}

#[test]
fn an_index_that_includes_ever_others_ends() {
    let home = Home::new();
    // Each names two that nobody has heard of, deeper and deeper; the first names a thousand.
    let provider = Provider::start(|came| {
        let path = path(came);
        let number = if path == "/apis.json" { 1_000 } else { 2 };
        let next: Vec<_> = (0..number).map(|one| format!("{path}-{one}")).collect();
        whole(index("more", &next))
    });
    let imported = import(&home, &provider);
    assert_eq!(imported["index"]["included"].as_array().unwrap().len(), 50);
    assert_eq!(provider.lines().len(), 51);
    assert!(warnings(&imported).contains("more than 50 indexes are included"), "{imported}");
    let deep = Provider::start(|came| whole(index("deep", &[format!("{}x", path(came))])));
    let imported = import(&home, &deep);
    assert_eq!(imported["index"]["included"].as_array().unwrap().len(), 3);
    assert!(warnings(&imported).contains("deeper than 3 levels"), "{imported}");
    provider.end();
    deep.end();
}

#[test]
fn whoever_says_nothing_is_waited_for_15_seconds() {
    let home = Home::new();
    let provider = Provider::start(|came| match path(came).as_str() {
        "/apis.json" => whole(index("root", &["/silent".to_owned(), "/there".to_owned()])),
        "/there" => whole(index("there", &[])),
        _ => Reply::Hang,
    });
    let started = keytender::clock::now();
    let imported = import(&home, &provider);
    let took = keytender::clock::now().since(started).as_micros() / 1_000_000;
    assert!((14..60).contains(&took), "{took} s");
    assert!(warnings(&imported).contains("timed out"), "{imported}");
    assert_eq!(imported["index"]["apis"], 2, "what comes after it is read: {imported}");
    provider.end();
}

#[test]
fn an_index_leads_nowhere_that_is_not_public() {
    let home = Home::new();
    let other = Provider::start(|_| whole(index("hidden", &[])));
    let hidden = other.url.to_string();
    let named = hidden.replace("127.0.0.1", "localhost");
    let provider = Provider::start(move |came| match path(came).as_str() {
        "/apis.json" => {
            let private = [
                "https://10.0.0.1/apis.json",
                "https://169.254.169.254/latest/meta-data",
                "https://[::1]/apis.json",
                "https://localhost/apis.json",
                "https://2130706433/apis.json",
                "https://ann:word@example.com/apis.json",
                "file:///etc/passwd",
                "gopher://127.0.0.1/",
                "javascript:alert(1)",
                &hidden,
                &named,
                "/moved",
            ];
            whole(index("root", &private.map(str::to_owned)))
        }
        "/moved" => Reply::Whole(307, vec![("location", hidden.clone())], String::new()),
        _ => Reply::Whole(404, Vec::new(), String::new()),
    });
    let imported = import(&home, &provider);
    assert_eq!(imported["index"]["apis"], 1, "{imported}");
    assert_eq!(imported["index"]["included"], json!([]));
    assert_eq!(other.lines(), [""; 0]);
    let said = warnings(&imported);
    assert_eq!(said.matches("it leads to a private address").count(), 8, "{said}");
    assert_eq!(said.matches("no address that can be reached").count(), 3, "{said}");
    assert!(said.contains("a user name or a password") && !said.contains("word@"), "{said}");
    // Nobody who does not say so is led there, not even by hand.
    let url = format!("{}apis.json", provider.url);
    let refused = home.run(&["catalog", "import", &url]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("private address") && refused.stderr.contains("--allow-private"),
        "{}",
        refused.stderr
    );
    assert_eq!(home.run(&["catalog", "check", &url]).code, 1);
    provider.end();
    other.end();
}

#[test]
fn redirects_end_and_other_answers_are_told() {
    let home = Home::new();
    let provider = Provider::start(|came| match path(came).as_str() {
        "/circle" => Reply::Whole(302, vec![("location", "/circle".to_owned())], String::new()),
        "/nowhere" => Reply::Whole(302, Vec::new(), String::new()),
        "/page" => whole("<!doctype html><title>Not here</title>".to_owned()),
        "/broken" => Reply::Half,
        "/good" => Reply::Whole(301, vec![("location", "/apis.json".to_owned())], String::new()),
        "/apis.json" => whole(index("good", &[])),
        _ => Reply::Whole(500, Vec::new(), String::new()),
    });
    for (path, why) in [
        ("circle", "it redirects more than 3 times"),
        ("nowhere", "it redirects to no address"),
        ("page", "an index is an object"),
        ("broken", "the connection broke"),
        ("else", "it answered 500"),
    ] {
        let url = format!("{}{path}", provider.url);
        let ran = home.run(&["catalog", "import", &url, "--allow-private"]);
        assert_eq!(ran.code, 1, "{path}");
        assert!(ran.stderr.contains(why), "{path}: {}", ran.stderr);
    }
    let url = format!("{}good?token=hunter2", provider.url);
    let ran = home.run(&["catalog", "import", &url, "--allow-private", "--json"]);
    went_well(&ran);
    assert_eq!(ran.json()["index"]["source"], format!("{}good", provider.url));
    assert!(!ran.stdout.contains("hunter2"));
    provider.end();
}

/// Runs the program and prints its exit code and the most memory that it had, in KiB.
const MEASURE: &str = "
import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ,
                     file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
_, status, usage = os.wait4(pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
";

/// The exit code of a run, what it said, and the most memory that it had, in KiB.
fn measured(python: &str, home: &Home, words: &[&str]) -> (i32, String, u64) {
    let output = Command::new(python)
        .args(["-c", MEASURE, env!("CARGO_BIN_EXE_keytender")])
        .args(words)
        .current_dir(home.path())
        .env("HOME", home.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let (code, memory) = said.trim().split_once(' ').unwrap();
    let talk = String::from_utf8(output.stderr).unwrap();
    (code.parse().unwrap(), talk, memory.parse().unwrap())
}

#[test]
fn what_is_too_much_is_refused_in_bounded_memory() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    let home = Home::new();
    let million = format!("{{\"name\":\"x\",\"apis\":[{}{{}}]}}", "{},".repeat(1_000_000));
    let some = format!("{{\"name\":\"x\",\"apis\":[{}{{}}]}}", "{\"name\":\"x\"},".repeat(10_000));
    let deep = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let before = format!("*a{}", level - 1);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", [before.as_str(); 10].join(",")));
    }
    let texts = format!("a: &a \"{}\"\nb: [{}]\n", "x".repeat(1_000_000), ["*a"; 5_000].join(","));
    home.write("million.json", million);
    home.write("some.json", some);
    home.write("deep.json", deep);
    home.write("bomb.yml", bomb);
    home.write("texts.yml", texts);
    home.write("large.json", " ".repeat(100_000_000));
    let provider = Provider::start(|came| match path(came).as_str() {
        "/large" => whole(" ".repeat(100_000_000)),
        _ => Reply::Flood,
    });
    let (large, flood) = (format!("{}large", provider.url), format!("{}flood", provider.url));
    let (code, talk, usual) = measured(&python, &home, &["catalog", "list"]);
    assert_eq!(code, 0, "{talk}");
    for (place, why) in [
        ("million.json", "more than 200000 values"),
        ("some.json", "an index has at most 5000"),
        ("deep.json", "line 1, column 256: this is neither JSON nor YAML"),
        ("bomb.yml", "more than 200000 values"),
        ("texts.yml", "8388608 bytes of text"),
        ("large.json", "longer than 4194304 bytes"),
        (large.as_str(), "longer than 4194304 bytes"),
        (flood.as_str(), "longer than 4194304 bytes"),
    ] {
        let words = ["catalog", "import", place, "--allow-private"];
        let (code, talk, memory) = measured(&python, &home, &words);
        assert_eq!(code, 1, "{place}: {talk}");
        assert!(talk.contains(why), "{place}: {talk}");
        assert!(memory < usual + 100_000, "{place}: {memory} KiB, usually {usual}");
        eprintln!("{place}: {memory} KiB, usually {usual}");
    }
    provider.end();
}
