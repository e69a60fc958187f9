//! The console: what an administrator sets up by the API, and what only a person can.

mod categories;
mod people;
mod sources;
mod webhooks;

use serde_json::{Value, json};
use simulated_ringcx::{Fault, FaultTarget, ROLE_RIGHTS, SimulatedConfig, State, WebhookState};

use crate::{SOON, World, bot, customer};

const AGENT_ROLE: &str = "5f0c00000000000000b01e01";

/// An account that nobody set up yet.
async fn bare() -> World {
    World::unconnected(|config| {
        *config = SimulatedConfig {
            speed: config.speed,
            ..SimulatedConfig::bare()
        };
    })
    .await
}

async fn ok(world: &World, method: &str, path: &str, form: &str) -> Value {
    let (status, body) = world.rest(method, path, form).await;
    assert_eq!(status, 200, "{method} {path}: {body}");
    body
}

async fn refused(world: &World, method: &str, path: &str, form: &str) -> u16 {
    let (status, body) = world.rest(method, path, form).await;
    assert_eq!(body["status"], status, "{method} {path}: {body}");
    assert!(body["error"].is_string() && body["message"].is_string(), "{body}");
    status
}

fn id(record: &Value) -> String {
    record["id"].as_str().expect("an id").to_owned()
}

fn source_path(world: &World) -> String {
    format!("/content_sources/{}", world.rce.config().source_id)
}

async fn announce(world: &World, foreign_id: &str) {
    let mut identity = bot();
    identity["id"] = json!(foreign_id);
    assert_eq!(world.send("users.create", identity).await.0, 200);
}

#[tokio::test]
async fn a_bare_account_becomes_one_that_hands_over() {
    let world = bare().await;
    let source = ok(&world, "GET", &source_path(&world), "").await;
    assert_eq!(
        (&source["type"], &source["default_category_ids"]),
        (&json!("sdk"), &json!([]))
    );
    assert_eq!(ok(&world, "GET", "/categories", "").await["count"], 0);
    assert_eq!(ok(&world, "GET", "/webhooks", "").await["count"], 0);

    // By the API: categories, the source's defaults, the agents' skill and permissions, the webhook.
    let parent = id(&ok(&world, "POST", "/categories", "name=Bridge&unselectable=true").await);
    let mut children = Vec::new();
    for name in ["Bot", "Agent"] {
        let form = format!("name={name}&parent_id={parent}");
        children.push(id(&ok(&world, "POST", "/categories", &form).await));
    }
    let (bot_category, agent_category) = (&children[0], &children[1]);
    let form =
        format!("default_category_ids[]={bot_category}&user_thread_default_category_ids[]={bot_category}");
    ok(&world, "PUT", &source_path(&world), &form).await;
    let source = &world.rce.config().source_id;
    for number in 0..2 {
        let user = format!("/users/{}", world.agent(number));
        ok(&world, "PUT", &user, &format!("category_ids[]={agent_category}")).await;
        let permissions = format!("{user}/sources_permissions");
        let form = format!("{source}[]=read&{source}[]=reply");
        assert_eq!(
            ok(&world, "PUT", &permissions, &form).await,
            json!({source: ["read", "reply"]})
        );
    }
    let url: String = form_urlencoded::byte_serialize(world.bridge.url().as_bytes()).collect();
    let form = format!(
        "active=true&url={url}&verify_token=simulated-verify-token&secret=simulated-webhook-secret\
         &registered_events[]=intervention.closed"
    );
    ok(&world, "POST", "/webhooks", &form).await;
    let enabled = |state: &State| state.webhook_state() == Some(WebhookState::Enabled);
    assert!(world.rce.wait_until(enabled, SOON).await);

    // By hand: nothing before the bridge announced its identities.
    assert!(world.rce.tick_controlled_identity("bot").is_err());
    for identity in ["bot", "agent"] {
        announce(&world, identity).await;
    }
    let agents = [world.agent(0), world.agent(1)];
    let agents = [agents[0].as_str(), agents[1].as_str()];
    assert!(
        world.rce.assign_identity("agent", &agents).is_err(),
        "not ticked yet"
    );
    for identity in ["bot", "agent"] {
        world.rce.tick_controlled_identity(identity).expect("ticked");
    }
    world.rce.assign_identity("agent", &agents).expect("assigned");
    assert!(world.rce.set_base_uri(&world.bridge.url()).await);

    // A conversation.
    world.customer_says("conv-1", "msg-1", "Hi").await;
    assert_eq!(
        world.rce.thread("conv-1").expect("a thread").category_ids,
        [bot_category.as_str()]
    );
    let path = format!("/content_threads/{}/update_categories", world.id("conv-1"));
    ok(
        &world,
        "PUT",
        &path,
        &format!("thread_category_ids[]={agent_category}"),
    )
    .await;
    world.rce.take("conv-1", agents[0]).expect("taken");
    world.rce.reply("conv-1", agents[0], "Hello").expect("answered");
    world.rce.close("conv-1").expect("closed");
    world.settle().await;
    assert_eq!(world.bridge.event_types(), ["intervention.closed"]);
    let replies = world.bridge.actions("messages.create");
    assert_eq!((replies.len(), &replies[0]["author_id"]), (1, &json!("agent")));
    world.no_violations();
}

