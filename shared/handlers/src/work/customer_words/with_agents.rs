//! Whether agents have a conversation of which nobody told us, as what the person wrote hints at.

use handover_core::conversation::{Control, Conversation, SignalDecision};
use handover_core::ids::{AgentId, CategoryId, InterventionId};
use handover_core::imported::Imported;
use handover_core::job::Work;
use handover_core::ports::{RingCxError, StoreError, Urgency, Versioned};
use handover_core::retry::Disposition;
use handover_core::signal::{Signal, SignalKind};

use crate::webhook_intake;
use crate::work::outcome::Step;
use crate::work::own_intervention::Doer;
use crate::work::signal::agent_name;
use crate::work::{Task, own_intervention, tidy_up};

/// A thread may have been with agents before the bridge knew it, or somebody moved it there and the news got lost: then they
/// have the conversation from now on. `Err`: it is not known yet.
pub(super) async fn with_agents(
    task: &Task<'_>,
    found: Versioned,
    imported: &Imported,
) -> Result<Result<Versioned, Step>, StoreError> {
    let conversation = &found.conversation;
    let hint = match agents_first(task, conversation).await? {
        Some(hint) => Some(hint),
        None => hint(task, conversation, imported),
    };
    let Some(kind) = hint else {
        return no_sign(task, found, imported).await;
    };
    let (kind, agent, intervention) = match verify(task, conversation, &kind).await {
        Ok(Some(known)) => known,
        Ok(None) => return no_agents(task, found, imported, &kind).await,
        Err(error) if error.disposition() == Disposition::Reject => return Ok(Ok(found)),
        Err(error) => return Ok(Err(error.into())),
    };
    let signal = Signal {
        event: imported.event.clone(),
        name: "content.imported".to_owned(),
        kind,
        source: Some(imported.source.clone()),
        thread: Some(imported.thread.clone()),
        intervention,
        agent,
        issued_at: imported.issued_at,
        epoch: None,
        tags: Vec::new(),
    };
    let name = agent_name(task, &found.conversation, &signal).await;
    let stored = task
        .change_from(Some(found), |conversation, commit| {
            let now = task.app.now();
            let decision = conversation.signal(&signal, task.policy(), task.app.new_handover_id(), now);
            let SignalDecision::Tell {
                epoch,
                mut events,
                begins: true,
            } = decision
            else {
                return;
            };
            if let Some(name) = &name {
                conversation.introduce_agent(name, &mut events);
            }
            let transcript = Vec::new();
            commit
                .jobs
                .push(task.outgoing(Work::StartHandover { epoch, transcript }));
            let tell = |event| Work::Tell {
                epoch,
                event,
                after_tidy_up: false,
            };
            commit
                .jobs
                .extend(events.into_iter().map(|event| task.outgoing(tell(event))));
            let entry = task
                .entry("handover.requested")
                .with("epoch", epoch)
                .with("cause", "agent");
            task.write_down(commit, entry);
        })
        .await?;
    Ok(stored.map_or(Err(Step::Done), |((), stored)| Ok(stored)))
}

/// The bot has it as far as we know. A thread that we moved ourselves, later than we knew, is put back.
async fn no_sign(
    task: &Task<'_>,
    found: Versioned,
    imported: &Imported,
) -> Result<Result<Versioned, Step>, StoreError> {
    if found.conversation.is_tidy() || !is_with_agents(task, &imported.categories) {
        return Ok(Ok(found));
    }
    let stored = task
        .change_from(Some(found), |conversation, commit| {
            tidy_up::check_again(task, conversation, commit);
        })
        .await?;
    Ok(stored.map_or(Err(Step::Done), |((), stored)| Ok(stored)))
}

/// It is remembered that an intervention needs no second question.
async fn no_agents(
    task: &Task<'_>,
    found: Versioned,
    imported: &Imported,
    hint: &Hint,
) -> Result<Result<Versioned, Step>, StoreError> {
    let Some(intervention) = imported
        .intervention
        .as_ref()
        .filter(|_| matches!(hint, Hint::Intervention))
    else {
        return Ok(Ok(found));
    };
    let stored = task
        .change_from(Some(found), |conversation, _| {
            if let Some(native) = conversation.native.as_mut() {
                native.is_of_nobody(intervention);
            }
        })
        .await?;
    Ok(stored.map_or(Err(Step::Done), |((), stored)| Ok(stored)))
}

