//! A conversation on a channel of RCE's own: what the person said that the bot does not know yet, what the bot said that
//! the person may not have got yet, and how long the bot has been silent.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::event::BotEvent;
use crate::handover::{Cause, Handover, HandoverRequest, HandoverStatus};
use crate::ids::{
    AgentId, AttachmentId, ConnectionId, ContentId, ConversationId, EventId, HandoverId, IdentityId,
    InterventionId, JobId, MessageId, SourceId, ThreadId,
};
use crate::imported::Imported;
use crate::ports::Person;
use crate::profile::UserProfile;
use crate::settings::Timers;
use crate::signal::Signal;

use super::{Control, Conversation, Counted};

/// How many of the person's contents are remembered to be answered.
const ANSWERABLE: usize = 5;
/// How many of the person's messages are remembered to be put in order. More are told as they came.
const PENDING: usize = 100;
/// How many of the person's messages to agents are remembered.
const UNANSWERED: usize = 20;
/// How many contents are remembered that the person took back before the bot knew them.
const TAKEN_BACK: usize = 20;
/// How many of the bot's contents are remembered.
const SAID: usize = 20;
/// How many contents are remembered that may be a reply.
const ECHOES: usize = 10;
/// How long an agent who was reported may wait for a bot that does not answer.
const REPORT_WAITS: SignedDuration = SignedDuration::from_mins(1);
/// How many of the bot's own interventions are remembered.
const OWN_INTERVENTIONS: usize = 20;
/// Longest list of kinds of structured content.
const CAPABILITIES: usize = 20;

/// What is known of a conversation only on a channel of RCE's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Native {
    pub source: SourceId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_type: Option<String>,
    /// Who the person is at RCE. A thread may be given to another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<IdentityId>,
    /// The structured content that may be sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// What the person said last, oldest first: a reply answers one of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answerable: Vec<Answerable>,
    /// What the person said and the bot was not told yet, as it was reported.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<Pending>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken_back: Vec<ContentId>,
    /// What the person said while the agents had the conversation and no agent has answered, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unanswered: Vec<Pending>,
    /// What the agents left to the bot, until it is told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_to_bot: Vec<ContentId>,
    /// Since when the person waits for the bot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaits_bot_since: Option<Timestamp>,
    /// The bot was told something that it has not reacted to.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub told: bool,
    /// RCE was asked who the person is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub person_known: bool,
    /// The reply that is on its way to RCE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replying: Option<Replying>,
    /// What RCE took of the bot's words, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<Said>,
    /// Contents that RCE reported while it was not known whether it had a reply: one of them may be it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub echoes: Vec<ContentId>,
    /// Agents' interventions, as it looked, that turned out to be over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub of_nobody: Vec<InterventionId>,
    /// RCE reported an agent, and that waits for its turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_reported: Option<AgentReported>,
    /// The bot opens one, and it is not known yet which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engaging_since: Option<Timestamp>,
    /// Those that the bot opened: what RCE reports of them is no news.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own_interventions: Vec<OwnIntervention>,
    /// What the bot says by Chatlayer's webhook channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chatlayer: Option<Counted>,
}

/// A content that can be answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answerable {
    pub content: ContentId,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
    /// When RCE reported it, by its clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_at: Option<Timestamp>,
}

/// A message of the person that the bot was not told yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    pub content: ContentId,
    pub issued_at: Timestamp,
}

/// An agent of whom RCE reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentReported {
    pub event: EventId,
    pub at: Timestamp,
}

/// A reply on its way, stored before it is sent: RCE recognises no repeats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replying {
    pub job: JobId,
    /// What RCE took of it so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<ContentId>,
    /// It is not known whether RCE has the next part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried: Option<Tried>,
    /// What became of its files; nothing until all were uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<UploadedFiles>,
    /// Other ways than the usual one that were taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub detours: Vec<Detour>,
}

/// A part that was sent, or was going to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    pub at: Timestamp,
    /// RCE answered that it takes nothing now: whatever it did, it is done with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub answered: bool,
}

/// Files of a reply that RCE has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadedFiles {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<AttachmentId>,
    /// Pictures of structured content, by their address.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pictures: BTreeMap<String, AttachmentId>,
    /// What is said in place of those that may not pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
}

