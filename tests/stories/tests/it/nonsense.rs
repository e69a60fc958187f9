//! Whatever comes to mind: nothing that is posted makes the bridge fail.

use handover_stories::Setup;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

#[test]
fn nothing_that_is_posted_makes_the_bridge_fail() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let bench = runtime.block_on(Setup::default().by_hand().start());
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-zA-Z0-9:.-]{0,12}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("2026-02-03T10:11:12Z")),
    ];
    let keys = "id|from|text|user|attachments|structured|payload|transcript|context|events|type|resource|\
                metadata|thread_id|source_id|issued_at|params|body|content_id|position|action|url|sent_at";
    let tree = leaf.prop_recursive(4, 40, 6, move |inner| {
        let object = proptest::collection::btree_map(keys, inner.clone(), 0..6);
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(Value::from),
            object.prop_map(|members| json!(members)),
        ]
    });
    let actions = proptest::sample::select(vec![
        "messages.create",
        "private_messages.create",
        "messaging.queuing_update",
        "typing.start",
        "intervention.closed",
        "task.taken",
        "content.exported",
    ]);
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 150,
        ..ProptestConfig::default()
    });
    let outcome = runner.run(&(tree, actions), |(body, name)| {
        runtime.block_on(async {
            for path in ["messages", "handover", "typing", "read"] {
                let path = format!("/conversations/c9/{path}");
                let reply = bench.call("POST", &path, &body).await;
                prop_assert!(reply.status < 500, "{path}: {}", reply.text());
            }
            let call = json!({"action": name, "params": body});
            prop_assert!(bench.source_sdk(&call).await.status < 500);
            let event = json!({"type": name, "id": "e1", "resource": body});
            prop_assert!(bench.webhook(&[event, body]).await < 500);
            Ok(())
        })
    });
    outcome.unwrap();
}
