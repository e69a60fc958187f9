//! SQS batch → jobs, one by one, in order within a group.
//!
//! A FIFO batch may mix groups and holds each group's jobs in order. After a job that must come back, the
//! rest of its group is handed back untouched, so that nothing overtakes; other groups go on. A record that
//! cannot be read is put aside alone.

use std::collections::HashSet;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use handover_core::job::{Job, QueueName};
use handover_core::ports::{QueueError, Receipt, Received};
use handover_handlers::App;
use handover_handlers::work::{self, Outcome};
use lambda_runtime::{Error, LambdaEvent, service_fn};

/// Runs a function that works off one queue.
pub async fn run(app: App, queue: QueueName) -> Result<(), Error> {
    lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| {
        let app = app.clone();
        async move { Ok::<_, Error>(work_off(&app, queue, event.payload).await) }
    }))
    .await
}

/// Does the jobs of a batch and names those that must come back.
pub async fn work_off(app: &App, queue: QueueName, event: SqsEvent) -> SqsBatchResponse {
    let mut held_back = HashSet::new();
    let mut failures = Vec::new();
    for record in event.records {
        let group = record
            .attributes
            .get("MessageGroupId")
            .cloned()
            .unwrap_or_default();
        if held_back.contains(&group) || !finish(app, queue, &record).await {
            held_back.insert(group);
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = record.message_id.unwrap_or_default();
            failures.push(failure);
        }
    }
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failures;
    response
}

/// Does one job. `false`: it must come back.
async fn finish(app: &App, queue: QueueName, record: &SqsMessage) -> bool {
    let receipt = Receipt {
        queue,
        token: record.receipt_handle.clone().unwrap_or_default(),
    };
    let attempt = record
        .attributes
        .get("ApproximateReceiveCount")
        .and_then(|n| n.parse().ok())
        .unwrap_or(1);
    let applied = match serde_json::from_str::<Job>(record.body.as_deref().unwrap_or_default()) {
        Ok(job) => match work::run(
            app,
            &Received {
                job,
                receipt: receipt.clone(),
                attempt,
            },
        )
        .await
        {
            Outcome::Done => return true,
            Outcome::Retry { after } => app.queue.retry(&receipt, after, true).await.map(|()| false),
            Outcome::Wait { after } => app.queue.retry(&receipt, after, false).await.map(|()| false),
            Outcome::Reject { reason } => app.queue.dead_letter(&receipt, &reason).await.map(|()| true),
        },
        Err(error) => {
            tracing::error!(message.id = record.message_id, %error, "unreadable job");
            app.queue
                .dead_letter(&receipt, "the job is not readable")
                .await
                .map(|()| true)
        }
    };
    applied.unwrap_or_else(|error: QueueError| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "job's outcome not stored; it will come back"
        );
        false
    })
}
