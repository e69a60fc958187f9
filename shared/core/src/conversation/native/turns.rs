//! The brake against talking with a program: how often in an hour the person answered the bot.
//!
//! A program that answers by itself and does not say so would talk with the bot without end. What tells it from a person
//! is its pace. All times are by RCE's clock and those of what was said, not of when we heard of it: what comes late and
//! all at once is no lively talk.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::handover::{Cause, HandoverStatus};
use crate::ids::MessageId;

use super::super::Conversation;
use super::Native;

/// How long turns are counted from the first of them, in seconds.
const HOUR: i64 = 3_600;

/// The person's turns of an hour. A turn is a message that follows one of the bot's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turns {
    /// When the bot spoke, if no turn followed it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot_spoke_at: Option<Timestamp>,
    /// The first turn of this hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    #[serde(default)]
    pub count: u32,
}

impl Turns {
    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The person said something at this time. Whether it was a turn. RCE dates contents by the second.
    fn person_spoke(&mut self, at: Timestamp) -> bool {
        let follows = |spoke: &mut Timestamp| spoke.as_second() <= at.as_second();
        if self.bot_spoke_at.take_if(follows).is_none() {
            return false;
        }
        match self.since {
            Some(since) if at.as_second() - since.as_second() < HOUR => {
                self.since = Some(since.min(at));
                self.count = self.count.saturating_add(1);
            }
            _ => {
                self.since = Some(at);
                self.count = 1;
            }
        }
        true
    }
}

impl Native {
    /// RCE has words of the bot's, which it dates so. The parts of one message are one.
    pub(super) fn bot_spoke(&mut self, message: &MessageId, at: Timestamp) {
        if self.said.last().is_none_or(|said| said.message != *message) {
            self.turns.bot_spoke_at = Some(at);
        }
    }
}

impl Conversation {
    /// The bot is about to hear what the person said at this time. Whether it is one turn too many of an hour: then it
    /// should not. `most` = 0: never.
    pub fn turns_exceed(&mut self, most: u32, said_at: Timestamp) -> bool {
        let Some(native) = self.native.as_mut() else {
            return false;
        };
        native.turns.person_spoke(said_at) && most > 0 && native.turns.count > most
    }

    /// A handover ends. Who looked at it knows whom the bot talks with, so the count begins anew.
    pub(in crate::conversation) fn turns_are_judged(&mut self, status: HandoverStatus, outcome: &str) {
        let by_people = status == HandoverStatus::Completed
            || outcome == Cause::Operator.as_str()
            || self
                .handover
                .as_deref()
                .is_some_and(|it| it.accepted_at.is_some());
        let Some(native) = self.native.as_mut() else {
            return;
        };
        if by_people {
            native.turns = Turns::default();
        } else if self.handover.as_deref().is_some_and(|it| it.cause == Cause::Loop) {
            // Nobody came. Told to the bot, it would be answered, and that answered again.
            native.unanswered.clear();
        }
    }
}

#[cfg(test)]
mod tests;
