use crate::Timestamp;
use crate::ids::{ConnectionId, ContentId, JobId, MessageId, SourceId, ThreadId};

use super::super::super::Conversation;
use super::Turns;

fn at(second: i64) -> Timestamp {
    let begin: Timestamp = "2026-11-20T10:00:00Z".parse().expect("a time");
    Timestamp::from_second(begin.as_second() + second).expect("a time")
}

fn conversation() -> Conversation {
    let (connection, thread) = (ConnectionId::from("acme"), ThreadId::new("t1"));
    Conversation::on_native_channel(connection, &thread, SourceId::new("5001"), at(0))
}

/// RCE has a part of a message of the bot's, of this second.
fn bot_says(conversation: &mut Conversation, message: &str, second: i64) {
    let native = conversation.native.as_mut().expect("it is on a native channel");
    let content = ContentId::new(format!("{message}-{second}"));
    let dated = at(second);
    native.took(
        &JobId::new(message),
        &MessageId::new(message),
        content,
        dated,
        at(9_999),
    );
}

fn turns(conversation: &Conversation) -> Turns {
    conversation.native.as_ref().expect("native").turns.clone()
}

/// Of which turn on there are too many; the bot answers, and the customer that, each this many seconds later.
fn stopped_at(most: u32, apart: i64) -> Option<i64> {
    let mut it = conversation();
    (0..500).find(|turn| {
        let second = turn * 2 * apart;
        bot_says(&mut it, &format!("b{turn}"), second);
        it.turns_exceed(most, at(second + apart))
    })
}

#[test]
fn one_turn_more_than_are_allowed_within_an_hour_is_too_much() {
    assert_eq!(stopped_at(10, 1), Some(10));
    assert_eq!(stopped_at(10, 160), Some(10));
    assert_eq!(stopped_at(1, 1), Some(1));
    assert_eq!(stopped_at(10, 200), None, "nine in an hour");
    assert_eq!(stopped_at(0, 1), None, "never");
}

#[test]
fn what_was_not_said_after_the_bot_is_no_turn() {
    let mut it = conversation();
    assert!(!it.turns_exceed(1, at(1)), "the first word");
    bot_says(&mut it, "b1", 10);
    // Told late: it was said before.
    assert!(!it.turns_exceed(1, at(9)));
    assert_eq!(turns(&it).count, 0);
    it.turns_exceed(1, at(10));
    assert_eq!(turns(&it).count, 1, "the same second");
    it.turns_exceed(1, at(11));
    it.turns_exceed(1, at(12));
    assert_eq!(turns(&it).count, 1, "the bot has not answered since");
}

#[test]
fn parts_of_one_message_are_one() {
    let mut it = conversation();
    for (part, message) in [(10, "b1"), (20, "b1"), (30, "b1"), (40, "b2")] {
        bot_says(&mut it, message, part);
        it.turns_exceed(9, at(part + 1));
    }
    assert_eq!(turns(&it).count, 2);
}

#[test]
fn what_comes_in_another_order_moves_the_hour_back_and_nothing_else() {
    let mut it = conversation();
    bot_says(&mut it, "b1", 0);
    it.turns_exceed(9, at(900));
    bot_says(&mut it, "b2", 10);
    it.turns_exceed(9, at(20));
    let both = turns(&it);
    assert_eq!((both.since, both.count), (Some(at(20)), 2));
    bot_says(&mut it, "b3", 3_000);
    it.turns_exceed(9, at(3_619));
    assert_eq!(turns(&it).count, 3);
    bot_says(&mut it, "b4", 3_619);
    it.turns_exceed(9, at(3_620));
    assert_eq!(turns(&it).count, 1, "another hour");
}

#[test]
fn it_is_little_to_store_and_old_conversations_are_read() {
    let mut it = conversation();
    let without = serde_json::to_string(&it).expect("can be stored");
    assert!(!without.contains("turns"), "{without}");
    assert_eq!(it, serde_json::from_str(&without).expect("can be read"));
    for turn in 0..1_000 {
        bot_says(&mut it, &format!("b{turn}"), turn);
        it.turns_exceed(0, at(turn));
    }
    let stored = serde_json::to_string(&turns(&it)).expect("can be stored");
    assert!(stored.len() < 100, "{stored}");
    let stored = serde_json::to_string(&it).expect("can be stored");
    assert_eq!(it, serde_json::from_str(&stored).expect("can be read"));
}
