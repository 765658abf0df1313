//! Any changes and verifications, held against a map that is too simple to be wrong; and readers beside a writer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use keytender_core::id::{AppId, KeyId};
use keytender_verify::feed::{App, Key, Snapshot, State, What};
use keytender_verify::{Reason, Request, Verdict};
use proptest::prelude::*;

use crate::harness;
use crate::sample::{app, at, changes, key, refused, snapshot, text, time, token, verifier};

const KEYS: u64 = 12;
const APPS: i64 = 3;

#[derive(Clone, Debug)]
enum Step {
    Put(Key),
    PutApp(App),
    Remove(u64),
    RemoveApp(i64),
    Snapshot(Vec<Key>),
    /// Changes that are known already come again.
    Repeat,
    Verify {
        number: u64,
        scope: bool,
        seconds: i64,
    },
}

fn states() -> impl Strategy<Value = State> {
    use State::{Active, Compromised, Expired, Pending, Revoked, Superseded, Suspended};
    prop::sample::select(vec![
        Active,
        Active,
        Active,
        Pending,
        Suspended,
        Revoked,
        Compromised,
        Expired,
        Superseded,
    ])
}

fn keys() -> impl Strategy<Value = Key> {
    let end = || prop::option::weighted(0.3, (-3_i64..4).prop_map(time));
    let rest = (prop::bool::ANY, prop::option::of("[a-c]"), prop::option::of(0_i64..3));
    (0..KEYS, 1..=APPS, states(), end(), end(), rest).prop_map(
        |(number, app, state, expires_at, overlap_until, (is_reader, label, next))| Key {
            app: AppId::from_i64(app),
            state,
            expires_at,
            overlap_until,
            scopes: if is_reader { vec!["read".into()] } else { vec![] },
            label,
            replaced_by: next.map(KeyId::from_i64),
            ..key(number)
        },
    )
}

fn steps() -> impl Strategy<Value = Step> {
    let apps = (1..=APPS, prop::bool::weighted(0.2), prop::bool::weighted(0.2));
    let verify = (0..KEYS, prop::bool::ANY, -3_i64..4);
    prop_oneof![
        6 => keys().prop_map(Step::Put),
        2 => apps.prop_map(|(number, is_suspended, is_account_suspended)| {
            Step::PutApp(App { is_suspended, is_account_suspended, ..app(number) })
        }),
        1 => (0..KEYS).prop_map(Step::Remove),
        1 => (1..=APPS).prop_map(Step::RemoveApp),
        1 => prop::collection::vec(keys(), 0..8).prop_map(Step::Snapshot),
        1 => Just(Step::Repeat),
        8 => verify.prop_map(|(number, scope, seconds)| Step::Verify { number, scope, seconds }),
    ]
}

/// What is known, and nothing else.
#[derive(Default)]
struct Model {
    keys: HashMap<u64, Key>,
    apps: HashMap<AppId, App>,
}

impl Model {
    fn put(&mut self, key: &Key) {
        self.keys.insert(u64::try_from(key.key.as_i64()).unwrap(), key.clone());
    }

    fn verdict(&self, number: u64, scope: bool, seconds: i64) -> Result<&Key, Reason> {
        let key = self.keys.get(&number).ok_or(Reason::Unknown)?;
        let app = self.apps.get(&key.app).ok_or(Reason::Unknown)?;
        match key.state {
            State::Pending | State::Active => {}
            State::Suspended => return Err(Reason::Suspended),
            State::Revoked | State::Compromised => return Err(Reason::Revoked),
            State::Expired => return Err(Reason::Expired),
            State::Superseded => return Err(Reason::Superseded),
        }
        let far = time(1_000_000);
        let (expiry, overlap) = (key.expires_at.unwrap_or(far), key.overlap_until.unwrap_or(far));
        if expiry.min(overlap) <= time(seconds) {
            return Err(if overlap < expiry { Reason::Superseded } else { Reason::Expired });
        }
        match () {
            () if app.is_suspended => Err(Reason::AppSuspended),
            () if app.is_account_suspended => Err(Reason::AccountSuspended),
            () if scope && key.scopes.is_empty() => Err(Reason::ScopeMissing),
            () => Ok(key),
        }
    }
}

