//! An organization of AWS, through the program: its members are found, added and watched, and those
//! that cannot be are named.

use std::collections::BTreeMap;

use keytender_core::time::Span;
use serde_json::{Value, json};

use crate::databases::new_databases;
use crate::fake_iam::{AUDITOR_KEY_ID, AUDITOR_SECRET, Account, FakeIam, Key, User, at};
use crate::inventory::{key, on_each_database, run};
use crate::{Home, Ran};

pub(crate) const DEV: &str = "222222222222";
const PROD: &str = "333333333333";
pub(crate) const SHOP: &str = "444444444444";
pub(crate) const ROLE: &str = "audit/Watcher";

/// A member that is entered by [`ROLE`], with a user whose key ends like the account's id.
pub(crate) fn member(id: &str, name: &str) -> Account {
    let now = keytender::clock::now();
    let ago = |days: u32| at(&now.minus(Span::days(days)).to_string());
    let key = Key::new(&key_of(id), ago(400));
    Account::new(id, ago(0)).named(name).role(ROLE).user(User::new("ci", ago(500)).key(key))
}

fn key_of(account: &str) -> String {
    format!("AKIACI{account}EX")
}

fn with_members(fake: &FakeIam, members: Vec<Account>) {
    fake.with_account(|account| account.members = Some(members));
}

fn add(home: &Home) -> Ran {
    run(home, &["accounts", "add", "aws", "corp", "--organization", "--role", ROLE])
}

/// The accounts of `accounts list --json` by their names.
fn accounts(home: &Home) -> BTreeMap<String, Value> {
    let json = run(home, &["accounts", "list", "--json"]).json();
    let accounts = json["accounts"].as_array().unwrap().iter();
    accounts.map(|one| (one["name"].as_str().unwrap().to_owned(), one.clone())).collect()
}

fn names(home: &Home) -> Vec<String> {
    accounts(home).into_keys().collect()
}

fn acts(home: &Home) -> Vec<Value> {
    run(home, &["log", "--json"]).json()["acts"].as_array().unwrap().clone()
}

#[test]
fn members_are_found_added_and_watched_by_a_role_of_the_same_name() {
    on_each_database(|fake, home| {
        let members = vec![
            member(DEV, "dev").alias("acme-dev").security_contact("security@dev.example"),
            member(PROD, "Data & Analytics (EU)"),
            member(SHOP, "dev"),
        ];
        with_members(fake, members);
        fake.with_account(|account| account.behaviour.page_size = Some(2));
        let mut ran = vec![add(home), run(home, &["sync"])];
        let said = &ran[1].stdout;
        assert!(said.contains("corp: 3 members added: dev, Data-Analytics-EU, dev-444"), "{said}");
        assert!(
            said.contains("corp: 3 keys; 3 found\nData-Analytics-EU: 1 key; 1 found"),
            "{said}"
        );
        assert_eq!(fake.calls()["ListAccounts"], 2, "pages");
        let known = accounts(home);
        let dev = &known["dev"];
        assert_eq!((&dev["kind"], &dev["organization"]), (&json!("live"), &json!("corp")));
        assert_eq!((&dev["account"], &dev["alias"]), (&json!(DEV), &json!("acme-dev")));
        assert_eq!(dev["access"]["role"], format!("arn:aws:iam::{DEV}:role/{ROLE}"));
        assert_eq!(
            (&dev["contact"], &dev["security_contact"]),
            (&Value::Null, &json!("security@dev.example"))
        );
        let other = &known["dev-444444444444"];
        assert_eq!((&other["account"], &other["keys"]), (&json!(SHOP), &json!(1)));
        let corp = &known["corp"];
        assert_eq!(
            (&corp["kind"], &corp["account"]),
            (&json!("organization"), &json!("123456789012"))
        );
        assert_eq!(key(home, &key_of(DEV))["account_name"], "dev");
        ran.push(run(home, &["accounts", "list"]));
        assert!(ran[2].stdout.contains("\ncorp, 3 members"), "{}", ran[2].stdout);
        assert!(ran[2].stdout.contains("\n  dev "), "{}", ran[2].stdout);
        let acts = acts(home);
        assert_eq!(acts.len(), 4, "{acts:?}");
        assert!(acts.iter().take(3).all(|act| act["verb"] == "account.add"
            && act["why"] == "found through organization corp"
            && act["details"]["organization"] == "corp"));
        ran
    });
}

