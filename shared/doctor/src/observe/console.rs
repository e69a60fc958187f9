//! What RCE's console has.

use std::collections::BTreeMap;

use handover_core::ids::CategoryId;
use handover_core::settings::{Connection, IdentitySettings};
use handover_ringcx::console::{Category, Console, Identity, User};

use super::{AGENTS_MAX, Instruments};
use crate::facts::{AccountFacts, AgentFacts, Seen};

pub(super) async fn account(console: &Console) -> AccountFacts {
    let me = Seen::of(console.me().await);
    let role = match me.yes().and_then(|me| me.role_id.as_deref()) {
        Some(role) => Seen::of(console.role(role).await),
        None => Seen::NotAsked,
    };
    AccountFacts {
        me,
        role,
        interventions: Seen::of(console.may_see_interventions().await),
        monitor: Seen::of(console.may_monitor().await),
        users: Seen::of(console.may_read_users().await),
        time_sheets: Seen::of(console.may_see_time_sheets().await),
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
    connection: &Connection,
    me: Option<&str>,
    with: &Instruments,
) -> AgentFacts {
    let settings = &connection.ringcx;
    let holders = holders(console, &settings.agent_category_id).await;
    let bot_holders = self::holders(console, &settings.bot_category_id).await;
    let mut permissions = BTreeMap::new();
    let enabled = holders
        .yes()
        .into_iter()
        .flatten()
        .filter(|user| user.enabled && Some(user.id.as_str()) != me);
    for user in enabled.take(AGENTS_MAX) {
        let may = console.permissions(&user.id, settings.source_id.as_str()).await;
        permissions.insert(user.id.clone(), Seen::of(may));
    }
    let agents = with.ringcx.agents(connection).await.ok().flatten();
    let hours = with.ringcx.opening_hours(connection).await.ok().flatten();
    AgentFacts {
        holders,
        bot_holders,
        permissions,
        with_room: agents.map(|agents| agents.with_room()),
        is_open: hours.map(|hours| hours.is_open(with.clock.now())),
    }
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
