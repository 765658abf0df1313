//! Keys.

use keytender_core::time::Time;
use reqwest::Method;
use serde_json::json;

use super::Desk;
use crate::app::acts::{self, Act, Asked};
use crate::app::import::{self, Import};
use crate::app::keys;
use crate::app::view::{
    EventView, ImportRequest, ImportView, KeyChange, KeyList, KeyQuery, KeyView, NewKeyRequest,
    PlanRequest, PlanView, Timeline,
};
use crate::client::{Client, part};
use crate::error::Error;

/// Where keys are.
const KEYS: &str = "/v1/keys";
/// How many keys a page of a server has at most.
const PAGE: u32 = 1_000;
/// How many keys a word is looked up among.
const MEANT: u32 = 10;

fn place(key: &str) -> String {
    format!("{KEYS}/{}", part(key))
}

impl Desk<'_> {
    /// Those of the keys that a query asks for, as many as its limit says.
    pub(in crate::cli) async fn list_keys(&self, query: KeyQuery) -> Result<KeyList, Error> {
        let limit = query.limit.unwrap_or(PAGE);
        match self {
            Self::Here(inventory) => {
                let found = keys::list(inventory, &query, limit, None).await?;
                Ok(KeyList::new(inventory.now, found.total, found.keys, None))
            }
            Self::There(server) => pages(server, query, limit).await,
        }
    }

    /// The one key that a word means, and the moment at which it was so.
    pub(in crate::cli) async fn get_key(&self, word: &str) -> Result<(KeyView, Time), Error> {
        match self {
            Self::Here(inventory) => Ok((keys::view(inventory, word).await?, inventory.now)),
            Self::There(server) => {
                keys::refuse_whole(word)?;
                let named = Some(word.to_owned());
                let query = KeyQuery { named, limit: Some(MEANT), ..KeyQuery::default() };
                let list: KeyList = server.get(KEYS, &query).await?;
                let facts = |view: &KeyView| (view.key.clone(), view.state);
                Ok((keys::one(word, list.keys, facts)?, list.as_of))
            }
        }
    }

    /// What happened to a key and what was done to it, oldest first.
    pub(in crate::cli) async fn timeline(&self, key: &str) -> Result<Vec<EventView>, Error> {
        let timeline: Timeline = match self {
            Self::Here(inventory) => keys::timeline(inventory, key).await?,
            Self::There(server) => server.get(&format!("{}/timeline", place(key)), &()).await?,
        };
        Ok(timeline.events)
    }

    /// Adds a key; its id.
    pub(in crate::cli) async fn add_key(&self, new: &NewKeyRequest) -> Result<String, Error> {
        match self {
            Self::Here(inventory) => Ok(keys::add_one(inventory, new).await?.to_string()),
            Self::There(server) => {
                server.ask::<KeyView>(Method::POST, KEYS, new).await.map(|view| view.key)
            }
        }
    }

    /// Writes what somebody says of a key.
    pub(in crate::cli) async fn set_key(&self, key: &str, change: &KeyChange) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => keys::set(inventory, key, change, |_| Ok(())).await.map(drop),
            Self::There(server) => {
                server.ask::<KeyView>(Method::PATCH, &place(key), change).await.map(drop)
            }
        }
    }

    /// Imports the content of a file.
    pub(in crate::cli) async fn import(
        &self,
        content: &[u8],
        import: Import<'_>,
    ) -> Result<ImportView, Error> {
        match self {
            Self::Here(inventory) => import::run(inventory, content, import).await,
            Self::There(server) => {
                let name = import.name;
                let content = std::str::from_utf8(content).map_err(|error| {
                    let place = error.valid_up_to() + 1;
                    Error::new(format!("cannot send `{name}`: byte {place} is no UTF-8"))
                })?;
                let request = ImportRequest {
                    content: content.to_owned(),
                    account: import.account.map(str::to_owned),
                    as_of: import.observed_at,
                    keep_secrets: import.keeps_secrets,
                    name: Some(name.to_owned()),
                };
                server.ask(Method::POST, "/v1/imports", &request).await
            }
        }
    }

    /// What an act on a key would do.
    pub(in crate::cli) async fn plan(&self, key: &str, asked: &Asked) -> Result<PlanView, Error> {
        match self {
            Self::Here(inventory) => acts::preview(inventory, key, asked).await,
            Self::There(server) => {
                let (act, really, because) = (asked.act, asked.really, asked.why.clone());
                let request = PlanRequest { act, really, because };
                server.ask(Method::POST, &format!("{}/plans", place(key)), &request).await
            }
        }
    }

    /// Acts on a key at its provider.
    pub(in crate::cli) async fn act(&self, key: &str, asked: &Asked) -> Result<(), Error> {
        let server = match self {
            Self::Here(inventory) => return acts::run(inventory, key, asked).await.map(drop),
            Self::There(server) => server,
        };
        let suspension = format!("{}/suspension", place(key));
        let why = [("because", asked.why.as_deref())];
        match asked.act {
            Act::Disable => {
                let body = json!({"because": asked.why});
                server.ask::<KeyView>(Method::PUT, &suspension, &body).await.map(drop)
            }
            Act::Enable => server.tell(Method::DELETE, &suspension, &why).await,
            Act::Delete => {
                let [why] = why;
                let really = asked.really.then_some("true");
                server.tell(Method::DELETE, &place(key), &[why, ("really", really)]).await
            }
        }
    }
}

/// The pages of a server, until there are as many keys as are asked for.
async fn pages(server: &Client, mut query: KeyQuery, limit: u32) -> Result<KeyList, Error> {
    let mut rest = limit;
    query.limit = Some(rest.min(PAGE));
    let mut list: KeyList = server.get(KEYS, &query).await?;
    query.offset = None;
    loop {
        let have = u32::try_from(list.keys.len()).unwrap_or(u32::MAX);
        rest = limit.saturating_sub(have);
        let Some(after) = list.next.take().filter(|_| rest > 0) else { return Ok(list) };
        query.after = Some(after);
        query.limit = Some(rest.min(PAGE));
        let more: KeyList = server.get(KEYS, &query).await?;
        list.keys.extend(more.keys);
        list.next = more.next;
    }
}
