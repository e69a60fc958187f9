//! The console's objects, as far as a set-up needs them.

use serde_json::Value;

use super::ConsoleError;
use crate::json;

/// A category; one without a parent groups others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    pub id: String,
    pub name: String,
    pub parent_id: Option<String>,
    pub unselectable: bool,
}

/// A source: a channel on which people write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub id: String,
    pub name: String,
    /// `sdk` is a Source SDK channel, ours; every other word is another kind.
    pub kind: Option<String>,
    pub active: bool,
    /// RCE's word for how it fares: `ok`, `error`, …
    pub status: Option<String>,
    pub error_message: Option<String>,
    /// The channel group that routes it.
    pub channel_id: Option<String>,
    pub community_id: Option<String>,
    /// Of threads that customers begin.
    pub default_category_ids: Vec<String>,
    /// Of threads that the company begins.
    pub user_thread_default_category_ids: Vec<String>,
}

/// An agent (or the account of a token).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: String,
    pub email: Option<String>,
    /// First and last name, else the nickname, else nothing.
    pub name: String,
    pub enabled: bool,
    pub role_id: Option<String>,
    pub team_ids: Vec<String>,
    pub category_ids: Vec<String>,
    /// The identities that they may speak as.
    pub identity_ids: Vec<String>,
}

/// What a role may do: the names of its rights that are on (`manage_categories`, …).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    pub id: String,
    pub label: String,
    pub rights: Vec<String>,
}

/// A channel group (console: *Channels*, part of routing).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    pub id: String,
    pub name: String,
    pub source_ids: Vec<String>,
    /// Most tasks that an agent is given at once; 0 or none: tasks are not pushed.
    pub hard_capability: Option<u64>,
    pub soft_capability: Option<u64>,
}

/// A folder of the agents' desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    pub id: String,
    pub label: String,
    pub query: Option<String>,
}

/// A face on a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub id: String,
    pub foreign_id: Option<String>,
    pub screenname: Option<String>,
    /// The channel that it is a face on, as a source names its own.
    pub community_id: Option<String>,
    /// The agents who may speak as it. Only a controlled identity has any.
    pub user_ids: Vec<String>,
}

impl Category {
    pub(super) fn read(value: &Value) -> Result<Self, ConsoleError> {
        Ok(Self {
            id: id(value, "read a category")?,
            name: text(value, "name").unwrap_or_default(),
            parent_id: json::id(value.get("parent_id")),
            unselectable: flag(value, "unselectable"),
        })
    }
}

impl Source {
    pub(super) fn read(value: &Value) -> Result<Self, ConsoleError> {
        Ok(Self {
            id: id(value, "read a source")?,
            name: text(value, "name").unwrap_or_default(),
            kind: text(value, "type"),
            active: flag(value, "active"),
            status: text(value, "status"),
            error_message: text(value, "error_message"),
            channel_id: json::id(value.get("channel_id")),
            community_id: json::id(value.get("community_id")),
            default_category_ids: ids(value, "default_category_ids"),
            user_thread_default_category_ids: ids(value, "user_thread_default_category_ids"),
        })
    }

    /// Whether it is a Source SDK channel. The pages do not list the words for it; all that were seen end in `sdk`.
    pub fn is_sdk(&self) -> bool {
        self.kind.as_deref().is_none_or(|kind| {
            let kind = kind.to_ascii_lowercase();
            kind.ends_with("sdk") || kind.starts_with("sdk")
        })
    }
}

impl User {
    pub(super) fn read(value: &Value) -> Result<Self, ConsoleError> {
        let names: Vec<String> = ["firstname", "lastname"]
            .into_iter()
            .filter_map(|member| text(value, member))
            .collect();
        let name = if names.is_empty() {
            text(value, "nickname").unwrap_or_default()
        } else {
            names.join(" ")
        };
        Ok(Self {
            id: id(value, "read an agent")?,
            email: text(value, "email"),
            name,
            enabled: value.get("enabled").and_then(Value::as_bool).unwrap_or(true),
            role_id: json::id(value.get("role_id")),
            team_ids: ids(value, "team_ids"),
            category_ids: ids(value, "category_ids"),
            identity_ids: ids(value, "identity_ids"),
        })
    }
}

impl Role {
    pub(super) fn read(value: &Value) -> Result<Self, ConsoleError> {
        let members = value.as_object().into_iter().flatten();
        Ok(Self {
            id: id(value, "read a role")?,
            label: text(value, "label").unwrap_or_default(),
            rights: members
                .filter(|(_, on)| **on == Value::Bool(true))
                .map(|(name, _)| name.clone())
                .collect(),
        })
    }
}

impl Channel {
    pub(super) fn read(value: &Value) -> Result<Self, ConsoleError> {
        Ok(Self {
            id: id(value, "read a channel group")?,
            name: text(value, "name").unwrap_or_default(),
            source_ids: ids(value, "source_ids"),
            hard_capability: json::count(value.get("hard_capability")),
            soft_capability: json::count(value.get("soft_capability")),
        })
    }
}

impl Folder {
    pub(super) fn read(value: &Value) -> Result<Self, ConsoleError> {
        Ok(Self {
            id: id(value, "read a folder")?,
            label: text(value, "label").unwrap_or_default(),
            query: text(value, "query"),
        })
    }
}

impl Identity {
    pub(super) fn read(value: &Value) -> Result<Self, ConsoleError> {
        Ok(Self {
            id: id(value, "read an identity")?,
            foreign_id: json::id(value.get("foreign_id")),
            screenname: text(value, "screenname"),
            community_id: json::id(value.get("community_id")),
            user_ids: ids(value, "user_ids"),
        })
    }
}

/// Some agents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    pub id: String,
    pub name: String,
    pub user_ids: Vec<String>,
}

impl Team {
    pub(super) fn read(value: &Value) -> Result<Self, ConsoleError> {
        Ok(Self {
            id: id(value, "read a team")?,
            name: text(value, "name").unwrap_or_default(),
            user_ids: ids(value, "user_ids"),
        })
    }
}

/// A list of permissions: RCE renders arrays, and takes words with commas between them.
pub(super) fn permissions(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => text
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect(),
        other => json::items(other)
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    }
}

pub(super) fn id(value: &Value, operation: &'static str) -> Result<String, ConsoleError> {
    json::id(value.get("id")).ok_or_else(|| ConsoleError::unreadable(operation))
}

pub(super) fn ids(value: &Value, member: &str) -> Vec<String> {
    let items = json::items(value.get(member));
    items.iter().filter_map(|item| json::id(Some(item))).collect()
}

/// Names end up in lines on a terminal: no control character of theirs breaks or forges one.
pub(super) fn text(value: &Value, member: &str) -> Option<String> {
    let text = value.get(member)?.as_str()?;
    let on_one_line = |c: char| if c.is_control() { ' ' } else { c };
    (!text.is_empty()).then(|| text.chars().map(on_one_line).collect())
}

pub(super) fn flag(value: &Value, member: &str) -> bool {
    value.get(member).and_then(Value::as_bool).unwrap_or(false)
}
