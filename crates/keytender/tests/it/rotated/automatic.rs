//! Rotations that the policy begins: said for a week, and then done.

use keytender::store::Store;
use keytender::store::db::Location;
use keytender_core::time::Span;
use serde_json::Value;

use super::cloud::Cloud;
use super::journey::Shop;
use crate::databases::block_on;
use crate::verifying::until;

const POLICY: &str = "[[rule]]\nid = \"every-key\"\nwhen = { state = \"active\" }\nseverity = \"low\"\n\
                      action = \"rotate\"\ntitle = \"A key\"\n[rotation]\nautomatic = [\"every-key\"]\n\
                      dry_run = false\nat_most = 1\napprove = [\"disable\"]\n";

fn trial(shop: &Shop<'_>) -> Value {
    serde_json::from_str(&shop.run(&["rotations", "trial", "--json"])).unwrap()
}

/// Lets the rules have been in the policy for more than a week.
fn age_trial(shop: &Shop<'_>) {
    let database = shop.home.variable("KEYTENDER_DATABASE");
    block_on(async {
        let store = Store::open(&Location::parse(&database)).await.unwrap();
        let text = store.find_setting("rotation_trial").await.unwrap().unwrap();
        let mut trial: Value = serde_json::from_str(&text).unwrap();
        let since = keytender::clock::now().minus(Span::days(8));
        trial["since"] = serde_json::to_value(since).unwrap();
        store.put_setting("rotation_trial", &trial.to_string()).await.unwrap();
        store.close().await;
    });
}

#[test]
fn what_the_policy_rotates_by_itself_is_said_for_a_week_and_then_done_a_few_at_a_time() {
    let Some(cloud) = Cloud::open() else { return };
    cloud.user("other");
    let mut shop = Shop::open(&cloud, "automatic");
    let policy = shop.home.write("policy.toml", POLICY);
    shop.run(&["policy", "use", policy.to_str().unwrap()]);
    shop.serve();
    let would = || trial(&shop)["would"].as_array().unwrap().clone();
    until(|| would().len() == 2);
    let told = trial(&shop);
    assert_eq!((&told["is_dry"], &told["at_most"]), (&true.into(), &1.into()), "{told}");
    // Of a key whose use nobody told it says what stands in the way.
    let (ready, others): (Vec<Value>, Vec<Value>) =
        would().into_iter().partition(|one| one["fault"].is_null());
    assert_eq!(ready.len(), 1, "{ready:?}");
    assert!(
        others.iter().all(|one| one["fault"].as_str().unwrap().contains("nobody has told where"))
    );
    assert_eq!(cloud.keys("automatic").len(), 1);
    let shown = shop.run(&["rotations", "trial"]);
    assert!(shown.contains("On trial: nothing is begun before"), "{shown}");

    shop.kill();
    age_trial(&shop);
    shop.serve();
    shop.run(&["tasks", "run", "rotations"]);
    until(|| shop.held() != shop.old);
    let view = shop.view(&shop.old.0);
    assert_eq!(
        (&view["started_by"], &view["reason"]),
        (&"policy".into(), &"the policy's rule every-key".into())
    );
    // What the policy has approved nobody leaves out.
    let plan = shop.home.run(&["rotations", "show", &shop.old.0]).stdout;
    assert!(plan.contains("policy said `rotate`"), "{plan}");
    assert!(shop.run(&["rotations", "trial"]).contains("At most 1 at a time"));
    shop.kill();
}
