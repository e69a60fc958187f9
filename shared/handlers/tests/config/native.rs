//! Channels of RCE's own: `channel = "native"`, its sources, and `[ringcx.native]`.

use std::collections::BTreeMap;
use std::time::Duration;

use handover_core::ids::{IdentityId, SourceId};
use handover_core::settings::{
    BotIntervention, Channel, Connection, NativeSettings, PrivateReplies, Topology,
};

use crate::samples::{LEAST, read};

/// Every setting of a native channel.
const FULL: &str = r#"
[connections.chat]
bot_keys = "literal-bot-key-0002"
[connections.chat.ringcx]
channel = "native"
base_api_url = "acme.api.engagement.dimelo.com"
api_access_token = "rce-token"
webhook_secrets = "another-webhook-secret"
verification_token = "another-verify-token"
source_id = "5001"
source_ids = ["5002", "5001", "5003", "5002"]
bot_category_id = "b"
agent_category_id = "a"
[connections.chat.ringcx.native]
author_identities = { 5001 = "1d01", 5003 = "1d03" }
private_replies = "never"
bot_intervention = "always"
virtual_agent = false
reply_max_chars = 900
settle_ms = 250
max_turns_per_hour = 30
[connections.chat.bot]
url = "https://bot.example.org/events"
signing_secrets = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
[connections.chat.timers]
bot_silent = 45
"#;

/// As little as is possible.
const ONE: &str = r#"
[connections.chat]
bot_keys = "literal-bot-key-0002"
[connections.chat.ringcx]
channel = "native"
base_api_url = "acme.api.engagement.dimelo.com"
api_access_token = "rce-token"
webhook_secrets = "another-webhook-secret"
verification_token = "another-verify-token"
source_ids = "5001"
bot_category_id = "b"
agent_category_id = "a"
[connections.chat.bot]
url = "https://bot.example.org/events"
signing_secrets = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
"#;

