//! What the REST API's answers mean, and when it is not asked at all.

use std::time::Duration;

use handover_core::ids::{AgentId, ThreadId};
use handover_core::ports::{RingCx as _, RingCxError, Thread, Urgency};
use handover_core::retry::Disposition;
use handover_core::secret::Secret;
use reqwest::Method;
use serde_json::json;

use super::Bench;
use crate::rest::Call;

impl Bench {
    async fn ask(&self) -> Result<Thread, RingCxError> {
        self.client
            .thread(&self.connection, &ThreadId::new("74a1"), Urgency::Now)
            .await
    }
}

async fn answered(status: u16, body: &str) -> RingCxError {
    let bench = Bench::new().await;
    bench.server.answers(status, body);
    bench.ask().await.unwrap_err()
}

fn envelope(code: &str) -> String {
    json!({"error": code, "message": "Gesperrt für Zoë", "status": 0}).to_string()
}

#[tokio::test]
async fn br_064_missing_rights_are_told_from_missing_things() {
    for status in [401, 403] {
        let error = answered(status, &envelope("forbidden")).await;
        match &error {
            RingCxError::NotPermitted { status: got, code } => {
                assert_eq!((*got, code.as_str()), (status, "forbidden"));
            }
            other => panic!("{other:?}"),
        }
        assert!(!error.to_string().contains("Zoë"), "messages are not quoted");
    }
    let error = answered(404, &envelope("not_found")).await;
    assert!(matches!(error, RingCxError::NotFound));
    assert!(
        error.to_string().contains("may not read"),
        "a missing right looks the same"
    );
}

#[tokio::test]
async fn br_065_the_code_decides_not_the_message() {
    let error = answered(403, &envelope("cant_reply_to_closed_thread")).await;
    assert!(
        matches!(&error, RingCxError::Refused { status: 403, code } if code == "cant_reply_to_closed_thread"),
        "{error:?}"
    );
    let error = answered(403, &envelope("rate_limit_exceeded")).await;
    assert!(matches!(error, RingCxError::RateLimited { .. }), "{error:?}");
}

#[tokio::test]
async fn br_064_refusals_are_permanent_and_conflicts_are_not() {
    for status in [400, 422, 418] {
        let error = answered(status, &envelope("validation_error")).await;
        assert!(
            matches!(&error, RingCxError::Refused { status: got, code } if *got == status && code == "validation_error"),
            "{error:?}"
        );
        assert_eq!(error.disposition(), Disposition::Reject);
    }
    let error = answered(409, &envelope("conflict")).await;
    assert!(matches!(error, RingCxError::Conflict));
    assert_eq!(error.disposition(), Disposition::Retry { after: None });
}

#[tokio::test]
async fn br_064_errors_that_are_not_json_survive() {
    for (status, body) in [
        (500, ""),
        (502, "<html>502 Bad Gateway</html>"),
        (503, "[1"),
        (302, ""),
        (408, "null"),
    ] {
        let error = answered(status, body).await;
        assert!(
            matches!(error, RingCxError::Unavailable { status: got } if got == status),
            "{error:?}"
        );
    }
    let error = answered(422, "<html>").await;
    assert!(
        matches!(&error, RingCxError::Refused { code, .. } if code == "no code"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_success_that_cannot_be_read_is_no_success() {
    for body in ["", "<html>Maintenance</html>", "[]", "{\"id\":null}", "{\"id\":"] {
        let error = answered(200, body).await;
        assert!(
            matches!(error, RingCxError::Unavailable { status: 200 }),
            "{body}: {error:?}"
        );
    }
}

#[tokio::test]
async fn br_065_a_429_pauses_the_whole_account() {
    let bench = Bench::new().await;
    bench.server.answers(429, envelope("rate_limit_exceeded"));
    let wait = Duration::from_secs(5);
    let error = bench.ask().await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Retry { after: Some(wait) });
    let error = bench.ask().await.unwrap_err();
    assert!(
        matches!(error, RingCxError::BudgetUsedUp { retry_after } if retry_after == wait),
        "{error:?}"
    );
    assert_eq!(error.disposition(), Disposition::Wait { after: wait });
    assert_eq!(bench.server.seen().len(), 1);
    bench.clock.pass(wait);
    bench.server.answers_json(&json!({"id": "74a1"}));
    assert!(bench.ask().await.is_ok());
}

#[tokio::test]
async fn br_065_retry_after_is_honoured() {
    for value in ["21", "Sun, 01 Mar 2026 12:00:21 GMT"] {
        let bench = Bench::new().await;
        bench.server.answers_with(429, &[("retry-after", value)], "");
        let after = Some(Duration::from_secs(21));
        let error = bench.ask().await.unwrap_err();
        assert_eq!(error.disposition(), Disposition::Retry { after }, "{value}");
    }
}

#[tokio::test]
async fn br_065_every_call_takes_a_place_in_the_budget_first() {
    let mut bench = Bench::new().await;
    bench.connection.ringcx.requests_per_minute = 2;
    for _ in 0..2 {
        bench.server.answers_json(&json!({"id": "74a1"}));
        bench.ask().await.unwrap();
    }
    let error = bench.ask().await.unwrap_err();
    assert!(matches!(error, RingCxError::BudgetUsedUp { .. }), "{error:?}");
    assert_eq!(bench.server.seen().len(), 2, "it was not asked");
    bench.clock.pass(Duration::from_secs(61));
    bench.server.answers_json(&json!({"id": "74a1"}));
    bench.ask().await.unwrap();
}

#[tokio::test]
async fn what_nobody_waits_for_leaves_the_budget_to_the_urgent() {
    let mut bench = Bench::new().await;
    bench.connection.ringcx.requests_per_minute = 20;
    let idle = || Call {
        urgency: Urgency::Idle,
        ..Call::new("some housekeeping", Method::GET, &["content_threads"])
    };
    bench.server.answers_json(&json!({}));
    assert!(bench.client.rest(&bench.connection, idle()).await.is_ok());
    let refused = bench.client.rest(&bench.connection, idle()).await.err();
    assert!(
        matches!(refused, Some(RingCxError::BudgetUsedUp { .. })),
        "{refused:?}"
    );
    bench.server.answers_json(&json!({"id": "74a1"}));
    bench.ask().await.unwrap();
}

#[tokio::test]
async fn a_name_is_not_asked_for_when_the_budget_is_used_up() {
    let mut bench = Bench::new().await;
    bench.connection.ringcx.requests_per_minute = 1;
    bench.server.answers_json(&json!({"id": "74a1"}));
    bench.ask().await.unwrap();
    let agent = AgentId::new("7");
    let asked = bench.client.agent_name(&bench.connection, &agent).await;
    let error = asked.unwrap_err();
    assert!(matches!(error, RingCxError::BudgetUsedUp { .. }), "{error:?}");
    assert_eq!(bench.server.seen().len(), 1, "it was not asked");
}

#[tokio::test]
async fn a_token_that_no_header_carries_is_a_set_up_fault() {
    let mut bench = Bench::new().await;
    bench.connection.ringcx.api_access_token = Secret::new("line\nbreak");
    let error = bench.ask().await.unwrap_err();
    assert!(matches!(error, RingCxError::NotPermitted { .. }), "{error:?}");
    assert!(!format!("{error:?}").contains("line"));
    bench.connection.ringcx.realtime_access_tokens.clear();
    let message = super::send::message("Hi");
    let error = bench
        .client
        .send_message(&bench.connection, &message)
        .await
        .unwrap_err();
    assert!(matches!(error, RingCxError::NotPermitted { .. }), "{error:?}");
    assert!(bench.server.seen().is_empty());
}
