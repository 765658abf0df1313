//! The house: which rooms may know which, and what must not be in which room.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules of the program; each may use those before it, and itself.
const ORDER: [&str; 14] = [
    "clock", "error", "config", "net", "store", "connect", "deliver", "notify", "app", "task",
    "http", "client", "cli", "main",
];

/// Every Rust file below `folder`, with its text without comments.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                let code: Vec<&str> = code.collect();
                files.push((path.strip_prefix(&root).unwrap().to_owned(), code.join("\n")));
            }
        }
    }
    assert!(files.len() > 3, "no sources in {folder}");
    files
}

/// The room that a file belongs to: its first folder, or its own name.
fn room(path: &Path) -> String {
    let first = path.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The rooms that a file's code names after `crate::`, in `use` lines and elsewhere.
fn named(code: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for rest in code.split("crate::").skip(1) {
        // `use crate::{net, error}` names several.
        let names = match rest.strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap(),
            None => rest.split(|one: char| !one.is_alphanumeric() && one != '_').next().unwrap(),
        };
        for name in names.split(',') {
            rooms.push(name.trim().split("::").next().unwrap().to_owned());
        }
    }
    rooms
}

/// What stands right of the room that uses it.
fn wrong_arrows(path: &Path, code: &str) -> Vec<String> {
    let place = |room: &str| ORDER.iter().position(|known| *known == room);
    let own = room(path);
    let Some(own_place) = place(&own) else { return vec![format!("{own}: not in the picture")] };
    named(code)
        .into_iter()
        .filter(|used| place(used).is_some_and(|used| used > own_place))
        .map(|used| format!("{}: {used}", path.display()))
        .collect()
}

#[test]
fn modules_use_only_what_stands_left_of_them() {
    for (path, code) in sources("keytender/src") {
        if room(&path) != "lib" {
            assert_eq!(wrong_arrows(&path, &code), Vec::<String>::new());
        }
    }
}

#[test]
fn a_wrong_arrow_would_be_found() {
    for code in ["use crate::app::audit;", "use crate::{error, cli};", "let x = crate::cli::run();"]
    {
        assert_eq!(wrong_arrows(Path::new("net/aws.rs"), code).len(), 1, "{code}");
    }
    assert!(wrong_arrows(Path::new("app/audit.rs"), "use crate::net::aws;").is_empty());
    assert_eq!(wrong_arrows(Path::new("attic.rs"), ""), ["attic: not in the picture"]);
}

/// The first of `words` that stands in a file of `folder` whose path none of `rooms` begins.
fn found(folder: &str, rooms: &[&str], words: &[&str]) -> Option<String> {
    sources(folder).into_iter().find_map(|(path, code)| {
        if rooms.iter().any(|room| path.starts_with(room) || path.ends_with(format!("{room}.rs"))) {
            return None;
        }
        let word = words.iter().find(|word| code.contains(**word))?;
        Some(format!("{}: {word}", path.display()))
    })
}

#[test]
fn the_core_does_not_touch_the_world() {
    let world = [
        "std::fs",
        "std::io",
        "std::net",
        "std::env",
        "std::process",
        "std::thread",
        "std::time",
        "async ",
        "tokio",
        "SystemTime",
        "Instant",
        "println!",
        "keytender::",
    ];
    assert_eq!(found("keytender-core/src", &[], &world), None);
}

#[test]
fn the_verifier_knows_the_core_alone_and_reads_a_clock_in_one_place() {
    let world = ["tokio", "sqlx", "async ", "keytender::", "println!", "process::exit"];
    assert_eq!(found("keytender-verify/src", &[], &world), None);
    let clocks = ["SystemTime", "Instant"];
    assert_eq!(found("keytender-verify/src", &["clock"], &clocks), None);
    assert_eq!(found("keytender-verify/src", &["memory"], &["unsafe {", "unsafe fn"]), None);
    assert!(found("keytender-verify/src", &[], &["unsafe {"]).is_some());
}

#[test]
fn only_connect_and_net_know_the_sdk() {
    assert_eq!(
        found("keytender/src", &["connect", "net"], &["aws_sdk", "aws_config", "aws_smithy"]),
        None
    );
    assert!(found("keytender/src", &[], &["aws_sdk_iam"]).is_some());
}

#[test]
fn only_the_command_line_knows_the_protocol_of_agents() {
    assert_eq!(found("keytender/src", &["cli"], &["rmcp"]), None);
    assert!(found("keytender/src", &[], &["rmcp"]).is_some());
}

#[test]
fn only_the_clock_reads_the_time() {
    assert_eq!(
        found("keytender/src", &["clock"], &["SystemTime", "Instant::now", "UNIX_EPOCH"]),
        None
    );
}

#[test]
fn only_the_command_line_writes_to_the_terminal() {
    let words = ["io::stdout", "io::stderr", "println!", "anstream"];
    assert_eq!(found("keytender/src", &["cli"], &words), None);
}
