//! What is to be done: pure, from what was observed and what is wanted.

use std::collections::BTreeSet;

use handover_core::secret::Secret;
use handover_ringcx::console::{Category, Channel, Identity, Source, User, Webhook};
use serde::Serialize;

use super::account::{NEEDED, Observed, USEFUL, USEFUL_NATIVE, called, same_name};
use super::agents::listed;
use super::record::Entry;
use super::wish::{AGENT_CATEGORY, BOT_CATEGORY, Face, Wish};

mod agents;
mod webhook;

#[cfg(test)]
mod tests;

pub(crate) use agents::{AGENTS, AgentChange, FACES, FaceChange, OWN_FACE, own_face_value};
pub(crate) use webhook::{WEBHOOK, WebhookPlan};

/// Names under which it is remembered what a person was told, or said.
pub(crate) const BASE_URI: &str = "base_uri";
pub(crate) const CONTROLLED: &str = "controlled_identity";
/// Of a folder that nobody sees.
pub(crate) const FOLDER: &str = "folder";
/// Under which it is remembered that identities were announced that nobody sees.
pub(crate) const ANNOUNCED: &str = "identities";

/// What becomes of one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Keep,
    Create,
    Change,
    Delete,
    ByHand,
    /// A person was told; nobody can see whether it is so.
    Check,
}

impl Verdict {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Create => "create",
            Self::Change => "change",
            Self::Delete => "delete",
            Self::ByHand => "by hand",
            Self::Check => "check",
        }
    }

    pub(crate) fn is_to_do(self) -> bool {
        !matches!(self, Self::Keep | Self::Check)
    }
}

/// Which of the three categories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Parent,
    Bot,
    Agent,
}

/// What is done, with all that doing it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// `id` if it is there.
    Category {
        part: Part,
        id: Option<String>,
    },
    Config,
    Announce,
    /// Of this source.
    Defaults(Source),
    Folder(FolderPlan),
    TakeBotCategory(Vec<User>),
    Agents(Vec<AgentChange>),
    /// The token's own account, which answers on channels of RCE's own.
    OwnAccount(Option<AgentChange>),
    /// Its identity on these, where it has none.
    OwnFace(Vec<Source>),
    Webhook(WebhookPlan),
    DeleteWebhook(Webhook),
    BaseUri,
    Controlled,
    Faces(FaceChange),
    /// Of `--remove`.
    Undo(super::remove::Undo),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FolderPlan {
    /// Its id, if it can be seen.
    Leave,
    Create,
    /// The id of ours, whose search is another one.
    Mend(String),
}

/// One line of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) act: Act,
    pub(crate) verdict: Verdict,
    pub(crate) what: String,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) why: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    /// What the user should know before they say yes.
    pub(crate) notes: Vec<String>,
}

/// What the plan is made from, besides what was observed.
pub(crate) struct Given<'a> {
    pub(crate) wish: &'a Wish,
    pub(crate) entry: &'a Entry,
    pub(crate) chosen: &'a BTreeSet<String>,
    /// Category ids that the configuration has.
    pub(crate) configured: (Option<String>, Option<String>),
    /// Settings that will be written, by their names; empty: the file is right.
    pub(crate) settings: Vec<String>,
    pub(crate) config_exists: bool,
    /// The sources that the configuration has, by their ids.
    pub(crate) written_sources: Vec<String>,
    /// The verification token that the configuration has; `None`: it will be invented.
    pub(crate) verification_token: Option<Secret>,
}

impl Plan {
    pub(crate) fn is_empty(&self) -> bool {
        !self.steps.iter().any(|step| step.verdict.is_to_do())
    }
}

impl Step {
    fn new(act: Act, verdict: Verdict, what: impl Into<String>) -> Self {
        Self {
            act,
            verdict,
            what: what.into(),
            before: None,
            after: None,
            why: None,
        }
    }

    fn turns(mut self, before: impl Into<String>, after: impl Into<String>) -> Self {
        self.before = Some(before.into());
        self.after = Some(after.into());
        self
    }

    fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// Not by us, if it is known that the token's account may not.
    fn unless_lacking(mut self, observed: &Observed, right: &str) -> Self {
        if matches!(self.verdict, Verdict::Create | Verdict::Change) && observed.rights.lacks(right) {
            self.verdict = Verdict::ByHand;
            self.why = Some(format!("the token's account lacks the right \"{right}\""));
        }
        self
    }
}

/// Makes the plan, in the order in which it is done.
pub(crate) fn plan(observed: &Observed, given: &Given<'_>) -> Plan {
    let mut plan = Plan::default();
    let is_native = given.wish.is_native();
    if !is_native {
        // The first, because it tries the realtime token: if that is wrong, nothing else was changed.
        plan.steps.push(announce(observed, given));
    }
    for source in &observed.left {
        plan.steps.extend(given_back(observed, source, given.entry));
    }
    let (bot, agent) = categories(observed, given, &mut plan);
    plan.steps.push(config(observed, given));
    let sources = observed.sources.iter();
    let defaults: Vec<Step> = sources
        .map(|source| defaults(observed, source, bot.as_deref()))
        .collect();
    // On channels of RCE's own the last, because from then on the bot has whoever writes: all else works by then.
    let (early, last) = if is_native {
        (Vec::new(), defaults)
    } else {
        (defaults, Vec::new())
    };
    plan.steps.extend(early);
    folder(observed, given, agent.as_deref(), &mut plan);
    agents::plan(observed, given, bot.as_deref(), agent.as_deref(), &mut plan);
    if is_native {
        agents::own_account(observed, given, &mut plan);
    }
    webhook::plan(observed, given, &mut plan);
    plan.steps.extend(last);
    if !is_native {
        plan.steps.push(base_uri(observed, given));
        faces(observed, given, &mut plan);
    }
    rights(observed, is_native, &mut plan);
    plan
}

/// Bot and Agent, as far as they exist: those of the configuration, else by their names under the parent.
fn found_categories<'a>(
    observed: &'a Observed,
    given: &Given<'_>,
) -> (Option<&'a Category>, Option<&'a Category>) {
    let parent = observed.category_named(&given.wish.parent, None);
    let known = |id: Option<&String>| id.and_then(|id| observed.category(id));
    let below = |child: &str| parent.and_then(|parent| observed.category_named(child, Some(&parent.id)));
    (
        known(given.configured.0.as_ref()).or_else(|| below(BOT_CATEGORY)),
        known(given.configured.1.as_ref()).or_else(|| below(AGENT_CATEGORY)),
    )
}

/// Their ids.
pub(crate) fn category_ids(observed: &Observed, given: &Given<'_>) -> (Option<String>, Option<String>) {
    let (bot, agent) = found_categories(observed, given);
    let id = |found: Option<&Category>| found.map(|found| found.id.clone());
    (id(bot), id(agent))
}

fn categories(observed: &Observed, given: &Given<'_>, plan: &mut Plan) -> (Option<String>, Option<String>) {
    let name = &given.wish.parent;
    let parent = observed.category_named(name, None);
    let (bot, agent) = found_categories(observed, given);
    for (id, which) in [(&given.configured.0, "bot"), (&given.configured.1, "agent")] {
        if let Some(id) = id.as_ref().filter(|id| observed.category(id).is_none()) {
            plan.notes.push(format!(
                "{which}_category_id in the configuration ({id}) is no category of this account; it is replaced."
            ));
        }
    }
    if bot.is_none() || agent.is_none() {
        let step = category(Part::Parent, parent, name, None);
        let step = step.because("a heading that nobody can pick");
        plan.steps
            .push(step.unless_lacking(observed, "manage_categories"));
    }
    let below = parent.map_or(name.as_str(), |parent| parent.name.as_str());
    for (part, found, called, why) in [
        (Part::Bot, bot, BOT_CATEGORY, "of conversations that the bot has"),
        (
            Part::Agent,
            agent,
            AGENT_CATEGORY,
            "of conversations that wait for an agent, or have one",
        ),
    ] {
        let step = category(part, found, called, Some(below));
        let step = if step.verdict == Verdict::Create {
            step.because(why)
        } else {
            step
        };
        plan.steps
            .push(step.unless_lacking(observed, "manage_categories"));
    }
    (
        bot.map(|found| found.id.clone()),
        agent.map(|found| found.id.clone()),
    )
}

