//! The sums of the overview, against the list of keys.

use keytender::app::inventory::Inventory;
use keytender::app::keys;
use keytender::app::overview::overview;
use keytender::app::view::KeyQuery;
use keytender::store::acts::Actor;
use keytender_core::access::Side;
use keytender_core::policy::Action;
use keytender_core::time::{Span, Time};

use crate::databases::{block_on, new_databases};

fn now() -> Time {
    Time::parse("2026-11-24T09:30:00Z").unwrap()
}

/// Keys of two providers: old and young, used and not, one that ends in ten days.
const KEYS: &str = "\
provider,name,created,expires,last_used
openai,old,2020-01-01,,2026-11-23
openai,young,2026-11-20,,2026-11-24
openai,idle,2026-06-01,,2026-07-01
stripe,ending,2026-11-01,2026-12-04,2026-11-24
stripe,nameless,,,
";

#[test]
fn the_overview_says_what_the_list_of_keys_says() {
    for database in new_databases() {
        let home = crate::Home::new();
        let file = home.write("keys.csv", KEYS);
        let file = file.display().to_string();
        let imported = home.run(&["--database", &database.text, "keys", "import", &file]);
        assert_eq!(imported.code, 0, "{}", imported.stderr);
        block_on(async {
            let actor = Actor { name: "test".to_owned(), origin: "test".to_owned() };
            let mut inventory = Inventory::open(&database.text, actor, now()).await.unwrap();
            let seen = overview(&inventory).await.unwrap();
            let count = async |query: KeyQuery| {
                keys::list(&inventory, &query, 1, None).await.unwrap().total
            };
            let sums = &seen.sums;
            assert_eq!(sums.keys, count(KeyQuery::default()).await);
            assert_eq!(sums.keys, 5);
            let due = KeyQuery { due: Some(true), ..KeyQuery::default() };
            assert_eq!(sums.due, count(due).await);
            for (action, sum) in
                [(Action::Remove, sums.to_remove), (Action::Rotate, sums.to_rotate)]
            {
                let query = KeyQuery { action: Some(action), ..KeyQuery::default() };
                assert_eq!(sum, count(query).await, "{action:?}");
                assert!(sum > 0, "{action:?}");
            }
            for (rule, sum) in &sums.rules {
                let query = KeyQuery { rule: Some(rule.clone()), ..KeyQuery::default() };
                assert_eq!(*sum, count(query).await, "{rule}");
            }
            for (provider, sum, _) in &sums.providers {
                let query = KeyQuery { provider: Some(provider.clone()), ..KeyQuery::default() };
                assert_eq!(*sum, count(query).await, "{provider}");
            }
            for bars in [&sums.ages, &sums.idles] {
                assert_eq!(bars.iter().map(|(_, count)| count).sum::<u64>(), 5, "{bars:?}");
            }
            let age = |name| sums.ages.iter().find(|bar| bar.0 == name).map(|bar| bar.1);
            assert_eq!((age("up to 30 days"), age("over 4 years")), (Some(2), Some(1)));
            assert_eq!(age("not known"), Some(1));
            assert_eq!(seen.expiries.iter().sum::<u64>(), 1);
            assert_eq!(seen.expiries[10], 1);
            assert_eq!(seen.first_day, Time::parse("2026-11-24T00:00:00Z").unwrap());
            // The old one breaks a rule since long before; the idle one since it is idle.
            assert_eq!(seen.due_weeks.len(), 52);
            assert_eq!(seen.due_weeks[0], 1);
            assert_eq!(seen.due_weeks[51], sums.due);
            assert_eq!(seen.first_week, now().minus(Span::days(51 * 7)));
            // Whoever sees one side alone is told of each key that it is on that side.
            inventory.sight.side = Some(Side::Held);
            let held = overview(&inventory).await.unwrap();
            assert_eq!(held.due_weeks, seen.due_weeks);
            assert_eq!((&held.sums.ages, &held.sums.idles), (&sums.ages, &sums.idles));
            assert_eq!(held.sums.rules, sums.rules);
            inventory.sight.side = Some(Side::Issued);
            let issued = overview(&inventory).await.unwrap();
            assert_eq!((issued.sums.keys, issued.due_weeks), (0, vec![0; 52]));
            inventory.store.close().await;
        });
    }
}
