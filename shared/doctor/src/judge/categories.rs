//! The two categories.

use handover_ringcx::console::{Category, User};

use super::{Case, list, many};
use crate::check::Sheet;
use crate::facts::Seen;

pub(super) fn judge(case: &Case<'_>, sheet: &mut Sheet) {
    let settings = &case.connection.ringcx;
    let facts = case.facts;
    let bot = one(
        case,
        "bot-category",
        "bot_category_id",
        settings.bot_category_id.as_str(),
        &facts.bot_category,
        sheet,
    );
    let agent = one(
        case,
        "agent-category",
        "agent_category_id",
        settings.agent_category_id.as_str(),
        &facts.agent_category,
        sheet,
    );
    let orphans: Vec<&str> = [bot, agent]
        .into_iter()
        .flatten()
        .filter(|category| category.parent_id.is_none() && !category.unselectable)
        .map(|category| category.name.as_str())
        .collect();
    match (bot, agent) {
        (None, None) => sheet.skip("category-parent", "neither category was read", ""),
        _ if orphans.is_empty() => sheet.ok("category-parent", "they have one"),
        _ => sheet.warn(
            "category-parent",
            format!("no parent: {}", list(&orphans)),
            "Create a parent category and the two below it (Admin > Categories), and set the new ids.",
        ),
    }
    holders(case, sheet);
}

fn one<'a>(
    case: &Case<'_>,
    check: &'static str,
    setting: &str,
    id: &str,
    seen: &'a Seen<Option<Category>>,
    sheet: &mut Sheet,
) -> Option<&'a Category> {
    match seen {
        Seen::Yes(Some(category)) if category.unselectable => {
            sheet.error(
                check,
                format!(
                    "category {:?} ({id}) is unselectable: threads cannot carry it",
                    category.name
                ),
                format!(
                    "Set {setting} to one of its children, or clear \"unselectable\" (Admin > Categories)."
                ),
            );
            Some(category)
        }
        Seen::Yes(Some(category)) => {
            sheet.ok(check, format!("{:?} ({id})", category.name));
            Some(category)
        }
        Seen::Yes(None) | Seen::NotFound => {
            sheet.error(
                check,
                format!("{setting} = {id}: there is no such category"),
                format!("Set {setting} to the number in the category's edit URL (Admin > Categories)."),
            );
            None
        }
        other => {
            sheet.skip(check, case.unseen(other), "");
            None
        }
    }
}

/// Who holds which. The token's own account is nobody's agent: an administrator often holds everything.
fn holders(case: &Case<'_>, sheet: &mut Sheet) {
    let facts = case.facts;
    let settings = &case.connection.ringcx;
    let (agents, bots) = (
        held_by(case, &facts.agents.holders),
        held_by(case, &facts.agents.bot_holders),
    );
    if are_swapped(case) {
        let what = format!(
            "nobody holds the Agent category ({}), and agents hold the Bot category ({}): the two ids are swapped",
            settings.agent_category_id, settings.bot_category_id
        );
        sheet.error(
            "agent-category-held",
            what,
            "Swap bot_category_id and agent_category_id in the configuration, and restart the bridge.",
        );
        return sheet.skip(
            "bot-category-free",
            "not to be judged while the two ids are swapped",
            "",
        );
    }
    let wrong = "not to be judged: there is no such category, or threads cannot carry it";
    match &agents {
        _ if sheet.failed("agent-category") => sheet.skip("agent-category-held", wrong, ""),
        Some(agents) if agents.is_empty() => sheet.error(
            "agent-category-held",
            format!(
                "no enabled agent holds the Agent category ({})",
                settings.agent_category_id
            ),
            "Give the Agent category to everybody who shall answer (Admin > Users, Categories).",
        ),
        Some(agents) => sheet.ok(
            "agent-category-held",
            format!("held by {}", many(agents.len(), "agent")),
        ),
        None => sheet.skip(
            "agent-category-held",
            case.unseen(&facts.agents.holders),
            "Look at Admin > Users, filter by the Agent category.",
        ),
    }
    match &bots {
        _ if sheet.failed("bot-category") => sheet.skip("bot-category-free", wrong, ""),
        Some(holders) if !holders.is_empty() => sheet.error(
            "bot-category-free",
            format!(
                "agents hold the Bot category ({}): {}",
                settings.bot_category_id,
                list(holders)
            ),
            "Take the Bot category from all agents (Admin > Users, Categories).",
        ),
        Some(_) => sheet.ok("bot-category-free", "nobody holds it"),
        None => sheet.skip(
            "bot-category-free",
            case.unseen(&facts.agents.bot_holders),
            "Look at Admin > Users, filter by the Bot category.",
        ),
    }
}

/// The enabled agents among those who hold a category.
fn held_by(case: &Case<'_>, seen: &Seen<Vec<User>>) -> Option<Vec<String>> {
    let me = case.facts.account.me.yes().map(|me| me.id.as_str());
    let enabled = seen
        .yes()?
        .iter()
        .filter(|user| user.enabled && Some(user.id.as_str()) != me);
    let names = enabled.map(|user| format!("{} ({})", user.name, user.id));
    Some(names.collect())
}

/// Whether the two ids are swapped: agents hold what is called the Bot category, nobody the other one, and threads do
/// not begin in what is called the Bot category.
pub(super) fn are_swapped(case: &Case<'_>) -> bool {
    let agents = &case.facts.agents;
    let (held, bot_held) = (held_by(case, &agents.holders), held_by(case, &agents.bot_holders));
    held.is_some_and(|held| held.is_empty())
        && bot_held.is_some_and(|held| !held.is_empty())
        && !begins_with_the_bot(case)
}

fn begins_with_the_bot(case: &Case<'_>) -> bool {
    let bot = case.connection.ringcx.bot_category_id.as_str();
    let sources = case.facts.sources.iter();
    let mut sources = sources.filter_map(|facts| facts.source.yes()?.as_ref());
    sources.any(|source| source.default_category_ids.iter().any(|id| id == bot))
}
