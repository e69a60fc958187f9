//! A steady stream of messages in both directions, each followed from end to end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use handover_bench::fixtures::{self, bot_call, source_call};
use tokio::task::JoinSet;

use crate::bridge::Bridge;
use crate::client::Client;
use crate::disk::Probe;
use crate::figures::{mib, verdict};
use crate::follow::{Outcome, Sent, follow};
use crate::outside::Outside;
use crate::pause;

/// Added latency of an agent's message, from being sent to being at the bot.
const BUDGET_P50: Duration = Duration::from_millis(5);
const BUDGET_P99: Duration = Duration::from_millis(25);
/// How long stragglers may take after the last message was sent.
const STRAGGLERS: Duration = Duration::from_secs(20);
/// Size of an agent's message on the wire.
const BYTES: usize = 1_024;

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) agent_rate: u32,
    pub(crate) user_rate: u32,
    pub(crate) time: Duration,
    /// Makes the ids of this plan's messages differ from those of another on the same bridge.
    pub(crate) run: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    Agent,
    User,
}

pub(crate) struct Report {
    pub(crate) agents: Outcome,
    pub(crate) users: Outcome,
    wrong_numbers: usize,
    text: String,
}

impl Report {
    /// Whether everything arrived once and in order.
    pub(crate) fn is_right(&self) -> bool {
        let right = |outcome: &Outcome| outcome.lost + outcome.duplicate + outcome.reordered == 0;
        right(&self.agents) && right(&self.users) && self.wrong_numbers == 0
    }

    pub(crate) fn p50_p99(&mut self) -> (Duration, Duration) {
        (self.agents.deliveries.at(50), self.agents.deliveries.at(99))
    }

    pub(crate) fn meets_budget(&mut self) -> bool {
        let (p50, p99) = self.p50_p99();
        p50 <= BUDGET_P50 && p99 <= BUDGET_P99
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Sends by the plan in conversations that agents have already, and follows every message.
pub(crate) async fn run(
    bridge: &Bridge,
    outside: &Outside,
    names: &[String],
    plan: Plan,
) -> anyhow::Result<Report> {
    outside.forget();
    let wrong_before = outside.wrong_numbers();
    let cpu_before = bridge.cpu()?;
    let probe = Probe::start(bridge.dir())?;
    let started = Instant::now();
    let agents = spawn(From::Agent, bridge.address, names, plan);
    let users = spawn(From::User, bridge.address, names, plan);
    let (agents, users) = (collect(agents).await?, collect(users).await?);
    let deadline = Instant::now() + STRAGGLERS;
    while (outside.count_at_bot() < agents.len() || outside.count_at_rce() < users.len())
        && Instant::now() < deadline
    {
        pause(Duration::from_millis(10)).await;
    }
    let took = started.elapsed();
    // A repeat would come a little later.
    pause(Duration::from_millis(500)).await;
    let cpu = bridge.cpu()?.saturating_sub(cpu_before);
    let messages = u32::try_from(agents.len() + users.len())?.max(1);
    let mut report = Report {
        agents: follow(&agents, &outside.at_bot()),
        users: follow(&users, &outside.at_rce()),
        wrong_numbers: outside.wrong_numbers() - wrong_before,
        text: String::new(),
    };
    let memory = bridge.memory()?;
    let mut disk = probe.stop()?;
    let (p50, p99) = report.p50_p99();
    let lines = [
        disk.line("the disk alone, a page synced"),
        report.agents.answers.line("agent message, sent to answered"),
        report.agents.deliveries.line("agent message, sent to at the bot"),
        report.users.answers.line("user message, sent to answered"),
        report.users.deliveries.line("user message, sent to at RCE"),
        format!(
            "lost {} + {}, duplicate {} + {}, reordered {} + {}, wrong numbers {}",
            report.agents.lost,
            report.users.lost,
            report.agents.duplicate,
            report.users.duplicate,
            report.agents.reordered,
            report.users.reordered,
            report.wrong_numbers
        ),
        format!(
            "bridge: {:.0} µs of CPU a message, {:.1} % of one core; resident {}, at most {}",
            cpu.as_secs_f64() * 1e6 / f64::from(messages),
            100.0 * cpu.as_secs_f64() / took.as_secs_f64(),
            mib(memory.resident),
            mib(memory.peak)
        ),
        format!(
            "budget p50 ≤ {BUDGET_P50:?}: {}, p99 ≤ {BUDGET_P99:?}: {}",
            verdict(p50 <= BUDGET_P50),
            verdict(p99 <= BUDGET_P99)
        ),
    ];
    report.text = lines.join("\n");
    Ok(report)
}

type Senders = JoinSet<anyhow::Result<Vec<Sent>>>;

/// One sender for each conversation, which sends at its own times and waits for each answer: so the order
/// in which messages were accepted is known.
fn spawn(from: From, bridge: SocketAddr, names: &[String], plan: Plan) -> Senders {
    let mut senders = JoinSet::new();
    let rate = if from == From::Agent {
        plan.agent_rate
    } else {
        plan.user_rate
    };
    if rate == 0 {
        return senders;
    }
    let names: Arc<[String]> = names.into();
    let every = Duration::from_secs(1) * u32::try_from(names.len()).unwrap_or(u32::MAX) / rate;
    let start = Instant::now() + Duration::from_millis(100);
    for index in 0..names.len() {
        let names = Arc::clone(&names);
        let first =
            start + every * u32::try_from(index).unwrap_or(0) / u32::try_from(names.len()).unwrap_or(1);
        senders.spawn(async move {
            let mut client = Client::connect(bridge).await?;
            let name = &names[index];
            let mut sent: Vec<Sent> = Vec::new();
            let mut due = first;
            while due < start + plan.time {
                tokio::time::sleep_until(due.into()).await;
                let number = plan.run * 1_000_000_000 + u64::try_from(index * 1_000_000 + sent.len())?;
                let (request, message) = match from {
                    From::Agent => (
                        source_call(fixtures::agent_message(name, number, BYTES)),
                        fixtures::message_id(number),
                    ),
                    From::User => {
                        let message = format!("u-{number}");
                        (
                            bot_call(&format!("{name}/messages"), fixtures::customer_message(&message)),
                            message,
                        )
                    }
                };
                let waited = sent.last().is_some_and(|last| last.answered > due);
                let started = if waited { due } else { Instant::now() };
                client
                    .expect(&request, if from == From::Agent { 200 } else { 202 })
                    .await?;
                sent.push(Sent {
                    conversation: name.clone(),
                    message,
                    started,
                    answered: Instant::now(),
                });
                due += every;
            }
            Ok(sent)
        });
    }
    senders
}

async fn collect(senders: Senders) -> anyhow::Result<Vec<Sent>> {
    let mut all = Vec::new();
    for sent in senders.join_all().await {
        all.extend(sent?);
    }
    Ok(all)
}