/// What else helps where RCE refuses a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detour {
    /// The same as text.
    Text,
    /// The thread was opened.
    Open,
    /// Without the mark that it is private, where nothing is ever public.
    Unmarked,
    /// An intervention was opened.
    Engage,
    /// As an answer to what the person said before.
    Earlier,
}

/// A content of the bot's that RCE took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    pub content: ContentId,
    pub message: MessageId,
    pub outcome: Delivered,
    /// What follows from a failure was done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub settled: bool,
}

/// Whether the person got it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivered {
    Unknown,
    Yes,
    No,
}

/// An intervention that the bot opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnIntervention {
    pub id: InterventionId,
    /// As whom it was opened. An agent may take it over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub over: bool,
    /// The bot replied in it: then it is closed, else cancelled.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replied: bool,
}

/// Whether a reply may still be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaySpeak {
    Yes,
    /// Agents have the conversation: two voices would be one too many.
    AgentsHaveIt,
}

impl Native {
    fn new(source: SourceId) -> Self {
        Self {
            source,
            source_type: None,
            person: None,
            capabilities: Vec::new(),
            answerable: Vec::new(),
            pending: Vec::new(),
            taken_back: Vec::new(),
            unanswered: Vec::new(),
            left_to_bot: Vec::new(),
            awaits_bot_since: None,
            told: false,
            person_known: false,
            replying: None,
            said: Vec::new(),
            echoes: Vec::new(),
            of_nobody: Vec::new(),
            agent_reported: None,
            engaging_since: None,
            own_interventions: Vec::new(),
            chatlayer: None,
        }
    }

    /// Whether something that the person said before this is not told yet.
    pub fn is_ahead(&self, content: &ContentId, issued_at: Timestamp) -> bool {
        let earlier = |other: &Pending| other.content != *content && other.issued_at < issued_at;
        self.pending.iter().any(earlier)
    }

    /// Whether the person took it back before the bot was told.
    pub fn is_taken_back(&self, content: &ContentId) -> bool {
        self.taken_back.contains(content)
    }

    /// What a reply answers: what the bot names, else what the person said last. `earlier`: something else than that.
    pub fn answers(&self, named: Option<&ContentId>, earlier: bool) -> Option<&Answerable> {
        let mut newest_first = self.answerable.iter().rev();
        if earlier {
            return newest_first.nth(1);
        }
        let named = named.and_then(|named| self.answerable.iter().find(|it| it.content == *named));
        named.or_else(|| newest_first.next())
    }

    /// A content of the bot's.
    pub fn said(&self, content: &ContentId) -> Option<&Said> {
        self.said.iter().find(|said| said.content == *content)
    }

    /// The bot's own intervention, by its id.
    pub fn own(&self, intervention: &InterventionId) -> Option<&OwnIntervention> {
        self.own_interventions.iter().find(|own| own.id == *intervention)
    }

    /// The one that is open.
    pub fn open_intervention(&self) -> Option<&OwnIntervention> {
        self.own_interventions.iter().find(|own| !own.over)
    }

    /// The progress of a reply.
    pub fn reply_of(&mut self, job: &JobId) -> &mut Replying {
        let another = self.replying.as_ref().is_none_or(|replying| replying.job != *job);
        if another {
            self.replying = None;
        }
        self.replying.get_or_insert_with(|| Replying {
            job: job.clone(),
            done: Vec::new(),
            tried: None,
            files: None,
            detours: Vec::new(),
        })
    }

    /// RCE has a part of a reply.
    pub fn took(&mut self, job: &JobId, message: &MessageId, content: ContentId) {
        let replying = self.reply_of(job);
        replying.tried = None;
        replying.done.push(content.clone());
        self.echoes.clear();
        for own in self.own_interventions.iter_mut().filter(|own| !own.over) {
            own.replied = true;
        }
        self.said.push(Said {
            content,
            message: message.clone(),
            outcome: Delivered::Unknown,
            settled: false,
        });
        keep_last(&mut self.said, SAID);
    }

    /// RCE knows whether the person got it. Returns whose message it was if that is news.
    pub fn delivered(&mut self, content: &ContentId, outcome: Delivered) -> Option<MessageId> {
        let said = self.said.iter_mut().find(|said| said.content == *content)?;
        // A success is not taken back by a late word of its first attempt.
        if said.outcome == outcome || said.outcome == Delivered::Yes {
            return None;
        }
        said.outcome = outcome;
        Some(said.message.clone())
    }

