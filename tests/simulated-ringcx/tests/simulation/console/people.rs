//! People, rights, permissions, folders.

use serde_json::{Value, json};

use super::{AGENT_ROLE, announce, id, ok, refused, source_path};
use crate::World;
use crate::samples::has_the_shape_of;

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
