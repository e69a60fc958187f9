//! What the person wrote on a channel of RCE's own → bot.
//!
//! RCE reports in no order. What was said before and is known to be on its way is told first: the later one goes behind
//! it. Whose words they are is certain only when RCE said who their author is.

use std::time::Duration;

use handover_core::conversation::{Control, Conversation, HandoverDecision, SignalDecision};
use handover_core::event::BotEvent;
use handover_core::handover::{Cause, HandoverRequest};
use handover_core::ids::{AgentId, CategoryId, ContentId, ForeignMessageId, InterventionId, MessageId};
use handover_core::imported::{Authorship, Imported, message_id};
use handover_core::job::{Outgoing, Work};
use handover_core::message::{Author, ChannelFacts, CustomerWords, Message};
use handover_core::ports::{
    BotSays, Claim, ClaimKey, Commit, Content, Measured, NEWS_KNOWN_FOR, Person, RingCxError, StoreError,
    Urgency, Versioned,
};
use handover_core::retry::Disposition;
use handover_core::signal::{Signal, SignalKind};
use handover_ringcx::channels::is_mail;

use super::deliver::Words;
use super::outcome::{Step, Why};
use super::{Task, deliver, files, own_intervention, silence};
use crate::availability::Availability;
use crate::bot_api::handover::admit;
use crate::imported::content_claim;

/// How long a message lets those pass that were written before it, all in all.
const STEPS_ASIDE_FOR: Duration = Duration::from_secs(5);

/// What the claim of a message says that the bot has.
const TOLD: &str = "told";

pub(super) async fn tell(task: &Task<'_>, imported: &Imported) -> Result<Step, StoreError> {
    let is_agents = |conversation: &Conversation| conversation.was_said_to_agents(imported.issued_at);
    Box::pin(tell_unless(task, imported, is_agents)).await
}

async fn tell_unless(
    task: &Task<'_>,
    imported: &Imported,
    is_agents: impl Fn(&Conversation) -> bool,
) -> Result<Step, StoreError> {
    let key = told_key(task, imported);
    let told = task.app.store.claimed(&key, task.app.now());
    let (found, told) = tokio::try_join!(task.read(), told)?;
    let Some(found) = found else {
        return Ok(Step::Done);
    };
    if told.is_some() {
        return Ok(Step::Done);
    }
    if deliver::started(task, &found.conversation).is_some() {
        return say(task, &found.conversation, imported).await;
    }
    if let Some(step) = order(task, &found.conversation, imported).await? {
        return Ok(step);
    }
    let found = match with_agents(task, found, imported).await? {
        Ok(found) => found,
        Err(step) => return Ok(step),
    };
    if !is_bots_turn(&found.conversation) {
        return agents_are_told(task, imported).await;
    }
    if is_agents(&found.conversation) {
        return nobody_is_told(task, imported, "it was said to the agents").await;
    }
    let person = match whose(task, &found.conversation, imported).await {
        Ok(Whose::Customer(person)) => person,
        Ok(Whose::Company) => return nobody_is_told(task, imported, "it is the company's").await,
        Ok(Whose::Nobody) => return nobody_is_told(task, imported, "it is automatic").await,
        Err(error) => return Ok(error.into()),
    };
    let decided = task
        .change_from(Some(found), |conversation, _| {
            if deliver::started(task, conversation).is_some() {
                return true;
            }
            if !is_bots_turn(conversation) {
                return false;
            }
            conversation.customer_is_heard(imported, person.as_deref(), task.app.now());
            let epoch = conversation.epoch();
            conversation.number(&task.job.id, epoch, Vec::new(), true, task.job.accepted_at);
            true
        })
        .await?;
    match decided {
        Some((true, stored)) => say(task, &stored.conversation, imported).await,
        Some((false, _)) => agents_are_told(task, imported).await,
        None => Ok(Step::Done),
    }
}

/// What the person wrote to agents who left it to the bot. RCE has it.
pub(super) async fn tell_left(task: &Task<'_>, content: &ContentId) -> Result<Step, StoreError> {
    let read = task
        .app
        .ringcx
        .content(&task.connection, content, Urgency::Now)
        .await;
    match read {
        Ok(content) if content.imported.deleted => Ok(Step::Done),
        Ok(content) => Box::pin(tell_unless(task, &content.imported, |_| false)).await,
        Err(RingCxError::NotFound) => Ok(Step::Done),
        Err(error) => Ok(error.into()),
    }
}

