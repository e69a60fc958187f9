//! The console: token, rights, source, categories, webhook.

use super::*;

#[test]
fn the_token_and_the_clock() {
    fails(
        |facts| yes(&mut facts.account.me).enabled = false,
        "token",
        Status::Error,
        "disabled",
    );
    let down = |facts: &mut Facts| facts.account.me = Seen::Failed("no route".to_owned());
    fails(down, "token", Status::Error, "no route");
    // One answer shows that it is not the token; where nothing is answered it is.
    passes(|facts| facts.account.me = Seen::Forbidden);
    passes(|facts| facts.account.me = Seen::NotFound);
    let refused = of(&connections(CONFIG), |facts| {
        facts.account.me = Seen::Forbidden;
        facts.account.role = Seen::NotAsked;
        facts.account.interventions = Seen::Forbidden;
        facts.account.monitor = Seen::Forbidden;
        facts.account.users = Seen::Forbidden;
        facts.account.time_sheets = Seen::Forbidden;
        facts.sources[0].source = Seen::Forbidden;
        facts.channels = Seen::Forbidden;
        facts.bot_category = Seen::Forbidden;
        facts.agent_category = Seen::Forbidden;
        facts.bot_identity = Seen::Forbidden;
        facts.agent_identity = Seen::Forbidden;
        facts.agents.holders = Seen::Forbidden;
        facts.agents.bot_holders = Seen::Forbidden;
        facts.webhooks = Seen::Forbidden;
        facts.agents.with_room = None;
    });
    assert_eq!(
        bad(&refused),
        [("token", Status::Error)],
        "and nothing that only follows from it"
    );

    // The account's name without "api": everything is 404, and nothing of that is about rights or ids.
    let nowhere = of(&connections(CONFIG), |facts| {
        let account = &mut facts.account;
        account.me = Seen::NotFound;
        account.role = Seen::NotAsked;
        account.interventions = Seen::NotFound;
        account.monitor = Seen::NotFound;
        account.users = Seen::NotFound;
        account.time_sheets = Seen::NotFound;
        facts.sources[0].source = Seen::Yes(None);
        facts.channels = Seen::NotFound;
        facts.bot_category = Seen::Yes(None);
        facts.agent_category = Seen::Yes(None);
        facts.bot_identity = Seen::NotFound;
        facts.agent_identity = Seen::NotFound;
        facts.agents.holders = Seen::NotFound;
        facts.agents.bot_holders = Seen::NotFound;
        facts.webhooks = Seen::NotFound;
        facts.agents.with_room = None;
        facts.settle();
    });
    assert_eq!(bad(&nowhere), [("token", Status::Error)]);
    let token = nowhere.iter().find(|check| check.id == "token").unwrap();
    assert!(token.how.contains("base_api_url") && token.what.contains("404"));
    fails(
        |facts| facts.account.me = Seen::NoApi(302),
        "token",
        Status::Error,
        "302",
    );

    let off = |seconds: i64| {
        move |facts: &mut Facts| {
            let theirs = facts.at - Duration::from_secs(1_000);
            let ours = Timestamp::from_second(theirs.as_second() + seconds).unwrap();
            facts.account.dates = Some(Dates { theirs, ours });
        }
    };
    passes(off(30));
    passes(off(-30));
    fails(off(31), "clock", Status::Warning, "ahead of");
    fails(off(-31), "clock", Status::Warning, "behind");
    fails(off(300), "clock", Status::Warning, "300 s");
    fails(off(301), "clock", Status::Error, "301 s");
    fails(off(-301), "clock", Status::Error, "behind");
    passes(|facts| facts.account.dates = None);
}

#[test]
fn the_rights() {
    fails(
        |f| f.account.interventions = Seen::Forbidden,
        "right-interventions",
        Status::Warning,
        "interventions",
    );
    fails(
        |f| f.account.monitor = Seen::Forbidden,
        "right-monitor-tasks",
        Status::Warning,
        "Monitor",
    );
    fails(
        |f| f.account.users = Seen::Forbidden,
        "right-users",
        Status::Warning,
        "users",
    );
    fails(
        |f| f.account.time_sheets = Seen::Forbidden,
        "right-time-sheets",
        Status::Warning,
        "time sheets",
    );
    fails(
        |f| f.bot_identity = Seen::Forbidden,
        "right-identities",
        Status::Warning,
        "identities",
    );
    let role = |facts: &mut Facts| yes(&mut facts.account.role).rights.clear();
    fails(
        role,
        "right-close-interventions",
        Status::Warning,
        "update_intervention",
    );
    passes(|facts| facts.account.role = Seen::Forbidden);
    passes(|facts| facts.account.monitor = Seen::Limited);

    let strict =
        format!("{CONFIG}\n[connections.shop.availability]\nrequire_agent = true\nhours = \"none\"\n");
    let push = |facts: &mut Facts| {
        let events = [
            "connected",
            "disconnected",
            "availability_change",
            "busyness_change",
        ];
        let all = &mut hook(facts).registered_events;
        all.extend(events.map(|event| format!("push_agent.{event}")));
    };
    let blind = |facts: &mut Facts| {
        push(facts);
        facts.account.monitor = Seen::Forbidden;
        facts.account.time_sheets = Seen::Forbidden;
    };
    fails_with(
        &connections(&strict),
        blind,
        "right-monitor-tasks",
        Status::Error,
        "Monitor",
    );
    fails_with(
        &connections(&strict),
        |_| {},
        "webhook-recommended-events",
        Status::Warning,
        "push_agent.connected",
    );
    assert_eq!(bad(&of(&connections(&strict), push)), []);
}

