//! What the scripted bot says on a channel of RCE's own: the same words as elsewhere, and what such a channel can do
//! besides: buttons, files, silence.

use serde_json::{Value, json};

use super::super::bot::{self, Topic};

/// What the bot says although agents have the conversation. Nobody hears it.
pub(super) const BUTTS_IN: &str = "One more thing: have you seen our new lamps?";
/// What those read who wait for an agent.
pub(super) const IN_LINE: &str = "You are in line. A colleague will write to you here.";

const WELCOME: &str = "Hi, I'm Ada, a small scripted bot. What is it about?";
const RECEIPT: &str = "Here is the receipt of order 4711.";
const WHAT_NOW: &str = "Thank you, I have got it. I cannot see what is in a picture, though. What now?";

/// How the bot answers a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Say(&'static str),
    /// A question with buttons: titles and payloads.
    Ask(&'static str, &'static [(&'static str, &'static str)]),
    /// Words and a file of the demo's own server.
    Send {
        say: &'static str,
        path: &'static str,
        filename: &'static str,
    },
    /// Say this and ask for a human, giving the reason.
    Handover {
        say: &'static str,
        reason: &'static str,
    },
    /// Never answer again, until agents had the conversation.
    FallAsleep,
}

const TOPICS: [(&str, &str); 4] = [
    ("My order", "order"),
    ("Opening hours", "hours"),
    ("A receipt", "receipt"),
    ("Talk to a human", "human"),
];
const AFTER_A_FILE: [(&str, &str); 2] = [("Show it to a human", "human"), ("Nothing, thanks", "thanks")];

/// The answer to a message as an event tells it. What was pressed counts more than how the button is called.
pub(super) fn answer(message: &Value) -> Answer {
    let text = message["text"].as_str().unwrap_or_default();
    let line = message["payload"].as_str().unwrap_or(text).to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| line.contains(word));
    let has_files = message["attachments"]
        .as_array()
        .is_some_and(|files| !files.is_empty());
    if has_files {
        return Answer::Ask(WHAT_NOW, &AFTER_A_FILE);
    }
    if says(&["sleep"]) {
        return Answer::FallAsleep;
    }
    if says(&["receipt", "invoice"]) {
        return Answer::Send {
            say: RECEIPT,
            path: "receipt-4711.pdf",
            filename: "receipt-4711.pdf",
        };
    }
    if bot::topic(&line) == Some(Topic::Greeting) {
        return Answer::Ask(WELCOME, &TOPICS);
    }
    match bot::answer(&line) {
        bot::Answer::Say(line) => Answer::Say(line),
        bot::Answer::Handover { say, reason } => Answer::Handover { say, reason },
    }
}

/// The members of the bot's message that say it. `files`: where the demo's server has its files.
pub(super) fn members(answer: &Answer, files: &str) -> Value {
    match answer {
        Answer::Say(text) | Answer::Handover { say: text, .. } => json!({ "text": text }),
        Answer::Ask(text, buttons) => {
            let button = |(title, payload): &(&str, &str)| json!({ "title": title, "payload": payload });
            let items: Vec<Value> = buttons.iter().map(button).collect();
            json!({ "text": text, "structured": { "type": "select", "items": items } })
        }
        Answer::Send { say, path, filename } => json!({
            "text": say,
            "attachments": [{ "url": format!("{files}{path}"), "filename": filename }],
        }),
        Answer::FallAsleep => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pressed_counts_more_than_what_the_button_is_called() {
        let pressed = json!({ "text": "Opening hours", "payload": "order" });
        assert!(matches!(answer(&pressed), Answer::Say(said) if said.contains("4711")));
    }

    #[test]
    fn every_button_of_the_bot_leads_somewhere_else() {
        for (title, payload) in TOPICS.iter().chain(&AFTER_A_FILE) {
            let answered = answer(&json!({ "text": title, "payload": payload }));
            let lost = bot::answer("what?");
            assert_ne!(
                members(&answered, "")["text"],
                members(&answer(&json!({ "text": "what?" })), "")["text"],
                "{title} is answered by {lost:?}"
            );
        }
    }

    #[test]
    fn it_sleeps_on_demand_only() {
        assert_eq!(
            answer(&json!({ "text": "Go to SLEEP, please" })),
            Answer::FallAsleep
        );
        let hello = answer(&json!({ "text": "hello" }));
        assert!(matches!(hello, Answer::Ask(..)));
        let photo = json!({ "text": null, "attachments": [{ "url": "http://127.0.0.1/lamp.png" }] });
        assert!(matches!(answer(&photo), Answer::Ask(..)));
    }
}