/// The changes of a step, which the model makes as well.
fn act(model: &mut Model, step: &Step) -> Option<What> {
    match step {
        Step::Put(key) => {
            model.put(key);
            Some(What::PutKey(key.clone()))
        }
        Step::PutApp(app) => {
            model.apps.insert(app.app, app.clone());
            Some(What::PutApp(app.clone()))
        }
        Step::Remove(number) => {
            model.keys.remove(number);
            Some(What::RemoveKey { key: key(*number).key, id: token(*number).id() })
        }
        Step::RemoveApp(number) => {
            model.apps.remove(&AppId::from_i64(*number));
            Some(What::RemoveApp { app: AppId::from_i64(*number) })
        }
        Step::Snapshot(_) | Step::Repeat | Step::Verify { .. } => None,
    }
}

proptest! {
    #[test]
    fn any_changes_lead_to_the_verdicts_of_a_simple_map(steps in prop::collection::vec(steps(), 1..60)) {
        let verifier = verifier(vec![]);
        let mut model = Model { apps: [(app(1).app, app(1))].into(), ..Model::default() };
        let (mut seq, mut all) = (10, Vec::new());
        for step in &steps {
            if let Some(what) = act(&mut model, step) {
                let new = changes(seq, [what]);
                seq = new.through;
                verifier.table().apply(&new).unwrap();
                all.push(new);
            }
            match step {
                Step::Snapshot(keys) => {
                    model = Model { apps: [(app(1).app, app(1))].into(), ..Model::default() };
                    keys.iter().for_each(|key| model.put(key));
                    verifier.table().load(&Snapshot { seq, ..snapshot(keys.clone()) }).unwrap();
                }
                Step::Repeat => all.iter().for_each(|old| verifier.table().apply(old).unwrap()),
                Step::Verify { number, scope, seconds } => {
                    let scopes: &[&str] = if *scope { &["read"] } else { &[] };
                    let request = Request { scopes, ..Request::default() };
                    let found = verifier.verify(&text(&token(*number)), &request, at(*seconds));
                    let expected = model.verdict(*number, *scope, *seconds);
                    let told = found.into_result();
                    let told = told.as_ref().map(|good| {
                        (good.key, good.app, good.label(), good.replaced_by(), good.activates)
                    });
                    let expected = expected.map(|key| {
                        let is_pending = key.state == State::Pending;
                        (key.key, key.app, key.label.as_deref(), key.replaced_by, is_pending)
                    });
                    prop_assert_eq!(told, expected.as_ref().copied());
                }
                _ => {}
            }
        }
        prop_assert_eq!(verifier.table().len(), model.keys.len());
    }

    #[test]
    fn any_bytes_are_no_good_token(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        harness::verify(&bytes);
    }

    #[test]
    fn a_good_token_with_few_changes_is_no_good_token(place in 0_usize..62, bit in 0..8) {
        let mut bytes = vec![0; place];
        bytes.push(1_u8 << bit);
        harness::verify(&bytes);
    }

    #[test]
    fn no_text_is_a_good_token(text in "[a-z0-9_A-Z]{0,80}") {
        let verifier = verifier(vec![key(1)]);
        let verdict = verifier.verify(&text, &Request::default(), at(0));
        prop_assert_eq!(verdict, Verdict::Refused(Reason::Malformed));
    }
}

#[test]
fn readers_beside_a_writer_see_each_key_as_it_was_or_is() {
    let verifier = verifier((0..200).map(key).collect());
    let is_over = AtomicBool::new(false);
    // A key whose scopes and label always belong together, whatever is read when.
    let version = |number: u64, version: u64| Key {
        scopes: vec![format!("v{version}")],
        label: Some(format!("v{version}")),
        ..key(number)
    };
    thread::scope(|scope| {
        let read = || {
            let mut count = 0;
            while !is_over.load(Ordering::Relaxed) {
                for number in 0..200 {
                    let good = crate::sample::accepted(&verifier, number);
                    assert_eq!(good.key, key(number).key);
                    assert_eq!(good.label(), good.scopes().first().map(AsRef::as_ref));
                    count += 1;
                }
                assert_eq!(refused(&verifier, 9_999_999), Some(Reason::Unknown));
            }
            count
        };
        let readers = [scope.spawn(read), scope.spawn(read)];
        let mut seq = 10;
        for round in 0..20 {
            // New keys make the table grow meanwhile, and old details are let go.
            let own = (0..200).map(|number| What::PutKey(version(number, round)));
            let new =
                (0..300).map(|number| What::PutKey(version(1_000 + round * 300 + number, round)));
            let all = changes(seq, own.chain(new));
            seq = all.through;
            verifier.table().apply(&all).unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
        assert!(readers.into_iter().all(|reader| reader.join().unwrap() > 0));
    });
    assert_eq!(verifier.table().len(), 200 + 20 * 300);
}
