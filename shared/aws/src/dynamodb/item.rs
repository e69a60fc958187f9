//! Values ↔ attributes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::time::Duration;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use handover_core::Timestamp;
use handover_core::ids::{ConnectionId, ForeignThreadId, ThreadId};
use handover_core::job::{Job, Outgoing};
use handover_core::ports::{ClaimKey, Recorded};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::schema::{PK, SK};

pub(super) type Item = HashMap<String, AttributeValue>;

/// The conversation itself, within its partition.
pub(super) const STATE_KEY: &str = "state";
pub(super) const CLAIM_PREFIX: &str = "k#";
pub(super) const KEPT_PREFIX: &str = "m#";
pub(super) const LINES_PREFIX: &str = "t#";

/// Version of a conversation (N), raised by every write of it.
pub(super) const VERSION: &str = "v";
/// Token of the last write (S): tells a write that was repeated from one that somebody else made.
pub(super) const WRITTEN_BY: &str = "w";
/// The conversation in the domain's own stored form (S, JSON).
pub(super) const STATE: &str = "state";
/// Messages whose sort key is not greater are forgotten (S).
pub(super) const KEPT_AFTER: &str = "kept_after";
/// Begins the names of attributes that hold a job still to be sent (S, JSON); their order is the jobs'.
pub(super) const UNSENT_PREFIX: &str = "o_";
pub(super) const HOLDER: &str = "holder";
pub(super) const RECORD: &str = "record";
/// When a claim ends, milliseconds since 1970 (N).
pub(super) const EXPIRES: &str = "exp";
/// Lines of the timeline (L; each element the lines of one commit, see [`pack`]).
pub(super) const LINES: &str = "lines";
/// A kept message, or a part of it (S, JSON).
pub(super) const MESSAGE: &str = "message";

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn number(value: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A JSON text, deflated if that pays: DynamoDB charges by the kilobyte, and lines are seldom read.
pub(super) fn pack(json: String) -> AttributeValue {
    if json.len() < WORTH_PACKING {
        return AttributeValue::S(json);
    }
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    match packed.write_all(json.as_bytes()).and_then(|()| packed.finish()) {
        Ok(packed) => AttributeValue::B(Blob::new(packed)),
        // Writing into memory does not fail; if it did, the text itself is as good.
        Err(_) => AttributeValue::S(json),
    }
}

/// What [`pack`] made. `None`: it did not.
pub(super) fn unpack(value: &AttributeValue) -> Option<Cow<'_, str>> {
    match value {
        AttributeValue::S(json) => Some(Cow::Borrowed(json)),
        AttributeValue::B(packed) => {
            let mut json = String::new();
            ZlibDecoder::new(packed.as_ref()).read_to_string(&mut json).ok()?;
            Some(Cow::Owned(json))
        }
        _ => None,
    }
}

const WORTH_PACKING: usize = 400;

/// The partition of a conversation. `#` cannot be in a connection's name, nor in a thread's id.
pub(super) fn conversation_key(connection: &ConnectionId, thread: &ForeignThreadId) -> String {
    format!("c#{connection}#{thread}")
}

/// Whose partition it is; the other way round.
pub(super) fn conversation_of(partition: &str) -> Option<(ConnectionId, ForeignThreadId)> {
    let (connection, thread) = partition.strip_prefix("c#")?.split_once('#')?;
    Some((ConnectionId::from(connection), ForeignThreadId::from(thread)))
}

pub(super) fn key(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    HashMap::from([(PK.to_owned(), text(pk)), (SK.to_owned(), text(sk))])
}

/// Where a claim is kept.
pub(super) fn claim_key(claim: &ClaimKey) -> Item {
    let name = format!("{CLAIM_PREFIX}{}", claim.name);
    match &claim.conversation {
        Some((connection, thread)) => key(conversation_key(connection, thread), name),
        None => key(name, "claim"),
    }
}

pub(super) fn rce_key(connection: &ConnectionId, thread: &ThreadId) -> String {
    format!("{connection}#{thread}")
}

pub(super) fn millis(at: Timestamp) -> AttributeValue {
    number(at.as_millisecond())
}

/// A sort key's time: digits of one length sort as numbers do.
pub(super) fn sortable(at: Timestamp) -> String {
    format!("{:015}", at.as_millisecond().max(0))
}

/// For the attribute by which DynamoDB deletes.
pub(super) fn expiry(at: Timestamp, after: Duration) -> AttributeValue {
    let seconds = i64::try_from(after.as_secs()).unwrap_or(i64::MAX);
    // A second more, so that nothing goes before its time.
    number(at.as_second().saturating_add(seconds).saturating_add(1))
}

pub(super) fn str_of<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

pub(super) fn number_of(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// Packed texts of a list.
pub(super) fn packed_of<'a>(item: &'a Item, name: &str) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
    let list = item.get(name).and_then(|value| value.as_l().ok());
    list.into_iter().flatten().filter_map(unpack)
}

pub(super) fn parse<T: DeserializeOwned>(json: &str) -> Result<T, Fault> {
    // The parser's own words would quote what people wrote.
    serde_json::from_str(json).map_err(|error| Fault::Unreadable {
        column: error.column(),
    })
}

pub(super) fn to_json(value: &impl Serialize) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|error| Fault::Unreadable {
        column: error.column(),
    })
}

/// A claim that holds at `now`.
pub(super) fn recorded(item: &Item, now: Timestamp) -> Option<Recorded> {
    let holds = number_of(item, EXPIRES).is_some_and(|expires| expires > now.as_millisecond());
    holds.then(|| Recorded {
        holder: str_of(item, HOLDER).unwrap_or_default().to_owned(),
        record: str_of(item, RECORD).unwrap_or_default().to_owned(),
    })
}

/// A job that is stored with its conversation until it is sent.
#[derive(Serialize, Deserialize)]
struct Unsent {
    job: Job,
    deduplication_id: String,
}

pub(super) fn unsent_to_json(outgoing: &Outgoing) -> Result<String, Fault> {
    to_json(&Unsent {
        job: outgoing.job.clone(),
        deduplication_id: outgoing.deduplication_id.clone(),
    })
}

/// The jobs that a conversation's item still holds: names of their attributes, in order.
pub(super) fn unsent_names(item: &Item) -> Vec<String> {
    let names = item.keys().filter(|name| name.starts_with(UNSENT_PREFIX));
    let mut names: Vec<String> = names.cloned().collect();
    names.sort();
    names
}

pub(super) fn unsent_from_json(json: &str) -> Result<Outgoing, Fault> {
    let Unsent {
        job,
        deduplication_id,
    } = parse(json)?;
    Ok(Outgoing {
        job,
        deduplication_id,
    })
}
