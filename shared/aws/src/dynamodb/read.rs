//! Conversations, claims, kept messages, timelines, listings.

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::join_all;
use handover_core::Timestamp;
use handover_core::ids::{ConnectionId, ForeignThreadId, ThreadId};
use handover_core::message::Message;
use handover_core::ports::{
    ClaimKey, ConversationSummary, KEPT_MESSAGES, Recorded, StoreError, ToLookAfter, Versioned,
};
use handover_core::timeline::TimelineEntry;

use super::DynamoStore;
use super::commit::{SHARDS, kept_name, last_change, shard_name};
use super::fault::Fault;
use super::item::{
    CLAIM_PREFIX, Item, KEPT_AFTER, KEPT_PREFIX, LINES, LINES_PREFIX, MESSAGE, STATE, STATE_KEY, VERSION,
    claim_key, conversation_key, conversation_of, key, millis, number_of, packed_of, parse, rce_key,
    recorded, str_of, text, unsent_from_json, unsent_names,
};
use super::schema::{BY_CHANGE, BY_LOOK, BY_RCE_THREAD, LOOK, PK, RCE, SHARD, SK};

/// Keys in a page where only some are wanted.
const FOR_A_FEW: usize = 500;
/// Keys of a shard of the listing that are looked at, for those of one connection.
const MOST_LOOKED_AT: usize = 20_000;

impl DynamoStore {
    pub(super) async fn read_conversation(
        &self,
        connection: &ConnectionId,
        thread: &ForeignThreadId,
        consistent: bool,
    ) -> Result<Option<Versioned>, StoreError> {
        let key = key(conversation_key(connection, thread), STATE_KEY);
        let Some(item) = self.get(key.clone(), consistent).await? else {
            return Ok(None);
        };
        self.send_unsent(&item, key).await?;
        Ok(versioned(&item)?)
    }

    /// Sends what a commit stored and could not send any more. Comes before everything that its reader will
    /// decide, so that the order is kept.
    async fn send_unsent(&self, item: &Item, key: Item) -> Result<(), StoreError> {
        let names = unsent_names(item);
        if names.is_empty() {
            return Ok(());
        }
        let mut jobs = Vec::with_capacity(names.len());
        for name in &names {
            jobs.push(match str_of(item, name) {
                Some(json) => unsent_from_json(json)?,
                None => unsent_from_json(
                    &self
                        .joined_parts(str_of(&key, PK).unwrap_or_default(), name)
                        .await?,
                )?,
            });
        }
        self.queue
            .send(jobs)
            .await
            .map_err(|error| StoreError::Unavailable(error.into()))?;
        self.forget_sent(key, names).await;
        Ok(())
    }

