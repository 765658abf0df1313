//! Somebody at a browser without scripts: keeps cookies, fills in forms, follows what it is told to.

use std::cell::RefCell;
use std::collections::BTreeMap;

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::databases::block_on;
use crate::served::{Answer, Served};

/// A browser, and what it keeps.
pub(crate) struct Visitor {
    pub(crate) url: String,
    /// From where it seems to come, to a server that believes it.
    pub(crate) address: String,
    pub(crate) cookies: RefCell<BTreeMap<String, String>>,
}

impl Visitor {
    pub(crate) fn new(served: &Served) -> Self {
        Self {
            url: served.url.clone(),
            address: "192.0.2.1".to_owned(),
            cookies: RefCell::default(),
        }
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
        let cookies: Vec<String> =
            self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        map.insert("cookie", HeaderValue::from_str(&cookies.join("; ")).unwrap());
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
            cookies: RefCell::new(self.cookies.borrow().clone()),
        }
    }
}

/// The value of a form's member that the page holds.
#[track_caller]
pub(crate) fn member(page: &Answer, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let found = page.text.split(&start).nth(1).and_then(|rest| rest.split('"').next());
    found.unwrap_or_else(|| panic!("no {name} in {page:?}")).to_owned()
}

/// Members of a form as they are sent.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    form.finish()
}
