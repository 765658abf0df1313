//! Keys that were issued elsewhere: recognised by what is kept of them, of their own API alone.

use keytender_core::id::{AppId, KeyId};
use keytender_core::imported::{Kept, Pepper, Way, WaySecret};
use keytender_core::token::{Brand, Digest};
use keytender_verify::feed::{FeedPepper, Imported, Key, KeyDigest, Snapshot, State, What};
use keytender_verify::{Accepted, Lease, Reason, Request, Table, Usage, Verdict, Verifier};

use crate::sample::{api, app, at, changes, key, snapshot, text, time, token};

/// What a customer shows.
const SHOWN: &str = "acme-7f3a.Zq81bnVw";

fn pepper(byte: u8) -> Pepper {
    Pepper::from_bytes([byte; 32])
}

fn imported(peppers: &[u8], rules: &[&str]) -> Imported {
    Imported {
        peppers: peppers.iter().map(|byte| FeedPepper(pepper(*byte))).collect(),
        rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
        keyed: Vec::new(),
    }
}

/// The key of a number, of which this is kept.
fn key_by(number: u64, digest: Digest) -> Key {
    Key { digest: KeyDigest(digest), is_imported: true, ..key(number) }
}

fn digest_by(pepper: &Pepper, rule: &str, shown: &str) -> Digest {
    Way::new(rule.parse().unwrap(), None).unwrap().digest(pepper, shown).unwrap()
}

fn told(imported: Imported, keys: Vec<Key>) -> Snapshot {
    let mut told = snapshot(keys);
    told.apis[0].imported = Some(imported);
    told
}

fn verifier(told: &Snapshot) -> Verifier {
    let verifier = Verifier::new(Table::new().into(), Lease::forever());
    verifier.table().load(told).unwrap();
    verifier
}

fn say(verifier: &Verifier, shown: &str) -> Result<Accepted, Reason> {
    verifier.verify(shown, &Request::default(), at(0)).into_result()
}

#[test]
fn a_key_is_recognised_by_what_is_kept_of_it() {
    let keys = vec![key_by(1, pepper(1).native(SHOWN)), key(2)];
    let verifier = verifier(&told(imported(&[1], &[]), keys));
    let good = say(&verifier, SHOWN).unwrap();
    assert_eq!((good.key, good.id, good.native), (KeyId::from_i64(1), token(1).id(), None));
    assert!(say(&verifier, &text(&token(2))).is_ok(), "tokens go their own way");
    assert_eq!(say(&verifier, "acme-7f3a.Zq81bnVx"), Err(Reason::Unknown));
    assert_eq!(say(&verifier, "short"), Err(Reason::Malformed));
    assert_eq!(say(&verifier, &"x".repeat(513)), Err(Reason::Malformed));
    assert_eq!(say(&verifier, "acme-7f3a.Zq81 bnV"), Err(Reason::Malformed));
}

#[test]
fn a_token_with_the_id_of_such_a_key_is_not_that_key() {
    let digest = pepper(1).native(SHOWN);
    let verifier = verifier(&told(imported(&[1], &[]), vec![key_by(1, digest)]));
    assert_eq!(say(&verifier, &text(&token(1))), Err(Reason::Unknown));
}

#[test]
fn a_hash_that_others_kept_leads_to_what_is_to_be_kept() {
    for rule in ["sha256 whole", "sha512 after-first:.", "sha256 after-last:."] {
        let known = digest_by(&pepper(1), rule, SHOWN);
        let other = vec!["sha512 whole", rule, "of a later version"];
        let verifier = verifier(&told(imported(&[1], &other), vec![key_by(1, known)]));
        let native = say(&verifier, SHOWN).unwrap().native.map(|native| *native);
        assert_eq!(native, Some(pepper(1).native(SHOWN)), "{rule}");
        assert_eq!(native, verifier.native(api().brand, SHOWN));
    }
}

#[test]
fn the_hash_of_one_part_is_not_that_of_another() {
    let known = digest_by(&pepper(1), "sha256 whole", "Zq81bnVw");
    let rules = ["sha256 whole", "sha256 after-first:."];
    let verifier = verifier(&told(imported(&[1], &rules), vec![key_by(1, known)]));
    assert!(say(&verifier, "Zq81bnVw").is_ok());
    assert_eq!(say(&verifier, SHOWN), Err(Reason::Unknown), "a prefix that nobody was given");
}

