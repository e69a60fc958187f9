//! Chatlayer: the bridge acts as the agent of the conversation-actions API.
//!
//! `POST {api}/v1/bots/{bot}/conversations/{session}/actions?version=DRAFT|LIVE` (Chatlayer API,
//! `executeConversationAction`). The body for messages is documented; how to pause, resume and go to a dialog is not, so
//! those three are in the settings.
//!
//! On channels of RCE's own people's words go to the bot's webhook channel (Chatlayer documentation, "Webhook channel"). What
//! the bot says to them comes by another call, so that no call is repeated that may have arrived.

use handover_core::Timestamp;
use handover_core::event::BotEvent;
use handover_core::handover::Cause;
use handover_core::message::AgentMessage;
use handover_core::ports::{BotError, Delivery, Told};
use handover_core::settings::{ChatlayerSettings, Connection, Topology};
use handover_platforms::chatlayer::{customer_to_chatlayer, to_chatlayer};
use jiff::SignedDuration;
use reqwest::Client;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::cognigy::below;
use crate::pace::Pace;
use crate::{answer, post, send, send_once};

/// Tells Chatlayer.
#[derive(Debug)]
pub struct Chatlayer {
    http: Client,
    pace: Pace,
}

/// The bodies that tell an event, one call each; none where Chatlayer has no place for it.
pub fn calls(settings: &ChatlayerSettings, connection: &Connection, event: &BotEvent) -> Vec<Value> {
    let dialogs = &connection.dialogs;
    let actions = &settings.actions;
    let is_mirrored = connection.topology() == Topology::Mirrored;
    let dialog = |id: &Option<String>| id.as_ref().map(|id| fill(&actions.dialog, id));
    match event {
        BotEvent::HandoverAccepted => dialog(&dialogs.opened).into_iter().collect(),
        // Nobody asked Chatlayer: its bot would go on talking. Who waits first is told twice, so the dialog, which must
        // not come twice, waits for the agent.
        BotEvent::HandoverBegun { cause } if *cause != Cause::Bot => vec![actions.pause.clone()],
        BotEvent::HandoverActive { cause, .. } if *cause != Cause::Bot => {
            std::iter::once(actions.pause.clone())
                .chain(dialog(&dialogs.opened))
                .collect()
        }
        BotEvent::MessageCreated { message } if is_mirrored => messages(message),
        BotEvent::MessageFailed { .. } if is_mirrored => {
            vec![json!({"sendMessages": [text(&connection.bot.message_failed_text)]})]
        }
        BotEvent::HandoverCompleted { .. }
        | BotEvent::HandoverCancelled { .. }
        | BotEvent::HandoverFailed { .. }
        | BotEvent::HandoverTimedOut { .. } => std::iter::once(actions.resume.clone())
            .chain(dialog(&dialogs.closed))
            .collect(),
        BotEvent::HandoverActive { .. }
        | BotEvent::HandoverBegun { .. }
        | BotEvent::HandoverQueued { .. }
        | BotEvent::AgentChanged { .. }
        | BotEvent::HandoverDeferred { .. }
        | BotEvent::HandoverSummarised { .. }
        | BotEvent::SurveyImported { .. }
        | BotEvent::CustomerWrote { .. }
        | BotEvent::CustomerEdited { .. }
        | BotEvent::CustomerTookBack { .. }
        | BotEvent::MessageCreated { .. }
        | BotEvent::MessageFailed { .. }
        | BotEvent::HandoverTimingOut { .. }
        | BotEvent::TypingStarted
        | BotEvent::TypingStopped => Vec::new(),
    }
}

/// What is posted to the webhook channel: a person's words.
pub(crate) fn words(connection: &Connection, event: &BotEvent) -> Option<Value> {
    let BotEvent::CustomerWrote { message } = event else {
        return None;
    };
    let text = customer_to_chatlayer(message).filter(|_| connection.is_native())?;
    let mut user = json!({});
    let language = message.language.as_ref().or(message.user.language.as_ref());
    for (key, value) in [
        ("firstName", message.user.firstname.as_ref()),
        ("lastName", message.user.lastname.as_ref()),
        ("preferredLanguage", language),
    ] {
        if let Some(value) = value {
            user[key] = json!(value);
        }
    }
    Some(json!({"message": {"textMessage": {"text": text}}, "user": user, "sessionData": {}}))
}

