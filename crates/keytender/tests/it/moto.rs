//! A live account on moto's server, beside the official aws command line.

use std::process::Command;

use keytender_core::time::Time;
use serde_json::Value;

use crate::{AS_OF, Home, partner};

/// The role that Organizations puts into the accounts that it makes.
const ROLE: &str = "OrganizationAccountAccessRole";

/// moto with its URL and the aws command line, or nothing where they are not there.
pub(crate) struct Partners {
    moto: String,
    aws: String,
    /// The variables of who asks.
    credentials: Vec<(&'static str, String)>,
}

impl Partners {
    pub(crate) fn find() -> Option<Self> {
        Some(Self {
            moto: partner("KEYTENDER_TEST_MOTO")?,
            aws: partner("KEYTENDER_TEST_AWS_CLI")?,
            // An id that no user has, so that asking leaves no last use.
            credentials: vec![
                ("AWS_ACCESS_KEY_ID", "testing".to_owned()),
                ("AWS_SECRET_ACCESS_KEY", "testing".to_owned()),
            ],
        })
    }

    /// Where moto listens.
    pub(crate) fn url(&self) -> &str {
        &self.moto
    }

    /// The same in another account, by a role of it: moto lets everybody in.
    pub(crate) fn enter(&self, account: &str) -> Self {
        let role = format!("arn:aws:iam::{account}:role/{ROLE}");
        let words = format!("sts assume-role --role-session-name test --role-arn {role}");
        let session = self.aws(&words)["Credentials"].clone();
        let text = |name: &str| session[name].as_str().unwrap().to_owned();
        let credentials = vec![
            ("AWS_ACCESS_KEY_ID", text("AccessKeyId")),
            ("AWS_SECRET_ACCESS_KEY", text("SecretAccessKey")),
            ("AWS_SESSION_TOKEN", text("SessionToken")),
        ];
        Self { moto: self.moto.clone(), aws: self.aws.clone(), credentials }
    }

    /// The same with another server.
    pub(crate) fn at(&self, url: &str) -> Self {
        let (aws, credentials) = (self.aws.clone(), self.credentials.clone());
        Self { moto: url.to_owned(), aws, credentials }
    }

    /// What the aws command line answers.
    pub(crate) fn aws(&self, words: &str) -> Value {
        let output = Command::new(&self.aws)
            .args(words.split(' '))
            .args(["--output", "json"])
            .envs(self.variables())
            .output()
            .unwrap();
        assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("AWS_ENDPOINT_URL", self.moto.clone()),
            ("AWS_DEFAULT_REGION", "us-east-1".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ];
        variables.extend(self.credentials.iter().cloned());
        variables
    }

    pub(crate) fn home(&self) -> Home {
        self.variables().into_iter().fold(Home::new(), |home, (name, value)| home.with(name, value))
    }

    fn audit(&self, words: &[&str]) -> Value {
        self.home().run(&[&["audit", "aws", "--format", "json"], words].concat()).json()
    }
}

/// The keys of a user in an audit's JSON.
fn keys<'j>(json: &'j Value, user: &str) -> Vec<&'j Value> {
    json["keys"].as_array().unwrap().iter().filter(|key| key["principal"] == user).collect()
}

#[test]
fn keys_made_by_the_aws_command_line_appear_in_the_next_audit() {
    let Some(partners) = Partners::find() else { return };
    partners.aws("iam create-user --user-name fresh-from-the-cli");
    let made = partners.aws("iam create-access-key --user-name fresh-from-the-cli");
    let json = partners.audit(&["--fresh"]);
    let found = keys(&json, "fresh-from-the-cli");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["id"], made["AccessKey"]["AccessKeyId"]);
    assert_eq!((&found[0]["age_days"], &found[0]["due"]), (&0.into(), &false.into()));
    assert!(!json.to_string().contains(made["AccessKey"]["SecretAccessKey"].as_str().unwrap()));
    let id = made["AccessKey"]["AccessKeyId"].as_str().unwrap();
    partners.aws(&format!(
        "iam update-access-key --user-name fresh-from-the-cli --access-key-id {id} --status Inactive"
    ));
    let json = partners.audit(&[]);
    assert_eq!(keys(&json, "fresh-from-the-cli")[0]["state"], "suspended");
    partners
        .aws(&format!("iam delete-access-key --user-name fresh-from-the-cli --access-key-id {id}"));
    partners.aws("iam delete-user --user-name fresh-from-the-cli");
    assert!(keys(&partners.audit(&["--fresh"]), "fresh-from-the-cli").is_empty());
}

