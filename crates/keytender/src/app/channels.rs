//! Channels: the ways by which notices go out, added, listed and opened.

use std::path::PathBuf;
use std::time::Duration;

use keytender_core::id::{ChannelId, NoticeId};
use keytender_core::owner::is_address;
use keytender_core::secret::Secret;
use serde_json::json;

use super::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use super::view::{ChannelView, NoticeView};
use super::{apis, customers, notify as told, secrets};
use crate::config::credential::Reference;
use crate::error::{Error, Kind};
use crate::notify::mail::{Mailer, Smtp, Tls};
use crate::notify::webhook::{Endpoint, EventKind, SigningSecret};
use crate::notify::{self, Hooks, Roots};
use crate::store::apis::Api;
use crate::store::channels::{Channel, ChannelKind, OfApi, Settings};
use crate::store::notices::Notice;
use crate::store::{self, Failure};

/// How long a mail server or receiver may take for one answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The port at which mail servers take mail from programs (RFC 6409).
const SUBMISSION_PORT: u16 = 587;
/// The same with TLS from the first byte (RFC 8314).
const SUBMISSIONS_PORT: u16 = 465;

pub mod rotation;

/// The longest name of a channel, in bytes.
const MAX_NAME: usize = 100;
/// The most webhooks of a customer that it adds itself.
const MAX_OF_CUSTOMER: usize = 10;
/// The longest that one answer may take.
const MAX_TIMEOUT_SECONDS: u32 = 300;
/// How many bytes of certificates are kept with a channel: some 30 of them.
const MAX_CERTIFICATES: usize = 64 * 1024;

/// Where a new channel's secret comes from.
#[derive(Clone, Debug)]
pub enum SecretSource {
    /// There is none.
    None,
    /// It stays where it is.
    Reference(Reference),
    /// We were asked to keep it, sealed.
    Keep(Secret),
    /// It is made now, sealed, and shown once.
    Make,
}

/// Whose a new channel is: by name or id, of an API of ours, or of one of its customers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whose {
    /// Of which API; of its customer's, if only that one is named.
    pub api: Option<String>,
    /// Of which customer.
    pub account: Option<String>,
}

/// Adds a channel; a secret that was made is in the view, to be shown once. That of an API is called
/// `API/NAME`, that of a customer `API/CUSTOMER/NAME`.
///
/// # Errors
/// When a part is missing or cannot be so, or the name is taken.
pub async fn add(
    inventory: &Inventory,
    name: &str,
    kind: ChannelKind,
    mut settings: Settings,
    secret: SecretSource,
    whose: &Whose,
) -> Result<ChannelView, Error> {
    check(name, &settings)?;
    if inventory.sight.is_customer() {
        check_customer(inventory, kind, &settings, &secret).await?;
    }
    let whose = whose.as_seen(inventory);
    let (of, before) = whose.find(inventory, kind).await?;
    check_events(kind, of.is_some(), &settings.events)?;
    if let Some((_, api)) = &of {
        settings.agent = Some(format!("{}-webhooks", api.brand));
    }
    let of = of.map(|(of, _)| of);
    let id = ChannelId::from_random(store::random().map_err(cannot_write)?);
    let Kept { sealed, place, made } = kept(inventory, id, secret).await?;
    settings.secret = place;
    let name = format!("{before}{name}");
    let channel =
        Channel { id, of, name, kind, settings, sealed, old: None, created_at: inventory.now };
    // What cannot be opened is not added.
    Opened::open(inventory, &channel).await?;
    let mut tx = inventory.begin().await?;
    tx.insert_channel(&channel).await.map_err(|failure| match failure {
        Failure::Exists => Error::new(format!("there is a channel `{}` already", channel.name))
            .kind(Kind::Conflict)
            .hint(format!("give it another name, or: keytender channels remove {}", channel.name)),
        failure => cannot_write(failure),
    })?;
    inventory.log(&mut tx, done("channel.add", &channel)).await?;
    commit(tx).await?;
    let signing_secret = made.map(|secret| secret.expose().to_owned());
    Ok(ChannelView { signing_secret, ..ChannelView::of(&channel) })
}

