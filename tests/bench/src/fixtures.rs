//! One connection, and requests that RCE and a bot would send.

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use handover_core::secret::Secret;
use handover_core::settings::Connection;
use handover_handlers::config::{self, Lookup};
use handover_ringcx::signature::{SIGNATURE_HEADER, sign};
use handover_ringcx::webhook::SECRET_HEADER;
use http::Request;
use serde_json::{Value, json};

/// The connection's name: the first part of the bridge's URLs.
pub const CONNECTION: &str = "bench";
pub const BOT_KEY: &str = "bench-bot-key-0123456789";
pub const SOURCE_ID: &str = "5f0c0000";
pub const BOT_CATEGORY: &str = "61aa";
pub const AGENT_CATEGORY: &str = "61ab";
/// Where agents' messages go.
pub const SOURCE_PATH: &str = "/bench/handover/rce/source";
/// Where RCE's webhooks go.
pub const WEBHOOK_PATH: &str = "/bench/handover/rce/webhook";

const SOURCE_TOKEN: &str = "bench-source-token-0123456789";
const WEBHOOK_SECRET: &str = "bench-webhook-secret-0123456789";

/// `connections.toml` of a bridge whose RCE and bot both listen on `outside`.
pub fn connections_toml(outside: SocketAddr, forward_only: bool) -> String {
    format!(
        r#"[connections.{CONNECTION}]
bot_keys = ["{BOT_KEY}"]
forward_only_handover_conversations = {forward_only}
get_queue_updates = true

[connections.{CONNECTION}.ringcx]
base_api_url = "http://{outside}"
api_access_token = "bench-api-token"
realtime_endpoint_url = "http://{outside}/realtime/sdk/{SOURCE_ID}"
realtime_access_tokens = ["{SOURCE_TOKEN}"]
webhook_secrets = ["{WEBHOOK_SECRET}"]
verification_token = "bench-verification-token"
bot_category_id = "{BOT_CATEGORY}"
agent_category_id = "{AGENT_CATEGORY}"
requests_per_minute = 100000

[connections.{CONNECTION}.bot]
url = "http://{outside}/events"
signing_secrets = ["whsec_YmVuY2gtc2lnbmluZy1zZWNyZXQtMDEyMzQ1Njc4OQ=="]
"#
    )
}

/// The same as a checked value.
///
/// # Panics
///
/// When the configuration above is not what the bridge takes any more.
pub fn connection() -> Connection {
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
    let mut read = config::parse(&connections_toml(nowhere, false), &NoReferences)
        .expect("the configuration of the benchmarks is right");
    read.remove(0)
}

struct NoReferences;

impl Lookup for NoReferences {
    fn env(&self, _name: &str) -> Option<String> {
        None
    }

    fn file(&self, _path: &str) -> Result<String, io::Error> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// The source's token, which signs in both directions.
pub fn source_token() -> Secret {
    Secret::new(SOURCE_TOKEN)
}

/// An agent's message in conversation `conversation`, as long as asked for if that is at all possible.
pub fn agent_message(conversation: &str, number: u64, bytes: usize) -> Vec<u8> {
    let message = |text: &str| {
        json!({
            "action": "messages.create",
            "params": {
                "author_id": "agent",
                "body": text,
                "content_id": content_id(number),
                "created_at": "2026-02-03T10:12:38Z",
                "format": "text",
                "sender_name": "Sam",
                "thread_id": conversation,
            },
            "time": "2026-02-03T10:12:40Z",
        })
        .to_string()
    };
    let words = "We have found your parcel in Lyon. ";
    let room = bytes.saturating_sub(message("").len());
    let text: String = words.chars().cycle().take(room.max(4)).collect();
    message(&text).into_bytes()
}

/// RCE's id of message `number`.
pub fn content_id(number: u64) -> String {
    format!("65d0a100{number:016x}")
}

/// The id under which the bridge takes it.
pub fn message_id(number: u64) -> String {
    format!("rcx-{}", content_id(number))
}

pub fn implementation_info() -> Vec<u8> {
    br#"{"action":"implementation.info","params":null,"time":"2026-02-03T10:12:40Z"}"#.to_vec()
}

/// A webhook delivery of `events` events about as many threads, each with an id that was never seen.
pub fn webhook(number: u64, events: u64) -> Vec<u8> {
    let events: Vec<Value> = (0..events)
        .map(|index| {
            json!({
                "type": "task.created",
                "id": format!("65d0a1e0{:016x}", number * 100 + index),
                "issued_at": "2026-02-03T10:12:38.123Z",
                "resource": {
                    "type": "task",
                    "id": "65d0a10000000000007a0001",
                    "metadata": {
                        "thread_id": format!("65d0a1000000000000{index:06x}"),
                        "source_id": SOURCE_ID,
                        "category_ids": [AGENT_CATEGORY],
                        "channel_id": "65d0a100000000000000c4a1",
                        "content_thread_id": null,
                    },
                },
            })
        })
        .collect();
    json!({"id": format!("65d0a1d0{number:016x}"), "domain_id": "65d0a10000000000000d0001", "events": events})
        .to_string()
        .into_bytes()
}

/// A person's message.
pub fn customer_message(id: &str) -> Vec<u8> {
    json!({"id": id, "from": "user", "text": id, "user": {"id": "usr-42", "firstname": "Ada"}})
        .to_string()
        .into_bytes()
}

/// A Source SDK call.
pub fn source_call(body: Vec<u8>) -> Request<Bytes> {
    let signature = sign(&source_token(), &body);
    request(SOURCE_PATH, SIGNATURE_HEADER, &signature, body)
}

/// A webhook delivery.
pub fn webhook_call(body: Vec<u8>) -> Request<Bytes> {
    request(WEBHOOK_PATH, SECRET_HEADER, WEBHOOK_SECRET, body)
}

/// A call of the bot API below `/bench/conversations`.
pub fn bot_call(path: &str, body: Vec<u8>) -> Request<Bytes> {
    let path = format!("/{CONNECTION}/conversations/{path}");
    request(&path, "authorization", &format!("Bearer {BOT_KEY}"), body)
}

fn request(path: &str, header: &str, value: &str, body: Vec<u8>) -> Request<Bytes> {
    Request::post(path)
        .header("content-type", "application/json")
        .header(header, value)
        .body(body.into())
        .expect("a request of known parts")
}
