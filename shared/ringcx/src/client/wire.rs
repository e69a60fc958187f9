//! The objects that the Send API takes (Source SDK, "Objects" pages). What is optional is left out
//! when it is not known: RCE treats null, empty and absent alike.

use std::collections::BTreeMap;

use handover_core::Timestamp;
use handover_core::message::Attachment;
use handover_core::ports::Identity;
use serde::Serialize;
use serde_json::Value;

/// What is posted: no `time`, which only RCE's own requests have.
#[derive(Serialize)]
pub(super) struct Envelope<'a, P> {
    pub(super) action: &'a str,
    pub(super) params: &'a P,
}

/// A User object, which becomes an identity in RCE.
#[derive(Serialize)]
pub(super) struct User<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    firstname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lastname: Option<&'a str>,
    screenname: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    home_phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mobile_phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gender: Option<&'static str>,
    created_at: String,
    /// Required by the table, absent from every sample; sent.
    updated_at: String,
    /// Always explicit: it decides whether RCE may speak as this identity.
    puppetizable: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    context_data: &'a BTreeMap<String, Value>,
}

impl<'a> User<'a> {
    pub(super) fn of(identity: &'a Identity) -> Self {
        Self {
            id: &identity.id,
            firstname: said(identity.firstname.as_ref()),
            lastname: said(identity.lastname.as_ref()),
            screenname: &identity.screenname,
            email: said(identity.email.as_ref()),
            home_phone: said(identity.home_phone.as_ref()),
            mobile_phone: said(identity.mobile_phone.as_ref()),
            avatar_url: said(identity.avatar_url.as_ref()),
            gender: identity.gender,
            created_at: date(identity.since),
            updated_at: date(identity.since),
            puppetizable: identity.puppetizable,
            context_data: &identity.context_data,
        }
    }
}

/// A Message object.
#[derive(Serialize)]
pub(super) struct Message<'a> {
    pub(super) id: &'a str,
    pub(super) thread_id: &'a str,
    pub(super) author: User<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<&'a str>,
    /// RCE takes a body without it for HTML.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) attachments: Vec<File<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) structured_content: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) structured_reply: Option<StructuredReply<'a>>,
    /// Must name a content that RCE knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) in_reply_to_id: Option<&'a str>,
    pub(super) created_at: String,
    pub(super) updated_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) language: Option<&'a str>,
    /// Goes to the thread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) context_data: Option<&'a BTreeMap<String, Value>>,
}

/// An attachment by URL, which RCE downloads.
#[derive(Serialize)]
pub(super) struct File<'a> {
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<&'a str>,
}

impl<'a> File<'a> {
    pub(super) fn of(attachment: &'a Attachment) -> Self {
        Self {
            url: &attachment.url,
            filename: said(attachment.filename.as_ref()),
        }
    }
}

/// What the person picked from a structured message.
#[derive(Serialize)]
pub(super) struct StructuredReply<'a> {
    pub(super) payload: &'a str,
}

#[derive(Serialize)]
pub(super) struct Typing<'a> {
    pub(super) thread_id: &'a str,
    /// Required for a start, absent for a stop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) preview: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Status<'a> {
    pub(super) id: &'a str,
}

/// `YYYY-MM-DDThh:mm:ssZ`, the one form of a date that all of RCE's pages agree on.
pub(super) fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn said(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}
