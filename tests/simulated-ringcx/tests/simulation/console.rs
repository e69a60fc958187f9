//! The console: what an administrator sets up by the API, and what only a person can.

use serde_json::{Value, json};
use simulated_ringcx::{DeliveryKind, Fault, FaultTarget, ROLE_RIGHTS, SimulatedConfig, State, WebhookState};

use crate::samples::has_the_shape_of;
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
async fn agents_need_the_category_the_permission_and_an_identity() {
    let world = World::new().await;
    let (agent, source) = (world.agent(0), world.rce.config().source_id.clone());
    world.customer_says("conv-1", "msg-1", "Hi").await;
    world.to_agents("conv-1").await;
    world.rce.set_categories_of(&agent, &[]).expect("taken away");
    assert!(world.rce.take("conv-1", &agent).is_err());
    let agent_category = world.rce.config().agent_category_id.clone();
    world
        .rce
        .set_categories_of(&agent, &[&agent_category])
        .expect("given back");
    world.rce.permit(&agent, &source, &[]).expect("taken away");
    assert!(world.rce.take("conv-1", &agent).is_err());
    world.rce.permit(&agent, &source, &["read"]).expect("to read");
    world.rce.take("conv-1", &agent).expect("taken");
    assert!(world.rce.reply("conv-1", &agent, "Hello").is_err());
    world
        .rce
        .permit(&agent, &source, &["read", "reply"])
        .expect("to reply");
    world.rce.reply("conv-1", &agent, "Hello").expect("answered");
    let new = world.rce.add_agent("Jo Park");
    let user = ok(&world, "GET", &format!("/users/{new}"), "").await;
    assert_eq!(
        (&user["firstname"], &user["category_ids"]),
        (&json!("Jo"), &json!([]))
    );
    assert!(world.rce.take("conv-1", &new).is_err());
}

#[tokio::test]
async fn categories_are_a_tree() {
    let world = bare().await;
    let root = ok(
        &world,
        "POST",
        "/categories",
        &format!(
            "name=Bridge&unselectable=true&color=6&source_ids[]={}",
            world.rce.config().source_id
        ),
    )
    .await;
    has_the_shape_of("rest-categories", &root);
    assert_eq!(
        (&root["parent_id"], &root["unselectable"], &root["color"]),
        (&Value::Null, &json!(true), &json!(6))
    );
    assert_eq!(root["source_ids"], json!([world.rce.config().source_id]));
    let form = format!("name=Bot&parent_id={}&unselectable=true", id(&root));
    let child = ok(&world, "POST", "/categories", &form).await;
    assert_eq!(
        child["unselectable"], false,
        "only categories without a parent can be"
    );
    assert_eq!(refused(&world, "POST", "/categories", &form).await, 422, "a twin");
    let elsewhere = ok(&world, "POST", "/categories", "name=Bot").await;
    let path = format!("/categories/{}", id(&child));
    for wrong in ["name=", "color=7", "parent_id=5f0cffffffffffffffffffff"] {
        assert_eq!(refused(&world, "PUT", &path, wrong).await, 422, "{wrong}");
    }
    let below = format!("parent_id={}", id(&child));
    assert_eq!(
        refused(&world, "PUT", &format!("/categories/{}", id(&root)), &below).await,
        422
    );
    assert_eq!(ok(&world, "PUT", &path, "color=3").await["name"], "Bot");

    let of_root = ok(&world, "GET", &format!("/categories?parent_id={}", id(&root)), "").await;
    assert_eq!(
        (&of_root["count"], &of_root["records"][0]["id"]),
        (&json!(1), &child["id"])
    );
    let named = ok(
        &world,
        "GET",
        &format!("/categories?ids={},{}", id(&elsewhere), id(&root)),
        "",
    )
    .await;
    assert_eq!(named["records"][0]["id"], root["id"], "oldest first");

    // A source's default cannot be a heading, and follows a category that is deleted.
    let default = |category: &Value| format!("default_category_ids[]={}", id(category));
    assert_eq!(
        refused(&world, "PUT", &source_path(&world), &default(&root)).await,
        422
    );
    ok(&world, "PUT", &source_path(&world), &default(&child)).await;
    world.customer_says("conv-1", "msg-1", "Hi").await;
    assert_eq!(
        refused(&world, "DELETE", &format!("/categories/{}", id(&root)), "").await,
        422,
        "has children"
    );
    let heir = format!("{path}?take_over_category_id={}", id(&elsewhere));
    assert_eq!(ok(&world, "DELETE", &heir, "").await["id"], child["id"]);
    assert_eq!(refused(&world, "GET", &path, "").await, 404);
    let source = ok(&world, "GET", &source_path(&world), "").await;
    assert_eq!(source["default_category_ids"], json!([elsewhere["id"]]));
    assert_eq!(
        world.rce.thread("conv-1").expect("a thread").category_ids,
        [id(&elsewhere)]
    );
    ok(&world, "DELETE", &format!("/categories/{}", id(&elsewhere)), "").await;
    assert!(
        world
            .rce
            .thread("conv-1")
            .expect("a thread")
            .category_ids
            .is_empty()
    );
}

