//! Undoes what set-up did: only what it made itself, and only what nobody uses.

use std::collections::BTreeSet;

use handover_core::ports::Clock as _;
use handover_machine::SystemClock;
use handover_ringcx::console::{Category, Console, ConsoleError, Source, User, Webhook, WebhookChange};

use super::account::called;
use super::config_file::ConfigFile;
use super::patience::Patience;
use super::plan::{Act, Plan, Step, Verdict};
use super::record::{Defaults, Entry, Grant, Made, Object, Record, WebhookBefore};
use super::report::{self, Outcome, Report};
use crate::cli::Setup;
use crate::commands::Failure;

/// What is taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Undo {
    Webhook(String),
    /// One that was there before setup.
    WebhookBefore(WebhookBefore),
    Folder(String),
    /// Of this source.
    Defaults(String, Defaults),
    Agent(String, Grant),
    Category(Kind, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bot,
    Agent,
    Parent,
}

pub(super) async fn run(
    args: &Setup,
    console: &Console,
    patience: &Patience<'_>,
    report: &Report,
    me: &User,
    mut config: ConfigFile,
    mut record: Record,
) -> Result<(), Failure> {
    let terminal = patience.terminal;
    let entry = record.entry();
    let plan = plan(console, patience, &entry, me).await?;
    let is_native = !entry.source_ids.is_empty();
    let mut left: Vec<&Step> = Vec::new();
    report.planned(&plan);
    terminal.say("");
    terminal.say(&format!("Undo the set-up of connection \"{}\":", args.connection));
    terminal.say("");
    report::show(&plan, terminal);
    if plan.steps.is_empty() {
        terminal.say("  Nothing in RingCentral was made by setup.");
    }
    terminal.say("");
    if args.dry_run {
        terminal.say("This was a dry run: nothing was changed.");
        return Ok(());
    }
    if !plan.is_empty() {
        if !super::go_ahead(args, terminal, report).await? {
            return Ok(());
        }
        for (index, step) in plan.steps.iter().enumerate() {
            let Act::Undo(act) = &step.act else { continue };
            let is_webhook = matches!(act, Undo::Webhook(_) | Undo::WebhookBefore(_));
            let keeps_customers = |step: &&Step| matches!(step.act, Act::Undo(Undo::Defaults(..)));
            let outcome = match step.verdict {
                Verdict::Keep | Verdict::Check => continue,
                Verdict::ByHand => Outcome::Left,
                // New conversations are the bot's still, and nobody else would tell it of them.
                _ if is_native && is_webhook && left.iter().any(keeps_customers) => Outcome::Left,
                // The others are no less undone because this one is refused.
                _ => match undo(console, patience, &entry, act, &mut record).await {
                    Ok(()) => Outcome::Done,
                    Err(Undone::Refused(error)) => {
                        terminal.say(&format!("  ! {}: {error}", step.what));
                        Outcome::Left
                    }
                    Err(Undone::Failed(error)) => return Err(error),
                },
            };
            report.outcome(index, outcome);
            if outcome == Outcome::Left {
                left.push(step);
                continue;
            }
            terminal.say(&format!(
                "  {} {}: {}",
                terminal.mark(),
                step.verdict.word(),
                step.what
            ));
        }
    }
    if !left.is_empty() {
        let list: Vec<String> = left
            .iter()
            .map(|step| format!("\n  - {}", by_hand(step)))
            .collect();
        return Err(Failure::Ours(anyhow::anyhow!(
            "the token's account may not undo this:{}\nGive it the rights, or do it by hand; then run the same command again, and it goes on",
            list.concat()
        )));
    }
    let rest = remains(&entry, &plan);
    remove_section(args, patience, report, &mut config, &mut record, &entry, rest).await?;
    report.end("done", None);
    terminal.say("");
    if let Some(before) = &entry.webhook_before {
        terminal.say(&format!(
            "Yours to do: the webhook to {} has its former settings again, but still setup's secret, because RingCentral never shows the former one. Type that in Admin > Webhooks.",
            before.url
        ));
    }
    if let Some(source) = &entry.source_id {
        terminal.say(&format!(
            "Yours to do, if the source {source} shall not lead here any more: empty its Base URI, or switch it off (Admin > Sources)."
        ));
    }
    Ok(())
}

