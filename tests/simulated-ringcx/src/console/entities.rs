//! The records of the console.

use std::collections::BTreeMap;

use crate::native::AttachmentsLevel;

/// When the account was set up.
pub(crate) const SET_UP: &str = "2026-01-01T00:00:00Z";

/// A label of threads, and a skill of agents.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, as in the console"
)]
pub(crate) struct Category {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) parent_id: Option<String>,
    pub(crate) color: u8,
    pub(crate) mandatory: bool,
    pub(crate) multiple: bool,
    pub(crate) post_qualification: bool,
    /// A heading for its children, which no thread carries.
    pub(crate) unselectable: bool,
    pub(crate) source_ids: Vec<String>,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

impl Category {
    pub(crate) fn new(id: &str, name: &str, parent: Option<&str>) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            parent_id: parent.map(str::to_owned),
            color: 0,
            mandatory: false,
            multiple: false,
            post_qualification: false,
            unselectable: false,
            source_ids: Vec::new(),
            created_at: SET_UP.to_owned(),
            updated_at: SET_UP.to_owned(),
        }
    }
}

/// A connection to an outside platform; the page calls it a channel.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) active: bool,
    pub(crate) color: u8,
    /// The channel group.
    pub(crate) channel_id: String,
    pub(crate) community_id: String,
    pub(crate) default_category_ids: Vec<String>,
    pub(crate) user_thread_default_category_ids: Vec<String>,
    pub(crate) attachments_level: AttachmentsLevel,
    /// What is wrong with its synchronisation.
    pub(crate) error_message: Option<String>,
    pub(crate) updated_at: String,
}

impl Source {
    pub(crate) fn new(id: &str, name: &str, kind: &str, community: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            kind: kind.to_owned(),
            active: true,
            color: 0,
            channel_id: crate::events::ASYNC_CHANNEL.to_owned(),
            community_id: community.to_owned(),
            default_category_ids: Vec::new(),
            user_thread_default_category_ids: Vec::new(),
            attachments_level: AttachmentsLevel::Relaxed,
            error_message: None,
            updated_at: SET_UP.to_owned(),
        }
    }
}

/// A saved search over threads.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) query: Option<String>,
    pub(crate) parent_id: Option<String>,
    pub(crate) position: i64,
    pub(crate) render_threads_count: bool,
    pub(crate) restrictions: Restrictions,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

/// Who sees a folder; an empty list is everybody.
#[derive(Clone, Debug, Default)]
pub(crate) struct Restrictions {
    pub(crate) roles: Vec<String>,
    pub(crate) teams: Vec<String>,
    pub(crate) users: Vec<String>,
}

/// A person's account; the API calls it a user.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) firstname: String,
    pub(crate) lastname: String,
    pub(crate) email: String,
    pub(crate) enabled: bool,
    pub(crate) role_id: &'static str,
    pub(crate) category_ids: Vec<String>,
    /// The identities that the person speaks as, in the platform's ids.
    pub(crate) identity_ids: Vec<String>,
    /// By source.
    pub(crate) permissions: BTreeMap<String, Vec<String>>,
    pub(crate) updated_at: String,
}

impl Account {
    pub(crate) fn new(id: &str, name: &str, role_id: &'static str) -> Self {
        let (firstname, lastname) = name.split_once(' ').unwrap_or((name, ""));
        Self {
            id: id.to_owned(),
            firstname: firstname.to_owned(),
            lastname: lastname.to_owned(),
            email: format!("{id}@simulated.example"),
            enabled: true,
            role_id,
            category_ids: Vec::new(),
            identity_ids: Vec::new(),
            permissions: BTreeMap::new(),
            updated_at: SET_UP.to_owned(),
        }
    }
}

/// Some people.
#[derive(Clone, Debug)]
pub(crate) struct Team {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) user_ids: Vec<String>,
}

/// An access token of the REST API.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) id: String,
    pub(crate) value: String,
    /// The account that created it.
    pub(crate) owner: String,
    pub(crate) enabled: bool,
}
