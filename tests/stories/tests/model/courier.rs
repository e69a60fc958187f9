//! What RCE reports, and what becomes of it on the way.

use serde_json::{Value, json};
use simulated_ringcx::{AuthorKind, Content};

use crate::case::Report;
use crate::story::time_of;
use crate::world::World;

/// Events that RCE wants to report.
#[derive(Debug, Default)]
pub(crate) struct Courier {
    /// How many of RCE's events were looked at.
    seen: usize,
    /// Not reported yet, oldest first.
    waiting: Vec<Value>,
    /// Did not arrive.
    lost: Vec<Value>,
    /// Reported at least once.
    reported: Vec<Value>,
}

impl World {
    /// Takes what happened in RCE since the last look.
    pub(crate) fn collect(&mut self) {
        let courier = &mut self.courier;
        let news: Vec<Value> = self
            .bench
            .rce
            .read(|state| state.events().skip(courier.seen).cloned().collect());
        courier.seen += news.len();
        let concerns = |event: &Value| {
            let kind = event["type"].as_str().unwrap_or_default();
            kind.starts_with("intervention.") || kind.starts_with("task.")
        };
        courier.waiting.extend(news.into_iter().filter(concerns));
        for talk in &mut self.talks {
            let mut written = self.bench.rce.contents(&talk.id);
            written
                .retain(|content| content.creator_id.is_some() && content.author_kind == AuthorKind::Agent);
            talk.replies = written;
        }
    }

    pub(crate) async fn report(&mut self, report: Report) {
        let waiting = self.courier.waiting.len();
        let at = |which: u16, all: usize| (all > 0).then(|| usize::from(which) % all.max(1));
        let chosen = match report {
            Report::Oldest => at(0, waiting),
            Report::Any(which) | Report::Lost(which) => at(which, waiting),
            Report::All => return self.report_all().await,
            Report::Again(which) => {
                let Some(index) = at(which, self.courier.reported.len()) else {
                    return;
                };
                let event = self.courier.reported[index].clone();
                self.remark(&name(&event));
                return self.bench.insist_webhook(&[event]).await;
            }
        };
        let Some(index) = chosen else { return };
        let event = self.courier.waiting.remove(index);
        self.remark(&name(&event));
        if matches!(report, Report::Lost(_)) {
            return self.courier.lost.push(event);
        }
        self.bench.insist_webhook(std::slice::from_ref(&event)).await;
        self.courier.reported.push(event);
    }

    /// All that was not reported yet, in order.
    pub(crate) async fn report_all(&mut self) {
        let all = std::mem::take(&mut self.courier.waiting);
        if all.is_empty() {
            return;
        }
        let names: Vec<String> = all.iter().map(name).collect();
        self.remark(&names.join(", "));
        self.bench.insist_webhook(&all).await;
        self.courier.reported.extend(all);
    }

    /// What seemed to be lost was only late.
    pub(crate) async fn report_lost(&mut self) {
        let lost = std::mem::take(&mut self.courier.lost);
        self.courier.waiting.splice(0..0, lost);
        self.report_all().await;
    }

    /// The next message of an agent reaches us. Returns whether there was one.
    pub(crate) async fn next_reply(&mut self, talk: usize, twice: bool) -> bool {
        let next = self.talks[talk].arrived;
        let Some(content) = self.talks[talk].replies.get(next).cloned() else {
            return false;
        };
        self.talks[talk].arrived += 1;
        self.remark(content.body.as_deref().unwrap_or_default());
        self.bring(talk, &content, false).await;
        if twice {
            self.bring(talk, &content, true).await;
        }
        true
    }

    /// A message that reached us already comes again.
    pub(crate) async fn reply_again(&mut self, talk: usize, which: u16) {
        let arrived = self.talks[talk].arrived;
        if arrived > 0 {
            let content = self.talks[talk].replies[usize::from(which) % arrived].clone();
            self.bring(talk, &content, true).await;
        }
    }

    async fn bring(&self, talk: usize, content: &Content, again: bool) {
        let talk = &self.talks[talk];
        let written = content.created_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let text = content.body.as_deref().unwrap_or_default();
        let mut call = self.bench.agent_message(&talk.id, &content.id, text);
        call["params"]["created_at"] = json!(written);
        call["params"]["retry"] = json!(again);
        call["params"]["sender_name"] = json!(content.author_name);
        let answer = self.bench.insist_source_sdk(&call).await;
        assert_eq!(answer["id"], format!("rcx-{}", content.id), "{answer}");
    }
}

fn name(event: &Value) -> String {
    let kind = event["type"].as_str().unwrap_or_default();
    format!("{kind} of {}", time_of(&event["issued_at"]))
}
