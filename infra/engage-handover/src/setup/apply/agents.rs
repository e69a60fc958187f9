//! Agents: permissions, category, identity. Nothing that they have is taken, but the Bot category.

use handover_ringcx::console::{Console, ConsoleError, Source, User};

use super::{Run, lost};
use crate::commands::Failure;
use crate::setup::account::{faces, speaks_on};
use crate::setup::by_hand::{self, People};
use crate::setup::patience::Waited;
use crate::setup::plan::{AGENTS, AgentChange, CONTROLLED, FACES, FaceChange, OWN_FACE, own_face_value};
use crate::setup::report::Outcome;
use crate::setup::wish::{AGENT_CATEGORY, BOT_CATEGORY};

/// Whether somebody has, everywhere, what they were to be given.
async fn has_all(console: &Console, change: &AgentChange) -> Result<bool, ConsoleError> {
    for (source, words) in &change.permissions {
        let now = console.permissions(&change.user.id, source).await?;
        if words.iter().any(|word| !now.iter().any(|known| known == word)) {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Run<'_> {
    pub(super) async fn take_bot_category(
        &mut self,
        users: &[User],
        is_ours: bool,
    ) -> Result<Outcome, Failure> {
        let bot = self.bot_id()?;
        let (console, patience) = (self.console, self.patience);
        let holds = |user: &User| user.category_ids.contains(&bot);
        let mut allowed = is_ours;
        for user in users {
            if !allowed {
                break;
            }
            self.record
                .change(|entry| {
                    entry.granted.entry(user.id.clone()).or_default().lost_category = Some(bot.clone());
                })
                .await?;
            let taken = patience
                .insist(async |_| {
                    let now = console.user(&user.id).await?;
                    if !holds(&now) {
                        return Ok(());
                    }
                    let rest: Vec<&str> = now
                        .category_ids
                        .iter()
                        .map(String::as_str)
                        .filter(|id| *id != bot)
                        .collect();
                    console.set_user_categories(&user.id, &rest).await.map(drop)
                })
                .await;
            allowed = permitted(taken)?;
        }
        if allowed {
            return Ok(Outcome::Done);
        }
        let who = People::these(users);
        let clicks = by_hand::no_bot_category(BOT_CATEGORY, &who);
        self.wait_for(&clicks, async || {
            let holders = console.users(Some(&bot)).await?;
            let still = holders
                .iter()
                .any(|holder| holds(holder) && users.iter().any(|user| user.id == holder.id));
            Ok((!still).then_some(()))
        })
        .await?;
        Ok(Outcome::Seen)
    }

    pub(super) async fn agents(
        &mut self,
        changes: &[AgentChange],
        is_ours: bool,
    ) -> Result<Outcome, Failure> {
        let agent = self.agent_id()?;
        if self.observed.users.is_none() {
            let sources = self.observed.source_names();
            let clicks = by_hand::agents(&sources, AGENT_CATEGORY, &People::unknown());
            return self.leave(&clicks, AGENTS, &agent).await;
        }
        let mut allowed = is_ours;
        for (count, change) in changes.iter().enumerate() {
            if !allowed {
                break;
            }
            if changes.len() > 5 {
                self.patience
                    .progress(&format!("agents: {} of {}", count + 1, changes.len()));
            }
            allowed = self.one_agent(change, &agent).await?;
        }
        if allowed {
            return Ok(Outcome::Done);
        }
        let who = People::these(changes.iter().map(|change| &change.user));
        let console = self.console;
        let clicks = by_hand::agents(&self.observed.source_names(), AGENT_CATEGORY, &who);
        self.wait_for(&clicks, async || {
            for change in changes {
                let id = &change.user.id;
                if !console.user(id).await?.category_ids.contains(&agent) || !has_all(console, change).await?
                {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })
        .await?;
        Ok(Outcome::Seen)
    }

    /// On channels of RCE's own the token's account answers.
    pub(super) async fn own_account(
        &mut self,
        change: Option<&AgentChange>,
        is_ours: bool,
    ) -> Result<Outcome, Failure> {
        let Some(change) = change else {
            return Ok(Outcome::Kept);
        };
        if is_ours && self.one_agent(change, "").await? {
            return Ok(Outcome::Done);
        }
        let console = self.console;
        let clicks = by_hand::own_account(&self.observed.source_names(), &change.user);
        self.wait_for(&clicks, async || {
            Ok(has_all(console, change).await?.then_some(()))
        })
        .await?;
        Ok(Outcome::Seen)
    }

    /// Whom it speaks as on these sources: nothing but a person gives an account its identities.
    pub(super) async fn own_face(&mut self, sources: &[Source]) -> Result<Outcome, Failure> {
        let clicks = by_hand::own_face(sources, &self.observed.me);
        self.report.by_hand(&clicks);
        clicks.say(self.patience.terminal);
        let (console, patience) = (self.console, self.patience);
        let what = "waiting until I see it; if it is done and I do not, press Enter";
        let waited = patience
            .until(what, true, async || {
                let me = console.me().await?;
                let faces = faces(console, patience, &me).await?;
                let speaks = |source: &Source| faces.as_deref().is_some_and(|faces| speaks_on(faces, source));
                Ok(sources.iter().all(speaks).then_some(()))
            })
            .await?;
        match waited {
            Waited::Seen(()) => {
                self.say_done(&format!("seen: {}", clicks.title));
                Ok(Outcome::Seen)
            }
            Waited::Said => {
                let value = own_face_value(sources);
                self.record
                    .change(|entry| {
                        entry.confirmed.insert(OWN_FACE.to_owned(), value);
                    })
                    .await?;
                Ok(Outcome::Said)
            }
            Waited::TooLong => Ok(Outcome::Left),
        }
    }

    /// `false`: the token's account may not.
    async fn one_agent(&mut self, change: &AgentChange, agent: &str) -> Result<bool, Failure> {
        let id = &change.user.id;
        let (console, patience) = (self.console, self.patience);
        let is_native = self.wish.is_native();
        self.record
            .change(|entry| {
                let grant = entry.granted.entry(id.clone()).or_default();
                for (source, words) in &change.permissions {
                    let words = words.iter().map(|word| (*word).to_owned());
                    if is_native {
                        grant
                            .permissions_on
                            .entry(source.clone())
                            .or_default()
                            .extend(words);
                    } else {
                        grant.permissions.extend(words);
                    }
                }
                if change.category {
                    grant.category = Some(agent.to_owned());
                }
            })
            .await?;
        // Read again right before: somebody else may have changed it since the plan.
        let granted = patience
            .insist(async |_| {
                for (source, words) in &change.permissions {
                    let now = console.permissions(id, source).await?;
                    if let Some(list) = with_all(&now, words) {
                        console.set_permissions(id, source, &list).await?;
                    }
                }
                if change.category {
                    let now = console.user(id).await?;
                    if let Some(list) = with_all(&now.category_ids, &[agent]) {
                        console.set_user_categories(id, &list).await?;
                    }
                }
                Ok(())
            })
            .await;
        permitted(granted)
    }

    /// Ticks that REST does not show. That of the agents' identity shows when an agent can be given it, so that is tried.
    pub(super) async fn controlled(&mut self) -> Result<Outcome, Failure> {
        let (bot, agent) = (self.wish.bot_face.clone(), self.wish.agent_face.clone());
        let value = format!("{} {}", bot.id, agent.id);
        if !self.observed.sees_identities {
            let clicks = by_hand::controlled(Some(&bot.name), Some(&agent.name));
            return self.leave(&clicks, CONTROLLED, &value).await;
        }
        self.remember_faces().await?;
        let agents_is = self.patience.read(async || self.try_face().await).await?;
        let told = self.record.entry().told.get(CONTROLLED) == Some(&value);
        if agents_is && told {
            self.confirm(CONTROLLED, &value).await?;
            return Ok(Outcome::Seen);
        }
        let shown = (!agents_is).then_some(agent.name.as_str());
        let mut clicks = by_hand::controlled(Some(&bot.name), shown);
        if !agents_is && !self.gives_faces() {
            // That they have it is what is waited for.
            clicks = clicks.and(by_hand::face(&agent.name, &self.who_answers()));
        }
        if agents_is {
            return self.leave(&clicks, CONTROLLED, &value).await;
        }
        self.report.by_hand(&clicks);
        clicks.say(self.patience.terminal);
        self.record
            .change(|entry| {
                entry.told.insert(CONTROLLED.to_owned(), value.clone());
            })
            .await?;
        let what = if self.patience.terminal.asks() {
            "waiting until I see it on the agents' identity, or press Enter"
        } else {
            "waiting until I see it on the agents' identity"
        };
        let seen = self
            .patience
            .until(what, true, async || Ok(self.try_face().await?.then_some(())))
            .await?;
        match seen {
            Waited::Seen(()) => {
                self.confirm(CONTROLLED, &value).await?;
                self.say_done(&format!("seen: \"{}\" is controlled", self.wish.agent_face.name));
                Ok(Outcome::Seen)
            }
            Waited::Said => {
                self.confirm(CONTROLLED, &value).await?;
                Ok(Outcome::Said)
            }
            Waited::TooLong => Err(super::waited_too_long(&clicks.title)),
        }
    }

    /// Trying gives it, so it is written down before.
    async fn remember_faces(&mut self) -> Result<(), Failure> {
        let Some(identity) = self.patience.read(async || self.find_identity().await).await? else {
            return Ok(());
        };
        let lacks = |user: &&User| !user.identity_ids.contains(&identity);
        let users = self
            .chosen
            .iter()
            .filter_map(|id| self.observed.user(id))
            .filter(lacks);
        let ids: Vec<String> = users.map(|user| user.id.clone()).collect();
        self.record
            .change(|entry| {
                for id in ids {
                    entry.granted.entry(id).or_default().identity = Some(identity.clone());
                }
            })
            .await?;
        Ok(())
    }

    async fn confirm(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        self.record
            .change(|entry| {
                entry.confirmed.insert(name.to_owned(), value.to_owned());
            })
            .await?;
        Ok(())
    }

    /// Whether identities are given to agents here, as far as is known.
    fn gives_faces(&self) -> bool {
        self.observed.users.is_some() && !self.observed.rights.lacks("update_user")
    }

    fn who_answers(&self) -> People {
        match &self.observed.users {
            None => People::unknown(),
            Some(_) => People::these(self.chosen.iter().filter_map(|id| self.observed.user(id))),
        }
    }

    /// Whether the first of the agents speaks as their identity, after it was tried to give it to them.
    async fn try_face(&self) -> Result<bool, ConsoleError> {
        let Some(identity) = self.find_identity().await? else {
            return Ok(false);
        };
        let first = self.chosen.iter().find_map(|id| self.observed.user(id));
        let Some(first) = first else {
            let all = self
                .console
                .identities(&self.source_id(), &self.wish.agent_face.id)
                .await?;
            return Ok(all.iter().any(|identity| !identity.user_ids.is_empty()));
        };
        if !self.gives_faces() {
            let all = self
                .console
                .identities(&self.source_id(), &self.wish.agent_face.id)
                .await?;
            return Ok(all.iter().any(|identity| !identity.user_ids.is_empty()));
        }
        match self.give_face(first, &identity).await {
            Ok(given) => Ok(given),
            Err(error) if error.is_refusal() || error.is_forbidden() => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn find_identity(&self) -> Result<Option<String>, ConsoleError> {
        let found = self
            .console
            .identities(&self.source_id(), &self.wish.agent_face.id)
            .await?;
        Ok(found.into_iter().next().map(|identity| identity.id))
    }

    /// Whether RCE took it.
    async fn give_face(&self, user: &User, identity: &str) -> Result<bool, ConsoleError> {
        let now = self.console.user(&user.id).await?;
        let Some(list) = with_all(&now.identity_ids, &[identity]) else {
            return Ok(true);
        };
        let after = self.console.set_user_identities(&user.id, &list).await?;
        Ok(after.identity_ids.iter().any(|id| id == identity))
    }

    pub(super) async fn faces(&mut self, change: &FaceChange, is_ours: bool) -> Result<Outcome, Failure> {
        let name = self.wish.agent_face.name.clone();
        if self.observed.users.is_none() || !self.observed.sees_identities {
            if self.observed.sees_identities && self.patience.read(async || self.try_face().await).await? {
                // Seen with the ticks.
                return Ok(Outcome::Seen);
            }
            let clicks = by_hand::face(&name, &self.who_answers());
            let value = self.wish.agent_face.id.clone();
            return self.leave(&clicks, FACES, &value).await;
        }
        let look = async || self.find_identity().await;
        let waiting = "waiting until RingCentral shows the identity";
        let identity = match self.patience.until(waiting, false, look).await? {
            Waited::Seen(identity) => identity,
            Waited::Said | Waited::TooLong => return Err(lost("the agents' identity")),
        };
        let mut taken = is_ours;
        let mut may_give = is_ours;
        for (count, user) in change.users.iter().enumerate() {
            if !taken {
                break;
            }
            if change.users.len() > 5 {
                self.patience.progress(&format!(
                    "agents' identity: {} of {}",
                    count + 1,
                    change.users.len()
                ));
            }
            self.record
                .change(|entry| {
                    entry.granted.entry(user.id.clone()).or_default().identity = Some(identity.clone());
                })
                .await?;
            let given = self
                .patience
                .insist(async |_| self.give_face(user, &identity).await);
            match given.await {
                Ok(given) => taken = given,
                Err(error) if error.is_refusal() => taken = false,
                Err(error) if error.is_forbidden() => {
                    taken = false;
                    may_give = false;
                }
                Err(error) => return Err(error.into()),
            }
        }
        if taken {
            return Ok(Outcome::Done);
        }
        let lacking = async || -> Result<Vec<&User>, ConsoleError> {
            let mut lacking = Vec::new();
            for user in &change.users {
                if !self
                    .console
                    .user(&user.id)
                    .await?
                    .identity_ids
                    .contains(&identity)
                {
                    lacking.push(user);
                }
            }
            Ok(lacking)
        };
        let left = self.patience.read(lacking).await?;
        if left.is_empty() {
            return Ok(Outcome::Seen);
        }
        if may_give {
            // RCE gives a controlled identity only, so it is tried again until it takes it.
            self.patience.terminal.say(&format!(
                "  ! RingCentral does not give \"{name}\" to agents: \"Controlled identity\" is not ticked on it yet."
            ));
            let clicks = by_hand::controlled(None, Some(&name));
            self.wait_for(&clicks, async || {
                for user in lacking().await? {
                    match self.give_face(user, &identity).await {
                        Ok(true) => {}
                        Err(error) if !error.is_refusal() => return Err(error),
                        Ok(false) | Err(_) => return Ok(None),
                    }
                }
                Ok(Some(()))
            })
            .await?;
            return Ok(Outcome::Seen);
        }
        let clicks = by_hand::face(&name, &People::these(left));
        self.wait_for(&clicks, async || Ok(lacking().await?.is_empty().then_some(())))
            .await?;
        Ok(Outcome::Seen)
    }
}

/// The list with these in it; `None` if they are in it already.
fn with_all<'a>(now: &'a [String], wanted: &[&'a str]) -> Option<Vec<&'a str>> {
    let mut list: Vec<&str> = now.iter().map(String::as_str).collect();
    for word in wanted {
        if !list.contains(word) {
            list.push(word);
        }
    }
    (list.len() > now.len()).then_some(list)
}

fn permitted(outcome: Result<(), ConsoleError>) -> Result<bool, Failure> {
    match outcome {
        Ok(()) => Ok(true),
        Err(error) if error.is_forbidden() => Ok(false),
        Err(error) => Err(error.into()),
    }
}
