//! What those see who watch: Prometheus, an OpenTelemetry collector.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use handover_figures::{ALL, Kind};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use serde_json::json;
use tokio::net::TcpListener;

use crate::bridge::{BOT_KEY, Bridge, OPERATOR_KEY};

const PATIENCE: Duration = Duration::from_mins(1);
const TEXT: &str = "my secret is swordfish";
const NAME: &str = "Ophelia";

/// Another connection of the same bridge, to the same account.
fn other_connection() -> String {
    r#"
[connections.other]
bot_keys = ["bot-key-of-the-other-connection"]
operator_keys = ["operator-key-of-the-other-one"]

[connections.other.ringcx]
base_api_url = "http://127.0.0.1:9/"
api_access_token = "t"
realtime_endpoint_url = "http://127.0.0.1:9/realtime/sdk/s"
realtime_access_tokens = ["t"]
webhook_secrets = ["webhook-secret-of-the-other"]
verification_token = "verification-of-the-other"
bot_category_id = "b"
agent_category_id = "a"

[connections.other.bot]
url = "http://127.0.0.1:9/events"
signing_secrets = ["whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]
"#
    .to_owned()
}

/// A person writes, asks for a human, and an agent answers.
async fn tell_a_story(bridge: &Bridge) {
    bridge
        .insist(
            "/conversations/c-4711/messages",
            json!({"id": "m-1", "from": "user", "text": TEXT}),
        )
        .await;
    let ask = json!({"user": {"firstname": NAME}});
    bridge.insist("/conversations/c-4711/handover", ask).await;
    bridge.until_queued(1).await;
    let agent = bridge.rce.config().agents[0].id.clone();
    bridge.rce.take("c-4711", &agent).unwrap();
    bridge.rce.reply("c-4711", &agent, "I am Rosencrantz").unwrap();
    bridge
        .until_told(|told| {
            told.iter()
                .any(|t| t.event["data"]["message"]["text"] == "I am Rosencrantz")
        })
        .await;
}

/// Asks until the text has all of these lines.
async fn until_read(bridge: &Bridge, url: &str, key: Option<&str>, wanted: &[&str]) -> String {
    let read = async {
        loop {
            let (status, text) = bridge.get(url, key).await;
            assert_eq!(status, 200, "{text}");
            let lines: BTreeSet<&str> = text.lines().collect();
            if wanted.iter().all(|line| lines.contains(line)) {
                return text;
            }
            tokio::task::yield_now().await;
        }
    };
    if let Ok(text) = tokio::time::timeout(PATIENCE, read).await {
        return text;
    }
    let last = bridge.get(url, key).await.1;
    panic!("not read: {wanted:?}\n{last}")
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_reads_what_happened_and_how_things_stand() {
    let bridge = Bridge::start_with(
        "info",
        |toml| toml + &other_connection(),
        &["--metrics-listen", "127.0.0.1:0"],
    )
    .await;
    tell_a_story(&bridge).await;
    let metrics = bridge.root_url("/metrics");
    let text = until_read(
        &bridge,
        &metrics,
        Some(OPERATOR_KEY),
        &[
            "engage_handover_handovers_open{connection=\"default\",status=\"active\"} 1.0",
            "engage_handover_handovers_open{connection=\"default\",status=\"queued\"} 0.0",
            "engage_handover_handovers_requested_total{connection=\"default\"} 1",
            "engage_handover_handovers_started_total{connection=\"default\"} 1",
            "engage_handover_delivery_seconds_count{connection=\"default\",to=\"ringcx\"} 1",
            "engage_handover_dead_lettered_total{connection=\"default\"} 0",
            "engage_handover_jobs_waiting{queue=\"to-ringcx\"} 0.0",
            "engage_handover_dead_letters{connection=\"default\",queue=\"to-bot\"} 0.0",
            "engage_handover_ringcx_budget_limit{connection=\"default\"} 100000.0",
            "engage_handover_http_answers_total{connection=\"default\",route=\"messages\",status=\"202\"} 1",
            "engage_handover_ringcx_calls_total{connection=\"default\",api=\"send\",operation=\"messages.create\",outcome=\"ok\"} 1",
        ],
    )
    .await;
    for metric in ALL {
        // Nothing was late, repeated or refused in this story.
        let counted =
            matches!(metric.kind, Kind::Gauge | Kind::Used) || text.contains(&format!("\n{}", metric.name));
        let quiet = ["failures", "held_back", "handover_queue"];
        let is_quiet = quiet.iter().any(|name| metric.name.contains(name));
        assert!(
            text.contains(&format!("# TYPE {}", metric.name)) || is_quiet,
            "{} is missing\n{text}",
            metric.name
        );
        assert!(counted || is_quiet, "{} has no series\n{text}", metric.name);
    }
    for hidden in [
        "other",
        "4711",
        "swordfish",
        NAME,
        "Rosencrantz",
        BOT_KEY,
        OPERATOR_KEY,
    ] {
        assert!(!text.contains(hidden), "{hidden} is in\n{text}");
    }

    for key in [None, Some(BOT_KEY), Some("operator-key-of-nobody-at-all")] {
        let (status, refusal) = bridge.get(&metrics, key).await;
        assert_eq!(status, 401, "{refusal}");
    }
    let theirs = bridge
        .get(&metrics, Some("operator-key-of-the-other-one"))
        .await
        .1;
    assert!(theirs.contains("{connection=\"other\"") && theirs.contains("engage_handover_store_bytes "));
    assert!(!theirs.contains("connection=\"default\""), "{theirs}");

    let scraped = scrape_address(&bridge);
    let all = bridge.get(&format!("{scraped}/metrics"), None).await;
    assert!(
        all.0 == 200 && all.1.contains("connection=\"default\"") && all.1.contains("connection=\"other\"")
    );
    for path in ["/health", "/default/conversations/c-4711", "/"] {
        assert_eq!(
            bridge.get(&format!("{scraped}{path}"), Some(BOT_KEY)).await.0,
            404
        );
    }
    assert_well_formed(&all.1);
}

fn scrape_address(bridge: &Bridge) -> String {
    let log = bridge.log();
    let line = log.lines().find(|line| line.contains("metrics without a key"));
    let line: serde_json::Value = serde_json::from_str(line.unwrap()).unwrap();
    format!("http://{}", line["address"].as_str().unwrap())
}

/// The text format 0.0.4: every series belongs to the type before it, and no type comes twice.
fn assert_well_formed(text: &str) {
    let mut families = BTreeSet::new();
    let mut family = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            rest.split(' ').next().unwrap().clone_into(&mut family);
            assert!(families.insert(family.clone()), "{family} comes twice");
        } else if !line.starts_with('#') {
            let (series, value) = line.rsplit_once(' ').unwrap();
            assert!(series.starts_with(&family), "{line} is not of {family}");
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
    assert!(families.len() > 20, "{families:?}");
}

/// What a collector was sent.
#[derive(Default)]
struct Collected {
    requests: Mutex<Vec<(String, HeaderMap, Bytes)>>,
}

async fn collector() -> (String, Arc<Collected>) {
    async fn take(State(collected): State<Arc<Collected>>, uri: Uri, headers: HeaderMap, body: Bytes) {
        let request = (uri.path().to_owned(), headers, body);
        collected.requests.lock().unwrap().push(request);
    }
    let collected = Arc::new(Collected::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(take).with_state(Arc::clone(&collected));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, collected)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_receives_traces_and_metrics_without_what_people_said() {
    let (url, collected) = collector().await;
    let settings = format!(
        "\n[telemetry]\notlp_endpoint = \"{url}\"\nservice_name = \"bridge-of-a-test\"\n\
         headers = {{ authorization = \"Bearer key-of-the-collector\" }}\n"
    );
    let mut bridge = Bridge::start_with("info", |toml| toml + &settings, &[]).await;
    tell_a_story(&bridge).await;
    assert_eq!(bridge.terminate().await, Some(0), "{}", bridge.log());

    let requests = collected.requests.lock().unwrap().clone();
    let (mut spans, mut metrics, mut services) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for (path, headers, body) in &requests {
        assert_eq!(headers["authorization"], "Bearer key-of-the-collector");
        for hidden in ["swordfish", NAME, "Rosencrantz", BOT_KEY, "key-of-the-collector"] {
            let found = body.windows(hidden.len()).any(|part| part == hidden.as_bytes());
            assert!(!found, "{hidden} went to the collector");
        }
        if path == "/v1/traces" {
            for of in ExportTraceServiceRequest::decode(body.clone())
                .unwrap()
                .resource_spans
            {
                services.insert(format!("{:?}", of.resource.unwrap().attributes));
                spans.extend(of.scope_spans.into_iter().flat_map(|scope| scope.spans));
            }
        } else {
            assert_eq!(path, "/v1/metrics");
            let all = ExportMetricsServiceRequest::decode(body.clone()).unwrap();
            let scopes = all.resource_metrics.into_iter().flat_map(|of| of.scope_metrics);
            metrics.extend(scopes.flat_map(|scope| scope.metrics).map(|metric| metric.name));
        }
    }
    let has = |name: &str, attribute: &str, value: &str| {
        spans.iter().any(|span| {
            let mut attributes = span.attributes.iter();
            span.name == name
                && span.events.is_empty()
                && attributes.any(|is| is.key == attribute && format!("{:?}", is.value).contains(value))
        })
    };
    assert!(
        has("job", "job.kind", "start_handover") && has("job", "job.outcome", "done"),
        "{spans:#?}"
    );
    assert!(has("request", "http.status", "202"), "{spans:#?}");
    assert!(
        services
            .iter()
            .all(|service| service.contains("bridge-of-a-test")),
        "{services:?}"
    );
    for name in [
        "engage_handover_delivery_seconds",
        "engage_handover_handovers_requested",
        "engage_handover_handovers_open",
        "process_cpu_seconds",
    ] {
        assert!(metrics.contains(name), "{name} is not among {metrics:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_takes_connections_and_never_answers_holds_up_nobody() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let mut bridge = Bridge::start_with(
        "info",
        |toml| format!("{toml}\n[telemetry]\notlp_endpoint = \"{url}\"\n"),
        &[],
    )
    .await;
    tell_a_story(&bridge).await;
    let stopping = std::time::Instant::now();
    assert_eq!(bridge.terminate().await, Some(0), "{}", bridge.log());
    assert!(
        stopping.elapsed() < Duration::from_secs(9),
        "{:?}",
        stopping.elapsed()
    );
    drop(silent);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_page_is_for_everybody_and_its_figures_for_operators() {
    let bridge = Bridge::start().await;
    let page = handover_ringcx::http::client()
        .get(bridge.url("/operator"))
        .send()
        .await
        .unwrap();
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        (page.status().as_u16(), &page.headers()["referrer-policy"]),
        (200, &"no-referrer".parse().unwrap())
    );
    assert!(
        policy.contains("default-src 'none'") && policy.contains("script-src 'sha256-"),
        "{policy}"
    );
    assert!(
        !policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"),
        "{policy}"
    );
    let html = page.text().await.unwrap();
    assert!(
        !html.contains("{{") && !html.contains(" style=") && !html.contains("src="),
        "all of it is in the page"
    );
    assert_eq!(
        bridge.get(&bridge.root_url("/nobody/operator"), None).await.0,
        404
    );

    let figures = bridge.url("/operator/figures");
    for key in [None, Some(BOT_KEY)] {
        assert_eq!(bridge.get(&figures, key).await.0, 401);
    }
    let (status, body) = bridge.get(&figures, Some(OPERATOR_KEY)).await;
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status, &body["every_seconds"], &body["most_points"]),
        (200, &json!(10), &json!(360))
    );
    assert!(body["points"].is_array());
}
