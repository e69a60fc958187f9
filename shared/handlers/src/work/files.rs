//! What becomes of the files of a message before it is delivered.
//!
//! A file that may pass becomes a link; one that may not becomes a line of the text. Which of the two is stored under
//! the file's key before the message goes, so that every later attempt says the same.

use std::time::Duration;

use futures_util::future::join_all;
use handover_core::files::{
    Accepted, FileFacts, FileKey, Refusal, UNKNOWN_TYPE, judge, judge_agents_file, judge_claims, placeholder,
    with_lines,
};
use handover_core::message::{AgentMessage, Attachment, CustomerWords, Message};
use handover_core::ports::{Fetch, FetchError, Fetched, OpenedFile, Upload};
use handover_core::settings::RingCxSettings;
use handover_ringcx::base_url;
use tokio::time::Instant;
use url::Url;

use super::Task;
use super::outcome::{Step, Why};
use crate::files::Host;

/// How often it is tried to fetch a file, all in all: with [`WITHIN`], a person waits for about a minute.
const ATTEMPTS: u32 = 3;
/// How long one attempt may take for all files of a message, or of a transcript.
const WITHIN: Duration = Duration::from_secs(20);

/// Where a file comes from, and goes.
#[derive(Clone, Copy)]
enum Way {
    ToRingcx,
    ToBot,
}

/// A message of the person or the bot as RCE gets it. `Err`: its files are worth another attempt.
pub(super) async fn for_ringcx(task: &Task<'_>, message: &Message) -> Result<Message, Step> {
    let mut all = all_for_ringcx(task, std::slice::from_ref(message)).await?;
    Ok(all.pop().unwrap_or_else(|| message.clone()))
}

/// The same for a whole transcript.
pub(super) async fn all_for_ringcx(task: &Task<'_>, messages: &[Message]) -> Result<Vec<Message>, Step> {
    let until = Instant::now() + WITHIN;
    let prepared = messages.iter().map(|message| async move {
        let id = message.foreign_id.as_str();
        let passed = pass(task, Way::ToRingcx, id, &message.attachments, until).await?;
        let mut message = message.clone();
        if !passed.lines.is_empty() {
            // A choice alone shows what was chosen; the lines must not take its place.
            let text = message.text.as_ref().or(message.payload.as_ref());
            message.text = with_lines(text.map(String::as_str), &passed.lines);
        }
        message.attachments = passed.attachments;
        Ok(message)
    });
    join_all(prepared).await.into_iter().collect()
}

/// An agent's message as the bot gets it. `Err`: its files are worth another attempt.
pub(super) async fn for_bot(task: &Task<'_>, message: &AgentMessage) -> Result<AgentMessage, Step> {
    let until = Instant::now() + WITHIN;
    let passed = pass(task, Way::ToBot, message.id.as_str(), &message.attachments, until).await?;
    let mut message = message.clone();
    message.text = with_lines(message.text.as_deref(), &passed.lines);
    message.attachments = passed.attachments;
    Ok(message)
}

/// What a person wrote on a channel of RCE's own, as the bot gets it. `Err`: its files are worth another attempt.
pub(super) async fn of_customer(task: &Task<'_>, mut words: CustomerWords) -> Result<CustomerWords, Step> {
    let until = Instant::now() + WITHIN;
    let passed = pass(task, Way::ToBot, words.id.as_str(), &words.attachments, until).await?;
    words.text = with_lines(words.text.as_deref(), &passed.lines);
    words.attachments = passed.attachments;
    Ok(words)
}

