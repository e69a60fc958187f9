//! What a customer saw, message by message.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::events::TOKEN_USER;
use crate::model::{AuthorKind, Content, Thread};
use crate::simulated::SimulatedRingcx;
use crate::state::State;

/// Within this time the same words twice are a fault.
const TWICE: SignedDuration = SignedDuration::from_mins(10);

/// Who speaks to the customer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Speaker {
    /// The bridge's bot, or the platform's own.
    Bot,
    /// A person.
    Agent,
    /// The company by itself: automatic messages, surveys.
    Company,
}

/// One message that reached the customer.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The platform's id of the content.
    pub content_id: String,
    /// Who speaks.
    pub speaker: Speaker,
    /// The text.
    pub text: Option<String>,
    /// Buttons, cards and the like, as far as the channel shows them.
    pub structured: Option<Value>,
    /// Its attachments, as the API shows them.
    pub attachments: Vec<Value>,
    /// The content that it answers.
    pub in_reply_to_id: Option<String>,
    /// Whether only the customer sees it. Always true where the channel knows no public contents.
    pub private: bool,
    /// When it was written.
    pub at: Timestamp,
}

impl Seen {
    /// The type of its structured content.
    pub fn structured_type(&self) -> Option<&str> {
        self.structured.as_ref()?["type"].as_str()
    }

    fn says_the_same_as(&self, other: &Self) -> bool {
        let names = |seen: &Self| -> Vec<Value> {
            let files = seen.attachments.iter();
            files.map(|file| file["filename"].clone()).collect()
        };
        self.text == other.text && self.structured == other.structured && names(self) == names(other)
    }
}

impl SimulatedRingcx {
    /// What the customer of a thread saw, as [`State::seen_by_customer`].
    pub fn seen_by_customer(&self, thread: &str) -> Vec<Seen> {
        self.read(|state| state.seen_by_customer(thread))
    }

    /// The thread of a content.
    pub fn thread_of(&self, content: &str) -> Option<Thread> {
        self.read(|state| state.thread(&state.content(content)?.thread_id).cloned())
    }
}

impl State {
    /// Counts a content as seen by the customer.
    pub(crate) fn is_seen(&mut self, content: &str) {
        let count = self.seen;
        if let Some(content) = self.contents.get_mut(content)
            && content.seen.is_none()
        {
            content.seen = Some(count);
            self.seen += 1;
        }
    }

    /// What the customer of a thread saw, in the order in which it arrived: nothing that is on its way or failed.
    pub fn seen_by_customer(&self, thread: &str) -> Vec<Seen> {
        let mut contents: Vec<&Content> = self
            .contents(thread)
            .filter(|content| content.seen.is_some())
            .collect();
        contents.sort_by_key(|content| content.seen);
        contents
            .into_iter()
            .map(|content| self.as_seen(content))
            .collect()
    }

    fn as_seen(&self, content: &Content) -> Seen {
        let native = self.native_of(&content.thread_id);
        let structured = content.structured_content.as_ref();
        Seen {
            content_id: content.id.clone(),
            speaker: self.speaker(content),
            text: content.body.clone(),
            structured: structured.map(|it| native.map_or_else(|| it.clone(), |native| native.trimmed(it))),
            attachments: content.attachments.clone(),
            in_reply_to_id: content.in_reply_to_id.clone(),
            private: content.private
                || native.is_none_or(|it| it.privacy == crate::native::Privacy::Unsupported),
            at: content.created_at,
        }
    }

    fn speaker(&self, content: &Content) -> Speaker {
        let creator = content.creator_id.as_deref();
        let is_bot = creator == Some(TOKEN_USER) || self.is_virtual_agent(creator.unwrap_or_default());
        match content.author_kind {
            _ if is_bot => Speaker::Bot,
            _ if content.auto_submitted => Speaker::Company,
            AuthorKind::Bot => Speaker::Bot,
            AuthorKind::Agent | AuthorKind::Customer => Speaker::Agent,
        }
    }

    /// Whether the customer got no word of the bot twice: the same text, buttons and files within ten minutes.
    ///
    /// # Errors
    ///
    /// Both content ids of the first pair.
    pub fn nothing_twice(&self, thread: &str) -> Result<(), String> {
        let seen = self.seen_by_customer(thread);
        let bots: Vec<&Seen> = seen.iter().filter(|it| it.speaker == Speaker::Bot).collect();
        for (place, later) in bots.iter().enumerate() {
            let earlier = bots[..place].iter().find(|earlier| {
                let apart = later.at.duration_since(earlier.at).abs();
                apart <= TWICE && later.says_the_same_as(earlier)
            });
            if let Some(earlier) = earlier {
                return Err(format!(
                    "{} says the same as {}",
                    later.content_id, earlier.content_id
                ));
            }
        }
        Ok(())
    }

    /// Whether this is the account of the platform's own bot.
    pub(crate) fn is_virtual_agent(&self, user: &str) -> bool {
        self.config.virtual_agent_id.as_deref() == Some(user)
    }
}
