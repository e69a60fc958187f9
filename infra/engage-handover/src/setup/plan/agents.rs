//! Agents: what they may do, what they are given, whom they speak as.

use std::collections::{BTreeMap, BTreeSet};

use handover_ringcx::console::{Source, User};

use super::{Act, Given, Plan, Step, Verdict, by_eye};
use crate::setup::account::{Observed, Permissions, called, speaks_on};
use crate::setup::agents::listed;
use crate::setup::wish::{AGENT_CATEGORY, BOT_CATEGORY};

/// What who answers needs on the source.
pub(crate) const PERMISSIONS: [&str; 2] = ["read", "reply"];

/// Names under which it is remembered what a person was told about agents whom nobody sees.
pub(crate) const AGENTS: &str = "agents";
pub(crate) const FACES: &str = "faces";
/// The same about the identities of the token's own account.
pub(crate) const OWN_FACE: &str = "own_identity";

/// What one agent gets; nothing is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AgentChange {
    pub(crate) user: User,
    /// By source.
    pub(crate) permissions: BTreeMap<String, Vec<&'static str>>,
    pub(crate) category: bool,
}

/// What somebody lacks on a source to answer there.
pub(crate) fn lacking(has: &Permissions, source: &str) -> Vec<&'static str> {
    let has = has.get(source).map(Vec::as_slice).unwrap_or_default();
    PERMISSIONS
        .into_iter()
        .filter(|wanted| !has.iter().any(|word| word == wanted))
        .collect()
}

/// The same for each of the sources on which something is lacking.
fn lacking_anywhere(observed: &Observed, has: &Permissions) -> BTreeMap<String, Vec<&'static str>> {
    let each = observed
        .sources
        .iter()
        .map(|source| (source.id.clone(), lacking(has, &source.id)));
    each.filter(|(_, lacking)| !lacking.is_empty()).collect()
}

/// Where the token's account has no identity RCE refuses every answer of the bot, and no REST call gives it one.
fn own_face(observed: &Observed, given: &Given<'_>, plan: &mut Plan) {
    let who = called(&observed.me);
    let Some(faces) = &observed.own_faces else {
        plan.notes.push(format!(
            "It cannot be seen whether the token's account has an identity on {}; without one RingCentral refuses every answer. Look by hand: Admin > Users > {who} > Identities.",
            observed.source_names()
        ));
        return;
    };
    let without = observed.sources.iter().filter(|source| !speaks_on(faces, source));
    let without: Vec<Source> = without.cloned().collect();
    if without.is_empty() {
        return;
    }
    let value = own_face_value(&without);
    let verdict = if given.entry.confirmed.get(OWN_FACE) == Some(&value) {
        Verdict::Keep
    } else {
        Verdict::ByHand
    };
    let names = listed(without.iter().map(|source| format!("\"{}\"", source.name)));
    let what = format!("an identity of the token's account, {who}, on {names}");
    plan.steps.push(
        Step::new(Act::OwnFace(without), verdict, what)
            .because("it speaks as nobody there: RingCentral would refuse every answer of the bot"),
    );
}

/// What is remembered once a person said that they gave the account its identities.
pub(crate) fn own_face_value(sources: &[Source]) -> String {
    listed(sources.iter().map(|source| source.id.clone()))
}

/// On channels of RCE's own the token's account is who answers.
pub(super) fn own_account(observed: &Observed, given: &Given<'_>, plan: &mut Plan) {
    own_permissions(observed, plan);
    own_face(observed, given, plan);
}

fn own_permissions(observed: &Observed, plan: &mut Plan) {
    let names = observed.source_names();
    let who = called(&observed.me);
    let Some(own) = &observed.own_permissions else {
        plan.notes.push(format!(
            "It cannot be read whether the token's account may answer on {names}. Look by hand: Admin > Users > {who} > permissions: Read and Reply."
        ));
        return;
    };
    let permissions = lacking_anywhere(observed, own);
    let what = format!("the token's account, {who}, may answer on {names}");
    if permissions.is_empty() {
        plan.steps
            .push(Step::new(Act::OwnAccount(None), Verdict::Keep, what));
        return;
    }
    let granted: BTreeSet<&str> = permissions.values().flatten().copied().collect();
    let after = granted.into_iter().collect::<Vec<_>>().join(" and ");
    let change = AgentChange {
        user: observed.me.clone(),
        permissions,
        category: false,
    };
    let step = Step::new(Act::OwnAccount(Some(change)), Verdict::Change, what)
        .turns("", format!("+ {after}"))
        .because("the bot's words are written by it");
    plan.steps.push(step.unless_lacking(observed, "update_user"));
}

/// Who is to speak as the agents' identity and does not yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FaceChange {
    pub(crate) users: Vec<User>,
}

