//! What RCE has before anything is changed.

use std::collections::{BTreeMap, BTreeSet};

use handover_ringcx::console::{
    Category, Channel, Console, ConsoleError, Folder, Identity, Role, Source, User, Webhook,
};

use super::patience::Patience;
use super::wish::Wish;

/// What the token's account may not look at is `None`.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    pub(crate) me: User,
    pub(crate) rights: Rights,
    /// At least one; more only of channels of RCE's own.
    pub(crate) sources: Vec<Source>,
    /// Set up before, and not meant any more.
    pub(crate) left: Vec<Source>,
    pub(crate) categories: Vec<Category>,
    pub(crate) folders: Option<Vec<Folder>>,
    pub(crate) webhooks: Option<Vec<Webhook>>,
    /// Everybody.
    pub(crate) users: Option<Vec<User>>,
    /// Of those who were chosen, by source.
    pub(crate) permissions: BTreeMap<String, Permissions>,
    /// Of the token's own account.
    pub(crate) own_permissions: Option<Permissions>,
    /// Whom the token's account speaks as, on channels of RCE's own. `None`: it cannot be seen, or there are too many.
    pub(crate) own_faces: Option<Vec<Identity>>,
    pub(crate) channels: Option<Vec<Channel>>,
    /// Whether identities can be seen at all.
    pub(crate) sees_identities: bool,
    pub(crate) bot_identity: Option<Identity>,
    pub(crate) agent_identity: Option<Identity>,
}

/// What somebody may do on each source.
pub(crate) type Permissions = BTreeMap<String, Vec<String>>;

/// What the token's account may do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rights {
    /// `None`: its role cannot be read; each call will tell.
    pub(crate) role: Option<Role>,
}

/// Most identities of the token's account that are looked at, one call each.
const FACES_MAX: usize = 20;

/// Rights of a role that set-up needs, by RCE's names, and what for.
pub(crate) const NEEDED: [(&str, &str); 6] = [
    ("manage_categories", "create the categories"),
    ("update_content_source", "set the source's default category"),
    ("manage_folders", "create the agents' folder"),
    ("read_user", "see agents"),
    ("read_identity", "see the identities of the bot and the agents"),
    (
        "update_user",
        "give agents their category, permissions and identity",
    ),
];

/// Rights that the bridge needs on channels of RCE's own, and only there.
pub(crate) const USEFUL_NATIVE: [(&str, &str); 2] = [
    ("read_identity", "tell the bot who writes"),
    ("open_content_thread", "answer in a thread that somebody closed"),
];

/// Rights that the bridge itself lives better with.
pub(crate) const USEFUL: [(&str, &str); 2] = [
    (
        "monitor_tasks",
        "see who is available and the places in the queue; without it the bot is told \"unknown\"",
    ),
    (
        "update_intervention",
        "close what an agent has open when the customer leaves; without it the agent reads a note only",
    ),
];

impl Rights {
    /// Whether it is known that the account may not.
    pub(crate) fn lacks(&self, right: &str) -> bool {
        self.role
            .as_ref()
            .is_some_and(|role| !role.rights.iter().any(|known| known == right))
    }

    pub(crate) fn role_label(&self) -> &str {
        self.role.as_ref().map_or("its role", |role| &role.label)
    }
}

/// What only the token says: whether it is accepted, and what it may do.
pub(crate) async fn whoami(
    console: &Console,
    patience: &Patience<'_>,
) -> Result<(User, Rights), ConsoleError> {
    let me = patience.read(async || console.me().await).await?;
    let role = match &me.role_id {
        None => None,
        Some(id) => patience.maybe(async || console.role(id).await).await?,
    };
    Ok((me, Rights { role }))
}