fn category(part: Part, found: Option<&Category>, name: &str, below: Option<&str>) -> Step {
    let id = found.map(|found| found.id.clone());
    let (verdict, what) = match (found, below) {
        (Some(found), _) => (Verdict::Keep, format!("category \"{}\"", found.name)),
        (None, None) => (Verdict::Create, format!("category \"{name}\"")),
        (None, Some(below)) => (Verdict::Create, format!("category \"{name}\" under \"{below}\"")),
    };
    Step::new(Act::Category { part, id }, verdict, what)
}

/// Nobody answers there any more, so that its customers go to the agents again.
fn given_back(observed: &Observed, source: &Source, entry: &Entry) -> Option<Step> {
    let before = entry.defaults_of.get(&source.id)?;
    let step = super::remove::defaults(source, before, entry, &observed.categories)?;
    Some(
        step.because("the configuration does not name it any more: new conversations would reach nobody")
            .unless_lacking(observed, "update_content_source"),
    )
}

/// `adds source "Mail" to Chat`, if that is what happens.
fn added(observed: &Observed, given: &Given<'_>) -> Option<String> {
    let written = &given.written_sources;
    let (known, new): (Vec<&Source>, Vec<&Source>) = observed
        .sources
        .iter()
        .partition(|source| written.contains(&source.id));
    let is_change = !known.is_empty() && !new.is_empty();
    let names = |sources: Vec<&Source>| sources.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
    is_change.then(|| {
        let new: Vec<String> = names(new).iter().map(|name| format!("\"{name}\"")).collect();
        format!(
            "adds source{} {} to {}",
            if new.len() == 1 { "" } else { "s" },
            new.join(", "),
            names(known).join(", ")
        )
    })
}

fn config(observed: &Observed, given: &Given<'_>) -> Step {
    let verdict = match (given.settings.is_empty(), given.config_exists) {
        (true, _) => Verdict::Keep,
        (false, true) => Verdict::Change,
        (false, false) => Verdict::Create,
    };
    let step = Step::new(
        Act::Config,
        verdict,
        format!("configuration, section [connections.{}]", given.wish.connection),
    );
    if verdict == Verdict::Keep {
        return step;
    }
    let (invented, others): (Vec<&String>, Vec<&String>) = given
        .settings
        .iter()
        .partition(|name| super::section::SECRETS.contains(&name.as_str()));
    let join = |names: Vec<&String>| names.into_iter().cloned().collect::<Vec<_>>().join(", ");
    let mut why = Vec::new();
    why.extend(added(observed, given));
    if !invented.is_empty() {
        why.push(format!("new random secrets: {}", join(invented)));
    }
    if verdict == Verdict::Change && !others.is_empty() {
        why.push(format!("sets {}; all else stays as it is", join(others)));
    }
    step.because(why.join("; "))
}

fn is_announced(identity: Option<&Identity>, face: &Face) -> bool {
    identity.is_some_and(|identity| {
        identity
            .screenname
            .as_deref()
            .is_none_or(|name| name == face.name)
    })
}

/// What identities were announced.
pub(crate) fn faces_of(wish: &Wish) -> String {
    let (bot, agent) = (&wish.bot_face, &wish.agent_face);
    format!("{} {}, {} {}", bot.id, bot.name, agent.id, agent.name)
}

