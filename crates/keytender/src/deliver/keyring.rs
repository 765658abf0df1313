//! Items of the system's keyring: GNOME's, KDE's, or another that speaks the Secret Service API
//! (specifications.freedesktop.org/secret-service-spec).
//!
//! An item is found by its attributes `service` and `username`, as `secret-tool` and most libraries
//! name them. Between us and the keyring secrets are encrypted. There is no check-and-set: what somebody
//! writes in the moment between our reading and our writing is replaced.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use keytender_core::secret::Secret;
use secret_service::{EncryptionType, Item, SecretService};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Held;
use super::place::{Place, Put};
use super::service::quoted;
use crate::error::{Error, Kind};

/// A keyring that is locked asks somebody for a password, if anybody is there.
const TIMEOUT: Duration = Duration::from_secs(30);
const TEXT: &str = "text/plain";
/// The schema of items of no special kind.
const SCHEMA: &str = "org.freedesktop.Secret.Generic";

/// Items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keyring {
    /// The attribute `service` of the items.
    pub service: String,
    /// The attribute `username` of the item with the secret part of the key.
    pub secret: String,
    /// That of the item with its id, if one has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// A keyring that answered.
pub(super) struct Open<'a> {
    at: &'a Keyring,
    keyring: SecretService<'static>,
}

impl Keyring {
    pub(super) async fn open(&self) -> Result<Open<'_>, Error> {
        let keyring = SecretService::connect(EncryptionType::Dh);
        let keyring =
            in_time("there is no keyring that answers", keyring).await.map_err(|error| {
                error.hint(
                    "it is reached over the D-Bus of a user's session: DBUS_SESSION_BUS_ADDRESS",
                )
            })?;
        Ok(Open { at: self, keyring })
    }
}

impl Place for Open<'_> {
    type Seen = ();

    async fn look(&self) -> Result<(Option<Held>, ()), Error> {
        let id = match &self.at.id {
            Some(name) => self.get(name).await?,
            None => None,
        };
        Ok((Held::of(id, self.get(&self.at.secret).await?), ()))
    }

    async fn put(&self, (): (), wanted: &Held) -> Result<Put, Error> {
        if let (Some(name), Some(id)) = (&self.at.id, &wanted.id) {
            self.set(name, id).await?;
        }
        if let Some(secret) = &wanted.secret {
            self.set(&self.at.secret, secret).await?;
        }
        Ok(Put::Done)
    }

    fn name(&self) -> String {
        self.name_of(&self.at.secret)
    }
}

impl Open<'_> {
    /// A keyring that is open can be written: its items are read, and where one is to be made, the
    /// collection that it comes into is opened.
    pub(super) async fn check(&self) -> Result<(), Error> {
        _ = self.look().await?;
        for name in [self.at.id.as_ref(), Some(&self.at.secret)].into_iter().flatten() {
            if self.find(name).await?.is_none() {
                let collection = self.collection().await?;
                in_time("the keyring is not opened", collection.ensure_unlocked()).await?;
            }
        }
        Ok(())
    }

    /// The item of this user name, unlocked.
    async fn find(&self, name: &str) -> Result<Option<Item<'_>>, Error> {
        let attributes = HashMap::from([("service", self.at.service.as_str()), ("username", name)]);
        let found = in_time("the keyring is not searched", self.keyring.search_items(attributes));
        let found = found.await?;
        let mut items = found.unlocked.into_iter().chain(found.locked);
        let Some(item) = items.next() else { return Ok(None) };
        if items.next().is_some() {
            return Err(Error::new(format!("the keyring has {} twice", self.name_of(name)))
                .hint("remove one of them: `secret-tool search --all` shows them"));
        }
        if in_time("the keyring is not searched", item.is_locked()).await? {
            in_time("the keyring is locked, and was not opened", item.unlock()).await?;
        }
        Ok(Some(item))
    }

    async fn get(&self, name: &str) -> Result<Option<Secret>, Error> {
        let Some(item) = self.find(name).await? else { return Ok(None) };
        let bytes = in_time("the keyring does not give an item", item.get_secret()).await?;
        let bytes = Zeroizing::new(bytes);
        let text = std::str::from_utf8(&bytes).map(Secret::new);
        let text = text.map_err(|_| Error::new(format!("{} is no text", self.name_of(name))))?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    async fn set(&self, name: &str, value: &Secret) -> Result<(), Error> {
        let value = value.expose().as_bytes();
        let failed = format!("the keyring did not take {}", self.name_of(name));
        if let Some(item) = self.find(name).await? {
            let kind = in_time(&failed, item.get_secret_content_type()).await?;
            return in_time(&failed, item.set_secret(value, &kind)).await;
        }
        let collection = self.collection().await?;
        in_time("the keyring is locked, and was not opened", collection.unlock()).await?;
        let attributes = HashMap::from([
            ("service", self.at.service.as_str()),
            ("username", name),
            ("xdg:schema", SCHEMA),
        ]);
        let label = format!("{}/{name}", self.at.service);
        let made = collection.create_item(&label, attributes, value, false, TEXT);
        in_time(&failed, made).await.map(|_| ())
    }

    async fn collection(&self) -> Result<secret_service::Collection<'_>, Error> {
        let found = self.keyring.get_default_collection();
        in_time("there is no default keyring", found).await
    }

    fn name_of(&self, name: &str) -> String {
        quoted(&format!("{}/{name}", self.at.service))
    }
}

/// What a keyring answers, if it does within the time.
async fn in_time<T>(
    failed: &str,
    asked: impl Future<Output = Result<T, secret_service::Error>>,
) -> Result<T, Error> {
    let error = || Error::new(failed).kind(Kind::Provider);
    match tokio::time::timeout(TIMEOUT, asked).await {
        // Their words are about the bus, and hold no secret.
        Ok(answer) => answer.map_err(|why| error().source(why)),
        Err(_) => Err(error().source(format!("it did not answer within {} s", TIMEOUT.as_secs()))),
    }
}
