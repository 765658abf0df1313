//! The chain of the log of acts: each act is proved together with all before it.
//!
//! Acts are written without a place in the chain, each in its own transaction. Later one sealer at
//! a time gives those that were committed their number and their proof, so that acts do not wait
//! for each other.

use serde::Serialize;

use super::db::Cells;
use super::seal::Sealer;
use super::{Result, Store};

/// The advisory lock that two sealers meet at; any number, but always this one.
const LOCK: i64 = 0x6b65_7974_6c6f;
/// How many acts are read at once.
const ACTS_AT_ONCE: i64 = 2_000;
/// What a proof is for.
const PURPOSE: &str = "log of acts";
/// What stands before the first act.
const BEGINNING: &str = "";

/// The end of the chain: how many acts it proves, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The number of the last act, from 1.
    pub seq: i64,
    /// Its proof.
    pub mac: String,
}

/// Where the chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Break {
    /// This act is not what was sealed.
    Changed {
        /// Its number.
        seq: i64,
        /// Its id, as the database keeps it.
        id: i64,
    },
    /// An act of this number is missing.
    Missing {
        /// Its number.
        seq: i64,
    },
}

/// What the chain shows.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The proofs of the acts that were asked for, by their numbers.
    pub found: Vec<Link>,
    /// Its end; `None` if nothing is sealed.
    pub end: Option<Link>,
    /// The first place at which it does not hold.
    pub broken: Option<Break>,
}

/// An act, as it is proved.
#[derive(Serialize)]
struct Proved {
    seq: i64,
    id: i64,
    at: i64,
    actor: String,
    origin: String,
    verb: String,
    stage: String,
    target_kind: String,
    target_id: String,
    why: Option<String>,
    details: String,
}

const COLUMNS: &str =
    "id, at, actor, origin, verb, stage, target_kind, target_id, why, details, mac";

impl Proved {
    /// Reads a row of [`COLUMNS`], which gets the number `seq`, and its proof so far.
    fn read(seq: i64, mut cells: Cells<'_>) -> Result<(Self, Option<String>)> {
        let act = Self {
            seq,
            id: cells.int()?,
            at: cells.int()?,
            actor: cells.text()?,
            origin: cells.text()?,
            verb: cells.text()?,
            stage: cells.text()?,
            target_kind: cells.text()?,
            target_id: cells.text()?,
            why: cells.maybe_text()?,
            details: cells.text()?,
        };
        Ok((act, cells.maybe_text()?))
    }

    /// The proof of this act and all before it.
    fn prove(&self, sealer: &Sealer, before: &str) -> Result<String> {
        let text = format!("{before}\n{}", super::bulk::json(self)?);
        Ok(sealer.prove(PURPOSE, text.as_bytes()))
    }
}

#[derive(Serialize)]
struct Place {
    id: i64,
    seq: i64,
    mac: String,
}

impl Store {
    /// Whether there are acts without a place in the chain.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn has_unsealed_acts(&self) -> Result<bool> {
        let sql = "SELECT id FROM acts WHERE tenant_id = $1 AND seq IS NULL LIMIT 1";
        Ok(!self.db.fetch(sql, vec![self.tenant().into()]).await?.is_empty())
    }

    /// Gives every committed act its place and proof; the end of the chain, if it moved.
    ///
    /// # Errors
    /// When the database does not do its part.
    pub async fn seal_acts(&self, sealer: &Sealer) -> Result<Option<Link>> {
        let mut tx = self.db.begin().await?;
        tx.lock(LOCK).await?;
        let sql = "SELECT seq, mac FROM acts WHERE tenant_id = $1 AND seq IS NOT NULL \
                   ORDER BY seq DESC LIMIT 1";
        let last = tx.fetch(sql, vec![self.tenant().into()]).await?;
        let (mut seq, mut mac) = match last.first() {
            Some(row) => {
                let mut cells = row.cells();
                (cells.int()?, cells.text()?)
            }
            None => (0, BEGINNING.to_owned()),
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM acts WHERE tenant_id = $1 AND seq IS NULL ORDER BY at, id"
        );
        let mut places = Vec::new();
        for row in tx.fetch(&sql, vec![self.tenant().into()]).await? {
            seq += 1;
            let (act, _) = Proved::read(seq, row.cells())?;
            mac = act.prove(sealer, &mac)?;
            places.push(Place { id: act.id, seq, mac: mac.clone() });
        }
        if places.is_empty() {
            return Ok(None);
        }
        let sql = "UPDATE acts SET seq = given.seq, mac = given.mac FROM {given} \
                   WHERE acts.id = given.id AND acts.seq IS NULL";
        let columns = [("id", "BIGINT"), ("seq", "BIGINT"), ("mac", "TEXT")];
        tx.each(sql, &columns, &places).await?;
        tx.commit().await?;
        Ok(Some(Link { seq, mac }))
    }

    /// Goes through the chain from its beginning; `wanted` are the numbers whose proofs are given
    /// back.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn read_chain(&self, sealer: &Sealer, wanted: &[i64]) -> Result<Chain> {
        let sql = format!(
            "SELECT seq, {COLUMNS} FROM acts WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT $3"
        );
        let mut chain = Chain { found: Vec::new(), end: None, broken: None };
        loop {
            let after = chain.end.as_ref().map_or(0, |end| end.seq);
            let values = vec![self.tenant().into(), after.into(), ACTS_AT_ONCE.into()];
            let rows = self.db.fetch(&sql, values).await?;
            if rows.is_empty() {
                return Ok(chain);
            }
            for row in rows {
                let mut cells = row.cells();
                let seq = cells.int()?;
                let (act, kept) = Proved::read(seq, cells)?;
                let (before, expected) = match &chain.end {
                    Some(end) => (end.mac.as_str(), end.seq + 1),
                    None => (BEGINNING, 1),
                };
                if seq != expected {
                    chain.broken = Some(Break::Missing { seq: expected });
                    return Ok(chain);
                }
                let mac = act.prove(sealer, before)?;
                if kept.as_ref() != Some(&mac) {
                    chain.broken = Some(Break::Changed { seq, id: act.id });
                    return Ok(chain);
                }
                let link = Link { seq, mac };
                if wanted.contains(&seq) {
                    chain.found.push(link.clone());
                }
                chain.end = Some(link);
            }
        }
    }
}