    /// RCE reported a content that went out, or was written. It may be the reply whose answer was lost.
    pub fn echoed(&mut self, content: &ContentId) {
        let is_sought = self
            .replying
            .as_ref()
            .is_some_and(|replying| replying.tried.is_some());
        if is_sought && self.said(content).is_none() && !self.echoes.contains(content) {
            self.echoes.push(content.clone());
            keep_last(&mut self.echoes, ECHOES);
        }
    }

    /// What follows from a failure is done now. `false`: it was, or there is nothing that failed.
    pub fn settle_failure(&mut self, content: &ContentId) -> bool {
        let failed =
            |said: &&mut Said| said.content == *content && said.outcome == Delivered::No && !said.settled;
        match self.said.iter_mut().find(failed) {
            Some(said) => {
                said.settled = true;
                true
            }
            None => false,
        }
    }

    /// An intervention that is not the bot's is over, so that its name on a content tells nothing.
    pub fn is_of_nobody(&mut self, intervention: &InterventionId) {
        if !self.of_nobody.contains(intervention) {
            self.of_nobody.push(intervention.clone());
            keep_last(&mut self.of_nobody, OWN_INTERVENTIONS);
        }
    }

    /// The bot opened an intervention.
    pub fn engaged(&mut self, id: InterventionId, agent: Option<AgentId>) {
        self.engaging_since = None;
        if self.own(&id).is_none_or(|own| own.over) {
            self.own_interventions.retain(|own| own.id != id);
            self.own_interventions.push(OwnIntervention {
                id,
                agent,
                over: false,
                replied: false,
            });
            keep_last(&mut self.own_interventions, OWN_INTERVENTIONS);
        }
    }

    /// The bot's intervention is over. An agent who took it has it: it is not the bot's own any more.
    pub fn left(&mut self, id: &InterventionId, taken: bool) {
        if taken {
            self.own_interventions.retain(|own| own.id != *id);
        }
        for own in self.own_interventions.iter_mut().filter(|own| own.id == *id) {
            own.over = true;
        }
    }
}

impl Conversation {
    /// A conversation on a channel of RCE's own begins. Its id is RCE's id of the thread.
    pub fn on_native_channel(
        connection: ConnectionId,
        thread: &ThreadId,
        source: SourceId,
        now: Timestamp,
    ) -> Self {
        let mut conversation = Self::new(connection, ConversationId::new(thread.as_str()), now);
        conversation.rce_thread = Some(thread.clone());
        conversation.mirrored = true;
        conversation.native = Some(Box::new(Native::new(source)));
        conversation
    }

    /// RCE reports that the person wrote. The bot is told afterwards, in the order of what was said.
    pub fn customer_reported(&mut self, imported: &Imported, now: Timestamp) {
        let Some(native) = self.native.as_mut() else {
            return;
        };
        native.source = imported.source.clone();
        if imported.source_type.is_some() {
            native.source_type.clone_from(&imported.source_type);
        }
        let known = native.pending.iter().any(|it| it.content == imported.content);
        if known {
            return;
        }
        native.pending.push(Pending {
            content: imported.content.clone(),
            issued_at: imported.issued_at,
        });
        keep_last(&mut native.pending, PENDING);
        self.customer_wrote(now);
        if self.control == Control::Bot
            && let Some(native) = self.native.as_mut()
        {
            native.awaits_bot_since.get_or_insert(now);
        }
    }

    /// The person took back what the bot was not told yet. `false`: the bot knows it, or will.
    pub fn customer_took_back(&mut self, content: &ContentId) -> bool {
        let Some(native) = self.native.as_mut() else {
            return false;
        };
        let waits = native.pending.iter().any(|pending| pending.content == *content);
        if waits {
            native.pending.retain(|pending| pending.content != *content);
            native.taken_back.push(content.clone());
            keep_last(&mut native.taken_back, TAKEN_BACK);
            self.nobody_waits_if_nothing_is_pending();
        }
        waits
    }

