//! Mail to customers: whose it is, what it says, and what it does not.

use keytender::app::notify::Hours;
use keytender_core::id::KeyId;
use serde_json::Value;

use super::{Post, Provider, days, hours, listen, parts, workday};
use crate::databases::new_databases;
use crate::inventory::run;
use crate::partner;

#[test]
fn customers_are_told_nothing_before_the_preview_was_seen_and_it_was_started() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    for database in new_databases() {
        let provider = Provider::new(&database);
        let post = Post::start(&python, &provider.home);
        let now = workday();
        let end = Some(now.plus(days(10)));
        let key = provider.key(&provider.globex, "checkout", now.minus(days(300)), end);
        provider.used(key, now.minus(hours(2)), "eu-west-1", "orders", "203.0.113.5");
        let hook = crate::hook::Hook::start("204 No Content");
        listen(&provider, "back-end", &hook, &["--api", "acme"]);
        let early = provider.home.run(&["notices", "start", "--api", "acme", "--yes"]);
        assert_eq!(early.code, 1);
        assert!(early.stderr.contains("nobody has seen yet"), "{}", early.stderr);
        assert_eq!(provider.home.run(&["notify", "--now"]).code, 1, "nothing was started");
        provider.key(&provider.globex, "mobile", now, None);
        assert!(provider.outbox().is_empty());
        let preview = run(&provider.home, &["notices", "preview", "--api", "acme"]).stdout;
        assert!(preview.contains("dev@globex.example"), "{preview}");
        assert!(preview.contains("Acme Orders: your key checkout"), "{preview}");
        assert!(preview.contains("2 notices would go out"), "{preview}");
        assert!(provider.outbox().is_empty() && hook.take().is_empty());
        provider.run(&["notices", "start", "--api", "acme", "--yes"]);
        assert_eq!(provider.run(&["notify", "--now"]), "2 notices sent");
        assert_eq!(provider.run(&["notify", "--now"]), "0 notices sent");
        let [mail] = post.take(1).try_into().unwrap();
        assert_eq!(mail["to"][0], "dev@globex.example");
        assert_eq!(hook.events(), ["key.expiring"]);
        // The installation's own notices were not started by this.
        provider.run(&["keys", "add", "stripe", "old", "--created", "2020-01-01"]);
        assert_eq!(provider.run(&["notify", "--now"]), "0 notices sent");
        provider.run(&["notices", "stop", "--api", "acme"]);
        provider.key(&provider.globex, "another", now, None);
        assert_eq!(provider.home.run(&["notify", "--now"]).code, 1);
        assert!(hook.take().is_empty());
    }
}

/// Fails if a mail is not in the API's name, or in another's beside.
fn assert_is_the_apis_own(mail: &Value) {
    let headers = &mail["headers"];
    assert_eq!(headers["from"], "Acme Orders <keys@acme.example>");
    assert_eq!(headers["reply-to"], "help@acme.example");
    assert_eq!(headers["auto-submitted"], "auto-generated");
    // Without a server that others reach there is no link that could work.
    assert_eq!(headers.get("list-unsubscribe"), None);
    for part in parts(mail) {
        assert!(!part.to_lowercase().contains("keytender"), "{part}");
        assert!(part.contains("https://acme.example/keys"), "{part}");
        assert!(part.contains("https://acme.example/help"), "{part}");
    }
    assert!(!headers.to_string().to_lowercase().contains("keytender"), "{headers}");
}

/// Fails if a part of a mail lacks one of these words, or has one of those.
fn assert_names(mail: &Value, own: &[&str], others: &[&str]) {
    for part in parts(mail) {
        for word in own {
            assert!(part.contains(word), "{word}: {part}");
        }
        for word in others {
            assert!(!part.contains(word), "{word}: {part}");
        }
    }
}

#[test]
fn a_mail_is_the_apis_own_and_names_no_other_customers_key() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    for database in new_databases() {
        let provider = Provider::new(&database);
        let post = Post::start(&python, &provider.home);
        // One agency looks after both customers: each is told apart all the same.
        for customer in ["acme/globex", "acme/initech"] {
            provider.run(&["accounts", "set", customer, "--contact", "agency@example.com"]);
        }
        let set = ["notices", "set", "--api", "acme", "--from", "keys@acme.example"];
        let more = ["--reply-to", "help@acme.example", "--keys-page", "https://acme.example/keys"];
        provider.run(&[&set[..], &more].concat());
        provider.run(&["apis", "set", "acme", "--support", "https://acme.example/help"]);
        let now = workday();
        let made = now.minus(days(400));
        let soon = provider.key(&provider.globex, "checkout", made, Some(now.plus(days(6))));
        let old = provider.key(&provider.globex, "mobile", made, None);
        let other = provider.key(&provider.initech, "dashboard", made, Some(now.plus(days(6))));
        provider.used(old, now.minus(days(2)), "eu-west-1", "orders", "203.0.113.5");
        provider.start(now);
        provider.tell(now, Hours::Working);
        let mails = post.take(2);
        let is_globex = |mail: &&Value| parts(mail)[0].contains("checkout");
        let (globex, initech) = (
            mails.iter().find(is_globex).unwrap(),
            mails.iter().find(|one| !is_globex(one)).unwrap(),
        );
        for mail in [globex, initech] {
            assert_is_the_apis_own(mail);
        }
        let subject = globex["headers"]["subject"].as_str().unwrap();
        assert_eq!(subject, "Acme Orders: 2 keys need you: 1 to replace, 1 to look at");
        let token = |key: KeyId| {
            let found =
                provider.at(now, async |then| then.store.find_issued(&[key]).await.unwrap());
            format!("acme_live_{}", found[0].token_id)
        };
        let (own, hint, foreign) = (token(soon), token(old), token(other));
        let others = [foreign.as_str(), "dashboard", "initech", "reports"];
        assert_names(globex, &[&own, &hint, "checkout of web-shop"], &others);
        let others = [own.as_str(), hint.as_str(), "checkout", "mobile", "globex", "web-shop"];
        assert_names(initech, &[&foreign, "dashboard of reports"], &others);
        // Each is told once in each stage.
        provider.tell(now.plus(hours(1)), Hours::Any);
        assert_eq!(provider.outbox().len(), 2);
    }
}

