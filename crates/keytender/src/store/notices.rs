//! Notices: the outbox, what each of them tells, and how its delivery stands.

use std::collections::HashSet;
use std::sync::Arc;

use keytender_core::access::Side;
use keytender_core::id::{AccountId, ApiId, ChannelId, KeyId, NoticeId};
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};

use super::bulk::{Conflict, Table, json};
use super::db::{Cells, Tx, Value, Values};
use super::{Failure, Result, Store};

/// How many keys one statement names.
const KEYS_AT_ONCE: usize = 2_000;

pub use happened::ONCE;

mod happened;

/// How the delivery of a notice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeState {
    /// It is to be delivered.
    Waiting,
    /// The channel took it.
    Sent,
    /// It could not be delivered, and is not tried again unless somebody asks for it.
    Dead,
}

impl NoticeState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Sent, Self::Dead];

    /// The word on the command line and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Dead => "dead",
        }
    }

    fn parse(word: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| Failure::Corrupt(format!("notice state `{word}`")))
    }
}

/// A notice of the outbox.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Our id.
    pub id: NoticeId,
    /// By which channel.
    pub channel_id: ChannelId,
    /// To whom: an address, or the channel's name.
    pub recipient: String,
    /// What it is about.
    pub subject: String,
    /// What is delivered, as JSON in the form of its kind of channel.
    pub content: String,
    /// How its delivery stands.
    pub state: NoticeState,
    /// When it was written.
    pub created_at: Time,
    /// When it is to be tried next.
    pub send_at: Time,
    /// How often it was tried.
    pub attempts: u32,
    /// When the channel took it.
    pub sent_at: Option<Time>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// In the name of which API of ours; in this installation's, if of none.
    pub api_id: Option<ApiId>,
    /// Of the keys of which of its customers it tells.
    pub account_id: Option<AccountId>,
}

impl Notice {
    /// A notice that nobody has tried to deliver yet, in this installation's name.
    pub fn new(
        id: NoticeId,
        channel_id: ChannelId,
        recipient: String,
        subject: String,
        content: String,
        at: Time,
    ) -> Self {
        Self {
            id,
            channel_id,
            recipient,
            subject,
            content,
            state: NoticeState::Waiting,
            created_at: at,
            send_at: at,
            attempts: 0,
            sent_at: None,
            error: None,
            api_id: None,
            account_id: None,
        }
    }
}

/// What a notice tells of one key: each problem in each stage once to each recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeItem {
    /// The key.
    pub key_id: KeyId,
    /// Which problem: a rule's id, or `expiry`; many items share one text.
    pub problem: Arc<str>,
    /// The moment of the problem.
    pub problem_at: Time,
    /// The stage.
    pub stage: Arc<str>,
}

/// What was written to somebody of a problem, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldItem {
    /// What.
    pub item: NoticeItem,
    /// Whom.
    pub recipient: String,
    /// By which channel.
    pub channel_id: ChannelId,
    /// How the delivery of its notice stands.
    pub state: NoticeState,
    /// When the notice was written.
    pub written_at: Time,
    /// When the channel took it.
    pub sent_at: Option<Time>,
}

/// Which notices; every part that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct Which {
    /// The one with this id.
    pub id: Option<NoticeId>,
    /// In this state.
    pub state: Option<NoticeState>,
    /// To this address.
    pub recipient: Option<String>,
    /// That tell of keys on this side alone.
    pub side: Option<Side>,
    /// By this channel.
    pub channel: Option<ChannelId>,
    /// In the name of this API.
    pub api: Option<ApiId>,
    /// Of keys of this customer of it.
    pub account: Option<AccountId>,
}

impl Which {
    fn sql(&self, tenant: i64, limit: u32, after: Option<(Time, NoticeId)>) -> (String, Values) {
        let mut values: Values = vec![tenant.into(), i64::from(limit).into()];
        let mut text = "n.tenant_id = $1".to_owned();
        let mut and = |condition: &str, value: Value| {
            values.push(value);
            text.push_str(" AND ");
            text.push_str(&condition.replace('?', &format!("${}", values.len())));
        };
        if let Some(id) = self.id {
            and("n.id = ?", id.as_i64().into());
        }
        if let Some(state) = self.state {
            and("n.state = ?", state.as_str().into());
        }
        if let Some(recipient) = &self.recipient {
            and("n.recipient = ?", recipient.as_str().into());
        }
        if let Some(channel) = self.channel {
            and("n.channel_id = ?", channel.as_i64().into());
        }
        if let Some(api) = self.api {
            and("n.api_id = ?", api.as_i64().into());
        }
        if let Some(account) = self.account {
            and("n.account_id = ?", account.as_i64().into());
        }
        if let Some(side) = self.side {
            let other = "NOT EXISTS (SELECT 1 FROM notice_items i JOIN keys k ON k.id = i.key_id \
                         JOIN accounts a ON a.id = k.account_id WHERE i.tenant_id = n.tenant_id \
                         AND i.notice_id = n.id AND a.side <> ?)";
            and(other, side.as_str().into());
        }
        if let Some((at, id)) = after {
            and("n.created_at <= ?", at.into());
            let number = values.len();
            values.push(id.as_i64().into());
            text.push_str(&format!(" AND (n.created_at < ${number} OR n.id > ${})", values.len()));
        }
        (text, values)
    }
}

