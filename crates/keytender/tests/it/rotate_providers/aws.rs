//! AWS: at moto's server, at a stricter fake of IAM, and where answers are lost on their way.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use keytender::app::rotate::provider::Principal;
use keytender::store::accounts::{Access, Account as Reached};
use keytender::store::keys::HeldKey;
use keytender_core::key::{Key as Known, PrincipalKind};
use keytender_core::rotation::{Fault, Standing, UseSeen, Way};
use keytender_core::secret::Secret;
use keytender_core::time::Span;

use super::{account, fault, held, made, open, stands};
use crate::descriptor::provider::{Came, Provider, Reply};
use crate::fake_iam::{
    AUDITOR_KEY_ID, AUDITOR_SECRET, Account, FakeIam, Key, Report, Root, User, at,
};
use crate::moto::Partners;
use crate::notify::run;

const OLD: &str = "AKIADEPLOY0000000001";

/// AWS's answer at this address, by these credentials.
fn reached(url: &str, credential: &str) -> Reached {
    let endpoint = Some(url.to_owned());
    let access = Access { endpoint, allow_private: true, ..Access::default() };
    account("aws", access, credential)
}

fn key_of(user: &str, id: &str) -> HeldKey {
    held(Known {
        id: Some(id.to_owned().into()),
        principal: Some(user.to_owned().into()),
        principal_kind: Some(PrincipalKind::User),
        ..Known::new("aws")
    })
}

/// A user of moto with one key, and its id.
fn moto_user(partners: &Partners, name: &str) -> String {
    partners.aws(&format!("iam create-user --user-name {name}"));
    let made = partners.aws(&format!("iam create-access-key --user-name {name}"));
    made["AccessKey"]["AccessKeyId"].as_str().unwrap().to_owned()
}

fn strict() -> Account {
    let born = at("2024-06-15T12:00:00Z");
    let deploy = User::new("deploy", born).key(Key::new(OLD, born));
    Account::new("123456789012", at("2026-11-24T00:00:00Z")).user(deploy)
}

fn at_fake(fake: &FakeIam) -> Principal {
    let reached = reached(&fake.url(), &format!("{AUDITOR_KEY_ID} {AUDITOR_SECRET}"));
    open(&reached, &key_of("deploy", OLD)).unwrap()
}

fn sent(provider: &Provider, action: &str) -> usize {
    let is_one = |came: &&Came| came.body.contains(&format!("Action={action}"));
    provider.came().iter().filter(is_one).count()
}

/// What comes in the place of an answer, if anything does.
type Cut = fn(&Came) -> Option<Reply>;

/// What stands in front of moto: it passes each request on, and the answer back unless `cuts` says otherwise
/// once it has come. The secrets that it saw are kept.
fn in_front(moto: String, cuts: Cut) -> (Provider, Arc<Mutex<Vec<String>>>) {
    let secrets = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&secrets);
    let provider = Provider::start(move |came| {
        let (status, body) = run(async {
            let mut request = reqwest::Client::new().post(&moto).body(came.body.clone());
            for (name, value) in came.headers.as_object().unwrap() {
                if !["host", "content-length", "connection"].contains(&name.as_str()) {
                    request = request.header(name, value.as_str().unwrap());
                }
            }
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        });
        let secret = body.split("<SecretAccessKey>").nth(1);
        let secret = secret.and_then(|rest| rest.split('<').next()).map(str::to_owned);
        seen.lock().unwrap().extend(secret);
        let headers = vec![("content-type", "text/xml".to_owned())];
        cuts(came).unwrap_or(Reply::Whole(status, headers, body))
    });
    (provider, secrets)
}

