//! A conversation on a channel of RCE's own: what the person said that the bot does not know yet, what the bot said that
//! the person may not have got yet, and how long the bot has been silent. What happens to it
//! is in `rules`; how fast they talk with each other, in `turns`.

mod rules;
mod turns;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::ids::{
    AgentId, AttachmentId, ContentId, EventId, IdentityId, InterventionId, JobId, MessageId, SourceId,
};

use super::Counted;
pub use turns::Turns;

/// How many of the bot's contents are remembered.
const SAID: usize = 20;
/// How many contents are remembered that may be a reply.
const ECHOES: usize = 10;
/// How many of the bot's own interventions are remembered.
const OWN_INTERVENTIONS: usize = 20;
/// How long it may take to open an intervention.
const ENGAGES_WITHIN: SignedDuration = SignedDuration::from_secs(30);

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
    /// When an agent last answered, or ended a conversation that they had answered, by RCE's clock. What was said before is theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_until: Option<Timestamp>,
    /// What the agents left to the bot, until it is put behind the news of the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_to_bot: Vec<ContentId>,
    /// Since when the person waits for the bot. In the future: from when on a silent bot is watched again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaits_bot_since: Option<Timestamp>,
    /// A handover is over, and the bot is not told yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub end_untold: bool,
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
    /// How often the person answered the bot lately.
    #[serde(default, skip_serializing_if = "Turns::is_none")]
    pub turns: Turns,
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
    /// When the person or the bot said something last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_since: Option<Timestamp>,
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
            answered_until: None,
            left_to_bot: Vec::new(),
            awaits_bot_since: None,
            end_untold: false,
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
            turns: Turns::default(),
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

    /// Whether the bot may be opening one at this moment.
    pub fn is_engaging(&self, now: Timestamp) -> bool {
        self.engaging_since
            .is_some_and(|since| now.duration_since(since) < ENGAGES_WITHIN)
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

    /// RCE has a part of a reply, which it dates `at`.
    pub fn took(
        &mut self,
        job: &JobId,
        message: &MessageId,
        content: ContentId,
        at: Timestamp,
        now: Timestamp,
    ) {
        self.bot_spoke(message, at);
        let replying = self.reply_of(job);
        replying.tried = None;
        replying.done.push(content.clone());
        self.echoes.clear();
        for own in self.own_interventions.iter_mut().filter(|own| !own.over) {
            own.replied = true;
        }
        self.somebody_spoke(now);
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
    pub fn engaged(&mut self, id: InterventionId, agent: Option<AgentId>, now: Timestamp) {
        self.engaging_since = None;
        if self.own(&id).is_none_or(|own| own.over) {
            self.own_interventions.retain(|own| own.id != id);
            self.own_interventions.push(OwnIntervention {
                id,
                agent,
                over: false,
                replied: false,
                quiet_since: Some(now),
            });
            keep_last(&mut self.own_interventions, OWN_INTERVENTIONS);
        }
    }

    /// The person's words opened the bot's intervention again.
    pub fn reopened(&mut self, id: &InterventionId, now: Timestamp) {
        for own in self.own_interventions.iter_mut().filter(|own| own.id == *id) {
            own.over = false;
            own.quiet_since = Some(now);
        }
    }

    /// The person or the bot: the bot's intervention is not quiet.
    pub fn somebody_spoke(&mut self, now: Timestamp) {
        for own in self.own_interventions.iter_mut().filter(|own| !own.over) {
            own.quiet_since = Some(now);
        }
    }

    /// The person waits for the bot, from now on if not before.
    pub(super) fn awaits_bot(&mut self, now: Timestamp) {
        let since = self.awaits_bot_since.map_or(now, |since| since.min(now));
        self.awaits_bot_since = Some(since);
    }

    /// RCE has none of the bot's open.
    pub fn none_is_open(&mut self) {
        self.engaging_since = None;
        for own in &mut self.own_interventions {
            own.over = true;
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

fn keep_last<T>(items: &mut Vec<T>, count: usize) {
    let surplus = items.len().saturating_sub(count);
    items.drain(..surplus);
}
