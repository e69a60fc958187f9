//! What happens to a conversation on a channel of RCE's own, and whose turn it is.

use std::time::Duration;

use jiff::SignedDuration;

use crate::Timestamp;
use crate::event::BotEvent;
use crate::handover::{Cause, Handover, HandoverRequest, HandoverStatus};
use crate::ids::{
    ConnectionId, ContentId, ConversationId, EventId, HandoverId, JobId, MessageId, SourceId, ThreadId,
};
use crate::imported::Imported;
use crate::ports::Person;
use crate::profile::UserProfile;
use crate::settings::Timers;
use crate::signal::{Signal, SignalKind};

use super::super::{Control, Conversation};
use super::{AgentReported, Answerable, MaySpeak, Native, OwnIntervention, Pending, keep_last};

/// How many of the person's contents are remembered to be answered.
const ANSWERABLE: usize = 5;
/// How many of the person's messages are remembered to be put in order. More are told as they came.
const PENDING: usize = 100;
/// How many of the person's messages to agents are remembered.
const UNANSWERED: usize = 20;
/// How many contents are remembered that the person took back before the bot knew them.
const TAKEN_BACK: usize = 20;
/// How long the bot's words wait for what is reported of an agent to have its turn: a little longer than a job that somebody had in
/// hand when they were killed is out of sight (two minutes).
const REPORT_WAITS: SignedDuration = SignedDuration::from_secs(150);
/// When a bot is watched again after agents could not be reached either.
const AGENTS_AGAIN: SignedDuration = SignedDuration::from_mins(5);
const AGENTS_AGAIN_AT_MOST: SignedDuration = SignedDuration::from_hours(6);
/// Longest list of kinds of structured content.
const CAPABILITIES: usize = 20;

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
        native.somebody_spoke(now);
        if !self.is_answered(imported) {
            self.customer_wrote(now);
        }
        if self.control == Control::Bot
            && let Some(native) = self.native.as_mut()
        {
            native.awaits_bot(now);
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
        native.awaits_bot(now);
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
        let is_answered = self.is_answered(imported);
        if let Some(native) = self.native.as_mut().filter(|_| !is_answered) {
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

    /// A handover is over. What the person said since the agents were done is the bot's; where no agent answered, all that
    /// they said.
    pub(in crate::conversation) fn agents_leave_to_bot(&mut self, at_ringcx: Timestamp, now: Timestamp) {
        let answered = self.is_answered_by_agents();
        let Some(native) = self.native.as_mut() else {
            return;
        };
        native.end_untold = true;
        if answered {
            native.answered_until = native.answered_until.max(Some(at_ringcx));
        }
        let unanswered = std::mem::take(&mut native.unanswered);
        let is_left = |said: &Pending| native.answered_until.is_none_or(|until| said.issued_at >= until);
        let left: Vec<Pending> = unanswered.into_iter().filter(is_left).collect();
        for said in left {
            native.left_to_bot.push(said.content.clone());
            // What is said from now on comes after it.
            native.pending.push(said);
        }
        keep_last(&mut native.left_to_bot, UNANSWERED);
        keep_last(&mut native.pending, PENDING);
        if !native.pending.is_empty() {
            native.awaits_bot(now);
        }
    }

    /// The agents were to have it because of the bot, and RCE would not have it. The bot is watched again after as long as the person
    /// has waited already.
    pub(in crate::conversation) fn nobody_was_reached(&mut self, now: Timestamp) {
        let by_ringcx_clock = self.by_ringcx_clock(now);
        let bots_failure = self
            .handover
            .as_ref()
            .is_some_and(|it| it.cause.is_bots_failure());
        let Some(native) = self.native.as_mut().filter(|_| bots_failure) else {
            return;
        };
        let said = native.answerable.last().and_then(|said| said.issued_at);
        let waited = said.map_or(SignedDuration::ZERO, |said| by_ringcx_clock.duration_since(said));
        let again = waited.clamp(AGENTS_AGAIN, AGENTS_AGAIN_AT_MOST);
        native.awaits_bot_since = now.checked_add(again).ok();
    }

    /// The bot could not be told: whoever has the conversation then has it.
    pub fn bot_cannot_be_told(&mut self, content: &ContentId) {
        let in_handover = self.in_handover();
        if let Some(native) = self.native.as_mut().filter(|_| in_handover) {
            let pending = native.pending.iter().map(|it| (&it.content, Some(it.issued_at)));
            let heard = native.answerable.iter().map(|it| (&it.content, it.issued_at));
            let said = pending.chain(heard).find(|(id, _)| *id == content);
            if let Some(issued_at) = said.and_then(|(_, issued_at)| issued_at)
                && native.unanswered.iter().all(|it| it.content != *content)
            {
                native.unanswered.push(Pending {
                    content: content.clone(),
                    issued_at,
                });
                native.unanswered.sort_by_key(|it| it.issued_at);
                keep_last(&mut native.unanswered, UNANSWERED);
            }
        }
        self.nobody_is_told(content);
    }

    /// An agent closed an intervention, whether or not that ended the handover: what the person had said by then is theirs.
    pub fn agents_closed(&mut self, said: Timestamp, now: Timestamp) {
        let over = self.no_later_than_now(said, now);
        if let Some(native) = self.native.as_mut() {
            native.answered_until = native.answered_until.max(Some(over));
            native.unanswered.retain(|waits| waits.issued_at >= over);
        }
    }

    /// Whether an agent ended the last handover, and had answered: RCE closes only what was answered, and cancels only what was
    /// not.
    fn is_answered_by_agents(&self) -> bool {
        self.handover.as_deref().is_some_and(|handover| {
            handover.status == HandoverStatus::Completed
                && handover.outcome.as_deref() != Some(Cause::AgentCancelled.as_str())
                && handover.accepted_at.is_some()
        })
    }

    /// What the bot has to be told now that it has the conversation again; it is asked for once.
    pub fn take_what_agents_left(&mut self) -> Vec<ContentId> {
        self.native
            .as_mut()
            .map(|native| std::mem::take(&mut native.left_to_bot))
            .unwrap_or_default()
    }

    /// An agent wrote, at this time by RCE's clock: what the person had said by then is answered.
    pub(in crate::conversation) fn agents_answered(&mut self, said: Timestamp, now: Timestamp) {
        let said = self.no_later_than_now(said, now);
        let Some(native) = self.native.as_mut() else {
            return;
        };
        native.answered_until = native.answered_until.max(Some(said));
        native.unanswered.retain(|waits| waits.issued_at > said);
        if !native.unanswered.is_empty()
            && let Some(handover) = self.handover.as_mut()
        {
            handover.unanswered_since.get_or_insert(now);
        }
    }

    /// RCE reports an agent. Until that has its turn, the bot's words wait.
    pub fn agent_is_reported(&mut self, signal: &Signal, now: Timestamp) {
        let is_news = match &signal.kind {
            SignalKind::Exported { .. } | SignalKind::UnderIntervention => {
                self.is_news_of_agents(signal) && !self.is_old_news(signal)
            }
            _ => true,
        };
        let Some(native) = self.native.as_mut() else {
            return;
        };
        let mut own = native.own_interventions.iter();
        let is_bots = own.any(|own| own.agent.is_some() && own.agent == signal.agent);
        if self.control != Control::Active && !is_bots && is_news {
            native.agent_reported = Some(AgentReported {
                event: signal.event.clone(),
                at: now,
            });
        }
    }

    /// Whether a content hints at agents of whom nobody told us. It may be reported long after it was written: what names an
    /// intervention that is known to be over, or the one of a handover that is being tidied up, hints at nobody.
    pub(in crate::conversation) fn is_news_of_agents(&self, signal: &Signal) -> bool {
        let (Some(native), Some(intervention)) = (self.native.as_deref(), &signal.intervention) else {
            return false;
        };
        let is_said = |content| native.said(content).is_some();
        let is_bots = match signal.kind {
            SignalKind::UnderIntervention => native.own(intervention).is_some(),
            _ => signal.kind.content().is_some_and(is_said),
        };
        let is_over = native.of_nobody.contains(intervention) || self.was_over_before(Some(intervention));
        let of_last = self.handover.as_ref().and_then(|it| it.intervention.as_ref());
        let may_be = match self.control {
            // One that we do not know may be what we are about to end.
            Control::Bot => of_last.map_or(self.is_tidy(), |last| last != intervention),
            // Who reopened it need not be an agent: only an agent's own words tell.
            Control::Requested | Control::Queued => signal.kind != SignalKind::UnderIntervention,
            // Another agent may have come since.
            Control::Active => {
                signal.kind != SignalKind::UnderIntervention
                    && of_last.is_some_and(|last| last != intervention)
            }
            Control::Ended => false,
        };
        may_be && !is_bots && !is_over
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
    pub(in crate::conversation) fn silent_at(&self, timers: &Timers) -> Option<Timestamp> {
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

    /// When nobody will have said anything for so long that the bot's own intervention is over.
    pub(in crate::conversation) fn quiet_at(&self, timers: &Timers) -> Option<Timestamp> {
        let limit = Some(timers.bot_intervention_idle).filter(|limit| *limit > Duration::ZERO)?;
        let since = self.native.as_ref()?.open_intervention()?.quiet_since?;
        (self.control == Control::Bot)
            .then(|| since.checked_add(limit).ok())
            .flatten()
    }

    /// The bot's own intervention, if nobody has said anything for long.
    pub fn quiet_intervention(&self, timers: &Timers, now: Timestamp) -> Option<&OwnIntervention> {
        self.quiet_at(timers).filter(|at| *at <= now)?;
        self.native.as_ref()?.open_intervention()
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

    /// Whether agents had this before them, who answered since or ended the handover, or that of an earlier one: who closes has
    /// read all that was said before. Where the time does not tell, the intervention does that it is under.
    pub fn was_said_to_agents(&self, imported: &Imported) -> bool {
        let until = self.native.as_deref().and_then(|native| native.answered_until);
        let is_tie = until.is_some_and(|until| imported.issued_at <= until);
        self.is_answered(imported) || is_tie && self.was_over_before(imported.intervention.as_ref())
    }

    /// Whether agents answered after this was said. RCE dates contents in whole seconds: then they may have been written at the end
    /// of the second.
    fn is_answered(&self, imported: &Imported) -> bool {
        let said = imported.issued_at;
        let at_the_latest = if said.subsec_nanosecond() == 0 {
            said.saturating_add(SignedDuration::from_secs(1)).unwrap_or(said)
        } else {
            said
        };
        let until = self.native.as_deref().and_then(|native| native.answered_until);
        until.is_some_and(|until| at_the_latest < until)
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
        Cause::Loop => {
            "The customer and the bot have answered each other more often within an hour than people do. A program may be \
             answering the bot."
        }
        Cause::ReplyRefused => "The bot's answer could not be delivered.",
        _ => "The bot cannot help.",
    }
}
