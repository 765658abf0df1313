//! A live account on moto's server, beside the official aws command line.

use std::process::Command;

use keytender_core::time::Time;
use serde_json::Value;

use crate::{AS_OF, Home, partner};

/// moto with its URL and the aws command line, or nothing where they are not there.
struct Partners {
    moto: String,
    aws: String,
}

impl Partners {
    fn find() -> Option<Self> {
        Some(Self {
            moto: partner("KEYTENDER_TEST_MOTO")?,
            aws: partner("KEYTENDER_TEST_AWS_CLI")?,
        })
    }

    /// What the aws command line answers.
    fn aws(&self, words: &str) -> Value {
        let output = Command::new(&self.aws)
            .args(words.split(' '))
            .args(["--output", "json"])
            .envs(self.variables())
            .output()
            .unwrap();
        assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    fn variables(&self) -> [(&'static str, String); 5] {
        [
            ("AWS_ENDPOINT_URL", self.moto.clone()),
            ("AWS_DEFAULT_REGION", "us-east-1".to_owned()),
            // An id that no user has, so that asking leaves no last use.
            ("AWS_ACCESS_KEY_ID", "testing".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "testing".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }

    fn audit(&self, words: &[&str]) -> Value {
        let home = self
            .variables()
            .into_iter()
            .fold(Home::new(), |home, (name, value)| home.with(name, value));
        home.run(&[&["audit", "aws", "--format", "json"], words].concat()).json()
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
