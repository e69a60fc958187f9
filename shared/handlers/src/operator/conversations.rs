//! Which conversations there are, and who has them.

use futures_util::future::join_all;
use handover_core::Timestamp;
use handover_core::ids::ConnectionId;
use handover_core::ports::{ConversationSummary, ToLookAfter};
use serde_json::{Value, json};

use super::Refusal;
use crate::App;
use crate::respond::Problem;
use crate::view::time;

/// How many are listed, unless somebody asks for fewer or more.
pub const USUAL_LIMIT: usize = 50;
/// Most that are listed.
pub const MOST: usize = 500;
/// Most handovers under way that are counted or listed at once.
const MOST_UNDER_WAY: usize = 10_000;
/// Conversations that are read at once.
const AT_ONCE: usize = 20;
/// How many of the newest conversations are looked through for a status that only some have.
const LOOKED_THROUGH: usize = 500;

/// Which conversations are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub limit: usize,
    /// Only those whose handover is under way.
    pub open: bool,
    /// Only those with this handler, `bot` or `agent`.
    pub handler: Option<String>,
    /// Only those whose current or last handover has this status.
    pub status: Option<String>,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            limit: USUAL_LIMIT,
            open: false,
            handler: None,
            status: None,
        }
    }
}

const STATUSES: [&str; 8] = [
    "none",
    "requested",
    "queued",
    "active",
    "completed",
    "cancelled",
    "failed",
    "timed_out",
];
const UNDER_WAY: [&str; 3] = ["requested", "queued", "active"];

impl Filter {
    /// `limit`, `handler` and `status` of a query string.
    pub(crate) fn read(query: Option<&str>) -> Result<Self, Problem> {
        let mut filter = Self::default();
        let mut wrong = Vec::new();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match &*name {
                "limit" => match value.parse() {
                    Ok(limit @ 1..=MOST) => filter.limit = limit,
                    _ => wrong.push(format!("limit is a number from 1 to {MOST}")),
                },
                "handler" => filter.handler = Some(value.into_owned()),
                "status" => filter.status = Some(value.into_owned()),
                _ => {}
            }
        }
        wrong.extend(filter.check());
        if wrong.is_empty() {
            Ok(filter)
        } else {
            Err(Problem::Invalid(wrong))
        }
    }

    /// What is wrong with it.
    pub fn check(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if self
            .handler
            .as_deref()
            .is_some_and(|it| !["bot", "agent"].contains(&it))
        {
            wrong.push("handler is \"bot\" or \"agent\"".to_owned());
        }
        if self.status.as_deref().is_some_and(|it| !STATUSES.contains(&it)) {
            wrong.push(format!("status is one of {}", STATUSES.join(", ")));
        }
        wrong
    }

    /// Whether everything wanted has its handover under way, so that nothing else need be looked at.
    fn is_under_way(&self) -> bool {
        let status = self.status.as_deref();
        self.open
            || status.is_some_and(|status| UNDER_WAY.contains(&status))
            || (self.handler.as_deref() == Some("agent") && status.is_none())
    }

    fn takes(&self, found: &ConversationSummary) -> bool {
        (!self.open || UNDER_WAY.contains(&found.status))
            && self.handler.as_deref().is_none_or(|it| it == found.handler)
            && self.status.as_deref().is_none_or(|it| it == found.status)
    }
}

/// Conversations of one connection or of all. If only those with agents are asked for, those that an agent has come
/// first, then who waits, each longest first; else the most recently changed.
pub async fn list(
    app: &App,
    connection: Option<&ConnectionId>,
    filter: &Filter,
) -> Result<Vec<ConversationSummary>, Refusal> {
    let mut found = if filter.is_under_way() {
        read_all(app, &under_way(app, connection).await?).await?
    } else {
        let wanted = if filter.handler.is_none() && filter.status.is_none() {
            filter.limit
        } else {
            LOOKED_THROUGH.max(filter.limit)
        };
        app.store.conversations(connection, wanted).await?
    };
    found.retain(|found| filter.takes(found));
    found.truncate(filter.limit);
    Ok(found)
}

/// The handovers that are under way, of one connection or of all.
pub async fn under_way(app: &App, connection: Option<&ConnectionId>) -> Result<Vec<ToLookAfter>, Refusal> {
    let mut all = app.store.to_look_after(Timestamp::MAX, MOST_UNDER_WAY).await?;
    all.retain(|found| connection.is_none_or(|connection| *connection == found.connection));
    Ok(all)
}

/// Those with an agent first, then who waits; longest first.
async fn read_all(app: &App, all: &[ToLookAfter]) -> Result<Vec<ConversationSummary>, Refusal> {
    let mut summaries = Vec::with_capacity(all.len());
    for some in all.chunks(AT_ONCE) {
        let reads = some
            .iter()
            .map(|one| app.store.glance(&one.connection, &one.thread));
        for read in join_all(reads).await {
            if let Some(found) = read? {
                let conversation = found.conversation;
                let changed = conversation
                    .handover
                    .as_ref()
                    .map_or(conversation.started_at, |handover| {
                        let moments = [handover.ended_at, handover.accepted_at, handover.queued_at];
                        moments
                            .into_iter()
                            .flatten()
                            .next()
                            .unwrap_or(handover.requested_at)
                    });
                summaries.push(ConversationSummary::of(conversation, changed));
            }
        }
    }
    summaries.sort_by_key(|found| (found.status != "active", found.requested_at));
    Ok(summaries)
}

/// A line of a listing.
pub fn view(found: &ConversationSummary) -> Value {
    let mut view = json!({
        "conversation": found.id, "thread": found.thread, "handler": found.handler, "status": found.status,
        "epoch": found.epoch, "changed_at": time(found.changed_at),
    });
    let mut put = |name: &str, value: Value| view[name] = value;
    if let Some(at) = found.requested_at {
        put("requested_at", json!(time(at)));
    }
    if let Some(at) = found.accepted_at {
        put("accepted_at", json!(time(at)));
    }
    if let Some(update) = &found.queue {
        let mut queue = json!({});
        if let Some(position) = update.position {
            queue["position"] = json!(position);
        }
        if let Some(wait) = update.estimated_wait_ms {
            queue["estimated_wait_ms"] = json!(wait);
        }
        put("queue", queue);
    }
    if let Some(name) = &found.agent {
        put("agent", json!({"name": name}));
    }
    view
}
