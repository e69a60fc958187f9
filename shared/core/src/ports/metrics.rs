use std::time::Duration;

use crate::ids::ConnectionId;
use crate::job::QueueName;

/// What the bridge counts about itself. Never names a conversation, a person or a text.
///
/// Called while somebody waits, so it takes microseconds, and it cannot fail.
pub trait Metrics: Send + Sync {
    /// `connection`: where it happened.
    fn record(&self, connection: &ConnectionId, measured: Measured);
}

/// Something that happened and is worth a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measured {
    /// A handover was accepted, or begun by an agent.
    HandoverRequested,
    /// RCE has it: the agents see the conversation.
    HandoverStarted,
    /// It is over, however it ended. `in_queue`: how long the person waited for an agent.
    HandoverEnded { in_queue: Duration },
    /// A message or an event reached the other side, `latency` after it was accepted.
    Delivered { to: Side, latency: Duration },
    /// A repeat was recognised and had no effect.
    DuplicateDropped,
    /// An attempt failed; `kind` is the stable word for why.
    Failed { kind: &'static str },
    /// A job was put aside for good.
    DeadLettered,
    /// A job was worked on once; `outcome` is `done`, `retry`, `wait` or `dead_letter`.
    Worked { queue: QueueName, outcome: &'static str },
    /// RCE was called. `outcome` is `ok`, or the stable word for what was wrong.
    Called {
        api: Api,
        operation: &'static str,
        outcome: &'static str,
        took: Duration,
    },
    /// A REST call was not made, because the account's budget is used up for this long.
    HeldBack { wait: Duration },
}

/// Where something was delivered to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Bot,
    RingCx,
}

impl Side {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::RingCx => "ringcx",
        }
    }
}

/// The part of RCE that was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// Messages.
    Send,
    /// Everything else.
    Rest,
}

impl Api {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Rest => "rest",
        }
    }
}

/// Counts nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMetrics;

impl Metrics for NoMetrics {
    fn record(&self, _: &ConnectionId, _: Measured) {}
}