async fn remove_section(
    args: &Setup,
    patience: &Patience<'_>,
    report: &Report,
    config: &mut ConfigFile,
    record: &mut Record,
    entry: &Entry,
    rest: Entry,
) -> Result<(), Failure> {
    let terminal = patience.terminal;
    let section = format!("[connections.{}]", args.connection);
    if !config.has_section() {
        return Ok(record.keep_only(rest).await?);
    }
    if !entry.made.section {
        report.note(&format!("{section} was there before setup and stays."));
        terminal.say(&format!("  {section} was there before setup, so it stays."));
        return Ok(record.keep_only(rest).await?);
    }
    let question = if config.home().is_stage() {
        format!(
            "Delete the parameter {} as well (no copy is kept)?",
            config.name()
        )
    } else {
        format!(
            "Take {section} out of {} as well (a copy is kept)?",
            config.name()
        )
    };
    if args.yes || (terminal.asks() && terminal.confirm(&question).await?) {
        let backup = config.remove_section(SystemClock.now()).await?;
        let kept = backup.map(|backup| format!("; it is kept in {backup}"));
        terminal.say(&format!(
            "  {} {section} taken out{}",
            terminal.mark(),
            kept.unwrap_or_default()
        ));
        record.keep_only(rest).await?;
    } else {
        let when = if config.home().is_stage() {
            "The stage serves it"
        } else {
            "The bridge will serve it when it starts the next time"
        };
        terminal.say(&format!("  {section} stays. {when}."));
    }
    Ok(())
}

async fn plan(console: &Console, patience: &Patience<'_>, entry: &Entry, me: &User) -> Result<Plan, Failure> {
    let mut plan = Plan::default();
    let made = &entry.made;
    let id = |object: &Option<Object>| object.as_ref().and_then(|object| object.id.clone());
    let categories = patience.read(async || console.categories(None).await).await?;
    let sources = patience
        .maybe(async || console.sources().await)
        .await?
        .unwrap_or_default();
    // The first: as long as new conversations are the bot's, somebody has to tell it of them.
    for (id, before) in entry.all_defaults() {
        if let Some(source) = sources.iter().find(|source| source.id == id) {
            plan.steps.extend(defaults(source, before, entry, &categories));
        }
    }
    let webhooks = patience.maybe(async || console.webhooks().await).await?;
    plan.steps.extend(webhook(webhooks.as_deref(), entry));
    let folders = patience.maybe(async || console.folders().await).await?;
    if let Some(made) = &made.folder {
        let mine = |label: &str| format!("folder \"{label}\"");
        match &folders {
            None => plan.steps.push(step(
                Undo::Folder(made.id.clone().unwrap_or_default()),
                Verdict::ByHand,
                mine(&made.name),
            )),
            Some(folders) => plan.steps.extend(
                folders
                    .iter()
                    .find(|found| made.id.as_deref() == Some(&found.id))
                    .map(|found| {
                        let undo = Undo::Folder(found.id.clone());
                        step(undo, Verdict::Delete, mine(&found.label))
                    }),
            ),
        }
    }
    let users = patience.maybe(async || console.users(None).await).await?;
    if users.is_none() {
        plan.steps.extend(entry.granted.iter().map(|(id, grant)| {
            let undo = Undo::Agent(id.clone(), grant.clone());
            step(
                undo,
                Verdict::ByHand,
                format!("what setup gave to the agent {id}"),
            )
        }));
    }
    let users = users.unwrap_or_default();
    for (id, grant) in &entry.granted {
        if let Some(user) = users.iter().find(|user| user.id == *id) {
            let what = format!("what setup gave to {}", called(user));
            plan.steps.push(step(
                Undo::Agent(id.clone(), grant.clone()),
                Verdict::Change,
                what,
            ));
        }
    }
    let mut going = BTreeSet::new();
    for (kind, object) in [
        (Kind::Bot, &made.bot_category),
        (Kind::Agent, &made.agent_category),
    ] {
        let found = id(object).and_then(|id| categories.iter().find(|category| category.id == id));
        if let Some(found) = found {
            let used = used_by(console, patience, entry, found, &users, &sources, me).await?;
            if used.is_none() {
                going.insert(found.id.clone());
            }
            plan.steps.push(category(kind, found, used));
        }
    }
    let parent = id(&made.parent).and_then(|id| categories.iter().find(|category| category.id == id));
    if let Some(parent) = parent {
        let is_empty = categories
            .iter()
            .filter(|child| child.parent_id.as_deref() == Some(&parent.id))
            .all(|child| going.contains(&child.id));
        let used = (!is_empty).then(|| "has categories below it".to_owned());
        plan.steps.push(category(Kind::Parent, parent, used));
    }
    Ok(plan)
}

