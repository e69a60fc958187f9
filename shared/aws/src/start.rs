//! Everything that a function needs, made once per cold start.
//!
//! A function's environment is made while its CPU is not throttled, and paid for like any other time. So the
//! connections that the first event will need are opened here, all at once: to DynamoDB, to SQS, to SSM for the
//! settings, and from there to RCE and to the bots.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join, join_all};
use handover_bots::Bots;
use handover_core::job::QueueName;
use handover_core::ports::{Clock, Metrics};
use handover_core::settings::Connection;
use handover_files::HttpFetcher;
use handover_handlers::App;
use handover_handlers::files::Files;
use handover_machine::{Environment, RandomIds, SystemClock};
use handover_ringcx::client::RingCxClient;
use lambda_http::Error;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::budget::TableBudget;
use crate::client::Aws;
use crate::dynamodb::DynamoStore;
use crate::environment::Settings;
use crate::metrics::Emf;
use crate::queue::{Ledger, QueueUrls, SqsQueue};
use crate::records::SqsRecords;
use crate::s3::S3Files;
use crate::settings::SsmConnections;
use crate::sqs::Worker;

/// How long opening connections may take. What is not open by then is opened by the first event.
const WARM_UP: Duration = Duration::from_secs(2);

/// A function's parts.
pub(crate) struct Function {
    pub(crate) app: App,
    pub(crate) metrics: Arc<Emf>,
    settings: Settings,
    queue: Arc<SqsQueue>,
    sqs: aws_sdk_sqs::Client,
}

/// Whom a function talks to with nearly every event, besides DynamoDB.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Neighbours {
    pub(crate) queues: bool,
    pub(crate) ringcx: bool,
    pub(crate) bots: bool,
}

/// Starts the log, reads the environment, makes the ports and opens connections.
pub(crate) async fn function(neighbours: Neighbours) -> Result<Function, Error> {
    let settings = Settings::read(&Environment);
    start_log(settings.as_ref().map_or("info", |settings| &settings.log));
    let settings = settings?;
    let metrics = Arc::new(Emf::new(&settings.stage));
    let ports = ports(&settings, Arc::clone(&metrics) as _)?;
    let function = Function {
        app: ports.app,
        metrics,
        settings,
        queue: ports.queue,
        sqs: ports.sqs,
    };
    function
        .warm_up(&ports.dynamodb, &ports.connections, &ports.http, neighbours)
        .await;
    Ok(function)
}

/// The ports, and what they are made of.
pub(crate) struct Ports {
    pub(crate) app: App,
    pub(crate) connections: Arc<SsmConnections>,
    queue: Arc<SqsQueue>,
    dynamodb: aws_sdk_dynamodb::Client,
    sqs: aws_sdk_sqs::Client,
    http: reqwest::Client,
}

/// Makes the ports of a stage. Asks nobody yet.
pub(crate) fn ports(settings: &Settings, metrics: Arc<dyn Metrics>) -> Result<Ports, Error> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ids = Arc::new(RandomIds);
    let authorities = authorities(settings.ca_bundle.as_deref())?;
    let http = handover_ringcx::http::client_trusting(authorities.clone());
    let aws = Aws::new(settings.account.clone(), http.clone());
    let (dynamodb, sqs) = (aws.dynamodb(), aws.sqs());

    let urls = QueueUrls {
        to_bot: settings.to_bot_queue_url.clone(),
        to_ringcx: settings.to_ringcx_queue_url.clone(),
        queue_updates: settings.queue_updates_queue_url.clone(),
    };
    let ledger = Ledger::new(dynamodb.clone(), &settings.table, Arc::clone(&clock));
    let queue = Arc::new(SqsQueue::new(sqs.clone(), urls, ledger, Arc::clone(&clock)));
    let connections = Arc::new(connections(&aws, settings, &clock));
    let budget = TableBudget::new(dynamodb.clone(), &settings.table, Arc::clone(&ids) as _);
    let ringcx = RingCxClient::new(http.clone(), Arc::new(budget), Arc::clone(&clock));
    let store = DynamoStore::new(
        dynamodb.clone(),
        &settings.table,
        Arc::clone(&queue) as _,
        Arc::clone(&clock),
        Arc::clone(&ids) as _,
    );
    let files = files(settings, &http, authorities, &clock)?;
    let app = App {
        connections: Arc::clone(&connections) as _,
        store: Arc::new(store),
        queue: Arc::clone(&queue) as _,
        ringcx: Arc::new(ringcx),
        bots: Arc::new(Bots::new(http.clone())),
        clock,
        ids,
        availability: Arc::default(),
        health: Arc::default(),
        metrics,
        files,
    };
    Ok(Ports {
        app,
        connections,
        queue,
        dynamodb,
        sqs,
        http,
    })
}

impl Function {
    /// The means of the worker of one queue.
    pub(crate) fn worker(&self, queue: QueueName) -> Result<Worker, Error> {
        let dead_letters = self.settings.dead_letters_url.clone();
        let dead_letters =
            dead_letters.ok_or("HANDOVER_DEAD_LETTERS_URL is not set: where do unreadable records go?")?;
        let records = SqsRecords::new(
            Arc::clone(&self.queue),
            self.sqs.clone(),
            dead_letters,
            Arc::clone(&self.app.clock),
        );
        Ok(Worker {
            app: self.app.clone(),
            queue,
            records: Box::new(records),
        })
    }