fn is_bots_turn(conversation: &Conversation) -> bool {
    matches!(conversation.control, Control::Bot | Control::Ended)
}

/// Lets what was written before pass. `None`: it is this one's turn.
async fn order(
    task: &Task<'_>,
    conversation: &Conversation,
    imported: &Imported,
) -> Result<Option<Step>, StoreError> {
    let Some(native) = conversation.native.as_deref() else {
        return Ok(Some(Step::Done));
    };
    if native.is_taken_back(&imported.content) {
        return Ok(Some(Step::Done));
    }
    let (waited, settle) = (task.since_accepted(), task.connection.ringcx.native.settle);
    if waited < settle {
        return Ok(Some(Step::Wait {
            after: settle.saturating_sub(waited),
        }));
    }
    if waited >= STEPS_ASIDE_FOR || !native.is_ahead(&imported.content, imported.issued_at) {
        return Ok(None);
    }
    step_aside(task).await.map(Some)
}

/// Behind whatever waits now, as old as before: so it steps aside for a while only.
async fn step_aside(task: &Task<'_>) -> Result<Step, StoreError> {
    let (connection, thread) = (&task.job.connection, &task.job.thread);
    let mut job = task.app.job(connection, thread, task.job.work.clone());
    job.accepted_at = task.job.accepted_at;
    let commit = Commit {
        jobs: vec![Outgoing::new(job)],
        ..Commit::default()
    };
    task.app.store.commit(commit).await?;
    Ok(Step::Done)
}

