//! Summaries and surveys (Webhooks, "Events" page: "Intervention Segments", "Surveys"), whatever shape they have.

use handover_core::Timestamp;
use handover_core::aftermath::{
    ANSWER_MAX_BYTES, ANSWERS_MAX, SUMMARY_MAX_BYTES, SURVEY_MAX_BYTES, Survey, SurveyAnswer, shortened,
};
use handover_core::signal::SignalKind;
use serde_json::{Number, Value};

use crate::json;

/// Fractions are kept to so many digits, which every reader of JSON reads alike.
const PRECISION: f64 = 10_000.0;
/// No rating is larger.
const LARGEST: f64 = 1e9;
/// How deep an unknown shape is looked into.
const LEVELS: usize = 4;

/// `{intervention_segment_id, summary, …}`; nothing if it says nothing.
pub(super) fn summary(metadata: &Value, submitted: bool) -> Option<SignalKind> {
    Some(SignalKind::Summarised {
        text: said(metadata.get("summary")?.as_str()?, SUMMARY_MAX_BYTES)?,
        segment: json::id(metadata.get("intervention_segment_id")),
        submitted,
    })
}

/// `{submitted_at, main_indicator, main_indicator_scaled, questions, …}`; `answers` is what `questions` was called
/// and how it looked before.
pub(super) fn survey(id: Option<String>, metadata: &Value, issued_at: Timestamp) -> SignalKind {
    let mut answers = Vec::new();
    match metadata.get("questions") {
        Some(Value::Array(questions)) if !questions.is_empty() => {
            for question in questions {
                asked(question, &mut answers);
            }
        }
        _ => flat(
            None,
            metadata.get("answers").unwrap_or(&Value::Null),
            LEVELS,
            &mut answers,
        ),
    }
    SignalKind::Surveyed {
        survey: Survey {
            id: id.or_else(|| json::id(metadata.get("foreign_id"))),
            rating: number(metadata.get("main_indicator")),
            score: number(metadata.get("main_indicator_scaled")),
            answers: bounded(answers),
            comment: json::text(metadata.get("comment")).and_then(|text| said(text, ANSWER_MAX_BYTES)),
            at: json::time(metadata.get("submitted_at")).unwrap_or(issued_at),
        },
    }
}

/// `{text, foreign_id, replies: [{text, value}]}`; the replies to one question become one answer.
fn asked(question: &Value, answers: &mut Vec<SurveyAnswer>) {
    let text = json::text(question.get("text"));
    let Some(Value::Array(replies)) = question.get("replies") else {
        flat(None, question, LEVELS, answers);
        return;
    };
    let said = replies.iter().filter_map(|reply| match reply {
        Value::Object(reply) => scalar(reply.get("text")).or_else(|| scalar(reply.get("value"))),
        reply => scalar(Some(reply)),
    });
    let said: Vec<String> = said.collect();
    if !said.is_empty() {
        answers.push(SurveyAnswer {
            question: text.map(str::to_owned),
            answer: said.join(", "),
        });
    }
}

/// Every single value in an unknown shape, with the name under which it stood.
fn flat(name: Option<&str>, value: &Value, levels: usize, answers: &mut Vec<SurveyAnswer>) {
    match value {
        _ if levels == 0 || answers.len() >= ANSWERS_MAX => {}
        Value::Array(items) => {
            for item in items {
                flat(name, item, levels - 1, answers);
            }
        }
        Value::Object(members) => {
            for (name, value) in members {
                flat(Some(name), value, levels - 1, answers);
            }
        }
        single => answers.extend(scalar(Some(single)).map(|answer| SurveyAnswer {
            question: name.map(str::to_owned),
            answer,
        })),
    }
}

fn scalar(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        _ => None,
    }
}

/// A text that says something, within bounds.
fn said(text: &str, max: usize) -> Option<String> {
    Some(shortened(text, max)).filter(|text| !text.trim().is_empty())
}

fn bounded(answers: Vec<SurveyAnswer>) -> Vec<SurveyAnswer> {
    let mut left = SURVEY_MAX_BYTES;
    let mut kept = Vec::new();
    for SurveyAnswer { question, answer } in answers.into_iter().take(ANSWERS_MAX) {
        let question = question.and_then(|text| said(&text, ANSWER_MAX_BYTES));
        let Some(answer) = said(&answer, ANSWER_MAX_BYTES) else {
            continue;
        };
        let Some(rest) = left.checked_sub(answer.len() + question.as_ref().map_or(0, String::len)) else {
            break;
        };
        left = rest;
        kept.push(SurveyAnswer { question, answer });
    }
    kept
}

