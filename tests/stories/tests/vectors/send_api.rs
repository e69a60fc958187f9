//! What we send: the samples' requests as our client makes them, and what it makes of the errors.

use std::sync::Arc;

use handover_conformance::TestClock;
use handover_core::Timestamp;
use handover_core::ids::{ForeignMessageId, ForeignThreadId, MessageId};
use handover_core::message::Attachment;
use handover_core::ports::{CustomerMessage, Identity, RingCx as _, RingCxError};
use handover_core::retry::Disposition;
use handover_core::settings::Connection;
use handover_ringcx::{ProcessBudget, RingCxClient};
use handover_stories::canned::CannedRce;
use handover_stories::desk::signature;
use serde_json::{Value, json};

use crate::{bench, entries, id, text, vectors};

/// Actions of the samples that this bridge never sends.
const UNUSED: [&str; 2] = ["send-private-messages-create", "send-threads-create"];

fn client() -> RingCxClient {
    let clock = Arc::new(TestClock::default());
    RingCxClient::new(
        handover_ringcx::http::client(),
        Arc::new(ProcessBudget::new()),
        clock,
    )
}

fn time(value: &Value) -> Timestamp {
    text(value).parse().expect("a time")
}

fn identity(user: &Value) -> Identity {
    let member = |name: &str| user[name].as_str().map(str::to_owned);
    Identity {
        id: text(&user["id"]).to_owned(),
        screenname: text(&user["screenname"]).to_owned(),
        since: time(&user["created_at"]),
        puppetizable: user["puppetizable"].as_bool().expect("as told"),
        firstname: member("firstname"),
        lastname: member("lastname"),
        email: member("email"),
        mobile_phone: member("mobile_phone"),
        context_data: serde_json::from_value(user["context_data"].clone()).unwrap_or_default(),
        ..Identity::default()
    }
}

fn message(params: &Value) -> CustomerMessage {
    let attachments = params["attachments"].as_array().cloned().unwrap_or_default();
    CustomerMessage {
        id: ForeignMessageId::new(text(&params["id"])),
        thread: ForeignThreadId::new(text(&params["thread_id"])),
        author: identity(&params["author"]),
        text: params["body"].as_str().map(str::to_owned),
        attachments: attachments
            .iter()
            .filter_map(|file| {
                let url = file["url"].as_str()?.to_owned();
                Some(Attachment {
                    url,
                    filename: None,
                    content_type: None,
                })
            })
            .collect(),
        structured: params.get("structured_content").cloned(),
        payload: params["structured_reply"]["payload"].as_str().map(str::to_owned),
        in_reply_to: params["in_reply_to_id"].as_str().map(MessageId::new),
        language: params["language"].as_str().map(str::to_owned),
        context: serde_json::from_value(params["context_data"].clone()).unwrap_or_default(),
        written_at: time(&params["created_at"]),
    }
}

/// What the bridge has no use for: typing answers nothing; it uses no labels of its own, sends files by
/// URL only, and tells the kind of none.
fn without_extras(mut body: Value) -> Value {
    let is_typing = text(&body["action"]).starts_with("typing.");
    if let Some(params) = body["params"].as_object_mut() {
        if is_typing {
            params.remove("in_reply_to_id");
        }
        params.remove("categories");
        if let Some(files) = params.get_mut("attachments").and_then(Value::as_array_mut) {
            files.retain(|file| file["url"].is_string());
            for file in files {
                file.as_object_mut().expect("a file").remove("type");
            }
        }
    }
    body
}

