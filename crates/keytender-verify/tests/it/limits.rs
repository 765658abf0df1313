//! Limits and quotas, which belong to apps.

use std::thread;

use keytender_verify::feed::{App, Key, Period, Quota, Rate, Snapshot, Spent, What};
use keytender_verify::{Accepted, Left, Reason, Request, Verifier};

use crate::sample::{app, at, changes, key, snapshot, text, time, token, verifier};

fn limited(app: App) -> Verifier {
    let verifier = verifier(vec![]);
    let all = Snapshot { apps: vec![app], ..snapshot(vec![key(1), key(2)]) };
    verifier.table().load(&all).unwrap();
    verifier
}

fn with_rate(limit: u32, window_seconds: u32, burst: Option<u32>) -> Verifier {
    limited(App { rate: Some(Rate { limit, window_seconds, burst }), ..app(1) })
}

fn with_quotas(quotas: Vec<Quota>) -> Verifier {
    limited(App { quotas, ..app(1) })
}

fn quota(period: Period, limit: u64, used: u64) -> Quota {
    Quota { period, limit, used, resets_at: time(100) }
}

fn ask(verifier: &Verifier, number: u64, cost: u32, seconds: i64) -> Result<Accepted, Reason> {
    let request = Request { cost, ..Request::default() };
    verifier.verify(&text(&token(number)), &request, at(seconds)).into_result()
}

fn left(limit: u32, window_seconds: u32, remaining: u64, reset_seconds: u64) -> Left {
    Left { limit, window_seconds, remaining, reset_seconds }
}

#[test]
fn the_keys_of_an_app_share_its_limit_and_get_it_back_with_time() {
    let verifier = with_rate(3, 60, None);
    for (number, remaining) in [(1, 2), (2, 1), (1, 0)] {
        let good = ask(&verifier, number, 1, 0).unwrap();
        assert_eq!(good.left, Some(left(3, 60, remaining, (3 - remaining) * 20)));
    }
    let empty = Reason::RateLimited { retry_after_seconds: 20, left: left(3, 60, 0, 60) };
    assert_eq!(ask(&verifier, 2, 1, 0), Err(empty));
    assert_eq!(ask(&verifier, 2, 1, 20).unwrap().left, Some(left(3, 60, 0, 60)));
    assert_eq!(ask(&verifier, 2, 3, 80).unwrap().left, Some(left(3, 60, 0, 60)));
    assert!(ask(&verifier, 1, 1, 99).is_err());
}

#[test]
fn a_burst_is_what_is_possible_at_once() {
    let verifier = with_rate(10, 1, Some(2));
    assert!(ask(&verifier, 1, 2, 0).is_ok());
    assert!(ask(&verifier, 1, 1, 0).is_err());
    assert!(ask(&verifier, 1, 3, 100).is_err(), "never so many at once");
    assert!(ask(&verifier, 1, 2, 100).is_ok());
    assert!(ask(&with_rate(0, 60, None), 1, 1, 0).is_err(), "a limit of none");
}

#[test]
fn a_clock_that_is_set_back_stops_nobody_for_longer_than_a_window() {
    let verifier = with_rate(2, 10, None);
    assert!(ask(&verifier, 1, 2, 0).is_ok());
    let Err(Reason::RateLimited { retry_after_seconds, .. }) = ask(&verifier, 1, 1, -86_400) else {
        panic!("it is empty");
    };
    assert_eq!(retry_after_seconds, 5);
}

#[test]
fn a_look_takes_nothing() {
    let verifier = with_rate(2, 60, None);
    let request = Request { is_dry: true, ..Request::default() };
    for _ in 0..5 {
        let good = verifier.verify(&text(&token(1)), &request, at(0)).into_result().unwrap();
        assert_eq!(good.left, Some(left(2, 60, 2, 0)));
    }
}

#[test]
fn a_limit_goes_on_after_a_snapshot_and_other_changes() {
    let rate = Some(Rate { limit: 2, window_seconds: 60, burst: None });
    let verifier = limited(App { rate, ..app(1) });
    assert!(ask(&verifier, 1, 2, 0).is_ok());
    let all = Snapshot { apps: vec![App { rate, ..app(1) }], ..snapshot(vec![key(1)]) };
    verifier.table().load(&all).unwrap();
    assert!(ask(&verifier, 1, 1, 0).is_err());
}

#[test]
fn several_threads_give_out_exactly_the_limit() {
    let verifier = with_rate(1_000, 60, None);
    let good = thread::scope(|scope| {
        let count = || (0..600).filter(|_| ask(&verifier, 1, 1, 0).is_ok()).count();
        let threads = [scope.spawn(count), scope.spawn(count), scope.spawn(count)];
        threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
    });
    assert_eq!(good, 1_000);
}

#[test]
fn a_quota_ends_what_the_rate_would_allow() {
    let verifier = with_quotas(vec![quota(Period::Day, 10, 8)]);
    assert!(ask(&verifier, 1, 1, 0).is_ok());
    assert!(ask(&verifier, 2, 1, 0).is_ok());
    let used_up = Reason::QuotaExceeded { retry_after_seconds: 90 };
    assert_eq!(ask(&verifier, 1, 1, 10), Err(used_up));
    assert!(ask(&verifier, 1, 10, 100).is_ok(), "the next day");
    assert!(ask(&verifier, 1, 1, 100).is_err());
}

#[test]
fn what_one_quota_refuses_the_other_does_not_count() {
    let verifier = with_quotas(vec![quota(Period::Day, 3, 0), quota(Period::Month, 2, 0)]);
    assert!(ask(&verifier, 1, 3, 0).is_err());
    assert!(ask(&verifier, 1, 2, 0).is_ok());
    let spent = Spent { app: app(1).app, quota: quota(Period::Month, 9, 0) };
    verifier.table().settle_quotas(&[spent]);
    assert!(ask(&verifier, 1, 1, 0).is_ok(), "one is left of the day");
    assert!(ask(&verifier, 1, 1, 0).is_err());
}

#[test]
fn a_quota_begins_when_it_is_given() {
    let verifier = with_quotas(vec![quota(Period::Month, 100, 0)]);
    assert!(ask(&verifier, 1, 5, 0).is_ok(), "before there is a quota for the day");
    let quotas = vec![quota(Period::Month, 100, 5), quota(Period::Day, 3, 1)];
    verifier.table().apply(&changes(10, [What::PutApp(App { quotas, ..app(1) })])).unwrap();
    assert!(ask(&verifier, 1, 2, 0).is_ok());
    assert!(ask(&verifier, 1, 1, 0).is_err());
    verifier.table().apply(&changes(11, [What::PutApp(app(1))])).unwrap();
    assert!(ask(&verifier, 1, 1_000, 0).is_ok(), "it was taken away");
}

#[test]
fn what_the_server_has_counted_is_not_counted_twice() {
    let verifier = with_quotas(vec![quota(Period::Month, 10, 0)]);
    let table = verifier.table();
    assert!(ask(&verifier, 1, 4, 0).is_ok());
    table.mark_quotas();
    assert!(ask(&verifier, 1, 3, 0).is_ok(), "after the batch was made");
    // Somebody else used one more.
    table.settle_quotas(&[Spent { app: app(1).app, quota: quota(Period::Month, 10, 5) }]);
    assert!(ask(&verifier, 1, 3, 0).is_err());
    assert!(ask(&verifier, 1, 2, 0).is_ok());
    table.apply(&changes(10, [What::PutKey(Key { label: Some("x".into()), ..key(1) })])).unwrap();
    assert!(ask(&verifier, 1, 1, 0).is_err());
}
