//! From a deployed stage and a bare account to a connection that works, by another person again, examined, and back.

use std::time::Duration;

use handover_aws_stage::proxy::{Call, Fault};
use handover_aws_stage::{AwsStage, Stage as _, eventually};
use handover_stories::setup::BOT_SECRET;
use serde_json::{Value, json};
use simulated_ringcx::{SimulatedConfig, SimulatedRingcx};
use tempfile::TempDir;

use crate::operating::{Ran, run};

/// A stage, and an account that nobody has set up for it yet.
struct Newcomer {
    stage: AwsStage,
    rce: SimulatedRingcx,
    tokens: TempDir,
}

impl Newcomer {
    async fn arrives() -> Option<Self> {
        let stage = AwsStage::start().await?;
        let rce = SimulatedConfig {
            requests_per_minute: 1_000_000,
            queue_update_interval: Duration::from_hours(1),
            ..SimulatedConfig::bare()
        };
        let rce = SimulatedRingcx::start(rce).await.expect("a simulated RCE");
        let newcomer = Self {
            stage,
            rce,
            tokens: TempDir::new().expect("a directory"),
        };
        let tokens = newcomer.rce.config();
        for (name, token) in [("rce", &tokens.api_token), ("source", &tokens.source_token)] {
            std::fs::write(newcomer.tokens.path().join(name), token).expect("a file");
        }
        // In this story the stage says where it really is.
        let address = newcomer.name_of("stage");
        let mut described: Value =
            serde_json::from_str(&newcomer.parameter(&address).await.expect("the stage's parameter"))
                .expect("JSON");
        described["public_url"] = newcomer.stage.gateway.url().into();
        let parameter =
            json!({"Name": address, "Type": "String", "Value": described.to_string(), "Overwrite": true});
        newcomer
            .stage
            .aws
            .call("AmazonSSM.PutParameter", &parameter)
            .await;
        Some(newcomer)
    }

    /// A parameter of the stage.
    fn name_of(&self, what: &str) -> String {
        self.stage.settings.replace("connections", what)
    }

    async fn parameter(&self, name: &str) -> Option<String> {
        self.described(name).await.map(|(value, _)| value)
    }

    /// Its value and its type.
    async fn described(&self, name: &str) -> Option<(String, String)> {
        let query = json!({"Names": [name], "WithDecryption": true});
        let answer = self.stage.aws.call("AmazonSSM.GetParameters", &query).await;
        let found = answer["Parameters"].as_array().expect("a list").first()?;
        let text = |member: &str| found[member].as_str().expect("a text").to_owned();
        Some((text("Value"), text("Type")))
    }

    async fn settings(&self) -> String {
        let name = format!("{}/web", self.stage.settings);
        self.parameter(&name).await.expect("the settings")
    }

    /// What only the console can do, as soon as it can be done.
    async fn by_hand(&self) {
        let announced = |state: &simulated_ringcx::State| {
            let names = ["bot", "agent"];
            names.iter().all(|name| state.identity(name).is_some())
        };
        assert!(self.rce.wait_until(announced, Duration::from_mins(1)).await);
        for identity in ["bot", "agent"] {
            self.rce.tick_controlled_identity(identity).expect("it is there");
        }
        // Whoever asks for a connection before it is there is told so for a minute.
        let settings = format!("{}/web", self.stage.settings);
        let stored = async || self.parameter(&settings).await.is_some();
        eventually("the settings are stored", stored).await;
        let base_uri = format!("{}/web/handover/rce/source", self.stage.gateway.url());
        let enters = async || self.rce.set_base_uri(&base_uri).await;
        eventually("the functions know the connection", enters).await;
    }

    /// All that there is to say, but where the bridge is.
    fn arguments(&self) -> Vec<String> {
        let file = |name: &str| format!("file:{}", self.tokens.path().join(name).display());
        let arguments = [
            ("--base-api-url", self.rce.base_url()),
            ("--api-access-token", file("rce")),
            ("--realtime-endpoint-url", self.rce.realtime_url()),
            ("--realtime-access-token", file("source")),
            (
                "--bot-url",
                format!("{}/events", self.stage.world().bot_door.url()),
            ),
            ("--agents", "all".to_owned()),
        ];
        let pairs = arguments.into_iter();
        pairs.flat_map(|(name, value)| [name.to_owned(), value]).collect()
    }

    async fn setup(&self, more: &[&str]) -> Ran {
        run(&self.stage, &[&["setup", "--connection", "web"], more].concat()).await
    }

    async fn examined(&self) -> (i32, Vec<Value>) {
        let doctor = run(&self.stage, &["doctor", "--connection", "web", "--json"]).await;
        let report = doctor.json();
        let checks = report["connections"][0]["checks"].as_array().expect("a list");
        let bad = |check: &&Value| check["status"] == "warning" || check["status"] == "error";
        (
            doctor.code.expect("it ended"),
            checks.iter().filter(bad).cloned().collect(),
        )
    }
}

/// The first text of a list, or the text, under this key.
fn value_of(settings: &str, key: &str) -> String {
    let line = settings
        .lines()
        .find(|line| line.starts_with(&format!("{key} = ")));
    let line = line.unwrap_or_else(|| panic!("{key} is not set"));
    line.split('"').nth(1).expect("a text").to_owned()
}

