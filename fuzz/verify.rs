//! What the fuzzer does with its bytes as tokens before a verifier; the tests do the same with bytes of their own.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use keytender_core::id::{AccountId, ApiId, AppId, KeyId};
use keytender_core::time::Time;
use keytender_core::token::{Brand, Environment, RANDOM_BYTES, Token};
use keytender_verify::feed::{Api, App, Key, KeyDigest, Snapshot, State};
use keytender_verify::{Lease, Now, Reason, Request, Table, Verdict, Verifier};

/// A verifier that knows one key, and the text of its token.
static KNOWN: LazyLock<(Verifier, String)> = LazyLock::new(|| {
    let token = made(&[7; RANDOM_BYTES]);
    let (api, app) = (ApiId::from_i64(1), AppId::from_i64(1));
    let mut snapshot = Snapshot::empty(1);
    snapshot.apis.push(Api { api, brand: token.brand(), imported: None });
    snapshot.apps.push(App {
        app,
        account: AccountId::from_i64(1),
        api,
        is_suspended: false,
        is_account_suspended: false,
        rate: None,
        quotas: Vec::new(),
    });
    snapshot.keys.push(Key {
        key: KeyId::from_i64(1),
        id: token.id(),
        digest: KeyDigest(token.digest()),
        app,
        environment: Environment::Live,
        state: State::Active,
        expires_at: None,
        overlap_until: None,
        scopes: Vec::new(),
        networks: Vec::new(),
        label: None,
        replaced_by: None,
        is_imported: false,
    });
    let table = Arc::new(Table::new());
    table.load(&snapshot).expect("the snapshot is sound");
    (Verifier::new(table, Lease::forever()), token.to_secret().expose().to_owned())
});

fn made(random: &[u8; RANDOM_BYTES]) -> Token {
    let brand = Brand::parse("acme").expect("it is one");
    Token::make(brand, Environment::Live, random)
}

fn verdict(text: &str) -> Verdict {
    let now = Now { time: Time::from_unix_seconds(1_795_478_400), monotonic: Duration::ZERO };
    KNOWN.0.verify(text, &Request::default(), now)
}

/// Shows `bytes` to a verifier as a token; as the random bytes of one; and as what was changed in a good one. Nothing
/// may panic, and nothing but the good one is good.
pub(crate) fn verify(bytes: &[u8]) {
    let good = &KNOWN.1;
    let text = String::from_utf8_lossy(bytes);
    match verdict(&text) {
        Verdict::Accepted(_) => assert_eq!(&text, good),
        Verdict::Refused(Reason::Malformed) => assert!(Token::parse(&text).is_err()),
        Verdict::Refused(reason) => assert_eq!(reason, Reason::Unknown),
    }
    if let Some(random) = bytes.first_chunk::<RANDOM_BYTES>() {
        let token = made(random).to_secret();
        let expected = token.expose() == good;
        assert_eq!(matches!(verdict(token.expose()), Verdict::Accepted(_)), expected);
    }
    let changed: Vec<u8> = good
        .bytes()
        .enumerate()
        .map(|(place, letter)| letter ^ bytes.get(place).unwrap_or(&0))
        .collect();
    let changed = String::from_utf8_lossy(&changed);
    assert_eq!(matches!(verdict(&changed), Verdict::Accepted(_)), changed == good.as_str());
}
