//! SQS and the table failing, throttling, refusing; and a process that dies between two calls.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use handover_aws::queue::{Ledger, QueueUrls, SqsQueue};
use handover_conformance::samples::{job, job_on};
use handover_core::ids::JobId;
use handover_core::job::QueueName;
use handover_core::ports::{Clock as _, JobQueue as _, QueueError, Received};
use handover_machine::SystemClock;
use serde_json::{Value, json};

use super::meddler::{Answer, Meddler};
use super::{Ground, dynamodb_client, sqs_client};

const LONG: Duration = Duration::from_mins(1);
const TO_RINGCX: &str = "http://127.0.0.1/000000000000/stage-to-ringcx.fifo";

/// A queue whose SQS is all made up.
fn queue_at(sqs: &Meddler) -> SqsQueue {
    let urls = QueueUrls {
        to_bot: TO_RINGCX.replace("ringcx", "bot"),
        to_ringcx: TO_RINGCX.to_owned(),
        queue_updates: TO_RINGCX.replace("to-ringcx", "queue-updates"),
    };
    // Nothing answers there.
    let ledger = Ledger::new(
        dynamodb_client("http://127.0.0.1:9"),
        "table",
        Arc::new(SystemClock),
    );
    SqsQueue::new(sqs_client(&sqs.url), urls, ledger, Arc::new(SystemClock))
}

#[track_caller]
fn expect_told(result: Result<(), QueueError>, words: &[&str]) {
    let error = result.expect_err("it cannot work");
    assert!(matches!(error, QueueError::Unavailable(_)), "{error:?}");
    let told = error.to_string();
    for word in words {
        assert!(told.contains(word), "'{word}' is missing in: {told}");
    }
}

#[tokio::test]
async fn a_throttled_call_is_repeated() {
    let calls = AtomicUsize::new(0);
    let sqs = Meddler::start(None, move |_, _| {
        Some(match calls.fetch_add(1, Ordering::SeqCst) {
            0 => Answer::refusal(400, "RequestThrottled", "Request is throttled."),
            1 => Answer::refusal(500, "InternalError", "We encountered an internal error."),
            _ => Answer::ok(json!({"MessageId": "m", "MD5OfMessageBody": ""})),
        })
    })
    .await;
    let sent = queue_at(&sqs)
        .send(vec![job("a", "a-1", SystemClock.now())])
        .await;
    sent.expect("the third time works");
    let calls = sqs.calls("SendMessage");
    assert_eq!(calls.len(), 3);
    assert!(
        calls.iter().all(|call| *call == calls[0]),
        "SQS must recognise the repeat"
    );
}

#[tokio::test]
async fn what_is_wrong_is_named_in_one_line() {
    let now = SystemClock.now();
    let cases: [(u16, &str, &str, &[&str]); 5] = [
        (
            500,
            "InternalError",
            "Try again.",
            &["sqs:SendMessage", TO_RINGCX, "Try again."],
        ),
        (
            400,
            "RequestThrottled",
            "Too fast.",
            &["sqs:SendMessage", TO_RINGCX, "RequestThrottled"],
        ),
        (
            400,
            "QueueDoesNotExist",
            "The specified queue does not exist.",
            &[TO_RINGCX, "does not exist", "_QUEUE_URL"],
        ),
        (
            403,
            "AccessDeniedException",
            "User: worker is not authorized to perform: sqs:sendmessage",
            &[
                "no permission for sqs:SendMessage",
                TO_RINGCX,
                "role",
                "User: worker",
            ],
        ),
        (
            400,
            "KmsAccessDenied",
            "The ciphertext refers to a customer master key that does not exist.",
            &["no permission for sqs:SendMessage", TO_RINGCX, "master key"],
        ),
    ];
    for (status, code, message, words) in cases {
        let sqs = Meddler::start(None, move |_, _| Some(Answer::refusal(status, code, message))).await;
        expect_told(queue_at(&sqs).send(vec![job("a", "a-1", now)]).await, words);
        let both = vec![job("a", "a-1", now), job("b", "b-1", now)];
        expect_told(queue_at(&sqs).send(both).await, words);
    }
}

