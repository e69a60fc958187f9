//! Chatlayer's Offloading Webhook with bodies of anybody's choice, on a connection that relays messages and one that
//! does not.

use std::sync::{Arc, LazyLock};

use bolero::check;
use bytes::Bytes;
use handover_core::settings::Connection;
use handover_fuzz::ports::{References, block_on, bridge};
use handover_fuzz::{Mutation, Seeds, TIME};
use handover_handlers::app::FixedConnections;
use handover_handlers::{App, config, routes};
use http::{Request, Response};
use serde_json::Value;

const TOKEN: &str = "literal-chatlayer-token";

static CONNECTIONS: LazyLock<Arc<FixedConnections>> = LazyLock::new(|| {
    let full = include_str!("../seeds/config/full.toml");
    let chatlayer =
        format!("kind = \"chatlayer\"\naccess_token = \"t\"\nbot_id = \"b-77\"\nverify_tokens = \"{TOKEN}\"");
    let webhook = "kind = \"webhook\"\nurl = \"https://bot.test/events\"\n\
                   signing_secrets = [\"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz\"]";
    let settings = full.replace(webhook, &chatlayer);
    let mut connections: Vec<Connection> = config::parse(&settings, &References).expect("valid");
    let mut apart = connections[0].clone();
    apart.id = "apart".into();
    apart.relay_messages = false;
    connections.push(apart);
    Arc::new(FixedConnections::new(connections))
});

fn call(app: &App, connection: &str, token: &str, body: Vec<u8>) -> Response<Bytes> {
    let uri = format!("/{connection}/handover/chatlayer?challenge.verifyToken={token}");
    let request = Request::builder().method("POST").uri(uri).body(body.into());
    block_on(routes::handle(app, request.expect("a request")))
}

/// Exactly 200 is a success; everything else says what is wrong.
fn check_answer(answer: &Response<Bytes>, body: &[u8]) {
    let read: Value = serde_json::from_slice(answer.body()).expect("JSON");
    match answer.status().as_u16() {
        200 if read["offloadSuccess"].is_boolean() => {
            let paused = read["pauseBot"].as_bool().expect("a pause or none");
            assert!(read["offloadSuccess"] == true || !paused && read["reason"].is_string());
        }
        200 => assert_eq!(read["status"], "ok"),
        400 => assert!(!serde_json::from_slice::<Value>(body).is_ok_and(|body| body.is_object())),
        403 => assert!(read["detail"].as_str().expect("why").contains("botId")),
        422 => assert!(!read["errors"].as_array().expect("all that is wrong").is_empty()),
        other => panic!("{other}: {read}"),
    }
}

#[test]
fn events() {
    let seeds = Seeds::of("chatlayer");
    check!()
        .with_type::<([Mutation; 3], bool)>()
        .with_test_time(TIME)
        .for_each(|(mutations, relays)| {
            let (mut app, memory) = bridge();
            app.connections = Arc::clone(&*CONNECTIONS) as _;
            let connection = if *relays { "shop" } else { "apart" };
            for mutation in mutations {
                let body = seeds.grow(mutation);
                let stranger = call(&app, connection, "some-other-token", body.clone());
                assert_eq!(stranger.status(), 403, "nobody gets in without the token");
                let first = call(&app, connection, TOKEN, body.clone());
                check_answer(&first, &body);
                let jobs = memory.jobs();
                let second = call(&app, connection, TOKEN, body);
                assert_eq!((second.status(), second.body()), (first.status(), first.body()));
                assert_eq!(memory.jobs(), jobs, "one effect");
            }
        });
}
