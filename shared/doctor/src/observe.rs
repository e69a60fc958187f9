//! Seeing everything once. What cannot be seen is a fact, too: nothing here fails.

mod address;
mod aim;
mod console;
mod round_trip;
mod watched;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use handover_core::Timestamp;
use handover_core::heard::Heard;
use handover_core::ids::Ids;
use handover_core::job::QueueName;
use handover_core::ports::{
    BotError, BotPlatform, Clock, Identity, JobQueue, Ping, Probed, RingCx as _, RingCxError, Store,
};
use handover_core::settings::Connection;
use handover_ringcx::console::{Category, Channel, Console, Identity as RcxIdentity, Webhook};
use handover_ringcx::{Account, RestBudget, RingCxClient};
use url::Url;

use crate::facts::{
    AccountFacts, AddressFacts, AgentFacts, BotFacts, Facts, MachineFacts, RoundTrip, Seen, SourceFacts,
    WorkFacts,
};
use watched::Watched;

pub(crate) use address::NOT_PROVEN;
pub(crate) use aim::{Aim, aim};

/// Most agents whose permissions are read, one call each.
pub const AGENTS_MAX: usize = 50;
/// Most identities of the token's account that are looked at, one call each.
pub(crate) const FACES_MAX: usize = 20;
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
    pub bots: Arc<dyn BotPlatform>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    /// Hears what is looked at now; somebody may wait at a terminal.
    pub tell: fn(&str),
}

/// Reads everything. What does not depend on each other is read at the same time; after one call of RCE's REST API had no
/// answer none is made any more, since each would take as long.
pub async fn observe(patient: &Patient, with: &Instruments) -> Facts {
    let connection = &patient.connection;
    let budget = Arc::new(Watched::new(Arc::clone(&with.budget)));
    let (http, clock) = (with.http.clone(), Arc::clone(&with.clock));
    let ringcx = RingCxClient::new(http, Arc::clone(&budget) as _, clock);
    let console = Console::new(
        with.http.clone(),
        Arc::clone(&budget) as _,
        Arc::clone(&with.clock),
        Account::of(&connection.ringcx),
    )
    .impatient();
    (with.tell)("the token, the bot, and the work in hand");
    let ((seen, round_trip), bot, work) = tokio::join!(
        Box::pin(look_at_ringcx(patient, with, &console, &ringcx)),
        probe_bot(connection, with),
        look_at_work(patient, with)
    );
    let counts = budget.counts();
    let mut facts = Facts {
        at: with.clock.now(),
        rest_calls: counts.called,
        limited_calls: counts.limited,
        held_calls: counts.held,
        account: seen.account,
        sources: seen.sources,
        channels: seen.channels,
        bot_category: seen.bot_category,
        agent_category: seen.agent_category,
        bot_identity: seen.bot_identity,
        agent_identity: seen.agent_identity,
        agents: seen.agents,
        webhooks: seen.webhooks,
        address: seen.address,
        round_trip,
        send_api: seen.send_api,
        bot,
        work,
        machine: patient.machine.clone(),
        draining_since: patient.draining_since,
        can_host_files: connection.files.public_url.is_some() || patient.stage_knows_its_address,
    };
    facts.settle();
    facts
}

/// What RCE's REST API and our own addresses showed.
struct RingCxFacts {
    account: AccountFacts,
    sources: Vec<SourceFacts>,
    channels: Seen<Vec<Channel>>,
    bot_category: Seen<Option<Category>>,
    agent_category: Seen<Option<Category>>,
    bot_identity: Seen<Vec<RcxIdentity>>,
    agent_identity: Seen<Vec<RcxIdentity>>,
    agents: AgentFacts,
    webhooks: Seen<Vec<Webhook>>,
    address: AddressFacts,
    send_api: Option<Result<(), RingCxError>>,
}

async fn look_at_ringcx(
    patient: &Patient,
    with: &Instruments,
    console: &Console,
    ringcx: &RingCxClient,
) -> (RingCxFacts, RoundTrip) {
    let connection = &patient.connection;
    let settings = &connection.ringcx;
    // The face is announced first: RCE knows it when it is looked for. Whether RCE answers at all is known first, too.
    let announced = async {
        let face = Identity::company(&settings.bot_identity);
        if connection.is_mirrored() {
            Some(ringcx.announce(connection, &face).await)
        } else {
            None
        }
    };
    let (send_api, me) = tokio::join!(announced, async { Seen::of(console.me().await) });
    (with.tell)("RingCentral: rights, source, categories, agents, webhook");
    let (account, mut sources, channels, bot_category, agent_category) = tokio::join!(
        console::account(console, connection, me.clone()),
        console::sources(console, connection, &me),
        async { Seen::of(console.channels().await) },
        console::category(console, &settings.bot_category_id),
        console::category(console, &settings.agent_category_id),
    );
    let (bot_identity, agent_identity, (agents, permissions), webhooks) = tokio::join!(
        console::identity(console, connection, &settings.bot_identity),
        console::identity(console, connection, &settings.agent_identity),
        console::agents(
            console,
            ringcx,
            connection,
            me.yes().map(|me| me.id.as_str()),
            with
        ),
        async { Seen::of(console.webhooks().await) },
    );
    for facts in &mut sources {
        let on_it = |may: &Seen<console::Permissions>| match may {
            Seen::Yes(all) => Seen::Yes(all.get(facts.id.as_str()).cloned().unwrap_or_default()),
            other => other.but(),
        };
        let each = permissions.iter().map(|(user, may)| (user.clone(), on_it(may)));
        facts.agents = each.collect();
    }
    (with.tell)("the bridge's own address");
    let address = address::call(patient, with, &webhooks).await;
    let round_trip = if patient.round_trip {
        (with.tell)("whether RingCentral calls the bridge, for up to 15 seconds");
        round_trip::make(patient, with, console, &webhooks, &address).await
    } else {
        RoundTrip::NotTried("it was not asked for")
    };
    let seen = RingCxFacts {
        account,
        sources,
        channels,
        bot_category,
        agent_category,
        bot_identity,
        agent_identity,
        agents,
        webhooks,
        address,
        send_api,
    };
    (seen, round_trip)
}

async fn probe_bot(connection: &Connection, with: &Instruments) -> BotFacts {
    let ping = |forged| Ping {
        id: format!("ping_{}", with.ids.next()),
        now: with.clock.now(),
        forged,
    };
    let bot = async {
        let signed = with.bots.probe(connection, None, &ping(false)).await;
        // Who does not answer is not waited for a second time.
        let forged = match &signed {
            Err(BotError::NoAnswer(_)) => Ok(Probed::Nothing),
            _ => with.bots.probe(connection, None, &ping(true)).await,
        };
        (signed, forged)
    };
    let good = ping(false);
    let subscribers = connection.bot.queue_subscribers.iter();
    let told: Vec<_> = subscribers
        .map(|subscriber| with.bots.probe(connection, Some(subscriber), &good))
        .collect();
    let ((signed, forged), subscribers) = tokio::join!(bot, join_all(told));
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
