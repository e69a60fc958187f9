//! What is true when everything has come to rest: nothing breaks any more, nothing more is reported, time passes.

use std::time::Duration;

use handover_stories::Heard;
use jiff::SignedDuration;
use serde_json::Value;

use crate::case::Setting;
use crate::promises::is_end;
use crate::talk::Talk;
use crate::world::{World, agree};

/// RCE is asked about every handover once in this time.
const RECONCILED: Duration = Duration::from_secs(61);
/// No handover is older than this.
const TOO_OLD: Duration = Duration::from_secs(3_700);

/// What is the case in RCE.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Truth {
    category: String,
    /// An intervention is open.
    open: bool,
    /// An agent opened it; otherwise it is open again because the customer wrote.
    by_agent: bool,
    /// A task waits or is in somebody's workbin.
    waits: bool,
    /// An intervention was closed after the current handover had begun.
    closed_since: bool,
}

impl World {
    pub(crate) async fn come_to_rest(&mut self, setting: &Setting) -> Result<(), String> {
        self.mend().await;
        self.chapter("everything comes to rest");
        if setting.all_arrives {
            self.all_arrives().await;
        }
        for _ in 0..2 {
            self.a_while(RECONCILED, setting).await?;
        }
        for talk in 0..self.talks.len() {
            self.sides_agree(talk, setting).await?;
        }
        if setting.agents_close {
            self.agents_close(setting).await?;
        }
        self.a_while(TOO_OLD, setting).await?;
        self.a_while(RECONCILED, setting).await?;
        self.all_is_over(setting).await
    }

    /// What is on its way arrives, until nothing is.
    async fn all_arrives(&mut self) {
        for talk in 0..self.talks.len() {
            while self.next_reply(talk, false).await {}
        }
        self.report_lost().await;
    }

    async fn a_while(&mut self, time: Duration, setting: &Setting) -> Result<(), String> {
        self.bench.pass(time);
        self.chapter("a while passes");
        for _ in 0..10 {
            self.bench.until_quiet_by_hand().await;
            self.collect();
            if setting.all_arrives {
                self.report_all().await;
            }
            if self.bench.has_no_jobs().await {
                break;
            }
        }
        self.promises()
    }

    fn truth(
        &self,
        talk: &Talk,
        began: Option<handover_core::Timestamp>,
        setting: &Setting,
    ) -> Option<Truth> {
        self.bench.rce.thread(&talk.id)?;
        let ahead = SignedDuration::from_secs(setting.ahead);
        let category = self.bench.categories(&talk.id).join(", ");
        Some(self.bench.rce.read(|state| Truth {
            category,
            open: state.open_intervention(&talk.id).is_some(),
            by_agent: state.open_intervention(&talk.id).is_some_and(|it| {
                let opens = |event: &&Value| {
                    let kind = event["type"].as_str().unwrap_or_default();
                    let opens = matches!(kind, "intervention.opened" | "intervention.reopened");
                    opens && event["resource"]["id"] == it.id.as_str()
                };
                let opened = state.events().filter(opens).last();
                opened.is_some_and(|event| event["user_id"].is_string())
            }),
            waits: state.open_task(&talk.id).is_some(),
            closed_since: state.interventions(&talk.id).any(|it| {
                let closed = it.closed_at.and_then(|at| at.checked_sub(ahead).ok());
                closed.zip(began).is_some_and(|(closed, began)| closed > began)
            }),
        }))
    }

