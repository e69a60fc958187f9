//! The bridge's neighbours, a simulated RCE and a bot, and what they say to it over HTTP.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use handover_core::ids::{ConversationId, ForeignThreadId};
use handover_stories::bot::RecordingBot;
use handover_stories::chat::at;
use handover_stories::desk::SAM;
use handover_stories::setup::{BOT_KEY, BOT_SECRET, OPERATOR_KEY};
use handover_stories::{Heard, Reply};
use serde_json::{Value, json};
use simulated_ringcx::{
    NativeKind, NativeMessage, NativeSource, SimulatedConfig, SimulatedRingcx, WebhookBehaviour,
};
use tokio::time::{Instant, interval};

use crate::proxy::Proxy;

/// The connection of every story.
pub const CONNECTION: &str = "acme";

/// Where the stage says that it is reached from outside. Links of files begin with it.
pub const PUBLIC_URL: &str = "https://bridge.example.org";

/// The channel of RCE's own, in stories about one.
pub const CHAT: &str = "5f0c00000000000000005001";

/// Longer than any backoff of a story; a story that is well takes a fraction of it.
const PATIENCE: Duration = Duration::from_mins(2);
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// A way to run the bridge.
#[expect(async_fn_in_trait, reason = "a story is one task")]
pub trait Stage {
    fn world(&self) -> &World;

    /// It is time to look after handovers.
    async fn tick(&self);

    /// Every process of the bridge ends; what it needs next is started anew.
    async fn restart(&mut self);

    /// What must be true at the end of every story.
    async fn finish(self);
}

/// Waits until it is so.
pub async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    let mut look = interval(LOOK_EVERY);
    loop {
        look.tick().await;
        if is_so().await {
            return;
        }
        assert!(Instant::now() < deadline, "never: {what}");
    }
}

/// Everything outside the bridge.
pub struct World {
    url: String,
    timers: &'static str,
    /// The bot answers people on a channel of RCE's own.
    native: bool,
    pub rce: SimulatedRingcx,
    pub bot: RecordingBot,
    /// Where the bridge finds the bot.
    pub bot_door: Proxy,
    client: reqwest::Client,
    counter: AtomicU64,
}

impl World {
    /// `timers`: those of the connection that are not as usual, as its settings have them.
    pub async fn start(timers: &'static str, native: bool) -> Self {
        let usual = if native {
            SimulatedConfig::native(vec![NativeSource::new(
                CHAT,
                "Simulated chat",
                NativeKind::WhatsApp,
            )])
        } else {
            SimulatedConfig::default()
        };
        let rce = SimulatedConfig {
            // A story announces places by itself.
            queue_update_interval: Duration::from_hours(1),
            create_retry_delay: Duration::from_millis(100),
            create_attempts: 100,
            webhook_retries: vec![Duration::from_millis(100); 100],
            requests_per_minute: 100_000,
            ..usual
        };
        let bot = RecordingBot::start().await;
        Self {
            url: String::new(),
            timers,
            native,
            rce: SimulatedRingcx::start(rce).await.expect("a simulated RCE"),
            bot_door: Proxy::before(bot.url()).await,
            bot,
            client: client(),
            counter: AtomicU64::new(0),
        }
    }

    /// The settings of the connection.
    pub fn toml(&self) -> String {
        let rce = self.rce.base_url();
        let bot = self.bot_door.url();
        let timers = self.timers;
        let SimulatedConfig {
            source_id,
            source_token,
            api_token,
            bot_category_id,
            agent_category_id,
            webhook_secret,
            verify_token,
            ..
        } = self.rce.config();
        let source = if self.native {
            format!("channel = \"native\"\nsource_ids = [\"{CHAT}\"]")
        } else {
            format!(
                "realtime_endpoint_url = \"{rce}/realtime/sdk/{source_id}\"\nrealtime_access_tokens = [\"{source_token}\"]"
            )
        };
        format!(
            r#"
[connections.{CONNECTION}]
bot_keys = ["{BOT_KEY}"]
operator_keys = ["{OPERATOR_KEY}"]
get_queue_updates = true

[connections.{CONNECTION}.ringcx]
base_api_url = "{rce}"
api_access_token = "{api_token}"
{source}
webhook_secrets = ["{webhook_secret}"]
verification_token = "{verify_token}"
bot_category_id = "{bot_category_id}"
agent_category_id = "{agent_category_id}"

[connections.{CONNECTION}.bot]
url = "{bot}/events"
signing_secrets = ["{BOT_SECRET}"]

[connections.{CONNECTION}.timers]
{timers}

[connections.{CONNECTION}.files]
public_url = "{PUBLIC_URL}"
"#
        )
    }

    /// The bridge is at this address: enters it in RCE, with the webhook and the Source SDK on URLs of their own.
    pub async fn connect(&mut self, url: &str) {
        url.clone_into(&mut self.url);
        let base = format!("{url}/{CONNECTION}/handover/rce");
        if self.native {
            let valid = self.rce.set_webhook(&format!("{base}/webhook")).await;
            assert!(valid, "the webhook is refused");
            return;
        }
        let checked = self
            .rce
            .set_bridge(&format!("{base}/source"), &format!("{base}/webhook"))
            .await;
        assert!(checked.source_sdk && checked.webhook, "{checked:?}");
    }

