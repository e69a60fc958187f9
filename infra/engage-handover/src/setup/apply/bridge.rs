//! Whether the bridge answers where RCE will call it, with the settings that RCE will be told.

use std::time::{Duration, Instant};

use handover_core::Timestamp;
use handover_core::heard::OUR_OWN;
use handover_core::serving;
use handover_core::settings::Connection;
use handover_ringcx::console::ConsoleError;

use super::Run;
use crate::commands::Failure;
use crate::setup::agents::listed;
use crate::setup::patience::{Waited, pause};
use crate::setup::secrets;
use crate::setup::shelf::Home;

/// After so long every function of a stage has read its settings again.
pub(super) const SETTLED: Duration = Duration::from_mins(1);

/// What is between us and a bridge that answers as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Right(Serving),
    /// In words that complete "The bridge …".
    Wrong(String),
}

/// What the running bridge says of itself. An older one says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Serving {
    pub(super) sources: Option<Vec<String>>,
    pub(super) settings: Option<String>,
    /// When RCE's last validation request was answered.
    pub(super) validated: Option<Timestamp>,
}

impl Serving {
    fn of(answer: &reqwest::Response) -> Self {
        let said = |name: &str| answer.headers().get(name)?.to_str().ok();
        Self {
            sources: said(serving::SOURCES_HEADER).map(serving::sources),
            settings: said(serving::SETTINGS_HEADER).map(str::to_owned),
            validated: said(serving::VALIDATED_HEADER).and_then(serving::validated),
        }
    }

    /// Those of `wanted` that it does not answer, as far as it says.
    fn lacking<'a>(&self, wanted: &'a [String]) -> Vec<&'a String> {
        let Some(known) = &self.sources else {
            return Vec::new();
        };
        wanted.iter().filter(|source| !known.contains(source)).collect()
    }
}

