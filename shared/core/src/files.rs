//! Files that people send each other: which may pass, what they are called, and what is said where one cannot pass.

mod address;
mod kinds;

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::Timestamp;
use crate::message::Attachment;

pub use address::{is_public_address, is_public_url, literal_address};
use kinds::{Found, Kind, by_extension, by_type, look};

/// Largest file if nothing else is configured, in bytes. RCE's own limit for a request is 20 MiB; how much it
/// downloads from a link is not documented.
pub const MAX_BYTES: u64 = 20_000_000;
/// Longest name of a file, in characters.
const NAME_MAX_CHARS: usize = 100;
/// The media type of what is of no known kind.
pub const UNKNOWN_TYPE: &str = "application/octet-stream";

/// The part of a hosted file's address that nobody can guess: 40 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileKey(String);

impl FileKey {
    /// From the first 20 bytes of a keyed digest.
    pub fn of(digest: &[u8]) -> Self {
        Self(hex::encode(&digest[..digest.len().min(20)]))
    }

    /// A key as it stands in an address. `None`: it is none, so there is no such file.
    pub fn parse(text: &str) -> Option<Self> {
        let legal = text.len() == 40 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        legal.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is known about a file besides its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    pub filename: String,
    pub content_type: String,
    /// In bytes.
    pub size: u64,
    pub expires_at: Timestamp,
    /// There are no bytes: it was decided that this file is not delivered, and every later attempt says the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refusal>,
}

/// Why a file is not delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Refusal {
    TooLarge {
        /// In bytes, where it is known before the end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size: Option<u64>,
        limit: u64,
    },
    Empty,
    TypeNotAccepted,
    /// Its bytes are of another kind than its name or its type says.
    NotWhatItClaims,
    AddressNotAllowed,
    NotFetched,
    /// It was one of ours, and was kept as long as files are kept.
    Expired,
}

impl Refusal {
    /// A stable word for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::Empty => "empty",
            Self::TypeNotAccepted => "type_not_accepted",
            Self::NotWhatItClaims => "not_what_it_claims",
            Self::AddressNotAllowed => "address_not_allowed",
            Self::NotFetched => "not_fetched",
            Self::Expired => "expired",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge {
                size: Some(size),
                limit,
            } => write!(f, "it is too large ({}, at most {})", Size(*size), Size(*limit)),
            Self::TooLarge { size: None, limit } => {
                write!(f, "it is too large (more than {})", Size(*limit))
            }
            Self::Empty => f.write_str("it is empty"),
            Self::TypeNotAccepted => f.write_str("files of this type are not accepted"),
            Self::NotWhatItClaims => f.write_str("it is not what its name or type says"),
            Self::AddressNotAllowed => f.write_str("its address is not allowed"),
            Self::NotFetched => f.write_str("it could not be fetched"),
            Self::Expired => f.write_str("it is not kept any more"),
        }
    }
}

/// Bytes in the unit that people read; 1 MB is a million.
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = |unit: u64| self.0.div_ceil(unit / 10);
        match self.0 {
            0..1_000 => write!(f, "{} bytes", self.0),
            1_000..1_000_000 => write!(f, "{} kB", self.0.div_ceil(1_000)),
            _ => {
                let tenths = tenths(1_000_000);
                write!(f, "{}.{} MB", tenths / 10, tenths % 10)
            }
        }
    }
}

/// What stands in a message for a file that is not delivered: one line with its name, the reason, and the link if
/// anybody could follow it.
pub fn placeholder(attachment: &Attachment, refusal: &Refusal) -> String {
    let name = shown_name(attachment);
    let link = Url::parse(&attachment.url)
        .ok()
        .filter(|url| *refusal != Refusal::AddressNotAllowed && is_public_url(url));
    match link {
        Some(url) => format!("[The file {name} could not be delivered: {refusal}.] {url}"),
        None => format!("[The file {name} could not be delivered: {refusal}.]"),
    }
}

/// A text, and below it a line for each file that is missing.
pub fn with_lines(text: Option<&str>, lines: &[String]) -> Option<String> {
    if lines.is_empty() {
        return text.map(str::to_owned);
    }
    let lines = lines.join("\n");
    Some(match text.filter(|text| !text.trim().is_empty()) {
        Some(text) => format!("{text}\n{lines}"),
        None => lines,
    })
}

