//! The key page in frames of other pages, and its cookies.

use super::*;

/// By what others reach the server.
const PUBLIC: &str = "https://keys.example.com";

#[test]
fn the_page_is_in_frames_of_those_that_are_listed_alone_and_nothing_else_is() {
    let site = Site::open();
    let guest = site.guest(&site.globex.account, &json!({}));
    let closed = guest.open("/portal");
    assert!(only(&closed, "content-security-policy").contains("frame-ancestors 'none'"));
    assert_eq!(only(&closed, "x-frame-options"), "DENY");
    let hosts = json!({"portal": {"frame_hosts": ["app.acme.example", "127.0.0.1:9000"]}});
    site.server.patch("/v1/apis/acme", &hosts).expect(200);
    let listed =
        "frame-ancestors https://app.acme.example http://127.0.0.1:9000 https://127.0.0.1:9000;";
    let used = site.link(&site.globex.account, &json!({}));
    Visitor::new(&site.server).open(&used).with(200);
    let key = format!("/portal/keys/{}", site.globex.keys[1]);
    for path in ["/portal", &key, "/portal/keys/nobody", &used] {
        let open = guest.get(path);
        assert!(only(&open, "content-security-policy").contains(listed), "{path}: {open:?}");
        assert_eq!(open.header("x-frame-options"), "", "{path}");
    }
    // What is shown to nobody that is known, another API's page, and the console: in none.
    let other = site.guest(&site.others[1].account, &json!({}));
    let user = Visitor::of(&site.server, "administrator");
    let nobody = Visitor::new(&site.server);
    for (visitor, path) in [
        (&other, "/portal"),
        (&nobody, "/portal"),
        (&nobody, "/portal/enter/x"),
        (&nobody, "/sign-in"),
        (&user, "/keys"),
        (&user, "/apis/acme"),
    ] {
        let page = visitor.open(path);
        assert!(
            only(&page, "content-security-policy").contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert_eq!(only(&page, "x-frame-options"), "DENY", "{path}");
    }
}

#[test]
fn behind_tls_the_cookie_is_this_hosts_alone_and_in_a_frame_that_sites_alone() {
    let site = Site::open_with(&["--public-url", PUBLIC]);
    let enter = |place: &str| {
        let link = site.link(&site.globex.account, &json!({}));
        let visitor = Visitor::new(&site.server);
        let answer = visitor.ask(&Method::GET, &link, None, &[("sec-fetch-dest", place)]);
        only(&answer, "set-cookie").to_owned()
    };
    let parts = |line: &str| {
        let (held, rest) = line.split_once(';').unwrap();
        let mut rest: Vec<String> = rest.split(';').map(|one| one.trim().to_owned()).collect();
        rest.sort_unstable();
        (held.split_once('=').unwrap().0.to_owned(), rest.join("; "))
    };
    let (name, alone) = parts(&enter("document"));
    assert_eq!(
        (name.as_str(), alone.as_str()),
        ("__Host-keytender-portal", "HttpOnly; Path=/; SameSite=Lax; Secure")
    );
    let (name, framed) = parts(&enter("iframe"));
    assert_eq!(
        (name.as_str(), framed.as_str()),
        ("__Host-keytender-portal", "HttpOnly; Partitioned; Path=/; SameSite=None; Secure")
    );
    // Without TLS there is no cookie for frames of other sites.
    let plain = Site::open();
    let link = plain.link(&plain.globex.account, &json!({}));
    let answer =
        Visitor::new(&plain.server).ask(&Method::GET, &link, None, &[("sec-fetch-dest", "iframe")]);
    let (name, line) = parts(only(&answer, "set-cookie"));
    assert_eq!(
        (name.as_str(), line.as_str()),
        ("keytender-portal", "HttpOnly; Path=/; SameSite=Lax")
    );
}
