//! The bot at work: joins the chat windows, the bot's wording and the bridge.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::OwnedMutexGuard;

use super::bot::{self, Answer};
use super::bridge::{Bridge, Exchange};
use super::chat::{Chat, Line, LineState, Phase};
use super::config::random;
use super::customers::{CROWD, Customer};
use super::pause;

/// Everything that the bot knows.
pub(super) struct Host {
    pub(super) bridge: Arc<Bridge>,
    chats: Mutex<HashMap<String, Arc<Chat>>>,
    arrived: AtomicUsize,
}

impl Host {
    pub(super) fn new(bridge: Bridge) -> Self {
        Self {
            bridge: Arc::new(bridge),
            chats: Mutex::default(),
            arrived: AtomicUsize::new(0),
        }
    }

    /// Opens a chat window. The bot greets.
    pub(super) fn open(&self, customer: &'static Customer) -> anyhow::Result<Arc<Chat>> {
        let chat = Arc::new(Chat::new(
            format!("demo-{}", hex::encode(random::<5>()?)),
            customer,
        ));
        chat.change(|view| {
            view.add(Line::new(
                "greeting".to_owned(),
                "bot",
                Some(bot::NAME.to_owned()),
                bot::GREETING.to_owned(),
            ));
        });
        let mut chats = self.chats.lock().unwrap_or_else(PoisonError::into_inner);
        chats.insert(chat.id.clone(), Arc::clone(&chat));
        Ok(chat)
    }

    pub(super) fn chat(&self, id: &str) -> Option<Arc<Chat>> {
        self.chats
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .cloned()
    }