/// Everything that the plan is made from.
pub(crate) async fn read(
    console: &Console,
    patience: &Patience<'_>,
    wish: &Wish,
    (me, rights): (User, Rights),
    sources: Vec<Source>,
    users: Option<Vec<User>>,
    chosen: &BTreeSet<String>,
) -> Result<Observed, ConsoleError> {
    let mut permissions = BTreeMap::new();
    for (count, id) in chosen.iter().enumerate() {
        if chosen.len() > 20 {
            patience.progress(&format!(
                "reading the permissions of agents: {count} of {}",
                chosen.len()
            ));
        }
        let read = async || console.all_permissions(id).await;
        if let Some(now) = patience.maybe(read).await? {
            permissions.insert(id.clone(), now);
        }
    }
    let identity = async |id: &str| {
        // On channels of RCE's own nobody is announced.
        let source = sources.first().filter(|_| !wish.is_native());
        let Some(source) = source else {
            return Ok(None);
        };
        patience
            .maybe(async || console.identities(&source.id, id).await)
            .await
    };
    let first = |found: Option<Vec<Identity>>| found.and_then(|found| found.into_iter().next());
    let bot_identity = identity(&wish.bot_face.id).await?;
    let sees_identities = bot_identity.is_some();
    let own = async || console.all_permissions(&me.id).await;
    let own_faces = if wish.is_native() {
        faces(console, patience, &me).await?
    } else {
        None
    };
    Ok(Observed {
        own_faces,
        left: Vec::new(),
        categories: patience.read(async || console.categories(None).await).await?,
        folders: patience.maybe(async || console.folders().await).await?,
        webhooks: patience.maybe(async || console.webhooks().await).await?,
        own_permissions: patience.maybe(own).await?,
        channels: patience.maybe(async || console.channels().await).await?,
        sees_identities,
        bot_identity: first(bot_identity),
        agent_identity: if sees_identities {
            first(identity(&wish.agent_face.id).await?)
        } else {
            None
        },
        me,
        rights,
        sources,
        users,
        permissions,
    })
}

/// The identities that an account speaks as; one that is gone is none.
pub(crate) async fn faces(
    console: &Console,
    patience: &Patience<'_>,
    me: &User,
) -> Result<Option<Vec<Identity>>, ConsoleError> {
    if me.identity_ids.len() > FACES_MAX {
        return Ok(None);
    }
    let mut faces = Vec::new();
    for id in &me.identity_ids {
        match patience.maybe(async || console.identity(id).await).await? {
            Some(found) => faces.extend(found),
            None => return Ok(None),
        }
    }
    Ok(Some(faces))
}

/// Whether one of them is on the source; where RCE does not say which channel it is, it may be any.
pub(crate) fn speaks_on(faces: &[Identity], source: &Source) -> bool {
    faces.iter().any(|face| {
        source.community_id.is_none()
            || face.community_id.is_none()
            || face.community_id == source.community_id
    })
}

impl Observed {
    /// The names of the sources, each in quotation marks.
    pub(crate) fn source_names(&self) -> String {
        let names = self.sources.iter().map(|source| format!("\"{}\"", source.name));
        names.collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn user(&self, id: &str) -> Option<&User> {
        self.users.as_ref()?.iter().find(|user| user.id == id)
    }

    pub(crate) fn category(&self, id: &str) -> Option<&Category> {
        self.categories.iter().find(|category| category.id == id)
    }

    /// The oldest category of this name, whatever its letters' case, under this parent (`None`: on top).
    pub(crate) fn category_named(&self, name: &str, parent: Option<&str>) -> Option<&Category> {
        self.categories
            .iter()
            .find(|category| category.parent_id.as_deref() == parent && same_name(&category.name, name))
    }
}

pub(crate) fn same_name(left: &str, right: &str) -> bool {
    left.trim().to_lowercase() == right.trim().to_lowercase()
}

/// What a person is called in the plan.
pub(crate) fn called(user: &User) -> String {
    match (&user.email, user.name.as_str()) {
        (_, name) if !name.is_empty() => name.to_owned(),
        (Some(email), _) => email.clone(),
        _ => user.id.clone(),
    }
}
