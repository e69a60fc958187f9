//! The bot API, and everything else that has a URL, with bodies, paths and headers of anybody's choice.

use std::sync::Arc;

use bolero::{TypeGenerator, check};
use bytes::Bytes;
use handover_fuzz::ports::{BOT_KEY, Memory, block_on, bridge};
use handover_fuzz::{Mutation, Seeds, TIME};
use handover_handlers::{App, routes};
use http::{Request, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

#[derive(Clone, Debug, TypeGenerator)]
struct Call {
    method: u8,
    path: Path,
    key: Option<bool>,
    idempotency_key: Option<Vec<u8>>,
    body: Mutation,
}

#[derive(Clone, Debug, TypeGenerator)]
enum Path {
    /// An address of the bot API, for one of two conversations.
    Known { what: u8, second: bool },
    /// The same with an id of anybody's choice.
    Id { what: u8, id: String },
    /// What RCE calls, by somebody else.
    Rce { what: u8, query: String },
    /// Anything.
    Raw(String),
}

const WHAT: [&str; 6] = ["/messages", "/handover", "", "/timeline", "/typing", "/read"];
const RCE: [&str; 5] = ["", "/source", "/webhook", "/../rce", "/%2e"];
const METHODS: [&str; 6] = ["POST", "GET", "DELETE", "PUT", "HEAD", "POST"];

fn pick<T: Copy>(from: &[T], number: u8) -> T {
    from[usize::from(number) % from.len()]
}

impl Path {
    fn uri(&self) -> String {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        match self {
            Self::Known { what, second } => {
                let id = if *second { "c-2" } else { "c-1" };
                format!("/shop/conversations/{id}{}", pick(&WHAT, *what))
            }
            Self::Id { what, id } => format!("/shop/conversations/{}{}", encode(id), pick(&WHAT, *what)),
            Self::Rce { what, query } => format!("/shop/handover/rce{}?{}", pick(&RCE, *what), encode(query)),
            Self::Raw(path) => format!("/{path}"),
        }
    }
}

impl Call {
    /// `None`: no HTTP library would let this through.
    fn request(&self, seeds: &Seeds) -> Option<Request<Bytes>> {
        let mut request = Request::builder()
            .method(pick(&METHODS, self.method))
            .uri(self.path.uri());
        if let Some(right) = self.key {
            let key = if right { BOT_KEY } else { "some-other-key-00" };
            request = request.header("authorization", format!("Bearer {key}"));
        }
        if let Some(key) = &self.idempotency_key {
            request = request.header("idempotency-key", key.as_slice());
        }
        let body = seeds.grow(&self.body);
        request.body(Bytes::from(body)).ok()
    }
}

/// What is true of every answer.
fn check_answer(call: &Call, answer: &Response<Bytes>) {
    let status = answer.status().as_u16();
    let expected = [200, 202, 400, 401, 403, 404, 405, 413, 422, 501];
    assert!(expected.contains(&status), "{status}");
    if call.key != Some(true) {
        let open = matches!(call.path, Path::Raw(_));
        assert!(
            open || !answer.status().is_success(),
            "nobody gets in without a key"
        );
    }
    let content_type = answer.headers()["content-type"].to_str().expect("a content type");
    match content_type {
        "application/problem+json" => {
            let problem: Value = serde_json::from_slice(answer.body()).expect("JSON");
            let kind = problem["type"].as_str().expect("a type");
            assert!(kind.starts_with("urn:engage-handover:problem:") && problem["status"] == status);
            assert!(status != 422 || kind.ends_with("mismatch") || problem["errors"].is_array());
        }
        "application/json" => {
            serde_json::from_slice::<Value>(answer.body()).expect("JSON");
        }
        other => assert_eq!(other, "text/plain"),
    }
}

/// A call with a name of its own, sent again, has no second effect.
fn check_repeat(app: &App, memory: &Arc<Memory>, call: &Call, seeds: &Seeds, first: &Response<Bytes>) {
    let named = call.idempotency_key.as_ref().is_some_and(|key| !key.is_empty());
    let path = call.path.uri();
    let remembers = path.ends_with("/messages") || path.ends_with("/handover");
    let again = call
        .request(seeds)
        .filter(|_| named && remembers && first.status().is_success());
    if let Some(request) = again {
        let jobs = memory.jobs();
        let second = block_on(routes::handle(app, request));
        assert_eq!((second.status(), second.body()), (first.status(), first.body()));
        assert_eq!(memory.jobs(), jobs, "one effect");
    }
}

#[test]
fn calls() {
    let seeds = Seeds::of("bot_api");
    check!()
        .with_type::<[Call; 3]>()
        .with_test_time(TIME)
        .for_each(|calls| {
            let (app, memory) = bridge();
            for call in calls {
                let Some(request) = call.request(&seeds) else {
                    continue;
                };
                let answer = block_on(routes::handle(&app, request));
                check_answer(call, &answer);
                check_repeat(&app, &memory, call, &seeds, &answer);
            }
        });
}
