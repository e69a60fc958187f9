//! The way to the bridge, from here and from RCE.

use super::*;
use crate::observe::NOT_PROVEN;

#[test]
fn the_bridge_that_runs_has_read_what_is_examined() {
    let with = |sources: &[&str], settings: Option<&str>| {
        let serving = crate::facts::Serving {
            sources: Some(sources.iter().map(|source| (*source).to_owned()).collect()),
            settings: settings.map(str::to_owned),
        };
        move |facts: &mut Facts| facts.address.serving = serving
    };
    let id = "running-settings";
    fails(
        with(&[], None),
        id,
        Status::Error,
        "does not answer source 50c1 yet",
    );
    fails(
        with(&["50c9"], None),
        id,
        Status::Error,
        "Restart the bridge, or send it SIGHUP",
    );
    fails(
        with(&["50c1", "50c9"], None),
        id,
        Status::Error,
        "still answers source 50c9",
    );
    fails(
        with(&["50c1"], Some("others")),
        id,
        Status::Warning,
        "other settings",
    );
    let ours = handover_core::serving::settings_of(&connections(CONFIG)[0]);
    passes(with(&["50c1"], Some(&ours)));
    // An older one does not say.
    passes(|facts| facts.address.serving = crate::facts::Serving::default());
}

#[test]
fn the_way_to_the_bridge() {
    let dead = |why: NoAnswer| {
        move |facts: &mut Facts| {
            let nothing = Call::NotTried("the bridge does not answer at all");
            facts.address.info = Call::NoAnswer(why);
            for call in [
                &mut facts.address.unsigned,
                &mut facts.address.validation,
                &mut facts.address.delivery,
                &mut facts.address.forged_delivery,
                &mut facts.address.bot_key,
            ] {
                *call = nothing.clone();
            }
        }
    };
    fails(
        dead(NoAnswer::TimedOut),
        "reachable",
        Status::Error,
        "ten seconds",
    );
    fails(
        dead(NoAnswer::Certificate("expired".to_owned())),
        "reachable",
        Status::Error,
        "expired",
    );
    fails(
        dead(NoAnswer::NotConnected("refused".to_owned())),
        "reachable",
        Status::Error,
        "nobody answers",
    );
    let all = |status: u16| {
        move |facts: &mut Facts| {
            let answer = Call::Answered {
                status,
                took: Duration::from_millis(1),
                location: Some("https://elsewhere.example.org/".to_owned()),
                right: false,
            };
            let address = &mut facts.address;
            for call in [
                &mut address.info,
                &mut address.unsigned,
                &mut address.validation,
                &mut address.delivery,
                &mut address.forged_delivery,
                &mut address.bot_key,
            ] {
                *call = answer.clone();
            }
        }
    };
    let never_called = |facts: &mut Facts| {
        all(503)(facts);
        facts.work.as_mut().unwrap().source_heard = None;
    };
    fails(never_called, "reachable", Status::Error, "503");
    fails(all(302), "reachable", Status::Error, "elsewhere");
    fails(all(404), "reachable", Status::Error, "\"shop\"");
    fails(all(502), "reachable", Status::Error, "502");
}

#[test]
fn what_answers_at_the_address() {
    fails(
        |f| f.address.info = answered(401, true),
        "source-sdk",
        Status::Error,
        "realtime_access_tokens",
    );
    fails(
        |f| f.address.info = answered(200, false),
        "source-sdk",
        Status::Error,
        "signature",
    );
    fails(
        |f| f.address.unsigned = answered(200, true),
        "source-sdk-strangers",
        Status::Error,
        "unsigned",
    );
    fails(
        |f| f.address.options.clear(),
        "source-sdk-options",
        Status::Error,
        "get_queue_updates = true",
    );
    let never = |facts: &mut Facts| facts.work.as_mut().unwrap().source_heard = None;
    fails(
        never,
        "source-calls",
        Status::Warning,
        "/shop/handover/rce/source",
    );
    let long_ago = |facts: &mut Facts| {
        let then = at("2026-02-27T12:00:00Z");
        facts.work.as_mut().unwrap().source_heard = Some(then);
    };
    let wrong_token = |facts: &mut Facts| {
        never(facts);
        let code = "invalid_signature".to_owned();
        facts.send_api = Some(Err(RingCxError::SecretRefused { status: 422, code }));
    };
    fails(wrong_token, "send-api", Status::Error, "realtime_access_tokens");
    fails(long_ago, "source-calls", Status::Warning, "2026-02-27");
    fails(
        |f| f.address.validation = answered(403, false),
        "webhook-validation",
        Status::Error,
        "verification_token",
    );
    fails(
        |f| f.address.validation = answered(200, false),
        "webhook-validation",
        Status::Error,
        "not the challenge",
    );
    fails(
        |f| f.address.delivery = answered(401, true),
        "webhook-delivery",
        Status::Error,
        "webhook_secrets",
    );
    fails(
        |f| f.address.delivery = answered(204, true),
        "webhook-delivery",
        Status::Error,
        "only 200",
    );
    fails(
        |f| f.address.forged_delivery = answered(200, true),
        "webhook-strangers",
        Status::Error,
        "wrong secret",
    );
    fails(
        |f| f.address.bot_key = answered(401, true),
        "bot-key",
        Status::Error,
        "bot_keys",
    );
    let slow = |facts: &mut Facts| {
        facts.address.delivery = Call::Answered {
            status: 200,
            took: Duration::from_millis(2_001),
            location: None,
            right: true,
        };
    };
    fails(slow, "answer-time", Status::Warning, "2001 ms");
}

