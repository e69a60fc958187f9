//! The events that webhooks can be registered for.

/// The events that a mirrored channel needs, and every `task.*` event.
pub const RECOMMENDED_EVENTS: [&str; 21] = [
    "content.exported",
    "intervention.assigned",
    "intervention.canceled",
    "intervention.closed",
    "intervention.deferred",
    "intervention.opened",
    "intervention.reactivated",
    "intervention.reopened",
    "intervention.user_updated",
    "task.assigned",
    "task.completed",
    "task.created",
    "task.destroyed",
    "task.expired_from_step",
    "task.expired_from_workbin",
    "task.recategorized",
    "task.resume",
    "task.supervisor_assigned",
    "task.taken",
    "task.transferred",
    "task.undelivered",
];

/// The other events that this simulation can send.
pub const FURTHER_EVENTS: [&str; 14] = [
    "content.discussion_initiated",
    "content.imported",
    "content.replied",
    "content.thread_closed",
    "content.thread_opened",
    "intervention.recategorized",
    "intervention_segment.summary_generated",
    "intervention_segment.summary_submitted",
    "push_agent.accept_task",
    "push_agent.availability_change",
    "push_agent.busyness_change",
    "push_agent.connected",
    "push_agent.disconnected",
    "survey_response.imported",
];

/// What a bridge of native channels needs besides [`RECOMMENDED_EVENTS`].
pub const NATIVE_EVENTS: [&str; 3] = [
    "content.discussion_initiated",
    "content.imported",
    "content.replied",
];