fn shown_name(attachment: &Attachment) -> String {
    let name = attachment.filename.as_deref().map(cleaned);
    name.filter(|name| !name.is_empty())
        .or_else(|| name_in_url(&attachment.url))
        .unwrap_or_else(|| "(without a name)".to_owned())
}

/// What a file passes as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub filename: String,
    pub content_type: String,
}

/// Judges a file by what is said about it: its name or, where that says nothing, the end of its address or its type.
/// What says nothing at all passes; whoever fetches it sees more.
pub fn judge_claims(attachment: &Attachment) -> Result<(), Refusal> {
    claimed(attachment, None).map(drop)
}

/// Judges a file by what is said about it and by its first bytes. `served_as` is the type that its server gave it.
pub fn judge(attachment: &Attachment, served_as: Option<&str>, bytes: &[u8]) -> Result<Accepted, Refusal> {
    let kind = claimed(attachment, served_as)?;
    if bytes.is_empty() {
        return Err(Refusal::Empty);
    }
    let found = look(bytes);
    let Some(kind) = kind.or_else(|| kind_of(found)) else {
        return Err(match found {
            Found::Page | Found::Program => Refusal::NotWhatItClaims,
            _ => Refusal::TypeNotAccepted,
        });
    };
    if !kind.2.allows(found) {
        return Err(Refusal::NotWhatItClaims);
    }
    Ok(Accepted {
        filename: safe_name(attachment, Some(kind.0)),
        content_type: match found {
            // A PNG that is called .jpg is shown all the same.
            Found::Picture(mime) => mime,
            _ => kind.1,
        }
        .to_owned(),
    })
}

/// Judges a file of an agent. RCE took it already, so its kind is free; but a program, a page or an error message in
/// the place of a picture is no picture.
pub fn judge_agents_file(
    attachment: &Attachment,
    served_as: Option<&str>,
    bytes: &[u8],
) -> Result<Accepted, Refusal> {
    match judge(attachment, served_as, bytes) {
        Err(Refusal::TypeNotAccepted) => Ok(Accepted {
            filename: safe_name(attachment, None),
            content_type: UNKNOWN_TYPE.to_owned(),
        }),
        judged => judged,
    }
}

/// What the end of an address tells for certain: programs and pages.
const NEVER: [&str; 12] = [
    "apk", "bat", "cmd", "com", "exe", "hta", "htm", "html", "jar", "js", "msi", "scr",
];

/// The kind that a file claims to be; `None` if it claims none.
fn claimed(attachment: &Attachment, served_as: Option<&str>) -> Result<Option<&'static Kind>, Refusal> {
    let types: Vec<String> = [attachment.content_type.as_deref(), served_as]
        .into_iter()
        .flatten()
        .map(essence)
        .filter(|essence| !says_nothing(essence))
        .collect();
    let by_name = match attachment
        .filename
        .as_deref()
        .map(cleaned)
        .as_deref()
        .and_then(extension)
    {
        Some(extension) => Some(by_extension(extension).ok_or(Refusal::TypeNotAccepted)?),
        // The end of an address is often no name at all (`…/download.php`), so it only counts if it is a known one.
        None => match name_in_url(&attachment.url).as_deref().and_then(extension) {
            Some(extension) if NEVER.contains(&extension.to_ascii_lowercase().as_str()) => {
                return Err(Refusal::TypeNotAccepted);
            }
            Some(extension) => by_extension(extension),
            None => None,
        },
    };
    if let Some(kind) = by_name {
        let contradicts = |essence: &String| is_active(essence) && kind.1 != essence;
        return if types.iter().any(contradicts) {
            Err(Refusal::NotWhatItClaims)
        } else {
            Ok(Some(kind))
        };
    }
    for essence in &types {
        if is_active(essence) {
            return Err(Refusal::TypeNotAccepted);
        }
        if let Some(kind) = by_type(essence) {
            return Ok(Some(kind));
        }
    }
    Ok(None)
}

