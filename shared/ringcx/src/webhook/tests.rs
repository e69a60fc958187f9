use handover_core::ids::{CategoryId, ContentId};
use handover_core::signal::SignalKind;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::test_support::{at, connection, verified, verified_bytes};

const NOW: &str = "2026-03-01T12:00:00Z";

fn secrets() -> Vec<Secret> {
    connection("http://127.0.0.1:1").ringcx.webhook_secrets
}

fn authenticated(header: Option<&str>) -> Result<(), WebhookAuthError> {
    authenticate(&secrets(), header.map(str::as_bytes), Bytes::from_static(b"{}")).map(drop)
}

#[test]
fn br_051_the_header_is_the_secret_itself() {
    assert_eq!(authenticated(Some("webhook-secret-new")), Ok(()));
    assert_eq!(
        authenticated(Some("webhook-secret-old")),
        Ok(()),
        "during a rotation"
    );
    assert_eq!(authenticated(None), Err(WebhookAuthError::Missing));
    assert_eq!(authenticated(Some("")), Err(WebhookAuthError::Missing));
    assert_eq!(
        authenticated(Some("webhook-secret-newx")),
        Err(WebhookAuthError::Wrong)
    );
    let hmac = "5f2c8a3d0e5b7f7b3ad2d9b1a1c0b6b4a9f0c1e2d3c4b5a69788796a5b4c3d2e";
    assert_eq!(authenticated(Some(hmac)), Err(WebhookAuthError::Wrong));
}

#[test]
fn without_a_configured_secret_nobody_is_believed() {
    for header in [None, Some(&b""[..]), Some(b"anything")] {
        let outcome = authenticate(&[], header, Bytes::from_static(b"{}"));
        assert_eq!(outcome, Err(WebhookAuthError::NotConfigured));
    }
}

fn validated(query: &str, secret: Option<&str>) -> Result<String, ValidationError> {
    let settings = connection("http://127.0.0.1:1").ringcx;
    validate_subscription(&settings, Some(query), secret.map(str::as_bytes))
}

#[test]
fn br_050_a_subscription_is_validated_by_its_decoded_challenge() {
    let secret = Some("webhook-secret-new");
    let query = "hub.mode=subscribe&hub.challenge=x7%3Cb%3E%26%22%20y&hub.verify_token=verify-me-with-this";
    assert_eq!(validated(query, secret).as_deref(), Ok("x7<b>&\" y"));
    let more = format!("hub.topic=t&{query}&hub.lease_seconds=60");
    assert_eq!(
        validated(&more, Some("webhook-secret-old")).as_deref(),
        Ok("x7<b>&\" y")
    );
}

#[test]
fn br_050_a_stranger_gets_no_challenge_back() {
    let secret = Some("webhook-secret-new");
    let right = "hub.mode=subscribe&hub.challenge=x&hub.verify_token=verify-me-with-this";
    let cases = [
        (right, None),
        (right, Some("webhook-secret-nex")),
        (
            "hub.mode=subscribe&hub.challenge=x&hub.verify_token=verify-me",
            secret,
        ),
        ("hub.mode=subscribe&hub.challenge=x&hub.verify_token=", secret),
        ("hub.mode=subscribe&hub.challenge=x", secret),
        (
            "hub.mode=unsubscribe&hub.challenge=x&hub.verify_token=verify-me-with-this",
            secret,
        ),
        ("hub.challenge=x&hub.verify_token=verify-me-with-this", secret),
        // Credentials come before the challenge: a stranger does not learn what else is missing.
        ("hub.mode=subscribe&hub.verify_token=nope", secret),
        ("", secret),
    ];
    for (query, secret) in cases {
        assert_eq!(
            validated(query, secret),
            Err(ValidationError::Forbidden),
            "{query}"
        );
    }
    let without = "hub.mode=subscribe&hub.verify_token=verify-me-with-this";
    assert_eq!(validated(without, secret), Err(ValidationError::MissingChallenge));
}

