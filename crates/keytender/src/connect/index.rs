//! Indexes of APIs at addresses: fetched without a credential by the guarded client, with few redirects.

use std::time::Duration;

use reqwest::header::{ACCEPT, LOCATION};
use reqwest::{Client, Response, Url};

use crate::error::Error;
use crate::net::outbound::{self, Cause, Settings, Unread};

/// How long one may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How many redirects are followed: http to https, a bare domain to www, a renamed repository.
const MAX_REDIRECTS: usize = 3;
/// What is asked for.
const WANTED: &str = "application/apis+json, application/json, application/yaml, */*;q=0.5";

/// Fetches indexes.
#[derive(Debug)]
pub struct Indexes {
    public: Client,
    any: Client,
    /// The host on which addresses that are not public may be reached.
    private: Option<(String, Option<u16>)>,
}

impl Indexes {
    /// A client that also reaches what is not public on the host of `private`.
    ///
    /// # Errors
    /// When TLS cannot be prepared.
    pub fn new(private: Option<&Url>) -> Result<Self, Error> {
        let settings = |allow_private| Settings { timeout: TIMEOUT, roots: None, allow_private };
        let private = private.and_then(|url| Some((url.host_str()?.to_owned(), url.port())));
        Ok(Self {
            public: outbound::client(&settings(false), "indexes of APIs")?,
            any: outbound::client(&settings(true), "indexes of APIs")?,
            private,
        })
    }

    /// What is at `url`, and where it was in the end.
    ///
    /// # Errors
    /// Why it cannot be had, for people.
    pub async fn fetch(&self, url: &Url, most: usize) -> Result<(Url, String), String> {
        let mut url = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let is_here = self
                .private
                .as_ref()
                .is_some_and(|(host, port)| url.host_str() == Some(host) && url.port() == *port);
            if url.scheme() == "http" && !is_here {
                // Indexes of old name pages by http that answer by https today.
                _ = url.set_scheme("https");
            }
            outbound::check(&url, is_here).map_err(|bad| bad.to_string())?;
            let client = if is_here { &self.any } else { &self.public };
            let asked = client.get(url.clone()).header(ACCEPT, WANTED).send().await;
            let response = asked.map_err(|error| Cause::of(&error).to_string())?;
            if response.status().is_redirection() {
                let place = response.headers().get(LOCATION).and_then(|text| text.to_str().ok());
                let next = place.and_then(|place| url.join(place).ok());
                url = without_fragment(next.ok_or("it redirects to no address")?);
                continue;
            }
            if !response.status().is_success() {
                return Err(format!("it answered {}", response.status().as_u16()));
            }
            return text(response, most).await.map(|text| (url, text));
        }
        Err(format!("it redirects more than {MAX_REDIRECTS} times"))
    }
}

async fn text(response: Response, most: usize) -> Result<String, String> {
    let mut bytes = Vec::new();
    outbound::read(response, most, &mut bytes).await.map_err(|unread| match unread {
        Unread::TooLong => format!("it is longer than {most} bytes"),
        Unread::Lost(error) => Cause::of(&error).to_string(),
    })?;
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// The same place without what a browser alone would look at.
pub fn without_fragment(mut url: Url) -> Url {
    url.set_fragment(None);
    url
}
