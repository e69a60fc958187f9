//! Pictures in structured content over REST, which names them by the id of an uploaded file (REST API, "Structured
//! messages": `attachment_id`). Bots, and the Source SDK, name them by their address (`attachment_url`).

use std::collections::BTreeMap;

use handover_core::ids::AttachmentId;
use serde_json::{Map, Value};

use crate::json;

const URL: &str = "attachment_url";
const ID: &str = "attachment_id";

/// The addresses of the pictures in structured content that must be uploaded, each once, in the order of the content.
pub fn pictures(structured: &Value) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for place in places(structured) {
        let url = json::text(place.get(URL)).filter(|_| !has_id(place));
        if let Some(url) = url.filter(|url| !found.iter().any(|it| it == url)) {
            found.push(url.to_owned());
        }
    }
    found
}

/// The same content with uploaded pictures. One that was not uploaded is left out, and with it, in a carousel, all
/// others: there either all cards have a picture or none.
pub fn with_pictures(structured: &Value, uploaded: &BTreeMap<String, AttachmentId>) -> Value {
    let mut content = structured.clone();
    change(&mut content, &|place| {
        let url = place.remove(URL);
        let id = json::text(url.as_ref()).and_then(|url| uploaded.get(url));
        if let Some(id) = id.filter(|_| !has_id(place)) {
            place.insert(ID.to_owned(), Value::from(id.as_str()));
        }
    });
    let cards = json::items(content.get("items")).iter();
    let is_carousel = json::text(content.get("type")) == Some("carousel");
    if is_carousel && cards.filter_map(Value::as_object).any(|card| !has_id(card)) {
        change(&mut content, &|place| {
            place.remove(ID);
            place.remove("attachment_fallback_id");
        });
    }
    content
}

fn has_id(place: &Map<String, Value>) -> bool {
    json::id(place.get(ID)).is_some()
}

/// Where a picture may be: the content itself, and its items.
fn places(structured: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    let items = json::items(structured.get("items")).iter();
    std::iter::once(structured)
        .chain(items)
        .filter_map(Value::as_object)
}

fn change(structured: &mut Value, change: &impl Fn(&mut Map<String, Value>)) {
    let Some(content) = structured.as_object_mut() else {
        return;
    };
    change(content);
    let items = content.get_mut("items").and_then(Value::as_array_mut);
    items
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
        .for_each(change);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::structured::{Outgoing, outgoing};

    fn uploaded(files: &[(&str, &str)]) -> BTreeMap<String, AttachmentId> {
        let files = files.iter();
        files
            .map(|(url, id)| ((*url).to_owned(), AttachmentId::new(*id)))
            .collect()
    }

    fn carousel(pictures: &[Option<&str>]) -> Value {
        let cards: Vec<Value> = pictures
            .iter()
            .map(|picture| match picture {
                Some(url) => json!({"title": "Card", "attachment_url": url, "items": []}),
                None => json!({"title": "Card", "items": []}),
            })
            .collect();
        json!({"type": "carousel", "items": cards})
    }

    #[test]
    fn pictures_are_named_by_their_ids() {
        for kind in ["rich_link", "template"] {
            let content = json!({"type": kind, "title": "T", "url": "https://x.test",
                "attachment_url": "https://x.test/a.png", "own": 1});
            assert_eq!(pictures(&content), ["https://x.test/a.png"]);
            let expected = json!({"type": kind, "title": "T", "url": "https://x.test",
                "attachment_id": "f1", "own": 1});
            let files = uploaded(&[("https://x.test/a.png", "f1"), ("https://x.test/other.png", "f2")]);
            assert_eq!(with_pictures(&content, &files), expected);
            let without = json!({"type": kind, "title": "T", "url": "https://x.test", "own": 1});
            assert_eq!(with_pictures(&content, &uploaded(&[])), without);
        }
    }

    #[test]
    fn one_picture_of_many_cards_is_uploaded_once() {
        let content = carousel(&[
            Some("https://x.test/a.png"),
            Some("https://x.test/b.png"),
            Some("https://x.test/a.png"),
        ]);
        assert_eq!(
            pictures(&content),
            ["https://x.test/a.png", "https://x.test/b.png"]
        );
        let files = uploaded(&[("https://x.test/a.png", "f1"), ("https://x.test/b.png", "f2")]);
        let sent = with_pictures(&content, &files);
        let ids: Vec<_> = sent["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|card| &card["attachment_id"])
            .collect();
        assert_eq!(ids, ["f1", "f2", "f1"]);
        assert!(!sent.to_string().contains("attachment_url"));
    }

    #[test]
    fn a_carousel_has_a_picture_on_each_card_or_on_none() {
        let content = carousel(&[Some("https://x.test/a.png"), Some("https://x.test/b.png")]);
        let half = uploaded(&[("https://x.test/a.png", "f1")]);
        assert_eq!(with_pictures(&content, &half), carousel(&[None, None]));
        // What is left out no longer exceeds anything.
        assert!(matches!(
            outgoing(Some("Q"), &with_pictures(&content, &half)),
            Outgoing::Content { .. }
        ));
    }

    #[test]
    fn what_the_bot_uploaded_itself_stays() {
        let content = json!({"type": "carousel", "items": [
            {"title": "A", "attachment_id": "own", "attachment_fallback_id": "public"},
            {"title": "B", "attachment_url": "https://x.test/b.png"},
        ]});
        assert_eq!(pictures(&content), ["https://x.test/b.png"]);
        let sent = with_pictures(&content, &uploaded(&[("https://x.test/b.png", "f2")]));
        assert_eq!(
            (
                &sent["items"][0]["attachment_id"],
                &sent["items"][1]["attachment_id"]
            ),
            (&json!("own"), &json!("f2"))
        );
        let none = json!({"type": "carousel", "items": [{"title": "A"}, {"title": "B"}]});
        assert_eq!(with_pictures(&content, &uploaded(&[])), none);
    }

    #[test]
    fn content_without_pictures_is_left_alone() {
        for content in [
            json!({"type": "select", "items": [{"title": "A", "payload": "a"}, "B", null]}),
            json!({"type": "template", "title": "T", "items": "odd"}),
            json!("text"),
            json!(null),
        ] {
            assert!(pictures(&content).is_empty());
            assert_eq!(with_pictures(&content, &uploaded(&[])), content);
        }
        let odd = json!({"type": "template", "title": "T", "attachment_url": 7});
        assert_eq!(
            with_pictures(&odd, &uploaded(&[])),
            json!({"type": "template", "title": "T"})
        );
    }
}
