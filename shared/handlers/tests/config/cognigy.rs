//! `kind = "cognigy"`.

use handover_core::settings::{BotKind, CognigySettings, CognigyWayIn};

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
