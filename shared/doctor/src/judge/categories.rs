//! The two categories.

use handover_ringcx::console::{Category, User};

use super::{Case, list};
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
        .filter(|category| category.parent_id.is_none())
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
    let me = facts.account.me.yes().map(|me| me.id.as_str());
    let of = |seen: &Seen<Vec<User>>| -> Option<Vec<String>> {
        let enabled = seen
            .yes()?
            .iter()
            .filter(|user| user.enabled && Some(user.id.as_str()) != me);
        Some(
            enabled
                .map(|user| format!("{} ({})", user.name, user.id))
                .collect(),
        )
    };
    let (agents, bots) = (of(&facts.agents.holders), of(&facts.agents.bot_holders));
    let swapped =
        matches!((&agents, &bots), (Some(agents), Some(bots)) if agents.is_empty() && !bots.is_empty());
    let hint = if swapped {
        " It looks as if bot_category_id and agent_category_id were swapped."
    } else {
        ""
    };
    match &agents {
        Some(agents) if agents.is_empty() => sheet.error(
            "agent-category-held",
            format!(
                "no enabled agent holds the Agent category ({}).{hint}",
                settings.agent_category_id
            ),
            "Give the Agent category to everybody who shall answer (Admin > Users, Categories).",
        ),
        Some(agents) => sheet.ok("agent-category-held", format!("{} agents hold it", agents.len())),
        None => sheet.skip(
            "agent-category-held",
            case.unseen(&facts.agents.holders),
            "Look at Admin > Users, filter by the Agent category.",
        ),
    }
    match &bots {
        Some(holders) if !holders.is_empty() => sheet.error(
            "bot-category-free",
            format!(
                "agents hold the Bot category ({}): {}.{hint}",
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
