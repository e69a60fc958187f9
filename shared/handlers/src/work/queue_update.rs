//! A place in the queue → everybody who asked, besides the bot (see `tell`).

use std::time::Duration;

use handover_core::event::BotEvent;
use handover_core::job::Outgoing;
use handover_core::job::Work;
use handover_core::ports::{BotError, Claim, ClaimKey, Commit, Delivery, StoreError};
use handover_core::queue_update::QueueUpdate;
use handover_core::settings::Endpoint;
use sha2::{Digest as _, Sha256};

use super::Task;
use super::outcome::{Step, Why};

/// How long a subscriber that said 410 is left alone; it comes back earlier when its settings change.
const GONE_FOR: Duration = Duration::from_hours(8760);

pub(super) async fn fan_out(task: &Task<'_>, update: QueueUpdate) -> Result<Step, StoreError> {
    let waits = task.read().await?.map(|found| found.conversation);
    let Some(conversation) = waits.filter(|c| !task.superseded && c.waits_with(c.epoch())) else {
        return Ok(Step::Done);
    };
    let epoch = conversation.epoch();
    let subscribers = task.connection.bot.queue_subscribers.iter().enumerate();
    let jobs = subscribers.map(|(n, subscriber)| {
        let url = subscriber.url.to_string();
        let outgoing = task.outgoing(Work::TellSubscriber { url, epoch, update });
        // A second attempt of this job tells nobody twice.
        Outgoing::deduplicated(outgoing.job, format!("{}-{n}", task.job.id))
    });
    let commit = Commit {
        jobs: jobs.collect(),
        ..Commit::default()
    };
    task.app.store.commit(commit).await?;
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
    let outdated = task.superseded || task.attempt > 1 && newest.is_some_and(|newest| newest.at > update.at);
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
        address: conversation.address(),
        part: 0,
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

fn gone_claim(task: &Task<'_>, subscriber: &Endpoint) -> ClaimKey {
    let mut hash = Sha256::new();
    hash.update(subscriber.url.as_str());
    for secret in &subscriber.signing_secrets {
        hash.update([0]);
        hash.update(secret.expose());
    }
    ClaimKey::apart(format!(
        "gone:{}:{}",
        task.job.connection,
        hex::encode(hash.finalize())
    ))
}