    /// The bridge's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn thread(&self, conversation: &str) -> String {
        ForeignThreadId::of(&ConversationId::new(conversation)).to_string()
    }

    /// A number that nobody had yet.
    fn next(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed) + 1
    }

    // ---- what the bot says

    /// Any request; `None` if it was not answered.
    pub async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Option<Reply> {
        let method = method.parse().expect("a method");
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.body(body.into()).send().await.ok()?;
        let mut reply = http::Response::new(Bytes::new());
        *reply.status_mut() = answer.status();
        *reply.headers_mut() = answer.headers().clone();
        *reply.body_mut() = answer.bytes().await.ok()?;
        Some(Reply::of(reply))
    }

    /// A call of the bot API; `None` if it was not answered.
    pub async fn try_call(&self, method: &str, path: &str, body: &Value) -> Option<Reply> {
        let authorization = format!("Bearer {BOT_KEY}");
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", "application/json"),
        ];
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.request(method, &format!("/{CONNECTION}{path}"), &headers, body)
            .await
    }

    pub async fn call(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.try_call(method, path, body).await.expect("an answer")
    }

    /// The same call until it is answered with a 2xx, as a bot does whose connection breaks.
    pub async fn insist(&self, method: &str, path: &str, body: &Value) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let reply = self.try_call(method, path, body).await;
            match reply {
                Some(reply) if (200..300).contains(&reply.status) => return reply.json(),
                Some(reply) => assert!(
                    reply.status >= 500,
                    "{method} {path}: {} {}",
                    reply.status,
                    reply.text()
                ),
                None => {}
            }
            assert!(Instant::now() < deadline, "{method} {path} is never accepted");
        }
    }

    pub async fn user_says(&self, conversation: &str, text: &str) -> Value {
        self.says(conversation, "user", text).await
    }

    pub async fn bot_says(&self, conversation: &str, text: &str) -> Value {
        self.says(conversation, "bot", text).await
    }

    async fn says(&self, conversation: &str, from: &str, text: &str) -> Value {
        let id = format!("{from}-{}", self.next());
        let path = format!("{}/messages", at(conversation));
        self.insist("POST", &path, &json!({"id": id, "from": from, "text": text}))
            .await
    }

    pub async fn asks_for_agent(&self, conversation: &str) -> Value {
        let path = format!("{}/handover", at(conversation));
        let wish = json!({"id": format!("h-{}", self.next()), "reason": "help"});
        self.insist("POST", &path, &wish).await["handover"].clone()
    }

    pub async fn looks_at(&self, conversation: &str) -> Value {
        let reply = self.try_call("GET", &at(conversation), &Value::Null).await;
        reply.map_or(Value::Null, |reply| reply.json())
    }

    pub async fn status_is(&self, conversation: &str, status: &str) {
        let is_so = async || self.looks_at(conversation).await["handover"]["status"] == status;
        eventually(&format!("{conversation} is {status}"), is_so).await;
    }

    // ---- what RCE says

    /// A conversation that an agent has taken and answered with `Hello`.
    pub async fn with_agent(&self, conversation: &str) {
        self.taken(conversation).await;
        self.agent_writes(conversation, "Hello").await;
        self.status_is(conversation, "active").await;
        self.bot_hears(conversation, &["Hello"]).await;
    }

    /// The same, and RCE itself knows of the answer: it has an intervention.
    pub async fn with_agent_at_rce(&self, conversation: &str) {
        self.taken(conversation).await;
        let thread = self.thread(conversation);
        self.rce.reply(&thread, SAM, "Hello").expect("a taken thread");
        self.status_is(conversation, "active").await;
        self.bot_hears(conversation, &["Hello"]).await;
    }

    /// A conversation that an agent has taken and not yet answered.
    async fn taken(&self, conversation: &str) {
        self.user_says(conversation, "I need a human").await;
        self.asks_for_agent(conversation).await;
        self.status_is(conversation, "queued").await;
        let thread = self.thread(conversation);
        self.rce.take(&thread, SAM).expect("a waiting thread");
    }

    /// An agent's message by hand, until the bridge has taken it.
    pub async fn agent_writes(&self, conversation: &str, text: &str) {
        let content = format!("5f0c0000000000000c{:06}", self.next());
        self.agent_writes_as(conversation, &content, text).await;
    }

    pub async fn agent_writes_as(&self, conversation: &str, content: &str, text: &str) -> Value {
        let action = self.agent_message(conversation, content, text);
        self.insist_action(action).await
    }

    /// An action of the Source SDK until the bridge has taken it.
    pub async fn insist_action(&self, action: Value) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Ok(answer) = self.rce.send_action(action.clone()).await {
                if answer.status == 200 {
                    assert!(answer.signed, "an unsigned answer");
                    return answer.json();
                }
                assert!(answer.status >= 500, "{}: {}", answer.status, answer.json());
            }
            assert!(Instant::now() < deadline, "{action} is never accepted");
        }
    }

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

    /// An agent closes the case, and RCE's word of it is lost for good, as is all that follows.
    pub fn closes_unheard(&self, conversation: &str) {
        let down = WebhookBehaviour {
            down: true,
            ..WebhookBehaviour::default()
        };
        self.rce.set_webhooks(down);
        self.rce.close(&self.thread(conversation)).expect("an open case");
    }

    /// A place in the queue, in seconds as RCE says it.
    pub async fn queue_position(&self, conversation: &str, position: u64, seconds: u64) {
        let action = json!({"action": "messaging.queuing_update", "params": {
            "estimated_wait_time": seconds,
            "in_reply_to_id": null,
            "position": position,
            "thread_id": self.thread(conversation),
        }});
        assert_eq!(self.insist_action(action).await, json!({}));
    }

    /// The events of this kind that RCE reported, as they were.
    pub fn reported(&self, kind: &str) -> Vec<Value> {
        let deliveries = self.rce.deliveries();
        let events = deliveries
            .iter()
            .filter_map(|delivery| delivery.body["events"].as_array());
        events
            .flatten()
            .filter(|event| event["type"] == kind)
            .cloned()
            .collect()
    }

    /// A person writes on the channel of RCE's own; returns their conversation.
    pub fn customer_writes(&self, text: &str) -> String {
        let message = NativeMessage::new("nadia", text).named("Nadia");
        let content = self.rce.customer_writes(message).expect("RCE agrees");
        self.rce.thread_of(&content).expect("it is in a thread").id
    }

    // ---- what they saw

    /// What the person saw on that channel, in order.
    pub fn seen_by_customer(&self, conversation: &str) -> Vec<String> {
        let seen = self.rce.seen_by_customer(conversation);
        seen.into_iter().map(|it| it.text.unwrap_or_default()).collect()
    }

    /// Waits until they have seen exactly this.
    pub async fn customer_sees(&self, conversation: &str, texts: &[&str]) {
        let enough = async || self.seen_by_customer(conversation).len() >= texts.len();
        eventually(&format!("the customer sees {texts:?}"), enough).await;
        assert_eq!(self.seen_by_customer(conversation), texts);
    }

    /// The texts of a conversation in RCE, in order of arrival.
    pub fn in_rce(&self, conversation: &str) -> Vec<String> {
        let contents = self.rce.contents(&self.thread(conversation));
        contents
            .iter()
            .map(|content| content.body.clone().unwrap_or_default())
            .collect()
    }

    pub async fn rce_has(&self, conversation: &str, text: &str) {
        let is_so = async || self.in_rce(conversation).iter().any(|found| found == text);
        eventually(&format!("RCE has {text}"), is_so).await;
    }

    /// What the bot took of a conversation, in order, each once.
    pub fn told(&self, conversation: &str) -> Vec<Heard> {
        let mut taken = self.bot.taken();
        taken.retain(|heard| heard.conversation() == conversation);
        taken
    }

    pub fn kinds(&self, conversation: &str) -> Vec<String> {
        self.told(conversation)
            .iter()
            .map(|heard| heard.kind().to_owned())
            .collect()
    }

    /// The agents' texts that the bot took.
    pub fn texts(&self, conversation: &str) -> Vec<String> {
        let mut taken = self.told(conversation);
        taken.retain(|heard| heard.kind() == "message.created");
        taken.iter().map(|heard| heard.text().to_owned()).collect()
    }

    /// How often the bot was told this.
    pub fn count(&self, conversation: &str, kind: &str) -> usize {
        let kinds = self.kinds(conversation);
        kinds.iter().filter(|found| *found == kind).count()
    }

    /// Whether the bot alone has the thread at RCE.
    pub fn is_with_bot(&self, conversation: &str) -> bool {
        let thread = self.rce.thread(&self.thread(conversation));
        thread.is_some_and(|thread| thread.category_ids == [self.rce.config().bot_category_id.clone()])
    }

    /// Waits until the bot took exactly these texts, in this order.
    pub async fn bot_hears(&self, conversation: &str, texts: &[&str]) {
        let enough = async || self.texts(conversation).len() >= texts.len();
        eventually(&format!("the bot hears {texts:?} of {conversation}"), enough).await;
        assert_eq!(self.texts(conversation), texts);
    }

    /// Neither neighbour has anything to complain about, unless it is about somebody who answered in the bridge's
    /// place.
    #[track_caller]
    pub fn check(&self, others_answered: bool) {
        let mut violations = self.rce.violations();
        violations.retain(|violation| !(others_answered && violation.rule == "answer-signature"));
        assert!(
            violations.is_empty(),
            "the protocol was violated: {violations:#?}"
        );
        self.bot.check();
    }
}

pub(crate) fn client() -> reqwest::Client {
    handover_ringcx::http::client()
}
