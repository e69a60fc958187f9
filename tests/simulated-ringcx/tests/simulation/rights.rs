//! What the REST token may not do.

use serde_json::json;
use simulated_ringcx::Rights;

use crate::World;

#[tokio::test]
async fn a_right_that_is_missing_from_the_start() {
    let world = World::with(|config| {
        config.may_read_time_sheets = false;
        config.may_read_interventions = false;
    })
    .await;
    for path in ["/time_sheets", "/interventions", "/interventions/5f0c"] {
        let (status, refused) = world.rest("GET", path, "").await;
        assert_eq!((status, &refused["error"]), (403, &json!("forbidden")), "{path}");
    }
    let (status, _) = world.rest("POST", "/interventions", "content_id=5f0c").await;
    assert_eq!(status, 403);
    assert_eq!(world.rest("GET", "/status", "").await.0, 200);
}

#[tokio::test]
async fn an_administrator_takes_rights_and_gives_them_back() {
    let world = World::new().await;
    let all = ["/status", "/time_sheets", "/interventions"];
    for path in all {
        assert_eq!(world.rest("GET", path, "").await.0, 200, "{path}");
    }
    world.rce.set_rights(Rights {
        may_monitor: false,
        may_read_time_sheets: false,
        may_read_interventions: false,
    });
    for path in all {
        assert_eq!(world.rest("GET", path, "").await.0, 403, "{path}");
    }
    world.rce.set_rights(Rights::default());
    for path in all {
        assert_eq!(world.rest("GET", path, "").await.0, 200, "{path}");
    }
}
