//! Each parser on its own.

use bolero::check;
use bytes::Bytes;
use handover_core::Timestamp;
use handover_core::conversation::Conversation;
use handover_core::job::Job;
use handover_core::message::split_text;
use handover_core::secret::Secret;
use handover_core::structured::fallback_text;
use handover_fuzz::ports::{NOW, References, SOURCE_TOKEN, WEBHOOK_SECRET, connection};
use handover_fuzz::{Mutation, Seeds, TIME};
use handover_handlers::config;
use handover_ringcx::html::html_to_text;
use handover_ringcx::signature;
use handover_ringcx::source_sdk::{Action, parse_action};
use handover_ringcx::webhook::{authenticate, parse_batch, validate_subscription};
use serde_json::Value;

fn now() -> Timestamp {
    NOW.parse().expect("a time")
}

#[test]
fn source_sdk_bodies() {
    let (seeds, tokens) = (Seeds::of("source_sdk"), [Secret::new(SOURCE_TOKEN)]);
    check!()
        .with_type::<Mutation>()
        .with_test_time(TIME)
        .for_each(|mutation| {
            let body = Bytes::from(seeds.grow(mutation));
            let signed = signature::sign(&tokens[0], &body);
            let forged = signature::sign(&Secret::new("another-token"), &body);
            assert!(signature::verify(&tokens, Some(forged.as_bytes()), None, body.clone()).is_err());
            let verified = signature::verify(&tokens, Some(signed.as_bytes()), None, body).expect("signed");
            let read = parse_action(&verified, now());
            assert_eq!(read, parse_action(&verified, now()), "read the same again");
            if let Ok(Action::CreateMessage(incoming)) = read {
                let id = incoming.message.id.as_str();
                let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
                assert!(
                    id.starts_with("rcx-") && id.len() <= 128 && id.bytes().all(legal),
                    "{id}"
                );
                assert!(incoming.message.text.is_none_or(|text| !text.trim().is_empty()));
            }
        });
}

#[test]
fn webhook_batches() {
    let (seeds, secrets) = (Seeds::of("webhook"), [Secret::new(WEBHOOK_SECRET)]);
    check!()
        .with_type::<Mutation>()
        .with_test_time(TIME)
        .for_each(|mutation| {
            let body = Bytes::from(seeds.grow(mutation));
            assert!(
                authenticate(&secrets, Some(&body), body.clone()).is_err(),
                "a body is no secret"
            );
            let verified =
                authenticate(&secrets, Some(WEBHOOK_SECRET.as_bytes()), body.clone()).expect("authentic");
            let Ok(batch) = parse_batch(&verified, now()) else {
                return;
            };
            let value: Value = serde_json::from_slice(&body).expect("what was read is JSON");
            let events = value["events"].as_array().expect("with events").len();
            assert_eq!(
                batch.signals.len() + batch.ignored,
                events,
                "every event is accounted for"
            );
            for signal in batch.signals {
                assert!(!signal.event.as_str().is_empty());
                let stored = serde_json::to_string(&signal).expect("can be stored");
                assert_eq!(signal, serde_json::from_str(&stored).expect("can be read"));
            }
        });
}

#[test]
fn query_strings() {
    let (seeds, connection) = (Seeds::of("query"), connection());
    check!()
        .with_type::<Mutation>()
        .with_test_time(TIME)
        .for_each(|mutation| {
            let query = seeds.grow_text(mutation);
            let given = signature::signature_parameter(Some(&query));
            assert!(given.is_none_or(|given| !given.is_empty()));
            assert!(
                validate_subscription(&connection.ringcx, Some(&query), None).is_err(),
                "no secret"
            );
            let right = Some(WEBHOOK_SECRET.as_bytes());
            if let Ok(challenge) = validate_subscription(&connection.ringcx, Some(&query), right) {
                let token = connection.ringcx.verification_token.expose();
                let mut pairs = form_urlencoded::parse(query.as_bytes());
                assert!(
                    pairs.any(|(_, value)| value == token),
                    "nobody gets in without the token: {query}"
                );
                assert!(!challenge.is_empty());
            }
        });
}

