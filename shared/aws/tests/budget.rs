//! One REST budget for several instances, over the wire to an emulator, and with the table failing.
//!
//! How many places there are is arithmetic, and told where that is; here it is told that instances see of each other
//! what they must.

#[path = "queue/meddler.rs"]
mod meddler;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use futures_util::future::join_all;
use handover_aws::budget::TableBudget;
use handover_aws::client::OurClient;
use handover_conformance::TestClock;
use handover_core::Timestamp;
use handover_core::ids::ContentId;
use handover_core::ports::Urgency::{self, Begun, Idle, Now};
use handover_core::ports::{Contents as _, Reply};
use handover_emulators::{DynamoDb, REGION, skip_all, unique};
use handover_handlers::config::{self, Lookup};
use handover_machine::RandomIds;
use handover_ringcx::{RestBudget as _, RingCxClient};
use meddler::{Answer, Meddler};
use tokio::sync::OnceCell;

const ACCOUNT: &str = "acme.api.engagement.dimelo.com";
/// What is said to who lost every race; a budget that is used up takes longer.
const A_MOMENT: Duration = Duration::from_secs(1);

async fn emulator() -> &'static DynamoDb {
    static EMULATOR: OnceCell<Option<DynamoDb>> = OnceCell::const_new();
    let started = EMULATOR.get_or_init(DynamoDb::start).await;
    started.as_ref().unwrap_or_else(|| skip_all())
}

/// A table that nobody else uses, and what happens to calls on their way to it.
struct Scene {
    table: String,
    dynamodb: Meddler,
    failing: Arc<AtomicBool>,
}

impl Scene {
    async fn new() -> Self {
        let table = unique("budget");
        emulator().await.create_table(&table).await;
        let failing = Arc::new(AtomicBool::new(false));
        let dynamodb = Meddler::start(Some(emulator().await.url()), {
            let failing = Arc::clone(&failing);
            move |_, _| {
                let refusal = || Answer::refusal(500, "InternalServerError", "An error on the server.");
                failing.load(Ordering::SeqCst).then(refusal)
            }
        })
        .await;
        Self {
            table,
            dynamodb,
            failing,
        }
    }

    fn instance(&self) -> TableBudget {
        instance(&self.dynamodb.url, &self.table)
    }

    fn fails(&self, failing: bool) {
        self.failing.store(failing, Ordering::SeqCst);
    }

    fn writes(&self) -> usize {
        self.dynamodb.calls("PutItem").len()
    }

    fn reads(&self) -> usize {
        self.dynamodb.calls("GetItem").len()
    }
}

