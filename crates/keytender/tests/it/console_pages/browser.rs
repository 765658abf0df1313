//! Somebody who looks at the console: keeps cookies, and posts the forms of pages.

use std::cell::RefCell;
use std::collections::BTreeMap;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::json;

use crate::databases::block_on;
use crate::served::Served;

/// A browser in which somebody is signed in.
pub(crate) struct Browser {
    url: String,
    client: reqwest::Client,
    cookies: RefCell<BTreeMap<String, String>>,
}

/// What it shows.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Browser {
    /// One in which a user of this name is signed in, by a link that is made now.
    pub(crate) fn of(served: &Served, user: &str) -> Self {
        let link = served.post(&format!("/v1/users/{user}/links"), &json!({})).expect(201);
        Self::by_link(served, link["url"].as_str().unwrap())
    }

    /// One in which somebody follows a link that works once.
    pub(crate) fn by_link(served: &Served, link: &str) -> Self {
        let policy = reqwest::redirect::Policy::none();
        let client = reqwest::Client::builder().redirect(policy).build().unwrap();
        let browser = Self { url: served.url.clone(), client, cookies: RefCell::default() };
        let path = link.strip_prefix(&served.url).unwrap();
        let page = browser.submit(path, path, &[]);
        assert_eq!(page.status, 200, "{page:?}");
        browser
    }

    /// The page at a path.
    pub(crate) fn get(&self, path: &str) -> Page {
        let page = self.send(&Method::GET, path, None);
        assert!(page.status < 300 || page.status > 399, "{path}: {page:?}");
        page
    }

    /// What a page answers to its form, and where that leads; the proof is taken from the page.
    pub(crate) fn submit(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> Page {
        let shown = self.get(page);
        self.post(action, &shown.proof(), fields)
    }

    /// The same with a proof that is known.
    pub(crate) fn post(&self, action: &str, proof: &str, fields: &[(&str, &str)]) -> Page {
        let mut form = vec![("proof", proof)];
        form.extend_from_slice(fields);
        let mut page = self.send(&Method::POST, action, Some(&form));
        if page.status == 303 {
            let place = page.headers["location"].to_str().unwrap().to_owned();
            page = self.get(&place);
        }
        page
    }

    fn send(&self, method: &Method, path: &str, form: Option<&[(&str, &str)]>) -> Page {
        let held = self.cookies.borrow();
        let cookies: Vec<String> =
            held.iter().map(|(name, value)| format!("{name}={value}")).collect();
        drop(held);
        let url = format!("{}{path}", self.url);
        let mut request = self.client.request(method.clone(), url).header("accept", "text/html");
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        if let Some(form) = form {
            let mut body = form_urlencoded::Serializer::new(String::new());
            body.extend_pairs(form);
            let kind = "application/x-www-form-urlencoded";
            request = request.header("content-type", kind).body(body.finish());
        }
        block_on(async {
            let response = request.send().await.unwrap();
            for line in response.headers().get_all("set-cookie") {
                let (pair, rest) = line.to_str().unwrap().split_once(';').unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                let mut cookies = self.cookies.borrow_mut();
                match rest.contains("Max-Age=0") {
                    true => cookies.remove(name),
                    false => cookies.insert(name.to_owned(), value.to_owned()),
                };
            }
            Page {
                status: response.status().as_u16(),
                headers: response.headers().clone(),
                text: response.text().await.unwrap(),
            }
        })
    }
}

impl Page {
    /// What its forms carry.
    pub(crate) fn proof(&self) -> String {
        let rest = self.text.split("name=\"proof\" value=\"").nth(1);
        let rest = rest.unwrap_or_else(|| panic!("no form: {self:?}"));
        rest.split('"').next().unwrap().to_owned()
    }

    /// What people read of its main part, without its marks.
    pub(crate) fn words(&self) -> String {
        let main = self.text.split("<main").nth(1).unwrap_or(&self.text);
        let mut words = String::new();
        for part in main.split('<').skip(1) {
            words.push(' ');
            words.push_str(part.split_once('>').map_or("", |(_, text)| text));
        }
        let words = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")]
            .iter()
            .fold(words, |words, (mark, letter)| words.replace(mark, letter));
        words.split_whitespace().collect::<Vec<_>>().join(" ")
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
