//! Connections from SSM, over the wire to an emulator, and with SSM failing, refusing and counting calls.
//!
//! The emulator checks no permissions and never throttles; that is told by answers in its place.

#[path = "queue/meddler.rs"]
mod meddler;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_ssm::config::retry::RetryConfig;
use aws_sdk_ssm::config::{BehaviorVersion, Credentials, Region};
use futures_util::future::join_all;
use handover_aws::client::OurClient;
use handover_aws::settings::SsmConnections;
use handover_conformance::TestClock;
use handover_core::ids::ConnectionId;
use handover_core::settings::Connection;
use handover_emulators::{Ministack, REGION, skip_all, unique};
use handover_handlers::app::{Connections as _, ConnectionsUnavailable};
use handover_handlers::config::Lookup;
use meddler::{Answer, Meddler};
use serde_json::json;
use tokio::sync::OnceCell;

const A_MINUTE: Duration = Duration::from_mins(1);

/// The emulator that all tests share; each has parameters of its own.
async fn emulator() -> &'static Ministack {
    static EMULATOR: OnceCell<Option<Ministack>> = OnceCell::const_new();
    let started = EMULATOR.get_or_init(Ministack::start).await;
    started.as_ref().unwrap_or_else(|| skip_all())
}

/// `env:WEBHOOK_SECRET` is set, and every file exists.
struct Environment;

impl Lookup for Environment {
    fn env(&self, name: &str) -> Option<String> {
        (name == "WEBHOOK_SECRET").then(|| "a webhook secret".to_owned())
    }

    fn file(&self, _: &str) -> Result<String, io::Error> {
        Ok("the secret of some file".to_owned())
    }
}

/// Parameters that nobody else uses, and who reads them.
struct Scene {
    path: String,
    clock: TestClock,
    settings: Arc<SsmConnections>,
    ssm: Meddler,
    failing: Arc<AtomicBool>,
}

impl Scene {
    async fn new() -> Self {
        let failing = Arc::new(AtomicBool::new(false));
        let ssm = Meddler::start(Some(emulator().await.url()), {
            let failing = Arc::clone(&failing);
            move |_, _| {
                let refusal = || Answer::refusal(500, "InternalServerError", "An error on the server.");
                failing.load(Ordering::SeqCst).then(refusal)
            }
        })
        .await;
        let path = format!("/engage-handover/{}/connections", unique("stage"));
        let clock = TestClock::default();
        let settings = settings(&ssm.url, &path, &clock);
        Self {
            path,
            clock,
            settings: Arc::new(settings),
            ssm,
            failing,
        }
    }

    async fn put(&self, id: &str, text: &str) {
        emulator()
            .await
            .put_parameter(&format!("{}/{id}", self.path), text)
            .await;
    }

    async fn get(&self, id: &str) -> Result<Option<Arc<Connection>>, ConnectionsUnavailable> {
        self.settings.get(&ConnectionId::new(id)).await
    }

    async fn key_of(&self, id: &str) -> Option<String> {
        let connection = self.get(id).await.expect("settings are there")?;
        Some(connection.bot_keys[0].expose().to_owned())
    }

    fn fails(&self, failing: bool) {
        self.failing.store(failing, Ordering::SeqCst);
    }

    fn reads(&self) -> usize {
        self.ssm.calls("GetParameter").len()
    }
}

