use proptest::prelude::*;

use super::*;
use crate::ids::{ConversationId, ForeignMessageId, ForeignThreadId, MessageId};
use crate::message::Author;

fn at(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(1_795_166_400_000 + millisecond).unwrap()
}

fn message(text: &str, id: usize) -> Message {
    let id = MessageId::new(format!("m-{id}"));
    Message {
        foreign_id: ForeignMessageId::of(&ForeignThreadId::of(&ConversationId::new("t-1")), &id),
        id,
        from: Author::Bot,
        text: Some(text.to_owned()),
        attachments: Vec::new(),
        structured: None,
        payload: None,
        in_reply_to: None,
        language: None,
        sent_at: at(0),
    }
}

/// What a platform posts, and what is said of it.
#[derive(Default)]
struct Talk {
    counted: Counted,
    turn: usize,
    id: usize,
    said: Vec<String>,
}

impl Talk {
    fn posts(&mut self, counter: impl Into<Option<u64>>, text: &str, now: i64) -> bool {
        self.id += 1;
        let turn = ContentId::new(format!("c-{}", self.turn));
        let came = Came {
            counter: counter.into(),
            digest: text,
            turn: Some(&turn),
            message: Some(message(text, self.id)),
        };
        let is_new = self.counted.came(came, at(now));
        self.looks(now);
        is_new
    }

    /// Says what can be said, and when to look again. Each time as it was read from the store.
    fn looks(&mut self, now: i64) -> Option<i64> {
        loop {
            let stored = serde_json::to_string(&self.counted).unwrap();
            self.counted = serde_json::from_str(&stored).unwrap();
            let held = match self.counted.next(at(now)) {
                Next::Say(held) => held.clone(),
                Next::Wait(until) => return Some(until.as_millisecond() - at(0).as_millisecond()),
                Next::Nothing => return None,
            };
            assert!(self.counted.said(&held));
            assert!(!self.counted.said(&held), "once");
            self.said.extend(held.message.and_then(|message| message.text));
        }
    }

    #[track_caller]
    fn has_said(&self, texts: &[&str]) {
        assert_eq!(self.said, texts);
    }
}

#[test]
fn what_comes_in_order_is_said_at_once() {
    for first in [0, 1] {
        let mut talk = Talk::default();
        for (counter, text) in (first..).zip(["a", "b", "c"]) {
            assert!(talk.posts(counter, text, 0));
        }
        talk.has_said(&["a", "b", "c"]);
    }
}

#[test]
fn what_comes_too_early_waits_for_what_is_missing() {
    let mut talk = Talk::default();
    talk.posts(1, "a", 0);
    talk.posts(3, "c", 10);
    talk.posts(4, "d", 20);
    talk.has_said(&["a"]);
    talk.posts(2, "b", 500);
    talk.has_said(&["a", "b", "c", "d"]);
}

#[test]
fn the_very_first_may_come_too_early_as_well() {
    let mut talk = Talk::default();
    talk.posts(2, "b", 0);
    talk.has_said(&[]);
    talk.posts(1, "a", 5);
    talk.has_said(&["a", "b"]);
}

#[test]
fn a_gap_is_waited_for_for_three_seconds_and_what_was_missing_is_said_late() {
    let mut talk = Talk::default();
    talk.posts(1, "a", 0);
    talk.posts(4, "d", 1_000);
    assert_eq!(talk.looks(3_999), Some(4_000));
    talk.posts(3, "c", 3_999);
    talk.has_said(&["a"]);
    assert_eq!(talk.looks(4_000), None, "whoever waited longest decides");
    talk.has_said(&["a", "c", "d"]);
    assert!(talk.posts(2, "b", 60_000));
    talk.posts(5, "e", 60_001);
    talk.has_said(&["a", "c", "d", "b", "e"]);
    assert!(!talk.posts(2, "b", 60_002));
}

#[test]
fn a_repeat_is_dropped_whether_the_first_was_said_or_waits() {
    let mut talk = Talk::default();
    talk.posts(1, "a", 0);
    assert!(!talk.posts(1, "a", 400_000));
    talk.posts(3, "c", 400_000);
    assert!(!talk.posts(3, "c", 400_001));
    talk.posts(2, "b", 400_002);
    assert!(!talk.posts(3, "c", 400_003));
    talk.has_said(&["a", "b", "c"]);
}

