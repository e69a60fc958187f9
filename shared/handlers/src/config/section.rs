//! One section of the file: takes known keys out and complains about the rest.

use handover_core::secret::Secret;
use toml::{Table, Value};

use super::Lookup;

/// Fewest characters of a secret that we or the integrator invent.
pub(super) const SECRET_MIN_CHARS: usize = 16;
/// Values that stand in public documentation, so everybody knows them.
const KNOWN_BAD: [&str; 1] = ["cognigy123"];

pub(super) struct Section<'a> {
    path: String,
    table: Table,
    lookup: &'a dyn Lookup,
    errors: &'a mut Vec<String>,
}

/// Who chose a secret decides how strict we can be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SecretOf {
    /// RCE issued it.
    Vendor,
    /// We or the integrator invented it.
    Ours,
    /// Key of Standard Webhooks: `whsec_` and base64.
    StandardWebhooks,
}

impl<'a> Section<'a> {
    pub(super) fn new(
        path: String,
        table: Table,
        lookup: &'a dyn Lookup,
        errors: &'a mut Vec<String>,
    ) -> Self {
        Self {
            path,
            table,
            lookup,
            errors,
        }
    }

    pub(super) fn error(&mut self, key: &str, what: &str) {
        let name = self.name(key);
        self.errors.push(format!("{name} {what}"));
    }

    fn name(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// A setting that stands elsewhere. `place`: a section of the same connection.
    pub(super) fn misplaced(&mut self, key: &str, place: &str) {
        if self.table.remove(key).is_some() {
            let connection = self.path.split('.').nth(1).unwrap_or("NAME").to_owned();
            self.error(key, &format!("belongs to [connections.{connection}.{place}]"));
        }
    }

    /// Complains about every key that nobody took.
    pub(super) fn finish(mut self) {
        for key in std::mem::take(&mut self.table).keys() {
            let is_name = key.len() <= 64 && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            let shown = if is_name {
                key
            } else {
                "(a name that no setting has)"
            };
            self.error(shown, "is not a known setting");
        }
    }

    pub(super) fn table(&mut self, key: &str) -> Option<Table> {
        if let Value::Table(table) = self.table.remove(key)? {
            Some(table)
        } else {
            self.error(key, "is not a section");
            None
        }
    }

    /// A section below this one; absent is empty.
    pub(super) fn below(&mut self, key: &str) -> Section<'_> {
        let table = self.table(key).unwrap_or_default();
        Section {
            path: self.name(key),
            table,
            lookup: self.lookup,
            errors: self.errors,
        }
    }

