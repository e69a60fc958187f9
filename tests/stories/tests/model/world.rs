//! Makes it happen.

use std::time::Duration;

use handover_core::job::QueueName;
use handover_embedded::ServeLock;
use handover_stories::{Answer, Bench, Setup};
use serde_json::{Value, json};
use simulated_ringcx::Fault;

use crate::case::{Failing, Setting, Step, TALKS};
use crate::courier::Courier;
use crate::talk::{Said, Talk};

/// Between two things whose order matters. More than what two clocks may disagree about.
const GAP: Duration = Duration::from_secs(3);

const TIMERS: &str = "queue = 120\nagent_idle = 300\nmax_age = 3600\nwarn_before = 30\nreconcile_every = 60";

/// The stage, everybody around it, and the model.
pub(crate) struct World {
    pub(crate) bench: Bench,
    pub(crate) talks: Vec<Talk>,
    pub(crate) courier: Courier,
    lock: ServeLock,
    pub(crate) story: Vec<String>,
    /// Something will break; whether the process starts again then.
    armed: Option<bool>,
    /// Messages and requests have ids.
    counter: u32,
}

impl World {
    pub(crate) async fn new(setting: &Setting) -> Self {
        let mut setup = Setup::default()
            .by_hand()
            .timers(TIMERS)
            .ringcx("requests_per_minute = 10000")
            .rce(|rce| rce.requests_per_minute = 1_000_000)
            .rce_ahead(setting.ahead);
        if setting.forward_only {
            setup = setup.forward_only();
        }
        let bench = setup.start().await;
        let lock = bench.embedded.lock_for_serving().expect("nobody else serves");
        Self {
            bench,
            talks: (0..TALKS).map(Talk::new).collect(),
            courier: Courier::default(),
            lock,
            story: vec![setting.to_string()],
            armed: None,
            counter: 0,
        }
    }

    pub(crate) async fn happen(&mut self, step: &Step) -> Result<(), String> {
        // Whoever works may end a handover, by a timer.
        let acts = !matches!(
            step,
            Step::Report(_) | Step::Break { .. } | Step::RceFails { .. } | Step::BotFails { .. }
        );
        if acts {
            self.bench.pass(GAP);
        }
        self.chapter(&step.to_string());
        self.act(step).await?;
        self.after_a_crash().await;
        self.collect();
        Ok(())
    }

    async fn act(&mut self, step: &Step) -> Result<(), String> {
        match *step {
            Step::Pass { seconds } => self.bench.pass(Duration::from_secs(seconds.into())),
            Step::Says {
                talk,
                customer,
                twice,
            } => self.says(talk, customer, twice).await?,
            Step::Asks { talk } => self.asks(talk).await?,
            Step::Ends { talk, customer } => self.ends(talk, customer).await?,
            Step::Desk { talk, mira, deed } => self.at_the_desk(talk, mira, deed),
            Step::Report(report) => self.report(report).await,
            Step::Reply { talk, twice } => {
                self.next_reply(talk, twice).await;
            }
            Step::ReplyAgain { talk, which } => self.reply_again(talk, which).await,
            Step::QueueMoves { talk, position } => {
                let thread = self.bench.thread(&self.talks[talk].id);
                let params = json!({"position": position, "estimated_wait_time": 30, "thread_id": thread});
                let call = json!({"action": "messaging.queuing_update", "params": params});
                self.bench.insist_source_sdk(&call).await;
            }
            Step::Work => drop(self.bench.work().await),
            Step::WorkOn { queue } => {
                self.bench.look_after().await;
                let queue = QueueName::ALL[queue % QueueName::ALL.len()];
                self.bench.work_on(queue).await;
            }
            Step::Break { at, crash, restart } => {
                self.bench.steps.break_at(at, crash);
                self.armed = Some(restart);
            }
            Step::RceFails { target, how, times } => {
                let fault = match how {
                    Failing::Unavailable => Fault::Status(503, "busy".to_owned()),
                    Failing::Conflict => Fault::Conflict,
                    Failing::Drop => Fault::Drop,
                    Failing::LoseAnswer => Fault::LoseAnswer,
                };
                self.bench.rce.clear_faults();
                self.bench.rce.fail_next(target, fault, times);
            }
            Step::BotFails { times } => {
                self.bench.bot.forget_script();
                self.bench
                    .bot
                    .answers(std::iter::repeat_n(Answer::Status(503), times));
            }
        }
        Ok(())
    }

