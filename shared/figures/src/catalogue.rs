//! Every metric: its name, what it means, its labels. `docs/monitoring.md` lists the same.

use std::borrow::Cow;
use std::time::Duration;

use handover_core::ids::ConnectionId;
use handover_core::ports::Measured;

/// A metric as Prometheus and OpenTelemetry know it.
#[derive(Debug, PartialEq)]
pub struct Metric {
    /// Without the `_total` that Prometheus puts behind a count.
    pub name: &'static str,
    pub help: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
}

/// What its numbers are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// How often something happened.
    Count,
    /// How long things took, in seconds; these are the buckets' upper ends.
    Times(&'static [f64]),
    /// How much of something there is at the moment.
    Gauge,
    /// How much of something was used up since the process started.
    Used,
}

/// The labels of one series.
pub(crate) type Labels = Vec<(&'static str, Cow<'static, str>)>;

/// One number for one series. `seconds` is `None` for a count, which goes up by one.
pub(crate) struct Sample {
    pub(crate) metric: &'static Metric,
    pub(crate) labels: Labels,
    pub(crate) seconds: Option<f64>,
}

/// From an answer to the retry of a bot that was away.
const DELIVERY: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0,
];
/// One HTTP call.
const CALL: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Answering one.
const ANSWER: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
/// Patience of a person.
const QUEUE: &[f64] = &[
    1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0,
];
/// The REST budget's window is a minute; a pause may be an hour.
const BUDGET: &[f64] = &[0.1, 0.5, 1.0, 5.0, 15.0, 30.0, 60.0, 300.0, 3600.0];

macro_rules! metrics {
    ($($id:ident = $name:literal, $kind:expr, [$($label:literal),*], $help:literal;)*) => {
        $(pub(crate) static $id: Metric = Metric { name: $name, help: $help, kind: $kind, labels: &[$($label),*] };)*
        /// The whole catalogue.
        pub static ALL: &[&Metric] = &[$(&$id),*];
    };
}

metrics! {
    HANDOVERS_REQUESTED = "engage_handover_handovers_requested", Kind::Count, ["connection"],
        "Handovers that were accepted, or begun by an agent";
    HANDOVERS_STARTED = "engage_handover_handovers_started", Kind::Count, ["connection"],
        "Handovers that RingCentral has: agents see the conversation";
    HANDOVER_QUEUE = "engage_handover_handover_queue_seconds", Kind::Times(QUEUE), ["connection"],
        "How long people waited for an agent, of handovers that ended; its count is the number of ends";
    DELIVERY_SECONDS = "engage_handover_delivery_seconds", Kind::Times(DELIVERY), ["connection", "to"],
        "From the acceptance of a message or an event to its delivery; its count is the number of deliveries";
    DUPLICATES = "engage_handover_duplicates_dropped", Kind::Count, ["connection"],
        "Repeats that were recognised and had no effect";
    FAILURES = "engage_handover_failures", Kind::Count, ["connection", "kind"],
        "Attempts of jobs that failed";
    DEAD_LETTERED = "engage_handover_dead_lettered", Kind::Count, ["connection"],
        "Jobs that were given up and put aside";
    JOBS = "engage_handover_jobs", Kind::Count, ["connection", "queue", "outcome"],
        "Attempts of jobs, by what became of them";
    HTTP_ANSWERS = "engage_handover_http_answers", Kind::Count, ["connection", "route", "status"],
        "HTTP requests that were answered";
    HTTP_ANSWER_SECONDS = "engage_handover_http_answer_seconds", Kind::Times(ANSWER), ["route"],
        "How long answering took, once the body was read";
    RINGCX_CALLS = "engage_handover_ringcx_calls", Kind::Count, ["connection", "api", "operation", "outcome"],
        "Calls to RingCentral";
    RINGCX_CALL_SECONDS = "engage_handover_ringcx_call_seconds", Kind::Times(CALL), ["connection", "api"],
        "How long RingCentral took to answer";
    RINGCX_HELD_BACK = "engage_handover_ringcx_held_back_seconds", Kind::Times(BUDGET), ["connection"],
        "How long REST calls and replies were told to wait for the account's budget; its count is how often something was held back";

    HANDOVERS_OPEN = "engage_handover_handovers_open", Kind::Gauge, ["connection", "status"],
        "Handovers under way";
    JOBS_WAITING = "engage_handover_jobs_waiting", Kind::Gauge, ["queue"],
        "Jobs that wait or are in hand";
    JOBS_OLDEST = "engage_handover_jobs_oldest_seconds", Kind::Gauge, ["queue"],
        "The age of the job that was accepted first; 0 if there is none";
    DEAD_LETTERS = "engage_handover_dead_letters", Kind::Gauge, ["connection", "queue"],
        "Jobs that lie put aside";
    BUDGET_LEFT = "engage_handover_ringcx_budget_left", Kind::Gauge, ["connection"],
        "REST calls that the account may still make in this minute; connections of one account share it";
    BUDGET_LIMIT = "engage_handover_ringcx_budget_limit", Kind::Gauge, ["connection"],
        "REST calls that the account may make in a minute";
    BUDGET_WAIT = "engage_handover_ringcx_budget_wait_seconds", Kind::Gauge, ["connection"],
        "How long a reply would have to wait for the account's budget now; 0 if not at all";
    STORE_BYTES = "engage_handover_store_bytes", Kind::Gauge, [],
        "Size of the database and its log";
    BUILD_INFO = "engage_handover_build_info", Kind::Gauge, ["version"],
        "1, with the version";
    CPU = "process_cpu_seconds", Kind::Used, [],
        "User and system CPU time";
    MEMORY = "process_resident_memory_bytes", Kind::Gauge, [],
        "Resident memory";
    OPEN_FDS = "process_open_fds", Kind::Gauge, [],
        "Open file descriptors";
    MAX_FDS = "process_max_fds", Kind::Gauge, [],
        "Most file descriptors that may be open";
    START_TIME = "process_start_time_seconds", Kind::Gauge, [],
        "When the process started, in seconds since 1970";
}