/// A number, or a text that is one.
fn number(value: Option<&Value>) -> Option<Number> {
    let number = match value? {
        Value::Number(number) => number.clone(),
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    if number.is_i64() {
        return Some(number);
    }
    let fraction = number.as_f64().filter(|number| number.abs() < LARGEST)?;
    Number::from_f64((fraction * PRECISION).round() / PRECISION)
}

#[cfg(test)]
mod tests {
    use handover_core::Timestamp;
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn read(metadata: &Value) -> Survey {
        match survey(Some("s-1".to_owned()), metadata, NOW) {
            SignalKind::Surveyed { survey } => survey,
            other => panic!("{other:?}"),
        }
    }

    fn answers(metadata: &Value) -> Vec<(Option<String>, String)> {
        let answers = read(metadata).answers.into_iter();
        answers.map(|answer| (answer.question, answer.answer)).collect()
    }

    fn pair(question: &str, answer: &str) -> (Option<String>, String) {
        (Some(question.to_owned()), answer.to_owned())
    }

    #[test]
    fn a_survey_is_read_as_the_page_describes_it() {
        let metadata = json!({
            "submitted_at": "2026-03-01T07:00:00-05:00",
            "main_indicator": 4, "main_indicator_scaled": 0.75,
            "intervention_id": "in-1", "survey_id": "sv-1", "source_id": "50c1", "user_id": "a-1",
            "questions": [
                {"text": "How was it?", "foreign_id": "q1", "replies": [{"text": "Good", "value": "4"}]},
                {"text": "What was good?", "foreign_id": "q2", "replies": [
                    {"text": "Speed", "value": "speed"}, {"text": null, "value": "tone"},
                ]},
                {"text": "Anything else?", "foreign_id": "q3", "replies": []},
            ],
            "answers": {"old": "shape"},
        });
        let survey = read(&metadata);
        assert_eq!(survey.at.to_string(), "2026-03-01T12:00:00Z");
        assert_eq!(survey.id.as_deref(), Some("s-1"));
        assert_eq!(json!([survey.rating, survey.score]), json!([4, 0.75]));
        let expected = [pair("How was it?", "Good"), pair("What was good?", "Speed, tone")];
        assert_eq!(answers(&metadata), expected);
        assert_eq!(survey.comment, None);
    }

    #[test]
    fn other_shapes_become_a_flat_list() {
        let old = json!({"answers": {"How was it?": "Good", "Again?": [true, 2]}});
        let expected = [
            pair("Again?", "true"),
            pair("Again?", "2"),
            pair("How was it?", "Good"),
        ];
        let mut found = answers(&old);
        found.sort();
        let mut expected = expected.to_vec();
        expected.sort();
        assert_eq!(found, expected);
        let unknown = json!({"questions": [{"grade": 5}, "fine", null]});
        assert_eq!(answers(&unknown), [pair("grade", "5"), (None, "fine".to_owned())]);
        for odd in [
            json!({}),
            json!({"questions": 7, "answers": null}),
            json!(null),
            json!([]),
        ] {
            assert!(answers(&odd).is_empty(), "{odd}");
        }
    }

    #[test]
    fn numbers_may_be_texts_and_nonsense_is_nothing() {
        for (value, expected) in [
            (json!(5), json!(5)),
            (json!("5"), json!(5)),
            (json!(" 4.5 "), json!(4.5)),
            (json!(0.333_333_333_333), json!(0.3333)),
            (json!("very"), json!(null)),
            (json!(null), json!(null)),
            (json!({"a": 1}), json!(null)),
            (json!(1e300), json!(null)),
        ] {
            let rating = read(&json!({"main_indicator": value})).rating;
            assert_eq!(json!(rating), expected, "{value}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let long = "ä".repeat(5_000);
        let questions: Vec<Value> = (0..100)
            .map(|_| json!({"text": long, "replies": [{"text": long}]}))
            .collect();
        let survey = read(&json!({"questions": questions, "comment": long}));
        let bytes = survey.answers.iter().map(|answer| {
            let question = answer.question.as_ref().map_or(0, String::len);
            assert!(question <= ANSWER_MAX_BYTES && answer.answer.len() <= ANSWER_MAX_BYTES);
            question + answer.answer.len()
        });
        assert!((1..=SURVEY_MAX_BYTES).contains(&bytes.sum()));
        assert_eq!(survey.comment.map(|text| text.len()), Some(ANSWER_MAX_BYTES));
        let many: Vec<Value> = (0..100).map(|n| json!(n)).collect();
        assert_eq!(answers(&json!({"questions": many})).len(), ANSWERS_MAX);
        let Some(SignalKind::Summarised { text, .. }) = summary(&json!({"summary": long}), true) else {
            panic!("a summary");
        };
        assert_eq!(text.len(), SUMMARY_MAX_BYTES);
        for nothing in [json!("  "), json!("\u{7} \r"), json!(7), json!(null)] {
            assert_eq!(summary(&json!({"summary": nothing}), true), None);
        }
    }
}
