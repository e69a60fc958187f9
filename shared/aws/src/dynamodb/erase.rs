//! Removing a conversation: its whole partition, the conversation itself last, so that a repeat finds what is left.

use futures_util::future::try_join_all;
use handover_core::ids::{ConnectionId, ForeignThreadId};

use super::DynamoStore;
use super::fault::Fault;
use super::item::{Item, STATE_KEY, conversation_key, str_of, text};
use super::schema::{PK, SK};

/// Deletes under way at the same time.
const TOGETHER: usize = 25;

impl DynamoStore {
    pub(super) async fn erase_conversation(
        &self,
        connection: &ConnectionId,
        thread: &ForeignThreadId,
    ) -> Result<bool, Fault> {
        let mut pages = self
            .client
            .query()
            .table_name(&*self.table)
            .key_condition_expression("#pk = :pk")
            .projection_expression("#pk, #sk")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_names("#sk", SK)
            .expression_attribute_values(":pk", text(conversation_key(connection, thread)))
            .consistent_read(true)
            .into_paginator()
            .send();
        let mut keys: Vec<Item> = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| Fault::of("dynamodb:Query", &self.table, &error))?;
            keys.extend(page.items.unwrap_or_default());
        }
        let found = !keys.is_empty();
        let (state, others): (Vec<Item>, Vec<Item>) = keys
            .into_iter()
            .partition(|key| str_of(key, SK) == Some(STATE_KEY));
        for some in others.chunks(TOGETHER).chain(state.chunks(TOGETHER)) {
            try_join_all(some.iter().map(|key| self.delete_item(key.clone()))).await?;
        }
        Ok(found)
    }

    async fn delete_item(&self, key: Item) -> Result<(), Fault> {
        let deleted = self
            .client
            .delete_item()
            .table_name(&*self.table)
            .set_key(Some(key))
            .send()
            .await;
        deleted.map_err(|error| Fault::of("dynamodb:DeleteItem", &self.table, &error))?;
        Ok(())
    }
}
