//! A Chatlayer: its conversation-actions API, and the events of its Offloading Webhook. Written from its documentation
//! alone, to be a check on the bridge's adapter.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::bench::CONNECTION;
use crate::served::Served;
use crate::{Bench, Reply, Setup};

pub const BOT: &str = "b-77";
pub const ACCESS_TOKEN: &str = "chatlayer-access-token";
pub const CHANNEL_TOKEN: &str = "chatlayer-channel-token";
/// Both are valid, as during a rotation.
pub const VERIFY_TOKENS: [&str; 2] = ["verify-token-0123456789", "verify-token-9876543210"];

/// How the next call of an action is answered.
#[derive(Clone, Copy, Debug)]
pub enum Trouble {
    Status(u16),
    RetryAfter(u16, &'static str),
    /// With rate headers that leave nothing: the value of `x-ratelimit-reset`. At 200 the action is done.
    Exhausted(u16, i64),
    /// Done, but the answer gets lost.
    Lost,
    /// Not done, and no answer.
    Broken,
}

/// What a session has come to.
#[derive(Clone, Debug, Default)]
pub struct Session {
    pub version: String,
    pub paused: bool,
    pub pauses: usize,
    pub resumes: usize,
    /// What the person was shown of agents, in order.
    pub shown: Vec<String>,
    pub dialogs: Vec<String>,
    /// Templates that are no texts.
    pub forms: Vec<Value>,
    /// What was shown, and `END` where the bot was woken, in order.
    pub events: Vec<String>,
    transcript: Vec<Value>,
}

#[derive(Default)]
struct Memory {
    sessions: BTreeMap<String, Session>,
    script: VecDeque<Trouble>,
    calls: usize,
    problems: Vec<String>,
    /// What people wrote by the webhook channel.
    inputs: Vec<Value>,
}

type Shared = Arc<Mutex<Memory>>;

pub struct Chatlayer {
    memory: Shared,
    served: Served,
}

impl Chatlayer {
    pub async fn start() -> Self {
        let memory = Shared::default();
        let router = Router::new().fallback(act).with_state(Arc::clone(&memory));
        let served = Served::start(router).await;
        Self { memory, served }
    }

    /// A bench with a connection to this Chatlayer.
    pub fn setup(&self) -> Setup {
        self.setup_with("")
    }

    /// The same with more lines in its bot section.
    pub fn setup_with(&self, lines: &str) -> Setup {
        let (url, [first, second]) = (self.served.url(), VERIFY_TOKENS);
        Setup::default().bot_is(&format!(
            "kind = \"chatlayer\"\napi_url = \"{url}\"\naccess_token = \"{ACCESS_TOKEN}\"\n\
             verify_tokens = [\"{first}\", \"{second}\"]\nbot_id = \"{BOT}\"\n{lines}"
        ))
    }

    /// A bench whose people write on RCE's own channels, and to this Chatlayer's webhook channel.
    pub fn on_native_channel(&self) -> Setup {
        let url = self.served.url();
        self.setup_with(&format!(
            "webhook_channel_url = \"{url}/webhook/{BOT}\"\nwebhook_channel_token = \"{CHANNEL_TOKEN}\""
        ))
    }

    /// What people wrote by the webhook channel.
    pub fn inputs(&self) -> Vec<Value> {
        lock(&self.memory).inputs.clone()
    }

    /// The texts among them.
    pub fn input_texts(&self) -> Vec<String> {
        let texts = self.inputs().into_iter();
        texts
            .filter_map(|input| {
                input["message"]["textMessage"]["text"]
                    .as_str()
                    .map(str::to_owned)
            })
            .collect()
    }

    /// The bot says something by the webhook channel.
    pub async fn says(&self, bench: &Bench, sender: &str, counter: u64, message: &Value) -> Reply {
        let body = json!({"senderId": sender, "message": message, "messageCounter": counter,
                          "verifyToken": VERIFY_TOKENS[1]});
        self.posts_message(bench, body.to_string()).await
    }

    /// Anything at all at the address of the webhook channel's messages.
    pub async fn posts_message(&self, bench: &Bench, body: impl Into<Bytes>) -> Reply {
        let path = format!("/{CONNECTION}/handover/chatlayer/messages");
        bench.request("POST", &path, &[], body).await
    }

    /// The next answers of the actions API, in order; then 200 again.
    pub fn answers(&self, script: impl IntoIterator<Item = Trouble>) {
        lock(&self.memory).script.extend(script);
    }

    /// From now on everything is answered with 200 again.
    pub fn forget_script(&self) {
        lock(&self.memory).script.clear();
    }

    /// How many actions were called, refused ones included.
    pub fn calls(&self) -> usize {
        lock(&self.memory).calls
    }

    pub fn session(&self, session: &str) -> Session {
        lock(&self.memory)
            .sessions
            .get(session)
            .cloned()
            .unwrap_or_default()
    }

    /// Nothing that the bridge called was wrong.
    #[track_caller]
    pub fn check(&self) {
        let problems = lock(&self.memory).problems.clone();
        assert!(problems.is_empty(), "{problems:#?}");
    }

