//! Whether RCE has a part of a reply already.

use std::time::Duration;

use handover_core::Timestamp;
use handover_core::conversation::{Conversation, Tried};
use handover_core::imported::Authorship;
use handover_core::ports::{Content, Reply, RingCxError, Urgency};
use jiff::SignedDuration;

use crate::work::Task;

/// How many of a thread's contents are looked at: as many of the bot's are remembered, which are not looked for.
const LOOKED_AT: usize = 20;

/// How long after an attempt it is looked for the first time.
pub(super) const FIRST_LOOK: Duration = Duration::from_secs(2);

/// When it is looked, after an attempt without an answer: RCE may still be at it, and its search may lag behind. Only
/// after the last look it is sent again.
const LOOKS: [Duration; 3] = [FIRST_LOOK, Duration::from_secs(8), Duration::from_secs(20)];
/// The same where RCE answered that it does not take anything now: most likely it has done nothing.
const LOOKS_AFTER_ANSWER: [Duration; 2] = [FIRST_LOOK, Duration::from_secs(8)];

/// How much earlier than we think RCE may have written it: its times have whole seconds, and a clock of its own.
const EARLIER: SignedDuration = SignedDuration::from_secs(10);

pub(super) enum Seen {
    Yes(Box<Content>),
    NotYet { after: Duration },
    No,
}

pub(super) async fn into_thread(
    task: &Task<'_>,
    conversation: &Conversation,
    reply: &Reply,
    tried: Tried,
) -> Result<Seen, RingCxError> {
    let looks = if tried.answered {
        &LOOKS_AFTER_ANSWER[..]
    } else {
        &LOOKS[..]
    };
    let age = Duration::try_from(task.app.now().duration_since(tried.at)).unwrap_or_default();
    if age < FIRST_LOOK {
        return Ok(Seen::NotYet {
            after: FIRST_LOOK.saturating_sub(age),
        });
    }
    let Some(thread) = &conversation.rce_thread else {
        return Ok(Seen::No);
    };
    if let Some(content) = among_echoes(task, conversation, reply).await? {
        return Ok(Seen::Yes(Box::new(content)));
    }
    let newest = task
        .app
        .ringcx
        .newest_contents(&task.connection, thread, LOOKED_AT, Urgency::Now)
        .await?;
    let since = not_before(conversation, reply, tried) - EARLIER;
    let known = |content: &Content| {
        let native = conversation.native.as_deref();
        native.is_some_and(|native| native.said(&content.imported.content).is_some())
    };
    // Oldest first: of two that are alike, the earlier one is this.
    let ours = newest.into_iter().rev().find(|content| {
        content.imported.authorship == Authorship::Company
            && content.created_at.is_none_or(|at| at >= since)
            && !known(content)
            && is_same(content, reply)
    });
    Ok(match (ours, looks.iter().find(|look| age < **look)) {
        (Some(content), _) => Seen::Yes(Box::new(content)),
        (None, Some(next)) => Seen::NotYet {
            after: next.saturating_sub(age),
        },
        (None, None) => Seen::No,
    })
}

/// What RCE reported since is better than its search, which may lag behind.
async fn among_echoes(
    task: &Task<'_>,
    conversation: &Conversation,
    reply: &Reply,
) -> Result<Option<Content>, RingCxError> {
    let Some(native) = conversation.native.as_deref() else {
        return Ok(None);
    };
    for echo in native.echoes.iter().filter(|echo| native.said(echo).is_none()) {
        let read = task
            .app
            .ringcx
            .content(&task.connection, echo, Urgency::Now)
            .await;
        match read {
            Ok(content) if content.imported.authorship == Authorship::Company && is_same(&content, reply) => {
                return Ok(Some(content));
            }
            Ok(_) | Err(RingCxError::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// By RCE's clock. How far that is off may not be known; but a reply is no older than what it answers.
fn not_before(conversation: &Conversation, reply: &Reply, tried: Tried) -> Timestamp {
    let tried = conversation.by_ringcx_clock(tried.at);
    let native = conversation.native.as_deref();
    let mut answerable = native.into_iter().flat_map(|native| &native.answerable);
    let answered = answerable.find(|it| Some(&it.content) == reply.in_reply_to.as_ref());
    let asked = answered.and_then(|answered| answered.issued_at);
    asked.map_or(tried, |asked| asked.min(tried))
}

/// Whether a content says what a reply says. RCE may give back white space otherwise, and shortens what is too long for a
/// channel, with an ellipsis.
fn is_same(content: &Content, reply: &Reply) -> bool {
    let kind = reply.structured.as_ref().and_then(|it| it.get("type")?.as_str());
    if kind.is_some() && content.structured_type.is_some() && kind != content.structured_type.as_deref() {
        return false;
    }
    let said = normal(content.imported.text.as_deref());
    let meant = normal(reply.text.as_deref());
    if meant.is_empty() {
        return kind.is_some() == content.structured_type.is_some()
            && (reply.attachments.is_empty() || content.imported.has_files);
    }
    let cut = said.trim_end_matches('…').trim_end_matches("...").trim_end();
    said == meant || (cut.len() < said.len() && !cut.is_empty() && meant.starts_with(cut))
}

fn normal(text: Option<&str>) -> String {
    text.unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}
