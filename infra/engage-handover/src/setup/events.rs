//! Which events of RCE the webhook shall report.

use clap::ValueEnum;

/// A choice of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Events {
    /// All that the bridge makes something of
    #[default]
    Recommended,
    /// Every event that RingCentral's REST API knows
    All,
    /// What Cognigy's guide asks for, and cancelled interventions
    Cognigy,
    /// The four events of tasks that Chatlayer's provider wanted, and ends of interventions
    Chatlayer,
}

/// What the bridge acts on, or tells the bot of.
const RECOMMENDED: [&str; 26] = [
    "content.exported",
    "intervention.assigned",
    "intervention.canceled",
    "intervention.closed",
    "intervention.deferred",
    "intervention.opened",
    "intervention.reactivated",
    "intervention.recategorized",
    "intervention.reopened",
    "intervention.user_updated",
    "push_agent.accept_task",
    "push_agent.availability_change",
    "push_agent.busyness_change",
    "push_agent.connected",
    "push_agent.disconnected",
    "push_agent.reconnected",
    "survey_response.imported",
    "task.completed",
    "task.created",
    "task.destroyed",
    "task.expired_from_workbin",
    "task.recategorized",
    "task.supervisor_assigned",
    "task.taken",
    "task.transferred",
    "task.undelivered",
];

/// What the page of events has and the enumeration of the REST API does not (as read in 2026): a person may tick them.
const NOT_BY_REST: [&str; 4] = [
    "content.thread_auto_closed",
    "content.thread_closed",
    "intervention_segment.summary_generated",
    "intervention_segment.summary_submitted",
];

/// What nobody needs for a handover.
const FURTHER: [&str; 13] = [
    "content.approved",
    "content.discussion_initiated",
    "content.imported",
    "content.replied",
    "content.update_exported",
    "identity.merged",
    "identity.unmerged",
    "intervention.custom_fields_updated",
    "push_agent.missed_task",
    "push_agent.request_task",
    "task.assigned",
    "task.expired_from_step",
    "task.resume",
];

/// What a channel of RCE's own needs whatever is chosen: what people write, what agents write, and what arrived.
const NATIVE: [&str; 3] = ["content.exported", "content.imported", "content.replied"];

impl Events {
    /// What is registered by REST.
    pub(crate) fn list(self, is_native: bool) -> Vec<&'static str> {
        let mut list: Vec<&'static str> = match self {
            Self::Recommended => RECOMMENDED.to_vec(),
            Self::All => RECOMMENDED.into_iter().chain(FURTHER).collect(),
            Self::Cognigy => vec!["intervention.canceled", "intervention.closed"],
            Self::Chatlayer => vec![
                "intervention.canceled",
                "intervention.closed",
                "task.completed",
                "task.created",
                "task.destroyed",
                "task.taken",
            ],
        };
        if is_native {
            list.extend(NATIVE);
        }
        list.sort_unstable();
        list.dedup();
        list
    }

    /// What only a person can tick besides.
    pub(crate) fn by_hand(self) -> &'static [&'static str] {
        match self {
            Self::Recommended | Self::All => &NOT_BY_REST,
            Self::Cognigy | Self::Chatlayer => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_names_each_event_once_and_contains_the_end_of_a_handover() {
        for choice in Events::value_variants() {
            for is_native in [false, true] {
                let list = choice.list(is_native);
                let unique: std::collections::BTreeSet<&str> = list.iter().copied().collect();
                assert_eq!(list.len(), unique.len(), "{choice:?}");
                assert!(list.contains(&"intervention.closed") && list.contains(&"intervention.canceled"));
                assert!(
                    !is_native || NATIVE.iter().all(|event| unique.contains(event)),
                    "{choice:?}"
                );
            }
        }
        let all = Events::All.list(false);
        assert_eq!(all.len(), 39, "the REST API's list has 39 events");
        assert_eq!(Events::All.list(true), all);
    }
}
