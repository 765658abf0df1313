//! The pages of rotations: a key at AWS is replaced from them, step by step, and nothing is done that was not shown.

use serde_json::{Value, json};

use super::verbs;
use crate::Home;
use crate::inventory::run;
use crate::moto::Partners;
use crate::served::{Answer, Served};
use crate::verifying::until;
use crate::visitor::Visitor;

/// A server beside an account of moto with one user, whose key stands in a file.
pub(crate) struct Desk {
    pub(crate) served: Served,
    pub(crate) browser: Visitor,
    pub(crate) aws: Partners,
    pub(crate) key: String,
    pub(crate) id: String,
    home: Home,
}

/// Who has the key.
const USER: &str = "nightly-export";

impl Desk {
    pub(crate) fn open(account: &str) -> Option<Self> {
        let aws = Partners::find()?.enter(account);
        aws.aws(&format!("iam create-user --user-name {USER}"));
        let made = aws.aws(&format!("iam create-access-key --user-name {USER}"));
        let part = |name: &str| made["AccessKey"][name].as_str().unwrap().to_owned();
        let (id, secret) = (part("AccessKeyId"), part("SecretAccessKey"));
        let home = aws.home();
        home.write("shop.env", format!("# the shop\nKEY_ID={id}\nKEY={secret}\nCOLOUR=blue\n"));
        run(&home, &["accounts", "add", "aws", "prod"]);
        run(&home, &["sync"]);
        let served = Served::start(&home);
        let browser = Visitor::of(&served, "administrator");
        let seen = served.get(&format!("/v1/keys/{id}")).expect(200);
        let key = seen["key"].as_str().unwrap().to_owned();
        Some(Self { served, browser, aws, key, id, home })
    }

    /// Where the key stands.
    pub(crate) fn file(&self) -> String {
        self.home.path().join("shop.env").display().to_string()
    }

    /// The id that stands in the file.
    pub(crate) fn stands(&self) -> String {
        let text = std::fs::read_to_string(self.file()).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("KEY_ID=")).unwrap();
        assert!(text.starts_with("# the shop\n") && text.contains("COLOUR=blue\n"), "{text}");
        line.to_owned()
    }

    /// How each key of the user stands, by its id.
    pub(crate) fn status(&self, id: &str) -> String {
        let keys = self.aws.aws(&format!("iam list-access-keys --user-name {USER}"));
        let keys = keys["AccessKeyMetadata"].as_array().unwrap().clone();
        let key = keys.iter().find(|key| key["AccessKeyId"] == id);
        key.map_or("gone", |key| key["Status"].as_str().unwrap()).to_owned()
    }

    fn path(&self, rest: &str) -> String {
        format!("/keys/{}{rest}", self.key)
    }

    fn add_file(&self) -> Answer {
        let fields = format!("path={}\nid=KEY_ID\nsecret=KEY", self.file());
        let typed = [("name", "shop"), ("kind", "env"), ("fields", &fields)];
        self.browser.submit(&self.path(""), &self.path("/destinations"), &typed)
    }

    /// The rotation of the key, once it stands in a stage.
    pub(crate) fn rotation(&self, stage: &str) -> Value {
        let path = format!("/v1/rotations/{}", self.key);
        let mut seen = Value::Null;
        until(|| {
            seen = self.served.get(&path).expect(200);
            seen["stage"] == stage
        });
        seen
    }

    fn begin(&self, choices: &[(&str, &str)]) -> Answer {
        let all = [choices, &[("begin", "yes"), ("because", "a year old")]].concat();
        self.browser.submit(&self.path("/rotate"), &self.path("/rotate"), &all)
    }

    fn say(&self, rotation: &Value, said: &[(&str, &str)]) -> Answer {
        let page = format!("/rotations/{}", rotation["rotation"].as_str().unwrap());
        self.browser.submit(&page, &format!("{page}/words"), said)
    }
}

/// Adds the file as a destination, after what is refused.
fn tell_where_it_is_used(desk: &Desk) {
    let browser = &desk.browser;
    let refused = [("name", "shop"), ("kind", "env"), ("fields", "path=shop.env\nsecret=KEY")];
    let page = browser.submit(&desk.path(""), &desk.path("/destinations"), &refused);
    page.with(422).says(&["not the whole path of a file", "path=shop.env"]);
    let program = [
        ("name", "hook"),
        ("kind", "command"),
        ("fields", "write=[\"/bin/true\"]\nread=[\"/bin/true\"]"),
    ];
    let page = browser.submit(&desk.path(""), &desk.path("/destinations"), &program);
    assert!(page.status == 403 || page.status == 422, "{}", page.words());
    desk.add_file().with(200).says(&["It is added", "KEY_ID", "never"]);
    desk.add_file().with(409).says(&["already"]);
    let check = desk.path("/destinations/check");
    browser.submit(&desk.path(""), &check, &[]).says(&["Each can be written", "good"]);
}

