//! Apps that customers add on their key page, as far as the console says that they may.

use super::*;

#[test]
fn a_customer_adds_apps_on_its_page_as_far_as_the_console_lets_it() {
    let site = Site::open();
    let guest = site.guest(&site.globex.account, &json!({}));
    assert!(!guest.open("/portal").with(200).text.contains("Add an app"));
    let add = |name: &str, scopes: &[&str]| {
        let scopes = scopes.iter().map(|scope| ("scopes", *scope));
        let fields: Vec<(&str, &str)> = [("name", name)].into_iter().chain(scopes).collect();
        guest.submit("/portal", "/portal/apps", &fields)
    };
    add("web-shop", &[]).with(403);

    let user = Visitor::of(&site.server, "administrator");
    let own = |fields: &[(&str, &str)]| user.submit("/apis/acme", "/apis/acme/own-apps", fields);
    own(&[("most", "0")]).with(422).says(&["may have from 1 to 10000 apps"]);
    own(&[("most", "x")]).with(422).says(&["is no whole number"]);
    let fields = [
        ("most", "2"),
        ("scopes", "orders:read orders:write"),
        ("requests", "100"),
        ("quota", "10000"),
        ("per", "month"),
    ];
    own(&fields).with(200).says(&["Customers add apps so from now on", "2 apps", "10,000 a month"]);
    let set = site.server.get("/v1/apis/acme").expect(200)["own_apps"].clone();
    assert_eq!(
        (&set["most"], &set["scopes"]),
        (&json!(2), &json!(["orders:read", "orders:write"]))
    );
    assert_eq!((&set["rate"]["requests"], &set["rate"]["seconds"]), (&json!(100), &json!(60)));
    assert_eq!(set["quota"], json!({"requests": 10_000, "per": "month"}));

    add("web-shop", &["orders:write"]).with(200).says(&["The app is added", "Add an app"]);
    let apps = site.server.get(&format!("/v1/apis/acme/apps?account={}", site.globex.account));
    let apps = apps.expect(200)["apps"].clone();
    let app = apps.as_array().unwrap().iter().find(|app| app["name"] == "web-shop").unwrap();
    assert_eq!(
        (&app["scopes"], &app["quota"]["requests"]),
        (&json!(["orders:write"]), &json!(10_000))
    );
    // Its first key is made on the same page.
    let page = guest.open("/portal");
    let once = member(&page, "once");
    let fields = [("once", once.as_str()), ("label", "till"), ("app", app["id"].as_str().unwrap())];
    guest.send("/portal/keys", &fields).with(200).says(&["Your new key"]);

    // No more than it may have, and nothing that it may not do; what was typed stays.
    let full = add("one-more", &[]);
    full.with(409).says(&["may have 2"]);
    shows(&full, &["value=\"one-more\""]);
    own(&[("most", "9"), ("scopes", "orders:read")]).with(200);
    add("reader", &["orders:write"]).with(422).says(&["has no scope"]);
    let acts = site.server.get("/v1/acts?verb=app.add").text;
    assert!(acts.contains("key page from ") && acts.contains("acme/globex"), "{acts}");

    // Whoever only looks adds none; and nobody does once it is taken back.
    let looks = site.guest(&site.globex.account, &json!({"read_only": true}));
    assert!(!looks.open("/portal").with(200).text.contains("Add an app"));
    looks.submit("/portal", "/portal/apps", &[("name", "x")]).with(403);
    own(&[]).with(200).says(&["Customers add no apps from now on"]);
    add("late", &[]).with(403);
    assert!(site.server.get("/v1/apis/acme").expect(200)["own_apps"].is_null());
}
