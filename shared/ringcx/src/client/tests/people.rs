//! Who people are, and who we are.

use std::time::Duration;

use handover_core::ids::{AgentId, IdentityId};
use handover_core::ports::{Contents as _, Person, RingCxError, Urgency};
use handover_core::profile::UserProfile;
use serde_json::{Value, json};

use super::Bench;

async fn person(bench: &Bench) -> Result<Person, RingCxError> {
    let identity = IdentityId::new("de/1");
    bench
        .client
        .person(&bench.connection, &identity, Urgency::Now)
        .await
}

#[tokio::test]
async fn a_person_is_what_their_identity_shows() {
    let bench = Bench::new().await;
    bench.server.answers_json(&json!({
        "id": "de/1", "firstname": "Zoë", "lastname": "Okafor", "screenname": null, "display_name": "Zoë O.",
        "email": "zoe@example.org", "home_phone": "", "mobile_phone": "+44 20 7946 0000",
        "avatar_url": "https://x.test/a.png", "gender": "woman", "foreign_id": 442_079_460_000_u64, "user_ids": [],
        "company": null, "identity_group_id": null,
    }));
    let text = |text: &str| Some(text.to_owned());
    let profile = UserProfile {
        id: text("442079460000"),
        firstname: text("Zoë"),
        lastname: text("Okafor"),
        screenname: text("Zoë O."),
        email: text("zoe@example.org"),
        home_phone: None,
        mobile_phone: text("+44 20 7946 0000"),
        avatar_url: text("https://x.test/a.png"),
        gender: text("woman"),
        language: None,
        extra: [("foreign-id".to_owned(), json!("442079460000"))].into(),
    };
    let expected = Person {
        profile,
        is_company: false,
    };
    assert_eq!(person(&bench).await.unwrap(), expected);
    assert_eq!(bench.server.only().target, "/1.0/identities/de%2F1");
}

#[tokio::test]
async fn an_identity_that_agents_speak_as_is_the_companys() {
    let bench = Bench::new().await;
    for (users, is_company) in [
        (json!(["ag-1"]), true),
        (json!([7]), true),
        (json!([]), false),
        (json!(null), false),
        (json!("ag-1"), false),
    ] {
        bench
            .server
            .answers_json(&json!({"id": "de/1", "user_ids": users}));
        let read = person(&bench).await.unwrap();
        assert_eq!(read.is_company, is_company, "{users}");
        assert_eq!(read.profile, UserProfile::default());
    }
}

#[tokio::test]
async fn an_identity_that_may_not_be_read_is_not_nobody() {
    let bench = Bench::new().await;
    bench
        .server
        .answers(404, "{}")
        .answers(403, "{}")
        .answers(503, "")
        .answers_json(&json!({}));
    assert!(matches!(person(&bench).await, Err(RingCxError::NotFound)));
    assert!(matches!(
        person(&bench).await,
        Err(RingCxError::NotPermitted { .. })
    ));
    assert!(matches!(
        person(&bench).await,
        Err(RingCxError::Unavailable { status: 503 })
    ));
    assert!(matches!(
        person(&bench).await,
        Err(RingCxError::Unavailable { status: 200 })
    ));
}

async fn own_account(bench: &Bench) -> Option<AgentId> {
    bench.client.own_account(&bench.connection).await.unwrap()
}

#[tokio::test]
async fn whose_the_token_is_is_asked_once_an_hour() {
    let bench = Bench::new().await;
    let me = Some(AgentId::new("ag-7"));
    bench
        .server
        .answers_json(&json!({"id": "ag-7", "email": "bot@example.org"}));
    assert_eq!(own_account(&bench).await, me);
    bench.clock.pass(Duration::from_secs(3_599));
    assert_eq!(own_account(&bench).await, me);
    assert_eq!(bench.server.only().target, "/1.0/users/me");
    bench.clock.pass(Duration::from_secs(1));
    bench.server.answers_json(&json!({"id": "ag-8"}));
    assert_eq!(own_account(&bench).await, Some(AgentId::new("ag-8")));
}

#[tokio::test]
async fn each_token_is_somebodys_own() {
    let mut bench = Bench::new().await;
    for id in ["ag-7", "ag-8"] {
        bench.connection.ringcx.api_access_token = handover_core::secret::Secret::new(id);
        bench.server.answers_json(&json!({"id": id}));
        assert_eq!(own_account(&bench).await, Some(AgentId::new(id)));
    }
}

#[tokio::test]
async fn where_rce_does_not_say_it_is_asked_again_sooner() {
    let answers: [(u16, Value); 4] = [
        (404, json!({"error": "not_found"})),
        (403, json!({"error": "forbidden"})),
        (401, json!({})),
        (200, json!({"id": null})),
    ];
    for (status, body) in answers {
        let bench = Bench::new().await;
        bench.server.answers(status, body.to_string());
        assert_eq!(own_account(&bench).await, None);
        bench.clock.pass(Duration::from_secs(599));
        assert_eq!(own_account(&bench).await, None);
        assert_eq!(bench.server.seen().len(), 1, "{status}");
        bench.clock.pass(Duration::from_secs(1));
        bench.server.answers_json(&json!({"id": "ag-7"}));
        assert_eq!(own_account(&bench).await, Some(AgentId::new("ag-7")));
    }
}

#[tokio::test]
async fn trouble_says_nothing_about_whose_the_token_is() {
    let bench = Bench::new().await;
    bench.server.answers(503, "").answers_json(&json!({"id": "ag-7"}));
    let trouble = bench.client.own_account(&bench.connection).await;
    assert!(
        matches!(trouble, Err(RingCxError::Unavailable { status: 503 })),
        "{trouble:?}"
    );
    assert_eq!(
        own_account(&bench).await,
        Some(AgentId::new("ag-7")),
        "not remembered"
    );
}
