//! The thread's way to the agents and back is ours. Until its end is known, the Agent category is no sign of agents.
//!
//! RCE may do much later what it was asked for, even if nobody waits for its answer any more.

use jiff::SignedDuration;

use crate::Timestamp;

use super::Conversation;

/// How long after an attempt without an answer RCE may still do what it was asked for.
const LANDS_WITHIN: SignedDuration = SignedDuration::from_secs(30);

/// Where RCE may have moved the thread against what is right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landed {
    /// After this handover it is to be put back once more.
    BeforeAgents { epoch: u32 },
    /// In this handover it is to be moved to the agents once more.
    Back { epoch: u32 },
}

impl Conversation {
    /// Whether the thread was put back after the last handover and stays there, as far as we are concerned. Before, it is with
    /// the agents because we moved it there, and whatever anybody does to its categories we shall undo.
    pub fn is_tidy(&self) -> bool {
        self.tidied_epoch >= self.epoch() && self.lands_by.is_none()
    }

    /// Whether the thread came before the agents while the current or last handover was under way.
    pub fn was_moved(&self) -> bool {
        self.handover.as_ref().is_some_and(|handover| handover.moved)
    }

    /// An attempt to move the thread to the agents had no answer.
    pub fn may_move_late(&mut self, now: Timestamp) {
        self.lands_by = Some(now.saturating_add(LANDS_WITHIN).unwrap_or(now));
    }

    /// An attempt to put the thread back had no answer.
    pub fn may_go_back_late(&mut self, now: Timestamp) {
        self.goes_back_by = Some(now.saturating_add(LANDS_WITHIN).unwrap_or(now));
    }

    /// What had no answer has happened by now, or never will. `None`: there is nothing to do.
    pub fn has_landed(&mut self, now: Timestamp) -> Option<Landed> {
        let to_agents = self.lands_by.take_if(|by| *by <= now).is_some();
        let back = self.goes_back_by.take_if(|by| *by <= now).is_some();
        let epoch = self.epoch();
        if self.in_handover() {
            // Who has not moved it yet will do so.
            return (back && self.was_moved()).then_some(Landed::Back { epoch });
        }
        if to_agents {
            self.tidied_epoch = self.tidied_epoch.min(epoch.saturating_sub(1));
        }
        to_agents.then_some(Landed::BeforeAgents { epoch })
    }

    /// When to look whether it has. Where the thread was to go anyway nobody has to look.
    pub(super) fn lands_at(&self) -> Option<Timestamp> {
        if self.in_handover() {
            self.goes_back_by
        } else {
            self.lands_by
        }
    }
}
