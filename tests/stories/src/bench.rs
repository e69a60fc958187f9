//! The bridge between its two neighbours.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use bytes::Bytes;
use handover_bots::Bots;
use handover_conformance::TestClock;
use handover_core::ids::{ConnectionId, ConversationId, ForeignThreadId, Ids};
use handover_core::job::QueueName;
use handover_core::ports::{Commit, DeadLetter, Expected, JobQueue as _, NoMetrics, Store as _};
use handover_core::settings::Connection;
use handover_embedded::Embedded;
use handover_files::{FileDirectory, HttpFetcher};
use handover_handlers::App;
use handover_handlers::app::ReloadedConnections;
use handover_handlers::files::Files;
use handover_handlers::routes::{self, BodyTooLarge, RCE_BODY_LIMIT};
use handover_ringcx::{ProcessBudget, RingCxClient};
use jiff::SignedDuration;
use simulated_ringcx::SimulatedRingcx;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::bot::RecordingBot;
use crate::crash::{self, Steps};
use crate::setup::{self, Setup};

/// The connection of every story.
pub const CONNECTION: &str = "acme";

/// The whole bridge.
pub struct Bench {
    pub app: App,
    pub rce: SimulatedRingcx,
    pub bot: RecordingBot,
    pub clock: TestClock,
    /// Decides where something breaks.
    pub steps: Arc<Steps>,
    pub connection: Connection,
    pub embedded: Embedded,
    pub(crate) rce_ahead: SignedDuration,
    settings: String,
    live: Arc<ReloadedConnections>,
    pub(crate) counter: AtomicU64,
    server: JoinHandle<()>,
    _dir: TempDir,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Bench {
    /// The usual bench: everything is mirrored, queue updates are on, RCE calls us.
    pub async fn new() -> Self {
        Setup::default().start().await
    }

    pub(crate) async fn start(setup: Setup) -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        let clock = setup.clock.clone();
        let embedded = Embedded::open(dir.path(), Arc::new(clock.clone())).expect("a database");
        let rce = SimulatedRingcx::start(setup.rce.clone())
            .await
            .expect("a simulated RCE");
        let bot = RecordingBot::start().await;
        let rce_url = setup.rce_url.clone().unwrap_or_else(|| rce.base_url());
        let text = setup.text(&rce_url, bot.url());
        let connections = setup.connections(&text);
        let connection = connections
            .iter()
            .find(|connection| connection.id.as_str() == CONNECTION)
            .expect("the connection of every story")
            .clone();
        let steps = Arc::<Steps>::default();
        let http = handover_ringcx::http::client();
        let client = RingCxClient::new(
            http.clone(),
            Arc::new(ProcessBudget::new()),
            Arc::new(clock.clone()),
        );
        let files = Files::new(
            Arc::new(crash::Ports::new(
                FileDirectory::new(dir.path().join("files")),
                &steps,
            )),
            Arc::new(crash::Ports::new(
                HttpFetcher::default().within(setup.file_deadline),
                &steps,
            )),
            4,
        );
        let live = Arc::new(ReloadedConnections::new(connections));
        let app = App {
            connections: Arc::clone(&live) as _,
            store: Arc::new(crash::Ports::new(embedded.clone(), &steps)),
            queue: Arc::new(crash::Ports::new(embedded.clone(), &steps)),
            ringcx: Arc::new(crash::Ports::new(client, &steps)),
            bots: Arc::new(crash::Ports::new(Bots::new(http), &steps)),
            clock: Arc::new(clock.clone()),
            ids: Arc::new(CountedIds::default()),
            availability: Arc::default(),
            health: Arc::default(),
            metrics: Arc::new(NoMetrics),
            files,
        };
        let (url, server) = listen(app.clone()).await;
        let bench = Self {
            app,
            rce,
            bot,
            clock,
            steps,
            connection,
            embedded,
            rce_ahead: setup.rce_ahead,
            settings: text,
            live,
            counter: AtomicU64::new(0),
            server,
            _dir: dir,
        };
        bench.set_clock_of_rce();
        if setup.connected {
            let base = format!("{url}/{CONNECTION}/handover/rce");
            if bench.connection.is_mirrored() {
                let checked = bench.rce.set_bridge(&base, &base).await;
                assert!(checked.source_sdk && checked.webhook, "{checked:?}");
            } else {
                assert!(bench.rce.set_webhook(&base).await, "the webhook is refused");
            }
        }
        bench
    }

