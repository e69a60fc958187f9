use std::sync::Arc;
use std::time::Duration;

use handover_core::ports::{Claim, Commit, Expected, Recorded, StoreError};
use tokio::task::JoinSet;

use super::{claimed, commit, find, found, stored};
use crate::Subject;
use crate::queue::{expect_nothing, finish_next};
use crate::samples::{claim, conversation, job, write};

fn claiming(claim: Claim) -> Commit {
    Commit {
        claims: vec![claim],
        ..Commit::default()
    }
}

fn recorded(holder: &str, record: &str) -> Recorded {
    Recorded {
        holder: holder.to_owned(),
        record: record.to_owned(),
    }
}

#[track_caller]
fn expect_claimed(result: &Result<(), StoreError>, expected: &Recorded) {
    match result {
        Err(StoreError::Claimed(recorded)) => assert_eq!(recorded, expected),
        other => panic!("not reported as claimed: {other:?}"),
    }
}

pub async fn a_claim_is_recorded(subject: &Subject) {
    assert_eq!(claimed(subject, "key / ü").await, None);
    let claim = claim("key / ü", "one", "{\"answer\": \"🙂\"}", subject.time.now());
    commit(subject, claiming(claim)).await;
    let expected = recorded("one", "{\"answer\": \"🙂\"}");
    assert_eq!(claimed(subject, "key / ü").await, Some(expected));
    assert_eq!(claimed(subject, "key").await, None);
}

pub async fn a_claim_may_be_made_again_by_its_holder(subject: &Subject) {
    let now = subject.time.now();
    for id in ["a-1", "a-2"] {
        let mut change = claiming(claim("key", "one", "record", now));
        change.jobs = vec![job("a", id, now)];
        commit(subject, change).await;
        finish_next(subject, id).await;
    }
    assert_eq!(claimed(subject, "key").await, Some(recorded("one", "record")));
}

pub async fn its_holder_may_change_what_is_recorded(subject: &Subject) {
    let now = subject.time.now();
    for (record, hours) in [("on", 24 * 3650), ("off", 1), ("on again", 24 * 3650)] {
        let mut again = claim("switch", "operator", record, now);
        again.expires_at = now + Duration::from_hours(hours);
        commit(subject, claiming(again)).await;
        assert_eq!(
            claimed(subject, "switch").await,
            Some(recorded("operator", record))
        );
    }
}

pub async fn a_claim_of_somebody_else_stops_everything(subject: &Subject) {
    let now = subject.time.now();
    commit(subject, claiming(claim("taken", "one", "the record", now))).await;
    let mut change = write(&conversation("a", now), Expected::New);
    change.claims = vec![claim("free", "two", "", now), claim("taken", "two", "", now)];
    change.jobs = vec![job("a", "a-1", now)];
    expect_claimed(
        &subject.store.commit(change).await,
        &recorded("one", "the record"),
    );
    assert_eq!(claimed(subject, "free").await, None);
    assert_eq!(find(subject, "a").await, None);
    expect_nothing(subject).await;
}

pub async fn an_expired_claim_is_free(subject: &Subject) {
    let brief = Claim {
        expires_at: subject.time.now() + Duration::from_secs(2),
        ..claim("key", "one", "old", subject.time.now())
    };
    commit(subject, claiming(brief)).await;
    subject.time.pass(Duration::from_secs(3)).await;
    assert_eq!(claimed(subject, "key").await, None);
    commit(subject, claiming(claim("key", "two", "new", subject.time.now()))).await;
    assert_eq!(claimed(subject, "key").await, Some(recorded("two", "new")));
}

pub async fn of_concurrent_claims_one_wins(subject: &Subject) {
    let now = subject.time.now();
    let mut tasks = JoinSet::new();
    for n in 0..16 {
        let store = Arc::clone(&subject.store);
        tasks.spawn(async move {
            let holder = format!("holder-{n}");
            let mut change = claiming(claim("key", &holder, &holder, now));
            change.jobs = vec![job("a", &format!("a-{n}"), now)];
            (holder, store.commit(change).await)
        });
    }
    let results = tasks.join_all().await;
    let winners: Vec<_> = results.iter().filter(|(_, result)| result.is_ok()).collect();
    assert_eq!(winners.len(), 1);
    let winner = recorded(&winners[0].0, &winners[0].0);
    for (_, result) in results.iter().filter(|(_, result)| result.is_err()) {
        expect_claimed(result, &winner);
    }
    finish_next(subject, &winner.holder.replace("holder", "a")).await;
    expect_nothing(subject).await;
}

/// Whoever repeats a call must learn that it was done, although its read is out of date too.
pub async fn a_claim_that_is_held_is_reported_before_a_conflict(subject: &Subject) {
    let now = subject.time.now();
    let conversation = stored(subject, "a").await;
    let version = found(subject, "a").await.version;
    let mut change = write(&conversation, Expected::Version(version));
    change.claims = vec![claim("key", "one", "answer", now)];
    commit(subject, change.clone()).await;
    change.claims = vec![claim("key", "two", "", now)];
    expect_claimed(&subject.store.commit(change).await, &recorded("one", "answer"));
}
