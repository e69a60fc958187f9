//! Channels of RCE's own.

use super::*;

/// The account that is ready, with two channels of its own.
fn ready_natively() -> Observed {
    let mut observed = ready();
    observed.sources[0].kind = Some("whats_app".to_owned());
    let mut mail = observed.sources[0].clone();
    (mail.id, mail.name) = ("s2".to_owned(), "Mail".to_owned());
    observed.sources.push(mail);
    let both = || -> Permissions {
        [on("s1", &["read", "reply"]), on("s2", &["read", "reply"])]
            .into_iter()
            .flatten()
            .collect()
    };
    observed.permissions = BTreeMap::from([("u".to_owned(), both())]);
    observed.own_permissions = Some(both());
    observed.me.identity_ids = vec!["company".to_owned()];
    observed.own_faces = Some(vec![identity("company", "c", "Acme", &[])]);
    (
        observed.sees_identities,
        observed.bot_identity,
        observed.agent_identity,
    ) = (false, None, None);
    for webhook in observed.webhooks.iter_mut().flatten() {
        let events = ["content.exported", "content.imported", "content.replied"];
        webhook.registered_events.extend(events.map(str::to_owned));
    }
    observed
}

fn planned_natively(observed: &Observed) -> Plan {
    let wish = Wish {
        realtime: None,
        source_ids: vec!["s1".to_owned(), "s2".to_owned()],
        ..wish()
    };
    let chosen = BTreeSet::from(["u".to_owned()]);
    let given = Given {
        wish: &wish,
        entry: &Entry::default(),
        chosen: &chosen,
        configured: (None, None),
        settings: Vec::new(),
        config_exists: true,
        written_sources: Vec::new(),
        verification_token: Some(Secret::new("verify")),
    };
    plan(observed, &given)
}

#[test]
fn channels_that_are_as_they_should_be_are_left_alone_and_nothing_is_left_to_a_person() {
    let plan = planned_natively(&ready_natively());
    assert!(
        plan.is_empty() && plan.notes.is_empty(),
        "{:?} {:?}",
        to_do(&plan),
        plan.notes
    );
    let of_ours = |step: &&Step| {
        matches!(
            step.act,
            Act::Announce | Act::BaseUri | Act::Controlled | Act::Faces(_)
        )
    };
    assert_eq!(
        plan.steps.iter().find(of_ours),
        None,
        "there is no source of ours"
    );
}

#[test]
fn each_channel_gets_the_bot_s_category_and_everybody_may_answer_on_each() {
    let mut observed = ready_natively();
    observed.sources[1].default_category_ids.clear();
    observed.permissions = BTreeMap::from([("u".to_owned(), on("s1", &["read", "reply"]))]);
    observed.own_permissions = Some(
        [on("s1", &["read"]), on("s2", &["read", "reply"])]
            .into_iter()
            .flatten()
            .collect(),
    );
    for webhook in observed.webhooks.iter_mut().flatten() {
        webhook
            .registered_events
            .retain(|event| event != "content.imported");
    }
    let plan = planned_natively(&observed);
    // The channel is the bot's last: whoever writes meanwhile is the agents'.
    let [agents, own, webhook, defaults] = &to_do(&plan)[..] else {
        panic!("{:?}", to_do(&plan));
    };
    assert!(defaults.contains("source \"Mail\""), "{defaults}");
    assert!(agents.starts_with("change agents: u"), "{agents}");
    assert!(own.contains("api, may answer on \"Chat\", \"Mail\""), "{own}");
    assert!(webhook.contains("lacks content.imported"), "{webhook}");
    let changes: Vec<_> = plan
        .steps
        .iter()
        .filter_map(|step| match &step.act {
            Act::Agents(changes) => Some(changes[0].permissions.clone()),
            Act::OwnAccount(change) => Some(change.as_ref().unwrap().permissions.clone()),
            _ => None,
        })
        .collect();
    let expected = [
        BTreeMap::from([("s2".to_owned(), vec!["read", "reply"])]),
        BTreeMap::from([("s1".to_owned(), vec!["reply"])]),
    ];
    assert_eq!(changes, expected);
}

#[test]
fn what_only_a_person_can_look_at_on_channels_of_rce_s_own_is_a_note() {
    type Break = fn(&mut Observed);
    let cases: [(Break, &str); 3] = [
        (
            |it| it.own_permissions = None,
            "cannot be read whether the token's account may answer",
        ),
        (
            |it| it.own_faces = None,
            "cannot be seen whether the token's account has an identity",
        ),
        (|it| it.sources[1].active = false, "\"Mail\" is switched off"),
    ];
    for (break_it, words) in cases {
        let mut observed = ready_natively();
        break_it(&mut observed);
        let plan = planned_natively(&observed);
        assert!(plan.is_empty(), "{:?}", to_do(&plan));
        assert!(
            plan.notes.len() == 1 && plan.notes[0].contains(words),
            "{:?}",
            plan.notes
        );
    }
}

#[test]
fn an_identity_that_the_token_s_account_lacks_is_something_to_click_and_not_a_note() {
    let mut observed = ready_natively();
    observed.sources[0].community_id = Some("k1".to_owned());
    observed.sources[1].community_id = Some("k2".to_owned());
    observed.own_faces.as_mut().unwrap()[0].community_id = Some("k1".to_owned());
    let plan = planned_natively(&observed);
    let [face] = &to_do(&plan)[..] else {
        panic!("{:?}", to_do(&plan));
    };
    assert!(
        face.starts_with("by hand an identity of the token's account") && face.contains("on \"Mail\" ("),
        "{face}"
    );
    observed.own_faces = Some(Vec::new());
    let plan = planned_natively(&observed);
    assert!(
        to_do(&plan)[0].contains("on \"Chat\", \"Mail\""),
        "{:?}",
        to_do(&plan)
    );
}

#[test]
fn a_channel_that_nobody_names_any_more_goes_back_to_the_agents() {
    let mut observed = ready_natively();
    let mut gone = observed.sources[1].clone();
    (gone.id, gone.name) = ("s3".to_owned(), "Texts".to_owned());
    observed.left = vec![gone.clone()];
    let before = (vec!["61old".to_owned()], Vec::new());
    observed.categories.push(category("61old", "Old", Some("p")));
    let entry = Entry {
        defaults_of: BTreeMap::from([("s3".to_owned(), before.clone())]),
        ..Entry::default()
    };
    let step = given_back(&observed, &gone, &entry).expect("the bot's category is still its default");
    assert_eq!(
        step.act,
        Act::Undo(crate::setup::remove::Undo::Defaults("s3".to_owned(), before))
    );
    assert_eq!(step.verdict, Verdict::Change);
    gone.default_category_ids = vec!["61other".to_owned()];
    let bot = Entry {
        made: crate::setup::record::Made {
            bot_category: Some(Object::made("61bot", "Bot")),
            ..crate::setup::record::Made::default()
        },
        ..entry
    };
    assert_eq!(
        given_back(&observed, &gone, &bot),
        None,
        "somebody has set another one since"
    );
}
