//! What is known about the person, and the form in which RCE can store it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The person, as the bot described them. Keys that RCE has no member for are kept in `extra`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UserProfile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firstname: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lastname: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screenname: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home_phone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile_phone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, Value>,
}

impl UserProfile {
    /// Takes over what `newer` says; what it does not mention stays.
    pub fn update(&mut self, newer: Self) {
        let Self {
            id,
            firstname,
            lastname,
            screenname,
            email,
            home_phone,
            mobile_phone,
            avatar_url,
            gender,
            language,
            extra,
        } = newer;
        for (slot, value) in [
            (&mut self.id, id),
            (&mut self.firstname, firstname),
            (&mut self.lastname, lastname),
            (&mut self.screenname, screenname),
            (&mut self.email, email),
            (&mut self.home_phone, home_phone),
            (&mut self.mobile_phone, mobile_phone),
            (&mut self.avatar_url, avatar_url),
            (&mut self.gender, gender),
            (&mut self.language, language),
        ] {
            if value.is_some() {
                *slot = value;
            }
        }
        self.extra.extend(extra);
    }

    /// Whether there is more to tell RCE than a name.
    pub fn is_worth_announcing(&self) -> bool {
        *self
            != Self {
                id: self.id.clone(),
                screenname: self.screenname.clone(),
                ..Self::default()
            }
    }

    /// The name that agents see. RCE requires one.
    pub fn display_name(&self) -> String {
        let full = [&self.firstname, &self.lastname];
        let full: Vec<&str> = full
            .into_iter()
            .flatten()
            .map(String::as_str)
            .filter(|n| !n.is_empty())
            .collect();
        match (&self.screenname, full.is_empty(), &self.id) {
            (Some(name), _, _) if !name.is_empty() => name.clone(),
            (_, false, _) => full.join(" "),
            (_, true, Some(id)) if !id.is_empty() => id.clone(),
            _ => "Customer".to_owned(),
        }
    }

    /// RCE knows `man` and `woman` only; anything else goes to the context data.
    pub fn rce_gender(&self) -> Option<&'static str> {
        match self.gender.as_deref()?.to_lowercase().as_str() {
            "man" | "male" | "m" => Some("man"),
            "woman" | "female" | "f" | "w" => Some("woman"),
            _ => None,
        }
    }

    /// Everything that RCE has no member for, under legal keys.
    pub fn context_data(&self) -> BTreeMap<String, Value> {
        let mut pairs: Vec<(String, Value)> =
            self.extra.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        if let Some(language) = &self.language {
            pairs.push(("language".to_owned(), Value::from(language.as_str())));
        }
        if let (Some(gender), None) = (&self.gender, self.rce_gender()) {
            pairs.push(("gender".to_owned(), Value::from(gender.as_str())));
        }
        context_data(pairs)
    }
}

/// Makes context data that RCE takes: keys of `[a-zA-Z-]`, values a string or a list of strings
/// (Source SDK, message and user objects).
///
/// Underscore, space and dot become `-`, other characters are dropped, a key with nothing left is
/// dropped with its value. Two keys that become equal get a letter (`-b`, `-c`, …) in the order of
/// their original spelling, so that the outcome is the same every time.
pub fn context_data(pairs: impl IntoIterator<Item = (String, Value)>) -> BTreeMap<String, Value> {
    let mut pairs: Vec<(String, Value)> = pairs.into_iter().collect();
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    let mut data = BTreeMap::new();
    for (key, value) in pairs {
        let (Some(key), Some(value)) = (context_key(&key), context_value(value)) else {
            continue;
        };
        let mut free = key.clone();
        for letter in 'b'..='z' {
            if !data.contains_key(&free) {
                break;
            }
            free = format!("{key}-{letter}");
        }
        data.insert(free, value);
    }
    data
}

/// A legal spelling of a context data key, or nothing if none of it is legal.
pub fn context_key(key: &str) -> Option<String> {
    let legal: String = key
        .chars()
        .filter_map(|c| match c {
            '_' | ' ' | '.' => Some('-'),
            c if c.is_ascii_alphabetic() || c == '-' => Some(c),
            _ => None,
        })
        .collect();
    legal.bytes().any(|b| b.is_ascii_alphabetic()).then_some(legal)
}

/// A string, or a list of strings. What is nested deeper becomes one string of JSON: rendering it level by level
/// would escape the escapes of every level, doubling the size each time.
fn context_value(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Array(items) => {
            let texts: Vec<Value> = items.into_iter().filter_map(text).map(Value::String).collect();
            (!texts.is_empty()).then_some(Value::Array(texts))
        }
        single => text(single).map(Value::String),
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn br_037_context_keys_are_legal_and_collisions_deterministic() {
        let pairs =
            |keys: &[(&str, Value)]| context_data(keys.iter().map(|(k, v)| ((*k).to_owned(), v.clone())));
        let data = pairs(&[
            ("user_id", json!("a")),
            ("user.id", json!(7)),
            ("address1", json!(true)),
            ("prénom", json!("Zoë")),
            ("123", json!("dropped")),
            ("", json!("dropped")),
            ("tags", json!(["x", 2, null])),
            ("nested", json!({"k": 1})),
            ("nothing", Value::Null),
        ]);
        let expected = json!({
            "address": "true", "nested": "{\"k\":1}", "prnom": "Zoë", "tags": ["x", "2"],
            "user-id": "7", "user-id-b": "a",
        });
        assert_eq!(serde_json::to_value(data).unwrap(), expected);
    }

    #[test]
    fn deeply_nested_values_stay_as_small_as_they_were() {
        let nested: Value =
            serde_json::from_str(&format!("{}\"\\\"\"{}", "[".repeat(100), "]".repeat(100))).unwrap();
        let data = context_data([("key".to_owned(), nested.clone())]);
        assert!(data["key"].to_string().len() <= 2 * nested.to_string().len());
    }

    #[test]
    fn an_update_keeps_what_it_does_not_mention() {
        let mut known = UserProfile {
            id: Some("u".into()),
            firstname: Some("Ada".into()),
            ..UserProfile::default()
        };
        known.update(UserProfile {
            email: Some("ada@example.org".into()),
            ..UserProfile::default()
        });
        assert_eq!(known.display_name(), "Ada");
        assert_eq!(known.email.as_deref(), Some("ada@example.org"));
    }
}
