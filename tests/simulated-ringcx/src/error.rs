//! Why the desk refuses, and why a raw request could not be sent.

use std::fmt;

/// Why an action at the desk is impossible.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DeskError {
    /// There is no such thread, agent or content.
    NotFound(String),
    /// Agents do not see this thread, or the platform's rules forbid the action.
    Forbidden(String),
    /// Not in this state.
    Conflict(String),
    /// The request itself is wrong.
    Invalid(String),
}

impl DeskError {
    /// The status and the name of the error over HTTP.
    pub(crate) fn status(&self) -> (u16, &'static str) {
        match self {
            Self::NotFound(_) => (404, "not_found"),
            Self::Forbidden(_) => (403, "forbidden"),
            Self::Conflict(_) => (409, "conflict"),
            Self::Invalid(_) => (422, "validation_error"),
        }
    }
}

impl fmt::Display for DeskError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::NotFound(text) | Self::Forbidden(text) | Self::Conflict(text) | Self::Invalid(text)) =
            self;
        formatter.write_str(text)
    }
}

impl std::error::Error for DeskError {}

/// Why a request to the bridge has no answer.
#[derive(Clone, Debug)]
pub enum SendError {
    /// `set_bridge` was not called yet.
    NoBridge,
    /// The connection failed, or the answer took too long.
    Transport(String),
}

impl fmt::Display for SendError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBridge => formatter.write_str("the simulation does not know the bridge's address yet"),
            Self::Transport(text) => formatter.write_str(text),
        }
    }
}

impl std::error::Error for SendError {}
