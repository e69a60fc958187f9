//! What travels on the queues.
//!
//! Jobs are stored: an old job must stay readable after an upgrade. Add variants and optional
//! members; never rename or reuse one.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::event::BotEvent;
use crate::ids::{ConnectionId, ContentId, ForeignThreadId, InterventionId, JobId, MessageId, SourceId};
use crate::imported::Imported;
use crate::message::{AgentMessage, Message};
use crate::queue_update::QueueUpdate;
use crate::signal::Signal;

/// The queues between accepting and delivering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueueName {
    /// Agent messages and status changes to the bot; in order per conversation.
    ToBot,
    /// Messages and category changes to RCE; in order per conversation.
    ToRingcx,
    /// Places in the queue, to everybody who asked for them; only the newest counts.
    QueueUpdates,
}

impl QueueName {
    pub const ALL: [Self; 3] = [Self::ToBot, Self::ToRingcx, Self::QueueUpdates];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::ToBot => "to-bot",
            Self::ToRingcx => "to-ringcx",
            Self::QueueUpdates => "queue-updates",
        }
    }
}

/// One piece of work for one conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub id: JobId,
    pub connection: ConnectionId,
    pub thread: ForeignThreadId,
    /// When it was accepted; retry budgets count from here.
    pub accepted_at: Timestamp,
    pub work: Work,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub enum Work {
    // ---- to-bot ----
    /// Deliver an agent's message.
    DeliverAgentMessage { message: AgentMessage },
    /// Apply what RCE reported and tell the bot.
    ApplySignal { signal: Signal },
    /// Tell the bot something that happened in handover `epoch`. With `after_tidy_up`, the RCE side is
    /// put back first, for a few seconds at most.
    Tell {
        epoch: u32,
        event: BotEvent,
        #[serde(default)]
        after_tidy_up: bool,
    },
    /// Warn of a timer or let it end the handover, if its time has come.
    CheckTimers { epoch: u32 },
    /// Tell the bot the newest place in the queue.
    TellQueue { epoch: u32, update: QueueUpdate },
    /// Tell the bot that an agent types, or stopped. Worthless when late: never retried.
    TellTyping { typing: bool },

    /// On a channel of RCE's own: tell the bot what the person wrote.
    TellCustomerMessage { imported: Imported },
    /// The same with what they wrote to agents who left it to the bot.
    TellWhatAgentsLeft { content: ContentId },
    /// The person changed, or took back, what the bot knows already.
    TellCustomerChange { imported: Imported },

    // ---- to-ringcx ----
    /// On a channel of RCE's own: apply what RCE reported, whatever state the bot is in. It is told afterwards.
    ApplyNews { signal: Signal },
    /// Send a message of the person or the bot.
    SendMessage { message: Message },
    /// Bring the conversation before the agents.
    StartHandover {
        epoch: u32,
        #[serde(default)]
        transcript: Vec<Message>,
    },
    /// The bot's side ended the handover: tidy up in RCE.
    LeaveHandover {
        epoch: u32,
        #[serde(default)]
        intervention: Option<InterventionId>,
    },
    /// Put the thread back into the Bot category.
    RestoreBotCategory { epoch: u32 },
    /// Tell RCE that the person read an agent's message.
    MarkAsRead { message: MessageId },
    /// Tell the agent, in the thread, that their message did not arrive.
    NoteUndelivered { message: MessageId },
    /// Tell the agents that the person came or went at `since`, unless they came back meanwhile.
    NotePresence { since: Timestamp },
    /// Tell RCE what is known of the person now.
    AnnounceUser,
    /// Find out whose conversation an unknown RCE thread is, then apply the signal.
    ResolveSignal { signal: Signal },
    /// On a channel of RCE's own: say to the person what the bot says. It was accepted in handover `epoch`, or after it.
    Reply {
        message: Message,
        epoch: u32,
        /// For somebody who waits for an agent.
        #[serde(default)]
        notice: bool,
    },
    /// Find out whether the person got what the bot said.
    ConfirmReply { content: ContentId, message: Message },
    /// Leave word for the agents why they have the conversation.
    NoteForAgents { epoch: u32 },
    /// Look for what was said on a source and not reported.
    SweepSource { source: SourceId },
    /// Ask RCE how the handover stands, in case its news got lost, and let the timers be checked.
    LookAfter,
    /// Say what the bot's platform posted with a counter, as far as it is its turn.
    SayCounted,

    // ---- queue-updates ----
    /// Take note of a new place in the queue and fan it out.
    FanOutQueueUpdate { update: QueueUpdate },
    /// Tell one subscriber other than the bot.
    TellSubscriber {
        url: String,
        epoch: u32,
        update: QueueUpdate,
    },
}

