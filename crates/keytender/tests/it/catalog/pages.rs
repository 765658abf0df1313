//! The APIs that are used on their pages.

use serde_json::json;

use super::USED;
use crate::server;
use crate::visitor::Visitor;

/// A name that would be trouble on a page that did not escape it.
const HOSTILE: &str = "<script>alert(1)</script>\"'&";

#[test]
fn an_index_is_imported_and_forgotten_on_its_page() {
    let (_home, served) = server::served();
    served.post("/v1/keys", &json!({"provider": "stripe", "name": "live"})).expect(201);
    let browser = Visitor::of(&served, "administrator");
    browser.open("/catalog").with(200).says(&["No API is known to be used yet"]);
    let fields = [("url", ""), ("name", "apis.yml"), ("document", USED)];
    let page = browser.submit("/catalog", "/catalog", &fields);
    page.with(200).says(&[
        "What we call was imported",
        "You use 4 APIs and hold 1 key at 1 of the 3 that run them",
        "none recorded",
        "version 0.23",
        "line 30, column 16: apis[3].description: it is empty (null)",
    ]);
    let one = browser.open("/catalog/stripe");
    one.with(200).says(&[
        "You hold 1 key here.",
        "Stripe Payouts",
        "stripe (1)",
        "Told by What we call",
    ]);
    assert!(one.text.contains("href=\"/keys?provider=stripe\""), "{}", one.text);
    let other = browser.open("/catalog/parcels%2Eexample");
    other.with(200).says(&["You use it and no key of it is recorded here", "its own descriptor"]);
    browser.open("/catalog/nobody").with(404);
    browser.open("/catalog?q=parcel").says(&["Parcels parcels.example"]);
    browser.open("/catalog?q=nothing").says(&["None like this"]);

    for (fields, why) in [
        (
            [("url", ""), ("document", "")],
            "An index is imported from its `url` or as its `document`",
        ),
        ([("url", "https://10.0.0.1/apis.json"), ("document", "")], "private address"),
        ([("url", ""), ("document", "just words")], "An index is an object"),
    ] {
        let page = browser.submit("/catalog", "/catalog", &fields);
        assert!(page.status == 422, "{}", page.words());
        assert!(
            page.words().to_lowercase().contains(&why.to_lowercase()),
            "{why}: {}",
            page.words()
        );
    }

    let index = served.get("/v1/catalog-indexes").expect(200)["indexes"][0]["id"].clone();
    let remove = format!("/catalog/indexes/{}/remove", index.as_str().unwrap());
    browser.open(&remove).says(&["Forget What we call?", "4 APIs"]);
    browser.submit(&remove, &remove, &[]).with(200).says(&["The index is forgotten"]);
    browser.open(&remove).with(404);
}

#[test]
fn what_an_index_says_is_shown_and_does_nothing() {
    let (_home, served) = server::served();
    let document = json!({
        "name": HOSTILE, "description": HOSTILE, "url": "https://x.example/apis.json",
        "apis": [{
            "name": format!("{HOSTILE}\u{202e}gnirts"), "description": HOSTILE, "baseURL": "javascript:alert(1)",
            "humanURL": "https://evil.example/\"onload=alert(1)", "tags": [HOSTILE],
            "properties": [
                {"type": "Console", "url": "javascript:alert(1)"},
                {"type": "Login", "url": "https://evil.example/\"><script>"},
            ],
        }],
    });
    let request = json!({"document": document.to_string(), "source": HOSTILE});
    served.post("/v1/catalog-imports", &request).expect(200);
    let browser = Visitor::of(&served, "administrator");
    for page in ["/catalog", "/catalog/evil%2Eexample"] {
        let page = browser.get(page);
        page.with(200);
        assert!(!page.text.contains("<script>alert"), "{}", page.text);
        assert!(!page.text.contains("href=\"javascript"), "{}", page.text);
        assert!(!page.text.contains('\u{202e}'), "{}", page.text);
        assert!(!page.text.contains("\"onload"), "{}", page.text);
    }
}
