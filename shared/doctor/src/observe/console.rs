//! What RCE's console has.

use std::collections::BTreeMap;

use futures_util::future::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};
use handover_core::ids::CategoryId;
use handover_core::ports::RingCx as _;
use handover_core::settings::{Connection, IdentitySettings};
use handover_ringcx::RingCxClient;
use handover_ringcx::console::{Category, Console, Identity, User};

use super::{AGENTS_MAX, Instruments};
use crate::facts::{AccountFacts, AgentFacts, Seen};

/// How many agents are looked at at the same time.
const AT_ONCE: usize = 5;

pub(super) async fn account(console: &Console, me: Seen<User>) -> AccountFacts {
    let role = async {
        match &me {
            Seen::Yes(User {
                role_id: Some(role), ..
            }) => Seen::of(console.role(role).await),
            Seen::Yes(_) | Seen::NotFound => Seen::NotAsked,
            // Whose account it is was not seen, so neither is its role.
            other => other.but(),
        }
    };
    let (role, interventions, monitor, users, time_sheets) = tokio::join!(
        role,
        console.may_see_interventions(),
        console.may_monitor(),
        console.may_read_users(),
        console.may_see_time_sheets()
    );
    AccountFacts {
        me,
        role,
        interventions: Seen::of(interventions),
        monitor: Seen::of(monitor),
        users: Seen::of(users),
        time_sheets: Seen::of(time_sheets),
        dates: console.dates(),
    }
}

/// Without an id there is no such category: threads are never moved.
pub(super) async fn category(console: &Console, id: &CategoryId) -> Seen<Option<Category>> {
    if id.as_str().is_empty() {
        return Seen::NotAsked;
    }
    Seen::of(console.category(id.as_str()).await)
}

pub(super) async fn identity(
    console: &Console,
    connection: &Connection,
    identity: &IdentitySettings,
) -> Seen<Vec<Identity>> {
    if !connection.relay_messages {
        return Seen::NotAsked;
    }
    let source = connection.ringcx.source_id.as_str();
    Seen::of(console.identities(source, &identity.id).await)
}

pub(super) async fn agents(
    console: &Console,
    ringcx: &RingCxClient,
    connection: &Connection,
    me: Option<&str>,
    with: &Instruments,
) -> AgentFacts {
    let settings = &connection.ringcx;
    let (holders, bot_holders) = tokio::join!(
        holders(console, &settings.agent_category_id),
        holders(console, &settings.bot_category_id)
    );
    let enabled = holders
        .yes()
        .into_iter()
        .flatten()
        .filter(|user| user.enabled && Some(user.id.as_str()) != me);
    let source = settings.source_id.as_str();
    let permissions: Vec<_> = enabled
        .take(AGENTS_MAX)
        .map(|user| permissions(console, user, source).boxed())
        .collect();
    let permissions = stream::iter(permissions).buffer_unordered(AT_ONCE);
    let available = async {
        if console.had_no_answer() {
            return (None, None);
        }
        tokio::join!(async { ringcx.agents(connection).await.ok().flatten() }, async {
            ringcx.opening_hours(connection).await.ok().flatten()
        })
    };
    let (permissions, (agents, hours)) = tokio::join!(permissions.collect::<BTreeMap<_, _>>(), available);
    AgentFacts {
        holders,
        bot_holders,
        permissions,
        with_room: agents.map(|agents| agents.with_room()),
        is_open: hours.map(|hours| hours.is_open(with.clock.now())),
    }
}

/// What an agent may do on a source.
async fn permissions(console: &Console, user: &User, source: &str) -> (String, Seen<Vec<String>>) {
    let may = console.permissions(&user.id, source).await;
    (user.id.clone(), Seen::of(may))
}

async fn holders(console: &Console, category: &CategoryId) -> Seen<Vec<User>> {
    if category.as_str().is_empty() {
        return Seen::NotAsked;
    }
    let id = category.as_str();
    match Seen::of(console.users(Some(id)).await) {
        // Who filters is asked again here: an older RCE may not know the filter.
        Seen::Yes(all) => Seen::Yes(
            all.into_iter()
                .filter(|user| user.category_ids.iter().any(|held| held == id))
                .collect(),
        ),
        other => other,
    }
}
