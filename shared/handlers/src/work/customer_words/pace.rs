//! Whether customer and bot answer each other faster than people do. Only what is told to the bot counts, and it is counted
//! in the write that decides to tell it: so neither repeats nor crashes count twice.

use handover_core::conversation::Conversation;
use handover_core::imported::Imported;
use handover_core::ports::Measured;
use handover_ringcx::channels;

use crate::work::Task;

/// Whether this is one turn of the customer's too many.
pub(super) fn is_too_fast(task: &Task<'_>, conversation: &mut Conversation, imported: &Imported) -> bool {
    let native = conversation.native.as_deref();
    let kind = native.and_then(|native| native.source_type.as_deref());
    let by_kind = || channels::max_turns_per_hour(imported.source_type.as_deref().or(kind));
    let most = task.connection.ringcx.native.max_turns_per_hour;
    conversation.turns_exceed(most.unwrap_or_else(by_kind), imported.issued_at)
}

/// The agents have it from now on.
pub(super) fn report(task: &Task<'_>) {
    tracing::warn!(
        connection.id = %task.job.connection, thread.foreign_id = %task.job.thread,
        "customer and bot answer each other too fast; the agents have the conversation"
    );
    task.count(Measured::HandoverRequested);
}
