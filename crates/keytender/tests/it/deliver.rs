//! Destinations: nothing beside the value changes, nobody else's change is lost, no secret either.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keytender::deliver::{Destination, Held, Hook, Parts, Written, print};
use keytender::error::{Error, Kind};
use keytender::net::outbound::Settings;
use keytender_core::secret::Secret;
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::databases::block_on;
use crate::killed::Chance;
use crate::{hook, partner};

/// How often a writer is killed.
const KILLS: usize = 60;
/// Tells the test program, started once more, which file to write.
const CHILD: &str = "KEYTENDER_TEST_DELIVER_CHILD";

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
fn a_value_is_replaced_as_it_was_written() {
    for (kind, old, new, text, wanted) in [
        ("env", "x", "y", "KEY=x", "KEY=y"),
        (
            "env",
            "x",
            "y",
            "# KEY=no\r\nexport KEY='x'\r\nB=1\r\n",
            "# KEY=no\r\nexport KEY='y'\r\nB=1\r\n",
        ),
        ("env", "x y", "z", "A=1\nKEY=\"x y\" # why\n", "A=1\nKEY=\"z\" # why\n"),
        ("env", "x", "a b", "KEY = x # why\n", "KEY = 'a b' # why\n"),
        ("env", "x", "it's", "KEY='x'\n", "KEY=\"it's\"\n"),
        ("env", "x", "y", "A=\"one\nKEY=no\n\"\nKEY=x\n", "A=\"one\nKEY=no\n\"\nKEY=y\n"),
        ("env", "one\ntwo", "y", "KEY=\"one\ntwo\"\nB=2", "KEY=\"y\"\nB=2"),
        ("env", "a#b", "y", "KEY=a#b\n", "KEY=y\n"),
        (
            "json",
            "x",
            "\"\\\n",
            "{ \"app\":{\"key\" : \"x\"}, \"n\":1.0 }",
            "{ \"app\":{\"key\" : \"\\\"\\\\\\n\"}, \"n\":1.0 }",
        ),
        (
            "yaml",
            "x",
            "w",
            "app: # of\n  key: x  # why\n  b: [1,  2]\r\n",
            "app: # of\n  key: w  # why\n  b: [1,  2]\r\n",
        ),
        ("yaml", "x", "true", "app: {key: x, b: 1}\n", "app: {key: 'true', b: 1}\n"),
        ("yaml", "x", "a'b", "app:\n  'key': 'x'", "app:\n  'key': 'a''b'"),
        (
            "yaml",
            "x",
            "a\"b",
            "---\napp:\n  key: \"x\"\n...\n",
            "---\napp:\n  key: \"a\\\"b\"\n...\n",
        ),
        (
            "toml",
            "x",
            "y",
            "# of\r\n[app] # it\r\nkey = 'x' # why\r\nb = 1",
            "# of\r\n[app] # it\r\nkey = 'y' # why\r\nb = 1",
        ),
        ("toml", "x", "a\"b", "app.key = \"x\"\n", "app.key = \"a\\\"b\"\n"),
        ("file", "x", "y", "x\r\n", "y\r\n"),
        ("file", "x", "y", "x", "y"),
    ] {
        let (folder, path) = file(text);
        let at = match kind {
            "env" => env(&path),
            "file" => destination(json!({"kind": "file", "path": path})),
            _ => field(kind, &path),
        };
        assert_eq!(read(&at).as_deref(), Some(old), "{text}");
        block_on(at.check()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(write(&at, Some("other"), new).unwrap(), Written::Foreign);
        assert_eq!(write(&at, None, new).unwrap(), Written::Foreign);
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(write(&at, Some(old), new).unwrap(), Written::Now, "{text}");
        assert_eq!(fs::read_to_string(&path).unwrap(), wanted);
        assert_eq!(write(&at, Some(old), new).unwrap(), Written::Already);
        assert_eq!(names(&folder), ["settings"]);
    }
}

#[test]
fn what_is_not_there_is_added_where_it_can_be() {
    for (text, wanted) in [
        ("", "KEY=y\n"),
        ("A=1", "A=1\nKEY=y"),
        ("export A=1\r\n", "export A=1\r\nexport KEY=y\r\n"),
        ("KEY=\n", "KEY=y\n"),
    ] {
        let (_folder, path) = file(text);
        assert_eq!(read(&env(&path)), None);
        block_on(env(&path).check()).unwrap();
        assert_eq!(write(&env(&path), None, "y").unwrap(), Written::Now);
        assert_eq!(fs::read_to_string(&path).unwrap(), wanted);
    }
    let (folder, path) = file("");
    fs::remove_file(&path).unwrap();
    assert_eq!(read(&env(&path)), None);
    assert_eq!(write(&env(&path), Some("x"), "y").unwrap(), Written::Foreign);
    assert_eq!(names(&folder), Vec::<String>::new());
    assert_eq!(write(&env(&path), None, "y").unwrap(), Written::Now);
    assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
    let (_folder, path) = file("{}");
    let said = write(&field("json", &path), None, "y").unwrap_err().report();
    assert!(said.contains("there is no `/app/key`") && said.contains("hint: add it"), "{said}");
}

#[test]
fn what_is_in_doubt_is_refused_with_its_line_and_without_the_value() {
    for (kind, text, why) in [
        ("env", "A=1\nKEY=s3cr$t\n", "line 2: the value of `KEY` means one thing to a shell"),
        ("env", "KEY=\"s3cr`t\"\n", "line 1: the value of `KEY` means"),
        ("env", "KEY='s3cr", "line 1: the value of `KEY` has a quote that never closes"),
        ("env", "KEY='s3cr'; A=1\n", "line 1: the value of `KEY` is followed by something else"),
        ("env", "KEY=s3cr\n\nKEY=s3cr\n", "line 3: `KEY` is set a second time"),
        ("json", "{\n\"app\": s3cr}", "line 2: this is no JSON"),
        ("json", "{\"app\":\n{\"key\": [\"s3cr\"]}}", "line 2: `/app/key` is no text"),
        (
            "json",
            "{\"app\":{\"key\":\"s3cr\",\n\"key\":\"s3cr\"}}",
            "line 2: `/app/key` is there twice",
        ),
        ("yaml", "app:\n  key: |\n    s3cr\n", "`/app/key` is a block"),
        ("yaml", "app:\n  key: 0123\n", "line 2: `/app/key` is no text"),
        ("yaml", "a: &a s3cr\napp:\n  key: *a\n", "line 3: `/app/key` is an alias"),
        ("yaml", "a: [s3cr\n", "this is no YAML"),
        ("toml", "[app]\nkey = s3cr\n", "line 2: this is no TOML"),
        ("toml", "[app]\nkey = 7\n", "line 2: `/app/key` is no text"),
    ] {
        let (_folder, path) = file(text);
        let at = if kind == "env" { env(&path) } else { field(kind, &path) };
        for said in [
            block_on(at.read()).map(|_| ()).unwrap_err().report(),
            block_on(at.check()).unwrap_err().report(),
            write(&at, Some("s3cr"), "y").unwrap_err().report(),
        ] {
            assert!(said.contains(why), "{text}: {said}");
            assert!(!said.contains("s3cr") && said.contains("settings"), "{said}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

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

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn nothing_beside_the_value_changes(
        before in proptest::collection::vec("[ -~]{0,20}", 0..5),
        after in proptest::collection::vec("[ -~éü]{0,20}", 0..5),
        value in "[ -~]{0,30}[A-Za-z0-9]",
        (end, last) in (prop_oneof![Just("\n"), Just("\r\n")], any::<bool>()),
        quote in prop_oneof![Just("'"), Just("\"")],
    ) {
        prop_assume!(value != "old");
        let lines = |lines: &[String], make: &dyn Fn(usize, &str) -> String| -> String {
            lines.iter().enumerate().map(|(at, line)| make(at, line) + end).collect()
        };
        let hash = |_: usize, line: &str| format!("# {line}");
        let plain = |at: usize, line: &str| format!("k{at} = {}", json!(line));
        let colon = |at: usize, line: &str| format!("  k{at}:  {} # {line}", json!(line));
        let json_line = |at: usize, line: &str| format!("  \"k{at}\" :{},", json!(line));
        let open = if last { end } else { "" };
        let documents = [
            ("env", format!("{}{}KEY={quote}", lines(&before, &hash), lines(&before, &|at, line| {
                format!("V{at}='{}'", line.replace(['\'', '\\'], ""))
            })), format!("{quote} # why{end}{}{open}", lines(&after, &hash).trim_end_matches(end))),
            ("json", format!("{{{end}{}\"app\": {{\"key\":", lines(&before, &json_line)),
                format!("}}, \"z\": 1.50{end}}}{open}")),
            ("yaml", format!("app:{end}{}  key: {quote}", lines(&before, &colon)),
                format!("{quote} # why{end}other:{end}{}", lines(&after, &colon))),
            ("toml", format!("{}[app]{end}key = {quote}", lines(&before, &plain)),
                format!("{quote} # why{end}{}{open}", lines(&after, &plain))),
        ];
        for (kind, mut head, mut tail) in documents {
            let mut whole = format!("{head}old{tail}");
            if kind == "json" {
                whole = format!("{head}\"old\"{tail}");
            } else {
                // The quotes may change with the value.
                head.pop();
                tail.remove(0);
            }
            let (_folder, path) = file(&whole);
            let at = if kind == "env" { env(&path) } else { field(kind, &path) };
            prop_assert_eq!(read(&at), Some("old".to_owned()), "{}", whole);
            match write(&at, Some("old"), &value) {
                Ok(done) => {
                    prop_assert_eq!(done, Written::Now);
                    let now = fs::read_to_string(&path).unwrap();
                    prop_assert!(now.starts_with(&head) && now.ends_with(&tail), "{}\n{}", whole, now);
                    prop_assert_eq!(read(&at), Some(value.clone()));
                }
                Err(error) => {
                    prop_assert!(kind == "env" && value.contains(['$', '`']), "{}", error.report());
                    prop_assert_eq!(fs::read_to_string(&path).unwrap(), whole);
                }
            }
        }
    }
}

#[test]
fn links_modes_and_owners_stay() {
    let (folder, path) = file("KEY=x\n");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let link = path.with_file_name("link");
    symlink("settings", &link).unwrap();
    let is_root = path.metadata().unwrap().uid() == 0;
    if is_root {
        std::os::unix::fs::chown(&path, Some(4711), Some(4712)).unwrap();
    }
    assert_eq!(write(&env(&link), Some("x"), "y").unwrap(), Written::Now);
    assert!(link.is_symlink());
    let now = path.metadata().unwrap();
    assert_eq!(now.mode() & 0o7777, 0o640);
    if is_root {
        assert_eq!((now.uid(), now.gid()), (4711, 4712));
    }
    assert_eq!(read(&env(&path)).as_deref(), Some("y"));
    assert_eq!(names(&folder), ["link", "settings"]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    let said = write(&env(&path), Some("y"), "z").unwrap_err().report();
    assert!(said.contains("may be written by everybody") && said.contains("chmod o-w"), "{said}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::hard_link(&path, path.with_file_name("twin")).unwrap();
    assert!(write(&env(&path), Some("y"), "z").unwrap_err().report().contains("hard link"));
    fs::remove_file(path.with_file_name("twin")).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(block_on(env(&path).check()).unwrap_err().report().contains("everybody may write in"));
    assert_eq!(read(&env(&path)).as_deref(), Some("y"));
}

#[test]
fn a_writer_killed_at_any_moment_leaves_the_old_or_the_new() {
    if let Some(path) = std::env::var_os(CHILD) {
        let at = env(Path::new(&path));
        loop {
            let old = read(&at).unwrap();
            let new = if old.starts_with('a') { "b" } else { "a" }.repeat(100);
            _ = write(&at, Some(&old), &new);
        }
    }
    let seed = Chance::seed();
    let mut chance = Chance::new(seed);
    let head = "# kept\n".repeat(2000);
    let (folder, path) = file(&format!("{head}KEY={}\nB=1\n", "a".repeat(100)));
    let mut seen = [false; 2];
    for _ in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "deliver::a_writer_killed_at_any_moment_leaves_the_old_or_the_new"])
            .env(CHILD, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        _ = receiver
            .recv_timeout(Duration::from_millis(10) + chance.life(Duration::from_millis(60)));
        drop(sender);
        child.kill().unwrap();
        child.wait().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let values = ["a".repeat(100), "b".repeat(100)];
        let place = values.iter().position(|value| text == format!("{head}KEY={value}\nB=1\n"));
        seen[place.unwrap_or_else(|| panic!("seed {seed}: {} bytes", text.len()))] = true;
        for name in names(&folder).iter().filter(|name| *name != "settings") {
            assert_eq!(name, ".settings.keytender", "seed {seed}");
        }
    }
    assert_eq!(seen, [true, true], "seed {seed}: nothing was ever written");
    let old = read(&env(&path)).unwrap();
    assert_eq!(write(&env(&path), Some(&old), "c").unwrap(), Written::Now);
    assert_eq!(names(&folder), ["settings"]);
}

#[test]
fn of_several_writers_one_wins_each_turn_and_no_turn_is_lost() {
    let (folder, path) = file("N=1\nKEY=n0\n");
    let wins: u32 = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut wins = 0;
                    for _ in 0..15 {
                        let old = read(&env(&path)).unwrap();
                        let next: u32 = old.trim_start_matches('n').parse().unwrap();
                        let new = format!("n{}", next + 1);
                        wins += u32::from(
                            write(&env(&path), Some(&old), &new).unwrap() == Written::Now,
                        );
                    }
                    wins
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).sum()
    });
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("N=1\nKEY=n{wins}\n"));
    assert!(wins >= 15, "{wins}");
    assert_eq!(names(&folder), ["settings"]);
}