#[test]
fn a_webhook_without_a_secret_is_validated_by_its_token() {
    let mut settings = connection("http://127.0.0.1:1").ringcx;
    settings.webhook_secrets.clear();
    let query = Some("hub.mode=subscribe&hub.challenge=x&hub.verify_token=verify-me-with-this");
    assert_eq!(validate_subscription(&settings, query, None).as_deref(), Ok("x"));
}

fn event(name: &str) -> Value {
    let kind = name.split('.').next().unwrap();
    json!({
        "type": name, "id": "e-1", "issued_at": "2026-02-03T10:00:00.120Z", "user_id": "ag-1",
        "resource": {"type": kind, "id": "r-1", "metadata": {
            "source_id": "50c1", "thread_id": "th-1", "user_id": "ag-2", "intervention_id": "in-1",
            "agent_ids": ["ag-3"], "closed_at": null, "a_new_member": {"of": ["tomorrow"]},
        }},
    })
}

fn parse(events: &Value) -> Batch {
    let envelope = json!({"id": "rq-1", "domain_id": "d-1", "events": events});
    parse_batch(&verified(&envelope), at(NOW)).unwrap()
}

#[track_caller]
fn one(event: &Value) -> Signal {
    let mut batch = parse(&json!([event]));
    assert_eq!((batch.signals.len(), batch.ignored), (1, 0), "{event}");
    batch.signals.remove(0)
}

fn kind(name: &str) -> SignalKind {
    one(&event(name)).kind
}

#[test]
fn br_058_each_event_means_what_it_says() {
    use SignalKind::{
        AgentChanged, AgentJoined, Cancelled, Closed, Deferred, Note, Reactivated, Recategorised,
        TaskDestroyed, Waiting,
    };
    let cases = [
        ("task.created", Waiting),
        ("task.expired_from_workbin", Waiting),
        ("task.taken", AgentJoined),
        ("task.supervisor_assigned", AgentJoined),
        ("intervention.opened", AgentJoined),
        ("intervention.user_updated", AgentChanged),
        ("intervention.closed", Closed),
        ("content.thread_closed", Closed),
        ("content.thread_auto_closed", Closed),
        ("intervention.canceled", Cancelled),
        ("task.destroyed", TaskDestroyed),
        ("intervention.assigned", Note),
        ("intervention.recategorized", Recategorised),
        ("intervention.custom_fields_updated", Note),
        ("intervention.deferred", Deferred),
        ("intervention.reactivated", Reactivated),
        ("intervention_segment.summary_generation_failed", Note),
        ("task.assigned", Note),
        ("task.transferred", Note),
        ("task.expired_from_step", Note),
        ("task.undelivered", Note),
        ("task.recategorized", Recategorised),
        ("task.resume", Note),
        ("content.imported", Note),
        ("content.discussion_initiated", Note),
        ("content.approved", Note),
        ("content.exported", Note),
        ("content.update_exported", Note),
        ("content.thread_opened", Note),
    ];
    for (name, expected) in cases {
        let signal = one(&event(name));
        assert_eq!((signal.name.as_str(), &signal.kind), (name, &expected));
        assert_eq!(signal.source.unwrap().as_str(), "50c1");
        assert_eq!(signal.thread.unwrap().as_str(), "th-1");
        let intervention = if name.starts_with("intervention.") {
            "r-1"
        } else {
            "in-1"
        };
        assert_eq!(signal.intervention.unwrap().as_str(), intervention, "{name}");
    }
}

