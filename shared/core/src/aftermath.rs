//! What RCE knows of a handover besides who has it: what it was about, and what the customer thought of it.
//!
//! All of it is personal: it goes to the bot, and into no log. It is stored with the conversation until it is told,
//! in the worst case many times, so it is bounded.

use serde::{Deserialize, Serialize};
use serde_json::Number;
use sha2::{Digest as _, Sha256};

use crate::Timestamp;

/// Longest summary that is kept, in bytes.
pub const SUMMARY_MAX_BYTES: usize = 4_000;
/// Longest question or answer of a survey that is kept, in bytes.
pub const ANSWER_MAX_BYTES: usize = 1_000;
/// Most answers of a survey that are kept.
pub const ANSWERS_MAX: usize = 30;
/// All that is kept of a survey's questions and answers, in bytes.
pub const SURVEY_MAX_BYTES: usize = 4_000;

/// How much of a summary's digest is remembered, in bytes.
const DIGEST_BYTES: usize = 16;

/// What an agent, or RCE in their stead, wrote down about their part of an intervention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub text: String,
    #[serde(flatten)]
    pub version: SummaryVersion,
}

/// Which of several summaries one is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryVersion {
    /// The part of the intervention: each agent who had it has one of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// An agent has seen it, and maybe changed it.
    #[serde(default)]
    pub submitted: bool,
    /// When RCE said so, by its clock.
    pub at: Timestamp,
    /// Tells whether a text is the same as one that is not kept.
    pub digest: String,
}

impl Summary {
    pub fn new(text: &str, segment: Option<String>, submitted: bool, at: Timestamp) -> Self {
        let text = shortened(text, SUMMARY_MAX_BYTES);
        let digest = hex::encode(&Sha256::digest(&text)[..DIGEST_BYTES]);
        let version = SummaryVersion {
            segment,
            submitted,
            at,
            digest,
        };
        Self { text, version }
    }
}

impl SummaryVersion {
    /// Whether this one counts where `known` is known. What an agent submitted counts more than what was generated
    /// for the same part, and the last part more than those before.
    pub fn replaces(&self, known: &Self) -> bool {
        let same_part = self.segment.is_some() && self.segment == known.segment;
        if same_part && self.submitted != known.submitted {
            return self.submitted;
        }
        self.at >= known.at
    }
}

/// What a customer answered to a survey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The answer to the main question, on the survey's own scale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<Number>,
    /// The same from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Number>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<SurveyAnswer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// When it was answered.
    pub at: Timestamp,
}

/// One question and what was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurveyAnswer {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    pub answer: String,
}

/// The beginning of a text, at most `max` bytes long, without what is no text.
pub fn shortened(text: &str, max: usize) -> String {
    let shown = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    let mut text: String = text.trim().chars().filter(shown).collect();
    text.truncate(text.floor_char_boundary(max));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(segment: &str, submitted: bool, second: i64) -> SummaryVersion {
        let segment = Some(segment.to_owned()).filter(|segment| !segment.is_empty());
        let at = Timestamp::constant(second, 0);
        Summary::new("text", segment, submitted, at).version
    }

    #[test]
    fn an_agents_own_words_count_more_and_the_last_agents_count_most() {
        for (known, new, replaces) in [
            (version("1", false, 10), version("1", true, 10), true),
            (version("1", false, 10), version("1", true, 5), true),
            (version("1", true, 10), version("1", false, 20), false),
            (version("1", true, 10), version("1", true, 20), true),
            (version("1", true, 10), version("1", true, 5), false),
            (version("1", true, 10), version("2", false, 20), true),
            (version("2", false, 20), version("1", true, 10), false),
            (version("", true, 10), version("", false, 20), true),
        ] {
            assert_eq!(new.replaces(&known), replaces, "{known:?} {new:?}");
        }
    }

    #[test]
    fn a_summary_is_cut_between_characters() {
        let long = "é".repeat(SUMMARY_MAX_BYTES);
        let summary = Summary::new(&format!("  a\u{7}{long}"), None, false, Timestamp::UNIX_EPOCH);
        assert_eq!(summary.text.len(), SUMMARY_MAX_BYTES - 1);
        assert!(summary.text.starts_with("aé"));
    }
}
