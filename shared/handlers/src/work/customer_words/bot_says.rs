//! What a bot says in the same breath in which it is told something, as jobs.

use handover_core::conversation::{Conversation, HandoverDecision};
use handover_core::event::BotEvent;
use handover_core::handover::HandoverRequest;
use handover_core::ids::{ForeignMessageId, MessageId};
use handover_core::job::Work;
use handover_core::message::{Author, Message};
use handover_core::ports::{BotSays, Commit, Measured};

use crate::availability::Availability;
use crate::bot_api::handover::admit;
use crate::work::Task;

/// Why nobody could take the conversation now, if the bot asks for a human in what it said.
pub(in crate::work) async fn refusal(task: &Task<'_>, says: &[BotSays]) -> Option<Availability> {
    let asks = says.iter().any(|says| matches!(says, BotSays::Handover(_)));
    if !asks {
        return None;
    }
    admit(task.app, &task.connection, None).await.err()
}

/// What a bot said in its answer, as jobs; to be stored with the answer itself. `notice`: to news of a handover.
pub(in crate::work) fn take_up(
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
            BotSays::TooMuch { left_out } => {
                tracing::warn!(connection.id = %task.job.connection, left_out, "a bot's answer has too many outputs");
                let entry = task
                    .entry("bot.outputs_left_out")
                    .with("event_id", delivery_id)
                    .with("count", *left_out);
                task.write_down(commit, entry);
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
