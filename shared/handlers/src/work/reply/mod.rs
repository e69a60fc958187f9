//! What the bot says on a channel of RCE's own → RCE.
//!
//! RCE recognises no repeats, and a person must never read something twice. So it is stored that a part is about to be
//! sent; whoever finds that note looks into the thread first, and sends only what is not there.
//!
//! | module | does |
//! |---|---|
//! | `parts` | how a message is told there: its texts, its files, its buttons |
//! | `upload` | its files and pictures into RCE |
//! | `look` | whether RCE has a part already |
//! | `refused` | what else helps where RCE refuses it |

mod look;
mod parts;
mod refused;
mod upload;

use std::time::Duration;

use handover_core::Timestamp;
use handover_core::conversation::{Conversation, Delivered, Detour, MaySpeak, Replying, Tried};
use handover_core::event::BotEvent;
use handover_core::handover::Cause;
use handover_core::ids::EventId;
use handover_core::imported::content_named;
use handover_core::job::Work;
use handover_core::message::Message;
use handover_core::ports::{Commit, Content, DeliveryStatus, Measured, Reply, RingCxError, Side, StoreError};
use handover_core::settings::{BotIntervention, PrivateReplies};
use handover_core::signal::{Signal, SignalKind};

use super::outcome::{Step, Why};
use super::own_intervention::{self, EngageError};
use super::{Task, silence};
use look::Seen;
use parts::Part;

/// How many ways there are at most, so that nothing here goes on for ever.
const ROUNDS: usize = 12;

/// Says it, part by part.
pub(super) async fn say(
    task: &Task<'_>,
    message: &Message,
    epoch: u32,
    notice: bool,
) -> Result<Step, StoreError> {
    for _ in 0..ROUNDS {
        let Some(found) = task.read().await? else {
            return Ok(Step::Done);
        };
        let conversation = found.conversation;
        let Some(native) = conversation.native.as_deref() else {
            return Ok(Step::Done);
        };
        if conversation.was_said(&message.id, &task.job.id) {
            return Ok(Step::Done);
        }
        let progress = native
            .replying
            .clone()
            .filter(|replying| replying.job == task.job.id);
        // What RCE may have is followed to its end, whoever has the conversation now.
        if progress.as_ref().is_none_or(|it| it.tried.is_none())
            && conversation.may_speak(epoch, notice) == MaySpeak::AgentsHaveIt
        {
            return not_said(task, message).await;
        }
        // Whether an attempt to open an intervention did so is found out first: what is reported may be about that one.
        let now = task.app.now();
        if conversation.may_be_with_agent(now) && !native.is_engaging(now) {
            return Ok(Step::Wait { after: AGENT_DECIDED });
        }
        let progress = progress.as_ref();
        let may_be_sent = |conversation: &Conversation, now| {
            conversation.may_speak(epoch, notice) == MaySpeak::Yes && !conversation.may_be_with_agent(now)
        };
        match next(task, &conversation, message, progress, may_be_sent).await? {
            Next::Go => {}
            Next::Stop(step) => return Ok(step),
        }
    }
    Ok(Step::Again {
        after: None,
        why: Why::new("too_slow", "there is too much to say for one go"),
    })
}

/// How soon it is looked again whether an agent has the conversation.
const AGENT_DECIDED: Duration = Duration::from_millis(500);

/// "Service Unavailable": whoever says so has not begun.
const NOT_NOW: u16 = 503;

/// What comes after one step.
enum Next {
    /// Read again and go on.
    Go,
    Stop(Step),
}

async fn next(
    task: &Task<'_>,
    conversation: &Conversation,
    message: &Message,
    progress: Option<&Replying>,
    may_be_sent: impl Fn(&Conversation, Timestamp) -> bool,
) -> Result<Next, StoreError> {
    let detours = progress.map_or(&[][..], |progress| &progress.detours);
    let shown = parts::shown(conversation, message, detours);
    let Some(files) = progress.and_then(|progress| progress.files.as_ref()) else {
        return upload::all(task, message, shown.as_ref().map(|shown| &shown.content)).await;
    };
    let parts = parts::of(&task.connection, conversation, message, shown.as_ref(), files);
    let done = progress.map_or(0, |progress| progress.done.len());
    let Some(part) = parts.get(done) else {
        return finished(task).await;
    };
    let Some(reply) = render(task, conversation, message, part, detours) else {
        return Ok(Next::Stop(Step::Never {
            why: Why::new(
                "nothing_to_answer",
                "the person has written nothing that could be answered",
            ),
        }));
    };
    if let Some(tried) = progress.and_then(|progress| progress.tried) {
        return match look::into_thread(task, conversation, &reply, tried).await {
            Ok(Seen::Yes(content)) => took(task, message, part, &content, done + 1 == parts.len()).await,
            Ok(Seen::NotYet { after }) => Ok(Next::Stop(Step::Wait { after })),
            Ok(Seen::No) => not_tried(task, None).await,
            Err(error) => Ok(Next::Stop(error.into())),
        };
    }
    let engages = task.connection.ringcx.native.bot_intervention == BotIntervention::Always;
    let native = conversation.native.as_deref();
    if (engages || native.is_some_and(|native| native.is_engaging(task.app.now())))
        && let Some(answered) = &reply.in_reply_to
        && !detours.contains(&Detour::Engage)
    {
        match own_intervention::engage(task, conversation, answered).await {
            Ok(_) => {}
            Err(EngageError::RingCx(error)) => return Ok(Next::Stop(error.into())),
            Err(EngageError::Store(error)) => return Err(error),
        }
    }
    let wait = task.app.ringcx.rest_wait(&task.connection).await;
    if !wait.is_zero() {
        return Ok(Next::Stop(Step::Wait { after: wait }));
    }
    if !begins(task, may_be_sent).await? {
        return Ok(Next::Stop(Step::Wait { after: AGENT_DECIDED }));
    }
    match task.app.ringcx.reply(&task.connection, &reply).await {
        Ok(content) => took(task, message, part, &content, done + 1 == parts.len()).await,
        Err(error) => failed(task, conversation, &reply, detours, error).await,
    }
}

