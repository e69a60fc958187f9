//! The queues that the stage's template makes.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::api;

/// The most that SQS allows: retries are counted by the code, this is the backstop for crash loops.
const MAX_RECEIVE_COUNT: u32 = 1000;

/// The three queues, each with its dead-letter queue.
#[derive(Clone, Debug)]
pub struct Queues {
    pub to_bot: Queue,
    pub to_ringcx: Queue,
    pub queue_updates: Queue,
}

impl Queues {
    /// Makes the queues `<prefix>-to-bot.fifo` and so on at the SQS of `url`.
    pub async fn create(url: &str, prefix: &str) -> Self {
        Self {
            to_bot: Queue::with_dead_letters(url, &format!("{prefix}-to-bot"), Duration::from_mins(3)).await,
            to_ringcx: Queue::with_dead_letters(url, &format!("{prefix}-to-ringcx"), Duration::from_mins(6))
                .await,
            queue_updates: Queue::with_dead_letters(
                url,
                &format!("{prefix}-queue-updates"),
                Duration::from_mins(3),
            )
            .await,
        }
    }

    pub fn all(&self) -> [&Queue; 3] {
        [&self.to_bot, &self.to_ringcx, &self.queue_updates]
    }
}

/// A queue and its dead-letter queue.
#[derive(Clone, Debug)]
pub struct Queue {
    pub url: String,
    pub arn: String,
    pub dead_letters_url: String,
    /// The emulator it is at.
    sqs: String,
}

/// A received message, with everything that Lambda would say about it.
#[derive(Clone, Debug)]
pub struct Message {
    pub id: String,
    pub receipt: String,
    pub body: String,
    pub md5: String,
    pub attributes: HashMap<String, String>,
    pub message_attributes: Value,
}

impl Message {
    fn of(found: &Value) -> Self {
        let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
        let attributes = found["Attributes"].as_object().into_iter().flatten();
        Self {
            id: text("MessageId"),
            receipt: text("ReceiptHandle"),
            body: text("Body"),
            md5: text("MD5OfBody"),
            attributes: attributes
                .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
                .collect(),
            message_attributes: found["MessageAttributes"].clone(),
        }
    }

    pub fn group(&self) -> &str {
        self.attributes.get("MessageGroupId").map_or("", String::as_str)
    }
}

impl Queue {
    async fn with_dead_letters(sqs: &str, name: &str, visibility: Duration) -> Self {
        let (dead_letters_url, dead_letters) = create(sqs, &format!("{name}-dead-letters"), json!({})).await;
        let redrive = json!({"deadLetterTargetArn": dead_letters, "maxReceiveCount": MAX_RECEIVE_COUNT});
        let attributes = json!({
            "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId",
            "RedrivePolicy": redrive.to_string(),
            "VisibilityTimeout": visibility.as_secs().to_string(),
        });
        let (url, arn) = create(sqs, name, attributes).await;
        Self {
            url,
            arn,
            dead_letters_url,
            sqs: sqs.to_owned(),
        }
    }

    /// Receives up to ten messages, waiting at most `wait` seconds for the first.
    pub async fn receive(&self, wait: u32) -> Result<Vec<Message>, String> {
        let request = json!({
            "QueueUrl": self.url,
            "MaxNumberOfMessages": 10,
            "WaitTimeSeconds": wait,
            "AttributeNames": ["All"],
            "MessageSystemAttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        });
        let answer = api::call(&self.sqs, "AmazonSQS.ReceiveMessage", &request).await?;
        let found = answer["Messages"].as_array().into_iter().flatten();
        Ok(found.map(Message::of).collect())
    }

    pub async fn delete(&self, message: &Message) -> Result<(), String> {
        let request = json!({"QueueUrl": self.url, "ReceiptHandle": message.receipt});
        api::call(&self.sqs, "AmazonSQS.DeleteMessage", &request)
            .await
            .map(drop)
    }

    /// Shows a received message again after `seconds`.
    pub async fn show_again(&self, message: &Message, seconds: u32) -> Result<(), String> {
        let request =
            json!({"QueueUrl": self.url, "ReceiptHandle": message.receipt, "VisibilityTimeout": seconds});
        api::call(&self.sqs, "AmazonSQS.ChangeMessageVisibility", &request)
            .await
            .map(drop)
    }

    /// Puts any text on the queue.
    pub async fn send(&self, group: &str, id: &str, body: &str) {
        let message = json!({"QueueUrl": self.url, "MessageGroupId": group, "MessageDeduplicationId": id, "MessageBody": body});
        api::must(&self.sqs, "AmazonSQS.SendMessage", &message).await;
    }

    /// How many messages wait, and how many are in somebody's hands.
    pub async fn depth(&self) -> (u64, u64) {
        depth(&self.sqs, &self.url).await
    }

    /// How many messages the dead-letter queue holds.
    pub async fn dead_letters(&self) -> u64 {
        let (waiting, in_hand) = depth(&self.sqs, &self.dead_letters_url).await;
        waiting + in_hand
    }

    /// What the dead-letter queue holds, for a look; it stays there.
    pub async fn look_at_dead_letters(&self) -> Vec<Message> {
        let request = json!({
            "QueueUrl": self.dead_letters_url,
            "MaxNumberOfMessages": 10,
            "VisibilityTimeout": 0,
            "AttributeNames": ["All"],
            "MessageSystemAttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        });
        let answer = api::must(&self.sqs, "AmazonSQS.ReceiveMessage", &request).await;
        let found = answer["Messages"].as_array().into_iter().flatten();
        found.map(Message::of).collect()
    }
}

async fn create(sqs: &str, name: &str, mut attributes: Value) -> (String, String) {
    attributes["FifoQueue"] = json!("true");
    let queue = json!({"QueueName": format!("{name}.fifo"), "Attributes": attributes});
    let created = api::must(sqs, "AmazonSQS.CreateQueue", &queue).await;
    let url = created["QueueUrl"]
        .as_str()
        .expect("a queue has an address")
        .to_owned();
    let wanted = json!({"QueueUrl": url, "AttributeNames": ["QueueArn"]});
    let found = api::must(sqs, "AmazonSQS.GetQueueAttributes", &wanted).await;
    let arn = found["Attributes"]["QueueArn"]
        .as_str()
        .expect("a queue has a name")
        .to_owned();
    (url, arn)
}

async fn depth(sqs: &str, url: &str) -> (u64, u64) {
    let wanted = json!({"QueueUrl": url, "AttributeNames": ["All"]});
    let found = api::must(sqs, "AmazonSQS.GetQueueAttributes", &wanted).await;
    let number = |name: &str| {
        found["Attributes"][name]
            .as_str()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0)
    };
    (
        number("ApproximateNumberOfMessages") + number("ApproximateNumberOfMessagesDelayed"),
        number("ApproximateNumberOfMessagesNotVisible"),
    )
}
