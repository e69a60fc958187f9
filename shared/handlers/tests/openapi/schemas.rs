//! The document, and values against its schemas.

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

/// The document as it is served.
pub(crate) fn document() -> Value {
    serde_json::from_str(handover_handlers::openapi::DOCUMENT).expect("the document is JSON")
}

/// The document with every object closed, for what *we* send: a member that is not described fails.
pub(crate) fn closed_document() -> Value {
    fn close(value: &mut Value) {
        match value {
            Value::Object(object) => {
                if object.contains_key("properties") && !object.contains_key("additionalProperties") {
                    object.insert("additionalProperties".to_owned(), json!(false));
                }
                object.values_mut().for_each(close);
            }
            Value::Array(items) => items.iter_mut().for_each(close),
            _ => {}
        }
    }
    let mut document = document();
    close(&mut document);
    document
}

/// The place that a `$ref` names.
#[track_caller]
pub(crate) fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value.get("$ref").and_then(Value::as_str) {
        None => value,
        Some(target) => {
            let pointer = target.strip_prefix('#').expect("refers to the same document");
            document
                .pointer(pointer)
                .unwrap_or_else(|| panic!("{target} leads nowhere"))
        }
    }
}

/// Checks values against a schema of the document.
#[track_caller]
pub(crate) fn validator(document: &Value, schema: &Value) -> Validator {
    let root = json!({"allOf": [schema], "components": document["components"]});
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .build(&root)
        .unwrap_or_else(|error| panic!("{schema} is no schema: {error}"))
}

#[track_caller]
pub(crate) fn assert_valid(document: &Value, schema: &Value, value: &Value, what: &str) {
    let validator = validator(document, schema);
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    assert_eq!(errors, Vec::<String>::new(), "{what}: {value:#}");
}

/// Every object in a value, with its place.
pub(crate) fn each_object(value: &Value, place: &str, visit: &mut impl FnMut(&str, &Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            visit(place, object);
            for (key, member) in object {
                each_object(member, &format!("{place}/{key}"), visit);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                each_object(item, &format!("{place}/{index}"), visit);
            }
        }
        _ => {}
    }
}