    /// Lets the next scripted customer arrive and ask for a human. Returns the name.
    pub(super) fn somebody_arrives(self: &Arc<Self>) -> anyhow::Result<&'static str> {
        let customer = &CROWD[self.arrived.fetch_add(1, Ordering::Relaxed) % CROWD.len()];
        let chat = self.open(customer)?;
        let host = Arc::clone(self);
        tokio::spawn(async move {
            for (number, line) in customer
                .script
                .iter()
                .flat_map(|script| script.opening)
                .enumerate()
            {
                if host
                    .say(&chat, &format!("{}-opening-{number}", chat.id), line)
                    .await
                    .is_err()
                {
                    break;
                }
            }
        });
        Ok(customer.name)
    }

    /// The customer wrote a line. It is passed on whoever answers; the bot answers only if the bridge says so.
    /// The same id again is a second attempt.
    pub(super) async fn say(self: &Arc<Self>, chat: &Arc<Chat>, id: &str, text: &str) -> Result<(), String> {
        let turn = Arc::clone(&chat.turn).lock_owned().await;
        let known = chat.look(|view| {
            view.lines
                .iter()
                .any(|line| line.id == id && line.state == LineState::Sent)
        });
        if known {
            return Ok(());
        }
        chat.change(|view| {
            let name = Some(view.customer.to_owned());
            view.add(Line::new(id.to_owned(), "customer", name, text.to_owned()));
            view.set_state(id, LineState::Sending);
        });
        let exchange = self
            .bridge
            .customer_says(&chat.id, id, text, chat.customer.identity(&chat.id))
            .await;
        let handler = record(chat, exchange).map(|answer| answer["handler"] == "bot");
        let state = if handler.is_ok() {
            LineState::Sent
        } else {
            LineState::Failed
        };
        chat.change(|view| view.set_state(id, state));
        if handler? {
            let (host, chat, text) = (Arc::clone(self), Arc::clone(chat), text.to_owned());
            tokio::spawn(async move { host.answer(&chat, &text, turn).await });
        }
        Ok(())
    }

    /// The customer pressed the button.
    pub(super) async fn ask_for_human(self: &Arc<Self>, chat: &Arc<Chat>) -> Result<(), String> {
        let _turn = chat.turn.lock().await;
        if chat.phase() != Phase::Bot {
            return Ok(());
        }
        self.request_handover(chat, "The customer pressed “Talk to a human”")
            .await
    }

    /// The customer does not want to wait, or to talk, any longer. The end is told by an event.
    pub(super) async fn leave(&self, chat: &Chat) -> Result<(), String> {
        let exchange = self.bridge.end_handover(&chat.id).await;
        record(chat, exchange).map(drop)
    }

    pub(super) async fn typing(&self, chat: &Chat, state: &str, preview: Option<&str>) -> Result<(), String> {
        if chat.phase() == Phase::Bot {
            return Ok(());
        }
        let exchange = self.bridge.typing(&chat.id, state, preview).await;
        record(chat, exchange).map(drop)
    }

    pub(super) async fn read(&self, chat: &Chat, message: &str) -> Result<(), String> {
        let exchange = self.bridge.read(&chat.id, message).await;
        record(chat, exchange).map(drop)
    }

    /// The handover is over: the bot takes the word again.
    pub(super) async fn resume(&self, chat: &Arc<Chat>, ending: &str) {
        let _turn = chat.turn.lock().await;
        self.speak(chat, bot::back(ending)).await;
    }

    /// A scripted customer answers the agent's first words.
    pub(super) async fn thank(self: &Arc<Self>, chat: &Arc<Chat>) {
        let Some(script) = &chat.customer.script else {
            return;
        };
        pause(Duration::from_millis(1500)).await;
        let epoch = chat.look(|view| view.handovers_over);
        // The page shows a failure; there is nobody else to tell.
        let _ = self
            .say(chat, &format!("{}-thanks-{epoch}", chat.id), script.thanks)
            .await;
    }

    async fn answer(&self, chat: &Chat, text: &str, _turn: OwnedMutexGuard<()>) {
        chat.change(|view| view.typing = true);
        pause(Duration::from_millis(500)).await;
        match bot::answer(text) {
            Answer::Say(line) => {
                self.speak(chat, line).await;
            }
            Answer::Handover { say, reason } => {
                if self.speak(chat, say).await {
                    // The page shows a failure; there is nobody else to tell.
                    let _ = self.request_handover(chat, reason).await;
                }
            }
        }
    }

    /// Posts a line of the bot and shows it, unless an agent took over meanwhile.
    async fn speak(&self, chat: &Chat, line: &str) -> bool {
        let id = chat.look(|view| format!("{}-bot-{}", chat.id, view.lines.len()));
        let exchange = self.bridge.bot_says(&chat.id, &id, line).await;
        let answer = record(chat, exchange);
        let mine = answer.as_ref().is_ok_and(|answer| answer["handler"] == "bot");
        chat.change(|view| {
            if mine {
                view.typing = false;
                view.add(Line::new(id, "bot", Some(bot::NAME.to_owned()), line.to_owned()));
            } else if let Err(why) = answer {
                view.typing = false;
                view.notice(format!("The bot could not speak: {why}"));
            }
        });
        mine
    }

    async fn request_handover(&self, chat: &Chat, reason: &str) -> Result<(), String> {
        let (id, summary) = chat.look(|view| {
            let lines = view.lines.iter().filter(|line| line.from == "customer");
            let summary = bot::summary(view.customer, lines.map(|line| line.text.as_str()));
            (format!("{}-handover-{}", chat.id, view.lines.len()), summary)
        });
        // Before the request: the first event may overtake its answer.
        chat.change(|view| view.phase = Phase::Requested);
        let request = json!({
            "id": id,
            "reason": reason,
            "summary": summary,
            "user": chat.customer.profile(&chat.id),
            "context": chat.customer.context(),
        });
        let exchange = self.bridge.request_handover(&chat.id, request).await;
        let answer = record(chat, exchange);
        let refusal = match &answer {
            Err(why) => Some(format!("No handover: {why}")),
            Ok(answer) if answer["handover"]["status"] == "unavailable" => {
                let reason = answer["handover"]["reason"].as_str().unwrap_or_default();
                Some(bot::unavailable(reason).to_owned())
            }
            Ok(_) => None,
        };
        if let Some(text) = refusal {
            chat.change(|view| {
                if view.phase == Phase::Requested {
                    view.phase = Phase::Bot;
                }
                view.notice(text);
            });
        }
        answer.map(drop)
    }
}

/// Shows a call on the page and passes its outcome on.
pub(super) fn record(chat: &Chat, exchange: Exchange) -> Result<Value, String> {
    let outcome = exchange.outcome().cloned();
    chat.record(exchange);
    outcome
}
