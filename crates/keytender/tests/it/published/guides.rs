//! What people read of keys of an API: a page in its name, with what holds for its keys, whose calls do what they say.

use super::*;

/// Where a server of these tests says that it is.
const BASE: &str = "https://keys.acme.test";

fn text(page: &str) -> String {
    page.replace("&quot;", "\"").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
}

/// The calls of a page that are to be typed in.
fn typed(page: &str) -> Vec<String> {
    let parts = page.split("<pre tabindex=\"0\"><code>").skip(1);
    parts.map(|part| text(part.split("</code>").next().unwrap())).collect()
}

/// Does what a line for a shell says: `curl`, its method, URL, headers and body.
fn done(server: &Served, line: &str, key: &str) -> Answer {
    let words = shlex::split(&line.replace("\\\n", " ")).unwrap();
    let after = |word: &str| {
        let at = words.iter().position(|known| known == word)?;
        words.get(at + 1).cloned()
    };
    assert_eq!(words[0], "curl", "{line}");
    let url = words.iter().find(|word| word.starts_with(BASE)).unwrap();
    let body: Option<Value> = after("-d").map(|body| serde_json::from_str(&body).unwrap());
    let method = after("-X").unwrap_or_else(|| if body.is_some() { "POST" } else { "GET" }.into());
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let path = url.trim_start_matches(BASE).replace("KEY", key);
    let token = if line.contains("$TOKEN") { server.token.as_str() } else { "" };
    assert!(token.is_empty() || line.contains("Authorization: Bearer $TOKEN"), "{line}");
    server.ask_with(token, &method, &path, body.as_ref(), &[])
}

/// A page of the server, once it is there.
fn page(server: &Served, path: &str) -> String {
    until(|| read(server, path).status == 200);
    let answer = read(server, path);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    let policy = answer.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'self'; frame-ancestors 'none'"),
        "{policy}"
    );
    assert!(!answer.text.contains("<script") && !answer.text.contains("style="), "{path}");
    answer.text
}

#[test]
fn the_guide_of_an_api_is_in_its_name_and_says_what_holds_for_its_keys() {
    let home = Home::new();
    let server = Served::start_with(&home, &["--public-url", BASE]);
    assert_eq!(read(&server, "/guides").status, 404);
    let acme = json!({"name": "acme", "title": "Acme <Orders>", "brand": "acm", "key_life": "90d", "overlap": "3d",
                      "on_leak": "revoke", "portal": {"docs": "https://acme.example/docs", "support": "help@acme.example"}});
    server.post("/v1/apis", &acme).expect(201);
    server.post("/v1/apis", &json!({"name": "birch"})).expect(201);
    until(|| read(&server, "/guides/birch").status == 200);
    let own = page(&server, "/guides/acme");
    for part in [
        "<h1>Keys of Acme &lt;Orders&gt;</h1>",
        "<code>acm_live_</code>",
        "<code>Authorization: Bearer KEY</code>",
        "90 days, unless another end",
        "both work, for 3 days from the first use",
        "It ends at once, for good.",
        "href=\"https://acme.example/docs\"",
        "href=\"mailto:help@acme.example\"",
        "href=\"https://keys.acme.test/portal\"",
    ] {
        assert!(own.contains(part), "{part}\n{own}");
    }
    assert!(!own.contains("Keytender") && !own.contains("written to before"), "{own}");
    let other = page(&server, "/guides/birch");
    assert!(other.contains("as long as you let it") && other.contains("It is suspended at once"));
    assert!(other.contains("8 days from the first use"), "{other}");
    let all = page(&server, "/guides");
    assert!(all.contains("<a href=\"/guides/acme\">Acme &lt;Orders&gt;</a>"), "{all}");
    assert_eq!(read(&server, "/guides/none").status, 404);

    // Once customers are told, so does the page; and it leads to their own page of keys.
    start_notices(&server);
    until(|| read(&server, "/guides/acme").text.contains("written to before a key ends"));
    let told = page(&server, "/guides/acme");
    assert!(
        told.contains("href=\"https://acme.example/keys\"") && !told.contains("/portal"),
        "{told}"
    );
}

#[test]
fn documents_lead_to_the_guide_and_to_one_of_the_apis_own_where_there_is_one() {
    let home = Home::new();
    let server = Served::start_with(&home, &["--public-url", BASE]);
    server.post("/v1/apis", &json!({"name": "acme"})).expect(201);
    let links =
        |path: &str| once(&server, path, |document| kinds(document) == 1).json()["links"].clone();
    let own = links("/.well-known/api-keys/acme");
    assert_eq!(own["rotateGuide"], "https://keys.acme.test/guides/acme#replace");
    assert_eq!(own["bestPractices"], "https://keys.acme.test/guides/acme#keep");
    let all = links(KEYS);
    assert_eq!(all["rotateGuide"], "https://keys.acme.test/guides#replace");
    let pages = [page(&server, "/guides/acme"), page(&server, "/guides")];
    for (at, part) in [("replace", 0), ("keep", 0), ("replace", 1), ("keep", 1)] {
        assert!(pages[part].contains(&format!("id=\"{at}\"")), "{at}");
    }
    // Whoever has no page of keys from the API is led to the key page, which says who opens it.
    assert_eq!(
        (&own["console"], &all["console"]),
        (&json!("https://keys.acme.test/portal"), &own["console"])
    );
    let closed = read(&server, "/portal");
    assert!(
        closed.status == 401
            && closed.text.contains("whoever runs the API opens this page for you")
    );
    assert!(closed.text.contains("href=\"/guides\""), "{}", closed.text);

    let guide = json!({"portal": {"guide": "https://acme.example/docs/keys"}});
    server.patch("/v1/apis/acme", &guide).expect(200);
    let path = "/.well-known/api-keys/acme";
    let said =
        |document: &Value| document["links"]["rotateGuide"] == "https://acme.example/docs/keys";
    let own = once(&server, path, said).json();
    assert_eq!(own["links"]["bestPractices"], "https://acme.example/docs/keys");
    let wrong = json!({"portal": {"guide": "javascript:alert(1)"}});
    assert_eq!(server.patch("/v1/apis/acme", &wrong).status, 422);
}

