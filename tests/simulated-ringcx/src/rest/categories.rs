//! `categories`: the tree of labels. Changes need the right `manage_categories`.

use serde_json::{Value, json};

use crate::console::Category;
use crate::rest::params::Params;
use crate::rest::{Answer, RestError};
use crate::state::State;
use crate::time::seconds;

/// The colours that a category can have.
const COLORS: u8 = 7;

pub(super) fn handle(state: &mut State, method: &str, path: &[&str], params: &Params) -> Answer {
    if method != "GET" {
        state.must_have_right("manage_categories")?;
    }
    match (method, path) {
        ("GET", []) => Ok(list(state, params)),
        ("GET", [id]) => Ok(render(find(state, id)?)),
        ("POST", []) => create(state, params),
        ("PUT", [id]) => update(state, id, params),
        ("DELETE", [id]) => delete(state, id, params),
        _ => Err(RestError::not_found()),
    }
}

fn find<'a>(state: &'a State, id: &str) -> Result<&'a Category, RestError> {
    state.console.category(id).ok_or_else(RestError::not_found)
}

fn list(state: &State, params: &Params) -> Value {
    let ids = params.all("ids");
    let parent = params.first("parent_id");
    let found = state.console.categories.iter().filter(|category| {
        ids.as_ref().is_none_or(|ids| ids.contains(&category.id))
            && parent.is_none_or(|parent| category.parent_id.as_deref() == Some(parent))
    });
    params.page(found.collect(), render)
}

fn create(state: &mut State, params: &Params) -> Answer {
    let now = seconds(state.now());
    let id = state.ids.next();
    let mut category = Category::new(&id, "", None);
    category.created_at.clone_from(&now);
    apply(state, &mut category, params, now)?;
    let answer = render(&category);
    state.console.categories.push(category);
    Ok(answer)
}

fn update(state: &mut State, id: &str, params: &Params) -> Answer {
    let mut category = find(state, id)?.clone();
    let now = seconds(state.now());
    apply(state, &mut category, params, now)?;
    let answer = render(&category);
    if let Some(known) = state.console.categories.iter_mut().find(|known| known.id == id) {
        *known = category;
    }
    Ok(answer)
}

fn apply(state: &State, category: &mut Category, params: &Params, now: String) -> Result<(), RestError> {
    if let Some(name) = params.given("name") {
        name.clone_into(&mut category.name);
    }
    if let Some(parent) = params.given("parent_id") {
        category.parent_id = (!parent.is_empty()).then(|| parent.to_owned());
    }
    if let Some(color) = params.first("color") {
        let color = color.parse().ok().filter(|color| *color < COLORS);
        category.color = color.ok_or_else(|| RestError::invalid("Color is not included in the list"))?;
    }
    if category.name.is_empty() {
        return Err(RestError::invalid("Name can't be blank"));
    }
    if is_below(state, category.parent_id.as_deref(), &category.id)? {
        return Err(RestError::invalid("Parent is invalid"));
    }
    let is_twin = |known: &Category| {
        known.id != category.id && known.parent_id == category.parent_id && known.name == category.name
    };
    if state.console.categories.iter().any(is_twin) {
        return Err(RestError::invalid("Name is already taken"));
    }
    // The rest counts for categories without a parent only.
    if category.parent_id.is_none() {
        for (name, member) in [
            ("mandatory", &mut category.mandatory),
            ("multiple", &mut category.multiple),
            ("post_qualification", &mut category.post_qualification),
            ("unselectable", &mut category.unselectable),
        ] {
            *member = params.flag(name).unwrap_or(*member);
        }
        if let Some(sources) = params.all("source_ids") {
            if sources.iter().any(|id| state.console.source(id).is_none()) {
                return Err(RestError::invalid("Sources are invalid"));
            }
            category.source_ids = sources;
        }
    }
    category.updated_at = now;
    Ok(())
}

/// Whether a category is this one, or one of its descendants. An unknown one is refused.
fn is_below<'a>(state: &'a State, category: Option<&'a str>, ancestor: &str) -> Result<bool, RestError> {
    let mut next = category;
    while let Some(id) = next {
        if id == ancestor {
            return Ok(true);
        }
        let known = state.console.category(id);
        let known = known.ok_or_else(|| RestError::invalid("Parent is invalid"))?;
        next = known.parent_id.as_deref();
    }
    Ok(false)
}

/// What carries the category gets the one that takes over, or loses it. One with children stays: undocumented, and
/// the stricter way.
fn delete(state: &mut State, id: &str, params: &Params) -> Answer {
    let answer = render(find(state, id)?);
    let mut categories = state.console.categories.iter();
    if categories.any(|category| category.parent_id.as_deref() == Some(id)) {
        return Err(RestError::invalid("The category has children"));
    }
    let heir = params.first("take_over_category_id").map(str::to_owned);
    if heir
        .as_ref()
        .is_some_and(|heir| heir == id || !state.console.is_selectable(heir))
    {
        return Err(RestError::invalid("Take over category is invalid"));
    }
    let threads = state.threads.values();
    let carrying = threads.filter(|thread| thread.category_ids.iter().any(|it| it == id));
    let carrying: Vec<_> = carrying
        .map(|thread| (thread.id.clone(), thread.category_ids.clone()))
        .collect();
    for (thread, mut categories) in carrying {
        replace(&mut categories, id, heir.as_ref());
        state.categorise(&thread, categories, None);
    }
    for source in &mut state.console.sources {
        replace(&mut source.default_category_ids, id, heir.as_ref());
        replace(&mut source.user_thread_default_category_ids, id, heir.as_ref());
    }
    for account in &mut state.console.accounts {
        replace(&mut account.category_ids, id, None);
    }
    state.console.categories.retain(|category| category.id != id);
    Ok(answer)
}

fn replace(categories: &mut Vec<String>, old: &str, new: Option<&String>) {
    let before = categories.len();
    categories.retain(|id| id != old);
    if let Some(new) = new.filter(|new| categories.len() < before && !categories.contains(new)) {
        categories.push(new.clone());
    }
}

fn render(category: &Category) -> Value {
    json!({
        "color": category.color,
        "created_at": category.created_at,
        "id": category.id,
        "mandatory": category.mandatory,
        "multiple": category.multiple,
        "name": category.name,
        "parent_id": category.parent_id,
        "post_qualification": category.post_qualification,
        "source_ids": category.source_ids,
        "unselectable": category.unselectable,
        "updated_at": category.updated_at,
    })
}
