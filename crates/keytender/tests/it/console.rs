//! Somebody with a browser at the console: cookies, forms with their proof, redirects.

use std::cell::RefCell;
use std::collections::BTreeMap;

use keytender::app::inventory::{Inventory, Sight};
use keytender::app::{links, ticket};
use keytender::store::Store;
use keytender::store::acts::Actor;
use keytender::store::db::Location;
use keytender::store::sessions::Session;
use keytender_core::id::SessionId;
use keytender_core::time::Span;
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};

use crate::Home;
use crate::databases::block_on;
use crate::served::{Answer, Served};

/// More redirects than this are a circle.
const MAX_REDIRECTS: u32 = 5;

/// A browser that is signed in.
pub(crate) struct Browser {
    url: String,
    cookies: RefCell<BTreeMap<String, String>>,
    /// The page that is looked at.
    page: RefCell<String>,
    /// Its address.
    pub(crate) at: RefCell<String>,
}

/// The inventory of a home, for whoever prepares a story.
async fn inventory(home: &Home) -> Inventory {
    let known = home.variables.iter().find(|(name, _)| name == "KEYTENDER_DATABASE");
    let usual = || home.path().join(".local/share/keytender/inventory.db").display().to_string();
    let location = Location::parse(&known.map_or_else(usual, |(_, path)| path.clone()));
    let store = Store::open(&location).await.unwrap();
    let actor = Actor { name: "test".to_owned(), origin: "test".to_owned() };
    Inventory { store, location, actor, now: keytender::clock::now(), sight: Sight::default() }
}

impl Browser {
    /// One in which nobody is signed in.
    pub(crate) fn new(served: &Served) -> Self {
        let (cookies, page, at) = Default::default();
        Self { url: served.url.clone(), cookies, page, at }
    }

    /// One in which a user is signed in, by a link that works once.
    pub(crate) fn of(served: &Served, home: &Home, user: &str) -> Self {
        let secret = block_on(async {
            let inventory = inventory(home).await;
            let secret = links::make(&inventory, user).await.unwrap();
            inventory.store.close().await;
            secret
        });
        let browser = Self::new(served);
        let path = format!("/enter/{}", secret.expose());
        assert_eq!(browser.get(&path).status, 200);
        assert_eq!(browser.post(&path, &[]).status, 200);
        browser
    }

    /// One in which an owner is who followed a mailed link.
    pub(crate) fn of_owner(served: &Served, home: &Home, owner: &str) -> Self {
        let held = block_on(async {
            let inventory = inventory(home).await;
            let owner = keytender::app::owners::get(&inventory, owner).await.unwrap();
            let held = ticket::make().unwrap();
            let now = inventory.now;
            let session = Session {
                id: SessionId::from_random(7_777),
                digest: ticket::digest_of(held.expose()),
                previous: None,
                turned_at: now,
                user_id: None,
                owner_id: Some(owner.id),
                how: "link".to_owned(),
                address: "127.0.0.1".to_owned(),
                agent: "test".to_owned(),
                created_at: now,
                used_at: now,
                ends_at: now.plus(Span::days(1)),
            };
            let mut tx = inventory.begin().await.unwrap();
            tx.insert_session(&session).await.unwrap();
            tx.commit().await.unwrap();
            inventory.store.close().await;
            held
        });
        let browser = Self::new(served);
        browser.cookies.borrow_mut().insert("keytender".to_owned(), held.expose().to_owned());
        browser
    }

    /// Looks at a page, and at where it leads.
    pub(crate) fn get(&self, path: &str) -> Answer {
        let answer = self.ask(&Method::GET, path, None, &[]);
        self.follow(path, answer)
    }

    /// Sends a form of the page that is looked at.
    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let proof = self.proof();
        let fields: Vec<_> = fields.iter().copied().chain([("proof", proof.as_str())]).collect();
        let answer = self.ask(&Method::POST, path, Some(&fields), &[]);
        self.follow(path, answer)
    }

    /// What the forms of the page that is looked at prove themselves by.
    pub(crate) fn proof(&self) -> String {
        self.value("proof").unwrap_or_default()
    }

    /// The value of the first field of this name on the page that is looked at.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        let page = self.page.borrow();
        let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\""))?;
        Some(rest.split('"').next().unwrap().replace("&quot;", "\"").replace("&amp;", "&"))
    }

    /// The cookies, as a browser sends them.
    pub(crate) fn cookies(&self) -> Vec<(String, String)> {
        self.cookies.borrow().iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    fn follow(&self, path: &str, mut answer: Answer) -> Answer {
        let mut path = path.to_owned();
        for _ in 0..MAX_REDIRECTS {
            if !(300..400).contains(&answer.status) {
                self.page.replace(answer.text.clone());
                self.at.replace(path);
                return answer;
            }
            path = answer.header(LOCATION.as_str()).to_owned();
            answer = self.ask(&Method::GET, &path, None, &[]);
        }
        panic!("a circle of redirects at {path}");
    }

    /// One request, without following where it leads.
    pub(crate) fn ask(
        &self,
        method: &Method,
        path: &str,
        form: Option<&[(&str, &str)]>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let sent: Vec<String> =
            self.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = block_on(async {
            let client = reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap();
            let mut request = client
                .request(method.clone(), format!("{}{path}", self.url))
                .header(ACCEPT, "text/html")
                .header(COOKIE, sent.join("; "));
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            if let Some(fields) = form {
                let body =
                    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                request =
                    request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
            }
            let response = request.send().await.unwrap();
            Answer {
                status: response.status().as_u16(),
                headers: response.headers().clone(),
                text: response.text().await.unwrap(),
            }
        });
        for cookie in answer.headers.get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.borrow_mut().remove(name);
            } else {
                self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}