/// Ours is deleted, another one is given back what it was.
fn webhook(all: Option<&[Webhook]>, entry: &Entry) -> Option<Step> {
    if let Some(made) = &entry.made.webhook {
        let Some(all) = all else {
            let undo = Undo::Webhook(made.id.clone().unwrap_or_default());
            return Some(step(undo, Verdict::ByHand, format!("webhook to {}", made.name)));
        };
        let is_ours = |found: &&Webhook| match &made.id {
            Some(id) => *id == found.id,
            None => found.url == made.name,
        };
        let found = all.iter().find(is_ours)?;
        let undo = Undo::Webhook(found.id.clone());
        return Some(step(undo, Verdict::Delete, format!("webhook to {}", found.url)));
    }
    let before = entry.webhook_before.clone()?;
    let what = format!("webhook to {}, which was there before setup", before.url);
    let now = all.map(|all| all.iter().find(|found| found.id == before.id));
    let verdict = match now {
        None => Verdict::ByHand,
        Some(Some(_)) => Verdict::Change,
        Some(None) => return None,
    };
    let after = format!(
        "{}, {} events",
        if before.active { "active" } else { "switched off" },
        before.events.len()
    );
    Some(Step {
        before: Some("as setup needs it".to_owned()),
        after: Some(after),
        ..step(Undo::WebhookBefore(before), verdict, what)
    })
}

/// What is still in RCE and ours when everything else is undone.
fn remains(entry: &Entry, plan: &Plan) -> Entry {
    let kept = |wanted: Kind| {
        plan.steps.iter().any(|step| {
            step.verdict == Verdict::Keep
                && matches!(&step.act, Act::Undo(Undo::Category(kind, _)) if *kind == wanted)
        })
    };
    let of = |kind, object: &Option<Object>| object.clone().filter(|_| kept(kind));
    let made = Made {
        bot_category: of(Kind::Bot, &entry.made.bot_category),
        agent_category: of(Kind::Agent, &entry.made.agent_category),
        parent: of(Kind::Parent, &entry.made.parent),
        ..Made::default()
    };
    if made == Made::default() {
        return Entry::default();
    }
    Entry {
        made,
        parent: entry.parent.clone(),
        ..Entry::default()
    }
}

/// What a person does instead, and where.
fn by_hand(step: &Step) -> String {
    let (verb, place) = match &step.act {
        Act::Undo(Undo::Webhook(_)) => ("delete the", "Admin > Webhooks"),
        Act::Undo(Undo::WebhookBefore(_)) => ("set back the", "Admin > Webhooks"),
        Act::Undo(Undo::Folder(_)) => ("delete the", "Admin > Folders"),
        Act::Undo(Undo::Defaults(..)) => ("set back the", "Admin > Sources > Edit"),
        Act::Undo(Undo::Agent(..)) => ("take back", "Admin > Users"),
        _ => ("delete the", "Admin > Categories"),
    };
    format!("{verb} {} ({place})", step.what)
}