#[test]
fn the_round_trip() {
    let tried = |heard, delivers, last_delivery: Option<&str>| {
        let last_delivery = last_delivery.map(at);
        move |facts: &mut Facts| {
            facts.round_trip = RoundTrip::Tried {
                heard,
                delivers,
                last_delivery,
            }
        }
    };
    passes(tried(None, true, None));
    passes(tried(Some(false), true, Some("2026-03-01T08:00:00Z")));
    fails(
        tried(Some(false), true, Some("2026-02-27T08:00:00Z")),
        "round-trip",
        Status::Warning,
        "15 seconds",
    );
    fails(
        tried(Some(false), true, None),
        "round-trip",
        Status::Warning,
        "15 seconds",
    );
    fails(
        tried(Some(false), false, None),
        "round-trip",
        Status::Error,
        "another secret",
    );
    fails(
        tried(Some(true), false, None),
        "round-trip",
        Status::Error,
        "switched it off",
    );
    let refused = |facts: &mut Facts| facts.round_trip = RoundTrip::NotSaved("403".to_owned());
    fails(refused, "round-trip", Status::Warning, "403");
    passes(|facts| facts.round_trip = RoundTrip::NotTried("it was not asked for"));
}

#[test]
fn without_relayed_messages_what_belongs_to_a_source_of_ours_does_not_count() {
    let text = CONFIG
        .replace("get_queue_updates = true", "relay_messages = false")
        .replace(
            "realtime_endpoint_url = \"https://acme.engagement.dimelo.com/realtime/sdk/50c1\"",
            "source_id = \"50c1\"",
        )
        .replace("realtime_access_tokens = [\"source-token\"]", "");
    let task_only = connections(&text);
    let there = |facts: &mut Facts| {
        facts.send_api = None;
        facts.bot_identity = Seen::NotAsked;
        facts.agent_identity = Seen::NotAsked;
        source(facts).kind = Some("whats_app".to_owned());
        facts.address.info = answered(401, false);
        facts.address.unsigned = answered(401, false);
        yes(&mut facts.account.role).rights = vec!["open_content_thread".to_owned()];
    };
    assert_eq!(bad(&of(&task_only, there)), []);
    // Nobody said where the bridge is, and nobody can sign: nothing was tried, which is not "all is well".
    let unproven = |facts: &mut Facts| {
        there(facts);
        let address = &mut facts.address;
        address.is_given = false;
        for call in [
            &mut address.validation,
            &mut address.delivery,
            &mut address.forged_delivery,
            &mut address.bot_key,
        ] {
            *call = Call::NotTried(NOT_PROVEN);
        }
        facts.round_trip = RoundTrip::NotTried(NOT_PROVEN);
    };
    fails_with(
        &task_only,
        unproven,
        "public-address",
        Status::Warning,
        "--public-url",
    );
    let skipped = of(&task_only, unproven);
    let look = |id: &str| {
        skipped
            .iter()
            .any(|check| check.id == id && check.how.contains("--public-url"))
    };
    for id in [
        "webhook-validation",
        "webhook-delivery",
        "webhook-strangers",
        "bot-key",
        "round-trip",
    ] {
        assert!(look(id), "{id} says what to do");
    }
    let locked = |facts: &mut Facts| {
        there(facts);
        yes(&mut facts.account.role).rights.clear();
    };
    fails_with(
        &task_only,
        locked,
        "right-open-threads",
        Status::Warning,
        "open_content_thread",
    );
}
