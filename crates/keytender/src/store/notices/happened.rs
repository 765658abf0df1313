//! Events in the outbox: what happened to keys, written in the transaction that knows it.

use std::collections::HashMap;

use keytender_core::id::{AccountId, ApiId, ChannelId, KeyId};
use keytender_core::time::Time;
use serde::Serialize;

use super::{ITEMS, ItemLine, KEYS_AT_ONCE, Notice, NoticeItem};
use crate::store::Result;
use crate::store::bulk::{Conflict, Table, json};
use crate::store::channels::{COLUMNS, Channel, ChannelKind, channel};
use crate::store::db::{Row, Tx};

/// The stage of what is told once, as it happened. Series of findings have other ones.
pub const ONCE: &str = "once";

const NOTICES: Table = Table {
    name: "notices",
    columns: &[
        ("id", "BIGINT"),
        ("channel_id", "BIGINT"),
        ("recipient", "TEXT"),
        ("subject", "TEXT"),
        ("content", "TEXT"),
        ("state", "TEXT"),
        ("created_at", "BIGINT"),
        ("send_at", "BIGINT"),
        ("attempts", "BIGINT"),
        ("api_id", "BIGINT"),
        ("account_id", "BIGINT"),
    ],
    conflict: Conflict::Keep,
};

#[derive(Serialize)]
struct NoticeLine<'n> {
    id: i64,
    channel_id: i64,
    recipient: &'n str,
    subject: &'n str,
    content: &'n str,
    state: &'static str,
    created_at: i64,
    send_at: i64,
    attempts: u32,
    api_id: Option<i64>,
    account_id: Option<i64>,
}