#[test]
fn a_key_is_made_tried_stopped_let_work_again_and_deleted() {
    let Some(partners) = Partners::find() else { return };
    let old = moto_user(&partners, "rotor-whole");
    let keys = open(&reached(partners.url(), "testing testing"), &key_of("rotor-whole", &old));
    let keys = keys.unwrap();
    let terms = keys.terms();
    assert_eq!((terms.way, keys.old_id()), (Way::CreateThenDelete, old.as_str()));
    let able = &terms.able;
    assert!(able.list && !able.label && able.disable && able.try_new);
    let minutes = |exact: Span| exact.as_micros() / 60_000_000;
    let exact = able.last_use.unwrap();
    assert_eq!((able.slots, minutes(exact.granularity), minutes(exact.lag)), (Some(2), 15, 240));
    let before = run(keys.list()).unwrap();
    assert_eq!(stands(&before), [(old.as_str(), Standing::Active)]);
    assert_eq!((&before[0].last_use, &before[0].label), (&UseSeen::Never, &None));

    let new = made(run(keys.create("keytender-0000000000000001")));
    assert!(run(keys.is_taken(&new.id, &new.secret)).unwrap());
    let seen = run(keys.list()).unwrap();
    let mut ids = stands(&seen);
    ids.sort_unstable_by_key(|(id, _)| *id != old);
    assert_eq!(ids, [(old.as_str(), Standing::Active), (new.id.as_str(), Standing::Active)]);
    let tried = seen.iter().find(|key| key.id == new.id).unwrap();
    let UseSeen::At { place: Some(place), .. } = &tried.last_use else { panic!("{tried:?}") };
    assert!(place.starts_with("sts"), "{place}");
    // There is room for two.
    assert_eq!(fault(run(keys.create("keytender-0000000000000002")), &[]), Fault::Full);
    assert_eq!(fault(run(keys.rotate()), &[]), Fault::Refused);

    let standing = || {
        let seen = run(keys.list()).unwrap();
        seen.iter().find(|key| key.id == old).map(|key| key.standing)
    };
    for _ in 0..2 {
        run(keys.disable(&old)).unwrap();
        assert_eq!(standing(), Some(Standing::Suspended));
    }
    run(keys.enable(&old)).unwrap();
    assert_eq!(standing(), Some(Standing::Active));
    run(keys.disable(&old)).unwrap();
    for _ in 0..2 {
        run(keys.delete(&old)).unwrap();
        assert_eq!(standing(), None);
    }
    let left = partners.aws("iam list-access-keys --user-name rotor-whole");
    assert_eq!(left["AccessKeyMetadata"].as_array().unwrap().len(), 1);
    assert_eq!(left["AccessKeyMetadata"][0]["AccessKeyId"], new.id.as_str());
    run(keys.delete(&new.id)).unwrap();
    partners.aws("iam delete-user --user-name rotor-whole");
    // A user that is gone has no keys, and is given none.
    assert!(run(keys.list()).unwrap().is_empty());
    run(keys.disable(&old)).unwrap();
    assert_eq!(fault(run(keys.create("m")), &[]), Fault::Refused);
}

#[test]
fn a_key_whose_answer_is_lost_is_lost_and_asked_for_once() {
    let Some(partners) = Partners::find() else { return };
    let is_making = |came: &Came| came.body.contains("Action=CreateAccessKey");
    let cuts: [(&str, Cut); 4] = [
        ("closed", |_| Some(Reply::Close)),
        ("half", |_| Some(Reply::Half)),
        ("unavailable", |_| Some(Reply::Whole(503, Vec::new(), String::new()))),
        ("unreadable", |_| Some(Reply::Whole(200, Vec::new(), "<html>".to_owned()))),
    ];
    for (name, cut) in cuts {
        let user = format!("rotor-{name}");
        let old = moto_user(&partners, &user);
        let (front, secrets) = in_front(partners.url().to_owned(), cut);
        let keys = open(&reached(front.url.as_str(), "testing testing"), &key_of(&user, &old));
        let keys = keys.unwrap();
        let done = run(keys.create("keytender-0000000000000003"));
        let lost = secrets.lock().unwrap().clone();
        assert_eq!(lost.len(), 1, "{name}: moto made a key");
        assert_eq!(fault(done, &[&lost[0]]), Fault::Lost, "{name}");
        assert_eq!(sent(&front, "CreateAccessKey"), 1, "{name}");
        assert!(front.came().iter().all(is_making), "{name}: {:?}", front.lines());
        front.end();
        // It is there, and only the list tells.
        let direct = reached(partners.url(), "testing testing");
        let direct = open(&direct, &key_of(&user, &old)).unwrap();
        let seen = run(direct.list()).unwrap();
        assert_eq!(seen.len(), 2, "{name}");
        for key in seen {
            run(direct.delete(&key.id)).unwrap();
        }
        partners.aws(&format!("iam delete-user --user-name {user}"));
    }
}

