//! Does the plan, step by step. Each step can be found again, so that dying right after any line is harmless: what is
//! about to be made is in the record before, and what was made is found by its name, address or id.

use std::collections::BTreeSet;
use std::time::Instant;

use handover_core::ports::{Clock as _, RingCx as _};
use handover_core::serving::settings_of;
use handover_core::settings::Connection;
use handover_handlers::config;
use handover_machine::{Environment, SystemClock};
use handover_ringcx::RingCxClient;
use handover_ringcx::console::{Console, ConsoleError, Source};

use super::account::{Observed, same_name};
use super::by_hand::{self, ByHand};
use super::config_file::ConfigFile;
use super::patience::{Patience, Waited};
use super::plan::{ANNOUNCED, Act, FOLDER, FolderPlan, Part, Plan, Step, Verdict, faces_of, folder_query};
use super::record::{Entry, Object, Record};
use super::remove::{self, Undo, Undone};
use super::report::{Outcome, Report};
use super::secrets::{self, Given};
use super::section::{self, Ids};
use super::wish::{AGENT_CATEGORY, BOT_CATEGORY, Login, Wish};
use crate::commands::Failure;

mod agents;
mod bridge;
mod console_hands;
mod webhook;

use bridge::Answer;

/// A set-up under way.
pub(crate) struct Run<'a> {
    pub(crate) console: &'a Console,
    pub(crate) client: &'a RingCxClient,
    pub(crate) http: &'a reqwest::Client,
    pub(crate) patience: &'a Patience<'a>,
    pub(crate) report: &'a Report,
    pub(crate) wish: Wish,
    pub(crate) login: &'a Login,
    pub(crate) observed: &'a Observed,
    pub(crate) chosen: &'a BTreeSet<String>,
    pub(crate) config: ConfigFile,
    pub(crate) record: Record,
    /// By REST's ids, as far as they are known: parent, Bot, Agent.
    pub(crate) parent: Option<String>,
    pub(crate) bot: Option<String>,
    pub(crate) agent: Option<String>,
    /// Whether something was asked for again that the plan was made without.
    pub(crate) wish_changed: bool,
    /// When the bridge has secrets for sure that were added to a connection it serves.
    pub(crate) settles_at: Option<Instant>,
    /// Whether the bridge was seen to answer as it should, or a person says so.
    pub(crate) bridge_answers: bool,
    /// Whether something is left without which customers on channels of RCE's own would get no answer.
    pub(crate) is_held_back: bool,
}

