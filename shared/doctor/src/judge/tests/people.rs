//! Identities, agents, the bot, and the work in hand.

use super::*;

#[test]
fn sending_and_identities() {
    let sends = |error: RingCxError| move |facts: &mut Facts| facts.send_api = Some(Err(error));
    let code = |code: &str| code.to_owned();
    let refused = RingCxError::SecretRefused {
        status: 422,
        code: code("invalid_signature"),
    };
    fails(
        sends(refused),
        "send-api",
        Status::Error,
        "realtime_access_tokens",
    );
    let unknown = RingCxError::Refused {
        status: 422,
        code: code("source_not_found"),
    };
    fails(sends(unknown), "send-api", Status::Error, "no source");
    let forbidden = RingCxError::NotPermitted {
        status: 403,
        code: code("no code"),
    };
    fails(sends(forbidden), "send-api", Status::Error, "403");
    fails(sends(RingCxError::NotFound), "send-api", Status::Error, "404");
    fails(
        sends(RingCxError::Unavailable { status: 503 }),
        "send-api",
        Status::Error,
        "503",
    );
    passes(sends(RingCxError::RateLimited { retry_after: None }));
    fails(
        |facts| yes(&mut facts.bot_identity).clear(),
        "bot-identity",
        Status::Warning,
        "\"bot\"",
    );
    fails(
        |facts| yes(&mut facts.agent_identity).clear(),
        "agent-identity",
        Status::Error,
        "\"agent\"",
    );
    fails(
        |f| yes(&mut f.agent_identity)[0].user_ids.clear(),
        "agent-identity",
        Status::Error,
        "nobody",
    );
    fails(
        |f| yes(&mut f.agent_identity)[0].user_ids.truncate(1),
        "agent-identity-assigned",
        Status::Error,
        "Mira",
    );
    let by_the_user = |facts: &mut Facts| {
        yes(&mut facts.agent_identity)[0].user_ids.clear();
        for user in yes(&mut facts.agents.holders) {
            user.identity_ids.push("i2".to_owned());
        }
    };
    passes(by_the_user);
}

#[test]
fn the_agents() {
    let may = |words: &'static [&'static str]| {
        move |facts: &mut Facts| {
            let words = words.iter().copied().map(str::to_owned).collect();
            facts.sources[0].agents.insert("a2".to_owned(), Seen::Yes(words));
        }
    };
    fails(
        may(&["read"]),
        "agent-permissions",
        Status::Error,
        "Mira Lindqvist (a2) lacks reply",
    );
    fails(
        may(&[]),
        "agent-permissions",
        Status::Error,
        "lacks read and reply",
    );
    passes(may(&["reply", "read", "destroy"]));
    fails(
        |facts| facts.agents.with_room = Some(0),
        "agents-now",
        Status::Warning,
        "nobody",
    );
    fails(
        |facts| {
            may(&[])(facts);
            facts.agents.with_room = Some(0);
        },
        "agent-permissions",
        Status::Error,
        "lacks read and reply",
    );
    passes(|facts| facts.agents.with_room = None);
    passes(|facts| {
        facts.agents.with_room = Some(0);
        facts.agents.is_open = Some(false);
    });
}

#[test]
fn the_bot() {
    let signed = |error: BotError| move |facts: &mut Facts| facts.bot.signed = Err(error);
    fails(
        signed(BotError::SecretRefused { status: 401 }),
        "bot-signature",
        Status::Error,
        "signing_secrets",
    );
    fails(
        signed(BotError::Refused { status: 404 }),
        "bot",
        Status::Error,
        "404",
    );
    fails(
        signed(BotError::Refused { status: 307 }),
        "bot",
        Status::Error,
        "redirects",
    );
    fails(signed(BotError::Gone), "bot", Status::Error, "410");
    let busy = BotError::Busy {
        status: 500,
        retry_after: None,
    };
    fails(signed(busy), "bot", Status::Error, "in trouble (500)");
    fails(
        signed(BotError::NoAnswer("connection refused".into())),
        "bot",
        Status::Error,
        "connection refused",
    );
    fails(
        |f| f.bot.forged = Ok(Probed::Took(Told { status: 200 })),
        "bot-verifies",
        Status::Warning,
        "wrong signature",
    );
    for status in [401, 403] {
        passes(move |facts| facts.bot.forged = Err(BotError::SecretRefused { status }));
    }
    passes(|facts| facts.bot.forged = Err(BotError::Refused { status: 400 }));
    fails(
        signed(BotError::SecretRefused { status: 403 }),
        "bot-signature",
        Status::Error,
        "(403)",
    );
    let too_many = BotError::Busy {
        status: 429,
        retry_after: None,
    };
    fails(
        signed(too_many),
        "bot",
        Status::Error,
        "no more requests just now",
    );
    passes(|facts| facts.bot.signed = Ok(Probed::Answers(Told { status: 404 })));
    let subscribed = format!(
        "{CONFIG}\n[[connections.shop.bot.queue_subscribers]]\nurl = \"https://wall.example.org\"\n\
         signing_secrets = [\"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\"]\n"
    );
    let gone = |facts: &mut Facts| facts.bot.subscribers = vec![Err(BotError::Gone)];
    fails_with(
        &connections(&subscribed),
        gone,
        "queue-subscribers",
        Status::Error,
        "wall.example.org",
    );
    let there = |facts: &mut Facts| facts.bot.subscribers = vec![Ok(Probed::Took(Told { status: 200 }))];
    assert_eq!(bad(&of(&connections(&subscribed), there)), []);
}

#[test]
fn the_work() {
    fn work(facts: &mut Facts) -> &mut WorkFacts {
        facts.work.as_mut().unwrap()
    }
    fn machine(facts: &mut Facts) -> &mut MachineFacts {
        facts.machine.as_mut().unwrap()
    }
    let dead = |facts: &mut Facts| {
        let (refused, gone) = (
            "the bot refused it (400)".to_owned(),
            "the bot is gone".to_owned(),
        );
        let late = at("2026-03-01T09:00:00Z");
        let early = at("2026-02-28T09:00:00Z");
        work(facts).dead = Some(vec![(gone, early), (refused.clone(), late), (refused, late)]);
    };
    fails(
        dead,
        "dead-letters",
        Status::Error,
        "3 dead letters, the oldest of 2026-02-28T09:00:00Z: 2 × the bot refused",
    );
    passes(|facts| work(facts).dead = None);
    fails(
        |facts| work(facts).waiting = Some(1_001),
        "jobs-waiting",
        Status::Warning,
        "1001",
    );
    fails(
        |f| work(f).overdue = Some(vec![at("2026-03-01T11:50:00Z")]),
        "overdue",
        Status::Error,
        "10 minutes",
    );
    fails(
        |f| machine(f).not_writable = Some("read-only".to_owned()),
        "data-directory",
        Status::Error,
        "read-only",
    );
    fails(
        |facts| machine(facts).free_bytes = Some(99 << 20),
        "data-directory",
        Status::Error,
        "99 MiB",
    );
    fails(
        |facts| machine(facts).free_bytes = Some(900 << 20),
        "data-directory",
        Status::Warning,
        "900 MiB",
    );
    fails(
        |facts| machine(facts).is_serving = false,
        "serving",
        Status::Error,
        "no bridge runs",
    );
    let not_yet = |facts: &mut Facts| {
        facts.work = None;
        machine(facts).has_begun = false;
        machine(facts).is_serving = false;
    };
    fails(not_yet, "serving", Status::Error, "nor did one before");
    passes(|facts| facts.work = None);
    passes(|facts| facts.machine = None);
}
