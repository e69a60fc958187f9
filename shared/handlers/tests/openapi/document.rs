//! The document itself: its structure, its addresses, its references and its examples.

use std::collections::{BTreeMap, BTreeSet};

use handover_handlers::routes::ROUTES;
use serde_json::{Map, Value};

use crate::schemas::{assert_valid, document, each_object, resolve, validator};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Place, path item, operation.
type Operation<'a> = (String, &'a Map<String, Value>, &'a Map<String, Value>);

/// Every operation with its place, its path item and itself; of the paths and of the webhooks.
fn operations(document: &Value) -> Vec<Operation<'_>> {
    let mut all = Vec::new();
    for section in ["paths", "webhooks"] {
        for (path, item) in document[section].as_object().expect("an object") {
            let item = item.as_object().expect("a path item");
            for method in METHODS {
                if let Some(operation) = item.get(method).and_then(Value::as_object) {
                    all.push((format!("{method} {path}"), item, operation));
                }
            }
        }
    }
    all
}

/// Parameters of an operation and of its path item, resolved.
fn parameters<'a>(
    document: &'a Value,
    item: &'a Map<String, Value>,
    operation: &'a Map<String, Value>,
) -> Vec<&'a Value> {
    [item.get("parameters"), operation.get("parameters")]
        .into_iter()
        .flatten()
        .flat_map(|list| list.as_array().expect("a list"))
        .map(|parameter| resolve(document, parameter))
        .collect()
}

#[track_caller]
fn only(place: &str, object: &Map<String, Value>, allowed: &[&str]) {
    for key in object.keys() {
        assert!(allowed.contains(&key.as_str()), "{place} has no member {key}");
    }
}

#[test]
fn it_is_openapi_3_1_about_this_version() {
    let document = document();
    let root = document.as_object().expect("an object");
    let allowed = [
        "openapi",
        "info",
        "servers",
        "security",
        "tags",
        "paths",
        "webhooks",
        "components",
    ];
    only("the document", root, &allowed);
    assert!(
        document["openapi"]
            .as_str()
            .expect("a version")
            .starts_with("3.1.")
    );
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert!(document["info"]["title"].is_string() && document["info"]["description"].is_string());
    let components = document["components"].as_object().expect("components");
    let allowed = ["schemas", "parameters", "responses", "headers", "securitySchemes"];
    only("components", components, &allowed);
    for (kind, named) in components {
        for name in named.as_object().expect("an object").keys() {
            let legal = name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
            assert!(legal, "{kind}/{name}");
        }
    }
}

#[test]
fn every_operation_is_complete() {
    let document = document();
    let tags: Vec<&Value> = document["tags"]
        .as_array()
        .expect("tags")
        .iter()
        .map(|tag| &tag["name"])
        .collect();
    let schemes = document["components"]["securitySchemes"]
        .as_object()
        .expect("schemes");
    let mut ids = BTreeSet::new();
    for (place, item, operation) in operations(&document) {
        let allowed = [
            "operationId",
            "tags",
            "summary",
            "description",
            "parameters",
            "requestBody",
            "responses",
            "security",
        ];
        only(&place, operation, &allowed);
        only(&place, item, &[&METHODS[..], &["parameters"]].concat());
        assert!(
            ids.insert(operation["operationId"].as_str().expect("an id").to_owned()),
            "{place}"
        );
        assert!(operation["summary"].is_string(), "{place}");
        for tag in operation["tags"].as_array().expect("tags") {
            assert!(tags.contains(&tag), "{place}: {tag}");
        }
        let security = operation.get("security").unwrap_or(&document["security"]);
        for scheme in security
            .as_array()
            .expect("a list")
            .iter()
            .flat_map(|s| s.as_object().expect("one").keys())
        {
            assert!(schemes.contains_key(scheme), "{place}: {scheme}");
        }
        for (status, response) in operation["responses"].as_object().expect("responses") {
            let number = status.replace("XX", "00").parse::<u16>().expect("a status");
            assert!((100..600).contains(&number), "{place}: {status}");
            let response = resolve(&document, response).as_object().expect("a response");
            only(&place, response, &["description", "headers", "content"]);
            assert!(response["description"].is_string(), "{place}: {status}");
        }
        if let Some(body) = operation.get("requestBody") {
            only(
                &place,
                body.as_object().expect("a body"),
                &["description", "required", "content"],
            );
            assert!(!body["content"].as_object().expect("content").is_empty());
        }
    }
}

