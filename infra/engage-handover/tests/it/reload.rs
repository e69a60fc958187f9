//! SIGHUP reads the configuration again: all or nothing, and nobody who talks notices.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use simulated_ringcx::sign;
use standardwebhooks::Webhook;
use tokio::sync::{Semaphore, watch};

use crate::bridge::{BOT_KEY, Bridge};

const CONVERSATIONS: usize = 6;
/// Messages of each side before, while and after both secrets are valid.
const EACH: u32 = 40;

/// What a caller knows.
#[derive(Clone, Copy)]
struct Secrets {
    bot_key: &'static str,
    operator_key: &'static str,
    source_token: &'static str,
    webhook_secret: &'static str,
    bot_signing: &'static str,
    cognigy_signing: &'static str,
    verify_token: &'static str,
}

const OLD: Secrets = Secrets {
    bot_key: BOT_KEY,
    operator_key: "operator-key-of-the-command-tests",
    source_token: "simulated-source-token",
    webhook_secret: "simulated-webhook-secret",
    bot_signing: "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    cognigy_signing: "whsec_Y29nbmlneS1jb2duaWd5LWNvZ25pZ3ktb2xkISEhISE=",
    verify_token: "chatlayer-verify-token-old",
};
const NEW: Secrets = Secrets {
    bot_key: "next-bot-key-of-the-command-tests",
    operator_key: "next-operator-key-of-the-command-tests",
    source_token: "next-source-token",
    webhook_secret: "next-webhook-secret",
    bot_signing: "whsec_bmV4dC1uZXh0LW5leHQtbmV4dC1uZXh0LW5leHQhIQ==",
    cognigy_signing: "whsec_Y29nbmlneS1jb2duaWd5LWNvZ25pZ3ktbmV3ISEhISE=",
    verify_token: "chatlayer-verify-token-new",
};

impl Secrets {
    fn all(&self) -> [&'static str; 7] {
        [
            self.bot_key,
            self.operator_key,
            self.source_token,
            self.webhook_secret,
            self.bot_signing,
            self.cognigy_signing,
            self.verify_token,
        ]
    }
}

/// Two more connections, whose platforms are never called: only who may speak to us matters here.
const PLATFORMS: &str = r#"
[connections.cognigy]
forward_only_handover_conversations = true
[connections.cognigy.ringcx]
base_api_url = "http://127.0.0.1:9"
api_access_token = "no-token"
realtime_endpoint_url = "http://127.0.0.1:9/realtime/sdk/5f0d"
realtime_access_tokens = "no-token"
webhook_secrets = "a-webhook-secret-of-cognigy"
verification_token = "a-verification-token"
bot_category_id = "61aa"
agent_category_id = "61ab"
[connections.cognigy.bot]
kind = "cognigy"
endpoint_base_url = "http://127.0.0.1:9"
signing_secrets = ["whsec_Y29nbmlneS1jb2duaWd5LWNvZ25pZ3ktb2xkISEhISE="]
[connections.cognigy.availability]
hours = "none"

