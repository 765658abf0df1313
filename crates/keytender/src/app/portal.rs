//! The key page of an API's customers: a link opens it once, for a customer and for a while.
//!
//! Whoever opened it is that customer and nobody else: they see and do what a customer's own token would, never
//! what a user does. It is no session of the console, and what its cookie holds opens nothing there.

use keytender_core::access::{Grant, OF_CUSTOMERS, Role, Scopes};
use keytender_core::id::SessionId;
use keytender_core::secret::Secret;
use keytender_core::time::{Span, Time};
use serde_json::json;

use super::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use super::view::{ApiView, PortalLinkRequest, PortalLinkView};
use super::who::Who;
use super::{apis, brand, customers, links, ticket};
use crate::error::{Error, Kind};
use crate::store::accounts::Account;
use crate::store::acts::Actor;
use crate::store::apis::{Api, Logo};
use crate::store::db::Location;
use crate::store::portal::{Asked, PortalLink, PortalSession};
use crate::store::{self, Failure, Store};

/// How long a link works: as long as a browser takes to follow it, and somebody to find the window.
const LINK_LIFE: Span = Span::from_micros(5 * 60 * 1_000_000);
/// How long the page stays open at most: then the provider is asked again who it is.
const LIFE: Span = Span::from_micros(3_600 * 1_000_000);
/// How long it stays open that is not used.
const IDLE: Span = Span::from_micros(30 * 60 * 1_000_000);
/// A use is written when the one that is written is older than this.
const USE_GRAIN: Span = Span::from_micros(60 * 1_000_000);
/// The path at which a link leads in.
pub const ENTER: &str = "/portal/enter";

/// Makes a link to the key page of a customer, for the customer.
///
/// # Errors
/// When there is no such customer, it is to lead back to where it must not, or no server has said yet where it is.
pub async fn link(
    inventory: &Inventory,
    account: &str,
    asked: PortalLinkRequest,
) -> Result<PortalLinkView, Error> {
    // Who is not there is told first.
    customers::get(inventory, account).await?;
    let base = links::console_url(inventory).await?.ok_or_else(|| {
        Error::new("nobody knows yet where the key page is").hint("start it once: keytender serve")
    })?;
    let (secret, expires_at) = make(inventory, account, asked, None).await?;
    Ok(PortalLinkView { url: format!("{base}{ENTER}/{}", secret.expose()), expires_at })
}

/// The path at which a user looks at the page as the customer, once; the log says that it was them.
///
/// # Errors
/// When there is no such customer, or the database does not do its part.
pub async fn path_for_staff(
    inventory: &Inventory,
    account: &str,
    is_read_only: bool,
) -> Result<String, Error> {
    let asked = PortalLinkRequest { read_only: is_read_only, ..PortalLinkRequest::default() };
    let staff = Some(inventory.actor.name.clone());
    let (secret, _) = make(inventory, account, asked, staff).await?;
    Ok(format!("{ENTER}/{}", secret.expose()))
}

async fn make(
    inventory: &Inventory,
    account: &str,
    asked: PortalLinkRequest,
    staff: Option<String>,
) -> Result<(Secret, Time), Error> {
    inventory.sight.refuse_customer()?;
    let account = customers::get(inventory, account).await?;
    let api = apis::get(inventory, &account.provider).await?;
    if asked.person.as_deref().is_some_and(|person| !super::owners::is_line(person)) {
        return Err(
            Error::new("whom the link is for is a short line").hint("such as dana@globex.example")
        );
    }
    let return_url = match &asked.return_url {
        Some(text) => Some(brand::return_url(&api.settings.portal, text)?),
        None => None,
    };
    let secret = ticket::make()?;
    let link = PortalLink {
        digest: ticket::digest_of(secret.expose()),
        tenant: inventory.store.db().tenant(),
        account_id: account.id,
        asked: Asked { person: asked.person, staff, return_url, is_read_only: asked.read_only },
        is_used: false,
        ends_at: inventory.now.plus(LINK_LIFE),
    };
    let mut tx = inventory.begin().await?;
    tx.insert_portal_link(&link).await.map_err(cannot_write)?;
    inventory.log(&mut tx, done("portal.link", &account, &link.asked)).await?;
    commit(tx).await?;
    Ok((secret, link.ends_at))
}

