//! What set-up keeps in SSM, over the wire to an emulator, and with others who write at the same time.
//!
//! The emulator knows neither tiers nor keys; that they are asked for is seen on the way.

#[path = "queue/meddler.rs"]
#[expect(dead_code, reason = "others need more of it")]
mod meddler;

use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_ssm::Client;
use aws_sdk_ssm::config::retry::RetryConfig;
use aws_sdk_ssm::config::{BehaviorVersion, Credentials, Region};
use handover_aws::client::OurClient;
use handover_aws::operator::{StoredText, TextError};
use handover_emulators::{Ministack, REGION, skip_all, unique};
use meddler::{Answer, Meddler};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/4f6c0c6e-0000-4000-8000-000000000000";

async fn emulator() -> &'static Ministack {
    static EMULATOR: OnceCell<Option<Ministack>> = OnceCell::const_new();
    let started = EMULATOR.get_or_init(Ministack::start).await;
    started.as_ref().unwrap_or_else(|| skip_all())
}

/// SSM, and what is done in its place.
async fn ssm(meddle: impl Fn(&str, &Value) -> Option<Answer> + Send + Sync + 'static) -> (Meddler, Client) {
    let meddler = Meddler::start(Some(emulator().await.url()), meddle).await;
    let config = aws_sdk_ssm::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(Credentials::new("test", "test", None, None, "tests"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(&meddler.url)
        .http_client(OurClient::new(handover_ringcx::http::client()))
        .build();
    (meddler, Client::from_conf(config))
}

fn name() -> String {
    format!("/engage-handover/{}/connections/web", unique("stage"))
}

fn secrets(client: &Client, name: &str) -> StoredText {
    StoredText::secrets(client.clone(), name.to_owned(), Some(KEY.to_owned()))
}

#[tokio::test]
async fn settings_are_encrypted_with_the_stages_key_and_move_to_the_advanced_tier_when_they_are_long() {
    let (meddler, client) = ssm(|_, _| None).await;
    let name = name();
    let text = secrets(&client, &name);
    assert_eq!(text.read().await.unwrap(), None);
    text.replace("first").await.unwrap();
    let long = "x".repeat(4097);
    text.replace(&long).await.unwrap();
    text.replace(&long).await.unwrap();
    let put: Vec<Value> = meddler
        .calls("PutParameter")
        .iter()
        .map(|input| json!([input["Type"], input["KeyId"], input["Tier"], input["Overwrite"]]))
        .collect();
    let expected = [
        json!(["SecureString", KEY, null, false]),
        json!(["SecureString", KEY, "Advanced", true]),
    ];
    assert_eq!(put, expected, "and what is there already is not written again");
    let another = secrets(&client, &name);
    assert_eq!(another.read().await.unwrap(), Some(long));
    assert_eq!(another.version(), 2);
    another.remove().await.unwrap();
    another.remove().await.unwrap();
    assert_eq!(another.read().await.unwrap(), None);

    let error = text.replace(&"x".repeat(8193)).await.unwrap_err();
    assert!(
        matches!(error, TextError::TooLarge { bytes: 8193, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn what_somebody_else_wrote_meanwhile_stays() {
    let (_meddler, client) = ssm(|_, _| None).await;
    let name = name();
    let (mine, theirs) = (secrets(&client, &name), secrets(&client, &name));
    for text in ["made meanwhile", "changed meanwhile"] {
        mine.read().await.unwrap();
        theirs.read().await.unwrap();
        theirs.replace(text).await.unwrap();
        let error = mine.replace("mine").await.unwrap_err();
        assert!(matches!(error, TextError::Changed(_)), "{error}");
        assert_eq!(theirs.read().await.unwrap().as_deref(), Some(text));
    }
}

#[tokio::test]
async fn who_creates_it_twice_because_an_answer_was_lost_has_created_it() {
    // The first look is from before the emulator had it.
    let looked = AtomicBool::new(false);
    let (_meddler, client) = ssm(move |operation, _| {
        let is_first = operation == "GetParameter" && !looked.swap(true, Ordering::SeqCst);
        is_first.then(|| Answer::refusal(400, "ParameterNotFound", ""))
    })
    .await;
    let name = name();
    emulator().await.put_parameter(&name, "mine").await;
    let mine = secrets(&client, &name);
    mine.replace("mine").await.unwrap();
    mine.replace("mine, and more").await.unwrap();
}

#[tokio::test]
async fn a_parameter_that_once_was_advanced_stays_so_and_no_refusal_quotes_a_value() {
    let (meddler, client) = ssm(|operation, input| {
        let is_refused = operation == "PutParameter" && input["Overwrite"] == true && input["Tier"].is_null();
        let words = "Value 'hunter2' at 'value' failed to satisfy a constraint";
        is_refused.then(|| Answer::refusal(400, "ValidationException", words))
    })
    .await;
    let text = secrets(&client, &name());
    text.replace("long").await.unwrap();
    text.replace("short: hunter2").await.unwrap();
    assert_eq!(meddler.calls("PutParameter").len(), 3);

    for code in ["ValidationException", "InternalServerError"] {
        let (_meddler, client) = ssm(move |operation, _| {
            let words = "Value 'hunter2' at 'value' failed to satisfy a constraint";
            (operation == "PutParameter").then(|| Answer::refusal(400, code, words))
        })
        .await;
        let error = secrets(&client, &name()).replace("hunter2").await.unwrap_err();
        let error = format!("{error} {error:?}");
        assert!(
            error.contains("ssm:PutParameter") && error.contains(code),
            "{error}"
        );
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn the_record_of_two_hundred_agents_fits_and_is_no_secret() {
    let (meddler, client) = ssm(|_, _| None).await;
    let name = format!("/engage-handover/{}/setup/web", unique("stage"));
    let record = StoredText::notes(client.clone(), name.clone());
    // Numbers that repeat nothing, as ids do.
    let id = |n: u64| format!("5f0c{:020x}", u128::from(n.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    let grant = json!({"permissions": ["read", "reply"], "category": id(0), "identity": id(1), "lost_category": null});
    let agents: Vec<String> = (2..202).map(id).collect();
    let granted: serde_json::Map<String, Value> =
        agents.iter().map(|id| (id.clone(), grant.clone())).collect();
    let book = json!({"connections": {"web": {"agents": agents, "granted": granted}}});
    let text = serde_json::to_string_pretty(&book).unwrap();
    record.replace("{}").await.unwrap();
    record.replace(&text).await.unwrap();
    let read = StoredText::notes(client, name).read().await.unwrap();
    assert_eq!(read, Some(text));
    let put = meddler.calls("PutParameter");
    assert_eq!(
        (&put[0]["Type"], &put[0]["Value"]),
        (&json!("String"), &json!("{}"))
    );
    assert_eq!(put[1]["Tier"], "Advanced");
    assert!(put[1]["Value"].as_str().unwrap().len() <= 8192);
}