#[test]
fn scanners_are_claimed_to_know_keys_where_somebody_said_by_which_name() {
    let home = Home::new();
    let server = Served::start(&home);
    server.post("/v1/apis", &json!({"name": "acme-pay"})).expect(201);
    let word = |document: &Value| document["keyTypes"][0]["format"]["secretScanningType"].clone();
    assert_eq!(word(&once(&server, KEYS, |document| kinds(document) == 1).json()), Value::Null);
    let rules =
        |server: &Served| server.get("/v1/apis/acme-pay/leak-rules?format=github").expect(200);
    assert_eq!(rules(&server)["secret_type"], "acme_pay_api_key");
    server.patch("/v1/apis/acme-pay", &json!({"scanning_type": "acmepay_key"})).expect(200);
    once(&server, KEYS, |document| word(document) == "acmepay_key");
    assert_eq!(rules(&server)["secret_type"], "acmepay_key");
    for wrong in ["", "Acme", "a b", "acme-key"] {
        let change = json!({"scanning_type": wrong});
        assert_eq!(server.patch("/v1/apis/acme-pay", &change).status, 422, "{wrong}");
    }
    let ran = home.run(&["apis", "set", "acme-pay", "--scanning-type", "none"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    once(&server, KEYS, |document| word(document) == Value::Null);
}

#[test]
fn the_calls_of_the_guide_do_what_it_says() {
    let home = Home::new();
    let server = Served::start_with(&home, &["--public-url", BASE]);
    server.post("/v1/apis", &json!({"name": "acme"})).expect(201);
    let customer = server.post("/v1/apis/acme/accounts", &json!({"name": "globex"})).expect(201);
    let apps = format!("/v1/accounts/{}/apps", customer["id"].as_str().unwrap());
    let app = server.post(&apps, &json!({"name": "shop"})).expect(201);
    let keys = format!("/v1/apps/{}/keys", app["id"].as_str().unwrap());
    let calls = typed(&page(&server, "/guides/acme"));
    let call = |part: &str| {
        let found: Vec<&String> = calls.iter().filter(|call| call.contains(part)).collect();
        assert_eq!(found.len(), 1, "{part}: {calls:?}");
        found[0].clone()
    };
    let make = || {
        let made = server.post(&keys, &json!({"label": "checkout"})).expect(201);
        made["secret"].as_str().unwrap().to_owned()
    };
    let named = |secret: &str| secret.split('_').nth(2).unwrap().to_owned();
    let uses = |secret: &str| {
        server.ask_with(secret, &Method::POST, "/v1/keys/self/uses", None, &[]).status
    };

    // A key is replaced: both work, the one who still uses the old one is told, and the old one ends.
    let old = make();
    let new = done(
        &server,
        &call("/rotations \\\n  -H \"Authorization: Bearer $TOKEN\" \\\n"),
        &named(&old),
    );
    let new = new.expect(201)["secret"].as_str().unwrap().to_owned();
    until(|| uses(&new) == 200);
    let stands = calls.iter().find(|line| {
        line.contains("/KEY/rotations") && !line.contains("-d") && !line.contains("-X")
    });
    until(|| {
        assert_eq!(uses(&old), 200);
        let told = done(&server, stands.unwrap(), &named(&old)).expect(200);
        told["still_used"].as_array().is_some_and(|used| !used.is_empty())
    });
    done(&server, &call("/rotations/completion"), &named(&old)).expect(200);
    until(|| uses(&old) == 401);
    assert_eq!(uses(&new), 200);

    // A rotation is taken back before the new key is used.
    let kept = make();
    let path = format!("/v1/keys/{}/rotations", named(&kept));
    server.post(&path, &json!({})).expect(201);
    assert_eq!(done(&server, &call("-X DELETE"), &named(&kept)).status, 204);
    until(|| uses(&kept) == 200);

    // Uses are told, and a key that leaked ends.
    done(&server, &call("/v1/keys?side=issued"), "").expect(200);
    until(|| done(&server, &call("/usage"), &named(&kept)).expect(200)["address"] == "127.0.0.1");
    done(&server, &call("/revocation"), &named(&kept)).expect(200);
    assert_eq!(uses(&kept), 401);
    let found = make();
    until(|| uses(&found) == 200);
    let report = call("/v1/exposures").replace("the whole key", &found);
    assert_eq!(done(&server, &report, "").status, 202);
    until(|| uses(&found) == 401);
    assert_eq!(calls.len(), 8, "each was tried: {calls:?}");
}