#[test]
fn programs_take_the_secret_from_their_input_alone() {
    let (folder, path) = file("x");
    let script = |script: &str| json!(["sh", "-c", script, "sh", path]);
    let at = |write: &str| {
        destination(
            json!({"kind": "command", "write": script(write), "read": script("cat \"$1\"")}),
        )
    };
    let good =
        at("cat > \"$1\"; env > \"$1.env\"; tr '\\0' '\\n' < /proc/$$/cmdline >> \"$1.env\"");
    block_on(good.check()).unwrap();
    assert_eq!(write(&good, Some("z"), "y").unwrap(), Written::Foreign);
    assert_eq!(write(&good, Some("x"), "s3cr3t").unwrap(), Written::Now);
    assert_eq!(write(&good, Some("x"), "s3cr3t").unwrap(), Written::Already);
    let surroundings = fs::read_to_string(folder.path().join("settings.env")).unwrap();
    assert!(surroundings.contains("PATH=") && !surroundings.contains("s3cr3t"));
    for (script, why) in [
        (
            "echo one >&2; printf '\\033[1mtwo\\n' >&2; exit 3",
            "failed (exit status: 3): one; \\u{1b}[1mtwo",
        ),
        ("cat >&2; exit 1", "wrote a secret to stderr"),
        ("cat > /dev/null", "does not give back"),
    ] {
        let said = write(&at(script), Some("s3cr3t"), "n3w").unwrap_err().report();
        assert!(said.contains(why) && !said.contains("s3cr3t") && !said.contains("n3w"), "{said}");
    }
    let none = json!({"kind": "command", "write": ["no-such-program"], "read": ["true"]});
    let said = block_on(destination(none).check()).unwrap_err().report();
    assert!(said.contains("there is no program `no-such-program`"), "{said}");
}