#[test]
fn a_lost_answer_to_what_can_be_asked_again_is_no_harm() {
    let Some(partners) = Partners::find() else { return };
    let old = moto_user(&partners, "rotor-again");
    // The first answer to each is lost; the SDK asks again.
    let (front, _) = in_front(partners.url().to_owned(), |came| {
        static LOST: Mutex<Vec<String>> = Mutex::new(Vec::new());
        let mut lost = LOST.lock().unwrap();
        let is_new = !lost.contains(&came.body);
        lost.push(came.body.clone());
        is_new.then_some(Reply::Close)
    });
    let keys = open(&reached(front.url.as_str(), "testing testing"), &key_of("rotor-again", &old));
    let keys = keys.unwrap();
    run(keys.disable(&old)).unwrap();
    assert_eq!(stands(&run(keys.list()).unwrap()), [(old.as_str(), Standing::Suspended)]);
    run(keys.delete(&old)).unwrap();
    assert!(run(keys.list()).unwrap().is_empty());
    assert_eq!((sent(&front, "UpdateAccessKey"), sent(&front, "DeleteAccessKey")), (2, 2));
    front.end();
    partners.aws("iam delete-user --user-name rotor-again");
}

#[test]
fn what_aws_says_of_a_key_that_it_does_not_make_is_told_apart() {
    let born = at("2024-06-15T12:00:00Z");
    let cases = [
        ("throttled", strict().throttle_every(1), Fault::Later),
        ("denied", strict().deny("CreateAccessKey"), Fault::Refused),
        ("down", strict().fail_everything(503, "ServiceUnavailable"), Fault::Lost),
        ("broken", strict().fail_everything(500, "ServiceFailure"), Fault::Lost),
    ];
    for (name, account, wanted) in cases {
        let fake = FakeIam::start(account);
        let keys = at_fake(&fake);
        assert_eq!(fault(run(keys.create("m")), &[AUDITOR_SECRET]), wanted, "{name}");
        assert_eq!(fake.calls().get("CreateAccessKey"), Some(&1), "{name}");
        assert_eq!(fake.with_account(|account| account.user_mut("deploy").keys.len()), 1, "{name}");
    }
    let mut full = strict();
    full.user_mut("deploy").keys.push(Key::new("AKIADEPLOY0000000002", born).inactive());
    let fake = FakeIam::start(full);
    assert_eq!(fault(run(at_fake(&fake).create("m")), &[]), Fault::Full);
    // Nobody listens, so nothing was sent.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = reached(&format!("http://{free}"), &format!("{AUDITOR_KEY_ID} {AUDITOR_SECRET}"));
    let keys = open(&nobody, &key_of("deploy", OLD)).unwrap();
    assert_eq!(fault(run(keys.create("m")), &[AUDITOR_SECRET]), Fault::Later);
    // A credential that AWS does not know.
    let fake = FakeIam::start(strict());
    let stranger = reached(&fake.url(), "AKIASTRANGER00000001 hunter2");
    let keys = open(&stranger, &key_of("deploy", OLD)).unwrap();
    assert_eq!(fault(run(keys.create("m")), &["hunter2"]), Fault::Refused);
    assert_eq!(fault(run(keys.list()), &["hunter2"]), Fault::Refused);
}