#[test]
fn html() {
    let seeds = Seeds::of("html");
    check!()
        .with_type::<Mutation>()
        .with_test_time(TIME)
        .for_each(|mutation| {
            let html = seeds.grow_text(mutation);
            let text = html_to_text(&html);
            assert!(text.len() <= 4 * html.len() + 16, "text does not explode");
            assert_eq!(text, html_to_text(&html));
        });
}

#[test]
fn structured_contents() {
    let seeds = Seeds::of("structured");
    check!()
        .with_type::<(Mutation, Option<String>)>()
        .with_test_time(TIME)
        .for_each(|(mutation, body)| {
            let Ok(value) = serde_json::from_slice::<Value>(&seeds.grow(mutation)) else {
                return;
            };
            if let Some(text) = fallback_text(body.as_deref(), &value) {
                assert!(!text.trim().is_empty(), "a text says something");
            }
        });
}

#[test]
fn long_texts() {
    let seeds = Seeds::of("text");
    check!()
        .with_type::<(Mutation, u8)>()
        .with_test_time(TIME)
        .for_each(|(mutation, most)| {
            let (text, most) = (seeds.grow_text(mutation), usize::from(*most).max(1));
            let parts = split_text(&text, most);
            assert!(parts.iter().all(|part| part.chars().count() <= most));
            let words = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            assert_eq!(words(&parts.concat()), words(&text), "no character is lost");
        });
}

/// Whether a mutation made a secret a section's name or a file's path. Those are shown, or nobody could find
/// what is wrong.
fn names_something(text: &str, secret: &str) -> bool {
    text.lines().filter(|line| line.contains(secret)).any(|line| {
        line.trim_start().starts_with('[') || line.contains("file:") || line.contains("connections")
    })
}

#[test]
fn configurations() {
    let seeds = Seeds::of("config");
    let secrets = [
        "literal-key-of",
        "literal-source-token",
        "literal-webhook-secret",
        "literal-verification",
        "MDEyMzQ1Njc4OTAx",
        "value-of-the-variable",
        "content-of-the-file",
    ];
    check!()
        .with_type::<Mutation>()
        .with_test_time(TIME)
        .for_each(|mutation| {
            let text = seeds.grow_text(mutation);
            if let Err(error) = config::parse(&text, &References) {
                let shown = error.to_string();
                assert!(!error.0.is_empty() && error.0.iter().all(|one| shown.contains(one)));
                for secret in secrets
                    .into_iter()
                    .filter(|secret| !names_something(&text, secret))
                {
                    assert!(!shown.contains(secret), "{shown}");
                }
            }
        });
}

#[test]
fn stored_jobs() {
    let seeds = Seeds::of("job");
    check!()
        .with_type::<Mutation>()
        .with_test_time(TIME)
        .for_each(|mutation| {
            if let Ok(job) = serde_json::from_slice::<Job>(&seeds.grow(mutation)) {
                let stored = serde_json::to_string(&job).expect("can be stored");
                assert_eq!(job, serde_json::from_str(&stored).expect("can be read"));
                assert!(!job.group().is_empty() && !job.work.kind().is_empty());
            }
        });
}

#[test]
fn stored_conversations() {
    let seeds = Seeds::of("conversation");
    check!()
        .with_type::<Mutation>()
        .with_test_time(TIME)
        .for_each(|mutation| {
            if let Ok(conversation) = serde_json::from_slice::<Conversation>(&seeds.grow(mutation)) {
                let stored = serde_json::to_string(&conversation).expect("can be stored");
                assert_eq!(conversation, serde_json::from_str(&stored).expect("can be read"));
                handover_handlers::view::conversation(&conversation);
            }
        });
}

#[test]
fn headers() {
    let tokens = [Secret::new(SOURCE_TOKEN)];
    check!()
        .with_type::<(Vec<u8>, Vec<u8>)>()
        .with_test_time(TIME)
        .for_each(|(header, body)| {
            let body = Bytes::from(body.clone());
            assert!(
                signature::verify(&tokens, Some(header), None, body.clone()).is_err(),
                "nobody guesses it"
            );
            assert!(
                authenticate(&[], Some(header), body).is_err(),
                "no secret, no entrance"
            );
        });
}
