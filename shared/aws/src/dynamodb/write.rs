//! Running a commit's writes: repeats, and what a refusal means.

use std::time::Duration;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    CancellationReason, ConditionCheck, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use handover_core::ports::{Commit, Recorded, StoreError};

use super::DynamoStore;
use super::commit::{Change, Guard, Plan};
use super::fault::Fault;
use super::item::{HOLDER, Item, RECORD, WRITTEN_BY, conversation_key, str_of};

/// How often a write is repeated that met another one in progress, and how long it waits before, at first.
const COLLISIONS: u32 = 8;
const FIRST_WAIT: Duration = Duration::from_millis(10);

/// What became of an attempt.
enum Attempt {
    Done,
    /// Another transaction had one of the items, or the table is busy: soon again.
    Collided,
}

impl DynamoStore {
    pub(super) async fn write_commit(&self, commit: Commit) -> Result<(), StoreError> {
        let now = self.clock.now();
        let forgetting = match &commit.forget_kept {
            Some((connection, thread)) if commit.write.is_none() => {
                self.read_version(&conversation_key(connection, thread)).await?
            }
            _ => None,
        };
        let plan = Plan::of(commit, forgetting, now, self.ids.next())?;
        self.apply(&plan).await?;
        if plan.jobs.is_empty() {
            return Ok(());
        }
        // If the process dies here, whoever reads the conversation next sends them.
        self.queue
            .send(plan.jobs)
            .await
            .map_err(|error| StoreError::Unavailable(error.into()))?;
        if let Some((key, names)) = plan.unsent {
            // If it dies here, they are sent once more and the queue drops them.
            self.forget_sent(key, names).await;
        }
        Ok(())
    }

    async fn apply(&self, plan: &Plan) -> Result<(), Fault> {
        for collision in 0..COLLISIONS {
            let attempt = match plan.changes.as_slice() {
                [] => return Ok(()),
                [single] if single.expression().is_some() => self.update(single, plan).await?,
                several => self.transact(several, plan).await?,
            };
            match attempt {
                Attempt::Done => return Ok(()),
                Attempt::Collided => wait(FIRST_WAIT * 2_u32.pow(collision)).await,
            }
        }
        Err(Fault::refused(
            &self.table,
            "another transaction was always in the way",
        ))
    }

