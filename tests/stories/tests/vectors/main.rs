//! Every sample of the protocol's machine-readable description, where that file is at hand: at
//! `$RINGCX_VECTORS`, or in `shared/reference` beside the repository. Without it nothing is run, and said so.

mod mappings;
mod rest;
mod scenarios;
mod send_api;
mod signatures;
mod source_sdk;
mod webhooks;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;

use handover_core::ids::CategoryId;
use handover_core::secret::Secret;
use handover_stories::canned::CannedRce;
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};

/// The thread that most samples are about.
pub(crate) const CONVERSATION: &str = "conv-7f3a9c";
/// Shortly before the samples' events.
pub(crate) const HANDOVER_AT: &str = "2026-02-03T10:20:00Z";

/// The samples, or nothing, loudly.
pub(crate) fn vectors() -> Option<&'static Value> {
    static READ: OnceLock<Option<Value>> = OnceLock::new();
    let read = READ.get_or_init(|| {
        let beside = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../shared/reference/ringcx-vectors.json"
        );
        let path = std::env::var_os("RINGCX_VECTORS").map_or_else(|| beside.into(), PathBuf::from);
        let text = std::fs::read_to_string(path).ok()?;
        Some(serde_json::from_str(&text).expect("the samples are JSON"))
    });
    if read.is_none() {
        // Past the test harness, which hides what passing tests print.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: there are no samples; set RINGCX_VECTORS to the path of ringcx-vectors.json"
        );
    }
    read.as_ref()
}

/// The entries of a list, which must be as many as the description says.
#[track_caller]
pub(crate) fn entries(list: &Value, count: usize) -> &[Value] {
    let list = list.as_array().expect("a list");
    assert_eq!(
        list.len(),
        count,
        "the description has changed: look at what is new"
    );
    list
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub(crate) fn id(entry: &Value) -> &str {
    text(&entry["id"])
}

/// The entry of a list with this id.
pub(crate) fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let found = list
        .as_array()
        .and_then(|list| list.iter().find(|entry| id(entry) == name));
    found.unwrap_or_else(|| panic!("there is no sample {name}"))
}

/// A bench with the samples' ids, tokens and secrets, whose RCE answers from a list.
pub(crate) async fn bench(vectors: &Value, canned: &CannedRce) -> Bench {
    setup(vectors, canned).start().await
}

pub(crate) fn setup(vectors: &Value, canned: &CannedRce) -> Setup {
    let ids = &vectors["ids"];
    let (bot, agent) = (
        text(&ids["category_bot"]).to_owned(),
        text(&ids["category_agent"]).to_owned(),
    );
    let (source, url) = (text(&ids["source"]).to_owned(), canned.url().to_owned());
    Setup::default()
        .clock_at(HANDOVER_AT)
        .rce_at(canned.url())
        .timers("queue = 0\nreconcile_every = 0")
        .settings(move |connection| {
            let ringcx = &mut connection.ringcx;
            ringcx.source_id = source.as_str().into();
            ringcx.realtime_endpoint_url = format!("{url}/realtime/sdk/{source}").parse().expect("a URL");
            ringcx.realtime_access_tokens = vec![Secret::new("tEsT-source-token-0001-NOT-A-REAL-KEY")];
            ringcx.api_access_token = Secret::new("TEST-API-TOKEN");
            ringcx.webhook_secrets = vec![Secret::new("hook-secret-5f0b")];
            ringcx.verification_token = Secret::new("verify-7d1c0e");
            ringcx.bot_category_id = CategoryId::new(bot.as_str());
            ringcx.agent_category_id = CategoryId::new(agent.as_str());
            "bridge-bot".clone_into(&mut ringcx.bot_identity.id);
            "Assistant".clone_into(&mut ringcx.bot_identity.name);
            "bridge-agent".clone_into(&mut ringcx.agent_identity.id);
        })
}

/// Puts up what RCE answers to a handover of the samples' conversation and to its end.
pub(crate) fn expect_handover(vectors: &Value, canned: &CannedRce) {
    let body = |name: &str| named(&vectors["rest"], name)["response"]["body"].to_string();
    let thread = text(&vectors["ids"]["thread"]);
    canned.always("POST /realtime/sdk/", 200, "ok");
    canned.always("GET /1.0/content_threads?", 200, body("rest-thread-find"));
    canned.always(
        &format!("GET /1.0/content_threads/{thread}"),
        200,
        body("rest-thread-get"),
    );
    canned.always(
        &format!("PUT /1.0/content_threads/{thread}/update"),
        200,
        body("rest-thread-to-agent"),
    );
    canned.always("GET /1.0/users/", 200, body("rest-user"));
    let nothing = json!({"count": 0, "offset": 0, "limit": 150, "records": []});
    canned.always("GET /1.0/interventions", 200, nothing.to_string());
}

/// The samples' conversation waits for an agent.
pub(crate) async fn waiting(bench: &Bench, vectors: &Value, canned: &CannedRce) {
    expect_handover(vectors, canned);
    bench.user_says(CONVERSATION, "Where is my order?").await;
    bench.asks_for_agent(CONVERSATION, json!({})).await;
    bench.work().await;
    assert_eq!(bench.status(CONVERSATION).await, "queued");
    // From now on the thread carries the Agent category.
    let moved = named(&vectors["rest"], "rest-thread-to-agent")["response"]["body"].to_string();
    let back = named(&vectors["rest"], "rest-thread-to-bot")["response"]["body"].to_string();
    let thread = text(&vectors["ids"]["thread"]);
    canned.always(&format!("GET /1.0/content_threads/{thread}"), 200, moved);
    canned.always(&format!("PUT /1.0/content_threads/{thread}/update"), 200, back);
}
