//! Channels of RCE's own: two sources, one bot, no source of ours.

use handover_core::ids::IdentityId;

use super::*;

const NATIVE: &str = r#"
[connections.shop]
bot_keys = ["a-bot-key-of-the-tests"]

[connections.shop.ringcx]
channel = "native"
base_api_url = "https://acme.api.engagement.dimelo.com"
api_access_token = "rest-token"
source_ids = ["50c1", "50c2"]
webhook_secrets = ["a-webhook-secret"]
verification_token = "a-verification-token"
bot_category_id = "ca0b"
agent_category_id = "ca0a"

[connections.shop.bot]
url = "https://bot.example.org/events"
signing_secrets = ["whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]
"#;

/// An identity of the token's account, on a channel.
fn face(id: &str, name: &str, community: &str) -> Identity {
    Identity {
        screenname: Some(name.to_owned()),
        community_id: Some(community.to_owned()),
        ..identity(id, "company", &["a0"])
    }
}

fn all_is_well(facts: &mut Facts) {
    facts.account.identities = Seen::Yes(());
    yes(&mut facts.account.me).category_ids.clear();
    yes(&mut facts.account.me).identity_ids = vec!["1d01".to_owned(), "1d02".to_owned()];
    facts.account.faces = Seen::Yes(vec![
        face("1d01", "Acme", "c0m1"),
        face("1d02", "Acme Mail", "c0m2"),
    ]);
    yes(&mut facts.account.role)
        .rights
        .push("open_content_thread".to_owned());
    source(facts).kind = Some("whats_app".to_owned());
    source(facts).community_id = Some("c0m1".to_owned());
    facts.sources[0].own = Seen::Yes(vec!["read".to_owned(), "reply".to_owned()]);
    let mut mail = facts.sources[0].clone();
    mail.id = SourceId::new("50c2");
    if let Seen::Yes(Some(source)) = &mut mail.source {
        source.id = "50c2".to_owned();
        source.name = "Mail".to_owned();
        source.kind = Some("emails".to_owned());
        source.community_id = Some("c0m2".to_owned());
    }
    facts.sources.push(mail);
    for channel in yes(&mut facts.channels) {
        channel.source_ids.push("50c2".to_owned());
    }
    let events = ["content.imported", "content.exported", "content.replied"];
    hook(facts).registered_events.extend(events.map(str::to_owned));
    facts.bot_identity = Seen::NotAsked;
    facts.agent_identity = Seen::NotAsked;
    facts.send_api = None;
    facts.address.options.clear();
    // Nobody signs there.
    facts.address.info = answered(401, false);
}

fn mail(facts: &mut Facts) -> &mut Source {
    match &mut facts.sources[1].source {
        Seen::Yes(Some(source)) => source,
        _ => unreachable!(),
    }
}

#[track_caller]
fn native_fails(change: impl FnOnce(&mut Facts), id: &str, status: Status, words: &str) {
    configured_fails(&connections(NATIVE), change, id, status, words);
}

#[track_caller]
fn configured_fails(
    all: &[Connection],
    change: impl FnOnce(&mut Facts),
    id: &str,
    status: Status,
    words: &str,
) {
    let worse = |facts: &mut Facts| {
        all_is_well(facts);
        change(facts);
    };
    fails_with(all, worse, id, status, words);
}

fn with(lines: &str) -> Vec<Connection> {
    connections(&NATIVE.replace("bot_category_id", &format!("{lines}\nbot_category_id")))
}

fn speaks_as(source: &str, identity: &str) -> Vec<Connection> {
    let mut all = connections(NATIVE);
    all[0]
        .ringcx
        .native
        .author_identities
        .insert(SourceId::new(source), IdentityId::new(identity));
    all
}

#[test]
fn what_is_healthy_on_a_native_channel_passes_and_nothing_of_a_source_sdk_channel_is_asked_for() {
    let checks = of(&connections(NATIVE), all_is_well);
    assert_eq!(bad(&checks), [], "{checks:#?}");
    let skipped = checks.iter().filter(|check| check.status == Status::Skipped);
    let skipped: Vec<&str> = skipped.map(|check| check.id).collect();
    assert_eq!(
        skipped,
        [
            "realtime-url",
            "virtual-agent",
            "source-sdk",
            "source-sdk-strangers",
            "source-sdk-options",
            "source-calls",
            "running-settings",
            "send-api",
            "bot-identity",
            "bot-identity-controlled",
            "agent-identity",
            "agent-identity-assigned",
            "queue-subscribers"
        ]
    );
    let find = |id: &str| checks.iter().find(|check| check.id == id).unwrap();
    assert!(find("realtime-url").what.contains("RingCentral's own"));
    let types = &find("source-type").what;
    assert!(types.contains("whats_app") && types.contains("emails"), "{types}");
}

#[test]
fn each_source_of_a_native_channel_is_judged_and_named() {
    native_fails(
        |f| mail(f).active = false,
        "source-active",
        Status::Error,
        "\"Mail\" (50c2)",
    );
    native_fails(
        |f| mail(f).kind = Some("sdk".to_owned()),
        "source-type",
        Status::Error,
        "50c2",
    );
    native_fails(
        |f| mail(f).error_message = Some("password refused".to_owned()),
        "source-status",
        Status::Error,
        "authorise it anew",
    );
    native_fails(
        |f| mail(f).default_category_ids.clear(),
        "default-categories",
        Status::Error,
        "50c2",
    );
    native_fails(
        |f| mail(f).default_category_ids = vec!["ca0a".to_owned()],
        "default-categories",
        Status::Error,
        "Agent category",
    );
    let gone = |facts: &mut Facts| facts.sources[1].source = Seen::Yes(None);
    native_fails(gone, "source", Status::Error, "source 50c2 does not exist");
    let nobody_replies = |facts: &mut Facts| {
        facts.sources[1]
            .agents
            .insert("a2".to_owned(), Seen::Yes(vec!["read".to_owned()]));
    };
    native_fails(
        nobody_replies,
        "agent-permissions",
        Status::Error,
        "on source 50c2",
    );
}

#[test]
fn the_account_has_to_be_allowed_to_answer_on_every_source() {
    let reads = |facts: &mut Facts| facts.sources[1].own = Seen::Yes(vec!["read".to_owned()]);
    native_fails(reads, "reply-permission", Status::Error, "lacks reply");
    native_fails(reads, "reply-permission", Status::Error, "on source 50c2");
    native_fails(
        |facts| facts.sources[0].own = Seen::Yes(Vec::new()),
        "reply-permission",
        Status::Error,
        "lacks read and reply",
    );
    // Nobody knows, and everything depends on it.
    for words in [
        "could not be looked at",
        "read users",
        "source 50c1",
        "source 50c2",
    ] {
        let unseen = |facts: &mut Facts| {
            for source in &mut facts.sources {
                source.own = Seen::Forbidden;
            }
        };
        native_fails(unseen, "reply-permission", Status::Warning, words);
    }
}

#[test]
fn the_account_that_answers_for_the_bot_is_no_agent_s() {
    native_fails(
        |facts| yes(&mut facts.account.me).category_ids.push("ca0a".to_owned()),
        "own-account",
        Status::Warning,
        "an account of its own for the bot",
    );
}

#[test]
fn who_is_set_to_speak_and_does_not_is_told() {
    let face = "bot_identity = { id = \"bot\", name = \"Otto\" }";
    configured_fails(
        &with(face),
        |_| {},
        "unused-settings",
        Status::Warning,
        "nothing: bot_identity",
    );
}

#[test]
fn without_a_webhook_the_bot_hears_nobody() {
    native_fails(
        |facts| facts.webhooks = Seen::Yes(Vec::new()),
        "webhook",
        Status::Error,
        "the bot hears nobody",
    );
}

#[test]
fn the_bot_speaks_as_somebody_whom_its_account_may_speak_as() {
    let keep = |facts: &mut Facts, count: usize| yes(&mut facts.account.faces).truncate(count);
    native_fails(
        |f| keep(f, 1),
        "author-identity",
        Status::Error,
        "speaks as nobody there",
    );
    let checks = of(&speaks_as("50c2", "1d02"), |facts| {
        all_is_well(facts);
        facts.sources[1].author = Seen::Yes(Some(face("1d02", "Acme Mail", "c0m2")));
    });
    assert_eq!(bad(&checks), []);
    let many = of(&connections(NATIVE), |facts| {
        all_is_well(facts);
        keep(facts, 1);
        yes(&mut facts.account.me).identity_ids = (0..21).map(|id| format!("1d{id:02}")).collect();
    });
    assert_eq!(bad(&many), [], "not all were looked at");
    configured_fails(
        &speaks_as("50c2", "1d09"),
        |facts| facts.sources[1].author = Seen::Yes(None),
        "author-identity",
        Status::Error,
        "there is no identity 1d09",
    );
    configured_fails(
        &speaks_as("50c2", "1d01"),
        |facts| facts.sources[1].author = Seen::Yes(Some(face("1d01", "Acme", "c0m1"))),
        "author-identity",
        Status::Error,
        "another channel",
    );
    configured_fails(
        &speaks_as("50c2", "1d05"),
        |facts| facts.sources[1].author = Seen::Yes(Some(face("1d05", "Nadia", "c0m2"))),
        "author-identity",
        Status::Error,
        "may not speak as",
    );
}

#[test]
fn the_webhook_reports_what_people_write_and_what_is_answered() {
    let without = |event: &'static str| {
        move |facts: &mut Facts| {
            hook(facts)
                .registered_events
                .retain(|registered| registered != event);
        }
    };
    native_fails(
        without("content.imported"),
        "webhook-imported",
        Status::Error,
        "hears nobody",
    );
    native_fails(
        without("content.exported"),
        "webhook-answers",
        Status::Warning,
        "asked for by REST",
    );
    native_fails(
        without("content.replied"),
        "webhook-answers",
        Status::Warning,
        "what agents say",
    );
    let bare = of(&connections(NATIVE), |facts| {
        all_is_well(facts);
        hook(facts).registered_events.clear();
    });
    let expected = [
        ("webhook-events", Status::Error),
        ("webhook-imported", Status::Error),
        ("webhook-answers", Status::Warning),
        ("webhook-recommended-events", Status::Warning),
    ];
    assert_eq!(bad(&bare), expected);
}

