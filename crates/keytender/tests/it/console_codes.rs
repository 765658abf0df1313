//! Codes from a phone (TOTP) at the console.

use keytender_core::time::Time;
use totp_rs::{Builder, Secret, Totp};

use crate::console_sign_in::{PASSWORD, change, console, console_with, link, user};
use crate::served::Answer;
use crate::visitor::{Visitor, member};

/// An app on a phone.
struct Phone(Totp, Time);

impl Phone {
    /// From the address on the page, as its camera reads it.
    fn of(page: &Answer) -> Self {
        let secret = page.text.split("?secret=").nth(1).unwrap().split('&').next().unwrap();
        assert!(page.text.contains(&format!("<code data-copy>{secret}</code>")), "{page:?}");
        let secret = Secret::try_from_base32(secret).unwrap();
        Self(Builder::new().with_secret(secret).build().unwrap(), keytender::clock::now())
    }

    /// The code of so many steps after it was turned on.
    fn code(&self, steps: i64) -> String {
        let seconds = self.1.as_micros() / 1_000_000 + 30 * steps;
        self.0.generate(u64::try_from(seconds).unwrap()).to_string()
    }

    fn wrong(&self) -> String {
        let right: Vec<String> = (-2..5).map(|step| self.code(step)).collect();
        (0..).map(|number| format!("{number:06}")).find(|code| !right.contains(code)).unwrap()
    }
}

/// Turns the codes of a user on.
fn turn_on(visitor: &Visitor) -> Phone {
    let page = visitor.post("/me", "/me/codes", &[("current", PASSWORD)]);
    assert_eq!(page.status, 200, "{page:?}");
    let phone = Phone::of(&page);
    let fields = [("ticket", &*member(&page, "ticket")), ("code", &*phone.code(0))];
    let done = visitor.post_from(&page, "/me/codes/confirm", &fields);
    assert_eq!(done.status, 303, "{done:?}");
    phone
}

#[test]
fn codes_count_only_once_they_were_confirmed() {
    let (home, served) = console();
    let mia = user(&home, &served, "mia", "operator");
    change(&home, "UPDATE sessions SET created_at = created_at - 3600000000");
    let elsewhere = Visitor::new(&served);
    elsewhere.sign_in("mia", PASSWORD);
    let wrong = mia.post("/me", "/me/codes", &[("current", "four geese and a lamp")]);
    assert_eq!(wrong.status, 403, "{wrong:?}");
    let page = mia.post("/me", "/me/codes", &[("current", PASSWORD)]);
    let phone = Phone::of(&page);
    assert!(page.text.contains("<svg class=\"squares\""), "{page:?}");
    // As long as nothing was confirmed, nothing is asked.
    assert_eq!(Visitor::new(&served).sign_in("mia", PASSWORD).status, 303);
    let confirm = |visitor: &Visitor, ticket: &str, code: &str| {
        visitor.post("/me", "/me/codes/confirm", &[("ticket", ticket), ("code", code)])
    };
    let ticket = member(&page, "ticket");
    let again = confirm(&mia, &ticket, &phone.wrong());
    assert_eq!(again.status, 403);
    assert!(again.text.contains("<svg"), "the picture is still there: {again:?}");
    let tim = user(&home, &served, "tim", "operator");
    assert_eq!(confirm(&tim, &ticket, &phone.code(1)).status, 404, "another user's codes");
    assert_eq!(confirm(&mia, &ticket, &phone.code(0)).status, 303);
    assert_eq!(confirm(&mia, &ticket, &phone.code(1)).status, 404, "once");
    assert!(mia.is_in() && !elsewhere.is_in(), "other browsers are signed out");
}

#[test]
fn a_code_works_once_and_the_password_turns_codes_off() {
    let (home, served) = console();
    let mia = user(&home, &served, "mia", "operator");
    let phone = turn_on(&mia);
    let visitor = Visitor::new(&served);
    let asked = visitor.sign_in("mia", PASSWORD);
    assert_eq!(asked.status, 200, "{asked:?}");
    assert!(!visitor.is_in(), "the password alone is not enough");
    let ticket = member(&asked, "ticket");
    let enter = |code: &str| {
        let fields = [("ticket", &*ticket), ("code", code), ("next", "//evil.example")];
        visitor.post("/sign-in", "/sign-in/code", &fields)
    };
    assert_eq!(enter(&phone.code(0)).status, 403, "it was used to confirm");
    assert_eq!(enter(&phone.wrong()).status, 403);
    let entered = enter(&phone.code(1));
    assert_eq!((entered.status, entered.header("location")), (303, "/"), "{entered:?}");
    assert!(visitor.get("/me").text.contains("by password and code"));
    let fields = [("ticket", &*ticket), ("code", &*phone.code(2))];
    let again = Visitor::new(&served).post("/sign-in", "/sign-in/code", &fields);
    assert_eq!(again.status, 404, "this sign-in is done");
    // A code works once, also for whoever saw both.
    let thief = Visitor::new(&served);
    let asked = thief.sign_in("mia", PASSWORD);
    let fields = [("ticket", &*member(&asked, "ticket")), ("code", &*phone.code(1))];
    assert_eq!(thief.post("/sign-in", "/sign-in/code", &fields).status, 403);

    change(&home, "UPDATE sessions SET created_at = created_at - 3600000000");
    assert_eq!(mia.post("/me", "/me/codes/off", &[("current", "wrong")]).status, 403);
    assert_eq!(mia.post("/me", "/me/codes/off", &[("current", PASSWORD)]).status, 303);
    assert_eq!(Visitor::new(&served).sign_in("mia", PASSWORD).status, 303);
}

#[test]
fn a_sign_in_waits_five_minutes_for_its_code_and_ends_with_its_user() {
    let (home, served) = console();
    let mia = user(&home, &served, "mia", "operator");
    let phone = turn_on(&mia);
    let late = |sql: &str| {
        let visitor = Visitor::new(&served);
        let asked = visitor.sign_in("mia", PASSWORD);
        let ticket = member(&asked, "ticket");
        change(&home, sql);
        visitor.post("/sign-in", "/sign-in/code", &[("ticket", &ticket), ("code", &phone.code(1))])
    };
    assert_eq!(late("UPDATE one_time SET ends_at = ends_at - 301000000").status, 404);
    assert_eq!(late("UPDATE users SET suspended_at = 1 WHERE name = 'mia'").status, 404);
    change(&home, "UPDATE users SET suspended_at = NULL");
    // Whoever lost the phone comes in by a link, and turns the codes off.
    let visitor = Visitor::new(&served);
    visitor.enter(&link(&home, "mia"));
    assert_eq!(visitor.post("/me", "/me/codes/off", &[]).status, 303);
}

#[test]
fn whoever_guesses_codes_must_wait_and_their_secret_is_nowhere_in_clear() {
    let (home, mut served) = console_with(&["--log", "json"]);
    let mia = user(&home, &served, "mia", "operator");
    let phone = turn_on(&mia);
    let visitor = Visitor::new(&served);
    let asked = visitor.sign_in("mia", PASSWORD);
    let ticket = member(&asked, "ticket");
    let fields = [("ticket", &*ticket), ("code", &*phone.wrong())];
    let tries = (0..11).map(|_| visitor.post("/sign-in", "/sign-in/code", &fields).status);
    let tries: Vec<u16> = tries.collect();
    assert_eq!((tries[0], tries[10]), (403, 429), "{tries:?}");
    served.end();
    let secret = phone.0.secret().to_base32();
    assert!(!served.talk().join("\n").contains(&secret));
    for entry in std::fs::read_dir(home.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap_or_default();
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "the secret is sealed");
    }
}
