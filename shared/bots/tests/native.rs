//! What a person writes on a channel of RCE's own reaches each platform in its own words, and what it answers is read.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use handover_bots::Bots;
use handover_core::Timestamp;
use handover_core::event::BotEvent;
use handover_core::handover::{Cause, HandoverRequest};
use handover_core::ids::{ConversationId, MessageId, SourceId};
use handover_core::message::{Attachment, ChannelFacts, CustomerWords};
use handover_core::ports::{Address, Answered, BotError, BotPlatform as _, BotSays, Delivery, Told};
use handover_core::profile::UserProfile;
use handover_core::settings::Connection;
use handover_handlers::config::{self, Lookup};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

/// How the platform answers.
#[derive(Clone)]
enum Says {
    Status(u16),
    Json(Value),
    Text(String),
    /// The connection breaks after the call was read.
    Breaks,
}

#[derive(Clone)]
struct Heard {
    path: String,
    authorization: Option<String>,
    body: Value,
}

#[derive(Default)]
struct Memory {
    heard: Vec<Heard>,
    script: VecDeque<Says>,
}

type Shared = Arc<Mutex<Memory>>;

/// A platform.
struct Platform {
    memory: Shared,
    url: String,
}

async fn answer(State(memory): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 10_000_000).await.unwrap();
    let mut memory = memory.lock().unwrap();
    let authorization = parts.headers.get("authorization");
    memory.heard.push(Heard {
        path: parts.uri.path().to_owned(),
        authorization: authorization.map(|value| value.to_str().unwrap().to_owned()),
        body: serde_json::from_slice(&body).unwrap(),
    });
    let (status, body) = match memory.script.pop_front().unwrap_or(Says::Status(200)) {
        Says::Status(status) => (status, Body::empty()),
        Says::Json(value) => (200, Body::from(value.to_string())),
        Says::Text(text) => (200, Body::from(text)),
        Says::Breaks => {
            let broken = async { Err::<Bytes, _>(std::io::Error::other("the connection breaks")) };
            return Response::new(Body::from_stream(futures_util::stream::once(broken)));
        }
    };
    Response::builder().status(status).body(body).unwrap()
}

impl Platform {
    async fn start(script: impl IntoIterator<Item = Says>) -> Self {
        let memory = Shared::default();
        memory.lock().unwrap().script.extend(script);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&memory));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { memory, url }
    }

    fn heard(&self) -> Vec<Heard> {
        self.memory.lock().unwrap().heard.clone()
    }

    #[track_caller]
    fn only(&self) -> Heard {
        let mut heard = self.heard();
        assert_eq!(heard.len(), 1);
        heard.remove(0)
    }
}

/// Somebody who listens to the end and hangs up.
async fn hangs_up() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut read = Vec::new();
            while !read.ends_with(b"}") {
                stream.read_buf(&mut read).await.unwrap();
            }
        }
    });
    url
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
        "[connections.shop]\nbot_keys = [\"a-bot-key-of-the-tests\"]\n[connections.shop.ringcx]\nchannel = \"native\"\n\
         source_id = \"50c1\"\nbase_api_url = \"https://acme.api.engagement.dimelo.com\"\napi_access_token = \"t\"\n\
         webhook_secrets = [\"a-webhook-secret\"]\nverification_token = \"a-verification-token\"\n\
         bot_category_id = \"1\"\nagent_category_id = \"2\"\n[connections.shop.bot]\n{bot}\n"
    );
    config::parse(&text, &Nothing).unwrap().remove(0)
}

fn cognigy(url: &str, endpoint: &str) -> Connection {
    connection(&format!(
        "kind = \"cognigy\"\nendpoint_base_url = \"{url}/base\"\nurl_token = \"tok/1\"\nendpoint = \"{endpoint}\""
    ))
}

fn chatlayer(url: &str) -> Connection {
    connection(&format!(
        "kind = \"chatlayer\"\napi_url = \"{url}/api\"\naccess_token = \"t\"\nverify_tokens = \"verify-token-012345\"\n\
         bot_id = \"b-77\"\nwebhook_channel_url = \"{url}/channel/b-77?x=1\"\nwebhook_channel_token = \"channel-token\""
    ))
}