pub(super) fn plan(
    observed: &Observed,
    given: &Given<'_>,
    bot: Option<&str>,
    agent: Option<&str>,
    plan: &mut Plan,
) {
    let Some(users) = &observed.users else {
        let what = "agents: read, reply, category".to_owned();
        let value = agent.unwrap_or_default();
        let step = by_eye(Act::Agents(Vec::new()), AGENTS, value, given, what);
        plan.steps
            .push(step.because("the token's account may not see agents (right \"read_user\")"));
        return;
    };
    if let (Some(bot), true) = (
        bot,
        observed.me.category_ids.iter().any(|id| Some(id.as_str()) == bot),
    ) {
        plan.notes.push(format!(
            "The token's own account holds the category \"{BOT_CATEGORY}\" ({bot}): whoever logs in with it is given the bot's conversations. Admin > Users > {} > Categories: remove it, unless that is wanted.",
            called(&observed.me)
        ));
    }
    let before: Vec<String> = given
        .entry
        .agents
        .difference(given.chosen)
        .filter_map(|id| observed.user(id))
        .map(called)
        .collect();
    if !before.is_empty() {
        plan.notes.push(format!(
            "Chosen before and not this time: {}. They keep what they have; Admin > Users takes it away.",
            listed(before)
        ));
    }
    let holders: Vec<User> = users
        .iter()
        .filter(|user| user.enabled && user.id != observed.me.id)
        .filter(|user| bot.is_some_and(|bot| user.category_ids.iter().any(|id| id == bot)))
        .cloned()
        .collect();
    if !holders.is_empty() {
        let what = format!(
            "category \"{BOT_CATEGORY}\" of {}",
            listed(holders.iter().map(called))
        );
        let step = Step::new(Act::TakeBotCategory(holders), Verdict::Change, what)
            .turns("held", "taken away")
            .because("they would be given the bot's conversations");
        plan.steps.push(step.unless_lacking(observed, "update_user"));
    }
    let chosen: Vec<&User> = given.chosen.iter().filter_map(|id| observed.user(id)).collect();
    let changes: Vec<AgentChange> = chosen
        .iter()
        .filter_map(|user| change(observed, user, agent))
        .collect();
    let unseen = given
        .chosen
        .iter()
        .any(|id| !observed.permissions.contains_key(id));
    if unseen {
        plan.notes.push(format!(
            "Permissions of agents on {} cannot be read: look by hand that they have Read and Reply.",
            observed.source_names()
        ));
    }
    if changes.is_empty() {
        let what = format!("{} may answer", listed(chosen.into_iter().map(called)));
        plan.steps
            .push(Step::new(Act::Agents(changes), Verdict::Keep, what));
        return;
    }
    let granted: BTreeSet<&str> = changes
        .iter()
        .flat_map(|change| change.permissions.values().flatten().copied())
        .collect();
    let mut what: Vec<String> = Vec::new();
    if !granted.is_empty() {
        what.push(granted.into_iter().collect::<Vec<_>>().join(" and "));
    }
    if changes.iter().any(|change| change.category) {
        what.push(format!("category \"{AGENT_CATEGORY}\""));
    }
    let names = listed(changes.iter().map(|change| called(&change.user)));
    let step = Step::new(Act::Agents(changes), Verdict::Change, format!("agents: {names}"))
        .turns("", format!("+ {}", what.join(", ")))
        .because("what they have stays");
    plan.steps.push(step.unless_lacking(observed, "update_user"));
}

fn change(observed: &Observed, user: &User, agent: Option<&str>) -> Option<AgentChange> {
    let now = observed.permissions.get(&user.id);
    let permissions = now.map_or_else(BTreeMap::new, |now| lacking_anywhere(observed, now));
    let category = agent.is_none_or(|agent| !user.category_ids.iter().any(|id| id == agent));
    let is_needed = category || !permissions.is_empty();
    is_needed.then(|| AgentChange {
        user: user.clone(),
        permissions,
        category,
    })
}

pub(super) fn faces(observed: &Observed, given: &Given<'_>) -> FaceChange {
    let identity = observed
        .agent_identity
        .as_ref()
        .map(|identity| identity.id.as_str());
    let speaks = |user: &&User| identity.is_some_and(|id| user.identity_ids.iter().any(|known| known == id));
    let users = given
        .chosen
        .iter()
        .filter_map(|id| observed.user(id))
        .filter(|user| !speaks(user))
        .cloned()
        .collect();
    FaceChange { users }
}

pub(super) fn face_step(observed: &Observed, given: &Given<'_>, change: FaceChange) -> Step {
    let name = &given.wish.agent_face.name;
    if observed.users.is_none() || !observed.sees_identities {
        let value = &given.wish.agent_face.id;
        let what = format!("agents speak as \"{name}\"");
        let step = by_eye(Act::Faces(change), FACES, value, given, what);
        let agents_do = observed
            .agent_identity
            .as_ref()
            .is_some_and(|identity| !identity.user_ids.is_empty());
        let step = Step {
            verdict: if agents_do { Verdict::Keep } else { step.verdict },
            ..step
        };
        return step.because(if observed.users.is_none() {
            "the token's account may not see agents"
        } else {
            "the token's account may not see identities (right \"read_identity\")"
        });
    }
    if change.users.is_empty() {
        let who = listed(given.chosen.iter().filter_map(|id| observed.user(id)).map(called));
        return Step::new(
            Act::Faces(change),
            Verdict::Keep,
            format!("identity \"{name}\" of {who}"),
        );
    }
    let who = listed(change.users.iter().map(called));
    Step::new(
        Act::Faces(change),
        Verdict::Change,
        format!("identity \"{name}\" of {who}"),
    )
    .because("once it is controlled; identities that they have stay")
    .unless_lacking(observed, "update_user")
}