    /// A session that uses this version of the bot; `LIVE` otherwise.
    pub fn uses(&self, session: &str, version: &str) {
        self.change(session, |session| version.clone_into(&mut session.version));
    }

    fn change<T>(&self, name: &str, change: impl FnOnce(&mut Session) -> T) -> T {
        let mut memory = lock(&self.memory);
        let session = memory.sessions.entry(name.to_owned()).or_default();
        if session.version.is_empty() {
            "LIVE".clone_into(&mut session.version);
        }
        change(session)
    }

    // What Chatlayer calls.

    pub async fn health(&self, bench: &Bench, query: &str) -> Reply {
        let path = format!("/{CONNECTION}/handover/chatlayer{query}");
        bench.request("GET", &path, &[], "").await
    }

    /// Any body, with the first verify token.
    pub async fn posts(&self, bench: &Bench, body: impl Into<Bytes>) -> Reply {
        let query = format!("?challenge.verifyToken={}", VERIFY_TOKENS[0]);
        self.posts_with(bench, &query, body).await
    }

    pub async fn posts_with(&self, bench: &Bench, query: &str, body: impl Into<Bytes>) -> Reply {
        let path = format!("/{CONNECTION}/handover/chatlayer{query}");
        let headers = [("content-type", "application/json")];
        bench.request("POST", &path, &headers, body).await
    }

    /// An event about a session as it is now.
    pub fn event(&self, bench: &Bench, session: &str, event: &str) -> Value {
        let version = self.change(session, |session| session.version.clone());
        json!({
            "botId": BOT, "version": version, "sessionId": session, "channel": "webwidget", "event": event,
            "timestamp": bench.clock_now().as_millisecond(),
        })
    }

    /// The person's message as Chatlayer describes it, at this moment.
    pub fn of_user(&self, bench: &Bench, session: &str, message: &Value) -> Value {
        let mut whole = json!({
            "id": format!("um-{}", bench.next()), "channelType": "webwidget", "messageType": "text",
            "sender": {"id": format!("person-of-{session}"), "botId": BOT, "botType": "chatlayer",
                       "firstname": "Nadia", "preferredLanguage": "nl", "isEmulator": false},
        });
        merge(&mut whole, message);
        json!({"actor": "user", "message": whole, "timestamp": bench.clock_now().as_millisecond()})
    }

    pub fn of_bot(&self, bench: &Bench, message: &Value) -> Value {
        json!({"actor": "bot", "message": message, "timestamp": bench.clock_now().as_millisecond()})
    }

    /// Reports messages; Chatlayer remembers them for the transcript.
    pub async fn reports(&self, bench: &Bench, session: &str, messages: &[Value]) {
        let mut event = self.event(bench, session, "messages");
        event["messages"] = json!(messages);
        self.change(session, |session| {
            session.transcript.extend(messages.iter().cloned());
        });
        self.posts(bench, event.to_string()).await.expect(200);
    }

    /// The person writes.
    pub async fn user_says(&self, bench: &Bench, session: &str, text: &str) {
        let message = self.of_user(bench, session, &json!({"text": text}));
        self.reports(bench, session, &[message]).await;
    }

    /// The bot speaks, which it does not while it is paused.
    pub async fn bot_says(&self, bench: &Bench, session: &str, text: &str) {
        assert!(!self.session(session).paused, "the bot is paused");
        let message = self.of_bot(bench, &json!({"text": text}));
        self.reports(bench, session, &[message]).await;
    }

    pub fn offload_event(&self, bench: &Bench, session: &str, payload: &Value) -> Value {
        let mut event = self.event(bench, session, "offload");
        event["payload"] = payload.clone();
        event["transcript"] = json!(self.session(session).transcript);
        event
    }

