use async_trait::async_trait;
use handover_core::Timestamp;
use handover_core::ids::{ConnectionId, ForeignThreadId, ThreadId};
use handover_core::message::Message;
use handover_core::ports::{
    ClaimKey, Commit, ConversationSummary, Recorded, Store, StoreError, ToLookAfter, Versioned,
};
use handover_core::timeline::TimelineEntry;
use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};
use serde::de::DeserializeOwned;

use crate::commit::{self, Prepared};
use crate::erase;
use crate::error::Fault;
use crate::open::Embedded;
use crate::sweep;
use crate::writer::Durability;

#[async_trait]
impl Store for Embedded {
    async fn conversation(
        &self,
        connection: &ConnectionId,
        thread: &ForeignThreadId,
    ) -> Result<Option<Versioned>, StoreError> {
        let (connection, thread) = (connection.clone(), thread.clone());
        let look = move |conn: &Connection| {
            let mut find = conn.prepare_cached(
                "SELECT version, state FROM conversations WHERE connection = ?1 AND thread = ?2",
            )?;
            let row = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?));
            let found = find
                .query_row(params![connection.as_str(), thread.as_str()], row)
                .optional()?;
            Ok(found)
        };
        let Some((version, state)) = self.readers().run(look).await? else {
            return Ok(None);
        };
        Ok(Some(Versioned {
            conversation: parse(&state)?,
            version: u64::try_from(version).unwrap_or_default(),
        }))
    }

    async fn thread_owner(
        &self,
        connection: &ConnectionId,
        thread: &ThreadId,
    ) -> Result<Option<ForeignThreadId>, StoreError> {
        let (connection, thread) = (connection.clone(), thread.clone());
        let look = move |conn: &Connection| {
            let mut find = conn.prepare_cached(
                "SELECT thread FROM conversations WHERE connection = ?1 AND rce_thread = ?2
                 ORDER BY rce_turn DESC LIMIT 1",
            )?;
            let owner = find
                .query_row(params![connection.as_str(), thread.as_str()], |row| {
                    row.get::<_, String>(0)
                })
                .optional()?;
            Ok(owner.map(ForeignThreadId::new))
        };
        Ok(self.readers().run(look).await?)
    }

    async fn claimed(&self, key: &ClaimKey, now: Timestamp) -> Result<Option<Recorded>, StoreError> {
        let name = key.name.clone();
        let look = move |conn: &Connection| commit::recorded(conn, &name, now.as_millisecond());
        Ok(self.readers().run(look).await?)
    }

    async fn kept_messages(
        &self,
        connection: &ConnectionId,
        thread: &ForeignThreadId,
        not_before: Timestamp,
    ) -> Result<Vec<Message>, StoreError> {
        let (connection, thread) = (connection.clone(), thread.clone());
        let look = move |conn: &Connection| {
            column(
                conn,
                "SELECT message FROM kept_messages WHERE connection = ?1 AND thread = ?2 AND sent_at >= ?3
                 ORDER BY sent_at, n",
                params![connection.as_str(), thread.as_str(), not_before.as_millisecond()],
            )
        };
        parse_all(&self.readers().run(look).await?)
    }

    async fn commit(&self, change: Commit) -> Result<(), StoreError> {
        let change = Prepared::new(change, self.now())?;
        let durability = change.durability();
        let done = self
            .writer()
            .run(durability, move |conn, wakes| change.apply(conn, wakes));
        Ok(done.await?)
    }

    async fn timeline(
        &self,
        connection: &ConnectionId,
        thread: &ForeignThreadId,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        let (connection, thread) = (connection.clone(), thread.clone());
        let look = move |conn: &Connection| {
            column(
                conn,
                "SELECT entry FROM timeline WHERE connection = ?1 AND thread = ?2 ORDER BY at, n",
                params![connection.as_str(), thread.as_str()],
            )
        };
        parse_all(&self.readers().run(look).await?)
    }

    async fn conversations(
        &self,
        connection: Option<&ConnectionId>,
        limit: usize,
    ) -> Result<Vec<ConversationSummary>, StoreError> {
        let connection = connection.cloned();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let look = move |conn: &Connection| {
            let mut find = conn.prepare_cached(
                "SELECT state, changed_at FROM conversations WHERE ?1 IS NULL OR connection = ?1
                 ORDER BY changed_at DESC, rowid DESC LIMIT ?2",
            )?;
            let connection = connection.as_ref().map(ConnectionId::as_str);
            let mut rows = find.query(params![connection, limit])?;
            let mut summaries = Vec::new();
            while let Some(row) = rows.next()? {
                // One by one: a state is far larger than its summary.
                let conversation = serde_json::from_str(row.get_ref(0)?.as_str().unwrap_or_default())?;
                let changed_at = Timestamp::from_millisecond(row.get(1)?).unwrap_or_default();
                summaries.push(ConversationSummary::of(conversation, changed_at));
            }
            Ok(summaries)
        };
        Ok(self.readers().run(look).await?)
    }

    async fn to_look_after(&self, until: Timestamp, limit: usize) -> Result<Vec<ToLookAfter>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let look = move |conn: &Connection| {
            let mut find = conn.prepare_cached(
                "SELECT connection, thread, look_at FROM conversations WHERE look_at <= ?1
                 ORDER BY look_at LIMIT ?2",
            )?;
            let rows = find.query_map(params![until.as_millisecond(), limit], |row| {
                Ok(ToLookAfter {
                    connection: ConnectionId::new(row.get::<_, String>(0)?),
                    thread: ForeignThreadId::new(row.get::<_, String>(1)?),
                    at: Timestamp::from_millisecond(row.get(2)?).unwrap_or_default(),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        };
        Ok(self.readers().run(look).await?)
    }

    async fn erase(&self, connection: &ConnectionId, thread: &ForeignThreadId) -> Result<bool, StoreError> {
        let (connection, thread) = (connection.clone(), thread.clone());
        let owner = format!("{connection}/{thread}");
        let look = move |conn: &Connection| erase::claims_of(conn, &owner);
        let claims = self.readers().run(look).await?;
        let erased = self.writer().run(Durability::Synced, move |conn, _| {
            erase::conversation(conn, connection.as_str(), thread.as_str(), &claims)
        });
        Ok(erased.await?)
    }

    async fn sweep(&self, now: Timestamp) -> Result<(), StoreError> {
        Ok(sweep::sweep(self.writer(), now.as_millisecond()).await?)
    }
}

/// The only column of all rows.
fn column(conn: &Connection, sql: &str, params: impl Params) -> Result<Vec<String>, Fault> {
    let mut find = conn.prepare_cached(sql)?;
    let rows = find.query_map(params, |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn parse<T: DeserializeOwned>(json: &str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|error| Fault::from(error).into())
}

fn parse_all<T: DeserializeOwned>(json: &[String]) -> Result<Vec<T>, StoreError> {
    json.iter().map(|json| parse(json)).collect()
}
