//! What RCE says to the bridge: signed Source SDK calls and webhooks, by hand.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha512;

use crate::bench::CONNECTION;
use crate::{Bench, Reply};

/// The first agent of the simulated desk.
pub const SAM: &str = "5f0c00000000000000a90001";
/// The second one.
pub const MIRA: &str = "5f0c00000000000000a90002";

/// The signature of a body, computed without the bridge's help.
pub fn signature(token: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha512>::new_from_slice(token.as_bytes()).expect("any key will do");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

impl Bench {
    fn token(&self) -> &str {
        self.connection.ringcx.realtime_access_tokens[0].expose()
    }

    /// A signed Source SDK call. The answer must be signed too, whatever it is.
    pub async fn source_sdk(&self, call: &Value) -> Reply {
        let reply = self.try_source_sdk(call).await;
        reply.expect("the process lives")
    }

    pub async fn try_source_sdk(&self, call: &Value) -> Option<Reply> {
        let body = call.to_string();
        let signed = signature(self.token(), body.as_bytes());
        let headers = [
            ("x-smccsdk-signature", signed.as_str()),
            ("content-type", "application/json"),
        ];
        let path = format!("/{CONNECTION}/handover/rce/source");
        let reply = self.try_request("POST", &path, &headers, body).await?;
        self.is_signed(&reply);
        Some(reply)
    }

    /// The answer carries the signature of its exact bytes.
    #[track_caller]
    pub fn is_signed(&self, reply: &Reply) {
        let expected = signature(self.token(), &reply.body);
        assert_eq!(reply.header("x-smccsdk-signature"), expected, "{}", reply.text());
    }

    /// Events in a webhook delivery of their own; the answer's status.
    pub async fn webhook(&self, events: &[Value]) -> u16 {
        self.webhook_reply(events).await.status
    }

    pub async fn webhook_reply(&self, events: &[Value]) -> Reply {
        self.try_webhook(events).await.expect("the process lives")
    }

    pub async fn try_webhook(&self, events: &[Value]) -> Option<Reply> {
        let delivery = format!("delivery-{}", self.next());
        let body = json!({"id": delivery, "domain_id": "5f0c0000000000000d000001", "events": events});
        let secret = self.connection.ringcx.webhook_secrets[0].expose();
        let headers = [("x-dimelo-secret", secret), ("content-type", "application/json")];
        let path = format!("/{CONNECTION}/handover/rce/webhook");
        self.try_request("POST", &path, &headers, body.to_string()).await
    }

    /// The same delivery until it is answered with 200, as RCE does.
    pub async fn insist_webhook(&self, events: &[Value]) {
        for _ in 0..5 {
            if self
                .try_webhook(events)
                .await
                .is_some_and(|reply| reply.status == 200)
            {
                return;
            }
        }
        panic!("the webhook is never accepted");
    }

    /// The params of an agent's message.
    pub fn agent_message(&self, conversation: &str, content: &str, text: &str) -> Value {
        json!({"action": "messages.create", "params": {
            "author_id": "agent",
            "body": text,
            "content_id": content,
            "format": "text",
            "retry": false,
            "sender_name": "Sam",
            "thread_id": self.thread(conversation),
        }})
    }

    /// An agent's message, accepted; the answer's id.
    pub async fn agent_writes(&self, conversation: &str, content: &str, text: &str) -> String {
        let call = self.agent_message(conversation, content, text);
        let answer = self.source_sdk(&call).await.expect(200);
        let id = answer["id"]
            .as_str()
            .unwrap_or_else(|| panic!("no id in {answer}"));
        id.to_owned()
    }

    /// The same call until it is answered with an id, as RCE does.
    pub async fn insist_source_sdk(&self, call: &Value) -> Value {
        for _ in 0..5 {
            let reply = self.try_source_sdk(call).await;
            if let Some(reply) = reply.filter(|reply| reply.status == 200) {
                return reply.json();
            }
        }
        panic!("the call is never accepted");
    }

    /// A place in the queue, in seconds as RCE says it.
    pub async fn queue_position(&self, conversation: &str, position: u64, seconds: &Value) {
        let call = json!({"action": "messaging.queuing_update", "params": {
            "estimated_wait_time": seconds,
            "in_reply_to_id": null,
            "position": position,
            "thread_id": self.thread(conversation),
        }});
        let reply = self.source_sdk(&call).await;
        assert_eq!(reply.expect(200), json!({}));
    }

    /// An event of the simulated account about a conversation as it stands now.
    pub fn event(&self, kind: &str, conversation: &str, changes: &Value) -> Value {
        self.rce.event(kind, self.thread(conversation).as_str(), changes)
    }

    /// A conversation that waits for an agent; RCE knows its thread.
    pub async fn waiting(&self, conversation: &str) {
        self.user_says(conversation, "I need a human").await;
        self.asks_for_agent(conversation, json!({})).await;
        self.until_quiet_or_by_hand().await;
        assert_eq!(self.status(conversation).await, "queued");
    }

    /// A conversation that Sam has taken and answered.
    pub async fn with_agent(&self, conversation: &str) {
        self.waiting(conversation).await;
        let thread = self.thread(conversation);
        self.rce.take(thread.as_str(), SAM).expect("a waiting thread");
        self.rce
            .reply(thread.as_str(), SAM, "Hello, Sam here")
            .expect("a reply");
        self.until_quiet_or_by_hand().await;
    }

    /// A conversation that is with an agent as far as we know, where RCE reports nothing by itself.
    pub async fn with_agent_by_hand(&self, conversation: &str) {
        self.with_agent(conversation).await;
        let taken = self.event("task.taken", conversation, &json!({"user_id": SAM}));
        assert_eq!(self.webhook(&[taken]).await, 200);
        self.work().await;
        assert_eq!(self.status(conversation).await, "active");
    }

    async fn until_quiet_or_by_hand(&self) {
        if self.rce.read(|state| state.capabilities().is_some()) {
            self.until_quiet().await;
        } else {
            self.work().await;
        }
    }

    /// The categories of a conversation's thread, `bot` and `agent` by name.
    pub fn categories(&self, conversation: &str) -> Vec<String> {
        let thread = self
            .rce
            .thread(self.thread(conversation).as_str())
            .expect("RCE knows the thread");
        let config = self.rce.config();
        let name = |id: &String| match id {
            id if *id == config.bot_category_id => "bot".to_owned(),
            id if *id == config.agent_category_id => "agent".to_owned(),
            other => other.clone(),
        };
        thread.category_ids.iter().map(name).collect()
    }

    /// The texts of a conversation in RCE, in order of arrival.
    pub fn in_rce(&self, conversation: &str) -> Vec<String> {
        let contents = self.rce.contents(self.thread(conversation).as_str());
        contents
            .iter()
            .map(|content| content.body.clone().unwrap_or_default())
            .collect()
    }

    /// How many requests of this kind RCE got: a Send API action, or method and path of a REST call with
    /// its ids cut off.
    pub fn asked_rce(&self, what: &str) -> usize {
        self.rce
            .requests()
            .iter()
            .filter(|request| request.what.starts_with(what))
            .count()
    }
}
