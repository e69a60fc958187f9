//! Files in S3, over the wire to an emulator that checks every signature and its time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use handover_aws::client::Account;
use handover_aws::s3::S3Files;
use handover_core::files::{FileFacts, FileKey, Refusal};
use handover_core::ids::ConnectionId;
use handover_core::ports::{Clock as _, FileStore as _, OpenedFile};
use handover_core::secret::Secret;
use handover_emulators::{Ministack, REGION, skip_all, unique};
use handover_machine::SystemClock;
use tokio::sync::OnceCell;

/// The emulator that all tests share; each has a bucket of its own.
async fn emulator() -> &'static Ministack {
    static EMULATOR: OnceCell<Option<Ministack>> = OnceCell::const_new();
    let started = EMULATOR.get_or_init(Ministack::start).await;
    started.as_ref().unwrap_or_else(|| skip_all())
}

async fn bucket(secret: &str) -> S3Files {
    let (emulator, http) = (emulator().await, handover_ringcx::http::client());
    let name = unique("files");
    emulator.create_bucket(&name).await;
    let account = Account {
        region: REGION.to_owned(),
        access_key_id: "test".to_owned(),
        secret_access_key: Secret::new(secret),
        session_token: None,
        endpoint: Some(emulator.url().to_owned()),
        dynamodb_endpoint: None,
    };
    S3Files::new(account, http, &name, Arc::new(SystemClock)).expect("a URL")
}

fn facts(refused: Option<Refusal>) -> FileFacts {
    FileFacts {
        filename: "Übung 1.png".to_owned(),
        content_type: "image/png".to_owned(),
        size: 4,
        expires_at: SystemClock.now() + Duration::from_mins(1),
        refused,
    }
}

fn acme() -> ConnectionId {
    ConnectionId::from("acme")
}

#[tokio::test]
async fn a_file_is_stored_and_found_behind_a_link_that_expires() {
    let (files, key, now) = (bucket("test").await, FileKey::of(&[1; 20]), SystemClock.now());
    assert_eq!(files.facts(&acme(), &key, now).await.unwrap(), None);
    assert_eq!(files.open(&acme(), &key, now).await.unwrap(), None);
    let (known, bytes) = (facts(None), Bytes::from_static(b"\x89PNG"));
    files.put(&acme(), &key, &known, bytes.clone()).await.unwrap();
    assert_eq!(
        files.facts(&acme(), &key, now).await.unwrap(),
        Some(known.clone())
    );
    let Some(OpenedFile::Elsewhere { link }) = files.open(&acme(), &key, now).await.unwrap() else {
        panic!("no link")
    };
    assert!(link.contains("X-Amz-Expires=300"), "{link}");
    let http = handover_ringcx::http::client();
    let opened = http.get(&link).send().await.unwrap();
    assert_eq!(opened.status(), 200);
    assert_eq!(opened.headers()["content-type"], "image/png");
    let disposition = opened.headers()["content-disposition"].to_str().unwrap();
    assert!(
        disposition.starts_with("inline") && disposition.ends_with("''%C3%9Cbung%201.png"),
        "{disposition}"
    );
    assert_eq!(opened.bytes().await.unwrap(), bytes);
    // The link is for this file and for reading only.
    let other = link.replace(key.as_str(), FileKey::of(&[2; 20]).as_str());
    assert_eq!(http.get(other).send().await.unwrap().status(), 403);
    assert_eq!(http.put(&link).body("x").send().await.unwrap().status(), 403);
    let later = now + Duration::from_mins(2);
    assert_eq!(files.facts(&acme(), &key, later).await.unwrap(), None, "expired");
    assert_eq!(files.open(&acme(), &key, later).await.unwrap(), None);
}

#[tokio::test]
async fn a_decision_against_a_file_is_kept_without_a_link() {
    let (files, key) = (bucket("test").await, FileKey::of(&[1; 20]));
    let refused = facts(Some(Refusal::TooLarge {
        size: None,
        limit: 20_000_000,
    }));
    files.put(&acme(), &key, &refused, Bytes::new()).await.unwrap();
    let now = SystemClock.now();
    assert_eq!(
        files.facts(&acme(), &key, now).await.unwrap(),
        Some(refused.clone())
    );
    let opened = files.open(&acme(), &key, now).await.unwrap();
    assert_eq!(
        opened,
        Some(OpenedFile::Here {
            facts: refused,
            bytes: Bytes::new()
        })
    );
}

#[tokio::test]
async fn what_s3_refuses_is_an_error_that_shows_no_signature() {
    let files = bucket("somebody else's secret").await;
    let key = FileKey::of(&[1; 20]);
    let refused = files
        .put(&acme(), &key, &facts(None), Bytes::from_static(b"x"))
        .await;
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.contains("403") && !refused.contains("Signature="),
        "{refused}"
    );
    assert!(files.facts(&acme(), &key, SystemClock.now()).await.is_err());
}
