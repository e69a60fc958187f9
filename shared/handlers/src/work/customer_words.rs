use handover_core::imported::Imported;
use handover_core::ports::StoreError;

use super::Task;
use super::outcome::{Step, Why};

pub(super) async fn tell(_: &Task<'_>, _: &Imported) -> Result<Step, StoreError> {
    Ok(Step::Done)
}
pub(super) async fn tell_change(_: &Task<'_>, _: &Imported) -> Result<Step, StoreError> {
    Ok(Step::Done)
}
pub(super) async fn given_up(_: &Task<'_>, _: &Imported, _: &Why) -> Result<(), StoreError> {
    Ok(())
}
