//! Values that become others on their way.

use handover_core::profile::context_key;
use handover_ringcx::base_url::api_base;
use handover_stories::canned::CannedRce;
use handover_stories::logs::Logs;
use serde_json::{Value, json};

use crate::{CONVERSATION, bench, entries, named, text, vectors, waiting};

#[tokio::test]
async fn places_in_the_queue_become_milliseconds() {
    let Some(vectors) = vectors() else { return };
    for mapping in entries(&vectors["mappings"]["queuing_update_to_cognigy"], 5) {
        let canned = CannedRce::start().await;
        let bench = bench(vectors, &canned).await;
        waiting(&bench, vectors, &canned).await;
        let mut params = mapping["input"].clone();
        params["thread_id"] = json!(CONVERSATION);
        bench
            .source_sdk(&json!({"action": "messaging.queuing_update", "params": params}))
            .await
            .expect(200);
        bench.work().await;
        let told = bench.bot.only("handover.queued");
        let expected = &mapping["output"];
        assert_eq!(
            told.data().get("estimated_wait_ms"),
            expected.get("estimatedWaitTime"),
            "{mapping}"
        );
        assert_eq!(told.data().get("position"), expected.get("position"), "{mapping}");
        bench.finish().await;
    }
}

#[test]
fn keys_become_legal() {
    let Some(vectors) = vectors() else { return };
    for mapping in entries(&vectors["mappings"]["context_data_keys"], 6) {
        let input = text(&mapping["input"]);
        let made = context_key(input);
        if mapping["valid"].as_bool().unwrap() {
            assert_eq!(made.as_deref(), Some(input));
        } else {
            assert_ne!(made.as_deref(), Some(input));
            if let Some(suggested) = mapping.get("suggested") {
                assert_eq!(made.as_deref(), suggested.as_str(), "{input:?}");
            }
        }
        assert!(made.is_none_or(|key| key.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-')));
    }
}

#[test]
fn what_is_pasted_becomes_the_base_of_the_api() {
    let Some(vectors) = vectors() else { return };
    for mapping in entries(&vectors["mappings"]["base_urls"], 4) {
        let base = api_base(text(&mapping["input"])).unwrap();
        assert_eq!(base.as_str(), text(&mapping["api"]));
        // The realtime URL is pasted whole; its last segment is the source.
        let realtime = text(&mapping["realtime"]).replace("{source_id}", "5f0c");
        let source = handover_ringcx::base_url::source_id(&realtime.parse().unwrap());
        assert_eq!(source.unwrap().as_str(), "5f0c");
    }
}

#[tokio::test]
async fn agents_are_counted() {
    let Some(vectors) = vectors() else { return };
    for mapping in entries(&vectors["mappings"]["agent_availability"], 2) {
        let canned = CannedRce::start().await;
        let bench = bench(vectors, &canned).await;
        let source = &named(&vectors["rest"], "rest-source")["response"]["body"];
        assert_eq!(source["channel_id"], mapping["channel_id"]);
        canned.always("GET /1.0/content_sources/", 200, source.to_string());
        let status = &named(&vectors["rest"], text(&mapping["status_sample"]))["response"]["body"];
        canned.always("GET /1.0/status?", 200, status.to_string());
        let seen = bench.call("GET", "/availability", &Value::Null).await.expect(200);
        assert_eq!(
            (&seen["agents"], &seen["available"]),
            (&mapping["available_agents"], &mapping["any_available"])
        );
        bench.finish().await;
    }
}

#[tokio::test]
async fn categories_are_swapped_and_the_others_stay() {
    let Some(vectors) = vectors() else { return };
    for mapping in entries(&vectors["mappings"]["category_swap"], 4) {
        let canned = CannedRce::start().await;
        let bench = bench(vectors, &canned).await;
        let mut found = named(&vectors["rest"], "rest-thread-find")["response"]["body"].clone();
        found["records"][0]["thread_category_ids"] = mapping["current"].clone();
        let mut moved = found["records"][0].clone();
        moved["thread_category_ids"] = mapping["result"].clone();
        canned.always("POST /realtime/sdk/", 200, "ok");
        canned.always("GET /1.0/content_threads?", 200, found.to_string());
        canned.always("PUT /1.0/content_threads/", 200, moved.to_string());
        bench.user_says(CONVERSATION, "hi").await;
        bench.asks_for_agent(CONVERSATION, json!({})).await;
        bench.work().await;
        assert_eq!(bench.status(CONVERSATION).await, "queued", "{mapping}");
        let writes: Vec<Value> = canned
            .seen()
            .iter()
            .filter(|seen| seen.method == "PUT")
            .map(|seen| {
                form_urlencoded::parse(&seen.body)
                    .map(|(_, value)| json!(value))
                    .collect()
            })
            .collect();
        if mapping["current"] == mapping["result"] {
            assert!(writes.is_empty(), "{mapping}");
        } else {
            assert_eq!(writes, [mapping["result"].clone()], "{mapping}");
        }
        bench.finish().await;
    }
}

#[tokio::test]
async fn only_failures_to_leave_rce_raise_an_alarm() {
    let Some(vectors) = vectors() else { return };
    let canned = CannedRce::start().await;
    let bench = bench(vectors, &canned).await;
    waiting(&bench, vectors, &canned).await;
    let logs = Logs::capture();
    let sample = &named(&vectors["webhook_events"], "wh-content-exported-failed")["payload"]["events"][0];
    for (n, mapping) in entries(&vectors["mappings"]["synchronization_status"], 12)
        .iter()
        .enumerate()
    {
        let mut event = sample.clone();
        event["id"] = json!(format!("e{n}"));
        event["resource"]["metadata"]["synchronization_status"] = mapping["value"].clone();
        let before = logs.text().matches("ERROR").count();
        assert_eq!(bench.webhook(&[event]).await, 200);
        bench.work().await;
        let alarms = logs.text().matches("ERROR").count() - before;
        assert_eq!(
            alarms,
            usize::from(mapping["delivered"] == json!(false)),
            "{mapping}"
        );
    }
    bench.finish().await;
}
