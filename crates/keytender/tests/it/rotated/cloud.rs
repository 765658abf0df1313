//! AWS for rotations: a moto of our own that checks signatures, and a door before it.

use std::collections::HashSet;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::descriptor::provider::{Came, Provider, Reply};
use crate::notify::run;
use crate::verifying::until;
use crate::{Home, partner};

/// After so many calls moto checks signatures and policies: those that make the users below.
const UNCHECKED_CALLS: usize = 4;
/// What each user may do.
const POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// An access key: its id and its secret.
pub(super) type Pair = (String, String);

/// A moto of our own.
pub(super) struct Cloud {
    url: String,
    admin: Pair,
    /// The official command line, where signatures are checked.
    aws: Option<String>,
    moto: Child,
}

impl Drop for Cloud {
    fn drop(&mut self) {
        _ = self.moto.kill();
        _ = self.moto.wait();
    }
}

impl Cloud {
    /// One that lets nobody in without a good signature; nothing where moto and the aws command line are not
    /// there.
    pub(super) fn start() -> Option<Self> {
        let aws = partner("KEYTENDER_TEST_AWS_CLI")?;
        let mut cloud = Self::begin(&aws, Some(UNCHECKED_CALLS));
        cloud.aws = Some(aws);
        cloud.command(&["iam", "create-user", "--user-name", "admin"]);
        cloud.allow("admin");
        cloud.admin = cloud.make_key("admin");
        Some(cloud)
    }

    /// One that lets everybody in, and is quick: what is refused is refused at the door.
    pub(super) fn open() -> Option<Self> {
        let aws = partner("KEYTENDER_TEST_AWS_CLI")?;
        Some(Self::begin(&aws, None))
    }

    fn begin(aws: &str, unchecked: Option<usize>) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut moto = Command::new(Path::new(aws).with_file_name("moto_server"));
        moto.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        if let Some(count) = unchecked {
            moto.env("INITIAL_NO_AUTH_ACTION_COUNT", count.to_string());
        }
        let moto = moto.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let admin = ("testing".to_owned(), "testing".to_owned());
        let cloud = Self { url: format!("http://127.0.0.1:{port}"), admin, aws: None, moto };
        until(|| TcpStream::connect(("127.0.0.1", port)).is_ok());
        cloud
    }

    /// What the aws command line answers to the administrator.
    fn command(&self, words: &[&str]) -> Value {
        let aws = self.aws.as_ref().expect("a moto that checks signatures");
        let (id, secret) = &self.admin;
        let output = Command::new(aws)
            .args(words)
            .args(["--output", "json"])
            .env("AWS_ENDPOINT_URL", &self.url)
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", id)
            .env("AWS_SECRET_ACCESS_KEY", secret)
            .output()
            .unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// What a moto that lets everybody in answers.
    fn ask(&self, action: &str, user: &str, id: Option<&str>) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", action).append_pair("UserName", user);
        form.append_pair("Version", "2010-05-08");
        if let Some(id) = id {
            form.append_pair("AccessKeyId", id);
        }
        let signed = "AWS4-HMAC-SHA256 Credential=testing/20261124/us-east-1/iam/aws4_request, \
                      SignedHeaders=host, Signature=0";
        run(async {
            let request = reqwest::Client::new().post(&self.url).body(form.finish());
            let kind = "application/x-www-form-urlencoded";
            let request = request.header("content-type", kind).header("authorization", signed);
            let answer = request.send().await.unwrap();
            assert!(answer.status().is_success(), "{action} {user}");
            answer.text().await.unwrap()
        })
    }

    fn make_key(&self, user: &str) -> Pair {
        if self.aws.is_none() {
            let made = self.ask("CreateAccessKey", user, None);
            let one = |name: &str| texts(&made, name).remove(0);
            return (one("AccessKeyId"), one("SecretAccessKey"));
        }
        let made = self.command(&["iam", "create-access-key", "--user-name", user]);
        let text = |name: &str| made["AccessKey"][name].as_str().unwrap().to_owned();
        (text("AccessKeyId"), text("SecretAccessKey"))
    }

    /// Lets a user do everything.
    pub(super) fn allow(&self, user: &str) {
        let words = ["--user-name", user, "--policy-name", "all", "--policy-document", POLICY];
        self.command(&[&["iam", "put-user-policy"], &words[..]].concat());
    }

    /// A new user with a key.
    pub(super) fn user(&self, name: &str) -> Pair {
        match self.aws {
            Some(_) => _ = self.command(&["iam", "create-user", "--user-name", name]),
            None => _ = self.ask("CreateUser", name, None),
        }
        self.make_key(name)
    }

    /// The keys of a user: id and status.
    pub(super) fn keys(&self, user: &str) -> Vec<Pair> {
        if self.aws.is_none() {
            let listed = self.ask("ListAccessKeys", user, None);
            return texts(&listed, "AccessKeyId")
                .into_iter()
                .zip(texts(&listed, "Status"))
                .collect();
        }
        let listed = self.command(&["iam", "list-access-keys", "--user-name", user]);
        let listed = listed["AccessKeyMetadata"].as_array().unwrap().clone();
        let text = |key: &Value, name: &str| key[name].as_str().unwrap().to_owned();
        listed.iter().map(|key| (text(key, "AccessKeyId"), text(key, "Status"))).collect()
    }

    pub(super) fn delete_key(&self, user: &str, id: &str) {
        match self.aws {
            Some(_) => {
                let words = ["--user-name", user, "--access-key-id", id];
                self.command(&[&["iam", "delete-access-key"], &words[..]].concat());
            }
            None => _ = self.ask("DeleteAccessKey", user, Some(id)),
        }
    }

    /// A home whose AWS is behind a door of its own, and is asked by the administrator's key.
    pub(super) fn home(&self, door: &Door) -> Home {
        let (id, secret) = &self.admin;
        self.bare_home(door)
            .with("AWS_ACCESS_KEY_ID", id.as_str())
            .with("AWS_SECRET_ACCESS_KEY", secret.as_str())
    }

    /// One without any key.
    pub(super) fn bare_home(&self, door: &Door) -> Home {
        let home = Home::new()
            .with("AWS_ENDPOINT_URL", door.url())
            .with("AWS_DEFAULT_REGION", "us-east-1");
        let database = home.path().join("inventory.db");
        home.with("KEYTENDER_DATABASE", database.to_str().unwrap())
    }

    /// Whether whoever uses the profile of a file is let in, by the official command line.
    pub(super) fn who(&self, door: &Door, file: &Path, profile: &str) -> Result<(), String> {
        let aws = self.aws.as_ref().expect("a moto that checks signatures");
        let output = Command::new(aws)
            .args(["sts", "get-caller-identity", "--profile", profile])
            .env("AWS_ENDPOINT_URL", door.url())
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_SHARED_CREDENTIALS_FILE", file)
            .env("AWS_MAX_ATTEMPTS", "1")
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY")
            .output()
            .unwrap();
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    pub(super) fn door(&self) -> Door {
        Door::before(&self.url)
    }
}