/// What the content itself hints at.
enum Hint {
    /// It is under somebody's intervention, of which we know nothing.
    Intervention,
    /// Its thread is not in the Bot category, but in the Agent category, and not because we moved it there.
    Category,
    /// RCE reported an agent before the first word of the conversation.
    Agent(Box<Signal>),
}

/// Before its first word is told: whether agents were there first.
async fn agents_first(task: &Task<'_>, conversation: &Conversation) -> Result<Option<Hint>, StoreError> {
    let is_new = conversation.epoch() == 0
        && conversation.control == Control::Bot
        && conversation
            .native
            .as_ref()
            .is_some_and(|it| it.answerable.is_empty());
    if !is_new || !task.connection.ringcx.agent_takeover {
        return Ok(None);
    }
    let key = webhook_intake::agents_first(&task.connection, &task.job.thread);
    let noted = task.app.store.claimed(&key, task.app.now()).await?;
    let signal = noted.and_then(|noted| serde_json::from_str(&noted.record).ok());
    Ok(signal.map(|signal| Hint::Agent(Box::new(signal))))
}

fn is_with_agents(task: &Task<'_>, categories: &[CategoryId]) -> bool {
    let settings = &task.connection.ringcx;
    categories.contains(&settings.agent_category_id) && !categories.contains(&settings.bot_category_id)
}

fn hint(task: &Task<'_>, conversation: &Conversation, imported: &Imported) -> Option<Hint> {
    let settings = &task.connection.ringcx;
    if conversation.control != Control::Bot || !settings.agent_takeover {
        return None;
    }
    let native = conversation.native.as_deref()?;
    let is_unknown = |id: &InterventionId| {
        native.own(id).is_none() && !native.of_nobody.contains(id) && !conversation.was_over_before(Some(id))
    };
    if imported.intervention.as_ref().is_some_and(is_unknown) {
        return Some(Hint::Intervention);
    }
    let moved = is_with_agents(task, &imported.categories);
    (conversation.is_tidy() && moved).then_some(Hint::Category)
}

type Known = (SignalKind, Option<AgentId>, Option<InterventionId>);

/// Whether RCE says so too. What an event says of categories may be older than our own last change.
async fn verify(
    task: &Task<'_>,
    conversation: &Conversation,
    hint: &Hint,
) -> Result<Option<Known>, RingCxError> {
    let (connection, ringcx) = (&task.connection, &task.app.ringcx);
    let Some(thread) = &conversation.rce_thread else {
        return Ok(None);
    };
    if let Hint::Intervention | Hint::Agent(_) = hint {
        let all = ringcx.interventions(connection, thread, Urgency::Now).await?;
        if let (Hint::Agent(signal), true) = (hint, all.is_empty()) {
            return just_came(task, conversation, signal).await;
        }
        let open = own_intervention::of_agents(task, conversation, all).await?;
        let open = open.into_iter().find(|it| !it.closed);
        return Ok(open.map(|it| (SignalKind::AgentJoined, it.agent, Some(it.id))));
    }
    let thread = ringcx.thread(connection, thread, Urgency::Now).await?;
    let with_agents = is_with_agents(task, &thread.categories);
    Ok(with_agents.then_some((SignalKind::MovedToAgents, None, None)))
}

/// An agent who has taken a thread has no intervention before they write, and RCE's search may lag behind: then its report is
/// all that there is.
async fn just_came(
    task: &Task<'_>,
    conversation: &Conversation,
    signal: &Signal,
) -> Result<Option<Known>, RingCxError> {
    let doer = own_intervention::whose_doing(task, conversation, signal).await?;
    let is_agents = doer != Doer::Bot;
    Ok(is_agents.then(|| {
        (
            SignalKind::AgentJoined,
            signal.agent.clone(),
            signal.intervention.clone(),
        )
    }))
}
