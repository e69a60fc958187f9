//! Erasing a person: everything that is kept about a conversation.

use handover_core::conversation::Handler;
use handover_core::ids::{ConversationId, ForeignThreadId};
use handover_core::settings::Connection;

use super::Refusal;
use crate::App;

/// Most conversations that are looked through for a person.
const MOST_LOOKED_THROUGH: usize = 1_000_000;

/// Removes a conversation, its timeline, kept messages, claims with their stored answers, jobs and dead letters. While agents have
/// it that is refused, unless it is forced: what they do afterwards is then about an unknown conversation.
///
/// If the process dies in between, a repeat removes the rest: the queue's share goes first, so that the conversation is found
/// until the end. What a worker has in hand at that moment leaves nothing either on one machine; on AWS it, or a job that is in a
/// queue, may leave a line, a claim or a dead letter, which a repeat removes.
pub async fn erase(
    app: &App,
    connection: &Connection,
    id: &ConversationId,
    force: bool,
) -> Result<(), Refusal> {
    let thread = ForeignThreadId::of(id);
    let found = app.store.conversation(&connection.id, &thread).await?;
    let with_agents = found.is_some_and(|found| found.conversation.handler() == Handler::Agent);
    if with_agents && !force {
        return Err(Refusal::WithAgents);
    }
    let jobs = app.queue.erase(&connection.id, &thread).await?;
    let kept = app.store.erase(&connection.id, &thread).await?;
    // Whoever had one in hand may have sent another before the conversation was gone.
    let jobs = jobs + app.queue.erase(&connection.id, &thread).await?;
    if jobs == 0 && !kept {
        return Err(Refusal::UnknownConversation);
    }
    tracing::info!(connection.id = %connection.id, conversation.id = %id, jobs, "erased by an operator");
    Ok(())
}

/// The conversations of the person whom the bot calls so. Looks through all conversations, so it is no call for every minute.
pub async fn of_person(
    app: &App,
    connection: &Connection,
    user_id: &str,
) -> Result<Vec<ConversationId>, Refusal> {
    let listed = app
        .store
        .conversations(Some(&connection.id), MOST_LOOKED_THROUGH)
        .await?;
    let mut theirs = Vec::new();
    for line in listed {
        let found = app.store.conversation(&connection.id, &line.thread).await?;
        if found.is_some_and(|found| found.conversation.is_of(user_id)) {
            theirs.push(line.id);
        }
    }
    Ok(theirs)
}
