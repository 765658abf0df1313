//! AWS's places for secrets, on moto's server, beside the official aws command line.

use std::collections::BTreeMap;
use std::process::Command;

use keytender::deliver::{Destination, Held, Parts, Written};
use keytender_core::secret::Secret;
use serde_json::{Value, json};

use super::api::{Api, Asked, Said};
use super::{both, destination, held, new_key, parts, read, write};
use crate::databases::block_on;
use crate::moto::Partners;

/// Tells the test program, started once more, that its surroundings are AWS's.
const CHILD: &str = "KEYTENDER_TEST_DELIVER_AWS";

/// moto's server, within a process whose environment leads to it; nothing in the process that starts it.
fn within(test: &str) -> Option<Partners> {
    let partners = Partners::find()?;
    if std::env::var_os(CHILD).is_some() {
        return Some(partners);
    }
    run_within(test, &partners.variables());
    None
}

/// Runs a test in a process of its own, with these variables.
fn run_within(test: &str, variables: &[(&'static str, String)]) {
    let ran = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("deliver::aws::{test}")])
        .env(CHILD, "1")
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && text.contains("1 passed"), "{text}");
}

fn managed(name: &str, more: &Value) -> Destination {
    let mut said = json!({"kind": "aws-secretsmanager", "name": name, "allow_private": true});
    said.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    destination(said)
}

