//! Owners: people and teams who answer for keys, and which keys they claim.

use keytender_core::id::OwnerId;
use keytender_core::owner::{Claim, ClaimKind};
use keytender_core::time::Time;

use super::db::{Cells, Tx};
use super::{Failure, Result, Store};

/// Somebody who answers for keys.
#[derive(Clone, Debug)]
pub struct Owner {
    /// Our id.
    pub id: OwnerId,
    /// A short name.
    pub name: String,
    /// Where notices go.
    pub address: String,
    /// In which time zone it is 09:00 for them, by its IANA name.
    pub time_zone: String,
    /// Since when they are known.
    pub created_at: Time,
}

/// What an owner claims, as it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerClaim {
    /// Who.
    pub owner_id: OwnerId,
    /// By what.
    pub kind: ClaimKind,
    /// The tag's name; empty for the others.
    pub name: String,
    /// The pattern.
    pub pattern: String,
}

impl OwnerClaim {
    /// The claim, ready to be held against keys.
    pub fn compiled(&self) -> Claim {
        Claim::new(self.owner_id, self.kind, &self.name, &self.pattern)
    }
}

impl Tx {
    /// Adds an owner.
    ///
    /// # Errors
    /// [`Failure::Exists`] if there is one of this name.
    pub async fn insert_owner(&mut self, owner: &Owner) -> Result<()> {
        let sql = "INSERT INTO owners (tenant_id, id, name, address, time_zone, created_at) \
                   VALUES ($1, $2, $3, $4, $5, $6)";
        let values = vec![
            self.tenant().into(),
            owner.id.as_i64().into(),
            owner.name.as_str().into(),
            owner.address.as_str().into(),
            owner.time_zone.as_str().into(),
            owner.created_at.into(),
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Waits until nobody else changes owners; nobody does before this transaction ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lock_owners(&mut self) -> Result<()> {
        Ok(self.lock(LOCK ^ self.tenant()).await?)
    }

    /// As [`Store::list_owners`], within the transaction.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_owners(&mut self) -> Result<Vec<Owner>> {
        let rows = self.fetch(ALL, vec![self.tenant().into()]).await?;
        rows.iter().map(|row| owner(row.cells())).collect()
    }

    /// Writes an owner's address and time zone.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn update_owner(&mut self, owner: &Owner) -> Result<()> {
        let sql = "UPDATE owners SET address = $3, time_zone = $4 WHERE tenant_id = $1 AND id = $2";
        let values = vec![
            self.tenant().into(),
            owner.id.as_i64().into(),
            owner.address.as_str().into(),
            owner.time_zone.as_str().into(),
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Takes an owner and its claims away; its keys have none then.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remove_owner(&mut self, id: OwnerId) -> Result<()> {
        for sql in [
            "UPDATE keys SET owner_by_hand = NULL, evaluate_at = 0 \
             WHERE tenant_id = $1 AND owner_by_hand = $2",
            "UPDATE keys SET owner_id = NULL, evaluate_at = 0 \
             WHERE tenant_id = $1 AND owner_id = $2",
            "DELETE FROM owner_matches WHERE tenant_id = $1 AND owner_id = $2",
            "DELETE FROM sessions WHERE tenant_id = $1 AND owner_id = $2",
            "DELETE FROM owners WHERE tenant_id = $1 AND id = $2",
        ] {
            self.execute(sql, vec![self.tenant().into(), id.as_i64().into()]).await?;
        }
        Ok(())
    }

    /// Adds a claim.
    ///
    /// # Errors
    /// [`Failure::Exists`] if the owner has it already.
    pub async fn insert_claim(&mut self, claim: &OwnerClaim, at: Time) -> Result<()> {
        let sql = "INSERT INTO owner_matches (tenant_id, owner_id, kind, name, pattern, created_at) \
                   VALUES ($1, $2, $3, $4, $5, $6)";
        let mut values = claim_values(self.tenant(), claim);
        values.push(at.into());
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Takes a claim away; whether there was one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remove_claim(&mut self, claim: &OwnerClaim) -> Result<bool> {
        let sql = "DELETE FROM owner_matches WHERE tenant_id = $1 AND owner_id = $2 AND kind = $3 \
                   AND name = $4 AND pattern = $5";
        Ok(self.execute(sql, claim_values(self.tenant(), claim)).await? > 0)
    }
}

fn claim_values(tenant: i64, claim: &OwnerClaim) -> super::db::Values {
    vec![
        tenant.into(),
        claim.owner_id.as_i64().into(),
        claim.kind.as_str().into(),
        claim.name.as_str().into(),
        claim.pattern.as_str().into(),
    ]
}

/// The advisory lock that those meet at who change owners; any number, but always this one.
const LOCK: i64 = 0x6b65_7974_6f77;
/// Every owner, by name.
const ALL: &str = "SELECT id, name, address, time_zone, created_at FROM owners \
                   WHERE tenant_id = $1 ORDER BY name";

fn owner(mut cells: Cells<'_>) -> Result<Owner> {
    Ok(Owner {
        id: OwnerId::from_i64(cells.int()?),
        name: cells.text()?,
        address: cells.text()?,
        time_zone: cells.text()?,
        created_at: cells.time()?,
    })
}

impl Store {
    /// Every owner, by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_owners(&self) -> Result<Vec<Owner>> {
        let rows = self.db.fetch(ALL, vec![self.tenant().into()]).await?;
        rows.iter().map(|row| owner(row.cells())).collect()
    }

    /// Every claim.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_claims(&self) -> Result<Vec<OwnerClaim>> {
        let sql = "SELECT owner_id, kind, name, pattern FROM owner_matches \
                   WHERE tenant_id = $1 ORDER BY owner_id, kind, name, pattern";
        let rows = self.db.fetch(sql, vec![self.tenant().into()]).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                let owner_id = OwnerId::from_i64(cells.int()?);
                let kind = kind(&cells.text()?)?;
                Ok(OwnerClaim { owner_id, kind, name: cells.text()?, pattern: cells.text()? })
            })
            .collect()
    }

    /// How many keys each owner has that are not destroyed, and how many of them are due.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_by_owner(&self) -> Result<Vec<(Option<OwnerId>, u64, u64)>> {
        let sql = "SELECT owner_id, CAST(COUNT(*) AS BIGINT), CAST(SUM(due) AS BIGINT) FROM keys \
                   WHERE tenant_id = $1 AND state <> 'destroyed' GROUP BY owner_id";
        let rows = self.db.fetch(sql, vec![self.tenant().into()]).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                let owner = cells.maybe_int()?.map(OwnerId::from_i64);
                let count = |number: i64| u64::try_from(number).unwrap_or(0);
                Ok((owner, count(cells.int()?), count(cells.int()?)))
            })
            .collect()
    }
}

fn kind(word: &str) -> Result<ClaimKind> {
    ClaimKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == word)
        .ok_or_else(|| Failure::Corrupt(format!("claim `{word}`")))
}
