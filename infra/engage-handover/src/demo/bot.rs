//! What the scripted bot says. It understands a handful of words and knows when to ask for help.

/// The name that the customer reads.
pub(super) const NAME: &str = "Ada";

/// The bot's first line in every conversation.
pub(super) const GREETING: &str = "Hi, I'm Ada, a small scripted bot. I know about orders and opening hours. \
     For everything else I can bring in a human.";

/// How the bot answers a line of the customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Say(&'static str),
    /// Say this and ask for a human, giving the reason.
    Handover {
        say: &'static str,
        reason: &'static str,
    },
}

/// What a line is about, in the order in which the bot looks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    Human,
    Refund,
    Order,
    Hours,
    Thanks,
    Greeting,
}

const WORDS: [(Topic, &[&str]); 6] = [
    (
        Topic::Human,
        &[
            "human",
            "agent",
            "person",
            "representative",
            "operator",
            "colleague",
            "somebody",
            "someone",
        ],
    ),
    (
        Topic::Refund,
        &["refund", "money", "complaint", "complain", "broken", "damaged"],
    ),
    (
        Topic::Order,
        &["order", "parcel", "package", "delivery", "shipping", "tracking"],
    ),
    (
        Topic::Hours,
        &["hours", "open", "opening", "opened", "close", "closed", "weekend"],
    ),
    (Topic::Thanks, &["thanks", "thank", "thx", "bye", "goodbye"]),
    (
        Topic::Greeting,
        &["hi", "hello", "hey", "morning", "evening", "howdy"],
    ),
];

/// The answer to one line.
pub(super) fn answer(line: &str) -> Answer {
    match topic(line) {
        Some(Topic::Human) => Answer::Handover {
            say: "Of course. I'm asking a colleague to join; they will see everything we wrote.",
            reason: "The customer asked for a human",
        },
        Some(Topic::Refund) => Answer::Handover {
            say: "I'm sorry to hear that. This needs a human, so I'm asking a colleague to join.",
            reason: "A refund or complaint, beyond the bot",
        },
        Some(Topic::Order) => Answer::Say(
            "Order 4711 left our warehouse this morning and should arrive tomorrow between 10 and 12. 📦 \
             Is there anything else?",
        ),
        Some(Topic::Hours) => Answer::Say(
            "We are open Monday to Friday from 9 to 18 and on Saturday from 10 to 14. I never sleep, though.",
        ),
        Some(Topic::Thanks) => Answer::Say("You're welcome! I'm here if you need anything else."),
        Some(Topic::Greeting) => Answer::Say("Hello! Ask me about your order or our opening hours."),
        None => Answer::Say(
            "I didn't get that; I'm a small script. Ask me about your order or our opening hours, \
             or tell me that you want a human.",
        ),
    }
}

/// What the agent reads before the conversation: one sentence about the lines so far.
pub(super) fn summary<'a>(customer: &str, lines: impl Iterator<Item = &'a str>) -> String {
    let mut topics: Vec<&str> = Vec::new();
    for name in lines.filter_map(topic).filter_map(name) {
        if !topics.contains(&name) {
            topics.push(name);
        }
    }
    if topics.is_empty() {
        format!("{customer} asked for a human straight away.")
    } else {
        format!("{customer} talked to the bot about {}.", topics.join(", "))
    }
}

/// What the bot says when a handover is over.
pub(super) fn back(ending: &str) -> &'static str {
    match ending {
        "handover.completed" => "I'm back! I hope that helped. What else can I do for you?",
        "handover.cancelled" => "No problem, I'm still here. What can I do for you?",
        "handover.timed_out" => "I'm sorry, nobody was free in time. I'm still here; shall I try again?",
        _ => "I'm sorry, I could not reach a colleague. Can I help you with something else?",
    }
}

/// What the bot says when the bridge refuses a handover.
pub(super) fn unavailable(reason: &str) -> &'static str {
    match reason {
        "closed" => "Our team is not at work right now. Please try again during opening hours.",
        "no_agents" => "All my colleagues are away at the moment. Please try again in a few minutes.",
        _ => "I can't bring in a colleague at the moment, but I'm still here for you.",
    }
}

pub(super) fn topic(line: &str) -> Option<Topic> {
    let line = line.to_lowercase();
    let words: Vec<&str> = line
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    WORDS
        .iter()
        .find(|(_, known)| {
            words
                .iter()
                .any(|word| known.contains(word) || singular(word, known))
        })
        .map(|(topic, _)| *topic)
}

fn singular(word: &str, known: &[&str]) -> bool {
    word.strip_suffix('s').is_some_and(|stem| known.contains(&stem))
}

fn name(topic: Topic) -> Option<&'static str> {
    match topic {
        Topic::Refund => Some("a complaint"),
        Topic::Order => Some("an order"),
        Topic::Hours => Some("opening hours"),
        Topic::Human | Topic::Thanks | Topic::Greeting => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_find_their_topic() {
        for (line, expected) in [
            ("Where is my order?", Some(Topic::Order)),
            ("two PARCELS are missing", Some(Topic::Order)),
            ("I want to talk to a human about my order", Some(Topic::Human)),
            ("Are you a real person?", Some(Topic::Human)),
            ("When do you open?", Some(Topic::Hours)),
            ("hi there", Some(Topic::Greeting)),
            ("this", None),
            ("مرحبا", None),
            ("", None),
        ] {
            assert_eq!(topic(line), expected, "{line}");
        }
    }

    #[test]
    fn a_summary_names_each_topic_once() {
        let lines = [
            "where is my order",
            "my order!",
            "hello",
            "opening hours?",
            "a human please",
        ];
        assert_eq!(
            summary("Alex", lines.into_iter()),
            "Alex talked to the bot about an order, opening hours."
        );
        assert_eq!(
            summary("Alex", ["agent"].into_iter()),
            "Alex asked for a human straight away."
        );
    }
}