#[test]
fn every_parameter_is_described_and_every_placeholder_is_a_parameter() {
    let document = document();
    for (place, item, operation) in operations(&document) {
        let parameters = parameters(&document, item, operation);
        for parameter in &parameters {
            let allowed = ["name", "in", "required", "description", "schema", "example"];
            only(&place, parameter.as_object().expect("a parameter"), &allowed);
            let within = parameter["in"].as_str().expect("a place");
            assert!(["path", "header", "query"].contains(&within), "{place}");
            assert!(
                within != "path" || parameter["required"] == true,
                "{place}: {parameter}"
            );
        }
        let named: BTreeSet<&str> = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        let placeholders: BTreeSet<&str> = place
            .split(['/', ' '])
            .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
            .collect();
        assert_eq!(named, placeholders, "{place}");
    }
}

#[test]
fn the_addresses_are_those_of_the_router() {
    let document = document();
    let described: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .flat_map(|(path, item)| {
            let methods = METHODS.into_iter().filter(|method| item.get(method).is_some());
            methods.map(|method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let below = |(method, path): &(&str, &str)| ((*method).to_owned(), format!("/{{connection}}{path}"));
    let mut known: BTreeSet<(String, String)> = ROUTES.iter().map(below).collect();
    known.extend(["/health", "/openapi.json"].map(|path| ("GET".to_owned(), path.to_owned())));
    assert_eq!(described, known);
}

#[test]
fn every_reference_leads_somewhere_and_everything_is_referred_to() {
    let document = document();
    let mut referred = BTreeSet::new();
    each_object(&document, "", &mut |_, object| {
        if let Some(target) = object.get("$ref").and_then(Value::as_str) {
            resolve(&document, &Value::Object(object.clone()));
            referred.insert(target.to_owned());
        }
    });
    for kind in ["schemas", "parameters", "responses", "headers"] {
        for name in document["components"][kind]
            .as_object()
            .expect("an object")
            .keys()
        {
            assert!(
                referred.contains(&format!("#/components/{kind}/{name}")),
                "{kind}/{name} is not used"
            );
        }
    }
}

#[test]
fn every_schema_is_one_and_describes_its_members() {
    let document = document();
    each_object(&document, "", &mut |place, object| {
        if let Some(schema) = object.get("schema") {
            validator(&document, schema);
        }
        if place.starts_with("/components/schemas/") && place.matches('/').count() == 3 {
            assert!(object.contains_key("description"), "{place} is not described");
            assert!(
                jsonschema::draft202012::meta::is_valid(&Value::Object(object.clone())),
                "{place}"
            );
        }
    });
}

#[test]
fn every_example_is_an_example_of_what_it_stands_beside() {
    let document = document();
    let mut count = BTreeMap::new();
    each_object(&document, "", &mut |place, object| {
        if let (Some(schema), Some(Value::Object(examples))) = (object.get("schema"), object.get("examples"))
        {
            for example in examples.values() {
                assert_valid(&document, schema, &example["value"], place);
                *count.entry("of a body").or_insert(0) += 1;
            }
        }
        if let (Some(schema), Some(example)) = (object.get("schema"), object.get("example")) {
            assert_valid(&document, schema, example, place);
            *count.entry("of a parameter").or_insert(0) += 1;
        }
        if let (true, Some(Value::Array(examples))) = (object.contains_key("type"), object.get("examples")) {
            let schema = Value::Object(object.clone());
            for example in examples {
                assert_valid(&document, &schema, example, place);
                *count.entry("of a schema").or_insert(0) += 1;
            }
        }
    });
    assert!(count.len() == 3 && count["of a body"] > 40, "{count:?}");
}
