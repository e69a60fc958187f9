//! Answering on channels of RCE's own: whether the token's account may, and whom it speaks as.

use handover_core::ids::IdentityId;
use handover_ringcx::console::Identity;

use super::{Case, GIVE_RIGHTS, list};
use crate::check::Sheet;
use crate::facts::{Seen, SourceFacts};
use crate::observe::FACES_MAX;

const REPLY: &str = "reply-permission";
const ALONE: &str = "own-account";
const AUTHOR: &str = "author-identity";
/// What it needs on each source (REST API, "Sources permissions").
const NEEDED: [&str; 2] = ["read", "reply"];

pub(super) fn judge(case: &Case<'_>, sheet: &mut Sheet) {
    if !case.connection.is_native() {
        let why = "does not apply: nothing is written by REST on this channel";
        sheet.skip(ALONE, why, "");
        sheet.skip(REPLY, why, "");
        return sheet.skip(AUTHOR, why, "");
    }
    alone(case, sheet);
    case.each_source(sheet, |facts, sheet| {
        reply(case, facts, sheet);
        author(case, facts, sheet);
    });
}

fn reply(case: &Case<'_>, facts: &SourceFacts, sheet: &mut Sheet) {
    let id = &facts.id;
    let how = format!(
        "Give the token's account read and reply on source {id} (Admin > Users, the account, permissions on sources)."
    );
    let look = format!(
        "Look whether the token's account has read and reply on source {id} (Admin > Users > permissions on sources)."
    );
    match &facts.own {
        _ if !matches!(facts.source, Seen::Yes(Some(_))) => {
            sheet.skip(REPLY, "not to be seen while the source cannot be read", look);
        }
        Seen::Yes(may) => {
            let lacking: Vec<&str> = NEEDED
                .into_iter()
                .filter(|needed| !may.iter().any(|has| has == needed))
                .collect();
            if lacking.is_empty() {
                sheet.ok(REPLY, "it may");
            } else {
                let what = format!("the token's account lacks {}", lacking.join(" and "));
                sheet.error(REPLY, what, how);
            }
        }
        // Each answer depends on it, so that nobody shall take silence for a yes.
        Seen::Forbidden if !case.token_is_refused() => sheet.warn(
            REPLY,
            "could not be looked at: the token's account may not see permissions (right \"read_user\")",
            format!("{GIVE_RIGHTS}: give it the right to read users (read_user). {look}"),
        ),
        other => sheet.skip(REPLY, case.unseen(other), look),
    }
}

/// What the bot's account closes looks like what an agent closes, and the other way round.
fn alone(case: &Case<'_>, sheet: &mut Sheet) {
    let account = &case.facts.account;
    let Seen::Yes(me) = &account.me else {
        return sheet.skip(ALONE, case.unseen(&account.me), "");
    };
    let agent = case.connection.ringcx.agent_category_id.as_str();
    if agent.is_empty() || !me.category_ids.iter().any(|held| held == agent) {
        return sheet.ok(ALONE, "it is no agent's");
    }
    sheet.warn(
        ALONE,
        format!("it holds the Agent category ({agent}), so it is an agent's: what that agent does looks like the bot's doing"),
        "Make an account of its own for the bot, with an API access token of its own (Admin > Users, Admin > API access tokens), or take the Agent category from this one (Admin > Users, the account, Categories).",
    );
}

fn author(case: &Case<'_>, facts: &SourceFacts, sheet: &mut Sheet) {
    let Seen::Yes(Some(source)) = &facts.source else {
        return sheet.skip(AUTHOR, "not to be seen while the source cannot be read", "");
    };
    let id = &facts.id;
    let look = format!(
        "Look whether the token's account has an identity on source {id} (Admin > Users, the account, Identities)."
    );
    let account = &case.facts.account;
    let (Seen::Yes(me), Seen::Yes(known)) = (&account.me, &account.faces) else {
        return sheet.skip(AUTHOR, case.unseen(&account.faces), look);
    };
    // Where RCE does not say which channel it is, it may be any.
    let is_here = |identity: &&Identity| {
        source.community_id.is_none()
            || identity.community_id.is_none()
            || identity.community_id == source.community_id
    };
    let here: Vec<&Identity> = known.iter().filter(is_here).collect();
    if let Some(wanted) = case.connection.ringcx.native.author_identities.get(id) {
        return configured(case, facts, wanted, &here, is_here, sheet);
    }
    match here.as_slice() {
        [first, ..] => sheet.ok(
            AUTHOR,
            format!("the account's first there, {}", called(first)),
        ),
        [] if me.identity_ids.len() > FACES_MAX => sheet.skip(
            AUTHOR,
            format!("none of the first {FACES_MAX} identities of the token's account is on the channel"),
            look,
        ),
        [] => sheet.error(
            AUTHOR,
            "the token's account speaks as nobody there: RingCentral would refuse every answer",
            format!("Give the token's account an identity of source {id} (Admin > Users, the account, Identities)."),
        ),
    }
}

/// `here`: whom the account speaks as on the channel.
fn configured(
    case: &Case<'_>,
    facts: &SourceFacts,
    wanted: &IdentityId,
    here: &[&Identity],
    is_here: impl Fn(&&Identity) -> bool,
    sheet: &mut Sheet,
) {
    let (id, wanted) = (&facts.id, wanted.as_str());
    let me = case.facts.account.me.yes();
    let offered: Vec<String> = here.iter().map(|identity| called(identity)).collect();
    let instead = if offered.is_empty() {
        String::new()
    } else {
        format!(" Those it has there: {}.", list(&offered))
    };
    let (what, how) = match &facts.author {
        Seen::Yes(None) => (
            format!("there is no identity {wanted}"),
            format!(
                "Set author_identities of source {id} to an identity of the token's account, or leave it out.{instead}"
            ),
        ),
        Seen::Yes(Some(identity)) if !is_here(&identity) => (
            format!("identity {} belongs to another channel", called(identity)),
            format!(
                "Set author_identities of source {id} to an identity on that source, or leave it out.{instead}"
            ),
        ),
        Seen::Yes(Some(identity)) if me.is_some_and(|me| me.identity_ids.contains(&identity.id)) => {
            return sheet.ok(AUTHOR, format!("{}, as configured", called(identity)));
        }
        Seen::Yes(Some(identity)) => (
            format!(
                "the token's account may not speak as identity {}",
                called(identity)
            ),
            format!(
                "Give it the identity (Admin > Users, the account, Identities), or set author_identities to one that it has.{instead}"
            ),
        ),
        other => return sheet.skip(AUTHOR, case.unseen(other), "Look at the identity in RingCentral."),
    };
    sheet.error(AUTHOR, what, how);
}

fn called(identity: &Identity) -> String {
    match &identity.screenname {
        Some(name) => format!("{name:?} ({})", identity.id),
        None => identity.id.clone(),
    }
}
