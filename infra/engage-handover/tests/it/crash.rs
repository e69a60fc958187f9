//! Killed at any moment, the bridge loses nothing, keeps the order, and repeats only with the same id.

use std::collections::HashMap;
use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};

use crate::bridge::{Bridge, Told};

const CONVERSATIONS: usize = 12;
const MESSAGES: usize = 25;
const KILLS: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn sigkill_under_load_loses_nothing_and_keeps_the_order() {
    let mut bridge = Bridge::start().await;
    for conversation in 0..CONVERSATIONS {
        let path = format!("/conversations/c{conversation}");
        bridge
            .insist(
                &format!("{path}/messages"),
                json!({"id": "hello", "from": "user", "text": "hello"}),
            )
            .await;
        bridge
            .insist(&format!("{path}/handover"), json!({"id": "please"}))
            .await;
    }
    bridge.until_queued(CONVERSATIONS).await;

    // Agents' messages and customers' messages come in while the process is killed again and again.
    let url = bridge.url("");
    let mut senders = Vec::new();
    let progress = Arc::new(tokio::sync::Semaphore::new(0));
    for conversation in 0..CONVERSATIONS {
        let sender = Sender::new(&url, conversation, Arc::clone(&progress));
        senders.push(tokio::spawn(sender.clone().agent()));
        senders.push(tokio::spawn(sender.customer()));
    }
    let all = 2 * CONVERSATIONS * MESSAGES;
    for _ in 0..KILLS {
        let share = u32::try_from(all / (KILLS + 1)).unwrap();
        progress.acquire_many(share).await.unwrap().forget();
        bridge.kill().await;
        bridge.start_process().await;
    }
    for sender in senders {
        sender.await.unwrap();
    }

    bridge
        .until_told(|told| {
            let mut ids: Vec<&Value> = messages(told)
                .map(|t| &t.event["data"]["message"]["id"])
                .collect();
            ids.sort_by_key(ToString::to_string);
            ids.dedup();
            ids.len() == CONVERSATIONS * MESSAGES
        })
        .await;
    let told = bridge.told();
    for conversation in 0..CONVERSATIONS {
        let name = format!("c{conversation}");
        the_bot_was_told_in_order(&told, &name);
        rce_was_told_in_order(&bridge, &name).await;
    }
    the_numbers_have_no_gap(&told);
    let (_, conversation) = bridge
        .api(Method::GET, "/conversations/c0", Value::Null)
        .await
        .unwrap();
    assert_eq!(conversation["handler"], "agent");
    assert_eq!(bridge.terminate().await, Some(0));
}

fn the_bot_was_told_in_order(told: &[Told], name: &str) {
    let mut seen: HashMap<String, Told> = HashMap::new();
    let mut order = Vec::new();
    for told in messages(told).filter(|t| t.event["data"]["conversation"] == name) {
        let text = told.event["data"]["message"]["text"].as_str().unwrap().to_owned();
        match seen.get(&text) {
            None => order.push(text.clone()),
            Some(first) => {
                assert_eq!(first.id, told.id, "a repeat has the same id");
                assert_eq!(first.event, told.event, "a repeat has the same body");
            }
        }
        seen.entry(text).or_insert_with(|| told.clone());
    }
    let expected: Vec<String> = (0..MESSAGES).map(|n| format!("agent {n}")).collect();
    assert_eq!(order, expected, "{name}: in order, none lost");
}

async fn rce_was_told_in_order(bridge: &Bridge, name: &str) {
    let arrived = |state: &simulated_ringcx::State| state.contents(name).count() > MESSAGES;
    assert!(
        bridge
            .rce
            .wait_until(arrived, std::time::Duration::from_secs(30))
            .await
    );
    let customer: Vec<String> = bridge
        .rce
        .contents(name)
        .into_iter()
        .filter_map(|c| c.body)
        .collect();
    let customer: Vec<&String> = customer
        .iter()
        .filter(|text| text.starts_with("customer"))
        .collect();
    let expected: Vec<String> = (0..MESSAGES).map(|n| format!("customer {n}")).collect();
    assert_eq!(
        customer,
        expected.iter().collect::<Vec<_>>(),
        "{name}: in order, none lost"
    );
}

fn the_numbers_have_no_gap(told: &[Told]) {
    let mut seqs: HashMap<String, Vec<u64>> = HashMap::new();
    for told in told {
        let data = &told.event["data"];
        seqs.entry(data["conversation"].to_string())
            .or_default()
            .push(data["seq"].as_u64().unwrap());
    }
    for (conversation, mut seqs) in seqs {
        seqs.sort_unstable();
        seqs.dedup();
        assert!(
            seqs.iter().copied().eq(1..=seqs.len() as u64),
            "{conversation}: {seqs:?} has a gap"
        );
    }
}

fn messages(told: &[Told]) -> impl Iterator<Item = &Told> {
    told.iter().filter(|told| told.event["type"] == "message.created")
}

/// One side of one conversation: sends its messages in order, each until it is accepted.
#[derive(Clone)]
struct Sender {
    http: reqwest::Client,
    url: String,
    conversation: usize,
    progress: Arc<tokio::sync::Semaphore>,
}

impl Sender {
    fn new(url: &str, conversation: usize, progress: Arc<tokio::sync::Semaphore>) -> Self {
        Self {
            http: handover_ringcx::http::client(),
            url: url.to_owned(),
            conversation,
            progress,
        }
    }

    async fn agent(self) {
        let token = simulated_ringcx::SimulatedConfig::default().source_token;
        for n in 0..MESSAGES {
            let body = json!({"action": "messages.create", "params": {
                "author_id": "agent", "body": format!("agent {n}"), "content_id": format!("{:04}{n:04}", self.conversation),
                "format": "text", "retry": false, "sender_name": "Sam", "thread_id": format!("c{}", self.conversation),
            }});
            let body = body.to_string();
            let signature = simulated_ringcx::sign(&token, body.as_bytes());
            loop {
                let request = self.http.post(format!("{}/handover/rce", self.url));
                let request = request
                    .header("X-SMCCSDK-SIGNATURE", &signature)
                    .body(body.clone());
                if request.send().await.is_ok_and(|answer| answer.status() == 200) {
                    break;
                }
                tokio::task::yield_now().await;
            }
            self.progress.add_permits(1);
        }
    }

    async fn customer(self) {
        for n in 0..MESSAGES {
            let body =
                json!({"id": format!("m{n}"), "from": "user", "text": format!("customer {n}")}).to_string();
            loop {
                let url = format!("{}/conversations/c{}/messages", self.url, self.conversation);
                let request = self
                    .http
                    .post(url)
                    .bearer_auth(crate::bridge::BOT_KEY)
                    .body(body.clone());
                if request.send().await.is_ok_and(|answer| answer.status() == 202) {
                    break;
                }
                tokio::task::yield_now().await;
            }
            self.progress.add_permits(1);
        }
    }
}
