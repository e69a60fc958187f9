//! Files that people send each other arrive as links, or as a line that says why they did not.

use std::time::Duration;

use bytes::Bytes;
use handover_stories::file_server::{FileServer, Given};
use handover_stories::setup::PUBLIC_URL;
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};

pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01";
const EXE: &[u8] = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xFF\xFF\0\0";
const PAGE: &[u8] = b"<!DOCTYPE html><html><body>Please log in</body></html>";

pub(crate) fn png() -> Given {
    Given::File("image/png", Bytes::from_static(PNG))
}

/// A bridge that hosts files and may fetch from this server, which no stranger may name.
async fn bench(server: &FileServer) -> Bench {
    Setup::default().files(&[server.host()]).by_hand().start().await
}

/// The person sends files, with or without words; what RCE got of it.
async fn sends(bench: &Bench, text: Option<&str>, files: Value) -> (String, Vec<Value>) {
    let id = format!("f-{}", bench.in_rce("c1").len());
    let body = json!({"id": id, "from": "user", "text": text, "attachments": files});
    bench.message("c1", body).await;
    bench.until_quiet_by_hand().await;
    let content = bench.rce.contents("c1").pop().expect("RCE got it");
    (content.body.unwrap_or_default(), content.attachments)
}

/// Opens a link of ours, as RCE or a customer does.
pub(crate) async fn open(bench: &Bench, link: &Value) -> handover_stories::Reply {
    let link = link.as_str().expect("a link");
    let path = link
        .strip_prefix(PUBLIC_URL)
        .unwrap_or_else(|| panic!("{link} is not ours"));
    bench.request("GET", path, &[], "").await
}

#[tokio::test]
async fn a_persons_file_is_hosted_and_rce_gets_our_link() {
    let server = FileServer::start().await;
    let bench = bench(&server).await;
    let url = server.gives("/photo.png", [png()]);
    let (text, files) = sends(
        &bench,
        Some("Look"),
        json!([{"url": url, "filename": "Übung 1.png"}]),
    )
    .await;
    assert_eq!((text.as_str(), files.len()), ("Look", 1));
    assert_eq!(files[0]["filename"], "Übung 1.png");
    let link = files[0]["url"].as_str().unwrap();
    assert!(
        link.starts_with("https://bridge.example.org/acme/files/") && link.ends_with("/%C3%9Cbung%201.png"),
        "{link}"
    );
    let opened = open(&bench, &files[0]["url"]).await;
    assert_eq!((opened.status, &opened.body[..]), (200, PNG));
    assert_eq!(opened.header("content-type"), "image/png");
    assert_eq!(
        opened.header("content-disposition"),
        "inline; filename=\"_bung 1.png\"; filename*=UTF-8''%C3%9Cbung%201.png"
    );
    assert_eq!(opened.header("x-content-type-options"), "nosniff");
    assert!(opened.header("content-security-policy").contains("sandbox"));
    assert!(opened.header("cache-control").starts_with("private"));
    bench.finish().await;
}

#[tokio::test]
async fn a_file_of_ours_is_neither_fetched_nor_hosted_again() {
    let server = FileServer::start().await;
    let bench = bench(&server).await;
    let url = server.gives("/photo.png", [png()]);
    let (_, first) = sends(&bench, None, json!([{"url": url}])).await;
    let (_, again) = sends(&bench, None, json!([first[0]])).await;
    assert_eq!(again[0]["url"], first[0]["url"]);
    assert_eq!(server.asked("/photo.png"), 1);
    bench.finish().await;
}

#[tokio::test]
async fn a_hosted_file_is_gone_after_its_time() {
    let server = FileServer::start().await;
    let bench = bench(&server).await;
    let url = server.gives("/photo.png", [png()]);
    let (_, files) = sends(&bench, None, json!([{"url": url}])).await;
    bench.pass(Duration::from_hours(30 * 24));
    open(&bench, &files[0]["url"]).await.problem(404, "unknown-file");
    bench.app.files.store.sweep(bench.clock_now()).await.unwrap();
    let (text, none) = sends(&bench, None, json!([files[0]])).await;
    assert!(none.is_empty());
    assert!(
        text.starts_with("[The file photo.png could not be delivered: it is not kept any more.]"),
        "{text}"
    );
    bench.finish().await;
}