#[test]
fn the_rights_that_a_native_channel_takes() {
    let blind = |facts: &mut Facts| facts.account.interventions = Seen::Forbidden;
    native_fails(blind, "right-interventions", Status::Error, "interventions");
    let never = with("native = { bot_intervention = \"never\" }");
    configured_fails(
        &never,
        blind,
        "right-interventions",
        Status::Warning,
        "interventions",
    );
    let strangers = |facts: &mut Facts| facts.account.identities = Seen::Forbidden;
    native_fails(strangers, "right-identities", Status::Warning, "read_identity");
    native_fails(
        |facts| {
            yes(&mut facts.account.role)
                .rights
                .retain(|right| right != "open_content_thread");
        },
        "right-open-threads",
        Status::Warning,
        "open_content_thread",
    );
    let virtual_agent = with("native = { virtual_agent = true }");
    let checks = of(&virtual_agent, all_is_well);
    let check = checks.iter().find(|check| check.id == "virtual-agent").unwrap();
    assert_eq!(check.status, Status::Skipped);
    assert!(check.how.contains("virtual_agent = false"), "{}", check.how);
    assert_eq!(bad(&checks), []);
}

#[test]
fn settings_that_mean_nothing_on_a_native_channel_are_named() {
    for (all, name) in [
        (
            connections(&NATIVE.replace("bot_keys", "forward_only_handover_conversations = true\nbot_keys")),
            "forward_only_handover_conversations",
        ),
        (
            connections(&NATIVE.replace("bot_keys", "get_queue_updates = true\nbot_keys")),
            "get_queue_updates",
        ),
        (
            with("realtime_endpoint_url = \"https://acme.engagement.dimelo.com/realtime/sdk/50c1\""),
            "realtime_endpoint_url",
        ),
        (
            with("realtime_access_tokens = \"source-token\""),
            "realtime_access_tokens",
        ),
    ] {
        configured_fails(&all, |_| {}, "unused-settings", Status::Warning, name);
    }
}

#[test]
fn a_source_of_several_that_another_connection_has_too_is_named() {
    let mut all = connections(NATIVE);
    let mut other = all[0].clone();
    other.id = "zoo".into();
    other.ringcx.source_id = SourceId::new("50c2");
    other.ringcx.further_sources.clear();
    all.push(other);
    configured_fails(
        &all,
        |_| {},
        "shared-source",
        Status::Error,
        "source 50c2 is also that of the connection zoo",
    );
}
