//! Whoever watches the stage: what is read for them, and the addresses that only this stage has.
//!
//! `GET /metrics` (Prometheus) and `GET /{connection}/operator/figures` (the operator page's plots), both with an
//! operator's key; and `GET /{connection}/operator`, the page itself.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use handover_core::Timestamp;
use handover_core::ids::ConnectionId;
use handover_core::ports::StoreError;
use handover_core::settings::Connection;
use handover_embedded::Embedded;
use handover_figures::{BudgetStanding, CONTENT_TYPE, EVERY, Figures, Process, QueueStanding, Standing};
use handover_handlers::App;
use handover_handlers::app::ReloadedConnections;
use handover_handlers::bot_api::is_operator;
use handover_handlers::respond::{self, Answer, Problem};
use handover_ringcx::ProcessBudget;
use handover_ringcx::client::account;
use http::header::{AUTHORIZATION, CACHE_CONTROL};
use http::{HeaderValue, Method, Request, StatusCode};
use tokio::sync::{Mutex, watch};

use crate::page::page;
use crate::route;
use crate::workers::wait_for;

/// How long what was read serves everybody who asks.
const FRESH: Duration = Duration::from_secs(1);

pub(crate) struct Monitor {
    pub(crate) app: App,
    pub(crate) embedded: Embedded,
    pub(crate) budget: Arc<ProcessBudget>,
    pub(crate) figures: Arc<Figures>,
    /// Of all connections that are configured.
    pub(crate) connections: Arc<ReloadedConnections>,
    pub(crate) started: Timestamp,
    /// When things were read last.
    pub(crate) read_at: Mutex<Option<Timestamp>>,
}

impl Monitor {
    /// The answer, if it is one of the addresses here.
    pub(crate) async fn answer(&self, request: &Request<Bytes>) -> Option<Answer> {
        let segments: Vec<&str> = request.uri().path().split('/').skip(1).collect();
        let answered = match segments.as_slice() {
            ["metrics"] => self.metrics(request).await,
            [connection, "operator"] => self.page(connection, request).await,
            [connection, "operator", "figures"] => self.plots(connection, request).await,
            _ => return None,
        };
        Some(answered.unwrap_or_else(Problem::into_answer))
    }

    /// Counts an answer.
    pub(crate) async fn answered(&self, path: &str, status: StatusCode, took: Duration) {
        let (connection, route) = route::of(path);
        let connection = match connection {
            Some(name) => self.connection(&ConnectionId::new(name)).await,
            None => None,
        };
        let connection = connection.as_ref().map(|connection| &connection.id);
        self.figures.answered(connection, route, status.as_u16(), took);
    }

    /// All metrics, for who may see them all.
    pub(crate) async fn metrics_of_all(&self) -> Answer {
        self.look().await;
        fresh(respond::raw(
            StatusCode::OK,
            CONTENT_TYPE,
            self.figures.exposition(None),
        ))
    }

    /// Looks every ten seconds, for the plots and for what is exported, until it is told to stop.
    pub(crate) async fn watch(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        while !*stopped.borrow() {
            self.look().await;
            tokio::select! {
                () = wait_for(EVERY) => {}
                _ = stopped.wait_for(|stopped| *stopped) => return,
            }
            self.look().await;
            self.figures.tick();
        }
    }

    async fn metrics(&self, request: &Request<Bytes>) -> Result<Answer, Problem> {
        get(request)?;
        let mut theirs = Vec::new();
        for name in &self.connections.names() {
            let connection = self.connection(name).await;
            if connection.is_some_and(|connection| has_key(&connection, request)) {
                theirs.push(name.clone());
            }
        }
        if theirs.is_empty() {
            tracing::warn!("metrics refused");
            return Err(Problem::Unauthorized);
        }
        self.look().await;
        let text = self.figures.exposition(Some(&theirs));
        Ok(fresh(respond::raw(StatusCode::OK, CONTENT_TYPE, text)))
    }

    async fn page(&self, connection: &str, request: &Request<Bytes>) -> Result<Answer, Problem> {
        let connection = self.connection(&ConnectionId::new(connection)).await;
        connection.ok_or(Problem::UnknownConnection)?;
        get(request)?;
        Ok(page())
    }

    async fn plots(&self, connection: &str, request: &Request<Bytes>) -> Result<Answer, Problem> {
        let connection = self.connection(&ConnectionId::new(connection)).await;
        let connection = connection.ok_or(Problem::UnknownConnection)?;
        get(request)?;
        if !has_key(&connection, request) {
            tracing::warn!(connection.id = %connection.id, "operator's call refused");
            return Err(Problem::Unauthorized);
        }
        Ok(fresh(respond::json(
            StatusCode::OK,
            &self.figures.plots(&connection.id),
        )))
    }

    async fn connection(&self, id: &ConnectionId) -> Option<Arc<Connection>> {
        self.app.connections.get(id).await.ok().flatten()
    }

    /// Reads how things stand, unless somebody just did.
    async fn look(&self) {
        let mut read_at = self.read_at.lock().await;
        let now = self.app.now();
        let is_fresh = |at: &Timestamp| (0..FRESH.as_millis().cast_signed()).contains(&millis(*at, now));
        if read_at.as_ref().is_some_and(is_fresh) {
            return;
        }
        match self.standing(now).await {
            Ok(standing) => {
                self.figures.stands(Arc::new(standing));
                *read_at = Some(now);
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "cannot read how things stand"
                );
            }
        }
    }

    async fn standing(&self, now: Timestamp) -> Result<Standing, StoreError> {
        let stored = self.embedded.standing().await?;
        let mut budgets = Vec::new();
        for name in &self.connections.names() {
            let Some(connection) = self.connection(name).await else {
                continue;
            };
            let (account, limit) = (
                account(&connection.ringcx.api_base),
                connection.ringcx.requests_per_minute,
            );
            let budget = BudgetStanding {
                left: self.budget.left(&account, limit, now),
                limit,
                wait: self.budget.look(&account, limit, now),
            };
            budgets.push((name.clone(), budget));
        }
        let process = handover_machine::process();
        let queues = stored.queues.iter().map(|queue| QueueStanding {
            queue: queue.queue,
            waiting: queue.waiting,
            oldest: queue.oldest.map_or(Duration::ZERO, |oldest| {
                Duration::try_from(now.duration_since(oldest)).unwrap_or_default()
            }),
        });
        Ok(Standing {
            at: now,
            version: env!("CARGO_PKG_VERSION"),
            connections: self.connections.names(),
            queues: queues.collect(),
            handovers: stored.handovers,
            dead_letters: stored.dead_letters,
            budgets,
            store_bytes: stored.bytes,
            process: Process {
                started: self.started,
                cpu: process.cpu,
                memory_bytes: process.memory_bytes,
                open_fds: process.open_fds,
                max_fds: process.max_fds,
            },
        })
    }
}

fn millis(from: Timestamp, to: Timestamp) -> i128 {
    i128::from(to.as_millisecond()) - i128::from(from.as_millisecond())
}

fn has_key(connection: &Connection, request: &Request<Bytes>) -> bool {
    let header = request.headers().get(AUTHORIZATION);
    is_operator(connection, header.map(HeaderValue::as_bytes))
}

fn get(request: &Request<Bytes>) -> Result<(), Problem> {
    if request.method() == Method::GET {
        Ok(())
    } else {
        Err(Problem::MethodNotAllowed("GET"))
    }
}

/// Never to be kept by anybody on the way.
fn fresh(mut answer: Answer) -> Answer {
    answer
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