#[track_caller]
fn one(text: &str) -> Connection {
    let mut all = read(text).expect("a configuration");
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn sources(connection: &Connection) -> Vec<&str> {
    connection.ringcx.sources().map(SourceId::as_str).collect()
}

#[test]
fn every_setting_of_a_native_channel_is_read() {
    let chat = one(FULL);
    assert_eq!(
        (chat.ringcx.channel, chat.topology()),
        (Channel::Native, Topology::Native)
    );
    assert_eq!(
        sources(&chat),
        ["5001", "5002", "5003"],
        "each once, in their order"
    );
    let identity = |source: &str, identity: &str| (SourceId::new(source), IdentityId::new(identity));
    let native = NativeSettings {
        author_identities: BTreeMap::from([identity("5001", "1d01"), identity("5003", "1d03")]),
        private_replies: PrivateReplies::Never,
        bot_intervention: BotIntervention::Always,
        virtual_agent: false,
        reply_max_chars: Some(900),
        settle: Duration::from_millis(250),
        max_turns_per_hour: Some(30),
    };
    assert_eq!(chat.ringcx.native, native);
    assert_eq!(chat.timers.bot_silent, Duration::from_secs(45));
}

#[test]
fn a_native_channel_needs_nothing_of_a_source_of_ours() {
    let chat = one(ONE);
    assert_eq!(sources(&chat), ["5001"]);
    assert!(chat.ringcx.realtime_access_tokens.is_empty());
    assert_eq!(
        chat.ringcx.realtime_endpoint_url, chat.ringcx.api_base,
        "nothing is ever sent there"
    );
    let native = NativeSettings {
        author_identities: BTreeMap::new(),
        private_replies: PrivateReplies::LikeCustomer,
        bot_intervention: BotIntervention::WhenNeeded,
        virtual_agent: false,
        reply_max_chars: None,
        settle: Duration::from_millis(400),
        max_turns_per_hour: None,
    };
    assert_eq!(chat.ringcx.native, native);
    assert_eq!(chat.timers.bot_silent, Duration::from_mins(2));
    let never = format!("{ONE}[connections.chat.timers]\nbot_silent = 0\n");
    assert_eq!(one(&never).timers.bot_silent, Duration::ZERO);
}

#[test]
fn sources_are_one_id_or_several_by_either_name() {
    let with = |line: &str| one(&ONE.replace("source_ids = \"5001\"", line));
    assert_eq!(sources(&with("source_id = \"5001\"")), ["5001"]);
    assert_eq!(
        sources(&with("source_ids = [\"5002\", \"5001\"]")),
        ["5002", "5001"]
    );
    let both = with("source_id = \"5001\"\nsource_ids = \"5002\"");
    assert_eq!(sources(&both), ["5001", "5002"]);
    let is_ours = |id: &str| both.ringcx.has_source(&SourceId::new(id));
    assert!(is_ours("5001") && is_ours("5002") && !is_ours("500"));
}

#[test]
fn a_virtual_agent_works_by_interventions() {
    let agent = one(&format!(
        "{ONE}[connections.chat.ringcx.native]\nvirtual_agent = true\n"
    ));
    assert_eq!(agent.ringcx.native.bot_intervention, BotIntervention::Always);
    let silent = one(&format!(
        "{ONE}[connections.chat.ringcx.native]\nbot_intervention = \"never\"\nprivate_replies = \"always\"\n"
    ));
    assert_eq!(silent.ringcx.native.bot_intervention, BotIntervention::Never);
    assert_eq!(silent.ringcx.native.private_replies, PrivateReplies::Always);
}

#[test]
fn no_turns_an_hour_are_no_limit_and_without_a_number_the_channel_decides() {
    let turns = |line: &str| {
        let text = format!("{ONE}[connections.chat.ringcx.native]\n{line}\n");
        one(&text).ringcx.native.max_turns_per_hour
    };
    assert_eq!(turns("max_turns_per_hour = 0"), Some(0));
    assert_eq!(turns("max_turns_per_hour = 10000"), Some(10_000));
    assert_eq!(turns(""), None);
    for wrong in ["-1", "10001", "\"many\""] {
        let listed = read(&FULL.replace("= 30", &format!("= {wrong}"))).unwrap_err();
        let named = "native.max_turns_per_hour is not a whole number from 0 to 10000";
        assert_eq!(listed, [format!("connections.chat.ringcx.{named}")], "{wrong}");
    }
}

#[test]
fn a_channel_is_answered_by_the_bridge_or_by_the_platform_and_not_by_both() {
    assert_eq!(
        read(&ONE.replace("bot_keys", "relay_messages = false\nbot_keys")).unwrap_err(),
        [
            "connections.chat.relay_messages = false is for a channel that the platform answers itself; remove ringcx.channel = \"native\", or relay_messages"
        ]
    );
    let turn = one(&task_only().replace("source_ids", "source_id"));
    assert_eq!(turn.topology(), Topology::TaskOnly);
}

/// The same where the platform answers.
fn task_only() -> String {
    ONE.replace("bot_keys", "relay_messages = false\nbot_keys")
        .replace("channel = \"native\"\n", "")
}

#[test]
fn another_channel_is_one_error_that_names_the_two_there_are() {
    assert_eq!(
        read(&ONE.replace("\"native\"", "\"whatsapp\"")).unwrap_err(),
        [
            "connections.chat.ringcx.channel is not \"source_sdk\" (the bot's own channel) or \"native\" (any of RingCentral's own, such as WhatsApp)"
        ]
    );
}

#[test]
fn a_setting_in_the_wrong_place_is_told_its_place() {
    let lost = format!("{ONE}[connections.chat.ringcx.native]\nbot_silent = 5\n");
    assert_eq!(
        read(&lost).unwrap_err(),
        ["connections.chat.ringcx.native.bot_silent belongs to [connections.chat.timers]"]
    );
    assert_eq!(
        read(&task_only().replace("\"5001\"", "[\"5001\", \"5002\"]")).unwrap_err(),
        [
            "connections.chat.ringcx.source_ids is for channel = \"native\"; without relay_messages a connection is on one source: write source_id, and a connection for each"
        ]
    );
}

#[test]
fn each_mistake_on_a_native_channel_is_named() {
    for (line, instead, expected) in [
        (
            "source_id = \"5001\"\nsource_ids = [\"5002\", \"5001\", \"5003\", \"5002\"]",
            "",
            "source_id is missing: it says which of the account's own channels the bot answers (source_ids: several)",
        ),
        ("source_id = \"5001\"", "source_id = \"\"", "source_id is empty"),
        (
            "[\"5002\", \"5001\", \"5003\", \"5002\"]",
            "[\"5002\", \" \"]",
            "source_ids has an empty id",
        ),
        (
            "[\"5002\", \"5001\", \"5003\", \"5002\"]",
            "[\"5002\", 5003]",
            "source_ids is not a list of texts",
        ),
        (
            "[\"5002\", \"5001\", \"5003\", \"5002\"]",
            "5002",
            "source_ids is not a text or a list of texts",
        ),
        (
            "channel = \"native\"",
            "channel = \"natif\"",
            "channel is not \"source_sdk\" (the bot's own channel) or \"native\" (any of RingCentral's own, such as WhatsApp)",
        ),
        (
            "5003 = \"1d03\" }",
            "5009 = \"1d09\" }",
            "native.author_identities names a source that is none of this connection's (source_id, source_ids)",
        ),
        (
            "\"1d03\"",
            "\"\"",
            "native.author_identities gives each source id the id of an identity",
        ),
        (
            "\"1d03\"",
            "3",
            "native.author_identities gives each source id the id of an identity",
        ),
        (
            "{ 5001 = \"1d01\", 5003 = \"1d03\" }",
            "\"1d01\"",
            "native.author_identities is not a section",
        ),
        (
            "\"never\"",
            "\"sometimes\"",
            "native.private_replies is not \"like_customer\", \"always\" or \"never\"",
        ),
        (
            "\"always\"",
            "\"often\"",
            "native.bot_intervention is not \"when_needed\", \"always\" or \"never\"",
        ),
        (
            "bot_intervention = \"always\"\nvirtual_agent = false",
            "bot_intervention = \"never\"\nvirtual_agent = true",
            "native.bot_intervention = \"never\" contradicts virtual_agent, which works by interventions",
        ),
        (
            "virtual_agent = false",
            "virtual_agent = \"no\"",
            "native.virtual_agent is not true or false",
        ),
        (
            "= 900",
            "= 19",
            "native.reply_max_chars is not a whole number from 20 to 20000",
        ),
        (
            "= 900",
            "= 20001",
            "native.reply_max_chars is not a whole number from 20 to 20000",
        ),
        (
            "= 250",
            "= 5001",
            "native.settle_ms is not a whole number from 0 to 5000",
        ),
        ("settle_ms", "settle", "native.settle is not a known setting"),
        ("source_ids", "sources", "sources is not a known setting"),
    ] {
        assert_eq!(FULL.matches(line).count(), 1, "{line}");
        let listed = read(&FULL.replace(line, instead)).expect_err(expected);
        let expected = format!("connections.chat.ringcx.{expected}");
        assert!(
            listed.contains(&expected),
            "{instead}: {listed:?} has no {expected:?}"
        );
    }
    let listed = read(&FULL.replace("= 45", "= -1")).unwrap_err();
    let named = "connections.chat.timers.bot_silent is not a whole number from 0 to 31536000";
    assert_eq!(listed, [named]);
}

#[test]
fn what_is_for_native_channels_is_refused_elsewhere() {
    let listed = read(&LEAST.replace(
        "[connections.least.bot]",
        "[connections.least.ringcx.native]\nsettle_ms = 1\n[connections.least.bot]",
    ));
    assert_eq!(
        listed.unwrap_err(),
        ["connections.least.ringcx.native is for channel = \"native\""]
    );
    for timer in ["bot_silent", "bot_intervention_idle"] {
        let listed = read(&format!("{LEAST}[connections.least.timers]\n{timer} = 60\n"));
        let expected = format!("connections.least.timers.{timer} is for channel = \"native\"");
        assert_eq!(listed.unwrap_err(), [expected]);
    }
}

/// The same connection under another name, on these sources of this account.
fn another(name: &str, host: &str, sources: &str) -> String {
    ONE.replace("connections.chat", &format!("connections.{name}"))
        .replace("acme.api.engagement.dimelo.com", host)
        .replace("source_ids = \"5001\"", &format!("source_ids = {sources}"))
}

#[test]
fn a_source_has_one_bot_however_its_account_is_spelt() {
    let refused = "connections.chat and connections.other both answer source 5001; a source has one bot: take 5001 out of one source_ids";
    for host in [
        "acme.api.engagement.dimelo.com",
        "https://ACME.api.engagement.dimelo.com:443/1.0/",
        "acme.engagement.dimelo.com",
        "acme.api.engagement.dimelo.com./1.0",
    ] {
        let text = format!("{ONE}{}", another("other", host, "[\"5002\", \"5001\"]"));
        assert_eq!(read(&text).expect_err(host), [refused], "{host}");
    }
    // A bot that mirrors the channel, or sits on it, would be a second voice too.
    for bot in [
        task_only()
            .replace("connections.chat", "connections.other")
            .replace("source_ids", "source_id"),
        LEAST
            .replace("connections.least", "connections.other")
            .replace("5f0d1111", "5001"),
    ] {
        assert_eq!(read(&format!("{ONE}{bot}")).unwrap_err(), [refused], "{bot}");
    }
}

#[test]
fn other_sources_and_other_accounts_are_no_conflict() {
    for (host, sources) in [
        ("acme.api.engagement.dimelo.com", "\"5002\""),
        ("emca.api.engagement.dimelo.com", "\"5001\""),
        ("acme.api.engagement.dimelo.com:8443", "\"5001\""),
    ] {
        let text = format!("{ONE}{}", another("other", host, sources));
        assert_eq!(read(&text).unwrap().len(), 2, "{host} {sources}");
    }
}
