//! What RCE's console has.

use std::collections::BTreeMap;

use futures_util::future::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};
use handover_core::ids::{CategoryId, SourceId};
use handover_core::ports::RingCx as _;
use handover_core::settings::{Connection, IdentitySettings};
use handover_ringcx::RingCxClient;
use handover_ringcx::console::{Category, Console, Identity, User};

use super::{AGENTS_MAX, FACES_MAX, Instruments};
use crate::facts::{AccountFacts, AgentFacts, Seen, SourceFacts};

/// How many agents, sources or identities are looked at at the same time.
const AT_ONCE: usize = 5;

/// What somebody may do, by source.
pub(super) type Permissions = BTreeMap<String, Vec<String>>;

pub(super) async fn account(console: &Console, connection: &Connection, me: Seen<User>) -> AccountFacts {
    let is_native = connection.is_native();
    let identities = async {
        if is_native {
            Seen::of(console.may_see_identities().await)
        } else {
            Seen::NotAsked
        }
    };
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
    let faces = async {
        match &me {
            Seen::Yes(me) if is_native => faces(console, &me.identity_ids).await,
            Seen::Yes(_) => Seen::NotAsked,
            other if is_native => other.but(),
            _ => Seen::NotAsked,
        }
    };
    let (role, interventions, monitor, users, time_sheets, identities, faces) = tokio::join!(
        role,
        console.may_see_interventions(),
        console.may_monitor(),
        console.may_read_users(),
        console.may_see_time_sheets(),
        identities,
        faces
    );
    AccountFacts {
        me,
        role,
        interventions: Seen::of(interventions),
        monitor: Seen::of(monitor),
        users: Seen::of(users),
        time_sheets: Seen::of(time_sheets),
        identities,
        faces,
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
    if !connection.is_mirrored() {
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
) -> (AgentFacts, BTreeMap<String, Seen<Permissions>>) {
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
    let permissions: Vec<_> = enabled
        .take(AGENTS_MAX)
        .map(|user| permissions(console, user).boxed())
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
    let facts = AgentFacts {
        holders,
        bot_holders,
        with_room: agents.map(|agents| agents.with_room()),
        is_open: hours.map(|hours| hours.is_open(with.clock.now())),
    };
    (facts, permissions)
}

/// What an agent may do.
async fn permissions(console: &Console, user: &User) -> (String, Seen<Permissions>) {
    let may = console.all_permissions(&user.id).await;
    (user.id.clone(), Seen::of(may))
}

/// Each source by itself, and what the token's account may do there.
pub(super) async fn sources(console: &Console, connection: &Connection, me: &Seen<User>) -> Vec<SourceFacts> {
    let settings = &connection.ringcx;
    let own = async {
        match me {
            Seen::Yes(me) if connection.is_native() => Seen::of(console.all_permissions(&me.id).await),
            Seen::Yes(_) => Seen::NotAsked,
            other if connection.is_native() => other.but(),
            _ => Seen::NotAsked,
        }
    };
    let look = async |id: &SourceId| {
        let author = async {
            match settings.native.author_identities.get(id) {
                Some(author) if connection.is_native() => Seen::of(console.identity(author.as_str()).await),
                _ => Seen::NotAsked,
            }
        };
        let source = async { Seen::of(console.source(id.as_str()).await) };
        let (source, author) = tokio::join!(source, author);
        (id.clone(), source, author)
    };
    let looks: Vec<_> = settings.sources().map(|id| look(id).boxed()).collect();
    let looks = stream::iter(looks).buffered(AT_ONCE).collect::<Vec<_>>();
    let (own, looks) = tokio::join!(own, looks);
    let each = looks.into_iter().map(|(id, source, author)| SourceFacts {
        own: match &own {
            Seen::Yes(all) => Seen::Yes(all.get(id.as_str()).cloned().unwrap_or_default()),
            other => other.but(),
        },
        id,
        source,
        agents: BTreeMap::new(),
        author,
    });
    each.collect()
}

/// The identities that the account may speak as; one that is gone is none.
async fn faces(console: &Console, ids: &[String]) -> Seen<Vec<Identity>> {
    let looks: Vec<_> = ids
        .iter()
        .take(FACES_MAX)
        .map(|id| console.identity(id).boxed())
        .collect();
    let looks: Vec<_> = stream::iter(looks).buffered(AT_ONCE).collect().await;
    let mut faces = Vec::new();
    for look in looks {
        match Seen::of(look) {
            Seen::Yes(found) => faces.extend(found),
            other => return other.but(),
        }
    }
    Seen::Yes(faces)
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