fn step(act: Undo, verdict: Verdict, what: String) -> Step {
    Step {
        act: Act::Undo(act),
        verdict,
        what,
        before: None,
        after: None,
        why: None,
    }
}

fn category(kind: Kind, found: &Category, used: Option<String>) -> Step {
    let verdict = if used.is_none() {
        Verdict::Delete
    } else {
        Verdict::Keep
    };
    Step {
        why: used,
        ..step(
            Undo::Category(kind, found.id.clone()),
            verdict,
            format!("category \"{}\"", found.name),
        )
    }
}

/// Back to what they were, unless somebody has changed them since.
pub(super) fn defaults(
    source: &Source,
    (customers, company): &Defaults,
    entry: &Entry,
    categories: &[Category],
) -> Option<Step> {
    let bot = entry
        .made
        .bot_category
        .as_ref()
        .and_then(|object| object.id.clone());
    let is_ours = |now: &[String]| match &bot {
        Some(bot) => now == [bot.clone()],
        None => true,
    };
    let unchanged =
        source.default_category_ids == *customers && source.user_thread_default_category_ids == *company;
    if unchanged || !is_ours(&source.default_category_ids) {
        return None;
    }
    let there = |ids: &[String]| -> Vec<String> {
        let is_there = |id: &&String| categories.iter().any(|category| category.id == **id);
        ids.iter().filter(is_there).cloned().collect()
    };
    let (customers, company) = (there(customers.as_slice()), there(company.as_slice()));
    let names = super::agents::listed(customers.iter().map(|id| {
        categories
            .iter()
            .find(|category| category.id == *id)
            .map_or_else(|| id.clone(), |category| category.name.clone())
    }));
    Some(Step {
        before: Some("Bot".to_owned()),
        after: Some(names),
        ..step(
            Undo::Defaults(source.id.clone(), (customers, company)),
            Verdict::Change,
            format!("default category of the source \"{}\"", source.name),
        )
    })
}

/// Why a category has to stay.
async fn used_by(
    console: &Console,
    patience: &Patience<'_>,
    entry: &Entry,
    found: &Category,
    users: &[User],
    sources: &[Source],
    me: &User,
) -> Result<Option<String>, Failure> {
    let id = &found.id;
    let given_by_us = |user: &User| {
        entry
            .granted
            .get(&user.id)
            .is_some_and(|grant| grant.category.as_deref() == Some(id))
    };
    let holder = users
        .iter()
        .find(|user| user.id != me.id && user.category_ids.contains(id) && !given_by_us(user));
    if let Some(holder) = holder {
        return Ok(Some(format!("{} holds it, and not by setup", called(holder))));
    }
    let will_be_reset = |source: &Source| entry.all_defaults().iter().any(|(id, _)| *id == source.id);
    let default_of = sources.iter().find(|source| {
        !will_be_reset(source)
            && (source.default_category_ids.contains(id)
                || source.user_thread_default_category_ids.contains(id))
    });
    if let Some(source) = default_of {
        return Ok(Some(format!("it is a default of the source \"{}\"", source.name)));
    }
    let threads = patience
        .maybe(async || console.threads_in(id).await)
        .await?
        .flatten();
    Ok(match threads {
        Some(0) => None,
        Some(1) => Some("one conversation is in it".to_owned()),
        Some(count) => Some(format!("{count} conversations are in it")),
        None => Some("it cannot be seen whether conversations are in it".to_owned()),
    })
}

/// Why something is not undone.
pub(super) enum Undone {
    /// The token's account may not.
    Refused(ConsoleError),
    Failed(Failure),
}

impl From<ConsoleError> for Undone {
    fn from(error: ConsoleError) -> Self {
        if error.is_forbidden() {
            Self::Refused(error)
        } else {
            Self::Failed(error.into())
        }
    }
}

