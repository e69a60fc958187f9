//! A bridge lives through everything while its log says as much as it can; afterwards nothing in the log, in the answers to
//! callers and in the commands' output is a secret, a word that was said, or a name.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use simulated_ringcx::{Fault, FaultTarget, State, sign};

use crate::bridge::{BOT_KEY, Bridge, command};

/// Everything of our own, and what libraries say to developers.
const LOUD: &str = "debug,engage_handover=trace,local_stage=trace,handover_core=trace,handover_handlers=trace,\
                    handover_ringcx=trace,handover_bots=trace,handover_platforms=trace,handover_embedded=trace,\
                    handover_files=trace,handover_machine=trace";

/// What must be nowhere. Each is unlike everything else.
#[derive(Default)]
struct Hidden {
    secrets: Vec<String>,
    words: Vec<String>,
}

impl Hidden {
    fn secret(&mut self, secret: &str) -> String {
        self.secrets.push(secret.to_owned());
        secret.to_owned()
    }

    fn word(&mut self, word: &str) -> String {
        self.words.push(word.to_owned());
        word.to_owned()
    }

    /// All forms in which something could be shown, with what it is.
    fn forms(&self) -> Vec<(String, String)> {
        let mut forms = Vec::new();
        for hidden in self.secrets.iter().chain(&self.words) {
            forms.push((hidden.clone(), hidden.clone()));
            let encoded = utf8_percent_encode(hidden, NON_ALPHANUMERIC).to_string();
            forms.push((hidden.clone(), encoded));
        }
        for secret in &self.secrets {
            let bare = secret.strip_prefix("whsec_").unwrap_or(secret);
            forms.push((secret.clone(), bare.to_owned()));
            for bytes in [Some(secret.clone().into_bytes()), STANDARD.decode(bare).ok()] {
                let Some(bytes) = bytes else { continue };
                forms.push((secret.clone(), hex::encode(&bytes)));
                forms.push((secret.clone(), STANDARD.encode(&bytes)));
                forms.push((secret.clone(), URL_SAFE_NO_PAD.encode(&bytes)));
            }
        }
        forms
    }

    #[track_caller]
    fn is_not_in(&self, what: &str, text: &str) {
        let text = text.to_lowercase();
        for (hidden, form) in self.forms() {
            let line = text.lines().find(|line| line.contains(&form.to_lowercase()));
            assert_eq!(line, None, "{hidden} is in {what}");
        }
    }
}

/// Two connections to platforms that come with secrets in the query.
fn platforms(hidden: &mut Hidden) -> String {
    format!(
        r#"
[connections.chat]
[connections.chat.ringcx]
base_api_url = "http://127.0.0.1:9"
api_access_token = "{}"
realtime_endpoint_url = "http://127.0.0.1:9/realtime/sdk/5f0e"
realtime_access_tokens = "{}"
webhook_secrets = "{}"
verification_token = "{}"
bot_category_id = "61aa"
agent_category_id = "61ab"
[connections.chat.bot]
kind = "chatlayer"
api_url = "http://127.0.0.1:9"
access_token = "{}"
verify_tokens = ["{}"]
bot_id = "bot"
[connections.cog]
[connections.cog.ringcx]
base_api_url = "http://127.0.0.1:9"
api_access_token = "no-api-token-of-cog"
realtime_endpoint_url = "http://127.0.0.1:9/realtime/sdk/5f0f"
realtime_access_tokens = "no-source-token-of-cog"
webhook_secrets = "no-webhook-secret-of-cog"
verification_token = "no-verification-token-of-cog"
bot_category_id = "61aa"
agent_category_id = "61ab"
[connections.cog.bot]
kind = "cognigy"
endpoint_base_url = "http://127.0.0.1:9"
url_token = "{}"
signing_secrets = ["{}"]
[connections.default.files]
public_url = "https://bridge.example.org"
"#,
        hidden.secret("api-token-of-chat-Qm81"),
        hidden.secret("source-token-of-chat-Wn72"),
        hidden.secret("webhook-secret-of-chat-Ey63"),
        hidden.secret("verification-token-of-chat-Rt54"),
        hidden.secret("access-token-of-chat-Tz45"),
        hidden.secret("verify-token-of-chat-Yu36"),
        hidden.secret("urltokenofcogUi27"),
        hidden.secret("whsec_c2VjcmV0LW9mLWNvZ25pZ3ktc2VjcmV0LU9wMTgh"),
    )
}

