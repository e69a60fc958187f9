//! `tasks`: the queues of task mode.

use crate::events::TOKEN_USER;
use crate::model::{Task, TaskQueue};
use crate::rest::params::Params;
use crate::rest::{Answer, RestError, render};
use crate::state::State;

pub(super) fn handle(state: &mut State, method: &str, path: &[&str], params: &Params) -> Answer {
    match (method, path) {
        ("GET", []) => Ok(list(state, params)),
        ("GET", [id]) => Ok(render::task(find(state, id)?)),
        ("POST", [id, "complete"]) => {
            let task = find(state, id)?;
            if !matches!(task.queue, TaskQueue::Workbin(_)) {
                return Err(RestError::forbidden("Task can not be completed"));
            }
            let thread = task.thread_id.clone();
            state.close(&thread, Some(TOKEN_USER))?;
            Ok(render::task(find(state, id)?))
        }
        ("POST", [id, "transfer"]) => {
            let thread = find(state, id)?.thread_id.clone();
            let agent = params
                .all("agent_ids")
                .and_then(|agents| agents.into_iter().next())
                .unwrap_or_default();
            state.transfer(&thread, &agent, Some(TOKEN_USER))?;
            Ok(render::task(find(state, id)?))
        }
        _ => Err(RestError::not_found()),
    }
}

fn find<'a>(state: &'a State, id: &str) -> Result<&'a Task, RestError> {
    let task = state.tasks.get(id);
    let readable = task.filter(|task| state.token_may(state.source_of(&task.thread_id), "read"));
    readable.ok_or_else(RestError::not_found)
}

fn list(state: &State, params: &Params) -> serde_json::Value {
    let queue = params.first("queue").unwrap_or("global");
    let found = state
        .tasks
        .values()
        .filter(|task| match queue {
            "workbins" => matches!(task.queue, TaskQueue::Workbin(_)),
            name => task.queue.name() == name,
        })
        .filter(|task| state.token_may(state.source_of(&task.thread_id), "read"))
        .filter(|_| {
            params
                .first("channel_id")
                .is_none_or(|channel| channel == crate::events::REALTIME_CHANNEL)
        })
        .collect();
    params.page(found, render::task)
}