#[test]
fn hooks_say_how_they_ended() {
    let settings = Settings { timeout: Duration::from_secs(10), roots: None, allow_private: true };
    let run = |said: Value, settings: &Settings| {
        let hook: Hook = serde_json::from_value(said).unwrap();
        block_on(hook.run(settings))
    };
    let command = |script: &str| json!({"kind": "command", "run": ["sh", "-c", script]});
    run(command("exit 0"), &settings).unwrap();
    let said = run(command("echo bad port >&2; exit 2"), &settings).unwrap_err().report();
    assert_eq!(said, "`sh` failed (exit status: 2): bad port");
    let receiver = hook::Hook::start("204 No Content");
    let web = json!({"kind": "webhook", "url": receiver.url});
    run(web.clone(), &settings).unwrap();
    assert_eq!(receiver.take().len(), 1);
    receiver.answer("500 No");
    let said = run(web.clone(), &settings).unwrap_err().report();
    assert_eq!(said, "the web hook at 127.0.0.1 failed: it answered 500");
    let guarded = Settings { allow_private: false, ..settings };
    assert!(run(web, &guarded).unwrap_err().report().contains("private address"));
    assert_eq!(receiver.take().len(), 1);
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
    ] {
        assert!(serde_json::from_value::<Destination>(said.clone()).is_err(), "{said}");
    }
}

