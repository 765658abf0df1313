//! The program as a server, and somebody who asks it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command};
use std::sync::mpsc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::Home;
use crate::databases::block_on;

/// How long the server may take to listen.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Who asks a server, also from other threads.
#[derive(Clone)]
pub(crate) struct Caller {
    url: String,
    token: String,
}

/// A server on a free port, which ends with this value.
pub(crate) struct Served {
    pub(crate) url: String,
    pub(crate) token: String,
    child: Child,
    talk: mpsc::Receiver<String>,
}

/// What the server answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The JSON, if it was answered with this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        if self.text.is_empty() { Value::Null } else { self.json() }
    }
}

impl Served {
    /// How long it has used a processor, in hundredths of a second: what else the machine does, and how
    /// long something waits, does not count.
    pub(crate) fn processor_time(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        // The 14th and 15th of proc(5), in user mode and in the kernel; two stand before the bracket.
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    /// Serves the inventory of `home`.
    pub(crate) fn start(home: &Home) -> Self {
        Self::start_with(home, &[])
    }

    /// The same, with further words.
    pub(crate) fn start_with(home: &Home, words: &[&str]) -> Self {
        let mut first = vec!["serve", "--listen", "127.0.0.1:0"];
        for usual in [["--rate-limit", "0"], ["--log", "none"]] {
            if !words.contains(&usual[0]) {
                first.extend(usual);
            }
        }
        let mut child = home.spawn(&[&first[..], words].concat());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        // Ends with the server, whose talk it reads.
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                _ = sender.send(line);
            }
        });
        let said = lines.recv_timeout(START_TIMEOUT).expect("the server says where it listens");
        let url = said.strip_prefix("listening on ").and_then(|rest| rest.split(';').next());
        let url = url.unwrap_or_else(|| panic!("{said}")).to_owned();
        let token = Self::first_token(home).unwrap_or_default();
        Self { url, token, child, talk: lines }
    }

    /// The token that the first start wrote, beside a file or in the platform's folder.
    fn first_token(home: &Home) -> Option<String> {
        let database = home.variables.iter().find(|(name, _)| name == "KEYTENDER_DATABASE");
        let beside =
            database.map(|(_, path)| std::path::Path::new(path).with_file_name(TOKEN_FILE));
        let platform = home.path().join(".local/share/keytender").join(TOKEN_FILE);
        let found = beside.into_iter().chain([platform]).find(|path| path.exists())?;
        Some(std::fs::read_to_string(found).unwrap().trim().to_owned())
    }

    /// Ends it without a word.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal, such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let words = [format!("-{name}"), self.child.id().to_string()];
        assert!(Command::new("kill").args(words).status().unwrap().success());
    }

    /// What it said on stderr since it listens, up to its end.
    pub(crate) fn talk(&self) -> Vec<String> {
        self.talk.iter().collect()
    }

    /// So many lines of what it said on stderr since it listens.
    pub(crate) fn said(&self, count: usize) -> Vec<String> {
        let line = || self.talk.recv_timeout(START_TIMEOUT).expect("the server says more");
        (0..count).map(|_| line()).collect()
    }

    /// The path of the link by which the first administrator comes in, which it says once.
    pub(crate) fn link(&self) -> String {
        let said = std::iter::from_fn(|| self.talk.recv_timeout(START_TIMEOUT).ok());
        let mut paths =
            said.filter_map(|line| line.split_once("/enter/").map(|it| it.1.to_owned()));
        format!("/enter/{}", paths.next().expect("it says a link"))
    }

    /// What it has printed on stdout by now, at least a line.
    pub(crate) fn printed(&mut self) -> String {
        let mut bytes = vec![0; 64 * 1024];
        let count = self.child.stdout.as_mut().unwrap().read(&mut bytes).unwrap();
        String::from_utf8(bytes[..count].to_vec()).unwrap()
    }

    /// Tells it to end, and waits until it did; its exit code.
    pub(crate) fn end(&mut self) -> i32 {
        let told = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        assert!(told.unwrap().success());
        self.child.wait().unwrap().code().unwrap_or(-1)
    }

    /// Who asks it with its own token.
    pub(crate) fn caller(&self) -> Caller {
        Caller { url: self.url.clone(), token: self.token.clone() }
    }

    /// The same server, asked with another token.
    pub(crate) fn ask_with(
        &self,
        token: &str,
        method: &Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        self.caller().ask_with(token, method, path, body, headers)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask_with(&self.token, &Method::GET, path, None, &[])
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask_with(&self.token, &Method::POST, path, Some(body), &[])
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Answer {
        self.ask_with(&self.token, &Method::PATCH, path, Some(body), &[])
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.ask_with(&self.token, &Method::DELETE, path, None, &[])
    }

    /// A token of a new user with this role, or of one who is there.
    pub(crate) fn token_of(&self, role: &str, facts: &Value, scopes: Option<&[&str]>) -> String {
        let mut user = serde_json::json!({"name": role, "role": role});
        user.as_object_mut().unwrap().extend(facts.as_object().unwrap().clone());
        let added = self.post("/v1/users", &user);
        assert!([201, 409].contains(&added.status), "{added:?}");
        let name = user["name"].as_str().unwrap();
        let asked = serde_json::json!({"label": "test", "scopes": scopes});
        let made = self.post(&format!("/v1/users/{name}/tokens"), &asked).expect(201);
        made["token"].as_str().unwrap().to_owned()
    }

    /// A home whose commands are done by this server.
    pub(crate) fn home(&self) -> Home {
        Home::new().with("KEYTENDER_SERVER", &self.url).with("KEYTENDER_TOKEN", &self.token)
    }
}

impl Caller {
    /// Asks with a token.
    pub(crate) fn ask_with(
        &self,
        token: &str,
        method: &Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let url = format!("{}{path}", self.url);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        block_on(async {
            let client = reqwest::Client::builder()
                .danger_accept_invalid_certs(true)
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap();
            let mut request = client.request(method.clone(), url).headers(map);
            if !token.is_empty() {
                request = request.bearer_auth(token);
            }
            if let Some(body) = body {
                request = request.json(body);
            }
            let response = request.send().await.unwrap();
            Answer {
                status: response.status().as_u16(),
                headers: response.headers().clone(),
                text: response.text().await.unwrap(),
            }
        })
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask_with(&self.token, &Method::GET, path, None, &[])
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask_with(&self.token, &Method::POST, path, Some(body), &[])
    }
}

/// The name of the first administrator's file.
const TOKEN_FILE: &str = "administrator.token";

impl Drop for Served {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
