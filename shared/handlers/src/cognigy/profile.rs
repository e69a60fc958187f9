//! A contact profile of Cognigy as the person of the bot API.
//!
//! Keys that RCE's user has, whatever their case, go there; everything else becomes context data (Cognigy, "RingCentral
//! Engage" handover provider). Values may have any type.

use serde_json::{Map, Value, json};

/// RCE's user, as far as a profile may say something about it. `id` is Cognigy's user id; who may be spoken for
/// (`puppetizable`) and when the identity was made is not a profile's business.
const USER_KEYS: [&str; 9] = [
    "firstname",
    "lastname",
    "screenname",
    "email",
    "home_phone",
    "mobile_phone",
    "avatar_url",
    "gender",
    "language",
];

/// Keys that hold what nobody meant for an agent, or nothing for people.
const LEFT_OUT: [&str; 2] = ["memories", "tasks"];

/// Largest profile that is kept, in bytes of JSON. Cognigy's may have 1.5 MB; the largest values go first.
const KEPT_BYTES: usize = 32 * 1024;

/// The person. Never fails: an odd profile must not cost somebody the agent.
pub(super) fn user(id: &str, profile: Option<&Value>) -> Value {
    let mut user = Map::new();
    user.insert("id".to_owned(), json!(id));
    let Some(Value::Object(profile)) = profile else {
        return Value::Object(user);
    };
    let mut rest = Map::new();
    for (key, value) in profile {
        let known = key.to_ascii_lowercase();
        if LEFT_OUT.contains(&known.as_str()) || value.is_null() {
            continue;
        }
        match (USER_KEYS.contains(&known.as_str()), scalar(value)) {
            (true, Some(text)) if !text.trim().is_empty() => {
                user.insert(known, Value::String(text));
            }
            (true, Some(_)) => {}
            _ if known == "context_data" && value.is_object() => {
                rest.extend(
                    value
                        .as_object()
                        .into_iter()
                        .flatten()
                        .map(|(k, v)| (k.clone(), v.clone())),
                );
            }
            _ => {
                rest.insert(key.clone(), value.clone());
            }
        }
    }
    shrink(&mut rest);
    for (key, value) in rest {
        // The profile's own `id`, and what is no text, must not pass for members of the person.
        let taken = key == "id" || USER_KEYS.contains(&key.as_str());
        user.insert(if taken { format!("profile-{key}") } else { key }, value);
    }
    Value::Object(user)
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Drops the largest values until the rest is small enough.
fn shrink(rest: &mut Map<String, Value>) {
    let size = |key: &String, value: &Value| key.len() + value.to_string().len() + 4;
    let mut sizes: Vec<(usize, String)> = rest
        .iter()
        .map(|(key, value)| (size(key, value), key.clone()))
        .collect();
    let mut total: usize = sizes.iter().map(|(size, _)| size).sum();
    sizes.sort();
    while total > KEPT_BYTES
        && let Some((size, key)) = sizes.pop()
    {
        tracing::warn!(
            bytes = size,
            "a value of a contact profile is too large and is left out"
        );
        rest.remove(&key);
        total -= size;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_keys_are_the_users_whatever_their_case_and_the_rest_is_kept() {
        let profile =
            json!({"Firstname": "Ada", "EMAIL": "ada@example.org", "accepted_gdpr": true, "age": 37});
        let expected = json!({"id": "u-1", "firstname": "Ada", "email": "ada@example.org", "accepted_gdpr": true, "age": 37});
        assert_eq!(user("u-1", Some(&profile)), expected);
    }

    #[test]
    fn a_profile_cannot_name_another_person_nor_let_them_be_spoken_for() {
        let profile =
            json!({"id": "bot", "profileId": "p-1", "puppetizable": true, "created_at": "2020-01-01"});
        let read = user("u-1", Some(&profile));
        assert_eq!(read["id"], "u-1");
        assert_eq!(read["profile-id"], "bot");
        // Unknown to the bot API, so it becomes context data.
        assert_eq!(read["puppetizable"], true);
    }

    #[test]
    fn odd_values_are_kept_as_context_and_never_refused() {
        let profile = json!({"firstname": {"first": "Ada"}, "lastname": ["L"], "email": false, "gender": 1,
            "screenname": " ", "memories": ["a secret"], "context_data": {"vip": "yes"}});
        let read = user("u-1", Some(&profile));
        let expected = json!({"id": "u-1", "gender": "1", "vip": "yes", "profile-firstname": {"first": "Ada"},
            "profile-lastname": ["L"], "profile-email": false});
        assert_eq!(read, expected);
        for nonsense in [json!("x"), json!([1]), json!(null), json!(7)] {
            assert_eq!(user("u-1", Some(&nonsense)), json!({"id": "u-1"}));
        }
    }

    #[test]
    fn a_giant_profile_loses_its_largest_values_only() {
        let profile = json!({"firstname": "Ada", "city": "Paris", "blob": "x".repeat(1_000_000), "b2": "y".repeat(40_000)});
        assert_eq!(
            user("u-1", Some(&profile)),
            json!({"id": "u-1", "firstname": "Ada", "city": "Paris"})
        );
    }
}