#[test]
fn an_hmac_needs_the_secret_of_the_issuer() {
    let rule = "hmac-sha256 whole".parse().unwrap();
    let way = Way::new(rule, Some(WaySecret::new(b"long ago".to_vec()))).unwrap();
    let known = way.digest(&pepper(1), SHOWN).unwrap();
    let mut imported = imported(&[1], &[]);
    let without = verifier(&told(imported.clone(), vec![key_by(1, known)]));
    assert_eq!(say(&without, SHOWN), Err(Reason::Unknown));
    imported.keyed.push(way);
    let sent = serde_json::to_string(&imported).unwrap();
    assert!(!sent.contains("keyed"), "it stays within the server");
    assert!(say(&verifier(&told(imported, vec![key_by(1, known)])), SHOWN).is_ok());
}

#[test]
fn a_pepper_that_was_replaced_still_counts_and_the_present_one_is_to_be() {
    let keys = vec![key_by(1, pepper(1).native(SHOWN))];
    let verifier = verifier(&told(imported(&[2, 1], &[]), keys));
    let native = say(&verifier, SHOWN).unwrap().native.map(|native| *native);
    assert_eq!(native, Some(pepper(2).native(SHOWN)));
    let keys = vec![key_by(1, pepper(1).native(SHOWN))];
    let verifier = self::verifier(&told(imported(&[2], &[]), keys));
    assert_eq!(say(&verifier, SHOWN), Err(Reason::Unknown));
}

#[test]
fn what_is_kept_can_change_while_the_key_stays_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let usage = Usage::open(&folder.path().join("uses"), "node", 16, 1).unwrap().usage;
    let known = digest_by(&pepper(1), "sha256 whole", SHOWN);
    let verifier = verifier(&told(imported(&[1], &["sha256 whole"]), vec![key_by(1, known)]))
        .with_usage(usage.clone());
    let native = *say(&verifier, SHOWN).unwrap().native.unwrap();
    for _ in 0..2 {
        // Twice: a change that is told again changes nothing.
        let seq = verifier.table().seq().unwrap();
        let put = What::PutKey(key_by(1, native));
        verifier.table().apply(&changes(seq, [put])).unwrap();
        assert_eq!(verifier.table().len(), 1);
        assert_eq!(say(&verifier, SHOWN).unwrap().native, None);
    }
    assert_eq!(usage.count(KeyId::from_i64(1), token(1).id()), 3, "one count, by one id");
    let digest = |digest: &Digest| {
        verifier.verify_by(digest, api().brand, &Request::default(), at(0)).into_result()
    };
    assert_eq!(digest(&known), Err(Reason::Unknown), "the hash is gone");
    assert!(digest(&native).is_ok());
    let seq = verifier.table().seq().unwrap();
    let gone = What::RemoveKey { key: KeyId::from_i64(1), id: token(1).id() };
    verifier.table().apply(&changes(seq, [gone])).unwrap();
    assert_eq!(say(&verifier, SHOWN), Err(Reason::Unknown));
    assert!(verifier.table().is_empty());
}

#[test]
fn keys_of_another_api_are_unknown() {
    let brand = |text: &str| Brand::parse(text).unwrap();
    let mut told = told(imported(&[1], &[]), vec![key_by(1, pepper(1).native(SHOWN))]);
    let other = keytender_verify::feed::Api {
        api: keytender_core::id::ApiId::from_i64(2),
        brand: brand("other"),
        imported: Some(imported(&[2], &[])),
    };
    told.apis.push(other.clone());
    let of_other =
        keytender_verify::feed::App { api: other.api, app: AppId::from_i64(2), ..app(2) };
    told.apps.push(of_other);
    told.keys.push(Key { app: AppId::from_i64(2), ..key_by(2, pepper(2).native(SHOWN)) });
    // Of the one API, kept under the pepper of the other: nobody could have made it so.
    told.keys.push(Key { app: AppId::from_i64(2), ..key_by(3, pepper(1).native("misplaced-key")) });
    let verifier = verifier(&told);
    let ask = |shown: &str, brand| {
        let request = Request { brand, ..Request::default() };
        verifier.verify(shown, &request, at(0)).into_result().map(|good| good.key.as_i64())
    };
    assert_eq!(ask(SHOWN, Some(brand("acme"))), Ok(1));
    assert_eq!(ask(SHOWN, Some(brand("other"))), Ok(2));
    assert_eq!(ask(SHOWN, Some(brand("third"))), Err(Reason::Unknown));
    assert_eq!(ask(SHOWN, None), Ok(1));
    assert_eq!(ask("misplaced-key", None), Err(Reason::Unknown));
    let token = text(&token(4));
    assert_eq!(ask(&token, Some(brand("other"))), Err(Reason::Unknown));
}