#[tokio::test]
async fn three_thousand_categories_come_in_pages() {
    let world = World::new().await;
    world.rce.add_categories(3_000);
    let first = ok(&world, "GET", "/categories", "").await;
    assert_eq!(
        (&first["limit"], first["records"].as_array().map(Vec::len)),
        (&json!(30), Some(30))
    );
    let mut names = Vec::new();
    while let offset = names.len()
        && let page = ok(
            &world,
            "GET",
            &format!("/categories?limit=1000&offset={offset}"),
            "",
        )
        .await
        && let Some(records) = page["records"].as_array().filter(|records| !records.is_empty())
    {
        assert!(page["limit"] == 150 && records.len() <= 150, "{}", page["limit"]);
        names.extend(records.iter().map(|record| record["name"].clone()));
    }
    assert_eq!((names.len(), &names[3_003]), (3_004, &json!("Category 3000")));
}

#[tokio::test]
async fn threads_begin_with_what_the_source_says() {
    let world = World::new().await;
    let (bot_category, other) = (
        world.rce.config().bot_category_id.clone(),
        world.rce.config().other_categories[0].0.clone(),
    );
    let form = format!("default_category_ids[]={other}");
    let source = ok(&world, "PUT", &source_path(&world), &form).await;
    assert_eq!(
        source["user_thread_default_category_ids"],
        json!([bot_category]),
        "named members change"
    );
    has_the_shape_of("rest-source", &source);
    world.customer_says("conv-1", "msg-1", "Hi").await;
    let mut greeting = crate::message("conv-2", "msg-2", "Welcome");
    greeting["author"] = bot();
    assert_eq!(world.send("messages.create", greeting).await.0, 200);
    let categories = |thread: &str| world.rce.thread(thread).expect("a thread").category_ids;
    assert_eq!(
        (categories("conv-1"), categories("conv-2")),
        (vec![other], vec![bot_category])
    );
    assert_eq!(
        refused(
            &world,
            "PUT",
            &source_path(&world),
            "default_category_ids[]=nothing"
        )
        .await,
        422
    );
    let cleared = ok(&world, "PUT", &source_path(&world), "default_category_ids[]=").await;
    assert_eq!(cleared["default_category_ids"], json!([]));
    let source = &world.rce.config().source_id;
    world.rce.set_default_categories(source, &[]).expect("cleared");
    let source = ok(&world, "GET", &source_path(&world), "").await;
    assert_eq!(source["user_thread_default_category_ids"], json!([]));
}