fn done<'a>(verb: &'a str, account: &Account, asked: &Asked) -> Done<'a> {
    Done {
        verb,
        target_kind: "account",
        target_id: account.id.to_string(),
        why: None,
        details: json!({"name": account.name, "person": asked.person, "staff": asked.staff,
                        "read_only": asked.is_read_only}),
    }
}

/// How the key page of an API looks, and where it may be.
#[derive(Clone, Debug)]
pub struct Brand {
    /// The API, as people see it.
    pub api: ApiView,
    /// The colours of links and buttons in the light and in the dark, as CSS writes them.
    pub accents: Option<(String, String)>,
    /// The picture at the top.
    pub logo: Option<Logo>,
    /// Whose pages may hold it in a frame, as a content security policy says it.
    pub frame_ancestors: String,
}

impl Brand {
    fn of(api: &Api) -> Self {
        let settings = &api.settings.portal;
        let accents = brand::accents(settings);
        Self {
            api: ApiView::of(api),
            accents: accents.map(|(light, dark)| (light.to_string(), dark.to_string())),
            logo: settings.logo.clone(),
            frame_ancestors: brand::frame_ancestors(settings),
        }
    }
}

/// A browser in which the key page of a customer is open.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Whose it is, and what may be done there.
    pub who: Who,
    /// What the log says of where it comes from, behind the address.
    pub origin: String,
    /// The session.
    pub id: SessionId,
    /// What was asked for with its link.
    pub asked: Asked,
    /// What the customer is called, without its API.
    pub customer: String,
    /// Since when none of the customer's keys works.
    pub suspended_at: Option<Time>,
    /// When it ends at the latest.
    pub ends_at: Time,
}

/// What a browser shows that comes to the key page.
#[derive(Debug)]
pub enum Shown {
    /// An open page.
    Open(Box<Opened>, Box<Brand>),
    /// One that was open.
    Over(Box<Brand>),
    /// Nothing that is known.
    Nothing,
}

/// What came of following a link.
#[derive(Debug)]
pub enum Entered {
    /// The page is open: what its cookie is to hold.
    Open(Secret, Box<Brand>),
    /// The link was used, or is too old.
    Over(Box<Brand>),
    /// There is no such link.
    Nothing,
}

/// Whose page it is: the customer and its API.
async fn place(
    store: &Store,
    account: keytender_core::id::AccountId,
) -> Result<Option<(Account, Api)>, Error> {
    let account = store.find_account(&account.to_string()).await.map_err(cannot_read)?;
    let Some((account, api)) = account.and_then(|one| one.api_id.map(|api| (one, api))) else {
        return Ok(None);
    };
    let api = store.find_api(&api.to_string()).await.map_err(cannot_read)?;
    Ok(api.map(|api| (account, api)))
}

