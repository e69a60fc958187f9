use std::time::Duration;

use async_trait::async_trait;
use handover_core::ids::{ConnectionId, ForeignThreadId};
use handover_core::job::{Outgoing, QueueName};
use handover_core::ports::{DeadLetter, JobQueue, QueueError, Receipt, Received};

use crate::dead;
use crate::erase;
use crate::jobs::{self, NewJob, Taken};
use crate::open::Embedded;
use crate::writer::Durability::{Relaxed, Synced};

#[async_trait]
impl JobQueue for Embedded {
    async fn send(&self, jobs: Vec<Outgoing>) -> Result<(), QueueError> {
        if jobs.is_empty() {
            return Ok(());
        }
        let jobs = NewJob::all(jobs)?;
        let now = self.now_ms();
        let sent = self.writer().run(Synced, move |conn, wakes| {
            jobs.iter().try_for_each(|job| jobs::send(conn, job, now, wakes))
        });
        Ok(sent.await?)
    }

    async fn receive(
        &self,
        queue: QueueName,
        max: usize,
        visibility: Duration,
    ) -> Result<Vec<Received>, QueueError> {
        let now = self.now_ms();
        let taken = self.writer().run(Relaxed, move |conn, _| {
            jobs::receive(conn, queue, max, visibility, now)
        });
        Ok(taken
            .await?
            .iter()
            .filter_map(|taken| read(queue, taken))
            .collect())
    }

    async fn delete(&self, receipt: &Receipt) -> Result<(), QueueError> {
        let receipt = receipt.clone();
        let deleted = self
            .writer()
            .run(Relaxed, move |conn, wakes| jobs::delete(conn, &receipt, wakes));
        Ok(deleted.await?)
    }

    async fn retry(&self, receipt: &Receipt, after: Duration, counts: bool) -> Result<(), QueueError> {
        let receipt = receipt.clone();
        let now = self.now_ms();
        let given_back = self.writer().run(Relaxed, move |conn, wakes| {
            jobs::retry(conn, &receipt, after, counts, now, wakes)
        });
        Ok(given_back.await?)
    }

    async fn dead_letter(&self, received: &Received, reason: &str) -> Result<(), QueueError> {
        let (receipt, reason) = (received.receipt.clone(), reason.to_owned());
        let now = self.now_ms();
        let put_aside = self.writer().run(Synced, move |conn, wakes| {
            dead::put_aside(conn, &receipt, &reason, now, wakes)
        });
        Ok(put_aside.await?)
    }

    async fn dead_letters(&self) -> Result<Vec<DeadLetter>, QueueError> {
        Ok(self.readers().run(dead::all).await?)
    }

    async fn replay(&self, id: &str) -> Result<bool, QueueError> {
        let id = id.to_owned();
        let now = self.now();
        let replayed = self
            .writer()
            .run(Synced, move |conn, wakes| dead::replay(conn, &id, now, wakes));
        Ok(replayed.await?)
    }

    async fn discard(&self, id: &str) -> Result<bool, QueueError> {
        let id = id.to_owned();
        Ok(self
            .writer()
            .run(Synced, move |conn, _| dead::discard(conn, &id))
            .await?)
    }

    async fn erase(&self, connection: &ConnectionId, thread: &ForeignThreadId) -> Result<usize, QueueError> {
        let owner = format!("{connection}/{thread}");
        let erased = self
            .writer()
            .run(Synced, move |conn, _| erase::jobs(conn, &owner));
        Ok(erased.await?)
    }

    async fn waiting(&self, queue: QueueName) -> Result<u64, QueueError> {
        Ok(self.readers().run(move |conn| jobs::count(conn, queue)).await?)
    }
}

/// A job that this version cannot read (a newer one wrote it) must not keep the others from being
/// delivered; it comes again after its visibility timeout, and its group waits.
fn read(queue: QueueName, job: &Taken) -> Option<Received> {
    let (token, attempt, superseded) = (job.token.to_string(), job.attempt, job.superseded);
    let Ok(job) = serde_json::from_str(&job.job) else {
        tracing::warn!(
            queue = queue.as_str(),
            token,
            "a job cannot be read by this version"
        );
        return None;
    };
    Some(Received {
        job,
        receipt: Receipt { queue, token },
        attempt,
        superseded,
    })
}
