//! Somebody at a browser without scripts: keeps cookies, fills in forms, and follows where it is told to,
//! or looks at each step.

use std::cell::RefCell;
use std::collections::BTreeMap;

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

use crate::databases::block_on;
use crate::served::{Answer, Served};

/// More redirects than this are a circle.
const MAX_REDIRECTS: u32 = 5;

/// A browser, and what it keeps.
pub(crate) struct Visitor {
    pub(crate) url: String,
    /// From where it seems to come, to a server that believes it.
    pub(crate) address: String,
    pub(crate) cookies: RefCell<BTreeMap<String, String>>,
    /// The text of the page that was opened last.
    page: RefCell<String>,
}

impl Visitor {
    pub(crate) fn new(served: &Served) -> Self {
        Self {
            url: served.url.clone(),
            address: "192.0.2.1".to_owned(),
            cookies: RefCell::default(),
            page: RefCell::default(),
        }
    }

    /// One in which a user is signed in, by a link that is made now.
    pub(crate) fn of(served: &Served, user: &str) -> Self {
        let link = served.post(&format!("/v1/users/{user}/links"), &json!({})).expect(201);
        let visitor = Self::new(served);
        visitor.enter(link["url"].as_str().unwrap());
        visitor
    }

    /// One request, without following where it leads. A body is a form.
    pub(crate) fn ask(
        &self,
        method: &Method,
        path: &str,
        body: Option<String>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let path = path.strip_prefix(&self.url).unwrap_or(path);
        let url = format!("{}{path}", self.url);
        let mut map = HeaderMap::new();
        map.insert("accept", HeaderValue::from_static("text/html"));
        map.insert("user-agent", HeaderValue::from_static("visitor"));
        map.insert("x-forwarded-for", HeaderValue::from_str(&self.address).unwrap());
        map.insert("cookie", HeaderValue::from_str(&self.cookie_line()).unwrap());
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            map.insert(name, HeaderValue::from_str(value).unwrap());
        }
        let answer = block_on(async {
            let client = reqwest::Client::builder()
                .danger_accept_invalid_certs(true)
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap();
            let mut request = client.request(method.clone(), url).headers(map);
            if let Some(body) = body {
                let form = "application/x-www-form-urlencoded";
                request = request.header("content-type", form).body(body);
            }
            let response = request.send().await.unwrap();
            Answer {
                status: response.status().as_u16(),
                headers: response.headers().clone(),
                text: response.text().await.unwrap(),
            }
        });
        self.keep(&answer.headers);
        answer
    }

    fn keep(&self, headers: &HeaderMap) {
        for line in headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            let mut cookies = self.cookies.borrow_mut();
            match value.is_empty() {
                true => cookies.remove(name),
                false => cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask(&Method::GET, path, None, &[])
    }

    /// Posts a form with the proof that stands on `page`.
    pub(crate) fn post_from(&self, page: &Answer, path: &str, fields: &[(&str, &str)]) -> Answer {
        let proof = member(page, "proof");
        let all = [&[("proof", proof.as_str())], fields].concat();
        self.ask(&Method::POST, path, Some(form(&all)), &[])
    }

    /// Looks at a page, and posts a form from it.
    pub(crate) fn post(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let page = self.get(page);
        self.post_from(&page, path, fields)
    }

    /// Looks at a page, and at where it leads.
    pub(crate) fn open(&self, path: &str) -> Answer {
        self.follow(self.get(path))
    }

    /// Sends a form of the page that was opened last, and looks at where it leads.
    pub(crate) fn send(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let proof = self.value("proof").unwrap_or_default();
        let all = [&[("proof", proof.as_str())], fields].concat();
        self.follow(self.ask(&Method::POST, path, Some(form(&all)), &[]))
    }

    /// Opens a page, and sends a form of it.
    pub(crate) fn submit(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.open(page);
        self.send(path, fields)
    }

    /// The value of the first member of this name on the page that was opened last.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        find_member(&self.page.borrow(), name)
    }

    /// What an answer leads to.
    pub(crate) fn follow(&self, mut answer: Answer) -> Answer {
        for _ in 0..MAX_REDIRECTS {
            if !(300..400).contains(&answer.status) {
                self.page.replace(answer.text.clone());
                return answer;
            }
            answer = self.get(answer.header("location"));
        }
        panic!("a circle of redirects: {answer:?}");
    }

    /// The cookies, as a browser sends them.
    pub(crate) fn cookie_line(&self) -> String {
        let held = self.cookies.borrow();
        let cookies: Vec<String> =
            held.iter().map(|(name, value)| format!("{name}={value}")).collect();
        cookies.join("; ")
    }

    /// Follows a link that works once.
    #[track_caller]
    pub(crate) fn enter(&self, link: &str) {
        let answer = self.post(link, link, &[]);
        assert_eq!((answer.status, answer.header("location")), (303, "/me"), "{answer:?}");
    }

    pub(crate) fn sign_in(&self, name: &str, password: &str) -> Answer {
        self.post("/sign-in", "/sign-in", &[("name", name), ("password", password)])
    }

    /// Whether somebody is signed in here.
    pub(crate) fn is_in(&self) -> bool {
        self.get("/me").status == 200
    }

    /// What the cookie of the session holds.
    pub(crate) fn held(&self) -> String {
        self.cookies.borrow().get("keytender").cloned().unwrap_or_default()
    }

    /// Another browser that has a copy of everything that this one keeps.
    pub(crate) fn copy(&self) -> Self {
        Self {
            url: self.url.clone(),
            address: self.address.clone(),
            cookies: self.cookies.clone(),
            page: self.page.clone(),
        }
    }
}

/// The value of a form's member that the page holds.
#[track_caller]
pub(crate) fn member(page: &Answer, name: &str) -> String {
    find_member(&page.text, name).unwrap_or_else(|| panic!("no {name} in {page:?}"))
}

fn find_member(text: &str, name: &str) -> Option<String> {
    let rest = text.split(&format!("name=\"{name}\" value=\"")).nth(1)?;
    Some(plain(rest.split('"').next()?))
}

/// A text without what stands for marks in HTML.
fn plain(text: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (mark, letter)| text.replace(mark, letter))
}

impl Answer {
    /// What people read of its main part, without its marks.
    pub(crate) fn words(&self) -> String {
        let main = self.text.split("<main").nth(1).unwrap_or(&self.text);
        let parts = main.split('<').skip(1);
        let words: String = parts
            .map(|part| format!(" {}", part.split_once('>').map_or("", |(_, text)| text)))
            .collect();
        plain(&words).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The page, if it is one and says all of this.
    #[track_caller]
    pub(crate) fn says(&self, texts: &[&str]) -> &Self {
        let words = self.words();
        for text in texts {
            assert!(words.contains(text), "{text:?} in {}: {words}", self.status);
        }
        self
    }

    /// The page, if it has this status.
    #[track_caller]
    pub(crate) fn with(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.words());
        self
    }
}

/// Members of a form as they are sent.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    form.finish()
}
