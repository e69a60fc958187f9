//! Brings a conversation before the agents: profile, transcript, note, then the Agent category.

use std::time::Duration;

use handover_core::Timestamp;
use handover_core::conversation::Conversation;
use handover_core::handover::{Cause, Handover};
use handover_core::ids::{CategoryId, MessageId};
use handover_core::job::Work;
use handover_core::message::Message;
use handover_core::ports::{
    Claim, ClaimKey, Commit, CustomerMessage, KEPT_FOR, Measured, RingCxError, StoreError, Thread, Urgency,
};
use handover_core::settings::RingCxSettings;
use jiff::SignedDuration;
use sha2::{Digest as _, Sha256};

use super::outcome::{Step, Why};
use super::{LOOK_AGAIN, Task, customer_message, files, own_intervention, tidy_up};

/// How long RCE's knowledge of the company's identities is taken for granted: somebody may delete one.
const FACES_KNOWN_FOR: Duration = Duration::from_hours(30 * 24);
/// What stands for a person who has said nothing that agents could read.
const ASKS: &str = "The customer asks for an agent.";
/// After so many attempts in vain the thread does not wait for RCE's index: it does not exist.
const OPENS_AT: u32 = 5;
/// Tells agents that what stands above was said before they were asked.
const HISTORY: &str = "Above: the conversation with the bot, before the handover.";
/// How long the previous handover's end may hold back the next beginning.
const PREVIOUS_END_PATIENCE: Duration = Duration::from_secs(6);

pub(super) async fn start(task: &Task<'_>, epoch: u32, transcript: &[Message]) -> Result<Step, StoreError> {
    let Some(found) = task.read().await? else {
        return Ok(Step::Done);
    };
    let mut conversation = found.conversation;
    if !conversation.is_under_way(epoch) {
        // An attempt that did not come to its end may have moved the thread after it was put back.
        return match task.attempt {
            0 | 1 => Ok(Step::Done),
            _ => {
                task.change(|conversation, _| note_unanswered(task, conversation))
                    .await?;
                tidy_up::restore(task, epoch).await
            }
        };
    }
    let now = task.app.now();
    // Where our side ended it, that was done before this.
    let previous_open = conversation
        .ending
        .as_ref()
        .is_some_and(|ending| ending.epoch < epoch);
    if previous_open && now < task.job.accepted_at + PREVIOUS_END_PATIENCE {
        return Ok(Step::Wait { after: LOOK_AGAIN });
    }
    let briefed = conversation
        .handover
        .as_ref()
        .is_some_and(|handover| handover.briefed);
    // Where RCE has the person's channel itself, agents have read it all.
    if !briefed && task.connection.is_mirrored() {
        if let Err(step) = brief(task, &conversation, transcript).await? {
            return Ok(step);
        }
        let stored = task
            .change(|conversation, commit| {
                conversation.mirrored = true;
                if let Some(handover) = conversation
                    .handover
                    .as_mut()
                    .filter(|handover| handover.epoch == epoch)
                {
                    handover.briefed = true;
                    // The agents have it now; every later message would carry it along.
                    handover.request.summary = None;
                    handover.request.context.clear();
                }
                commit.forget_kept = Some((task.job.connection.clone(), task.job.thread.clone()));
            })
            .await?;
        let Some(((), stored)) = stored else {
            return Ok(Step::Done);
        };
        conversation = stored.conversation;
    }
    if !task.connection.relay_messages && conversation.rce_thread.is_none() && person(&conversation).is_none()
    {
        return Ok(Step::Never {
            why: Why::new(
                "person_unknown",
                "nobody said who the person is in RingCX (user.id), or which thread is theirs (thread_id)",
            ),
        });
    }
    if let Err(error) = own_intervention::leave(task, &conversation).await? {
        return Ok(error.into());
    }
    let moved = match move_to_agents(task, &conversation).await {
        Ok(Some(moved)) => moved,
        Ok(None) => {
            if task.attempt >= OPENS_AT && task.connection.is_mirrored() {
                let opener = opener(task, &conversation);
                if let Err(error) = task.app.ringcx.send_message(&task.connection, &opener).await {
                    return Ok(error.into());
                }
            }
            return Ok(Step::Again {
                after: None,
                why: Why::new("thread_not_found", "RingCX does not know the thread"),
            });
        }
        Err(error) => return Ok(error.into()),
    };
    note_moved(task, epoch, &moved).await
}

