//! The emulators start, do what our tests rely on, and end.

use handover_emulators::{DynamoDb, Ministack, Queues, unique};
use serde_json::json;

#[tokio::test]
async fn a_table_as_the_template_makes_it() {
    let Some(dynamodb) = DynamoDb::start().await else {
        return;
    };
    let table = unique("handover");
    dynamodb.create_table(&table).await;
    let item = json!({"TableName": table, "Item": {"pk": {"S": "a"}, "sk": {"S": "b"}}});
    dynamodb.call("PutItem", &item).await;
    assert_eq!(
        dynamodb.items(&table).await,
        [json!({"pk": {"S": "a"}, "sk": {"S": "b"}})]
    );
    let ttl = dynamodb
        .call("DescribeTimeToLive", &json!({"TableName": table}))
        .await;
    assert_eq!(ttl["TimeToLiveDescription"]["AttributeName"], "ttl");
}

#[tokio::test]
async fn a_queue_locks_a_group_and_lets_others_pass() {
    let Some(aws) = Ministack::start().await else {
        return;
    };
    let queues = Queues::create(aws.url(), &unique("stage")).await;
    for (group, id) in [("a", "1"), ("a", "2"), ("b", "3")] {
        queues.to_bot.send(group, id, &format!("{group}{id}")).await;
        queues.to_bot.send(group, id, "a repeat").await;
    }
    assert_eq!(queues.to_bot.depth().await, (3, 0));
    let bodies = |found: &[handover_emulators::Message]| {
        let mut bodies: Vec<String> = found.iter().map(|message| message.body.clone()).collect();
        bodies.sort();
        bodies
    };
    let received = queues.to_bot.receive(1).await.unwrap();
    assert_eq!(bodies(&received), ["a1", "a2", "b3"]);
    assert!(
        received
            .iter()
            .all(|message| message.attributes["ApproximateReceiveCount"] == "1")
    );
    queues.to_bot.send("a", "4", "a4").await;
    assert!(
        queues.to_bot.receive(0).await.unwrap().is_empty(),
        "the group is locked"
    );
    for message in &received {
        queues.to_bot.delete(message).await.unwrap();
    }
    assert_eq!(bodies(&queues.to_bot.receive(1).await.unwrap()), ["a4"]);
    assert_eq!(queues.to_bot.dead_letters().await, 0);
}

#[tokio::test]
async fn a_parameter_is_kept() {
    let Some(aws) = Ministack::start().await else {
        return;
    };
    aws.put_parameter("/stage/connections/acme", "first").await;
    aws.put_parameter("/stage/connections/acme", "second").await;
    let wanted = json!({"Name": "/stage/connections/acme", "WithDecryption": true});
    let found = aws.call("AmazonSSM.GetParameter", &wanted).await;
    assert_eq!(found["Parameter"]["Value"], "second");
}

#[tokio::test]
async fn an_emulator_ends_when_it_is_dropped() {
    let Some(dynamodb) = DynamoDb::start().await else {
        return;
    };
    let port = dynamodb.port();
    drop(dynamodb);
    std::net::TcpListener::bind(("127.0.0.1", port)).expect("nobody listens there any more");
}
