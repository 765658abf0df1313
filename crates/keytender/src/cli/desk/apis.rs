//! Our own APIs and their customers.

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::Desk;
use crate::app::apis::{self, ApiChange, NewApi};
use crate::app::customers::{self, NewCustomer};
use crate::app::issued::{self, KeyImport};
use crate::app::leaks::rules;
use crate::app::peppers;
use crate::app::portal;
use crate::app::view::{
    ApiList, ApiView, CustomerList, CustomerView, KeyImportRequest, KeyImportView, PepperView,
    PortalChange, PortalLinkRequest, PortalLinkView, RecognisersView,
};
use crate::client::part;
use crate::error::{Error, Kind};
use crate::store::apis::ApiSettings;

/// Where APIs are.
const APIS: &str = "/v1/apis";
/// How many customers are read at once beside the inventory.
const PAGE: u32 = 1_000;

fn place(api: &str) -> String {
    format!("{APIS}/{}", part(api))
}

/// Puts a member into the body of a change, unless it is to stay.
pub(super) fn put(body: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    body.extend(value.map(|value| (name.to_owned(), value)));
}

impl Desk<'_> {
    /// Every API of ours, by name.
    pub(in crate::cli) async fn list_apis(&self) -> Result<Vec<ApiView>, Error> {
        match self {
            Self::Here(inventory) => apis::list(inventory).await,
            Self::There(server) => {
                server.all(APIS, &[], |page: ApiList| (page.apis, page.next)).await
            }
        }
    }

    /// One API of ours, by name or id.
    pub(in crate::cli) async fn get_api(&self, word: &str) -> Result<ApiView, Error> {
        match self {
            Self::Here(inventory) => Ok(ApiView::of(&apis::get(inventory, word).await?)),
            Self::There(server) => server.get(&place(word), &()).await,
        }
    }

    /// Whether there is an API of ours of this name; of one that is not to be seen, there is none.
    pub(in crate::cli) async fn has_api(&self, name: &str) -> Result<bool, Error> {
        match self.get_api(name).await {
            Ok(api) => Ok(api.name == name),
            Err(error)
                if matches!(error.of_kind(), Kind::NotFound | Kind::Forbidden | Kind::Refused) =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Adds an API.
    pub(in crate::cli) async fn add_api(&self, new: NewApi) -> Result<ApiView, Error> {
        match self {
            Self::Here(inventory) => Ok(ApiView::of(&apis::add(inventory, new).await?)),
            Self::There(server) => {
                let ApiSettings { title, key_life, overlap, on_leak, .. } = new.settings;
                let body = json!({"name": new.name, "brand": new.brand, "title": title,
                                  "key_life": key_life, "overlap": overlap, "on_leak": on_leak});
                server.ask(Method::POST, APIS, &body).await
            }
        }
    }

    /// Changes how the keys of an API are issued.
    pub(in crate::cli) async fn set_api(
        &self,
        word: &str,
        change: ApiChange,
    ) -> Result<ApiView, Error> {
        match self {
            Self::Here(inventory) => apis::set(inventory, word, |_, now| change.apply(now)).await,
            Self::There(server) => {
                let mut body = Map::new();
                put(&mut body, "title", change.title.map(|title| json!(title)));
                put(&mut body, "key_life", change.key_life.map(|life| json!(life)));
                put(&mut body, "overlap", change.overlap.map(|overlap| json!(overlap)));
                let portal = Some(change.portal).filter(|one| *one != PortalChange::default());
                put(&mut body, "portal", portal.map(|portal| json!(portal)));
                put(&mut body, "on_leak", change.on_leak.map(|on_leak| json!(on_leak)));
                put(&mut body, "scanning_type", change.scanning_type.map(|word| json!(word)));
                put(&mut body, "own_apps", change.own_apps.map(|own| json!(own)));
                server.ask(Method::PATCH, &place(word), &body).await
            }
        }
    }

    /// The rules by which scanners find keys of an API.
    pub(in crate::cli) async fn leak_rules(
        &self,
        word: &str,
        format: rules::Format,
    ) -> Result<String, Error> {
        match self {
            Self::Here(inventory) => {
                Ok(rules::write(&ApiView::of(&apis::get(inventory, word).await?), format)?)
            }
            Self::There(server) => {
                let place = format!("{}/leak-rules", place(word));
                let bytes = server.bytes(&place, &[("format", format)]).await?;
                String::from_utf8(bytes).map_err(|error| {
                    Error::new("the server's rules are no text").source(error).kind(Kind::Provider)
                })
            }
        }
    }

    /// Removes an API that has no customers.
    pub(in crate::cli) async fn remove_api(&self, word: &str) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => apis::remove(inventory, word, |_| Ok(())).await,
            Self::There(server) => server.tell(Method::DELETE, &place(word), &()).await,
        }
    }

    /// How keys of an API are recognised that others issued.
    pub(in crate::cli) async fn recognisers(&self, api: &str) -> Result<RecognisersView, Error> {
        match self {
            Self::Here(inventory) => issued::recognisers(inventory, api).await,
            Self::There(server) => server.get(&format!("{}/imports", place(api)), &()).await,
        }
    }

    /// Makes a new pepper for keys that others issued; its version.
    pub(in crate::cli) async fn renew_pepper(&self, why: Option<&str>) -> Result<i64, Error> {
        match self {
            Self::Here(inventory) => peppers::renew(inventory, why).await,
            Self::There(server) => {
                let body = json!({"because": why});
                let made: PepperView = server.ask(Method::POST, "/v1/peppers", &body).await?;
                Ok(made.version)
            }
        }
    }

    /// Brings keys into an API that others issued. A server is first asked what is wrong: all of that is told.
    pub(in crate::cli) async fn import_keys(
        &self,
        api: &str,
        content: &[u8],
        import: &KeyImport,
    ) -> Result<KeyImportView, Error> {
        let server = match self {
            Self::Here(inventory) => return issued::import(inventory, api, content, import).await,
            Self::There(server) => server,
        };
        let content = std::str::from_utf8(content).map_err(|error| {
            let place = error.valid_up_to() + 1;
            Error::new(format!("cannot send the keys: byte {place} is no UTF-8"))
        })?;
        let mut request = KeyImportRequest {
            content: content.to_owned(),
            account: import.account.clone(),
            app: import.app.clone(),
            hash: import.hashing.map(|hashing| hashing.as_str().to_owned()),
            hashed: Some(import.part.to_string()),
            locator: import.locator.map(|locator| locator.to_string()),
            hmac_secret: import.hmac_secret.as_ref().map(|secret| secret.expose().to_owned()),
            dry_run: true,
            skip_bad: import.skips_bad,
        };
        let place = format!("{}/imports", place(api));
        let would: KeyImportView = server.ask(Method::POST, &place, &request).await?;
        if import.is_dry || (would.bad > 0 && !import.skips_bad) {
            return Ok(would);
        }
        request.dry_run = false;
        server.ask(Method::POST, &place, &request).await
    }

    /// Adds a customer to an API.
    pub(in crate::cli) async fn add_customer(
        &self,
        api: &str,
        new: NewCustomer,
    ) -> Result<CustomerView, Error> {
        match self {
            Self::Here(inventory) => customers::add(inventory, api, new).await,
            Self::There(server) => {
                let body = json!({"name": new.name, "external_id": new.external_id,
                                  "contact": new.contact});
                server.ask(Method::POST, &format!("{}/accounts", place(api)), &body).await
            }
        }
    }

    /// Every customer of an API, by name.
    pub(in crate::cli) async fn list_customers(
        &self,
        api: &str,
    ) -> Result<Vec<CustomerView>, Error> {
        let inventory = match self {
            Self::Here(inventory) => inventory,
            Self::There(server) => {
                let things = |page: CustomerList| (page.accounts, page.next);
                return server.all(&format!("{}/accounts", place(api)), &[], things).await;
            }
        };
        let mut all: Vec<CustomerView> = Vec::new();
        loop {
            let after = all.last().map(|last| last.name.clone());
            let mut more = customers::list(inventory, api, after.as_deref(), PAGE).await?;
            if more.is_empty() {
                return Ok(all);
            }
            all.append(&mut more);
        }
    }

    /// Makes a link to the key page of a customer.
    pub(in crate::cli) async fn link_portal(
        &self,
        word: &str,
        asked: PortalLinkRequest,
    ) -> Result<PortalLinkView, Error> {
        match self {
            Self::Here(inventory) => portal::link(inventory, word, asked).await,
            Self::There(server) => {
                let place = format!("/v1/accounts/{}/portal-links", part(word));
                server.ask(Method::POST, &place, &asked).await
            }
        }
    }

    /// Stops the keys of a customer, or lets them work again.
    pub(in crate::cli) async fn suspend_customer(
        &self,
        word: &str,
        is_suspended: bool,
        why: Option<&str>,
    ) -> Result<(), Error> {
        let place = format!("/v1/accounts/{}/suspension", part(word));
        match self {
            Self::Here(inventory) => {
                customers::suspend(inventory, word, is_suspended, why).await.map(drop)
            }
            Self::There(server) if is_suspended => {
                server.order(Method::PUT, &place, &json!({"because": why})).await
            }
            Self::There(server) => server.tell(Method::DELETE, &place, &[("because", why)]).await,
        }
    }
}
