//! Whose conversation a thread is that RCE reports and that we do not know.

use std::time::Duration;

use handover_core::ids::{ConversationId, ForeignThreadId, ThreadId};
use handover_core::job::Outgoing;
use handover_core::ports::{Commit, Expected, RingCxError, StoreError, Urgency};
use handover_core::signal::Signal;

use crate::webhook_intake::signal_claim;
use crate::work::outcome::Step;
use crate::work::{LOOK_AGAIN, Task};

/// How long what happened to an unknown thread waits for the handover that looks for it. Longer than the search may last.
const OWNER_PATIENCE: Duration = Duration::from_secs(150);

/// Finds out whose conversation an unknown RCE thread is, remembers it, and passes the signal on.
pub(in crate::work) async fn resolve(task: &Task<'_>, signal: &Signal) -> Result<Step, StoreError> {
    // Nobody waits for what is told after the end.
    let urgency = if signal.kind.is_aftermath() {
        Urgency::Idle
    } else {
        Urgency::Now
    };
    let thread = match thread_of(task, signal, urgency).await {
        Ok(Some(thread)) => thread,
        Ok(None) | Err(RingCxError::NotFound) => return Ok(unknown(signal)),
        Err(error) => return Ok(error.into()),
    };
    let connection = &task.job.connection;
    if let Some(ours) = task.app.store.thread_owner(connection, &thread).await? {
        return pass_on(task, &ours, signal, Commit::default()).await;
    }
    if !task.connection.relay_messages {
        return Ok(wait_for_owner(task, signal));
    }
    if task.connection.is_native() {
        let ours = ForeignThreadId::of(&ConversationId::new(thread.as_str()));
        return pass_on(task, &ours, signal, Commit::default()).await;
    }
    let read = task.app.ringcx.thread(&task.connection, &thread, urgency).await;
    let thread = match read {
        Ok(thread) => thread,
        Err(RingCxError::NotFound) => return Ok(unknown(signal)),
        Err(error) => return Ok(error.into()),
    };
    let Some(ours) = thread
        .foreign_id
        .filter(|_| thread.source == task.connection.ringcx.source_id)
    else {
        return Ok(unknown(signal));
    };
    let Some(found) = task.app.store.conversation(connection, &ours).await? else {
        return Ok(unknown(signal));
    };
    let mut conversation = found.conversation;
    let mut commit = Commit::default();
    if conversation.rce_thread.as_ref() != Some(&thread.id) {
        conversation.rce_thread = Some(thread.id);
        let expected = Expected::Version(found.version);
        commit = Commit::writing(conversation, expected, &task.connection.timers);
    }
    pass_on(task, &ours, signal, commit).await
}

/// The thread that a signal is about. Of an intervention RCE knows it.
async fn thread_of(
    task: &Task<'_>,
    signal: &Signal,
    urgency: Urgency,
) -> Result<Option<ThreadId>, RingCxError> {
    let (None, Some(intervention)) = (&signal.thread, &signal.intervention) else {
        return Ok(signal.thread.clone());
    };
    let ringcx = &task.app.ringcx;
    let found = ringcx
        .intervention(&task.connection, intervention, urgency)
        .await?;
    Ok(found.thread)
}

async fn pass_on(
    task: &Task<'_>,
    ours: &ForeignThreadId,
    signal: &Signal,
    mut commit: Commit,
) -> Result<Step, StoreError> {
    let claim = signal_claim(&task.connection, signal);
    let job = task
        .app
        .job(&task.job.connection, ours, task.news(signal.clone()));
    commit.jobs.push(Outgoing::deduplicated(job, claim));
    match task.app.store.commit(commit).await {
        Ok(()) => Ok(Step::Done),
        Err(StoreError::Conflict) => Ok(Step::Wait { after: LOOK_AGAIN }),
        Err(error) => Err(error),
    }
}

/// Where messages are not relayed the thread is not ours, and RCE cannot say whose conversation it is: a handover that
/// looks for its thread may find this one. Until then what may end it waits.
fn wait_for_owner(task: &Task<'_>, signal: &Signal) -> Step {
    let waited = task.since_accepted();
    if waited >= OWNER_PATIENCE {
        return unknown(signal);
    }
    let after = (waited / 2).clamp(Duration::from_secs(1), Duration::from_secs(20));
    Step::Wait { after }
}

fn unknown(signal: &Signal) -> Step {
    tracing::info!(event.id = %signal.event, event.name = signal.name, "event about a thread that is not ours");
    Step::Done
}
