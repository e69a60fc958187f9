//! OpenTelemetry: traces of requests and jobs, and the catalogue's metrics, by OTLP over HTTP (protobuf).
//!
//! The official SDK collects and sends from threads of its own. Spans wait in a bounded queue and are dropped when it
//! is full; metrics are sums. So a collector that is slow or gone costs nobody anything but its figures.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry::metrics::{AsyncInstrument, Counter, Histogram, MeterProvider as _};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider};
use tokio::runtime::Handle;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::registry::LookupSpan;

use crate::catalogue::{ALL, Kind, Labels, Metric, Sample};
use crate::standing::Standing;

/// Spans that wait at most; more are dropped.
const SPANS: usize = 2048;
/// How often spans are sent.
const SPANS_EVERY: Duration = Duration::from_secs(5);
/// How often metrics are sent.
const METRICS_EVERY: Duration = Duration::from_secs(30);
/// How long the last figures may take when the process stops.
const FAREWELL: Duration = Duration::from_secs(2);
/// What is traced: the listener's and the workers' spans, and nothing inside them.
const SPANS_TRACED: [&str; 2] = ["request", "job"];

/// Where to send, and as whom.
#[derive(Clone)]
pub struct TelemetryOptions {
    /// The collector, without `/v1/…`.
    pub endpoint: String,
    /// Sent along with every request; the values may be secrets.
    pub headers: Vec<(String, String)>,
    pub service_name: String,
    pub version: &'static str,
}

#[derive(Debug, thiserror::Error)]
#[error("telemetry cannot be exported: {0}")]
pub struct Unusable(String);

/// A running export. [`stop`](Self::stop) sends what is left.
#[derive(Clone, Debug)]
pub struct Telemetry {
    tracers: SdkTracerProvider,
    meters: SdkMeterProvider,
}

impl Telemetry {
    /// Starts to collect and send, through `client`. Call it inside a Tokio runtime: that is where requests run.
    pub fn start(options: TelemetryOptions, client: reqwest::Client) -> Result<Self, Unusable> {
        let client = Client {
            http: client,
            is_heard: Arc::new(AtomicBool::new(true)),
            runtime: Handle::try_current().map_err(|error| Unusable(error.to_string()))?,
        };
        let base = options.endpoint.trim_end_matches('/');
        let headers: HashMap<String, String> = options.headers.into_iter().collect();
        let spans = SpanExporter::builder()
            .with_http()
            .with_http_client(client.clone())
            .with_endpoint(format!("{base}/v1/traces"))
            .with_headers(headers.clone())
            .build()
            .map_err(|error| Unusable(error.to_string()))?;
        let metrics = MetricExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(format!("{base}/v1/metrics"))
            .with_headers(headers)
            .build()
            .map_err(|error| Unusable(error.to_string()))?;
        let resource = Resource::builder()
            .with_service_name(options.service_name)
            .with_attribute(KeyValue::new("service.version", options.version))
            .build();
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(SPANS)
            .with_scheduled_delay(SPANS_EVERY)
            .build();
        let spans = BatchSpanProcessor::builder(spans)
            .with_batch_config(batches)
            .build();
        let tracers = SdkTracerProvider::builder()
            .with_span_processor(spans)
            .with_resource(resource.clone())
            .build();
        let reader = PeriodicReader::builder(metrics)
            .with_interval(METRICS_EVERY)
            .build();
        let meters = SdkMeterProvider::builder()
            .with_reader(reader)
            .with_resource(resource)
            .build();
        Ok(Self { tracers, meters })
    }