    /// RCE, bridge and bot have the same idea of who has the conversation.
    async fn sides_agree(&self, number: usize, setting: &Setting) -> Result<(), String> {
        let talk = &self.talks[number];
        let Some(stored) = self.bench.stored(&talk.id).await else {
            return Ok(());
        };
        let handover = stored.handover.as_ref();
        let Some(truth) = self.truth(talk, handover.map(|handover| handover.requested_at), setting) else {
            return agree(
                "a conversation without a thread",
                &stored.handler().as_str(),
                &"bot",
            );
        };
        let handler = stored.handler().as_str();
        // A bot that has the conversation learns of what agents do by RCE's reports only.
        let unheard = talk.moved && !setting.all_arrives;
        let wrong = |why: &str| Err(format!("{}: {why}: the {handler} has it, {truth:?}", talk.id));
        if handler == "bot" && truth.category != "bot" && !unheard {
            return wrong("not in the Bot category");
        }
        if handler == "bot" && truth.by_agent && setting.all_arrives {
            return wrong("an agent has it");
        }
        let over = !truth.open && !truth.waits;
        // Of a thread that agents moved, and dismissed before we heard of either, only a timer knows the end.
        // So it is if they wrote before the bot asked: nobody was asked by a thread that was with them already.
        let asked = !talk.moved && talk.asked.contains_key(&u64::from(stored.epoch()));
        if handler == "agent" && over && (setting.all_arrives && asked || truth.closed_since) {
            return wrong("over in RCE");
        }
        self.bot_knows(number, handler).await
    }

    /// What the bot was told last is what a look shows.
    async fn bot_knows(&self, number: usize, handler: &str) -> Result<(), String> {
        let (talk, epoch) = (&self.talks[number], self.epoch(number).await);
        let heard = self.bench.bot.taken();
        let of_it: Vec<&Heard> = heard
            .iter()
            .filter(|heard| heard.conversation() == talk.id && heard.epoch() == epoch)
            .collect();
        let ended = epoch == 0 || of_it.iter().any(|heard| is_end(heard));
        agree(
            &format!("{}: what the bot was told of handover {epoch}", talk.id),
            &if ended { "bot" } else { "agent" },
            &handler,
        )?;
        let begun = epoch == 0 || talk.asked.contains_key(&epoch) || !of_it.is_empty();
        agree(
            &format!("{}: the bot heard of handover {epoch}", talk.id),
            &begun,
            &true,
        )
    }

    /// Agents close what they have open, and nobody reports it.
    async fn agents_close(&mut self, setting: &Setting) -> Result<(), String> {
        let mut closed = Vec::new();
        for talk in &self.talks {
            let open = self
                .bench
                .rce
                .read(|state| state.open_intervention(&talk.id).is_some());
            if open && self.bench.rce.close(&talk.id).is_ok() {
                closed.push(talk.id.clone());
            }
        }
        let now = self.bench.clock_now();
        for talk in self.talks.iter_mut().filter(|talk| closed.contains(&talk.id)) {
            talk.closed.push(now);
        }
        self.chapter(&format!("agents close what they have: {closed:?}"));
        self.a_while(RECONCILED, setting).await?;
        for id in closed {
            agree(
                &format!("{id}: after its close"),
                &self.handler(&id).await,
                &"bot".to_owned(),
            )?;
        }
        Ok(())
    }

    /// The bot has everything again, and knows it.
    async fn all_is_over(&self, setting: &Setting) -> Result<(), String> {
        let heard = self.bench.bot.taken();
        for (number, talk) in self.talks.iter().enumerate() {
            let heard: Vec<&Heard> = heard
                .iter()
                .filter(|heard| heard.conversation() == talk.id)
                .collect();
            let mut ended: Vec<u64> = heard
                .iter()
                .filter(|heard| is_end(heard))
                .map(|heard| heard.epoch())
                .collect();
            ended.sort_unstable();
            let begun: Vec<u64> = (1..=self.epoch(number).await).collect();
            agree(&format!("{}: ends told", talk.id), &ended, &begun)?;
            self.sides_agree(number, setting).await?;
            talk.nothing_is_missing(&self.bench.in_rce(&talk.id), &heard)?;
        }
        agree("no work is left", &self.bench.has_no_jobs().await, &true)?;
        let letters = self.bench.dead_letters().await;
        agree("dead letters", &format!("{letters:?}"), &"[]".to_owned())?;
        agree(
            "violations",
            &format!("{:?}", self.bench.rce.violations()),
            &"[]".to_owned(),
        )
    }
}