#[tokio::test]
async fn a_source_goes_wrong() {
    let world = World::new().await;
    let source = world.rce.config().source_id.clone();
    let mail = world.rce.add_source("Mail", "email");
    let listed = ok(&world, "GET", "/content_sources", "").await;
    assert_eq!(
        (&listed["count"], &listed["records"][1]["type"]),
        (&json!(2), &json!("email"))
    );
    assert_eq!(ok(&world, "GET", "/communities", "").await["count"], 2);

    world.rce.deactivate_source(&source).expect("deactivated");
    let active = ok(&world, "GET", "/content_sources?active=true", "").await;
    assert_eq!(
        (&active["count"], &active["records"][0]["id"]),
        (&json!(1), &json!(mail))
    );
    let said = world.send("users.create", customer()).await;
    assert_eq!(said, (422, "Source not found".to_owned()));
    ok(&world, "PUT", &source_path(&world), "active=true").await;
    assert_eq!(world.send("users.create", customer()).await.0, 200);

    assert!(
        !world
            .rce
            .set_base_uri(&format!("{}/nowhere", world.rce.base_url()))
            .await
    );
    let shown = ok(&world, "GET", &source_path(&world), "").await;
    assert_eq!(shown["status"], "error");
    assert!(shown["error_message"].is_string());
    assert!(world.rce.set_base_uri(&world.bridge.url()).await);
    let shown = ok(&world, "GET", &source_path(&world), "").await;
    assert_eq!(
        (&shown["status"], &shown["error_message"]),
        (&json!("ok"), &Value::Null)
    );
    world.rce.set_source_type(&source, "email").expect("another type");
    assert_eq!(ok(&world, "GET", &source_path(&world), "").await["type"], "email");
}

#[tokio::test]
async fn what_the_token_may_not_read_does_not_exist() {
    let world = World::new().await;
    world.customer_says("conv-1", "msg-1", "Hi").await;
    let thread = format!("/content_threads/{}", world.id("conv-1"));
    let source = world.rce.config().source_id.clone();
    let me = world.rce.token_user();
    world.rce.permit(me, &source, &[]).expect("nothing permitted");
    for path in [thread.as_str(), &source_path(&world)] {
        assert_eq!(refused(&world, "GET", path, "").await, 404, "{path}");
    }
    for path in ["/content_sources", "/content_threads", "/identities"] {
        assert_eq!(ok(&world, "GET", path, "").await["count"], 0, "{path}");
    }
    world.rce.permit(me, &source, &["read"]).expect("to read");
    ok(&world, "GET", &thread, "").await;
    let initiate = ok(
        &world,
        "GET",
        "/content_sources?permission=initiate_discussion",
        "",
    )
    .await;
    assert_eq!(initiate["count"], 0);
    let content = world.rce.contents("conv-1")[0].id.clone();
    let reply = format!("in_reply_to_id={content}&body=Hello");
    assert_eq!(refused(&world, "POST", "/contents", &reply).await, 403);
}

#[tokio::test]
async fn each_right_opens_its_own_doors() {
    let world = World::new().await;
    let agent = world.agent(0);
    let doors = [
        ("manage_categories", "POST", "/categories".to_owned(), "name=New"),
        ("update_content_source", "PUT", source_path(&world), ""),
        ("manage_folders", "POST", "/folders".to_owned(), "label=New"),
        ("read_user", "GET", "/users".to_owned(), ""),
        (
            "read_user",
            "GET",
            format!("/users/{agent}/sources_permissions"),
            "",
        ),
        ("update_user", "PUT", format!("/users/{agent}"), ""),
        (
            "update_user",
            "PUT",
            format!("/users/{agent}/sources_permissions"),
            "",
        ),
        ("monitor_tasks", "GET", "/status".to_owned(), ""),
        ("manage_roles", "GET", format!("/roles/{AGENT_ROLE}"), ""),
    ];
    for (right, method, path, form) in doors {
        world.rce.take_right(right).expect("taken");
        assert_eq!(refused(&world, method, &path, form).await, 403, "{right}");
        let me = ok(&world, "GET", "/users/me", "").await;
        let roles = ok(&world, "GET", "/roles", "").await;
        let mut roles = roles["records"].as_array().expect("a list").iter();
        let mine = roles.find(|role| role["id"] == me["role_id"]).expect("my role");
        assert_eq!(
            (&mine[right], &mine["search_contents"]),
            (&json!(false), &json!(true))
        );
        world.rce.give_right(right).expect("given");
        ok(&world, method, &path, form).await;
    }
    assert!(world.rce.take_right("fly").is_err());
    let blind = World::with(|config| config.lacking_rights = vec!["manage_folders".to_owned()]).await;
    assert_eq!(refused(&blind, "POST", "/folders", "label=New").await, 403);
}