/// The kind of a file that has neither a telling name nor a type.
fn kind_of(found: Found) -> Option<&'static Kind> {
    match found {
        Found::Picture(mime) | Found::Media(mime) => by_type(mime),
        Found::Pdf => by_extension("pdf"),
        Found::Rtf => by_extension("rtf"),
        Found::Svg => by_extension("svg"),
        Found::Text => by_extension("txt"),
        Found::Zip | Found::Ole | Found::Page | Found::Program | Found::Binary => None,
    }
}

/// A media type without its parameters, in lower case.
fn essence(content_type: &str) -> String {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// Servers say these of files that they know nothing about; a word without a slash is no media type.
fn says_nothing(essence: &str) -> bool {
    !essence.contains('/')
        || matches!(
            essence,
            UNKNOWN_TYPE | "binary/octet-stream" | "application/force-download" | "application/x-download"
        )
}

/// Types of pages and programs, which no file that RCE takes has.
fn is_active(essence: &str) -> bool {
    matches!(
        essence,
        "text/html"
            | "application/xhtml+xml"
            | "text/javascript"
            | "application/javascript"
            | "application/x-javascript"
            | "application/x-msdownload"
            | "application/x-msdos-program"
            | "application/x-dosexec"
            | "application/x-executable"
            | "application/x-mach-binary"
            | "application/vnd.microsoft.portable-executable"
            | "application/x-sh"
            | "application/x-shellscript"
            | "application/x-bat"
            | "application/x-msi"
            | "application/java-archive"
            | "application/vnd.android.package-archive"
            | "application/hta"
    )
}

/// The media type of a file, for whoever shows it: what is said of it if that is one, else what its name tells.
/// `None`: not known.
pub fn media_type(content_type: Option<&str>, filename: Option<&str>, url: &str) -> Option<String> {
    if let Some(said) = content_type.filter(|said| said.contains('/')) {
        return Some(said.to_owned());
    }
    let name = filename.map(str::to_owned).or_else(|| name_in_url(url))?;
    let kind = extension(&name).and_then(by_extension)?;
    Some(kind.1.to_owned())
}

/// The name under which a file is kept and offered: no path, nothing that a file system, a header or a reader's eye
/// trips over, and with the extension that it needs to be recognised.
fn safe_name(attachment: &Attachment, needed: Option<&str>) -> String {
    let given = attachment.filename.as_deref().map(cleaned);
    let mut name = given
        .filter(|name| !name.is_empty())
        .or_else(|| name_in_url(&attachment.url))
        .unwrap_or_else(|| "file".to_owned());
    let has_one = extension(&name).is_some_and(|found| by_extension(found).is_some());
    if let Some(needed) = needed.filter(|_| !has_one) {
        name = format!("{name}.{needed}");
    }
    shortened(&name)
}

/// At most [`NAME_MAX_CHARS`], the extension kept.
fn shortened(name: &str) -> String {
    let length = name.chars().count();
    if length <= NAME_MAX_CHARS {
        return name.to_owned();
    }
    let ending = extension(name).map_or(String::new(), |extension| format!(".{extension}"));
    let kept = NAME_MAX_CHARS - ending.chars().count();
    let stem: String = name.chars().take(kept).collect();
    format!("{}{ending}", stem.trim_end())
}

/// A name as it may be shown: the last part of a path, without what cannot be seen or turns the reading direction.
fn cleaned(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let cleaned: String = last
        .chars()
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .map(|c| if "\"<>:|?*".contains(c) { '_' } else { c })
        .collect();
    cleaned.trim_matches([' ', '.']).to_owned()
}

/// Marks of direction and of zero width, with which `exe.jpg` can be made to look like something else.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// The last segment of a URL's path, if it looks like a file's name.
fn name_in_url(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let last = url.path_segments()?.next_back()?;
    let decoded = percent_encoding::percent_decode_str(last).decode_utf8().ok()?;
    let name = cleaned(&decoded);
    (!name.is_empty()).then_some(name)
}

/// What stands behind the last dot, if it can be an extension.
fn extension(name: &str) -> Option<&str> {
    let (stem, extension) = name.rsplit_once('.')?;
    let legal = (1..=10).contains(&extension.len()) && extension.bytes().all(|b| b.is_ascii_alphanumeric());
    (legal && !stem.is_empty()).then_some(extension)
}

#[cfg(test)]
mod tests;
