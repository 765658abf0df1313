//! Programs and hooks: what they are given, how long they may take, and what is told of them.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use keytender::deliver::{Destination, Hook, Written};
use keytender::net::outbound::Settings;
use serde_json::{Value, json};

use super::{destination, file, write};
use crate::databases::block_on;
use crate::hook;

/// Tells the test program, started once more, which unit to reload.
const UNIT: &str = "KEYTENDER_TEST_DELIVER_UNIT";

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
    let settings = settings();
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

pub(super) fn settings() -> Settings {
    Settings { timeout: Duration::from_secs(10), roots: None, allow_private: true }
}

/// Whether a process is there and has not ended.
fn is_running(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().unwrap().split_whitespace().next();
    state.is_some_and(|state| !["Z", "X"].contains(&state))
}

#[test]
fn a_program_that_does_not_end_is_ended_with_all_that_it_started() {
    let (_folder, path) = file("");
    // A child, a child of a child, and one whose parent is gone; each holds the pipes open.
    let script = "echo $$ >> \"$1\"; (sleep 300 & echo $! >> \"$1\"); \
                  sh -c 'sleep 300 & echo $! >> \"$1\"; wait' sh \"$1\" & \
                  echo $! >> \"$1\"; wait";
    let words = json!(["sh", "-c", script, "sh", path]);
    let at = destination(
        json!({"kind": "command", "write": ["true"], "read": words, "timeout_seconds": 1}),
    );
    let said = block_on(at.read()).map(|_| ()).unwrap_err().report();
    assert_eq!(said, "`sh` did not end within 1 s");
    let pids = fs::read_to_string(&path).unwrap();
    assert_eq!(pids.lines().count(), 4, "{pids}");
    crate::verifying::until(|| !pids.lines().any(is_running));
}

#[test]
fn a_program_may_take_from_a_second_to_a_minute() {
    let said = |seconds: Value| {
        let at =
            json!({"kind": "command", "write": ["x"], "read": ["x"], "timeout_seconds": seconds});
        serde_json::from_value::<Destination>(at).map_err(|error| error.to_string())
    };
    assert!(said(json!(60)).is_ok() && said(json!("1")).is_ok());
    for seconds in [json!(0), json!(61), json!("soon")] {
        assert_eq!(said(seconds).unwrap_err(), "`timeout_seconds` is a number from 1 to 60");
    }
}

#[test]
fn a_secret_of_64_kib_is_read_and_no_byte_more() {
    let reads = |bytes: u32| {
        let script = format!("head -c {bytes} /dev/zero | tr '\\0' s");
        let at = json!({"kind": "command", "write": ["true"], "read": ["sh", "-c", script]});
        block_on(destination(at).read())
    };
    let held = reads(64 * 1024).unwrap().unwrap();
    assert_eq!(held.secret.unwrap().expose(), "s".repeat(64 * 1024));
    for bytes in [64 * 1024 + 1, 8 * 1024 * 1024] {
        let said = reads(bytes).map(|_| ()).unwrap_err().report();
        assert_eq!(said, "`sh` wrote more than 65536 bytes");
    }
}

#[test]
fn units_are_reloaded_or_restarted() {
    if let Ok(unit) = std::env::var(UNIT) {
        let hook: Hook = serde_json::from_value(json!({"kind": "systemd", "unit": unit})).unwrap();
        let ended = block_on(hook.run(&settings())).err().map(|error| error.report());
        let wanted = "`systemctl` failed (exit status: 5): Unit gone.service not found.";
        assert_eq!(ended.as_deref(), (unit == "gone.service").then_some(wanted));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("systemctl");
    let mut script = String::from("#!/bin/sh\nprintf '%s\\n' \"$@\" >> \"$0.asked\"\n");
    writeln!(script, "[ \"$3\" = gone.service ] || exit 0").unwrap();
    writeln!(script, "echo \"Unit $3 not found.\" >&2\nexit 5").unwrap();
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    for unit in ["shop.service", "gone.service"] {
        let ran = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "deliver::programs::units_are_reloaded_or_restarted"])
            .env(UNIT, unit)
            .env("PATH", &path)
            .output()
            .unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
    }
    let asked = fs::read_to_string(folder.path().join("systemctl.asked")).unwrap();
    let wanted = "reload-or-restart\n--\nshop.service\nreload-or-restart\n--\ngone.service\n";
    assert_eq!(asked, wanted);
}
