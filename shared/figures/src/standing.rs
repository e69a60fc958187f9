//! What is read when somebody asks, and not counted as it happens.

use std::time::Duration;

use handover_core::Timestamp;
use handover_core::ids::ConnectionId;
use handover_core::job::QueueName;

use crate::catalogue::{
    BUDGET_LEFT, BUDGET_LIMIT, BUDGET_WAIT, BUILD_INFO, CPU, DEAD_LETTERS, HANDOVERS_OPEN, JOBS_OLDEST,
    JOBS_WAITING, Labels, MAX_FDS, MEMORY, Metric, OPEN_FDS, START_TIME, STORE_BYTES, named,
};

/// Statuses of a handover that is under way.
const OPEN: [&str; 3] = ["requested", "queued", "active"];

/// How things stand at one moment.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    pub at: Timestamp,
    pub version: &'static str,
    /// All that are configured, so that nothing is a zero and not an absence.
    pub connections: Vec<ConnectionId>,
    /// Open handovers: connection, status, how many.
    pub handovers: Vec<(ConnectionId, String, u64)>,
    pub queues: Vec<QueueStanding>,
    /// Connection, queue, how many.
    pub dead_letters: Vec<(ConnectionId, String, u64)>,
    pub budgets: Vec<(ConnectionId, BudgetStanding)>,
    pub store_bytes: u64,
    pub process: Process,
}

/// One queue.
#[derive(Clone, Copy, Debug)]
pub struct QueueStanding {
    pub queue: QueueName,
    /// In hand or not.
    pub waiting: u64,
    pub oldest: Duration,
}

/// The REST budget of a connection's account.
#[derive(Clone, Copy, Debug, Default)]
pub struct BudgetStanding {
    /// Calls that may still be made in this minute.
    pub left: u32,
    pub limit: u32,
    /// How long a reply would have to wait.
    pub wait: Duration,
}

/// What the operating system says of the process; what it does not say is `None`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Process {
    pub started: Timestamp,
    pub cpu: Option<Duration>,
    pub memory_bytes: Option<u64>,
    pub open_fds: Option<u64>,
    pub max_fds: Option<u64>,
}

/// One number of one series.
pub(crate) struct Reading {
    pub(crate) metric: &'static Metric,
    pub(crate) labels: Labels,
    pub(crate) value: f64,
}

impl Standing {
    /// How many handovers of a connection are under way.
    pub(crate) fn open(&self, connection: &ConnectionId) -> u64 {
        self.handovers
            .iter()
            .filter(|(of, _, _)| of == connection)
            .map(|(_, _, count)| count)
            .sum()
    }

    pub(crate) fn readings(&self) -> Vec<Reading> {
        if self.version.is_empty() {
            return Vec::new(); // nobody has looked yet
        }
        let mut all = Vec::new();
        let mut add = |metric, labels, value| {
            all.push(Reading {
                metric,
                labels,
                value,
            });
        };
        for connection in &self.connections {
            let here = named(connection);
            for status in OPEN {
                let count = counted(&self.handovers, connection, status);
                add(
                    &HANDOVERS_OPEN,
                    vec![here.clone(), ("status", status.into())],
                    count,
                );
            }
            for queue in QueueName::ALL.map(QueueName::as_str) {
                let count = counted(&self.dead_letters, connection, queue);
                add(&DEAD_LETTERS, vec![here.clone(), ("queue", queue.into())], count);
            }
        }
        for standing in &self.queues {
            let labels = || vec![("queue", standing.queue.as_str().into())];
            add(&JOBS_WAITING, labels(), number(standing.waiting));
            add(&JOBS_OLDEST, labels(), standing.oldest.as_secs_f64());
        }
        for (connection, budget) in &self.budgets {
            add(&BUDGET_LEFT, vec![named(connection)], f64::from(budget.left));
            add(&BUDGET_LIMIT, vec![named(connection)], f64::from(budget.limit));
            add(&BUDGET_WAIT, vec![named(connection)], budget.wait.as_secs_f64());
        }
        add(&STORE_BYTES, vec![], number(self.store_bytes));
        add(&BUILD_INFO, vec![("version", self.version.into())], 1.0);
        let process = &self.process;
        let read = [
            (&CPU, process.cpu.map(|time| time.as_secs_f64())),
            (&MEMORY, process.memory_bytes.map(number)),
            (&OPEN_FDS, process.open_fds.map(number)),
            (&MAX_FDS, process.max_fds.map(number)),
            (&START_TIME, Some(process.started.as_duration().as_secs_f64())),
        ];
        for (metric, value) in read {
            if let Some(value) = value {
                add(metric, vec![], value);
            }
        }
        all
    }
}

fn counted(all: &[(ConnectionId, String, u64)], connection: &ConnectionId, what: &str) -> f64 {
    let found = all.iter().find(|(of, is, _)| of == connection && is == what);
    found.map_or(0.0, |(_, _, count)| number(*count))
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}