    /// The bot is being told, so that it can be answered. Another author than before is another person.
    pub fn customer_is_heard(&mut self, imported: &Imported, person: Option<&Person>, now: Timestamp) {
        let Some(native) = self.native.as_mut() else {
            return;
        };
        native
            .pending
            .retain(|pending| pending.content != imported.content);
        if !imported.capabilities.is_empty() {
            native.capabilities.clone_from(&imported.capabilities);
            native.capabilities.truncate(CAPABILITIES);
        }
        let known = native.answerable.iter().any(|it| it.content == imported.content);
        if !known {
            native.answerable.push(Answerable {
                content: imported.content.clone(),
                private: imported.private,
                issued_at: Some(imported.issued_at),
            });
            keep_last(&mut native.answerable, ANSWERABLE);
        }
        native.told = true;
        native.awaits_bot_since.get_or_insert(now);
        if native.person != imported.author {
            native.person.clone_from(&imported.author);
            native.person_known = false;
            self.user = UserProfile::default();
        }
        if let Some(person) = person {
            native.person_known = true;
            self.user.update(person.profile.clone());
        }
        // Other ids may change, or be a telephone number.
        self.user.id = imported.author.as_ref().map(|id| id.as_str().to_owned());
    }

    /// The agents have it: the bot is not told unless they leave it to the bot.
    pub fn agents_are_told(&mut self, imported: &Imported) {
        if let Some(native) = self.native.as_mut() {
            let known = native.unanswered.iter().any(|it| it.content == imported.content);
            if !known {
                native.unanswered.push(Pending {
                    content: imported.content.clone(),
                    issued_at: imported.issued_at,
                });
                keep_last(&mut native.unanswered, UNANSWERED);
            }
        }
        self.nobody_is_told(&imported.content);
    }

    /// A handover is over. What the person said since the agents were done is the bot's; where agents never came to it, all
    /// that nobody answered.
    pub(super) fn agents_leave_to_bot(&mut self, agents_ended_it: bool, at_ringcx: Timestamp) {
        let Some(native) = self.native.as_mut() else {
            return;
        };
        let unanswered = std::mem::take(&mut native.unanswered);
        let left = unanswered
            .into_iter()
            .filter(|said| !agents_ended_it || said.issued_at >= at_ringcx);
        native.left_to_bot.extend(left.map(|said| said.content));
        keep_last(&mut native.left_to_bot, UNANSWERED);
    }

    /// What the bot has to be told now that it has the conversation again; it is asked for once.
    pub fn take_what_agents_left(&mut self) -> Vec<ContentId> {
        self.native
            .as_mut()
            .map(|native| std::mem::take(&mut native.left_to_bot))
            .unwrap_or_default()
    }

    /// An agent answered what the person had said.
    pub(super) fn agents_answered(&mut self) {
        if let Some(native) = self.native.as_mut() {
            native.unanswered.clear();
        }
    }

    /// RCE reports an agent. Until that has its turn, the bot's words wait.
    pub fn agent_is_reported(&mut self, signal: &Signal, now: Timestamp) {
        let Some(native) = self.native.as_mut() else {
            return;
        };
        let mut own = native.own_interventions.iter();
        let is_bots = native.engaging_since.is_some()
            || own.any(|own| own.agent.is_some() && own.agent == signal.agent);
        if self.control != Control::Active && !is_bots {
            native.agent_reported = Some(AgentReported {
                event: signal.event.clone(),
                at: now,
            });
        }
    }

    /// What RCE reported had its turn.
    pub fn had_its_turn(&mut self, event: &EventId) {
        if let Some(native) = self.native.as_mut() {
            native.agent_reported.take_if(|reported| reported.event == *event);
        }
    }

    /// Whether an agent may have the conversation, which is not decided yet.
    pub fn may_be_with_agent(&self, now: Timestamp) -> bool {
        let native = self.native.as_deref();
        let reported = native.and_then(|native| native.agent_reported.as_ref());
        reported.is_some_and(|reported| now.duration_since(reported.at) < REPORT_WAITS)
    }

    /// It was not the person's, or the agents have it: the bot is not told.
    pub fn nobody_is_told(&mut self, content: &ContentId) {
        if let Some(native) = self.native.as_mut() {
            native.pending.retain(|pending| pending.content != *content);
        }
        self.nobody_waits_if_nothing_is_pending();
    }

    fn nobody_waits_if_nothing_is_pending(&mut self) {
        if let Some(native) = self
            .native
            .as_mut()
            .filter(|it| it.pending.is_empty() && !it.told)
        {
            native.awaits_bot_since = None;
        }
    }

    /// The bot answered, or asked for a human, or says that there is nothing to answer.
    pub fn bot_reacted(&mut self) {
        if let Some(native) = self.native.as_mut() {
            native.awaits_bot_since = None;
            native.told = false;
        }
    }

