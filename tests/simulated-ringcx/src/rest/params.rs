//! Parameters of a REST request: from the query, from a form body and from a JSON body alike.

use axum::http::{HeaderMap, header};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::rest::multipart::{self, Part};

pub(super) struct Params {
    pairs: Vec<(String, String)>,
    parts: Vec<Part>,
    json: Option<Map<String, Value>>,
}

impl Params {
    pub(super) fn new(query: &str, headers: &HeaderMap, body: &Bytes) -> Self {
        let mut pairs: Vec<(String, String)> =
            form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let kind = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let (mut json, mut parts) = (None, Vec::new());
        if kind.starts_with("application/json") {
            json = serde_json::from_slice::<Map<String, Value>>(body).ok();
            for (key, value) in json.iter().flatten() {
                match value {
                    Value::Array(items) => {
                        pairs.extend(
                            items
                                .iter()
                                .map(|item| (format!("{}[]", key.trim_end_matches("[]")), plain(item))),
                        );
                    }
                    Value::Null => {}
                    value => pairs.push((key.clone(), plain(value))),
                }
            }
        } else if kind.starts_with("multipart/") {
            parts = multipart::parse(headers, body).unwrap_or_default();
            let fields = parts.iter().filter(|part| part.filename.is_none());
            pairs.extend(fields.map(|part| {
                let value = String::from_utf8_lossy(&part.bytes).into_owned();
                (part.name.clone(), value)
            }));
        } else {
            pairs.extend(form_urlencoded::parse(body).into_owned());
        }
        Self { pairs, parts, json }
    }

    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// The value even if it is empty, which clears a member.
    pub(super) fn given(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.trim())
    }

    /// A boolean in one of the API's spellings.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.first(name)
            .map(|value| matches!(value, "true" | "1" | "on" | "yes"))
    }

    /// All values of `name[]`, or of `name` separated by commas; `None` when neither is there.
    pub(super) fn all(&self, name: &str) -> Option<Vec<String>> {
        let bracketed = format!("{name}[]");
        let values: Vec<&str> = self
            .pairs
            .iter()
            .filter(|(key, _)| *key == bracketed || key == name)
            .flat_map(|(key, value)| {
                if key == name {
                    value.split(',').collect()
                } else {
                    vec![value.as_str()]
                }
            })
            .collect();
        if values.is_empty() {
            return None;
        }
        Some(
            values
                .into_iter()
                .filter(|value| !value.is_empty())
                .map(str::to_owned)
                .collect(),
        )
    }

    /// A file of an upload.
    pub(super) fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// A structured member of a JSON body.
    pub(super) fn json(&self, name: &str) -> Option<&Value> {
        self.json.as_ref()?.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn to_json(&self) -> Value {
        if let Some(json) = &self.json {
            return Value::Object(json.clone());
        }
        let mut object = Map::new();
        for (key, value) in &self.pairs {
            match object.get_mut(key) {
                Some(Value::Array(values)) => values.push(json!(value)),
                _ if key.ends_with("[]") => {
                    object.insert(key.clone(), json!([value]));
                }
                _ => {
                    object.insert(key.clone(), json!(value));
                }
            }
        }
        Value::Object(object)
    }

    /// One page of a list: `offset` from 0, `limit` 30 unless asked, 150 at most.
    pub(super) fn page<T>(&self, items: Vec<T>, render: impl Fn(T) -> Value) -> Value {
        let number = |name: &str| self.first(name).and_then(|value| value.parse::<usize>().ok());
        let offset = number("offset").unwrap_or(0);
        let limit = number("limit").unwrap_or(30).min(150);
        let count = items.len();
        let records: Vec<Value> = items.into_iter().skip(offset).take(limit).map(render).collect();
        json!({"count": count, "offset": offset, "limit": limit, "records": records})
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A search: `keyword:value` pairs, quoted where a value has spaces. A bare word searches the text.
pub(super) struct Search(Vec<(String, String)>);

impl Search {
    pub(super) fn parse(query: &str) -> Self {
        let mut terms = Vec::new();
        let mut rest = query.trim_start();
        while !rest.is_empty() {
            let end = rest.find([':', ' ']).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            let Some(value) = after.strip_prefix(':') else {
                terms.push(("text".to_owned(), word.to_owned()));
                rest = after.trim_start();
                continue;
            };
            let (value, after) = match value.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
                None => value.split_at(value.find(' ').unwrap_or(value.len())),
            };
            terms.push((word.to_owned(), value.to_owned()));
            rest = after.trim_start();
        }
        Self(terms)
    }

    pub(super) fn values<'a>(&'a self, keyword: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(known, _)| known == keyword)
            .map(|(_, value)| value.as_str())
    }

    /// Whether some value of the keyword fits, or the keyword is not asked for.
    pub(super) fn allows(&self, keyword: &str, fits: impl Fn(&str) -> bool) -> bool {
        let mut values = self.values(keyword).peekable();
        values.peek().is_none() || values.any(fits)
    }

    /// Whether only these keywords are asked for.
    pub(super) fn knows_only(&self, keywords: &[&str]) -> bool {
        self.0
            .iter()
            .all(|(keyword, _)| keywords.contains(&keyword.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_are_split_into_keywords() {
        let search = Search::parse(r#"foreign:"conv 1" source:5f0c foreign:b word order:created_at.asc"#);
        assert_eq!(search.values("foreign").collect::<Vec<_>>(), ["conv 1", "b"]);
        assert_eq!(search.values("source").collect::<Vec<_>>(), ["5f0c"]);
        assert_eq!(search.values("text").collect::<Vec<_>>(), ["word"]);
        assert!(search.allows("foreign", |value| value == "b"));
        assert!(!search.allows("source", |value| value == "other"));
        assert!(search.allows("identity", |_| false));
        assert!(!search.knows_only(&["foreign", "source"]));
    }

    #[test]
    fn query_form_and_json_give_the_same_parameters() {
        let form = HeaderMap::new();
        let json = HeaderMap::from_iter([(
            header::CONTENT_TYPE,
            "application/json".parse().expect("a header"),
        )]);
        let ids = Some(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(
            Params::new("ids%5B%5D=a&ids%5B%5D=b", &form, &Bytes::new()).all("ids"),
            ids
        );
        assert_eq!(Params::new("ids=a,b", &form, &Bytes::new()).all("ids"), ids);
        assert_eq!(
            Params::new("", &form, &Bytes::from_static(b"ids[]=a&ids[]=b")).all("ids"),
            ids
        );
        assert_eq!(
            Params::new("", &json, &Bytes::from_static(br#"{"ids":["a","b"]}"#)).all("ids"),
            ids
        );
        assert_eq!(
            Params::new("ids%5B%5D=", &form, &Bytes::new()).all("ids"),
            Some(vec![])
        );
        assert_eq!(Params::new("", &form, &Bytes::new()).all("ids"), None);
    }
}