    /// Sections of a list of tables.
    pub(super) fn each_below<T>(
        &mut self,
        key: &str,
        mut read: impl FnMut(Section<'_>) -> Option<T>,
    ) -> Vec<T> {
        let items = match self.table.remove(key) {
            None => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.error(key, "is not a list of sections");
                return Vec::new();
            }
        };
        let mut all = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let path = format!("{}[{index}]", self.name(key));
            match item {
                Value::Table(table) => all.extend(read(Section {
                    path,
                    table,
                    lookup: self.lookup,
                    errors: self.errors,
                })),
                _ => self.errors.push(format!("{path} is not a section")),
            }
        }
        all
    }

    pub(super) fn boolean(&mut self, key: &str, default: bool) -> bool {
        match self.table.remove(key) {
            None => default,
            Some(Value::Boolean(flag)) => flag,
            Some(_) => {
                self.error(key, "is not true or false");
                default
            }
        }
    }

    pub(super) fn number(&mut self, key: &str, default: u32, allowed: std::ops::RangeInclusive<u32>) -> u32 {
        match self.table.remove(key) {
            None => default,
            Some(Value::Integer(number)) if u32::try_from(number).is_ok_and(|n| allowed.contains(&n)) => {
                u32::try_from(number).unwrap_or(default)
            }
            Some(_) => {
                let (least, most) = (allowed.start(), allowed.end());
                self.error(key, &format!("is not a whole number from {least} to {most}"));
                default
            }
        }
    }

    pub(super) fn keys(&self) -> Vec<String> {
        self.table.keys().cloned().collect()
    }

    /// Whether something about this section, or below it, was wrong.
    pub(super) fn has_errors(&self) -> bool {
        let about = |error: &String| {
            error
                .strip_prefix(&self.path)
                .is_some_and(|rest| rest.starts_with(['.', ' ']))
        };
        self.errors.iter().any(about)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Whether it is this text; it is read all the same.
    pub(super) fn is(&self, key: &str, text: &str) -> bool {
        matches!(self.table.get(key), Some(Value::String(value)) if value == text)
    }

    /// Any JSON: a text that holds it, or a table that is written like it.
    pub(super) fn json(&mut self, key: &str) -> Option<serde_json::Value> {
        let read = match self.table.remove(key)? {
            Value::String(text) => serde_json::from_str(&text).ok(),
            table @ Value::Table(_) => serde_json::to_value(table).ok(),
            _ => None,
        };
        let object = read.filter(serde_json::Value::is_object);
        if object.is_none() {
            self.error(key, "is not a JSON object, as a text or as a table");
        }
        object
    }

    /// A text for which empty is a value.
    pub(super) fn optional_text_or_empty(&mut self, key: &str) -> Option<String> {
        if matches!(self.table.get(key), Some(Value::String(text)) if text.is_empty()) {
            self.table.remove(key);
            return Some(String::new());
        }
        self.optional_text(key)
    }

    pub(super) fn optional_text(&mut self, key: &str) -> Option<String> {
        match self.table.remove(key)? {
            Value::String(text) if !text.trim().is_empty() => Some(text),
            Value::String(_) => {
                self.error(key, "is empty");
                None
            }
            _ => {
                self.error(key, "is not a text");
                None
            }
        }
    }

    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        if !self.table.contains_key(key) {
            self.error(key, "is missing");
            return None;
        }
        self.optional_text(key)
    }

    pub(super) fn contains(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// A list of texts; a single text is one.
    pub(super) fn texts(&mut self, key: &str) -> Vec<String> {
        let items = match self.table.remove(key) {
            None => return Vec::new(),
            Some(Value::String(text)) => return vec![text],
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.error(key, "is not a text or a list of texts");
                return Vec::new();
            }
        };
        let texts: Vec<String> = items
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        if texts.len() != items.len() {
            self.error(key, "is not a list of texts");
        }
        texts
    }

    pub(super) fn secret(&mut self, key: &str, of: SecretOf) -> Option<Secret> {
        let text = self.text(key)?;
        self.resolve(key, &text, of)
    }

    /// One or more secrets; a single text is one.
    pub(super) fn secrets(&mut self, key: &str, of: SecretOf) -> Vec<Secret> {
        if !self.table.contains_key(key) {
            self.error(key, "is missing");
            return Vec::new();
        }
        let secrets = self.optional_secrets(key, of);
        if secrets.is_empty() && !self.errors.iter().any(|error| error.starts_with(&self.name(key))) {
            self.error(key, "is empty");
        }
        secrets
    }

    pub(super) fn optional_secrets(&mut self, key: &str, of: SecretOf) -> Vec<Secret> {
        let texts = match self.table.remove(key) {
            None => return Vec::new(),
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(items)) => {
                let count = items.len();
                let texts: Vec<String> = items
                    .into_iter()
                    .filter_map(|item| item.as_str().map(str::to_owned))
                    .collect();
                if texts.len() != count {
                    self.error(key, "is not a list of texts");
                }
                texts
            }
            Some(_) => {
                self.error(key, "is not a text or a list of texts");
                return Vec::new();
            }
        };
        texts
            .iter()
            .filter_map(|text| self.resolve(key, text, of))
            .collect()
    }

    fn resolve(&mut self, key: &str, text: &str, of: SecretOf) -> Option<Secret> {
        let value = if let Some(name) = text.strip_prefix("env:") {
            // A secret may have slipped in; only what can be a variable's name is shown.
            let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            let Some(value) = self.lookup.env(name).filter(|_| is_name) else {
                let shown = if is_name { name } else { "with an impossible name" };
                self.error(
                    key,
                    &format!("refers to the environment variable {shown}, which is not set"),
                );
                return None;
            };
            value
        } else if let Some(path) = text.strip_prefix("file:") {
            match self.lookup.file(path) {
                // Editors end a file with a line break; no secret does.
                Ok(value) => value.trim_end_matches(['\r', '\n']).to_owned(),
                Err(error) => {
                    let shown = if path.contains('/') {
                        path
                    } else {
                        "in the working directory"
                    };
                    self.error(
                        key,
                        &format!("refers to the file {shown}, which cannot be read: {error}"),
                    );
                    return None;
                }
            }
        } else {
            text.to_owned()
        };
        match check_secret(&value, of) {
            Ok(()) => Some(Secret::new(value)),
            Err(what) => {
                self.error(key, &what);
                None
            }
        }
    }
}

fn check_secret(value: &str, of: SecretOf) -> Result<(), String> {
    if value.is_empty() {
        return Err("is empty".to_owned());
    }
    if KNOWN_BAD.contains(&value) {
        return Err("is a public default that everybody knows; invent another".to_owned());
    }
    if of == SecretOf::Vendor {
        return Ok(());
    }
    if value.chars().count() < SECRET_MIN_CHARS {
        return Err(format!(
            "is too short: a secret has at least {SECRET_MIN_CHARS} characters"
        ));
    }
    if of == SecretOf::StandardWebhooks && !is_signing_secret(value) {
        return Err(
            "is not a signing secret: whsec_ followed by the base64 of 24 to 64 random bytes".to_owned(),
        );
    }
    Ok(())
}

/// The encoded length tells the key's length closely enough; the exact bytes are the library's business.
fn is_signing_secret(value: &str) -> bool {
    standard_webhooks_key(value).is_some_and(|bytes| (16..=512).contains(&bytes))
}

fn standard_webhooks_key(value: &str) -> Option<usize> {
    let base64 = value.strip_prefix("whsec_").unwrap_or(value);
    let digits = base64.trim_end_matches('=');
    let padding = base64.len() - digits.len();
    let legal = digits
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/');
    (legal && base64.len().is_multiple_of(4) && padding <= 2).then(|| digits.len() * 3 / 4)
}