#[test]
fn the_source() {
    fails(
        |facts| facts.sources[0].source = Seen::Yes(None),
        "source",
        Status::Error,
        "50c1",
    );
    fails(
        |facts| facts.sources[0].source = Seen::Forbidden,
        "source",
        Status::Error,
        "403",
    );
    fails(
        |f| source(f).kind = Some("whats_app".to_owned()),
        "source-type",
        Status::Error,
        "whats_app",
    );
    passes(|facts| source(facts).kind = Some("Source::SmccSdk".to_owned()));
    fails(
        |facts| source(facts).active = false,
        "source-active",
        Status::Error,
        "not active",
    );
    fails(
        |f| source(f).status = Some("error".to_owned()),
        "source-status",
        Status::Error,
        "error",
    );
    fails(
        |f| source(f).error_message = Some("401".to_owned()),
        "source-status",
        Status::Error,
        "401",
    );
    let alone = |facts: &mut Facts| {
        source(facts).channel_id = None;
        facts.channels = Seen::Yes(Vec::new());
    };
    fails(alone, "source-group", Status::Warning, "no channel group");
    let elsewhere = |facts: &mut Facts| {
        source(facts).channel_id = Some("c9".to_owned());
        yes(&mut facts.channels)[0].source_ids.clear();
    };
    fails(elsewhere, "source-group", Status::Warning, "no channel group");
    fails(
        |f| yes(&mut f.channels)[0].hard_capability = Some(0),
        "source-group",
        Status::Warning,
        "Realtime",
    );
    let default = |ids: &'static [&'static str]| {
        move |facts: &mut Facts| {
            source(facts).default_category_ids = ids.iter().copied().map(str::to_owned).collect();
        }
    };
    fails(
        default(&["ca0a"]),
        "default-categories",
        Status::Error,
        "Agent category",
    );
    fails(
        default(&["ca0b", "ca0a"]),
        "default-categories",
        Status::Error,
        "Agent category",
    );
    fails(
        default(&[]),
        "default-categories",
        Status::Error,
        "customers begin",
    );
    passes(default(&["ca01", "ca0b"]));
    fails(
        |f| source(f).user_thread_default_category_ids.clear(),
        "default-categories",
        Status::Warning,
        "company",
    );
}

