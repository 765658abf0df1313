//! The pages of the console, as a browser without a script sees them: each shows what the API says,
//! its forms do what they say, and nobody gets at what their role does not allow.

use keytender_core::access::{Role, Scope};
use reqwest::Method;
use serde_json::{Value, json};

use crate::Home;
use crate::served::{Answer, Served};
use crate::visitor::{Visitor, form};

mod doings;
pub(crate) mod issuing;
mod looks;
mod places;
pub(crate) mod rotating;
mod rules;
mod told;
mod users;

/// A name that would be trouble on a page that did not escape it.
const HOSTILE: &str = "<script>alert(1)</script>\"'&\u{202e}gnirts\u{202c}";

/// Every page and form of these sections, with the scopes that it needs.
const PAGES: [(&str, &str, &[Scope]); 107] = [
    ("GET", "/users", &[Scope::UsersRead]),
    ("POST", "/users", &[Scope::UsersWrite]),
    ("GET", "/users/nobody", &[Scope::UsersRead]),
    ("POST", "/users/nobody", &[Scope::UsersWrite]),
    ("POST", "/users/nobody/suspension", &[Scope::UsersWrite]),
    ("POST", "/users/nobody/links", &[Scope::UsersWrite]),
    ("POST", "/users/nobody/sessions/end", &[Scope::UsersWrite]),
    ("GET", "/users/nobody/remove", &[Scope::UsersWrite]),
    ("POST", "/users/nobody/remove", &[Scope::UsersWrite]),
    ("POST", "/users/nobody/tokens", &[Scope::UsersWrite]),
    ("GET", "/users/nobody/tokens/none/revoke", &[Scope::UsersRead, Scope::KeysAct]),
    ("POST", "/users/nobody/tokens/none/revoke", &[Scope::UsersRead, Scope::KeysAct]),
    ("GET", "/accounts", &[Scope::AccountsRead]),
    ("POST", "/accounts", &[Scope::AccountsWrite]),
    ("GET", "/accounts/nobody", &[Scope::AccountsRead]),
    ("POST", "/accounts/nobody/contact", &[Scope::AccountsWrite]),
    ("GET", "/accounts/nobody/remove", &[Scope::AccountsWrite]),
    ("POST", "/accounts/nobody/remove", &[Scope::AccountsWrite]),
    ("POST", "/accounts/nobody/look", &[Scope::AccountsSync]),
    ("POST", "/accounts/nobody/check", &[Scope::AccountsSync]),
    ("GET", "/catalog", &[Scope::AccountsRead]),
    ("POST", "/catalog", &[Scope::AccountsWrite]),
    ("GET", "/catalog/apis.json", &[Scope::AccountsRead]),
    ("GET", "/catalog/nobody", &[Scope::AccountsRead]),
    ("POST", "/catalog/nobody/discoveries", &[Scope::AccountsWrite]),
    ("GET", "/catalog/indexes/nobody/remove", &[Scope::AccountsWrite]),
    ("POST", "/catalog/indexes/nobody/remove", &[Scope::AccountsWrite]),
    ("GET", "/owners", &[Scope::OwnersRead]),
    ("POST", "/owners", &[Scope::OwnersWrite]),
    ("GET", "/owners/nobody", &[Scope::OwnersRead]),
    ("POST", "/owners/nobody", &[Scope::OwnersWrite]),
    ("POST", "/owners/nobody/claims", &[Scope::OwnersWrite]),
    ("POST", "/owners/nobody/claims/remove", &[Scope::OwnersWrite]),
    ("GET", "/owners/nobody/remove", &[Scope::OwnersWrite]),
    ("POST", "/owners/nobody/remove", &[Scope::OwnersWrite]),
    ("GET", "/owners/suggestions", &[Scope::OwnersWrite, Scope::KeysWrite]),
    ("GET", "/notices", &[Scope::NoticesRead]),
    ("GET", "/notices/nobody", &[Scope::NoticesRead]),
    ("POST", "/notices/nobody/again", &[Scope::NoticesWrite]),
    ("POST", "/notices/contact", &[Scope::NoticesWrite]),
    ("POST", "/notices/test", &[Scope::NoticesWrite]),
    ("POST", "/notices/run", &[Scope::NoticesWrite]),
    ("POST", "/notices/preview", &[Scope::NoticesWrite]),
    ("POST", "/notices/start", &[Scope::NoticesWrite]),
    ("GET", "/notices/stop", &[Scope::NoticesWrite]),
    ("POST", "/notices/stop", &[Scope::NoticesWrite]),
    ("POST", "/notices/channels", &[Scope::ChannelsWrite]),
    ("GET", "/notices/channels/new?kind=mail", &[Scope::ChannelsWrite]),
    ("GET", "/notices/channels/nobody/remove", &[Scope::ChannelsWrite]),
    ("POST", "/notices/channels/nobody/remove", &[Scope::ChannelsWrite]),
    ("GET", "/notices/channels/nobody", &[Scope::ChannelsRead]),
    ("POST", "/notices/channels/nobody/events", &[Scope::ChannelsWrite]),
    ("POST", "/notices/channels/nobody/test", &[Scope::ChannelsWrite]),
    ("POST", "/notices/channels/nobody/rotation", &[Scope::ChannelsWrite]),
    ("POST", "/notices/channels/nobody/rotation/end", &[Scope::ChannelsWrite]),
    ("GET", "/apis/nobody/notices", &[Scope::ApisRead, Scope::NoticesRead]),
    ("POST", "/apis/nobody/notices", &[Scope::NoticesWrite]),
    ("POST", "/apis/nobody/notices/preview", &[Scope::NoticesWrite]),
    ("POST", "/apis/nobody/notices/start", &[Scope::NoticesWrite]),
    ("GET", "/apis/nobody/notices/stop", &[Scope::NoticesWrite]),
    ("POST", "/apis/nobody/notices/stop", &[Scope::NoticesWrite]),
    ("GET", "/policy", &[Scope::PolicyRead]),
    ("GET", "/policy/edit", &[Scope::PolicyRead]),
    ("POST", "/policy/check", &[Scope::PolicyRead]),
    ("POST", "/policy/use", &[Scope::PolicyWrite]),
    ("GET", "/policy/default", &[Scope::PolicyWrite]),
    ("POST", "/policy/default", &[Scope::PolicyWrite]),
    ("GET", "/reports", &[Scope::ReportsRead]),
    ("GET", "/reports/file", &[Scope::ReportsRead]),
    ("GET", "/reports/changes", &[Scope::ReportsRead]),
    ("GET", "/tasks", &[Scope::TasksRead]),
    ("POST", "/tasks/run", &[Scope::TasksRun]),
    ("GET", "/log", &[Scope::LogRead]),
    ("POST", "/log/verify", &[Scope::LogRead]),
    ("GET", "/settings", &[Scope::MetricsRead]),
    ("GET", "/me", &[]),
    ("GET", "/apis", &[Scope::ApisRead]),
    ("POST", "/apis", &[Scope::ApisWrite]),
    ("GET", "/apis/nobody", &[Scope::ApisRead]),
    ("POST", "/apis/nobody", &[Scope::ApisWrite]),
    ("POST", "/apis/nobody/accounts", &[Scope::AccountsWrite]),
    ("POST", "/apis/nobody/portal", &[Scope::ApisWrite]),
    ("POST", "/apis/nobody/own-apps", &[Scope::ApisWrite]),
    ("POST", "/apis/nobody/portal/preview", &[Scope::AccountsAdmit]),
    ("POST", "/accounts/nobody/portal", &[Scope::AccountsAdmit]),
    ("GET", "/apis/nobody/remove", &[Scope::ApisWrite]),
    ("POST", "/apis/nobody/remove", &[Scope::ApisWrite]),
    ("POST", "/accounts/nobody/suspension", &[Scope::AccountsWrite]),
    ("POST", "/accounts/nobody/apps", &[Scope::AppsWrite]),
    ("GET", "/apps/nobody", &[Scope::AppsRead]),
    ("POST", "/apps/nobody", &[Scope::AppsWrite]),
    ("POST", "/apps/nobody/suspension", &[Scope::AppsWrite]),
    ("POST", "/apps/nobody/keys", &[Scope::KeysIssue]),
    ("GET", "/rotations", &[Scope::KeysRead]),
    ("GET", "/rotations/nobody", &[Scope::KeysRead]),
    ("POST", "/rotations/nobody/words", &[Scope::KeysAct]),
    ("POST", "/rotations/nobody/secret", &[Scope::DestinationsWrite]),
    ("GET", "/keys/nobody/rotate", &[Scope::KeysAct]),
    ("POST", "/keys/nobody/rotate", &[Scope::KeysAct]),
    ("POST", "/keys/nobody/destinations", &[Scope::DestinationsWrite]),
    ("POST", "/keys/nobody/destinations/check", &[Scope::KeysAct]),
    ("POST", "/keys/nobody/destinations/remove", &[Scope::DestinationsWrite]),
    ("POST", "/keys/nobody/rotations", &[Scope::KeysIssue]),
    ("POST", "/keys/nobody/rotations/cancel", &[Scope::KeysIssue]),
    ("POST", "/keys/nobody/rotations/finish", &[Scope::KeysIssue]),
    ("GET", "/keys/nobody/revocation", &[Scope::KeysIssue]),
    ("POST", "/keys/nobody/revocation", &[Scope::KeysIssue]),
];