#[test]
fn an_account_that_is_not_entered_makes_no_key() {
    let fake = FakeIam::start(strict());
    let shut = reached(&fake.url(), &format!("{AUDITOR_KEY_ID} {AUDITOR_SECRET}"));
    let role = Some("arn:aws:iam::123456789012:role/nobody".to_owned());
    let shut = Reached { access: Access { role, ..shut.access.clone() }, ..shut };
    let keys = open(&shut, &key_of("deploy", OLD)).unwrap();
    let failed = run(keys.create("m")).unwrap_err();
    assert_eq!(failed.0, Fault::Refused, "{}", failed.1);
    assert!(failed.1.contains("sts:AssumeRole"), "{}", failed.1);
    assert_eq!(fake.calls().get("CreateAccessKey"), None);
}

#[test]
fn an_error_of_the_last_use_is_unknown_and_never_never() {
    let fake = FakeIam::start(strict().deny("GetAccessKeyLastUsed"));
    let seen = run(at_fake(&fake).list()).unwrap();
    let UseSeen::Unknown(why) = &seen[0].last_use else { panic!("{seen:?}") };
    assert!(why.contains("iam:GetAccessKeyLastUsed"), "{why}");
    let mut used = strict();
    used.user_mut("deploy").keys.clear();
    let key = Key::new(OLD, at("2024-06-15T12:00:00Z"));
    let key = key.used(at("2026-11-23T09:00:00Z"), "eu-west-1", "s3");
    used.user_mut("deploy").keys.push(key);
    let seen = run(at_fake(&FakeIam::start(used)).list()).unwrap();
    let UseSeen::At { at, place } = &seen[0].last_use else { panic!("{seen:?}") };
    assert_eq!(
        (at.to_string().as_str(), place.as_deref()),
        ("2026-11-23T09:00:00Z", Some("s3 in eu-west-1"))
    );
    let fake = FakeIam::start(strict().deny("ListAccessKeys"));
    assert_eq!(fault(run(at_fake(&fake).list()), &[]), Fault::Refused);
}

#[test]
fn a_key_is_taken_while_it_works_and_only_as_its_own_user() {
    let fake = FakeIam::start(strict());
    let keys = at_fake(&fake);
    let new = made(run(keys.create("m")));
    assert!(run(keys.is_taken(&new.id, &new.secret)).unwrap());
    fake.with_account(|account| account.key_mut(&new.id).active = false);
    assert!(!run(keys.is_taken(&new.id, &new.secret)).unwrap());
    assert!(!run(keys.is_taken("AKIANOBODY0000000001", &Secret::new("hunter2"))).unwrap());
    let another = run(keys.is_taken(AUDITOR_KEY_ID, &Secret::new(AUDITOR_SECRET)));
    assert_eq!(fault(another, &[AUDITOR_SECRET]), Fault::Refused);
    // Nobody can say: that is no.
    fake.with_account(|account| {
        account.behaviour.fail_everything = Some((500, "ServiceFailure".to_owned()));
    });
    let calls = fake.calls()["GetCallerIdentity"];
    assert_eq!(
        fault(run(keys.is_taken(&new.id, &new.secret)), &[new.secret.expose()]),
        Fault::Later
    );
    assert_eq!(fake.calls()["GetCallerIdentity"], calls + 2, "it is asked twice");
}

