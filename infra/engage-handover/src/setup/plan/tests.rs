mod native;

use std::collections::{BTreeMap, BTreeSet};

use handover_core::secret::Secret;
use handover_ringcx::console::{Category, Folder, Identity, Role, Source, User, Webhook};

use super::*;
use crate::cli::BotKind;
use crate::setup::account::{Permissions, Rights};
use crate::setup::events::Events;
use crate::setup::record::Object;
use crate::setup::secrets::Given as GivenSecret;
use crate::setup::wish::{BotWish, Realtime};

const URL: &str = "https://bridge.example/default/handover/rce";

fn wish() -> Wish {
    let secret = || GivenSecret {
        value: Secret::new("t"),
        written: Secret::new("t"),
    };
    let face = |id: &str, name: &str| Face {
        id: id.to_owned(),
        name: name.to_owned(),
    };
    Wish {
        connection: "default".to_owned(),
        realtime: Some(Realtime {
            url: "https://acme.engagement.dimelo.com/realtime/sdk/s1"
                .parse()
                .unwrap(),
            token: secret(),
        }),
        source_ids: vec!["s1".to_owned()],
        public_url: "https://bridge.example".to_owned(),
        separate_urls: false,
        bot: BotWish {
            asked: crate::setup::wish::Asked::default(),
            kind: BotKind::Webhook,
            url: None,
            access_token: None,
            bot_id: None,
        },
        parent: "Bot handover".to_owned(),
        folder: "Handed over".to_owned(),
        bot_face: face("bot", "Bot"),
        agent_face: face("agent", "Agent"),
        events: Events::Cognigy,
        delete_other_webhooks: false,
    }
}

fn user(id: &str, categories: &[&str], identities: &[&str]) -> User {
    let owned = |list: &[&str]| list.iter().map(|id| (*id).to_owned()).collect();
    User {
        id: id.to_owned(),
        email: None,
        name: id.to_owned(),
        enabled: true,
        role_id: None,
        team_ids: Vec::new(),
        category_ids: owned(categories),
        identity_ids: owned(identities),
    }
}

fn on(source: &str, words: &[&str]) -> Permissions {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    BTreeMap::from([(source.to_owned(), words)])
}

fn category(id: &str, name: &str, parent: Option<&str>) -> Category {
    Category {
        id: id.to_owned(),
        name: name.to_owned(),
        parent_id: parent.map(str::to_owned),
        unselectable: parent.is_none(),
    }
}

fn webhook(id: &str, url: &str, events: &[&str]) -> Webhook {
    Webhook {
        id: id.to_owned(),
        url: url.to_owned(),
        active: true,
        status: Some("enabled".to_owned()),
        registered_events: events.iter().map(|event| (*event).to_owned()).collect(),
        verify_token: Some("verify".to_owned()),
        token_id: None,
    }
}

fn identity(id: &str, foreign: &str, name: &str, users: &[&str]) -> Identity {
    Identity {
        community_id: None,
        id: id.to_owned(),
        foreign_id: Some(foreign.to_owned()),
        screenname: Some(name.to_owned()),
        user_ids: users.iter().map(|id| (*id).to_owned()).collect(),
    }
}

/// An account that is set up, with one agent.
fn ready() -> Observed {
    Observed {
        me: user("api", &[], &[]),
        rights: Rights::default(),
        left: Vec::new(),
        own_faces: None,
        sources: vec![Source {
            id: "s1".to_owned(),
            name: "Chat".to_owned(),
            kind: Some("sdk".to_owned()),
            active: true,
            status: None,
            error_message: None,
            channel_id: None,
            community_id: None,
            default_category_ids: vec!["cb".to_owned()],
            user_thread_default_category_ids: vec!["cb".to_owned()],
        }],
        categories: vec![
            category("p", "bot HANDOVER ", None),
            category("cb", "BOT", Some("p")),
            category("ca", "Agent", Some("p")),
        ],
        folders: Some(vec![Folder {
            id: "f".to_owned(),
            label: "Another name".to_owned(),
            query: Some(folder_query("ca")),
        }]),
        webhooks: Some(vec![webhook(
            "w",
            URL,
            &["intervention.closed", "intervention.canceled"],
        )]),
        users: Some(vec![user("u", &["ca"], &["ia"])]),
        permissions: BTreeMap::from([("u".to_owned(), on("s1", &["read", "reply"]))]),
        own_permissions: None,
        channels: None,
        sees_identities: true,
        bot_identity: Some(identity("ib", "bot", "Bot", &[])),
        agent_identity: Some(identity("ia", "agent", "Agent", &["u"])),
    }
}

fn entry() -> Entry {
    Entry {
        confirmed: BTreeMap::from([
            (BASE_URI.to_owned(), URL.to_owned()),
            (CONTROLLED.to_owned(), "bot agent".to_owned()),
        ]),
        ..Entry::default()
    }
}