fn announce(observed: &Observed, given: &Given<'_>) -> Step {
    let wish = given.wish;
    let (bot, agent) = (&wish.bot_face, &wish.agent_face);
    let is_told = given.entry.confirmed.get(ANNOUNCED) == Some(&faces_of(wish));
    let missing: Vec<String> = [(&observed.bot_identity, bot), (&observed.agent_identity, agent)]
        .into_iter()
        .filter(|(identity, face)| !is_announced(identity.as_ref(), face))
        .map(|(_, face)| format!("\"{}\"", face.name))
        .collect();
    if missing.is_empty() || (is_told && !observed.sees_identities) {
        let what = format!("identities \"{}\" and \"{}\"", bot.name, agent.name);
        return Step::new(Act::Announce, Verdict::Keep, what);
    }
    Step::new(
        Act::Announce,
        Verdict::Create,
        format!("identities {}", missing.join(" and ")),
    )
    .because("they speak for the company; told by the Send API, which also tries the realtime token")
}

fn defaults(observed: &Observed, source: &Source, bot: Option<&str>) -> Step {
    let is_right = |ids: &[String]| bot.is_some_and(|bot| ids == [bot.to_owned()]);
    let right = is_right(&source.default_category_ids) && is_right(&source.user_thread_default_category_ids);
    let what = format!("default category of the source \"{}\"", source.name);
    if right {
        return Step::new(Act::Defaults(source.clone()), Verdict::Keep, what);
    }
    let name = |ids: &[String]| {
        let names = ids.iter().map(|id| {
            observed
                .category(id)
                .map_or_else(|| id.clone(), |category| category.name.clone())
        });
        listed(names)
    };
    let (customers, company) = (
        name(&source.default_category_ids),
        name(&source.user_thread_default_category_ids),
    );
    let before = if customers == company {
        customers
    } else {
        format!("{customers} (agents' messages: {company})")
    };
    Step::new(Act::Defaults(source.clone()), Verdict::Change, what)
        .turns(before, BOT_CATEGORY)
        .because("a new conversation is the bot's")
        .unless_lacking(observed, "update_content_source")
}

/// A folder's search: everything in the Agent category (search word `categorized_in`).
pub(crate) fn folder_query(agent_category: &str) -> String {
    format!("categorized_in:\"{agent_category}\"")
}

fn folder(observed: &Observed, given: &Given<'_>, agent: Option<&str>, plan: &mut Plan) {
    let label = &given.wish.folder;
    let what = format!("folder \"{label}\"");
    let Some(folders) = &observed.folders else {
        let query = agent.map(folder_query).unwrap_or_default();
        let step = by_eye(Act::Folder(FolderPlan::Create), FOLDER, &query, given, what);
        plan.steps
            .push(step.because("the token's account may not see folders"));
        return;
    };
    let query = agent.map(folder_query);
    let shows_them = |found: &&handover_ringcx::console::Folder| query.is_some() && found.query == query;
    let ours = given.entry.made.folder.as_ref();
    let is_ours = |found: &&handover_ringcx::console::Folder| {
        ours.is_some_and(|ours| match &ours.id {
            Some(id) => *id == found.id,
            None => same_name(&ours.name, &found.label),
        })
    };
    let named = |found: &&handover_ringcx::console::Folder| same_name(&found.label, label);
    let step = if let Some(found) = folders.iter().find(shows_them) {
        let what = format!("folder \"{}\"", found.label);
        Step::new(Act::Folder(FolderPlan::Leave), Verdict::Keep, what)
    } else if let Some(found) = folders.iter().find(is_ours) {
        Step::new(
            Act::Folder(FolderPlan::Mend(found.id.clone())),
            Verdict::Change,
            what,
        )
        .turns(
            found.query.as_deref().unwrap_or("none"),
            query.as_deref().unwrap_or("the Agent category"),
        )
        .because("it shows what waits for agents")
    } else if folders.iter().any(|found| named(&found)) {
        plan.notes.push(format!(
            "A folder \"{label}\" is there and shows something else. It is left as it is; name another one with --folder."
        ));
        Step::new(Act::Folder(FolderPlan::Leave), Verdict::Keep, what)
    } else {
        Step::new(Act::Folder(FolderPlan::Create), Verdict::Create, what)
            .because("it shows what waits for agents")
    };
    plan.steps.push(step.unless_lacking(observed, "manage_folders"));
}

