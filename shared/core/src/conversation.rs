//! Who has the conversation, and what may happen next.
//!
//! ```text
//!            request_handover          handover_started / waiting      agent joins or writes
//!    bot ───────────────────▶ requested ──────────────▶ queued ──────────────▶ active
//!     ▲  ╲                        │                        │                      │
//!     │   ╲ agent writes unasked  │ fails, is cancelled    │ is cancelled         │ agent closes
//!     │    ╲─────────────────────────────────────────────────────▶ active         ▼
//!     ╰──────────────────────────────────────────────────────────────────────── ended
//! ```
//!
//! `ended` lasts until the thread is back in the Bot category, a few seconds at most; then the bot
//! resumes. Every handover has a number, its *epoch*. News of an older epoch changes nothing.
//!
//! All methods are pure: they take what happened and the time, change the value and say what must be
//! told. Writing and sending is the caller's work.

mod agents;
mod numbering;

use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::event::BotEvent;
use crate::handover::{Cause, Handover, HandoverRequest, HandoverStatus};
use crate::ids::{
    ConnectionId, ConversationId, ForeignThreadId, HandoverId, InterventionId, JobId, ThreadId,
};
use crate::profile::UserProfile;
use crate::queue_update::QueueUpdate;

/// How far RCE's clock may be behind ours before an event of a fresh handover looks like old news.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(2);
/// How far it may be behind when an agent's message is matched to the conversation that it belongs to.
const LATE_MESSAGE_SKEW: SignedDuration = SignedDuration::from_mins(1);
/// A place in the queue is worth telling this long even if a newer one is known.
const QUEUE_UPDATE_FRESH: Duration = Duration::from_secs(1);
/// Jobs whose events are remembered after they were put aside.
const PUT_ASIDE: usize = 20;
/// Interventions that ended here, remembered to recognise late news about them.
const ENDED_INTERVENTIONS: usize = 20;

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// The bot answers.
    Bot,
    /// A handover was accepted, RCE is being told.
    Requested,
    /// Waiting for an agent.
    Queued,
    /// An agent answers.
    Active,
    /// The agent is done; the thread is on its way back to the Bot category.
    Ended,
}

/// Who answers the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handler {
    Bot,
    Agent,
}

impl Handler {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Agent => "agent",
        }
    }
}

/// What the bot platform calls this conversation, where that differs from our ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_token: Option<String>,
}

/// An intervention that was over when an earlier handover ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedIntervention {
    pub id: InterventionId,
    pub at: Timestamp,
}

/// Events that have their numbers and are being delivered by one job.
///
/// It is stored before the first attempt, so that an attempt after a crash sends the same events with
/// the same numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InFlight {
    pub job: JobId,
    pub epoch: u32,
    pub first_seq: u64,
    pub events: Vec<BotEvent>,
    /// After `events` comes the agent's message that the job carries; it is not stored twice.
    #[serde(default)]
    pub then_message: bool,
    /// How many the bot has taken already.
    #[serde(default)]
    pub delivered: usize,
    /// That these events were accepted is in the timeline.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub noted: bool,
}

/// A conversation between a person and a bot, and sometimes an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    pub connection: ConnectionId,
    pub id: ConversationId,
    pub thread: ForeignThreadId,
    pub started_at: Timestamp,
    pub control: Control,
    /// The current handover, or the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handover: Option<Handover>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rce_thread: Option<ThreadId>,
    #[serde(default)]
    pub user: UserProfile,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Something of this conversation was sent to RCE, so its thread exists there.
    #[serde(default)]
    pub mirrored: bool,
    /// When the last handover ended, by the clock of whoever ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_end: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended_interventions: Vec<EndedIntervention>,
    /// Up to this epoch the RCE side is known to be put back.
    #[serde(default)]
    pub tidied_epoch: u32,
    /// The handover that an agent closed, until its end is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    pub next_seq: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<InFlight>,
    /// Events that were put aside with their job: whoever sends it again sends the same events under the same
    /// numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub put_aside: Vec<InFlight>,
}

/// An end that is being carried out by one job: category first, then the bot is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    pub job: JobId,
    pub epoch: u32,
    pub event: BotEvent,
    /// The bot is told by then, whatever RCE does.
    pub deadline: Timestamp,
}

/// Answer to a handover request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandoverDecision {
    /// A new handover begins.
    Begins { epoch: u32 },
    /// One is under way already.
    Running { epoch: u32 },
}

