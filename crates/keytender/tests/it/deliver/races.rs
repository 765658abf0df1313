//! Files that others change, replace and protect, and writers that are killed.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keytender::deliver::Written;
use keytender::error::Kind;

use super::{env, file, names, read, write};
use crate::databases::block_on;
use crate::killed::Chance;

/// How often a writer is killed.
const KILLS: usize = 60;
/// Tells the test program, started once more, which file to write.
const CHILD: &str = "KEYTENDER_TEST_DELIVER_CHILD";

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
            .args([
                "--exact",
                "deliver::races::a_writer_killed_at_any_moment_leaves_the_old_or_the_new",
            ])
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
            let ours = [".settings.keytender", ".settings.keytender-new"];
            assert!(ours.contains(&name.as_str()), "seed {seed}: {name}");
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
                crate::verifying::pause(Duration::from_millis(5));
            }
            edits
        });
        for turn in 0..150 {
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
