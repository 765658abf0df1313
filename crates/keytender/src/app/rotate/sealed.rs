//! The secrets of a rotation: the new one, and what stood at the destinations before; kept sealed, each to the
//! rotation, until it has ended.

use keytender_core::id::RotationId;
use keytender_core::secret::Secret;
use serde::{Deserialize, Serialize};

use super::provider::Minted;
use crate::app::inventory::Inventory;
use crate::app::secrets;
use crate::deliver::{self, Held, Parts};
use crate::error::{Error, Kind};
use crate::store::rotations::Kept;
use crate::store::seal::Sealer;

/// What opens and seals the secrets of one rotation.
#[derive(Debug)]
pub(super) struct Safe {
    sealer: Sealer,
    id: RotationId,
    print_key: [u8; 32],
}

/// A text that is sealed; on its way it is never anything but a [`Secret`].
#[derive(Serialize, Deserialize)]
struct Line {
    id: Option<String>,
    secret: Option<String>,
}

impl Safe {
    /// The safe of a rotation.
    ///
    /// # Errors
    /// When there is no master key and none can be made.
    pub(super) async fn open(inventory: &Inventory, id: RotationId) -> Result<Self, Error> {
        let sealer = secrets::sealer(inventory, true).await?;
        let digits = sealer.prove("rotation print", id.to_string().as_bytes());
        let mut print_key = [0; 32];
        for (place, pair) in print_key.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).unwrap_or_default();
            *place = u8::from_str_radix(pair, 16).map_err(|_| broken("its print key"))?;
        }
        Ok(Self { sealer, id, print_key })
    }

    /// What a destination that holds this gives back, as it may be written down.
    pub(super) fn print(&self, held: &Held) -> String {
        deliver::print(&self.print_key, held)
    }

    /// The print of a new key, whichever parts of it a destination holds.
    pub(super) fn print_of(&self, new: &Minted) -> String {
        self.print(&Held {
            id: Some(Secret::new(new.id.as_str())),
            secret: Some(new.secret.clone()),
        })
    }

    /// Seals the new key.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub(super) fn seal_new(&self, new: &Minted) -> Result<String, Error> {
        let line = Line { id: Some(new.id.clone()), secret: Some(new.secret.expose().to_owned()) };
        self.seal("new", &line)
    }

    /// The new key, once there is one.
    ///
    /// # Errors
    /// When what is sealed does not open.
    pub(super) fn new_key(&self, row: &Kept) -> Result<Option<Parts>, Error> {
        let Some(sealed) = &row.sealed_new else { return Ok(None) };
        let line: Line = self.unseal("new", sealed)?;
        // Where the answer named another key, the list has told the right one since.
        let id = row.state.new_id().map(str::to_owned).or(line.id);
        let secret = line.secret.ok_or_else(|| broken("the new secret"))?;
        Ok(Some(Parts { id, secret: Secret::new(secret) }))
    }

    /// Seals what stands at the destinations.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub(super) fn seal_old(&self, held: &[Option<Held>]) -> Result<String, Error> {
        let text = |secret: &Option<Secret>| secret.as_ref().map(|one| one.expose().to_owned());
        let line = |held: &Held| Line { id: text(&held.id), secret: text(&held.secret) };
        let lines: Vec<Option<Line>> = held.iter().map(|held| held.as_ref().map(line)).collect();
        self.seal("old", &lines)
    }

    /// What stood at the destinations before.
    ///
    /// # Errors
    /// When what is sealed does not open.
    pub(super) fn old(&self, row: &Kept) -> Result<Vec<Option<Held>>, Error> {
        let Some(sealed) = &row.sealed_old else { return Ok(Vec::new()) };
        let lines: Vec<Option<Line>> = self.unseal("old", sealed)?;
        let held = |line: Line| Held {
            id: line.id.map(Secret::new),
            secret: line.secret.map(Secret::new),
        };
        Ok(lines.into_iter().map(|line| line.map(held)).collect())
    }

    /// The secret of a new key that was sealed.
    ///
    /// # Errors
    /// When it does not open.
    pub(super) fn unseal_new(&self, sealed: &str) -> Result<Secret, Error> {
        let line: Line = self.unseal("new", sealed)?;
        line.secret.map(Secret::new).ok_or_else(|| broken("the new secret"))
    }

    fn seal<T: Serialize>(&self, part: &str, what: &T) -> Result<String, Error> {
        let text = serde_json::to_string(what).map_err(|_| broken("a secret"))?;
        let sealed = self.sealer.seal(&self.name(part), &Secret::new(text));
        sealed.map_err(|error| Error::new("cannot seal the new secret").source(error))
    }

    fn unseal<T: for<'de> Deserialize<'de>>(&self, part: &str, sealed: &str) -> Result<T, Error> {
        let opened = self.sealer.open(&self.name(part), sealed);
        let opened = opened.map_err(|error| {
            Error::new(format!("cannot open the secrets of {}", self.id)).source(error)
        })?;
        serde_json::from_str(opened.expose()).map_err(|_| broken("a secret"))
    }

    fn name(&self, part: &str) -> String {
        format!("{}:{part}", self.id)
    }
}

fn broken(what: &str) -> Error {
    Error::new(format!("{what} of the rotation cannot be read")).kind(Kind::Internal)
}