/// Which call of the rotation hangs.
#[derive(Clone, Copy, Debug)]
pub(super) enum At {
    /// The how manieth.
    Number(usize),
    /// The first that asks for this.
    Action(&'static str),
}

/// When a call of the rotation hangs, and whether AWS has done it by then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hang {
    pub(super) at: At,
    pub(super) after: bool,
    /// Whether it is answered after all, once it is released.
    pub(super) is_answered: bool,
}

#[derive(Default)]
struct Rules {
    disabled: HashSet<String>,
    /// The keys that were made through the door.
    made: Vec<Pair>,
    hang: Option<Hang>,
    calls: usize,
    is_hanging: bool,
}

/// What stands before moto: it passes requests on, refuses keys that are disabled, which moto forgets, and lets
/// one call hang until it is told.
pub(super) struct Door {
    provider: Provider,
    rules: Arc<(Mutex<Rules>, Condvar)>,
}

impl Door {
    fn before(moto: &str) -> Self {
        let rules: Arc<(Mutex<Rules>, Condvar)> = Arc::default();
        let (shared, moto) = (Arc::clone(&rules), moto.to_owned());
        let provider = Provider::start(move |came| answer(&moto, came, &shared));
        Self { provider, rules }
    }

    fn url(&self) -> String {
        self.provider.url.as_str().trim_end_matches('/').to_owned()
    }

    /// Lets a call hang from now on.
    pub(super) fn hang(&self, hang: Hang) {
        self.rules.0.lock().unwrap().hang = Some(hang);
    }

    /// Whether one hangs.
    pub(super) fn is_hanging(&self) -> bool {
        self.rules.0.lock().unwrap().is_hanging
    }

    /// Lets the one that hangs end.
    pub(super) fn release(&self) {
        let (rules, told) = &*self.rules;
        let mut rules = rules.lock().unwrap();
        rules.is_hanging = false;
        rules.hang = None;
        told.notify_all();
    }

