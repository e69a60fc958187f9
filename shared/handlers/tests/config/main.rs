//! `connections.toml`: what an integrator may write, and what they are told when it is wrong.

mod chatlayer;
mod cognigy;
mod documented;
mod mistakes;
mod native;
mod samples;
mod telemetry;

use std::collections::HashMap;
use std::time::Duration;

use handover_core::secret::Secret;
use handover_core::settings::{BotKind, FileSettings, Hours, Rehost, Timers};
use samples::{FULL, LEAST, read};

fn exposed(secrets: &[Secret]) -> Vec<&str> {
    secrets.iter().map(Secret::expose).collect()
}

#[test]
fn every_setting_is_read() {
    let connections = read(FULL).unwrap();
    let [shop] = connections.as_slice() else { panic!() };
    assert_eq!(shop.id.as_str(), "shop");
    assert!(!shop.enabled && shop.forward_only_handover_conversations && shop.get_queue_updates);
    assert_eq!(
        exposed(&shop.bot_keys),
        ["value-of-shop-bot-key", "literal-bot-key-0001"]
    );
    assert_eq!(exposed(&shop.operator_keys), ["literal-operator-key-1"]);

    let rce = &shop.ringcx;
    assert_eq!(
        rce.api_base.as_str(),
        "https://shop.api.engagement.dimelo.com/1.0"
    );
    assert_eq!(
        rce.api_access_token.expose(),
        "token-from-a-file",
        "without its line end"
    );
    assert_eq!(
        rce.realtime_endpoint_url.path(),
        "/realtime/sdk/77aa00bb",
        "taken as it is"
    );
    assert_eq!(
        exposed(&rce.realtime_access_tokens),
        ["value-of-shop-source-token", "old-source-token"]
    );
    assert_eq!(exposed(&rce.webhook_secrets), ["literal-webhook-secret"]);
    assert_eq!(rce.verification_token.expose(), "literal-verify-token");
    assert_eq!(rce.source_id.as_str(), "77aa00cc");
    assert_eq!(
        (rce.bot_category_id.as_str(), rce.agent_category_id.as_str()),
        ("c0b0", "c0a0")
    );
    assert_eq!(
        (rce.bot_identity.id.as_str(), rce.bot_identity.name.as_str()),
        ("robo", "Robo")
    );
    assert_eq!(
        (rce.agent_identity.id.as_str(), rce.agent_identity.name.as_str()),
        ("team", "The team")
    );
    assert_eq!((rce.agent_takeover, rce.requests_per_minute), (false, 120));

    let BotKind::Webhook(bot) = &shop.bot.kind else {
        panic!("{:?}", shop.bot.kind);
    };
    assert_eq!(
        bot.url.as_str(),
        "http://127.0.0.1:9000/events",
        "loopback needs no TLS"
    );
    assert_eq!(bot.signing_secrets.len(), 1);
    let [wallboard] = shop.bot.queue_subscribers.as_slice() else {
        panic!()
    };
    assert_eq!(
        (wallboard.url.as_str(), wallboard.signing_secrets.len()),
        ("https://wall.example.org/queue", 1)
    );
    assert_eq!(shop.dialogs.opened.as_deref(), Some("d-opened"));
    assert_eq!(shop.dialogs.closed.as_deref(), Some("d-closed"));
    assert!(shop.availability.require_agent && shop.availability.hours == Hours::None);
    assert_eq!(shop.availability.cache, Duration::from_secs(3));
    let timers = &shop.timers;
    let seconds = [
        timers.queue,
        timers.user_idle,
        timers.agent_idle,
        timers.reconcile_every,
        timers.max_age,
        timers.warn_before,
    ]
    .map(|t| t.as_secs());
    assert_eq!(seconds, [60, 61, 62, 63, 64, 65]);
    assert!(rce.customer_reopens && shop.availability.refuse_unknown);
    let files = FileSettings {
        public_url: Some("https://bridge.example.org/".parse().unwrap()),
        max_bytes: 5_000_000,
        keep: Duration::from_hours(7 * 24),
        rehost: Rehost::Always,
        allow_hosts: ["files.corp", "10.0.0.7:8080", "[fd00::7]"]
            .map(str::to_owned)
            .to_vec(),
    };
    assert_eq!(shop.files, files);
}

#[test]
fn what_is_left_out_has_a_sensible_value() {
    let connections = read(LEAST).unwrap();
    let [least] = connections.as_slice() else { panic!() };
    assert!(least.enabled && !least.forward_only_handover_conversations && !least.get_queue_updates);
    assert!(least.operator_keys.is_empty() && least.bot.queue_subscribers.is_empty());
    assert_eq!(
        least.ringcx.api_base.as_str(),
        "https://acme.api.engagement.dimelo.com/1.0"
    );
    assert_eq!(
        least.ringcx.source_id.as_str(),
        "5f0d1111",
        "learnt from the realtime URL"
    );
    assert!(least.ringcx.agent_takeover);
    assert_eq!(least.ringcx.requests_per_minute, 300);
    assert!(!least.availability.require_agent && least.availability.hours == Hours::Source);
    assert_eq!(least.availability.cache, Duration::from_secs(10));
    assert!(!least.availability.refuse_unknown && !least.ringcx.customer_reopens);
    let timers = Timers {
        queue: Duration::from_mins(15),
        user_idle: Duration::ZERO,
        agent_idle: Duration::ZERO,
        max_age: Duration::from_hours(7 * 24),
        warn_before: Duration::from_mins(1),
        reconcile_every: Duration::from_mins(1),
        bot_silent: Duration::from_mins(2),
        bot_intervention_idle: Duration::from_mins(30),
    };
    assert_eq!(least.timers, timers);
    assert_eq!(least.files, FileSettings::default());
    assert_eq!(
        (least.files.max_bytes, least.files.keep.as_secs()),
        (20_000_000, 30 * 24 * 3600)
    );
}

#[test]
fn the_most_careful_connection_of_an_account_sets_its_budget() {
    let like = |name: &str, host: &str, budget: &str| {
        LEAST
            .replace("least", name)
            .replace("\"acme.api.", &format!("\"{host}.api."))
            .replace("agent_category_id", &format!("{budget}\nagent_category_id"))
    };
    let text = [
        like("one", "acme", "requests_per_minute = 200"),
        like("two", "acme", "requests_per_minute = 90"),
        like("three", "acme", ""),
        like("elsewhere", "other", "requests_per_minute = 400"),
    ]
    .concat();
    let budgets: HashMap<String, u32> = read(&text)
        .unwrap()
        .into_iter()
        .map(|c| (c.id.to_string(), c.ringcx.requests_per_minute))
        .collect();
    let expected = [("one", 90), ("two", 90), ("three", 90), ("elsewhere", 400)];
    assert_eq!(
        budgets,
        expected.map(|(name, budget)| (name.to_owned(), budget)).into()
    );
}
