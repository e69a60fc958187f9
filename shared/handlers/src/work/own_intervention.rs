//! On a channel of RCE's own: the bot's own interventions, and what is its own doing in RCE. How they end when the agents get the
//! conversation is in `leave`.

mod leave;

use handover_core::conversation::{Conversation, OwnIntervention};
use handover_core::ids::{AgentId, ContentId};
use handover_core::ports::{Intervention, RingCxError, StoreError, Urgency};
use handover_core::settings::BotIntervention;
use handover_core::signal::{Signal, SignalKind};

use super::Task;
pub(super) use leave::leave;

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
        } else if native.is_engaging(task.app.now()) {
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
            let own = own_account(task).await.map_err(EngageError::RingCx)?;
            // Whose account RCE's own bot has is not known before: there, what is open now is taken for it.
            let others = own.is_none() || task.connection.ringcx.native.virtual_agent;
            let found = from_before(task, conversation, own, others).await;
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

/// The intervention that an earlier attempt opened. `others`: it may have been opened in another account's name than `own`.
async fn from_before(
    task: &Task<'_>,
    conversation: &Conversation,
    own: Option<AgentId>,
    others: bool,
) -> Result<Option<Intervention>, RingCxError> {
    let Some(thread) = &conversation.rce_thread else {
        return Ok(None);
    };
    let (connection, ringcx) = (&task.connection, &task.app.ringcx);
    let all = ringcx.interventions(connection, thread, Urgency::Now).await?;
    let mut open = all.into_iter().filter(|it| !it.closed);
    Ok(open.find(|it| it.agent_replies == 0 && (others || it.agent == own)))
}

/// Why it is not known whether the bot has an intervention.
pub(super) enum EngageError {
    RingCx(RingCxError),
    Store(StoreError),
}

/// Who took it keeps it.
fn is_taken(own: &OwnIntervention, found: &Intervention) -> bool {
    own.agent.is_some() && found.agent != own.agent
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
    // An earlier attempt may have ended it.
    if found.closed || is_taken(own, &found) {
        return Ok(());
    }
    let ended = if connection.ringcx.native.virtual_agent {
        ringcx.complete(connection, &own.id).await
    } else {
        close(task, own).await
    };
    tolerate(ended).map(drop)
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

/// Whether it is ended. What RCE refuses for good stays as it is.
fn tolerate(ended: Result<(), RingCxError>) -> Result<bool, RingCxError> {
    match ended {
        Err(error) if is_final(&error) || matches!(error, RingCxError::Conflict) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the bot's intervention stays open"
            );
            Ok(false)
        }
        ended => ended.map(|()| true),
    }
}