#[tokio::test]
async fn a_disabled_token_opens_nothing() {
    let world = World::new().await;
    world.rce.disable_token();
    assert_eq!(refused(&world, "GET", "/users/me", "").await, 403);
    world.rce.enable_token();
    let me = ok(&world, "GET", "/users/me", "").await;
    assert_eq!(me["id"], world.rce.token_user());
}

#[tokio::test]
async fn folders_are_saved_searches() {
    let world = World::new().await;
    let form = format!(
        "label=Agents&query=categorized_in%3A1&user_restriction[only][]={}&render_threads_count=true",
        world.agent(0)
    );
    let folder = ok(&world, "POST", "/folders", &form).await;
    assert_eq!(folder["query"], "categorized_in:1");
    assert_eq!(folder["user_restriction"], json!({"only": [world.agent(0)]}));
    assert_eq!(folder["role_restriction"], json!({"only": []}));
    assert_eq!(
        (&folder["parent_id"], &folder["user_id"]),
        (&Value::Null, &Value::Null)
    );
    let path = format!("/folders/{}", id(&folder));
    let below = format!("label=Below&parent_id={}", id(&folder));
    assert_eq!(ok(&world, "POST", "/folders", &below).await["position"], 1);
    assert_eq!(ok(&world, "PUT", &path, "query=").await["query"], Value::Null);
    assert_eq!(refused(&world, "PUT", &path, "label=").await, 422);
    assert_eq!(refused(&world, "POST", "/folders", "query=x").await, 422);
    assert_eq!(
        refused(&world, "PUT", &path, "role_restriction[]=x").await,
        400,
        "not a hash"
    );
    assert_eq!(
        refused(&world, "PUT", &path, &format!("parent_id={}", id(&folder))).await,
        422
    );
    assert_eq!(ok(&world, "DELETE", &path, "").await["label"], "Agents");
    assert_eq!(refused(&world, "GET", &path, "").await, 404);
    assert_eq!(ok(&world, "GET", "/folders", "").await["count"], 1);
}

