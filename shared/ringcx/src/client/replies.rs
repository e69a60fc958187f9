//! Answering people (`POST /contents`).

use std::borrow::Cow;

use handover_core::ids::{AttachmentId, IdentityId};
use handover_core::ports::{Content, Reply, RingCxError};
use handover_core::settings::Connection;
use handover_core::structured::Structured;
use reqwest::Method;
use serde::Serialize;
use serde_json::Value;

use super::RingCxClient;
use super::contents::CONTENTS;
use crate::json;
use crate::rest::{Body, Call};

/// What is said where RCE takes no file without a word.
const A_FILE: &str = "\u{1F4CE}";

/// A new content (REST API, "Creating a content"; "Structured messages" asks for JSON).
#[derive(Serialize)]
struct NewContent<'a> {
    in_reply_to_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author_id: Option<&'a str>,
    /// Absent means public; not every source knows the word.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    private: bool,
    #[serde(skip_serializing_if = "<[AttachmentId]>::is_empty")]
    attachment_ids: &'a [AttachmentId],
    #[serde(skip_serializing_if = "Option::is_none")]
    structured_content: Option<&'a Value>,
}

impl RingCxClient {
    /// Writes a reply. What answers nothing is not sent: it would begin a discussion, in public on some channels.
    pub(super) async fn post_reply(
        &self,
        connection: &Connection,
        reply: &Reply,
    ) -> Result<Content, RingCxError> {
        let Some(answers) = &reply.in_reply_to else {
            return Err(not_sent("the reply answers no content"));
        };
        let body = body(reply);
        if body.is_none() && reply.structured.is_none() && reply.attachments.is_empty() {
            return Err(not_sent("the reply is empty"));
        }
        let mut new = NewContent {
            in_reply_to_id: answers.as_str(),
            body: body.as_deref(),
            author_id: reply.author.as_ref().map(IdentityId::as_str),
            private: reply.private,
            attachment_ids: &reply.attachments,
            structured_content: reply.structured.as_ref(),
        };
        let outcome = self.post_content(connection, &new).await;
        // The page calls the body mandatory, the console sends files without one. A refused request left nothing
        // behind, so the second is no repeat.
        let wordless = new.body.is_none() && !reply.attachments.is_empty();
        if wordless
            && matches!(
                outcome,
                Err(RingCxError::Refused {
                    status: 400 | 422,
                    ..
                })
            )
        {
            new.body = Some(A_FILE);
            return self.post_content(connection, &new).await;
        }
        outcome
    }

    async fn post_content(
        &self,
        connection: &Connection,
        new: &NewContent<'_>,
    ) -> Result<Content, RingCxError> {
        let Ok(json) = serde_json::to_value(new) else {
            return Err(not_sent("the reply cannot be written as JSON"));
        };
        let call = Call::new("reply", Method::POST, &[CONTENTS]);
        let answer = self.rest_with(connection, call, Some(Body::Json(&json))).await?;
        self.content_in(&answer)
    }
}

/// The words of a reply. Beside structured content they are what is sent to a device that cannot show it, so that there
/// they may be those that stand for it.
fn body(reply: &Reply) -> Option<Cow<'_, str>> {
    let text = reply.text.as_deref().filter(|text| !text.trim().is_empty());
    text.map(Cow::Borrowed).or_else(|| {
        let structured = reply.structured.as_ref()?;
        let heading = |known: Structured| known.heading().map(str::to_owned);
        let known = Structured::from_json(structured).and_then(heading);
        let title = || json::text(structured.get("title")).map(str::to_owned);
        known.or_else(title).map(Cow::Owned)
    })
}

fn not_sent(why: &str) -> RingCxError {
    RingCxError::Refused {
        status: 0,
        code: format!("not sent: {why}"),
    }
}