#[test]
fn an_overlap_that_ends_while_the_old_key_is_used_names_where() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    for database in new_databases() {
        let provider = Provider::new(&database);
        let post = Post::start(&python, &provider.home);
        let now = workday();
        let begun = now.minus(days(6));
        let old = provider.key(&provider.globex, "checkout", now.minus(days(200)), None);
        let quiet = provider.key(&provider.initech, "dashboard", now.minus(days(200)), None);
        provider.used(old, begun.minus(hours(1)), "eu-west-1", "billing", "198.51.100.1");
        provider.used(quiet, begun.minus(hours(1)), "eu-west-1", "billing", "198.51.100.1");
        provider.rotate(old, begun, days(8));
        provider.rotate(quiet, begun, days(8));
        // Nobody is pressed right after the new key was made.
        provider.start(begun);
        provider.used(old, begun.plus(hours(2)), "eu-west-1", "orders", "203.0.113.9");
        provider.tell(begun.plus(hours(3)), Hours::Any);
        assert!(provider.outbox().is_empty(), "{:#?}", provider.outbox());
        let used = now.minus(hours(5));
        provider.used(old, used, "eu-west-1", "nightly-export", "203.0.113.7");
        provider.tell(now, Hours::Working);
        let [mail] = post.take(1).try_into().unwrap();
        let end = begun.plus(days(8)).date();
        let subject = mail["headers"]["subject"].as_str().unwrap();
        let expected = format!("Acme Orders: your key checkout stops on {end} and is still used");
        assert_eq!(subject, expected);
        for part in parts(&mail) {
            let words = part.split_whitespace().collect::<Vec<_>>().join(" ");
            let at = used.to_seconds().to_string();
            let last = format!("Still used: eu-west-1, nightly-export, from 203.0.113.7, at {at}");
            assert!(words.contains(&last), "{words}");
            assert!(words.contains("Still used: eu-west-1, orders, at"), "{words}");
            // What was before the other key worked says nothing of who has not changed it yet.
            assert!(!words.contains("billing") && !words.contains("198.51.100.1"), "{words}");
            assert!(!words.contains("dashboard"), "{words}");
        }
        // The next stage comes, and no other in between.
        provider.tell(now.plus(hours(2)), Hours::Any);
        provider.tell(now.plus(days(1)), Hours::Any);
        let stages = provider.outbox().len();
        assert_eq!(
            stages,
            2,
            "three days before the end, and a day before: {:#?}",
            provider.outbox()
        );
    }
}

#[test]
fn a_leak_is_told_at_once_and_once_whether_or_not_the_key_was_ended() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    for database in new_databases() {
        let provider = Provider::new(&database);
        let post = Post::start(&python, &provider.home);
        let workday = workday();
        let leaked = provider.key(&provider.globex, "checkout", workday.minus(days(30)), None);
        let ended = provider.key(&provider.initech, "dashboard", workday.minus(days(30)), None);
        provider.start(workday);
        let exposed =
            ["keys", "set", &leaked.to_string(), "--exposed", "yes", "--because", "in a gist"];
        provider.run(&exposed);
        let why = "found in a public repository";
        provider.run(&[
            "keys",
            "revoke",
            &ended.to_string(),
            "--compromised",
            "--yes",
            "--because",
            why,
        ]);
        // At night, on whatever day it is.
        let night = keytender::clock::now().date();
        let night = keytender_core::time::Time::parse(&format!("{night}T23:59:00Z")).unwrap();
        provider.tell(night, Hours::Working);
        let mails = post.take(2);
        let text =
            |place: usize| parts(&mails[place])[0].split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text(0).contains("It still works, for whoever has it"), "{}", text(0));
        assert!(text(1).contains("It was ended, and nothing accepts it any more"), "{}", text(1));
        // Ended later, it is not told as another leak.
        provider.run(&[
            "keys",
            "revoke",
            &leaked.to_string(),
            "--compromised",
            "--yes",
            "--because",
            why,
        ]);
        provider.tell(night.plus(hours(1)), Hours::Any);
        assert_eq!(provider.outbox().len(), 2, "{:#?}", provider.outbox());
    }
}
