//! What RCE tells us, however odd, applied to a conversation in any state.

use bolero::{TypeGenerator, check};
use bytes::Bytes;
use handover_core::Timestamp;
use handover_core::conversation::{Conversation, SignalDecision, SignalPolicy};
use handover_core::ids::{HandoverId, JobId};
use handover_core::secret::Secret;
use handover_fuzz::ports::{NOW, SOURCE_TOKEN, WEBHOOK_SECRET};
use handover_fuzz::{Mutation, Seeds, TIME};
use handover_ringcx::signature;
use handover_ringcx::source_sdk::{Action, parse_action};
use handover_ringcx::webhook::{authenticate, parse_batch};

#[derive(Clone, Debug, TypeGenerator)]
enum News {
    Webhook(Mutation),
    SourceSdk { body: Mutation, takeover: bool },
    BotAsks,
}

/// Everything that RCE can begin.
const POLICY: SignalPolicy = SignalPolicy {
    agent_takeover: true,
    customer_reopens: true,
};

struct World {
    webhooks: Seeds,
    calls: Seeds,
    now: Timestamp,
}

impl World {
    fn hear(&self, conversation: &mut Conversation, news: &News) {
        match news {
            News::Webhook(mutation) => self.webhook(conversation, mutation),
            News::SourceSdk { body, takeover } => self.source_sdk(conversation, body, *takeover),
            News::BotAsks => {
                let request = handover_core::handover::HandoverRequest::default();
                conversation.request_handover(HandoverId::new("ho_9"), request, self.now);
            }
        }
    }

    fn webhook(&self, conversation: &mut Conversation, mutation: &Mutation) {
        let body = Bytes::from(self.webhooks.grow(mutation));
        let secrets = [Secret::new(WEBHOOK_SECRET)];
        let verified = authenticate(&secrets, Some(WEBHOOK_SECRET.as_bytes()), body).expect("authentic");
        let Ok(batch) = parse_batch(&verified, self.now) else {
            return;
        };
        for signal in batch.signals {
            let before = conversation.clone();
            conversation.doubt(&signal, POLICY);
            let decision = conversation.signal(&signal, POLICY, HandoverId::new("ho_8"), self.now);
            let begins = matches!(decision, SignalDecision::Tell { begins: true, .. });
            assert_eq!(conversation.epoch(), before.epoch() + u32::from(begins));
            if let SignalDecision::Tell { epoch, events, .. } = decision {
                conversation.number(&JobId::new("j-8"), epoch, events, false, self.now);
            } else if matches!(decision, SignalDecision::Ignored(_)) {
                assert_eq!(*conversation, before, "what is ignored changes nothing");
            }
        }
    }

    fn source_sdk(&self, conversation: &mut Conversation, mutation: &Mutation, takeover: bool) {
        let body = Bytes::from(self.calls.grow(mutation));
        let token = Secret::new(SOURCE_TOKEN);
        let signature = signature::sign(&token, &body);
        let verified = signature::verify(&[token], Some(signature.as_bytes()), None, body).expect("signed");
        match parse_action(&verified, self.now) {
            Ok(Action::CreateMessage(incoming)) => {
                conversation.refuses_agents(&incoming.message, takeover);
                conversation.agent_message(&incoming.message, takeover, HandoverId::new("ho_7"), self.now);
            }
            Ok(Action::QueueUpdate { update, .. }) => {
                if let Some(epoch) = conversation.queue_update(update) {
                    conversation.tell_queue(epoch, update, self.now);
                }
            }
            _ => {}
        }
    }
}

#[test]
fn odd_news() {
    let conversations = Seeds::of("conversation");
    let world = World {
        webhooks: Seeds::of("webhook"),
        calls: Seeds::of("source_sdk"),
        now: NOW.parse().expect("a time"),
    };
    check!()
        .with_type::<(u8, [News; 4])>()
        .with_test_time(TIME)
        .for_each(|(state, news)| {
            let untouched = Mutation::Bytes {
                seed: *state,
                edits: handover_fuzz::mutation::Edits([const { None }; 4]),
            };
            let mut conversation: Conversation =
                serde_json::from_slice(&conversations.grow(&untouched)).expect("a seed");
            for news in news {
                let ended_before = conversation.last_end;
                world.hear(&mut conversation, news);
                let soon = world.now + std::time::Duration::from_mins(1);
                let ended = conversation.last_end.filter(|end| Some(*end) != ended_before);
                assert!(
                    ended.is_none_or(|end| end <= soon),
                    "no end lies in the future: {ended:?}"
                );
            }
            let stored = serde_json::to_string(&conversation).expect("can be stored");
            assert_eq!(conversation, serde_json::from_str(&stored).expect("can be read"));
        });
}