#[tokio::test]
async fn nobody_opens_what_they_were_not_given() {
    let server = FileServer::start().await;
    let bench = bench(&server).await;
    for path in [
        "/acme/files/0000000000000000000000000000000000000000/a.png",
        "/acme/files/..%2F..%2Fbridge.sqlite/a",
        "/acme/files/bridge.sqlite/a",
    ] {
        bench
            .request("GET", path, &[], "")
            .await
            .problem(404, "unknown-file");
    }
    bench
        .request("POST", "/acme/files/0/a", &[], "")
        .await
        .problem(405, "method-not-allowed");
    bench.finish().await;
}

#[tokio::test]
async fn a_file_that_lies_becomes_a_line() {
    let server = FileServer::start().await;
    let bench = bench(&server).await;
    let jpeg = |bytes: &'static [u8]| Given::File("image/jpeg", Bytes::from_static(bytes));
    let url = server.gives("/photo.jpg", [jpeg(EXE)]);
    let (text, files) = sends(&bench, Some("Look"), json!([{"url": url}])).await;
    let line = "[The file photo.jpg could not be delivered: it is not what its name or type says.]";
    assert_eq!((text, files), (format!("Look\n{line}"), Vec::new()));
    let url = server.gives("/page.png", [jpeg(PAGE)]);
    let (text, files) = sends(&bench, None, json!([{"url": url}])).await;
    assert_eq!((text, files), (line.replace("photo.jpg", "page.png"), Vec::new()));
    let url = server.gives("/setup.exe", [jpeg(EXE)]);
    let (text, _) = sends(&bench, None, json!([{"url": url, "filename": "setup.exe"}])).await;
    assert_eq!(
        text,
        "[The file setup.exe could not be delivered: files of this type are not accepted.]"
    );
    assert_eq!(server.asked("/setup.exe"), 0, "its name was enough");
    bench.finish().await;
}

#[tokio::test]
async fn a_file_that_is_too_large_or_empty_becomes_a_line() {
    let server = FileServer::start().await;
    let bench = Setup::default()
        .files(&[server.host()])
        .section("max_bytes = 1000000")
        .by_hand()
        .start()
        .await;
    let large = Bytes::from(vec![0; 1_250_000]);
    let announced = server.gives("/announced.png", [Given::File("image/png", large.clone())]);
    let unannounced = server.gives("/unannounced.png", [Given::Unannounced(large)]);
    let endless = server.gives("/endless.png", [Given::Endless]);
    let empty = server.gives("/empty.png", [Given::File("image/png", Bytes::new())]);
    let all = [announced, unannounced, endless, empty].map(|url| json!({"url": url}));
    let (text, files) = sends(&bench, None, json!(all)).await;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "[The file announced.png could not be delivered: it is too large (1.3 MB, at most 1.0 MB).]",
            "[The file unannounced.png could not be delivered: it is too large (more than 1.0 MB).]",
            "[The file endless.png could not be delivered: it is too large (more than 1.0 MB).]",
            "[The file empty.png could not be delivered: it is empty.]",
        ]
    );
    assert!(files.is_empty());
    bench.finish().await;
}

#[tokio::test]
async fn no_private_address_is_ever_called() {
    let server = FileServer::start().await;
    let bench = Setup::default().files(&[]).by_hand().start().await;
    let port = server.host().rsplit(':').next().unwrap();
    server.gives("/a.png", [png()]);
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0.0.0.0",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "[::ffff:10.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[fd00:ec2::254]",
        "[fe80::1]",
    ] {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}:{port}/a.png");
            let (text, files) = sends(&bench, None, json!([{"url": url}])).await;
            let line = "[The file a.png could not be delivered: its address is not allowed.]";
            assert_eq!((text.as_str(), files.len()), (line, 0), "{url}");
        }
    }
    assert_eq!(server.asked("/a.png"), 0);
    bench.finish().await;
}