const ITEMS: Table = Table {
    name: "notice_items",
    columns: &[
        ("key_id", "BIGINT"),
        ("rule", "TEXT"),
        ("problem_at", "BIGINT"),
        ("stage", "TEXT"),
        ("recipient", "TEXT"),
        ("channel_id", "BIGINT"),
        ("notice_id", "BIGINT"),
    ],
    conflict: Conflict::Keep,
};

#[derive(Serialize)]
struct ItemLine<'i> {
    key_id: i64,
    rule: &'i str,
    problem_at: i64,
    stage: &'i str,
    recipient: &'i str,
    channel_id: i64,
    notice_id: i64,
}

impl<'i> ItemLine<'i> {
    fn of(notice: &'i Notice, item: &'i NoticeItem) -> Self {
        Self {
            key_id: item.key_id.as_i64(),
            rule: &item.problem,
            problem_at: item.problem_at.as_micros(),
            stage: &item.stage,
            recipient: &notice.recipient,
            channel_id: notice.channel_id.as_i64(),
            notice_id: notice.id.as_i64(),
        }
    }
}

const COLUMNS: &str = "id, channel_id, recipient, subject, content, state, created_at, send_at, \
                       attempts, sent_at, error, api_id, account_id";

fn notice(mut cells: Cells<'_>) -> Result<Notice> {
    Ok(Notice {
        id: NoticeId::from_i64(cells.int()?),
        channel_id: ChannelId::from_i64(cells.int()?),
        recipient: cells.text()?,
        subject: cells.text()?,
        content: cells.text()?,
        state: NoticeState::parse(&cells.text()?)?,
        created_at: cells.time()?,
        send_at: cells.time()?,
        attempts: u32::try_from(cells.int()?).unwrap_or(u32::MAX),
        sent_at: cells.maybe_time()?,
        error: cells.maybe_text()?,
        api_id: cells.maybe_int()?.map(ApiId::from_i64),
        account_id: cells.maybe_int()?.map(AccountId::from_i64),
    })
}

impl Tx {
    /// Puts a notice into the outbox. False, and nothing is to be committed, if somebody else has
    /// told one of its items already.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_notice(&mut self, notice: &Notice, items: &[NoticeItem]) -> Result<bool> {
        let sql = format!(
            "INSERT INTO notices (tenant_id, {COLUMNS}) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
        );
        let values = vec![
            self.tenant().into(),
            notice.id.as_i64().into(),
            notice.channel_id.as_i64().into(),
            notice.recipient.as_str().into(),
            notice.subject.as_str().into(),
            notice.content.as_str().into(),
            notice.state.as_str().into(),
            notice.created_at.into(),
            notice.send_at.into(),
            i64::from(notice.attempts).into(),
            notice.sent_at.into(),
            notice.error.as_deref().into(),
            notice.api_id.map(ApiId::as_i64).into(),
            notice.account_id.map(AccountId::as_i64).into(),
        ];
        self.execute(&sql, values).await?;
        for some in items.chunks(KEYS_AT_ONCE) {
            let lines: Vec<_> = some.iter().map(|item| ItemLine::of(notice, item)).collect();
            self.write_all(&ITEMS, &lines).await?;
        }
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM notice_items \
                   WHERE tenant_id = $1 AND notice_id = $2";
        let rows = self.fetch(sql, vec![self.tenant().into(), notice.id.as_i64().into()]).await?;
        let count = rows.first().map(|row| row.cells().int()).transpose()?;
        Ok(count == i64::try_from(items.len()).ok())
    }

    /// Takes a waiting notice for one attempt, which nobody else makes before `until`; false if
    /// somebody else has it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn lease_notice(&mut self, id: NoticeId, now: Time, until: Time) -> Result<bool> {
        let sql = "UPDATE notices SET leased_until = $4, attempts = attempts + 1 \
                   WHERE tenant_id = $1 AND id = $2 AND state = 'waiting' \
                   AND (leased_until IS NULL OR leased_until <= $3)";
        let values = vec![self.tenant().into(), id.as_i64().into(), now.into(), until.into()];
        Ok(self.execute(sql, values).await? > 0)
    }

    /// Writes how an attempt ended.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn end_attempt(
        &mut self,
        id: NoticeId,
        state: NoticeState,
        send_at: Time,
        sent_at: Option<Time>,
        error: Option<&str>,
    ) -> Result<()> {
        let sql = "UPDATE notices SET state = $3, send_at = $4, sent_at = $5, error = $6, \
                   leased_until = NULL WHERE tenant_id = $1 AND id = $2 AND state = 'waiting'";
        let values = vec![
            self.tenant().into(),
            id.as_i64().into(),
            state.as_str().into(),
            send_at.into(),
            sent_at.into(),
            error.into(),
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Lets a dead notice wait again, from its first attempt on, or an event that its receiver took; false if
    /// it is neither.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn revive_notice(&mut self, id: NoticeId, now: Time) -> Result<bool> {
        let sql = "UPDATE notices SET state = 'waiting', attempts = 0, send_at = $3, error = NULL, \
                   leased_until = NULL WHERE tenant_id = $1 AND id = $2 AND (state = 'dead' \
                   OR state = 'sent' AND EXISTS (SELECT 1 FROM channels c \
                   WHERE c.id = notices.channel_id AND c.kind = 'webhook'))";
        let values = vec![self.tenant().into(), id.as_i64().into(), now.into()];
        Ok(self.execute(sql, values).await? > 0)
    }
}

