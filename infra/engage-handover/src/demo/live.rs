//! One stream per page: the chat, the desk, the bot's requests and events, and the bridge's timeline.
//!
//! Browsers open at most six connections to one origin; a single stream leaves room for more windows.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::Event;
use futures_util::stream::{Stream, unfold};
use serde_json::Value;
use tokio::sync::watch;

use super::bridge::Bridge;
use super::chat::{Chat, View};
use super::desk::Desk;

/// How often the timeline is asked for when nothing else happens.
const TIMELINE_EVERY: Duration = Duration::from_millis(400);

struct Live {
    bridge: Arc<Bridge>,
    chat: Arc<Chat>,
    view: watch::Receiver<View>,
    desk: watch::Receiver<Value>,
    stopping: watch::Receiver<bool>,
    exchanges_seen: u64,
    timeline_seen: String,
    ready: VecDeque<Event>,
}

/// Everything that the page shows, as it changes.
pub(super) fn stream(
    bridge: &Arc<Bridge>,
    desk: &Desk,
    chat: Arc<Chat>,
    stopping: watch::Receiver<bool>,
) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
    let live = Live {
        bridge: Arc::clone(bridge),
        view: chat.subscribe(),
        chat,
        desk: desk.subscribe(),
        stopping,
        exchanges_seen: 0,
        timeline_seen: String::new(),
        ready: VecDeque::new(),
    };
    unfold(live, |mut live| async move {
        while live.ready.is_empty() {
            live.wait().await?;
        }
        let event = live.ready.pop_front()?;
        Some((Ok(event), live))
    })
}

impl Live {
    /// Waits for something to change and prepares the events. `None` when the demo stops.
    async fn wait(&mut self) -> Option<()> {
        tokio::select! {
            changed = self.view.changed() => {
                changed.ok()?;
                self.chat_changed();
            }
            changed = self.desk.changed() => {
                changed.ok()?;
                let state = self.desk.borrow_and_update().clone();
                if !state.is_null() {
                    self.push("desk", state.to_string());
                }
            }
            _ = self.stopping.changed() => return None,
            () = super::pause(TIMELINE_EVERY) => {}
        }
        self.timeline().await;
        Some(())
    }

    fn chat_changed(&mut self) {
        let view = serde_json::to_string(&*self.view.borrow_and_update());
        if let Ok(view) = view {
            self.push("chat", view);
        }
        let (seen, newer) = self.chat.exchanges_after(self.exchanges_seen);
        self.exchanges_seen = seen;
        if !newer.is_empty()
            && let Ok(newer) = serde_json::to_string(&newer)
        {
            self.push("exchanges", newer);
        }
    }

    async fn timeline(&mut self) {
        let conversation = self.chat.look(|view| view.conversation.clone());
        if !conversation.is_empty()
            && let Ok(timeline) = self.bridge.timeline(&conversation).await
            && timeline != self.timeline_seen
        {
            self.push("timeline", timeline.clone());
            self.timeline_seen = timeline;
        }
    }

    fn push(&mut self, name: &str, data: String) {
        self.ready.push_back(Event::default().event(name).data(data));
    }
}