/// All of a message is one call, so that a person never sees half of it.
fn messages(message: &AgentMessage) -> Vec<Value> {
    let templates = to_chatlayer(message);
    if templates.is_empty() {
        return Vec::new();
    }
    vec![json!({"sendMessages": templates})]
}

fn text(text: &str) -> Value {
    json!({"textMessageTemplate": {"textMessages": [{"text": text}]}})
}

/// The template with the dialog's id in its place.
fn fill(template: &Value, dialog: &str) -> Value {
    match template {
        Value::String(text) => Value::String(text.replace("{{dialog}}", dialog)),
        Value::Array(items) => items.iter().map(|item| fill(item, dialog)).collect(),
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(key, value)| (key.clone(), fill(value, dialog)));
            Value::Object(members.collect())
        }
        other => other.clone(),
    }
}

impl Chatlayer {
    pub fn new(http: Client) -> Self {
        let pace = Pace::default();
        Self { http, pace }
    }

    pub async fn tell(
        &self,
        connection: &Connection,
        settings: &ChatlayerSettings,
        delivery: &Delivery,
    ) -> Result<Told, BotError> {
        if let (Some(words), 0) = (words(connection, &delivery.event), delivery.part) {
            return self.ask(connection, settings, delivery, words).await;
        }
        let mut calls = calls(settings, connection, &delivery.event);
        if delivery.part >= calls.len() {
            return Ok(Told { status: 200 });
        }
        let body = calls.swap_remove(delivery.part);
        let session = delivery.address.session_id.as_str();
        if matches!(session, "" | "." | "..") {
            // No URL holds these as a segment: the call would go elsewhere.
            return Err(BotError::NoAddress);
        }
        if connection.is_native() && delivery.address.version.is_none() {
            // Chatlayer has told of no session yet, so it handed nothing over that would have to be given back.
            return Ok(Told { status: 200 });
        }
        let segments = [
            "v1",
            "bots",
            &settings.bot_id,
            "conversations",
            session,
            "actions",
        ];
        let mut url = below(&settings.api_url, &segments);
        let version = delivery.address.version.as_deref().unwrap_or("LIVE");
        url.query_pairs_mut().append_pair("version", version);
        self.pace
            .take(&connection.id, settings.calls_per_minute, delivery.now)?;
        let request = post(&self.http, url).bearer_auth(settings.access_token.expose());
        let answer = send(request, body.to_string().into_bytes()).await?;
        if let Some(pause) = exhausted(answer.headers(), delivery.now) {
            self.pace.hold(&connection.id, pause, delivery.now);
        }
        answer::read_platform(answer.status().as_u16(), answer.headers(), delivery.now)
    }
}

impl Chatlayer {
    /// Posts a person's words. They are known by the conversation's id, so that the bot's words name it.
    async fn ask(
        &self,
        connection: &Connection,
        settings: &ChatlayerSettings,
        delivery: &Delivery,
        mut words: Value,
    ) -> Result<Told, BotError> {
        let channel = settings.channel.as_ref().ok_or(BotError::NoAddress)?;
        words["user"]["id"] = json!(delivery.conversation);
        self.pace
            .take(&connection.id, settings.calls_per_minute, delivery.now)?;
        let request = post(&self.http, channel.url.clone()).bearer_auth(channel.token.expose());
        match send_once(request, words.to_string().into_bytes()).await? {
            Some(answer) => answer::read_platform(answer.status().as_u16(), answer.headers(), delivery.now),
            None => Ok(Told { status: 202 }),
        }
    }
}

/// How long to be silent if `x-ratelimit-remaining` says that nothing is left. The unit of `x-ratelimit-reset` is
/// not documented: a moment in seconds or milliseconds, or seconds from now.
fn exhausted(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    if number("x-ratelimit-remaining")? > 0 {
        return None;
    }
    let reset = number("x-ratelimit-reset")?;
    let moment = match reset {
        100_000_000_000.. => Timestamp::from_millisecond(reset).ok()?,
        100_000_000.. => Timestamp::from_second(reset).ok()?,
        0.. => return Some(SignedDuration::from_secs(reset)),
        _ => return None,
    };
    Some(moment.duration_since(now).max(SignedDuration::ZERO))
}
