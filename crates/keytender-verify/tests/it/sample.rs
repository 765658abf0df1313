//! An API with apps and keys, made up.

use std::sync::Arc;
use std::time::Duration;

use keytender_core::id::{AccountId, ApiId, AppId, KeyId};
use keytender_core::time::Time;
use keytender_core::token::{Brand, Environment, RANDOM_BYTES, Token};
use keytender_verify::feed::{
    Api, App, Change, Changes, Key, KeyDigest, Snapshot, State, VERSION, What,
};
use keytender_verify::{Accepted, Lease, Now, Reason, Request, Table, Verdict, Verifier};

/// When the tests take place.
pub(crate) const NOW: i64 = 1_795_478_400;

/// A moment so many seconds after [`NOW`].
pub(crate) fn at(seconds: i64) -> Now {
    let monotonic = Duration::from_secs(1_000 + u64::try_from(seconds.max(0)).unwrap());
    Now { time: Time::from_unix_seconds(NOW + seconds), monotonic }
}

/// The same, for the ends of keys.
pub(crate) fn time(seconds: i64) -> Time {
    at(seconds).time
}

/// The token of a number, of an API and environment.
pub(crate) fn token_of(brand: &str, environment: Environment, number: u64) -> Token {
    let mut random = [0; RANDOM_BYTES];
    // A multiplier of Steele and Vigna (2021), so that the letters of neighbours differ.
    let spread = number.wrapping_add(1).wrapping_mul(0xd134_2543_de82_ef95);
    random[16..24].copy_from_slice(&spread.to_be_bytes());
    random[40..48].copy_from_slice(&number.to_be_bytes());
    Token::make(Brand::parse(brand).unwrap(), environment, &random)
}

/// A token of [`api`].
pub(crate) fn token(number: u64) -> Token {
    token_of("acme", Environment::Live, number)
}

/// Its text.
pub(crate) fn text(token: &Token) -> String {
    token.to_secret().expose().to_owned()
}

pub(crate) fn api() -> Api {
    Api { api: ApiId::from_i64(1), brand: Brand::parse("acme").unwrap(), imported: None }
}

pub(crate) fn app(number: i64) -> App {
    App {
        app: AppId::from_i64(number),
        account: AccountId::from_i64(100 + number),
        api: api().api,
        is_suspended: false,
        is_account_suspended: false,
        rate: None,
        quotas: Vec::new(),
    }
}

/// The active key of a token, of app 1.
pub(crate) fn key(number: u64) -> Key {
    let token = token(number);
    Key {
        key: KeyId::from_i64(i64::try_from(number).unwrap()),
        id: token.id(),
        digest: KeyDigest(token.digest()),
        app: AppId::from_i64(1),
        environment: Environment::Live,
        state: State::Active,
        expires_at: None,
        overlap_until: None,
        scopes: Vec::new(),
        networks: Vec::new(),
        label: None,
        replaced_by: None,
        is_imported: false,
    }
}

/// All of it: the API, app 1, and these keys.
pub(crate) fn snapshot(keys: Vec<Key>) -> Snapshot {
    Snapshot { apis: vec![api()], apps: vec![app(1)], keys, ..Snapshot::empty(10) }
}

/// Changes after one number, one each.
pub(crate) fn changes(after: u64, whats: impl IntoIterator<Item = What>) -> Changes {
    let changes: Vec<Change> =
        (after + 1..).zip(whats).map(|(seq, what)| Change { seq, what }).collect();
    Changes { version: VERSION, after, through: after + changes.len() as u64, changes }
}

/// A verifier that knows these keys, for ever.
pub(crate) fn verifier(keys: Vec<Key>) -> Verifier {
    let verifier = Verifier::new(Arc::new(Table::new()), Lease::forever());
    verifier.table().load(&snapshot(keys)).unwrap();
    verifier
}

/// What a verifier says of a token that asks for nothing.
pub(crate) fn verdict(verifier: &Verifier, number: u64) -> Verdict {
    verifier.verify(&text(&token(number)), &Request::default(), at(0))
}

/// Why it is refused.
pub(crate) fn refused(verifier: &Verifier, number: u64) -> Option<Reason> {
    verdict(verifier, number).into_result().err()
}

/// What is said of a good one.
pub(crate) fn accepted(verifier: &Verifier, number: u64) -> Accepted {
    verdict(verifier, number).into_result().unwrap()
}
