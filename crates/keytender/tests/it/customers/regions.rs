//! A key that was used in a new region: told once for each, and not while it is new.

use keytender::app::notify::Hours;

use super::{Provider, days, hours, listen, workday};
use crate::databases::new_databases;
use crate::hook::Hook;

#[test]
fn a_new_region_is_told_once_but_for_a_keys_first_week_and_its_first_region() {
    for database in new_databases() {
        let provider = Provider::new(&database);
        let hook = Hook::start("204 No Content");
        let events = ["--account", "acme/globex", "--events", "key.first_used_from_region"];
        listen(&provider, "hook", &hook, &events);
        let now = workday();
        let made = now.minus(days(20));
        let key = provider.key(&provider.globex, "checkout", made, None);
        let young = provider.key(&provider.globex, "mobile", now.minus(days(3)), None);
        let foreign = provider.key(&provider.initech, "dashboard", made, None);
        provider.start(now.minus(days(15)));
        // The first region, however late; then a second one; another service of a known one.
        let at = |back: i64| now.minus(hours(back));
        for one in [key, young, foreign] {
            provider.used(one, at(60), "eu-west-1", "orders", "203.0.113.5");
            provider.used(one, at(50), "", "orders", "203.0.113.5");
        }
        provider.tell(at(49), Hours::Any);
        assert!(hook.take().is_empty());
        for one in [key, young, foreign] {
            provider.used(one, at(40), "eu-west-1", "billing", "203.0.113.5");
            provider.used(one, at(30), "ap-south-1", "orders", "198.51.100.9");
        }
        provider.tell(at(29), Hours::Any);
        let came = hook.take();
        assert_eq!(
            came.len(),
            1,
            "{}",
            came.iter().map(|one| one.text.clone()).collect::<String>()
        );
        let data = came[0].body()["data"].clone();
        assert_eq!((&data["region"], &data["service"]), (&"ap-south-1".into(), &"orders".into()));
        assert_eq!(data["key"]["name"], "checkout");
        assert_eq!(data["at"].as_str().unwrap(), at(30).to_seconds().to_string());
        // Again in the same one, by another service, and after a while.
        provider.used(key, at(20), "ap-south-1", "orders", "198.51.100.9");
        provider.used(key, at(10), "ap-south-1", "billing", "198.51.100.9");
        provider.tell(at(9), Hours::Any);
        provider.tell(now, Hours::Any);
        assert!(hook.take().is_empty());
        provider.used(key, at(1), "sa-east-1", "orders", "198.51.100.9");
        provider.tell(now, Hours::Any);
        assert_eq!(hook.events(), ["key.first_used_from_region"]);
    }
}