    async fn update(&self, change: &Change, plan: &Plan) -> Result<Attempt, Fault> {
        let sent = self
            .client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(change.key.clone()))
            .set_update_expression(change.expression())
            .set_condition_expression(change.condition.clone())
            .set_expression_attribute_names(Some(change.names.clone()))
            .set_expression_attribute_values(some(change.values.clone()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Attempt::Done),
            Err(SdkError::ServiceError(refused)) if collided(refused.err()) => Ok(Attempt::Collided),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    refused(change.guards, failed.item(), plan)
                }
                _ => Err(Fault::of("dynamodb:UpdateItem", &self.table, &error)),
            },
        }
    }

    async fn transact(&self, changes: &[Change], plan: &Plan) -> Result<Attempt, Fault> {
        let items = changes
            .iter()
            .map(|change| self.transact_item(change))
            .collect::<Result<Vec<_>, _>>()?;
        let sent = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            // A repeat whose first attempt did succeed is a success.
            .client_request_token(&plan.token)
            .send()
            .await;
        let Err(error) = sent else {
            return Ok(Attempt::Done);
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                let reasons = cancelled.cancellation_reasons();
                self.cancelled(changes, reasons, plan)
            }
            Some(TransactWriteItemsError::TransactionInProgressException(_)) => Ok(Attempt::Collided),
            _ => Err(Fault::of("dynamodb:TransactWriteItems", &self.table, &error)),
        }
    }

    /// Why a transaction was not done. A claim that somebody else holds says most: it was done already.
    fn cancelled(
        &self,
        changes: &[Change],
        reasons: &[CancellationReason],
        plan: &Plan,
    ) -> Result<Attempt, Fault> {
        let code = |reason: &CancellationReason| reason.code().unwrap_or("None").to_owned();
        let refusals = |guard| {
            changes.iter().zip(reasons).filter(move |(change, reason)| {
                change.guards == guard && reason.code() == Some("ConditionalCheckFailed")
            })
        };
        for guard in [Guard::Claim, Guard::Conversation] {
            if let Some((_, reason)) = refusals(guard).next() {
                return refused(guard, reason.item(), plan);
            }
        }
        let codes: Vec<String> = reasons.iter().map(code).filter(|code| code != "None").collect();
        let passing = [
            "TransactionConflict",
            "ThrottlingError",
            "ProvisionedThroughputExceeded",
        ];
        if !codes.is_empty() && codes.iter().all(|code| passing.contains(&code.as_str())) {
            return Ok(Attempt::Collided);
        }
        Err(Fault::refused(&self.table, codes.join(", ")))
    }

    fn transact_item(&self, change: &Change) -> Result<TransactWriteItem, Fault> {
        let invalid =
            |error: aws_sdk_dynamodb::error::BuildError| Fault::refused(&self.table, error.to_string());
        let item = TransactWriteItem::builder();
        let item = if let Some(expression) = change.expression() {
            let update = Update::builder()
                .table_name(&*self.table)
                .set_key(Some(change.key.clone()))
                .update_expression(expression)
                .set_condition_expression(change.condition.clone())
                .set_expression_attribute_names(Some(change.names.clone()))
                .set_expression_attribute_values(some(change.values.clone()))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .build()
                .map_err(invalid)?;
            item.update(update)
        } else {
            let check = ConditionCheck::builder()
                .table_name(&*self.table)
                .set_key(Some(change.key.clone()))
                .set_condition_expression(change.condition.clone())
                .set_expression_attribute_names(Some(change.names.clone()))
                .set_expression_attribute_values(some(change.values.clone()))
                .build()
                .map_err(invalid)?;
            item.condition_check(check)
        };
        Ok(item.build())
    }

    /// Takes jobs off a conversation that the queue has. Failing is harmless: the next reader does it.
    pub(super) async fn forget_sent(&self, key: Item, names: Vec<String>) {
        let placeholders: Vec<String> = (0..names.len()).map(|n| format!("#{n}")).collect();
        let expression = format!("REMOVE {}", placeholders.join(", "));
        let names = placeholders.into_iter().zip(names).collect();
        let removed = self
            .client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key))
            .update_expression(expression)
            .set_expression_attribute_names(Some(names))
            // Without it, an item that expired meanwhile would come back as an empty one.
            .condition_expression("attribute_exists(pk)")
            .send()
            .await;
        if let Err(error) = removed {
            let error = Fault::of("dynamodb:UpdateItem", &self.table, &error);
            tracing::warn!(%error, "sent jobs are still with their conversation; its next reader takes them off");
        }
    }
}

fn collided(error: &UpdateItemError) -> bool {
    matches!(error, UpdateItemError::TransactionConflictException(_))
        || error.code() == Some("TransactionInProgressException")
}

/// A condition did not hold.
fn refused(guard: Guard, item: Option<&Item>, plan: &Plan) -> Result<Attempt, Fault> {
    let ours = item.is_some_and(|item| str_of(item, WRITTEN_BY) == Some(plan.token.as_str()));
    match (guard, item) {
        // The answer to the first attempt was lost.
        (Guard::Conversation, _) if ours => Ok(Attempt::Done),
        (Guard::Claim, Some(item)) => Err(Fault::Claimed(Recorded {
            holder: str_of(item, HOLDER).unwrap_or_default().to_owned(),
            record: str_of(item, RECORD).unwrap_or_default().to_owned(),
        })),
        // Claimed and gone since: whoever asks again will see.
        _ => Err(Fault::Conflict),
    }
}

/// DynamoDB refuses an empty map of values.
fn some<K, V>(map: std::collections::HashMap<K, V>) -> Option<std::collections::HashMap<K, V>> {
    (!map.is_empty()).then_some(map)
}

#[expect(
    clippy::disallowed_methods,
    reason = "nothing is lost if the process dies while it waits"
)]
async fn wait(time: Duration) {
    tokio::time::sleep(time).await;
}
