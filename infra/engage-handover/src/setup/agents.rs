//! Who answers: from what the user names to RCE's ids.

use std::collections::BTreeSet;

use handover_ringcx::console::{Console, Role, Team, User};

use super::Tools;
use super::account::{called, same_name};
use super::patience::Patience;
use super::terminal::Terminal;
use super::wish::Gather;
use crate::commands::Failure;

/// Most names that one line shows.
const SHOWN: usize = 8;

/// Finds everybody who is named, and who of the teams and roles is disabled. Everybody only if somebody says `all`.
async fn choose(
    console: &Console,
    patience: &Patience<'_>,
    named: &[String],
    users: &[User],
    me: &User,
) -> Result<(BTreeSet<String>, Vec<String>), Failure> {
    let needs = |prefix: &str| named.iter().any(|name| name.starts_with(prefix));
    let teams = if needs("team:") {
        patience.maybe(async || console.teams().await).await?
    } else {
        None
    };
    let roles = if needs("role:") {
        patience.maybe(async || console.roles().await).await?
    } else {
        None
    };
    let chosen =
        resolve(named, users, &me.id, teams.as_deref(), roles.as_deref()).map_err(Failure::Theirs)?;
    // The same as if they were enabled, to find out who is not; nobody else than they is new.
    let all: Vec<User> = users
        .iter()
        .map(|user| User {
            enabled: true,
            ..user.clone()
        })
        .collect();
    let meant = resolve(named, &all, &me.id, teams.as_deref(), roles.as_deref()).unwrap_or_default();
    let disabled = users
        .iter()
        .filter(|user| !user.enabled && meant.contains(&user.id))
        .filter(|_| needs("team:") || needs("role:"))
        .map(called)
        .collect();
    Ok((chosen, disabled))
}

/// `me` is the token's account: no agent, unless it is named itself. `teams`, `roles`: `None` if the token's account may not see them.
fn resolve(
    named: &[String],
    users: &[User],
    me: &str,
    teams: Option<&[Team]>,
    roles: Option<&[Role]>,
) -> Result<BTreeSet<String>, String> {
    let enabled = || users.iter().filter(|user| user.enabled);
    let mut chosen = BTreeSet::new();
    for name in named
        .iter()
        .map(|name| name.trim())
        .filter(|name| !name.is_empty())
    {
        let found: Vec<&User> = if name.eq_ignore_ascii_case("all") {
            enabled().filter(|user| user.id != me).collect()
        } else if let Some(team) = name.strip_prefix("team:") {
            let teams =
                teams.ok_or("the token's account may not see teams; name agents by e-mail address")?;
            let team = teams
                .iter()
                .find(|known| same_name(&known.name, team) || known.id == team)
                .ok_or_else(|| {
                    format!(
                        "there is no team {team}; there are: {}",
                        listed(teams.iter().map(|t| t.name.clone()))
                    )
                })?;
            enabled()
                .filter(|user| user.team_ids.contains(&team.id) || team.user_ids.contains(&user.id))
                .collect()
        } else if let Some(role) = name.strip_prefix("role:") {
            let roles =
                roles.ok_or("the token's account may not see roles; name agents by e-mail address")?;
            let role = roles
                .iter()
                .find(|known| same_name(&known.label, role) || known.id == role)
                .ok_or_else(|| {
                    format!(
                        "there is no role {role}; there are: {}",
                        listed(roles.iter().map(|r| r.label.clone()))
                    )
                })?;
            enabled()
                .filter(|user| user.role_id.as_deref() == Some(&role.id))
                .collect()
        } else {
            let is_meant = |user: &&User| {
                user.id == name
                    || user.email.as_deref().is_some_and(|email| same_name(email, name))
                    || same_name(&user.name, name)
            };
            let found: Vec<&User> = enabled().filter(is_meant).collect();
            if found.len() > 1 {
                return Err(format!(
                    "{name} is the name of {} agents; use the e-mail address",
                    found.len()
                ));
            }
            found
        };
        if found.is_empty() {
            return Err(format!(
                "nobody who is enabled is meant by {name}; there are: {}",
                listed(enabled().map(|user| user.email.clone().unwrap_or_else(|| called(user))))
            ));
        }
        chosen.extend(found.into_iter().map(|user| user.id.clone()));
    }
    if chosen.is_empty() {
        return Err("nobody is named who answers".to_owned());
    }
    Ok(chosen)
}