#[test]
fn br_057_a_deferred_task_is_no_end() {
    let completed = |on_event: Value, in_metadata: Value| {
        let mut event = event("task.completed");
        event["action"] = on_event;
        event["resource"]["metadata"]["action"] = in_metadata;
        one(&event).kind
    };
    let (closed, deferred) = (json!("closed"), json!("deferred"));
    assert_eq!(completed(closed.clone(), closed.clone()), SignalKind::Closed);
    assert_eq!(completed(closed.clone(), json!(null)), SignalKind::Closed);
    assert_eq!(completed(json!(null), closed.clone()), SignalKind::Closed);
    assert_eq!(completed(deferred.clone(), json!(null)), SignalKind::Note);
    assert_eq!(completed(json!(null), deferred.clone()), SignalKind::Note);
    assert_eq!(completed(closed, deferred), SignalKind::Note);
    assert_eq!(kind("task.completed"), SignalKind::Note);
    assert_eq!(kind("intervention.deferred"), SignalKind::Deferred);
}

#[test]
fn br_058_only_an_agent_reopens_by_hand() {
    let mut reopened = event("intervention.reopened");
    assert_eq!(one(&reopened).kind, SignalKind::Reopened { by_agent: true });
    reopened["user_id"] = json!(null);
    assert_eq!(one(&reopened).kind, SignalKind::Reopened { by_agent: false });
    reopened.as_object_mut().unwrap().remove("user_id");
    let signal = one(&reopened);
    assert_eq!(signal.kind, SignalKind::Reopened { by_agent: false });
    assert_eq!(signal.agent.unwrap().as_str(), "ag-2", "still the one in charge");
}

#[test]
fn br_060_a_failed_export_is_told_apart() {
    let mut exported = event("content.exported");
    let mut with = |status: Value| {
        exported["resource"]["metadata"]["synchronization_status"] = status;
        one(&exported).kind
    };
    let failed = SignalKind::ExportFailed {
        content: ContentId::new("r-1"),
    };
    assert_eq!(with(json!("export_failure")), failed);
    assert_eq!(with(json!("export_aborted")), failed);
    let left = SignalKind::Exported {
        content: ContentId::new("r-1"),
        by_hand: false,
    };
    assert_eq!(with(json!("success")), left);
    assert_eq!(with(json!("successful")), left);
    for status in [
        json!("export_pending"),
        json!("like_aborted"),
        json!(null),
        json!(7),
    ] {
        assert_eq!(with(status), SignalKind::Note, "nobody knows yet");
    }
}

#[test]
fn only_a_person_in_the_console_is_an_agent_who_wrote() {
    let wrote = |by_hand| SignalKind::AgentWrote {
        content: ContentId::new("r-1"),
        by_hand,
    };
    let by_program = SignalKind::ProgramWrote {
        content: ContentId::new("r-1"),
    };
    let replied = |user: Value, metadata: Value| {
        let mut event = event("content.replied");
        event["user_id"] = user;
        for (key, value) in metadata.as_object().unwrap() {
            event["resource"]["metadata"][key] = value.clone();
        }
        one(&event)
    };
    let by_creator = replied(
        json!(null),
        json!({"creator_id": "ag-7", "created_from": "interface"}),
    );
    assert_eq!(by_creator.kind, wrote(true));
    assert_eq!(by_creator.agent.unwrap().as_str(), "ag-7");
    assert_eq!(replied(json!("ag-1"), json!({})).kind, wrote(false));
    for (user, metadata) in [
        (json!("ag-1"), json!({"created_from": "api"})),
        (json!("ag-1"), json!({"created_from": "rest"})),
        (json!("ag-1"), json!({"auto_submitted": true})),
        (json!(null), json!({"creator_id": null})),
    ] {
        assert_eq!(replied(user, metadata.clone()).kind, by_program, "{metadata}");
    }
}