#[test]
fn such_a_key_is_refused_for_what_any_key_is_refused() {
    let kept = pepper(1).native(SHOWN);
    let network = "192.0.2.0/24".parse().unwrap();
    for (key, reason) in [
        (Key { state: State::Revoked, ..key_by(1, kept) }, Reason::Revoked),
        (Key { state: State::Suspended, ..key_by(1, kept) }, Reason::Suspended),
        (Key { expires_at: Some(time(-1)), ..key_by(1, kept) }, Reason::Expired),
        (Key { networks: vec![network], ..key_by(1, kept) }, Reason::IpNotAllowed),
    ] {
        let verifier = verifier(&told(imported(&[1], &[]), vec![key]));
        assert_eq!(say(&verifier, SHOWN), Err(reason));
    }
    let verifier = verifier(&told(imported(&[1], &[]), vec![key_by(1, kept)]));
    let request = Request { scopes: &["orders:read"], ..Request::default() };
    let verdict = verifier.verify(SHOWN, &request, at(0));
    assert_eq!(verdict, Verdict::Refused(Reason::ScopeMissing));
}

#[test]
fn who_knows_nothing_yet_refuses_nobody_for_good() {
    let verifier = Verifier::new(Table::new().into(), Lease::forever());
    assert_eq!(say(&verifier, SHOWN), Err(Reason::Unavailable));
    verifier.table().load(&snapshot(Vec::new())).unwrap();
    assert_eq!(say(&verifier, SHOWN), Err(Reason::Malformed), "no API has such keys");
    let lapsed =
        Verifier::new(Table::new().into(), Lease::new(keytender_verify::OnPartition::Refuse));
    let keys = vec![key_by(1, pepper(1).native(SHOWN))];
    lapsed.table().load(&told(imported(&[1], &[]), keys)).unwrap();
    assert_eq!(say(&lapsed, SHOWN), Err(Reason::Unavailable));
    assert_eq!(say(&lapsed, "a stranger's key"), Err(Reason::Malformed));
}

/// A million keys are too many for a test; some thousands make the table grow several times.
#[test]
fn many_of_them_are_found_while_the_table_grows() {
    let shown = |number: u64| format!("elsewhere-{number:08}");
    let verifier = verifier(&told(imported(&[1], &["sha256 whole"]), Vec::new()));
    for number in 0..5_000 {
        let known = match number % 2 {
            0 => pepper(1).native(&shown(number)),
            _ => digest_by(&pepper(1), "sha256 whole", &shown(number)),
        };
        let seq = verifier.table().seq().unwrap();
        let put = What::PutKey(key_by(number, known));
        verifier.table().apply(&changes(seq, [put])).unwrap();
    }
    for number in (0..5_000).step_by(2).map(|even| even + 1) {
        let native = say(&verifier, &shown(number)).unwrap().native.unwrap();
        let seq = verifier.table().seq().unwrap();
        let put = What::PutKey(key_by(number, *native));
        verifier.table().apply(&changes(seq, [put])).unwrap();
    }
    assert_eq!(verifier.table().len(), 5_000);
    for number in 0..5_000 {
        let good = say(&verifier, &shown(number)).unwrap();
        assert_eq!((good.key.as_i64(), good.native), (i64::try_from(number).unwrap(), None));
    }
    assert_eq!(say(&verifier, &shown(5_000)), Err(Reason::Unknown));
}

#[test]
fn an_older_feed_is_read_as_one_without_such_keys() {
    let told = told(imported(&[1], &["sha256 whole"]), vec![key_by(1, pepper(1).native(SHOWN))]);
    let sent = serde_json::to_value(&told).unwrap();
    assert_eq!(serde_json::from_value::<Snapshot>(sent).unwrap(), told);
    let plain = serde_json::to_string(&snapshot(vec![key(1)])).unwrap();
    assert!(!plain.contains("imported"), "{plain}");
    let kept = Kept::parse(None, &format!("sha256:{}", "0".repeat(64)));
    assert!(!format!("{told:?} {kept:?}").contains("0101"), "no pepper is shown");
}
