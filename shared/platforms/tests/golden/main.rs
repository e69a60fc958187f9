//! A table of kinds of messages, both ways: what each becomes on each platform, as files that people can read.
//!
//! `GOLDEN=write cargo test -p handover-platforms --test golden` writes what comes out; read the difference before you keep it.

mod from_platforms;
mod page;
mod to_platforms;

use std::collections::BTreeMap;
use std::path::PathBuf;

use handover_ringcx::structured::{Outgoing, outgoing};
use serde_json::{Map, Value, json};

/// The folder of one direction.
fn folder(direction: &str) -> PathBuf {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests");
    tests.join("golden").join(direction)
}

/// The cases of one direction by name.
fn cases(direction: &str) -> BTreeMap<String, Value> {
    let entries = std::fs::read_dir(folder(direction)).expect("the folder of the table");
    let cases: BTreeMap<String, Value> = entries
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let bytes = std::fs::read(&path).expect("a file");
            let case = serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, case)
        })
        .collect();
    assert!(cases.len() >= 10, "the table is there");
    cases
}

/// Whether what comes out is to be kept.
#[expect(clippy::disallowed_methods, reason = "whoever runs the tests says so")]
fn is_writing() -> bool {
    std::env::var("GOLDEN").is_ok_and(|what| what == "write")
}

/// Compares what comes out of every case with what its file says, and shows each difference.
fn walk(direction: &str, translate: impl Fn(&Value) -> Map<String, Value>) {
    let write = is_writing();
    let mut differences = Vec::new();
    for (name, case) in cases(direction) {
        let mut fresh = case.clone();
        fresh["expected"] = Value::Object(translate(&case));
        if fresh == case {
            continue;
        }
        if write {
            let path = folder(direction).join(format!("{name}.json"));
            let text = serde_json::to_string_pretty(&fresh).expect("JSON") + "\n";
            std::fs::write(path, text).expect("the file can be written");
        } else {
            differences.push(format!(
                "{direction}/{name}:\n{}",
                difference(&case["expected"], &fresh["expected"])
            ));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}

/// The lines that are only in one of two values.
fn difference(expected: &Value, found: &Value) -> String {
    let lines = |value: &Value| -> Vec<String> {
        let text = serde_json::to_string_pretty(value).expect("JSON");
        text.lines().map(str::to_owned).collect()
    };
    let (expected, found) = (lines(expected), lines(found));
    let gone = expected
        .iter()
        .filter(|line| !found.contains(line))
        .map(|line| format!("- {line}"));
    let new = found
        .iter()
        .filter(|line| !expected.contains(line))
        .map(|line| format!("+ {line}"));
    gone.chain(new).collect::<Vec<_>>().join("\n")
}

/// What reaches RCE of a bot's text and structured content.
fn to_rce(text: Option<&str>, structured: Option<&Value>) -> Value {
    let Some(structured) = structured else {
        return json!({"body": text});
    };
    match outgoing(text, structured) {
        Outgoing::Content { body, content } => json!({"body": body, "structured_content": content}),
        Outgoing::Text { text, .. } => json!({"body": text}),
    }
}
