use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use handover_core::job::QueueName;
use handover_core::ports::JobQueue;
use tokio::task::JoinSet;

use super::{LONG, send};
use crate::Subject;
use crate::samples::job;

const GROUPS: usize = 12;
const JOBS: usize = 10;
const TASKS: usize = 8;
/// A story that hangs shall fail instead.
const AT_MOST: Duration = Duration::from_mins(2);

type Seen = Arc<Mutex<Vec<(String, String)>>>;

fn name(group: usize) -> String {
    format!("group-{group}")
}

fn id(group: usize, n: usize) -> String {
    format!("{}.{n}", name(group))
}

/// Receives and finishes jobs until all tasks together have seen `total`.
async fn work(queue: Arc<dyn JobQueue>, seen: Seen, total: usize) {
    while count(&seen) < total {
        let batch = queue
            .receive(QueueName::ToRingcx, 3, LONG)
            .await
            .expect("receiving works");
        if batch.is_empty() {
            tokio::task::yield_now().await;
        }
        for received in batch {
            let line = (received.job.group(), received.job.id.to_string());
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            queue.delete(&received.receipt).await.expect("deleting works");
        }
    }
}

fn count(seen: &Seen) -> usize {
    seen.lock().unwrap_or_else(PoisonError::into_inner).len()
}

async fn work_off(subject: &Subject, total: usize) -> HashMap<String, Vec<String>> {
    let seen = Seen::default();
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        tasks.spawn(work(Arc::clone(&subject.queue), Arc::clone(&seen), total));
    }
    tokio::time::timeout(AT_MOST, tasks.join_all())
        .await
        .expect("all jobs come");
    let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    assert_eq!(seen.len(), total, "each job once");
    let mut groups: HashMap<String, Vec<String>> = HashMap::new();
    for (group, id) in seen {
        groups.entry(group).or_default().push(id);
    }
    groups
}

pub async fn many_receivers_get_each_job_once_and_in_order(subject: &Subject) {
    let now = subject.time.now();
    for n in 0..JOBS {
        send(
            subject,
            (0..GROUPS)
                .map(|group| job(&name(group), &id(group, n), now))
                .collect(),
        )
        .await;
    }
    let groups = work_off(subject, GROUPS * JOBS).await;
    assert_eq!(groups.len(), GROUPS);
    for group in 0..GROUPS {
        let expected: Vec<String> = (0..JOBS).map(|n| id(group, n)).collect();
        let key = job(&name(group), "any", now).job.group();
        assert_eq!(groups.get(&key), Some(&expected));
    }
}

pub async fn many_senders_lose_nothing(subject: &Subject) {
    let now = subject.time.now();
    let mut senders = JoinSet::new();
    for group in 0..GROUPS {
        let queue = Arc::clone(&subject.queue);
        senders.spawn(async move {
            for n in 0..JOBS {
                queue
                    .send(vec![job(&name(group), &id(group, n), now)])
                    .await
                    .expect("sending works");
            }
        });
    }
    // Received while it is still being sent.
    let groups = work_off(subject, GROUPS * JOBS).await;
    senders.join_all().await;
    for (group, seen) in groups {
        let mut expected: Vec<String> = seen.clone();
        expected.sort_by_key(|id| id.rsplit('.').next().and_then(|n| n.parse::<usize>().ok()));
        assert_eq!(seen, expected, "{group}");
    }
}
