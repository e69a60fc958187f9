//! Our own addresses, called as RCE calls them.
//!
//! Secrets go only to an address that somebody gave, or to whoever proved to be the bridge by a signed answer: an
//! address that was read off RCE's webhook could be anybody's.

use std::time::{Duration, Instant};

use handover_core::heard::OUR_OWN;
use handover_core::ports::causes;
use handover_core::secret::Secret;
use handover_core::serving;
use handover_core::settings::Connection;
use handover_ringcx::base_url::is_loopback;
use handover_ringcx::console::Webhook;
use handover_ringcx::signature::{SIGNATURE_HEADER, sign, verify};
use handover_ringcx::webhook::SECRET_HEADER;
use reqwest::header::LOCATION;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use url::Url;

use super::aim::{Aim, aim, base_of};
use super::{Instruments, Patient};
use crate::facts::{AddressFacts, Call, NoAnswer, Seen, Serving};

/// Longest body of an answer that is read.
const BODY_MAX: usize = 64 * 1024;
const NO_ADDRESS: &str = "the bridge's address is not known";
pub(crate) const NOT_PROVEN: &str = "who answers there did not prove to be the bridge, so no secret was sent";
const NOT_SIGNED: &str =
    "who answers there does not sign as the bridge has to, so no secret was sent: see source-sdk";
const NOT_SAFE: &str = "the address is not https, so no secret was sent";
const NOT_REACHED: &str = "the bridge was not reached";
const NO_ANSWER: &str = "the bridge does not answer at all";

/// Finds out where we are, and calls.
pub(super) async fn call(
    patient: &Patient,
    with: &Instruments,
    webhooks: &Seen<Vec<Webhook>>,
) -> AddressFacts {
    let connection = &patient.connection;
    let given = patient.public_url.as_ref();
    let here = webhooks
        .yes()
        .into_iter()
        .flatten()
        .filter(|webhook| aim(&webhook.url, connection, &patient.neighbours, given) == Aim::Here);
    // Of several the one that works best is looked at: active, with our token, with the most events.
    let ours = &connection.ringcx.verification_token;
    let webhook = here.max_by_key(|webhook| {
        let token = webhook.verify_token.as_deref().unwrap_or_default();
        let events = webhook.registered_events.len();
        (webhook.delivers(), ours.matches(token.as_bytes()), events)
    });
    let read_off = webhook.and_then(|webhook| base_of(&webhook.url, connection));
    let mut facts = AddressFacts {
        public_url: given.cloned().or(read_off),
        is_given: given.is_some(),
        webhook: webhook.map(|webhook| webhook.id.clone()),
        info: Call::NotTried(NO_ADDRESS),
        options: Vec::new(),
        unsigned: Call::NotTried(NO_ADDRESS),
        validation: Call::NotTried(NO_ADDRESS),
        delivery: Call::NotTried(NO_ADDRESS),
        forged_delivery: Call::NotTried(NO_ADDRESS),
        serving: Serving::default(),
        bot_key: Call::NotTried(NO_ADDRESS),
    };
    let Some(base) = facts.public_url.clone() else {
        return facts;
    };
    let caller = Caller {
        with,
        connection,
        base,
    };
    caller.source_sdk(&mut facts).await;
    let proven = matches!(
        facts.info,
        Call::Answered {
            status: 200,
            right: true,
            ..
        }
    );
    let may_hear_secrets = is_safe(&caller.base) && (proven || facts.is_given);
    let dead = matches!(facts.info, Call::NoAnswer(_));
    if dead || !may_hear_secrets {
        let why = if dead {
            NO_ANSWER
        } else if !is_safe(&caller.base) {
            NOT_SAFE
        } else if facts.info.is_an_answer() && connection.is_mirrored() {
            NOT_SIGNED
        } else if facts.info.is_an_answer() {
            NOT_PROVEN
        } else {
            NOT_REACHED
        };
        for call in [
            &mut facts.validation,
            &mut facts.delivery,
            &mut facts.forged_delivery,
            &mut facts.bot_key,
        ] {
            *call = Call::NotTried(why);
        }
        return facts;
    }
    let webhook_url = webhook
        .and_then(|webhook| Url::parse(&webhook.url).ok())
        .unwrap_or_else(|| caller.url("handover/rce/webhook"));
    caller.webhook(&mut facts, &webhook_url).await;
    caller.availability(&mut facts).await;
    facts
}

fn is_safe(url: &Url) -> bool {
    url.scheme() == "https" || is_loopback(url)
}

struct Caller<'a> {
    with: &'a Instruments,
    connection: &'a Connection,
    base: Url,
}

