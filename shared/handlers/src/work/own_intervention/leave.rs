//! The agents get the conversation: the bot's own intervention ends.

use handover_core::conversation::{Control, Conversation, OwnIntervention};
use handover_core::ports::{RingCxError, StoreError, Urgency};

use super::{close, from_before, is_final, is_taken, own_account, tolerate};
use crate::work::start_handover::{agent_categories, is_refusal};
use crate::work::{Task, note_for_agents};

/// The bot leaves its word in its own intervention and ends it, unless an agent has it. The inner `Err`: that is not done yet.
pub(in crate::work) async fn leave(
    task: &Task<'_>,
    conversation: &Conversation,
) -> Result<Result<(), RingCxError>, StoreError> {
    let found = match maybe_open(task, conversation).await {
        Ok(found) => found,
        Err(error) => return Ok(Err(error)),
    };
    let Some(Found { own, taken }) = found else {
        return none_is_open(task, conversation).await.map(Ok);
    };
    let words = note_for_agents::words(conversation).filter(|_| conversation.is_note_due());
    if let Some(words) = words {
        match note_for_agents::leave(task, &own.id, &words).await {
            Ok(()) => note_for_agents::left(task, conversation.epoch()).await?,
            Err(error) if is_final(&error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "no word for the agents in the bot's intervention"
            ),
            Err(error) => return Ok(Err(error)),
        }
    }
    let native = conversation.native.as_deref();
    let is_new = native.is_some_and(|native| native.own(&own.id).is_none());
    if is_new {
        // Whatever becomes of it, what RCE reports of it is no agent's doing.
        task.change(|conversation, _| {
            if let Some(native) = conversation.native.as_mut() {
                native.engaged(own.id.clone(), own.agent.clone(), task.app.now());
            }
        })
        .await?;
    }
    let is_agents = if taken {
        true
    } else {
        match end(task, conversation, &own).await {
            Ok(ended) => is_new && !ended,
            Err(error) => return Ok(Err(error)),
        }
    };
    task.change(|conversation, _| {
        if let Some(native) = conversation.native.as_mut() {
            native.engaging_since = None;
            native.left(&own.id, is_agents);
        }
    })
    .await?;
    Ok(Ok(()))
}

async fn none_is_open(task: &Task<'_>, conversation: &Conversation) -> Result<(), StoreError> {
    let native = conversation.native.as_deref();
    if native.is_some_and(|it| it.engaging_since.is_some() || it.open_intervention().is_some()) {
        task.change(|conversation, _| {
            if let Some(native) = conversation.native.as_mut() {
                native.none_is_open();
            }
        })
        .await?;
    }
    Ok(())
}

/// An intervention that the bot opened, and that is open.
struct Found {
    own: OwnIntervention,
    /// An agent has it now.
    taken: bool,
}

/// The one that RCE may have open: its reports may be late, or lost.
async fn maybe_open(task: &Task<'_>, conversation: &Conversation) -> Result<Option<Found>, RingCxError> {
    let Some(native) = conversation.native.as_deref() else {
        return Ok(None);
    };
    let open = native.open_intervention();
    if open.is_none() && native.engaging_since.is_some() {
        return never_heard_of(task, conversation).await;
    }
    // A customer's word may have opened the last one again.
    let Some(own) = open.or(native.own_interventions.last()) else {
        return Ok(None);
    };
    let (connection, ringcx) = (&task.connection, &task.app.ringcx);
    let taken = match ringcx.intervention(connection, &own.id, Urgency::Begun).await {
        Ok(found) if found.closed => return Ok(None),
        Ok(found) => is_taken(own, &found),
        Err(RingCxError::NotFound) => return Ok(None),
        Err(error) if is_final(&error) && own.over => return Ok(None),
        Err(error) if is_final(&error) => false,
        Err(error) => return Err(error),
    };
    let own = own.clone();
    Ok(Some(Found { own, taken }))
}

/// The one of an attempt that had no answer. An agent's is left alone: where it is not known who the bot is, so is each. A virtual
/// agent's is not known either, but RCE gives on no other.
async fn never_heard_of(task: &Task<'_>, conversation: &Conversation) -> Result<Option<Found>, RingCxError> {
    let own = own_account(task).await?;
    let others = task.connection.ringcx.native.virtual_agent;
    let found = match from_before(task, conversation, own, others).await {
        Err(error) if is_final(&error) => None,
        found => found?,
    };
    let handover = conversation.handover.as_ref();
    let of_agent = handover.filter(|_| conversation.control == Control::Active);
    let of_agent = of_agent.and_then(|handover| handover.intervention.as_ref());
    let found = found.filter(|found| Some(&found.id) != of_agent);
    Ok(found.map(|found| Found {
        own: OwnIntervention {
            id: found.id,
            agent: found.agent,
            over: false,
            replied: false,
            quiet_since: None,
        },
        taken: false,
    }))
}

/// Ends it, in whatever way RCE allows. `false`: RCE refuses that for good, and it stays open.
async fn end(
    task: &Task<'_>,
    conversation: &Conversation,
    own: &OwnIntervention,
) -> Result<bool, RingCxError> {
    let (connection, ringcx) = (&task.connection, &task.app.ringcx);
    let settings = &connection.ringcx;
    let ended = if settings.native.virtual_agent {
        let thread = conversation.rce_thread.as_ref();
        let current = match thread {
            Some(thread) => {
                ringcx
                    .thread(connection, thread, Urgency::Begun)
                    .await?
                    .categories
            }
            None => Vec::new(),
        };
        let extra = conversation
            .handover
            .as_ref()
            .map_or(&[][..], |handover| &handover.request.category_ids);
        let wanted = agent_categories(&current, settings, extra);
        match ringcx.hand_over(connection, &own.id, &wanted).await {
            // What the bot wants besides may be a slip.
            Err(error) if !extra.is_empty() && is_refusal(&error) => {
                let wanted = agent_categories(&current, settings, &[]);
                ringcx.hand_over(connection, &own.id, &wanted).await
            }
            handed_over => handed_over,
        }
    } else {
        close(task, own).await
    };
    tolerate(ended)
}