#[tokio::test]
async fn a_redirect_leads_nowhere_private() {
    let (server, private) = (FileServer::start().await, FileServer::start().await);
    let bench = bench(&server).await;
    private.gives("/a.png", [png()]);
    for to in [
        private.url("/a.png"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "https://[::ffff:10.0.0.1]/a.png".to_owned(),
    ] {
        let url = server.gives("/moved.png", [Given::Redirect(to.clone())]);
        let (text, files) = sends(&bench, None, json!([{"url": url}])).await;
        assert!(
            text.contains("its address is not allowed") && files.is_empty(),
            "{to}: {text}"
        );
    }
    assert_eq!(private.asked("/a.png"), 0);
    server.gives("/a.png", [png()]);
    let url = server.gives("/moved.png", [Given::Redirect("/a.png".to_owned())]);
    let (text, files) = sends(&bench, None, json!([{"url": url}])).await;
    assert_eq!((text.as_str(), files.len()), ("", 1));
    bench.finish().await;
}

#[tokio::test]
async fn a_server_that_has_trouble_is_asked_three_times_and_then_the_message_goes_without_the_file() {
    let server = FileServer::start().await;
    let bench = bench(&server).await;
    let url = server.gives("/late.png", [Given::Status(500), Given::Status(503), png()]);
    let (text, files) = sends(&bench, Some("Look"), json!([{"url": url}])).await;
    assert_eq!((text.as_str(), files.len()), ("Look", 1));
    let url = server.gives("/never.png", [Given::Status(502)]);
    let before = bench.clock_now();
    let (text, files) = sends(&bench, Some("Look"), json!([{"url": url}])).await;
    assert_eq!(
        text,
        "Look\n[The file never.png could not be delivered: it could not be fetched.]"
    );
    assert!(files.is_empty());
    assert_eq!(server.asked("/never.png"), 3);
    assert!(
        bench.clock_now().duration_since(before).as_secs() < 5,
        "nobody waits long"
    );
    let url = server.gives("/gone.png", [Given::Status(404)]);
    let (text, _) = sends(&bench, None, json!([{"url": url}])).await;
    assert!(
        text.contains("gone.png could not be delivered: it could not be fetched"),
        "{text}"
    );
    assert_eq!(
        server.asked("/gone.png"),
        1,
        "a file that is not there is asked for once"
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_server_that_stalls_holds_up_nobody_for_long() {
    let server = FileServer::start().await;
    let bench = Setup::default()
        .files(&[server.host()])
        .file_deadline(Duration::from_millis(200))
        .by_hand()
        .start()
        .await;
    let url = server.gives("/slow.png", [Given::Stalled]);
    let (text, files) = sends(&bench, None, json!([{"url": url}])).await;
    assert_eq!(
        text,
        "[The file slow.png could not be delivered: it could not be fetched.]"
    );
    assert!(files.is_empty());
    assert_eq!(server.asked("/slow.png"), 3);
    bench.finish().await;
}

#[tokio::test]
async fn what_was_decided_about_a_file_stays_so_when_the_message_is_sent_again() {
    use simulated_ringcx::{Fault, FaultTarget};
    let server = FileServer::start().await;
    let bench = bench(&server).await;
    // It fails three times and would work the fourth time; RCE takes the message and its answer is lost.
    let trouble = Given::Status(500);
    let url = server.gives("/a.png", [trouble.clone(), trouble.clone(), trouble, png()]);
    let fine = server.gives("/b.png", [png(), Given::Status(404)]);
    bench
        .rce
        .fail_next(FaultTarget::SendApiMessages, Fault::LoseAnswer, 2);
    let (text, files) = sends(&bench, None, json!([{"url": url}, {"url": fine}])).await;
    let sent: Vec<Value> = bench
        .rce
        .requests()
        .into_iter()
        .filter(|request| request.what == "messages.create")
        .map(|request| request.body)
        .collect();
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|body| *body == sent[0]), "{sent:#?}");
    assert!(text.contains("a.png could not be delivered") && files.len() == 1);
    assert_eq!((server.asked("/a.png"), server.asked("/b.png")), (3, 1));
    bench.finish().await;
}

#[tokio::test]
async fn a_choice_beside_a_file_that_is_missing_is_still_read() {
    let server = FileServer::start().await;
    let bench = bench(&server).await;
    let body =
        json!({"from": "user", "payload": "refund", "attachments": [{"url": server.url("/none.png")}]});
    bench.message("c1", body).await;
    bench.until_quiet_by_hand().await;
    let content = bench.rce.contents("c1").pop().unwrap();
    let text = content.body.unwrap();
    assert!(text.starts_with("refund\n[The file none.png"), "{text}");
    assert_eq!(content.params["structured_reply"], json!({"payload": "refund"}));
    bench.finish().await;
}

#[tokio::test]
async fn a_transcript_brings_its_files_along() {
    let server = FileServer::start().await;
    let bench = Setup::default()
        .files(&[server.host()])
        .forward_only()
        .by_hand()
        .start()
        .await;
    let photo = server.gives("/photo.png", [Given::Status(503), png()]);
    let page = server.gives("/page.png", [Given::File("text/html", Bytes::from_static(PAGE))]);
    bench
        .message(
            "c1",
            json!({"from": "user", "attachments": [{"url": photo}, {"url": page}]}),
        )
        .await;
    bench.bot_says("c1", "Nice").await;
    bench.asks_for_agent("c1", json!({})).await;
    bench.until_quiet_by_hand().await;
    let contents = bench.rce.contents("c1");
    assert_eq!(contents[0].attachments.len(), 1);
    assert_eq!(open(&bench, &contents[0].attachments[0]["url"]).await.status, 200);
    let text = contents[0].body.as_deref().unwrap();
    assert_eq!(
        text,
        "[The file page.png could not be delivered: it is not what its name or type says.]"
    );
    assert_eq!(bench.in_rce("c1")[1], "Nice");
    bench.finish().await;
}

#[tokio::test]
async fn without_hosting_addresses_pass_and_only_names_are_judged() {
    for setup in [
        Setup::default(),
        Setup::default().files(&[]).section("rehost = \"never\""),
    ] {
        let bench = setup.by_hand().start().await;
        let files = json!([
            {"url": "https://files.example.org/a.png?key=1", "filename": "a.png"},
            {"url": "https://files.example.org/setup.exe", "filename": "setup.exe"},
            {"url": "https://files.example.org/download?id=3"},
        ]);
        let (text, passed) = sends(&bench, None, files.clone()).await;
        assert_eq!(passed, [files[0].clone(), files[2].clone()]);
        assert_eq!(
            text,
            "[The file setup.exe could not be delivered: files of this type are not accepted.] \
             https://files.example.org/setup.exe"
        );
        bench.finish().await;
    }
}

async fn agent_sends(bench: &Bench, content: &str, text: Value, files: Value) -> Value {
    let mut call = bench.agent_message("c1", content, "");
    call["params"]["body"] = text;
    call["params"]["attachments"] = files;
    bench.source_sdk(&call).await.expect(200);
    bench.until_quiet_by_hand().await;
    let heard = bench.bot.taken();
    let last = heard.iter().rfind(|heard| heard.kind() == "message.created");
    last.expect("the bot heard it").data()["message"].clone()
}

#[tokio::test]
async fn an_agents_file_is_fetched_with_the_token_and_the_customer_needs_none() {
    let bench = Setup::default().files(&[]).by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    let file = bench.rce.attach("photo.png", "image", PNG);
    let message = agent_sends(&bench, "66ba", json!("Here"), json!([file])).await;
    assert_eq!(message["text"], "Here");
    let got = &message["attachments"][0];
    assert_eq!(
        (&got["filename"], &got["content_type"]),
        (&json!("photo.png"), &json!("image/png"))
    );
    let opened = open(&bench, &got["url"]).await;
    assert_eq!((opened.status, &opened.body[..]), (200, PNG));
    let token = bench.connection.ringcx.api_access_token.expose();
    for heard in bench.bot.heard() {
        assert!(!heard.body.to_string().contains(token));
    }
    bench.finish().await;
}

#[tokio::test]
async fn an_agents_file_from_elsewhere_passes_as_it_is_and_never_gets_the_token() {
    let server = FileServer::start().await;
    let bench = bench(&server).await;
    bench.with_agent_by_hand("c1").await;
    let url = server.gives("/a.png", [png()]);
    let message = agent_sends(
        &bench,
        "66ba",
        json!(null),
        json!([{"url": url, "type": "image/png"}]),
    )
    .await;
    assert_eq!(
        message["attachments"],
        json!([{"url": url, "content_type": "image/png"}])
    );
    assert_eq!(server.asked("/a.png"), 0);
    bench.finish().await;
}

#[tokio::test]
async fn an_agents_file_passes_as_it_is_where_nothing_is_hosted() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    let file = bench.rce.attach("photo.png", "image", PNG);
    let message = agent_sends(&bench, "66ba", json!(null), json!([file])).await;
    let expected = json!([{"url": file["url"], "filename": "photo.png", "content_type": "image/png"}]);
    assert_eq!(message["attachments"], expected);
    bench.finish().await;
}

