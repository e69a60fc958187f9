//! What else helps where RCE refuses a reply.

use handover_core::conversation::{Conversation, Detour};
use handover_core::ports::{Reply, RingCxError};
use handover_ringcx::channels::is_one_to_one;

use crate::work::Task;
use crate::work::outcome::Why;
use crate::work::own_intervention::{self, EngageError};

/// The code of a reply into a thread that nobody can write into.
pub(super) const THREAD_CLOSED: &str = "thread_closed";

/// Another way, prepared. The inner `Err`: there is none, and why the reply cannot be said.
pub(super) async fn detour(
    task: &Task<'_>,
    conversation: &Conversation,
    reply: &Reply,
    taken: &[Detour],
    error: &RingCxError,
) -> Result<Result<Detour, Why>, EngageError> {
    let (connection, ringcx) = (&task.connection, &task.app.ringcx);
    if is_closed(error) {
        let closed = Why::new(
            THREAD_CLOSED,
            "the thread is closed and does not let itself be opened",
        );
        let thread = conversation.rce_thread.as_ref();
        let Some(thread) = thread.filter(|_| !taken.contains(&Detour::Open)) else {
            return Ok(Err(closed));
        };
        return match ringcx.open_thread(connection, thread).await {
            Ok(()) => Ok(Ok(Detour::Open)),
            Err(RingCxError::NotFound | RingCxError::NotPermitted { .. } | RingCxError::Refused { .. }) => {
                Ok(Err(closed))
            }
            Err(error) => Err(EngageError::RingCx(error)),
        };
    }
    if let RingCxError::NotPermitted { .. } = error {
        return Ok(Err(Why::new(
            "reply_not_permitted",
            "the API token's account may not reply on this source; give it the right to reply",
        )));
    }
    let kind = conversation
        .native
        .as_deref()
        .and_then(|native| native.source_type.as_deref());
    if reply.private && is_one_to_one(kind) && !taken.contains(&Detour::Unmarked) {
        return Ok(Ok(Detour::Unmarked));
    }
    if reply.structured.is_some() && !taken.contains(&Detour::Text) {
        return Ok(Ok(Detour::Text));
    }
    if let Some(answered) = reply
        .in_reply_to
        .as_ref()
        .filter(|_| !taken.contains(&Detour::Engage))
        && own_intervention::engage(task, conversation, answered).await?
    {
        return Ok(Ok(Detour::Engage));
    }
    let earlier = conversation
        .native
        .as_deref()
        .and_then(|native| native.answers(None, true));
    if earlier.is_some_and(|it| Some(&it.content) != reply.in_reply_to.as_ref())
        && !taken.contains(&Detour::Earlier)
    {
        return Ok(Ok(Detour::Earlier));
    }
    Ok(Err(Why::new(error.code(), error.to_string())))
}

fn is_closed(error: &RingCxError) -> bool {
    matches!(error, RingCxError::Refused { status: 403, code } if code.contains("closed"))
}
