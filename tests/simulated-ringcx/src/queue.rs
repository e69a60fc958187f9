//! The regular requests to the bridge: positions of waiting customers, and synchronisation runs.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;

use crate::hub::Hub;
use crate::model::{AuthorKind, Task};
use crate::source_sdk::BridgeAnswer;
use crate::state::State;

/// Tells the waiting customers their position, as `messaging.queuing_update`, while the bridge declares it.
pub(crate) async fn announce_positions(hub: Arc<Hub>) {
    let mut ticks = regularly(hub.config.queue_update_interval);
    let mut stop = hub.stopping();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = Hub::stopped(&mut stop) => return,
        }
        let updates = hub.read(State::queue_updates);
        join_all(
            updates
                .into_iter()
                .map(|params| hub.send_action("messaging.queuing_update", Some(params))),
        )
        .await;
    }
}

/// Synchronisation runs: capabilities, then new messages where the bridge declares a list.
pub(crate) async fn synchronise(hub: Arc<Hub>, interval: Duration) {
    let mut ticks = regularly(interval);
    let mut stop = hub.stopping();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = Hub::stopped(&mut stop) => return,
        }
        if hub.read(|state| state.base_uri.is_none()) || !hub.ask_capabilities().await {
            continue;
        }
        if hub.read(|state| state.declares("messages", "list")) {
            let answer = hub.send_action("messages.list", Some(json!({}))).await;
            if let Some(Value::Array(messages)) = answer.ok().as_ref().map(BridgeAnswer::json) {
                // Newest first, so the last is imported first.
                let messages: Vec<_> = messages.into_iter().rev().collect();
                hub.change(|state| {
                    messages.iter().filter_map(Value::as_object).for_each(|message| {
                        state.import_message(message);
                    });
                });
            }
        }
    }
}

fn regularly(interval: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(interval.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

impl State {
    fn queue_updates(&self) -> Vec<Value> {
        if self.base_uri.is_none() || !self.has_option("messaging.queuing_update") {
            return Vec::new();
        }
        self.queue()
            .enumerate()
            .filter_map(|(index, task)| self.queue_update(index + 1, task))
            .collect()
    }

    fn queue_update(&self, position: usize, task: &Task) -> Option<Value> {
        let thread = self.threads.get(&task.thread_id)?;
        let answered = self
            .contents(&thread.id)
            .rev()
            .find(|content| content.author_kind == AuthorKind::Customer);
        Some(json!({
            "estimated_wait_time": self.estimated_wait(position, task),
            "in_reply_to_id": answered.and_then(|content| content.foreign_id.as_deref()),
            "position": position,
            "thread_id": thread.foreign_id,
        }))
    }

    /// Whole seconds: the estimate for the place minus the time already waited.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "an estimate of seconds is small and positive"
    )]
    pub(crate) fn estimated_wait(&self, position: usize, task: &Task) -> u64 {
        let whole = position as f64 * self.config.seconds_per_place;
        (whole - self.elapsed_ms(task.created_at) as f64 / 1000.0)
            .max(0.0)
            .ceil() as u64
    }

    /// Whether the bridge declared this option.
    pub(crate) fn has_option(&self, option: &str) -> bool {
        let options = self
            .capabilities
            .as_ref()
            .and_then(|info| info["options"].as_array());
        options.is_some_and(|options| options.iter().any(|known| known == option))
    }

    /// Whether the bridge declared this operation of this object.
    pub(crate) fn declares(&self, object: &str, operation: &str) -> bool {
        let operations = self
            .capabilities
            .as_ref()
            .and_then(|info| info["objects"][object].as_array());
        operations.is_some_and(|operations| operations.iter().any(|known| known == operation))
    }
}
