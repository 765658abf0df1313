//! What a customer's own token does, and how it ends.

use super::*;

#[test]
fn a_customer_manages_its_own_keys_by_its_own_token() {
    for database in new_databases() {
        let street = Street::open(&database.text);
        let globex = &street.globex;
        let me = street.get("/v1/me").expect(200);
        assert_eq!(me["user"], "acme/globex");
        assert_eq!((&me["role"], &me["account"]), (&Value::Null, &json!(globex.account)));
        let scopes: Vec<&str> =
            me["scopes"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
        let most: Scopes = OF_CUSTOMERS.into_iter().collect();
        assert_eq!(scopes, most.iter().map(Scope::as_str).collect::<Vec<_>>());
        let accounts = street.get("/v1/accounts").expect(200);
        assert_eq!(accounts["accounts"].as_array().unwrap().len(), 1);
        assert_eq!(accounts["accounts"][0]["name"], "acme/globex");
        let apps = street.get("/v1/apis/acme/apps").expect(200);
        assert_eq!(apps["apps"].as_array().unwrap().len(), 1);
        assert_eq!(apps["apps"][0]["labels"], json!({}), "what the provider says is its own");

        let post = |path: &str, body: Value| street.ask(&Method::POST, path, Some(&body));
        let place = format!("/v1/apps/{}/keys", globex.app);
        let made = post(&place, json!({"label": "by ourselves"})).expect(201);
        let key = made["key"].as_str().unwrap();
        let path = format!("/v1/keys/{key}");
        let suspended = street.ask(&Method::PUT, &format!("{path}/suspension"), Some(&json!({})));
        assert_eq!(suspended.expect(200)["state"], "suspended");
        let resumed = street.ask(&Method::DELETE, &format!("{path}/suspension"), None);
        assert_eq!(resumed.expect(200)["state"], "active");
        let named = street.ask(&Method::PATCH, &path, Some(&json!({"label": "renamed"})));
        assert_eq!(named.expect(200)["label"], "renamed");
        let next = post(&format!("{path}/rotations"), json!({"activation": "immediately"}));
        assert!(next.expect(201)["secret"].as_str().unwrap().starts_with("acme_live_"));
        let finished = post(&format!("{path}/rotations/completion"), json!({}));
        assert_eq!(finished.expect(200)["before"], key);
        let revoked = post(&format!("/v1/keys/{}/revocation", globex.keys[2]), json!({}));
        revoked.expect(200);
        let report = street.get("/v1/credential-report").text;
        assert_eq!(report.lines().count(), 6, "{report}");
        // The log names the customer, and its own story of the key shows what the provider did as the provider's.
        let acts = street.server.get("/v1/acts?actor=acme/globex").expect(200);
        let verbs: Vec<&str> = acts["acts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|act| act["verb"].as_str().unwrap())
            .collect();
        for verb in ["key.create", "key.disable", "key.enable", "key.rotate", "key.revoke"] {
            assert!(verbs.contains(&verb), "{verb}: {verbs:?}");
        }
        let story = street.get(&format!("/v1/keys/{}/timeline", globex.keys[2])).expect(200);
        let by: BTreeSet<&str> = story["events"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|one| one["by"].as_str())
            .collect();
        assert_eq!(by, BTreeSet::from(["acme/globex", "provider"]), "{story}");
    }
}

#[test]
fn a_customer_gives_itself_no_more_than_it_has() {
    let database = new_databases().remove(0);
    let street = Street::open(&database.text);
    let globex = &street.globex;
    let post = |path: &str, body: Value| street.ask(&Method::POST, path, Some(&body));
    let place = format!("/v1/apps/{}/keys", globex.app);
    let wide = post(&place, json!({"label": "x", "scopes": ["admin:all"]}));
    assert!(wide.status >= 400 && wide.text.contains("has no scope"), "{wide:?}");
    // An app without scopes lets the API's own people say what a key may do.
    let new = json!({"name": "open"});
    let open =
        street.server.post(&format!("/v1/accounts/{}/apps", globex.account), &new).expect(201);
    let open = format!("/v1/apps/{}/keys", open["id"].as_str().unwrap());
    let wide = json!({"label": "x", "scopes": ["admin:all"]});
    assert!(post(&open, wide.clone()).status >= 400);
    street.server.post(&open, &wide).expect(201);
    for expires_at in [Value::Null, json!("2099-01-01T00:00:00Z")] {
        let long = post(&place, json!({"label": "x", "expires_at": expires_at}));
        assert!(long.status >= 400 && long.text.contains("at the latest"), "{long:?}");
    }
    let key = format!("/v1/keys/{}", globex.keys[1]);
    for change in [
        json!({"owner": null}),
        json!({"expires_at": null}),
        json!({"exposed": false}),
        json!({"keep": {"until": "2099-01-01T00:00:00Z", "reason": "x"}}),
    ] {
        let refused = street.ask(&Method::PATCH, &key, Some(&change));
        assert_eq!(refused.status, 403, "{change}: {refused:?}");
    }
    // A key that leaked and was stopped stays so.
    let leaked = format!("/v1/keys/{}/suspension", globex.keys[2]);
    let stop = Some(json!({}));
    street
        .server
        .ask_with(&street.server.token, &Method::PUT, &leaked, stop.as_ref(), &[])
        .expect(200);
    assert_eq!(street.ask(&Method::DELETE, &leaked, None).status, 409);
    // A token of fewer scopes has fewer, and one that asks for others has none of them.
    let asked = json!({"label": "x", "scopes": ["keys:read", "users:write", "keys:verify"]});
    let made =
        street.server.post(&format!("/v1/accounts/{}/tokens", globex.account), &asked).expect(201);
    let few = made["token"].as_str().unwrap();
    let me = street.server.ask_with(few, &Method::GET, "/v1/me", None, &[]).expect(200);
    assert_eq!(me["scopes"], json!(["keys:read"]));
    let verified = json!({"api": "acme", "verifications": [{"key": globex.secrets[0]}]});
    let path = "/v1/key-verifications";
    let verified = street.server.ask_with(few, &Method::POST, path, Some(&verified), &[]);
    assert_eq!(verified.status, 403, "{verified:?}");
    let headers = [("keytender-token", few), ("x-api-key", globex.secrets[0].as_str())];
    let path = "/v1/forward-auth?api=acme";
    assert_eq!(street.server.ask_with("", &Method::GET, path, None, &headers).status, 407);
}

#[test]
fn a_customers_token_ends_with_the_customer_and_with_its_user() {
    for database in new_databases() {
        let street = Street::open(&database.text);
        let ask = |token: &str| street.server.ask_with(token, &Method::GET, "/v1/keys", None, &[]);
        let back_end = street.server.token_of("operator", &json!({"name": "sign-up"}), None);
        let place = format!("/v1/accounts/{}/tokens", street.globex.account);
        let body = json!({"label": "from the sign-up page"});
        let made = street.server.ask_with(&back_end, &Method::POST, &place, Some(&body), &[]);
        let made = made.expect(201);
        let (key, token) = (made["key"].as_str().unwrap(), made["token"].as_str().unwrap());
        assert_eq!(ask(token).status, 200);
        let listed = street.server.get("/v1/tokens?user=sign-up").expect(200);
        let listed = listed["tokens"].as_array().unwrap();
        let own = listed.iter().find(|one| one["key"] == key).unwrap();
        assert_eq!((&own["account"], &own["side"]), (&json!("acme/globex"), &Value::Null));
        street.server.patch("/v1/users/sign-up", &json!({"suspended": true})).expect(200);
        assert_eq!(ask(token).status, 401);
        street.server.patch("/v1/users/sign-up", &json!({"suspended": false})).expect(200);
        assert_eq!(ask(token).status, 200);
        street.server.delete(&format!("/v1/accounts/{}", street.globex.account)).expect(204);
        assert_eq!(ask(token).status, 401);
        assert_eq!(ask(&street.globex.token).status, 401);
        let left = street.server.get("/v1/tokens").expect(200).to_string();
        assert!(!left.contains("acme/globex") && left.contains("acme/initech"), "{left}");
        let key = street.server.get(&format!("/v1/keys/{key}")).expect(200);
        assert_eq!(key["state"], "destroyed");
        assert_eq!(ask(&street.others[0].token).status, 200);
    }
}

#[test]
fn a_customers_token_is_made_on_the_command_line_here_and_at_a_server() {
    let database = new_databases().remove(0);
    let street = Street::open(&database.text);
    let here = Home::new().with("KEYTENDER_DATABASE", &database.text);
    for home in [here, street.server.home()] {
        let made = run(&home, &["tokens", "create", "administrator", "--account", "acme/globex"]);
        assert_eq!(made.code, 0, "{}", made.stderr);
        let token = made.stdout.trim();
        let me = street.server.ask_with(token, &Method::GET, "/v1/me", None, &[]).expect(200);
        assert_eq!(me["user"], "acme/globex");
        let listed = run(&home, &["tokens", "list"]).stdout;
        assert!(listed.contains("acme/globex only"), "{listed}");
        let none = home.run(&["tokens", "create", "administrator", "--account", "acme/nobody"]);
        assert!(none.code == 1 && none.stderr.contains("there is no account"), "{}", none.stderr);
    }
}