    /// Who died starts again, and takes up what it had in hand.
    async fn after_a_crash(&mut self) {
        if let Some(restart) = self.armed.filter(|_| self.bench.steps.broke()) {
            self.armed = None;
            self.remark("something broke");
            if restart {
                self.restart().await;
            }
        }
    }

    async fn restart(&self) {
        let released = self.bench.embedded.release_in_flight(&self.lock).await;
        released.expect("the queue answers");
    }

    /// Nothing breaks any more.
    pub(crate) async fn mend(&mut self) {
        self.bench.steps.count();
        self.armed = None;
        self.bench.rce.clear_faults();
        self.bench.bot.forget_script();
        self.restart().await;
    }

    fn next(&mut self, kind: &str) -> String {
        self.counter += 1;
        format!("{kind}-{}", self.counter)
    }

    async fn says(&mut self, talk: usize, customer: bool, twice: bool) -> Result<(), String> {
        let id = self.next("m");
        let thread = self.talks[talk].id.clone();
        let text = format!("{thread} says {id}");
        let from = if customer { "user" } else { "bot" };
        let body = json!({"id": id, "from": from, "text": text});
        let path = format!("/conversations/{thread}/messages");
        let answer = self.bench.insist("POST", &path, &body).await.json();
        if twice {
            let again = self.bench.insist("POST", &path, &body).await.json();
            agree("a repeat of a message", &again, &answer)?;
        }
        let handler = answer["handler"].as_str().unwrap_or_default().to_owned();
        self.remark(&format!("{text}, answered by the {handler}"));
        agree("who answers", &self.handler(&thread).await, &handler)?;
        let forwarded = handler == "agent" || !self.bench.connection.forward_only_handover_conversations;
        self.talks[talk].said.push(Said { text, forwarded });
        Ok(())
    }

    async fn asks(&mut self, talk: usize) -> Result<(), String> {
        let id = self.next("h");
        let thread = self.talks[talk].id.clone();
        let before = self.epoch(talk).await;
        let path = format!("/conversations/{thread}/handover");
        let answer = self.bench.insist("POST", &path, &json!({"id": id})).await.json();
        let epoch = answer["handover"]["epoch"].as_u64().unwrap_or(0);
        self.remark(&format!("handover {epoch}"));
        if epoch > before {
            let now = self.bench.clock_now();
            self.talks[talk].asked.insert(epoch, now);
        }
        agree(
            "who answers after a request",
            &self.handler(&thread).await,
            &"agent".to_owned(),
        )
    }

    async fn ends(&mut self, talk: usize, customer: bool) -> Result<(), String> {
        let thread = self.talks[talk].id.clone();
        if self.bench.stored(&thread).await.is_none() {
            return Ok(());
        }
        let under_way = self.is_under_way(talk).await;
        let cause = if customer { "user_cancelled" } else { "bot_ended" };
        let path = format!("/conversations/{thread}/handover");
        self.bench.insist("DELETE", &path, &json!({"cause": cause})).await;
        if !under_way {
            return Ok(());
        }
        let now = self.bench.clock_now();
        self.talks[talk].left.push(now);
        agree(
            "who answers after an end",
            &self.handler(&thread).await,
            &"bot".to_owned(),
        )
    }

    /// Who answers, as a bot sees it that looks until it is answered.
    pub(crate) async fn handler(&self, thread: &str) -> String {
        let path = format!("/conversations/{thread}");
        let seen = self.bench.insist("GET", &path, &Value::Null).await.json();
        seen["handler"].as_str().unwrap_or_default().to_owned()
    }

    /// The number of the current or last handover.
    pub(crate) async fn epoch(&self, talk: usize) -> u64 {
        let stored = self.bench.stored(&self.talks[talk].id).await;
        stored.map_or(0, |conversation| conversation.epoch().into())
    }

    pub(crate) async fn is_under_way(&self, talk: usize) -> bool {
        let stored = self.bench.stored(&self.talks[talk].id).await;
        stored.is_some_and(|conversation| conversation.is_under_way(conversation.epoch()))
    }
}

/// Two sides say the same.
pub(crate) fn agree<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, wanted: &T) -> Result<(), String> {
    if found == wanted {
        return Ok(());
    }
    Err(format!("{what}: {found:?} instead of {wanted:?}"))
}