#[test]
fn a_sync_of_an_organization_without_a_change_writes_nothing_but_that_it_was() {
    on_each_database(|fake, home| {
        with_members(fake, vec![member(DEV, "dev").security_contact("security@dev.example")]);
        add(home);
        run(home, &["sync"]);
        let without_syncs = |home: &Home| {
            let mut known = accounts(home);
            for account in known.values_mut() {
                assert!(account["last_sync"]["error"].is_null(), "{account}");
                account.as_object_mut().unwrap().remove("last_sync");
            }
            (known, acts(home))
        };
        let before = without_syncs(home);
        fake.reset_calls();
        let ran = run(home, &["sync", "corp"]);
        assert_eq!(ran.stdout, "corp: 3 keys, nothing new\ndev: 1 key, nothing new\n");
        assert_eq!(without_syncs(home), before);
        assert_eq!(accounts(home)["dev"]["last_sync"]["changes"], 0);
        let calls = fake.calls();
        assert_eq!((calls["AssumeRole"], calls["ListAccounts"]), (1, 1), "{calls:?}");
        vec![ran]
    });
}

#[test]
fn a_member_that_cannot_be_entered_is_named_and_the_rest_is_watched() {
    on_each_database(|fake, home| {
        with_members(fake, vec![member(DEV, "dev"), member(PROD, "prod")]);
        fake.with_account(|account| account.member_mut(DEV).role = None);
        add(home);
        let failed = home.run(&["sync"]);
        assert_eq!(failed.code, 1, "{}", failed.stdout);
        assert!(failed.stdout.contains("prod: 1 key; 1 found"), "{}", failed.stdout);
        for part in [
            "cannot sync `dev`: sts:AssumeRole: these credentials lack the permission",
            &format!(
                "hint: see that the role arn:aws:iam::{DEV}:role/{ROLE} exists, that its trust"
            ),
            "where the role has another name: keytender accounts remove dev",
        ] {
            assert!(failed.stderr.contains(part), "{part}: {}", failed.stderr);
        }
        let list = run(home, &["accounts", "list"]);
        assert!(list.stdout.contains("failed"), "{}", list.stdout);
        fake.with_account(|account| account.member_mut(DEV).role = Some((ROLE.to_owned(), None)));
        let ran = run(home, &["sync"]);
        assert!(ran.stdout.contains("dev: 1 key; 1 found"), "{}", ran.stdout);
        vec![failed, list, ran]
    });
}

#[test]
fn an_external_id_is_handed_to_each_member() {
    on_each_database(|fake, home| {
        with_members(fake, vec![member(DEV, "dev")]);
        let role = Some((ROLE.to_owned(), Some("e-17".to_owned())));
        fake.with_account(|account| account.member_mut(DEV).role = role);
        add(home);
        assert_eq!(home.run(&["sync"]).code, 1);
        run(home, &["accounts", "remove", "corp", "--yes"]);
        let words = ["accounts", "add", "aws", "corp", "--organization", "--role", ROLE];
        run(home, &[&words[..], &["--external-id", "e-17"]].concat());
        vec![run(home, &["sync"])]
    });
}

