use std::time::SystemTime;

use handover_core::files::Refusal;

use super::*;

const NOW: Timestamp = Timestamp::constant(1_795_000_000, 0);

fn key(number: u8) -> FileKey {
    FileKey::of(&[number; 20])
}

fn facts(refused: Option<Refusal>) -> FileFacts {
    FileFacts {
        filename: "Übung.txt".to_owned(),
        content_type: "text/plain".to_owned(),
        size: 4,
        expires_at: NOW + Duration::from_mins(1),
        refused,
    }
}

fn acme() -> ConnectionId {
    ConnectionId::from("acme")
}

#[tokio::test]
async fn a_file_is_there_until_it_expires() {
    let dir = tempfile::tempdir().unwrap();
    let files = FileDirectory::new(dir.path().join("files"));
    assert_eq!(files.facts(&acme(), &key(1), NOW).await.unwrap(), None);
    let bytes = Bytes::from_static(b"a\nb\n");
    files
        .put(&acme(), &key(1), &facts(None), bytes.clone())
        .await
        .unwrap();
    let opened = Some(OpenedFile::Here {
        facts: facts(None),
        bytes,
    });
    assert_eq!(files.open(&acme(), &key(1), NOW).await.unwrap(), opened);
    assert_eq!(
        files.facts(&acme(), &key(1), NOW).await.unwrap(),
        Some(facts(None))
    );
    // Another connection does not have it.
    let other = ConnectionId::from("other");
    assert_eq!(files.open(&other, &key(1), NOW).await.unwrap(), None);
    let later = NOW + Duration::from_mins(1);
    assert_eq!(files.open(&acme(), &key(1), later).await.unwrap(), None);
    assert_eq!(files.facts(&acme(), &key(1), later).await.unwrap(), None);
}

#[tokio::test]
async fn putting_it_again_replaces_it() {
    let dir = tempfile::tempdir().unwrap();
    let files = FileDirectory::new(dir.path());
    files
        .put(&acme(), &key(1), &facts(None), Bytes::from_static(b"old!"))
        .await
        .unwrap();
    let refused = facts(Some(Refusal::NotFetched));
    files.put(&acme(), &key(1), &refused, Bytes::new()).await.unwrap();
    assert_eq!(files.facts(&acme(), &key(1), NOW).await.unwrap(), Some(refused));
    assert_eq!(entries(&dir.path().join("acme")).unwrap().len(), 1);
}

#[tokio::test]
async fn what_has_expired_and_what_was_never_finished_is_swept_away() {
    let dir = tempfile::tempdir().unwrap();
    let files = FileDirectory::new(dir.path());
    let mut short = facts(None);
    short.expires_at = NOW;
    files.put(&acme(), &key(1), &short, Bytes::new()).await.unwrap();
    files
        .put(&acme(), &key(2), &facts(None), Bytes::new())
        .await
        .unwrap();
    let connection = dir.path().join("acme");
    let written = |name: &str, at: Timestamp| {
        let file = File::create(connection.join(name)).unwrap();
        file.set_modified(SystemTime::from(at)).unwrap();
    };
    written(".unfinished-old", NOW - Duration::from_hours(2));
    written(".unfinished-new", NOW);
    std::fs::write(connection.join("odd"), "not one of ours").unwrap();
    files.sweep(NOW).await.unwrap();
    let mut left: Vec<String> = entries(&connection)
        .unwrap()
        .iter()
        .map(|place| place.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    left.sort();
    let mut expected = [".unfinished-new", key(2).as_str(), "odd"].map(str::to_owned);
    expected.sort();
    assert_eq!(left, expected);
}
