//! Places in the queue: which of them the bot is told.

use std::time::Duration;

use crate::Timestamp;
use crate::queue_update::QueueUpdate;

use super::{Control, Conversation};

/// A place in the queue is worth telling this long even if a newer one is known.
const QUEUE_UPDATE_FRESH: Duration = Duration::from_secs(1);

impl Conversation {
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

    /// Whether handover `epoch` waits for an agent.
    pub fn waits_with(&self, epoch: u32) -> bool {
        self.epoch() == epoch && matches!(self.control, Control::Requested | Control::Queued)
    }

    /// How long the person waited for an agent in the current or last handover.
    pub fn time_in_queue(&self) -> Duration {
        let (queued_ms, _) = self.durations_ms();
        Duration::from_millis(queued_ms)
    }
}