#[tokio::test]
async fn a_bare_account_answers_nobody() {
    let world = bare().await;
    world.customer_says("conv-1", "msg-1", "Hi").await;
    assert!(
        world
            .rce
            .thread("conv-1")
            .expect("a thread")
            .category_ids
            .is_empty()
    );
    assert!(world.rce.take("conv-1", &world.agent(0)).is_err());
    announce(&world, "bot").await;
    let mut card = crate::message("conv-1", "msg-2", "Which?");
    card["author"] = bot();
    card["structured_content"] = json!({"type": "select", "items": [{"title": "This"}]});
    let (status, why) = world.send("messages.create", card.clone()).await;
    assert_eq!((status, why.as_str()), (422, "The author must be puppetizable"));
    world.rce.tick_controlled_identity("bot").expect("ticked");
    assert_eq!(world.send("messages.create", card).await.0, 200);
    assert!(world.send("users.create", customer()).await.0 == 200);
    assert!(
        world.rce.tick_controlled_identity("usr-42").is_err(),
        "a customer is no puppet"
    );
}

#[tokio::test]
async fn a_person_clicks_through_the_desk() {
    let world = bare().await;
    announce(&world, "agent").await;
    let step = async |step: &str, body: Value| {
        let url = format!("{}/desk/console/{step}", world.rce.base_url());
        let response = world
            .http
            .post(url)
            .body(body.to_string())
            .send()
            .await
            .expect("an answer");
        let status = response.status().as_u16();
        let text = response.text().await.expect("a body");
        (status, serde_json::from_str::<Value>(&text).expect("JSON"))
    };
    let agent = json!({"identity": "agent"});
    assert_eq!(
        step("assign-identity", agent.clone()).await.0,
        409,
        "not ticked yet"
    );
    assert_eq!(
        step("controlled-identity", json!({"identity": "bot"})).await.0,
        404,
        "not announced yet"
    );
    assert_eq!(step("controlled-identity", agent.clone()).await.0, 200);
    assert!(world.rce.read(|state| state.is_controlled("agent")));
    assert_eq!(
        step(
            "assign-identity",
            json!({"identity": "agent", "agents": [world.agent(1)]})
        )
        .await
        .0,
        200
    );
    let users = async || {
        ok(&world, "GET", "/identities?foreign_id=agent", "").await["records"][0]["user_ids"].clone()
    };
    assert_eq!(users().await, json!([world.agent(1)]));
    assert_eq!(step("assign-identity", agent).await.0, 200);
    assert_eq!(users().await, json!([world.agent(0), world.agent(1)]));
    let (status, entered) = step("base-uri", json!({"base_uri": world.bridge.url()})).await;
    assert_eq!((status, &entered["bridge_answered"]), (200, &json!(true)));
    assert_eq!(step("base-uri", json!({})).await.0, 422);
    assert_eq!(step("nonsense", json!({})).await.0, 404);
}

/// The members that the schema of each record has, in the order of the alphabet.
#[tokio::test]
async fn records_have_the_members_of_their_schemas() {
    let world = World::new().await;
    announce(&world, "bot").await;
    ok(&world, "POST", "/folders", "label=New").await;
    world.rce.add_team("Night", &[]);
    for (path, members) in [
        (
            "categories",
            "color created_at id mandatory multiple name parent_id post_qualification source_ids unselectable updated_at",
        ),
        (
            "channels",
            "agent_sla agent_sla_threshold auto_complete_category_ids created_at hard_capability id label name soft_capability source_ids task_auto_complete_seconds task_timeout_seconds updated_at",
        ),
        ("communities", "active created_at id name type updated_at"),
        (
            "folders",
            "created_at id label parent_id position query render_threads_count role_restriction team_restriction updated_at user_id user_restriction",
        ),
        (
            "identities",
            "avatar_url community_id community_url company created_at display_name email extra_values firstname foreign_id gender home_phone id identity_group_id lastname mobile_phone screenname type updated_at user_ids uuid",
        ),
        ("teams", "created_at id leader_ids name updated_at user_ids"),
        (
            "users",
            "category_ids created_at email enabled external_id firstname gender id identity_ids invitation_pending lastname locale nickname no_password rc_user_id role_id spoken_languages team_ids timezone updated_at user_capacity_id",
        ),
        (
            "webhooks",
            "active api_access_token id registered_events staging_use url verify_token webhook_status",
        ),
    ] {
        let list = ok(&world, "GET", &format!("/{path}"), "").await;
        let record = &list["records"][0];
        let mut own: Vec<&str> = record
            .as_object()
            .expect("a record")
            .keys()
            .map(String::as_str)
            .collect();
        own.sort_unstable();
        assert_eq!(own.join(" "), members, "{path}");
        if path != "webhooks" && path != "teams" {
            let alone = ok(&world, "GET", &format!("/{path}/{}", id(record)), "").await;
            assert_eq!(alone, *record);
        }
    }
    let roles = ok(&world, "GET", "/roles", "").await;
    let role = roles["records"][1].as_object().expect("a role");
    assert_eq!(role.len(), ROLE_RIGHTS.len() + 4);
    assert_eq!(
        (&role["label"], &role["receive_tasks"]),
        (&json!("Simulated agent"), &json!(true))
    );
}

#[tokio::test]
async fn a_set_up_is_interrupted() {
    let world = bare().await;
    let target = FaultTarget::RestChange("categories");
    world.rce.fail_next(target, Fault::LoseAnswer, 1);
    ok(&world, "GET", "/categories", "").await;
    let token = &world.rce.config().api_token;
    assert!(
        world
            .rest_as(token, "POST", "/categories", "name=Bot")
            .await
            .is_err(),
        "no answer"
    );
    assert_eq!(
        ok(&world, "GET", "/categories", "").await["records"][0]["name"],
        "Bot"
    );
    world.rce.fail_next(target, Fault::RateLimit, 1);
    ok(&world, "POST", "/folders", "label=Agents").await;
    assert_eq!(refused(&world, "POST", "/categories", "name=Agent").await, 429);
    assert_eq!(ok(&world, "GET", "/categories", "").await["count"], 1);
}
