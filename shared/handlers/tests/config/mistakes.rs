//! What an integrator is told when something is wrong.

use std::collections::HashSet;

use crate::samples::{FULL, LEAST, SECRETS, read};

#[test]
fn everything_that_is_wrong_is_listed_at_once_with_its_place() {
    let text = r#"
colour = "red"
[connections.shop]
bot_keys = ["cognigy123", "env:NOWHERE", "env:SHORT"]
enable = true
[connections.shop.ringcx]
base_api_url = "http://acme.api.engagement.dimelo.com"
realtime_endpoint_url = "not a url"
realtime_access_tokens = []
webhook_secrets = "short"
verification_token = "file:/nowhere"
bot_category_id = "same"
agent_category_id = "same"
bot_identity = { id = "b o t", nme = "Ada" }
requests_per_minute = 0
[connections.shop.bot]
kind = "telepathy"
[connections.shop.availability]
hours = "sometimes"
[connections.shop.timers]
queue = "long"
[connections.shop.files]
public_url = "https://bridge.example.org/?a=1"
max_bytes = 99000000
keep_days = 0
rehost = "perhaps"
allow_hosts = ["https://files.example.org/", 7]
[connections.health]
"#;
    let mut listed = read(text).unwrap_err();
    let missing = |key: &str| format!("connections.health.{key} is missing");
    let mut expected = vec![
        "colour is not a known setting".to_owned(),
        "connections.shop.bot_keys is a public default that everybody knows; invent another".to_owned(),
        "connections.shop.bot_keys refers to the environment variable NOWHERE, which is not set".to_owned(),
        "connections.shop.bot_keys is too short: a secret has at least 16 characters".to_owned(),
        "connections.shop.enable is not a known setting".to_owned(),
        "connections.shop.ringcx.base_api_url plain http:// is accepted towards this machine only; use https://".to_owned(),
        "connections.shop.ringcx.realtime_endpoint_url is not a URL such as https://host/path".to_owned(),
        "connections.shop.ringcx.api_access_token is missing".to_owned(),
        "connections.shop.ringcx.realtime_access_tokens is empty".to_owned(),
        "connections.shop.ringcx.webhook_secrets is too short: a secret has at least 16 characters".to_owned(),
        "connections.shop.ringcx.verification_token refers to the file /nowhere, which cannot be read: no such file".to_owned(),
        "connections.shop.ringcx.agent_category_id is the same as bot_category_id; agents would see every bot conversation".to_owned(),
        "connections.shop.ringcx.bot_identity.id has letters, digits, - and _ only".to_owned(),
        "connections.shop.ringcx.bot_identity.nme is not a known setting".to_owned(),
        "connections.shop.ringcx.requests_per_minute is not a whole number from 1 to 100000".to_owned(),
        "connections.shop.bot.kind is not \"webhook\", \"cognigy\" or \"chatlayer\"".to_owned(),
        "connections.shop.availability.hours is not \"source\" or \"none\"".to_owned(),
        "connections.shop.timers.queue is not a whole number from 0 to 31536000".to_owned(),
        "connections.shop.files.public_url is an address without ? and #".to_owned(),
        "connections.shop.files.max_bytes is not a whole number from 1 to 20971520".to_owned(),
        "connections.shop.files.keep_days is not a whole number from 1 to 365".to_owned(),
        "connections.shop.files.rehost is not \"auto\", \"always\" or \"never\"".to_owned(),
        "connections.shop.files.allow_hosts is not a list of texts".to_owned(),
        "connections.shop.files.allow_hosts has hosts such as files.example.org or 10.0.0.7:8080 only".to_owned(),
        "connections.health: a connection's name has 1 to 64 letters, digits, - or _ and is none of [\"health\", \"openapi.json\", \"metrics\"]".to_owned(),
    ];
    let keys = [
        "bot_keys",
        "ringcx.base_api_url",
        "ringcx.realtime_endpoint_url",
        "ringcx.api_access_token",
    ];
    expected.extend(keys.map(missing));
    let keys = [
        "realtime_access_tokens",
        "webhook_secrets",
        "verification_token",
        "bot_category_id",
    ];
    expected.extend(keys.map(|key| missing(&format!("ringcx.{key}"))));
    expected.extend(["ringcx.agent_category_id", "bot.url", "bot.signing_secrets"].map(missing));
    listed.sort();
    expected.sort();
    assert_eq!(listed, expected);
}