#[tokio::test]
async fn people_are_found_and_changed() {
    let world = World::new().await;
    announce(&world, "agent").await;
    let agent = world.agent(0);
    let user = ok(&world, "GET", &format!("/users/{agent}"), "").await;
    has_the_shape_of("rest-user", &user);
    let identity = ok(&world, "GET", "/identities?foreign_id=agent", "").await["records"][0].clone();
    has_the_shape_of("rest-identities-by-foreign-id", &identity);
    assert_eq!(
        user["identity_ids"],
        json!([identity["id"]]),
        "agents speak as it, as in an account that is set up"
    );
    assert_eq!(identity["user_ids"], json!([agent, world.agent(1)]));

    let email = user["email"].as_str().expect("an address").to_uppercase();
    let team = world.rce.add_team("Night", &[&agent]);
    let held = world.rce.config().agent_category_id.clone();
    for (filter, count) in [
        (format!("email={email}"), 1),
        (format!("team_id={team}"), 1),
        (format!("category_id={held}"), 3),
        (format!("role_id={AGENT_ROLE}"), 2),
        (format!("identity_id={}", id(&identity)), 2),
        ("external_id=x".to_owned(), 0),
    ] {
        assert_eq!(
            ok(&world, "GET", &format!("/users?{filter}"), "").await["count"],
            count,
            "{filter}"
        );
    }
    assert_eq!(
        ok(&world, "GET", "/teams", "").await["records"][0]["user_ids"],
        json!([agent])
    );

    let path = format!("/users/{agent}");
    let off = ok(
        &world,
        "PUT",
        &path,
        "enabled=false&category_ids[]=&identity_ids[]=",
    )
    .await;
    assert_eq!(
        (&off["enabled"], &off["category_ids"], &off["identity_ids"]),
        (&json!(false), &json!([]), &json!([]))
    );
    let mine = ok(&world, "GET", &format!("/identities?user_id={agent}"), "").await;
    assert_eq!(mine["count"], 0);
    for wrong in ["category_ids[]=x", "identity_ids[]=x"] {
        assert_eq!(refused(&world, "PUT", &path, wrong).await, 422, "{wrong}");
    }
    let back = ok(&world, "PUT", &path, &format!("identity_ids[]={}", id(&identity))).await;
    assert_eq!(back["identity_ids"], json!([identity["id"]]));
    world.rce.untick_controlled_identity("agent").expect("unticked");
    assert_eq!(ok(&world, "GET", &path, "").await["identity_ids"], json!([]));
}

#[tokio::test]
async fn permissions_change_for_the_named_sources_only() {
    let world = World::new().await;
    let source = world.rce.config().source_id.clone();
    let mail = world.rce.add_source("Mail", "email");
    let path = format!("/users/{}/sources_permissions", world.agent(0));
    let usual = json!(["read", "reply", "initiate_discussion"]);
    assert_eq!(
        ok(&world, "GET", &path, "").await,
        json!({&source: usual, &mail: []})
    );
    let changed = ok(&world, "PUT", &path, &format!("{mail}=read,destroy")).await;
    assert_eq!(changed, json!({&source: usual, &mail: ["read", "destroy"]}));
    let cleared = ok(&world, "PUT", &path, &format!("{source}[]=")).await;
    assert_eq!(cleared, json!({&source: [], &mail: ["read", "destroy"]}));
    assert_eq!(
        refused(&world, "PUT", &path, &format!("{source}[]=fly")).await,
        422
    );
}

#[tokio::test]
async fn channel_groups_name_their_sources() {
    let world = World::new().await;
    let channels = ok(&world, "GET", "/channels", "").await;
    let (realtime, other) = (&channels["records"][0], &channels["records"][1]);
    assert_eq!(realtime["source_ids"], json!([world.rce.config().source_id]));
    assert_eq!(
        (&realtime["soft_capability"], &realtime["hard_capability"]),
        (&json!(3), &json!(5))
    );
    ok(
        &world,
        "PUT",
        &source_path(&world),
        &format!("channel_id={}", id(other)),
    )
    .await;
    let moved = ok(&world, "GET", &format!("/channels/{}", id(realtime)), "").await;
    assert_eq!(moved["source_ids"], json!([]));
    assert_eq!(
        refused(&world, "PUT", &source_path(&world), "channel_id=x").await,
        422
    );
}

fn handshakes(world: &World) -> usize {
    let deliveries = world.rce.deliveries();
    deliveries
        .iter()
        .filter(|it| it.kind == DeliveryKind::Handshake)
        .count()
}

/// Until the receiver was asked this often and the webhook is so.
async fn validated(world: &World, times: usize, wanted: WebhookState) {
    let settled = |state: &State| {
        let asked = state.deliveries().filter(|it| it.kind == DeliveryKind::Handshake);
        asked.count() == times && state.webhook_state() == Some(wanted)
    };
    assert!(
        world.rce.wait_until(settled, SOON).await,
        "{:?}",
        world.rce.deliveries()
    );
}

