//! What becomes of a job.

use std::time::Duration;

use handover_core::ports::{BotError, RingCxError};
use handover_core::retry::Disposition;

/// What the queue's shell must do with a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Delete it.
    Done,
    /// Bring it back after this time.
    Retry { after: Duration },
    /// Bring it back after this time; it was not its fault and does not count as an attempt.
    Wait { after: Duration },
    /// Put it aside as a dead letter.
    Reject { reason: String },
}

impl Outcome {
    /// A stable word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retry { .. } => "retry",
            Self::Wait { .. } => "wait",
            Self::Reject { .. } => "dead_letter",
        }
    }
}

/// What one attempt came to, before its retry budget is looked at.
#[derive(Debug)]
pub(super) enum Step {
    Done,
    Again {
        after: Option<Duration>,
        why: Why,
    },
    /// Again, but only while the work is young.
    AgainWhileYoung {
        why: Why,
    },
    Wait {
        after: Duration,
    },
    Never {
        why: Why,
    },
}

/// Why something was not done: a stable word for programs, a sentence for people. Neither holds a vendor's
/// text, a name or a message.
#[derive(Clone, Debug)]
pub(super) struct Why {
    pub(super) code: &'static str,
    pub(super) detail: String,
}

impl Why {
    pub(super) fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }
}

impl From<RingCxError> for Step {
    fn from(error: RingCxError) -> Self {
        Self::of(error.disposition(), Why::new(error.code(), error.to_string()))
    }
}

impl From<BotError> for Step {
    fn from(error: BotError) -> Self {
        Self::of(error.disposition(), Why::new(error.code(), error.to_string()))
    }
}

impl Step {
    fn of(disposition: Disposition, why: Why) -> Self {
        match disposition {
            Disposition::Retry { after } => Self::Again { after, why },
            Disposition::RetryWhileYoung => Self::AgainWhileYoung { why },
            Disposition::Wait { after } => Self::Wait { after },
            Disposition::Reject => Self::Never { why },
        }
    }
}