/// What stands in the smallest configuration, what stands there instead, the error.
#[track_caller]
fn each_is_named(table: &[(&str, &str, &str)]) {
    for (line, instead, expected) in table {
        assert_eq!(LEAST.matches(line).count(), 1, "{line}");
        let listed = read(&LEAST.replace(line, instead)).expect_err(expected);
        let expected = format!("connections.least.{expected}");
        assert!(
            listed.contains(&expected),
            "{instead}: {listed:?} has no {expected:?}"
        );
    }
}

#[test]
fn each_missing_unknown_or_mistyped_setting_is_named() {
    each_is_named(&[
        ("bot_keys = \"literal-bot-key-0002\"", "", "bot_keys is missing"),
        ("\"literal-bot-key-0002\"", "[]", "bot_keys is empty"),
        (
            "\"literal-bot-key-0002\"",
            "17",
            "bot_keys is not a text or a list of texts",
        ),
        (
            "\"literal-bot-key-0002\"",
            "[\"literal-bot-key-0002\", 3]",
            "bot_keys is not a list of texts",
        ),
        ("\"literal-bot-key-0002\"", "\"file:/empty\"", "bot_keys is empty"),
        (
            "[connections.least.bot]",
            "[connections.least.bot]\nurls = 1",
            "bot.urls is not a known setting",
        ),
        (
            "[connections.least.bot]",
            "[connections.least.timer]\n[connections.least.bot]",
            "timer is not a known setting",
        ),
        (
            "[connections.least.bot]",
            "[connections.least.bot]\nkind = \"cognigy\"",
            "bot.endpoint_base_url is missing: the address of Cognigy's endpoints, such as https://endpoint-trial.cognigy.ai (or set api_base_url and api_key)",
        ),
        (
            "[connections.least.bot]",
            "[connections.least.bot]\nqueue_subscribers = 1",
            "bot.queue_subscribers is not a list of sections",
        ),
        (
            "[connections.least.bot]",
            "[connections.least.bot]\nqueue_subscribers = [{ url = \"http://wall.example.org\" }]",
            "bot.queue_subscribers[0].url plain http:// is accepted towards this machine only; use https://",
        ),
    ]);
}

