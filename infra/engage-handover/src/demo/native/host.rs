//! The bot at work on a channel of RCE's own, and the customers' phones.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::bot;
use super::super::bridge::{Bridge, Exchange};
use super::super::chat::{Chat, Phase};
use super::super::config::random;
use super::super::customers::VISITOR;
use super::super::desk::Desk;
use super::super::host::record;
use super::super::inbox::Inbox;
use super::super::pause;
use super::phone;
use super::script::{self, Answer};

/// What the demo knows of the channel.
pub(in super::super) struct Channel {
    /// RCE's id of it.
    pub(in super::super) source_id: String,
    /// A picture that a customer may send, as RCE's API shows it.
    pub(in super::super) picture: Value,
    /// Where the demo's server has the bot's files, with a slash at the end.
    pub(in super::super) files: String,
    /// After how many seconds a bot that does not answer loses the customer to the agents.
    pub(in super::super) bot_silent: u64,
}

/// Everything that the bot knows.
pub(in super::super) struct Host {
    pub(in super::super) bridge: Arc<Bridge>,
    channel: Channel,
    desk: Arc<Desk>,
    inbox: Inbox,
    phones: Mutex<Vec<Arc<Chat>>>,
    /// Held while a customer writes: the bridge may tell of it before RCE has said in which thread it is.
    writing: tokio::sync::Mutex<()>,
}

/// What a customer does with the phone.
#[derive(Debug, Deserialize)]
pub(super) struct Written {
    /// The channel's id of the message; the same again is the same message.
    id: String,
    #[serde(default)]
    text: Option<String>,
    /// Of the button that was pressed, and the message that has it.
    #[serde(default)]
    payload: Option<String>,
    #[serde(default)]
    in_reply_to: Option<String>,
    /// Sends the picture along.
    #[serde(default)]
    picture: bool,
}