/// A server with somebody of each role: the name of each is the role's, of an owner `olga`.
fn staffed() -> (Home, Served) {
    let (home, served) = crate::server::served();
    served.post("/v1/owners", &json!({"name": "team", "address": "team@example.com"})).expect(201);
    for user in [
        json!({"name": "operator", "role": "operator"}),
        json!({"name": "auditor", "role": "auditor"}),
        json!({"name": "olga", "role": "owner", "owner": "team"}),
    ] {
        served.post("/v1/users", &user).expect(201);
    }
    (home, served)
}

/// The verbs in the log, the newest first.
fn verbs(served: &Served) -> Vec<String> {
    let acts = served.get("/v1/acts").expect(200);
    let acts = acts["acts"].as_array().unwrap();
    acts.iter().map(|act| act["verb"].as_str().unwrap().to_owned()).collect()
}

/// The first thing of a list that the API gives.
fn listed(served: &Served, path: &str, list: &str, name: &str) -> Value {
    let things = served.get(path).expect(200);
    let found = things[list].as_array().unwrap().iter().find(|one| one["name"] == name);
    found.unwrap_or_else(|| panic!("{name}: {things}")).clone()
}

/// The paths that the sections of a page lead to.
fn sections(page: &Answer) -> Vec<String> {
    let list = page.text.split("aria-label=\"Sections\"").nth(1).unwrap();
    let list = list.split("</ul>").next().unwrap();
    let paths = list.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    paths.map(str::to_owned).collect()
}