#[tokio::test]
async fn saving_an_active_webhook_validates_it() {
    let world = World::unconnected(|_| {}).await;
    let url: String = form_urlencoded::byte_serialize(world.bridge.url().as_bytes()).collect();
    let token = &world.rce.config().api_token;
    let form = format!(
        "access_token={token}&url={url}&verify_token=simulated-verify-token&secret=simulated-webhook-secret\
         &registered_events[]=intervention.closed&registered_events[]=intervention.canceled"
    );
    let webhook = ok(&world, "POST", "/webhooks", &form).await;
    has_the_shape_of("rest-webhook-create", &webhook);
    assert_eq!(
        (&webhook["active"], &webhook["verify_token"]),
        (&json!(false), &json!("simulated-verify-token"))
    );
    assert!(!webhook.to_string().contains("simulated-webhook-secret"));
    assert_eq!(
        refused(&world, "POST", "/webhooks", &form).await,
        422,
        "one URL, one webhook of a token"
    );
    assert_eq!(handshakes(&world), 0);
    let path = format!("/webhooks/{}", id(&webhook));
    let active = ok(&world, "PUT", &path, "active=true").await;
    assert_eq!(
        (&active["active"], &active["webhook_status"]),
        (&json!(true), &json!("pending"))
    );
    validated(&world, 1, WebhookState::Enabled).await;
    ok(&world, "PUT", &path, "").await;
    validated(&world, 2, WebhookState::Enabled).await;

    world
        .rce
        .change_webhook_secret(&id(&webhook), "another")
        .expect("changed");
    validated(&world, 3, WebhookState::Disabled).await;
    let shown = ok(&world, "GET", &path, "").await;
    assert_eq!(
        (&shown["active"], &shown["webhook_status"]),
        (&json!(false), &json!("disabled"))
    );
    ok(&world, "PUT", &path, "secret=simulated-webhook-secret").await;
    assert_eq!(handshakes(&world), 3, "it is not active");
    ok(&world, "PUT", &path, "active=true").await;
    validated(&world, 4, WebhookState::Enabled).await;
    world.rce.switch_off_webhook(&id(&webhook)).expect("off");
    assert_eq!(ok(&world, "GET", &path, "").await["active"], false);

    for wrong in [
        "registered_events[]=",
        "registered_events[]=content.thread_closed",
        "url=x",
        "secret=%C3%A9",
    ] {
        assert_eq!(refused(&world, "PUT", &path, wrong).await, 422, "{wrong}");
    }
    world
        .rce
        .tick_webhook_events(&id(&webhook), &["content.thread_closed"])
        .expect("ticked");
    let by_hand = ok(&world, "PUT", &path, "name=mine").await;
    assert_eq!(by_hand["registered_events"], json!(["content.thread_closed"]));
}

#[tokio::test]
async fn webhooks_of_colleagues_need_a_right() {
    let world = World::new().await;
    let theirs = world
        .rce
        .add_webhook_of_a_colleague(&world.bridge.url(), &["task.taken"]);
    let path = format!("/webhooks/{theirs}");
    assert_eq!(
        ok(&world, "GET", "/webhooks", "").await["count"],
        2,
        "the same URL, another token"
    );
    ok(&world, "GET", &path, "").await;
    world.rce.take_right("manage_api_access_tokens").expect("taken");
    assert_eq!(ok(&world, "GET", "/webhooks", "").await["count"], 1);
    for method in ["GET", "PUT", "DELETE"] {
        assert_eq!(refused(&world, method, &path, "").await, 404, "{method}");
    }
    let elsewhere = "access_token=unknown&url=http%3A%2F%2F127.0.0.1%3A1&registered_events[]=task.taken";
    assert_eq!(refused(&world, "POST", "/webhooks", elsewhere).await, 403);
    world.rce.give_right("manage_api_access_tokens").expect("given");
    assert_eq!(ok(&world, "DELETE", &path, "").await["id"], theirs);
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