/// The ids of all versions of a secret.
fn versions(aws: &Partners, name: &str) -> Vec<String> {
    let listed = aws.aws(&format!(
        "secretsmanager list-secret-version-ids --include-deprecated --secret-id {name}"
    ));
    let ids = listed["Versions"].as_array().unwrap().iter();
    let mut ids: Vec<_> = ids.map(|one| one["VersionId"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

fn current(aws: &Partners, name: &str) -> Value {
    aws.aws(&format!("secretsmanager get-secret-value --secret-id {name}"))
}

#[test]
fn a_managed_secret_is_followed_by_a_version_that_is_ours() {
    let Some(aws) = within("a_managed_secret_is_followed_by_a_version_that_is_ours") else {
        return;
    };
    let name = "placing/whole";
    aws.aws(&format!(
        "secretsmanager create-secret --name {name} --description mine --secret-string 0ld"
    ));
    let first = current(&aws, name)["VersionId"].as_str().unwrap().to_owned();
    let at = managed(name, &json!({}));
    assert_eq!(read(&at).as_deref(), Some("0ld"));
    block_on(at.check()).unwrap();
    assert_eq!(write(&at, Some("other"), "x").unwrap(), Written::Foreign);
    assert_eq!(write(&at, None, "x").unwrap(), Written::Foreign);
    assert_eq!(versions(&aws, name), [first.as_str()], "neither a look nor a check writes");
    assert_eq!(write(&at, Some("0ld"), "n3w").unwrap(), Written::Now);
    assert_eq!(write(&at, Some("0ld"), "n3w").unwrap(), Written::Already);
    assert_eq!(current(&aws, name)["SecretString"], "n3w");
    assert_eq!(versions(&aws, name).len(), 2);
    let described = aws.aws(&format!("secretsmanager describe-secret --secret-id {name}"));
    assert_eq!(described["Description"], "mine");
}

/// One secret of Secrets Manager, as its documentation says of versions and their labels
/// (docs.aws.amazon.com/secretsmanager/latest/apireference, PutSecretValue and
/// UpdateSecretVersionStage): moto does not go back to a version.
#[derive(Default)]
struct Managed {
    versions: BTreeMap<String, String>,
    current: String,
    /// Whether the answer to the next write is lost.
    is_lost: bool,
}

fn answer(secret: &mut Managed, asked: &Asked) -> Said {
    assert!(asked.header("authorization").starts_with("AWS4-HMAC-SHA256 Credential=testing/"));
    let body = asked.json();
    assert_eq!(body["SecretId"], "placing/back");
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    match asked.header("x-amz-target").trim_start_matches("secretsmanager.") {
        "GetSecretValue" => {
            let value = &secret.versions[&secret.current];
            Said::new(200, &json!({"VersionId": secret.current, "SecretString": value}))
        }
        "PutSecretValue" => {
            let (token, value) = (text("ClientRequestToken"), text("SecretString"));
            assert!((32..=64).contains(&token.len()), "{token}");
            match secret.versions.get(&token) {
                Some(known) if *known != value => {
                    return Said::new(400, &json!({"__type": "ResourceExistsException"}));
                }
                // The request is ignored.
                Some(_) => {}
                None => {
                    secret.versions.insert(token.clone(), value);
                    secret.current = token.clone();
                }
            }
            let is_current = secret.current == token;
            let stages = if is_current { json!(["AWSCURRENT"]) } else { json!([]) };
            let code = if std::mem::take(&mut secret.is_lost) { 500 } else { 200 };
            Said::new(code, &json!({"VersionId": token, "VersionStages": stages}))
        }
        "UpdateSecretVersionStage" => {
            assert_eq!(text("RemoveFromVersionId"), secret.current);
            secret.current = text("MoveToVersionId");
            Said::new(200, &json!({"Name": "placing/back"}))
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_version_that_people_went_back_to_is_followed_anew() {
    let test = "a_version_that_people_went_back_to_is_followed_anew";
    let Some(aws) = Partners::find() else { return };
    if std::env::var_os(CHILD).is_none() {
        let first = "0".repeat(32);
        let versions = BTreeMap::from([(first.clone(), "0ld".to_owned())]);
        let secret = Managed { versions, current: first, is_lost: true };
        let api = Api::start(secret, answer);
        run_within(test, &[aws.variables(), vec![("AWS_ENDPOINT_URL", api.url.clone())]].concat());
        // The write whose answer was lost made one version, and so did each of the others.
        let texts = api.with(|secret| secret.versions.values().cloned().collect::<Vec<_>>());
        assert_eq!(texts.iter().filter(|text| *text == "n3w").count(), 2);
        assert_eq!(texts.iter().filter(|text| *text == "n3wer").count(), 1);
        assert_eq!(texts.len(), 4);
        return;
    }
    let here = aws.at(&std::env::var("AWS_ENDPOINT_URL").unwrap());
    let current = || {
        let got = here.aws("secretsmanager get-secret-value --secret-id placing/back");
        got["VersionId"].as_str().unwrap().to_owned()
    };
    let at = managed("placing/back", &json!({}));
    let first = current();
    let lost = write(&at, Some("0ld"), "n3w").unwrap_err().report();
    assert!(lost.contains("it answered 500") && !lost.contains("n3w"), "{lost}");
    assert_eq!(write(&at, Some("0ld"), "n3w").unwrap(), Written::Already);
    for new in ["n3w", "n3wer"] {
        let before = current();
        here.aws(&format!(
            "secretsmanager update-secret-version-stage --secret-id placing/back --version-stage \
             AWSCURRENT --move-to-version-id {first} --remove-from-version-id {before}"
        ));
        assert_eq!(read(&at).as_deref(), Some("0ld"));
        assert_eq!(write(&at, Some("0ld"), new).unwrap(), Written::Now);
        assert_eq!(read(&at).as_deref(), Some(new));
        assert_ne!(current(), before);
    }
}

#[test]
fn of_a_managed_secret_in_json_only_our_texts_change() {
    let Some(aws) = within("of_a_managed_secret_in_json_only_our_texts_change") else { return };
    let name = "placing/json";
    let text = r#"{"user":"shop","id":"AKIAOLD","password":"0ld","port":5432.0}"#;
    aws.aws(&format!("secretsmanager create-secret --name {name} --secret-string {text}"));
    let at = managed(name, &json!({"secret": "/password", "id": "/id"}));
    block_on(at.check()).unwrap();
    let old = both("AKIAOLD", "0ld");
    assert!(block_on(at.read()).unwrap().unwrap().is_same(&old));
    assert_eq!(block_on(at.write(Some(&old), &new_key())).unwrap(), Written::Now);
    let wanted = r#"{"user":"shop","id":"AKIANEW","password":"n3w/key\"+%=","port":5432.0}"#;
    assert_eq!(current(&aws, name)["SecretString"], wanted);
    let gone = managed(name, &json!({"secret": "/gone"}));
    let error = block_on(gone.check()).unwrap_err().report();
    assert!(error.contains("`placing/json` is not understood: there is no `/gone`"), "{error}");
    let alone = managed(name, &json!({"id": "/id"}));
    let error = block_on(alone.read()).map(|_| ()).unwrap_err().report();
    assert!(error.contains("say where the secret stands too"), "{error}");
    let none = managed("placing/none", &json!({}));
    assert!(block_on(none.read()).unwrap().is_none());
    let error = write(&none, None, "n3w").unwrap_err().report();
    assert!(
        error.contains("ResourceNotFoundException") && error.contains("make it once"),
        "{error}"
    );
    let guarded = managed(name, &json!({"allow_private": false}));
    let error = block_on(guarded.read()).map(|_| ()).unwrap_err().report();
    assert!(error.contains("private address") && error.contains("allow_private=true"), "{error}");
}

fn parameter(secret: &str, more: &Value) -> Destination {
    let mut said = json!({"kind": "aws-ssm", "secret": secret, "allow_private": "true"});
    said.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    destination(said)
}

/// What is said of a parameter, without what each write changes.
fn described(aws: &Partners, name: &str) -> Value {
    let words = format!("ssm describe-parameters --parameter-filters Key=Name,Values={name}");
    let mut one = aws.aws(&words)["Parameters"][0].clone();
    let members = one.as_object_mut().unwrap();
    members.remove("LastModifiedDate");
    members.remove("Version");
    one
}

#[test]
fn a_parameter_keeps_its_type_its_key_and_all_else() {
    let Some(aws) = within("a_parameter_keeps_its_type_its_key_and_all_else") else { return };
    let key = aws.aws("kms create-key")["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
    let (name, id) = ("/placing/stripe", "/placing/stripe-id");
    aws.aws(&format!(
        "ssm put-parameter --name {name} --value 0ld --type SecureString --key-id {key} --description mine \
         --allowed-pattern [a-z0-9/]+ --tier Advanced"
    ));
    aws.aws(&format!("ssm put-parameter --name {id} --value AKIAOLD --type String"));
    let before = [described(&aws, name), described(&aws, id)];
    assert_eq!((&before[0]["KeyId"], &before[0]["Tier"]), (&json!(key), &json!("Advanced")));
    let at = parameter(name, &json!({"id": id}));
    let old = both("AKIAOLD", "0ld");
    assert!(block_on(at.read()).unwrap().unwrap().is_same(&old));
    block_on(at.check()).unwrap();
    let version = |name: &str| {
        aws.aws(&format!("ssm get-parameter --name {name} --with-decryption"))["Parameter"].clone()
    };
    assert_eq!(version(name)["Version"], 1, "a check writes nothing");
    let new = parts("n3w/key");
    assert_eq!(block_on(at.write(Some(&both("AKIAOLD", "x")), &new)).unwrap(), Written::Foreign);
    assert_eq!(block_on(at.write(None, &new)).unwrap(), Written::Foreign);
    assert_eq!(block_on(at.write(Some(&old), &new)).unwrap(), Written::Now);
    assert_eq!(block_on(at.write(Some(&old), &new)).unwrap(), Written::Already);
    assert_eq!(
        (&version(name)["Value"], &version(name)["Version"]),
        (&json!("n3w/key"), &json!(2))
    );
    assert_eq!(
        (&version(id)["Value"], &version(id)["Type"]),
        (&json!("AKIANEW"), &json!("String"))
    );
    assert_eq!([described(&aws, name), described(&aws, id)], before);
    // One that stopped between the two is taken up again.
    aws.aws(&format!("ssm put-parameter --name {name} --value 0ld --overwrite"));
    assert_eq!(block_on(at.write(Some(&old), &new)).unwrap(), Written::Now);
}

#[test]
fn a_parameter_that_is_not_there_is_made_a_secure_one() {
    let Some(aws) = within("a_parameter_that_is_not_there_is_made_a_secure_one") else { return };
    let name = "/placing/made";
    let at = parameter(name, &json!({"region": "eu-west-1"}));
    block_on(at.check()).unwrap();
    assert!(block_on(at.read()).unwrap().is_none());
    assert_eq!(block_on(at.write(Some(&held("0ld")), &parts("n3w"))).unwrap(), Written::Foreign);
    let new = Parts { id: None, secret: Secret::new("n3w") };
    assert_eq!(block_on(at.write(None, &new)).unwrap(), Written::Now);
    let made =
        aws.aws(&format!("ssm get-parameter --name {name} --with-decryption --region eu-west-1"));
    assert_eq!(
        (&made["Parameter"]["Value"], &made["Parameter"]["Type"]),
        (&json!("n3w"), &json!("SecureString"))
    );
    let held: Option<Held> = block_on(parameter(name, &json!({})).read()).unwrap();
    assert!(held.is_none(), "in another region there is none");
}
