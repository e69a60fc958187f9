//! What bot platforms send, read in our words.

use bolero::check;
use handover_core::json::is_too_deep;
use handover_core::message::Author;
use handover_fuzz::{Mutation, Seeds, TIME};
use handover_platforms::{Content, chatlayer, cognigy};
use serde_json::Value;

fn read(target: &str, readers: [fn(&Value) -> Content; 2]) {
    let seeds = Seeds::of(target);
    check!()
        .with_type::<Mutation>()
        .with_test_time(TIME)
        .for_each(|mutation| {
            let bytes = seeds.grow(mutation);
            let Ok(value) = serde_json::from_slice::<Value>(&bytes) else {
                return;
            };
            for reader in readers {
                let content = reader(&value);
                assert_eq!(content, reader(&value), "the same twice");
                assert!(
                    content.text.is_none_or(|text| !text.trim().is_empty()),
                    "a text says something"
                );
                assert!(
                    content.structured.is_none_or(|form| !is_too_deep(&form)),
                    "it can be stored"
                );
                assert!(content.payload.is_none_or(|payload| !payload.is_empty()));
            }
        });
}

#[test]
fn cognigy() {
    read("cognigy", [cognigy::from_cognigy, cognigy::person_from_cognigy]);
}

#[test]
fn chatlayer() {
    read(
        "chatlayer",
        [
            |message| chatlayer::from_chatlayer(message, Author::Bot),
            |message| chatlayer::from_chatlayer(message, Author::User),
        ],
    );
}