fn instance(url: &str, table: &str) -> TableBudget {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(Credentials::new("test", "test", None, None, "tests"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(url)
        .http_client(OurClient::new(handover_ringcx::http::client()))
        .build();
    TableBudget::new(Client::from_conf(config), table, Arc::new(RandomIds))
}

fn seconds(seconds: u64) -> Timestamp {
    let start: Timestamp = "2026-03-01T12:00:00Z".parse().expect("a time");
    start + Duration::from_secs(seconds)
}

/// Takes as many places as there are, and says how many.
async fn take_all(instance: &TableBudget, limit: u32, urgency: Urgency, now: Timestamp) -> usize {
    let mut taken = 0;
    loop {
        match instance.take(ACCOUNT, limit, urgency, now).await {
            Ok(()) => taken += 1,
            Err(wait) if wait < A_MOMENT => {}
            Err(_) => return taken,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn br_065_racing_instances_get_the_limit_together_and_not_one_place_more() {
    // A twentieth is left to what was begun.
    for (limit, for_replies) in [(40, 38), (300, 285)] {
        let scene = Scene::new().await;
        let instances: Vec<TableBudget> = (0..6).map(|_| scene.instance()).collect();
        let racing = instances.iter().map(|one| take_all(one, limit, Now, seconds(1)));
        let taken: Vec<usize> = join_all(racing).await;
        assert_eq!(taken.iter().sum::<usize>(), for_replies, "{taken:?}");
        let begun = take_all(&instances[0], limit, Begun, seconds(1)).await;
        assert_eq!(begun, limit as usize - for_replies);
        for one in &instances {
            assert!(one.take(ACCOUNT, limit, Now, seconds(69)).await.is_err());
        }
        assert_eq!(instances[0].take(ACCOUNT, limit, Now, seconds(70)).await, Ok(()));
    }
}

#[tokio::test]
async fn calls_of_one_instance_at_the_same_moment_share_leases() {
    let scene = Scene::new().await;
    let one = scene.instance();
    let at_once = (0..20).map(|_| one.take(ACCOUNT, 300, Now, seconds(0)));
    assert!(join_all(at_once).await.iter().all(Result::is_ok));
    assert!(scene.writes() <= 7, "{} writes", scene.writes());
    let other_account = one.take("other.api.engagement.dimelo.com", 1, Now, seconds(0));
    assert_eq!(other_account.await, Ok(()));
}

#[tokio::test]
async fn the_idle_of_all_instances_share_a_twentieth_and_refusals_are_not_asked_for_again() {
    let scene = Scene::new().await;
    let (one, other) = (scene.instance(), scene.instance());
    assert_eq!(take_all(&one, 60, Idle, seconds(0)).await, 3);
    assert_eq!(take_all(&other, 60, Idle, seconds(1)).await, 0);
    let reads = scene.reads();
    for second in 2..60 {
        assert_eq!(take_all(&other, 60, Idle, seconds(second)).await, 0);
    }
    assert_eq!(scene.reads(), reads);
    assert_eq!(take_all(&other, 60, Now, seconds(60)).await, 54);
}

#[tokio::test]
async fn br_065_a_429_that_one_instance_gets_pauses_and_slows_down_the_others() {
    let scene = Scene::new().await;
    let (one, other) = (scene.instance(), scene.instance());
    assert_eq!(one.take(ACCOUNT, 100, Now, seconds(0)).await, Ok(()));
    let wait = one.limited(ACCOUNT, None, seconds(1)).await;
    assert_eq!(wait, Duration::from_secs(5));
    for instance in [&one, &other] {
        let answer = instance.take(ACCOUNT, 100, Now, seconds(2)).await;
        assert_eq!(answer, Err(Duration::from_secs(4)));
    }
    // One more that was under way with the first.
    assert_eq!(other.limited(ACCOUNT, None, seconds(2)).await, wait);
    assert_eq!(
        take_all(&other, 100, Now, seconds(7)).await,
        47,
        "half, less the one of before and what is kept"
    );

    let longer = other.limited(ACCOUNT, None, seconds(8)).await;
    assert_eq!(longer, Duration::from_secs(10));
    assert_eq!(one.take(ACCOUNT, 100, Now, seconds(90)).await, Ok(()));
    let writes = scene.writes();
    for _ in 0..3 {
        one.succeeded(ACCOUNT, seconds(91)).await;
    }
    assert_eq!(scene.writes(), writes + 1, "only the first is news");
    let third = scene.instance();
    assert_eq!(
        third.limited(ACCOUNT, None, seconds(92)).await,
        wait,
        "short again"
    );
}

#[tokio::test]
async fn who_looks_sees_what_others_took_and_writes_nothing() {
    let scene = Scene::new().await;
    let (one, other) = (scene.instance(), scene.instance());
    assert_eq!(other.wait(ACCOUNT, 3, seconds(0)).await, Duration::ZERO);
    assert_eq!(take_all(&one, 3, Now, seconds(0)).await, 3);
    let writes = scene.writes();
    let wait = other.wait(ACCOUNT, 3, seconds(1)).await;
    assert!(wait > Duration::from_mins(1), "{wait:?}");
    let reads = scene.reads();
    assert!(one.wait(ACCOUNT, 3, seconds(1)).await > A_MOMENT, "it knows");
    assert_eq!((scene.writes(), scene.reads()), (writes, reads));
    assert_eq!(other.take(ACCOUNT, 3, Now, seconds(1) + wait).await, Ok(()));

    scene.fails(true);
    one.limited(ACCOUNT, Some(Duration::from_secs(20)), seconds(100))
        .await;
    let paused = one.wait(ACCOUNT, 300, seconds(101)).await;
    assert_eq!(paused, Duration::from_secs(19), "without the table, its own");
}

#[tokio::test]
async fn what_a_dead_instance_had_leased_is_there_again_a_little_more_than_a_minute_later() {
    let scene = Scene::new().await;
    let dying = scene.instance();
    for _ in 0..4 {
        assert_eq!(dying.take(ACCOUNT, 300, Now, seconds(0)).await, Ok(()));
    }
    drop(dying);
    let other = scene.instance();
    let taken = take_all(&other, 300, Now, seconds(1)).await;
    assert!((277..=281).contains(&taken), "{taken}");
    assert_eq!(take_all(&other, 300, Now, seconds(70)).await, 285);
}

#[tokio::test]
async fn without_the_table_each_instance_has_a_twentieth_and_what_it_was_told() {
    let scene = Scene::new().await;
    let (one, other) = (scene.instance(), scene.instance());
    assert_eq!(one.take(ACCOUNT, 300, Now, seconds(0)).await, Ok(()));
    assert_eq!(
        other
            .limited(ACCOUNT, Some(Duration::from_secs(20)), seconds(0))
            .await,
        Duration::from_secs(20)
    );
    scene.fails(true);
    assert_eq!(
        take_all(&one, 300, Now, seconds(6)).await,
        15,
        "it does not know of the pause"
    );
    let paused = other.take(ACCOUNT, 300, Now, seconds(6)).await;
    assert_eq!(paused, Err(Duration::from_secs(14)));
    let reads = scene.reads();
    assert!(one.take(ACCOUNT, 300, Now, seconds(10)).await.is_err());
    assert_eq!(scene.reads(), reads, "the table is not asked again at once");
    assert_eq!(
        one.limited(ACCOUNT, None, seconds(10)).await,
        Duration::from_secs(5)
    );

    scene.fails(false);
    assert_eq!(
        one.take(ACCOUNT, 300, Now, seconds(14)).await,
        Err(Duration::from_secs(1)),
        "its own pause"
    );
    assert_eq!(
        one.take(ACCOUNT, 300, Now, seconds(15)).await,
        Err(Duration::from_secs(5)),
        "that of the other"
    );
    assert_eq!(
        take_all(&one, 300, Now, seconds(75)).await,
        143,
        "half, less what is kept"
    );
}

#[tokio::test]
async fn who_loses_every_race_waits_a_moment() {
    let dynamodb = Meddler::start(None, |operation, _| {
        Some(match operation {
            "GetItem" => Answer::ok(serde_json::json!({})),
            _ => Answer::refusal(
                400,
                "ConditionalCheckFailedException",
                "The conditional request failed",
            ),
        })
    })
    .await;
    let one = instance(&dynamodb.url, "table");
    let wait = one
        .take(ACCOUNT, 300, Now, seconds(0))
        .await
        .expect_err("no place");
    assert!(wait < A_MOMENT);
    assert_eq!(dynamodb.calls("PutItem").len(), 6);
}

/// The client repeats a write whose answer got lost, and is refused because of its own first one.
#[tokio::test]
async fn a_write_that_was_refused_because_of_itself_counts_and_leases_nothing_twice() {
    let stored = Arc::new(Mutex::new(serde_json::json!({})));
    let dynamodb = Meddler::start(None, move |operation, body| {
        let mut stored = stored.lock().expect("sound");
        if operation == "GetItem" {
            return Some(Answer::ok(stored.clone()));
        }
        *stored = serde_json::json!({"Item": body["Item"]});
        let refused = "The conditional request failed";
        Some(Answer::refusal(400, "ConditionalCheckFailedException", refused))
    })
    .await;
    let one = instance(&dynamodb.url, "table");
    assert_eq!(one.take(ACCOUNT, 300, Now, seconds(0)).await, Ok(()));
    assert_eq!(dynamodb.calls("PutItem").len(), 1);
}

#[tokio::test]
async fn a_book_that_this_version_cannot_read_is_left_alone() {
    let scene = Scene::new().await;
    let one = scene.instance();
    assert_eq!(one.take(ACCOUNT, 300, Now, seconds(0)).await, Ok(()));
    let items = emulator().await.items(&scene.table).await;
    let [item] = items.as_slice() else {
        panic!("one item: {items:?}");
    };
    assert_eq!(item["pk"]["S"], format!("budget#{ACCOUNT}"));
    let expires: i64 = item["ttl"]["N"]
        .as_str()
        .expect("a number")
        .parse()
        .expect("a number");
    assert_eq!(expires, seconds(7_200).as_second());

    let mut newer = item.clone();
    newer["book"]["S"] = "{\"slots\": \"of another kind\"}".into();
    let put = serde_json::json!({"TableName": scene.table, "Item": newer});
    emulator().await.call("PutItem", &put).await;
    let other = scene.instance();
    assert_eq!(take_all(&other, 300, Now, seconds(1)).await, 15);
    assert_eq!(emulator().await.items(&scene.table).await, [newer]);
}

/// Counts replies, and refuses them in a way that nobody takes for a limit.
async fn counting_rce() -> (String, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let app = axum::Router::new().fallback(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        async { http::StatusCode::UNPROCESSABLE_ENTITY }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, count)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn br_065_replies_of_several_instances_on_native_channels_stay_below_the_limit_together() {
    let scene = Scene::new().await;
    let (rce, count) = counting_rce().await;
    let text = format!(
        r#"
[connections.acme]
bot_keys = ["bot-key-0123456789abcdef"]
[connections.acme.ringcx]
base_api_url = "{rce}"
api_access_token = "token"
channel = "native"
source_ids = ["5f0c00000000000000005001"]
webhook_secrets = ["webhook-secret-0123456789"]
verification_token = "verification-0123456789"
bot_category_id = "5f0c0000000000000000ca0b"
agent_category_id = "5f0c0000000000000000ca0a"
requests_per_minute = 100
[connections.acme.bot]
url = "{rce}/events"
signing_secrets = ["whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="]
"#
    );
    let connection = config::parse(&text, &NoLookup)
        .expect("a configuration")
        .remove(0);
    let clock = Arc::new(TestClock::at(seconds(0)));
    let instances: Vec<RingCxClient> = (0..4)
        .map(|_| {
            let budget = Arc::new(scene.instance());
            RingCxClient::new(handover_ringcx::http::client(), budget, Arc::clone(&clock) as _)
        })
        .collect();
    let reply = Reply {
        in_reply_to: Some(ContentId::new("65d0a1000000000000740001")),
        text: Some("words".to_owned()),
        ..Reply::default()
    };
    let mut last_minute = 0;
    for minute in 1..=3 {
        // Each has more to say than all of them may.
        let saying = instances.iter().map(|one| async {
            for _ in 0..150 {
                if one.rest_wait(&connection).await.is_zero() {
                    let _ = one.reply(&connection, &reply).await;
                }
            }
        });
        join_all(saying).await;
        let said = count.load(Ordering::SeqCst) - last_minute;
        assert!((80..=95).contains(&said), "{said} replies in minute {minute}");
        last_minute += said;
        let delays = join_all(instances.iter().map(|one| one.rest_delay(&connection))).await;
        assert!(delays.iter().all(|delay| !delay.is_zero()), "{delays:?}");
        clock.advance(Duration::from_secs(70));
    }
}

/// All of it is literal.
struct NoLookup;

impl Lookup for NoLookup {
    fn env(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, _: &str) -> Result<String, std::io::Error> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}