    /// Whether AWS let in whoever has this key: it is the first or one that was made, whole, and not disabled.
    pub(super) fn lets_in(&self, first: &Pair, key: &Pair) -> bool {
        let rules = self.rules.0.lock().unwrap();
        (key == first || rules.made.contains(key)) && !rules.disabled.contains(&key.0)
    }

    /// The keys that were made through it.
    pub(super) fn made(&self) -> Vec<Pair> {
        self.rules.0.lock().unwrap().made.clone()
    }

    /// How many calls of the program there were.
    pub(super) fn calls(&self) -> usize {
        self.rules.0.lock().unwrap().calls
    }

    /// How often AWS was asked to do this.
    pub(super) fn count(&self, action: &str) -> usize {
        let is_one = |came: &&Came| action_of(came) == action;
        self.provider.came().iter().filter(is_one).count()
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.provider.end();
    }
}

/// The texts of every element of this name.
fn texts(xml: &str, name: &str) -> Vec<String> {
    let begin = format!("<{name}>");
    let parts = xml.split(&begin).skip(1);
    parts.filter_map(|part| part.split('<').next()).map(str::to_owned).collect()
}

fn action_of(came: &Came) -> String {
    came.form()["Action"].as_str().unwrap_or_default().to_owned()
}

/// The id of the key that signed a request.
fn signer(came: &Came) -> &str {
    let rest = came.authorization().split("Credential=").nth(1).unwrap_or_default();
    rest.split('/').next().unwrap_or_default()
}

fn answer(moto: &str, came: &Came, shared: &(Mutex<Rules>, Condvar)) -> Reply {
    let (lock, told) = shared;
    let (form, action) = (came.form(), action_of(came));
    let is_ours =
        came.headers["user-agent"].as_str().is_some_and(|agent| agent.contains("aws-sdk-rust"));
    let hang = {
        let mut rules = lock.lock().unwrap();
        if rules.disabled.contains(signer(came)) {
            return refused();
        }
        let counts = is_ours && !action.contains("Report") && !action.starts_with("ListAccount");
        rules.calls += usize::from(counts);
        let calls = rules.calls;
        rules.hang.filter(|hang| {
            counts
                && match hang.at {
                    At::Number(number) => number == calls,
                    At::Action(name) => name == action,
                }
        })
    };
    let early = hang.is_some_and(|hang| !hang.after);
    let reply = if early { Reply::Close } else { pass(moto, came) };
    if action == "UpdateAccessKey" && !early {
        let id = form["AccessKeyId"].as_str().unwrap().to_owned();
        let mut rules = lock.lock().unwrap();
        match form["Status"].as_str() {
            Some("Active") => _ = rules.disabled.remove(&id),
            _ => _ = rules.disabled.insert(id),
        }
    }
    if let Reply::Whole(200, _, body) = &reply
        && action == "CreateAccessKey"
    {
        let one = |name: &str| texts(body, name).remove(0);
        lock.lock().unwrap().made.push((one("AccessKeyId"), one("SecretAccessKey")));
    }
    if hang.is_some() {
        let mut rules = lock.lock().unwrap();
        rules.is_hanging = true;
        let patience = Duration::from_secs(60);
        _ = told.wait_timeout_while(rules, patience, |rules| rules.is_hanging).unwrap();
    }
    match hang {
        Some(hang) if !hang.is_answered => Reply::Close,
        _ => reply,
    }
}

fn pass(moto: &str, came: &Came) -> Reply {
    let passed = run(async {
        let mut request = reqwest::Client::new().post(moto).body(came.body.clone());
        for (name, value) in came.headers.as_object().unwrap() {
            if !["content-length", "connection"].contains(&name.as_str()) {
                request = request.header(name, value.as_str().unwrap());
            }
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        Ok::<_, reqwest::Error>((status, answer.text().await?))
    });
    match passed {
        Ok((status, body)) => {
            Reply::Whole(status, vec![("content-type", "text/xml".to_owned())], body)
        }
        Err(_) => Reply::Close,
    }
}

/// What AWS says to whoever signs with a key that is disabled.
fn refused() -> Reply {
    let body = "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code>\
                <Message>The security token included in the request is invalid.</Message></Error>\
                <RequestId>1</RequestId></ErrorResponse>";
    Reply::Whole(403, vec![("content-type", "text/xml".to_owned())], body.to_owned())
}
