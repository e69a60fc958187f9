//! What there is to set on channels that RCE owns (`[connections.NAME.ringcx.native]`).

use std::collections::BTreeMap;
use std::time::Duration;

use handover_core::ids::{IdentityId, SourceId};
use handover_core::message::BODY_MAX_CHARS;
use handover_core::settings::{BotIntervention, Channel, Connection, NativeSettings, PrivateReplies};
use toml::Value;

use super::section::Section;

/// Fewest characters of a message that are worth splitting a text for.
const REPLY_MIN_CHARS: u32 = 20;
/// Longest time for which a customer's message waits for one before it, in milliseconds.
const SETTLE_MAX_MS: u32 = 5_000;
/// More turns than that nobody takes in an hour.
const TURNS_MAX: u32 = 10_000;

/// `None`: it is neither, and what else is right depends on it.
pub(super) fn channel(section: &mut Section<'_>) -> Option<Channel> {
    match section.optional_text("channel").as_deref() {
        None | Some("source_sdk") => Some(Channel::SourceSdk),
        Some("native") => Some(Channel::Native),
        Some(_) => {
            section.error(
                "channel",
                "is not \"source_sdk\" (the bot's own channel) or \"native\" (any of RingCentral's own, such as WhatsApp)",
            );
            None
        }
    }
}

/// `source_ids`: several channels, one bot.
pub(super) fn sources(section: &mut Section<'_>, is_native: bool, relays: bool) -> Vec<SourceId> {
    let mut sources: Vec<SourceId> = Vec::new();
    if section.contains("source_ids") && !is_native {
        let what = if relays {
            "is for channel = \"native\"; a Source SDK channel is one source_id"
        } else {
            "is for channel = \"native\"; without relay_messages a connection is on one source: write source_id, and a connection for each"
        };
        section.error("source_ids", what);
    }
    for id in section.texts("source_ids") {
        if id.trim().is_empty() {
            section.error("source_ids", "has an empty id");
        } else if !sources.iter().any(|known| known.as_str() == id) {
            sources.push(SourceId::new(id));
        }
    }
    sources
}

/// `sources`: all of the connection's, as far as they are known.
pub(super) fn read(mut section: Section<'_>, sources: &[&SourceId]) -> NativeSettings {
    let default = NativeSettings::default();
    let author_identities = author_identities(&mut section, sources);
    let private_replies = match section.optional_text("private_replies").as_deref() {
        None | Some("like_customer") => PrivateReplies::LikeCustomer,
        Some("always") => PrivateReplies::Always,
        Some("never") => PrivateReplies::Never,
        Some(_) => {
            section.error(
                "private_replies",
                "is not \"like_customer\", \"always\" or \"never\"",
            );
            default.private_replies
        }
    };
    let bot_intervention = match section.optional_text("bot_intervention").as_deref() {
        None | Some("when_needed") => BotIntervention::WhenNeeded,
        Some("always") => BotIntervention::Always,
        Some("never") => BotIntervention::Never,
        Some(_) => {
            section.error(
                "bot_intervention",
                "is not \"when_needed\", \"always\" or \"never\"",
            );
            default.bot_intervention
        }
    };
    let virtual_agent = section.boolean("virtual_agent", false);
    if virtual_agent && bot_intervention == BotIntervention::Never {
        section.error(
            "bot_intervention",
            "= \"never\" contradicts virtual_agent, which works by interventions",
        );
    }
    let longest = u32::try_from(BODY_MAX_CHARS).unwrap_or(u32::MAX);
    let reply_max_chars = section.contains("reply_max_chars").then(|| {
        let chars = section.number("reply_max_chars", longest, REPLY_MIN_CHARS..=longest);
        usize::try_from(chars).unwrap_or(BODY_MAX_CHARS)
    });
    for key in ["bot_silent", "bot_intervention_idle"] {
        section.misplaced(key, "timers");
    }
    let settle = section.number("settle_ms", 400, 0..=SETTLE_MAX_MS);
    let max_turns_per_hour = section
        .contains("max_turns_per_hour")
        .then(|| section.number("max_turns_per_hour", 0, 0..=TURNS_MAX));
    let read = NativeSettings {
        author_identities,
        private_replies,
        bot_intervention: if virtual_agent {
            BotIntervention::Always
        } else {
            bot_intervention
        },
        virtual_agent,
        reply_max_chars,
        settle: Duration::from_millis(settle.into()),
        max_turns_per_hour,
    };
    section.finish();
    read
}

/// Whom the bot speaks as. A source that is not ours would be a slip that nobody notices.
fn author_identities(section: &mut Section<'_>, sources: &[&SourceId]) -> BTreeMap<SourceId, IdentityId> {
    let mut read = BTreeMap::new();
    for (source, identity) in section.table("author_identities").unwrap_or_default() {
        let source = SourceId::new(source);
        match identity {
            _ if !sources.contains(&&source) => section.error(
                "author_identities",
                "names a source that is none of this connection's (source_id, source_ids)",
            ),
            Value::String(identity) if !identity.trim().is_empty() => {
                read.insert(source, IdentityId::new(identity));
            }
            _ => section.error("author_identities", "gives each source id the id of an identity"),
        }
    }
    read
}

/// One source, one bot.
pub(super) fn one_bot_for_a_source(connections: &[Connection], errors: &mut Vec<String>) {
    for (index, one) in connections.iter().enumerate() {
        for other in &connections[index + 1..] {
            if let Some(source) = one.answers_same_source(other) {
                errors.push(format!(
                    "connections.{} and connections.{} both answer source {source}; a source has one bot: take {source} out of one source_ids",
                    one.id, other.id
                ));
            }
        }
    }
}
