use std::time::Duration;

/// What the bridge counts about itself. Never names a conversation, a person or a text.
pub trait Metrics: Send + Sync {
    fn record(&self, measured: Measured);
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
    Delivered { latency: Duration },
    /// A repeat was recognised and had no effect.
    DuplicateDropped,
    /// An attempt failed; `kind` is the stable word for why.
    Failed { kind: &'static str },
    /// A job was put aside for good.
    DeadLettered,
}

/// Counts nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMetrics;

impl Metrics for NoMetrics {
    fn record(&self, _: Measured) {}
}
