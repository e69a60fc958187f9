//! What became of every message that was sent.

use std::collections::HashMap;
use std::time::Instant;

use crate::figures::Durations;
use crate::outside::Seen;

/// A message that the bridge said yes to.
pub(crate) struct Sent {
    pub(crate) conversation: String,
    pub(crate) message: String,
    /// When it was due, if it had to wait for the answer to the one before; else when it was sent.
    pub(crate) started: Instant,
    pub(crate) answered: Instant,
}

/// What became of the messages of one direction.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) answers: Durations,
    pub(crate) deliveries: Durations,
    pub(crate) lost: usize,
    pub(crate) duplicate: usize,
    pub(crate) reordered: usize,
}

/// Matches what was sent with what was seen.
pub(crate) fn follow(sent: &[Sent], seen: &[Seen]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut arrivals: HashMap<&str, Instant> = HashMap::new();
    let mut order: HashMap<&str, Vec<&str>> = HashMap::new();
    for Seen {
        conversation,
        message,
        at,
    } in seen
    {
        if arrivals.contains_key(message.as_str()) {
            outcome.duplicate += 1;
        } else {
            arrivals.insert(message, *at);
            order.entry(conversation).or_default().push(message);
        }
    }
    let mut expected: HashMap<&str, Vec<&str>> = HashMap::new();
    for message in sent {
        outcome.answers.add(message.answered - message.started);
        match arrivals.get(message.message.as_str()) {
            Some(at) => {
                outcome
                    .deliveries
                    .add(at.saturating_duration_since(message.started));
                expected
                    .entry(&message.conversation)
                    .or_default()
                    .push(&message.message);
            }
            None => outcome.lost += 1,
        }
    }
    for (conversation, expected) in expected {
        let got = order.remove(conversation).unwrap_or_default();
        outcome.reordered += expected
            .iter()
            .zip(&got)
            .filter(|(expected, got)| expected != got)
            .count();
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(message: &str) -> Sent {
        let now = Instant::now();
        Sent {
            conversation: "c".to_owned(),
            message: message.to_owned(),
            started: now,
            answered: now,
        }
    }

    fn seen(message: &str) -> Seen {
        Seen {
            conversation: "c".to_owned(),
            message: message.to_owned(),
            at: Instant::now(),
        }
    }

    #[test]
    fn what_is_lost_repeated_or_out_of_order_is_counted() {
        let all = [sent("1"), sent("2"), sent("3")];
        let right = follow(&all, &[seen("1"), seen("2"), seen("3")]);
        assert_eq!((right.lost, right.duplicate, right.reordered), (0, 0, 0));
        let wrong = follow(&all, &[seen("2"), seen("1"), seen("1")]);
        assert_eq!((wrong.lost, wrong.duplicate, wrong.reordered), (1, 1, 2));
    }
}
