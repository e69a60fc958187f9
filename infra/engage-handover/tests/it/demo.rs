//! The demo's second tab without a browser: what its page asks for, and what it is told.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use engage_handover::demo::{self, DemoOptions};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_mins(1);

struct Tab {
    http: reqwest::Client,
    url: String,
    phone: String,
}

impl Tab {
    async fn open(url: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut tab = Self {
            http,
            url: url.to_owned(),
            phone: String::new(),
        };
        let (status, opened) = tab.post("phone", &json!({})).await;
        assert_eq!(status, 200);
        opened["conversation"]
            .as_str()
            .unwrap()
            .clone_into(&mut tab.phone);
        tab
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.url));
        let request = request
            .header("content-type", "application/json")
            .body(body.to_string());
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let body = response.bytes().await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn write(&self, message: Value) {
        let path = format!("phone/{}/messages", self.phone);
        assert_eq!(self.post(&path, &message).await.0, 202);
    }

    /// The first news of this kind that are as wanted.
    async fn until(&self, kind: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let follow = async {
            let url = format!("{}live/phone/{}", self.url, self.phone);
            let mut stream = self.http.get(url).send().await.unwrap();
            let mut text = String::new();
            loop {
                let chunk = stream.chunk().await.unwrap().expect("the stream goes on");
                text.push_str(&String::from_utf8_lossy(&chunk));
                while let Some((event, rest)) = text.split_once("\n\n") {
                    let data = event.strip_prefix(&format!("event: {kind}\ndata: "));
                    let data = data.map(|data| serde_json::from_str(data).unwrap());
                    text = rest.to_owned();
                    if let Some(data) = data.filter(|data| wanted(data)) {
                        return data;
                    }
                }
            }
        };
        let followed = tokio::time::timeout(PATIENCE, follow).await;
        followed.unwrap_or_else(|_| panic!("no such news of {kind}"))
    }
}

fn lines<'a>(view: &'a Value, from: &str) -> Vec<&'a Value> {
    let lines = view["lines"].as_array().unwrap().iter();
    lines.filter(|line| line["from"] == from).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_answers_on_the_phone_and_is_not_heard_beside_the_agents() {
    let demo = demo::start(DemoOptions {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        open_browser: false,
        data: None,
        speed: 10.0,
    })
    .await
    .unwrap();
    let tab = Tab::open(demo.url()).await;

    for _ in 0..2 {
        tab.write(json!({"id": "1", "text": "hello"})).await;
    }
    let is_sent = |line: &Value| line["state"] == "sent";
    let view = tab
        .until("chat", |view| {
            lines(view, "bot").first().is_some_and(|line| is_sent(line))
        })
        .await;
    assert_eq!(lines(&view, "customer").len(), 1, "a repeat is the same message");
    let asked = lines(&view, "bot")[0];
    let human = &asked["structured"]["items"][3];
    assert_eq!(human["payload"], "human");

    tab.write(json!({"id": "2", "text": human["title"], "payload": "human", "in_reply_to": asked["id"]}))
        .await;
    tab.until("chat", |view| {
        view["phase"] == "queued" && lines(view, "bot").len() == 3
    })
    .await;
    let butts_in = format!("phone/{}/butt-in", tab.phone);
    assert_eq!(tab.post(&butts_in, &json!({})).await.0, 202);
    let told = tab
        .until("exchanges", |exchanges| {
            exchanges.to_string().contains("our new lamps")
        })
        .await;
    let said = told.as_array().unwrap().last().unwrap();
    assert_eq!(said["answer"]["handler"], "agent");
    let view = tab
        .until("chat", |view| {
            lines(view, "bot").iter().filter(|line| is_sent(line)).count() == 3
        })
        .await;
    assert!(!view["lines"].to_string().contains("our new lamps"), "{view:#}");

    let forged = json!({"type": "message.created", "data": {"conversation": view["conversation"]}});
    assert_eq!(tab.post("bot/native/events", &forged).await.0, 401);
    demo.stop().await.unwrap();
}
