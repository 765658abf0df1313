//! From root's key to a user's: what AWS's notice asks for.

use crate::fake_iam::Report;
use crate::inventory::{ROOT, on_each_database, run};

#[test]
fn roots_key_is_replaced_by_a_users_and_removed_by_root() {
    on_each_database(|fake, home| {
        run(home, &["accounts", "add", "aws", "prod"]);
        run(home, &["sync"]);
        let alone = home.run(&["rotate", ROOT, "--by-hand", "--yes"]);
        assert!(alone.code == 1 && alone.stderr.contains("--to user:NAME"), "{}", alone.stderr);
        let words = ["rotate", ROOT, "--to", "user:deploy", "--by-hand"];
        let plan = run(home, &[&words[..], &["--dry-run"]].concat());
        assert!(plan.stdout.contains("to user deploy"), "{}", plan.stdout);
        let begun = run(home, &[&words[..], &["--yes"]].concat());
        assert!(begun.stdout.contains("A person fills a destination by hand"), "{}", begun.stdout);
        let made = fake.with_account(|account| account.user_mut("deploy").keys.len());
        assert_eq!(made, 2, "the user has a second key");
        let shown = run(home, &["rotations", "secret", ROOT]);
        assert_eq!(shown.stdout.lines().count(), 2, "an id and a secret");
        let id = shown.stdout.lines().next().unwrap().to_owned();
        // Root's was used a day ago, and not since: whoever vouches for all places cuts the wait short.
        let words = ["rotations", "acknowledge", ROOT, "by-hand", "--because", "it is deployed"];
        let asked = home.run(&words);
        let told = format!("{}{}", asked.stdout, asked.stderr);
        assert!(told.contains("root alone") && told.contains("security_credentials"), "{told}");
        assert_eq!(asked.code, 1, "a person is needed");
        let early = home.run(&["rotations", "resume", ROOT]);
        assert_eq!(early.code, 1, "root's key is still there: {}", early.stdout);
        fake.with_account(|account| {
            account.root.as_mut().unwrap().keys.clear();
            account.report = Report::NeverAsked;
        });
        let done = run(home, &["rotations", "resume", ROOT]);
        assert!(done.stdout.contains("Done: the new key is in use"), "{}", done.stdout);
        let log = run(home, &["log"]).stdout;
        assert!(log.contains("rotation.reveal "), "{log}");
        let listed = run(home, &["keys", "show", &id]).stdout;
        assert!(listed.contains("deploy"), "{listed}");
        Vec::new()
    });
}
