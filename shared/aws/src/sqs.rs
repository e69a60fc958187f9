//! SQS batch → jobs: groups side by side, one by one within a group.
//!
//! A FIFO batch may mix groups and holds each group's jobs in order. After a job that must come back, the rest of
//! its group is handed back untouched, so that nothing overtakes; other groups go on and never wait for it. A
//! record that cannot be read is put aside alone.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::future::join_all;
use handover_core::Timestamp;
use handover_core::job::{Job, QueueName};
use handover_core::ports::{QueueError, Receipt, Received};
use handover_handlers::App;
use handover_handlers::work::{self, Outcome};
use lambda_runtime::{Error, LambdaEvent, service_fn};

use crate::metrics::Emf;
use crate::queue::Unreadable;
use crate::records::Records;

/// A job is not begun with less time left than this: a call to a bot or to RCE may take 10 seconds.
const TIME_FOR_A_JOB: Duration = Duration::from_secs(12);

/// Left of the function's time to say what becomes of a job that takes too long.
const TIME_TO_CONCLUDE: Duration = Duration::from_secs(3);

/// Runs a function that works off one queue.
pub(crate) async fn run(worker: Worker, metrics: Arc<Emf>) -> Result<(), Error> {
    let worker = Arc::new(worker);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| {
        let (worker, metrics) = (Arc::clone(&worker), Arc::clone(&metrics));
        async move {
            let deadline = i64::try_from(event.context.deadline).unwrap_or(i64::MAX);
            let deadline = Timestamp::from_millisecond(deadline).unwrap_or(Timestamp::MAX);
            let answer = worker.work_off(event.payload, deadline).await;
            metrics.flush(worker.app.now(), &mut std::io::stdout().lock());
            Ok::<_, Error>(answer)
        }
    }))
    .await
}

/// One worker's means.
pub struct Worker {
    pub app: App,
    pub queue: QueueName,
    pub records: Box<dyn Records>,
}

impl Worker {
    /// Does the jobs of a batch and names those that must come back. `deadline`: when the function is stopped.
    pub async fn work_off(&self, event: SqsEvent, deadline: Timestamp) -> SqsBatchResponse {
        let mut groups: Vec<(String, Vec<SqsMessage>)> = Vec::new();
        for record in event.records {
            let group = attribute(&record, "MessageGroupId").to_owned();
            match groups.iter_mut().find(|(name, _)| *name == group) {
                Some((_, records)) => records.push(record),
                None => groups.push((group, vec![record])),
            }
        }
        let groups = groups
            .iter()
            .map(|(group, records)| self.work_off_group(group, records, deadline));
        let mut response = SqsBatchResponse::default();
        response.batch_item_failures = join_all(groups).await.into_iter().flatten().collect();
        response
    }

    async fn work_off_group(
        &self,
        group: &str,
        records: &[SqsMessage],
        deadline: Timestamp,
    ) -> Vec<BatchItemFailure> {
        let mut jobs = Vec::with_capacity(records.len());
        for record in records {
            jobs.push(self.records.job(body(record)).await);
        }
        for n in 0..records.len() {
            let finished = match &jobs[n] {
                Ok(_) if self.app.now() + TIME_FOR_A_JOB > deadline => {
                    self.hand_back(&jobs[n..], &records[n..]).await;
                    return records[n..].iter().map(failure).collect();
                }
                Ok(job) => {
                    let later = jobs[n + 1..].iter().flatten();
                    let superseded = later
                        .into_iter()
                        .any(|later| job.work.is_superseded_by(&later.work));
                    self.finish(job, &records[n], superseded, deadline).await
                }
                Err(Unreadable::NotAJob) => self.set_aside(group, &records[n]).await,
                Err(error) => {
                    tracing::error!(
                        error = error as &dyn std::error::Error,
                        "job not read; it will come back"
                    );
                    false
                }
            };
            if !finished {
                self.hand_back(&jobs[n + 1..], &records[n + 1..]).await;
                return records[n..].iter().map(failure).collect();
            }
        }
        Vec::new()
    }

    /// Does one job. `false`: it must come back.
    async fn finish(&self, job: &Job, record: &SqsMessage, superseded: bool, deadline: Timestamp) -> bool {
        let count = attribute(record, "ApproximateReceiveCount").parse().unwrap_or(1);
        let attempt = match self.records.attempt(&job.id, count).await {
            Ok(attempt) => attempt,
            Err(error) => return not_applied(&error),
        };
        let received = Received {
            job: job.clone(),
            receipt: self.receipt(job, record),
            attempt,
            superseded,
        };
        let queue = &self.app.queue;
        // A function that is stopped would leave the job hidden for its whole visibility timeout.
        let left = Duration::try_from(deadline.duration_since(self.app.now())).unwrap_or_default();
        let limit = left.saturating_sub(TIME_TO_CONCLUDE);
        let applied = match work::run_within(&self.app, &received, limit).await {
            Outcome::Done => return true,
            Outcome::Retry { after } => queue.retry(&received.receipt, after, true).await.map(|()| false),
            Outcome::Wait { after } => queue.retry(&received.receipt, after, false).await.map(|()| false),
            Outcome::Reject { reason } => queue.dead_letter(&received, &reason).await.map(|()| true),
        };
        applied.unwrap_or_else(|error| not_applied(&error))
    }

    /// The rest of a group waits behind its first, without having been tried. Without this it would wait for its
    /// visibility timeout.
    async fn hand_back(&self, jobs: &[Result<Job, Unreadable>], records: &[SqsMessage]) {
        for (job, record) in jobs.iter().zip(records) {
            if let Ok(job) = job {
                let receipt = self.receipt(job, record);
                if let Err(error) = self.app.queue.retry(&receipt, Duration::ZERO, false).await {
                    not_applied(&error);
                }
            }
        }
    }

    async fn set_aside(&self, group: &str, record: &SqsMessage) -> bool {
        let id = record.message_id.as_deref().unwrap_or_default();
        tracing::error!(
            record.id = id,
            "not a job of this version; put aside in the dead-letter queue"
        );
        match self.records.set_aside(id, group, body(record)).await {
            Ok(()) => true,
            Err(error) => not_applied(&error),
        }
    }

    fn receipt(&self, job: &Job, record: &SqsMessage) -> Receipt {
        let handle = record.receipt_handle.as_deref().unwrap_or_default();
        self.records.receipt(self.queue, &job.id, handle)
    }
}

fn body(record: &SqsMessage) -> &str {
    record.body.as_deref().unwrap_or_default()
}

fn attribute<'a>(record: &'a SqsMessage, name: &str) -> &'a str {
    record.attributes.get(name).map_or("", String::as_str)
}

fn failure(record: &SqsMessage) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = record.message_id.clone().unwrap_or_default();
    failure
}

fn not_applied(error: &QueueError) -> bool {
    tracing::error!(
        error = error as &dyn std::error::Error,
        "job's outcome not stored; it will come back"
    );
    false
}
