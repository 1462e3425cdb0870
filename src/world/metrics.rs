//! CloudWatch and requests through a stage.

use super::account::Account;
use crate::aws::AwsError;
use crate::aws::noun::{AlarmState, MetricPage, StageAnswer};
use crate::aws::operation::{GetMetricData, InvokeStage};

impl Account {
    pub(super) fn metric_data(&self, _: &GetMetricData) -> Result<MetricPage, AwsError> {
        Err(AwsError::rejected(500, "InternalServiceError", "no metrics"))
    }

    pub(super) fn describe_alarms(&self, _: &[String]) -> Vec<AlarmState> {
        Vec::new()
    }

    pub(super) fn invoke_stage(&self, _: &InvokeStage) -> Result<StageAnswer, AwsError> {
        Err(AwsError::rejected(500, "InternalServiceError", "no stage"))
    }
}