    /// The flow asks for a human; Chatlayer acts as the answer says.
    pub async fn offloads(&self, bench: &Bench, session: &str, payload: &Value) -> Value {
        let event = self.offload_event(bench, session, payload);
        let answer = self.posts(bench, event.to_string()).await.expect(200);
        if answer["offloadSuccess"] == true && answer["pauseBot"] == true {
            self.change(session, |session| session.paused = true);
        }
        answer
    }
}

/// Members of `changes` replace or join those of `whole`.
pub fn merge(whole: &mut Value, changes: &Value) {
    match (whole, changes) {
        (Value::Object(whole), Value::Object(changes)) => {
            for (key, value) in changes {
                merge(whole.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (whole, changes) => *whole = changes.clone(),
    }
}

fn lock(memory: &Shared) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn act(State(memory): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 10_000_000).await.unwrap_or_default();
    let mut memory = lock(&memory);
    memory.calls += 1;
    let trouble = memory.script.pop_front();
    let does = matches!(trouble, None | Some(Trouble::Lost | Trouble::Exhausted(200, _)));
    if does && let Err((status, problem)) = memory.execute(&parts, &body) {
        let problem = format!("{} {}: {problem}", parts.method, parts.uri);
        memory.problems.push(problem);
        return StatusCode::from_u16(status).expect("a status").into_response();
    }
    let status = |status| StatusCode::from_u16(status).expect("a status");
    match trouble {
        None => (status(200), [("x-ratelimit-remaining", "1199")]).into_response(),
        Some(Trouble::Status(code)) => status(code).into_response(),
        Some(Trouble::RetryAfter(code, after)) => (status(code), [("retry-after", after)]).into_response(),
        Some(Trouble::Exhausted(code, reset)) => {
            let headers = [
                ("x-ratelimit-limit", "1200".to_owned()),
                ("x-ratelimit-remaining", "0".to_owned()),
                ("x-ratelimit-reset", reset.to_string()),
            ];
            (status(code), headers).into_response()
        }
        Some(Trouble::Lost | Trouble::Broken) => {
            Response::new(Body::from_stream(futures_util::stream::once(async {
                Err::<Bytes, _>(std::io::Error::other("the connection breaks"))
            })))
        }
    }
}

impl Memory {
    fn execute(&mut self, parts: &Parts, body: &[u8]) -> Result<(), (u16, String)> {
        let wrong = |status: u16, what: &str| (status, what.to_owned());
        if parts.uri.path() == format!("/webhook/{BOT}") {
            return self.hear(parts, body);
        }
        if parts.method != "POST" {
            return Err(wrong(405, "only POST is known"));
        }
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        if header("authorization") != Some(&format!("Bearer {ACCESS_TOKEN}")) {
            return Err(wrong(401, "the token is wrong"));
        }
        if header("content-type") != Some("application/json") {
            return Err(wrong(415, "the body is no JSON"));
        }
        let path: Vec<&str> = parts.uri.path().split('/').collect();
        let ["", "v1", "bots", BOT, "conversations", session, "actions"] = path.as_slice() else {
            return Err(wrong(404, "there is no such path"));
        };
        let name = percent_decode_str(session).decode_utf8_lossy().into_owned();
        let Some(session) = self.sessions.get_mut(&name) else {
            return Err(wrong(404, "there is no such session"));
        };
        if parts.uri.query() != Some(&format!("version={}", session.version)) {
            return Err(wrong(404, "the session is of another version"));
        }
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        session
            .act(&body)
            .map_err(|what| (422, format!("{what}: {body}")))
    }
}

impl Memory {
    /// The webhook channel: a person writes.
    fn hear(&mut self, parts: &Parts, body: &[u8]) -> Result<(), (u16, String)> {
        let authorization = parts.headers.get("authorization");
        let expected = format!("Bearer {CHANNEL_TOKEN}");
        if authorization.is_none_or(|value| value != expected.as_str()) {
            return Err((401, "the channel's token is wrong".to_owned()));
        }
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let says = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
        let is_right = says(&body["message"]["textMessage"]["text"])
            && says(&body["user"]["id"])
            && body["sessionData"].is_object();
        if !is_right {
            return Err((422, format!("no message of the webhook channel: {body}")));
        }
        self.inputs.push(body);
        Ok(())
    }
}

impl Session {
    fn show(&mut self, template: &Value) -> Result<(), &'static str> {
        let members = template.as_object().filter(|members| members.len() == 1);
        let (name, content) = members
            .and_then(|one| one.iter().next())
            .ok_or("not one template")?;
        match name.as_str() {
            "textMessageTemplate" => {
                for text in content["textMessages"].as_array().ok_or("no texts")? {
                    let text = text["text"].as_str().filter(|text| !text.is_empty());
                    let text = text.ok_or("an empty text")?;
                    self.shown.push(text.to_owned());
                    self.events.push(text.to_owned());
                }
            }
            "buttonTemplate" | "quickReplyTemplate" | "attachmentTemplate" | "carouselTemplate"
            | "listTemplate" => self.forms.push(template.clone()),
            _ => return Err("an unknown template"),
        }
        Ok(())
    }

    fn act(&mut self, body: &Value) -> Result<(), &'static str> {
        let members = body.as_object().ok_or("not an object")?;
        let mut members = members.iter();
        let (Some((action, value)), None) = (members.next(), members.next()) else {
            return Err("not exactly one action");
        };
        match action.as_str() {
            "sendMessages" => {
                let templates = value.as_array().filter(|all| !all.is_empty());
                for template in templates.ok_or("no messages")? {
                    self.show(template)?;
                }
            }
            "pauseBot" => {
                self.paused = value.as_bool().ok_or("neither paused nor not")?;
                if self.paused {
                    self.pauses += 1;
                } else {
                    self.resumes += 1;
                    self.events.push("END".to_owned());
                }
            }
            "goToDialog" => {
                let dialog = value["dialogId"].as_str().filter(|id| !id.contains('{'));
                self.dialogs.push(dialog.ok_or("no dialog")?.to_owned());
            }
            // Names that a story chose for its settings.
            "setConversation" => {
                self.paused = match value["state"].as_str() {
                    Some("halted") => true,
                    Some("going") => false,
                    _ => return Err("an unknown state"),
                };
            }
            "launch" => {
                let dialog = value["flow"][0].as_str().ok_or("no flow")?;
                self.dialogs.push(dialog.to_owned());
            }
            _ => return Err("an unknown action"),
        }
        Ok(())
    }
}