/// A thread may have been with agents before the bridge knew it, or somebody moved it there and the news got lost: then they
/// have the conversation from now on. `Err`: it is not known yet.
async fn with_agents(
    task: &Task<'_>,
    found: Versioned,
    imported: &Imported,
) -> Result<Result<Versioned, Step>, StoreError> {
    let conversation = &found.conversation;
    let Some(kind) = hint(task, conversation, imported) else {
        return Ok(Ok(found));
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
    let stored = task
        .change_from(Some(found), |conversation, commit| {
            let now = task.app.now();
            let decision = conversation.signal(&signal, task.policy(), task.app.new_handover_id(), now);
            let SignalDecision::Tell {
                epoch,
                events,
                begins: true,
            } = decision
            else {
                return;
            };
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
    /// Its thread is not in the Bot category, but in the Agent category.
    Category,
}

fn hint(task: &Task<'_>, conversation: &Conversation, imported: &Imported) -> Option<Hint> {
    let settings = &task.connection.ringcx;
    if conversation.control != Control::Bot || !settings.agent_takeover {
        return None;
    }
    let native = conversation.native.as_deref()?;
    let has = |category: &CategoryId| imported.categories.contains(category);
    let is_unknown = |id: &InterventionId| {
        native.own(id).is_none() && !native.of_nobody.contains(id) && !conversation.was_over_before(Some(id))
    };
    if imported.intervention.as_ref().is_some_and(is_unknown) {
        return Some(Hint::Intervention);
    }
    let tidy = conversation.tidied_epoch >= conversation.epoch();
    let moved = has(&settings.agent_category_id) && !has(&settings.bot_category_id);
    (tidy && moved).then_some(Hint::Category)
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
    if let Hint::Intervention = hint {
        let all = ringcx.interventions(connection, thread, Urgency::Now).await?;
        let open = own_intervention::of_agents(task, conversation, all).await?;
        let open = open.into_iter().find(|it| !it.closed);
        return Ok(open.map(|it| (SignalKind::AgentJoined, it.agent, Some(it.id))));
    }
    let thread = ringcx.thread(connection, thread, Urgency::Now).await?;
    let has = |category| thread.categories.contains(category);
    let settings = &connection.ringcx;
    let with_agents = has(&settings.agent_category_id) && !has(&settings.bot_category_id);
    Ok(with_agents.then_some((SignalKind::MovedToAgents, None, None)))
}

/// Whose words they are.
enum Whose {
    /// `None`: who they are is known already, or cannot be.
    Customer(Option<Box<Person>>),
    Company,
    /// A program answers by itself, and would answer the bot again.
    Nobody,
}

async fn whose(
    task: &Task<'_>,
    conversation: &Conversation,
    imported: &Imported,
) -> Result<Whose, RingCxError> {
    let whose = author(task, conversation, imported).await?;
    let is_automatic = match whose {
        Whose::Customer(_) => is_automatic(task, conversation, imported).await?,
        _ => false,
    };
    Ok(if is_automatic { Whose::Nobody } else { whose })
}

/// Of an e-mail only REST says so.
async fn is_automatic(
    task: &Task<'_>,
    conversation: &Conversation,
    imported: &Imported,
) -> Result<bool, RingCxError> {
    let native = conversation.native.as_deref();
    let kind = native.and_then(|native| native.source_type.as_deref());
    if !is_mail(imported.source_type.as_deref().or(kind)) {
        return Ok(false);
    }
    let (connection, content) = (&task.connection, &imported.content);
    match task.app.ringcx.content(connection, content, Urgency::Now).await {
        Ok(content) => Ok(content.imported.authorship == Authorship::Company),
        // Gone, or not shown.
        Err(error) if error.disposition() == Disposition::Reject => Ok(false),
        Err(error) => Err(error),
    }
}

/// Asked of RCE once for each author of a conversation. Without an answer nothing is said: it may be an agent who wrote
/// elsewhere, and the bot would be a second voice.
async fn author(
    task: &Task<'_>,
    conversation: &Conversation,
    imported: &Imported,
) -> Result<Whose, RingCxError> {
    let native = conversation.native.as_deref();
    let Some(author) = &imported.author else {
        return Ok(Whose::Customer(None));
    };
    let native_settings = &task.connection.ringcx.native;
    if native_settings
        .author_identities
        .values()
        .any(|ours| ours == author)
    {
        return Ok(Whose::Company);
    }
    if native.is_some_and(|native| native.person_known && native.person.as_ref() == Some(author)) {
        return Ok(Whose::Customer(None));
    }
    match task
        .app
        .ringcx
        .person(&task.connection, author, Urgency::Now)
        .await
    {
        Ok(person) if person.is_company => Ok(Whose::Company),
        Ok(person) => Ok(Whose::Customer(Some(Box::new(person)))),
        // What RCE does not show of them says nothing against them.
        Err(error) if error.disposition() == Disposition::Reject => Ok(Whose::Customer(Some(Box::default()))),
        Err(error) => Err(error),
    }
}

/// They have the conversation. The bot may have it back before this is known: then it is told.
async fn agents_are_told(task: &Task<'_>, imported: &Imported) -> Result<Step, StoreError> {
    let stored = task
        .change(|conversation, commit| {
            if is_bots_turn(conversation) {
                return true;
            }
            conversation.agents_are_told(imported);
            let entry = task
                .entry("customer_message.not_told")
                .with("message_id", imported.message_id().as_str())
                .with("reason", "the agents have the conversation");
            task.write_down(commit, entry);
            false
        })
        .await?;
    Ok(match stored {
        Some((true, _)) => Step::Wait {
            after: Duration::ZERO,
        },
        _ => Step::Done,
    })
}

async fn nobody_is_told(task: &Task<'_>, imported: &Imported, why: &'static str) -> Result<Step, StoreError> {
    task.change(|conversation, commit| {
        conversation.nobody_is_told(&imported.content);
        let entry = task
            .entry("customer_message.not_told")
            .with("message_id", imported.message_id().as_str())
            .with("reason", why);
        task.write_down(commit, entry);
    })
    .await?;
    Ok(Step::Done)
}

/// Tells the bot, and takes up what it says in the same breath.
async fn say(task: &Task<'_>, conversation: &Conversation, imported: &Imported) -> Result<Step, StoreError> {
    let message = match words(task, conversation, imported).await? {
        Ok(message) => message,
        Err(step) => return Ok(step),
    };
    let accepted = task
        .entry("customer_message.told")
        .with("message_id", message.id.as_str())
        .with("epoch", conversation.epoch());
    let words = Words {
        event: BotEvent::CustomerWrote {
            message: Box::new(message),
        },
        accepted,
        claim: told(task, imported),
    };
    deliver::deliver(task, conversation, Some(words)).await
}

/// The message as the bot gets it: with the files that the event only hints at. `Err`: worth another attempt.
async fn words(
    task: &Task<'_>,
    conversation: &Conversation,
    imported: &Imported,
) -> Result<Result<CustomerWords, Step>, StoreError> {
    let mut whole = None;
    if imported.has_files || (imported.text.is_none() && imported.payload.is_none()) {
        let read = task
            .app
            .ringcx
            .content(&task.connection, &imported.content, Urgency::Now)
            .await;
        match read {
            Ok(content) => whole = Some(content),
            // Gone, or not shown: what is known of it has to do.
            Err(error) if error.disposition() == Disposition::Reject => {}
            Err(error) => return Ok(Err(error.into())),
        }
    }
    let message = assemble(conversation, imported, whole);
    Ok(files::of_customer(task, message).await)
}

fn assemble(conversation: &Conversation, imported: &Imported, whole: Option<Content>) -> CustomerWords {
    let native = conversation.native.as_deref();
    let (seen, attachments) = whole.map_or((None, Vec::new()), |whole| {
        (Some(whole.imported), whole.attachments)
    });
    let seen = seen.as_ref();
    let answered = imported
        .in_reply_to
        .as_ref()
        .or_else(|| seen?.in_reply_to.as_ref());
    let in_reply_to = answered.map(|content| {
        let said = native.and_then(|native| native.said(content));
        said.map_or_else(|| message_id(content), |said| said.message.clone())
    });
    CustomerWords {
        id: imported.message_id(),
        text: imported.text.clone().or_else(|| seen?.text.clone()),
        truncated: imported.truncated || imported.text.is_none() && seen.is_some_and(|seen| seen.truncated),
        attachments,
        payload: imported.payload.clone().or_else(|| seen?.payload.clone()),
        in_reply_to,
        language: imported.language.clone(),
        sent_at: imported.issued_at,
        user: conversation.user.clone(),
        channel: ChannelFacts {
            source: imported.source.clone(),
            kind: native.and_then(|native| native.source_type.clone()),
            capabilities: native
                .map(|native| native.capabilities.clone())
                .unwrap_or_default(),
        },
    }
}

/// Why nobody could take the conversation now, if the bot asks for a human in what it said.
pub(super) async fn refusal(task: &Task<'_>, says: &[BotSays]) -> Option<Availability> {
    let asks = says.iter().any(|says| matches!(says, BotSays::Handover(_)));
    if !asks {
        return None;
    }
    admit(task.app, &task.connection, None).await.err()
}

/// What a bot said in its answer, as jobs; to be stored with the answer itself. `notice`: to news of a handover.
pub(super) fn take_up(
    task: &Task<'_>,
    conversation: &mut Conversation,
    commit: &mut Commit,
    delivery_id: &str,
    notice: bool,
    says: &[BotSays],
    refusal: Option<Availability>,
) {
    let epoch = conversation.epoch();
    for (number, says) in says.iter().enumerate() {
        match says {
            BotSays::Nothing => conversation.bot_reacted(),
            BotSays::Message {
                text,
                attachments,
                structured,
            } => {
                conversation.bot_reacted();
                let id = MessageId::new(format!("{delivery_id}-{number}"));
                let message = Message {
                    foreign_id: ForeignMessageId::of(&task.job.thread, &id),
                    id,
                    from: Author::Bot,
                    text: text.clone(),
                    attachments: attachments.clone(),
                    structured: structured.clone(),
                    payload: None,
                    in_reply_to: None,
                    language: None,
                    sent_at: task.app.now(),
                };
                let work = Work::Reply {
                    message,
                    epoch,
                    notice,
                };
                commit.jobs.push(task.outgoing(work));
            }
            BotSays::Handover(request) => match refusal {
                None => begin(task, conversation, commit, request),
                Some(refusal) => refuse(task, conversation, commit, refusal),
            },
        }
    }
}

/// Nobody can take it: the bot is told, as it is where it asks by the bot API, and has yet to answer the person.
fn refuse(task: &Task<'_>, conversation: &Conversation, commit: &mut Commit, refusal: Availability) {
    let reason = refusal.reason();
    let entry = task.entry("handover.unavailable").with("reason", reason);
    task.write_down(commit, entry);
    commit.jobs.push(task.outgoing(Work::Tell {
        epoch: conversation.epoch(),
        event: BotEvent::HandoverFailed {
            reason: reason.to_owned(),
        },
        after_tidy_up: false,
    }));
}

fn begin(task: &Task<'_>, conversation: &mut Conversation, commit: &mut Commit, request: &HandoverRequest) {
    let now = task.app.now();
    let decision = conversation.request_handover(task.app.new_handover_id(), request.clone(), now);
    if let HandoverDecision::Begins { epoch } = decision {
        let entry = task.entry("handover.requested").with("epoch", epoch);
        task.write_down(commit, entry);
        let transcript = Vec::new();
        commit
            .jobs
            .push(task.outgoing(Work::StartHandover { epoch, transcript }));
        task.count(Measured::HandoverRequested);
    }
}

/// The person changed, or took back, what the bot knows already.
pub(super) async fn tell_change(task: &Task<'_>, imported: &Imported) -> Result<Step, StoreError> {
    let Some(found) = task.read().await? else {
        return Ok(Step::Done);
    };
    if deliver::started(task, &found.conversation).is_some() {
        return deliver::deliver(task, &found.conversation, None).await;
    }
    let native = found.conversation.native.as_deref();
    // The message itself may have stepped aside; its change is told after it.
    let is_to_come =
        native.is_some_and(|native| native.pending.iter().any(|it| it.content == imported.content));
    if is_to_come && task.since_accepted() < STEPS_ASIDE_FOR {
        return step_aside(task).await;
    }
    let is_known = native.is_some_and(|native| {
        let mut answerable = native.answerable.iter();
        answerable.any(|it| it.content == imported.content)
    });
    let message = match words(task, &found.conversation, imported).await? {
        Ok(message) => message,
        Err(step) => return Ok(step),
    };
    let name = format!("change:{}:{}", imported.content, imported.digest());
    let changed = task
        .change_from(Some(found), |conversation, commit| {
            if deliver::started(task, conversation).is_some() {
                return;
            }
            commit.claims.push(Claim {
                key: ClaimKey::of(&task.job.connection, &task.job.thread, name.clone()),
                holder: task.job.id.to_string(),
                record: String::new(),
                expires_at: task.app.now() + NEWS_KNOWN_FOR,
            });
            let what = if imported.deleted {
                "customer_message.taken_back"
            } else {
                "customer_message.edited"
            };
            let entry = task
                .entry(what)
                .with("message_id", imported.message_id().as_str())
                .text(imported.text.as_deref());
            task.write_down(commit, entry);
            if !is_known || !is_bots_turn(conversation) {
                return;
            }
            let event = if imported.deleted {
                BotEvent::CustomerTookBack {
                    message: imported.message_id(),
                }
            } else {
                BotEvent::CustomerEdited {
                    message: Box::new(message.clone()),
                }
            };
            let epoch = conversation.epoch();
            conversation.number(&task.job.id, epoch, vec![event], false, task.job.accepted_at);
        })
        .await;
    match changed {
        Ok(Some(((), stored))) => deliver::deliver(task, &stored.conversation, None).await,
        Ok(None) => Ok(Step::Done),
        Err(StoreError::Claimed(_)) => {
            task.count(Measured::DuplicateDropped);
            Ok(Step::Done)
        }
        Err(error) => Err(error),
    }
}

fn told_key(task: &Task<'_>, imported: &Imported) -> ClaimKey {
    let name = content_claim(&task.connection, &imported.content).name;
    ClaimKey::of(&task.job.connection, &task.job.thread, format!("told:{name}"))
}

fn told(task: &Task<'_>, imported: &Imported) -> Claim {
    Claim {
        key: told_key(task, imported),
        holder: task.job.id.to_string(),
        record: TOLD.to_owned(),
        expires_at: task.app.now() + NEWS_KNOWN_FOR,
    }
}

/// The bot will not hear of it: the agents do.
pub(super) async fn given_up(task: &Task<'_>, imported: &Imported, why: &Why) -> Result<(), StoreError> {
    task.change(|conversation, commit| {
        conversation.nobody_is_told(&imported.content);
        let entry = task
            .entry("customer_message.not_told")
            .with("message_id", imported.message_id().as_str())
            .with("reason", why.detail.as_str());
        task.write_down(commit, entry);
        conversation.put_aside(&task.job.id);
        silence::bot_fails(task, conversation, commit, Cause::BotUnreachable);
    })
    .await?;
    Ok(())
}
