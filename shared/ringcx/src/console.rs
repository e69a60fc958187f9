//! What an administrator does in RCE's console, by REST: the objects that a set-up needs, read and changed.
//!
//! Used by `setup` and `doctor`, never on a message's path. Object shapes follow the REST API's pages; what a page
//! leaves open (null or absent, id as number or string) is read leniently. What REST cannot do stays with a person:
//! creating a source or a token, ticking *Controlled identity*, a webhook's source filter.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use handover_core::Timestamp;
use handover_core::ports::{Clock, RingCxError};
use reqwest::Method;
use serde_json::Value;

use crate::answer::Answer;
use crate::limiter::RestBudget;
use crate::rest::{Account, Call, Rest};

mod error;
mod objects;
mod webhooks;

pub use error::ConsoleError;
pub use objects::{Category, Channel, Folder, Identity, Role, Source, Team, User};
pub use webhooks::{Webhook, WebhookChange};

/// Records of a page; RCE gives no more (REST API, "Pagination").
const PAGE: usize = 150;
/// Pages of one list that are read: 30,000 records, 200 calls. Beyond that an answer is not a list that ends.
const PAGES_MAX: usize = 200;
/// How often a call is repeated that RCE, or the budget, asked to wait with.
const WAITS_MAX: u32 = 4;
/// The longest single wait: what RCE's limit is counted in, and a little.
const WAIT_MAX: Duration = Duration::from_secs(65);

/// An account's console.
pub struct Console {
    rest: Rest,
    account: Account,
    dates: Mutex<Option<Dates>>,
    waits_max: u32,
    calls: AtomicU32,
    limited: AtomicU32,
    had_no_answer: AtomicBool,
    on_wait: Option<OnWait>,
    /// Whether reading webhooks was refused without the token as a parameter.
    webhooks_want_token: AtomicBool,
}

/// Hears how long a call is put off.
type OnWait = Box<dyn Fn(Duration) + Send + Sync>;

/// What two clocks showed at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dates {
    /// RCE's, in whole seconds.
    pub theirs: Timestamp,
    pub ours: Timestamp,
}

impl Console {
    pub fn new(
        http: reqwest::Client,
        budget: Arc<dyn RestBudget>,
        clock: Arc<dyn Clock>,
        account: Account,
    ) -> Self {
        let rest = Rest { http, budget, clock };
        Self {
            rest,
            account,
            dates: Mutex::new(None),
            waits_max: WAITS_MAX,
            calls: AtomicU32::new(0),
            limited: AtomicU32::new(0),
            had_no_answer: AtomicBool::new(false),
            on_wait: None,
            webhooks_want_token: AtomicBool::new(false),
        }
    }

    /// Somebody who watches is told why nothing happens.
    #[must_use]
    pub fn telling_waits(self, on_wait: impl Fn(Duration) + Send + Sync + 'static) -> Self {
        Self {
            on_wait: Some(Box::new(on_wait)),
            ..self
        }
    }

    /// One that does not wait when RCE, or the budget, asks for it: the call fails. After a call that had no answer all
    /// others fail at once, since each would take as long.
    #[must_use]
    pub fn impatient(mut self) -> Self {
        self.waits_max = 0;
        self
    }

    /// Whether a call had no answer.
    pub fn had_no_answer(&self) -> bool {
        self.had_no_answer.load(Ordering::Relaxed)
    }

    /// How many calls were made, and how many of them RCE answered with "too many".
    pub fn calls(&self) -> (u32, u32) {
        (
            self.calls.load(Ordering::Relaxed),
            self.limited.load(Ordering::Relaxed),
        )
    }

    pub fn account(&self) -> &Account {
        &self.account
    }

