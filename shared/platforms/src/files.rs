//! What kind of file something is.

use handover_core::message::Attachment;

/// Endings of files and what they are, for the kinds that platforms show in their own way.
const TYPES: [(&str, &str); 18] = [
    ("aac", "audio/aac"),
    ("gif", "image/gif"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("m4a", "audio/mp4"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("oga", "audio/ogg"),
    ("ogg", "audio/ogg"),
    ("ogv", "video/ogg"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain"),
    ("wav", "audio/wav"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
];

/// How platforms show a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Image,
    Audio,
    Video,
    Other,
}

/// The type by the ending of the name, else of the URL's path.
pub(crate) fn content_type(name: Option<&str>, url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    [name, Some(path)].into_iter().flatten().find_map(|name| {
        let (_, ending) = name.rsplit_once('.')?;
        let ending = ending.to_ascii_lowercase();
        TYPES
            .iter()
            .find_map(|(known, kind)| (*known == ending).then_some(*kind))
    })
}

/// A file as text.
pub(crate) fn line(file: &Attachment) -> String {
    match &file.filename {
        Some(name) if !name.trim().is_empty() => format!("{name}: {}", file.url),
        _ => file.url.clone(),
    }
}

/// What kind of file this is, by its type, else by its name.
pub(crate) fn kind_of(file: &Attachment) -> Kind {
    let guessed = content_type(file.filename.as_deref(), &file.url);
    kind(file.content_type.as_deref().or(guessed))
}

/// The kind by what is known of the type.
fn kind(content_type: Option<&str>) -> Kind {
    match content_type.and_then(|kind| kind.split('/').next()) {
        Some("image") => Kind::Image,
        Some("audio") => Kind::Audio,
        Some("video") => Kind::Video,
        _ => Kind::Other,
    }
}