#[test]
fn a_counter_that_begins_again_is_recognised_and_what_waited_is_said_before() {
    let mut talk = Talk::default();
    for (counter, text) in (1..).zip(["a", "b", "c"]) {
        talk.posts(counter, text, 0);
    }
    talk.posts(5, "e", 10);
    // Another session: another first message.
    talk.posts(1, "hello", 20);
    talk.posts(2, "again", 21);
    talk.has_said(&["a", "b", "c", "e", "hello", "again"]);
    // The same words as in the session before, hours later.
    for (counter, text) in (1..).zip(["hello", "again"]) {
        assert!(talk.posts(counter, text, 9_000_000));
    }
    talk.posts(3, "there", 9_000_001);
    assert_eq!(talk.said[6..], ["hello", "again", "there"]);
}

/// Every example of the vendor's has `messageCounter: 1`.
#[test]
fn a_counter_within_each_answer_says_the_same_words_in_answer_to_something_else() {
    let mut talk = Talk::default();
    for turn in 0..3 {
        talk.turn = turn;
        assert!(talk.posts(1, "I did not understand.", 0));
        assert!(talk.posts(2, "Again, please?", 0));
        assert!(!talk.posts(2, "Again, please?", 5), "a repeat within the answer");
    }
    assert_eq!(talk.said.len(), 6);
}

#[test]
fn a_counter_that_never_counts_keeps_the_order_in_which_it_came() {
    let mut talk = Talk::default();
    for text in ["a", "b", "c"] {
        talk.posts(1, text, 0);
    }
    talk.has_said(&["a", "b", "c"]);
    talk.posts(None, "d", 1);
    talk.posts(7, "f", 2);
    talk.posts(None, "e", 3);
    talk.has_said(&["a", "b", "c", "d", "e"]);
    assert_eq!(talk.looks(3_002), None);
}

#[test]
fn too_much_does_not_wait() {
    let mut talk = Talk::default();
    talk.posts(1, "a", 0);
    let long = "x".repeat(40_000);
    talk.posts(4, &long, 0);
    talk.has_said(&["a"]);
    talk.posts(3, &format!("{long}y"), 0);
    assert_eq!(talk.said.len(), 3, "in order all the same");
    assert!(talk.said[1].ends_with('y'));
    for counter in 100..200 {
        talk.posts(counter, &counter.to_string(), 1);
    }
    assert!(talk.said.len() > 50);
    assert!(serde_json::to_string(&talk.counted).unwrap().len() < 64 * 1024);
}

#[test]
fn events_count_and_say_nothing() {
    let mut talk = Talk::default();
    talk.posts(1, "a", 0);
    let event = Came {
        counter: Some(2),
        digest: "typing",
        turn: None,
        message: None,
    };
    assert!(talk.counted.came(event, at(1)));
    talk.posts(3, "c", 2);
    talk.has_said(&["a", "c"]);
}

proptest! {
    /// Whatever comes in whatever order and however often: all of it is said once, and in order if it came in time.
    #[test]
    fn everything_is_said_once_and_in_order_if_it_came_in_time(
        order in Just((1_u64..=12).collect::<Vec<_>>()).prop_shuffle(),
        pauses in prop::collection::vec(0_i64..4_000, 12),
        repeats in prop::collection::vec(any::<bool>(), 12),
        hurry in any::<bool>(),
    ) {
        let mut talk = Talk::default();
        let mut now = 0;
        for ((counter, pause), repeat) in order.iter().zip(&pauses).zip(&repeats) {
            // Twelve of them within less than three seconds.
            let until = now + if hurry { pause / 20 } else { *pause };
            while let Some(look) = talk.looks(now).filter(|look| *look <= until) {
                now = look;
            }
            now = until;
            prop_assert!(talk.posts(*counter, &counter.to_string(), now));
            if *repeat {
                prop_assert!(!talk.posts(*counter, &counter.to_string(), now));
            }
        }
        while let Some(look) = talk.looks(now) {
            prop_assert!(look > now);
            now = look;
        }
        let mut said: Vec<u64> = talk.said.iter().map(|text| text.parse().unwrap()).collect();
        if !hurry {
            said.sort_unstable();
        }
        prop_assert_eq!(said, (1..=12).collect::<Vec<u64>>());
    }

    /// Any counters at all: nothing that is new is lost, nothing waits for ever, and what is kept is bounded.
    #[test]
    fn no_counter_loses_a_message(counters in prop::collection::vec(prop::option::of(prop_oneof![
        0_u64..6, Just(u64::MAX), any::<u64>()
    ]), 0..40)) {
        let mut talk = Talk::default();
        for (index, counter) in counters.iter().enumerate() {
            prop_assert!(talk.posts(*counter, &index.to_string(), 0));
        }
        prop_assert!(talk.looks(3_000).is_none());
        let mut said: Vec<usize> = talk.said.iter().map(|text| text.parse().unwrap()).collect();
        said.sort_unstable();
        prop_assert_eq!(said, (0..counters.len()).collect::<Vec<_>>());
    }
}
