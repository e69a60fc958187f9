//! The model: who answers the person, and the number of the handover.

use handover_core::Timestamp;
use handover_core::signal::SignalKind;

/// What a report should lead to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Not a single change.
    Nothing,
    /// Neither owner nor epoch change; details may.
    Detail,
    Begins,
    Ends,
}

#[derive(Default)]
pub(crate) struct Model {
    pub(crate) epoch: u32,
    /// Who answers is the agent from the beginning until the bot resumes; under way it is until the end.
    pub(crate) agent_answers: bool,
    pub(crate) under_way: bool,
    pub(crate) began: Timestamp,
    /// Beginnings and ends of the handovers that are over, by RCE's clock.
    pub(crate) over: Vec<(Timestamp, Timestamp)>,
}

impl Model {
    pub(crate) fn begin(&mut self, began: Timestamp) {
        self.epoch += 1;
        (self.agent_answers, self.under_way, self.began) = (true, true, began);
    }

    pub(crate) fn end(&mut self, ended: Timestamp, agent_still_answers: bool) {
        (self.agent_answers, self.under_way) = (agent_still_answers, false);
        self.over.push((self.began, ended));
    }

    pub(crate) fn last_end(&self) -> Option<Timestamp> {
        self.over.last().map(|(_, ended)| *ended)
    }

    pub(crate) fn effect(&self, kind: &SignalKind, issued: Timestamp) -> Effect {
        match kind {
            SignalKind::Reopened { by_agent: true } if !self.under_way => {
                let news = self.last_end().is_none_or(|end| issued > end);
                if news { Effect::Begins } else { Effect::Nothing }
            }
            SignalKind::Reopened { .. } => Effect::Nothing,
            _ if !self.under_way || issued < self.began => Effect::Nothing,
            SignalKind::Closed | SignalKind::Cancelled => Effect::Ends,
            _ => Effect::Detail,
        }
    }
}