fn planned(observed: &Observed, entry: &Entry) -> Plan {
    let wish = wish();
    let chosen = BTreeSet::from(["u".to_owned()]);
    plan(
        observed,
        &Given {
            wish: &wish,
            entry,
            chosen: &chosen,
            configured: (None, None),
            settings: Vec::new(),
            written_sources: Vec::new(),
            config_exists: true,
            verification_token: Some(Secret::new("verify")),
        },
    )
}

/// The steps that are to be done, as verdict and what.
fn to_do(plan: &Plan) -> Vec<String> {
    let steps = plan.steps.iter().filter(|step| step.verdict.is_to_do());
    steps
        .map(|step| {
            format!(
                "{} {} ({})",
                step.verdict.word(),
                step.what,
                step.why.as_deref().unwrap_or("")
            )
        })
        .collect()
}

#[test]
fn an_account_that_is_as_it_should_be_is_left_alone_whatever_the_letters_case() {
    let plan = planned(&ready(), &entry());
    assert_eq!(to_do(&plan), [""; 0]);
    assert!(plan.is_empty() && plan.notes.is_empty(), "{:?}", plan.notes);
}

#[test]
fn what_a_person_was_told_is_theirs_to_check_and_to_do_again_when_it_changes() {
    let told = Entry {
        told: entry().confirmed,
        ..Entry::default()
    };
    let plan = planned(&ready(), &told);
    assert!(plan.is_empty(), "{:?}", to_do(&plan));
    assert_eq!(
        plan.steps
            .iter()
            .filter(|step| step.verdict == Verdict::Check)
            .count(),
        2
    );
    let moved = Entry {
        confirmed: BTreeMap::from([(BASE_URI.to_owned(), "https://old.example".to_owned())]),
        ..entry()
    };
    assert!(to_do(&planned(&ready(), &moved))[0].starts_with("by hand Base URI"));
}

#[test]
fn what_the_bridge_would_lack_is_a_note_with_the_clicks() {
    type Break = fn(&mut Observed, &mut Entry);
    let cases: [(Break, &[&str]); 4] = [
        (
            |it, _| it.own_permissions = Some(on("s1", &["read"])),
            &["no permission to reply on \"Chat\"", "Admin > Users > api"],
        ),
        (
            |it, _| it.channels = Some(Vec::new()),
            &["in no channel group", "Admin > Channels"],
        ),
        (
            |it, _| it.me.category_ids.push("cb".to_owned()),
            &["own account holds the category \"Bot\""],
        ),
        (
            |it, entry| {
                it.users.as_mut().unwrap().push(user("v", &["ca"], &["ia"]));
                entry.agents = BTreeSet::from(["u".to_owned(), "v".to_owned()]);
            },
            &["not this time: v", "keep what they have"],
        ),
    ];
    for (break_it, words) in cases {
        let (mut observed, mut entry) = (ready(), entry());
        break_it(&mut observed, &mut entry);
        let plan = planned(&observed, &entry);
        assert!(plan.is_empty(), "{:?}", to_do(&plan));
        let [note] = &plan.notes[..] else {
            panic!("one note, not {:?}", plan.notes);
        };
        for word in words {
            assert!(note.contains(word), "{word:?} is not in {note}");
        }
    }
}

#[test]
fn what_nobody_may_see_is_told_once_and_a_webhook_again_with_new_secrets() {
    let mut observed = ready();
    (observed.folders, observed.webhooks) = (None, None);
    let verdicts = |entry: &Entry| -> Vec<String> { to_do(&planned(&observed, entry)) };
    let first = verdicts(&entry());
    assert!(
        first.len() == 2 && first.iter().all(|step| step.starts_with("by hand")),
        "{first:?}"
    );
    let mut told = entry();
    told.told.insert(FOLDER.to_owned(), folder_query("ca"));
    told.told.insert(WEBHOOK.to_owned(), URL.to_owned());
    assert_eq!(verdicts(&told), [""; 0]);
    told.webhook_untold = true;
    assert!(verdicts(&told)[0].starts_with("by hand webhook"));
}

#[test]
fn a_child_is_planned_under_the_parent_that_was_found() {
    let mut observed = ready();
    observed.categories.truncate(1);
    let steps = to_do(&planned(&observed, &entry()));
    assert!(steps[0].contains("\"Bot\" under \"bot HANDOVER \""), "{steps:?}");
}

#[test]
fn identities_that_nobody_may_see_are_by_hand_and_announced_once() {
    let mut observed = ready();
    observed.sees_identities = false;
    (observed.bot_identity, observed.agent_identity) = (None, None);
    let steps = to_do(&planned(&observed, &Entry::default()));
    assert!(steps.iter().any(|step| step.starts_with("create identities")));
    assert!(
        steps
            .iter()
            .any(|step| step.starts_with("by hand agents speak as \"Agent\"")),
        "{steps:?}"
    );
    let mut told = entry();
    told.confirmed.insert(ANNOUNCED.to_owned(), faces_of(&wish()));
    told.told.insert(FACES.to_owned(), "agent".to_owned());
    assert_eq!(to_do(&planned(&observed, &told)), [""; 0]);
}