/// A part as RCE takes it. `None`: there is nothing that it could answer.
fn render(
    task: &Task<'_>,
    conversation: &Conversation,
    message: &Message,
    part: &Part,
    detours: &[Detour],
) -> Option<Reply> {
    let native = conversation.native.as_deref()?;
    let settings = &task.connection.ringcx.native;
    let named = message.in_reply_to.as_ref().and_then(content_named);
    let answered = native.answers(named.as_ref(), detours.contains(&Detour::Earlier))?;
    Some(Reply {
        in_reply_to: Some(answered.content.clone()),
        text: part.text.clone(),
        structured: part.structured.clone(),
        attachments: part.attachments.clone(),
        author: settings.author_identities.get(&native.source).cloned(),
        private: match settings.private_replies {
            _ if detours.contains(&Detour::Unmarked) => false,
            PrivateReplies::LikeCustomer => answered.private,
            PrivateReplies::Always => true,
            PrivateReplies::Never => false,
        },
    })
}

/// RCE did not simply take it.
async fn failed(
    task: &Task<'_>,
    conversation: &Conversation,
    reply: &Reply,
    detours: &[Detour],
    error: RingCxError,
) -> Result<Next, StoreError> {
    match error {
        // It may have it: the next attempt looks.
        RingCxError::NoAnswer(_) => Ok(Next::Stop(Step::Wait {
            after: look::FIRST_LOOK,
        })),
        RingCxError::Unavailable { status } => {
            // What stands between may say so (502, 504) while RCE is still at it.
            let tried = Tried {
                at: task.app.now(),
                answered: status == NOT_NOW,
            };
            set_tried(task, Some(tried)).await?;
            Ok(Next::Stop(Step::Again {
                after: Some(look::FIRST_LOOK),
                why: Why::new(error.code(), error.to_string()),
            }))
        }
        RingCxError::Refused { .. } | RingCxError::NotPermitted { .. } | RingCxError::NotFound => {
            match refused::detour(task, conversation, reply, detours, &error).await {
                Ok(Ok(detour)) => not_tried(task, Some(detour)).await,
                Ok(Err(why)) => {
                    set_tried(task, None).await?;
                    Ok(Next::Stop(Step::Never { why }))
                }
                Err(EngageError::RingCx(error)) => {
                    set_tried(task, None).await?;
                    Ok(Next::Stop(error.into()))
                }
                Err(EngageError::Store(error)) => Err(error),
            }
        }
        error => {
            set_tried(task, None).await?;
            Ok(Next::Stop(error.into()))
        }
    }
}

/// Notes that a part is about to be sent. `false`: an agent came since, while RCE took its time.
async fn begins(
    task: &Task<'_>,
    may_be_sent: impl Fn(&Conversation, Timestamp) -> bool,
) -> Result<bool, StoreError> {
    let now = task.app.now();
    let begins = task
        .change(|conversation, _| {
            let begins = may_be_sent(conversation, now);
            if begins && let Some(native) = conversation.native.as_mut() {
                native.reply_of(&task.job.id).tried = Some(Tried {
                    at: now,
                    answered: false,
                });
            }
            begins
        })
        .await?;
    Ok(begins.is_some_and(|(begins, _)| begins))
}

async fn set_tried(task: &Task<'_>, tried: Option<Tried>) -> Result<(), StoreError> {
    task.change(|conversation, _| {
        if let Some(native) = conversation.native.as_mut() {
            native.reply_of(&task.job.id).tried = tried;
        }
    })
    .await?;
    Ok(())
}

/// RCE does not have it, so it may be sent (again), maybe in another way.
async fn not_tried(task: &Task<'_>, detour: Option<Detour>) -> Result<Next, StoreError> {
    task.change(|conversation, _| {
        if let Some(native) = conversation.native.as_mut() {
            let replying = native.reply_of(&task.job.id);
            replying.tried = None;
            if let Some(detour) = detour.filter(|detour| !replying.detours.contains(detour)) {
                replying.detours.push(detour);
            }
        }
    })
    .await?;
    Ok(Next::Go)
}