#[test]
fn the_categories() {
    fails(
        |facts| facts.bot_category = Seen::Yes(None),
        "bot-category",
        Status::Error,
        "bot_category_id = ca0b",
    );
    fails(
        |facts| facts.agent_category = Seen::Yes(None),
        "agent-category",
        Status::Error,
        "agent_category_id = ca0a",
    );
    let heading = |facts: &mut Facts| yes(&mut facts.agent_category).as_mut().unwrap().unselectable = true;
    fails(heading, "agent-category", Status::Error, "unselectable");
    let orphan = |facts: &mut Facts| yes(&mut facts.bot_category).as_mut().unwrap().parent_id = None;
    fails(orphan, "category-parent", Status::Warning, "Bot");
    fails(
        |facts| yes(&mut facts.agents.holders).clear(),
        "agent-category-held",
        Status::Error,
        "ca0a",
    );
    let away = |facts: &mut Facts| {
        for user in yes(&mut facts.agents.holders) {
            user.enabled = false;
        }
    };
    fails(away, "agent-category-held", Status::Error, "enabled");
    // The token's own account is nobody's agent.
    let only_me = |facts: &mut Facts| *yes(&mut facts.agents.holders) = vec![user("a0", "Api Account")];
    fails(only_me, "agent-category-held", Status::Error, "enabled");
    passes(|facts| facts.agents.bot_holders = Seen::Yes(vec![user("a0", "Api Account")]));
    fails(
        |f| f.agents.bot_holders = Seen::Yes(vec![user("a2", "Mira Lindqvist")]),
        "bot-category-free",
        Status::Error,
        "Mira",
    );
    let swapped = of(&connections(CONFIG), |facts| {
        facts.agents.bot_holders = Seen::Yes(std::mem::take(yes(&mut facts.agents.holders)));
    });
    assert_eq!(
        bad(&swapped),
        [
            ("agent-category-held", Status::Error),
            ("bot-category-free", Status::Error)
        ],
        "threads begin in the Bot category, so it is the agents who have the wrong one"
    );
    // Only one cure, and nothing that follows from it.
    let swapped = |facts: &mut Facts| {
        facts.agents.bot_holders = Seen::Yes(std::mem::take(yes(&mut facts.agents.holders)));
        source(facts).default_category_ids = vec!["ca0a".to_owned()];
        source(facts).user_thread_default_category_ids = vec!["ca0a".to_owned()];
        facts.agents.with_room = Some(0);
    };
    fails(
        swapped,
        "agent-category-held",
        Status::Error,
        "Swap bot_category_id and agent_category_id",
    );
    let wrong = |facts: &mut Facts| {
        facts.agent_category = Seen::Yes(None);
        yes(&mut facts.agents.holders).clear();
        facts.agents.with_room = Some(0);
    };
    fails(wrong, "agent-category", Status::Error, "no such category");
    let wrong = |facts: &mut Facts| {
        facts.bot_category = Seen::Yes(None);
        source(facts).default_category_ids = vec!["ca0c".to_owned()];
    };
    fails(wrong, "bot-category", Status::Error, "no such category");
}

#[test]
fn the_webhook() {
    let aims = |url: &'static str| {
        move |facts: &mut Facts| {
            url.clone_into(&mut hook(facts).url);
            facts.address.webhook = None;
        }
    };
    let near = [
        (
            "http://bridge.example.org/shop/handover/rce/webhook",
            "called by http://",
        ),
        (
            "https://old.example.org/shop/handover/rce",
            "another host, old.example.org",
        ),
        (
            "https://bridge.example.org/default/handover/rce",
            "\"default\" instead of \"shop\"",
        ),
        (
            "https://bridge.example.org/shop/handover/rce/source",
            "handover/rce/webhook",
        ),
        (
            "https://bridge.example.org/handover/rce",
            "does not begin with the connection",
        ),
        (
            "https://elsewhere.example.org/hook?key=hidden",
            "of 1 webhook that the token sees none reports to",
        ),
    ];
    for (url, words) in near {
        fails(aims(url), "webhook", Status::Error, words);
    }
    passes(|facts| hook(facts).url.push('/'));
    passes(|facts| "https://bridge.example.org/shop/handover/rce".clone_into(&mut hook(facts).url));
    fails(
        |facts| yes(&mut facts.webhooks).clear(),
        "webhook",
        Status::Error,
        "/shop/handover/rce/webhook",
    );
    fails(
        |facts| yes(&mut facts.webhooks).push(webhook("w2", URL)),
        "webhook-single",
        Status::Warning,
        "2 webhooks",
    );
    let left = |facts: &mut Facts| {
        let mut second = webhook("w2", URL);
        second.active = false;
        yes(&mut facts.webhooks).push(second);
    };
    passes(left);
    fails(
        |facts| hook(facts).active = false,
        "webhook-active",
        Status::Error,
        "not active",
    );
    fails(
        |f| hook(f).status = Some("suspended".to_owned()),
        "webhook-active",
        Status::Error,
        "suspended",
    );
    let without =
        |event: &'static str| move |facts: &mut Facts| hook(facts).registered_events.retain(|it| it != event);
    fails(
        without("task.taken"),
        "webhook-recommended-events",
        Status::Warning,
        "not registered: task.taken",
    );
    fails(
        without("intervention.closed"),
        "webhook-recommended-events",
        Status::Warning,
        "intervention.closed",
    );
    let deaf = of(&connections(CONFIG), |facts| {
        without("intervention.closed")(facts);
        without("task.completed")(facts);
    });
    let expected = [
        ("webhook-events", Status::Error),
        ("webhook-recommended-events", Status::Warning),
    ];
    assert_eq!(bad(&deaf), expected);
    fails(
        |f| hook(f).verify_token = Some("other".to_owned()),
        "webhook-verify-token",
        Status::Error,
        "Verify token",
    );
    passes(|facts| hook(facts).verify_token = None);
    passes(|facts| facts.webhooks = Seen::Forbidden);
}

#[test]
fn others_webhooks_are_not_seen_without_a_right() {
    fails(
        |facts| yes(&mut facts.webhooks).clear(),
        "webhook",
        Status::Error,
        "somebody else's token",
    );
}
