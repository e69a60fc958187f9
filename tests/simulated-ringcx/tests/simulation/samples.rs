//! The samples of the API's answers, where they are at hand.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::Value;

/// The samples, or nothing, loudly.
fn samples() -> Option<&'static Value> {
    static READ: OnceLock<Option<Value>> = OnceLock::new();
    let read = READ.get_or_init(|| {
        let beside = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../shared/reference/ringcx-vectors.json"
        );
        let path = std::env::var_os("RINGCX_VECTORS").map_or_else(|| beside.into(), PathBuf::from);
        let text = std::fs::read_to_string(path).ok()?;
        Some(serde_json::from_str(&text).expect("the samples are JSON"))
    });
    if read.is_none() {
        // Past the test harness, which hides what passing tests print.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: there are no samples; set RINGCX_VECTORS to the path of ringcx-vectors.json"
        );
    }
    read.as_ref()
}

/// The record has every member of the sample's answer, or of its first record, and each of the same kind or null.
#[track_caller]
pub(crate) fn has_the_shape_of(sample: &str, record: &Value) {
    let Some(found) = find("rest", sample) else { return };
    let body = &found["response"]["body"];
    compare(sample, body["records"].get(0).unwrap_or(body), record);
}

/// The event has every member of the sample's, and so have its metadata.
#[track_caller]
pub(crate) fn is_told_as(sample: &str, event: &Value) {
    let Some(found) = find("webhook_events", sample) else {
        return;
    };
    let expected = &found["payload"]["events"][0];
    compare(sample, expected, event);
    let metadata = |event: &Value| event["resource"]["metadata"].clone();
    compare(sample, &metadata(expected), &metadata(event));
}

fn find(list: &str, sample: &str) -> Option<&'static Value> {
    let list = samples()?[list].as_array().expect("a list");
    Some(list.iter().find(|it| it["id"] == sample).expect("a sample"))
}

#[track_caller]
fn compare(sample: &str, expected: &Value, record: &Value) {
    for (name, value) in expected.as_object().expect("an object") {
        let own = record.get(name);
        let own = own.unwrap_or_else(|| panic!("{sample}: {name} is missing in {record}"));
        let same = std::mem::discriminant(own) == std::mem::discriminant(value);
        assert!(
            same || own.is_null() || value.is_null(),
            "{sample}: {name} is {own}"
        );
    }
}
