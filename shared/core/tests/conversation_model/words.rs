//! What comes by the Source SDK: agents' words, places in the queue, typing.

use handover_core::Timestamp;
use handover_core::conversation::AgentMessageDecision;
use handover_core::event::BotEvent;
use handover_core::ids::JobId;
use handover_core::queue_update::QueueUpdate;

use crate::support::{agent_message, handover_id};
use crate::world::World;

impl World {
    pub(crate) fn agent_writes(&mut self, agent: u8, may_take_over: bool) -> (Vec<BotEvent>, bool) {
        self.leave_a_gap();
        let written = Timestamp::from_second(self.now.as_second()).expect("in range");
        let takes_over = !self.model.agent_answers && may_take_over;
        let refused = !self.model.agent_answers && !may_take_over;
        let message = agent_message(&format!("Agent {agent}"), written);
        assert_eq!(self.conversation.refuses_agents(&message, may_take_over), refused);
        let decision = self
            .conversation
            .agent_message(&message, may_take_over, handover_id(), self.now);
        if takes_over {
            self.model.begin(written, self.now);
        }
        match decision {
            AgentMessageDecision::Deliver {
                epoch,
                before,
                begins,
            } => {
                assert_eq!((refused, begins, epoch), (false, takes_over, self.model.epoch));
                (before, true)
            }
            AgentMessageDecision::Refuse => {
                assert!(refused);
                (Vec::new(), false)
            }
        }
    }

    /// Words from before the last end are delivered and change nothing.
    pub(crate) fn old_words(
        &mut self,
        back: usize,
        moment: u8,
        may_take_over: bool,
        retry: bool,
    ) -> (Vec<BotEvent>, bool) {
        let last_end = self.model.last_end().map(Timestamp::as_second);
        let moment = self.moment_of(back, moment).map(|(_, at)| at.as_second());
        let Some(second) = moment.filter(|second| Some(*second) < last_end) else {
            return (Vec::new(), false);
        };
        let mut message = agent_message("Agent 9", Timestamp::from_second(second).expect("in range"));
        message.retry = retry;
        let before = self.conversation.clone();
        assert!(!self.conversation.refuses_agents(&message, may_take_over));
        let decision = self
            .conversation
            .agent_message(&message, may_take_over, handover_id(), self.now);
        assert_eq!(self.conversation, before, "late words change nothing");
        let delivered = AgentMessageDecision::Deliver {
            epoch: self.model.epoch,
            before: Vec::new(),
            begins: false,
        };
        assert_eq!(decision, delivered, "and are delivered");
        (Vec::new(), true)
    }

    pub(crate) fn queue_moves(&mut self, position: u64) -> Vec<BotEvent> {
        let update = QueueUpdate {
            position: Some(position),
            estimated_wait_ms: None,
            at: self.now,
        };
        let waits = self.conversation.waits_with(self.model.epoch);
        let Some(epoch) = self.conversation.queue_update(update) else {
            return Vec::new();
        };
        assert!(waits && self.model.under_way && epoch == self.model.epoch);
        assert!(!self.conversation.tell_queue(epoch - 1, update, self.now));
        let told = self.conversation.tell_queue(epoch, update, self.now);
        assert!(!self.conversation.tell_queue(epoch, update, self.now), "once");
        told.then_some(BotEvent::HandoverQueued { update })
            .into_iter()
            .collect()
    }

    /// What nobody took leaves no gap.
    pub(crate) fn agent_types(&mut self, bot_takes_it: bool) {
        if self.model.under_way {
            self.number(vec![BotEvent::TypingStarted], false);
            if !bot_takes_it {
                self.conversation
                    .give_number_back(&JobId::new(self.next_seq.to_string()));
                self.next_seq -= 1;
            }
        }
    }
}