#[test]
fn the_agent_is_the_one_who_has_the_work() {
    let agent = |event: &Value| one(event).agent.map(|agent| agent.to_string());
    assert_eq!(agent(&event("task.taken")).as_deref(), Some("ag-1"));
    assert_eq!(agent(&event("intervention.opened")).as_deref(), Some("ag-2"));
    assert_eq!(
        agent(&event("intervention.user_updated")).as_deref(),
        Some("ag-2")
    );
    let mut assigned = event("task.supervisor_assigned");
    assert_eq!(agent(&assigned).as_deref(), Some("ag-3"), "not the supervisor");
    assigned["resource"]["metadata"]["agent_ids"] = json!(["ag-3", "ag-4"]);
    assert_eq!(agent(&assigned), None);
    let mut taken = event("task.taken");
    taken["user_id"] = json!(null);
    assert_eq!(agent(&taken).as_deref(), Some("ag-3"));
    assert_eq!(agent(&event("content.replied")).as_deref(), Some("ag-1"));
    assert_eq!(agent(&event("content.exported")), None);
}

#[test]
fn br_056_odd_members_and_shapes_are_read() {
    for domain in [json!(7), json!("d"), json!(null), json!({"x": 1})] {
        let envelope = json!({"domain_id": domain, "events": [event("intervention.closed")]});
        let batch = parse_batch(&verified(&envelope), at(NOW)).unwrap();
        assert_eq!((batch.id, batch.signals.len()), (None, 1));
    }
    let bare = one(&json!({"type": "intervention.closed", "id": 17}));
    assert_eq!(bare.event.as_str(), "17");
    assert_eq!(bare.issued_at, at(NOW), "the time of receipt stands in");
    assert_eq!((bare.source, bare.thread, bare.intervention), (None, None, None));
    let odd = one(&json!({
        "type": "task.taken", "id": "e", "issued_at": 5, "user_id": {}, "resource": {"id": [], "metadata": "x"},
    }));
    assert_eq!(odd.agent, None);
    assert_eq!(
        one(&event("task.taken")).issued_at,
        at("2026-02-03T10:00:00.120Z")
    );
}

#[test]
fn br_055_what_means_nothing_to_us_never_fails_the_rest() {
    let mut without_id = event("intervention.closed");
    without_id["id"] = json!(null);
    let batch = parse(&json!([
        event("content.levitated"),
        event("push_agent.connected"),
        event("identity.merged"),
        event("identity.unmerged"),
        event("intervention_segment.summary_created"),
        event("intervention_segment.summary_generated"),
        without_id,
        {"id": "e", "type": 5},
        null,
        "text",
        [],
        event("intervention.closed"),
    ]));
    assert_eq!(batch.id.as_deref(), Some("rq-1"));
    assert_eq!(
        (batch.signals.len(), batch.agents.len(), batch.ignored),
        (1, 1, 10)
    );
    assert_eq!(parse(&json!([])).ignored, 0);
}

#[test]
fn an_agent_s_presence_is_read_for_each_channel_group() {
    let mut busy = event("push_agent.busyness_change");
    busy["resource"] = json!({"type": "push_agent", "id": "a-1", "metadata": {"channels": [
        {"id": "ch-1", "status": "available", "busyness": "ok"},
        {"id": "ch-2", "status": "available", "busyness": "full"},
        {"id": "ch-3", "status": null, "busyness": null},
        {"id": null}, "odd",
    ], "custom_status": null}});
    let mut gone = event("push_agent.disconnected");
    gone["resource"] = json!({"type": "push_agent", "id": "a-2"});
    let mut nobody = event("push_agent.connected");
    nobody["resource"] = json!(null);
    let batch = parse(&json!([busy, gone, nobody]));
    let news: Vec<_> = batch
        .agents
        .iter()
        .map(|news| {
            let room: Vec<_> = news
                .room
                .iter()
                .map(|(group, room)| (group.as_str(), *room))
                .collect();
            (news.agent.as_str(), news.logged_in, room)
        })
        .collect();
    let rooms = vec![("ch-1", true), ("ch-2", false), ("ch-3", false)];
    assert_eq!(news[0], ("a-1", true, rooms));
    assert_eq!(news[1], ("a-2", false, vec![]));
}

