//! Each check both ways: what is healthy passes, and one fact that is wrong makes the one check fail that names it.

mod console;
mod native;
mod people;
mod reach;

use std::collections::BTreeMap;
use std::time::Duration;

use handover_core::Timestamp;
use handover_core::ids::SourceId;
use handover_core::ports::{BotError, Probed, RingCxError, Told};
use handover_core::settings::Connection;
use handover_handlers::config::{self, Lookup};
use handover_ringcx::console::{Category, Channel, Dates, Identity, Role, Source, User, Webhook};

use super::judge;
use crate::catalogue::CATALOGUE;
use crate::check::{Check, Status};
use crate::facts::{
    AccountFacts, AddressFacts, AgentFacts, BotFacts, Call, Facts, MachineFacts, NoAnswer, RoundTrip, Seen,
    SourceFacts, WorkFacts,
};

const CONFIG: &str = r#"
[connections.shop]
bot_keys = ["a-bot-key-of-the-tests"]
get_queue_updates = true

[connections.shop.ringcx]
base_api_url = "https://acme.api.engagement.dimelo.com"
api_access_token = "rest-token"
realtime_endpoint_url = "https://acme.engagement.dimelo.com/realtime/sdk/50c1"
realtime_access_tokens = ["source-token"]
webhook_secrets = ["a-webhook-secret"]
verification_token = "a-verification-token"
bot_category_id = "ca0b"
agent_category_id = "ca0a"

