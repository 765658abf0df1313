//! Holding the inventory against the policy.

use std::borrow::Cow;

use keytender::app::evaluate;
use keytender::store::Store;
use keytender::store::db::Location;
use keytender::store::keys::{Filter, HeldKey};
use keytender_core::key::{Key, LastUse};
use keytender_core::policy::{Assessment, DEFAULT, Policy};
use keytender_core::time::{Span, Time};

use crate::databases::{block_on, new_databases};
use crate::fake_iam::{FakeIam, Key as FakeKey, User, at};
use crate::inventory::{DEPLOY, account, home, run};

const LIST: &str = "provider,name,created,expires,last_used,owner\n\
    stripe,\"a \"\"name\"\", and \u{e4} \\ more\",2026-01-02,2027-02-03,2026-11-01,platform\n\
    github,bot,2025-01-02,,,nobody\n";

/// Runs a story on an inventory with keys of several kinds, in each kind of database.
fn on_each_inventory(story: impl AsyncFn(&Store, Time)) {
    let now = keytender::clock::now();
    for database in new_databases() {
        let one = FakeKey::new("AKIAQTAGGED000000001", at(&now.minus(Span::days(80)).to_string()));
        let tagged = User::new("tagged", at(&now.minus(Span::days(90)).to_string()));
        let fake = FakeIam::start(account(now).user(tagged.tag("team", "a \"b\"\nc").key(one)));
        let home = home(&fake, &database);
        run(&home, &["owners", "add", "platform", "--address", "platform@example.com"]);
        run(&home, &["accounts", "add", "aws", "prod"]);
        run(&home, &["sync"]);
        home.write("list.csv", LIST);
        run(&home, &["keys", "import", "list.csv"]);
        let until = now.plus(Span::days(40)).date();
        run(&home, &["keys", "set", DEPLOY, "--keep-until", &until, "--because", "a move"]);
        block_on(async {
            let store = Store::open(&Location::parse(&database.text)).await.unwrap();
            story(&store, now).await;
            store.close().await;
        });
    }
}

async fn every_key(store: &Store) -> Vec<HeldKey> {
    store.every_key(&Filter::default()).await.unwrap()
}

/// What rules look at, of a key that is held.
fn looked_at(held: &HeldKey) -> Key<'static> {
    let mut key = held.record.key.clone();
    (key.principal_ref, key.provider_state, key.has_owner) = (None, None, None);
    match &mut key.last_used {
        LastUse::Used(used) => (used.region, used.service) = (None, None),
        LastUse::Never { .. } => {}
        LastUse::Unknown { why } => *why = Cow::Borrowed(""),
    }
    key
}

#[test]
fn a_case_tells_of_a_key_what_its_row_tells() {
    on_each_inventory(async |store, _| {
        let keys = every_key(store).await;
        assert!(
            keys.iter().any(|held| held.record.key.tags.as_ref().is_some_and(|t| !t.is_empty()))
        );
        let mut tx = store.db().begin().await.unwrap();
        let cases = tx.lock_cases_after(None, 100).await.unwrap();
        assert_eq!((cases.count(), keys.len()), (6, 6));
        for (case, held) in cases.each().zip(&keys) {
            let case = case.unwrap();
            assert_eq!(case.key, looked_at(held));
            assert_eq!((case.id, &*case.account_name), (held.record.id, &*held.account_name));
            assert_eq!(case.owner_by_hand, held.owner_by_hand);
            assert_eq!(case.owner_id, held.owner_id);
            assert_eq!(case.keep_until, held.keep.as_ref().map(|keep| keep.until));
            assert_eq!(case.standing, held.standing);
        }
        assert_eq!(cases.last_place().unwrap(), keys.last().map(HeldKey::place));
        let after = cases.last_place().unwrap();
        let more = tx.lock_cases_after(after, 100).await.unwrap();
        assert_eq!(more.count(), 0);
        assert_eq!(more.last_place().unwrap(), None);
    });
}

/// Every key stands as the policy says at the moment, and is asked again after it.
async fn everything_stands_as_it_should(store: &Store, policy: &Policy, now: Time) {
    let mut assessment = Assessment::default();
    for held in every_key(store).await {
        policy.assess(&held.record.key, now, &mut assessment);
        let rules = policy.findings(&assessment).map(|finding| &finding.rule.id);
        assert!(rules.eq(&held.standing.rules), "{held:?} at {now}");
        let is_due = assessment.is_due() && !held.is_kept(now);
        assert_eq!(held.standing.is_due, is_due, "{held:?} at {now}");
        assert!(held.standing.evaluate_at > now, "{held:?} at {now}");
    }
}

#[test]
fn a_policy_that_allows_more_writes_nothing_until_it_has_to() {
    on_each_inventory(async |store, start| {
        let text = |age: &str, idle: &str| DEFAULT.replace("365d", age).replace("90d", idle);
        let texts = [text("365d", "90d"), text("300d", "60d"), text("500d", "200d")];
        for (step, text) in (0..90).zip(texts.iter().cycle()) {
            let now = start.plus(Span::days(step * 5));
            // Each policy counts for four looks.
            if step % 4 == 0 {
                store.put_setting("policy", text).await.unwrap();
            }
            let policy = evaluate::policy(store).await.unwrap().1;
            evaluate::run(store, now).await.unwrap();
            everything_stands_as_it_should(store, &policy, now).await;
            assert_eq!(evaluate::run(store, now).await.unwrap().asked, 0);
        }
        store.put_setting("policy", &text("900d", "300d")).await.unwrap();
        let now = start.plus(Span::days(450));
        evaluate::run(store, now).await.unwrap();
        store.put_setting("policy", &text("901d", "301d")).await.unwrap();
        let done = evaluate::run(store, now).await.unwrap();
        assert_eq!((done.asked, done.changed), (6, 0));
    });
}