/// A file of the bot's that RCE is to have. The inner `Err`: why it may not pass.
pub(super) async fn to_upload(
    task: &Task<'_>,
    (message, index): (&str, usize),
    attachment: &Attachment,
) -> Result<Result<Upload, Refusal>, Step> {
    let files = &task.app.files;
    if let Some(key) = files
        .host(&task.connection)
        .and_then(|host| host.ours(&attachment.url))
    {
        let opened = files.store.open(&task.job.connection, &key, task.app.now()).await;
        match opened {
            Ok(Some(OpenedFile::Here { facts, bytes })) => {
                return Ok(match facts.refused {
                    Some(refusal) => Err(refusal),
                    None => Ok(Upload {
                        filename: facts.filename,
                        content_type: facts.content_type,
                        bytes,
                    }),
                });
            }
            Ok(Some(OpenedFile::Elsewhere { link })) => return fetched(task, attachment, &link).await,
            Ok(None) => return Ok(Err(Refusal::Expired)),
            Err(error) => return Err(unavailable(&error)),
        }
    }
    tracing::debug!(
        message.id = message,
        file.index = index,
        "a file is fetched for RingCX"
    );
    let url = attachment.url.clone();
    fetched(task, attachment, &url).await
}

async fn fetched(
    task: &Task<'_>,
    attachment: &Attachment,
    address: &str,
) -> Result<Result<Upload, Refusal>, Step> {
    if let Err(refusal) = judge_claims(attachment) {
        return Ok(Err(refusal));
    }
    let Ok(url) = Url::parse(address) else {
        return Ok(Err(Refusal::AddressNotAllowed));
    };
    let wanted = Fetch {
        url: &url,
        access_token: None,
        allow_hosts: &task.connection.files.allow_hosts,
        max_bytes: task.connection.files.max_bytes,
    };
    let room = task.app.files.room.acquire().await;
    let _room = room.map_err(|_| again("file_not_fetched", "no room for files".to_owned()))?;
    match task.app.files.fetcher.fetch(&wanted).await {
        Ok(fetched) => {
            let judged = judge(attachment, fetched.content_type.as_deref(), &fetched.bytes);
            Ok(judged.map(|accepted| Upload {
                filename: accepted.filename,
                content_type: accepted.content_type,
                bytes: fetched.bytes,
            }))
        }
        Err(error) if error.is_transient() && task.attempt < ATTEMPTS => {
            Err(again("file_not_fetched", error.to_string()))
        }
        Err(error) => Ok(Err(refusal(&error))),
    }
}

#[derive(Default)]
struct Passed {
    attachments: Vec<Attachment>,
    lines: Vec<String>,
}

async fn pass(
    task: &Task<'_>,
    way: Way,
    message: &str,
    attachments: &[Attachment],
    until: Instant,
) -> Result<Passed, Step> {
    let each = attachments.iter().enumerate().map(|(index, attachment)| {
        Box::pin(async move { one(task, way, (message, index), attachment, until).await })
    });
    let mut passed = Passed::default();
    for (attachment, outcome) in attachments.iter().zip(join_all(each).await) {
        match outcome? {
            Ok(delivered) => passed.attachments.push(delivered),
            Err(refusal) => passed.lines.push(placeholder(attachment, &refusal)),
        }
    }
    Ok(passed)
}

/// What becomes of one file: a link, or the reason why there is none.
async fn one(
    task: &Task<'_>,
    way: Way,
    place: (&str, usize),
    attachment: &Attachment,
    until: Instant,
) -> Result<Result<Attachment, Refusal>, Step> {
    let unchanged = || Ok(Ok(attachment.clone()));
    let files = &task.app.files;
    if let Some((host, key)) = files
        .host(&task.connection)
        .and_then(|host| host.ours(&attachment.url).map(|key| (host, key)))
    {
        return kept(task, &host, &key, attachment).await;
    }
    let url = Url::parse(&attachment.url).ok();
    let (Some(host), Some(url)) = (files.rehost(&task.connection), url) else {
        return Ok(match way {
            Way::ToRingcx => judge_claims(attachment).map(|()| attachment.clone()),
            Way::ToBot => Ok(attachment.clone()),
        });
    };
    if matches!(way, Way::ToBot) && !is_at_ringcx(&task.connection.ringcx, &url) {
        return unchanged();
    }
    let (message, index) = place;
    let direction: &[u8] = match way {
        Way::ToRingcx => b"to ringcx",
        Way::ToBot => b"to bot",
    };
    let key = host.key(&[
        direction,
        task.job.thread.as_str().as_bytes(),
        message.as_bytes(),
        &(index as u64).to_be_bytes(),
        attachment.url.as_bytes(),
    ]);
    let hosting = Hosting {
        task,
        way,
        host,
        key,
        attachment,
        url,
    };
    hosting.outcome(until).await
}

