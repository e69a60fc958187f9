//! Cognigy.AI on channels of RCE's own: a person's words, and states, are inputs of the Flow's own endpoint,
//! `POST {base}/{URLToken}` with `{userId, sessionId, text, data}` (Cognigy documentation, "REST endpoint", "Webhook
//! endpoint").
//!
//! A REST endpoint answers with all that the Flow says. If that answer gets lost it is asked again: nobody has read it. A
//! Webhook endpoint says everything by calls of its own, so that what may have arrived is not repeated.

use handover_core::event::BotEvent;
use handover_core::ports::{Answered, BotError, BotSays, Delivery, Told};
use handover_core::secret::Secret;
use handover_core::settings::{BotSettings, CognigyEndpoint, CognigySettings, Connection};
use handover_platforms::cognigy::{
    CognigyInput, Command, Output, customer_to_cognigy, outputs_of_answer, request,
};
use serde_json::{Value, json};

use super::{Cognigy, Does, below, calls, name};
use crate::{ANSWER_TIMEOUT, answer, body_of, post, send, send_once, signed};

/// The inputs that tell an event. States are those that are injected elsewhere; an agent's words are shown by RCE itself.
pub fn inputs(bot: &BotSettings, event: &BotEvent) -> Vec<CognigyInput> {
    if let BotEvent::CustomerWrote { message } = event {
        return vec![customer_to_cognigy(message)];
    }
    let states = calls(bot, event)
        .into_iter()
        .filter(|call| call.does == Does::Inject);
    states
        .map(|call| CognigyInput {
            text: None,
            data: call.data,
        })
        .collect()
}

/// Whether an input must not arrive twice: a Webhook endpoint says everything by calls of its own.
pub fn is_told_once(settings: &CognigySettings) -> bool {
    let asks = settings.asks.as_ref();
    asks.is_some_and(|asks| asks.endpoint == CognigyEndpoint::Webhook)
}

impl Cognigy {
    /// Gives the Flow an input, and takes what it says in its answer.
    pub async fn ask(
        &self,
        connection: &Connection,
        settings: &CognigySettings,
        delivery: &Delivery,
    ) -> Result<Answered, BotError> {
        let mut inputs = inputs(&connection.bot, &delivery.event);
        if delivery.part >= inputs.len() {
            return Ok(silent(Told { status: 200 }));
        }
        let mut input = inputs.swap_remove(delivery.part);
        name(&mut input.data, delivery);
        let asks = settings.asks.as_ref().ok_or(BotError::NoAddress)?;
        let token = delivery.address.url_token.as_deref();
        let token = token.or(settings.url_token.as_ref().map(Secret::expose));
        let token = token
            .filter(|token| !token.is_empty())
            .ok_or(BotError::NoAddress)?;
        let mut body = json!({
            "userId": delivery.address.user_id,
            "sessionId": delivery.address.session_id,
            "data": input.data,
        });
        if let Some(text) = input.text {
            body["text"] = Value::from(text);
        }
        let body = body.to_string().into_bytes();
        self.pace
            .take(&connection.id, settings.calls_per_minute, delivery.now)?;
        let request = post(&self.http, below(&asks.base, &[token]));
        let id = format!("{}-{}", delivery.id, delivery.part);
        let request = signed::sign(request, &settings.signing_secrets, delivery, &id, &body)?;
        let answer = match asks.endpoint {
            CognigyEndpoint::Rest => send(request.timeout(ANSWER_TIMEOUT), body).await?,
            CognigyEndpoint::Webhook => match send_once(request, body).await? {
                Some(answer) => answer,
                None => return Ok(silent(Told { status: 202 })),
            },
        };
        let told = answer::read_platform(answer.status().as_u16(), answer.headers(), delivery.now)?;
        if asks.endpoint == CognigyEndpoint::Webhook {
            return Ok(silent(told));
        }
        let mut says = read(&body_of(answer).await?)?;
        if !matches!(delivery.event, BotEvent::CustomerWrote { .. }) {
            // A handover that could not begin, or is over, is no reason for the next: that would go round in circles.
            says.retain(|says| !matches!(says, BotSays::Handover(_)));
        }
        Ok(Answered { told, says })
    }
}

/// It says nothing here. That is no answer to the person: who says nothing on purpose says so.
fn silent(told: Told) -> Answered {
    let says = Vec::new();
    Answered { told, says }
}

/// What a REST endpoint's answer says, in order.
fn read(body: &[u8]) -> Result<Vec<BotSays>, BotError> {
    if body.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    let answer: Value = serde_json::from_slice(body)
        .map_err(|_| BotError::Unreadable("it is no JSON; is it a REST endpoint of Cognigy's?"))?;
    let (outputs, left_out) = outputs_of_answer(&answer);
    let rest = (left_out > 0).then_some(BotSays::TooMuch { left_out });
    Ok(outputs.into_iter().flat_map(says).chain(rest).collect())
}

/// What one output says: its words go before what it wants.
fn says(output: Output) -> Vec<BotSays> {
    let Output { content, command } = output;
    let command = match command {
        Some(Command::Handover(wish)) => Some(BotSays::Handover(request(&wish))),
        Some(Command::Nothing) => Some(BotSays::Nothing),
        // The Flow is not asked while somebody else has the conversation.
        Some(Command::End) | None => None,
    };
    if content.is_empty() && command.is_none() {
        tracing::debug!("an output of a flow that says nothing to people");
    }
    let words = (!content.is_empty()).then_some(BotSays::Message {
        text: content.text,
        attachments: content.attachments,
        structured: content.structured,
    });
    words.into_iter().chain(command).collect()
}
