//! A file as `multipart/form-data` (RFC 7578), in the part `file` (REST API, "Creating an attachment").

use handover_core::files::UNKNOWN_TYPE;
use handover_core::ports::Upload;
use sha2::{Digest as _, Sha256};

/// Longest name of a file, in characters.
const FILENAME_MAX: usize = 100;

/// The body's own content type, and the body. The same file gives the same body.
pub(crate) fn form_data(file: &Upload) -> (String, Vec<u8>) {
    // A digest of the file: nothing contains its own.
    let boundary = hex::encode(&Sha256::digest(&file.bytes)[..16]);
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n",
        filename(&file.filename),
        media_type(&file.content_type),
    );
    let end = format!("\r\n--{boundary}--\r\n");
    let body = [head.as_bytes(), &file.bytes, end.as_bytes()].concat();
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// The name of a file as it may stand in a header, in UTF-8 as browsers write it: without a path, quotation marks and
/// control characters. Its end, by which RCE tells what it is, stays.
fn filename(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let legal: Vec<char> = last
        .chars()
        .filter(|c| !c.is_control())
        .map(|c| if c == '"' { '\'' } else { c })
        .collect();
    let cut: String = legal
        .iter()
        .skip(legal.len().saturating_sub(FILENAME_MAX))
        .collect();
    match cut.trim() {
        "" => "file".to_owned(),
        name => name.to_owned(),
    }
}

/// A media type as it may stand in a header; what is none is bytes.
fn media_type(text: &str) -> &str {
    let is_token = |part: &str| {
        let legal = |c: char| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c);
        !part.is_empty() && part.chars().all(legal)
    };
    let essence = text.split(';').next().unwrap_or_default().trim_end();
    let is_type = essence
        .split_once('/')
        .is_some_and(|(kind, sub)| is_token(kind) && is_token(sub));
    let is_safe = text.chars().all(|c| matches!(c, ' '..='~'));
    if is_type && is_safe { text } else { UNKNOWN_TYPE }
}
