//! The thread's way to the agents and back is ours. Until its end is known, the Agent category is no sign of agents.
//!
//! RCE may do much later what it was asked for, even if nobody waits for its answer any more.

use jiff::SignedDuration;

use crate::Timestamp;

use super::Conversation;

/// How long after an attempt without an answer RCE may still do what it was asked for.
const LANDS_WITHIN: SignedDuration = SignedDuration::from_secs(30);

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

    /// What had no answer has happened by now, or never will. Returns the handover after which the thread is to be put back
    /// once more; `None`: there is nothing to do.
    pub fn has_landed(&mut self, now: Timestamp) -> Option<u32> {
        self.lands_by.take_if(|by| *by <= now)?;
        if self.in_handover() {
            return None;
        }
        let epoch = self.epoch();
        self.tidied_epoch = self.tidied_epoch.min(epoch.saturating_sub(1));
        Some(epoch)
    }

    /// When to look whether it has. In a handover the thread belongs where it was to go.
    pub(super) fn lands_at(&self) -> Option<Timestamp> {
        self.lands_by.filter(|_| !self.in_handover())
    }
}