#[test]
fn each_role_reaches_what_its_scopes_allow_and_nothing_else() {
    let (_home, served) = staffed();
    served.post("/v1/apis", &json!({"name": "acme"})).expect(201);
    for (role, user) in Role::ALL.into_iter().zip(["administrator", "operator", "auditor", "olga"])
    {
        let browser = Visitor::of(&served, user);
        let me = browser.get("/me");
        for (method, path, scopes) in PAGES {
            let may = scopes.iter().all(|scope| role.scopes().contains(*scope));
            let page = match method {
                "GET" => browser.get(path),
                _ => browser.post_from(&me, path, &[]),
            };
            assert_eq!(page.status == 403, !may, "{method} {path} as {user}: {}", page.words());
            assert!(page.status < 500, "{method} {path} as {user}: {}", page.words());
        }
        for path in sections(&me) {
            assert_eq!(browser.get(&path).status, 200, "{path} as {user}");
        }
        let offered = |path: &str| sections(&me).contains(&path.to_owned());
        for (method, path, scopes) in PAGES {
            if method == "GET" && path.matches('/').count() == 1 && path != "/me" {
                let may = scopes.iter().all(|scope| role.scopes().contains(*scope));
                assert_eq!(offered(path), may, "{path} to {user}");
            }
        }
    }
}

#[test]
fn a_form_without_the_proof_of_a_page_does_nothing() {
    let (_home, served) = staffed();
    let browser = Visitor::of(&served, "administrator");
    let before = verbs(&served).len();
    for (_, path, _) in PAGES.into_iter().filter(|(method, ..)| *method == "POST") {
        for proof in ["", "made-up"] {
            let sent = Some(form(&[("proof", proof)]));
            let refused = browser.ask(&Method::POST, path, sent, &[]);
            refused.with(403).says(&["this form is too old"]);
        }
    }
    assert_eq!(verbs(&served).len(), before);
}
