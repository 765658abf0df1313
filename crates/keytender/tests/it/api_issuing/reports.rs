//! Keys of our APIs' customers in the credential report, in each of its forms.

use serde_json::json;

use super::shops;

#[test]
fn a_customers_keys_stand_in_every_form_of_the_report() {
    for shop in shops() {
        let (first, secret) = shop.key(&json!({"label": "checkout"}));
        let (second, _) = shop.key(&json!({"label": "batch"}));
        let report = |query: &str| shop.server.get(&format!("/v1/credential-report?{query}"));
        let wide = report("format=wide");
        for key in [&first, &second] {
            assert!(wide.text.contains(key.as_str()), "{wide:?}");
        }
        let whole = report("format=json").expect(200);
        let keys = whole["keys"].as_array().unwrap();
        let ours: Vec<_> = keys.iter().filter(|key| key["issued"]["app"] == shop.app).collect();
        assert_eq!((ours.len(), whole["total"].as_u64()), (2, Some(keys.len() as u64)));
        let one = report("format=json&account=acme/globex").expect(200);
        assert_eq!(one["total"], 2);
        // In AWS's form an app is a user with two keys, and its times are whole seconds.
        let aws = report("format=aws&account=acme/globex").text;
        let lines: Vec<&str> = aws.lines().collect();
        assert_eq!(lines.len(), 2, "{aws}");
        let names: Vec<&str> = lines[0].split(',').collect();
        let cells: Vec<&str> = lines[1].split(',').collect();
        let cell = |name: &str| cells[names.iter().position(|one| *one == name).unwrap()];
        assert_eq!((cell("user"), cell("password_enabled")), ("web-shop", "false"));
        assert_eq!((cell("access_key_1_active"), cell("access_key_2_active")), ("true", "true"));
        let made = cell("access_key_1_last_rotated");
        assert_eq!((cell("user_creation_time").len(), made.len()), (20, 20), "{aws}");
        // Of a moment before, there was nothing; and no secret is in any form.
        let before = report("format=wide&at=2020-01-01T00:00:00Z");
        assert_eq!(before.text.lines().count(), 1, "{before:?}");
        for text in [&wide.text, &whole.to_string(), &aws] {
            assert!(!text.contains(secret.rsplit('_').next().unwrap()));
        }
    }
}
