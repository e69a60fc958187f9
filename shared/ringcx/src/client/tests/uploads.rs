//! Files into RCE.

use bytes::Bytes;
use handover_core::ids::AttachmentId;
use handover_core::ports::{Contents as _, RingCxError, Upload};
use serde_json::json;

use super::Bench;
use super::server::Seen;

fn file(filename: &str, content_type: &str) -> Upload {
    Upload {
        filename: filename.to_owned(),
        content_type: content_type.to_owned(),
        bytes: Bytes::from_static(b"\x89PNG\r\n--\x00\xff"),
    }
}

async fn uploaded(file: &Upload) -> Seen {
    let bench = Bench::new().await;
    bench
        .server
        .answers_json(&json!({"id": "f1", "url": "https://acme.test/attachments/f1"}));
    let id = bench.client.upload(&bench.connection, file).await.unwrap();
    assert_eq!(id, AttachmentId::new("f1"));
    bench.server.only()
}

/// The head of the only part.
fn head(seen: &Seen) -> String {
    let body = String::from_utf8_lossy(&seen.body).into_owned();
    body.split("\r\n\r\n").next().unwrap().to_owned()
}

#[tokio::test]
async fn a_file_is_one_part_named_file_and_arrives_byte_for_byte() {
    let seen = uploaded(&file("box.png", "image/png")).await;
    assert_eq!(
        (seen.method.as_str(), seen.target.as_str()),
        ("POST", "/1.0/attachments")
    );
    let boundary = seen
        .header("content-type")
        .strip_prefix("multipart/form-data; boundary=")
        .unwrap();
    let mut expected = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"box.png\"\r\n\
         Content-Type: image/png\r\n\r\n"
    )
    .into_bytes();
    expected.extend_from_slice(b"\x89PNG\r\n--\x00\xff");
    expected.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    assert_eq!(seen.body, expected);
    assert_eq!(
        seen.header("content-length"),
        expected.len().to_string(),
        "not in chunks"
    );
}

#[tokio::test]
async fn no_name_breaks_out_of_its_header() {
    for (name, written) in [
        ("größe 1.pdf", "größe 1.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\zoe\\cv.doc", "cv.doc"),
        ("a\"; name=\"private\".png", "a'; name='private'.png"),
        ("a\r\nX-Evil: 1\r\n\r\nb.png", "aX-Evil: 1b.png"),
        ("\u{0}", "file"),
        ("", "file"),
    ] {
        let head = head(&uploaded(&file(name, "image/png")).await);
        let mut lines = head.lines();
        let expected = format!("Content-Disposition: form-data; name=\"file\"; filename=\"{written}\"");
        assert_eq!(lines.nth(1), Some(expected.as_str()));
        assert_eq!(lines.next(), Some("Content-Type: image/png"));
        assert_eq!(lines.next(), None);
    }
    let long = head(&uploaded(&file(&format!("{}.pdf", "x".repeat(500)), "image/png")).await);
    assert!(long.contains(&format!("\"{}.pdf\"", "x".repeat(96))), "{long}");
}

#[tokio::test]
async fn a_type_that_is_none_is_bytes() {
    for odd in [
        "",
        "image",
        "image/",
        "/png",
        "im age/png",
        "image/png\r\nX-Evil: 1",
        "image/png; a=\u{e9}",
    ] {
        let head = head(&uploaded(&file("a.png", odd)).await);
        assert!(head.ends_with("Content-Type: application/octet-stream"), "{head}");
    }
}

#[tokio::test]
async fn a_type_keeps_its_parameters() {
    let head = head(&uploaded(&file("a.csv", "text/csv; charset=utf-8")).await);
    assert!(head.ends_with("Content-Type: text/csv; charset=utf-8"), "{head}");
}

#[tokio::test]
async fn no_file_ends_its_own_part() {
    let first = uploaded(&file("a.png", "image/png")).await;
    let within = Upload {
        bytes: Bytes::copy_from_slice(&first.body),
        ..file("a.bin", "application/octet-stream")
    };
    let seen = uploaded(&within).await;
    let boundary = seen.header("content-type").rsplit_once('=').unwrap().1.to_owned();
    let body = String::from_utf8_lossy(&seen.body);
    assert_eq!(body.matches(&boundary).count(), 2, "before and after the file");
    let again = uploaded(&within).await;
    assert_eq!(again.body, seen.body, "a repeat has the same body");
}

#[tokio::test]
async fn a_refused_file_is_told_with_rces_word() {
    let bench = Bench::new().await;
    bench
        .server
        .answers(422, r#"{"error":"validation_error"}"#)
        .answers(413, "")
        .answers_json(&json!({"id": null}));
    let upload = async || {
        bench
            .client
            .upload(&bench.connection, &file("a.png", "image/png"))
            .await
    };
    assert!(matches!(
        upload().await,
        Err(RingCxError::Refused { status: 422, .. })
    ));
    assert!(matches!(
        upload().await,
        Err(RingCxError::Refused { status: 413, .. })
    ));
    assert!(matches!(
        upload().await,
        Err(RingCxError::Unavailable { status: 200 })
    ));
}
