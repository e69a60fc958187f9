//! REST exchanges: the calls of our client are the samples' calls, and it reads their answers.

use std::sync::Arc;

use handover_conformance::TestClock;
use handover_core::ids::{AgentId, CategoryId, ForeignThreadId, InterventionId, ThreadId};
use handover_core::ports::{Agents, Intervention, RingCx as _, RingCxError, Urgency};
use handover_core::settings::Connection;
use handover_ringcx::{ProcessBudget, RingCxClient};
use handover_stories::canned::{CannedRce, Seen};
use serde_json::Value;

use crate::{CONVERSATION, bench, entries, id, text, vectors};

/// Exchanges that this bridge has no use for.
const UNUSED: [&str; 26] = [
    "rest-thread-close-403",
    "rest-contents-by-thread",
    "rest-content-get",
    "rest-content-create",
    "rest-content-create-structured",
    "rest-content-create-422",
    "rest-content-create-403-closed",
    "rest-content-ignore",
    "rest-intervention-get-closed",
    "rest-intervention-create",
    "rest-intervention-create-422",
    "rest-tasks-thread",
    "rest-identities-by-foreign-id",
    "rest-identity-group-update",
    "rest-identity-group-409",
    "rest-custom-fields",
    "rest-categories",
    "rest-webhook-create",
    "rest-webhooks",
    "rest-webhook-get",
    "rest-webhook-update",
    "rest-webhook-delete",
    "rest-attachment-create",
    "rest-bots-handover",
    "rest-bots-complete",
    // An answer to a call that names no agents and no source, which ours always do.
    "rest-status-none",
];

/// Query strings that differ, and why: the samples page by 30 and filter by state, we read all there is.
const OTHER_QUERY: [(&str, &str); 5] = [
    (
        "rest-interventions-active",
        "?thread_id=65d0a1000000000000740001&limit=150",
    ),
    ("rest-403-auth", "?thread_id=65d0a1000000000000740001&limit=150"),
    (
        "rest-429",
        "?limit=2&q=foreign%3A%22conv-7f3a9c%22%20source%3A%2265d0a10000000000000050c1%22",
    ),
    (
        "rest-error-not-json",
        "?limit=2&q=foreign%3A%22conv-7f3a9c%22%20source%3A%2265d0a10000000000000050c1%22",
    ),
    ("rest-thread-404", ""),
];

struct Called<'a> {
    client: RingCxClient,
    connection: &'a Connection,
    sample: &'a Value,
}

impl Called<'_> {
    /// The last but one, or last, segment of the sample's path, which is an id.
    fn segment(&self, from_the_end: usize) -> &str {
        let path = text(&self.sample["request"]["url"])
            .split('?')
            .next()
            .unwrap_or_default();
        path.rsplit('/').nth(from_the_end).unwrap_or_default()
    }

    fn categories(&self) -> Vec<CategoryId> {
        let body = text(&self.sample["request"]["body_exact"]);
        form_urlencoded::parse(body.as_bytes())
            .map(|(_, value)| CategoryId::new(value))
            .collect()
    }

    /// Makes the sample's call; what came of it, in a few words.
    async fn make(&self) -> Result<String, RingCxError> {
        let (client, connection) = (&self.client, self.connection);
        let thread = |n| ThreadId::new(self.segment(n));
        let case = |n| InterventionId::new(self.segment(n));
        match text(&self.sample["operationId"]) {
            "getAllThreads" => {
                let found = client
                    .find_thread(connection, &ForeignThreadId::new(CONVERSATION))
                    .await?;
                Ok(found.map_or("none".to_owned(), |thread| thread.id.to_string()))
            }
            "getThread" => Ok(client
                .thread(connection, &thread(0), Urgency::Now)
                .await?
                .foreign_id
                .expect("as told")
                .to_string()),
            "categorizeThread" => {
                let set = client
                    .set_categories(connection, &thread(1), &self.categories())
                    .await?;
                Ok(format!("{:?}", set.categories == self.categories()))
            }
            "archiveThread" => client
                .archive(connection, &thread(1))
                .await
                .map(|()| "done".to_owned()),
            "getAllInterventions" => {
                let id = ThreadId::new("65d0a1000000000000740001");
                let found = client.interventions(connection, &id, Urgency::Now).await?;
                let seen = |it: &Intervention| format!("{}:{}:{}", it.id, it.closed, it.agent_replies);
                Ok(found.iter().map(seen).collect::<Vec<_>>().concat())
            }
            "closeIntervention" => client
                .close_intervention(connection, &case(1))
                .await
                .map(|()| "done".to_owned()),
            "cancelIntervention" => client
                .cancel_intervention(connection, &case(1))
                .await
                .map(|()| "done".to_owned()),
            "getUser" => {
                let name = client
                    .agent_name(connection, &AgentId::new(self.segment(0)))
                    .await?;
                Ok(name.unwrap_or_default())
            }
            "getSource" | "getAllAgentStatus" => {
                let agents = client.agents(connection).await?;
                Ok(format!("{:?}", agents.as_ref().map(Agents::with_room)))
            }
            other => panic!("{other}"),
        }
    }
}

