//! The bridge on a temporary directory, with an RCE and a bot that agree to everything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use handover_core::Timestamp;
use handover_core::ids::{
    AgentId, CategoryId, ForeignThreadId, Ids, InterventionId, MessageId, SourceId, ThreadId,
};
use handover_core::job::QueueName;
use handover_core::ports::{
    Agents, BotError, BotPlatform, Clock, Contents, CustomerMessage, Delivery, Identity, Intervention,
    JobQueue as _, NoFiles, NoMetrics, RingCx, RingCxError, Thread, Told, Urgency,
};
use handover_core::settings::{Connection, Endpoint};
use handover_embedded::Embedded;
use handover_files::FileDirectory;
use handover_handlers::app::FixedConnections;
use handover_handlers::config::{Lookup, parse};
use handover_handlers::files::Files;
use handover_handlers::{App, routes, work};
use http::{Request, Response};
use tempfile::TempDir;

pub(crate) const NOW: &str = "2026-11-20T10:00:00Z";
pub(crate) const BOT_KEY: &str = "bot-key-of-the-tests";
pub(crate) const OPERATOR_KEY: &str = "operator-key-of-the-tests";
pub(crate) const WEBHOOK_SECRET: &str = "webhook-secret-of-the-tests";

const SETTINGS: &str = r#"
[connections.on]
bot_keys = "bot-key-of-the-tests"
operator_keys = "operator-key-of-the-tests"
get_queue_updates = true
availability.cache_seconds = 0
files.public_url = "https://bridge.example.org"
[connections.on.ringcx]
base_api_url = "http://127.0.0.1:1"
api_access_token = "t"
realtime_endpoint_url = "http://127.0.0.1:1/realtime/sdk/source-1"
realtime_access_tokens = "source-token"
webhook_secrets = "webhook-secret-of-the-tests"
verification_token = "verification-token-of-the-tests"
bot_category_id = "bot"
agent_category_id = "agent"
[connections.on.bot]
url = "http://127.0.0.1:1/events"
signing_secrets = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
"#;

struct NoReferences;

impl Lookup for NoReferences {
    fn env(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, _: &str) -> Result<String, std::io::Error> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

pub(crate) fn connection() -> Connection {
    parse(SETTINGS, &NoReferences).expect("valid").remove(0)
}

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        NOW.parse().expect("a time")
    }
}

#[derive(Default)]
struct Counted(AtomicU64);