    /// What RCE's clock showed with its last answer, if it said so.
    pub fn dates(&self) -> Option<Dates> {
        *self.dates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose account the token acts as (`GET /users/me`).
    pub async fn me(&self) -> Result<User, ConsoleError> {
        let call = Call::new("read the token's own account", Method::GET, &["users", "me"]);
        User::read(&self.one(call).await?)
    }

    /// All agents, or those with a category. Needs the right to see users.
    pub async fn users(&self, with_category: Option<&str>) -> Result<Vec<User>, ConsoleError> {
        let query: Vec<_> = with_category.map(|id| ("category_id", id)).into_iter().collect();
        let all = self.all("list agents", &["users"], &query).await?;
        all.iter().map(User::read).collect()
    }

    pub async fn user(&self, id: &str) -> Result<User, ConsoleError> {
        let path = ["users", id];
        let call = Call::new("read an agent", Method::GET, &path);
        User::read(&self.one(call).await?)
    }

    /// Replaces an agent's categories.
    pub async fn set_user_categories(&self, id: &str, categories: &[&str]) -> Result<User, ConsoleError> {
        let form = many("category_ids[]", categories);
        let answer = self
            .change("give an agent categories", Method::PUT, &["users", id], &form)
            .await?;
        User::read(&answer)
    }

    /// What an agent may do on a source, in RCE's words (`read`, `reply`, …).
    pub async fn permissions(&self, user: &str, source: &str) -> Result<Vec<String>, ConsoleError> {
        let path = ["users", user, "sources_permissions"];
        let call = Call::new("read an agent's permissions", Method::GET, &path);
        let all = self.one(call).await?;
        Ok(objects::permissions(all.get(source)))
    }

    /// The same on every source, by the sources' ids.
    pub async fn all_permissions(&self, user: &str) -> Result<BTreeMap<String, Vec<String>>, ConsoleError> {
        let path = ["users", user, "sources_permissions"];
        let call = Call::new("read an agent's permissions", Method::GET, &path);
        let all = self.one(call).await?;
        let by_source = all.as_object().into_iter().flatten();
        Ok(by_source
            .map(|(source, list)| (source.clone(), objects::permissions(Some(list))))
            .collect())
    }

    /// Replaces what an agent may do on a source; other sources stay as they are.
    pub async fn set_permissions(
        &self,
        user: &str,
        source: &str,
        permissions: &[&str],
    ) -> Result<Vec<String>, ConsoleError> {
        let path = ["users", user, "sources_permissions"];
        let list = permissions.join(",");
        let answer = self
            .change(
                "grant an agent permissions",
                Method::PUT,
                &path,
                &[(source, &list)],
            )
            .await?;
        Ok(objects::permissions(answer.get(source)))
    }

    /// A role; `me().role_id` tells whose. Needs the right to manage roles.
    pub async fn role(&self, id: &str) -> Result<Role, ConsoleError> {
        let path = ["roles", id];
        let call = Call::new("read a role", Method::GET, &path);
        Role::read(&self.one(call).await?)
    }

    /// All categories, or the children of one.
    pub async fn categories(&self, parent: Option<&str>) -> Result<Vec<Category>, ConsoleError> {
        let query: Vec<_> = parent.map(|id| ("parent_id", id)).into_iter().collect();
        let all = self.all("list categories", &["categories"], &query).await?;
        all.iter().map(Category::read).collect()
    }

    /// `None`: there is none with this id.
    pub async fn category(&self, id: &str) -> Result<Option<Category>, ConsoleError> {
        let path = ["categories", id];
        let call = Call::new("read a category", Method::GET, &path);
        let found = self.maybe(call).await?;
        found.as_ref().map(Category::read).transpose()
    }

    /// A category of its own (`parent` is `None`), which nobody can pick, or a child.
    pub async fn create_category(&self, name: &str, parent: Option<&str>) -> Result<Category, ConsoleError> {
        let mut form = vec![("name", name)];
        match parent {
            Some(parent) => form.push(("parent_id", parent)),
            None => form.push(("unselectable", "true")),
        }
        let answer = self
            .change("create a category", Method::POST, &["categories"], &form)
            .await?;
        Category::read(&answer)
    }

    pub async fn delete_category(&self, id: &str) -> Result<(), ConsoleError> {
        self.delete("delete a category", &["categories", id]).await
    }

    /// The sources that the token's account may read.
    pub async fn sources(&self) -> Result<Vec<Source>, ConsoleError> {
        let all = self.all("list sources", &["content_sources"], &[]).await?;
        all.iter().map(Source::read).collect()
    }

    /// `None`: there is none with this id, or the token's account may not read it.
    pub async fn source(&self, id: &str) -> Result<Option<Source>, ConsoleError> {
        let path = ["content_sources", id];
        let call = Call::new("read the source", Method::GET, &path);
        let found = self.maybe(call).await?;
        found.as_ref().map(Source::read).transpose()
    }

    /// Sets the default categories of a source: of threads that customers begin, and of those that the company begins.
    pub async fn set_source_defaults(
        &self,
        id: &str,
        customers: &[&str],
        company: &[&str],
    ) -> Result<Source, ConsoleError> {
        let mut form = many("default_category_ids[]", customers);
        form.extend(many("user_thread_default_category_ids[]", company));
        let answer = self
            .change(
                "set the source's default categories",
                Method::PUT,
                &["content_sources", id],
                &form,
            )
            .await?;
        Source::read(&answer)
    }

    /// The channel groups that route conversations.
    pub async fn channels(&self) -> Result<Vec<Channel>, ConsoleError> {
        let all = self.all("list channel groups", &["channels"], &[]).await?;
        all.iter().map(Channel::read).collect()
    }

    pub async fn folders(&self) -> Result<Vec<Folder>, ConsoleError> {
        let all = self.all("list folders", &["folders"], &[]).await?;
        all.iter().map(Folder::read).collect()
    }

    /// A folder that shows what a search finds (search words: "Search").
    pub async fn create_folder(&self, label: &str, query: &str) -> Result<Folder, ConsoleError> {
        let form = [
            ("label", label),
            ("query", query),
            ("render_threads_count", "true"),
        ];
        let answer = self
            .change("create a folder", Method::POST, &["folders"], &form)
            .await?;
        Folder::read(&answer)
    }

    pub async fn set_folder_query(&self, id: &str, query: &str) -> Result<Folder, ConsoleError> {
        let answer = self
            .change(
                "mend a folder",
                Method::PUT,
                &["folders", id],
                &[("query", query)],
            )
            .await?;
        Folder::read(&answer)
    }

    pub async fn delete_folder(&self, id: &str) -> Result<(), ConsoleError> {
        self.delete("delete a folder", &["folders", id]).await
    }

    /// The identities that the channel of a source calls so; at most one, as far as the pages tell.
    pub async fn identities(&self, source: &str, foreign_id: &str) -> Result<Vec<Identity>, ConsoleError> {
        let query = [("source_id", source), ("foreign_id", foreign_id)];
        let all = self.all("list identities", &["identities"], &query).await?;
        let all: Vec<Identity> = all.iter().map(Identity::read).collect::<Result<_, _>>()?;
        Ok(all
            .into_iter()
            .filter(|identity| identity.foreign_id.as_deref() == Some(foreign_id))
            .collect())
    }

    /// One identity, by RCE's id. `None`: there is none, or it cannot be read.
    pub async fn identity(&self, id: &str) -> Result<Option<Identity>, ConsoleError> {
        let path = ["identities", id];
        match self.one(Call::new("read an identity", Method::GET, &path)).await {
            Ok(identity) => Identity::read(&identity).map(Some),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How many agents are connected. `None`: the token's account may not monitor tasks.
    pub async fn connected_agents(&self) -> Result<Option<usize>, ConsoleError> {
        let call = Call::new("read who is available", Method::GET, &["status"]);
        match self.one(call).await {
            Ok(agents) => Ok(Some(agents.as_array().map_or(0, Vec::len))),
            Err(error) if error.is_forbidden() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the account may list tasks, which queue places and lost events are read from.
    pub async fn may_read_interventions(&self) -> Result<bool, ConsoleError> {
        let call = Call {
            query: &[("limit", "1")],
            ..Call::new("read interventions", Method::GET, &["interventions"])
        };
        match self.one(call).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_forbidden() => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Whether the account may look at things, by looking at one of them.
impl Console {
    /// Agents (their names are shown to customers, their permissions are checked).
    pub async fn may_read_users(&self) -> Result<(), ConsoleError> {
        self.peek("see agents", "users").await
    }

    /// Interventions, from which lost events are made up for.
    pub async fn may_see_interventions(&self) -> Result<(), ConsoleError> {
        self.peek("see interventions", "interventions").await
    }

    /// Identities: who writes, and whom the company speaks as.
    pub async fn may_see_identities(&self) -> Result<(), ConsoleError> {
        self.peek("see identities", "identities").await
    }

    /// Opening hours.
    pub async fn may_see_time_sheets(&self) -> Result<(), ConsoleError> {
        self.peek("see time sheets", "time_sheets").await
    }

    /// Who is connected. No list of pages, so all of it is read.
    pub async fn may_monitor(&self) -> Result<(), ConsoleError> {
        let call = Call::new("monitor tasks", Method::GET, &["status"]);
        self.one(call).await.map(drop)
    }

    async fn peek(&self, operation: &'static str, what: &str) -> Result<(), ConsoleError> {
        let path = [what];
        let call = Call {
            query: &[("limit", "1")],
            ..Call::new(operation, Method::GET, &path)
        };
        self.one(call).await.map(drop)
    }
}

/// Who agents are together, and what set-up takes back.
impl Console {
    /// Needs no right that the pages name.
    pub async fn teams(&self) -> Result<Vec<Team>, ConsoleError> {
        let all = self.all("list teams", &["teams"], &[]).await?;
        all.iter().map(Team::read).collect()
    }

    /// Needs the right to manage roles.
    pub async fn roles(&self) -> Result<Vec<Role>, ConsoleError> {
        let all = self.all("list roles", &["roles"], &[]).await?;
        all.iter().map(Role::read).collect()
    }

    /// Replaces the identities that an agent may speak as. One that is not controlled is no agent's: RCE's answer tells
    /// which of them it took.
    pub async fn set_user_identities(&self, id: &str, identities: &[&str]) -> Result<User, ConsoleError> {
        let form = many("identity_ids[]", identities);
        let answer = self
            .change("assign an identity", Method::PUT, &["users", id], &form)
            .await?;
        User::read(&answer)
    }

    /// How many conversations have a category (search word `categorized_in`). `None`: RCE does not say.
    pub async fn threads_in(&self, category: &str) -> Result<Option<u64>, ConsoleError> {
        let words = format!("categorized_in:\"{category}\"");
        let call = Call {
            query: &[("q", words.as_str()), ("limit", "1")],
            ..Call::new("search conversations", Method::GET, &["content_threads"])
        };
        let page = self.one(call).await?;
        Ok(crate::json::count(page.get("count")))
    }
}

/// Calls.
impl Console {
    /// All records of a list, page by page.
    ///
    /// Lists may change while they are read: a record that moves to another page may come twice, so ids are compared.
    async fn all(
        &self,
        operation: &'static str,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Vec<Value>, ConsoleError> {
        let limit = PAGE.to_string();
        let mut records: Vec<Value> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        let mut offset = 0;
        for _ in 0..PAGES_MAX {
            let at = offset.to_string();
            let mut query = query.to_vec();
            query.extend([("offset", at.as_str()), ("limit", limit.as_str())]);
            let call = Call {
                query: &query,
                ..Call::new(operation, Method::GET, path)
            };
            let answer = self.answer(call).await?;
            let page = answer
                .json()
                .map_err(|error| ConsoleError::new(operation, error))?;
            let found = answer
                .records(&page)
                .map_err(|error| ConsoleError::new(operation, error))?;
            let total = crate::json::count(page.get("count"));
            offset += found.len();
            let fresh = found
                .iter()
                .filter(|record| crate::json::id(record.get("id")).is_none_or(|id| seen.insert(id)));
            records.extend(fresh.cloned());
            let is_last = total.map_or(found.len() < PAGE, |total| {
                u64::try_from(offset).unwrap_or(u64::MAX) >= total
            });
            if found.is_empty() || is_last {
                return Ok(records);
            }
        }
        Err(ConsoleError::endless(operation))
    }

    async fn one(&self, call: Call<'_>) -> Result<Value, ConsoleError> {
        let operation = call.operation;
        let answer = self.answer(call).await?;
        answer.json().map_err(|error| ConsoleError::new(operation, error))
    }

    async fn maybe(&self, call: Call<'_>) -> Result<Option<Value>, ConsoleError> {
        match self.one(call).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn change(
        &self,
        operation: &'static str,
        method: Method,
        path: &[&str],
        form: &[(&str, &str)],
    ) -> Result<Value, ConsoleError> {
        let call = Call {
            form: Some(form),
            ..Call::new(operation, method, path)
        };
        self.one(call).await
    }

    async fn delete(&self, operation: &'static str, path: &[&str]) -> Result<(), ConsoleError> {
        gone(self.answer(Call::new(operation, Method::DELETE, path)).await)
    }

    /// Calls; waits where RCE or the budget asks for it, since nobody's message waits behind this one. What had no
    /// answer is not repeated: it may have been done.
    async fn answer(&self, call: Call<'_>) -> Result<Answer, ConsoleError> {
        let Call {
            operation,
            method,
            path,
            query,
            form,
            urgency,
        } = call;
        let mut waits = 0;
        if self.waits_max == 0 && self.had_no_answer() {
            let not_tried = RingCxError::NoAnswer("not tried: an earlier call had no answer".into());
            return Err(ConsoleError::new(operation, not_tried));
        }
        loop {
            let call = Call {
                operation,
                method: method.clone(),
                path,
                query,
                form,
                urgency,
            };
            self.calls.fetch_add(1, Ordering::Relaxed);
            let outcome = self.rest.send(&self.account, call).await;
            if matches!(outcome, Err(RingCxError::NoAnswer(_))) {
                self.had_no_answer.store(true, Ordering::Relaxed);
            }
            if matches!(outcome, Err(RingCxError::RateLimited { .. })) {
                self.limited.fetch_add(1, Ordering::Relaxed);
            }
            match outcome {
                Ok(answer) => {
                    self.note_date(&answer);
                    return match answer.rest_outcome() {
                        Ok(()) => Ok(answer),
                        Err(error) => Err(ConsoleError::refused(operation, error, &answer)),
                    };
                }
                Err(
                    RingCxError::RateLimited {
                        retry_after: Some(wait),
                    }
                    | RingCxError::BudgetUsedUp { retry_after: wait },
                ) if waits < self.waits_max && wait <= WAIT_MAX => {
                    waits += 1;
                    if let Some(on_wait) = &self.on_wait {
                        on_wait(wait);
                    }
                    pause(wait).await;
                }
                Err(error) => return Err(ConsoleError::new(operation, error)),
            }
        }
    }

    fn note_date(&self, answer: &Answer) {
        if let Some(theirs) = answer.date {
            let ours = self.rest.clock.now();
            *self.dates.lock().unwrap_or_else(PoisonError::into_inner) = Some(Dates { theirs, ours });
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a person at a terminal waits; nothing is lost if the process dies here"
)]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// The outcome of a deletion: what is gone already is as good.
fn gone(outcome: Result<Answer, ConsoleError>) -> Result<(), ConsoleError> {
    match outcome {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}

fn many<'a>(name: &'a str, values: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    if values.is_empty() {
        // An empty list has to be said; left out it would mean "as it was".
        return vec![(name, "")];
    }
    values.iter().map(|value| (name, *value)).collect()
}

#[cfg(test)]
mod tests;
