//! Each verdict, and each reason beside it.

use std::sync::Arc;
use std::time::Duration;

use keytender_core::id::{AccountId, ApiId, AppId, KeyId};
use keytender_core::token::Environment;
use keytender_verify::feed::{Key, State, What};
use keytender_verify::{Lease, Now, OnPartition, Reason, Request, Table, Verifier};

use crate::sample::{
    accepted, app, at, changes, key, refused, snapshot, text, time, token, token_of, verifier,
};

#[test]
fn a_good_key_is_accepted_with_all_that_is_known_of_it() {
    let rich = Key {
        scopes: vec!["write".into(), "read".into(), "read".into()],
        label: Some("ci".into()),
        replaced_by: Some(KeyId::from_i64(8)),
        expires_at: Some(time(60)),
        overlap_until: Some(time(90)),
        ..key(7)
    };
    let verifier = verifier(vec![rich, key(8)]);
    let good = accepted(&verifier, 7);
    assert_eq!((good.key, good.id), (KeyId::from_i64(7), token(7).id()));
    assert_eq!((good.app, good.account), (AppId::from_i64(1), AccountId::from_i64(101)));
    assert_eq!((good.api, good.environment), (ApiId::from_i64(1), Environment::Live));
    assert_eq!((good.ends_at, good.left), (Some(time(60)), None));
    assert!(!good.activates && !good.is_stale);
    assert_eq!(good.scopes(), [Box::from("read"), Box::from("write")]);
    assert_eq!((good.label(), good.replaced_by()), (Some("ci"), Some(KeyId::from_i64(8))));

    let plain = accepted(&verifier, 8);
    assert_eq!((plain.details, plain.ends_at), (None, None));
}

#[test]
fn what_is_no_token_is_malformed_and_what_nobody_was_given_is_unknown() {
    let verifier = verifier(vec![key(1)]);
    let say = |text: &str| verifier.verify(text, &Request::default(), at(0)).into_result().err();
    let good = text(&token(1));
    assert_eq!(say(&good), None);
    for bad in
        ["", "acme", "Bearer x", &good[1..], &format!("{good}0"), &good.replace("live", "test")]
    {
        assert_eq!(say(bad), Some(Reason::Malformed), "{bad}");
    }
    let mut mistyped = good.clone();
    mistyped.replace_range(30..31, if &good[30..31] == "a" { "b" } else { "a" });
    assert_eq!(say(&mistyped), Some(Reason::Malformed));

    assert_eq!(refused(&verifier, 2), Some(Reason::Unknown));
    for (brand, environment) in [("acme", Environment::Test), ("other", Environment::Live)] {
        let other = token_of(brand, environment, 1);
        assert_eq!(other.digest(), token(1).digest());
        assert_eq!(say(&text(&other)), Some(Reason::Unknown), "{brand}");
    }
    let wrong = Key { id: token(3).id(), ..key(2) };
    verifier.table().apply(&changes(10, [What::PutKey(wrong)])).unwrap();
    assert_eq!(refused(&verifier, 3), Some(Reason::Unknown), "another secret");
}

#[test]
fn a_token_whose_id_is_all_noughts_is_found_like_any_other() {
    let nought = keytender_core::token::Token::make(api_brand(), Environment::Live, &[0; 64]);
    let verifier = verifier(vec![key(1)]);
    let say = || verifier.verify(&text(&nought), &Request::default(), at(0)).into_result().err();
    assert_eq!(say(), Some(Reason::Unknown));
    let own = Key {
        id: nought.id(),
        digest: keytender_verify::feed::KeyDigest(nought.digest()),
        ..key(2)
    };
    verifier.table().apply(&changes(10, [What::PutKey(own)])).unwrap();
    assert_eq!(say(), None);
}

fn api_brand() -> keytender_core::token::Brand {
    crate::sample::api().brand
}

#[test]
fn each_state_says_why() {
    for (state, reason) in [
        (State::Pending, None),
        (State::Active, None),
        (State::Suspended, Some(Reason::Suspended)),
        (State::Revoked, Some(Reason::Revoked)),
        (State::Compromised, Some(Reason::Revoked)),
        (State::Expired, Some(Reason::Expired)),
        (State::Superseded, Some(Reason::Superseded)),
    ] {
        let verifier = verifier(vec![Key { state, ..key(1) }]);
        assert_eq!(refused(&verifier, 1), reason, "{state:?}");
    }
}

#[test]
fn a_key_works_until_the_first_of_its_ends() {
    let ends = |expires: Option<i64>, overlap: Option<i64>| Key {
        expires_at: expires.map(time),
        overlap_until: overlap.map(time),
        ..key(1)
    };
    for (key, reason) in [
        (ends(Some(1), Some(1)), None),
        (ends(Some(0), None), Some(Reason::Expired)),
        (ends(None, Some(0)), Some(Reason::Superseded)),
        (ends(Some(-1), Some(5)), Some(Reason::Expired)),
        (ends(Some(5), Some(-1)), Some(Reason::Superseded)),
        (ends(Some(4_000_000_000), None), None),
    ] {
        assert_eq!(refused(&verifier(vec![key.clone()]), 1), reason, "{key:?}");
    }
}