impl Ids for Counted {
    fn next(&self) -> String {
        format!("id-{}", self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// What RCE says about its agents; everything else it does and confirms.
#[derive(Default)]
pub(crate) struct AgreeableRingCx {
    pub(crate) no_agents: AtomicBool,
    pub(crate) silent_about_agents: AtomicBool,
}

fn thread() -> Thread {
    Thread {
        id: ThreadId::new("t-1"),
        foreign_id: Some(ForeignThreadId::new("c-1")),
        source: SourceId::new("source-1"),
        categories: vec![CategoryId::new("bot")],
        closed: false,
        changed_at: None,
        answered_at: None,
    }
}

impl Contents for AgreeableRingCx {}

#[async_trait]
impl RingCx for AgreeableRingCx {
    async fn send_message(&self, _: &Connection, _: &CustomerMessage) -> Result<(), RingCxError> {
        Ok(())
    }
    async fn announce(&self, _: &Connection, _: &Identity) -> Result<(), RingCxError> {
        Ok(())
    }
    async fn typing(&self, _: &Connection, _: &ForeignThreadId, _: Option<&str>) -> Result<(), RingCxError> {
        Ok(())
    }
    async fn typing_stopped(&self, _: &Connection, _: &ForeignThreadId) -> Result<(), RingCxError> {
        Ok(())
    }
    async fn mark_as_read(&self, _: &Connection, _: &MessageId) -> Result<(), RingCxError> {
        Ok(())
    }
    async fn find_thread(&self, _: &Connection, _: &ForeignThreadId) -> Result<Option<Thread>, RingCxError> {
        Ok(Some(thread()))
    }
    async fn thread(&self, _: &Connection, _: &ThreadId, _: Urgency) -> Result<Thread, RingCxError> {
        Ok(thread())
    }
    async fn set_categories(
        &self,
        _: &Connection,
        _: &ThreadId,
        _: &[CategoryId],
    ) -> Result<Thread, RingCxError> {
        Ok(thread())
    }
    async fn archive(&self, _: &Connection, _: &ThreadId) -> Result<(), RingCxError> {
        Ok(())
    }
    async fn interventions(
        &self,
        _: &Connection,
        _: &ThreadId,
        _: Urgency,
    ) -> Result<Vec<Intervention>, RingCxError> {
        Ok(Vec::new())
    }
    async fn close_intervention(&self, _: &Connection, _: &InterventionId) -> Result<(), RingCxError> {
        Ok(())
    }
    async fn cancel_intervention(&self, _: &Connection, _: &InterventionId) -> Result<(), RingCxError> {
        Ok(())
    }
    async fn agents(&self, _: &Connection) -> Result<Option<Agents>, RingCxError> {
        let has_room = !self.no_agents.load(Ordering::Relaxed);
        let agents = Agents {
            channel: "group-1".to_owned(),
            room: (0..3)
                .map(|n| (AgentId::new(format!("a-{n}")), has_room))
                .collect(),
        };
        Ok((!self.silent_about_agents.load(Ordering::Relaxed)).then_some(agents))
    }
}

struct AgreeableBot;

#[async_trait]
impl BotPlatform for AgreeableBot {
    async fn tell(&self, _: &Connection, _: &Delivery) -> Result<Told, BotError> {
        Ok(Told { status: 204 })
    }
    async fn tell_subscriber(&self, _: &Connection, _: &Endpoint, _: &Delivery) -> Result<Told, BotError> {
        Ok(Told { status: 204 })
    }
}

/// A running bridge.
pub(crate) struct Host {
    pub(crate) app: App,
    pub(crate) ringcx: Arc<AgreeableRingCx>,
    embedded: Arc<Embedded>,
    _dir: TempDir,
}

impl Host {
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let embedded = Arc::new(Embedded::open(dir.path(), Arc::new(Stopped)).expect("opens"));
        let ringcx = Arc::new(AgreeableRingCx::default());
        let mut off = connection();
        off.id = "off".into();
        off.enabled = false;
        let app = App {
            connections: Arc::new(FixedConnections::new(vec![connection(), off])),
            store: Arc::clone(&embedded) as _,
            queue: Arc::clone(&embedded) as _,
            ringcx: Arc::clone(&ringcx) as _,
            bots: Arc::new(AgreeableBot),
            clock: Arc::new(Stopped),
            ids: Arc::new(Counted::default()),
            availability: Arc::default(),
            health: Arc::default(),
            metrics: Arc::new(NoMetrics),
            files: Files::new(
                Arc::new(FileDirectory::new(dir.path().join("files"))),
                Arc::new(NoFiles),
                1,
            ),
        };
        Self {
            app,
            ringcx,
            embedded,
            _dir: dir,
        }
    }

    pub(crate) async fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        routes::handle(&self.app, request).await
    }

    /// Does all work that waits.
    pub(crate) async fn work(&self) {
        let mut idle = false;
        while !idle {
            idle = true;
            for queue in QueueName::ALL {
                let visible = Duration::from_mins(1);
                let received = self.embedded.receive(queue, 10, visible).await.expect("receives");
                for job in received {
                    idle = false;
                    assert_eq!(work::run(&self.app, &job).await, work::Outcome::Done, "{job:?}");
                    self.embedded.delete(&job.receipt).await.expect("deletes");
                }
            }
        }
    }
}