/// The thread is before the agents. If the handover ended meanwhile it is put back.
async fn note_moved(task: &Task<'_>, epoch: u32, moved: &Moved) -> Result<Step, StoreError> {
    let started = task
        .change(|conversation, commit| {
            let (thread, now) = (&moved.thread.id, task.app.now());
            // Moved once more, because it may have gone back.
            let again = conversation.is_under_way(epoch) && conversation.was_moved();
            let started = conversation.handover_started(epoch, thread.clone(), moved.at, now);
            note_unanswered(task, conversation);
            if started && !again {
                write_down_refused(task, commit, epoch, &moved.refused);
                let latency = now.as_millisecond() - task.job.accepted_at.as_millisecond();
                let entry = task
                    .entry("handover.started")
                    .with("epoch", epoch)
                    .with("ringcx_thread_id", thread.as_str())
                    .with("latency_ms", latency);
                task.write_down(commit, entry);
            }
            if !started {
                // It ended while the thread was moved: whoever put that back may have been before us.
                commit
                    .jobs
                    .push(task.outgoing(Work::RestoreBotCategory { epoch }));
            }
            started && !again
        })
        .await?;
    if matches!(started, Some((true, _))) {
        task.count(Measured::HandoverStarted);
    }
    Ok(Step::Done)
}

/// An earlier attempt may have had no answer.
fn note_unanswered(task: &Task<'_>, conversation: &mut Conversation) {
    if task.attempt > 1 {
        conversation.may_move_late(task.app.now());
    }
}

/// Tells people which categories the handover goes on without.
fn write_down_refused(task: &Task<'_>, commit: &mut Commit, epoch: u32, refused: &[CategoryId]) {
    if !refused.is_empty() {
        let entry = task
            .entry("handover.categories_refused")
            .with("epoch", epoch)
            .with("category_ids", names(refused));
        task.write_down(commit, entry);
    }
}

/// Tells RCE who the person is and what was said, in order. Repeating it is harmless: the ids are the same.
async fn brief(
    task: &Task<'_>,
    conversation: &Conversation,
    transcript: &[Message],
) -> Result<Result<(), Step>, StoreError> {
    let kept = if transcript.is_empty() {
        let not_before = task.app.now() - KEPT_FOR;
        task.app
            .store
            .kept_messages(&task.job.connection, &task.job.thread, not_before)
            .await?
    } else {
        transcript.to_vec()
    };
    let story = match files::all_for_ringcx(task, &kept).await {
        Ok(story) => story,
        Err(step) => return Ok(Err(step)),
    };
    introduce_faces(task).await?;
    Ok(send_briefing(task, conversation, &story)
        .await
        .map_err(Step::from))
}