#[test]
fn members_that_are_suspended_or_left_are_named_stay_known_and_are_not_asked() {
    on_each_database(|fake, home| {
        let closed = member(SHOP, "shop").state("PENDING_CLOSURE");
        with_members(fake, vec![member(DEV, "dev"), member(PROD, "prod"), closed]);
        add(home);
        let first = run(home, &["sync"]);
        let warning = format!("corp: suspended or closed, so not asked: shop ({SHOP})");
        assert!(first.stderr.contains(&warning), "{}", first.stderr);
        assert_eq!(names(home), ["corp", "dev", "prod"]);
        fake.with_account(|account| {
            account.member_mut(DEV).state = "SUSPENDED";
            account.members.as_mut().unwrap().retain(|member| member.id != PROD);
        });
        fake.reset_calls();
        let second = run(home, &["sync"]);
        assert_eq!(second.stdout, "corp: 3 keys, nothing new\n");
        assert_eq!(fake.calls().get("AssumeRole"), None);
        for part in [
            &format!("suspended or closed, so not asked: dev ({DEV}), shop ({SHOP})"),
            "corp: no longer in the organization, so not asked",
            &format!("keytender accounts remove: prod ({PROD})"),
        ] {
            assert!(second.stderr.contains(part), "{part}: {}", second.stderr);
        }
        assert_eq!(names(home), ["corp", "dev", "prod"]);
        assert_eq!(key(home, &key_of(PROD))["state"], "active", "unseen is not gone");
        let kept = &accounts(home)["corp"]["last_sync"]["warnings"];
        assert_eq!(kept.as_array().unwrap().len(), 2, "{kept}");
        fake.with_account(|account| account.member_mut(DEV).state = "ACTIVE");
        let third = run(home, &["sync"]);
        assert!(third.stdout.contains("dev: 1 key, nothing new"), "{}", third.stdout);
        vec![first, second, third]
    });
}

#[test]
fn a_member_that_joins_is_added_at_the_next_sync() {
    on_each_database(|fake, home| {
        with_members(fake, vec![member(DEV, "dev")]);
        add(home);
        let first = run(home, &["sync"]);
        fake.with_account(|account| {
            account.members.as_mut().unwrap().insert(0, member(PROD, "prod"));
        });
        let second = run(home, &["sync"]);
        assert!(second.stdout.contains("corp: 1 member added: prod\n"), "{}", second.stdout);
        assert!(second.stdout.contains("dev: 1 key, nothing new\nprod: 1 key; 1 found"));
        assert_eq!(names(home), ["corp", "dev", "prod"]);
        vec![first, second]
    });
}

#[test]
fn a_member_that_somebody_added_by_hand_is_not_added_twice() {
    on_each_database(|fake, home| {
        with_members(fake, vec![member(DEV, "dev"), member(PROD, "prod")]);
        let role = format!("arn:aws:iam::{DEV}:role/{ROLE}");
        run(home, &["accounts", "add", "aws", "mine", "--role", &role]);
        home.write("report.csv", crate::example().replace("123456789012", PROD));
        run(home, &["keys", "import", "report.csv", "--account", "told", "--as-of", "2026-11-01"]);
        add(home);
        let ran = run(home, &["sync"]);
        assert_eq!(names(home), ["corp", "mine", "told"]);
        assert_eq!(accounts(home)["mine"]["organization"], Value::Null);
        let warning = format!("corp: told by hand, so not asked: told ({PROD})");
        assert!(ran.stderr.contains(&warning), "{}", ran.stderr);
        // The other way round: what is a member already is refused under a second name.
        run(home, &["accounts", "remove", "mine", "--yes"]);
        run(home, &["sync"]);
        run(home, &["accounts", "add", "aws", "again", "--role", &role]);
        let refused = home.run(&["sync", "again"]);
        assert_eq!(refused.code, 1);
        let why = format!("`again` is aws account {DEV}, which is known as `dev`");
        assert!(refused.stderr.contains(&why), "{}", refused.stderr);
        vec![ran, refused]
    });
}