/// Those who call, and what they were told when they were refused.
struct Callers<'a> {
    bridge: &'a Bridge,
    http: reqwest::Client,
    refusals: String,
}

impl Callers<'_> {
    async fn say(&mut self, request: RequestBuilder) -> u16 {
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let told = format!(
            "{:?}\n{}\n",
            answer.headers().clone(),
            answer.text().await.unwrap()
        );
        if status >= 400 {
            self.refusals += &told;
        }
        status
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(self.bridge.url(path))
    }

    async fn bot(&mut self, path: &str, body: &Value) -> u16 {
        let request = self.post(path).bearer_auth(BOT_KEY).body(body.to_string());
        self.say(request).await
    }

    /// Whoever guesses: secrets that are wrong are no more to be seen than right ones.
    async fn strangers(&mut self, hidden: &mut Hidden) {
        let (guess, said) = (
            hidden.secret("a-guess-at-a-secret-Pa19"),
            hidden.word("whisperedbyastranger"),
        );
        let body = json!({"from": "user", "text": said}).to_string();
        let signed = sign(&guess, body.as_bytes());
        hidden.secret(&signed);
        let origin = self.bridge.url("").replace("/default", "");
        let queries = [
            format!("/default/handover/rce?hub.mode=subscribe&hub.challenge=1&hub.verify_token={guess}"),
            format!("/chat/handover/chatlayer?challenge.verifyToken={guess}"),
            format!("/default/files/{guess}/{said}.pdf"),
            format!("/default/%66iles/{guess}/{said}.pdf"),
            format!("/default//files/{guess}/{said}.pdf"),
            format!("/default/conversations/c?key={guess}"),
        ];
        for query in queries {
            let status = self.say(self.http.get(format!("{origin}{query}"))).await;
            assert!((400..500).contains(&status), "{query}: {status}");
        }
        for (name, value) in [
            ("authorization", format!("Bearer {guess}")),
            ("authorization", format!("Basic {}", STANDARD.encode(&guess))),
            ("x-dimelo-secret", guess.clone()),
            ("x-smccsdk-signature", signed.clone()),
            ("webhook-signature", format!("v1,{guess}")),
        ] {
            for path in [
                "/conversations/c/messages",
                "/handover/rce",
                "/handover/rce/source",
                "/handover/rce/webhook",
                "/handover/cognigy",
            ] {
                for origin in [self.bridge.url(""), self.bridge.url("").replace("default", "cog")] {
                    let request = self.http.post(format!("{origin}{path}?signature={signed}"));
                    let status = self.say(request.header(name, &value).body(body.clone())).await;
                    assert!((400..500).contains(&status), "{path}: {status}");
                }
            }
        }
    }

    /// Right callers whose bodies are wrong: what is refused is not quoted.
    async fn stumbling(&mut self, hidden: &mut Hidden) {
        let said = hidden.word("stumbledoverbysomebody");
        for body in [
            format!("{{\"from\": \"user\", \"text\": \"{said}\""),
            format!("{{\"from\": \"{said}\", \"text\": 1}}"),
            format!("{{\"from\": \"user\", \"text\": \"x\", \"user\": \"{said}\"}}"),
            format!("{{\"{said}\": "),
            format!("\"{said}\""),
            json!({"from": "user", "text": "x", "structured": {"type": said}}).to_string(),
            json!({"from": "user", "text": "x", "attachments": [{"url": said}]}).to_string(),
        ] {
            for path in ["/conversations/wrong/messages", "/conversations/wrong/handover"] {
                let request = self.post(path).bearer_auth(BOT_KEY).body(body.clone());
                self.say(request).await;
            }
            let signature = sign("simulated-source-token", body.as_bytes());
            let request = self
                .post("/handover/rce")
                .header("x-smccsdk-signature", signature);
            self.say(request.body(body.clone())).await;
            let request = self
                .post("/handover/rce")
                .header("x-dimelo-secret", "simulated-webhook-secret");
            self.say(request.body(body)).await;
        }
    }

    /// A person with a name, a bot, files and an agent.
    async fn a_story(&mut self, hidden: &mut Hidden) {
        let bridge = self.bridge;
        let name = hidden.word("Zebedaea");
        let user = json!({
            "id": "usr-1", "firstname": name, "lastname": hidden.word("Quillfeather"),
            "email": format!("{}@example.org", hidden.word("zq.private")), "mobile_phone": hidden.word("+15550137799"),
            "shoe": hidden.word("fortyfourandahalf"),
        });
        let text = hidden.word("mykettleisonfire");
        let payload = hidden.word("payloadofabutton");
        let message = json!({"id": "m-1", "from": "user", "text": text, "user": user, "payload": payload});
        assert_eq!(self.bot("/conversations/c/messages", &message).await, 202);
        let card = json!({"type": "template", "title": hidden.word("cardthatburns"), "items": []});
        let message =
            json!({"id": "m-2", "from": "bot", "text": hidden.word("thebotsays"), "structured": card});
        self.bot("/conversations/c/messages", &message).await;
        let content = STANDARD.encode(hidden.word("insideofatextfile"));
        let file = json!({"content": hidden.secret(&content), "filename": format!("{}.txt", hidden.word("diarynotes"))});
        let message = json!({"id": "m-3", "from": "user", "text": "x", "attachments": [file]});
        assert_eq!(self.bot("/conversations/c/messages", &message).await, 202);
        let upload = self
            .post("/conversations/c/files?filename=letterhome.txt")
            .bearer_auth(BOT_KEY);
        let answer = upload.body("inside of it").send().await.unwrap();
        let uploaded: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        hidden.word("letterhome");
        let link = uploaded["url"].as_str().unwrap();
        hidden.secret(link.split('/').nth(5).unwrap());
        let local = link.replace("https://bridge.example.org/default", "");
        assert_eq!(self.say(self.http.get(bridge.url(&local))).await, 200);
        let wish = json!({
            "id": "please", "reason": hidden.word("reasonofthewish"), "summary": hidden.word("summaryofthebot"),
            "context": {"basket": hidden.word("basketofthings")},
            "transcript": [{"from": "user", "text": hidden.word("saidlongago"), "sent_at": "2026-01-01T00:00:00Z"}],
        });
        let trouble = hidden.word("rcequoteswhatwassent");
        bridge
            .rce
            .fail_next(FaultTarget::RestAny, Fault::Status(500, trouble.clone()), 2);
        bridge.rce.fail_next(
            FaultTarget::SendApi,
            Fault::Status(422, format!("structured_content: {trouble}")),
            1,
        );
        assert_eq!(self.bot("/conversations/c/handover", &wish).await, 202);
        bridge.until_queued(1).await;
        let agent = bridge.rce.config().agents[0].id.clone();
        bridge.rce.take("c", &agent).unwrap();
        let typing = json!({"state": "start", "preview": hidden.word("typedandnotsent")});
        self.bot("/conversations/c/typing", &typing).await;
        let from_agent = hidden.word("agentsays:holdthekettle");
        bridge.rce.reply("c", &agent, from_agent.as_str()).unwrap();
        bridge
            .until_told(|told| {
                told.iter()
                    .any(|t| t.event["data"]["message"]["text"] == from_agent)
            })
            .await;
        hidden.word(&bridge.rce.config().agents[0].name);

        // Refused for good by both sides: dead letters.
        bridge.bot_answers(Some(400));
        bridge
            .rce
            .reply("c", &agent, hidden.word("neverreachesthebot").as_str())
            .unwrap();
        bridge
            .rce
            .fail_next(FaultTarget::SendApiMessages, Fault::Status(400, trouble), 1);
        let message = json!({"id": "m-4", "from": "user", "text": hidden.word("neverreachesrce")});
        self.bot("/conversations/c/messages", &message).await;
        until_dead_letters(bridge, 2).await;
        bridge.bot_answers(None);
    }
}