impl Caller<'_> {
    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{}/{path}", self.connection.id));
        url
    }

    async fn source_sdk(&self, facts: &mut AddressFacts) {
        let tokens = &self.connection.ringcx.realtime_access_tokens;
        let url = self.url("handover/rce/source");
        let body = json!({"action": "implementation.info"}).to_string();
        let request = || {
            let request = self
                .with
                .http
                .post(url.clone())
                .header("content-type", "application/json");
            request.body(body.clone())
        };
        let (Some(token), true) = (tokens.first(), self.connection.is_mirrored()) else {
            // Without relayed messages there is nobody who could sign; that somebody is there shows all the same.
            facts.info = self.send(request(), |_, _| false).await.0;
            facts.unsigned = facts.info.clone();
            return;
        };
        let signed = request().header(SIGNATURE_HEADER, sign(token, body.as_bytes()));
        let (info, answer) = self
            .send(signed, |response, body| is_signed(tokens, response, body))
            .await;
        facts.info = info;
        if matches!(facts.info, Call::NoAnswer(_)) {
            facts.unsigned = Call::NotTried(NO_ANSWER);
            return;
        }
        facts.options = options(&answer);
        facts.unsigned = self.send(request(), |_, _| true).await.0;
    }

    async fn webhook(&self, facts: &mut AddressFacts, url: &Url) {
        let settings = &self.connection.ringcx;
        let Some(secret) = settings.webhook_secrets.first() else {
            return;
        };
        let challenge = format!("{OUR_OWN}{}", self.with.ids.next());
        let mut validation = url.clone();
        validation.query_pairs_mut().extend_pairs([
            ("hub.mode", "subscribe"),
            ("hub.challenge", challenge.as_str()),
            ("hub.verify_token", settings.verification_token.expose()),
        ]);
        let request = self
            .with
            .http
            .get(validation)
            .header(SECRET_HEADER, secret.expose());
        let mut serving = Serving::default();
        let right = |response: &Response, body: &[u8]| {
            let is_right = body == challenge.as_bytes();
            if is_right {
                serving = said(response);
            }
            is_right
        };
        facts.validation = self.send(request, right).await.0;
        facts.serving = serving;
        let post = |secret: &str| {
            let body =
                json!({"id": format!("{OUR_OWN}{}", self.with.ids.next()), "domain_id": "0", "events": []});
            let request = self.with.http.post(url.clone()).header(SECRET_HEADER, secret);
            request
                .header("content-type", "application/json")
                .body(body.to_string())
        };
        facts.delivery = self.send(post(secret.expose()), |_, _| true).await.0;
        let nobodys = format!("nobodys-secret-{}", self.with.ids.next());
        facts.forged_delivery = self.send(post(&nobodys), |_, _| true).await.0;
    }

    async fn availability(&self, facts: &mut AddressFacts) {
        let Some(key) = self.connection.bot_keys.first() else {
            facts.bot_key = Call::NotTried("this kind of bot has no key");
            return;
        };
        let request = self
            .with
            .http
            .get(self.url("availability"))
            .bearer_auth(key.expose());
        facts.bot_key = self.send(request, |_, _| true).await.0;
    }

    /// Sends, and tells whether the answer is `right`; its body is what was read.
    async fn send(
        &self,
        request: RequestBuilder,
        right: impl FnOnce(&Response, &[u8]) -> bool,
    ) -> (Call, Vec<u8>) {
        let started = Instant::now();
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) => return (Call::NoAnswer(no_answer(error)), Vec::new()),
        };
        let mut body = Vec::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() > BODY_MAX {
                break;
            }
        }
        let took = started.elapsed();
        let location = response.headers().get(LOCATION);
        let call = Call::Answered {
            status: response.status().as_u16(),
            took: Duration::from_millis(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            location: location
                .and_then(|value| value.to_str().ok())
                .map(|text| text.split('?').next().unwrap_or_default().to_owned()),
            right: right(&response, &body),
        };
        (call, body)
    }
}

/// What the bridge says of itself.
fn said(response: &Response) -> Serving {
    let text = |name: &str| response.headers().get(name)?.to_str().ok();
    Serving {
        sources: text(serving::SOURCES_HEADER).map(serving::sources),
        settings: text(serving::SETTINGS_HEADER).map(str::to_owned),
    }
}

fn no_answer(error: reqwest::Error) -> NoAnswer {
    let timed_out = error.is_timeout();
    let words = causes(&error.without_url());
    let lower = words.to_ascii_lowercase();
    if timed_out {
        NoAnswer::TimedOut
    } else if ["certificate", "tls", "handshake", "corrupt message"]
        .iter()
        .any(|word| lower.contains(word))
    {
        NoAnswer::Certificate(words)
    } else {
        NoAnswer::NotConnected(words)
    }
}

fn is_signed(tokens: &[Secret], response: &Response, body: &[u8]) -> bool {
    let header = response.headers().get(SIGNATURE_HEADER);
    let header = header.map(reqwest::header::HeaderValue::as_bytes);
    verify(tokens, header, None, body.to_vec().into()).is_ok()
}

fn options(answer: &[u8]) -> Vec<String> {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let options = answer["options"].as_array().into_iter().flatten();
    options.filter_map(Value::as_str).map(str::to_owned).collect()
}
