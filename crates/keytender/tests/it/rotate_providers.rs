//! The providers of a rotation: what each can do, and what its calls come to, as whoever runs a rotation sees it.

mod aws;
mod issuer;

use keytender::app::rotate::provider::{Failed, Minted, Principal};
use keytender::error::Error;
use keytender::store::accounts::{Access, Account, AccountKind};
use keytender::store::keys::{HeldKey, Standing as Verdict};
use keytender_core::access::Side;
use keytender_core::id::{AccountId, KeyId};
use keytender_core::inventory::KeyRecord;
use keytender_core::key::Key;
use keytender_core::rotation::{Fault, SeenKey, Standing, Way};
use keytender_core::secret::Secret;
use keytender_core::time::Time;
use serde_json::json;

use crate::descriptor::provider::{Provider, good};
use crate::notify::run;

/// When everything here became known.
const SINCE: &str = "2026-01-01";

/// An account that is asked with this credential.
pub(crate) fn account(provider: &str, access: Access, credential: &str) -> Account {
    Account {
        id: AccountId::from_i64(7),
        provider: provider.to_owned(),
        name: "work".to_owned(),
        kind: AccountKind::Live,
        parent_id: None,
        external_id: None,
        alias: None,
        contact: None,
        security_contact: None,
        access,
        sealed: None,
        secret: Some(Secret::new(credential)),
        report_header: None,
        created_at: Time::parse(SINCE).unwrap(),
        api_id: None,
        suspended_at: None,
    }
}

/// A key as the inventory holds it.
pub(crate) fn held(key: Key<'static>) -> HeldKey {
    let since = Time::parse(SINCE).unwrap();
    HeldKey {
        record: KeyRecord::new(KeyId::from_i64(9), key, since),
        is_admin: None,
        side: Side::Held,
        is_customers: false,
        account_id: AccountId::from_i64(7),
        account_name: "work".to_owned(),
        where_used: None,
        sealed: None,
        owner_by_hand: None,
        is_disowned: false,
        owner_id: None,
        keep: None,
        standing: Verdict {
            is_due: false,
            action: None,
            severity: None,
            rules: Vec::new(),
            evaluate_at: since,
        },
    }
}

pub(crate) fn open(account: &Account, key: &HeldKey) -> Result<Principal, Error> {
    run(Principal::open(account, key))
}

/// Id, and how each key stands.
fn stands(seen: &[SeenKey]) -> Vec<(&str, Standing)> {
    seen.iter().map(|key| (key.id.as_str(), key.standing)).collect()
}

/// In which way it failed, and that no words of it hold a secret.
#[track_caller]
pub(crate) fn fault<T>(done: Result<T, Failed>, secrets: &[&str]) -> Fault {
    let Err(failed) = done else { panic!("it was done") };
    let shown = format!("{failed:?} {}", failed.1);
    for secret in secrets {
        assert!(!shown.contains(secret), "a secret is shown: {shown}");
    }
    failed.0
}

/// What was made, and that it cannot be printed.
#[track_caller]
pub(crate) fn made(done: Result<Minted, Failed>) -> Minted {
    let minted = done.unwrap();
    assert!(!format!("{minted:?}").contains(minted.secret.expose()));
    minted
}

#[test]
fn keys_that_nobody_can_be_asked_for_are_refused_with_what_to_do() {
    for (kind, why, hint) in [
        (AccountKind::Customer, "a key that we issue", "keytender keys rotate key_"),
        (AccountKind::Own, "a token of this installation", "keytender tokens create"),
        (AccountKind::Manual, "Keytender cannot reach acme", "keytender keys show key_"),
    ] {
        let account = Account { kind, ..account("acme", Access::default(), "hunter2") };
        let refused = open(&account, &held(Key::new("acme"))).unwrap_err();
        assert!(refused.explanation().contains(why), "{}", refused.report());
        assert!(refused.advice().unwrap().contains(hint), "{}", refused.report());
    }
    let gitlab = account("gitlab", Access::default(), "hunter2");
    let to = run(Principal::open_to(&gitlab, &held(Key::new("gitlab")), "deploy")).unwrap_err();
    assert!(to.report().contains("users of AWS accounts"), "{}", to.report());
}