#[test]
fn the_small_cast_gives_what_the_example_gives() {
    let Some(partners) = Partners::find() else { return };
    let json = partners.audit(&["--as-of", AS_OF]);
    let verdict = |user: &str| -> Vec<(bool, Value)> {
        keys(&json, user)
            .into_iter()
            .map(|key| (key["due"].as_bool().unwrap(), key["action"].clone()))
            .collect()
    };
    assert_eq!(verdict("deploy"), [(true, "remove".into())]);
    assert_eq!(verdict("Backup-bot"), [(true, "rotate".into()), (true, "remove".into())]);
    assert_eq!(verdict("carol"), [(false, Value::Null), (false, Value::Null)]);
    assert!(verdict("alice").is_empty());
    assert!(keys(&json, "deploy")[0]["id"].is_string());
}

#[test]
fn no_due_key_is_wrong_and_none_is_missed() {
    let Some(partners) = Partners::find() else { return };
    let Some(truth) = partner("KEYTENDER_TEST_MOTO_TRUTH") else { return };
    let truth: Value = serde_json::from_slice(&std::fs::read(truth).unwrap()).unwrap();
    let json = partners.audit(&["--as-of", AS_OF, "--fresh"]);
    let now = Time::parse(AS_OF).unwrap();
    let mut compared = 0;
    for user in truth["users"].as_array().unwrap() {
        for key in user["keys"].as_array().unwrap() {
            let found = json["keys"]
                .as_array()
                .unwrap()
                .iter()
                .find(|found| found["id"] == key["id"])
                .unwrap();
            let days = |time: &Value| {
                let time = Time::parse(time.as_str()?).unwrap();
                Some(now.since(time).whole_days())
            };
            let age = days(&key["created_at"]).unwrap();
            let idle = days(&key["last_used"]["at"]).unwrap_or(age).min(age);
            let is_active = key["status"] == "Active";
            let due = if is_active { age > 90 || idle > 45 } else { idle > 90 };
            // A boundary day counts the hours too, which whole days hide.
            if ![45, 90].contains(&age) && ![45, 90].contains(&idle) {
                assert_eq!(found["due"], due, "{key} {found}");
                compared += 1;
            }
        }
    }
    assert!(compared > 250, "{compared}");
}

#[test]
fn an_organization_made_by_the_aws_command_line_is_watched_with_its_members() {
    let Some(partners) = Partners::find() else { return };
    // An account that no other test knows manages it.
    let manager = partners.enter("555555555555");
    manager.aws("organizations create-organization --feature-set ALL");
    let made = |name: &str| {
        let words = format!("organizations create-account --email {name}@example.com");
        let made = manager.aws(&format!("{words} --account-name {name}"));
        made["CreateAccountStatus"]["AccountId"].as_str().unwrap().to_owned()
    };
    let (dev, old) = (made("dev"), made("old"));
    let inside = manager.enter(&dev);
    inside.aws("iam create-user --user-name ci");
    let id = inside.aws("iam create-access-key --user-name ci")["AccessKey"]["AccessKeyId"].clone();
    inside.aws("iam create-account-alias --account-alias acme-dev");
    inside.aws(
        "account put-alternate-contact --alternate-contact-type SECURITY --name Team --title Team \
         --phone-number 1 --email-address security@dev.example",
    );
    manager.aws(&format!("organizations close-account --account-id {old}"));

    let home = manager.home();
    let run = |words: &[&str]| {
        let ran = home.run(words);
        assert_eq!(ran.code, 0, "{words:?}: {}{}", ran.stdout, ran.stderr);
        ran
    };
    run(&["accounts", "add", "aws", "corp", "--organization", "--role", ROLE]);
    let synced = run(&["sync"]);
    assert!(synced.stdout.contains("corp: 1 member added: dev\n"), "{}", synced.stdout);
    let closed = format!("suspended or closed, so not asked: old ({old})");
    assert!(synced.stderr.contains(&closed), "{}", synced.stderr);
    let key = &run(&["keys", "list", "--json"]).json()["keys"][0];
    assert_eq!((&key["id"], &key["account"], &key["principal"]), (&id, &dev.into(), &"ci".into()));
    let listed = run(&["accounts", "list", "--json"]).json();
    let accounts = listed["accounts"].as_array().unwrap();
    let account = accounts.iter().find(|account| account["name"] == "dev").unwrap();
    assert_eq!(account["alias"], "acme-dev");
    assert_eq!(account["security_contact"], "security@dev.example");
    let again = run(&["sync"]);
    assert!(again.stdout.contains("dev: 1 key, nothing new"), "{}", again.stdout);
    let checked = run(&["accounts", "check", "corp"]);
    assert!(checked.stdout.contains("can watch this organization"), "{}", checked.stdout);
}