[connections.chatlayer]
[connections.chatlayer.ringcx]
base_api_url = "http://127.0.0.1:9"
api_access_token = "no-token"
realtime_endpoint_url = "http://127.0.0.1:9/realtime/sdk/5f0e"
realtime_access_tokens = "no-token"
webhook_secrets = "a-webhook-secret-of-chatlayer"
verification_token = "a-verification-token"
bot_category_id = "61aa"
agent_category_id = "61ab"
[connections.chatlayer.bot]
kind = "chatlayer"
access_token = "no-access-token"
verify_tokens = ["chatlayer-verify-token-old"]
bot_id = "bot"
[connections.chatlayer.availability]
hours = "none"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn all_secrets_are_changed_under_load_and_nothing_is_lost_or_refused() {
    let mut bridge = Bridge::start().await;
    bridge.reload(|toml| toml + PLATFORMS).await;
    for conversation in 0..CONVERSATIONS {
        let path = format!("/conversations/c{conversation}");
        let hello = json!({"id": "hello", "from": "user", "text": "hello"});
        bridge.insist(&format!("{path}/messages"), hello).await;
        bridge
            .insist(&format!("{path}/handover"), json!({"id": "please"}))
            .await;
    }
    bridge.until_queued(CONVERSATIONS).await;

    let (secrets, known) = watch::channel((OLD, false));
    let progress = Arc::new(Semaphore::new(0));
    let changed = Arc::new(Semaphore::new(0));
    let mut callers = Vec::new();
    for conversation in 0..CONVERSATIONS {
        for side in [Side::Customer, Side::Agent] {
            callers.push((Some(conversation), side));
        }
    }
    callers.extend([Side::Operator, Side::Webhook, Side::Cognigy, Side::Chatlayer].map(|side| (None, side)));
    let count = u32::try_from(callers.len()).unwrap();
    let callers: Vec<_> = callers
        .into_iter()
        .map(|(conversation, side)| {
            let caller = Caller {
                http: handover_ringcx::http::client(),
                origin: bridge.url("").replace("/default", ""),
                conversation: conversation.unwrap_or_default(),
                side,
            };
            tokio::spawn(caller.run(known.clone(), Arc::clone(&progress), Arc::clone(&changed)))
        })
        .collect();

    progress.acquire_many(count * EACH).await.unwrap().forget();
    bridge
        .reload(|toml| each(toml, |old, new| format!("\"{old}\", \"{new}\"")))
        .await;
    progress.acquire_many(count * EACH).await.unwrap().forget();
    // Everybody changes over, at different moments; RCE and the bot at once.
    bridge.rce.set_source_token(NEW.source_token);
    bridge.rce.set_webhook_secret(NEW.webhook_secret);
    bridge.bot_takes_only(NEW.bot_signing);
    secrets.send_modify(|(secrets, _)| *secrets = NEW);
    changed.acquire_many(count).await.unwrap().forget();
    bridge
        .reload(|toml| {
            let both = |old: &str, new: &str| format!("\"{old}\", \"{new}\"");
            OLD.all().iter().zip(NEW.all()).fold(toml, |toml, (old, new)| {
                toml.replace(&both(old, new), &format!("\"{new}\""))
            })
        })
        .await;
    progress.acquire_many(count * EACH).await.unwrap().forget();
    secrets.send_modify(|(_, stop)| *stop = true);
    let mut sent = Vec::new();
    for caller in callers {
        let (side, conversation, accepted) = caller.await.unwrap();
        sent.push((side, conversation, accepted));
    }

    let agents: usize = sent
        .iter()
        .filter(|(side, ..)| *side == Side::Agent)
        .map(|(.., n)| n)
        .sum();
    bridge
        .until_told(|told| {
            told.iter()
                .filter(|t| t.event["type"] == "message.created")
                .count()
                >= agents
        })
        .await;
    nothing_was_lost(&bridge, &sent).await;
    assert!(
        bridge.rce.violations().is_empty(),
        "{:#?}",
        bridge.rce.violations()
    );
    old_secrets_open_nothing(&bridge).await;
    let log = bridge.log();
    for secret in OLD.all().into_iter().chain(NEW.all()) {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    assert!(!log.contains("dead letter"), "{log}");
    assert_eq!(bridge.terminate().await, Some(0));
}

async fn nothing_was_lost(bridge: &Bridge, sent: &[(Side, usize, usize)]) {
    for (side, conversation, accepted) in sent {
        let name = format!("c{conversation}");
        match side {
            Side::Agent => assert_eq!(
                told_in_order(bridge, &name),
                in_order("agent", *accepted),
                "{name}"
            ),
            Side::Customer => {
                let arrived = |state: &simulated_ringcx::State| state.contents(&name).count() > *accepted;
                assert!(
                    bridge.rce.wait_until(arrived, Duration::from_mins(1)).await,
                    "{}",
                    bridge.log()
                );
                let contents = bridge.rce.contents(&name);
                let bodies = contents.into_iter().filter_map(|content| content.body);
                let said: Vec<String> = bodies.filter(|body| body.starts_with("customer")).collect();
                assert_eq!(said, in_order("customer", *accepted), "{name}");
            }
            _ => {}
        }
    }
}

fn each(toml: String, change: impl Fn(&str, &str) -> String) -> String {
    OLD.all().iter().zip(NEW.all()).fold(toml, |toml, (old, new)| {
        assert!(toml.contains(old), "{old} is not in the configuration");
        toml.replace(&format!("\"{old}\""), &change(old, new))
    })
}

fn in_order(what: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{what} {n}")).collect()
}

fn told_in_order(bridge: &Bridge, name: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for told in bridge.told() {
        let data = &told.event["data"];
        if told.event["type"] == "message.created" && data["conversation"] == name {
            texts.push(data["message"]["text"].as_str().unwrap().to_owned());
        }
    }
    texts
}

async fn old_secrets_open_nothing(bridge: &Bridge) {
    for side in Side::ALL {
        let caller = Caller {
            http: handover_ringcx::http::client(),
            origin: bridge.url("").replace("/default", ""),
            conversation: 0,
            side,
        };
        let refused = caller.call(OLD, 1_000_000).await;
        let expected = if side == Side::Chatlayer { 403 } else { 401 };
        assert_eq!(refused, expected, "{side:?}");
        let accepted = caller.call(NEW, 1_000_000).await;
        assert!((200..300).contains(&accepted), "{side:?}: {accepted}");
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Customer,
    Agent,
    Operator,
    Webhook,
    Cognigy,
    Chatlayer,
}

impl Side {
    const ALL: [Self; 6] = [
        Self::Customer,
        Self::Agent,
        Self::Operator,
        Self::Webhook,
        Self::Cognigy,
        Self::Chatlayer,
    ];
}

/// Calls one after the other, each once: whatever is refused is a failure.
struct Caller {
    http: reqwest::Client,
    origin: String,
    conversation: usize,
    side: Side,
}

impl Caller {
    /// Until it is told to stop; how many calls it made.
    async fn run(
        self,
        secrets: watch::Receiver<(Secrets, bool)>,
        progress: Arc<Semaphore>,
        changed: Arc<Semaphore>,
    ) -> (Side, usize, usize) {
        let mut has_changed = false;
        for n in 0.. {
            let (secrets, stop) = *secrets.borrow();
            if stop {
                return (self.side, self.conversation, n);
            }
            let status = self.call(secrets, n).await;
            assert!((200..300).contains(&status), "{:?} {n}: {status}", self.side);
            progress.add_permits(1);
            if secrets.bot_key == NEW.bot_key && !has_changed {
                has_changed = true;
                changed.add_permits(1);
            }
        }
        unreachable!("it is told to stop")
    }

    async fn call(&self, secrets: Secrets, n: usize) -> u16 {
        let (origin, conversation) = (&self.origin, self.conversation);
        let request = match self.side {
            Side::Customer => {
                let body = json!({"id": format!("m{n}"), "from": "user", "text": format!("customer {n}")});
                self.http
                    .post(format!("{origin}/default/conversations/c{conversation}/messages"))
                    .bearer_auth(secrets.bot_key)
                    .body(body.to_string())
            }
            Side::Agent => {
                let body = json!({"action": "messages.create", "params": {
                    "author_id": "agent", "body": format!("agent {n}"), "content_id": format!("{conversation:04}{n:08}"),
                    "format": "text", "retry": false, "sender_name": "Sam", "thread_id": format!("c{conversation}"),
                }})
                .to_string();
                self.http
                    .post(format!("{origin}/default/handover/rce"))
                    .header("X-SMCCSDK-SIGNATURE", sign(secrets.source_token, body.as_bytes()))
                    .body(body)
            }
            Side::Operator => self
                .http
                .get(format!("{origin}/default/conversations/c0"))
                .bearer_auth(secrets.operator_key),
            Side::Webhook => self
                .http
                .post(format!("{origin}/default/handover/rce"))
                .header("X-Dimelo-Secret", secrets.webhook_secret)
                .body(json!({"id": n.to_string(), "events": []}).to_string()),
            Side::Cognigy => {
                let body = json!({"type": "message.user", "data": {
                    "conversation": {"user_id": "u", "session_id": "s", "url_token": "t"},
                    "message": {"id": format!("m{n}"), "text": "hello"},
                }})
                .to_string();
                let seconds = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
                let key = Webhook::new(secrets.cognigy_signing).unwrap();
                let id = format!("kit-{n}");
                let signed = key.sign(&id, i64::try_from(seconds).unwrap(), body.as_bytes());
                self.http
                    .post(format!("{origin}/cognigy/handover/cognigy"))
                    .header("webhook-id", id)
                    .header("webhook-timestamp", seconds)
                    .header("webhook-signature", signed.unwrap())
                    .body(body)
            }
            Side::Chatlayer => self.http.get(format!(
                "{origin}/chatlayer/handover/chatlayer?challenge.verifyToken={}",
                secrets.verify_token
            )),
        };
        request.send().await.unwrap().status().as_u16()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_with_errors_is_refused_whole_and_the_settings_of_before_go_on() {
    let mut bridge = Bridge::start().await;
    let right = std::fs::read_to_string(bridge.config()).unwrap();
    let status = async |url: String, key: &str| {
        let http = handover_ringcx::http::client();
        http.get(url)
            .bearer_auth(key)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    let of_second = |bridge: &Bridge| bridge.url("/availability").replace("/default/", "/second/");
    for (wrong, complaints) in [
        (
            right.replace(BOT_KEY, "another-bot-key-0123456789")
                + "\n[connections.second]\nbot_keys = \"short\"\nsurprise = \"swordfish\"\n",
            vec!["connections.second.bot_keys", "connections.second.surprise"],
        ),
        ("[connections.default".to_owned(), vec!["line 1"]),
        (String::new(), vec!["[connections.NAME]"]),
        (
            right.clone() + "\n[connections.default.files]\nrehost = \"always\"\n",
            vec!["files.public_url"],
        ),
    ] {
        bridge.reload(|_| wrong).await;
        let log = bridge.log();
        let last = log
            .lines()
            .rfind(|line| line.contains("configuration not taken"))
            .unwrap();
        for complaint in complaints {
            assert!(last.contains(complaint), "{last}");
        }
        assert!(!log.contains("swordfish"), "no value is quoted");
        assert_eq!(status(bridge.url("/availability"), BOT_KEY).await, 200);
        assert_eq!(status(of_second(&bridge), BOT_KEY).await, 404);
    }
    std::fs::remove_file(bridge.config()).unwrap();
    bridge.hang_up().await;
    // It goes on all the same.
    std::fs::write(bridge.config(), &right).unwrap();
    bridge.reload(|_| right.clone()).await;

    // A connection comes, another setting changes, and the connection goes again.
    let second = right.replace("connections.default", "connections.second");
    bridge.reload(|toml| toml + &second).await;
    assert_eq!(status(of_second(&bridge), BOT_KEY).await, 200);
    bridge
        .reload(|toml| {
            toml.replacen(
                "[connections.default]",
                "[connections.default]\nenabled = false",
                1,
            )
        })
        .await;
    let (_, open) = bridge
        .api(Method::GET, "/availability", Value::Null)
        .await
        .unwrap();
    assert_eq!(open["reason"], "disabled");
    bridge.reload(|_| right).await;
    assert_eq!(status(of_second(&bridge), BOT_KEY).await, 404);
    assert_eq!(bridge.terminate().await, Some(0));
}