/// A file that is here already.
async fn kept(
    task: &Task<'_>,
    host: &Host<'_>,
    key: &FileKey,
    attachment: &Attachment,
) -> Result<Result<Attachment, Refusal>, Step> {
    let found = task
        .app
        .files
        .store
        .facts(&task.job.connection, key, task.app.now())
        .await;
    match found {
        Ok(Some(facts)) => Ok(delivered(host, key, facts)),
        Ok(None) => Ok(Err(Refusal::Expired)),
        Err(error) if task.attempt >= ATTEMPTS => {
            tracing::error!(error = &error as &dyn std::error::Error, "files unavailable");
            // The address is ours and was right when it was given.
            Ok(Ok(attachment.clone()))
        }
        Err(error) => Err(unavailable(&error)),
    }
}

/// What was decided about a file.
fn delivered(host: &Host<'_>, key: &FileKey, facts: FileFacts) -> Result<Attachment, Refusal> {
    let url = host.link(key, &facts);
    match facts.refused {
        Some(refusal) => Err(refusal),
        None => Ok(Attachment {
            url,
            filename: Some(facts.filename),
            content_type: Some(facts.content_type),
        }),
    }
}

/// One file from elsewhere that is to be hosted.
struct Hosting<'a> {
    task: &'a Task<'a>,
    way: Way,
    host: Host<'a>,
    key: FileKey,
    attachment: &'a Attachment,
    url: Url,
}

/// Why nothing was decided.
enum Trouble {
    Fetch(FetchError),
    Store(handover_core::ports::FileStoreError),
    /// So many files are on their way that this one had no turn.
    TooMany,
}