/// RCE has a part.
async fn took(
    task: &Task<'_>,
    message: &Message,
    part: &Part,
    content: &Content,
    last: bool,
) -> Result<Next, StoreError> {
    let id = &content.imported.content;
    // Only what can be said in another way is kept for it: what this part says.
    let kept = Message {
        text: part.text.clone().filter(|_| part.structured.is_some()),
        structured: message.structured.clone().filter(|_| part.structured.is_some()),
        attachments: Vec::new(),
        ..message.clone()
    };
    task.change(|conversation, commit| {
        let Some(native) = conversation.native.as_mut() else {
            return;
        };
        if native.said(id).is_some() {
            return;
        }
        let dated = content.imported.issued_at;
        native.took(&task.job.id, &message.id, id.clone(), dated, task.app.now());
        let outcome = match content.delivery {
            DeliveryStatus::Pending => Delivered::Unknown,
            DeliveryStatus::Delivered => Delivered::Yes,
            DeliveryStatus::Failed => Delivered::No,
        };
        if outcome != Delivered::Unknown {
            native.delivered(id, outcome);
        }
        if last {
            native.replying = None;
        }
        under_intervention(task, conversation, commit, content);
        let mut entry = task
            .entry("message.sent")
            .with("message_id", message.id.as_str())
            .with("content_id", id.as_str())
            .with("attempt", task.attempt);
        if part.cut {
            entry = entry.with("cut", true);
        }
        task.write_down(commit, entry);
        if outcome == Delivered::Yes {
            super::confirm::note(task, commit, &message.id, id, true);
        } else {
            commit.jobs.push(task.outgoing(Work::ConfirmReply {
                content: id.clone(),
                message: kept.clone(),
            }));
        }
    })
    .await?;
    if last {
        task.count(Measured::Delivered {
            to: Side::RingCx,
            latency: task.since_accepted(),
        });
        return Ok(Next::Stop(Step::Done));
    }
    Ok(Next::Go)
}

/// Whose intervention RCE put a reply under shows who has the conversation, however late RCE reports an agent. The bot's next words
/// wait until RCE was asked about one that is not known.
fn under_intervention(
    task: &Task<'_>,
    conversation: &mut Conversation,
    commit: &mut Commit,
    content: &Content,
) {
    let signal = Signal {
        event: EventId::new(format!("reply-{}", content.imported.content)),
        name: "reply".to_owned(),
        kind: SignalKind::UnderIntervention,
        source: None,
        thread: Some(content.imported.thread.clone()),
        intervention: content.imported.intervention.clone(),
        agent: None,
        issued_at: content.imported.issued_at,
        epoch: None,
        tags: Vec::new(),
    };
    let doubt = conversation.doubt(&signal, task.policy());
    if doubt.is_some() {
        conversation.agent_is_reported(&signal, task.app.now());
        commit.jobs.push(task.outgoing(Work::ApplyNews { signal }));
    }
}

async fn finished(task: &Task<'_>) -> Result<Next, StoreError> {
    task.change(|conversation, _| {
        if let Some(native) = conversation.native.as_mut() {
            native.replying.take_if(|replying| replying.job == task.job.id);
        }
    })
    .await?;
    Ok(Next::Stop(Step::Done))
}

/// Agents have the conversation: the bot is told that it was not heard.
async fn not_said(task: &Task<'_>, message: &Message) -> Result<Step, StoreError> {
    let why = Why::new("agents_have_it", "the agents have the conversation");
    task.change(|conversation, commit| {
        if let Some(native) = conversation.native.as_mut() {
            native.replying.take_if(|replying| replying.job == task.job.id);
        }
        tell_failure(task, conversation, commit, message, &why);
    })
    .await?;
    Ok(Step::Done)
}

pub(super) fn tell_failure(
    task: &Task<'_>,
    conversation: &Conversation,
    commit: &mut Commit,
    message: &Message,
    why: &Why,
) {
    let entry = task
        .entry("message.failed")
        .with("message_id", message.id.as_str())
        .with("reason", why.detail.as_str());
    task.write_down(commit, entry);
    if task.connection.bot.kind.is_platform() {
        return;
    }
    commit.jobs.push(task.outgoing(Work::Tell {
        epoch: conversation.epoch(),
        event: BotEvent::MessageFailed {
            message: super::confirm::named_by_bot(&message.id),
            reason: why.code.to_owned(),
        },
        after_tidy_up: false,
    }));
}

/// RCE will never have it: the bot is told, and the agents look after the person.
pub(super) async fn given_up(task: &Task<'_>, message: &Message, why: &Why) -> Result<(), StoreError> {
    task.change(|conversation, commit| {
        if let Some(native) = conversation.native.as_mut() {
            native.replying.take_if(|replying| replying.job == task.job.id);
        }
        tell_failure(task, conversation, commit, message, why);
        // In a closed thread nobody can answer.
        if why.code != refused::THREAD_CLOSED {
            silence::bot_fails(task, conversation, commit, Cause::ReplyRefused);
        }
    })
    .await?;
    Ok(())
}
