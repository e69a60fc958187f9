//! The webhook: made or repaired, and looked at until RCE has validated it.

use std::time::Duration;

use handover_core::Timestamp;
use handover_core::secret::Secret;
use handover_core::settings::Connection;
use handover_ringcx::console::{ConsoleError, Webhook, WebhookChange};

use super::bridge::Answer;
use super::{Run, connection};
use crate::commands::Failure;
use crate::setup::by_hand;
use crate::setup::patience::pause;
use crate::setup::plan::{WEBHOOK, WebhookPlan};
use crate::setup::record::{Object, WebhookBefore};
use crate::setup::report::Outcome;

/// How often it is looked whether RCE has validated the webhook, every second.
const LOOKS: u32 = 30;
/// RCE validates in its own time, and may call a webhook enabled until it has: one that was never seen to wait for its
/// validation is believed after so many looks.
const LOOKS_WITHOUT_CHANGE: u32 = 10;

impl Run<'_> {
    pub(super) async fn webhook(&mut self, plan: &WebhookPlan, is_ours: bool) -> Result<Outcome, Failure> {
        let connection = connection(&self.config)?;
        self.bridge(&connection).await?;
        let url = self.wish.webhook_url();
        let made_here = plan.found.is_none();
        if is_ours {
            let before = plan.found.as_ref().map(|found| self.as_it_was(found));
            self.record
                .change(|entry| match before {
                    None => entry.made.webhook = Some(Object::meant(&url)),
                    Some(before) if !entry.made_webhook(&before.id) => {
                        entry.webhook_before.get_or_insert(before);
                    }
                    Some(_) => {}
                })
                .await?;
            let validated = self.validated(&connection).await?;
            match self.save(&connection, plan).await {
                Ok(saved) => {
                    if made_here {
                        self.record
                            .change(|entry| entry.made.webhook = Some(Object::made(&saved.id, &url)))
                            .await?;
                    }
                    self.until_validated(&connection, &saved, validated).await?;
                    self.record.change(|entry| entry.webhook_untold = false).await?;
                    self.say_optional_events(&saved);
                    return Ok(Outcome::Done);
                }
                Err(error) if error.is_forbidden() => {
                    if made_here {
                        self.record.change(|entry| entry.made.webhook = None).await?;
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        let config = self.config.name();
        let mut events: Vec<&str> = self.wish.event_list();
        events.extend(self.wish.events.by_hand());
        let clicks = by_hand::webhook(&url, &config, &self.observed.source_names(), &events);
        if self.observed.webhooks.is_none() {
            let outcome = self.leave(&clicks, WEBHOOK, &url).await?;
            self.record.change(|entry| entry.webhook_untold = false).await?;
            return Ok(outcome);
        }
        let console = self.console;
        let seen = self
            .wait_for(&clicks, async || {
                let all = console.webhooks().await?;
                Ok(all.into_iter().find(|found| found.url == url && found.delivers()))
            })
            .await?;
        self.until_validated(&connection, &seen, None).await?;
        self.record.change(|entry| entry.webhook_untold = false).await?;
        Ok(Outcome::Seen)
    }

    /// What `--remove` gives back to a webhook that was there before setup.
    fn as_it_was(&self, found: &Webhook) -> WebhookBefore {
        WebhookBefore {
            id: found.id.clone(),
            url: found.url.clone(),
            active: found.active,
            events: found.registered_events.clone(),
            // A stage's record can be read by more people than its settings.
            verify_token: found
                .verify_token
                .clone()
                .filter(|_| !self.config.home().is_stage()),
        }
    }

    /// Once: when events were registered, not with every run.
    fn say_optional_events(&self, saved: &Webhook) {
        let has = |event: &&&str| saved.registered_events.iter().any(|known| known == **event);
        let lacking: Vec<&str> = self
            .wish
            .events
            .by_hand()
            .iter()
            .filter(|event| !has(event))
            .copied()
            .collect();
        if !lacking.is_empty() {
            self.patience.terminal.say(&format!(
                "    Optional, by hand only: tick {} in Admin > Webhooks.",
                lacking.join(", ")
            ));
        }
    }

    async fn save(&self, connection: &Connection, plan: &WebhookPlan) -> Result<Webhook, ConsoleError> {
        let settings = &connection.ringcx;
        let url = self.wish.webhook_url();
        let name = format!("engage-handover {}", self.wish.connection);
        let secret = settings.webhook_secrets.first().map(Secret::expose);
        let verify_token = Some(settings.verification_token.expose());
        let added = &plan.add;
        let console = self.console;
        let mend = async |found: &Webhook, tell: bool| {
            let events: Vec<&str> = found
                .registered_events
                .iter()
                .map(String::as_str)
                .chain(
                    added
                        .iter()
                        .copied()
                        .filter(|event| !found.registered_events.iter().any(|has| has == event)),
                )
                .collect();
            let change = WebhookChange {
                name: None,
                url: (found.url != url).then_some(url.as_str()),
                active: Some(true),
                verify_token: verify_token.filter(|_| tell),
                secret: secret.filter(|_| tell),
                registered_events: (events.len() > found.registered_events.len())
                    .then_some(events.as_slice()),
            };
            console.update_webhook(&found.id, &change).await
        };
        self.patience
            .insist(async |attempt| {
                if let Some(found) = &plan.found {
                    return mend(found, plan.tell).await;
                }
                if attempt > 0 {
                    let all = console.webhooks().await?;
                    if let Some(found) = all.iter().find(|found| found.url == url) {
                        return mend(found, true).await;
                    }
                }
                let change = WebhookChange {
                    name: Some(&name),
                    url: Some(&url),
                    active: Some(true),
                    verify_token,
                    secret,
                    registered_events: Some(added),
                };
                console.create_webhook(&change).await
            })
            .await
    }

    /// When the bridge last answered a validation of RCE's (`MIN`: never), if it is reached from here and says so.
    async fn validated(&self, connection: &Connection) -> Result<Option<Timestamp>, Failure> {
        Ok(match self.ask_bridge(connection).await? {
            Answer::Right(serving) if serving.sources.is_some() => {
                Some(serving.validated.unwrap_or(Timestamp::MIN))
            }
            _ => None,
        })
    }

    /// RCE saves first and validates then; a webhook that fails is switched off.
    async fn until_validated(
        &self,
        connection: &Connection,
        saved: &Webhook,
        before: Option<Timestamp>,
    ) -> Result<(), Failure> {
        let mut validation = Validation::of(saved);
        for _ in 0..LOOKS {
            let now = self
                .patience
                .read(async || self.console.webhook(&saved.id).await)
                .await?;
            let Some(now) = now else {
                // Not shown to this token.
                return Ok(());
            };
            let heard = match before {
                Some(before) => self.validated(connection).await?.map(|last| last > before),
                None => None,
            };
            match validation.look(&now, heard) {
                State::Passed => return Ok(()),
                State::Failed => return Err(self.not_validated(connection).await?),
                State::Open => {}
            }
            self.patience
                .progress("waiting until RingCentral has validated the webhook");
            pause(Duration::from_secs(1)).await;
        }
        match validation.at_last() {
            State::Passed => Ok(()),
            State::Failed => Err(self.not_validated(connection).await?),
            State::Open => Err(Failure::Ours(anyhow::anyhow!(
                "RingCentral has not validated the webhook within {LOOKS} seconds. Run the same command again, or look at Admin > Webhooks"
            ))),
        }
    }

    async fn not_validated(&self, connection: &Connection) -> Result<Failure, Failure> {
        let why = match self.ask_bridge(connection).await? {
            Answer::Wrong(why) => format!("The bridge {why}"),
            Answer::Right(_) => format!(
                "From here the bridge answers as it should, so look whether RingCentral reaches {} from the internet, with a certificate that it trusts",
                self.wish.webhook_url()
            ),
        };
        Ok(Failure::Ours(anyhow::anyhow!(
            "RingCentral asked the webhook's address for its challenge, was not answered, and switched the webhook off. {why}. Then run the same command again"
        )))
    }

    pub(super) async fn delete_webhook(
        &mut self,
        webhook: &Webhook,
        is_ours: bool,
    ) -> Result<Outcome, Failure> {
        let terminal = self.patience.terminal;
        let wanted = is_ours
            || (terminal.asks()
                && terminal
                    .confirm(&format!(
                        "Delete the second webhook ({}, {})?",
                        webhook.id, webhook.url
                    ))
                    .await?);
        if wanted {
            let id = &webhook.id;
            let deleted = self
                .patience
                .insist(async |_| self.console.delete_webhook(id).await)
                .await;
            match deleted {
                Ok(()) => return Ok(Outcome::Done),
                Err(error) if error.is_forbidden() => {}
                Err(error) => return Err(error.into()),
            }
        }
        let clicks = by_hand::delete_webhook(&webhook.url);
        self.report.by_hand(&clicks);
        clicks.say(terminal);
        Ok(Outcome::Left)
    }
}

/// What was seen of RCE's validation so far.
///
/// Two things are known for sure: `active`, which RCE takes away from a webhook that fails, and what the bridge answered.
/// What `webhook_status` may be is documented nowhere, so it only says that it is not time yet.
#[derive(Debug, Default)]
struct Validation {
    has_waited: bool,
    was_on: bool,
    looks: u32,
    last: Last,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Last {
    active: bool,
    waits: bool,
    delivers: bool,
    heard: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Passed,
    Failed,
}

impl Validation {
    fn of(saved: &Webhook) -> Self {
        Self {
            has_waited: Self::waits(saved),
            ..Self::default()
        }
    }

    /// RCE says that it has not validated yet.
    fn waits(webhook: &Webhook) -> bool {
        let status = webhook.status.as_deref().unwrap_or_default().to_ascii_lowercase();
        webhook.active
            && ["pend", "wait", "validating", "progress"]
                .iter()
                .any(|word| status.contains(word))
    }

    /// `heard`: whether the bridge answered RCE since the webhook was saved; `None`: nobody could ask it.
    fn look(&mut self, now: &Webhook, heard: Option<bool>) -> State {
        self.looks += 1;
        let last = Last {
            active: now.active,
            waits: Self::waits(now),
            delivers: now.delivers(),
            heard,
        };
        (self.last, self.has_waited) = (last, self.has_waited || last.waits);
        let was_on = self.was_on;
        self.was_on |= last.active;
        match heard {
            // It was asked, and answered.
            Some(true) if last.active => State::Passed,
            // It was on before it was validated, and is not any more.
            Some(false) | None if !last.active && was_on => State::Failed,
            // It waited and does not any more, or was on for long enough.
            None if last.delivers
                && !last.waits
                && (self.has_waited || self.looks > LOOKS_WITHOUT_CHANGE) =>
            {
                State::Passed
            }
            _ => State::Open,
        }
    }

    /// After the last look: RCE need not validate what it has validated before, and the bridge's note may be lost.
    fn at_last(&self) -> State {
        match self.last {
            Last { active: false, .. } => State::Failed,
            Last { waits: true, .. } | Last { delivers: false, .. } => State::Open,
            _ => State::Passed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(active: bool, status: Option<&str>) -> Webhook {
        Webhook {
            id: "w".to_owned(),
            url: "https://bridge.example/default/handover/rce".to_owned(),
            active,
            status: status.map(str::to_owned),
            registered_events: Vec::new(),
            verify_token: None,
            token_id: None,
        }
    }

    #[test]
    fn a_webhook_that_waited_and_is_on_is_believed_at_once() {
        let mut validation = Validation::of(&webhook(true, Some("pending")));
        assert_eq!(
            validation.look(&webhook(true, Some("pending")), None),
            State::Open
        );
        assert_eq!(
            validation.look(&webhook(true, Some("enabled")), None),
            State::Passed
        );
    }

    #[test]
    fn what_the_bridge_answered_counts_whatever_the_status_is_called() {
        for status in [
            None,
            Some("disabled"),
            Some("validated"),
            Some("pending"),
            Some("3"),
        ] {
            let mut validation = Validation::of(&webhook(true, status));
            assert_eq!(validation.look(&webhook(true, status), Some(false)), State::Open);
            assert_eq!(validation.look(&webhook(true, status), Some(true)), State::Passed);
        }
    }

    #[test]
    fn one_that_is_said_to_be_off_before_it_was_validated_is_looked_at_further() {
        for heard in [None, Some(false)] {
            let mut validation = Validation::of(&webhook(false, Some("disabled")));
            for _ in 0..5 {
                assert_eq!(
                    validation.look(&webhook(false, Some("disabled")), heard),
                    State::Open
                );
            }
            assert_eq!(validation.at_last(), State::Failed, "it never was on");
            assert_eq!(
                validation.look(&webhook(true, Some("new")), Some(true)),
                State::Passed
            );
        }
    }

    #[test]
    fn one_that_is_switched_off_has_failed() {
        for heard in [None, Some(false)] {
            let mut validation = Validation::of(&webhook(true, Some("enabled")));
            assert_eq!(
                validation.look(&webhook(true, Some("enabled")), heard),
                State::Open
            );
            assert_eq!(
                validation.look(&webhook(false, Some("enabled")), heard),
                State::Failed
            );
        }
    }

    #[test]
    fn where_nobody_can_ask_the_bridge_one_that_stays_on_is_believed_after_ten_looks() {
        for status in [Some("enabled"), None] {
            let mut validation = Validation::of(&webhook(true, status));
            for _ in 0..10 {
                assert_eq!(validation.look(&webhook(true, status), None), State::Open);
            }
            assert_eq!(
                validation.look(&webhook(true, Some("disabled")), None),
                State::Open
            );
            assert_eq!(validation.at_last(), State::Open);
            assert_eq!(validation.look(&webhook(true, status), None), State::Passed);
        }
    }

    #[test]
    fn one_that_ringcentral_need_not_validate_again_is_believed_at_last() {
        let mut validation = Validation::of(&webhook(true, Some("enabled")));
        for _ in 0..LOOKS {
            assert_eq!(
                validation.look(&webhook(true, Some("enabled")), Some(false)),
                State::Open
            );
        }
        assert_eq!(validation.at_last(), State::Passed);
    }
}
