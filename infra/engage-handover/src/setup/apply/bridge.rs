//! Whether the bridge answers where RCE will call it, with the settings that RCE will be told.

use handover_core::settings::Connection;
use handover_ringcx::console::ConsoleError;

use super::Run;
use crate::commands::Failure;
use crate::setup::patience::Waited;
use crate::setup::secrets;

/// What is between us and a bridge that answers as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Right,
    /// In words that complete "The bridge …".
    Wrong(String),
}

impl Run<'_> {
    /// Waits until it does. RCE asks the same question when the webhook is saved.
    pub(super) async fn bridge(&self, connection: &Connection) -> Result<(), Failure> {
        let terminal = self.patience.terminal;
        let Answer::Wrong(first) = self.ask_bridge(connection).await? else {
            return Ok(());
        };
        let config = self.config.path().display();
        terminal.say("");
        terminal.say(&format!("  The bridge {first}."));
        terminal.say("  Start it (in another terminal), and let your reverse proxy lead there:");
        let listen = listen(&self.wish.public_url);
        terminal.say(&format!(
            "    engage-handover serve --config {config} --data data --listen {listen}"
        ));
        let variables: Vec<&str> = [&self.login.token, &self.wish.realtime_token]
            .into_iter()
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
        let mut said = first;
        let waited = self
            .patience
            .until("waiting for the bridge", true, async || {
                let answer = self.ask_bridge(connection).await;
                match answer {
                    Ok(Answer::Right) => Ok(Some(())),
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
            Waited::TooLong => Err(Failure::Ours(anyhow::anyhow!(
                "the bridge {said}. Start it and run the same command again; nothing is done twice"
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
        let challenge = secrets::invent()?;
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
        Ok(match answer {
            Err(_) => Answer::Wrong(format!("answers at /health, but not at {path}")),
            Ok(answer) => match answer.status().as_u16() {
                200 if answer.text().await.unwrap_or_default() == challenge => Answer::Right,
                200 => Answer::Wrong(format!(
                    "is not what answers at {path}: the answer is something else's"
                )),
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
}

/// Where the bridge listens: where it is reached, if that is on this machine.
fn listen(public_url: &str) -> String {
    let url = url::Url::parse(public_url).ok();
    let here = url.filter(|url| url.scheme() == "http" && handover_ringcx::base_url::is_loopback(url));
    let port = here.and_then(|url| url.port()).unwrap_or(8080);
    format!("127.0.0.1:{port}")
}
