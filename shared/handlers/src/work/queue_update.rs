//! A place in the queue → everybody who asked.

use std::time::Duration;

use handover_core::event::BotEvent;
use handover_core::job::Work;
use handover_core::ports::{BotError, Claim, Commit, Delivery, StoreError};
use handover_core::queue_update::QueueUpdate;
use handover_core::settings::Endpoint;
use sha2::{Digest as _, Sha256};

use super::Task;
use super::outcome::{Step, Why};

/// How long a subscriber that said 410 is left alone; it comes back earlier when its settings change.
const GONE_FOR: Duration = Duration::from_hours(8760);

pub(super) async fn fan_out(task: &Task<'_>, update: QueueUpdate) -> Result<Step, StoreError> {
    task.change(|conversation, commit| {
        let Some(epoch) = conversation.queue_update(update) else {
            return;
        };
        commit.jobs.push(task.outgoing(Work::TellQueue { epoch, update }));
        for subscriber in &task.connection.bot.queue_subscribers {
            let url = subscriber.url.to_string();
            commit
                .jobs
                .push(task.outgoing(Work::TellSubscriber { url, epoch, update }));
        }
        let entry = task
            .entry("queue.update")
            .with("epoch", epoch)
            .with("position", update.position)
            .with("estimated_wait_ms", update.estimated_wait_ms);
        task.write_down(commit, entry);
    })
    .await?;
    Ok(Step::Done)
}

/// Tells one subscriber. Each has its own outcome; one that is gone is switched off until its settings change.
pub(super) async fn tell_subscriber(
    task: &Task<'_>,
    url: &str,
    epoch: u32,
    update: QueueUpdate,
) -> Result<Step, StoreError> {
    let Some(found) = task.read().await? else {
        return Ok(Step::Done);
    };
    let conversation = found.conversation;
    let newest = conversation.handover.as_ref().and_then(|handover| handover.queue);
    let outdated = task.attempt > 1 && newest.is_some_and(|newest| newest.at > update.at);
    let subscriber = task
        .connection
        .bot
        .queue_subscribers
        .iter()
        .find(|endpoint| endpoint.url.as_str() == url);
    let Some(subscriber) = subscriber.filter(|_| conversation.waits_with(epoch) && !outdated) else {
        return Ok(Step::Done);
    };
    let key = gone_claim(task, subscriber);
    let now = task.app.now();
    if task.app.store.claimed(&key, now).await?.is_some() {
        return Ok(Step::Done);
    }
    let delivery = Delivery {
        id: format!("evt_{}_0", task.job.id),
        conversation: conversation.id.clone(),
        epoch,
        seq: None,
        at: task.job.accepted_at,
        now,
        rce_thread: conversation.rce_thread.clone(),
        event: BotEvent::HandoverQueued { update },
    };
    match task
        .app
        .bots
        .tell_subscriber(&task.connection, subscriber, &delivery)
        .await
    {
        Ok(_) => Ok(Step::Done),
        Err(BotError::Gone) => {
            tracing::warn!(connection.id = %task.job.connection, host = subscriber.url.host_str(), "queue subscriber is gone and is switched off until its settings change");
            let claim = Claim {
                key,
                holder: task.job.id.to_string(),
                record: String::new(),
                expires_at: now + GONE_FOR,
            };
            match task
                .app
                .store
                .commit(Commit {
                    claims: vec![claim],
                    ..Commit::default()
                })
                .await
            {
                Ok(()) | Err(StoreError::Claimed(_)) => Ok(Step::Never {
                    why: Why::new(BotError::Gone.code(), BotError::Gone.to_string()),
                }),
                Err(error) => Err(error),
            }
        }
        Err(error) => Ok(error.into()),
    }
}

fn gone_claim(task: &Task<'_>, subscriber: &Endpoint) -> String {
    let mut hash = Sha256::new();
    hash.update(subscriber.url.as_str());
    for secret in &subscriber.signing_secrets {
        hash.update([0]);
        hash.update(secret.expose());
    }
    format!("gone:{}:{}", task.job.connection, hex::encode(hash.finalize()))
}
