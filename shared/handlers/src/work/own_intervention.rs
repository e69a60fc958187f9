//! On a channel of RCE's own: the bot's own interventions, and what is its own doing in RCE.

use handover_core::conversation::{Conversation, OwnIntervention};
use handover_core::ids::{AgentId, ContentId};
use handover_core::ports::{Intervention, RingCxError, StoreError, Urgency};
use handover_core::settings::BotIntervention;
use handover_core::signal::{Signal, SignalKind};

use jiff::SignedDuration;

use super::start_handover::{agent_categories, is_refusal};
use super::{Task, note_for_agents};

/// Whose doing it is that RCE reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doer {
    Others,
    /// We did it ourselves: that is no news.
    Bot,
    /// An agent has the bot's own intervention now.
    AgentOnBots,
    /// The bot opens an intervention right now: it may be this one.
    Unclear,
}

/// How long it may take to open an intervention.
const ENGAGES_WITHIN: SignedDuration = SignedDuration::from_secs(30);

pub(super) async fn whose_doing(
    task: &Task<'_>,
    conversation: &Conversation,
    signal: &Signal,
) -> Result<Doer, RingCxError> {
    let Some(native) = conversation.native.as_deref() else {
        return Ok(Doer::Others);
    };
    match &signal.kind {
        SignalKind::AgentWrote { by_hand: true, .. }
        | SignalKind::Exported { by_hand: false, .. }
        | SignalKind::ExportFailed { .. }
        | SignalKind::ProgramWrote { .. } => return Ok(Doer::Others),
        SignalKind::AgentWrote { content, .. } | SignalKind::Exported { content, .. }
            if native.said(content).is_some() =>
        {
            return Ok(Doer::Bot);
        }
        _ => {}
    }
    let own = signal.intervention.as_ref().and_then(|id| native.own(id));
    match (own, &signal.agent) {
        (Some(_), None) => Ok(Doer::Bot),
        (Some(own), Some(agent)) if own.agent.as_ref() == Some(agent) => Ok(Doer::Bot),
        (None, None) => Ok(Doer::Others),
        (own, Some(agent)) => Ok(if own_account(task).await?.as_ref() == Some(agent) {
            Doer::Bot
        } else if native
            .engaging_since
            .is_some_and(|since| task.app.now().duration_since(since) < ENGAGES_WITHIN)
        {
            Doer::Unclear
        } else if own.is_some() {
            Doer::AgentOnBots
        } else {
            Doer::Others
        }),
    }
}

/// Whose doing is ours.
async fn own_account(task: &Task<'_>) -> Result<Option<AgentId>, RingCxError> {
    task.app.ringcx.own_account(&task.connection).await
}

/// The agents' interventions of those of a thread.
pub(super) async fn of_agents(
    task: &Task<'_>,
    conversation: &Conversation,
    mut interventions: Vec<Intervention>,
) -> Result<Vec<Intervention>, RingCxError> {
    let Some(native) = conversation.native.as_deref() else {
        return Ok(interventions);
    };
    let own = own_account(task).await?;
    interventions.retain(|it| {
        let opened_by = native.own(&it.id).map(|own| &own.agent);
        let is_own = opened_by.is_some_and(|agent| agent.is_none() || *agent == it.agent);
        !is_own && (own.is_none() || it.agent != own)
    });
    Ok(interventions)
}

/// Opens the bot's own intervention on what it answers, unless there is one. `false`: not possible.
pub(super) async fn engage(
    task: &Task<'_>,
    conversation: &Conversation,
    content: &ContentId,
) -> Result<bool, EngageError> {
    let native = conversation.native.as_deref();
    let open = native.is_some_and(|native| native.open_intervention().is_some());
    let tried_before = native.is_some_and(|native| native.engaging_since.is_some());
    if open || task.connection.ringcx.native.bot_intervention == BotIntervention::Never {
        return Ok(false);
    }
    task.change(|conversation, _| {
        if let Some(native) = conversation.native.as_mut() {
            native.engaging_since = Some(task.app.now());
        }
    })
    .await
    .map_err(EngageError::Store)?;
    let engaged = match task.app.ringcx.engage(&task.connection, content).await {
        Ok(engaged) => Some(engaged),
        // There is one: maybe from an attempt whose answer was lost.
        Err(RingCxError::Refused { .. }) if tried_before => {
            let found = from_before(task, conversation).await;
            found.map_err(EngageError::RingCx)?
        }
        Err(error) if is_final(&error) => {
            tracing::warn!(
                connection.id = %task.job.connection, error = &error as &dyn std::error::Error,
                "RingCX refuses the bot an intervention of its own; it goes on without. See bot_intervention and virtual_agent"
            );
            None
        }
        Err(error) => return Err(EngageError::RingCx(error)),
    };
    let Some(engaged) = engaged else {
        task.change(|conversation, _| {
            if let Some(native) = conversation.native.as_mut() {
                native.engaging_since = None;
            }
        })
        .await
        .map_err(EngageError::Store)?;
        return Ok(false);
    };
    task.change(|conversation, commit| {
        if let Some(native) = conversation.native.as_mut() {
            native.engaged(engaged.id.clone(), engaged.agent.clone(), task.app.now());
        }
        let entry = task
            .entry("bot.engaged")
            .with("intervention_id", engaged.id.as_str());
        task.write_down(commit, entry);
    })
    .await
    .map_err(EngageError::Store)?;
    Ok(true)
}

