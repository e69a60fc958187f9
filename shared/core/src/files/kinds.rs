//! The kinds of files that RCE takes, and what their first bytes must look like.

/// What a kind of file consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A raster image; one format may carry the name of another.
    Picture,
    Svg,
    /// Sound or film. Its containers are too many to know them all, so unknown binary data is taken too.
    Media,
    Pdf,
    /// A ZIP archive with a document in it, or its encrypted form.
    Package,
    /// An office document of before 2007; programs save other formats under these names too.
    Office,
    Rtf,
    Text,
    /// Whatever is neither a program nor a web page.
    Any,
}

/// Extension, media type, form: "Accepted extensions" of the attachments page of the Source SDK.
pub(super) type Kind = (&'static str, &'static str, Form);

pub(super) const KINDS: &[Kind] = &[
    // audio
    ("aac", "audio/aac", Form::Media),
    ("mp3", "audio/mpeg", Form::Media),
    ("ogg", "audio/ogg", Form::Media),
    ("m4a", "audio/mp4", Form::Media),
    // excel
    ("xls", "application/vnd.ms-excel", Form::Office),
    (
        "xlsm",
        "application/vnd.ms-excel.sheet.macroenabled.12",
        Form::Package,
    ),
    (
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        Form::Package,
    ),
    ("xlc", "application/vnd.ms-excel", Form::Office),
    ("xlt", "application/vnd.ms-excel", Form::Office),
    (
        "xltm",
        "application/vnd.ms-excel.template.macroenabled.12",
        Form::Package,
    ),
    (
        "xltx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.template",
        Form::Package,
    ),
    // image
    ("bmp", "image/bmp", Form::Picture),
    ("gif", "image/gif", Form::Picture),
    ("jpg", "image/jpeg", Form::Picture),
    ("jpeg", "image/jpeg", Form::Picture),
    ("png", "image/png", Form::Picture),
    ("svg", "image/svg+xml", Form::Svg),
    ("webp", "image/webp", Form::Picture),
    // message
    ("eml", "message/rfc822", Form::Text),
    ("msg", "application/vnd.ms-outlook", Form::Office),
    ("pdf", "application/pdf", Form::Pdf),
    // presentation
    ("key", "application/vnd.apple.keynote", Form::Package),
    (
        "odp",
        "application/vnd.oasis.opendocument.presentation",
        Form::Package,
    ),
    (
        "otp",
        "application/vnd.oasis.opendocument.presentation-template",
        Form::Package,
    ),
    // powerpoint
    ("pps", "application/vnd.ms-powerpoint", Form::Office),
    ("ppt", "application/vnd.ms-powerpoint", Form::Office),
    (
        "pptx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        Form::Package,
    ),
    ("pot", "application/vnd.ms-powerpoint", Form::Office),
    // spreadsheet
    ("numbers", "application/vnd.apple.numbers", Form::Package),
    (
        "ods",
        "application/vnd.oasis.opendocument.spreadsheet",
        Form::Package,
    ),
    (
        "ots",
        "application/vnd.oasis.opendocument.spreadsheet-template",
        Form::Package,
    ),
    // text
    ("csv", "text/csv", Form::Text),
    ("txt", "text/plain", Form::Text),
    ("log", "text/plain", Form::Text),
    // video
    ("avi", "video/x-msvideo", Form::Media),
    ("flv", "video/x-flv", Form::Media),
    ("m4v", "video/x-m4v", Form::Media),
    ("mkv", "video/x-matroska", Form::Media),
    ("mov", "video/quicktime", Form::Media),
    ("mp4", "video/mp4", Form::Media),
    ("mpg", "video/mpeg", Form::Media),
    ("mpeg4", "video/mp4", Form::Media),
    ("qt", "video/quicktime", Form::Media),
    ("wmv", "video/x-ms-wmv", Form::Media),
    // word
    ("doc", "application/msword", Form::Office),
    (
        "docm",
        "application/vnd.ms-word.document.macroenabled.12",
        Form::Package,
    ),
    (
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        Form::Package,
    ),
    (
        "dotm",
        "application/vnd.ms-word.template.macroenabled.12",
        Form::Package,
    ),
    (
        "dotx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.template",
        Form::Package,
    ),
    // word processing
    ("pages", "application/vnd.apple.pages", Form::Package),
    ("odt", "application/vnd.oasis.opendocument.text", Form::Package),
    (
        "ott",
        "application/vnd.oasis.opendocument.text-template",
        Form::Package,
    ),
    ("rtf", "application/rtf", Form::Rtf),
    // other
    ("amr", "audio/amr", Form::Media),
    ("dms", "application/octet-stream", Form::Any),
    ("vcard", "text/vcard", Form::Text),
    ("tif", "image/tiff", Form::Picture),
    ("tiff", "image/tiff", Form::Picture),
    ("mpeg", "video/mpeg", Form::Media),
];