    /// The bot is still at it.
    pub fn bot_is_at_it(&mut self, now: Timestamp) {
        if let Some(waits) = self
            .native
            .as_mut()
            .and_then(|native| native.awaits_bot_since.as_mut())
        {
            *waits = now;
        }
    }

    /// Whether the bot may say to the person what was accepted in handover `epoch`, or after it. A notice may be said to
    /// somebody who waits for an agent, until one is there.
    pub fn may_speak(&self, epoch: u32, notice: bool) -> MaySpeak {
        let asked_by_bot = self.handover.as_ref().is_some_and(|it| it.cause == Cause::Bot);
        let waits = matches!(self.control, Control::Requested | Control::Queued);
        // What was accepted before the bot asked for an agent goes before that.
        let said_before = self.epoch() > epoch && asked_by_bot;
        match self.control {
            Control::Bot | Control::Ended => MaySpeak::Yes,
            _ if waits && (notice || said_before) => MaySpeak::Yes,
            _ => MaySpeak::AgentsHaveIt,
        }
    }

    /// When the bot will have been silent for too long.
    pub(super) fn silent_at(&self, timers: &Timers) -> Option<Timestamp> {
        let limit = Some(timers.bot_silent).filter(|limit| *limit > Duration::ZERO)?;
        let since = self.native.as_ref()?.awaits_bot_since?;
        (self.control == Control::Bot)
            .then(|| since.checked_add(limit).ok())
            .flatten()
    }

    /// Whether the bot has been silent for too long by now.
    pub fn is_bot_silent(&self, timers: &Timers, now: Timestamp) -> bool {
        self.silent_at(timers).is_some_and(|at| at <= now)
    }

    /// Nobody answers the person: the agents do. `None`: they have it already.
    pub fn bot_fails(&mut self, cause: Cause, id: HandoverId, now: Timestamp) -> Option<(u32, BotEvent)> {
        if self.control != Control::Bot || self.native.is_none() {
            return None;
        }
        let request = HandoverRequest {
            reason: Some(explanation(cause).to_owned()),
            ..HandoverRequest::default()
        };
        let epoch = self.begin(id, request, cause, None, now);
        Some((epoch, BotEvent::HandoverBegun { cause }))
    }

    /// Whether the agents have yet to read why they have the conversation.
    pub fn is_note_due(&self) -> bool {
        let due = |handover: &Handover| {
            !handover.noted && (handover.request.reason.is_some() || handover.request.summary.is_some())
        };
        self.native.is_some() && self.handover.as_deref().is_some_and(due)
    }

    /// They can read it now. `false`: that is no news.
    pub fn note_is_left(&mut self, epoch: u32) -> bool {
        let handover = self.handover.as_mut().filter(|it| it.epoch == epoch && !it.noted);
        let Some(handover) = handover else {
            return false;
        };
        handover.noted = true;
        true
    }

    /// Whether the person said this to agents, who ended the handover since. RCE dates contents in whole seconds: then they may
    /// have been written at the end of the second.
    pub fn was_said_to_agents(&self, said: Timestamp) -> bool {
        let whole = said.subsec_nanosecond() == 0;
        let at_the_latest = if whole {
            said.saturating_add(SignedDuration::from_secs(1)).unwrap_or(said)
        } else {
            said
        };
        let had_it = |handover: &Handover| {
            handover.status == HandoverStatus::Completed && handover.accepted_at.is_some()
        };
        self.handover.as_deref().is_some_and(had_it)
            && self.last_end.is_some_and(|end| at_the_latest < end)
            && self.began_at_ringcx().is_some_and(|began| said >= began)
    }

    /// The message of the bot that is known by this id towards RCE was said already.
    pub fn was_said(&self, message: &MessageId, job: &JobId) -> bool {
        self.native.as_ref().is_some_and(|native| {
            native.said.iter().any(|said| said.message == *message)
                && native
                    .replying
                    .as_ref()
                    .is_none_or(|replying| replying.job != *job)
        })
    }
}

/// What the agents read.
fn explanation(cause: Cause) -> &'static str {
    match cause {
        Cause::BotSilent => "The bot has not answered.",
        Cause::BotUnreachable => "The bot could not be reached.",
        Cause::ReplyRefused => "The bot's answer could not be delivered.",
        _ => "The bot cannot help.",
    }
}

fn keep_last<T>(items: &mut Vec<T>, count: usize) {
    let surplus = items.len().saturating_sub(count);
    items.drain(..surplus);
}
