//! The token, its rights, the source, the categories, the agents.

use jiff::SignedDuration;
use serde_json::Value;
use simulated_ringcx::{AgentStatus, Fault, FaultTarget, Rights};

use super::world::{Receiver, World, case, serve};
use crate::bridge::command;

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_connection_is_all_well() {
    let mut world = Box::pin(World::new()).await;
    world.round_trip = true;
    let verdict = world.examine().await;
    assert!(verdict.failed().is_empty(), "{:#?}", verdict.failed());
    // The bridge of this world runs with another bot.
    assert_eq!(verdict.check("running-settings")["status"], "warning");
    assert_eq!((verdict.code, &verdict.report["worst"]), (3, &"warning".into()));
    assert!(
        verdict.check("round-trip")["what"]
            .as_str()
            .unwrap()
            .contains("arrived")
    );
    let skipped: Vec<&Value> = verdict
        .checks()
        .iter()
        .filter(|check| check["status"] == "skipped")
        .collect();
    let skipped: Vec<&str> = skipped
        .iter()
        .map(|check| check["id"].as_str().unwrap())
        .collect();
    assert_eq!(
        skipped,
        [
            "right-open-threads",
            "virtual-agent",
            "own-account",
            "reply-permission",
            "webhook-imported",
            "webhook-answers",
            "bot-identity-controlled",
            "author-identity",
            "queue-subscribers"
        ]
    );
    let calls = verdict.report["connections"][0]["rest_calls"].as_u64().unwrap();
    assert!(calls <= 25, "{calls} REST calls");
    // Nothing of it counts as work of a conversation, and no secret is shown.
    let said = verdict.report.to_string();
    let config = world.rce().config();
    for secret in [
        &config.api_token,
        &config.source_token,
        &config.webhook_secret,
        &config.verify_token,
    ] {
        assert!(!said.contains(secret.as_str()) && !world.bridge.log().contains(secret.as_str()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_of_the_token_and_its_rights_are_named() {
    case(
        async |world| world.set("simulated-api-token", "an-old-token"),
        &[("token", "does not accept the API access token")],
    )
    .await;
    case(async |world| world.rce().disable_token(), &[("token", "active")]).await;
    // The console's own address, without "api" in it.
    case(
        async |world| {
            let nowhere = serve(Receiver::Answers(404)).await;
            let line = world.config.lines().find(|line| line.starts_with("base_api_url"));
            let line = line.unwrap().to_owned();
            world.set(&line, &format!("base_api_url = \"{nowhere}\""));
        },
        &[("token", "base_api_url")],
    )
    .await;
    case(
        async |world| world.set("requests_per_minute = 300", "requests_per_minute = 10"),
        &[("rest-budget", "our own limiter held back")],
    )
    .await;
    let rights = [
        ("monitor_tasks", "right-monitor-tasks"),
        ("read_user", "right-users"),
        ("update_intervention", "right-close-interventions"),
    ];
    for (right, check) in rights {
        case(
            async |world| world.rce().take_right(right).unwrap(),
            &[(check, "the account")],
        )
        .await;
    }
    let less = |change: fn(&mut Rights)| {
        let mut rights = Rights::default();
        change(&mut rights);
        rights
    };
    let blind = less(|rights| rights.may_read_interventions = false);
    case(
        async |world| world.rce().set_rights(blind),
        &[("right-interventions", "see interventions")],
    )
    .await;
    let blind = less(|rights| rights.may_read_time_sheets = false);
    case(
        async |world| world.rce().set_rights(blind),
        &[("right-time-sheets", "time sheets")],
    )
    .await;
    case(
        async |world| world.rce().set_clock_ahead(SignedDuration::from_secs(60)),
        &[("clock", "behind")],
    )
    .await;
    case(
        async |world| world.rce().set_clock_ahead(SignedDuration::from_mins(-11)),
        &[("clock", "ahead of")],
    )
    .await;
    case(
        async |world| {
            world
                .rce()
                .fail_next(FaultTarget::RestAny, Fault::RateLimit, 1_000);
        },
        &[("rest-budget", "429")],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_skipped_for_one_reason_is_counted_and_the_errors_are_named_last() {
    let mut world = Box::pin(World::new()).await;
    world.set("simulated-api-token", "an-old-token");
    let file = world.bridge.dir.path().join("examined.toml");
    std::fs::write(&file, &world.config).unwrap();
    let examine = async |more: &[&str]| {
        let nothing_yet = world.bridge.dir.path().join("not-served-yet");
        let mut doctor = command();
        doctor.args(["doctor", "--connection", "default", "--config"]);
        let output = doctor.arg(&file).arg("--data").arg(nothing_yet).args(more);
        let output = output.output().await.unwrap();
        assert_eq!(output.status.code(), Some(4), "before the first serve, too");
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(complaint.contains("no bridge ran on"), "{complaint}");
        String::from_utf8(output.stdout).unwrap()
    };
    let said = examine(&[]).await;
    assert!(!said.contains("    skipped "), "{said}");
    assert!(
        said.contains("checks were skipped, most of them because RingCentral's REST API"),
        "{said}"
    );
    assert!(said.trim_end().ends_with("errors: token, serving"), "{said}");
    assert!(!said.contains("WARNING"), "{said}");
    let said = examine(&["--verbose"]).await;
    assert!(
        said.contains("    skipped source: not looked at: the token is not accepted"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_of_the_source_are_named() {
    case(
        async |world| {
            world
                .rce()
                .permit(world.rce().token_user(), &world.source(), &[])
                .unwrap();
        },
        &[("source", "read permission")],
    )
    .await;
    case(
        async |world| {
            let id = format!(
                "[connections.default.ringcx]\nsource_id = \"{}\"",
                "5f0c000000000000000050c9"
            );
            world.set("[connections.default.ringcx]", &id);
        },
        &[
            ("realtime-url", "5f0c000000000000000050c9"),
            ("source", "5f0c000000000000000050c9"),
            (
                "running-settings",
                "does not answer source 5f0c000000000000000050c9 yet",
            ),
        ],
    )
    .await;
    case(
        async |world| world.rce().set_source_type(&world.source(), "whats_app").unwrap(),
        &[("source-type", "whats_app")],
    )
    .await;
    case(
        async |world| world.rce().deactivate_source(&world.source()).unwrap(),
        &[("source-active", "not active"), ("send-api", "not active")],
    )
    .await;
    case(
        async |world| {
            world
                .rce()
                .set_source_error(&world.source(), Some("Invalid signature"))
                .unwrap();
        },
        &[("source-status", "Invalid signature")],
    )
    .await;
    case(
        async |world| {
            let agent = world.category(true);
            world
                .rce()
                .set_default_categories(&world.source(), &[&agent])
                .unwrap();
        },
        &[("default-categories", "Agent category")],
    )
    .await;
    case(
        async |world| world.rce().set_default_categories(&world.source(), &[]).unwrap(),
        &[("default-categories", "do not start in the Bot category")],
    )
    .await;
    case(
        async |world| world.set("simulated-source-token", "the-token-of-another-source"),
        &[
            ("source-sdk", "realtime_access_tokens"),
            ("send-api", "realtime access token"),
        ],
    )
    .await;
    case(
        async |world| {
            let again = world.config.replace("connections.default", "connections.shop");
            world.config.push_str(&again);
        },
        &[("shared-source", "shop")],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_of_the_categories_are_named() {
    case(
        async |world| {
            let (bot, agent) = (world.category(false), world.category(true));
            world.set(&bot, "between");
            world.set(&agent, &bot);
            world.set("between", &agent);
        },
        &[(
            "agent-category-held",
            "Swap bot_category_id and agent_category_id",
        )],
    )
    .await;
    case(
        async |world| {
            let agent = world.category(true);
            world.set(&agent, "5f0c0000000000000000cfff");
        },
        &[("agent-category", "agent_category_id = 5f0c0000000000000000cfff")],
    )
    .await;
    case(
        async |world| {
            let bot = world.category(false);
            world.set(&bot, "5f0c0000000000000000ca00");
        },
        &[("bot-category", "unselectable")],
    )
    .await;
    case(
        async |world| {
            for index in 0..2 {
                world.rce().set_categories_of(&world.agent(index), &[]).unwrap();
            }
        },
        &[("agent-category-held", "Give the Agent category")],
    )
    .await;
    case(
        async |world| {
            let both = [world.category(false), world.category(true)];
            let both: Vec<&str> = both.iter().map(String::as_str).collect();
            world.rce().set_categories_of(&world.agent(0), &both).unwrap();
        },
        &[("bot-category-free", "Sam Okafor")],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_category_twice_is_no_configuration() {
    let mut world = Box::pin(World::new()).await;
    let (bot, agent) = (world.category(false), world.category(true));
    world.set(&bot, &agent);
    let file = world.bridge.dir.path().join("examined.toml");
    std::fs::write(&file, &world.config).unwrap();
    let output = command()
        .args(["doctor", "--config"])
        .arg(&file)
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(
        complaint.contains("agent_category_id is the same as bot_category_id"),
        "{complaint}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_who_cannot_answer_are_named() {
    case(
        async |world| {
            world
                .rce()
                .permit(&world.agent(1), &world.source(), &["read"])
                .unwrap();
        },
        &[(
            "agent-permissions",
            "Mira Lindqvist (5f0c00000000000000a90002) lacks reply",
        )],
    )
    .await;
    case(
        async |world| world.rce().assign_identity("agent", &[&world.agent(0)]).unwrap(),
        &[("agent-identity-assigned", "Mira Lindqvist")],
    )
    .await;
    case(
        async |world| world.rce().assign_identity("agent", &[]).unwrap(),
        &[("agent-identity", "Controlled identity")],
    )
    .await;
    case(
        async |world| world.rce().untick_controlled_identity("agent").unwrap(),
        &[("agent-identity", "Controlled identity")],
    )
    .await;
    case(
        async |world| {
            let identity = "agent_identity = { id = \"somebody\", name = \"Support\" }";
            world.set(
                "[connections.default.bot]",
                &format!("{identity}\n\n[connections.default.bot]"),
            );
        },
        &[("agent-identity", "\"somebody\"")],
    )
    .await;
    case(
        async |world| {
            for index in 0..2 {
                world
                    .rce()
                    .set_availability(&world.agent(index), AgentStatus::Disconnected)
                    .unwrap();
            }
        },
        &[("agents-now", "logged in on the source's channel group")],
    )
    .await;
}
