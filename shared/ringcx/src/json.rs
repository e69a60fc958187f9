//! Reading JSON whose members may be null, missing or of an unexpected type.
//!
//! The vendor's pages promise that members are added at any time, samples differ from tables, and
//! ids are typed as strings here and integers there. So everything is looked up by name and an odd
//! member counts as an absent one.

use bytes::Bytes;
use handover_core::Timestamp;
use serde_json::{Map, Value};

/// Why authenticated bytes are not what they should be. Says nothing of their content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Not JSON, nested deeper than 128 levels, or a number that no machine number holds.
    #[error("the body is not JSON that can be read (line {line}, column {column})")]
    Json { line: usize, column: usize },
    #[error("the body is not a JSON object")]
    NotAnObject,
    #[error("member `{0}` is missing or of the wrong type")]
    Member(&'static str),
}

/// The JSON object in `bytes`.
pub(crate) fn object(bytes: &Bytes) -> Result<Map<String, Value>, ParseError> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| ParseError::Json {
        line: error.line(),
        column: error.column(),
    })?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(ParseError::NotAnObject),
    }
}

/// An id: a string that is not empty, or a whole number.
pub(crate) fn id(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) if number.is_u64() || number.is_i64() => Some(number.to_string()),
        _ => None,
    }
}

/// A text that says something.
pub(crate) fn text(value: Option<&Value>) -> Option<&str> {
    value?.as_str().filter(|text| !text.trim().is_empty())
}

/// A moment: RFC 3339, or a date, which means midnight UTC (both are in the vendor's samples).
pub(crate) fn time(value: Option<&Value>) -> Option<Timestamp> {
    let text = value?.as_str()?;
    text.parse().ok().or_else(|| {
        let date: jiff::civil::Date = text.parse().ok()?;
        let midnight = date.at(0, 0, 0, 0);
        jiff::tz::Offset::UTC.to_timestamp(midnight).ok()
    })
}

/// A whole number from zero. `1.0` and `1e0` are one.
pub(crate) fn count(value: Option<&Value>) -> Option<u64> {
    let value = value?;
    value.as_u64().or_else(|| {
        let number = value.as_f64()?;
        let whole = number.fract() == 0.0 && (0.0..9e15).contains(&number);
        whole.then(|| format!("{number:.0}").parse().ok())?
    })
}

/// The members of an array; none if it is something else.
pub(crate) fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ids_are_strings_or_whole_numbers() {
        let cases = [
            (json!("65d0"), Some("65d0")),
            (json!(17), Some("17")),
            (json!(-1), Some("-1")),
            (json!(""), None),
            (json!(1.5), None),
            (json!(null), None),
            (json!(["65d0"]), None),
        ];
        for (value, expected) in cases {
            assert_eq!(id(Some(&value)).as_deref(), expected, "{value}");
        }
        assert_eq!(id(None), None);
    }

    #[test]
    fn a_date_is_midnight_and_nonsense_is_nothing() {
        let read = |text: &str| time(Some(&json!(text))).map(|at| at.to_string());
        assert_eq!(read("2026-02-03").as_deref(), Some("2026-02-03T00:00:00Z"));
        assert_eq!(
            read("2026-02-03T10:11:12.5Z").as_deref(),
            Some("2026-02-03T10:11:12.5Z")
        );
        assert_eq!(
            read("2026-02-03T11:11:12+01:00").as_deref(),
            Some("2026-02-03T10:11:12Z")
        );
        assert_eq!(read("06/11/2017"), None);
        assert_eq!(time(Some(&json!(1_770_113_472_000_u64))), None);
    }

    #[test]
    fn counts_are_whole_and_not_negative() {
        let cases = [
            (json!(4), Some(4)),
            (json!(0), Some(0)),
            (json!(1.0), Some(1)),
            (json!(-1), None),
            (json!(1.5), None),
            (json!(1e300), None),
            (json!("3"), None),
        ];
        for (value, expected) in cases {
            assert_eq!(count(Some(&value)), expected, "{value}");
        }
    }
}