fn settings(url: &str, path: &str, clock: &TestClock) -> SsmConnections {
    let config = aws_sdk_ssm::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(Credentials::new("test", "test", None, None, "tests"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(url)
        .http_client(OurClient::new(handover_ringcx::http::client()))
        .build();
    let client = aws_sdk_ssm::Client::from_conf(config);
    SsmConnections::new(client, path, Arc::new(Environment), Arc::new(clock.clone()))
}

fn toml(id: &str, bot_key: &str) -> String {
    format!(
        r#"
        [connections.{id}]
        bot_keys = "{bot_key}"
        [connections.{id}.ringcx]
        base_api_url = "https://acme.api.engagement.dimelo.com"
        api_access_token = "token"
        realtime_endpoint_url = "https://acme.engagement.dimelo.com/realtime/sdk/5f0c"
        realtime_access_tokens = "source token of RCE"
        webhook_secrets = "env:WEBHOOK_SECRET"
        verification_token = "verification token"
        bot_category_id = "61aa"
        agent_category_id = "61ab"
        [connections.{id}.bot]
        kind = "webhook"
        url = "https://bot.example.org/events"
        signing_secrets = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
        "#
    )
}

const FIRST_KEY: &str = "the first key of the bot";
const SECOND_KEY: &str = "the second key of the bot";

/// What a log line shows.
fn told(result: Result<Option<Arc<Connection>>, ConnectionsUnavailable>) -> String {
    result.expect_err("it cannot be known").to_string()
}

#[tokio::test]
async fn a_connection_is_read_once_and_again_within_a_minute() {
    let scene = Scene::new().await;
    scene.put("acme", &toml("acme", FIRST_KEY)).await;
    for _ in 0..3 {
        assert_eq!(scene.key_of("acme").await.as_deref(), Some(FIRST_KEY));
    }
    assert_eq!(scene.reads(), 1);
    let connection = scene.get("acme").await.expect("readable").expect("there");
    assert_eq!(connection.ringcx.webhook_secrets[0].expose(), "a webhook secret");

    scene.put("acme", &toml("acme", SECOND_KEY)).await;
    scene.clock.advance(A_MINUTE);
    assert_eq!(scene.key_of("acme").await.as_deref(), Some(SECOND_KEY));
    assert_eq!(scene.reads(), 2);
    emulator()
        .await
        .delete_parameter(&format!("{}/acme", scene.path))
        .await;
    scene.clock.advance(A_MINUTE);
    assert_eq!(scene.key_of("acme").await, None);
}

#[tokio::test]
async fn the_last_good_settings_stay_while_ssm_fails_and_then_the_new_ones_come() {
    let scene = Scene::new().await;
    scene.put("acme", &toml("acme", FIRST_KEY)).await;
    assert_eq!(scene.key_of("acme").await.as_deref(), Some(FIRST_KEY));
    scene.put("acme", &toml("acme", SECOND_KEY)).await;
    scene.fails(true);
    for _ in 0..60 {
        scene.clock.advance(A_MINUTE);
        assert_eq!(scene.key_of("acme").await.as_deref(), Some(FIRST_KEY));
    }
    // It is not asked again with every request.
    let reads = scene.reads();
    assert_eq!(scene.key_of("acme").await.as_deref(), Some(FIRST_KEY));
    assert_eq!(scene.reads(), reads);
    scene.fails(false);
    scene.clock.advance(Duration::from_secs(10));
    assert_eq!(scene.key_of("acme").await.as_deref(), Some(SECOND_KEY));
}

#[tokio::test]
async fn the_last_good_settings_stay_while_the_new_text_has_mistakes() {
    let scene = Scene::new().await;
    scene.put("acme", &toml("acme", FIRST_KEY)).await;
    assert_eq!(scene.key_of("acme").await.as_deref(), Some(FIRST_KEY));
    for text in ["no TOML [", &toml("acme", "short"), &toml("another", SECOND_KEY)] {
        scene.put("acme", text).await;
        scene.clock.advance(A_MINUTE);
        assert_eq!(scene.key_of("acme").await.as_deref(), Some(FIRST_KEY));
    }
    scene.put("acme", &toml("acme", SECOND_KEY)).await;
    scene.clock.advance(A_MINUTE);
    assert_eq!(scene.key_of("acme").await.as_deref(), Some(SECOND_KEY));
}

#[tokio::test]
async fn of_two_connections_that_answer_one_source_one_is_used_and_the_other_is_told_why() {
    let native = |id: &str, source: &str| {
        let ours = toml(id, FIRST_KEY);
        let kept = ours.lines().filter(|line| !line.contains("realtime_"));
        let lines: Vec<&str> = kept.collect();
        let channel = format!("channel = \"native\"\nsource_ids = [\"{source}\"]\nbase_api_url");
        lines.join("\n").replace("base_api_url", &channel)
    };
    let scene = Scene::new().await;
    scene.put("zeta", &native("zeta", "5f0c")).await;
    assert!(scene.key_of("zeta").await.is_some());
    // While it is in use, another one comes.
    scene.put("alpha", &native("alpha", "5f0c")).await;
    assert!(scene.key_of("alpha").await.is_some());
    scene.clock.advance(A_MINUTE);
    assert!(scene.key_of("alpha").await.is_some());
    let words = told(scene.get("zeta").await);
    assert!(words.contains(&format!("{}/zeta", scene.path)), "{words}");
    assert!(
        words.contains("connections.alpha answers source 5f0c already"),
        "{words}"
    );
    // A function that starts decides alike, whatever comes first.
    let started = settings(&scene.ssm.url, &scene.path, &scene.clock);
    assert_eq!(started.preload().await, 1);
    let used: Vec<String> = started.known().iter().map(|it| it.id.to_string()).collect();
    assert_eq!(used, ["alpha"]);
    // Put right, both are used.
    scene.put("zeta", &native("zeta", "5f0d")).await;
    scene.clock.advance(A_MINUTE);
    assert!(scene.key_of("alpha").await.is_some());
    assert!(scene.key_of("zeta").await.is_some());
}

#[tokio::test]
async fn mistakes_are_told_with_the_parameter_and_without_any_value() {
    let scene = Scene::new().await;
    let both = format!("{}{}", toml("acme", FIRST_KEY), toml("another", FIRST_KEY));
    let file = toml("acme", FIRST_KEY).replace("env:WEBHOOK_SECRET", "file:/run/secrets/rce");
    let cases = [
        (toml("acme", "hunter2"), "connections.acme.bot_keys is too short"),
        (
            format!("{}\n\"hunter2", toml("acme", FIRST_KEY)),
            "not valid TOML",
        ),
        (
            String::from("[connections]"),
            "there is no [connections.NAME] section",
        ),
        (
            toml("another", FIRST_KEY),
            "must hold the section [connections.acme] and no other",
        ),
        (both, "must hold the section [connections.acme] and no other"),
        (file, "a parameter has its secrets in itself"),
    ];
    for (text, words) in cases {
        scene.put("acme", &text).await;
        scene.clock.advance(A_MINUTE);
        let told = told(scene.get("acme").await);
        assert!(told.contains(&format!("{}/acme", scene.path)), "{told}");
        assert!(told.contains(words), "'{words}' is missing in: {told}");
        assert!(!told.contains("hunter2") && !told.contains(FIRST_KEY), "{told}");
    }
}

#[tokio::test]
async fn without_good_settings_it_is_said_which_parameter_could_not_be_read_and_why() {
    let cases: [(u16, &str, &str, &[&str]); 3] = [
        (
            500,
            "InternalServerError",
            "Sorry.",
            &["ssm:GetParameter", "Sorry."],
        ),
        (
            400,
            "ThrottlingException",
            "Rate exceeded",
            &["ssm:GetParameter", "Rate exceeded"],
        ),
        (
            400,
            "AccessDeniedException",
            "User: f is not authorized to perform: kms:Decrypt",
            &["no permission for ssm:GetParameter", "role", "kms:Decrypt"],
        ),
    ];
    for (status, code, message, words) in cases {
        let ssm = Meddler::start(None, move |_, _| Some(Answer::refusal(status, code, message))).await;
        let settings = settings(&ssm.url, "/stage/connections/", &TestClock::default());
        assert_eq!(settings.preload().await, 0, "it is tolerant");
        let told = told(settings.get(&ConnectionId::new("acme")).await);
        for word in words.iter().chain(&["the parameter /stage/connections/acme"]) {
            assert!(told.contains(word), "'{word}' is missing in: {told}");
        }
    }
}

#[tokio::test]
async fn strangers_do_not_use_up_the_calls() {
    let scene = Scene::new().await;
    scene.put("acme", &toml("acme", FIRST_KEY)).await;
    assert_eq!(scene.key_of("acme").await.as_deref(), Some(FIRST_KEY));
    for _ in 0..10 {
        assert_eq!(scene.key_of("nobody").await, None);
    }
    assert_eq!(scene.reads(), 2);
    for illegal in ["", "a/b", "../acme", "ä", "a b", &"x".repeat(101)] {
        assert_eq!(scene.key_of(illegal).await, None, "{illegal}");
    }
    assert_eq!(scene.reads(), 2);

    for n in 0..1_000 {
        let _ = scene.get(&format!("guess-{n}")).await;
    }
    assert!(scene.reads() <= 202, "{} calls", scene.reads());
    assert!(told(scene.get("one-more").await).contains("too many"));
    assert_eq!(scene.key_of("acme").await.as_deref(), Some(FIRST_KEY));

    // A minute later there is room again, and a connection that was made meanwhile is found.
    scene.put("guess-1", &toml("guess-1", SECOND_KEY)).await;
    scene.clock.advance(A_MINUTE);
    assert_eq!(scene.key_of("guess-1").await.as_deref(), Some(SECOND_KEY));
    assert_eq!(scene.key_of("one-more").await, None);
    assert_eq!(scene.key_of("acme").await.as_deref(), Some(FIRST_KEY));
}

#[tokio::test]
async fn who_comes_together_waits_for_one_call() {
    let scene = Scene::new().await;
    scene.put("acme", &toml("acme", FIRST_KEY)).await;
    let all = join_all((0..20).map(|_| scene.key_of("acme"))).await;
    assert!(all.iter().all(|key| key.as_deref() == Some(FIRST_KEY)));
    assert_eq!(scene.reads(), 1);
}

#[tokio::test]
async fn what_was_read_ahead_is_there_without_a_call() {
    let scene = Scene::new().await;
    for n in 0..12 {
        let id = format!("c{n:02}");
        scene.put(&id, &toml(&id, FIRST_KEY)).await;
    }
    scene.put("broken", "no TOML [").await;
    scene.put("deeper/acme", &toml("acme", FIRST_KEY)).await;
    assert_eq!(scene.settings.preload().await, 12);
    for n in 0..12 {
        assert_eq!(
            scene.key_of(&format!("c{n:02}")).await.as_deref(),
            Some(FIRST_KEY)
        );
    }
    assert!(told(scene.get("broken").await).contains("not valid TOML"));
    assert_eq!(scene.reads(), 0);
    assert_eq!(scene.key_of("acme").await, None, "that one is deeper");
}

#[tokio::test]
async fn no_more_than_twenty_are_read_ahead() {
    let asked: Arc<Mutex<u32>> = Arc::default();
    let ssm = Meddler::start(None, {
        let asked = Arc::clone(&asked);
        move |operation, input| {
            assert_eq!(operation, "GetParametersByPath");
            assert_eq!(input["WithDecryption"], true);
            let mut page = asked.lock().unwrap();
            *page += 1;
            let parameters: Vec<_> = (0..9)
                .map(|n| {
                    let id = format!("c{page}-{n}");
                    json!({"Name": format!("/stage/{id}"), "Value": toml(&id, FIRST_KEY)})
                })
                .collect();
            Some(Answer::ok(json!({"Parameters": parameters, "NextToken": "more"})))
        }
    })
    .await;
    let settings = settings(&ssm.url, "/stage", &TestClock::default());
    assert_eq!(settings.preload().await, 20);
    assert_eq!(ssm.calls("GetParametersByPath").len(), 3);
}
