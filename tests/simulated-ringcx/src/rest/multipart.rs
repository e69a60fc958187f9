//! Uploads: `multipart/form-data`, as far as an upload of one file needs it (RFC 7578).

use axum::http::{HeaderMap, header};
use bytes::Bytes;

/// One part.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) filename: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) bytes: Bytes,
}

/// The parts of a body; `None` when it is no such body.
pub(super) fn parse(headers: &HeaderMap, body: &Bytes) -> Option<Vec<Part>> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let parameters = kind.strip_prefix("multipart/form-data")?;
    let boundary = parameter(parameters, "boundary")?;
    let delimiter = format!("--{boundary}");
    let mut rest = find(body, delimiter.as_bytes()).map(|at| body.slice(at + delimiter.len()..))?;
    let delimiter = format!("\r\n--{boundary}");
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let start = find(&rest, b"\r\n")? + 2;
        let end = find(&rest, delimiter.as_bytes())?;
        parts.push(part(&rest.slice(start..end.max(start)))?);
        rest = rest.slice(end + delimiter.len()..);
    }
    Some(parts)
}

fn part(text: &Bytes) -> Option<Part> {
    let end = find(text, b"\r\n\r\n")?;
    let head = String::from_utf8(text[..end].to_vec()).ok()?;
    let (mut name, mut filename, mut content_type) = (None, None, None);
    for line in head.split("\r\n") {
        let (header, value) = line.split_once(':')?;
        match header.to_ascii_lowercase().as_str() {
            "content-disposition" => {
                name = parameter(value, "name");
                filename = parameter(value, "filename");
            }
            "content-type" => content_type = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    Some(Part {
        name: name?,
        filename,
        content_type,
        bytes: text.slice(end + 4..),
    })
}

/// A parameter of a header's value, quoted or not.
fn parameter(value: &str, name: &str) -> Option<String> {
    let mut pieces = value.split(';').filter_map(|piece| piece.trim().split_once('='));
    let (_, found) = pieces.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(found.trim_matches('"').to_owned())
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_with_their_exact_bytes() {
        let kind = "multipart/form-data; boundary=b".parse().expect("a header");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, kind)]);
        let body = "--b\r\nContent-Disposition: form-data; name=\"private\"\r\n\r\ntrue\r\n\
                    --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a b.png\"\r\n\
                    Content-Type: image/png\r\n\r\n\r\n--\r\nx\r\n--b--\r\n";
        let parts = parse(&headers, &Bytes::from(body)).expect("two parts");
        assert_eq!(parts.len(), 2);
        assert_eq!(
            (parts[0].name.as_str(), &parts[0].bytes[..]),
            ("private", &b"true"[..])
        );
        assert_eq!(parts[1].filename.as_deref(), Some("a b.png"));
        assert_eq!(parts[1].content_type.as_deref(), Some("image/png"));
        assert_eq!(&parts[1].bytes[..], b"\r\n--\r\nx");
        assert!(parse(&headers, &Bytes::from_static(b"--b\r\nno end")).is_none());
    }
}
