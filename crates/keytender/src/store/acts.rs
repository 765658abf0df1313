//! The log of acts: what was done to a key, an owner, an account or a policy, by whom and why.
//!
//! Rows are only ever added, in the transaction of the act itself.

use keytender_core::id::ActId;
use keytender_core::time::Time;

use super::db::Tx;
use super::keys::escaped;
use super::{Result, Store};

/// How far an act has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It is about to be tried outside of this program.
    Intent,
    /// It was done.
    Done,
    /// It was tried in vain.
    Failed,
}

impl Stage {
    /// The word in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// Who acts, and from where.
#[derive(Clone, Debug)]
pub struct Actor {
    /// A person's or program's name.
    pub name: String,
    /// Where from: `cli on HOST`.
    pub origin: String,
}

/// An act, before it stands in the log.
#[derive(Clone, Debug)]
pub struct NewAct<'a> {
    /// When.
    pub at: Time,
    /// By whom.
    pub actor: &'a Actor,
    /// What, such as `key.disable`.
    pub verb: &'a str,
    /// How far it has come.
    pub stage: Stage,
    /// What kind of thing it was done to: `key`, `owner`, `account`, `policy`.
    pub target_kind: &'a str,
    /// Its id.
    pub target_id: String,
    /// Why, in the actor's words.
    pub why: Option<&'a str>,
    /// What else is worth keeping; never a secret.
    pub details: serde_json::Value,
}

/// An act in the log.
#[derive(Clone, Debug)]
pub struct Act {
    /// Its id.
    pub id: ActId,
    /// When.
    pub at: Time,
    /// By whom.
    pub actor: String,
    /// From where.
    pub origin: String,
    /// What.
    pub verb: String,
    /// How far it has come, in the word of the log.
    pub stage: String,
    /// What kind of thing it was done to.
    pub target_kind: String,
    /// Its id.
    pub target_id: String,
    /// Why.
    pub why: Option<String>,
    /// What else is known, as JSON.
    pub details: String,
}

/// Which acts; every part that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct Which {
    /// Done to what has this id.
    pub target_id: Option<String>,
    /// By somebody of this name.
    pub actor: Option<String>,
    /// What begins so, such as `key.`.
    pub verb: Option<String>,
    /// At this moment or later.
    pub since: Option<Time>,
}

const COLUMNS: &str = "id, at, actor, origin, verb, stage, target_kind, target_id, why, details";

impl Tx {
    /// Writes `act` into the log.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn log(&mut self, act: NewAct<'_>) -> Result<()> {
        let id = ActId::from_random(super::random()?);
        let sql = format!(
            "INSERT INTO acts (tenant_id, {COLUMNS}) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        );
        let values = vec![
            self.tenant().into(),
            id.as_i64().into(),
            act.at.into(),
            act.actor.name.as_str().into(),
            act.actor.origin.as_str().into(),
            act.verb.into(),
            act.stage.as_str().into(),
            act.target_kind.into(),
            act.target_id.into(),
            act.why.into(),
            act.details.to_string().into(),
        ];
        self.execute(&sql, values).await?;
        Ok(())
    }
}

impl Store {
    /// The latest acts that are meant, newest first, from a place on: after the act of this moment
    /// (microseconds) and number.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_acts(
        &self,
        which: &Which,
        limit: i64,
        after: Option<(i64, i64)>,
    ) -> Result<Vec<Act>> {
        let (at, id) = after.unwrap_or((i64::MAX, i64::MAX));
        let mut values = vec![self.tenant().into(), at.into(), id.into(), limit.into()];
        let mut conditions = String::new();
        let mut and = |condition: &str, value: super::db::Value| {
            values.push(value);
            conditions.push_str(&format!(" AND {condition} ${}", values.len()));
        };
        if let Some(target) = &which.target_id {
            and("target_id =", target.as_str().into());
        }
        if let Some(actor) = &which.actor {
            and("actor =", actor.as_str().into());
        }
        if let Some(since) = which.since {
            and("at >=", since.into());
        }
        if let Some(verb) = &which.verb {
            and("verb LIKE", format!("{}%", escaped(verb)).into());
            conditions.push_str(" ESCAPE '\\'");
        }
        let sql = format!(
            "SELECT {COLUMNS} FROM acts WHERE tenant_id = $1 AND at <= $2 \
             AND (at < $2 OR id < $3){conditions} ORDER BY at DESC, id DESC LIMIT $4"
        );
        let rows = self.db.fetch(&sql, values).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                Ok(Act {
                    id: ActId::from_i64(cells.int()?),
                    at: cells.time()?,
                    actor: cells.text()?,
                    origin: cells.text()?,
                    verb: cells.text()?,
                    stage: cells.text()?,
                    target_kind: cells.text()?,
                    target_id: cells.text()?,
                    why: cells.maybe_text()?,
                    details: cells.text()?,
                })
            })
            .collect()
    }
}
