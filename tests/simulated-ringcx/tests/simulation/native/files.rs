//! Attachments in both directions.

use serde_json::{Value, json};
use simulated_ringcx::{AttachmentsLevel, NativeKind, NativeMessage, NativeSource};

use super::{CHAT, text, whats_app, with};
use crate::World;

/// Uploads a file as a bridge does.
async fn upload(world: &World, filename: &str, kind: &str, bytes: &[u8], private: bool) -> (u16, Value) {
    let mut body = format!(
        "--edge\r\nContent-Disposition: form-data; name=\"private\"\r\n\r\n{private}\r\n--edge\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"{filename}\"\r\nContent-Type: {kind}\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--edge--\r\n");
    let request = world
        .http
        .post(format!("{}/1.0/attachments", world.rce.base_url()))
        .bearer_auth(&world.rce.config().api_token)
        .header("Content-Type", "multipart/form-data; boundary=edge")
        .body(body);
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let text = response.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

#[tokio::test]
async fn customers_files_are_read_with_the_token() {
    let world = whats_app(|_| {}).await;
    let photo = world.rce.upload("photo.png", "image/png", &b"pixels"[..], true);
    let open = world.rce.upload("public.png", "image/png", &b"poster"[..], false);
    let mut message = NativeMessage::without_body("c1")
        .with(photo.clone())
        .with(open.clone());
    for number in 0..38 {
        message = message.with(
            world
                .rce
                .attach(&format!("{number}.pdf"), "application/pdf", "pages"),
        );
    }
    let content = world.written(message);
    let told = world.told("content.imported").await;
    assert_eq!(told[0]["resource"]["metadata"]["has_attachment"], true);
    let content = world.get(&format!("/contents/{content}")).await;
    assert_eq!(content["attachments_count"], 40);
    assert_eq!(content["attachments"][0], photo);
    assert_eq!(content["attachments"][2]["content_type"], "application/pdf");
    assert_eq!(content["attachments"][2]["size"], 5);

    let token = world.rce.config().api_token.clone();
    let load = async |url: String, bearer: &str| {
        let mut request = world.http.get(url);
        if !bearer.is_empty() {
            request = request.bearer_auth(bearer);
        }
        let response = request.send().await.expect("an answer");
        (response.status().as_u16(), response.text().await.expect("a body"))
    };
    let url = text(&photo["url"]);
    assert_eq!(load(url.clone(), &token).await, (200, "pixels".to_owned()));
    assert_eq!(load(format!("{url}?access_token={token}"), "").await.0, 200);
    assert_eq!(load(url.clone(), "").await.0, 403);
    assert_eq!(load(url, "wrong").await.0, 403);
    assert_eq!(load(text(&open["url"]), "").await, (200, "poster".to_owned()));
    let unknown = format!("{}/attachments/none", world.rce.base_url());
    assert_eq!(load(unknown.clone(), &token).await.0, 404);
    assert_eq!(load(unknown, "").await.0, 403);
    world.rce.disable_token();
    assert_eq!(load(text(&photo["url"]), &token).await.0, 403);
}

#[tokio::test]
async fn a_bridge_uploads_and_sends_files() {
    let world = whats_app(|_| {}).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    let (status, file) = upload(&world, "map.pdf", "application/pdf", b"\r\n--\r\npages", false).await;
    assert_eq!(
        (status, &file["filename"], &file["size"]),
        (200, &json!("map.pdf"), &json!(11))
    );
    assert_eq!(
        (&file["public?"], &file["content_type"]),
        (&json!(true), &json!("application/pdf"))
    );
    let id = text(&file["id"]);
    assert_eq!(world.get(&format!("/attachments/{id}")).await, file);
    assert_eq!(world.get("/attachments?extension=pdf").await["count"], 1);
    assert_eq!(&world.rce.file(&id).expect("stored")[..], b"\r\n--\r\npages");
    let (_, hidden) = upload(&world, "b.png", "image/png", b"x", true).await;
    assert_eq!(hidden["public?"], false);
    assert_eq!(upload(&world, "empty.png", "image/png", b"", true).await.0, 422);
    assert_eq!(
        world.rest("POST", "/attachments", "file=x").await.0,
        422,
        "no file"
    );

    let reply = json!({"in_reply_to_id": hello, "body": "Here", "attachment_ids": [id]});
    let (status, answer) = world.post_content(reply).await;
    assert_eq!((status, &answer["attachments"]), (200, &json!([file])));
    let bare = json!({"in_reply_to_id": hello, "attachment_ids": [id]});
    assert_eq!(world.post_content(bare).await.0, 422, "the body is mandatory");
    let seen = world.rce.seen_by_customer("native-c1");
    assert_eq!(seen[0].attachments, [file]);
    world.no_violations();
}

#[tokio::test]
async fn a_source_takes_some_kinds_of_files_only() {
    let mut source = NativeSource::new(CHAT, "Strict", NativeKind::WhatsApp);
    source.attachments = AttachmentsLevel::Strict;
    source.max_attachment = 10;
    let world = with(vec![source], |_| {}).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    let level = &world.get(&format!("/content_sources/{CHAT}")).await["attachments_security_level"];
    assert_eq!(level, "strict");
    for (filename, bytes, status) in [
        ("small.png", &b"1234567890"[..], 200),
        ("large.png", b"12345678901", 422),
        ("map.pdf", b"1", 422),
        ("run.exe", b"1", 422),
    ] {
        let (_, file) = upload(&world, filename, "image/png", bytes, false).await;
        let reply = json!({"in_reply_to_id": hello, "body": filename, "attachment_ids": [file["id"]]});
        assert_eq!(world.post_content(reply).await.0, status, "{filename}");
    }
}

#[tokio::test]
async fn pictures_of_cards_are_named_by_their_ids() {
    let world = whats_app(|_| {}).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    let (_, picture) = upload(&world, "shoe.jpg", "image/jpeg", b"x", false).await;
    let (_, document) = upload(&world, "shoe.pdf", "application/pdf", b"x", false).await;
    let send = async |member: &str, value: Value| {
        let mut card = json!({"type": "template", "title": "Shoe"});
        card[member] = value;
        let carousel = json!({"type": "carousel", "items": [card]});
        let reply = json!({"in_reply_to_id": hello, "body": "Look", "structured_content": carousel});
        world.post_content(reply).await.0
    };
    assert_eq!(send("attachment_id", picture["id"].clone()).await, 200);
    assert_eq!(send("attachment_id", document["id"].clone()).await, 422);
    assert_eq!(send("attachment_id", json!("none")).await, 422);
    world.no_violations();
    assert_eq!(
        send("attachment_url", json!("https://x.example/a.png")).await,
        200
    );
    assert_eq!(world.rules(), ["structured-picture"]);
}
