//! The model: who answers the person, the number of the handover, and what is known to be over.

use std::collections::HashMap;

use handover_core::Timestamp;
use handover_core::ids::InterventionId;
use handover_core::signal::{Signal, SignalKind};

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
    /// When we heard of the beginning.
    pub(crate) heard: Timestamp,
    /// Beginnings and ends of the handovers that are over, by RCE's clock.
    pub(crate) over: Vec<(Timestamp, Timestamp)>,
    /// When the last work of agents ended that was no handover as far as we heard.
    over_with_bot: Option<Timestamp>,
    /// The intervention of the handover that is under way.
    intervention: Option<InterventionId>,
    /// Up to when news of an intervention is old.
    interventions: HashMap<InterventionId, Timestamp>,
}

impl Model {
    pub(crate) fn begin(&mut self, began: Timestamp, heard: Timestamp) {
        self.epoch += 1;
        (self.agent_answers, self.under_way) = (true, true);
        (self.began, self.heard) = (began, heard);
        self.intervention = None;
    }

    pub(crate) fn end(&mut self, ended: Timestamp, agent_still_answers: bool) {
        (self.agent_answers, self.under_way) = (agent_still_answers, false);
        self.over.push((self.began, ended));
        if let Some(intervention) = self.intervention.clone() {
            self.interventions.insert(intervention, ended);
        }
    }

    pub(crate) fn last_end(&self) -> Option<Timestamp> {
        self.over.last().map(|(_, ended)| *ended).max(self.over_with_bot)
    }

    pub(crate) fn effect(&self, signal: &Signal) -> Effect {
        if self.is_old(signal) {
            return Effect::Nothing;
        }
        let names_one = signal.intervention.is_some();
        let ends = matches!(signal.kind, SignalKind::Closed | SignalKind::Cancelled);
        match (&signal.kind, self.under_way) {
            (SignalKind::Note | SignalKind::ExportFailed { .. }, _) => Effect::Nothing,
            (_, true) if ends => Effect::Ends,
            (_, true) => Effect::Detail,
            (
                SignalKind::AgentJoined | SignalKind::MovedToAgents | SignalKind::Reopened { by_agent: true },
                false,
            ) => Effect::Begins,
            // Remembered, in case what came before is heard of only now.
            (_, false) if ends => Effect::Detail,
            (SignalKind::Reopened { by_agent: false }, false) if names_one => Effect::Detail,
            (_, false) => Effect::Nothing,
        }
    }

    fn is_old(&self, signal: &Signal) -> bool {
        let over = signal
            .intervention
            .as_ref()
            .and_then(|id| self.interventions.get(id));
        let since = if self.under_way {
            Some(self.began)
        } else {
            self.last_end()
        };
        match over {
            None if self.under_way => signal.issued_at < self.began,
            over => Some(signal.issued_at) <= over.copied().max(since),
        }
    }

    /// What the conversation remembers of a report that was no old news.
    pub(crate) fn heard(&mut self, signal: &Signal, effect: Effect) {
        let ends = matches!(signal.kind, SignalKind::Closed | SignalKind::Cancelled);
        if ends && effect == Effect::Detail {
            self.over_with_bot = self.over_with_bot.max(Some(signal.issued_at));
        }
        let Some(intervention) = signal.intervention.clone().filter(|_| effect != Effect::Nothing) else {
            return;
        };
        let (reopened, ended) = (
            matches!(signal.kind, SignalKind::Reopened { by_agent: true }),
            matches!(signal.kind, SignalKind::Closed | SignalKind::Cancelled),
        );
        let names_agents = matches!(signal.kind, SignalKind::AgentJoined | SignalKind::AgentChanged);
        let reopened_by_customer = matches!(signal.kind, SignalKind::Reopened { by_agent: false });
        let with_bot = !self.under_way && effect == Effect::Detail;
        if reopened || (ended || reopened_by_customer) && with_bot {
            self.interventions.insert(intervention.clone(), signal.issued_at);
        }
        let names_ours = reopened || ended || names_agents || reopened_by_customer;
        if names_ours && !with_bot || effect == Effect::Begins {
            self.intervention = Some(intervention);
        }
    }
}
