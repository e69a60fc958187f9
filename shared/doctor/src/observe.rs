//! Seeing everything once. What cannot be seen is a fact, too: nothing here fails.

mod address;
mod aim;
mod console;
mod round_trip;

use std::sync::Arc;
use std::time::Duration;

use handover_core::Timestamp;
use handover_core::heard::Heard;
use handover_core::ids::Ids;
use handover_core::job::QueueName;
use handover_core::ports::{BotPlatform, Clock, Identity, JobQueue, Ping, RingCx, Store};
use handover_core::settings::Connection;
use handover_ringcx::console::Console;
use handover_ringcx::{Account, RestBudget};
use url::Url;

use crate::facts::{BotFacts, Facts, MachineFacts, RoundTrip, Seen, WorkFacts};

pub(crate) use aim::{Aim, aim};

/// Most agents whose permissions are read, one call each.
pub const AGENTS_MAX: usize = 50;
/// Most overdue handovers that are counted.
const OVERDUE_MAX: usize = 1_000;
/// How long a handover may be overdue before somebody wonders: on AWS they are looked after once a minute.
pub(crate) const OVERDUE_AFTER: Duration = Duration::from_mins(3);

/// Whom to examine.
#[derive(Clone)]
pub struct Patient {
    pub connection: Connection,
    /// All connections of the configuration, this one too.
    pub neighbours: Vec<Connection>,
    /// Where the bridge is reached from outside, if somebody knows.
    pub public_url: Option<Url>,
    /// The stage knows its address without being told (AWS).
    pub stage_knows_its_address: bool,
    /// The bridge's store and queue, if they are at hand.
    pub store: Option<Arc<dyn Store>>,
    pub queue: Option<Arc<dyn JobQueue>>,
    pub machine: Option<MachineFacts>,
    /// Since when an operator lets no new handover begin.
    pub draining_since: Option<Timestamp>,
    /// Make RCE call the bridge.
    pub round_trip: bool,
}

/// With what.
#[derive(Clone)]
pub struct Instruments {
    pub http: reqwest::Client,
    pub budget: Arc<dyn RestBudget>,
    pub ringcx: Arc<dyn RingCx>,
    pub bots: Arc<dyn BotPlatform>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
}

/// Reads everything.
pub async fn observe(patient: &Patient, with: &Instruments) -> Facts {
    let connection = &patient.connection;
    let console = Console::new(
        with.http.clone(),
        Arc::clone(&with.budget),
        Arc::clone(&with.clock),
        Account::of(&connection.ringcx),
    )
    .impatient();
    // The face is announced first: RCE knows it when it is looked for.
    let send_api = if connection.relay_messages {
        let face = Identity::company(&connection.ringcx.bot_identity);
        Some(with.ringcx.announce(connection, &face).await)
    } else {
        None
    };
    let (account, bot, work) = tokio::join!(
        console::account(&console),
        probe_bot(connection, with),
        look_at_work(patient, with)
    );
    let categories = &connection.ringcx;
    let (bot_category, agent_category) = (
        console::category(&console, &categories.bot_category_id).await,
        console::category(&console, &categories.agent_category_id).await,
    );
    let source = Seen::of(console.source(connection.ringcx.source_id.as_str()).await);
    let channels = Seen::of(console.channels().await);
    let bot_identity = console::identity(&console, connection, &connection.ringcx.bot_identity).await;
    let agent_identity = console::identity(&console, connection, &connection.ringcx.agent_identity).await;
    let agents = console::agents(
        &console,
        connection,
        account.me.yes().map(|me| me.id.as_str()),
        with,
    )
    .await;
    let webhooks = Seen::of(console.webhooks().await);
    let address = address::call(patient, with, &webhooks).await;
    let round_trip = if patient.round_trip {
        round_trip::make(patient, with, &console, &webhooks, &address).await
    } else {
        RoundTrip::NotTried("it was not asked for")
    };
    let (rest_calls, limited_calls) = console.calls();
    Facts {
        at: with.clock.now(),
        rest_calls,
        limited_calls,
        account,
        source,
        channels,
        bot_category,
        agent_category,
        bot_identity,
        agent_identity,
        agents,
        webhooks,
        address,
        round_trip,
        send_api,
        bot,
        work,
        machine: patient.machine.clone(),
        draining_since: patient.draining_since,
        can_host_files: connection.files.public_url.is_some() || patient.stage_knows_its_address,
    }
}

async fn probe_bot(connection: &Connection, with: &Instruments) -> BotFacts {
    let ping = |forged| Ping {
        id: format!("ping_{}", with.ids.next()),
        now: with.clock.now(),
        forged,
    };
    let signed = with.bots.probe(connection, None, &ping(false)).await;
    let forged = with.bots.probe(connection, None, &ping(true)).await;
    let mut subscribers = Vec::new();
    for subscriber in &connection.bot.queue_subscribers {
        subscribers.push(with.bots.probe(connection, Some(subscriber), &ping(false)).await);
    }
    BotFacts {
        signed,
        forged,
        subscribers,
    }
}

async fn look_at_work(patient: &Patient, with: &Instruments) -> Option<WorkFacts> {
    let (store, queue) = (patient.store.as_ref()?, patient.queue.as_ref()?);
    let ours = &patient.connection.id;
    let dead = queue.dead_letters().await.ok().map(|all| {
        let ours = all.into_iter().filter(|letter| letter.job.connection == *ours);
        ours.map(|letter| (letter.reason, letter.at)).collect()
    });
    let until = with.clock.now() - OVERDUE_AFTER;
    let overdue = store.to_look_after(until, OVERDUE_MAX).await.ok().map(|all| {
        let ours = all.into_iter().filter(|due| due.connection == *ours);
        ours.map(|due| due.at).collect()
    });
    let mut waiting = Some(0);
    for name in QueueName::ALL {
        let here = queue.waiting(name).await.ok();
        waiting = waiting.zip(here).map(|(sum, here): (u64, u64)| sum + here);
    }
    Some(WorkFacts {
        source_heard: round_trip::note(Some(store), with, Heard::SourceSdk, patient).await,
        dead,
        waiting,
        overdue,
    })
}