fn at() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

fn words(text: Option<&str>) -> CustomerWords {
    CustomerWords {
        id: MessageId::new("rcx-1"),
        text: text.map(str::to_owned),
        truncated: false,
        attachments: Vec::new(),
        payload: None,
        in_reply_to: None,
        language: Some("nl".to_owned()),
        sent_at: at(),
        user: UserProfile {
            id: Some("identity-1".to_owned()),
            firstname: Some("Nadia".to_owned()),
            ..UserProfile::default()
        },
        channel: ChannelFacts {
            source: SourceId::new("50c1"),
            kind: Some("whats_app".to_owned()),
            capabilities: vec!["select".to_owned()],
        },
    }
}

fn delivery(event: BotEvent) -> Delivery {
    Delivery {
        id: "evt_1_0".to_owned(),
        conversation: ConversationId::new("thread-1"),
        epoch: 0,
        seq: Some(4),
        at: at(),
        now: at(),
        rce_thread: None,
        address: Address {
            user_id: "identity-1".to_owned(),
            session_id: "thread-1".to_owned(),
            url_token: None,
            version: None,
        },
        part: 0,
        event,
    }
}

async fn ask(connection: &Connection, message: CustomerWords) -> Result<Answered, BotError> {
    tell(
        connection,
        BotEvent::CustomerWrote {
            message: Box::new(message),
        },
    )
    .await
}

async fn tell(connection: &Connection, event: BotEvent) -> Result<Answered, BotError> {
    let bots = Bots::new(handover_ringcx::http::client());
    assert_eq!(bots.parts(connection, &event), 1);
    bots.ask(connection, &delivery(event)).await
}

fn message(text: &str) -> BotSays {
    BotSays::Message {
        text: Some(text.to_owned()),
        attachments: Vec::new(),
        structured: None,
    }
}

#[tokio::test]
async fn a_rest_endpoint_of_cognigys_answers_in_the_same_breath_and_in_order() {
    let stack = json!([
        {"text": "Hello", "data": {}, "traceId": "t"},
        {"text": "", "data": {"_data": {"_cognigy": {"_default": {"_quickReplies": {
            "type": "quick_replies", "text": "What now?", "quickReplies": [
                {"id": 1, "contentType": "postback", "title": "Refund", "payload": "r"}]}}}}}},
        {"text": "", "data": {"_cognigy": {"_default": {"_image": {"type": "image", "imageUrl": "https://x.test/a.png"}}}}},
        {"text": "", "data": {"order": {"number": 12}}},
        {"text": "I get somebody.", "data": {"handover": {"command": "start", "reason": "refund", "categories": "c1, c2",
            "context": {"order": {"id": 7}}}}},
    ]);
    let answer = Says::Json(json!({"text": "Hello", "data": {}, "outputStack": stack, "userId": "x"}));
    let platform = Platform::start([answer]).await;
    let answered = ask(&cognigy(&platform.url, "rest"), words(Some("Hi")))
        .await
        .unwrap();
    let heard = platform.only();
    assert_eq!(heard.path, "/base/tok%2F1");
    assert_eq!(heard.body["userId"], "identity-1");
    assert_eq!(heard.body["sessionId"], "thread-1");
    assert_eq!(heard.body["text"], "Hi");
    let bridge = &heard.body["data"]["bridge"];
    assert_eq!(bridge["messageId"], "rcx-1");
    assert_eq!(bridge["eventId"], "evt_1_0");
    assert_eq!(bridge["user"]["firstname"], "Nadia");
    assert_eq!(
        bridge["channel"],
        json!({"sourceId": "50c1", "type": "whats_app", "capabilities": ["select"]})
    );

    let choice = json!({"type": "select", "items": [{"title": "Refund", "payload": "r"}]});
    let expected = [
        message("Hello"),
        BotSays::Message {
            text: Some("What now?".to_owned()),
            attachments: Vec::new(),
            structured: Some(choice),
        },
        BotSays::Message {
            text: None,
            attachments: vec![Attachment {
                url: "https://x.test/a.png".to_owned(),
                filename: None,
                content_type: Some("image/png".to_owned()),
            }],
            structured: None,
        },
        message("I get somebody."),
        BotSays::Handover(HandoverRequest {
            reason: Some("refund".to_owned()),
            category_ids: vec!["c1".into(), "c2".into()],
            context: [("order-id".to_owned(), json!("7"))].into(),
            ..HandoverRequest::default()
        }),
    ];
    assert_eq!(answered.told, Told { status: 200 });
    assert_eq!(answered.says, expected);
}