#[test]
fn a_key_is_replaced_from_its_page_and_each_step_is_shown_before() {
    let Some(desk) = Desk::open("220000000011") else { return };
    let browser = &desk.browser;
    browser.get("/rotations").with(200).says(&["No key is being replaced"]);
    browser.get(&desk.path("")).says(&["Rotate…", "Nobody has told yet"]);
    let unknown = browser.get(&desk.path("/rotate"));
    unknown.with(200).says(&["Nobody has told where", "Add a destination", "Show the plan"]);
    assert!(!unknown.words().contains("Begin"), "nothing begins that is not shown");
    desk.begin(&[]).with(409).says(&["Nobody has told where"]);

    tell_where_it_is_used(&desk);
    let plan = browser.get(&desk.path("/rotate"));
    plan.with(200).says(&["Make a second key", "Disable the old key", "Cannot be undone", "Begin"]);
    let odd = browser.submit(&desk.path("/rotate"), &desk.path("/rotate"), &[("quiet_days", "3")]);
    odd.with(422).says(&["35 to 730 days"]);
    let chosen =
        [("approve", "start"), ("approve", "delete"), ("window", "mon-sun 00:00-24:00 UTC")];
    let plan = browser.submit(&desk.path("/rotate"), &desk.path("/rotate"), &chosen);
    plan.with(200).says(&["After somebody approves start", "After somebody approves delete"]);
    assert_eq!(desk.served.get("/v1/rotations").expect(200)["rotations"], json!([]));
    assert_eq!(desk.stands(), desk.id, "a plan changes nothing");

    let begun = desk.begin(&chosen);
    begun.with(200).says(&["It has begun", "Planned", "a year old"]);
    let waits = desk.rotation("planned");
    until(|| desk.served.get("/v1/rotations").expect(200)["rotations"][0]["waits_for"] == "person");
    browser.get("/rotations").says(&[
        "1 waits for a person",
        "Needs a person",
        "Somebody approves start",
    ]);
    browser.get(&desk.path("")).says(&["It is in a rotation", "To the rotation"]);
    desk.begin(&[]).with(409).says(&["is under way"]);
    let said = [("say", "approve"), ("gate", "start"), ("because", "agreed")];
    desk.say(&waits, &said).with(200).says(&["It is approved"]);

    let both = desk.rotation("overlap");
    let new = both["new_id"].as_str().unwrap();
    assert_eq!(desk.stands(), new);
    assert_eq!(
        (desk.status(&desk.id), desk.status(new)),
        ("Active".to_owned(), "Active".to_owned())
    );
    let page = browser.get(&format!("/rotations/{}", both["rotation"].as_str().unwrap()));
    page.says(&[
        "Both keys",
        "Has the new key",
        "approve start",
        ": agreed",
        "Cut the wait short…",
        "Roll back…",
    ]);
    let old = page.text.contains(&format!("href=\"/keys/{}\"", desk.key));
    let next = format!("href=\"/keys/{}\"", both["new_key"].as_str().unwrap());
    assert!(old && page.text.contains(&next), "both keys are linked");
    desk.say(&both, &[("say", "abort")]).with(409).says(&["does not hear that now"]);
    desk.say(&both, &[("say", "acknowledge"), ("destination", "none")]).with(404);

    desk.say(&both, &[("say", "approve"), ("gate", "disable"), ("because", "the shop was asked")])
        .with(200);
    let held = desk.rotation("disabled");
    assert_eq!(
        (desk.status(&desk.id), desk.status(new)),
        ("Inactive".to_owned(), "Active".to_owned())
    );
    browser.get("/rotations").says(&["Disabled and held", "Delete the old key", "not before"]);
    desk.say(&held, &[("say", "rollback")]).with(200).says(&["the old key comes back"]);
    until(|| desk.stands() == desk.id && desk.status(&desk.id) == "Active");
    let written = verbs(&desk.served);
    for verb in ["rotation.start", "rotation.approve", "rotation.rollback", "destination.add"] {
        assert!(written.iter().any(|one| one == verb), "{verb}: {written:?}");
    }
}

#[test]
fn whoever_fills_a_destination_by_hand_sees_the_new_key_once_a_press_and_the_log_says_so() {
    let Some(desk) = Desk::open("220000000012") else { return };
    let browser = &desk.browser;
    desk.begin(&[("by_hand", "yes")]).with(200).says(&["It has begun"]);
    let waits = desk.rotation("delivering");
    let path = format!("/rotations/{}", waits["rotation"].as_str().unwrap());
    until(|| browser.get(&path).words().contains("Show the new key"));
    let page = browser.open(&path);
    page.says(&["by hand", "Waits for a person", "Vouch for by-hand…"]);
    let once = browser.value("once").unwrap();
    let secret = format!("{path}/secret");
    let shown = browser.send(&secret, &[("once", &once)]);
    shown.with(200).says(&["by-hand", "The log says that you saw it"]);
    assert_eq!(shown.header("cache-control"), "no-store");
    let told = shown.text.split("code class=\"secret\"").nth(1).unwrap();
    let told = told.split(['>', '<']).nth(1).unwrap();
    assert_eq!(told.len(), 40, "a secret of AWS");
    let again = browser.submit(&path, &secret, &[("once", &once)]);
    again.with(409).says(&["This press has shown the key already"]);
    assert!(!again.text.contains(told), "loading the answer again shows nothing");
    assert!(!browser.get(&path).text.contains(told));
    let count = verbs(&desk.served).iter().filter(|verb| *verb == "rotation.reveal").count();
    assert_eq!(count, 1, "each time that it was shown stands in the log");
    let operator = json!({"name": "olaf", "role": "auditor"});
    desk.served.post("/v1/users", &operator).expect(201);
    let auditor = Visitor::of(&desk.served, "olaf");
    assert!(!auditor.get(&path).words().contains("Show the new key"));
    auditor.submit(&path, &secret, &[("once", "x")]).with(403);
    browser.get(&path).says(&["Once each destination is vouched for", "it is disabled next"]);
    desk.say(&waits, &[("say", "acknowledge"), ("destination", "by-hand")]).with(200);
    // Who vouches for all of it lets the old key go: both work for a moment alone.
    let held = desk.rotation("disabled");
    let new = held["new_id"].as_str().unwrap();
    let stand = (desk.status(&desk.id), desk.status(new));
    assert_eq!(stand, ("Inactive".to_owned(), "Active".to_owned()));
    assert!(held["events"].as_array().unwrap().iter().any(|one| one["words"] == "overlap"));
}