    /// A text that is stored in parts.
    async fn joined_parts(&self, partition: &str, name: &str) -> Result<String, Fault> {
        let mut pages = self
            .client
            .query()
            .table_name(&*self.table)
            .key_condition_expression("#pk = :pk AND begins_with(#sk, :name)")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_names("#sk", SK)
            .expression_attribute_values(":pk", text(partition))
            .expression_attribute_values(":name", text(format!("{name}#")))
            .consistent_read(true)
            .into_paginator()
            .send();
        let mut joined = String::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| Fault::of("dynamodb:Query", &self.table, &error))?;
            joined.extend(page.items().iter().filter_map(|item| str_of(item, MESSAGE)));
        }
        Ok(joined)
    }

    /// The version of a conversation, if it exists.
    pub(super) async fn read_version(&self, partition: &str) -> Result<Option<u64>, Fault> {
        let item = self.get(key(partition, STATE_KEY), true).await?;
        Ok(item.and_then(|item| version(&item)))
    }

    /// The index lags behind by some milliseconds. Who is not found is asked of RCE.
    pub(super) async fn read_thread_owner(
        &self,
        connection: &ConnectionId,
        thread: &ThreadId,
    ) -> Result<Option<ForeignThreadId>, Fault> {
        let found = self
            .client
            .query()
            .table_name(&*self.table)
            .index_name(BY_RCE_THREAD)
            .key_condition_expression("#rce = :rce")
            .expression_attribute_names("#rce", RCE)
            .expression_attribute_values(":rce", text(rce_key(connection, thread)))
            // The conversation that began last has it.
            .scan_index_forward(false)
            .limit(1)
            .send()
            .await
            .map_err(|error| Fault::of("dynamodb:Query", &self.table, &error))?;
        let owner = found.items().first().and_then(|item| str_of(item, PK));
        let prefix = format!("c#{connection}#");
        Ok(owner
            .and_then(|pk| pk.strip_prefix(&prefix))
            .map(ForeignThreadId::from))
    }

    /// Eventually consistent, at half the price: what matters is checked again by the commit.
    pub(super) async fn read_claim(
        &self,
        claim: &ClaimKey,
        now: Timestamp,
    ) -> Result<Option<Recorded>, StoreError> {
        let item = self.get(claim_key(claim), false).await?;
        let Some(recorded) = item.as_ref().and_then(|item| recorded(item, now)) else {
            return Ok(None);
        };
        // Whoever claimed it may have died before it sent the jobs that belong to it.
        if let Some((connection, thread)) = &claim.conversation {
            self.read_conversation(connection, thread, true).await?;
        }
        Ok(Some(recorded))
    }

    pub(super) async fn read_kept(
        &self,
        connection: &ConnectionId,
        thread: &ForeignThreadId,
        not_before: Timestamp,
    ) -> Result<Vec<Message>, Fault> {
        let partition = conversation_key(connection, thread);
        let state = self.get(key(&partition, STATE_KEY), true).await?;
        let after = state
            .as_ref()
            .and_then(|item| str_of(item, KEPT_AFTER))
            .unwrap_or(KEPT_PREFIX)
            .to_owned();
        let mut newest_first: Vec<String> = Vec::new();
        let mut last_name: Option<String> = None;
        let mut pages = self
            .client
            .query()
            .table_name(&*self.table)
            .key_condition_expression("#pk = :pk AND #sk BETWEEN :after AND :end")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_names("#sk", SK)
            .expression_attribute_values(":pk", text(partition))
            .expression_attribute_values(":after", text(after))
            .expression_attribute_values(":end", text(format!("{KEPT_PREFIX}~")))
            .consistent_read(true)
            .scan_index_forward(false)
            .into_paginator()
            .send();
        'pages: while let Some(page) = pages.next().await {
            let page = page.map_err(|error| Fault::of("dynamodb:Query", &self.table, &error))?;
            for item in page.items() {
                let (name, part) = (kept_name(item), str_of(item, MESSAGE).unwrap_or_default());
                let continues = last_name.as_deref() == name;
                if !continues && newest_first.len() == KEPT_MESSAGES {
                    break 'pages;
                }
                match newest_first.last_mut() {
                    // The parts of a message come last first, too.
                    Some(json) if continues => json.insert_str(0, part),
                    _ => newest_first.push(part.to_owned()),
                }
                last_name = name.map(str::to_owned);
            }
        }
        let mut messages = newest_first
            .iter()
            .rev()
            .map(|json| parse::<Message>(json))
            .collect::<Result<Vec<_>, _>>()?;
        messages.retain(|message| message.sent_at >= not_before);
        messages.sort_by_key(|message| message.sent_at);
        Ok(messages)
    }

    pub(super) async fn read_timeline(
        &self,
        connection: &ConnectionId,
        thread: &ForeignThreadId,
    ) -> Result<Vec<TimelineEntry>, Fault> {
        let mut entries = Vec::new();
        // Lines are with claims, and on their own.
        for prefix in [CLAIM_PREFIX, LINES_PREFIX] {
            let mut pages = self
                .client
                .query()
                .table_name(&*self.table)
                .key_condition_expression("#pk = :pk AND begins_with(#sk, :prefix)")
                .projection_expression("#lines")
                .expression_attribute_names("#pk", PK)
                .expression_attribute_names("#sk", SK)
                .expression_attribute_names("#lines", LINES)
                .expression_attribute_values(":pk", text(conversation_key(connection, thread)))
                .expression_attribute_values(":prefix", text(prefix))
                .consistent_read(true)
                .into_paginator()
                .send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| Fault::of("dynamodb:Query", &self.table, &error))?;
                for item in page.items() {
                    for lines in packed_of(item, LINES) {
                        entries.extend(parse::<Vec<TimelineEntry>>(&lines)?);
                    }
                }
            }
        }
        entries.sort_by_key(|entry| entry.at);
        Ok(entries)
    }

    pub(super) async fn read_conversations(
        &self,
        connection: Option<&ConnectionId>,
        limit: usize,
    ) -> Result<Vec<ConversationSummary>, Fault> {
        let prefix = connection.map_or_else(|| "c#".to_owned(), |connection| format!("c#{connection}#"));
        let mut keys: Vec<(i64, Item)> = Vec::new();
        let shards = (0..SHARDS).map(|shard| self.shard(shard, &prefix, limit));
        for found in join_all(shards).await {
            keys.extend(found?);
        }
        keys.sort_by_key(|(changed, _)| std::cmp::Reverse(*changed));
        keys.truncate(limit);
        let mut summaries = Vec::with_capacity(keys.len());
        for (_, key) in keys {
            if let Some(item) = self.get(key, false).await?
                && let Some(found) = versioned(&item)?
            {
                let changed = last_change(&found.conversation);
                summaries.push(ConversationSummary::of(found.conversation, changed));
            }
        }
        Ok(summaries)
    }

    /// Those of a shard whose partition begins with `prefix`. Of a connection with few conversations among many
    /// others not all may be found.
    async fn shard(&self, shard: u8, prefix: &str, limit: usize) -> Result<Vec<(i64, Item)>, Fault> {
        let mut keys = Vec::new();
        let mut looked_at = 0;
        let mut pages = self
            .client
            .query()
            .table_name(&*self.table)
            .index_name(BY_CHANGE)
            .key_condition_expression("#shard = :shard")
            .expression_attribute_names("#shard", SHARD)
            .expression_attribute_values(":shard", text(shard_name(shard)))
            .scan_index_forward(false)
            .limit(page_size(limit.max(if prefix == "c#" { 0 } else { FOR_A_FEW })))
            .into_paginator()
            .send();
        while keys.len() < limit
            && looked_at < MOST_LOOKED_AT
            && let Some(page) = pages.next().await
        {
            let page = page.map_err(|error| Fault::of("dynamodb:Query", &self.table, &error))?;
            let items = page.items.unwrap_or_default();
            looked_at += items.len();
            for mut item in items {
                if !str_of(&item, PK).is_some_and(|pk| pk.starts_with(prefix)) {
                    continue;
                }
                let changed = number_of(&item, super::schema::CHANGED).unwrap_or_default();
                item.retain(|name, _| name == PK || name == SK);
                keys.push((changed, item));
            }
        }
        Ok(keys)
    }

    pub(super) async fn read_to_look_after(
        &self,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<ToLookAfter>, Fault> {
        let shards = (0..SHARDS).map(|shard| self.shard_to_look_after(shard, until, limit));
        let mut all = Vec::new();
        for found in join_all(shards).await {
            all.extend(found?);
        }
        all.sort_by_key(|due: &ToLookAfter| due.at);
        all.truncate(limit);
        Ok(all)
    }

    async fn shard_to_look_after(
        &self,
        shard: u8,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<ToLookAfter>, Fault> {
        let mut due = Vec::new();
        let mut pages = self
            .client
            .query()
            .table_name(&*self.table)
            .index_name(BY_LOOK)
            .key_condition_expression("#shard = :shard AND #look <= :until")
            .expression_attribute_names("#shard", SHARD)
            .expression_attribute_names("#look", LOOK)
            .expression_attribute_values(":shard", text(shard_name(shard)))
            .expression_attribute_values(":until", millis(until))
            .limit(page_size(limit))
            .into_paginator()
            .send();
        while due.len() < limit
            && let Some(page) = pages.next().await
        {
            let page = page.map_err(|error| Fault::of("dynamodb:Query", &self.table, &error))?;
            due.extend(page.items().iter().filter_map(to_look_after));
        }
        Ok(due)
    }

    async fn get(&self, key: Item, consistent: bool) -> Result<Option<Item>, Fault> {
        let found = self
            .client
            .get_item()
            .table_name(&*self.table)
            .set_key(Some(key))
            .consistent_read(consistent)
            .send()
            .await
            .map_err(|error| Fault::of("dynamodb:GetItem", &self.table, &error))?;
        Ok(found.item)
    }
}

/// As many as are wanted, in one page if DynamoDB has them together.
fn page_size(limit: usize) -> i32 {
    i32::try_from(limit).unwrap_or(i32::MAX).max(1)
}

fn to_look_after(item: &Item) -> Option<ToLookAfter> {
    let (connection, thread) = conversation_of(str_of(item, PK)?)?;
    let at = Timestamp::from_millisecond(number_of(item, LOOK)?).ok()?;
    Some(ToLookAfter {
        connection,
        thread,
        at,
    })
}

fn version(item: &Item) -> Option<u64> {
    let version = item.get(VERSION).map(AttributeValue::as_n);
    version.and_then(Result::ok).and_then(|n| n.parse().ok())
}

fn versioned(item: &Item) -> Result<Option<Versioned>, Fault> {
    let (Some(version), Some(state)) = (version(item), str_of(item, STATE)) else {
        return Ok(None);
    };
    let conversation = parse(state)?;
    Ok(Some(Versioned {
        conversation,
        version,
    }))
}
