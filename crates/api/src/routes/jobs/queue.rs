//! The queue as a whole, for admins.

use actix_web::web::{Data, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::JobStats;
use crate::error::Result;
use crate::extract::Admin;
use crate::respond::Created;
use crate::state::AppState;

/// Whether workers take no jobs now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PausedDto {
    paused: bool,
}

/// `GET /jobs/queue/stats`
pub(crate) async fn show_queue_stats(state: Data<AppState>, _admin: Admin) -> Result<Json<JobStats>> {
    JobStats::of_queue(&state).await.map(Json)
}

/// `POST /jobs/queue/pause`
pub(crate) async fn pause_queue(state: Data<AppState>, _admin: Admin) -> Result<Created<PausedDto>> {
    state.producer.pause().await?;
    Ok(Created(PausedDto { paused: true }))
}

/// `POST /jobs/queue/resume`
pub(crate) async fn resume_queue(state: Data<AppState>, _admin: Admin) -> Result<Created<PausedDto>> {
    state.producer.resume().await?;
    Ok(Created(PausedDto { paused: false }))
}