/// Refuses what a customer's webhook cannot be: the server connects where it says, and so to public places by https
/// alone, as it would for anybody.
async fn check_customer(
    inventory: &Inventory,
    kind: ChannelKind,
    settings: &Settings,
    secret: &SecretSource,
) -> Result<(), Error> {
    let is_plain = !settings.allow_private
        && settings.certificates.is_none()
        && settings.roots.is_none()
        && settings.timeout_seconds.is_none()
        && !matches!(secret, SecretSource::Reference(_));
    if kind != ChannelKind::Webhook || !is_plain {
        let why =
            "a customer has webhooks at public addresses, with the usual certificates and times";
        return Err(Error::new(why).kind(Kind::Forbidden));
    }
    match all(inventory).await?.len() {
        count if count < MAX_OF_CUSTOMER => Ok(()),
        count => Err(Error::new(format!("there are {count} webhooks already"))
            .kind(Kind::Conflict)
            .hint("remove one that nothing needs any more")),
    }
}

impl Whose {
    /// The same, as whoever asks means it: what a customer adds or asks for is its own.
    fn as_seen(&self, inventory: &Inventory) -> Self {
        let own = inventory.sight.account.map(|own| own.to_string());
        Self { api: self.api.clone(), account: self.account.clone().or(own) }
    }

    /// Whose it is, and what stands before its name.
    async fn find(
        &self,
        inventory: &Inventory,
        kind: ChannelKind,
    ) -> Result<(Option<(OfApi, Api)>, String), Error> {
        let account = match &self.account {
            Some(word) => Some(customers::get(inventory, word).await?),
            None => None,
        };
        let word = match (&self.api, &account) {
            (Some(word), _) => word.clone(),
            (None, Some(account)) => account.provider.clone(),
            (None, None) => return Ok((None, String::new())),
        };
        let api = apis::get(inventory, &word).await?;
        if let Some(account) = account.as_ref().filter(|one| one.api_id != Some(api.id)) {
            let why = format!("`{}` is no customer of `{}`", account.name, api.name);
            return Err(Error::new(why));
        }
        let is_fit = match kind {
            ChannelKind::Webhook => true,
            ChannelKind::Mail => account.is_none(),
            ChannelKind::Slack | ChannelKind::Teams => false,
        };
        if !is_fit {
            return Err(Error::new("this kind of channel is the installation's alone")
                .hint("an API has mail servers and webhooks, and a customer of it has webhooks"));
        }
        let before = account.as_ref().map_or(api.name.as_str(), |account| account.name.as_str());
        let before = format!("{before}/");
        let account_id = account.map(|account| account.id);
        Ok((Some((OfApi { api_id: api.id, account_id }, api)), before))
    }
}

/// Refuses events that a channel is never told of.
fn check_events(kind: ChannelKind, is_of_api: bool, events: &[String]) -> Result<(), Error> {
    if kind != ChannelKind::Webhook && !events.is_empty() {
        return Err(Error::new("only a webhook is told events"));
    }
    let known: Vec<&str> = EventKind::told(is_of_api).map(EventKind::as_str).collect();
    match events.iter().find(|event| !known.contains(&event.as_str())) {
        Some(event) => {
            Err(Error::new(format!("there is no event `{event}`")).hint(known.join(", ")))
        }
        None => Ok(()),
    }
}

/// Says which events a webhook is told of from now on; of all, if there are none. `allows` gets it as it is, and
/// may refuse.
///
/// # Errors
/// When there is no such channel, it is no webhook, or an event is none.
pub async fn subscribe(
    inventory: &Inventory,
    name: &str,
    events: Vec<String>,
    allows: impl FnOnce(&ChannelView) -> Result<(), Error>,
) -> Result<ChannelView, Error> {
    let id = get(inventory, name).await?.id;
    let mut tx = inventory.begin().await?;
    tx.lock(id.as_i64()).await.map_err(Failure::from).map_err(cannot_write)?;
    let mut channel = get(inventory, &id.to_string()).await?;
    allows(&ChannelView::of(&channel))?;
    check_events(channel.kind, channel.of.is_some(), &events)?;
    if channel.kind != ChannelKind::Webhook {
        return Err(Error::new(format!("`{}` is no webhook", channel.name)));
    }
    channel.settings.events = events;
    tx.update_channel(&channel).await.map_err(cannot_write)?;
    let details = json!({"name": channel.name, "events": channel.settings.events});
    inventory.log(&mut tx, Done { details, ..done("channel.subscribe", &channel) }).await?;
    commit(tx).await?;
    Ok(ChannelView::of(&channel))
}