impl Host {
    pub(in super::super) fn new(
        bridge: Bridge,
        channel: Channel,
        desk: Arc<Desk>,
        signing_secret: &str,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            bridge: Arc::new(bridge),
            channel,
            desk,
            inbox: Inbox::new(signing_secret)?,
            phones: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
        })
    }

    /// Somebody with a phone, who has not written yet.
    pub(super) fn open(&self) -> anyhow::Result<Arc<Chat>> {
        let phone = Arc::new(Chat::new(
            format!("phone-{}", hex::encode(random::<5>()?)),
            &VISITOR,
        ));
        phone.change(|view| view.conversation.clear());
        self.phones().push(Arc::clone(&phone));
        Ok(phone)
    }

    pub(super) fn phone(&self, id: &str) -> Option<Arc<Chat>> {
        self.phones().iter().find(|phone| phone.id == id).cloned()
    }

    fn by_conversation(&self, id: &str) -> Option<Arc<Chat>> {
        let phones = self.phones();
        let mut phones = phones.iter();
        phones
            .find(|phone| phone.look(|view| view.conversation == id))
            .cloned()
    }

    fn phones(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Chat>>> {
        self.phones.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The customer writes to RCE, and to nobody else.
    pub(super) async fn write(&self, phone: &Chat, written: &Written) -> Result<(), String> {
        let _writing = self.writing.lock().await;
        let attachments: Vec<&Value> = written
            .picture
            .then_some(&self.channel.picture)
            .into_iter()
            .collect();
        let message = json!({
            "source_id": self.channel.source_id,
            "customer_id": phone.id,
            "customer_name": phone.customer.name,
            "id": written.id,
            "body": written.text,
            "structured_reply_payload": written.payload,
            "in_reply_to_id": written.in_reply_to,
            "attachments": attachments,
        });
        let (status, answer) = self.desk.act("messages", &message).await;
        if !status.is_success() {
            let why = answer["message"].as_str().or_else(|| answer["error"].as_str());
            return Err(why.unwrap_or("the simulated channel refused it").to_owned());
        }
        if let Some(thread) = self.desk.thread_of(answer["content_id"].as_str()).await {
            phone.change(|view| view.conversation = thread);
        }
        Ok(())
    }

    /// The bot speaks although it is not its turn. The bridge says so, and nobody hears it.
    pub(super) async fn butt_in(&self, phone: &Chat) -> Result<(), String> {
        self.speak(phone, json!({ "text": script::BUTTS_IN }))
            .await
            .map(drop)
    }

    /// Keeps what the phones show like what RCE knows, until it is dropped.
    pub(in super::super) async fn follow(self: Arc<Self>) {
        let mut desk = self.desk.subscribe();
        while desk.changed().await.is_ok() {
            let state = desk.borrow_and_update().clone();
            let phones = self.phones().clone();
            for phone in phones {
                let conversation = phone.look(|view| view.conversation.clone());
                let cards = state["threads"].as_array();
                let mut cards = cards.into_iter().flatten();
                let Some(card) = cards.find(|card| card["thread_id"] == conversation.as_str()) else {
                    continue;
                };
                let lines = phone::lines(card);
                if phone.look(|view| view.lines != lines) {
                    phone.change(|view| view.lines = lines);
                }
            }
        }
    }

    /// Takes one delivery of the bridge. Whatever is not signed by it is refused; a repeat has no effect.
    pub(super) async fn receive(self: &Arc<Self>, headers: &HeaderMap, body: &Bytes) -> StatusCode {
        let (id, event) = match self.inbox.open(headers, body) {
            Ok(opened) => opened,
            Err(refusal) => return refusal,
        };
        let conversation = event["data"]["conversation"].as_str().unwrap_or_default();
        let mut phone = self.by_conversation(conversation);
        if phone.is_none() {
            drop(self.writing.lock().await);
            phone = self.by_conversation(conversation);
        }
        if let Some(phone) = phone
            && self.inbox.is_new(&id)
        {
            self.take(&phone, event);
        }
        StatusCode::NO_CONTENT
    }

    fn take(self: &Arc<Self>, phone: &Arc<Chat>, event: Value) {
        let kind = event["type"].as_str().unwrap_or_default().to_owned();
        let data = event["data"].clone();
        phone.record(Exchange::event(kind.clone(), event));
        let was = phone.phase();
        let (host, phone) = (Arc::clone(self), Arc::clone(phone));
        match kind.as_str() {
            "message.created" if phone.look(|view| view.asleep.is_none()) => {
                drop(tokio::spawn(async move {
                    host.answer(&phone, &data["message"]).await;
                }));
            }
            "handover.queued" if was != Phase::Active => phone.change(|view| {
                view.phase = Phase::Queued;
                view.asleep = None;
            }),
            "handover.active" | "agent.changed" => phone.change(|view| {
                view.phase = Phase::Active;
                view.asleep = None;
                view.agent = data["agent"]["name"].as_str().map(str::to_owned);
            }),
            "handover.completed" | "handover.cancelled" | "handover.failed" | "handover.timed_out" => {
                phone.change(|view| {
                    view.phase = Phase::Bot;
                    view.agent = None;
                    view.handovers_over += 1;
                });
                let back = json!({ "text": bot::back(&kind) });
                // The page shows a failure; there is nobody else to tell.
                drop(tokio::spawn(
                    async move { host.speak(&phone, back).await.map(drop) },
                ));
            }
            _ => {}
        }
    }

    /// Answers what the customer wrote, one after the other.
    async fn answer(&self, phone: &Chat, message: &Value) {
        let _turn = phone.turn.lock().await;
        let answer = script::answer(message);
        if answer == Answer::FallAsleep {
            phone.change(|view| view.asleep = Some(self.channel.bot_silent));
            return;
        }
        pause(Duration::from_millis(400)).await;
        let said = self
            .speak(phone, script::members(&answer, &self.channel.files))
            .await;
        if let (Ok(true), Answer::Handover { reason, .. }) = (said, answer) {
            self.request_handover(phone, reason).await;
        }
    }

    /// Says something. `false`: agents have the conversation.
    async fn speak(&self, phone: &Chat, mut message: Value) -> Result<bool, String> {
        let conversation = phone.look(|view| view.conversation.clone());
        message["id"] = json!(format!(
            "bot-{}",
            hex::encode(random::<6>().map_err(|it| it.to_string())?)
        ));
        message["from"] = json!("bot");
        let exchange = self.bridge.post_message(&conversation, message).await;
        record(phone, exchange).map(|answer| answer["handler"] == "bot")
    }

    async fn request_handover(&self, phone: &Chat, reason: &str) {
        let (conversation, summary) = phone.look(|view| {
            let lines = view.lines.iter().filter(|line| line.from == "customer");
            let summary = bot::summary(view.customer, lines.map(|line| line.text.as_str()));
            (view.conversation.clone(), summary)
        });
        // Before the request: the first event may overtake its answer.
        phone.change(|view| view.phase = Phase::Requested);
        let request = json!({ "reason": reason, "summary": summary });
        let exchange = self.bridge.request_handover(&conversation, request).await;
        let answer = record(phone, exchange);
        let refused = answer.is_err() || answer.is_ok_and(|it| it["handover"]["status"] == "unavailable");
        phone.change(|view| {
            if view.phase == Phase::Requested {
                view.phase = if refused { Phase::Bot } else { Phase::Queued };
            }
        });
        if !refused {
            // Those who wait may hear of it from the bot: a notice is not a second voice.
            let notice = json!({ "text": script::IN_LINE, "notice": true });
            // The page shows a failure; there is nobody else to tell.
            let _ = self.speak(phone, notice).await;
        }
    }
}
