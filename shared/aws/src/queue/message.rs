//! Jobs as SQS takes them: what a body may hold, and which ids are legal.

use std::borrow::Cow;

use handover_core::job::Job;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::fault::Fault;

/// What SQS takes in one message is 1 MiB, emulators often less.
const LARGEST_BODY: usize = 200 * 1024;
/// SQS's limit for group and deduplication ids.
const LONGEST_ID: usize = 128;
/// Begins an id that stands for a longer one; no legal id is taken as it is if it begins so.
const DIGEST: &str = "sha256:";

/// A job's text, to be sent or kept.
pub(super) fn to_text(job: &Job) -> Result<String, Fault> {
    let text = serde_json::to_string(job).map_err(Fault::Unwritable)?;
    // JSON has the other characters that SQS refuses escaped already.
    if text.contains(['\u{fffe}', '\u{ffff}']) {
        return Ok(text.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff"));
    }
    Ok(text)
}

pub(super) fn is_large(text: &str) -> bool {
    text.len() > LARGEST_BODY
}

/// What a message holds in place of a job that is too large for it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pointer {
    pub(super) kept: String,
    pub(super) parts: usize,
}

impl Pointer {
    /// `None`: the body is the job itself.
    pub(super) fn of(body: &str) -> Option<Self> {
        serde_json::from_str(body).ok()
    }

    pub(super) fn to_body(&self) -> Result<String, Fault> {
        serde_json::to_string(self).map_err(Fault::Unwritable)
    }
}

/// A group or deduplication id as SQS takes it: 1 to 128 visible ASCII characters. What is not is digested, always
/// to the same.
pub(super) fn legal_id(id: &str) -> Cow<'_, str> {
    let legal = (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    if legal && !id.starts_with(DIGEST) {
        Cow::Borrowed(id)
    } else {
        Cow::Owned(format!("{DIGEST}{}", digest(id)))
    }
}

pub(super) fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_sqs_takes_is_kept_and_any_other_is_digested_stably() {
        let longest = "x".repeat(128);
        for id in ["acme/conv-1", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", &longest] {
            assert_eq!(legal_id(id), id);
        }
        let too_long = "x".repeat(129);
        let imitated = legal_id(&too_long).into_owned();
        let others = ["", "two words", "grün", "\u{7f}", &too_long, &imitated];
        let mut seen = std::collections::HashSet::new();
        for id in others {
            let sent = legal_id(id);
            assert!(
                sent.len() <= 128 && sent.bytes().all(|b| b.is_ascii_graphic()),
                "{sent}"
            );
            assert_eq!(sent, legal_id(id), "stable");
            assert!(seen.insert(sent), "{id:?} collides");
        }
    }

    #[test]
    fn a_job_is_not_taken_for_a_pointer() {
        let pointer = Pointer {
            kept: "abc".to_owned(),
            parts: 2,
        };
        let body = pointer.to_body().unwrap();
        assert_eq!(body, r#"{"kept":"abc","parts":2}"#);
        assert_eq!(Pointer::of(&body).map(|pointer| pointer.parts), Some(2));
        assert!(Pointer::of(r#"{"id":"j","kept":"abc","parts":2}"#).is_none());
    }
}
