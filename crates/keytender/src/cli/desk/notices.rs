//! Notices: what was told, what would be, and whether anything is.

use keytender_core::id::NoticeId;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::Desk;
use super::apis::put;
use crate::app::notify::{self, Asked, Change, Hours, of_api};
use crate::app::turn::Turn;
use crate::app::view::{
    ApiNoticesView, DeliveredView, NoticeList, NoticeSettingsView, NoticeView, PreviewView,
};
use crate::client::part;
use crate::error::Error;

/// The most notices that a server gives at once.
const PAGE: u32 = 1_000;

/// Where what is said of the notices of an API is.
fn place(api: &str, what: &str) -> String {
    format!("/v1/apis/{}/notice-{what}", part(api))
}

impl Desk<'_> {
    /// The latest notices, the newest first.
    pub(in crate::cli) async fn list_notices(
        &self,
        asked: Asked<'_>,
        limit: u32,
    ) -> Result<Vec<NoticeView>, Error> {
        let server = match self {
            Self::Here(inventory) => return notify::list(inventory, asked, limit, None).await,
            Self::There(server) => server,
        };
        let (mut all, mut after, mut rest) = (Vec::new(), None::<String>, limit);
        while rest > 0 {
            let size = rest.min(PAGE);
            let size_text = size.to_string();
            let mut query = vec![("limit", size_text.as_str())];
            query.extend(asked.state.map(|state| ("state", state.as_str())));
            let named =
                [("channel", asked.channel), ("api", asked.api), ("account", asked.account)];
            query.extend(named.iter().filter_map(|(name, word)| Some((*name, (*word)?))));
            query.extend(after.as_deref().map(|cursor| ("after", cursor)));
            let mut page: NoticeList = server.get("/v1/notices", &query).await?;
            all.append(&mut page.notices);
            after = page.next;
            rest = if after.is_some() { rest - size } else { 0 };
        }
        Ok(all)
    }

    /// One notice with what it says.
    pub(in crate::cli) async fn get_notice(&self, id: NoticeId) -> Result<NoticeView, Error> {
        match self {
            Self::Here(inventory) => notify::view(inventory, id).await,
            Self::There(server) => server.get(&format!("/v1/notices/{id}"), &()).await,
        }
    }

    /// Lets a dead notice wait again.
    pub(in crate::cli) async fn send_notice_again(&self, id: NoticeId) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => notify::send_again(inventory, id).await.map(drop),
            Self::There(server) => {
                let place = format!("/v1/notices/{id}/deliveries");
                server.ask::<Value>(Method::POST, &place, &()).await.map(drop)
            }
        }
    }

    /// Whether notices go out.
    pub(in crate::cli) async fn notice_settings(&self) -> Result<NoticeSettingsView, Error> {
        match self {
            Self::Here(inventory) => notify::settings(inventory).await,
            Self::There(server) => server.get("/v1/notice-settings", &()).await,
        }
    }

    /// Changes whether notices go out, and who hears of keys without an owner.
    pub(in crate::cli) async fn set_notices(&self, change: &Change) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => notify::change(inventory, change, |_| Ok(())).await.map(drop),
            Self::There(server) => {
                let mut body = Map::new();
                let started = change.started.map(|started| json!(started));
                body.extend(started.map(|value| ("started".to_owned(), value)));
                let contact = change.contact.as_ref().map(|contact| json!(contact));
                body.extend(contact.map(|value| ("contact".to_owned(), value)));
                let place = "/v1/notice-settings";
                server.ask::<Value>(Method::PATCH, place, &body).await.map(drop)
            }
        }
    }

    /// How the notices of an API stand.
    pub(in crate::cli) async fn api_notices(&self, api: &str) -> Result<ApiNoticesView, Error> {
        match self {
            Self::Here(inventory) => of_api::settings(inventory, api).await,
            Self::There(server) => server.get(&place(api, "settings"), &()).await,
        }
    }

    /// Changes whether the customers of an API are told, and in whose name.
    pub(in crate::cli) async fn set_api_notices(
        &self,
        api: &str,
        change: &of_api::Change,
    ) -> Result<ApiNoticesView, Error> {
        match self {
            Self::Here(inventory) => of_api::change(inventory, api, change, |_| Ok(())).await,
            Self::There(server) => {
                let mut body = Map::new();
                put(&mut body, "started", change.started.map(|started| json!(started)));
                for (name, value) in [
                    ("from", &change.from),
                    ("reply_to", &change.reply_to),
                    ("keys_page", &change.keys_page),
                ] {
                    put(&mut body, name, value.as_ref().map(|value| json!(value)));
                }
                server.ask(Method::PATCH, &place(api, "settings"), &body).await
            }
        }
    }

    /// What the customers of an API would be told; that somebody saw it is remembered.
    pub(in crate::cli) async fn preview_api(&self, api: &str) -> Result<PreviewView, Error> {
        match self {
            Self::Here(inventory) => of_api::preview(inventory, api).await,
            Self::There(server) => server.ask(Method::POST, &place(api, "previews"), &()).await,
        }
    }

    /// Whom notices would tell what; that somebody saw it is remembered.
    pub(in crate::cli) async fn preview_notices(&self) -> Result<PreviewView, Error> {
        match self {
            Self::Here(inventory) => notify::preview(inventory).await,
            Self::There(server) => server.ask(Method::POST, "/v1/notice-previews", &()).await,
        }
    }

    /// Tells what is to be told now.
    pub(in crate::cli) async fn run_notices(&self, now: bool) -> Result<DeliveredView, Error> {
        match self {
            Self::Here(inventory) => {
                let hours = if now { Hours::Any } else { Hours::Working };
                let delivered = notify::run(inventory, hours, &Turn::free()).await?;
                delivered.map(DeliveredView::from).ok_or_else(notify::not_started)
            }
            Self::There(server) => {
                server.ask(Method::POST, "/v1/notice-runs", &json!({"now": now})).await
            }
        }
    }

    /// Sends a test mail.
    pub(in crate::cli) async fn test_notices(&self, address: &str) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => notify::test(inventory, address).await,
            Self::There(server) => {
                server.order(Method::POST, "/v1/notice-tests", &json!({"address": address})).await
            }
        }
    }
}
