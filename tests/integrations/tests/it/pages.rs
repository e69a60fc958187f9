//! What the documentation says about bots is true.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::installed::at;

#[test]
fn the_bots_stay_small() {
    for file in ["integrations/python/bot.py", "integrations/javascript/bot.js"] {
        let lines = fs::read_to_string(at(file)).unwrap().lines().count();
        assert!(lines < 80, "{file} has {lines} lines");
    }
}

/// `docs/bots/generic.md` has each event of the `OpenAPI` document, with the same example.
#[test]
fn the_page_for_developers_shows_every_event() {
    let document = fs::read_to_string(at("shared/handlers/src/openapi.json")).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let examples = "/post/requestBody/content/application~1json/examples/event/value";
    let webhooks = document["webhooks"].as_object().unwrap();
    let promised: BTreeMap<&str, &Value> = webhooks
        .iter()
        .map(|(name, webhook)| (name.as_str(), webhook.pointer(examples).unwrap()))
        .collect();
    let page = fs::read_to_string(at("docs/bots/generic.md")).unwrap();
    let shown = events_of(&page);
    for (name, example) in &promised {
        let here = shown.get(name);
        assert!(
            here == Some(*example),
            "docs/bots/generic.md must show under \"### `{name}`\":\n{example}\ninstead of\n{here:?}"
        );
    }
    assert_eq!(shown.len(), promised.len(), "events that do not exist are shown");
}

/// Below each heading with a name in backticks, the JSON block.
fn events_of(page: &str) -> BTreeMap<&str, Value> {
    let sections = page.split("\n### `").skip(1);
    sections
        .map(|section| {
            let (name, rest) = section.split_once('`').unwrap();
            let block = rest.split("```json\n").nth(1).unwrap();
            let (json, _) = block.split_once("```").unwrap();
            (name, serde_json::from_str(json).unwrap())
        })
        .collect()
}