/// What becomes of an agent's message.
#[derive(Clone, Debug, PartialEq)]
pub enum AgentMessageDecision {
    /// Tell the bot these events, then the message. `begins`: the agent took the conversation over.
    Deliver {
        epoch: u32,
        before: Vec<BotEvent>,
        begins: bool,
    },
    /// The bot has the conversation and agents may not take it over.
    Refuse,
}

/// What a signal changed.
#[derive(Clone, Debug, PartialEq)]
pub enum SignalDecision {
    /// Nothing; why, in a few words for the timeline.
    Ignored(&'static str),
    /// A line in the timeline, maybe a state, nothing to tell.
    Noted,
    /// Tell the bot.
    Tell {
        epoch: u32,
        events: Vec<BotEvent>,
        begins: bool,
    },
    /// The handover is over: put the thread back, then tell the bot.
    Ended { epoch: u32, event: BotEvent },
}

impl Conversation {
    pub fn new(connection: ConnectionId, id: ConversationId, now: Timestamp) -> Self {
        Self {
            connection,
            thread: ForeignThreadId::of(&id),
            id,
            started_at: now,
            control: Control::Bot,
            handover: None,
            rce_thread: None,
            user: UserProfile::default(),
            platform: None,
            mirrored: false,
            last_end: None,
            ended_interventions: Vec::new(),
            tidied_epoch: 0,
            ending: None,
            next_seq: 1,
            in_flight: None,
            put_aside: Vec::new(),
        }
    }

    /// Number of the current or last handover; 0 before the first.
    pub fn epoch(&self) -> u32 {
        self.handover.as_ref().map_or(0, |h| h.epoch)
    }

    pub fn handler(&self) -> Handler {
        match self.control {
            Control::Bot => Handler::Bot,
            Control::Requested | Control::Queued | Control::Active | Control::Ended => Handler::Agent,
        }
    }

    /// Whether handover `epoch` is under way.
    pub fn is_under_way(&self, epoch: u32) -> bool {
        self.epoch() == epoch && self.in_handover()
    }

    fn in_handover(&self) -> bool {
        matches!(
            self.control,
            Control::Requested | Control::Queued | Control::Active
        )
    }

    /// The person wrote. If the agent is done already, the bot answers at once: nobody waits for a category.
    /// Returns whether that changed anything.
    pub fn customer_wrote(&mut self) -> bool {
        let resumes = self.control == Control::Ended;
        if resumes {
            self.control = Control::Bot;
        }
        resumes
    }

    /// The bot asks for a human.
    pub fn request_handover(
        &mut self,
        id: HandoverId,
        request: HandoverRequest,
        now: Timestamp,
    ) -> HandoverDecision {
        if self.in_handover() {
            return HandoverDecision::Running { epoch: self.epoch() };
        }
        let epoch = self.begin(id, request, Cause::Bot, now);
        self.control = Control::Requested;
        HandoverDecision::Begins { epoch }
    }

    /// `began`: by RCE's clock if an agent began it, so that what they did next is not taken for old news
    /// however late we hear of both.
    fn begin(&mut self, id: HandoverId, request: HandoverRequest, cause: Cause, began: Timestamp) -> u32 {
        let epoch = self.epoch() + 1;
        self.handover = Some(Handover {
            id,
            epoch,
            status: HandoverStatus::Requested,
            cause,
            request,
            requested_at: began,
            briefed: false,
            queued_at: None,
            accepted_at: None,
            ended_at: None,
            outcome: None,
            agent: None,
            agent_signed_as: None,
            intervention: None,
            queue: None,
            queue_told: None,
        });
        epoch
    }

    /// The thread is in the Agent category now. `false`: that handover is not under way any more.
    pub fn handover_started(&mut self, epoch: u32, thread: ThreadId, now: Timestamp) -> bool {
        self.rce_thread = Some(thread);
        if !self.is_under_way(epoch) {
            return false;
        }
        self.waits(now);
        true
    }

    fn waits(&mut self, since: Timestamp) {
        if self.control != Control::Requested {
            return;
        }
        self.control = Control::Queued;
        if let Some(handover) = self.handover.as_mut() {
            handover.status = HandoverStatus::Queued;
            handover.queued_at = Some(since);
        }
    }

    /// RCE refused the handover for good. `None`: it is not under way any more.
    pub fn handover_failed(&mut self, epoch: u32, reason: &str, now: Timestamp) -> Option<BotEvent> {
        if !self.is_under_way(epoch) {
            return None;
        }
        self.control = Control::Bot;
        self.finish(HandoverStatus::Failed, reason, now, now);
        Some(BotEvent::HandoverFailed {
            reason: reason.to_owned(),
        })
    }

