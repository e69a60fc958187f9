//! Why the console did not do what it was asked, in words for the person who asked.

use std::error::Error;
use std::fmt;

use handover_core::ports::RingCxError;
use serde_json::Value;

use crate::answer::Answer;

/// Longest of RCE's own sentences that is passed on, in characters.
const SAID_MAX: usize = 300;

/// A call that was not done.
#[derive(Debug)]
pub struct ConsoleError {
    /// What was to be done, as a verb with its object.
    pub operation: &'static str,
    /// RCE's own sentence, for the administrator; never for decisions, since it is localised.
    pub said: Option<String>,
    pub error: RingCxError,
}

impl fmt::Display for ConsoleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.operation, self.error)?;
        match &self.said {
            Some(said) => write!(f, " – RingCentral says: {said}"),
            None => Ok(()),
        }
    }
}

impl Error for ConsoleError {
    /// What is below: the error itself is part of the text, and who prints the chain would say it twice.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

impl ConsoleError {
    pub fn new(operation: &'static str, error: RingCxError) -> Self {
        Self {
            operation,
            said: None,
            error,
        }
    }

    pub(super) fn refused(operation: &'static str, error: RingCxError, answer: &Answer) -> Self {
        let envelope: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let said = envelope
            .as_ref()
            .and_then(|envelope| envelope.get("message")?.as_str())
            .map(|text| text.chars().filter(|c| !c.is_control()).take(SAID_MAX).collect());
        Self {
            operation,
            said,
            error,
        }
    }

    /// An answer that is not what the pages describe.
    pub(super) fn unreadable(operation: &'static str) -> Self {
        Self::new(operation, RingCxError::Unavailable { status: 200 })
    }

    /// A list that does not end.
    pub(super) fn endless(operation: &'static str) -> Self {
        let mut error = Self::unreadable(operation);
        error.said = Some("the list does not end".to_owned());
        error
    }

    /// Whether the token is not accepted, or its account lacks a right. RCE answers 403 for both.
    pub fn is_forbidden(&self) -> bool {
        matches!(
            self.error,
            RingCxError::NotPermitted { .. } | RingCxError::SecretRefused { .. }
        )
    }

    pub fn is_not_found(&self) -> bool {
        matches!(self.error, RingCxError::NotFound)
    }

    /// Whether RCE refuses what was said (422 and the like): asking again is of no use.
    pub fn is_refusal(&self) -> bool {
        matches!(self.error, RingCxError::Refused { .. })
    }

    /// Whether RCE, or the way to it, is in trouble: asking again helps, and it is unknown whether it was done.
    pub fn is_passing(&self) -> bool {
        use handover_core::retry::Disposition;
        // A wrong secret may become right while a bridge waits; somebody at a terminal has a better idea.
        !matches!(
            self.error.disposition(),
            Disposition::Reject | Disposition::RetryWhileYoung
        )
    }
}
