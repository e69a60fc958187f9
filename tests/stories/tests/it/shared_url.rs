//! The URL of the vendors' guides, on which Source SDK calls, webhooks and validations arrive.

use handover_stories::desk::signature;
use handover_stories::{Bench, Reply, Setup};
use serde_json::json;

const SHARED: &str = "/acme/handover/rce";
const SECRET: (&str, &str) = ("x-dimelo-secret", "simulated-webhook-secret");

async fn post(bench: &Bench, headers: &[(&str, &str)], body: &str) -> Reply {
    bench.request("POST", SHARED, headers, body.to_owned()).await
}

#[tokio::test]
async fn br_009_each_kind_is_known_by_its_header_and_checked_by_its_own_credential() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    let closed = bench.event("intervention.closed", "c1", &json!({}));
    let webhook = json!({"id": "d1", "domain_id": 7, "events": [closed]}).to_string();
    let call = bench.agent_message("c1", "66aa", "hello").to_string();
    let sign = |body: &str| signature("simulated-source-token", body.as_bytes());
    let before = bench.stored("c1").await;

    // A call with the webhook's secret, and a webhook that is signed like a call.
    assert_eq!(post(&bench, &[SECRET], &call).await.status, 400, "not a webhook");
    let signed = sign(&webhook);
    let as_call = post(&bench, &[("x-smccsdk-signature", &signed)], &webhook).await;
    assert_eq!(as_call.status, 400, "not a call");
    bench.is_signed(&as_call);
    // Both headers: the signature decides, and a secret does not make up for a wrong one.
    let wrong = sign("something else");
    assert_eq!(
        post(&bench, &[SECRET, ("x-smccsdk-signature", &wrong)], &call)
            .await
            .status,
        401
    );
    assert_eq!(
        post(&bench, &[SECRET, ("x-smccsdk-signature", &wrong)], &webhook)
            .await
            .status,
        401
    );
    assert_eq!(post(&bench, &[], &webhook).await.status, 401);
    bench.work().await;
    assert_eq!(bench.stored("c1").await, before, "none of these had an effect");

    let signed = sign(&call);
    let answered = post(&bench, &[("x-smccsdk-signature", &signed)], &call).await;
    assert_eq!(answered.expect(200)["id"], "rcx-66aa");
    bench.is_signed(&answered);
    assert_eq!(post(&bench, &[SECRET], &webhook).await.status, 200);
    bench.work().await;
    assert_eq!(bench.bot.texts(), ["hello"]);
    assert_eq!(bench.status("c1").await, "completed");
    bench.finish().await;
}

#[tokio::test]
async fn one_body_with_both_shapes_is_read_as_what_it_was_authenticated_for() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    let closed = bench.event("intervention.closed", "c1", &json!({}));
    let mut both = bench.agent_message("c1", "66aa", "hello");
    both["events"] = json!([closed]);
    let both = both.to_string();
    let signed = signature("simulated-source-token", both.as_bytes());
    assert_eq!(
        post(&bench, &[("x-smccsdk-signature", &signed)], &both)
            .await
            .status,
        200
    );
    bench.work().await;
    assert_eq!(
        bench.status("c1").await,
        "active",
        "the events in it were not believed"
    );
    assert_eq!(bench.bot.texts(), ["hello"]);
    assert_eq!(post(&bench, &[SECRET], &both).await.status, 200);
    bench.work().await;
    assert_eq!(bench.bot.texts(), ["hello"]);
    assert_eq!(bench.status("c1").await, "completed");
    bench.finish().await;
}
