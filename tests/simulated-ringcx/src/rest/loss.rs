//! Requests whose answers are lost, and what a bridge does after that.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use serde_json::Value;

use crate::hub::Hub;
use crate::native::LostReply;
use crate::rest::params::Params;
use crate::rest::{Answer, create_content, dispatch};
use crate::state::State;

pub(super) fn is_reply(method: &Method, path: &str) -> bool {
    method == Method::POST && path.trim_matches('/') == "contents"
}

/// A request whose connection is gone before it has its effect.
pub(super) struct Late {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) params: Params,
    pub(super) token: String,
}

impl Late {
    pub(super) fn happen_after(self, hub: &Arc<Hub>, time: Duration) {
        hub.change(|state| {
            state.exports_in_flight += 1;
            if is_reply(&self.method, &self.path) {
                // The bridge has sent it, so the same again is a repeat, even before this one is there.
                let voice = state.second_voice_of(&self.params);
                state.watch_reply(&self.params, &Ok(Value::Null), true, voice);
            }
        });
        let hub = Arc::clone(hub);
        tokio::spawn(async move {
            let goes_on = hub.pause(time).await;
            hub.change(|state| {
                state.exports_in_flight -= 1;
                if !goes_on {
                    return;
                }
                let answer = dispatch(state, &self.method, &self.path, &self.params, &self.token);
                if is_reply(&self.method, &self.path) {
                    state.late_reply(&self.params, &answer);
                }
            });
        });
    }
}

impl State {
    /// Beside whom this reply is heard. It is to be asked when the request arrives: what happens while it is handled is
    /// not the bridge's fault.
    pub(super) fn second_voice_of(&self, params: &Params) -> Option<String> {
        let answered = self.contents.get(params.first("in_reply_to_id")?)?;
        self.second_voice(&answered.thread_id)
    }

    /// Looks whether an accepted reply was there before or is heard beside this agent, and remembers one whose answer is
    /// lost.
    pub(super) fn watch_reply(
        &mut self,
        params: &Params,
        answer: &Answer,
        lost: bool,
        second_voice: Option<String>,
    ) {
        let Ok(answer) = answer else { return };
        if let Some(agent) = second_voice {
            self.violate(
                "two-voices",
                format!("a reply although agent {agent} has the thread"),
            );
        }
        let key = create_content::key(params);
        self.must_not_repeat(&key);
        if lost {
            self.forget_old_losses();
            self.lost_replies.push(LostReply {
                key,
                at: self.now(),
                content: answer["id"].as_str().map(str::to_owned),
            });
        }
    }

    /// What became of a reply that took its time: its content, or nothing.
    fn late_reply(&mut self, params: &Params, answer: &Answer) {
        let key = create_content::key(params);
        let is_it = |lost: &LostReply| lost.content.is_none() && lost.key == key;
        let Some(place) = self.lost_replies.iter().position(is_it) else {
            return;
        };
        match answer {
            Ok(answer) => self.lost_replies[place].content = answer["id"].as_str().map(str::to_owned),
            Err(_) => drop(self.lost_replies.remove(place)),
        }
    }
}
