//! Customers who write at a steady rate, and what became of each of their turns.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use simulated_ringcx::{LoggedRequest, Speaker};

use crate::calls::{AGENT, by_operation};
use crate::world::{WANTS_HUMAN, World};

/// Turns of one customer, and the time between them.
const TURNS: u64 = 5;
const BETWEEN: Duration = Duration::from_secs(8);
/// REST calls of five turns of which the first asks who the customer is: what the offered load is reckoned with.
const CALLS_FOR_FIVE: f64 = 6.0;
/// Not counted: until all customers are at some turn, and a minute of calls is behind.
const WARM_UP: Duration = Duration::from_mins(1);
/// How long an agent has a conversation.
const WITH_AGENT: Duration = Duration::from_secs(5);
/// How long replies may take once nobody writes any more.
const DRAIN: Duration = Duration::from_mins(4);
const STEP: Duration = Duration::from_millis(20);

pub(crate) const HEAD: &str = "| offered | turns/min offered | turns/min answered | REST calls/min, most | reply p50 | p95 | longest \
| handover p50 | p95 | 429s | by operation |\n|---|---|---|---|---|---|---|---|---|---|---|";

#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) rpm: u32,
    pub(crate) limit: u32,
    pub(crate) percent: u32,
    pub(crate) time: Duration,
    pub(crate) handovers: u64,
}

pub(crate) struct Outcome {
    plan: Plan,
    offered: f64,
    answered: f64,
    most_calls: usize,
    replies: Vec<Duration>,
    handovers: Vec<Duration>,
    refused: usize,
    operations: Vec<(String, usize)>,
    pub(crate) wrong: Vec<String>,
}

/// What a customer wrote: when, and in which thread.
struct Turn {
    text: String,
    thread: String,
    at: Timestamp,
    counted: bool,
}

pub(crate) async fn carry(plan: Plan) -> anyhow::Result<Outcome> {
    let world = World::start(plan.rpm, plan.limit).await?;
    let calls_a_minute = f64::from(plan.limit) * f64::from(plan.percent) / 100.0;
    let turns_a_second = calls_a_minute / CALLS_FOR_FIVE * 5.0 / 60.0;
    let customers_a_second = turns_a_second / 5.0;
    let started = Instant::now();
    let mut turns: Vec<Turn> = Vec::new();
    let mut next_customer = 0_u64;
    // When, customer, turn.
    let mut due: Vec<(Duration, u64, u64)> = Vec::new();
    let mut with_agents: HashMap<String, Duration> = HashMap::new();
    while started.elapsed() < plan.time {
        let now = started.elapsed();
        while Duration::from_secs_f64(count(next_customer) / customers_a_second) <= now {
            due.extend((0..TURNS).map(|turn| {
                (
                    now + BETWEEN * u32::try_from(turn).unwrap_or(0),
                    next_customer,
                    turn,
                )
            }));
            next_customer += 1;
        }
        for (_, customer, turn) in due.extract_if(.., |(at, _, _)| *at <= now) {
            let human = turn + 1 == TURNS && plan.handovers > 0 && customer % plan.handovers == 0;
            let first = if human { WANTS_HUMAN } else { "words" };
            let text = format!("{first} {customer}-{turn}");
            let at = Timestamp::now();
            let thread = world.writes(&format!("customer-{customer}"), &text)?;
            turns.push(Turn {
                text,
                thread,
                at,
                counted: now >= WARM_UP,
            });
        }
        agents(&world, &turns, &mut with_agents, now);
        tokio::time::sleep(STEP).await;
    }
    let wanted: Vec<(String, usize)> = expected(&turns);
    let all_there = |state: &simulated_ringcx::State| {
        wanted.iter().all(|(thread, replies)| {
            let bots = state.seen_by_customer(thread).into_iter();
            bots.filter(|seen| seen.speaker == Speaker::Bot).count() >= *replies
        })
    };
    let drained = Instant::now();
    while !world.rce.read(all_there) && drained.elapsed() < DRAIN {
        agents(&world, &turns, &mut with_agents, started.elapsed());
        tokio::time::sleep(STEP * 10).await;
    }
    // Whatever comes twice comes soon.
    tokio::time::sleep(Duration::from_secs(12)).await;
    let outcome = judge(plan, &world, &turns);
    world.stop().await;
    Ok(outcome)
}

/// Agents take what was handed over, and close it a little later.
fn agents(world: &World, turns: &[Turn], with_agents: &mut HashMap<String, Duration>, now: Duration) {
    let category = &world.rce.config().agent_category_id;
    for turn in turns.iter().filter(|turn| turn.text.starts_with(WANTS_HUMAN)) {
        match with_agents.get(&turn.thread) {
            None => {
                let thread = world.rce.thread(&turn.thread);
                if thread.is_some_and(|thread| thread.category_ids.contains(category))
                    && world.rce.take(&turn.thread, AGENT).is_ok()
                {
                    with_agents.insert(turn.thread.clone(), now + WITH_AGENT);
                }
            }
            Some(until) if *until <= now && *until != Duration::MAX => {
                let done = world.rce.reply(&turn.thread, AGENT, "Here is an agent");
                if done.is_ok() && world.rce.close(&turn.thread).is_ok() {
                    with_agents.insert(turn.thread.clone(), Duration::MAX);
                }
            }
            Some(_) => {}
        }
    }
}