/// Follows a link, and uses it up.
///
/// # Errors
/// When the database does not do its part.
pub async fn enter(
    store: &Store,
    location: &Location,
    secret: &str,
    (address, now): (&str, Time),
) -> Result<Entered, Error> {
    let digest = ticket::digest_of(secret);
    let Some(link) = store.find_portal_link(&digest).await.map_err(cannot_read)? else {
        return Ok(Entered::Nothing);
    };
    let store = store.of_tenant(link.tenant);
    let Some((account, api)) = place(&store, link.account_id).await? else {
        return Ok(Entered::Nothing);
    };
    let brand = Box::new(Brand::of(&api));
    let held = ticket::make()?;
    let session = PortalSession {
        id: SessionId::from_random(store::random().map_err(cannot_write)?),
        digest: ticket::digest_of(held.expose()),
        tenant: link.tenant,
        account_id: link.account_id,
        asked: link.asked,
        used_at: now,
        ends_at: now.plus(LIFE),
    };
    let opened = opened(&account, &session);
    let inventory = Inventory {
        location: location.clone(),
        actor: Actor {
            name: account.name.clone(),
            origin: format!("key page from {address}, {}", opened.origin),
        },
        now,
        sight: opened.who.sight,
        store,
    };
    let mut tx = inventory.begin().await?;
    if !tx.use_portal_link(&digest, now).await.map_err(cannot_write)? {
        return Ok(Entered::Over(brand));
    }
    tx.insert_portal_session(&session).await.map_err(cannot_write)?;
    inventory.log(&mut tx, done("portal.open", &account, &session.asked)).await?;
    commit(tx).await?;
    Ok(Entered::Open(held, brand))
}

/// Whose page a browser shows whose cookie holds this.
///
/// # Errors
/// When the database does not do its part.
pub async fn find(store: &Store, held: &str, now: Time) -> Result<Shown, Error> {
    let digest = ticket::digest_of(held);
    let Some(session) = store.find_portal_session(&digest).await.map_err(cannot_read)? else {
        return Ok(Shown::Nothing);
    };
    let store = store.of_tenant(session.tenant);
    let Some((account, api)) = place(&store, session.account_id).await? else {
        return Ok(Shown::Nothing);
    };
    let brand = Box::new(Brand::of(&api));
    if session.ends_at <= now || now.since(session.used_at) > IDLE {
        return Ok(Shown::Over(brand));
    }
    if now.since(session.used_at) > USE_GRAIN {
        let mut tx = store.db().begin().await.map_err(Failure::from).map_err(cannot_write)?;
        tx.use_portal_session(session.id, now).await.map_err(cannot_write)?;
        commit(tx).await?;
    }
    Ok(Shown::Open(Box::new(opened(&account, &session)), brand))
}

fn opened(account: &Account, session: &PortalSession) -> Opened {
    let scopes = OF_CUSTOMERS.into_iter();
    let scopes: Scopes =
        scopes.filter(|one| !session.asked.is_read_only || one.is_read()).collect();
    // The mightiest role: what is narrowed is what a customer may.
    let grant = Grant { role: Role::Administrator, scopes, side: None };
    let who = Who::of(session.tenant, String::new(), grant, None);
    let for_whom = match (&session.asked.staff, &session.asked.person) {
        (Some(staff), _) => format!(", user {staff} as the customer"),
        (None, Some(person)) => format!(", for {person}"),
        (None, None) => String::new(),
    };
    let customer = account.name.split_once('/').map_or(account.name.as_str(), |(_, name)| name);
    Opened {
        who: who.in_account(account.id, account.name.clone()),
        origin: format!("session {}{for_whom}", session.id),
        id: session.id,
        asked: session.asked.clone(),
        customer: customer.to_owned(),
        suspended_at: account.suspended_at,
        ends_at: session.ends_at,
    }
}

/// Closes a page before its time.
///
/// # Errors
/// When the database does not do its part.
pub async fn leave(inventory: &Inventory, id: SessionId) -> Result<(), Error> {
    let mut tx = inventory.begin().await?;
    tx.end_portal_session(id, inventory.now).await.map_err(cannot_write)?;
    commit(tx).await
}

/// The picture of a brand: its media type and its bytes.
///
/// # Errors
/// When it has none.
pub fn logo(brand: &Brand) -> Result<(String, Vec<u8>), Error> {
    use base64::Engine;
    let logo = brand.logo.as_ref().ok_or_else(|| Error::not_found("there is no picture"))?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(&logo.data);
    let bytes = bytes.map_err(|error| {
        Error::new("a picture cannot be read").kind(Kind::Internal).source(error.to_string())
    })?;
    Ok((logo.media_type.clone(), bytes))
}