    /// What turns the log's spans into traces. Only spans: the lines within them stay in the log.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let traced = |of: &Metadata<'_>| of.is_span() && SPANS_TRACED.contains(&of.name());
        tracing_opentelemetry::layer()
            .with_tracer(self.tracers.tracer("engage-handover"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(FilterFn::new(traced))
    }

    /// Sends what is left, and ends. Takes two seconds at most for each kind.
    pub async fn stop(self) {
        // The SDK waits on the thread that asks.
        let farewell = tokio::task::spawn_blocking(move || {
            let spans = self.tracers.shutdown_with_timeout(FAREWELL);
            let metrics = self.meters.shutdown_with_timeout(FAREWELL);
            spans.and(metrics)
        });
        if !matches!(tokio::time::timeout(FAREWELL * 2, farewell).await, Ok(Ok(Ok(())))) {
            tracing::debug!("the last telemetry was not delivered");
        }
    }
}

/// Our HTTP client, for the SDK's threads: requests run where Tokio runs.
#[derive(Clone, Debug)]
struct Client {
    http: reqwest::Client,
    /// Whether the collector took what was sent last, so that only a change is worth a line.
    is_heard: Arc<AtomicBool>,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let (http, is_heard) = (self.http.clone(), Arc::clone(&self.is_heard));
        let sent = self.runtime.spawn(async move {
            let answer = http.execute(request.try_into()?).await;
            let heard = answer.as_ref().is_ok_and(|answer| answer.status().is_success());
            if is_heard.swap(heard, Ordering::Relaxed) != heard {
                let status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
                if heard {
                    tracing::info!("the collector takes telemetry again");
                } else {
                    tracing::warn!(
                        status,
                        "the collector does not take telemetry; it is dropped meanwhile"
                    );
                }
            }
            let answer = answer?;
            let mut response = http::Response::builder().status(answer.status());
            if let Some(headers) = response.headers_mut() {
                headers.clone_from(answer.headers());
            }
            // What a collector says of parts that it did not take is of no use here.
            Ok::<_, HttpError>(response.body(Bytes::new())?)
        });
        sent.await?
    }
}

/// The catalogue as OpenTelemetry instruments.
pub(crate) struct Instruments {
    counts: HashMap<&'static str, Counter<u64>>,
    times: HashMap<&'static str, Histogram<f64>>,
}

impl Instruments {
    pub(crate) fn new(telemetry: &Telemetry, standing: &Arc<Mutex<Arc<Standing>>>) -> Self {
        let scope = InstrumentationScope::builder("engage-handover").build();
        let meter = telemetry.meters.meter_with_scope(scope);
        let (mut counts, mut times) = (HashMap::new(), HashMap::new());
        for metric in ALL {
            let metric: &'static Metric = metric;
            match metric.kind {
                Kind::Count => {
                    let counter = meter.u64_counter(metric.name).with_description(metric.help);
                    counts.insert(metric.name, counter.build());
                }
                Kind::Times(buckets) => {
                    let histogram = meter.f64_histogram(metric.name).with_description(metric.help);
                    let histogram = histogram.with_unit("s").with_boundaries(buckets.to_vec());
                    times.insert(metric.name, histogram.build());
                }
                Kind::Gauge => {
                    let standing = Arc::clone(standing);
                    let gauge = meter
                        .f64_observable_gauge(metric.name)
                        .with_description(metric.help);
                    gauge
                        .with_callback(move |out| observe(metric, &standing, out))
                        .build();
                }
                Kind::Used => {
                    let standing = Arc::clone(standing);
                    let used = meter
                        .f64_observable_counter(metric.name)
                        .with_description(metric.help);
                    used.with_callback(move |out| observe(metric, &standing, out))
                        .build();
                }
            }
        }
        Self { counts, times }
    }

    pub(crate) fn tell(&self, sample: &Sample) {
        let (name, labels) = (sample.metric.name, attributes(&sample.labels));
        match sample.seconds {
            None => {
                if let Some(counter) = self.counts.get(name) {
                    counter.add(1, &labels);
                }
            }
            Some(seconds) => {
                if let Some(histogram) = self.times.get(name) {
                    histogram.record(seconds, &labels);
                }
            }
        }
    }
}

fn observe(metric: &'static Metric, standing: &Mutex<Arc<Standing>>, out: &dyn AsyncInstrument<f64>) {
    let standing = Arc::clone(&standing.lock().unwrap_or_else(PoisonError::into_inner));
    for reading in standing.readings() {
        if std::ptr::eq(reading.metric, metric) {
            out.observe(reading.value, &attributes(&reading.labels));
        }
    }
}

fn attributes(labels: &Labels) -> Vec<KeyValue> {
    labels
        .iter()
        .map(|(name, value)| KeyValue::new(*name, value.to_string()))
        .collect()
}