impl Run<'_> {
    /// Waits until it does. RCE asks the same question when the webhook is saved.
    pub(super) async fn bridge(&mut self, connection: &Connection) -> Result<(), Failure> {
        if self.bridge_answers {
            return Ok(());
        }
        if let Answer::Wrong(first) = self.ask_bridge(connection).await? {
            self.say_what_to_do(&first);
            self.until_it_answers(connection, first).await?;
        }
        self.settle().await?;
        self.bridge_answers = true;
        Ok(())
    }

    /// One function of a stage may have read the new settings already, and its neighbour not.
    async fn settle(&self) -> Result<(), Failure> {
        while let Some(left) = self
            .settles_at
            .and_then(|at| at.checked_duration_since(Instant::now()))
        {
            if left.is_zero() {
                break;
            }
            self.patience.progress(&format!(
                "the stage's functions read changed secrets within a minute: {} s left",
                left.as_secs() + 1
            ));
            pause(left.min(Duration::from_secs(1))).await;
        }
        Ok(())
    }

    fn say_what_to_do(&self, first: &str) {
        let terminal = self.patience.terminal;
        terminal.say("");
        terminal.say(&format!("  The bridge {first}."));
        if let Home::Stage { name, public_url } = self.config.home() {
            terminal.say("  A stage's functions read new settings within a minute, so I wait for that.");
            if *public_url != self.wish.public_url {
                terminal.say(&format!(
                    "  Stage {name} is at {public_url}: does {} lead there?",
                    self.wish.public_url
                ));
            }
            return;
        }
        let arguments = self.config.home().arguments();
        terminal
            .say("  It is started like this (in another terminal), with your reverse proxy leading there:");
        let listen = listen(&self.wish.public_url);
        terminal.say(&format!(
            "    engage-handover serve {arguments} --data data --listen {listen}"
        ));
        let realtime = self.wish.realtime.as_ref().map(|realtime| &realtime.token);
        let variables: Vec<&str> = std::iter::once(&self.login.token)
            .chain(realtime)
            .filter_map(|token| token.written.expose().strip_prefix("env:"))
            .collect();
        if !variables.is_empty() {
            terminal.say(&format!(
                "  with {} in its environment, as here.",
                variables.join(" and ")
            ));
        }
        if terminal.asks() {
            terminal.say("  If only RingCentral can reach it, and this machine cannot: press Enter.");
        }
    }

    async fn until_it_answers(&self, connection: &Connection, first: String) -> Result<(), Failure> {
        let terminal = self.patience.terminal;
        let is_stage = self.config.home().is_stage();
        let mut said = first;
        let waited = self
            .patience
            .until("waiting for the bridge", true, async || {
                let answer = self.ask_bridge(connection).await;
                match answer {
                    Ok(Answer::Right(_)) => Ok(Some(())),
                    Ok(Answer::Wrong(now)) => {
                        if now != said {
                            terminal.say(&format!("  Now the bridge {now}."));
                            said = now;
                        }
                        Ok(None)
                    }
                    Err(_) => Ok::<_, ConsoleError>(None),
                }
            })
            .await?;
        match waited {
            Waited::Seen(()) => {
                self.say_done(&format!("the bridge answers at {}", self.wish.public_url));
                Ok(())
            }
            Waited::Said => Ok(()),
            Waited::TooLong if is_stage => Err(Failure::Ours(anyhow::anyhow!(
                "the bridge {said}. Look at the log of its function webhook-intake, then run the same command again; nothing is done twice"
            ))),
            Waited::TooLong => Err(Failure::Ours(anyhow::anyhow!(
                "the bridge {said}. When it runs, run the same command again; nothing is done twice"
            ))),
        }
    }

    /// `GET /health`, then what RCE asks (webhooks, "Validation").
    pub(super) async fn ask_bridge(&self, connection: &Connection) -> Result<Answer, Failure> {
        let health = format!("{}/health", self.wish.public_url);
        match self.http.get(&health).send().await {
            Err(error) => {
                let why = if error.is_timeout() {
                    "does not answer in time"
                } else {
                    "cannot be reached"
                };
                return Ok(Answer::Wrong(format!("{why} at {health}")));
            }
            Ok(answer) if !answer.status().is_success() => {
                return Ok(Answer::Wrong(format!(
                    "does not answer at {health}, but something else does, with {}",
                    answer.status().as_u16()
                )));
            }
            Ok(_) => {}
        }
        let challenge = format!("{OUR_OWN}{}", secrets::invent()?);
        let settings = &connection.ringcx;
        let mut url = url::Url::parse(&self.wish.webhook_url())?;
        url.query_pairs_mut()
            .append_pair("hub.mode", "subscribe")
            .append_pair("hub.challenge", &challenge)
            .append_pair("hub.verify_token", settings.verification_token.expose());
        let secret = settings
            .webhook_secrets
            .first()
            .map_or("", |secret| secret.expose());
        let answer = self
            .http
            .get(url)
            .header(handover_ringcx::webhook::SECRET_HEADER, secret)
            .send()
            .await;
        let path = format!("/{}/handover/rce", self.wish.connection);
        let is_stage = self.config.home().is_stage();
        Ok(match answer {
            Err(_) => Answer::Wrong(format!("answers at /health, but not at {path}")),
            Ok(answer) => match answer.status().as_u16() {
                200 => self.understood(answer, &challenge, &path).await,
                404 if is_stage => {
                    Answer::Wrong(format!("knows no connection \"{}\" yet", self.wish.connection))
                }
                403 if is_stage => Answer::Wrong("has other secrets than the parameter still".to_owned()),
                404 => Answer::Wrong(format!(
                    "runs, but with another configuration: it knows no connection \"{}\". Restart it with this one",
                    self.wish.connection
                )),
                403 => Answer::Wrong(
                    "runs with other secrets than the configuration has. Restart it to read them".to_owned(),
                ),
                status => Answer::Wrong(format!("answers {status} at {path}")),
            },
        })
    }

    async fn understood(&self, answer: reqwest::Response, challenge: &str, path: &str) -> Answer {
        let serving = Serving::of(&answer);
        if answer.text().await.unwrap_or_default() != challenge {
            return Answer::Wrong(format!(
                "is not what answers at {path}: the answer is something else's"
            ));
        }
        let lacking = serving.lacking(&self.wish.source_ids);
        if lacking.is_empty() {
            return Answer::Right(serving);
        }
        let names = listed(lacking.into_iter().map(|id| {
            let mut sources = self.observed.sources.iter();
            let found = sources.find(|source| source.id == *id);
            found.map_or_else(|| id.clone(), |source| format!("\"{}\"", source.name))
        }));
        Answer::Wrong(if self.config.home().is_stage() {
            format!("does not answer the source {names} yet")
        } else {
            format!(
                "does not answer the source {names} yet: restart it, or send it SIGHUP, to read the configuration"
            )
        })
    }
}

/// Where the bridge listens: where it is reached, if that is on this machine.
fn listen(public_url: &str) -> String {
    let url = url::Url::parse(public_url).ok();
    let here = url.filter(|url| url.scheme() == "http" && handover_ringcx::base_url::is_loopback(url));
    let port = here.and_then(|url| url.port()).unwrap_or(8080);
    format!("127.0.0.1:{port}")
}
