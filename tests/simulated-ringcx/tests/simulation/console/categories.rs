//! Categories.

use serde_json::{Value, json};

use super::{bare, id, ok, refused, source_path};
use crate::World;
use crate::samples::has_the_shape_of;

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