/// Sends a webhook a signed event that says nothing, at once and whether or not notices were started; how that
/// went is in the notice.
///
/// # Errors
/// When there is no such channel, or it is no webhook.
pub async fn test(inventory: &Inventory, name: &str) -> Result<NoticeView, Error> {
    let channel = get(inventory, name).await?;
    if channel.kind != ChannelKind::Webhook {
        return Err(Error::new(format!("`{}` is no webhook", channel.name)));
    }
    let kind = EventKind::Test.as_str();
    let content = json!({"type": kind, "data": {"message": "Events reach you."}});
    let notice = Notice {
        api_id: channel.of.map(|of| of.api_id),
        account_id: channel.of.and_then(|of| of.account_id),
        ..Notice::new(
            NoticeId::from_random(store::random().map_err(cannot_write)?),
            channel.id,
            channel.name.clone(),
            format!("{kind}: events reach you"),
            content.to_string(),
            inventory.now,
        )
    };
    let mut tx = inventory.begin().await?;
    tx.insert_notice(&notice, &[]).await.map_err(cannot_write)?;
    inventory.log(&mut tx, done("channel.test", &channel)).await?;
    commit(tx).await?;
    told::try_event(inventory, &channel, &notice).await?;
    told::delivered(inventory, notice.id).await
}

/// A secret that was taken in: sealed, or the place where it stays.
#[derive(Default)]
struct Kept {
    sealed: Option<String>,
    place: Option<String>,
    /// The secret, if it was made now.
    made: Option<Secret>,
}

/// Takes a channel's secret in.
async fn kept(inventory: &Inventory, id: ChannelId, secret: SecretSource) -> Result<Kept, Error> {
    let seal = async |secret: &Secret| secrets::seal(inventory, &id.to_string(), secret).await;
    Ok(match secret {
        SecretSource::None => Kept::default(),
        SecretSource::Reference(reference) => {
            Kept { place: Some(reference.to_string()), ..Kept::default() }
        }
        SecretSource::Keep(secret) => {
            Kept { sealed: Some(seal(&secret).await?), ..Kept::default() }
        }
        SecretSource::Make => {
            let mut bytes = [0_u8; 32];
            getrandom::fill(&mut bytes).map_err(|error| {
                Error::new("the system gives no random numbers").source(error.to_string())
            })?;
            let secret = SigningSecret::from_random(&bytes);
            Kept { sealed: Some(seal(&secret).await?), place: None, made: Some(secret) }
        }
    })
}

/// Refuses names and settings that nobody can mean.
fn check(name: &str, settings: &Settings) -> Result<(), Error> {
    if name.trim().is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(Error::new(format!("a channel's name is a line of 1 to {MAX_NAME} bytes")));
    }
    if settings.timeout_seconds.is_some_and(|seconds| !(1..=MAX_TIMEOUT_SECONDS).contains(&seconds))
    {
        return Err(Error::new(format!("a channel waits 1 to {MAX_TIMEOUT_SECONDS} seconds")));
    }
    if settings.certificates.as_ref().is_some_and(|text| text.len() > MAX_CERTIFICATES) {
        let message = format!("the certificates have more than {MAX_CERTIFICATES} bytes");
        return Err(Error::new(message).hint("only those that sign the server's are needed"));
    }
    Ok(())
}

/// Takes a channel away, with what waits for it. `allows` gets the channel, and may refuse.
///
/// # Errors
/// When there is none of this name or id.
pub async fn remove(
    inventory: &Inventory,
    name: &str,
    allows: impl FnOnce(&ChannelView) -> Result<(), Error>,
) -> Result<(), Error> {
    let channel = get(inventory, name).await?;
    let mut tx = inventory.begin().await?;
    // Of two who remove it the later finds it gone.
    tx.lock(channel.id.as_i64()).await.map_err(Failure::from).map_err(cannot_write)?;
    allows(&view(inventory, &channel.id.to_string()).await?)?;
    tx.remove_channel(channel.id).await.map_err(cannot_write)?;
    inventory.log(&mut tx, done("channel.remove", &channel)).await?;
    commit(tx).await
}

