//! Channels of RCE's own: what RCE reports of them, and what platforms say on them, with bodies of anybody's choice.

mod html;
mod imported;
mod platforms;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use handover_core::conversation::{Control, Conversation};
use handover_fuzz::ports::{Memory, References, WEBHOOK_SECRET, block_on, bridge};
use handover_handlers::app::FixedConnections;
use handover_handlers::{App, config, routes};
use http::{Request, Response};
use serde_json::Value;

/// The thread of the seeds, and so the conversation.
const THREAD: &str = "65d074000000000000000001";

/// The connection `shop` on channels of RCE's own, with a bot of this kind.
fn connections(bot: Option<&str>) -> Arc<FixedConnections> {
    let native = include_str!("../../seeds/config/native.toml");
    let webhook = "kind = \"webhook\"\nurl = \"https://bot.test/events\"\n\
                   signing_secrets = [\"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz\"]";
    assert!(native.contains(webhook));
    let settings = native.replace(webhook, bot.unwrap_or(webhook));
    let read = config::parse(&settings, &References).expect("the seed is valid");
    Arc::new(FixedConnections::new(read))
}

struct Door {
    app: App,
    memory: Arc<Memory>,
}

impl Door {
    fn of(connections: &Arc<FixedConnections>) -> Self {
        let (mut app, memory) = bridge();
        app.connections = Arc::clone(connections) as _;
        Self { app, memory }
    }

    /// The same, where somebody has written already; agents may have come since.
    fn after_the_first_word(connections: &Arc<FixedConnections>, with_agents: bool) -> Self {
        let door = Self::of(connections);
        let first = include_bytes!("../../seeds/imported/text.json");
        assert_eq!(
            door.webhook(WEBHOOK_SECRET, Bytes::from_static(first)).status(),
            200
        );
        assert_eq!(door.memory.all().len(), 1);
        if with_agents {
            door.memory
                .change(|conversation| conversation.control = Control::Active);
        }
        door
    }

    fn webhook(&self, secret: &str, body: Bytes) -> Response<Bytes> {
        self.post("rce/webhook", ("x-dimelo-secret", secret), body)
    }

    fn post(&self, path: &str, header: (&str, &str), body: Bytes) -> Response<Bytes> {
        let request = Request::builder()
            .method("POST")
            .uri(format!("/shop/handover/{path}"));
        let request = request.header(header.0, header.1).body(body);
        block_on(routes::handle(&self.app, request.expect("a request")))
    }

    /// The conversations as they are stored, and how much is to be done.
    fn state(&self) -> (BTreeMap<String, Value>, usize) {
        let all = self.memory.all().into_iter();
        let stored = all.map(|it| (it.id.to_string(), stored(&it)));
        (stored.collect(), self.memory.jobs())
    }
}

/// What is written is read again as it was.
fn stored(conversation: &Conversation) -> Value {
    let text = serde_json::to_string(conversation).expect("can be stored");
    assert_eq!(*conversation, serde_json::from_str(&text).expect("can be read"));
    serde_json::from_str(&text).expect("JSON")
}

fn read(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}