/// The intervention that an earlier attempt opened. Whose account RCE's own bot has is not known before: there, what is open
/// now is taken for it.
async fn from_before(
    task: &Task<'_>,
    conversation: &Conversation,
) -> Result<Option<Intervention>, RingCxError> {
    let Some(thread) = &conversation.rce_thread else {
        return Ok(None);
    };
    let (connection, ringcx) = (&task.connection, &task.app.ringcx);
    let own = own_account(task).await?;
    let others = connection.ringcx.native.virtual_agent || own.is_none();
    let all = ringcx.interventions(connection, thread, Urgency::Now).await?;
    let mut open = all.into_iter().filter(|it| !it.closed);
    Ok(open.find(|it| it.agent_replies == 0 && (others || it.agent == own)))
}

/// Why it is not known whether the bot has an intervention.
pub(super) enum EngageError {
    RingCx(RingCxError),
    Store(StoreError),
}

/// The agents get the conversation: the bot leaves its word in its own intervention and ends it. Returns whether the thread
/// is in the agents' category by that.
pub(super) async fn leave(
    task: &Task<'_>,
    conversation: &Conversation,
) -> Result<Result<(), RingCxError>, StoreError> {
    let own = conversation
        .native
        .as_deref()
        .and_then(|native| native.open_intervention().cloned());
    let Some(own) = own else {
        return Ok(Ok(()));
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
    if let Err(error) = end(task, conversation, &own).await {
        return Ok(Err(error));
    }
    task.change(|conversation, _| {
        if let Some(native) = conversation.native.as_mut() {
            native.left(&own.id, false);
        }
    })
    .await?;
    Ok(Ok(()))
}

/// Ends it, in whatever way RCE allows; what it refuses for good stays open.
async fn end(task: &Task<'_>, conversation: &Conversation, own: &OwnIntervention) -> Result<(), RingCxError> {
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

pub(super) fn is_final(error: &RingCxError) -> bool {
    matches!(
        error,
        RingCxError::Refused { .. } | RingCxError::NotPermitted { .. } | RingCxError::NotFound
    )
}

/// Nobody has said anything for long: the bot's own intervention is over. Where RCE does not answer, that is done after the same
/// silence once more: nobody waits for it.
pub(super) async fn end_if_quiet(task: &Task<'_>, conversation: &Conversation) -> Result<(), StoreError> {
    let quiet = conversation.quiet_intervention(&task.connection.timers, task.app.now());
    let Some(own) = quiet.cloned() else {
        return Ok(());
    };
    let ended = end_quiet(task, &own).await;
    if let Err(error) = &ended {
        tracing::warn!(
            error = error as &dyn std::error::Error,
            "the bot's intervention is still open"
        );
    }
    task.change(|conversation, commit| {
        let Some(native) = conversation.native.as_mut() else {
            return;
        };
        if ended.is_err() {
            native.somebody_spoke(task.app.now());
            return;
        }
        native.left(&own.id, false);
        let entry = task
            .entry("bot.disengaged")
            .with("intervention_id", own.id.as_str());
        task.write_down(commit, entry);
    })
    .await?;
    Ok(())
}

async fn end_quiet(task: &Task<'_>, own: &OwnIntervention) -> Result<(), RingCxError> {
    let (connection, ringcx) = (&task.connection, &task.app.ringcx);
    let found = match ringcx.intervention(connection, &own.id, Urgency::Idle).await {
        Ok(found) => found,
        Err(RingCxError::NotFound) => return Ok(()),
        Err(error) => return Err(error),
    };
    // Who took it keeps it; and an earlier attempt may have ended it.
    if found.closed || own.agent.is_some() && found.agent != own.agent {
        return Ok(());
    }
    let ended = if connection.ringcx.native.virtual_agent {
        ringcx.complete(connection, &own.id).await
    } else {
        close(task, own).await
    };
    tolerate(ended)
}

/// Without a reply RCE closes none: it is cancelled.
async fn close(task: &Task<'_>, own: &OwnIntervention) -> Result<(), RingCxError> {
    let (connection, ringcx) = (&task.connection, &task.app.ringcx);
    if own.replied {
        ringcx.close_intervention(connection, &own.id).await
    } else {
        ringcx.cancel_intervention(connection, &own.id).await
    }
}

/// What RCE refuses for good stays as it is.
fn tolerate(ended: Result<(), RingCxError>) -> Result<(), RingCxError> {
    match ended {
        Err(error) if is_final(&error) || matches!(error, RingCxError::Conflict) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the bot's intervention stays open"
            );
            Ok(())
        }
        ended => ended,
    }
}