/// Tells RCE once of the two identities that speak for the company: an administrator can tick *Controlled identity* and
/// give agents theirs only when RCE knows them, and agents' own is in no message. It is no reason to keep a person waiting.
async fn introduce_faces(task: &Task<'_>) -> Result<(), StoreError> {
    let settings = &task.connection.ringcx;
    let faces = [&settings.bot_identity, &settings.agent_identity];
    let mut hash = Sha256::new();
    for part in faces
        .iter()
        .flat_map(|face| [face.id.as_str(), face.name.as_str()])
    {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let name = format!("faces:{}:{}", task.job.connection, hex::encode(hash.finalize()));
    let (key, now) = (ClaimKey::apart(name), task.app.now());
    if task.app.store.claimed(&key, now).await?.is_some() {
        return Ok(());
    }
    for face in faces {
        let face = customer_message::company(face);
        if let Err(error) = task.app.ringcx.announce(&task.connection, &face).await {
            tracing::warn!(
                connection.id = %task.job.connection, error = &error as &dyn std::error::Error,
                "an identity of the company could not be announced"
            );
            return Ok(());
        }
    }
    let claim = Claim {
        key,
        holder: task.job.id.to_string(),
        record: String::new(),
        expires_at: now + FACES_KNOWN_FOR,
    };
    let commit = Commit {
        claims: vec![claim],
        ..Commit::default()
    };
    match task.app.store.commit(commit).await {
        Ok(()) | Err(StoreError::Claimed(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn send_briefing(
    task: &Task<'_>,
    conversation: &Conversation,
    story: &[Message],
) -> Result<(), RingCxError> {
    let (connection, ringcx) = (&task.connection, &task.app.ringcx);
    if conversation.user.is_worth_announcing() {
        ringcx
            .announce(connection, &customer_message::customer(connection, conversation))
            .await?;
    }
    let mut messages: Vec<CustomerMessage> = story
        .iter()
        .map(|message| customer_message::render(connection, conversation, message))
        .collect();
    let Some(handover) = &conversation.handover else {
        return Ok(());
    };
    messages.extend(note(task, conversation, handover, messages.is_empty()));
    if let Some(first) = messages.first_mut() {
        first.context = handover.request.context.clone();
    }
    for message in &messages {
        ringcx.send_message(connection, message).await?;
    }
    Ok(())
}

/// Why the bot asks, for the agent. A thread that has no message yet gets one in any case, in the
/// person's name: only a customer's message makes work for agents.
fn note(
    task: &Task<'_>,
    conversation: &Conversation,
    handover: &Handover,
    no_story: bool,
) -> Option<CustomerMessage> {
    let request = &handover.request;
    let lines = [("Reason", &request.reason), ("Summary", &request.summary)];
    let said = lines
        .iter()
        .filter_map(|(label, text)| text.as_ref().map(|text| format!("{label}: {text}")));
    let marks = !no_story && task.connection.bot.kind.marks_history();
    let mark = marks.then(|| HISTORY.to_owned());
    let lines: Vec<String> = mark.into_iter().chain(said).collect();
    let creates_thread = no_story && !conversation.mirrored;
    let carries_context = no_story && !request.context.is_empty();
    let by_bot = handover.cause == Cause::Bot;
    if !by_bot || (lines.is_empty() && !creates_thread && !carries_context) {
        return None;
    }
    let id = MessageId::new(format!("note-{}", handover.id));
    let text = if lines.is_empty() {
        ASKS.to_owned()
    } else {
        lines.join("\n")
    };
    let mut note = customer_message::note(&task.connection, conversation, &id, &text, handover.requested_at);
    if creates_thread {
        note.author = customer_message::customer(&task.connection, conversation);
    }
    note.language.clone_from(&request.language);
    Some(note)
}

/// What makes the thread come into being where RCE refused all that was mirrored, in the person's name.
fn opener(task: &Task<'_>, conversation: &Conversation) -> CustomerMessage {
    let handover = conversation.handover.as_ref();
    let id = handover.map_or_else(|| task.job.id.to_string(), |handover| handover.id.to_string());
    let id = MessageId::new(format!("opener-{id}"));
    let mut opener = customer_message::note(&task.connection, conversation, &id, ASKS, task.job.accepted_at);
    opener.author = customer_message::customer(&task.connection, conversation);
    opener
}

/// A thread before the agents, and when it was moved there, if its answer shows that.
struct Moved {
    thread: Thread,
    at: Option<Timestamp>,
    /// Categories that the bot wanted besides and that RCE refuses.
    refused: Vec<CategoryId>,
}

/// Moves the thread into the Agent category. `None`: RCE does not know it (yet).
async fn move_to_agents(task: &Task<'_>, conversation: &Conversation) -> Result<Option<Moved>, RingCxError> {
    let ringcx = &task.app.ringcx;
    let known = match &conversation.rce_thread {
        Some(id) => match ringcx.thread(&task.connection, id, Urgency::Soon).await {
            Ok(thread) => is_of_connection(task, &thread).then_some(thread),
            Err(RingCxError::NotFound) => None,
            Err(error) => return Err(error),
        },
        None => None,
    };
    let found = match known {
        Some(thread) => Some(thread),
        None => find(task, conversation).await?,
    };
    let Some(thread) = found else { return Ok(None) };
    if thread.closed {
        open(task, &thread).await?;
    }
    let extra = conversation
        .handover
        .as_ref()
        .map_or(&[][..], |handover| &handover.request.category_ids);
    let moved = match categorise(task, conversation, &thread, extra).await {
        // The person gets somebody all the same: what the bot wants besides may be a slip.
        Err(error) if !extra.is_empty() && (is_refusal(&error) || is_left_out(task, &error)) => {
            let moved = categorise(task, conversation, &thread, &[]).await?;
            let refused: Vec<CategoryId> = unheld(extra, &thread.categories);
            tracing::warn!(
                connection.id = %task.job.connection, category.ids = names(&refused),
                error = &error as &dyn std::error::Error,
                "RingCX refuses categories that the bot asked for; the handover goes on without them"
            );
            Moved { refused, ..moved }
        }
        moved => moved?,
    };
    Ok(Some(moved))
}

/// Gives a thread its categories, unless it has them.
async fn categorise(
    task: &Task<'_>,
    conversation: &Conversation,
    thread: &Thread,
    extra: &[CategoryId],
) -> Result<Moved, RingCxError> {
    let wanted = agent_categories(&thread.categories, &task.connection.ringcx, extra);
    let refused = Vec::new();
    if wanted == thread.categories {
        let thread = thread.clone();
        return Ok(Moved {
            thread,
            at: None,
            refused,
        });
    }
    let ringcx = &task.app.ringcx;
    let moved = ringcx
        .set_categories(&task.connection, &thread.id, &wanted)
        .await?;
    let at = moved_at(conversation, thread, &moved);
    Ok(Moved {
        thread: moved,
        at,
        refused,
    })
}

/// RCE will not have what it was sent, as opposed to whoever sent it.
pub(super) fn is_refusal(error: &RingCxError) -> bool {
    matches!(error, RingCxError::Refused { .. } | RingCxError::NotFound)
}

/// An answer that never shows them, or a change by somebody else that never ends.
fn is_left_out(task: &Task<'_>, error: &RingCxError) -> bool {
    task.attempt >= OPENS_AT && matches!(error, RingCxError::Conflict)
}

/// Those of `wanted` that a thread does not have.
fn unheld(wanted: &[CategoryId], held: &[CategoryId]) -> Vec<CategoryId> {
    wanted.iter().filter(|id| !held.contains(id)).cloned().collect()
}

fn names(ids: &[CategoryId]) -> String {
    let names: Vec<&str> = ids.iter().map(CategoryId::as_str).collect();
    names.join(", ")
}

/// A thread by our id; where it is not ours, the person's newest.
async fn find(task: &Task<'_>, conversation: &Conversation) -> Result<Option<Thread>, RingCxError> {
    let (connection, ringcx) = (&task.connection, &task.app.ringcx);
    if connection.is_mirrored() {
        return ringcx.find_thread(connection, &conversation.thread).await;
    }
    match person(conversation) {
        Some(person) => ringcx.find_thread_of_person(connection, person).await,
        None => Ok(None),
    }
}

/// What RCE's own channel calls the person.
fn person(conversation: &Conversation) -> Option<&str> {
    conversation.user.id.as_deref().filter(|id| !id.is_empty())
}

/// A thread that somebody named may be anywhere.
fn is_of_connection(task: &Task<'_>, thread: &Thread) -> bool {
    task.connection.is_mirrored() || task.connection.ringcx.has_source(&thread.source)
}

/// When RCE moved it, by its clock. Its times of changes have whole seconds, so that they may be the same before and
/// after, or they may not follow a change of categories; then the date of the answer counts. A thread that changed
/// before its conversation began shows that RCE's clock is behind ours, whatever the answer's date.
fn moved_at(conversation: &Conversation, before: &Thread, after: &Thread) -> Option<Timestamp> {
    let Some(changed) = after.changed_at else {
        return after.answered_at;
    };
    if Some(changed) > before.changed_at {
        return Some(changed);
    }
    let is_impossible = |began: Timestamp| began.duration_since(changed) > SignedDuration::from_mins(1);
    if is_impossible(conversation.started_at) {
        // It says that much once; how far the clock is behind is known better from then on.
        let is_news = is_impossible(conversation.by_ringcx_clock(conversation.started_at));
        return is_news.then_some(changed);
    }
    after.answered_at.map(|date| changed.max(date))
}

/// A closed thread takes no answers. Where RCE does not let it be opened, agents may still see it.
async fn open(task: &Task<'_>, thread: &Thread) -> Result<(), RingCxError> {
    match task.app.ringcx.open_thread(&task.connection, &thread.id).await {
        Err(
            error @ (RingCxError::NotPermitted { .. } | RingCxError::Refused { .. } | RingCxError::NotFound),
        ) => {
            tracing::warn!(
                thread.id = %thread.id, error = &error as &dyn std::error::Error,
                "the thread is closed and cannot be opened"
            );
            Ok(())
        }
        opened => opened,
    }
}

/// Without a category (where messages are not relayed) threads are not moved.
pub(super) fn is_set(category: &CategoryId) -> bool {
    !category.as_str().is_empty()
}

/// The complete new set: Bot out, Agent and the requested ones in, everything else kept.
pub(super) fn agent_categories(
    current: &[CategoryId],
    settings: &RingCxSettings,
    extra: &[CategoryId],
) -> Vec<CategoryId> {
    let mut wanted: Vec<CategoryId> = current
        .iter()
        .filter(|id| **id != settings.bot_category_id)
        .cloned()
        .collect();
    let agent = Some(&settings.agent_category_id).filter(|id| is_set(id));
    for id in agent.into_iter().chain(extra) {
        if !wanted.contains(id) && *id != settings.bot_category_id {
            wanted.push(id.clone());
        }
    }
    wanted
}

/// RCE will not have it: the bot keeps the conversation and is told. A conversation that an agent has already
/// stays with the agent; only its category could not be moved.
pub(super) async fn given_up(task: &Task<'_>, epoch: u32, why: &Why) -> Result<(), StoreError> {
    let stored = task
        .change(|conversation, commit| {
            let mut failed = false;
            note_unanswered(task, conversation);
            if conversation.waits_with(epoch)
                && !conversation.was_moved()
                && let Some(event) = conversation.handover_failed(epoch, why.code, task.app.now())
            {
                failed = true;
                let works = [
                    Work::RestoreBotCategory { epoch },
                    Work::Tell {
                        epoch,
                        event,
                        after_tidy_up: false,
                    },
                ];
                let works = works.into_iter().chain(tidy_up::left_to_bot(conversation));
                commit.jobs.extend(works.map(|work| task.outgoing(work)));
            }
            let entry = task
                .entry("handover.not_started")
                .with("epoch", epoch)
                .with("reason", why.detail.as_str());
            task.write_down(commit, entry);
            failed
        })
        .await?;
    if let Some((true, stored)) = stored {
        let in_queue = stored.conversation.time_in_queue();
        task.count(Measured::HandoverEnded { in_queue });
    }
    Ok(())
}
