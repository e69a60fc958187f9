//! Messages on their way into one queue, each group in its order.

use std::collections::HashSet;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{SendMessageBatchRequestEntry, SendMessageBatchResultEntry};

use crate::fault::{Fault, Thing};

/// SQS's limits for one call.
const BATCH: usize = 10;
const BATCH_BYTES: usize = 1024 * 1024;

pub(super) struct Message {
    pub(super) group: String,
    pub(super) deduplication_id: String,
    pub(super) body: String,
}

/// Sends all, or (after an error) possibly some. Whatever was sent of a group, it is its beginning; sending it again
/// is harmless, because SQS drops what it has already.
pub(super) async fn send(client: &Client, url: &str, mut messages: Vec<Message>) -> Result<(), Fault> {
    while !messages.is_empty() {
        let batch;
        (batch, messages) = next_batch(messages);
        let refused = if batch.len() == 1 {
            batch
        } else {
            send_batch(client, url, batch).await?
        };
        // Alone, because the SDK waits between its repeats of a call, but knows nothing of a batch's entries.
        for message in refused {
            send_one(client, url, message).await?;
        }
    }
    Ok(())
}

/// The first of each group, as many as one call takes, and the rest. Never two of a group: a batch can fail in parts,
/// and SQS would have the second before the first.
fn next_batch(messages: Vec<Message>) -> (Vec<Message>, Vec<Message>) {
    let (mut batch, mut rest) = (Vec::new(), Vec::new());
    let (mut groups, mut bytes) = (HashSet::new(), 0);
    for message in messages {
        let first = groups.insert(message.group.clone());
        let fits = batch.is_empty() || (batch.len() < BATCH && bytes + message.body.len() <= BATCH_BYTES);
        if first && fits {
            bytes += message.body.len();
            batch.push(message);
        } else {
            rest.push(message);
        }
    }
    (batch, rest)
}

async fn send_one(client: &Client, url: &str, message: Message) -> Result<(), Fault> {
    client
        .send_message()
        .queue_url(url)
        .message_group_id(message.group)
        .message_deduplication_id(message.deduplication_id)
        .message_body(message.body)
        .send()
        .await
        .map_err(|error| Fault::of("sqs:SendMessage", Thing::Queue(url.to_owned()), &error))?;
    Ok(())
}

/// Those that SQS did not take.
async fn send_batch(client: &Client, url: &str, messages: Vec<Message>) -> Result<Vec<Message>, Fault> {
    let mut call = client.send_message_batch().queue_url(url);
    for (n, message) in messages.iter().enumerate() {
        let entry = SendMessageBatchRequestEntry::builder()
            .id(n.to_string())
            .message_group_id(&message.group)
            .message_deduplication_id(&message.deduplication_id)
            .message_body(&message.body)
            .build()
            .expect("an entry with id and body is complete");
        call = call.entries(entry);
    }
    // One action in a role allows both calls.
    let answer = call
        .send()
        .await
        .map_err(|error| Fault::of("sqs:SendMessage", Thing::Queue(url.to_owned()), &error))?;
    let taken: HashSet<&str> = answer
        .successful()
        .iter()
        .map(SendMessageBatchResultEntry::id)
        .collect();
    let all = messages.into_iter().enumerate();
    Ok(all
        .filter(|(n, _)| !taken.contains(n.to_string().as_str()))
        .map(|(_, message)| message)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(list: &[(&str, usize)]) -> Vec<Message> {
        let numbered = list.iter().enumerate();
        let message = |(n, (group, bytes)): (usize, &(&str, usize))| Message {
            group: (*group).to_owned(),
            deduplication_id: n.to_string(),
            body: "x".repeat(*bytes),
        };
        numbered.map(message).collect()
    }

    fn batches(mut messages: Vec<Message>) -> Vec<Vec<String>> {
        let mut all = Vec::new();
        while !messages.is_empty() {
            let batch;
            (batch, messages) = next_batch(messages);
            all.push(
                batch
                    .into_iter()
                    .map(|message| message.deduplication_id)
                    .collect(),
            );
        }
        all
    }

    #[test]
    fn a_batch_has_one_message_of_a_group_and_the_order_stays() {
        let all = batches(messages(&[("a", 1), ("a", 1), ("b", 1), ("a", 1), ("b", 1)]));
        assert_eq!(all, [vec!["0", "2"], vec!["1", "4"], vec!["3"]]);
    }

    #[test]
    fn a_batch_stays_below_both_limits() {
        let groups: Vec<String> = (0..12).map(|n| n.to_string()).collect();
        let many: Vec<_> = groups.iter().map(|group| (group.as_str(), 1)).collect();
        assert_eq!(
            batches(messages(&many)).iter().map(Vec::len).collect::<Vec<_>>(),
            [10, 2]
        );
        let large: Vec<_> = groups.iter().map(|group| (group.as_str(), 200 * 1024)).collect();
        assert_eq!(
            batches(messages(&large)).iter().map(Vec::len).collect::<Vec<_>>(),
            [5, 5, 2]
        );
    }
}
