//! What people and programs are told of rotations, and the deadline that waits for their having been told.

use keytender_core::time::Span;
use serde_json::Value;

use super::journey::{change_row, script};
use crate::Home;
use crate::fake_iam::{FakeIam, Key, Report, at};
use crate::hook::Hook;
use crate::inventory::{BACKUP, DEPLOY, key, on_each_database, run};

/// Begins a rotation of a key whose file is ours, with a deadline in eight days; its id.
fn begin(home: &Home, id: &str) -> String {
    let secret = "an-old-secret-of-forty-letters-0123456789";
    let path = home.write(&format!("{id}.env"), format!("ID={id}\nSECRET={secret}\n"));
    let path = format!("path={}", path.display());
    run(home, &["destinations", "add", id, "file", "env", &path, "id=ID", "secret=SECRET"]);
    let deadline = keytender::clock::now().plus(Span::days(8)).to_string();
    let begun = run(home, &["rotate", id, "--deadline", &deadline, "--yes", "--json"]).json();
    assert_eq!(begun["stage"], "overlap", "{begun}");
    begun["rotation"].as_str().unwrap().to_owned()
}

/// Lets eight days pass, in which the old key was used all the time.
fn let_eight_days_pass(fake: &FakeIam, home: &Home, rotation: &str, id: &str) {
    let now = keytender::clock::now();
    let ago = now.minus(Span::days(8));
    script(home, "UPDATE notices SET sent_at = sent_at - 691200000000 WHERE sent_at IS NOT NULL");
    change_row(home, rotation, |row| {
        row.state.cutover_at = Some(ago);
        row.state.quiet_from = Some(ago);
        row.state.plan.deadline = Some(now.minus(Span::from_micros(1)));
        row.state.observed_at = None;
    });
    fake.with_account(|account| {
        let used = Key::new(id, account.key_mut(id).created);
        *account.key_mut(id) = used.used(at(&now.to_string()), "eu-west-1", "s3");
        account.report = Report::NeverAsked;
    });
}

/// Has a rotation go on; how it stands then.
fn go_on(home: &Home, words: &[&str; 2]) -> Value {
    run(home, &["rotations", words[0], words[1]]);
    run(home, &["rotations", "show", words[1], "--json"]).json()
}

fn is_active(fake: &FakeIam, id: &str) -> bool {
    fake.with_account(|account| account.key_mut(id).active)
}

fn told(home: &Home, hook: &Hook) -> Vec<(String, Value)> {
    run(home, &["notify", "--now"]);
    let came = hook.take();
    let rotations = came.iter().filter(|came| came.event().starts_with("rotation."));
    rotations.map(|came| (came.event(), came.body()["data"].clone())).collect()
}

#[test]
fn a_key_that_is_still_used_goes_at_its_deadline_only_if_its_owner_was_told() {
    on_each_database(|fake, home| {
        let hook = Hook::start("204 No Content");
        run(home, &["accounts", "add", "aws", "prod"]);
        run(home, &["sync"]);
        let words = ["channels", "add", "webhook", "siem", "--allow-private", "--url", &hook.url];
        run(home, &words);
        // Before notices were started nobody is told, and what nobody was told of does not happen.
        let rotation = begin(home, BACKUP);
        assert!(hook.take().is_empty());
        let_eight_days_pass(fake, home, &rotation, BACKUP);
        let view = go_on(home, &["run", &rotation]);
        assert_eq!(view["stage"], "overlap", "{view}");
        assert!(is_active(fake, BACKUP));

        run(home, &["notify", "--dry-run"]);
        run(home, &["notify", "start", "--yes"]);
        let rotation = begin(home, DEPLOY);
        let warned = told(home, &hook);
        let [(event, data)] = &warned[..] else { panic!("{warned:?}") };
        assert_eq!(
            (event.as_str(), &data["rotation"]),
            ("rotation.waiting", &rotation.as_str().into())
        );
        let says = data["says"].as_str().unwrap();
        assert!(says.contains(&format!("Whatever still uses {DEPLOY} fails from")), "{says}");
        assert_eq!(told(home, &hook), [], "it is told once");
        let_eight_days_pass(fake, home, &rotation, DEPLOY);
        let view = go_on(home, &["run", &rotation]);
        assert_eq!(view["stage"], "disabled", "{view}");
        assert!(!is_active(fake, DEPLOY));
        assert_eq!(key(home, DEPLOY)["state"], "suspended");
        // Whoever brings it back is told how it ended.
        let back = go_on(home, &["rollback", &rotation]);
        assert_eq!(back["stage"], "overlap", "{back}");
        assert!(is_active(fake, DEPLOY));
        let after = told(home, &hook);
        assert!(
            after.iter().all(|(_, data)| !data["says"].as_str().unwrap().contains("fails from"))
        );
        Vec::new()
    });
}
