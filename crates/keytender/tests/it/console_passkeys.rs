//! Passkeys without a browser that has any: what is asked of it, and what is not taken. The ceremonies
//! themselves are in `console_browser`.

use serde_json::json;

use crate::console_sign_in::{PASSWORD, change, console, console_with, user};
use crate::visitor::Visitor;

#[test]
fn a_browser_is_asked_for_a_passkey_of_this_name_with_its_users_verification() {
    let (home, served) = console();
    let url = served.url.replace("127.0.0.1", "localhost");
    let mut mia = user(&home, &served, "mia", "operator");
    let told = mia.post("/me", "/me/passkeys/options", &[]);
    assert_eq!(told.status, 400, "an address is no name: {told:?}");
    assert!(told.text.contains(&url), "{told:?}");
    assert!(mia.get("/me").text.contains(&format!("{url}/me")));
    mia.url.clone_from(&url);
    change(&home, "UPDATE sessions SET created_at = created_at - 3600000000");
    let options =
        |password: &str| mia.post("/me", "/me/passkeys/options", &[("current", password)]);
    assert_eq!(options("four geese and a lamp").status, 403);
    let (one, two) = (options(PASSWORD).json(), options(PASSWORD).json());
    assert_eq!(one["rp"]["id"], "localhost");
    assert_eq!(one["user"]["name"], "mia");
    assert_eq!(one["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(one["authenticatorSelection"]["userVerification"], "required");
    assert_eq!(one["user"]["id"], two["user"]["id"]);
    assert_ne!(one["challenge"], two["challenge"]);
    let mut visitor = Visitor::new(&served);
    visitor.url = url;
    let asked = visitor.post("/sign-in", "/sign-in/passkey/options", &[]).json();
    assert_eq!(asked["rpId"], "localhost");
    assert_eq!(asked["userVerification"], "required");
    assert_eq!(asked["allowCredentials"], json!([]));
    // Where the server has a name, it is that one's.
    let (home, served) = console_with(&["--public-url", "https://keys.example.com"]);
    let mia = user(&home, &served, "mia", "operator");
    let told = mia.post("/me", "/me/passkeys/options", &[]).json();
    assert_eq!(told["rp"]["id"], "keys.example.com");
}

#[test]
fn what_is_no_answer_to_a_question_of_ours_signs_nobody_in() {
    let (home, served) = console();
    let url = served.url.replace("127.0.0.1", "localhost");
    let mut mia = user(&home, &served, "mia", "operator");
    mia.url.clone_from(&url);
    let mut visitor = Visitor::new(&served);
    visitor.url = url;
    let data = |challenge: &str| {
        use base64::Engine as _;
        let data = json!({"type": "webauthn.get", "challenge": challenge,
                          "origin": "http://localhost", "crossOrigin": false});
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(data.to_string())
    };
    let answer = json!({
        "id": "AAAAAAAAAAAAAAAAAAAAAA", "rawId": "AAAAAAAAAAAAAAAAAAAAAA", "type": "public-key",
        "response": {"clientDataJSON": data("AAAAAAAAAAAAAAAAAAAAAA"), "authenticatorData": "AAAA",
                     "signature": "AAAA", "userHandle": "AAAAAAAAAAA"},
        "clientExtensionResults": {},
    });
    let large = "x".repeat(100_000);
    for answer in ["", "{}", "[]", "null", &large, &answer.to_string()] {
        for (browser, page, path) in
            [(&visitor, "/sign-in", "/sign-in/passkey"), (&mia, "/me", "/me/passkeys")]
        {
            let said = browser.post(page, path, &[("answer", answer)]);
            assert!([403, 404, 422].contains(&said.status), "{path}: {answer}: {said:?}");
        }
    }
    assert!(!visitor.is_in());
    assert_eq!(mia.post("/me", "/me/passkeys/aut_0000000000000/remove", &[]).status, 404);
    // To begin a sign-in costs a row for five minutes, and so not too many are begun.
    let begun = (0..11).map(|_| visitor.post("/sign-in", "/sign-in/passkey/options", &[]).status);
    assert_eq!(begun.last(), Some(429));
}
