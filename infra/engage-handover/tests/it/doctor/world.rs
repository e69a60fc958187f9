//! A healthy world, into which a test puts a mistake.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use simulated_ringcx::{NativeSource, SimulatedConfig};
use standardwebhooks::Webhook;
use tokio::net::TcpListener;

use crate::bridge::{BOT_KEY, Bridge, OPERATOR_KEY, command};

pub(super) const SIGNING_SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// What a receiver does with whatever comes.
#[derive(Clone)]
pub(super) enum Receiver {
    /// What a bot has to do.
    Verifies,
    AcceptsAnything,
    Answers(u16),
    Redirects,
}

pub(super) async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    match receiver {
        Receiver::AcceptsAnything => StatusCode::OK.into_response(),
        Receiver::Answers(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Receiver::Redirects => {
            let mut answer = StatusCode::MOVED_PERMANENTLY.into_response();
            let elsewhere = HeaderValue::from_static("https://elsewhere.example.org/");
            answer.headers_mut().insert(LOCATION, elsewhere);
            answer
        }
        Receiver::Verifies => {
            let signed = Webhook::new(SIGNING_SECRET).unwrap().verify(&body, &headers);
            let status = signed.map_or(StatusCode::UNAUTHORIZED, |()| StatusCode::NO_CONTENT);
            status.into_response()
        }
    }
}

pub(super) async fn serve(receiver: Receiver) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(receive).with_state(receiver);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

/// An address at which nobody listens.
pub(super) async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// A running bridge in an account that is set up, and the configuration that is examined. The bridge runs with its
/// own copy of it, so that a difference between the two can be a mistake, too.
pub(super) struct World {
    pub(super) bridge: Bridge,
    pub(super) config: String,
    pub(super) public_url: Option<String>,
    pub(super) round_trip: bool,
}

pub(super) struct Verdict {
    pub(super) code: i32,
    pub(super) report: Value,
}

/// Until no job of the bridge waits or is in work.
pub(super) async fn until_idle(bridge: &Bridge) {
    let http = handover_ringcx::http::client();
    let idle = async {
        loop {
            let asked = http.get(bridge.url("/operator/status")).bearer_auth(OPERATOR_KEY);
            let status: Value =
                serde_json::from_slice(&asked.send().await.unwrap().bytes().await.unwrap()).unwrap();
            let waiting = status["waiting"].as_object().unwrap();
            if waiting.values().all(|jobs| jobs == 0) {
                return;
            }
        }
    };
    let patience = std::time::Duration::from_mins(1);
    let done = tokio::time::timeout(patience, idle).await;
    assert!(done.is_ok(), "it is not done:\n{}", bridge.log());
}

impl World {
    pub(super) async fn new() -> Self {
        let bridge = Bridge::start().await;
        let bot = serve(Receiver::Verifies).await;
        let config = std::fs::read_to_string(bridge.config()).unwrap();
        let their_bot = config.lines().find(|line| line.starts_with("url = ")).unwrap();
        let config = config
            .replace(their_bot, &format!("url = \"{bot}/events\""))
            .replace("requests_per_minute = 100000", "requests_per_minute = 300");
        let public_url = Some(bridge.url("").trim_end_matches("/default").to_owned());
        // The first handover announces both faces.
        let user = json!({"from": "user", "text": "Hi", "user": {"id": "u"}});
        bridge.insist("/conversations/first/messages", user).await;
        bridge.insist("/conversations/first/handover", json!({})).await;
        bridge.until_queued(1).await;
        // What the bridge does meanwhile must not meet the mistake.
        until_idle(&bridge).await;
        Self {
            bridge,
            config,
            public_url,
            round_trip: false,
        }
    }

    /// The bot answers on channels of RCE's own.
    pub(super) async fn native(sources: Vec<NativeSource>) -> Self {
        let ids: Vec<String> = sources.iter().map(|source| source.id.clone()).collect();
        let mut bridge = Bridge::unconfigured(SimulatedConfig::native(sources)).await;
        let settings = bridge.rce.config();
        let bot = serve(Receiver::Verifies).await;
        let config = format!(
            r#"
[connections.default]
bot_keys = ["{BOT_KEY}"]
operator_keys = ["{OPERATOR_KEY}"]

[connections.default.ringcx]
channel = "native"
source_ids = {ids:?}
base_api_url = "{base}"
api_access_token = "{token}"
webhook_secrets = ["{secret}"]
verification_token = "{verify}"
bot_category_id = "{bot_category}"
agent_category_id = "{agent_category}"

[connections.default.bot]
url = "{bot}/events"
signing_secrets = ["{SIGNING_SECRET}"]
"#,
            base = bridge.rce.base_url(),
            token = settings.api_token,
            secret = settings.webhook_secret,
            verify = settings.verify_token,
            bot_category = settings.bot_category_id,
            agent_category = settings.agent_category_id,
        );
        std::fs::write(bridge.config(), &config).unwrap();
        bridge.start_process().await;
        assert!(bridge.rce.set_webhook(&bridge.url("/handover/rce")).await);
        let public_url = Some(bridge.origin());
        Self {
            bridge,
            config,
            public_url,
            round_trip: false,
        }
    }

