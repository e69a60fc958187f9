//! A bot that wants categories which RCE does not have gets its person an agent all the same.

use handover_stories::{Bench, Setup};
use serde_json::{Value, json};
use simulated_ringcx::{Fault, FaultTarget, NativeKind};

const KNOWN: &str = "5f0c0000000000000000ca01";

async fn entries(bench: &Bench, conversation: &str, event: &str) -> Vec<Value> {
    let timeline = bench.timeline(conversation).await;
    timeline
        .into_iter()
        .filter(|entry| entry["what"] == event)
        .collect()
}

#[tokio::test]
async fn a_slip_in_a_category_keeps_nobody_from_an_agent() {
    let mirrored = Bench::new().await;
    mirrored.user_says("c1", "hi").await;
    let native = Setup::default().on(NativeKind::WhatsApp).start().await;
    let thread = native.nadia_writes("hi");
    native.until_quiet().await;
    for (bench, conversation) in [(mirrored, "c1".to_owned()), (native, thread)] {
        let wish = json!({"reason": "help", "category_ids": [KNOWN, "nonsense"]});
        bench.asks_for_agent(&conversation, wish).await;
        bench.until_quiet().await;
        assert_eq!(bench.status(&conversation).await, "queued");
        assert_eq!(bench.categories(&conversation), ["agent"]);
        let refused = entries(&bench, &conversation, "handover.categories_refused").await;
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0]["category_ids"], format!("{KNOWN}, nonsense"));
        bench.finish().await;
    }
}

#[tokio::test]
async fn an_account_that_may_not_categorise_is_an_error_whatever_the_categories() {
    let bench = Bench::new().await;
    bench.user_says("c1", "hi").await;
    let refused = Fault::Status(403, r#"{"error": "forbidden", "status": 403}"#.to_owned());
    bench.rce.fail_next(FaultTarget::RestCategorize, refused, 1);
    bench
        .asks_for_agent("c1", json!({"category_ids": ["nonsense"]}))
        .await;
    bench.until_quiet().await;
    assert_eq!(bench.status("c1").await, "failed");
    let letters = bench.take_dead_letters().await;
    assert!(letters[0].reason.contains("rights"), "{}", letters[0].reason);
    bench.finish().await;
}
