//! Summaries, surveys and deferrals. They change nothing about who has the conversation, and the first two may come
//! long after the end.

use serde_json::Number;

use crate::aftermath::{Summary, Survey};
use crate::event::BotEvent;
use crate::handover::Agent;
use crate::signal::Signal;

use super::news::{CLOCK_SKEW, is_before};
use super::{Conversation, EndedIntervention, SignalDecision};

/// Why a summary or a survey is not told.
const NOT_OURS: &str = "it is about none of the handovers that are remembered";

impl Conversation {
    /// The handover that a summary or a survey is about: the one whose intervention it names.
    fn epoch_of(&self, signal: &Signal) -> Option<u32> {
        let named = signal.intervention.as_ref()?;
        let over = self.ended_intervention(signal).and_then(|over| over.epoch);
        let running = self.handover.as_ref().filter(|_| self.in_handover());
        let Some(handover) = running else { return over };
        let began = self.began_at_ringcx()?;
        let early = is_before(signal.issued_at, began, CLOCK_SKEW);
        let current = match &handover.intervention {
            // One that was reopened is part of two handovers.
            Some(ours) => ours == named && !(early && over.is_some()),
            // Not heard of yet: agents have one intervention of a thread at a time.
            None => self.ended_intervention(signal).is_none() && !early,
        };
        if current { Some(handover.epoch) } else { over }
    }

    fn ended_intervention(&self, signal: &Signal) -> Option<&EndedIntervention> {
        let named = signal.intervention.as_ref()?;
        self.ended_interventions.iter().find(|over| over.id == *named)
    }

    /// Told with the end; after the end, by itself.
    pub(super) fn summarised(&mut self, signal: &Signal, summary: Summary) -> SignalDecision {
        let Some(epoch) = self.epoch_of(signal) else {
            return SignalDecision::Ignored(NOT_OURS);
        };
        if self.is_under_way(epoch) {
            if let Some(handover) = self.handover.as_mut() {
                let known = handover.summary.as_ref().map(|known| &known.version);
                if known.is_none_or(|known| summary.version.replaces(known)) {
                    handover.summary = Some(summary);
                }
            }
            return SignalDecision::Noted;
        }
        let over = self
            .ended_interventions
            .iter_mut()
            .find(|over| Some(&over.id) == signal.intervention.as_ref());
        let Some(over) = over else {
            return SignalDecision::Ignored(NOT_OURS);
        };
        let told = over.summarised.as_ref();
        if told.is_some_and(|told| !summary.version.replaces(told)) {
            return SignalDecision::Noted;
        }
        let repeated = told.is_some_and(|told| told.digest == summary.version.digest);
        over.summarised = Some(summary.version);
        if repeated {
            return SignalDecision::Noted;
        }
        let summary = summary.text;
        SignalDecision::Tell {
            epoch,
            events: vec![BotEvent::HandoverSummarised { summary }],
            begins: false,
        }
    }

    /// What is known of the running handover that its end will tell.
    pub(super) fn known_of_it(&self) -> (Option<Summary>, Option<Number>) {
        let handover = self.handover.as_ref();
        handover.map_or((None, None), |handover| {
            (handover.summary.clone(), handover.rating.clone())
        })
    }

    /// The end tells a summary: the same is not told again.
    pub(super) fn tells_summary(&mut self, summary: Summary) -> String {
        let intervention = self.handover.as_ref().and_then(|h| h.intervention.as_ref());
        let mut over = self.ended_interventions.iter_mut();
        if let Some(over) = over.find(|over| Some(&over.id) == intervention) {
            over.summarised = Some(summary.version);
        }
        summary.text
    }

    pub(super) fn surveyed(&mut self, signal: &Signal, survey: &Survey) -> SignalDecision {
        let Some(epoch) = self.epoch_of(signal) else {
            return SignalDecision::Ignored(NOT_OURS);
        };
        if let Some(rating) = survey.rating.as_ref().filter(|_| self.is_under_way(epoch))
            && let Some(handover) = self.handover.as_mut()
        {
            handover.rating = Some(rating.clone());
        }
        SignalDecision::Tell {
            epoch,
            events: vec![BotEvent::SurveyImported {
                survey: survey.clone(),
            }],
            begins: false,
        }
    }

    /// The running handover was put aside. Told once until it is back, in whatever order RCE reports.
    pub(super) fn deferred(&mut self, signal: &Signal) -> Option<BotEvent> {
        if self.is_about_another(signal) {
            return None;
        }
        let handover = self.handover.as_mut()?;
        let at = Some(signal.issued_at);
        let is_aside = handover.deferred_at > handover.reactivated_at;
        if is_aside || at <= handover.reactivated_at {
            return None;
        }
        handover.deferred_at = at;
        let known = handover.agent.clone();
        let agent = match &signal.agent {
            Some(id) => {
                let same = known.filter(|agent| agent.id.as_ref().is_none_or(|known| known == id));
                Some(Agent {
                    id: Some(id.clone()),
                    name: same.and_then(|agent| agent.name),
                })
            }
            None => known,
        };
        Some(BotEvent::HandoverDeferred { agent })
    }

    pub(super) fn reactivated(&mut self, signal: &Signal) {
        if let Some(handover) = self.handover.as_mut() {
            handover.reactivated_at = handover.reactivated_at.max(Some(signal.issued_at));
        }
    }
}
