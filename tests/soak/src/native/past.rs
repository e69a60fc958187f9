//! What happened, by RCE's own records: its events, whether the bridge was told of them, and what the bridge asked for.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use simulated_ringcx::DeliveryKind;

use crate::bridge::NATIVE;
use crate::world::World;

/// Times are by the machine's clock.
pub(super) struct Past {
    /// By thread.
    holds: HashMap<String, Vec<Hold>>,
    /// By thread: when replies of the bot arrived that had an effect, or may have.
    replies: HashMap<String, Vec<Timestamp>>,
    /// By content: when it was imported, and how that was reported.
    imported: HashMap<String, Import>,
}

/// A time in which an agent had a conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    pub(super) from: Timestamp,
    /// `None`: still.
    pub(super) to: Option<Timestamp>,
    /// When the bridge said that it knew of it.
    pub(super) told: Option<Timestamp>,
    by_task: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Import {
    pub(super) at: Timestamp,
    /// When it was first tried to report it.
    pub(super) tried: Option<Timestamp>,
    /// When the bridge took the report.
    pub(super) told: Option<Timestamp>,
}

/// When an event was sent first, and when the bridge took it.
type Report = (Timestamp, Option<Timestamp>);

impl Past {
    pub(super) fn of(world: &World) -> Self {
        let reports = reports(world);
        let mut past = Self {
            holds: HashMap::new(),
            replies: HashMap::new(),
            imported: HashMap::new(),
        };
        let ahead = SignedDuration::from_secs(world.clock);
        world.rce.read(|state| {
            for event in state.events() {
                let thread = text(&event["resource"]["metadata"]["thread_id"]);
                if !world.natives.has(thread) {
                    continue;
                }
                let issued: Timestamp = text(&event["issued_at"]).parse().unwrap_or_default();
                let at = issued.checked_sub(ahead).unwrap_or(issued);
                let report = reports.get(text(&event["id"])).copied();
                past.add(world, event, thread, at, report);
            }
            for request in state.requests() {
                if request.what != "POST /1.0/contents" || !matches!(request.status, 0 | 200) {
                    continue;
                }
                let answered = text(&request.body["in_reply_to_id"]);
                if let Some(content) = state.content(answered) {
                    let replies = past.replies.entry(content.thread_id.clone()).or_default();
                    replies.push(request.at);
                }
            }
        });
        past
    }

    fn add(&mut self, world: &World, event: &Value, thread: &str, at: Timestamp, report: Option<Report>) {
        let resource = &event["resource"];
        let holds = self.holds.entry(thread.to_owned()).or_default();
        let told = report.and_then(|(_, told)| told);
        let is_open = holds.last().is_some_and(|hold| hold.to.is_none());
        match text(&event["type"]) {
            "content.imported" => {
                let content = text(&resource["id"]).to_owned();
                let tried = report.map(|(tried, _)| tried);
                self.imported.entry(content).or_insert(Import { at, tried, told });
            }
            kind @ ("intervention.opened" | "intervention.reopened" | "task.taken") => {
                let by_task = kind == "task.taken";
                // A case that the person reopened by writing is the bot's until an agent does something.
                let by_agent = kind != "intervention.reopened" || event["user_id"].is_string();
                let told = told.filter(|_| by_agent);
                let user = text(&resource["metadata"]["user_id"]);
                if !by_task && user == world.rce.token_user() {
                    return;
                }
                if !is_open {
                    holds.push(Hold {
                        from: at,
                        to: None,
                        told,
                        by_task,
                    });
                } else if let Some(hold) = holds.last_mut() {
                    hold.by_task &= by_task;
                    hold.told = earlier(hold.told, told);
                }
            }
            "intervention.closed" | "intervention.canceled" => end(holds, at, |_| true),
            "task.completed" | "task.destroyed" => end(holds, at, |hold| hold.by_task),
            _ => {}
        }
    }

    pub(super) fn holds(&self, thread: &str) -> &[Hold] {
        self.holds.get(thread).map_or(&[], Vec::as_slice)
    }

    pub(super) fn replies(&self, thread: &str) -> &[Timestamp] {
        self.replies.get(thread).map_or(&[], Vec::as_slice)
    }

    pub(super) fn import(&self, content: &str) -> Option<Import> {
        self.imported.get(content).copied()
    }
}

fn end(holds: &mut [Hold], at: Timestamp, which: impl Fn(&Hold) -> bool) {
    let last = holds.last_mut().filter(|hold| hold.to.is_none());
    if let Some(hold) = last.filter(|hold| which(hold)) {
        hold.to = Some(at);
    }
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

fn reports(world: &World) -> HashMap<String, Report> {
    let url = world.bridge.webhook_url(NATIVE);
    let mut reports: HashMap<String, Report> = HashMap::new();
    world.rce.read(|state| {
        let own = state
            .deliveries()
            .filter(|delivery| delivery.kind == DeliveryKind::Webhook && delivery.url == url);
        for delivery in own {
            let done = delivery.at.checked_add(delivery.took).unwrap_or(delivery.at);
            let told = (delivery.status == Some(200)).then_some(done);
            for event in delivery.body["events"].as_array().into_iter().flatten() {
                let known = reports
                    .entry(text(&event["id"]).to_owned())
                    .or_insert((delivery.at, None));
                known.0 = known.0.min(delivery.at);
                known.1 = earlier(known.1, told);
            }
        }
    });
    reports
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
