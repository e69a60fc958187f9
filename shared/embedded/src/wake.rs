use std::sync::Arc;

use handover_core::job::QueueName;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

/// Queues on which something became receivable.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wakes([bool; QueueName::ALL.len()]);

impl Wakes {
    pub(crate) fn add(&mut self, queue: QueueName) {
        self.0[index(queue)] = true;
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine |= theirs;
        }
    }
}

/// Where workers of this process wait for news of their queue.
#[derive(Debug, Default)]
pub(crate) struct Wakers([Arc<Notify>; QueueName::ALL.len()]);

impl Wakers {
    pub(crate) fn wake(&self, wakes: Wakes) {
        for (waker, wake) in self.0.iter().zip(wakes.0) {
            if wake {
                waker.notify_waiters();
            }
        }
    }

    pub(crate) fn woken(&self, queue: QueueName) -> OwnedNotified {
        Arc::clone(&self.0[index(queue)]).notified_owned()
    }
}

fn index(queue: QueueName) -> usize {
    match queue {
        QueueName::ToBot => 0,
        QueueName::ToRingcx => 1,
        QueueName::QueueUpdates => 2,
    }
}
