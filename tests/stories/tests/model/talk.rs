//! What the model knows of a conversation: what was promised, and what really happened at the desk.

use std::collections::BTreeMap;

use handover_core::Timestamp;
use simulated_ringcx::Content;

/// A message of the customer or the bot that was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) text: String,
    /// It is on its way to RCE in any case.
    pub(crate) forwarded: bool,
}

/// One conversation. All times are ours.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    pub(crate) id: String,
    pub(crate) said: Vec<Said>,
    /// What agents wrote, in order.
    pub(crate) replies: Vec<Content>,
    /// How many of them reached us.
    pub(crate) arrived: usize,
    /// When the bot asked for which handover.
    pub(crate) asked: BTreeMap<u64, Timestamp>,
    /// When the customer or the bot ended one.
    pub(crate) left: Vec<Timestamp>,
    /// When agents did what ends a handover.
    pub(crate) closed: Vec<Timestamp>,
    /// When agents did what begins one.
    pub(crate) engaged: Vec<Timestamp>,
    /// Somebody moved the thread to the agents by hand.
    pub(crate) moved: bool,
}

impl Talk {
    pub(crate) fn new(number: usize) -> Self {
        Self {
            id: format!("c{number}"),
            ..Self::default()
        }
    }
}