[connections.shop.bot]
url = "https://bot.example.org/events"
signing_secrets = ["whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]
"#;

struct Nothing;

impl Lookup for Nothing {
    fn env(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, _: &str) -> Result<String, std::io::Error> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

fn connections(text: &str) -> Vec<Connection> {
    config::parse(text, &Nothing).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn category(id: &str, name: &str) -> Category {
    Category {
        id: id.to_owned(),
        name: name.to_owned(),
        parent_id: Some("ca00".to_owned()),
        unselectable: false,
    }
}

fn user(id: &str, name: &str) -> User {
    User {
        id: id.to_owned(),
        email: None,
        name: name.to_owned(),
        enabled: true,
        role_id: Some("role".to_owned()),
        team_ids: Vec::new(),
        category_ids: vec!["ca0a".to_owned()],
        identity_ids: Vec::new(),
    }
}

fn identity(id: &str, foreign_id: &str, users: &[&str]) -> Identity {
    Identity {
        id: id.to_owned(),
        foreign_id: Some(foreign_id.to_owned()),
        screenname: None,
        community_id: None,
        user_ids: users.iter().copied().map(str::to_owned).collect(),
    }
}

fn webhook(id: &str, url: &str) -> Webhook {
    let events = [
        "intervention.opened",
        "intervention.closed",
        "intervention.canceled",
        "intervention.reopened",
        "intervention.user_updated",
        "task.taken",
        "task.completed",
        "task.destroyed",
        "task.recategorized",
    ];
    Webhook {
        id: id.to_owned(),
        url: url.to_owned(),
        active: true,
        status: Some("enabled".to_owned()),
        registered_events: events.map(str::to_owned).to_vec(),
        verify_token: Some("a-verification-token".to_owned()),
        token_id: Some("ac01".to_owned()),
    }
}

fn answered(status: u16, right: bool) -> Call {
    Call::Answered {
        status,
        took: Duration::from_millis(40),
        location: None,
        right,
    }
}

const URL: &str = "https://bridge.example.org/shop/handover/rce/webhook";

fn healthy() -> Facts {
    let now = at("2026-03-01T12:00:00Z");
    let may = || Seen::Yes(vec!["read".to_owned(), "reply".to_owned()]);
    Facts {
        at: now,
        rest_calls: 20,
        limited_calls: 0,
        held_calls: 0,
        account: AccountFacts {
            me: Seen::Yes(user("a0", "Api Account")),
            role: Seen::Yes(Role {
                id: "role".to_owned(),
                label: "Bridge".to_owned(),
                rights: vec!["update_intervention".to_owned()],
            }),
            dates: Some(Dates {
                theirs: now,
                ours: now,
            }),
            interventions: Seen::Yes(()),
            monitor: Seen::Yes(()),
            users: Seen::Yes(()),
            time_sheets: Seen::Yes(()),
            identities: Seen::NotAsked,
            faces: Seen::NotAsked,
        },
        sources: vec![SourceFacts {
            id: SourceId::new("50c1"),
            agents: BTreeMap::from([("a1".to_owned(), may()), ("a2".to_owned(), may())]),
            own: Seen::NotAsked,
            author: Seen::NotAsked,
            source: Seen::Yes(Some(Source {
                id: "50c1".to_owned(),
                name: "Shop".to_owned(),
                kind: Some("sdk".to_owned()),
                active: true,
                status: Some("ok".to_owned()),
                error_message: None,
                channel_id: Some("c1".to_owned()),
                community_id: None,
                default_category_ids: vec!["ca0b".to_owned()],
                user_thread_default_category_ids: vec!["ca0b".to_owned()],
            })),
        }],
        channels: Seen::Yes(vec![Channel {
            id: "c1".to_owned(),
            name: "Realtime".to_owned(),
            source_ids: vec!["50c1".to_owned()],
            hard_capability: Some(5),
            soft_capability: Some(3),
        }]),
        bot_category: Seen::Yes(Some(category("ca0b", "Bot"))),
        agent_category: Seen::Yes(Some(category("ca0a", "Agent"))),
        bot_identity: Seen::Yes(vec![identity("i1", "bot", &[])]),
        agent_identity: Seen::Yes(vec![identity("i2", "agent", &["a1", "a2"])]),
        agents: AgentFacts {
            holders: Seen::Yes(vec![user("a1", "Sam Okafor"), user("a2", "Mira Lindqvist")]),
            bot_holders: Seen::Yes(Vec::new()),
            with_room: Some(2),
            is_open: Some(true),
        },
        webhooks: Seen::Yes(vec![webhook("w1", URL)]),
        address: AddressFacts {
            public_url: Some("https://bridge.example.org".parse().unwrap()),
            is_given: true,
            webhook: Some("w1".to_owned()),
            info: answered(200, true),
            options: vec!["messaging.queuing_update".to_owned()],
            unsigned: answered(401, true),
            validation: answered(200, true),
            delivery: answered(200, true),
            forged_delivery: answered(401, true),
            serving: crate::facts::Serving::default(),
            bot_key: answered(200, true),
        },
        round_trip: RoundTrip::Tried {
            heard: Some(true),
            delivers: true,
            last_delivery: None,
        },
        send_api: Some(Ok(())),
        bot: BotFacts {
            signed: Ok(Probed::Took(Told { status: 204 })),
            forged: Err(BotError::SecretRefused { status: 401 }),
            subscribers: Vec::new(),
        },
        work: Some(WorkFacts {
            dead: Some(Vec::new()),
            waiting: Some(2),
            source_heard: Some(now),
            overdue: Some(Vec::new()),
        }),
        machine: Some(MachineFacts {
            has_begun: true,
            not_writable: None,
            free_bytes: Some(50 << 30),
            is_serving: true,
        }),
        draining_since: None,
        can_host_files: true,
    }
}

fn of(connections: &[Connection], change: impl FnOnce(&mut Facts)) -> Vec<Check> {
    let mut facts = healthy();
    change(&mut facts);
    let checks = judge(&connections[0], connections, &facts);
    let ids: Vec<&str> = checks.iter().map(|check| check.id).collect();
    let all: Vec<&str> = CATALOGUE.iter().map(|entry| entry.id).collect();
    assert_eq!(ids, all, "each check once, in the catalogue's order");
    for check in &checks {
        let is_bad = check.status >= Status::Warning;
        assert!(!is_bad || !check.how.is_empty(), "{} does not say how", check.id);
        assert!(!check.what.is_empty() && !check.why.is_empty(), "{}", check.id);
    }
    checks
}

fn bad(checks: &[Check]) -> Vec<(&str, Status)> {
    let bad = checks.iter().filter(|check| check.status >= Status::Warning);
    bad.map(|check| (check.id, check.status)).collect()
}

/// Only this check fails, so seriously, and says so.
#[track_caller]
fn fails(change: impl FnOnce(&mut Facts), id: &str, status: Status, words: &str) {
    fails_with(&connections(CONFIG), change, id, status, words);
}

#[track_caller]
fn fails_with(
    connections: &[Connection],
    change: impl FnOnce(&mut Facts),
    id: &str,
    status: Status,
    words: &str,
) {
    let checks = of(connections, change);
    assert_eq!(bad(&checks), [(id, status)], "{checks:#?}");
    let check = checks.iter().find(|check| check.id == id).unwrap();
    let said = format!("{} {}", check.what, check.how);
    assert!(said.contains(words), "{words:?} is not in {said:?}");
}

/// Nothing fails.
#[track_caller]
fn passes(change: impl FnOnce(&mut Facts)) {
    let checks = of(&connections(CONFIG), change);
    assert_eq!(bad(&checks), []);
}

fn source(facts: &mut Facts) -> &mut Source {
    match &mut facts.sources[0].source {
        Seen::Yes(Some(source)) => source,
        _ => unreachable!(),
    }
}

fn hook(facts: &mut Facts) -> &mut Webhook {
    match &mut facts.webhooks {
        Seen::Yes(all) => &mut all[0],
        _ => unreachable!(),
    }
}

fn yes<T>(seen: &mut Seen<T>) -> &mut T {
    match seen {
        Seen::Yes(found) => found,
        _ => unreachable!(),
    }
}

#[test]
fn what_is_healthy_passes() {
    let checks = of(&connections(CONFIG), |_| {});
    assert_eq!(bad(&checks), []);
    let skipped = checks.iter().filter(|check| check.status == Status::Skipped);
    let skipped: Vec<&str> = skipped.map(|check| check.id).collect();
    assert_eq!(
        skipped,
        [
            "right-open-threads",
            "virtual-agent",
            "own-account",
            "reply-permission",
            "webhook-imported",
            "webhook-answers",
            "running-settings",
            "bot-identity-controlled",
            "author-identity",
            "queue-subscribers"
        ]
    );
}

#[test]
fn the_configuration() {
    let with = |from: &str, to: &str| connections(&CONFIG.replace(from, to));
    let nothing = |_: &mut Facts| {};
    let queue = "get_queue_updates = true";
    fails_with(
        &with(queue, "get_queue_updates = true\nenabled = false"),
        nothing,
        "slider",
        Status::Warning,
        "enabled",
    );
    let drained = |facts: &mut Facts| facts.draining_since = Some(facts.at);
    fails(drained, "slider", Status::Warning, "drain --off");
    let always = format!("{CONFIG}\n[connections.shop.files]\nrehost = \"always\"\n");
    let lost = |facts: &mut Facts| facts.can_host_files = false;
    fails_with(
        &connections(&always),
        lost,
        "file-hosting",
        Status::Error,
        "public_url",
    );
    passes(lost);
    let twice = format!(
        "{CONFIG}{}",
        CONFIG.replace("connections.shop", "connections.zoo")
    );
    fails_with(
        &connections(&twice),
        nothing,
        "shared-source",
        Status::Error,
        "zoo",
    );
    let elsewhere = twice.replacen("sdk/50c1", "sdk/50c2", 1).replacen(
        "[connections.shop.ringcx]",
        "[connections.shop.ringcx]\nsource_id = \"50c2\"",
        1,
    );
    assert_eq!(bad(&of(&connections(&elsewhere), nothing)), []);
    let other_id = with(
        "[connections.shop.ringcx]",
        "[connections.shop.ringcx]\nsource_id = \"50c9\"",
    );
    fails_with(&other_id, nothing, "realtime-url", Status::Error, "50c9");
    let other_account = with("https://acme.engagement", "https://emca.engagement");
    fails_with(&other_account, nothing, "realtime-url", Status::Error, "emca");
    let plain = |facts: &mut Facts| {
        facts.address.public_url = Some("http://bridge.example.org".parse().unwrap());
        hook(facts).url = URL.replace("https", "http");
    };
    fails(plain, "public-address", Status::Error, "https");
    let greedy = with(queue, queue).into_iter().map(|mut connection| {
        connection.ringcx.requests_per_minute = 401;
        connection
    });
    fails_with(
        &greedy.collect::<Vec<_>>(),
        nothing,
        "rest-budget",
        Status::Warning,
        "401",
    );
    fails(
        |facts| facts.limited_calls = 1,
        "rest-budget",
        Status::Error,
        "429",
    );
    let held = |facts: &mut Facts| facts.held_calls = 4;
    fails(
        held,
        "rest-budget",
        Status::Warning,
        "our own limiter held back 4 of the 24",
    );
    let sparing = with(queue, queue).into_iter().map(|mut connection| {
        connection.ringcx.requests_per_minute = 10;
        connection
    });
    fails_with(
        &sparing.collect::<Vec<_>>(),
        held,
        "rest-budget",
        Status::Error,
        "Raise requests_per_minute",
    );
}

#[test]
fn every_check_is_explained_in_the_documentation() {
    let page = include_str!("../../../../docs/doctor.md");
    for entry in CATALOGUE {
        let row = format!("| `{}` |", entry.id);
        assert_eq!(page.matches(&row).count(), 1, "{} has one row", entry.id);
    }
    let checks = page.split("## Checks").nth(1).unwrap();
    let rows = checks.lines().filter(|line| line.starts_with("| `"));
    assert_eq!(rows.count(), CATALOGUE.len(), "and no other has one");
}
