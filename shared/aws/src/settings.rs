//! Connections from SSM: one `SecureString` for each, with the text of its section of `connections.toml`.
//!
//! Read on first use and again when it is nearly a minute old, so that a rotated secret needs no deployment. What was
//! good stays in use while SSM fails or the new text has mistakes. That a connection does not exist is remembered as
//! well, or strangers' requests would use up SSM's few calls a second.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::Parameter;
use handover_core::Timestamp;
use handover_core::ids::{ConnectionId, SourceId};
use handover_core::ports::Clock;
use handover_core::settings::Connection;
use handover_handlers::app::{Connections, ConnectionsUnavailable};
use handover_handlers::config::{self, ConfigError, Lookup};

use crate::fault::{self, Fault, Thing};

/// How old a value gets before it is read again. With the time that the call may take, less than a minute.
const FRESH: Duration = Duration::from_secs(50);
/// How soon to try again what failed: soon enough for people, seldom enough for SSM.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// How many connections are read before the first request comes.
const MOST_PRELOADED: usize = 20;
/// How many connections that are none, or could not be read, are remembered within their time. Strangers who ask for
/// more are not looked up.
const MOST_OTHERS: usize = 200;
const LONGEST_ID: usize = 100;

/// Why a connection's settings are not there.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Call(#[from] Fault),
    #[error("the parameter {name} is not usable: {mistakes}")]
    Mistakes { name: String, mistakes: ConfigError },
    #[error("the parameter {name} must hold the section [connections.{id}] and no other connection")]
    AnotherConnection { name: String, id: String },
    #[error(
        "the parameter {name} is not used: connections.{other} answers source {source_id} already; a source has one bot"
    )]
    SourceTaken {
        name: String,
        other: ConnectionId,
        source_id: SourceId,
    },
    #[error("too many connections that do not exist were asked for within a minute; no more are looked up")]
    TooManyStrangers,
}

/// Connections out of the parameters below one path.
pub struct SsmConnections {
    client: Client,
    path: String,
    environment: Arc<dyn Lookup + Send + Sync>,
    clock: Arc<dyn Clock>,
    slots: Mutex<HashMap<ConnectionId, Arc<Slot>>>,
}

/// One connection. Whoever reads it holds the lock, so that everybody else waits for that one call.
type Slot = tokio::sync::Mutex<Known>;

/// What is known of a connection, and until when that is good enough.
struct Known {
    what: What,
    read_at: Timestamp,
    good_for: Duration,
}

enum What {
    NotReadYet,
    Missing,
    Good(Arc<Connection>),
    Failed(Arc<Trouble>),
}

impl Known {
    fn is_fresh(&self, now: Timestamp) -> bool {
        // A clock that was set back makes everything old, rather than good for long.
        let age = Duration::try_from(now.duration_since(self.read_at));
        age.is_ok_and(|age| age < self.good_for) && !matches!(self.what, What::NotReadYet)
    }

    fn answer(&self) -> Result<Option<Arc<Connection>>, ConnectionsUnavailable> {
        match &self.what {
            What::Good(connection) => Ok(Some(Arc::clone(connection))),
            What::NotReadYet | What::Missing => Ok(None),
            What::Failed(trouble) => Err(ConnectionsUnavailable(Box::new(Arc::clone(trouble)))),
        }
    }

    /// Takes note of what a call brought.
    fn learn(&mut self, read: Result<Option<Connection>, Trouble>, now: Timestamp) {
        self.read_at = now;
        self.good_for = FRESH;
        match read {
            Ok(Some(connection)) => self.what = What::Good(Arc::new(connection)),
            Ok(None) => self.what = What::Missing,
            Err(trouble) => {
                self.good_for = AFTER_FAILURE;
                // Of two that answer one source, one must be silent now.
                let kept =
                    matches!(self.what, What::Good(_)) && !matches!(trouble, Trouble::SourceTaken { .. });
                tracing::error!(
                    error = &trouble as &dyn std::error::Error,
                    "connection's settings not read{}",
                    if kept {
                        "; the last good ones stay in use"
                    } else {
                        ""
                    }
                );
                if !kept {
                    self.what = What::Failed(Arc::new(trouble));
                }
            }
        }
    }
}

