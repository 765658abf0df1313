//! Series of notices as time passes: what is told next depends on what a channel took, and when.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use keytender::app::inventory::Inventory;
use keytender::app::notify::{self, Change, Hours};
use keytender::app::turn::Turn;
use keytender::clock;
use keytender::store::acts::Actor;
use keytender::store::notices::{Notice, NoticeState, Which};
use keytender_core::time::{Span, Time};
use serde_json::Value;

use crate::Home;
use crate::databases::{Database, block_on, new_databases};
use crate::hook::{Came, Hook};
use crate::inventory::run;

/// The problem that a key of two years has, and that it is told of at once.
const OLD: &str = "key-over-a-year";

/// An inventory with one old key, which a webhook is told of.
struct Desk {
    home: Home,
    database: String,
    begun: Time,
}

impl Desk {
    fn new(database: &Database, hook: &Hook) -> Self {
        let home = Home::new().with("KEYTENDER_DATABASE", &database.text);
        let secret = home.write("secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        std::fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
        let secret = format!("file:{}", secret.display());
        run(&home, &["keys", "add", "stripe", "deploy", "--created", "2020-01-01"]);
        let words = ["channels", "add", "webhook", "siem", "--allow-private"];
        run(&home, &[&words[..], &["--url", &hook.url, "--secret", &secret]].concat());
        Self { home, database: database.text.clone(), begun: clock::now() }
    }

    /// The inventory so many days later.
    async fn after(&self, days: u32) -> Inventory {
        let now = self.begun.plus(Span::days(days));
        let actor = Actor { name: "mia".to_owned(), origin: "test".to_owned() };
        Inventory::open(&self.database, actor, now).await.unwrap()
    }

    fn start(&self) {
        block_on(async {
            let inventory = self.after(0).await;
            notify::preview(&inventory).await.unwrap();
            let change = Change { started: Some(true), contact: None };
            notify::change(&inventory, &change, |_| Ok(())).await.unwrap();
            inventory.store.close().await;
        });
    }

    /// Notifies so many days later; the notices of the old key's age as they are then, the first one
    /// first.
    fn notify(&self, days: u32) -> Vec<Notice> {
        block_on(async {
            let inventory = self.after(days).await;
            notify::run(&inventory, Hours::Any, &Turn::free()).await.unwrap();
            let all = inventory.store.list_notices(&Which::default(), 1_000, None).await.unwrap();
            inventory.store.close().await;
            all.into_iter().rev().filter(|one| data(one)["rules"][0] == OLD).collect()
        })
    }

    fn send_again(&self, notice: &Notice, days: u32) {
        block_on(async {
            let inventory = self.after(days).await;
            notify::send_again(&inventory, notice.id).await.unwrap();
            inventory.store.close().await;
        });
    }

    fn day(&self, days: u32) -> String {
        self.begun.plus(Span::days(days)).date()
    }
}

fn data(notice: &Notice) -> Value {
    serde_json::from_str::<Value>(&notice.content).unwrap()["data"].clone()
}

/// The stage, the day until which somebody should act, and how the delivery stands.
fn facts(notices: &[Notice]) -> Vec<(String, String, NoticeState)> {
    let day = |value: &Value| value.as_str().unwrap().get(..10).unwrap().to_owned();
    let stage = |value: &Value| value.as_str().unwrap().to_owned();
    let fact = |one: &Notice| (stage(&data(one)["stage"]), day(&data(one)["act_by"]), one.state);
    notices.iter().map(fact).collect()
}

fn fact(stage: &str, act_by: String, state: NoticeState) -> (String, String, NoticeState) {
    (stage.to_owned(), act_by, state)
}

#[test]
fn the_next_stage_waits_until_the_channel_took_the_one_before() {
    for database in new_databases() {
        let hook = Hook::start("503 Busy");
        let desk = Desk::new(&database, &hook);
        desk.start();
        let first = [fact("discovery", desk.day(14), NoticeState::Waiting)];
        for days in [0, 15, 31, 62] {
            assert_eq!(facts(&desk.notify(days)), first, "day {days}");
        }
        let is_first = |came: &Came| came.body()["data"]["stage"] == "discovery";
        let tries: Vec<Came> = hook.take().into_iter().filter(is_first).collect();
        assert_eq!(tries.len(), 4);
        assert!(
            tries.iter().all(|came| came.headers["webhook-id"] == tries[0].headers["webhook-id"])
        );
        hook.answer("204 No Content");
        let told = desk.notify(70);
        let first = [fact("discovery", desk.day(14), NoticeState::Sent)];
        assert_eq!(facts(&told), first);
        assert!(told[0].sent_at.unwrap() >= desk.begun.plus(Span::days(70)));
        // Its two weeks count from there.
        assert_eq!(facts(&desk.notify(83)), first);
        let [first] = first;
        let second = fact("day-14", desk.day(84), NoticeState::Sent);
        for days in [85, 99] {
            assert_eq!(facts(&desk.notify(days)), [first.clone(), second.clone()], "day {days}");
        }
        let third = fact("day-30", desk.day(84), NoticeState::Sent);
        assert_eq!(facts(&desk.notify(101)), [first, second, third]);
        assert!(hook.events().iter().all(|event| event == "key.aged"));
    }
}

#[test]
fn a_dead_letter_lets_its_series_go_on_and_the_time_to_act_begin_later() {
    for database in new_databases() {
        let hook = Hook::start("410 Gone");
        let desk = Desk::new(&database, &hook);
        desk.start();
        let dead = [fact("discovery", desk.day(14), NoticeState::Dead)];
        for days in [0, 13] {
            assert_eq!(facts(&desk.notify(days)), dead, "day {days}");
        }
        let [dead] = dead;
        // Nobody was told yet: whoever hears of it now has two weeks.
        let second = fact("day-14", desk.day(29), NoticeState::Dead);
        assert_eq!(facts(&desk.notify(15)), [dead.clone(), second.clone()]);
        hook.answer("204 No Content");
        let third = fact("day-30", desk.day(45), NoticeState::Sent);
        let told = desk.notify(31);
        assert_eq!(facts(&told), [dead, second.clone(), third.clone()]);
        // Whoever lets it go again gets the same letter.
        desk.send_again(&told[0], 32);
        let first = fact("discovery", desk.day(14), NoticeState::Sent);
        assert_eq!(facts(&desk.notify(32)), [first, second, third]);
    }
}

/// How many notices there are after a run so many days and hours later, in working order.
fn notices_after(desk: &Desk, hours: u32) -> usize {
    block_on(async {
        let mut inventory = desk.after(hours / 24).await;
        inventory.now =
            inventory.now.plus(Span::from_micros(i64::from(hours % 24) * 3_600_000_000));
        notify::run(&inventory, Hours::Working, &Turn::free()).await.unwrap();
        let all = inventory.store.list_notices(&Which::default(), 1_000, None).await.unwrap();
        inventory.store.close().await;
        all.len()
    })
}

#[test]
fn a_second_digest_waits_until_the_first_was_taken_and_a_day_has_passed() {
    for database in new_databases() {
        let hook = Hook::start("503 Busy");
        let desk = Desk::new(&database, &hook);
        run(&desk.home, &["channels", "remove", "siem", "--yes"]);
        let url = desk.home.write("url", &hook.url);
        std::fs::set_permissions(&url, Permissions::from_mode(0o600)).unwrap();
        let place = format!("file:{}", url.display());
        let words = ["channels", "add", "slack", "ops", "--allow-private", "--url", &place];
        run(&desk.home, &words);
        desk.start();
        assert_eq!(notices_after(&desk, 0), 1);
        run(&desk.home, &["keys", "add", "stripe", "another", "--created", "2020-01-01"]);
        assert_eq!(notices_after(&desk, 48), 1);
        hook.answer("200 OK");
        // It still waits when it is planned what to tell, and is taken after that.
        assert_eq!(notices_after(&desk, 72), 1);
        assert_eq!(notices_after(&desk, 80), 1);
        assert_eq!(notices_after(&desk, 89), 2);
    }
}
