//! `doctor` names what is wrong. Each case is one mistake in an otherwise healthy world: the checks that it concerns
//! fail, no others, and their words name the thing.

use std::future::Future;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use simulated_ringcx::{AgentStatus, Fault, FaultTarget, Rights};
use standardwebhooks::Webhook;
use tokio::net::TcpListener;

use crate::bridge::{BOT_KEY, Bridge, command};

const SIGNING_SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
const OPERATOR_KEY: &str = "operator-key-of-the-command-tests";

/// What a receiver does with whatever comes.
#[derive(Clone)]
enum Receiver {
    /// What a bot has to do.
    Verifies,
    AcceptsAnything,
    Answers(u16),
    Redirects,
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
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

async fn serve(receiver: Receiver) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(receive).with_state(receiver);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

/// An address at which nobody listens.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// A running bridge in an account that is set up, and the configuration that is examined. The bridge runs with its
/// own copy of it, so that a difference between the two can be a mistake, too.
struct World {
    bridge: Bridge,
    config: String,
    public_url: Option<String>,
    round_trip: bool,
}

struct Verdict {
    code: i32,
    report: Value,
}

/// Until no job of the bridge waits or is in work.
async fn until_idle(bridge: &Bridge) {
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
    tokio::time::timeout(patience, idle).await.expect("it is done");
}

impl World {
    async fn new() -> Self {
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

    fn set(&mut self, from: &str, to: &str) {
        assert!(self.config.contains(from), "{from} is not in the configuration");
        self.config = self.config.replace(from, to);
    }

    fn rce(&self) -> &simulated_ringcx::SimulatedRingcx {
        &self.bridge.rce
    }

    fn source(&self) -> String {
        self.rce().config().source_id.clone()
    }

    fn agent(&self, index: usize) -> String {
        self.rce().config().agents[index].id.clone()
    }

    fn category(&self, agent: bool) -> String {
        let config = self.rce().config();
        if agent {
            &config.agent_category_id
        } else {
            &config.bot_category_id
        }
        .clone()
    }

    fn webhook(&self) -> String {
        self.rce()
            .read(|state| state.webhooks().next().map(|webhook| webhook.id.clone()))
            .unwrap()
    }

    async fn examine(&self) -> Verdict {
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
}

impl Verdict {
    fn checks(&self) -> &[Value] {
        self.report["connections"][0]["checks"].as_array().unwrap()
    }

    fn failed(&self) -> Vec<&Value> {
        let bad = |check: &&Value| check["status"] == "warning" || check["status"] == "error";
        self.checks().iter().filter(bad).collect()
    }

    fn check(&self, id: &str) -> &Value {
        self.checks().iter().find(|check| check["id"] == id).unwrap()
    }
}

/// One mistake, and the checks that name it with a part of their words.
async fn case(mistake: impl AsyncFnOnce(&mut World), expected: &[(&str, &str)]) -> Verdict {
    let mut world = Box::pin(World::new()).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_connection_is_all_well() {
    let mut world = Box::pin(World::new()).await;
    world.round_trip = true;
    let verdict = world.examine().await;
    assert!(verdict.failed().is_empty(), "{:#?}", verdict.failed());
    assert_eq!(verdict.code, 0);
    assert_eq!(verdict.report["worst"], "ok");
    assert!(
        verdict.check("round-trip")["what"]
            .as_str()
            .unwrap()
            .contains("arrived")
    );
    let skipped: Vec<&Value> = verdict
        .checks()
        .iter()
        .filter(|check| check["status"] == "skipped")
        .collect();
    let skipped: Vec<&str> = skipped
        .iter()
        .map(|check| check["id"].as_str().unwrap())
        .collect();
    assert_eq!(
        skipped,
        [
            "right-open-threads",
            "bot-identity-controlled",
            "queue-subscribers"
        ]
    );
    let calls = verdict.report["connections"][0]["rest_calls"].as_u64().unwrap();
    assert!(calls <= 25, "{calls} REST calls");
    // Nothing of it counts as work of a conversation, and no secret is shown.
    let said = verdict.report.to_string();
    let config = world.rce().config();
    for secret in [
        &config.api_token,
        &config.source_token,
        &config.webhook_secret,
        &config.verify_token,
    ] {
        assert!(!said.contains(secret.as_str()) && !world.bridge.log().contains(secret.as_str()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_of_the_token_and_its_rights_are_named() {
    case(
        async |world| world.set("simulated-api-token", "an-old-token"),
        &[("token", "does not accept the API access token")],
    )
    .await;
    case(async |world| world.rce().disable_token(), &[("token", "active")]).await;
    // The console's own address, without "api" in it.
    case(
        async |world| {
            let nowhere = serve(Receiver::Answers(404)).await;
            let line = world.config.lines().find(|line| line.starts_with("base_api_url"));
            let line = line.unwrap().to_owned();
            world.set(&line, &format!("base_api_url = \"{nowhere}\""));
        },
        &[("token", "base_api_url")],
    )
    .await;
    case(
        async |world| world.set("requests_per_minute = 300", "requests_per_minute = 10"),
        &[("rest-budget", "our own limiter held back")],
    )
    .await;
    let rights = [
        ("monitor_tasks", "right-monitor-tasks"),
        ("read_user", "right-users"),
        ("update_intervention", "right-close-interventions"),
    ];
    for (right, check) in rights {
        case(
            async |world| world.rce().take_right(right).unwrap(),
            &[(check, "the account")],
        )
        .await;
    }
    let less = |change: fn(&mut Rights)| {
        let mut rights = Rights::default();
        change(&mut rights);
        rights
    };
    let blind = less(|rights| rights.may_read_interventions = false);
    case(
        async |world| world.rce().set_rights(blind),
        &[("right-interventions", "see interventions")],
    )
    .await;
    let blind = less(|rights| rights.may_read_time_sheets = false);
    case(
        async |world| world.rce().set_rights(blind),
        &[("right-time-sheets", "time sheets")],
    )
    .await;
    case(
        async |world| world.rce().set_clock_ahead(SignedDuration::from_secs(60)),
        &[("clock", "behind")],
    )
    .await;
    case(
        async |world| world.rce().set_clock_ahead(SignedDuration::from_mins(-11)),
        &[("clock", "ahead of")],
    )
    .await;
    case(
        async |world| {
            world
                .rce()
                .fail_next(FaultTarget::RestAny, Fault::RateLimit, 1_000);
        },
        &[("rest-budget", "429")],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_skipped_for_one_reason_is_counted_and_the_errors_are_named_last() {
    let mut world = Box::pin(World::new()).await;
    world.set("simulated-api-token", "an-old-token");
    let file = world.bridge.dir.path().join("examined.toml");
    std::fs::write(&file, &world.config).unwrap();
    let examine = async |more: &[&str]| {
        let nothing_yet = world.bridge.dir.path().join("not-served-yet");
        let mut doctor = command();
        doctor.args(["doctor", "--connection", "default", "--config"]);
        let output = doctor.arg(&file).arg("--data").arg(nothing_yet).args(more);
        let output = output.output().await.unwrap();
        assert_eq!(output.status.code(), Some(4), "before the first serve, too");
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(complaint.contains("no bridge ran on"), "{complaint}");
        String::from_utf8(output.stdout).unwrap()
    };
    let said = examine(&[]).await;
    assert!(!said.contains("    skipped "), "{said}");
    assert!(
        said.contains("checks were skipped, most of them because RingCentral's REST API"),
        "{said}"
    );
    assert!(said.trim_end().ends_with("errors: token, serving"), "{said}");
    assert!(!said.contains("WARNING"), "{said}");
    let said = examine(&["--verbose"]).await;
    assert!(
        said.contains("    skipped source: not looked at: the token is not accepted"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_of_the_source_are_named() {
    case(
        async |world| {
            world
                .rce()
                .permit(world.rce().token_user(), &world.source(), &[])
                .unwrap();
        },
        &[("source", "read permission")],
    )
    .await;
    case(
        async |world| {
            let id = format!(
                "[connections.default.ringcx]\nsource_id = \"{}\"",
                "5f0c000000000000000050c9"
            );
            world.set("[connections.default.ringcx]", &id);
        },
        &[
            ("realtime-url", "5f0c000000000000000050c9"),
            ("source", "5f0c000000000000000050c9"),
        ],
    )
    .await;
    case(
        async |world| world.rce().set_source_type(&world.source(), "whats_app").unwrap(),
        &[("source-type", "whats_app")],
    )
    .await;
    case(
        async |world| world.rce().deactivate_source(&world.source()).unwrap(),
        &[("source-active", "not active"), ("send-api", "not active")],
    )
    .await;
    case(
        async |world| {
            world
                .rce()
                .set_source_error(&world.source(), Some("Invalid signature"))
                .unwrap();
        },
        &[("source-status", "Invalid signature")],
    )
    .await;
    case(
        async |world| {
            let agent = world.category(true);
            world
                .rce()
                .set_default_categories(&world.source(), &[&agent])
                .unwrap();
        },
        &[("default-categories", "Agent category")],
    )
    .await;
    case(
        async |world| world.rce().set_default_categories(&world.source(), &[]).unwrap(),
        &[("default-categories", "do not start in the Bot category")],
    )
    .await;
    case(
        async |world| world.set("simulated-source-token", "the-token-of-another-source"),
        &[
            ("source-sdk", "realtime_access_tokens"),
            ("send-api", "realtime access token"),
        ],
    )
    .await;
    case(
        async |world| {
            let again = world.config.replace("connections.default", "connections.shop");
            world.config.push_str(&again);
        },
        &[("shared-source", "shop")],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_of_the_categories_are_named() {
    case(
        async |world| {
            let (bot, agent) = (world.category(false), world.category(true));
            world.set(&bot, "between");
            world.set(&agent, &bot);
            world.set("between", &agent);
        },
        &[(
            "agent-category-held",
            "Swap bot_category_id and agent_category_id",
        )],
    )
    .await;
    case(
        async |world| {
            let agent = world.category(true);
            world.set(&agent, "5f0c0000000000000000cfff");
        },
        &[("agent-category", "agent_category_id = 5f0c0000000000000000cfff")],
    )
    .await;
    case(
        async |world| {
            let bot = world.category(false);
            world.set(&bot, "5f0c0000000000000000ca00");
        },
        &[("bot-category", "unselectable")],
    )
    .await;
    case(
        async |world| {
            for index in 0..2 {
                world.rce().set_categories_of(&world.agent(index), &[]).unwrap();
            }
        },
        &[("agent-category-held", "Give the Agent category")],
    )
    .await;
    case(
        async |world| {
            let both = [world.category(false), world.category(true)];
            let both: Vec<&str> = both.iter().map(String::as_str).collect();
            world.rce().set_categories_of(&world.agent(0), &both).unwrap();
        },
        &[("bot-category-free", "Sam Okafor")],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_category_twice_is_no_configuration() {
    let mut world = Box::pin(World::new()).await;
    let (bot, agent) = (world.category(false), world.category(true));
    world.set(&bot, &agent);
    let file = world.bridge.dir.path().join("examined.toml");
    std::fs::write(&file, &world.config).unwrap();
    let output = command()
        .args(["doctor", "--config"])
        .arg(&file)
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(
        complaint.contains("agent_category_id is the same as bot_category_id"),
        "{complaint}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_of_the_webhook_are_named() {
    let elsewhere: [(&str, &str, &str); 3] = [
        ("/default/", "/other/", "names another connection, \"other\""),
        ("/handover/rce", "/handover/rce/source", "handover/rce/webhook"),
        ("127.0.0.1", "localhost", "another host, localhost"),
    ];
    for (from, to, words) in elsewhere {
        case(
            async |world| {
                let url = world.bridge.url("/handover/rce").replace(from, to);
                world.rce().set_webhook(&url).await;
            },
            &[("webhook", words)],
        )
        .await;
    }
    case(
        async |world| world.public_url = world.public_url.take().map(|url| url.replace("http:", "https:")),
        &[("webhook", "called by http://"), ("reachable", "certificate")],
    )
    .await;
    case(
        async |world| world.rce().switch_off_webhook(&world.webhook()).unwrap(),
        &[("webhook-active", "not active")],
    )
    .await;
    case(
        async |world| {
            let url = world.bridge.url("/handover/rce");
            world
                .rce()
                .add_webhook_of_a_colleague(&url, &["intervention.closed"]);
        },
        &[("webhook-single", "2 webhooks")],
    )
    .await;
    case(
        async |world| {
            world
                .rce()
                .tick_webhook_events(&world.webhook(), &["task.taken"])
                .unwrap();
        },
        &[
            ("webhook-events", "intervention.closed"),
            ("webhook-recommended-events", "task.recategorized"),
        ],
    )
    .await;
    case(
        async |world| {
            let all = world.rce().config().registered_events.clone();
            let but: Vec<&str> = all
                .iter()
                .map(String::as_str)
                .filter(|event| *event != "task.destroyed")
                .collect();
            world.rce().tick_webhook_events(&world.webhook(), &but).unwrap();
        },
        &[("webhook-recommended-events", "not registered: task.destroyed")],
    )
    .await;
    case(
        async |world| world.set("simulated-verify-token", "another-verification-token"),
        &[
            ("webhook-verify-token", "verification_token"),
            ("webhook-validation", "refuses verification_token"),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_ringcentral_does_not_have_shows_when_it_calls() {
    let verdict = case(
        async |world| {
            // Set on the bridge's side only: all is well as far as the bridge and the console tell.
            let file = world.bridge.config();
            let config = std::fs::read_to_string(&file).unwrap();
            std::fs::write(
                file,
                config.replace("simulated-webhook-secret", "a-new-webhook-secret"),
            )
            .unwrap();
            world.bridge.terminate().await;
            world.bridge.start_process().await;
            world.set("simulated-webhook-secret", "a-new-webhook-secret");
            world.round_trip = true;
        },
        &[("round-trip", "another secret than webhook_secrets")],
    )
    .await;
    assert_eq!(verdict.check("webhook-delivery")["status"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_with_another_verify_token_works_on() {
    let mut world = Box::pin(World::new()).await;
    let file = world.bridge.config();
    let config = std::fs::read_to_string(&file).unwrap();
    let config = config.replace("simulated-verify-token", "a-new-verification-token");
    std::fs::write(file, config).unwrap();
    world.bridge.terminate().await;
    world.bridge.start_process().await;
    world.set("simulated-verify-token", "a-new-verification-token");
    world.round_trip = true;
    let verdict = world.examine().await;
    assert_eq!(verdict.check("webhook-verify-token")["status"], "error");
    assert_eq!(verdict.check("round-trip")["status"], "skipped");
    let active = world
        .rce()
        .read(|state| state.webhooks().all(|webhook| webhook.active));
    assert!(active, "examining switched it off");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_ringcentral_from_the_bridge_is_named() {
    case(
        async |world| {
            world.bridge.terminate().await;
        },
        &[("reachable", "nobody answers"), ("serving", "no bridge runs")],
    )
    .await;
    case(
        async |world| world.public_url = Some(serve(Receiver::Redirects).await),
        &[
            ("webhook", "another host"),
            ("reachable", "https://elsewhere.example.org/"),
        ],
    )
    .await;
    case(
        async |world| world.public_url = Some(serve(Receiver::AcceptsAnything).await),
        &[
            ("webhook", "none"),
            ("source-sdk", "without the signature"),
            ("source-sdk-strangers", "an unsigned call was taken"),
            ("webhook-validation", "not the challenge"),
            ("webhook-strangers", "a wrong secret was taken"),
        ],
    )
    .await;
    case(
        async |world| world.set(BOT_KEY, "a-key-that-is-newer-than-the-bridge"),
        &[("bot-key", "another configuration")],
    )
    .await;
    case(
        async |world| world.set("simulated-webhook-secret", "another-webhook-secret"),
        &[
            ("webhook-validation", "webhook_secrets"),
            ("webhook-delivery", "refuses the first of webhook_secrets"),
        ],
    )
    .await;
    case(
        async |world| world.set("get_queue_updates = true", "get_queue_updates = false"),
        &[("source-sdk-options", "get_queue_updates = false")],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_with_another_connection_name_is_named() {
    let mut world = Box::pin(World::new()).await;
    world.set("connections.default", "connections.shop");
    let file = world.bridge.dir.path().join("examined.toml");
    std::fs::write(&file, &world.config).unwrap();
    let output = command()
        .args(["doctor", "--no-round-trip", "--public-url"])
        .arg(world.public_url.as_ref().unwrap())
        .arg("--config")
        .arg(&file)
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(4));
    let said = String::from_utf8(output.stdout).unwrap();
    for words in [
        "ERROR   reachable:",
        "knows no connection \"shop\"",
        "names another connection, \"default\" instead of \"shop\"",
        "why:",
        "mend:",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_who_cannot_answer_are_named() {
    case(
        async |world| {
            world
                .rce()
                .permit(&world.agent(1), &world.source(), &["read"])
                .unwrap();
        },
        &[(
            "agent-permissions",
            "Mira Lindqvist (5f0c00000000000000a90002) lacks reply",
        )],
    )
    .await;
    case(
        async |world| world.rce().assign_identity("agent", &[&world.agent(0)]).unwrap(),
        &[("agent-identity-assigned", "Mira Lindqvist")],
    )
    .await;
    case(
        async |world| world.rce().assign_identity("agent", &[]).unwrap(),
        &[("agent-identity", "Controlled identity")],
    )
    .await;
    case(
        async |world| world.rce().untick_controlled_identity("agent").unwrap(),
        &[("agent-identity", "Controlled identity")],
    )
    .await;
    case(
        async |world| {
            let identity = "agent_identity = { id = \"somebody\", name = \"Support\" }";
            world.set(
                "[connections.default.bot]",
                &format!("{identity}\n\n[connections.default.bot]"),
            );
        },
        &[("agent-identity", "\"somebody\"")],
    )
    .await;
    case(
        async |world| {
            for index in 0..2 {
                world
                    .rce()
                    .set_availability(&world.agent(index), AgentStatus::Disconnected)
                    .unwrap();
            }
        },
        &[("agents-now", "logged in on the source's channel group")],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_bot_is_named() {
    async fn with_bot(receiver: impl Future<Output = String>, expected: &[(&str, &str)]) {
        let url = receiver.await;
        case(
            async |world| {
                let line = world
                    .config
                    .lines()
                    .find(|line| line.starts_with("url = "))
                    .unwrap()
                    .to_owned();
                world.set(&line, &format!("url = \"{url}/events\""));
            },
            expected,
        )
        .await;
    }
    with_bot(nobody(), &[("bot", "does not answer")]).await;
    with_bot(
        serve(Receiver::Answers(401)),
        &[("bot-signature", "signing secret differs")],
    )
    .await;
    with_bot(serve(Receiver::Answers(403)), &[("bot-signature", "(403)")]).await;
    with_bot(serve(Receiver::Answers(404)), &[("bot", "answers 404")]).await;
    with_bot(serve(Receiver::Answers(410)), &[("bot", "410")]).await;
    with_bot(serve(Receiver::Answers(503)), &[("bot", "in trouble (503)")]).await;
    with_bot(serve(Receiver::Redirects), &[("bot", "redirects (301)")]).await;
    with_bot(
        serve(Receiver::AcceptsAnything),
        &[("bot-verifies", "wrong signature")],
    )
    .await;
    case(
        async |world| {
            let url = nobody().await;
            let subscriber = format!(
                "[[connections.default.bot.queue_subscribers]]\nurl = \"{url}/queue\"\nsigning_secrets = [\"{SIGNING_SECRET}\"]\n"
            );
            world.config.push_str(&subscriber);
        },
        &[("queue-subscribers", "127.0.0.1")],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_given_up_and_what_the_configuration_says_is_named() {
    case(
        async |world| {
            world.bridge.bot_answers(Some(400));
            world
                .bridge
                .insist("/conversations/d/messages", json!({"from": "user", "text": "Hi"}))
                .await;
            world.bridge.insist("/conversations/d/handover", json!({})).await;
            world.bridge.until_queued(2).await;
            let agent = world.agent(0);
            world.rce().take("d", &agent).unwrap();
            world.rce().reply("d", &agent, "Hello").unwrap();
            world.until_dead_letter().await;
        },
        &[("dead-letters", "the bot refused it (400)")],
    )
    .await;
    case(
        async |world| {
            world.set(
                "get_queue_updates = true",
                "get_queue_updates = true\nenabled = false",
            );
        },
        &[("slider", "enabled = false")],
    )
    .await;
    case(
        async |world| {
            let url = world.bridge.url("/operator/drain");
            let http = handover_ringcx::http::client();
            let answer = http.post(url).bearer_auth(OPERATOR_KEY).send().await.unwrap();
            assert_eq!(answer.status(), 200);
        },
        &[("slider", "drained since")],
    )
    .await;
    case(
        async |world| {
            world
                .config
                .push_str("[connections.default.files]\nrehost = \"always\"\n");
        },
        &[("file-hosting", "public_url")],
    )
    .await;
    case(
        async |world| world.set("requests_per_minute = 300", "requests_per_minute = 450"),
        &[("rest-budget", "450")],
    )
    .await;
}

impl World {
    async fn until_dead_letter(&self) {
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

#[tokio::test(flavor = "multi_thread")]
async fn the_stage_examines_itself_once_a_minute_for_operators_only() {
    let world = Box::pin(World::new()).await;
    let http = handover_ringcx::http::client();
    let url = world.bridge.url("/operator/doctor");
    let ask = async |method: Method, key: &str| {
        let answer = http.request(method, &url).bearer_auth(key).send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        (status, body)
    };
    assert_eq!(ask(Method::GET, "nobodys-key-at-all").await.0, 401);
    assert_eq!(ask(Method::GET, BOT_KEY).await.0, 403);
    // One that asked for no round trip is not what is answered to who asks for one.
    let (_, looked) = ask(Method::GET, OPERATOR_KEY).await;
    assert_eq!(looked["round_trip"], json!(false));
    let (status, first) = ask(Method::POST, OPERATOR_KEY).await;
    assert!(first["at"].as_str() > looked["at"].as_str());
    assert_eq!((status, &first["round_trip"]), (200, &json!(true)));
    let checks = first["checks"].as_array().unwrap();
    let find = |id: &str| checks.iter().find(|check| check["id"] == id).unwrap();
    assert_eq!(find("round-trip")["status"], "ok", "{checks:#?}");
    assert_eq!(find("serving")["status"], "ok");
    let calls = world.rce().requests().len();
    let (_, second) = ask(Method::GET, OPERATOR_KEY).await;
    assert_eq!(first, second, "the same within a minute");
    assert_eq!(world.rce().requests().len(), calls, "nobody was asked");
}
