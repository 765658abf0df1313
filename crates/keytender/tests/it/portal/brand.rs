//! How the key page looks: what can be said of it and what cannot.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A picture of one pixel.
const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

#[test]
fn a_brand_is_set_over_the_api_and_shown_on_the_page() {
    let site = Site::open();
    let portal = json!({"accent": "#0B6B5D", "logo": PIXEL, "support": "help@acme.example",
                        "docs": "https://acme.example/docs?a=1&b=2"});
    let set = site.server.patch("/v1/apis/acme", &json!({"portal": portal})).expect(200);
    assert_eq!(set["portal"]["accent"], "#0B6B5D");
    assert_eq!(set["portal"]["return_hosts"], json!(["app.example"]), "what is absent stays");
    assert_eq!(set["portal"]["logo"].as_str().map(str::len), Some(64), "its digest");
    let guest = site.guest(&site.globex.account, &json!({}));
    let page = guest.open("/portal");
    page.with(200);
    for part in [
        "--accent:#0b6b5d",
        "href=\"mailto:help@acme.example\"",
        "href=\"https://acme.example/docs?a=1&amp;b=2\"",
        "src=\"/portal/logo\"",
    ] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    // The page's one style is allowed by its digest, and no other.
    let style = page.text.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, style.as_bytes());
    let allowed = format!("style-src 'self' 'sha256-{}';", STANDARD.encode(digest.as_ref()));
    let policy = only(&page, "content-security-policy");
    assert!(policy.contains(&allowed) && !policy.contains("unsafe"), "{policy}");
    let logo = guest.get("/portal/logo");
    assert_eq!((logo.status, logo.header("content-type")), (200, "image/png"));
    assert_eq!(logo.header("x-content-type-options"), "nosniff");
    assert_eq!(Visitor::new(&site.server).get("/portal/logo").status, 401);
    // The log has no picture in it, and another API has no such brand.
    assert!(!site.server.get("/v1/acts?verb=api.set").text.contains("iVBOR"));
    let other = site.guest(&site.others[1].account, &json!({}));
    let page = other.open("/portal");
    shows(page.with(200), &["The birch API"]);
    assert!(!page.text.contains("0b6b5d") && other.get("/portal/logo").status == 404);
    // Taken away again.
    let none = json!({"portal": {"accent": null, "logo": null, "support": null, "docs": null, "return_hosts": []}});
    let set = site.server.patch("/v1/apis/acme", &none).expect(200);
    assert_eq!(
        set["portal"],
        json!({"accent": null, "logo": null, "support": null, "docs": null, "guide": null,
                                     "return_hosts": [], "frame_hosts": []})
    );
}

#[test]
fn a_brand_that_cannot_be_is_refused_and_changes_nothing() {
    let site = Site::open();
    let before = site.server.get("/v1/apis/acme").expect(200);
    let svg =
        STANDARD.encode("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>");
    for wrong in [
        json!({"accent": "#ffd400"}),
        json!({"accent": "red;}body{display:none"}),
        json!({"logo": svg}),
        json!({"logo": "not base64"}),
        json!({"support": "javascript:alert(1)"}),
        json!({"docs": "javascript:alert(1)"}),
        json!({"docs": "http://acme.example/"}),
        json!({"return_hosts": ["https://app.example"]}),
        json!({"frame_hosts": ["*"]}),
        json!({"frame_hosts": ["app.example; script-src *"]}),
        json!({"frame_hosts": ["'self'"]}),
        json!({"colour": "#000000"}),
    ] {
        let refused = site.server.patch("/v1/apis/acme", &json!({"portal": wrong}));
        assert!((400..500).contains(&refused.status), "{wrong}: {refused:?}");
    }
    assert_eq!(site.server.get("/v1/apis/acme").expect(200), before);
}

/// Runs `apis set acme` with these options.
fn set(home: &Home, options: &str, logo: &str) {
    let words = ["apis", "set", "acme", "--logo", logo];
    run(home, &[&words[..], &options.split(' ').collect::<Vec<_>>()].concat());
}

#[test]
fn a_brand_is_set_on_the_command_line_here_and_at_a_server() {
    let site = Site::open();
    let picture = site.home.write("logo.png", STANDARD.decode(PIXEL).unwrap());
    let picture = picture.display().to_string();
    for home in [&site.home, &site.server.home()] {
        let options = "--accent #7a1f5c --support https://acme.example/help --docs https://acme.example/docs \
                       --return-hosts app.acme.example,www.acme.example --frame-hosts app.acme.example";
        set(home, options, &picture);
        let shown = run(home, &["apis", "show", "acme"]).stdout;
        for part in [
            "accent       #7a1f5c",
            "logo         given",
            "leads back   app.acme.example www.acme.example",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        let options =
            "--accent none --support none --docs none --return-hosts none --frame-hosts none";
        set(home, options, "none");
        let shown = run(home, &["apis", "show", "acme", "--json"]).stdout;
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown["portal"]["return_hosts"], json!([]));
        assert_eq!(shown["title"], "The acme API", "what nobody named stays");
        let refused = home.run(&["apis", "set", "acme", "--accent", "#ffff00"]);
        assert!(
            refused.code == 1 && refused.stderr.contains("nobody could read"),
            "{}",
            refused.stderr
        );
    }
}

#[test]
fn a_brand_is_set_in_the_console_and_what_was_typed_stays() {
    let site = Site::open();
    let user = Visitor::of(&site.server, "administrator");
    let fields = [
        ("accent", "#7a1f5c"),
        ("support", "help@acme.example"),
        ("logo", PIXEL),
        ("return_hosts", "app.acme.example"),
        ("frame_hosts", ""),
    ];
    let set = user.submit("/apis/acme", "/apis/acme/portal", &fields);
    set.with(200).says(&["#7a1f5c", "help@acme.example", "given"]);
    let fields = [("accent", "#ffffff"), ("docs", "https://acme.example")];
    let wrong = user.send("/apis/acme/portal", &fields);
    wrong.with(422).says(&["Nobody could read #ffffff"]);
    shows(&wrong, &["value=\"https://acme.example\""]);
    // What changes of the rest leaves the brand as it is.
    user.submit("/apis/acme", "/apis/acme", &[("title", "Acme"), ("overlap", "2d")]).with(200);
    let api = site.server.get("/v1/apis/acme").expect(200);
    assert_eq!((&api["title"], &api["portal"]["accent"]), (&json!("Acme"), &json!("#7a1f5c")));
}