impl Work {
    /// The name of the work in logs and timelines.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::DeliverAgentMessage { .. } => "deliver_agent_message",
            Self::ApplySignal { .. } => "apply_signal",
            Self::Tell { .. } => "tell",
            Self::CheckTimers { .. } => "check_timers",
            Self::TellQueue { .. } => "tell_queue",
            Self::TellTyping { .. } => "tell_typing",
            Self::ApplyNews { .. } => "apply_news",
            Self::SendMessage { .. } => "send_message",
            Self::StartHandover { .. } => "start_handover",
            Self::LeaveHandover { .. } => "leave_handover",
            Self::RestoreBotCategory { .. } => "restore_bot_category",
            Self::MarkAsRead { .. } => "mark_as_read",
            Self::NoteUndelivered { .. } => "note_undelivered",
            Self::NotePresence { .. } => "note_presence",
            Self::AnnounceUser => "announce_user",
            Self::ResolveSignal { .. } => "resolve_signal",
            Self::TellCustomerMessage { .. } => "tell_customer_message",
            Self::TellWhatAgentsLeft { .. } => "tell_what_agents_left",
            Self::TellCustomerChange { .. } => "tell_customer_change",
            Self::Reply { .. } => "reply",
            Self::ConfirmReply { .. } => "confirm_reply",
            Self::NoteForAgents { .. } => "note_for_agents",
            Self::SweepSource { .. } => "sweep_source",
            Self::LookAfter => "look_after",
            Self::SayCounted => "say_counted",
            Self::FanOutQueueUpdate { .. } => "fan_out_queue_update",
            Self::TellSubscriber { .. } => "tell_subscriber",
        }
    }

    /// Whether this work is pointless once `later`, of the same conversation, is waiting behind it.
    pub fn is_superseded_by(&self, later: &Self) -> bool {
        match (self, later) {
            (Self::TellQueue { .. }, Self::TellQueue { .. })
            | (Self::FanOutQueueUpdate { .. }, Self::FanOutQueueUpdate { .. }) => true,
            (Self::TellSubscriber { url, .. }, Self::TellSubscriber { url: other, .. }) => url == other,
            _ => false,
        }
    }

    /// The queue that carries this work.
    pub fn queue(&self) -> QueueName {
        match self {
            Self::DeliverAgentMessage { .. }
            | Self::ApplySignal { .. }
            | Self::Tell { .. }
            | Self::CheckTimers { .. }
            | Self::TellQueue { .. }
            | Self::TellTyping { .. }
            | Self::TellCustomerMessage { .. }
            | Self::TellWhatAgentsLeft { .. }
            | Self::TellCustomerChange { .. } => QueueName::ToBot,
            Self::ApplyNews { .. }
            | Self::SendMessage { .. }
            | Self::StartHandover { .. }
            | Self::LeaveHandover { .. }
            | Self::RestoreBotCategory { .. }
            | Self::MarkAsRead { .. }
            | Self::NoteUndelivered { .. }
            | Self::NotePresence { .. }
            | Self::AnnounceUser
            | Self::ResolveSignal { .. }
            | Self::Reply { .. }
            | Self::ConfirmReply { .. }
            | Self::NoteForAgents { .. }
            | Self::SweepSource { .. }
            | Self::LookAfter
            | Self::SayCounted => QueueName::ToRingcx,
            Self::FanOutQueueUpdate { .. } | Self::TellSubscriber { .. } => QueueName::QueueUpdates,
        }
    }
}

impl Job {
    /// The group within which the order is kept and one job runs at a time: one conversation, on one
    /// queue. A subscriber's troubles must not hold up the others, so each has a group of its own; nor must
    /// housekeeping hold up what people say.
    pub fn group(&self) -> String {
        match &self.work {
            Work::TellSubscriber { url, .. } => format!("{}/{}/{url}", self.connection, self.thread),
            // Who has the conversation must not wait for what the bot says, nor for a bot that hears nothing.
            Work::ApplyNews { .. } => format!("{}/{}/news", self.connection, self.thread),
            Work::LookAfter => format!("{}/{}/look", self.connection, self.thread),
            Work::ConfirmReply { content, .. } => {
                format!("{}/{}/reply/{content}", self.connection, self.thread)
            }
            Work::NoteForAgents { .. } => format!("{}/{}/note", self.connection, self.thread),
            Work::NotePresence { .. } => format!("{}/{}/presence", self.connection, self.thread),
            // One that waits for what is missing must not hold up that.
            Work::SayCounted => format!("{}/{}/counted/{}", self.connection, self.thread, self.id),
            _ => format!("{}/{}", self.connection, self.thread),
        }
    }
}

/// A job on its way into a queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    pub job: Job,
    /// A second job with the same id within the queue's window (at least 5 minutes) is dropped.
    pub deduplication_id: String,
}

impl Outgoing {
    /// A job that is unique by itself.
    pub fn new(job: Job) -> Self {
        Self {
            deduplication_id: job.id.to_string(),
            job,
        }
    }

    /// A job of which the sender may send repeats.
    pub fn deduplicated(job: Job, deduplication_id: impl Into<String>) -> Self {
        Self {
            job,
            deduplication_id: deduplication_id.into(),
        }
    }
}