#[test]
fn changes_of_others_are_not_lost_beside_ours() {
    let (_folder, path) = file("N=0\nKEY=k0\n");
    let is_done = AtomicBool::new(false);
    let edits = std::thread::scope(|scope| {
        // An editor that keeps our rules of neither locks nor reading again, but replaces the file.
        let editor = scope.spawn(|| {
            let mut edits = 0;
            while !is_done.load(Ordering::Relaxed) {
                let text = fs::read_to_string(&path).unwrap();
                let key = text.split("KEY=").nth(1).unwrap().to_owned();
                edits += 1;
                let beside = path.with_extension("edit");
                fs::write(&beside, format!("N={edits}\nKEY={key}")).unwrap();
                fs::rename(&beside, &path).unwrap();
                crate::verifying::pause(Duration::from_millis(20));
            }
            edits
        });
        for turn in 0..40 {
            let old = read(&env(&path)).unwrap();
            let done = write(&env(&path), Some(&old), &format!("k{}", turn + 1));
            if let Err(error) = done {
                assert_eq!(error.of_kind(), Kind::Conflict, "{turn}");
            }
        }
        is_done.store(true, Ordering::Relaxed);
        editor.join().unwrap()
    });
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with(&format!("N={edits}\n")), "{text}: {edits}");
}