#[test]
fn a_suspended_app_or_account_stops_all_its_keys() {
    let verifier = verifier(vec![key(1), key(2)]);
    let mut seq = 10;
    let mut put = |app| {
        verifier.table().apply(&changes(seq, [What::PutApp(app)])).unwrap();
        seq += 1;
    };
    put(keytender_verify::feed::App { is_suspended: true, ..app(1) });
    assert_eq!(refused(&verifier, 1), Some(Reason::AppSuspended));
    put(keytender_verify::feed::App { is_account_suspended: true, ..app(1) });
    assert_eq!(refused(&verifier, 2), Some(Reason::AccountSuspended));
    put(app(1));
    assert_eq!(refused(&verifier, 1), None);
}

#[test]
fn a_key_may_be_used_only_from_its_networks() {
    let networks = vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
    let verifier = verifier(vec![Key { networks, ..key(1) }, key(2)]);
    let from = |number, address: Option<&str>| {
        let address = address.map(|address| address.parse().unwrap());
        let request = Request { address, ..Request::default() };
        verifier.verify(&text(&token(number)), &request, at(0)).into_result().err()
    };
    for good in ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1"] {
        assert_eq!(from(1, Some(good)), None, "{good}");
    }
    for bad in [Some("192.0.3.1"), Some("::1"), None] {
        assert_eq!(from(1, bad), Some(Reason::IpNotAllowed), "{bad:?}");
        assert_eq!(from(2, bad), None);
    }
}

#[test]
fn a_key_may_be_used_only_for_its_scopes() {
    let verifier = verifier(vec![Key { scopes: vec!["b".into(), "a".into()], ..key(1) }, key(2)]);
    let needs = |number, scopes: &[&str]| {
        let request = Request { scopes, ..Request::default() };
        verifier.verify(&text(&token(number)), &request, at(0)).into_result().err()
    };
    for good in [&[][..], &["a"], &["b"], &["b", "a"]] {
        assert_eq!(needs(1, good), None, "{good:?}");
    }
    assert_eq!(needs(1, &["a", "c"]), Some(Reason::ScopeMissing));
    assert_eq!(needs(2, &["a"]), Some(Reason::ScopeMissing), "no scopes are none");
    assert_eq!(needs(2, &[]), None);
}

#[test]
fn a_pending_key_becomes_active_by_a_use_and_not_by_a_look() {
    let verifier = verifier(vec![Key { state: State::Pending, ..key(1) }]);
    let ask = |is_dry| {
        let request = Request { is_dry, ..Request::default() };
        verifier.verify(&text(&token(1)), &request, at(0)).into_result().unwrap()
    };
    assert!(!ask(true).activates);
    assert!(ask(false).activates);
    verifier.table().apply(&changes(10, [What::PutKey(key(1))])).unwrap();
    assert!(!ask(false).activates, "the server has told it back");
}

#[test]
fn reasons_are_told_only_to_who_has_the_secret() {
    let revoked = Key { state: State::Revoked, ..key(1) };
    let verifier =
        verifier(vec![revoked, Key { id: token(3).id(), state: State::Revoked, ..key(2) }]);
    assert_eq!(refused(&verifier, 1), Some(Reason::Revoked));
    assert_eq!(refused(&verifier, 3), Some(Reason::Unknown));
}

#[test]
fn without_a_lease_nothing_is_said_and_after_it_what_was_agreed() {
    let now = |seconds: u64| Now { monotonic: Duration::from_secs(seconds), ..at(0) };
    for (on_partition, late, very_late) in [
        (OnPartition::Refuse, Err(Reason::Unavailable), Err(Reason::Unavailable)),
        (OnPartition::Serve, Ok(true), Err(Reason::Unavailable)),
    ] {
        let verifier = Verifier::new(Arc::new(Table::new()), Lease::new(on_partition));
        let ask = |number, seconds| {
            let verdict = verifier.verify(&text(&token(number)), &Request::default(), now(seconds));
            verdict.into_result().map(|good| good.is_stale)
        };
        assert_eq!(ask(1, 0), Err(Reason::Unavailable), "it knows nothing yet");
        verifier.table().load(&snapshot(vec![key(1)])).unwrap();
        assert_eq!(ask(1, 0), Err(Reason::Unavailable));
        verifier.lease().grant(Duration::from_secs(10));
        verifier.lease().grant(Duration::from_secs(9));
        assert_eq!((ask(1, 10), ask(2, 10)), (Ok(false), Err(Reason::Unknown)));
        assert_eq!(ask(1, 11), late);
        assert_eq!(ask(1, 610), late);
        assert_eq!(ask(1, 611), very_late);
        verifier.lease().grant(Duration::from_secs(700));
        assert_eq!(ask(1, 611), Ok(false));
        verifier.lease().revoke();
        assert_eq!(ask(1, 611), Err(Reason::Unavailable));
    }
}

#[test]
fn no_secret_is_printed() {
    let verifier = verifier(vec![key(1)]);
    let digest = token(1).digest().to_hex();
    let secret = &text(&token(1))[23..];
    let word = u64::from_le_bytes(token(1).digest().to_bytes()[..8].try_into().unwrap());
    let all = format!("{:?} {:?} {:?}", verifier, key(1), accepted(&verifier, 1));
    for hidden in [secret, &digest, &word.to_string()] {
        assert!(!all.contains(hidden));
    }
}