async fn send(client: &RingCxClient, connection: &Connection, sample: &Value) -> Result<(), RingCxError> {
    let params = &sample["request"]["body"]["params"];
    let thread = ForeignThreadId::new(text(&params["thread_id"]));
    match text(&sample["action"]) {
        "users.create" => client.announce(connection, &identity(params)).await,
        "messages.create" => client.send_message(connection, &message(params)).await,
        "status.mark_as_read" => {
            client
                .mark_as_read(connection, &MessageId::new(text(&params["id"])))
                .await
        }
        "typing.start" => {
            client
                .typing(connection, &thread, params["preview"].as_str())
                .await
        }
        "typing.stop" => client.typing_stopped(connection, &thread).await,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn every_request_is_made_as_in_the_samples() {
    let Some(vectors) = vectors() else { return };
    let canned = CannedRce::start().await;
    let connection = bench(vectors, &canned).await.connection.clone();
    let client = client();
    for sample in entries(&vectors["send_api_requests"], 14) {
        let name = id(sample);
        let request = &sample["request"];
        let (token, exact) = (text(&request["secret_utf8"]), text(&request["body_exact"]));
        let header = text(&request["headers"]["X-SMCCSDK-SIGNATURE"]);
        assert_eq!(
            signature(token, exact.as_bytes()),
            header,
            "{name}: the sample itself"
        );
        if UNUSED.contains(&name) {
            continue;
        }
        let success = &sample["success_response"];
        let status = u16::try_from(success["status"].as_u64().unwrap()).unwrap();
        canned.once("POST /realtime/sdk/", status, text(&success["body_exact"]));
        send(&client, &connection, sample).await.unwrap();
        let sent = canned.take_seen();
        assert_eq!(sent.len(), 1, "{name}");
        let url = text(&request["url"]);
        assert!(
            url.ends_with(&sent[0].target),
            "{name}: {} instead of {url}",
            sent[0].target
        );
        assert_eq!(sent[0].json(), without_extras(request["body"].clone()), "{name}");
        assert_eq!(
            sent[0].header("x-smccsdk-signature"),
            signature(token, &sent[0].body),
            "{name}"
        );
        assert_eq!(sent[0].header("content-type"), "application/json", "{name}");
    }
}

#[tokio::test]
async fn every_error_is_taken_for_what_it_is() {
    let Some(vectors) = vectors() else { return };
    let canned = CannedRce::start().await;
    let connection = bench(vectors, &canned).await.connection.clone();
    let samples = entries(&vectors["send_api_requests"], 14);
    let sample = |name: &str| {
        samples
            .iter()
            .find(|sample| id(sample) == name)
            .expect("a sample")
    };
    for error in entries(&vectors["send_api_errors"], 17) {
        let (name, reaction) = (id(error), text(&error["bridge_reaction"]));
        let status = u16::try_from(error["status"].as_u64().unwrap()).unwrap();
        let body = text(&error["documented_value"]);
        let client = client();
        canned.take_seen();
        if status == 0 {
            let mut nobody = connection.clone();
            nobody.ringcx.realtime_endpoint_url = "http://127.0.0.1:9/realtime/sdk/x".parse().unwrap();
            let failed = send(&client, &nobody, sample("send-messages-create-user"))
                .await
                .unwrap_err();
            assert_eq!(failed.disposition(), Disposition::Retry { after: None }, "{name}");
            continue;
        }
        canned.once("POST /realtime/sdk/", status, body);
        if reaction.contains("drop the typing") {
            send(&client, &connection, sample("send-typing-start"))
                .await
                .expect("dropped, not an error");
            assert_eq!(canned.take_seen().len(), 1, "{name}");
            continue;
        }
        if reaction.contains("as plain text") {
            canned.once("POST /realtime/sdk/", 200, "ok");
            send(&client, &connection, sample("send-messages-create-bot-select"))
                .await
                .expect("sent as text");
            let sent = canned.take_seen();
            assert_eq!(sent.len(), 2, "{name}: once more");
            let params = &sent[1].json()["params"];
            assert_eq!(params.get("structured_content"), None, "{name}");
            assert_eq!(
                params["body"], "What is it about?\n- Delivery\n- Invoice",
                "{name}"
            );
            assert_eq!(params["id"], sent[0].json()["params"]["id"], "{name}");
            continue;
        }
        let failed = send(&client, &connection, sample("send-messages-create-user"))
            .await
            .unwrap_err();
        // A signature may be refused because its token is being changed; that is tried for minutes, not for good.
        let permanent = matches!(
            failed.disposition(),
            Disposition::Reject | Disposition::RetryWhileYoung
        );
        assert_eq!(
            permanent,
            error["class"] == json!("permanent"),
            "{name}: {failed}"
        );
    }
}