fn count(metric: &'static Metric, labels: Labels) -> Sample {
    Sample {
        metric,
        labels,
        seconds: None,
    }
}

fn time(metric: &'static Metric, labels: Labels, took: Duration) -> Sample {
    Sample {
        metric,
        labels,
        seconds: Some(took.as_secs_f64()),
    }
}

pub(crate) fn named(connection: &ConnectionId) -> (&'static str, Cow<'static, str>) {
    ("connection", Cow::Owned(connection.as_str().to_owned()))
}

/// What is counted of something that happened; at most two samples.
pub(crate) fn recorded(connection: &ConnectionId, measured: Measured) -> impl Iterator<Item = Sample> {
    let here = named(connection);
    let (first, second) = match measured {
        Measured::HandoverRequested => (count(&HANDOVERS_REQUESTED, vec![here]), None),
        Measured::HandoverStarted => (count(&HANDOVERS_STARTED, vec![here]), None),
        Measured::HandoverEnded { in_queue } => (time(&HANDOVER_QUEUE, vec![here], in_queue), None),
        Measured::Delivered { to, latency } => {
            let labels = vec![here, ("to", to.as_str().into())];
            (time(&DELIVERY_SECONDS, labels, latency), None)
        }
        Measured::DuplicateDropped => (count(&DUPLICATES, vec![here]), None),
        Measured::Failed { kind } => (count(&FAILURES, vec![here, ("kind", kind.into())]), None),
        Measured::DeadLettered => (count(&DEAD_LETTERED, vec![here]), None),
        Measured::Worked { queue, outcome } => {
            let labels = vec![
                here,
                ("queue", queue.as_str().into()),
                ("outcome", outcome.into()),
            ];
            (count(&JOBS, labels), None)
        }
        Measured::Called {
            api,
            operation,
            outcome,
            took,
        } => {
            let api = ("api", api.as_str().into());
            let labels = vec![
                here.clone(),
                api.clone(),
                ("operation", operation.into()),
                ("outcome", outcome.into()),
            ];
            let calls = count(&RINGCX_CALLS, labels);
            (calls, Some(time(&RINGCX_CALL_SECONDS, vec![here, api], took)))
        }
        Measured::HeldBack { wait } => (time(&RINGCX_HELD_BACK, vec![here], wait), None),
    };
    std::iter::once(first).chain(second)
}

/// The same of an HTTP answer. A request to nobody's address has no connection.
pub(crate) fn answered(
    connection: Option<&ConnectionId>,
    route: &'static str,
    status: u16,
    took: Duration,
) -> [Sample; 2] {
    let mut labels: Labels = connection.map(named).into_iter().collect();
    labels.push(("route", route.into()));
    labels.push(("status", status.to_string().into()));
    [
        count(&HTTP_ANSWERS, labels),
        time(&HTTP_ANSWER_SECONDS, vec![("route", route.into())], took),
    ]
}