#[test]
fn one_thing_that_differs_is_one_step() {
    type Break = fn(&mut Observed);
    let cases: [(Break, &str); 9] = [
        (
            |it| it.sources[0].default_category_ids.clear(),
            "change default category",
        ),
        (
            |it| {
                it.sources[0]
                    .user_thread_default_category_ids
                    .push("x".to_owned());
            },
            "change default category",
        ),
        (|it| it.folders = Some(Vec::new()), "create folder"),
        (
            |it| it.permissions.get_mut("u").unwrap().clear(),
            "change agents: u",
        ),
        (
            |it| it.users.as_mut().unwrap()[0].category_ids.push("cb".to_owned()),
            "change category \"Bot\" of u",
        ),
        (
            |it| it.users.as_mut().unwrap()[0].identity_ids.clear(),
            "change identity \"Agent\" of u",
        ),
        (|it| it.bot_identity = None, "create identities \"Bot\""),
        (|it| it.webhooks = Some(Vec::new()), "create webhook"),
        (
            |it| it.webhooks.as_mut().unwrap()[0].status = Some("suspended".to_owned()),
            "change webhook",
        ),
    ];
    for (break_it, expected) in cases {
        let mut observed = ready();
        break_it(&mut observed);
        let steps = to_do(&planned(&observed, &entry()));
        assert!(
            steps.len() == 1 && steps[0].starts_with(expected),
            "{expected}: {steps:?}"
        );
    }
}

#[test]
fn a_webhook_keeps_its_events_and_is_told_secrets_only_when_it_lacks_them() {
    let mut observed = ready();
    observed.webhooks = Some(vec![webhook(
        "w",
        URL,
        &["intervention.closed", "identity.merged"],
    )]);
    let found = |observed: &Observed, entry: &Entry| {
        let steps = planned(observed, entry).steps;
        steps
            .into_iter()
            .find_map(|step| match step.act {
                Act::Webhook(plan) => Some(plan),
                _ => None,
            })
            .unwrap()
    };
    let mended = found(&observed, &entry());
    assert_eq!((mended.add, mended.tell), (vec!["intervention.canceled"], false));
    let half_finished = Entry {
        webhook_untold: true,
        ..entry()
    };
    assert!(found(&observed, &half_finished).tell);
    observed.webhooks.as_mut().unwrap()[0].verify_token = Some("another".to_owned());
    assert!(found(&observed, &entry()).tell);
}

#[test]
fn of_several_webhooks_that_lead_here_the_right_address_wins_and_neighbours_are_left_alone() {
    let mut observed = ready();
    let events = ["intervention.closed", "intervention.canceled"];
    observed.webhooks = Some(vec![
        webhook("w1", &format!("{URL}/webhook"), &events),
        webhook("w2", URL, &events),
        webhook("w3", "https://bridge.example/default/handover/rcefoo", &events),
        webhook("w4", "https://elsewhere.example/default/handover/rce", &events),
    ]);
    let steps = to_do(&planned(&observed, &entry()));
    assert_eq!(steps.len(), 1, "{steps:?}");
    assert!(steps[0].starts_with("by hand webhook w1"), "{steps:?}");
}

#[test]
fn a_webhook_that_was_made_here_moves_with_the_bridge() {
    let mut observed = ready();
    observed.webhooks.as_mut().unwrap()[0].url = "https://old.example/default/handover/rce".to_owned();
    let mut entry = entry();
    entry.made.webhook = Some(Object::made("w", "https://old.example/default/handover/rce"));
    let steps = to_do(&planned(&observed, &entry));
    assert!(steps[0].contains("leads to https://old.example"), "{steps:?}");
}

#[test]
fn what_the_tokens_role_may_not_is_by_hand_with_the_right_that_lacks() {
    let mut observed = ready();
    observed.categories.clear();
    observed.rights.role = Some(Role {
        id: "r".to_owned(),
        label: "Integrations".to_owned(),
        rights: ["read_user", "update_user", "monitor_tasks", "update_intervention"]
            .map(str::to_owned)
            .to_vec(),
    });
    let plan = planned(&observed, &entry());
    let steps = to_do(&plan);
    assert!(
        steps
            .iter()
            .take(3)
            .all(|step| step.starts_with("by hand category")),
        "{steps:?}"
    );
    assert!(steps[0].contains("manage_categories"), "{steps:?}");
    assert!(
        plan.notes
            .iter()
            .any(|note| note.contains("Admin > Roles > Integrations")),
        "{:?}",
        plan.notes
    );
}
