//! Channels that RCE owns: what people write there, and what they see.

use serde_json::{Value, json};
use simulated_ringcx::{
    NativeKind, NativeMessage, NativeSource, Seen, SimulatedConfig, Speaker, WebhookBehaviour,
};

use crate::{Bench, Heard, Setup};

/// The usual channel.
pub const CHAT: &str = "5f0c00000000000000005001";
/// Another one of the same connection.
pub const MAIL: &str = "5f0c00000000000000005002";

impl Setup {
    /// The bot answers people on these channels of RCE's own.
    #[must_use]
    pub fn native(self, sources: Vec<NativeSource>) -> Self {
        let ids: Vec<&str> = sources.iter().map(|source| source.id.as_str()).collect();
        let lines = format!("channel = \"native\"\nsource_ids = {ids:?}\n");
        self.rce(|rce| {
            let usual = rce.clone();
            *rce = SimulatedConfig {
                queue_update_interval: usual.queue_update_interval,
                webhook_retries: usual.webhook_retries,
                ..SimulatedConfig::native(sources)
            };
        })
        .ringcx(&lines)
        .section("[connections.acme.ringcx.native]\nsettle_ms = 0\n")
        .start_as_native()
    }

    /// The same on one channel of a kind.
    #[must_use]
    pub fn on(self, kind: NativeKind) -> Self {
        self.native(vec![NativeSource::new(CHAT, "Simulated chat", kind)])
    }
}

impl Bench {
    /// A customer writes; returns RCE's ids of the thread, which is the conversation, and of the content.
    #[track_caller]
    pub fn customer(&self, message: NativeMessage) -> (String, String) {
        let content = self.rce.customer_writes(message).expect("RCE agrees");
        let thread = self
            .rce
            .read(|state| state.content(&content).map(|it| it.thread_id.clone()));
        (thread.expect("it is in a thread"), content)
    }

    /// A customer, always the same, writes a text.
    #[track_caller]
    pub fn nadia_writes(&self, text: &str) -> String {
        self.customer(NativeMessage::new("nadia", text).named("Nadia")).0
    }

    /// The bot answers.
    pub async fn answers(&self, thread: &str, text: &str) -> Value {
        let id = format!("b-{}", self.next());
        let body = json!({"id": id, "from": "bot", "text": text});
        self.message(thread, body).await
    }

    /// What the customer saw.
    pub fn seen(&self, thread: &str) -> Vec<Seen> {
        self.rce.read(|state| state.seen_by_customer(thread))
    }

    /// What the customer read, with who said it.
    pub fn read_by_customer(&self, thread: &str) -> Vec<(Speaker, String)> {
        let seen = self.seen(thread);
        let read = seen
            .into_iter()
            .map(|it| (it.speaker, it.text.unwrap_or_default()));
        read.collect()
    }

    /// The words of customers that the bot was told, in order.
    pub fn heard_customers(&self) -> Vec<Heard> {
        let mut taken = self.bot.taken();
        taken.retain(|heard| heard.kind() == "message.created" && heard.data()["message"]["from"] == "user");
        taken
    }

    /// Their texts.
    pub fn heard_texts(&self) -> Vec<String> {
        self.heard_customers()
            .iter()
            .map(|heard| heard.text().to_owned())
            .collect()
    }
}

impl Bench {
    /// The event that tells of a content's import, for stories that send every webhook themselves.
    #[track_caller]
    pub fn imported(&self, content: &str, changes: &Value) -> Value {
        let event = self.rce.event_of("content.imported", content, changes);
        event.expect("there is such a content")
    }

    /// Whether RCE's events reach us from now on; otherwise they are lost for good.
    pub fn rce_reports(&self, reports: bool) {
        self.rce.set_webhooks(WebhookBehaviour {
            down: !reports,
            ..WebhookBehaviour::default()
        });
    }

    /// The texts that the customer read, whoever said them.
    pub fn said(&self, thread: &str) -> Vec<String> {
        self.read_by_customer(thread).into_iter().map(|it| it.1).collect()
    }

    /// The comments that agents read on the thread's interventions.
    pub fn comments(&self, thread: &str) -> Vec<String> {
        self.rce.read(|state| {
            let all = state.interventions(thread).flat_map(|it| it.comments.iter());
            all.map(|comment| comment.body.clone()).collect()
        })
    }
}
