//! What the bot's platform calls the person, and whether they are there.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::ports::Address;

use super::Conversation;

/// Who is back so soon only reloaded a page; agents need not read of it.
pub const RELOAD: SignedDuration = SignedDuration::from_secs(5);

/// What the bot platform calls this conversation, where that differs from our ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_token: Option<String>,
    /// Which version of the bot talks (Chatlayer: `DRAFT` or `LIVE`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl Platform {
    /// Takes over what `newer` says; what it does not mention stays.
    pub fn update(&mut self, newer: Self) {
        for (slot, value) in [
            (&mut self.user_id, newer.user_id),
            (&mut self.session_id, newer.session_id),
            (&mut self.url_token, newer.url_token),
            (&mut self.version, newer.version),
        ] {
            if value.is_some() {
                *slot = value;
            }
        }
    }
}

/// Whether the person is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    pub connected: bool,
    pub since: Timestamp,
    /// What the agents read last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<bool>,
}

impl Conversation {
    /// What the bot's platform calls this conversation.
    pub fn called(&mut self, platform: Platform) {
        self.platform.get_or_insert_default().update(platform);
    }

    /// What the bot's platform calls the person and the session.
    pub fn address(&self) -> Address {
        let named = self.platform.clone().unwrap_or_default();
        let session_id = named.session_id.unwrap_or_else(|| self.id.as_str().to_owned());
        let user_id = named.user_id.or_else(|| self.user.id.clone());
        Address {
            user_id: user_id.unwrap_or_else(|| session_id.clone()),
            session_id,
            url_token: named.url_token,
            version: named.version,
        }
    }

    /// Whether it is with the person whom the bot, or its platform, calls so.
    pub fn is_of(&self, user_id: &str) -> bool {
        let by_platform = self
            .platform
            .as_ref()
            .and_then(|platform| platform.user_id.as_deref());
        [self.user.id.as_deref(), by_platform].contains(&Some(user_id))
    }

    /// The person came back, or went. Agents are told while they have the conversation; `false`: there is nothing to
    /// tell.
    pub fn came_or_went(&mut self, connected: bool, now: Timestamp) -> bool {
        let before = self.presence.filter(|_| self.in_handover());
        let is_back = |p: &Presence| !p.connected && now.duration_since(p.since) < RELOAD;
        let reloaded = connected && before.as_ref().is_some_and(is_back);
        let told = before.and_then(|p| p.told).or_else(|| reloaded.then_some(true));
        self.presence = Some(Presence {
            connected,
            since: now,
            told,
        });
        self.in_handover()
    }

    /// What there is to tell of a change at `since`: nothing if another followed, or if the agents know.
    pub fn presence_to_tell(&self, since: Timestamp) -> Option<bool> {
        let presence = self.presence.filter(|p| self.in_handover() && p.since == since)?;
        (presence.told != Some(presence.connected)).then_some(presence.connected)
    }

    /// The agents were told.
    pub fn presence_told(&mut self, connected: bool) {
        if let Some(presence) = self.presence.as_mut() {
            presence.told = Some(connected);
        }
    }
}