impl From<anyhow::Error> for Undone {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error.into())
    }
}

pub(super) async fn undo(
    console: &Console,
    patience: &Patience<'_>,
    entry: &Entry,
    act: &Undo,
    record: &mut Record,
) -> Result<(), Undone> {
    match act {
        Undo::WebhookBefore(before) => {
            let events: Vec<&str> = before.events.iter().map(String::as_str).collect();
            let change = WebhookChange {
                name: None,
                url: Some(&before.url),
                active: Some(before.active),
                verify_token: before.verify_token.as_deref(),
                secret: None,
                registered_events: (!events.is_empty()).then_some(events.as_slice()),
            };
            patience
                .insist(async |_| console.update_webhook(&before.id, &change).await.map(drop))
                .await?;
            record.change(|entry| entry.webhook_before = None).await?;
        }
        Undo::Webhook(id) => {
            patience
                .insist(async |_| console.delete_webhook(id).await)
                .await?;
            record.change(|entry| entry.made.webhook = None).await?;
        }
        Undo::Folder(id) => {
            patience.insist(async |_| console.delete_folder(id).await).await?;
            record.change(|entry| entry.made.folder = None).await?;
        }
        Undo::Defaults(source, (customers, company)) => {
            let customers: Vec<&str> = customers.iter().map(String::as_str).collect();
            let company: Vec<&str> = company.iter().map(String::as_str).collect();
            patience
                .insist(async |_| console.set_source_defaults(source, &customers, &company).await)
                .await?;
            record.change(|entry| entry.set_defaults(source, None)).await?;
        }
        Undo::Agent(id, grant) => {
            let source = entry.source_id.clone().unwrap_or_default();
            let bot_goes = entry.made.bot_category.is_some();
            patience
                .insist(async |_| take_back(console, &source, id, grant, bot_goes).await)
                .await?;
            record
                .change(|entry| {
                    entry.granted.remove(id);
                })
                .await?;
        }
        Undo::Category(kind, id) => {
            patience
                .insist(async |_| console.delete_category(id).await)
                .await?;
            record
                .change(|entry| match kind {
                    Kind::Bot => entry.made.bot_category = None,
                    Kind::Agent => entry.made.agent_category = None,
                    Kind::Parent => entry.made.parent = None,
                })
                .await?;
        }
    }
    Ok(())
}

/// Takes back what was given, and gives back what was taken.
async fn take_back(
    console: &Console,
    source: &str,
    id: &str,
    grant: &Grant,
    bot_goes: bool,
) -> Result<(), ConsoleError> {
    let one = (!grant.permissions.is_empty()).then_some((source, &grant.permissions));
    let several = grant
        .permissions_on
        .iter()
        .map(|(source, given)| (source.as_str(), given));
    for (source, given) in one.into_iter().chain(several) {
        let now = console.permissions(id, source).await?;
        let rest: Vec<&str> = now
            .iter()
            .filter(|word| !given.contains(*word))
            .map(String::as_str)
            .collect();
        if rest.len() != now.len() {
            console.set_permissions(id, source, &rest).await?;
        }
    }
    let user = console.user(id).await?;
    let back = grant.lost_category.as_deref().filter(|_| !bot_goes);
    let mut categories: Vec<&str> = user
        .category_ids
        .iter()
        .map(String::as_str)
        .filter(|held| grant.category.as_deref() != Some(held))
        .collect();
    categories.extend(back.filter(|back| !user.category_ids.iter().any(|held| held == back)));
    if categories != user.category_ids {
        console.set_user_categories(id, &categories).await?;
    }
    let identities: Vec<&str> = user
        .identity_ids
        .iter()
        .map(String::as_str)
        .filter(|held| grant.identity.as_deref() != Some(held))
        .collect();
    if identities.len() != user.identity_ids.len() {
        console.set_user_identities(id, &identities).await?;
    }
    Ok(())
}