/// By hand at first; told once, it is for the person to look; nothing shows it by REST.
fn by_eye(act: Act, name: &str, value: &str, given: &Given<'_>, what: String) -> Step {
    let is = |map: &std::collections::BTreeMap<String, String>| map.get(name).is_some_and(|v| v == value);
    let verdict = if is(&given.entry.confirmed) {
        Verdict::Keep
    } else if is(&given.entry.told) {
        Verdict::Check
    } else {
        Verdict::ByHand
    };
    Step::new(act, verdict, what)
}

fn base_uri(observed: &Observed, given: &Given<'_>) -> Step {
    let uri = given.wish.base_uri();
    let what = format!("Base URI of the source {}", observed.source_names());
    let mut step = by_eye(Act::BaseUri, BASE_URI, &uri, given, what);
    if step.verdict != Verdict::Keep {
        step.after = Some(uri);
        step.why = Some("REST neither shows nor sets it".to_owned());
    }
    step
}

fn faces(observed: &Observed, given: &Given<'_>, plan: &mut Plan) {
    let (bot, agent) = (&given.wish.bot_face, &given.wish.agent_face);
    let change = agents::faces(observed, given);
    let value = format!("{} {}", bot.id, agent.id);
    let what = format!(
        "\"Controlled identity\" on \"{}\" and \"{}\"",
        bot.name, agent.name
    );
    let mut controlled = by_eye(Act::Controlled, CONTROLLED, &value, given, what);
    // Only a controlled identity is anybody's: that of the agents can be seen.
    let agents_is = observed
        .agent_identity
        .as_ref()
        .is_some_and(|identity| !identity.user_ids.is_empty());
    if observed.sees_identities && !agents_is && controlled.verdict != Verdict::ByHand {
        controlled.verdict = Verdict::ByHand;
    }
    if controlled.verdict != Verdict::Keep {
        controlled.why = Some("REST neither shows nor sets it".to_owned());
    }
    plan.steps.push(controlled);
    plan.steps.push(agents::face_step(observed, given, change));
}

fn rights(observed: &Observed, is_native: bool, plan: &mut Plan) {
    let role = observed.rights.role_label();
    let is_needed = plan.steps.iter().any(|step| step.verdict == Verdict::ByHand);
    for (right, what_for) in NEEDED {
        if is_needed && observed.rights.lacks(right) {
            plan.notes.push(format!(
                "The token's account ({}) may not {what_for}. Tick \"{right}\" in Admin > Roles > {role} and run this again, or do it by hand as shown below.",
                called(&observed.me)
            ));
        }
    }
    let only_there = USEFUL_NATIVE.into_iter().filter(|_| is_native);
    for (right, what_for) in USEFUL.into_iter().chain(only_there) {
        if observed.rights.lacks(right) {
            plan.notes.push(format!(
                "The token's account lacks the right \"{right}\": the bridge cannot {what_for}."
            ));
        }
    }
    for source in &observed.sources {
        source_notes(observed, source, is_native, plan);
    }
}

fn source_notes(observed: &Observed, source: &Source, is_native: bool, plan: &mut Plan) {
    if let Some(own) = &observed.own_permissions {
        let missing = agents::lacking(own, &source.id);
        if !is_native && !missing.is_empty() {
            plan.notes.push(format!(
                "The token's own account has no permission to {} on \"{}\", and the bridge acts as it. Admin > Users > {} > permissions on \"{}\": tick Read and Reply, Save.",
                missing.join(" and "),
                source.name,
                called(&observed.me),
                source.name
            ));
        }
    }
    if let Some(channels) = &observed.channels {
        let is_in = |channel: &Channel| channel.source_ids.contains(&source.id);
        if source.channel_id.is_none() && !channels.iter().any(is_in) {
            plan.notes.push(format!(
                "The source \"{}\" is in no channel group, so its conversations are routed to nobody. Admin > Channels > the group of your agents > Edit: add \"{}\" to its sources, Save.",
                source.name, source.name
            ));
        }
    }
    if !source.active {
        plan.notes.push(format!(
            "The source \"{}\" is switched off: Admin > Sources > Edit > Active.",
            source.name
        ));
    }
}
