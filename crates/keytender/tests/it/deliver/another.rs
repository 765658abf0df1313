//! The credential of an account at a second Keytender, which is a real one.

use keytender::deliver::Written;
use keytender::error::Kind;
use serde_json::{Value, json};

use super::{both, destination, home, parts};
use crate::databases::block_on;
use crate::served::Served;

const OLD: &str = "AKIAOLD 0ld-secret";

/// A second Keytender, with an account whose credential it keeps and one that a profile reaches.
fn start(at: &crate::Home) -> Served {
    let served = Served::start(at);
    let kept = json!({"provider": "aws", "name": "prod", "secret": OLD});
    served.post("/v1/accounts", &kept).expect(201);
    let reached = json!({"provider": "aws", "name": "reached", "profile": "shop"});
    served.post("/v1/accounts", &reached).expect(201);
    served
}

fn said(served: &Served, token: &Value) -> Value {
    json!({"kind": "keytender", "url": served.url, "account": "prod", "with_id": true,
           "token": token, "allow_private": true})
}

fn keeps(served: &Served, credential: &str) -> Value {
    let place = "/v1/accounts/prod/credential-comparisons";
    served.post(place, &json!({"secret": credential})).expect(200)["is_same"].clone()
}

#[test]
fn the_credential_of_another_keytenders_account_is_replaced_and_compared() {
    let there = crate::Home::new();
    let mut served = start(&there);
    let (_here, token) = home(&served.token);
    let at = destination(said(&served, &token));
    block_on(at.check()).unwrap();
    assert!(!at.can_read() && block_on(at.read()).unwrap().is_none());
    assert_eq!(keeps(&served, OLD), true);
    let write = || block_on(at.write(None, &parts("n3w-secret")));
    assert_eq!(write().unwrap(), Written::Now);
    assert_eq!(write().unwrap(), Written::Already);
    assert_eq!(
        (keeps(&served, OLD), keeps(&served, "AKIANEW n3w-secret")),
        (false.into(), true.into())
    );
    assert!(at.wanted(&parts("n3w-secret")).unwrap().is_same(&both("AKIANEW", "n3w-secret")));
    // Who did it stands in the log there, and the secret nowhere.
    let log = there.run(&["log", "--json"]).stdout;
    assert!(log.contains("account.credential") && !log.contains("n3w-secret"), "{log}");
    assert_eq!(served.end(), 0);
    let kept = std::fs::read(there.path().join(".local/share/keytender/inventory.db")).unwrap();
    assert!(!kept.windows(10).any(|part| part == b"n3w-secret"));
}

#[test]
fn what_another_keytender_does_not_take_is_said_before() {
    let there = crate::Home::new();
    let served = start(&there);
    let (_here, token) = home(&served.token);
    let refusal = |change: &dyn Fn(&mut Value)| super::refusal(&said(&served, &token), change);
    let none = refusal(&|said| said["account"] = "nothing".into());
    assert!(none.contains("did not tell of `nothing`") && none.contains("404"), "{none}");
    let reached = refusal(&|said| said["account"] = "reached".into());
    assert!(reached.contains("no credential of `reached` is kept there"), "{reached}");
    let narrow = served.token_of("administrator", &json!({}), Some(&["accounts:read"]));
    let (_other, narrow) = home(&narrow);
    let narrow = refusal(&|said| said["token"] = narrow.clone());
    assert!(narrow.contains("our token may not change accounts"), "{narrow}");
    // One that a profile reaches keeps to that.
    let mut to_reached = said(&served, &token);
    to_reached["account"] = "reached".into();
    let refused = block_on(destination(to_reached).write(None, &parts("n3w-secret"))).unwrap_err();
    assert_eq!(refused.of_kind(), Kind::Provider);
    let place = "/v1/accounts/prod";
    // What is no access key does not take the place of one.
    let bad = served.patch(place, &json!({"secret": "only-one-word"}));
    assert!(bad.expect(422)["detail"].as_str().unwrap().contains("is no access key"));
    assert_eq!(keeps(&served, OLD), true);
}