impl SsmConnections {
    /// `path` is where the parameters are, without a slash at its end; `environment` has the variables that `env:`
    /// secrets name.
    pub fn new(
        client: Client,
        path: impl Into<String>,
        environment: Arc<dyn Lookup + Send + Sync>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            client,
            path: path.into().trim_end_matches('/').to_owned(),
            environment,
            clock,
            slots: Mutex::default(),
        }
    }

    /// Reads what there is, a few calls for all, and says how many connections can be used. A failure is logged and
    /// left to the first use.
    pub async fn preload(&self) -> usize {
        let now = self.clock.now();
        let mut parameters = match self.list(MOST_PRELOADED).await {
            Ok(parameters) => parameters,
            Err(fault) => {
                let error: &dyn std::error::Error = &fault;
                tracing::warn!(
                    error,
                    "settings not read ahead; each connection is read when it is used"
                );
                return 0;
            }
        };
        let mut good = 0;
        // In their order, so that every function decides alike which of two that answer one source is used.
        parameters.sort_by(|a, b| a.name.cmp(&b.name));
        for parameter in parameters {
            let Some(id) = self.id_of(&parameter) else {
                continue;
            };
            let read = self.parse(&id, parameter.value().unwrap_or_default());
            if let Ok(slot) = self.slot(&id) {
                let mut known = slot.lock().await;
                known.learn(read.and_then(|it| self.alone_here(it)).map(Some), now);
                good += usize::from(matches!(known.what, What::Good(_)));
            }
        }
        good
    }

    /// Reads every connection there is now, each with what is wrong if it cannot be used.
    pub(crate) async fn all(&self) -> Result<Vec<Result<Connection, String>>, Fault> {
        let mut parameters = self.list(usize::MAX).await?;
        parameters.sort_by(|a, b| a.name.cmp(&b.name));
        let mut all: Vec<Result<Connection, String>> = Vec::new();
        for parameter in parameters {
            let Some(id) = self.id_of(&parameter) else {
                continue;
            };
            let parsed = self.parse(&id, parameter.value().unwrap_or_default());
            let read = parsed.and_then(|it| self.alone(it, all.iter().flatten()));
            all.push(read.map_err(|trouble| trouble.to_string()));
        }
        Ok(all)
    }

    /// The connections that can be used, as far as they were read.
    pub fn known(&self) -> Vec<Arc<Connection>> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let good = |slot: &Arc<Slot>| match &slot.try_lock().ok()?.what {
            What::Good(connection) => Some(Arc::clone(connection)),
            _ => None,
        };
        slots.values().filter_map(good).collect()
    }

    /// The parameters below the path, or the first `most` of them.
    async fn list(&self, most: usize) -> Result<Vec<Parameter>, Fault> {
        let mut parameters = Vec::new();
        let mut next = None;
        loop {
            let page = self
                .client
                .get_parameters_by_path()
                .path(&self.path)
                .with_decryption(true)
                .set_next_token(next)
                .send()
                .await
                .map_err(|error| {
                    Fault::of(
                        "ssm:GetParametersByPath",
                        Thing::Parameter(format!("{}/", self.path)),
                        &error,
                    )
                })?;
            parameters.extend(page.parameters.unwrap_or_default());
            next = page.next_token.filter(|_| parameters.len() < most);
            if next.is_none() {
                parameters.truncate(most);
                return Ok(parameters);
            }
        }
    }

    async fn read(&self, id: &ConnectionId) -> Result<Option<Connection>, Trouble> {
        let name = self.name(id);
        let call = self.client.get_parameter().name(&name).with_decryption(true);
        match call.send().await {
            Ok(answer) => {
                let text = answer.parameter().and_then(Parameter::value).unwrap_or_default();
                self.alone_here(self.parse(id, text)?).map(Some)
            }
            Err(error) if fault::code(&error) == "ParameterNotFound" => Ok(None),
            Err(error) => Err(Fault::of("ssm:GetParameter", Thing::Parameter(name), &error).into()),
        }
    }

    fn parse(&self, id: &ConnectionId, text: &str) -> Result<Connection, Trouble> {
        let lookup = WithoutFiles(&*self.environment);
        let found = config::parse(text, &lookup).map_err(|mistakes| Trouble::Mistakes {
            name: self.name(id),
            mistakes,
        })?;
        let Ok([connection]) = <[Connection; 1]>::try_from(found) else {
            return Err(self.another(id));
        };
        if connection.id != *id {
            return Err(self.another(id));
        }
        Ok(connection)
    }

    /// Refuses one whose source another answers: whose name comes first is used.
    fn alone<'a>(
        &self,
        connection: Connection,
        others: impl IntoIterator<Item = &'a Connection>,
    ) -> Result<Connection, Trouble> {
        let before = others.into_iter().filter(|other| other.id < connection.id);
        let taken = before.filter_map(|other| Some((other, connection.answers_same_source(other)?)));
        match taken
            .map(|(other, source)| (other.id.clone(), source.clone()))
            .next()
        {
            Some((other, source_id)) => Err(Trouble::SourceTaken {
                name: self.name(&connection.id),
                other,
                source_id,
            }),
            None => Ok(connection),
        }
    }

    /// The same among those that are known here.
    fn alone_here(&self, connection: Connection) -> Result<Connection, Trouble> {
        let known = self.known();
        self.alone(connection, known.iter().map(|other| &**other))
    }

    /// Whose settings a parameter has, if it can be a connection's.
    fn id_of(&self, parameter: &Parameter) -> Option<ConnectionId> {
        let name = parameter.name().unwrap_or_default();
        let id = name.strip_prefix(&self.path)?.strip_prefix('/')?;
        can_be_parameter(id).then(|| ConnectionId::new(id))
    }

    fn another(&self, id: &ConnectionId) -> Trouble {
        Trouble::AnotherConnection {
            name: self.name(id),
            id: id.to_string(),
        }
    }

    fn name(&self, id: &ConnectionId) -> String {
        format!("{}/{id}", self.path)
    }

    fn slot(&self, id: &ConnectionId) -> Result<Arc<Slot>, Trouble> {
        let now = self.clock.now();
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if !slots.contains_key(id) && others(&slots) >= MOST_OTHERS {
            slots.retain(|_, slot| {
                // One that is locked is being read.
                slot.try_lock().map_or(true, |known| {
                    known.is_fresh(now) || matches!(known.what, What::Good(_))
                })
            });
            if others(&slots) >= MOST_OTHERS {
                return Err(Trouble::TooManyStrangers);
            }
        }
        Ok(match slots.entry(id.clone()) {
            Entry::Occupied(slot) => Arc::clone(slot.get()),
            Entry::Vacant(empty) => Arc::clone(empty.insert(Arc::new(Slot::new(Known {
                what: What::NotReadYet,
                read_at: now,
                good_for: Duration::ZERO,
            })))),
        })
    }
}