impl Run<'_> {
    pub(crate) async fn apply(&mut self, plan: &Plan) -> Result<(), Failure> {
        self.remember(plan).await?;
        for (index, step) in plan.steps.iter().enumerate() {
            self.know(step);
            let outcome = match step.verdict {
                Verdict::Keep if self.wish_changed && step.act == Act::Config => self.step(step).await?,
                Verdict::Keep => Outcome::Kept,
                Verdict::Check if !self.patience.terminal.asks() => Outcome::Left,
                _ => self.step(step).await?,
            };
            self.report.outcome(index, outcome);
            if matches!(outcome, Outcome::Done) {
                self.say_done(&step.what);
            }
            self.is_held_back |= outcome == Outcome::Left
                && step.verdict != Verdict::Check
                && matches!(step.act, Act::Webhook(_) | Act::OwnAccount(_) | Act::OwnFace(_));
        }
        self.restart(plan).await
    }

    /// A bridge that runs and has read the configuration as it was before.
    async fn restart(&self, plan: &Plan) -> Result<(), Failure> {
        let config = |step: &&Step| step.act == Act::Config;
        let Some(verdict) = plan.steps.iter().find(config).map(|step| step.verdict) else {
            return Ok(());
        };
        let is_changed = verdict != Verdict::Keep || self.wish_changed;
        if !is_changed || self.config.home().is_stage() {
            return Ok(());
        }
        let connection = connection(&self.config)?;
        let has_read_it = match self.ask_bridge(&connection).await? {
            Answer::Right(serving) => serving.settings.as_ref() == Some(&settings_of(&connection)),
            Answer::Wrong(_) => false,
        };
        // What was not there before nobody has read.
        if !has_read_it && verdict == Verdict::Change {
            let clicks = by_hand::restart(&self.config.name());
            self.report.by_hand(&clicks);
            clicks.say(self.patience.terminal);
        }
        Ok(())
    }

    fn say_done(&self, what: &str) {
        let terminal = self.patience.terminal;
        terminal.say(&format!("  {} {what}", terminal.mark()));
    }

    /// What was wanted, and what an earlier run that died made.
    async fn remember(&mut self, plan: &Plan) -> Result<(), Failure> {
        use clap::ValueEnum as _;
        let (wish, observed, chosen) = (&self.wish, self.observed, self.chosen);
        let events = wish.events.to_possible_value();
        let parent = observed.category_named(&wish.parent, None);
        self.record
            .change(|entry| {
                entry.public_url = Some(wish.public_url.clone());
                entry.separate_urls = wish.separate_urls;
                entry.events = events.map(|events| events.get_name().to_owned());
                if wish.is_native() {
                    entry.source_ids.clone_from(&wish.source_ids);
                } else {
                    entry.source_id = wish.source_ids.first().cloned();
                }
                entry.agents.clone_from(chosen);
                entry.parent = Some(wish.parent.clone());
                entry.folder = Some(wish.folder.clone());
                adopt(&mut entry.made.parent, parent.map(|found| found.id.as_str()));
                for step in &plan.steps {
                    match &step.act {
                        Act::Category { part: Part::Bot, id } => {
                            adopt(&mut entry.made.bot_category, id.as_deref());
                        }
                        Act::Category {
                            part: Part::Agent,
                            id,
                        } => {
                            adopt(&mut entry.made.agent_category, id.as_deref());
                        }
                        Act::Webhook(plan) => {
                            let id = plan.found.as_ref().map(|found| found.id.as_str());
                            adopt(&mut entry.made.webhook, id);
                        }
                        _ => {}
                    }
                }
                let meant = entry.made.folder.as_ref().map(|made| made.name.clone());
                let folder = observed
                    .folders
                    .iter()
                    .flatten()
                    .find(|found| meant.as_ref().is_some_and(|meant| same_name(meant, &found.label)));
                adopt(&mut entry.made.folder, folder.map(|found| found.id.as_str()));
            })
            .await?;
        Ok(())
    }

    fn know(&mut self, step: &Step) {
        if let Act::Category { part, id: Some(id) } = &step.act {
            self.set_id(*part, id.clone());
        }
    }

    fn set_id(&mut self, part: Part, id: String) {
        match part {
            Part::Parent => self.parent = Some(id),
            Part::Bot => self.bot = Some(id),
            Part::Agent => self.agent = Some(id),
        }
    }

    async fn step(&mut self, step: &Step) -> Result<Outcome, Failure> {
        let is_ours = step.verdict != Verdict::ByHand;
        match &step.act {
            Act::Category { part, .. } => self.category(*part, is_ours).await,
            Act::Config => self.write_config().await,
            Act::Announce => self.announce().await,
            Act::Defaults(source) => self.defaults(source, is_ours).await,
            Act::Folder(plan) => self.folder(plan, is_ours).await,
            Act::TakeBotCategory(users) => self.take_bot_category(users, is_ours).await,
            Act::Agents(changes) => self.agents(changes, is_ours).await,
            Act::OwnAccount(change) => self.own_account(change.as_ref(), is_ours).await,
            Act::Webhook(plan) => self.webhook(plan, is_ours).await,
            Act::DeleteWebhook(webhook) => self.delete_webhook(webhook, is_ours).await,
            Act::BaseUri => self.base_uri().await,
            Act::Controlled => self.controlled().await,
            Act::Faces(change) => self.faces(change, is_ours).await,
            Act::OwnFace(sources) => self.own_face(sources).await,
            Act::Undo(undo) => self.give_back(undo, is_ours, &step.what).await,
        }
    }

    /// What an earlier run did for a source that is not meant any more.
    async fn give_back(&mut self, undo: &Undo, is_ours: bool, what: &str) -> Result<Outcome, Failure> {
        if is_ours {
            let entry = self.record.entry();
            match remove::undo(self.console, self.patience, &entry, undo, &mut self.record).await {
                Ok(()) => return Ok(Outcome::Done),
                Err(Undone::Refused(_)) => {}
                Err(Undone::Failed(error)) => return Err(error),
            }
        }
        let clicks =
            ByHand::new(what).click("Admin > Sources > Edit > Default categories: as they were before");
        self.report.by_hand(&clicks);
        clicks.say(self.patience.terminal);
        Ok(Outcome::Left)
    }

    fn source(&self) -> Result<&Source, Failure> {
        self.observed.sources.first().ok_or_else(|| lost("the source"))
    }

    fn source_id(&self) -> String {
        self.wish.source_ids.first().cloned().unwrap_or_default()
    }

    fn bot_id(&self) -> Result<String, Failure> {
        self.bot.clone().ok_or_else(|| lost("the Bot category"))
    }

    fn agent_id(&self) -> Result<String, Failure> {
        self.agent.clone().ok_or_else(|| lost("the Agent category"))
    }

    /// Shows clicks and waits until it is seen that they were done.
    async fn wait_for<T>(
        &self,
        by_hand: &ByHand,
        look: impl AsyncFnMut() -> Result<Option<T>, ConsoleError>,
    ) -> Result<T, Failure> {
        self.report.by_hand(by_hand);
        by_hand.say(self.patience.terminal);
        match self.patience.until("waiting until I see it", false, look).await? {
            Waited::Seen(seen) => {
                self.say_done(&format!("seen: {}", by_hand.title));
                Ok(seen)
            }
            Waited::Said | Waited::TooLong => Err(waited_too_long(&by_hand.title)),
        }
    }

    async fn category(&mut self, part: Part, is_ours: bool) -> Result<Outcome, Failure> {
        let (name, parent) = match part {
            Part::Parent => (self.wish.parent.clone(), None),
            Part::Bot => (BOT_CATEGORY.to_owned(), Some(self.parent_id()?)),
            Part::Agent => (AGENT_CATEGORY.to_owned(), Some(self.parent_id()?)),
        };
        let (console, patience) = (self.console, self.patience);
        let parent = parent.as_deref();
        if is_ours {
            self.record
                .change(|entry| *made(entry, part) = Some(Object::meant(&name)))
                .await?;
            let created = patience
                .insist(async |attempt| {
                    if attempt > 0
                        && let Some(id) = find_category(console, &name, parent).await?
                    {
                        return Ok(id);
                    }
                    match console.create_category(&name, parent).await {
                        Ok(created) => Ok(created.id),
                        // Somebody was faster, or an answer got lost earlier.
                        Err(error) if error.is_refusal() => {
                            find_category(console, &name, parent).await?.ok_or(error)
                        }
                        Err(error) => Err(error),
                    }
                })
                .await;
            match created {
                Ok(id) => {
                    self.record
                        .change(|entry| *made(entry, part) = Some(Object::made(&id, &name)))
                        .await?;
                    self.set_id(part, id);
                    return Ok(Outcome::Done);
                }
                Err(error) if error.is_forbidden() => {
                    self.record.change(|entry| *made(entry, part) = None).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        let above = parent.map(|_| self.wish.parent.as_str());
        let clicks = by_hand::category(&name, above);
        let id = self
            .wait_for(&clicks, async || find_category(console, &name, parent).await)
            .await?;
        self.set_id(part, id);
        Ok(Outcome::Seen)
    }

    fn parent_id(&self) -> Result<String, Failure> {
        self.parent.clone().ok_or_else(|| lost("the parent category"))
    }

    async fn write_config(&mut self) -> Result<Outcome, Failure> {
        let (bot, agent) = (self.bot_id()?, self.agent_id()?);
        let is_new = !self.config.has_section();
        let invents = !self.config.has(&["ringcx", "webhook_secrets"])
            || !self.config.has(&["ringcx", "verification_token"]);
        let ids = Ids {
            bot: &bot,
            agent: &agent,
        };
        section::fill(&mut self.config, &self.wish, self.login, ids)?;
        connection(&self.config)?;
        self.record
            .change(|entry| {
                entry.made.section |= is_new;
                entry.webhook_untold |= invents;
            })
            .await?;
        let backup = self.config.save(SystemClock.now()).await?;
        if self.config.home().is_stage() && invents && !is_new {
            self.settles_at = Some(Instant::now() + bridge::SETTLED);
        }
        if let Some(backup) = backup {
            let terminal = self.patience.terminal;
            terminal.say(&format!("    as it was: {backup}"));
        }
        Ok(Outcome::Done)
    }

    async fn announce(&mut self) -> Result<Outcome, Failure> {
        while let Err(error) = self.announce_both().await? {
            let Some(realtime) = self.wish.realtime.as_ref() else {
                return Err(error.into());
            };
            let url = &realtime.url;
            if error.is_not_found() {
                return Err(Failure::Theirs(format!(
                    "{url} is not where this source takes messages: copy the Realtime Endpoint URL from its page"
                )));
            }
            if !error.is_forbidden() {
                return Err(error.into());
            }
            let refused = format!(
                "RingCentral does not accept the realtime access token at {url}: it is the \"API access token\" on the page of this source, not the account's"
            );
            if !self.patience.terminal.asks() {
                return Err(Failure::Theirs(format!(
                    "{refused}. Nothing was changed by this step; run the same command with the right one"
                )));
            }
            self.patience.terminal.say(&format!("  ! {refused}."));
            let token = self.ask_realtime_token().await?;
            if let Some(realtime) = &mut self.wish.realtime {
                realtime.token = token;
            }
            self.wish_changed = true;
        }
        let faces = faces_of(&self.wish);
        self.record
            .change(|entry| {
                entry.confirmed.insert(ANNOUNCED.to_owned(), faces);
            })
            .await?;
        Ok(Outcome::Done)
    }

    async fn announce_both(&self) -> Result<Result<(), ConsoleError>, Failure> {
        let connection = with_ids(&self.config, &self.wish, self.login)?;
        let settings = &connection.ringcx;
        for face in [&settings.bot_identity, &settings.agent_identity] {
            let identity = handover_handlers::work::company(face);
            let told = self
                .patience
                .insist(async |_| {
                    let told = self.client.announce(&connection, &identity).await;
                    told.map_err(|error| ConsoleError::new("announce an identity", error))
                })
                .await;
            if told.is_err() {
                return Ok(told);
            }
        }
        Ok(Ok(()))
    }

    async fn ask_realtime_token(&self) -> Result<Given, Failure> {
        let terminal = self.patience.terminal;
        loop {
            let hint = "Did you paste the REST API's token? Console: Admin, Sources, the source, \"API access token\"";
            let typed = terminal.ask_secret("Realtime access token", hint).await?;
            match secrets::given("the realtime access token", &typed, &Environment) {
                Ok(given) if self.config.home().is_stage() => return Ok(given.into_literal()),
                Ok(given) => return Ok(given),
                Err(error) => terminal.say(&format!("  {error}")),
            }
        }
    }

    async fn defaults(&mut self, source: &Source, is_ours: bool) -> Result<Outcome, Failure> {
        let bot = self.bot_id()?;
        if self.wish.is_native() {
            // From now on whoever writes there waits for the bot.
            if self.is_held_back {
                return Ok(Outcome::Held);
            }
            self.bridge(&connection(&self.config)?).await?;
        }
        let (console, patience) = (self.console, self.patience);
        let right = [bot.clone()];
        let look = async || {
            let now = console.source(&source.id).await?;
            Ok(now.filter(|now| {
                now.default_category_ids == right && now.user_thread_default_category_ids == right
            }))
        };
        if is_ours {
            let before = (
                source.default_category_ids.clone(),
                source.user_thread_default_category_ids.clone(),
            );
            self.record
                .change(|entry| entry.set_defaults(&source.id, Some(before)))
                .await?;
            let set = patience
                .insist(async |attempt| {
                    if attempt > 0 && look().await?.is_some() {
                        return Ok(());
                    }
                    console
                        .set_source_defaults(&source.id, &[&bot], &[&bot])
                        .await
                        .map(drop)
                })
                .await;
            match set {
                Ok(()) => return Ok(Outcome::Done),
                Err(error) if error.is_forbidden() => {
                    self.record
                        .change(|entry| entry.set_defaults(&source.id, None))
                        .await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.wait_for(&by_hand::defaults(&source.name, BOT_CATEGORY), look)
            .await?;
        Ok(Outcome::Seen)
    }

    async fn folder(&mut self, plan: &FolderPlan, is_ours: bool) -> Result<Outcome, Failure> {
        let query = folder_query(&self.agent_id()?);
        let label = self.wish.folder.clone();
        let (console, patience) = (self.console, self.patience);
        let find = async || -> Result<Option<String>, ConsoleError> {
            let all = console.folders().await?;
            let found = all
                .into_iter()
                .find(|found| found.query.as_deref() == Some(&query));
            Ok(found.map(|found| found.id))
        };
        if is_ours {
            let done = match plan {
                FolderPlan::Leave => return Ok(Outcome::Kept),
                FolderPlan::Mend(id) => {
                    let set = async |_| console.set_folder_query(id, &query).await;
                    patience.insist(set).await.map(|folder| folder.id)
                }
                FolderPlan::Create => {
                    self.record
                        .change(|entry| entry.made.folder = Some(Object::meant(&label)))
                        .await?;
                    patience
                        .insist(async |attempt| {
                            if attempt > 0
                                && let Some(id) = find().await?
                            {
                                return Ok(id);
                            }
                            console
                                .create_folder(&label, &query)
                                .await
                                .map(|folder| folder.id)
                        })
                        .await
                }
            };
            match done {
                Ok(id) => {
                    self.record
                        .change(|entry| entry.made.folder = Some(Object::made(&id, &label)))
                        .await?;
                    return Ok(Outcome::Done);
                }
                Err(error) if error.is_forbidden() => {
                    self.record.change(|entry| entry.made.folder = None).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        let clicks = by_hand::folder(&label, &query);
        if self.observed.folders.is_none() {
            return self.leave(&clicks, FOLDER, &query).await;
        }
        self.wait_for(&clicks, find).await?;
        Ok(Outcome::Seen)
    }

    /// Something that nobody can see: the person says when it is done, or is left with it.
    async fn leave(&mut self, clicks: &ByHand, name: &str, value: &str) -> Result<Outcome, Failure> {
        self.report.by_hand(clicks);
        clicks.say(self.patience.terminal);
        self.record
            .change(|entry| {
                entry.told.insert(name.to_owned(), value.to_owned());
            })
            .await?;
        if !self.patience.terminal.asks() {
            return Ok(Outcome::Left);
        }
        let looked = self
            .patience
            .until("press Enter when it is done", true, async || {
                Ok::<Option<()>, ConsoleError>(None)
            })
            .await?;
        match looked {
            Waited::TooLong => Ok(Outcome::Left),
            Waited::Said | Waited::Seen(()) => {
                self.record
                    .change(|entry| {
                        entry.confirmed.insert(name.to_owned(), value.to_owned());
                    })
                    .await?;
                Ok(Outcome::Said)
            }
        }
    }
}

fn made(entry: &mut Entry, part: Part) -> &mut Option<Object> {
    match part {
        Part::Parent => &mut entry.made.parent,
        Part::Bot => &mut entry.made.bot_category,
        Part::Agent => &mut entry.made.agent_category,
    }
}

/// What was about to be made when an earlier run died, and is there now.
fn adopt(object: &mut Option<Object>, id: Option<&str>) {
    if let (Some(object), Some(id)) = (object, id)
        && object.id.is_none()
    {
        object.id = Some(id.to_owned());
    }
}

async fn find_category(
    console: &Console,
    name: &str,
    parent: Option<&str>,
) -> Result<Option<String>, ConsoleError> {
    let all = console.categories(parent).await?;
    let found = all
        .into_iter()
        .find(|category| category.parent_id.as_deref() == parent && same_name(&category.name, name));
    Ok(found.map(|category| category.id))
}

/// The connection as the bridge will read it.
pub(crate) fn connection(config: &ConfigFile) -> Result<Connection, Failure> {
    let connections = config::parse(&config.section(), config.home().lookup())
        .map_err(|error| Failure::Theirs(format!("{} would not be usable: {error}", config.name())))?;
    connections.into_iter().next().ok_or_else(|| lost("the section"))
}

/// The same before it is written: categories may not be there yet, secrets are made up for the moment.
pub(crate) fn with_ids(config: &ConfigFile, wish: &Wish, login: &Login) -> Result<Connection, Failure> {
    let mut config = config.clone();
    let (bot, agent) = (
        format!("{} bot", section::NOT_YET),
        format!("{} agent", section::NOT_YET),
    );
    let ids = Ids {
        bot: &bot,
        agent: &agent,
    };
    section::fill(&mut config, wish, login, ids)?;
    connection(&config)
}

fn lost(what: &str) -> Failure {
    Failure::Ours(anyhow::anyhow!("{what} is not known; run the same command again"))
}

fn waited_too_long(what: &str) -> Failure {
    Failure::Ours(anyhow::anyhow!(
        "still to be done by hand: {what}. Run the same command again to go on; nothing is done twice"
    ))
}
