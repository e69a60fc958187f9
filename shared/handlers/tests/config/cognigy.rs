//! `kind = "cognigy"`.

use handover_core::settings::{BotKind, CognigyEndpoint, CognigySettings, CognigyWayIn};

use crate::samples::read;

const SIGNING: &str = "signing_secrets = \"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"";

fn text(bot: &str) -> String {
    format!(
        "[connections.c]\n[connections.c.ringcx]\n\
         base_api_url = \"acme.api.engagement.dimelo.com\"\napi_access_token = \"t\"\n\
         realtime_endpoint_url = \"https://acme.engagement.dimelo.com/realtime/sdk/5f0d1111\"\n\
         realtime_access_tokens = \"source-token\"\nbot_category_id = \"b\"\nagent_category_id = \"a\"\n\
         webhook_secrets = \"another-webhook-secret\"\nverification_token = \"another-verify-token\"\n\
         [connections.c.bot]\nkind = \"cognigy\"\n{bot}"
    )
}

#[track_caller]
fn settings(bot: &str) -> CognigySettings {
    let connection = read(&text(bot)).expect("valid").remove(0);
    match connection.bot.kind {
        BotKind::Cognigy(settings) => *settings,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn wrong(bot: &str) -> Vec<String> {
    let errors = read(&text(bot)).expect_err("it is wrong");
    errors
        .iter()
        .map(|error| error.replace("connections.c.", ""))
        .collect()
}

#[test]
fn the_endpoints_own_addresses_are_the_usual_way_in() {
    let read = settings(&format!(
        "endpoint_base_url = \"https://endpoint-trial.cognigy.ai/\"\n{SIGNING}"
    ));
    assert!(
        matches!(read.way_in, CognigyWayIn::Endpoint { base } if base.as_str() == "https://endpoint-trial.cognigy.ai/")
    );
    assert!(read.url_token.is_none(), "conversations name theirs");
    assert!(read.user_connected_message && read.user_disconnected_message);
    assert_eq!(read.calls_per_minute, 200);
}

#[test]
fn with_a_key_the_api_service_is_called_below_its_prefix() {
    for (prefix, expected) in [
        ("", "https://api-trial.cognigy.ai/"),
        ("api_path_prefix = \"\"", "https://api-trial.cognigy.ai/"),
        ("api_path_prefix = \"new\"", "https://api-trial.cognigy.ai/new"),
        ("api_path_prefix = \"/new/\"", "https://api-trial.cognigy.ai/new"),
    ] {
        let read = settings(&format!(
            "endpoint_base_url = \"https://endpoint-trial.cognigy.ai\"\napi_base_url = \"https://api-trial.cognigy.ai\"\n\
             api_key = \"k\"\n{prefix}\n{SIGNING}"
        ));
        assert!(
            matches!(&read.way_in, CognigyWayIn::Api { base, .. } if base.as_str() == expected),
            "{prefix}: {:?}",
            read.way_in
        );
    }
}

#[test]
fn mistakes_are_listed_without_any_that_only_follow() {
    assert_eq!(
        wrong(""),
        [
            "bot.endpoint_base_url is missing: the address of Cognigy's endpoints, such as https://endpoint-trial.cognigy.ai (or set api_base_url and api_key)",
            "bot_keys is missing",
        ]
    );
    assert_eq!(
        wrong(&format!("api_key = \"k\"\n{SIGNING}")),
        ["bot.api_base_url is missing: api_key is for the API service only",]
    );
    assert_eq!(
        wrong(&format!("api_base_url = \"https://a.test\"\n{SIGNING}")),
        ["bot.api_key is missing: the API service takes no call without it",]
    );
    let several = wrong(&format!(
        "endpoint_base_url = \"http://e.test?x=1\"\ncalls_per_minute = 0\nuser_connected_message = \"yes\"\nverify_tokens = \"x\"\n{SIGNING}"
    ));
    for expected in [
        "bot.endpoint_base_url plain http://",
        "bot.calls_per_minute",
        "bot.user_connected_message",
        "bot.verify_tokens is not a known",
    ] {
        assert!(
            several.iter().any(|error| error.starts_with(expected)),
            "{expected}: {several:?}"
        );
    }
    assert_eq!(
        wrong("endpoint_base_url = \"https://e.test\"\nsigning_secrets = \"short\"").len(),
        1
    );
}

/// On a channel of RCE's own.
fn native(bot: &str) -> String {
    text(bot)
        .replace(
            "realtime_endpoint_url = \"https://acme.engagement.dimelo.com/realtime/sdk/5f0d1111\"\n",
            "channel = \"native\"\nsource_id = \"5f0d1111\"\n",
        )
        .replace("realtime_access_tokens = \"source-token\"\n", "")
}

#[test]
fn on_a_channel_of_rces_own_the_flow_has_an_endpoint() {
    let base = "endpoint_base_url = \"https://e.test/x/\"\nurl_token = \"t\"";
    for (bot, expected) in [
        (base.to_owned(), CognigyEndpoint::Rest),
        (format!("{base}\nendpoint = \"rest\""), CognigyEndpoint::Rest),
        (
            format!("{base}\napi_base_url = \"https://a.test\"\napi_key = \"k\"\nendpoint = \"webhook\""),
            CognigyEndpoint::Webhook,
        ),
    ] {
        let mut text = native(&format!("{bot}\n{SIGNING}"));
        if expected == CognigyEndpoint::Webhook {
            let errors = read(&text).expect_err("its password is a bot key");
            assert_eq!(errors, ["connections.c.bot_keys is missing"]);
            text = text.replace(
                "[connections.c]\n",
                "[connections.c]\nbot_keys = \"a-bot-key-for-cognigy\"\n",
            );
        }
        let connection = read(&text).expect("valid").remove(0);
        let BotKind::Cognigy(settings) = connection.bot.kind else {
            panic!("another kind");
        };
        let asks = settings.asks.expect("an endpoint");
        assert_eq!(
            (asks.base.as_str(), asks.endpoint),
            ("https://e.test/x", expected)
        );
    }
    let errors = read(&native(&format!(
        "api_base_url = \"https://a.test\"\napi_key = \"k\"\n{SIGNING}"
    )));
    assert_eq!(
        errors.expect_err("nobody could be asked"),
        [
            "connections.c.bot.endpoint_base_url is missing: what people write is posted to the Flow's endpoint (channel = \"native\")",
            "connections.c.bot.url_token is missing: it says which endpoint is asked (channel = \"native\")",
        ]
    );
    let odd = wrong(&format!("{base}\nendpoint = \"socket\"\n{SIGNING}"));
    assert_eq!(odd, ["bot.endpoint is not \"rest\" or \"webhook\""]);
}
