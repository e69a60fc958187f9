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
//!
//! | module | owns the rules about |
//! |---|---|
//! | `conversation` | what the bot and the person do: ask, cancel, write, resume |
//! | `agents` | agents who write, join, change |
//! | `signals` | what RCE reports: what is an end, what is a takeover, what only RCE itself can say |
//! | `news` | which news is about an earlier handover; two clocks |
//! | `aftermath` | summaries, surveys and deferrals: whose they are, and what was told already |
//! | `moves` | what we ask RCE to do with the thread's categories and may not know the end of |
//! | `native` | channels of RCE's own: what the bot must hear, what the person must get, a bot that is silent |
//! | `counted` | messages of a bot that come in any order and have a counter |
//! | `person` | what the bot's platform calls the person, and whether they are there |
//! | `places` | places in the queue |
//! | `timers` | ends that nobody brings about, and when to look again |
//! | `numbering` | numbers of events |

mod aftermath;
mod agents;
mod counted;
mod moves;
mod native;
mod news;
mod numbering;
mod person;
mod places;
mod signals;
mod timers;

pub use counted::{Came, Counted, GAP, Held, Next};
pub use moves::Landed;
pub use native::{
    AgentReported, Answerable, Delivered, Detour, MaySpeak, Native, OwnIntervention, Pending, Replying, Said,
    Tried, Turns, UploadedFiles,
};
pub use person::{Platform, Presence, RELOAD};
pub use signals::{Doubt, SignalDecision, SignalPolicy};
pub use timers::{NOBODY_LOOKS, TimerDecision};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::aftermath::SummaryVersion;
use crate::event::BotEvent;
use crate::handover::{Cause, Handover, HandoverRequest, HandoverStatus};
use crate::ids::{
    ConnectionId, ConversationId, ForeignThreadId, HandoverId, InterventionId, JobId, ThreadId,
};
use crate::profile::UserProfile;

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