async fn until_dead_letters(bridge: &Bridge, count: usize) {
    let there = async {
        while bridge.log().matches("job put aside as dead letter").count() < count {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_mins(1), there).await;
    assert!(in_time.is_ok(), "{}", bridge.log());
}

/// The log tells of a dead letter a moment before it is stored.
async fn until_stored(bridge: &Bridge) {
    let stored = async {
        loop {
            let mut list = command();
            list.args(["dead-letters", "list", "--config"])
                .arg(bridge.config());
            let output = list.arg("--data").arg(bridge.data()).output().await.unwrap();
            if String::from_utf8_lossy(&output.stdout).contains("bot refused it (400)") {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), stored)
        .await
        .unwrap();
}

/// What an operator sees who did not ask for text.
async fn commands(bridge: &Bridge) -> String {
    until_stored(bridge).await;
    let mut shown = String::new();
    for args in [
        &["dead-letters", "list", "--json"][..],
        &["dead-letters", "list"],
        &["conversations", "--json"],
        &["timeline", "c", "--connection", "default", "--json"],
        &["timeline", "c", "--connection", "default"],
        &["timeline", "unknown", "--connection", "default"],
        &["check"],
    ] {
        let mut command = command();
        command.args(args).arg("--config").arg(bridge.config());
        if args[0] != "check" {
            command.arg("--data").arg(bridge.data());
        }
        let output = command.env("RUST_LOG", LOUD).output().await.unwrap();
        shown += &String::from_utf8(output.stdout).unwrap();
        shown += &String::from_utf8(output.stderr).unwrap();
    }
    assert!(shown.contains("bot refused it (400)"), "{shown}");
    shown
}

#[tokio::test(flavor = "multi_thread")]
async fn br_080_a_whole_life_leaves_no_secret_and_no_word_in_any_log_or_answer() {
    let mut hidden = Hidden::default();
    let platforms = platforms(&mut hidden);
    let mut bridge = Bridge::start_with(LOUD, |toml| toml + &platforms, &[]).await;
    let settings = bridge.rce.config().clone();
    for secret in [
        BOT_KEY,
        "operator-key-of-the-command-tests",
        "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        &settings.source_token,
        &settings.api_token,
        &settings.webhook_secret,
        &settings.verify_token,
    ] {
        hidden.secret(secret);
    }
    let mut callers = Callers {
        http: handover_ringcx::http::client(),
        bridge: &bridge,
        refusals: String::new(),
    };
    callers.strangers(&mut hidden).await;
    callers.a_story(&mut hidden).await;
    callers.stumbling(&mut hidden).await;
    let verify = format!(
        "/handover/rce?hub.mode=subscribe&hub.challenge=42&hub.verify_token={}",
        settings.verify_token
    );
    let request = callers.http.get(callers.bridge.url(&verify));
    let request = request.header("x-dimelo-secret", &settings.webhook_secret);
    assert_eq!(callers.say(request).await, 200);
    let url = callers.bridge.url("").replace("default", "chat");
    let query = "?challenge.verifyToken=verify-token-of-chat-Yu36";
    let said = json!({"event": "messages", "botId": "bot", "sessionId": "s", "messages": [
        {"actor": "user", "message": {"id": "1", "text": hidden.word("saidtochatlayer"), "sender": {"id": "p"}}}]});
    let request = callers.http.post(format!("{url}/handover/chatlayer{query}"));
    let status = callers.say(request.body(said.to_string())).await;
    assert_eq!(status, 200, "{}", callers.refusals);
    let refusals = std::mem::take(&mut callers.refusals);

    // A crash, a restart, a configuration that is refused and one that is taken.
    bridge.kill().await;
    bridge.start_process().await;
    let right = std::fs::read_to_string(bridge.config()).unwrap();
    let short = hidden.secret("short-Zx8");
    let wrong = format!(
        "{right}\n[connections.third]\nbot_keys = \"{short}\"\nsecret_sauce = \"{}\"\n",
        hidden.secret("sauce-of-the-third-Cv7")
    );
    bridge.reload(|_| wrong).await;
    bridge.reload(|_| format!("bot_keys = {short} \"\n")).await;
    bridge.reload(|_| right).await;
    bridge.rce.close("c").unwrap();
    bridge
        .until_told(|told| told.iter().any(|t| t.event["type"] == "handover.completed"))
        .await;
    assert!(
        bridge
            .rce
            .wait_until(State::is_idle, Duration::from_secs(30))
            .await
    );

    let shown = commands(&bridge).await;
    assert_eq!(bridge.terminate().await, Some(0));
    let log = bridge.log();
    hidden.is_not_in("the log", &log);
    hidden.is_not_in("what refused callers are told", &refusals);
    hidden.is_not_in("what commands show", &shown);
    // It was loud, and says where a message went.
    assert!(log.lines().count() > 100, "{log}");
    assert!(log.contains("\"TRACE\"") || log.contains("\"DEBUG\""), "{log}");
    for id in ["conversation.id", "message.id", "event.id"] {
        assert!(log.contains(id), "{id}");
    }
}