/// An account of SendGrid's, whose keys hold their ids.
fn sendgrid(credential: &str) -> Account {
    account("sendgrid", Access::default(), credential)
}

fn sendgrid_key() -> HeldKey {
    held(Key {
        id: Some("abcdefghijklmnopqrstuv".into()),
        key_type: Some("api-key".into()),
        ..Key::new("sendgrid")
    })
}

#[test]
fn a_credential_that_holds_the_id_of_the_key_is_that_key() {
    for (credential, is_own) in
        [("SG.abcdefghijklmnopqrstuv.hunter2", true), ("SG.abcdefghijklmnopqrstuw.hunter2", false)]
    {
        let keys = open(&sendgrid(credential), &sendgrid_key()).unwrap();
        // Nobody is asked: SendGrid says of no credential which key it is.
        assert_eq!(run(keys.asks_by(keys.old_id())), Ok(is_own));
    }
}

#[test]
fn a_descriptor_that_may_only_read_rotates_nothing() {
    let text = keytender::connect::shelf::text("sendgrid").unwrap().to_owned();
    let access = Access { descriptor: Some(text), ..Access::default() };
    let reader = Account { access: access.clone(), ..sendgrid("SG.hunter2") };
    let refused = open(&reader, &sendgrid_key()).unwrap_err();
    assert!(refused.report().contains("trusted to read by GET alone"), "{}", refused.report());
    let writer = Account { access: Access { allow_writes: true, ..access }, ..reader };
    assert_eq!(open(&writer, &sendgrid_key()).unwrap().terms().way, Way::CreateThenDelete);
}

#[test]
fn what_is_not_known_of_a_key_is_brought_up_to_date_first() {
    let unknown = |key: Key<'static>| {
        let refused = open(&sendgrid("SG.hunter2"), &held(key)).unwrap_err();
        assert_eq!(refused.advice(), Some("bring it up to date: keytender sync work"));
        refused.explanation()
    };
    let key = sendgrid_key().record.key;
    assert!(unknown(Key { id: None, ..key.clone() }).contains("the id of key_"));
    assert!(unknown(Key { key_type: None, ..key.clone() }).contains("the kind of key_"));
    let within = vec!["somewhere".to_owned()];
    assert!(unknown(Key { within, ..key }).contains("the place of key_"));
}

/// Cloudflare takes a token that is disabled so far as to say that it is.
#[test]
fn a_key_that_says_of_itself_that_it_is_stopped_is_not_taken() {
    for (status, id, taken) in [
        ("active", "ed17", Ok(true)),
        ("disabled", "ed17", Ok(false)),
        ("expired", "ed17", Ok(false)),
        ("active", "ed18", Err(Fault::Refused)),
    ] {
        let answer = json!({"success": true, "result": {"id": id, "status": status}});
        let provider = Provider::start(move |_| good(answer.clone()));
        let access = Access {
            endpoint: Some(provider.url.to_string()),
            allow_private: true,
            hosts: ["api.cloudflare.com".to_owned()].into(),
            ..Access::default()
        };
        let key = Key {
            id: Some("ed16".into()),
            key_type: Some("user-token".into()),
            ..Key::new("cloudflare")
        };
        let keys = open(&account("cloudflare", access, "hunter2"), &held(key)).unwrap();
        let asked = run(keys.is_taken("ed17", &Secret::new("hunter3")));
        assert_eq!(asked.map_err(|failed| failed.0), taken, "{status} {id}");
        assert_eq!(provider.lines(), ["GET /client/v4/user/tokens/verify"]);
        assert_eq!(provider.came()[0].authorization(), "Bearer hunter3");
        provider.end();
    }
}

/// A server's tasks move between threads.
#[test]
fn its_calls_move_between_threads() {
    fn is_send<T: Send>(one: T) -> T {
        one
    }
    let keys = open(&sendgrid("SG.abcdefghijklmnopqrstuv.hunter2"), &sendgrid_key()).unwrap();
    let secret = Secret::new("hunter2");
    drop(is_send(keys.list()));
    drop(is_send(keys.create("m")));
    drop(is_send(keys.rotate()));
    drop(is_send(keys.is_taken("a", &secret)));
    drop(is_send(keys.disable("a")));
    drop(is_send(keys.delete("a")));
    assert_eq!(run(is_send(keys.asks_by(keys.old_id()))), Ok(true));
}