/// It works, with the key that was made up.
async fn a_message_arrives(newcomer: &Newcomer, settings: &str) {
    let (stage, rce) = (&newcomer.stage, &newcomer.rce);
    let authorization = format!("Bearer {}", value_of(settings, "bot_keys"));
    let headers = [
        ("authorization", authorization.as_str()),
        ("content-type", "application/json"),
    ];
    let message = json!({"id": "m-1", "from": "user", "text": "Where is my order?", "user": {"id": "u-7"}});
    let path = "/web/conversations/c-1/messages";
    let answer = stage
        .world()
        .request("POST", path, &headers, message.to_string())
        .await;
    answer.expect("an answer").expect(202);
    let thread = stage.world().thread("c-1");
    let arrived = async || rce.thread(&thread).is_some();
    eventually("the message is at RCE", arrived).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stage_is_set_up_examined_and_left_again_by_its_name() {
    let Some(newcomer) = Newcomer::arrives().await else {
        return;
    };
    let (stage, rce) = (&newcomer.stage, &newcomer.rce);
    let (settings, record) = (format!("{}/web", stage.settings), newcomer.name_of("setup/web"));
    let arguments = newcomer.arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();

    let planned = newcomer.setup(&[&arguments[..], &["--dry-run"]].concat()).await;
    assert_eq!(planned.code, Some(0), "{}", planned.complaint);
    assert_eq!(
        (
            newcomer.parameter(&settings).await,
            newcomer.parameter(&record).await
        ),
        (None, None)
    );

    // One of the functions has trouble with SSM, and sees the settings some seconds late.
    let name = settings.clone();
    let late = move |call: &Call| call.operation == "GetParameter" && call.mentions(&name);
    stage.calls_of("webhook-intake").fail(Fault::Status500, 5, late);
    // And some of what the command wrote is never confirmed to it.
    let is_write = |call: &Call| call.operation == "PutParameter";
    stage.calls_of_operator().fail(Fault::AnswerLost, 2, move |call| {
        is_write(call) && call.mentions("SecureString")
    });
    stage.calls_of_operator().fail(Fault::AnswerLost, 2, is_write);
    let asked = [&arguments[..], &["--yes"]].concat();
    let (done, ()) = tokio::join!(newcomer.setup(&asked), newcomer.by_hand());
    assert_eq!(done.code, Some(3), "{}\n{}", done.said, done.complaint);

    assert_eq!(stage.calls_of_operator().hit(), 4);
    assert!(
        done.said.contains("functions read new settings within a minute"),
        "{}",
        done.said
    );

    // A function has no files: the tokens themselves are there, and the address is the stage's own.
    let (text, kind) = newcomer.described(&settings).await.unwrap();
    assert_eq!(kind, "SecureString");
    let config = rce.config();
    assert_eq!(value_of(&text, "api_access_token"), config.api_token);
    assert_eq!(value_of(&text, "realtime_access_tokens"), config.source_token);
    assert!(!text.contains("public_url") && !text.contains("file:"), "{text}");
    let (remembered, kind) = newcomer.described(&record).await.unwrap();
    assert_eq!(kind, "String");
    for key in [
        "api_access_token",
        "realtime_access_tokens",
        "webhook_secrets",
        "bot_keys",
        "signing_secrets",
    ] {
        let secret = value_of(&text, key);
        for shown in [&done.said, &done.complaint, &remembered] {
            assert!(!shown.contains(&secret), "{key} is shown");
        }
    }

    a_message_arrives(&newcomer, &text).await;

    // What somebody writes into the parameter by hand stays when somebody else changes a setting.
    let by_hand = text.replace(&value_of(&text, "signing_secrets"), BOT_SECRET);
    let by_hand = format!("{by_hand}\n[connections.web.timers]\nqueue = 600 # ten minutes\n");
    stage.aws.put_parameter(&settings, &by_hand).await;
    let nothing = newcomer.setup(&["--json", "--yes"]).await;
    assert_eq!(
        nothing.json()["result"],
        "nothing_to_change",
        "{:#}",
        nothing.json()
    );
    assert_eq!(newcomer.settings().await, by_hand);
    let elsewhere = stage.world().bot.url();
    let elsewhere = format!("{elsewhere}/events");
    let changed = newcomer.setup(&["--yes", "--bot-url", &elsewhere]).await;
    assert_eq!(changed.code, Some(0), "{}\n{}", changed.said, changed.complaint);
    let before = value_of(&by_hand, "url");
    assert_eq!(newcomer.settings().await, by_hand.replace(&before, &elsewhere));

    // Healthy; then somebody empties the source's default categories.
    stage.world().bot.takes_only(BOT_SECRET);
    let (code, failed) = newcomer.examined().await;
    assert_eq!((code, &failed), (0, &Vec::new()), "{failed:#?}");
    rce.set_default_categories(&config.source_id, &[]).unwrap();
    let (code, failed) = newcomer.examined().await;
    let names: Vec<&Value> = failed.iter().map(|check| &check["id"]).collect();
    assert_eq!((code, names), (4, vec![&json!("default-categories")]));

    let removed = newcomer.setup(&["--remove", "--yes"]).await;
    assert_eq!(removed.code, Some(0), "{}\n{}", removed.said, removed.complaint);
    assert!(
        removed.said.contains("one conversation is in it"),
        "{}",
        removed.said
    );
    assert_eq!(newcomer.parameter(&settings).await, None);
    // What is left because somebody talks in it is remembered, for a removal later on.
    let left = newcomer.parameter(&record).await.unwrap();
    assert!(left.contains("\"Bot\""), "{left}");
    let again = newcomer.setup(&["--remove", "--yes"]).await;
    assert_eq!(again.code, Some(2), "{}", again.said);
}
