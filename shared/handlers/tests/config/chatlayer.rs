//! `kind = "chatlayer"`, and connections that relay no messages.

use handover_core::settings::{BotKind, ChatlayerSettings, Connection};
use serde_json::json;

use crate::samples::read;

/// The RCE side of a connection that has a source.
const SOURCE: &str = r#"
realtime_endpoint_url = "https://acme.engagement.dimelo.com/realtime/sdk/5f0d1111"
realtime_access_tokens = "source-token"
bot_category_id = "b"
agent_category_id = "a"
"#;

fn text(connection: &str, ringcx: &str, bot: &str) -> String {
    format!(
        "[connections.c]\n{connection}\n[connections.c.ringcx]\n\
         base_api_url = \"acme.api.engagement.dimelo.com\"\napi_access_token = \"t\"\n\
         webhook_secrets = \"another-webhook-secret\"\nverification_token = \"another-verify-token\"\n{ringcx}\n\
         [connections.c.bot]\nkind = \"chatlayer\"\naccess_token = \"chatlayer-token\"\n\
         verify_tokens = \"another-chatlayer-token\"\nbot_id = \"b-77\"\n{bot}"
    )
}

#[track_caller]
fn one(connection: &str, ringcx: &str, bot: &str) -> Connection {
    read(&text(connection, ringcx, bot)).expect("valid").remove(0)
}

#[track_caller]
fn chatlayer(bot: &str) -> ChatlayerSettings {
    match one("", SOURCE, bot).bot.kind {
        BotKind::Chatlayer(settings) => *settings,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn wrong(connection: &str, ringcx: &str, bot: &str, expected: &[&str]) {
    let errors = read(&text(connection, ringcx, bot)).expect_err("it is wrong");
    let error = errors.join("\n");
    for part in expected {
        assert!(error.contains(part), "{part:?} is not in:\n{error}");
    }
}

#[test]
fn a_region_has_a_name_and_everything_else_a_default() {
    let regions = [
        ("", "https://api.chatlayer.ai/"),
        ("api_url = \"eu\"", "https://api.chatlayer.ai/"),
        ("api_url = \"us\"", "https://api.prod.us-east4.gcp.chatlayer.ai/"),
        (
            "api_url = \"asia\"",
            "https://api.prod.asia-south1.gcp.chatlayer.ai/",
        ),
        (
            "api_url = \"https://proxy.test/chatlayer/\"",
            "https://proxy.test/chatlayer",
        ),
    ];
    for (line, expected) in regions {
        assert_eq!(chatlayer(line).api_url.as_str(), expected, "{line}");
    }
    let settings = chatlayer("");
    assert_eq!(settings.actions.pause, json!({"pauseBot": true}));
    assert_eq!(settings.actions.resume, json!({"pauseBot": false}));
    assert!(!settings.accept_emulator);
    assert_eq!(settings.calls_per_minute, 600);
    assert!(one("", SOURCE, "").bot_keys.is_empty(), "none are needed");
}

#[test]
fn actions_are_json_or_tables() {
    let settings = chatlayer(
        "[connections.c.bot.actions]\npause = '{\"a\": [1, true]}'\nresume = { b = { c = \"d\" } }\n\
         dialog = '{\"go\": \"to:{{dialog}}\"}'",
    );
    assert_eq!(settings.actions.pause, json!({"a": [1, true]}));
    assert_eq!(settings.actions.resume, json!({"b": {"c": "d"}}));
    assert_eq!(settings.actions.dialog, json!({"go": "to:{{dialog}}"}));
}

#[test]
fn mistakes_are_listed() {
    wrong(
        "",
        SOURCE,
        "api_url = \"moon\"\ncalls_per_minute = 0\naccept_emulator = \"yes\"\nurl = \"https://x.test\"\n\
         [connections.c.bot.actions]\npause = \"stop\"\nresume = 7\ndialog = '{}'\nstop = '{}'",
        &[
            "connections.c.bot.api_url",
            "connections.c.bot.calls_per_minute",
            "connections.c.bot.accept_emulator is not true or false",
            "connections.c.bot.url is not a known setting",
            "connections.c.bot.actions.pause is not a JSON object",
            "connections.c.bot.actions.resume is not a JSON object",
            "connections.c.bot.actions.stop is not a known setting",
            "{{dialog}}",
        ],
    );
    let short = text("", SOURCE, "").replace("another-chatlayer-token", "short");
    let error = read(&short).expect_err("a mistake").join("\n");
    assert!(
        error.contains("connections.c.bot.verify_tokens is too short"),
        "{error}"
    );
    for key in ["access_token", "verify_tokens", "bot_id"] {
        let all = text("", SOURCE, "");
        let without: Vec<&str> = all.lines().filter(|line| !line.starts_with(key)).collect();
        let error = read(&without.join("\n")).expect_err("a mistake").join("\n");
        assert!(error.contains(&format!("connections.c.bot.{key}")), "{error}");
    }
}

#[test]
fn without_messages_to_relay_nothing_of_a_source_is_needed_but_its_id() {
    let least = one("relay_messages = false", "source_id = \"5f0c\"", "");
    assert!(!least.relay_messages);
    assert_eq!(least.ringcx.source_id.as_str(), "5f0c");
    assert!(least.ringcx.realtime_access_tokens.is_empty());
    assert!(least.ringcx.bot_category_id.as_str().is_empty());
    let both = one("relay_messages = false", SOURCE, "");
    assert_eq!(both.ringcx.source_id.as_str(), "5f0d1111", "learnt");
    assert_eq!(both.ringcx.agent_category_id.as_str(), "a");
    wrong(
        "relay_messages = false",
        "",
        "",
        &["connections.c.ringcx.source_id is missing"],
    );
    wrong(
        "",
        "source_id = \"5f0c\"",
        "",
        &[
            "connections.c.ringcx.realtime_endpoint_url",
            "connections.c.ringcx.realtime_access_tokens",
            "connections.c.ringcx.bot_category_id",
            "connections.c.ringcx.agent_category_id",
        ],
    );
}

#[test]
fn on_a_channel_of_rces_own_the_bot_has_a_webhook_channel() {
    let native =
        "channel = \"native\"\nsource_id = \"5f0d1111\"\nbot_category_id = \"b\"\nagent_category_id = \"a\"";
    let channel = "webhook_channel_url = \"https://channel.test/w/b-77?v=LIVE\"";
    let token = "webhook_channel_token = \"channel-token\"";
    let connection = one("", native, &format!("{channel}\n{token}"));
    let BotKind::Chatlayer(settings) = connection.bot.kind else {
        panic!("another kind");
    };
    let read = settings.channel.expect("a channel");
    assert_eq!(
        read.url.as_str(),
        "https://channel.test/w/b-77?v=LIVE",
        "used as it is"
    );
    assert_eq!(read.token.expose(), "channel-token");
    wrong("", native, "", &["bot.webhook_channel_url is missing"]);
    wrong("", native, channel, &["bot.webhook_channel_token is missing"]);
    let plain = "webhook_channel_url = \"http://channel.test/\"";
    wrong(
        "",
        native,
        &format!("{plain}\n{token}"),
        &["webhook_channel_url plain http://"],
    );
}