#[test]
fn a_key_by_which_its_own_account_is_reached_is_told() {
    let fake = FakeIam::start(strict());
    assert!(!run(at_fake(&fake).asks_by(OLD)).unwrap());
    let own = reached(&fake.url(), &format!("{OLD} hunter2"));
    let keys = open(&own, &key_of("deploy", OLD)).unwrap();
    assert!(run(keys.asks_by(keys.old_id())).unwrap());
    // Entering by a role changes nothing about whose key it is.
    let role = Some("arn:aws:iam::123456789012:role/admin".to_owned());
    let own = Reached { access: Access { role, ..own.access.clone() }, ..own };
    let keys = open(&own, &key_of("deploy", OLD)).unwrap();
    assert!(run(keys.asks_by(keys.old_id())).unwrap());
}

#[test]
fn the_place_of_roots_key_is_taken_by_a_user() {
    let root_key = |account: &mut Account, active: Option<bool>| {
        let keys = &mut account.root.as_mut().unwrap().keys;
        match active {
            Some(active) => keys[0].active = active,
            None => keys.clear(),
        }
        account.report = Report::NeverAsked;
    };
    let born = at("2019-05-06T12:00:01Z");
    let key =
        Key::new("AKIAROOT000000000001", born).used(at("2026-11-20T08:00:00Z"), "us-east-1", "s3");
    let fake = FakeIam::start(strict().root(Root::new(at("2014-03-02T09:11:54Z")).key(key)));
    let reached = reached(&fake.url(), &format!("{AUDITOR_KEY_ID} {AUDITOR_SECRET}"));
    let root = held(Known {
        principal: Some("<root_account>".into()),
        principal_kind: Some(PrincipalKind::Root),
        principal_ref: Some("arn:aws:iam::123456789012:root".into()),
        slot: Some(1),
        ..Known::new("aws")
    });
    let refused = open(&reached, &root).unwrap_err();
    assert!(refused.report().contains("--to user:NAME"), "{}", refused.report());
    let page = "https://console.aws.amazon.com/iam/home#/security_credentials";
    assert!(refused.report().contains(page), "{}", refused.report());

    let keys = run(Principal::open_to(&reached, &root, "deploy")).unwrap();
    assert_eq!((keys.old_id(), keys.terms().able.slots), ("root/1", None));
    let lag = keys.terms().able.last_use.unwrap().lag;
    assert_eq!(lag.as_micros(), 8 * 3_600_000_000, "the report comes late too");
    let seen = run(keys.list()).unwrap();
    assert_eq!(stands(&seen), [("root/1", Standing::Active), (OLD, Standing::Active)]);
    assert!(
        matches!(&seen[0].last_use, UseSeen::At { place: Some(place), .. } if place == "s3 in us-east-1")
    );
    assert!(!run(keys.asks_by(keys.old_id())).unwrap());
    let new = made(run(keys.create("m")));
    assert_eq!(fake.with_account(|account| account.user_mut("deploy").keys.len()), 2);
    assert!(run(keys.is_taken(&new.id, &new.secret)).unwrap());
    assert_eq!(fault(run(keys.create("m")), &[]), Fault::Full);
    for done in
        [run(keys.disable("root/1")), run(keys.enable("root/1")), run(keys.delete("root/1"))]
    {
        let failed = done.unwrap_err();
        assert_eq!(failed.0, Fault::Refused);
        assert!(failed.1.contains("root alone") && failed.1.contains(page), "{}", failed.1);
    }
    // What root does is seen in the next report.
    fake.with_account(|account| root_key(account, Some(false)));
    assert_eq!(run(keys.list()).unwrap()[0].standing, Standing::Suspended);
    fake.with_account(|account| root_key(account, None));
    let ids = run(keys.list()).unwrap().into_iter().map(|key| key.id).collect::<Vec<_>>();
    assert_eq!(ids, [OLD, &new.id]);
    run(keys.disable(&new.id)).unwrap();
    run(keys.delete(&new.id)).unwrap();
    // moto's reports, and no others, say nothing of root: that is not gone.
    fake.with_account(|account| {
        account.root = None;
        account.report = Report::NeverAsked;
    });
    assert_eq!(fault(run(keys.list()), &[]), Fault::Refused);
}