#[test]
fn a_denied_security_contact_is_one_warning_and_no_failure() {
    on_each_database(|fake, home| {
        let members = [(DEV, "dev"), (PROD, "prod")].map(|(id, name)| {
            member(id, name).security_contact("security@example.com").deny("GetAlternateContact")
        });
        with_members(fake, members.into());
        add(home);
        let denied = run(home, &["sync"]);
        let warning = "dev, prod: account:GetAlternateContact: these credentials lack the \
                       permission: the security contact is not known";
        assert_eq!(denied.stderr.matches("GetAlternateContact").count(), 1, "{}", denied.stderr);
        assert!(denied.stderr.contains(warning), "{}", denied.stderr);
        let contact = |home: &Home| accounts(home)["dev"]["security_contact"].clone();
        assert_eq!(contact(home), Value::Null);
        let deny = |is_denied: bool| {
            fake.with_account(|account| {
                let denied = &mut account.member_mut(DEV).behaviour.deny;
                denied.clear();
                denied.extend(is_denied.then(|| "GetAlternateContact".to_owned()));
            });
        };
        deny(false);
        run(home, &["sync"]);
        assert_eq!(contact(home), "security@example.com");
        deny(true);
        run(home, &["sync"]);
        assert_eq!(contact(home), "security@example.com", "what was known stays");
        deny(false);
        fake.with_account(|account| account.member_mut(DEV).security_contact = None);
        run(home, &["sync"]);
        assert_eq!(contact(home), Value::Null, "it was taken away at AWS");
        vec![denied]
    });
}

#[test]
fn a_members_security_contact_hears_of_its_keys_unless_another_was_told() {
    on_each_database(|fake, home| {
        with_members(fake, vec![member(DEV, "dev").security_contact("security@dev.example")]);
        fake.with_account(|account| {
            account.security_contact = Some("security@corp.example".to_owned());
        });
        let words = ["accounts", "add", "aws", "corp", "--organization", "--role", ROLE];
        run(home, &[&words[..], &["--contact", "cloud@corp.example"]].concat());
        run(home, &["sync"]);
        let mail = ["--host", "127.0.0.1", "--from", "keys@corp.example"];
        run(home, &[&["channels", "add", "mail"], &mail[..]].concat());
        let preview = run(home, &["notify", "--dry-run"]);
        for heard in ["security@dev.example", "cloud@corp.example"] {
            assert!(preview.stdout.contains(heard), "{heard}: {}", preview.stdout);
        }
        assert!(!preview.stdout.contains("security@corp.example"), "{}", preview.stdout);
        vec![]
    });
}

#[test]
fn throttling_is_met_with_patience_in_members_too() {
    on_each_database(|fake, home| {
        with_members(fake, vec![member(DEV, "dev"), member(PROD, "prod")]);
        fake.with_account(|account| {
            account.behaviour.page_size = Some(1);
            account.behaviour.throttle_every = Some(3);
        });
        add(home);
        let ran = run(home, &["sync"]);
        assert_eq!(ran.stderr, "");
        assert!(ran.stdout.contains("corp: 2 members added: dev, prod"), "{}", ran.stdout);
        vec![ran]
    });
}

#[test]
fn an_organization_that_may_not_list_its_members_keeps_those_it_knows() {
    on_each_database(|fake, home| {
        with_members(fake, vec![member(DEV, "dev")]);
        add(home);
        run(home, &["sync"]);
        fake.with_account(|account| account.behaviour.deny.insert("ListAccounts".to_owned()));
        let denied = home.run(&["sync"]);
        assert_eq!(denied.code, 1);
        assert_eq!(denied.stdout, "dev: 1 key, nothing new\n");
        assert!(
            denied.stderr.contains("cannot list the members of `corp`: organizations:ListAccounts"),
            "{}",
            denied.stderr
        );
        fake.with_account(|account| {
            account.behaviour.deny.clear();
            account.members = None;
        });
        let alone = home.run(&["sync"]);
        assert!(alone.stderr.contains("hint: it is in no organization"), "{}", alone.stderr);
        fake.with_account(|account| account.id = "999999999999".to_owned());
        let other = home.run(&["sync"]);
        assert!(other.stderr.contains("now reach 999999999999"), "{}", other.stderr);
        assert_eq!(names(home), ["corp", "dev"]);
        vec![denied, alone, other]
    });
}

#[test]
fn a_role_is_named_as_its_account_asks_for_it() {
    let home = Home::new();
    let arn = "arn:aws:iam::123456789012:role/audit/Watcher";
    for (words, said) in [
        (&["aws", "corp", "--organization"][..], "an organization needs a role"),
        (&["aws", "corp", "--organization", "--role", arn], "hint: --role audit/Watcher"),
        (&["aws", "corp", "--organization", "--role", "two words"], "no name of a role"),
        (&["aws", "corp", "--role", "Watcher"], "the role of an account is given by its ARN"),
        (&["github", "corp", "--organization", "--role", "x"], "github is not asked"),
    ] {
        let refused = home.run(&[&["accounts", "add"], words].concat());
        assert_eq!(refused.code, 2, "{words:?}: {}", refused.stderr);
        assert!(refused.stderr.contains(said), "{words:?}: {}", refused.stderr);
    }
}