impl Tx {
    /// The channels of a kind that hear of keys of an account: the installation's, if the setting `condition`
    /// holds anything, and of a customer of the API `api` those of the API and of the customer, if its notices
    /// were started.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn listeners(
        &mut self,
        kind: ChannelKind,
        condition: &str,
        api: Option<ApiId>,
        account: AccountId,
    ) -> Result<Vec<Channel>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM channels c WHERE c.tenant_id = $1 AND c.kind = $2 \
             AND (c.api_id IS NULL AND EXISTS (SELECT 1 FROM settings s WHERE s.tenant_id = $1 \
             AND s.name = $3 AND s.value <> '') OR c.api_id = $4 \
             AND (c.account_id IS NULL OR c.account_id = $5) AND EXISTS (SELECT 1 FROM apis a \
             WHERE a.id = c.api_id AND a.notices_started_at IS NOT NULL)) ORDER BY c.name"
        );
        let values = vec![
            self.tenant().into(),
            kind.as_str().into(),
            condition.into(),
            api.map_or(-1, ApiId::as_i64).into(),
            account.as_i64().into(),
        ];
        let rows = self.fetch(&sql, values).await?;
        rows.iter().map(|row| channel(row.cells())).collect()
    }

    /// Whether there is a channel of a kind, whoever's it is.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn has_channel(&mut self, kind: ChannelKind) -> Result<bool> {
        let sql = "SELECT id FROM channels WHERE tenant_id = $1 AND kind = $2 LIMIT 1";
        let rows = self.fetch(sql, vec![self.tenant().into(), kind.as_str().into()]).await?;
        Ok(!rows.is_empty())
    }

    /// The channels of this installation of a kind, by id and name, if the setting `condition` holds anything.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn channels_while(
        &mut self,
        kind: ChannelKind,
        condition: &str,
    ) -> Result<Vec<(ChannelId, String)>> {
        let sql = "SELECT c.id, c.name FROM channels c WHERE c.tenant_id = $1 AND c.kind = $2 \
                   AND c.api_id IS NULL AND EXISTS (SELECT 1 FROM settings s WHERE s.tenant_id = $1 AND s.name = $3 \
                   AND s.value <> '') ORDER BY c.name";
        let rows =
            self.fetch(sql, vec![self.tenant().into(), kind.as_str().into(), condition.into()]);
        let channel = |row: &Row| {
            let mut cells = row.cells();
            Ok((ChannelId::from_i64(cells.int()?), cells.text()?))
        };
        rows.await?.iter().map(channel).collect()
    }

    /// The name and the address of whoever answers for a key.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn owner_address(&mut self, key: KeyId) -> Result<Option<(String, String)>> {
        let sql = "SELECT o.name, o.address FROM keys k JOIN owners o ON o.id = k.owner_id \
                   WHERE k.tenant_id = $1 AND k.id = $2";
        let rows = self.fetch(sql, vec![self.tenant().into(), key.as_i64().into()]).await?;
        let pair = |row: &Row| {
            let mut cells = row.cells();
            Ok((cells.text()?, cells.text()?))
        };
        rows.first().map(pair).transpose()
    }

    /// The address in a setting, if there is one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn contact(&mut self, setting: &str) -> Result<Option<String>> {
        let sql = "SELECT value FROM settings WHERE tenant_id = $1 AND name = $2 AND value <> ''";
        let rows = self.fetch(sql, vec![self.tenant().into(), setting.into()]).await?;
        Ok(rows.first().map(|row| row.cells().text()).transpose()?)
    }

    /// When somebody was first told of this problem of a key since `since`: handed over, not only written.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn told_at(
        &mut self,
        key: KeyId,
        problem: &str,
        since: Time,
    ) -> Result<Option<Time>> {
        let sql = "SELECT MIN(n.sent_at) FROM notice_items i JOIN notices n ON n.id = i.notice_id \
                   WHERE i.tenant_id = $1 AND i.key_id = $2 AND i.rule = $3 \
                   AND i.problem_at >= $4 AND n.sent_at IS NOT NULL";
        let values = vec![self.tenant().into(), key.as_i64().into(), problem.into(), since.into()];
        let rows = self.fetch(sql, values).await?;
        Ok(rows.first().map(|row| row.cells().maybe_time()).transpose()?.flatten())
    }

    /// The names of those who answer for these keys.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn owners_of(&mut self, keys: &[KeyId]) -> Result<HashMap<KeyId, String>> {
        let given = self.json_rows(&[("id", "BIGINT")]);
        let sql = format!(
            "SELECT k.id, o.name FROM {given} CROSS JOIN keys k JOIN owners o ON o.id = k.owner_id \
             WHERE k.id = given.id AND k.tenant_id = {}",
            self.tenant()
        );
        let mut owners = HashMap::new();
        for some in keys.chunks(KEYS_AT_ONCE) {
            let lines: Vec<_> =
                some.iter().map(|id| serde_json::json!({"id": id.as_i64()})).collect();
            let rows = self.fetch(&sql, vec![json(&lines)?.into()]).await?;
            for row in &rows {
                let mut cells = row.cells();
                owners.insert(KeyId::from_i64(cells.int()?), cells.text()?);
            }
        }
        Ok(owners)
    }

    /// Puts notices into the outbox, each about one key, which nobody else can tell: whoever writes
    /// them is in the transaction that makes them true.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_events(&mut self, events: &[(Notice, NoticeItem)]) -> Result<()> {
        let notices: Vec<_> = events.iter().map(|(notice, _)| line(notice)).collect();
        self.write_all(&NOTICES, &notices).await?;
        let items: Vec<_> =
            events.iter().map(|(notice, item)| ItemLine::of(notice, item)).collect();
        self.write_all(&ITEMS, &items).await
    }
}

fn line(notice: &Notice) -> NoticeLine<'_> {
    NoticeLine {
        id: notice.id.as_i64(),
        channel_id: notice.channel_id.as_i64(),
        recipient: &notice.recipient,
        subject: &notice.subject,
        content: &notice.content,
        state: notice.state.as_str(),
        created_at: notice.created_at.as_micros(),
        send_at: notice.send_at.as_micros(),
        attempts: notice.attempts,
        api_id: notice.api_id.map(ApiId::as_i64),
        account_id: notice.account_id.map(AccountId::as_i64),
    }
}