#[tokio::test]
async fn a_queue_or_table_that_is_missing_is_named() {
    let ground = Ground::new().await;
    let now = SystemClock.now();
    let mut urls = ground.urls();
    urls.to_bot = urls.to_bot.replace("to-bot", "nowhere");
    let ledger = Ledger::new(
        dynamodb_client(&ground.dynamodb),
        "no-such-table",
        Arc::new(SystemClock),
    );
    let queue = SqsQueue::new(
        sqs_client(&ground.sqs),
        urls.clone(),
        ledger,
        Arc::new(SystemClock),
    );
    let sent = queue.send(vec![job_on(QueueName::ToBot, "a", "a-1", now)]).await;
    expect_told(sent, &[&urls.to_bot, "does not exist"]);

    queue
        .send(vec![job("a", "a-1", now)])
        .await
        .expect("this queue is there");
    let received = take(&queue).await;
    let waited = queue.retry(&received.receipt, Duration::ZERO, false).await;
    expect_told(
        waited,
        &["table no-such-table", "does not exist", "HANDOVER_TABLE"],
    );
    let put_aside = queue.dead_letter(&received, "no luck").await;
    expect_told(put_aside, &["table no-such-table"]);
    // Neither has let go of the job.
    queue.delete(&received.receipt).await.expect("it is still ours");
}

async fn take(queue: &SqsQueue) -> Received {
    let mut received = queue
        .receive(QueueName::ToRingcx, 1, LONG)
        .await
        .expect("receiving works");
    received.pop().expect("a job is there")
}

/// SQS's several ways to say that a handle is good no more.
#[tokio::test]
async fn sqs_too_may_say_that_a_receipt_is_stale() {
    let words = [
        ("ReceiptHandleIsInvalid", "The input receipt handle is invalid."),
        ("MessageNotInflight", ""),
        (
            "InvalidParameterValue",
            "Value h for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.",
        ),
        (
            "InvalidParameterValue",
            "Value h for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for \
             visibility timeout change.",
        ),
    ];
    for (code, message) in words {
        let sqs = Meddler::start(None, move |_, _| Some(Answer::refusal(400, code, message))).await;
        let queue = queue_at(&sqs);
        let receipt = queue.receipt(
            QueueName::ToRingcx,
            &JobId::new("j"),
            "h",
            SystemClock.now() + LONG,
        );
        let deleted = queue.delete(&receipt).await;
        assert!(matches!(deleted, Err(QueueError::StaleReceipt)), "{deleted:?}");
        let retried = queue.retry(&receipt, Duration::ZERO, true).await;
        assert!(matches!(retried, Err(QueueError::StaleReceipt)), "{retried:?}");
        assert_eq!(sqs.calls("DeleteMessage")[0]["ReceiptHandle"], "h");
    }
    let too_long = "Value 43200 for parameter VisibilityTimeout is invalid.";
    let sqs = Meddler::start(None, move |_, _| {
        Some(Answer::refusal(400, "InvalidParameterValue", too_long))
    })
    .await;
    let queue = queue_at(&sqs);
    let receipt = queue.receipt(
        QueueName::ToRingcx,
        &JobId::new("j"),
        "h",
        SystemClock.now() + LONG,
    );
    expect_told(queue.retry(&receipt, Duration::ZERO, true).await, &[too_long]);
}