#[test]
fn a_delivery_without_events_is_refused() {
    for body in [json!({}), json!({"events": null}), json!({"events": {}})] {
        assert_eq!(
            parse_batch(&verified(&body), at(NOW)),
            Err(ParseError::Member("events"))
        );
    }
    assert_eq!(
        parse_batch(&verified(&json!([])), at(NOW)),
        Err(ParseError::NotAnObject)
    );
    let broken = parse_batch(&verified_bytes("{\"events\":["), at(NOW));
    assert!(matches!(broken, Err(ParseError::Json { .. })));
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_batch(&verified_bytes(bytes), at(NOW));
    }

    #[test]
    fn no_event_makes_the_parser_panic(name in "(task|content|intervention)\\.[a-z_]{0,12}|intervention_segment.summary_submitted|survey_response.imported", odd in "\\PC{0,20}") {
        let mut event = event(&name);
        event["resource"]["metadata"]["agent_ids"] = json!(odd);
        event["issued_at"] = json!(odd);
        for member in ["summary", "questions", "answers", "main_indicator", "category_ids"] {
            event["resource"]["metadata"][member] = json!(odd);
        }
        let batch = parse(&json!([event, odd]));
        prop_assert_eq!(batch.signals.len() + batch.ignored, 2);
    }
}

#[test]
fn a_summary_is_of_an_intervention_and_its_thread() {
    for (name, submitted) in [("summary_generated", false), ("summary_submitted", true)] {
        let mut event = event(&format!("intervention_segment.{name}"));
        event["resource"]["metadata"] = json!({
            "intervention_id": "in-1", "content_source_id": "50c1", "user_id": "ag-1",
            "content_thread_id": "th-1", "intervention_segment_id": "sg-1", "summary": " Sent again. ",
        });
        let signal = one(&event);
        let expected = SignalKind::Summarised {
            text: "Sent again.".to_owned(),
            segment: Some("sg-1".to_owned()),
            submitted,
        };
        assert_eq!(signal.kind, expected);
        assert_eq!(signal.thread.unwrap().as_str(), "th-1");
        assert_eq!(signal.source.unwrap().as_str(), "50c1");
        assert_eq!(signal.intervention.unwrap().as_str(), "in-1");
    }
}

#[test]
fn only_an_end_names_what_it_was_about() {
    for (name, tags) in [
        ("intervention.closed", &["c-1", "7"][..]),
        ("intervention.canceled", &["c-1", "7"]),
        ("intervention.opened", &[]),
    ] {
        let mut event = event(name);
        event["resource"]["metadata"]["category_ids"] = json!(["c-1", null, 7]);
        let found = one(&event).tags;
        let found: Vec<&str> = found.iter().map(CategoryId::as_str).collect();
        assert_eq!(found, tags, "{name}");
    }
}

#[test]
fn what_left_is_an_agents_where_it_was_written_in_the_console() {
    let exported = |metadata: Value| {
        let mut event = event("content.exported");
        event["resource"]["metadata"]["synchronization_status"] = json!("success");
        for (key, value) in metadata.as_object().unwrap() {
            event["resource"]["metadata"][key] = value.clone();
        }
        let signal = one(&event);
        let by_hand = matches!(signal.kind, SignalKind::Exported { by_hand: true, .. });
        (by_hand, signal.agent.map(|agent| agent.to_string()))
    };
    let by_agent = json!({"created_from": "interface", "creator_id": "ag-7"});
    assert_eq!(exported(by_agent), (true, Some("ag-7".to_owned())));
    for metadata in [
        json!({}),
        json!({"creator_id": "ag-7"}),
        json!({"created_from": "api", "creator_id": "ag-7"}),
        json!({"created_from": "interface"}),
        json!({"created_from": "interface", "creator_id": "ag-7", "auto_submitted": true}),
    ] {
        assert_eq!(exported(metadata.clone()), (false, None), "{metadata}");
    }
}