/// Other names of media types, as servers and telephones give them, with the extension that they stand for.
const ALIASES: &[(&str, &str)] = &[
    ("image/jpg", "jpg"),
    ("image/pjpeg", "jpg"),
    ("image/x-ms-bmp", "bmp"),
    ("audio/mp3", "mp3"),
    ("audio/m4a", "m4a"),
    ("audio/x-m4a", "m4a"),
    ("audio/x-aac", "aac"),
    ("application/ogg", "ogg"),
    ("video/avi", "avi"),
    ("application/x-pdf", "pdf"),
    ("text/rtf", "rtf"),
    ("text/x-vcard", "vcard"),
];

pub(super) fn by_extension(extension: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.0.eq_ignore_ascii_case(extension))
}

pub(super) fn by_type(essence: &str) -> Option<&'static Kind> {
    // It names no kind at all.
    if essence == "application/octet-stream" {
        return None;
    }
    let alias = ALIASES.iter().find(|(name, _)| *name == essence);
    match alias {
        Some((_, extension)) => by_extension(extension),
        None => KINDS.iter().find(|kind| kind.1 == essence),
    }
}

/// What the first bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// With its media type.
    Picture(&'static str),
    Media(&'static str),
    Pdf,
    Zip,
    /// The container of office documents of before 2007, and of encrypted ones.
    Ole,
    Rtf,
    Svg,
    /// A web page or a script: text, but never what a picture or a document is.
    Page,
    /// Never what an attachment claims to be.
    Program,
    Text,
    /// Bytes of no known kind.
    Binary,
}

/// How many bytes are looked at.
const HEAD: usize = 8 * 1024;

const PICTURES: [&str; 6] = [
    "image/bmp",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/tiff",
    "image/webp",
];

pub(super) fn look(bytes: &[u8]) -> Found {
    let head = &bytes[..bytes.len().min(HEAD)];
    if head.starts_with(&[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]) {
        return Found::Ole;
    }
    let text = is_text(head);
    if text && is_svg(head) {
        return Found::Svg;
    }
    let Some(kind) = infer::get(head) else {
        return if text { Found::Text } else { Found::Binary };
    };
    match kind.mime_type() {
        "application/pdf" => Found::Pdf,
        "application/rtf" => Found::Rtf,
        "text/html" | "text/x-shellscript" => Found::Page,
        _ if text => Found::Text,
        mime if PICTURES.contains(&mime) => Found::Picture(mime),
        mime if mime.starts_with("audio/") || mime.starts_with("video/") => Found::Media(mime),
        _ if head.starts_with(b"PK\x03\x04") => Found::Zip,
        _ if kind.matcher_type() == infer::MatcherType::App => Found::Program,
        _ => Found::Binary,
    }
}

/// Text has no NUL, unless it says that it is UTF-16.
fn is_text(head: &[u8]) -> bool {
    head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF]) || !head.contains(&0)
}

fn is_svg(head: &[u8]) -> bool {
    let text = head.trim_ascii_start();
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let begins = [&b"<svg"[..], b"<?xml", b"<!--", b"<!DOCTYPE svg"];
    begins.iter().any(|begin| text.starts_with(begin)) && text.windows(4).any(|four| four == b"<svg")
}

impl Form {
    /// Whether a file of this form may begin like that.
    pub(super) fn allows(self, found: Found) -> bool {
        match self {
            Self::Picture => matches!(found, Found::Picture(_)),
            Self::Svg => found == Found::Svg,
            Self::Media => matches!(found, Found::Media(_) | Found::Binary),
            Self::Pdf => found == Found::Pdf,
            Self::Package => matches!(found, Found::Zip | Found::Ole),
            Self::Office => matches!(found, Found::Ole | Found::Zip | Found::Rtf),
            Self::Rtf => found == Found::Rtf,
            // The text of a page or a script is a text, as long as nobody is told that it is more.
            Self::Text => matches!(found, Found::Text | Found::Svg | Found::Page | Found::Rtf),
            Self::Any => !matches!(found, Found::Page | Found::Program),
        }
    }
}