/// Threads, and how many replies of the bot each must have in the end.
fn expected(turns: &[Turn]) -> Vec<(String, usize)> {
    let mut replies: HashMap<&str, usize> = HashMap::new();
    for turn in turns.iter().filter(|turn| !turn.text.starts_with(WANTS_HUMAN)) {
        *replies.entry(&turn.thread).or_default() += 1;
    }
    let replies = replies
        .into_iter()
        .map(|(thread, count)| (thread.to_owned(), count));
    replies.collect()
}

fn judge(plan: Plan, world: &World, turns: &[Turn]) -> Outcome {
    let requests = world.rce.requests();
    let mut wrong = Vec::new();
    let mut said: HashMap<&str, Vec<&LoggedRequest>> = HashMap::new();
    let mut moved: HashMap<&str, Timestamp> = HashMap::new();
    for request in requests.iter().filter(|request| request.status == 200) {
        if request.what.starts_with("POST /1.0/contents") {
            let text = request.body["body"].as_str().unwrap_or_default();
            said.entry(text).or_default().push(request);
        } else if request.what.starts_with("PUT ") && request.what.contains("/update_categories") {
            let thread = request.what.split('/').nth(3).unwrap_or_default();
            moved.entry(thread).or_insert(request.at);
        }
    }
    let (mut replies, mut handovers) = (Vec::new(), Vec::new());
    for turn in turns {
        let since = |at: Timestamp| Duration::try_from(at.duration_since(turn.at)).unwrap_or_default();
        if turn.text.starts_with(WANTS_HUMAN) {
            match moved.get(turn.thread.as_str()) {
                Some(at) if turn.counted => handovers.push(since(*at)),
                Some(_) => {}
                None => wrong.push(format!("{} did not come to the agents", turn.text)),
            }
            continue;
        }
        match said.get(format!("re {}", turn.text).as_str()).map(Vec::as_slice) {
            Some([once]) if turn.counted => replies.push(since(once.at)),
            Some([_]) => {}
            Some(more) => wrong.push(format!("{} was answered {} times", turn.text, more.len())),
            None => wrong.push(format!("{} was not answered", turn.text)),
        }
    }
    for (thread, _) in expected(turns) {
        let seen = world.rce.seen_by_customer(&thread).into_iter();
        let bots: Vec<String> = seen
            .filter(|it| it.speaker == Speaker::Bot)
            .filter_map(|it| it.text)
            .collect();
        let meant = turns
            .iter()
            .filter(|turn| turn.thread == thread && !turn.text.starts_with(WANTS_HUMAN));
        let meant: Vec<String> = meant.map(|turn| format!("re {}", turn.text)).collect();
        if bots != meant {
            wrong.push(format!("{thread}: {bots:?} instead of {meant:?}"));
        }
    }
    let refused = requests.iter().filter(|request| request.status == 429).count();
    if refused > 0 {
        wrong.push(format!("RCE refused {refused} calls with 429"));
    }
    replies.sort();
    handovers.sort();
    // The window in which things are counted: as long as customers write, without the warm-up.
    let from = turns.first().map_or(Timestamp::MAX, |turn| turn.at + WARM_UP);
    let counted = plan.time.saturating_sub(WARM_UP);
    let minutes = counted.as_secs_f64() / 60.0;
    let within = |at: Timestamp| at >= from && at < from + counted;
    let answered = said
        .values()
        .flatten()
        .filter(|request| within(request.at))
        .count();
    let offered = turns.iter().filter(|turn| within(turn.at)).count();
    Outcome {
        plan,
        offered: count(offered) / minutes,
        answered: count(answered) / minutes,
        most_calls: most_in_a_minute(&requests),
        replies,
        handovers,
        refused,
        operations: by_operation(requests.iter()).into_iter().collect(),
        wrong,
    }
}

fn most_in_a_minute(requests: &[LoggedRequest]) -> usize {
    let times: Vec<Timestamp> = requests.iter().map(|request| request.at).collect();
    let windows = times.iter().enumerate().map(|(first, from)| {
        let end = times.partition_point(|at| *at < *from + Duration::from_mins(1));
        end.saturating_sub(first)
    });
    windows.max().unwrap_or(0)
}

impl Outcome {
    pub(crate) fn row(&self) -> String {
        let operations: Vec<String> = self
            .operations
            .iter()
            .map(|(what, count)| format!("{count} `{what}`"))
            .collect();
        format!(
            "| {} % of {} | {:.0} | {:.0} | {} | {} | {} | {} | {} | {} | {} | {} |",
            self.plan.percent,
            self.plan.limit,
            self.offered,
            self.answered,
            self.most_calls,
            part(&self.replies, 50),
            part(&self.replies, 95),
            part(&self.replies, 100),
            part(&self.handovers, 50),
            part(&self.handovers, 95),
            self.refused,
            operations.join(", "),
        )
    }
}

fn part(sorted: &[Duration], percent: usize) -> String {
    let last = sorted.len().saturating_sub(1);
    let found = sorted.get(last * percent / 100);
    found.map_or("–".to_owned(), |time| format!("{:.1} s", time.as_secs_f64()))
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn count(of: impl TryInto<u64>) -> f64 {
    of.try_into().unwrap_or(u64::MAX) as f64
}