fn outcome(name: &str) -> &'static str {
    match name {
        "rest-thread-find" => "65d0a1000000000000740001",
        "rest-thread-find-none" => "none",
        "rest-thread-get" => "conv-7f3a9c",
        "rest-thread-404" => "NotFound",
        "rest-thread-to-agent" | "rest-thread-to-bot" => "true",
        "rest-thread-archive" | "rest-intervention-close" | "rest-intervention-cancel" => "done",
        "rest-interventions-active" => "65d0a1000000000000170001:false:0",
        "rest-thread-categorize-409" | "rest-intervention-close-409" => "Conflict",
        "rest-intervention-close-403" | "rest-403-auth" => "NotPermitted",
        "rest-429" => "RateLimited",
        "rest-error-not-json" => "Unavailable",
        "rest-source" | "rest-status" => "Some(1)",
        "rest-user" => "Sam",
        other => panic!("{other}"),
    }
}

fn check_request(name: &str, sample: &Value, seen: &Seen) {
    let request = &sample["request"];
    let url = text(&request["url"]);
    let (path, query) = url
        .split_once('?')
        .map_or((url, String::new()), |(path, query)| (path, format!("?{query}")));
    let path = &path[path.find("/1.0").expect("as told")..];
    let other = OTHER_QUERY.iter().find(|(other, _)| *other == name);
    let query = other.map_or(query, |(_, query)| (*query).to_owned());
    assert_eq!(seen.target, format!("{path}{query}"), "{name}");
    assert_eq!(seen.method, text(&request["method"]), "{name}");
    for (header, value) in request["headers"].as_object().expect("as told") {
        assert_eq!(seen.header(header), text(value), "{name}: {header}");
    }
    assert_eq!(
        String::from_utf8_lossy(&seen.body),
        text(&request["body_exact"]),
        "{name}"
    );
    assert!(
        !seen.target.contains("TEST-API-TOKEN"),
        "{name}: the token is in the URL"
    );
}

#[tokio::test]
async fn every_exchange_that_the_bridge_uses_is_made_like_this() {
    let Some(vectors) = vectors() else { return };
    let canned = CannedRce::start().await;
    let connection = bench(vectors, &canned).await.connection.clone();
    let all = entries(&vectors["rest"], 45);
    let body = |name: &str| {
        let sample = all.iter().find(|sample| id(sample) == name).unwrap();
        sample["response"]["body"].to_string()
    };
    for sample in all.iter().filter(|sample| !UNUSED.contains(&id(sample))) {
        let name = id(sample);
        let clock = Arc::new(TestClock::default());
        let client = RingCxClient::new(
            handover_ringcx::http::client(),
            Arc::new(ProcessBudget::new()),
            clock,
        );
        let called = Called {
            client,
            connection: &connection,
            sample,
        };
        let response = &sample["response"];
        let status = u16::try_from(response["status"].as_u64().unwrap()).unwrap();
        let answer = if response["body"].is_null() {
            String::new()
        } else {
            response["body"].to_string()
        };
        canned.take_seen();
        match name {
            // The two belong together: which channel group is the source's, and who is free in it.
            "rest-source" => {
                canned.once("GET", status, answer);
                canned.once("GET", 200, body("rest-status"));
            }
            "rest-status" => {
                canned.once("GET", 200, body("rest-source"));
                canned.once("GET", status, answer);
            }
            _ => canned.once("", status, answer),
        }
        let came = match called.make().await {
            Ok(found) => found,
            Err(error) => {
                let shown = format!("{error:?}");
                shown.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
            }
        };
        assert_eq!(came, outcome(name), "{name}");
        let seen = canned.take_seen();
        let which = usize::from(name == "rest-status");
        check_request(name, sample, &seen[which]);
    }
}
