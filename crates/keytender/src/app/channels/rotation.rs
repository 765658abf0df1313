//! The signing secret of a webhook, exchanged without a gap: while its receiver learns the new one,
//! the old one signs too.

use keytender_core::secret::Secret;
use keytender_core::time::Span;
use serde_json::json;

use super::{Opened, SecretSource, done, get, kept, view};
use crate::app::inventory::{Done, Inventory, cannot_write, commit};
use crate::app::secrets;
use crate::app::view::ChannelView;
use crate::error::{Error, Kind};
use crate::store::Failure;
use crate::store::channels::{Channel, ChannelKind, OldSecret};

/// How long the old secret signs beside the new one, if nobody ends that before: what Standard
/// Webhooks recommends.
const OLD_SECRET_LIFE: Span = Span::days(1);

/// Gives a webhook another signing secret; the one before signs too for a day, or until
/// [`end`]. A secret that was made is in the view, to be shown once. `allows` gets the channel as it
/// was, and may refuse.
///
/// # Errors
/// When it is no webhook, the old secret of an earlier exchange still signs, or the new secret is no
/// signing secret or the old one.
pub async fn begin(
    inventory: &Inventory,
    name: &str,
    secret: SecretSource,
    allows: impl FnOnce(&ChannelView) -> Result<(), Error>,
) -> Result<ChannelView, Error> {
    let found = get(inventory, name).await?;
    let id = found.id;
    refuse(&found)?;
    // Before anything is written: the first secret that is kept makes the master key.
    let kept = kept(inventory, id, secret).await?;
    let mut tx = inventory.begin().await?;
    tx.lock(id.as_i64()).await.map_err(Failure::from).map_err(cannot_write)?;
    let before = get(inventory, &id.to_string()).await?;
    allows(&ChannelView::of(&before))?;
    refuse(&before)?;
    let mut channel = before.clone();
    channel.old = Some(OldSecret {
        sealed: channel.sealed.take(),
        place: channel.settings.secret.take(),
        until: inventory.now.plus(OLD_SECRET_LIFE),
    });
    (channel.sealed, channel.settings.secret) = (kept.sealed, kept.place);
    // What cannot sign is not taken.
    Opened::open(inventory, &channel).await?;
    if is_same(inventory, &before, &channel).await? {
        return Err(Error::new(format!("`{}` has this signing secret already", before.name)));
    }
    tx.update_channel(&channel).await.map_err(cannot_write)?;
    let until = channel.old.as_ref().map(|old| old.until);
    let details = json!({"name": channel.name, "old_until": until});
    let act = Done { details, ..done("channel.rotate", &channel) };
    inventory.log(&mut tx, act).await?;
    commit(tx).await?;
    let signing_secret = kept.made.map(|secret| secret.expose().to_owned());
    Ok(ChannelView { signing_secret, ..ChannelView::of(&channel) })
}

/// Forgets the old signing secret of a webhook: from now on the new one signs alone.
///
/// # Errors
/// When there is no channel of this name, or no old secret of it signs.
pub async fn end(
    inventory: &Inventory,
    name: &str,
    allows: impl FnOnce(&ChannelView) -> Result<(), Error>,
) -> Result<(), Error> {
    let id = get(inventory, name).await?.id;
    let mut tx = inventory.begin().await?;
    tx.lock(id.as_i64()).await.map_err(Failure::from).map_err(cannot_write)?;
    allows(&view(inventory, &id.to_string()).await?)?;
    let mut channel = get(inventory, &id.to_string()).await?;
    if channel.old.take().is_none() {
        let error = Error::new(format!("no old secret of `{}` signs any more", channel.name));
        return Err(error.kind(Kind::Conflict));
    }
    tx.update_channel(&channel).await.map_err(cannot_write)?;
    inventory.log(&mut tx, done("channel.end-rotation", &channel)).await?;
    commit(tx).await
}

fn refuse(channel: &Channel) -> Result<(), Error> {
    let name = &channel.name;
    if channel.kind != ChannelKind::Webhook {
        return Err(Error::new(format!("`{name}` is no webhook: it signs nothing")));
    }
    match &channel.old {
        Some(old) => Err(Error::new(format!("the secret before still signs until {}", old.until))
            .kind(Kind::Conflict)
            .hint(format!("end that first: keytender channels end-rotation {name}"))),
        None => Ok(()),
    }
}

async fn is_same(inventory: &Inventory, one: &Channel, other: &Channel) -> Result<bool, Error> {
    let find = async |channel: &Channel| -> Result<Option<Secret>, Error> {
        let place = channel.settings.secret.as_deref();
        secrets::find(inventory, &channel.id.to_string(), channel.sealed.as_deref(), place).await
    };
    let (one, other) = (find(one).await, find(other).await?);
    // An old secret that is not there any more is another one.
    Ok(one.ok().flatten().zip(other).is_some_and(|(one, other)| one.expose() == other.expose()))
}