fn done<'a>(verb: &'a str, channel: &Channel) -> Done<'a> {
    Done {
        verb,
        target_kind: "channel",
        target_id: channel.id.to_string(),
        why: None,
        details: json!({"name": channel.name, "kind": channel.kind.as_str()}),
    }
}

/// The channel of this name or id.
///
/// # Errors
/// When there is none.
pub async fn get(inventory: &Inventory, word: &str) -> Result<Channel, Error> {
    let mut channels = all(inventory).await?;
    let id = word.parse::<ChannelId>().ok();
    let place = channels.iter().position(|channel| channel.name == word);
    let place = place.or_else(|| channels.iter().position(|channel| Some(channel.id) == id));
    place.map(|place| channels.swap_remove(place)).ok_or_else(|| {
        Error::not_found(format!("there is no channel `{word}`"))
            .hint("keytender channels list shows the channels")
    })
}

/// The channels by name: all, or those of an API of ours and its customers, or of one customer.
///
/// # Errors
/// When there is no such API or customer, or the database does not answer.
pub async fn list(inventory: &Inventory, whose: &Whose) -> Result<Vec<ChannelView>, Error> {
    let mut channels = all(inventory).await?;
    if let Some(word) = &whose.api {
        let id = apis::get(inventory, word).await?.id;
        channels.retain(|one| one.of.is_some_and(|of| of.api_id == id));
    }
    if let Some(word) = &whose.account {
        let id = customers::get(inventory, word).await?.id;
        channels.retain(|one| one.of.is_some_and(|of| of.account_id == Some(id)));
    }
    Ok(channels.iter().map(ChannelView::of).collect())
}

/// Every channel, by name, with the old secrets alone that still sign.
async fn all(inventory: &Inventory) -> Result<Vec<Channel>, Error> {
    let mut channels = inventory.store.list_channels().await.map_err(cannot_read)?;
    if let Some(own) = inventory.sight.account {
        // To a customer the channels of everybody else are not there.
        channels.retain(|one| one.of.is_some_and(|of| of.account_id == Some(own)));
    }
    for channel in &mut channels {
        channel.old = channel.old.take().filter(|old| inventory.now < old.until);
    }
    Ok(channels)
}

/// One channel, by name or id.
///
/// # Errors
/// When there is none.
pub async fn view(inventory: &Inventory, word: &str) -> Result<ChannelView, Error> {
    get(inventory, word).await.map(|channel| ChannelView::of(&channel))
}

/// A channel that is ready to deliver.
pub enum Opened {
    /// A mail server.
    Mail(Box<Mailer>),
    /// A receiver of webhooks.
    Webhook(Box<Hooks>, Box<Endpoint>),
    /// A chat, by its URL.
    Chat(Box<Hooks>, Secret),
}

impl Opened {
    /// Opens a channel with its secret; reaches for nobody.
    ///
    /// # Errors
    /// When its secret is not there, or its settings cannot be.
    pub async fn open(inventory: &Inventory, channel: &Channel) -> Result<Self, Error> {
        let settings = &channel.settings;
        let id = channel.id.to_string();
        let sealed = channel.sealed.as_deref();
        let secret = secrets::find(inventory, &id, sealed, settings.secret.as_deref()).await?;
        let opened = match channel.kind {
            ChannelKind::Mail => mail(settings, secret),
            ChannelKind::Webhook => {
                let old = old_secret(inventory, channel).await?;
                webhook(settings, secret, old)
            }
            ChannelKind::Slack | ChannelKind::Teams => chat(settings, secret),
        };
        opened.map_err(|error| {
            Error::new(format!("the channel `{}` cannot be used", channel.name))
                .source(error.report())
        })
    }
}