#[async_trait]
impl Connections for SsmConnections {
    async fn get(&self, id: &ConnectionId) -> Result<Option<Arc<Connection>>, ConnectionsUnavailable> {
        if !can_be_parameter(id.as_str()) {
            return Ok(None);
        }
        let slot = self
            .slot(id)
            .map_err(|trouble| ConnectionsUnavailable(Box::new(trouble)))?;
        let mut known = slot.lock().await;
        let now = self.clock.now();
        if !known.is_fresh(now) {
            let read = self.read(id).await;
            known.learn(read, now);
        }
        known.answer()
    }
}

/// Connections that are none, as far as is known.
fn others(slots: &HashMap<ConnectionId, Arc<Slot>>) -> usize {
    let is_good = |slot: &Slot| {
        slot.try_lock()
            .is_ok_and(|known| matches!(known.what, What::Good(_)))
    };
    slots.values().filter(|slot| !is_good(slot)).count()
}

/// Whether SSM could have a parameter of this name.
fn can_be_parameter(id: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(legal)
}

/// A function has no files of the integrator's.
struct WithoutFiles<'a>(&'a (dyn Lookup + Send + Sync));

impl Lookup for WithoutFiles<'_> {
    fn env(&self, name: &str) -> Option<String> {
        self.0.env(name)
    }

    fn file(&self, _: &str) -> Result<String, io::Error> {
        Err(io::Error::other(
            "a parameter has its secrets in itself, because a function has no files",
        ))
    }
}