#[tokio::test]
async fn a_flow_that_says_nothing_has_not_answered_unless_it_says_so() {
    let none = json!({"data": {"handover": {"command": "none"}}});
    for (answer, expected) in [
        (json!({"outputStack": []}), vec![]),
        (
            json!({"outputStack": [{"text": "", "data": {"typing": true}}]}),
            vec![],
        ),
        (json!({"outputStack": [none]}), vec![BotSays::Nothing]),
        // An answer without a stack, as of an older version.
        (json!({"text": "Hello", "data": {}}), vec![message("Hello")]),
        (json!([1, 2]), vec![]),
        (json!({"outputStack": "x", "text": 7}), vec![message("7")]),
    ] {
        let platform = Platform::start([Says::Json(answer.clone())]).await;
        let answered = ask(&cognigy(&platform.url, "rest"), words(Some("Hi"))).await;
        assert_eq!(answered.unwrap().says, expected, "{answer}");
    }
}

#[tokio::test]
async fn an_answer_that_no_flow_can_mean_is_refused_for_good() {
    for text in ["<html>Welcome</html>".to_owned(), "x".repeat(1_100_000)] {
        let platform = Platform::start([Says::Text(text)]).await;
        let error = ask(&cognigy(&platform.url, "rest"), words(Some("Hi"))).await;
        assert!(matches!(error, Err(BotError::Unreadable(_))), "{error:?}");
    }
    // So deep that it cannot be read again: only that part is cut.
    let mut deep = json!("bottom");
    for _ in 0..100 {
        deep = json!([deep]);
    }
    let stack = json!([{"text": "Hello", "data": {"_cognigy": {"_ringCentralEngage": {"json": {
        "command": "structured-content", "structuredContent": {"type": "form", "x": deep}}}}}}]);
    let platform = Platform::start([Says::Json(json!({"outputStack": stack}))]).await;
    let answered = ask(&cognigy(&platform.url, "rest"), words(Some("Hi")))
        .await
        .unwrap();
    let [
        BotSays::Message {
            text: Some(text),
            structured,
            ..
        },
    ] = answered.says.as_slice()
    else {
        panic!("{answered:?}");
    };
    assert_eq!(text, "Hello");
    assert!(
        structured
            .as_ref()
            .is_none_or(|form| !handover_core::json::is_too_deep(form))
    );
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_only_where_it_holds_all_that_was_said() {
    for says in [Says::Breaks, Says::Status(502), Says::Status(504)] {
        let platform = Platform::start([says.clone(), says.clone(), says]).await;
        let error = ask(&cognigy(&platform.url, "rest"), words(Some("Hi")))
            .await
            .unwrap_err();
        assert_eq!(error.code(), "bot_unavailable");
        for connection in [cognigy(&platform.url, "webhook"), chatlayer(&platform.url)] {
            let answered = ask(&connection, words(Some("Hi"))).await.unwrap();
            assert!(answered.says.is_empty());
        }
    }
    let url = hangs_up().await;
    for connection in [cognigy(&url, "webhook"), chatlayer(&url)] {
        let answered = ask(&connection, words(Some("Hi"))).await.unwrap();
        assert_eq!(answered.told, Told { status: 202 });
    }
    let error = ask(&cognigy(&url, "rest"), words(Some("Hi"))).await.unwrap_err();
    assert!(matches!(error, BotError::NoAnswer(_)), "{error:?}");
    // It did not get there, or was turned away: then it is asked again.
    for status in [429, 503] {
        let says = Says::Status(status);
        let platform = Platform::start([says.clone(), says]).await;
        for connection in [cognigy(&platform.url, "webhook"), chatlayer(&platform.url)] {
            let error = ask(&connection, words(Some("Hi"))).await.unwrap_err();
            assert!(matches!(error, BotError::Busy { .. }), "{error:?}");
        }
    }
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    for connection in [cognigy(&url, "webhook"), chatlayer(&url), cognigy(&url, "rest")] {
        let error = ask(&connection, words(Some("Hi"))).await.unwrap_err();
        assert!(matches!(error, BotError::NoAnswer(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_webhook_endpoints_answer_is_not_what_the_flow_says() {
    let answer = Says::Json(json!({"outputStack": [{"text": "Hello"}]}));
    let platform = Platform::start([answer]).await;
    let answered = ask(&cognigy(&platform.url, "webhook"), words(Some("Hi"))).await;
    assert!(answered.unwrap().says.is_empty());
}

#[tokio::test]
async fn states_are_inputs_of_the_same_endpoint_and_agents_words_are_not() {
    let farewell = json!({"outputStack": [{"text": "Back with me."},
        {"text": "", "data": {"handover": {"command": "start"}}}]});
    let platform = Platform::start([Says::Json(farewell)]).await;
    let connection = cognigy(&platform.url, "rest");
    let completed = BotEvent::HandoverCompleted {
        cause: Cause::AgentClosed,
        queued_ms: 1,
        active_ms: 2,
        summary: None,
        tags: Vec::new(),
        rating: None,
    };
    let answered = tell(&connection, completed).await.unwrap();
    let heard = platform.only();
    assert_eq!(heard.path, "/base/tok%2F1");
    assert_eq!(heard.body["text"], Value::Null);
    assert_eq!(heard.body["data"]["handover"]["status"], "completed");
    assert_eq!(
        answered.says,
        [message("Back with me.")],
        "it does not go round in circles"
    );

    let bots = Bots::new(handover_ringcx::http::client());
    let failed = BotEvent::MessageFailed {
        message: MessageId::new("m"),
        reason: "r".to_owned(),
    };
    assert_eq!(bots.parts(&connection, &failed), 0);
    let edited = BotEvent::CustomerEdited {
        message: Box::new(words(Some("x"))),
    };
    for connection in [connection, chatlayer(&platform.url)] {
        assert_eq!(bots.parts(&connection, &edited), 0);
    }
}

#[tokio::test]
async fn chatlayers_webhook_channel_knows_the_person_by_the_conversations_id() {
    let platform = Platform::start([]).await;
    let mut said = words(Some("Hi"));
    said.attachments.push(Attachment {
        url: "https://x.test/a.pdf".to_owned(),
        filename: Some("a.pdf".to_owned()),
        content_type: None,
    });
    ask(&chatlayer(&platform.url), said).await.unwrap();
    let heard = platform.only();
    assert_eq!(heard.path, "/channel/b-77");
    assert_eq!(heard.authorization.as_deref(), Some("Bearer channel-token"));
    let expected = json!({
        "message": {"textMessage": {"text": "Hi\na.pdf: https://x.test/a.pdf"}},
        "user": {"id": "thread-1", "firstName": "Nadia", "preferredLanguage": "nl"},
        "sessionData": {},
    });
    assert_eq!(heard.body, expected);

    let bots = Bots::new(handover_ringcx::http::client());
    let nothing = BotEvent::CustomerWrote {
        message: Box::new(words(None)),
    };
    assert_eq!(
        bots.parts(&chatlayer(&platform.url), &nothing),
        0,
        "nothing that is a text"
    );
}

#[tokio::test]
async fn chatlayer_is_told_of_a_handover_only_if_it_told_us_of_the_session() {
    let platform = Platform::start([]).await;
    let connection = chatlayer(&platform.url);
    let begun = BotEvent::HandoverBegun { cause: Cause::Agent };
    tell(&connection, begun.clone()).await.unwrap();
    assert!(platform.heard().is_empty());
    let mut delivery = delivery(begun);
    delivery.address.session_id = "wh_b-77_thread-1".to_owned();
    delivery.address.version = Some("LIVE".to_owned());
    let bots = Bots::new(handover_ringcx::http::client());
    bots.tell(&connection, &delivery).await.unwrap();
    let heard = platform.only();
    assert_eq!(
        heard.path,
        "/api/v1/bots/b-77/conversations/wh_b-77_thread-1/actions"
    );
    assert_eq!(heard.body, json!({"pauseBot": true}));
}