    pub(super) fn set(&mut self, from: &str, to: &str) {
        assert!(self.config.contains(from), "{from} is not in the configuration");
        self.config = self.config.replace(from, to);
    }

    pub(super) fn rce(&self) -> &simulated_ringcx::SimulatedRingcx {
        &self.bridge.rce
    }

    pub(super) fn source(&self) -> String {
        self.rce().config().source_id.clone()
    }

    pub(super) fn agent(&self, index: usize) -> String {
        self.rce().config().agents[index].id.clone()
    }

    pub(super) fn category(&self, agent: bool) -> String {
        let config = self.rce().config();
        if agent {
            &config.agent_category_id
        } else {
            &config.bot_category_id
        }
        .clone()
    }

    pub(super) fn webhook(&self) -> String {
        self.rce()
            .read(|state| state.webhooks().next().map(|webhook| webhook.id.clone()))
            .unwrap()
    }

    pub(super) async fn examine(&self) -> Verdict {
        let file = self.bridge.dir.path().join("examined.toml");
        std::fs::write(&file, &self.config).unwrap();
        let mut doctor = command();
        doctor.args(["doctor", "--json", "--connection", "default", "--config"]);
        doctor.arg(&file).arg("--data").arg(self.bridge.data());
        if let Some(url) = &self.public_url {
            doctor.args(["--public-url", url]);
        }
        if !self.round_trip {
            doctor.arg("--no-round-trip");
        }
        let output = doctor.output().await.unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let report = serde_json::from_str(&said)
            .unwrap_or_else(|_| panic!("{said}\n{}", String::from_utf8_lossy(&output.stderr)));
        Verdict {
            code: output.status.code().unwrap(),
            report,
        }
    }

    pub(super) async fn until_dead_letter(&self) {
        let listed = async {
            loop {
                let output = command()
                    .args(["dead-letters", "list", "--json", "--config"])
                    .arg(self.bridge.config())
                    .arg("--data")
                    .arg(self.bridge.data())
                    .output()
                    .await
                    .unwrap();
                let letters: Value = serde_json::from_slice(&output.stdout).unwrap();
                if letters.as_array().is_some_and(|letters| !letters.is_empty()) {
                    return;
                }
            }
        };
        let patience = std::time::Duration::from_mins(1);
        tokio::time::timeout(patience, listed)
            .await
            .expect("a dead letter");
    }
}

impl Verdict {
    pub(super) fn checks(&self) -> &[Value] {
        self.report["connections"][0]["checks"].as_array().unwrap()
    }

    pub(super) fn failed(&self) -> Vec<&Value> {
        let bad = |check: &&Value| {
            check["status"] == "error" || check["status"] == "warning" && !is_of_the_world(check)
        };
        self.checks().iter().filter(bad).collect()
    }

    pub(super) fn check(&self, id: &str) -> &Value {
        self.checks().iter().find(|check| check["id"] == id).unwrap()
    }
}

/// Mistakes are made in the file while the bridge runs on, and the simulated token's account is an agent's, too.
fn is_of_the_world(check: &Value) -> bool {
    check["id"] == "running-settings" || check["id"] == "own-account"
}

/// One mistake, and the checks that name it with a part of their words.
pub(super) async fn case(mistake: impl AsyncFnOnce(&mut World), expected: &[(&str, &str)]) -> Verdict {
    case_in(Box::pin(World::new()).await, mistake, expected).await
}

/// The same in a world of the test's own.
pub(super) async fn case_in(
    mut world: World,
    mistake: impl AsyncFnOnce(&mut World),
    expected: &[(&str, &str)],
) -> Verdict {
    mistake(&mut world).await;
    let verdict = world.examine().await;
    let failed = verdict.failed();
    let ids: Vec<&str> = failed.iter().map(|check| check["id"].as_str().unwrap()).collect();
    let wanted: Vec<&str> = expected.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, wanted, "{failed:#?}");
    for (check, (_, words)) in failed.iter().zip(expected) {
        let said = format!(
            "{} {}",
            check["what"].as_str().unwrap(),
            check["how"].as_str().unwrap()
        );
        assert!(said.contains(words), "{words:?} is not in: {said}");
        assert!(!check["how"].as_str().unwrap().is_empty() && !check["why"].as_str().unwrap().is_empty());
    }
    let worst = if failed.iter().any(|check| check["status"] == "error") {
        4
    } else {
        3
    };
    assert_eq!(verdict.code, worst);
    verdict
}
