//! Channels that the platform itself owns: what each kind takes, and how it differs from the others.
//!
//! The platform documents that channels differ, but few numbers. Where it has none, these are the outside platforms'
//! own, and every one of them can be chosen.

use serde_json::Value;

/// A channel of the platform, which its API calls a source.
#[derive(Clone, Debug)]
pub struct NativeSource {
    /// The platform's id.
    pub id: String,
    /// The name an administrator gave it.
    pub name: String,
    /// What it connects to.
    pub kind: NativeKind,
    /// The types of structured content that it takes: `capabilities_supported`.
    pub capabilities: Vec<String>,
    /// The longest body that can be sent, in characters.
    pub max_characters: usize,
    /// How many buttons or items it shows; further ones are dropped without a word (REST API, structured contents).
    pub max_items: usize,
    /// How long a button's title may be, in characters; longer ones are cut.
    pub max_title: usize,
    /// Whether its contents are private.
    pub privacy: Privacy,
    /// Whether its threads can be closed and opened.
    pub closes_threads: bool,
    /// Which attachments it takes.
    pub attachments: AttachmentsLevel,
    /// The largest attachment that it takes, in bytes.
    pub max_attachment: usize,
}

/// What a channel connects to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NativeKind {
    /// Apple Messages for Business.
    AppleMessages,
    /// `WhatsApp`.
    WhatsApp,
    /// Facebook Messenger.
    Messenger,
    /// E-mail: bodies are HTML.
    Email,
    /// Text messages.
    Sms,
    /// The platform's own messaging for web pages and apps.
    EngageMessaging,
    /// Private messages of a community ("Answers"): only private replies stay private.
    PrivateMessages,
}

/// Whether contents are private, and whether `private` may be asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Privacy {
    /// `private` is not supported.
    Unsupported,
    /// Customers' messages are private, and so must be the answers: without `private=true` everybody reads them.
    Private,
}

/// The setting `attachments_security_level` of a source.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AttachmentsLevel {
    /// Pictures, sound and films.
    Strict,
    /// Documents as well.
    Relaxed,
    /// Everything.
    Permissive,
}

const PICTURES_AND_MEDIA: &str =
    "bmp gif jpg jpeg png webp aac mp3 ogg m4a amr avi flv m4v mkv mov mp4 mpg mpeg4 qt wmv";
const DOCUMENTS: &str = "pdf csv txt log xls xlsm xlsx pps ppt pptx pot key odp numbers ods ots doc docm docx dotm \
                         dotx pages odt ott rtf eml msg tif tiff vcard svg";

impl AttachmentsLevel {
    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Relaxed => "relaxed",
            Self::Permissive => "permissive",
        }
    }

    pub(crate) fn takes(self, filename: &str) -> bool {
        let extension = filename.rsplit_once('.').map_or("", |(_, extension)| extension);
        let extension = extension.to_ascii_lowercase();
        let is_in = |list: &str| list.split_whitespace().any(|known| known == extension);
        match self {
            Self::Strict => is_in(PICTURES_AND_MEDIA),
            Self::Relaxed => is_in(PICTURES_AND_MEDIA) || is_in(DOCUMENTS),
            Self::Permissive => true,
        }
    }
}

impl NativeKind {
    /// The type of a source, and of a content's source, in the API and in events.
    pub fn source_type(self) -> &'static str {
        match self {
            Self::AppleMessages => "apple_messages_for_business",
            Self::WhatsApp => "whats_app",
            Self::Messenger => "messenger",
            Self::Email => "emails",
            Self::Sms => "sms",
            Self::EngageMessaging => "engage_messaging",
            Self::PrivateMessages => "answers",
        }
    }

    /// The type of a resource in events.
    pub fn resource_type(self) -> &'static str {
        match self {
            Self::AppleMessages => "apple_messages_for_business/message",
            Self::WhatsApp => "whats_app/message",
            Self::Messenger => "messenger/message",
            Self::Email => "emails/email",
            Self::Sms => "sms/message",
            Self::EngageMessaging => "chat/message",
            Self::PrivateMessages => "answers/private_message",
        }
    }

    /// `html` or `text`: how bodies are written.
    pub fn body_format(self) -> &'static str {
        if self == Self::Email { "html" } else { "text" }
    }

    fn capabilities(self) -> &'static [&'static str] {
        match self {
            Self::AppleMessages => &["select", "list", "rich_link", "time_select", "form"],
            Self::WhatsApp => &["select", "rich_link", "template", "carousel"],
            Self::Messenger => &["select", "template", "carousel"],
            Self::EngageMessaging => &["select", "list", "rich_link", "template", "carousel"],
            Self::Email | Self::Sms | Self::PrivateMessages => &[],
        }
    }

    fn max_characters(self) -> usize {
        match self {
            Self::WhatsApp => 4096,
            Self::Messenger => 2000,
            Self::Sms => 1600,
            Self::AppleMessages | Self::EngageMessaging => 10_000,
            Self::Email | Self::PrivateMessages => 100_000,
        }
    }
}

impl NativeSource {
    /// A channel of this kind as it usually is. `id`: 24 hexadecimal digits like every id of the platform.
    pub fn new(id: impl Into<String>, name: impl Into<String>, kind: NativeKind) -> Self {
        let (max_items, max_title) = match kind {
            NativeKind::WhatsApp => (10, 24),
            NativeKind::Messenger => (13, 20),
            _ => (usize::MAX, usize::MAX),
        };
        Self {
            id: id.into(),
            name: name.into(),
            kind,
            capabilities: kind.capabilities().iter().map(|&it| it.to_owned()).collect(),
            max_characters: kind.max_characters(),
            max_items,
            max_title,
            privacy: if kind == NativeKind::PrivateMessages {
                Privacy::Private
            } else {
                Privacy::Unsupported
            },
            closes_threads: matches!(
                kind,
                NativeKind::Messenger
                    | NativeKind::Email
                    | NativeKind::EngageMessaging
                    | NativeKind::PrivateMessages
            ),
            attachments: AttachmentsLevel::Relaxed,
            max_attachment: 15 << 20,
        }
    }

    /// Whether its kind can begin a conversation with a customer who did not write.
    pub(crate) fn can_initiate(&self) -> bool {
        matches!(
            self.kind,
            NativeKind::WhatsApp | NativeKind::Email | NativeKind::Sms | NativeKind::EngageMessaging
        )
    }

    /// Structured content as the customer gets it: what exceeds the channel's limits is dropped or cut.
    pub(crate) fn trimmed(&self, structured: &Value) -> Value {
        let mut trimmed = structured.clone();
        if let Some(items) = trimmed["items"].as_array_mut() {
            items.truncate(self.max_items);
            for item in items {
                if let Some(title) = item["title"].as_str().map(str::to_owned) {
                    item["title"] = Value::from(cut(&title, self.max_title));
                }
            }
        }
        trimmed
    }
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}
