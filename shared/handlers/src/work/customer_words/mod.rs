//! What the person wrote on a channel of RCE's own → bot.
//!
//! RCE reports in no order. What was said before and is known to be on its way is told first: the later one goes behind
//! it. Whose words they are is certain only when RCE said who their author is.
//!
//! | module | answers |
//! |---|---|
//! | `with_agents` | do agents have it, of whom nobody told us? |
//! | `whose` | is it the customer's, the company's, or a machine's? |
//! | `pace` | do they answer each other faster than people do? |
//! | `bot_says` | what does the bot say in the same breath? |

mod bot_says;
mod pace;
mod whose;
mod with_agents;

use std::time::Duration;

use handover_core::conversation::{Control, Conversation};
use handover_core::event::BotEvent;
use handover_core::handover::Cause;
use handover_core::ids::ContentId;
use handover_core::imported::{Imported, message_id};
use handover_core::job::Outgoing;
use handover_core::message::{ChannelFacts, CustomerWords};
use handover_core::ports::{
    Claim, ClaimKey, Commit, Content, Measured, NEWS_KNOWN_FOR, RingCxError, StoreError, Urgency,
};
use handover_core::retry::Disposition;

use super::deliver::Words;
use super::outcome::{Step, Why};
use super::{LOOK_AGAIN, Task, deliver, files, silence};
use crate::imported::content_claim;
pub(super) use bot_says::{refusal, take_up};
use whose::{Whose, whose};
use with_agents::with_agents;

/// How long a message lets those pass that come before it, all in all: what was written before, and that a handover is over,
/// for which the thread is put back first.
const STEPS_ASIDE_FOR: Duration = Duration::from_secs(15);

/// What the claim of a message says that the bot has.
const TOLD: &str = "told";

pub(super) async fn tell(task: &Task<'_>, imported: &Imported) -> Result<Step, StoreError> {
    let is_agents = |conversation: &Conversation| conversation.was_said_to_agents(imported);
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
    if let Some(in_flight) = deliver::started(task, &found.conversation) {
        if deliver::may_be_withdrawn(task, in_flight) && !is_bots_turn(&found.conversation) {
            return agents_are_told(task, imported).await;
        }
        return say(task, &found.conversation, imported).await;
    }
    if let Some(step) = order(task, &found.conversation, imported).await? {
        return Ok(step);
    }
    let found = match with_agents(task, found, imported).await? {
        Ok(found) => found,
        Err(step) => return Ok(step),
    };
    if is_agents(&found.conversation) {
        return nobody_is_told(task, imported, "it was said to the agents").await;
    }
    if !is_bots_turn(&found.conversation) {
        return agents_are_told(task, imported).await;
    }
    let person = match whose(task, &found.conversation, imported).await {
        Ok(Whose::Customer(person)) => person,
        Ok(Whose::Company) => return nobody_is_told(task, imported, "it is the company's").await,
        Ok(Whose::Nobody) => return nobody_is_told(task, imported, "it is automatic").await,
        Err(error) => return Ok(error.into()),
    };
    let decided = task
        .change_from(Some(found), |conversation, commit| {
            if deliver::started(task, conversation).is_some() {
                return Hears::Bot;
            }
            if !is_bots_turn(conversation) {
                return Hears::Agents;
            }
            if pace::is_too_fast(task, conversation, imported)
                && silence::bot_fails(task, conversation, commit, Cause::Loop)
            {
                return Hears::AgentsFromNowOn;
            }
            conversation.customer_is_heard(imported, person.as_deref(), task.app.now());
            let epoch = conversation.epoch();
            conversation.number(&task.job.id, epoch, Vec::new(), true, task.job.accepted_at);
            Hears::Bot
        })
        .await?;
    match decided {
        Some((Hears::Bot, stored)) => say(task, &stored.conversation, imported).await,
        Some((Hears::Agents, _)) => agents_are_told(task, imported).await,
        Some((Hears::AgentsFromNowOn, _)) => {
            pace::report(task);
            agents_are_told(task, imported).await
        }
        None => Ok(Step::Done),
    }
}

/// Who gets to know what the person wrote.
enum Hears {
    Bot,
    Agents,
    /// The bot would answer what may be a program's answer.
    AgentsFromNowOn,
}

/// What the person wrote to agents who left it to the bot. RCE has it.
pub(super) async fn tell_left(task: &Task<'_>, content: &ContentId) -> Result<Step, StoreError> {
    let read = task
        .app
        .ringcx
        .content(&task.connection, content, Urgency::Now)
        .await;
    match read {
        Ok(content) if !content.imported.deleted => {
            Box::pin(tell_unless(task, &content.imported, |_| false)).await
        }
        Ok(_) | Err(RingCxError::NotFound) => {
            task.change(|conversation, _| conversation.nobody_is_told(content))
                .await?;
            Ok(Step::Done)
        }
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
    if waited >= STEPS_ASIDE_FOR {
        return Ok(None);
    }
    if native.end_untold {
        // RCE may report the end of a handover after what the person said then: the bot has to know first whose turn it is.
        return match conversation.ending {
            Some(_) => Ok(Some(Step::Wait { after: LOOK_AGAIN })),
            None => step_aside(task).await.map(Some),
        };
    }
    if native.is_ahead(&imported.content, imported.issued_at) {
        return step_aside(task).await.map(Some);
    }
    Ok(None)
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

/// They have the conversation. The bot may have it back before this is known: then it is told.
async fn agents_are_told(task: &Task<'_>, imported: &Imported) -> Result<Step, StoreError> {
    let stored = task
        .change(|conversation, commit| {
            if is_bots_turn(conversation) {
                return true;
            }
            conversation.withdraw(&task.job.id);
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
pub(super) async fn given_up(task: &Task<'_>, content: &ContentId, why: &Why) -> Result<(), StoreError> {
    task.change(|conversation, commit| {
        let entry = task
            .entry("customer_message.not_told")
            .with("message_id", message_id(content).as_str())
            .with("reason", why.detail.as_str());
        task.write_down(commit, entry);
        conversation.put_aside(&task.job.id);
        silence::bot_fails(task, conversation, commit, Cause::BotUnreachable);
        conversation.bot_cannot_be_told(content);
    })
    .await?;
    Ok(())
}