    /// Asks RCE for its opening hours, as the one-machine stage does before it listens.
    pub async fn knows_opening_hours(&self) {
        self.app.availability.shut(&self.app, &self.connection).await;
    }

    /// The configuration is changed and read again, while everything goes on.
    pub fn reconfigure(&mut self, change: impl Fn(&str) -> String) {
        self.settings = change(&self.settings);
        let connections = setup::parse(&self.settings);
        let ours = connections.iter().find(|c| c.id.as_str() == CONNECTION);
        self.connection = ours.expect("the connection of every story").clone();
        self.live.replace(connections);
    }

    /// How far RCE's clock is ahead of ours.
    pub fn rce_ahead(&self) -> SignedDuration {
        self.rce_ahead
    }

    /// A number that nobody had yet.
    pub fn next(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub fn thread(&self, conversation: &str) -> ForeignThreadId {
        ForeignThreadId::of(&ConversationId::new(conversation))
    }

    /// The conversation as it is stored.
    pub async fn stored(&self, conversation: &str) -> Option<handover_core::conversation::Conversation> {
        let found = self
            .embedded
            .conversation(&ConnectionId::from(CONNECTION), &self.thread(conversation))
            .await
            .expect("the store answers");
        found.map(|found| found.conversation)
    }

    /// The bridge loses what it knew about the conversation's thread in RCE.
    pub async fn forgets_thread(&self, conversation: &str) {
        let connection = ConnectionId::from(CONNECTION);
        let found = self
            .embedded
            .conversation(&connection, &self.thread(conversation))
            .await;
        let mut found = found
            .expect("the store answers")
            .expect("the conversation exists");
        found.conversation.rce_thread = None;
        let write = Some((found.conversation, Expected::Version(found.version)));
        let commit = Commit {
            write,
            ..Commit::default()
        };
        self.embedded.commit(commit).await.expect("the store answers");
    }

    /// Whether no queue holds any job.
    pub async fn has_no_jobs(&self) -> bool {
        for queue in QueueName::ALL {
            let next = self
                .embedded
                .next_visible_at(queue)
                .await
                .expect("the queue answers");
            if next.is_some() {
                return false;
            }
        }
        true
    }

    pub async fn dead_letters(&self) -> Vec<DeadLetter> {
        self.embedded.dead_letters().await.expect("the queue answers")
    }

    /// The dead letters that a story expects; they are gone afterwards.
    pub async fn take_dead_letters(&self) -> Vec<DeadLetter> {
        let letters = self.dead_letters().await;
        for letter in &letters {
            assert!(
                self.embedded
                    .discard(&letter.id)
                    .await
                    .expect("the queue answers")
            );
        }
        letters
    }

    /// What must be true at the end of every story.
    pub async fn finish(self) {
        assert!(self.has_no_jobs().await, "there is work left");
        let letters = self.dead_letters().await;
        assert!(letters.is_empty(), "unexpected dead letters: {letters:#?}");
        let violations = self.rce.violations();
        assert!(
            violations.is_empty(),
            "the protocol was violated: {violations:#?}"
        );
        self.bot.check();
    }

    /// Waits until RCE has nothing on its way to us.
    pub async fn settle(&self) {
        let quiet = self
            .rce
            .wait_until(simulated_ringcx::State::is_idle, Duration::from_secs(10))
            .await;
        assert!(quiet, "RCE does not come to rest");
    }
}

/// Ids that are counted, so that a story is the same every time.
#[derive(Debug, Default)]
struct CountedIds(AtomicU64);

impl Ids for CountedIds {
    fn next(&self) -> String {
        format!("{:08}", self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// A listener around the handlers, as thin as can be.
async fn listen(app: App) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let router = Router::new().fallback(move |request: Request| {
        let app = app.clone();
        async move {
            let (mut parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, RCE_BODY_LIMIT)
                .await
                .unwrap_or_else(|_| {
                    parts.extensions.insert(BodyTooLarge);
                    Bytes::new()
                });
            let answer = routes::handle(&app, http::Request::from_parts(parts, body)).await;
            answer.map(axum::body::Body::from)
        }
    });
    let server = tokio::spawn(async move {
        let _ = axum::serve(listener, router).await;
    });
    (url, server)
}
