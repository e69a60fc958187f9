//! Files that the bot hands over itself: as an upload, or inside a message.

use handover_stories::setup::BOT_KEY;
use handover_stories::{Bench, Reply, Setup};
use serde_json::json;

use crate::files::{PNG, open};

/// `PNG` as base64.
const PNG_BASE64: &str = "iVBORw0KGgoAAAANSUhEUgAAAAE=";

async fn bench() -> Bench {
    Setup::default().files(&[]).by_hand().start().await
}

async fn uploads(bench: &Bench, query: &str, headers: &[(&str, &str)], bytes: &[u8]) -> Reply {
    let key = format!("Bearer {BOT_KEY}");
    let headers = [&[("authorization", key.as_str())], headers].concat();
    let path = format!("/acme/conversations/c1/files{query}");
    bench.request("POST", &path, &headers, bytes.to_vec()).await
}

#[tokio::test]
async fn an_upload_becomes_an_attachment() {
    let bench = bench().await;
    let kept = uploads(
        &bench,
        "?filename=a%20b.png",
        &[("content-type", "image/png")],
        PNG,
    )
    .await
    .expect(201);
    assert_eq!(
        (&kept["filename"], &kept["content_type"], &kept["size"]),
        (&json!("a b.png"), &json!("image/png"), &json!(PNG.len()))
    );
    assert_eq!(open(&bench, &kept["url"]).await.body, PNG);
    bench
        .message("c1", json!({"from": "user", "attachments": [kept]}))
        .await;
    bench.until_quiet_by_hand().await;
    let content = bench.rce.contents("c1").pop().unwrap();
    assert_eq!(
        content.attachments,
        [json!({"url": kept["url"], "filename": "a b.png"})]
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_repeated_upload_is_harmless() {
    let bench = bench().await;
    let first = uploads(&bench, "?filename=a.png", &[], PNG).await.expect(201);
    let again = uploads(&bench, "?filename=a.png", &[], PNG).await.expect(201);
    assert_eq!(first, again, "the same bytes");
    let key = [("idempotency-key", "k1")];
    let keyed = uploads(&bench, "?filename=b.png", &key, PNG).await.expect(201);
    assert_eq!(
        uploads(&bench, "?filename=b.png", &key, PNG).await.expect(201),
        keyed
    );
    let other = uploads(&bench, "?filename=c.png", &key, PNG).await;
    other.problem(422, "idempotency-mismatch");
    let elsewhere = json!(keyed["url"].as_str().unwrap().replace("b.png", "whatever.html"));
    assert_eq!(
        open(&bench, &elsewhere).await.header("content-type"),
        "image/png",
        "the name is not believed"
    );
    bench.finish().await;
}

#[tokio::test]
async fn an_upload_is_judged() {
    let bench = bench().await;
    let wrong = uploads(&bench, "?filename=a.exe", &[], b"MZ\x90\0")
        .await
        .problem(422, "invalid");
    assert_eq!(
        wrong["errors"],
        json!(["the file: files of this type are not accepted"])
    );
    let lie = uploads(&bench, "?filename=a.png", &[], b"<html><body>")
        .await
        .problem(422, "invalid");
    assert_eq!(
        lie["errors"],
        json!(["the file: it is not what its name or type says"])
    );
    uploads(&bench, "?filename=a.png", &[], b"")
        .await
        .problem(422, "invalid");
    let most = vec![0; 4 * 1024 * 1024];
    assert_eq!(uploads(&bench, "?filename=a.dms", &[], &most).await.status, 201);
    let larger = vec![0; most.len() + 1];
    uploads(&bench, "?filename=a.dms", &[], &larger)
        .await
        .problem(413, "too-large");
    let nobody = bench
        .request("POST", "/acme/conversations/c1/files", &[], PNG)
        .await;
    nobody.problem(401, "unauthorized");
    bench.finish().await;
}

#[tokio::test]
async fn an_upload_needs_a_place() {
    let bench = Setup::default().by_hand().start().await;
    let refused = uploads(&bench, "?filename=a.png", &[], PNG)
        .await
        .problem(501, "not-supported");
    assert!(
        refused["detail"].as_str().unwrap().contains("public_url"),
        "{refused}"
    );
    let body = json!({"from": "user", "attachments": [{"content": PNG_BASE64, "filename": "a.png"}]});
    let refused = bench
        .call("POST", "/conversations/c1/messages", &body)
        .await
        .problem(422, "invalid");
    assert!(
        refused["errors"][0].as_str().unwrap().contains("public_url"),
        "{refused}"
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_file_inside_a_message_is_hosted_before_the_answer() {
    let bench = bench().await;
    for (id, content) in [("m1", PNG_BASE64), ("m2", PNG_BASE64.trim_end_matches('='))] {
        let file = json!({"content": content, "filename": "a.png", "content_type": "image/png"});
        let body = json!({"id": id, "from": "user", "attachments": [file]});
        let first = bench
            .call("POST", "/conversations/c1/messages", &body)
            .await
            .expect(202);
        let again = bench
            .call("POST", "/conversations/c1/messages", &body)
            .await
            .expect(202);
        assert_eq!(first, again);
    }
    bench.until_quiet_by_hand().await;
    let contents = bench.rce.contents("c1");
    assert_eq!(contents.len(), 2);
    for content in contents {
        assert_eq!(open(&bench, &content.attachments[0]["url"]).await.body, PNG);
    }
    bench.finish().await;
}

#[tokio::test]
async fn a_file_inside_a_transcript_is_hosted_too() {
    let bench = bench().await;
    let file = json!({"content": PNG_BASE64, "content_type": "image/png"});
    let wish = json!({"transcript": [{"from": "user", "attachments": [file]}]});
    bench.asks_for_agent("c1", wish).await;
    bench.until_quiet_by_hand().await;
    let content = bench.rce.contents("c1").remove(0);
    assert_eq!(content.attachments[0]["filename"], "file.png");
    assert_eq!(open(&bench, &content.attachments[0]["url"]).await.body, PNG);
    bench.finish().await;
}

#[tokio::test]
async fn everything_that_is_wrong_with_files_is_listed() {
    let bench = bench().await;
    let body = json!({"text": 7, "attachments": [
        {"content": "!!", "filename": "a.png"},
        {"content": PNG_BASE64, "filename": "a.exe"},
        {"content": 7, "filename": "a.png"},
        {"content": PNG_BASE64, "filename": 7},
        {"filename": "a.png"},
    ]});
    let errors = bench
        .call("POST", "/conversations/c1/messages", &body)
        .await
        .problem(422, "invalid");
    let mut errors: Vec<String> = serde_json::from_value(errors["errors"].clone()).unwrap();
    errors.sort();
    let expected = [
        "attachments[0]: content is not base64",
        "attachments[1]: files of this type are not accepted",
        "attachments[2]: content is not base64",
        "attachments[3]: filename is not a string",
        "every attachment needs a url that begins with https:// or http://",
        "from is \"user\" or \"bot\"",
        "text is not a string",
    ];
    assert_eq!(errors, expected);
    let wrong = json!({"transcript": [{"from": "user", "attachments": [{"content": "!!"}]}]});
    let refused = bench
        .call("POST", "/conversations/c1/handover", &wrong)
        .await
        .problem(422, "invalid");
    assert_eq!(
        refused["errors"],
        json!(["transcript[0].attachments[0]: content is not base64"])
    );
    assert_eq!(bench.stored("c1").await.map(|c| c.id.to_string()), None::<String>);
    bench.finish().await;
}
