//! What people, bots and agents say, in the words of each bot platform, both ways. Pure: no I/O, no clock.
//!
//! | module | owns |
//! |---|---|
//! | [`cognigy`] | Cognigy.AI: outputs of a flow, inputs of a person, and an agent's message as an output |
//! | [`chatlayer`] | Chatlayer: messages of its Offloading Webhook, and an agent's message as its templates |
//! | [`Content`] | what is read from either |
//! | [`lenient`] | the free JSON of a flow's request for a human |
//!
//! A bot that speaks our own API needs none of this: `structured` is RCE's vocabulary (`handover_core::structured`).
//! Whatever a platform has no form for is text for people; nothing that can be read is left out.

pub mod chatlayer;
pub mod cognigy;
mod content;
mod files;
mod forms;
pub mod lenient;
mod messenger;
mod words;

pub use content::Content;

use handover_core::message::AgentMessage;
use handover_core::structured::fallback_text;

/// What an agent wrote beside a form. A form alone has its own text for its text, which is not said twice.
fn own_text(message: &AgentMessage) -> Option<&str> {
    let text = message.text.as_deref().filter(|text| !text.trim().is_empty())?;
    let form = message
        .structured
        .as_ref()
        .and_then(|form| fallback_text(None, form));
    (form.as_deref() != Some(text)).then_some(text)
}

/// Everything that an agent's message says, as text.
pub fn plain_text(message: &AgentMessage) -> Option<String> {
    let mut lines: Vec<String> = Vec::new();
    let text = own_text(message);
    match &message.structured {
        Some(form) => lines.extend(fallback_text(text, form).or_else(|| text.map(str::to_owned))),
        None => lines.extend(text.map(str::to_owned)),
    }
    lines.extend(message.attachments.iter().map(files::line));
    (!lines.is_empty()).then(|| lines.join("\n"))
}