    /// The person or the bot ends the handover; the bot has the conversation at once. `None`: there is
    /// none to end.
    pub fn cancel(&mut self, cause: Cause, now: Timestamp) -> Option<BotEvent> {
        if !self.in_handover() {
            return None;
        }
        self.control = Control::Bot;
        self.finish(HandoverStatus::Cancelled, cause_name(cause), now, now);
        Some(BotEvent::HandoverCancelled { cause })
    }

    /// The thread is back in the Bot category, or it was waited for long enough. Returns whether that
    /// changed anything.
    pub fn resume(&mut self, epoch: u32) -> bool {
        let resumes = self.control == Control::Ended && self.epoch() == epoch;
        if resumes {
            self.control = Control::Bot;
        }
        resumes
    }

    /// A place in the queue. Returns the epoch if it is news for somebody who still waits.
    pub fn queue_update(&mut self, update: QueueUpdate) -> Option<u32> {
        if !matches!(self.control, Control::Requested | Control::Queued) {
            return None;
        }
        self.waits(update.at);
        let handover = self.handover.as_mut()?;
        if !update.supersedes(handover.queue.as_ref()) {
            return None;
        }
        handover.queue = Some(update);
        Some(handover.epoch)
    }

    /// Whether the bot should still be told this place in the queue; notes that it was told.
    ///
    /// An update that had to wait behind others is dropped when a newer one follows it.
    pub fn tell_queue(&mut self, epoch: u32, update: QueueUpdate, now: Timestamp) -> bool {
        if !self.waits_with(epoch) {
            return false;
        }
        let Some(handover) = self.handover.as_mut() else {
            return false;
        };
        let newer_follows = handover.queue.is_some_and(|newest| newest.at > update.at);
        let waited_long = now > update.at + QUEUE_UPDATE_FRESH;
        let told = handover
            .queue_told
            .is_some_and(|told| told.at >= update.at || told.same_figures(&update));
        if told || (newer_follows && waited_long) {
            return false;
        }
        handover.queue_told = Some(update);
        true
    }

    /// Whether the current handover was waiting before agents at that time, and still does.
    pub fn waited_at(&self, time: Timestamp) -> bool {
        let since = self.handover.as_ref().and_then(|handover| handover.queued_at);
        self.control == Control::Queued && since.is_some_and(|since| since < time)
    }

    /// Whether handover `epoch` waits for an agent.
    pub fn waits_with(&self, epoch: u32) -> bool {
        self.epoch() == epoch && matches!(self.control, Control::Requested | Control::Queued)
    }

    /// How long the person waited for an agent in the current or last handover.
    pub fn time_in_queue(&self) -> Duration {
        let (queued_ms, _) = self.handover.as_ref().map_or((0, 0), Handover::durations_ms);
        Duration::from_millis(queued_ms)
    }

    fn finish(&mut self, status: HandoverStatus, outcome: &str, now: Timestamp, by_their_clock: Timestamp) {
        self.last_end = Some(by_their_clock);
        let Some(handover) = self.handover.as_mut() else {
            return;
        };
        handover.status = status;
        handover.outcome = Some(outcome.to_owned());
        handover.ended_at = Some(now);
        if let Some(id) = handover.intervention.clone() {
            self.intervention_ended(id, by_their_clock);
        }
    }

    /// Remembers an intervention that is over, so that late news about it is recognised.
    pub fn intervention_ended(&mut self, id: InterventionId, at: Timestamp) {
        self.ended_interventions.retain(|e| e.id != id);
        self.ended_interventions.push(EndedIntervention { id, at });
        let surplus = self.ended_interventions.len().saturating_sub(ENDED_INTERVENTIONS);
        self.ended_interventions.drain(..surplus);
    }
}

/// Whether one time is before another by more than `skew`. RCE's times come from outside: to the ends of time
/// nothing can be added.
fn is_before(earlier: Timestamp, later: Timestamp, skew: SignedDuration) -> bool {
    later.duration_since(earlier) > skew
}

/// The outcome as the bot API shows it.
pub fn cause_name(cause: Cause) -> &'static str {
    match cause {
        Cause::Bot => "bot",
        Cause::Agent => "agent",
        Cause::AgentClosed => "agent_closed",
        Cause::AgentCancelled => "agent_cancelled",
        Cause::UserCancelled => "user_cancelled",
        Cause::BotEnded => "bot_ended",
    }
}