/// Asks who answers.
async fn ask(terminal: &Terminal, users: Option<&[User]>, me: &User) -> Result<Vec<String>, Failure> {
    let people = users
        .unwrap_or_default()
        .iter()
        .filter(|user| user.enabled && user.id != me.id);
    let shown = listed(people.map(|user| user.email.clone().unwrap_or_else(|| user.id.clone())));
    let hint =
        format!("E-mail addresses, team:NAME, role:NAME or all, separated by commas.\n  There are: {shown}");
    let typed = terminal
        .ask("Who answers handed-over conversations", &hint, None)
        .await?;
    Ok(typed.split(',').map(|name| name.trim().to_owned()).collect())
}

/// Who answers: who is named, else who was chosen before, else whoever the person names. Also who is disabled and was
/// left out.
pub(super) async fn chosen(
    gather: &Gather<'_>,
    tools: &Tools,
    patience: &Patience<'_>,
    users: Option<&[User]>,
    me: &User,
) -> Result<(BTreeSet<String>, Vec<String>), Failure> {
    let mut named = gather.args.agents.clone();
    if named.is_empty() && !gather.entry.agents.is_empty() {
        // Who left meanwhile is no reason to stop.
        let is_there =
            |id: &&String| users.is_none_or(|users| users.iter().any(|user| user.enabled && user.id == **id));
        let still = gather.entry.agents.iter().filter(is_there).cloned().collect();
        return Ok((still, Vec::new()));
    }
    let Some(users) = users else {
        return Ok((BTreeSet::new(), Vec::new()));
    };
    loop {
        if named.is_empty() {
            named = ask(gather.terminal, Some(users), me).await?;
        }
        match choose(&tools.console, patience, &named, users, me).await {
            Err(Failure::Theirs(error)) if gather.terminal.asks() => {
                gather.terminal.say(&format!("  {error}"));
                named.clear();
            }
            outcome => return outcome,
        }
    }
}

/// Names with commas between them; of many, the first.
pub(crate) fn listed(names: impl IntoIterator<Item = String>) -> String {
    let names: Vec<String> = names.into_iter().collect();
    match names.len() {
        0 => "none".to_owned(),
        count if count > SHOWN => format!("{} and {} more", names[..SHOWN].join(", "), count - SHOWN),
        _ => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str, email: &str, role: &str, enabled: bool) -> User {
        User {
            id: id.to_owned(),
            email: Some(email.to_owned()),
            name: format!("Agent {id}"),
            enabled,
            role_id: Some(role.to_owned()),
            team_ids: Vec::new(),
            category_ids: Vec::new(),
            identity_ids: Vec::new(),
        }
    }

    fn resolved(named: &[&str]) -> Result<Vec<String>, String> {
        let users = [
            user("u1", "Sam@acme.example", "r1", true),
            user("u2", "mira@acme.example", "r2", true),
            user("u3", "gone@acme.example", "r1", false),
            user("api", "api@acme.example", "r3", true),
        ];
        let teams = [Team {
            id: "t1".to_owned(),
            name: "Night Shift".to_owned(),
            user_ids: vec!["u2".to_owned(), "u3".to_owned()],
        }];
        let roles = [Role {
            id: "r1".to_owned(),
            label: "Agent".to_owned(),
            rights: Vec::new(),
        }];
        let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
        resolve(&named, &users, "api", Some(&teams), Some(&roles)).map(|chosen| chosen.into_iter().collect())
    }

    #[test]
    fn agents_are_named_by_address_id_team_role_or_all_and_who_left_is_nobody() {
        assert_eq!(resolved(&["sam@ACME.example"]).unwrap(), ["u1"]);
        assert_eq!(resolved(&["u2"]).unwrap(), ["u2"]);
        assert_eq!(resolved(&["team:night shift"]).unwrap(), ["u2"]);
        assert_eq!(resolved(&["role:Agent"]).unwrap(), ["u1"]);
        assert_eq!(resolved(&["all"]).unwrap(), ["u1", "u2"]);
        assert_eq!(resolved(&["Agent u2", " u1 "]).unwrap(), ["u1", "u2"]);
    }

    #[test]
    fn who_is_not_found_is_an_error_that_says_who_there_is() {
        let error = resolved(&["gone@acme.example"]).unwrap_err();
        assert!(error.contains("Sam@acme.example, mira@acme.example"), "{error}");
        assert!(resolved(&["team:Day"]).unwrap_err().contains("Night Shift"));
        assert!(resolved(&[" "]).is_err(), "an empty list is not everybody");
    }
}