impl Store {
    /// The waiting notices whose time has come and that nobody has in hand, the oldest first: those of the
    /// installation if it `is_started`, and those of APIs whose notices were started.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn due_notices(
        &self,
        is_started: bool,
        now: Time,
        limit: i64,
    ) -> Result<Vec<Notice>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM notices WHERE tenant_id = $1 AND state = 'waiting' \
             AND send_at <= $2 AND (leased_until IS NULL OR leased_until <= $2) \
             AND (api_id IS NULL AND $4 = 1 OR api_id IN (SELECT id FROM apis \
             WHERE tenant_id = $1 AND notices_started_at IS NOT NULL)) \
             ORDER BY send_at, id LIMIT $3"
        );
        let values =
            vec![self.tenant().into(), now.into(), limit.into(), i64::from(is_started).into()];
        let rows = self.db.fetch(&sql, values).await?;
        rows.iter().map(|row| notice(row.cells())).collect()
    }

    /// The latest notices, newest first, from behind `after` on.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_notices(
        &self,
        which: &Which,
        limit: u32,
        after: Option<(Time, NoticeId)>,
    ) -> Result<Vec<Notice>> {
        let (condition, values) = which.sql(self.tenant(), limit, after);
        let sql = format!(
            "SELECT {COLUMNS} FROM notices n WHERE {condition} \
             ORDER BY created_at DESC, id LIMIT $2"
        );
        let rows = self.db.fetch(&sql, values).await?;
        rows.iter().map(|row| notice(row.cells())).collect()
    }

    /// Everything that was written of problems of these keys, in the order in which it was.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn told_items(&self, keys: &[KeyId]) -> Result<Vec<ToldItem>> {
        // The tenant comes with each row, so that each is looked up in the index.
        let given = self.db.json_rows(&[("tenant_id", "BIGINT"), ("key_id", "BIGINT")]);
        let sql = format!(
            "SELECT i.key_id, i.rule, i.problem_at, i.stage, i.recipient, i.channel_id, n.state, \
             n.created_at, n.sent_at FROM {given} CROSS JOIN notice_items i \
             JOIN notices n ON n.id = i.notice_id WHERE i.tenant_id = given.tenant_id \
             AND i.key_id = given.key_id AND i.stage <> $2 ORDER BY n.created_at, n.id"
        );
        let tenant = self.tenant();
        let line = |id: &KeyId| serde_json::json!({"tenant_id": tenant, "key_id": id.as_i64()});
        let mut items = Vec::new();
        for some in keys.chunks(KEYS_AT_ONCE) {
            let lines: Vec<_> = some.iter().map(line).collect();
            let rows = self.db.fetch(&sql, vec![json(&lines)?.into(), ONCE.into()]).await?;
            for row in &rows {
                items.push(told_item(row.cells())?);
            }
        }
        Ok(items)
    }

    /// Those whom a digest is under way to, or was taken after `since`, by their channels. Webhooks are
    /// not among them: they get each event apart.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn told_since(&self, since: Time) -> Result<HashSet<Reached>> {
        let sql = "SELECT DISTINCT n.channel_id, n.recipient, n.account_id FROM notices n \
                   JOIN channels c ON c.id = n.channel_id WHERE n.tenant_id = $1 \
                   AND c.kind <> 'webhook' AND (n.state = 'waiting' OR n.sent_at > $2)";
        let rows = self.db.fetch(sql, vec![self.tenant().into(), since.into()]).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                let (channel, recipient) = (ChannelId::from_i64(cells.int()?), cells.text()?);
                Ok((channel, recipient, cells.maybe_int()?.map(AccountId::from_i64)))
            })
            .collect()
    }
}

/// Somebody whom a digest reached: by which channel, at which address, and as which customer of ours.
pub type Reached = (ChannelId, String, Option<AccountId>);

fn told_item(mut cells: Cells<'_>) -> Result<ToldItem> {
    Ok(ToldItem {
        item: NoticeItem {
            key_id: KeyId::from_i64(cells.int()?),
            problem: cells.text()?.into(),
            problem_at: cells.time()?,
            stage: cells.text()?.into(),
        },
        recipient: cells.text()?,
        channel_id: ChannelId::from_i64(cells.int()?),
        state: NoticeState::parse(&cells.text()?)?,
        written_at: cells.time()?,
        sent_at: cells.maybe_time()?,
    })
}