    async fn warm_up(
        &self,
        dynamodb: &aws_sdk_dynamodb::Client,
        connections: &SsmConnections,
        http: &reqwest::Client,
        neighbours: Neighbours,
    ) {
        let others = async {
            connections.preload().await;
            let known = connections.known();
            join_all(urls(&known, neighbours).iter().map(|url| open(http, url))).await;
        };
        let queues = async {
            if neighbours.queues {
                self.open_queue().await;
            }
        };
        let aws = join(open_table(dynamodb, &self.settings.table), queues);
        if tokio::time::timeout(WARM_UP, join(aws, others)).await.is_err() {
            tracing::warn!("not every connection could be opened in time; the first event opens the others");
        }
    }

    async fn open_queue(&self) {
        let asked = self
            .sqs
            .get_queue_attributes()
            .queue_url(&self.settings.to_bot_queue_url);
        if let Err(error) = asked.send().await {
            let code = aws_sdk_sqs::error::ProvideErrorMetadata::code(&error).unwrap_or("no answer");
            tracing::warn!(
                code,
                queue = self.settings.to_bot_queue_url,
                "the queue cannot be asked"
            );
        }
    }
}

/// Most files in memory at the same time; each has `max_bytes` at most.
const FILES_IN_MEMORY: usize = 2;

fn files(
    settings: &Settings,
    http: &reqwest::Client,
    authorities: Vec<CertificateDer<'static>>,
    clock: &Arc<dyn Clock>,
) -> Result<Files, Error> {
    let (mut account, bucket) = (settings.account.clone(), &settings.files_bucket);
    account.endpoint = settings.s3_endpoint.clone().or(account.endpoint);
    let store = S3Files::new(account, http.clone(), bucket, Arc::clone(clock))
        .map_err(|error| format!("HANDOVER_FILES_BUCKET is no bucket: {error}"))?;
    let fetcher = HttpFetcher::trusting(authorities);
    let mut files = Files::new(Arc::new(store), Arc::new(fetcher), FILES_IN_MEMORY);
    let public_url = settings.public_url.parse();
    files.public_url = Some(public_url.map_err(|error| format!("HANDOVER_PUBLIC_URL is no URL: {error}"))?);
    Ok(files)
}

fn connections(aws: &Aws, settings: &Settings, clock: &Arc<dyn Clock>) -> SsmConnections {
    SsmConnections::new(
        aws.ssm(),
        &settings.connections_path,
        Arc::new(Environment),
        Arc::clone(clock),
    )
}

/// A key that nothing has: what counts is that the connection is open afterwards.
async fn open_table(dynamodb: &aws_sdk_dynamodb::Client, table: &str) {
    use aws_sdk_dynamodb::types::AttributeValue;

    let nobody = || AttributeValue::S("nobody".to_owned());
    let asked = dynamodb
        .get_item()
        .table_name(table)
        .key(crate::dynamodb::schema::PK, nobody())
        .key(crate::dynamodb::schema::SK, nobody());
    if let Err(error) = asked.send().await {
        let code = aws_sdk_dynamodb::error::ProvideErrorMetadata::code(&error).unwrap_or("no answer");
        tracing::warn!(code, table, "the table cannot be read");
    }
}

/// Hosts that the first event is likely to need.
fn urls(connections: &[Arc<Connection>], neighbours: Neighbours) -> Vec<url::Url> {
    let mut urls = Vec::new();
    for connection in connections {
        if neighbours.ringcx {
            urls.push(connection.ringcx.api_base.clone());
            urls.push(connection.ringcx.realtime_endpoint_url.clone());
        }
        if neighbours.bots {
            urls.push(connection.bot.kind.origin().clone());
        }
    }
    for url in &mut urls {
        url.set_path("");
        url.set_query(None);
    }
    urls.sort();
    urls.dedup();
    urls
}

/// Whatever the answer is: the connection stays open for the first event.
async fn open(http: &reqwest::Client, url: &url::Url) {
    if let Err(error) = http.head(url.clone()).send().await {
        tracing::debug!(
            host = url.host_str(),
            timeout = error.is_timeout(),
            "no connection ahead of time"
        );
    }
}

/// The certificates of `AWS_CA_BUNDLE`, the SDKs' own setting for a company's proxy.
pub(crate) fn authorities(bundle: Option<&str>) -> Result<Vec<CertificateDer<'static>>, Error> {
    let Some(file) = bundle else { return Ok(Vec::new()) };
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    read.map_err(|error| format!("AWS_CA_BUNDLE names {file}, which cannot be read as PEM: {error}").into())
}

/// A filter by targets and levels, without the patterns that would bring a regular expression engine along.
fn start_log(filter: &str) {
    let asked: Targets = filter
        .parse()
        .unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    // Others' debugging lines hold whole requests, and with them what people wrote; the runtime's span says nothing
    // that CloudWatch does not know.
    let filter = asked.with_targets(
        ["aws_", "h2", "hyper", "lambda_", "reqwest", "rustls"].map(|others| (others, LevelFilter::WARN)),
    );
    let lines = tracing_subscriber::fmt::layer()
        // CloudWatch has the time, and every byte of a log costs.
        .without_time()
        .with_target(false)
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false);
    let started = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .try_init();
    // A second start keeps the first.
    drop(started);
}