#[tokio::test]
async fn an_agents_file_that_cannot_be_fetched_becomes_a_line_for_the_customer() {
    let bench = Setup::default().files(&[]).by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    let late = bench.rce.attach_later("late.png", "image/png", PNG, &[500, 503]);
    let message = agent_sends(&bench, "66ba", json!("Here"), json!([late])).await;
    assert_eq!(
        (&message["text"], message["attachments"].as_array().unwrap().len()),
        (&json!("Here"), 1)
    );
    let never = bench.rce.attach_later("never.png", "image/png", PNG, &[500; 9]);
    let missing =
        json!({"url": format!("{}/attachments/none", bench.rce.base_url()), "filename": "gone.png"});
    let login = bench.rce.attach("login.png", "text/html", PAGE);
    let message = agent_sends(&bench, "66bb", json!("Here"), json!([never, missing, login])).await;
    let line = |name: &str, why: &str| format!("[The file {name} could not be delivered: {why}.]");
    let lines = [
        "Here".to_owned(),
        line("never.png", "it could not be fetched"),
        line("gone.png", "it could not be fetched"),
        line("login.png", "it is not what its name or type says"),
    ];
    assert_eq!(message["text"], lines.join("\n"));
    assert_eq!(message["attachments"], json!([]));
    let message = agent_sends(&bench, "66bc", json!(null), json!([missing])).await;
    assert_eq!(message["text"], lines[2]);
    bench.finish().await;
}

#[tokio::test]
async fn what_was_decided_about_an_agents_file_stays_so_when_the_bot_is_told_again() {
    use handover_stories::Answer;
    let bench = Setup::default().files(&[]).by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    // The fourth attempt would get it; but the third has told the bot, whose answer was lost.
    let file = bench
        .rce
        .attach_later("a.png", "image/png", PNG, &[500, 500, 500]);
    bench.bot.answers([Answer::TakeAndDrop, Answer::Status(503)]);
    let message = agent_sends(&bench, "66ba", json!("Here"), json!([file])).await;
    assert!(
        message["text"]
            .as_str()
            .unwrap()
            .contains("a.png could not be delivered")
    );
    // The same body each time: the bot's check at the end sees to it.
    let told = bench
        .bot
        .heard()
        .iter()
        .filter(|heard| heard.text().contains("Here"))
        .count();
    assert_eq!(told, 3);
    bench.finish().await;
}