#[test]
fn a_check_tries_what_an_organization_needs() {
    on_each_database(|fake, home| {
        with_members(fake, vec![member(DEV, "dev").security_contact("security@dev.example")]);
        add(home);
        let good = run(home, &["accounts", "check", "corp"]);
        for row in ["organizations:ListAccounts", "sts:AssumeRole", "account:GetAlternateContact"] {
            let line = good.stdout.lines().find(|line| line.starts_with(row)).unwrap();
            assert!(line.contains("  yes "), "{line}");
        }
        assert!(good.stdout.contains(&format!("tried on dev ({DEV})")), "{}", good.stdout);
        assert!(good.stdout.contains("can watch this organization"), "{}", good.stdout);
        fake.with_account(|account| account.member_mut(DEV).role = None);
        let shut = home.run(&["accounts", "check", "corp"]);
        assert_eq!(shut.code, 1);
        let row = |name: &str| shut.stdout.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(row("sts:AssumeRole").contains("missing"), "{}", shut.stdout);
        assert!(row("account:GetAlternateContact").contains("not tried"), "{}", shut.stdout);
        vec![good, shut]
    });
}

#[test]
fn an_organization_is_removed_with_the_members_that_were_found_through_it() {
    on_each_database(|fake, home| {
        with_members(fake, vec![member(DEV, "dev"), member(PROD, "prod")]);
        add(home);
        run(home, &["sync"]);
        let one = run(home, &["accounts", "remove", "dev", "--yes"]);
        assert!(one.stderr.contains("forgot dev and 1 key"), "{}", one.stderr);
        run(home, &["sync"]);
        assert_eq!(names(home), ["corp", "dev", "prod"], "it is still a member");
        let asked = home.run(&["accounts", "remove", "corp"]);
        assert_eq!(asked.code, 1, "nobody can be asked here");
        let all = run(home, &["accounts", "remove", "corp", "--yes"]);
        assert!(all.stderr.contains("forgot corp, its 2 members and 5 keys"), "{}", all.stderr);
        assert!(names(home).is_empty());
        let removed = acts(home);
        let removed = removed.iter().filter(|act| act["verb"] == "account.remove");
        assert_eq!(removed.count(), 4);
        vec![one, all]
    });
}

#[test]
fn members_are_reached_with_the_key_that_their_organization_keeps() {
    for database in new_databases() {
        let now = keytender::clock::now().to_string();
        let fake =
            FakeIam::start(Account::new("123456789012", at(&now)).member(member(DEV, "dev")));
        let home = Home::new()
            .with("AWS_ENDPOINT_URL", fake.url())
            .with("KEYTENDER_DATABASE", &database.text);
        let words = ["accounts", "add", "aws", "corp", "--organization", "--role", ROLE];
        let key = format!("{AUDITOR_KEY_ID} {AUDITOR_SECRET}\n");
        let added = home.run_with_input(&[&words[..], &["--credential", "-"]].concat(), &key);
        assert_eq!(added.code, 0, "{}", added.stderr);
        let ran = run(&home, &["sync"]);
        assert!(ran.stdout.contains("dev: 1 key; 1 found"), "{}", ran.stdout);
        let ran = run(&home, &["sync", "dev"]);
        assert_eq!(ran.stdout, "dev: 1 key, nothing new\n");
        let checked = run(&home, &["accounts", "check", "dev"]);
        assert!(checked.stdout.contains("assumed-role/audit/Watcher"), "{}", checked.stdout);
        run(&home, &["keys", "disable", &key_of(DEV), "--yes"]);
        assert!(!fake.with_account(|account| account.member_mut(DEV).key_mut(&key_of(DEV)).active));
    }
}
