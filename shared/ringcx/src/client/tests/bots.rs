//! The bot's own interventions.

use handover_core::ids::{CategoryId, ContentId, InterventionId};
use handover_core::ports::{Contents as _, RingCxError};
use serde_json::json;

use super::Bench;

impl Bench {
    /// Method, path and form of each request so far.
    fn asked(&self) -> Vec<String> {
        let asked = self.server.seen();
        let line = |seen: &super::server::Seen| {
            assert_eq!(seen.header("content-type"), "application/x-www-form-urlencoded");
            format!("{} {} {}", seen.method, seen.target, seen.text())
        };
        asked.iter().map(line).collect()
    }

    async fn comment(&self) -> Result<(), RingCxError> {
        let intervention = InterventionId::new("17a1");
        self.client
            .comment(&self.connection, &intervention, "Zoë asks & waits")
            .await
    }
}

#[tokio::test]
async fn the_bot_engages_as_the_tokens_account_or_as_the_virtual_agent() {
    let mut bench = Bench::new().await;
    for (virtual_agent, path) in [(false, "interventions"), (true, "bots/engage")] {
        bench.connection.ringcx.native.virtual_agent = virtual_agent;
        bench
            .server
            .answers_json(&json!({"id": "17a1", "thread_id": "74a1", "user_id": "ag-7", "closed": false}));
        let content = ContentId::new("c1");
        let opened = bench.client.engage(&bench.connection, &content).await.unwrap();
        assert_eq!(opened.id, InterventionId::new("17a1"));
        assert_eq!(opened.agent, Some("ag-7".into()));
        let asked = format!("POST /1.0/{path} content_id=c1");
        assert_eq!(bench.asked().last(), Some(&asked));
    }
}

#[tokio::test]
async fn an_intervention_that_is_open_already_is_a_refusal() {
    let bench = Bench::new().await;
    bench
        .server
        .answers(422, r#"{"error":"already_opened"}"#)
        .answers(403, r#"{"error":"forbidden"}"#)
        .answers_json(&json!({"status": 200}));
    let engage = async || {
        bench
            .client
            .engage(&bench.connection, &ContentId::new("c1"))
            .await
    };
    let open = engage().await.unwrap_err();
    assert!(
        matches!(&open, RingCxError::Refused { status: 422, code } if code == "already_opened"),
        "{open:?}"
    );
    assert!(matches!(engage().await, Err(RingCxError::NotPermitted { .. })));
    assert!(matches!(
        engage().await,
        Err(RingCxError::Unavailable { status: 200 })
    ));
}

#[tokio::test]
async fn a_comment_is_in_the_body_of_the_request_and_needs_no_author() {
    let bench = Bench::new().await;
    bench.server.answers_json(&json!({"id": "k1"}));
    bench.comment().await.unwrap();
    assert_eq!(
        bench.asked(),
        ["POST /1.0/intervention_comments intervention_id=17a1&body=Zo%C3%AB%20asks%20%26%20waits"]
    );
}

#[tokio::test]
async fn comments_are_read_to_know_whether_one_is_there() {
    let bench = Bench::new().await;
    let comments = json!({"count": 3, "records": [{"id": "k3", "body": "Reason: help"}, {"id": "k2", "body": null}, {"id": "k1", "body": "Zoë"}]});
    bench.server.answers_json(&comments).answers(403, "{}");
    let intervention = InterventionId::new("17a1");
    let read = async || bench.client.comments(&bench.connection, &intervention).await;
    assert_eq!(read().await.unwrap(), ["Reason: help", "Zoë"]);
    let asked = &bench.server.seen()[0];
    assert_eq!(
        format!("{} {}", asked.method, asked.target),
        "GET /1.0/intervention_comments?intervention_id=17a1&limit=150"
    );
    assert!(matches!(read().await, Err(RingCxError::NotPermitted { .. })));
}

#[tokio::test]
async fn where_rce_wants_an_author_of_a_comment_it_is_our_account() {
    let bench = Bench::new().await;
    bench
        .server
        .answers(422, r#"{"error":"validation_error"}"#)
        .answers_json(&json!({"id": "ag-7"}))
        .answers_json(&json!({"id": "k1"}));
    bench.comment().await.unwrap();
    let seen = bench.server.seen();
    assert_eq!(seen[1].target, "/1.0/users/me");
    assert!(seen[2].text().ends_with("&user_id=ag-7"), "{}", seen[2].text());

    let bench = Bench::new().await;
    bench
        .server
        .answers(422, r#"{"error":"validation_error"}"#)
        .answers(404, "{}");
    let error = bench.comment().await.unwrap_err();
    assert!(
        matches!(error, RingCxError::Refused { status: 422, .. }),
        "{error:?}"
    );
    for status in [403, 404, 500] {
        let bench = Bench::new().await;
        bench.server.answers(status, "{}");
        bench.comment().await.unwrap_err();
        assert_eq!(bench.server.seen().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_virtual_agent_hands_over_with_the_threads_new_categories() {
    let bench = Bench::new().await;
    let intervention = InterventionId::new("17a1");
    let categories = [CategoryId::new("ca-agent"), CategoryId::new("ca/2")];
    for categories in [&categories[..], &[]] {
        bench
            .server
            .answers_json(&json!({"status": 200, "message": "Success"}));
        let handed = bench
            .client
            .hand_over(&bench.connection, &intervention, categories);
        handed.await.unwrap();
    }
    let common = "POST /1.0/bots/handover from=bot&to=agent&type=engage_virtual_agent&intervention_id=17a1";
    let with = format!("{common}&thread_category_ids%5B%5D=ca-agent&thread_category_ids%5B%5D=ca%2F2");
    assert_eq!(bench.asked(), [with.as_str(), common]);
    bench.server.answers(422, "{}");
    let refused = bench
        .client
        .hand_over(&bench.connection, &intervention, &[])
        .await;
    assert!(
        matches!(refused, Err(RingCxError::Refused { status: 422, .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_virtual_agent_completes_its_intervention() {
    let bench = Bench::new().await;
    let intervention = InterventionId::new("17a1");
    bench.server.answers_json(&json!({})).answers(422, "{}");
    let complete = async || bench.client.complete(&bench.connection, &intervention).await;
    complete().await.unwrap();
    assert_eq!(bench.asked(), ["POST /1.0/bots/complete intervention_id=17a1"]);
    assert!(matches!(
        complete().await,
        Err(RingCxError::Refused { status: 422, .. })
    ));
}
