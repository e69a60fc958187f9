use handover_core::ids::SourceId;
use handover_core::ports::StoreError;

use super::Task;
use super::outcome::Step;

pub(super) async fn sweep(_: &Task<'_>, _: &SourceId) -> Result<Step, StoreError> {
    Ok(Step::Done)
}
