//! A probe means nothing to a bot, has the members that every event has, and shows whether signatures are checked.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use handover_bots::Bots;
use handover_core::Timestamp;
use handover_core::ports::{BotError, BotPlatform as _, Ping, Probed, Told};
use handover_core::settings::Connection;
use handover_handlers::config::{self, Lookup};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::net::TcpListener;

const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

type Heard = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

async fn hear(State(heard): State<Heard>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let webhook = Webhook::new(SECRET).unwrap();
    // Whatever the machine's clock shows: the signature is what counts here.
    let id = headers["webhook-id"].to_str().unwrap();
    let at = headers["webhook-timestamp"].to_str().unwrap().parse().unwrap();
    let right = webhook.sign(id, at, &body).unwrap() == headers["webhook-signature"].to_str().unwrap();
    heard.lock().unwrap().push((headers, body));
    if right {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::UNAUTHORIZED
    }
}

struct Nothing;

impl Lookup for Nothing {
    fn env(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, _: &str) -> Result<String, std::io::Error> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

fn connection(bot: &str) -> Connection {
    let text = format!(
        "[connections.shop]\nbot_keys = [\"a-bot-key-of-the-tests\"]\n[connections.shop.ringcx]\n\
         base_api_url = \"https://acme.api.engagement.dimelo.com\"\napi_access_token = \"t\"\n\
         realtime_endpoint_url = \"https://acme.engagement.dimelo.com/realtime/sdk/50c1\"\n\
         realtime_access_tokens = [\"s\"]\nwebhook_secrets = [\"a-webhook-secret\"]\n\
         verification_token = \"a-verification-token\"\nbot_category_id = \"1\"\nagent_category_id = \"2\"\n\
         [connections.shop.bot]\n{bot}\n"
    );
    config::parse(&text, &Nothing).unwrap().remove(0)
}

fn ping(forged: bool) -> Ping {
    Ping {
        id: "ping_1".to_owned(),
        now: Timestamp::new(1_800_000_000, 0).unwrap(),
        forged,
    }
}

#[tokio::test]
async fn a_signed_ping_is_taken_and_a_forged_one_is_not() {
    let heard = Heard::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().fallback(hear).with_state(Arc::clone(&heard));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let bot = format!("url = \"http://{address}/events\"\nsigning_secrets = [\"{SECRET}\"]");
    let connection = connection(&bot);
    let bots = Bots::new(handover_ringcx::http::client());

    let signed = bots.probe(&connection, None, &ping(false)).await.unwrap();
    assert_eq!(signed, Probed::Took(Told { status: 204 }));
    let forged = bots.probe(&connection, None, &ping(true)).await;
    assert!(
        matches!(forged, Err(BotError::SecretRefused { status: 401 })),
        "{forged:?}"
    );
    let heard = heard.lock().unwrap();
    let body: Value = serde_json::from_slice(&heard[0].1).unwrap();
    let data = json!({"connection": "shop", "conversation": "bridge-ping", "epoch": 0, "seq": 0});
    assert_eq!((&body["type"], &body["data"]), (&json!("bridge.ping"), &data));
    assert_eq!(heard[0].1, heard[1].1, "they differ in the signature only");
}

#[tokio::test]
async fn platforms_without_a_ping_are_only_asked_whether_they_answer() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let notes = Arc::clone(&heard);
    let answer = move |method: axum::http::Method| async move {
        notes.lock().unwrap().push(method.to_string());
        StatusCode::NOT_FOUND
    };
    let app = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let bots = Bots::new(handover_ringcx::http::client());
    let cognigy = connection(&format!(
        "kind = \"cognigy\"\nendpoint_base_url = \"http://{address}\""
    ));
    let answers = Probed::Answers(Told { status: 404 });
    assert_eq!(bots.probe(&cognigy, None, &ping(false)).await.unwrap(), answers);
    assert_eq!(
        bots.probe(&cognigy, None, &ping(true)).await.unwrap(),
        Probed::Nothing
    );
    assert_eq!(*heard.lock().unwrap(), ["GET"], "nobody was spoken to");
}