/// An intervention that was over when an earlier handover ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedIntervention {
    pub id: InterventionId,
    pub at: Timestamp,
    /// The handover that it was part of, as far as we know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u32>,
    /// Our side ended that handover: RCE closes the intervention because we do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_us: bool,
    /// The summary of it that the bot was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summarised: Option<SummaryVersion>,
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
    /// When they happened. An operator who sends a job again does so later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// RCE's thread as it was known then: every attempt tells the same of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rce_thread: Option<ThreadId>,
    pub events: Vec<BotEvent>,
    /// After `events` comes the agent's message that the job carries; it is not stored twice.
    #[serde(default)]
    pub then_message: bool,
    /// How many the bot has taken already.
    #[serde(default)]
    pub delivered: usize,
    /// How many parts of the next one it has taken, on a platform that takes some events in several calls.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub parts: usize,
    /// That these events were accepted is in the timeline.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub noted: bool,
    /// The next part is being asked of a bot that must not be asked twice, and nothing is known of it yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asking: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks like that")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// A conversation between a person and a bot, and sometimes an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    pub connection: ConnectionId,
    pub id: ConversationId,
    pub thread: ForeignThreadId,
    pub started_at: Timestamp,
    pub control: Control,
    /// The current handover, or the last one. Boxed: it is large, and conversations are handed around.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handover: Option<Box<Handover>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rce_thread: Option<ThreadId>,
    #[serde(default)]
    pub user: UserProfile,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Whether the person is there, where their platform tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence: Option<Presence>,
    /// What there is only on a channel of RCE's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<Box<Native>>,
    /// Something of this conversation was sent to RCE, so its thread exists there.
    #[serde(default)]
    pub mirrored: bool,
    /// When the last handover ended, by RCE's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_end: Option<Timestamp>,
    /// How far RCE's clock was ahead of ours when it last answered.
    #[serde(default, skip_serializing_if = "SignedDuration::is_zero")]
    pub ringcx_ahead: SignedDuration,
    /// When somebody should look after the running handover: a timer, or RCE may know more than we do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended_interventions: Vec<EndedIntervention>,
    /// Up to this epoch the RCE side is known to be put back.
    #[serde(default)]
    pub tidied_epoch: u32,
    /// Until when RCE may move the thread to the agents because of an attempt without an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lands_by: Option<Timestamp>,
    /// Until when RCE may put the thread back because of such an attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goes_back_by: Option<Timestamp>,
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
    /// The thread's way to the agents was at its end. Otherwise RCE may be at it, and what puts the thread back has to come behind
    /// that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub moved: bool,
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
            presence: None,
            native: None,
            mirrored: false,
            last_end: None,
            ringcx_ahead: SignedDuration::ZERO,
            look_at: None,
            ended_interventions: Vec::new(),
            tidied_epoch: 0,
            lands_by: None,
            goes_back_by: None,
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

    /// Who has the conversation by the time that a message of the bot has its turn. On a channel of RCE's own that is after the
    /// thread is put back.
    pub fn handler_of_words(&self) -> Handler {
        match self.control {
            Control::Ended if self.native.is_some() => Handler::Bot,
            _ => self.handler(),
        }
    }

    /// Whether handover `epoch` is under way.
    pub fn is_under_way(&self, epoch: u32) -> bool {
        self.epoch() == epoch && self.in_handover()
    }

    /// How long the person waited, and talked to an agent, in the current or last handover; in milliseconds.
    fn durations_ms(&self) -> (u64, u64) {
        self.handover
            .as_ref()
            .map_or((0, 0), |handover| handover.durations_ms())
    }

    fn in_handover(&self) -> bool {
        matches!(
            self.control,
            Control::Requested | Control::Queued | Control::Active
        )
    }

    /// The person wrote. If the agent is done already, the bot answers at once: nobody waits for a category.
    pub fn customer_wrote(&mut self, now: Timestamp) {
        match self.control {
            Control::Ended => self.control = Control::Bot,
            Control::Active => {
                if let Some(handover) = self.handover.as_mut() {
                    handover.unanswered_since.get_or_insert(now);
                }
            }
            Control::Bot | Control::Requested | Control::Queued => {}
        }
    }

    /// The bot asks for a human.
    pub fn request_handover(
        &mut self,
        id: HandoverId,
        request: HandoverRequest,
        now: Timestamp,
    ) -> HandoverDecision {
        self.bot_reacted();
        if self.in_handover() {
            return HandoverDecision::Running { epoch: self.epoch() };
        }
        let epoch = self.begin(id, request, Cause::Bot, None, now);
        HandoverDecision::Begins { epoch }
    }

    /// `began`: by RCE's clock, if somebody at RCE began it: the time of what they did, so that what they did next is
    /// not taken for old news however late we hear of both.
    fn begin(
        &mut self,
        id: HandoverId,
        request: HandoverRequest,
        cause: Cause,
        began: Option<Timestamp>,
        now: Timestamp,
    ) -> u32 {
        let epoch = self.epoch() + 1;
        // Whoever began it: from now on the person waits for the agents.
        self.bot_reacted();
        self.goes_back_by = self.goes_back_by.filter(|by| *by > now);
        self.control = Control::Requested;
        self.handover = Some(Box::new(Handover {
            id,
            epoch,
            status: HandoverStatus::Requested,
            cause,
            request,
            requested_at: now,
            began_at_ringcx: began,
            started_at_ringcx: None,
            briefed: false,
            noted: false,
            moved: false,
            queued_at: None,
            accepted_at: None,
            ended_at: None,
            outcome: None,
            agent: None,
            agent_as_of: None,
            agent_spoke_at: None,
            unanswered_since: None,
            warned_of: None,
            looked_at: None,
            agent_signed_as: None,
            intervention: None,
            queue: None,
            queue_told: None,
            deferred_at: None,
            reactivated_at: None,
            summary: None,
            rating: None,
        }));
        epoch
    }

    /// The thread is in the Agent category now; `moved_at` is when, if RCE's answer showed that. `false`: that
    /// handover is not under way any more.
    pub fn handover_started(
        &mut self,
        epoch: u32,
        thread: ThreadId,
        moved_at: Option<Timestamp>,
        now: Timestamp,
    ) -> bool {
        self.rce_thread = Some(thread);
        let moved_at = moved_at.and_then(|said| self.learn_clock(said, now));
        if !self.is_under_way(epoch) {
            return false;
        }
        self.waits(now);
        let ahead = self.ringcx_ahead;
        if let Some(handover) = self.handover.as_mut() {
            handover.moved = true;
            handover.started_at_ringcx = handover.started_at_ringcx.or(moved_at);
            if handover.cause == Cause::Bot && moved_at.is_some() {
                // It was noted by a clock that we did not know then.
                handover.began_at_ringcx = handover.requested_at.checked_add(ahead).ok();
            }
        }
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
        self.end_here(HandoverStatus::Failed, reason, now);
        self.nobody_was_reached(now);
        Some(BotEvent::HandoverFailed {
            reason: reason.to_owned(),
        })
    }

    /// The person, the bot or an operator ends the handover; the bot has the conversation at once. `None`: there is
    /// none to end.
    pub fn cancel(&mut self, cause: Cause, now: Timestamp) -> Option<BotEvent> {
        if !self.in_handover() {
            return None;
        }
        self.end_here(HandoverStatus::Cancelled, cause.as_str(), now);
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

    /// Our side ends it: the bot has the conversation at once.
    fn end_here(&mut self, status: HandoverStatus, outcome: &str, now: Timestamp) {
        self.control = Control::Bot;
        self.finish(status, outcome, now, self.by_ringcx_clock(now));
    }

    fn finish(&mut self, status: HandoverStatus, outcome: &str, now: Timestamp, at_ringcx: Timestamp) {
        self.last_end = Some(at_ringcx);
        // A look that was planned for it may be under way, and leaves the plan alone when it finds it over.
        self.look_at = None;
        self.lands_by = self.lands_by.filter(|by| *by > now);
        self.turns_are_judged(status, outcome);
        let Some(handover) = self.handover.as_mut() else {
            return;
        };
        handover.status = status;
        handover.outcome = Some(outcome.to_owned());
        handover.ended_at = Some(now);
        handover.summary = None;
        let epoch = handover.epoch;
        if let Some(id) = handover.intervention.clone() {
            let ended = self.intervention_ended(id, at_ringcx);
            ended.epoch = Some(epoch);
            ended.by_us = status != HandoverStatus::Completed;
        }
        self.agents_leave_to_bot(at_ringcx, now);
    }

    /// Remembers that an intervention was over at some time by RCE's clock: what is said of it up to then is old.
    fn intervention_ended(&mut self, id: InterventionId, at: Timestamp) -> &mut EndedIntervention {
        let ended = &mut self.ended_interventions;
        let known = ended.iter().position(|known| known.id == id);
        let known = known.map(|index| ended.remove(index));
        let surplus = (ended.len() + 1).saturating_sub(ENDED_INTERVENTIONS);
        ended.drain(..surplus);
        ended.push_mut(EndedIntervention {
            id,
            at,
            epoch: known.as_ref().and_then(|known| known.epoch),
            by_us: known.as_ref().is_some_and(|known| known.by_us),
            summarised: known.and_then(|known| known.summarised),
        })
    }
}