#[test]
fn each_refused_value_is_named() {
    let long = format!("webhook_secrets = \"{}\"", "s".repeat(256));
    each_is_named(&[
        (
            "\"https://bot.example.org/events\"",
            "\"http://bot.example.org/events\"",
            "bot.url plain http:// is accepted towards this machine only; use https://",
        ),
        (
            "\"https://bot.example.org/events\"",
            "\"ftp://bot.example.org/events\"",
            "bot.url the scheme must be https",
        ),
        (
            "\"https://bot.example.org/events\"",
            "true",
            "bot.url is not a text",
        ),
        (
            "\"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz\"",
            "\"MDEyMzQ1Njc4OTAx is not base64\"",
            "bot.signing_secrets is not a signing secret: whsec_ followed by the base64 of 24 to 64 random bytes",
        ),
        (
            "webhook_secrets = \"another-webhook-secret\"",
            &long,
            "ringcx.webhook_secrets must be ASCII of at most 255 characters for RingCentral",
        ),
        (
            "webhook_secrets = \"another-webhook-secret\"",
            "webhook_secrets = \"cognigy123\"",
            "ringcx.webhook_secrets is a public default that everybody knows; invent another",
        ),
        (
            "\"acme.api.engagement.dimelo.com\"",
            "\"https://me:pw@acme.example.org\"",
            "ringcx.base_api_url the URL carries a user name or password; tokens have settings of their own",
        ),
        (
            "bot_category_id = \"b\"",
            "bot_category_id = \" \"",
            "ringcx.bot_category_id is empty",
        ),
        (
            "bot_category_id = \"b\"",
            "bot_category_id = \"a\"",
            "ringcx.agent_category_id is the same as bot_category_id; agents would see every bot conversation",
        ),
        (
            "/realtime/sdk/5f0d1111",
            "",
            "ringcx.source_id is missing, and the realtime endpoint URL does not end in one",
        ),
        (
            "bot_category_id = \"b\"",
            "bot_category_id = \"b\"\nagent_identity = { id = \"bot\" }",
            "ringcx.agent_identity has the same id as bot_identity; nobody could tell agents' words from the bot's",
        ),
        (
            "bot_category_id = \"b\"",
            "bot_category_id = \"b\"\nagent_takeover = \"no\"",
            "ringcx.agent_takeover is not true or false",
        ),
        (
            "bot_category_id = \"b\"",
            "bot_category_id = \"b\"\nsource_ids = [\"s\"]",
            "ringcx.source_ids is for channel = \"native\"; a Source SDK channel is one source_id",
        ),
        (
            "bot_category_id = \"b\"",
            "bot_category_id = \"b\"\nchannel = \"smoke\"",
            "ringcx.channel is not \"source_sdk\" (the bot's own channel) or \"native\" (any of RingCentral's own, such as WhatsApp)",
        ),
        (
            "bot_category_id = \"b\"",
            "bot_category_id = \"b\"\nbot_identity = \"Ada\"",
            "ringcx.bot_identity is not a section",
        ),
    ]);
}

#[test]
fn a_file_without_connections_is_refused() {
    for text in ["", "[connections]", "# nothing yet"] {
        assert_eq!(
            read(text).unwrap_err(),
            ["there is no [connections.NAME] section"],
            "{text}"
        );
    }
    assert_eq!(
        read("connections = 1").unwrap_err(),
        [
            "connections is not a section",
            "there is no [connections.NAME] section"
        ]
    );
    assert_eq!(
        read("connections.a = 1").unwrap_err(),
        ["connections.a is not a section"]
    );
}

#[test]
fn a_connection_s_name_is_unique_and_fits_into_a_url() {
    let twice = format!("{LEAST}{LEAST}");
    let listed = read(&twice).unwrap_err();
    assert!(
        listed.len() == 1 && listed[0].starts_with("line 17 is not valid TOML: duplicate key"),
        "{listed:?}"
    );
    let long = "n".repeat(65);
    for name in ["openapi.json", "metrics", "a/b", "ä", &long] {
        let text = LEAST.replace("connections.least", &format!("connections.\"{name}\""));
        let listed = read(&text).unwrap_err();
        let named = format!("connections.{name}: a connection's name has 1 to 64 letters");
        assert!(
            listed.iter().any(|error| error.starts_with(&named)),
            "{name}: {listed:?}"
        );
    }
}

#[test]
fn a_broken_file_is_refused_without_showing_a_secret() {
    let mut shown = HashSet::new();
    for (place, character) in FULL.char_indices() {
        let (before, after) = FULL.split_at(place);
        let cut = [
            before.to_owned(),
            format!("{before}{}", &after[character.len_utf8()..]),
        ];
        let stray = ["\"", "=", "[", "\n", "\\", "."].map(|stray| format!("{before}{stray}{after}"));
        for text in cut.into_iter().chain(stray) {
            shown.extend(read(&text).err().into_iter().flatten());
        }
    }
    assert!(shown.len() > 100, "many things can be wrong");
    for piece in SECRETS.iter().flat_map(|secret| secret.as_bytes().windows(9)) {
        let piece = std::str::from_utf8(piece).unwrap();
        let leak = shown.iter().find(|error| error.contains(piece));
        assert_eq!(leak, None, "a piece of a secret is shown");
    }
}