impl Hosting<'_> {
    async fn outcome(&self, until: Instant) -> Result<Result<Attachment, Refusal>, Step> {
        let decided = tokio::time::timeout_at(until, self.decide()).await;
        let trouble = match decided.unwrap_or(Err(Trouble::TooMany)) {
            Ok(facts) => return Ok(delivered(&self.host, &self.key, facts)),
            Err(trouble) => trouble,
        };
        let (task, trouble) = (self.task, self.trouble(trouble));
        if task.attempt < ATTEMPTS {
            return Err(trouble);
        }
        // Enough: the message goes without it.
        let refusal = Refusal::NotFetched;
        if let Err(error) = self.refuse(refusal.clone()).await {
            tracing::error!(error = &error as &dyn std::error::Error, "files unavailable");
        }
        Ok(Err(refusal))
    }

    /// What was decided by an earlier attempt, or is now.
    async fn decide(&self) -> Result<FileFacts, Trouble> {
        let files = &self.task.app.files;
        let _room = files.room.acquire().await.map_err(|_| Trouble::TooMany)?;
        let (connection, now) = (&self.task.job.connection, self.task.app.now());
        let earlier = files.store.facts(connection, &self.key, now).await;
        if let Some(facts) = earlier.map_err(Trouble::Store)? {
            return Ok(facts);
        }
        match self.fetch().await {
            Ok(Ok((accepted, fetched))) => {
                let facts = self.host.facts(self.task.app, accepted, fetched.bytes.len());
                let put = files
                    .store
                    .put(connection, &self.key, &facts, fetched.bytes)
                    .await;
                put.map_err(Trouble::Store)?;
                tracing::info!(connection.id = %connection, file.size = facts.size, "file hosted");
                Ok(facts)
            }
            Ok(Err(refusal)) => self.refuse(refusal).await.map_err(Trouble::Store),
            Err(error) => Err(Trouble::Fetch(error)),
        }
    }

    /// Fetches and judges it. `Err`: trying again may help.
    async fn fetch(&self) -> Result<Result<(Accepted, Fetched), Refusal>, FetchError> {
        let connection = &self.task.connection;
        let mut allow_hosts = connection.files.allow_hosts.clone();
        let mut access_token = None;
        if matches!(self.way, Way::ToBot) {
            // The operator named RCE's hosts with its addresses.
            allow_hosts.extend(host_and_port(&self.url));
            access_token = base_url::check_scheme(&self.url)
                .is_ok()
                .then_some(&connection.ringcx.api_access_token);
        } else if let Err(refusal) = judge_claims(self.attachment) {
            return Ok(Err(refusal));
        }
        let wanted = Fetch {
            url: &self.url,
            access_token,
            allow_hosts: &allow_hosts,
            max_bytes: connection.files.max_bytes,
        };
        let fetched = match self.task.app.files.fetcher.fetch(&wanted).await {
            Ok(fetched) => fetched,
            Err(error) if error.is_transient() => return Err(error),
            Err(error) => return Ok(Err(refusal(&error))),
        };
        let served_as = fetched.content_type.as_deref();
        let judged = match self.way {
            Way::ToRingcx => judge(self.attachment, served_as, &fetched.bytes),
            Way::ToBot => judge_agents_file(self.attachment, served_as, &fetched.bytes),
        };
        Ok(judged.map(|accepted| (accepted, fetched)))
    }

    /// Decides for good that it is not delivered.
    async fn refuse(&self, refusal: Refusal) -> Result<FileFacts, handover_core::ports::FileStoreError> {
        let connection = &self.task.job.connection;
        tracing::info!(connection.id = %connection, reason = refusal.code(), "file not delivered");
        let nothing = Accepted {
            filename: "refused".to_owned(),
            content_type: UNKNOWN_TYPE.to_owned(),
        };
        let mut facts = self.host.facts(self.task.app, nothing, 0);
        facts.refused = Some(refusal);
        let store = &self.task.app.files.store;
        store
            .put(connection, &self.key, &facts, bytes::Bytes::new())
            .await?;
        Ok(facts)
    }

    fn trouble(&self, trouble: Trouble) -> Step {
        match trouble {
            Trouble::Fetch(error) => {
                tracing::warn!(
                    connection.id = %self.task.job.connection, error = &error as &dyn std::error::Error,
                    "a file could not be fetched"
                );
                again("file_not_fetched", error.to_string())
            }
            Trouble::Store(error) => unavailable(&error),
            Trouble::TooMany => again("file_not_fetched", "the files did not arrive in time".to_owned()),
        }
    }
}

/// Why a file that was not fetched never will be.
fn refusal(error: &FetchError) -> Refusal {
    match *error {
        FetchError::NotAllowed => Refusal::AddressNotAllowed,
        FetchError::TooLarge { size, limit } => Refusal::TooLarge { size, limit },
        _ => Refusal::NotFetched,
    }
}

fn again(code: &'static str, detail: String) -> Step {
    Step::Again {
        after: None,
        why: Why::new(code, detail),
    }
}

fn unavailable(error: &handover_core::ports::FileStoreError) -> Step {
    tracing::error!(error = error as &dyn std::error::Error, "files unavailable");
    again("unavailable", "the store of files is unavailable".to_owned())
}

fn host_and_port(url: &Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

/// Whether a URL is on one of the hosts of the RCE account: the API's, the realtime endpoint's, or the console's,
/// which is the API's without `.api` and has the attachments (REST API, "Attachments").
fn is_at_ringcx(settings: &RingCxSettings, url: &Url) -> bool {
    let Some(here) = host_and_port(url) else {
        return false;
    };
    let api = host_and_port(&settings.api_base);
    let console = api.as_ref().map(|api| api.replacen(".api.", ".", 1));
    let realtime = host_and_port(&settings.realtime_endpoint_url);
    [api, console, realtime].contains(&Some(here))
}