/// A queue that takes every other message of a batch only: the first, the third and so on.
#[tokio::test]
async fn a_batch_that_is_taken_in_part_keeps_the_order_of_every_group() {
    let stored: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let store = {
        let stored = Arc::clone(&stored);
        move |message: &Value| {
            let body: Value = serde_json::from_str(message["MessageBody"].as_str().unwrap_or("")).unwrap();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let mut stored = stored.lock().unwrap();
            stored.push((text(&message["MessageGroupId"]), text(&body["id"])));
        }
    };
    let sqs = Meddler::start(None, move |operation, input| {
        if operation == "SendMessage" {
            store(input);
            return Some(Answer::ok(json!({"MessageId": "m", "MD5OfMessageBody": ""})));
        }
        let (mut taken, mut refused) = (Vec::new(), Vec::new());
        for (n, entry) in input["Entries"].as_array().into_iter().flatten().enumerate() {
            if n % 2 == 0 {
                store(entry);
                taken.push(json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": ""}));
            } else {
                refused.push(json!({"Id": entry["Id"], "Code": "InternalError", "SenderFault": false}));
            }
        }
        Some(Answer::ok(json!({"Successful": taken, "Failed": refused})))
    })
    .await;
    let now = SystemClock.now();
    let names = ["a", "b", "c", "d"];
    let ids: Vec<Vec<String>> = names
        .iter()
        .map(|name| (0..5).map(|n| format!("{name}-{n}")).collect())
        .collect();
    let mut jobs = Vec::new();
    for n in 0..5 {
        jobs.extend(names.iter().zip(&ids).map(|(name, ids)| job(name, &ids[n], now)));
    }
    queue_at(&sqs).send(jobs).await.expect("all are taken in the end");
    let stored = stored.lock().unwrap();
    assert_eq!(stored.len(), 20, "each once");
    for (name, ids) in names.iter().zip(&ids) {
        let group = job(name, "any", now).job.group();
        let of_group = stored.iter().filter(|(of, _)| *of == group);
        let order: Vec<&String> = of_group.map(|(_, id)| id).collect();
        assert_eq!(order, ids.iter().collect::<Vec<_>>());
    }
}

/// A group of which one was refused for good must not go on behind it.
#[tokio::test]
async fn nothing_of_a_group_is_sent_behind_what_was_refused() {
    let sqs = Meddler::start(None, |operation, input| {
        let refused = |message: &Value| message["MessageBody"].as_str().is_some_and(|body| body.contains("a-1"));
        if operation == "SendMessage" {
            return Some(if refused(input) {
                Answer::refusal(400, "InvalidMessageContents", "Not these characters.")
            } else {
                Answer::ok(json!({"MessageId": "m", "MD5OfMessageBody": ""}))
            });
        }
        let entries = input["Entries"].as_array().expect("entries");
        let (refused, taken): (Vec<&Value>, Vec<&Value>) = entries.iter().partition(|entry| refused(entry));
        let failed = |entry: &&Value| json!({"Id": entry["Id"], "Code": "InvalidMessageContents", "SenderFault": true});
        let ok = |entry: &&Value| json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": ""});
        Some(Answer::ok(json!({
            "Successful": taken.iter().map(ok).collect::<Vec<_>>(),
            "Failed": refused.iter().map(failed).collect::<Vec<_>>(),
        })))
    })
    .await;
    let now = SystemClock.now();
    let jobs = vec![
        job("a", "a-0", now),
        job("a", "a-1", now),
        job("b", "b-0", now),
        job("a", "a-2", now),
        job("b", "b-1", now),
    ];
    expect_told(
        queue_at(&sqs).send(jobs).await,
        &["InvalidMessageContents", TO_RINGCX],
    );
    let all = [sqs.calls("SendMessage"), sqs.calls("SendMessageBatch")].concat();
    assert!(
        !all.iter().any(|call| call.to_string().contains("a-2")),
        "it would overtake"
    );
}

/// The process dies after the letter was written, before the message was deleted.
#[tokio::test]
async fn putting_aside_twice_makes_one_dead_letter() {
    let ground = Ground::new().await;
    let sqs = Meddler::start(Some(&ground.sqs), |operation, _| {
        (operation == "DeleteMessage").then(|| Answer::refusal(500, "InternalError", ""))
    })
    .await;
    let dying = ground.queue_at(&sqs.url, &ground.dynamodb);
    let queue = ground.queue();
    queue
        .send(vec![job("a", "a-1", SystemClock.now())])
        .await
        .expect("sending works");
    let received = take(&dying).await;
    expect_told(
        dying.dead_letter(&received, "first").await,
        &["sqs:DeleteMessage"],
    );
    // It comes back.
    queue
        .retry(&received.receipt, Duration::ZERO, true)
        .await
        .expect("it is still there");
    let again = take(&queue).await;
    queue
        .dead_letter(&again, "second")
        .await
        .expect("putting aside works");
    let letters = queue.dead_letters().await.expect("listing works");
    let told: Vec<_> = letters
        .iter()
        .map(|letter| (letter.reason.as_str(), letter.attempts))
        .collect();
    assert_eq!(told, [("second", 2)]);
    // Given up again after a replay, it is another one.
    assert!(queue.replay(&letters[0].id).await.expect("replaying works"));
    let replayed = take(&queue).await;
    queue
        .dead_letter(&replayed, "third")
        .await
        .expect("putting aside works");
    let after = queue.dead_letters().await.expect("listing works");
    assert_eq!(after.len(), 1);
    assert_ne!(after[0].id, letters[0].id);
}

/// The process dies after the job was sent again, before the letter was removed.
#[tokio::test]
async fn replaying_twice_sends_once() {
    let ground = Ground::new().await;
    let dying = Arc::new(AtomicBool::new(true));
    let dynamodb = Meddler::start(Some(&ground.dynamodb), {
        let dying = Arc::clone(&dying);
        move |operation, input| {
            let removes_letter = operation == "DeleteItem" && input["Key"]["pk"]["S"] == "dead";
            (removes_letter && dying.load(Ordering::SeqCst))
                .then(|| Answer::refusal(500, "InternalError", ""))
        }
    })
    .await;
    let queue = ground.queue_at(&ground.sqs, &dynamodb.url);
    queue
        .send(vec![job("a", "a-1", SystemClock.now())])
        .await
        .expect("sending works");
    queue
        .dead_letter(&take(&queue).await, "no luck")
        .await
        .expect("putting aside works");
    let id = queue.dead_letters().await.expect("listing works").remove(0).id;
    let replayed = queue.replay(&id).await.map(|_| ());
    expect_told(replayed, &["dynamodb:DeleteItem"]);
    dying.store(false, Ordering::SeqCst);
    assert!(queue.replay(&id).await.expect("replaying works"));

    let once = take(&queue).await;
    assert_eq!(once.job.id.as_str(), "a-1");
    queue.delete(&once.receipt).await.expect("deleting works");
    let more = queue.receive(QueueName::ToRingcx, 10, LONG).await;
    assert!(more.expect("receiving works").is_empty());
    assert!(queue.dead_letters().await.expect("listing works").is_empty());
}

/// If its text cannot be kept, a large job is not accepted: a message would point to nothing.
#[tokio::test]
async fn a_large_job_is_not_sent_before_it_is_kept() {
    let ground = Ground::new().await;
    let parts = AtomicUsize::new(0);
    let dynamodb = Meddler::start(Some(&ground.dynamodb), move |operation, _| {
        let second = operation == "PutItem" && parts.fetch_add(1, Ordering::SeqCst) > 0;
        second.then(|| Answer::refusal(400, "ProvisionedThroughputExceededException", "Slow down."))
    })
    .await;
    let queue = ground.queue_at(&ground.sqs, &dynamodb.url);
    let now = SystemClock.now();
    let large = handover_conformance::samples::job_with_text("a", "a-1", &"x".repeat(500_000), now);
    expect_told(
        queue.send(vec![large.clone()]).await,
        &["dynamodb:PutItem", "Slow down."],
    );
    assert_eq!(ground.queues.to_ringcx.depth().await, (0, 0));

    // The caller sends again.
    let queue = ground.queue();
    queue.send(vec![large.clone()]).await.expect("sending works");
    assert!(take(&queue).await.job == large.job, "it changed");
}