fn mail(settings: &Settings, password: Option<Secret>) -> Result<Opened, Error> {
    let host = settings.host.clone().ok_or_else(|| Error::new("a mail server needs --host"))?;
    let from = settings.from.clone().ok_or_else(|| Error::new("a mail server needs --from"))?;
    if !is_address(&from) && !from.ends_with("@localhost") {
        return Err(Error::new("--from is no mail address"));
    }
    let tls = match settings.tls.as_deref() {
        None | Some("starttls") => Tls::StartTls,
        Some("implicit") => Tls::Implicit,
        Some("none") => Tls::None,
        Some(_) => return Err(Error::new("--tls is starttls, implicit or none")),
    };
    if settings.username.is_some() != password.is_some() {
        return Err(Error::new("a user name and a password belong together")
            .hint("--user NAME --password env:NAME"));
    }
    let port = settings.port.unwrap_or(match tls {
        Tls::Implicit => SUBMISSIONS_PORT,
        Tls::StartTls | Tls::None => SUBMISSION_PORT,
    });
    let smtp = Smtp {
        host,
        port,
        tls,
        roots: roots(settings),
        username: settings.username.clone(),
        password,
        from,
        from_name: Some("Keytender".to_owned()),
        timeout: timeout(settings),
    };
    Mailer::new(smtp).map(|mailer| Opened::Mail(Box::new(mailer)))
}

fn roots(settings: &Settings) -> Option<Roots> {
    let pem = settings.certificates.clone().map(Roots::Pem);
    pem.or_else(|| settings.roots.as_ref().map(|path| Roots::File(PathBuf::from(path))))
}

fn timeout(settings: &Settings) -> Duration {
    settings.timeout_seconds.map_or(TIMEOUT, |seconds| Duration::from_secs(seconds.into()))
}

fn hooks(settings: &Settings) -> Result<Hooks, Error> {
    Hooks::new(&notify::Settings {
        timeout: timeout(settings),
        roots: roots(settings),
        allow_private: settings.allow_private,
    })
}

/// The secret before, while it signs too. One that is not there any more ends nothing: the new one
/// signs alone.
async fn old_secret(inventory: &Inventory, channel: &Channel) -> Result<Option<Secret>, Error> {
    let Some(old) = channel.old.as_ref().filter(|old| inventory.now < old.until) else {
        return Ok(None);
    };
    let id = channel.id.to_string();
    match (old.sealed.as_deref(), old.place.as_deref()) {
        (None, Some(place)) => {
            Ok(secrets::find(inventory, &id, None, Some(place)).await.ok().flatten())
        }
        (sealed, _) => secrets::find(inventory, &id, sealed, None).await,
    }
}

fn webhook(
    settings: &Settings,
    secret: Option<Secret>,
    old: Option<Secret>,
) -> Result<Opened, Error> {
    let url = settings.url.clone().ok_or_else(|| Error::new("a webhook needs --url"))?;
    let hooks = hooks(settings)?;
    let target = hooks.target(&Secret::new(url)).map_err(bad_target)?;
    let secret = secret.ok_or_else(|| Error::new("a webhook needs a signing secret"))?;
    let mut secrets = Vec::new();
    for secret in [Some(secret), old].into_iter().flatten() {
        let secret = SigningSecret::parse(&secret);
        secrets.push(secret.map_err(|error| Error::new(error.to_string()))?);
    }
    let endpoint = Endpoint { target, secrets, agent: settings.agent.clone() };
    Ok(Opened::Webhook(Box::new(hooks), Box::new(endpoint)))
}

fn chat(settings: &Settings, url: Option<Secret>) -> Result<Opened, Error> {
    let url = url.ok_or_else(|| Error::new("a chat needs the URL of its incoming webhook"))?;
    let hooks = hooks(settings)?;
    hooks.target(&url).map_err(bad_target)?;
    Ok(Opened::Chat(Box::new(hooks), url))
}

fn bad_target(error: notify::BadTarget) -> Error {
    let hint = match error {
        notify::BadTarget::Private => "--allow-private lets it",
        _ => "such as https://keys.example.com/hook",
    };
    Error::new(format!("the URL of this webhook cannot be used: {error}")).hint(hint)
}
